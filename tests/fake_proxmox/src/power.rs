//! Power actions: which errors come at once, which only in the task, and what a success changes.

use std::time::{Duration, Instant};

use crate::access::{self, Caller};
use crate::answer::Refusal;
use crate::faults::{self, FaultKind};
use crate::guest::{Guest, Kind};
use crate::hibernate;
use crate::marked::{self, Work};
use crate::setup::Clock;
use crate::state::State;
use crate::tasks::{Effect, End, Task};

/// A power request that passed login, permission and parameter checks.
pub(crate) struct Ask<'a> {
    pub node: &'a str,
    pub kind: Kind,
    pub vmid: u32,
    pub caller: &'a Caller,
    pub force_stop: bool,
    pub overrule_shutdown: bool,
    pub timeout: Option<u64>,
    pub to_disk: bool,
    pub state_storage: Option<&'a str>,
    pub faults: Vec<FaultKind>,
}

impl<'a> Ask<'a> {
    /// Without anything optional.
    pub fn new(node: &'a str, kind: Kind, vmid: u32, caller: &'a Caller) -> Ask<'a> {
        Ask {
            node,
            kind,
            vmid,
            caller,
            force_stop: false,
            overrule_shutdown: false,
            timeout: None,
            to_disk: false,
            state_storage: None,
            faults: Vec::new(),
        }
    }
}

type Upid = Result<String, Refusal>;

pub(crate) fn start(state: &mut State, ask: &Ask) -> Upid {
    let up = guest(state, ask).is_some_and(Guest::is_up);
    if up && ask.kind == Kind::Ct {
        return Err(Refusal::die(format!("CT {} already running", ask.vmid)));
    }
    if !state.quorate {
        return Err(Refusal::die("cluster not ready - no quorum?"));
    }
    if is_ha(state, ask) {
        return Ok(queue(state, ask, "hastart", "request_start"));
    }
    Ok(begin(state, ask, "start", Effect::Start(ask.vmid)))
}

pub(crate) fn stop(state: &mut State, ask: &Ask) -> Upid {
    container_must_run(state, ask)?;
    if is_ha(state, ask) {
        if ask.overrule_shutdown {
            return Err(Refusal::parameter(
                "overrule-shutdown",
                "Not applicable for HA resources.",
            ));
        }
        return Ok(queue(state, ask, "hastop", "request_stop"));
    }
    let overruled = if ask.overrule_shutdown {
        abort_shutdowns(state, ask)
    } else {
        Vec::new()
    };
    let upid = begin(state, ask, "stop", Effect::Stop(ask.vmid));
    let task = state.tasks.iter_mut().find(|task| task.upid == upid);
    if let Some(task) = task.filter(|_| !overruled.is_empty()) {
        let (kind, list) = (ask.kind.task("shutdown"), overruled.join(", "));
        task.log
            .insert(0, format!("overruled {kind} tasks: {list}"));
    }
    Ok(upid)
}

pub(crate) fn shutdown(state: &mut State, ask: &Ask) -> Upid {
    container_must_run(state, ask)?;
    let paused = guest(state, ask).is_some_and(|g| g.kind == Kind::Vm && g.is_paused());
    if paused && !ask.force_stop {
        return Err(Refusal::die("VM is paused - cannot shutdown"));
    }
    if is_ha(state, ask) {
        return Ok(queue(state, ask, "hastop", "request_stop"));
    }
    let effect = if paused {
        Effect::Stop(ask.vmid)
    } else {
        Effect::Shutdown(ask.vmid)
    };
    Ok(begin(state, ask, "shutdown", effect))
}

pub(crate) fn reboot(state: &mut State, ask: &Ask) -> Upid {
    if ask.kind == Kind::Ct && !guest(state, ask).is_some_and(Guest::is_up) {
        // The real one says VM here, too.
        return Err(Refusal::die(format!("VM {} not running", ask.vmid)));
    }
    must_run(state, ask)?;
    if guest(state, ask).is_some_and(|g| g.kind == Kind::Vm && g.is_paused()) {
        return Err(Refusal::die("VM is paused - cannot shutdown"));
    }
    Ok(begin(state, ask, "reboot", Effect::Reboot(ask.vmid)))
}

