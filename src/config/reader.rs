//! Reads one table key by key, so that one mistake never hides another, and knows afterwards which
//! keys nobody asked for.

use std::collections::BTreeSet;

use ::config::{Map, Value, ValueKind};

use super::Problem;

/// What was found on the way. Problems stop the start, warnings do not.
#[derive(Debug, Default)]
pub(super) struct Notes {
    pub problems: Vec<Problem>,
    pub warnings: Vec<Problem>,
    /// Every key that was asked for, as `cluster[].name`.
    pub keys: BTreeSet<String>,
    /// Secrets are neither read nor missed: nothing is done that takes one.
    pub without_secrets: bool,
}

impl Notes {
    pub(super) fn problem(&mut self, place: Option<&str>, key: &str, what: impl Into<String>) {
        self.problems.push(note(place, key, what.into()));
    }

    pub(super) fn warning(&mut self, place: Option<&str>, key: &str, what: impl Into<String>) {
        self.warnings.push(note(place, key, what.into()));
    }
}

fn note(place: Option<&str>, key: &str, what: String) -> Problem {
    Problem {
        place: place.map(ToOwned::to_owned),
        key: key.to_owned(),
        what,
    }
}

/// What a value must be; the error completes the sentence "`key` ...".
pub(super) type Want<T> = fn(&ValueKind) -> Result<T, String>;

/// A checked value and where it stands.
#[derive(Debug)]
pub(super) struct Found<T> {
    pub value: T,
    pub place: Option<String>,
    pub key: String,
}

#[derive(Debug)]
pub(super) struct Reader<'n> {
    /// Dotted path of the table, for people.
    path: String,
    /// The same without names and numbers: `cluster[]`.
    pattern: &'static str,
    /// Where the table begins; the place of keys that are missing.
    place: Option<String>,
    table: Map<String, Value>,
    known: Vec<&'static str>,
    pub notes: &'n mut Notes,
}

impl<'n> Reader<'n> {
    pub(super) fn new(
        pattern: &'static str,
        path: String,
        place: Option<String>,
        table: Map<String, Value>,
        notes: &'n mut Notes,
    ) -> Self {
        Self {
            path,
            pattern,
            place,
            table,
            known: Vec::new(),
            notes,
        }
    }

    pub(super) fn place(&self) -> Option<&str> {
        self.place.as_deref()
    }

    /// Where a key stands; `None` where it is not written.
    pub(super) fn place_of(&self, key: &str) -> Option<String> {
        self.table.get(key)?.origin().map(ToOwned::to_owned)
    }

    pub(super) fn key(&self, key: &str) -> String {
        format!("{}.{key}", self.path)
    }

    /// Whether the key is written at all, right or wrong.
    pub(super) fn has(&self, key: &str) -> bool {
        self.table.contains_key(key)
    }

    fn take(&mut self, key: &'static str) -> Option<Value> {
        self.known.push(key);
        self.notes.keys.insert(format!("{}.{key}", self.pattern));
        self.table.remove(key)
    }

    pub(super) fn missing(&mut self, key: &str, expected: &str) {
        let what = format!("is missing: {expected}");
        let key = self.key(key);
        self.notes.problem(self.place.as_deref(), &key, what);
    }

    /// A warning about the table as a whole.
    pub(super) fn warning(&mut self, what: &str) {
        self.notes.warning(self.place.as_deref(), &self.path, what);
    }

    /// A problem of the table as a whole.
    pub(super) fn problem(&mut self, what: &str) {
        self.notes.problem(self.place.as_deref(), &self.path, what);
    }

    /// One value that must be there.
    pub(super) fn must<T>(
        &mut self,
        key: &'static str,
        want: Want<T>,
        expected: &str,
    ) -> Option<T> {
        if !self.has(key) {
            self.missing(key, expected);
        }
        self.optional(key, want)
    }

    /// One value, if it is written and right.
    pub(super) fn find<T>(&mut self, key: &'static str, want: Want<T>) -> Option<Found<T>> {
        let value = self.take(key)?;
        let place = value.origin().map(ToOwned::to_owned);
        let key = self.key(key);
        match want(&value.kind) {
            Ok(value) => Some(Found { value, place, key }),
            Err(what) => {
                self.notes.problem(place.as_deref(), &key, what);
                None
            }
        }
    }

    pub(super) fn optional<T>(&mut self, key: &'static str, want: Want<T>) -> Option<T> {
        self.find(key, want).map(|found| found.value)
    }

