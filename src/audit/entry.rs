//! An entry before it is written: the columns that say what happened.

use jiff::Timestamp;
use rusqlite::types::Value;
use rusqlite::{Connection, Transaction, TransactionBehavior};

use super::{About, Ending, Event};
use crate::action::{GuestFacts, Request, TargetKey};
use crate::ids::{GuestRef, NodeRef};
use crate::store::chain::{self, Columns};

#[derive(Debug)]
pub(super) struct Draft(Columns);

impl Draft {
    pub(super) fn of(event: Event) -> Self {
        Self(Columns::new())
            .set("event", event.word())
            .set("at_ms", now_ms())
    }

    pub(super) fn closing(entry: i64, ending: &Ending) -> Self {
        Self::of(Event::Closed)
            .set("entry", entry)
            .set("outcome", ending.word())
            .set("detail", ending.detail())
    }

    pub(super) fn set(mut self, column: &'static str, value: impl Into<Field>) -> Self {
        if let Field(Some(value)) = value.into() {
            self.0.insert(column, value);
        }
        self
    }

    /// `SQLite` keeps signed numbers; the bits of a Discord id survive the way there and back.
    pub(super) fn set_id(self, column: &'static str, id: impl Into<Option<u64>>) -> Self {
        self.set(column, id.into().map(u64::cast_signed))
    }

    /// Who asked for what, and from where.
    pub(super) fn asked(self, request: &Request) -> Self {
        let actor = &request.actor;
        self.set_id("interaction", request.id.0)
            .set_id("user_id", actor.user.0)
            .set("user_name", actor.name.as_str())
            .set_id("guild", actor.guild.0)
            .set_id("channel", actor.channel.0)
            .set("action", request.action.key())
    }

    pub(super) fn on(self, guest: &GuestRef) -> Self {
        self.set("cluster", guest.cluster.as_str())
            .set("vmid", i64::from(guest.vmid.get()))
    }

    pub(super) fn about(self, guest: &GuestFacts) -> Self {
        self.on(&guest.guest)
            .set("kind", guest.kind.key())
            .set("node", guest.node.as_str())
            .set("guest_name", guest.name.as_deref())
    }

    pub(super) fn at(self, node: &NodeRef) -> Self {
        self.set("cluster", node.cluster.as_str())
            .set("node", node.node.as_str())
    }

    pub(super) fn upon(self, target: &TargetKey) -> Self {
        match target {
            TargetKey::Guest(guest) => self.on(guest),
            TargetKey::Node(node) => self.at(node),
            TargetKey::Bot => self,
        }
    }

    pub(super) fn to(self, about: &About) -> Self {
        match about {
            About::Guest(guest) => self.about(guest),
            About::Node(node) => self.at(node),
            About::Bot => self,
        }
    }

    /// Writes it: one transaction, on disk when this returns.
    pub(super) fn add(&self, db: &mut Connection) -> rusqlite::Result<i64> {
        let tx = db.transaction_with_behavior(TransactionBehavior::Immediate)?;
        let seq = self.add_within(&tx)?;
        tx.commit()?;
        Ok(seq)
    }

    /// The same with its end, in one transaction: no other process finds it open.
    pub(super) fn add_closed(&self, ending: &Ending, db: &mut Connection) -> rusqlite::Result<()> {
        let tx = db.transaction_with_behavior(TransactionBehavior::Immediate)?;
        let entry = self.add_within(&tx)?;
        Self::closing(entry, ending).add_within(&tx)?;
        tx.commit()
    }

    pub(super) fn add_within(&self, tx: &Transaction<'_>) -> rusqlite::Result<i64> {
        chain::append(tx, &self.0)
    }
}

/// What a column can hold; nothing where it is NULL.
pub(super) struct Field(Option<Value>);

impl From<&str> for Field {
    fn from(text: &str) -> Self {
        Self(Some(text.to_owned().into()))
    }
}

impl From<String> for Field {
    fn from(text: String) -> Self {
        Self(Some(text.into()))
    }
}

impl From<i64> for Field {
    fn from(number: i64) -> Self {
        Self(Some(number.into()))
    }
}

impl From<bool> for Field {
    fn from(yes: bool) -> Self {
        Self(Some(yes.into()))
    }
}

impl<T: Into<Self>> From<Option<T>> for Field {
    fn from(value: Option<T>) -> Self {
        value.map_or(Self(None), Into::into)
    }
}

pub(super) fn id(stored: i64) -> u64 {
    stored.cast_unsigned()
}

fn now_ms() -> i64 {
    Timestamp::now().as_millisecond()
}
