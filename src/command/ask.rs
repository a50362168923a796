//! Asking for what was refused: the request is noted, put to those who may decide, and lapses.

use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use tokio::sync::watch;

use crate::access::{Asked, Decided, Letter, NotOpened, Untold};
use crate::action::{Actor, Deed, Door, GuestFacts, Request, RequestState, Right, Target};
use crate::audit::{Note, Noted};
use crate::embed::{self, Reply, ask as words};
use crate::errand::Recipient;
use crate::ids::{GuestQuery, RequestId, UserId};
use crate::permission::{Law, RuleRef};

use super::desk::Desk;
use super::finish::{finish, tell_asker, tell_letters};
use super::note;
use super::power::{self, Aim};
use super::ready::fresh_guest;
use super::requests::{Open, Told, said};
use super::resolve::Lookup;
use super::{Audience, Decision, Outcome, Task, Work};

/// How long to trust a timer at most.
const LOOK_AGAIN: Duration = Duration::from_secs(30);

/// The button asks and never acts: what has become allowed meanwhile is offered, not done.
pub(super) fn decide(desk: &Desk, request: &Request, aim: Aim) -> Decision {
    let answer = |reply| Decision::answer(reply, Audience::Private);
    if power::askable(desk, request, &aim) {
        let audience = match request.door {
            Door::Button { private: true, .. } => Audience::Replace,
            _ => Audience::Private,
        };
        return Decision::go(Task::new(request, Work::Ask(aim), audience));
    }
    match power::in_memory(desk, request, &aim) {
        Ok(Some((facts, _))) => answer(words::may_already(&aim.deed, &facts)),
        Ok(None) => answer(power::not_found(desk, request, &aim, Lookup::NotYet)),
        Err(refusal) => answer(refusal),
    }
}

pub(super) async fn perform(
    desk: &Arc<Desk>,
    task: &Task,
    aim: &Aim,
    shown: &watch::Sender<Option<Reply>>,
) -> Outcome {
    let request = &task.request;
    let found = match fresh_guest(desk, request, aim.kind, &aim.guest, aim.deed.key()).await {
        Ok(found) => found,
        Err(refusal) => return task.refuse(refusal),
    };
    let facts = &found.guest.facts;
    let (law, target) = (desk.law(), Target::Guest(facts));
    let right = aim.deed.right();
    let Some(rule) = law.of(&request.actor).may_ask(right, &target) else {
        return match law.of(&request.actor).decide(right, &target) {
            Ok(_) => Outcome::shown(words::may_already(&aim.deed, facts)),
            Err(denied) => task.refuse(power::refuse(desk, request, &aim.deed, facts, &denied)),
        };
    };
    let asked = match opened(desk, request, aim, facts, &rule).await {
        Ok(asked) => asked,
        Err(refusal) => return task.refuse(refusal),
    };
    let open = Open::new(asked.clone(), Vec::new());
    let told = open.told.subscribe();
    desk.requests.insert(open);
    tokio::spawn(lapse(Arc::clone(desk), asked.id, asked.expires));
    if desk.law().standing().lockdown.is_some() {
        // It came while this was being noted, and could not see it yet.
        cancel(desk, asked.id).await;
        return task.refuse(embed::problem::locked_down(right, facts));
    }
    let to = approvers_of(desk, &law, &asked, facts);
    let (_, _, state) = embed::guest::state(&found.guest.status);
    let letter = embed::letter::letter(&said(&asked), &state);
    let show = shown.clone();
    let put = put_to(Arc::clone(desk), asked.clone(), to, letter, show);
    // By itself: whoever can be reached decides while others cannot be reached yet.
    let mut put = tokio::spawn(put);
    let watched = watch_it(desk, &asked, told, shown);
    tokio::pin!(watched);
    let reached = tokio::select! {
        reached = &mut put => reached.unwrap_or(0),
        outcome = &mut watched => return outcome,
    };
    if reached == 0 {
        let nobody = words::nobody_to_ask(&aim.deed, facts, desk.is_owner(&request.actor));
        desk.requests.declined(&asked);
        cancel(desk, asked.id).await;
        return task.refuse(nobody);
    }
    watched.await
}

