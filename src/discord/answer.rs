//! One interaction from its arrival to its answer, each in its own task. What is performed goes on
//! in `outcome`.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use futures_util::FutureExt;
use serde_json::{Value, json};
use tokio::sync::oneshot;
use tokio::time::{sleep, sleep_until};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::Settings;
use super::failed::Failed;
use super::receive::{self, Incoming, What};
use super::rest::{Rest, Ticket};
use super::send::{self, Outgoing};
use crate::action::{Actor, Request, Typing};
use crate::command::{self, Audience, Decision, Desk};
use crate::embed::{Reply, edge};

/// Discord's 15 minutes, with some room for the way there.
const TOKEN_LIFE: Duration = Duration::from_secs(14 * 60 + 30);
/// Another replica that does not stop had better answer than this one with a refusal.
const AFTER_OTHERS: Duration = Duration::from_secs(1);

const CHOICES: usize = 25;
const CHOICE_TEXT: usize = 100;

/// Discord's types of first answers.
const MESSAGE: u8 = 4;
const UPDATE: u8 = 7;
const AUTOCOMPLETE: u8 = 8;
const MODAL: u8 = 9;

/// What every exchange needs.
pub(super) struct Edge {
    pub settings: Settings,
    pub rest: Rest,
    pub desk: Arc<Desk>,
    pub tasks: TaskTracker,
    pub stop: CancellationToken,
    /// Interactions that this version could not read.
    pub unreadable: AtomicU64,
}

/// One interaction that is being answered.
pub(super) struct Exchange<'e> {
    pub edge: &'e Edge,
    pub ticket: Ticket,
    /// Milliseconds from the arrival to the accepted acknowledgement, plus one; 0 before that.
    acknowledged: AtomicU64,
}

/// What the log says about an interaction.
#[derive(Clone)]
struct About {
    actor: Actor,
    action: &'static str,
}

/// Answers one interaction, whatever happens.
pub(super) async fn interaction(edge: Arc<Edge>, raw: Value) {
    let Some(Incoming { ticket, what }) = receive::read(&edge.settings, &edge.desk, raw) else {
        tracing::error!(
            unreadable = edge.count_unreadable(),
            "an interaction without id or token"
        );
        return;
    };
    let exchange = Exchange {
        edge: &edge,
        ticket,
        acknowledged: AtomicU64::new(0),
    };
    match what {
        What::Request(request) => exchange.request(request).await,
        What::Typing(typing) => exchange.complete(&typing).await,
        What::NothingToComplete => exchange.choices(Vec::new()).await,
        What::WrongChannel(actor) => exchange.wrong_channel(actor).await,
        What::Unreadable(why) => exchange.unreadable(&why).await,
        What::Deaf => {
            tracing::debug!(interaction.id = %exchange.ticket.id, "not from a configured server");
        }
    }
}

impl Edge {
    fn count_unreadable(&self) -> u64 {
        self.unreadable.fetch_add(1, Ordering::Relaxed) + 1
    }
}

