//! Where Discord's document is too loose, and where it is stricter than Discord.

use serde_json::{Map, Value, json};

/// Who speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Side {
    Bot,
    Discord,
}

/// Fields that are sent although the document does not know them, each with its reason.
const UNDOCUMENTED: &[(Side, &str, &[&str])] = &[
    // In Discord's documentation of commands, and serenity always says `false`.
    (Side::Bot, "ApplicationCommandUpdateRequest", &["nsfw"]),
    // Sent by the real Discord, and by the fake so that the bot has met them.
    (
        Side::Discord,
        "UserResponse",
        &["banner_color", "clan", "display_name_styles"],
    ),
    (
        Side::Discord,
        "UserPIIResponse",
        &["banner_color", "bio", "clan", "display_name_styles"],
    ),
    (
        Side::Discord,
        "GuildWithCountsResponse",
        &["hub_type", "latest_onboarding_question_id"],
    ),
    (Side::Discord, "GuildRoleResponse", &["description"]),
    (
        Side::Discord,
        "GuildMemberResponse",
        &["display_name_styles", "unusual_dm_activity_until"],
    ),
    (
        Side::Discord,
        "ApplicationCommandInteractionMetadataResponse",
        &["command_type", "name"],
    ),
    // Of members in interactions only: documentation, "Guild Member Object".
    (Side::Discord, "GuildMemberResponse", &["permissions"]),
];

/// serenity gives every option the fields of all kinds of options. Those that are of another kind
/// have to be empty.
const OF_ANY_OPTION: &[&str] = &[
    "autocomplete",
    "channel_types",
    "choices",
    "max_length",
    "max_value",
    "min_length",
    "min_value",
    "options",
];

/// Closes every object against unknown fields, so that a misspelt one is seen, and lets through
/// what is known to be sent nevertheless.
pub fn prepare(side: Side, name: &str, schema: &mut Value) {
    close(schema);
    let rows = UNDOCUMENTED
        .iter()
        .filter(|(speaks, of, _)| *speaks == side && *of == name);
    for field in rows.flat_map(|(.., fields)| *fields) {
        schema["properties"][field] = json!(true);
    }
    if side == Side::Bot {
        announced(name, schema);
        if name.starts_with("ApplicationCommand") && name.ends_with("Option") {
            options(schema);
        }
    }
}

fn options(schema: &mut Value) {
    let Some(known) = schema["properties"].as_object_mut() else {
        return;
    };
    for field in OF_ANY_OPTION {
        known
            .entry(*field)
            .or_insert_with(|| json!({"enum": [null, false, []]}));
    }
}

/// The two leniencies that the document's README announces.
fn announced(name: &str, schema: &mut Value) {
    if name == "SnowflakeType" {
        // `attachments[].id` is the number of a file until it has one.
        *schema = json!({"anyOf": [schema.take(), {"type": "integer", "minimum": 0}]});
    }
    if let Some(bits) = schema.pointer_mut("/properties/default_member_permissions") {
        *bits = json!({"anyOf": [bits.take(), {"type": "string", "pattern": "^[0-9]+$"}]});
    }
}

fn close(schema: &mut Value) {
    let Value::Object(fields) = schema else {
        return;
    };
    if fields.contains_key("properties") && !fields.contains_key("additionalProperties") {
        fields.insert("additionalProperties".to_owned(), json!(false));
    }
    for (key, inner) in fields {
        match key.as_str() {
            "properties" => inner
                .as_object_mut()
                .into_iter()
                .flat_map(Map::values_mut)
                .for_each(close),
            "items" | "additionalProperties" => close(inner),
            "oneOf" | "anyOf" | "allOf" => {
                inner.as_array_mut().into_iter().flatten().for_each(close);
            }
            _ => {}
        }
    }
}
