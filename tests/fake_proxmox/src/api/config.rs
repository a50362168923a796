//! `/nodes/{node}/{kind}/{vmid}/config`

use serde_json::{Value, json};

use crate::answer::{Refusal, Reply};
use crate::gate::Call;
use crate::guest::Guest;
use crate::state::State;

pub(crate) fn read(state: &mut State, call: &Call) -> Result<Reply, Refusal> {
    let vmid = call.params.vmid();
    let snapshot = call.params.get("snapshot");
    if snapshot.is_some() && call.params.flag("current") {
        let text = "cannot use 'snapshot' parameter with 'current'".to_owned();
        let both = ["snapshot", "current"].map(|name| (name.to_owned(), text.clone()));
        return Err(Refusal::parameters(both.into()));
    }
    let guest = state
        .guest_on(call.node(), call.kind, vmid)
        .ok_or_else(|| Refusal::die(Guest::no_config(call.kind, call.node(), vmid)))?;
    let mut file = match snapshot {
        None => now(guest),
        Some(name) => guest
            .snapshot_named(name)
            .ok_or_else(|| Refusal::die(format!("snapshot '{name}' does not exist")))?
            .written(guest),
    };
    if file.get("cipassword").is_some() {
        file["cipassword"] = json!("**********");
    }
    file["digest"] = json!(guest.digest());
    Ok(file.into())
}

fn now(guest: &Guest) -> Value {
    let mut file = guest.written();
    for (key, value) in [("lock", &guest.lock), ("parent", &guest.parent)] {
        if let Some(value) = value {
            file.insert(key.into(), json!(value));
        }
    }
    file.into()
}
