//! `status --json`. Other programs read this: fields are only ever added, and what is not known is
//! `null`, never left out.

use serde_json::{Value, json};

use super::Read;
use crate::embed::check::Grade;
use crate::proxmox::{Guest, Node, Quorum, Snapshot, Storage, StorageState};

pub(super) fn text(all: &[Read<'_>]) -> String {
    let clusters: Vec<Value> = all.iter().map(cluster).collect();
    let mut text = format!("{:#}", json!({ "clusters": clusters }));
    text.push('\n');
    text
}

fn cluster(read: &Read<'_>) -> Value {
    let seen = read.seen.as_ref().ok();
    let error = read.seen.as_ref().err().map(|finding| {
        json!({
            "message": finding.text,
            "may_pass": finding.grade != Grade::Lasting,
        })
    });
    json!({
        "name": read.cluster.name.as_str(),
        "reached": seen.is_some(),
        "error": error,
        "quorum": seen.and_then(|seen| seen.quorum.as_ref()).map(quorum),
        "nodes": listed(seen.map(|seen| seen.nodes.values().map(node))),
        "guests": listed(seen.map(|seen| seen.guests.values().map(guest))),
        "storages": listed(seen.map(storages)),
    })
}

fn listed(rows: Option<impl Iterator<Item = Value>>) -> Vec<Value> {
    rows.into_iter().flatten().collect()
}

fn quorum(quorum: &Quorum) -> Value {
    json!({"quorate": quorum.quorate, "nodes": quorum.nodes, "online": quorum.online})
}

fn node(node: &Node) -> Value {
    json!({
        "name": node.name.as_str(),
        "state": node.status.as_str(),
        "cpu": node.cpu,
        "cpus": node.maxcpu,
        "memory": node.mem,
        "memory_max": node.maxmem,
        "disk": node.disk,
        "disk_max": node.maxdisk,
        "uptime": node.uptime.map(|up| up.as_secs()),
    })
}

fn guest(guest: &Guest) -> Value {
    let facts = &guest.facts;
    json!({
        "vmid": facts.guest.vmid.get(),
        "kind": facts.kind.key(),
        "name": facts.name,
        "node": facts.node.as_str(),
        "state": guest.status.as_str(),
        "template": guest.template,
        "lock": guest.lock,
        "pool": facts.pool,
        "tags": facts.tags,
        "cpu": guest.cpu,
        "cpus": guest.maxcpu,
        "memory": guest.mem,
        "memory_max": guest.maxmem,
        "uptime": guest.uptime.map(|up| up.as_secs()),
    })
}

fn storages(seen: &std::sync::Arc<Snapshot>) -> impl Iterator<Item = Value> {
    seen.storages.values().map(storage)
}

fn storage(storage: &Storage) -> Value {
    let state = match &storage.status {
        StorageState::Available => "available",
        StorageState::Unknown => "unknown",
        StorageState::Other(word) => word,
    };
    json!({
        "name": storage.name,
        "node": storage.node.as_str(),
        "state": state,
        "shared": storage.shared,
        "type": storage.plugin,
        "content": storage.content,
        "used": storage.disk,
        "total": storage.maxdisk,
    })
}
