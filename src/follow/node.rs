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
use crate::embed::node_end::{self, End as Told};
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
    /// Since when it is offline.
    offline: Option<Duration>,
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
            offline: None,
            untold: None,
        }
    }

    /// What a look at `elapsed` after the order means.
    fn look(&mut self, seen: Seen, elapsed: Duration) -> Step {
        match seen {
            Seen::Silent | Seen::Unclear => drop(self.untold.get_or_insert(elapsed)),
            _ => self.untold = None,
        }
        if seen == Seen::Offline {
            self.offline.get_or_insert(elapsed);
        }
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

    fn end(&self, seen: Seen, elapsed: Duration) -> Option<Told> {
        match (self.power, seen) {
            (NodePower::Shutdown, Seen::Offline) => Some(Told::Down(self.took(elapsed))),
            (NodePower::Wake, Seen::Online { .. }) => Some(Told::Awake(self.took(elapsed))),
            (NodePower::Reboot, Seen::Online { .. }) if self.offline.is_some() => {
                Some(Told::Back(elapsed))
            }
            (power, Seen::Online { up: Some(up) }) if began_anew(up, elapsed) => {
                Some(match (power, self.watched) {
                    (NodePower::Reboot, true) => Told::Back(elapsed),
                    (NodePower::Reboot, false) => Told::Rebooted { up },
                    _ => Told::OnAgain { up },
                })
            }
            _ => self.out_of_patience(seen, elapsed),
        }
    }

    /// How long it took; unknown where it was so at the first look already.
    fn took(&self, elapsed: Duration) -> Option<Duration> {
        self.watched.then_some(elapsed)
    }

    fn out_of_patience(&self, seen: Seen, elapsed: Duration) -> Option<Told> {
        let for_long = |since: Option<Duration>, long| {
            since.is_some_and(|since| elapsed.saturating_sub(since) >= long)
        };
        let untold = for_long(self.untold, SILENCE);
        if untold && (self.power, seen) == (NodePower::Shutdown, Seen::Silent) {
            return Some(Told::NoWord);
        }
        // A former process's order may be old, but that it is off was seen just now.
        let left = matches!(self.given, Given::Left(_));
        let waits = left && self.power == NodePower::Reboot && seen == Seen::Offline;
        if elapsed < WHOLE || (waits && !for_long(self.offline, WHOLE)) {
            return None;
        }
        let taken = self.given == Given::Taken;
        Some(match (self.power, seen) {
            (_, Seen::Silent) if untold => Told::NoWord,
            (_, Seen::Unclear) if untold => Told::Unclear,
            // A moment's silence says nothing.
            (_, Seen::Silent | Seen::Unclear) => return None,
            (NodePower::Reboot, Seen::Offline) => Told::NotBack,
            (NodePower::Wake, _) => Told::NotAwake { taken },
            // It may have been off while nobody looked, and it is not told since when it is on.
            (_, Seen::Online { up: None }) if left => Told::Unclear,
            _ => Told::StillOn { taken },
        })
    }
}

/// Up for less time than has gone by: it was started anew.
fn began_anew(up: Duration, elapsed: Duration) -> bool {
    up + UPTIME_LAGS < elapsed
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
    let unknown = |why: &str| Ending::Unknown(why.to_owned());
    let ending = match end {
        Told::Down(_) | Told::Back(_) | Told::Rebooted { .. } | Told::Awake(_) => Ending::Done,
        Told::OnAgain { .. } => unknown("the node was started anew in between"),
        Told::StillOn { .. } => unknown("the node did not go offline in time"),
        Told::NotBack => unknown("the node was not seen back in time"),
        Told::NotAwake { .. } => unknown("the node was not seen online in time"),
        Told::Unclear => unknown("Proxmox did not tell how the node is"),
        Told::NoWord => unknown("Proxmox did not answer any more"),
    };
    let now = Timestamp::now().as_second();
    End::of(node_end::ended(act, end, now), ending)
}

#[cfg(test)]
mod tests {
    use super::*;

    const ONLINE: Seen = Seen::Online { up: None };

    fn s(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
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
            Step::Ended(Told::Down(Some(s(6))))
        );
        assert_eq!(after(power, &[Seen::Unclear]), Step::Wait(State::Taken));
    }

    #[test]
    fn a_reboot_is_over_when_the_node_went_and_came() {
        let power = NodePower::Reboot;
        let gone = [ONLINE, Seen::Offline];
        assert_eq!(after(power, &gone), Step::Wait(State::Offline));
        let back = [ONLINE, Seen::Offline, Seen::Silent, Seen::Unclear, ONLINE];
        assert_eq!(after(power, &back), Step::Ended(Told::Back(s(15))));
    }

    #[test]
    fn a_reboot_that_nobody_saw_shows_in_the_uptime() {
        let up = |seconds| Seen::Online {
            up: Some(s(seconds)),
        };
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
            end(NodePower::Reboot, &[Seen::Offline]),
            ended(Told::NotBack)
        );
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
    fn an_order_found_open_ends_with_what_can_be_concluded() {
        let hour = s(3600);
        let up = |up| Seen::Online { up: Some(up) };
        let ended = Step::Ended;
        let reboot = |seen, ago| left(NodePower::Reboot, seen, ago);
        let anew = Told::Rebooted { up: s(600) };
        assert_eq!(reboot(up(s(600)), hour), ended(anew));
        let taken = false;
        assert_eq!(reboot(up(hour * 9), hour), ended(Told::StillOn { taken }));
        assert_eq!(reboot(up(hour * 9), s(60)), Step::Wait(State::Taken));
        assert_eq!(reboot(ONLINE, hour), ended(Told::Unclear));
        let shutdown = |seen| left(NodePower::Shutdown, seen, hour);
        assert_eq!(shutdown(Seen::Offline), ended(Told::Down(None)));
        assert_eq!(shutdown(up(hour * 9)), ended(Told::StillOn { taken }));
        let again = Told::OnAgain { up: s(600) };
        assert_eq!(shutdown(up(s(600))), ended(again));
        let wake = |seen| left(NodePower::Wake, seen, hour);
        assert_eq!(wake(ONLINE), ended(Told::Awake(None)));
        assert_eq!(wake(Seen::Offline), ended(Told::NotAwake { taken }));
    }

    #[test]
    fn an_order_found_open_is_waited_for_while_it_goes_on() {
        let hour = s(3600);
        let mut course = Course::new(NodePower::Reboot, Given::Left(hour));
        // Nor does it end before Proxmox can be reached at all.
        assert_eq!(course.look(Seen::Silent, hour), Step::Wait(State::Silent));
        let off = hour + s(30);
        assert_eq!(course.look(Seen::Offline, off), Step::Wait(State::Offline));
        let back = off + s(120);
        assert_eq!(course.look(ONLINE, back), Step::Ended(Told::Back(back)));
        let not_back = off + WHOLE;
        let step = course.look(Seen::Offline, not_back);
        assert_eq!(step, Step::Ended(Told::NotBack));
        let mut course = Course::new(NodePower::Shutdown, Given::Left(s(20)));
        assert_eq!(course.look(ONLINE, s(20)), Step::Wait(State::Taken));
        let down = Told::Down(Some(s(50)));
        assert_eq!(course.look(Seen::Offline, s(50)), Step::Ended(down));
    }
}
