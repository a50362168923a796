//! `pve-steward status`: the clusters in a terminal.

use std::fmt::Write as _;

use crate::ids::ClusterName;
use crate::proxmox::{Guest, Node, NodeState, Quorum, RunState, Snapshot, Storage, StorageState};

use super::check::Finding;
use super::words::{counted, duration, percent, share, size, visible};

/// One cluster, or why there is nothing of it.
pub struct Overview<'a> {
    pub cluster: &'a ClusterName,
    pub seen: Result<&'a Snapshot, &'a Finding>,
}

/// `colour`: states are coloured, for a terminal.
#[must_use]
pub fn overview(clusters: &[Overview<'_>], colour: bool) -> String {
    let parts = clusters.iter().map(|one| match one.seen {
        Ok(seen) => cluster(one.cluster, seen, colour),
        Err(why) => unread(one.cluster, why, colour),
    });
    parts.collect::<Vec<_>>().join("\n")
}

fn unread(cluster: &ClusterName, why: &Finding, colour: bool) -> String {
    let title = painted(&format!("{cluster}: cannot be read"), Tint::Red, colour);
    // The title has said of which.
    let why = why.text.trim_start_matches(&format!("{cluster}: "));
    let why = why.replace('\n', "\n  ");
    format!("{title}\n  {why}\n")
}

fn cluster(name: &ClusterName, seen: &Snapshot, colour: bool) -> String {
    let guests: Vec<&Guest> = seen.guests.values().filter(|g| !g.template).collect();
    let running = guests.iter().filter(|g| g.status == RunState::Running);
    let mut text = format!(
        "{name}: {} of {} run · {}\n",
        running.count(),
        counted(guests.len(), "guest"),
        quorum(seen.quorum.as_ref())
    );
    let lost = seen.quorum.as_ref().is_some_and(|q| !q.quorate);
    if lost {
        let line = "No quorum: nothing can be started until more nodes are up.";
        let _ = writeln!(text, "  {}", painted(line, Tint::Red, colour));
    }
    let nodes: Vec<Line> = seen.nodes.values().map(node).collect();
    text += &table("NODE", &nodes, "none", colour);
    let guests: Vec<Line> = seen.guests.values().map(guest).collect();
    let none = "none that the token can see (VM.Audit)";
    text += &table("GUEST", &guests, none, colour);
    let none = "none that the token can see (Datastore.Audit)";
    text + &table("STORAGE", &storages(seen), none, colour)
}

fn quorum(quorum: Option<&Quorum>) -> String {
    match quorum {
        None => "quorum not visible".to_owned(),
        Some(Quorum { nodes, online, .. }) => {
            format!("{online} of {} online", counted(*nodes, "node"))
        }
    }
}

#[derive(Clone, Copy)]
enum Tint {
    Green,
    Yellow,
    Red,
    Grey,
}

fn painted(text: &str, tint: Tint, colour: bool) -> String {
    if !colour {
        return text.to_owned();
    }
    let code = match tint {
        Tint::Green => 32,
        Tint::Yellow => 33,
        Tint::Red => 31,
        Tint::Grey => 90,
    };
    format!("\x1b[{code}m{text}\x1b[0m")
}

/// A row: what it is called, its state, and the rest.
struct Line {
    name: String,
    state: (String, Tint),
    rest: Vec<String>,
}

fn node(node: &Node) -> Line {
    let tint = match node.status {
        NodeState::Online => Tint::Green,
        NodeState::Offline => Tint::Red,
        _ => Tint::Yellow,
    };
    Line {
        name: node.name.to_string(),
        state: (visible(node.status.as_str()), tint),
        rest: vec![
            node.cpu
                .map_or_else(String::new, |cpu| format!("CPU {}", percent(cpu))),
            used("RAM", node.mem, node.maxmem),
            node.uptime
                .map_or_else(String::new, |up| format!("up {}", duration(up))),
        ],
    }
}

fn guest(guest: &Guest) -> Line {
    let facts = &guest.facts;
    let running = guest.status == RunState::Running;
    let tint = match guest.status {
        _ if guest.template => Tint::Grey,
        RunState::Running => Tint::Green,
        RunState::Stopped => Tint::Grey,
        _ => Tint::Yellow,
    };
    let state = if guest.template {
        "template".to_owned()
    } else {
        visible(guest.status.as_str())
    };
    let name = facts.name.as_deref().map(visible).unwrap_or_default();
    let cpu = guest.cpu.filter(|_| running);
    Line {
        name: format!("{} {} {name}", facts.guest.vmid, facts.kind.key()),
        state: (state, tint),
        rest: vec![
            facts.node.to_string(),
            cpu.map_or_else(String::new, |cpu| format!("CPU {}", percent(cpu))),
            used("RAM", guest.mem.filter(|_| running), guest.maxmem),
            guest
                .lock
                .as_deref()
                .map_or_else(String::new, |lock| format!("locked: {}", visible(lock))),
        ],
    }
}

/// A shared one once, whichever node tells of it.
fn storages(seen: &Snapshot) -> Vec<Line> {
    let mut shared = std::collections::BTreeSet::new();
    let first = |storage: &&Storage| !storage.shared || shared.insert(storage.name.clone());
    seen.storages.values().filter(first).map(storage).collect()
}

fn storage(storage: &Storage) -> Line {
    let (state, tint) = match &storage.status {
        StorageState::Available => ("available".to_owned(), Tint::Green),
        StorageState::Unknown => ("unknown".to_owned(), Tint::Yellow),
        StorageState::Other(word) => (visible(word), Tint::Yellow),
    };
    let place = if storage.shared {
        "shared".to_owned()
    } else {
        storage.node.to_string()
    };
    Line {
        name: visible(&storage.name),
        state: (state, tint),
        rest: vec![place, used("", storage.disk, storage.maxdisk)],
    }
}

/// `RAM 7.5 GB of 16 GB (47 %)`; nothing where Proxmox does not tell.
fn used(what: &str, part: Option<u64>, whole: Option<u64>) -> String {
    let (Some(part), Some(whole)) = (part, whole) else {
        return String::new();
    };
    let part_of = percent(share(part, whole));
    format!("{what} {} of {} ({part_of})", size(part), size(whole))
        .trim_start()
        .to_owned()
}

fn table(title: &str, lines: &[Line], none: &str, colour: bool) -> String {
    if lines.is_empty() {
        return format!("  {title}\n    {none}\n");
    }
    let chars = |text: &str| text.chars().count();
    let width = |of: &dyn Fn(&Line) -> usize| lines.iter().map(of).max().unwrap_or(0);
    let name = width(&|line| chars(&line.name));
    let state = width(&|line| chars(&line.state.0));
    let rest: Vec<usize> = (0..lines[0].rest.len())
        .map(|at| width(&|line| chars(&line.rest[at])))
        .collect();
    let mut text = format!("  {title}\n");
    for line in lines {
        let (word, tint) = &line.state;
        let mut row = format!("    {:name$}  {}", line.name, painted(word, *tint, colour));
        row += &" ".repeat(state - chars(word));
        for (cell, width) in line.rest.iter().zip(&rest).filter(|(_, width)| **width > 0) {
            let _ = write!(row, "  {cell:width$}");
        }
        text += row.trim_end();
        text.push('\n');
    }
    text
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::time::SystemTime;

    use tokio::time::Instant;

    use super::*;
    use crate::embed::check;
    use crate::proxmox::Error;

    fn nothing() -> Snapshot {
        Snapshot {
            taken: Instant::now(),
            wall: SystemTime::now(),
            guests: BTreeMap::new(),
            nodes: BTreeMap::new(),
            storages: BTreeMap::new(),
            pools: Vec::new(),
            quorum: None,
        }
    }

    #[test]
    fn a_lost_quorum_and_a_cluster_that_is_away_stand_out() {
        let (home, lab) = ("home".parse().unwrap(), "lab".parse().unwrap());
        let mut seen = nothing();
        seen.quorum = Some(Quorum {
            cluster: Some("home".to_owned()),
            quorate: false,
            nodes: 3,
            online: 1,
            answered_by: None,
        });
        let node = Node {
            // What Proxmox says of a node can be anything.
            status: NodeState::Other("odd\u{1b}[2J".to_owned()),
            name: "pve1".parse().unwrap(),
            cpu: None,
            maxcpu: None,
            mem: None,
            maxmem: None,
            disk: None,
            maxdisk: None,
            uptime: None,
            level: None,
            ha: None,
        };
        seen.nodes.insert(node.name.clone(), node);
        let away = check::unread("lab", &Error::Setup("no endpoint".to_owned()));
        let views = [
            Overview {
                cluster: &home,
                seen: Ok(&seen),
            },
            Overview {
                cluster: &lab,
                seen: Err(&away),
            },
        ];
        let plain = overview(&views, false);
        insta::assert_snapshot!(plain, @r##"
        home: 0 of 0 guests run · 1 of 3 nodes online
          No quorum: nothing can be started until more nodes are up.
          NODE
            pve1  odd[2J
          GUEST
            none that the token can see (VM.Audit)
          STORAGE
            none that the token can see (Datastore.Audit)

        lab: cannot be read
          configuration: no endpoint
          Mend the section [[cluster]] that it names.
        "##);
        let coloured = overview(&views, true);
        assert!(coloured.contains("\u{1b}[31mlab: cannot be read\u{1b}[0m"));
        assert!(coloured.contains("\u{1b}[33modd[2J\u{1b}[0m"));
        let bare = ["31", "33", "0"].iter().fold(coloured, |text, code| {
            text.replace(&format!("\u{1b}[{code}m"), "")
        });
        assert_eq!(bare, plain, "colours change nothing else");
    }
}
