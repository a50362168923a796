//! Lists of tasks as people were shown them: what the number of a row means when somebody types it.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

use crate::action::{Actor, TaskId};
use crate::ids::{ChannelId, UserId};

/// Whoever has not used a list for longer wants a newer one.
pub(super) const HOLDS: Duration = Duration::from_mins(15);

/// Who was shown a list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum ShownTo {
    /// One person, in a message of their own.
    One,
    /// Everybody in the channel, in a new message.
    All,
    /// One person, who changed a message that others see: for those it is no newer, and its rows have
    /// other numbers now.
    OneOfAll,
}

/// Why a number means no task.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum NoRow {
    /// None was shown of late, or it is not known which one is the newest.
    NoList,
    /// The newest has only so many rows.
    Only(usize),
}

/// The newest list of each person, and of each channel where lists are for all.
#[derive(Debug, Default)]
pub(super) struct Listed {
    newest: Mutex<HashMap<Place, List>>,
}

/// `None`: everybody there.
type Place = (ChannelId, Option<UserId>);

#[derive(Debug)]
struct List {
    at: Instant,
    /// `None`: one of those that stand there has changed since.
    rows: Option<Vec<TaskId>>,
}

impl Listed {
    pub(super) fn shown(&self, actor: &Actor, to: ShownTo, rows: Vec<TaskId>, at: Instant) {
        let mut newest = self.lock();
        newest.retain(|_, list| at.saturating_duration_since(list.at) < HOLDS);
        let (all, one) = ((actor.channel, None), (actor.channel, Some(actor.user)));
        let (place, rows) = match to {
            ShownTo::All => (all, Some(rows)),
            ShownTo::One => (one, Some(rows)),
            ShownTo::OneOfAll => {
                newest.insert(all, List { at, rows: None });
                (one, Some(rows))
            }
        };
        newest.insert(place, List { at, rows });
    }

    /// The task of a row, counted from one, of the newest list that the person was shown there.
    pub(super) fn row(&self, actor: &Actor, number: u8, now: Instant) -> Result<TaskId, NoRow> {
        let newest = self.lock();
        let places = [Some(actor.user), None].map(|user| (actor.channel, user));
        let lists = places.iter().filter_map(|place| newest.get(place));
        let young = lists.filter(|list| now.saturating_duration_since(list.at) < HOLDS);
        // Of two at the same time the first: their own.
        let list = young.reduce(|one, other| if other.at > one.at { other } else { one });
        let rows = list
            .and_then(|list| list.rows.as_ref())
            .ok_or(NoRow::NoList)?;
        let row = usize::from(number)
            .checked_sub(1)
            .and_then(|at| rows.get(at));
        row.copied().ok_or(NoRow::Only(rows.len()))
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<Place, List>> {
        self.newest.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ids::GuildId;

    fn actor(user: u64, channel: u64) -> Actor {
        Actor {
            user: UserId(user),
            name: String::new(),
            roles: Vec::new(),
            guild: GuildId(1),
            channel: ChannelId(channel),
            parent: None,
        }
    }

    #[test]
    fn a_number_is_a_row_of_the_newest_list_there() {
        let (listed, start) = (Listed::default(), Instant::now());
        let at = |seconds| start + Duration::from_secs(seconds);
        let (max, friend) = (actor(1, 7), actor(2, 7));
        let task = |number| Ok(TaskId(number));
        let rows = |first: u64| (first..first + 3).map(TaskId).collect::<Vec<_>>();
        assert_eq!(listed.row(&max, 1, at(0)), Err(NoRow::NoList));
        listed.shown(&max, ShownTo::One, rows(10), at(0));
        assert_eq!(listed.row(&max, 3, at(1)), task(12));
        assert_eq!(listed.row(&max, 4, at(1)), Err(NoRow::Only(3)));
        assert_eq!(listed.row(&max, 0, at(1)), Err(NoRow::Only(3)));
        assert_eq!(listed.row(&friend, 1, at(1)), Err(NoRow::NoList));
        assert_eq!(listed.row(&actor(1, 8), 1, at(1)), Err(NoRow::NoList));
        listed.shown(&friend, ShownTo::All, rows(20), at(2));
        assert_eq!(listed.row(&max, 1, at(3)), task(20));
        listed.shown(&max, ShownTo::One, rows(30), at(4));
        assert_eq!(listed.row(&max, 1, at(5)), task(30));
        assert_eq!(listed.row(&friend, 1, at(5)), task(20));
        // A message of all that changed: what of theirs is the newest nobody else can tell.
        listed.shown(&friend, ShownTo::OneOfAll, rows(40), at(6));
        assert_eq!(listed.row(&friend, 1, at(7)), task(40));
        assert_eq!(listed.row(&max, 1, at(7)), Err(NoRow::NoList));
        listed.shown(&friend, ShownTo::All, rows(50), at(8));
        assert_eq!(listed.row(&max, 1, at(9)), task(50));
        let old = at(8) + HOLDS;
        assert_eq!(listed.row(&max, 1, old), Err(NoRow::NoList));
        listed.shown(&max, ShownTo::One, rows(60), old);
        assert_eq!(listed.lock().len(), 1, "old ones are let go");
    }
}
