//! What the owner reads when the rules were read again.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use crate::action::Right;
use crate::config::Problem;
use crate::permission::Change;

use super::reply::{Card, Colour, Reply};
use super::words::{grouped, plain};

/// Lines and names beyond these are counted.
const LINES: usize = 12;
const NAMES: usize = 5;

/// What is different now.
#[derive(Debug, Clone, Default)]
pub struct Reload {
    /// Rules in one line each.
    pub added: Vec<String>,
    pub removed: Vec<String>,
    pub changes: Vec<Change>,
    /// Sections whose changes take effect at the next start.
    pub restart: Vec<&'static str>,
}

impl Reload {
    #[must_use]
    pub fn is_nothing(&self) -> bool {
        self.added.is_empty()
            && self.removed.is_empty()
            && self.changes.is_empty()
            && self.restart.is_empty()
    }
}

/// The new rules hold.
#[must_use]
pub fn done(reload: &Reload) -> Reply {
    let mut parts = Vec::new();
    for (word, rules) in [("Added", &reload.added), ("Removed", &reload.removed)] {
        if !rules.is_empty() {
            let lines = capped(rules.iter().map(|rule| plain(rule)));
            parts.push(format!("**{word}**\n{lines}"));
        }
    }
    let lines = reload.changes.iter().map(|change| {
        let mut line = format!("**{}**", plain(&change.who));
        rights(&mut line, "➕", &change.gained);
        rights(&mut line, "➖", &change.lost);
        line
    });
    if !reload.changes.is_empty() {
        parts.push(capped(lines));
    }
    if !reload.restart.is_empty() {
        parts.push(format!(
            "⚠️ {} changed too: that takes a restart.",
            reload.restart.join(", ")
        ));
    }
    let same = reload.added.is_empty() && reload.removed.is_empty() && reload.changes.is_empty();
    if same {
        return card(
            Colour::Amber,
            "📜 The rules are the same",
            parts.join("\n\n"),
        );
    }
    card(Colour::Green, "📜 New rules hold", parts.join("\n\n"))
}

/// The new rules have mistakes; the old ones stay.
#[must_use]
pub fn refused(problems: &[Problem]) -> Reply {
    let lines = capped(problems.iter().map(|problem| plain(&problem.to_string())));
    let body = format!("The file has mistakes, so the rules of\nbefore stay:\n{lines}");
    card(Colour::Red, "📜 New rules refused", body)
}

/// After a refusal the file has no mistakes any more. `same`: it says what held all the time.
#[must_use]
pub fn mended(same: bool) -> Reply {
    let body = if same {
        "It has no mistakes any more, and says\nwhat held all the time."
    } else {
        "It has no mistakes any more. Its new\nrules hold."
    };
    card(Colour::Green, "📜 The file is good again", body.to_owned())
}

/// The same in one line, for the audit.
#[must_use]
pub fn in_one_line(reload: &Reload) -> String {
    let mut parts = Vec::new();
    parts.extend(reload.added.iter().map(|rule| format!("+ {rule}")));
    parts.extend(reload.removed.iter().map(|rule| format!("- {rule}")));
    for change in &reload.changes {
        let mut line = change.who.clone();
        each_right(&mut line, "+", &change.gained);
        each_right(&mut line, "-", &change.lost);
        parts.push(line.replace('\n', " "));
    }
    parts.join("; ")
}

fn rights(line: &mut String, sign: &str, rights: &BTreeMap<Right, Vec<String>>) {
    let told: Vec<(Right, &Vec<String>)> = rights.iter().map(|(r, on)| (*r, on)).collect();
    for (word, on) in grouped(&told) {
        let _ = write!(line, "\n{sign} {}: {}", plain(word), names(on));
    }
}

fn each_right(line: &mut String, sign: &str, rights: &BTreeMap<Right, Vec<String>>) {
    for (right, on) in rights {
        let _ = write!(line, "\n{sign} {right}: {}", names(on));
    }
}

fn names(targets: &[String]) -> String {
    let mut names: Vec<String> = targets.iter().take(NAMES).map(|name| plain(name)).collect();
    if targets.len() > NAMES {
        names.push(format!("{} more", targets.len() - NAMES));
    }
    names.join(", ")
}

fn capped(lines: impl Iterator<Item = String>) -> String {
    let mut lines: Vec<String> = lines.collect();
    let more = lines.len().saturating_sub(LINES);
    lines.truncate(LINES);
    if more > 0 {
        lines.push(format!("and {more} more"));
    }
    lines.join("\n")
}

fn card(colour: Colour, title: &str, body: String) -> Reply {
    Reply::card(Card {
        colour,
        title: title.to_owned(),
        body,
        footer: None,
    })
}
