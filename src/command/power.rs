//! Switching power, from the press to the true end. This is the spine: refused or allowed from
//! memory, asked twice where it must be, read again, permitted, noted, sent once, followed, read
//! again, told.

use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use tokio::sync::{oneshot, watch};

use crate::action::{GuestFacts, Power, Request, Right, Target};
use crate::audit::{self, OpenError};
use crate::embed::act::Act;
use crate::embed::{self, Reply};
use crate::follow;
use crate::ids::{GuestQuery, Kind};
use crate::permission::{Denied, Permit, Verdict, check};
use crate::proxmox::{Error, GuestNow, RunState};

use super::confirm::Asked;
use super::desk::{ACT_PATIENCE, Desk, FRESH, reason};
use super::doing::{self, Doing};
use super::resolve::{self, FoundGuest, Lookup, Sight};
use super::{Audience, Decision, Outcome, Task};

/// What is asked: which way, and of which guest.
#[derive(Debug, Clone)]
pub(super) struct Switch {
    pub power: Power,
    pub kind: Option<Kind>,
    pub guest: GuestQuery,
}

/// From memory: refused, asked back, or on its way.
pub(super) fn decide(desk: &Desk, request: &Request, switch: Switch) -> Decision {
    let (facts, verdict) = match in_memory(desk, request, &switch) {
        Ok(Some(allowed)) => allowed,
        Ok(None) => return unseen(request, switch, None),
        Err(refusal) => return Decision::answer(refusal, Audience::Private),
    };
    if let Some((power, by)) = desk.busy.in_the_way(&facts.guest, switch.power) {
        return Decision::answer(embed::problem::busy(&facts, power, by), Audience::Private);
    }
    if verdict.confirm {
        let (reply, closed) = question(desk, request, switch.power, &facts);
        return Decision::Question { reply, closed };
    }
    Decision::go(Task::switch(request, switch, None, desk.act_audience()))
}

/// The person said yes to a question. What was asked is checked like a new command.
pub(super) fn confirmed(desk: &Desk, request: &Request, asked: Asked) -> Decision {
    let switch = Switch {
        power: asked.power,
        kind: Some(asked.guest.kind),
        guest: GuestQuery::from(&asked.guest.guest),
    };
    match in_memory(desk, request, &switch) {
        Ok(Some((facts, _))) if facts.name != asked.guest.name => {
            let reply = embed::confirm::replaced(&asked.guest, &facts);
            Decision::answer(reply, Audience::Private)
        }
        Ok(Some(_)) => {
            let audience = desk.act_audience();
            Decision::go(Task::switch(request, switch, Some(asked.guest), audience))
        }
        Ok(None) => unseen(request, switch, Some(asked.guest)),
        Err(refusal) => Decision::answer(refusal, Audience::Private),
    }
}

/// The guest and the yes, from the newest snapshot; `None`: its cluster was never seen.
fn in_memory(
    desk: &Desk,
    request: &Request,
    switch: &Switch,
) -> Result<Option<(GuestFacts, Verdict)>, Reply> {
    let found = match resolve::guest(
        desk,
        &request.actor,
        Sight::Known,
        switch.kind,
        &switch.guest,
    ) {
        Lookup::Found(found) => found,
        Lookup::NotYet => return Ok(None),
        lookup => return Err(not_found(desk, request, switch, lookup)),
    };
    let facts = found.guest.facts;
    let right = switch.power.right();
    let law = desk.law();
    let mine = law.of(&request.actor);
    match mine.decide(right, &Target::Guest(&facts)) {
        Ok(verdict) => Ok(Some((facts, verdict))),
        Err(denied) => Err(refuse(desk, request, right, &facts, &denied)),
    }
}

/// Whether it may be done is not known yet, so nobody else is shown that it was asked.
fn unseen(request: &Request, switch: Switch, confirmed: Option<GuestFacts>) -> Decision {
    Decision::go(Task::switch(request, switch, confirmed, Audience::Private))
}

