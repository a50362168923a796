//! The last steps before Proxmox is asked: no need for it, somebody is at it, counted, noted, and
//! checked once more, because noting takes time too.

use jiff::Timestamp;

use crate::action::{Deed, GuestFacts, Power, Request, Right, Target};
use crate::audit::{self, About, Ending, NotSent, Opening};
use crate::embed::act::{Act, NoNeed};
use crate::embed::why::Readers;
use crate::embed::{self, Reply};
use crate::follow;
use crate::ids::Kind;
use crate::permission::{Denied, Did, Grant, Law, Permit};
use crate::proxmox::{GuestNow, Snapshots};

use super::Outcome;
use super::desk::Desk;
use super::doing::Doing;
use super::notify::Notice;
use super::opened::{NotOpened, opened};
use super::power::{Aim, decide_deed, refuse, with_ask, words};
use super::ready::{NotReady, Ready, permitted};
use super::resolve::FoundGuest;

/// Who acts, on what, and on whose approval.
pub(super) struct Order<'o> {
    /// The actor acts: the person who asked, also where somebody else pressed *Once*.
    pub request: &'o Request,
    pub aim: &'o Aim,
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

    /// For others who wait for the end. Where somebody approved it, the person who asked is told
    /// anyway.
    fn notice(&self, desk: &Desk, guest: &GuestFacts) -> Option<Notice> {
        let shared = self.public && self.once.is_none();
        let about = About::Guest(guest.clone());
        shared.then(|| desk.waiting.open(about, self.request.actor.channel))
    }

    /// Notes that it came to nothing before Proxmox was asked.
    pub(super) fn not_sent(&self, desk: &Desk, guest: &GuestFacts, why: &str) {
        let tried = NotSent {
            request: self.request,
            action: self.aim.deed.right().key(),
            detail: self.aim.deed.detail(),
            target: None,
            guest: Some(guest),
        };
        desk.note_not_sent(&tried, why);
    }

    /// As the words have it.
    pub(super) fn act(
        &self,
        desk: &Desk,
        guest: &GuestFacts,
        snapshots: Option<&Snapshots>,
    ) -> Act {
        let one_more = matches!(self.aim.deed, Deed::SnapshotCreate { .. });
        Act {
            deed: self.aim.deed.clone(),
            guest: guest.clone(),
            by: self.request.actor.user,
            approved: self.once.as_ref().map(|grant| grant.giver.user),
            before: snapshots.filter(|_| one_more).map(|all| all.list.len()),
            since: Timestamp::now().as_second(),
            notice: None,
            readers: Readers {
                public: self.public,
                owner: desk.is_owner(&self.request.actor),
            },
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
        snapshots,
        permit,
        lent,
        memory,
    } = ready;
    let facts = found.guest.facts.clone();
    let mut act = order.act(desk, &facts, snapshots.as_ref());
    if let Some(outcome) = no_need(desk, order, &act, &found, &now) {
        return Err(NotReady::Failed(Box::new(outcome)));
    }
    let claim = desk.busy.claim(&facts.guest, &act.deed, act.by);
    let claim = claim.map_err(|(current, by)| {
        let busy = embed::problem::busy(&facts, &current, desk.shown_actor(by));
        NotReady::Refused(busy)
    })?;
    let did = counted(desk, order, &permit, &facts)?;
    // What is counted and noted now must be what it rests on when it is sent.
    let noted_as = permit.verdict().clone();
    let opening = Opening {
        request: order.request,
        about: About::Guest(facts.clone()),
        detail: act.deed.detail(),
        public: order.public,
    };
    let entry = opened(desk, permit, &opening).await.map_err(|not| {
        desk.access.take_back(&did);
        not_ready(not)
    })?;
    let law = order
        .law(desk)
        .with_grants_only(order.request.actor.user, &lent);
    let refusal = match once_more(&law.without(&did), order, &found, &now) {
        Ok(permit) if *permit.verdict() == noted_as => {
            let notice = order.notice(desk, &facts);
            act.notice = notice.as_ref().map(Notice::id);
            let doing = Doing {
                notice,
                desk,
                act,
                found,
                entry,
                claim,
                memory,
                ha_managed: now.ha_managed,
            };
            return Ok((doing, permit));
        }
        Ok(_) => embed::problem::rules_changed(&facts),
        Err(denied) => refuse(desk, order.request, &act.deed, &facts, &denied),
    };
    desk.access.take_back(&did);
    let why = "refused at the last moment".to_owned();
    audit::close(&desk.store, entry, &Ending::NotSent(why)).await;
    Err(NotReady::Refused(refusal))
}

