//! What single values must look like. Each function takes a value or completes the sentence
//! "`key` ..." with what is expected. None repeats the value: it could be a misplaced secret.

use std::str::FromStr;
use std::time::Duration;

use ::config::ValueKind;
use jiff::civil::Time;
use jiff::tz::TimeZone;

use super::{Acts, Hours, Limit};
use crate::ids::BadId;
use crate::until::{clock, lacks_unit, length};

pub(super) fn text(value: &ValueKind) -> Result<String, String> {
    match value {
        ValueKind::String(text) if text.trim().is_empty() => Err("is empty".to_owned()),
        ValueKind::String(text) => Ok(text.clone()),
        _ => Err("must be a text in quotes".to_owned()),
    }
}

/// A text, or a number that is meant as one: VMIDs and ids are written both ways.
pub(super) fn word(value: &ValueKind) -> Result<String, String> {
    match value {
        ValueKind::I64(number) => Ok(number.to_string()),
        ValueKind::U64(number) => Ok(number.to_string()),
        _ => text(value),
    }
}

/// A Discord id, as a number or in quotes.
pub(super) fn id<T: FromStr<Err = BadId>>(value: &ValueKind) -> Result<T, String> {
    let refused = "must be a Discord id, a number of up to 20 digits (switch on Developer Mode in \
                   Discord, then Copy ID)";
    word(value)
        .ok()
        .and_then(|text| text.parse().ok())
        .ok_or_else(|| refused.to_owned())
}

pub(super) fn acts(value: &ValueKind) -> Result<Acts, String> {
    match value {
        ValueKind::String(text) if text == "public" => Ok(Acts::Public),
        ValueKind::String(text) if text == "private" => Ok(Acts::Private),
        _ => Err("must be \"public\" or \"private\"".to_owned()),
    }
}

pub(super) fn time_zone(value: &ValueKind) -> Result<TimeZone, String> {
    let refused = || "must be a time zone such as \"Europe/Berlin\" or \"UTC\"".to_owned();
    TimeZone::get(&text(value)?).map_err(|_| refused())
}

/// A length of time: `90m`, `6h`, `2 h 30 min`, `7d`. A day has 24 hours.
pub(super) fn duration(value: &ValueKind) -> Result<Duration, String> {
    let text = match value {
        ValueKind::I64(_) | ValueKind::I128(_) | ValueKind::U64(_) | ValueKind::U128(_) => {
            return Err(NO_UNIT.to_owned());
        }
        value => text(value)?,
    };
    if lacks_unit(&text) {
        return Err(NO_UNIT.to_owned());
    }
    let refused = || "must be a length of time such as \"30 min\", \"6h\" or \"7d\"".to_owned();
    length(&text).ok_or_else(refused)
}

const NO_UNIT: &str = "is a number without a unit: write s, min, h or d behind it, in quotes, such \
                       as \"30 min\" or \"6h\"";

/// How long a request waits: nobody decides within seconds.
pub(super) fn waiting(value: &ValueKind) -> Result<Duration, String> {
    let wait = duration(value)?;
    if wait < Duration::from_mins(1) {
        return Err("is too short for anybody to decide: at least \"1 min\"".to_owned());
    }
    Ok(wait)
}

pub(super) fn hours(value: &ValueKind) -> Result<Hours, String> {
    let refused = || {
        "must be two times of day such as \"16:00-23:30\" (over midnight: \"22:00-02:00\")"
            .to_owned()
    };
    let text = text(value)?;
    let (from, to) = text.split_once('-').ok_or_else(refused)?;
    let end = |text: &str| match text {
        "24:00" => Some(Time::midnight()),
        text => clock(text),
    };
    let (from, to) = (clock(from.trim()), end(to.trim()));
    match (from, to) {
        (Some(from), Some(to)) if from != to => Ok(Hours { from, to }),
        (Some(_), Some(_)) => {
            Err("begins when it ends: leave it out where it holds always".to_owned())
        }
        _ => Err(refused()),
    }
}

/// `5 per hour`, `3 per 15 min`.
pub(super) fn limit(value: &ValueKind) -> Result<Limit, String> {
    let refused =
        || "must be a number per time, such as \"5 per hour\" or \"3 per 15 min\"".to_owned();
    let text = text(value)?;
    let (most, per) = text.split_once(" per ").ok_or_else(refused)?;
    let most: u32 = most.trim().parse().map_err(|_| refused())?;
    let per = per.trim();
    // "per hour" means one of it.
    let per = length(per)
        .or_else(|| length(&format!("1 {per}")))
        .ok_or_else(refused)?;
    match (most, per.as_secs()) {
        (1..=10_000, ..=MONTH) => Ok(Limit { most, per }),
        (0, _) => Err("allows nothing: take the rule out instead".to_owned()),
        _ => Err("is too large: at most 10000, over at most 31 days".to_owned()),
    }
}

const MONTH: u64 = 31 * 24 * 3600;

