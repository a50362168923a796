//! `/nodes/{node}/qemu` and `/lxc`: lists, the current state, power.

use serde_json::{Map, Value, json};

use crate::access::may;
use crate::answer::{Refusal, Reply};
use crate::api::cluster::number;
use crate::faults;
use crate::figures;
use crate::gate::Call;
use crate::guest::{Guest, Kind};
use crate::power::{self, Ask};
use crate::state::State;

pub(crate) fn list_vms(state: &mut State, call: &Call) -> Result<Reply, Refusal> {
    Ok(list(state, call, Kind::Vm))
}

pub(crate) fn list_cts(state: &mut State, call: &Call) -> Result<Reply, Refusal> {
    Ok(list(state, call, Kind::Ct))
}

fn list(state: &State, call: &Call, kind: Kind) -> Reply {
    let node = call.node();
    let seen = state
        .guests
        .values()
        .filter(|guest| guest.node == node && guest.kind == kind)
        .filter(|guest| {
            may(
                state,
                &call.caller,
                &format!("/vms/{}", guest.vmid),
                "VM.Audit",
            )
        });
    let rows = seen.map(|guest| {
        let mut row = common(state, guest);
        // Only a full listing asks every VM's monitor.
        if kind == Kind::Vm && call.params.flag("full") {
            row.extend(from_monitor(guest));
        }
        Value::Object(row)
    });
    Value::from(rows.collect::<Vec<_>>()).into()
}

pub(crate) fn current(state: &mut State, call: &Call) -> Result<Reply, Refusal> {
    let vmid = call.params.vmid();
    let guest = state
        .guest_on(call.node(), call.kind, vmid)
        .ok_or_else(|| Refusal::die(Guest::no_config(call.kind, call.node(), vmid)))?;
    let mut row = common(state, guest);
    row.insert("ha".into(), ha(guest));
    if guest.kind == Kind::Vm {
        row.extend(from_monitor(guest));
        if guest.agent {
            row.insert("agent".into(), json!(1));
        }
    }
    Ok(Value::from(row).into())
}

/// What only QEMU itself knows; a stopped VM has but a state.
fn from_monitor(guest: &Guest) -> Map<String, Value> {
    let mut row = Map::from_iter([("qmpstatus".into(), json!(guest.state))]);
    if !guest.is_up() {
        return row;
    }
    let more = json!({
        "diskread": figures::guest_flow(guest, 5_200),
        "diskwrite": figures::guest_flow(guest, 8_900),
        "running-machine": "pc-i440fx-10.1+pve0",
        "running-qemu": "10.1.2",
        "nics": {format!("tap{}i0", guest.vmid): {
            "netin": figures::guest_flow(guest, 2_100),
            "netout": figures::guest_flow(guest, 1_300),
        }},
        // Passed on from QEMU: real JSON booleans, for once.
        "proxmox-support": {"pbs-dirty-bitmap": true, "query-bitmap-info": true},
    });
    row.extend(more.as_object().cloned().unwrap_or_default());
    row
}

fn ha(guest: &Guest) -> Value {
    match &guest.ha {
        Some(state) if guest.is_ha() => json!({"managed": 1, "state": state}),
        _ => json!({"managed": 0}),
    }
}

