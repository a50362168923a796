//! What is done to a whole node: the card as it changes. The questions before it: `node_toll`.

use crate::action::{Action, NodePower, NoticeId};
use crate::ids::{NodeRef, UserId};

use super::notify;
use super::reply::{Button, Card, Colour, Reply, Style};
use super::why::{NO_RIGHT, NO_TOKEN, Readers, told_to};
use super::words::{ago, node_footer, person};

/// Who does what to which node, since when (unix seconds).
#[derive(Debug, Clone)]
pub struct NodeAct {
    pub power: NodePower,
    pub node: NodeRef,
    pub by: UserId,
    pub since: i64,
    /// Under which others can wait for its end.
    pub notice: Option<NoticeId>,
}

/// What is seen while it goes on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    /// Proxmox has the order.
    Taken,
    Offline,
    /// Proxmox gives no answer at all.
    Silent,
}

/// "reboot pve1": after "may" and "really".
pub(super) fn to_do(power: NodePower, name: &str) -> String {
    let verb = match power {
        NodePower::Reboot => "reboot",
        NodePower::Shutdown => "shut down",
        NodePower::Wake => "wake",
    };
    format!("{verb} {name}")
}

/// "rebooting": while it goes on.
#[must_use]
pub fn going_on(power: NodePower) -> &'static str {
    match power {
        NodePower::Reboot => "rebooting",
        NodePower::Shutdown => "shutting down",
        NodePower::Wake => "waking",
    }
}

/// The button that asks for it.
pub(super) fn label(power: NodePower) -> &'static str {
    match power {
        NodePower::Reboot => "Reboot",
        NodePower::Shutdown => "Shutdown",
        NodePower::Wake => "Wake",
    }
}

/// The order is on its way.
#[must_use]
pub fn asked(act: &NodeAct) -> Reply {
    let body = format!("Asked by {} {}.", person(act.by), ago(act.since));
    Reply::card(card(act, Colour::Amber, "🟡", going_on(act.power), body))
}

#[must_use]
pub fn at_work(act: &NodeAct, state: State) -> Reply {
    let (mark, word, body) = match (state, act.power) {
        (State::Taken, NodePower::Wake) => (
            "🟡",
            going_on(act.power),
            "The wake-up packet was sent.\nIt has not been seen online yet.",
        ),
        (State::Taken, _) => ("🟡", going_on(act.power), "Proxmox has taken the order."),
        (State::Offline, _) => (
            "🟡",
            "offline",
            "It is offline. I wait for it to\ncome back.",
        ),
        (State::Silent, _) => (
            "🟠",
            "out of sight",
            "Proxmox does not answer me now.\nI keep looking.",
        ),
    };
    let body = format!("Asked by {} {}.\n{body}", person(act.by), ago(act.since));
    let reply = Reply::card(card(act, Colour::Amber, mark, word, body));
    notify::waitable(reply, act.notice)
}

/// The answer to the order was lost: only a look tells.
#[must_use]
pub fn perhaps_sent(act: &NodeAct) -> Reply {
    let body = format!(
        "Asked by {} {}.\nProxmox's answer was lost. I look\nwhether the node does it.",
        person(act.by),
        ago(act.since)
    );
    Reply::card(card(act, Colour::Amber, "🟠", going_on(act.power), body))
}

/// It is that way already. Nothing was sent.
#[must_use]
pub fn not_needed(act: &NodeAct) -> Reply {
    let (colour, mark, state) = match act.power {
        NodePower::Wake => (Colour::Green, "🟢", "online already"),
        _ => (Colour::Grey, "⚪", "offline already"),
    };
    let body = format!("Asked by {}. Nothing was done.", person(act.by));
    Reply::card(card(act, colour, mark, state, body)).with_buttons(vec![refresh(&act.node)])
}

/// Surely not done. `why` is a whole sentence of ours.
#[must_use]
pub fn failed(act: &NodeAct, why: &str) -> Reply {
    let body = format!("Asked by {}.\n{why}", person(act.by));
    let state = match act.power {
        NodePower::Reboot => "did not reboot",
        NodePower::Shutdown => "did not shut down",
        NodePower::Wake => "no packet sent",
    };
    Reply::card(card(act, Colour::Red, "🔴", state, body)).with_buttons(vec![refresh(&act.node)])
}

/// Somebody switches the node at this moment; `by` where who acts is for all to see.
#[must_use]
pub fn busy(node: &NodeRef, power: NodePower, by: Option<UserId>) -> Reply {
    let who = by
        .map(|by| format!("Asked by {}. ", person(by)))
        .unwrap_or_default();
    let body = format!("{who}Nothing was done.\nWait for that to end.");
    taken(node, &format!("is {} already", going_on(power)), body)
}

/// The same of an order that a former process left open: nobody knows whether it was sent.
#[must_use]
pub fn left_open(node: &NodeRef, power: NodePower, by: Option<UserId>) -> Reply {
    let who = by.map_or_else(|| "Somebody".to_owned(), person);
    let body = format!(
        "{who} asked to {}, and\nI was restarted before I saw the end.\nI look what became of it.\n\
         Nothing was done now. Wait for that\nto end.",
        to_do(power, node.node.as_str())
    );
    taken(node, "· an order is open", body)
}

fn taken(node: &NodeRef, how: &str, body: String) -> Reply {
    Reply::card(Card {
        colour: Colour::Amber,
        title: format!("🟡 {} {how}", node.node),
        body,
        footer: Some(node_footer(node)),
    })
    .with_buttons(vec![refresh(node)])
}

const NO_ADDRESS: &str =
    "Proxmox knows no address (MAC) of it\nfor that. Set Wake-on-LAN in the\nnode's options.";
const ITSELF: &str = "I reach Proxmox through that node\nalone, and no node wakes itself.";

/// What a refusal of Proxmox means.
#[must_use]
pub fn why_refused(status: Option<u16>, text: Option<&str>, readers: Readers) -> String {
    let text = text.unwrap_or_default();
    let why = match status {
        Some(401) => NO_TOKEN,
        Some(403) => NO_RIGHT,
        Some(595..=599) => "The node does not answer. Look again\nbefore you repeat it.",
        Some(500) if text.starts_with("No wake on LAN MAC address") => NO_ADDRESS,
        Some(500) if text.ends_with("cannot wake my self!") => ITSELF,
        Some(_) => "Proxmox refused it.",
        None => "Proxmox could not be reached, so it\nwas never asked. Try again.",
    };
    told_to(readers, why)
}

pub(super) fn card(act: &NodeAct, colour: Colour, mark: &str, state: &str, body: String) -> Card {
    Card {
        colour,
        title: format!("{mark} {} · {state}", act.node.node),
        body,
        footer: Some(node_footer(&act.node)),
    }
}

pub(super) fn refresh(node: &NodeRef) -> Button {
    Button {
        label: "Refresh".into(),
        style: Style::Secondary,
        action: Action::NodeStatus(node.into()),
    }
}
