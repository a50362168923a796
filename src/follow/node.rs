//! A node that was told to go or to come: there is no task to follow, so the cluster is asked how it
//! sees the node, until it is as asked or patience ends.

use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use tokio::sync::watch;
use tokio::time::{Instant, sleep};

use crate::action::NodePower;
use crate::audit::Ending;
use crate::embed::Reply;
use crate::embed::node_act::{self, NodeAct, State};
use crate::embed::node_end::{self, End as Told, Found};
use crate::proxmox::{Inventory, NodeState, Snapshot};

use super::End;

/// In all. A node that checks its disks, or waits for its guests, takes a while.
const WHOLE: Duration = Duration::from_mins(15);
/// Without any word of Proxmox of it. Where a node was to be shut down, it may have been the last one
/// that the bot could ask, and it is waited no longer.
const SILENCE: Duration = Duration::from_mins(3);
/// Between two looks; what they see is shared with all who look at the cluster.
const PAUSE: Duration = Duration::from_secs(3);
/// A snapshot that old is young enough here.
const YOUNG: Duration = Duration::from_secs(2);
/// How long one look may take.
const LOOK: Duration = Duration::from_secs(12);
/// Uptimes come from a round of Proxmox's own, every 10 s.
const UPTIME_LAGS: Duration = Duration::from_secs(12);
/// What was started later than that after an order was started by something else; or the clock was
/// wrong when the order was noted.
const SOON: Duration = Duration::from_hours(1);

/// How the order was given, as far as is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Given {
    /// A moment ago, and Proxmox said that it has it.
    Taken,
    /// A moment ago, and the answer was lost.
    Lost,
    /// That long ago by a former process, and nobody knows whether it was sent.
    Left(Duration),
}

/// What one look showed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Seen {
    Online {
        up: Option<Duration>,
    },
    Offline,
    /// It is not said, or in a word that we do not know.
    Unclear,
    /// Proxmox gave no answer.
    Silent,
}

/// What was seen so far.
#[derive(Debug)]
struct Course {
    power: NodePower,
    given: Given,
    /// How it was before the last look is known: what changes is seen as it does.
    watched: bool,
    /// It was seen offline.
    gone: bool,
    /// Since when it is offline, as far as was seen.
    offline: Option<Duration>,
    /// Since when it is online.
    online: Option<Duration>,
    /// Since when Proxmox is silent, or says nothing of it.
    untold: Option<Duration>,
}

#[derive(Debug, PartialEq, Eq)]
enum Step {
    Wait(State),
    Ended(Told),
}

impl Course {
    fn new(power: NodePower, given: Given) -> Self {
        Self {
            power,
            given,
            watched: !matches!(given, Given::Left(_)),
            gone: false,
            offline: None,
            online: None,
            untold: None,
        }
    }

    /// What a look at `elapsed` after the order means.
    fn look(&mut self, seen: Seen, elapsed: Duration) -> Step {
        self.note(seen, elapsed);
        if let Some(end) = self.end(seen, elapsed) {
            return Step::Ended(end);
        }
        self.watched |= matches!(seen, Seen::Offline | Seen::Online { .. });
        Step::Wait(match seen {
            Seen::Silent => State::Silent,
            Seen::Offline if self.power == NodePower::Reboot => State::Offline,
            _ => State::Taken,
        })
    }

    fn note(&mut self, seen: Seen, elapsed: Duration) {
        match seen {
            Seen::Silent | Seen::Unclear => drop(self.untold.get_or_insert(elapsed)),
            Seen::Offline => {
                self.gone = true;
                self.offline.get_or_insert(elapsed);
                (self.online, self.untold) = (None, None);
            }
            Seen::Online { .. } => {
                self.online.get_or_insert(elapsed);
                (self.offline, self.untold) = (None, None);
            }
        }
    }

