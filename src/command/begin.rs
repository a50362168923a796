//! The last steps before Proxmox is asked: no need for it, somebody is at it, counted, noted, and
//! checked once more, because noting takes time too.

use std::time::Duration;

use jiff::Timestamp;
use tokio::time::timeout;

use crate::action::{GuestFacts, Power, Request};
use crate::audit::{self, Ending, Entry, OpenError};
use crate::embed::act::{Act, NoNeed};
use crate::embed::{self, Reply};
use crate::follow;
use crate::permission::{Denied, Did, Grant, Law, Permit};
use crate::proxmox::{GuestNow, RunState};

use super::Outcome;
use super::desk::Desk;
use super::doing::Doing;
use super::power::{Switch, refuse};
use super::ready::{NotReady, Ready, permitted};
use super::resolve::FoundGuest;

/// A disk that takes longer is not one to rely on for what was done.
const NOTE_PATIENCE: Duration = Duration::from_secs(4);

/// Who acts, on what, and on whose approval.
pub(super) struct Order<'o> {
    /// The actor acts: the person who asked, also where somebody else pressed *Once*.
    pub request: &'o Request,
    pub switch: &'o Switch,
    /// What an approver lends for just this.
    pub once: Option<Grant>,
    pub public: bool,
}

impl Order<'_> {
    pub(super) fn law(&self, desk: &Desk) -> Law {
        match &self.once {
            Some(grant) => desk.law().with_once(grant.clone()),
            None => desk.law(),
        }
    }

    /// As the words have it.
    pub(super) fn act(&self, guest: &GuestFacts) -> Act {
        Act {
            power: self.switch.power,
            guest: guest.clone(),
            by: self.request.actor.user,
            approved: self.once.as_ref().map(|grant| grant.giver.user),
            since: Timestamp::now().as_second(),
        }
    }
}

/// The act with its open entry, and the permit of this very moment.
pub(super) async fn begin<'d>(
    desk: &'d Desk,
    order: &Order<'_>,
    ready: Ready,
) -> Result<(Doing<'d>, Permit), NotReady> {
    let Ready {
        found,
        now,
        permit,
        unsure,
    } = ready;
    let facts = found.guest.facts.clone();
    let act = order.act(&facts);
    if let Some(reply) = no_need(&act, &found, &now) {
        return Err(NotReady::Failed(Box::new(Outcome::shown(reply))));
    }
    let claim = match desk.busy.claim(&facts.guest, act.power, act.by) {
        Ok(claim) => claim,
        Err((power, by)) => {
            let busy = embed::problem::busy(&facts, power, desk.shown_actor(by));
            return Err(NotReady::Refused(busy));
        }
    };
    let did = counted(desk, order, &permit, &facts)?;
    // What is counted and noted now must be what it rests on when it is sent.
    let noted_as = permit.verdict().clone();
    let entry = match noted(desk, order, permit, &facts).await {
        Ok(entry) => entry,
        Err(not) => {
            desk.access.take_back(&did);
            return Err(not);
        }
    };
    let law = order.law(desk).without_grants(&unsure);
    let refusal = match once_more(&law.without(&did), order, &found, &now) {
        Ok(permit) if *permit.verdict() == noted_as => {
            let doing = Doing {
                desk,
                act,
                found,
                entry,
                claim,
            };
            return Ok((doing, permit));
        }
        Ok(_) => embed::problem::rules_changed(&facts),
        Err(denied) => refuse(desk, order.request, act.power, &facts, &denied),
    };
    desk.access.take_back(&did);
    let why = "refused at the last moment".to_owned();
    audit::close(&desk.store, entry, &Ending::NotSent(why)).await;
    Err(NotReady::Refused(refusal))
}