/// Address of Discord's API; returned as scheme and authority.
pub(super) fn api_url(value: &ValueKind) -> Result<String, String> {
    let refused = || {
        "must be https://host or https://host:port without a path (http only for 127.0.0.1, [::1] \
         and localhost)"
            .to_owned()
    };
    let url = bare_url(&text(value)?).ok_or_else(refused)?;
    let loopback = matches!(url.host_str(), Some("127.0.0.1" | "[::1]" | "localhost"));
    match url.scheme() {
        "https" => Ok(()),
        "http" if loopback => Ok(()),
        _ => Err(refused()),
    }?;
    Ok(url.origin().ascii_serialization())
}

/// Address of one Proxmox node; returned as scheme and authority.
pub(super) fn endpoint(value: &ValueKind) -> Result<Endpoint, String> {
    let text = text(value)?;
    let refused = || {
        "must be https://host:8006: https only, without user, password or path (a token sent over \
         http could be read by everybody on the way)"
            .to_owned()
    };
    let url = bare_url(&text)
        .filter(|url| url.scheme() == "https")
        .ok_or_else(refused)?;
    let authority = text.trim_end_matches('/').rsplit('/').next();
    let last = authority.and_then(|authority| authority.rsplit(':').next());
    let has_port = last.is_some_and(|port| port.bytes().all(|b| b.is_ascii_digit()));
    Ok(Endpoint {
        url: url.origin().ascii_serialization(),
        has_port,
    })
}

#[derive(Debug)]
pub(super) struct Endpoint {
    pub url: String,
    /// Whether a port is written out; without one, 443 is meant.
    pub has_port: bool,
}

/// A URL of nothing but scheme, host and port.
fn bare_url(text: &str) -> Option<reqwest::Url> {
    let url: reqwest::Url = text.parse().ok()?;
    let bare = url.path() == "/"
        && url.query().is_none()
        && url.fragment().is_none()
        && url.username().is_empty()
        && url.password().is_none()
        && !text.contains('@')
        && url.has_host();
    bare.then_some(url)
}

/// `user@realm!tokenid`, with Proxmox's own rules for each part.
pub(super) fn token_id(value: &ValueKind) -> Result<String, String> {
    let text = text(value)?;
    let name = |part: &str| {
        part.len() >= 2
            && part.starts_with(|c: char| c.is_ascii_alphabetic())
            && part
                .bytes()
                .all(|b| b.is_ascii_alphanumeric() || b".-_".contains(&b))
    };
    let user = |part: &str| {
        let plain = |c: char| !c.is_whitespace() && !c.is_control() && c != ':' && c != '/';
        !part.is_empty() && part.chars().all(plain)
    };
    let parts = text.rsplit_once('!').and_then(|(owner, token)| {
        let (person, realm) = owner.rsplit_once('@')?;
        Some((person, realm, token))
    });
    let why = match parts {
        Some((person, realm, token)) if user(person) && name(realm) && name(token) => {
            return Ok(text);
        }
        _ if text.contains('=') => {
            "must be only user@realm!tokenid; the part after `=` is the secret and belongs into \
             token_secret_file"
        }
        Some((person, realm, token)) if user(person) && name(realm) && token.len() == 1 => {
            "has a token name of one character behind the `!`, and Proxmox takes two or more"
        }
        Some((person, realm, token)) if user(person) && name(realm) && !token.is_empty() => {
            "has a token name behind the `!` that Proxmox does not take: a letter first, then \
             letters, digits, `.`, `-` and `_`"
        }
        _ => "must be user@realm!tokenid, such as discord@pve!bot",
    };
    Err(why.to_owned())
}

/// SHA-256 of a certificate, as Proxmox shows it: 64 hexadecimal digits, with or without colons.
pub(super) fn fingerprint(value: &ValueKind) -> Result<[u8; 32], String> {
    let refused = || {
        "must be a SHA-256 fingerprint: 64 hexadecimal digits, with or without colons \
         (pvenode cert info)"
            .to_owned()
    };
    let text = text(value)?;
    let pairs: Vec<&str> = if text.contains(':') {
        text.split(':').collect()
    } else if text.is_ascii() {
        (0..text.len() / 2 + text.len() % 2)
            .map(|at| &text[at * 2..text.len().min(at * 2 + 2)])
            .collect()
    } else {
        return Err(refused());
    };
    let hex = |pair: &&str| pair.len() == 2 && pair.bytes().all(|b| b.is_ascii_hexdigit());
    let bytes: Option<Vec<u8>> = pairs
        .iter()
        .map(|pair| u8::from_str_radix(pair, 16).ok().filter(|_| hex(pair)))
        .collect();
    bytes
        .and_then(|bytes| bytes.try_into().ok())
        .ok_or_else(refused)
}

