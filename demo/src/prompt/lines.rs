//! Where lines come from: an editor for people, plain input for scripts. One at a time: the next
//! is read when the last was obeyed.

use std::io::{BufRead as _, IsTerminal as _};

use fake_discord::Discord;
use tokio::runtime::Handle;
use tokio::sync::{mpsc, oneshot};

use super::{Who, editor};
use crate::screen::Screen;

/// Who sits at the other end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Manner {
    People,
    Script,
}

pub struct Asked {
    pub line: String,
    /// Told when the line was obeyed.
    pub answered: oneshot::Sender<()>,
}

pub type Lines = mpsc::Receiver<Asked>;

/// The screen and the lines that belong together; the lines end when there are no more.
pub fn open(discord: &Discord, who: &Who) -> anyhow::Result<(Screen, Manner, Lines)> {
    let (sender, lines) = mpsc::channel(1);
    if !std::io::stdin().is_terminal() || !std::io::stdout().is_terminal() {
        std::thread::spawn(move || read_plainly(&sender));
        return Ok((Screen::stdout(), Manner::Script, lines));
    }
    let editor = editor::open(discord.clone(), who.clone(), Handle::current())?;
    let who = who.clone();
    std::thread::spawn(move || editor::read(editor.lines, &who, &sender));
    Ok((editor.screen, Manner::People, lines))
}

fn read_plainly(sender: &mpsc::Sender<Asked>) {
    for line in std::io::stdin().lock().lines().map_while(Result::ok) {
        if !ask(sender, line) {
            return;
        }
    }
}

/// Hands a line on and waits until it was obeyed; `false`: nobody wants another.
pub fn ask(sender: &mpsc::Sender<Asked>, line: String) -> bool {
    let (answered, answer) = oneshot::channel();
    sender.blocking_send(Asked { line, answered }).is_ok() && answer.blocking_recv().is_ok()
}
