//! Parameters: what an endpoint takes, and how strictly it is checked.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::answer::Refusal;

#[derive(Clone, Copy, Debug)]
pub(crate) enum Type {
    /// 0/1, on/off, yes/no, true/false.
    Boolean,
    Integer {
        min: i64,
    },
    Text,
    Vmid,
    Node,
    /// `pve-configid` of 40 characters at most.
    SnapshotName,
    OneOf(&'static [&'static str]),
    /// Text that the function takes, or says what is wrong with it.
    Custom(fn(&str) -> Result<(), String>),
    /// Repeated keys, joined by zero bytes.
    List,
    /// Only together with another.
    Needing(&'static str, &'static Type),
}

#[derive(Clone, Copy, Debug)]
pub(crate) struct Param {
    pub name: &'static str,
    pub kind: Type,
    pub optional: bool,
}

pub(crate) const fn required(name: &'static str, kind: Type) -> Param {
    Param {
        name,
        kind,
        optional: false,
    }
}

pub(crate) const fn optional(name: &'static str, kind: Type) -> Param {
    Param {
        name,
        kind,
        optional: true,
    }
}

/// Checked parameters, those of the path among them; booleans are `0` or `1`.
#[derive(Clone, Debug, Default)]
pub(crate) struct Params(BTreeMap<String, String>);

impl Params {
    pub fn get(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(String::as_str)
    }

    /// A parameter that the route demands.
    pub fn text(&self, name: &str) -> &str {
        self.get(name).unwrap_or_default()
    }

    /// By name.
    pub fn all(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0
            .iter()
            .map(|(name, value)| (name.as_str(), value.as_str()))
    }

    pub fn flag(&self, name: &str) -> bool {
        self.get(name) == Some("1")
    }

    pub fn number(&self, name: &str) -> Option<u64> {
        self.get(name)?.parse().ok()
    }

    pub fn vmid(&self) -> u32 {
        self.text("vmid").parse().unwrap_or(0)
    }
}

/// What is said about a parameter that the endpoint does not take.
pub(crate) const UNKNOWN: &str =
    "property is not defined in schema and the schema does not allow additional properties";

/// Checks everything and reports every problem at once, as the real one does.
pub(crate) fn check(given: &BTreeMap<String, Value>, known: &[Param]) -> Result<Params, Refusal> {
    let mut errors = BTreeMap::new();
    let mut params = BTreeMap::new();
    for name in given.keys() {
        if !known.iter().any(|param| param.name == name) {
            errors.insert(name.clone(), UNKNOWN.to_owned());
        }
    }
    for param in known {
        match given.get(param.name) {
            Some(value) => match checked(plain(param.kind), value) {
                Ok(value) => {
                    params.insert(param.name.to_owned(), value);
                }
                Err(text) => {
                    errors.insert(param.name.to_owned(), text);
                }
            },
            None if param.optional => {}
            None => {
                let text = "property is missing and it is not optional";
                errors.insert(param.name.to_owned(), text.to_owned());
            }
        }
    }
    for param in known {
        if let Type::Needing(other, _) = param.kind
            && given.contains_key(param.name)
            && !given.contains_key(other)
        {
            let text = format!("missing property required by '{}'", param.name);
            errors.insert(other.to_owned(), text);
        }
    }
    if errors.is_empty() {
        Ok(Params(params))
    } else {
        Err(Refusal::parameters(errors))
    }
}

fn plain(kind: Type) -> Type {
    match kind {
        Type::Needing(_, kind) => plain(*kind),
        kind => kind,
    }
}

