//! The policy, compiled: rules found by person and role, so that a check costs the same whether
//! the file has ten rules or a thousand for other people.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::Arc;

use jiff::tz::TimeZone;

use crate::action::Actor;
use crate::config::{Config, Problem};
use crate::ids::{ClusterName, RoleId, UserId};

use super::rule::{Allow, Ask, Deny};

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

    /// The rules that speak of each name, for those who ask about anybody.
    pub(super) fn each(&self) -> impl Iterator<Item = &Mine> {
        self.users.values().chain(self.by_role.values())
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
