//! What a command needs at hand: the clusters, the policy, the store, and what is going on.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwap;
use jiff::Timestamp;

use crate::action::{Actor, Request, TargetKey};
use crate::audit;
use crate::config::{Acts, Config};
use crate::ids::{ChannelId, ClusterName};
use crate::permission::{Denied, Law, Policy};
use crate::proxmox::Inventory;
use crate::store::Store;

use super::Audience;
use super::busy::Busy;
use super::confirm::Questions;

/// A snapshot that old is as good as new: Proxmox itself looks at its guests every 10 s.
pub(super) const FRESH: Duration = Duration::from_secs(10);

/// How long a reader waits for a newer snapshot before the older one is shown with its age.
pub(super) const READ_PATIENCE: Duration = Duration::from_millis(1500);

/// How long an act waits for a fresh snapshot before it is refused.
pub(super) const ACT_PATIENCE: Duration = Duration::from_secs(12);

#[derive(Debug)]
pub struct Desk {
    pub(super) clusters: Vec<Arc<Inventory>>,
    policy: ArcSwap<Policy>,
    pub(super) store: Store,
    pub(super) questions: Questions,
    pub(super) busy: Busy,
    acts: Acts,
    public_read_channels: Vec<ChannelId>,
    tokens: BTreeMap<ClusterName, String>,
}

impl Desk {
    #[must_use]
    pub fn new(
        config: &Config,
        policy: Policy,
        clusters: Vec<Arc<Inventory>>,
        store: Store,
    ) -> Self {
        Self {
            clusters,
            policy: ArcSwap::from_pointee(policy),
            store,
            questions: Questions::default(),
            busy: Busy::default(),
            acts: config.bot.acts,
            public_read_channels: config.discord.public_read_channels.clone(),
            tokens: config
                .clusters
                .iter()
                .map(|c| (c.name.clone(), c.token_id.clone()))
                .collect(),
        }
    }

    /// The rules and what holds beside them, at this moment.
    pub(super) fn law(&self) -> Law {
        Law::new(self.policy.load_full(), Arc::default(), Timestamp::now())
    }

    /// The clusters that a query can mean.
    pub(super) fn asked_for(
        &self,
        cluster: Option<&ClusterName>,
    ) -> impl Iterator<Item = &Arc<Inventory>> {
        let named = move |c: &&Arc<Inventory>| cluster.is_none_or(|n| c.client().cluster() == n);
        self.clusters.iter().filter(named)
    }

    /// The id (never the secret) of the token that the bot uses there.
    pub(super) fn token_of(&self, cluster: &ClusterName) -> &str {
        self.tokens.get(cluster).map_or("", String::as_str)
    }

    /// Whether ids need the cluster's name in front to mean one thing.
    pub(super) fn several(&self) -> bool {
        self.clusters.len() > 1
    }

    /// What was done is for all to see, unless the owner wants otherwise.
    pub(super) fn act_audience(&self) -> Audience {
        match self.acts {
            Acts::Public => Audience::Public,
            Acts::Private => Audience::Private,
        }
    }

    pub(super) fn reads_are_public(&self, actor: &Actor) -> bool {
        self.public_read_channels.iter().any(|c| actor.is_in(*c))
    }

    /// Notes a refusal. Nobody waits for it.
    pub(super) fn note_refusal(&self, request: &Request, target: Option<&TargetKey>, why: &str) {
        audit::refused(&self.store, request, target, why);
    }
}

/// The audit's word for a refusal.
pub(super) fn reason(denied: &Denied) -> String {
    match denied {
        Denied::NoRule => "no rule".to_owned(),
        Denied::OtherChannel(rule) => format!("other channel: {rule}"),
        Denied::ByRule(rule) => rule.to_string(),
        Denied::OutsideHours { rule, .. } => format!("other hours: {rule}"),
        Denied::UsedUp { rule, .. } => format!("limit reached: {rule}"),
        Denied::Resting { rule, .. } => format!("too soon after the last: {rule}"),
        Denied::Lockdown => "lockdown".to_owned(),
    }
}