fn checked(kind: Type, value: &Value) -> Result<String, String> {
    if let Type::List = kind {
        let list = value.as_array().cloned();
        let list = list.unwrap_or_else(|| vec![value.clone()]);
        let texts: Option<Vec<String>> = list.iter().map(scalar).collect();
        let texts = texts.ok_or("type check ('string') failed - got HASH")?;
        return Ok(texts.join("\0"));
    }
    let text = scalar(value).ok_or_else(|| {
        format!(
            "type check ('{}') failed - got {}",
            type_name(kind),
            reference(value)
        )
    })?;
    match kind {
        Type::Boolean => match text.to_ascii_lowercase().as_str() {
            "1" | "on" | "yes" | "true" => Ok("1".into()),
            "0" | "off" | "no" | "false" => Ok("0".into()),
            _ => Err(wrong_type(kind, &text)),
        },
        Type::Integer { min } => {
            let number: i64 = integer(&text).ok_or_else(|| wrong_type(kind, &text))?;
            if number < min {
                return Err(format!("value must have a minimum value of {min}"));
            }
            Ok(number.to_string())
        }
        Type::Custom(check) => check(&text).map(|()| text),
        Type::Text | Type::List | Type::Needing(..) => Ok(text),
        Type::Vmid if integer(&text).is_none() => Err(wrong_type(kind, &text)),
        Type::Vmid if is_vmid(&text) => Ok(text),
        Type::Vmid => Err("invalid format - value does not look like a valid VM ID\n".into()),
        Type::Node if is_node_name(&text) => Ok(text),
        Type::Node => Err("invalid format - value does not look like a valid node name\n".into()),
        Type::SnapshotName if !is_config_id(&text) => Err(format!(
            "invalid format - invalid configuration ID '{text}'\n"
        )),
        Type::SnapshotName if text.len() > 40 => Err("value may only be 40 characters long".into()),
        Type::SnapshotName => Ok(text),
        Type::OneOf(words) if words.contains(&text.as_str()) => Ok(text),
        Type::OneOf(words) => Err(format!(
            "value '{text}' does not have a value in the enumeration '{}'",
            words.join(", ")
        )),
    }
}

/// As Perl sees it: JSON booleans are 1 and 0, null is nothing.
pub(crate) fn scalar(value: &Value) -> Option<String> {
    match value {
        Value::Null => Some(String::new()),
        Value::Bool(yes) => Some(if *yes { "1" } else { "0" }.into()),
        Value::Number(number) => Some(number.to_string()),
        Value::String(text) => Some(text.clone()),
        Value::Array(_) | Value::Object(_) => None,
    }
}

/// What Perl calls a value that is not a scalar.
fn reference(value: &Value) -> &'static str {
    if value.is_array() { "ARRAY" } else { "HASH" }
}

fn type_name(kind: Type) -> &'static str {
    match kind {
        Type::Boolean => "boolean",
        Type::Integer { .. } | Type::Vmid => "integer",
        Type::List => "array",
        Type::Needing(_, kind) => type_name(*kind),
        Type::Text | Type::Node | Type::SnapshotName | Type::OneOf(_) | Type::Custom(_) => "string",
    }
}

fn wrong_type(kind: Type, got: &str) -> String {
    format!("type check ('{}') failed - got '{got}'", type_name(kind))
}

pub(crate) fn integer(text: &str) -> Option<i64> {
    let digits = text.strip_prefix(['+', '-']).unwrap_or(text);
    let plain = !digits.is_empty() && digits.bytes().all(|b| b.is_ascii_digit());
    plain.then(|| text.parse().ok()).flatten()
}

pub(crate) fn is_vmid(text: &str) -> bool {
    (3..=9).contains(&text.len())
        && !text.starts_with('0')
        && text.bytes().all(|b| b.is_ascii_digit())
}

/// Two characters at least, a letter first.
fn is_config_id(text: &str) -> bool {
    let inside = |b: u8| b.is_ascii_alphanumeric() || b"_-".contains(&b);
    text.len() >= 2
        && text.starts_with(|c: char| c.is_ascii_alphabetic())
        && text.bytes().all(inside)
}

/// A DNS label.
pub(crate) fn is_node_name(text: &str) -> bool {
    let edge = |b: Option<&u8>| b.is_some_and(u8::is_ascii_alphanumeric);
    let bytes = text.as_bytes();
    edge(bytes.first())
        && edge(bytes.last())
        && bytes
            .iter()
            .all(|b| b.is_ascii_alphanumeric() || *b == b'-')
}
