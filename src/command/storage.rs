//! `/storage list`: what the snapshot says, of the nodes that the person may view.

use std::collections::BTreeMap;

use crate::action::{Request, Right, Target};
use crate::embed::status::Age;
use crate::embed::storage::{Place, Shelf, View};
use crate::embed::{self, Reply};
use crate::ids::{NodeQuery, NodeRef};
use crate::proxmox::{NodeState, Snapshot, Storage};

use super::desk::Desk;
use super::node_not_found;
use super::read::{age, nothing};
use super::resolve::{self, Lookup, Sight};

/// Of one node, or of all that the person may view.
pub(super) fn list(
    desk: &Desk,
    request: &Request,
    only: Option<&NodeQuery>,
) -> Result<Reply, Reply> {
    let only = only.map(|node| meant(desk, request, node)).transpose()?;
    let law = desk.law();
    let mine = law.of(&request.actor);
    let mut views = Vec::new();
    for inventory in &desk.clusters {
        let cluster = inventory.client().cluster();
        if only.as_ref().is_some_and(|node| node.cluster != *cluster) {
            continue;
        }
        let Some(snapshot) = inventory.latest() else {
            views.push(View {
                cluster: cluster.to_string(),
                shelves: Vec::new(),
                untold: Vec::new(),
                age: Age::Never,
            });
            continue;
        };
        let nodes: Vec<NodeRef> = snapshot
            .nodes
            .keys()
            .filter(|node| only.as_ref().is_none_or(|only| only.node == **node))
            .map(|node| NodeRef {
                cluster: cluster.clone(),
                node: node.clone(),
            })
            .filter(|node| mine.decide(Right::View, &Target::Node(node)).is_ok())
            .collect();
        if !nodes.is_empty() {
            views.push(view(&snapshot, &nodes));
        }
    }
    let never = views.iter().any(|view| view.age == Age::Never);
    if views.iter().all(|view| view.age == Age::Never) && !(never && mine.any()) {
        return Err(nothing(desk, request));
    }
    Ok(embed::storage::list(&views, only.as_ref(), desk.several()))
}

fn meant(desk: &Desk, request: &Request, node: &NodeQuery) -> Result<NodeRef, Reply> {
    match resolve::node(desk, &request.actor, Sight::Shown, node) {
        Lookup::Found(found) => Ok(found.reference),
        Lookup::NotYet if desk.law().of(&request.actor).any() => {
            Err(embed::problem::out_of_reach("Proxmox", request.id))
        }
        _ => Err(node_not_found(desk, request, node)),
    }
}

/// A shared storage once, whatever nodes it hangs at; any other under its node.
fn view(snapshot: &Snapshot, nodes: &[NodeRef]) -> View {
    let mut shelves: BTreeMap<(String, Option<String>), Shelf> = BTreeMap::new();
    let mut untold = Vec::new();
    for reference in nodes {
        let here = snapshot
            .storages
            .values()
            .filter(|storage| storage.node == reference.node);
        let mut any = false;
        for storage in here {
            any = true;
            let node = (!storage.shared).then(|| storage.node.to_string());
            let shelf = shelves
                .entry((storage.name.clone(), node))
                .or_insert_with(|| Shelf {
                    name: storage.name.clone(),
                    shared: storage.shared,
                    plugin: storage.plugin.clone(),
                    content: storage.content.clone(),
                    used: None,
                    total: None,
                    places: Vec::new(),
                });
            put(shelf, storage, snapshot);
        }
        // Where the token may not see them, Proxmox leaves them out without a word.
        if !any {
            untold.push(reference.node.to_string());
        }
    }
    View {
        cluster: nodes
            .first()
            .map(|node| node.cluster.to_string())
            .unwrap_or_default(),
        shelves: shelves.into_values().collect(),
        untold,
        age: age(snapshot),
    }
}

fn put(shelf: &mut Shelf, storage: &Storage, snapshot: &Snapshot) {
    let up = snapshot
        .nodes
        .get(&storage.node)
        .is_some_and(|node| node.status == NodeState::Online);
    shelf.places.push(Place {
        node: storage.node.to_string(),
        up,
        state: storage.status.clone(),
    });
    // Of a shared one any node tells the same; one that is away tells nothing.
    if let (Some(used), Some(total @ 1..)) = (storage.disk, storage.maxdisk) {
        (shelf.used, shelf.total) = (Some(used), Some(total));
    }
}
