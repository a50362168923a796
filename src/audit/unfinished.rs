//! What a former process opened and never closed.

use std::sync::Arc;

use rusqlite::Row;

use super::entry::id;
use super::{About, Entry};
use crate::action::GuestFacts;
use crate::ids::{ChannelId, GuestRef, Kind, NodeRef, Upid, UserId};
use crate::store::{Store, StoreError};

/// An act that a former process opened and never closed.
#[derive(Debug, Clone)]
pub struct Unfinished {
    pub entry: Entry,
    pub user: UserId,
    pub channel: ChannelId,
    pub public: bool,
    /// The right's word: `start`, `stop` ...
    pub action: String,
    /// Which snapshot, which task.
    pub detail: Option<String>,
    pub about: About,
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
                        o.kind, o.node, o.guest_name, o.detail, o.at_ms, s.upid \
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
        let upid: Option<String> = row.get("upid")?;
        Ok(Unfinished {
            entry: Entry(row.get("seq")?),
            user: UserId(id(row.get("user_id")?)),
            channel: ChannelId(id(row.get("channel")?)),
            public: row.get("public")?,
            action: row.get("action")?,
            detail: row.get("detail")?,
            about: about(row)?,
            upid: upid.map(|text| text.parse()).transpose()?,
            opened_ms: row.get("at_ms")?,
        })
    };
    read()
        .inspect_err(|error| tracing::error!(%error, "an open audit entry cannot be read"))
        .ok()
}

fn about(row: &Row<'_>) -> anyhow::Result<About> {
    let text = |column: &str| row.get::<_, Option<String>>(column);
    let (Some(cluster), Some(node)) = (text("cluster")?, text("node")?) else {
        return Ok(About::Bot);
    };
    let (cluster, node) = (cluster.parse()?, node.parse()?);
    let Some(vmid) = row.get::<_, Option<i64>>("vmid")? else {
        return Ok(About::Node(NodeRef { cluster, node }));
    };
    let kind = text("kind")?;
    Ok(About::Guest(GuestFacts {
        guest: GuestRef {
            cluster,
            vmid: vmid.to_string().parse()?,
        },
        kind: if kind.as_deref() == Some(Kind::Ct.key()) {
            Kind::Ct
        } else {
            Kind::Vm
        },
        node,
        name: text("guest_name")?,
        pool: None,
        pools_seen: Arc::default(),
        tags: Vec::new(),
    }))
}
