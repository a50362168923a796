//! Discord's error answers.

use serde_json::{Map, Value, json};

#[derive(Debug)]
pub(crate) struct Refusal {
    pub status: u16,
    pub code: u64,
    pub message: String,
    pub errors: Value,
    /// The bot broke a rule; otherwise the circumstances were against it (a deleted message, say).
    pub broken_rule: bool,
}

impl Refusal {
    /// The bot did what it must not do.
    pub(crate) fn rule(status: u16, code: u64, message: &str) -> Refusal {
        Refusal {
            status,
            code,
            message: message.into(),
            errors: Value::Null,
            broken_rule: true,
        }
    }

    /// What it asked for is not, or no longer, there.
    pub(crate) fn circumstance(status: u16, code: u64, message: &str) -> Refusal {
        Refusal {
            broken_rule: false,
            ..Refusal::rule(status, code, message)
        }
    }

    pub(crate) fn body(&self) -> Value {
        let mut body = json!({"message": self.message, "code": self.code});
        if !self.errors.is_null() {
            body["errors"] = self.errors.clone();
        }
        body
    }
}

pub(crate) fn unknown_message() -> Refusal {
    Refusal::circumstance(404, 10008, "Unknown Message")
}

/// Findings of a check of a body: what Discord refuses, and what only our house rules forbid.
#[derive(Default)]
pub(crate) struct Findings {
    /// Path such as `data.embeds.0.title`, Discord's code, text.
    pub refused: Vec<(String, &'static str, String)>,
    /// Discord would let these pass.
    pub house: Vec<String>,
}

impl Findings {
    pub(crate) fn refuse(&mut self, path: &str, code: &'static str, text: impl Into<String>) {
        self.refused.push((path.to_owned(), code, text.into()));
    }

    pub(crate) fn length(&mut self, path: &str, text: &str, least: usize, most: usize) {
        let length = text.chars().count();
        if length < least || length > most {
            self.refuse(
                path,
                "BASE_TYPE_BAD_LENGTH",
                format!("Must be between {least} and {most} in length."),
            );
        }
    }

    pub(crate) fn required(&mut self, path: &str) {
        self.refuse(path, "BASE_TYPE_REQUIRED", "This field is required");
    }

    /// Keys that Discord does not know: it ignores them, so a misspelt one is silently without effect.
    pub(crate) fn known_keys(&mut self, path: &str, object: &Value, known: &[&str]) {
        for key in object.as_object().into_iter().flatten().map(|(key, _)| key) {
            if !known.contains(&key.as_str()) {
                self.house
                    .push(format!("unknown field `{}`", join(path, key)));
            }
        }
    }

    pub(crate) fn refusal(&self) -> Option<Refusal> {
        if self.refused.is_empty() {
            return None;
        }
        let mut errors = Value::Object(Map::new());
        for (path, code, text) in &self.refused {
            let mut place = &mut errors;
            for step in path.split('.').filter(|step| !step.is_empty()) {
                place = &mut place[step];
            }
            let error = json!({"code": code, "message": text});
            match place["_errors"].as_array_mut() {
                Some(list) => list.push(error),
                None => place["_errors"] = json!([error]),
            }
        }
        Some(Refusal {
            errors,
            ..Refusal::rule(400, 50035, "Invalid Form Body")
        })
    }
}

pub(crate) fn join(path: &str, key: impl std::fmt::Display) -> String {
    if path.is_empty() {
        key.to_string()
    } else {
        format!("{path}.{key}")
    }
}
