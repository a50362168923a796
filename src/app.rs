//! Builds the parts, starts the loops, waits for the end. The only file that knows all.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwap;
use jiff::Timestamp;
use tokio::sync::{Notify, watch};
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

use crate::access::Access;
use crate::audit;
use crate::command::{self, Desk, Parts};
use crate::config::{Config, Loaded, Problem};
use crate::discord::{self, Settings};
use crate::embed::check::unusable;
use crate::errand::Errands;
use crate::health;
use crate::held::Nodes;
use crate::permission::Policy;
use crate::proxmox::{Client, Inventory, TokenAdmin};
use crate::store::{self, Store, StoreError};
use crate::watch::{self as watchers, Rooms, Rules};

/// How long messages that are on their way may take when everything else has ended.
const LAST_WORDS: Duration = Duration::from_secs(3);

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

/// Runs the bot until `stop`. Returns once everything is wound down. `again`: read the rules again.
///
/// # Errors
///
/// [`Stopped`], which knows the exit code.
pub async fn run(
    loaded: Loaded,
    again: Arc<Notify>,
    stop: CancellationToken,
) -> Result<(), Stopped> {
    let Loaded { config, source, .. } = loaded;
    // Its own: when the bot ends for whatever reason, everything of it ends.
    let stop = stop.child_token();
    let policy = Policy::compile(&config).map_err(Stopped::Policy)?;
    announce(&config);
    let clusters = clusters(&config)?;
    let folder = config.bot.state_dir.clone();
    let _alone = store::lock(&folder).map_err(|error| not_opened(&folder, error))?;
    let store = Store::open(&folder).map_err(|error| not_opened(&folder, error))?;
    let left = audit::unfinished(&store).await?;
    let access = Arc::new(Access::load(store.clone(), Timestamp::now().as_millisecond()).await?);
    let settings = Settings::from(&config.discord);
    let (errands, wanted) = Errands::new();
    let errands_done = tokio::spawn(discord::run_errands(&settings, wanted)?);
    for inventory in &clusters {
        tokio::spawn(watchers::keep_fresh(Arc::clone(inventory), stop.clone()));
    }
    let rooms = Rooms::from(&config.discord);
    let mirror = watchers::mirror(store.clone(), rooms, errands.clone(), stop.clone());
    tokio::spawn(mirror);
    // Held before anybody can ask for more.
    let nodes = Nodes::default();
    watchers::finish(&store, &clusters, left, &errands, &nodes);
    tokio::spawn(watchers::end_grants(Arc::clone(&access), stop.clone()));
    let givers = watchers::look_up_givers(Arc::clone(&access), errands.clone(), stop.clone());
    tokio::spawn(givers);
    let policy = Arc::new(ArcSwap::from_pointee(policy));
    let parts = Parts {
        policy: Arc::clone(&policy),
        clusters: clusters.clone(),
        token_admins: token_admins(&config)?,
        store: store.clone(),
        access,
        errands: errands.clone(),
        nodes,
        stop: stop.clone(),
    };
    let desk = Arc::new(Desk::new(&config, parts));
    command::resume(&desk).await?;
    let alive = watch::Sender::new(None);
    let beat = health::Beat::start(&folder, alive.subscribe(), stop.clone());
    let rules = Rules {
        source,
        running: config,
        policy,
        clusters,
        store,
        errands,
    };
    tokio::spawn(watchers::keep_rules(rules, again, stop.clone()));
    let ended = discord::run(settings, desk, stop.clone(), alive).await;
    stop.cancel();
    // What was to be told is on its way; a Discord that does not answer is not waited for.
    if timeout(LAST_WORDS, errands_done).await.is_err() {
        tracing::warn!("stopping before everything was told");
    }
    beat.end().await;
    Ok(ended?)
}

fn announce(config: &Config) {
    let version = env!("CARGO_PKG_VERSION");
    let rules = config.allow.len() + config.deny.len() + config.ask.len();
    let clusters = config.clusters.len();
    tracing::info!(version, clusters, rules, "pve-steward starts");
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
        StoreError::Newer(_) | StoreError::Older(_) | StoreError::InUse | StoreError::Stopped => {
            return error.into();
        }
    };
    Stopped::Place(folder.to_owned(), why)
}

/// Of the clusters that have a token for it.
fn token_admins(config: &Config) -> Result<Vec<Arc<TokenAdmin>>, Stopped> {
    let admin = |cluster: &crate::config::Cluster| {
        TokenAdmin::new(cluster).map_err(|error| Stopped::Proxmox {
            cluster: cluster.name.to_string(),
            error,
        })
    };
    let admins: Result<Vec<_>, _> = config.clusters.iter().map(admin).collect();
    Ok(admins?.into_iter().flatten().map(Arc::new).collect())
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
