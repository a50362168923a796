//! Which rules cover a question, read off the words of the rules one by one. Slow, and as unlike
//! `permission` as can be: the two must agree.

use pve_steward::action::{Actor, GuestFacts, Right, Target};
use pve_steward::config::{AllowRule, AskRule, DenyRule};
use pve_steward::ids::NodeRef;

use super::{PEOPLE, ROLES, Rules};

impl Rules {
    /// The allow rules that give the right there, wherever and whenever.
    pub fn allowing(&self, who: &Actor, right: Right, target: &Target<'_>) -> Vec<&AllowRule> {
        let all = self.allow.iter();
        all.filter(|rule| is_meant(&rule.who, who) && gives(rule, right, target))
            .collect()
    }

    pub fn denying(&self, who: &Actor, right: Right, target: &Target<'_>) -> Vec<&DenyRule> {
        let covers = |rule: &&DenyRule| {
            is_meant(&rule.who, who) && rule.actions.contains(&right) && takes(rule, target)
        };
        self.deny.iter().filter(covers).collect()
    }

    pub fn asking(&self, who: &Actor, right: Right, target: &Target<'_>) -> Vec<&AskRule> {
        let covers = |rule: &&AskRule| {
            is_meant(&rule.who, who)
                && rule.actions.contains(&right)
                && is_done_to_guests(right)
                && matches!(target, Target::Guest(guest) if some(&rule.guests, |word| guest_is(word, guest, false)))
        };
        self.ask.iter().filter(covers).collect()
    }
}

fn is_meant(names: &[String], who: &Actor) -> bool {
    let person = |name: &str| PEOPLE.iter().any(|(n, id)| *n == name && *id == who.user.0);
    let member = |name: &str| {
        let role = ROLES.iter().find(|(n, _)| *n == name);
        role.is_some_and(|(_, id)| who.roles.iter().any(|held| held.0 == *id))
    };
    some(names, |name| person(name) || member(name))
}

fn some(words: &[String], is: impl Fn(&str) -> bool) -> bool {
    words.iter().any(|word| is(word))
}

fn gives(rule: &AllowRule, right: Right, target: &Target<'_>) -> bool {
    let whole = some(&rule.guests, |w| w == "*") && some(&rule.nodes, |w| w == "*");
    let named = some(&rule.words, |word| word == right.key());
    let about_the_bot = matches!(right, Right::Access | Right::Audit | Right::Token);
    if !rule.actions.contains(&right) || (about_the_bot && !whole && !named) {
        return false;
    }
    let node_only = matches!(
        right,
        Right::NodeReboot | Right::NodeShutdown | Right::NodeWake
    );
    let of_node = matches!(right, Right::View | Right::TaskView | Right::TaskStop) || node_only;
    match target {
        Target::Guest(_) if node_only || matches!(right, Right::Audit | Right::Token) => false,
        Target::Node(_) if !of_node => false,
        Target::Guest(guest) => some(&rule.guests, |word| guest_is(word, guest, false)),
        Target::Node(node) => some(&rule.nodes, |word| node_is(word, node)),
        Target::Bot => match right {
            Right::Audit | Right::Token => true,
            Right::Access => whole || rule.guests.is_empty() && rule.nodes.is_empty(),
            _ => false,
        },
    }
}

/// What somebody can be asked for: that it is done, once or for a while.
fn is_done_to_guests(right: Right) -> bool {
    matches!(
        right,
        Right::Start
            | Right::Shutdown
            | Right::Reboot
            | Right::Suspend
            | Right::Resume
            | Right::Stop
            | Right::Reset
            | Right::SnapshotCreate
            | Right::SnapshotRollback
            | Right::SnapshotDelete
            | Right::BackupRun
    )
}

fn takes(rule: &DenyRule, target: &Target<'_>) -> bool {
    let guests = rule.guests.as_deref().unwrap_or_default();
    let nodes = rule.nodes.as_deref().unwrap_or_default();
    if rule.guests.is_none() && rule.nodes.is_none() {
        return true;
    }
    match target {
        Target::Guest(guest) => some(guests, |word| guest_is(word, guest, true)),
        Target::Node(node) => some(nodes, |word| node_is(word, node)),
        Target::Bot => some(guests, |w| w == "*") && some(nodes, |w| w == "*"),
    }
}

/// `unknown`: what a fact counts for that nobody knows.
fn guest_is(word: &str, guest: &GuestFacts, unknown: bool) -> bool {
    if let Some(node) = word.strip_prefix("node:") {
        let its = NodeRef {
            cluster: guest.guest.cluster.clone(),
            node: guest.node.clone(),
        };
        return node_is(node, &its);
    }
    let in_pool = |pool: &str| match guest.pool.as_deref() {
        Some(its) => its == pool || unknown && its.starts_with(&format!("{pool}/")),
        None => unknown && guest.pools_seen.iter().all(|seen| seen != pool),
    };
    match word.split_once(':') {
        None if word == "*" => true,
        None if word == "vm" || word == "ct" => guest.kind.key() == word,
        None => guest.guest.to_string() == word,
        Some(("name", pattern)) => match &guest.name {
            Some(name) => like(pattern, name),
            None => unknown,
        },
        Some(("tag", tag)) => guest.tags.iter().any(|its| its.to_lowercase() == tag),
        Some(("pool", pool)) => in_pool(pool),
        Some(("cluster", cluster)) => guest.guest.cluster.as_str() == cluster,
        Some(_) => panic!("no guest is {word}"),
    }
}

fn node_is(word: &str, node: &NodeRef) -> bool {
    let (cluster, name) = match (word.strip_prefix("cluster:"), word.split_once('/')) {
        (Some(cluster), _) => (Some(cluster), "*"),
        (None, Some((cluster, name))) => (Some(cluster), name),
        (None, None) => (None, word),
    };
    cluster.is_none_or(|cluster| node.cluster.as_str() == cluster) && like(name, node.node.as_str())
}

/// Patterns end in at most one `*` or `?` here.
fn like(pattern: &str, text: &str) -> bool {
    if let Some(begin) = pattern.strip_suffix('*') {
        return text.starts_with(begin);
    }
    match pattern.strip_suffix('?') {
        Some(begin) => text.len() == pattern.len() && text.starts_with(begin),
        None => text == pattern,
    }
}
