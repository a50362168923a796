//! What a rule of the policy can give, and the ways in which power is switched.

use std::fmt;

use super::Target;
use crate::ids::Kind;

/// How the power of a guest is switched. Each is its own [`Right`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Power {
    Start,
    Shutdown,
    Reboot,
    /// Held in memory; its host keeps the memory occupied.
    Suspend,
    Resume,
    Stop,
    /// Presses the reset button. VMs only.
    Reset,
}

impl Power {
    pub const ALL: [Self; 7] = [
        Self::Start,
        Self::Shutdown,
        Self::Reboot,
        Self::Suspend,
        Self::Resume,
        Self::Stop,
        Self::Reset,
    ];

    /// Proxmox's word, which is also ours: last segment of the API path, subcommand and right.
    #[must_use]
    pub fn key(self) -> &'static str {
        self.right().key()
    }

    #[must_use]
    pub const fn right(self) -> Right {
        match self {
            Self::Start => Right::Start,
            Self::Shutdown => Right::Shutdown,
            Self::Reboot => Right::Reboot,
            Self::Suspend => Right::Suspend,
            Self::Resume => Right::Resume,
            Self::Stop => Right::Stop,
            Self::Reset => Right::Reset,
        }
    }

    /// Whether Proxmox has it for guests of this kind.
    #[must_use]
    pub fn is_for(self, kind: Kind) -> bool {
        self != Self::Reset || kind == Kind::Vm
    }
}

/// What a rule of the policy can give. The words are those of the configuration.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Right {
    View,
    Start,
    Shutdown,
    Reboot,
    Suspend,
    Resume,
    Stop,
    Reset,
    SnapshotCreate,
    SnapshotRollback,
    SnapshotDelete,
    BackupView,
    BackupRun,
    TaskView,
    TaskStop,
    NodeReboot,
    NodeShutdown,
    NodeWake,
    /// Makes and deletes API tokens. On the bot itself only.
    Token,
    /// Grants, revokes and approves; on the bot itself: sees the whole policy and locks down.
    Access,
    /// Reads the audit. On the bot itself only.
    Audit,
}

impl Right {
    pub const ALL: [Self; 21] = [
        Self::View,
        Self::Start,
        Self::Shutdown,
        Self::Reboot,
        Self::Suspend,
        Self::Resume,
        Self::Stop,
        Self::Reset,
        Self::SnapshotCreate,
        Self::SnapshotRollback,
        Self::SnapshotDelete,
        Self::BackupView,
        Self::BackupRun,
        Self::TaskView,
        Self::TaskStop,
        Self::NodeReboot,
        Self::NodeShutdown,
        Self::NodeWake,
        Self::Token,
        Self::Access,
        Self::Audit,
    ];

    /// Names for several rights at once, as rules may use them.
    pub const GROUPS: [(&'static str, &'static [Self]); 7] = [
        (
            "power",
            &[
                Self::Start,
                Self::Shutdown,
                Self::Reboot,
                Self::Suspend,
                Self::Resume,
            ],
        ),
        ("force", &[Self::Stop, Self::Reset]),
        (
            "snapshot.*",
            &[
                Self::SnapshotCreate,
                Self::SnapshotRollback,
                Self::SnapshotDelete,
            ],
        ),
        ("backup.*", &[Self::BackupView, Self::BackupRun]),
        ("task.*", &[Self::TaskView, Self::TaskStop]),
        (
            "node.*",
            &[Self::NodeReboot, Self::NodeShutdown, Self::NodeWake],
        ),
        ("*", &Self::ALL),
    ];

    #[must_use]
    pub fn key(self) -> &'static str {
        match self {
            Self::View => "view",
            Self::Start => "start",
            Self::Shutdown => "shutdown",
            Self::Reboot => "reboot",
            Self::Suspend => "suspend",
            Self::Resume => "resume",
            Self::Stop => "stop",
            Self::Reset => "reset",
            Self::SnapshotCreate => "snapshot.create",
            Self::SnapshotRollback => "snapshot.rollback",
            Self::SnapshotDelete => "snapshot.delete",
            Self::BackupView => "backup.view",
            Self::BackupRun => "backup.run",
            Self::TaskView => "task.view",
            Self::TaskStop => "task.stop",
            Self::NodeReboot => "node.reboot",
            Self::NodeShutdown => "node.shutdown",
            Self::NodeWake => "node.wake",
            Self::Token => "token",
            Self::Access => "access",
            Self::Audit => "audit",
        }
    }

    /// What can lose data, work or access, whoever does it, is always asked twice.
    #[must_use]
    pub fn always_confirmed(self) -> bool {
        matches!(
            self,
            Self::Stop
                | Self::Reset
                | Self::SnapshotRollback
                | Self::SnapshotDelete
                | Self::TaskStop
                | Self::NodeReboot
                | Self::NodeShutdown
                | Self::Token
        )
    }

    /// Whether it changes something in Proxmox.
    #[must_use]
    pub fn is_act(self) -> bool {
        !matches!(
            self,
            Self::View | Self::BackupView | Self::TaskView | Self::Access | Self::Audit
        )
    }

    /// Whether it means something there. A rule gives nothing else, however it is written.
    #[must_use]
    pub fn is_for(self, target: &Target<'_>) -> bool {
        match target {
            Target::Guest(_) => self.is_for_guests(),
            Target::Node(_) => self.is_for_nodes(),
            Target::Bot => self.is_about_the_bot(),
        }
    }

    #[must_use]
    pub fn is_for_guests(self) -> bool {
        !matches!(
            self,
            Self::NodeReboot | Self::NodeShutdown | Self::NodeWake | Self::Token | Self::Audit
        )
    }

    #[must_use]
    pub fn is_for_nodes(self) -> bool {
        matches!(
            self,
            Self::View
                | Self::TaskView
                | Self::TaskStop
                | Self::NodeReboot
                | Self::NodeShutdown
                | Self::NodeWake
        )
    }

    /// Whether one person can give it to another for a while: what concerns one guest, but for power
    /// over people and over other people's tasks.
    #[must_use]
    pub fn can_be_lent(self) -> bool {
        self.is_for_guests() && !matches!(self, Self::Access | Self::TaskStop)
    }

    /// Whether a rule can let somebody ask for it: for something to be done to a guest.
    #[must_use]
    pub fn can_be_asked_for(self) -> bool {
        self.can_be_lent() && self.is_act()
    }

    /// Whether `*` gives it only in a rule about everything.
    #[must_use]
    pub fn is_about_the_bot(self) -> bool {
        matches!(self, Self::Token | Self::Access | Self::Audit)
    }

    /// The rights that a word of a rule stands for; `None` for a word we do not know.
    #[must_use]
    pub fn named(word: &str) -> Option<Vec<Self>> {
        if let Some((_, group)) = Self::GROUPS.iter().find(|(name, _)| *name == word) {
            return Some(group.to_vec());
        }
        let one = Self::ALL.into_iter().find(|right| right.key() == word)?;
        Some(vec![one])
    }
}

impl fmt::Display for Right {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.key())
    }
}
