//! Rules that do nothing just now: those that mean no guest and no node that exists, and those of
//! which a deny takes away all that they give. Likely a slip, so `check` tells of them.

use std::collections::BTreeSet;

use crate::action::{Actor, GuestFacts, Right, Target};
use crate::config::{Config, Place};
use crate::ids::{ChannelId, GuildId, NodeRef, UserId};

use super::policy::Policy;

/// One rule that does nothing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Idle {
    pub place: Place,
    /// `allow`, `deny` or `ask`.
    pub list: &'static str,
    pub why: IdleWhy,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum IdleWhy {
    /// None of these words of `guests` and `nodes` means anything that exists now.
    MeansNothing(Vec<String>),
    /// Whatever it gives, to whomever it names, is denied by these.
    Denied(Vec<Place>),
}

/// All rules of `config` that do nothing with these guests and nodes. `policy` is that of `config`.
/// Where there are none at all, nothing is said: they are more likely hidden than gone.
#[must_use]
pub fn idle(
    config: &Config,
    policy: &Policy,
    guests: &[GuestFacts],
    nodes: &[NodeRef],
) -> Vec<Idle> {
    if guests.is_empty() || nodes.is_empty() {
        return Vec::new();
    }
    let things: Vec<Target<'_>> = guests
        .iter()
        .map(Target::Guest)
        .chain(nodes.iter().map(Target::Node))
        .collect();
    let meant = |names: &dyn Fn(&Target<'_>) -> bool| things.iter().any(names);
    let shadow = |who: &[String], covers: &dyn Fn(Right, &Target<'_>) -> bool| {
        denied(policy, &things, who, covers).map(IdleWhy::Denied)
    };
    let mut found = Vec::new();
    let mut note = |list, place: &Place, why: Option<IdleWhy>| {
        let place = place.clone();
        found.extend(why.map(|why| Idle { place, list, why }));
    };
    for (rule, compiled) in config.allow.iter().zip(policy.allow.iter()) {
        let nothing = nothing(&[&rule.guests, &rule.nodes], meant(&|t| compiled.names(t)));
        let why = nothing.or_else(|| shadow(&rule.who, &|right, t| compiled.covers(right, t)));
        note("allow", &rule.place, why);
    }
    for (rule, compiled) in config.ask.iter().zip(policy.ask.iter()) {
        let nothing = nothing(&[&rule.guests], meant(&|t| compiled.names(t)));
        let why = nothing.or_else(|| shadow(&rule.who, &|right, t| compiled.covers(right, t)));
        note("ask", &rule.place, why);
    }
    for (rule, compiled) in config.deny.iter().zip(policy.deny.iter()) {
        let lists = [&rule.guests, &rule.nodes].map(|list| list.as_deref().unwrap_or_default());
        let why = nothing(&lists, meant(&|t| compiled.names(t)));
        note("deny", &rule.place, why);
    }
    found
}

fn nothing<L: AsRef<[String]>>(lists: &[L], meant: bool) -> Option<IdleWhy> {
    let words: Vec<String> = lists.iter().flat_map(AsRef::as_ref).cloned().collect();
    // Without lists it is a rule about the bot itself, or a deny of everything.
    (!meant && !words.is_empty()).then_some(IdleWhy::MeansNothing(words))
}

/// The denies that take away every right which `covers` gives on any of these and on the bot, from
/// each of `who`; `None` where something is left. A role is looked at as a member who has only that
/// role, a person as one without any: who has which roles, only Discord knows.
fn denied(
    policy: &Policy,
    things: &[Target<'_>],
    who: &[String],
    covers: &dyn Fn(Right, &Target<'_>) -> bool,
) -> Option<Vec<Place>> {
    let given: Vec<(Right, &Target<'_>)> = things
        .iter()
        .chain([&Target::Bot])
        .flat_map(|target| Right::ALL.map(|right| (right, target)))
        .filter(|(right, target)| covers(*right, target))
        .collect();
    let mut by = BTreeSet::new();
    for name in who {
        let denies = policy.mine(&alone(policy, name)).deny;
        for (right, target) in &given {
            let mut denies = policy.deny.near(target, &denies);
            let deny = denies.find(|deny| deny.covers(*right, target))?;
            by.insert(deny.rule.place.clone());
        }
    }
    (!by.is_empty()).then(|| by.into_iter().collect())
}

/// Somebody of whom only this name is known.
fn alone(policy: &Policy, name: &str) -> Actor {
    Actor {
        // An id that no person has: Discord's begin in 2015, far above.
        user: policy.people.get(name).copied().unwrap_or(UserId(1)),
        name: name.to_owned(),
        roles: policy.roles.get(name).copied().into_iter().collect(),
        guild: GuildId(0),
        channel: ChannelId(0),
        parent: None,
    }
}
