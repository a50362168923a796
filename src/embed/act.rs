//! The card of an act, as it changes: asked, at work, and the true end. It is public, so it holds
//! only person, guest, action, state and duration.

use std::fmt::Write as _;
use std::time::Duration;

use crate::action::{Action, Deed, GuestFacts, Power};
use crate::ids::{GuestQuery, UserId};

use super::deed::{done, going_on, not_done, noun, particulars};
use super::guest::{buttons_of, held_buttons};
use super::reply::{Button, Card, Colour, File, Reply, Style};
use super::words::{ago, clock, duration, guest_footer, guest_name, person, plain, visible};

/// Who does what to which guest, since when (unix seconds).
#[derive(Debug, Clone)]
pub struct Act {
    pub deed: Deed,
    pub guest: GuestFacts,
    pub by: UserId,
    /// Who approved it, if it had to be asked for.
    pub approved: Option<UserId>,
    pub since: i64,
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
    Reply::card(card(act, Colour::Amber, "🟡", going_on(&act.deed), body))
}

/// The same, when the guest takes its time to shut down: it can be stopped.
#[must_use]
pub fn still_at_work(act: &Act) -> Reply {
    at_work(act).with_buttons(vec![stop_now(act)])
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

/// The task ended well, and the guest was read again and is as it should be. `runs`: what it does
/// now.
#[must_use]
pub fn succeeded(act: &Act, took: Duration, warned: bool, runs: Runs) -> Reply {
    let (colour, mark) = match (&act.deed, runs) {
        (Deed::Power(Power::Suspend), _) => (Colour::Amber, "🟡"),
        (Deed::Power(_), Some(true)) => (Colour::Green, "🟢"),
        (Deed::Power(_), Some(false)) => (Colour::Grey, "⚪"),
        (Deed::Power(_), None) => (Colour::Amber, "🟠"),
        _ => (Colour::Green, "✅"),
    };
    let seconds = i64::try_from(took.as_secs()).unwrap_or(0);
    let took = match took.as_secs() {
        0 => "at once".to_owned(),
        _ => format!("in {}", duration(took)),
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
    if let Some(approver) = act.approved {
        let _ = write!(body, "\nApproved by {}.", person(approver));
    }
    if warned {
        body.push_str("\n⚠️ Proxmox gave a warning on the way.");
    }
    Reply::card(card(act, colour, mark, done(&act.deed), body))
        .with_buttons(next_buttons(act, runs))
}

/// What fits after it: a guest that is held can be resumed.
fn next_buttons(act: &Act, runs: Runs) -> Vec<Button> {
    if act.deed == Deed::Power(Power::Suspend) {
        return held_buttons(&act.guest.guest);
    }
    buttons_of(&act.guest.guest, runs)
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
    /// So it cannot go on.
    NotPaused,
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
        NoNeed::NotPaused => "runs already",
    };
    let (colour, mark) = match runs {
        _ if why == NoNeed::Paused => (Colour::Amber, "🟡"),
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
fn log_line(line: &str) -> String {
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

const TASK_FAILED: &str = "Proxmox's task failed.";
const RUNS: &str = "It runs already.";
const DOES_NOT_RUN: &str = "It does not run.";
const TEMPLATE: &str = "It is a template: clone it first.";
const BUSY: &str = "Proxmox is busy with this guest.\nTry again in a minute.";
const NO_REACTION: &str = "The guest did not react in time.\nTry again, or stop it.";
const NO_QUORUM: &str = "The cluster has no quorum: too few\nnodes are up. Tell the owner.";
/// The node that was asked to back it up does not have it.
pub const NOT_THERE: &str = "Its node does not have it any more.\nIt was moved: look again.";

/// Who asked, for the description of a snapshot in Proxmox: one plain line.
#[must_use]
pub fn remark(name: &str) -> String {
    format!("By {} in Discord", visible(name))
}

const GONE: &str = "Proxmox no longer finds it there.\nIt was moved or deleted: look again.";
const PAUSED: &str = "It is paused: resume it first.";
const STOPPED: &str = "Somebody stopped the task.";
const NO_CRIU: &str =
    "Containers can only be held where their\nnode has CRIU, and not all can then.";
const NEEDS: &str = "Something that it needs is missing or\noff in Proxmox. Tell the owner.";

/// Proxmox's texts from end to end, and what they mean. `#` stands for a number, `*` for anything
/// without an apostrophe. Parts of a text would not do: other errors, and names, hold the same words.
const KNOWN: &[(&str, &str)] = &[
    ("VM # already running", RUNS),
    ("CT # already running", RUNS),
    ("VM # not running", DOES_NOT_RUN),
    ("CT # not running", DOES_NOT_RUN),
    ("you can't start a vm if it's a template", TEMPLATE),
    ("you can't start a CT if it's a template", TEMPLATE),
    ("can't lock file '*' - got timeout", BUSY),
    ("VM quit/powerdown failed - got timeout", NO_REACTION),
    ("VM quit/powerdown failed", NO_REACTION),
    ("container did not stop", NO_REACTION),
    ("cluster not ready - no quorum?", NO_QUORUM),
    ("Configuration file '*' does not exist", GONE),
    (
        "unable to find configuration file for VM # on node '*'",
        GONE,
    ),
    (
        "unable to find configuration file for CT # on node '*'",
        GONE,
    ),
    ("VM is paused - cannot shutdown", PAUSED),
    ("received interrupt", STOPPED),
    ("volume '*' does not exist", NEEDS),
    ("bridge '*' does not exist", NEEDS),
    ("storage '*' is not online", NEEDS),
    ("command 'lxc-checkpoint *' failed: exit code #", NO_CRIU),
];

/// What Proxmox's own text means, as a sentence with the next step. Unknown texts stay unsaid in
/// public; the person who asked gets them privately.
#[must_use]
pub fn why_failed(text: &str) -> String {
    let text = text.trim();
    let locked = ["VM is locked (", "CT is locked ("]
        .iter()
        .find_map(|begin| text.strip_prefix(begin)?.strip_suffix(')'));
    if let Some(lock) = locked {
        return locked_by(lock);
    }
    let known = KNOWN.iter().find(|(form, _)| has_form(text, form));
    known.map_or(TASK_FAILED, |(_, meaning)| meaning).to_owned()
}

/// Whether a text is the form from end to end. What a placeholder takes ends where it cannot go on.
fn has_form(text: &str, form: &str) -> bool {
    let Some(at) = form.find(['#', '*']) else {
        return text == form;
    };
    let Some(rest) = text.strip_prefix(&form[..at]) else {
        return false;
    };
    let taken: fn(char) -> bool = match &form[at..=at] {
        "#" => |c| c.is_ascii_digit(),
        _ => |c| c != '\'',
    };
    let after = rest.trim_start_matches(taken);
    after.len() < rest.len() && has_form(after, &form[at + 1..])
}

/// A lock is somebody else's work on the guest.
#[must_use]
pub fn locked_by(lock: &str) -> String {
    let work = match lock {
        "backup" => ": a backup of it runs",
        "migrate" => ": it is being moved",
        "snapshot" | "snapshot-delete" => ": a snapshot is being changed",
        "rollback" => ": it is being rolled back",
        "clone" => ": it is being cloned",
        "create" => ": it is being created",
        "suspending" | "suspended" => ": it is suspended to disk",
        other if is_lock(other) => &format!(" ({other})"),
        _ => "",
    };
    format!("It is locked{work}.\nTry again when that has ended.")
}

/// Whether it looks like one of Proxmox's own words. The card is public, so nothing else gets there.
fn is_lock(word: &str) -> bool {
    let letter = |b: u8| b.is_ascii_lowercase() || b == b'-';
    (1..=24).contains(&word.len()) && word.bytes().all(letter)
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
            since: 0,
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

    #[test]
    fn proxmoxs_texts_are_known_by_their_whole_form() {
        for (text, meaning) in [
            ("VM 101 already running", RUNS),
            ("CT 104 not running\n", DOES_NOT_RUN),
            ("you can't start a CT if it's a template", TEMPLATE),
            (
                "can't lock file '/var/lock/qemu-server/lock-100.conf' - got timeout",
                BUSY,
            ),
            ("VM quit/powerdown failed - got timeout", NO_REACTION),
            ("cluster not ready - no quorum?", NO_QUORUM),
            (
                "Configuration file 'nodes/pve1/qemu-server/999.conf' does not exist",
                GONE,
            ),
            (
                "unable to find configuration file for VM 999 on node 'pve1'",
                GONE,
            ),
            ("received interrupt", STOPPED),
            ("volume 'local:iso/debian-13.iso' does not exist", NEEDS),
            ("bridge 'vmbr1' does not exist", NEEDS),
            ("storage 'templates' is not online", NEEDS),
        ] {
            assert_eq!(why_failed(text), meaning, "{text}");
        }
    }

    #[test]
    fn the_same_words_in_another_text_mean_nothing() {
        for text in [
            "",
            "start failed: command 'swtpm' not running",
            "kvm: failed to set up TRIGGER eventfd signaling for interrupt INTX-0",
            "PCI device '0000:01:00.0' already in use by VMID '110' already running",
            "VM x already running",
            "VM  already running",
            "hook: VM 101 already running",
            "unable to activate storage 'template': no quorum",
            "Configuration file '' does not exist",
            "Configuration file 'a' of 'b' does not exist",
        ] {
            assert_eq!(why_failed(text), TASK_FAILED, "{text}");
        }
    }

    #[test]
    fn only_proxmoxs_own_words_for_a_lock_are_repeated() {
        let ended = "Try again when that has ended.";
        let backup = format!("It is locked: a backup of it runs.\n{ended}");
        assert_eq!(why_failed("CT is locked (backup)"), backup);
        let fstrim = format!("It is locked (fstrim).\n{ended}");
        assert_eq!(why_failed("VM is locked (fstrim)"), fstrim);
        let unnamed = format!("It is locked.\n{ended}");
        for lock in [
            "",
            "10.0.0.5 root:hunter2 https://evil.example/nitro",
            "a) is locked (b",
            "Backup",
            &"x".repeat(25),
        ] {
            assert_eq!(locked_by(lock), unnamed, "{lock}");
        }
        for hooks in ["hook: VM is locked (secret)", "VM is locked (secret) by me"] {
            assert_eq!(why_failed(hooks), TASK_FAILED);
        }
    }
}
