//! The policy, compiled: rules found by person and role, so that a check costs the same whether
//! the file has ten rules or a thousand for other people.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::Arc;
use std::time::Duration;

use jiff::tz::TimeZone;
use sha2::{Digest, Sha256};

use crate::action::{Actor, Right, Target};
use crate::config::{AllowRule, AskRule, Config, DenyRule, Hours, Limit, Place, Problem};
use crate::ids::{ChannelId, ClusterName, RoleId, UserId};

use super::right_set::RightSet;
use super::selector::{GuestSelector, NodeSelector, Unknown};

/// Compiled `[people]`, `[roles]`, `[[allow]]`, `[[deny]]` and `[[ask]]`.
#[derive(Debug)]
pub struct Policy {
    pub(super) people: BTreeMap<String, UserId>,
    pub(super) roles: BTreeMap<String, RoleId>,
    pub(super) words: Vec<String>,
    /// The pools that rules name.
    pub(super) pools: Arc<[String]>,
    pub(super) allow: Vec<Allow>,
    pub(super) deny: Vec<Deny>,
    pub(super) ask: Vec<Ask>,
    /// What rules with `hours` mean by a time of day.
    pub(super) zone: TimeZone,
    users: HashMap<UserId, Mine>,
    by_role: HashMap<RoleId, Mine>,
}

/// Places of rules in the lists, for one person or role.
#[derive(Debug, Default, Clone)]
pub(super) struct Mine {
    pub(super) allow: Vec<usize>,
    pub(super) deny: Vec<usize>,
    pub(super) ask: Vec<usize>,
}

#[derive(Debug)]
pub(super) struct Allow {
    pub(super) rule: RuleRef,
    rights: RightSet,
    guests: Vec<GuestSelector>,
    nodes: Vec<NodeSelector>,
    /// Of those rights, the ones that it gives over the bot itself.
    of_bot: RightSet,
    channels: Vec<ChannelId>,
    pub(super) confirm: RightSet,
    pub(super) hours: Option<Hours>,
    pub(super) limit: Option<Limit>,
    pub(super) cooldown: Option<Duration>,
}

#[derive(Debug)]
pub(super) struct Deny {
    pub(super) rule: RuleRef,
    pub(super) rights: RightSet,
    guests: Vec<GuestSelector>,
    nodes: Vec<NodeSelector>,
    everything: bool,
}

#[derive(Debug)]
pub(super) struct Ask {
    pub(super) rule: RuleRef,
    pub(super) rights: RightSet,
    guests: Vec<GuestSelector>,
}

/// Where the rule stands that decided.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct RuleRef {
    pub place: Place,
    pub key: RuleKey,
}

/// What a rule says, as a number that is the same wherever it stands in the file: limits count
/// under it, over reloads and restarts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct RuleKey(pub i64);

impl RuleKey {
    /// The first eight bytes of the SHA-256 of the rule's text.
    pub(super) fn of(text: &str) -> Self {
        let digest = Sha256::digest(text.as_bytes());
        let fold = |key: i64, byte: &u8| key << 8 | i64::from(*byte);
        Self(digest.iter().take(8).fold(0, fold))
    }
}

impl std::fmt::Display for RuleRef {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.place.fmt(f)
    }
}

impl Policy {
    /// Compiles the rules of a configuration.
    ///
    /// # Errors
    ///
    /// Every selector that means nothing, or more than one thing, with its place.
    pub fn compile(config: &Config) -> Result<Self, Vec<Problem>> {
        Self::compile_for(config, config)
    }

    /// The rules of `config`, for the clusters and in the time zone with which the bot `runs`.
    ///
    /// # Errors
    ///
    /// As [`Policy::compile`].
    pub fn compile_for(config: &Config, runs: &Config) -> Result<Self, Vec<Problem>> {
        let clusters: Vec<ClusterName> = runs.clusters.iter().map(|c| c.name.clone()).collect();
        let mut problems = Vec::new();
        let mut policy = Self {
            people: config.people.clone(),
            roles: config.roles.clone(),
            words: selector_words(config),
            pools: pools_named(config),
            allow: Vec::new(),
            deny: Vec::new(),
            ask: Vec::new(),
            zone: runs.bot.time_zone.clone().unwrap_or(TimeZone::UTC),
            users: HashMap::new(),
            by_role: HashMap::new(),
        };
        for (index, rule) in config.allow.iter().enumerate() {
            let compiled = Allow::compile(index, rule, &clusters, &mut problems);
            for mine in policy.named(&rule.who) {
                mine.allow.push(index);
            }
            policy.allow.push(compiled);
        }
        for (index, rule) in config.deny.iter().enumerate() {
            let compiled = Deny::compile(index, rule, &clusters, &mut problems);
            for mine in policy.named(&rule.who) {
                mine.deny.push(index);
            }
            policy.deny.push(compiled);
        }
        for (index, rule) in config.ask.iter().enumerate() {
            let compiled = Ask::compile(index, rule, &clusters, &mut problems);
            for mine in policy.named(&rule.who) {
                mine.ask.push(index);
            }
            policy.ask.push(compiled);
        }
        if problems.is_empty() {
            Ok(policy)
        } else {
            Err(problems)
        }
    }

