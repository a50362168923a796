//! The whole policy as rows, for people to review: who holds which right on what.

use crate::action::{Actor, GuestFacts, Right, Target};
use crate::ids::{ChannelId, ClusterName, GuestRef, GuildId, Kind, NodeName, UserId, Vmid};

use super::law::Law;
use super::policy::Policy;
use super::terms::Terms;

/// Somebody whom the policy names: a person without any role, or an invented member who has just
/// the one role. (Who has which roles, only Discord knows.)
#[derive(Debug, Clone)]
pub struct Subject {
    pub name: String,
    pub actor: Actor,
}

/// One line: what one subject may do with one target.
#[derive(Debug)]
pub struct Row {
    pub who: String,
    pub rights: Vec<(Right, Terms)>,
}

/// Everybody whom the policy names, people first, and one stranger whom it does not.
///
/// `channel` is where they ask from: rules can be bound to channels.
#[must_use]
pub fn subjects(policy: &Policy, guild: GuildId, channel: ChannelId) -> Vec<Subject> {
    let subject = |name: &str, user: UserId, roles: Vec<_>| Subject {
        name: name.to_owned(),
        actor: Actor {
            user,
            name: name.to_owned(),
            roles,
            guild,
            channel,
            parent: None,
        },
    };
    // Ids that no person has: Discord's begin in 2015, far above.
    let people = policy
        .people
        .iter()
        .map(|(name, id)| subject(name, *id, vec![]));
    let members = policy.roles.iter().zip(2..).map(|((name, role), nobody)| {
        subject(&format!("role {name}"), UserId(nobody), vec![*role])
    });
    let stranger = subject("stranger", UserId(1), vec![]);
    people.chain(members).chain([stranger]).collect()
}

/// What each subject may do with the target, at whatever time.
#[must_use]
pub fn matrix(law: &Law, subjects: &[Subject], target: &Target<'_>) -> Vec<Row> {
    let row = |subject: &Subject| {
        let mine = law.of(&subject.actor);
        Row {
            who: subject.name.clone(),
            rights: meaningful(target)
                .filter_map(|right| Some((right, mine.terms(right, target)?)))
                .collect(),
        }
    };
    subjects.iter().map(row).collect()
}

/// The rights that mean something there.
pub(super) fn meaningful(target: &Target<'_>) -> impl Iterator<Item = Right> {
    Right::ALL.into_iter().filter(|right| right.is_for(target))
}

/// Where no cluster can be asked: for each selector in the rules, an invented guest that it
/// matches, and one that nothing but `*` matches. The text is the selector.
#[must_use]
pub fn specimens(policy: &Policy, clusters: &[ClusterName]) -> Vec<(String, GuestFacts)> {
    let Some(first) = clusters.first() else {
        return Vec::new();
    };
    let described = policy
        .words
        .iter()
        .filter(|word| *word != "*")
        .filter_map(|word| Some((word.clone(), specimen(word, first, policy)?)));
    let other = specimen("", first, policy).map(|facts| ("any other guest".to_owned(), facts));
    described.chain(other).collect()
}

fn specimen(word: &str, cluster: &ClusterName, policy: &Policy) -> Option<GuestFacts> {
    let mut facts = GuestFacts {
        guest: GuestRef {
            cluster: cluster.clone(),
            vmid: Vmid::new(999_999_999)?,
        },
        kind: Kind::Vm,
        node: "elsewhere".parse().ok()?,
        name: Some("unnamed".to_owned()),
        pool: None,
        // All of them: an invented guest hides nothing.
        pools_seen: policy.pools.clone(),
        tags: Vec::new(),
    };
    let plain = |pattern: &str| pattern.replace(['*', '?'], "x");
    match word.split_once(':') {
        Some(("tag", tag)) => facts.tags = vec![tag.to_owned()],
        Some(("pool", pool)) => facts.pool = Some(pool.to_owned()),
        Some(("name", name)) => facts.name = Some(plain(name)),
        Some(("node", node)) => facts.node = node_of(&plain(node))?,
        Some(("cluster", name)) => facts.guest.cluster = name.parse().ok()?,
        Some(_) => return None,
        None if word == "ct" => facts.kind = Kind::Ct,
        None if word == "vm" || word.is_empty() => {}
        None => {
            let (cluster, vmid) = word.split_once('/').unwrap_or((cluster.as_str(), word));
            facts.guest = GuestRef {
                cluster: cluster.parse().ok()?,
                vmid: vmid.parse().ok()?,
            };
        }
    }
    Some(facts)
}

fn node_of(selector: &str) -> Option<NodeName> {
    let name = selector.rsplit('/').next()?;
    name.parse().ok()
}
