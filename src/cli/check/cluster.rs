//! One Proxmox cluster: each of its addresses, and what the token finds behind them.

use std::collections::BTreeSet;
use std::sync::Arc;

use crate::cli::seen::{self, Seen};
use crate::config::Cluster;
use crate::embed::check::{self as words, Finding};
use crate::embed::pveum;
use crate::permission::Policy;
use crate::privileges::{By, Lacking, Plan, Storage, Token, World, excess, lacking, plan};
use crate::proxmox::{self, Client, Error, Inventory, NodeState, Snapshot};

/// What every bot reads and does, and what does not work without it: while there are no rules yet.
const NEEDED: [(&str, &str, &str); 3] = [
    ("VM.Audit", "/vms", "no guest can be seen"),
    ("VM.PowerMgmt", "/vms", "no guest can be started or stopped"),
    (
        "Sys.Audit",
        "/",
        "nodes show no figures, quorum and what HA does are not visible",
    ),
];

/// No rules can need them.
const TOO_MUCH: [&str; 6] = [
    "Permissions.Modify",
    "Realm.Allocate",
    "User.Modify",
    "VM.Allocate",
    "VM.GuestAgent.FileWrite",
    "VM.GuestAgent.Unrestricted",
];

/// So many paths get their lines here; `pveum` prints them all.
const LINES: usize = 20;

/// What came of looking at a cluster.
pub(in crate::cli) struct Looked {
    pub findings: Vec<Finding>,
    /// What is there, where it could be read.
    pub seen: Option<Arc<Snapshot>>,
    /// Proxmox does not accept the token.
    pub refused: bool,
}

/// `policy`: what the token is held against, where there are rules.
pub(in crate::cli) async fn findings(
    cluster: &Cluster,
    inventory: &Arc<Inventory>,
    policy: Option<&Policy>,
) -> Looked {
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
    let refused = |error: &Error| error.unauthorised();
    if !any {
        let mut errors = tried
            .iter()
            .filter_map(|(_, outcome)| outcome.as_ref().err());
        return Looked {
            findings,
            seen: None,
            refused: errors.any(refused),
        };
    }
    match seen::read(inventory).await {
        Ok(seen) => {
            findings.extend(seen.findings(cluster, policy));
            Looked {
                findings,
                seen: Some(seen.snapshot),
                refused: false,
            }
        }
        Err(error) => {
            findings.push(words::unread(name, &error));
            Looked {
                findings,
                seen: None,
                refused: refused(&error),
            }
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
            let asked = tokio::spawn(async move {
                match Client::new(&alone)?.version().await {
                    Err(error) => Err(proxmox::looked_up(error).await),
                    answered => answered,
                }
            });
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

impl Seen {
    fn findings(&self, cluster: &Cluster, policy: Option<&Policy>) -> Vec<Finding> {
        let (name, token) = (cluster.name.as_str(), cluster.token_id.as_str());
        let nodes = self.snapshot.nodes.keys();
        let nodes: Vec<String> = nodes.map(ToString::to_string).collect();
        let (version, guests) = (&self.version.version, self.snapshot.guests.len());
        let mut findings = vec![words::reached(name, version, &nodes, guests)];
        findings.extend(self.health(name));
        let held = self.permissions.all();
        findings.push(words::token(name, token, &held));
        if pveum::is_root(token) {
            findings.push(words::of_root(name, token));
        }
        // Without the privilege anywhere that has been said.
        if guests == 0 && held.contains("VM.Audit") {
            findings.push(words::nothing_seen(name, token));
        }
        match policy {
            Some(policy) => findings.extend(self.against(cluster, policy)),
            None => findings.extend(without_rules(name, token, &held)),
        }
        findings
    }

    /// What the token can do, held against what rules allow.
    fn against(&self, cluster: &Cluster, policy: &Policy) -> Vec<Finding> {
        let mut world = self.world(policy);
        self.choose_storages(&mut world);
        let plan = plan(policy, &world, By::Guest);
        let mut findings = self.lacking(cluster, policy, &world, &plan);
        let more = excess(&plan, self.permissions.all());
        // To see more than needed does no harm by itself.
        let more: Vec<&str> = more
            .into_iter()
            .filter(|p| !p.ends_with(".Audit"))
            .collect();
        if !more.is_empty() {
            let (name, token) = (cluster.name.as_str(), cluster.token_id.as_str());
            findings.push(words::too_much(name, token, &more));
        }
        findings
    }

    /// What rules allow and the token cannot do, like things together.
    fn lacking(
        &self,
        cluster: &Cluster,
        policy: &Policy,
        world: &World,
        plan: &Plan,
    ) -> Vec<Finding> {
        let name = cluster.name.as_str();
        let holds = |path: &str, privilege: &str| self.permissions.holds(path, privilege);
        let own = |path: &str, pool: Option<&str>| self.permissions.has_its_own(path, pool);
        let token = Token {
            holds: &holds,
            own: &own,
        };
        let Lacking { lacks, mend } = lacking(policy, world, plan, &token);
        let mut findings: Vec<Finding> =
            lacks.iter().map(|lack| words::lacks(name, lack)).collect();
        if plan.privileges().contains("VM.Backup") && world.backups_to(None).is_empty() {
            findings.push(words::no_storage(name));
        }
        if lacks.is_empty() {
            findings.push(words::can_all(name, world.guests.len(), world.nodes.len()));
        } else {
            let (shown, more) = (mend.iter().take(LINES), mend.len().saturating_sub(LINES));
            let shown = shown
                .map(|(path, given)| (path.clone(), given.clone()))
                .collect();
            let lines = pveum::lines(&shown, &cluster.token_id, Some(&self.roles));
            findings.push(words::mended_by(name, lines, more));
        }
        let unclear = seen::unclear(policy, world);
        if !holds("/vms", "VM.Audit") && !unclear.is_empty() {
            findings.push(words::sees_some(name, self.snapshot.guests.len(), &unclear));
        }
        findings
    }

    /// Where a node has one storage to which the token may back up, the others are the owner's choice.
    fn choose_storages(&self, world: &mut World) {
        let usable = |storage: &Storage| {
            let path = format!("/storage/{}", storage.name);
            storage.backups && self.permissions.holds(&path, "Datastore.AllocateSpace")
        };
        let usable: Vec<Storage> = world
            .storages
            .iter()
            .filter(|s| usable(s))
            .cloned()
            .collect();
        for storage in &mut world.storages {
            let served = usable.iter().any(|other| other.node == storage.node);
            storage.backups &= !served || usable.contains(storage);
        }
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

fn without_rules(name: &str, token: &str, held: &BTreeSet<&str>) -> Vec<Finding> {
    let mut findings = Vec::new();
    if !held.is_empty() {
        let missing = NEEDED.iter().filter(|(need, ..)| !held.contains(need));
        let said =
            missing.map(|(need, path, what)| words::lacks_at_all(name, token, path, need, what));
        findings.extend(said);
    }
    let excess: Vec<&str> = TOO_MUCH.into_iter().filter(|p| held.contains(p)).collect();
    if !excess.is_empty() {
        findings.push(words::far_too_much(name, token, &excess));
    }
    findings
}
