//! What the edge itself has to say: nothing was understood, decided or done.

use super::{Card, Colour, Reply};
use crate::ids::{ChannelId, InteractionId};

/// Something broke inside the bot while it worked on `id`.
#[must_use]
pub fn crashed(id: InteractionId) -> Reply {
    plain(
        Colour::Red,
        "Something broke inside the bot",
        format!(
            "It is not certain whether anything was done: look with `/status` before you ask \
             again.\n\nThe log has the details under `{id}`."
        ),
    )
}

/// The bot shuts down and takes nothing new.
#[must_use]
pub fn stopping() -> Reply {
    plain(
        Colour::Amber,
        "The bot is restarting",
        "Nothing was done. Please ask again in a minute.".to_owned(),
    )
}

/// Discord sent something that this version cannot read.
#[must_use]
pub fn unreadable(id: InteractionId) -> Reply {
    plain(
        Colour::Red,
        "I could not read that",
        format!(
            "Nothing was done. Discord sent something that this version of the bot does not \
             know; an update may help.\n\nThe log has the details under `{id}`."
        ),
    )
}

/// Asked in a channel in which the bot does not listen.
#[must_use]
pub fn wrong_channel(channels: &[ChannelId]) -> Reply {
    let places: Vec<String> = channels.iter().map(|id| format!("<#{id}>")).collect();
    plain(
        Colour::Grey,
        "Not in this channel",
        format!("I only listen in {}.", places.join(", ")),
    )
}

/// The answer is longer than a message may be; `file` holds all of it.
#[must_use]
pub fn continued(file: &str) -> Card {
    Card {
        colour: Colour::Grey,
        title: "There is more".to_owned(),
        body: format!("The whole answer is in the file `{file}`."),
        footer: None,
    }
}

fn plain(colour: Colour, title: &str, body: String) -> Reply {
    Reply::card(Card {
        colour,
        title: title.to_owned(),
        body,
        footer: None,
    })
}
