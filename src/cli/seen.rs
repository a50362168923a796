//! What a cluster shows to the bot's token: for `check` and `pveum`.

use std::sync::Arc;
use std::time::Duration;

use crate::action::{GuestFacts, Target};
use crate::ids::{ClusterName, Vmid};
use crate::permission::{Policy, specimens};
use crate::privileges::{Storage, Wish, World};
use crate::proxmox::{Error, Inventory, Permissions, Roles, Snapshot, StaleWhy, Version};

const PATIENCE: Duration = Duration::from_secs(20);

pub(super) struct Seen {
    pub cluster: ClusterName,
    pub version: Version,
    pub permissions: Permissions,
    pub roles: Roles,
    pub snapshot: Arc<Snapshot>,
}

pub(super) async fn read(inventory: &Arc<Inventory>) -> Result<Seen, Error> {
    let client = inventory.client();
    let version = client.version().await?;
    let permissions = client.permissions().await?;
    let roles = client.roles().await?;
    let snapshot = inventory.fresh(Duration::ZERO, PATIENCE).await;
    let snapshot = snapshot.map_err(|stale| match stale.why {
        StaleWhy::Failed(error) => (*error).clone(),
        StaleWhy::Slow => Error::BadReply("no snapshot in 20 s".to_owned()),
    })?;
    Ok(Seen {
        cluster: client.cluster().clone(),
        version,
        permissions,
        roles,
        snapshot,
    })
}

impl Seen {
    /// What the rules are held against, those guests included that rules name by their VMID and that
    /// the token does not see.
    pub(super) fn world(&self, policy: &Policy) -> World {
        let seen = self.snapshot.guests.values();
        let mut guests: Vec<GuestFacts> = seen.map(|guest| guest.facts.clone()).collect();
        let unseen = named_guests(policy, &self.cluster);
        guests.extend(unseen.filter(|guest| !self.snapshot.guests.contains_key(&guest.guest.vmid)));
        let storages = self.snapshot.storages.values();
        World {
            cluster: self.cluster.clone(),
            version: self.version.major().unwrap_or(9),
            guests,
            nodes: self.snapshot.nodes.keys().cloned().collect(),
            storages: storages
                .map(|storage| Storage {
                    node: storage.node.clone(),
                    name: storage.name.clone(),
                    backups: storage.content.iter().any(|content| content == "backup"),
                })
                .collect(),
            backups_to: Vec::new(),
            wish: Wish::default(),
        }
    }
}

/// The guests that rules name by their VMID, as far as the rules alone tell.
pub(super) fn named_guests(
    policy: &Policy,
    cluster: &ClusterName,
) -> impl Iterator<Item = GuestFacts> {
    let here = cluster.clone();
    let all = specimens(policy, std::slice::from_ref(cluster)).into_iter();
    all.filter(move |(word, facts)| is_vmid(word) && facts.guest.cluster == here)
        .map(|(_, facts)| facts)
}

fn is_vmid(word: &str) -> bool {
    let number = word.rsplit('/').next().unwrap_or(word);
    number.parse::<Vmid>().is_ok()
}

/// Words of allow rules that mean guests of which the rules alone do not tell which they are.
pub(super) fn unclear(policy: &Policy, world: &World) -> Vec<String> {
    let clusters = std::slice::from_ref(&world.cluster);
    let words = specimens(policy, clusters).into_iter();
    let words = words.filter(|(word, facts)| {
        let whole = policy.given_on_every_guest(&world.cluster, facts.pool.as_deref());
        let given = policy.given(&Target::Guest(facts));
        !is_vmid(word) && given.iter().any(|right| !whole.contains(right))
    });
    words.map(|(word, _)| format!("`{word}`")).collect()
}
