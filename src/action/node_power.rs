//! What is done to a whole node.

use super::Right;

/// How the power of a node is switched. Each is its own [`Right`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum NodePower {
    Reboot,
    Shutdown,
    /// A packet that wakes it over the network.
    Wake,
}

impl NodePower {
    pub const ALL: [Self; 3] = [Self::Reboot, Self::Shutdown, Self::Wake];

    #[must_use]
    pub const fn right(self) -> Right {
        match self {
            Self::Reboot => Right::NodeReboot,
            Self::Shutdown => Right::NodeShutdown,
            Self::Wake => Right::NodeWake,
        }
    }

    /// The right's word.
    #[must_use]
    pub fn key(self) -> &'static str {
        self.right().key()
    }

    /// Whether everything on the node goes down with it: then it is asked twice.
    #[must_use]
    pub const fn takes_down(self) -> bool {
        matches!(self, Self::Reboot | Self::Shutdown)
    }
}
