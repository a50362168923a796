//! `/access/acl`: who has which role where.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::access::{self, Caller, Privs, may, need_any};
use crate::answer::{Refusal, Reply};
use crate::api::{change, no_quorum};
use crate::formats::list;
use crate::gate::Call;
use crate::params::{integer, scalar};
use crate::privileges::NO_ACCESS;
use crate::routes::Given;
use crate::state::State;
use crate::users::{UserCfg, split};

/// The right to hand out rights there: by name, or for who may create such a thing.
pub(crate) fn need_modify(state: &State, caller: &Caller, path: &str) -> Result<(), Refusal> {
    let below = |root: &str| path.strip_prefix(root).is_some_and(|rest| !rest.is_empty());
    let mut enough = vec!["Permissions.Modify"];
    if below("/storage/") {
        enough.push("Datastore.Allocate");
    } else if below("/vms/") {
        enough.push("VM.Allocate");
    } else if below("/pool/") {
        enough.push("Pool.Allocate");
    }
    need_any(state, caller, path, &enough)
}

/// A path that makes no sense is refused with the parameters.
pub(crate) fn may_update(state: &State, caller: &Caller, given: &Given) -> Result<(), Refusal> {
    let path = given.get("path").and_then(scalar).unwrap_or_default();
    match normal(&path) {
        Some(path) => need_modify(state, caller, &path),
        None => Ok(()),
    }
}

/// `vms//100/` → `/vms/100`
fn normal(path: &str) -> Option<String> {
    let fits = |c: char| c.is_ascii_alphanumeric() || "._-/".contains(c);
    if path.is_empty() || !path.chars().all(fits) {
        return None;
    }
    let parts: Vec<&str> = path.split('/').filter(|part| !part.is_empty()).collect();
    Some(format!("/{}", parts.join("/")))
}

/// Rights can be given only where Proxmox ever asks for them.
fn is_known(path: &str) -> bool {
    let parts: Vec<&str> = path.split('/').skip(1).collect();
    let number = |text: &str, digits: usize| {
        integer(text).is_some() && !text.starts_with(['0', '+', '-']) && text.len() >= digits
    };
    let plain = |text: &str| text.bytes().all(|b| b.is_ascii_alphanumeric());
    match parts.as_slice() {
        [""] | ["access" | "mapping" | "nodes" | "pool" | "sdn" | "storage" | "vms"] => true,
        ["access", "groups" | "realm"]
        | ["access", "groups" | "realm", _]
        | ["mapping" | "nodes" | "storage", _]
        | ["mapping", _, _] => true,
        ["pool", names @ ..] => names.len() <= 3,
        ["vms", vmid] => number(vmid, 3),
        ["sdn", "zones", rest @ ..] => {
            rest.len() < 3 || (rest.len() == 3 && number(rest[2], 1) && rest[2].len() <= 4)
        }
        [
            "sdn",
            "controllers" | "dns" | "fabrics" | "ipams" | "prefix-lists" | "route-maps",
        ] => true,
        ["sdn", "controllers", name] => !name.contains('.'),
        [
            "sdn",
            "dns" | "fabrics" | "ipams" | "prefix-lists" | "route-maps",
            name,
        ] => plain(name),
        _ => false,
    }
}

pub(crate) fn read(state: &mut State, call: &Call) -> Result<Reply, Refusal> {
    let auditor = may(state, &call.caller, "/access", "Sys.Audit");
    let mut rows = Vec::new();
    for (path, entries) in &state.cfg.acls {
        if !auditor && need_modify(state, &call.caller, path).is_err() {
            continue;
        }
        for (sort, all) in entries.sorts() {
            for (who, given) in all {
                rows.extend(given.iter().map(|(role, down)| {
                    json!({
                        "path": path,
                        "type": sort,
                        "ugid": who,
                        "roleid": role,
                        "propagate": u8::from(*down),
                    })
                }));
            }
        }
    }
    Ok(Value::from(rows).into())
}

