//! Messages that the bot posts to channels of its own accord, and direct messages.

use axum::http::Method;
use serde_json::{Value, json};

use crate::clock;
use crate::message::{Stored, Version};
use crate::message_object;
use crate::objects;
use crate::rest::Reply;
use crate::rest::call::Call;
use crate::rest::callback::push_version;
use crate::rest::compose::{Target, compose};
use crate::rest::error::{Refusal, unknown_message};
use crate::rest::webhooks::delete;
use crate::rules::message::Place;
use crate::setup::{SEND_IN_THREADS, SEND_MESSAGES, VIEW_CHANNEL};
use crate::state::State;

/// The guild of a channel the bot may write to.
fn admit(state: &State, channel: u64, writes: bool) -> Result<Option<u64>, Refusal> {
    if let Some(person) = state.person_of_direct(channel) {
        let open = state
            .member(person)
            .is_some_and(|member| member.accepts_direct_messages);
        if writes && !open {
            return Err(Refusal::circumstance(
                403,
                50007,
                "Cannot send messages to this user",
            ));
        }
        return Ok(None);
    }
    let Some(found) = state.channel(channel) else {
        return Err(Refusal::circumstance(404, 10003, "Unknown Channel"));
    };
    let has = objects::bot_permissions(state, channel);
    if has & VIEW_CHANNEL == 0 {
        return Err(Refusal::circumstance(403, 50001, "Missing Access"));
    }
    let needed = if found.parent.is_some() {
        SEND_IN_THREADS
    } else {
        SEND_MESSAGES
    };
    if writes && has & needed == 0 {
        return Err(Refusal::circumstance(403, 50013, "Missing Permissions"));
    }
    Ok(Some(found.guild))
}

pub(crate) fn messages(state: &mut State, call: &Call, channel: u64) -> Result<Reply, Refusal> {
    match call.method {
        Method::POST => post(state, call, channel),
        Method::GET => {
            admit(state, channel, false)?;
            let newest = state
                .messages
                .values()
                .rev()
                .filter(|m| is_in(m, channel))
                .take(50);
            let list: Vec<Value> = newest
                .map(|message| message_object::message(state, message))
                .collect();
            Ok(Reply::json(200, json!(list)))
        }
        _ => Err(Refusal::rule(405, 0, "405: Method Not Allowed")),
    }
}

/// Ephemeral messages are in no channel: nobody can fetch them there.
fn is_in(message: &Stored, channel: u64) -> bool {
    message.channel == channel && !message.deleted && message.ephemeral_for.is_none()
}

fn post(state: &mut State, call: &Call, channel: u64) -> Result<Reply, Refusal> {
    let guild = admit(state, channel, true)?;
    let target = Target {
        place: Place::Post,
        channel,
        path: "",
        body: &call.json,
        before: None,
    };
    let version = compose(state, call, &target)?;
    let id = state.new_id();
    let message = Stored {
        id,
        channel,
        guild,
        ephemeral_for: None,
        interaction: None,
        created: clock::stamp_now(),
        versions: vec![version],
        deleted: false,
        read: 0,
    };
    state.messages.insert(id, message);
    let mut body = message_object::message(state, &state.messages[&id]);
    if !call.json["nonce"].is_null() {
        body["nonce"] = call.json["nonce"].clone();
    }
    Ok(Reply::json(200, body))
}

pub(crate) fn message(
    state: &mut State,
    call: &Call,
    channel: u64,
    id: u64,
) -> Result<Reply, Refusal> {
    admit(state, channel, false)?;
    let Some(stored) = state
        .messages
        .get(&id)
        .filter(|stored| is_in(stored, channel))
    else {
        return Err(unknown_message());
    };
    match call.method {
        Method::GET => Ok(Reply::json(200, message_object::message(state, stored))),
        Method::PATCH => {
            let before: Option<Version> = stored.latest().cloned();
            let target = Target {
                place: Place::EditPost,
                channel,
                path: "",
                body: &call.json,
                before,
            };
            let version = compose(state, call, &target)?;
            push_version(state, id, version);
            Ok(Reply::json(
                200,
                message_object::message(state, &state.messages[&id]),
            ))
        }
        Method::DELETE => {
            delete(state, id);
            Ok(Reply::empty())
        }
        _ => Err(Refusal::rule(405, 0, "405: Method Not Allowed")),
    }
}

pub(crate) fn typing(state: &State, channel: u64) -> Result<Reply, Refusal> {
    admit(state, channel, true).map(|_| Reply::empty())
}

pub(crate) fn open_direct(state: &mut State, call: &Call) -> Result<Reply, Refusal> {
    let recipient = &call.json["recipient_id"];
    let Some(person) = recipient
        .as_u64()
        .or_else(|| recipient.as_str()?.parse().ok())
    else {
        return Err(Refusal::rule(
            400,
            50035,
            "Invalid Form Body: recipient_id is required",
        ));
    };
    if person == state.setup.app_id {
        return Err(Refusal::rule(
            400,
            50007,
            "Cannot send messages to this user",
        ));
    }
    if state.member(person).is_none() {
        return Err(Refusal::circumstance(400, 50033, "Invalid Recipient(s)"));
    }
    let channel = state.direct_channel(person);
    Ok(Reply::json(
        200,
        objects::direct_channel(state, channel, person),
    ))
}
