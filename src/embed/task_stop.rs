//! Breaking a task off: the question, the card as it changes, the end.

use crate::ids::UserId;

use super::confirm::Subject;
use super::reply::{Card, Colour, Reply};
use super::task::Line;
use super::task_words::{as_thing, noun};
use super::why::{NO_TOKEN, NOT_OURS, Readers, told_to};
use super::words::{ago, person};

/// Somebody breaks a task off.
#[derive(Debug, Clone)]
pub struct Stop {
    pub task: Line,
    pub by: UserId,
    pub since: i64,
}

/// What became of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stopped {
    BrokenOff,
    /// It was done first.
    Finished,
    /// It does not run any more, and ended in words of its own.
    Over,
    Unseen,
}

#[must_use]
pub fn question(stop: &Stop) -> Subject {
    Subject {
        to_do: format!("stop the {}", as_thing(&stop.task)),
        consequence: "Proxmox breaks it off where it is.\nWhat it has done so far stays done."
            .to_owned(),
        yes: "Stop the task",
        footer: stop.task.footer.clone(),
        snapshot_first: false,
    }
}

#[must_use]
pub fn stopping(stop: &Stop) -> Reply {
    let body = format!("Asked by {} {}.", person(stop.by), ago(stop.since));
    card(stop, Colour::Amber, "🟡", "stopping", body)
}

#[must_use]
pub fn stopped(stop: &Stop, how: Stopped) -> Reply {
    let by = person(stop.by);
    let (colour, mark, word, body) = match how {
        Stopped::BrokenOff => (Colour::Grey, "⚪", "stopped", format!("By {by}.")),
        Stopped::Finished => (
            Colour::Amber,
            "🟠",
            "was done first",
            format!("Asked by {by}. The task had ended\nbefore it could be broken off."),
        ),
        Stopped::Over => (
            Colour::Grey,
            "⚪",
            "has ended",
            format!("Asked by {by}. It runs no more."),
        ),
        Stopped::Unseen => (
            Colour::Amber,
            "🟠",
            "outcome unknown",
            format!(
                "Asked by {by}. Proxmox was told, and\nI did not see it end.\nLook again before you repeat it."
            ),
        ),
    };
    card(stop, colour, mark, word, body)
}

#[must_use]
pub fn ended_already(stop: &Stop) -> Reply {
    let body = "The task has ended already.\nNothing was done.".to_owned();
    card(stop, Colour::Grey, "⚪", "over already", body)
}

#[must_use]
pub fn stopping_already(stop: &Stop, by: Option<UserId>) -> Reply {
    let who = by
        .map(|by| format!("Asked by {}. ", person(by)))
        .unwrap_or_default();
    let body = format!("{who}Nothing was done.\nWait for that to end.");
    card(stop, Colour::Amber, "🟡", "stopping already", body)
}

#[must_use]
pub fn not_stopped(stop: &Stop, why: &str) -> Reply {
    let body = format!("Asked by {}.\n{why}", person(stop.by));
    card(stop, Colour::Red, "🔴", "not stopped", body)
}

/// What a refusal of Proxmox means.
#[must_use]
pub fn why_refused(status: Option<u16>, readers: Readers) -> String {
    let why = match status {
        Some(401) => NO_TOKEN,
        Some(403) => NOT_OURS,
        Some(400) => "Proxmox knows no such task any more.",
        Some(595..=599) => "Its node does not answer. Try again\nwhen the node is back.",
        Some(_) => "Proxmox refused it.",
        None => "Proxmox could not be reached, so it\nwas never asked. Try again.",
    };
    told_to(readers, why)
}

fn card(stop: &Stop, colour: Colour, mark: &str, word: &str, body: String) -> Reply {
    let noun = noun(&stop.task);
    Reply::card(Card {
        colour,
        title: format!("{mark} {} · {noun} {word}", stop.task.name),
        body,
        footer: Some(stop.task.footer.clone()),
    })
}
