//! What the fake remembers of the bot's behaviour: its requests, its gateway traffic, its mistakes.

use std::time::Duration;

use serde_json::Value;

/// One REST request of the bot. Interaction tokens are replaced by `{token}`.
#[derive(Clone, Debug)]
pub struct Recorded {
    /// Since the fake started.
    pub at: Duration,
    pub took: Duration,
    pub method: String,
    /// `/channels/{channel}/messages`
    pub template: String,
    pub path: String,
    /// What stood behind the `?`.
    pub query: String,
    pub body: Value,
    /// File names of a multipart request.
    pub files: Vec<String>,
    /// 0: cut off without an answer.
    pub status: u16,
    pub response: Value,
}

#[derive(Clone, Debug)]
pub struct GatewayEntry {
    /// Since the fake started.
    pub at: Duration,
    /// Which connection, counted from 1.
    pub connection: u64,
    pub what: GatewayEvent,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum GatewayEvent {
    /// The WebSocket was opened; the path tells whether `resume_gateway_url` was used.
    Connected {
        path: String,
    },
    /// The upgrade was answered with 503 or left hanging.
    Refused,
    Identify {
        intents: u64,
        compress: bool,
        session: String,
    },
    Resume {
        session: String,
        seq: u64,
        replayed: usize,
    },
    ResumeRefused {
        session: String,
    },
    Heartbeat {
        seq: Option<u64>,
    },
    /// Another opcode of the bot (presence update, ...).
    Sent {
        op: u64,
    },
    /// The bot sent a close frame.
    ClosedByBot {
        code: Option<u16>,
    },
    ClosedByDiscord {
        code: Option<u16>,
    },
    /// The connection ended without a close frame.
    Lost,
}
