//! `/access/roles`.

use std::collections::BTreeSet;

use serde_json::{Map, Value, json};

use crate::answer::{Refusal, Reply};
use crate::api::change;
use crate::formats::list;
use crate::gate::Call;
use crate::privileges;
use crate::state::State;

pub(crate) fn index(state: &mut State, _: &Call) -> Result<Reply, Refusal> {
    let rows = state.cfg.roles.iter().map(|(name, privs)| {
        let privs: Vec<&str> = privs.iter().map(String::as_str).collect();
        json!({
            "roleid": name,
            "privs": privs.join(","),
            "special": u8::from(privileges::is_built_in(state.version, name)),
        })
    });
    Ok(Value::from(rows.collect::<Vec<_>>()).into())
}

pub(crate) fn read(state: &mut State, call: &Call) -> Result<Reply, Refusal> {
    let role = call.params.text("roleid");
    let held = state
        .cfg
        .roles
        .get(role)
        .ok_or_else(|| Refusal::die(absent(role)))?;
    let held = held.iter().map(|name| (name.clone(), json!(1)));
    Ok(Value::from(held.collect::<Map<_, _>>()).into())
}

fn absent(role: &str) -> String {
    format!("role '{role}' does not exist")
}

/// What the format of the parameter would have said; it depends on the version.
fn privs(state: &State, call: &Call) -> Result<BTreeSet<String>, Refusal> {
    let named = list(call.params.get("privs").unwrap_or_default());
    let unknown = |name: &&&str| !privileges::is_known(state.version, name);
    match named.iter().find(unknown) {
        Some(name) => {
            let text = format!("invalid format - invalid privilege '{name}'\n");
            Err(Refusal::parameter("privs", &text))
        }
        None => Ok(named.into_iter().map(String::from).collect()),
    }
}

pub(crate) fn create(state: &mut State, call: &Call) -> Result<Reply, Refusal> {
    let role = call.params.text("roleid");
    let privs = privs(state, call)?;
    if role.to_ascii_lowercase().starts_with("pve") {
        let text = "cannot use role ID starting with the (case-insensitive) 'PVE' namespace";
        return Err(Refusal::parameter("roleid", text));
    }
    change(state, "create role", |cfg| {
        if cfg.roles.contains_key(role) {
            return Err(format!("role '{role}' already exists"));
        }
        cfg.roles.insert(role.into(), privs);
        Ok(())
    })
}

pub(crate) fn update(state: &mut State, call: &Call) -> Result<Reply, Refusal> {
    let role = call.params.text("roleid");
    let privs = privs(state, call)?;
    must_be_own(state, role, "modified")?;
    let append = call.params.flag("append");
    change(state, "update role", |cfg| {
        let held = cfg.roles.get_mut(role).ok_or_else(|| absent(role))?;
        if !append {
            held.clear();
        }
        held.extend(privs);
        Ok(())
    })
}

pub(crate) fn delete(state: &mut State, call: &Call) -> Result<Reply, Refusal> {
    let role = call.params.text("roleid");
    must_be_own(state, role, "deleted")?;
    change(state, "delete role", |cfg| {
        if !cfg.roles.contains_key(role) {
            return Err(absent(role));
        }
        cfg.forget_role(role);
        Ok(())
    })
}

fn must_be_own(state: &State, role: &str, what: &str) -> Result<(), Refusal> {
    if privileges::is_built_in(state.version, role) {
        let text = format!("auto-generated role '{role}' cannot be {what}");
        return Err(Refusal::die(text));
    }
    Ok(())
}
