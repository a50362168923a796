//! `/nodes/{node}/storage`: what there is, how full it is, what lies on it.

use serde_json::{Map, Value, json};

use crate::access::{Caller, may, need_any};
use crate::answer::{Refusal, Reply};
use crate::formats::list;
use crate::gate::Call;
use crate::guest::Kind;
use crate::params::scalar;
use crate::routes::Given;
use crate::state::State;
use crate::storage::{Backup, File, Storage};

const SEEN_WITH: &[&str] = &["Datastore.Audit", "Datastore.AllocateSpace"];

pub(crate) fn may_see(state: &State, caller: &Caller, given: &Given) -> Result<(), Refusal> {
    let storage = given.get("storage").and_then(scalar).unwrap_or_default();
    need_any(state, caller, &format!("/storage/{storage}"), SEEN_WITH)
}

fn find<'a>(state: &'a State, name: &str) -> Option<&'a Storage> {
    state.storages.iter().find(|storage| storage.name == name)
}

/// `/storage`: how they are set up, of all nodes.
pub(crate) fn settings(state: &mut State, call: &Call) -> Result<Reply, Refusal> {
    let wanted = call.params.get("type");
    let seen = state.storages.iter().filter(|storage| {
        let path = format!("/storage/{}", storage.name);
        let right = wanted.is_none_or(|wanted| wanted == storage.plugin);
        right && need_any(state, &call.caller, &path, SEEN_WITH).is_ok()
    });
    let rows = seen.map(|storage| {
        let mut row = json!({
            "storage": storage.name,
            "type": storage.plugin,
            "content": storage.content,
            "digest": "d6aa1f3e5c0b7a9e2f4c8b1d3e5f7a9b0c2d4e6f",
        });
        if ["dir", "nfs", "cifs"].contains(&storage.plugin.as_str()) {
            row["path"] = json!(storage.folder());
        }
        if storage.shared {
            row["shared"] = json!(1);
        }
        if storage.disabled {
            row["disable"] = json!(1);
        }
        if storage.nodes.len() < state.nodes.len() {
            row["nodes"] = json!(storage.nodes.join(","));
        }
        if storage.chain && state.since(9, 0) {
            row["snapshot-as-volume-chain"] = json!(1);
        }
        row
    });
    Ok(Value::from(rows.collect::<Vec<_>>()).into())
}

pub(crate) fn index(state: &mut State, call: &Call) -> Result<Reply, Refusal> {
    let params = &call.params;
    let wanted = params.get("content").map(list);
    let fits = |storage: &&Storage| {
        wanted.as_ref().is_none_or(|wanted| {
            wanted.iter().any(|it| storage.holds(it)) && storage.check_enabled(call.node()).is_ok()
        })
    };
    let named = params.get("storage");
    let mut all = state.storages.iter().filter(fits);
    if named.is_some_and(|name| !all.any(|storage| storage.name == name)) {
        return Err(Refusal::parameter("storage", "No such storage."));
    }
    let target = params
        .get("target")
        .filter(|it| *it != call.node() && *it != "localhost");
    let seen = state.storages.iter().filter(fits).filter(|storage| {
        let path = format!("/storage/{}", storage.name);
        named.is_none_or(|name| name == storage.name)
            && need_any(state, &call.caller, &path, SEEN_WITH).is_ok()
            && !(params.flag("enabled") && storage.disabled)
            && target.is_none_or(|target| {
                storage.shared
                    && [call.node(), target]
                        .iter()
                        .all(|it| storage.nodes.iter().any(|n| n == it))
            })
    });
    let rows = seen.map(|storage| {
        let mut row = figures(storage, call);
        row.insert("storage".into(), json!(storage.name));
        if storage.total > 0 && row["active"] == 1 {
            let fraction = storage.used as f64 / storage.total as f64;
            row.insert("used_fraction".into(), json!(fraction));
        }
        if params.flag("format") && row["enabled"] == 1 {
            formats(state, storage, &mut row);
        }
        Value::Object(row)
    });
    Ok(Value::from(rows.collect::<Vec<_>>()).into())
}

/// A storage that cannot be reached is not active, and has zeros for figures.
fn figures(storage: &Storage, call: &Call) -> Map<String, Value> {
    let active = storage.activate(call.node()).is_ok();
    let figure = |value: u64| if active { value } else { 0 };
    let row = json!({
        "type": storage.plugin,
        "content": storage.content,
        "shared": u8::from(storage.shared),
        "enabled": u8::from(storage.check_enabled(call.node()).is_ok()),
        "active": u8::from(active),
        "total": figure(storage.total),
        "used": figure(storage.used),
        "avail": figure(storage.free()),
    });
    row.as_object().cloned().unwrap_or_default()
}

/// What images may look like there; the better of the two ways to say it came with 9.
fn formats(state: &State, storage: &Storage, row: &mut Map<String, Value>) {
    let known: &[&str] = match storage.plugin.as_str() {
        "dir" => &["qcow2", "raw", "subvol", "vmdk"],
        "nfs" | "cifs" => &["qcow2", "raw", "vmdk"],
        _ => &["raw"],
    };
    let valid: Map<String, Value> = known.iter().map(|it| ((*it).into(), json!(1))).collect();
    row.insert("format".into(), json!([valid, "raw"]));
    if state.since(9, 0) {
        row.insert(
            "formats".into(),
            json!({"supported": known, "default": "raw"}),
        );
    }
}

