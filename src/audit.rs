//! Who did what, when, under which rule, and how it ended. Opened before the act, closed after it;
//! an entry never closed means that the bot died in between.

use std::time::{SystemTime, UNIX_EPOCH};

use rusqlite::{Connection, ErrorCode, Row, named_params};

use crate::action::{GuestFacts, Request, TargetKey};
use crate::ids::{ChannelId, ClusterName, GuestRef, Kind, NodeName, Upid, UserId, Vmid};
use crate::permission::Permit;
use crate::store::{Store, StoreError};

/// An act that was opened and is not yet closed.
#[derive(Debug, Clone, PartialEq, Eq)]
#[must_use]
pub struct Entry(i64);

#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// This very interaction has acted before (a second delivery, another replica).
    #[error("this interaction has an entry already")]
    Twice,
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// How an act ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Ending {
    Done,
    /// The task ended well and said something on the way.
    Warned,
    /// Proxmox took it on, and it will happen later (HA).
    Requested,
    /// Proxmox or the task said no; nothing is pending. The text is Proxmox's own.
    Failed(String),
    /// It may have happened. The text says what was missing.
    Unknown(String),
}

impl Ending {
    fn word(&self) -> &'static str {
        match self {
            Self::Done => "done",
            Self::Warned => "warned",
            Self::Requested => "requested",
            Self::Failed(_) => "failed",
            Self::Unknown(_) => "unknown",
        }
    }

    fn detail(&self) -> Option<&str> {
        match self {
            Self::Failed(text) | Self::Unknown(text) => Some(text),
            _ => None,
        }
    }
}

/// Opens the entry. Only somebody who holds a permit can: nothing is acted on unseen.
///
/// # Errors
///
/// In both cases the caller must not act.
pub async fn open(
    store: &Store,
    permit: &Permit,
    request: &Request,
    guest: &GuestFacts,
    public: bool,
) -> Result<Entry, OpenError> {
    let mut row = Line::of(request);
    permit.right().key().clone_into(&mut row.action);
    row.about(guest);
    row.rule = Some(permit.basis().to_string());
    row.public = public;
    let opened = store.run(move |db| insert(db, "opened", &row)).await;
    match opened {
        Ok(seq) => Ok(Entry(seq)),
        Err(StoreError::Sqlite(rusqlite::Error::SqliteFailure(error, _)))
            if error.code == ErrorCode::ConstraintViolation =>
        {
            Err(OpenError::Twice)
        }
        Err(error) => Err(error.into()),
    }
}

/// Notes the task that Proxmox made of it. A failure is logged: the act is under way anyway.
pub async fn sent(store: &Store, entry: &Entry, upid: &Upid) {
    let (entry, upid) = (entry.0, upid.as_str().to_owned());
    let noted = store.run(move |db| {
        db.execute(
            "INSERT INTO audit (event, at_ms, entry, upid) VALUES ('sent', ?1, ?2, ?3)",
            (now_ms(), entry, upid),
        )
    });
    if let Err(error) = noted.await {
        tracing::error!(%error, entry, "the task of an audit entry could not be noted");
    }
}

/// Closes the entry. A failure is logged, and the entry stands open until the next start.
pub async fn close(store: &Store, entry: Entry, ending: &Ending) {
    let Entry(entry) = entry;
    let (word, detail) = (ending.word(), ending.detail().map(str::to_owned));
    let closed = store.run(move |db| {
        db.execute(
            "INSERT INTO audit (event, at_ms, entry, outcome, detail) \
             VALUES ('closed', ?1, ?2, ?3, ?4)",
            (now_ms(), entry, word, detail),
        )
    });
    if let Err(error) = closed.await {
        tracing::error!(%error, entry, "an audit entry could not be closed");
    }
}

/// Notes a refusal, without making the person wait for the disk.
///
/// `target` is what was asked for, where it is known; `reason` is the rule or why there is none.
pub fn refused(store: &Store, request: &Request, target: Option<&TargetKey>, reason: &str) {
    let mut row = Line::of(request);
    row.rule = Some(reason.to_owned());
    if let Some(TargetKey::Guest(guest)) = target {
        row.cluster = Some(guest.cluster.to_string());
        row.vmid = Some(guest.vmid.get());
    }
    if let Some(TargetKey::Node(node)) = target {
        row.cluster = Some(node.cluster.to_string());
        row.node = Some(node.node.to_string());
    }
    store.queue(move |db| {
        if let Err(error) = insert(db, "refused", &row) {
            tracing::error!(%error, "a refusal could not be noted");
        }
    });
}

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

