//! One REST request: faults, authorization, limits, the deed, the record.

pub(crate) mod call;
mod callback;
mod channels;
mod commands;
mod compose;
pub(crate) mod error;
pub(crate) mod limits;
mod lookups;
mod multipart;
pub(crate) mod route;
mod webhooks;

use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::body::{Body, Bytes};
use axum::http::{Method, Request, Response, header};
use serde_json::{Value, json};

use crate::faults::RestFaultKind;
use crate::record::Recorded;
use crate::state::{Shared, State};
use call::Call;
use error::Refusal;
use route::Route;

/// The connection is to be cut instead of answered.
#[derive(Debug)]
pub(crate) struct Cut;

pub(crate) struct Reply {
    pub status: u16,
    pub json: Value,
    /// Sent instead of the JSON.
    pub raw: Option<Bytes>,
    pub headers: Vec<(&'static str, String)>,
}

impl Reply {
    pub(crate) fn json(status: u16, json: Value) -> Reply {
        Reply {
            status,
            json,
            raw: None,
            headers: Vec::new(),
        }
    }

    pub(crate) fn empty() -> Reply {
        Reply::json(204, Value::Null)
    }
}

const MOST_BYTES: usize = 26 * 1024 * 1024;

pub(crate) async fn handle(
    shared: Arc<Shared>,
    request: Request<Body>,
) -> Result<Response<Body>, Cut> {
    let arrived = Instant::now();
    let (parts, body) = request.into_parts();
    let path = parts.uri.path().to_owned();
    let mut call = Call {
        method: parts.method,
        query: parts.uri.query().unwrap_or_default().to_owned(),
        route: route::find(&path),
        path,
        headers: parts.headers,
        json: Value::Null,
        files: Vec::new(),
        unreadable: None,
    };
    match axum::body::to_bytes(body, MOST_BYTES).await {
        Ok(bytes) => call.read_body(&bytes),
        Err(_) => call.unreadable = Some(Refusal::rule(413, 40005, "Request entity too large")),
    }
    let fault = shared.change(|state| {
        let fault = state.faults.take(call.method.as_str(), &call.path);
        if fault.is_some() {
            excuse(state, &call);
        }
        fault
    });
    let reply = match fault {
        None => Some(shared.change(|state| answer(state, &call))),
        Some(kind) => answer_with_fault(&shared, &call, kind, arrived).await,
    };
    shared.change(|state| record(state, &call, reply.as_ref(), arrived));
    reply.map(into_response).ok_or(Cut)
}

/// `None`: the bot gets no answer.
async fn answer_with_fault(
    shared: &Shared,
    call: &Call,
    kind: RestFaultKind,
    arrived: Instant,
) -> Option<Reply> {
    match kind {
        RestFaultKind::Status(status, json) => Some(Reply::json(status, json)),
        RestFaultKind::Unauthorized => Some(Reply::json(
            401,
            json!({"message": "401: Unauthorized", "code": 0}),
        )),
        RestFaultKind::TooMany {
            retry_after,
            global,
            scope,
            unreadable,
        } => {
            let wait = Duration::try_from_secs_f64(retry_after).unwrap_or_default();
            shared.change(|state| state.limits.must_wait(call, wait));
            Some(limits::too_many(retry_after, global, &scope, unreadable))
        }
        RestFaultKind::Hang => {
            shared.change(|state| record(state, call, None, arrived));
            std::future::pending().await
        }
        RestFaultKind::Slow(delay) => {
            tokio::time::sleep(delay).await;
            Some(shared.change(|state| answer(state, call)))
        }
        RestFaultKind::DropBefore => None,
        RestFaultKind::DropAfter => {
            shared.change(|state| answer(state, call));
            None
        }
        RestFaultKind::HangAfter => {
            shared.change(|state| {
                answer(state, call);
                record(state, call, None, arrived);
            });
            std::future::pending().await
        }
    }
}

/// Whatever a fault does to an acknowledgement, the bot may try again, and late.
fn excuse(state: &mut State, call: &Call) {
    if let Some((Route::Callback { id, .. }, _)) = &call.route
        && let Some(interaction) = state.interactions.get_mut(id)
    {
        interaction.may_come_twice = true;
    }
}

fn answer(state: &mut State, call: &Call) -> Reply {
    let verdict = state.limits.count(call, state.setup.rate_limits);
    if verdict.ignored_wait {
        state.broken(format!(
            "{} {}: asked again before the time a 429 had given",
            call.method,
            call.template()
        ));
    }
    let mut reply = match verdict.refused {
        Some(refused) => refused,
        None => admitted(state, call)
            .and_then(|()| dispatch(state, call))
            .unwrap_or_else(|refusal| refuse(state, call, &refusal)),
    };
    reply.headers.extend(verdict.headers);
    reply
}

fn refuse(state: &mut State, call: &Call, refusal: &Refusal) -> Reply {
    let body = refusal.body();
    let words = format!(
        "{} {}: {} {body}",
        call.method,
        call.template(),
        refusal.status
    );
    if let Some(token) = call
        .route
        .as_ref()
        .and_then(|(route, _)| route.carries_token())
        && let Some(interaction) = state
            .tokens
            .get(token)
            .and_then(|id| state.interactions.get_mut(id))
    {
        interaction.trouble.push(words.clone());
    }
    if refusal.broken_rule {
        state.broken(words);
    }
    Reply::json(refusal.status, body)
}

fn admitted(state: &State, call: &Call) -> Result<(), Refusal> {
    let Some((route, _)) = &call.route else {
        return Err(Refusal::rule(
            404,
            0,
            &format!("404: Not Found ({} {})", call.method, call.path),
        ));
    };
    if call.header("user-agent").is_none() {
        return Err(Refusal::rule(403, 40333, "internal network error"));
    }
    let expected = format!("Bot {}", state.setup.bot_token);
    if !route.is_open()
        && (state.token_reset || call.header("authorization") != Some(expected.as_str()))
    {
        return Err(Refusal::circumstance(401, 0, "401: Unauthorized"));
    }
    match &call.unreadable {
        Some(refusal) => Err(Refusal {
            errors: refusal.errors.clone(),
            message: refusal.message.clone(),
            ..*refusal
        }),
        None => Ok(()),
    }
}

fn dispatch(state: &mut State, call: &Call) -> Result<Reply, Refusal> {
    let Some((route, _)) = &call.route else {
        return Err(Refusal::rule(404, 0, "404: Not Found"));
    };
    match route {
        Route::Callback { id, token } if call.method == Method::POST => {
            callback::answer(state, call, *id, token)
        }
        Route::FollowUps { app, token } if call.method == Method::POST => {
            webhooks::follow_up(state, call, *app, token)
        }
        Route::WebhookMessage { app, token, which } => {
            webhooks::message(state, call, *app, token, *which)
        }
        Route::Messages(channel) => channels::messages(state, call, *channel),
        Route::Message(channel, id) => channels::message(state, call, *channel, *id),
        Route::OpenDirect if call.method == Method::POST => channels::open_direct(state, call),
        Route::Typing(channel) if call.method == Method::POST => channels::typing(state, *channel),
        Route::Commands { app, guild } => commands::all(state, call, *app, *guild),
        Route::Command { app, guild, id } => commands::one(state, call, *app, *guild, *id),
        route if call.method == Method::GET => lookups::look_up(state, call, route),
        _ => Err(Refusal::rule(405, 0, "405: Method Not Allowed")),
    }
}

fn record(state: &mut State, call: &Call, reply: Option<&Reply>, arrived: Instant) {
    if matches!(call.route, Some((Route::File { .. }, _))) {
        return;
    }
    let token = call
        .route
        .as_ref()
        .and_then(|(route, _)| route.carries_token())
        .map(str::to_owned);
    let path = match &token {
        Some(token) => call.path.replace(token.as_str(), "{token}"),
        None => call.path.clone(),
    };
    let mut response = reply.map_or(Value::Null, |reply| reply.json.clone());
    hide_tokens(state, &mut response);
    let entry = Recorded {
        at: arrived.duration_since(state.started),
        took: arrived.elapsed(),
        method: call.method.to_string(),
        template: call.template().to_owned(),
        path,
        query: call.query.clone(),
        body: call.json.clone(),
        files: call.file_names(),
        status: reply.map_or(0, |reply| reply.status),
        response,
    };
    state.requests.push(entry);
}

fn hide_tokens(state: &State, value: &mut Value) {
    match value {
        Value::String(text) if state.tokens.contains_key(text) => "{token}".clone_into(text),
        Value::Array(items) => items.iter_mut().for_each(|item| hide_tokens(state, item)),
        Value::Object(fields) => fields
            .values_mut()
            .for_each(|field| hide_tokens(state, field)),
        _ => {}
    }
}

fn into_response(reply: Reply) -> Response<Body> {
    let mut builder = Response::builder().status(reply.status);
    for (name, value) in &reply.headers {
        builder = builder.header(*name, value);
    }
    let has_type = reply
        .headers
        .iter()
        .any(|(name, _)| *name == "content-type");
    let body = match reply.raw {
        Some(raw) => Body::from(raw),
        None if reply.status == 204 => Body::empty(),
        None => Body::from(reply.json.to_string()),
    };
    if !has_type && reply.status != 204 {
        builder = builder.header(header::CONTENT_TYPE, "application/json");
    }
    // Only a fault with an impossible status can fail here; the bot then sees a 500.
    builder.body(body).unwrap_or_else(|_| {
        let mut response = Response::new(Body::empty());
        *response.status_mut() = axum::http::StatusCode::INTERNAL_SERVER_ERROR;
        response
    })
}
