//! A node, and how tests change one.

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
    /// The MAC address that wakes it, where one is configured.
    pub wol: Option<String>,
    /// What `apt` would install.
    pub updates: Vec<Update>,
}

/// A package that waits to be installed.
#[derive(Clone, Debug, PartialEq)]
pub struct Update {
    pub package: String,
    pub title: String,
    pub old: String,
    pub new: String,
}

impl Update {
    pub fn new(package: &str, title: &str, old: &str, new: &str) -> Update {
        Update {
            package: package.into(),
            title: title.into(),
            old: old.into(),
            new: new.into(),
        }
    }
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
            wol: None,
            updates: Vec::new(),
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