/// Counts the act before it is noted: of two at the same time, the second meets the limit.
fn counted(
    desk: &Desk,
    order: &Order<'_>,
    permit: &Permit,
    facts: &GuestFacts,
) -> Result<Did, NotReady> {
    let did = Did {
        user: permit.user(),
        under: permit.counts().map(|counts| counts.rule),
        guest: facts.guest.clone(),
        right: permit.right(),
        at_ms: Timestamp::now().as_millisecond(),
    };
    match desk.access.count(&did, permit.counts()) {
        Ok(()) => Ok(did),
        Err(until) => {
            let denied = Denied::too_often(permit, until);
            let reply = refuse(desk, order.request, order.switch.power, facts, &denied);
            Err(NotReady::Refused(reply))
        }
    }
}

/// Opens the entry of the audit, or finds out in time that it cannot.
async fn noted(
    desk: &Desk,
    order: &Order<'_>,
    permit: Permit,
    facts: &GuestFacts,
) -> Result<Entry, NotReady> {
    let id = order.request.id;
    let store = desk.store.clone();
    let (request, about, public) = (order.request.clone(), facts.clone(), order.public);
    let mut opening = tokio::spawn(async move {
        let opened = audit::open(&store, &permit, &request, &about, public).await;
        opened.map(|entry| (entry, store))
    });
    let Ok(opened) = timeout(NOTE_PATIENCE, &mut opening).await else {
        tracing::error!(interaction = %id, "the audit takes too long; nothing is done");
        // If it is opened after all, it says what became of it.
        tokio::spawn(async move {
            if let Ok(Ok((entry, store))) = opening.await {
                let why = "noting it took too long".to_owned();
                audit::close(&store, entry, &Ending::NotSent(why)).await;
            }
        });
        return Err(NotReady::Refused(embed::problem::not_noted(id)));
    };
    match opened {
        Ok(Ok((entry, _))) => Ok(entry),
        Ok(Err(OpenError::Twice)) => {
            tracing::info!(interaction = %id, "acted on already; left alone");
            Err(NotReady::Failed(Box::new(Outcome::left())))
        }
        Ok(Err(OpenError::Store(error))) => {
            tracing::error!(interaction = %id, %error, "the audit cannot be opened; nothing is done");
            Err(NotReady::Refused(embed::problem::not_noted(id)))
        }
        Err(error) => {
            tracing::error!(interaction = %id, %error, "opening the audit crashed; nothing is done");
            Err(NotReady::Refused(embed::problem::not_noted(id)))
        }
    }
}

/// The check that makes the permit of the write, with the newest that is known. The act itself has
/// been counted by now, and is not held against itself.
fn once_more(
    law: &Law,
    order: &Order<'_>,
    found: &FoundGuest,
    now: &GuestNow,
) -> Result<Permit, Denied> {
    let latest = found.inventory.latest();
    let guest = &found.guest.facts.guest;
    let facts = latest
        .as_ref()
        .and_then(|snapshot| snapshot.guests.get(&guest.vmid))
        .map(|guest| &guest.facts)
        .filter(|facts| facts.kind == found.guest.facts.kind)
        .ok_or(Denied::NoRule)?;
    permitted(law, order.request, order.switch, facts, now)
}

/// What the fresh facts already answer. `None`: it has to be asked of Proxmox.
fn no_need(act: &Act, found: &FoundGuest, now: &GuestNow) -> Option<Reply> {
    let runs = follow::runs(now);
    let paused = now.state() == &RunState::Paused;
    let why = match (act.power, runs) {
        _ if found.guest.template || now.template => NoNeed::Template,
        (Power::Stop | Power::Shutdown, Some(false)) => NoNeed::Stopped,
        (Power::Reboot, Some(false)) => NoNeed::NotRunning,
        _ if let Some(lock) = lock_in_the_way(act.power, now) => {
            return Some(embed::act::failed(act, &embed::act::locked_by(lock), runs));
        }
        (Power::Start | Power::Shutdown | Power::Reboot, _) if paused => NoNeed::Paused,
        (Power::Start, Some(true)) => NoNeed::Running,
        _ => return None,
    };
    Some(embed::act::not_needed(act, why, runs))
}

/// A guest suspended to disk is locked, and starting it is what frees it.
fn lock_in_the_way(power: Power, now: &GuestNow) -> Option<&str> {
    let lock = now.lock.as_deref()?;
    (lock != "suspended" || power != Power::Start).then_some(lock)
}
