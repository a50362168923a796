//! Things the bot may look up.

use axum::body::Bytes;
use serde_json::{Value, json};

use crate::objects;
use crate::rest::Reply;
use crate::rest::call::Call;
use crate::rest::error::Refusal;
use crate::rest::route::Route;
use crate::setup::{Guild, VIEW_CHANNEL};
use crate::state::State;

pub(crate) fn look_up(state: &State, call: &Call, route: &Route) -> Result<Reply, Refusal> {
    let url = format!("ws://127.0.0.1:{}", state.port);
    let json = match route {
        Route::Gateway => json!({"url": url}),
        Route::GatewayBot => json!({"url": url, "shards": 1, "session_start_limit": {
            "total": 1000, "remaining": state.sessions.identifies_remaining, "reset_after": 14_400_000, "max_concurrency": 1}}),
        Route::Me => objects::bot_self(state),
        Route::MyGuilds => my_guilds(state, call)?,
        Route::Application => objects::application(state),
        Route::Guild(id) => objects::guild(state, guild(state, *id)?),
        Route::GuildChannels(id) => channels(state, guild(state, *id)?),
        Route::GuildRoles(id) => json!(objects::guild_roles(state, guild(state, *id)?.id)),
        Route::Member(in_guild, id) => member(state, guild(state, *in_guild)?, *id)?,
        Route::Channel(id) => channel(state, *id)?,
        Route::File { id } => return file(state, *id),
        _ => return Err(Refusal::rule(405, 0, "405: Method Not Allowed")),
    };
    Ok(Reply::json(200, json))
}

/// A page of the guilds that the bot is in, by their ids.
fn my_guilds(state: &State, call: &Call) -> Result<Value, Refusal> {
    let number = |name: &str, otherwise: u64| match call.parameter(name) {
        None => Ok(otherwise),
        Some(text) => text
            .parse()
            .map_err(|_| Refusal::rule(400, 50035, "Invalid Form Body")),
    };
    let (limit, after) = (number("limit", 200)?, number("after", 0)?);
    let before = number("before", u64::MAX)?;
    if !(1..=200).contains(&limit) {
        return Err(Refusal::rule(400, 50035, "Invalid Form Body"));
    }
    let mut mine: Vec<&Guild> = state.setup.guilds.iter().collect();
    mine.retain(|guild| guild.id > after && guild.id < before);
    mine.sort_by_key(|guild| guild.id);
    mine.truncate(usize::try_from(limit).unwrap_or(200));
    Ok(json!(
        mine.into_iter().map(objects::my_guild).collect::<Vec<_>>()
    ))
}

fn guild(state: &State, id: u64) -> Result<&Guild, Refusal> {
    let found = state.setup.guilds.iter().find(|guild| guild.id == id);
    found.ok_or_else(|| Refusal::circumstance(404, 10004, "Unknown Guild"))
}

/// Threads have a list of their own in Discord.
fn channels(state: &State, guild: &Guild) -> Value {
    let here = state
        .setup
        .channels
        .iter()
        .filter(|channel| channel.guild == guild.id && channel.parent.is_none());
    json!(
        here.map(|channel| objects::channel(state, channel))
            .collect::<Vec<_>>()
    )
}

fn member(state: &State, guild: &Guild, id: u64) -> Result<Value, Refusal> {
    if id == state.setup.app_id {
        return Ok(objects::member(
            state,
            id,
            &[objects::bot_role(state, guild.id)],
        ));
    }
    match state.member(id) {
        Some(person) if person.is_in(guild.id) => Ok(objects::member(
            state,
            id,
            &objects::roles_in(state, person, guild.id),
        )),
        Some(_) => Err(Refusal::circumstance(404, 10007, "Unknown Member")),
        None => Err(Refusal::circumstance(404, 10013, "Unknown User")),
    }
}

fn channel(state: &State, id: u64) -> Result<Value, Refusal> {
    if let Some(person) = state.person_of_direct(id) {
        return Ok(objects::direct_channel(state, id, person));
    }
    let Some(found) = state.channel(id) else {
        return Err(Refusal::circumstance(404, 10003, "Unknown Channel"));
    };
    if objects::bot_permissions(state, id) & VIEW_CHANNEL == 0 {
        return Err(Refusal::circumstance(403, 50001, "Missing Access"));
    }
    Ok(objects::channel(state, found))
}

fn file(state: &State, id: u64) -> Result<Reply, Refusal> {
    let versions = state
        .messages
        .values()
        .flat_map(|message| &message.versions);
    let found = versions
        .flat_map(|version| &version.attachments)
        .find(|attachment| attachment.id == id);
    let Some(found) = found else {
        return Err(Refusal::circumstance(404, 10046, "Unknown attachment"));
    };
    let mut reply = Reply::json(200, Value::Null);
    reply.raw = Some(Bytes::copy_from_slice(&found.bytes));
    reply
        .headers
        .push(("content-type", found.content_type.clone()));
    Ok(reply)
}
