//! A token is deleted: the question, and what becomes of it.

use crate::embed::confirm::Subject;
use crate::embed::reply::{Colour, Reply};
use crate::embed::words::plain;
use crate::ids::{ClusterName, TokenId};
use crate::proxmox::Token;

use super::{On, Own, card, ends, id, remove, titled, to_list, typed};

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
        snapshot_first: false,
    }
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
pub fn no_such_token(token: &TokenId, on: On<'_>) -> Reply {
    let body = format!("See {}.", to_list(token, on));
    titled(&format!("No token {}", id(token)), body, on.cluster)
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
