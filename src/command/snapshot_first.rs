//! Before a rollback: a snapshot of how it is now, and then the same question again. Both go the
//! whole way of an act, the first as its own command.

use tokio::sync::watch;

use crate::action::{Deed, Request};
use crate::audit::Ending;
use crate::embed::{self, Reply};
use crate::ids::GuestQuery;

use super::begin::{Order, begin};
use super::confirm::{Asked, What};
use super::desk::Desk;
use super::power::{Aim, in_memory, question};
use super::ready::{NotReady, Ready, ready};
use super::{Audience, Confirmed, Decision, Last, Outcome, Task, Work, snapshots};

/// What was asked about is done later, if then somebody says yes.
pub(super) fn decide(desk: &Desk, request: &Request, asked: Asked) -> Decision {
    let What::Deed(asked) = asked.what else {
        return Decision::answer(embed::confirm::gone(), Audience::Private);
    };
    let Some(name) = snapshots::generated("before-rollback", desk.law().now()) else {
        return Decision::answer(embed::problem::internal(request.id), Audience::Private);
    };
    let first = Aim {
        deed: Deed::SnapshotCreate { name, ram: false },
        kind: Some(asked.guest.kind),
        guest: GuestQuery::from(&asked.guest.guest),
    };
    let yes = Confirmed {
        guest: asked.guest,
        snapshot: asked.snapshot,
        anyway: false,
    };
    match in_memory(desk, request, &first) {
        Ok(Some((facts, _))) if facts.name != yes.guest.name => {
            let reply = embed::confirm::replaced(&yes.guest, &facts);
            Decision::answer(reply, Audience::Private)
        }
        Ok(_) => {
            let work = Work::First(first, asked.deed);
            Decision::go(Task {
                confirmed: Some(yes),
                ..Task::new(request, work, desk.act_audience())
            })
        }
        Err(refusal) => Decision::answer(refusal, Audience::Private),
    }
}

pub(super) async fn perform(
    desk: &Desk,
    task: &Task,
    first: &Aim,
    then: &Deed,
    shown: &watch::Sender<Option<Reply>>,
) -> Outcome {
    let order = order(task, first);
    let ready = match ready(desk, &order).await {
        Ok(ready) => ready,
        Err(NotReady::Refused(reply)) => return task.refuse(reply),
        Err(NotReady::Failed(outcome)) => return *outcome,
    };
    if let Some(refusal) = changed(task, &ready) {
        return task.refuse(refusal);
    }
    if ready.permit.needs_confirmation() {
        return task.refuse(embed::confirm::asks_by_itself());
    }
    let (doing, permit) = match begin(desk, &order, ready).await {
        Ok(begun) => begun,
        Err(NotReady::Refused(reply)) => return task.refuse(reply),
        Err(NotReady::Failed(outcome)) => return *outcome,
    };
    let end = doing.carry_out(&permit, &task.request, shown).await;
    let taken = matches!(end.ending, Ending::Done | Ending::Warned);
    let mut outcome = Outcome::of(end);
    if taken {
        outcome = ask_again(desk, task, first, then, outcome).await;
    }
    outcome
}

fn order<'o>(task: &'o Task, aim: &'o Aim) -> Order<'o> {
    Order {
        request: &task.request,
        aim,
        once: None,
        public: task.audience == Audience::Public,
    }
}

/// Guest and snapshot are read again: the question is about how they are now. Where it would come as
/// a direct message, in which nobody can answer it, the person is told what to type instead.
async fn ask_again(
    desk: &Desk,
    task: &Task,
    first: &Aim,
    then: &Deed,
    outcome: Outcome,
) -> Outcome {
    let aim = Aim {
        deed: then.clone(),
        ..first.clone()
    };
    let mut late = None;
    let order = Order {
        // Nobody else reads what comes of it.
        public: false,
        ..order(task, &aim)
    };
    let aside = match ready(desk, &order).await {
        Ok(ready) => {
            if let Some(refusal) = changed(task, &ready) {
                refusal
            } else {
                let guest = &ready.found.guest.facts;
                late = embed::confirm::too_late_to_ask(then, guest);
                question(desk, &task.request, then, &ready).await.0
            }
        }
        Err(NotReady::Refused(refusal)) => refusal,
        Err(NotReady::Failed(outcome)) => match outcome.last {
            Last::Shown(reply) => reply,
            Last::Told | Last::Withdrawn | Last::Left => embed::problem::internal(task.request.id),
        },
    };
    Outcome {
        aside: Some(aside),
        late,
        ..outcome
    }
}

/// The guest or the snapshot is not the one that the question was about.
fn changed(task: &Task, ready: &Ready) -> Option<Reply> {
    let (yes, facts) = (task.confirmed.as_ref()?, &ready.found.guest.facts);
    if yes.guest.name != facts.name {
        return Some(embed::confirm::replaced(&yes.guest, facts));
    }
    let then = yes.snapshot.as_ref()?;
    snapshots::replaced(facts, then, ready.snapshots.as_ref())
}
