//! Which privilege a right takes, on which path. The facts are Proxmox's: `GET` and `POST` alike are
//! refused, or silently filtered, without them.

use crate::action::{GuestFacts, Right};
use crate::ids::{ClusterName, Kind, NodeName, NodeRef};

/// One of the privileges, on a path of the access control list.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Need {
    pub path: String,
    /// The first is the one to give.
    pub any: &'static [&'static str],
}

/// What there is on one cluster, as far as it is known.
#[derive(Debug, Clone)]
pub struct World {
    pub cluster: ClusterName,
    /// Of Proxmox VE: 8 or 9.
    pub version: u32,
    pub guests: Vec<GuestFacts>,
    pub nodes: Vec<NodeName>,
    pub storages: Vec<Storage>,
    /// Where backups shall go, if the owner says; else wherever they can.
    pub backups_to: Vec<String>,
    pub wish: Wish,
}

/// What takes more than most owners would give, and is left out unless they ask for it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Wish {
    /// Addresses inside VMs on Proxmox VE 8, where `VM.Monitor` for it also runs commands there.
    pub addresses: bool,
    /// Updates that wait on nodes: `Sys.Modify` for it also changes the node.
    pub updates: bool,
}

/// A storage as one node has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Storage {
    pub node: NodeName,
    pub name: String,
    /// Whether backups can be put there.
    pub backups: bool,
}

/// Where the needs of a right on guests are: one guest, all of a pool, or all.
pub(super) struct Guests<'w> {
    pub path: String,
    /// `None`: of either kind.
    pub kind: Option<Kind>,
    /// Where they may be.
    pub nodes: Vec<String>,
    pub backups_to: Vec<&'w str>,
}

impl World {
    /// A cluster of which nothing is known but its name.
    #[must_use]
    pub fn unknown(cluster: &ClusterName) -> Self {
        Self {
            cluster: cluster.clone(),
            version: 8,
            guests: Vec::new(),
            nodes: Vec::new(),
            storages: Vec::new(),
            backups_to: Vec::new(),
            wish: Wish::default(),
        }
    }

    #[must_use]
    pub fn node(&self, node: &NodeName) -> NodeRef {
        NodeRef {
            cluster: self.cluster.clone(),
            node: node.clone(),
        }
    }

    /// What shows the addresses inside a VM, if that shall be shown.
    #[must_use]
    pub fn addresses(&self) -> Option<&'static [&'static str]> {
        match (self.version >= 9, self.wish.addresses) {
            (true, _) => Some(&["VM.GuestAgent.Audit", "VM.GuestAgent.Unrestricted"]),
            (false, true) => Some(&["VM.Monitor"]),
            (false, false) => None,
        }
    }

    /// The storages that take backups, of one node or of all.
    #[must_use]
    pub fn backups_to(&self, node: Option<&NodeName>) -> Vec<&str> {
        if !self.backups_to.is_empty() {
            return self.backups_to.iter().map(String::as_str).collect();
        }
        let here = |storage: &&Storage| node.is_none_or(|node| storage.node == *node);
        let fitting = self.storages.iter().filter(|storage| storage.backups);
        let mut names: Vec<&str> = fitting.filter(here).map(|s| s.name.as_str()).collect();
        names.sort_unstable();
        names.dedup();
        names
    }

    /// A guest that cannot be seen yet may be on any node.
    pub(super) fn one(&self, guest: &GuestFacts) -> Guests<'_> {
        let node = Some(&guest.node).filter(|node| self.nodes.contains(node));
        Guests {
            path: guest_path(guest),
            kind: Some(guest.kind),
            nodes: vec![node.map_or_else(|| "/nodes".to_owned(), node_path)],
            backups_to: self.backups_to(node),
        }
    }
}

pub(super) fn guest_path(guest: &GuestFacts) -> String {
    format!("/vms/{}", guest.guest.vmid)
}

pub(super) fn node_path(node: &NodeName) -> String {
    format!("/nodes/{node}")
}

fn storage_path(name: &str) -> String {
    format!("/storage/{name}")
}

/// What a right takes on a guest that somebody has it on.
#[must_use]
pub fn on_guest(right: Right, guest: &GuestFacts, world: &World) -> Vec<Need> {
    on_guests(right, &world.one(guest), world)
}

pub(super) fn on_guests(right: Right, guests: &Guests<'_>, world: &World) -> Vec<Need> {
    let here = |any| need(&guests.path, any);
    // Whatever is done to a guest: it must be found, and its state read before and after.
    let mut needs = vec![here(&["VM.Audit"])];
    match right {
        Right::View if guests.kind != Some(Kind::Ct) => {
            needs.extend(world.addresses().map(here));
        }
        Right::Start
        | Right::Shutdown
        | Right::Reboot
        | Right::Suspend
        | Right::Resume
        | Right::Stop
        | Right::Reset => needs.push(here(&["VM.PowerMgmt"])),
        Right::SnapshotCreate | Right::SnapshotDelete => needs.push(here(&["VM.Snapshot"])),
        Right::SnapshotRollback => needs.push(here(&["VM.Snapshot.Rollback", "VM.Snapshot"])),
        Right::BackupView | Right::BackupRun => {
            needs.push(here(&["VM.Backup"]));
            needs.extend(backups(&guests.backups_to));
        }
        Right::TaskView | Right::TaskStop => {
            needs.extend(guests.nodes.iter().flat_map(|node| tasks(right, node)));
        }
        Right::View
        | Right::Access
        | Right::NodeReboot
        | Right::NodeShutdown
        | Right::NodeWake
        | Right::Token
        | Right::Audit => {}
    }
    needs
}

/// Which storages take backups, only a token that sees them can tell.
fn backups(to: &[&str]) -> Vec<Need> {
    if to.is_empty() {
        return vec![need("/storage", &["Datastore.Audit"])];
    }
    let each = to.iter().map(|name| storage_path(name));
    each.flat_map(|path| {
        [
            need(&path, &["Datastore.Audit"]),
            need(&path, &["Datastore.AllocateSpace"]),
        ]
    })
    .collect()
}

/// Its own tasks a token sees and stops without any privilege.
fn tasks(right: Right, node: &str) -> Vec<Need> {
    let mut needs = vec![need(node, &["Sys.Audit"])];
    if right == Right::TaskStop {
        needs.push(need(node, &["Sys.Modify"]));
    }
    needs
}

/// What a right takes on a node that somebody has it on.
#[must_use]
pub fn on_node(right: Right, node: &NodeName, world: &World) -> Vec<Need> {
    let has = world
        .storages
        .iter()
        .filter(|storage| storage.node == *node);
    let has: Vec<String> = has.map(|storage| storage_path(&storage.name)).collect();
    on_nodes(right, &node_path(node), &has, world)
}

/// `storages`: paths of those that the node has.
pub(super) fn on_nodes(right: Right, path: &str, storages: &[String], world: &World) -> Vec<Need> {
    let here = |any| need(path, any);
    match right {
        Right::View => {
            let mut needs = vec![here(&["Sys.Audit"])];
            needs.extend(world.wish.updates.then(|| here(&["Sys.Modify"])));
            needs.extend(storages.iter().map(|path| need(path, &["Datastore.Audit"])));
            needs
        }
        Right::TaskView | Right::TaskStop => tasks(right, path),
        Right::NodeReboot | Right::NodeShutdown | Right::NodeWake => {
            vec![here(&["Sys.PowerMgmt"])]
        }
        _ => Vec::new(),
    }
}

pub(super) fn need(path: &str, any: &'static [&'static str]) -> Need {
    Need {
        path: path.to_owned(),
        any,
    }
}
