//! A token is made: the question, the one message with the secret, and what can go wrong.

use std::collections::BTreeSet;

use crate::embed::confirm::Subject;
use crate::embed::reply::{Colour, Reply};
use crate::embed::words::{ago, moment, plain};
use crate::ids::{ClusterName, TokenId};

use super::{Making, On, Rights, card, how_to_delete, id, joined, on_a_node};

/// Who holds one of these can give themselves everything else.
const AS_GOOD_AS_ROOT: [&str; 3] = ["Permissions.Modify", "User.Modify", "Realm.Allocate"];

/// What a token can do on its path and below, where that can be seen. It can do what both it and its
/// user may.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Power {
    /// What its user may do cannot be seen.
    Unseen {
        /// In its roles.
        wanted: BTreeSet<String>,
    },
    Seen {
        can: BTreeSet<String>,
        /// In its roles, and not held by its user on the path itself.
        lacking: BTreeSet<String>,
        /// What else it can on some path below. `None`: that cannot be seen.
        below: Option<BTreeSet<String>>,
    },
}

/// How it went with the rights of a token that was made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Gave {
    Nothing,
    All,
    Failed,
    Unknown,
}

/// What became of a token whose secret could not be shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Undone {
    Deleted,
    NotDeleted,
    Unknown,
}

/// The question before one is made.
#[must_use]
pub fn ask_to_create(making: &Making, power: &Power) -> Subject {
    let mut lines = vec![expiry(making)];
    if let Some(Rights { roles, path }) = &making.rights {
        lines.push(format!("Roles: {}\non `{path}`", plain(&joined(roles))));
    }
    lines.push(able(making, power));
    lines.push("Its secret is shown once, to you\nalone.".to_owned());
    Subject {
        to_do: format!("create {}", id(&making.token)),
        consequence: lines.join("\n"),
        yes: "Create it",
        footer: making.cluster.to_string(),
        snapshot_first: false,
    }
}

/// The one message with the secret in it. It is shown once and never kept.
#[must_use]
pub fn made(making: &Making, power: &Power, gave: Gave, secret: &str) -> Reply {
    let rights = match gave {
        Gave::Nothing | Gave::All => able(making, power),
        Gave::Failed => without_rights(making, "It has no rights: giving them failed."),
        Gave::Unknown => without_rights(
            making,
            "Whether it has its rights is\nunknown: Proxmox did not answer.",
        ),
    };
    let colour = match gave {
        Gave::All => Colour::Green,
        _ => Colour::Amber,
    };
    let body = format!(
        "Its secret, now and never again:\n```\n{secret}\n```\n{}\n{rights}",
        expiry(making)
    );
    let title = format!("🔑 {} is made", id(&making.token));
    card(colour, title, body, &making.cluster)
}

fn without_rights(making: &Making, what: &str) -> String {
    let Some(Rights { roles, path }) = &making.rights else {
        return what.to_owned();
    };
    let token = &making.token;
    let lines = roles.iter().map(|role| {
        // Proxmox gives what is given already once more without a word.
        format!("pveum acl modify {path} -token '{token}' -role {role}")
    });
    format!("{what}\n{}", on_a_node(&lines.collect::<Vec<_>>()))
}

fn expiry(making: &Making) -> String {
    match making.expires {
        None => "⚠️ It never expires.".to_owned(),
        Some(at) => format!("Expires {},\n{}.", moment(at), ago(at)),
    }
}

/// What it can truly do, and what gives it the rest.
fn able(making: &Making, power: &Power) -> String {
    if making.rights.is_none() {
        return "It can do nothing yet: it is given no\nrole.".to_owned();
    }
    let TokenId { user, name } = &making.token;
    let mut text = match power {
        Power::Unseen { .. } => format!(
            "It can do no more than its user may,\nand I cannot see what that is.\n{}",
            on_a_node(&[format!("pveum user token permissions {user} {name}")])
        ),
        Power::Seen { can, lacking, .. } if can.is_empty() && lacking.is_empty() => {
            "It can do nothing: its roles hold no\nprivilege.".to_owned()
        }
        Power::Seen {
            can,
            lacking,
            below,
        } => seen(making, (can, lacking), below.as_ref()),
    };
    text.push_str(root(power));
    text
}

