//! Deciding what somebody asked for. Who decides and who asked are both looked up anew, the guest is
//! read again, and both sides are checked by the rules of that moment.

use std::sync::Arc;

use tokio::sync::watch;

use crate::access::{Asked, Decided, State};
use crate::action::{Action, Actor, Door, GuestFacts, Remark, Request, Right, Ruling, Target};
use crate::audit::Noted;
use crate::embed::{self, Reply, ask as words};
use crate::ids::{GrantId, RequestId};
use crate::permission::{Giver, Grant};
use crate::until::End;

use super::ask::switch_of;
use super::begin::{Order, begin};
use super::desk::Desk;
use super::finish::{finish, tell_asker, tell_letters};
use super::note;
use super::ready::{NotReady, fresh_guest, ready};
use super::requests::{Open, Told, said};
use super::{Audience, Decision, Last, Outcome, Task, Work};

/// One hour, as the button says.
const HOUR: i64 = 3600;

/// A press on a request, before anything is looked up: only what memory knows is refused here.
pub(super) fn decide(desk: &Desk, request: &Request, id: RequestId, ruling: &Ruling) -> Decision {
    if let Some(refusal) = barred(desk, request, id) {
        return Decision::answer(refusal, Audience::Private);
    }
    let work = Work::Rule(id, ruling.clone());
    Decision::go(Task::new(request, work, Audience::Private))
}

/// Before a no, the form that asks why.
pub(super) fn form(desk: &Desk, request: &Request, id: RequestId) -> Decision {
    if let Some(refusal) = barred(desk, request, id) {
        return Decision::answer(refusal, Audience::Private);
    }
    if desk.requests.get(id).is_none() {
        // What became of it is told like after any other press.
        let work = Work::Rule(id, Ruling::No(None));
        return Decision::go(Task::new(request, work, Audience::Private));
    }
    let (title, label) = words::form();
    let action = Action::Rule {
        request: id,
        ruling: Ruling::No(None),
    };
    Decision::Form {
        title,
        label,
        action,
    }
}

/// Who surely may not decide it: the one who asked, somebody who got no such message, and in a
/// server somebody whose roles, as the press itself tells them, give nothing.
fn barred(desk: &Desk, request: &Request, id: RequestId) -> Option<Reply> {
    let open = desk.requests.get(id);
    let presser = request.actor.user;
    let refuse = |reply: Reply, why: &str| {
        desk.note_refusal(request, None, why);
        Some(reply)
    };
    if request.door == Door::Direct {
        // A direct message binds to its recipient, and only as long as the request is open.
        return match &open {
            Some(open) if open.letters.iter().any(|l| l.to == Some(presser)) => None,
            _ => refuse(words::closed(), "not asked to decide"),
        };
    }
    let Some(open) = open else {
        // What became of other people's requests is for people with access.
        let law = desk.law();
        let access = law
            .of(&request.actor)
            .has_by_rule(Right::Access, &Target::Bot);
        return match access {
            Ok(_) => None,
            Err(_) => refuse(words::closed(), "not open"),
        };
    };
    if open.asked.by.user == presser {
        return refuse(words::your_own(), "own request");
    }
    if !may_decide(desk, &request.actor, &open.asked) {
        return refuse(words::not_an_approver(), "no right to decide");
    }
    None
}

/// As far as memory tells. A guest that is in no snapshot is looked up later.
fn may_decide(desk: &Desk, actor: &Actor, asked: &Asked) -> bool {
    let mut clusters = desk.asked_for(Some(&asked.guest.cluster));
    let latest = clusters.find_map(|inventory| inventory.latest());
    let Some(snapshot) = latest else { return true };
    let Some(guest) = snapshot.guests.get(&asked.guest.vmid) else {
        return desk.law().of(actor).any();
    };
    able(desk, actor, asked, &guest.facts)
}

/// Whether the rules let this person decide it: `access` to the guest, and the right itself.
fn able(desk: &Desk, actor: &Actor, asked: &Asked, facts: &GuestFacts) -> bool {
    let (law, target) = (desk.law(), Target::Guest(facts));
    let mine = law.of(actor);
    actor.user != asked.by.user
        && mine.has_by_rule(Right::Access, &target).is_ok()
        && mine.has_by_rule(asked.power.right(), &target).is_ok()
}

/// Both people as they are at this moment.
struct Checked {
    approver: Actor,
    /// Who asked.
    person: Actor,
}

