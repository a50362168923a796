//! Looks at the Discord side for `pve-steward check`, and changes nothing there.

use std::time::Duration;

use serenity::http::{Http, HttpError};
use serenity::model::id::GuildId as SerenityGuild;
use tokio::time::timeout;

use super::{Settings, rest};
use crate::ids::GuildId;

const PATIENCE: Duration = Duration::from_secs(15);

/// What Discord says about the token and the servers.
#[derive(Debug)]
pub struct Checked {
    /// The bot's own name.
    pub bot: Result<String, Trouble>,
    /// Each configured server and its name.
    pub guilds: Vec<(GuildId, Result<String, Trouble>)>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Trouble {
    /// 401: Discord does not know the token.
    Token,
    /// 403 or 404: the bot is not in that server.
    NotThere,
    Status(u16),
    NoAnswer,
}

pub async fn check(settings: &Settings) -> Checked {
    let Ok(http) = rest::http(settings) else {
        return Checked {
            bot: Err(Trouble::NoAnswer),
            guilds: Vec::new(),
        };
    };
    let bot = asked(http.get_current_user())
        .await
        .map(|user| user.name.clone());
    let mut guilds = Vec::new();
    if bot.is_ok() {
        for guild in &settings.guilds {
            guilds.push((*guild, name_of(&http, *guild).await));
        }
    }
    Checked { bot, guilds }
}

async fn name_of(http: &Http, guild: GuildId) -> Result<String, Trouble> {
    let guild = asked(http.get_guild(SerenityGuild::new(guild.0))).await?;
    Ok(guild.name)
}

async fn asked<T>(call: impl Future<Output = serenity::Result<T>>) -> Result<T, Trouble> {
    let answer = timeout(PATIENCE, call)
        .await
        .map_err(|_| Trouble::NoAnswer)?;
    answer.map_err(|error| match error {
        serenity::Error::Http(HttpError::UnsuccessfulRequest(response)) => {
            match response.status_code.as_u16() {
                401 => Trouble::Token,
                403 | 404 => Trouble::NotThere,
                status => Trouble::Status(status),
            }
        }
        _ => Trouble::NoAnswer,
    })
}
