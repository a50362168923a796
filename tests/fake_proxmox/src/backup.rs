//! The `vzdump` task: one guest after the other, each locked while its turn lasts.
//!
//! On the automatic clock each guest takes as long as any task; on the manual one its turn ends when
//! the test says so. What must fail fails at once on either.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use crate::access::{Caller, may};
use crate::answer::Refusal;
use crate::backup_log as say;
use crate::backup_log::SPEED;
use crate::faults::{self, FaultKind};
use crate::guest::{Guest, Kind};
use crate::retention;
use crate::setup::Clock;
use crate::state::State;
use crate::storage::{Backup, Storage, volume};
use crate::tasks::{self, Effect, End};
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
    order: Order,
    todo: VecDeque<u32>,
    turn: Option<Turn>,
    failed: bool,
    /// Another job of the node has to end first.
    waiting: bool,
}

impl Job {
    pub fn is_on(&self, node: &str) -> bool {
        self.order.node == node
    }
}

/// A guest that is being backed up.
struct Turn {
    vmid: u32,
    kind: Kind,
    began: Instant,
    at: u64,
    /// How it was before: a VM that was off runs, without its system, for as long as this takes.
    before: String,
    /// The last percentage that the log has.
    percent: u64,
    total: u64,
    archive: u64,
    volid: String,
}

pub(crate) fn begin(state: &mut State, order: Order) -> String {
    let id = match order.guests.as_slice() {
        [one] => one.to_string(),
        _ => String::new(),
    };
    let (node, user) = (order.node.clone(), order.caller.id.clone());
    let upid = state.begin_as(&node, &user, "vzdump", &id, Effect::Other, End::Told);
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

fn guest_failed(state: &mut State, at: usize, vmid: u32, text: &str) {
    state.jobs[at].failed = true;
    let upid = state.jobs[at].upid.clone();
    state.log(
        &upid,
        &format!("ERROR: Backup of VM {vmid} failed - {text}"),
    );
    let now = text::date_time(text::epoch());
    state.log(&upid, &format!("INFO: Failed at {now}"));
}

fn start_turn(state: &mut State, at: usize, vmid: u32, now: Instant) -> Result<(), String> {
    let order = &state.jobs[at].order;
    let upid = state.jobs[at].upid.clone();
    let guest = state.guests.get(&vmid).cloned();
    let guest = guest.ok_or_else(|| format!("unable to find VM '{vmid}'"))?;
    if order.mode == "stop" && guest.is_ha() && guest.ha.as_deref() == Some("started") {
        return Err(
            "Cannot execute a backup with stop mode on a HA managed and enabled Service. \
             Use snapshot mode or disable the Service."
                .into(),
        );
    }
    within_limits(state, order, &guest)?;
    let when = text::epoch();
    let storage = storage(state, order);
    let name = volume(storage, guest.kind, vmid, when, order.packing);
    let target = if storage.is_pbs() {
        name.clone()
    } else {
        format!("{}/dump/{name}", storage.folder())
    };
    let volid = format!("{}:backup/{name}", storage.name);
    let begin = say::begin(&guest, when);
    for line in begin {
        state.log(&upid, &line);
    }
    if let Some(lock) = &guest.lock {
        return Err(format!("{} is locked ({lock})", guest.kind.label()));
    }
    if !state.quorate {
        let folder = if guest.kind == Kind::Vm {
            "qemu-server"
        } else {
            "lxc"
        };
        return Err(format!(
            "unable to open file '/etc/pve/nodes/{}/{folder}/{vmid}.conf.tmp.{}' - Permission denied",
            guest.node,
            40_000 + vmid
        ));
    }
    let order = &state.jobs[at].order;
    let mode = if guest.is_up() {
        order.mode.clone()
    } else {
        "stop".into()
    };
    let pbs = storage_of(state, &order.storage).is_some_and(Storage::is_pbs);
    let disk = state.disk(&guest);
    for line in say::prepared(&guest, &mode, &disk, &target, pbs, state.since(9, 0)) {
        state.log(&upid, &line);
    }
    enter(state, &guest, &mode);
    state.jobs[at].turn = Some(Turn {
        vmid,
        kind: guest.kind,
        began: now,
        at: when,
        before: guest.state.clone(),
        percent: 0,
        total: guest.maxdisk,
        archive: archive(&guest, pbs, state.jobs[at].order.packing),
        volid,
    });
    Ok(())
}

/// A full VM image on a server counts as what it would be unpacked; files as what they are.
fn archive(guest: &Guest, pbs: bool, packing: &str) -> u64 {
    match (guest.kind, pbs, packing) {
        (Kind::Vm, true, _) => guest.maxdisk,
        (_, _, "") => guest.maxdisk / 5 * 2,
        _ => guest.maxdisk / 20 * 3 + (u64::from(guest.vmid % 17) << 20),
    }
}

fn within_limits(state: &State, order: &Order, guest: &Guest) -> Result<(), String> {
    let storage = storage(state, order);
    let limit = retention::sum(&order.limit);
    let here = storage
        .backups
        .iter()
        .filter(|it| it.vmid == guest.vmid && it.kind == guest.kind);
    let open = here
        .filter(|it| !it.protected && it.is_on(storage, &order.node))
        .count();
    if limit > 0 && order.keep.contains("keep-all") && !order.protected && open >= limit {
        return Err(format!(
            "There is a max backup limit of {limit} enforced by the target storage or the vzdump \
             parameters. Either increase the limit or delete old backups."
        ));
    }
    Ok(())
}

fn storage_of<'a>(state: &'a State, name: &str) -> Option<&'a Storage> {
    state.storages.iter().find(|it| it.name == name)
}

