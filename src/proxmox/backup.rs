//! The backups of guests, as a storage lists them.

use serde::Deserialize;

use super::path::ApiPath;
use super::perl::{Object, Scalar};
use super::turns::Lane;
use super::{Client, Error};
use crate::action::GuestFacts;
use crate::ids::StorageName;

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
        let vmid = guest.guest.vmid.to_string();
        let segments = [
            "nodes",
            guest.node.as_str(),
            "storage",
            storage.as_str(),
            "content",
        ];
        let path = ApiPath::new(&segments).query(&[("content", "backup"), ("vmid", &vmid)]);
        let rows: Vec<Object<Row>> = self.get_protected(Lane::Look(&guest.node), &path).await?;
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
