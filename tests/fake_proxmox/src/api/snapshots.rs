//! `/nodes/{node}/{kind}/{vmid}/snapshot`: the list, and what is done with snapshots.

use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use crate::access;
use crate::answer::{Refusal, Reply};
use crate::faults;
use crate::gate::Call;
use crate::guest::{Guest, Kind};
use crate::marked::{self, Work};
use crate::power::Ask;
use crate::snapshot::Snapshot;
use crate::state::State;

pub(crate) fn list(state: &mut State, call: &Call) -> Result<Reply, Refusal> {
    let guest = found(state, call)?;
    let mut snapshots: Vec<&Snapshot> = guest.snapshots.iter().collect();
    // The real one has no order at all: a hash's.
    snapshots.sort_by_key(|it| Sha256::digest(it.name.as_bytes()).to_vec());
    let rows = snapshots.into_iter().map(|it| row(guest, it));
    let mut rows: Vec<Value> = rows.collect();
    let mut current = json!({
        "name": "current",
        "digest": guest.digest(),
        "running": u8::from(guest.is_up()),
        "description": "You are here!",
    });
    if let Some(parent) = &guest.parent {
        current["parent"] = json!(parent);
    }
    rows.push(current);
    Ok(Value::from(rows).into())
}

fn row(guest: &Guest, snapshot: &Snapshot) -> Value {
    let mut row = json!({
        "name": snapshot.name,
        "snaptime": snapshot.time,
        "description": snapshot.told(guest.kind),
    });
    if guest.kind == Kind::Vm {
        row["vmstate"] = json!(u8::from(snapshot.vmstate));
    }
    if let Some(parent) = &snapshot.parent {
        row["parent"] = json!(parent);
    }
    if let Some(unfinished) = &snapshot.snapstate {
        row["snapstate"] = json!(unfinished);
    }
    row
}

fn found<'a>(state: &'a State, call: &Call) -> Result<&'a Guest, Refusal> {
    let vmid = call.params.vmid();
    state
        .guest_on(call.node(), call.kind, vmid)
        .ok_or_else(|| Refusal::die(Guest::no_config(call.kind, call.node(), vmid)))
}

pub(crate) fn take(state: &mut State, call: &Call) -> Result<Reply, Refusal> {
    let name = call.params.text("snapname");
    let reserved = match call.kind {
        _ if name == "current" => Some("current"),
        Kind::Vm if name.eq_ignore_ascii_case("pending") => Some("pending"),
        Kind::Ct if name == "vzdump" => Some("vzdump"),
        Kind::Vm | Kind::Ct => None,
    };
    if let Some(word) = reserved {
        let text = format!("unable to use snapshot name '{word}' (reserved name)");
        return Err(Refusal::die(text));
    }
    // Containers are only looked for by the task.
    if call.kind == Kind::Vm {
        found(state, call)?;
    }
    let work = Work::Take {
        ram: call.params.flag("vmstate"),
        description: call.params.text("description").into(),
    };
    Ok(begin(state, call, work))
}

pub(crate) fn delete(state: &mut State, call: &Call) -> Result<Reply, Refusal> {
    Ok(begin(state, call, Work::Delete))
}

pub(crate) fn rollback(state: &mut State, call: &Call) -> Result<Reply, Refusal> {
    let start = call.params.flag("start");
    // Older ones, and containers, start a guest for whoever may roll it back.
    if start && call.kind == Kind::Vm && state.since(9, 2) {
        let path = format!("/vms/{}", call.params.vmid());
        if !access::may(state, &call.caller, &path, "VM.PowerMgmt") {
            return Err(Refusal::forbidden(&path, "VM.PowerMgmt"));
        }
    }
    Ok(begin(state, call, Work::Rollback { start }))
}

fn begin(state: &mut State, call: &Call, work: Work) -> Reply {
    let faults = faults::take(state, &call.request, faults::is_about_task);
    let ask = Ask {
        faults: faults.into_iter().collect(),
        ..Ask::new(call.node(), call.kind, call.params.vmid(), &call.caller)
    };
    let upid = marked::begin(state, &ask, work, call.params.text("snapname"));
    Value::from(upid).into()
}
