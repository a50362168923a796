//! *Notify me*: on the card of an act that goes on, and the message when it has ended.

use crate::action::{Action, NoticeId};

use super::problem::refusal;
use super::reply::{Button, Card, Colour, Reply, Style};

/// The card of an act that goes on, with the button behind those that it has. `None`: nobody else
/// sees it, so nobody waits.
#[must_use]
pub fn waitable(mut reply: Reply, id: Option<NoticeId>) -> Reply {
    reply.buttons.extend(id.map(|id| Button {
        label: "Notify me".into(),
        style: Style::Secondary,
        action: Action::Notify(id),
    }));
    reply
}

#[must_use]
pub fn added() -> Reply {
    note(
        "🔔 I tell you when it ends",
        "In this channel. If I am restarted\nmeanwhile, I forget it.",
    )
}

#[must_use]
pub fn already() -> Reply {
    note("🔔 You are on the list", "I tell you when it ends.")
}

#[must_use]
pub fn full() -> Reply {
    refusal(
        "Too many people wait for this",
        "Look at the card: it changes by itself.".to_owned(),
    )
}

/// It has ended, or is not for this person: the same words.
#[must_use]
pub fn over() -> Reply {
    refusal(
        "Nothing to wait for",
        "It has ended, or I was restarted\nmeanwhile. Look at the card.".to_owned(),
    )
}

/// How it ended, without the buttons: those are on its own card.
#[must_use]
pub fn ended(end: &Reply) -> Reply {
    Reply {
        cards: end.cards.clone(),
        ..Reply::default()
    }
}

fn note(title: &str, body: &str) -> Reply {
    Reply::card(Card {
        colour: Colour::Grey,
        title: title.to_owned(),
        body: body.to_owned(),
        footer: None,
    })
}
