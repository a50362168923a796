//! Switching power, from the press to the true end. This is the spine: refused or allowed from
//! memory, asked twice where it must be, read again, permitted, noted, permitted once more, sent
//! once, followed, read again, told.

use tokio::sync::{oneshot, watch};

use crate::action::{GuestFacts, Power, Request, Right, Target};
use crate::embed::{self, Reply};
use crate::ids::{GuestQuery, Kind};
use crate::permission::{Denied, Verdict};

use super::begin::{Order, begin};
use super::confirm::Asked;
use super::desk::{Desk, reason};
use super::ready::{NotReady, ready};
use super::requests::said;
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
        let busy = embed::problem::busy(&facts, power, desk.shown_actor(by));
        return Decision::answer(busy, Audience::Private);
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
pub(super) fn in_memory(
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
        Err(denied) => Err(refuse(desk, request, switch.power, &facts, &denied)),
    }
}

/// Whether the person may ask for it, as far as memory tells.
pub(super) fn askable(desk: &Desk, request: &Request, switch: &Switch) -> bool {
    let actor = &request.actor;
    match resolve::guest(desk, actor, Sight::Known, switch.kind, &switch.guest) {
        Lookup::Found(found) => {
            let target = Target::Guest(&found.guest.facts);
            let law = desk.law();
            let under = law.of(actor).may_ask(switch.power.right(), &target);
            under.is_some()
        }
        _ => false,
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
    let order = Order {
        request: &task.request,
        switch,
        once: None,
        public: task.audience == Audience::Public,
    };
    let ready = match ready(desk, &order).await {
        Ok(ready) => ready,
        Err(NotReady::Refused(reply)) => return task.refuse(reply),
        Err(NotReady::Failed(outcome)) => return *outcome,
    };
    let facts = &ready.found.guest.facts;
    match &task.confirmed {
        Some(asked) if asked.name != facts.name => {
            return task.refuse(embed::confirm::replaced(asked, facts));
        }
        None if ready.permit.needs_confirmation() => {
            // The rule changed between the check in memory and this one, or there was no memory.
            let (reply, closed) = question(desk, &task.request, switch.power, facts);
            return ask_late(task, reply, closed, shown).await;
        }
        _ => {}
    }
    match begin(desk, &order, ready).await {
        Ok((doing, permit)) => doing.go(&permit, &task.request, shown).await,
        Err(NotReady::Refused(reply)) => task.refuse(reply),
        Err(NotReady::Failed(outcome)) => *outcome,
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

/// The words for a no, and where a rule lets the person ask for it, the button to do so.
pub(super) fn refuse(
    desk: &Desk,
    request: &Request,
    power: Power,
    facts: &GuestFacts,
    denied: &Denied,
) -> Reply {
    let target = Target::Guest(facts);
    let right = power.right();
    desk.note_refusal(request, Some(&target.key()), &reason(denied));
    let law = desk.law();
    let reply = embed::problem::not_now(right, facts, denied).unwrap_or_else(|| match denied {
        Denied::OtherChannel(_) => embed::problem::not_in_this_channel(right, facts),
        Denied::Lockdown => embed::problem::locked_down(right, facts),
        _ => {
            let ask = law.holders(&request.actor, Right::Access, &target);
            embed::problem::not_allowed(right, facts, &ask)
        }
    });
    if law.of(&request.actor).may_ask(right, &target).is_none() {
        return reply;
    }
    let user = request.actor.user;
    match desk.requests.waiting(user, power, &facts.guest) {
        Some(asked) => embed::asked::still_open(reply, &said(&asked)),
        None => embed::problem::with_ask(reply, power, facts),
    }
}

pub(super) fn not_found(
    desk: &Desk,
    request: &Request,
    switch: &Switch,
    lookup: Lookup<FoundGuest>,
) -> Reply {
    super::guest_not_found(desk, request, &switch.guest, switch.power.key(), lookup)
}
