//! `/cluster/resources`: rows in, [`Snapshot`] out. A row that cannot be read is left out, never the
//! list.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use serde::Deserialize;
use tokio::time::Instant;

use super::answer::OF_ALL;
use super::guest::RunState;
use super::path::ApiPath;
use super::perl::{Object, Scalar};
use super::quorum::Quorum;
use super::{Client, Error};
use crate::action::GuestFacts;
use crate::ids::{ClusterName, GuestRef, Kind, NodeName, Vmid};

/// All that the token may see of a cluster, at one moment. An empty list of guests means "no
/// privilege" as often as "no guests": Proxmox filters silently.
#[derive(Debug, Clone)]
pub struct Snapshot {
    /// When it was asked for.
    pub taken: Instant,
    /// The same, by the clock on the wall.
    pub wall: SystemTime,
    pub guests: BTreeMap<Vmid, Guest>,
    pub nodes: BTreeMap<NodeName, Node>,
    /// By node, then name: a shared storage stands under each of its nodes.
    pub storages: BTreeMap<(NodeName, String), Storage>,
    pub pools: Vec<String>,
    /// `None`: not visible to this token, or not known.
    pub quorum: Option<Quorum>,
}

/// What is absent, Proxmox did not tell: an offline node's guest has little more than its number.
#[derive(Debug, Clone, PartialEq)]
pub struct Guest {
    pub facts: GuestFacts,
    /// Up to 10 s old, as all the figures; `lock` and `tags` are as in the configuration.
    pub status: RunState,
    pub template: bool,
    /// `backup`, `migrate`, `snapshot` ...
    pub lock: Option<String>,
    /// The HA manager's state of it, where it manages it.
    pub ha: Option<String>,
    /// Share of `maxcpu`, 0 to 1 and sometimes a little more.
    pub cpu: Option<f64>,
    pub maxcpu: Option<f64>,
    /// Bytes, as all below. May exceed `maxmem` (the host's view).
    pub mem: Option<u64>,
    pub maxmem: Option<u64>,
    /// Always 0 for a VM.
    pub disk: Option<u64>,
    pub maxdisk: Option<u64>,
    pub uptime: Option<Duration>,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum NodeState {
    Online,
    Offline,
    Unknown,
    Other(String),
}

/// Figures are absent without `Sys.Audit` on the node, and while it is offline.
#[derive(Debug, Clone, PartialEq)]
pub struct Node {
    pub name: NodeName,
    pub status: NodeState,
    /// Share of all cores, 0 to 1.
    pub cpu: Option<f64>,
    pub maxcpu: Option<f64>,
    /// Bytes, as all below.
    pub mem: Option<u64>,
    pub maxmem: Option<u64>,
    /// The root file system.
    pub disk: Option<u64>,
    pub maxdisk: Option<u64>,
    pub uptime: Option<Duration>,
    /// Of the subscription: `c`, `b`, `s`, `p`, or nothing.
    pub level: Option<String>,
    /// `online`, `maintenance`, `fence` ... where the HA manager runs.
    pub ha: Option<String>,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum StorageState {
    Available,
    Unknown,
    Other(String),
}

#[derive(Debug, Clone, PartialEq)]
pub struct Storage {
    pub node: NodeName,
    pub name: String,
    pub status: StorageState,
    pub shared: bool,
    /// `dir`, `zfspool`, `pbs` ...
    pub plugin: Option<String>,
    /// `images`, `backup`, `iso` ...
    pub content: Vec<String>,
    /// Bytes.
    pub disk: Option<u64>,
    pub maxdisk: Option<u64>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Row {
    #[serde(rename = "type")]
    kind: Scalar,
    node: Scalar,
    vmid: Scalar,
    name: Scalar,
    pool: Scalar,
    tags: Scalar,
    status: Scalar,
    template: Scalar,
    lock: Scalar,
    hastate: Scalar,
    level: Scalar,
    cpu: Scalar,
    maxcpu: Scalar,
    mem: Scalar,
    maxmem: Scalar,
    disk: Scalar,
    maxdisk: Scalar,
    uptime: Scalar,
    storage: Scalar,
    shared: Scalar,
    plugintype: Scalar,
    content: Scalar,
}

impl Row {
    fn guest(&self, cluster: &ClusterName, kind: Kind) -> Option<Guest> {
        let facts = GuestFacts {
            guest: GuestRef {
                cluster: cluster.clone(),
                vmid: Vmid::new(self.vmid.whole()?)?,
            },
            kind,
            node: self.node.parsed()?,
            name: self.name.text(),
            pool: self.pool.text(),
            pools_seen: Arc::default(),
            tags: self.tags.tags(),
        };
        Some(Guest {
            facts,
            status: RunState::read(&self.status),
            template: self.template.flag(),
            lock: self.lock.text(),
            ha: self.hastate.text(),
            cpu: self.cpu.number(),
            maxcpu: self.maxcpu.number(),
            mem: self.mem.whole(),
            maxmem: self.maxmem.whole(),
            disk: self.disk.whole(),
            maxdisk: self.maxdisk.whole(),
            uptime: self.uptime.seconds(),
        })
    }

    fn node(&self) -> Option<Node> {
        let status = match self.status.text().as_deref() {
            Some("online") => NodeState::Online,
            Some("offline") => NodeState::Offline,
            Some("unknown") | None => NodeState::Unknown,
            Some(other) => NodeState::Other(other.to_owned()),
        };
        Some(Node {
            name: self.node.parsed()?,
            status,
            cpu: self.cpu.number(),
            maxcpu: self.maxcpu.number(),
            mem: self.mem.whole(),
            maxmem: self.maxmem.whole(),
            disk: self.disk.whole(),
            maxdisk: self.maxdisk.whole(),
            uptime: self.uptime.seconds(),
            level: self.level.text(),
            ha: self.hastate.text(),
        })
    }

