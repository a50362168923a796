//! What is done to a guest, from the press to the true end. This is the spine: refused or allowed from
//! memory, asked twice where it must be, read again, permitted, noted, permitted once more, sent
//! once, followed, read again, told.

use tokio::sync::{oneshot, watch};

use crate::action::{Deed, GuestFacts, Power, Request, Right, Target};
use crate::embed::{self, Reply};
use crate::ids::{GuestQuery, Kind, NodeRef};
use crate::permission::{Denied, Rights, Verdict};
use crate::proxmox::RunState;

use super::begin::{Order, begin, no_need};
use super::confirm::{Asked, AskedDeed, What, until_closed};
use super::desk::{Desk, reason};
use super::doing::node_offline;
use super::memory::Short;
use super::ready::{NotReady, Ready, no_room, ready};
use super::requests::said;
use super::resolve::{self, FoundGuest, Lookup, Sight};
use super::{Audience, Confirmed, Decision, Outcome, Task, backups, snapshots};

/// What is to be done, and to which guest.
#[derive(Debug, Clone)]
pub(super) struct Aim {
    pub deed: Deed,
    pub kind: Option<Kind>,
    pub guest: GuestQuery,
}

/// From memory: refused, asked back, or on its way.
pub(super) fn decide(desk: &Desk, request: &Request, aim: Aim) -> Decision {
    let (facts, verdict) = match in_memory(desk, request, &aim) {
        Ok(Some(allowed)) => allowed,
        Ok(None) => return unseen(request, aim, None),
        Err(refusal) => return Decision::answer(refusal, Audience::Private),
    };
    if let Some((current, by)) = desk.busy.in_the_way(&facts.guest, &aim.deed) {
        let busy = embed::problem::busy(&facts, &current, desk.shown_actor(by));
        return Decision::answer(busy, Audience::Private);
    }
    if let Some(reply) = backups::no_such_storage(desk, &request.actor, &facts, &aim.deed) {
        return Decision::answer(reply, Audience::Private);
    }
    if verdict.confirm || aim.deed.always_confirmed() {
        let nothing_to_ask = seems_off(desk, &aim.deed, &facts) || seems_out_of_reach(desk, &facts);
        if aim.deed.needs_snapshot().is_some() || nothing_to_ask {
            // The question says what is lost, or there is nothing to ask, so that is read first.
            return Decision::go(Task::deed(request, aim, None, Audience::Private));
        }
        let (reply, closed) = ask(desk, request, &aim.deed, &facts);
        return Decision::Question { reply, closed };
    }
    Decision::go(Task::deed(request, aim, None, desk.act_audience()))
}

/// Whether memory has it that there is nothing to pull the plug of. That may have changed since.
pub(super) fn seems_off(desk: &Desk, deed: &Deed, guest: &GuestFacts) -> bool {
    let mut clusters = desk.asked_for(Some(&guest.guest.cluster));
    let latest = clusters.find_map(|cluster| cluster.latest());
    let seen = latest
        .as_ref()
        .and_then(|all| all.guests.get(&guest.guest.vmid));
    matches!(deed, Deed::Power(power) if !matches!(power, Power::Start | Power::Resume))
        && seen.is_some_and(|seen| seen.status == RunState::Stopped)
}

/// The same of the guest's node, on which nothing can be done then.
fn seems_out_of_reach(desk: &Desk, guest: &GuestFacts) -> bool {
    let mut clusters = desk.asked_for(Some(&guest.guest.cluster));
    clusters.any(|cluster| node_offline(cluster, &guest.node))
}

/// A snapshot under a name of ours.
pub(super) fn take_snapshot(
    desk: &Desk,
    request: &Request,
    guest: &GuestQuery,
    ram: bool,
) -> Decision {
    let Some(name) = snapshots::generated("discord", desk.law().now()) else {
        return Decision::answer(embed::problem::internal(request.id), Audience::Private);
    };
    let aim = Aim {
        deed: Deed::SnapshotCreate { name, ram },
        kind: None,
        guest: guest.clone(),
    };
    decide(desk, request, aim)
}

/// The person said yes to a question. What was asked is checked like a new command.
pub(super) fn confirmed(desk: &Desk, request: &Request, deed: Deed, yes: Confirmed) -> Decision {
    let aim = Aim {
        deed,
        kind: Some(yes.guest.kind),
        guest: GuestQuery::from(&yes.guest.guest),
    };
    match in_memory(desk, request, &aim) {
        Ok(Some((facts, _))) if facts.name != yes.guest.name => {
            let reply = embed::confirm::replaced(&yes.guest, &facts);
            Decision::answer(reply, Audience::Private)
        }
        Ok(Some(_)) => {
            let audience = desk.act_audience();
            Decision::go(Task::deed(request, aim, Some(yes), audience))
        }
        Ok(None) => unseen(request, aim, Some(yes)),
        Err(refusal) => Decision::answer(refusal, Audience::Private),
    }
}

