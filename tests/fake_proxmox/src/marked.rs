//! Tasks that mark their guest with a lock in its configuration while they run: snapshots, and
//! suspending to disk.
//!
//! The configuration file is locked only for a moment at their beginning, so that what is asked
//! meanwhile fails at once: `VM is locked (snapshot)`. A task that is killed leaves its mark.

use std::time::{Duration, Instant};

use crate::access::Caller;
use crate::faults::{self, FaultKind};
use crate::guest::{Guest, Kind};
use crate::power::{self, Ask};
use crate::snapshot::Snapshot;
use crate::state::State;
use crate::tasks::{self, Effect, End};
use crate::text;

#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Work {
    Take { ram: bool, description: String },
    Delete,
    Rollback { start: bool },
    Hibernate,
}

impl Work {
    fn verb(&self) -> &'static str {
        match self {
            Work::Take { .. } => "snapshot",
            Work::Delete => "delsnapshot",
            Work::Rollback { .. } => "rollback",
            Work::Hibernate => "suspend",
        }
    }

    fn lock(&self) -> &'static str {
        match self {
            Work::Take { .. } => "snapshot",
            Work::Delete => "snapshot-delete",
            Work::Rollback { .. } => "rollback",
            Work::Hibernate => "suspending",
        }
    }
}

#[derive(Clone, Debug)]
pub(crate) struct Job {
    upid: String,
    node: String,
    kind: Kind,
    vmid: u32,
    caller: Caller,
    pub work: Work,
    /// Of the snapshot.
    name: String,
    faults: Vec<FaultKind>,
    /// The guest carries the mark.
    begun: bool,
}

/// How long Proxmox waits for the configuration file.
const FILE_WAIT: Duration = Duration::from_secs(10);

pub(crate) fn begin(state: &mut State, ask: &Ask, work: Work, name: &str) -> String {
    let kind = ask.kind.task(work.verb());
    let effect = Effect::Marked(ask.vmid);
    let upid = state.begin(ask.node, &ask.caller.id, &kind, effect, End::Told);
    state.marking.push(Job {
        upid: upid.clone(),
        node: ask.node.into(),
        kind: ask.kind,
        vmid: ask.vmid,
        caller: ask.caller.clone(),
        work,
        name: name.into(),
        faults: ask.faults.clone(),
        begun: false,
    });
    go_on(state, &upid);
    upid
}

/// Begins what waited for the configuration file of its guest, or gives it up.
pub(crate) fn settle(state: &mut State, now: Instant) {
    let waiting = state.marking.iter().filter(|job| !job.begun);
    let waiting: Vec<String> = waiting.map(|job| job.upid.clone()).collect();
    for upid in waiting {
        go_on(state, &upid);
        let Some(job) = job(state, &upid).filter(|job| !job.begun) else {
            continue;
        };
        let task = state.tasks.iter().find(|task| task.upid == upid);
        if task.is_some_and(|task| now.duration_since(task.started) >= FILE_WAIT) {
            let text = power::lock_text(job.kind, job.vmid);
            state.end_task(&upid, &text, false);
        }
    }
}

fn job(state: &State, upid: &str) -> Option<Job> {
    state.marking.iter().find(|job| job.upid == upid).cloned()
}

fn go_on(state: &mut State, upid: &str) {
    let Some(job) = job(state, upid) else {
        return;
    };
    // These two are seen before the file is locked.
    if let Some(text) = early(state, &job) {
        state.end_task(upid, &text, false);
        return;
    }
    let holds = |task: &tasks::Task| task.running() && task.effect.vmid() == Some(job.vmid);
    if state.tasks.iter().any(holds) {
        return;
    }
    if let Err(text) = prepare(state, &job) {
        state.end_task(upid, &text, false);
        return;
    }
    if let Some(job) = state.marking.iter_mut().find(|job| job.upid == upid) {
        job.begun = true;
    }
    if job.faults.contains(&FaultKind::TaskNeverEnds) {
        return;
    }
    if let Some(text) = faults::task_failure(&job.faults) {
        state.end_task(upid, &text, true);
        return;
    }
    let end = power::usual_end(state, &job.faults);
    if let Some(task) = state.tasks.iter_mut().find(|task| task.upid == upid) {
        task.end = end;
    }
}

fn early(state: &State, job: &Job) -> Option<String> {
    let Some(guest) = guest(state, job) else {
        return Some(Guest::no_config(job.kind, &job.node, job.vmid));
    };
    match job.work {
        Work::Delete if guest.snapshot_named(&job.name).is_none() => Some(unknown(&job.name)),
        _ => None,
    }
}

