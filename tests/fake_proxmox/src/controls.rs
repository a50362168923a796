//! What tests and the demo turn on a running cluster: rights, guests, tasks, faults, the record.

use std::time::{Duration, Instant, SystemTime};

use crate::agent::{Agent, Interface};
use crate::backup;
use crate::cluster::{Cluster, no_node};
use crate::faults::{self, Fault};
use crate::guest::Guest;
use crate::node::Node;
use crate::power;
use crate::record::Recorded;
use crate::setup::{Acl, Token};
use crate::snapshot::Snapshot;
use crate::storage::Storage;
use crate::tasks::{self, TaskView};
use crate::users::split;

impl Cluster {
    /// `id`: `user@realm!name`.
    pub fn add_token(&self, id: &str, secret: &str, privsep: bool) {
        self.lock().cfg.put_token(&Token {
            id: id.into(),
            secret: secret.into(),
            privsep,
        });
    }

    pub fn remove_token(&self, id: &str) {
        let mut state = self.lock();
        let (user, name) = split(id);
        let user = state.cfg.users.get_mut(user);
        // Its ACLs stay, for a token of the same name that comes later.
        user.and_then(|user| user.tokens.remove(name?));
    }

    /// `who`: a user or a token id. Privileges on the same path add up.
    pub fn acl(&self, path: &str, who: &str, privs: &[&str], propagate: bool) {
        let acl = Acl::new(path, who, privs, propagate);
        let mut state = self.lock();
        let version = state.version;
        state.cfg.grant(version, &acl);
    }

    pub fn clear_acls(&self, who: &str) {
        self.lock().cfg.forget(who);
    }

    /// A copy of the guest as it is now.
    pub fn guest(&self, vmid: u32) -> Option<Guest> {
        self.lock().guests.get(&vmid).cloned()
    }

    pub fn guests(&self) -> Vec<Guest> {
        self.lock().guests.values().cloned().collect()
    }

    /// A guest set from stopped to another state starts now. `change` must not ask the cluster.
    ///
    /// # Panics
    /// When there is no such guest.
    pub fn set_guest(&self, vmid: u32, change: impl FnOnce(&mut Guest)) {
        let mut state = self.lock();
        let Some(guest) = state.guests.get_mut(&vmid) else {
            panic!("no guest {vmid} in the fake cluster");
        };
        let before = guest.clone();
        change(guest);
        if !before.is_up() && guest.is_up() && guest.since == before.since {
            guest.since = SystemTime::now();
        }
        let pool = guest.pool.clone();
        state.cfg.add_pool(pool.as_deref());
    }

    /// A line of its configuration: `set_config(101, "memory", "2048")`. Status and lists follow.
    pub fn set_config(&self, vmid: u32, key: &str, value: &str) {
        self.set_guest(vmid, |guest| guest.set(key, value));
    }

    pub fn unset_config(&self, vmid: u32, key: &str) {
        self.set_guest(vmid, |guest| guest.unset(key));
    }

    /// As if it had just been taken; its parent is what the guest comes from now.
    pub fn add_snapshot(&self, vmid: u32, snapshot: Snapshot) {
        self.set_guest(vmid, |guest| guest.take(snapshot));
    }

    /// In the order they were taken.
    pub fn snapshots(&self, vmid: u32) -> Vec<Snapshot> {
        self.guest(vmid).map(|it| it.snapshots).unwrap_or_default()
    }

    /// Of its first interface; the others go.
    pub fn set_addresses(&self, vmid: u32, addresses: &[&str]) {
        self.set_guest(vmid, |guest| {
            guest.interfaces = vec![Interface::first(guest.kind, vmid, addresses)];
        });
    }

    /// Whether it is configured is `set_config(vmid, "agent", ...)`.
    pub fn set_agent(&self, vmid: u32, agent: Agent) {
        self.set_guest(vmid, |guest| guest.agent_state = agent);
    }

    pub fn ignore_shutdown(&self, vmid: u32, ignores: bool) {
        self.set_guest(vmid, |guest| guest.ignores_shutdown = ignores);
    }

    pub fn add_guest(&self, guest: Guest) {
        let mut state = self.lock();
        state.cfg.add_pool(guest.pool.as_deref());
        state.guests.insert(guest.vmid, guest);
    }

    pub fn remove_guest(&self, vmid: u32) {
        self.lock().guests.remove(&vmid);
    }

    /// `online = false` also refuses its connections. `change` must not ask the cluster.
    ///
    /// # Panics
    /// When there is no such node.
    pub fn set_node(&self, node: &str, change: impl FnOnce(&mut Node)) {
        let mut state = self.lock();
        let found = state.nodes.iter_mut().find(|n| n.name == node);
        change(found.unwrap_or_else(|| no_node(node)));
    }

    /// # Panics
    /// When there is no such storage.
    pub fn set_storage(&self, name: &str, change: impl FnOnce(&mut Storage)) {
        let mut state = self.lock();
        let found = state.storages.iter_mut().find(|s| s.name == name);
        change(found.unwrap_or_else(|| panic!("no storage {name} in the fake cluster")));
    }