/// It was there when the task began, and storages do not go away in the fake.
fn storage<'a>(state: &'a State, order: &Order) -> &'a Storage {
    storage_of(state, &order.storage).unwrap_or(&state.storages[0])
}

/// Locked. A VM that was off is started, without its system; one to be stopped starts anew, and runs
/// on as soon as the copying began; a container stays down until the end.
fn enter(state: &mut State, guest: &Guest, mode: &str) {
    let Some(guest) = state.guests.get_mut(&guest.vmid) else {
        return;
    };
    guest.lock = Some("backup".into());
    match (guest.kind, mode, guest.is_up()) {
        (Kind::Vm, _, false) => {
            guest.start();
            guest.state = "prelaunch".into();
        }
        (Kind::Vm, "stop", true) if !guest.is_paused() => guest.start(),
        (Kind::Ct, "stop", true) => guest.stop(),
        _ => {}
    }
}

/// As it was. A VM that somebody let go on in the meantime stays on.
fn leave(state: &mut State, turn: &Turn) -> bool {
    let Some(guest) = state.guests.get_mut(&turn.vmid) else {
        return false;
    };
    guest.lock.take_if(|lock| lock == "backup");
    match turn.kind {
        Kind::Vm if turn.before == "stopped" && guest.state == "prelaunch" => guest.stop(),
        Kind::Ct if turn.before != "stopped" && !guest.is_up() => {
            guest.start();
            return true;
        }
        _ => {}
    }
    false
}

/// True when the turn is over.
fn continue_turn(state: &mut State, at: usize, now: Instant) -> bool {
    let Some(done) = progress(state, at, now) else {
        return false;
    };
    go_to(state, at, done);
    if let Some(text) = overflow(state, at) {
        fail_turn(state, at, &text);
        return true;
    }
    if done < 100 {
        return false;
    }
    end_turn(state, at);
    true
}

/// How far it is by the clock, in percent; None: nothing moves by itself.
fn progress(state: &State, at: usize, now: Instant) -> Option<u64> {
    let job = &state.jobs[at];
    let faults = &job.order.faults;
    if faults.contains(&FaultKind::TaskNeverEnds) {
        return None;
    }
    let usual = match state.clock {
        Clock::Auto { task } => Some(task),
        Clock::Manual => None,
    };
    let takes = faults::slow_task(faults).or(usual)?;
    let turn = job.turn.as_ref()?;
    let gone = now.saturating_duration_since(turn.began);
    Some(percent(gone, takes))
}

#[allow(clippy::cast_possible_truncation)]
fn percent(gone: Duration, takes: Duration) -> u64 {
    if gone >= takes {
        return 100;
    }
    (gone.as_millis() * 100 / takes.as_millis().max(1)) as u64
}

/// Writes the lines that are due until then. Containers are packed without a word.
fn go_to(state: &mut State, at: usize, percent: u64) {
    const STEP: u64 = 4;
    while let Some(turn) = &state.jobs[at].turn {
        let next = (turn.percent / STEP + 1) * STEP;
        if next > percent {
            return;
        }
        log_percent(state, at, next);
    }
}

fn log_percent(state: &mut State, at: usize, percent: u64) {
    let upid = state.jobs[at].upid.clone();
    let Some(turn) = &mut state.jobs[at].turn else {
        return;
    };
    let line = say::progress(turn.total, turn.percent, percent);
    turn.percent = percent;
    if turn.kind == Kind::Vm {
        state.log(&upid, &line);
    }
}

/// There is no more room for what was written so far.
fn overflow(state: &State, at: usize) -> Option<String> {
    let job = &state.jobs[at];
    let turn = job.turn.as_ref()?;
    let storage = storage(state, &job.order);
    let written = turn.archive / 100 * turn.percent;
    if written <= storage.free() {
        return None;
    }
    Some(say::no_space(turn.kind, storage.is_pbs(), &turn.volid))
}

