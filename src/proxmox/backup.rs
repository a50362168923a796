//! The backups of guests, as a storage lists them.

use std::time::Duration;

use serde::Deserialize;
use tokio::time::timeout;

use super::error::Missing;
use super::path::ApiPath;
use super::perl::{Object, Scalar};
use super::rows::{NodeState, Snapshot, Storage, StorageState};
use super::turns::Lane;
use super::{Client, Error};
use crate::action::GuestFacts;
use crate::ids::{NodeName, StorageName};

/// One backup of a guest.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BackedUp {
    /// `local:backup/vzdump-qemu-101-...`.
    pub volume: String,
    pub storage: StorageName,
    /// Unix seconds.
    pub taken: Option<i64>,
    /// Bytes.
    pub size: Option<u64>,
    pub protected: bool,
    /// `ok` or `failed` where a Proxmox Backup Server has verified it.
    pub verified: Option<String>,
    pub notes: Option<String>,
}

/// All backups of one guest that can be seen from its node.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Backups {
    /// The storages of the guest's node that take backups, by name.
    pub storages: Vec<(StorageName, Listing)>,
}

/// What one storage told of a guest's backups.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Listing {
    /// Newest first.
    Listed(Vec<BackedUp>),
    /// Proxmox itself does not reach it.
    Offline,
    /// It can be asked only through a node that is not online.
    NodeAway,
    /// Proxmox shows the bot's token no backups there, whether there are any or not.
    Hidden(Vec<Missing>),
    Unread(Error),
}

impl Backups {
    /// All of them, newest first.
    #[must_use]
    pub fn newest_first(&self) -> Vec<&BackedUp> {
        let listed = self.storages.iter().filter_map(|(_, found)| match found {
            Listing::Listed(list) => Some(list),
            _ => None,
        });
        let mut all: Vec<&BackedUp> = listed.flatten().collect();
        all.sort_by_key(|backup| std::cmp::Reverse(backup.taken));
        all
    }

    /// Whether every storage told what it has, so that none means none.
    #[must_use]
    pub fn complete(&self) -> bool {
        let told = |found: &Listing| matches!(found, Listing::Listed(_));
        !self.storages.is_empty() && self.storages.iter().all(|(_, found)| told(found))
    }
}

impl Snapshot {
    /// The storages of a node that take backups, as far as the bot's token sees them.
    pub fn backup_storages(
        &self,
        node: &NodeName,
    ) -> impl Iterator<Item = (StorageName, &Storage)> {
        let here = self.storages.values().filter(move |one| one.node == *node);
        here.filter(|one| one.content.iter().any(|content| content == "backup"))
            .filter_map(|one| Some((one.name.parse().ok()?, one)))
    }
}

/// How a storage can be asked.
enum Way<'s> {
    Through(&'s NodeName),
    Offline,
    NodeAway,
}

impl Snapshot {
    /// A node that is away says nothing about a storage that other nodes have, too.
    fn way_to<'s>(&'s self, storage: &'s Storage) -> Way<'s> {
        let online = |node: &NodeName| {
            let known = self.nodes.get(node);
            known.is_none_or(|known| known.status == NodeState::Online)
        };
        if online(&storage.node) {
            return match storage.status {
                StorageState::Available => Way::Through(&storage.node),
                _ => Way::Offline,
            };
        }
        let same =
            |other: &&Storage| other.shared && other.name == storage.name && online(&other.node);
        let elsewhere = self.storages.values().filter(same);
        let elsewhere: Vec<&Storage> = elsewhere.filter(|_| storage.shared).collect();
        let available = |other: &&&Storage| other.status == StorageState::Available;
        match elsewhere.iter().find(available) {
            Some(other) => Way::Through(&other.node),
            None if elsewhere.is_empty() => Way::NodeAway,
            None => Way::Offline,
        }
    }
}

/// A storage on a server that hangs must not keep the node's turn from all who look at its guests.
const ONE_STORAGE: Duration = Duration::from_secs(4);

#[derive(Default, Deserialize)]
#[serde(default)]
struct Row {
    volid: Scalar,
    ctime: Scalar,
    size: Scalar,
    protected: Scalar,
    verification: Object<VerificationRow>,
    notes: Scalar,
}

#[derive(Clone, Default, Deserialize)]
#[serde(default)]
struct VerificationRow {
    state: Scalar,
}

