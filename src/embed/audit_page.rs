//! `/audit`: a page of entries, with what it was narrowed down to.

use crate::action::{Action, AuditPage};
use crate::audit::Line;

use super::audit::{line, shared_cluster};
use super::reply::{Button, Card, Colour, Reply, Style};
use super::words::{moment, person, plain};

/// Where the buttons of a page lead.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Ways {
    pub older: Option<AuditPage>,
    pub newest: Option<AuditPage>,
}

/// The newest first. `here`: what was looked for.
#[must_use]
pub fn page(lines: &[Line], here: &AuditPage, ways: Ways) -> Reply {
    let cluster = shared_cluster(lines);
    let mut shown: Vec<String> = only(here, cluster.as_deref()).into_iter().collect();
    let mut last_day = None;
    for entry in lines {
        // The date stands above the first entry of a day, in that entry's own time: the reader's
        // Discord knows which day that is there.
        let day = entry.at_ms.div_euclid(86_400_000);
        if last_day.replace(day) != Some(day) {
            shown.push(format!("**<t:{}:D>**", entry.at_ms.div_euclid(1000)));
        }
        shown.push(line(entry, cluster.is_none()));
    }
    if lines.is_empty() {
        shown.push("There is nothing like that.".to_owned());
    }
    let button = |label: &'static str, page| Button {
        label: label.into(),
        style: Style::Secondary,
        action: Action::Audit(page),
    };
    let older = ways.older.map(|page| button("Older", page));
    let newest = ways.newest.map(|page| button("Newest", page));
    Reply::card(Card {
        colour: Colour::Grey,
        title: "📒 Audit".to_owned(),
        body: shown.join("\n"),
        footer: cluster,
    })
    .with_buttons(older.into_iter().chain(newest).collect())
}

/// "Shown: start, on 101, by @max": what is left out must not seem to have never been. The cluster is
/// said where the footer does not.
fn only(here: &AuditPage, footer: Option<&str>) -> Option<String> {
    let on = |guest: &crate::ids::GuestQuery| {
        let guest = guest.to_string();
        let prefix = footer.map(|cluster| format!("{cluster}/"));
        let bare = prefix.and_then(|prefix| guest.strip_prefix(&prefix).map(str::to_owned));
        format!("on {}", plain(&bare.unwrap_or(guest)))
    };
    let refusals = match here.refused {
        Some(true) => Some("refusals".to_owned()),
        Some(false) => Some("no refusals".to_owned()),
        None => None,
    };
    let parts = [
        here.right.map(|right| right.to_string()),
        here.guest.as_ref().map(on),
        here.user.map(|user| format!("by {}", person(user))),
        refusals,
        here.since.map(|since| format!("since {}", moment(since))),
    ];
    let parts: Vec<String> = parts.into_iter().flatten().collect();
    (!parts.is_empty()).then(|| format!("Shown: {}", parts.join(", ")))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::action::Right;
    use crate::ids::UserId;

    #[test]
    fn a_page_says_what_it_was_narrowed_down_to() {
        let body = |here: &AuditPage| page(&[], here, Ways::default()).cards[0].body.clone();
        assert_eq!(body(&AuditPage::default()), "There is nothing like that.");
        let here = AuditPage {
            user: Some(UserId(7)),
            guest: Some("home/101".parse().unwrap()),
            right: Some(Right::Start),
            refused: Some(false),
            since: Some(1_760_000_000),
            before: None,
        };
        insta::assert_snapshot!(body(&here), @"
        Shown: start, on home/101, by <@7>, no refusals, since <t:1760000000:f>
        There is nothing like that.
        ");
        assert!(only(&here, Some("home")).unwrap().contains("on 101,"));
    }
}