pub(super) async fn perform(
    desk: &Arc<Desk>,
    task: &Task,
    id: RequestId,
    ruling: &Ruling,
) -> Outcome {
    let request = &task.request;
    let Some(open) = desk.requests.get(id) else {
        return task.refuse(already(desk, id).await);
    };
    let checked = match check_both(desk, request, &open.asked).await {
        Ok(checked) => checked,
        Err(refusal) => return task.refuse(refusal),
    };
    let (state, event) = match ruling {
        Ruling::Once => (State::Once, Noted::Approved),
        Ruling::Hour => (State::Hour, Noted::Approved),
        Ruling::Tomorrow => (State::Tomorrow, Noted::Approved),
        Ruling::No(_) => (State::No, Noted::Declined),
    };
    let mut entry = note::of(request, event, open.asked.power.key());
    entry.subject = Some(open.asked.by.user);
    entry.approver = Some(request.actor.user);
    entry.guest = Some((
        open.asked.guest.clone(),
        Some(open.asked.guest_name.clone()),
    ));
    if let Ruling::No(Some(why)) = ruling {
        entry.detail = Some(why.as_str().to_owned());
    }
    let by = Some(request.actor.user);
    match desk.access.decide(id, Decided { state, by }, entry).await {
        Ok(Ok(())) => {}
        Ok(Err(decided)) => return task.refuse(told(decided)),
        Err(error) => {
            tracing::error!(interaction = %request.id, %error, "a decision cannot be noted; nothing is done");
            return task.refuse(embed::problem::not_noted(request.id));
        }
    }
    match ruling {
        Ruling::Once => once(desk, request, &open, checked).await,
        Ruling::Hour => lend(desk, request, id, &checked, After::Hour).await,
        Ruling::Tomorrow => lend(desk, request, id, &checked, After::Tomorrow).await,
        Ruling::No(why) => {
            let end = words::End::Declined {
                by: request.actor.user,
                why: why.as_ref().map(Remark::as_str),
            };
            desk.requests.declined(&open.asked);
            finish(desk, id, &end).await;
            Outcome::shown(words::noted(&said(&open.asked), &end))
        }
    }
}

async fn already(desk: &Desk, id: RequestId) -> Reply {
    match desk.access.decided(id).await {
        Ok(decided) => told(decided),
        Err(error) => {
            tracing::error!(%error, "what became of a request cannot be read");
            words::cannot_check()
        }
    }
}

fn told(decided: Decided) -> Reply {
    let how = match decided.state {
        State::Open => "put again a moment ago",
        State::Once => "approved once",
        State::Hour => "granted for an hour",
        State::Tomorrow => "granted until tomorrow",
        State::No => "declined",
        State::Lapsed => "not answered in time",
        State::Cancelled => "cancelled",
    };
    words::already_decided(decided.by, how)
}

/// Looks both people up, reads the guest, and checks both. Whatever is not sure is a no.
async fn check_both(desk: &Desk, request: &Request, asked: &Asked) -> Result<Checked, Reply> {
    let guild = match request.door {
        Door::Direct => asked.by.guild,
        _ => request.actor.guild,
    };
    let (theirs, askers) = tokio::join!(
        desk.errands.roles(guild, request.actor.user),
        desk.errands.roles(asked.by.guild, asked.by.user)
    );
    let (Some(theirs), Some(askers)) = (theirs, askers) else {
        desk.note_refusal(request, None, "roles could not be looked up");
        return Err(words::cannot_check());
    };
    let approver = Actor {
        roles: theirs,
        guild,
        ..request.actor.clone()
    };
    let person = Actor {
        roles: askers,
        ..asked.by.clone()
    };
    let as_approver = Request {
        actor: approver.clone(),
        ..request.clone()
    };
    let found = fresh_guest(desk, &as_approver, &switch_of(asked)).await?;
    let facts = found.guest.facts;
    if facts.name.as_deref() != Some(&asked.guest_name) {
        desk.note_refusal(request, None, "another guest by now");
        return Err(words::another_guest(&said(asked), &facts));
    }
    if !able(desk, &approver, asked, &facts) {
        desk.note_refusal(request, None, "no right to decide");
        return Err(words::not_an_approver());
    }
    let (law, target, right) = (desk.law(), Target::Guest(&facts), asked.power.right());
    let mine = law.of(&person);
    if mine.may_ask(right, &target).is_none() && mine.decide(right, &target).is_err() {
        desk.note_refusal(request, None, "no longer to be asked for");
        return Err(words::no_longer(&said(asked)));
    }
    Ok(Checked { approver, person })
}

/// The right is lent for a while.
#[derive(Debug, Clone, Copy)]
enum After {
    Hour,
    Tomorrow,
}

