//! The first answer to an interaction.

use serde_json::{Value, json};

use crate::answer::Ack;
use crate::clock;
use crate::message::{EPHEMERAL, LOADING, Stored, Version};
use crate::message_object;
use crate::rest::Reply;
use crate::rest::call::Call;
use crate::rest::compose::{Target, compose, settle};
use crate::rest::error::{Findings, Refusal, join};
use crate::rules::message::Place;
use crate::rules::{command, modal};
use crate::state::State;

const MESSAGE: u64 = 4;
const DEFER: u64 = 5;
const DEFER_UPDATE: u64 = 6;
const UPDATE: u64 = 7;
const CHOICES: u64 = 8;
const MODAL: u64 = 9;

pub(crate) fn answer(
    state: &mut State,
    call: &Call,
    id: u64,
    token: &str,
) -> Result<Reply, Refusal> {
    let kind = admit(state, call, id, token)?;
    let data = &call.json["data"];
    match kind {
        MESSAGE => new_message(state, call, id, data)?,
        DEFER => defer(state, call, id, data)?,
        DEFER_UPDATE => keep_source(state, id),
        UPDATE => update(state, call, id, data)?,
        CHOICES => choices(state, call, id, data)?,
        _ => open_modal(state, call, id, data)?,
    }
    acknowledge(state, id, kind);
    if !call.asks("with_response") {
        return Ok(Reply::empty());
    }
    Ok(Reply::json(200, with_response(state, id, kind)))
}

/// In time, for the first time, and of a kind that this interaction can be answered with?
fn admit(state: &State, call: &Call, id: u64, token: &str) -> Result<u64, Refusal> {
    let Some(interaction) = state
        .interactions
        .get(&id)
        .filter(|interaction| interaction.token == token)
    else {
        return Err(Refusal::rule(404, 10062, "Unknown interaction"));
    };
    // A resend after a lost answer, or a second replica: what 40060 is there for.
    let excused = interaction.may_come_twice;
    if interaction.ack.is_some() {
        let again = Refusal::rule(400, 40060, "Interaction has already been acknowledged.");
        let broken_rule = !excused && state.sessions.connected_count() < 2;
        return Err(Refusal {
            broken_rule,
            ..again
        });
    }
    let elapsed = interaction.sent.elapsed();
    if elapsed > state.setup.answer_limit {
        let words = format!("Unknown interaction (answered after {elapsed:?})");
        return Err(Refusal {
            broken_rule: !excused,
            ..Refusal::rule(404, 10062, &words)
        });
    }
    let kind = call.json["type"].as_u64().unwrap_or_default();
    let from_component = interaction.source.is_some();
    let fits = match interaction.kind {
        2 => matches!(kind, MESSAGE | DEFER | MODAL),
        3 => matches!(kind, MESSAGE..=UPDATE | MODAL),
        4 => kind == CHOICES,
        5 => {
            matches!(kind, MESSAGE | DEFER)
                || (from_component && matches!(kind, DEFER_UPDATE | UPDATE))
        }
        _ => matches!(kind, MESSAGE | DEFER | CHOICES),
    };
    if fits {
        return Ok(kind);
    }
    let mut findings = Findings::default();
    findings.refuse(
        "type",
        "BASE_TYPE_CHOICES",
        format!(
            "{kind} does not answer an interaction of type {}",
            interaction.kind
        ),
    );
    Err(findings
        .refusal()
        .unwrap_or_else(|| Refusal::rule(400, 50035, "Invalid Form Body")))
}

fn new_message(state: &mut State, call: &Call, id: u64, data: &Value) -> Result<(), Refusal> {
    let channel = state.interactions[&id].channel;
    let target = Target {
        place: Place::Answer,
        channel,
        path: "data",
        body: data,
        before: None,
    };
    let version = compose(state, call, &target)?;
    let message = store(state, id, version);
    set_original(state, id, message, 0);
    Ok(())
}

fn defer(state: &mut State, call: &Call, id: u64, data: &Value) -> Result<(), Refusal> {
    let mut findings = Findings::default();
    findings.known_keys("data", data, &["flags"]);
    let flags = data["flags"].as_u64().unwrap_or(0);
    if flags & !EPHEMERAL != 0 {
        findings.house.push(format!(
            "flags {flags}: a deferred answer knows only EPHEMERAL"
        ));
    }
    settle(state, call, &findings)?;
    let version = Version {
        flags: (flags & EPHEMERAL) | LOADING,
        at: state.since_start(),
        ..Version::default()
    };
    let message = store(state, id, version);
    set_original(state, id, message, 0);
    Ok(())
}

