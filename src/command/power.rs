//! Switching power, from the press to the true end. This is the spine: refused or allowed from
//! memory, asked twice where it must be, read again, permitted, noted, sent once, followed, read
//! again, told.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use tokio::sync::{oneshot, watch};
use tokio::time::Instant;

use crate::action::{GuestFacts, Power, Request, Right, Target};
use crate::audit::{self, Ending, Entry, OpenError};
use crate::embed::act::Act;
use crate::embed::{self, Reply};
use crate::follow::{self, End};
use crate::ids::{GuestQuery, Kind};
use crate::permission::{Denied, Permit, check};
use crate::proxmox::{Error, GuestNow, RunState};

use super::busy::Claim;
use super::confirm::Asked;
use super::desk::{ACT_PATIENCE, Desk, FRESH, reason};
use super::resolve::{self, FoundGuest, Lookup};
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
    let found = match resolve::guest(desk, &request.actor, switch.kind, &switch.guest) {
        Lookup::Found(found) => found,
        // Whether it may be done is not known yet, so nobody else is shown that it was asked.
        Lookup::NotYet => {
            return Decision::go(Task::switch(request, switch, None, Audience::Private));
        }
        lookup => {
            let reply = not_found(desk, request, &switch, lookup);
            return Decision::answer(reply, Audience::Private);
        }
    };
    let facts = found.guest.facts;
    let right = switch.power.right();
    let policy = desk.policy.load();
    let decided = policy
        .of(&request.actor)
        .decide(right, &Target::Guest(&facts));
    let verdict = match decided {
        Ok(verdict) => verdict,
        Err(denied) => {
            let reply = refuse(desk, request, right, &facts, &denied);
            return Decision::answer(reply, Audience::Private);
        }
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
    let found = match resolve::guest(desk, &request.actor, switch.kind, &switch.guest) {
        Lookup::Found(found) => found,
        Lookup::NotYet => {
            let task = Task::switch(request, switch, Some(asked.guest), Audience::Private);
            return Decision::go(task);
        }
        lookup => {
            let reply = not_found(desk, request, &switch, lookup);
            return Decision::answer(reply, Audience::Private);
        }
    };
    let facts = found.guest.facts;
    if facts.name != asked.guest.name {
        let reply = embed::confirm::replaced(&asked.guest, &facts);
        return Decision::answer(reply, Audience::Private);
    }
    let right = switch.power.right();
    let policy = desk.policy.load();
    let decided = policy
        .of(&request.actor)
        .decide(right, &Target::Guest(&facts));
    if let Err(denied) = decided {
        let reply = refuse(desk, request, right, &facts, &denied);
        return Decision::answer(reply, Audience::Private);
    }
    let task = Task::switch(request, switch, Some(asked.guest), desk.act_audience());
    Decision::go(task)
}

