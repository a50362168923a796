//! `/help` and `/access whoami`: only what the person may do, in this channel, now.

use crate::action::Right;

use super::reply::{Card, Colour, Reply};
use super::words::plain;

/// One command as it is shown: `/vm start` and its help.
#[derive(Debug, Clone)]
pub struct Line {
    pub command: String,
    pub option: Option<&'static str>,
    pub help: &'static str,
}

#[must_use]
pub fn help(commands: &[Line]) -> Reply {
    let line = |l: &Line| {
        let option = l.option.map(|o| format!(" `{o}`")).unwrap_or_default();
        format!("**/{}**{option}\n{}", l.command, l.help)
    };
    let list: Vec<String> = commands.iter().map(line).collect();
    let hint = if commands.iter().any(|line| line.option.is_some()) {
        "\n\nA guest is its number or its name;\na list appears while you type."
    } else {
        ""
    };
    Reply::card(Card {
        colour: Colour::Grey,
        title: "What you can do here".to_owned(),
        body: format!("{}{hint}", list.join("\n")),
        footer: None,
    })
}

/// What a person may do with the guests of one group: those on which the rights are the same.
#[derive(Debug, Clone)]
pub struct Group {
    pub rights: Vec<(Right, bool)>,
    pub names: Vec<String>,
}

/// `roles`: names of the policy that the person holds. `guests` and `nodes` in groups of equal
/// rights; the flag beside a right says that it asks first.
#[must_use]
pub fn whoami(roles: &[String], guests: &[Group], nodes: &[String]) -> Reply {
    let mut parts = Vec::new();
    if !roles.is_empty() {
        let names: Vec<String> = roles.iter().map(|r| plain(r)).collect();
        parts.push(format!("The rules know you as {}.", names.join(", ")));
    }
    for group in guests {
        parts.push(format!(
            "**{}**\n{}",
            rights(&group.rights),
            names(&group.names)
        ));
    }
    if !nodes.is_empty() {
        parts.push(format!("**nodes: view**\n{}", names(nodes)));
    }
    if guests.is_empty() && nodes.is_empty() {
        parts.push(
            "No rule gives you anything in this\nchannel. Ask whoever runs this bot.".to_owned(),
        );
    }
    Reply::card(Card {
        colour: Colour::Grey,
        title: "What you may do here".to_owned(),
        body: parts.join("\n\n"),
        footer: None,
    })
}

fn rights(rights: &[(Right, bool)]) -> String {
    let word = |(right, asks): &(Right, bool)| {
        let note = if *asks { " (asks first)" } else { "" };
        format!("{right}{note}")
    };
    rights.iter().map(word).collect::<Vec<_>>().join(", ")
}

fn names(names: &[String]) -> String {
    const MOST: usize = 15;
    let mut shown: Vec<&str> = names.iter().take(MOST).map(String::as_str).collect();
    let more = format!("and {} more", names.len().saturating_sub(MOST));
    if names.len() > MOST {
        shown.push(&more);
    }
    shown.join(", ")
}
