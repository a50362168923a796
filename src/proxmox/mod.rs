//! The HTTP API of Proxmox VE, and nothing else: no words for people, no decisions.
//!
//! [`Client`] is one cluster's door: typed calls over `http`, which knows endpoints, time-outs and
//! what may be tried again. [`Inventory`] is what the rest of the bot reads: the shared snapshot.
//! A write takes a [`Permit`], which is compared with what it does.

mod access;
mod addresses;
mod answer;
mod backup;
mod chains;
mod content;
mod deed;
mod endpoints;
mod error;
mod guest;
mod guest_config;
mod ha;
mod http;
mod inventory;
mod kept;
mod lists;
mod node;
mod node_power;
mod path;
mod perl;
mod quorum;
mod rows;
mod shared;
mod snapshot;
mod task;
mod tasks_list;
mod tls;
mod tokens;
mod turns;
mod vzdump;

use std::fmt;

use serde::de::DeserializeOwned;

use crate::config::Cluster;
use crate::ids::ClusterName;
use crate::permission::Permit;

use answer::{OF_ONE, OF_PAGE};
use http::{Read, Transport, Write};
use path::ApiPath;
use turns::Lane;

pub use access::{Permissions, Roles, Version};
pub use backup::{BackedUp, Backups, Listing};
pub use content::{Contents, Count};
pub use deed::{Order, Sent};
pub use error::{Error, Failure, Missing, Why};
pub use guest::{GuestNow, RunState};
pub use guest_config::{Disk, GuestConfig};
pub use ha::{Care, Ha, Refuge, ShutdownPolicy, care};
pub use http::Limits;
pub use inventory::{Inventory, Stale, StaleWhy};
pub use lists::Aged;
pub use node::NodeStatus;
pub use quorum::Quorum;
pub use rows::{Guest, Node, NodeState, Snapshot, Storage, StorageState};
pub use snapshot::{Snapshots, Snapshotted};
pub use task::{Followed, Patience, TaskEnd, TaskState, follow};
pub use tasks_list::{Listed, Tenures};
pub use tls::{Fault, Presented, fingerprint_text, looked_up, presented, usable_authority};
pub use tokens::{Draft, Role, Token, TokenAdmin};
pub use vzdump::{BackupLog, Progress};

/// One cluster's API. Made once per cluster and shared: it holds the connections.
pub struct Client {
    transport: Transport,
}

impl Client {
    /// # Errors
    ///
    /// [`Error::Setup`] if the configuration cannot be used. Nothing is sent yet.
    pub fn new(cluster: &Cluster) -> Result<Self, Error> {
        Self::with_limits(cluster, Limits::default())
    }

    /// Like [`Client::new`], with other limits.
    ///
    /// # Errors
    ///
    /// The same.
    pub fn with_limits(cluster: &Cluster, limits: Limits) -> Result<Self, Error> {
        let token = (cluster.token_id.as_str(), &cluster.token_secret);
        let transport = Transport::new(cluster, token, limits)?;
        Ok(Self { transport })
    }

    #[must_use]
    pub fn cluster(&self) -> &ClusterName {
        self.transport.cluster()
    }

    /// Through how many addresses it is reached.
    #[must_use]
    pub fn endpoints(&self) -> usize {
        self.transport.endpoints()
    }

    /// Reads something that the entry node answers from memory, of at most `most` bytes.
    async fn get<T: DeserializeOwned>(&self, path: &ApiPath, most: usize) -> Result<T, Error> {
        let read = Read {
            lane: Lane::Cluster,
            path,
            limit: self.transport.limits().read,
            most,
        };
        self.transport.read(read).await?.data()
    }

    /// Reads something that another process or node has to find out.
    async fn get_protected<T: DeserializeOwned>(
        &self,
        lane: Lane<'_>,
        path: &ApiPath,
    ) -> Result<T, Error> {
        let read = Read {
            lane,
            path,
            limit: self.transport.limits().protected,
            most: OF_ONE,
        };
        self.transport.read(read).await?.data()
    }

    /// The same for a page of a list, with how much there is in all, where Proxmox says so.
    async fn get_page<T: DeserializeOwned>(
        &self,
        lane: Lane<'_>,
        path: &ApiPath,
    ) -> Result<(T, Option<u64>), Error> {
        let read = Read {
            lane,
            path,
            limit: self.transport.limits().protected,
            most: OF_PAGE,
        };
        self.transport.read(read).await?.data_and_total()
    }

    /// Every write goes through here. Refused with [`Error::WrongPermit`] unless the permit is for
    /// exactly that right on exactly that target.
    async fn write<T: DeserializeOwned>(
        &self,
        permit: &Permit,
        write: Write<'_>,
    ) -> Result<T, Error> {
        self.transport.write(permit, write).await?.data()
    }
}

/// Only the name: what is inside holds the token.
impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Client")
            .field("cluster", self.cluster())
            .finish_non_exhaustive()
    }
}
