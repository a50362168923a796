//! `POST /nodes/{node}/vzdump`, and what is (not) backed up by itself.

use serde_json::{Value, json};

use crate::access::{ROOT, may, need};
use crate::answer::{Refusal, Reply};
use crate::backup::{self, Order};
use crate::faults;
use crate::formats::list;
use crate::gate::Call;
use crate::notes;
use crate::state::State;

/// The UPID, or `OK` when none of the guests is on this node: then nothing happens at all.
pub(crate) fn vzdump(state: &mut State, call: &Call) -> Result<Reply, Refusal> {
    let params = &call.params;
    if params.flag("stdout") {
        let text = "option is only allowed on the command line interface.";
        return Err(Refusal::parameter("stdout", text));
    }
    may_set(state, call)?;
    verify(call)?;
    let (here, elsewhere) = guests(state, call)?;
    if params.flag("stop") {
        let path = format!("/nodes/{}", call.node());
        need(state, &call.caller, &path, "Sys.Modify")?;
        backup::stop_all(state, call.node());
    }
    if here.is_empty() && (params.flag("stop") || !everything(call)) {
        return Ok(Value::from("OK").into());
    }
    if let Some(storage) = storage(call) {
        let path = format!("/storage/{storage}");
        need(state, &call.caller, &path, "Datastore.AllocateSpace")?;
    }
    let faults = faults::take(state, &call.request, faults::is_about_task);
    let order = Order {
        node: call.node().into(),
        caller: call.caller.clone(),
        guests: here,
        elsewhere,
        all: everything(call),
        storage: storage(call).unwrap_or("local").into(),
        mode: params.get("mode").unwrap_or("snapshot").into(),
        packing: match params.get("compress") {
            Some("zstd") => ".zst",
            Some("gzip") => ".gz",
            Some("lzo" | "1") => ".lzo",
            _ => "",
        },
        notes: params.get("notes-template").map(String::from),
        protected: params.flag("protected"),
        keep: params
            .get("prune-backups")
            .filter(|_| params.get("remove") != Some("0"))
            .unwrap_or("keep-all=1")
            .into(),
        limit: params.get("prune-backups").unwrap_or("keep-all=1").into(),
        wait: params.number("lockwait") != Some(0),
        command: command(call),
        faults: faults.into_iter().collect(),
    };
    Ok(Value::from(backup::begin(state, order)).into())
}

fn everything(call: &Call) -> bool {
    let params = &call.params;
    params.flag("all") || (params.get("exclude").is_some() && params.get("pool").is_none())
}

/// Where to; nowhere in particular means `local`.
fn storage(call: &Call) -> Option<&str> {
    let named = call.params.get("storage").filter(|it| !it.is_empty());
    match call.params.get("dumpdir") {
        Some(_) => None,
        None => named.or(Some("local")),
    }
}

/// What only root may set, and what takes more than a backup does.
fn may_set(state: &State, call: &Call) -> Result<(), Refusal> {
    if call.caller.id == ROOT {
        return Ok(());
    }
    let params = &call.params;
    let root_only = ["tmpdir", "dumpdir", "script", "job-id"];
    if let Some(name) = root_only.iter().find(|name| params.get(name).is_some()) {
        return Err(Refusal::parameter(name, "Only root may set this option."));
    }
    let costly = ["bwlimit", "ionice", "performance"];
    if costly.iter().any(|name| params.get(name).is_some()) {
        need(state, &call.caller, "/", "Sys.Modify")?;
    }
    let fleecing = params.get("fleecing").into_iter().flat_map(list);
    for storage in fleecing.filter_map(|part| part.strip_prefix("storage=")) {
        let path = format!("/storage/{storage}");
        need(state, &call.caller, &path, "Datastore.AllocateSpace")?;
    }
    if let (Some(_), Some(storage)) = (params.get("prune-backups"), storage(call)) {
        let path = format!("/storage/{storage}");
        need(state, &call.caller, &path, "Datastore.Allocate")?;
    }
    Ok(())
}

