//! Discord's message object, complete enough for its `OpenAPI` document.

use serde_json::{Map, Value, json};

use crate::message::{Attachment, Stored, Version};
use crate::objects::{bot_user, owners, person_user};
use crate::state::{Interaction, State};

pub(crate) fn message(state: &State, stored: &Stored) -> Value {
    let empty = Version::default();
    let version = stored.latest().unwrap_or(&empty);
    let mut object = json!({
        "id": stored.id.to_string(), "channel_id": stored.channel.to_string(), "author": bot_user(state),
        "type": 0, "content": version.content, "timestamp": stored.created, "edited_timestamp": version.edited,
        "tts": false, "mention_everyone": false, "pinned": false, "flags": version.flags,
        "mentions": mentions(state, &version.content), "mention_roles": [],
        "attachments": version.attachments.iter().map(|a| attachment(state, stored, a)).collect::<Vec<_>>(),
        "embeds": version.embeds, "components": version.components
    });
    let Some(made_by) = stored
        .interaction
        .and_then(|id| state.interactions.get(&id))
    else {
        return object;
    };
    object["application_id"] = json!(state.setup.app_id.to_string());
    object["webhook_id"] = json!(state.setup.app_id.to_string());
    object["interaction_metadata"] = interaction_metadata(state, made_by);
    let is_answer = made_by.original == Some(stored.id);
    if !is_answer {
        object["interaction_metadata"]["original_response_message_id"] =
            json!(made_by.original.map(|id| id.to_string()));
        return object;
    }
    if let Some(source) = made_by.source {
        object["message_reference"] = json!({"type": 0, "channel_id": stored.channel.to_string(), "message_id": source.to_string()});
    } else {
        object["type"] = json!(20);
        object["interaction"] = json!({"id": made_by.id.to_string(), "type": 2, "name": made_by.name,
                                       "user": person_user(state, made_by.person)});
    }
    object
}

fn interaction_metadata(state: &State, made_by: &Interaction) -> Value {
    let mut metadata = json!({
        "id": made_by.id.to_string(), "type": made_by.kind, "user": person_user(state, made_by.person),
        "authorizing_integration_owners": owners(made_by.guild)
    });
    match (
        made_by.kind,
        made_by.parent.and_then(|id| state.interactions.get(&id)),
    ) {
        (5, Some(parent)) => {
            metadata["triggering_interaction_metadata"] = interaction_metadata(state, parent);
        }
        (3, _) => {
            let source = made_by.source.unwrap_or_default();
            metadata["interacted_message_id"] = json!(source.to_string());
        }
        (2, _) => {
            metadata["name"] = json!(made_by.name);
            metadata["command_type"] = json!(1);
        }
        _ => {}
    }
    metadata
}

fn mentions(state: &State, content: &str) -> Vec<Value> {
    let named = state
        .setup
        .people
        .iter()
        .filter(|person| content.contains(&format!("<@{}>", person.id)));
    named.map(|person| person_user(state, person.id)).collect()
}

pub(crate) fn attachment_url(state: &State, channel: u64, attachment: &Attachment) -> String {
    let (port, id, name) = (state.port, attachment.id, &attachment.name);
    format!("http://127.0.0.1:{port}/attachments/{channel}/{id}/{name}")
}

fn attachment(state: &State, stored: &Stored, attachment: &Attachment) -> Value {
    let url = attachment_url(state, stored.channel, attachment);
    let mut object = Map::from_iter([
        ("id".to_owned(), json!(attachment.id.to_string())),
        ("filename".to_owned(), json!(attachment.name)),
        ("size".to_owned(), json!(attachment.bytes.len())),
        ("url".to_owned(), json!(url)),
        ("proxy_url".to_owned(), json!(url)),
        ("content_type".to_owned(), json!(attachment.content_type)),
    ]);
    if let Some(description) = &attachment.description {
        object.insert("description".into(), json!(description));
    }
    if stored.ephemeral_for.is_some() {
        object.insert("ephemeral".into(), json!(true));
    }
    if let Some((width, height)) = png_size(&attachment.bytes) {
        object.insert("width".into(), json!(width));
        object.insert("height".into(), json!(height));
    }
    Value::Object(object)
}

/// Width and height stand at fixed places of every PNG.
fn png_size(bytes: &[u8]) -> Option<(u32, u32)> {
    if !bytes.starts_with(b"\x89PNG\r\n\x1a\n") {
        return None;
    }
    let number = |at: usize| Some(u32::from_be_bytes(bytes.get(at..at + 4)?.try_into().ok()?));
    Some((number(16)?, number(20)?))
}