pub(crate) fn reset(state: &mut State, ask: &Ask) -> Upid {
    must_run(state, ask)?;
    Ok(begin(state, ask, "reset", Effect::Reset(ask.vmid)))
}

pub(crate) fn suspend(state: &mut State, ask: &Ask) -> Upid {
    must_run(state, ask)?;
    if ask.to_disk {
        hibernate::may(state, ask)?;
        return Ok(marked::begin(state, ask, Work::Hibernate, ""));
    }
    let verb = if ask.kind == Kind::Vm {
        "pause"
    } else {
        "suspend"
    };
    Ok(begin(state, ask, verb, Effect::Suspend(ask.vmid)))
}

pub(crate) fn resume(state: &mut State, ask: &Ask) -> Upid {
    let on_disk = guest(state, ask).is_some_and(|it| it.lock.as_deref() == Some("suspended"));
    match ask.kind {
        // Which is then a start.
        Kind::Vm if on_disk => {
            let effect = Effect::Start(ask.vmid);
            return Ok(begin(state, ask, "resume", effect));
        }
        Kind::Vm => must_run(state, ask)?,
        Kind::Ct if guest(state, ask).is_some_and(Guest::is_up) => {
            return Err(Refusal::die(format!("CT {} already running", ask.vmid)));
        }
        Kind::Ct => {}
    }
    Ok(begin(state, ask, "resume", Effect::Resume(ask.vmid)))
}

/// The HA stack carries out what was queued for a guest.
pub(crate) fn ha_settle(state: &mut State, vmid: u32) {
    state.ha_due.remove(&vmid);
    let Some(guest) = state.guests.get_mut(&vmid) else {
        return;
    };
    let (kind, node) = (guest.kind, guest.node.clone());
    let (verb, effect) = match guest.ha.as_deref() {
        Some("request_start") => ("start", Effect::Start(vmid)),
        Some("request_stop") => ("shutdown", Effect::Shutdown(vmid)),
        Some("started") if !guest.is_up() && guest.lock.is_none() => ("start", Effect::Start(vmid)),
        _ => return,
    };
    let reached = if verb == "start" {
        "started"
    } else {
        "stopped"
    };
    guest.ha = Some(reached.into());
    let upid = state.begin(&node, "root@pam", &kind.task(verb), effect, End::Told);
    state.end_task(&upid, "OK", true);
}

/// A guest that HA wants up was stopped by something else: it is started at the next round.
pub(crate) fn ha_misses(state: &mut State, vmid: u32) {
    let wanted = |guest: &Guest| guest.ha.as_deref() == Some("started") && !guest.is_up();
    if matches!(state.clock, Clock::Auto { .. }) && state.guests.get(&vmid).is_some_and(wanted) {
        let due = Instant::now() + state.ha_delay;
        state.ha_due.insert(vmid, due);
    }
}

/// Why a task must fail as things stand, in the real one's order; None: it can succeed.
pub(crate) fn doom(state: &State, effect: Effect, node: &str) -> Option<String> {
    let vmid = effect.vmid()?;
    let Some(guest) = state.guests.get(&vmid).filter(|guest| guest.node == node) else {
        return Some(format!(
            "unable to find configuration file for VM {vmid} on node '{node}'"
        ));
    };
    let label = guest.kind.label();
    if guest.config_busy {
        return Some(lock_text(guest.kind, vmid));
    }
    let starting = matches!(effect, Effect::Start(_));
    if starting && guest.template {
        // The real texts differ so.
        let what = if guest.kind == Kind::Vm { "vm" } else { "CT" };
        return Some(format!("you can't start a {what} if it's a template"));
    }
    let lock = guest.lock.as_deref();
    let vm = guest.kind == Kind::Vm;
    // A VM that runs for its backup is simply let go on.
    if starting && vm && guest.is_up() && lock == Some("backup") {
        return None;
    }
    if matches!(effect, Effect::Resume(_)) {
        match guest.kind {
            // Nothing looks at a container's lock here.
            Kind::Ct => return Some(no_checkpoint(vmid, "-r --foreground")),
            Kind::Vm if guest.template => {
                return Some(format!("VM {vmid} is a template and cannot be resumed!"));
            }
            // There is nothing to do, whatever the lock.
            Kind::Vm if guest.state == "running" => return None,
            Kind::Vm => {}
        }
    }
    let fits = match effect {
        // A start wakes what was suspended to disk.
        Effect::Start(_) if vm => lock == Some("suspended"),
        Effect::Suspend(_) | Effect::Resume(_) if vm => lock == Some("backup"),
        Effect::Start(_) | Effect::Stop(_) => !vm && lock == Some("mounted"),
        _ => false,
    };
    match lock {
        Some(lock) if !fits => Some(format!("{label} is locked ({lock})")),
        _ if starting && guest.is_up() => Some(format!("{label} {vmid} already running")),
        _ if !vm && matches!(effect, Effect::Suspend(_)) => Some(no_checkpoint(vmid, "-s")),
        _ => None,
    }
}