/// The guest and the yes, from the newest snapshot; `None`: its cluster was never seen.
pub(super) fn in_memory(
    desk: &Desk,
    request: &Request,
    aim: &Aim,
) -> Result<Option<(GuestFacts, Verdict)>, Reply> {
    let found = match resolve::guest(desk, &request.actor, Sight::Known, aim.kind, &aim.guest) {
        Lookup::Found(found) => found,
        Lookup::NotYet => return Ok(None),
        lookup => return Err(not_found(desk, request, aim, lookup)),
    };
    let facts = found.guest.facts;
    if !aim.deed.is_for(facts.kind) {
        return Err(embed::problem::not_for_kind(&aim.deed, &facts));
    }
    let law = desk.law();
    let mine = law.of(&request.actor);
    match decide_deed(&mine, &aim.deed, &Target::Guest(&facts)) {
        Ok(verdict) => Ok(Some((facts, verdict))),
        Err(denied) => Err(refuse(desk, request, &aim.deed, &facts, &denied)),
    }
}

/// The decision about a deed: about its own right, and about what it does on the way.
pub(super) fn decide_deed(
    mine: &Rights<'_>,
    deed: &Deed,
    target: &Target<'_>,
) -> Result<Verdict, Denied> {
    for right in deed.also() {
        mine.decide(*right, target)?;
    }
    mine.decide(deed.right(), target)
}

/// Whether the person may ask for it, as far as memory tells.
pub(super) fn askable(desk: &Desk, request: &Request, aim: &Aim) -> bool {
    let actor = &request.actor;
    match resolve::guest(desk, actor, Sight::Known, aim.kind, &aim.guest) {
        Lookup::Found(found) => {
            let target = Target::Guest(&found.guest.facts);
            let law = desk.law();
            let under = law.of(actor).may_ask(aim.deed.right(), &target);
            under.is_some()
        }
        _ => false,
    }
}

/// Whether it may be done is not known yet, so nobody else is shown that it was asked.
fn unseen(request: &Request, aim: Aim, confirmed: Option<Confirmed>) -> Decision {
    Decision::go(Task::deed(request, aim, confirmed, Audience::Private))
}

/// Acknowledged: now it is read again, permitted, noted and done.
pub(super) async fn perform(
    desk: &Desk,
    task: &Task,
    aim: &Aim,
    shown: &watch::Sender<Option<Reply>>,
) -> Outcome {
    let order = Order {
        request: &task.request,
        aim,
        once: None,
        public: task.audience == Audience::Public,
    };
    let mut ready = match ready(desk, &order).await {
        Ok(ready) => ready,
        Err(NotReady::Refused(reply)) => return task.refuse(reply),
        Err(NotReady::Failed(outcome)) => return *outcome,
    };
    let facts = &ready.found.guest.facts;
    match &task.confirmed {
        Some(yes) if yes.guest.name != facts.name => {
            return task.refuse(embed::confirm::replaced(&yes.guest, facts));
        }
        Some(yes)
            if let Some(then) = &yes.snapshot
                && let Some(refusal) =
                    snapshots::replaced(facts, then, ready.snapshots.as_ref()) =>
        {
            return task.refuse(refusal);
        }
        None if ready.permit.needs_confirmation() || aim.deed.always_confirmed() => {
            let act = order.act(desk, facts, None);
            if let Some(outcome) = no_need(desk, &order, &act, &ready.found, &ready.now) {
                return outcome;
            }
            // It had to be read first; or the rule changed since the check in memory, or there was
            // no memory.
            let (reply, closed) = question(desk, &task.request, &aim.deed, &ready).await;
            return ask_late(task, reply, closed, shown).await;
        }
        _ => {}
    }
    let anyway = task.confirmed.as_ref().is_some_and(|yes| yes.anyway);
    match desk.starting.claim(&ready.found, &aim.deed, anyway) {
        Ok(claimed) => ready.memory = claimed,
        Err(short) => return too_little_memory(desk, task, &order, &ready.found, short),
    }
    match begin(desk, &order, ready).await {
        Ok((doing, permit)) => doing.go(&permit, &task.request, shown).await,
        Err(NotReady::Refused(reply)) => task.refuse(reply),
        Err(NotReady::Failed(outcome)) => *outcome,
    }
}

/// Whoever may pull plugs may also risk that the node does: they are asked, others are refused.
fn too_little_memory(
    desk: &Desk,
    task: &Task,
    order: &Order<'_>,
    found: &FoundGuest,
    short: Short,
) -> Outcome {
    let deed = &order.aim.deed;
    let facts = &found.guest.facts;
    let (law, target) = (desk.law(), Target::Guest(facts));
    let mine = law.of(&task.request.actor);
    if mine.decide(Right::Stop, &target).is_err() {
        return task.refuse(no_room(desk, order, facts));
    }
    let node = NodeRef {
        cluster: facts.guest.cluster.clone(),
        node: facts.node.clone(),
    };
    let sees = mine.decide(Right::View, &Target::Node(&node)).is_ok();
    let (reply, _) = desk.questions.ask(Asked {
        user: task.request.actor.user,
        what: What::Anyway(Box::new(AskedDeed {
            deed: deed.clone(),
            guest: facts.clone(),
            snapshot: None,
        })),
        about: embed::confirm::anyway(deed, facts, sees.then_some((short.needs, short.free))),
    });
    task.refuse(reply)
}

