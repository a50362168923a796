//! Where disks and backups lie.

use crate::action::{Action, Right};
use crate::command::option::Field;

use super::{Row, maybe};

pub(super) const ROWS: &[Row] = &[Row {
    path: &["storage", "list"],
    help: "Storages, and how full they are",
    options: &[maybe("node", "Only this node", Field::Node)],
    right: Some(Right::View),
    action: |given| Some(Action::StorageList(given.node())),
}];
