//! Entries read back for people.

use rusqlite::Row;

use super::entry::id;
use super::{Ending, NOT_FOUND, Noted, REASON};
use crate::action::Deed;
use crate::ids::{ChannelId, GuestRef, GuildId, InteractionId, Kind, NodeName, UserId, Vmid};
use crate::store::{Store, StoreError};

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Event {
    Refused,
    /// An act was permitted and is about to be done.
    Opened,
    /// Proxmox has made a task of it.
    Sent,
    /// Its end was seen, or will never be.
    Closed,
    Noted(Noted),
}

impl Event {
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Refused => "refused",
            Self::Opened => "opened",
            Self::Sent => "sent",
            Self::Closed => "closed",
            Self::Noted(noted) => noted.word(),
        }
    }

    fn read(word: &str) -> Option<Self> {
        let noted = Noted::ALL.into_iter().map(Self::Noted);
        [Self::Refused, Self::Opened, Self::Sent, Self::Closed]
            .into_iter()
            .chain(noted)
            .find(|event| event.word() == word)
    }
}

/// One entry. What cannot be read back is missing; nothing that an entry holds is an error here.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Line {
    pub seq: i64,
    pub event: Event,
    pub at_ms: i64,
    /// The `opened` entry that a `sent` or `closed` belongs to. Who and what are filled in from it.
    pub entry: Option<i64>,
    pub interaction: Option<InteractionId>,
    pub user: Option<UserId>,
    /// As the server showed it then.
    pub user_name: Option<String>,
    pub guild: Option<GuildId>,
    pub channel: Option<ChannelId>,
    /// A right, or the key of a command.
    pub action: Option<String>,
    pub guest: Option<GuestRef>,
    pub kind: Option<Kind>,
    /// Where the guest was, or the node that was asked for.
    pub node: Option<NodeName>,
    pub guest_name: Option<String>,
    /// What allowed it, or why it was refused.
    pub rule: Option<String>,
    pub approver: Option<UserId>,
    pub subject: Option<UserId>,
    pub public: bool,
    /// How the act ended; `None` where it has not, or where it is no act.
    pub ending: Option<Ending>,
    pub ended_ms: Option<i64>,
    /// Until when it holds.
    pub ends_ms: Option<i64>,
    pub detail: Option<String>,
}

/// What [`Line::read`] needs, of an entry `a`, the opened entry `o` that it belongs to (or itself),
/// and the entry `c` that closed it (or itself).
pub(super) const COLUMNS: &str = "a.seq, a.event, a.at_ms, a.entry, o.interaction, o.user_id, \
    o.user_name, o.guild, o.channel, o.action, o.cluster, o.vmid, o.kind, o.node, o.guest_name, \
    o.rule, o.approver, o.subject, o.public, a.ends_ms, o.detail, c.outcome, \
    c.at_ms AS ended_ms, c.detail AS ending_detail";

impl Line {
    /// An entry of which nothing else is known.
    #[must_use]
    pub fn bare(seq: i64, event: Event, at_ms: i64) -> Self {
        Self {
            seq,
            event,
            at_ms,
            entry: None,
            interaction: None,
            user: None,
            user_name: None,
            guild: None,
            channel: None,
            action: None,
            guest: None,
            kind: None,
            node: None,
            guest_name: None,
            rule: None,
            approver: None,
            subject: None,
            public: false,
            ending: None,
            ended_ms: None,
            ends_ms: None,
            detail: None,
        }
    }

    /// Somebody was refused; what was only mistyped is none.
    #[must_use]
    pub fn is_refusal(&self) -> bool {
        let mistyped = |rule: &str| rule.starts_with(NOT_FOUND);
        self.event == Event::Refused && !self.rule.as_deref().is_some_and(mistyped)
    }

