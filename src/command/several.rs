//! The same done to several guests: each is checked, noted and followed by itself, as if it had been
//! asked for alone, and one card shows them all.

use std::collections::HashSet;
use std::sync::{Mutex, PoisonError};

use futures_util::stream::{self, StreamExt as _};
use tokio::sync::watch;

use crate::action::{Deed, GuestFacts, Power, Request, Right, Several, Target};
use crate::audit::Ending;
use crate::embed::several as words;
use crate::embed::{self, Colour, Reply};
use crate::ids::{GuestQuery, Kind};

use super::begin::{Order, begin, no_need};
use super::confirm::{Asked, What};
use super::desk::Desk;
use super::power::{Aim, seems_off};
use super::ready::{NotReady, Ready, no_room, ready};
use super::resolve::{self, Lookup, Sight};
use super::{Audience, Decision, Last, Outcome, Task, Work};

/// At a time: a node that starts ten VMs at once is not faster.
const AT_ONCE: usize = 3;

/// What is done, and to whom it was decided to be done.
#[derive(Debug, Clone)]
pub(super) struct Batch {
    pub power: Power,
    pub which: Several,
    pub guests: Vec<GuestFacts>,
    /// What was typed and means nothing here for this person.
    pub left_out: Vec<String>,
    /// Those of the other kind on which the person could do it, by that kind's command.
    pub others: Vec<GuestFacts>,
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
    let mut batch = Batch {
        power,
        which: which.clone(),
        guests: Vec::new(),
        left_out: Vec::new(),
        others: Vec::new(),
        confirmed: false,
    };
    let confirm = fill(desk, request, kind, &mut batch);
    let others = others(desk, &batch);
    if let (true, Some(others)) = (batch.guests.is_empty(), &others) {
        return refuse(words::only_others(kind, which, others));
    }
    if batch.guests.is_empty() {
        desk.note_refusal(request, None, "none of several guests");
        let single = asks_for_single_ones(desk, request, kind, power);
        return refuse(words::none(power, kind, which, single));
    }
    if batch.guests.len() > Several::MOST {
        return refuse(words::too_many(which, batch.guests.len()));
    }
    let deed = Deed::Power(power);
    let off = |guest: &GuestFacts| seems_off(desk, &deed, guest);
    if confirm && batch.guests.iter().all(off) {
        // There is nothing to ask, and each says so once it was read.
        let work = Work::Several(batch);
        return Decision::go(Task::new(request, work, Audience::Private));
    }
    if confirm {
        let about = words::subject(power, which, &batch.guests, off);
        let about = words::without_others(about, others.as_ref());
        let (reply, closed) = desk.questions.ask(Asked {
            user: request.actor.user,
            what: What::Several(Box::new(batch)),
            about,
        });
        return Decision::Question { reply, closed };
    }
    go(desk, request, batch)
}

/// The person said yes to a question about just these.
pub(super) fn confirmed(desk: &Desk, request: &Request, batch: Batch) -> Decision {
    let batch = Batch {
        confirmed: true,
        ..batch
    };
    go(desk, request, batch)
}

fn go(desk: &Desk, request: &Request, batch: Batch) -> Decision {
    let audience = desk.act_audience();
    Decision::go(Task::new(request, Work::Several(batch), audience))
}

/// The words for those of the other kind; `None`: there are none.
fn others(desk: &Desk, batch: &Batch) -> Option<words::Others> {
    words::Others::of(batch.power, &batch.which, &batch.others, desk.several())
}

