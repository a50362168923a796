//! The small words that all cards share: states, sizes, times, names.

use std::time::Duration;

use crate::action::{GuestFacts, Right};
use crate::ids::{Kind, NodeRef, UserId};

/// What a guest is called: its name, or what it is where no name is known.
#[must_use]
pub(super) fn guest_name(facts: &GuestFacts) -> String {
    match &facts.name {
        Some(name) => plain(name),
        None => format!("{} {}", kind(facts.kind), facts.guest.vmid),
    }
}

/// The small print that says exactly which guest is meant.
#[must_use]
pub(super) fn guest_footer(facts: &GuestFacts) -> String {
    let kind = kind(facts.kind);
    format!("{kind} {} · {}", facts.guest.vmid, facts.guest.cluster)
}

/// The same for a node.
#[must_use]
pub(super) fn node_footer(node: &NodeRef) -> String {
    format!("node · {}", node.cluster)
}

#[must_use]
pub(super) fn kind(kind: Kind) -> &'static str {
    match kind {
        Kind::Vm => "VM",
        Kind::Ct => "CT",
    }
}

/// Rights with what is to be said of each; a whole group of which the same is said goes under its
/// own name: `power`, not five words.
#[must_use]
pub(super) fn grouped<T: Clone + PartialEq>(rights: &[(Right, T)]) -> Vec<(&'static str, T)> {
    let of = |wanted: Right| rights.iter().find(|(right, _)| *right == wanted);
    let group_of = |right: Right| {
        let groups = Right::GROUPS.into_iter().filter(|(name, _)| *name != "*");
        groups.into_iter().find(|(_, group)| group.contains(&right))
    };
    let mut words: Vec<(&'static str, T)> = Vec::new();
    for (right, note) in rights {
        let whole = group_of(*right).filter(|(_, group)| {
            let same = |other: &Right| of(*other).is_some_and(|(_, its)| its == note);
            group.iter().all(same)
        });
        let word = whole.map_or_else(|| right.key(), |(name, _)| name);
        if words.last().is_none_or(|(last, _)| *last != word) {
            words.push((word, note.clone()));
        }
    }
    words
}

/// Rights in few words, not yet to be shown where `*` means something.
#[must_use]
pub(super) fn in_few_words(rights: &[Right]) -> String {
    if Right::ALL.iter().all(|right| rights.contains(right)) {
        return "all rights".to_owned();
    }
    let bare: Vec<(Right, ())> = rights.iter().map(|right| (*right, ())).collect();
    let words: Vec<&str> = grouped(&bare).into_iter().map(|(word, ())| word).collect();
    words.join(", ")
}

/// The person's name as each reader's Discord shows it. It does not ring: mentions are switched
/// off in every message.
#[must_use]
pub(super) fn person(user: UserId) -> String {
    format!("<@{user}>")
}

/// "3 minutes ago", counted by the reader's own Discord. Does not work in titles and footers.
#[must_use]
pub(super) fn ago(unix: i64) -> String {
    format!("<t:{unix}:R>")
}

/// "14:22" in the reader's own time zone. Does not work in titles and footers.
#[must_use]
pub(super) fn clock(unix: i64) -> String {
    format!("<t:{unix}:t>")
}

/// "24 November 2026 14:22" in the reader's own time zone. Does not work in titles and footers.
#[must_use]
pub(super) fn moment(unix: i64) -> String {
    format!("<t:{unix}:f>")
}

/// "1 guest", "2 guests".
#[must_use]
pub(super) fn counted(number: usize, what: &str) -> String {
    let plural = if number == 1 { "" } else { "s" };
    format!("{number} {what}{plural}")
}

/// "1 act", "5 acts": for limits, which count all that a rule gives.
#[must_use]
pub(super) fn acts(most: u32) -> String {
    match most {
        1 => "1 act".to_owned(),
        most => format!("{most} acts"),
    }
}

/// What somebody gave as a reason, quoted below a sentence.
#[must_use]
pub(super) fn reason(why: Option<&str>) -> String {
    why.map(|why| format!("\n> {}", plain(why)))
        .unwrap_or_default()
}

/// "14 s", "3 min", "2 h 5 min", "12 d 4 h": two units at most.
#[must_use]
pub(super) fn duration(time: Duration) -> String {
    let seconds = time.as_secs();
    let (minutes, hours, days) = (seconds / 60, seconds / 3600, seconds / 86_400);
    let two = |big: u64, unit: &str, small: u64, small_unit: &str| match small {
        0 => format!("{big} {unit}"),
        small => format!("{big} {unit} {small} {small_unit}"),
    };
    match seconds {
        0..60 => format!("{seconds} s"),
        60..600 => two(minutes, "min", seconds % 60, "s"),
        600..3600 => format!("{minutes} min"),
        3600..86_400 => two(hours, "h", minutes % 60, "min"),
        _ => two(days, "d", hours % 24, "h"),
    }
}

/// "512 MB", "7.5 GB", "16 GB": binary multiples under their everyday names, as Proxmox's pages
/// are read by people.
#[must_use]
pub(super) fn size(bytes: u64) -> String {
    let units = ["B", "KB", "MB", "GB", "TB", "PB"];
    let mut unit = 0;
    #[expect(clippy::cast_precision_loss, reason = "rounded to two digits anyway")]
    let mut number = bytes as f64;
    while number >= 1000.0 && unit + 1 < units.len() {
        number /= 1024.0;
        unit += 1;
    }
    let decimals = usize::from(number < 9.95 && unit > 2);
    let text = format!("{number:.decimals$}");
    let text = text.strip_suffix(".0").unwrap_or(&text);
    format!("{text} {}", units[unit])
}

/// "45 %". Over 100 is possible and shown: a guest may use more than it was promised.
#[must_use]
pub(super) fn percent(fraction: f64) -> String {
    if !fraction.is_finite() {
        return "?".to_owned();
    }
    format!("{:.0} %", (fraction * 100.0).max(0.0))
}

/// A part of a whole, as a number; 0 of 0 is nothing.
#[must_use]
#[expect(clippy::cast_precision_loss, reason = "shown as whole percents")]
pub(super) fn share(part: u64, whole: u64) -> f64 {
    if whole == 0 {
        0.0
    } else {
        part as f64 / whole as f64
    }
}

/// Ten blocks, filled as far as the fraction goes: `▰▰▰▱▱▱▱▱▱▱`.
#[must_use]
pub(super) fn bar(fraction: f64) -> String {
    let full = if fraction.is_finite() {
        fraction.clamp(0.0, 1.0)
    } else {
        0.0
    };
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "0 to 10"
    )]
    let full = (full * 10.0).round() as usize;
    format!("{}{}", "▰".repeat(full), "▱".repeat(10 - full))
}

