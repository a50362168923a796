//! Answers, and refusals with the words and places the real server puts them in.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

/// What goes back over the wire.
#[derive(Clone, Debug)]
pub(crate) struct Answer {
    pub status: u16,
    pub phrase: String,
    pub body: Body,
    pub headers: Vec<(&'static str, String)>,
}

#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Body {
    /// No body, no length, no type: the close of the connection ends it.
    None,
    Json(Value),
    Text(&'static str, String),
}

impl Answer {
    pub fn new(status: u16, phrase: &str, body: Body) -> Answer {
        Answer {
            status,
            phrase: phrase.into(),
            body,
            headers: Vec::new(),
        }
    }

    pub fn empty(status: u16, phrase: &str) -> Answer {
        Answer::new(status, phrase, Body::None)
    }

    /// Errors of the HTTP layer say their phrase again as untyped text.
    pub fn plain(status: u16, phrase: &str) -> Answer {
        Answer::new(status, phrase, Body::Text("", phrase.into()))
    }

    pub fn json(&self) -> Value {
        match &self.body {
            Body::Json(value) => value.clone(),
            Body::None | Body::Text(..) => Value::Null,
        }
    }
}

/// What a successful call gives back.
pub(crate) enum Reply {
    /// `data`, and the attributes that stand beside it.
    Data(Value, Vec<(&'static str, Value)>),
    /// A text to download.
    File(String),
}

impl From<Value> for Reply {
    fn from(data: Value) -> Reply {
        Reply::Data(data, Vec::new())
    }
}

impl From<Reply> for Answer {
    fn from(reply: Reply) -> Answer {
        let body = match reply {
            Reply::File(text) => Body::Text("text/plain", text),
            Reply::Data(data, beside) => {
                let mut body = Map::from_iter([("data".into(), data)]);
                body.extend(beside.into_iter().map(|(key, value)| (key.into(), value)));
                Body::Json(body.into())
            }
        };
        Answer::new(200, "OK", body)
    }
}

/// Why a call was not carried out.
#[derive(Clone, Debug)]
pub(crate) struct Refusal {
    status: u16,
    /// As in `message`: with the line end if the real one has it.
    text: String,
    errors: BTreeMap<String, String>,
    empty: bool,
}

impl Refusal {
    pub fn new(status: u16, text: impl Into<String>) -> Refusal {
        Refusal {
            status,
            text: text.into(),
            errors: BTreeMap::new(),
            empty: false,
        }
    }

    /// Nearly everything is a 500.
    pub fn die(text: impl Into<String>) -> Refusal {
        Refusal::new(500, text.into() + "\n")
    }

    pub fn forbidden(path: &str, privs: &str) -> Refusal {
        Refusal::new(403, format!("Permission check failed ({path}, {privs})\n"))
    }

    /// Where no single path and privilege would have been enough.
    pub fn forbidden_at_all() -> Refusal {
        Refusal::new(403, "Permission check failed\n")
    }

    /// A change of `user.cfg` that failed on the way.
    pub fn within(what: &str, text: &str) -> Refusal {
        Refusal::die(format!("{what} failed: {text}"))
    }

    /// As a task says that it failed with this, or the console.
    pub fn told(&self) -> String {
        let mut lines = vec![match self.status {
            500 => self.text.trim_end().to_owned(),
            status => format!("{status} {}", self.text.trim_end()),
        }];
        let errors = self.errors.iter();
        lines.extend(errors.map(|(name, text)| format!("{name}: {}", text.trim_end())));
        lines.join("\n")
    }

    pub fn parameters(errors: BTreeMap<String, String>) -> Refusal {
        Refusal {
            errors,
            ..Refusal::new(400, "Parameter verification failed.\n")
        }
    }

    pub fn parameter(name: &str, text: &str) -> Refusal {
        Refusal::parameters(BTreeMap::from([(name.into(), text.into())]))
    }

    pub fn not_implemented(method: &str, path: &str) -> Refusal {
        Refusal::new(501, format!("Method '{method} {path}' not implemented"))
    }

    /// Pseudo-statuses of the proxy: only a phrase.
    pub fn proxy(status: u16, phrase: &str) -> Refusal {
        Refusal {
            empty: true,
            ..Refusal::new(status, phrase)
        }
    }

    /// `with_message`: the body repeats the phrase, since 8.4.
    pub fn answer(self, with_message: bool) -> Answer {
        let phrase = self.text.lines().next().unwrap_or_default().to_owned();
        if self.empty {
            return Answer::empty(self.status, &phrase);
        }
        let mut body = Map::from_iter([("data".into(), Value::Null)]);
        if with_message {
            body.insert("message".into(), json!(self.text));
        }
        if !self.errors.is_empty() {
            body.insert("errors".into(), json!(self.errors));
        }
        Answer::new(self.status, &phrase, Body::Json(body.into()))
    }
}