fn verify(call: &Call) -> Result<(), Refusal> {
    let params = &call.params;
    let vmid = params.get("vmid").is_some_and(|it| !it.is_empty());
    let text = "option conflicts with option 'vmid'";
    for (name, given) in [
        ("all", params.flag("all")),
        (
            "exclude",
            params.get("exclude").is_some_and(|it| !it.is_empty()),
        ),
        ("pool", params.get("pool").is_some_and(|it| !it.is_empty())),
    ] {
        if given && vmid {
            return Err(Refusal::parameter(name, text));
        }
    }
    if let Some(template) = params.get("notes-template") {
        let unknown = notes::check_template(template);
        unknown.map_err(|text| Refusal::parameter("notes-template", &(text + "\n")))?;
    }
    let enough = everything(call) || params.flag("stop") || params.get("pool").is_some() || vmid;
    if enough {
        Ok(())
    } else {
        Err(Refusal::parameter("vmid", "property is missing"))
    }
}

/// Those on this node, with those that are nowhere: they fail, visibly. And those on other nodes.
fn guests(state: &State, call: &Call) -> Result<(Vec<u32>, Vec<u32>), Refusal> {
    let params = &call.params;
    let numbers = |name: &str| -> Vec<u32> {
        let named = list(params.get(name).unwrap_or_default());
        named.into_iter().filter_map(|it| it.parse().ok()).collect()
    };
    let mut wanted = if let Some(pool) = params.get("pool") {
        if !state.cfg.pools.contains_key(pool) {
            return Err(Refusal::die(format!("pool '{pool}' does not exist")));
        }
        let members = state.guests.values();
        let members = members.filter(|guest| guest.pool.as_deref() == Some(pool));
        members.map(|guest| guest.vmid).collect()
    } else if everything(call) {
        let excluded = numbers("exclude");
        let all = state.guests.keys().copied();
        all.filter(|vmid| !excluded.contains(vmid)).collect()
    } else {
        numbers("vmid")
    };
    wanted.sort_unstable();
    let on_others = |vmid: &u32| {
        let guest = state.guests.get(vmid);
        guest.is_some_and(|guest| guest.node != call.node())
    };
    let (elsewhere, here) = wanted.into_iter().partition(on_others);
    Ok((here, elsewhere))
}

/// As the log begins: the command that would do the same.
fn command(call: &Call) -> String {
    let mut words = vec!["vzdump".to_owned()];
    let params = &call.params;
    words.extend(
        list(params.get("vmid").unwrap_or_default())
            .into_iter()
            .map(String::from),
    );
    for (name, value) in params.all() {
        if name == "vmid" || name == "job-id" || value.is_empty() {
            continue;
        }
        let plain = |c: char| c.is_ascii_alphanumeric() || "-_.,:/=@%+".contains(c);
        if value.chars().all(plain) {
            words.push(format!("--{name} {value}"));
        } else {
            words.push(format!("--{name} '{}'", value.replace('\'', "'\\''")));
        }
    }
    words.join(" ")
}

pub(crate) fn not_backed_up(state: &mut State, call: &Call) -> Result<Reply, Refusal> {
    let guests = state.guests.values().filter(|guest| {
        let pooled = guest.pool.as_deref();
        let covered = state.backup_jobs.iter();
        let mut covered =
            covered.filter(|job| job.node.as_ref().is_none_or(|it| *it == guest.node));
        !covered.any(|job| job.covers(guest.vmid, pooled))
            && may(
                state,
                &call.caller,
                &format!("/vms/{}", guest.vmid),
                "VM.Audit",
            )
    });
    let rows = guests
        .map(|guest| json!({"vmid": guest.vmid, "type": guest.kind.path(), "name": guest.name}));
    Ok(Value::from(rows.collect::<Vec<_>>()).into())
}

pub(crate) fn jobs(state: &mut State, _: &Call) -> Result<Reply, Refusal> {
    let rows = state.backup_jobs.iter().map(|job| {
        let mut row = json!({
            "id": job.id,
            "type": "vzdump",
            "schedule": job.schedule,
            "storage": job.storage,
            "mode": "snapshot",
            "enabled": u8::from(job.enabled),
        });
        if job.vmids.is_empty() && job.pool.is_none() {
            row["all"] = json!(1);
        }
        if !job.vmids.is_empty() {
            let vmids: Vec<String> = job.vmids.iter().map(ToString::to_string).collect();
            row["vmid"] = json!(vmids.join(","));
        }
        for (key, value) in [("pool", &job.pool), ("node", &job.node)] {
            if let Some(value) = value {
                row[key] = json!(value);
            }
        }
        row
    });
    Ok(Value::from(rows.collect::<Vec<_>>()).into())
}