/// What the lists and the current state share.
fn common(state: &State, guest: &Guest) -> Map<String, Value> {
    let vm = guest.kind == Kind::Vm;
    let mut row = Map::new();
    let mut put = |key: &str, value: Value| {
        row.insert(key.into(), value);
    };
    put("vmid", json!(guest.vmid));
    put("name", json!(guest.name));
    put(
        "status",
        json!(if guest.is_up() { "running" } else { "stopped" }),
    );
    put("uptime", json!(guest.uptime()));
    put("cpu", number(figures::guest_cpu(state, guest)));
    // A limit comes as the text it has in the configuration.
    put(
        "cpus",
        guest
            .cpulimit
            .as_ref()
            .map_or(number(guest.cores), |limit| json!(limit)),
    );
    put("mem", json!(figures::guest_mem(state, guest)));
    put("maxmem", json!(guest.maxmem));
    put("disk", json!(figures::guest_disk(guest)));
    put("maxdisk", json!(guest.maxdisk));
    put("netin", json!(figures::guest_flow(guest, 2_100)));
    put("netout", json!(figures::guest_flow(guest, 1_300)));
    if guest.template {
        put("template", json!(1));
    }
    if let Some(lock) = &guest.lock {
        put("lock", json!(lock));
    }
    if !guest.tags.is_empty() {
        put("tags", json!(guest.tags.join(";")));
    }
    if !vm {
        put("type", json!("lxc"));
        put("swap", json!(0));
        put("maxswap", json!(guest.swap()));
        put("diskread", json!(figures::guest_flow(guest, 5_200)));
        put("diskwrite", json!(figures::guest_flow(guest, 8_900)));
    }
    if guest.is_up() {
        put("pid", json!(3_000 + guest.vmid));
    }
    if state.since(9, 0) {
        pressures(guest, &mut put);
        if vm {
            put("memhost", json!(figures::guest_memhost(state, guest)));
        }
    }
    row
}

/// Pressure stall figures of running guests: numbers for VMs, for containers the text of the file.
fn pressures(guest: &Guest, put: &mut impl FnMut(&str, Value)) {
    if !guest.is_up() {
        return;
    }
    let vm = guest.kind == Kind::Vm;
    for what in ["cpu", "io", "memory"] {
        for how in ["some", "full"] {
            let value = if vm { json!(0) } else { json!("0.00") };
            put(&format!("pressure{what}{how}"), value);
        }
    }
}

pub(crate) fn start(state: &mut State, call: &Call) -> Result<Reply, Refusal> {
    power(state, call, power::start)
}

pub(crate) fn stop(state: &mut State, call: &Call) -> Result<Reply, Refusal> {
    power(state, call, power::stop)
}

pub(crate) fn shutdown(state: &mut State, call: &Call) -> Result<Reply, Refusal> {
    power(state, call, power::shutdown)
}

pub(crate) fn reboot(state: &mut State, call: &Call) -> Result<Reply, Refusal> {
    power(state, call, power::reboot)
}

pub(crate) fn reset(state: &mut State, call: &Call) -> Result<Reply, Refusal> {
    power(state, call, power::reset)
}

pub(crate) fn suspend(state: &mut State, call: &Call) -> Result<Reply, Refusal> {
    if call.params.get("statestorage").is_some() && call.params.get("todisk").is_none() {
        let text = "missing property required by 'statestorage'";
        return Err(Refusal::parameter("todisk", text));
    }
    power(state, call, power::suspend)
}

pub(crate) fn resume(state: &mut State, call: &Call) -> Result<Reply, Refusal> {
    power(state, call, power::resume)
}

/// Parameters for the real root only; a token of root is not root.
const ROOT_ONLY: &[&str] = &[
    "force-cpu",
    "keepActive",
    "migratedfrom",
    "migration_network",
    "migration_type",
    "nets-host-mtu",
    "skiplock",
    "stateuri",
    "targetstorage",
    "with-conntrack-state",
];

fn power(
    state: &mut State,
    call: &Call,
    act: fn(&mut State, &Ask) -> Result<String, Refusal>,
) -> Result<Reply, Refusal> {
    for name in ROOT_ONLY {
        if call.params.get(name).is_some_and(|value| value != "0") {
            return Err(Refusal::parameter(name, "Only root may use this option."));
        }
    }
    let faults = faults::take(state, &call.request, faults::is_about_task);
    let ask = Ask {
        force_stop: call.params.flag("forceStop"),
        overrule_shutdown: call.params.flag("overrule-shutdown"),
        timeout: call.params.number("timeout"),
        to_disk: call.params.flag("todisk"),
        state_storage: call.params.get("statestorage"),
        faults: faults.into_iter().collect(),
        ..Ask::new(call.node(), call.kind, call.params.vmid(), &call.caller)
    };
    Ok(Value::from(act(state, &ask)?).into())
}