    fn end(&self, seen: Seen, elapsed: Duration) -> Option<Told> {
        let left = self.left().is_some();
        let found = |found, told| if left { Told::Found(found) } else { told };
        let seen_it = self.watched;
        match (self.power, seen) {
            (NodePower::Shutdown, Seen::Offline) => {
                Some(found(Found::Offline { seen: seen_it }, Told::Down(elapsed)))
            }
            (NodePower::Wake, Seen::Online { .. }) => {
                Some(found(Found::Online { seen: seen_it }, Told::Awake(elapsed)))
            }
            (NodePower::Reboot, Seen::Online { up }) if self.gone => match up {
                Some(up) if self.may_be_new(up, elapsed) => {
                    Some(found(Found::Back, Told::Back(elapsed)))
                }
                // For a moment the others did not see it, or its figures are still the old ones.
                Some(_) => self.out_of_patience(seen, elapsed),
                // Its figures come a little later than itself, or never.
                None => for_long(self.online, elapsed, UPTIME_LAGS)
                    .then(|| found(Found::Back, Told::Back(elapsed))),
            },
            (power, Seen::Online { up: Some(up) }) if began_anew(up, elapsed) => {
                Some(match power {
                    NodePower::Reboot => found(Found::StartedAnew { up }, Told::Back(elapsed)),
                    _ => Told::OnAgain { up },
                })
            }
            _ => self.out_of_patience(seen, elapsed),
        }
    }

    /// How old the order is that a former process left, at the first look.
    fn left(&self) -> Option<Duration> {
        match self.given {
            Given::Left(ago) => Some(ago),
            Given::Taken | Given::Lost => None,
        }
    }

    /// Up for no longer than the order is old, as far as its age can be trusted.
    fn may_be_new(&self, up: Duration, elapsed: Duration) -> bool {
        let doubtful = self.left().unwrap_or_default().saturating_sub(SOON);
        up <= elapsed.saturating_sub(doubtful)
    }

    fn out_of_patience(&self, seen: Seen, elapsed: Duration) -> Option<Told> {
        let untold = for_long(self.untold, elapsed, SILENCE);
        if untold && (self.power, seen) == (NodePower::Shutdown, Seen::Silent) {
            return Some(Told::NoWord);
        }
        // However old the order is, that it is off may have been seen just now.
        let waits = (self.power, seen) == (NodePower::Reboot, Seen::Offline)
            && !for_long(self.offline, elapsed, WHOLE);
        if elapsed < WHOLE || waits {
            return None;
        }
        let left = self.left().is_some();
        let taken = self.given == Given::Taken;
        Some(match (self.power, seen) {
            (_, Seen::Silent) if untold => Told::NoWord,
            (_, Seen::Unclear) if untold => Told::Unclear,
            // A moment's silence says nothing.
            (_, Seen::Silent | Seen::Unclear) => return None,
            (NodePower::Reboot, Seen::Offline) => Told::NotBack,
            (NodePower::Wake, _) => Told::NotAwake { taken },
            // It may have been off while nobody looked.
            (_, Seen::Online { up: Some(up) }) if left => Told::Found(Found::Up(up)),
            (_, Seen::Online { up: None }) if left => Told::Unclear,
            _ => Told::StillOn { taken },
        })
    }
}

fn for_long(since: Option<Duration>, elapsed: Duration, long: Duration) -> bool {
    since.is_some_and(|since| elapsed.saturating_sub(since) >= long)
}

/// Up for less time than has gone by, and not much less: it was started anew soon after the order.
fn began_anew(up: Duration, elapsed: Duration) -> bool {
    let after = elapsed.checked_sub(up);
    after.is_some_and(|after| (UPTIME_LAGS < after) && (after <= SOON))
}

/// Follows what was asked of a node. Where it is shown meanwhile, that goes into `shown`.
pub async fn node_to_the_end(
    inventory: &Arc<Inventory>,
    act: &NodeAct,
    given: Given,
    shown: Option<&watch::Sender<Option<Reply>>>,
) -> End {
    let started = Instant::now();
    let ago = match given {
        Given::Left(ago) => ago,
        Given::Taken | Given::Lost => Duration::ZERO,
    };
    let mut course = Course::new(act.power, given);
    let mut last = None;
    loop {
        sleep(PAUSE).await;
        let looked = inventory.fresh(YOUNG, LOOK).await;
        let seen = looked.map_or(Seen::Silent, |snapshot| seen(&snapshot, act));
        match course.look(seen, ago + started.elapsed()) {
            Step::Ended(end) => return told(act, end),
            // As long as nothing else shows, what was said stands.
            Step::Wait(State::Taken) if given != Given::Taken => {}
            Step::Wait(state) if last != Some(state) => {
                if let Some(shown) = shown {
                    shown.send_replace(Some(node_act::at_work(act, state)));
                }
                last = Some(state);
            }
            Step::Wait(_) => {}
        }
    }
}

