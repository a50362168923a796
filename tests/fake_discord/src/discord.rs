//! The fake as tests and the demo hold it.

use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use serde_json::Value;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

use crate::faults::{self, GatewayFault, Named, RestFault};
use crate::gateway;
use crate::interaction::Who;
use crate::message::{self, Message, read_latest};
use crate::person::Person;
use crate::record::{GatewayEntry, Recorded};
use crate::server;
use crate::setup::Setup;
use crate::state::{Shared, State};

/// A running fake; the last clone that is dropped ends it.
#[derive(Clone)]
pub struct Discord {
    running: Arc<Running>,
}

struct Running {
    shared: Arc<Shared>,
    task: JoinHandle<std::convert::Infallible>,
}

impl Drop for Running {
    fn drop(&mut self) {
        self.shared.look().sessions.drop_all();
        self.task.abort();
    }
}

impl Discord {
    pub async fn start(setup: Setup) -> anyhow::Result<Discord> {
        let listener = TcpListener::bind(("127.0.0.1", setup.port))
            .await
            .context("the fake Discord's port")?;
        let port = listener.local_addr()?.port();
        let shared = Shared::new(State::new(setup, port));
        let task = tokio::spawn(server::serve(listener, shared.clone()));
        Ok(Discord {
            running: Arc::new(Running { shared, task }),
        })
    }

    fn shared(&self) -> &Arc<Shared> {
        &self.running.shared
    }

