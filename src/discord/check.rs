//! Looks at the Discord side for `pve-steward check`, and changes nothing there.

use std::fmt;
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
    /// Where Discord was looked for.
    pub host: String,
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
    /// No answer, or none that can be read; the causes, in the words of the libraries.
    NoAnswer(String),
}

impl fmt::Display for Trouble {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Token => f.write_str("the token is not accepted (401)"),
            Self::NotThere => f.write_str("not there, or not to be seen (403 or 404)"),
            Self::Status(status) => write!(f, "status {status}"),
            Self::NoAnswer(why) => f.write_str(why),
        }
    }
}

pub async fn check(settings: &Settings) -> Checked {
    let host = settings.api_url.as_deref().unwrap_or("https://discord.com");
    let host = host.rsplit('/').next().unwrap_or(host).to_owned();
    let http = match rest::http(settings) {
        Ok(http) => http,
        Err(error) => {
            return Checked {
                host,
                bot: Err(Trouble::NoAnswer(causes(&error.without_url()))),
                guilds: Vec::new(),
            };
        }
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
    Checked { host, bot, guilds }
}

async fn name_of(http: &Http, guild: GuildId) -> Result<String, Trouble> {
    let guild = asked(http.get_guild(SerenityGuild::new(guild.0))).await?;
    Ok(guild.name)
}

async fn asked<T>(call: impl Future<Output = serenity::Result<T>>) -> Result<T, Trouble> {
    let answer = timeout(PATIENCE, call)
        .await
        .map_err(|_| Trouble::NoAnswer(format!("no answer in {} s", PATIENCE.as_secs())))?;
    answer.map_err(|error| match error {
        serenity::Error::Http(HttpError::UnsuccessfulRequest(response)) => {
            match response.status_code.as_u16() {
                401 => Trouble::Token,
                403 | 404 => Trouble::NotThere,
                status => Trouble::Status(status),
            }
        }
        serenity::Error::Http(HttpError::Request(error)) => {
            Trouble::NoAnswer(causes(&error.without_url()))
        }
        other => Trouble::NoAnswer(causes(&other)),
    })
}

/// The whole chain in one line.
fn causes(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut next = error.source();
    while let Some(cause) = next {
        let more = cause.to_string();
        if !text.ends_with(&more) {
            text = format!("{text}: {more}");
        }
        next = cause.source();
    }
    text
}
