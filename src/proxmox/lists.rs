//! What many look at of one guest: its snapshots, its backups, its configuration and addresses; and of
//! one storage.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use super::backup::Backups;
use super::content::{Contents, Volumes};
use super::guest_config::GuestConfig;
use super::inventory::{GuestKey, Inventory, key_of};
use super::kept::Kept;
use super::shared::Held;
use super::snapshot::Snapshots;
use super::{Error, StaleWhy};
use crate::action::GuestFacts;
use crate::ids::{NodeName, StorageName};

/// A list of snapshots that serves everybody who looks.
const SNAPSHOTS_AGE: Duration = Duration::from_secs(2);
/// A look at all storages takes longer and changes seldom.
const BACKUPS_AGE: Duration = Duration::from_mins(1);
/// What lies on a storage is as old as the list of storages may be.
const CONTENTS_AGE: Duration = Duration::from_secs(10);
/// A storage that hangs keeps one of its node's few workers at every look.
const HUNG_REST: Duration = Duration::from_mins(5);
/// Configuration and addresses, or that they could not be had, serve everybody for so long: an agent
/// that hangs is not asked by each who looks.
const DETAILS_AGE: Duration = Duration::from_secs(5);
/// Between two fetches for completion.
pub(super) const TYPING_REST: Duration = Duration::from_secs(5);

/// A failure is kept like a value: it, too, is not asked for again at once.
pub(super) type Tried<T> = Result<T, Error>;

/// Something that was read, and how long ago.
#[derive(Debug, Clone)]
pub struct Aged<T> {
    pub value: Arc<T>,
    pub age: Duration,
}

impl<T> Aged<T> {
    fn of(held: &Held<T>) -> Self {
        Self {
            value: Arc::clone(&held.value),
            age: held.at.elapsed(),
        }
    }
}

impl Inventory {
    /// The snapshots of a guest, at most 2 s old. All who ask share one request.
    ///
    /// # Errors
    ///
    /// As [`super::Client::snapshots`].
    pub async fn snapshots(&self, guest: &GuestFacts) -> Result<Arc<Snapshots>, Error> {
        let fetch = || self.fetch_snapshots(guest);
        let got = self.snapshots.get(key_of(guest), SNAPSHOTS_AGE, fetch);
        let held = got.await.map_err(|error| Error::clone(&error))?;
        Ok(Arc::clone(&held.value))
    }

    /// What is known of them, for completion: never waits, and begins a read where it is old.
    #[must_use]
    pub fn snapshots_while_typing(&self, guest: &GuestFacts) -> Option<Arc<Snapshots>> {
        let fetch = || self.fetch_snapshots(guest);
        let held = self.snapshots.now_and_later(key_of(guest), fetch)?;
        Some(Arc::clone(&held.value))
    }

    /// The last list that was read, if any.
    #[must_use]
    pub fn snapshots_seen(&self, guest: &GuestFacts) -> Option<Aged<Snapshots>> {
        let held = self.snapshots.latest(&key_of(guest))?;
        Some(Aged::of(&held))
    }

