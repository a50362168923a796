//! One WebSocket connection of the bot.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::body::Body;
use axum::extract::FromRequestParts;
use axum::extract::ws::{CloseFrame, Message, WebSocket, WebSocketUpgrade};
use axum::http::{Response, StatusCode, request::Parts};
use axum::response::IntoResponse;
use serde_json::{Value, json};
use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};

use crate::gateway::{Out, handshake, is_final, zlib};
use crate::record::GatewayEvent;
use crate::rest::Cut;
use crate::state::{Shared, State};

/// The bot's frames may not be larger.
const MOST_BYTES: usize = 4096;

pub(crate) struct Connection {
    pub number: u64,
    pub path: String,
    pub compress: bool,
    pub identified: bool,
    last_heartbeat: Instant,
    missed: bool,
    sends: VecDeque<Instant>,
}

pub(crate) async fn upgrade(shared: Arc<Shared>, mut parts: Parts) -> Result<Response<Body>, Cut> {
    let path = parts
        .uri
        .path_and_query()
        .map_or_else(String::new, ToString::to_string);
    let (refuses, hangs) = shared.change(|state| {
        let refuses = state
            .faults
            .refuse_until
            .is_some_and(|until| Instant::now() < until);
        if refuses || state.faults.hang_upgrade {
            state.log_gateway(0, GatewayEvent::Refused);
        }
        (refuses, state.faults.hang_upgrade)
    });
    if refuses {
        return Ok(StatusCode::SERVICE_UNAVAILABLE.into_response());
    }
    if hangs {
        // As long as the fault lasts, and then the connection just ends.
        shared
            .wait_for(Duration::from_hours(1), |state| {
                (!state.faults.hang_upgrade).then_some(())
            })
            .await;
        return Err(Cut);
    }
    match WebSocketUpgrade::from_request_parts(&mut parts, &()).await {
        Ok(upgrade) => Ok(upgrade.on_upgrade(move |socket| run(shared, socket, path))),
        Err(rejection) => Ok(rejection.into_response()),
    }
}

async fn run(shared: Arc<Shared>, mut socket: WebSocket, path: String) {
    let (link, orders) = unbounded_channel();
    let (number, hello, beat) = shared.change(|state| {
        let number = state.sessions.open(link);
        state.log_gateway(number, GatewayEvent::Connected { path: path.clone() });
        check_opening(state, &path);
        (number, !state.faults.no_hello, state.setup.heartbeat)
    });
    if hello {
        let interval = u64::try_from(beat.as_millis()).unwrap_or(u64::MAX);
        let hello = json!({"op": 10, "t": null, "s": null, "d": {"heartbeat_interval": interval, "_trace": ["[\"fake\"]"]}});
        let _ = socket.send(Message::text(hello.to_string())).await;
    }
    let mut connection = Connection {
        number,
        path,
        compress: false,
        identified: false,
        last_heartbeat: Instant::now(),
        missed: false,
        sends: VecDeque::new(),
    };
    let end = talk(&shared, &mut socket, &mut connection, orders, beat).await;
    shared.change(|state| {
        if matches!(
            &end,
            GatewayEvent::ClosedByBot {
                code: Some(1000 | 1001)
            }
        ) {
            // The documentation: these codes tell Discord that the bot is gone for good.
            state.sessions.forget(number);
        }
        state.sessions.close(number);
        state.log_gateway(number, end.clone());
    });
    if let GatewayEvent::ClosedByDiscord { code } = end {
        close(&mut socket, code).await;
    }
}

fn check_opening(state: &mut State, path: &str) {
    if let Some(code) = state.sessions.finished {
        state.broken(format!("gateway: connected again after close code {code}"));
    }
    if !path.contains("v=10") {
        state.broken(format!("gateway: `{path}` does not ask for v=10"));
    }
    if path.contains("encoding=etf") || path.contains("compress=") {
        state.broken(format!(
            "gateway: `{path}` asks for what this fake does not speak"
        ));
    }
}

async fn talk(
    shared: &Shared,
    socket: &mut WebSocket,
    connection: &mut Connection,
    mut orders: UnboundedReceiver<Out>,
    beat: Duration,
) -> GatewayEvent {
    loop {
        let patience = connection.last_heartbeat + beat * 3 / 2 + Duration::from_secs(1);
        tokio::select! {
            order = orders.recv() => {
                if let Some(end) = obey(socket, connection, order).await {
                    return end;
                }
            }
            frame = socket.recv() => {
                let (replies, end) = match frame {
                    Some(Ok(frame)) => shared.change(|state| hear(state, connection, frame)),
                    Some(Err(_)) | None => (Vec::new(), Some(GatewayEvent::Lost)),
                };
                for reply in replies {
                    let _ = socket.send(Message::text(reply.to_string())).await;
                }
                if end.is_some() {
                    // What was dispatched before (READY of a resume, say) must still go out first.
                    while let Ok(order) = orders.try_recv() {
                        obey(socket, connection, Some(order)).await;
                    }
                }
                if let Some(end) = end {
                    return end;
                }
            }
            () = tokio::time::sleep_until(patience.into()), if connection.identified && !connection.missed => {
                connection.missed = true;
                if shared.change(|state| heartbeat_missed(state, connection.number)) {
                    return GatewayEvent::ClosedByDiscord { code: Some(4009) };
                }
            }
        }
    }
}

