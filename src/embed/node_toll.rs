//! The two questions before a whole node goes down: what goes with it, and what HA makes of that.

use crate::action::NodePower;
use crate::ids::NodeRef;
use crate::proxmox::{Quorum, ShutdownPolicy};

use super::confirm::Subject;
use super::node_act::to_do;
use super::words::node_footer;

/// So many guests are named of each kind.
const MOST: usize = 12;
/// So many nodes are named behind a guest.
const MOST_NODES: usize = 3;

/// What goes down with a node, as far as one person may know.
#[derive(Debug, Clone, Default)]
pub struct Toll<'a> {
    /// Those that run on it without HA and that the person may see, as they are called.
    pub guests: Vec<String>,
    /// Of such, those that the person may not see.
    pub others: usize,
    /// Those that HA keeps running.
    pub kept: Vec<Kept>,
    /// Of such, those that the person may not see.
    pub kept_others: usize,
    pub fate: Fate,
    /// `None`: not visible to the token, or not known.
    pub quorum: Option<&'a Quorum>,
    /// The nodes that are online now, this one included, of so many.
    pub nodes: (usize, usize),
    pub door: Door,
}

/// A guest that HA keeps running, and where it can run when this node is away.
#[derive(Debug, Clone, Default)]
pub struct Kept {
    pub name: String,
    /// Nodes that the person may see.
    pub nodes: Vec<String>,
    /// And so many that the person may not see.
    pub more: usize,
    /// Those and no others: nothing else that we do not know counts.
    pub sure: bool,
}

/// What becomes of HA's guests.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Fate {
    #[default]
    Unknown,
    /// Stopped, and started again on this node.
    Freeze,
    /// Stopped, and started elsewhere where this node does not come back at once.
    Failover,
    /// Moved away before the node goes down.
    Migrate,
}

impl Fate {
    #[must_use]
    pub fn of(policy: Option<ShutdownPolicy>, power: NodePower) -> Self {
        match policy {
            None => Self::Unknown,
            Some(ShutdownPolicy::Conditional) if power == NodePower::Reboot => Self::Freeze,
            Some(ShutdownPolicy::Freeze) => Self::Freeze,
            Some(ShutdownPolicy::Conditional | ShutdownPolicy::Failover) => Self::Failover,
            Some(ShutdownPolicy::Migrate) => Self::Migrate,
        }
    }
}

/// How the bot reaches Proxmox.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Door {
    /// Through other nodes too.
    #[default]
    Others,
    /// Through one address; whose, is not known.
    One,
    /// Through this very node alone.
    This,
}

/// The first question: what it costs.
#[must_use]
pub fn first_question(power: NodePower, node: &NodeRef, toll: &Toll<'_>) -> Subject {
    Subject {
        to_do: to_do(power, node.node.as_str()),
        consequence: consequence(power, toll),
        yes: "Go on",
        footer: node_footer(node),
        snapshot_first: false,
    }
}

/// The second one, before what takes down everything on the node.
#[must_use]
pub fn second_question(power: NodePower, node: &NodeRef, toll: &Toll<'_>) -> Subject {
    let (then, yes) = match power {
        NodePower::Reboot => ("", "Reboot the node"),
        _ => (
            "\nSomebody has to switch it on again.",
            "Shut down the node",
        ),
    };
    Subject {
        to_do: format!("{} now", to_do(power, node.node.as_str())),
        consequence: format!(
            "{}{then}\nAsked twice, so that no slip does it.",
            whole(toll)
        ),
        yes,
        footer: node_footer(node),
        snapshot_first: false,
    }
}

fn whole(toll: &Toll<'_>) -> String {
    let kept = toll.kept.len() + toll.kept_others;
    let moved = if toll.fate == Fate::Migrate { kept } else { 0 };
    let down = toll.guests.len() + toll.others + kept - moved;
    let what = match down {
        0 => "The whole node goes down.".to_owned(),
        1 => "The whole node goes down, and the\none guest that runs on it.".to_owned(),
        many => format!("The whole node goes down, and the\n{many} guests that run on it."),
    };
    let but = match (toll.fate, kept) {
        (Fate::Migrate, 1) => "\nHA moves one guest away first.".to_owned(),
        (Fate::Migrate, 2..) => format!("\nHA moves {kept} guests away first."),
        (Fate::Unknown, 1) => "\nUnless HA moves one away first.".to_owned(),
        (Fate::Unknown, 2..) => format!("\nUnless HA moves {kept} away first."),
        _ => String::new(),
    };
    what + &but
}

fn consequence(power: NodePower, toll: &Toll<'_>) -> String {
    if power == NodePower::Wake {
        return "A packet goes out to wake it.".to_owned();
    }
    let mut lines = guests(toll);
    lines.extend(ha(power, toll));
    lines.extend(quorum(toll));
    match toll.door {
        Door::Others => {}
        Door::One => lines.push(
            "I know one address of Proxmox only.\nIf it is this node's, nobody sees\n\
             anything here until it is back."
                .to_owned(),
        ),
        Door::This => lines.push(
            "I reach Proxmox through this node\nalone: nobody sees anything here\n\
             until it is back."
                .to_owned(),
        ),
    }
    lines.join("\n")
}

