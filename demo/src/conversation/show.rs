//! What is printed as it comes, in what order.

use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use fake_discord::setup::BOT_CHANNEL;
use fake_discord::{Answer, Message};

use super::Conversation;
use crate::card::{self, Heading};
use crate::channel::News;
use crate::words::Reading;

/// How long an answer may be promised before that is worth a line.
const PATIENCE: Duration = Duration::from_secs(1);
/// Discord's type of a first answer that only promises one.
const PROMISE: u8 = 5;

impl Conversation {
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
