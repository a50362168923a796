//! Gateway sessions: what was dispatched to whom, what may be resumed, and the faults in between.

pub(crate) mod connection;
mod handshake;
mod zlib;

use std::collections::{BTreeMap, VecDeque};
use std::time::Instant;

use serde_json::{Value, json};
use tokio::sync::mpsc::UnboundedSender;

use crate::faults::GatewayFault;
use crate::state::State;

pub(crate) struct Sessions {
    pub identifies_remaining: u32,
    list: Vec<Session>,
    /// Open connections, by number.
    links: BTreeMap<u64, UnboundedSender<Out>>,
    connections: u64,
    last_identify: Option<Instant>,
    /// When op 9 `false` was last sent: an IDENTIFY must wait a second after it.
    invalidated: Option<Instant>,
    /// A close code after which no bot may come back.
    finished: Option<u16>,
    named: u64,
}

/// Discord, too, forgets what is too old to be replayed.
const MOST_REPLAYED: usize = 4096;

struct Session {
    id: String,
    seq: u64,
    sent: VecDeque<(u64, Value)>,
    connection: Option<u64>,
    began: Instant,
}

/// What goes out on one connection.
pub(crate) enum Out {
    Json(Value),
    Text(String),
    /// Op 9: the connection stays, its session is gone or at least detached.
    Invalid(bool),
    Close(Option<u16>),
    Drop,
}

impl Sessions {
    pub(crate) fn new(identifies_remaining: u32) -> Sessions {
        Sessions {
            identifies_remaining,
            list: Vec::new(),
            links: BTreeMap::new(),
            connections: 0,
            last_identify: None,
            invalidated: None,
            finished: None,
            named: 0,
        }
    }

    pub(crate) fn any_connected(&self) -> bool {
        self.connected_count() > 0
    }

    pub(crate) fn connected_count(&self) -> usize {
        self.list
            .iter()
            .filter(|session| session.connection.is_some())
            .count()
    }

    fn open(&mut self, link: UnboundedSender<Out>) -> u64 {
        self.connections += 1;
        self.links.insert(self.connections, link);
        self.connections
    }

    fn close(&mut self, connection: u64) {
        self.links.remove(&connection);
        for session in self
            .list
            .iter_mut()
            .filter(|session| session.connection == Some(connection))
        {
            session.connection = None;
        }
    }

    /// The session can no longer be resumed.
    fn forget(&mut self, connection: u64) {
        self.list
            .retain(|session| session.connection != Some(connection));
    }

    fn begin(&mut self, connection: u64) -> String {
        self.named += 1;
        let id = format!("{:032x}", 0x5e55_1011_u64 * 1000 + self.named);
        self.list.push(Session {
            id: id.clone(),
            seq: 0,
            sent: VecDeque::new(),
            connection: Some(connection),
            began: Instant::now(),
        });
        // Sessions that nobody resumes must not pile up.
        let idle = self
            .list
            .iter()
            .filter(|session| session.connection.is_none())
            .count();
        if idle > 16
            && let Some(oldest) = self
                .list
                .iter()
                .position(|session| session.connection.is_none())
        {
            self.list.remove(oldest);
        }
        id
    }

    fn send(&self, connection: u64, out: Out) {
        if let Some(link) = self.links.get(&connection) {
            // A connection that ended in this very moment gets its events at its resume.
            let _ = link.send(out);
        }
    }

    fn send_all(&self, mut out: impl FnMut() -> Out) {
        for link in self.links.values() {
            let _ = link.send(out());
        }
    }

    fn send_op(&self, op: u64, data: &Value) {
        self.send_all(|| Out::Json(json!({"op": op, "d": data, "s": null, "t": null})));
    }

    fn dispatch_to(&mut self, at: usize, name: &str, data: &Value) {
        let session = &mut self.list[at];
        session.seq += 1;
        let payload = json!({"op": 0, "t": name, "s": session.seq, "d": data});
        session.sent.push_back((session.seq, payload.clone()));
        if session.sent.len() > MOST_REPLAYED {
            session.sent.pop_front();
        }
        if let Some(connection) = session.connection {
            self.send(connection, Out::Json(payload));
        }
    }

    fn position(&self, connection: u64) -> Option<usize> {
        self.list
            .iter()
            .position(|session| session.connection == Some(connection))
    }

    pub(crate) fn open_connections(&self) -> Vec<u64> {
        self.links.keys().copied().collect()
    }

    /// The end of the fake.
    pub(crate) fn drop_all(&self) {
        self.send_all(|| Out::Drop);
    }
}

/// An event for every session, also for those that are away but may resume.
pub(crate) fn dispatch(state: &mut State, name: &str, data: &Value) {
    state.sent_events.push(json!({"t": name, "d": data}));
    for at in 0..state.sessions.list.len() {
        state.sessions.dispatch_to(at, name, data);
    }
}

pub(crate) fn break_it(state: &mut State, fault: GatewayFault) {
    let sessions = &mut state.sessions;
    match fault {
        GatewayFault::Close(code) => {
            close_all(sessions, code);
        }
        GatewayFault::Reconnect => sessions.send_op(7, &Value::Null),
        GatewayFault::InvalidSession(resumable) => {
            if !resumable {
                sessions.list.clear();
                sessions.invalidated = Some(Instant::now());
            }
            sessions.send_all(|| Out::Invalid(resumable));
        }
        GatewayFault::DropTcp => sessions.send_all(|| Out::Drop),
        GatewayFault::RefuseFor(time) => {
            state.faults.refuse_until = Some(Instant::now() + time);
            sessions.send_all(|| Out::Drop);
        }
        GatewayFault::HangUpgrade(on) => state.faults.hang_upgrade = on,
        GatewayFault::NoHello(on) => state.faults.no_hello = on,
        GatewayFault::Zombie(on) => state.faults.zombie = on,
        GatewayFault::CloseAtIdentify(code) => state.faults.close_at_identify = Some(code),
        GatewayFault::HeartbeatRequest => sessions.send_op(1, &Value::Null),
        GatewayFault::UnknownEvent => dispatch(
            state,
            "SOMETHING_NEW_CREATE",
            &json!({"id": "1", "shape": {"of": ["things"]}}),
        ),
        GatewayFault::UnknownOpcode => sessions.send_op(99, &json!({"what": "?"})),
        GatewayFault::GarbageText => sessions.send_all(|| Out::Text("}{ not json".into())),
    }
}

/// Connections that are still there long after op 7.
pub(crate) fn close_ignored(state: &mut State, connections: &[u64]) {
    for connection in connections
        .iter()
        .filter(|number| state.sessions.links.contains_key(number))
    {
        state
            .violations
            .push("gateway: op 7 was ignored for five seconds".into());
        state.sessions.send(*connection, Out::Close(Some(4000)));
    }
}

/// Codes after which a client must not come back.
fn is_final(code: Option<u16>) -> bool {
    matches!(code, Some(4004 | 4010..=4014))
}

fn close_all(sessions: &mut Sessions, code: Option<u16>) {
    if is_final(code) {
        sessions.finished = code;
    }
    // After these Discord has thrown the session away: a resume gets op 9.
    if matches!(code, Some(4007 | 4009)) || is_final(code) {
        sessions.list.clear();
    }
    sessions.send_all(|| Out::Close(code));
}
