//! What is done to a whole node: off, on, and what waits to be installed.

use serde_json::{Value, json};

use crate::answer::{Refusal, Reply};
use crate::gate::Call;
use crate::ha;
use crate::node_power::{self, Next};
use crate::state::State;

/// The answer comes at once; the node goes a moment later.
pub(crate) fn command(state: &mut State, call: &Call) -> Result<Reply, Refusal> {
    let to = match call.params.text("command") {
        "reboot" => Next::Restart,
        _ => Next::Down,
    };
    let to = ha::first_step(state, call.node(), to);
    node_power::plan(state, call.node(), to);
    Ok(Value::Null.into())
}

/// Sent by the node that was asked: it can wake any but itself, and never learns what came of it.
pub(crate) fn wake(state: &mut State, call: &Call) -> Result<Reply, Refusal> {
    let name = call.params.text("node");
    if name == "localhost" || name == call.entry {
        let text = format!("'{name}' is local node, cannot wake my self!");
        return Err(Refusal::die(text));
    }
    let node = state.node(name);
    let node = node.ok_or_else(|| Refusal::die(format!("no such cluster node '{name}'")))?;
    let Some(mac) = node.wol.clone() else {
        let text = format!("No wake on LAN MAC address defined for '{name}'!");
        return Err(Refusal::die(text));
    };
    // One that is up takes no notice, and what a test broke by name stays broken.
    let last = state.nodes.last().is_some_and(|last| last.name == name);
    let waits = |to: Next| {
        state
            .node_due
            .iter()
            .any(|it| it.node == name && it.to == to)
    };
    let stays = node.online || waits(Next::Up) || (state.broken_node && last);
    if !stays {
        node_power::plan(state, name, Next::Up);
    }
    Ok(json!(mac).into())
}

pub(crate) fn updates(state: &mut State, call: &Call) -> Result<Reply, Refusal> {
    let node = state.node(call.node());
    let rows = node.into_iter().flat_map(|node| &node.updates).map(|it| {
        json!({
            "Package": it.package,
            "Title": it.title,
            "Description": format!("{}.", it.title),
            "OldVersion": it.old,
            "Version": it.new,
            "Origin": if it.package.starts_with("pve") || it.package.starts_with("proxmox") {
                "Proxmox"
            } else {
                "Debian"
            },
            "Section": "admin",
            "Priority": "optional",
            "Arch": "amd64",
        })
    });
    Ok(Value::from(rows.collect::<Vec<_>>()).into())
}