fn not_ready(not: NotOpened) -> NotReady {
    match not {
        NotOpened::Twice => NotReady::Failed(Box::new(Outcome::left())),
        NotOpened::Failed(reply) => NotReady::Refused(reply),
    }
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
        on: permit.target().clone(),
        right: permit.right(),
        at_ms: Timestamp::now().as_millisecond(),
    };
    match desk.access.count(&did, permit.counts()) {
        Ok(()) => Ok(did),
        Err(until) => {
            let denied = Denied::too_often(permit, until);
            let reply = refuse(desk, order.request, &order.aim.deed, facts, &denied);
            Err(NotReady::Refused(reply))
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
    permitted(law, order.request, order.aim, facts, now)
}

/// What the fresh facts already answer. `None`: it has to be asked of Proxmox.
pub(super) fn no_need(
    desk: &Desk,
    order: &Order<'_>,
    act: &Act,
    found: &FoundGuest,
    now: &GuestNow,
) -> Option<Outcome> {
    let runs = follow::runs(now);
    let held = follow::is_held(now);
    let power = match &act.deed {
        Deed::Power(power) => Some(*power),
        _ => None,
    };
    let why = match (power, runs) {
        // A template does not run and never changes; it can still be backed up.
        _ if (power.is_some() || act.deed.is_about_snapshots())
            && (found.guest.template || now.template) =>
        {
            NoNeed::Template
        }
        (Some(Power::Stop | Power::Shutdown), Some(false)) => NoNeed::Stopped,
        (Some(Power::Reboot | Power::Suspend | Power::Reset), Some(false)) => NoNeed::NotRunning,
        _ if let Some(lock) = lock_in_the_way(&act.deed, now) => {
            order.not_sent(desk, &act.guest, &format!("locked: {lock}"));
            let why = embed::why::locked_by(lock, &act.guest);
            return Some(Outcome::shown(embed::act::failed(
                act,
                &why,
                runs.filter(|_| !now.template),
            )));
        }
        (Some(Power::Start | Power::Shutdown | Power::Reboot | Power::Suspend), _) if held => {
            NoNeed::Paused
        }
        (Some(Power::Start), Some(true)) => NoNeed::Running,
        (Some(Power::Resume), Some(true)) if !held => NoNeed::Running,
        // A container that was written to disk stands still as a stopped one.
        (Some(Power::Resume), Some(false)) if act.guest.kind == Kind::Vm => NoNeed::NotRunning,
        _ => return None,
    };
    let aside = match (why, power) {
        // It is as asked.
        (NoNeed::Paused, Some(Power::Suspend)) => None,
        (NoNeed::Paused, _) => resumed_by_whom(desk, order, &act.guest),
        _ => None,
    };
    Some(Outcome {
        aside,
        ..Outcome::shown(embed::act::not_needed(act, why, runs))
    })
}

/// For who may not resume the guest themselves, or not now or here; where somebody approved the act, that one reads it, and
/// knows.
fn resumed_by_whom(desk: &Desk, order: &Order<'_>, guest: &GuestFacts) -> Option<Reply> {
    if order.once.is_some() {
        return None;
    }
    let (law, target) = (desk.law(), Target::Guest(guest));
    let (request, resume) = (order.request, Deed::Power(Power::Resume));
    let denied = decide_deed(&law.of(&request.actor), &resume, &target).err()?;
    let reply = match &denied {
        Denied::NoRule | Denied::ByRule(_) => {
            let ask = law.holders(&request.actor, Right::Access, &target);
            embed::problem::has_to_be_resumed(guest, &ask)
        }
        denied => {
            let no = words(desk, request, resume.right(), guest, denied);
            embed::problem::has_to_be_resumed_later(no)
        }
    };
    Some(with_ask(desk, request, &resume, guest, reply))
}

/// A guest suspended to disk is locked, and starting it is what frees it.
fn lock_in_the_way<'n>(deed: &Deed, now: &'n GuestNow) -> Option<&'n str> {
    let lock = now.lock.as_deref()?;
    (lock != "suspended" || *deed != Deed::Power(Power::Start)).then_some(lock)
}
