//! Tasks of Proxmox: the list, and one's log.

use std::time::Duration;

use crate::action::{Action, LogPart, NamedTask, TaskId, TasksOf};
use crate::ids::{InteractionId, UserId};
use crate::proxmox::TaskEnd;

use super::act::log_line;
use super::problem::{failure, refusal, whom_to_ask};
use super::reply::{Button, Card, Colour, File, Reply, Style};
use super::task_words::{by, state};
use super::words::{ago, duration, plain, visible};

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
    /// Those that the person may stop.
    pub stops: &'a [TaskId],
    /// Nodes that did not tell theirs. `None`: one that the person may not know of.
    pub silent: &'a [Option<String>],
    /// Nodes that could not be asked.
    pub offline: &'a [String],
    /// Nodes on which the bot's token sees none but its own.
    pub own_only: &'a [Option<String>],
}

/// So many rows have a button for their log: more would be longer than the list on a phone.
const BUTTONS: usize = 5;
/// And so many one to stop them: with *Refresh* a second line of buttons.
const STOPS: usize = 4;

/// First of all those of what went wrong; in the order of their rows.
fn worth_a_button(lines: &[Line]) -> impl Iterator<Item = (usize, &Line)> {
    let mut rows: Vec<(usize, &Line)> = (1..).zip(lines).collect();
    rows.sort_by_key(|(_, line)| matches!(line.end, None | Some(TaskEnd::Ok)));
    rows.truncate(BUTTONS);
    rows.sort_by_key(|(row, _)| *row);
    rows.into_iter()
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
        let names = nodes(list.silent);
        parts.push(format!("🟠 No answer in time: {names}"));
    }
    if !list.offline.is_empty() {
        let names = list.offline.join(", ");
        parts.push(format!(
            "🟠 Offline, so its tasks are missing:\n{}",
            plain(&names)
        ));
    }
    if !list.own_only.is_empty() {
        let names = nodes(list.own_only);
        parts.push(format!(
            "Of {names} the bot's token sees\nits own tasks only (Sys.Audit)."
        ));
    }
    let runs = list.lines.iter().filter(|line| line.end.is_none()).count();
    let title = match runs {
        0 => "📋 Tasks".to_owned(),
        runs => format!("📋 Tasks · {runs} at work"),
    };
    if list.lines.len() > BUTTONS {
        parts.push("Of the others: `/task log` and its number".to_owned());
    }
    let failed = list
        .lines
        .iter()
        .any(|line| matches!(line.end, Some(TaskEnd::Failed(_))));
    Reply::card(Card {
        colour: if failed || !list.silent.is_empty() || !list.offline.is_empty() {
            Colour::Amber
        } else {
            Colour::Grey
        },
        title,
        body: parts.join("\n"),
        footer: None,
    })
    .with_buttons(list_buttons(list))
}

/// Two lines of them at most.
fn list_buttons(list: &List<'_>) -> Vec<Button> {
    let logs = worth_a_button(list.lines).map(|(n, line)| Button {
        label: format!("Log {n}").into(),
        style: Style::Secondary,
        action: Action::TaskLog {
            task: NamedTask::Id(line.id),
            part: LogPart::End,
        },
    });
    let running = (1..).zip(list.lines).filter(|(_, line)| line.end.is_none());
    let stoppable = running.filter(|(_, line)| list.stops.contains(&line.id));
    let stops = stoppable.take(STOPS).map(|(n, line)| Button {
        label: format!("Stop {n}").into(),
        style: Style::Danger,
        action: Action::TaskStop(NamedTask::Id(line.id)),
    });
    let refresh = Button {
        label: "Refresh".into(),
        style: Style::Secondary,
        action: Action::TaskList(list.of.clone()),
    };
    logs.chain(stops).chain([refresh]).collect()
}

fn nodes(nodes: &[Option<String>]) -> String {
    let name = |node: &'_ Option<String>| node.clone().unwrap_or_else(|| "a node".to_owned());
    nodes.iter().map(name).collect::<Vec<_>>().join(", ")
}

fn shown(number: usize, line: &Line) -> String {
    let (mark, what) = state(line);
    let took = duration(line.took);
    let when = match line.end {
        None => format!("for {took}"),
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

/// The same for one that was named by the number of its row.
#[must_use]
pub fn choice_of_row(row: u8, line: &Line) -> String {
    let text = format!("{row} · {}", choice(line));
    text.chars().take(100).collect()
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
            task: NamedTask::Id(line.id),
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
            action: Action::TaskStop(NamedTask::Id(line.id)),
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

/// A task that went from guest to guest, among them some whose tasks the person may not see.
#[must_use]
pub fn names_others(line: &Line, ask: &[UserId]) -> Reply {
    let (_, what) = state(line);
    let body = format!(
        "It may name guests whose tasks you may\nnot see. {}",
        whom_to_ask(ask)
    );
    let mut reply = refusal(
        &format!("Not for you: the log of {} · {what}", line.name),
        body,
    );
    if let Some(card) = reply.cards.first_mut() {
        card.footer = Some(line.footer.clone());
    }
    reply
}

/// Not in memory, or not for this person: the same words.
#[must_use]
pub fn gone() -> Reply {
    refusal(
        "No such task for you here",
        "It is too long ago, or I was restarted\nsince. List them again: `/task list`.".to_owned(),
    )
}

/// The number of a row was typed, and it is not known of which list.
#[must_use]
pub fn which_list() -> Reply {
    refusal(
        "Which list?",
        "I know of none that you were just shown\nhere. List them first: `/task list`.".to_owned(),
    )
}

#[must_use]
pub fn no_such_row(row: u8, rows: usize) -> Reply {
    let has = match rows {
        0 => "It is empty.".to_owned(),
        1 => "It has 1 row.".to_owned(),
        rows => format!("It has {rows} rows."),
    };
    refusal(
        &format!("No row {row} in the newest list here"),
        format!("{has} List them again:\n`/task list`."),
    )
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
