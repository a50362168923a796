//! What can be done to a guest.

use super::{Power, Right};
use crate::ids::{Kind, SnapshotName, StorageName};

/// One thing to be done to a guest. Its words for people are in `embed::deed`.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Deed {
    Power(Power),
    /// `ram`: with the memory of a running VM.
    SnapshotCreate {
        name: SnapshotName,
        ram: bool,
    },
    SnapshotRollback(SnapshotName),
    SnapshotDelete(SnapshotName),
    Backup {
        storage: StorageName,
        mode: BackupMode,
    },
}

/// How a backup treats a guest that runs. The words are Proxmox's.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum BackupMode {
    /// It goes on.
    Snapshot,
    /// It is held for a moment.
    Suspend,
    /// It is shut down and started again.
    Stop,
}

impl BackupMode {
    pub const ALL: [Self; 3] = [Self::Snapshot, Self::Suspend, Self::Stop];

    #[must_use]
    pub fn key(self) -> &'static str {
        match self {
            Self::Snapshot => "snapshot",
            Self::Suspend => "suspend",
            Self::Stop => "stop",
        }
    }
}

/// Between the words of [`Deed::detail`]; no name of Proxmox's holds it.
const BETWEEN: char = '+';

impl Deed {
    #[must_use]
    pub const fn right(&self) -> Right {
        match self {
            Self::Power(power) => power.right(),
            Self::SnapshotCreate { .. } => Right::SnapshotCreate,
            Self::SnapshotRollback(_) => Right::SnapshotRollback,
            Self::SnapshotDelete(_) => Right::SnapshotDelete,
            Self::Backup { .. } => Right::BackupRun,
        }
    }

    /// What it does to the guest on the way, which must be allowed too: a backup can shut it down.
    #[must_use]
    pub const fn also(&self) -> &'static [Right] {
        match self {
            Self::Backup {
                mode: BackupMode::Stop,
                ..
            } => &[Right::Shutdown, Right::Start],
            Self::Backup {
                mode: BackupMode::Suspend,
                ..
            } => &[Right::Suspend],
            _ => &[],
        }
    }

    /// The right's word.
    #[must_use]
    pub fn key(&self) -> &'static str {
        self.right().key()
    }

    /// Whether a guest that it is done to is on its way to another state. Around copies it stays what it is.
    #[must_use]
    pub const fn changes_state(&self) -> bool {
        matches!(self, Self::Power(_) | Self::SnapshotRollback(_))
    }

    /// Whether it is asked twice, whoever does it and whatever the rules say.
    #[must_use]
    pub fn always_confirmed(&self) -> bool {
        // This one shuts the guest down.
        let stops = matches!(self, Self::Backup { mode, .. } if *mode == BackupMode::Stop);
        stops || self.right().always_confirmed()
    }

    /// The snapshot that must be there for it.
    #[must_use]
    pub fn needs_snapshot(&self) -> Option<&SnapshotName> {
        match self {
            Self::SnapshotRollback(name) | Self::SnapshotDelete(name) => Some(name),
            _ => None,
        }
    }

    /// Whether it is about the guest's snapshots.
    #[must_use]
    pub fn is_about_snapshots(&self) -> bool {
        matches!(self, Self::SnapshotCreate { .. }) || self.needs_snapshot().is_some()
    }

    /// Whether Proxmox has it for guests of this kind.
    #[must_use]
    pub fn is_for(&self, kind: Kind) -> bool {
        match self {
            Self::Power(power) => power.is_for(kind),
            Self::SnapshotCreate { ram, .. } => !ram || kind == Kind::Vm,
            _ => true,
        }
    }

    /// What the right alone does not say, in one word, for the audit, the store and buttons:
    /// `before-update+ram`.
    #[must_use]
    pub fn detail(&self) -> Option<String> {
        match self {
            Self::Power(_) => None,
            Self::SnapshotCreate { name, ram: true } => Some(format!("{name}{BETWEEN}ram")),
            Self::SnapshotCreate { name, ram: false }
            | Self::SnapshotRollback(name)
            | Self::SnapshotDelete(name) => Some(name.to_string()),
            Self::Backup { storage, mode } => Some(format!("{storage}{BETWEEN}{}", mode.key())),
        }
    }

    /// Key and detail in one word, for buttons and the store: `snapshot.create:before-update+ram`.
    #[must_use]
    pub fn word(&self) -> String {
        match self.detail() {
            Some(detail) => format!("{}:{detail}", self.key()),
            None => self.key().to_owned(),
        }
    }

    /// The same, read back; `None` for anything that [`Deed::word`] would not have written.
    #[must_use]
    pub fn from_word(word: &str) -> Option<Self> {
        match word.split_once(':') {
            Some((key, detail)) => Self::read(key, Some(detail)),
            None => Self::read(word, None),
        }
    }

    /// The detail, read back; `None` for anything that [`Deed::detail`] would not have written.
    #[must_use]
    pub fn read(key: &str, detail: Option<&str>) -> Option<Self> {
        let power = || Power::ALL.into_iter().find(|power| power.key() == key);
        let Some(detail) = detail else {
            return power().map(Self::Power);
        };
        let (first, second) = match detail.split_once(BETWEEN) {
            Some((first, second)) => (first, Some(second)),
            None => (detail, None),
        };
        let deed = match (key, second) {
            ("snapshot.create", second) => Self::SnapshotCreate {
                name: first.parse().ok()?,
                ram: second.is_some_and(|word| word == "ram"),
            },
            ("snapshot.rollback", None) => Self::SnapshotRollback(first.parse().ok()?),
            ("snapshot.delete", None) => Self::SnapshotDelete(first.parse().ok()?),
            ("backup.run", Some(mode)) => Self::Backup {
                storage: first.parse().ok()?,
                mode: BackupMode::ALL.into_iter().find(|m| m.key() == mode)?,
            },
            _ => return None,
        };
        (deed.detail().as_deref() == Some(detail)).then_some(deed)
    }
}

impl From<Power> for Deed {
    fn from(power: Power) -> Self {
        Self::Power(power)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn deeds_come_back_as_they_went() {
        let name = || "before-update".parse().unwrap();
        let storage = || "backup_1".parse().unwrap();
        let mut deeds: Vec<Deed> = Power::ALL.map(Deed::Power).to_vec();
        deeds.extend([true, false].map(|ram| Deed::SnapshotCreate { name: name(), ram }));
        deeds.extend([Deed::SnapshotRollback(name()), Deed::SnapshotDelete(name())]);
        deeds.extend(BackupMode::ALL.map(|mode| Deed::Backup {
            storage: storage(),
            mode,
        }));
        for deed in deeds {
            let read = Deed::read(deed.key(), deed.detail().as_deref());
            assert_eq!(read.as_ref(), Some(&deed));
            assert_eq!(Deed::from_word(&deed.word()), Some(deed));
        }
        for (key, detail) in [
            ("start", Some("x")),
            ("fly", None),
            ("snapshot.create", None),
            ("snapshot.create", Some("a b")),
            ("snapshot.create", Some("abc+disk")),
            ("snapshot.delete", Some("abc+ram")),
            ("backup.run", Some("local")),
            ("backup.run", Some("local+fast")),
            ("backup.run", Some("../x+stop")),
        ] {
            assert_eq!(Deed::read(key, detail), None, "{key} {detail:?}");
        }
    }
}
