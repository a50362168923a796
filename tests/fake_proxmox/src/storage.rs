//! Storages, and the backups that lie on them.

use std::time::Duration;

use crate::guest::Kind;
use crate::state::State;
use crate::text;

#[derive(Clone, Debug, PartialEq)]
pub struct Storage {
    pub name: String,
    /// Where it is mounted; one row per node.
    pub nodes: Vec<String>,
    /// `dir`, `nfs`, `lvmthin`, `pbs` ...
    pub plugin: String,
    pub content: String,
    pub shared: bool,
    pub used: u64,
    pub total: u64,
    /// Not reachable: status `unknown`, no figures.
    pub available: bool,
    /// Keeps snapshots as a chain of volumes; since 9.
    pub chain: bool,
    /// Switched off in the configuration.
    pub disabled: bool,
    pub backups: Vec<Backup>,
    pub files: Vec<File>,
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
            chain: false,
            disabled: false,
            backups: Vec::new(),
            files: Vec::new(),
        }
    }

    pub(crate) fn holds(&self, content: &str) -> bool {
        self.content.split(',').any(|it| it == content)
    }

    pub(crate) fn is_pbs(&self) -> bool {
        self.plugin == "pbs"
    }

    pub(crate) fn free(&self) -> u64 {
        self.total.saturating_sub(self.used)
    }

    pub(crate) fn folder(&self) -> String {
        if self.name == "local" {
            "/var/lib/vz".into()
        } else {
            format!("/mnt/pve/{}", self.name)
        }
    }

    /// Known and meant to be used on that node.
    pub(crate) fn check_enabled(&self, node: &str) -> Result<(), String> {
        let name = &self.name;
        if self.disabled {
            return Err(format!("storage '{name}' is disabled"));
        }
        if !self.nodes.iter().any(|it| it == node) {
            return Err(format!(
                "storage '{name}' is not available on node '{node}'"
            ));
        }
        Ok(())
    }

    /// Reachable from that node; each plugin finds its own words for no.
    pub(crate) fn activate(&self, node: &str) -> Result<(), String> {
        self.check_enabled(node)?;
        if self.available {
            return Ok(());
        }
        let name = &self.name;
        Err(match self.plugin.as_str() {
            "pbs" => format!(
                "{name}: error fetching datastores - 500 Can't connect to 192.0.2.40:8007 (No route to host)"
            ),
            "dir" => format!(
                "unable to activate storage '{name}' - directory is expected to be a mount point but is not mounted: '{}'",
                self.folder()
            ),
            "lvmthin" | "lvm" => format!("no such volume group '{name}'"),
            _ => format!("storage '{name}' is not online"),
        })
    }
}

/// What somebody put there, and what is no guest's.
#[derive(Clone, Debug, PartialEq)]
pub struct File {
    /// `iso`, `vztmpl`, `snippets` or `import`.
    pub content: String,
    pub name: String,
    /// As with a backup.
    pub node: String,
    pub size: u64,
}

impl File {
    pub fn new(content: &str, name: &str, node: &str) -> File {
        File {
            content: content.into(),
            name: name.into(),
            node: node.into(),
            size: 700 << 20,
        }
    }

    pub(crate) fn is_on(&self, storage: &Storage, node: &str) -> bool {
        storage.shared || self.node == node
    }

    /// As Proxmox names it: by the ending, but not of a snippet.
    pub(crate) fn format(&self) -> String {
        let ending = self.name.rsplit_once('.').map_or("", |(_, ending)| ending);
        match self.content.as_str() {
            "snippets" => "snippet".into(),
            "vztmpl" => format!("t{ending}"),
            _ => ending.into(),
        }
    }
}

/// One backup of one guest. What is not said is as `vzdump` would make it.
#[derive(Clone, Debug, PartialEq)]
pub struct Backup {
    /// Set when it is put on a storage.
    pub volid: String,
    pub vmid: u32,
    pub kind: Kind,
    /// Where it was made: a storage that is not shared has it only there.
    pub node: String,
    /// Seconds since 1970.
    pub ctime: u64,
    pub size: u64,
    pub notes: Option<String>,
    pub protected: bool,
    /// `ok` or `failed`, and the UPID of the server's own task; only on a Proxmox Backup Server.
    pub verification: Option<(String, String)>,
    /// The key's fingerprint; only on a Proxmox Backup Server.
    pub encrypted: Option<String>,
}