pub(crate) fn update(state: &mut State, call: &Call) -> Result<Reply, Refusal> {
    let params = &call.params;
    let sorts = ["users", "groups", "tokens"];
    if sorts
        .iter()
        .all(|sort| params.get(sort).is_none_or(str::is_empty))
    {
        let text = "either 'users', 'groups' or 'tokens' is required.";
        let errors = sorts.map(|sort| (sort.to_owned(), text.to_owned()));
        return Err(Refusal::parameters(BTreeMap::from(errors)));
    }
    let delete = params.flag("delete");
    let invalid = || {
        let text = format!("invalid ACL path '{}'", params.text("path"));
        Refusal::parameter("path", &text)
    };
    let path = normal(params.text("path")).ok_or_else(invalid)?;
    if !delete && !is_known(&path) {
        return Err(invalid());
    }
    no_quorum(state, "ACL update")?;
    let propagate = params.get("propagate") != Some("0");
    let held = if call.caller.id == access::ROOT {
        None
    } else {
        Some(access::privs(state, &call.caller, &path))
    };
    let roles = list(params.text("roles"));
    for role in &roles {
        if !state.cfg.roles.contains_key(*role) {
            let text = format!("role '{role}' does not exist");
            return Err(Refusal::within("ACL update", &text));
        }
        if let Some(held) = &held {
            may_hand_out(&state.cfg, held, role, delete, propagate)?;
        }
    }
    change(state, "ACL update", |cfg| {
        let who = everybody(cfg, call)?;
        let entries = cfg.acls.entry(path).or_default();
        for (who, role) in who
            .iter()
            .flat_map(|who| roles.iter().map(move |role| (who, *role)))
        {
            if delete {
                entries.of(who).remove(role);
            } else {
                entries.of(who).insert(role.into(), propagate);
            }
        }
        cfg.tidy();
        Ok(())
    })
}

/// Users, tokens, and groups with an `@` before them, if all of them exist.
fn everybody(cfg: &UserCfg, call: &Call) -> Result<Vec<String>, String> {
    let named = |sort: &str| list(call.params.get(sort).unwrap_or_default());
    let mut all = Vec::new();
    for group in named("groups") {
        if !cfg.groups.contains_key(group) {
            return Err(format!("group '{group}' does not exist"));
        }
        all.push(format!("@{group}"));
    }
    for user in named("users") {
        if !cfg.users.contains_key(user) {
            return Err(format!("user '{user}' does not exist"));
        }
        all.push(user.into());
    }
    for token in named("tokens") {
        let (user, name) = split(token);
        let name = name.unwrap_or_default();
        if !cfg.users.contains_key(user) {
            return Err(format!("no such user ('{user}')"));
        }
        if cfg.token(token).is_none() {
            return Err(format!("no such token '{name}' for user '{user}'"));
        }
        all.push(token.into());
    }
    Ok(all)
}

/// Who may not change permissions freely gives and takes only what it has itself.
fn may_hand_out(
    cfg: &UserCfg,
    held: &Privs,
    role: &str,
    delete: bool,
    propagate: bool,
) -> Result<(), Refusal> {
    if held.contains_key("Permissions.Modify") {
        return Ok(());
    }
    let verb = if delete { "remove" } else { "add" };
    let refuse = |text: String| Err(Refusal::parameter("role", &text));
    for name in cfg.roles.get(role).into_iter().flatten() {
        let Some(down) = held.get(name) else {
            return refuse(format!(
                "Cannot {verb} role '{role}' - requires 'Permissions.Modify' or superset of privileges."
            ));
        };
        if propagate && !down && !delete {
            return refuse(format!(
                "Cannot {verb} role '{role}' with propagation - requires 'Permissions.Modify' or \
                 propagated superset of privileges."
            ));
        }
    }
    if role == NO_ACCESS {
        return refuse(format!(
            "Cannot {verb} role '{role}' - requires 'Permissions.Modify'"
        ));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths() {
        for good in [
            "/",
            "/vms/100",
            "/pool/a/b/c",
            "/storage/nas",
            "/nodes/pve1",
            "/access/realm/pve",
        ] {
            assert!(is_known(good), "{good}");
        }
        for bad in [
            "/vms/10",
            "/vms/abc",
            "/pool/a/b/c/d",
            "/guests",
            "/vms/100/x",
            "/access/users",
        ] {
            assert!(!is_known(bad), "{bad}");
        }
        assert_eq!(normal("vms//100/").as_deref(), Some("/vms/100"));
        assert_eq!(normal("/vms/1 0"), None);
    }
}
