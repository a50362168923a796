//! `/pools`: each under its own path, or (what can name nested ones) with the pool as a parameter.

use std::collections::BTreeSet;

use serde_json::{Map, Value, json};

use crate::access::{Caller, may, need};
use crate::answer::{Refusal, Reply};
use crate::api::acl::need_modify;
use crate::api::cluster::{guest_row, storage_rows};
use crate::api::{change, no_quorum};
use crate::formats::list;
use crate::gate::Call;
use crate::params::scalar;
use crate::routes::Given;
use crate::state::State;

fn path(given: &Given) -> String {
    let pool = given.get("poolid").and_then(scalar).unwrap_or_default();
    format!("/pool/{pool}").trim_end_matches('/').to_owned()
}

pub(crate) fn may_allocate(state: &State, caller: &Caller, given: &Given) -> Result<(), Refusal> {
    need(state, caller, &path(given), "Pool.Allocate")
}

pub(crate) fn may_see(state: &State, caller: &Caller, given: &Given) -> Result<(), Refusal> {
    need(state, caller, &path(given), "Pool.Audit")
}

/// One named pool is shown to everybody: the real one looks for the privilege and goes on without.
pub(crate) fn index(state: &mut State, call: &Call) -> Result<Reply, Refusal> {
    if call.params.get("poolid").is_some_and(|id| !id.is_empty()) {
        let mut row = members(state, call)?;
        row.insert("poolid".into(), json!(call.params.text("poolid")));
        return Ok(json!([row]).into());
    }
    let all = state.cfg.pools.iter();
    let seen =
        all.filter(|(name, _)| may(state, &call.caller, &format!("/pool/{name}"), "Pool.Audit"));
    let rows = seen.map(|(name, pool)| {
        let mut row = json!({"poolid": name});
        if let Some(comment) = &pool.comment {
            row["comment"] = json!(comment);
        }
        row
    });
    Ok(Value::from(rows.collect::<Vec<_>>()).into())
}

pub(crate) fn read(state: &mut State, call: &Call) -> Result<Reply, Refusal> {
    let mut row = members(state, call)?;
    row.insert("poolid".into(), json!(call.params.text("poolid")));
    Ok(Value::Object(row).into())
}

fn members(state: &State, call: &Call) -> Result<Map<String, Value>, Refusal> {
    let name = call.params.text("poolid");
    let absent = || Refusal::die(absent(name));
    let pool = state.cfg.pools.get(name).ok_or_else(absent)?;
    let kind = call.params.get("type");
    let guests = state.guests.values();
    let guests = guests.filter(|guest| guest.pool.as_deref() == Some(name));
    let guests = guests.filter(|guest| kind.is_none_or(|kind| kind == guest.kind.path()));
    let mut members: Vec<Value> = guests
        .map(|guest| {
            let mut row = guest_row(state, guest);
            for other in ["pool", "hastate", "lock", "tags"] {
                row.remove(other);
            }
            Value::Object(row)
        })
        .collect();
    if kind.is_none_or(|kind| kind == "storage") {
        let storages = state.storages.iter();
        let storages = storages.filter(|storage| pool.storages.contains(&storage.name));
        members.extend(storages.filter_map(|storage| {
            let mut rows = storage_rows(state, storage);
            let here = |row: &Map<String, Value>| row["node"] == call.entry.as_str();
            let at = rows.iter().position(here).unwrap_or(0);
            (!rows.is_empty()).then(|| Value::Object(rows.swap_remove(at)))
        }));
    }
    let mut row = Map::from_iter([("members".into(), json!(members))]);
    if let Some(comment) = &pool.comment {
        row.insert("comment".into(), json!(comment));
    }
    Ok(row)
}

fn absent(pool: &str) -> String {
    format!("pool '{pool}' does not exist")
}

pub(crate) fn create(state: &mut State, call: &Call) -> Result<Reply, Refusal> {
    let name = call.params.text("poolid");
    let comment = call.params.get("comment").filter(|it| !it.is_empty());
    change(state, "create pool", |cfg| {
        if cfg.pools.contains_key(name) {
            return Err(format!("pool '{name}' already exists"));
        }
        let (parent, leaf) = match name.rsplit_once('/') {
            Some((parent, leaf)) => (Some(parent), leaf),
            None => (None, name),
        };
        if let Some(parent) = parent.filter(|it| !cfg.pools.contains_key(*it)) {
            return Err(format!("parent '{parent}' of pool '{name}' does not exist"));
        }
        if !leaf.starts_with(|c: char| c.is_ascii_alphabetic()) {
            return Err("pool name must start with a letter".into());
        }
        cfg.add_pool(Some(name));
        if let (Some(pool), Some(comment)) = (cfg.pools.get_mut(name), comment) {
            pool.comment = Some(comment.into());
        }
        Ok(())
    })
}

