//! Whether the audit is as it was written.

use std::collections::BTreeMap;

use rusqlite::Connection;
use serde_json::Value as Json;

use crate::store::chain::{self, Hash, Head};

/// What a walk along the whole chain found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Verified {
    /// How many entries are as they were written: all of them, or those before the fault.
    pub entries: u64,
    /// The last of these; `None`: there is none.
    pub head: Option<Head>,
    /// The first one.
    pub fault: Option<Fault>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// The entry does not fit its hash: it was changed, or its predecessor was with its hash.
    Changed { seq: i64 },
    /// Entries `from` to `to` are not there, and there are later ones.
    Missing { from: i64, to: i64 },
    /// A new chain begins at this entry, as if there were none before it.
    Restarted { seq: i64 },
    /// The entries from here to the last number that was given are not there.
    CutOff { from: i64, to: i64 },
    /// The entry noted as the head is there with another hash: what was rewritten fits itself.
    Rewritten { seq: i64 },
}

impl Fault {
    /// The entry at which the chain breaks.
    #[must_use]
    pub fn seq(&self) -> i64 {
        match *self {
            Self::Changed { seq } | Self::Restarted { seq } | Self::Rewritten { seq } => seq,
            Self::Missing { from, .. } | Self::CutOff { from, .. } => from,
        }
    }
}

/// Walks along the whole chain, up to the first fault. With `noted`, a head of earlier, it also
/// finds what the chain itself cannot show: an end cut off, or everything after a change rewritten.
///
/// # Errors
///
/// What `SQLite` says. A fault is not an error.
pub fn verify(db: &Connection, noted: Option<Head>) -> rusqlite::Result<Verified> {
    // One transaction: the bot may add entries meanwhile.
    let seen = db.unchecked_transaction()?;
    let mut query = seen.prepare("SELECT * FROM audit ORDER BY seq")?;
    let names: Vec<String> = query.column_names().map(str::to_owned).collect();
    let mut rows = query.query([])?;
    let mut verified = Verified {
        entries: 0,
        head: None,
        fault: None,
    };
    while let Some(row) = rows.next()? {
        let seq: i64 = row.get("seq")?;
        let (entry, hash) = chain::read(row, &names)?;
        match follows(verified.head, noted, seq, &entry, hash) {
            Ok(head) => verified.head = Some(head),
            Err(fault) => {
                verified.fault = Some(fault);
                return Ok(verified);
            }
        }
        verified.entries += 1;
    }
    let last = verified.head.map_or(0, |head| head.seq);
    let given = chain::counted(&seen)?.max(noted.map_or(0, |head| head.seq));
    verified.fault = (given > last).then_some(Fault::CutOff {
        from: last + 1,
        to: given,
    });
    Ok(verified)
}

/// Whether an entry is the one after `before`.
fn follows(
    before: Option<Head>,
    noted: Option<Head>,
    seq: i64,
    entry: &BTreeMap<&str, Json>,
    hash: Option<Hash>,
) -> Result<Head, Fault> {
    let (last, link) = before.map_or((0, Hash::BEGINNING), |head| (head.seq, head.hash));
    if seq != last + 1 {
        let (from, to) = (last + 1, seq - 1);
        return Err(Fault::Missing { from, to });
    }
    let fits = |before: Hash| hash.filter(|hash| *hash == chain::link(before, entry));
    let Some(hash) = fits(link) else {
        return Err(match fits(Hash::BEGINNING) {
            Some(_) => Fault::Restarted { seq },
            None => Fault::Changed { seq },
        });
    };
    match noted {
        Some(head) if head.seq == seq && head.hash != hash => Err(Fault::Rewritten { seq }),
        _ => Ok(Head { seq, hash }),
    }
}
