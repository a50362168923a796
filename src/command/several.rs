//! The same done to several guests: each is checked, noted and followed by itself, as if it had been
//! asked for alone, and one card shows them all.

use std::sync::{Mutex, PoisonError};

use futures_util::stream::{self, StreamExt as _};
use tokio::sync::watch;

use crate::action::{Deed, GuestFacts, Power, Request, Several, Target};
use crate::embed::several as words;
use crate::embed::{self, Reply};
use crate::ids::{GuestQuery, Kind};

use super::begin::{Order, begin};
use super::confirm::{Asked, What};
use super::desk::Desk;
use super::power::Aim;
use super::ready::{NotReady, ready};
use super::resolve::{self, Lookup, Sight};
use super::{Audience, Decision, Last, Outcome, Task, Work};

/// At a time: a node that starts ten VMs at once is not faster.
const AT_ONCE: usize = 3;

/// What is done, and to whom it was decided to be done.
#[derive(Debug, Clone)]
pub(super) struct Batch {
    pub power: Power,
    pub guests: Vec<GuestFacts>,
    /// The person was asked about just these, and said yes.
    pub confirmed: bool,
}

pub(super) fn decide(
    desk: &Desk,
    request: &Request,
    power: Power,
    kind: Kind,
    which: &Several,
) -> Decision {
    let refuse = |reply| Decision::answer(reply, Audience::Private);
    let (guests, confirm) = allowed(desk, request, power, kind, which);
    if guests.is_empty() {
        desk.note_refusal(request, None, "none of several guests");
        return refuse(words::none(power, which));
    }
    if guests.len() > Several::MOST {
        return refuse(words::too_many(which, guests.len()));
    }
    if confirm {
        let about = words::subject(power, which, &guests);
        let (reply, closed) = desk.questions.ask(Asked {
            user: request.actor.user,
            what: What::Several(power, guests),
            about,
        });
        return Decision::Question { reply, closed };
    }
    go(
        desk,
        request,
        Batch {
            power,
            guests,
            confirmed: false,
        },
    )
}

/// The person said yes to a question about just these.
pub(super) fn confirmed(
    desk: &Desk,
    request: &Request,
    power: Power,
    guests: Vec<GuestFacts>,
) -> Decision {
    go(
        desk,
        request,
        Batch {
            power,
            guests,
            confirmed: true,
        },
    )
}

fn go(desk: &Desk, request: &Request, batch: Batch) -> Decision {
    let audience = desk.act_audience();
    Decision::go(Task::new(request, Work::Several(batch), audience))
}

/// Those on which the person may do it, as far as memory tells, and whether any asks first.
fn allowed(
    desk: &Desk,
    request: &Request,
    power: Power,
    kind: Kind,
    which: &Several,
) -> (Vec<GuestFacts>, bool) {
    let law = desk.law();
    let mine = law.of(&request.actor);
    let mut confirm = false;
    let mut may = |facts: &GuestFacts| match mine.decide(power.right(), &Target::Guest(facts)) {
        Ok(verdict) => {
            confirm |= verdict.confirm;
            true
        }
        Err(_) => false,
    };
    let guests: Vec<GuestFacts> = meant(desk, request, kind, which)
        .into_iter()
        .filter(|facts| may(facts))
        .collect();
    (guests, confirm)
}

fn meant(desk: &Desk, request: &Request, kind: Kind, which: &Several) -> Vec<GuestFacts> {
    if let Several::These(queries) = which {
        let found = |query| resolve::guest(desk, &request.actor, Sight::Known, Some(kind), query);
        let one = |query| match found(query) {
            Lookup::Found(found) => Some(found.guest.facts),
            _ => None,
        };
        return queries.iter().filter_map(one).collect();
    }
    let snapshots = desk.clusters.iter().filter_map(|c| c.latest());
    let mut guests = Vec::new();
    for snapshot in snapshots {
        let all = snapshot.guests.values().filter(|guest| !guest.template);
        let these = all.map(|guest| &guest.facts);
        guests.extend(
            these
                .filter(|facts| facts.kind == kind && which.means(facts))
                .cloned(),
        );
    }
    guests
}

