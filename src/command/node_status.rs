//! `/node status`: one node, as its cluster has it and as it says itself.

use crate::action::{NodePower, Request, Right, Target};
use crate::embed::node::{Updates, View};
use crate::embed::status::Age;
use crate::embed::{self, Reply};
use crate::ids::{NodeQuery, NodeRef};
use crate::proxmox::{Guest, NodeStatus, RunState};

use super::desk::{Desk, READ_PATIENCE};
use super::node_not_found;
use super::read::{age, as_of};
use super::resolve::{self, FoundNode, Lookup, Sight};

/// What a node says itself.
struct OwnWords {
    details: Option<NodeStatus>,
    updates: Updates,
    /// It was asked and did not answer.
    silent: bool,
}

impl Default for OwnWords {
    fn default() -> Self {
        Self {
            details: None,
            updates: Updates::Untold,
            silent: false,
        }
    }
}

async fn own_words(found: &FoundNode) -> OwnWords {
    let node = &found.reference.node;
    let status = found.inventory.client().node_status(node);
    let waiting = found.inventory.updates(node);
    let (status, waiting) = tokio::join!(
        tokio::time::timeout(READ_PATIENCE, status),
        tokio::time::timeout(READ_PATIENCE, waiting),
    );
    let silent = match &status {
        Ok(Ok(_)) => false,
        // Without Sys.Audit the snapshot's row has to do.
        Ok(Err(error)) => error.status() != Some(403),
        Err(_) => true,
    };
    OwnWords {
        details: status.ok().and_then(Result::ok),
        updates: match waiting {
            Ok(Ok(Some(count))) => Updates::Waiting(count),
            Ok(Ok(None)) => Updates::Hidden,
            Ok(Err(_)) | Err(_) => Updates::Untold,
        },
        silent,
    }
}

pub(super) async fn node_status(
    desk: &Desk,
    request: &Request,
    query: &NodeQuery,
) -> Result<Reply, Reply> {
    let found = match resolve::node(desk, &request.actor, Sight::Shown, query) {
        Lookup::Found(found) => found,
        Lookup::NotYet => return Err(embed::problem::out_of_reach("Proxmox", request.id)),
        _ => return Err(node_not_found(desk, request, query)),
    };
    let mut own = OwnWords::default();
    if embed::node::online(&found.node) {
        own = own_words(&found).await;
    }
    let law = desk.law();
    let mine = law.of(&request.actor);
    if own.updates == Updates::Hidden && mine.decide(Right::Access, &Target::Bot).is_err() {
        // What the bot lacks concerns those who can give it.
        own.updates = Updates::Untold;
    }
    let latest = found.inventory.latest();
    if own.silent {
        found.inventory.refresh();
    }
    let runs_on_it = |guest: &&Guest| {
        let off = matches!(guest.status, RunState::Stopped | RunState::Unknown);
        guest.facts.node == found.reference.node && !off
    };
    let running = latest.as_ref().map_or(0, |snapshot| {
        snapshot.guests.values().filter(runs_on_it).count()
    });
    let may = |power: &NodePower| {
        let target = Target::Node(&found.reference);
        mine.decide(power.right(), &target).is_ok()
    };
    Ok(embed::node::card(&View {
        reference: &found.reference,
        node: &found.node,
        details: own.details.as_ref(),
        silent: own.silent,
        updates: own.updates,
        running,
        may: NodePower::ALL.into_iter().filter(may).collect(),
        busy: busy(desk, &found.reference),
        age: match latest {
            Some(latest) if own.silent => as_of(&latest),
            Some(latest) => age(&found.inventory, &latest),
            None => Age::Never,
        },
    }))
}

/// What is being done to the node. What a former process left may never have been sent.
fn busy(desk: &Desk, node: &NodeRef) -> Option<NodePower> {
    let (order, _) = desk.nodes.by(node)?;
    (!order.left).then_some(order.power)
}
