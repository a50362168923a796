//! The `vzdump` task: one guest after the other, each locked while its turn lasts.
//!
//! On the automatic clock each guest takes as long as any task; on the manual one its turn ends when
//! the test says so. What must fail fails at once on either.

use std::collections::VecDeque;
use std::time::Instant;

use crate::access::{Caller, may};
use crate::answer::Refusal;
use crate::backup_turn::{
    Turn, continue_turn, end_turn, fail_turn, go_to, leave, log_percent, overflow, start_turn,
};
use crate::faults::{self, FaultKind};
use crate::state::State;
use crate::tasks::{self, Effect};
use crate::text;

/// What was asked for.
pub(crate) struct Order {
    pub node: String,
    pub caller: Caller,
    pub guests: Vec<u32>,
    /// Asked for, too, but on other nodes.
    pub elsewhere: Vec<u32>,
    /// Guests that the caller may not back up are passed over.
    pub all: bool,
    pub storage: String,
    pub mode: String,
    /// `.zst`
    pub packing: &'static str,
    pub notes: Option<String>,
    pub protected: bool,
    /// Which older backups stay.
    pub keep: String,
    /// More than that may not be there, if nothing is removed.
    pub limit: String,
    /// For another job on the node.
    pub wait: bool,
    pub command: String,
    pub faults: Vec<FaultKind>,
}

/// A task that runs.
pub(crate) struct Job {
    pub upid: String,
    pub order: Order,
    todo: VecDeque<u32>,
    pub turn: Option<Turn>,
    failed: bool,
    /// Another job of the node has to end first.
    waiting: bool,
}

impl Job {
    pub fn is_on(&self, node: &str) -> bool {
        self.order.node == node
    }
}

pub(crate) fn begin(state: &mut State, order: Order) -> String {
    let id = match order.guests.as_slice() {
        [one] => one.to_string(),
        _ => String::new(),
    };
    let (node, user) = (order.node.clone(), order.caller.id.clone());
    let upid = state.begin_as(&node, &user, "vzdump", &id, Effect::Other);
    if let Some(FaultKind::TaskFails(text)) = order.faults.first() {
        state.end_task(&upid, &text.clone(), false);
        return upid;
    }
    if let Err(text) = check_storage(state, &order) {
        state.end_task(&upid, &text, false);
        return upid;
    }
    let busy = state.jobs.iter().any(|job| job.order.node == node);
    if busy && !order.wait {
        let text = "ERROR: can't acquire lock '/var/run/vzdump.lock' (wait = 0)";
        state.log(&upid, text);
        // The process ends without a last word.
        state.end_task(&upid, "unexpected status", false);
        return upid;
    }
    if busy {
        state.log(&upid, "INFO: trying to get global lock - waiting...");
    }
    state.jobs.push(Job {
        upid: upid.clone(),
        todo: order.guests.iter().copied().collect(),
        order,
        turn: None,
        failed: false,
        waiting: busy,
    });
    if !busy {
        let at = state.jobs.len() - 1;
        open(state, at);
    }
    settle(state, Instant::now());
    upid
}

/// Both things that are wrong with a storage are said, in one line.
fn check_storage(state: &State, order: &Order) -> Result<(), String> {
    let name = &order.storage;
    let found = state.storages.iter().find(|it| it.name == *name);
    let Some(storage) = found else {
        let text = format!("storage '{name}' does not exist");
        return Err(format!(
            "could not activate storage '{name}': {text} \
             could not get storage information for '{name}': {text}"
        ));
    };
    let mut wrong = Vec::new();
    if let Err(text) = storage.activate(&order.node) {
        wrong.push(format!("could not activate storage '{name}': {text}"));
    }
    if !storage.holds("backup") {
        wrong.push(format!(
            "could not get storage information for '{name}': \
             can't use storage '{name}' for backups - wrong content type"
        ));
    }
    if wrong.is_empty() {
        Ok(())
    } else {
        Err(wrong.join(" "))
    }
}

/// The job has the node for itself. A guest that may not be backed up ends it before it began,
/// unless all were meant.
fn open(state: &mut State, at: usize) {
    let job = &state.jobs[at];
    let upid = job.upid.clone();
    let command = job.order.command.clone();
    state.log(&upid, &format!("INFO: starting new backup job: {command}"));
    let job = &state.jobs[at];
    if !job.order.elsewhere.is_empty() {
        let ids: Vec<String> = job
            .order
            .elsewhere
            .iter()
            .map(ToString::to_string)
            .collect();
        let text = format!("INFO: skip external VMs: {}", ids.join(", "));
        state.log(&upid, &text);
    }
    let job = &state.jobs[at];
    let denied = |vmid: &u32| {
        let path = format!("/vms/{vmid}");
        state.guests.contains_key(vmid) && !may(state, &job.order.caller, &path, "VM.Backup")
    };
    let lacking: Vec<u32> = job.todo.iter().copied().filter(denied).collect();
    if let (Some(vmid), false) = (lacking.first(), job.order.all) {
        let refusal = Refusal::forbidden(&format!("/vms/{vmid}"), "VM.Backup");
        close(state, at, &refusal.told());
        return;
    }
    state.jobs[at].todo.retain(|vmid| !lacking.contains(vmid));
}

