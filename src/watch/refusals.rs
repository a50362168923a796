//! Somebody who is refused again and again: the owner is told once.

use std::collections::{HashMap, VecDeque};
use std::time::Duration;

use crate::audit::Line;
use crate::ids::UserId;

/// So many refusals of one person ...
pub(super) const TIMES: usize = 5;
/// ... within this are told ...
pub(super) const WITHIN: Duration = Duration::from_mins(10);
/// ... and then not again for as long as this.
const QUIET: Duration = Duration::from_hours(24);

/// How far back a refusal can still matter.
pub(super) const REMEMBERED: Duration = Duration::from_secs(WITHIN.as_secs() + QUIET.as_secs());

/// Who was refused lately, and who was told of. All of it follows from the refusals seen, so that
/// it can be made anew from the audit after a restart.
#[derive(Debug, Default)]
pub(super) struct Refusals {
    of: HashMap<UserId, Lately>,
}

#[derive(Debug, Default)]
struct Lately {
    times: VecDeque<i64>,
    told_ms: Option<i64>,
}

/// Somebody was refused [`TIMES`] times within [`WITHIN`]; `last` is what was tried last.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Insisting {
    pub(super) user: UserId,
    pub(super) last: Line,
}

/// Takes up new entries, oldest first, of which only refusals matter.
pub(super) fn tick(state: &mut Refusals, now_ms: i64, lines: &[Line]) -> Vec<Insisting> {
    let mut insisting = Vec::new();
    for line in lines.iter().filter(|line| line.is_refusal()) {
        let Some(user) = line.user else { continue };
        if state.of.entry(user).or_default().refused(line.at_ms) {
            let last = line.clone();
            insisting.push(Insisting { user, last });
        }
    }
    state.of.retain(|_, lately| lately.matters(now_ms));
    insisting
}

impl Lately {
    /// Whether this refusal is the one to tell of.
    fn refused(&mut self, at_ms: i64) -> bool {
        self.times.push_back(at_ms);
        if self.times.len() > TIMES {
            self.times.pop_front();
        }
        let first = self.times.front().copied().unwrap_or(at_ms);
        let often = self.times.len() == TIMES && at_ms - first <= ms(WITHIN);
        let quiet = self.told_ms.is_some_and(|told| at_ms - told < ms(QUIET));
        if !often || quiet {
            return false;
        }
        self.told_ms = Some(at_ms);
        true
    }

    fn matters(&self, now_ms: i64) -> bool {
        let lately = |at: Option<i64>, within| at.is_some_and(|at| now_ms - at <= ms(within));
        lately(self.times.back().copied(), WITHIN) || lately(self.told_ms, QUIET)
    }
}

fn ms(time: Duration) -> i64 {
    i64::try_from(time.as_millis()).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::audit::{Event, NOT_FOUND};

    const MINUTE: i64 = 60_000;
    const DAY: i64 = 24 * 60 * MINUTE;

    fn refused(user: u64, at_ms: i64) -> Line {
        Line {
            user: Some(UserId(user)),
            ..Line::bare(1, Event::Refused, at_ms)
        }
    }

    /// Everybody told of at once, at these times.
    fn told(state: &mut Refusals, user: u64, times: &[i64]) -> Vec<i64> {
        let tell = |at: &i64| tick(state, *at, &[refused(user, *at)]);
        let told = times.iter().flat_map(tell);
        told.map(|insisting| insisting.last.at_ms).collect()
    }

    #[test]
    fn five_within_ten_minutes_are_told_once_a_day() {
        let mut state = Refusals::default();
        let times: Vec<i64> = (0..8).map(|n| n * MINUTE).collect();
        assert_eq!(told(&mut state, 7, &times), [4 * MINUTE]);
        let later: Vec<i64> = times.iter().map(|at| at + DAY).collect();
        assert_eq!(told(&mut state, 7, &later), [4 * MINUTE + DAY]);
    }

    #[test]
    fn few_or_slow_or_of_several_people_are_not() {
        let mut state = Refusals::default();
        assert_eq!(told(&mut state, 7, &[0, 1, 2, 3]), [0; 0]);
        assert_eq!(told(&mut state, 8, &[4]), [0; 0]);
        let slow: Vec<i64> = (1..20).map(|n| n * 3 * MINUTE).collect();
        assert_eq!(told(&mut state, 9, &slow), [0; 0]);
        let acts = vec![Line::bare(1, Event::Closed, 9); 9];
        assert_eq!(tick(&mut state, 9, &acts), []);
        let mistyped = Line {
            rule: Some(format!("{NOT_FOUND}: webb")),
            ..refused(10, 9)
        };
        assert_eq!(tick(&mut state, 9, &vec![mistyped; 9]), []);
    }

    #[test]
    fn what_no_longer_matters_is_forgotten() {
        let mut state = Refusals::default();
        told(&mut state, 7, &[0]);
        told(&mut state, 8, &[0, 1, 2, 3, 4]);
        tick(&mut state, ms(WITHIN) + 1, &[]);
        assert_eq!(state.of.len(), 1);
        tick(&mut state, DAY + 5, &[]);
        assert_eq!(state.of.len(), 0);
    }
}
