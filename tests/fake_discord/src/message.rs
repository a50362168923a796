//! Messages: every version that was ever shown, and the view of one version that tests get.

use std::sync::Arc;
use std::time::Duration;

use serde_json::Value;

use crate::state::State;

pub(crate) const EPHEMERAL: u64 = 1 << 6;
pub(crate) const LOADING: u64 = 1 << 7;
pub(crate) const COMPONENTS_V2: u64 = 1 << 15;

pub(crate) struct Stored {
    pub id: u64,
    pub channel: u64,
    pub guild: Option<u64>,
    pub ephemeral_for: Option<u64>,
    /// The interaction that made it; `None`: posted to the channel.
    pub interaction: Option<u64>,
    pub created: String,
    pub versions: Vec<Version>,
    pub deleted: bool,
    /// So many versions, counted from the first, were looked at by a test.
    pub read: usize,
}

#[derive(Clone, Default)]
pub(crate) struct Version {
    pub content: String,
    pub embeds: Vec<Value>,
    pub components: Vec<Value>,
    pub attachments: Vec<Attachment>,
    pub flags: u64,
    /// Whom it pinged, after `allowed_mentions`.
    pub pings: Vec<u64>,
    pub edited: Option<String>,
    pub at: Duration,
}

impl Version {
    pub(crate) fn thinking(&self) -> bool {
        self.flags & LOADING != 0
    }
}

#[derive(Clone, Debug)]
pub struct Attachment {
    pub id: u64,
    pub name: String,
    pub description: Option<String>,
    pub content_type: String,
    pub bytes: Arc<[u8]>,
}

/// A message as its readers saw it at one moment.
#[derive(Clone, Debug)]
pub struct Message {
    pub id: u64,
    pub channel: u64,
    pub author: String,
    /// Only this person sees it.
    pub ephemeral_for: Option<u64>,
    /// The same person's name.
    pub ephemeral_for_name: Option<String>,
    pub content: String,
    pub embeds: Vec<Value>,
    pub components: Vec<Value>,
    pub attachments: Vec<Attachment>,
    pub flags: u64,
    /// People and roles that were really notified.
    pub pings: Vec<u64>,
    /// How often it had been edited.
    pub edits: usize,
    /// Whose deed it answers: `max: /vm start 101`.
    pub answers: Option<String>,
    /// Still only "... is thinking".
    pub thinking: bool,
    pub deleted: bool,
    /// Since the fake started.
    pub at: Duration,
}

impl Stored {
    pub(crate) fn latest(&self) -> Option<&Version> {
        self.versions.last()
    }

    fn answered_deed(&self, state: &State) -> Option<String> {
        let made_by = state.interactions.get(&self.interaction?)?;
        Some(format!(
            "{}: {}",
            state.person_name(made_by.person),
            made_by.deed
        ))
    }

    pub(crate) fn view(&self, state: &State, version: &Version, number: usize) -> Message {
        Message {
            id: self.id,
            channel: self.channel,
            author: state.setup.bot_name.clone(),
            ephemeral_for: self.ephemeral_for,
            ephemeral_for_name: self.ephemeral_for.map(|id| state.person_name(id)),
            content: version.content.clone(),
            embeds: version.embeds.clone(),
            components: version.components.clone(),
            attachments: version.attachments.clone(),
            flags: version.flags,
            pings: version.pings.clone(),
            edits: number,
            answers: self.answered_deed(state),
            thinking: version.thinking(),
            deleted: self.deleted,
            at: version.at,
        }
    }
}

/// A version as a test sees it; having seen it, it and all before count as read.
pub(crate) fn read_version(state: &mut State, message: u64, number: usize) -> Option<Message> {
    let stored = state.messages.get_mut(&message)?;
    stored.read = stored.read.max(number + 1);
    let stored = state.messages.get(&message)?;
    Some(stored.view(state, stored.versions.get(number)?, number))
}

pub(crate) fn read_latest(state: &mut State, message: u64) -> Option<Message> {
    let last = state
        .messages
        .get(&message)?
        .versions
        .len()
        .checked_sub(1)?;
    read_version(state, message, last)
}

/// What that person sees in that channel now, without counting as read: for a page, not for a test.
pub(crate) fn visible(state: &State, person: u64, channel: u64) -> Vec<Message> {
    let mine = |message: &&Stored| message.ephemeral_for.is_none_or(|reader| reader == person);
    let here = state
        .messages
        .values()
        .filter(|message| message.channel == channel && !message.deleted);
    let shown = here.filter(mine).filter_map(|message| {
        let number = message.versions.len().checked_sub(1)?;
        Some(message.view(state, &message.versions[number], number))
    });
    shown.collect()
}

/// What was shown and nobody looked at, in words.
pub(crate) fn unread(state: &State) -> Vec<String> {
    let mut found = Vec::new();
    for message in state.messages.values() {
        let Some(number) = message
            .versions
            .iter()
            .rposition(|version| !version.thinking())
        else {
            if !message.deleted {
                found.push(format!(
                    "in {}: still thinking",
                    state.place_name(message.channel)
                ));
            }
            continue;
        };
        let settled_by_deletion = message.deleted && message.read > 0;
        if number < message.read || settled_by_deletion {
            continue;
        }
        let view = message.view(state, &message.versions[number], number);
        let edit = if number == 0 {
            String::new()
        } else {
            format!(" (edit {number})")
        };
        found.push(format!(
            "in {}{edit}:\n{}",
            state.place_name(message.channel),
            view.text()
        ));
    }
    found
}
