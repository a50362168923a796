//! `/nodes/{node}/qemu/{vmid}/agent` and a container's interfaces: what goes on inside.

use serde_json::{Value, json};

use crate::agent::Agent;
use crate::answer::{Refusal, Reply};
use crate::gate::Call;
use crate::guest::{Guest, Kind};
use crate::state::State;

pub(crate) fn ping(state: &mut State, call: &Call) -> Result<Reply, Refusal> {
    available(state, call)?;
    Ok(json!({"result": {}}).into())
}

pub(crate) fn info(state: &mut State, call: &Call) -> Result<Reply, Refusal> {
    let commands = [
        "guest-exec",
        "guest-get-osinfo",
        "guest-info",
        "guest-network-get-interfaces",
        "guest-ping",
        "guest-shutdown",
    ];
    answer(state, call, |_| {
        let shown = commands
            .map(|name| json!({"name": name, "enabled": true, "success-response": name != "guest-shutdown"}));
        json!({"version": "10.0.2", "supported_commands": shown})
    })
}

pub(crate) fn osinfo(state: &mut State, call: &Call) -> Result<Reply, Refusal> {
    answer(state, call, |_| {
        json!({
            "id": "debian",
            "name": "Debian GNU/Linux",
            "pretty-name": "Debian GNU/Linux 13 (trixie)",
            "version": "13 (trixie)",
            "version-id": "13",
            "machine": "x86_64",
            "kernel-release": "6.12.48+deb13-amd64",
            "kernel-version": "#1 SMP PREEMPT_DYNAMIC Debian 6.12.48-1 (2025-09-20)",
        })
    })
}

pub(crate) fn interfaces(state: &mut State, call: &Call) -> Result<Reply, Refusal> {
    answer(state, call, Guest::interfaces_by_agent)
}

/// A bare list, or nothing at all when it does not run or does not exist.
pub(crate) fn ct_interfaces(state: &mut State, call: &Call) -> Result<Reply, Refusal> {
    let guest = state.guest_on(call.node(), Kind::Ct, call.params.vmid());
    let up = guest.filter(|guest| guest.is_up());
    Ok(up.map_or(Value::Null, Guest::interfaces_by_ip).into())
}

/// An error of the agent is an answer as any other, with the error inside.
fn answer(
    state: &mut State,
    call: &Call,
    tell: impl Fn(&Guest) -> Value,
) -> Result<Reply, Refusal> {
    let guest = available(state, call)?;
    let result = match &guest.agent_state {
        Agent::Fails(text) => json!({"error": {"class": "GenericError", "desc": text}}),
        Agent::Answers | Agent::Silent => tell(guest),
    };
    Ok(json!({"result": result}).into())
}

fn available<'a>(state: &'a mut State, call: &Call) -> Result<&'a Guest, Refusal> {
    let vmid = call.params.vmid();
    let wait = state.agent_wait;
    let Some(guest) = state.guest_on(call.node(), Kind::Vm, vmid) else {
        let text = Guest::no_config(Kind::Vm, call.node(), vmid);
        return Err(Refusal::die(text));
    };
    if !guest.has_agent_line() {
        return Err(Refusal::die("No QEMU guest agent configured"));
    }
    if !guest.is_up() {
        return Err(Refusal::die(format!("VM {vmid} is not running")));
    }
    // A VM that stands still does not answer, either; a disabled agent has nobody to wait for.
    let waits = guest.agent_state == Agent::Silent || guest.state != "running";
    if waits || !guest.agent {
        if guest.agent {
            state.late = wait;
        }
        return Err(Refusal::die("QEMU guest agent is not running"));
    }
    state
        .guest_on(call.node(), Kind::Vm, vmid)
        .ok_or_else(|| Refusal::die(Guest::no_config(Kind::Vm, call.node(), vmid)))
}
