//! Names of tasks.

use std::fmt;
use std::str::FromStr;

use serde::Serialize;

use super::{BadId, NodeName};

/// Proxmox's id of a task: `UPID:node:pid:pstart:start:type:id:user@realm!token:`.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize)]
pub struct Upid {
    text: String,
    node: NodeName,
    kind: String,
}

impl Upid {
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// The node that runs the task, and the only one that can tell how it goes.
    #[must_use]
    pub fn node(&self) -> &NodeName {
        &self.node
    }

    /// The task's type: `qmstart`, `vzshutdown`, `hastart` ...
    #[must_use]
    pub fn kind(&self) -> &str {
        &self.kind
    }

    /// What the task is about: mostly a guest's number, often nothing.
    #[must_use]
    pub fn id(&self) -> &str {
        self.text.split(':').nth(6).unwrap_or_default()
    }

    /// Who began it: `root@pam`, or a token.
    #[must_use]
    pub fn user(&self) -> &str {
        self.text.split(':').nth(7).unwrap_or_default()
    }
}

impl FromStr for Upid {
    type Err = BadId;
    fn from_str(text: &str) -> Result<Self, BadId> {
        let fields: Vec<&str> = text.split(':').collect();
        let ["UPID", node, pid, pstart, start, kind, _id, user, ""] = fields[..] else {
            return Err(BadId::Upid);
        };
        let hex = |field: &str, most: usize| {
            (8..=most).contains(&field.len()) && field.bytes().all(|b| b.is_ascii_hexdigit())
        };
        let printable = text.bytes().all(|b| b.is_ascii_graphic());
        let numbers = hex(pid, 8) && hex(pstart, 9) && hex(start, 8);
        if !numbers || !printable || kind.is_empty() || user.is_empty() {
            return Err(BadId::Upid);
        }
        Ok(Self {
            node: node.parse().map_err(|_| BadId::Upid)?,
            kind: kind.to_owned(),
            text: text.to_owned(),
        })
    }
}

impl fmt::Display for Upid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}