/// The guest's backup failed; the job goes on with the next.
pub(crate) fn fail_turn(state: &mut State, at: usize, text: &str) {
    let Some(turn) = state.jobs[at].turn.take() else {
        return;
    };
    let upid = state.jobs[at].upid.clone();
    if turn.kind == Kind::Vm {
        state.log(&upid, &format!("ERROR: {text}"));
        state.log(&upid, "INFO: aborting backup job");
        let again = if turn.before == "stopped" {
            "stopping kvm after backup task"
        } else {
            "resuming VM again"
        };
        state.log(&upid, &format!("INFO: {again}"));
    }
    if leave(state, &turn) {
        state.log(&upid, "INFO: restarting vm");
    }
    guest_failed(state, at, turn.vmid, text);
}

fn end_turn(state: &mut State, at: usize) {
    let Some(turn) = state.jobs[at].turn.take() else {
        return;
    };
    let upid = state.jobs[at].upid.clone();
    let kept_on = state.guests.get(&turn.vmid).filter(|guest| {
        turn.kind == Kind::Vm && turn.before == "stopped" && guest.state != "prelaunch"
    });
    let kept_on = kept_on.map(|guest| guest.state.clone());
    let order = &state.jobs[at].order;
    let pbs = storage(state, order).is_pbs();
    let name = state.guests.get(&turn.vmid).map(|guest| guest.name.clone());
    let notes = order.notes.as_ref().map(|template| {
        let cluster = if state.standalone {
            "standalone node"
        } else {
            &state.name
        };
        fill(
            template,
            cluster,
            &name.unwrap_or_default(),
            &order.node,
            turn.vmid,
        )
    });
    let mut lines = say::copied(turn.kind, turn.total, turn.archive, pbs);
    if turn.kind == Kind::Vm && turn.before == "stopped" {
        lines.push(match kept_on {
            Some(now) => format!("kvm status changed after backup ('{now}') - keep VM running"),
            None => "stopping kvm after backup task".into(),
        });
    }
    if notes.is_some() {
        lines.push("adding notes to backup".into());
    }
    if order.protected {
        lines.push("marking backup as protected".into());
    }
    let backup = Backup {
        volid: turn.volid.clone(),
        vmid: turn.vmid,
        kind: turn.kind,
        node: order.node.clone(),
        ctime: turn.at,
        size: turn.archive,
        notes,
        protected: order.protected,
        verification: None,
        encrypted: None,
    };
    let (storage, keep) = (order.storage.clone(), order.keep.clone());
    if let Some(storage) = state.storages.iter_mut().find(|it| it.name == storage) {
        storage.used += backup.size;
        let (kind, vmid, node) = (backup.kind, backup.vmid, backup.node.clone());
        storage.backups.push(backup);
        lines.extend(retention::prune(storage, kind, vmid, &node, &keep));
    }
    let restarted = leave(state, &turn);
    if restarted {
        lines.push("restarting vm".into());
        lines.push("guest is online again after <1 seconds".into());
    }
    let took = Duration::from_secs(turn.total / SPEED);
    lines.extend(say::end(turn.vmid, took, text::epoch()));
    for line in lines {
        state.log(&upid, &format!("INFO: {line}"));
    }
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

const VARIABLES: [&str; 4] = ["cluster", "guestname", "node", "vmid"];

/// What a template for notes may not contain.
pub(crate) fn check_template(template: &str) -> Result<(), String> {
    if template.contains('\n') {
        return Err("contains a line feed".into());
    }
    let mut wrong = Vec::new();
    let mut rest = template.char_indices();
    while let Some((at, c)) = rest.next() {
        if c == '\\'
            && let Some((_, next)) = rest.next()
            && next != 'n'
            && next != '\\'
        {
            wrong.push(format!("escape sequence '\\{next}' at char {at}"));
        }
    }
    for (at, _) in template.match_indices("{{") {
        let name = template[at + 2..]
            .split_once("}}")
            .map_or("", |(name, _)| name);
        let is_name = !name.is_empty() && !name.contains(['{', '}', ' ', '\t']);
        if is_name && !VARIABLES.contains(&name) {
            wrong.push(format!("variable '{name}' at char {}", at + 4));
        }
    }
    if wrong.is_empty() {
        Ok(())
    } else {
        Err(format!("found unknown: {}", wrong.join(", ")))
    }
}

fn fill(template: &str, cluster: &str, guest: &str, node: &str, vmid: u32) -> String {
    let vmid = vmid.to_string();
    let values = [cluster, guest, node, &vmid];
    let filled = VARIABLES.iter().zip(values);
    let filled = filled.fold(template.to_owned(), |text, (name, value)| {
        text.replace(&format!("{{{{{name}}}}}"), value)
    });
    filled
        .replace("\\\\", "\0")
        .replace("\\n", "\n")
        .replace('\0', "\\")
}