pub(crate) fn status(state: &mut State, call: &Call) -> Result<Reply, Refusal> {
    let storage = find(state, call.params.text("storage"))
        .ok_or_else(|| Refusal::parameter("storage", "No such storage."))?;
    Ok(Value::Object(figures(storage, call)).into())
}

/// Everything the caller may not have is left out without a word.
pub(crate) fn content(state: &mut State, call: &Call) -> Result<Reply, Refusal> {
    let name = call.params.text("storage");
    let storage = find(state, name)
        .ok_or_else(|| Refusal::die(format!("storage '{name}' does not exist")))?;
    storage.activate(call.node()).map_err(Refusal::die)?;
    let wanted = call.params.get("content");
    let holds =
        |content: &str| storage.holds(content) && wanted.is_none_or(|wanted| wanted == content);
    let vmid: Option<u32> = call.params.get("vmid").and_then(|it| it.parse().ok());
    let own = format!("/storage/{name}");
    let all = may(state, &call.caller, &own, "Datastore.Allocate");
    let may_also = |vmid: u32, on_storage: &str, on_guest: &str| {
        all || (may(state, &call.caller, &own, on_storage)
            && may(state, &call.caller, &format!("/vms/{vmid}"), on_guest))
    };
    let mut rows: Vec<Value> = Vec::new();
    if holds("backup") {
        let here = storage.backups.iter();
        let here = here.filter(|backup| backup.is_on(storage, call.node()));
        let here = here.filter(|backup| vmid.is_none_or(|vmid| vmid == backup.vmid));
        let seen = here.filter(|it| may_also(it.vmid, "Datastore.AllocateSpace", "VM.Backup"));
        rows.extend(seen.map(|backup| row(storage, backup)));
    }
    rows.extend(
        disks(state, storage, call)
            .into_iter()
            .filter(|(_, kind, _)| holds(content_of(*kind)))
            .filter(|(id, ..)| vmid.is_none_or(|vmid| vmid == *id))
            .filter(|(id, ..)| may_also(*id, "Datastore.Audit", "VM.Config.Disk"))
            .map(|(.., row)| row),
    );
    // A file is nobody's. A snippet is shown to nobody but those who are shown everything.
    let seen = storage.files.iter().filter(|file| {
        let of_guest = vmid.is_none() || !matches!(file.content.as_str(), "iso" | "vztmpl");
        let may = all || file.content != "snippets";
        file.is_on(storage, call.node()) && holds(&file.content) && of_guest && may
    });
    rows.extend(seen.map(|file| file_row(storage, file)));
    rows.sort_by_key(|row| row["volid"].as_str().unwrap_or_default().to_lowercase());
    Ok(Value::from(rows).into())
}

fn row(storage: &Storage, backup: &Backup) -> Value {
    let mut row = json!({
        "volid": backup.volid,
        "vmid": backup.vmid,
        "content": "backup",
        "format": backup.format(storage),
        "subtype": backup.kind.path(),
        "ctime": backup.ctime,
        "size": backup.size,
    });
    // Of several lines a file shows the first, a server all.
    let notes = backup.notes.as_deref().and_then(|notes| {
        if storage.is_pbs() {
            Some(notes)
        } else {
            notes.lines().next()
        }
    });
    if let Some(notes) = notes {
        row["notes"] = json!(notes);
    }
    if backup.protected {
        row["protected"] = json!(1);
    }
    if !storage.is_pbs() {
        return row;
    }
    if let Some((state, upid)) = &backup.verification {
        row["verification"] = json!({"state": state, "upid": upid});
    }
    if let Some(fingerprint) = &backup.encrypted {
        row["encrypted"] = json!(fingerprint);
    }
    row
}

fn file_row(storage: &Storage, file: &File) -> Value {
    json!({
        "volid": format!("{}:{}/{}", storage.name, file.content, file.name),
        "content": file.content,
        "format": file.format(),
        "size": file.size,
        "ctime": 1_760_000_000,
    })
}

fn content_of(kind: Kind) -> &'static str {
    match kind {
        Kind::Vm => "images",
        Kind::Ct => "rootdir",
    }
}

/// The guests' disks: all of them lie on the first storage that holds images.
fn disks(state: &State, storage: &Storage, call: &Call) -> Vec<(u32, Kind, Value)> {
    if state.disk_storage() != Some(&storage.name) {
        return Vec::new();
    }
    let here = state
        .guests
        .values()
        .filter(|guest| guest.node == call.node());
    here.map(|guest| {
        let row = json!({
            "volid": state.disk(guest),
            "vmid": guest.vmid,
            "content": content_of(guest.kind),
            "format": "raw",
            "size": guest.maxdisk,
            "ctime": 1_760_000_000 + u64::from(guest.vmid) * 3_600,
        });
        (guest.vmid, guest.kind, row)
    })
    .collect()
}
