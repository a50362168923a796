//! The edge to Discord, and the only folder that names serenity: `gateway` hears, `receive`
//! understands, `answer` and `outcome` see one interaction to its end, `send` and `rest` speak.

mod answer;
mod check;
mod custom_id;
mod errands;
mod failed;
mod fit;
mod gateway;
mod look_up;
mod outcome;
mod receive;
mod register;
mod rest;
mod send;

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;
use tokio::time::{Instant, timeout};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::command::Desk;
use crate::config;
use crate::ids::{ChannelId, GuildId};
use gateway::Heard;
use rest::Rest;

pub use check::{Checked, Trouble, Useless, What, WhyUseless, check};
pub use errands::run_errands;
pub use look_up::{Application, LookUp, Member, Room};

/// How long what was begun may go on after the signal to stop.
const FINISH_WITHIN: Duration = Duration::from_secs(10);

/// What the edge has to know of the configuration.
#[derive(Debug, Clone)]
pub struct Settings {
    token: config::Secret,
    guilds: Vec<GuildId>,
    channels: Vec<ChannelId>,
    /// Requests are decided here, whether or not the bot listens to commands in it.
    approvals_channel: Option<ChannelId>,
    api_url: Option<String>,
}

impl From<&config::Discord> for Settings {
    fn from(discord: &config::Discord) -> Self {
        Self {
            token: discord.token.clone(),
            guilds: discord.guilds.clone(),
            channels: discord.channels.clone(),
            approvals_channel: discord.approvals_channel,
            api_url: discord.api_url.clone(),
        }
    }
}

impl Settings {
    fn token(&self) -> &str {
        self.token.expose()
    }
}

/// Why the bot cannot go on listening. The sentences are for the owner's log.
#[derive(Debug)]
pub enum Fatal {
    /// Discord does not know the token.
    Unauthorized,
    /// The gateway closed with a code that every further try would meet again.
    Closed(u16, &'static str),
    /// There is no working TLS in this build or on this machine.
    Tls(rustls::Error),
    /// The HTTP client could not be made.
    Http(String),
}

impl Fatal {
    /// Whether a restart without a change of the configuration would end in the same way.
    #[must_use]
    pub fn is_permanent(&self) -> bool {
        match self {
            Self::Unauthorized | Self::Closed(..) => true,
            Self::Tls(_) | Self::Http(_) => false,
        }
    }
}

impl fmt::Display for Fatal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unauthorized => f.write_str(
                "Discord does not accept the bot token (401): copy it again from the Bot page of \
                 the developer portal",
            ),
            Self::Closed(code, why) => write!(
                f,
                "Discord's gateway refuses this bot for good ({code}): {why}"
            ),
            Self::Tls(error) => write!(f, "TLS cannot be set up: {error}"),
            Self::Http(error) => write!(f, "the HTTP client cannot be set up: {error}"),
        }
    }
}

impl std::error::Error for Fatal {}

fn http_fatal(error: reqwest::Error) -> Fatal {
    Fatal::Http(error.without_url().to_string())
}

/// Hears and answers until `stop`; then takes nothing new, lets what was begun come to its end for
/// a while, and goes offline. `alive` is told whenever Discord was heard of.
///
/// # Errors
///
/// Why no further try to listen can succeed.
pub async fn run(
    settings: Settings,
    desk: Arc<Desk>,
    stop: CancellationToken,
    alive: watch::Sender<Option<Instant>>,
) -> Result<(), Fatal> {
    // Its own: a fatal end cancels it, and only the caller knows what else that should stop.
    let stop = stop.child_token();
    let rest = Rest::new(&settings).map_err(http_fatal)?;
    let http = Arc::new(rest.http(&settings));
    let rows: Vec<_> = desk.rows().collect();
    let tasks = TaskTracker::new();
    let closing = CancellationToken::new();
    let edge = Arc::new(answer::Edge {
        rest,
        settings: settings.clone(),
        desk,
        tasks: tasks.clone(),
        stop: stop.clone(),
        unreadable: 0.into(),
    });
    let mut registration = None;
    let heard = |heard| match heard {
        Heard::Interaction(raw) => {
            tasks.spawn(answer::interaction(edge.clone(), raw));
        }
        Heard::Alive => {
            alive.send_replace(Some(Instant::now()));
        }
        Heard::Ready { application } => {
            // Once a process: the table does not change while it runs.
            registration.get_or_insert_with(|| {
                let guilds = settings.guilds.clone();
                tokio::spawn(register::register(
                    http.clone(),
                    application,
                    guilds,
                    rows.clone(),
                ))
            });
        }
    };
    let wind_down = async {
        stop.cancelled().await;
        tasks.close();
        if timeout(FINISH_WITHIN, tasks.wait()).await.is_err() {
            tracing::warn!(
                unfinished = tasks.len(),
                "stopping in the middle of something"
            );
        }
        closing.cancel();
    };
    let listening = Box::pin(gateway::listen(&settings, &http, &closing, heard));
    let (listened, ()) = tokio::join!(
        async {
            let listened = listening.await;
            // A fatal end needs no winding down.
            stop.cancel();
            listened
        },
        wind_down
    );
    if let Some(registration) = registration {
        registration.abort();
    }
    listened
}
