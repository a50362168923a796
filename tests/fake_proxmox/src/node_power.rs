//! Nodes that go down and come back, and what becomes of their guests.

use std::time::{Duration, Instant};

use crate::ha::{self, Leave};
use crate::setup::Clock;
use crate::state::State;
use crate::tasks::{Effect, End};

/// What will happen to a node, and when by itself; None: when the test says so.
pub(crate) struct NodeChange {
    pub node: String,
    pub to: Next,
    pub due: Option<Instant>,
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Next {
    /// Its HA guests are moved away first; it waits for those that cannot be.
    Emptied {
        restarts: bool,
    },
    /// Down, and up again.
    Restart,
    Down,
    Up,
    /// Its HA guests are taken over by others.
    TakenOver,
    /// Down for so long that its last figures are forgotten.
    Unseen,
}

/// The other nodes remember a node's figures for that long.
const REMEMBERED: Duration = Duration::from_secs(300);

/// On the automatic clock a node needs three tasks' time for each step.
pub(crate) fn plan(state: &mut State, node: &str, to: Next) {
    let due = match (state.clock, to) {
        (_, Next::Unseen) => Some(Instant::now() + REMEMBERED),
        (Clock::Manual, _) => None,
        (Clock::Auto { .. }, Next::TakenOver) => Some(Instant::now() + state.ha_delay),
        (Clock::Auto { task }, Next::Emptied { .. } | Next::Restart | Next::Down) => {
            Some(Instant::now() + task)
        }
        (Clock::Auto { task }, Next::Up) => Some(Instant::now() + task * 3),
    };
    state.node_due.push(NodeChange {
        node: node.into(),
        to,
        due,
    });
}

pub(crate) fn settle(state: &mut State, now: Instant) {
    while let Some(at) = state
        .node_due
        .iter()
        .position(|change| change.due.is_some_and(|due| due <= now))
    {
        let change = state.node_due.remove(at);
        apply(state, &change.node, change.to);
    }
}

/// What waits for the test's word. True when something did.
pub(crate) fn step(state: &mut State, node: &str) -> bool {
    let waits = |change: &NodeChange| change.node == node && change.to != Next::Unseen;
    let Some(at) = state.node_due.iter().position(waits) else {
        return false;
    };
    let change = state.node_due.remove(at);
    apply(state, &change.node, change.to);
    true
}

fn apply(state: &mut State, node: &str, to: Next) {
    match to {
        Next::Emptied { restarts } => {
            let next = if restarts { Next::Restart } else { Next::Down };
            let empty = ha::empty(state, node);
            plan(state, node, if empty { next } else { to });
        }
        Next::Restart => {
            down(state, node, ha::leave(state, true));
            plan(state, node, Next::Up);
        }
        Next::Down => {
            down(state, node, ha::leave(state, false));
            plan(state, node, Next::TakenOver);
        }
        Next::Up => up(state, node),
        Next::TakenOver => ha::take_over(state, node),
        Next::Unseen => {
            if let Some(node) = state.nodes.iter_mut().find(|it| it.name == node) {
                node.stale = false;
            }
        }
    }
}

/// Every guest is shut down, every task ends, and the node is gone.
pub(crate) fn down(state: &mut State, name: &str, leave: Leave) {
    let here: Vec<u32> = state
        .guests
        .values()
        .filter(|guest| guest.node == name && guest.is_up())
        .map(|guest| guest.vmid)
        .collect();
    for vmid in here {
        let Some(guest) = state.guests.get(&vmid) else {
            continue;
        };
        let kind = guest.kind.task("shutdown");
        let upid = state.begin(name, "root@pam", &kind, Effect::Shutdown(vmid), End::Told);
        state.end_task(&upid, "OK", true);
    }
    if leave == Leave::Freeze {
        ha::freeze(state, name);
    }
    state.jobs.retain(|job| !job.is_on(name));
    let running: Vec<String> = state
        .tasks
        .iter()
        .filter(|task| task.node == name && task.running())
        .map(|task| task.upid.clone())
        .collect();
    for upid in running {
        state.end_task(&upid, "unexpected status", false);
    }
    if let Some(node) = state.nodes.iter_mut().find(|node| node.name == name) {
        node.online = false;
        node.stale = true;
    }
    plan(state, name, Next::Unseen);
}

/// Back. What HA keeps running, it starts; nothing else starts by itself in the fake.
pub(crate) fn up(state: &mut State, name: &str) {
    state.node_due.retain(|change| change.node != name);
    if let Some(node) = state.nodes.iter_mut().find(|node| node.name == name) {
        node.online = true;
        node.stale = false;
        node.since = std::time::SystemTime::now();
    }
    ha::back(state, name);
}
