//! One person at a time talks with the bot, and what they see is printed as it comes.

mod show;

use std::time::{Duration, Instant};

use fake_discord::{Answer, Setup};

use crate::card;
use crate::channel::Channel;
use crate::press;
use crate::screen::Screen;
use crate::world::World;

/// How long nothing must come before the answer counts as whole.
const QUIET: Duration = Duration::from_millis(400);
/// How often to look even if nothing was heard: some things only become true with time.
const LOOK: Duration = Duration::from_millis(100);

/// Discord's type of an answer that is a form.
const FORM: u8 = 9;

/// How it stands when waiting is over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rest {
    /// The last word has been said.
    Settled,
    /// Not one word came.
    Unanswered,
    /// Still at work when the time was over.
    Unfinished,
}

pub struct Conversation {
    pub world: World,
    pub screen: Screen,
    name: String,
    channel: Channel,
    setup: Setup,
    acted_at: Duration,
    latest: Option<Answer>,
    told_thinking: bool,
    last_news: Instant,
    told_unanswered: usize,
    told_violations: usize,
    told_writes: usize,
    /// Whether anything went wrong that a careful bot does not do.
    pub faulty: bool,
}

impl Conversation {
    pub fn new(world: World, screen: Screen, name: &str) -> Self {
        Self {
            channel: Channel::new(world.discord.clone()),
            setup: world.discord.setup(),
            world,
            screen,
            name: name.to_owned(),
            acted_at: Duration::ZERO,
            latest: None,
            told_thinking: false,
            last_news: Instant::now(),
            told_unanswered: 0,
            told_violations: 0,
            told_writes: 0,
            faulty: false,
        }
    }

    pub fn name(&self) -> &str {
        &self.name
    }

    pub fn become_person(&mut self, name: &str) {
        name.clone_into(&mut self.name);
    }

    /// Types a slash command and sends it. `Err`: Discord would not send it, and says why.
    pub async fn slash(&mut self, text: &str) -> Result<(), String> {
        let person = self.world.discord.person(&self.name);
        self.acted_at = self.world.now();
        let answer = person.try_slash(text).await.map_err(|problem| {
            let known = format!("{} types `{text}`: ", self.name);
            problem.trim_start_matches(&known).to_owned()
        })?;
        self.expect(answer);
        Ok(())
    }

    /// Presses a button by number or label. `Err`: there is none.
    pub async fn press(&mut self, which: &str) -> Result<(), String> {
        let (message, label) = press::find(self.channel.visible(&self.name), which)?;
        let person = self.world.discord.person(&self.name);
        self.acted_at = self.world.now();
        let pressed = format!("{} presses [{label}]", self.name);
        self.screen.line(&self.screen.paint.bold(&pressed));
        let mut answer = person.try_click(&message, &label).await?;
        if self.opened_a_form(&answer).await {
            let title = answer.modal().await["title"]
                .as_str()
                .unwrap_or_default()
                .to_owned();
            self.screen
                .note(&format!("A form opens: {title}. It is sent empty."));
            answer = person.submit_modal(&answer, &[]).await;
        }
        self.expect(answer);
        Ok(())
    }

    /// Whether the bot answers the press with a form, once it answers at all.
    async fn opened_a_form(&self, answer: &Answer) -> bool {
        let end = Instant::now() + self.setup.answer_limit;
        loop {
            let revision = self.world.discord.revision();
            match answer.ack() {
                Some(ack) => return ack.kind == FORM,
                None if Instant::now() > end => return false,
                None => self.world.discord.changed_since(revision, LOOK).await,
            };
        }
    }

    fn expect(&mut self, answer: Answer) {
        self.channel.expect(answer.clone());
        self.latest = Some(answer);
        self.told_thinking = false;
        self.last_news = Instant::now();
    }

    /// Prints until the last word has been said, or for so long.
    pub async fn until_settled(&mut self, limit: Duration) -> Rest {
        let end = Instant::now() + limit;
        loop {
            let revision = self.world.discord.revision();
            self.show_news().await;
            if let Some(rest) = self.rest() {
                return rest;
            }
            if Instant::now() > end {
                return self.rest_when_late();
            }
            self.world.discord.changed_since(revision, LOOK).await;
        }
    }

    /// Prints until there is anything to see, or for so long.
    pub async fn until_answered(&mut self, limit: Duration) {
        let end = Instant::now() + limit;
        while Instant::now() < end {
            let revision = self.world.discord.revision();
            if self.show_news().await {
                return;
            }
            self.world.discord.changed_since(revision, LOOK).await;
        }
    }

    fn rest(&self) -> Option<Rest> {
        let Some(answer) = &self.latest else {
            return Some(Rest::Settled);
        };
        let waited = self.world.now().saturating_sub(self.acted_at);
        if answer.ack().is_none() && waited > self.setup.answer_limit + 2 * LOOK {
            return Some(Rest::Unanswered);
        }
        let now = answer.now();
        let answered = now.is_some() || !answer.follow_ups().is_empty();
        let at_work = now.as_ref().is_some_and(card::is_at_work);
        (answered && !at_work && self.last_news.elapsed() > QUIET).then_some(Rest::Settled)
    }

    fn rest_when_late(&self) -> Rest {
        match self.latest.as_ref().and_then(Answer::now) {
            Some(_) => Rest::Unfinished,
            None => Rest::Unanswered,
        }
    }
}
