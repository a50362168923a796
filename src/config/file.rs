//! One TOML file, as values of the `config` crate that each know their file and line.

use std::path::Path;

use ::config::{Map, Value, ValueKind};
use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::reader::{Notes, unknown};

/// What one file says, sorted by how it is put together with others.
#[derive(Debug, Default)]
pub(super) struct Written {
    /// `discord`, `bot`, `people`, `roles`: later files win key by key.
    pub sections: Map<String, Value>,
    /// `[[cluster]]`, `[[allow]]`, `[[deny]]`, `[[ask]]`: the lists of all files together.
    pub clusters: Vec<Value>,
    pub allow: Vec<Value>,
    pub deny: Vec<Value>,
    pub ask: Vec<Value>,
}

const SECTIONS: [&str; 4] = ["discord", "bot", "people", "roles"];
const LISTS: [&str; 4] = ["cluster", "allow", "deny", "ask"];

/// Reads a file; `None` when it is not there or not TOML.
pub(super) fn read(path: &Path, notes: &mut Notes) -> Option<Written> {
    let file = path.display().to_string();
    let text = match std::fs::read_to_string(path) {
        Ok(text) => text,
        Err(error) => {
            let next = if error.kind() == std::io::ErrorKind::InvalidData {
                "; it is no text, so probably another file is meant"
            } else {
                ""
            };
            notes.problem(Some(&file), "", format!("cannot be read: {error}{next}"));
            return None;
        }
    };
    let lines = Lines::new(&file, &text);
    // The errors' own words only: in full they would quote the line, which may hold a token.
    let (root, errors) = DeTable::parse_recoverable(&text);
    for error in &errors {
        let at = error.span().map_or(0, |span| span.start);
        let what = format!("is not valid TOML here: {}", error.message());
        notes.problem(Some(&lines.origin(at)), "", what);
    }
    errors
        .is_empty()
        .then(|| split(root.get_ref(), &lines, notes))
}

fn split(root: &DeTable<'_>, lines: &Lines<'_>, notes: &mut Notes) -> Written {
    let mut written = Written::default();
    for (name, value) in root {
        let at = name.span().start;
        let origin = lines.origin(at);
        let name: &str = name.get_ref();
        let value = lines.value(at, value.get_ref());
        match (name, value.kind) {
            ("cluster", ValueKind::Array(items)) => written.clusters = items,
            ("allow", ValueKind::Array(items)) => written.allow = items,
            ("deny", ValueKind::Array(items)) => written.deny = items,
            ("ask", ValueKind::Array(items)) => written.ask = items,
            (name, _) if LISTS.contains(&name) => {
                let what = format!("is written with two square brackets: [[{name}]]");
                notes.problem(Some(&origin), name, what);
            }
            (name, ValueKind::Table(table)) if SECTIONS.contains(&name) => {
                let table = Value::new(Some(&origin), table);
                written.sections.insert(name.to_owned(), table);
            }
            (name, _) if SECTIONS.contains(&name) => {
                notes.problem(Some(&origin), name, format!("must be a section: [{name}]"));
            }
            (name, _) => {
                let known = [&SECTIONS[..], &LISTS[..]].concat();
                notes.problem(Some(&origin), name, unknown("section", name, &known));
            }
        }
    }
    written
}

/// Turns byte offsets of one file into places.
struct Lines<'t> {
    file: &'t str,
    ends: Vec<usize>,
}

impl<'t> Lines<'t> {
    fn new(file: &'t str, text: &str) -> Self {
        let ends = text.match_indices('\n').map(|(at, _)| at).collect();
        Self { file, ends }
    }

    fn origin(&self, at: usize) -> String {
        let line = self.ends.partition_point(|end| *end < at) + 1;
        format!("{}:{line}", self.file)
    }

    /// A key's value stands where the key stands; items of a list where they stand themselves.
    fn value(&self, at: usize, value: &DeValue<'_>) -> Value {
        let kind = match value {
            DeValue::String(text) => ValueKind::String(text.to_string()),
            DeValue::Integer(number) => integer(number.as_str(), number.radix()),
            DeValue::Float(number) => ValueKind::Float(number.as_str().parse().unwrap_or(f64::NAN)),
            DeValue::Boolean(yes) => ValueKind::Boolean(*yes),
            // No key takes a date; nothing is what every reader refuses.
            DeValue::Datetime(_) => ValueKind::Nil,
            DeValue::Array(items) => {
                let item =
                    |item: &Spanned<DeValue<'_>>| self.value(item.span().start, item.get_ref());
                ValueKind::Array(items.iter().map(item).collect())
            }
            DeValue::Table(table) => {
                let entries = table.iter().map(|(key, value)| {
                    let value = self.value(key.span().start, value.get_ref());
                    (key.get_ref().to_string(), value)
                });
                ValueKind::Table(entries.collect())
            }
        };
        Value::new(Some(&self.origin(at)), kind)
    }
}

fn integer(digits: &str, radix: u32) -> ValueKind {
    if let Ok(number) = i64::from_str_radix(digits, radix) {
        return ValueKind::I64(number);
    }
    // Ids of Discord have 64 bits; what is larger still is no id and nothing else of ours.
    u64::from_str_radix(digits, radix).map_or(ValueKind::Float(f64::NAN), ValueKind::U64)
}