fn heartbeat_missed(state: &mut State, number: u64) -> bool {
    state.broken("gateway: no heartbeat for one and a half intervals");
    if state.setup.close_without_heartbeat {
        state.sessions.forget(number);
    }
    state.setup.close_without_heartbeat
}

/// Sends what the fake wants to say; `Some` ends the connection.
async fn obey(
    socket: &mut WebSocket,
    connection: &mut Connection,
    order: Option<Out>,
) -> Option<GatewayEvent> {
    let message = match order {
        None | Some(Out::Drop) => return Some(GatewayEvent::Lost),
        Some(Out::Close(code)) => return Some(GatewayEvent::ClosedByDiscord { code }),
        Some(Out::Text(text)) => Message::text(text),
        Some(Out::Invalid(resumable)) => {
            connection.identified = false;
            Message::text(json!({"op": 9, "d": resumable, "s": null, "t": null}).to_string())
        }
        Some(Out::Json(json)) => {
            let large = matches!(json["t"].as_str(), Some("READY" | "GUILD_CREATE"));
            if connection.compress && large {
                Message::binary(zlib::stored(json.to_string().as_bytes()))
            } else {
                Message::text(json.to_string())
            }
        }
    };
    socket
        .send(message)
        .await
        .is_err()
        .then_some(GatewayEvent::Lost)
}

type Heard = (Vec<Value>, Option<GatewayEvent>);

fn hear(state: &mut State, connection: &mut Connection, frame: Message) -> Heard {
    let text = match frame {
        Message::Text(text) => text,
        Message::Close(frame) => {
            let code = frame.map(|frame| frame.code);
            return (Vec::new(), Some(GatewayEvent::ClosedByBot { code }));
        }
        Message::Ping(_) | Message::Pong(_) => return (Vec::new(), None),
        Message::Binary(_) => return refuse(state, 4002, "a binary frame with JSON encoding"),
    };
    if text.len() > MOST_BYTES {
        return refuse(state, 4002, "a frame of more than 4096 bytes");
    }
    if too_many_sends(connection, state.setup.gateway_sends_per_minute) {
        return refuse(state, 4008, "too many frames in a minute");
    }
    let Ok(frame) = serde_json::from_str::<Value>(&text) else {
        return refuse(state, 4002, "a frame that is no JSON");
    };
    match frame["op"].as_u64() {
        Some(1) => (heartbeat(state, connection, &frame["d"]), None),
        Some(2) => handshake::identify(state, connection, &frame["d"]),
        Some(6) => handshake::resume(state, connection, &frame["d"]),
        Some(op @ (3 | 4 | 8 | 31)) if connection.identified => {
            state.log_gateway(connection.number, GatewayEvent::Sent { op });
            (Vec::new(), None)
        }
        Some(3 | 4 | 8 | 31) => refuse(state, 4003, "a frame before IDENTIFY"),
        _ => refuse(state, 4001, "an unknown opcode"),
    }
}

pub(crate) fn refuse(state: &mut State, code: u16, why: &str) -> Heard {
    state.broken(format!("gateway: {why} (close {code})"));
    end(state, code)
}

pub(crate) fn end(state: &mut State, code: u16) -> Heard {
    if is_final(Some(code)) {
        state.sessions.finished = Some(code);
    }
    (
        Vec::new(),
        Some(GatewayEvent::ClosedByDiscord { code: Some(code) }),
    )
}

fn heartbeat(state: &mut State, connection: &mut Connection, seq: &Value) -> Vec<Value> {
    connection.last_heartbeat = Instant::now();
    connection.missed = false;
    state.log_gateway(
        connection.number,
        GatewayEvent::Heartbeat { seq: seq.as_u64() },
    );
    if let Some(at) = state.sessions.position(connection.number) {
        let last = state.sessions.list[at].seq;
        // READY may still be under way, so a null is only wrong a while after the session began.
        let knows = state.sessions.list[at].began.elapsed() > Duration::from_secs(1);
        if seq.as_u64().map_or(knows, |seq| seq > last) {
            state.broken(format!(
                "gateway: heartbeat with d {seq}, but the last sequence number is {last}"
            ));
        }
    }
    if state.faults.zombie {
        Vec::new()
    } else {
        vec![json!({"op": 11, "d": null, "s": null, "t": null})]
    }
}

fn too_many_sends(connection: &mut Connection, most: usize) -> bool {
    let now = Instant::now();
    connection.sends.push_back(now);
    while connection
        .sends
        .front()
        .is_some_and(|first| now.duration_since(*first) > Duration::from_mins(1))
    {
        connection.sends.pop_front();
    }
    connection.sends.len() > most
}

/// A close frame, and a moment for the bot's own.
async fn close(socket: &mut WebSocket, code: Option<u16>) {
    let frame = code.map(|code| CloseFrame {
        code,
        reason: "".into(),
    });
    if socket.send(Message::Close(frame)).await.is_err() {
        return;
    }
    let drain = async { while let Some(Ok(_)) = socket.recv().await {} };
    let _ = tokio::time::timeout(Duration::from_secs(1), drain).await;
}