    /// The index entries of the names in a rule. Names were checked when the file was read; one
    /// that is in neither list gives nobody anything.
    fn named(&mut self, who: &[String]) -> Vec<&mut Mine> {
        let users: HashSet<UserId> = who
            .iter()
            .filter_map(|n| self.people.get(n).copied())
            .collect();
        let roles: HashSet<RoleId> = who
            .iter()
            .filter_map(|n| self.roles.get(n).copied())
            .collect();
        for user in &users {
            self.users.entry(*user).or_default();
        }
        for role in &roles {
            self.by_role.entry(*role).or_default();
        }
        let in_users = self.users.iter_mut().filter(|(id, _)| users.contains(id));
        let in_roles = self.by_role.iter_mut().filter(|(id, _)| roles.contains(id));
        in_users
            .map(|(_, mine)| mine)
            .chain(in_roles.map(|(_, mine)| mine))
            .collect()
    }

    /// Places of the rules that speak of this person, in the order of the file, each once.
    pub(super) fn mine(&self, actor: &Actor) -> Mine {
        let roles = actor.roles.iter().filter_map(|role| self.by_role.get(role));
        let entries = self.users.get(&actor.user).into_iter().chain(roles);
        let mut mine = Mine::default();
        for entry in entries {
            mine.allow.extend(&entry.allow);
            mine.deny.extend(&entry.deny);
            mine.ask.extend(&entry.ask);
        }
        for list in [&mut mine.allow, &mut mine.deny, &mut mine.ask] {
            list.sort_unstable();
            list.dedup();
        }
        mine
    }

    /// Whose time the `hours` of rules are.
    #[must_use]
    pub fn zone(&self) -> &TimeZone {
        &self.zone
    }

    /// Everybody whom `[people]` names.
    pub fn people(&self) -> impl Iterator<Item = UserId> {
        self.people.values().copied()
    }

    /// The pools that rules name. The token must see them, or denies by pool take everything.
    #[must_use]
    pub fn pools(&self) -> &[String] {
        &self.pools
    }

    /// The name under which `[people]` has somebody, or the id where it has none.
    #[must_use]
    pub fn name_of(&self, user: UserId) -> String {
        let named = self.people.iter().find(|(_, id)| **id == user);
        named.map_or_else(|| user.to_string(), |(name, _)| name.clone())
    }

    /// The names under which the rules know somebody: their own, and those of their roles.
    #[must_use]
    pub fn names_of(&self, actor: &Actor) -> Vec<String> {
        let people = self.people.iter().filter(|(_, id)| **id == actor.user);
        let roles = self.roles.iter().filter(|(_, id)| actor.roles.contains(id));
        let names = people
            .map(|(name, _)| name)
            .chain(roles.map(|(name, _)| name));
        names.cloned().collect()
    }
}

impl Allow {
    fn compile(
        index: usize,
        rule: &AllowRule,
        clusters: &[ClusterName],
        problems: &mut Vec<Problem>,
    ) -> Self {
        let key = format!("allow[{index}]");
        let guests = guests(&rule.guests, clusters, &rule.place, &key, problems);
        let nodes = nodes(&rule.nodes, clusters, &rule.place, &key, problems);
        let whole =
            guests.iter().any(GuestSelector::is_all) && nodes.iter().any(NodeSelector::is_all);
        let bare = guests.is_empty() && nodes.is_empty();
        let named = |right: &Right| rule.words.iter().any(|word| word == right.key());
        // `*` for some guests means all that can be done to them, not rights over other people.
        let given = |right: &Right| !right.is_about_the_bot() || whole || named(right);
        let over_bot = |right: &Right| match right {
            // With a list of guests it is power over the access to those.
            Right::Access => whole || (named(right) && bare),
            right => right.is_about_the_bot() && given(right),
        };
        Self {
            rule: rule_ref(&rule.place, &rule.to_string()),
            rights: rule.actions.iter().copied().filter(given).collect(),
            of_bot: rule.actions.iter().copied().filter(over_bot).collect(),
            guests,
            nodes,
            channels: rule.channels.clone(),
            confirm: rule.confirm.iter().copied().collect(),
            hours: rule.hours,
            limit: rule.limit,
            cooldown: rule.cooldown,
        }
    }

    /// Whether it gives the right on the target, wherever and whenever.
    pub(super) fn covers(&self, right: Right, target: &Target<'_>) -> bool {
        self.rights_over(target).has(right) && self.names(target)
    }

    /// What it gives over such a target if its lists name it.
    pub(super) fn rights_over(&self, target: &Target<'_>) -> RightSet {
        match target {
            Target::Bot => self.of_bot,
            Target::Guest(_) | Target::Node(_) => self.rights,
        }
    }

