//! The policy, compiled: rules found by person and role, so that a check costs the same whether
//! the file has ten rules or a thousand for other people.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::Arc;

use crate::action::{Actor, Right, Target};
use crate::config::{AllowRule, Config, DenyRule, Place, Problem};
use crate::ids::{ChannelId, ClusterName, RoleId, UserId};

use super::gate::Denied;
use super::selector::{GuestSelector, NodeSelector, Unknown};

/// Compiled `[people]`, `[roles]`, `[[allow]]` and `[[deny]]`.
#[derive(Debug)]
pub struct Policy {
    pub(super) people: BTreeMap<String, UserId>,
    pub(super) roles: BTreeMap<String, RoleId>,
    pub(super) words: Vec<String>,
    /// The pools that rules name.
    pub(super) pools: Arc<[String]>,
    allow: Vec<Allow>,
    deny: Vec<Deny>,
    users: HashMap<UserId, Mine>,
    by_role: HashMap<RoleId, Mine>,
}

/// Places of rules in the lists, for one person or role.
#[derive(Debug, Default)]
struct Mine {
    allow: Vec<usize>,
    deny: Vec<usize>,
}

#[derive(Debug)]
struct Allow {
    place: Place,
    rights: HashSet<Right>,
    guests: Vec<GuestSelector>,
    nodes: Vec<NodeSelector>,
    channels: Vec<ChannelId>,
    confirm: HashSet<Right>,
}

#[derive(Debug)]
struct Deny {
    place: Place,
    rights: HashSet<Right>,
    guests: Vec<GuestSelector>,
    nodes: Vec<NodeSelector>,
    everything: bool,
}

/// Where the rule stands that decided.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct RuleRef {
    pub place: Place,
}

impl std::fmt::Display for RuleRef {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.place.fmt(f)
    }
}

/// A yes. Not a key to anything: only [`super::check`] turns it into a permit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verdict {
    pub rule: RuleRef,
    pub confirm: bool,
}

/// The rules that speak of one person, roles included. Made per request, for lists that ask about
/// many guests at once.
#[derive(Debug)]
pub struct Rights<'p> {
    allow: Vec<&'p Allow>,
    deny: Vec<&'p Deny>,
    channel: (ChannelId, Option<ChannelId>),
}

