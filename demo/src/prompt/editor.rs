//! The line editor for people: history, TAB, and messages that come while somebody types.

use std::sync::PoisonError;

use fake_discord::Discord;
use rustyline::completion::{Completer, Pair};
use rustyline::error::ReadlineError;
use rustyline::highlight::Highlighter;
use rustyline::hint::Hinter;
use rustyline::history::DefaultHistory;
use rustyline::validate::Validator;
use rustyline::{CompletionType, Config, Context, Editor, ExternalPrinter as _, Helper};
use tokio::runtime::Handle;
use tokio::sync::mpsc;

use super::lines::{Asked, ask};
use super::{Who, offers, prompt_of};
use crate::screen::Screen;

pub type LineEditor = Editor<Suggestions, DefaultHistory>;

pub struct Opened {
    pub lines: LineEditor,
    pub screen: Screen,
}

pub fn open(discord: Discord, who: Who, runtime: Handle) -> rustyline::Result<Opened> {
    let config = Config::builder()
        .completion_type(CompletionType::List)
        .completion_show_all_if_ambiguous(true)
        .auto_add_history(true)
        .build();
    let mut lines = LineEditor::with_config(config)?;
    lines.set_helper(Some(Suggestions {
        discord,
        who,
        runtime,
    }));
    let screen = match lines.create_external_printer() {
        Ok(mut printer) => Screen::through(Box::new(move |text| {
            let _ = printer.print(text);
        })),
        // A terminal that cannot move its cursor.
        Err(_) => Screen::stdout(),
    };
    Ok(Opened { lines, screen })
}

/// Until Ctrl-D or Ctrl-C, or until nobody wants another line.
pub fn read(mut lines: LineEditor, who: &Who, sender: &mpsc::Sender<Asked>) {
    loop {
        let name = who.lock().unwrap_or_else(PoisonError::into_inner).clone();
        match lines.readline(&prompt_of(&name)) {
            Ok(line) => {
                if !ask(sender, line) {
                    return;
                }
            }
            Err(ReadlineError::Signal(_)) => {}
            Err(_) => return,
        }
    }
}

/// Asks what could stand next, on the runtime where the bot answers.
pub struct Suggestions {
    discord: Discord,
    who: Who,
    runtime: Handle,
}

impl Completer for Suggestions {
    type Candidate = Pair;

    fn complete(
        &self,
        line: &str,
        at: usize,
        _: &Context<'_>,
    ) -> rustyline::Result<(usize, Vec<Pair>)> {
        let name = self
            .who
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone();
        let asked = offers::offers(&self.discord, &name, &line[..at]);
        // Why nothing is offered is told when the line is entered.
        let Ok(offers) = self.runtime.block_on(asked) else {
            return Ok((at, Vec::new()));
        };
        let lines = offers.lines().into_iter();
        let pair = |(display, offer): (String, &offers::Offer)| Pair {
            display,
            replacement: format!("{} ", offer.text),
        };
        Ok((offers.start, lines.zip(&offers.list).map(pair).collect()))
    }
}

impl Hinter for Suggestions {
    type Hint = String;
}
impl Highlighter for Suggestions {}
impl Validator for Suggestions {}
impl Helper for Suggestions {}