    /// A list, each item read by itself. `None` if the key is absent.
    pub(super) fn list<T>(&mut self, key: &'static str, want: Want<T>) -> Option<Vec<Found<T>>> {
        let value = self.take(key)?;
        let place = value.origin().map(ToOwned::to_owned);
        let key = self.key(key);
        let Some(items) = items(value) else {
            let what = "must be a list in square brackets, such as [\"one\", \"two\"]";
            self.notes.problem(place.as_deref(), &key, what);
            return Some(Vec::new());
        };
        let mut good = Vec::with_capacity(items.len());
        for (at, item) in items.into_iter().enumerate() {
            let place = item.origin().map(ToOwned::to_owned);
            let key = format!("{key}[{at}]");
            match want(&item.kind) {
                Ok(value) => good.push(Found { value, place, key }),
                Err(what) => self.notes.problem(place.as_deref(), &key, what),
            }
        }
        Some(good)
    }

    /// A list that must not be empty where it stands. `None` if the key is absent.
    pub(super) fn filled<T>(&mut self, key: &'static str, want: Want<T>) -> Option<Vec<Found<T>>> {
        if let Some(value) = self.table.get(key)
            && matches!(&value.kind, ValueKind::Array(items) if items.is_empty())
        {
            let place = value.origin().map(ToOwned::to_owned);
            let what = "is an empty list: name at least one, or take the key out";
            let key = self.key(key);
            self.notes.problem(place.as_deref(), &key, what);
        }
        self.list(key, want)
    }

    /// Like [`Self::filled`], and the key must be there.
    pub(super) fn must_list<T>(
        &mut self,
        key: &'static str,
        want: Want<T>,
        expected: &str,
    ) -> Vec<Found<T>> {
        self.filled(key, want).unwrap_or_else(|| {
            self.missing(key, expected);
            Vec::new()
        })
    }

    /// A key that we know and cannot honour: ignoring it would promise what does not happen.
    pub(super) fn refuse(&mut self, key: &str, why: &str) {
        if let Some(value) = self.table.remove(key) {
            let key = self.key(key);
            self.notes.problem(value.origin(), &key, why);
        }
    }

    /// A key that was read elsewhere.
    pub(super) fn done(&mut self, key: &'static str) {
        self.take(key);
    }

    /// Every key with its value, for tables whose keys the owner chooses. Sorted by key.
    /// A value that is wrong is `None`: its key is a name all the same.
    pub(super) fn entries<T>(&mut self, want: Want<T>) -> Vec<(String, Option<Found<T>>)> {
        self.notes.keys.insert(self.pattern.to_owned());
        let mut entries: Vec<_> = std::mem::take(&mut self.table).into_iter().collect();
        entries.sort_by(|a, b| a.0.cmp(&b.0));
        let mut read = Vec::with_capacity(entries.len());
        for (name, value) in entries {
            let place = value.origin().map(ToOwned::to_owned);
            let key = self.key(&name);
            match want(&value.kind) {
                Ok(value) => read.push((name, Some(Found { value, place, key }))),
                Err(what) => {
                    self.notes.problem(place.as_deref(), &key, what);
                    read.push((name, None));
                }
            }
        }
        read
    }

    /// Reports what is left over.
    pub(super) fn finish(self) {
        let mut left: Vec<_> = self.table.iter().collect();
        left.sort_by(|a, b| a.0.cmp(b.0));
        for (key, value) in left {
            let what = unknown("key", key, &self.known);
            let key = format!("{}.{key}", self.path);
            self.notes.problem(place_of(value), &key, what);
        }
    }
}

/// Where a value stands; a table that was merged of layers does not know it, but its values do.
pub(super) fn place_of(value: &Value) -> Option<&str> {
    match (&value.kind, value.origin()) {
        (ValueKind::Table(table), None) => table.values().filter_map(place_of).min(),
        (_, origin) => origin,
    }
}

/// A list of a file, or a comma-separated variable.
fn items(value: Value) -> Option<Vec<Value>> {
    let origin = value.origin().map(ToOwned::to_owned);
    match value.kind {
        ValueKind::Array(items) => Some(items),
        ValueKind::String(text) if origin.as_deref().is_some_and(super::env::is_variable) => {
            let items = text
                .split(',')
                .map(str::trim)
                .filter(|item| !item.is_empty());
            let items = items.map(|item| Value::new(origin.as_ref(), item));
            Some(items.collect())
        }
        _ => None,
    }
}

/// "unknown key; did you mean `token`?", or all the choices where none is near.
pub(super) fn unknown(kind: &str, name: &str, known: &[&str]) -> String {
    match nearest(name, known) {
        Some(near) => format!("unknown {kind}; did you mean `{near}`?"),
        None if known.is_empty() => format!("unknown {kind}"),
        None => format!("unknown {kind}; known are {}", known.join(", ")),
    }
}

/// The name that was probably meant, if one is near enough.
pub(super) fn nearest<'k>(name: &str, known: &[&'k str]) -> Option<&'k str> {
    let scored = known
        .iter()
        .map(|one| (strsim::jaro_winkler(name, one), *one));
    scored
        .filter(|(score, _)| *score > 0.8)
        .max_by(|a, b| a.0.total_cmp(&b.0))
        .map(|(_, one)| one)
}