/// The message whose component was used is now `@original`.
fn keep_source(state: &mut State, id: u64) {
    if let Some(source) = state.interactions[&id].source {
        let versions = state
            .messages
            .get(&source)
            .map_or(0, |message| message.versions.len());
        set_original(state, id, source, versions);
    }
}

fn update(state: &mut State, call: &Call, id: u64, data: &Value) -> Result<(), Refusal> {
    let source = state.interactions[&id].source.unwrap_or_default();
    let Some(stored) = state.messages.get(&source).filter(|stored| !stored.deleted) else {
        return Err(crate::rest::error::unknown_message());
    };
    let (channel, before) = (stored.channel, stored.latest().cloned());
    let target = Target {
        place: Place::Update,
        channel,
        path: "data",
        body: data,
        before,
    };
    let version = compose(state, call, &target)?;
    keep_source(state, id);
    push_version(state, source, version);
    Ok(())
}

fn choices(state: &mut State, call: &Call, id: u64, data: &Value) -> Result<(), Refusal> {
    let mut findings = Findings::default();
    findings.known_keys("data", data, &["choices"]);
    let Some(list) = data["choices"].as_array() else {
        findings.required("data.choices");
        return settle(state, call, &findings);
    };
    if list.len() > 25 {
        findings.refuse(
            "data.choices",
            "BASE_TYPE_MAX_LENGTH",
            "Must be 25 or fewer in length.",
        );
    }
    for (n, choice) in list.iter().enumerate() {
        let kind = if choice["value"].is_string() { 3 } else { 10 };
        command::choice(choice, kind, &join("data.choices", n), &mut findings);
    }
    settle(state, call, &findings)?;
    if let Some(interaction) = state.interactions.get_mut(&id) {
        interaction.choices = Some(list.clone());
    }
    Ok(())
}

fn open_modal(state: &mut State, call: &Call, id: u64, data: &Value) -> Result<(), Refusal> {
    settle(state, call, &modal::check(data, "data"))?;
    if let Some(interaction) = state.interactions.get_mut(&id) {
        interaction.modal = Some(data.clone());
    }
    Ok(())
}

fn acknowledge(state: &mut State, id: u64, kind: u64) {
    let Some(interaction) = state.interactions.get(&id) else {
        return;
    };
    let original = interaction
        .original
        .and_then(|original| state.messages.get(&original));
    let ephemeral = original.is_some_and(|message| message.ephemeral_for.is_some());
    let after = interaction.sent.elapsed();
    if let Some(interaction) = state.interactions.get_mut(&id) {
        interaction.ack = Some(Ack {
            kind: u8::try_from(kind).unwrap_or_default(),
            ephemeral,
            after,
        });
    }
}

fn with_response(state: &State, id: u64, kind: u64) -> Value {
    let interaction = &state.interactions[&id];
    let mut body = json!({"interaction": {"id": id.to_string(), "type": interaction.kind}});
    let Some(message) = interaction
        .original
        .and_then(|original| state.messages.get(&original))
    else {
        return body;
    };
    body["interaction"]["response_message_id"] = json!(message.id.to_string());
    body["interaction"]["response_message_loading"] =
        json!(message.latest().is_some_and(Version::thinking));
    body["interaction"]["response_message_ephemeral"] = json!(message.ephemeral_for.is_some());
    let resource_kind = if kind == DEFER || kind == MESSAGE {
        MESSAGE
    } else {
        UPDATE
    };
    body["resource"] =
        json!({"type": resource_kind, "message": message_object::message(state, message)});
    body
}

/// A new message of an interaction.
pub(crate) fn store(state: &mut State, interaction: u64, version: Version) -> u64 {
    let id = state.new_id();
    let made_by = &state.interactions[&interaction];
    let message = Stored {
        id,
        channel: made_by.channel,
        guild: made_by.guild,
        ephemeral_for: (version.flags & EPHEMERAL != 0).then_some(made_by.person),
        interaction: Some(interaction),
        created: clock::stamp_now(),
        versions: vec![version],
        deleted: false,
        read: 0,
    };
    state.messages.insert(id, message);
    id
}

pub(crate) fn push_version(state: &mut State, message: u64, version: Version) {
    if let Some(stored) = state.messages.get_mut(&message) {
        // The edit that ends the thinking is the message's first real version, not an edit of it.
        if stored.versions.last().is_some_and(Version::thinking) {
            stored.versions.clear();
        }
        stored.versions.push(version);
    }
}

fn set_original(state: &mut State, id: u64, message: u64, from: usize) {
    if let Some(interaction) = state.interactions.get_mut(&id) {
        interaction.original = Some(message);
        interaction.original_from = from;
    }
}
