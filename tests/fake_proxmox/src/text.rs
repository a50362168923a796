//! Percent and form encoding, and dates as HTTP writes them.

use std::time::{SystemTime, UNIX_EPOCH};

/// `%41+b` → `A b` with `plus`, as in queries and forms; bytes that are not UTF-8 become U+FFFD.
pub(crate) fn decode(text: &str, plus: bool) -> String {
    let bytes = text.as_bytes();
    let mut out = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while at < bytes.len() {
        match bytes[at] {
            b'+' if plus => out.push(b' '),
            b'%' => match text
                .get(at + 1..at + 3)
                .and_then(|hex| u8::from_str_radix(hex, 16).ok())
            {
                Some(byte) => {
                    out.push(byte);
                    at += 2;
                }
                None => out.push(b'%'),
            },
            byte => out.push(byte),
        }
        at += 1;
    }
    String::from_utf8_lossy(&out).into_owned()
}

/// `a=1&b=x%20y` → pairs, in order, repeated keys kept.
pub(crate) fn form(text: &str) -> Vec<(String, String)> {
    text.split('&')
        .filter(|pair| !pair.is_empty())
        .map(|pair| {
            let (key, value) = pair.split_once('=').unwrap_or((pair, ""));
            (decode(key, true), decode(value, true))
        })
        .collect()
}

/// Seconds since 1970.
pub(crate) fn epoch() -> u64 {
    epoch_of(SystemTime::now())
}

pub(crate) fn epoch_of(at: SystemTime) -> u64 {
    at.duration_since(UNIX_EPOCH).map_or(0, |age| age.as_secs())
}

/// `2026-11-23 20:27:46`, as logs have it; the fake's nodes live in UTC.
pub(crate) fn date_time(epoch: u64) -> String {
    let (year, month, day) = civil(epoch / 86_400);
    let rest = epoch % 86_400;
    format!(
        "{year}-{month:02}-{day:02} {:02}:{:02}:{:02}",
        rest / 3600,
        rest / 60 % 60,
        rest % 60
    )
}

/// Year, month (from 1) and day of a number of days since 1970.
pub(crate) fn civil(days: u64) -> (u64, u64, u64) {
    // Days since 0000-03-01, so that the leap day is the last of its year.
    let shifted = days + 719_468;
    let era = shifted / 146_097;
    let of_era = shifted % 146_097;
    let year_of_era = (of_era - of_era / 1_460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month_from_march = (5 * of_year + 2) / 153;
    let day = of_year - (153 * month_from_march + 2) / 5 + 1;
    let month = (month_from_march + 2) % 12 + 1;
    let year = year_of_era + era * 400 + u64::from(month < 3);
    (year, month, day)
}

/// `Mon, 23 Nov 2026 20:27:46 GMT`
pub(crate) fn http_date(epoch: u64) -> String {
    const DAYS: [&str; 7] = ["Thu", "Fri", "Sat", "Sun", "Mon", "Tue", "Wed"];
    const MONTHS: [&str; 12] = [
        "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
    ];
    let (days, rest) = (epoch / 86_400, epoch % 86_400);
    let (year, month, day) = civil(days);
    format!(
        "{}, {day:02} {} {year} {:02}:{:02}:{:02} GMT",
        DAYS[(days % 7) as usize],
        MONTHS[(month - 1) as usize],
        rest / 3600,
        rest / 60 % 60,
        rest % 60
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates() {
        assert_eq!(http_date(1_795_465_666), "Mon, 23 Nov 2026 20:27:46 GMT");
        assert_eq!(http_date(951_782_400), "Tue, 29 Feb 2000 00:00:00 GMT");
        assert_eq!(http_date(0), "Thu, 01 Jan 1970 00:00:00 GMT");
        assert_eq!(date_time(1_795_465_666), "2026-11-23 20:27:46");
    }

    #[test]
    fn decoding() {
        assert_eq!(decode("UPID%3Apve1%3a+%zz%", false), "UPID:pve1:+%zz%");
        assert_eq!(
            form("a=1&b=x+y&a=%26&c"),
            [("a", "1"), ("b", "x y"), ("a", "&"), ("c", "")]
                .map(|(k, v)| (k.to_string(), v.to_string()))
        );
    }
}
