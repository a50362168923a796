//! `/storage list`: what the snapshot says, of the nodes that the person may view; and of one storage
//! alone also what lies on it, which its node has to find out.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use futures_util::future::join_all;

use crate::action::{Actor, Request, Right, Target};
use crate::embed::status::Age;
use crate::embed::storage::{Holds, Place, Shelf, View};
use crate::embed::{self, Reply};
use crate::ids::{NodeQuery, NodeRef, StorageName};
use crate::proxmox::{Inventory, NodeState, Snapshot, Storage};

use super::Choice;
use super::desk::Desk;
use super::node_not_found;
use super::read::{age, nothing};
use super::resolve::{self, Lookup, Sight};
use super::suggest::MOST;

/// Of one node, or of all that the person may view.
pub(super) fn list(
    desk: &Desk,
    request: &Request,
    only: Option<&NodeQuery>,
) -> Result<Reply, Reply> {
    let only = only.map(|node| meant(desk, request, node)).transpose()?;
    let views = views(desk, request, only.as_ref())?;
    Ok(embed::storage::list(&views, only.as_ref(), desk.several()))
}

/// Why the person is not told of one storage; nothing where they are, or where that is not known yet.
pub(super) fn refused(
    desk: &Desk,
    request: &Request,
    node: Option<&NodeQuery>,
    storage: &StorageName,
) -> Option<Reply> {
    let seen = desk.clusters.iter().all(|c| c.latest().is_some());
    let found = seen.then(|| named(desk, request, node, storage))?;
    found.err()
}

/// One storage, wherever it is called so, with what lies on it.
pub(super) async fn one(
    desk: &Desk,
    request: &Request,
    node: Option<&NodeQuery>,
    storage: &StorageName,
) -> Result<Reply, Reply> {
    let (before, _) = named(desk, request, node, storage)?;
    let shelves = before
        .iter()
        .flat_map(|view| view.shelves.iter().map(move |shelf| (view, shelf)));
    let asked = shelves.map(|(view, shelf)| async move {
        let holds = held(desk, request, view, shelf, storage).await;
        (key(view, shelf), holds)
    });
    let mut told: HashMap<_, _> = join_all(asked).await.into_iter().collect();
    // The right may be gone since.
    let (mut views, only) = named(desk, request, node, storage)?;
    for view in &mut views {
        let mut shelves = std::mem::take(&mut view.shelves);
        for shelf in &mut shelves {
            shelf.holds = told.remove(&key(view, shelf)).unwrap_or_default();
        }
        view.shelves = shelves;
    }
    let several = desk.several();
    Ok(embed::storage::one(&views, storage, only.as_ref(), several))
}

/// A shared storage is one, whatever nodes it hangs at.
fn key(view: &View, shelf: &Shelf) -> (String, Option<String>) {
    let place = shelf.places.first().filter(|_| !shelf.shared);
    (view.cluster.clone(), place.map(|place| place.node.clone()))
}

/// What lies there, asked of one node that reaches it.
async fn held(
    desk: &Desk,
    request: &Request,
    view: &View,
    shelf: &Shelf,
    storage: &StorageName,
) -> Holds {
    let mut clusters = desk.clusters.iter();
    let inventory = clusters.find(|c| c.client().cluster().as_str() == view.cluster);
    let reached = shelf.places.iter().find(|place| place.reached());
    let node = reached.and_then(|place| place.node.parse().ok());
    let (Some(inventory), Some(node)) = (inventory, node) else {
        return Holds::NotAsked;
    };
    match inventory.contents(&node, storage, shelf.shared).await {
        Ok(contents) => Holds::Listed(contents),
        Err(error) => {
            tracing::debug!(interaction = %request.id, %error, "a storage cannot be listed");
            Holds::Unread
        }
    }
}

/// What the snapshot says of one storage. Hidden and missing are the same.
fn named(
    desk: &Desk,
    request: &Request,
    node: Option<&NodeQuery>,
    storage: &StorageName,
) -> Result<(Vec<View>, Option<NodeRef>), Reply> {
    let only = node.map(|node| meant(desk, request, node)).transpose()?;
    let mut views = views(desk, request, only.as_ref())?;
    for view in &mut views {
        view.shelves.retain(|shelf| shelf.name == storage.as_str());
        view.untold.clear();
    }
    views.retain(|view| !view.shelves.is_empty() || view.age == Age::Never);
    if views.is_empty() {
        let why = format!("no such storage, or not visible: {storage}");
        desk.note_refusal(request, None, &why);
        return Err(embed::problem::no_such_storage(storage));
    }
    Ok((views, only))
}

/// All that the person may see, by cluster.
fn views(desk: &Desk, request: &Request, only: Option<&NodeRef>) -> Result<Vec<View>, Reply> {
    let views = shown(desk, &request.actor, only);
    let any = desk.law().of(&request.actor).any();
    let never = views.iter().any(|view| view.age == Age::Never);
    if views.iter().all(|view| view.age == Age::Never) && !(never && any) {
        return Err(nothing(desk, request));
    }
    Ok(views)
}

fn shown(desk: &Desk, actor: &Actor, only: Option<&NodeRef>) -> Vec<View> {
    let law = desk.law();
    let mine = law.of(actor);
    let mut views = Vec::new();
    for inventory in &desk.clusters {
        let cluster = inventory.client().cluster();
        if only.is_some_and(|node| node.cluster != *cluster) {
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
            .filter(|node| only.is_none_or(|only| only.node == **node))
            .map(|node| NodeRef {
                cluster: cluster.clone(),
                node: node.clone(),
            })
            .filter(|node| mine.decide(Right::View, &Target::Node(node)).is_ok())
            .collect();
        if !nodes.is_empty() {
            views.push(view(inventory, &snapshot, &nodes));
        }
    }
    views
}

/// What can be completed: the storages of the nodes that the person may view.
pub(super) fn names(desk: &Desk, actor: &Actor, text: &str) -> Vec<Choice> {
    let shelves = shown(desk, actor, None);
    let shelves = shelves.iter().flat_map(|view| &view.shelves);
    let names: BTreeSet<&str> = shelves.map(|shelf| shelf.name.as_str()).collect();
    let fitting = names
        .into_iter()
        .filter(|name| name.to_lowercase().contains(text) && name.parse::<StorageName>().is_ok());
    let choice = |name: &str| Choice {
        name: name.to_owned(),
        value: name.to_owned(),
    };
    fitting.take(MOST).map(choice).collect()
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
fn view(inventory: &Inventory, snapshot: &Snapshot, nodes: &[NodeRef]) -> View {
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
                    holds: Holds::NotAsked,
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
        age: age(inventory, snapshot),
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