/// Stores the request, or says why it cannot be made.
async fn opened(
    desk: &Desk,
    request: &Request,
    aim: &Aim,
    facts: &GuestFacts,
    rule: &RuleRef,
) -> Result<Asked, Reply> {
    let requests = &desk.requests;
    if requests.was_declined(request.actor.user, &aim.deed, &facts.guest) {
        let target = Target::Guest(facts).key();
        desk.note_refusal(request, Some(&target), "declined a moment ago");
        return Err(words::declined_just_now(&aim.deed, facts));
    }
    let name = facts.name.clone();
    let guest_name = name.ok_or_else(|| embed::access::nameless(facts))?;
    let now = Timestamp::now().as_second();
    let wait = i64::try_from(desk.settings.ask_expires.as_secs()).unwrap_or(i64::MAX / 2);
    let asked = Asked {
        id: RequestId(0),
        by: request.actor.clone(),
        deed: aim.deed.clone(),
        guest: facts.guest.clone(),
        kind: facts.kind,
        guest_name,
        asked: now,
        expires: now + wait,
    };
    let note = note::of(request, Noted::Asked, aim.deed.key())
        .on(facts.guest.clone(), facts.name.clone())
        .under(rule.to_string())
        .until_ms(asked.expires * 1000);
    let note = Note {
        detail: note::detail(&aim.deed, None),
        ..note
    };
    desk.access.ask(asked, note).await.map_err(|why| match why {
        NotOpened::Twice => words::already_asked(&aim.deed, facts),
        NotOpened::TooMany => words::too_many_open(),
        NotOpened::TooOften(until) => {
            let target = Target::Guest(facts).key();
            desk.note_refusal(request, Some(&target), "asked too often");
            embed::asked::asked_too_often(until)
        }
        NotOpened::Store(error) => {
            tracing::error!(interaction = %request.id, %error, "a request cannot be noted");
            desk.not_noted(request)
        }
    })
}

/// The channel for requests, or each approver.
fn approvers_of(desk: &Desk, law: &Law, asked: &Asked, facts: &GuestFacts) -> Vec<Recipient> {
    match desk.settings.approvals_channel {
        Some(channel) => vec![Recipient::Room(channel)],
        None => approvers(law, &asked.by, &asked.deed, facts)
            .into_iter()
            .map(Recipient::Person)
            .collect(),
    }
}

/// Sends the letters, and from the first on shows the person that it is asked. Gives how many were
/// reached.
async fn put_to(
    desk: Arc<Desk>,
    asked: Asked,
    to: Vec<Recipient>,
    letter: Reply,
    shown: watch::Sender<Option<Reply>>,
) -> usize {
    let desk = &desk;
    let posts = to.into_iter().map(|to| {
        let letter = letter.clone();
        let (asked, shown) = (&asked, &shown);
        async move {
            let posted = desk.errands.post(to, letter).await?;
            // At once: whoever has it may decide, though others cannot be reached yet.
            if !desk.requests.add_letter(asked.id, Letter::new(posted, to)) {
                desk.errands.edit(posted, words::closed()).await;
                return Some(());
            }
            if desk.requests.waits(asked.id) {
                shown.send_replace(Some(words::waiting(&said(asked))));
            }
            keep_letters(desk, asked.id).await;
            Some(())
        }
    });
    let posted = futures_util::future::join_all(posts).await;
    // Of two that came at once, the store may have kept the shorter list.
    keep_letters(desk, asked.id).await;
    posted.into_iter().flatten().count()
}

/// Notes where the request was put so far, for a process that comes after this one.
async fn keep_letters(desk: &Desk, id: RequestId) {
    let Some(open) = desk.requests.get(id) else {
        return;
    };
    if let Err(error) = desk.access.letters(id, &open.letters).await {
        tracing::error!(%error, "where a request was put could not be noted");
    }
}

/// Those in `[people]` who may decide, the asker aside.
fn approvers(law: &Law, asker: &Actor, deed: &Deed, facts: &GuestFacts) -> Vec<UserId> {
    let target = Target::Guest(facts);
    let mut approvers = law.holders(asker, Right::Access, &target);
    for right in [deed.right()].iter().chain(deed.also()) {
        let able = law.holders(asker, *right, &target);
        approvers.retain(|user| able.contains(user) && *user != asker.user);
    }
    approvers
}

