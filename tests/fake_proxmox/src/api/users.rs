//! `/access/users`, and the checks that are about a user.

use std::collections::BTreeSet;

use serde_json::{Map, Value, json};

use crate::access::{Caller, may, need, need_any};
use crate::answer::{Refusal, Reply};
use crate::api::{change, tokens};
use crate::formats::{self, list};
use crate::gate::Call;
use crate::params::scalar;
use crate::routes::Given;
use crate::state::State;
use crate::users::User;

const GROUPS: &str = "/access/groups";
const ABOUT: &[&str] = &["comment", "email", "firstname", "keys", "lastname"];

/// A name that is none is not refused with the parameters: it is looked at too early.
pub(crate) fn named(given: &Given) -> Result<String, Refusal> {
    let user = given.get("userid").and_then(scalar).unwrap_or_default();
    formats::user_name(&user).map_err(Refusal::die)?;
    Ok(user)
}

fn realm(user: &str) -> &str {
    user.rsplit_once('@').map_or("", |(_, realm)| realm)
}

/// Users by the groups that one may look after.
fn in_groups_of(state: &State, caller: &Caller, privileges: &[&str]) -> BTreeSet<String> {
    let groups = state.cfg.groups.iter().filter(|(name, _)| {
        need_any(state, caller, &format!("{GROUPS}/{name}"), privileges).is_ok()
    });
    groups.flat_map(|(_, members)| members.clone()).collect()
}

/// User.Modify on the user's group, or on all.
pub(crate) fn looks_after(state: &State, caller: &Caller, user: &str) -> bool {
    may(state, caller, GROUPS, "User.Modify")
        || in_groups_of(state, caller, &["User.Modify"]).contains(user)
}

pub(crate) fn may_create(state: &State, caller: &Caller, given: &Given) -> Result<(), Refusal> {
    may_use_realm(state, caller, given)?;
    if may(state, caller, GROUPS, "User.Modify") {
        return Ok(());
    }
    let groups = given.get("groups").and_then(scalar).unwrap_or_default();
    if list(&groups).is_empty() {
        return Err(Refusal::forbidden(GROUPS, "User.Modify"));
    }
    let mut groups = list(&groups).into_iter();
    groups.try_for_each(|group| need(state, caller, &format!("{GROUPS}/{group}"), "User.Modify"))
}

fn may_use_realm(state: &State, caller: &Caller, given: &Given) -> Result<(), Refusal> {
    let user = named(given)?;
    let path = format!("/access/realm/{}", realm(&user));
    need(state, caller, &path, "Realm.AllocateUser")
}

pub(crate) fn may_delete(state: &State, caller: &Caller, given: &Given) -> Result<(), Refusal> {
    may_use_realm(state, caller, given)?;
    may_change(state, caller, given)
}

pub(crate) fn may_change(state: &State, caller: &Caller, given: &Given) -> Result<(), Refusal> {
    let user = named(given)?;
    if !state.cfg.users.contains_key(&user) {
        return Err(Refusal::die(format!("no such user ('{user}')")));
    }
    if looks_after(state, caller, &user) {
        Ok(())
    } else {
        Err(Refusal::forbidden_at_all())
    }
}

/// The caller itself is always in it, but a token is no user.
pub(crate) fn index(state: &mut State, call: &Call) -> Result<Reply, Refusal> {
    let wanted = ["User.Modify", "Sys.Audit"];
    let all = need_any(state, &call.caller, GROUPS, &wanted).is_ok();
    let some = in_groups_of(state, &call.caller, &wanted);
    let enabled = call.params.get("enabled").map(|it| it == "1");
    let seen = state.cfg.users.iter().filter(|(name, user)| {
        (all || **name == call.caller.id || some.contains(*name))
            && enabled.is_none_or(|enabled| enabled != user.disabled)
    });
    let rows = seen.map(|(name, user)| {
        let mut row = about(user);
        row.insert("userid".into(), json!(name));
        let realm = realm(name);
        if ["pam", "pve"].contains(&realm) {
            row.insert("realm-type".into(), json!(realm));
        }
        if call.params.flag("full") {
            row.insert("groups".into(), json!(groups_of(state, name).join(",")));
            if !user.tokens.is_empty() {
                row.insert("tokens".into(), tokens::rows(user));
            }
        }
        Value::Object(row)
    });
    Ok(Value::from(rows.collect::<Vec<_>>()).into())
}

fn about(user: &User) -> Map<String, Value> {
    let mut row: Map<String, Value> = user
        .about
        .iter()
        .map(|(key, value)| (key.clone(), json!(value)))
        .collect();
    row.insert("enable".into(), json!(u8::from(!user.disabled)));
    row.insert("expire".into(), json!(user.expire));
    row
}

fn groups_of<'a>(state: &'a State, user: &str) -> Vec<&'a str> {
    let groups = state.cfg.groups.iter();
    let groups = groups.filter(|(_, members)| members.contains(user));
    groups.map(|(name, _)| name.as_str()).collect()
}

pub(crate) fn create(state: &mut State, call: &Call) -> Result<Reply, Refusal> {
    let params = &call.params;
    let name = params.text("userid");
    change(state, "create user", |cfg| {
        if cfg.users.contains_key(name) {
            return Err(format!("user '{name}' already exists"));
        }
        let groups = list(params.get("groups").unwrap_or_default());
        if let Some(group) = groups.iter().find(|it| !cfg.groups.contains_key(**it)) {
            return Err(format!("no such group '{group}'"));
        }
        if params.get("password").is_some() && !["pam", "pve"].contains(&realm(name)) {
            return Err(format!("auth domain '{}' does not exist", realm(name)));
        }
        for group in groups {
            let members = cfg.groups.entry(group.into()).or_default();
            members.insert(name.into());
        }
        let user = cfg.users.entry(name.into()).or_default();
        fill(user, call);
        Ok(())
    })
}

fn fill(user: &mut User, call: &Call) {
    let params = &call.params;
    if let Some(enable) = params.get("enable") {
        user.disabled = enable == "0";
    }
    if let Some(expire) = params.number("expire") {
        user.expire = expire;
    }
    for key in ABOUT {
        match params.get(key) {
            Some("") => drop(user.about.remove(*key)),
            Some(value) => drop(user.about.insert((*key).into(), value.into())),
            None => {}
        }
    }
}

/// To delete somebody who does not exist is no error for root. Tokens and ACLs go with the user.
pub(crate) fn delete(state: &mut State, call: &Call) -> Result<Reply, Refusal> {
    let name = call.params.text("userid");
    change(state, "delete user", |cfg| {
        let user = cfg.users.remove(name).unwrap_or_default();
        for token in user.tokens.keys() {
            cfg.forget(&format!("{name}!{token}"));
        }
        for members in cfg.groups.values_mut() {
            members.remove(name);
        }
        cfg.forget(name);
        Ok(())
    })
}

/// An e-mail address or nothing.
pub(crate) fn email(text: &str) -> Result<(), String> {
    let fits = text.is_empty()
        || text.split_once('@').is_some_and(|(name, host)| {
            !name.is_empty() && !host.is_empty() && !host.contains('@')
        });
    if fits && !text.contains(char::is_whitespace) {
        Ok(())
    } else {
        Err("invalid format - value does not look like a valid email address\n".into())
    }
}

pub(crate) fn keys(text: &str) -> Result<(), String> {
    let fits = |b: u8| b.is_ascii_alphanumeric() || b == b'!' || b == b'=';
    if text.bytes().all(fits) && text.len() <= 4096 {
        Ok(())
    } else {
        Err("value does not match the regex pattern".into())
    }
}
