//! Tasks of Proxmox: the list, one's log, and breaking one off.

use std::time::Duration;

use crate::action::{Action, LogPart, TaskId, TasksOf};
use crate::ids::{InteractionId, UserId, Vmid};
use crate::proxmox::TaskEnd;

use super::act::log_line;
use super::confirm::Subject;
use super::problem::{failure, refusal};
use super::reply::{Button, Card, Colour, File, Reply, Style};
use super::words::{ago, duration, person, plain, visible};

/// One task.
#[derive(Debug, Clone)]
pub struct Line {
    pub id: TaskId,
    /// Of the guest or node, ready to be shown.
    pub name: String,
    /// Proxmox's type of it.
    pub kind: String,
    /// Who began it; `None`: this bot.
    pub by: Option<String>,
    /// Unix seconds.
    pub started: i64,
    /// Until it ended, or until now.
    pub took: Duration,
    /// `None`: it runs.
    pub end: Option<TaskEnd>,
    pub footer: String,
}

/// What a list says.
#[derive(Debug)]
pub struct List<'a> {
    pub of: &'a TasksOf,
    pub lines: &'a [Line],
    /// Nodes that did not tell theirs.
    pub silent: &'a [String],
    /// Nodes on which the bot's token sees none but its own.
    pub own_only: &'a [String],
}

/// Type, and what it is while it goes on, once it is done, and as a thing.
type Words = (&'static str, &'static str, &'static str, &'static str);

/// The part behind `qm`, `vz` or `ha`.
const OF_GUESTS: &[Words] = &[
    ("start", "starting", "started", "start"),
    ("stop", "stopping", "stopped", "stop"),
    ("shutdown", "shutting down", "shut down", "shutdown"),
    ("reboot", "rebooting", "rebooted", "reboot"),
    ("reset", "resetting", "reset", "reset"),
    ("suspend", "suspending", "suspended", "suspend"),
    ("pause", "suspending", "suspended", "suspend"),
    ("resume", "resuming", "resumed", "resume"),
    (
        "snapshot",
        "taking a snapshot",
        "snapshot taken",
        "snapshot",
    ),
    (
        "delsnapshot",
        "deleting a snapshot",
        "snapshot deleted",
        "snapshot deletion",
    ),
    ("rollback", "rolling back", "rolled back", "rollback"),
    ("clone", "cloning", "cloned", "clone"),
    ("create", "creating", "created", "creation"),
    ("restore", "restoring", "restored", "restore"),
    ("igrate", "moving", "moved", "move"),
    ("migrate", "moving", "moved", "move"),
    ("relocate", "moving", "moved", "move"),
    ("destroy", "deleting", "deleted", "deletion"),
    (
        "template",
        "becoming a template",
        "made a template",
        "template",
    ),
    (
        "config",
        "changing settings",
        "settings changed",
        "change of settings",
    ),
    ("move", "moving a disk", "disk moved", "move of a disk"),
];

const OTHERS: &[Words] = &[
    ("vzdump", "backing up", "backed up", "backup"),
    ("vncproxy", "console open", "console closed", "console"),
    ("vncshell", "shell open", "shell closed", "shell"),
    ("spiceproxy", "console open", "console closed", "console"),
    (
        "aptupdate",
        "looking for updates",
        "looked for updates",
        "look for updates",
    ),
    (
        "startall",
        "starting guests",
        "guests started",
        "start of guests",
    ),
    (
        "stopall",
        "stopping guests",
        "guests stopped",
        "stop of guests",
    ),
    ("imgcopy", "copying a file", "file copied", "copy of a file"),
    (
        "imgdel",
        "deleting a disk",
        "disk deleted",
        "deletion of a disk",
    ),
    ("download", "downloading", "downloaded", "download"),
    (
        "move_volume",
        "moving a disk",
        "disk moved",
        "move of a disk",
    ),
    ("resize", "resizing a disk", "disk resized", "resizing"),
    (
        "srvreload",
        "reloading a service",
        "service reloaded",
        "reload of a service",
    ),
    (
        "srvrestart",
        "restarting a service",
        "service restarted",
        "restart of a service",
    ),
];

fn words(kind: &str) -> Option<&'static Words> {
    let whole = OTHERS.iter().find(|words| words.0 == kind);
    whole.or_else(|| {
        let part = ["qm", "vz", "ha"]
            .iter()
            .find_map(|prefix| kind.strip_prefix(prefix))?;
        OF_GUESTS.iter().find(|words| words.0 == part)
    })
}

/// The guest of a task that is not there any more.
#[must_use]
pub fn gone_guest(vmid: Vmid) -> String {
    format!("{vmid} (gone)")
}

/// "backup of valheim": after "stop the".
fn as_thing(line: &Line) -> String {
    let noun = words(&line.kind).map_or_else(|| plain(&line.kind), |words| words.3.to_owned());
    format!("{noun} of {}", line.name)
}

