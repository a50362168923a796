//! What one person sees as the result of one interaction.

use std::sync::Arc;
use std::time::Duration;

use serde_json::Value;

use crate::message::{Message, read_version};
use crate::state::{Interaction, Shared, State};

/// The bot's first answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ack {
    /// 4 message, 5 deferred, 6 deferred update, 7 update, 8 choices, 9 modal.
    pub kind: u8,
    pub ephemeral: bool,
    pub after: Duration,
}

#[derive(Clone)]
pub struct Answer {
    pub(crate) shared: Arc<Shared>,
    pub(crate) interaction: u64,
}

impl Answer {
    pub fn interaction_id(&self) -> u64 {
        self.interaction
    }

    /// The first visible message: of the answer, or a follow-up where the answer stays silent.
    pub async fn first(&self) -> Message {
        self.wait("a visible message", |state| {
            let (mut shown, follow_ups) = (self.shown(state), self.followed(state));
            shown.extend(follow_ups);
            shown.first()?.read(state)
        })
        .await
    }

    /// A version of the answer that contains this; versions before it count as read too.
    pub async fn until(&self, contains: &str) -> Message {
        let what = format!("`{contains}`");
        self.wait(&what, |state| {
            let found = self.shown(state);
            found
                .iter()
                .find(|seen| seen.has(state, contains))?
                .read(state)
        })
        .await
    }

    /// The answer as it stands when nothing has changed for a while (250 ms).
    pub async fn settled(&self) -> Message {
        loop {
            let first = self.first().await;
            let before = self.pulse();
            tokio::time::sleep(Duration::from_millis(250)).await;
            if self.pulse() == before {
                return self.versions().pop().unwrap_or(first);
            }
        }
    }

    fn pulse(&self) -> (usize, usize) {
        let state = self.shared.look();
        (self.shown(&state).len(), self.followed(&state).len())
    }

    /// All visible versions so far.
    pub fn versions(&self) -> Vec<Message> {
        let mut state = self.shared.look();
        let shown = self.shown(&state);
        shown
            .iter()
            .filter_map(|seen| seen.read(&mut state))
            .collect()
    }

    /// The newest visible version, if there is one.
    pub fn now(&self) -> Option<Message> {
        self.versions().pop()
    }

    /// All follow-ups so far, each as it stands.
    pub fn follow_ups(&self) -> Vec<Message> {
        let mut state = self.shared.look();
        let followed = self.followed(&state);
        followed
            .iter()
            .filter_map(|seen| seen.read(&mut state))
            .collect()
    }

    pub async fn follow_up(&self, contains: &str) -> Message {
        let what = format!("a follow-up with `{contains}`");
        self.wait(&what, |state| {
            let found = self.followed(state);
            found
                .iter()
                .find(|seen| seen.has(state, contains))?
                .read(state)
        })
        .await
    }

    pub fn ack(&self) -> Option<Ack> {
        self.its(&self.shared.look())?.ack
    }

    pub async fn acked(&self) -> Ack {
        self.wait("an acknowledgement", |state| self.its(state)?.ack)
            .await
    }

    /// Waits until the answer (or, after a press, the message pressed) is deleted.
    pub async fn deleted(&self) {
        self.wait("the deletion of the answer", |state| {
            let original = self.its(state)?.original?;
            let stored = state
                .messages
                .get_mut(&original)
                .filter(|stored| stored.deleted)?;
            stored.read = stored.versions.len();
            Some(())
        })
        .await;
    }

    /// The modal that opened (callback type 9).
    pub async fn modal(&self) -> Value {
        self.wait("a modal", |state| self.its(state)?.modal.clone())
            .await
    }

    /// Everything that happened, in words.
    pub fn story(&self) -> String {
        self.shared.look().story(self.interaction)
    }

    async fn wait<R>(&self, what: &str, look: impl FnMut(&mut State) -> Option<R>) -> R {
        let patience = self.shared.look().setup.patience;
        match self.shared.wait_for(patience, look).await {
            Some(found) => found,
            None => panic!("{what} did not come within {patience:?}.\n{}", self.story()),
        }
    }

    fn its<'a>(&self, state: &'a State) -> Option<&'a Interaction> {
        state.interactions.get(&self.interaction)
    }

    /// The visible versions of the answer, from the first that this interaction made.
    fn shown(&self, state: &State) -> Vec<Seen> {
        let original = self
            .its(state)
            .and_then(|its| Some((its.original?, its.original_from)));
        let Some((message, from)) = original else {
            return Vec::new();
        };
        let Some(stored) = state.messages.get(&message) else {
            return Vec::new();
        };
        let versions = stored.versions.iter().enumerate().skip(from);
        versions
            .filter(|(_, version)| !version.thinking())
            .map(|(number, _)| Seen { message, number })
            .collect()
    }

    /// The newest version of every follow-up.
    fn followed(&self, state: &State) -> Vec<Seen> {
        let follow_ups = self
            .its(state)
            .map(|its| its.follow_ups.as_slice())
            .unwrap_or_default();
        let newest = follow_ups.iter().filter_map(|message| {
            let number = state.messages.get(message)?.versions.len().checked_sub(1)?;
            Some(Seen {
                message: *message,
                number,
            })
        });
        newest.collect()
    }
}

/// One version of one message.
struct Seen {
    message: u64,
    number: usize,
}

impl Seen {
    fn read(&self, state: &mut State) -> Option<Message> {
        read_version(state, self.message, self.number)
    }

    fn has(&self, state: &State, text: &str) -> bool {
        let stored = state.messages.get(&self.message);
        let view = stored.and_then(|stored| {
            Some(stored.view(state, stored.versions.get(self.number)?, self.number))
        });
        view.is_some_and(|view| view.text().contains(text))
    }
}
