//! Requests for something that was refused, from the asking to the decision.

use std::sync::Arc;

use rusqlite::{Connection, ErrorCode, OptionalExtension, Row, named_params};

use super::{Access, Lent};
use crate::action::{Actor, Deed, RequestState, Yes};
use crate::audit::{self, Note};
use crate::errand::{Posted, Recipient};
use crate::ids::{ChannelId, GuestRef, GuildId, Kind, MessageId, RequestId, UserId};
use crate::permission::Grant;
use crate::store::StoreError;

/// What one person may have open at a time: whoever decides has a life beside it.
const MOST: u32 = 5;

/// What one person may ask for in a day without a yes. What was approved was worth the asking.
const MOST_A_DAY: u32 = 20;

const DAY: i64 = 24 * 3600;

/// What somebody asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Asked {
    /// Given by the store.
    pub id: RequestId,
    /// Who asked, and from where. Roles are not kept: they are looked up when it is decided.
    pub by: Actor,
    pub deed: Deed,
    pub guest: GuestRef,
    pub kind: Kind,
    /// The name under which the guest was meant.
    pub guest_name: String,
    /// Unix seconds.
    pub asked: i64,
    /// Unix seconds.
    pub expires: i64,
}

/// Where an approver was asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Letter {
    pub posted: Posted,
    /// The one person who can read it; `None`: a channel.
    pub to: Option<UserId>,
}

impl Letter {
    #[must_use]
    pub fn new(posted: Posted, to: Recipient) -> Self {
        let to = match to {
            Recipient::Person(user) => Some(user),
            Recipient::Room(_) | Recipient::Channel(..) => None,
        };
        Self { posted, to }
    }
}

/// Approved for once by a former process, which died before it had told anybody what became of it.
#[derive(Debug)]
pub struct Untold {
    pub asked: Asked,
    pub letters: Vec<Letter>,
    /// Who approved it.
    pub by: UserId,
    /// Whether the act was noted, so that it may have been done.
    pub begun: bool,
}

/// What became of a request that is no longer open.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Decided {
    pub state: RequestState,
    pub by: Option<UserId>,
}