async fn lend(
    desk: &Desk,
    request: &Request,
    id: RequestId,
    checked: &Checked,
    after: After,
) -> Outcome {
    let Some(open) = desk.requests.get(id) else {
        return Outcome::shown(already(desk, id).await);
    };
    let asked = &open.asked;
    let law = desk.law();
    let now = law.unix();
    let ends = match after {
        After::Hour => now + HOUR,
        After::Tomorrow => End::Tomorrow.from(law.now()).unwrap_or(now + HOUR),
    };
    let most = i64::try_from(desk.settings.grant_max.as_secs()).unwrap_or(i64::MAX / 2);
    let grant = Grant {
        ends: ends.min(now.saturating_add(most)),
        ..lent(asked, &checked.approver, now)
    };
    let by = request.actor.user;
    let mut entry = note::of(request, Noted::Granted, asked.power.key());
    entry.subject = Some(asked.by.user);
    entry.guest = Some((asked.guest.clone(), Some(asked.guest_name.clone())));
    entry.ends_ms = Some(grant.ends.saturating_mul(1000));
    let end = match desk.access.grant(grant, entry).await {
        Ok(grant) => words::End::Granted {
            by,
            until: grant.ends,
        },
        Err(error) => {
            tracing::error!(interaction = %request.id, %error, "a grant cannot be noted; nothing was given");
            words::End::NotDone { by }
        }
    };
    finish(desk, id, &end).await;
    Outcome::shown(words::noted(&said(asked), &end))
}

fn lent(asked: &Asked, approver: &Actor, now: i64) -> Grant {
    Grant {
        id: GrantId::ONCE,
        to: asked.by.user,
        rights: vec![asked.power.right()],
        guest: asked.guest.clone(),
        guest_name: asked.guest_name.clone(),
        giver: Giver::of(approver),
        since: now,
        ends: i64::MAX,
    }
}

/// Acts at once, as the person who asked. The press is the approver's, and so is the interaction
/// under which it is noted: the same press never acts twice.
async fn once(desk: &Arc<Desk>, request: &Request, open: &Open, checked: Checked) -> Outcome {
    let asked = &open.asked;
    let by = request.actor.user;
    tell_letters(desk, open, &words::letter_approved(&said(asked), by, None)).await;
    let act = Request {
        id: request.id,
        actor: checked.person,
        door: Door::Slash,
        action: Action::Power {
            power: asked.power,
            kind: Some(asked.kind),
            guest: (&asked.guest).into(),
        },
    };
    let switch = switch_of(asked);
    let order = Order {
        request: &act,
        switch: &switch,
        once: Some(lent(asked, &checked.approver, desk.law().unix())),
        public: desk.act_audience() == Audience::Public,
    };
    let outcome = done(desk, &order, open).await;
    let reply = match outcome.last {
        Last::Shown(reply) => reply,
        Last::Withdrawn | Last::Left => words::ended(&said(asked), &words::End::NotDone { by }),
    };
    let title = reply.cards.first().map_or("", |card| card.title.as_str());
    tell_letters(
        desk,
        open,
        &words::letter_approved(&said(asked), by, Some(title)),
    )
    .await;
    desk.requests.remove(asked.id);
    tell_asker(desk, open, &reply, order.public).await;
    Outcome {
        last: Last::Shown(Reply {
            buttons: Vec::new(),
            ..reply
        }),
        aside: outcome.aside,
    }
}

/// The act itself; each state on the way is shown to the person who asked.
async fn done(desk: &Arc<Desk>, order: &Order<'_>, open: &Open) -> Outcome {
    let ready = match ready(desk, order).await {
        Ok(ready) => ready,
        Err(NotReady::Refused(reply)) => return Outcome::shown(reply),
        Err(NotReady::Failed(outcome)) => return *outcome,
    };
    if ready.found.guest.facts.name.as_deref() != Some(&open.asked.guest_name) {
        let reply = words::another_guest(&said(&open.asked), &ready.found.guest.facts);
        return Outcome::shown(reply);
    }
    let (doing, permit) = match begin(desk, order, ready).await {
        Ok(begun) => begun,
        Err(NotReady::Refused(reply)) => return Outcome::shown(reply),
        Err(NotReady::Failed(outcome)) => return *outcome,
    };
    let (states, mut changes) = watch::channel(None);
    let act = async {
        let states = states;
        doing.go(&permit, order.request, &states).await
    };
    let forward = async {
        while changes.changed().await.is_ok() {
            if let Some(reply) = changes.borrow_and_update().clone() {
                open.told.send_replace(Told::Shows(reply));
            }
        }
    };
    let (outcome, ()) = tokio::join!(act, forward);
    outcome
}
