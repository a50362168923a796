//! Questions and answers in a plain terminal, line by line: over SSH, from a pipe, or not at all.

use std::io::{BufRead as _, IsTerminal as _};

use rustix::termios::{LocalModes, OptionalActions, Termios, tcgetattr, tcsetattr};
use tokio::sync::mpsc;

use crate::cli::{CONFIGURATION, TRY_AGAIN, complain, say};
use crate::embed::setup as words;

/// Why there is no next step.
#[derive(Debug)]
pub(super) enum Stop {
    /// What to tell, and the exit code.
    Failed(String, u8),
    /// Ctrl-C, what a service manager sends, or a no at the end.
    Interrupted,
}

impl Stop {
    /// A restart with the same answers would end in the same way.
    pub(super) fn lasting(said: impl Into<String>) -> Self {
        Self::Failed(said.into(), CONFIGURATION)
    }

    pub(super) fn passing(said: impl Into<String>) -> Self {
        Self::Failed(said.into(), TRY_AGAIN)
    }
}

/// Whoever answers.
pub(super) struct Dialogue {
    /// Lines as they are typed; closed when there are no more.
    lines: mpsc::UnboundedReceiver<String>,
    /// A person types: secrets are hidden.
    terminal: bool,
    /// `--yes`: nobody is there, and options and what is present are all the answers.
    unattended: bool,
}

impl Dialogue {
    pub(super) fn new(unattended: bool) -> Self {
        let (send, lines) = mpsc::unbounded_channel();
        if !unattended {
            // A thread of its own: a blocked read cannot be called off, and must not keep the
            // program from ending.
            std::thread::spawn(move || {
                for line in std::io::stdin().lock().lines() {
                    let Ok(line) = line else { return };
                    if send.send(line).is_err() {
                        return;
                    }
                }
            });
        }
        let terminal = std::io::stdin().is_terminal();
        Self {
            lines,
            terminal,
            unattended,
        }
    }

    pub(super) fn unattended(&self) -> bool {
        self.unattended
    }

    async fn line(&mut self, prompt: &str) -> Result<String, Stop> {
        say(prompt);
        let line = self.lines.recv().await;
        if !self.terminal {
            // What is piped in does not show, and neither does its line break.
            say("\n");
        }
        let line = line.ok_or_else(|| Stop::lasting(words::NO_MORE_INPUT))?;
        Ok(line.trim().to_owned())
    }

    /// Asks until the answer can be read. Enter means `default`, shown in brackets.
    pub(super) async fn ask<T>(
        &mut self,
        question: &str,
        default: Option<&str>,
        read: impl Fn(&str) -> Result<T, String>,
    ) -> Result<T, Stop> {
        loop {
            let typed = self.line(&words::prompt(question, default)).await?;
            let answer = match default {
                Some(default) if typed.is_empty() => default,
                _ => &typed,
            };
            match read(answer) {
                Ok(value) => return Ok(value),
                Err(why) => say(&words::not_that(&why)),
            }
        }
    }

    pub(super) async fn yes(&mut self, question: &str, default: bool) -> Result<bool, Stop> {
        let shown = if default { "yes" } else { "no" };
        let read = |typed: &str| match typed.to_ascii_lowercase().as_str() {
            "y" | "yes" => Ok(true),
            "n" | "no" => Ok(false),
            _ => Err(words::YES_OR_NO.to_owned()),
        };
        self.ask(question, Some(shown), read).await
    }

    /// One of several, by its number from 1; gives its place from 0.
    pub(super) async fn choose(
        &mut self,
        question: &str,
        choices: &[String],
        default: Option<usize>,
    ) -> Result<usize, Stop> {
        say(&words::numbered(choices));
        let shown = default.map(|at| (at + 1).to_string());
        let most = choices.len();
        self.ask(question, shown.as_deref(), |typed| {
            let number = typed.parse::<usize>().ok();
            let at = number.and_then(|number| number.checked_sub(1));
            at.filter(|at| *at < most)
                .ok_or_else(|| words::one_of(most))
        })
        .await
    }

    /// Does not show what is typed. `present`: Enter keeps it, and gives `None`.
    pub(super) async fn secret<T>(
        &mut self,
        question: &str,
        present: bool,
        read: impl Fn(&str) -> Result<T, String>,
    ) -> Result<Option<T>, Stop> {
        loop {
            let typed = {
                let hidden = if self.terminal {
                    Some(Hidden::new()?)
                } else {
                    None
                };
                let typed = self.line(&words::secret_prompt(question, present)).await;
                if hidden.is_some() {
                    say("\n");
                }
                typed?
            };
            if typed.is_empty() && present {
                return Ok(None);
            }
            match read(&typed) {
                Ok(value) => return Ok(Some(value)),
                Err(why) => say(&words::not_that(&why)),
            }
        }
    }
}

/// While it lives, the terminal does not show what is typed. Dropped when the question is answered
/// or called off, so that no terminal is left silent.
struct Hidden(Termios);

impl Hidden {
    fn new() -> Result<Self, Stop> {
        let shown = |error: rustix::io::Errno| Stop::lasting(words::not_hidden(&error.to_string()));
        let stdin = std::io::stdin();
        let before = tcgetattr(&stdin).map_err(shown)?;
        let mut silent = before.clone();
        silent.local_modes.remove(LocalModes::ECHO);
        tcsetattr(&stdin, OptionalActions::Flush, &silent).map_err(shown)?;
        Ok(Self(before))
    }
}

impl Drop for Hidden {
    fn drop(&mut self) {
        if let Err(error) = tcsetattr(std::io::stdin(), OptionalActions::Now, &self.0) {
            complain(&words::still_hidden(&error.to_string()));
        }
    }
}