impl Policy {
    /// Compiles the rules of a configuration.
    ///
    /// # Errors
    ///
    /// Every selector that means nothing, or more than one thing, with its place.
    pub fn compile(config: &Config) -> Result<Self, Vec<Problem>> {
        let clusters: Vec<ClusterName> = config.clusters.iter().map(|c| c.name.clone()).collect();
        let mut problems = Vec::new();
        let mut policy = Self {
            people: config.people.clone(),
            roles: config.roles.clone(),
            words: selector_words(config),
            pools: pools_named(config),
            allow: Vec::new(),
            deny: Vec::new(),
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

    /// The rules that speak of this person, here.
    #[must_use]
    pub fn of(&self, actor: &Actor) -> Rights<'_> {
        let roles = actor.roles.iter().filter_map(|role| self.by_role.get(role));
        let mine: Vec<&Mine> = self
            .users
            .get(&actor.user)
            .into_iter()
            .chain(roles)
            .collect();
        let mut allow: Vec<usize> = mine.iter().flat_map(|m| m.allow.iter().copied()).collect();
        let mut deny: Vec<usize> = mine.iter().flat_map(|m| m.deny.iter().copied()).collect();
        // In the order of the file, each once: the first that applies is the one reported.
        allow.sort_unstable();
        allow.dedup();
        deny.sort_unstable();
        deny.dedup();
        Rights {
            allow: allow.into_iter().map(|i| &self.allow[i]).collect(),
            deny: deny.into_iter().map(|i| &self.deny[i]).collect(),
            channel: (actor.channel, actor.parent),
        }
    }

    /// The pools that rules name. The token must see them, or denies by pool take everything.
    #[must_use]
    pub fn pools(&self) -> &[String] {
        &self.pools
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

    /// Who in `[people]` holds a right, for "ask .." in refusals. Roles cannot be listed: only
    /// Discord knows their members.
    #[must_use]
    pub fn holders(&self, here: &Actor, right: Right, target: &Target<'_>) -> Vec<UserId> {
        let as_person = |user: UserId| Actor {
            user,
            roles: Vec::new(),
            ..here.clone()
        };
        let people = self.people.values().copied();
        people
            .filter(|user| self.of(&as_person(*user)).decide(right, target).is_ok())
            .collect()
    }
}

impl Rights<'_> {
    /// The decision itself. Deny beats allow, nothing is no.
    ///
    /// # Errors
    ///
    /// [`Denied`] whenever it is not surely allowed.
    pub fn decide(&self, right: Right, target: &Target<'_>) -> Result<Verdict, Denied> {
        if let Some(rule) = self.deny.iter().find(|rule| rule.covers(right, target)) {
            return Err(Denied::ByRule(rule.reference()));
        }
        let mut first: Option<&Allow> = None;
        let mut elsewhere: Option<&Allow> = None;
        let mut all_ask = true;
        for rule in self.allow.iter().filter(|rule| rule.covers(right, target)) {
            if rule.is_for(self.channel) {
                first = first.or(Some(rule));
                // One rule that lets it through unasked suffices, wherever it stands in the file.
                all_ask &= rule.confirm.contains(&right);
            } else {
                elsewhere = elsewhere.or(Some(rule));
            }
        }
        match (first, elsewhere) {
            (Some(rule), _) => Ok(Verdict {
                rule: rule.reference(),
                confirm: right.always_confirmed() || all_ask,
            }),
            (None, Some(rule)) => Err(Denied::OtherChannel(rule.reference())),
            (None, None) => Err(Denied::NoRule),
        }
    }

    /// Whether the target's existence is known to this person: any right shows it.
    #[must_use]
    pub fn see(&self, target: &Target<'_>) -> bool {
        Right::ALL
            .into_iter()
            .any(|right| self.decide(right, target).is_ok())
    }

    /// Whether there is any rule at all that gives something.
    #[must_use]
    pub fn any(&self) -> bool {
        !self.allow.is_empty()
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
        let mut rights: HashSet<Right> = rule.actions.iter().copied().collect();
        // `*` for some guests means all that can be done to them, not rights over other people.
        let named = rule.words.iter().any(|word| word == Right::Access.key());
        if !whole && !named {
            rights.remove(&Right::Access);
        }
        Self {
            place: rule.place.clone(),
            rights,
            guests,
            nodes,
            channels: rule.channels.clone(),
            confirm: rule.confirm.iter().copied().collect(),
        }
    }

    fn covers(&self, right: Right, target: &Target<'_>) -> bool {
        self.rights.contains(&right)
            && match target {
                Target::Guest(guest) => {
                    self.guests.iter().any(|s| s.matches(guest, Unknown::Fails))
                }
                Target::Node(node) => self.nodes.iter().any(|s| s.matches(node)),
                Target::Bot => {
                    self.guests.iter().any(GuestSelector::is_all)
                        && self.nodes.iter().any(NodeSelector::is_all)
                }
            }
    }

    fn is_for(&self, (channel, parent): (ChannelId, Option<ChannelId>)) -> bool {
        let here = |c: &ChannelId| *c == channel || Some(*c) == parent;
        self.channels.is_empty() || self.channels.iter().any(here)
    }

    fn reference(&self) -> RuleRef {
        RuleRef {
            place: self.place.clone(),
        }
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
            place: rule.place.clone(),
            rights: rule.actions.iter().copied().collect(),
            guests: guests(guest_words, clusters, &rule.place, &key, problems),
            nodes: nodes(node_words, clusters, &rule.place, &key, problems),
            everything: rule.guests.is_none() && rule.nodes.is_none(),
        }
    }

    fn covers(&self, right: Right, target: &Target<'_>) -> bool {
        if !self.rights.contains(&right) {
            return false;
        }
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

    fn reference(&self) -> RuleRef {
        RuleRef {
            place: self.place.clone(),
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
    let mut seen = HashSet::new();
    allow
        .chain(deny)
        .filter(|word| seen.insert(word.as_str()))
        .cloned()
        .collect()
}