    pub fn set_quorate(&self, quorate: bool) {
        self.lock().quorate = quorate;
    }

    /// Waits for a running task of that type on that guest.
    ///
    /// # Panics
    /// After ten seconds, with what happened so far. A task that ended at once does not run.
    pub async fn wait_task(&self, kind: &str, vmid: u32) -> String {
        let limit = Instant::now() + Duration::from_secs(10);
        loop {
            let news = self.shared.changed.notified();
            let id = vmid.to_string();
            let tasks = self.tasks();
            let hit = tasks
                .iter()
                .rev()
                .find(|t| t.kind == kind && t.id == id && t.exit.is_none());
            if let Some(task) = hit {
                return task.upid.clone();
            }
            let left = limit.saturating_duration_since(Instant::now());
            assert!(
                !left.is_zero(),
                "no running {kind} of {vmid} after 10 s\n{}",
                self.story()
            );
            // A short nap at most: the caller may have changed things by hand.
            let nap = left.min(Duration::from_millis(50));
            let _ = tokio::time::timeout(nap, news).await;
        }
    }

    /// Ends a running task: `OK`, `WARNINGS: 2`, `unexpected status`, `received interrupt` or an
    /// error text. A success changes the guest.
    ///
    /// # Panics
    /// When no such task runs.
    pub fn finish(&self, upid: &str, exit: &str) {
        self.end(upid, exit, true);
    }

    /// Says that the task ended so, but leaves the guest as it is.
    pub fn finish_without_effect(&self, upid: &str, exit: &str) {
        self.end(upid, exit, false);
    }

    /// # Panics
    /// When there is no such task.
    pub fn log_line(&self, upid: &str, line: &str) {
        let mut state = self.lock();
        let task = state.tasks.iter_mut().find(|task| task.upid == upid);
        let task = task.unwrap_or_else(|| panic!("no task {upid} in the fake cluster"));
        task.log.push(line.into());
    }

    /// Oldest first.
    pub fn tasks(&self) -> Vec<TaskView> {
        self.lock().tasks.iter().map(tasks::view).collect()
    }

    /// The HA stack carries out what is queued for the guest.
    pub fn ha_settle(&self, vmid: u32) {
        power::ha_settle(&mut self.lock(), vmid);
    }

    pub fn fault(&self, fault: Fault) {
        self.lock().faults.push(fault);
    }

    /// By a name of [`crate::fault_names`], until cleared; false when there is no such name.
    pub fn fault_by_name(&self, name: &str) -> bool {
        let mut state = self.lock();
        match name {
            "node-down" => {
                if let Some(last) = state.nodes.last_mut() {
                    last.online = false;
                    state.broken_node = true;
                }
            }
            "no-quorum" => {
                state.quorate = false;
                state.broken_quorum = true;
            }
            _ => match faults::by_name(name) {
                Some(fault) => state.faults.push(fault),
                None => return false,
            },
        }
        true
    }

    /// Ends one fault that was begun by name; false when it was not on.
    pub fn unfault_by_name(&self, name: &str) -> bool {
        let mut state = self.lock();
        match name {
            "node-down" => state.mend_node(),
            "no-quorum" => state.mend_quorum(),
            _ => {
                let before = state.faults.len();
                state
                    .faults
                    .retain(|fault| Some(fault) != faults::by_name(name).as_ref());
                state.faults.len() < before
            }
        }
    }

    /// Ends all faults, and mends what `fault_by_name` broke.
    pub fn clear_faults(&self) {
        self.lock().mend();
    }

    /// Oldest first.
    pub fn requests(&self) -> Vec<Recorded> {
        self.lock().requests.iter().cloned().collect()
    }

    /// Everything but GET.
    pub fn writes(&self) -> Vec<Recorded> {
        let mut requests = self.requests();
        requests.retain(|request| request.method != "GET");
        requests
    }

    pub fn forget_requests(&self) {
        self.lock().requests.clear();
    }

    fn end(&self, upid: &str, exit: &str, effective: bool) {
        let running = self
            .tasks()
            .iter()
            .any(|t| t.upid == upid && t.exit.is_none());
        assert!(running, "{upid} does not run\n{}", self.story());
        let mut state = self.lock();
        if backup::find(&state, upid).is_some() {
            backup::finish(&mut state, upid, exit, effective);
        } else {
            state.end_task(upid, exit, effective);
        }
    }

    /// What happened so far, for messages of tests that fail.
    fn story(&self) -> String {
        let mut lines = vec!["requests so far:".to_owned()];
        lines.extend(self.requests().iter().map(|r| {
            format!(
                "  {} {} {} -> {} {}",
                r.node, r.method, r.path, r.status, r.phrase
            )
        }));
        lines.push("tasks so far:".into());
        lines.extend(
            self.tasks()
                .iter()
                .map(|t| format!("  {} -> {}", t.upid, t.exit.as_deref().unwrap_or("running"))),
        );
        lines.join("\n")
    }
}
