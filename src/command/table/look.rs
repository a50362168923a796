//! What one looks at as a whole, and help.

use crate::action::{Action, Right};
use crate::command::option::Field;

use super::{NODE, Row, maybe};

pub(super) const ROWS: &[Row] = &[
    Row {
        path: &["status"],
        help: "What runs and how the nodes are",
        options: &[maybe("cluster", "Only this cluster", Field::Cluster)],
        right: Some(Right::View),
        action: |given| Some(Action::Status(given.cluster())),
    },
    Row {
        path: &["node", "list"],
        help: "All nodes",
        options: &[],
        right: Some(Right::View),
        action: |_| Some(Action::NodeList),
    },
    Row {
        path: &["node", "status"],
        help: "One node: load, memory, version, updates",
        options: &[NODE],
        right: Some(Right::View),
        action: |given| given.node().map(Action::NodeStatus),
    },
];

/// At the end of every list.
pub(super) const HELP: &[Row] = &[Row {
    path: &["help"],
    help: "The commands that you may use",
    options: &[],
    right: None,
    action: |_| Some(Action::Help),
}];
