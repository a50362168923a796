//! From what a person wrote to one guest or node, as far as that person may know of it. A guest
//! that one may not see and a guest that is not there are the same answer.

use std::sync::Arc;

use crate::action::{Actor, GuestFacts, Right, Target};
use crate::ids::{GuestQuery, Kind, NodeQuery, NodeRef, Wanted};
use crate::permission::Rights;
use crate::proxmox::{Guest, Inventory, Node, Snapshot};

use super::desk::Desk;

#[derive(Debug)]
pub(super) enum Lookup<T> {
    Found(T),
    Missing,
    /// Visible, but not of the kind that the command is for.
    WrongKind(GuestFacts),
    Ambiguous(Vec<GuestFacts>),
    /// One, but a cluster that could have another has not been seen since the bot was started.
    OnlySeen(GuestFacts),
    /// A cluster that could have it has not been seen since the bot was started.
    NotYet,
}

/// A guest as the snapshot has it, and where it came from.
#[derive(Debug, Clone)]
pub(super) struct FoundGuest {
    pub inventory: Arc<Inventory>,
    pub guest: Guest,
}

#[derive(Debug, Clone)]
pub(super) struct FoundNode {
    pub inventory: Arc<Inventory>,
    pub reference: NodeRef,
    pub node: Node,
}

/// How much of a guest one must be allowed to know for it to be found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Sight {
    /// It is shown here and now.
    Shown,
    /// Its existence is no secret, so a refusal may speak of it.
    Known,
}

impl Sight {
    fn finds(self, mine: &Rights<'_>, target: &Target<'_>) -> bool {
        match self {
            Self::Shown => mine.see(target),
            Self::Known => mine.know(target),
        }
    }
}

pub(super) fn guest(
    desk: &Desk,
    actor: &Actor,
    sight: Sight,
    kind: Option<Kind>,
    query: &GuestQuery,
) -> Lookup<FoundGuest> {
    let law = desk.law();
    let mine = law.of(actor);
    let mut unseen = false;
    let mut found: Vec<FoundGuest> = Vec::new();
    for inventory in desk.asked_for(query.cluster.as_ref()) {
        let Some(snapshot) = inventory.latest() else {
            unseen = true;
            continue;
        };
        let mine_of_it = matching(&snapshot, &query.wanted)
            .into_iter()
            .filter(|guest| sight.finds(&mine, &Target::Guest(&guest.facts)));
        found.extend(mine_of_it.map(|guest| FoundGuest {
            inventory: Arc::clone(inventory),
            guest: guest.clone(),
        }));
    }
    let fits = |f: &FoundGuest| kind.is_none_or(|kind| f.guest.facts.kind == kind);
    let (mut right, wrong): (Vec<_>, Vec<_>) = found.into_iter().partition(fits);
    match (right.len(), wrong.into_iter().next()) {
        (1, _) if unseen && query.cluster.is_none() => match right.pop() {
            Some(found) => Lookup::OnlySeen(found.guest.facts),
            None => Lookup::Missing,
        },
        (1, _) => right.pop().map_or(Lookup::Missing, Lookup::Found),
        (0, _) if unseen => Lookup::NotYet,
        (0, Some(other)) => Lookup::WrongKind(other.guest.facts),
        (0, None) => Lookup::Missing,
        _ => Lookup::Ambiguous(right.into_iter().map(|f| f.guest.facts).collect()),
    }
}

/// `Shown`: its figures may be looked at.
pub(super) fn node(
    desk: &Desk,
    actor: &Actor,
    sight: Sight,
    query: &NodeQuery,
) -> Lookup<FoundNode> {
    let law = desk.law();
    let mine = law.of(actor);
    let mut unseen = false;
    for inventory in desk.asked_for(query.cluster.as_ref()) {
        let Some(snapshot) = inventory.latest() else {
            unseen = true;
            continue;
        };
        let Some(node) = snapshot.nodes.get(&query.node) else {
            continue;
        };
        let reference = NodeRef {
            cluster: inventory.client().cluster().clone(),
            node: query.node.clone(),
        };
        let target = Target::Node(&reference);
        let found = match sight {
            Sight::Shown => mine.decide(Right::View, &target).is_ok(),
            Sight::Known => mine.know(&target),
        };
        if found {
            return Lookup::Found(FoundNode {
                inventory: Arc::clone(inventory),
                reference,
                node: node.clone(),
            });
        }
    }
    if unseen {
        Lookup::NotYet
    } else {
        Lookup::Missing
    }
}

fn matching<'s>(snapshot: &'s Snapshot, wanted: &Wanted) -> Vec<&'s Guest> {
    match wanted {
        Wanted::Vmid(vmid) => snapshot.guests.get(vmid).into_iter().collect(),
        Wanted::Name(name) => {
            let called = |guest: &&Guest| {
                let its = guest.facts.name.as_deref();
                its.is_some_and(|its| its.eq_ignore_ascii_case(name.as_str()))
            };
            snapshot.guests.values().filter(called).collect()
        }
    }
}
