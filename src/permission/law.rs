//! All that a decision depends on beside the person and the target: the rules, what holds beside
//! them, and what time it is. Taken once for each decision, so that nothing changes in its middle.

use std::sync::Arc;

use jiff::civil::Time;
use jiff::{Timestamp, ToSpan as _, ZonedDateTime};

use crate::action::{Actor, Right, Target};
use crate::config::Hours;
use crate::ids::{GrantId, UserId};

use super::grant::Grant;
use super::policy::Policy;
use super::rights::Rights;
use super::standing::{Did, Standing};

#[derive(Debug, Clone)]
pub struct Law {
    pub(super) policy: Arc<Policy>,
    pub(super) standing: Arc<Standing>,
    pub(super) now: ZonedDateTime,
    /// What an approver lends for the one act that is being decided.
    pub(super) once: Option<Arc<Grant>>,
}

impl Law {
    /// `now` is the moment of the decision.
    #[must_use]
    pub fn new(policy: Arc<Policy>, standing: Arc<Standing>, now: Timestamp) -> Self {
        let now = now.to_zoned_datetime(policy.zone().clone());
        Self {
            policy,
            standing,
            now,
            once: None,
        }
    }

    /// The rules alone, at this moment: nothing granted, nothing used up.
    #[must_use]
    pub fn of_rules(policy: Arc<Policy>) -> Self {
        Self::new(policy, Arc::default(), Timestamp::now())
    }

    /// The same with one grant more, which holds for as long as this is looked at.
    #[must_use]
    pub fn with_once(mut self, grant: Grant) -> Self {
        self.once = Some(Arc::new(grant));
        self
    }

    /// The same before that act was counted.
    #[must_use]
    pub fn without(mut self, did: &Did) -> Self {
        Arc::make_mut(&mut self.standing).acts.take_back(did);
        self
    }

    /// The same, where nothing is lent to that person but by these grants.
    #[must_use]
    pub fn with_grants_only(mut self, to: UserId, ids: &[GrantId]) -> Self {
        let counts = |grant: &Grant| grant.to != to || ids.contains(&grant.id);
        if !self.standing.grants.iter().all(|grant| counts(grant)) {
            let grants = &mut Arc::make_mut(&mut self.standing).grants;
            grants.retain(|grant| counts(grant));
        }
        self
    }

    /// The same, were nothing locked.
    #[must_use]
    pub fn without_lockdown(mut self) -> Self {
        if self.standing.lockdown.is_some() {
            Arc::make_mut(&mut self.standing).lockdown = None;
        }
        self
    }

    /// The same at the same moment, with nothing granted and nothing locked.
    #[must_use]
    pub fn rules_alone(&self) -> Self {
        Self {
            standing: Arc::default(),
            once: None,
            ..self.clone()
        }
    }

    #[must_use]
    pub fn policy(&self) -> &Policy {
        &self.policy
    }

    #[must_use]
    pub fn standing(&self) -> &Standing {
        &self.standing
    }

    /// In the time zone of the rules.
    #[must_use]
    pub fn now(&self) -> &ZonedDateTime {
        &self.now
    }

    /// Unix seconds.
    #[must_use]
    pub fn unix(&self) -> i64 {
        self.now.timestamp().as_second()
    }

    pub(super) fn unix_ms(&self) -> i64 {
        self.now.timestamp().as_millisecond()
    }

    /// What concerns this person, here.
    #[must_use]
    pub fn of(&self, actor: &Actor) -> Rights<'_> {
        Rights::new(self, actor)
    }

    /// Who in `[people]` holds a right, for "ask .." in refusals. Roles cannot be listed: only
    /// Discord knows their members.
    #[must_use]
    pub fn holders(&self, here: &Actor, right: Right, target: &Target<'_>) -> Vec<UserId> {
        let as_person = |user: UserId| Actor {
            user,
            roles: Vec::new(),
            ..here.clone()
        };
        let people = self.policy.people();
        people
            .filter(|user| self.of(&as_person(*user)).decide(right, target).is_ok())
            .collect()
    }

    pub(super) fn is_within(&self, hours: Hours) -> bool {
        contains(hours, self.now.time())
    }

    /// The next moment at which `hours` begin, in unix seconds: when the clock on the wall says so,
    /// be it for the second time in the night in which it is put back, or when it is put forward or
    /// back into them.
    pub(super) fn opens(&self, hours: Hours) -> i64 {
        let (zone, now) = (self.now.time_zone(), self.now.timestamp());
        // Three days: hours within an hour that is left out begin on the day after.
        let days = self.now.date().series(1.day()).take(3);
        let begins = days.flat_map(|day| {
            let begin = zone.to_ambiguous_timestamp(day.to_datetime(hours.from));
            [begin.earlier(), begin.later()].into_iter().flatten()
        });
        let change = zone.following(now).next().map(|change| change.timestamp());
        let begun = |at: &Timestamp| *at > now && contains(hours, zone.to_datetime(*at).time());
        let next = begins.chain(change).filter(begun).min();
        next.map_or(i64::MAX, Timestamp::as_second)
    }
}

/// By the clock on the wall: an hour that is repeated in autumn counts both times.
fn contains(hours: Hours, time: Time) -> bool {
    let Hours { from, to } = hours;
    if from < to {
        from <= time && time < to
    } else {
        from <= time || time < to
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn time(text: &str) -> Time {
        text.parse().unwrap()
    }

    #[test]
    fn hours_may_go_over_midnight() {
        let evening = Hours {
            from: time("16:00"),
            to: time("23:30"),
        };
        let night = Hours {
            from: time("22:00"),
            to: time("02:00"),
        };
        let to_midnight = Hours {
            from: time("22:00"),
            to: Time::midnight(),
        };
        for (hours, inside, outside) in [
            (evening, ["16:00", "23:29:59"], ["15:59:59", "23:30"]),
            (night, ["23:00", "01:59"], ["02:00", "21:59"]),
            (to_midnight, ["22:00", "23:59:59"], ["00:00", "21:59"]),
        ] {
            for text in inside {
                assert!(contains(hours, time(text)), "{hours} {text}");
            }
            for text in outside {
                assert!(!contains(hours, time(text)), "{hours} {text}");
            }
        }
    }
}
