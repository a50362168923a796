//! How a guest is configured, at a glance.

use std::collections::{BTreeMap, BTreeSet};

use serde::Deserialize;

use super::guest::guest_path;
use super::perl::Scalar;
use super::turns::Lane;
use super::{Client, Error};
use crate::action::GuestFacts;

/// What people ask about a guest's configuration. What is absent, it does not say.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct GuestConfig {
    /// Of a container `None` where it may use all.
    pub cores: Option<u64>,
    /// Bytes.
    pub memory: Option<u64>,
    pub disks: Vec<Disk>,
    /// On which a snapshot of it holds something: those of its disks, and of what a VM keeps beside
    /// them for EFI and TPM.
    pub storages: BTreeSet<String>,
    /// What a VM starts from, in this order: `scsi0`, `net0` ...
    pub boot: Vec<String>,
    /// Started together with its node.
    pub on_boot: bool,
    /// The first line of the notes that has letters.
    pub notes: Option<String>,
}

/// `scsi0: local-lvm:vm-101-disk-0,size=32G`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Disk {
    pub key: String,
    /// `None`: not on a storage of Proxmox's, such as a folder of the node's.
    pub storage: Option<String>,
    /// As Proxmox writes it: `32G`.
    pub size: Option<String>,
}

#[derive(Deserialize)]
struct Keys(BTreeMap<String, Scalar>);

impl Client {
    /// Needs `VM.Audit` on `/vms/{vmid}`.
    ///
    /// # Errors
    ///
    /// As every read: see [`Error`].
    pub async fn guest_config(&self, guest: &GuestFacts) -> Result<GuestConfig, Error> {
        let path = guest_path(guest.kind, &guest.node, guest.guest.vmid, &["config"]);
        let keys: Keys = self.get_protected(Lane::Look(&guest.node), &path).await?;
        Ok(keys.read())
    }
}

impl Keys {
    fn read(&self) -> GuestConfig {
        let get = |key: &str| self.0.get(key);
        let whole = |key: &str| get(key).and_then(Scalar::whole);
        let notes = get("description").and_then(Scalar::text);
        let notes = notes.as_deref().and_then(first_line);
        let boot = get("boot").and_then(Scalar::text).unwrap_or_default();
        let boot = boot.strip_prefix("order=").unwrap_or_default();
        GuestConfig {
            cores: whole("cores").map(|cores| cores * whole("sockets").unwrap_or(1)),
            memory: whole("memory").map(|megabytes| megabytes << 20),
            disks: self.volumes(is_disk).collect(),
            storages: self
                .volumes(|key| is_disk(key) || is_small(key))
                .filter_map(|disk| disk.storage)
                .collect(),
            boot: boot
                .split(';')
                .filter(|key| !key.is_empty())
                .map(str::to_owned)
                .collect(),
            on_boot: get("onboot").is_some_and(Scalar::flag),
            notes,
        }
    }

    fn volumes(&self, wanted: fn(&str) -> bool) -> impl Iterator<Item = Disk> {
        let volumes = self.0.iter().filter(move |(key, _)| wanted(key));
        volumes.filter_map(|(key, value)| disk(key, &value.text()?))
    }
}

fn is_disk(key: &str) -> bool {
    let bus = key.trim_end_matches(|c: char| c.is_ascii_digit());
    let numbered = bus.len() < key.len();
    key == "rootfs" || (numbered && matches!(bus, "scsi" | "virtio" | "sata" | "ide" | "mp"))
}

/// No disk to people, but kept with them.
fn is_small(key: &str) -> bool {
    matches!(key, "efidisk0" | "tpmstate0")
}

/// CD drives are none.
fn disk(key: &str, value: &str) -> Option<Disk> {
    let (volume, options) = value.split_once(',').unwrap_or((value, ""));
    let option = |wanted: &str| {
        let mut pairs = options.split(',').filter_map(|pair| pair.split_once('='));
        pairs.find_map(|(key, value)| (key == wanted).then(|| value.to_owned()))
    };
    if option("media").as_deref() == Some("cdrom") || volume == "none" {
        return None;
    }
    let storage = volume.split_once(':').map(|(storage, _)| storage);
    Some(Disk {
        key: key.to_owned(),
        storage: storage
            .filter(|name| !name.starts_with('/'))
            .map(str::to_owned),
        size: option("size"),
    })
}

fn first_line(notes: &str) -> Option<String> {
    let said = |line: &&str| line.chars().any(char::is_alphanumeric);
    let line = notes.lines().map(str::trim).find(said)?;
    Some(line.trim_start_matches(['#', ' ', '*']).to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(json: &str) -> GuestConfig {
        serde_json::from_str::<Keys>(json).unwrap().read()
    }

    #[test]
    fn a_vm_at_a_glance() {
        let vm = read(
            r#"{"cores":2,"sockets":2,"memory":"8192","boot":"order=scsi0;ide2;net0","onboot":1,
            "scsi0":"local-lvm:vm-101-disk-0,iothread=1,size=32G","scsihw":"virtio-scsi-single",
            "ide2":"local:iso/debian.iso,media=cdrom,size=600M","ide0":"none,media=cdrom",
            "virtio1":"/dev/sdb,size=1T","efidisk0":"zfs:vm-101-disk-1,size=4M","description":"\n# Valheim\nask max"}"#,
        );
        assert_eq!((vm.cores, vm.memory), (Some(4), Some(8 << 30)));
        assert_eq!(vm.boot, ["scsi0", "ide2", "net0"]);
        assert!(vm.on_boot);
        assert_eq!(vm.notes.as_deref(), Some("Valheim"));
        let [first, second] = &vm.disks[..] else {
            panic!("{:?}", vm.disks)
        };
        assert_eq!(first.storage.as_deref(), Some("local-lvm"));
        assert_eq!(first.size.as_deref(), Some("32G"));
        assert_eq!((second.key.as_str(), &second.storage), ("virtio1", &None));
        assert!(vm.storages.iter().eq(["local-lvm", "zfs"]));
    }

    #[test]
    fn a_container_at_a_glance() {
        let ct = read(
            r#"{"memory":512,"rootfs":"local-lvm:vm-105-disk-0,size=8G",
            "mp0":"/srv/data,mp=/data","description":"- - -","onboot":0}"#,
        );
        assert_eq!((ct.cores, ct.memory), (None, Some(512 << 20)));
        assert_eq!(ct.disks.len(), 2);
        assert_eq!(ct.disks[0].storage, None);
        assert!(!ct.on_boot && ct.notes.is_none() && ct.boot.is_empty());
    }
}
