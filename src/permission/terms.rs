//! What is held at whatever time and under which conditions: for people to review.

use std::time::Duration;

use crate::action::{Right, Target};
use crate::config::{Hours, Limit};

use super::rights::{Rights, lends};
use super::rule::{Allow, RuleRef};

/// Under which conditions a right is held, whatever the time: for people to review.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Terms {
    pub confirm: bool,
    /// Empty: always.
    pub hours: Vec<Hours>,
    pub limit: Option<Limit>,
    pub cooldown: Option<Duration>,
    /// Only lent, until then (unix seconds).
    pub lent_until: Option<i64>,
    /// Not held; may be asked for.
    pub ask: bool,
    /// Held under these conditions; may be asked for where they do not hold.
    pub ask_else: bool,
}

impl Terms {
    /// Whether there are times at which it is held and others at which it is not.
    fn can_fail(&self) -> bool {
        !self.hours.is_empty() || self.limit.is_some() || self.cooldown.is_some()
    }
}

impl Rights<'_> {
    /// Under which terms the right is held or can be asked for, here, at whatever time; `None`: not
    /// at all.
    #[must_use]
    pub fn terms(&self, right: Right, target: &Target<'_>) -> Option<Terms> {
        self.denied(right, target).ok()?;
        let ask = self.asks(target).any(|ask| ask.covers(right, target));
        let asked = || {
            ask.then(|| Terms {
                confirm: right.always_confirmed(),
                ask,
                ..Terms::default()
            })
        };
        let held = self
            .terms_by_rule(right, target)
            .or_else(|| self.terms_lent(right, target));
        let beside = |terms: Terms| Terms {
            ask_else: ask && terms.can_fail(),
            ..terms
        };
        held.map(beside).or_else(asked)
    }

    /// The rule under which this person may ask for it whenever the conditions do not hold under
    /// which they have it.
    #[must_use]
    pub fn may_ask_else(&self, right: Right, target: &Target<'_>) -> Option<RuleRef> {
        self.terms(right, target).filter(|terms| terms.ask_else)?;
        let rule = self.asks(target).find(|ask| ask.covers(right, target))?;
        Some(rule.rule.clone())
    }

    /// Those of the giver, who needs `access` to the guest for it to be worth anything.
    fn terms_lent(&self, right: Right, target: &Target<'_>) -> Option<Terms> {
        let mut lent = self.meant(target).filter(|grant| lends(grant, right));
        lent.find_map(|grant| {
            let giver = self.giver(grant);
            giver.denied(Right::Access, target).ok()?;
            giver.denied(right, target).ok()?;
            giver.terms_by_rule(Right::Access, target)?;
            Some(Terms {
                lent_until: Some(grant.ends),
                ..giver.terms_by_rule(right, target)?
            })
        })
    }

    fn terms_by_rule(&self, right: Right, target: &Target<'_>) -> Option<Terms> {
        let here = |rule: &&Allow| rule.covers(right, target) && rule.is_for(self.channel);
        let rules: Vec<_> = self.allows(target).filter(here).collect();
        if rules.is_empty() {
            return None;
        }
        // A condition binds only if every rule that gives the right has one.
        let hours: Vec<Hours> = rules.iter().filter_map(|rule| rule.hours).collect();
        let limits: Vec<Limit> = rules.iter().filter_map(|rule| rule.limit).collect();
        let rests: Vec<Duration> = rules.iter().filter_map(|rule| rule.cooldown).collect();
        let all = |count: usize| count == rules.len() && right.is_act();
        Some(Terms {
            confirm: right.always_confirmed() || rules.iter().all(|rule| rule.confirm.has(right)),
            limit: limits.first().copied().filter(|_| all(limits.len())),
            cooldown: rests.first().copied().filter(|_| all(rests.len())),
            hours: if hours.len() == rules.len() {
                hours
            } else {
                Vec::new()
            },
            ..Terms::default()
        })
    }
}
