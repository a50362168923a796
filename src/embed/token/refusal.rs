//! What is not done, and what to do instead.

use crate::action::TokenPart;
use crate::embed::problem::{refusal, whom_to_ask};
use crate::embed::reply::{Colour, Reply};
use crate::embed::words::{ago, clock, plain};
use crate::ids::{ClusterName, InteractionId, PveUser, RoleName, TokenId, UserId};
use crate::permission::Denied;

use super::{card, id, titled, typed};

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
pub(in crate::embed) fn unclear(part: TokenPart) -> (&'static str, &'static str) {
    match part {
        TokenPart::User => (
            "That is no user",
            "Write name and realm, such as\n`backup@pve`.",
        ),
        TokenPart::Name | TokenPart::NewName => (
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

/// Something else: its words are for the log.
#[must_use]
pub fn said_no(id: InteractionId) -> String {
    format!("Proxmox refused. The log has its words\nunder {id}.")
}

/// A failure before anything was asked or done.
#[must_use]
pub fn cannot_be_read(cluster: &ClusterName, why: &str) -> Reply {
    let title = "🔴 Tokens cannot be read now".to_owned();
    card(Colour::Red, title, why.to_owned(), cluster)
}
