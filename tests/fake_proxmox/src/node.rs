//! Nodes and storages.

use std::time::{Duration, SystemTime};

#[derive(Clone, Debug, PartialEq)]
pub struct Node {
    pub name: String,
    /// Offline: connections are refused, `/nodes/{it}/...` through others gives 595.
    pub online: bool,
    /// Offline for less than five minutes: its last rows are still shown.
    pub stale: bool,
    /// `online`, `maintenance`, `fence`, `gone`: only shown when set.
    pub ha: Option<String>,
    pub ip: String,
    pub maxcpu: u32,
    pub maxmem: u64,
    pub maxdisk: u64,
    pub since: SystemTime,
    /// Fixed figures instead of the drifting ones: fraction of all cores, bytes.
    pub cpu: Option<f64>,
    pub mem: Option<u64>,
    pub disk: Option<u64>,
}

impl Node {
    pub(crate) fn new(name: &str, number: usize) -> Node {
        Node {
            name: name.into(),
            online: true,
            stale: false,
            ha: None,
            ip: format!("192.0.2.{}", 10 + number),
            maxcpu: 16,
            maxmem: 64 << 30,
            maxdisk: 94 << 30,
            since: SystemTime::now() - Duration::from_secs(20 * 86_400 + 3_600 * number as u64),
            cpu: None,
            mem: None,
            disk: None,
        }
    }

    pub fn uptime(&self) -> u64 {
        self.since.elapsed().map_or(0, |age| age.as_secs())
    }

    /// Its figures are known to the others.
    pub(crate) fn is_seen(&self) -> bool {
        self.online || self.stale
    }
}

#[derive(Clone, Debug, PartialEq)]
pub struct Storage {
    pub name: String,
    /// Where it is mounted; one row per node.
    pub nodes: Vec<String>,
    pub plugin: String,
    pub content: String,
    pub shared: bool,
    pub used: u64,
    pub total: u64,
    /// Not reachable: status `unknown`, no figures.
    pub available: bool,
}

impl Storage {
    pub fn new(name: &str, nodes: &[String], plugin: &str, content: &str) -> Storage {
        Storage {
            name: name.into(),
            nodes: nodes.to_vec(),
            plugin: plugin.into(),
            content: content.into(),
            shared: false,
            used: 31 << 30,
            total: 94 << 30,
            available: true,
        }
    }
}