/// Acknowledged: now it is read again, permitted, noted and done.
pub(super) async fn perform(
    desk: &Desk,
    task: &Task,
    switch: &Switch,
    shown: &watch::Sender<Option<Reply>>,
) -> Outcome {
    let request = &task.request;
    let Ready { found, now, permit } = match ready(desk, request, switch).await {
        Ok(ready) => ready,
        Err(NotReady::Refused(reply)) => return task.refuse(reply),
        Err(NotReady::Failed(outcome)) => return outcome,
    };
    let facts = found.guest.facts.clone();
    match &task.confirmed {
        Some(asked) if asked.name != facts.name => {
            return task.refuse(embed::confirm::replaced(asked, &facts));
        }
        None if permit.needs_confirmation() => {
            // The rule changed between the check in memory and this one, or there was no memory.
            let (reply, closed) = question(desk, request, switch.power, &facts);
            return ask_late(task, reply, closed, shown).await;
        }
        _ => {}
    }
    let act = act_of(request, switch.power, &facts);
    if let Some(reply) = no_need(&act, &found, &now) {
        return Outcome::shown(reply);
    }
    let claim = match desk.busy.claim(&facts.guest, switch.power, act.by) {
        Ok(claim) => claim,
        Err((power, by)) => return task.refuse(embed::problem::busy(&facts, power, by)),
    };
    let public = task.audience == Audience::Public;
    match audit::open(&desk.store, &permit, request, &facts, public).await {
        Ok(entry) => {
            let doing = Doing {
                desk,
                act,
                found,
                entry,
                claim,
            };
            doing.go(&permit, request, shown).await
        }
        Err(OpenError::Twice) => {
            tracing::info!(interaction = %request.id, "acted on already; left alone");
            Outcome {
                reply: None,
                aside: None,
            }
        }
        Err(OpenError::Store(error)) => {
            tracing::error!(interaction = %request.id, %error, "the audit cannot be opened; nothing is done");
            task.refuse(embed::problem::not_noted(request.id))
        }
    }
}

/// The guest as it is at this moment, and the permit for just that.
struct Ready {
    found: FoundGuest,
    now: Arc<GuestNow>,
    permit: Permit,
}

enum NotReady {
    Refused(Reply),
    Failed(Outcome),
}

/// Reads everything again and checks it again. Whatever is not sure is a no.
async fn ready(desk: &Desk, request: &Request, switch: &Switch) -> Result<Ready, NotReady> {
    let refused = NotReady::Refused;
    let mut found = fresh_guest(desk, request, switch).await.map_err(refused)?;
    let now = found.inventory.guest_now_fresh(&found.guest.facts).await;
    let now = match now {
        Ok(now) => now,
        Err(error) => {
            tracing::warn!(interaction = %request.id, %error, "the guest cannot be read; nothing is done");
            let act = act_of(request, switch.power, &found.guest.facts);
            return Err(unreadable(desk, request, &found, &act, &error));
        }
    };
    let facts = &mut found.guest.facts;
    // What the guest itself says is newer than the snapshot; what it does not say stays.
    facts.name = now.name.clone().or(facts.name.take());
    if !now.tags.is_empty() {
        facts.tags.clone_from(&now.tags);
    }
    let right = switch.power.right();
    let law = desk.law();
    let checked = check(&law, &request.actor, right, &Target::Guest(facts));
    match checked {
        Ok(permit) => Ok(Ready { found, now, permit }),
        Err(denied) => Err(refused(refuse(desk, request, right, facts, &denied))),
    }
}

/// The guest from a snapshot that is at most ten seconds old.
async fn fresh_guest(desk: &Desk, request: &Request, switch: &Switch) -> Result<FoundGuest, Reply> {
    let out_of_reach = |cluster: &str| embed::problem::out_of_reach(cluster, request.id);
    let only = desk.clusters.len() == 1 || switch.guest.cluster.is_some();
    for inventory in desk.asked_for(switch.guest.cluster.as_ref()) {
        if let Err(stale) = inventory.fresh(FRESH, ACT_PATIENCE).await {
            let cluster = inventory.client().cluster();
            tracing::warn!(interaction = %request.id, %cluster, why = ?stale.why, "no fresh snapshot");
            // Another cluster may have the guest; one that cannot be read has none to act on.
            if only {
                return Err(out_of_reach(cluster.as_str()));
            }
        }
    }
    let found = match resolve::guest(
        desk,
        &request.actor,
        Sight::Known,
        switch.kind,
        &switch.guest,
    ) {
        Lookup::Found(found) => found,
        Lookup::NotYet => return Err(out_of_reach("Proxmox")),
        lookup => return Err(not_found(desk, request, switch, lookup)),
    };
    // The very snapshot that holds this guest must be a fresh one. It may have grown a moment older
    // since it was asked for.
    let still_fresh = FRESH + Duration::from_secs(1);
    match found.inventory.fresh(still_fresh, Duration::ZERO).await {
        Ok(_) => Ok(found),
        Err(_) => Err(out_of_reach(found.inventory.client().cluster().as_str())),
    }
}

