//! One request from bytes to answer: faults, login, route, privilege, proxy, parameters, handler.
//!
//! The order is the real server's: whoever may not, learns nothing about parameters.

use std::collections::BTreeMap;
use std::time::Duration;

use serde_json::Value;

use crate::access::{self, Caller};
use crate::answer::{Answer, Body, Refusal};
use crate::faults::{self, FaultKind};
use crate::guest::Kind;
use crate::http::Request;
use crate::params::{self, Params};
use crate::record::Recorded;
use crate::routes::{self, Route};
use crate::state::State;
use crate::{clock, text};

/// What the connection does with a request.
#[derive(Debug)]
pub(crate) enum Outcome {
    Answer(Answer, Duration),
    /// The connection is cut without a byte.
    Cut,
    Hang,
}

/// A request that may be carried out.
pub(crate) struct Call {
    /// The node whose listener was asked.
    pub entry: String,
    pub caller: Caller,
    pub params: Params,
    pub kind: Kind,
    pub request: Recorded,
}

impl Call {
    /// The node the call is about.
    pub fn node(&self) -> &str {
        match self.params.text("node") {
            "localhost" => &self.entry,
            name => name,
        }
    }
}

pub(crate) fn handle(state: &mut State, entry: &str, request: &Request) -> Outcome {
    clock::settle(state);
    let mut record = recorded(entry, request);
    let outcome = outcome(state, request, &mut record);
    if let Outcome::Answer(answer, _) = &outcome {
        record.status = answer.status;
        record.phrase.clone_from(&answer.phrase);
        record.response = answer.json();
    }
    state.record(record);
    outcome
}

/// Only records what the HTTP layer refused.
pub(crate) fn note(state: &mut State, entry: &str, request: &Request, answer: &Answer) {
    let mut record = recorded(entry, request);
    record.status = answer.status;
    record.phrase.clone_from(&answer.phrase);
    state.record(record);
}

fn outcome(state: &mut State, request: &Request, record: &mut Recorded) -> Outcome {
    let offline = state.node(&record.node).is_none_or(|node| !node.online);
    if offline || faults::take(state, record, |k| *k == FaultKind::Refuse).is_some() {
        return Outcome::Cut;
    }
    let late = faults::take(state, record, |k| matches!(k, FaultKind::Slow(_)));
    let late = match late {
        Some(FaultKind::Slow(delay)) => delay,
        _ => Duration::ZERO,
    };
    let fault = faults::take(state, record, |kind| {
        let connection = matches!(kind, FaultKind::Refuse | FaultKind::Slow(_));
        !connection && !faults::is_about_task(kind)
    });
    let Some(fault) = fault else {
        return carry_out(state, request, record, late);
    };
    let answer = match fault {
        FaultKind::Hang => return Outcome::Hang,
        FaultKind::DropBeforeExecute => return Outcome::Cut,
        FaultKind::DropAfterRequest => {
            carry_out(state, request, record, late);
            return Outcome::Cut;
        }
        FaultKind::Unauthorized => {
            let answer = Answer::empty(401, "Authentication failed!");
            return Outcome::Answer(answer, late + state.unauthorized_delay);
        }
        FaultKind::Status596 { after } => {
            return Outcome::Answer(Answer::empty(596, "Connection timed out"), late + after);
        }
        FaultKind::Status595 => Answer::empty(595, "No route to host"),
        FaultKind::Forbidden { path, privs } => {
            Refusal::forbidden(&filled(&path, &record.path), &privs).answer(state.since(8, 4))
        }
        FaultKind::Status500(text) => Refusal::die(text).answer(state.since(8, 4)),
        FaultKind::TooMany429 => {
            let mut answer = Answer::plain(429, "Too Many Requests");
            answer.headers.push(("Retry-After", "1".into()));
            answer
        }
        FaultKind::BadJson | FaultKind::WrongBody | FaultKind::Padded(_) => {
            record.spoilt = true;
            let outcome = carry_out(state, request, record, late);
            return spoilt(outcome, &fault);
        }
        // Taken above, or with the task.
        _ => return carry_out(state, request, record, late),
    };
    Outcome::Answer(answer, late)
}

