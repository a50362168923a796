//! A message body turned into a version of a message: checked, completed, its files kept.

use std::sync::Arc;

use serde_json::{Value, json};

use crate::clock;
use crate::message::{Attachment, COMPONENTS_V2, EPHEMERAL, LOADING, Version};
use crate::message_object;
use crate::objects::{self, is_id};
use crate::rest::call::{Call, File};
use crate::rest::error::{Findings, Refusal};
use crate::rules::message::{Place, check};
use crate::setup::{ATTACH_FILES, EMBED_LINKS};
use crate::state::State;

const MOST_FILE: usize = 10 * 1024 * 1024;
const MOST_FILES: usize = 25 * 1024 * 1024;

pub(crate) struct Target<'a> {
    pub place: Place,
    pub channel: u64,
    /// `data` where the message is inside a callback.
    pub path: &'a str,
    pub body: &'a Value,
    /// The version that is edited.
    pub before: Option<Version>,
}

/// Findings of a check become violations and a refusal.
pub(crate) fn settle(state: &mut State, call: &Call, findings: &Findings) -> Result<(), Refusal> {
    for rule in &findings.house {
        state.broken(format!("{} {}: {rule}", call.method, call.template()));
    }
    findings.refusal().map_or(Ok(()), Err)
}

pub(crate) fn compose(
    state: &mut State,
    call: &Call,
    target: &Target<'_>,
) -> Result<Version, Refusal> {
    let before = target.before.clone().unwrap_or_default();
    let mut findings = check(target.body, target.path, target.place, before.flags);
    let attachments = attachments(state, call, target, &mut findings);
    settle(state, call, &findings)?;
    sizes(call)?;
    allowed(state, call, target)?;

    let body = target.body;
    let edit = !target.place.creates();
    let keep = |key: &str| edit && body.get(key).is_none();
    let mut version = Version {
        at: state.since_start(),
        attachments: attachments?,
        ..before.clone()
    };
    if !keep("content") {
        let content = body["content"].as_str().unwrap_or_default();
        content.trim().clone_into(&mut version.content);
    }
    if !keep("components") {
        version.components = components(&body["components"]);
    }
    if !keep("embeds") {
        version.embeds = body["embeds"].as_array().cloned().unwrap_or_default();
    }
    version.embeds = embeds(state, call, target.channel, &version);
    version.flags = flags(target, before.flags);
    if version.content.is_empty()
        && version.embeds.is_empty()
        && version.attachments.is_empty()
        && version.components.is_empty()
    {
        return Err(Refusal::rule(400, 50006, "Cannot send an empty message"));
    }
    let resolves_defer = before.thinking();
    version.edited = (edit && !resolves_defer).then(clock::stamp_now);
    version.pings = if edit {
        Vec::new()
    } else {
        pings(state, &version.content, &body["allowed_mentions"])
    };
    Ok(version)
}

/// Who sees a message never changes; the components flag never goes away; thinking ends with the first edit.
fn flags(target: &Target<'_>, before: u64) -> u64 {
    let asked = target.body["flags"].as_u64().unwrap_or(0);
    if target.place.creates() {
        return asked;
    }
    let lasting = before & (EPHEMERAL | COMPONENTS_V2);
    let free = if target.body["flags"].is_null() {
        before
    } else {
        asked
    };
    (lasting | (free & !EPHEMERAL)) & !LOADING
}

fn sizes(call: &Call) -> Result<(), Refusal> {
    let total: usize = call.files.iter().map(|file| file.bytes.len()).sum();
    if total > MOST_FILES || call.files.iter().any(|file| file.bytes.len() > MOST_FILE) {
        return Err(Refusal::rule(413, 40005, "Request entity too large"));
    }
    if call.files.len() > 10 {
        return Err(Refusal::rule(
            400,
            30015,
            "Maximum number of attachments in a message reached (10)",
        ));
    }
    Ok(())
}

/// In a channel the bot needs its permissions; answers to interactions do not.
fn allowed(state: &State, call: &Call, target: &Target<'_>) -> Result<(), Refusal> {
    if !matches!(target.place, Place::Post | Place::EditPost) {
        return Ok(());
    }
    let has = objects::bot_permissions(state, target.channel);
    let embeds = target.body["embeds"]
        .as_array()
        .is_some_and(|list| !list.is_empty());
    if (embeds && has & EMBED_LINKS == 0) || (!call.files.is_empty() && has & ATTACH_FILES == 0) {
        return Err(Refusal::circumstance(403, 50013, "Missing Permissions"));
    }
    Ok(())
}

type Attachments = Result<Vec<Attachment>, Refusal>;

