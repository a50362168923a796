//! The chain of the audit: each entry carries a hash over the entry before it, so that nothing can
//! be changed or taken out of the middle without every later hash being wrong.
//!
//! The hash of an entry is SHA-256 over the hash of the one before (32 zero bytes for the first)
//! followed by the entry as JSON: an object of all its columns that are not NULL, `hash` apart, in
//! the order of their names and without spaces. A column that a later version adds is NULL in what
//! was written before, and so leaves its hashes as they are.

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

use rusqlite::types::{Value, ValueRef};
use rusqlite::{Connection, OptionalExtension as _, Row, Transaction, params_from_iter};
use serde_json::Value as Json;
use sha2::{Digest as _, Sha256};

/// The columns of an entry that hold something, without its number and its hash.
pub type Columns = BTreeMap<&'static str, Value>;

#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Hash(pub [u8; 32]);

impl Hash {
    /// What the first entry takes for the hash of the one before.
    pub const BEGINNING: Self = Self([0; 32]);
}

impl fmt::Display for Hash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for Hash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// The last entry of a chain: who knows it can tell whether anything up to it was changed.
/// Written `SEQ:HASH`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Head {
    pub seq: i64,
    pub hash: Hash,
}

impl fmt::Display for Head {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.seq, self.hash)
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a head is the number of an entry, a colon and 64 hexadecimal digits")]
pub struct BadHead;

impl FromStr for Head {
    type Err = BadHead;

    fn from_str(text: &str) -> Result<Self, BadHead> {
        let (seq, digits) = text.split_once(':').ok_or(BadHead)?;
        let seq = seq.parse().ok().filter(|seq| *seq > 0).ok_or(BadHead)?;
        if digits.len() != 64 || !digits.bytes().all(|b| b.is_ascii_hexdigit()) {
            return Err(BadHead);
        }
        let mut hash = [0; 32];
        for (at, byte) in hash.iter_mut().enumerate() {
            let pair = &digits[2 * at..2 * at + 2];
            *byte = u8::from_str_radix(pair, 16).map_err(|_| BadHead)?;
        }
        Ok(Self {
            seq,
            hash: Hash(hash),
        })
    }
}

/// The hash of an entry that follows one with the hash `before`.
#[must_use]
pub fn link(before: Hash, entry: &BTreeMap<&str, Json>) -> Hash {
    // Keys are text and values plain: this cannot fail, and `null` would be in no real entry.
    let written = serde_json::to_vec(entry).unwrap_or_else(|_| b"null".to_vec());
    let digest = Sha256::new().chain_update(before.0).chain_update(written);
    Hash(digest.finalize().into())
}

/// An entry as it stands in the table, and the hash that it carries. `names` are the columns of the
/// query, which has to ask for all of them.
pub fn read<'n>(
    row: &Row<'_>,
    names: &'n [String],
) -> rusqlite::Result<(BTreeMap<&'n str, Json>, Option<Hash>)> {
    let mut entry = BTreeMap::new();
    let mut hash = None;
    for (at, name) in names.iter().enumerate() {
        let value = row.get_ref(at)?;
        if name == "hash" {
            hash = value.as_blob().ok().and_then(|b| b.try_into().ok());
        } else if value != ValueRef::Null {
            entry.insert(name.as_str(), plain(value));
        }
    }
    Ok((entry, hash.map(Hash)))
}

/// Numbers and texts. Anything else, which no entry of ours holds, becomes `null`, which no entry
/// of ours holds either.
fn plain(value: ValueRef<'_>) -> Json {
    match value {
        ValueRef::Integer(number) => number.into(),
        ValueRef::Text(text) => std::str::from_utf8(text).map_or(Json::Null, Json::from),
        ValueRef::Null | ValueRef::Real(_) | ValueRef::Blob(_) => Json::Null,
    }
}

pub fn head(db: &Connection) -> rusqlite::Result<Option<Head>> {
    let mut last = db.prepare_cached("SELECT seq, hash FROM audit ORDER BY seq DESC LIMIT 1")?;
    let head = |row: &Row<'_>| {
        let (seq, hash) = (row.get(0)?, Hash(row.get(1)?));
        Ok(Head { seq, hash })
    };
    last.query_row([], head).optional()
}