/// Acknowledged: now it is read again, permitted, noted and done.
pub(super) async fn perform(
    desk: &Desk,
    task: &Task,
    switch: &Switch,
    shown: &watch::Sender<Option<Reply>>,
) -> Outcome {
    let request = &task.request;
    let (found, permit) = match permitted(desk, request, switch).await {
        Ok(permitted) => permitted,
        Err(reply) => return task.refuse(reply),
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
    let act = Act {
        power: switch.power,
        guest: facts.clone(),
        by: request.actor.user,
        since: unix_now(),
    };
    let now = match found.inventory.guest_now_fresh(&facts).await {
        Ok(now) => now,
        Err(error) => {
            tracing::warn!(interaction = %request.id, %error, "the guest cannot be read; nothing is done");
            return unreadable(desk, task, &found, &act, &error);
        }
    };
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

/// The guest as it is now, and the permit for it. Whatever is not sure is a no.
async fn permitted(
    desk: &Desk,
    request: &Request,
    switch: &Switch,
) -> Result<(FoundGuest, Permit), Reply> {
    for inventory in desk.asked_for(switch.guest.cluster.as_ref()) {
        let fresh = inventory.fresh(FRESH, ACT_PATIENCE).await;
        if let Err(stale) = fresh {
            let cluster = inventory.client().cluster();
            tracing::warn!(interaction = %request.id, %cluster, why = ?stale.why, "no fresh snapshot");
            // Another cluster may have the guest; one that cannot be read has none to act on.
            if desk.clusters.len() == 1 || switch.guest.cluster.is_some() {
                return Err(embed::problem::out_of_reach(cluster.as_str(), request.id));
            }
        }
    }
    let found = match resolve::guest(desk, &request.actor, switch.kind, &switch.guest) {
        Lookup::Found(found) => found,
        Lookup::NotYet => return Err(embed::problem::out_of_reach("Proxmox", request.id)),
        lookup => return Err(not_found(desk, request, switch, lookup)),
    };
    // The snapshot that holds this guest must itself be fresh.
    if found.inventory.fresh(FRESH, Duration::ZERO).await.is_err() {
        let cluster = found.inventory.client().cluster();
        return Err(embed::problem::out_of_reach(cluster.as_str(), request.id));
    }
    let facts = &found.guest.facts;
    let right = switch.power.right();
    let policy = desk.policy.load();
    match check(&policy, &request.actor, right, &Target::Guest(facts)) {
        Ok(permit) => Ok((found, permit)),
        Err(denied) => Err(refuse(desk, request, right, facts, &denied)),
    }
}

/// What the fresh facts already answer. `None`: it has to be asked of Proxmox.
fn no_need(act: &Act, found: &FoundGuest, now: &GuestNow) -> Option<Reply> {
    let runs = follow::runs(now);
    let why = if found.guest.template {
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

/// An act whose entry is open. From here on every way out closes it.
struct Doing<'d> {
    desk: &'d Desk,
    act: Act,
    found: FoundGuest,
    entry: Entry,
    claim: Claim,
}

impl Doing<'_> {
    async fn go(
        self,
        permit: &Permit,
        request: &Request,
        shown: &watch::Sender<Option<Reply>>,
    ) -> Outcome {
        let started = Instant::now();
        show(shown, embed::act::asked(&self.act));
        let client = self.found.inventory.client();
        let facts = &self.act.guest;
        let sent = client
            .power(
                permit,
                self.act.power,
                &facts.guest,
                facts.kind,
                &facts.node,
            )
            .await;
        let end = match sent {
            Ok(upid) => {
                audit::sent(&self.desk.store, &self.entry, &upid).await;
                show(shown, embed::act::at_work(&self.act));
                follow::to_the_end(&self.found.inventory, &self.act, &upid, started).await
            }
            Err(error) => {
                tracing::warn!(interaction = %request.id, %error, "Proxmox did not take the request");
                self.not_taken(request, &error).await
            }
        };
        audit::close(&self.desk.store, self.entry, &end.ending).await;
        self.found.inventory.refresh();
        drop(self.claim);
        Outcome {
            reply: Some(end.reply),
            aside: end.aside,
        }
    }

    /// Proxmox said no, or nothing.
    async fn not_taken(&self, request: &Request, error: &Error) -> End {
        let runs = follow::runs_now(&self.found.inventory, &self.act.guest).await;
        if !error.surely_not_done() {
            let reply = embed::act::unknown(&self.act, runs);
            return End::of(reply, Ending::Unknown(error.to_string()));
        }
        let (why, aside) = explain(self.desk, request, &self.found, error);
        End {
            reply: embed::act::failed(&self.act, &why, runs),
            aside,
            ending: Ending::Failed(error.to_string()),
        }
    }
}

/// A refusal of Proxmox in our words, and for those who can mend it, how.
fn explain(
    desk: &Desk,
    request: &Request,
    found: &FoundGuest,
    error: &Error,
) -> (String, Option<Reply>) {
    let why = embed::act::why_refused(&embed::act::Refusal {
        status: error.status(),
        text: error.reason(),
        missing: error.missing_privilege().is_some(),
    });
    let policy = desk.policy.load();
    let facts = &found.guest.facts;
    let owner = policy
        .of(&request.actor)
        .decide(Right::Access, &Target::Guest(facts));
    let aside = error.missing_privilege().map(|missing| {
        let token = owner.is_ok().then(|| desk.token_of(&facts.guest.cluster));
        embed::problem::missing_privilege(&missing.path, &missing.privileges, missing.any, token)
    });
    (why, aside)
}

/// The guest cannot be read, so nothing is done to it.
fn unreadable(desk: &Desk, task: &Task, found: &FoundGuest, act: &Act, error: &Error) -> Outcome {
    if error.status().is_none() {
        let cluster = act.guest.guest.cluster.as_str();
        return task.refuse(embed::problem::out_of_reach(cluster, task.request.id));
    }
    let (why, aside) = explain(desk, &task.request, found, error);
    Outcome {
        reply: Some(embed::act::failed(act, &why, None)),
        aside,
    }
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
    show(shown, reply.clone());
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
    match denied {
        Denied::OtherChannel(_) => embed::problem::not_in_this_channel(right, facts),
        Denied::NoRule | Denied::ByRule(_) => {
            let ask = desk
                .policy
                .load()
                .holders(&request.actor, Right::Access, &target);
            embed::problem::not_allowed(right, facts, &ask)
        }
    }
}

fn not_found(desk: &Desk, request: &Request, switch: &Switch, lookup: Lookup<FoundGuest>) -> Reply {
    super::guest_not_found(desk, request, &switch.guest, switch.power.key(), lookup)
}

fn show(shown: &watch::Sender<Option<Reply>>, reply: Reply) {
    shown.send_replace(Some(reply));
}

fn unix_now() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    since.map_or(0, |time| i64::try_from(time.as_secs()).unwrap_or(i64::MAX))
}
