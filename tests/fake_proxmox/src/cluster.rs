//! The handle that tests and the demo hold: start, look, change, break.

use std::collections::HashMap;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant, SystemTime};

use anyhow::{Context, Result};
use tokio::net::TcpListener;
use tokio::sync::Notify;
use tokio::task::JoinHandle;
use tokio_rustls::TlsAcceptor;

use crate::faults::{self, Fault};
use crate::guest::Guest;
use crate::node::{Node, Storage};
use crate::record::Recorded;
use crate::setup::{Acl, Setup, Token};
use crate::state::State;
use crate::tasks::{self, TaskView};
use crate::{certs, clock, power, serve};

/// A running cluster; clones are handles on the same one, the last to go closes it.
#[derive(Clone)]
pub struct Cluster {
    shared: Arc<Shared>,
    // Apart from what the listeners themselves hold, so that dropping the handles ends them.
    listeners: Arc<Listeners>,
}

/// What every connection needs.
pub(crate) struct Shared {
    state: Mutex<State>,
    /// Something may have begun.
    pub changed: Notify,
    pub idle: Duration,
}

impl Shared {
    /// A test that panicked inside must not hide its own message behind a poisoned lock.
    pub fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

struct Listeners {
    order: Vec<String>,
    addresses: HashMap<String, SocketAddr>,
    tls: HashMap<String, TlsAcceptor>,
    running: Mutex<HashMap<String, JoinHandle<()>>>,
    token: Token,
}

impl Drop for Listeners {
    fn drop(&mut self) {
        let running = self
            .running
            .get_mut()
            .unwrap_or_else(PoisonError::into_inner);
        running.values().for_each(JoinHandle::abort);
    }
}

impl Cluster {
    pub async fn start(setup: Setup) -> Result<Cluster> {
        anyhow::ensure!(!setup.nodes.is_empty(), "a cluster has at least one node");
        anyhow::ensure!(
            !setup.tokens.is_empty(),
            "a cluster needs a token to be asked"
        );
        let authority = certs::authority()?;
        let mut leaves = HashMap::new();
        let mut tls = HashMap::new();
        let mut addresses = HashMap::new();
        let mut bound = Vec::new();
        for (index, node) in setup.nodes.iter().enumerate() {
            let leaf = certs::leaf(&authority, node)?;
            let acceptor = TlsAcceptor::from(Arc::new(certs::tls(&leaf)?));
            tls.insert(node.clone(), acceptor);
            leaves.insert(node.clone(), leaf);
            let port = setup.ports.get(index).copied().unwrap_or(0);
            let listener = bind((Ipv4Addr::LOCALHOST, port).into()).await?;
            addresses.insert(node.clone(), listener.local_addr()?);
            bound.push((node.clone(), listener));
        }
        let shared = Arc::new(Shared {
            state: Mutex::new(State::new(&setup, authority.certificate, leaves)),
            changed: Notify::new(),
            idle: setup.idle,
        });
        let listeners = Arc::new(Listeners {
            order: setup.nodes.clone(),
            addresses,
            tls,
            running: Mutex::default(),
            token: setup.token(),
        });
        let cluster = Cluster { shared, listeners };
        for (node, listener) in bound {
            cluster.serve(&node, listener);
        }
        Ok(cluster)
    }

    /// `https://127.0.0.1:PORT`, one per node.
    pub fn urls(&self) -> Vec<String> {
        self.listeners
            .order
            .iter()
            .map(|node| self.url_of(node))
            .collect()
    }

    pub fn url_of(&self, node: &str) -> String {
        format!("https://{}", self.address(node))
    }

    /// The cluster's own CA, which signed every node's certificate.
    pub fn ca_pem(&self) -> String {
        self.lock().ca.pem.clone()
    }

    /// SHA-256 of the node's certificate: `AB:CD:..`
    pub fn fingerprint(&self, node: &str) -> String {
        let state = self.lock();
        certs::fingerprint(state.certs.get(node).unwrap_or_else(|| no_node(node)))
    }

    pub fn token_id(&self) -> String {
        self.listeners.token.id.clone()
    }

    pub fn token_secret(&self) -> String {
        self.listeners.token.secret.clone()
    }

    /// `id`: `user@realm!name`.
    pub fn add_token(&self, id: &str, secret: &str, privsep: bool) {
        let mut state = self.lock();
        state.tokens.retain(|token| token.id != id);
        state.tokens.push(Token {
            id: id.into(),
            secret: secret.into(),
            privsep,
        });
    }

    pub fn remove_token(&self, id: &str) {
        self.lock().tokens.retain(|token| token.id != id);
    }

    /// `who`: a user or a token id. Privileges on the same path add up.
    pub fn acl(&self, path: &str, who: &str, privs: &[&str], propagate: bool) {
        self.lock().acls.push(Acl::new(path, who, privs, propagate));
    }