/// Mark, and what became of it.
fn state(line: &Line) -> (&'static str, String) {
    let known = words(&line.kind);
    let kind = || plain(&line.kind);
    let noun = || known.map_or_else(kind, |words| words.3.to_owned());
    match &line.end {
        None => (
            "🟡",
            known.map_or_else(|| format!("{} runs", kind()), |words| words.1.to_owned()),
        ),
        Some(TaskEnd::Ok) => (
            "✅",
            known.map_or_else(|| format!("{} done", kind()), |words| words.2.to_owned()),
        ),
        Some(TaskEnd::Warnings(_)) => (
            "⚠️",
            known.map_or_else(
                || format!("{} done, with warnings", kind()),
                |words| format!("{}, with warnings", words.2),
            ),
        ),
        Some(TaskEnd::Failed(_)) => ("🔴", format!("{} failed", noun())),
        Some(TaskEnd::Aborted) => ("⚪", format!("{} broken off", noun())),
        Some(TaskEnd::Unexpected) => ("🟠", format!("{}, end unknown", noun())),
    }
}

fn by(line: &Line) -> String {
    line.by
        .as_deref()
        .map_or_else(|| "this bot".to_owned(), plain)
}

#[must_use]
pub fn list(list: &List<'_>) -> Reply {
    let mut parts: Vec<String> = (1..)
        .zip(list.lines)
        .map(|(n, line)| shown(n, line))
        .collect();
    if parts.is_empty() {
        parts.push("None that you may see here.".to_owned());
    }
    if !list.silent.is_empty() {
        let nodes = list.silent.join(", ");
        parts.push(format!("🟠 No answer in time: {nodes}"));
    }
    if !list.own_only.is_empty() {
        let nodes = list.own_only.join(", ");
        parts.push(format!(
            "Of {nodes} the bot's token sees\nits own tasks only (Sys.Audit)."
        ));
    }
    let runs = list.lines.iter().filter(|line| line.end.is_none()).count();
    let title = match runs {
        0 => "📋 Tasks".to_owned(),
        runs => format!("📋 Tasks · {runs} at work"),
    };
    let logs = (1..).zip(list.lines).map(|(n, line)| Button {
        label: format!("Log {n}").into(),
        style: Style::Secondary,
        action: Action::TaskLog {
            task: line.id,
            part: LogPart::End,
        },
    });
    let refresh = Button {
        label: "Refresh".into(),
        style: Style::Secondary,
        action: Action::TaskList(list.of.clone()),
    };
    let failed = list
        .lines
        .iter()
        .any(|line| matches!(line.end, Some(TaskEnd::Failed(_))));
    Reply::card(Card {
        colour: if failed || !list.silent.is_empty() {
            Colour::Amber
        } else {
            Colour::Grey
        },
        title,
        body: parts.join("\n"),
        footer: None,
    })
    .with_buttons(logs.chain([refresh]).collect())
}

fn shown(number: usize, line: &Line) -> String {
    let (mark, what) = state(line);
    let took = duration(line.took);
    let when = match line.end {
        None => format!("since {took}"),
        Some(_) => took,
    };
    format!(
        "`{number}` {mark} {} · {what} · {when}\n{} · {}",
        line.name,
        ago(line.started),
        by(line)
    )
}

/// One line of autocomplete, at most 100 characters, plain text.
#[must_use]
pub fn choice(line: &Line) -> String {
    let (mark, what) = state(line);
    let text = format!("{mark} {} · {what} · {}", line.name, duration(line.took));
    visible(&text.replace('\\', "")).chars().take(100).collect()
}

/// So many lines of the log are read for each part.
#[must_use]
pub fn lines_of(part: LogPart) -> usize {
    match part {
        LogPart::End => 10,
        LogPart::More => 40,
        LogPart::Whole => 10_000,
    }
}

/// `lines`: one more than is shown, where there are older ones. `stops`: the person may break it off.
#[must_use]
pub fn log(line: &Line, lines: &[String], part: LogPart, stops: bool) -> Reply {
    let most = match part {
        LogPart::End | LogPart::Whole => lines_of(LogPart::End),
        LogPart::More => lines_of(LogPart::More),
    };
    let last = &lines[lines.len().saturating_sub(most)..];
    let older = lines.len() > last.len();
    let text: Vec<String> = last.iter().map(|line| log_line(line)).collect();
    let block = if lines.is_empty() {
        "It has written nothing.".to_owned()
    } else {
        format!("```\n{}\n```", text.join("\n"))
    };
    let note = match part {
        LogPart::Whole if lines.len() > lines_of(LogPart::Whole) => "\nThe file holds its end.",
        LogPart::Whole => "\nThe file holds all of it.",
        _ if older => "\nThis is its end; there is more.",
        _ => "",
    };
    let (mark, what) = state(line);
    let mut reply = Reply::card(Card {
        colour: Colour::Grey,
        title: format!("{mark} {} · {what}", line.name),
        body: format!("{} · {}\n{block}{note}", ago(line.started), by(line)),
        footer: Some(line.footer.clone()),
    })
    .with_buttons(log_buttons(line, part, older, stops));
    if part == LogPart::Whole {
        reply.files.push(File {
            name: "task-log.txt".to_owned(),
            text: lines.join("\n"),
        });
    }
    reply
}

