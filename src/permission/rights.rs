//! The decision: what one person may do, by rules and by grants, at one moment.

use std::sync::Arc;

use crate::action::{Actor, Right, Target};
use crate::ids::{ChannelId, ClusterName, GrantId, GuildId, UserId};

use super::gate::Denied;
use super::grant::Grant;
use super::law::Law;
use super::policy::Mine;
use super::right_set::RightSet;
use super::rule::{Allow, Ask, Deny, RuleRef};
use super::verdict::{Applies, Counts, Given, Verdict};

/// What the law says of one person, roles included. Made per request, for lists that ask about many
/// guests at once.
#[derive(Debug)]
pub struct Rights<'l> {
    law: &'l Law,
    user: UserId,
    guild: GuildId,
    pub(super) channel: (ChannelId, Option<ChannelId>),
    mine: Mine,
    grants: Vec<&'l Arc<Grant>>,
}

impl<'l> Rights<'l> {
    pub(super) fn new(law: &'l Law, actor: &Actor) -> Self {
        let unix = law.unix();
        let lent = law.standing.grants.iter().chain(&law.once);
        Self {
            law,
            user: actor.user,
            guild: actor.guild,
            channel: (actor.channel, actor.parent),
            mine: law.policy.mine(actor),
            grants: lent
                .filter(|grant| grant.to == actor.user && !grant.is_over(unix))
                .collect(),
        }
    }

