//! One Proxmox cluster: its endpoints, its state, and what the token may do.

use std::collections::BTreeSet;

use crate::embed::fault;
use crate::proxmox::{Error, Quorum};

use super::{Finding, Grade};

/// One address answers, with a certificate that is believed and to the token.
#[must_use]
pub fn endpoint(cluster: &str, url: &str) -> Finding {
    Finding::ok(format!("{cluster}: {url} answers"))
}

/// One address is of no use. `spare`: another one is, so the bot goes on without it.
#[must_use]
pub fn endpoint_failed(cluster: &str, url: &str, error: &Error, spare: bool) -> Finding {
    let grade = if spare {
        Grade::Warning
    } else {
        grade_of(error)
    };
    // Most errors name the address themselves.
    let said = error.to_string();
    let at = if said.contains(url) {
        String::new()
    } else {
        format!(" {url}:")
    };
    let next = fault::next_step(error);
    Finding::new(grade, format!("{cluster}:{at} {said}\n{next}"))
}

/// Its addresses answer, and then it cannot be read.
#[must_use]
pub fn unread(cluster: &str, error: &Error) -> Finding {
    let next = fault::next_step(error);
    Finding::new(grade_of(error), format!("{cluster}: {error}\n{next}"))
}

fn grade_of(error: &Error) -> Grade {
    match error {
        Error::Certificate { .. } | Error::Setup(_) => Grade::Lasting,
        refused if refused.unauthorised() => Grade::Lasting,
        _ => Grade::Passing,
    }
}

#[must_use]
pub fn reached(cluster: &str, version: &str, nodes: &[String], guests: usize) -> Finding {
    let nodes = nodes.join(", ");
    Finding::ok(format!(
        "{cluster}: Proxmox VE {version}; nodes {nodes}; {guests} guests visible"
    ))
}

#[must_use]
pub fn node_away(cluster: &str, node: &str) -> Finding {
    Finding::warning(format!(
        "{cluster}: node {node} is not online. Its guests have no names just now, so rules by name\n\
         do not know them. Switch it on, or take it out of the cluster."
    ))
}

#[must_use]
pub fn no_quorum(cluster: &str, quorum: &Quorum) -> Finding {
    Finding::warning(format!(
        "{cluster}: {} of {} nodes are online and have no quorum: nothing can be started.\n\
         Switch more nodes on; `pvecm status` on a node shows which are missing.",
        quorum.online, quorum.nodes
    ))
}

/// What the token may do. `held`: all privileges on any path.
#[must_use]
pub fn token(cluster: &str, token: &str, held: &BTreeSet<&str>) -> Finding {
    if held.is_empty() {
        let user = token.split('!').next().unwrap_or(token);
        return Finding::new(
            Grade::Lasting,
            format!(
                "{cluster}: token {token} has no privileges at all.\n\
                 A token with separated privileges has only what it AND its user were given:\n\
                 pveum user token permissions {user} {}",
                token.split('!').nth(1).unwrap_or_default()
            ),
        );
    }
    let list: Vec<&str> = held.iter().copied().collect();
    Finding::ok(format!("{cluster}: token {token} holds {}", list.join(" ")))
}
