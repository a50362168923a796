//! `/cluster` and `/version`: the rows of everything, filtered silently by what the caller may see.

use serde_json::{Map, Value, json};

use crate::access::may;
use crate::answer::{Refusal, Reply};
use crate::figures;
use crate::gate::Call;
use crate::guest::{Guest, Kind};
use crate::node::Node;
use crate::state::State;
use crate::storage::Storage;

type Row = Map<String, Value>;

pub(crate) fn version(state: &mut State, _: &Call) -> Result<Reply, Refusal> {
    Ok(version_of(state).into())
}

pub(crate) fn version_of(state: &State) -> Value {
    let (major, minor) = state.version;
    json!({
        "version": format!("{major}.{minor}.4"),
        "release": format!("{major}.{minor}"),
        "repoid": "14a22df3a8f1c0de",
    })
}

pub(crate) fn resources(state: &mut State, call: &Call) -> Result<Reply, Refusal> {
    let wanted = call.params.get("type");
    let want = |kind: &str| wanted.is_none_or(|wanted| wanted == kind);
    let may = |path: &str, privilege: &str| may(state, &call.caller, path, privilege);
    let mut rows: Vec<Row> = Vec::new();
    if wanted.is_none() {
        let seen = state
            .cfg
            .pools
            .keys()
            .filter(|pool| may(&format!("/pool/{pool}"), "Pool.Audit"));
        rows.extend(seen.map(|pool| pool_row(state, pool)));
    }
    if want("vm") {
        let mut seen: Vec<&Guest> = state
            .guests
            .values()
            .filter(|guest| may(&format!("/vms/{}", guest.vmid), "VM.Audit"))
            .collect();
        // As text: 1000 before 101.
        seen.sort_by_key(|guest| guest.vmid.to_string());
        rows.extend(seen.into_iter().map(|guest| {
            let mut row = guest_row(state, guest);
            let pool = guest.pool.as_ref();
            if pool.is_some_and(|pool| !may(&format!("/pool/{pool}"), "Pool.Audit")) {
                row.remove("pool");
            }
            row
        }));
    }
    if want("node") {
        rows.extend(state.nodes.iter().map(|node| {
            let figures = may(&format!("/nodes/{}", node.name), "Sys.Audit");
            node_row(state, node, figures)
        }));
    }
    if want("storage") {
        let seen = state
            .storages
            .iter()
            .filter(|storage| may(&format!("/storage/{}", storage.name), "Datastore.Audit"));
        rows.extend(seen.flat_map(|storage| storage_rows(state, storage)));
    }
    // Since 9.1 a kind of row that no `type` asks for.
    let networks = if state.since(9, 1) {
        wanted.is_none()
    } else {
        want("sdn")
    };
    if networks && may("/sdn/zones/localnetwork", "SDN.Audit") {
        rows.extend(state.nodes.iter().map(|node| network_row(state, node)));
    }
    Ok(Value::from(rows.into_iter().map(Value::Object).collect::<Vec<_>>()).into())
}

fn row(value: &Value) -> Row {
    value.as_object().cloned().unwrap_or_default()
}

/// A pool adds up what its running guests use, if there are any.
fn pool_row(state: &State, pool: &str) -> Row {
    let mut row = row(&json!({"id": format!("/pool/{pool}"), "type": "pool", "pool": pool}));
    let running: Vec<&Guest> = state
        .guests
        .values()
        .filter(|guest| guest.pool.as_deref() == Some(pool) && guest.uptime() > 0)
        .collect();
    if running.is_empty() {
        return row;
    }
    let cores: f64 = running.iter().map(|guest| guest.cores).sum();
    let busy: f64 = running
        .iter()
        .map(|guest| figures::guest_cpu(state, guest) * guest.cores)
        .sum();
    let mem: u64 = running
        .iter()
        .map(|guest| figures::guest_mem(state, guest))
        .sum();
    let maxmem: u64 = running.iter().map(|guest| guest.maxmem).sum();
    row.insert(
        "uptime".into(),
        json!(running.iter().map(|guest| guest.uptime()).max()),
    );
    row.insert("cpu".into(), number(busy / cores));
    row.insert("maxcpu".into(), number(cores));
    row.insert("mem".into(), json!(mem));
    row.insert("maxmem".into(), json!(maxmem));
    row
}

