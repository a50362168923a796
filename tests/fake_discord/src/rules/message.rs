//! The body of a message, at each place where a bot can send one.

use serde_json::Value;

use crate::message::{COMPONENTS_V2, EPHEMERAL};
use crate::rest::error::{Findings, join};
use crate::rules::{components, embeds};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Place {
    /// Callback type 4.
    Answer,
    /// Callback type 7.
    Update,
    /// PATCH on an interaction's webhook.
    EditAnswer,
    FollowUp,
    /// POST to a channel.
    Post,
    EditPost,
}

impl Place {
    pub(crate) fn creates(self) -> bool {
        matches!(self, Place::Answer | Place::FollowUp | Place::Post)
    }

    fn keys(self) -> &'static [&'static str] {
        match self {
            Place::Answer | Place::FollowUp => &[
                "content",
                "embeds",
                "allowed_mentions",
                "components",
                "attachments",
                "poll",
                "tts",
                "flags",
            ],
            Place::Update | Place::EditAnswer | Place::EditPost => &[
                "content",
                "embeds",
                "allowed_mentions",
                "components",
                "attachments",
                "flags",
            ],
            Place::Post => &[
                "content",
                "embeds",
                "allowed_mentions",
                "components",
                "attachments",
                "poll",
                "tts",
                "flags",
                "sticker_ids",
                "message_reference",
                "nonce",
                "enforce_nonce",
            ],
        }
    }

    fn flags(self) -> u64 {
        const SUPPRESS_EMBEDS: u64 = 1 << 2;
        const SILENT: u64 = 1 << 12;
        match self {
            Place::Answer | Place::FollowUp => SUPPRESS_EMBEDS | EPHEMERAL | SILENT | COMPONENTS_V2,
            Place::Post => SUPPRESS_EMBEDS | SILENT | COMPONENTS_V2,
            // An edit may name EPHEMERAL, it just changes nothing.
            Place::Update | Place::EditAnswer => SUPPRESS_EMBEDS | EPHEMERAL | COMPONENTS_V2,
            Place::EditPost => SUPPRESS_EMBEDS | COMPONENTS_V2,
        }
    }
}

pub(crate) const MOST_CONTENT: usize = 2000;

/// `flags_before`: those of the message that is edited.
pub(crate) fn check(body: &Value, path: &str, place: Place, flags_before: u64) -> Findings {
    let mut found = Findings::default();
    if !body.is_object() {
        found.refuse(path, "BASE_TYPE_REQUIRED", "This field is required");
        return found;
    }
    found.known_keys(path, body, place.keys());
    match &body["content"] {
        Value::Null => {}
        Value::String(text) => found.length(&join(path, "content"), text, 0, MOST_CONTENT),
        _ => found.refuse(
            &join(path, "content"),
            "BASE_TYPE_STRING",
            "Could not interpret as string.",
        ),
    }
    flags(body, path, place, flags_before, &mut found);
    mentions(body, path, &mut found);
    embeds::check(&body["embeds"], &join(path, "embeds"), &mut found);
    let v2 = (flags_before | body["flags"].as_u64().unwrap_or(0)) & COMPONENTS_V2 != 0;
    components::check(
        &body["components"],
        &join(path, "components"),
        v2,
        &mut found,
    );
    if v2 {
        only_components(body, path, &mut found);
    }
    found
}

fn flags(body: &Value, path: &str, place: Place, before: u64, found: &mut Findings) {
    let path = join(path, "flags");
    let flags = match &body["flags"] {
        Value::Null => return,
        value => match value.as_u64() {
            Some(flags) => flags,
            None => return found.refuse(&path, "NUMBER_TYPE_COERCE", "Value is not int."),
        },
    };
    let unknown = flags & !place.flags();
    if unknown != 0 {
        found
            .house
            .push(format!("flags {unknown} mean nothing here"));
    }
    if matches!(place, Place::Update | Place::EditAnswer)
        && flags & EPHEMERAL != 0
        && before & EPHEMERAL == 0
    {
        found
            .house
            .push("an edit asks for EPHEMERAL: who sees a message cannot change".into());
    }
    if before & COMPONENTS_V2 != 0 && flags & COMPONENTS_V2 == 0 {
        found.refuse(
            &path,
            "MESSAGE_CANNOT_REMOVE_COMPONENTS_V2_FLAG",
            "The components v2 flag cannot be removed",
        );
    }
}

fn only_components(body: &Value, path: &str, found: &mut Findings) {
    const TEXT: &str =
        "The 'content' and 'embeds' fields cannot be used when using MessageFlags.IS_COMPONENTS_V2";
    for key in ["content", "embeds", "poll", "sticker_ids"] {
        let value = &body[key];
        let used = value.as_str().is_some_and(|text| !text.is_empty())
            || value.as_array().is_some_and(|l| !l.is_empty());
        if used || value.is_object() {
            found.refuse(
                &join(path, key),
                "MESSAGE_CANNOT_USE_LEGACY_FIELDS_WITH_COMPONENTS_V2",
                TEXT,
            );
        }
    }
}

/// House rule: without `allowed_mentions` a guest's name could ping somebody, so it is always there.
fn mentions(body: &Value, path: &str, found: &mut Findings) {
    let allowed = &body["allowed_mentions"];
    let path = join(path, "allowed_mentions");
    if allowed.is_null() {
        found.house.push(format!("`{path}` is absent"));
        return;
    }
    found.known_keys(&path, allowed, &["parse", "users", "roles", "replied_user"]);
    let parsed: Vec<&str> = allowed["parse"]
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(Value::as_str)
        .collect();
    for (n, kind) in parsed.iter().enumerate() {
        if !["users", "roles", "everyone"].contains(kind) {
            let text = "Value must be one of ('roles', 'users', 'everyone').";
            found.refuse(&join(&join(&path, "parse"), n), "BASE_TYPE_CHOICES", text);
        }
    }
    for kind in ["users", "roles"] {
        let named = allowed[kind].as_array().map_or(0, Vec::len);
        if named > 0 && parsed.contains(&kind) {
            let text = format!("parse:[\"{kind}\"] and {kind}: [ids...] are mutually exclusive.");
            found.refuse(&path, "MESSAGE_ALLOWED_MENTIONS_PARSE_EXCLUSIVE", text);
        }
        if named > 100 {
            found.refuse(
                &join(&path, kind),
                "BASE_TYPE_MAX_LENGTH",
                "Must be 100 or fewer in length.",
            );
        }
    }
}
