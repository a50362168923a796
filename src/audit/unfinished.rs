//! What a former process opened and never closed.

use rusqlite::Row;

use super::Entry;
use super::entry::id;
use crate::ids::{ChannelId, ClusterName, GuestRef, Kind, NodeName, Upid, UserId, Vmid};
use crate::store::{Store, StoreError};

/// An act that a former process opened and never closed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unfinished {
    pub entry: Entry,
    pub user: UserId,
    pub channel: ChannelId,
    pub public: bool,
    /// The right's word: `start`, `stop` ...
    pub action: String,
    pub guest: GuestRef,
    pub kind: Kind,
    pub node: NodeName,
    pub guest_name: Option<String>,
    /// `None`: the process died before it knew whether Proxmox had made a task.
    pub upid: Option<Upid>,
    pub opened_ms: i64,
}

/// What former processes left open, oldest first.
///
/// # Errors
///
/// What the store says.
pub async fn unfinished(store: &Store) -> Result<Vec<Unfinished>, StoreError> {
    store
        .run(|db| {
            let mut query = db.prepare(
                "SELECT o.seq, o.user_id, o.channel, o.public, o.action, o.cluster, o.vmid, \
                        o.kind, o.node, o.guest_name, o.at_ms, s.upid \
                 FROM audit o LEFT JOIN audit s ON s.entry = o.seq AND s.event = 'sent' \
                 WHERE o.event = 'opened' AND NOT EXISTS \
                   (SELECT 1 FROM audit c WHERE c.entry = o.seq AND c.event = 'closed') \
                 ORDER BY o.seq",
            )?;
            let rows = query.query_map([], |row| Ok(read_unfinished(row)))?;
            // A row that cannot be read back is reported and left open; the others go on.
            let rows: Vec<_> = rows.collect::<rusqlite::Result<_>>()?;
            Ok(rows.into_iter().flatten().collect())
        })
        .await
}

fn read_unfinished(row: &Row<'_>) -> Option<Unfinished> {
    let read = || -> anyhow::Result<Unfinished> {
        let cluster: ClusterName = row.get::<_, String>("cluster")?.parse()?;
        let vmid: Vmid = row.get::<_, i64>("vmid")?.to_string().parse()?;
        let kind = row.get::<_, String>("kind")?;
        let upid: Option<String> = row.get("upid")?;
        Ok(Unfinished {
            entry: Entry(row.get("seq")?),
            user: UserId(id(row.get("user_id")?)),
            channel: ChannelId(id(row.get("channel")?)),
            public: row.get("public")?,
            action: row.get("action")?,
            guest: GuestRef { cluster, vmid },
            kind: if kind == Kind::Ct.key() {
                Kind::Ct
            } else {
                Kind::Vm
            },
            node: row.get::<_, String>("node")?.parse()?,
            guest_name: row.get("guest_name")?,
            upid: upid.map(|text| text.parse()).transpose()?,
            opened_ms: row.get("at_ms")?,
        })
    };
    read()
        .inspect_err(|error| tracing::error!(%error, "an open audit entry cannot be read"))
        .ok()
}