    /// What the bot's `api_url` is set to.
    pub fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.shared().look().port)
    }

    pub fn token(&self) -> String {
        self.shared().look().setup.bot_token.clone()
    }

    pub fn app_id(&self) -> u64 {
        self.shared().look().setup.app_id
    }

    /// Changes the world while it runs: roles, people, channels, limits.
    pub fn adjust(&self, change: impl FnOnce(&mut Setup)) {
        self.shared().change(|state| change(&mut state.setup));
    }

    /// What `session_start_limit.remaining` says from now on.
    pub fn set_identifies_remaining(&self, remaining: u32) {
        self.shared()
            .change(|state| state.sessions.identifies_remaining = remaining);
    }

    /// Waits until the bot has a session and has registered commands where it should.
    pub async fn bot_ready(&self) {
        let ready = |state: &mut State| {
            let registered = |guild: &u64| {
                state
                    .commands
                    .get(guild)
                    .is_some_and(|list| !list.is_empty())
            };
            (state.sessions.any_connected() && state.setup.registers_in.iter().all(registered))
                .then_some(())
        };
        self.wait("the bot was not ready", ready).await;
    }

    /// Waits until the bot has a gateway session.
    pub async fn bot_connected(&self) {
        self.wait("the bot did not connect", |state| {
            state.sessions.any_connected().then_some(())
        })
        .await;
    }

    /// Waits until the bot has none.
    pub async fn bot_gone(&self) {
        self.wait("the bot did not go", |state| {
            (!state.sessions.any_connected()).then_some(())
        })
        .await;
    }

    pub fn is_connected(&self) -> bool {
        self.shared().look().sessions.any_connected()
    }

    async fn wait<R>(&self, problem: &str, look: impl FnMut(&mut State) -> Option<R>) -> R {
        let patience = self.shared().look().setup.patience;
        if let Some(found) = self.shared().wait_for(patience, look).await {
            return found;
        }
        let state = self.shared().look();
        let requests = state
            .requests
            .iter()
            .map(|r| format!("{:?} {} {} -> {}", r.at, r.method, r.path, r.status));
        let gateway = state
            .gateway_log
            .iter()
            .map(|entry| format!("{:?} gateway {:?}", entry.at, entry.what));
        let violations = state
            .violations
            .iter()
            .map(|rule| format!("violation: {rule}"));
        let story: Vec<String> = requests.chain(gateway).chain(violations).collect();
        // Released first: a panic with the lock held would poison it for the other tasks.
        drop(state);
        panic!("{problem} within {patience:?}.\n{}", story.join("\n"))
    }

    pub fn commands(&self, guild: u64) -> Vec<Value> {
        self.shared()
            .look()
            .commands
            .get(&guild)
            .cloned()
            .unwrap_or_default()
    }

    /// How often commands were put so far.
    pub fn registrations(&self) -> usize {
        self.shared().look().registrations
    }

    /// A person of the setup, in #bot (the first channel of the first guild).
    pub fn person(&self, name: &str) -> Person {
        let state = self.shared().look();
        let member = state
            .member_named(name)
            .unwrap_or_else(|| panic!("there is nobody called {name}"));
        let channel = state
            .setup
            .channels
            .first()
            .unwrap_or_else(|| panic!("there is no channel"));
        let who = Who {
            person: member.id,
            guild: Some(channel.guild),
            channel: channel.id,
            roles: None,
        };
        Person {
            shared: self.shared().clone(),
            who,
        }
    }

    pub fn requests(&self) -> Vec<Recorded> {
        self.shared().look().requests.clone()
    }

    /// Waits until so many requests of `METHOD /template` (a part suffices) were answered; returns them.
    pub async fn wait_requests(&self, on: &str, count: usize) -> Vec<Recorded> {
        let on_it = |r: &&Recorded| format!("{} {}", r.method, r.template).contains(on);
        self.wait(&format!("{count} requests to {on} did not come"), |state| {
            let found: Vec<Recorded> = state.requests.iter().filter(on_it).cloned().collect();
            (found.len() >= count).then_some(found)
        })
        .await
    }

    pub fn gateway_log(&self) -> Vec<GatewayEntry> {
        self.shared().look().gateway_log.clone()
    }

    /// Waits for the first entry after `skip` entries that fits.
    pub async fn wait_gateway(
        &self,
        skip: usize,
        fits: impl Fn(&GatewayEntry) -> bool,
    ) -> GatewayEntry {
        self.wait("that did not happen on the gateway", |state| {
            state
                .gateway_log
                .iter()
                .skip(skip)
                .find(|entry| fits(entry))
                .cloned()
        })
        .await
    }

    /// Dispatches so far: `{"t": ..., "d": ...}`.
    pub fn sent_events(&self) -> Vec<Value> {
        self.shared().look().sent_events.clone()
    }

    /// Every rule the bot broke, in words.
    pub fn violations(&self) -> Vec<String> {
        self.shared().look().violations.clone()
    }

    /// The same, and forgotten: for tests that provoke them.
    pub fn take_violations(&self) -> Vec<String> {
        std::mem::take(&mut self.shared().look().violations)
    }

    /// Messages that were shown and that no test looked at, in words.
    pub fn unread(&self) -> Vec<String> {
        message::unread(&self.shared().look())
    }

    /// What stands in a channel (or direct message channel) for everybody, oldest first.
    pub fn channel_messages(&self, channel: u64) -> Vec<Message> {
        read_all(&mut self.shared().look(), channel)
    }

    pub async fn wait_channel_message(&self, channel: u64, contains: &str) -> Message {
        let place = self.shared().look().place_name(channel);
        self.wait(
            &format!("no message with `{contains}` in {place}"),
            |state| find(state, channel, contains),
        )
        .await
    }

    /// Direct messages of the bot to that person.
    pub fn direct_messages(&self, person: &str) -> Vec<Message> {
        let mut state = self.shared().look();
        let channel = state
            .member_named(person)
            .and_then(|member| state.direct.get(&member.id))
            .copied();
        channel
            .map(|channel| read_all(&mut state, channel))
            .unwrap_or_default()
    }

    pub async fn wait_direct_message(&self, person: &str, contains: &str) -> Message {
        let id = self.person(person).id();
        self.wait(
            &format!("no direct message with `{contains}` to {person}"),
            |state| {
                let channel = *state.direct.get(&id)?;
                find(state, channel, contains)
            },
        )
        .await
    }

    /// What that person sees in that channel, private messages to them included; nothing counts as read.
    pub fn visible_to(&self, person: &str, channel: u64) -> Vec<Message> {
        let id = self.person(person).id();
        message::visible(&self.shared().look(), id, channel)
    }

    /// Grows with every change of anything.
    pub fn revision(&self) -> u64 {
        self.shared().revision()
    }

    /// Waits until the revision is another one than this, or the time is over; the revision then.
    pub async fn changed_since(&self, revision: u64, limit: Duration) -> u64 {
        let shared = self.shared();
        shared
            .wait_for(limit, |_| (shared.revision() != revision).then_some(()))
            .await;
        shared.revision()
    }

    /// The world as it is now.
    pub fn setup(&self) -> Setup {
        self.shared().look().setup.clone()
    }

    /// Deeds of people that the bot left without any answer until it was too late, in words.
    pub fn unanswered(&self) -> Vec<String> {
        let state = self.shared().look();
        let limit = state.setup.answer_limit;
        let mut late: Vec<_> = state
            .interactions
            .values()
            .filter(|i| i.ack.is_none() && i.sent.elapsed() > limit)
            .collect();
        late.sort_by_key(|interaction| interaction.id);
        late.iter()
            .map(|i| format!("{}: {}", state.person_name(i.person), i.deed))
            .collect()
    }

    /// A message as it stands now, whoever's it is.
    pub fn message(&self, id: u64) -> Option<Message> {
        read_latest(&mut self.shared().look(), id)
    }

    /// Somebody with the right to do so deletes it.
    pub fn delete_message(&self, id: u64) {
        self.shared().change(|state| {
            if let Some(stored) = state.messages.get_mut(&id) {
                stored.deleted = true;
            }
        });
    }

    pub fn gateway(&self, fault: GatewayFault) {
        self.shared()
            .change(|state| gateway::break_it(state, fault));
        if matches!(fault, GatewayFault::Reconnect) {
            self.close_after_reconnect();
        }
    }

    /// A few seconds after op 7 Discord closes the connection itself.
    fn close_after_reconnect(&self) {
        let shared = Arc::downgrade(self.shared());
        let open = self.shared().look().sessions.open_connections();
        tokio::spawn(async move {
            tokio::time::sleep(Duration::from_secs(5)).await;
            if let Some(shared) = shared.upgrade() {
                shared.change(|state| gateway::close_ignored(state, &open));
            }
        });
    }

    pub fn rest(&self, fault: RestFault) {
        self.shared().change(|state| state.faults.rest.push(fault));
    }

    /// Ends every fault, also those that would last.
    pub fn heal(&self) {
        self.shared()
            .change(|state| state.faults = faults::Faults::default());
    }

    /// Names and what they do.
    pub fn fault_names() -> &'static [(&'static str, &'static str)] {
        faults::NAMES
    }

    /// `false`: there is no fault of that name.
    pub fn fault_by_name(&self, name: &str) -> bool {
        match faults::named(name) {
            Some(Named::Gateway(fault)) => self.gateway(fault),
            Some(Named::Rest(fault)) => self.rest(fault),
            Some(Named::Clear) => self.heal(),
            None => return false,
        }
        true
    }
}

fn public_ids(state: &State, channel: u64) -> Vec<u64> {
    let here = state
        .messages
        .values()
        .filter(|m| m.channel == channel && m.ephemeral_for.is_none() && !m.deleted);
    here.map(|message| message.id).collect()
}

fn read_all(state: &mut State, channel: u64) -> Vec<Message> {
    public_ids(state, channel)
        .into_iter()
        .filter_map(|id| read_latest(state, id))
        .collect()
}

fn find(state: &mut State, channel: u64, contains: &str) -> Option<Message> {
    let shows = |id: &u64| {
        let stored = &state.messages[id];
        let version = stored.versions.last();
        version.is_some_and(|version| stored.view(state, version, 0).text().contains(contains))
    };
    let id = public_ids(state, channel).into_iter().rev().find(shows)?;
    read_latest(state, id)
}
