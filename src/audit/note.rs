//! What happens beside acts: who asked for a right, who gave and took it, lockdown, a new
//! configuration.

use rusqlite::Transaction;

use super::Event;
use super::entry::Draft;
use crate::action::{Actor, Request};
use crate::ids::{ChannelId, GuestRef, GuildId, InteractionId, UserId};
use crate::store::{Store, StoreError};

/// In the detail of what is noted of a request, between what was asked for (as [`Deed::detail`] has it)
/// and a reason. Neither has to be there.
///
/// [`Deed::detail`]: crate::action::Deed::detail
pub const REASON: &str = ": ";

/// What can be noted without a permit: nothing of it touches Proxmox.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Noted {
    /// Somebody asked for what they may not do by themselves.
    Asked,
    Approved,
    Declined,
    /// Nobody answered in time.
    Lapsed,
    Granted,
    Revoked,
    /// What was granted came to its end by itself.
    Ended,
    Locked,
    Unlocked,
    /// The configuration was read again.
    Reloaded,
}

impl Noted {
    pub const ALL: [Self; 10] = [
        Self::Asked,
        Self::Approved,
        Self::Declined,
        Self::Lapsed,
        Self::Granted,
        Self::Revoked,
        Self::Ended,
        Self::Locked,
        Self::Unlocked,
        Self::Reloaded,
    ];

    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Asked => "asked",
            Self::Approved => "approved",
            Self::Declined => "declined",
            Self::Lapsed => "lapsed",
            Self::Granted => "granted",
            Self::Revoked => "revoked",
            Self::Ended => "ended",
            Self::Locked => "locked",
            Self::Unlocked => "unlocked",
            Self::Reloaded => "reloaded",
        }
    }
}

/// Who did it. In a direct message there is no server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct By {
    pub user: UserId,
    pub name: String,
    pub guild: Option<GuildId>,
    pub channel: Option<ChannelId>,
}

impl From<&Actor> for By {
    fn from(actor: &Actor) -> Self {
        Self {
            user: actor.user,
            name: actor.name.clone(),
            // The press of a button in a direct message comes from no server.
            guild: Some(actor.guild).filter(|guild| guild.0 != 0),
            channel: Some(actor.channel),
        }
    }
}

/// An entry about something that is not an act. Build it with [`Note::new`] and what is known.
#[derive(Debug, Clone, PartialEq, Eq)]
#[must_use]
pub struct Note {
    pub event: Noted,
    /// A right, several rights, or the key of a command.
    pub action: String,
    pub interaction: Option<InteractionId>,
    /// Nobody, where it happened by itself.
    pub by: Option<By>,
    /// Whom it concerns: who asked, who was given something.
    pub subject: Option<UserId>,
    /// Who approved or decided.
    pub approver: Option<UserId>,
    /// With the name under which it was meant.
    pub guest: Option<(GuestRef, Option<String>)>,
    pub rule: Option<String>,
    /// Until when it holds, in unix milliseconds.
    pub ends_ms: Option<i64>,
    pub detail: Option<String>,
}

impl Note {
    pub fn new(event: Noted, action: impl Into<String>) -> Self {
        Self {
            event,
            action: action.into(),
            interaction: None,
            by: None,
            subject: None,
            approver: None,
            guest: None,
            rule: None,
            ends_ms: None,
            detail: None,
        }
    }

    /// Who did it, with which press or command.
    pub fn asked(mut self, request: &Request) -> Self {
        self.interaction = Some(request.id);
        self.by(&request.actor)
    }

    pub fn by(mut self, by: impl Into<By>) -> Self {
        self.by = Some(by.into());
        self
    }

    pub fn concerning(mut self, subject: UserId) -> Self {
        self.subject = Some(subject);
        self
    }

    pub fn decided_by(mut self, approver: UserId) -> Self {
        self.approver = Some(approver);
        self
    }

    pub fn on(mut self, guest: GuestRef, name: Option<String>) -> Self {
        self.guest = Some((guest, name));
        self
    }

    pub fn under(mut self, rule: impl Into<String>) -> Self {
        self.rule = Some(rule.into());
        self
    }

    pub fn until_ms(mut self, ends_ms: i64) -> Self {
        self.ends_ms = Some(ends_ms);
        self
    }

    pub fn saying(mut self, detail: impl Into<String>) -> Self {
        self.detail = Some(detail.into());
        self
    }

    fn draft(&self) -> Draft {
        let draft = Draft::of(Event::Noted(self.event))
            .set("action", self.action.as_str())
            .set_id("interaction", self.interaction.map(|id| id.0))
            .set_id("subject", self.subject.map(|user| user.0))
            .set_id("approver", self.approver.map(|user| user.0))
            .set("rule", self.rule.as_deref())
            .set("ends_ms", self.ends_ms)
            .set("detail", self.detail.as_deref());
        let draft = match &self.by {
            Some(by) => draft
                .set_id("user_id", by.user.0)
                .set("user_name", by.name.as_str())
                .set_id("guild", by.guild.map(|id| id.0))
                .set_id("channel", by.channel.map(|id| id.0)),
            None => draft,
        };
        match &self.guest {
            Some((guest, name)) => draft.on(guest).set("guest_name", name.as_deref()),
            None => draft,
        }
    }
}

/// Notes it. Gives its number.
///
/// # Errors
///
/// What the store says; then nothing was noted.
pub async fn note(store: &Store, note: Note) -> Result<i64, StoreError> {
    store.run(move |db| note.draft().add(db)).await
}

/// The same as a part of what else changes in the store: both are kept, or neither.
///
/// # Errors
///
/// What `SQLite` says; then the whole transaction must be given up.
pub fn insert_note(tx: &Transaction<'_>, note: &Note) -> rusqlite::Result<i64> {
    note.draft().add_within(tx)
}
