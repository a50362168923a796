//! The card of an act, as it changes: asked, at work, and the true end. It is public, so it holds
//! only person, guest, action, state and duration.

use std::fmt::Write as _;
use std::time::Duration;

use crate::action::{Action, Deed, GuestFacts, NoticeId, Power};
use crate::ids::{GuestQuery, UserId};
use crate::proxmox::Progress;

use super::deed::{going_on, not_done, noun, particulars};
use super::guest::{buttons_of, held_buttons};
use super::notify::waitable;
use super::reply::{Button, Card, Colour, File, Reply, Style};
use super::snapshot::look;
use super::why::{Readers, told_to};
use super::words::{
    ago, bar, clock, duration, guest_footer, guest_name, person, plain, size, visible,
};

/// Who does what to which guest, since when (unix seconds).
#[derive(Debug, Clone)]
pub struct Act {
    pub deed: Deed,
    pub guest: GuestFacts,
    pub by: UserId,
    /// Who approved it, if it had to be asked for.
    pub approved: Option<UserId>,
    /// How many snapshots the guest had before one more is taken.
    pub before: Option<usize>,
    /// Under which others can ask to be told of the end.
    pub notice: Option<NoticeId>,
    pub since: i64,
    pub readers: Readers,
}

/// Whether the guest runs, as it was read after the act; `None`: it could not be read.
pub type Runs = Option<bool>;

/// The request is allowed and noted; Proxmox has not answered yet.
#[must_use]
pub fn asked(act: &Act) -> Reply {
    let body = format!("Asked by {} {}.", person(act.by), ago(act.since));
    Reply::card(card(act, Colour::Amber, "🟡", going_on(&act.deed), body))
}

/// Proxmox has made a task of it.
#[must_use]
pub fn at_work(act: &Act) -> Reply {
    let body = format!(
        "Asked by {}.\nProxmox is at work, begun {}.",
        person(act.by),
        ago(act.since)
    );
    under_way(act, body)
}

fn under_way(act: &Act, body: String) -> Reply {
    let reply = Reply::card(card(act, Colour::Amber, "🟡", going_on(&act.deed), body));
    waitable(reply, act.notice)
}

/// The same, when the guest takes its time to shut down: it can be stopped.
#[must_use]
pub fn still_at_work(act: &Act) -> Reply {
    let mut reply = at_work(act);
    reply.buttons.insert(0, stop_now(act));
    reply
}

fn stop_now(act: &Act) -> Button {
    Button {
        label: "Stop now".into(),
        style: Style::Danger,
        action: Action::Do {
            deed: Power::Stop.into(),
            kind: None,
            guest: GuestQuery::from(&act.guest.guest),
        },
    }
}

/// At work, and so far that much is known of how far.
#[must_use]
pub fn at_work_until(act: &Act, progress: Option<Progress>) -> Reply {
    let begun = ago(act.since);
    let how = match progress {
        None => return at_work(act),
        Some(Progress::Waiting) => {
            format!("Its node backs up another guest\nfirst, so this one waits.\nAsked {begun}.")
        }
        Some(Progress::Percent(percent)) => {
            let bar = bar(f64::from(percent) / 100.0);
            format!("{bar} {percent} %\nBegun {begun}.")
        }
    };
    let body = format!("Asked by {}.\n{how}", person(act.by));
    under_way(act, body)
}

/// What was read again at the end of an act.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Done {
    pub took: Duration,
    pub warned: bool,
    /// What the guest does now.
    pub runs: Runs,
    pub seen: Seen,
}

/// What there is now that was not before.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Seen {
    Nothing,
    Snapshot {
        /// It holds the guest's memory.
        ram: bool,
    },
    Backup {
        /// In bytes.
        size: Option<u64>,
    },
}

/// The task ended well, and the guest was read again and is as it should be.
#[must_use]
pub fn succeeded(act: &Act, done: &Done) -> Reply {
    let runs = done.runs;
    let (colour, mark) = match (&act.deed, runs) {
        (Deed::Power(Power::Suspend), _) => (Colour::Amber, "🟡"),
        (Deed::Power(_), Some(true)) => (Colour::Green, "🟢"),
        (Deed::Power(_), Some(false)) => (Colour::Grey, "⚪"),
        (Deed::Power(_), None) => (Colour::Amber, "🟠"),
        _ => (Colour::Green, "✅"),
    };
    let seconds = i64::try_from(done.took.as_secs()).unwrap_or(0);
    let took = match done.took.as_secs() {
        0 => "at once".to_owned(),
        _ => format!("in {}", duration(done.took)),
    };
    let mut body = format!("By {}, done {took}.", person(act.by));
    if matches!(act.deed, Deed::Power(Power::Start | Power::Reboot)) {
        let since = act.since.saturating_add(seconds);
        let _ = write!(body, "\nRunning since {}.", clock(since));
    }
    if matches!(act.deed, Deed::SnapshotRollback(_)) {
        body.push_str(match runs {
            Some(true) => "\nIt runs.",
            Some(false) => "\nIt is stopped now.",
            None => "\nI could not read whether it runs.",
        });
    }
    body.push_str(&what_there_is(act, done.seen));
    if let Some(approver) = act.approved {
        let _ = write!(body, "\nApproved by {}.", person(approver));
    }
    if done.warned {
        body.push_str("\n⚠️ Proxmox gave a warning on the way.");
    }
    let title = super::deed::done(&act.deed);
    Reply::card(card(act, colour, mark, title, body)).with_buttons(next_buttons(act, runs))
}

