//! `pve-steward check`: looks at everything that `run` will need, and changes nothing.

pub(super) mod cluster;
mod discord;
mod place;
pub(super) mod tokens;

use clap::Args;

use crate::action::GuestFacts;
use crate::app;
use crate::config::{Config, Loaded};
use crate::embed::check::{self as words, Area, Finding, Grade};
use crate::embed::terminal;
use crate::ids::{ClusterName, NodeRef};
use crate::permission::{self, Policy};
use crate::proxmox::Snapshot;

use super::{CONFIGURATION, TRY_AGAIN, complain, say};

/// With `--strict`: nothing fails, but something wants looking at.
const WARNED: u8 = 1;

#[derive(Debug, Default, Args)]
pub(super) struct Query {
    /// One JSON object instead of text: `exit`, and `findings` with `grade`, `area`, `text`, `lines`
    #[arg(long)]
    json: bool,
    /// Exit with 1 where there are warnings
    #[arg(long)]
    strict: bool,
    /// Also say why an address does not answer in the words of the libraries
    #[arg(long, short)]
    verbose: bool,
}

pub(super) async fn check(loaded: &Loaded, query: &Query) -> u8 {
    let config = &loaded.config;
    let policy = match Policy::compile(config) {
        Ok(policy) => policy,
        Err(problems) => {
            complain(&terminal::problems(&problems));
            return CONFIGURATION;
        }
    };
    let clusters = match app::clusters(config) {
        Ok(clusters) => clusters,
        Err(stopped) => {
            complain(&terminal::stopped(&stopped.to_string()));
            return CONFIGURATION;
        }
    };
    let mut report = Report {
        query,
        told: Vec::new(),
    };
    let rules = config.allow.len() + config.deny.len() + config.ask.len();
    report.tell(
        Area::Configuration,
        words::configuration(rules, loaded.warnings.len()),
    );
    report.all(Area::State, place::findings(&config.bot.state_dir));
    let mut estate = Estate::default();
    for (cluster, inventory) in config.clusters.iter().zip(&clusters) {
        let looked = cluster::findings(cluster, inventory, Some(&policy)).await;
        report.all(Area::Cluster, looked.findings);
        report.all(Area::Cluster, tokens::findings(cluster).await);
        estate.add(&cluster.name, looked.seen.as_deref());
    }
    report.all(Area::Rules, estate.idle_rules(config, &policy));
    report.all(Area::Rules, estate.asked_in_vain(config, &policy));
    let found = crate::discord::check(config).await;
    report.all(Area::Discord, discord::findings(&found));
    report.end()
}

/// Says each finding as it comes, or all of them at the end as JSON.
struct Report<'q> {
    query: &'q Query,
    told: Vec<(Area, Finding)>,
}

impl Report<'_> {
    fn tell(&mut self, area: Area, finding: Finding) {
        let finding = if self.query.verbose {
            finding.with_cause()
        } else {
            finding
        };
        if !self.query.json {
            say(&words::printed(&finding));
        }
        self.told.push((area, finding));
    }

    fn all(&mut self, area: Area, findings: Vec<Finding>) {
        for finding in findings {
            self.tell(area, finding);
        }
    }

    fn end(self) -> u8 {
        let code = self.exit_code();
        if self.query.json {
            say(&words::json(&self.told, code));
        }
        code
    }

    fn exit_code(&self) -> u8 {
        let worst = self.told.iter().map(|(_, finding)| finding.grade).max();
        match worst {
            Some(Grade::Lasting) => CONFIGURATION,
            Some(Grade::Passing) => TRY_AGAIN,
            Some(Grade::Warning) if self.query.strict => WARNED,
            Some(Grade::Ok | Grade::Warning) | None => 0,
        }
    }
}

/// All that the rules can be about.
#[derive(Default)]
struct Estate {
    guests: Vec<GuestFacts>,
    nodes: Vec<NodeRef>,
    /// A cluster could not be read: what means nothing elsewhere may mean something there.
    partial: bool,
}

impl Estate {
    fn add(&mut self, cluster: &ClusterName, seen: Option<&Snapshot>) {
        let Some(seen) = seen else {
            self.partial = true;
            return;
        };
        let guests = seen.guests.values().map(|guest| guest.facts.clone());
        self.guests.extend(guests);
        self.nodes.extend(seen.nodes.keys().map(|node| NodeRef {
            cluster: cluster.clone(),
            node: node.clone(),
        }));
    }

    fn idle_rules(&self, config: &Config, policy: &Policy) -> Vec<Finding> {
        if self.partial {
            return Vec::new();
        }
        let idle = permission::idle(config, policy, &self.guests, &self.nodes);
        idle.iter().map(words::idle).collect()
    }

    /// Where a channel is set, those with the right roles decide there, whom only Discord knows.
    fn asked_in_vain(&self, config: &Config, policy: &Policy) -> Vec<Finding> {
        if config.discord.approvals_channel.is_some() {
            return Vec::new();
        }
        let vain = permission::unanswered(config, policy, &self.guests);
        vain.iter().map(words::unanswered).collect()
    }
}
