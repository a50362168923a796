//! What is done to whole nodes.

use crate::action::{Action, NodePower};
use crate::command::option::Given;

use super::{NODE, Row};

const fn row(
    path: &'static [&'static str],
    help: &'static str,
    power: NodePower,
    action: fn(&Given) -> Option<Action>,
) -> Row {
    Row {
        path,
        help,
        options: &[NODE],
        right: Some(power.right()),
        action,
    }
}

fn asked(given: &Given, power: NodePower) -> Option<Action> {
    let node = given.node()?;
    Some(Action::NodeDo { power, node })
}

pub(super) const ROWS: &[Row] = &[
    row(
        &["node", "reboot"],
        "Reboot a node, and what runs on it goes down",
        NodePower::Reboot,
        |given| asked(given, NodePower::Reboot),
    ),
    row(
        &["node", "shutdown"],
        "Shut a node down with all that runs on it",
        NodePower::Shutdown,
        |given| asked(given, NodePower::Shutdown),
    ),
    row(
        &["node", "wake"],
        "Wake a node over the network",
        NodePower::Wake,
        |given| asked(given, NodePower::Wake),
    ),
];
