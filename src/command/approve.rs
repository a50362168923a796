//! Deciding what somebody asked for. Who decides and who asked are both looked up anew, the guest is
//! read again, and both sides are checked by the rules of that moment.

use std::sync::Arc;

use tokio::sync::watch;

use crate::access::{Asked, Decided, Lent};
use crate::action::{
    Action, Actor, Door, GuestFacts, Remark, Request, RequestState, Right, Ruling, Target, Yes,
};
use crate::audit::{Note, Noted};
use crate::embed::{self, Reply, ask as words};
use crate::ids::{GuestQuery, GuildId, RequestId};
use crate::permission::{Denied, Grant};

use super::approved::{grant_of, lent, once};
use super::ask::lapse_now;
use super::desk::{Desk, reason};
use super::finish::finish;
use super::note;
use super::power::decide_deed;
use super::ready::fresh_guest;
use super::requests::{Open, said};
use super::{Audience, Decision, Last, Outcome, Task, Work};

/// A press on a request, before anything is looked up: only what memory knows is refused here.
pub(super) fn decide(desk: &Desk, request: &Request, id: RequestId, ruling: &Ruling) -> Decision {
    if let Some(refusal) = barred(desk, request, id) {
        return Decision::answer(refusal, Audience::Private);
    }
    rule(request, id, ruling.clone())
}

fn rule(request: &Request, id: RequestId, ruling: Ruling) -> Decision {
    let to = if request.door == Door::Direct {
        // It changes by itself, and to say the same beside it would be once too often.
        Audience::Replace
    } else {
        Audience::Private
    };
    Decision::go(Task::new(request, Work::Rule(id, ruling), to))
}

/// The decision is made. In a direct message, the one that was pressed says so.
pub(super) fn told(request: &Request, reply: Reply) -> Outcome {
    match request.door {
        Door::Direct => Outcome::ended(Last::Told),
        _ => Outcome::shown(reply),
    }
}

/// Nothing was decided, or not done. In a direct message, the one that was pressed is not written over.
pub(super) fn refuse(request: &Request, reply: Reply) -> Outcome {
    match request.door {
        Door::Direct => Outcome {
            aside: Some(reply),
            ..Outcome::ended(Last::Told)
        },
        _ => Outcome::shown(reply),
    }
}