    fn fetch_snapshots(
        &self,
        guest: &GuestFacts,
    ) -> impl Future<Output = Result<Snapshots, Error>> + Send + 'static {
        let (client, guest) = (self.client_shared(), guest.clone());
        async move { client.snapshots(&guest).await }
    }

    /// The backups of a guest, at most a minute old. All who ask share one look.
    ///
    /// # Errors
    ///
    /// Only without a snapshot of the cluster; what a storage does not tell is in [`Backups`].
    pub async fn backups(self: &Arc<Self>, guest: &GuestFacts) -> Result<Aged<Backups>, Error> {
        let fetch = || {
            let (inventory, guest) = (Arc::clone(self), guest.clone());
            async move {
                let latest = inventory.fresh(TYPING_REST * 2, TYPING_REST).await;
                let snapshot = match latest {
                    Ok(snapshot) => snapshot,
                    Err(stale) => stale.latest.ok_or_else(|| match stale.why {
                        StaleWhy::Failed(error) => Error::clone(&error),
                        StaleWhy::Slow => Error::BadReply("no snapshot in time".to_owned()),
                    })?,
                };
                Ok(inventory.client().all_backups(&guest, &snapshot).await)
            }
        };
        let got = self.backups.get(key_of(guest), BACKUPS_AGE, fetch);
        let held = got.await.map_err(|error| Error::clone(&error))?;
        Ok(Aged::of(&held))
    }

    /// The last look at them, if any.
    #[must_use]
    pub fn backups_seen(&self, guest: &GuestFacts) -> Option<Aged<Backups>> {
        let held = self.backups.latest(&key_of(guest))?;
        Some(Aged::of(&held))
    }

    /// Something was done to its snapshots or backups: what was read before no longer counts.
    pub fn lists_changed(&self, guest: &GuestFacts) {
        self.snapshots.forget(&key_of(guest));
        self.backups.forget(&key_of(guest));
        self.contents.forget_unless(hangs);
    }

    /// What lies on a storage, at most 10 s old. A `shared` one is the same for all nodes, whichever of
    /// them is asked. One that does not answer is not asked again for five minutes.
    ///
    /// # Errors
    ///
    /// As every read: see [`Error`]. A storage that is offline is a 500.
    pub async fn contents(
        &self,
        node: &NodeName,
        storage: &StorageName,
        shared: bool,
    ) -> Result<Contents, Error> {
        let key = (storage.clone(), (!shared).then(|| node.clone()));
        let hung = self.contents.latest(&key).is_some_and(|kept| hangs(&kept));
        let age = if hung { HUNG_REST } else { CONTENTS_AGE };
        let list = || {
            let (client, node, storage) = (self.client_shared(), node.clone(), storage.clone());
            async move { Ok(client.volumes(&node, &storage).await) }
        };
        let prove = || {
            let (client, storage) = (self.client_shared(), storage.clone());
            async move { client.is_shown_all(&storage).await }
        };
        let (listed, whole) = tokio::join!(
            self.contents.get(key, age, list),
            self.shown.get(storage.clone(), CONTENTS_AGE, prove)
        );
        let listed = Tried::clone(&listed.map_err(|error| Error::clone(&error))?.value)?;
        // Where the privileges are not told, nothing is proven.
        Ok(Contents::new(listed, whole.is_ok_and(|held| *held.value)))
    }

    /// How a guest is configured, at most 5 s old, and likewise if that cannot be read.
    ///
    /// # Errors
    ///
    /// As [`super::Client::guest_config`].
    pub async fn guest_config(&self, guest: &GuestFacts) -> Result<GuestConfig, Error> {
        let fetch = || {
            let (client, guest) = (self.client_shared(), guest.clone());
            async move { client.guest_config(&guest).await }
        };
        tried(&self.configs, guest, fetch).await
    }

    /// Where a guest can be reached, at most 5 s old, and likewise if that cannot be read.
    ///
    /// # Errors
    ///
    /// As [`super::Client::addresses`].
    pub async fn addresses(&self, guest: &GuestFacts) -> Result<Vec<IpAddr>, Error> {
        let fetch = || {
            let (client, guest) = (self.client_shared(), guest.clone());
            async move { client.addresses(&guest).await }
        };
        tried(&self.addresses, guest, fetch).await
    }
}

async fn tried<T, F>(
    kept: &Kept<GuestKey, Tried<T>>,
    guest: &GuestFacts,
    fetch: impl Fn() -> F,
) -> Result<T, Error>
where
    T: Clone + Send + Sync + 'static,
    F: Future<Output = Result<T, Error>> + Send + 'static,
{
    let keep = || {
        let read = fetch();
        async move { Ok(read.await) }
    };
    match kept.get(key_of(guest), DETAILS_AGE, keep).await {
        Ok(held) => Tried::clone(&held.value),
        Err(error) => Err(Error::clone(&error)),
    }
}

/// Whether nothing came at all: a no is an answer.
fn hangs(kept: &Held<Tried<Volumes>>) -> bool {
    kept.value
        .as_ref()
        .as_ref()
        .is_err_and(|error| error.status().is_none())
}
