//! The policy, compiled: rules found by person and role and by what they name, so that a check costs
//! about the same whether the file has ten rules or a thousand.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::Arc;

use jiff::tz::TimeZone;

use crate::action::Actor;
use crate::config::{Config, Problem};
use crate::ids::{ClusterName, RoleId, UserId};

use super::index::Rules;
use super::places::Places;
use super::rule::{Allow, Ask, Deny};
use super::selector::Unknown;

/// Compiled `[people]`, `[roles]`, `[[allow]]`, `[[deny]]` and `[[ask]]`.
#[derive(Debug)]
pub struct Policy {
    pub(super) people: BTreeMap<String, UserId>,
    pub(super) roles: BTreeMap<String, RoleId>,
    pub(super) words: Vec<String>,
    /// The pools that rules name.
    pub(super) pools: Arc<[String]>,
    pub(super) allow: Rules<Allow>,
    pub(super) deny: Rules<Deny>,
    pub(super) ask: Rules<Ask>,
    /// What rules with `hours` mean by a time of day.
    pub(super) zone: TimeZone,
    users: HashMap<UserId, Mine>,
    by_role: HashMap<RoleId, Mine>,
}

/// Places of rules in the lists, for one person or role.
#[derive(Debug, Default, Clone)]
pub(super) struct Mine {
    pub(super) allow: Places,
    pub(super) deny: Places,
    pub(super) ask: Places,
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
        let (mut allow, mut deny, mut ask) = (Vec::new(), Vec::new(), Vec::new());
        for (index, rule) in config.allow.iter().enumerate() {
            allow.push(Allow::compile(index, rule, &clusters, &mut problems));
        }
        for (index, rule) in config.deny.iter().enumerate() {
            deny.push(Deny::compile(index, rule, &clusters, &mut problems));
        }
        for (index, rule) in config.ask.iter().enumerate() {
            ask.push(Ask::compile(index, rule, &clusters, &mut problems));
        }
        let mut policy = Self {
            people: config.people.clone(),
            roles: config.roles.clone(),
            words: selector_words(config),
            pools: pools_named(config),
            // So that ignorance never gives a right.
            allow: Rules::new(allow, Unknown::Fails, Allow::named),
            deny: Rules::new(deny, Unknown::Matches, Deny::named),
            ask: Rules::new(ask, Unknown::Fails, Ask::named),
            zone: runs.bot.time_zone.clone().unwrap_or(TimeZone::UTC),
            users: HashMap::new(),
            by_role: HashMap::new(),
        };
        policy.note_names(config);
        if problems.is_empty() {
            Ok(policy)
        } else {
            Err(problems)
        }
    }

    /// Which rules speak of whom.
    fn note_names(&mut self, config: &Config) {
        for (place, rule) in config.allow.iter().enumerate() {
            self.note(&rule.who, |mine| mine.allow.insert(place));
        }
        for (place, rule) in config.deny.iter().enumerate() {
            self.note(&rule.who, |mine| mine.deny.insert(place));
        }
        for (place, rule) in config.ask.iter().enumerate() {
            self.note(&rule.who, |mine| mine.ask.insert(place));
        }
    }

    /// Names were checked when the file was read; one that is in neither list gives nobody anything.
    fn note(&mut self, who: &[String], note: impl Fn(&mut Mine)) {
        for name in who {
            if let Some(user) = self.people.get(name) {
                note(self.users.entry(*user).or_default());
            }
            if let Some(role) = self.roles.get(name) {
                note(self.by_role.entry(*role).or_default());
            }
        }
    }

    /// Places of the rules that speak of this person.
    pub(super) fn mine(&self, actor: &Actor) -> Mine {
        let roles = actor.roles.iter().filter_map(|role| self.by_role.get(role));
        let mut mine = Mine::default();
        for entry in self.users.get(&actor.user).into_iter().chain(roles) {
            mine.allow.join(&entry.allow);
            mine.deny.join(&entry.deny);
            mine.ask.join(&entry.ask);
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
