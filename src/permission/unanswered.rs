//! Requests that nobody could be asked to decide, where they go to people one by one: `check` tells
//! of them before somebody asks in vain.

use crate::action::{Actor, GuestFacts, Right, Target};
use crate::config::{AskRule, Config, Place};
use crate::ids::{ChannelId, GuestRef, GuildId, UserId};

use super::policy::{Mine, Policy};
use super::rule::Ask;

/// A rule `[[ask]]` under which some requests would reach nobody.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unanswered {
    pub place: Place,
    /// What can be asked for in vain.
    pub rights: Vec<Right>,
    /// Where, with the names.
    pub guests: Vec<(GuestRef, Option<String>)>,
}

/// One of `[people]`, with the rules that name them.
struct Approver<'p> {
    user: UserId,
    policy: &'p Policy,
    mine: Mine,
}

impl Approver<'_> {
    /// Wherever and whenever: a rule for one channel or some hours answers at least there and then.
    fn may(&self, right: Right, target: &Target<'_>) -> bool {
        let mut allows = self.policy.allow.near(target, &self.mine.allow);
        let mut denies = self.policy.deny.near(target, &self.mine.deny);
        allows.any(|rule| rule.covers(right, target))
            && !denies.any(|rule| rule.covers(right, target))
    }
}

/// All rules `[[ask]]` of `config` under which somebody could ask for something on one of these
/// guests that nobody else in `[people]` may decide. `policy` is that of `config`.
#[must_use]
pub fn unanswered(config: &Config, policy: &Policy, guests: &[GuestFacts]) -> Vec<Unanswered> {
    let approvers: Vec<Approver<'_>> = policy.people().map(|user| of(policy, user)).collect();
    let rules = config.ask.iter().zip(policy.ask.iter());
    let found = rules.map(|(rule, compiled)| in_vain(policy, (rule, compiled), &approvers, guests));
    found.flatten().collect()
}

fn of(policy: &Policy, user: UserId) -> Approver<'_> {
    let actor = Actor {
        user,
        name: String::new(),
        roles: Vec::new(),
        guild: GuildId(0),
        channel: ChannelId(0),
        parent: None,
    };
    Approver {
        user,
        policy,
        mine: policy.mine(&actor),
    }
}

fn in_vain(
    policy: &Policy,
    (rule, compiled): (&AskRule, &Ask),
    approvers: &[Approver<'_>],
    guests: &[GuestFacts],
) -> Option<Unanswered> {
    // `None`: a member of a role, who may be anybody.
    let askers = rule.who.iter().map(|name| policy.people.get(name));
    let askers: Vec<Option<&UserId>> = askers.collect();
    let answered = |right: Right, target: &Target<'_>| {
        let able = |approver: &&Approver<'_>| {
            approver.may(Right::Access, target) && approver.may(right, target)
        };
        let able: Vec<UserId> = approvers.iter().filter(able).map(|a| a.user).collect();
        // Nobody decides what they asked for themselves.
        let other = |asker: Option<&UserId>| able.iter().any(|user| Some(user) != asker);
        askers.iter().copied().all(other)
    };
    let mut found = Unanswered {
        place: rule.place.clone(),
        rights: Vec::new(),
        guests: Vec::new(),
    };
    for guest in guests {
        let target = Target::Guest(guest);
        let vain = |right: &Right| compiled.covers(*right, &target) && !answered(*right, &target);
        let rights: Vec<Right> = Right::ALL.into_iter().filter(vain).collect();
        if !rights.is_empty() {
            found.guests.push((guest.guest.clone(), guest.name.clone()));
            found.rights.extend(rights);
        }
    }
    found.rights.sort_unstable();
    found.rights.dedup();
    (!found.guests.is_empty()).then_some(found)
}
