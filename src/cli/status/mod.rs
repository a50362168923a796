//! `pve-steward status`: what runs, and how nodes and storages are.

mod json;

use std::io::IsTerminal as _;
use std::sync::Arc;
use std::time::Duration;

use clap::Args;

use crate::config::{self, Cluster};
use crate::embed::check::{self as words, Finding, Grade};
use crate::embed::overview::{Overview, overview};
use crate::embed::terminal;
use crate::proxmox::{Client, Error, Inventory, Snapshot, StaleWhy};

use super::{CONFIGURATION, TRY_AGAIN, complain, say};

/// As long as `check` waits for a cluster.
const PATIENCE: Duration = Duration::from_secs(20);

#[derive(Debug, Args)]
pub(super) struct Query {
    /// Only this cluster
    #[arg(long, value_name = "NAME")]
    cluster: Option<String>,
    /// One JSON object, for other programs; its fields are described in README.md
    #[arg(long)]
    json: bool,
}

/// What was read of one cluster, or what went wrong.
struct Read<'c> {
    cluster: &'c Cluster,
    seen: Result<Arc<Snapshot>, Finding>,
}

pub(super) async fn status(clusters: &[Cluster], query: &Query) -> u8 {
    let wanted = |cluster: &&Cluster| {
        let name = query.cluster.as_deref();
        name.is_none_or(|name| name == cluster.name.as_str())
    };
    let chosen: Vec<&Cluster> = clusters.iter().filter(wanted).collect();
    if let (Some(name), true) = (&query.cluster, chosen.is_empty()) {
        let known = clusters.iter().map(|cluster| &cluster.name);
        complain(&terminal::unknown_word("cluster", name, known));
        return CONFIGURATION;
    }
    let all = read(chosen).await;
    say(&if query.json {
        json::text(&all)
    } else {
        let colour = std::io::stdout().is_terminal() && !config::no_colour();
        let views: Vec<Overview<'_>> = all.iter().map(view).collect();
        overview(&views, colour)
    });
    let worst = all.iter().filter_map(|one| one.seen.as_ref().err());
    match worst.map(|finding| finding.grade).max() {
        None => 0,
        Some(Grade::Lasting) => CONFIGURATION,
        Some(_) => TRY_AGAIN,
    }
}

fn view<'a>(read: &'a Read<'_>) -> Overview<'a> {
    Overview {
        cluster: &read.cluster.name,
        seen: read.seen.as_deref(),
    }
}

/// All at the same time: one that does not answer keeps nobody waiting for the others.
async fn read(clusters: Vec<&Cluster>) -> Vec<Read<'_>> {
    let begun: Vec<_> = clusters
        .into_iter()
        .map(|cluster| {
            let client = Client::new(cluster);
            (
                cluster,
                tokio::spawn(async move { snapshot(client?).await }),
            )
        })
        .collect();
    let mut all = Vec::with_capacity(begun.len());
    for (cluster, task) in begun {
        let seen = match task.await {
            Ok(seen) => seen,
            Err(ended) => Err(Error::BadReply(ended.to_string())),
        };
        let seen = seen.map_err(|error| words::unread(cluster.name.as_str(), &error));
        all.push(Read { cluster, seen });
    }
    all
}

async fn snapshot(client: Client) -> Result<Arc<Snapshot>, Error> {
    let inventory = Inventory::new(Arc::new(client));
    let fresh = inventory.fresh(Duration::ZERO, PATIENCE).await;
    fresh.map_err(|stale| match stale.why {
        StaleWhy::Failed(error) => (*error).clone(),
        StaleWhy::Slow => Error::BadReply(format!("no answer in {} s", PATIENCE.as_secs())),
    })
}
