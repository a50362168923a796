//! Nodes to read: one card, and the list.

use crate::action::Action;
use crate::ids::{NodeQuery, NodeRef};
use crate::proxmox::{Node, NodeState, NodeStatus};

use super::reply::{Button, Card, Colour, Reply, Style};
use super::status::Age;
use super::words::{bar, duration, percent, plain, share, size};

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
        colour: if down { Colour::Red } else { Colour::Green },
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

/// One node; `details` is what the node itself says, where it could be asked.
#[must_use]
pub fn card(reference: &NodeRef, node: &Node, details: Option<&NodeStatus>, age: &Age) -> Reply {
    let (mark, colour, word) = state(node);
    let mut lines = Vec::new();
    if online(node) {
        if let Some(cpu) = details.and_then(|d| d.cpu).or(node.cpu) {
            let cores = node.maxcpu.map(|n| format!(" of {n}")).unwrap_or_default();
            lines.push(format!("{} CPU {}{cores}", bar(cpu), percent(cpu)));
        }
        if let (Some(mem), Some(most)) = (node.mem, node.maxmem) {
            lines.push(format!(
                "{} {} of {}",
                bar(share(mem, most)),
                size(mem),
                size(most)
            ));
        }
    }
    if let Some(details) = details {
        lines.extend(own_words(details));
    } else if online(node) {
        if node.cpu.is_none() {
            lines.push("Its figures are not visible to the\nbot's token.".to_owned());
        }
        if let Some(uptime) = node.uptime {
            lines.push(format!("Up {}", duration(uptime)));
        }
    }
    lines.extend(age.line());
    Reply::card(Card {
        colour,
        title: format!("{mark} {} · {word}", node.name),
        body: lines.join("\n"),
        footer: Some(format!("node · {}", reference.cluster)),
    })
    .with_buttons(vec![Button {
        label: "Refresh".into(),
        style: Style::Secondary,
        action: Action::NodeStatus(NodeQuery {
            cluster: Some(reference.cluster.clone()),
            node: reference.node.clone(),
        }),
    }])
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
    if let Some(uptime) = details.uptime {
        lines.push(format!("Up {}", duration(uptime)));
    }
    if let Some(version) = &details.version {
        lines.push(plain(version));
    }
    if let Some(kernel) = &details.kernel {
        lines.push(format!("Kernel {}", plain(kernel)));
    }
    lines
}
