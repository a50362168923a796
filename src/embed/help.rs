//! `/help` and `/access whoami`: only what the person may do, in this channel, now.

use crate::action::Right;
use crate::permission::{Grant, Lockdown};

use super::access::locked_line;
use super::reply::{Card, Colour, Reply};
use super::words::{grouped, in_few_words, moment, plain};

/// One command as it is shown: `/vm start` and its help.
#[derive(Debug, Clone)]
pub struct Line {
    pub command: String,
    pub option: Option<&'static str>,
    pub help: &'static str,
}

/// `lockdown`: while it holds, why less is listed than else.
#[must_use]
pub fn help(commands: &[Line], lockdown: Option<&Lockdown>) -> Reply {
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
    let locked = lockdown.map(|lockdown| format!("{}\n\n", locked(lockdown)));
    let locked = locked.unwrap_or_default();
    Reply::card(Card {
        colour: Colour::Grey,
        title: "What you can do here".to_owned(),
        body: format!("{locked}{}{hint}", list.join("\n")),
        footer: None,
    })
}

fn locked(lockdown: &Lockdown) -> String {
    let line = locked_line(lockdown);
    format!("{line}\nUntil it is lifted, only people with\naccess act. You can still look.")
}

/// How a right is held.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Mark {
    Freely,
    AsksFirst,
    /// Not held, but somebody can be asked for it.
    MayAsk,
}

/// What a person may do with the guests or nodes of one group: those on which the rights are the same.
#[derive(Debug, Clone)]
pub struct Group {
    pub rights: Vec<(Right, Mark)>,
    pub names: Vec<String>,
}

/// All that one person may do in one channel.
#[derive(Debug)]
pub struct Own<'a> {
    /// Names of the policy that the person holds.
    pub roles: &'a [String],
    pub guests: &'a [Group],
    pub nodes: &'a [Group],
    /// Rights about the bot itself.
    pub bot: &'a [(Right, Mark)],
    /// What somebody gave for a while.
    pub lent: &'a [&'a Grant],
    pub lockdown: Option<&'a Lockdown>,
}

#[must_use]
pub fn whoami(own: &Own<'_>) -> Reply {
    let mut parts = Vec::new();
    parts.extend(own.lockdown.map(locked));
    if !own.roles.is_empty() {
        let names: Vec<String> = own.roles.iter().map(|r| plain(r)).collect();
        parts.push(format!("The rules know you as {}.", names.join(", ")));
    }
    let told = |group: &Group, of: &str| {
        let (rights, names) = (rights(&group.rights), names(&group.names));
        format!("**{of}{rights}**\n{names}")
    };
    parts.extend(own.guests.iter().map(|group| told(group, "")));
    parts.extend(own.nodes.iter().map(|group| told(group, "nodes: ")));
    if !own.bot.is_empty() {
        parts.push(format!("**the bot itself: {}**", rights(own.bot)));
    }
    if !own.lent.is_empty() {
        let line = |grant: &&Grant| {
            let rights = plain(&in_few_words(&grant.rights));
            let guest = plain(&grant.guest_name);
            format!("{guest}: {rights}, until {}", moment(grant.ends))
        };
        let lines: Vec<String> = own.lent.iter().map(line).collect();
        parts.push(format!("**Lent to you**\n{}", lines.join("\n")));
    }
    if own.guests.is_empty() && own.nodes.is_empty() && own.bot.is_empty() {
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

fn rights(rights: &[(Right, Mark)]) -> String {
    let word = |(right, mark): &(&str, Mark)| {
        // They stand in bold, which a bare `*` would end.
        let right = plain(right);
        match mark {
            Mark::Freely => right,
            Mark::AsksFirst => format!("{right} (asks first)"),
            Mark::MayAsk => format!("{right} (may ask)"),
        }
    };
    grouped(rights)
        .iter()
        .map(word)
        .collect::<Vec<_>>()
        .join(", ")
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