/// What a snapshot or a backup turned out to be.
fn what_there_is(act: &Act, seen: Seen) -> String {
    let mut text = String::new();
    match seen {
        Seen::Backup { size: Some(bytes) } => {
            let _ = write!(text, "\nIt takes {}.", size(bytes));
        }
        Seen::Snapshot { ram: false }
            if matches!(act.deed, Deed::SnapshotCreate { ram: true, .. }) =>
        {
            text.push_str("\nWithout memory: it did not run.");
        }
        _ => {}
    }
    if let Some(warning) = act.before.and_then(|before| too_many(before + 1)) {
        let _ = write!(text, "\n{warning}");
    }
    text
}

/// More than that are worth a word.
const MANY: usize = 10;

/// A warning, where a guest has many snapshots.
#[must_use]
pub(super) fn too_many(snapshots: usize) -> Option<String> {
    (snapshots > MANY).then(|| {
        format!("⚠️ {snapshots} snapshots: they cost space\nand speed, and are no backups.")
    })
}

/// What fits after it: a guest that is held can be resumed, and of snapshots one wants to see the rest.
fn next_buttons(act: &Act, runs: Runs) -> Vec<Button> {
    let guest = &act.guest.guest;
    if act.deed == Deed::Power(Power::Suspend) {
        return held_buttons(guest);
    }
    let mut buttons = buttons_of(guest, runs);
    if act.deed.is_about_snapshots() {
        buttons.push(look(guest.into(), "Snapshots"));
    }
    buttons
}

/// The cluster's HA manager has the request and will carry it out by itself.
#[must_use]
pub fn requested(act: &Act) -> Reply {
    let body = format!(
        "Asked by {}.\nThe HA manager has the request and\nhas not carried it out yet.",
        person(act.by)
    );
    let title = format!("{} requested", noun(&act.deed));
    Reply::card(card(act, Colour::Amber, "🟡", &title, body)).with_buttons(vec![refresh(act)])
}

/// The task ended well, but the guest is not as it should be.
#[must_use]
pub fn without_effect(act: &Act, runs: Runs) -> Reply {
    let now = match (&act.deed, runs) {
        (_, None) => "but I could not read its state",
        (Deed::Power(_), Some(true)) => "but it runs",
        (Deed::Power(_), Some(false)) => "but it does not run",
        (Deed::Backup { .. }, _) => "but I do not find the backup",
        (_, Some(_)) => "but its snapshots do not show it",
    };
    let body = format!(
        "Asked by {}.\nProxmox says the task ended well,\n{now}.\nLook again before you repeat it.",
        person(act.by)
    );
    let title = match runs {
        Some(_) => not_done(&act.deed),
        None => "state unknown".to_owned(),
    };
    Reply::card(card(act, Colour::Amber, "🟠", &title, body))
        .with_buttons(buttons_of(&act.guest.guest, runs))
}

/// Proxmox said no, or its task failed. `why` is a whole sentence of ours, never Proxmox's text.
#[must_use]
pub fn failed(act: &Act, why: &str, runs: Runs) -> Reply {
    let why = told_to(act.readers, why);
    let body = format!("Asked by {}.\n{why}", person(act.by));
    let title = not_done(&act.deed);
    let mut buttons = buttons_of(&act.guest.guest, runs);
    let hung = matches!(act.deed, Deed::Power(Power::Shutdown | Power::Reboot));
    if hung && runs == Some(true) {
        buttons.insert(0, stop_now(act));
    }
    Reply::card(card(act, Colour::Red, "🔴", &title, body)).with_buttons(buttons)
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

/// Something that was begun and that nobody can look up any more. `action` is the right's word,
/// `what` the node or guest, if it is about one.
#[must_use]
pub fn left_unseen(action: &str, what: &str) -> Reply {
    Reply::card(Card {
        colour: Colour::Amber,
        title: format!("🟠 {} · outcome unknown", plain(action)),
        body: format!(
            "{}\nI did not see how it ended.\nLook yourself.",
            plain(what)
        )
        .trim_start()
        .to_owned(),
        footer: None,
    })
}

/// Why Proxmox need not be asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NoNeed {
    Template,
    Paused,
    Running,
    Stopped,
    /// So it can neither be rebooted nor held.
    NotRunning,
}