/// All of it or nothing: a member that does not fit leaves the others where they were.
pub(crate) fn update(state: &mut State, call: &Call) -> Result<Reply, Refusal> {
    const WHAT: &str = "update pools";
    no_quorum(state, WHAT)?;
    let params = &call.params;
    let name = params.text("poolid");
    let within = |text: String| Refusal::within(WHAT, &text);
    let Some(pool) = state.cfg.pools.get(name) else {
        return Err(within(absent(name)));
    };
    let delete = params.flag("delete");
    let mut storages = pool.storages.clone();
    let guests = list(params.get("vms").unwrap_or_default());
    let mut seen = BTreeSet::new();
    for vmid in &guests {
        may_take(state, call, vmid)?;
        // Twice in one list is once too often.
        if !seen.insert(*vmid) {
            let text = if delete { "not" } else { "already" };
            return Err(within(format!("VM {vmid} is {text} a pool member")));
        }
    }
    for storage in list(params.get("storage").unwrap_or_default()) {
        need_modify(state, &call.caller, &format!("/storage/{storage}"))?;
        let done = if delete {
            storages.remove(storage)
        } else {
            storages.insert(storage.into())
        };
        if !done {
            let text = if delete { "not" } else { "already" };
            return Err(within(format!(
                "Storage '{storage}' is {text} a pool member"
            )));
        }
    }
    for vmid in guests {
        let guest = vmid
            .parse()
            .ok()
            .and_then(|id: u32| state.guests.get_mut(&id));
        if let Some(guest) = guest {
            guest.pool = (!delete).then(|| name.to_owned());
        }
    }
    change(state, WHAT, |cfg| {
        let pool = cfg.pools.entry(name.into()).or_default();
        pool.storages = storages;
        if let Some(comment) = params.get("comment") {
            pool.comment = Some(comment.into());
        }
        Ok(())
    })
}

fn may_take(state: &State, call: &Call, vmid: &str) -> Result<(), Refusal> {
    need_modify(state, &call.caller, &format!("/vms/{vmid}"))?;
    let name = call.params.text("poolid");
    let guest = vmid.parse().ok().and_then(|id: u32| state.guests.get(&id));
    let current = guest.and_then(|guest| guest.pool.as_deref());
    let text = match (call.params.flag("delete"), current) {
        (true, Some(pool)) if pool == name => return Ok(()),
        (true, _) => format!("VM {vmid} is not a pool member"),
        (false, None) => return Ok(()),
        (false, Some(pool)) if pool == name => format!("VM {vmid} is already a pool member"),
        (false, Some(pool)) if call.params.flag("allow-move") => {
            return need(
                state,
                &call.caller,
                &format!("/pool/{pool}"),
                "Pool.Allocate",
            );
        }
        (false, Some(pool)) => {
            format!("VM {vmid} belongs already to pool '{pool}' and 'allow-move' is not set")
        }
    };
    Err(Refusal::within("update pools", &text))
}

pub(crate) fn delete(state: &mut State, call: &Call) -> Result<Reply, Refusal> {
    let name = call.params.text("poolid");
    let guest = state
        .guests
        .values()
        .find(|it| it.pool.as_deref() == Some(name));
    let guest = guest.map(|guest| format!("VM {}", guest.vmid));
    let known: Vec<String> = state.storages.iter().map(|it| it.name.clone()).collect();
    change(state, "delete pool", |cfg| {
        let Some(pool) = cfg.pools.get(name) else {
            return Err(absent(name));
        };
        let below = |it: &&String| {
            it.strip_prefix(name)
                .is_some_and(|rest| rest.starts_with('/'))
        };
        let subpool = cfg
            .pools
            .keys()
            .find(below)
            .map(|it| format!("pool '{it}'"));
        let storage = pool.storages.iter().find(|it| known.contains(it));
        let storage = storage.map(|it| format!("storage '{it}'"));
        if let Some(member) = subpool.or(guest).or(storage) {
            return Err(format!("pool '{name}' is not empty (contains {member})"));
        }
        cfg.pools.remove(name);
        cfg.acls.remove(&format!("/pool/{name}"));
        Ok(())
    })
}