/// Containers are suspended with a tool that Proxmox VE does not bring along.
fn no_checkpoint(vmid: u32, how: &str) -> String {
    format!("command 'lxc-checkpoint -n {vmid} {how} -D /var/lib/vz/dump' failed: exit code 1")
}

/// The change a successful task leaves behind.
pub(crate) fn apply(state: &mut State, effect: Effect) {
    let Some(guest) = effect.vmid().and_then(|vmid| state.guests.get_mut(&vmid)) else {
        return;
    };
    match effect {
        // Let go on under its backup.
        Effect::Start(_) if guest.is_up() => guest.state = "running".into(),
        Effect::Start(_) => {
            guest.lock.take_if(|lock| lock == "suspended");
            guest.start();
        }
        Effect::Reboot(_) => guest.start(),
        Effect::Stop(_) | Effect::Shutdown(_) => guest.stop(),
        Effect::Suspend(_) => guest.state = "paused".into(),
        Effect::Resume(_) => guest.state = "running".into(),
        // The process stays, so does its uptime.
        Effect::Reset(_) | Effect::Queue(_) | Effect::Marked(_) | Effect::Other => {}
    }
}

/// A task that waited in vain for an earlier one of the same guest.
pub(crate) fn lock_timeout(task: &Task) -> String {
    let kind = if task.kind.starts_with("vz") {
        Kind::Ct
    } else {
        Kind::Vm
    };
    lock_text(kind, task.effect.vmid().unwrap_or(0))
}

pub(crate) fn lock_text(kind: Kind, vmid: u32) -> String {
    match kind {
        Kind::Vm => {
            format!("can't lock file '/var/lock/qemu-server/lock-{vmid}.conf' - got timeout")
        }
        Kind::Ct => {
            format!("can't lock file '/run/lock/lxc/pve-config-{vmid}.lock' - got timeout")
        }
    }
}

fn guest<'a>(state: &'a State, ask: &Ask) -> Option<&'a Guest> {
    state.guest_on(ask.node, ask.kind, ask.vmid)
}

pub(crate) fn is_ha(state: &State, ask: &Ask) -> bool {
    guest(state, ask).is_some_and(Guest::is_ha)
}

fn container_must_run(state: &State, ask: &Ask) -> Result<(), Refusal> {
    match ask.kind {
        Kind::Ct => must_run(state, ask),
        Kind::Vm => Ok(()),
    }
}

fn must_run(state: &State, ask: &Ask) -> Result<(), Refusal> {
    let text = match (guest(state, ask), ask.kind) {
        (Some(guest), _) if guest.is_up() => return Ok(()),
        (None, Kind::Vm) => format!(
            "unable to find configuration file for VM {} on node '{}'",
            ask.vmid, ask.node
        ),
        (_, kind) => format!("{} {} not running", kind.label(), ask.vmid),
    };
    Err(Refusal::die(text))
}

/// HA takes note of the wish; the task is over before anything has changed.
fn queue(state: &mut State, ask: &Ask, task: &str, ha: &str) -> String {
    let upid = state.begin(
        ask.node,
        &ask.caller.id,
        task,
        Effect::Queue(ask.vmid),
        End::Told,
    );
    if let Some(text) = faults::task_failure(&ask.faults) {
        state.end_task(&upid, &text, false);
        return upid;
    }
    if let Some(guest) = state.guests.get_mut(&ask.vmid) {
        guest.ha = Some(ha.into());
    }
    if let Clock::Auto { .. } = state.clock {
        let due = Instant::now() + state.ha_delay;
        state.ha_due.insert(ask.vmid, due);
    }
    state.end_task(&upid, "OK", true);
    upid
}