/// `/vms/{vmid}` with the number that the request's path has, if any.
fn filled(template: &str, path: &str) -> String {
    let vmid = path.split('/').nth(4).unwrap_or("100");
    template.replace("{vmid}", vmid)
}

fn spoilt(outcome: Outcome, fault: &FaultKind) -> Outcome {
    let Outcome::Answer(mut answer, delay) = outcome else {
        return outcome;
    };
    if let Body::Json(value) = &mut answer.body {
        answer.body = if *fault == FaultKind::WrongBody {
            Body::Json(serde_json::json!({"data": {"surprise": [[1], "two", null]}}))
        } else if let FaultKind::Padded(bytes) = fault {
            value["padding"] = "x".repeat(*bytes).into();
            Body::Json(value.take())
        } else {
            let whole = value.to_string();
            // Everything in it is ASCII but what people named; cut where a character begins.
            let half = (0..=whole.len() / 2)
                .rev()
                .find(|at| whole.is_char_boundary(*at))
                .unwrap_or(0);
            Body::Text("application/json;charset=UTF-8", whole[..half].into())
        };
    }
    Outcome::Answer(answer, delay)
}

fn carry_out(state: &mut State, request: &Request, record: &Recorded, late: Duration) -> Outcome {
    // The decoded path decides, as everywhere.
    if let Some(answer) = elsewhere(&text::decode(&record.raw_path, false)) {
        return Outcome::Answer(answer, late);
    }
    let caller = match access::login(state, request.header("authorization")) {
        Ok(caller) => caller,
        Err(phrase) => {
            let delay = late + state.unauthorized_delay;
            return Outcome::Answer(Answer::empty(401, &phrase), delay);
        }
    };
    if let Some(answer) = &request.bad_content {
        return Outcome::Answer(answer.clone(), late);
    }
    let answer = match dispatch(state, request, record, caller) {
        Ok(reply) => reply.into(),
        Err(refusal) => refusal.answer(state.since(8, 4)),
    };
    Outcome::Answer(answer, late + std::mem::take(&mut state.late))
}

/// Not the JSON API: its other formats, or the web interface's files.
fn elsewhere(path: &str) -> Option<Answer> {
    match path.strip_prefix("/api2/json") {
        Some(rest) if rest.is_empty() || rest.starts_with('/') => None,
        _ if path.starts_with("/api2") => Some(Answer::plain(501, "no such uri")),
        _ => Some(Answer::plain(500, &format!("no such file '{path}'"))),
    }
}

fn dispatch(
    state: &mut State,
    request: &Request,
    record: &Recorded,
    caller: Caller,
) -> Result<crate::answer::Reply, Refusal> {
    let (route, places, kind) = find(&record.method, &record.path)
        .filter(|(route, ..)| state.version >= route.since)
        .ok_or_else(|| Refusal::not_implemented(&record.method, &record.path))?;
    let given = given(request, record, &places)?;
    if let Some((path, privilege)) = route.needs {
        let path = places.iter().fold(path.to_owned(), |path, (name, value)| {
            path.replace(&format!("{{{name}}}"), value)
        });
        let privilege = access::named(state, privilege);
        if !privilege
            .split('|')
            .any(|one| access::may(state, &caller, &path, one))
        {
            return Err(Refusal::forbidden(&path, privilege));
        }
    }
    if let Some(check) = route.check {
        check(state, &caller, &given)?;
    }
    if let Some(node) = places.get("node").filter(|_| route.proxied) {
        reach(state, &record.node, node)?;
    }
    let known = match (kind, route.ct_params) {
        (Kind::Ct, Some(known)) => known,
        _ => route.params,
    };
    let call = Call {
        entry: record.node.clone(),
        caller,
        params: params::check(&given, known)?,
        kind,
        request: record.clone(),
    };
    (route.handler)(state, &call)
}

