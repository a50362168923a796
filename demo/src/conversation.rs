//! One person at a time talks with the bot, and what they see is printed as it comes.

use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use fake_discord::setup::BOT_CHANNEL;
use fake_discord::{Answer, Message, Setup};

use crate::card::{self, Heading};
use crate::channel::{Channel, News};
use crate::press;
use crate::screen::Screen;
use crate::words::Reading;
use crate::world::World;

/// How long nothing must come before the answer counts as whole.
const QUIET: Duration = Duration::from_millis(400);
/// How often to look even if nothing was heard: some things only become true with time.
const LOOK: Duration = Duration::from_millis(100);

/// How long an answer may be promised before that is worth a line.
const PATIENCE: Duration = Duration::from_secs(1);
/// Discord's type of a first answer that only promises one.
const PROMISE: u8 = 5;

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
        let answer = person.try_click(&message, &label).await?;
        self.expect(answer);
        Ok(())
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

    /// Prints what this person has not seen yet; whether there was anything.
    pub async fn show_news(&mut self) -> bool {
        // Looked at first and printed last: a write comes after the card that announces it.
        let writes = self.world.writes();
        let news = self.channel.news(&self.name);
        let any = !news.is_empty();
        for one in &news {
            self.show(one);
        }
        if any {
            self.last_news = Instant::now();
        }
        self.show_writes(&writes);
        self.show_thinking();
        self.show_troubles().await || any
    }

    /// What Discord shows for an answer that is promised; not for the moment that is usual.
    fn show_thinking(&mut self) {
        let waited = self.world.now().saturating_sub(self.acted_at);
        let promised = |answer: &Answer| {
            answer.ack().is_some_and(|ack| ack.kind == PROMISE) && answer.now().is_none()
        };
        if self.told_thinking || waited < PATIENCE || !self.latest.as_ref().is_some_and(promised) {
            return;
        }
        self.told_thinking = true;
        let line = format!("{:4.1} s  steward is thinking ...\n", waited.as_secs_f32());
        let line = self.screen.paint.dim(&line);
        self.screen.line(&line);
    }

    /// The other side of the bot, which nobody in Discord sees.
    fn show_writes(&mut self, writes: &[String]) {
        let seconds = self.seconds(self.world.now());
        for write in writes.iter().skip(self.told_writes) {
            let line = format!("{seconds:4.1} s  Proxmox is asked: {write}\n");
            let line = self.screen.paint.dim(&line);
            self.screen.line(&line);
        }
        self.told_writes = writes.len();
    }

    fn show(&mut self, news: &News) {
        let reading = Reading {
            setup: &self.setup,
            now: unix_now(),
            paint: self.screen.paint,
        };
        let lines = match news {
            News::Shown(message) => card::lines(&self.heading(message), &reading),
            News::Deleted(message) => vec![card::deleted(&self.heading(message), &reading)],
        };
        self.screen.line(&lines.join("\n"));
        self.screen.line("");
    }

    fn heading<'m>(&self, message: &'m Message) -> Heading<'m> {
        Heading {
            seconds: self.seconds(message.at),
            direct: message.channel != BOT_CHANNEL,
            message,
        }
    }

    /// Since the person acted.
    fn seconds(&self, at: Duration) -> f32 {
        at.saturating_sub(self.acted_at).as_secs_f32()
    }

    /// What Discord would say of the bot, and an end of the bot.
    async fn show_troubles(&mut self) -> bool {
        let mut troubles = Vec::new();
        // Suggestions that did not come are told where they were asked for.
        let mut unanswered = self.world.discord.unanswered();
        unanswered.retain(|deed| !deed.contains(": types "));
        for deed in unanswered.iter().skip(self.told_unanswered) {
            troubles.push(format!("The application did not respond ({deed})"));
        }
        self.told_unanswered = unanswered.len();
        let violations = self.world.discord.violations();
        for rule in violations.iter().skip(self.told_violations) {
            self.faulty = true;
            troubles.push(format!("The bot broke a rule of Discord's: {rule}"));
        }
        self.told_violations = violations.len();
        if let Some(why) = self.world.ended().await {
            self.faulty = true;
            troubles.push(format!("The bot has stopped: {why}"));
        }
        for trouble in &troubles {
            self.screen.note(&format!("{trouble}\n"));
        }
        !troubles.is_empty()
    }

    /// What Proxmox was asked to change, as a line to look for.
    pub fn writes_line(&self) -> String {
        let writes = self.world.writes();
        match writes.len() {
            0 => "Proxmox: no writes".to_owned(),
            1 => format!("Proxmox: 1 write: {}", writes[0]),
            count => format!("Proxmox: {count} writes: {}", writes.join(", ")),
        }
    }
}

fn unix_now() -> i64 {
    let since = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default();
    i64::try_from(since.as_secs()).unwrap_or(i64::MAX)
}