/// What happened beside acts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Event {
    Asked,
    Approved,
    Declined,
    Lapsed,
    Granted,
    Revoked,
    Ended,
    Locked,
    Unlocked,
    Reloaded,
}

/// Who did it, as seen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct By {
    pub user: UserId,
    pub name: String,
    pub guild: crate::ids::GuildId,
    pub channel: ChannelId,
}

#[derive(Debug, Clone)]
pub struct Note {
    pub event: Event,
    pub interaction: Option<crate::ids::InteractionId>,
    pub by: Option<By>,
    pub subject: Option<UserId>,
    pub approver: Option<UserId>,
    pub action: String,
    pub guest: Option<(GuestRef, Option<String>)>,
    pub rule: Option<String>,
    pub ends_ms: Option<i64>,
    pub detail: Option<String>,
}

pub fn insert_note(db: &Connection, note: &Note) -> rusqlite::Result<i64> {
    db.execute("CREATE TABLE IF NOT EXISTS tmp_notes (a TEXT)", [])?;
    db.execute("INSERT INTO tmp_notes VALUES (?1)", [format!("{note:?}")])?;
    Ok(0)
}

pub async fn note(store: &Store, note: Note) -> Result<i64, StoreError> {
    store.run(move |db| insert_note(db, &note)).await
}

#[expect(clippy::unused_async)]
pub async fn uses(_store: &Store, _since: i64) -> Result<Vec<crate::permission::Did>, StoreError> {
    Ok(Vec::new())
}

/// The columns that describe who asked for what.
#[derive(Debug)]
struct Line {
    interaction: i64,
    user_id: i64,
    user_name: String,
    guild: i64,
    channel: i64,
    action: String,
    cluster: Option<String>,
    vmid: Option<u32>,
    kind: Option<&'static str>,
    node: Option<String>,
    guest_name: Option<String>,
    rule: Option<String>,
    public: bool,
}

impl Line {
    fn of(request: &Request) -> Self {
        Self {
            interaction: stored(request.id.0),
            user_id: stored(request.actor.user.0),
            user_name: request.actor.name.clone(),
            guild: stored(request.actor.guild.0),
            channel: stored(request.actor.channel.0),
            action: request.action.key().to_owned(),
            cluster: None,
            vmid: None,
            kind: None,
            node: None,
            guest_name: None,
            rule: None,
            public: false,
        }
    }

    fn about(&mut self, guest: &GuestFacts) {
        self.cluster = Some(guest.guest.cluster.to_string());
        self.vmid = Some(guest.guest.vmid.get());
        self.kind = Some(guest.kind.key());
        self.node = Some(guest.node.to_string());
        self.guest_name.clone_from(&guest.name);
    }
}

fn insert(db: &mut Connection, event: &str, row: &Line) -> rusqlite::Result<i64> {
    db.execute(
        "INSERT INTO audit (event, at_ms, interaction, user_id, user_name, guild, channel, action, \
                            cluster, vmid, kind, node, guest_name, rule, public) \
         VALUES (:event, :at, :interaction, :user, :name, :guild, :channel, :action, \
                 :cluster, :vmid, :kind, :node, :guest, :rule, :public)",
        named_params! {
            ":event": event, ":at": now_ms(), ":interaction": row.interaction,
            ":user": row.user_id, ":name": row.user_name, ":guild": row.guild,
            ":channel": row.channel, ":action": row.action, ":cluster": row.cluster,
            ":vmid": row.vmid, ":kind": row.kind, ":node": row.node, ":guest": row.guest_name,
            ":rule": row.rule, ":public": row.public,
        },
    )?;
    Ok(db.last_insert_rowid())
}

/// `SQLite` keeps signed numbers; the bits of a Discord id survive the way there and back.
fn stored(id: u64) -> i64 {
    id.cast_signed()
}

fn id(stored: i64) -> u64 {
    stored.cast_unsigned()
}

fn now_ms() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    since.map_or(0, |d| i64::try_from(d.as_millis()).unwrap_or(i64::MAX))
}