fn unknown(name: &str) -> String {
    format!("snapshot '{name}' does not exist")
}

fn guest<'a>(state: &'a State, job: &Job) -> Option<&'a Guest> {
    state.guest_on(&job.node, job.kind, job.vmid)
}

/// Checks what the real one checks, in its order, and marks the guest.
fn prepare(state: &mut State, job: &Job) -> Result<(), String> {
    let Some(guest) = guest(state, job) else {
        return Err(Guest::no_config(job.kind, &job.node, job.vmid));
    };
    if guest.config_busy {
        return Err(power::lock_text(job.kind, job.vmid));
    }
    match &job.work {
        Work::Take { .. } => may_take(state, guest, &job.name)?,
        Work::Delete => {
            online(state, guest)?;
            unlocked(guest)?;
        }
        Work::Rollback { .. } => may_roll_back(state, guest, &job.name)?,
        Work::Hibernate => match guest.lock.as_deref() {
            Some("backup") => return Err("cannot suspend to disk during backup".into()),
            _ => unlocked(guest)?,
        },
    }
    if !state.quorate {
        // The file system of the cluster has become read-only.
        return Err(unwritable(state, job));
    }
    let log = lines(guest, job);
    if let Some(guest) = state.guests.get_mut(&job.vmid) {
        mark(guest, job);
    }
    if let Some(task) = state.tasks.iter_mut().find(|task| task.upid == job.upid) {
        task.log.extend(log);
    }
    let template = state.guests.get(&job.vmid).is_some_and(|it| it.template);
    if job.work == Work::Delete && template {
        // Seen only after the guest is marked, and the mark stays.
        return Err("you can't delete a snapshot if vm is a template".into());
    }
    Ok(())
}

fn unlocked(guest: &Guest) -> Result<(), String> {
    match &guest.lock {
        Some(lock) => Err(format!("{} is locked ({lock})", guest.kind.label())),
        None => Ok(()),
    }
}

fn may_take(state: &State, guest: &Guest, name: &str) -> Result<(), String> {
    if guest.template {
        return Err("you can't take a snapshot if it's a template".into());
    }
    unlocked(guest)?;
    if guest.snapshot_named(name).is_some() {
        return Err(format!("snapshot name '{name}' already used"));
    }
    for (_, volume) in guest.volumes() {
        if !can_snapshot(state, volume)? {
            return Err("snapshot feature is not available".into());
        }
    }
    online(state, guest)
}

/// All storages with disks of the guest can be reached.
fn online(state: &State, guest: &Guest) -> Result<(), String> {
    let uses = |name: &str| {
        let mut volumes = guest.volumes().into_iter();
        volumes.any(|(_, volume)| volume.split(':').next() == Some(name))
    };
    let mut away = state.storages.iter().filter(|it| !it.available);
    match away.find(|storage| uses(&storage.name)) {
        Some(storage) => Err(format!("storage '{}' is not online", storage.name)),
        None => Ok(()),
    }
}

/// `local-lvm:vm-101-disk-0,size=8G`: by the type of its storage, for some by the disk's format.
fn can_snapshot(state: &State, volume: &str) -> Result<bool, String> {
    let volume = volume.split(',').next().unwrap_or_default();
    let Some((name, disk)) = volume.split_once(':').filter(|_| !volume.starts_with('/')) else {
        // A folder or a device of the host.
        return Ok(false);
    };
    let storage = state.storages.iter().find(|it| it.name == name);
    let storage = storage.ok_or_else(|| format!("storage '{name}' does not exist"))?;
    Ok(match storage.plugin.as_str() {
        "lvmthin" | "zfspool" | "zfs" | "rbd" | "btrfs" => true,
        _ => disk.ends_with(".qcow2"),
    })
}

fn may_roll_back(state: &State, guest: &Guest, name: &str) -> Result<(), String> {
    if guest.template {
        return Err("you can't rollback if vm is a template".into());
    }
    let snapshot = guest.snapshot_named(name).ok_or_else(|| unknown(name))?;
    online(state, guest)?;
    for (_, volume) in guest.volumes() {
        let volume = volume.split(',').next().unwrap_or_default();
        let storage = volume.split(':').next().unwrap_or_default();
        let newest_only = |it: &crate::storage::Storage| {
            it.name == storage && (it.plugin == "zfspool" || it.chain)
        };
        let newer = guest.snapshots.last().is_some_and(|it| it.name != name);
        if newer && state.storages.iter().any(newest_only) {
            return Err(format!(
                "can't rollback, '{name}' is not most recent snapshot on '{volume}'"
            ));
        }
    }
    if let Some(unfinished) = &snapshot.snapstate {
        return Err(format!(
            "unable to rollback to incomplete snapshot (snapstate = {unfinished})"
        ));
    }
    unlocked(guest)
}

