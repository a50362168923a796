//! Times as people type them: how long, until when, since when.

use std::str::FromStr;
use std::time::Duration;

use jiff::civil::{Date, Time};
use jiff::{Span, SpanRelativeTo, Timestamp, ZonedDateTime};

/// Longer than that is a slip of the finger.
const LONGEST: u64 = 366 * 24 * 3600;

/// "Until tomorrow" ends in the morning: who says it late in the evening means the night too.
const MORNING: Time = Time::constant(6, 0, 0, 0);

/// A length of time: `90m`, `6h`, `2 h 30 min`, `7d`. A day has 24 hours; at least a second and at
/// most a year.
#[must_use]
pub fn length(text: &str) -> Option<Duration> {
    let span: Span = text.parse().ok()?;
    let length = span.to_duration(SpanRelativeTo::days_are_24_hours()).ok()?;
    Duration::try_from(length)
        .ok()
        .filter(|length| (1..=LONGEST).contains(&length.as_secs()))
}

/// A number without a unit: nobody can know of what.
#[must_use]
pub fn lacks_unit(text: &str) -> bool {
    let text = text.trim();
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())
}

/// `1h30m`, as people write it in rules.
#[must_use]
pub fn short(time: Duration) -> String {
    let seconds = time.as_secs();
    let parts = [
        (seconds / 86_400, "d"),
        (seconds / 3600 % 24, "h"),
        (seconds / 60 % 60, "m"),
        (seconds % 60, "s"),
    ];
    let shown = parts.iter().filter(|(count, _)| *count > 0);
    shown.fold(String::new(), |text, (count, unit)| {
        format!("{text}{count}{unit}")
    })
}

/// A time of day: `2:00`, `23:30`.
#[must_use]
pub fn clock(text: &str) -> Option<Time> {
    let (hour, minute) = text.split_once(':')?;
    let number = |digits: &str, lengths: std::ops::RangeInclusive<usize>| {
        let plain = lengths.contains(&digits.len()) && digits.bytes().all(|b| b.is_ascii_digit());
        digits.parse::<i8>().ok().filter(|_| plain)
    };
    Time::new(number(hour, 1..=2)?, number(minute, 2..=2)?, 0, 0).ok()
}

/// When something ends: `90m`, `until 02:00`, `tomorrow`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum End {
    After(Duration),
    /// When the clock next shows that time.
    At(Time),
    /// Tomorrow morning at six.
    Tomorrow,
}

/// What was typed is no time that we know.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("neither a length of time such as 7d or 12h nor a date such as 2026-01-31")]
pub struct NoTime;

impl FromStr for End {
    type Err = NoTime;
    fn from_str(text: &str) -> Result<Self, NoTime> {
        let text = text.trim().to_ascii_lowercase();
        let text = text.strip_prefix("until ").unwrap_or(&text).trim();
        if text == "tomorrow" {
            return Ok(Self::Tomorrow);
        }
        let at = clock(text).map(Self::At);
        at.or_else(|| length(text).map(Self::After)).ok_or(NoTime)
    }
}

impl End {
    /// Unix seconds. `None` only at the end of the calendar.
    #[must_use]
    pub fn from(self, now: &ZonedDateTime) -> Option<i64> {
        match self {
            Self::After(length) => {
                let seconds = i64::try_from(length.as_secs()).ok()?;
                now.timestamp().as_second().checked_add(seconds)
            }
            Self::At(time) => {
                let today = on(now, now.date(), time)?;
                if today > now.timestamp().as_second() {
                    return Some(today);
                }
                on(now, now.date().tomorrow().ok()?, time)
            }
            Self::Tomorrow => on(now, now.date().tomorrow().ok()?, MORNING),
        }
    }
}

/// Since when: `2h`, `7d`, `today`, `2026-11-20`, `2026-11-20T06:30:00Z`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Since {
    Ago(Duration),
    Today,
    Day(Date),
    Moment(Timestamp),
}

impl FromStr for Since {
    type Err = NoTime;
    fn from_str(text: &str) -> Result<Self, NoTime> {
        let text = text.trim().to_ascii_lowercase();
        if text == "today" {
            return Ok(Self::Today);
        }
        // A moment is read as a day too, and would lose its time.
        let moment = text.to_ascii_uppercase().parse().ok().map(Self::Moment);
        let day = || text.parse().ok().map(Self::Day);
        let ago = || length(&text).map(Self::Ago);
        moment.or_else(day).or_else(ago).ok_or(NoTime)
    }
}

impl Since {
    /// Unix seconds.
    #[must_use]
    pub fn from(self, now: &ZonedDateTime) -> Option<i64> {
        match self {
            Self::Ago(length) => {
                let seconds = i64::try_from(length.as_secs()).ok()?;
                now.timestamp().as_second().checked_sub(seconds)
            }
            Self::Today => on(now, now.date(), Time::midnight()),
            Self::Day(day) => on(now, day, Time::midnight()),
            Self::Moment(moment) => Some(moment.as_second()),
        }
    }
}

/// That time of that day, as clocks show it there; where they are put forward over it, just after.
fn on(now: &ZonedDateTime, day: Date, time: Time) -> Option<i64> {
    let there = day.to_datetime(time);
    let there = there.to_zoned_datetime(now.time_zone().clone()).ok()?;
    Some(there.timestamp().as_second())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn now() -> ZonedDateTime {
        "2026-03-28T22:30:00+01:00[Europe/Berlin]".parse().unwrap()
    }

    fn end(text: &str) -> String {
        let end: End = text.parse().unwrap();
        let at = jiff::Timestamp::from_second(end.from(&now()).unwrap()).unwrap();
        at.to_zoned_datetime(now().time_zone().clone())
            .strftime("%Y-%m-%d %H:%M")
            .to_string()
    }

    #[test]
    fn ends_as_people_type_them() {
        assert_eq!(end("90m"), "2026-03-29 00:00");
        assert_eq!(end("2h 30m"), "2026-03-29 01:00");
        assert_eq!(end("until 23:00"), "2026-03-28 23:00");
        assert_eq!(end("22:30"), "2026-03-29 22:30");
        // That night clocks go from 02:00 to 03:00: six in the morning is six on the clock.
        assert_eq!(end("Tomorrow"), "2026-03-29 06:00");
        assert_eq!(end("until 02:30"), "2026-03-29 03:30");
        assert_eq!(end("6h"), "2026-03-29 05:30");
        for bad in [
            "",
            "now",
            "0s",
            "-3h",
            "until",
            "25:00",
            "soon",
            "3 fortnights",
        ] {
            assert_eq!(bad.parse::<End>(), Err(NoTime), "{bad}");
        }
    }

    #[test]
    fn beginnings_as_people_type_them() {
        let since = |text: &str| text.parse::<Since>().unwrap().from(&now()).unwrap();
        let unix = now().timestamp().as_second();
        assert_eq!(since("2h"), unix - 7200);
        assert_eq!(since("today"), unix - (22 * 60 + 30) * 60);
        assert_eq!(since("2026-03-28"), since("today"));
        assert_eq!(since("2026-03-28T21:30:00Z"), unix);
        for bad in ["", "yesterday", "7", "-7d", "2026-13-01"] {
            assert!(bad.parse::<Since>().is_err(), "{bad}");
        }
    }
}