/// The task is over, the job forgotten.
fn close(state: &mut State, at: usize, exit: &str) {
    let job = state.jobs.remove(at);
    state.end_task(&job.upid, exit, false);
}

/// Brings every job up to date.
pub(crate) fn settle(state: &mut State, now: Instant) {
    let mut at = 0;
    while at < state.jobs.len() {
        // One that ends leaves its place to the next.
        if !advance(state, at, now) {
            at += 1;
        }
    }
}

/// True when the job is over.
fn advance(state: &mut State, at: usize, now: Instant) -> bool {
    let jobs = state.jobs.len();
    if state.jobs[at].waiting {
        let node = &state.jobs[at].order.node;
        if state.jobs[..at].iter().any(|job| job.order.node == *node) {
            return false;
        }
        state.jobs[at].waiting = false;
        let upid = state.jobs[at].upid.clone();
        state.log(&upid, "INFO: got global lock");
        open(state, at);
    }
    while state.jobs.len() == jobs {
        if state.jobs[at].turn.is_none() && !next_turn(state, at, now) {
            finish_job(state, at, "OK");
            break;
        }
        if state.jobs[at].turn.is_some() && !continue_turn(state, at, now) {
            return false;
        }
    }
    true
}

/// Begins with the next guest that can be begun with; false: there is none left.
fn next_turn(state: &mut State, at: usize, now: Instant) -> bool {
    while let Some(vmid) = state.jobs[at].todo.pop_front() {
        match start_turn(state, at, vmid, now) {
            Ok(()) => {
                if state.jobs[at].order.faults.contains(&FaultKind::TaskDies) {
                    // Killed: nobody takes the guest's lock away.
                    close(state, at, "unexpected status");
                }
                return true;
            }
            Err(text) => guest_failed(state, at, vmid, &text),
        }
    }
    false
}

pub(crate) fn guest_failed(state: &mut State, at: usize, vmid: u32, text: &str) {
    state.jobs[at].failed = true;
    let upid = state.jobs[at].upid.clone();
    state.log(
        &upid,
        &format!("ERROR: Backup of VM {vmid} failed - {text}"),
    );
    let now = text::date_time(text::epoch());
    state.log(&upid, &format!("INFO: Failed at {now}"));
}

fn finish_job(state: &mut State, at: usize, exit: &str) {
    let job = &state.jobs[at];
    let warned = faults::task_warnings(&job.order.faults);
    let (upid, failed) = (job.upid.clone(), job.failed);
    let how = if failed {
        "with errors"
    } else {
        "successfully"
    };
    state.log(&upid, &format!("INFO: Backup job finished {how}"));
    let exit = if failed {
        "job errors".into()
    } else {
        warned.unwrap_or_else(|| exit.into())
    };
    close(state, at, &exit);
}

/// Where the job of a running backup is.
pub(crate) fn find(state: &State, upid: &str) -> Option<usize> {
    state.jobs.iter().position(|job| job.upid == upid)
}

/// Somebody stopped it: the guest is let go, and nothing is left on the storage.
pub(crate) fn interrupt(state: &mut State, upid: &str) {
    let Some(at) = find(state, upid) else {
        return;
    };
    let text = "interrupted by signal";
    fail_turn(state, at, text);
    state.log(upid, &format!("ERROR: Backup job failed - {text}"));
    close(state, at, text);
    settle(state, Instant::now());
}

pub(crate) fn stop_all(state: &mut State, node: &str) {
    let running = state
        .jobs
        .iter()
        .find(|job| job.order.node == node && !job.waiting);
    if let Some(upid) = running.map(|job| job.upid.clone()) {
        interrupt(state, &upid);
    }
}

/// The test says that it goes on: the log shows that much of the guest whose turn it is.
pub(crate) fn log_progress(state: &mut State, at: usize, percent: u64) {
    let percent = percent.min(99);
    go_to(state, at, percent);
    if state.jobs[at]
        .turn
        .as_ref()
        .is_some_and(|turn| turn.percent < percent)
    {
        log_percent(state, at, percent);
    }
    if let Some(text) = overflow(state, at) {
        fail_turn(state, at, &text);
        settle(state, Instant::now());
    }
}

/// The test says how it ends. What cannot succeed does not, whatever it says.
pub(crate) fn finish(state: &mut State, upid: &str, exit: &str, effective: bool) {
    let Some(at) = find(state, upid) else {
        return;
    };
    if !effective || !tasks::is_success(exit) {
        if exit != "unexpected status"
            && let Some(turn) = state.jobs[at].turn.take()
        {
            leave(state, &turn);
        }
        close(state, at, exit);
        settle(state, Instant::now());
        return;
    }
    loop {
        go_to(state, at, 100);
        match overflow(state, at) {
            Some(text) => fail_turn(state, at, &text),
            None => end_turn(state, at),
        }
        if !next_turn(state, at, Instant::now()) {
            break;
        }
    }
    finish_job(state, at, exit);
    settle(state, Instant::now());
}
