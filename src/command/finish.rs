//! What became of a request, told to everybody concerned.

use futures_util::future::join_all;

use crate::access::Decided;
use crate::action::{Action, Actor, Request, RequestState, Target};
use crate::audit::Noted;
use crate::embed::{Reply, ask as words};
use crate::errand::Recipient;
use crate::ids::{GuestQuery, RequestId};

use super::desk::Desk;
use super::note;
use super::power::decide_deed;
use super::requests::{Open, Told, said};
use super::resolve::{self, Lookup, Sight};

/// A request is over without an act: everybody concerned is told, and it is open no more.
pub(super) async fn finish(desk: &Desk, id: RequestId, end: &words::End<'_>) {
    let Some(open) = desk.requests.remove(id) else {
        return;
    };
    let request = said(&open.asked);
    tell_letters(desk, &open, &words::letter_ended(&request, end)).await;
    tell_asker(desk, &open, &words::ended(&request, end), false).await;
}

pub(super) async fn tell_letters(desk: &Desk, open: &Open, reply: &Reply) {
    let edits = open
        .letters
        .iter()
        .map(|letter| desk.errands.edit(letter.posted, reply.clone()));
    join_all(edits).await;
}

/// In the person's own message while it can change; what is public also in the channel, where it
/// rings; what is private, when the message changes no more, as a direct message.
pub(super) async fn tell_asker(desk: &Desk, open: &Open, reply: &Reply, public: bool) {
    let watched = open.is_watched();
    let by = &open.asked.by;
    // A yes for once ends with the act: what the person may not do by then is not offered to them.
    let own = usable(desk, by, reply);
    open.told.send_replace(Told::Over(own.clone()));
    let mut posted = None;
    if public {
        let to = Recipient::Channel(by.channel, by.user);
        posted = desk.errands.post(to, reply.clone()).await;
    }
    if posted.is_none() && !watched {
        let to = Recipient::Person(by.user);
        if desk.errands.post(to, own).await.is_none() {
            tracing::warn!(user.id = %by.user, "what became of a request could not be told; it is in the audit");
        }
    }
}

/// The card without the buttons that this person may not press: on a guest that is not shown to them,
/// not even those that look.
fn usable(desk: &Desk, actor: &Actor, reply: &Reply) -> Reply {
    let law = desk.law();
    let mine = law.of(actor);
    let shown = |guest: &GuestQuery| match resolve::guest(desk, actor, Sight::Shown, None, guest) {
        Lookup::Found(found) => Some(found.guest.facts),
        _ => None,
    };
    let mut reply = reply.clone();
    reply.buttons.retain(|button| match &button.action {
        Action::GuestStatus { guest, .. } => shown(guest).is_some(),
        Action::Do { deed, guest, .. } => shown(guest)
            .is_some_and(|facts| decide_deed(&mine, deed, &Target::Guest(&facts)).is_ok()),
        _ => true,
    });
    reply
}

/// A lockdown ends all that is pending. Gives how many.
pub(super) async fn cancel_all(desk: &Desk, request: &Request) -> usize {
    let by = request.actor.user;
    let mut cancelled = 0;
    for id in desk.requests.all() {
        let Some(open) = desk.requests.get(id) else {
            continue;
        };
        let mut entry = note::about(&open.asked, Noted::Lapsed);
        entry.detail = note::detail(&open.asked.deed, Some("cancelled by a lockdown"));
        let state = Decided {
            state: RequestState::Cancelled,
            by: Some(by),
        };
        match desk.access.decide(id, state, entry, None).await {
            Ok(Ok(_)) => {
                finish(desk, id, &words::End::LockedDown { by }).await;
                cancelled += 1;
            }
            Ok(Err(_)) => {}
            Err(error) => tracing::error!(%error, "a request could not be cancelled"),
        }
    }
    cancelled
}
