//! The datacenter's options, and what HA has of its own below `/cluster/ha`.

use std::collections::BTreeSet;

use serde_json::{Map, Value, json};

use crate::access::may;
use crate::answer::{Refusal, Reply};
use crate::gate::Call;
use crate::guest::{Guest, Kind};
use crate::ha::{HaRule, HaRuleKind};
use crate::state::State;

const DIGEST: &str = "4f1f1e1b7a7c0e6dbb3a5b0f6d7f1c2e9a8b7c6d";

/// Without `Sys.Audit` on `/` it is a 200 all the same, with hardly anything in it.
pub(crate) fn options(state: &mut State, call: &Call) -> Result<Reply, Refusal> {
    let mut told = Map::new();
    if may(state, &call.caller, "/", "Sys.Audit") {
        told.insert("description".into(), json!(""));
        told.insert("mac_prefix".into(), json!("BC:24:11"));
        told.insert("keyboard".into(), json!("de"));
        if let Some(policy) = &state.shutdown_policy {
            told.insert("ha".into(), json!({"shutdown_policy": policy}));
        }
    }
    let seen = |guest: &&Guest| {
        let path = format!("/vms/{}", guest.vmid);
        may(state, &call.caller, &path, "VM.Audit")
    };
    let guests = state.guests.values().filter(seen);
    let tags: BTreeSet<&String> = guests.flat_map(|guest| &guest.tags).collect();
    told.insert("allowed-tags".into(), json!(tags));
    Ok(Value::from(told).into())
}

pub(crate) fn rules(state: &mut State, call: &Call) -> Result<Reply, Refusal> {
    let kind = call.params.get("type");
    let resource = call.params.get("resource");
    let rows = (1..).zip(&state.ha_rules).map(|(order, rule)| {
        let mut row = json!({
            "rule": rule.id,
            "resources": sids(state, rule).join(","),
            "digest": DIGEST,
            "order": order,
        });
        match &rule.kind {
            HaRuleKind::Nodes { nodes, strict } => {
                row["type"] = json!("node-affinity");
                row["nodes"] = json!(ranked(nodes));
                if *strict {
                    row["strict"] = json!(1);
                }
            }
            HaRuleKind::Apart => {
                row["type"] = json!("resource-affinity");
                row["affinity"] = json!("negative");
            }
        }
        if rule.disabled {
            row["disable"] = json!(1);
        }
        (row, sids(state, rule))
    });
    let wanted = rows.filter(|(row, sids)| {
        let right = kind.is_none_or(|kind| row["type"] == kind);
        right && resource.is_none_or(|sid| sids.iter().any(|own| own == sid))
    });
    let rows: Vec<Value> = wanted.map(|(row, _)| row).collect();
    Ok(Value::from(rows).into())
}

/// What rules about nodes were before 9.
pub(crate) fn groups(state: &mut State, _: &Call) -> Result<Reply, Refusal> {
    if state.since(9, 0) {
        let text = "cannot index groups: ha groups have been migrated to rules";
        return Err(Refusal::die(text));
    }
    let rows = groups_of(state).map(|(rule, nodes, strict)| {
        let mut row = json!({
            "group": rule.id,
            "type": "group",
            "nodes": ranked(nodes),
            "digest": DIGEST,
        });
        if strict {
            row["restricted"] = json!(1);
        }
        row
    });
    Ok(Value::from(rows.collect::<Vec<_>>()).into())
}

pub(crate) fn resources(state: &mut State, call: &Call) -> Result<Reply, Refusal> {
    let wanted = call.params.get("type");
    let old = !state.since(9, 0);
    let rows = state.guests.values().filter_map(|guest| {
        let ha = guest.ha.as_deref()?;
        let kind = sid(guest).split(':').next().map(str::to_owned)?;
        if wanted.is_some_and(|wanted| *wanted != *kind) {
            return None;
        }
        let asked = match ha {
            "ignored" | "disabled" | "stopped" => ha,
            "request_stop" => "stopped",
            _ => "started",
        };
        let mut row = json!({"sid": sid(guest), "type": kind, "state": asked, "digest": DIGEST});
        let mut groups = groups_of(state).filter(|(rule, ..)| rule.guests.contains(&guest.vmid));
        if let Some((rule, ..)) = groups.next().filter(|_| old) {
            row["group"] = json!(rule.id);
        }
        Some(row)
    });
    Ok(Value::from(rows.collect::<Vec<_>>()).into())
}

fn groups_of(state: &State) -> impl Iterator<Item = (&HaRule, &Vec<(String, u32)>, bool)> {
    state.ha_rules.iter().filter_map(|rule| match &rule.kind {
        HaRuleKind::Nodes { nodes, strict } => Some((rule, nodes, *strict)),
        HaRuleKind::Apart => None,
    })
}

/// `vm:101`
fn sid(guest: &Guest) -> String {
    let kind = match guest.kind {
        Kind::Vm => "vm",
        Kind::Ct => "ct",
    };
    format!("{kind}:{}", guest.vmid)
}

fn sids(state: &State, rule: &HaRule) -> Vec<String> {
    let guests = rule.guests.iter().filter_map(|vmid| state.guests.get(vmid));
    let mut sids: Vec<String> = guests.map(sid).collect();
    sids.sort();
    sids
}

/// `pve1:2,pve2`
fn ranked(nodes: &[(String, u32)]) -> String {
    let mut parts: Vec<String> = nodes
        .iter()
        .map(|(name, rank)| match rank {
            0 => name.clone(),
            rank => format!("{name}:{rank}"),
        })
        .collect();
    parts.sort();
    parts.join(",")
}
