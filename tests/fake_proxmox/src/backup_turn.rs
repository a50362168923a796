//! One guest's turn in a backup: locked, copied, let go; or why not.

use std::time::{Duration, Instant};

use crate::backup::{Order, guest_failed};
use crate::backup_log as say;
use crate::backup_log::SPEED;
use crate::faults::{self, FaultKind};
use crate::guest::{Guest, Kind};
use crate::notes;
use crate::retention;
use crate::setup::Clock;
use crate::state::State;
use crate::storage::{Backup, Storage, volume};
use crate::text;

/// A guest that is being backed up.
pub(crate) struct Turn {
    pub vmid: u32,
    kind: Kind,
    began: Instant,
    at: u64,
    /// How it was before: a VM that was off runs, without its system, for as long as this takes.
    before: String,
    /// The last percentage that the log has.
    pub percent: u64,
    total: u64,
    archive: u64,
    volid: String,
}

pub(crate) fn start_turn(
    state: &mut State,
    at: usize,
    vmid: u32,
    now: Instant,
) -> Result<(), String> {
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
pub(crate) fn leave(state: &mut State, turn: &Turn) -> bool {
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
pub(crate) fn continue_turn(state: &mut State, at: usize, now: Instant) -> bool {
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
pub(crate) fn go_to(state: &mut State, at: usize, percent: u64) {
    const STEP: u64 = 4;
    while let Some(turn) = &state.jobs[at].turn {
        let next = (turn.percent / STEP + 1) * STEP;
        if next > percent {
            return;
        }
        log_percent(state, at, next);
    }
}

pub(crate) fn log_percent(state: &mut State, at: usize, percent: u64) {
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
pub(crate) fn overflow(state: &State, at: usize) -> Option<String> {
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

pub(crate) fn end_turn(state: &mut State, at: usize) {
    let Some(turn) = state.jobs[at].turn.take() else {
        return;
    };
    let upid = state.jobs[at].upid.clone();
    let pbs = storage(state, &state.jobs[at].order).is_pbs();
    let mut lines = say::copied(turn.kind, turn.total, turn.archive, pbs);
    if turn.kind == Kind::Vm && turn.before == "stopped" {
        let now = state
            .guests
            .get(&turn.vmid)
            .map(|guest| guest.state.clone());
        lines.push(match now.filter(|now| now != "prelaunch") {
            Some(now) => format!("kvm status changed after backup ('{now}') - keep VM running"),
            None => "stopping kvm after backup task".into(),
        });
    }
    lines.extend(lay_down(state, at, &turn));
    if leave(state, &turn) {
        lines.push("restarting vm".into());
        lines.push("guest is online again after <1 seconds".into());
    }
    let took = Duration::from_secs(turn.total / SPEED);
    lines.extend(say::end(turn.vmid, took, text::epoch()));
    for line in lines {
        state.log(&upid, &format!("INFO: {line}"));
    }
}

/// The backup is whole: it gets its notes, and older ones go.
fn lay_down(state: &mut State, at: usize, turn: &Turn) -> Vec<String> {
    let order = &state.jobs[at].order;
    let notes = notes_of(state, order, turn.vmid);
    let mut lines = Vec::new();
    if notes.is_some() {
        lines.push("adding notes to backup".into());
    }
    if order.protected {
        lines.push("marking backup as protected".into());
    }
    let (kind, vmid, node) = (turn.kind, turn.vmid, order.node.clone());
    let backup = Backup {
        volid: turn.volid.clone(),
        vmid,
        kind,
        node: node.clone(),
        ctime: turn.at,
        size: turn.archive,
        notes,
        protected: order.protected,
        verification: None,
        encrypted: None,
    };
    let (name, keep) = (order.storage.clone(), order.keep.clone());
    if let Some(storage) = state.storages.iter_mut().find(|it| it.name == name) {
        storage.used += backup.size;
        storage.backups.push(backup);
        lines.extend(retention::prune(storage, kind, vmid, &node, &keep));
    }
    lines
}

fn notes_of(state: &State, order: &Order, vmid: u32) -> Option<String> {
    let template = order
        .notes
        .as_deref()
        .filter(|template| !template.is_empty())?;
    let guest = state.guests.get(&vmid).map_or("", |guest| &guest.name);
    let cluster = if state.standalone {
        "standalone node"
    } else {
        &state.name
    };
    Some(notes::fill(template, cluster, guest, &order.node, vmid))
}
