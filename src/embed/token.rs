//! API tokens of Proxmox: all of it for one person alone.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use jiff::Timestamp;

use crate::action::TokenPart;
use crate::ids::{AclPath, ClusterName, PveUser, RoleName, TokenId, UserId};
use crate::permission::Denied;
use crate::proxmox::Token;

use super::confirm::Subject;
use super::problem::{refusal, whom_to_ask};
use super::reply::{Card, Colour, Reply};
use super::words::{ago, clock, moment, plain};

/// Who holds one of these can give themselves everything else.
const AS_GOOD_AS_ROOT: [&str; 3] = ["Permissions.Modify", "User.Modify", "Realm.Allocate"];

/// A token that is to be made: exactly what was asked about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Making {
    pub token: TokenId,
    pub cluster: ClusterName,
    /// Unix seconds; `None`: never.
    pub expires: Option<i64>,
    pub rights: Option<Rights>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rights {
    pub roles: Vec<RoleName>,
    pub path: AclPath,
}

/// What a token can do on its path, where that can be seen. It can do what both it and its user may.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Power {
    /// What its user may do cannot be seen.
    Unseen,
    Seen {
        can: BTreeSet<String>,
        /// In its roles, and not held by its user.
        lacking: BTreeSet<String>,
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

/// Which of the bot's own tokens one is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Own {
    Main,
    Admin,
}

/// The audit's line about it. Never a secret: none is known when it is written.
#[must_use]
pub fn detail(making: &Making) -> String {
    let until = making.expires.map_or("never expires".to_owned(), |at| {
        let day = Timestamp::from_second(at).map(|at| at.strftime("%Y-%m-%d %H:%M UTC"));
        day.map_or("until ?".to_owned(), |day| format!("until {day}"))
    });
    let rights = making.rights.as_ref().map_or("no rights".to_owned(), |r| {
        format!("{} on {}", joined(&r.roles), r.path)
    });
    let Making { token, cluster, .. } = making;
    format!("create {token} ({cluster}), {until}, {rights}")
}

/// The audit's line about a deletion.
#[must_use]
pub fn detail_of_deletion(token: &TokenId, cluster: &ClusterName) -> String {
    format!("delete {token} ({cluster})")
}

/// The tokens of one user. `own`: which of them the bot itself uses.
#[must_use]
pub fn list(
    user: &PveUser,
    cluster: &ClusterName,
    tokens: &[Token],
    own: impl Fn(&Token) -> Option<Own>,
    now: i64,
) -> Reply {
    let mut sorted: Vec<&Token> = tokens.iter().collect();
    sorted.sort_by(|a, b| a.name.cmp(&b.name));
    let mut body: Vec<String> = sorted
        .iter()
        .map(|token| one(token, own(token), now))
        .collect();
    if body.is_empty() {
        body.push("It has no tokens.".to_owned());
    }
    card(
        Colour::Grey,
        format!("🔑 Tokens of {}", plain(user.as_str())),
        body.join("\n"),
        cluster,
    )
}

fn one(token: &Token, own: Option<Own>, now: i64) -> String {
    let mark = match (own, token.expires) {
        (_, Some(at)) if at <= now => "⌛",
        (Some(_), _) => "🤖",
        (None, _) => "•",
    };
    let mut text = format!(
        "{mark} **{}** {}",
        plain(token.name.as_str()),
        ends(token, now)
    );
    match own {
        Some(Own::Main) => text.push_str("\n  this bot runs on it"),
        Some(Own::Admin) => text.push_str("\n  this bot uses it for `/token`"),
        None => {}
    }
    if !token.separate {
        text.push_str("\n  ⚠️ all that its user may do");
    }
    if let Some(comment) = &token.comment {
        let _ = write!(text, "\n  {}", plain(comment));
    }
    text
}

fn ends(token: &Token, now: i64) -> String {
    match token.expires {
        None => "never expires".to_owned(),
        Some(at) if at <= now => format!("expired {}", ago(at)),
        Some(at) => format!("expires {}", ago(at)),
    }
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
    }
}