/// What stays and what comes: an edit's `attachments` must name all that shall be there afterwards.
fn attachments(
    state: &mut State,
    call: &Call,
    target: &Target<'_>,
    findings: &mut Findings,
) -> Attachments {
    let old = target
        .before
        .as_ref()
        .map(|version| version.attachments.clone())
        .unwrap_or_default();
    let Some(named) = target.body["attachments"].as_array() else {
        if !old.is_empty() && !call.files.is_empty() {
            findings.house.push(
                "an edit with files does not say in `attachments` which old ones stay".into(),
            );
        }
        let new: Vec<Attachment> = call
            .files
            .iter()
            .map(|file| attachment(state, file, &Value::Null))
            .collect();
        return Ok(old.into_iter().chain(new).collect());
    };
    let mut kept = Vec::new();
    for entry in named {
        let known = &[
            "id",
            "filename",
            "description",
            "title",
            "is_spoiler",
            "duration_secs",
            "waveform",
        ];
        findings.known_keys("attachments", entry, known);
        let is = |id: u64| is_id(&entry["id"], id);
        if let Some(file) = call.files.iter().find(|file| is(file.number)) {
            kept.push(attachment(state, file, entry));
        } else if let Some(found) = old.iter().find(|attachment| is(attachment.id)) {
            kept.push(found.clone());
        } else {
            return Err(Refusal::rule(
                400,
                50146,
                "Invalid attachment: neither a file of this request nor of the message",
            ));
        }
    }
    let is_named = |file: &File| named.iter().any(|entry| is_id(&entry["id"], file.number));
    for file in call.files.iter().filter(|file| !is_named(file)) {
        if target.place.creates() {
            kept.push(attachment(state, file, &Value::Null));
        } else {
            findings.house.push(format!(
                "file {} is not named in `attachments`, so the edit drops it",
                file.name
            ));
        }
    }
    Ok(kept)
}

fn attachment(state: &mut State, file: &File, entry: &Value) -> Attachment {
    Attachment {
        id: state.new_id(),
        name: entry["filename"].as_str().unwrap_or(&file.name).to_owned(),
        description: entry["description"].as_str().map(str::to_owned),
        content_type: file.content_type.clone(),
        bytes: Arc::from(&file.bytes[..]),
    }
}

/// As Discord gives them back: trimmed, typed, without nulls, pictures with a real address.
fn embeds(state: &mut State, call: &Call, channel: u64, version: &Version) -> Vec<Value> {
    let mut embeds = version.embeds.clone();
    for embed in &mut embeds {
        tidy(embed);
        embed["type"] = json!("rich");
        for field in embed["fields"].as_array_mut().into_iter().flatten() {
            if field["inline"].is_null() {
                field["inline"] = json!(false);
            }
        }
        drop_nulls(embed);
        for picture in ["image", "thumbnail"] {
            let Some(name) = embed[picture]["url"]
                .as_str()
                .and_then(|url| url.strip_prefix("attachment://"))
            else {
                continue;
            };
            let name = name.to_owned();
            match version
                .attachments
                .iter()
                .find(|attachment| attachment.name == name)
            {
                Some(attachment) => {
                    let url = message_object::attachment_url(state, channel, attachment);
                    embed[picture] = json!({"url": url, "proxy_url": url, "width": 0, "height": 0});
                }
                None => state.broken(format!(
                    "{} {}: attachment://{name} is not attached",
                    call.method,
                    call.template()
                )),
            }
        }
        drop_nulls(embed);
    }
    embeds
}

fn tidy(value: &mut Value) {
    match value {
        Value::String(text) => *text = text.trim().to_owned(),
        Value::Array(items) => items.iter_mut().for_each(tidy),
        Value::Object(fields) => fields.values_mut().for_each(tidy),
        _ => {}
    }
}

fn drop_nulls(value: &mut Value) {
    match value {
        Value::Array(items) => items.iter_mut().for_each(drop_nulls),
        Value::Object(fields) => {
            fields.retain(|_, field| !field.is_null());
            fields.values_mut().for_each(drop_nulls);
        }
        _ => {}
    }
}

/// Every component gets its number; menus get Discord's defaults.
fn components(components: &Value) -> Vec<Value> {
    let mut list = components.as_array().cloned().unwrap_or_default();
    list.iter_mut().for_each(drop_nulls);
    let mut next = 1;
    number(&mut list, &mut next);
    list
}

fn number(components: &mut [Value], next: &mut u64) {
    for component in components {
        if component["id"].as_u64().unwrap_or(0) == 0 {
            component["id"] = json!(*next);
        }
        *next += 1;
        if matches!(component["type"].as_u64(), Some(3 | 5..=8)) {
            for key in ["min_values", "max_values"] {
                if component[key].is_null() {
                    component[key] = json!(1);
                }
            }
        }
        for key in ["components", "accessory"] {
            match component.get_mut(key) {
                Some(Value::Array(children)) => number(children, next),
                Some(child @ Value::Object(_)) => number(std::slice::from_mut(child), next),
                _ => {}
            }
        }
    }
}

/// Whom a new message notifies.
fn pings(state: &State, content: &str, allowed: &Value) -> Vec<u64> {
    let parses = |kind: &str| {
        allowed.is_null()
            || allowed["parse"]
                .as_array()
                .is_some_and(|l| l.iter().any(|k| k == kind))
    };
    let names = |kind: &str, id: u64| {
        let list = allowed[kind].as_array();
        list.is_some_and(|list| list.iter().any(|named| is_id(named, id)))
    };
    let people = state.setup.people.iter().map(|person| person.id);
    let pinged = people.filter(|id| {
        content.contains(&format!("<@{id}>")) && (parses("users") || names("users", *id))
    });
    let roles = state.setup.roles.iter().map(|role| role.id);
    let called = roles.filter(|id| {
        content.contains(&format!("<@&{id}>")) && (parses("roles") || names("roles", *id))
    });
    let everyone = state.setup.guilds.iter().map(|guild| guild.id).take(1);
    let all = everyone.filter(|_| {
        (content.contains("@everyone") || content.contains("@here")) && parses("everyone")
    });
    pinged.chain(called).chain(all).collect()
}