/// Each by itself, a few at a time.
pub(super) async fn perform(
    desk: &Desk,
    task: &Task,
    batch: &Batch,
    shown: &watch::Sender<Option<Reply>>,
) -> Outcome {
    let by = task.request.actor.user;
    let lines = Mutex::new(batch.guests.iter().map(words::waiting).collect::<Vec<_>>());
    let card = || {
        let lines = lines.lock().unwrap_or_else(PoisonError::into_inner);
        words::card(batch.power, by, &lines)
    };
    let tell = |at: usize, line: words::Line| {
        if let Some(place) = lines
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .get_mut(at)
        {
            *place = line;
        }
        shown.send_replace(Some(card()));
    };
    shown.send_replace(Some(card()));
    let each = (0..batch.guests.len()).map(|at| {
        let (tell, guest) = (&tell, &batch.guests[at]);
        async move {
            let outcome = one(desk, task, batch, guest, |reply| {
                tell(at, words::line(reply, false));
            })
            .await;
            let (line, aside) = match outcome {
                Ok(Outcome {
                    last: Last::Shown(reply),
                    aside,
                }) => (words::line(&reply, true), aside),
                Ok(Outcome { aside, .. }) => (words::refused(guest), aside),
                Err(refusal) => (words::refused(guest), Some(refusal)),
            };
            tell(at, line);
            aside
        }
    });
    let asides: Vec<Option<Reply>> = stream::iter(each).buffered(AT_ONCE).collect().await;
    Outcome {
        last: Last::Shown(card()),
        aside: together(asides.into_iter().flatten().collect()),
    }
}

/// One guest of several, through the same gates as alone. `Err`: refused, in private words.
async fn one(
    desk: &Desk,
    task: &Task,
    batch: &Batch,
    guest: &GuestFacts,
    tell: impl Fn(&Reply),
) -> Result<Outcome, Reply> {
    let aim = Aim {
        deed: Deed::Power(batch.power),
        kind: Some(guest.kind),
        guest: GuestQuery::from(&guest.guest),
    };
    let order = Order {
        request: &task.request,
        aim: &aim,
        once: None,
        public: task.audience == Audience::Public,
    };
    let prepared = async {
        let ready = ready(desk, &order).await?;
        let facts = &ready.found.guest.facts;
        if facts.name != guest.name {
            let reply = embed::confirm::replaced(guest, facts);
            return Err(NotReady::Refused(reply));
        }
        if ready.permit.needs_confirmation() && !batch.confirmed {
            return Err(NotReady::Refused(embed::problem::rules_changed(facts)));
        }
        if desk.starting.claim(&ready.found, &aim.deed, false).is_err() {
            let reply = embed::problem::too_little_memory(facts);
            return Err(NotReady::Refused(reply));
        }
        begin(desk, &order, ready).await
    };
    let (doing, permit) = match prepared.await {
        Ok(begun) => begun,
        Err(NotReady::Refused(refusal)) => return Err(refusal),
        Err(NotReady::Failed(outcome)) => return Ok(*outcome),
    };
    let (states, mut changes) = watch::channel(None);
    let act = async {
        let states = states;
        doing.go(&permit, order.request, &states).await
    };
    let forward = async {
        while changes.changed().await.is_ok() {
            if let Some(reply) = changes.borrow_and_update().clone() {
                tell(&reply);
            }
        }
    };
    let (outcome, ()) = tokio::join!(act, forward);
    Ok(outcome)
}

/// What is for the person alone, in one message: as many cards as Discord takes.
fn together(asides: Vec<Reply>) -> Option<Reply> {
    const MOST: usize = 10;
    let mut all = Reply::default();
    for aside in asides {
        all.cards.extend(aside.cards);
        all.files.extend(aside.files);
    }
    all.cards.truncate(MOST);
    all.files.truncate(MOST);
    (!all.cards.is_empty()).then_some(all)
}
