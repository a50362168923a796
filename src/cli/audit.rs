//! `pve-steward audit`: read straight from the file, which is never changed by it, whether the bot
//! runs or not.

use std::fs::{File, OpenOptions};
use std::io::BufWriter;
use std::path::{Path, PathBuf};

use clap::Subcommand;
use jiff::Timestamp;
use jiff::tz::TimeZone;
use rusqlite::Connection;

use crate::audit::{self, ExportError, Head};
use crate::config::Bot;
use crate::embed::terminal;
use crate::store;
use crate::until::Since;

use super::{TRY_AGAIN, complain, say};

/// The audit could be read and is not as it was written.
const BROKEN: u8 = 1;

#[derive(Debug, Subcommand)]
pub(super) enum Query {
    /// Check every entry against the one before; exits with 1 where they do not fit
    Verify {
        /// A head printed earlier: shows an end that was cut off, too
        #[arg(long, value_name = "SEQ:HASH")]
        head: Option<Head>,
    },
    /// Write the audit as JSON lines
    Export {
        /// Only what is newer: a length of time such as 7d, or a date such as 2026-01-31
        #[arg(long, value_name = "7d|DATE")]
        since: Option<Since>,
        /// Where to; without it to the terminal
        #[arg(long, short, value_name = "FILE")]
        output: Option<PathBuf>,
    },
}

pub(super) fn audit(bot: &Bot, query: &Query) -> u8 {
    let db = match store::open_to_read(&bot.state_dir) {
        Ok(db) => db,
        Err(error) => return unreadable(&error.to_string()),
    };
    match query {
        Query::Verify { head } => verify(&db, *head),
        Query::Export { since, output } => {
            let zone = bot.time_zone.clone().unwrap_or(TimeZone::UTC);
            let now = Timestamp::now().to_zoned_datetime(zone);
            let since = since.and_then(|since| since.from(&now));
            let since = since.map(|seconds| seconds.saturating_mul(1000));
            export(&db, since, output.as_deref())
        }
    }
}

fn verify(db: &Connection, noted: Option<Head>) -> u8 {
    match audit::verify(db, noted) {
        Ok(verified) => {
            say(&terminal::verified(&verified));
            verified.fault.map_or(0, |_| BROKEN)
        }
        Err(error) => unreadable(&error.to_string()),
    }
}

fn export(db: &Connection, since_ms: Option<i64>, output: Option<&Path>) -> u8 {
    let Some(path) = output else {
        let mut out = BufWriter::new(std::io::stdout().lock());
        return match audit::export(db, since_ms, &mut out) {
            // A closed pipe is the reader's choice.
            Err(ExportError::Write(error)) if error.kind() == std::io::ErrorKind::BrokenPipe => 0,
            Err(error) => not_exported(&error),
            Ok(_) => 0,
        };
    };
    let file = match private(path) {
        Ok(file) => file,
        Err(error) => return not_exported(&error.into()),
    };
    match audit::export(db, since_ms, &mut BufWriter::new(file)) {
        Ok(lines) => {
            complain(&terminal::exported(lines, &path.display().to_string()));
            0
        }
        Err(error) => not_exported(&error),
    }
}

/// It names people: for the eyes of whoever made it.
fn private(path: &Path) -> std::io::Result<File> {
    let mut options = OpenOptions::new();
    options.write(true).create(true).truncate(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path)
}

fn unreadable(why: &str) -> u8 {
    complain(&terminal::unreadable_audit(why));
    TRY_AGAIN
}

fn not_exported(error: &ExportError) -> u8 {
    complain(&terminal::not_exported(&error.to_string()));
    TRY_AGAIN
}