    pub fn clear_acls(&self, who: &str) {
        self.lock().acls.retain(|acl| acl.who != who);
    }

    /// A copy of the guest as it is now.
    pub fn guest(&self, vmid: u32) -> Option<Guest> {
        self.lock().guests.get(&vmid).cloned()
    }

    pub fn guests(&self) -> Vec<Guest> {
        self.lock().guests.values().cloned().collect()
    }

    /// Panics when there is no such guest. A guest set from stopped to another state starts now.
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
        state.add_pool(pool);
    }

    pub fn add_guest(&self, guest: Guest) {
        let mut state = self.lock();
        state.add_pool(guest.pool.clone());
        state.guests.insert(guest.vmid, guest);
    }

    pub fn remove_guest(&self, vmid: u32) {
        self.lock().guests.remove(&vmid);
    }

    /// Panics when there is no such node. `online = false` also refuses its connections.
    pub fn set_node(&self, node: &str, change: impl FnOnce(&mut Node)) {
        let mut state = self.lock();
        let found = state.nodes.iter_mut().find(|n| n.name == node);
        change(found.unwrap_or_else(|| no_node(node)));
    }

    /// Panics when there is no such storage.
    pub fn set_storage(&self, name: &str, change: impl FnOnce(&mut Storage)) {
        let mut state = self.lock();
        let found = state.storages.iter_mut().find(|s| s.name == name);
        change(found.unwrap_or_else(|| panic!("no storage {name} in the fake cluster")));
    }

    pub fn set_quorate(&self, quorate: bool) {
        self.lock().quorate = quorate;
    }

    /// Waits for a running task of that type on that guest; panics after ten seconds.
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
            if left.is_zero() {
                panic!("no running {kind} of {vmid} after 10 s\n{}", self.story());
            }
            // A short nap at most: the caller may have changed things by hand.
            let nap = left.min(Duration::from_millis(50));
            let _ = tokio::time::timeout(nap, news).await;
        }
    }

    /// Ends a running task: `OK`, `WARNINGS: 2`, `unexpected status`, `received interrupt` or an
    /// error text. A success changes the guest. Panics when no such task runs.
    pub fn finish(&self, upid: &str, exit: &str) {
        self.end(upid, exit, true);
    }

    /// Says that the task ended so, but leaves the guest as it is.
    pub fn finish_without_effect(&self, upid: &str, exit: &str) {
        self.end(upid, exit, false);
    }

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

    /// Ends all faults, and mends what `fault_by_name` broke.
    pub fn clear_faults(&self) {
        self.lock().mend();
    }

    /// Oldest first.
    pub fn requests(&self) -> Vec<Recorded> {
        self.lock().requests.clone()
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

    /// From now on connections to the node are refused; open ones are cut.
    pub async fn stop_node_listener(&self, node: &str) {
        let running = self.running().remove(node);
        self.lock().closed.insert(node.into());
        if let Some(task) = running {
            task.abort();
            // Until it has gone, the port is still open.
            let _ = task.await;
        }
    }

    /// Back on the same port.
    pub async fn start_node_listener(&self, node: &str) -> Result<()> {
        if self.running().contains_key(node) {
            return Ok(());
        }
        let listener = bind(self.address(node)).await?;
        self.lock().closed.remove(node);
        self.serve(node, listener);
        Ok(())
    }

    fn serve(&self, node: &str, listener: TcpListener) {
        let tls = self.listeners.tls[node].clone();
        let task = serve::listen(self.shared.clone(), node.into(), listener, tls);
        self.running().insert(node.into(), task);
    }

    fn end(&self, upid: &str, exit: &str, effective: bool) {
        let running = self
            .tasks()
            .iter()
            .any(|t| t.upid == upid && t.exit.is_none());
        assert!(running, "{upid} does not run\n{}", self.story());
        self.lock().end_task(upid, exit, effective);
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

    fn address(&self, node: &str) -> SocketAddr {
        *self
            .listeners
            .addresses
            .get(node)
            .unwrap_or_else(|| no_node(node))
    }

    fn running(&self) -> MutexGuard<'_, HashMap<String, JoinHandle<()>>> {
        self.listeners
            .running
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }

    /// The state as of now.
    fn lock(&self) -> MutexGuard<'_, State> {
        let mut state = self.shared.lock();
        clock::settle(&mut state);
        state
    }
}

fn no_node<T>(node: &str) -> T {
    panic!("no node {node} in the fake cluster")
}

async fn bind(address: SocketAddr) -> Result<TcpListener> {
    TcpListener::bind(address)
        .await
        .with_context(|| format!("cannot listen on {address}"))
}
