//! What happens later without anybody asking: tasks that end, HA requests that are carried out.
//!
//! Nothing runs in the background. Whoever looks at the state first brings it up to date with
//! [`settle`], so a test sees the same order of events however slow the machine is.

use std::time::{Duration, Instant};

use crate::marked;
use crate::power;
use crate::setup::Clock;
use crate::state::State;
use crate::tasks::{self, Effect, End};
use crate::{backup, node_power};

/// How long Proxmox waits for a guest's configuration lock before a task fails.
const LOCK_WAIT: Duration = Duration::from_secs(10);

pub(crate) fn settle(state: &mut State) {
    settle_at(state, Instant::now());
}

fn settle_at(state: &mut State, now: Instant) {
    for index in 0..state.tasks.len() {
        halfway(state, index, now);
        let task = &state.tasks[index];
        let End::At(due, exit) = task.end.clone() else {
            continue;
        };
        if !task.running() || due > now {
            continue;
        }
        let upid = task.upid.clone();
        if blocked(state, index) {
            if now.duration_since(state.tasks[index].started) >= LOCK_WAIT {
                let text = power::lock_timeout(&state.tasks[index]);
                state.end_task(&upid, &text, false);
            }
            continue;
        }
        // The guest may have changed since the task began: judge it again.
        let task = &state.tasks[index];
        match power::doom(state, task.effect, &task.node.clone()) {
            Some(text) if tasks::is_success(&exit) => state.end_task(&upid, &text, false),
            _ => state.end_task(&upid, &exit, true),
        }
    }
    marked::settle(state, now);
    backup::settle(state, now);
    node_power::settle(state, now);
    let due: Vec<u32> = state
        .ha_due
        .iter()
        .filter(|(_, at)| **at <= now)
        .map(|(vmid, _)| *vmid)
        .collect();
    for vmid in due {
        power::ha_settle(state, vmid);
    }
}

/// Another task of the same guest began earlier, still runs, and so holds the lock.
fn blocked(state: &State, index: usize) -> bool {
    let task = &state.tasks[index];
    let Some(vmid) = task.effect.vmid() else {
        return false;
    };
    state.tasks[..index]
        .iter()
        .any(|earlier| earlier.running() && earlier.effect.vmid() == Some(vmid))
}

/// A rebooting guest is seen stopped in the second half of its task.
fn halfway(state: &mut State, index: usize, now: Instant) {
    let Clock::Auto { .. } = state.clock else {
        return;
    };
    let task = &state.tasks[index];
    let (Effect::Reboot(vmid), End::At(due, exit)) = (task.effect, &task.end) else {
        return;
    };
    let half = task.started + due.saturating_duration_since(task.started) / 2;
    let down = task.running() && tasks::is_success(exit) && half <= now && !blocked(state, index);
    if down && let Some(guest) = state.guests.get_mut(&vmid) {
        guest.state = "stopped".into();
    }
}
