//! What was asked and answered, for tests to look at.

use std::time::SystemTime;

use serde_json::Value;

#[derive(Clone, Debug, PartialEq)]
pub struct Recorded {
    pub at: SystemTime,
    /// The node whose listener was asked.
    pub node: String,
    pub method: String,
    /// Decoded, without `/api2/json`.
    pub path: String,
    /// As sent, with everything before the `?`.
    pub raw_path: String,
    pub query: Vec<(String, String)>,
    /// Parameters of the body.
    pub body: Vec<(String, Value)>,
    /// `user@realm!name`, whether or not the secret was right; None without a token.
    pub token: Option<String>,
    /// 0 when no answer was sent.
    pub status: u16,
    pub phrase: String,
    /// The answer's JSON, null when there was none.
    pub response: Value,
    /// A fault made nonsense of the answer.
    pub spoilt: bool,
}

impl Recorded {
    pub(crate) fn new(node: &str) -> Recorded {
        Recorded {
            at: SystemTime::now(),
            node: node.into(),
            method: String::new(),
            path: String::new(),
            raw_path: String::new(),
            query: Vec::new(),
            body: Vec::new(),
            token: None,
            status: 0,
            phrase: String::new(),
            response: Value::Null,
            spoilt: false,
        }
    }
}