fn unwritable(state: &State, job: &Job) -> String {
    let folder = match job.kind {
        Kind::Vm => "qemu-server",
        Kind::Ct => "lxc",
    };
    let task = state.tasks.iter().find(|task| task.upid == job.upid);
    let (node, vmid, pid) = (&job.node, job.vmid, task.map_or(0, |task| task.pid));
    format!(
        "unable to open file '/etc/pve/nodes/{node}/{folder}/{vmid}.conf.tmp.{pid}' - \
         Permission denied"
    )
}

fn mark(guest: &mut Guest, job: &Job) {
    match &job.work {
        Work::Take { ram, description } => {
            // Left over from a snapshot of that name that is gone.
            for other in &mut guest.snapshots {
                other.parent.take_if(|parent| *parent == job.name);
            }
            guest.snapshots.push(Snapshot {
                parent: guest.parent.clone(),
                time: text::epoch(),
                vmstate: *ram && guest.is_up() && guest.kind == Kind::Vm,
                snapstate: Some("prepare".into()),
                saved: guest.saved(),
                ..Snapshot::new(&job.name).described(description)
            });
        }
        Work::Delete => {
            if let Some(snapshot) = guest.snapshot_mut(&job.name) {
                snapshot.snapstate = Some("delete".into());
            }
        }
        // As if its plug were pulled.
        Work::Rollback { .. } => guest.stop(),
        Work::Hibernate => {}
    }
    guest.lock = Some(job.work.lock().into());
}

/// What the task says at its beginning.
fn lines(guest: &Guest, job: &Job) -> Vec<String> {
    let vm = guest.kind == Kind::Vm;
    let disks = guest.volumes();
    match &job.work {
        Work::Take { ram, .. } if vm => {
            let saving = "saving VM state and RAM using storage 'local-lvm'".to_owned();
            let ram = (*ram && guest.is_up()).then_some(saving);
            let disk = |(key, value): &(&str, &str)| {
                let volume = value.split(',').next().unwrap_or_default();
                format!("snapshotting 'drive-{key}' ({volume})")
            };
            ram.into_iter().chain(disks.iter().map(disk)).collect()
        }
        _ => Vec::new(),
    }
}

/// A task has ended; if it was one of these, its guest follows.
pub(crate) fn ended(state: &mut State, upid: &str, exit: &str, effective: bool) {
    let Some(at) = state.marking.iter().position(|job| job.upid == upid) else {
        return;
    };
    let job = state.marking.remove(at);
    if tasks::is_success(exit) {
        if effective && (job.begun || prepare(state, &job).is_ok()) {
            commit(state, &job);
        }
        return;
    }
    // Only a snapshot that was not finished is cleared away, and by the task itself.
    let alive = exit != "unexpected status";
    let undone = matches!(job.work, Work::Take { .. }) && job.begun && alive;
    if let Some(guest) = state.guests.get_mut(&job.vmid).filter(|_| undone) {
        guest.forget(&job.name);
        guest.lock = None;
    }
}

fn commit(state: &mut State, job: &Job) {
    let Some(guest) = state.guests.get_mut(&job.vmid) else {
        return;
    };
    guest.lock = None;
    match &job.work {
        Work::Take { .. } => {
            if let Some(snapshot) = guest.snapshot_mut(&job.name) {
                snapshot.snapstate = None;
                guest.parent = Some(job.name.clone());
            }
        }
        Work::Delete => guest.forget(&job.name),
        Work::Hibernate => {
            guest.stop();
            guest.lock = Some("suspended".into());
        }
        Work::Rollback { start } => roll_back(state, job, *start),
    }
}

/// Goes on where a saved memory was, else lies still unless a start was asked for.
fn roll_back(state: &mut State, job: &Job, start: bool) {
    let Some(guest) = state.guests.get_mut(&job.vmid) else {
        return;
    };
    let Some(snapshot) = guest.snapshot_named(&job.name).cloned() else {
        return;
    };
    guest.restore(&snapshot.saved);
    guest.parent = Some(job.name.clone());
    if snapshot.vmstate {
        guest.start();
    } else if start {
        // A task of its own, or a wish to the HA stack.
        let ask = Ask::new(&job.node, job.kind, job.vmid, &job.caller);
        let _ = power::start(state, &ask);
    } else {
        power::ha_misses(state, job.vmid);
    }
}
