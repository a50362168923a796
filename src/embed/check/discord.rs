//! The Discord side: the token, the servers, and the ids that the configuration names.

use crate::ids::GuildId;

use super::{Finding, Grade};

#[must_use]
pub fn bot(name: &str) -> Finding {
    Finding::ok(format!("Discord: the token belongs to {name}"))
}

/// `host`: where the bot looks for Discord. `why`: what came instead of an answer; `None`: a 401.
#[must_use]
pub fn no_bot(host: &str, why: Option<&str>) -> Finding {
    match why {
        None => Finding::new(
            Grade::Lasting,
            "Discord: the token is not accepted (401).\n\
             Copy it again: developer portal, your application, Bot, Reset Token.",
        ),
        Some(why) => Finding::new(
            Grade::Passing,
            format!(
                "Discord: no usable answer from {host}: {why}\n\
                 Does this machine have a way out to {host}, without a proxy?"
            ),
        ),
    }
}

#[must_use]
pub fn guild(id: GuildId, name: &str) -> Finding {
    Finding::ok(format!("Discord: server {id} is {name}"))
}

/// `why`: `None` where the bot is not in the server.
#[must_use]
pub fn no_guild(id: GuildId, why: Option<&str>) -> Finding {
    match why {
        None => Finding::new(
            Grade::Lasting,
            format!(
                "Discord: the bot is not in server {id}.\n\
                 Invite it: developer portal, your application, Installation, Install Link. Or the id\n\
                 is wrong: right-click the server, Copy Server ID, into `guilds` in [discord]."
            ),
        ),
        Some(why) => Finding::new(
            Grade::Passing,
            format!("Discord: server {id} could not be looked up: {why}\nTry again in a minute."),
        ),
    }
}
