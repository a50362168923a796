//! The card of an act, as it changes: asked, at work, and the true end. It is public, so it holds
//! only person, guest, action, state and duration.

use std::fmt::Write as _;
use std::time::Duration;

use crate::action::{Action, GuestFacts, Power};
use crate::ids::{GuestQuery, UserId};

use super::guest::buttons_of;
use super::reply::{Button, Card, Colour, File, Reply, Style};
use super::words::{
    ago, clock, done, duration, going_on, guest_footer, guest_name, person, plain, verb,
};

/// Who does what to which guest, since when (unix seconds).
#[derive(Debug, Clone)]
pub struct Act {
    pub power: Power,
    pub guest: GuestFacts,
    pub by: UserId,
    pub since: i64,
}

/// Whether the guest runs, as it was read after the act; `None`: it could not be read.
pub type Runs = Option<bool>;

/// The request is allowed and noted; Proxmox has not answered yet.
#[must_use]
pub fn asked(act: &Act) -> Reply {
    let body = format!("Asked by {} {}.", person(act.by), ago(act.since));
    Reply::card(card(act, Colour::Amber, "🟡", going_on(act.power), body))
}

/// Proxmox has made a task of it.
#[must_use]
pub fn at_work(act: &Act) -> Reply {
    let body = format!(
        "Asked by {}.\nProxmox is at work, begun {}.",
        person(act.by),
        ago(act.since)
    );
    Reply::card(card(act, Colour::Amber, "🟡", going_on(act.power), body))
}

/// The task ended well, and the guest was read again and is as it should be.
#[must_use]
pub fn succeeded(act: &Act, took: Duration, warned: bool) -> Reply {
    let running = matches!(act.power, Power::Start | Power::Reboot);
    let (colour, mark) = if running {
        (Colour::Green, "🟢")
    } else {
        (Colour::Grey, "⚪")
    };
    let seconds = i64::try_from(took.as_secs()).unwrap_or(0);
    let took = match took.as_secs() {
        0 => "at once".to_owned(),
        _ => format!("in {}", duration(took)),
    };
    let mut body = format!("By {}, done {took}.", person(act.by));
    if running {
        let since = act.since.saturating_add(seconds);
        let _ = write!(body, "\nRunning since {}.", clock(since));
    }
    if warned {
        body.push_str("\n⚠️ Proxmox gave a warning on the way.");
    }
    Reply::card(card(act, colour, mark, done(act.power), body))
        .with_buttons(buttons_of(&act.guest.guest, Some(running)))
}

/// The cluster's HA manager has the request and will carry it out by itself.
#[must_use]
pub fn requested(act: &Act) -> Reply {
    let body = format!(
        "Asked by {}.\nThe HA manager has the request and\nhas not carried it out yet.",
        person(act.by)
    );
    let title = format!("{} requested", noun(act.power));
    Reply::card(card(act, Colour::Amber, "🟡", &title, body)).with_buttons(vec![refresh(act)])
}

/// The task ended well, but the guest is not as it should be.
#[must_use]
pub fn without_effect(act: &Act, runs: Runs) -> Reply {
    let now = match runs {
        Some(true) => "but it runs",
        Some(false) => "but it does not run",
        None => "but I could not read its state",
    };
    let body = format!(
        "Asked by {}.\nProxmox says the task ended well,\n{now}.\nLook again before you repeat it.",
        person(act.by)
    );
    let title = match runs {
        Some(_) => format!("did not {}", verb(act.power)),
        None => "state unknown".to_owned(),
    };
    Reply::card(card(act, Colour::Amber, "🟠", &title, body))
        .with_buttons(buttons_of(&act.guest.guest, runs))
}

/// Proxmox said no, or its task failed. `why` is a whole sentence of ours, never Proxmox's text.
#[must_use]
pub fn failed(act: &Act, why: &str, runs: Runs) -> Reply {
    let body = format!("Asked by {}.\n{why}", person(act.by));
    let title = format!("did not {}", verb(act.power));
    Reply::card(card(act, Colour::Red, "🔴", &title, body))
        .with_buttons(buttons_of(&act.guest.guest, runs))
}

/// It may have happened, and nobody saw the end.
#[must_use]
pub fn unknown(act: &Act, runs: Runs) -> Reply {
    let now = match runs {
        Some(true) => "It runs now.",
        Some(false) => "It does not run now.",
        None => "Its state cannot be read now.",
    };
    let body = format!(
        "Asked by {}.\nProxmox did not tell how it ended.\n{now}\nLook again before you repeat it.",
        person(act.by)
    );
    Reply::card(card(act, Colour::Amber, "🟠", "outcome unknown", body))
        .with_buttons(vec![refresh(act)])
}

/// Found open at the next start: the bot stopped in between.
#[must_use]
pub fn found_again(reply: Reply) -> Reply {
    let mut reply = reply;
    if let Some(card) = reply.cards.first_mut() {
        card.body.push_str("\nI was restarted in between.");
    }
    reply
}

