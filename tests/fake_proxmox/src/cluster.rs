//! The handle that tests and the demo hold: start, addresses, listeners. The rest is in `controls`.

use std::collections::HashMap;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use anyhow::{Context, Result};
use tokio::net::TcpListener;
use tokio::sync::Notify;
use tokio::task::JoinHandle;
use tokio_rustls::TlsAcceptor;

use crate::setup::{Setup, Token};
use crate::state::State;
use crate::{certs, clock, serve};

/// A running cluster; clones are handles on the same one, the last to go closes it.
#[derive(Clone)]
pub struct Cluster {
    pub(crate) shared: Arc<Shared>,
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
    pub(crate) fn lock(&self) -> MutexGuard<'_, State> {
        let mut state = self.shared.lock();
        clock::settle(&mut state);
        state
    }
}

pub(crate) fn no_node<T>(node: &str) -> T {
    panic!("no node {node} in the fake cluster")
}

async fn bind(address: SocketAddr) -> Result<TcpListener> {
    TcpListener::bind(address)
        .await
        .with_context(|| format!("cannot listen on {address}"))
}
