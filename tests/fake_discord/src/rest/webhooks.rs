//! What comes after the first answer: edits, follow-ups, deletions, by the interaction's token.

use crate::message::{EPHEMERAL, Version};
use crate::message_object;
use crate::rest::Reply;
use crate::rest::call::Call;
use crate::rest::callback::{push_version, store};
use crate::rest::compose::{Target, compose};
use crate::rest::error::{Refusal, unknown_message};
use crate::rest::route::Which;
use crate::rules::message::Place;
use crate::state::State;
use axum::http::Method;

/// The interaction of a token that is acknowledged and not too old.
fn admit(state: &State, app: u64, token: &str) -> Result<u64, Refusal> {
    let unknown = || Refusal::rule(404, 10015, "Unknown Webhook");
    let interaction = state
        .tokens
        .get(token)
        .and_then(|id| state.interactions.get(id))
        .ok_or_else(unknown)?;
    if app != state.setup.app_id {
        return Err(unknown());
    }
    if interaction.sent.elapsed() > state.setup.token_life {
        return Err(Refusal::circumstance(401, 50027, "Invalid Webhook Token"));
    }
    if interaction.ack.is_none() {
        let too_late = interaction.sent.elapsed() > state.setup.answer_limit;
        return Err(Refusal {
            broken_rule: !too_late,
            ..unknown()
        });
    }
    Ok(interaction.id)
}

pub(crate) fn follow_up(
    state: &mut State,
    call: &Call,
    app: u64,
    token: &str,
) -> Result<Reply, Refusal> {
    let id = admit(state, app, token)?;
    if let Some(original) = thinking_original(state, id) {
        return follow_up_as_edit(state, call, original);
    }
    let channel = state.interactions[&id].channel;
    let target = Target {
        place: Place::FollowUp,
        channel,
        path: "",
        body: &call.json,
        before: None,
    };
    let version = compose(state, call, &target)?;
    let message = store(state, id, version);
    if let Some(interaction) = state.interactions.get_mut(&id) {
        interaction.follow_ups.push(message);
    }
    Ok(Reply::json(
        200,
        message_object::message(state, &state.messages[&message]),
    ))
}

fn thinking_original(state: &State, id: u64) -> Option<u64> {
    let original = state.interactions[&id].original?;
    let stored = state.messages.get(&original)?;
    (!stored.deleted && stored.latest().is_some_and(Version::thinking)).then_some(original)
}

/// Discord's oldest trap: while the answer is still "thinking", a follow-up edits it, and whether it
/// asks to be private is ignored. What was meant for one pair of eyes is then public.
fn follow_up_as_edit(state: &mut State, call: &Call, original: u64) -> Result<Reply, Refusal> {
    let private = state.messages[&original].ephemeral_for.is_some();
    let wants_private = call.json["flags"].as_u64().unwrap_or(0) & EPHEMERAL != 0;
    let before = state.messages[&original].latest().cloned();
    let channel = state.messages[&original].channel;
    let target = Target {
        place: Place::FollowUp,
        channel,
        path: "",
        body: &call.json,
        before: None,
    };
    let mut version = compose(state, call, &target)?;
    version.flags = (version.flags & !EPHEMERAL) | (before.unwrap_or_default().flags & EPHEMERAL);
    push_version(state, original, version);
    if wants_private != private {
        let (meant, shown) = if wants_private {
            ("private", "publicly")
        } else {
            ("public", "privately")
        };
        state.broken(format!(
            "POST {}: a {meant} follow-up before the deferred answer was edited or deleted: Discord edits that answer and shows it {shown}",
            call.template()
        ));
    }
    Ok(Reply::json(
        200,
        message_object::message(state, &state.messages[&original]),
    ))
}

pub(crate) fn message(
    state: &mut State,
    call: &Call,
    app: u64,
    token: &str,
    which: Which,
) -> Result<Reply, Refusal> {
    let id = admit(state, app, token)?;
    let message = find(state, id, which)?;
    match call.method {
        Method::GET => Ok(Reply::json(
            200,
            message_object::message(state, &state.messages[&message]),
        )),
        Method::PATCH => edit(state, call, message),
        Method::DELETE => {
            delete(state, message);
            Ok(Reply::empty())
        }
        _ => Err(Refusal::rule(405, 0, "405: Method Not Allowed")),
    }
}

fn find(state: &State, interaction: u64, which: Which) -> Result<u64, Refusal> {
    let interaction = &state.interactions[&interaction];
    let wanted = match which {
        Which::Original => interaction.original,
        Which::Id(id) => interaction
            .follow_ups
            .iter()
            .chain(&interaction.original)
            .find(|known| **known == id)
            .copied(),
    };
    let there = wanted.filter(|id| {
        state
            .messages
            .get(id)
            .is_some_and(|message| !message.deleted)
    });
    there.ok_or_else(unknown_message)
}

fn edit(state: &mut State, call: &Call, message: u64) -> Result<Reply, Refusal> {
    let stored = &state.messages[&message];
    let (channel, before) = (stored.channel, stored.latest().cloned());
    let target = Target {
        place: Place::EditAnswer,
        channel,
        path: "",
        body: &call.json,
        before,
    };
    let version = compose(state, call, &target)?;
    push_version(state, message, version);
    Ok(Reply::json(
        200,
        message_object::message(state, &state.messages[&message]),
    ))
}

pub(crate) fn delete(state: &mut State, message: u64) {
    if let Some(stored) = state.messages.get_mut(&message) {
        stored.deleted = true;
    }
}