/// The guests on which the person may do it, as far as memory tells, and whether any asks first.
fn fill(desk: &Desk, request: &Request, kind: Kind, batch: &mut Batch) -> bool {
    let law = desk.law();
    let mine = law.of(&request.actor);
    let mut confirm = false;
    let (power, right) = (batch.power, batch.power.right());
    let may_other = |facts: &GuestFacts| {
        power.is_for(facts.kind) && mine.decide(right, &Target::Guest(facts)).is_ok()
    };
    let may_look = |facts: &GuestFacts| mine.decide(Right::View, &Target::Guest(facts)).is_ok();
    let mut may = |facts: &GuestFacts| match mine.decide(right, &Target::Guest(facts)) {
        Ok(verdict) => {
            confirm |= verdict.confirm;
            true
        }
        Err(_) => false,
    };
    match &batch.which {
        Several::These(queries) => {
            for query in queries {
                let found = resolve::guest(desk, &request.actor, Sight::Known, Some(kind), query);
                match found {
                    Lookup::Found(found) if may(&found.guest.facts) => {
                        batch.guests.push(found.guest.facts);
                    }
                    Lookup::WrongKind(facts) if may_other(&facts) => batch.others.push(facts),
                    // Whatever the reason: it is not told whether there is such a guest.
                    _ => batch.left_out.push(query.to_string()),
                }
            }
        }
        which => {
            for snapshot in desk.clusters.iter().filter_map(|c| c.latest()) {
                let all = snapshot.guests.values().filter(|guest| !guest.template);
                let meant = all.map(|guest| &guest.facts).filter(|f| which.means(f));
                let (these, others): (Vec<_>, Vec<_>) = meant.partition(|f| f.kind == kind);
                let these = these.into_iter().filter(|facts| may(facts));
                batch.guests.extend(these.cloned());
                // Tags are known to those who look.
                let others = others.into_iter().filter(|f| may_other(f) && may_look(f));
                batch.others.extend(others.cloned());
            }
        }
    }
    // A number and a name may mean the same guest.
    let mut seen = HashSet::new();
    for guests in [&mut batch.guests, &mut batch.others] {
        guests.retain(|facts| seen.insert(facts.guest.clone()));
    }
    confirm
}

/// Whether there is any guest of the kind for which the person may ask. Which ones are of the group is
/// not looked at: whoever may not look at a guest learns nothing of its tags.
fn asks_for_single_ones(desk: &Desk, request: &Request, kind: Kind, power: Power) -> bool {
    let law = desk.law();
    let mine = law.of(&request.actor);
    let mut snapshots = desk.clusters.iter().filter_map(|c| c.latest());
    snapshots.any(|snapshot| {
        let guests = snapshot.guests.values();
        let mut these = guests.filter(|guest| guest.facts.kind == kind && !guest.template);
        these.any(|guest| {
            let target = Target::Guest(&guest.facts);
            mine.may_ask(power.right(), &target).is_some()
        })
    })
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
    let tell = |at: usize, line: words::Line| {
        let mut lines = lines.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(place) = lines.get_mut(at) {
            *place = line;
        }
        // Not before something came of one of them: a card that others saw would have to go again.
        if lines.iter().any(|line| line.state.is_told()) {
            shown.send_replace(Some(words::card(batch.power, by, &lines)));
        }
    };
    let each = (0..batch.guests.len()).map(|at| {
        let (tell, guest) = (&tell, &batch.guests[at]);
        async move {
            let outcome = one(desk, task, batch, guest, |reply| {
                tell(at, words::at_work(reply));
            })
            .await;
            let (line, aside) = match outcome {
                Ok(Done { line, aside }) => (line, aside),
                Err(refusal) => (words::withdrawn(), Some(refusal)),
            };
            tell(at, line);
            aside
        }
    });
    let told: Vec<Option<Reply>> = stream::iter(each).buffered(AT_ONCE).collect().await;
    let left_out = words::left_out(&batch.left_out);
    let lines = lines.lock().unwrap_or_else(PoisonError::into_inner);
    let refused = |line: &words::Line| line.state == words::State::Withdrawn;
    let all_refused = lines.iter().all(refused);
    // Whoever was asked read it in the question.
    let others = others(desk, batch).filter(|_| !batch.confirmed && !all_refused);
    let others = others.as_ref().map(words::Others::aside);
    let asides = told.into_iter().flatten().chain(left_out).chain(others);
    match together(asides) {
        Some(refusal) if all_refused => task.refuse(refusal),
        aside => Outcome {
            aside,
            ..Outcome::shown(words::card(batch.power, by, &lines))
        },
    }
}