    /// What a request was about, as far as the right alone does not say, and the reason of what became
    /// of it; of anything else all is reason.
    #[must_use]
    pub fn asked(&self) -> (Option<&str>, &str) {
        let detail = self.detail.as_deref().unwrap_or_default();
        let of_request = matches!(
            self.event,
            Event::Noted(Noted::Asked | Noted::Approved | Noted::Declined | Noted::Lapsed)
        );
        let (first, reason) = detail.split_once(REASON).unwrap_or((detail, ""));
        let action = self.action.as_deref().unwrap_or_default();
        if of_request && Deed::read(action, Some(first)).is_some() {
            (Some(first), reason)
        } else {
            (None, detail)
        }
    }

    /// `None` for an event that this version does not know.
    pub(super) fn read(row: &Row<'_>) -> rusqlite::Result<Option<Self>> {
        let Some(event) = Event::read(&row.get::<_, String>("event")?) else {
            return Ok(None);
        };
        let id =
            |column: &str| Ok::<_, rusqlite::Error>(row.get::<_, Option<i64>>(column)?.map(id));
        let outcome: Option<String> = row.get("outcome")?;
        let ending = match outcome {
            Some(word) => Ending::read(&word, row.get("ending_detail")?),
            None => None,
        };
        Ok(Some(Self {
            seq: row.get("seq")?,
            event,
            at_ms: row.get("at_ms")?,
            entry: row.get("entry")?,
            interaction: id("interaction")?.map(InteractionId),
            user: id("user_id")?.map(UserId),
            user_name: row.get("user_name")?,
            guild: id("guild")?.map(GuildId),
            channel: id("channel")?.map(ChannelId),
            action: row.get("action")?,
            guest: guest(row)?,
            kind: row
                .get::<_, Option<String>>("kind")?
                .as_deref()
                .and_then(kind),
            node: parsed(row.get("node")?),
            guest_name: row.get("guest_name")?,
            rule: row.get("rule")?,
            approver: id("approver")?.map(UserId),
            subject: id("subject")?.map(UserId),
            public: row.get::<_, Option<bool>>("public")?.unwrap_or(false),
            ended_ms: ending.is_some().then(|| row.get("ended_ms")).transpose()?,
            ending,
            ends_ms: row.get("ends_ms")?,
            detail: row.get("detail")?,
        }))
    }
}

/// The guest in `cluster` and `vmid`, if both hold what they should.
pub(super) fn guest(row: &Row<'_>) -> rusqlite::Result<Option<GuestRef>> {
    let vmid: Option<i64> = row.get("vmid")?;
    let vmid = vmid
        .and_then(|number| u64::try_from(number).ok())
        .and_then(Vmid::new);
    let cluster = parsed(row.get("cluster")?);
    Ok(cluster
        .zip(vmid)
        .map(|(cluster, vmid)| GuestRef { cluster, vmid }))
}

fn kind(word: &str) -> Option<Kind> {
    [Kind::Vm, Kind::Ct].into_iter().find(|k| k.key() == word)
}

fn parsed<T: std::str::FromStr>(text: Option<String>) -> Option<T> {
    text.and_then(|text| text.parse().ok())
}

/// The entries after the one numbered `seq`, oldest first.
///
/// # Errors
///
/// What the store says.
pub async fn after(store: &Store, seq: i64, limit: u32) -> Result<Vec<Line>, StoreError> {
    let sql = format!(
        "SELECT {COLUMNS} FROM audit a \
         LEFT JOIN audit o ON o.seq = ifnull(a.entry, a.seq) \
         JOIN audit c ON c.seq = a.seq \
         WHERE a.seq > ?1 ORDER BY a.seq LIMIT ?2"
    );
    store
        .run(move |db| {
            let mut query = db.prepare_cached(&sql)?;
            let lines = query.query_map((seq, limit), Line::read)?;
            lines.filter_map(Result::transpose).collect()
        })
        .await
}

/// The number of the newest entry; 0 before there is one.
///
/// # Errors
///
/// What the store says.
pub async fn end(store: &Store) -> Result<i64, StoreError> {
    let sql = "SELECT ifnull(max(seq), 0) FROM audit";
    store
        .run(|db| db.query_row(sql, [], |row| row.get(0)))
        .await
}
