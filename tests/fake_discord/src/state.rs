//! All that the fake knows, behind one lock, and a signal that something changed.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use serde_json::Value;
use tokio::sync::watch;

use crate::answer::Ack;
use crate::clock;
use crate::faults::Faults;
use crate::gateway::Sessions;
use crate::message::Stored;
use crate::record::{GatewayEntry, GatewayEvent, Recorded};
use crate::rest::limits::Limits;
use crate::setup::{Channel, Member, Setup};

pub(crate) struct Shared {
    state: Mutex<State>,
    changed: watch::Sender<u64>,
}

impl Shared {
    pub(crate) fn new(state: State) -> Arc<Shared> {
        Arc::new(Shared {
            state: Mutex::new(state),
            changed: watch::Sender::new(0),
        })
    }

    /// A test that panicked while it looked must not turn every later look into a second panic.
    pub(crate) fn look(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn revision(&self) -> u64 {
        *self.changed.borrow()
    }

    pub(crate) fn change<R>(&self, change: impl FnOnce(&mut State) -> R) -> R {
        let result = change(&mut self.look());
        self.changed.send_modify(|revision| *revision += 1);
        result
    }

    /// Looks after every change until there is a result or the time is over.
    pub(crate) async fn wait_for<R>(
        &self,
        limit: Duration,
        mut look: impl FnMut(&mut State) -> Option<R>,
    ) -> Option<R> {
        let mut changed = self.changed.subscribe();
        let end = tokio::time::Instant::now() + limit;
        loop {
            if let Some(result) = look(&mut self.look()) {
                return Some(result);
            }
            if tokio::time::timeout_at(end, changed.changed())
                .await
                .is_err()
            {
                return look(&mut self.look());
            }
        }
    }
}

pub(crate) struct State {
    pub setup: Setup,
    pub port: u16,
    pub started: Instant,
    last_id: u64,
    /// By guild; 0 holds the global ones.
    pub commands: BTreeMap<u64, Vec<Value>>,
    pub registrations: usize,
    pub interactions: HashMap<u64, Interaction>,
    pub tokens: HashMap<String, u64>,
    pub messages: BTreeMap<u64, Stored>,
    /// Person to direct message channel.
    pub direct: BTreeMap<u64, u64>,
    pub requests: Vec<Recorded>,
    pub gateway_log: Vec<GatewayEntry>,
    pub sent_events: Vec<Value>,
    pub violations: Vec<String>,
    pub sessions: Sessions,
    pub faults: Faults,
    pub limits: Limits,
    pub token_reset: bool,
}

/// One use of the bot by one person, from the event to the end of its token.
pub(crate) struct Interaction {
    pub id: u64,
    pub token: String,
    /// 2 command, 3 component, 4 autocomplete, 5 modal; others are forged.
    pub kind: u64,
    pub person: u64,
    pub guild: Option<u64>,
    pub channel: u64,
    /// What the person did, in words.
    pub deed: String,
    /// The message whose component was used.
    pub source: Option<u64>,
    /// The command's `name sub` for the message's `interaction` field.
    pub name: String,
    pub sent: Instant,
    pub ack: Option<Ack>,
    /// A fault lost or delayed the acknowledgement: that it comes again, or late, is not the bot's mistake.
    pub may_come_twice: bool,
    pub original: Option<u64>,
    /// Versions of the original that were there before this interaction touched it.
    pub original_from: usize,
    pub follow_ups: Vec<u64>,
    pub choices: Option<Vec<Value>>,
    pub modal: Option<Value>,
    /// The interaction that opened the modal which this one submits.
    pub parent: Option<u64>,
    /// Errors that the bot got on this interaction, for the words of a failing wait.
    pub trouble: Vec<String>,
}

impl State {
    pub(crate) fn new(setup: Setup, port: u16) -> State {
        State {
            sessions: Sessions::new(setup.identifies_remaining),
            setup,
            port,
            started: Instant::now(),
            last_id: 0,
            commands: BTreeMap::new(),
            registrations: 0,
            interactions: HashMap::new(),
            tokens: HashMap::new(),
            messages: BTreeMap::new(),
            direct: BTreeMap::new(),
            requests: Vec::new(),
            gateway_log: Vec::new(),
            sent_events: Vec::new(),
            violations: Vec::new(),
            faults: Faults::default(),
            limits: Limits::default(),
            token_reset: false,
        }
    }