fn seen(
    making: &Making,
    (can, lacking): (&BTreeSet<String>, &BTreeSet<String>),
    below: Option<&BTreeSet<String>>,
) -> String {
    let user = plain(making.token.user.as_str());
    if can.is_empty() && below.is_some_and(BTreeSet::is_empty) {
        let cure = cure(making);
        return format!("It can do nothing yet: its user\n{user} has no such role there.\n{cure}");
    }
    let mut lines = vec![if can.is_empty() {
        "It can nothing on that path itself.".to_owned()
    } else {
        format!("It can there: {}", words(can))
    }];
    match below {
        Some(below) if below.is_empty() => {}
        Some(below) => lines.push(format!("Further down, in places: {}", words(below))),
        None => lines.push("What else it can do below that path\ncould not be read.".to_owned()),
    }
    let nothing = BTreeSet::new();
    let not_yet = lacking - below.unwrap_or(&nothing);
    if !not_yet.is_empty() && !can.is_empty() {
        lines.push(format!("Not yet: {}", words(&not_yet)));
    }
    if !lacking.is_empty() {
        lines.push("Its user has no such role there.".to_owned());
        lines.push(cure(making));
    }
    lines.join("\n")
}

/// What gives its user the roles on the path itself.
fn cure(making: &Making) -> String {
    let Some(Rights { roles, path }) = &making.rights else {
        return String::new();
    };
    let user = &making.token.user;
    let lines = roles
        .iter()
        .map(|role| format!("pveum acl modify {path} -user {user} -role {role}"));
    let mut cure = on_a_node(&lines.collect::<Vec<_>>());
    if path.as_str() != "/" {
        cure.push_str("\n(There it hides what the user has on\na path above.)");
    }
    cure
}

/// A warning, where what it can do lets it do everything; or may, where that cannot be seen.
fn root(power: &Power) -> &'static str {
    let any =
        |held: &BTreeSet<String>| held.iter().any(|it| AS_GOOD_AS_ROOT.contains(&it.as_str()));
    let (can, may) = match power {
        Power::Unseen { wanted } => (false, any(wanted)),
        Power::Seen {
            can,
            lacking,
            below,
        } => {
            let below_can = below.as_ref().is_some_and(any);
            (any(can) || below_can, below.is_none() && any(lacking))
        }
    };
    match (can, may) {
        (true, _) => "\n⚠️ That is as good as root.",
        (false, true) => {
            "\n⚠️ Its roles hold what is as good as\nroot. Whether its user has it, I cannot\nsee."
        }
        (false, false) => "",
    }
}

fn words(privileges: &BTreeSet<String>) -> String {
    let all: Vec<&str> = privileges.iter().map(String::as_str).collect();
    plain(&all.join(" "))
}

/// It was not made, and nothing is left of it.
#[must_use]
pub fn not_made(token: &TokenId, cluster: &ClusterName, why: &str) -> Reply {
    let title = format!("🔴 {} is not made", id(token));
    card(Colour::Red, title, why.to_owned(), cluster)
}

/// No answer came: it may have been made, and then nobody knows its secret. `there`: what Proxmox
/// lists now.
#[must_use]
pub fn lost(token: &TokenId, on: On<'_>, there: Option<bool>) -> Reply {
    let there = match there {
        Some(true) => "It is there now: delete it.",
        Some(false) => "It is not there now. It may still\ncome: look again in a minute.",
        None => "Whether it is there cannot be seen\nnow. If it is, delete it.",
    };
    let body = format!(
        "Proxmox did not answer. If it was\nmade, its secret is lost and it is of\nno use.\n{there}\n{}",
        how_to_delete(token, on)
    );
    let title = format!("🟠 {} · outcome unknown", id(token));
    card(Colour::Amber, title, body, on.cluster)
}

/// Its secret could not be shown to the one person who may see it.
#[must_use]
pub fn not_shown(token: &TokenId, on: On<'_>, undone: Undone) -> Reply {
    let why = "Its secret could not be shown to you\nin private, so it is of no use.";
    put_away(token, on, why, (undone, "\nCreate it once more."))
}

/// Whoever had it made may no longer do that.
#[must_use]
pub fn no_longer(token: &TokenId, on: On<'_>, undone: Undone) -> Reply {
    let why = "It was made, but tokens are no longer\nfor you, so it was given no rights and\nits secret is not shown.";
    put_away(token, on, why, (undone, ""))
}

fn put_away(token: &TokenId, on: On<'_>, why: &str, (undone, then): (Undone, &str)) -> Reply {
    let (title, rest) = match undone {
        Undone::Deleted => ("is deleted again", then.to_owned()),
        Undone::NotDeleted => (
            "is of no use",
            format!("\nI could not delete it.\n{}", how_to_delete(token, on)),
        ),
        Undone::Unknown => (
            "is of no use",
            format!(
                "\nWhether I could delete it is unknown.\n{}",
                how_to_delete(token, on)
            ),
        ),
    };
    let title = format!("🔴 {} {title}", id(token));
    card(Colour::Red, title, format!("{why}{rest}"), on.cluster)
}
