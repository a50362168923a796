//! `INTERACTION_CREATE` with every field that Discord sends.

use std::time::Instant;

use serde_json::{Value, json};

use crate::gateway;
use crate::message_object;
use crate::objects;
use crate::setup::{ATTACH_FILES, EMBED_LINKS};
use crate::state::{Interaction, State};

/// Who acts, where, and with which roles the event says they act.
#[derive(Clone, Debug)]
pub(crate) struct Who {
    pub person: u64,
    /// `None`: in the direct messages with the bot.
    pub guild: Option<u64>,
    pub channel: u64,
    /// Other roles in the event than REST knows.
    pub roles: Option<Vec<u64>>,
}

impl Who {
    pub(crate) fn roles(&self, state: &State) -> Vec<u64> {
        let known = || {
            state
                .member(self.person)
                .zip(self.guild)
                .map(|(member, guild)| objects::roles_in(state, member, guild))
        };
        self.roles.clone().or_else(known).unwrap_or_default()
    }

    pub(crate) fn permissions(&self, state: &State) -> u64 {
        let roles = self.roles(state);
        self.guild.map_or(objects::EVERYTHING, |guild| {
            objects::permissions(state, self.person, guild, &roles)
        })
    }
}

pub(crate) struct Start {
    pub kind: u64,
    pub data: Value,
    pub source: Option<u64>,
    pub deed: String,
    pub name: String,
    pub parent: Option<u64>,
}

/// Sends the event and keeps the interaction; its id.
pub(crate) fn begin(state: &mut State, who: &Who, start: Start, patch: &Value) -> u64 {
    let id = state.new_id();
    let token = token(id);
    let mut event = event(state, who, &start, id, &token);
    merge(&mut event, patch);
    let id = event["id"]
        .as_str()
        .and_then(|id| id.parse().ok())
        .unwrap_or(id);
    let token = event["token"].as_str().unwrap_or(&token).to_owned();
    let interaction = Interaction {
        id,
        token: token.clone(),
        kind: event["type"].as_u64().unwrap_or(start.kind),
        person: who.person,
        guild: who.guild,
        channel: who.channel,
        deed: start.deed,
        source: start.source,
        name: start.name,
        sent: Instant::now(),
        ack: None,
        may_come_twice: false,
        original: None,
        original_from: 0,
        follow_ups: Vec::new(),
        choices: None,
        modal: None,
        parent: start.parent,
        trouble: Vec::new(),
    };
    state.interactions.insert(id, interaction);
    state.tokens.insert(token, id);
    gateway::dispatch(state, "INTERACTION_CREATE", &event);
    id
}

fn event(state: &State, who: &Who, start: &Start, id: u64, token: &str) -> Value {
    let permissions = who.permissions(state);
    let app_permissions = match who.guild {
        Some(_) => objects::bot_permissions(state, who.channel),
        None => ATTACH_FILES | EMBED_LINKS | 1 << 17 | 1 << 18,
    };
    let mut event = json!({
        "id": id.to_string(), "application_id": state.setup.app_id.to_string(), "type": start.kind,
        "token": token, "version": 1, "data": start.data, "channel_id": who.channel.to_string(),
        "channel": objects::interaction_channel(state, who.channel, permissions),
        "app_permissions": app_permissions.to_string(), "locale": "en-US", "entitlements": [],
        "entitlement_sku_ids": [], "authorizing_integration_owners": objects::owners(who.guild),
        "context": u8::from(who.guild.is_none()), "attachment_size_limit": 10_485_760
    });
    match who.guild {
        Some(guild) => {
            event["guild_id"] = json!(guild.to_string());
            event["guild"] = json!({"id": guild.to_string(), "features": [], "locale": "en-US"});
            event["guild_locale"] = json!("en-US");
            event["member"] =
                objects::interaction_member(state, who.person, guild, &who.roles(state));
        }
        None => event["user"] = objects::person_user(state, who.person),
    }
    if let Some(message) = start.source.and_then(|source| state.messages.get(&source)) {
        event["message"] = message_object::message(state, message);
    }
    event
}

/// As long and as opaque as Discord's, and different every time.
fn token(id: u64) -> String {
    // An odd factor keeps different ids different. (Zero would stay zero for ever; no id is.)
    let mut seed = id.wrapping_mul(0x9E37_79B9_7F4A_7C15);
    let letters = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-";
    let tail = (0..160).map(|_| {
        seed ^= seed << 13;
        seed ^= seed >> 7;
        seed ^= seed << 17;
        char::from(letters[usize::try_from(seed % 64).unwrap_or_default()])
    });
    format!("aW50ZXJhY3Rpb246{}", tail.collect::<String>())
}

/// RFC 7396: null takes a field away.
fn merge(target: &mut Value, patch: &Value) {
    let Some(fields) = patch.as_object() else {
        return;
    };
    for (key, value) in fields {
        match (value, target.get_mut(key)) {
            (Value::Null, _) => {
                target.as_object_mut().map(|object| object.remove(key));
            }
            (Value::Object(_), Some(inner)) if inner.is_object() => merge(inner, value),
            _ => target[key] = value.clone(),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::token;

    #[test]
    fn no_two_interactions_share_a_token() {
        let ids = (1..65).chain(1_574_772_697_768_919_040..1_574_772_697_768_919_104);
        let tokens: BTreeSet<String> = ids.map(token).collect();
        assert_eq!(tokens.len(), 128);
    }
}