    /// A snowflake of now that was never given before.
    pub(crate) fn new_id(&mut self) -> u64 {
        self.last_id = clock::snowflake_now().max(self.last_id + 1);
        self.last_id
    }

    pub(crate) fn since_start(&self) -> Duration {
        self.started.elapsed()
    }

    pub(crate) fn log_gateway(&mut self, connection: u64, what: GatewayEvent) {
        let at = self.since_start();
        self.gateway_log.push(GatewayEntry {
            at,
            connection,
            what,
        });
    }

    pub(crate) fn broken(&mut self, rule: impl Into<String>) {
        self.violations.push(rule.into());
    }

    pub(crate) fn member(&self, id: u64) -> Option<&Member> {
        self.setup.people.iter().find(|person| person.id == id)
    }

    pub(crate) fn member_named(&self, name: &str) -> Option<&Member> {
        self.setup.people.iter().find(|person| person.name == name)
    }

    pub(crate) fn channel(&self, id: u64) -> Option<&Channel> {
        self.setup.channels.iter().find(|channel| channel.id == id)
    }

    pub(crate) fn person_of_direct(&self, channel: u64) -> Option<u64> {
        self.direct
            .iter()
            .find(|(_, c)| **c == channel)
            .map(|(person, _)| *person)
    }

    /// The direct message channel with a person, opened if need be.
    pub(crate) fn direct_channel(&mut self, person: u64) -> u64 {
        if let Some(channel) = self.direct.get(&person) {
            return *channel;
        }
        let channel = self.new_id();
        self.direct.insert(person, channel);
        channel
    }

    pub(crate) fn person_name(&self, id: u64) -> String {
        self.member(id)
            .map_or_else(|| id.to_string(), |person| person.name.clone())
    }

    pub(crate) fn place_name(&self, channel: u64) -> String {
        if let Some(channel) = self.channel(channel) {
            return format!("#{}", channel.name);
        }
        match self.person_of_direct(channel) {
            Some(person) => format!("the direct messages with {}", self.person_name(person)),
            None => format!("channel {channel}"),
        }
    }

    /// Everything about one interaction, for the text of a failing test.
    pub(crate) fn story(&self, interaction: u64) -> String {
        let Some(it) = self.interactions.get(&interaction) else {
            return "no such interaction".into();
        };
        let mut lines = vec![format!("{} did: {}", self.person_name(it.person), it.deed)];
        match &it.ack {
            Some(ack) => lines.push(format!(
                "acknowledged with type {} after {:?}",
                ack.kind, ack.after
            )),
            None => lines.push("never acknowledged".into()),
        }
        for message in it
            .original
            .iter()
            .chain(&it.follow_ups)
            .filter_map(|id| self.messages.get(id))
        {
            for (n, version) in message.versions.iter().enumerate() {
                lines.push(format!(
                    "message {} version {n}:\n{}",
                    message.id,
                    message.view(self, version, n).text()
                ));
            }
            if message.deleted {
                lines.push(format!("message {} was deleted", message.id));
            }
        }
        lines.extend(
            it.trouble
                .iter()
                .map(|trouble| format!("answered to the bot: {trouble}")),
        );
        if !self.sessions.any_connected() {
            lines.push("no gateway session is connected".into());
        }
        lines.extend(
            self.violations
                .iter()
                .map(|rule| format!("violation: {rule}")),
        );
        lines.join("\n")
    }
}
