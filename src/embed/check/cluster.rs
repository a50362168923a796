//! One Proxmox cluster: its endpoints, its state, and what the token may do.

use std::collections::{BTreeMap, BTreeSet};

use crate::embed::words::counted;
use crate::embed::{fault, pveum};
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
    let said = fault::told(error);
    let at = if said.contains(url) {
        String::new()
    } else {
        format!(" {url}:")
    };
    Finding::new(grade, format!("{cluster}:{at} {said}")).caused_by(error)
}

/// Its addresses answer, and then it cannot be read.
#[must_use]
pub fn unread(cluster: &str, error: &Error) -> Finding {
    let said = fault::told(error);
    Finding::new(grade_of(error), format!("{cluster}: {said}")).caused_by(error)
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
    let guests = counted(guests, "guest");
    Finding::ok(format!(
        "{cluster}: Proxmox VE {version}; nodes {nodes}; {guests} visible"
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

/// A privilege without which something that the bot does cannot work.
#[must_use]
pub fn lacks_at_all(
    cluster: &str,
    token: &str,
    path: &str,
    privilege: &str,
    what: &str,
) -> Finding {
    Finding {
        lines: only(path, privilege, token),
        ..Finding::warning(format!("{cluster}: without {privilege} on {path}, {what}."))
    }
}

/// More than a bot needs: whoever reads its secret has it too.
#[must_use]
pub fn far_too_much(cluster: &str, token: &str, privileges: &[&str]) -> Finding {
    Finding::warning(format!(
        "{cluster}: token {token} could do far more than this bot ever asks for: {}.\n\
         Give it only what README.md lists.",
        privileges.join(" ")
    ))
}

/// A token of root: whatever it was given, one mistake in Proxmox's dialogue makes it all-powerful.
#[must_use]
pub fn of_root(cluster: &str, token: &str) -> Finding {
    Finding::warning(format!(
        "{cluster}: {token} is a token of root. Without separated privileges it may do everything,\n\
         and whoever reads its secret too. Give the bot a user of its own: see README.md."
    ))
}

/// Proxmox leaves out what a token may not see, without a word.
#[must_use]
pub fn nothing_seen(cluster: &str, token: &str) -> Finding {
    let text = format!(
        "{cluster}: not one guest is visible. Either there is none, or the token may see none: VM.Audit\n\
         holds only on paths where no guest is, such as an empty pool."
    );
    Finding {
        lines: only("/vms", "VM.Audit", token),
        ..Finding::warning(text)
    }
}

fn only(path: &str, privilege: &str, token: &str) -> Vec<String> {
    let paths = BTreeMap::from([(path.to_owned(), BTreeSet::from([privilege]))]);
    pveum::lines(&paths, token, None)
}
