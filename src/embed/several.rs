//! The same done to several guests: one card that shows each.

use crate::action::{Deed, GuestFacts, Power, Several};
use crate::ids::UserId;

use super::confirm::Subject;
use super::deed::{going_on, label, yes};
use super::problem::refusal;
use super::reply::{Card, Colour, Reply};
use super::words::{guest_name, person, plain};

/// One guest's line, and how it stands with it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Line {
    /// Its own card's title.
    pub text: String,
    pub state: State,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    Waiting,
    AtWork,
    /// It is as asked.
    Done,
    NotDone,
}

/// Before its turn.
#[must_use]
pub fn waiting(guest: &GuestFacts) -> Line {
    Line {
        text: format!("⏳ {}", guest_name(guest)),
        state: State::Waiting,
    }
}

/// As the guest's own card has it.
#[must_use]
pub fn line(reply: &Reply, over: bool) -> Line {
    let card = reply.cards.first();
    let state = match card.map(|card| card.colour) {
        _ if !over => State::AtWork,
        Some(Colour::Green | Colour::Grey) => State::Done,
        _ => State::NotDone,
    };
    Line {
        text: card.map(|card| card.title.clone()).unwrap_or_default(),
        state,
    }
}

/// Refused after all: why is nobody else's business.
#[must_use]
pub fn refused(guest: &GuestFacts) -> Line {
    Line {
        text: format!("⛔ {} · not done", guest_name(guest)),
        state: State::NotDone,
    }
}

/// The public card.
#[must_use]
pub fn card(power: Power, by: UserId, lines: &[Line]) -> Reply {
    let count = |state| lines.iter().filter(|line| line.state == state).count();
    let (done, not_done) = (count(State::Done), count(State::NotDone));
    let deed = Deed::Power(power);
    let all = lines.len();
    let (colour, title) = if done + not_done < all {
        let title = format!("🟡 {}: {all} guests", going_on(&deed));
        (Colour::Amber, title)
    } else {
        let (colour, mark) = match not_done {
            0 => (Colour::Green, "✅"),
            n if n == all => (Colour::Red, "🔴"),
            _ => (Colour::Amber, "🟠"),
        };
        (colour, format!("{mark} {}: {done} of {all}", label(&deed)))
    };
    let list: Vec<&str> = lines.iter().map(|line| line.text.as_str()).collect();
    Reply::card(Card {
        colour,
        title,
        body: format!("Asked by {}.\n{}", person(by), list.join("\n")),
        footer: None,
    })
}

/// The question before something that can lose data, for all of them.
#[must_use]
pub fn subject(power: Power, which: &Several, guests: &[GuestFacts]) -> Subject {
    let deed = Deed::Power(power);
    let names: Vec<String> = guests.iter().map(guest_name).collect();
    Subject {
        to_do: format!("{} {} guests", label(&deed).to_lowercase(), guests.len()),
        consequence: format!(
            "{}\n{}",
            names.join(", "),
            super::deed::consequence(&deed).replace("the guest", "each guest")
        ),
        yes: yes(&deed),
        snapshot_first: false,
        footer: which.to_string(),
    }
}

/// No guest that the person may know of, or none on which it may be done: the same answer.
#[must_use]
pub fn none(power: Power, which: &Several) -> Reply {
    refusal(
        &format!("No guests of {} for you here", plain(&which.to_string())),
        format!(
            "None that you may {} now. `/access why`\ntells more about a single one.",
            label(&Deed::Power(power)).to_lowercase()
        ),
    )
}

#[must_use]
pub fn too_many(which: &Several, count: usize) -> Reply {
    refusal(
        &format!("{} are {count} guests", plain(&which.to_string())),
        format!(
            "At most {} at a time. Name a smaller\ngroup, or the guests with commas.",
            Several::MOST
        ),
    )
}

/// One line of autocomplete, plain text.
#[must_use]
pub fn choice(word: &str, count: usize) -> String {
    let guests = if count == 1 { "guest" } else { "guests" };
    format!("{word} · {count} {guests}")
        .chars()
        .take(100)
        .collect()
}