/// How it ended for one guest.
struct Done {
    line: words::Line,
    aside: Option<Reply>,
}

/// One guest of several, through the same gates as alone. `Err`: refused, in private words.
async fn one(
    desk: &Desk,
    task: &Task,
    batch: &Batch,
    guest: &GuestFacts,
    tell: impl Fn(&Reply),
) -> Result<Done, Reply> {
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
        let mut ready = ready(desk, &order).await?;
        let facts = &ready.found.guest.facts;
        if facts.name != guest.name {
            let reply = embed::confirm::replaced(guest, facts);
            return Err(NotReady::Refused(reply));
        }
        if !batch.which.still_means(facts) {
            let reply = words::meant_no_more(facts, &batch.which);
            return Err(NotReady::Refused(reply));
        }
        if ready.permit.needs_confirmation() && !batch.confirmed {
            return Err(unasked(desk, &order, &ready));
        }
        let claimed = desk.starting.claim(&ready.found, &aim.deed, false);
        let no_room = |_| NotReady::Refused(no_room(desk, &order, facts));
        ready.memory = claimed.map_err(no_room)?;
        begin(desk, &order, ready).await
    };
    let (doing, permit) = match prepared.await {
        Ok(begun) => begun,
        Err(NotReady::Refused(refusal)) => return Err(refusal),
        Err(NotReady::Failed(outcome)) => return Ok(not_begun(*outcome)),
    };
    let (states, mut changes) = watch::channel(None);
    let act = async {
        let states = states;
        doing.carry_out(&permit, order.request, &states).await
    };
    let forward = async {
        while changes.changed().await.is_ok() {
            if let Some(reply) = changes.borrow_and_update().clone() {
                tell(&reply);
            }
        }
    };
    let (end, ()) = tokio::join!(act, forward);
    let as_asked = matches!(
        end.ending,
        Ending::Done | Ending::Warned | Ending::Requested
    );
    Ok(Done {
        line: words::ended(&end.reply, as_asked),
        aside: end.aside,
    })
}

/// It asks first, and nobody was asked: because there is no need for it, or there was none a moment ago.
fn unasked(desk: &Desk, order: &Order<'_>, ready: &Ready) -> NotReady {
    let facts = &ready.found.guest.facts;
    let act = order.act(desk, facts, None);
    match no_need(desk, order, &act, &ready.found, &ready.now) {
        Some(outcome) => NotReady::Failed(Box::new(outcome)),
        None => NotReady::Refused(words::asks_by_now(facts)),
    }
}

/// Nothing was sent: it is so already, or it cannot be done now.
fn not_begun(outcome: Outcome) -> Done {
    let line = match &outcome.last {
        // Grey and green say that it is as asked.
        Last::Shown(reply) => {
            let colour = reply.cards.first().map(|card| card.colour);
            let as_asked = matches!(colour, Some(Colour::Green | Colour::Grey));
            words::ended(reply, as_asked)
        }
        Last::Told | Last::Withdrawn | Last::Left => words::withdrawn(),
    };
    Done {
        line,
        aside: outcome.aside,
    }
}

/// What is for the person alone, in one message: as many cards as Discord takes, and none twice.
pub(super) fn together(asides: impl Iterator<Item = Reply>) -> Option<Reply> {
    const MOST: usize = 10;
    let mut all = Reply::default();
    for aside in asides {
        for card in aside.cards {
            if !all.cards.contains(&card) {
                all.cards.push(card);
            }
        }
        all.files.extend(aside.files);
    }
    all.cards.truncate(MOST);
    all.files.truncate(MOST);
    (!all.cards.is_empty()).then_some(all)
}
