//! `/snapshot`: points that a guest can go back to.

use crate::action::{Action, Deed, Right};
use crate::command::option::{Field, Given, Opt};

use super::{GUEST, Row, maybe, opt};

const SNAPSHOT: Opt = opt("snapshot", "Which of its snapshots", Field::Snapshot);

pub(super) const ROWS: &[Row] = &[
    Row {
        path: &["snapshot", "list"],
        help: "The snapshots of a guest",
        options: &[GUEST],
        right: Some(Right::View),
        action: |given| given.guest().map(Action::SnapshotList),
    },
    Row {
        path: &["snapshot", "create"],
        help: "Take a snapshot of a guest",
        options: &[
            GUEST,
            maybe("name", "What it is to be called", Field::NewSnapshot),
            maybe("ram", "With the memory of a running VM", Field::Flag),
        ],
        right: Some(Right::SnapshotCreate),
        action: create,
    },
    Row {
        path: &["snapshot", "rollback"],
        help: "Take a guest back to a snapshot (asks first)",
        options: &[GUEST, SNAPSHOT],
        right: Some(Right::SnapshotRollback),
        action: |given| {
            Some(Action::Do {
                deed: Deed::SnapshotRollback(given.snapshot()?),
                kind: None,
                guest: given.guest()?,
            })
        },
    },
    Row {
        path: &["snapshot", "delete"],
        help: "Delete a snapshot of a guest (asks first)",
        options: &[GUEST, SNAPSHOT],
        right: Some(Right::SnapshotDelete),
        action: |given| {
            Some(Action::Do {
                deed: Deed::SnapshotDelete(given.snapshot()?),
                kind: None,
                guest: given.guest()?,
            })
        },
    },
];

fn create(given: &Given) -> Option<Action> {
    let (guest, ram) = (given.guest()?, given.flag());
    Some(match given.snapshot() {
        Some(name) => Action::Do {
            deed: Deed::SnapshotCreate { name, ram },
            kind: None,
            guest,
        },
        None => Action::TakeSnapshot { guest, ram },
    })
}