/// Nothing to do: the guest is that way already, or it cannot be done to it now. Nothing was sent.
#[must_use]
pub fn not_needed(act: &Act, why: &str, runs: Runs) -> Reply {
    let (colour, mark) = match runs {
        Some(true) => (Colour::Green, "🟢"),
        Some(false) => (Colour::Grey, "⚪"),
        None => (Colour::Amber, "🟠"),
    };
    let body = format!("Asked by {}. Nothing was done.", person(act.by));
    Reply::card(card(act, colour, mark, why, body)).with_buttons(buttons_of(&act.guest.guest, runs))
}

/// What Proxmox wrote, for the person who asked alone.
#[must_use]
pub fn log(act: &Act, last: &[String], whole: Option<String>) -> Reply {
    let lines: Vec<String> = last.iter().map(|line| line.replace("```", "'''")).collect();
    let body = if lines.is_empty() {
        "The task wrote no log.".to_owned()
    } else {
        format!("```\n{}\n```", lines.join("\n"))
    };
    let mut reply = Reply::card(Card {
        colour: Colour::Grey,
        title: format!("📄 {} · what Proxmox wrote", guest_name(&act.guest)),
        body,
        footer: Some(guest_footer(&act.guest)),
    });
    reply.files = whole
        .map(|text| File {
            name: "task-log.txt".to_owned(),
            text,
        })
        .into_iter()
        .collect();
    reply
}

fn card(act: &Act, colour: Colour, mark: &str, state: &str, body: String) -> Card {
    Card {
        colour,
        title: format!("{mark} {} · {state}", guest_name(&act.guest)),
        body,
        footer: Some(guest_footer(&act.guest)),
    }
}

fn noun(power: Power) -> &'static str {
    match power {
        Power::Start => "start",
        Power::Shutdown => "shutdown",
        Power::Reboot => "reboot",
        Power::Stop => "stop",
    }
}

fn refresh(act: &Act) -> Button {
    Button {
        label: "Refresh".into(),
        style: Style::Secondary,
        action: Action::GuestStatus {
            kind: None,
            guest: GuestQuery::from(&act.guest.guest),
        },
    }
}

const TASK_FAILED: &str = "Proxmox's task failed.";

/// What Proxmox's own text means, as a sentence with the next step. Unknown texts stay unsaid in
/// public; the person who asked gets them privately.
#[must_use]
pub fn why_failed(text: &str) -> String {
    let has = |part: &str| text.contains(part);
    let locked = text
        .split_once("is locked (")
        .and_then(|(_, rest)| rest.split_once(')'))
        .map(|(lock, _)| lock);
    if let Some(lock) = locked {
        return locked_by(lock);
    }
    let sentence = if has("already running") {
        "It runs already."
    } else if has("not running") {
        "It does not run."
    } else if has("template") {
        "It is a template: clone it first."
    } else if has("got timeout") && has("lock file") {
        "Proxmox is busy with this guest.\nTry again in a minute."
    } else if has("powerdown failed") || has("quit/powerdown") {
        "The guest did not react in time.\nTry again, or stop it."
    } else if has("no quorum") {
        "The cluster has no quorum: too few\nnodes are up. Tell the owner."
    } else if has("does not exist") || has("unable to find configuration") {
        "Proxmox no longer finds it there.\nIt was moved or deleted: look again."
    } else if has("is paused") {
        "It is paused: resume it first."
    } else if has("interrupt") {
        "Somebody stopped the task."
    } else {
        TASK_FAILED
    };
    sentence.to_owned()
}

/// A lock is somebody else's work on the guest.
#[must_use]
pub fn locked_by(lock: &str) -> String {
    let work = match lock {
        "backup" => "a backup of it runs",
        "migrate" => "it is being moved",
        "snapshot" | "snapshot-delete" => "a snapshot is being changed",
        "rollback" => "it is being rolled back",
        "clone" => "it is being cloned",
        "create" => "it is being created",
        "suspending" | "suspended" => "it is suspended to disk",
        _ => {
            return format!(
                "It is locked ({}).\nTry again when that has ended.",
                plain(lock)
            );
        }
    };
    format!("It is locked: {work}.\nTry again when that has ended.")
}

/// What Proxmox answered instead of making a task.
#[derive(Debug, Clone, Copy)]
pub struct Refusal<'a> {
    pub status: Option<u16>,
    pub text: Option<&'a str>,
    /// The text names a privilege that the bot's token lacks.
    pub missing: bool,
}

/// Why Proxmox did not take a request, with the next step. Privileges are named elsewhere, to
/// those who can give them.
#[must_use]
pub fn why_refused(refusal: &Refusal<'_>) -> String {
    match refusal.status {
        Some(401) => "Proxmox does not accept the bot's\ntoken. Tell the owner.".to_owned(),
        Some(403) if refusal.missing => {
            "The bot itself lacks the right for it\nin Proxmox. Tell the owner.".to_owned()
        }
        Some(403) => "Proxmox does not let the bot do this.\nTell the owner.".to_owned(),
        Some(595 | 596 | 599) => {
            "Its node does not answer. Try again\nwhen the node is back.".to_owned()
        }
        Some(_) => match why_failed(refusal.text.unwrap_or_default()) {
            unknown if unknown == TASK_FAILED => "Proxmox refused it.".to_owned(),
            known => known,
        },
        None => "Proxmox could not be reached, so it\nwas never asked. Try again.".to_owned(),
    }
}
