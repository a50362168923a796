//! How many refusals of one person are noted. Whoever presses a hundred times a minute fills neither
//! the audit nor the disk; how many were left out stands in the next entry.

use std::time::Duration;

use dashmap::DashMap;
use tokio::time::Instant;

use crate::ids::UserId;

const WINDOW: Duration = Duration::from_mins(1);
/// Enough for everything that a person could do by hand.
const MOST: u32 = 20;
/// People beyond these are forgotten when their minute is over.
const PEOPLE: usize = 10_000;

#[derive(Debug, Default)]
pub(super) struct Refusals {
    recent: DashMap<UserId, Recent>,
}

#[derive(Debug)]
struct Recent {
    since: Instant,
    noted: u32,
    left_out: u32,
}

impl Refusals {
    /// `None`: this one is not noted. Else how many were left out before it.
    pub(super) fn take(&self, user: UserId, now: Instant) -> Option<u32> {
        if self.recent.len() > PEOPLE {
            self.recent.retain(|_, recent| now - recent.since < WINDOW);
        }
        let mut recent = self.recent.entry(user).or_insert(Recent {
            since: now,
            noted: 0,
            left_out: 0,
        });
        if now - recent.since >= WINDOW {
            recent.since = now;
            recent.noted = 0;
        }
        if recent.noted < MOST {
            recent.noted += 1;
            return Some(std::mem::take(&mut recent.left_out));
        }
        recent.left_out += 1;
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_flood_is_counted_and_not_written() {
        let refusals = Refusals::default();
        let start = Instant::now();
        let noted = (0..200)
            .filter_map(|_| refusals.take(UserId(1), start))
            .count();
        assert_eq!(noted, 20);
        assert_eq!(refusals.take(UserId(2), start), Some(0), "others are noted");
        assert_eq!(refusals.take(UserId(1), start + WINDOW), Some(180));
        assert_eq!(refusals.take(UserId(1), start + WINDOW), Some(0));
    }
}
