//! What a command needs at hand: the clusters, the law, the store, and what is going on.

use std::collections::BTreeMap;
use std::hash::RandomState;
use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwap;
use jiff::Timestamp;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use crate::access::Access;
use crate::action::{Actor, Request, Right, Target, TargetKey};
use crate::audit::{self, NotSent};
use crate::config::{Acts, Config};
use crate::embed::why::Readers;
use crate::embed::{self, Reply};
use crate::errand::Errands;
use crate::held::{Held, Nodes};
use crate::ids::{ChannelId, ClusterName, Upid, UserId};
use crate::permission::{Denied, Law, Policy};
use crate::proxmox::{Inventory, TokenAdmin};
use crate::store::Store;

use super::Audience;
use super::busy::Busy;
use super::confirm::Questions;
use super::listed::Listed;
use super::memory::Starting;
use super::notify::Waiting;
use super::refusals::Refusals;
use super::requests::Requests;
use super::table::{self, Row};
use super::token::KnownRoles;

/// A snapshot that old is as good as new: Proxmox itself looks at its guests every 10 s.
pub(super) const FRESH: Duration = Duration::from_secs(10);

/// How long a reader waits for a newer snapshot before the older one is shown with its age.
pub(super) const READ_PATIENCE: Duration = Duration::from_millis(1500);

/// How long an act waits for a fresh snapshot before it is refused.
pub(super) const ACT_PATIENCE: Duration = Duration::from_secs(12);

#[derive(Debug)]
pub struct Desk {
    pub(super) clusters: Vec<Arc<Inventory>>,
    policy: Arc<ArcSwap<Policy>>,
    pub(super) access: Arc<Access>,
    pub(super) store: Store,
    pub(super) errands: Errands,
    pub(super) questions: Questions,
    pub(super) requests: Requests,
    pub(super) busy: Busy,
    pub(super) waiting: Waiting,
    pub(super) nodes: Nodes,
    pub(super) stopping: Held<Upid, ()>,
    pub(super) listed: Listed,
    /// Makes the ids of tasks that buttons carry.
    pub(super) task_ids: RandomState,
    /// Of the clusters that have a token for it.
    pub(super) token_admins: Vec<Arc<TokenAdmin>>,
    pub(super) roles: KnownRoles,
    pub(super) starting: Starting,
    refusals: Refusals,
    pub(super) stop: CancellationToken,
    pub(super) settings: Settings,
    tokens: BTreeMap<ClusterName, String>,
}

/// What commands have to know of the configuration beside the rules.
#[derive(Debug)]
pub(super) struct Settings {
    pub acts: Acts,
    pub public_read_channels: Vec<ChannelId>,
    pub approvals_channel: Option<ChannelId>,
    pub grant_max: Duration,
    pub ask_expires: Duration,
}

/// What a desk is made with.
#[derive(Debug)]
pub struct Parts {
    /// Replaced as a whole when the rules are read again.
    pub policy: Arc<ArcSwap<Policy>>,
    pub clusters: Vec<Arc<Inventory>>,
    /// Of the clusters that let the bot manage tokens.
    pub token_admins: Vec<Arc<TokenAdmin>>,
    pub store: Store,
    pub access: Arc<Access>,
    pub errands: Errands,
    /// Holds the orders that a former process left, too.
    pub nodes: Nodes,
    pub stop: CancellationToken,
}

impl Desk {
    #[must_use]
    pub fn new(config: &Config, parts: Parts) -> Self {
        Self {
            clusters: parts.clusters,
            policy: parts.policy,
            access: parts.access,
            store: parts.store,
            errands: parts.errands,
            questions: Questions::default(),
            requests: Requests::default(),
            busy: Busy::default(),
            waiting: Waiting::default(),
            nodes: parts.nodes,
            stopping: Held::default(),
            listed: Listed::default(),
            task_ids: RandomState::new(),
            token_admins: parts.token_admins,
            roles: KnownRoles::default(),
            starting: Starting::default(),
            refusals: Refusals::default(),
            stop: parts.stop,
            settings: Settings {
                acts: config.bot.acts,
                public_read_channels: config.discord.public_read_channels.clone(),
                approvals_channel: config.discord.approvals_channel,
                grant_max: config.bot.grant_max,
                ask_expires: config.bot.ask_expires,
            },
            tokens: config
                .clusters
                .iter()
                .map(|c| (c.name.clone(), c.token_id.clone()))
                .collect(),
        }
    }

    /// The rules and what holds beside them, at this moment.
    #[must_use]
    pub fn law(&self) -> Law {
        let now = Timestamp::now();
        Law::new(self.policy.load_full(), self.access.standing(), now)
    }

    /// Whether others are sent to this person, where the bot or Proxmox has to be mended.
    pub(super) fn is_owner(&self, actor: &Actor) -> bool {
        let law = self.law();
        law.of(actor).decide(Right::Access, &Target::Bot).is_ok()
    }

    /// Who reads what this person is answered.
    pub(super) fn readers(&self, actor: &Actor, audience: Audience) -> Readers {
        Readers {
            public: audience == Audience::Public,
            owner: self.is_owner(actor),
        }
    }

    /// The commands that there are with this configuration.
    pub fn rows(&self) -> impl Iterator<Item = &'static Row> + use<> {
        let tokens = !self.token_admins.is_empty();
        table::rows().filter(move |row| tokens || !row.needs_token_admin())
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
        match self.settings.acts {
            Acts::Public => Audience::Public,
            Acts::Private => Audience::Private,
        }
    }

    pub(super) fn reads_are_public(&self, actor: &Actor) -> bool {
        let public = &self.settings.public_read_channels;
        public.iter().any(|channel| actor.is_in(*channel))
    }

    /// Who acts, where that is for all to see.
    pub(super) fn shown_actor(&self, user: UserId) -> Option<UserId> {
        (self.settings.acts == Acts::Public).then_some(user)
    }

    /// What is not noted is not done: the words for it.
    pub(super) fn not_noted(&self, request: &Request) -> Reply {
        embed::problem::not_noted(request.id, self.is_owner(&request.actor))
    }

    /// Notes a refusal. Nobody waits for it.
    pub(super) fn note_refusal(&self, request: &Request, target: Option<&TargetKey>, why: &str) {
        if let Some(why) = self.worth_noting(request.actor.user, why) {
            audit::refused(&self.store, request, target, &why);
        }
    }

    /// Notes an act that came to nothing before Proxmox was asked. Nobody waits for it.
    pub(super) fn note_not_sent(&self, tried: &NotSent<'_>, why: &str) {
        if let Some(why) = self.worth_noting(tried.request.actor.user, why) {
            audit::not_sent(&self.store, tried, &why);
        }
    }

    /// Nobody fills the disk by pressing: a flood is counted.
    fn worth_noting(&self, user: UserId, why: &str) -> Option<String> {
        Some(match self.refusals.take(user, Instant::now())? {
            0 => why.to_owned(),
            more => format!("{why} (and {more} more before)"),
        })
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