fn log_buttons(line: &Line, part: LogPart, older: bool, stops: bool) -> Vec<Button> {
    let read = |label: &'static str, part| Button {
        label: label.into(),
        style: Style::Secondary,
        action: Action::TaskLog {
            task: line.id,
            part,
        },
    };
    let mut buttons = Vec::new();
    if older {
        buttons.extend(match part {
            LogPart::End => Some(read("More", LogPart::More)),
            LogPart::More => Some(read("All as a file", LogPart::Whole)),
            LogPart::Whole => None,
        });
    }
    if stops {
        buttons.push(Button {
            label: "Stop the task".into(),
            style: Style::Danger,
            action: Action::TaskStop(line.id),
        });
    }
    buttons
}

/// The log does not come now.
#[must_use]
pub fn unreadable(line: &Line, id: InteractionId) -> Reply {
    failure(
        &format!("{}: no answer", line.name),
        "Its node does not tell now how the\ntask goes. Try again in a minute.".to_owned(),
        id,
    )
}

/// Not in memory, or not for this person: the same words.
#[must_use]
pub fn gone() -> Reply {
    refusal(
        "No such task for you here",
        "It is too long ago, or I was restarted\nsince. List them again: `/task list`.".to_owned(),
    )
}

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
pub fn why_refused(status: Option<u16>) -> String {
    match status {
        Some(401) => "Proxmox does not accept the bot's\ntoken. Tell the owner.",
        Some(403) => "Somebody else began it, and the bot\nmay stop only its own. Tell the owner.",
        Some(400) => "Proxmox knows no such task any more.",
        Some(595..=599) => "Its node does not answer. Try again\nwhen the node is back.",
        Some(_) => "Proxmox refused it.",
        None => "Proxmox could not be reached, so it\nwas never asked. Try again.",
    }
    .to_owned()
}

fn card(stop: &Stop, colour: Colour, mark: &str, word: &str, body: String) -> Reply {
    let noun =
        words(&stop.task.kind).map_or_else(|| plain(&stop.task.kind), |words| words.3.to_owned());
    Reply::card(Card {
        colour,
        title: format!("{mark} {} · {noun} {word}", stop.task.name),
        body,
        footer: Some(stop.task.footer.clone()),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(kind: &str, end: Option<TaskEnd>) -> Line {
        Line {
            id: TaskId(1),
            name: "valheim".to_owned(),
            kind: kind.to_owned(),
            by: None,
            started: 0,
            took: Duration::from_secs(3),
            end,
            footer: String::new(),
        }
    }

    #[test]
    fn every_end_has_its_words() {
        let said = |kind, end| choice(&line(kind, end));
        assert_eq!(said("qmstart", None), "🟡 valheim · starting · 3 s");
        assert_eq!(
            said("vzdump", Some(TaskEnd::Ok)),
            "✅ valheim · backed up · 3 s"
        );
        assert_eq!(
            said("vzreboot", Some(TaskEnd::Failed("x".to_owned()))),
            "🔴 valheim · reboot failed · 3 s"
        );
        assert_eq!(
            said("qmigrate", Some(TaskEnd::Aborted)),
            "⚪ valheim · move broken off · 3 s"
        );
        assert_eq!(
            said("hastart", Some(TaskEnd::Unexpected)),
            "🟠 valheim · start, end unknown · 3 s"
        );
        assert_eq!(
            said("cephcreateosd", Some(TaskEnd::Warnings(1))),
            "⚠️ valheim · cephcreateosd done, with warnings · 3 s"
        );
    }

    #[test]
    fn a_long_log_ends_in_a_file() {
        let lines: Vec<String> = (0..60).map(|n| format!("line {n}")).collect();
        let of = |part| lines[60 - (lines_of(part) + 1).min(60)..].to_vec();
        let labels = |reply: &Reply| {
            let all = reply.buttons.iter().map(|button| button.label.to_string());
            all.collect::<Vec<_>>()
        };
        let task = line("vzdump", None);
        let end = log(&task, &of(LogPart::End), LogPart::End, true);
        assert_eq!(labels(&end), ["More", "Stop the task"]);
        assert!(end.cards[0].body.contains("line 50") && !end.cards[0].body.contains("line 49"));
        let more = log(&task, &of(LogPart::More), LogPart::More, false);
        assert_eq!(labels(&more), ["All as a file"]);
        let whole = log(&task, &of(LogPart::Whole), LogPart::Whole, false);
        assert!(labels(&whole).is_empty());
        assert!(whole.files[0].text.starts_with("line 0\n"));
    }
}
