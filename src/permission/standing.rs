//! What holds beside the rules, at one moment: grants, lockdown, and how often somebody has acted.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use crate::action::{Right, TargetKey};
use crate::ids::UserId;

use super::grant::Grant;
use super::rule::RuleKey;
use super::verdict::Counts;

/// All of it, as it is kept in memory. Changed by copying: readers hold on to what they have.
#[derive(Debug, Clone, Default)]
pub struct Standing {
    pub grants: Vec<Arc<Grant>>,
    pub lockdown: Option<Lockdown>,
    pub acts: Acts,
}

/// Nobody acts but people with `access`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lockdown {
    pub by: UserId,
    /// As typed by that person.
    pub reason: Option<String>,
    /// Unix seconds.
    pub since: i64,
}

/// Acts that were begun, as far back as a limit or a rest can ask. Times are unix milliseconds.
#[derive(Debug, Clone, Default)]
pub struct Acts {
    of_person: HashMap<(UserId, RuleKey), Vec<i64>>,
    on_target: HashMap<(TargetKey, Right), Vec<i64>>,
}

/// One act, as the limits see it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Did {
    pub user: UserId,
    /// The rule whose limit it counts for, if any.
    pub under: Option<RuleKey>,
    pub on: TargetKey,
    pub right: Right,
    pub at_ms: i64,
}

impl Extend<Did> for Acts {
    fn extend<I: IntoIterator<Item = Did>>(&mut self, acts: I) {
        acts.into_iter().for_each(|did| self.add(did));
    }
}

impl Acts {
    pub fn add(&mut self, did: Did) {
        if let Some(rule) = did.under {
            add(
                self.of_person.entry((did.user, rule)).or_default(),
                did.at_ms,
            );
        }
        add(
            self.on_target.entry((did.on, did.right)).or_default(),
            did.at_ms,
        );
    }

    /// Takes back what was added and then not done.
    pub fn take_back(&mut self, did: &Did) {
        let on_target = self.on_target.get_mut(&(did.on.clone(), did.right));
        let under = did.under.map(|rule| (did.user, rule));
        let of_person = under.and_then(|key| self.of_person.get_mut(&key));
        for times in on_target.into_iter().chain(of_person) {
            if let Some(at) = times.iter().rposition(|time| *time == did.at_ms) {
                times.remove(at);
            }
        }
    }

    /// Drops what nothing asks for any more.
    pub fn forget_before(&mut self, ms: i64) {
        let recent = |times: &mut Vec<i64>| {
            times.retain(|time| *time >= ms);
            !times.is_empty()
        };
        self.of_person.retain(|_, times| recent(times));
        self.on_target.retain(|_, times| recent(times));
    }

    /// When the person may act again under the rule; `None`: now.
    #[must_use]
    pub fn used_up(&self, user: UserId, under: Counts, now_ms: i64) -> Option<i64> {
        let Counts { rule, limit } = under;
        let times = self.of_person.get(&(user, rule))?;
        let window = millis(limit.per);
        let recent: Vec<i64> = times
            .iter()
            .copied()
            .filter(|t| *t > now_ms - window)
            .collect();
        // The act that has to grow old before there is room for one more.
        let blocking = recent.len().checked_sub(limit.most as usize)?;
        recent.get(blocking).map(|time| time + window)
    }

    /// When the guest, or whatever it is, has rested long enough; `None`: it has.
    pub(super) fn resting(
        &self,
        target: &TargetKey,
        right: Right,
        rest: Duration,
        now_ms: i64,
    ) -> Option<i64> {
        let last = self.on_target.get(&(target.clone(), right))?.last()?;
        let over = last + millis(rest);
        (over > now_ms).then_some(over)
    }
}

/// Keeps the times in their order, though clocks may be set back.
fn add(times: &mut Vec<i64>, at: i64) {
    let place = times.partition_point(|time| *time <= at);
    times.insert(place, at);
}

fn millis(time: Duration) -> i64 {
    i64::try_from(time.as_millis()).unwrap_or(i64::MAX / 2)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Limit;
    use crate::ids::GuestRef;

    fn did(at_ms: i64) -> Did {
        Did {
            user: UserId(7),
            under: Some(RuleKey(1)),
            on: TargetKey::Guest(GuestRef {
                cluster: "home".parse().unwrap(),
                vmid: "101".parse().unwrap(),
            }),
            right: Right::Start,
            at_ms,
        }
    }

    const TWO: Counts = Counts {
        rule: RuleKey(1),
        limit: Limit {
            most: 2,
            per: Duration::from_secs(10),
        },
    };

    #[test]
    fn a_limit_counts_any_stretch_of_time() {
        let mut acts = Acts::default();
        let until = |acts: &Acts, now| acts.used_up(UserId(7), TWO, now);
        acts.add(did(1000));
        assert_eq!(until(&acts, 1000), None);
        acts.add(did(4000));
        assert_eq!(until(&acts, 4000), Some(11_000));
        assert_eq!(until(&acts, 10_999), Some(11_000));
        assert_eq!(until(&acts, 11_000), None);
        acts.add(did(11_000));
        assert_eq!(until(&acts, 11_001), Some(14_000));
        assert_eq!(acts.used_up(UserId(8), TWO, 4000), None);
        let other = Counts {
            rule: RuleKey(2),
            ..TWO
        };
        assert_eq!(acts.used_up(UserId(7), other, 4000), None);
    }

    #[test]
    fn what_was_not_done_does_not_count() {
        let mut acts = Acts::default();
        acts.add(did(1000));
        acts.add(did(2000));
        acts.take_back(&did(2000));
        assert_eq!(acts.used_up(UserId(7), TWO, 2001), None);
    }

    #[test]
    fn a_guest_rests_whoever_acted() {
        let mut acts = Acts::default();
        acts.add(did(1000));
        let rest = Duration::from_secs(5);
        let guest = did(0).on;
        assert_eq!(acts.resting(&guest, Right::Start, rest, 5999), Some(6000));
        assert_eq!(acts.resting(&guest, Right::Start, rest, 6000), None);
        assert_eq!(acts.resting(&guest, Right::Reboot, rest, 2000), None);
        acts.forget_before(1001);
        assert_eq!(acts.resting(&guest, Right::Start, rest, 2000), None);
    }
}