/// Before a no, the form that asks why.
pub(super) fn form(desk: &Desk, request: &Request, id: RequestId) -> Decision {
    if let Some(refusal) = barred(desk, request, id) {
        return Decision::answer(refusal, Audience::Private);
    }
    if desk.requests.get(id).is_none() {
        // What became of it is told like after any other press.
        return rule(request, id, Ruling::No(None));
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
    let actor = where_it_counts(&request.actor, &open.asked);
    if !may_decide(desk, &actor, &open.asked) {
        return refuse(words::not_an_approver(), "no right to decide");
    }
    None
}

/// The approver, asking from where it was asked: what a rule gives in one channel only cannot be
/// lent to somebody in another.
fn where_it_counts(approver: &Actor, asked: &Asked) -> Actor {
    Actor {
        channel: asked.by.channel,
        parent: asked.by.parent,
        ..approver.clone()
    }
}

/// As far as memory tells; `None`: the guest is in no snapshot.
fn may_surely(desk: &Desk, actor: &Actor, asked: &Asked) -> Option<bool> {
    let mut clusters = desk.asked_for(Some(&asked.guest.cluster));
    let snapshot = clusters.find_map(|inventory| inventory.latest())?;
    let guest = snapshot.guests.get(&asked.guest.vmid)?;
    Some(able(desk, actor, asked, &guest.facts))
}

/// A guest that is in no snapshot is looked up later.
fn may_decide(desk: &Desk, actor: &Actor, asked: &Asked) -> bool {
    may_surely(desk, actor, asked).unwrap_or_else(|| desk.law().of(actor).any())
}

/// To say no, nothing more is looked up later: about a guest that is not there, only people with
/// access to the bot decide.
fn may_decline(desk: &Desk, actor: &Actor, asked: &Asked) -> bool {
    let owner = || {
        let law = desk.law();
        law.of(actor)
            .has_by_rule(Right::Access, &Target::Bot)
            .is_ok()
    };
    may_surely(desk, actor, asked).unwrap_or_else(owner)
}

/// Whether the rules let this person decide it: `access` to the guest, and the right itself.
fn able(desk: &Desk, actor: &Actor, asked: &Asked, facts: &GuestFacts) -> bool {
    let (law, target) = (desk.law(), Target::Guest(facts));
    let mine = law.of(actor);
    actor.user != asked.by.user
        && mine.has_by_rule(Right::Access, &target).is_ok()
        && [asked.deed.right()]
            .iter()
            .chain(asked.deed.also())
            .all(|right| mine.has_by_rule(*right, &target).is_ok())
}

/// Both people as they are at this moment.
pub(super) struct Checked {
    pub approver: Actor,
    /// Who asked.
    pub person: Actor,
}

pub(super) async fn perform(
    desk: &Arc<Desk>,
    task: &Task,
    id: RequestId,
    ruling: &Ruling,
    shown: &watch::Sender<Option<Reply>>,
) -> Outcome {
    let request = &task.request;
    let Some(open) = desk.requests.get(id) else {
        return refuse(request, already(desk, id).await);
    };
    if desk.law().unix() >= open.asked.expires {
        // Its own end is a moment late, or the machine slept: what is over is over.
        lapse_now(desk, &open.asked).await;
        return refuse(request, already(desk, id).await);
    }
    let yes = match ruling {
        Ruling::No(why) => return decline(desk, task, &open, why.as_ref()).await,
        Ruling::Yes(yes) => *yes,
    };
    if yes != Yes::Once && open.asked.deed.detail().is_some() {
        // The right alone would be more than was asked for: any snapshot, any storage.
        desk.note_refusal(request, None, "only once");
        return refuse(request, words::only_once());
    }
    let checked = match check_both(desk, request, &open.asked).await {
        Ok(checked) => checked,
        Err(refusal) => return refuse(request, refusal),
    };
    let grant = grant_of(desk, request, &open.asked, &checked.approver, yes);
    let state = RequestState::Approved(yes);
    match (
        decided(desk, request, &open.asked, state, None, grant).await,
        yes,
    ) {
        (Err(refusal), _) => refuse(request, refusal),
        (Ok(_), Yes::Once) => once(desk, request, &open, checked, shown).await,
        (Ok(grant), Yes::Hour | Yes::Tomorrow) => {
            let until = grant.map_or(i64::MAX, |grant| grant.ends);
            let end = words::End::Granted {
                by: request.actor.user,
                until,
            };
            finish(desk, id, &end).await;
            told(request, words::noted(&said(&open.asked), &end))
        }
    }
}

/// A no needs less than a yes: only who says it is looked at, so that what nobody can approve any
/// more can still be declined.
async fn decline(desk: &Desk, task: &Task, open: &Open, why: Option<&Remark>) -> Outcome {
    let (request, asked) = (&task.request, &open.asked);
    let guild = guild_of(request, asked);
    let Some(roles) = desk.errands.roles(guild, request.actor.user).await else {
        desk.note_refusal(request, None, "roles could not be looked up");
        return refuse(request, words::cannot_check());
    };
    let approver = Actor {
        roles,
        guild,
        ..where_it_counts(&request.actor, asked)
    };
    if approver.user == asked.by.user || !may_decline(desk, &approver, asked) {
        desk.note_refusal(request, None, "no right to decide");
        return refuse(request, words::not_an_approver());
    }
    let why = why.map(Remark::as_str);
    let state = RequestState::Declined;
    if let Err(refusal) = decided(desk, request, asked, state, why, None).await {
        return refuse(request, refusal);
    }
    let by = request.actor.user;
    let end = words::End::Declined { by, why };
    desk.requests.declined(asked);
    finish(desk, asked.id, &end).await;
    told(request, words::noted(&said(asked), &end))
}

/// Writes the decision down, once: whoever comes second is told what was decided.
async fn decided(
    desk: &Desk,
    request: &Request,
    asked: &Asked,
    state: RequestState,
    why: Option<&str>,
    lent: Option<Lent>,
) -> Result<Option<Arc<Grant>>, Reply> {
    let event = match state {
        RequestState::Approved(_) => Noted::Approved,
        _ => Noted::Declined,
    };
    let by = request.actor.user;
    let entry = Note {
        detail: note::detail(&asked.deed, why),
        ..note::of(request, event, asked.deed.key())
            .concerning(asked.by.user)
            .decided_by(by)
            .on(asked.guest.clone(), Some(asked.guest_name.clone()))
    };
    let decision = Decided {
        state,
        by: Some(by),
    };
    match desk.access.decide(asked.id, decision, entry, lent).await {
        Ok(Ok(grant)) => Ok(grant),
        Ok(Err(Decided { state, by })) => Err(words::already_decided(by, state)),
        Err(error) => {
            tracing::error!(interaction = %request.id, %error, "a decision cannot be noted; nothing is done");
            Err(desk.not_noted(request))
        }
    }
}

/// A direct message comes from no server: then it is the one in which it was asked.
fn guild_of(request: &Request, asked: &Asked) -> GuildId {
    match request.door {
        Door::Direct => asked.by.guild,
        _ => request.actor.guild,
    }
}

async fn already(desk: &Desk, id: RequestId) -> Reply {
    match desk.access.decided(id).await {
        Ok(Decided { state, by }) => words::already_decided(by, state),
        Err(error) => {
            tracing::error!(%error, "what became of a request cannot be read");
            words::cannot_check()
        }
    }
}

/// Looks both people up, reads the guest, and checks both. Whatever is not sure is a no.
async fn check_both(desk: &Desk, request: &Request, asked: &Asked) -> Result<Checked, Reply> {
    let guild = guild_of(request, asked);
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
        ..where_it_counts(&request.actor, asked)
    };
    let person = Actor {
        roles: askers,
        ..asked.by.clone()
    };
    let as_approver = Request {
        actor: approver.clone(),
        ..request.clone()
    };
    let found = fresh_guest(
        desk,
        &as_approver,
        Some(asked.kind),
        &GuestQuery::from(&asked.guest),
        asked.deed.key(),
    )
    .await?;
    let facts = found.guest.facts;
    if facts.name.as_deref() != Some(&asked.guest_name) {
        desk.note_refusal(request, None, "another guest by now");
        return Err(words::another_guest(&said(asked), &facts));
    }
    if !able(desk, &approver, asked, &facts) {
        desk.note_refusal(request, None, "no right to decide");
        return Err(words::not_an_approver());
    }
    let (law, target, right) = (desk.law(), Target::Guest(&facts), asked.deed.right());
    let mine = law.of(&person);
    if mine.may_ask(right, &target).is_none() && mine.decide(right, &target).is_err() {
        desk.note_refusal(request, None, "no longer to be asked for");
        return Err(words::no_longer(&said(asked)));
    }
    // What would be lent must be worth something now: else the request would be spent on nothing.
    let with = law.clone().with_once(lent(asked, &approver, law.unix()));
    if let Err(denied) = decide_deed(&with.of(&person), &asked.deed, &target) {
        desk.note_refusal(request, None, &reason(&denied));
        let refusal = match denied {
            Denied::Lockdown => Some(embed::problem::locked_down(right, &facts)),
            denied => embed::problem::not_now(right, &facts, &denied),
        };
        return Err(refusal.unwrap_or_else(words::not_an_approver));
    }
    Ok(Checked { approver, person })
}