    /// Whether its lists name the target.
    pub(super) fn names(&self, target: &Target<'_>) -> bool {
        match target {
            Target::Guest(guest) => self.guests.iter().any(|s| s.matches(guest, Unknown::Fails)),
            Target::Node(node) => self.nodes.iter().any(|s| s.matches(node)),
            Target::Bot => !self.of_bot.is_empty(),
        }
    }

    pub(super) fn is_for(&self, (channel, parent): (ChannelId, Option<ChannelId>)) -> bool {
        let here = |c: &ChannelId| *c == channel || Some(*c) == parent;
        self.channels.is_empty() || self.channels.iter().any(here)
    }
}

impl Ask {
    fn compile(
        index: usize,
        rule: &AskRule,
        clusters: &[ClusterName],
        problems: &mut Vec<Problem>,
    ) -> Self {
        let key = format!("ask[{index}]");
        Self {
            rule: rule_ref(&rule.place, &rule.to_string()),
            rights: rule.actions.iter().copied().collect(),
            guests: guests(&rule.guests, clusters, &rule.place, &key, problems),
        }
    }

    pub(super) fn covers(&self, right: Right, target: &Target<'_>) -> bool {
        self.rights.has(right) && self.names(target)
    }

    pub(super) fn names(&self, target: &Target<'_>) -> bool {
        match target {
            Target::Guest(guest) => self.guests.iter().any(|s| s.matches(guest, Unknown::Fails)),
            Target::Node(_) | Target::Bot => false,
        }
    }
}

fn rule_ref(place: &Place, text: &str) -> RuleRef {
    RuleRef {
        place: place.clone(),
        key: RuleKey::of(text),
    }
}

impl Deny {
    fn compile(
        index: usize,
        rule: &DenyRule,
        clusters: &[ClusterName],
        problems: &mut Vec<Problem>,
    ) -> Self {
        let key = format!("deny[{index}]");
        let none = Vec::new();
        let guest_words = rule.guests.as_ref().unwrap_or(&none);
        let node_words = rule.nodes.as_ref().unwrap_or(&none);
        Self {
            rule: rule_ref(&rule.place, &rule.to_string()),
            rights: rule.actions.iter().copied().collect(),
            guests: guests(guest_words, clusters, &rule.place, &key, problems),
            nodes: nodes(node_words, clusters, &rule.place, &key, problems),
            everything: rule.guests.is_none() && rule.nodes.is_none(),
        }
    }

    pub(super) fn covers(&self, right: Right, target: &Target<'_>) -> bool {
        self.rights.has(right) && self.names(target)
    }

    pub(super) fn names(&self, target: &Target<'_>) -> bool {
        self.everything
            || match target {
                Target::Guest(guest) => self
                    .guests
                    .iter()
                    .any(|s| s.matches(guest, Unknown::Matches)),
                Target::Node(node) => self.nodes.iter().any(|s| s.matches(node)),
                Target::Bot => {
                    self.guests.iter().any(GuestSelector::is_all)
                        && self.nodes.iter().any(NodeSelector::is_all)
                }
            }
    }
}

fn guests(
    words: &[String],
    clusters: &[ClusterName],
    place: &Place,
    key: &str,
    problems: &mut Vec<Problem>,
) -> Vec<GuestSelector> {
    let parse = |word: &str| GuestSelector::parse(word, clusters);
    compile_words(words, "guests", parse, (place, key), problems)
}

fn nodes(
    words: &[String],
    clusters: &[ClusterName],
    place: &Place,
    key: &str,
    problems: &mut Vec<Problem>,
) -> Vec<NodeSelector> {
    let parse = |word: &str| NodeSelector::parse(word, clusters);
    compile_words(words, "nodes", parse, (place, key), problems)
}

fn compile_words<T>(
    words: &[String],
    list: &str,
    parse: impl Fn(&str) -> Result<T, String>,
    (place, key): (&Place, &str),
    problems: &mut Vec<Problem>,
) -> Vec<T> {
    let mut compiled = Vec::new();
    for (index, word) in words.iter().enumerate() {
        match parse(word) {
            Ok(selector) => compiled.push(selector),
            Err(what) => problems.push(Problem {
                place: Some(place.to_string()),
                key: format!("{key}.{list}[{index}]"),
                what,
            }),
        }
    }
    compiled
}

fn pools_named(config: &Config) -> Arc<[String]> {
    let words = selector_words(config);
    let pools = words.iter().filter_map(|word| word.strip_prefix("pool:"));
    pools.map(str::to_owned).collect()
}

/// Every guest selector that the file uses, once, in its order.
fn selector_words(config: &Config) -> Vec<String> {
    let allow = config.allow.iter().flat_map(|rule| &rule.guests);
    let deny = config
        .deny
        .iter()
        .flat_map(|rule| rule.guests.iter().flatten());
    let ask = config.ask.iter().flat_map(|rule| &rule.guests);
    let mut seen = HashSet::new();
    allow
        .chain(deny)
        .chain(ask)
        .filter(|word| seen.insert(word.as_str()))
        .cloned()
        .collect()
}
