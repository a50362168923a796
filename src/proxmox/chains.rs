//! Which storages keep the snapshots of a guest as a chain of volumes: on such it goes back to the
//! newest snapshot only.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use serde::Deserialize;

use super::answer::OF_PAGE;
use super::inventory::{Inventory, value};
use super::path::ApiPath;
use super::perl::{Object, Scalar};
use super::{Client, Error};

/// A setting that is made once, with the storage.
const AGE: Duration = Duration::from_mins(1);

/// `GET /storage`: all of which the token has `Datastore.Audit` or `Datastore.AllocateSpace`.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Row {
    storage: Scalar,
    /// Since 9.
    #[serde(rename = "snapshot-as-volume-chain")]
    chain: Scalar,
}

impl Client {
    async fn without_chain(&self) -> Result<BTreeSet<String>, Error> {
        let path = ApiPath::new(&["storage"]);
        let rows: Vec<Object<Row>> = self.get(&path, OF_PAGE).await?;
        let rows = rows.into_iter().filter_map(|row| row.0);
        let loose = rows.filter(|row| !row.chain.flag());
        Ok(loose.filter_map(|row| row.storage.text()).collect())
    }
}

impl Inventory {
    /// The storages that surely keep no such chain: what the token may not see is not among them.
    ///
    /// # Errors
    ///
    /// As every read: see [`Error`].
    pub async fn without_chain(&self) -> Result<Arc<BTreeSet<String>>, Error> {
        let fetch = || {
            let client = self.client_shared();
            async move { client.without_chain().await }
        };
        value(self.unchained.get((), AGE, fetch).await)
    }
}
