//! What can be asked about API tokens of Proxmox.

use crate::ids::{AclPath, ClusterName, PveUser, RoleName, TokenId};
use crate::until::Expiry;

/// Where no cluster is named, the only one that lets the bot manage tokens is meant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TokenAction {
    /// `None`: those of the user that the bot itself is.
    List {
        user: Option<PveUser>,
        cluster: Option<ClusterName>,
    },
    Create(NewToken),
    Delete {
        token: TokenId,
        cluster: Option<ClusterName>,
    },
}

/// A token to be made. Its rights are always its own, and only those of `roles` on `path`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewToken {
    pub token: TokenId,
    pub cluster: Option<ClusterName>,
    pub expiry: Expiry,
    pub roles: Vec<RoleName>,
    pub path: Option<AclPath>,
}

/// What people write for it, piece by piece.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum TokenPart {
    User,
    /// One that there is.
    Name,
    /// What a new one is to be called.
    NewName,
    Expiry,
    Roles,
    Path,
    Cluster,
}

impl TokenAction {
    #[must_use]
    pub fn key(&self) -> &'static str {
        match self {
            Self::List { .. } => "token.list",
            Self::Create(_) => "token.create",
            Self::Delete { .. } => "token.delete",
        }
    }
}
