//! What arrived and says nothing: a word that is no guest, no time, no name.

use crate::action::Unclear;

use super::problem::refusal;
use super::reply::Reply;

/// It arrived, but it says nothing that this version knows.
#[must_use]
pub fn refused(unclear: Unclear) -> Reply {
    let (title, next) = match unclear {
        Unclear::Guest => (
            "That is no guest",
            "Write a VMID such as `101`, or a name\nsuch as `valheim`.",
        ),
        Unclear::OneGuest => (
            "That is more than one guest",
            "This is for one guest at a time: write\na VMID such as `101`, or a name.",
        ),
        Unclear::Guests => (
            "That is no guest",
            "Write a VMID such as `101`, or a name\nsuch as `valheim`. Several: `101,102`,\n`tag:games` or `pool:lab`.",
        ),
        Unclear::TooMany => ("Those are too many", "At most ten guests at a time."),
        Unclear::Node => ("That is no node", "Write a node's name, such as `pve1`."),
        Unclear::Right => (
            "That cannot be given",
            "Write actions such as `start`, `reboot`\nor `power`, with commas.",
        ),
        Unclear::Time => (
            "That is no time",
            "Write `90m`, `6h`, `until 02:00` or\n`tomorrow`.",
        ),
        Unclear::Since => ("That is no time", "Write `90m`, `6h` or `7d`."),
        Unclear::Grant => (
            "That is no grant",
            "Pick one from the list that appears\nwhile you type.",
        ),
        Unclear::Snapshot => (
            "That is no name for a snapshot",
            "A letter first, then letters, digits,\n`-` or `_`: 2 to 40 in all. Not\n`current` or `pending`.",
        ),
        Unclear::Storage => (
            "That is no storage",
            "Pick one from the list that appears\nwhile you type.",
        ),
        Unclear::Task => (
            "That is no task",
            "Write the number of its row in\n`/task list`, or pick one from what\nappears while you type.",
        ),
        Unclear::Token(part) => super::token::unclear(part),
        Unclear::Command => (
            "I do not know that command",
            "It is of another version. Reload\nDiscord, or see `/help`.",
        ),
        Unclear::Button => (
            "This button works no more",
            "The message is of another version.\nUse the command instead.",
        ),
    };
    refusal(title, next.to_owned())
}