/// Shows what becomes of the request, until it is decided or the bot stops.
async fn watch_it(
    desk: &Desk,
    asked: &Asked,
    mut told: watch::Receiver<Told>,
    shown: &watch::Sender<Option<Reply>>,
) -> Outcome {
    loop {
        let newest = told.borrow_and_update().clone();
        let decided = match newest {
            Told::Waiting => false,
            Told::Shows(reply) => {
                shown.send_replace(Some(reply));
                true
            }
            Told::Over(reply) => return Outcome::shown(reply),
        };
        let stopping = || {
            if decided {
                embed::asked::approved_on(&said(asked))
            } else {
                words::waiting_on(&said(asked))
            }
        };
        let changed = tokio::select! {
            changed = told.changed() => changed,
            () = desk.stop.cancelled() => return Outcome::shown(stopping()),
        };
        if changed.is_err() {
            return Outcome::shown(stopping());
        }
    }
}

/// Closes the request when its time is over and nobody has decided. By the clock on the wall, which
/// goes on while a machine sleeps; what cannot be noted is tried again.
async fn lapse(desk: Arc<Desk>, id: RequestId, expires: i64) {
    loop {
        let left = expires - Timestamp::now().as_second();
        let left = Duration::from_secs(u64::try_from(left).unwrap_or(0));
        tokio::select! {
            () = tokio::time::sleep(left.clamp(Duration::from_millis(100), LOOK_AGAIN)) => {}
            () = desk.stop.cancelled() => return,
        }
        let Some(open) = desk.requests.get(id) else {
            return;
        };
        if Timestamp::now().as_second() >= expires {
            lapse_now(&desk, &open.asked).await;
            // Where that failed, or somebody has just decided, there is no hurry.
            tokio::time::sleep(Duration::from_secs(5)).await;
        }
    }
}

/// Nobody has decided in time.
pub(super) async fn lapse_now(desk: &Desk, asked: &Asked) {
    let state = Decided {
        state: RequestState::Lapsed,
        by: None,
    };
    let entry = note::about(asked, Noted::Lapsed);
    match desk.access.decide(asked.id, state, entry, None).await {
        Ok(Ok(_)) => finish(desk, asked.id, &words::End::Lapsed).await,
        // Somebody decides at this very moment, and tells of it.
        Ok(Err(_)) => {}
        Err(error) => tracing::error!(%error, "a request that lapsed could not be noted"),
    }
}

async fn cancel(desk: &Desk, id: RequestId) {
    let Some(open) = desk.requests.remove(id) else {
        return;
    };
    let state = Decided {
        state: RequestState::Cancelled,
        by: None,
    };
    let entry = note::about(&open.asked, Noted::Lapsed);
    if let Err(error) = desk.access.decide(id, state, entry, None).await {
        tracing::error!(%error, "a request that reached nobody could not be noted");
    }
}

/// Takes up what a former process left open: it can still be decided, and lapses in its time. What
/// was approved for once, and nobody was told the end of, is told now.
///
/// # Errors
///
/// What the store says.
pub(super) async fn resume(desk: &Arc<Desk>) -> Result<(), crate::store::StoreError> {
    for (asked, letters) in desk.access.open_requests().await? {
        let (id, expires) = (asked.id, asked.expires);
        desk.requests.insert(Open::new(asked, letters));
        tokio::spawn(lapse(Arc::clone(desk), id, expires));
    }
    for untold in desk.access.untold().await? {
        tokio::spawn(tell_untold(Arc::clone(desk), untold));
    }
    Ok(())
}

/// What was begun is told to the person who asked by those who follow it up (`watch::leftovers`).
async fn tell_untold(desk: Arc<Desk>, untold: Untold) {
    let Untold {
        asked,
        letters,
        by,
        begun,
    } = untold;
    let id = asked.id;
    tracing::warn!(
        request = id.0,
        begun,
        "a former process approved this and told no end of it"
    );
    let end = words::End::Restarted { by, begun };
    let open = Open::new(asked, letters);
    tell_letters(&desk, &open, &words::letter_ended(&said(&open.asked), &end)).await;
    if !begun {
        tell_asker(&desk, &open, &words::ended(&said(&open.asked), &end), false).await;
    }
    desk.access.told(id);
}

/// What a request asks for, as a command would.
pub(super) fn aim_of(asked: &Asked) -> Aim {
    Aim {
        deed: asked.deed.clone(),
        kind: Some(asked.kind),
        guest: GuestQuery::from(&asked.guest),
    }
}
