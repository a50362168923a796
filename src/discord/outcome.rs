//! What is performed, as people see it: acknowledged, state by state, and how it ended.
//!
//! First Discord is told that the bot has it, and only if Discord took that is anything done: so of
//! two replicas one acts, and nothing is done of which nobody would see the outcome.

use std::time::Duration;

use tokio::sync::watch;
use tokio::task::{JoinError, JoinHandle};
use tokio::time::{Instant, sleep_until};

use super::answer::Exchange;
use super::failed::Failed;
use super::send;
use crate::action::{Actor, Door, Request};
use crate::command::{self, Audience, Last, Outcome, Show, Shows, Task};
use crate::embed::{Reply, edge};

/// An edit a second is what people can read and Discord takes gladly.
const BETWEEN_EDITS: Duration = Duration::from_secs(1);

/// How the last state was shown.
struct Shown {
    /// For the log.
    word: &'static str,
    /// The promised answer has got its content, or is gone.
    settled: bool,
}

impl Shown {
    fn settled(word: &'static str) -> Self {
        let settled = true;
        Self { word, settled }
    }

    fn open(word: &'static str) -> Self {
        let settled = false;
        Self { word, settled }
    }
}

impl Exchange<'_> {
    /// Acknowledges; if Discord took that, performs, shows each state and then the last one.
    pub(super) async fn go(&self, request: &Request, task: Box<Task>) -> &'static str {
        let audience = task.audience();
        let promise = match audience {
            Audience::Private => send::promise(true),
            Audience::Public => send::promise(false),
            Audience::Replace => send::promise_change(),
        };
        if let Err(failed) = self.acknowledge(&promise).await {
            return self.not_acknowledged(&failed);
        }
        let actor = &request.actor;
        let public = is_public(audience, request.door);
        let (shown, states) = watch::channel(None);
        let (once, secrets) = command::once();
        let desk = self.edge.desk.clone();
        let work = self
            .edge
            .tasks
            .spawn(command::perform(desk, task, shown, once));
        let secrets = Some(secrets).filter(|_| audience == Audience::Private);
        let Ok(outcome) = self.follow(work, states, secrets).await else {
            tracing::error!(interaction.id = %self.ticket.id, "performing it crashed");
            self.conclude(actor, &edge::crashed(self.ticket.id), public)
                .await;
            return "crashed";
        };
        let shown = match &outcome.last {
            Last::Shown(reply) => self.conclude(actor, reply, public).await,
            Last::Told => Shown::settled("done"),
            Last::Withdrawn => self.withdraw().await,
            Last::Left => Shown::settled("taken by another"),
        };
        if let Some(aside) = &outcome.aside {
            let late = outcome.late.as_ref().unwrap_or(aside);
            self.aside(actor, aside, late, &shown).await;
        }
        shown.word
    }

    /// Edits the answer to each newest state until the work is done, and never two edits at once,
    /// so that none can overtake the last. `secrets`: where the answer is seen by one person alone.
    async fn follow(
        &self,
        mut work: JoinHandle<Outcome>,
        mut states: watch::Receiver<Option<Reply>>,
        mut secrets: Option<Shows>,
    ) -> Result<Outcome, JoinError> {
        let mut next_edit = Instant::now();
        let mut watching = true;
        loop {
            let changed = async {
                sleep_until(next_edit).await;
                states.changed().await
            };
            tokio::select! {
                biased;
                done = &mut work => return done,
                Some(show) = next(&mut secrets) => {
                    // Nothing is edited over it any more.
                    watching = false;
                    let told = self.show_once(&show.reply).await;
                    show.done(told);
                    continue;
                }
                changed = changed, if watching => watching = changed.is_ok() && !self.is_over(),
            }
            let newest = states.borrow_and_update().clone();
            let Some(reply) = newest.filter(|_| watching) else {
                continue;
            };
            let edited = self
                .edge
                .rest
                .edit(&self.ticket, &send::public(&reply))
                .await;
            next_edit = Instant::now() + BETWEEN_EDITS;
            if let Err(failed) = edited {
                tracing::debug!(interaction.id = %self.ticket.id, %failed, "a state was not shown");
                if let Failed::Limited(wait) = failed {
                    next_edit = Instant::now() + wait.max(BETWEEN_EDITS);
                    states.mark_changed();
                }
            }
        }
    }

    /// In the private answer or nowhere: no other message is as private, or goes away by itself.
    async fn show_once(&self, reply: &Reply) -> bool {
        let edited = if self.is_over() {
            Err(Failed::TokenExpired)
        } else {
            let message = send::public(reply);
            self.edge.rest.edit_patiently(&self.ticket, &message).await
        };
        if let Err(failed) = &edited {
            tracing::warn!(interaction.id = %self.ticket.id, why = failed.word(), "a secret could not be shown");
        }
        edited.is_ok()
    }

    /// Shows the last state, by edit or, when that is not possible any more, by a new message.
    async fn conclude(&self, actor: &Actor, reply: &Reply, public: bool) -> Shown {
        let rest = &self.edge.rest;
        let id = self.ticket.id;
        let edited = if self.is_over() {
            Err(Failed::TokenExpired)
        } else {
            rest.edit_patiently(&self.ticket, &send::public(reply))
                .await
        };
        let failed = match edited {
            Ok(()) => return Shown::settled("done"),
            Err(failed) => failed,
        };
        if failed.is_our_mistake() {
            tracing::error!(interaction.id = %id, %failed, "Discord refused the outcome");
            let told = rest
                .edit_patiently(&self.ticket, &send::public(&edge::crashed(id)))
                .await;
            return if told.is_ok() {
                Shown::settled("done, refused")
            } else {
                Shown::open("done, not told")
            };
        }
        tracing::info!(interaction.id = %id, %failed, "the outcome goes on as a new message");
        Shown::open(self.late(actor, reply, public).await)
    }

    /// A public answer may go to the channel, where the person is told of it; whatever was private
    /// goes to the person alone.
    async fn late(&self, actor: &Actor, reply: &Reply, public: bool) -> &'static str {
        let rest = &self.edge.rest;
        let mut posted = None;
        if public {
            let message = send::public_for(actor.user, reply);
            match rest.post(actor.channel, &message).await {
                Ok(_) => return "done late",
                Err(failed) => posted = Some(failed.to_string()),
            }
        }
        match rest.direct(actor.user, reply).await {
            Ok(_) => "done late",
            Err(direct) => {
                let id = self.ticket.id;
                tracing::warn!(interaction.id = %id, posted, %direct, "the outcome could not be told");
                "done, not told"
            }
        }
    }

    async fn withdraw(&self) -> Shown {
        match self.edge.rest.delete(&self.ticket).await {
            Ok(()) => Shown::settled("withdrawn"),
            Err(failed) => {
                tracing::warn!(interaction.id = %self.ticket.id, %failed, "an answer could not be taken back");
                Shown::open("not withdrawn")
            }
        }
    }

    /// A private word after the answer. As long as a public answer is only promised, Discord makes a
    /// follow-up its content, for everybody to see, whatever the follow-up says: then, and when the
    /// time is over, the word goes as a direct message, which says `late`.
    async fn aside(&self, actor: &Actor, reply: &Reply, late: &Reply, shown: &Shown) {
        if shown.settled && !self.is_over() {
            match self
                .edge
                .rest
                .follow_up(&self.ticket, &send::private(reply))
                .await
            {
                Ok(()) => return,
                Err(failed) => {
                    tracing::info!(interaction.id = %self.ticket.id, %failed, "a follow-up becomes a direct message");
                }
            }
        }
        self.late(actor, late, false).await;
    }
}

/// Waits for ever where nothing comes.
async fn next(secrets: &mut Option<Shows>) -> Option<Show> {
    match secrets {
        Some(secrets) => secrets.next().await,
        None => std::future::pending().await,
    }
}

/// Whether everybody in the channel can see the answer.
fn is_public(audience: Audience, door: Door) -> bool {
    match audience {
        Audience::Public => true,
        Audience::Private => false,
        Audience::Replace => matches!(door, Door::Button { private: false, .. }),
    }
}
