//! What a request becomes: decided at once from memory, then, once Discord has been told to wait,
//! performed.

pub mod table;

use std::sync::Arc;

use tokio::sync::{oneshot, watch};

use crate::action::{Request, Typing};
use crate::embed::Reply;

pub use table::{Argument, Row, TABLE, Wants};

/// What a command needs at hand. (Its fields come with `app`.)
pub struct Desk {}

/// What becomes of a request, known without waiting for anything.
pub enum Decision {
    /// All that happens is this answer.
    Answer { reply: Reply, to: Audience },
    /// A private question with buttons. `closed` brings what the question turns into once it was
    /// answered or has expired; the question's own message is then edited to that.
    Question {
        reply: Reply,
        closed: oneshot::Receiver<Reply>,
    },
    /// Acknowledge to that audience; if Discord took the acknowledgement, call [`perform`].
    Go(Audience),
}

/// Who sees an answer, and where.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Audience {
    /// A new message that only the person who asked can see.
    Private,
    /// A new message for the channel.
    Public,
    /// The message that carries the pressed button changes. Only ever the presser's own.
    Replace,
}

/// How a performed request ends.
pub struct Outcome {
    /// The last state of the answer; `None`: the answer is deleted (it was refused late).
    pub reply: Option<Reply>,
    /// For the person who asked alone, as a private follow-up: log lines, privileges, a refusal.
    pub aside: Option<Reply>,
}

/// Decides from memory; never waits.
pub fn decide(desk: &Desk, request: &Request) -> Decision {
    let _ = (desk, request);
    unimplemented!("command::decide comes with the next commit")
}

/// Does it. Each state on the way is put into `shown`; only the newest matters.
pub async fn perform(desk: Arc<Desk>, request: Request, shown: watch::Sender<Option<Reply>>) -> Outcome {
    let _ = (desk, request, shown);
    unimplemented!("command::perform comes with the next commit")
}

/// One line of autocomplete.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Choice {
    /// At most 100 characters, shown.
    pub name: String,
    /// At most 100 characters, sent as the option's value.
    pub value: String,
}

/// At most 25 choices, from memory, only what the person may see; never waits.
pub fn suggest(desk: &Desk, typing: &Typing) -> Vec<Choice> {
    let _ = (desk, typing);
    Vec::new()
}
