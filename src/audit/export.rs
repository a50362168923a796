//! The whole audit as JSON lines, for other programs to read.

use std::io::Write;

use jiff::Timestamp;
use rusqlite::Connection;
use rusqlite::types::ValueRef;
use serde_json::{Map, Value as Json};

use super::entry::id;
use crate::store::chain::Hash;

#[derive(Debug, thiserror::Error)]
pub enum ExportError {
    #[error("the audit cannot be read: {0}")]
    Store(#[from] rusqlite::Error),
    #[error("the lines cannot be written: {0}")]
    Write(#[from] std::io::Error),
}

/// Writes one object a line, with all columns: ids as strings, times in RFC 3339 (UTC), the hash
/// in hexadecimal digits. Gives the number of lines.
///
/// # Errors
///
/// Both sides can fail; lines already written stay.
pub fn export(
    db: &Connection,
    since_ms: Option<i64>,
    to: &mut dyn Write,
) -> Result<u64, ExportError> {
    let mut query = db.prepare("SELECT * FROM audit WHERE at_ms >= ?1 ORDER BY seq")?;
    let names: Vec<String> = query.column_names().map(str::to_owned).collect();
    let mut rows = query.query([since_ms.unwrap_or(i64::MIN)])?;
    let mut lines = 0;
    while let Some(row) = rows.next()? {
        let mut line = Map::new();
        for (at, name) in names.iter().enumerate() {
            let (key, value) = shown(name, row.get_ref(at)?);
            line.insert(key.to_owned(), value);
        }
        serde_json::to_writer(&mut *to, &line).map_err(std::io::Error::from)?;
        to.write_all(b"\n")?;
        lines += 1;
    }
    to.flush()?;
    Ok(lines)
}

/// Many programs read numbers as floating point: what has more than 53 bits stands as text.
fn shown<'n>(name: &'n str, value: ValueRef<'_>) -> (&'n str, Json) {
    match (name, value) {
        ("at_ms", ValueRef::Integer(ms)) => ("at", time(ms)),
        ("ends_ms", ValueRef::Integer(ms)) => ("ends", time(ms)),
        ("at_ms", _) => ("at", Json::Null),
        ("ends_ms", _) => ("ends", Json::Null),
        ("public", ValueRef::Integer(yes)) => (name, (yes != 0).into()),
        (
            "interaction" | "user_id" | "guild" | "channel" | "approver" | "subject",
            ValueRef::Integer(number),
        ) => (name, id(number).to_string().into()),
        ("rule_key", ValueRef::Integer(key)) => (name, key.to_string().into()),
        (_, ValueRef::Integer(number)) => (name, number.into()),
        (_, ValueRef::Text(text)) => (name, String::from_utf8_lossy(text).into()),
        (_, ValueRef::Blob(bytes)) => (name, hash(bytes)),
        (_, ValueRef::Null | ValueRef::Real(_)) => (name, Json::Null),
    }
}

/// A time that no calendar has stays a number.
fn time(ms: i64) -> Json {
    Timestamp::from_millisecond(ms).map_or(ms.into(), |time| format!("{time:.3}").into())
}

fn hash(bytes: &[u8]) -> Json {
    bytes
        .try_into()
        .map_or(Json::Null, |hash| Hash(hash).to_string().into())
}
