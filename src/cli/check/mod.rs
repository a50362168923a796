//! `pve-steward check`: looks at everything that `run` will need, and changes nothing.

pub(super) mod cluster;
mod discord;
mod place;
mod tokens;

use crate::action::GuestFacts;
use crate::app;
use crate::config::{Config, Loaded};
use crate::embed::check::{self as words, Finding, Grade};
use crate::embed::terminal;
use crate::ids::{ClusterName, NodeRef};
use crate::permission::{self, Policy};
use crate::proxmox::Snapshot;

use super::{CONFIGURATION, TRY_AGAIN, complain, say};

pub(super) async fn check(loaded: &Loaded) -> u8 {
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
    let mut report = Report::default();
    let rules = config.allow.len() + config.deny.len() + config.ask.len();
    report.tell(&words::configuration(rules, loaded.warnings.len()));
    report.all(place::findings(&config.bot.state_dir));
    let mut estate = Estate::default();
    for (cluster, inventory) in config.clusters.iter().zip(&clusters) {
        let (findings, seen) = cluster::findings(cluster, inventory, policy.pools()).await;
        report.all(findings);
        report.all(tokens::findings(cluster).await);
        estate.add(&cluster.name, seen.as_deref());
    }
    report.all(estate.idle_rules(config, &policy));
    report.all(estate.asked_in_vain(config, &policy));
    report.all(discord::findings(&crate::discord::check(config).await));
    report.exit_code()
}

/// Says each finding as it comes, and remembers the worst.
#[derive(Default)]
struct Report {
    worst: Option<Grade>,
}

impl Report {
    fn tell(&mut self, finding: &Finding) {
        say(&words::printed(finding));
        self.worst = self.worst.max(Some(finding.grade));
    }

    fn all(&mut self, findings: Vec<Finding>) {
        for finding in findings {
            self.tell(&finding);
        }
    }

    fn exit_code(&self) -> u8 {
        match self.worst {
            Some(Grade::Lasting) => CONFIGURATION,
            Some(Grade::Passing) => TRY_AGAIN,
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
