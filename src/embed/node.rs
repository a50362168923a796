//! Nodes to read: one card, and the list.

use crate::action::{Action, NodePower};
use crate::ids::NodeRef;
use crate::proxmox::{Node, NodeState, NodeStatus};

use super::node_act::{going_on, label};
use super::reply::{Button, Card, Colour, Reply, Style};
use super::status::Age;
use super::words::{bar, duration, node_footer, percent, plain, share, size};

/// `🟢 pve1 · CPU 12 % · 45 % RAM`. The figures are missing where the token may not see them.
#[must_use]
pub fn line(node: &Node) -> String {
    let (mark, _, word) = state(node);
    let mut parts = vec![format!("{mark} {}", node.name)];
    if online(node) {
        parts.extend(node.cpu.map(|cpu| format!("CPU {}", percent(cpu))));
        if let (Some(mem), Some(most)) = (node.mem, node.maxmem) {
            parts.push(format!("RAM {}", percent(share(mem, most))));
        }
    } else {
        parts.push(word);
    }
    parts.join(" · ")
}

/// Whether the node answers, as its cluster sees it.
#[must_use]
pub fn online(node: &Node) -> bool {
    node.status == NodeState::Online
}

fn state(node: &Node) -> (&'static str, Colour, String) {
    match &node.status {
        NodeState::Online => ("🟢", Colour::Green, "online".to_owned()),
        NodeState::Offline => ("🔴", Colour::Red, "offline".to_owned()),
        other => ("🟠", Colour::Amber, plain(other.as_str())),
    }
}

#[must_use]
pub fn list(nodes: &[&Node], ages: &[Age]) -> Reply {
    let mut lines: Vec<String> = nodes.iter().map(|node| line(node)).collect();
    lines.extend(ages.iter().filter_map(Age::line));
    let down = nodes.iter().any(|node| !online(node));
    let plural = if nodes.len() == 1 { "" } else { "s" };
    Reply::card(Card {
        colour: if down {
            Colour::Red
        } else if ages.iter().any(|age| *age != Age::Now) {
            Colour::Amber
        } else {
            Colour::Green
        },
        title: format!("🗄️ {} node{plural}", nodes.len()),
        body: lines.join("\n"),
        footer: None,
    })
    .with_buttons(vec![Button {
        label: "Refresh".into(),
        style: Style::Secondary,
        action: Action::NodeList,
    }])
}

/// One node, as far as one person may see it.
#[derive(Debug)]
pub struct View<'a> {
    pub reference: &'a NodeRef,
    pub node: &'a Node,
    /// What the node itself says, where it could be asked.
    pub details: Option<&'a NodeStatus>,
    /// It was asked and did not answer.
    pub silent: bool,
    pub updates: Updates,
    /// How many guests run on it, as far as the token sees. A number tells of nobody.
    pub running: usize,
    /// What the person may do to it.
    pub may: Vec<NodePower>,
    /// What is being done to it.
    pub busy: Option<NodePower>,
    pub age: Age,
}

/// What waits to be installed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Updates {
    Waiting(usize),
    /// The token may not see it.
    Hidden,
    /// Nothing to say.
    Untold,
}

#[must_use]
pub fn card(view: &View<'_>) -> Reply {
    let node = view.node;
    let (mut mark, mut colour, word) = state(node);
    let mut lines = Vec::new();
    if view.silent {
        (mark, colour) = ("🟠", Colour::Amber);
        let unread = "It does not answer just now, so its\nload, disk and version are not known.";
        lines.push(unread.to_owned());
    }
    if online(node) {
        lines.extend(figures(view));
        let guests = if view.running == 1 {
            "guest runs"
        } else {
            "guests run"
        };
        lines.push(format!("{} {guests} on it", view.running));
    }
    lines.extend(view.busy.map(|power| format!("🟡 {} now", going_on(power))));
    lines.extend(view.age.line());
    Reply::card(Card {
        colour,
        title: format!("{mark} {} · {word}", node.name),
        body: lines.join("\n"),
        footer: Some(node_footer(view.reference)),
    })
    .with_buttons(buttons(view))
}

fn figures(view: &View<'_>) -> Vec<String> {
    let node = view.node;
    let mut lines = Vec::new();
    if let Some(cpu) = view.details.and_then(|d| d.cpu).or(node.cpu) {
        let cores = node.maxcpu.map(|n| format!(" of {n}")).unwrap_or_default();
        lines.push(format!("{} CPU {}{cores}", bar(cpu), percent(cpu)));
    }
    if let (Some(mem), Some(most)) = (node.mem, node.maxmem) {
        lines.push(format!(
            "{} RAM {} of {}",
            bar(share(mem, most)),
            size(mem),
            size(most)
        ));
    }
    if let Some(details) = view.details {
        lines.extend(own_words(details));
    } else {
        if node.cpu.is_none() {
            lines.push("Its figures are not visible to the\nbot's token.".to_owned());
        }
        if let Some(uptime) = node.uptime {
            lines.push(format!("Up {}", duration(uptime)));
        }
    }
    lines.extend(match view.updates {
        Updates::Waiting(0) => Some("No updates that it knows of".to_owned()),
        Updates::Waiting(1) => Some("⬆️ 1 update waits".to_owned()),
        Updates::Waiting(count) => Some(format!("⬆️ {count} updates wait")),
        Updates::Hidden => {
            Some("Updates: the bot's token may not\nsee them (Sys.Modify)".to_owned())
        }
        Updates::Untold => None,
    });
    lines
}

/// What fits the state, of what the person may do. Checked again at the press.
fn buttons(view: &View<'_>) -> Vec<Button> {
    let fits = |power: &&NodePower| power.takes_down() == online(view.node);
    let idle = view.busy.is_none();
    let may = view.may.iter().filter(|_| idle).filter(fits);
    let switch = |power: &NodePower| Button {
        label: label(*power).into(),
        style: Style::Secondary,
        action: Action::NodeDo {
            power: *power,
            node: view.reference.into(),
        },
    };
    let refresh = Button {
        label: "Refresh".into(),
        style: Style::Secondary,
        action: Action::NodeStatus(view.reference.into()),
    };
    may.map(switch).chain([refresh]).collect()
}

fn own_words(details: &NodeStatus) -> Vec<String> {
    let mut lines = Vec::new();
    if let Some(load) = details.load {
        let load: Vec<String> = load.iter().map(|l| format!("{l:.2}")).collect();
        lines.push(format!("Load {}", load.join(" ")));
    }
    if let (Some(used), Some(total)) = (details.disk, details.maxdisk) {
        lines.push(format!("Root disk {} of {}", size(used), size(total)));
    }
    if let (Some(used @ 1..), Some(total)) = (details.swap, details.maxswap) {
        lines.push(format!("Swap {} of {}", size(used), size(total)));
    }
    if let Some(uptime) = details.uptime {
        lines.push(format!("Up {}", duration(uptime)));
    }
    if let Some(version) = &details.version {
        lines.push(format!("Proxmox VE {}", plain(version)));
    }
    if let Some(kernel) = &details.kernel {
        lines.push(format!("Kernel {}", plain(kernel)));
    }
    lines
}
