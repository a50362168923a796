//! The HA stack as a whole: its rules, and what the cluster's shutdown policy makes of a node that goes
//! down. What it does with one guest that was asked for is in `power`.

use crate::guest::{Guest, Kind};
use crate::node_power::Next;
use crate::power;
use crate::state::State;
use crate::tasks::Effect;

/// Before 9 those about nodes are groups.
#[derive(Clone, Debug, PartialEq)]
pub struct HaRule {
    pub id: String,
    pub guests: Vec<u32>,
    pub kind: HaRuleKind,
    pub disabled: bool,
}

#[derive(Clone, Debug, PartialEq)]
pub enum HaRuleKind {
    /// With how much each is preferred: the higher, the sooner.
    Nodes {
        nodes: Vec<(String, u32)>,
        strict: bool,
    },
    /// Never on the same node.
    Apart,
}

impl HaRule {
    pub fn nodes(id: &str, guests: &[u32], nodes: &[(&str, u32)]) -> HaRule {
        let nodes = nodes.iter().map(|(name, rank)| ((*name).into(), *rank));
        HaRule {
            id: id.into(),
            guests: guests.to_vec(),
            kind: HaRuleKind::Nodes {
                nodes: nodes.collect(),
                strict: false,
            },
            disabled: false,
        }
    }

    pub fn apart(id: &str, guests: &[u32]) -> HaRule {
        HaRule {
            id: id.into(),
            guests: guests.to_vec(),
            kind: HaRuleKind::Apart,
            disabled: false,
        }
    }

    /// On no other node.
    #[must_use]
    pub fn strict(mut self) -> HaRule {
        if let HaRuleKind::Nodes { strict, .. } = &mut self.kind {
            *strict = true;
        }
        self
    }

    #[must_use]
    pub fn disabled(mut self) -> HaRule {
        self.disabled = true;
        self
    }
}

/// How HA's guests leave a node that goes down.
#[derive(Clone, Copy, PartialEq)]
pub(crate) enum Leave {
    /// Stopped and frozen.
    Freeze,
    /// Stopped, for others to take over.
    Failover,
    /// Before it goes.
    Migrate,
}

pub(crate) fn leave(state: &State, restarts: bool) -> Leave {
    match state.shutdown_policy.as_deref() {
        Some("freeze") => Leave::Freeze,
        Some("failover") => Leave::Failover,
        Some("migrate") => Leave::Migrate,
        // Unknown words count as the default.
        _ if restarts => Leave::Freeze,
        _ => Leave::Failover,
    }
}

/// What comes of the order to a node.
pub(crate) fn first_step(state: &State, node: &str, to: Next) -> Next {
    let restarts = to == Next::Restart;
    if leave(state, restarts) == Leave::Migrate && !kept(state, node).is_empty() {
        Next::Emptied { restarts }
    } else {
        to
    }
}

/// The guests there of which that is true.
fn guests(state: &State, node: &str, fits: impl Fn(&Guest, Option<&str>) -> bool) -> Vec<u32> {
    let there = state.guests.values().filter(|guest| guest.node == node);
    let fitting = there.filter(|guest| fits(guest, guest.ha.as_deref()));
    fitting.map(|guest| guest.vmid).collect()
}

/// The guests that HA keeps running there.
fn kept(state: &State, node: &str) -> Vec<u32> {
    guests(state, node, |_, ha| ha == Some("started"))
}

/// Moves them away. True when none is left.
pub(crate) fn empty(state: &mut State, node: &str) -> bool {
    for vmid in kept(state, node) {
        let Some(target) = refuge(state, vmid, node) else {
            continue;
        };
        let Some(guest) = state.guests.get_mut(&vmid) else {
            continue;
        };
        guest.node = target;
        let kind = match guest.kind {
            Kind::Vm => "qmigrate",
            Kind::Ct => "vzmigrate",
        };
        let upid = state.begin_as(node, "root@pam", kind, &vmid.to_string(), Effect::Other);
        state.end_task(&upid, "OK", true);
        state.displaced.insert(vmid, node.into());
    }
    kept(state, node).is_empty()
}

/// Those that are stopped with the node wait for it.
pub(crate) fn freeze(state: &mut State, node: &str) {
    for vmid in kept(state, node) {
        if let Some(guest) = state.guests.get_mut(&vmid) {
            guest.ha = Some("freeze".into());
        }
    }
}

/// The node is back: what is frozen or was stopped there starts, and what had to leave returns.
pub(crate) fn back(state: &mut State, node: &str) {
    let displaced = state.displaced.extract_if(.., |_, from| from == node);
    let displaced: Vec<u32> = displaced.map(|(vmid, _)| vmid).collect();
    for vmid in displaced {
        if let Some(guest) = state.guests.get_mut(&vmid) {
            guest.node = node.into();
        }
    }
    let waiting = guests(state, node, |guest, ha| {
        ha == Some("freeze") || (ha == Some("started") && !guest.is_up())
    });
    for vmid in waiting {
        request_start(state, vmid);
    }
}

/// Without quorum nobody takes anything over.
pub(crate) fn take_over(state: &mut State, node: &str) {
    if !state.quorate {
        return;
    }
    let left = guests(state, node, |guest, ha| {
        guest.is_ha() && ha != Some("freeze")
    });
    for vmid in left {
        let target = refuge(state, vmid, node);
        let Some(guest) = state.guests.get_mut(&vmid) else {
            continue;
        };
        let Some(target) = target else {
            guest.ha = Some("recovery".into());
            continue;
        };
        guest.node = target;
        if guest.ha.as_deref() == Some("started") {
            request_start(state, vmid);
        }
    }
}

fn request_start(state: &mut State, vmid: u32) {
    if let Some(guest) = state.guests.get_mut(&vmid) {
        guest.ha = Some("request_start".into());
    }
    power::ha_settle(state, vmid);
}

/// The node that comes first for a guest which leaves another.
fn refuge(state: &State, vmid: u32, leaving: &str) -> Option<String> {
    let about = |rule: &&HaRule| !rule.disabled && rule.guests.contains(&vmid);
    let rules: Vec<&HaRule> = state.ha_rules.iter().filter(about).collect();
    let rank = |name: &str| {
        let mut rank = Some(-1);
        for rule in &rules {
            if let HaRuleKind::Nodes { nodes, strict } = &rule.kind {
                let named = nodes.iter().find(|(node, _)| node == name);
                rank = match named {
                    Some((_, rank)) => Some(i64::from(*rank)),
                    None => (!strict).then_some(-1),
                };
            }
        }
        rank
    };
    let apart: Vec<u32> = rules
        .iter()
        .filter(|rule| rule.kind == HaRuleKind::Apart)
        .flat_map(|rule| rule.guests.iter().copied())
        .filter(|other| *other != vmid)
        .collect();
    let taken = |name: &str| {
        let mut others = apart.iter().filter_map(|other| state.guests.get(other));
        others.any(|other| other.node == name)
    };
    let there = state
        .nodes
        .iter()
        .filter(|node| node.online && node.name != leaving)
        .filter(|node| node.ha.as_deref() != Some("maintenance"));
    let ranked = there.filter_map(|node| Some((rank(&node.name)?, &node.name)));
    let ranked: Vec<(i64, &String)> = ranked.collect();
    let best = ranked.iter().map(|(rank, _)| *rank).max()?;
    ranked
        .into_iter()
        .find(|(rank, name)| *rank == best && !taken(name))
        .map(|(_, name)| name.clone())
}