/// The route, the values of its places, and which kind of guest it is about.
pub(crate) fn find(
    method: &str,
    path: &str,
) -> Option<(&'static Route, BTreeMap<String, String>, Kind)> {
    let segments: Vec<&str> = path.split('/').filter(|part| !part.is_empty()).collect();
    routes::all()
        .filter(|route| route.method == method)
        .find_map(|route| {
            let wanted: Vec<&str> = route.path.split('/').skip(1).collect();
            if wanted.len() != segments.len() {
                return None;
            }
            let mut places = BTreeMap::new();
            let mut kind = Kind::Vm;
            for (want, is) in wanted.iter().zip(&segments) {
                match (*want, *is) {
                    ("{kind}", "qemu") => kind = Kind::Vm,
                    ("{kind}", "lxc") => kind = Kind::Ct,
                    ("{kind}", _) => return None,
                    (want, is) if want.starts_with('{') => {
                        places.insert(want.trim_matches(['{', '}']).to_owned(), is.to_owned());
                    }
                    (want, is) if want != is => return None,
                    _ => {}
                }
            }
            Some((route, places, kind))
        })
}

/// Everything given, wherever it stood; the query beats the body, the path must not be contradicted.
fn given(
    request: &Request,
    record: &Recorded,
    places: &BTreeMap<String, String>,
) -> Result<BTreeMap<String, Value>, Refusal> {
    if let Some(text) = &request.bad_body {
        return Err(Refusal::die(text.clone()));
    }
    let mut given: BTreeMap<String, Value> = BTreeMap::new();
    for (key, value) in &record.body {
        add(&mut given, key, value.clone());
    }
    for (key, value) in &record.query {
        given.insert(key.clone(), Value::String(value.clone()));
    }
    for (key, value) in places {
        let own = Value::String(value.clone());
        if given
            .get(key)
            .is_some_and(|other| params::scalar(other).as_ref() != Some(value))
        {
            let text = "duplicate parameter (already defined in URI) with conflicting values!";
            return Err(Refusal::parameter(key, text));
        }
        given.insert(key.clone(), own);
    }
    Ok(given)
}

/// A repeated key is a list.
fn add(given: &mut BTreeMap<String, Value>, key: &str, value: Value) {
    match given.remove(key) {
        None => given.insert(key.into(), value),
        Some(Value::Array(mut list)) => {
            list.push(value);
            given.insert(key.into(), list.into())
        }
        Some(first) => given.insert(key.into(), vec![first, value].into()),
    };
}

/// Whether the entry node can hand the call to the node it is about.
fn reach(state: &State, entry: &str, node: &str) -> Result<(), Refusal> {
    if node == entry || node == "localhost" {
        return Ok(());
    }
    match state.node(node) {
        None => Err(Refusal::die(format!(
            "hostname lookup '{node}' failed - failed to get address info for: {node}: \
             Name or service not known"
        ))),
        Some(other) if !other.online => Err(Refusal::proxy(595, "No route to host")),
        Some(_) if state.closed.contains(node) => Err(Refusal::proxy(595, "Connection refused")),
        Some(_) => Ok(()),
    }
}

fn recorded(entry: &str, request: &Request) -> Recorded {
    let (raw_path, query) = request
        .target
        .split_once('?')
        .unwrap_or((&request.target, ""));
    let path = text::decode(raw_path, false);
    let path = path.strip_prefix("/api2/json").unwrap_or(&path);
    let token = request
        .header("authorization")
        .and_then(access::token_value)
        .and_then(|value| access::token_id(&value));
    Recorded {
        method: request.method.clone(),
        path: path.into(),
        raw_path: raw_path.into(),
        query: text::form(query),
        body: request.params.clone(),
        token,
        ..Recorded::new(entry)
    }
}