/// Names and texts from outside, so that they cannot become formatting, mentions or links.
#[must_use]
pub(super) fn plain(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let text = visible(text);
    for (at, c) in text.char_indices() {
        // Discord makes a link of every bare address.
        let address = text[at..].starts_with("://");
        if address || r"*_~`|<>[]()#\@".contains(c) {
            out.push('\\');
        }
        out.push(c);
    }
    out
}

/// A text from outside in one line, without what nobody sees: such characters reverse the letters
/// around them, or make two names look the same.
#[must_use]
pub(super) fn visible(text: &str) -> String {
    let shown = text.chars().filter_map(|c| match c {
        '\n' | '\r' | '\t' | '\u{2028}' | '\u{2029}' => Some(' '),
        c if c.is_control() || is_format(c) => None,
        c => Some(c),
    });
    shown.collect()
}

/// Unicode's format characters (Cf) without a shape of their own.
fn is_format(c: char) -> bool {
    matches!(c,
        '\u{AD}' | '\u{61C}' | '\u{180E}' | '\u{200B}'..='\u{200F}' | '\u{202A}'..='\u{202E}'
        | '\u{2060}'..='\u{206F}' | '\u{FEFF}' | '\u{FFF9}'..='\u{FFFB}'
        | '\u{1BCA0}'..='\u{1BCA3}' | '\u{1D173}'..='\u{1D17A}' | '\u{E0000}'..='\u{E007F}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_rounded_for_people() {
        let sizes = [
            0,
            512,
            100 << 20,
            1000 << 20,
            (7 << 30) + (1 << 29),
            16 << 30,
            3 << 40,
        ];
        let shown: Vec<String> = sizes.into_iter().map(size).collect();
        assert_eq!(
            shown,
            ["0 B", "512 B", "100 MB", "1 GB", "7.5 GB", "16 GB", "3 TB"]
        );
        let times = [0, 14, 60, 61, 599, 2520, 3600, 7500, 86_400, 1_051_200];
        let shown: Vec<String> = times
            .iter()
            .map(|s| duration(Duration::from_secs(*s)))
            .collect();
        let wanted = [
            "0 s",
            "14 s",
            "1 min",
            "1 min 1 s",
            "9 min 59 s",
            "42 min",
            "1 h",
            "2 h 5 min",
            "1 d",
            "12 d 4 h",
        ];
        assert_eq!(shown, wanted);
        assert_eq!(bar(0.34), "▰▰▰▱▱▱▱▱▱▱");
        assert_eq!((bar(7.0), bar(f64::NAN)), ("▰".repeat(10), "▱".repeat(10)));
        assert_eq!(
            (percent(0.456), percent(1.31)),
            ("46 %".into(), "131 %".into())
        );
    }

    #[test]
    fn whole_groups_go_under_their_own_name() {
        let noted = |rights: &[Right]| -> Vec<(Right, bool)> {
            let noted = rights
                .iter()
                .map(|right| (*right, right.always_confirmed()));
            noted.collect()
        };
        let words = |rights: &[Right]| -> Vec<&str> {
            grouped(&noted(rights))
                .into_iter()
                .map(|(word, _)| word)
                .collect()
        };
        assert_eq!(
            words(&Right::ALL)[..4],
            ["view", "power", "force", "snapshot.create"]
        );
        assert_eq!(words(&[Right::View, Right::Start]), ["view", "start"]);
        assert_eq!(in_few_words(&Right::ALL), "all rights");
        assert_eq!(
            in_few_words(&Right::ALL[..9]),
            "view, power, force, snapshot.create"
        );
        let mut mixed = noted(&[Right::Stop, Right::Reset]);
        mixed[0].1 = false;
        assert_eq!(grouped(&mixed).len(), 2);
    }

    #[test]
    fn names_from_outside_stay_text() {
        assert_eq!(
            plain("@everyone **x**\n`y`"),
            "\\@everyone \\*\\*x\\*\\* \\`y\\`"
        );
    }

    #[test]
    fn addresses_from_outside_are_no_links() {
        assert_eq!(
            plain("see https://evil.example/x: 1//2"),
            "see https\\://evil.example/x: 1//2"
        );
        assert_eq!(plain("a\\b"), "a\\\\b");
        // What is hidden must not hide an address either.
        assert_eq!(plain("https:\u{200b}//x"), "https\\://x");
    }

    #[test]
    fn what_nobody_sees_is_left_out() {
        let name = "a\u{202e}lmth\u{200b}\u{2066}\u{feff}\u{7}\nb\u{2028}c\u{e0041}é💥";
        assert_eq!(visible(name), "almth b cé💥");
        assert_eq!(plain(name), visible(name));
    }
}
