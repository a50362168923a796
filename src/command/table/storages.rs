//! Where disks and backups lie.

use crate::action::{Action, Right};
use crate::command::option::Field;

use super::{Row, maybe};

pub(super) const ROWS: &[Row] = &[Row {
    path: &["storage", "list"],
    help: "Storages, and how full they are",
    options: &[
        maybe("node", "Only this node", Field::Node),
        maybe(
            "storage",
            "Only this one, and what lies on it",
            Field::AnyStorage,
        ),
    ],
    right: Some(Right::View),
    action: |given| {
        Some(Action::StorageList {
            node: given.node(),
            storage: given.storage(),
        })
    },
}];