fn act_of(request: &Request, power: Power, guest: &GuestFacts) -> Act {
    let since = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default();
    Act {
        power,
        guest: guest.clone(),
        by: request.actor.user,
        since: i64::try_from(since.as_secs()).unwrap_or(i64::MAX),
    }
}

/// What the fresh facts already answer. `None`: it has to be asked of Proxmox.
fn no_need(act: &Act, found: &FoundGuest, now: &GuestNow) -> Option<Reply> {
    let runs = follow::runs(now);
    let why = if found.guest.template || now.template {
        "is a template".to_owned()
    } else if let Some(lock) = now
        .lock
        .as_deref()
        .filter(|lock| in_the_way(act.power, lock))
    {
        return Some(embed::act::failed(act, &embed::act::locked_by(lock), runs));
    } else if now.state() == &RunState::Paused
        && matches!(act.power, Power::Shutdown | Power::Reboot)
    {
        "is paused".to_owned()
    } else {
        match (act.power, runs) {
            (Power::Start, Some(true)) if now.state() != &RunState::Paused => {
                "runs already".to_owned()
            }
            (Power::Start, Some(true)) => "is paused".to_owned(),
            (Power::Stop | Power::Shutdown, Some(false)) => "is stopped already".to_owned(),
            (Power::Reboot, Some(false)) => "does not run".to_owned(),
            _ => return None,
        }
    };
    Some(embed::act::not_needed(act, &why, runs))
}

/// A guest suspended to disk is locked, and starting it is what frees it.
fn in_the_way(power: Power, lock: &str) -> bool {
    !(lock == "suspended" && power == Power::Start)
}

/// The guest cannot be read, so nothing is done to it.
fn unreadable(
    desk: &Desk,
    request: &Request,
    found: &FoundGuest,
    act: &Act,
    error: &Error,
) -> NotReady {
    if error.status().is_none() {
        let cluster = act.guest.guest.cluster.as_str();
        return NotReady::Refused(embed::problem::out_of_reach(cluster, request.id));
    }
    let (why, aside) = doing::explain(desk, request, found, error);
    NotReady::Failed(Outcome {
        reply: Some(embed::act::failed(act, &why, None)),
        aside,
    })
}

/// Asks in the answer that is already there; where that is public, in a private one beside it.
async fn ask_late(
    task: &Task,
    reply: Reply,
    closed: oneshot::Receiver<Reply>,
    shown: &watch::Sender<Option<Reply>>,
) -> Outcome {
    if task.audience == Audience::Public {
        return task.refuse(reply);
    }
    shown.send_replace(Some(reply.clone()));
    Outcome::shown(closed.await.unwrap_or(reply))
}

fn question(
    desk: &Desk,
    request: &Request,
    power: Power,
    guest: &GuestFacts,
) -> (Reply, oneshot::Receiver<Reply>) {
    let asked = Asked {
        user: request.actor.user,
        power,
        guest: guest.clone(),
    };
    let (id, closed) = desk.questions.ask(asked);
    (embed::confirm::question(id, power, guest), closed)
}

fn refuse(
    desk: &Desk,
    request: &Request,
    right: Right,
    facts: &GuestFacts,
    denied: &Denied,
) -> Reply {
    let target = Target::Guest(facts);
    desk.note_refusal(request, Some(&target.key()), &reason(denied));
    if let Some(reply) = embed::problem::not_now(right, facts, denied) {
        return reply;
    }
    match denied {
        Denied::OtherChannel(_) => embed::problem::not_in_this_channel(right, facts),
        Denied::Lockdown => embed::problem::locked_down(right, facts),
        _ => {
            let ask = desk.law().holders(&request.actor, Right::Access, &target);
            embed::problem::not_allowed(right, facts, &ask)
        }
    }
}

fn not_found(desk: &Desk, request: &Request, switch: &Switch, lookup: Lookup<FoundGuest>) -> Reply {
    super::guest_not_found(desk, request, &switch.guest, switch.power.key(), lookup)
}
