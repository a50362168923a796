//! One interaction from its arrival to its last edit, each in its own task.
//!
//! First Discord is told that the bot has it, and only if Discord took that is anything done: so of
//! two replicas one acts, and nothing happens to which nobody sees an answer.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use futures_util::FutureExt;
use serde_json::{Value, json};
use tokio::sync::{oneshot, watch};
use tokio::task::{JoinError, JoinHandle};
use tokio::time::{Instant, sleep, sleep_until};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::receive::{self, Incoming, What};
use super::rest::{Failed, Rest, Ticket};
use super::send::{self, Outgoing};
use super::Settings;
use crate::action::{Actor, Door, Request, Typing};
use crate::command::{self, Audience, Decision, Desk, Outcome, Task};
use crate::embed::{Reply, edge};

/// An edit a second is what people can read and Discord takes gladly.
const BETWEEN_EDITS: Duration = Duration::from_secs(1);
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
struct Exchange<'e> {
    edge: &'e Edge,
    ticket: Ticket,
    /// Milliseconds from the arrival to the accepted acknowledgement, plus one; 0 before that.
    acknowledged: AtomicU64,
}

/// What the log says about an interaction.
#[derive(Clone)]
struct About {
    actor: Actor,
    action: &'static str,
}

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

/// Answers one interaction, whatever happens.
pub(super) async fn interaction(edge: Arc<Edge>, raw: Value) {
    let Some(Incoming { ticket, what }) = receive::read(&edge.settings, raw) else {
        tracing::error!(unreadable = edge.count_unreadable(), "an interaction without id or token");
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
        What::Deaf => tracing::debug!(interaction.id = %exchange.ticket.id, "not from a configured server"),
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
            let outcome = self.say(&edge::stopping(), Audience::Private, "stopping").await;
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
        if let Err(failed) = self.edge.rest.edit_patiently(&self.ticket, &send::public(&reply)).await {
            tracing::warn!(interaction.id = %self.ticket.id, %failed, "a question could not be closed");
        }
    }

    /// Acknowledges; if Discord took that, performs, shows each state and then the last one.
    async fn go(&self, request: &Request, task: Task) -> &'static str {
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
        let desk = self.edge.desk.clone();
        let work = self.edge.tasks.spawn(command::perform(desk, task, shown));
        let Ok(outcome) = self.follow(work, states).await else {
            tracing::error!(interaction.id = %self.ticket.id, "performing it crashed");
            self.conclude(actor, &edge::crashed(self.ticket.id), public).await;
            return "crashed";
        };
        let shown = if let Some(reply) = &outcome.reply {
            self.conclude(actor, reply, public).await
        } else {
            self.withdraw().await
        };
        if let Some(aside) = &outcome.aside {
            self.aside(actor, aside, &shown).await;
        }
        shown.word
    }

    /// Edits the answer to each newest state until the work is done, and never two edits at once,
    /// so that none can overtake the last.
    async fn follow(
        &self,
        mut work: JoinHandle<Outcome>,
        mut states: watch::Receiver<Option<Reply>>,
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
                changed = changed, if watching => watching = changed.is_ok() && !self.is_over(),
            }
            let newest = states.borrow_and_update().clone();
            let Some(reply) = newest.filter(|_| watching) else {
                continue;
            };
            let edited = self.edge.rest.edit(&self.ticket, &send::public(&reply)).await;
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

    /// Shows the last state, by edit or, when that is not possible any more, by a new message.
    async fn conclude(&self, actor: &Actor, reply: &Reply, public: bool) -> Shown {
        let rest = &self.edge.rest;
        let id = self.ticket.id;
        let edited = if self.is_over() {
            Err(Failed::TokenExpired)
        } else {
            rest.edit_patiently(&self.ticket, &send::public(reply)).await
        };
        let failed = match edited {
            Ok(()) => return Shown::settled("done"),
            Err(failed) => failed,
        };
        if failed.is_our_mistake() {
            tracing::error!(interaction.id = %id, %failed, "Discord refused the outcome");
            let told = rest.edit_patiently(&self.ticket, &send::public(&edge::crashed(id))).await;
            return if told.is_ok() { Shown::settled("done, refused") } else { Shown::open("done, not told") };
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
                Ok(()) => return "done late",
                Err(failed) => posted = Some(failed.to_string()),
            }
        }
        match rest.direct(actor.user, &send::public(reply)).await {
            Ok(()) => "done late",
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
    /// time is over, the word goes as a direct message.
    async fn aside(&self, actor: &Actor, reply: &Reply, shown: &Shown) {
        if shown.settled && !self.is_over() {
            match self.edge.rest.follow_up(&self.ticket, &send::private(reply)).await {
                Ok(()) => return,
                Err(failed) => {
                    tracing::info!(interaction.id = %self.ticket.id, %failed, "a follow-up becomes a direct message");
                }
            }
        }
        self.late(actor, reply, false).await;
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
        self.say(&edge::unreadable(id), Audience::Private, "unreadable").await;
    }

    /// Says so where it still can be said.
    async fn crashed(&self) {
        let reply = edge::crashed(self.ticket.id);
        let told = if self.is_acknowledged() {
            self.edge.rest.edit(&self.ticket, &send::public(&reply)).await
        } else {
            self.acknowledge(&send::private(&reply).callback(MESSAGE)).await
        };
        if let Err(failed) = told {
            tracing::warn!(interaction.id = %self.ticket.id, %failed, "a crash could not be told");
        }
    }

    async fn acknowledge(&self, message: &Outgoing) -> Result<(), Failed> {
        self.edge.rest.callback(&self.ticket, message).await?;
        let millis = self.ticket.received.elapsed().as_millis();
        let millis = u64::try_from(millis).unwrap_or(u64::MAX - 1);
        self.acknowledged.store(millis + 1, Ordering::Relaxed);
        Ok(())
    }

    /// Why nothing was done, in the log and as a word.
    fn not_acknowledged(&self, failed: &Failed) -> &'static str {
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
    fn is_over(&self) -> bool {
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

/// Whether everybody in the channel can see the answer.
fn is_public(audience: Audience, door: Door) -> bool {
    match audience {
        Audience::Public => true,
        Audience::Private => false,
        Audience::Replace => matches!(door, Door::Button { private: false, .. }),
    }
}
