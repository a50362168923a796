//! `pve-steward check`: looks at everything that `run` will need, and changes nothing.

use std::collections::BTreeSet;
use std::time::Duration;

use crate::app;
use crate::config::Config;
use crate::discord::{self, Settings, Trouble};
use crate::embed::check::{self as words, Finding, Grade};
use crate::embed::terminal;
use crate::permission::Policy;
use crate::proxmox::{Error, Inventory, StaleWhy};

use super::{CONFIGURATION, TRY_AGAIN, complain, say};

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

pub(super) async fn check(config: &Config) -> u8 {
    let policy = match Policy::compile(config) {
        Ok(policy) => policy,
        Err(problems) => {
            complain(&terminal::problems(&problems));
            return CONFIGURATION;
        }
    };
    let rules = config.allow.len() + config.deny.len();
    let mut worst = tell(&words::configuration(rules, 0));
    let clusters = match app::clusters(config) {
        Ok(clusters) => clusters,
        Err(stopped) => {
            complain(&terminal::stopped(&stopped.to_string()));
            return CONFIGURATION;
        }
    };
    let mut code = TRY_AGAIN;
    for (cluster, inventory) in config.clusters.iter().zip(&clusters) {
        match cluster_findings(inventory, &cluster.token_id, &policy).await {
            Ok(findings) => worst = findings.iter().map(tell).fold(worst, Grade::max),
            Err(error) => {
                worst = tell(&words::not_reached(cluster.name.as_str(), &error));
                if error.unauthorised() || matches!(error, Error::Certificate { .. }) {
                    code = CONFIGURATION;
                }
            }
        }
    }
    let settings = Settings::from(&config.discord);
    let checked = discord::check(&settings).await;
    if matches!(checked.bot, Err(Trouble::Token)) {
        code = CONFIGURATION;
    }
    let findings = discord_findings(&checked);
    worst = findings.iter().map(tell).fold(worst, Grade::max);
    if worst == Grade::Failure { code } else { 0 }
}

fn tell(finding: &Finding) -> Grade {
    say(&words::printed(finding));
    finding.grade
}

async fn cluster_findings(
    inventory: &std::sync::Arc<Inventory>,
    token: &str,
    policy: &Policy,
) -> Result<Vec<Finding>, Error> {
    let client = inventory.client();
    let cluster = client.cluster().as_str();
    let version = client.version().await?;
    let permissions = client.permissions().await?;
    let snapshot = inventory
        .fresh(Duration::ZERO, Duration::from_secs(20))
        .await;
    let snapshot = snapshot.map_err(|stale| match stale.why {
        StaleWhy::Failed(error) => (*error).clone(),
        StaleWhy::Slow => Error::BadReply("no snapshot in 20 s".to_owned()),
    })?;
    let nodes: Vec<String> = snapshot.nodes.keys().map(ToString::to_string).collect();
    let held: BTreeSet<String> = permissions
        .paths
        .values()
        .flat_map(|held| held.keys().cloned())
        .collect();
    let mut findings = vec![
        words::reached(cluster, &version.version, &nodes, snapshot.guests.len()),
        words::token(cluster, token, &held),
    ];
    if !held.is_empty() {
        let missing = NEEDED
            .iter()
            .filter(|(privilege, ..)| !held.contains(*privilege));
        findings
            .extend(missing.map(|(privilege, path, what)| {
                words::lacks(cluster, token, path, privilege, what)
            }));
    }
    let unseen = policy
        .pools()
        .iter()
        .filter(|pool| !snapshot.pools.contains(pool));
    findings.extend(unseen.map(|pool| words::unseen_pool(cluster, token, pool)));
    let excess: Vec<&str> = TOO_MUCH.into_iter().filter(|p| held.contains(*p)).collect();
    if !excess.is_empty() {
        findings.push(words::too_much(cluster, token, &excess));
    }
    Ok(findings)
}

fn discord_findings(checked: &discord::Checked) -> Vec<Finding> {
    let mut findings = vec![match &checked.bot {
        Ok(name) => words::bot(name),
        Err(trouble) => words::no_bot(*trouble == Trouble::Token),
    }];
    findings.extend(checked.guilds.iter().map(|(id, name)| match name {
        Ok(name) => words::guild(*id, name),
        Err(trouble) => words::no_guild(*id, *trouble == Trouble::NotThere),
    }));
    findings
}