fn guests(toll: &Toll<'_>) -> Vec<String> {
    if toll.guests.is_empty() && toll.others == 0 {
        if toll.kept.is_empty() && toll.kept_others == 0 {
            return vec!["No guest that I see runs on it.".to_owned()];
        }
        return Vec::new();
    }
    let mut lines = vec!["What runs on it goes down with it:".to_owned()];
    lines.extend(listed(toll.guests.iter().cloned(), toll.others));
    lines
}

/// A dot for each, and how many there are besides.
fn listed(names: impl ExactSizeIterator<Item = String>, others: usize) -> Vec<String> {
    let count = names.len();
    let mut lines: Vec<String> = names.take(MOST).map(|name| format!("• {name}")).collect();
    if let more @ 1.. = count.saturating_sub(MOST) {
        lines.push(format!("• and {more} more"));
    }
    match (others, count) {
        (0, _) => {}
        (1, 0) => lines.push("• one guest that is not yours to see".to_owned()),
        (n, 0) => lines.push(format!("• {n} guests that are not yours to see")),
        (1, _) => lines.push("• one more that is not yours to see".to_owned()),
        (n, _) => lines.push(format!("• {n} more that are not yours to see")),
    }
    lines
}

/// What HA does with its guests, by the cluster's shutdown policy.
fn ha(power: NodePower, toll: &Toll<'_>) -> Vec<String> {
    if toll.kept.is_empty() && toll.kept_others == 0 {
        return Vec::new();
    }
    let head = match (toll.fate, power) {
        (Fate::Unknown, _) => "HA has these. Whether it moves them or\nstops them, I do not know:",
        (Fate::Freeze, _) => "HA stops these, and starts them here\nwhen the node is back:",
        (Fate::Failover, NodePower::Reboot) => {
            "HA stops these. Where the node takes\nlonger than about two minutes, it\n\
             starts them elsewhere:"
        }
        (Fate::Failover, _) => {
            "HA stops these, and starts them\nelsewhere about two minutes later:"
        }
        (Fate::Migrate, _) => "HA moves these away first, and back\nwhen the node is up again:",
    };
    let goes = matches!(toll.fate, Fate::Failover | Fate::Migrate);
    let names = toll.kept.iter().map(|kept| {
        let to = if goes { goes_to(kept) } else { String::new() };
        kept.name.clone() + &to
    });
    let mut lines = vec![head.to_owned()];
    lines.extend(listed(names, toll.kept_others));
    if goes
        && toll
            .kept
            .iter()
            .any(|kept| kept.nodes.len() + kept.more > 1)
    {
        lines.push("Which of several, HA decides.".to_owned());
    }
    if toll.fate == Fate::Migrate {
        lines.push(leaves_when(&toll.kept));
    }
    lines
}

/// The LRM holds up the shutdown until none of its guests runs here.
fn leaves_when(kept: &[Kept]) -> String {
    let stuck = kept.iter().filter(|kept| kept.nodes.len() + kept.more == 0);
    match stuck.count() {
        0 => "The node goes down when they are gone.".to_owned(),
        _ => {
            "⚠️ The node does not go down until\nsomebody moves or stops what cannot\ngo elsewhere."
                .to_owned()
        }
    }
}

/// " → pve2 or pve3"
fn goes_to(kept: &Kept) -> String {
    let mut names: Vec<String> = kept.nodes.iter().take(MOST_NODES).cloned().collect();
    let left = kept.nodes.len().saturating_sub(MOST_NODES) + kept.more;
    let rest = match (left, names.is_empty()) {
        (0, true) => return ": no node can take it".to_owned(),
        (0, false) => None,
        (1, true) => Some("another node".to_owned()),
        (1, false) => Some("one more".to_owned()),
        (n, true) => Some(format!("one of {n} nodes")),
        (n, false) => Some(format!("{n} more")),
    };
    names.extend(rest);
    let last = names.pop().unwrap_or_default();
    let to = if names.is_empty() {
        last
    } else {
        format!("{} or {last}", names.join(", "))
    };
    let maybe = if kept.sure {
        ""
    } else {
        ",\n  if HA's rules allow"
    };
    format!(" → {to}{maybe}")
}

fn quorum(toll: &Toll<'_>) -> Option<String> {
    let (left, all) = match toll.quorum {
        Some(Quorum { cluster: None, .. }) => return None,
        Some(quorum) => (quorum.online.saturating_sub(1), quorum.nodes),
        None if toll.nodes.1 < 2 => return None,
        None => (toll.nodes.0.saturating_sub(1), toll.nodes.1),
    };
    let are = if left == 1 { "is" } else { "are" };
    if left > all / 2 {
        return Some(format!("{left} of {all} nodes {are} left: a majority."));
    }
    let kept = toll.kept.len() + toll.kept_others > 0;
    let nor = match toll.fate {
        Fate::Failover | Fate::Unknown if kept => "can be started, by HA neither.",
        _ => "can be started.",
    };
    Some(format!(
        "⚠️ {left} of {all} nodes {are} left: no majority.\nUnless something else votes too, the\n\
         cluster loses its quorum, and nothing\n{nor}"
    ))
}
