//! What one person sees of the channel and of the bot's direct messages: every version once.

use std::collections::HashSet;

use fake_discord::setup::BOT_CHANNEL;
use fake_discord::{Answer, Discord, Message};

/// One change on the screen.
pub enum News {
    Shown(Message),
    Deleted(Message),
}

pub struct Channel {
    discord: Discord,
    /// Kept because only they know the versions that came and went between two looks.
    answers: Vec<Answer>,
    /// Message and how often it had been edited.
    seen: HashSet<(u64, usize)>,
    gone: HashSet<u64>,
}

impl Channel {
    pub fn new(discord: Discord) -> Self {
        Self {
            discord,
            answers: Vec::new(),
            seen: HashSet::new(),
            gone: HashSet::new(),
        }
    }

    pub fn expect(&mut self, answer: Answer) {
        self.answers.push(answer);
    }

    /// What this person has not seen yet, oldest first.
    pub fn news(&mut self, name: &str) -> Vec<News> {
        let me = self.discord.person(name).id();
        let mut found = self.visible(name);
        for answer in &self.answers {
            found.extend(answer.versions());
            found.extend(answer.follow_ups());
        }
        found.retain(|message| {
            let mine = message.ephemeral_for.is_none_or(|reader| reader == me);
            mine && !message.thinking && self.seen.insert((message.id, message.edits))
        });
        found.sort_by_key(|message| (message.at, message.id));
        let mut news: Vec<News> = found.into_iter().map(News::Shown).collect();
        news.extend(self.deletions(me).into_iter().map(News::Deleted));
        news
    }

    /// Every message as it stands, those of the channel and those to this person alone.
    pub fn visible(&self, name: &str) -> Vec<Message> {
        let mut messages = self.discord.visible_to(name, BOT_CHANNEL);
        messages.extend(self.discord.direct_messages(name));
        messages
    }

    fn deletions(&mut self, me: u64) -> Vec<Message> {
        let ids: HashSet<u64> = self.seen.iter().map(|(id, _)| *id).collect();
        let mut deleted: Vec<Message> = ids
            .into_iter()
            .filter(|id| !self.gone.contains(id))
            .filter_map(|id| self.discord.message(id))
            .filter(|message| message.deleted)
            .filter(|message| message.ephemeral_for.is_none_or(|reader| reader == me))
            .collect();
        deleted.sort_by_key(|message| message.id);
        self.gone.extend(deleted.iter().map(|message| message.id));
        deleted
    }
}