impl Client {
    /// The backups of one guest on one storage, newest first. Needs `VM.Backup` on `/vms/{vmid}` and
    /// `Datastore.AllocateSpace` on the storage; without them the list is empty.
    ///
    /// # Errors
    ///
    /// As every read: see [`Error`]. A storage that is offline is a 500.
    pub async fn backups(
        &self,
        guest: &GuestFacts,
        storage: &StorageName,
    ) -> Result<Vec<BackedUp>, Error> {
        let node = &guest.node;
        self.backups_in(Lane::Look(node), node, guest, storage)
            .await
    }

    /// The same, after a write.
    ///
    /// # Errors
    ///
    /// The same.
    pub async fn backups_to_act(
        &self,
        guest: &GuestFacts,
        storage: &StorageName,
    ) -> Result<Vec<BackedUp>, Error> {
        let node = &guest.node;
        self.backups_in(Lane::Act(node), node, guest, storage).await
    }

    /// The backups of one guest on all storages of `snapshot` that take some, told apart from those
    /// that are hidden.
    pub(super) async fn all_backups(&self, guest: &GuestFacts, snapshot: &Snapshot) -> Backups {
        let mut found = Backups::default();
        for (name, storage) in snapshot.backup_storages(&guest.node) {
            let listing = match snapshot.way_to(storage) {
                Way::Through(node) => self.listing(node, guest, &name).await,
                Way::Offline => Listing::Offline,
                Way::NodeAway => Listing::NodeAway,
            };
            found.storages.push((name, listing));
        }
        found
    }

    async fn listing(&self, node: &NodeName, guest: &GuestFacts, storage: &StorageName) -> Listing {
        let read = async {
            let lane = Lane::Look(node);
            let list = self.backups_in(lane, node, guest, storage).await?;
            // An empty list is what a token without the privileges gets, too.
            let missing = if list.is_empty() {
                self.hides_backups(guest, storage).await?
            } else {
                Vec::new()
            };
            Ok(if missing.is_empty() {
                Listing::Listed(list)
            } else {
                Listing::Hidden(missing)
            })
        };
        match timeout(ONE_STORAGE, read).await {
            Ok(read) => read.unwrap_or_else(Listing::Unread),
            Err(_) => Listing::Unread(Error::BadReply("no answer in time".to_owned())),
        }
    }

    /// What the token lacks to see the backups of that guest there.
    async fn hides_backups(
        &self,
        guest: &GuestFacts,
        storage: &StorageName,
    ) -> Result<Vec<Missing>, Error> {
        let on_storage = format!("/storage/{storage}");
        let on_guest = format!("/vms/{}", guest.guest.vmid);
        let held = self.privileges_on(&on_storage).await?;
        if held.contains("Datastore.Allocate") {
            return Ok(Vec::new());
        }
        let mut missing = Vec::new();
        let lacks = |path: String, privilege: &str| Missing {
            path,
            privileges: vec![privilege.to_owned()],
            any: false,
        };
        if !held.contains("Datastore.AllocateSpace") {
            missing.push(lacks(on_storage, "Datastore.AllocateSpace"));
        }
        if !self.privileges_on(&on_guest).await?.contains("VM.Backup") {
            missing.push(lacks(on_guest, "VM.Backup"));
        }
        Ok(missing)
    }

    async fn backups_in(
        &self,
        lane: Lane<'_>,
        node: &NodeName,
        guest: &GuestFacts,
        storage: &StorageName,
    ) -> Result<Vec<BackedUp>, Error> {
        let vmid = guest.guest.vmid.to_string();
        let segments = [
            "nodes",
            node.as_str(),
            "storage",
            storage.as_str(),
            "content",
        ];
        let path = ApiPath::new(&segments).query(&[("content", "backup"), ("vmid", &vmid)]);
        let rows: Vec<Object<Row>> = self.get_protected(lane, &path).await?;
        let rows = rows.into_iter().filter_map(|row| row.0);
        let mut backups: Vec<BackedUp> = rows.filter_map(|row| row.read(storage)).collect();
        backups.sort_by_key(|backup| std::cmp::Reverse(backup.taken));
        Ok(backups)
    }
}

impl Row {
    fn read(&self, storage: &StorageName) -> Option<BackedUp> {
        let verification = self.verification.0.clone().unwrap_or_default();
        Some(BackedUp {
            volume: self.volid.text()?,
            storage: storage.clone(),
            taken: self.ctime.whole().and_then(|at| i64::try_from(at).ok()),
            size: self.size.whole(),
            protected: self.protected.flag(),
            verified: verification.state.text(),
            notes: self.notes.text().filter(|text| !text.trim().is_empty()),
        })
    }
}
