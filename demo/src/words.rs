//! Discord's markup as its readers see it: names for ids, times for stamps, no escapes.

use fake_discord::Setup;

use crate::paint::Paint;

/// What is needed to read a text: who has which id, and when it is.
#[derive(Clone)]
pub struct Reading<'a> {
    pub setup: &'a Setup,
    /// Unix seconds.
    pub now: i64,
    pub paint: Paint,
}

impl Reading<'_> {
    pub fn of(&self, text: &str) -> String {
        let mut out = String::new();
        let mut rest = text;
        while let Some(first) = rest.chars().next() {
            let (shown, taken) = self.piece(rest, first);
            out.push_str(&shown);
            rest = &rest[taken..];
        }
        out
    }

    /// The next piece as it is shown, and how long it is in the text.
    fn piece(&self, text: &str, first: char) -> (String, usize) {
        let found = match first {
            '\\' => escaped(text),
            '<' => self.reference(text),
            '*' => between(text, "**").map(|(bold, n)| (self.paint.bold(&self.of(bold)), n)),
            '`' => between(text, "```")
                .map(|(block, n)| (block.trim_matches('\n').to_owned(), n))
                .or_else(|| between(text, "`").map(|(_, n)| (text[..n].to_owned(), n))),
            _ => None,
        };
        found.unwrap_or_else(|| (first.to_string(), first.len_utf8()))
    }

    /// `<@id>`, `<@&id>`, `<#id>`, `<t:unix:style>`.
    fn reference(&self, text: &str) -> Option<(String, usize)> {
        let end = text.find('>')?;
        let inner = &text[1..end];
        let shown = if let Some(stamp) = inner.strip_prefix("t:") {
            let (unix, style) = stamp.split_once(':').unwrap_or((stamp, "f"));
            let unix = unix.parse().ok()?;
            match style {
                "R" => relative(self.now, unix),
                "t" => in_utc(unix, "%H:%M UTC")?,
                "D" => in_utc(unix, "%-d %B %Y")?,
                _ => in_utc(unix, "%-d %B %Y %H:%M UTC")?,
            }
        } else if let Some(id) = inner.strip_prefix("@&") {
            let id: u64 = id.parse().ok()?;
            let role = self.setup.roles.iter().find(|role| role.id == id);
            format!(
                "@{}",
                role.map_or("deleted-role", |role| role.name.as_str())
            )
        } else if let Some(id) = inner.strip_prefix('@') {
            let id: u64 = id.parse().ok()?;
            let person = self.setup.people.iter().find(|person| person.id == id);
            format!(
                "@{}",
                person.map_or("unknown-user", |person| person.name.as_str())
            )
        } else {
            let id: u64 = inner.strip_prefix('#')?.parse().ok()?;
            let channel = self.setup.channels.iter().find(|channel| channel.id == id);
            format!(
                "#{}",
                channel.map_or("unknown", |channel| channel.name.as_str())
            )
        };
        Some((shown, end + 1))
    }
}

fn escaped(text: &str) -> Option<(String, usize)> {
    let next = text.chars().nth(1).filter(char::is_ascii_punctuation)?;
    Some((next.to_string(), 2))
}

/// The inside of what stands between two marks, and its length with them.
fn between<'t>(text: &'t str, mark: &str) -> Option<(&'t str, usize)> {
    let inner = text.strip_prefix(mark)?;
    let end = inner.find(mark).filter(|end| *end > 0)?;
    Some((&inner[..end], end + 2 * mark.len()))
}

/// "now", "2 s ago", "in 3 min", as Discord counts it on the reader's screen.
fn relative(now: i64, unix: i64) -> String {
    let apart = now.abs_diff(unix);
    let about = |unit: u64| (apart + unit / 2) / unit;
    let amount = match apart {
        0 => return "now".to_owned(),
        1..60 => format!("{apart} s"),
        60..3570 => format!("{} min", about(60)),
        3570..84_600 => format!("{} h", about(3600)),
        _ => format!("{} d", about(86_400)),
    };
    if unix > now {
        format!("in {amount}")
    } else {
        format!("{amount} ago")
    }
}

/// Discord shows it in the reader's zone; a terminal's is not known here.
fn in_utc(unix: i64, shape: &str) -> Option<String> {
    let at = jiff::Timestamp::from_second(unix).ok()?;
    Some(at.strftime(shape).to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn markup_becomes_words() {
        let setup = Setup::home();
        let reading = Reading {
            setup: &setup,
            now: 1_000_000,
            paint: Paint::OFF,
        };
        let pairs = [
            (
                "Asked by <@184405311681986560> <t:999998:R>.",
                "Asked by @owner 2 s ago.",
            ),
            (
                "<@&290926798626357299> in <#1100000000000000000>",
                "@friends in #bot",
            ),
            (
                "<@1> until <t:1000180:t>, <t:1000000:R>",
                "@unknown-user until 13:49 UTC, now",
            ),
            (
                "Expires <t:3591999:f>, <t:3591999:R>.",
                "Expires 11 February 1970 13:46 UTC, in 30 d.",
            ),
            (
                "**/vm start** `guest` 2 * 3 < 7",
                "/vm start `guest` 2 * 3 < 7",
            ),
            (r"mc\_world \<@1\> `a\_b`", r"mc_world <@1> `a\_b`"),
            ("```\nTASK ERROR: <t:1:R>\n```", "TASK ERROR: <t:1:R>"),
        ];
        for (written, read) in pairs {
            assert_eq!(reading.of(written), read);
        }
    }
}
