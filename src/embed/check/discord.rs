//! The Discord side: the token, the servers, and the ids that the configuration names.

use crate::ids::{ChannelId, GuildId, RoleId, UserId};

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

/// How a person of the configuration is called in the lines below.
#[must_use]
pub fn person(name: &str, id: UserId) -> String {
    format!("`{name}` in [people] ({id})")
}

#[must_use]
pub fn role(name: &str, id: RoleId) -> String {
    format!("`{name}` in [roles] ({id})")
}

/// `named_by`: keys of `[discord]`, and places of rules.
#[must_use]
pub fn channel(id: ChannelId, named_by: &[String]) -> String {
    format!("channel {id} ({})", named_by.join(", "))
}

#[must_use]
pub fn no_person(name: &str) -> Finding {
    Finding::warning(format!(
        "Discord: {name} is in none of the servers, so nobody acts by that name.\n\
         Right-click the person, Copy User ID; or invite them to the server."
    ))
}

#[must_use]
pub fn no_role(name: &str) -> Finding {
    Finding::warning(format!(
        "Discord: {name} is a role of none of the servers, so nobody has it.\n\
         Server Settings, Roles, right-click the role, Copy Role ID."
    ))
}

#[must_use]
pub fn no_channel(name: &str) -> Finding {
    Finding::warning(format!(
        "Discord: {name} is not there.\nRight-click the channel, Copy Channel ID."
    ))
}

#[must_use]
pub fn channel_elsewhere(name: &str) -> Finding {
    Finding::warning(format!(
        "Discord: {name} is in none of the servers in `guilds`, and elsewhere the bot is deaf.\n\
         Name a channel of those servers, or add its server to `guilds`."
    ))
}

#[must_use]
pub fn cannot_speak(name: &str, lacking: &[&str]) -> Finding {
    Finding::warning(format!(
        "Discord: in {name} the bot lacks {}.\n\
         Edit Channel, Permissions, add the bot's role and allow it that.",
        lacking.join(", ")
    ))
}

#[must_use]
pub fn not_looked_up(name: &str, why: &str) -> Finding {
    Finding::warning(format!(
        "Discord: {name} could not be looked up: {why}\nTry again in a minute."
    ))
}
