//! Questions that wait for a yes, in memory only: a restart closes them all. A question keeps what
//! was asked and never a permit; the yes is checked like a new command.

use std::hash::{BuildHasher, RandomState};
use std::sync::Arc;
use std::time::Duration;

use dashmap::DashMap;
use tokio::sync::{oneshot, watch};

use super::several::Batch;
use crate::action::{Deed, GuestFacts, NodePower, QuestionId, TaskId};
use crate::embed::Reply;
use crate::embed::confirm::{self as words, Subject};
use crate::ids::{NodeRef, UserId};
use crate::proxmox::Snapshotted;

use super::token::Plan;
use super::{Last, Outcome};

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
    Deed(Box<AskedDeed>),
    /// Something to be done to a node; `again`: this is the second question about it.
    Node {
        power: NodePower,
        node: NodeRef,
        again: bool,
    },
    TaskStop(TaskId),
    /// A token to be made or deleted.
    Token(Plan),
    /// The same, though the guest's node has too little memory for it.
    Anyway(Box<AskedDeed>),
    Several(Box<Batch>),
}

/// What is to be done, and to what, as it was when it was asked.
#[derive(Debug, Clone)]
pub(super) struct AskedDeed {
    pub deed: Deed,
    pub guest: GuestFacts,
    pub snapshot: Option<Snapshotted>,
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

/// Shows a question in an answer that is there already, and then what it turns into. One that was
/// cancelled has been changed by that press, which must not be written over.
pub(super) async fn until_closed(
    question: Reply,
    closed: oneshot::Receiver<Reply>,
    shown: &watch::Sender<Option<Reply>>,
) -> Outcome {
    shown.send_replace(Some(question));
    match closed.await {
        Ok(reply) => Outcome::shown(reply),
        Err(_) => Outcome::ended(Last::Told),
    }
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
        let Open { asked, closed } = self.take(id, user, |_| true)?;
        let _ = closed.send(words::confirmed(&asked.about));
        Ok(asked)
    }

    /// Takes a question that offers a snapshot first, for that.
    pub(super) fn snapshot_first(&self, id: QuestionId, user: UserId) -> Result<Asked, NotOpen> {
        let offers = |asked: &Asked| asked.about.snapshot_first;
        let Open { asked, closed } = self.take(id, user, offers)?;
        let _ = closed.send(words::snapshot_first(&asked.about));
        Ok(asked)
    }

    /// Takes the question for a no.
    pub(super) fn cancel(&self, id: QuestionId, user: UserId) -> Result<Asked, NotOpen> {
        self.take(id, user, |_| true).map(|open| open.asked)
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

    fn take(
        &self,
        id: QuestionId,
        user: UserId,
        fits: impl Fn(&Asked) -> bool,
    ) -> Result<Open, NotOpen> {
        let mine = |_: &QuestionId, open: &Open| open.asked.user == user && fits(&open.asked);
        match self.open.remove_if(&id, mine) {
            Some((_, open)) => Ok(open),
            None => Err(match self.open.get(&id) {
                Some(open) if open.asked.user != user => NotOpen::NotYours(open.asked.user),
                Some(_) | None => NotOpen::Gone,
            }),
        }
    }
}