/// Nothing to do: the guest is that way already, or it cannot be done to it now. Nothing was sent.
#[must_use]
pub fn not_needed(act: &Act, why: NoNeed, runs: Runs) -> Reply {
    let state = match why {
        NoNeed::Template => "is a template",
        NoNeed::Paused => "is paused",
        NoNeed::Running => "runs already",
        NoNeed::Stopped => "is stopped already",
        NoNeed::NotRunning => "does not run",
    };
    let (colour, mark) = match runs {
        _ if why == NoNeed::Paused => (Colour::Amber, "🟡"),
        // It was asked to do something that only a running guest can.
        _ if why == NoNeed::NotRunning => (Colour::Amber, "⚪"),
        Some(true) => (Colour::Green, "🟢"),
        Some(false) => (Colour::Grey, "⚪"),
        None => (Colour::Amber, "🟠"),
    };
    let body = format!("Asked by {}. Nothing was done.", person(act.by));
    let reply = Reply::card(card(act, colour, mark, state, body));
    match why {
        // A template cannot be switched at all.
        NoNeed::Template => reply,
        NoNeed::Paused => reply.with_buttons(held_buttons(&act.guest.guest)),
        _ => reply.with_buttons(buttons_of(&act.guest.guest, runs)),
    }
}

/// Of the log, the card shows so many last lines, and so many letters of each.
const LAST_LINES: usize = 8;
const LETTERS: usize = 300;

/// What Proxmox wrote, for the person who asked alone: its end, and a file where that is not all.
#[must_use]
pub fn log(act: &Act, lines: &[String]) -> Reply {
    let last = &lines[lines.len().saturating_sub(LAST_LINES)..];
    let shown: Vec<String> = last.iter().map(|line| log_line(line)).collect();
    let body = if lines.is_empty() {
        "The task wrote no log.".to_owned()
    } else {
        format!("```\n{}\n```", shown.join("\n"))
    };
    let mut reply = Reply::card(Card {
        colour: Colour::Grey,
        title: format!("📄 {} · what Proxmox wrote", guest_name(&act.guest)),
        body,
        footer: Some(guest_footer(&act.guest)),
    });
    let cut = |line: &String| line.chars().nth(LETTERS).is_some();
    if lines.len() > LAST_LINES || last.iter().any(cut) {
        reply.files.push(File {
            name: "task-log.txt".to_owned(),
            text: lines.join("\n"),
        });
    }
    reply
}

/// One line that neither ends the block that it stands in nor fills the card.
pub(super) fn log_line(line: &str) -> String {
    let mut letters = line.chars();
    let mut start: String = letters.by_ref().take(LETTERS).collect();
    if letters.next().is_some() {
        start.push('…');
    }
    visible(&start).replace("```", "'''")
}

fn card(act: &Act, colour: Colour, mark: &str, state: &str, body: String) -> Card {
    let body = match particulars(&act.deed) {
        Some(line) => format!("{line}\n{body}"),
        None => body,
    };
    Card {
        colour,
        title: format!("{mark} {} · {state}", guest_name(&act.guest)),
        body,
        footer: Some(guest_footer(&act.guest)),
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

/// The node that was asked to back it up does not have it.
pub const NOT_THERE: &str = "Its node does not have it any more.\nIt was moved: look again.";

/// Who asked, for the description of a snapshot in Proxmox: one plain line.
#[must_use]
pub fn remark(name: &str) -> String {
    format!("By {} in Discord", visible(name))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn act() -> Act {
        Act {
            deed: Power::Start.into(),
            guest: GuestFacts {
                guest: crate::ids::GuestRef {
                    cluster: "home".parse().unwrap(),
                    vmid: crate::ids::Vmid::new(101).unwrap(),
                },
                kind: crate::ids::Kind::Vm,
                node: "pve1".parse().unwrap(),
                name: None,
                pool: None,
                pools_seen: [].into(),
                tags: Vec::new(),
            },
            by: UserId(1),
            approved: None,
            before: None,
            notice: None,
            since: 0,
            readers: Readers {
                public: true,
                owner: false,
            },
        }
    }

    #[test]
    fn a_long_line_of_a_log_is_cut_on_the_card_and_whole_in_the_file() {
        let long = format!("{}END", "é".repeat(1_000_000));
        let reply = log(&act(), &["one".to_owned(), long.clone()]);
        let body = &reply.cards[0].body;
        assert!(body.starts_with("```\none\néé") && body.ends_with("é…\n```"));
        assert_eq!(body.chars().filter(|c| *c == 'é').count(), LETTERS);
        assert_eq!(reply.files[0].text, format!("one\n{long}"));
        // What fits needs no file.
        let short = log(&act(), &["x".repeat(LETTERS)]);
        assert!(short.files.is_empty() && !short.cards[0].body.contains('…'));
        let many: Vec<String> = (0..9).map(|n| format!("line {n}")).collect();
        let many = log(&act(), &many);
        assert!(!many.cards[0].body.contains("line 0") && many.files[0].text.contains("line 0"));
    }

    #[test]
    fn a_line_of_a_log_cannot_leave_its_block() {
        let reply = log(
            &act(),
            &["a`\u{200b}``[x](https://evil.example)".to_owned()],
        );
        let body = &reply.cards[0].body;
        assert_eq!(body.matches("```").count(), 2, "{body}");
    }
}
