//! IDENTIFY and RESUME.

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::gateway::Out;
use crate::gateway::connection::{Connection, end, refuse};
use crate::objects;
use crate::record::GatewayEvent;
use crate::state::State;

const GUILDS: u64 = 1;
const PRIVILEGED: u64 = (1 << 1) | (1 << 8) | (1 << 15);
const KNOWN_INTENTS: u64 = ((1 << 17) - 1) | (1 << 20) | (1 << 21) | (1 << 24) | (1 << 25);

type Heard = (Vec<Value>, Option<GatewayEvent>);

fn token_fits(state: &State, token: &Value) -> bool {
    let token = token.as_str().unwrap_or_default();
    !state.token_reset && token.strip_prefix("Bot ").unwrap_or(token) == state.setup.bot_token
}

fn invalid(connection: &mut Connection) -> Heard {
    connection.identified = false;
    (
        vec![json!({"op": 9, "d": false, "s": null, "t": null})],
        None,
    )
}

pub(crate) fn identify(state: &mut State, connection: &mut Connection, data: &Value) -> Heard {
    if connection.identified {
        return refuse(state, 4005, "a second IDENTIFY");
    }
    if let Some(code) = state.faults.close_at_identify.take() {
        return end(state, code);
    }
    if let Some(refused) = check_identify(state, data) {
        return refused;
    }
    let now = Instant::now();
    let gap = state.setup.identify_gap;
    if state
        .sessions
        .last_identify
        .is_some_and(|last| now < last + gap)
    {
        state.broken("gateway: a second IDENTIFY within max_concurrency's time");
        return invalid(connection);
    }
    if state
        .sessions
        .invalidated
        .take()
        .is_some_and(|at| now < at + Duration::from_millis(950))
    {
        state.broken("gateway: IDENTIFY less than a second after op 9 (wait 1 to 5 s)");
    }
    if state.sessions.identifies_remaining == 0 {
        return out_of_identifies(state);
    }
    state.sessions.identifies_remaining -= 1;
    state.sessions.last_identify = Some(now);
    begin(state, connection, data);
    (Vec::new(), None)
}

fn check_identify(state: &mut State, data: &Value) -> Option<Heard> {
    if !token_fits(state, &data["token"]) {
        return Some(end(state, 4004));
    }
    for key in ["os", "browser", "device"] {
        if !data["properties"][key].is_string() {
            return Some(refuse(
                state,
                4002,
                &format!("IDENTIFY without properties.{key}"),
            ));
        }
    }
    let Some(intents) = data["intents"]
        .as_u64()
        .filter(|intents| intents & !KNOWN_INTENTS == 0)
    else {
        return Some(refuse(state, 4013, "IDENTIFY with unknown intents"));
    };
    if intents & PRIVILEGED != 0 {
        return Some(refuse(state, 4014, "IDENTIFY with privileged intents"));
    }
    let shard = &data["shard"];
    if !shard.is_null() && *shard != json!([0, 1]) {
        return Some(refuse(
            state,
            4010,
            "IDENTIFY with a shard this bot does not have",
        ));
    }
    None
}

/// Discord's punishment: every session ends and the token is no longer valid.
fn out_of_identifies(state: &mut State) -> Heard {
    state.broken("gateway: IDENTIFY with none left today: all sessions end and the token is reset");
    state.token_reset = true;
    state.sessions.list.clear();
    state.sessions.send_all(|| Out::Close(Some(4004)));
    end(state, 4004)
}

fn begin(state: &mut State, connection: &mut Connection, data: &Value) {
    let intents = data["intents"].as_u64().unwrap_or(0);
    connection.compress = data["compress"] == true;
    connection.identified = true;
    let session = state.sessions.begin(connection.number);
    let entry = GatewayEvent::Identify {
        intents,
        compress: connection.compress,
        session: session.clone(),
    };
    state.log_gateway(connection.number, entry);
    let ready = ready(state, &session, &data["shard"]);
    let Some(at) = state.sessions.position(connection.number) else {
        return;
    };
    state.sessions.dispatch_to(at, "READY", &ready);
    if intents & GUILDS != 0 {
        let guilds: Vec<Value> = state
            .setup
            .guilds
            .iter()
            .map(|guild| objects::guild_create(state, guild))
            .collect();
        for guild in guilds {
            state.sessions.dispatch_to(at, "GUILD_CREATE", &guild);
        }
    }
}

fn ready(state: &State, session: &str, shard: &Value) -> Value {
    let guilds: Vec<Value> = state
        .setup
        .guilds
        .iter()
        .map(|guild| json!({"id": guild.id.to_string(), "unavailable": true}))
        .collect();
    let mut ready = json!({
        "v": 10, "user_settings": {}, "user": objects::bot_self(state), "session_type": "normal",
        "session_id": session, "resume_gateway_url": format!("ws://127.0.0.1:{}/resume", state.port),
        "relationships": [], "private_channels": [], "presences": [], "guilds": guilds,
        "guild_join_requests": [], "geo_ordered_rtc_regions": ["frankfurt", "rotterdam"], "game_relationships": [],
        "auth": {}, "application": {"id": state.setup.app_id.to_string(), "flags": 0}, "_trace": ["[\"fake\"]"]
    });
    if !shard.is_null() {
        ready["shard"] = shard.clone();
    }
    ready
}

pub(crate) fn resume(state: &mut State, connection: &mut Connection, data: &Value) -> Heard {
    if connection.identified {
        return refuse(state, 4005, "RESUME of a connection that has a session");
    }
    if !token_fits(state, &data["token"]) {
        return end(state, 4004);
    }
    if !connection.path.starts_with("/resume") {
        state.broken("gateway: RESUME at another address than resume_gateway_url");
    }
    let wanted = data["session_id"].as_str().unwrap_or_default().to_owned();
    let Some(at) = state
        .sessions
        .list
        .iter()
        .position(|session| session.id == wanted)
    else {
        state.log_gateway(
            connection.number,
            GatewayEvent::ResumeRefused { session: wanted },
        );
        state.sessions.invalidated = Some(Instant::now());
        return invalid(connection);
    };
    let Some(seq) = data["seq"]
        .as_u64()
        .filter(|seq| *seq <= state.sessions.list[at].seq)
    else {
        state.sessions.list.remove(at);
        return refuse(
            state,
            4007,
            "RESUME with a sequence number that was never sent",
        );
    };
    if let Some(old) = state.sessions.list[at]
        .connection
        .replace(connection.number)
    {
        state.sessions.send(old, Out::Drop);
    }
    connection.identified = true;
    let missed: Vec<Value> = state.sessions.list[at]
        .sent
        .iter()
        .filter(|(number, _)| *number > seq)
        .map(|(_, json)| json.clone())
        .collect();
    let entry = GatewayEvent::Resume {
        session: wanted,
        seq,
        replayed: missed.len(),
    };
    state.log_gateway(connection.number, entry);
    for payload in missed {
        state.sessions.send(connection.number, Out::Json(payload));
    }
    state
        .sessions
        .dispatch_to(at, "RESUMED", &json!({"_trace": ["[\"fake\"]"]}));
    (Vec::new(), None)
}
