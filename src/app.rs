//! Builds the parts, starts the loops, waits for the end. The only file that knows all.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use tokio::sync::{mpsc, watch};
use tokio_util::sync::CancellationToken;

use crate::audit;
use crate::command::Desk;
use crate::config::{Config, Problem};
use crate::discord::{self, Outbox, Settings};
use crate::embed::check::unusable;
use crate::health;
use crate::permission::Policy;
use crate::proxmox::{Client, Inventory};
use crate::store::{Store, StoreError};
use crate::watch::{self as watchers, Notice, Recipient};

/// Why the bot did not come up or could not go on.
#[derive(Debug, thiserror::Error)]
pub enum Stopped {
    #[error("the policy cannot be used")]
    Policy(Vec<Problem>),
    #[error("cluster {cluster}: {error}")]
    Proxmox {
        cluster: String,
        error: crate::proxmox::Error,
    },
    /// The folder of the state, and why it is of no use.
    #[error("{}", unusable(.0, .1))]
    Place(PathBuf, String),
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error("{0}")]
    Discord(#[from] discord::Fatal),
}

impl Stopped {
    /// 78 for what a restart cannot mend, 75 for what it may (sysexits.h).
    #[must_use]
    pub fn exit_code(&self) -> u8 {
        match self {
            Self::Policy(_)
            | Self::Proxmox { .. }
            | Self::Place(..)
            | Self::Store(StoreError::Newer(_)) => 78,
            Self::Discord(fatal) if fatal.is_permanent() => 78,
            Self::Store(_) | Self::Discord(_) => 75,
        }
    }
}

/// Runs the bot until `stop`. Returns once everything is wound down.
///
/// # Errors
///
/// [`Stopped`], which knows the exit code.
pub async fn run(config: Config, stop: CancellationToken) -> Result<(), Stopped> {
    let policy = Policy::compile(&config).map_err(Stopped::Policy)?;
    let (version, rules) = (
        env!("CARGO_PKG_VERSION"),
        config.allow.len() + config.deny.len() + config.ask.len(),
    );
    tracing::info!(
        version,
        clusters = config.clusters.len(),
        rules,
        "pve-steward starts"
    );
    let clusters = clusters(&config)?;
    let folder = config.bot.state_dir.clone();
    let store = Store::open(&folder).map_err(|error| not_opened(&folder, error))?;
    let left = audit::unfinished(&store).await?;
    let settings = Settings::from(&config.discord);
    let outbox = Outbox::new(&settings)?;
    for inventory in &clusters {
        tokio::spawn(watchers::keep_fresh(Arc::clone(inventory), stop.clone()));
    }
    let (notices, told) = mpsc::channel(64);
    tokio::spawn(tell(outbox, told));
    watchers::finish(store.clone(), clusters.clone(), left, notices).await;
    let desk = Arc::new(Desk::new(&config, policy, clusters, store));
    let alive = watch::Sender::new(None);
    let beat = health::beat(folder.clone(), alive.subscribe(), stop.clone());
    let beating = tokio::spawn(beat);
    let ended = discord::run(settings, desk, stop, alive).await;
    beating.abort();
    // Only to be sure that it touches the file no more.
    let _ = beating.await;
    health::end(&folder);
    Ok(ended?)
}

/// What no restart mends is about the folder; a busy or full disk is not.
fn not_opened(folder: &Path, error: StoreError) -> Stopped {
    use rusqlite::ErrorCode::{CannotOpen, NotADatabase, PermissionDenied, ReadOnly};
    let why = match &error {
        StoreError::Directory(why) => why.to_string(),
        StoreError::Sqlite(why) => match why.sqlite_error_code() {
            Some(CannotOpen | NotADatabase | PermissionDenied | ReadOnly) => why.to_string(),
            _ => return error.into(),
        },
        StoreError::Newer(_) | StoreError::Stopped => return error.into(),
    };
    Stopped::Place(folder.to_owned(), why)
}

/// One client and one shared snapshot per cluster.
///
/// # Errors
///
/// [`Stopped::Proxmox`] where a client cannot even be built.
pub fn clusters(config: &Config) -> Result<Vec<Arc<Inventory>>, Stopped> {
    let inventory = |cluster: &crate::config::Cluster| match Client::new(cluster) {
        Ok(client) => Ok(Inventory::new(Arc::new(client))),
        Err(error) => Err(Stopped::Proxmox {
            cluster: cluster.name.to_string(),
            error,
        }),
    };
    config.clusters.iter().map(inventory).collect()
}

/// Sends what the watchers have to say. What was private is never sent to a channel.
async fn tell(outbox: Outbox, mut notices: mpsc::Receiver<Notice>) {
    while let Some(Notice { to, reply }) = notices.recv().await {
        let sent = match to {
            Recipient::Channel(channel, user) => outbox.post_for(channel, user, &reply).await,
            Recipient::Person(user) => outbox.direct(user, &reply).await,
        };
        if let Err(failed) = sent {
            tracing::warn!(%failed, ?to, "a notice could not be told; it is in the audit");
        }
    }
}