/// Until the node is seen again a guest is only what its configuration says.
pub(crate) fn guest_row(state: &State, guest: &Guest) -> Row {
    let node = state.node(&guest.node);
    let mut row = row(&json!({
        "id": format!("{}/{}", guest.kind.path(), guest.vmid),
        "vmid": guest.vmid,
        "node": guest.node,
        "type": guest.kind.path(),
        "status": "unknown",
    }));
    for (key, value) in [
        ("lock", &guest.lock),
        ("pool", &guest.pool),
        ("hastate", &guest.ha),
    ] {
        if let Some(value) = value {
            row.insert(key.into(), json!(value));
        }
    }
    if !guest.tags.is_empty() {
        row.insert("tags".into(), json!(guest.tags.join(";")));
    }
    if !node.is_some_and(Node::is_seen) {
        return row;
    }
    let seen = json!({
        "name": guest.name,
        "status": guest.state,
        "template": u8::from(guest.template),
        "uptime": guest.uptime(),
        "cpu": number(figures::guest_cpu(state, guest)),
        "maxcpu": number(guest.cores),
        "mem": figures::guest_mem(state, guest),
        "maxmem": guest.maxmem,
        "disk": figures::guest_disk(guest),
        "maxdisk": guest.maxdisk,
        "netin": figures::guest_flow(guest, 2_100),
        "netout": figures::guest_flow(guest, 1_300),
        "diskread": figures::guest_flow(guest, 5_200),
        "diskwrite": figures::guest_flow(guest, 8_900),
    });
    row.extend(seen.as_object().cloned().unwrap_or_default());
    if guest.kind == Kind::Vm && state.since(9, 0) {
        row.insert(
            "memhost".into(),
            json!(figures::guest_memhost(state, guest)),
        );
    }
    row
}

/// Whole numbers without a point, as Perl writes them.
pub(crate) fn number(value: f64) -> Value {
    #[allow(clippy::cast_possible_truncation)]
    if value.fract() == 0.0 {
        json!(value as i64)
    } else {
        json!(value)
    }
}

fn node_row(state: &State, node: &Node, figures: bool) -> Row {
    let mut row = node_stats(state, node, figures);
    if let Some(ha) = &node.ha {
        row.insert("hastate".into(), json!(ha));
    }
    if node.is_seen() {
        row.insert("cgroup-mode".into(), json!(2));
    }
    row
}

/// Without the privilege the row stays, but says nothing about size and load; a node that went
/// away a moment ago still has its size.
pub(crate) fn node_stats(state: &State, node: &Node, figures: bool) -> Row {
    let mut row = row(&json!({
        "id": format!("node/{}", node.name),
        "node": node.name,
        "type": "node",
        "status": if node.online { "online" } else { "offline" },
    }));
    let mut put = |key: &str, value: Value| row.insert(key.into(), value);
    if node.is_seen() {
        put("level", json!(""));
    }
    if node.is_seen() && figures {
        put("maxcpu", json!(node.maxcpu));
        put("maxmem", json!(node.maxmem));
        put("maxdisk", json!(node.maxdisk));
    }
    if node.online && figures {
        put("uptime", json!(node.uptime()));
        put("cpu", number(figures::node_cpu(state, node)));
        put("mem", json!(figures::node_mem(state, node)));
        put("disk", json!(figures::node_disk(node)));
    }
    row
}

pub(crate) fn storage_rows(state: &State, storage: &Storage) -> Vec<Row> {
    storage
        .nodes
        .iter()
        .map(|name| {
            let seen = storage.available && state.node(name).is_some_and(Node::is_seen);
            let mut row = row(&json!({
                "id": format!("storage/{name}/{}", storage.name),
                "storage": storage.name,
                "node": name,
                "type": "storage",
                "status": if seen { "available" } else { "unknown" },
                "shared": u8::from(storage.shared),
                "plugintype": storage.plugin,
                "content": storage.content,
            }));
            if seen {
                row.insert("disk".into(), json!(storage.used));
                row.insert("maxdisk".into(), json!(storage.total));
            }
            row
        })
        .collect()
}

/// A kind of row that came with 9.1; before, it was called otherwise.
fn network_row(state: &State, node: &Node) -> Row {
    if state.since(9, 1) {
        row(&json!({
            "id": format!("network/{}/zone/localnetwork", node.name),
            "type": "network",
            "network": "localnetwork",
            "network-type": "zone",
            "node": node.name,
            "status": "ok",
        }))
    } else {
        row(&json!({
            "id": format!("sdn/{}/localnetwork", node.name),
            "type": "sdn",
            "sdn": "localnetwork",
            "node": node.name,
            "status": "ok",
        }))
    }
}

pub(crate) fn status(state: &mut State, call: &Call) -> Result<Reply, Refusal> {
    let mut rows = Vec::new();
    if !state.standalone {
        rows.push(json!({
            "id": "cluster",
            "type": "cluster",
            "name": state.name,
            "version": state.nodes.len(),
            "nodes": state.nodes.len(),
            "quorate": u8::from(state.quorate),
        }));
    }
    for (index, node) in state.nodes.iter().enumerate() {
        rows.push(json!({
            "id": format!("node/{}", node.name),
            "type": "node",
            "name": node.name,
            "nodeid": if state.standalone { 0 } else { index + 1 },
            "ip": node.ip,
            "local": u8::from(node.name == call.entry),
            "online": u8::from(node.online),
            "level": "",
        }));
    }
    Ok(Value::from(rows).into())
}