#[derive(Debug, thiserror::Error)]
pub enum NotOpened {
    /// The same person has asked for the same already, and nobody has decided yet.
    #[error("the same is asked for already")]
    Twice,
    /// The person has as many open as one may.
    #[error("too many requests are open")]
    TooMany,
    /// The person has asked so often that it works again only then (unix seconds).
    #[error("asked too often")]
    TooOften(i64),
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl Access {
    /// Opens a request, with its audit entry.
    ///
    /// # Errors
    ///
    /// [`NotOpened`]; then nothing was asked.
    pub async fn ask(&self, asked: Asked, note: Note) -> Result<Asked, NotOpened> {
        let opened = self.store.run(move |db| {
            let change = db.transaction()?;
            if open_of(&change, asked.by.user)? >= MOST {
                return Ok(Err(NotOpened::TooMany));
            }
            if let Some(until) = too_often(&change, &asked)? {
                return Ok(Err(NotOpened::TooOften(until)));
            }
            let id = insert(&change, &asked)?;
            audit::insert_note(&change, &note)?;
            change.commit()?;
            Ok(Ok(Asked { id, ..asked }))
        });
        let opened = opened.await.map_err(|error| match error {
            StoreError::Sqlite(rusqlite::Error::SqliteFailure(why, _))
                if why.code == ErrorCode::ConstraintViolation =>
            {
                NotOpened::Twice
            }
            error => error.into(),
        });
        opened?
    }

    /// Notes where the approvers were asked.
    ///
    /// # Errors
    ///
    /// What the store says.
    pub async fn letters(&self, id: RequestId, letters: &[Letter]) -> Result<(), StoreError> {
        let letters: Vec<_> = letters
            .iter()
            .map(|l| {
                (
                    l.posted.channel.0,
                    l.posted.message.0,
                    l.to.map(|user| user.0),
                )
            })
            .collect();
        let text = serde_json::to_string(&letters).unwrap_or_default();
        let noted = self.store.run(move |db| {
            db.execute(
                "UPDATE requests SET letters = ?2 WHERE id = ?1",
                (id.0, text),
            )
        });
        noted.await.map(drop)
    }

    /// Decides an open request, once: whoever comes second is told what was decided. What is `lent`
    /// with a yes is part of the same change.
    ///
    /// # Errors
    ///
    /// What the store says; then nothing is decided.
    pub async fn decide(
        &self,
        id: RequestId,
        decision: Decided,
        note: Note,
        lent: Option<Lent>,
    ) -> Result<Result<Option<Arc<Grant>>, Decided>, StoreError> {
        let _one = self.changing.lock().await;
        let standing = self.standing();
        if let (Some(_), Some(lockdown)) = (&lent, &standing.lockdown) {
            // It cancels every request that it meets, and this one is next.
            return Ok(Err(Decided {
                state: RequestState::Cancelled,
                by: Some(lockdown.by),
            }));
        }
        let decided = self.store.run(move |db| {
            let change = db.transaction()?;
            let by = decision.by.map(|user| user.0.cast_signed());
            let once = decision.state == RequestState::Approved(Yes::Once);
            let press = note.interaction.filter(|_| once);
            let changed = change.execute(
                "UPDATE requests SET state = ?2, decided_by = ?3, press = ?4 \
                 WHERE id = ?1 AND state = 'open'",
                (
                    id.0,
                    key(decision.state),
                    by,
                    press.map(|id| id.0.cast_signed()),
                ),
            )?;
            if changed == 0 {
                return decided(&change, id).map(Err);
            }
            audit::insert_note(&change, &note)?;
            let grant = lent.map(|lent| super::lend(&change, lent)).transpose()?;
            change.commit()?;
            Ok(Ok(grant.map(Arc::new)))
        });
        let decided = decided.await?;
        if let Ok(Some(grant)) = &decided {
            self.change(|standing| standing.grants.push(Arc::clone(grant)));
        }
        Ok(decided)
    }

    /// Everybody has been told what became of what was approved for once.
    pub fn told(&self, id: RequestId) {
        self.store.queue(move |db| {
            let sql = "UPDATE requests SET press = NULL WHERE id = ?1";
            if let Err(error) = db.execute(sql, [id.0]) {
                tracing::error!(%error, "that a request is over could not be stored");
            }
        });
    }

    /// What former processes approved for once and told nobody the end of, oldest first.
    ///
    /// # Errors
    ///
    /// What the store says.
    pub async fn untold(&self) -> Result<Vec<Untold>, StoreError> {
        let read = self.store.run(|db| {
            let mut query = db.prepare(
                "SELECT *, EXISTS (SELECT 1 FROM audit o \
                                   WHERE event = 'opened' AND rule IS NOT NULL \
                                   AND interaction = press \
                                   AND NOT EXISTS (SELECT 1 FROM audit c WHERE c.entry = o.seq \
                                                   AND c.event = 'closed' \
                                                   AND c.outcome = 'not sent')) AS begun \
                 FROM requests WHERE press IS NOT NULL ORDER BY id",
            )?;
            let rows = query.query_map([], |row| Ok(read_untold(row)))?;
            rows.collect::<rusqlite::Result<Vec<_>>>()
        });
        let told = |error: &anyhow::Error| tracing::error!(%error, "a request cannot be read");
        let rows = read.await?.into_iter();
        Ok(rows.filter_map(|row| row.inspect_err(told).ok()).collect())
    }

    /// What became of a request. One that never was has lapsed.
    ///
    /// # Errors
    ///
    /// What the store says.
    pub async fn decided(&self, id: RequestId) -> Result<Decided, StoreError> {
        self.store.run(move |db| decided(db, id)).await
    }

    /// Requests that a former process left open, oldest first, each with its letters.
    ///
    /// # Errors
    ///
    /// What the store says.
    pub async fn open_requests(&self) -> Result<Vec<(Asked, Vec<Letter>)>, StoreError> {
        let read = self.store.run(|db| {
            let mut query =
                db.prepare("SELECT * FROM requests WHERE state = 'open' ORDER BY id")?;
            let rows = query.query_map([], |row| Ok(read(row)))?;
            rows.collect::<rusqlite::Result<Vec<_>>>()
        });
        let told = |error: &anyhow::Error| tracing::error!(%error, "a request cannot be read");
        let rows = read.await?.into_iter();
        Ok(rows.filter_map(|row| row.inspect_err(told).ok()).collect())
    }
}

/// The store's word.
fn key(state: RequestState) -> &'static str {
    match state {
        RequestState::Open => "open",
        RequestState::Approved(yes) => yes.key(),
        RequestState::Declined => "no",
        RequestState::Lapsed => "lapsed",
        RequestState::Cancelled => "cancelled",
    }
}

/// A word that this version does not know is over, whatever it was.
fn state(word: &str) -> RequestState {
    let others = [
        RequestState::Open,
        RequestState::Declined,
        RequestState::Cancelled,
    ];
    let all = Yes::ALL
        .into_iter()
        .map(RequestState::Approved)
        .chain(others);
    all.into_iter()
        .find(|state| key(*state) == word)
        .unwrap_or(RequestState::Lapsed)
}

