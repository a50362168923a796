//! What tests and the demo turn on a running cluster, beyond guests and tasks: storages and backups,
//! nodes' power, users.

use crate::access::Caller;
use crate::cluster::Cluster;
use crate::ha::{HaRule, Leave};
use crate::history::{self, Past};
use crate::node_power::{self, Next};
use crate::pveum;
use crate::storage::{self, Backup, File};
use crate::{backup, backup_turn};

impl Cluster {
    /// The volume's id.
    ///
    /// # Panics
    /// When there is no such storage, or it holds no backups.
    pub fn add_backup(&self, storage: &str, backup: Backup) -> String {
        storage::add(&mut self.lock(), storage, backup)
    }

    /// # Panics
    /// When there is no such storage, or it holds nothing of that kind.
    pub fn add_file(&self, storage: &str, file: File) {
        storage::add_file(&mut self.lock(), storage, file);
    }

    /// All on a storage, in the order they were made.
    pub fn backups(&self, storage: &str) -> Vec<Backup> {
        let state = self.lock();
        let found = state.storages.iter().find(|it| it.name == storage);
        found.map(|it| it.backups.clone()).unwrap_or_default()
    }

    /// Not reachable from any node, or reachable again.
    pub fn set_storage_available(&self, name: &str, available: bool) {
        self.set_storage(name, |storage| storage.available = available);
    }

    /// Bytes used and bytes there are.
    pub fn set_storage_size(&self, name: &str, used: u64, total: u64) {
        self.set_storage(name, |storage| {
            (storage.used, storage.total) = (used, total)
        });
    }

    /// A task of the past, or one that runs, of anybody; its UPID.
    pub fn add_task(&self, past: &Past) -> String {
        history::add(&mut self.lock(), past)
    }

    /// A running backup comes that far (1 to 99) with the guest whose turn it is; what does not fit on
    /// the storage fails there.
    ///
    /// # Panics
    /// When no such backup runs.
    pub fn backup_progress(&self, upid: &str, percent: u64) {
        let mut state = self.lock();
        let at = backup::find(&state, upid).unwrap_or_else(|| no_backup(upid));
        backup::log_progress(&mut state, at, percent);
    }

    /// The backup of the guest whose turn it is fails with this; the task goes on with the next, and
    /// ends with `job errors`.
    ///
    /// # Panics
    /// When no such backup runs.
    pub fn backup_fails(&self, upid: &str, text: &str) {
        let mut state = self.lock();
        let at = backup::find(&state, upid).unwrap_or_else(|| no_backup(upid));
        backup_turn::fail_turn(&mut state, at, text);
        backup::settle(&mut state, std::time::Instant::now());
    }

    /// Carries out what was asked of a node: down, up again, its HA guests taken over. Each call is
    /// one step; false when there was nothing to do.
    pub fn node_step(&self, node: &str) -> bool {
        node_power::step(&mut self.lock(), node)
    }

    /// Its guests stop, its tasks end, its connections are refused.
    pub fn node_down(&self, node: &str) {
        let mut state = self.lock();
        node_power::down(&mut state, node, Leave::Failover);
        node_power::plan(&mut state, node, Next::TakenOver);
    }

    pub fn node_up(&self, node: &str) {
        node_power::up(&mut self.lock(), node);
    }

    /// `freeze`, `failover`, `migrate` ...; None: the default.
    pub fn set_shutdown_policy(&self, policy: Option<&str>) {
        self.lock().shutdown_policy = policy.map(String::from);
    }

    pub fn set_ha_rules(&self, rules: &[HaRule]) {
        self.lock().ha_rules = rules.to_vec();
    }

    pub fn set_wol(&self, node: &str, mac: Option<&str>) {
        self.set_node(node, |node| node.wol = mac.map(String::from));
    }

    /// Seconds since 1970; None: never.
    ///
    /// # Panics
    /// When there is no such token.
    pub fn expire_token(&self, id: &str, at: Option<u64>) {
        let mut state = self.lock();
        let token = state.cfg.token_mut(id);
        token
            .unwrap_or_else(|| panic!("no token {id} in the fake cluster"))
            .expire = at;
    }

    pub fn set_user_enabled(&self, user: &str, enabled: bool) {
        let mut state = self.lock();
        state.cfg.users.entry(user.into()).or_default().disabled = !enabled;
    }

    /// A group, with its members; ACLs name it `@group`.
    pub fn add_group(&self, name: &str, members: &[&str]) {
        let members = members.iter().map(ToString::to_string).collect();
        self.lock().cfg.groups.insert(name.into(), members);
    }

    /// Somebody types this at a node's console, as root: what is printed, or why it was not done.
    ///
    /// # Errors
    /// With the words of the real `pveum`.
    pub fn pveum(&self, line: &str) -> Result<String, String> {
        pveum::run(&mut self.lock(), &Caller::root(), line)
    }
}

fn no_backup<T>(upid: &str) -> T {
    panic!("no backup {upid} runs in the fake cluster")
}
