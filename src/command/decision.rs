//! What becomes of a request: an answer, a question, or work; and how work ends.

use tokio::sync::oneshot;

use crate::action::{Action, AuditPage, Deed, GuestFacts, Request, Ruling, TaskId};
use crate::embed::Reply;
use crate::follow::End;
use crate::ids::{GuestQuery, RequestId};
use crate::proxmox::Snapshotted;

use super::power::Aim;
use super::{access, node_act, several, tasks, token};

/// What becomes of a request, known without waiting for anything.
#[derive(Debug)]
pub enum Decision {
    /// All that happens is this answer.
    Answer { reply: Reply, to: Audience },
    /// A private question with buttons. `closed` brings what the question turns into once it was
    /// answered or has expired; the question's own message is then edited to that.
    Question {
        reply: Reply,
        closed: oneshot::Receiver<Reply>,
    },
    /// A form with one line to fill in; `action` is what its answer asks for, without the line.
    Form {
        title: &'static str,
        label: &'static str,
        action: Action,
    },
    /// Acknowledge to the task's audience; if Discord took the acknowledgement, [`perform`](super::perform) it.
    Go(Box<Task>),
}

impl Decision {
    pub(super) fn go(task: Task) -> Self {
        Self::Go(Box::new(task))
    }

    pub(super) fn answer(reply: Reply, to: Audience) -> Self {
        Self::Answer { reply, to }
    }
}

/// Who sees an answer, and where.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Audience {
    /// A new message that only the person who asked can see.
    Private,
    /// A new message for the channel.
    Public,
    /// The message that carries the pressed button changes. Only ever the presser's own.
    Replace,
}

/// Something that was decided to be worth trying. Not a right to do it: that is checked again.
#[derive(Debug)]
pub struct Task {
    pub(super) request: Request,
    pub(super) work: Work,
    pub(super) confirmed: Option<Confirmed>,
    pub(super) audience: Audience,
}

/// What the person was asked about and said yes to.
#[derive(Debug)]
pub(super) struct Confirmed {
    pub guest: GuestFacts,
    /// The snapshot that it was about.
    pub snapshot: Option<Snapshotted>,
    /// Though its node has too little memory.
    pub anyway: bool,
}

#[derive(Debug)]
pub(super) enum Work {
    Read,
    Do(Aim),
    /// A snapshot, and then the question about that deed again.
    First(Aim, Deed),
    Snapshots(GuestQuery),
    /// After so many newer ones.
    Backups(GuestQuery, u16),
    Node(node_act::Aim),
    Tasks(tasks::Look),
    TaskStop(TaskId),
    Several(several::Batch),
    Ask(Aim),
    Rule(RequestId, Ruling),
    Access(access::Work),
    Audit(AuditPage),
    Token(token::Work),
}

impl Task {
    #[must_use]
    pub fn audience(&self) -> Audience {
        self.audience
    }

    pub(super) fn new(request: &Request, work: Work, audience: Audience) -> Self {
        Self {
            request: request.clone(),
            work,
            confirmed: None,
            audience,
        }
    }

    pub(super) fn deed(
        request: &Request,
        aim: Aim,
        confirmed: Option<Confirmed>,
        audience: Audience,
    ) -> Self {
        Self {
            confirmed,
            ..Self::new(request, Work::Do(aim), audience)
        }
    }

    /// A late refusal is as private as an early one: the public answer goes.
    pub(super) fn refuse(&self, reply: Reply) -> Outcome {
        match self.audience {
            Audience::Public => Outcome {
                aside: Some(reply),
                ..Outcome::ended(Last::Withdrawn)
            },
            Audience::Private | Audience::Replace => Outcome::shown(reply),
        }
    }
}

/// What becomes of the answer that was promised.
#[derive(Debug)]
pub enum Last {
    Shown(Reply),
    /// It has been shown already, through [`Once`](super::Once) or by another press, and is not changed any more.
    Told,
    /// It is deleted: it was refused late.
    Withdrawn,
    /// It is not ours: another replica has acted on this interaction, and its answer stands.
    Left,
}

/// How a performed request ends.
#[derive(Debug)]
pub struct Outcome {
    pub last: Last,
    /// For the person who asked alone, as a private follow-up: log lines, privileges, a refusal.
    pub aside: Option<Reply>,
    /// Said instead of `aside` where that can only be a direct message, in which no question can be
    /// answered.
    pub late: Option<Reply>,
}

impl Outcome {
    pub(super) fn ended(last: Last) -> Self {
        Self {
            last,
            aside: None,
            late: None,
        }
    }

    pub(super) fn shown(reply: Reply) -> Self {
        Self::ended(Last::Shown(reply))
    }

    pub(super) fn of(end: End) -> Self {
        Self {
            aside: end.aside,
            ..Self::shown(end.reply)
        }
    }

    pub(super) fn left() -> Self {
        Self::ended(Last::Left)
    }
}
