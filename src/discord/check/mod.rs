//! Looks at the Discord side for `pve-steward check`, and changes nothing there.

mod named;

use std::fmt;
use std::time::Duration;

use serenity::http::{Http, HttpError};
use serenity::model::guild::PartialGuild;
use serenity::model::id::GuildId as SerenityGuild;
use tokio::time::{sleep, timeout};

use super::{Settings, rest};
use crate::config::Config;
use crate::ids::GuildId;

pub(super) use named::lacking;
pub use named::{Useless, What, WhyUseless};

const PATIENCE: Duration = Duration::from_secs(15);
/// After "too many requests", of which a long list of people may be the cause.
const PAUSE: Duration = Duration::from_secs(2);
const TRIES: usize = 5;

/// What Discord says about the token, the servers, and what the configuration names in them.
#[derive(Debug)]
pub struct Checked {
    /// Where Discord was looked for.
    pub host: String,
    /// The bot's own name.
    pub bot: Result<String, Trouble>,
    /// Each configured server and its name.
    pub guilds: Vec<(GuildId, Result<String, Trouble>)>,
    /// People, roles and channels that mean nothing there, or where the bot cannot speak.
    pub useless: Vec<Useless>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Trouble {
    /// 401: Discord does not know the token.
    Token,
    /// 403: it is there, and the bot may not see it.
    Hidden,
    /// 404.
    NotThere,
    Status(u16),
    /// No answer, or none that can be read; the causes, in the words of the libraries.
    NoAnswer(String),
}

impl fmt::Display for Trouble {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Token => f.write_str("the token is not accepted (401)"),
            Self::Hidden => f.write_str("the bot may not see it (403)"),
            Self::NotThere => f.write_str("not there (404)"),
            Self::Status(status) => write!(f, "status {status}"),
            Self::NoAnswer(why) => f.write_str(why),
        }
    }
}

pub async fn check(config: &Config) -> Checked {
    let settings = Settings::from(&config.discord);
    let host = settings.api_url.as_deref().unwrap_or("https://discord.com");
    let mut checked = Checked {
        host: host.rsplit('/').next().unwrap_or(host).to_owned(),
        bot: Err(Trouble::NoAnswer(String::new())),
        guilds: Vec::new(),
        useless: Vec::new(),
    };
    let http = match rest::http(&settings) {
        Ok(http) => http,
        Err(error) => {
            checked.bot = Err(Trouble::NoAnswer(causes(&error.without_url())));
            return checked;
        }
    };
    let me = match asked(async || http.get_current_user().await).await {
        Ok(me) => me,
        Err(trouble) => {
            checked.bot = Err(trouble);
            return checked;
        }
    };
    let mut guilds = Vec::new();
    for guild in &settings.guilds {
        let found = guild_of(&http, *guild).await;
        let name = found.as_ref().map(|found| found.name.clone());
        checked.guilds.push((*guild, name.map_err(Clone::clone)));
        guilds.extend(found.ok());
    }
    // Who is in none of the servers, only all of them can tell.
    if guilds.len() == settings.guilds.len() {
        let place = named::Place {
            http: &http,
            me: me.id,
            guilds: &guilds,
        };
        checked.useless = place.useless(config).await;
    }
    checked.bot = Ok(me.name.clone());
    checked
}

async fn guild_of(http: &Http, guild: GuildId) -> Result<PartialGuild, Trouble> {
    asked(async || http.get_guild(SerenityGuild::new(guild.0)).await).await
}

pub(super) async fn asked<T>(call: impl AsyncFn() -> serenity::Result<T>) -> Result<T, Trouble> {
    for _ in 1..TRIES {
        match once(&call).await {
            Err(Trouble::Status(429)) => sleep(PAUSE).await,
            answer => return answer,
        }
    }
    once(&call).await
}

async fn once<T>(call: &impl AsyncFn() -> serenity::Result<T>) -> Result<T, Trouble> {
    let answer = timeout(PATIENCE, call())
        .await
        .map_err(|_| Trouble::NoAnswer(format!("no answer in {} s", PATIENCE.as_secs())))?;
    answer.map_err(|error| match error {
        serenity::Error::Http(HttpError::UnsuccessfulRequest(response)) => {
            match response.status_code.as_u16() {
                401 => Trouble::Token,
                403 => Trouble::Hidden,
                404 => Trouble::NotThere,
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
pub(super) fn causes(error: &dyn std::error::Error) -> String {
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
