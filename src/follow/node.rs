//! A node that was told to go or to come: there is no task to follow, so the cluster is asked how it
//! sees the node, until it is as asked or patience ends.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;
use tokio::time::{Instant, sleep};

use crate::action::NodePower;
use crate::audit::Ending;
use crate::embed::Reply;
use crate::embed::node_act::{self, End as Told, NodeAct, State};
use crate::proxmox::{Inventory, NodeState, Snapshot};

use super::End;

/// In all. A node that checks its disks, or waits for its guests, takes a while.
const WHOLE: Duration = Duration::from_mins(15);
/// Without any word of Proxmox, where a node was to be shut down: it may have been the last one that
/// the bot could ask.
const SILENCE: Duration = Duration::from_mins(3);
/// Between two looks; what they see is shared with all who look at the cluster.
const PAUSE: Duration = Duration::from_secs(3);
/// A snapshot that old is young enough here.
const YOUNG: Duration = Duration::from_secs(2);
/// How long one look may take.
const LOOK: Duration = Duration::from_secs(12);
/// Uptimes come from a round of Proxmox's own, every 10 s.
const UPTIME_LAGS: Duration = Duration::from_secs(12);

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
    offline: bool,
    /// Since when Proxmox is silent.
    silent: Option<Duration>,
}

#[derive(Debug, PartialEq, Eq)]
enum Step {
    Wait(State),
    Ended(Told),
}

impl Course {
    fn new(power: NodePower) -> Self {
        Self {
            power,
            offline: false,
            silent: None,
        }
    }

    /// What a look at `elapsed` after the order means.
    fn look(&mut self, seen: Seen, elapsed: Duration) -> Step {
        self.offline |= seen == Seen::Offline;
        match seen {
            Seen::Silent => drop(self.silent.get_or_insert(elapsed)),
            _ => self.silent = None,
        }
        if let Some(end) = self.end(seen, elapsed) {
            return Step::Ended(end);
        }
        Step::Wait(match seen {
            Seen::Silent => State::Silent,
            Seen::Offline if self.power == NodePower::Reboot => State::Offline,
            _ => State::Taken,
        })
    }

    fn end(&self, seen: Seen, elapsed: Duration) -> Option<Told> {
        let silent = self.silent.map(|since| elapsed.saturating_sub(since));
        match (self.power, seen) {
            (NodePower::Shutdown, Seen::Offline) => Some(Told::Down(elapsed)),
            (NodePower::Wake, Seen::Online { .. }) => Some(Told::Awake(elapsed)),
            (NodePower::Reboot, Seen::Online { up }) if self.offline || began_anew(up, elapsed) => {
                Some(Told::Back(elapsed))
            }
            (NodePower::Shutdown, _) if silent >= Some(SILENCE) => Some(Told::NoWord),
            _ if elapsed < WHOLE => None,
            (_, Seen::Silent) => Some(Told::NoWord),
            (NodePower::Wake, _) => Some(Told::NotAwake),
            (NodePower::Reboot, _) if self.offline => Some(Told::NotBack),
            _ => Some(Told::StillOn),
        }
    }
}

/// Up for less time than has gone by: it was started anew.
fn began_anew(up: Option<Duration>, elapsed: Duration) -> bool {
    up.is_some_and(|up| up + UPTIME_LAGS < elapsed)
}

/// Follows what was asked of a node. `taken`: Proxmox said that it has the order.
pub async fn node_to_the_end(
    inventory: &Arc<Inventory>,
    act: &NodeAct,
    taken: bool,
    shown: &watch::Sender<Option<Reply>>,
) -> End {
    let started = Instant::now();
    let mut course = Course::new(act.power);
    let mut last = None;
    loop {
        sleep(PAUSE).await;
        let looked = inventory.fresh(YOUNG, LOOK).await;
        let seen = looked.map_or(Seen::Silent, |snapshot| seen(&snapshot, act));
        match course.look(seen, started.elapsed()) {
            Step::Ended(end) => return told(act, &end),
            // As long as nothing else shows, what was said stands.
            Step::Wait(State::Taken) if !taken => {}
            Step::Wait(state) if last != Some(state) => {
                shown.send_replace(Some(node_act::at_work(act, state)));
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

fn told(act: &NodeAct, end: &Told) -> End {
    let ending = match end {
        Told::Down(_) | Told::Back(_) | Told::Awake(_) => Ending::Done,
        Told::StillOn => Ending::Unknown("the node did not go offline in time".to_owned()),
        Told::NotBack => Ending::Unknown("the node was not seen back in time".to_owned()),
        Told::NotAwake => Ending::Unknown("the node was not seen online in time".to_owned()),
        Told::NoWord => Ending::Unknown("Proxmox did not answer any more".to_owned()),
    };
    End::of(node_act::ended(act, end), ending)
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
        let mut course = Course::new(power);
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
        let back = [ONLINE, Seen::Offline, Seen::Silent, Seen::Unclear, ONLINE];
        assert_eq!(after(power, &back), Step::Ended(Told::Back(s(15))));
    }

    #[test]
    fn a_reboot_that_nobody_saw_shows_in_the_uptime() {
        let up = |seconds| Seen::Online {
            up: Some(s(seconds)),
        };
        let mut course = Course::new(NodePower::Reboot);
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
            let mut course = Course::new(power);
            for (n, seen) in (1..).zip(looks) {
                course.look(*seen, s(n));
            }
            let last = looks.last().copied().unwrap();
            course.look(last, WHOLE)
        };
        let ended = |told| Step::Ended(told);
        assert_eq!(end(NodePower::Shutdown, &[ONLINE]), ended(Told::StillOn));
        assert_eq!(end(NodePower::Reboot, &[ONLINE]), ended(Told::StillOn));
        assert_eq!(
            end(NodePower::Reboot, &[Seen::Offline]),
            ended(Told::NotBack)
        );
        assert_eq!(
            end(NodePower::Wake, &[Seen::Offline]),
            ended(Told::NotAwake)
        );
        assert_eq!(end(NodePower::Reboot, &[Seen::Silent]), ended(Told::NoWord));
    }

    #[test]
    fn silence_after_a_shutdown_is_not_waited_out() {
        let mut course = Course::new(NodePower::Shutdown);
        assert_eq!(course.look(Seen::Silent, s(10)), Step::Wait(State::Silent));
        assert_eq!(course.look(ONLINE, s(100)), Step::Wait(State::Taken));
        assert_eq!(course.look(Seen::Silent, s(110)), Step::Wait(State::Silent));
        assert_eq!(course.look(Seen::Silent, s(280)), Step::Wait(State::Silent));
        assert_eq!(
            course.look(Seen::Silent, s(110) + SILENCE),
            Step::Ended(Told::NoWord)
        );
    }
}