impl Backup {
    pub fn vm(vmid: u32, node: &str) -> Backup {
        Backup {
            volid: String::new(),
            vmid,
            kind: Kind::Vm,
            node: node.into(),
            ctime: text::epoch(),
            size: 9 << 30,
            notes: None,
            protected: false,
            verification: None,
            encrypted: None,
        }
    }

    pub fn ct(vmid: u32, node: &str) -> Backup {
        Backup {
            kind: Kind::Ct,
            size: 640 << 20,
            ..Backup::vm(vmid, node)
        }
    }

    #[must_use]
    pub fn ago(mut self, age: Duration) -> Backup {
        self.ctime = text::epoch() - age.as_secs();
        self
    }

    #[must_use]
    pub fn size(mut self, bytes: u64) -> Backup {
        self.size = bytes;
        self
    }

    #[must_use]
    pub fn notes(mut self, notes: &str) -> Backup {
        self.notes = Some(notes.into());
        self
    }

    #[must_use]
    pub fn protected(mut self) -> Backup {
        self.protected = true;
        self
    }

    /// Checked by the Proxmox Backup Server, `ok` or `failed`.
    #[must_use]
    pub fn verified(mut self, state: &str) -> Backup {
        let upid = format!(
            "UPID:pbs:000003E8:00001A2B:00000007:{:08X}:verify:store:root@pam:",
            self.ctime
        );
        self.verification = Some((state.into(), upid));
        self
    }

    #[must_use]
    pub fn encrypted(mut self, fingerprint: &str) -> Backup {
        self.encrypted = Some(fingerprint.into());
        self
    }

    /// The file's ending, or what a Proxmox Backup Server calls it.
    pub(crate) fn format(&self, storage: &Storage) -> String {
        match (storage.is_pbs(), self.kind) {
            (true, Kind::Vm) => "pbs-vm".into(),
            (true, Kind::Ct) => "pbs-ct".into(),
            (false, _) => ending(&self.volid),
        }
    }

    pub(crate) fn is_on(&self, storage: &Storage, node: &str) -> bool {
        storage.shared || self.node == node
    }
}

/// `vma.zst` of `nas:backup/vzdump-qemu-101-2026_11_24-02_00_04.vma.zst`
fn ending(volid: &str) -> String {
    let rest = volid.split_once('.').map_or("", |(_, rest)| rest);
    rest.into()
}

/// The name of a backup made then: a file's, or a snapshot's on a Proxmox Backup Server.
pub(crate) fn volume(storage: &Storage, kind: Kind, vmid: u32, at: u64, packing: &str) -> String {
    let date = text::date_time(at);
    if storage.is_pbs() {
        let group = if kind == Kind::Vm { "vm" } else { "ct" };
        let (day, time) = date.split_once(' ').unwrap_or((&date, ""));
        return format!("{group}/{vmid}/{day}T{time}Z");
    }
    let stamp = date.replace(['-', ':'], "_").replace(' ', "-");
    let archive = if kind == Kind::Vm { "vma" } else { "tar" };
    format!("vzdump-{}-{vmid}-{stamp}.{archive}{packing}", kind.path())
}

/// Puts a backup on a storage as if made there; the volume's id.
///
/// # Panics
/// When there is no such storage, or it holds no backups.
pub(crate) fn add(state: &mut State, storage: &str, mut backup: Backup) -> String {
    let Some(storage) = state.storages.iter_mut().find(|it| it.name == storage) else {
        panic!("no storage {storage} in the fake cluster");
    };
    assert!(storage.holds("backup"), "{} holds no backups", storage.name);
    if backup.volid.is_empty() {
        let name = volume(storage, backup.kind, backup.vmid, backup.ctime, ".zst");
        backup.volid = format!("{}:backup/{name}", storage.name);
    }
    let volid = backup.volid.clone();
    storage.backups.push(backup);
    volid
}

/// Puts a file on a storage.
///
/// # Panics
/// When there is no such storage, or it holds nothing of that kind.
pub(crate) fn add_file(state: &mut State, storage: &str, file: File) {
    let Some(storage) = state.storages.iter_mut().find(|it| it.name == storage) else {
        panic!("no storage {storage} in the fake cluster");
    };
    let (name, content) = (&storage.name, &file.content);
    assert!(storage.holds(content), "{name} holds no {content}");
    storage.files.push(file);
}