fn open_of(db: &Connection, user: UserId) -> rusqlite::Result<u32> {
    let sql = "SELECT count(*) FROM requests WHERE user_id = ?1 AND state = 'open'";
    db.query_row(sql, [user.0.cast_signed()], |row| row.get(0))
}

/// When the person may ask again (unix seconds); `None`: now.
fn too_often(db: &Connection, asked: &Asked) -> rusqlite::Result<Option<i64>> {
    let sql = "SELECT asked FROM requests WHERE user_id = ?1 AND asked > ?2 \
               AND state NOT IN ('once', 'hour', 'tomorrow') ORDER BY asked DESC LIMIT 1 OFFSET ?3";
    let user = asked.by.user.0.cast_signed();
    let values = (user, asked.asked - DAY, MOST_A_DAY - 1);
    let oldest: Option<i64> = db.query_row(sql, values, |row| row.get(0)).optional()?;
    Ok(oldest.map(|at| at + DAY))
}

fn insert(db: &Connection, asked: &Asked) -> rusqlite::Result<RequestId> {
    db.execute(
        "INSERT INTO requests (state, user_id, user_name, guild, channel, parent, power, cluster, \
                               vmid, kind, guest_name, asked, expires) \
         VALUES ('open', :user, :name, :guild, :channel, :parent, :power, :cluster, :vmid, :kind, \
                 :guest, :asked, :expires)",
        named_params! {
            ":user": asked.by.user.0.cast_signed(),
            ":name": asked.by.name,
            ":guild": asked.by.guild.0.cast_signed(),
            ":channel": asked.by.channel.0.cast_signed(),
            ":parent": asked.by.parent.map(|channel| channel.0.cast_signed()),
            ":power": asked.deed.key(),
            ":cluster": asked.guest.cluster.as_str(),
            ":vmid": asked.guest.vmid.get(),
            ":kind": asked.kind.key(),
            ":guest": asked.guest_name,
            ":asked": asked.asked,
            ":expires": asked.expires,
        },
    )?;
    Ok(RequestId(db.last_insert_rowid()))
}

fn decided(db: &Connection, id: RequestId) -> rusqlite::Result<Decided> {
    let read = |row: &Row<'_>| {
        let word: String = row.get("state")?;
        let by: Option<i64> = row.get("decided_by")?;
        Ok(Decided {
            state: state(&word),
            by: by.map(|user| UserId(user.cast_unsigned())),
        })
    };
    let found = db
        .query_row(
            "SELECT state, decided_by FROM requests WHERE id = ?1",
            [id.0],
            read,
        )
        .optional()?;
    Ok(found.unwrap_or(Decided {
        state: RequestState::Lapsed,
        by: None,
    }))
}

fn read_untold(row: &Row<'_>) -> anyhow::Result<Untold> {
    let (asked, letters) = read(row)?;
    Ok(Untold {
        asked,
        letters,
        by: UserId(row.get::<_, i64>("decided_by")?.cast_unsigned()),
        begun: row.get("begun")?,
    })
}

fn read(row: &Row<'_>) -> anyhow::Result<(Asked, Vec<Letter>)> {
    let id = |column: &str| row.get::<_, i64>(column).map(i64::cast_unsigned);
    let (deed, kind): (String, String) = (row.get("power")?, row.get("kind")?);
    let parent: Option<i64> = row.get("parent")?;
    let letters: Vec<(u64, u64, Option<u64>)> =
        serde_json::from_str(&row.get::<_, String>("letters")?)?;
    let asked = Asked {
        id: RequestId(row.get("id")?),
        by: Actor {
            user: UserId(id("user_id")?),
            name: row.get("user_name")?,
            roles: Vec::new(),
            guild: GuildId(id("guild")?),
            channel: ChannelId(id("channel")?),
            parent: parent.map(|channel| ChannelId(channel.cast_unsigned())),
        },
        deed: Deed::from_word(&deed).ok_or_else(|| anyhow::anyhow!("an unknown act"))?,
        guest: GuestRef {
            cluster: row.get::<_, String>("cluster")?.parse()?,
            vmid: row.get::<_, i64>("vmid")?.to_string().parse()?,
        },
        kind: [Kind::Vm, Kind::Ct]
            .into_iter()
            .find(|one| one.key() == kind)
            .ok_or_else(|| anyhow::anyhow!("an unknown kind of guest"))?,
        guest_name: row.get("guest_name")?,
        asked: row.get("asked")?,
        expires: row.get("expires")?,
    };
    let letter = |(channel, message, to): (u64, u64, Option<u64>)| Letter {
        posted: Posted {
            channel: ChannelId(channel),
            message: MessageId(message),
        },
        to: to.map(UserId),
    };
    Ok((asked, letters.into_iter().map(letter).collect()))
}