impl Exchange<'_> {
    async fn request(&self, request: Request) {
        let about = About {
            actor: request.actor.clone(),
            action: request.action.key(),
        };
        // A bug in one command must not leave the person without an answer.
        let going = AssertUnwindSafe(self.decided(request, &about)).catch_unwind();
        if going.await.is_err() {
            self.crashed().await;
            self.log(&about, "crashed");
        }
    }

    async fn decided(&self, request: Request, about: &About) {
        if self.edge.stop.is_cancelled() {
            sleep(AFTER_OTHERS).await;
            let outcome = self
                .say(&edge::stopping(), Audience::Private, "stopping")
                .await;
            return self.log(about, outcome);
        }
        match command::decide(&self.edge.desk, &request) {
            Decision::Answer { reply, to } => {
                let outcome = self.say(&reply, to, "answered").await;
                self.log(about, outcome);
            }
            Decision::Question { reply, closed } => {
                let outcome = self.say(&reply, Audience::Private, "asked").await;
                self.log(about, outcome);
                if self.is_acknowledged() {
                    self.close_question(closed).await;
                }
            }
            Decision::Form {
                title,
                label,
                action,
            } => {
                let outcome = match send::form(title, label, &action) {
                    Some(form) => match self.acknowledge(&form.callback(MODAL)).await {
                        Ok(()) => "form",
                        Err(failed) => self.not_acknowledged(&failed),
                    },
                    None => "no form",
                };
                self.log(about, outcome);
            }
            Decision::Go(task) => {
                let outcome = self.go(&request, task).await;
                self.log(about, outcome);
            }
        }
    }

    /// The whole answer in the acknowledgement. Gives the word for the log.
    async fn say(&self, reply: &Reply, to: Audience, done: &'static str) -> &'static str {
        let message = match to {
            Audience::Private => send::private(reply).callback(MESSAGE),
            Audience::Public => send::public(reply).callback(MESSAGE),
            Audience::Replace => send::public(reply).callback(UPDATE),
        };
        match self.acknowledge(&message).await {
            Ok(()) => done,
            Err(failed @ Failed::Refused { .. }) => {
                let outcome = self.not_acknowledged(&failed);
                self.crashed().await;
                outcome
            }
            Err(failed) => self.not_acknowledged(&failed),
        }
    }

    /// A question changes once more: when it was answered, has expired, or the bot stops.
    async fn close_question(&self, closed: oneshot::Receiver<Reply>) {
        let closing = tokio::select! {
            closing = closed => closing.ok(),
            () = self.edge.stop.cancelled() => Some(edge::stopping()),
            () = sleep_until(self.ticket.received + TOKEN_LIFE) => None,
        };
        let Some(reply) = closing else {
            return;
        };
        if let Err(failed) = self
            .edge
            .rest
            .edit_patiently(&self.ticket, &send::public(&reply))
            .await
        {
            tracing::warn!(interaction.id = %self.ticket.id, %failed, "a question could not be closed");
        }
    }

    async fn complete(&self, typing: &Typing) {
        let suggesting = AssertUnwindSafe(async { command::suggest(&self.edge.desk, typing) });
        let choices = suggesting.catch_unwind().await.unwrap_or_default();
        let fits = |text: &str| (1..=CHOICE_TEXT).contains(&text.encode_utf16().count());
        let choices = choices
            .iter()
            .filter(|choice| fits(&choice.name) && fits(&choice.value))
            .take(CHOICES)
            .map(|choice| json!({"name": choice.name, "value": choice.value}))
            .collect();
        self.choices(choices).await;
    }

    async fn choices(&self, choices: Vec<Value>) {
        let message = Outgoing::bare(json!({"choices": choices})).callback(AUTOCOMPLETE);
        if let Err(failed) = self.acknowledge(&message).await {
            tracing::debug!(interaction.id = %self.ticket.id, %failed, "nothing was suggested");
        }
    }

    async fn wrong_channel(&self, actor: Actor) {
        let reply = edge::wrong_channel(&self.edge.settings.channels);
        let outcome = self.say(&reply, Audience::Private, "wrong channel").await;
        let action = "unheard";
        self.log(&About { actor, action }, outcome);
    }

    async fn unreadable(&self, why: &str) {
        let count = self.edge.count_unreadable();
        let id = self.ticket.id;
        tracing::error!(interaction.id = %id, unreadable = count, why, "an interaction could not be read");
        self.say(&edge::unreadable(id), Audience::Private, "unreadable")
            .await;
    }

    /// Says so where it still can be said.
    async fn crashed(&self) {
        let reply = edge::crashed(self.ticket.id);
        let told = if self.is_acknowledged() {
            self.edge
                .rest
                .edit(&self.ticket, &send::public(&reply))
                .await
        } else {
            self.acknowledge(&send::private(&reply).callback(MESSAGE))
                .await
        };
        if let Err(failed) = told {
            tracing::warn!(interaction.id = %self.ticket.id, %failed, "a crash could not be told");
        }
    }

    pub(super) async fn acknowledge(&self, message: &Outgoing) -> Result<(), Failed> {
        self.edge.rest.callback(&self.ticket, message).await?;
        let millis = self.ticket.received.elapsed().as_millis();
        let millis = u64::try_from(millis).unwrap_or(u64::MAX - 1);
        self.acknowledged.store(millis + 1, Ordering::Relaxed);
        Ok(())
    }

    /// Why nothing was done, in the log and as a word.
    pub(super) fn not_acknowledged(&self, failed: &Failed) -> &'static str {
        let id = self.ticket.id;
        match failed {
            Failed::AlreadyAnswered => "taken by another",
            Failed::UnknownInteraction => {
                tracing::warn!(interaction.id = %id, "too late for Discord: nothing was done");
                "too late"
            }
            Failed::Refused { .. } => {
                tracing::error!(interaction.id = %id, %failed, "Discord refused the answer");
                "refused by Discord"
            }
            _ => {
                tracing::warn!(interaction.id = %id, %failed, "not acknowledged: nothing was done");
                "not acknowledged"
            }
        }
    }

    fn is_acknowledged(&self) -> bool {
        self.acknowledged.load(Ordering::Relaxed) > 0
    }

    /// Whether Discord's time for edits and follow-ups has run out.
    pub(super) fn is_over(&self) -> bool {
        self.ticket.received.elapsed() > TOKEN_LIFE
    }

    fn log(&self, about: &About, outcome: &'static str) {
        let ack_ms = self.acknowledged.load(Ordering::Relaxed).checked_sub(1);
        let total_ms = self.ticket.received.elapsed().as_millis();
        tracing::info!(
            interaction.id = %self.ticket.id,
            user.id = %about.actor.user,
            guild.id = %about.actor.guild,
            channel.id = %about.actor.channel,
            action = about.action,
            ack_ms,
            total_ms,
            outcome,
            "interaction"
        );
    }
}
