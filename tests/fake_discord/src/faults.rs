//! Things that go wrong on demand, in REST and on the gateway.

use std::time::{Duration, Instant};

use serde_json::{Value, json};

#[derive(Clone, Copy, Debug)]
pub enum GatewayFault {
    /// Close frame with this code, or without any.
    Close(Option<u16>),
    /// Op 7; the connection is closed a moment later.
    Reconnect,
    /// Op 9; `true`: the session may be resumed.
    InvalidSession(bool),
    /// The TCP connection ends without a close frame.
    DropTcp,
    /// The WebSocket upgrade is never answered.
    HangUpgrade(bool),
    /// Connections open, but HELLO never comes.
    NoHello(bool),
    /// Heartbeats are not acknowledged.
    Zombie(bool),
    /// The upgrade is answered with 503, and what is open is dropped.
    RefuseFor(Duration),
    /// The next IDENTIFY is answered with this close code.
    CloseAtIdentify(u16),
    /// Op 1: the bot must send a heartbeat at once.
    HeartbeatRequest,
    UnknownEvent,
    UnknownOpcode,
    GarbageText,
}

#[derive(Clone, Debug)]
pub struct RestFault {
    /// Part of `METHOD /path`, say `/callback` or `PATCH /api/v10/webhooks`.
    pub on: String,
    pub kind: RestFaultKind,
    pub times: usize,
}

#[derive(Clone, Debug)]
pub enum RestFaultKind {
    /// This status with this JSON, nothing executed.
    Status(u16, Value),
    TooMany {
        retry_after: f64,
        global: bool,
        scope: String,
        unreadable: bool,
    },
    /// Not executed, never answered.
    Hang,
    /// Executed after this long.
    Slow(Duration),
    /// The connection is cut before anything is executed.
    DropBefore,
    /// Executed, then the connection is cut.
    DropAfter,
    /// Executed, never answered.
    HangAfter,
    Unauthorized,
}

#[derive(Default)]
pub(crate) struct Faults {
    pub rest: Vec<RestFault>,
    pub hang_upgrade: bool,
    pub no_hello: bool,
    pub zombie: bool,
    pub refuse_until: Option<Instant>,
    pub close_at_identify: Option<u16>,
}

impl Faults {
    pub(crate) fn take(&mut self, method: &str, path: &str) -> Option<RestFaultKind> {
        let line = format!("{method} {path}");
        let at = self
            .rest
            .iter()
            .position(|fault| fault.times > 0 && line.contains(&fault.on))?;
        self.rest[at].times -= 1;
        let kind = self.rest[at].kind.clone();
        self.rest.retain(|fault| fault.times > 0);
        Some(kind)
    }
}

pub(crate) enum Named {
    Gateway(GatewayFault),
    Rest(RestFault),
    Clear,
}

/// Faults that the demo and the binary offer, with what they do.
pub(crate) const NAMES: &[(&str, &str)] = &[
    (
        "gateway-drops",
        "the gateway connection ends without a word",
    ),
    ("gateway-closes", "the gateway closes with 4000"),
    (
        "gateway-closes-silently",
        "the gateway closes without a code",
    ),
    ("gateway-reconnect", "Discord asks the bot to reconnect"),
    (
        "invalid-session",
        "the session is over, the bot must identify again",
    ),
    (
        "gateway-refuses",
        "the gateway is unreachable for 12 seconds",
    ),
    (
        "gateway-hangs",
        "new gateway connections are never answered",
    ),
    ("gateway-silent", "new gateway connections get no HELLO"),
    ("zombie", "heartbeats are no longer acknowledged"),
    (
        "rate-limited",
        "the next edit is answered with 429, wait 2 s",
    ),
    (
        "globally-limited",
        "the next request is answered with a global 429, wait 2 s",
    ),
    (
        "server-error",
        "the next three requests are answered with 500",
    ),
    (
        "ack-lost",
        "the next acknowledgement is taken but its answer is lost",
    ),
    (
        "ack-slow",
        "the next acknowledgement takes 4 seconds, too long",
    ),
    ("edits-hang", "the next edit is never answered"),
    ("healthy", "end all faults"),
];

pub(crate) fn named(name: &str) -> Option<Named> {
    let rest = |on: &str, kind, times| {
        Named::Rest(RestFault {
            on: on.into(),
            kind,
            times,
        })
    };
    let too_many = |global: bool| RestFaultKind::TooMany {
        retry_after: 2.0,
        global,
        scope: if global { "global" } else { "user" }.into(),
        unreadable: false,
    };
    Some(match name {
        "gateway-drops" => Named::Gateway(GatewayFault::DropTcp),
        "gateway-closes" => Named::Gateway(GatewayFault::Close(Some(4000))),
        "gateway-closes-silently" => Named::Gateway(GatewayFault::Close(None)),
        "gateway-reconnect" => Named::Gateway(GatewayFault::Reconnect),
        "invalid-session" => Named::Gateway(GatewayFault::InvalidSession(false)),
        "gateway-refuses" => Named::Gateway(GatewayFault::RefuseFor(Duration::from_secs(12))),
        "gateway-hangs" => Named::Gateway(GatewayFault::HangUpgrade(true)),
        "gateway-silent" => Named::Gateway(GatewayFault::NoHello(true)),
        "zombie" => Named::Gateway(GatewayFault::Zombie(true)),
        "rate-limited" => rest("PATCH /", too_many(false), 1),
        "globally-limited" => rest("/api/", too_many(true), 1),
        "server-error" => rest(
            "/api/",
            RestFaultKind::Status(
                500,
                json!({"message": "500: Internal Server Error", "code": 0}),
            ),
            3,
        ),
        "ack-lost" => rest("/callback", RestFaultKind::DropAfter, 1),
        "ack-slow" => rest("/callback", RestFaultKind::Slow(Duration::from_secs(4)), 1),
        "edits-hang" => rest("PATCH /", RestFaultKind::HangAfter, 1),
        "healthy" => Named::Clear,
        _ => return None,
    })
}
