//! `pve-steward audit`: read straight from the file, which is never changed by it, whether the bot
//! runs or not.

use std::fs::{File, OpenOptions};
use std::io::BufWriter;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use clap::Subcommand;
use jiff::civil::{Date, Time};
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Span, SpanRelativeTo, Timestamp};
use rusqlite::Connection;

use crate::audit::{self, ExportError, Head};
use crate::config::Bot;
use crate::embed::terminal;
use crate::store;

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
            let since = since.map(|since| since.ms(Timestamp::now(), zone));
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

/// From when on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Since {
    Ago(SignedDuration),
    Day(Date),
    At(Timestamp),
}

#[derive(Debug, thiserror::Error)]
#[error("neither a length of time such as 7d or 12h nor a date such as 2026-01-31")]
pub(super) struct BadSince;

impl FromStr for Since {
    type Err = BadSince;

    fn from_str(text: &str) -> Result<Self, BadSince> {
        let ago = |span: Span| {
            let length = span.to_duration(SpanRelativeTo::days_are_24_hours()).ok()?;
            (!length.is_negative()).then_some(Self::Ago(length))
        };
        let timestamp = || text.parse().ok().map(Self::At);
        // A timestamp is read as a date, too, and would lose its time.
        let date = || text.parse().ok().map(Self::Day);
        let length = || text.parse().ok().and_then(ago);
        timestamp().or_else(date).or_else(length).ok_or(BadSince)
    }
}

impl Since {
    /// In unix milliseconds; days begin as `zone` has them.
    fn ms(self, now: Timestamp, zone: TimeZone) -> i64 {
        match self {
            Self::Ago(length) => {
                let ms = i64::try_from(length.as_millis()).unwrap_or(i64::MAX);
                now.as_millisecond().saturating_sub(ms)
            }
            Self::Day(date) => date
                .to_datetime(Time::midnight())
                .to_zoned_datetime(zone)
                .map_or(i64::MIN, |start| start.timestamp().as_millisecond()),
            Self::At(timestamp) => timestamp.as_millisecond(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn since_is_a_length_a_day_or_a_moment() {
        let now: Timestamp = "2026-07-10T12:00:00Z".parse().unwrap();
        let since = |text: &str| {
            let zone = TimeZone::get("Europe/Berlin").unwrap();
            let ms = text.parse::<Since>().ok()?.ms(now, zone);
            Some(Timestamp::from_millisecond(ms).unwrap().to_string())
        };
        for (text, from) in [
            ("7d", "2026-07-03T12:00:00Z"),
            ("90 min", "2026-07-10T10:30:00Z"),
            ("2026-07-01", "2026-06-30T22:00:00Z"),
            ("2026-07-01T06:30:00Z", "2026-07-01T06:30:00Z"),
        ] {
            assert_eq!(since(text).as_deref(), Some(from), "{text}");
        }
        for bad in ["", "yesterday", "7", "-7d", "2026-13-01"] {
            assert_eq!(since(bad), None, "{bad}");
        }
    }
}
