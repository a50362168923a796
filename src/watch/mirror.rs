//! The audit channel: what was done and refused, for the owner to read along. Entries are read in
//! the order in which they were written, and one that was handed over is not read again.

use std::time::Duration;

use jiff::Timestamp;
use tokio::time::{MissedTickBehavior, interval};
use tokio_util::sync::CancellationToken;

use crate::audit::{self, Event, Filter, Line, Noted};
use crate::config;
use crate::embed::{self, Reply};
use crate::errand::{Errands, Recipient};
use crate::ids::ChannelId;
use crate::store::{Store, StoreError};

use super::refusals::{self, Insisting, Refusals};

const EVERY: Duration = Duration::from_secs(2);
/// More on one card is not read on a phone; the rest comes with the next round.
const LINES: usize = 15;
/// Of a round, so that what is not shown does not hold up what is.
const READ: u32 = 100;
/// Name of the position in the store.
const MARK: &str = "mirror";
/// After a restart: more refusals than that in a day are told of again at worst.
const REMEMBERED: u32 = 10_000;

/// Where to; what is not set is not sent.
#[derive(Debug, Clone, Copy)]
pub struct Rooms {
    audit: Option<ChannelId>,
    alerts: Option<ChannelId>,
}

impl From<&config::Discord> for Rooms {
    fn from(discord: &config::Discord) -> Self {
        Self {
            audit: discord.audit_channel,
            alerts: discord.alerts_channel.or(discord.audit_channel),
        }
    }
}

/// Follows the audit until `stop`.
pub async fn mirror(store: Store, rooms: Rooms, errands: Errands, stop: CancellationToken) {
    let mut ticks = interval(EVERY);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut place = None;
    loop {
        tokio::select! {
            () = stop.cancelled() => return,
            _ = ticks.tick() => {}
        }
        if let Err(error) = round(&store, rooms, &errands, &mut place).await {
            tracing::warn!(%error, "the audit cannot be followed; the next round tries again");
        }
    }
}

/// How far the audit was read, and what is remembered of it.
struct Place {
    seq: i64,
    refusals: Refusals,
}

async fn round(
    store: &Store,
    rooms: Rooms,
    errands: &Errands,
    place: &mut Option<Place>,
) -> Result<(), StoreError> {
    let place = match place {
        Some(place) => place,
        None => place.insert(begin(store).await?),
    };
    let lines = audit::after(store, place.seq, READ).await?;
    let Some(Round { lines, card, upto }) = tick(lines) else {
        return Ok(());
    };
    let insisting = refusals::tick(&mut place.refusals, now_ms(), &lines);
    place.seq = upto;
    // Marked first: a channel that cannot be reached costs its cards, and never shows one twice.
    store.set_mark(MARK, upto).await?;
    if let Some((channel, reply)) = rooms.audit.zip(card) {
        errands.post(Recipient::Room(channel), reply).await;
    }
    for (to, reply) in insisting.iter().filter_map(|who| alert(rooms, who)) {
        errands.post(to, reply).await;
    }
    Ok(())
}

/// At the mark, or at the end where there is none: what is old is not shown as news.
async fn begin(store: &Store) -> Result<Place, StoreError> {
    let mut refusals = Refusals::default();
    let Some(seq) = store.mark(MARK).await? else {
        let seq = audit::end(store).await?;
        store.set_mark(MARK, seq).await?;
        return Ok(Place { seq, refusals });
    };
    let remembered = i64::try_from(refusals::REMEMBERED.as_millis()).unwrap_or(i64::MAX);
    let filter = Filter {
        refused: Some(true),
        since_ms: Some(now_ms() - remembered),
        ..Filter::default()
    };
    let mut seen = audit::page(store, &filter, Some(seq + 1), REMEMBERED).await?;
    seen.reverse();
    // The former process told of these.
    let _ = refusals::tick(&mut refusals, now_ms(), &seen);
    Ok(Place { seq, refusals })
}

/// What one round takes up.
struct Round {
    lines: Vec<Line>,
    card: Option<Reply>,
    /// The last of `lines`.
    upto: i64,
}

/// As many of the new entries as one card can show. `None`: there are none.
fn tick(mut lines: Vec<Line>) -> Option<Round> {
    let over = lines
        .iter()
        .enumerate()
        .filter(|(_, l)| is_shown(l))
        .nth(LINES);
    if let Some((at, _)) = over {
        lines.truncate(at);
    }
    let upto = lines.last()?.seq;
    let shown: Vec<Line> = lines
        .iter()
        .filter(|line| is_shown(line))
        .cloned()
        .collect();
    let card = (!shown.is_empty()).then(|| embed::audit::mirror(&shown));
    Some(Round { lines, card, upto })
}

/// An act is shown once its end is known.
fn is_shown(line: &Line) -> bool {
    match line.event {
        // New rules are told in full by whoever read them.
        Event::Opened | Event::Sent | Event::Noted(Noted::Reloaded) => false,
        Event::Refused | Event::Closed | Event::Noted(_) => true,
    }
}

fn alert(rooms: Rooms, insisting: &Insisting) -> Option<(Recipient, Reply)> {
    let Insisting { user, last } = insisting;
    let times = refusals::TIMES;
    tracing::warn!(%user, times, action = last.action, "somebody is refused again and again");
    let reply = embed::audit::refusals(*user, times, refusals::WITHIN, last);
    Some((Recipient::Room(rooms.alerts?), reply))
}

fn now_ms() -> i64 {
    Timestamp::now().as_millisecond()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::audit::Ending;

    fn some(events: impl IntoIterator<Item = Event>) -> Vec<Line> {
        let numbered = (1..).zip(events);
        let line = |(seq, event)| Line::bare(seq, event, 0);
        numbered.map(line).collect()
    }

    #[test]
    fn acts_are_shown_at_their_end_and_all_else_at_once() {
        let events = [
            Event::Opened,
            Event::Sent,
            Event::Refused,
            Event::Closed,
            Event::Noted(Noted::Locked),
            Event::Opened,
        ];
        let round = tick(some(events)).unwrap();
        assert_eq!(round.upto, 6);
        assert_eq!(round.card.unwrap().cards[0].body.lines().count(), 3);
    }

    #[test]
    fn nothing_to_show_makes_no_card_and_is_passed_over() {
        assert!(tick(Vec::new()).is_none());
        let round = tick(some([Event::Opened, Event::Sent])).unwrap();
        assert!(round.card.is_none());
        assert_eq!(round.upto, 2);
    }

    #[test]
    fn a_card_has_fifteen_lines_and_the_rest_waits() {
        let events = [Event::Opened, Event::Closed].repeat(20);
        let lines = some(events);
        let round = tick(lines.clone()).unwrap();
        assert_eq!(round.card.unwrap().cards[0].body.lines().count(), 15);
        // The sixteenth end is entry 32: its beginning, 31, needs no second look.
        assert_eq!((round.upto, round.lines.len()), (31, 31));
        let rest = tick(lines[31..].to_vec()).unwrap();
        assert_eq!(rest.card.unwrap().cards[0].body.lines().count(), 5);
        assert_eq!(rest.upto, 40);
    }

    #[test]
    fn the_card_of_a_round_holds_what_the_entries_say() {
        let mut line = Line::bare(1, Event::Closed, 0);
        line.ending = Some(Ending::Done);
        let card = tick(vec![line.clone()]).unwrap().card;
        assert_eq!(card, Some(embed::audit::mirror(&[line])));
    }
}