/// The shape of every secret that Proxmox makes.
pub(super) fn is_uuid(text: &str) -> bool {
    let lengths = text.split('-').map(str::len);
    lengths.eq([8, 4, 4, 4, 12]) && text.bytes().all(|b| b == b'-' || b.is_ascii_hexdigit())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said<T>(want: fn(&ValueKind) -> Result<T, String>, text: &str) -> Result<T, String> {
        want(&ValueKind::from(text))
    }

    #[test]
    fn lengths_of_time_are_read_as_people_write_them() {
        for (text, seconds) in [
            ("90m", 5400),
            ("6h", 21_600),
            ("2 h 30 min", 9000),
            ("30 minutes", 1800),
            ("7d", 604_800),
            ("1 week", 604_800),
        ] {
            assert_eq!(said(duration, text).unwrap().as_secs(), seconds, "{text}");
        }
        for bad in [
            "",
            "6",
            "h",
            "-6h",
            "0s",
            "6 parsecs",
            "1 month",
            "9 years",
            "6h!",
        ] {
            assert!(said(duration, bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn hours_are_two_times_of_day() {
        for (text, shown) in [
            ("16:00-23:30", "16:00-23:30"),
            ("22:00 - 2:00", "22:00-02:00"),
            ("8:15-24:00", "08:15-00:00"),
        ] {
            assert_eq!(said(hours, text).unwrap().to_string(), shown);
        }
        for bad in [
            "",
            "16-23",
            "16:00",
            "16:00-16:00",
            "25:00-26:00",
            "24:00-8:00",
            "8:5-9:00",
            "+8:00-9:00",
            "0:00-24:00",
        ] {
            assert!(said(hours, bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_limit_is_a_number_and_a_length_of_time() {
        for (text, most, seconds) in [
            ("5 per hour", 5, 3600),
            ("3 per 15 min", 3, 900),
            ("1 per day", 1, 86_400),
        ] {
            let limit = said(limit, text).unwrap();
            assert_eq!((limit.most, limit.per.as_secs()), (most, seconds), "{text}");
        }
        for bad in [
            "",
            "5",
            "per hour",
            "0 per hour",
            "-1 per hour",
            "5 per",
            "5 per 9 years",
            "5/hour",
            "99999999 per hour",
        ] {
            assert!(said(limit, bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn endpoints_are_https_without_anything_else() {
        for (good, url) in [
            ("https://192.0.2.11:8006", "https://192.0.2.11:8006"),
            ("https://pve1.example:8006/", "https://pve1.example:8006"),
            ("https://[2001:db8::1]:8006", "https://[2001:db8::1]:8006"),
        ] {
            let endpoint = said(endpoint, good).unwrap();
            assert_eq!(endpoint.url, url);
            assert!(endpoint.has_port, "{good}");
        }
        assert!(!said(endpoint, "https://pve.example").unwrap().has_port);
        assert!(!said(endpoint, "https://[2001:db8::1]").unwrap().has_port);
        assert!(said(endpoint, "https://pve.example:443").unwrap().has_port);
        for bad in [
            "http://192.0.2.11:8006",
            "192.0.2.11:8006",
            "https://",
            "https://h:8006/api2/json",
            "https://h:8006?a",
            "https://h:8006#a",
            "https://user:pw@h:8006",
            "https://@h:8006",
            "https://h:99999",
            "ftp://h",
            "",
        ] {
            assert!(said(endpoint, bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn plain_http_only_on_loopback() {
        for good in [
            "https://discord.com",
            "http://127.0.0.1:4000",
            "http://[::1]:1",
            "http://localhost:1",
        ] {
            assert_eq!(said(api_url, good).unwrap(), good);
        }
        for bad in [
            "http://discord.com",
            "http://127.0.0.1.example:80",
            "http://localhost.example",
            "http://127.0.0.1@example.com",
            "https://discord.com/api/v10",
            "ws://127.0.0.1:1",
        ] {
            assert!(said(api_url, bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn token_ids_follow_proxmox() {
        for good in ["discord@pve!bot", "a@b@pve!my-token.1", "root@pam!x_"] {
            assert!(said(token_id, good).is_ok(), "{good}");
        }
        for bad in [
            "discord@pve",
            "discord!bot",
            "@pve!bot",
            "discord@pve!b",
            "discord@1ve!bot",
            "dis cord@pve!bot",
            "discord@pve!bot=1-2",
            "a/b@pve!bot",
        ] {
            assert!(said(token_id, bad).is_err(), "{bad}");
        }
        for (short, why) in [
            ("root@pam!x", "one character"),
            ("a@pve!1x", "a letter first"),
        ] {
            assert!(said(token_id, short).unwrap_err().contains(why), "{short}");
        }
        assert!(
            said(token_id, "a@pve!bot=s3cret")
                .unwrap_err()
                .contains("token_secret_file")
        );
    }

    #[test]
    fn fingerprints_with_or_without_colons() {
        let plain = "ab".repeat(32);
        let colons = vec!["AB"; 32].join(":");
        assert_eq!(said(fingerprint, &plain).unwrap(), [0xab; 32]);
        assert_eq!(said(fingerprint, &colons).unwrap(), [0xab; 32]);
        let odd = format!("{plain}a");
        let mixed = format!("{}:{}", "ab".repeat(16), "ab".repeat(16));
        for bad in [
            "",
            &plain[2..],
            &odd,
            &mixed,
            &plain.replace("ab", "é"),
            &colons[1..],
            &plain.replace('a', "+"),
        ] {
            assert!(said(fingerprint, bad).is_err(), "{bad}");
        }
    }
}
