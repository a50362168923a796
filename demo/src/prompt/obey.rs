//! Does what a line asks for.

use std::time::Duration;

use super::order::{Order, WORDS};
use super::{LOOK, Manner, Prompt, offers};
use crate::arguments::all_faults;
use crate::catalogue;
use crate::conversation::Rest;

/// How long a prompt that people use stays away for the first words of an answer.
const FIRST_WORDS: Duration = Duration::from_secs(1);
const WHOLE_ANSWER: Duration = Duration::from_mins(1);

#[derive(Clone, Copy, PartialEq, Eq)]
pub enum After {
    GoOn,
    Quit,
}

impl Prompt {
    pub(super) async fn obey(&mut self, order: Order) -> After {
        match order {
            Order::Nothing => {}
            Order::Slash(text) => self.slash(&text).await,
            Order::Offers(begun) => self.offers(&begun).await,
            Order::Press(which) => self.press(&which).await,
            Order::Become(name) => self.become_person(&name),
            Order::Break(name) => self.break_by_name(&name),
            Order::Mend => {
                self.talk.world.mend();
                self.talk.screen.line("All faults are ended.");
            }
            Order::Faults => self.list(all_faults()),
            Order::People => self.people(),
            Order::Wait(seconds) => self.wait(seconds).await,
            Order::Help => self.help(),
            Order::Quit => return After::Quit,
            Order::Unclear(line) => {
                let hint = if self.knows_command(&line) {
                    format!("Commands of the bot begin with a slash: /{line}")
                } else {
                    format!("`{line}` is nothing I know; help lists what there is.")
                };
                self.talk.screen.note(&hint);
            }
        }
        After::GoOn
    }

    async fn slash(&mut self, text: &str) {
        if let Err(problem) = self.talk.slash(text).await {
            return self.talk.screen.note(&problem);
        }
        self.answered().await;
    }

    async fn press(&mut self, which: &str) {
        if let Err(problem) = self.talk.press(which).await {
            return self.talk.screen.note(&problem);
        }
        self.answered().await;
    }

    /// A script goes on when all is said; people can type while the rest comes.
    async fn answered(&mut self) {
        match self.manner {
            Manner::Script => self.wait(None).await,
            Manner::People => self.talk.until_answered(FIRST_WORDS).await,
        }
    }

    async fn wait(&mut self, seconds: Option<u64>) {
        let Some(seconds) = seconds else {
            if self.talk.until_settled(WHOLE_ANSWER).await == Rest::Unfinished {
                self.talk
                    .screen
                    .note("It is still at work; not waited for.");
            }
            return;
        };
        let end = tokio::time::Instant::now() + Duration::from_secs(seconds);
        while tokio::time::Instant::now() < end {
            self.talk.show_news().await;
            tokio::time::sleep(LOOK).await;
        }
    }

    async fn offers(&mut self, begun: &str) {
        let discord = self.talk.world.discord.clone();
        match offers::offers(&discord, self.talk.name(), begun).await {
            Ok(offers) if offers.list.is_empty() => self.talk.screen.line("  (nothing is offered)"),
            Ok(offers) => {
                let lines = offers.lines().join("\n  ");
                self.talk.screen.line(&format!("  {lines}"));
            }
            Err(problem) => self.talk.screen.note(&problem),
        }
    }

    fn become_person(&mut self, name: &str) {
        let known = self.talk.world.discord.setup().people;
        if known.iter().any(|person| person.name == name) {
            return self.talk.become_person(name);
        }
        self.talk
            .screen
            .note(&format!("There is nobody called {name}. There are:"));
        self.people();
    }

    fn break_by_name(&mut self, name: &str) {
        let Some((_, meaning)) = all_faults().find(|(known, _)| *known == name) else {
            let text = format!("There is no fault called {name}; faults lists them.");
            return self.talk.screen.note(&text);
        };
        self.talk.world.break_by_name(name);
        self.talk.screen.line(&format!("{name}: {meaning}"));
    }

    fn people(&mut self) {
        let setup = self.talk.world.discord.setup();
        for person in &setup.people {
            let roles = person.roles.iter().filter_map(|id| {
                let role = setup.roles.iter().find(|role| role.id == *id)?;
                Some(format!("@{}", role.name))
            });
            let roles: Vec<String> = roles.collect();
            self.talk.screen.line(&row(&person.name, &roles.join(", ")));
        }
    }

    fn help(&mut self) {
        self.talk.screen.line("At this prompt:");
        self.list(WORDS.iter().copied());
        self.talk.screen.line("The bot's commands:");
        let commands = catalogue::lines(&self.talk.world.discord);
        self.talk.screen.line(&commands.join("\n"));
    }

    fn list<'a>(&mut self, rows: impl Iterator<Item = (&'a str, &'a str)>) {
        let rows: Vec<String> = rows.map(|(name, meaning)| row(name, meaning)).collect();
        self.talk.screen.line(&rows.join("\n"));
    }

    fn knows_command(&self, line: &str) -> bool {
        let first = format!("/{}", line.split_whitespace().next().unwrap_or_default());
        let commands = catalogue::entries(&self.talk.world.discord);
        let is_it = |command: &str| command.split_whitespace().next() == Some(first.as_str());
        commands.iter().any(|entry| is_it(&entry.command))
    }
}

fn row(name: &str, meaning: &str) -> String {
    format!("  {name:24} {meaning}").trim_end().to_owned()
}