    fn storage(&self) -> Option<Storage> {
        let status = match self.status.text().as_deref() {
            Some("available") => StorageState::Available,
            Some("unknown") | None => StorageState::Unknown,
            Some(other) => StorageState::Other(other.to_owned()),
        };
        Some(Storage {
            node: self.node.parsed()?,
            name: self.storage.text()?,
            status,
            shared: self.shared.flag(),
            plugin: self.plugintype.text(),
            content: self.content.tags(),
            disk: self.disk.whole(),
            maxdisk: self.maxdisk.whole(),
        })
    }

    /// Puts itself where it belongs; `None` if it cannot be read.
    fn put(&self, cluster: &ClusterName, into: &mut Snapshot) -> Option<()> {
        let kind = self.kind.text()?;
        match kind.as_str() {
            "qemu" | "lxc" => {
                let kind = if kind == "lxc" { Kind::Ct } else { Kind::Vm };
                let guest = self.guest(cluster, kind)?;
                into.guests.insert(guest.facts.guest.vmid, guest);
            }
            "node" => {
                let node = self.node()?;
                into.nodes.insert(node.name.clone(), node);
            }
            "storage" => {
                let storage = self.storage()?;
                let key = (storage.node.clone(), storage.name.clone());
                into.storages.insert(key, storage);
            }
            "pool" => into.pools.push(self.pool.text()?),
            // `network`, `sdn`, and whatever comes next.
            _ => {}
        }
        Some(())
    }
}

fn snapshot(
    cluster: &ClusterName,
    rows: Vec<Object<Row>>,
    taken: (Instant, SystemTime),
) -> Snapshot {
    let mut snapshot = Snapshot {
        taken: taken.0,
        wall: taken.1,
        guests: BTreeMap::new(),
        nodes: BTreeMap::new(),
        storages: BTreeMap::new(),
        pools: Vec::new(),
        quorum: None,
    };
    let mut unread = 0_usize;
    for row in rows {
        if row
            .0
            .and_then(|row| row.put(cluster, &mut snapshot))
            .is_none()
        {
            unread += 1;
        }
    }
    // Known only once all rows are read.
    let pools_seen: Arc<[String]> = snapshot.pools.clone().into();
    for guest in snapshot.guests.values_mut() {
        guest.facts.pools_seen = Arc::clone(&pools_seen);
    }
    if unread > 0 {
        tracing::debug!(%cluster, unread, "rows of /cluster/resources that cannot be read");
    }
    snapshot
}

impl Client {
    /// One call for the whole cluster, answered from the entry node's memory.
    pub(super) async fn resources(&self) -> Result<Snapshot, Error> {
        let taken = (Instant::now(), SystemTime::now());
        let rows = self
            .get(&ApiPath::new(&["cluster", "resources"]), OF_ALL)
            .await?;
        Ok(snapshot(self.cluster(), rows, taken))
    }
}

impl NodeState {
    /// Proxmox's word.
    #[must_use]
    pub fn as_str(&self) -> &str {
        match self {
            Self::Online => "online",
            Self::Offline => "offline",
            Self::Unknown => "unknown",
            Self::Other(word) => word,
        }
    }
}

impl fmt::Display for NodeState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(json: &str) -> Snapshot {
        let cluster = "home".parse().unwrap();
        let rows = serde_json::from_str(json).unwrap();
        snapshot(&cluster, rows, (Instant::now(), SystemTime::now()))
    }

    #[test]
    fn one_bad_row_never_loses_the_list() {
        let found = read(
            r#"[{"type":"qemu","vmid":"100","node":"pve1","status":"running","name":"a","mem":"7",
              "maxcpu":2,"cpu":"0.5","tags":"x;y","pool":"p","template":0,"uptime":9},
            null, [], "?", {"type":"qemu"}, {"type":"qemu","vmid":99,"node":"pve1"},
            {"type":"lxc","vmid":101,"node":"../etc"}, {"vmid":102,"node":"pve1"},
            {"type":"network","network":"z"}, {"type":"sdn","sdn":"s"}, {"type":5},
            {"type":"lxc","vmid":103,"node":"pve1","status":{"a":[1]},"mem":-1,"cpu":[],"template":1},
            {"type":"node","node":"pve1","status":"online","cpu":0.1,"level":""},
            {"type":"node","node":"pve2","status":"hiding"},
            {"type":"storage","node":"pve1","storage":"local","status":"available","shared":"1",
              "content":"iso,backup","disk":1,"maxdisk":2}, {"type":"pool","pool":"p"}]"#,
        );
        let vmids: Vec<u32> = found.guests.keys().map(|vmid| vmid.get()).collect();
        assert_eq!(vmids, [100, 103]);
        let vm = &found.guests[&Vmid::new(100).unwrap()];
        assert_eq!(
            (vm.facts.kind, vm.mem, vm.cpu),
            (Kind::Vm, Some(7), Some(0.5))
        );
        assert_eq!(vm.facts.tags, ["x", "y"]);
        let ct = &found.guests[&Vmid::new(103).unwrap()];
        assert_eq!(
            (&ct.status, ct.mem, ct.template),
            (&RunState::Unknown, None, true)
        );
        let states: Vec<&str> = found
            .nodes
            .values()
            .map(|node| node.status.as_str())
            .collect();
        assert_eq!(states, ["online", "hiding"]);
        let local = found.storages.values().next().unwrap();
        assert!(local.shared);
        assert_eq!(local.content, ["iso", "backup"]);
        assert_eq!(found.pools, ["p"]);
    }
}
