//! The words for everything that can be done to a guest.

use crate::action::{BackupMode, Deed, Power};

/// "start valheim": after "may", "to" and "really". `name` is ready to be shown.
#[must_use]
pub(super) fn to_do(deed: &Deed, name: &str) -> String {
    match deed {
        Deed::Power(power) => format!("{} {name}", verb(*power)),
        Deed::SnapshotCreate { name: taken, .. } => format!("take snapshot {taken} of {name}"),
        Deed::SnapshotRollback(to) => format!("roll {name} back to {to}"),
        Deed::SnapshotDelete(gone) => format!("delete snapshot {gone} of {name}"),
        Deed::Backup { .. } => format!("back up {name}"),
    }
}

fn verb(power: Power) -> &'static str {
    match power {
        Power::Start => "start",
        Power::Shutdown => "shut down",
        Power::Reboot => "reboot",
        Power::Suspend => "suspend",
        Power::Resume => "resume",
        Power::Stop => "stop",
        Power::Reset => "reset",
    }
}

/// "starting": while it goes on.
#[must_use]
pub(super) fn going_on(deed: &Deed) -> &'static str {
    match deed {
        Deed::Power(Power::Start) => "starting",
        Deed::Power(Power::Shutdown) => "shutting down",
        Deed::Power(Power::Reboot) => "rebooting",
        Deed::Power(Power::Suspend) => "suspending",
        Deed::Power(Power::Resume) => "resuming",
        Deed::Power(Power::Stop) => "stopping",
        Deed::Power(Power::Reset) => "resetting",
        Deed::SnapshotCreate { .. } => "taking a snapshot",
        Deed::SnapshotRollback(_) => "rolling back",
        Deed::SnapshotDelete(_) => "deleting a snapshot",
        Deed::Backup { .. } => "backing up",
    }
}

/// "started": once it is true.
#[must_use]
pub(super) fn done(deed: &Deed) -> &'static str {
    match deed {
        Deed::Power(Power::Start) => "started",
        Deed::Power(Power::Shutdown) => "shut down",
        Deed::Power(Power::Reboot) => "rebooted",
        Deed::Power(Power::Suspend) => "suspended",
        Deed::Power(Power::Resume) => "resumed",
        Deed::Power(Power::Stop) => "stopped",
        Deed::Power(Power::Reset) => "reset",
        Deed::SnapshotCreate { .. } => "snapshot taken",
        Deed::SnapshotRollback(_) => "rolled back",
        Deed::SnapshotDelete(_) => "snapshot deleted",
        Deed::Backup { .. } => "backed up",
    }
}

/// "did not start": behind the name, when it is surely not done.
#[must_use]
pub(super) fn not_done(deed: &Deed) -> String {
    match deed {
        Deed::Power(power) => format!("did not {}", verb(*power)),
        Deed::SnapshotCreate { .. } => "no snapshot taken".to_owned(),
        Deed::SnapshotRollback(_) => "not rolled back".to_owned(),
        Deed::SnapshotDelete(_) => "snapshot not deleted".to_owned(),
        Deed::Backup { .. } => "not backed up".to_owned(),
    }
}

/// "start": the thing itself, before "requested".
#[must_use]
pub(super) fn noun(deed: &Deed) -> &'static str {
    match deed {
        Deed::Power(Power::Shutdown) => "shutdown",
        Deed::Power(power) => verb(*power),
        Deed::SnapshotCreate { .. } => "snapshot",
        Deed::SnapshotRollback(_) => "rollback",
        Deed::SnapshotDelete(_) => "deletion of a snapshot",
        Deed::Backup { .. } => "backup",
    }
}

/// "May valheim be started?": for those who decide.
#[must_use]
pub(super) fn may_it(deed: &Deed, name: &str) -> String {
    match deed {
        Deed::SnapshotCreate { name: taken, .. } => {
            format!("May snapshot {taken} of {name} be taken?")
        }
        Deed::SnapshotRollback(to) => format!("May {name} be rolled back to {to}?"),
        Deed::SnapshotDelete(gone) => format!("May snapshot {gone} of {name} be deleted?"),
        Deed::Backup { storage, .. } => format!("May {name} be backed up to {storage}?"),
        _ => format!("May {name} be {}?", done(deed)),
    }
}

/// The button that does it.
#[must_use]
pub(super) fn label(deed: &Deed) -> &'static str {
    match deed {
        Deed::Power(Power::Start) => "Start",
        Deed::Power(Power::Shutdown) => "Shutdown",
        Deed::Power(Power::Reboot) => "Reboot",
        Deed::Power(Power::Suspend) => "Suspend",
        Deed::Power(Power::Resume) => "Resume",
        Deed::Power(Power::Stop) => "Stop",
        Deed::Power(Power::Reset) => "Reset",
        Deed::SnapshotCreate { .. } => "Take snapshot",
        Deed::SnapshotRollback(_) => "Roll back",
        Deed::SnapshotDelete(_) => "Delete snapshot",
        Deed::Backup { .. } => "Back up",
    }
}

/// The yes to the question whether it shall really be done.
#[must_use]
pub(super) fn yes(deed: &Deed) -> &'static str {
    match deed {
        Deed::Power(Power::Shutdown) => "Shut down",
        Deed::Power(Power::Stop) => "Stop now",
        Deed::Power(Power::Reset) => "Reset now",
        Deed::SnapshotDelete(_) => "Delete it",
        _ => label(deed),
    }
}

/// What it does, before it is done.
#[must_use]
pub(super) fn consequence(deed: &Deed) -> String {
    let text = match deed {
        Deed::Power(Power::Stop) => "This pulls the plug: what is not saved\nin the guest is lost.",
        Deed::Power(Power::Shutdown) => "The guest is asked to shut down.",
        Deed::Power(Power::Reboot) => "The guest is shut down and started again.",
        Deed::Power(Power::Start) => "The guest is started.",
        Deed::Power(Power::Suspend) => {
            "The guest is held where it is.\nIts node keeps the memory for it."
        }
        Deed::Power(Power::Resume) => "The guest goes on where it was held.",
        Deed::Power(Power::Reset) => {
            "This presses the reset button: what is\nnot saved in the guest is lost."
        }
        Deed::SnapshotCreate { .. } => "A snapshot is taken.",
        Deed::SnapshotRollback(to) => {
            return format!("All that was written since snapshot\n{to} is lost, for good.");
        }
        Deed::SnapshotDelete(gone) => {
            return format!(
                "Nobody can go back to {gone} any\nmore. The guest itself stays as it is."
            );
        }
        Deed::Backup {
            mode: BackupMode::Stop,
            ..
        } => "The guest is shut down for the backup\nand started again.",
        Deed::Backup { .. } => "A backup is written.",
    };
    text.to_owned()
}

/// The line of a card that says which snapshot, or where to; nothing for power.
#[must_use]
pub(super) fn particulars(deed: &Deed) -> Option<String> {
    match deed {
        Deed::Power(_) => None,
        Deed::SnapshotCreate { name, ram: true } => Some(format!("Snapshot {name}, with memory.")),
        Deed::SnapshotCreate { name, ram: false } | Deed::SnapshotDelete(name) => {
            Some(format!("Snapshot {name}."))
        }
        Deed::SnapshotRollback(name) => Some(format!("To snapshot {name}.")),
        Deed::Backup { storage, mode } => Some(match mode {
            BackupMode::Snapshot => format!("To storage {storage}."),
            mode => format!("To storage {storage}, mode {}.", mode.key()),
        }),
    }
}