fn seen(snapshot: &Snapshot, act: &NodeAct) -> Seen {
    let node = snapshot.nodes.get(&act.node.node);
    match node.map(|node| (&node.status, node.uptime)) {
        Some((NodeState::Online, up)) => Seen::Online { up },
        Some((NodeState::Offline, _)) => Seen::Offline,
        _ => Seen::Unclear,
    }
}

fn told(act: &NodeAct, end: Told) -> End {
    let now = Timestamp::now().as_second();
    End::of(node_end::ended(act, end, now), ending(end))
}

/// The audit's word. *Done* is only what was sent by this process and then seen.
fn ending(end: Told) -> Ending {
    let why = match end {
        Told::Down(_) | Told::Back(_) | Told::Awake(_) => return Ending::Done,
        Told::Found(found) => return Ending::Unknown(format!("{}{NOT_SURE}", what(found))),
        Told::OnAgain { .. } => "the node was started anew in between",
        Told::StillOn { .. } => "the node did not go offline in time",
        Told::NotBack => "the node was not seen back in time",
        Told::NotAwake { .. } => "the node was not seen online in time",
        Told::Unclear => "Proxmox did not tell how the node is",
        Told::NoWord => "Proxmox did not answer any more",
    };
    Ending::Unknown(why.to_owned())
}

const NOT_SURE: &str = "; whether by this order is not known";

