//! Finds the rules that may name something by what is known of it, so that a decision does not go
//! through a thousand rules. It may find too many, never too few: every rule found is asked itself.

use std::collections::HashMap;
use std::ops::Deref;

use crate::action::{GuestFacts, Target};
use crate::ids::Vmid;

use super::pattern::Patterns;
use super::places::Places;
use super::rule::Named;
use super::selector::{GuestSelector, NodeSelector, Unknown};

/// The rules of one list, in the order of the file.
#[derive(Debug)]
pub(super) struct Rules<R> {
    rules: Vec<R>,
    index: Index,
}

impl<R> Rules<R> {
    /// `named` says what a rule names.
    pub(super) fn new(rules: Vec<R>, unknown: Unknown, named: impl Fn(&R) -> Named<'_>) -> Self {
        let mut index = Index::new(unknown);
        for (place, rule) in rules.iter().enumerate() {
            index.add(place, &named(rule));
        }
        Self { rules, index }
    }

    /// Those `of` the rules that may name the target: all that do, and perhaps others.
    pub(super) fn near(&self, target: &Target<'_>, of: &Places) -> impl Iterator<Item = &R> {
        self.at(self.index.near(target, of))
    }

    pub(super) fn at(&self, places: Places) -> impl Iterator<Item = &R> {
        places.into_iter().map(|place| &self.rules[place])
    }
}

impl<R> Deref for Rules<R> {
    type Target = [R];

    fn deref(&self) -> &[R] {
        &self.rules
    }
}

/// Where the words of rules stand.
#[derive(Debug)]
struct Index {
    unknown: Unknown,
    /// Words that could mean any guest: `*`, a kind, a cluster.
    any_guest: Places,
    vmids: HashMap<Vmid, Vec<usize>>,
    names: Patterns,
    tags: HashMap<String, Vec<usize>>,
    pools: HashMap<String, Vec<usize>>,
    /// The nodes that guests are on.
    hosts: Patterns,
    /// All that ask for a name, or for a pool.
    of_names: Places,
    of_pools: Places,
    any_node: Places,
    nodes: Patterns,
    bot: Places,
}

impl Index {
    fn new(unknown: Unknown) -> Self {
        Self {
            unknown,
            any_guest: Places::default(),
            vmids: HashMap::new(),
            names: Patterns::default(),
            tags: HashMap::new(),
            pools: HashMap::new(),
            hosts: Patterns::default(),
            of_names: Places::default(),
            of_pools: Places::default(),
            any_node: Places::default(),
            nodes: Patterns::default(),
            bot: Places::default(),
        }
    }

    fn add(&mut self, place: usize, named: &Named<'_>) {
        for selector in named.guests {
            self.add_guests(place, selector);
        }
        for selector in named.nodes {
            match selector {
                NodeSelector::All | NodeSelector::Cluster(_) => self.any_node.insert(place),
                // The same name in another cluster is sorted out by the rule.
                NodeSelector::Named(_, name) => self.nodes.add(place, name),
            }
        }
        if named.everything {
            self.any_guest.insert(place);
            self.any_node.insert(place);
        }
        if named.bot {
            self.bot.insert(place);
        }
    }

    fn add_guests(&mut self, place: usize, selector: &GuestSelector) {
        match selector {
            GuestSelector::All
            | GuestSelector::Kind(_)
            | GuestSelector::Cluster(_)
            | GuestSelector::Node(NodeSelector::All | NodeSelector::Cluster(_)) => {
                self.any_guest.insert(place);
            }
            GuestSelector::Vmid(_, vmid) => self.vmids.entry(*vmid).or_default().push(place),
            GuestSelector::Name(name) => {
                self.names.add(place, name);
                self.of_names.insert(place);
            }
            GuestSelector::Tag(tag) => {
                let tag = tag.to_ascii_lowercase();
                self.tags.entry(tag).or_default().push(place);
            }
            GuestSelector::Pool(pool) => {
                self.pools.entry(pool.clone()).or_default().push(place);
                self.of_pools.insert(place);
            }
            GuestSelector::Node(NodeSelector::Named(_, name)) => self.hosts.add(place, name),
        }
    }

    fn near(&self, target: &Target<'_>, of: &Places) -> Places {
        if of.is_empty() {
            return Places::default();
        }
        let mut near = match target {
            Target::Guest(guest) => self.near_guest(guest),
            Target::Node(node) => {
                let mut near = self.any_node.clone();
                self.nodes.find(node.node.as_str(), &mut near);
                near
            }
            Target::Bot => self.bot.clone(),
        };
        near.cut(of);
        near
    }

