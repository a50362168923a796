//! Who did what, when, under which rule, and how it ended. Opened before the act, closed after it;
//! an entry never closed means that the bot died in between.
//!
//! Entries are made in `entry` and put behind the last one by `store::chain`, which gives each the
//! hash of the one before; `line` and `page` read them for people, `verify` walks along the chain.

mod entry;
mod export;
mod line;
mod note;
mod page;
mod unfinished;
mod verify;

use rusqlite::ffi::SQLITE_CONSTRAINT_UNIQUE;

use crate::action::{GuestFacts, Request, Target, TargetKey};
use crate::ids::{NodeRef, Upid};
use crate::permission::Permit;
use crate::store::{Store, StoreError};
use entry::Draft;

pub use crate::store::chain::Head;
pub use export::{ExportError, export};
pub use line::{Event, Line, after, end};
pub use note::{By, Note, Noted, REASON, insert_note, note};
pub use page::{Filter, Of, Use, page, uses};
pub use unfinished::{Unfinished, unfinished};
pub use verify::{Fault, Verified, verify};

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
    /// Proxmox was never asked. The text says what came in between.
    NotSent(String),
}

impl Ending {
    fn word(&self) -> &'static str {
        match self {
            Self::Done => "done",
            Self::Warned => "warned",
            Self::Requested => "requested",
            Self::Failed(_) => "failed",
            Self::Unknown(_) => "unknown",
            Self::NotSent(_) => "not sent",
        }
    }

    fn detail(&self) -> Option<&str> {
        match self {
            Self::Failed(text) | Self::Unknown(text) | Self::NotSent(text) => Some(text),
            _ => None,
        }
    }

    /// The same, read back; `None` for a word that this version does not know.
    fn read(word: &str, detail: Option<String>) -> Option<Self> {
        let text = detail.unwrap_or_default();
        let all = [
            Self::Done,
            Self::Warned,
            Self::Requested,
            Self::Failed(text.clone()),
            Self::Unknown(text.clone()),
            Self::NotSent(text),
        ];
        all.into_iter().find(|ending| ending.word() == word)
    }
}

/// What an act is done to.
#[derive(Debug, Clone)]
pub enum About {
    Guest(GuestFacts),
    Node(NodeRef),
    Bot,
}

impl About {
    #[must_use]
    pub fn target(&self) -> Target<'_> {
        match self {
            Self::Guest(guest) => Target::Guest(guest),
            Self::Node(node) => Target::Node(node),
            Self::Bot => Target::Bot,
        }
    }
}

/// An act that is about to be done.
#[derive(Debug, Clone)]
pub struct Opening<'a> {
    pub request: &'a Request,
    pub about: About,
    /// What the right alone does not say: which snapshot, which task.
    pub detail: Option<String>,
    /// Everybody in the channel saw it asked.
    pub public: bool,
}

/// Opens the entry. Only somebody who holds a permit can: nothing is acted on unseen.
///
/// # Errors
///
/// In both cases the caller must not act.
pub async fn open(
    store: &Store,
    permit: &Permit,
    opening: &Opening<'_>,
) -> Result<Entry, OpenError> {
    let draft = Draft::of(Event::Opened)
        .asked(opening.request)
        .set("action", permit.right().key())
        .to(&opening.about)
        .set("detail", opening.detail.as_deref())
        .set("rule", permit.basis().to_string())
        .set("rule_key", permit.counts().map(|counts| counts.rule.0))
        .set_id("approver", permit.basis().giver().map(|giver| giver.0))
        .set("public", opening.public);
    let opened = store.run(move |db| draft.add(db)).await;
    match opened {
        Ok(seq) => Ok(Entry(seq)),
        Err(StoreError::Sqlite(rusqlite::Error::SqliteFailure(error, _)))
            if error.extended_code == SQLITE_CONSTRAINT_UNIQUE =>
        {
            Err(OpenError::Twice)
        }
        Err(error) => Err(error.into()),
    }
}

/// Notes the task that Proxmox made of it. A failure is logged: the act is under way anyway.
pub async fn sent(store: &Store, entry: &Entry, upid: &Upid) {
    let Entry(entry) = *entry;
    let draft = Draft::of(Event::Sent)
        .set("entry", entry)
        .set("upid", upid.as_str());
    let noted = store.run(move |db| draft.add(db));
    if let Err(error) = noted.await {
        tracing::error!(%error, entry, "the task of an audit entry could not be noted");
    }
}

/// Closes the entry. A failure is logged, and the entry stands open until the next start.
pub async fn close(store: &Store, entry: Entry, ending: &Ending) {
    let Entry(entry) = entry;
    let draft = Draft::closing(entry, ending);
    let closed = store.run(move |db| draft.add(db));
    if let Err(error) = closed.await {
        tracing::error!(%error, entry, "an audit entry could not be closed");
    }
}

/// How the reason of a refusal begins that is none: nothing was hidden from whoever asked for what is
/// not there.
pub const NOT_FOUND: &str = "not found";

/// An act that came to nothing before Proxmox was asked, through no fault of who wanted it.
#[derive(Debug, Clone)]
pub struct NotSent<'a> {
    pub request: &'a Request,
    /// The right's word.
    pub action: &'static str,
    pub detail: Option<String>,
    pub target: Option<TargetKey>,
    /// As far as it was known.
    pub guest: Option<&'a GuestFacts>,
}

/// Notes it as opened and closed in one: what was never begun leaves nothing open, and counts neither
/// for a limit nor as a refusal. It has no rule, so the same interaction may have acted on that guest
/// besides (see the index `audit_acts_once`). Nobody waits for the disk.
pub fn not_sent(store: &Store, tried: &NotSent<'_>, why: &str) {
    let draft = Draft::of(Event::Opened)
        .asked(tried.request)
        .set("action", tried.action)
        .set("detail", tried.detail.as_deref())
        .set("public", false);
    let opened = match (tried.guest, &tried.target) {
        (Some(guest), _) => draft.about(guest),
        (None, Some(target)) => draft.upon(target),
        (None, None) => draft,
    };
    let ending = Ending::NotSent(why.to_owned());
    store.queue(move |db| {
        if let Err(error) = opened.add_closed(&ending, db) {
            tracing::error!(%error, "an act that was not sent could not be noted");
        }
    });
}

/// Notes a refusal, without making the person wait for the disk.
///
/// `target` is what was asked for, where it is known; `reason` is the rule or why there is none.
pub fn refused(store: &Store, request: &Request, target: Option<&TargetKey>, reason: &str) {
    let draft = Draft::of(Event::Refused)
        .asked(request)
        .set("rule", reason)
        .set("public", false);
    let draft = match target {
        Some(target) => draft.upon(target),
        None => draft,
    };
    store.queue(move |db| {
        if let Err(error) = draft.add(db) {
            tracing::error!(%error, "a refusal could not be noted");
        }
    });
}
