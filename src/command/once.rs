//! The way of what is shown to one person, once, and is nowhere else: not among the states of an
//! answer, which are kept to be shown again, and not in messages that outlive it.

use tokio::sync::{mpsc, oneshot};

use crate::embed::Reply;

/// How a command shows it.
#[derive(Debug)]
pub struct Once(mpsc::Sender<Show>);

/// How the edge learns of it.
#[derive(Debug)]
pub struct Shows(mpsc::Receiver<Show>);

/// What is to be put into the private answer, or nowhere.
pub struct Show {
    pub reply: Reply,
    told: oneshot::Sender<bool>,
}

#[must_use]
pub fn once() -> (Once, Shows) {
    let (once, shows) = mpsc::channel(1);
    (Once(once), Shows(shows))
}

impl Once {
    /// Whether Discord has taken it. Whatever is not sure is a no.
    pub(super) async fn show(self, reply: Reply) -> bool {
        let (told, heard) = oneshot::channel();
        let sent = self.0.send(Show { reply, told }).await;
        sent.is_ok() && heard.await.unwrap_or(false)
    }
}

impl Shows {
    pub async fn next(&mut self) -> Option<Show> {
        self.0.recv().await
    }
}

impl Show {
    /// Says whether it was shown, and forgets it.
    pub fn done(self, shown: bool) {
        // Nobody waits any more only where performing it crashed.
        let _ = self.told.send(shown);
    }
}

/// Not what it holds.
impl std::fmt::Debug for Show {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Show")
    }
}