/// Those that the caller may abort: its own, or all with the privilege on the node.
fn abort_shutdowns(state: &mut State, ask: &Ask) -> Vec<String> {
    let path = format!("/nodes/{}", ask.node);
    let all = access::may(state, ask.caller, &path, "Sys.Modify");
    let shutdowns: Vec<String> = state
        .tasks
        .iter()
        .filter(|task| task.running() && task.kind.ends_with("shutdown"))
        .filter(|task| task.effect.vmid() == Some(ask.vmid) && task.node == ask.node)
        .filter(|task| all || ask.caller.owns(&task.user))
        .map(|task| task.upid.clone())
        .collect();
    for upid in &shutdowns {
        state.end_task(upid, "received interrupt", false);
    }
    shutdowns
}

fn begin(state: &mut State, ask: &Ask, verb: &str, effect: Effect) -> String {
    let kind = ask.kind.task(verb);
    let upid = state.begin(ask.node, &ask.caller.id, &kind, effect, End::Told);
    if ask.faults.contains(&FaultKind::TaskNeverEnds) {
        return upid;
    }
    if let Some(text) = faults::task_failure(&ask.faults) {
        state.end_task(&upid, &text, false);
        return upid;
    }
    let waits = state
        .tasks
        .iter()
        .any(|task| task.running() && task.upid != upid && task.effect.vmid() == Some(ask.vmid));
    if !waits {
        // There is nothing to stop, so nobody looks at the guest's lock.
        let idle = matches!(effect, Effect::Stop(_) | Effect::Shutdown(_))
            && guest(state, ask).is_some_and(|guest| !guest.is_up() && !guest.config_busy);
        if idle {
            state.end_task(&upid, "OK", false);
            return upid;
        }
        if let Some(text) = missing(state, ask, effect).or_else(|| doom(state, effect, ask.node)) {
            state.end_task(&upid, &text, false);
            return upid;
        }
    }
    let end = planned_end(state, ask, effect);
    if let Some(task) = state.tasks.last_mut() {
        task.end = end;
    }
    upid
}

/// Missing here, or a container asked for as a VM: starts and stops name it differently.
fn missing(state: &State, ask: &Ask, effect: Effect) -> Option<String> {
    if guest(state, ask).is_some() {
        return None;
    }
    Some(match effect {
        Effect::Start(_) => Guest::no_config(ask.kind, ask.node, ask.vmid),
        _ => format!(
            "unable to find configuration file for VM {} on node '{}'",
            ask.vmid, ask.node
        ),
    })
}

/// When and how a task ends that nothing prevents.
pub(crate) fn usual_end(state: &State, faults: &[FaultKind]) -> End {
    let usual = match state.clock {
        Clock::Auto { task } => Some(task),
        Clock::Manual => None,
    };
    let exit = faults::task_warnings(faults).unwrap_or_else(|| "OK".into());
    match faults::slow_task(faults).or(usual) {
        Some(after) => End::At(Instant::now() + after, exit),
        None => End::Told,
    }
}

fn planned_end(state: &State, ask: &Ask, effect: Effect) -> End {
    let unheard = matches!(effect, Effect::Shutdown(_) | Effect::Reboot(_))
        && guest(state, ask).is_some_and(|guest| guest.ignores_shutdown);
    match usual_end(state, &ask.faults) {
        End::At(_, exit) if unheard => {
            let own = guest(state, ask).filter(|guest| guest.kind == Kind::Vm);
            let timeout = ask.timeout.or_else(|| own.and_then(Guest::down_time));
            let after = Duration::from_secs(timeout.unwrap_or(60));
            let exit = match ask.kind {
                _ if ask.force_stop => exit,
                // A container that does not go down by itself is killed.
                Kind::Ct if matches!(effect, Effect::Reboot(_)) => exit,
                Kind::Ct => "container did not stop".into(),
                Kind::Vm => "VM quit/powerdown failed - got timeout".into(),
            };
            End::At(Instant::now() + after, exit)
        }
        end => end,
    }
}
