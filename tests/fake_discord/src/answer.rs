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
        self.wait("a visible message", |state, interaction| {
            let first = numbers(state, interaction, false).first().copied();
            let (message, number) =
                first.or_else(|| follow_up_numbers(state, interaction).first().copied())?;
            read_version(state, message, number)
        })
        .await
    }

    /// A version of the answer that contains this; versions before it count as read too.
    pub async fn until(&self, contains: &str) -> Message {
        self.wait(&format!("`{contains}`"), |state, interaction| {
            let found = numbers(state, interaction, false);
            let (message, number) = found
                .into_iter()
                .find(|(id, n)| shows(state, *id, *n, contains))?;
            read_version(state, message, number)
        })
        .await
    }

    /// The answer as it stands when nothing has changed for a while (250 ms).
    pub async fn settled(&self) -> Message {
        let mut last = self.first().await;
        loop {
            let before = self.pulse();
            tokio::time::sleep(Duration::from_millis(250)).await;
            if self.pulse() == before {
                return self.versions().pop().unwrap_or(last);
            }
            last = self.first().await;
        }
    }

    fn pulse(&self) -> (usize, usize) {
        let state = self.shared.look();
        let Some(interaction) = state.interactions.get(&self.interaction) else {
            return (0, 0);
        };
        (
            numbers(&state, interaction, true).len(),
            interaction.follow_ups.len(),
        )
    }

    /// All visible versions so far.
    pub fn versions(&self) -> Vec<Message> {
        let mut state = self.shared.look();
        let Some(interaction) = state.interactions.get(&self.interaction) else {
            return Vec::new();
        };
        let found = numbers(&state, interaction, false);
        found
            .into_iter()
            .filter_map(|(message, number)| read_version(&mut state, message, number))
            .collect()
    }

    /// The newest visible version, if there is one.
    pub fn now(&self) -> Option<Message> {
        self.versions().pop()
    }

    /// All follow-ups so far, each as it stands.
    pub fn follow_ups(&self) -> Vec<Message> {
        let mut state = self.shared.look();
        let Some(interaction) = state.interactions.get(&self.interaction) else {
            return Vec::new();
        };
        let found = follow_up_numbers(&state, interaction);
        found
            .into_iter()
            .filter_map(|(message, number)| read_version(&mut state, message, number))
            .collect()
    }

    pub async fn follow_up(&self, contains: &str) -> Message {
        self.wait(
            &format!("a follow-up with `{contains}`"),
            |state, interaction| {
                let found = follow_up_numbers(state, interaction);
                let (message, number) = found
                    .into_iter()
                    .find(|(id, n)| shows(state, *id, *n, contains))?;
                read_version(state, message, number)
            },
        )
        .await
    }

    pub fn ack(&self) -> Option<Ack> {
        self.shared.look().interactions.get(&self.interaction)?.ack
    }

    pub async fn acked(&self) -> Ack {
        self.wait("an acknowledgement", |_, interaction| interaction.ack)
            .await
    }

    /// Waits until the answer (or, after a press, the message pressed) is deleted.
    pub async fn deleted(&self) {
        self.wait("the deletion of the answer", |state, interaction| {
            let stored = state.messages.get_mut(&interaction.original?)?;
            stored.read = if stored.deleted {
                stored.versions.len()
            } else {
                stored.read
            };
            stored.deleted.then_some(())
        })
        .await;
    }

    /// The modal that opened (callback type 9).
    pub async fn modal(&self) -> Value {
        self.wait("a modal", |_, interaction| interaction.modal.clone())
            .await
    }

    /// Everything that happened, in words.
    pub fn story(&self) -> String {
        self.shared.look().story(self.interaction)
    }

    async fn wait<R>(
        &self,
        what: &str,
        mut look: impl FnMut(&mut State, &Interaction) -> Option<R>,
    ) -> R {
        let patience = self.shared.look().setup.patience;
        let found = self.shared.wait_for(patience, |state| {
            // Taken out for the look, so that the look may change the messages.
            let interaction = state.interactions.remove(&self.interaction)?;
            let result = look(state, &interaction);
            state.interactions.insert(self.interaction, interaction);
            result
        });
        match found.await {
            Some(found) => found,
            None => panic!("{what} did not come within {patience:?}.\n{}", self.story()),
        }
    }
}

/// Message and version number of what the answer showed.
fn numbers(state: &State, interaction: &Interaction, thinking_too: bool) -> Vec<(u64, usize)> {
    let Some(original) = interaction.original else {
        return Vec::new();
    };
    let Some(stored) = state.messages.get(&original) else {
        return Vec::new();
    };
    let versions = stored
        .versions
        .iter()
        .enumerate()
        .skip(interaction.original_from);
    versions
        .filter(|(_, version)| thinking_too || !version.thinking())
        .map(|(n, _)| (original, n))
        .collect()
}

fn follow_up_numbers(state: &State, interaction: &Interaction) -> Vec<(u64, usize)> {
    let messages = interaction
        .follow_ups
        .iter()
        .filter_map(|id| state.messages.get(id));
    messages
        .filter_map(|message| Some((message.id, message.versions.len().checked_sub(1)?)))
        .collect()
}

fn shows(state: &State, message: u64, number: usize, contains: &str) -> bool {
    let stored = state.messages.get(&message);
    let view =
        stored.and_then(|stored| Some(stored.view(state, stored.versions.get(number)?, number)));
    view.is_some_and(|view| view.text().contains(contains))
}
