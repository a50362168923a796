//! Registering application commands.

use axum::http::Method;
use serde_json::{Value, json};

use crate::objects::is_id;
use crate::rest::Reply;
use crate::rest::call::Call;
use crate::rest::compose::settle;
use crate::rest::error::{Findings, Refusal};
use crate::rules::command;
use crate::state::State;

fn admit(state: &State, app: u64, guild: u64) -> Result<(), Refusal> {
    if app != state.setup.app_id {
        return Err(Refusal::rule(
            403,
            20012,
            "You are not authorized to perform this action on this application",
        ));
    }
    if guild != 0 && !state.setup.guilds.iter().any(|known| known.id == guild) {
        return Err(Refusal::circumstance(403, 50001, "Missing Access"));
    }
    Ok(())
}

pub(crate) fn all(state: &mut State, call: &Call, app: u64, guild: u64) -> Result<Reply, Refusal> {
    admit(state, app, guild)?;
    match call.method {
        Method::GET => Ok(Reply::json(
            200,
            shown(state, guild, call.asks("with_localizations")),
        )),
        Method::PUT => {
            settle(state, call, &command::check_all(&call.json))?;
            let sent = call.json.as_array().cloned().unwrap_or_default();
            let stored = sent
                .iter()
                .map(|command| complete(state, command, guild))
                .collect();
            state.commands.insert(guild, stored);
            state.registrations += 1;
            Ok(Reply::json(200, shown(state, guild, true)))
        }
        Method::POST => create(state, call, guild),
        _ => Err(Refusal::rule(405, 0, "405: Method Not Allowed")),
    }
}

fn create(state: &mut State, call: &Call, guild: u64) -> Result<Reply, Refusal> {
    check_one(state, call)?;
    let new = complete(state, &call.json, guild);
    let list = state.commands.entry(guild).or_default();
    let known = list.iter().position(|old| same(old, &new));
    match known {
        Some(at) => list[at] = new.clone(),
        None => list.push(new.clone()),
    }
    Ok(Reply::json(if known.is_some() { 200 } else { 201 }, new))
}

pub(crate) fn one(
    state: &mut State,
    call: &Call,
    app: u64,
    guild: u64,
    id: u64,
) -> Result<Reply, Refusal> {
    admit(state, app, guild)?;
    let unknown = || Refusal::circumstance(404, 10063, "Unknown application command");
    let list = state.commands.get(&guild).ok_or_else(unknown)?;
    let at = list
        .iter()
        .position(|command| is_id(&command["id"], id))
        .ok_or_else(unknown)?;
    match call.method {
        Method::GET => Ok(Reply::json(200, list[at].clone())),
        Method::DELETE => {
            state.commands.entry(guild).or_default().remove(at);
            Ok(Reply::empty())
        }
        Method::PATCH => {
            let mut merged = list[at].clone();
            for (key, value) in call.json.as_object().into_iter().flatten() {
                merged[key] = value.clone();
            }
            let mut sent = merged.clone();
            for own in ["id", "application_id", "version", "guild_id"] {
                sent.as_object_mut().map(|object| object.remove(own));
            }
            let mut findings = Findings::default();
            command::check(&sent, "", &mut findings);
            settle(state, call, &findings)?;
            merged["version"] = json!(state.new_id().to_string());
            state.commands.entry(guild).or_default()[at] = merged.clone();
            Ok(Reply::json(200, merged))
        }
        _ => Err(Refusal::rule(405, 0, "405: Method Not Allowed")),
    }
}

fn check_one(state: &mut State, call: &Call) -> Result<(), Refusal> {
    let mut findings = Findings::default();
    command::check(&call.json, "", &mut findings);
    settle(state, call, &findings)
}

fn same(a: &Value, b: &Value) -> bool {
    a["name"] == b["name"] && a["type"] == b["type"]
}

/// The full shape; an existing command of that name keeps its id, and its version while it is unchanged.
fn complete(state: &mut State, sent: &Value, guild: u64) -> Value {
    let mut command = json!({
        "application_id": state.setup.app_id.to_string(), "type": sent["type"].as_u64().unwrap_or(1),
        "name": sent["name"], "description": sent["description"],
        "name_localizations": sent["name_localizations"],
        "description_localizations": sent["description_localizations"],
        "default_member_permissions": bit_set(&sent["default_member_permissions"]),
        "nsfw": sent["nsfw"] == true, "dm_permission": sent["dm_permission"] != false,
        "contexts": sent["contexts"],
        "integration_types": if sent["integration_types"].is_array() { sent["integration_types"].clone() } else { json!([0]) }
    });
    let options: Vec<Value> = sent["options"]
        .as_array()
        .into_iter()
        .flatten()
        .map(option)
        .collect();
    if !options.is_empty() {
        command["options"] = json!(options);
    }
    if guild == 0 {
        command["dm_permission"] = json!(sent["dm_permission"] != false);
    } else {
        command["guild_id"] = json!(guild.to_string());
        command
            .as_object_mut()
            .map(|object| object.remove("dm_permission"));
        // A guild's command lives in the guild; Discord gives these back as null.
        command["contexts"] = Value::Null;
    }
    let old = state
        .commands
        .get(&guild)
        .and_then(|list| list.iter().find(|old| same(old, &command)))
        .cloned();
    let id = old.as_ref().map_or_else(
        || state.new_id().to_string(),
        |old| old["id"].as_str().unwrap_or("0").to_owned(),
    );
    command["id"] = json!(id);
    if let Some(old) = old {
        command["version"] = old["version"].clone();
        if command == old {
            return command;
        }
    }
    command["version"] = json!(state.new_id().to_string());
    command
}

fn bit_set(value: &Value) -> Value {
    match value {
        Value::Number(number) => json!(number.to_string()),
        other => other.clone(),
    }
}

/// Defaults (`required: false` and the like) are left out, as Discord does, and so are nulls.
fn option(sent: &Value) -> Value {
    let mut option = sent.clone();
    let Some(fields) = option.as_object_mut() else {
        return option;
    };
    fields.retain(|key, value| {
        let default = matches!(key.as_str(), "required" | "autocomplete") && *value == false;
        let empty = matches!(key.as_str(), "options" | "choices" | "channel_types")
            && value.as_array().is_some_and(Vec::is_empty);
        !value.is_null() && !default && !empty
    });
    if let Some(inner) = fields.get_mut("options").and_then(Value::as_array_mut) {
        for each in inner {
            *each = self::option(each);
        }
    }
    option
}

/// Without `with_localizations` Discord leaves the translations out.
fn shown(state: &State, guild: u64, localizations: bool) -> Value {
    let mut list = state.commands.get(&guild).cloned().unwrap_or_default();
    if !localizations {
        list.iter_mut().for_each(drop_localizations);
    }
    Value::Array(list)
}

fn drop_localizations(value: &mut Value) {
    match value {
        Value::Array(items) => items.iter_mut().for_each(drop_localizations),
        Value::Object(fields) => {
            fields.retain(|key, _| !key.ends_with("_localizations"));
            fields.values_mut().for_each(drop_localizations);
        }
        _ => {}
    }
}
