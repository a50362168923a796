//! What `setup` says about who shall own the bot.

use crate::embed::words::visible;

pub const ALL_THE_SAME: &str = "Take it all the same?";
pub const OPTION: &str = "--owner";

#[must_use]
pub fn is(name: &str) -> String {
    format!("The owner is {}.\n", visible(name))
}

/// `guilds`: the names of those in which the bot shall listen.
#[must_use]
pub fn no_member(guilds: &[&str]) -> String {
    let guilds: Vec<String> = guilds.iter().map(|name| visible(name)).collect();
    format!(
        "Nobody in {} has this id, so nobody could use the bot. In Discord, with Developer Mode on: \
         right-click the person, Copy User ID.",
        guilds.join(" or ")
    )
}

#[must_use]
pub fn a_bot(name: &str) -> String {
    format!(
        "That is {}, which is a bot; the owner is a person.",
        visible(name)
    )
}