/// The number that was given last. It is not taken back when entries are, so that a cut-off end
/// shows.
pub fn counted(db: &Connection) -> rusqlite::Result<i64> {
    let mut counter = db.prepare_cached("SELECT seq FROM sqlite_sequence WHERE name = 'audit'")?;
    let last = counter.query_row([], |row| row.get(0)).optional()?;
    Ok(last.unwrap_or(0))
}

/// Adds an entry at the end: the only way into the table. Gives its number.
pub fn append(tx: &Transaction<'_>, entry: &Columns) -> rusqlite::Result<i64> {
    let last = head(tx)?.map_or(0, |head| head.seq);
    let seq = last.max(counted(tx)?) + 1;
    put(tx, seq, entry)?;
    Ok(seq)
}

/// A transaction, because the hash read must still be the last one when the entry is written.
fn put(tx: &Transaction<'_>, seq: i64, entry: &Columns) -> rusqlite::Result<()> {
    let before = head(tx)?.map_or(Hash::BEGINNING, |head| head.hash);
    let mut entry = entry.clone();
    entry.insert("seq", seq.into());
    entry.retain(|_, value| *value != Value::Null);
    let written = entry
        .iter()
        .map(|(name, value)| (*name, plain(value.into())));
    let hash = link(before, &written.collect());
    entry.insert("hash", Value::Blob(hash.0.to_vec()));
    let names: Vec<&str> = entry.keys().copied().collect();
    let sql = format!(
        "INSERT INTO audit ({}) VALUES ({})",
        names.join(", "),
        vec!["?"; names.len()].join(", ")
    );
    tx.prepare_cached(&sql)?
        .execute(params_from_iter(entry.values()))?;
    Ok(())
}

/// The columns of version 1, whose entries get their hashes when the table is made anew.
const VERSION_1: [&str; 19] = [
    "event",
    "at_ms",
    "entry",
    "interaction",
    "user_id",
    "user_name",
    "guild",
    "channel",
    "action",
    "cluster",
    "vmid",
    "kind",
    "node",
    "guest_name",
    "rule",
    "public",
    "upid",
    "outcome",
    "detail",
];

/// Migration 2, its second half: copies what version 1 wrote, under the same numbers.
pub(super) fn link_version_1(tx: &Transaction<'_>) -> rusqlite::Result<()> {
    let columns = VERSION_1.join(", ");
    let mut old = tx.prepare(&format!(
        "SELECT seq, {columns} FROM audit_before ORDER BY seq"
    ))?;
    let mut rows = old.query([])?;
    while let Some(row) = rows.next()? {
        let mut entry = Columns::new();
        for name in VERSION_1 {
            entry.insert(name, row.get(name)?);
        }
        put(tx, row.get("seq")?, &entry)?;
    }
    drop(rows);
    drop(old);
    tx.execute_batch("DROP TABLE audit_before")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hash_covers_the_entry_and_the_one_before() {
        let entry = |text: &str| BTreeMap::from([("event", text.into()), ("seq", 1.into())]);
        let hash = link(Hash::BEGINNING, &entry("opened"));
        // (head -c 32 /dev/zero; printf '{"event":"opened","seq":1}') | sha256sum
        assert_eq!(
            hash.to_string(),
            "42718ff7ae890c5dfe925ba0aa645a835dcf05021c421c2129438a5de3eadd65"
        );
        assert_ne!(link(Hash::BEGINNING, &entry("closed")), hash);
        assert_ne!(link(hash, &entry("opened")), hash);
    }

    #[test]
    fn a_head_is_read_as_it_is_written() {
        let head = Head {
            seq: 12,
            hash: Hash([0xa7; 32]),
        };
        assert_eq!(head.to_string().parse(), Ok(head));
        let digits = "0".repeat(64);
        for bad in ["", "12", "12:", "12:xyz", "x:0", &digits] {
            assert_eq!(bad.parse::<Head>(), Err(BadHead), "{bad:?}");
        }
        assert_eq!(format!("0:{digits}").parse::<Head>(), Err(BadHead));
        assert_eq!(
            format!("1:{}ü", "0".repeat(62)).parse::<Head>(),
            Err(BadHead)
        );
    }
}
