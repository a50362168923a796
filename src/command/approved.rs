//! What becomes of a yes: the one act, or a right that is lent for a while.

use std::sync::Arc;

use tokio::sync::watch;

use crate::access::{Asked, Lent};
use crate::action::{Action, Actor, Door, Request, Yes};
use crate::audit::Noted;
use crate::embed::{self, Reply, ask as words, snapshot};
use crate::ids::GrantId;
use crate::permission::{Giver, Grant};
use crate::until::End;

use super::approve::{Checked, refuse, told};
use super::ask::aim_of;
use super::begin::{Order, begin};
use super::desk::Desk;
use super::finish::{tell_asker, tell_letters};
use super::note;
use super::power::askable;
use super::ready::{NotReady, Ready, no_room, ready};
use super::requests::{Open, Told, said};
use super::several::together;
use super::{Audience, Last, Outcome};

/// One hour, as the button says.
const HOUR: i64 = 3600;

/// What is stored with a yes; `None`: a yes for once gives nothing that lasts.
pub(super) fn grant_of(
    desk: &Desk,
    request: &Request,
    asked: &Asked,
    approver: &Actor,
    yes: Yes,
) -> Option<Lent> {
    let law = desk.law();
    let now = law.unix();
    let ends = match yes {
        Yes::Once => return None,
        Yes::Hour => now + HOUR,
        Yes::Tomorrow => End::Tomorrow.from(law.now()).unwrap_or(now + HOUR),
    };
    let most = i64::try_from(desk.settings.grant_max.as_secs()).unwrap_or(i64::MAX / 2);
    let grant = Grant {
        ends: ends.min(now.saturating_add(most)),
        ..lent(asked, approver, now)
    };
    let note = note::of(request, Noted::Granted, asked.deed.key())
        .concerning(asked.by.user)
        .on(asked.guest.clone(), Some(asked.guest_name.clone()))
        .until_ms(grant.ends.saturating_mul(1000));
    Some(Lent { grant, note })
}

/// What the approver lends. It holds in the server in which it was asked for.
pub(super) fn lent(asked: &Asked, approver: &Actor, now: i64) -> Grant {
    Grant {
        id: GrantId::ONCE,
        to: asked.by.user,
        rights: [asked.deed.right()]
            .into_iter()
            .chain(asked.deed.also().iter().copied())
            .collect(),
        guest: asked.guest.clone(),
        guest_name: asked.guest_name.clone(),
        giver: Giver {
            guild: asked.by.guild,
            ..Giver::of(approver)
        },
        since: now,
        ends: i64::MAX,
    }
}

/// Acts at once, as the person who asked. The press is the approver's, and so is the interaction
/// under which it is noted: the same press never acts twice.
pub(super) async fn once(
    desk: &Arc<Desk>,
    request: &Request,
    open: &Open,
    checked: Checked,
    shown: &watch::Sender<Option<Reply>>,
) -> Outcome {
    let asked = &open.asked;
    let by = request.actor.user;
    let approved = embed::asked::approved(&said(asked), by);
    open.told.send_replace(Told::Shows(approved));
    let approved = words::letter_approved(&said(asked), by, None);
    if request.door != Door::Direct {
        shown.send_replace(Some(approved.clone()));
    }
    tell_letters(desk, open, &approved).await;
    let act = Request {
        id: request.id,
        actor: checked.person,
        door: Door::Slash,
        action: Action::Do {
            deed: asked.deed.clone(),
            kind: Some(asked.kind),
            guest: (&asked.guest).into(),
        },
    };
    let aim = aim_of(asked);
    let order = Order {
        request: &act,
        aim: &aim,
        once: Some(lent(asked, &checked.approver, desk.law().unix())),
        public: desk.act_audience() == Audience::Public,
    };
    // A refusal is private, also when it comes after the yes.
    let (outcome, begun) = match done(desk, &order, open).await {
        Ok(outcome) => (outcome, true),
        Err(NotReady::Refused(refusal)) => (Outcome::shown(refusal), false),
        Err(NotReady::Failed(outcome)) => (*outcome, false),
    };
    let reply = match outcome.last {
        Last::Shown(reply) => reply,
        Last::Told | Last::Withdrawn | Last::Left => {
            words::ended(&said(asked), &words::End::NotDone { by })
        }
    };
    let title = reply.cards.first().map_or("", |card| card.title.as_str());
    // With the letters that came while it was done.
    let open = &desk.requests.remove(asked.id).unwrap_or(open.clone());
    let ended = words::letter_approved(&said(asked), by, Some(title));
    tell_letters(desk, open, &ended).await;
    // Nothing was sent, so the yes was spent on nothing: it may be asked for anew.
    let theirs = if !begun && askable(desk, &act, &aim) {
        embed::asked::ask_again(reply.clone(), &said(asked), by, open.is_watched())
    } else {
        reply.clone()
    };
    tell_asker(desk, open, &theirs, begun && order.public).await;
    desk.access.told(asked.id);
    let ended = for_the_approver(request, reply, begun);
    // A refusal in person comes beside the message, and so does what the bot lacks.
    let aside = match ended.aside {
        Some(refusal) => together([refusal].into_iter().chain(outcome.aside)),
        None => outcome.aside,
    };
    Outcome { aside, ..ended }
}

/// The act is the other one's, and so are the buttons of its card.
fn for_the_approver(request: &Request, reply: Reply, begun: bool) -> Outcome {
    let bare = Reply {
        buttons: Vec::new(),
        ..reply
    };
    if begun {
        told(request, bare)
    } else {
        refuse(request, bare)
    }
}

/// The act itself; each state on the way is shown to the person who asked. Not ready: nothing was
/// sent, because it was refused or could not be looked at.
async fn done(desk: &Arc<Desk>, order: &Order<'_>, open: &Open) -> Result<Outcome, NotReady> {
    let mut ready = ready(desk, order).await?;
    if ready.found.guest.facts.name.as_deref() != Some(&open.asked.guest_name) {
        let now = &ready.found.guest.facts;
        let refusal = words::another_guest(&said(&open.asked), now);
        return Err(NotReady::Refused(refusal));
    }
    let deed = &order.aim.deed;
    let no_room = |_| NotReady::Refused(no_room(desk, order, &ready.found.guest.facts));
    let claimed = desk.starting.claim(&ready.found, deed, false);
    ready.memory = claimed.map_err(no_room)?;
    if let Some(refusal) = newer(open, &ready) {
        return Err(NotReady::Refused(refusal));
    }
    let (doing, permit) = match begin(desk, order, ready).await {
        Ok(begun) => begun,
        // There is no need for it, or another replica does it.
        Err(NotReady::Failed(outcome)) => return Ok(*outcome),
        Err(refused) => return Err(refused),
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
    Ok(outcome)
}

/// A snapshot that was taken since it was asked for cannot be the one that was meant.
fn newer(open: &Open, ready: &Ready) -> Option<Reply> {
    let name = open.asked.deed.needs_snapshot()?;
    let there = ready.snapshots.as_ref()?.named(name)?;
    let newer = there.taken.is_some_and(|at| at > open.asked.asked);
    newer.then(|| snapshot::another(&ready.found.guest.facts, name, None))
}
