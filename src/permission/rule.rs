//! One rule, compiled: what it gives, takes or lets one ask for, and on what.

use std::time::Duration;

use sha2::{Digest, Sha256};

use crate::action::{Right, Target};
use crate::config::{AllowRule, AskRule, DenyRule, Hours, Limit, Place, Problem};
use crate::ids::{ChannelId, ClusterName};

use super::right_set::RightSet;
use super::selector::{GuestSelector, NodeSelector, Unknown};

#[derive(Debug)]
pub(super) struct Allow {
    pub(super) rule: RuleRef,
    guests: Vec<GuestSelector>,
    nodes: Vec<NodeSelector>,
    /// What it gives over the guests that it names, the nodes, and the bot itself.
    of_guests: RightSet,
    of_nodes: RightSet,
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

/// All that a rule names, for the index.
#[derive(Debug)]
pub(super) struct Named<'r> {
    pub(super) guests: &'r [GuestSelector],
    pub(super) nodes: &'r [NodeSelector],
    /// Every guest and node there is, without a word for them.
    pub(super) everything: bool,
    pub(super) bot: bool,
}

impl Allow {
    pub(super) fn named(&self) -> Named<'_> {
        Named {
            guests: &self.guests,
            nodes: &self.nodes,
            everything: false,
            bot: self.names(&Target::Bot),
        }
    }

    pub(super) fn compile(
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
        let of = |wanted: &dyn Fn(&Right) -> bool| {
            let rights = rule.actions.iter().copied();
            rights.filter(|right| wanted(right)).collect()
        };
        Self {
            rule: rule_ref(&rule.place, &rule.to_string()),
            of_guests: of(&|right| right.is_for_guests() && given(right)),
            of_nodes: of(&|right| right.is_for_nodes() && given(right)),
            of_bot: of(&over_bot),
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
            Target::Guest(_) => self.of_guests,
            Target::Node(_) => self.of_nodes,
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

    /// What it gives over every guest of the cluster, or every one in the pool, that is or will be.
    pub(super) fn over_every_guest(&self, cluster: &ClusterName, pool: Option<&str>) -> RightSet {
        let every = self.guests.iter().any(|s| s.is_every(cluster, pool));
        if every {
            self.of_guests
        } else {
            RightSet::default()
        }
    }

    pub(super) fn over_every_node(&self, cluster: &ClusterName) -> RightSet {
        if self.nodes.iter().any(|s| s.is_every(cluster)) {
            self.of_nodes
        } else {
            RightSet::default()
        }
    }

    pub(super) fn is_for(&self, (channel, parent): (ChannelId, Option<ChannelId>)) -> bool {
        let here = |c: &ChannelId| *c == channel || Some(*c) == parent;
        self.channels.is_empty() || self.channels.iter().any(here)
    }
}

impl Ask {
    pub(super) fn named(&self) -> Named<'_> {
        Named {
            guests: &self.guests,
            nodes: &[],
            everything: false,
            bot: false,
        }
    }

    pub(super) fn compile(
        index: usize,
        rule: &AskRule,
        clusters: &[ClusterName],
        problems: &mut Vec<Problem>,
    ) -> Self {
        let key = format!("ask[{index}]");
        let actions = rule.actions.iter().copied();
        let askable = actions.filter(|right| right.can_be_asked_for());
        Self {
            rule: rule_ref(&rule.place, &rule.to_string()),
            rights: askable.collect(),
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
    pub(super) fn named(&self) -> Named<'_> {
        Named {
            guests: &self.guests,
            nodes: &self.nodes,
            everything: self.everything,
            bot: self.names(&Target::Bot),
        }
    }

    pub(super) fn compile(
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

    /// Whether it could take something from some guest, be it one that comes later.
    pub(super) fn is_about_guests(&self) -> bool {
        self.everything || !self.guests.is_empty()
    }

    pub(super) fn is_about_nodes(&self) -> bool {
        self.everything || !self.nodes.is_empty()
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