fn what(found: Found) -> &'static str {
    match found {
        Found::Offline { seen: true } => "went offline",
        Found::Offline { seen: false } => "found offline",
        Found::Online { seen: true } => "came online",
        Found::Online { seen: false } | Found::Up(_) => "found online",
        Found::Back => "was offline, and is back",
        Found::StartedAnew { .. } => "started anew",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ONLINE: Seen = Seen::Online { up: None };

    fn s(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    fn up(seconds: u64) -> Seen {
        Seen::Online {
            up: Some(s(seconds)),
        }
    }

    /// The looks, three seconds apart; the step after the last.
    fn after(power: NodePower, looks: &[Seen]) -> Step {
        let mut course = Course::new(power, Given::Taken);
        let mut step = Step::Wait(State::Taken);
        for (n, seen) in (1..).zip(looks) {
            step = course.look(*seen, s(3 * n));
        }
        step
    }

    #[test]
    fn a_shutdown_is_over_when_the_node_is_offline() {
        let power = NodePower::Shutdown;
        assert_eq!(after(power, &[ONLINE, ONLINE]), Step::Wait(State::Taken));
        assert_eq!(
            after(power, &[ONLINE, Seen::Offline]),
            Step::Ended(Told::Down(s(6)))
        );
        assert_eq!(after(power, &[Seen::Unclear]), Step::Wait(State::Taken));
    }

    #[test]
    fn a_reboot_is_over_when_the_node_went_and_came() {
        let power = NodePower::Reboot;
        let gone = [ONLINE, Seen::Offline];
        assert_eq!(after(power, &gone), Step::Wait(State::Offline));
        let new = up(4);
        let back = [ONLINE, Seen::Offline, Seen::Silent, Seen::Unclear, new];
        assert_eq!(after(power, &back), Step::Ended(Told::Back(s(15))));
    }

    #[test]
    fn who_sees_no_uptime_waits_a_little_for_it_and_goes_by_what_was_seen() {
        let mut looks = vec![ONLINE, Seen::Offline, ONLINE, ONLINE, ONLINE, ONLINE];
        let power = NodePower::Reboot;
        assert_eq!(after(power, &looks), Step::Wait(State::Taken));
        looks.push(ONLINE);
        assert_eq!(after(power, &looks), Step::Ended(Told::Back(s(21))));
    }

    #[test]
    fn a_moment_out_of_the_cluster_is_no_reboot() {
        let days = 9 * 24 * 3600;
        let power = NodePower::Reboot;
        let mut looks = vec![up(days), Seen::Offline, up(days)];
        assert_eq!(after(power, &looks), Step::Wait(State::Taken));
        // Nor is the next look at the same figures.
        looks.push(up(days));
        assert_eq!(after(power, &looks), Step::Wait(State::Taken));
        // After a real one, the old figures are replaced.
        looks.push(up(3));
        assert_eq!(after(power, &looks), Step::Ended(Told::Back(s(15))));

        let mut course = Course::new(power, Given::Taken);
        course.look(Seen::Offline, s(3));
        course.look(up(days), s(6));
        let still_on = Told::StillOn { taken: true };
        assert_eq!(course.look(up(days), WHOLE), Step::Ended(still_on));
    }

    #[test]
    fn a_quarter_of_an_hour_is_counted_from_when_it_went() {
        let mut course = Course::new(NodePower::Reboot, Given::Taken);
        // A moment away does not count.
        course.look(Seen::Offline, s(30));
        course.look(up(90_000), s(33));
        let late = s(890);
        course.look(Seen::Offline, late);
        let step = course.look(Seen::Offline, late + s(890));
        assert_eq!(step, Step::Wait(State::Offline));
        let step = course.look(Seen::Offline, late + WHOLE);
        assert_eq!(step, Step::Ended(Told::NotBack));
    }

    #[test]
    fn a_reboot_that_nobody_saw_shows_in_the_uptime() {
        let mut course = Course::new(NodePower::Reboot, Given::Taken);
        // It was up for a minute before: always longer than since the order.
        assert_eq!(
            course.look(up(60 + 30 - 10), s(30)),
            Step::Wait(State::Taken)
        );
        assert_eq!(course.look(Seen::Silent, s(60)), Step::Wait(State::Silent));
        // The figures may be 10 s old, so a small difference means nothing.
        assert_eq!(course.look(up(85), s(90)), Step::Wait(State::Taken));
        assert_eq!(course.look(up(20), s(95)), Step::Ended(Told::Back(s(95))));
    }

    #[test]
    fn patience_ends_and_says_what_was_not_seen() {
        let end = |power, looks: &[Seen]| {
            let mut course = Course::new(power, Given::Taken);
            for (n, seen) in (1..).zip(looks) {
                course.look(*seen, s(n));
            }
            let last = looks.last().copied().unwrap();
            course.look(last, WHOLE)
        };
        let ended = |told| Step::Ended(told);
        let still_on = || ended(Told::StillOn { taken: true });
        assert_eq!(end(NodePower::Shutdown, &[ONLINE]), still_on());
        assert_eq!(end(NodePower::Reboot, &[ONLINE]), still_on());
        let unclear = ended(Told::Unclear);
        assert_eq!(end(NodePower::Reboot, &[Seen::Unclear]), unclear);
        assert_eq!(
            end(NodePower::Wake, &[Seen::Offline]),
            ended(Told::NotAwake { taken: true })
        );
        assert_eq!(end(NodePower::Reboot, &[Seen::Silent]), ended(Told::NoWord));
    }

    #[test]
    fn silence_after_a_shutdown_is_not_waited_out() {
        let mut course = Course::new(NodePower::Shutdown, Given::Taken);
        assert_eq!(course.look(Seen::Silent, s(10)), Step::Wait(State::Silent));
        assert_eq!(course.look(ONLINE, s(100)), Step::Wait(State::Taken));
        assert_eq!(course.look(Seen::Silent, s(110)), Step::Wait(State::Silent));
        assert_eq!(course.look(Seen::Silent, s(280)), Step::Wait(State::Silent));
        assert_eq!(
            course.look(Seen::Silent, s(110) + SILENCE),
            Step::Ended(Told::NoWord)
        );
    }

    #[test]
    fn what_shuts_down_and_is_started_anew_is_not_called_still_on() {
        let mut course = Course::new(NodePower::Shutdown, Given::Taken);
        let up = s(20);
        let on = Seen::Online { up: Some(up) };
        assert_eq!(course.look(Seen::Silent, s(30)), Step::Wait(State::Silent));
        assert_eq!(course.look(on, s(90)), Step::Ended(Told::OnAgain { up }));
    }

    /// The first look after a restart of the bot, so long after the order.
    fn left(power: NodePower, seen: Seen, ago: Duration) -> Step {
        Course::new(power, Given::Left(ago)).look(seen, ago)
    }

    #[test]
    fn an_order_found_open_ends_with_what_is_found() {
        let hour = s(3600);
        let found = |found| Step::Ended(Told::Found(found));
        let reboot = |seen, ago| left(NodePower::Reboot, seen, ago);
        let anew = Found::StartedAnew { up: s(600) };
        assert_eq!(reboot(up(600), hour), found(anew));
        assert_eq!(reboot(up(9 * 3600), hour), found(Found::Up(hour * 9)));
        assert_eq!(reboot(up(9 * 3600), s(60)), Step::Wait(State::Taken));
        assert_eq!(reboot(ONLINE, hour), Step::Ended(Told::Unclear));
        let shutdown = |seen| left(NodePower::Shutdown, seen, hour);
        let offline = Found::Offline { seen: false };
        assert_eq!(shutdown(Seen::Offline), found(offline));
        assert_eq!(shutdown(up(9 * 3600)), found(Found::Up(hour * 9)));
        let again = Told::OnAgain { up: s(600) };
        assert_eq!(shutdown(up(600)), Step::Ended(again));
        let wake = |seen| left(NodePower::Wake, seen, hour);
        assert_eq!(wake(ONLINE), found(Found::Online { seen: false }));
        let not_awake = Told::NotAwake { taken: false };
        assert_eq!(wake(Seen::Offline), Step::Ended(not_awake));
    }

    #[test]
    fn an_order_found_open_is_waited_for_while_it_goes_on() {
        let hour = s(3600);
        let found = |found| Step::Ended(Told::Found(found));
        let mut course = Course::new(NodePower::Reboot, Given::Left(hour));
        // Nor does it end before Proxmox can be reached at all.
        assert_eq!(course.look(Seen::Silent, hour), Step::Wait(State::Silent));
        let off = hour + s(30);
        assert_eq!(course.look(Seen::Offline, off), Step::Wait(State::Offline));
        let back = course.look(up(40), off + s(120));
        assert_eq!(back, found(Found::Back));
        let mut course = Course::new(NodePower::Reboot, Given::Left(hour));
        course.look(Seen::Offline, hour);
        let step = course.look(Seen::Offline, hour + WHOLE);
        assert_eq!(step, Step::Ended(Told::NotBack));
        let mut course = Course::new(NodePower::Shutdown, Given::Left(s(20)));
        assert_eq!(course.look(ONLINE, s(20)), Step::Wait(State::Taken));
        let went = Found::Offline { seen: true };
        assert_eq!(course.look(Seen::Offline, s(50)), found(went));
    }

    /// It may never have been sent, whatever the node does.
    #[test]
    fn an_order_found_open_never_ends_as_done() {
        let looks = [Seen::Silent, Seen::Unclear, Seen::Offline, ONLINE, up(60)];
        let looks = looks.into_iter().chain([up(900_000)]);
        for ago in [s(0), s(30), s(3600), s(3 * 24 * 3600), s(50_000_000)] {
            for (first, then) in looks
                .clone()
                .flat_map(|a| looks.clone().map(move |b| (a, b)))
            {
                for power in NodePower::ALL {
                    let mut course = Course::new(power, Given::Left(ago));
                    let steps = [(first, s(0)), (then, s(90)), (then, WHOLE * 3)];
                    for (seen, after) in steps {
                        if let Step::Ended(end) = course.look(seen, ago + after) {
                            assert!(matches!(ending(end), Ending::Unknown(_)), "{end:?}");
                            break;
                        }
                    }
                }
            }
        }
        let offline = ending(Told::Found(Found::Offline { seen: false }));
        let why = "found offline; whether by this order is not known";
        assert_eq!(offline, Ending::Unknown(why.to_owned()));
    }

    /// It was noted under a wrong clock, or something else started the node since.
    #[test]
    fn a_start_long_after_an_order_is_not_its_doing() {
        let years = s(50 * 365 * 24 * 3600);
        let days = 9 * 24 * 3600;
        let step = left(NodePower::Reboot, up(days), years);
        assert_eq!(step, Step::Ended(Told::Found(Found::Up(s(days)))));
        let step = left(NodePower::Shutdown, up(600), s(3 * 3600));
        assert_eq!(step, Step::Ended(Told::Found(Found::Up(s(600)))));
        // Nor is a moment out of the cluster a reboot then.
        let mut course = Course::new(NodePower::Reboot, Given::Left(years));
        course.look(Seen::Offline, years);
        let step = course.look(up(days), years + s(6));
        assert_eq!(step, Step::Ended(Told::Found(Found::Up(s(days)))));
        // Noted in what is now the future: it counts from now, and the node is watched.
        let step = left(NodePower::Reboot, up(600), s(0));
        assert_eq!(step, Step::Wait(State::Taken));
    }
}
