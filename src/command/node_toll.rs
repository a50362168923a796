//! What goes down with a node, for the person who is about to take it down.

use std::collections::BTreeSet;

use crate::action::{NodePower, Request, Target};
use crate::embed;
use crate::embed::node_toll::{Door, Fate, Kept, Toll};
use crate::ids::{NodeName, NodeRef};
use crate::proxmox::{Care, Guest, Node, NodeState, Refuge, RunState, Snapshot, care};

use super::desk::Desk;
use super::resolve::FoundNode;

/// As far as the person may know it.
pub(super) fn toll<'s>(
    desk: &Desk,
    request: &Request,
    power: NodePower,
    found: &FoundNode,
    snapshot: &'s Snapshot,
) -> Toll<'s> {
    let law = desk.law();
    let mine = law.of(&request.actor);
    let ha = found.inventory.ha().unwrap_or_default();
    let mut toll = Toll {
        quorum: snapshot.quorum.as_ref(),
        nodes: online(snapshot),
        door: door(found, snapshot),
        ..Toll::default()
    };
    let mut unclear = is_in_maintenance(&found.node);
    let there = refuges(&found.reference.node, snapshot);
    let may_see = |node: &NodeName| {
        let cluster = found.reference.cluster.clone();
        let node = node.clone();
        mine.see(&Target::Node(&NodeRef { cluster, node }))
    };
    let runs = |guest: &&Guest| guest.status != RunState::Stopped && !guest.template;
    let here = |guest: &&Guest| guest.facts.node == found.reference.node;
    for guest in snapshot.guests.values().filter(here).filter(runs) {
        let seen = mine.see(&Target::Guest(&guest.facts));
        let called = embed::guest::called(&guest.facts, desk.several());
        let care = care(guest.ha.as_deref());
        unclear |= care == Care::Unclear;
        match (care, seen) {
            (Care::None, true) => toll.guests.push(called),
            (Care::None, false) => toll.others += 1,
            (_, true) => {
                let facts = &guest.facts;
                let refuge = ha.refuge(facts.kind, facts.guest.vmid, &there);
                toll.kept.push(kept(called, &refuge, may_see));
            }
            (_, false) => toll.kept_others += 1,
        }
    }
    if !unclear {
        toll.fate = Fate::of(ha.policy, power);
    }
    toll
}

/// What is in maintenance has moved its guests already, whatever the policy says.
fn is_in_maintenance(node: &Node) -> bool {
    node.ha.as_deref() == Some("maintenance")
}

/// The nodes that can take a guest of this one.
fn refuges(leaving: &NodeName, snapshot: &Snapshot) -> BTreeSet<NodeName> {
    let nodes = snapshot.nodes.values();
    let takes = |node: &&Node| {
        node.name != *leaving && node.status == NodeState::Online && !is_in_maintenance(node)
    };
    nodes.filter(takes).map(|node| node.name.clone()).collect()
}

/// Nodes that the person may not see are counted only.
fn kept(name: String, refuge: &Refuge, may_see: impl Fn(&NodeName) -> bool) -> Kept {
    let (shown, hidden): (Vec<_>, Vec<_>) = refuge.nodes.iter().partition(|node| may_see(node));
    Kept {
        name,
        nodes: shown.into_iter().map(ToString::to_string).collect(),
        more: hidden.len(),
        sure: refuge.sure,
    }
}

fn online(snapshot: &Snapshot) -> (usize, usize) {
    let up = |node: &&Node| node.status == NodeState::Online;
    let online = snapshot.nodes.values().filter(up).count();
    (online, snapshot.nodes.len())
}

/// How the bot reaches Proxmox.
fn door(found: &FoundNode, snapshot: &Snapshot) -> Door {
    let door = snapshot
        .quorum
        .as_ref()
        .and_then(|q| q.answered_by.as_ref());
    match (found.inventory.client().endpoints(), door) {
        _ if snapshot.nodes.len() == 1 => Door::This,
        (2.., _) => Door::Others,
        (_, Some(door)) if *door == found.reference.node => Door::This,
        (_, Some(_)) => Door::Others,
        (_, None) => Door::One,
    }
}
