//! What holds beside the rules, at one moment: grants, lockdown, and how often somebody has acted.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use crate::action::Right;
use crate::config::Limit;
use crate::ids::{GuestRef, UserId};

use super::grant::Grant;
use super::policy::RuleKey;

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
    on_guest: HashMap<(GuestRef, Right), i64>,
}

/// One act, as the limits see it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Did {
    pub user: UserId,
    /// The rule whose limit it counts for, if any.
    pub under: Option<RuleKey>,
    pub guest: GuestRef,
    pub right: Right,
    pub at_ms: i64,
}

impl Acts {
    pub fn add(&mut self, did: Did) {
        if let Some(rule) = did.under {
            let times = self.of_person.entry((did.user, rule)).or_default();
            times.push(did.at_ms);
            times.sort_unstable();
        }
        let last = self
            .on_guest
            .entry((did.guest, did.right))
            .or_insert(did.at_ms);
        *last = did.at_ms.max(*last);
    }

    /// Takes back what was added and then not done.
    pub fn take_back(&mut self, did: &Did) {
        if let Some(rule) = did.under
            && let Some(times) = self.of_person.get_mut(&(did.user, rule))
            && let Some(at) = times.iter().rposition(|time| *time == did.at_ms)
        {
            times.remove(at);
        }
        let key = (did.guest.clone(), did.right);
        if self.on_guest.get(&key) == Some(&did.at_ms) {
            self.on_guest.remove(&key);
        }
    }

    /// Drops what nothing asks for any more.
    pub fn forget_before(&mut self, ms: i64) {
        self.of_person.retain(|_, times| {
            times.retain(|time| *time >= ms);
            !times.is_empty()
        });
        self.on_guest.retain(|_, time| *time >= ms);
    }

    /// When the person may act again under the rule; `None`: now.
    pub(super) fn used_up(
        &self,
        user: UserId,
        rule: RuleKey,
        limit: Limit,
        now_ms: i64,
    ) -> Option<i64> {
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

    /// When the guest has rested long enough; `None`: it has.
    pub(super) fn resting(
        &self,
        guest: &GuestRef,
        right: Right,
        rest: Duration,
        now_ms: i64,
    ) -> Option<i64> {
        let last = self.on_guest.get(&(guest.clone(), right))?;
        let over = last + millis(rest);
        (over > now_ms).then_some(over)
    }
}

fn millis(time: Duration) -> i64 {
    i64::try_from(time.as_millis()).unwrap_or(i64::MAX / 2)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn did(at_ms: i64) -> Did {
        Did {
            user: UserId(7),
            under: Some(RuleKey(1)),
            guest: GuestRef {
                cluster: "home".parse().unwrap(),
                vmid: "101".parse().unwrap(),
            },
            right: Right::Start,
            at_ms,
        }
    }

    const TWO: Limit = Limit {
        most: 2,
        per: Duration::from_secs(10),
    };

    #[test]
    fn a_limit_counts_any_stretch_of_time() {
        let mut acts = Acts::default();
        let until = |acts: &Acts, now| acts.used_up(UserId(7), RuleKey(1), TWO, now);
        acts.add(did(1000));
        assert_eq!(until(&acts, 1000), None);
        acts.add(did(4000));
        assert_eq!(until(&acts, 4000), Some(11_000));
        assert_eq!(until(&acts, 10_999), Some(11_000));
        assert_eq!(until(&acts, 11_000), None);
        acts.add(did(11_000));
        assert_eq!(until(&acts, 11_001), Some(14_000));
        assert_eq!(acts.used_up(UserId(8), RuleKey(1), TWO, 4000), None);
        assert_eq!(acts.used_up(UserId(7), RuleKey(2), TWO, 4000), None);
    }

    #[test]
    fn what_was_not_done_does_not_count() {
        let mut acts = Acts::default();
        acts.add(did(1000));
        acts.add(did(2000));
        acts.take_back(&did(2000));
        assert_eq!(acts.used_up(UserId(7), RuleKey(1), TWO, 2001), None);
    }

    #[test]
    fn a_guest_rests_whoever_acted() {
        let mut acts = Acts::default();
        acts.add(did(1000));
        let rest = Duration::from_secs(5);
        let guest = did(0).guest;
        assert_eq!(acts.resting(&guest, Right::Start, rest, 5999), Some(6000));
        assert_eq!(acts.resting(&guest, Right::Start, rest, 6000), None);
        assert_eq!(acts.resting(&guest, Right::Reboot, rest, 2000), None);
        acts.forget_before(1001);
        assert_eq!(acts.resting(&guest, Right::Start, rest, 2000), None);
    }
}