/// Asks in the answer that is already there; where that is public, in a private one beside it.
pub(super) async fn ask_late(
    task: &Task,
    reply: Reply,
    closed: oneshot::Receiver<Reply>,
    shown: &watch::Sender<Option<Reply>>,
) -> Outcome {
    if task.audience == Audience::Public {
        return task.refuse(reply);
    }
    until_closed(reply, closed, shown).await
}

/// From memory.
fn ask(
    desk: &Desk,
    request: &Request,
    deed: &Deed,
    guest: &GuestFacts,
) -> (Reply, oneshot::Receiver<Reply>) {
    desk.questions.ask(Asked {
        user: request.actor.user,
        what: What::Deed(Box::new(AskedDeed {
            deed: deed.clone(),
            guest: guest.clone(),
            snapshot: None,
        })),
        about: embed::confirm::of_deed(deed, guest),
    })
}

/// From what was just read; about a snapshot that is there.
pub(super) async fn question(
    desk: &Desk,
    request: &Request,
    deed: &Deed,
    ready: &Ready,
) -> (Reply, oneshot::Receiver<Reply>) {
    let guest = &ready.found.guest.facts;
    let back = match &ready.snapshots {
        Some(list) => snapshots::back_to(&ready.found, deed, list).await,
        None => None,
    };
    let Some(back) = back else {
        return ask(desk, request, deed, guest);
    };
    let law = desk.law();
    let create = law
        .of(&request.actor)
        .decide(Right::SnapshotCreate, &Target::Guest(guest));
    // A newer one may be in the way of a rollback, on ZFS say.
    let first = create.is_ok() && !back.only_newest;
    desk.questions.ask(Asked {
        user: request.actor.user,
        about: embed::confirm::of_snapshot(deed, guest, &back, first),
        what: What::Deed(Box::new(AskedDeed {
            deed: deed.clone(),
            guest: guest.clone(),
            snapshot: Some(back.snapshot),
        })),
    })
}

/// The words for a no, and where a rule lets the person ask for it, the button to do so.
pub(super) fn refuse(
    desk: &Desk,
    request: &Request,
    deed: &Deed,
    facts: &GuestFacts,
    denied: &Denied,
) -> Reply {
    let right = deed.right();
    let reply = refused(desk, request, right, facts, denied);
    with_ask(desk, request, deed, facts, reply)
}

/// A no with the button to ask for it, or with the request that is open already.
pub(super) fn with_ask(
    desk: &Desk,
    request: &Request,
    deed: &Deed,
    facts: &GuestFacts,
    reply: Reply,
) -> Reply {
    let law = desk.law();
    let mine = law.of(&request.actor);
    let may_ask = mine.may_ask(deed.right(), &Target::Guest(facts));
    if may_ask.is_none() {
        return reply;
    }
    let user = request.actor.user;
    match desk.requests.waiting(user, deed, &facts.guest) {
        Some(asked) => embed::asked::still_open(reply, &said(&asked)),
        None => embed::problem::with_ask(reply, deed, facts),
    }
}

/// The words for a no, noted.
pub(super) fn refused(
    desk: &Desk,
    request: &Request,
    right: Right,
    facts: &GuestFacts,
    denied: &Denied,
) -> Reply {
    let key = Target::Guest(facts).key();
    desk.note_refusal(request, Some(&key), &reason(denied));
    words(desk, request, right, facts, denied)
}

/// The words alone, where nobody asked for just that.
pub(super) fn words(
    desk: &Desk,
    request: &Request,
    right: Right,
    facts: &GuestFacts,
    denied: &Denied,
) -> Reply {
    let law = desk.law();
    embed::problem::not_now(right, facts, denied).unwrap_or_else(|| match denied {
        Denied::OtherChannel(_) => embed::problem::not_in_this_channel(right, facts),
        Denied::Lockdown => embed::problem::locked_down(right, facts),
        _ => {
            let target = Target::Guest(facts);
            let ask = law.holders(&request.actor, Right::Access, &target);
            embed::problem::not_allowed(right, facts, &ask)
        }
    })
}

pub(super) fn not_found(
    desk: &Desk,
    request: &Request,
    aim: &Aim,
    lookup: Lookup<FoundGuest>,
) -> Reply {
    super::guest_not_found(desk, request, &aim.guest, aim.deed.key(), lookup)
}