/// The question before one is deleted.
#[must_use]
pub fn ask_to_delete(token: &TokenId, cluster: &ClusterName, now: &Token, unix: i64) -> Subject {
    let comment = now.comment.as_deref().unwrap_or("No comment.");
    Subject {
        to_do: format!("delete {}", id(token)),
        consequence: format!(
            "It {}.\n> {}\nWhatever uses it is refused from\nthen on, and its rights are gone too.\n\
             It cannot be brought back.",
            ends(now, unix),
            plain(comment)
        ),
        yes: "Delete it",
        footer: cluster.to_string(),
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
    let Some(Rights { roles, path }) = &making.rights else {
        return "It can do nothing yet: it is given no\nrole.".to_owned();
    };
    let TokenId { user, name } = &making.token;
    match power {
        Power::Unseen => format!(
            "It can do no more than its user may,\nand I cannot see what that is.\n{}",
            on_a_node(&[format!("pveum user token permissions {user} {name}")])
        ),
        Power::Seen { can, lacking } if can.is_empty() && lacking.is_empty() => {
            "It can do nothing: its roles hold no\nprivilege.".to_owned()
        }
        Power::Seen { can, lacking } => {
            let cure = roles
                .iter()
                .map(|role| format!("pveum acl modify {path} -user {user} -role {role}"));
            let mut cure = on_a_node(&cure.collect::<Vec<_>>());
            if path.as_str() != "/" {
                cure.push_str("\n(There it hides what the user has on\na path above.)");
            }
            let mut text = match (can.is_empty(), lacking.is_empty()) {
                (true, _) => format!(
                    "It can do nothing yet: its user\n{} has no such role there.\n{cure}",
                    plain(user.as_str())
                ),
                (false, true) => format!("It can there: {}", words(can)),
                (false, false) => format!(
                    "It can there: {}\nNot yet: {}\nIts user has no such role there.\n{cure}",
                    words(can),
                    words(lacking)
                ),
            };
            if can.iter().any(|it| AS_GOOD_AS_ROOT.contains(&it.as_str())) {
                text.push_str("\n⚠️ That is as good as root.");
            }
            text
        }
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
pub fn lost(token: &TokenId, cluster: &ClusterName, there: Option<bool>) -> Reply {
    let there = match there {
        Some(true) => "It is there now: delete it.",
        Some(false) => "It is not there now. It may still\ncome: look again in a minute.",
        None => "Whether it is there cannot be seen\nnow. If it is, delete it.",
    };
    let body = format!(
        "Proxmox did not answer. If it was\nmade, its secret is lost and it is of\nno use.\n{there}\n{}",
        how_to_delete(token)
    );
    let title = format!("🟠 {} · outcome unknown", id(token));
    card(Colour::Amber, title, body, cluster)
}

/// Its secret could not be shown to the one person who may see it.
#[must_use]
pub fn not_shown(token: &TokenId, cluster: &ClusterName, undone: Undone) -> Reply {
    let why = "Its secret could not be shown to you\nin private, so it is of no use.";
    let (title, rest) = match undone {
        Undone::Deleted => ("is deleted again", "Create it once more.".to_owned()),
        Undone::NotDeleted => (
            "is of no use",
            format!("I could not delete it.\n{}", how_to_delete(token)),
        ),
        Undone::Unknown => (
            "is of no use",
            format!(
                "Whether I could delete it is unknown.\n{}",
                how_to_delete(token)
            ),
        ),
    };
    let title = format!("🔴 {} {title}", id(token));
    card(Colour::Red, title, format!("{why}\n{rest}"), cluster)
}

#[must_use]
pub fn deleted(token: &TokenId, cluster: &ClusterName) -> Reply {
    let body = "Whatever uses it is refused now. Its\nrights are gone with it.".to_owned();
    let title = format!("🗑️ {} is deleted", id(token));
    card(Colour::Green, title, body, cluster)
}

#[must_use]
pub fn not_deleted(token: &TokenId, cluster: &ClusterName, why: &str) -> Reply {
    let title = format!("🔴 {} is not deleted", id(token));
    card(Colour::Red, title, why.to_owned(), cluster)
}

/// No answer came to a deletion. `there`: what Proxmox lists now.
#[must_use]
pub fn deletion_lost(token: &TokenId, cluster: &ClusterName, there: Option<bool>) -> Reply {
    let there = match there {
        Some(true) => "It is there now.",
        Some(false) => "It is not there now.",
        None => "Whether it is there cannot be seen\nnow.",
    };
    let body =
        format!("Proxmox did not tell how it ended.\n{there}\nLook again before you repeat it.");
    let title = format!("🟠 {} · outcome unknown", id(token));
    card(Colour::Amber, title, body, cluster)
}

/// An act on a token that a former process did not see to its end. `detail`: as in the audit.
#[must_use]
pub fn left_open(detail: &str) -> Reply {
    let made = if detail.starts_with("create ") {
        "\nIf it was made, its secret is lost:\ndelete it with `/token delete`."
    } else {
        ""
    };
    Reply::card(Card {
        colour: Colour::Amber,
        title: "🟠 token · outcome unknown".to_owned(),
        body: format!(
            "{}\nI did not see how it ended. See\n`/token list`.{made}",
            plain(detail)
        ),
        footer: None,
    })
}

/// A no of the rules. Nothing in it tells what there is.
#[must_use]
pub fn refused(denied: &Denied, ask: &[UserId]) -> Reply {
    if let Some(until) = denied.until() {
        let again = if until == i64::MAX {
            String::new()
        } else {
            format!("\nAgain from {}, {}.", clock(until), ago(until))
        };
        return refusal(
            "Not now: tokens",
            format!("Your rule does not allow it now.{again}"),
        );
    }
    match denied {
        Denied::OtherChannel(_) => refusal(
            "Not here: tokens",
            "You may do this in another channel.".to_owned(),
        ),
        Denied::Lockdown => refusal(
            "No tokens now",
            "The bot is locked down: only people\nwith access act.".to_owned(),
        ),
        _ => refusal("Tokens are not for you", whom_to_ask(ask)),
    }
}

/// What allowed it a moment ago is not what allows it now.
#[must_use]
pub fn rules_changed() -> Reply {
    refusal(
        "Nothing was done",
        "The rules for it changed just now.\nTry again.".to_owned(),
    )
}

/// The bot would cut off the branch that it sits on.
#[must_use]
pub fn own(token: &TokenId, cluster: &ClusterName, own: Own) -> Reply {
    let why = match own {
        Own::Main => "Without it I can do nothing.",
        Own::Admin => "Without it there is no `/token`.",
    };
    let body = format!(
        "{why} Put\nanother one into my configuration\nfirst. Then, on a node, as root:\n{}",
        typed(&[remove(token)])
    );
    titled(&format!("{} is mine", id(token)), body, cluster)
}

#[must_use]
pub fn no_such_token(token: &TokenId, cluster: &ClusterName) -> Reply {
    let body = format!("See `/token list {}`.", token.user);
    titled(&format!("No token {}", id(token)), body, cluster)
}

/// It is another one now than the one that was asked about.
#[must_use]
pub fn replaced(token: &TokenId, cluster: &ClusterName) -> Reply {
    let body = "It is not the one you were asked\nabout any more. Nothing was done. Look\nagain.";
    titled(
        &format!("{} has changed", id(token)),
        body.to_owned(),
        cluster,
    )
}

#[must_use]
pub fn exists(token: &TokenId, cluster: &ClusterName) -> Reply {
    let body = "Choose another name, or delete that\none first.".to_owned();
    titled(&format!("{} exists already", id(token)), body, cluster)
}

#[must_use]
pub fn no_such_user(user: &PveUser, cluster: &ClusterName) -> Reply {
    let body = format!(
        "Tokens belong to a user. Make it\nfirst, on a Proxmox node, as root:\n{}",
        typed(&[format!("pveum user add {user}")])
    );
    titled(
        &format!("No user {} there", plain(user.as_str())),
        body,
        cluster,
    )
}

#[must_use]
pub fn no_such_role(role: &RoleName, cluster: &ClusterName) -> Reply {
    let body = "Pick one from the list that appears\nwhile you type.".to_owned();
    titled(
        &format!("No role {} there", plain(role.as_str())),
        body,
        cluster,
    )
}

/// Roles without a path, or a path without roles.
#[must_use]
pub fn half_a_right() -> Reply {
    refusal(
        "Roles and a path, or neither",
        "Say which roles, and where: such as\n`roles:PVEAuditor path:/vms`.".to_owned(),
    )
}

#[must_use]
pub fn over_already() -> Reply {
    refusal(
        "That is over already",
        "A token must expire in the future.".to_owned(),
    )
}

/// Several clusters let the bot manage tokens, or none of that name does.
#[must_use]
pub fn which_cluster(names: &[&ClusterName]) -> Reply {
    let names: Vec<String> = names.iter().map(|name| format!("`{name}`")).collect();
    refusal(
        "Which cluster?",
        format!(
            "I manage tokens on {}.\nName one in `cluster`.",
            names.join(", ")
        ),
    )
}

/// What was written for one part of a token, and is none.
pub(super) fn unclear(part: TokenPart) -> (&'static str, &'static str) {
    match part {
        TokenPart::User => (
            "That is no user",
            "Write name and realm, such as\n`backup@pve`.",
        ),
        TokenPart::Name => (
            "That is no name for a token",
            "It begins with a letter, then letters,\ndigits, `.`, `-` and `_`; at least two.",
        ),
        TokenPart::Expiry => (
            "That is no time to expire",
            "Write `90d`, a date such as\n`2027-01-31`, or `never`.",
        ),
        TokenPart::Roles => (
            "That is no role",
            "Write roles such as `PVEAuditor`, with\ncommas.",
        ),
        TokenPart::Path => (
            "That is no path for rights",
            "Write one such as `/vms/101`, `/vms`\nor `/pool/friends`.",
        ),
        TokenPart::Cluster => ("That is no cluster", "Write its name, such as `home`."),
    }
}

/// Why Proxmox did not do it, as far as people can do something about it.
pub const NO_ANSWER: &str = "Proxmox does not answer. Nothing was\ndone. Try again in a minute.";
pub const ADMIN_REFUSED: &str =
    "Proxmox does not accept the bot's token\nfor `/token`. Is it expired, deleted or\nmistyped?";
pub const ADMIN_LACKS: &str = "The bot's token for `/token` may not do\nthat.";
pub const NO_QUORUM: &str = "The cluster has no quorum: too few\nnodes are up.";
pub const SAID_NO: &str = "Proxmox refused. The log has its words.";

/// A failure before anything was asked or done.
#[must_use]
pub fn cannot_be_read(cluster: &ClusterName, why: &str) -> Reply {
    let title = "🔴 Tokens cannot be read now".to_owned();
    card(Colour::Red, title, why.to_owned(), cluster)
}

fn how_to_delete(token: &TokenId) -> String {
    format!(
        "`/token delete {} {}`\nor on a Proxmox node, as root:\n{}",
        token.user,
        token.name,
        typed(&[remove(token)])
    )
}

fn remove(token: &TokenId) -> String {
    format!("pveum user token remove {} {}", token.user, token.name)
}

fn on_a_node(lines: &[String]) -> String {
    format!("On a Proxmox node, as root:\n{}", typed(lines))
}

fn typed(lines: &[String]) -> String {
    format!("```\n{}\n```", lines.join("\n"))
}

fn joined(roles: &[RoleName]) -> String {
    let names: Vec<&str> = roles.iter().map(RoleName::as_str).collect();
    names.join(", ")
}

fn id(token: &TokenId) -> String {
    plain(&token.to_string())
}

fn titled(title: &str, body: String, cluster: &ClusterName) -> Reply {
    let mut reply = refusal(title, body);
    if let Some(card) = reply.cards.first_mut() {
        card.footer = Some(cluster.to_string());
    }
    reply
}

fn card(colour: Colour, title: String, body: String, cluster: &ClusterName) -> Reply {
    Reply::card(Card {
        colour,
        title,
        body,
        footer: Some(cluster.to_string()),
    })
}
