//! `/backup`: copies of a guest on a storage.

use crate::action::{Action, BackupMode, Deed, Right};
use crate::command::option::{Field, Given};

use super::{GUEST, Row, maybe};

pub(super) const ROWS: &[Row] = &[
    Row {
        path: &["backup", "list"],
        help: "The backups of a guest, newest first",
        options: &[GUEST],
        right: Some(Right::BackupView),
        action: |given| {
            let guest = given.guest()?;
            Some(Action::BackupList { guest, after: 0 })
        },
    },
    Row {
        path: &["backup", "run"],
        help: "Back a guest up now",
        options: &[
            GUEST,
            maybe("storage", "Where to", Field::Storage),
            maybe(
                "mode",
                "snapshot: it runs on; stop: it is shut down",
                Field::Mode,
            ),
        ],
        right: Some(Right::BackupRun),
        action: run,
    },
];

fn run(given: &Given) -> Option<Action> {
    let guest = given.guest()?;
    let mode = given.mode().unwrap_or(BackupMode::Snapshot);
    Some(match given.storage() {
        Some(storage) => Action::Do {
            deed: Deed::Backup { storage, mode },
            kind: None,
            guest,
        },
        None => Action::BackUp { guest, mode },
    })
}
