//! One Proxmox cluster: each of its addresses, and what the token finds behind them.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use crate::config::Cluster;
use crate::embed::check::{self as words, Finding};
use crate::proxmox::{Client, Error, Inventory, NodeState, Permissions, Snapshot, StaleWhy};

/// What the bot reads and does, and what does not work without it.
const NEEDED: [(&str, &str, &str); 3] = [
    ("VM.Audit", "/vms", "no guest can be seen"),
    ("VM.PowerMgmt", "/vms", "no guest can be started or stopped"),
    (
        "Sys.Audit",
        "/",
        "nodes show no figures and quorum is not visible",
    ),
];

/// Nothing that this bot does needs them.
const TOO_MUCH: [&str; 7] = [
    "Permissions.Modify",
    "Realm.Allocate",
    "Sys.Modify",
    "User.Modify",
    "VM.Allocate",
    "VM.GuestAgent.FileWrite",
    "VM.GuestAgent.Unrestricted",
];

const PATIENCE: Duration = Duration::from_secs(20);

/// What was found, and what is there, where it could be read. `pools`: those that rules name.
pub(in crate::cli) async fn findings(
    cluster: &Cluster,
    inventory: &Arc<Inventory>,
    pools: &[String],
) -> (Vec<Finding>, Option<Arc<Snapshot>>) {
    let name = cluster.name.as_str();
    let tried = each_endpoint(cluster).await;
    let any = tried.iter().any(|(_, outcome)| outcome.is_ok());
    let mut findings: Vec<Finding> = tried
        .iter()
        .map(|(url, outcome)| match outcome {
            Ok(()) => words::endpoint(name, url),
            Err(error) => words::endpoint_failed(name, url, error, any),
        })
        .collect();
    if !any {
        return (findings, None);
    }
    match read(inventory).await {
        Ok(seen) => {
            findings.extend(seen.findings(cluster, pools));
            (findings, Some(seen.snapshot))
        }
        Err(error) => {
            findings.push(words::unread(name, &error));
            (findings, None)
        }
    }
}

/// Every address by itself, all at the same time: when one fails the bot goes on with the others,
/// so only this shows that one of them never worked.
async fn each_endpoint(cluster: &Cluster) -> Vec<(String, Result<(), Error>)> {
    let tries: Vec<_> = cluster
        .endpoints
        .iter()
        .map(|url| {
            let alone = Cluster {
                name: cluster.name.clone(),
                endpoints: vec![url.clone()],
                token_id: cluster.token_id.clone(),
                token_secret: cluster.token_secret.clone(),
                admin_token: None,
                trust: cluster.trust.clone(),
            };
            let asked = tokio::spawn(async move { Client::new(&alone)?.version().await });
            (url.clone(), asked)
        })
        .collect();
    let mut outcomes = Vec::with_capacity(tries.len());
    for (url, asked) in tries {
        let outcome = match asked.await {
            Ok(outcome) => outcome.map(drop),
            Err(ended) => Err(Error::BadReply(ended.to_string())),
        };
        outcomes.push((url, outcome));
    }
    outcomes
}

/// What a cluster that answers shows to the token.
struct Seen {
    version: String,
    permissions: Permissions,
    snapshot: Arc<Snapshot>,
}

async fn read(inventory: &Arc<Inventory>) -> Result<Seen, Error> {
    let client = inventory.client();
    let version = client.version().await?.version;
    let permissions = client.permissions().await?;
    let snapshot = inventory.fresh(Duration::ZERO, PATIENCE).await;
    let snapshot = snapshot.map_err(|stale| match stale.why {
        StaleWhy::Failed(error) => (*error).clone(),
        StaleWhy::Slow => Error::BadReply("no snapshot in 20 s".to_owned()),
    })?;
    Ok(Seen {
        version,
        permissions,
        snapshot,
    })
}

impl Seen {
    fn findings(&self, cluster: &Cluster, pools: &[String]) -> Vec<Finding> {
        let (name, token) = (cluster.name.as_str(), cluster.token_id.as_str());
        let nodes: Vec<String> = self
            .snapshot
            .nodes
            .keys()
            .map(ToString::to_string)
            .collect();
        let held: BTreeSet<String> = self
            .permissions
            .paths
            .values()
            .flat_map(|held| held.keys().cloned())
            .collect();
        let mut findings = vec![words::reached(
            name,
            &self.version,
            &nodes,
            self.snapshot.guests.len(),
        )];
        findings.extend(self.health(name));
        findings.push(words::token(name, token, &held));
        if !held.is_empty() {
            let missing = NEEDED.iter().filter(|(need, ..)| !held.contains(*need));
            findings.extend(
                missing.map(|(need, path, what)| words::lacks(name, token, path, need, what)),
            );
        }
        // Without the privilege anywhere that has been said.
        if self.snapshot.guests.is_empty() && held.contains("VM.Audit") {
            findings.push(words::nothing_seen(name, token));
        }
        if token.starts_with("root@") {
            findings.push(words::of_root(name, token));
        }
        let unseen = pools
            .iter()
            .filter(|pool| !self.snapshot.pools.contains(pool));
        findings.extend(unseen.map(|pool| words::unseen_pool(name, token, pool)));
        let excess: Vec<&str> = TOO_MUCH.into_iter().filter(|p| held.contains(*p)).collect();
        if !excess.is_empty() {
            findings.push(words::too_much(name, token, &excess));
        }
        findings
    }

    /// What will look like a fault of the bot to whoever does not know it.
    fn health(&self, name: &str) -> Vec<Finding> {
        let away = self.snapshot.nodes.iter();
        let away = away.filter(|(_, node)| node.status != NodeState::Online);
        let mut findings: Vec<Finding> = away
            .map(|(node, _)| words::node_away(name, node.as_str()))
            .collect();
        let lost = self.snapshot.quorum.as_ref().filter(|known| !known.quorate);
        findings.extend(lost.map(|quorum| words::no_quorum(name, quorum)));
        findings
    }
}