    /// Those of this person's rules that may name the target, each in the order of the file.
    pub(super) fn allows(&self, target: &Target<'_>) -> impl Iterator<Item = &'l Allow> {
        self.law.policy.allow.near(target, &self.mine.allow)
    }

    fn denies(&self, target: &Target<'_>) -> impl Iterator<Item = &'l Deny> {
        self.law.policy.deny.near(target, &self.mine.deny)
    }

    pub(super) fn asks(&self, target: &Target<'_>) -> impl Iterator<Item = &'l Ask> {
        self.law.policy.ask.near(target, &self.mine.ask)
    }

    /// The decision itself. Lockdown beats deny, deny beats grants and allow, nothing is no.
    ///
    /// # Errors
    ///
    /// [`Denied`] whenever it is not surely allowed.
    pub fn decide(&self, right: Right, target: &Target<'_>) -> Result<Verdict, Denied> {
        if right.is_act()
            && self.law.standing.lockdown.is_some()
            && self.has_by_rule(Right::Access, target).is_err()
        {
            return Err(Denied::Lockdown);
        }
        self.denied(right, target)?;
        let mut given = self.by_rules(right, target, Some(self.user));
        for grant in self.meant(target).filter(|grant| lends(grant, right)) {
            given.add(self.worth(grant, right, target, Some(self.user)));
        }
        given.sum(right).map(Applies::into_verdict)
    }

    pub(super) fn denied(&self, right: Right, target: &Target<'_>) -> Result<(), Denied> {
        match self.denies(target).find(|rule| rule.covers(right, target)) {
            Some(deny) => Err(Denied::ByRule(deny.rule.clone())),
            None => Ok(()),
        }
    }

    /// The same by rules alone: what somebody else lent cannot be lent on.
    ///
    /// # Errors
    ///
    /// [`Denied`] whenever no rule surely allows it.
    pub fn has_by_rule(&self, right: Right, target: &Target<'_>) -> Result<Verdict, Denied> {
        self.denied(right, target)?;
        let given = self.by_rules(right, target, Some(self.user));
        given.sum(right).map(Applies::into_verdict)
    }

    /// `counted`: whose acts count for limits; `None`: how often it was done is no matter.
    fn by_rules(&self, right: Right, target: &Target<'_>, counted: Option<UserId>) -> Given<'l> {
        let mut given = Given::nothing();
        for rule in self
            .allows(target)
            .filter(|rule| rule.covers(right, target))
        {
            given.add(self.applies(rule, right, target, counted));
        }
        given
    }

    /// A rule that covers it: whether it does so here, now, and once more.
    fn applies(
        &self,
        allow: &'l Allow,
        right: Right,
        target: &Target<'_>,
        counted: Option<UserId>,
    ) -> Result<Applies<'l>, Denied> {
        let rule = || allow.rule.clone();
        if !allow.is_for(self.channel) {
            return Err(Denied::OtherChannel(rule()));
        }
        if let Some(hours) = allow.hours.filter(|hours| !self.law.is_within(*hours)) {
            let (rule, until) = (rule(), self.law.opens(hours));
            return Err(Denied::OutsideHours { rule, until });
        }
        let mut counts = None;
        if let Some(counted) = counted.filter(|_| right.is_act()) {
            let (acts, now) = (&self.law.standing.acts, self.law.unix_ms());
            if let Some(rest) = allow.cooldown
                && let Some(until) = acts.resting(&target.key(), right, rest, now)
            {
                let (rule, until) = (rule(), seconds_up(until));
                return Err(Denied::Resting { rule, until });
            }
            if let Some(limit) = allow.limit {
                let under = Counts {
                    rule: allow.rule.key,
                    limit,
                };
                if let Some(until) = acts.used_up(counted, under, now) {
                    let (rule, until) = (rule(), seconds_up(until));
                    return Err(Denied::UsedUp { rule, limit, until });
                }
                counts = Some(under);
            }
        }
        Ok(Applies {
            rule: &allow.rule,
            grant: None,
            confirm: allow.confirm.has(right),
            counts,
        })
    }

    /// The grants for the target.
    pub(super) fn meant(&self, target: &Target<'_>) -> impl Iterator<Item = &'l Grant> {
        let guest = match target {
            Target::Guest(guest) => Some(*guest),
            Target::Node(_) | Target::Bot => None,
        };
        let meant = move |grant: &&Grant| {
            guest.is_some_and(|guest| grant.means(guest))
                && grant.giver.user != self.user
                // Roles are of one server, and so are the denies that name them.
                && grant.giver.guild == self.guild
        };
        self.grants.iter().copied().map(Arc::as_ref).filter(meant)
    }

    /// What was lent: as far as its giver has the right, and `access` to the guest, by the rules of
    /// this very moment and place. Limits count for the one who acts. `counted`: as in `by_rules`.
    fn worth(
        &self,
        grant: &'l Grant,
        right: Right,
        target: &Target<'_>,
        counted: Option<UserId>,
    ) -> Result<Applies<'l>, Denied> {
        let giver = self.giver(grant);
        // What stands in the way of others is nothing to tell of.
        let open =
            giver.has_by_rule(Right::Access, target).is_ok() && giver.denied(right, target).is_ok();
        if !open {
            return Err(Denied::NoRule);
        }
        let by_giver = giver.by_rules(right, target, counted).sum(right)?;
        Ok(Applies {
            grant: Some(grant),
            ..by_giver
        })
    }

    /// The grants that a yes leans on; none where the rules alone say just the same. What was lent
    /// for one act is not among them: its giver has just been looked up.
    #[must_use]
    pub fn leans_on(&self, right: Right, target: &Target<'_>) -> Vec<&'l Grant> {
        if self.decide(right, target) == self.has_by_rule(right, target) {
            return Vec::new();
        }
        let leaned = |grant: &&Grant| {
            grant.id != GrantId::ONCE
                && lends(grant, right)
                && self.worth(grant, right, target, Some(self.user)).is_ok()
        };
        self.meant(target).filter(leaned).collect()
    }

    /// Who lent it, asking from here.
    pub(super) fn giver(&self, grant: &Grant) -> Self {
        let (channel, parent) = self.channel;
        self.law.of(&grant.giver.at(channel, parent))
    }

    /// The rule under which this person may ask somebody else for it. Nobody need ask for what they
    /// have, and nobody can ask for what is denied.
    #[must_use]
    pub fn may_ask(&self, right: Right, target: &Target<'_>) -> Option<RuleRef> {
        let rule = self.asks(target).find(|rule| rule.covers(right, target))?;
        let open = match self.decide(right, target) {
            Ok(_) | Err(Denied::ByRule(_) | Denied::Lockdown) => false,
            Err(_) => true,
        };
        open.then(|| rule.rule.clone())
    }

    /// Whether the target is shown to this person, here and now: any right on it shows it.
    #[must_use]
    pub fn see(&self, target: &Target<'_>) -> bool {
        let given = self.rights_on(target, |allow| self.is_here_and_now(allow));
        !given.is_empty() || self.sees_by_grant(target)
    }

    /// Whether its existence is no secret to this person: it is shown at other times or places, or
    /// may be asked for. So a refusal may speak of it.
    #[must_use]
    pub fn know(&self, target: &Target<'_>) -> bool {
        let asked = || {
            let all = self.asks(target).filter(|ask| ask.names(target));
            let rights = all.fold(RightSet::default(), |set, ask| set.or(ask.rights));
            !rights.without(self.denied_on(target)).is_empty()
        };
        !self.rights_on(target, |_| true).is_empty() || self.sees_by_grant(target) || asked()
    }

    /// Whether every guest of the cluster is shown to this person, here and now, those included that
    /// are not known: what is not found there is not hidden.
    #[must_use]
    pub fn sees_every_guest(&self, cluster: &ClusterName) -> bool {
        !self.on_every_guest(cluster).is_empty()
    }

    /// The same for nodes.
    #[must_use]
    pub fn sees_every_node(&self, cluster: &ClusterName) -> bool {
        let over = |allow: &Allow| allow.over_every_node(cluster);
        !self.on_every(over, Deny::is_about_nodes).is_empty()
    }

    /// Whether a right to look is held here and now on every guest of the cluster, those included that
    /// are not known.
    #[must_use]
    pub fn has_on_every_guest(&self, right: Right, cluster: &ClusterName) -> bool {
        // How often an act may be done is for the one guest that it is done to.
        !right.is_act() && self.on_every_guest(cluster).has(right)
    }

    fn on_every_guest(&self, cluster: &ClusterName) -> RightSet {
        let over = |allow: &Allow| allow.over_every_guest(cluster, None);
        self.on_every(over, Deny::is_about_guests)
    }

    /// What a deny takes away on any of them does not count, nor what was lent: it is on guests that
    /// are known.
    fn on_every(&self, over: impl Fn(&Allow) -> RightSet, about: fn(&Deny) -> bool) -> RightSet {
        let policy = &self.law.policy;
        let allows = policy.allow.at(self.mine.allow.clone());
        let here = allows.filter(|allow| self.is_here_and_now(allow));
        let given = here.fold(RightSet::default(), |set, allow| set.or(over(allow)));
        let denies = policy.deny.at(self.mine.deny.clone());
        let taken = denies.filter(|deny| about(deny));
        given.without(taken.fold(RightSet::default(), |set, deny| set.or(deny.rights)))
    }

    fn is_here_and_now(&self, allow: &Allow) -> bool {
        allow.is_for(self.channel) && allow.hours.is_none_or(|hours| self.law.is_within(hours))
    }

    /// Though it was used up, or the guest rests: what one has just done hides nothing.
    fn sees_by_grant(&self, target: &Target<'_>) -> bool {
        !self.lent_on(target).is_empty()
    }

    /// What rules for which `applies` holds give on the target, less what is denied.
    fn rights_on(&self, target: &Target<'_>, applies: impl Fn(&Allow) -> bool) -> RightSet {
        let named = self
            .allows(target)
            .filter(|allow| applies(allow) && allow.names(target));
        let given = named.fold(RightSet::default(), |set, allow| {
            set.or(allow.rights_over(target))
        });
        if given.is_empty() {
            return given;
        }
        given.without(self.denied_on(target))
    }

    fn denied_on(&self, target: &Target<'_>) -> RightSet {
        let denies = self.denies(target).filter(|deny| deny.names(target));
        denies.fold(RightSet::default(), |set, deny| set.or(deny.rights))
    }

    /// What was lent to this person and is worth something on the target, here and now.
    #[must_use]
    pub fn lent_on(&self, target: &Target<'_>) -> Vec<&'l Grant> {
        let worth = |grant: &&Grant| {
            grant.rights.iter().any(|right| {
                right.can_be_lent()
                    && self.denied(*right, target).is_ok()
                    && self.worth(grant, *right, target, None).is_ok()
            })
        };
        self.meant(target).filter(worth).collect()
    }

    /// Whether there is any rule or grant at all that gives something.
    #[must_use]
    pub fn any(&self) -> bool {
        !self.mine.allow.is_empty() || !self.grants.is_empty()
    }
}

/// Whether the grant is about the right. The store is not believed that it can be lent.
pub(super) fn lends(grant: &Grant, right: Right) -> bool {
    right.can_be_lent() && grant.rights.contains(&right)
}

/// Milliseconds as seconds, and never too early.
pub(super) fn seconds_up(ms: i64) -> i64 {
    ms.div_euclid(1000) + i64::from(ms.rem_euclid(1000) > 0)
}
