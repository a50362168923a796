//! What the token can do, held against what the rules allow.

use std::collections::BTreeSet;

use crate::action::Right;
use crate::privileges::{Lack, Sort};

use crate::embed::words::counted;

use super::Finding;

/// So many things are named; of more only the number is told.
const NAMED: usize = 8;

#[must_use]
pub fn can_all(cluster: &str, guests: usize, nodes: usize) -> Finding {
    let guests = counted(guests, "guest");
    let nodes = counted(nodes, "node");
    Finding::ok(format!(
        "{cluster}: the token can do all that rules allow anybody on {guests} and {nodes}"
    ))
}

/// A privilege that is missing, and what does not work for it though a rule allows it.
#[must_use]
pub fn lacks(cluster: &str, lack: &Lack) -> Finding {
    let privileges = lack.any.first().copied().unwrap_or_default();
    let Lack { sort, paths, .. } = lack;
    let on = on(*sort, paths);
    let effect = match (sort, privileges) {
        (Sort::Cluster, _) => "nobody is told whether the cluster has quorum".to_owned(),
        (Sort::Unseen, _) => {
            "guests that come later, or that are hidden from it now, cannot be seen or switched,\n\
             though rules mean all of them"
                .to_owned()
        }
        (Sort::Pools, _) => "who is in it cannot be seen. An allow by it gives\n\
             nothing, a deny by it takes every guest that is in no visible pool"
            .to_owned(),
        (Sort::Guests, "VM.Audit") => {
            "nothing of it can be seen or done, though rules allow it".to_owned()
        }
        (Sort::Guests, "VM.GuestAgent.Audit" | "VM.Monitor") => {
            "addresses inside VMs are not shown".to_owned()
        }
        (Sort::Storages, "Datastore.Audit") => "storages are not shown".to_owned(),
        (Sort::Nodes, "Sys.Audit") => "figures, and tasks of others, are not shown".to_owned(),
        _ => format!(
            "this does not work, though rules allow it:
{}",
            words(&lack.rights)
        ),
    };
    Finding::warning(format!(
        "{cluster}: without {privileges} on {on}, {effect}."
    ))
}

/// The lines that give what all the findings above lack. `more`: how many paths are left out here.
#[must_use]
pub fn mended_by(cluster: &str, lines: Vec<String>, more: usize) -> Finding {
    let rest = match more {
        0 => String::new(),
        more => format!(
            "\nThey are the first; {more} more paths need theirs. `pve-steward pveum` prints all."
        ),
    };
    let text =
        format!("{cluster}: this gives the token what it lacks, typed on a node as root:{rest}");
    Finding {
        lines,
        ..Finding::warning(text)
    }
}

#[must_use]
pub fn no_storage(cluster: &str) -> Finding {
    Finding::warning(format!(
        "{cluster}: rules allow backups, and the token sees no storage that takes them.\n\
         `pve-steward pveum --storage NAME` prints what it needs for one."
    ))
}

/// Rules by tag, name and the like mean the guests that can be seen.
#[must_use]
pub fn sees_some(cluster: &str, guests: usize, words: &[String]) -> Finding {
    let guests = counted(guests, "guest");
    Finding::ok(format!(
        "{cluster}: the token sees {guests}, and would not see others: for it {}\n\
         mean only these",
        words.join(", ")
    ))
}

/// More than the rules need anywhere: whoever reads the token's secret has it too.
#[must_use]
pub fn too_much(cluster: &str, token: &str, privileges: &[&str]) -> Finding {
    Finding::warning(format!(
        "{cluster}: token {token} could do more than these rules ever take: {}.\n\
         `pve-steward pveum` shows where it has what it does not need.",
        some(privileges.iter().map(ToString::to_string), 12, " ")
    ))
}

fn on(sort: Sort, paths: &BTreeSet<String>) -> String {
    let kind = match sort {
        Sort::Guests => "guest",
        Sort::Nodes => "node",
        Sort::Storages => "storage",
        Sort::Pools | Sort::Cluster | Sort::Unseen => "",
    };
    // `/vms/101` is guest 101; `/nodes` alone, all of them.
    let mut names: Vec<String> = paths
        .iter()
        .map(|path| match path.rsplit_once('/') {
            Some((above, name)) if !kind.is_empty() && !above.is_empty() => name.to_owned(),
            _ => path.clone(),
        })
        .collect();
    names.sort_by_key(|name| (name.parse::<u64>().unwrap_or(u64::MAX), name.clone()));
    match (kind, names.as_slice()) {
        ("", _) => some(names, NAMED, ", "),
        (_, [only]) if only.starts_with('/') => only.clone(),
        (kind, [only]) => format!("{kind} {only}"),
        (kind, _) => {
            let many = counted(names.len(), kind);
            format!("{many} ({})", some(names, NAMED, ", "))
        }
    }
}

fn words(rights: &BTreeSet<Right>) -> String {
    let words: Vec<&str> = rights.iter().map(|right| right.key()).collect();
    words.join(", ")
}

fn some(all: impl IntoIterator<Item = String>, most: usize, between: &str) -> String {
    let mut all: Vec<String> = all.into_iter().collect();
    let more = all.len().saturating_sub(most);
    all.truncate(most);
    let text = all.join(between);
    match more {
        0 => text,
        more => format!("{text} and {more} more"),
    }
}
