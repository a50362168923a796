//! Questions that wait for a yes, in memory only: a restart closes them all. A question keeps what
//! was asked and never a permit; the yes is checked like a new command.

use std::hash::{BuildHasher, RandomState};
use std::sync::Arc;
use std::time::Duration;

use dashmap::DashMap;
use tokio::sync::oneshot;

use crate::action::{Deed, GuestFacts, Power, QuestionId};
use crate::embed::Reply;
use crate::embed::confirm::{self as words, Subject};
use crate::ids::UserId;

/// How long a question holds.
const HOLDS: Duration = Duration::from_mins(1);

/// What was asked of whom, about exactly what.
#[derive(Debug, Clone)]
pub(super) struct Asked {
    pub user: UserId,
    pub what: What,
    pub about: Subject,
}

/// What a yes asks for. It is checked like a new command.
#[derive(Debug, Clone)]
pub(super) enum What {
    /// The guest as it was when it was asked.
    Deed(Deed, GuestFacts),
    /// The same, though the guest's node has too little memory for it.
    Anyway(Deed, GuestFacts),
    Several(Power, Vec<GuestFacts>),
}

#[derive(Debug)]
struct Open {
    asked: Asked,
    closed: oneshot::Sender<Reply>,
}

/// The open questions. Cheap to clone: all clones are the same list.
#[derive(Debug, Clone, Default)]
pub(super) struct Questions {
    open: Arc<DashMap<QuestionId, Open>>,
}

/// Why a press on a question does nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum NotOpen {
    Gone,
    /// It was put to somebody else, and stays open for them.
    NotYours(UserId),
}

impl Questions {
    /// Opens a question. What it turns into comes through the receiver.
    pub(super) fn ask(&self, asked: Asked) -> (Reply, oneshot::Receiver<Reply>) {
        // Keyed with fresh randomness from the system: not to be guessed, not to be met twice.
        let id = QuestionId(RandomState::new().hash_one(asked.user));
        let expired = words::expired(&asked.about);
        let question = words::question(id, &asked.about);
        let (closed, outcome) = oneshot::channel();
        self.open.insert(id, Open { asked, closed });
        let open = Arc::clone(&self.open);
        tokio::spawn(async move {
            tokio::time::sleep(HOLDS).await;
            if let Some((_, question)) = open.remove(&id) {
                // The message may be gone; then there is nothing left to edit.
                let _ = question.closed.send(expired);
            }
        });
        (question, outcome)
    }

    /// Takes the question for a yes. Only once, and only by the person who was asked.
    pub(super) fn confirm(&self, id: QuestionId, user: UserId) -> Result<Asked, NotOpen> {
        let Open { asked, closed } = self.take(id, user)?;
        let _ = closed.send(words::confirmed(&asked.about));
        Ok(asked)
    }

    /// Takes the question for a no.
    pub(super) fn cancel(&self, id: QuestionId, user: UserId) -> Result<Asked, NotOpen> {
        self.take(id, user).map(|open| open.asked)
    }

    /// A lockdown closes them all; whoever presses is told that the question is closed.
    pub(super) fn close_all(&self) {
        self.open.retain(|_, open| {
            let (closed, _) = oneshot::channel();
            let closed = std::mem::replace(&mut open.closed, closed);
            let _ = closed.send(words::locked_down(&open.asked.about));
            false
        });
    }

    fn take(&self, id: QuestionId, user: UserId) -> Result<Open, NotOpen> {
        let mine = self.open.remove_if(&id, |_, open| open.asked.user == user);
        match mine {
            Some((_, open)) => Ok(open),
            None => Err(match self.open.get(&id) {
                Some(open) => NotOpen::NotYours(open.asked.user),
                None => NotOpen::Gone,
            }),
        }
    }
}
