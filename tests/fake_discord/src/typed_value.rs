//! Typed text as option values: numbers in their bounds, choices, people, roles, channels.

use serde_json::{Map, Value, json};

use crate::objects;
use crate::state::State;

/// The text of one option as the value that Discord sends, with what it refers to.
pub(crate) fn convert(
    state: &State,
    guild: Option<u64>,
    option: &Value,
    text: &str,
    resolved: &mut Map<String, Value>,
) -> Result<Value, String> {
    let name = &option["name"];
    if let Some(choices) = option["choices"]
        .as_array()
        .filter(|choices| !choices.is_empty())
    {
        let number: Option<Value> = serde_json::from_str(text).ok();
        let fits = |choice: &&Value| {
            let value = &choice["value"];
            choice["name"] == text
                || *value == text
                || (value.is_number() && number.as_ref() == Some(value))
        };
        let choice = choices.iter().find(fits);
        return choice
            .map(|choice| choice["value"].clone())
            .ok_or_else(|| format!("{name}: `{text}` is none of the choices"));
    }
    match option["type"].as_u64() {
        Some(3) => string(option, text),
        Some(4) => {
            let number: i64 = text
                .parse()
                .map_err(|_| format!("{name}: `{text}` is not a whole number"))?;
            #[allow(clippy::cast_precision_loss)]
            in_bounds(option, number as f64).map(|()| json!(number))
        }
        Some(10) => {
            let number: f64 = text
                .parse()
                .map_err(|_| format!("{name}: `{text}` is not a number"))?;
            in_bounds(option, number).map(|()| json!(number))
        }
        Some(5) => text
            .to_lowercase()
            .parse::<bool>()
            .map(Value::Bool)
            .map_err(|_| format!("{name}: `{text}` is not true or false")),
        Some(6) => user(state, guild, text, resolved),
        Some(7) => channel(state, text, resolved),
        Some(8) => role(state, guild, text, resolved),
        Some(9) => {
            user(state, guild, text, resolved).or_else(|_| role(state, guild, text, resolved))
        }
        _ => Err(format!(
            "{name}: this fake cannot type an option of type {}",
            option["type"]
        )),
    }
}

fn string(option: &Value, text: &str) -> Result<Value, String> {
    let length = text.chars().count() as u64;
    let (least, most) = (
        option["min_length"].as_u64().unwrap_or(0),
        option["max_length"].as_u64().unwrap_or(6000),
    );
    if length < least || length > most {
        return Err(format!(
            "{}: must be between {least} and {most} in length",
            option["name"]
        ));
    }
    Ok(json!(text))
}

fn in_bounds(option: &Value, number: f64) -> Result<(), String> {
    let low = option["min_value"]
        .as_f64()
        .is_some_and(|least| number < least);
    let high = option["max_value"]
        .as_f64()
        .is_some_and(|most| number > most);
    if low || high {
        Err(format!("{}: {number} is out of bounds", option["name"]))
    } else {
        Ok(())
    }
}

fn digits(text: &str) -> Option<u64> {
    text.trim_matches(|c: char| !c.is_ascii_digit())
        .parse()
        .ok()
}

fn user(
    state: &State,
    guild: Option<u64>,
    text: &str,
    resolved: &mut Map<String, Value>,
) -> Result<Value, String> {
    let bare = text.trim_start_matches('@');
    let found = state
        .member_named(bare)
        .or_else(|| state.member(digits(text)?));
    let found = found.ok_or_else(|| format!("there is nobody called `{text}`"))?;
    let id = found.id.to_string();
    put(
        resolved,
        "users",
        &id,
        objects::person_user(state, found.id),
    );
    if let Some(guild) = guild.filter(|guild| found.is_in(*guild)) {
        let roles = objects::roles_in(state, found, guild);
        let mut member = objects::interaction_member(state, found.id, guild, &roles);
        if let Some(fields) = member.as_object_mut() {
            for absent in ["user", "deaf", "mute"] {
                fields.remove(absent);
            }
        }
        put(resolved, "members", &id, member);
    }
    Ok(json!(id))
}

fn role(
    state: &State,
    guild: Option<u64>,
    text: &str,
    resolved: &mut Map<String, Value>,
) -> Result<Value, String> {
    let bare = text.trim_start_matches('@');
    let found = state
        .setup
        .roles
        .iter()
        .find(|role| role.name == bare || digits(text) == Some(role.id));
    let found = found.ok_or_else(|| format!("there is no role `{text}`"))?;
    let id = found.id.to_string();
    put(
        resolved,
        "roles",
        &id,
        objects::role_by_id(state, guild.unwrap_or(found.guild), found.id).unwrap_or_default(),
    );
    Ok(json!(id))
}

fn channel(state: &State, text: &str, resolved: &mut Map<String, Value>) -> Result<Value, String> {
    let bare = text.trim_start_matches('#');
    let found = state
        .setup
        .channels
        .iter()
        .find(|channel| channel.name == bare || digits(text) == Some(channel.id));
    let found = found.ok_or_else(|| format!("there is no channel `{text}`"))?;
    let id = found.id.to_string();
    put(
        resolved,
        "channels",
        &id,
        objects::interaction_channel(state, found.id, objects::EVERYTHING),
    );
    Ok(json!(id))
}

fn put(resolved: &mut Map<String, Value>, kind: &str, id: &str, object: Value) {
    resolved.entry(kind).or_insert_with(|| json!({}))[id] = object;
}

/// What was picked in a menu of people, roles or channels.
pub(crate) fn resolve_picked(
    state: &State,
    guild: Option<u64>,
    kind: u64,
    text: &str,
    resolved: &mut Map<String, Value>,
) -> Result<Value, String> {
    match kind {
        5 => user(state, guild, text, resolved),
        6 => role(state, guild, text, resolved),
        8 => channel(state, text, resolved),
        _ => user(state, guild, text, resolved).or_else(|_| role(state, guild, text, resolved)),
    }
}