    fn near_guest(&self, guest: &GuestFacts) -> Places {
        let mut near = self.any_guest.clone();
        near.insert_all(self.vmids.get(&guest.guest.vmid).into_iter().flatten());
        if !self.tags.is_empty() {
            for tag in &guest.tags {
                let places = self.tags.get(&tag.to_ascii_lowercase());
                near.insert_all(places.into_iter().flatten());
            }
        }
        // What a deny takes in a pool it takes in those inside, too.
        let mut inner = guest.pool.as_deref();
        while let Some(pool) = inner {
            near.insert_all(self.pools.get(pool).into_iter().flatten());
            inner = pool.rsplit_once('/').map(|(outer, _)| outer);
        }
        match &guest.name {
            Some(name) => self.names.find(name, &mut near),
            None if self.unknown == Unknown::Matches => near.join(&self.of_names),
            None => {}
        }
        if guest.pool.is_none() && self.unknown == Unknown::Matches {
            near.join(&self.of_pools);
        }
        self.hosts.find(guest.node.as_str(), &mut near);
        near
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ids::{ClusterName, GuestRef, Kind, NodeRef};

    /// A rule, as far as the index is concerned.
    struct Rule {
        guests: Vec<GuestSelector>,
        nodes: Vec<NodeSelector>,
    }

    const GUEST_WORDS: &str = "* vm ct home/101 lab/101 home/102 cluster:lab name:web name:MC-* \
        name:*lobby name:m?-* name:*-* name:{web,mc}* tag:games tag:Games tag:lab pool:prod \
        pool:prod/db pool:Prod pool:hidden node:pve1 node:lab/PVE1 node:pve? node:cluster:home";
    const NODE_WORDS: &str = "* cluster:lab pve1 lab/pve1 PVE* *2";

    fn rules(unknown: Unknown) -> Rules<Rule> {
        let known: [ClusterName; 2] = ["home", "lab"].map(|name| name.parse().unwrap());
        let guests = GUEST_WORDS.split_whitespace().map(|word| Rule {
            guests: vec![GuestSelector::parse(word, &known).unwrap()],
            nodes: Vec::new(),
        });
        let nodes = NODE_WORDS.split_whitespace().map(|word| Rule {
            guests: Vec::new(),
            nodes: vec![NodeSelector::parse(word, &known).unwrap()],
        });
        Rules::new(guests.chain(nodes).collect(), unknown, |rule| Named {
            guests: &rule.guests,
            nodes: &rule.nodes,
            everything: false,
            bot: false,
        })
    }

    /// What can be known of a guest, in many combinations.
    fn guests() -> Vec<GuestFacts> {
        let names = [
            None,
            Some("web"),
            Some("Web"),
            Some("mc-lobby"),
            Some("mx-1"),
        ];
        let pools = [
            None,
            Some("prod"),
            Some("prod/db"),
            Some("prod/db/main"),
            Some("production"),
        ];
        let tags: [&[&str]; 3] = [&[], &["GAMES", "linux"], &["lab"]];
        let mut guests = Vec::new();
        for (one, name) in names.iter().enumerate() {
            for pool in pools {
                for (two, tags) in tags.iter().enumerate() {
                    guests.push(GuestFacts {
                        guest: GuestRef {
                            cluster: ["home", "lab"][(one + two) % 2].parse().unwrap(),
                            vmid: [101, 102, 103].map(|id| Vmid::new(id).unwrap())[two],
                        },
                        kind: [Kind::Vm, Kind::Ct][one % 2],
                        node: ["pve1", "Pve2"][two % 2].parse().unwrap(),
                        name: name.map(str::to_owned),
                        pool: pool.map(str::to_owned),
                        pools_seen: ["prod".to_owned(), "prod/db".to_owned()].into(),
                        tags: tags.iter().map(|tag| (*tag).to_owned()).collect(),
                    });
                }
            }
        }
        guests
    }

    fn all(rules: &Rules<Rule>) -> Places {
        let mut all = Places::default();
        (0..rules.len()).for_each(|place| all.insert(place));
        all
    }

    /// How many are found. None that means the target is missing.
    fn found(rules: &Rules<Rule>, target: &Target<'_>, means: impl Fn(&Rule) -> bool) -> usize {
        let near: Vec<usize> = rules.index.near(target, &all(rules)).into_iter().collect();
        for (place, rule) in rules.iter().enumerate() {
            let missed = means(rule) && !near.contains(&place);
            assert!(!missed, "{:?} {:?}: {target:?}", rule.guests, rule.nodes);
        }
        near.len()
    }

    #[test]
    fn every_rule_that_means_a_guest_is_found() {
        for unknown in [Unknown::Matches, Unknown::Fails] {
            let (rules, guests) = (rules(unknown), guests());
            let near = guests.iter().map(|guest| {
                let means =
                    |rule: &Rule| rule.guests.iter().any(|word| word.matches(guest, unknown));
                found(&rules, &Target::Guest(guest), means)
            });
            // An index that finds everything would be true, and of no use.
            assert!(near.sum::<usize>() * 3 < guests.len() * rules.len() * 2);
        }
    }

    #[test]
    fn every_rule_that_means_a_node_is_found() {
        let rules = rules(Unknown::Fails);
        for (cluster, node) in [
            ("home", "pve1"),
            ("lab", "PVE1"),
            ("lab", "pve2"),
            ("home", "x"),
        ] {
            let node = NodeRef {
                cluster: cluster.parse().unwrap(),
                node: node.parse().unwrap(),
            };
            let means = |rule: &Rule| rule.nodes.iter().any(|word| word.matches(&node));
            assert!(found(&rules, &Target::Node(&node), means) < rules.len() / 2);
        }
    }

    #[test]
    fn only_rules_that_speak_of_the_person_are_found() {
        let rules = rules(Unknown::Matches);
        let guests = guests();
        let target = Target::Guest(&guests[0]);
        let mut one = Places::default();
        one.insert(0);
        assert_eq!(rules.index.near(&target, &one), one);
        assert!(rules.index.near(&target, &Places::default()).is_empty());
    }
}
