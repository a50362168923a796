//! What the audit says: a line per act, refusal or change of rights, for the audit channel, and the
//! alert about somebody who is refused again and again.

use std::fmt::Write as _;
use std::time::Duration;

use crate::action::{Deed, Right};
use crate::audit::{Ending, Event, Line, Noted};
use crate::ids::{Upid, UserId};

use super::reply::{Card, Colour, Reply};
use super::words::{ago, clock, duration, in_few_words, person, plain};

/// Longer texts from outside are cut: the whole of them is in the audit itself.
const EXCERPT: usize = 60;
/// A token with its end, its roles and its path.
const WHICH_TOKEN: usize = 250;

/// New entries, in one card.
#[must_use]
pub fn mirror(lines: &[Line]) -> Reply {
    let cluster = shared_cluster(lines);
    let shown: Vec<String> = lines.iter().map(|l| line(l, cluster.is_none())).collect();
    Reply::card(Card {
        colour: lines
            .iter()
            .map(colour)
            .max_by_key(|colour| urgency(*colour))
            .unwrap_or(Colour::Grey),
        title: "📒 Audit".to_owned(),
        body: shown.join("\n"),
        footer: cluster,
    })
}

/// The audit is for those to whom a rule gives it.
#[must_use]
pub fn not_for_you() -> Reply {
    super::problem::refusal(
        "The audit is not for you",
        "It takes the action `audit` in a rule.\nAsk whoever runs this bot.".to_owned(),
    )
}

/// The one cluster that all lines are about: it is said once, below them.
pub(super) fn shared_cluster(lines: &[Line]) -> Option<String> {
    let mut names = lines
        .iter()
        .filter_map(|line| Some(&line.guest.as_ref()?.cluster));
    let first = names.next()?;
    names.all(|name| name == first).then(|| first.to_string())
}

/// One entry in one line.
pub(super) fn line(line: &Line, with_cluster: bool) -> String {
    let at = clock(line.at_ms.div_euclid(1000));
    let what = what(line, with_cluster);
    let (mark, text) = match line.event {
        Event::Refused => (
            refused_mark(line),
            format!("{} {what}: {}", who(line.user), why(line)),
        ),
        Event::Opened | Event::Sent | Event::Closed => {
            let (mark, end) = ended(line);
            let by = lent(line);
            (mark, format!("{} {what}: {end}{by}", who(line.user)))
        }
        Event::Noted(noted) => (mark_of(noted), change(line, noted, &what)),
    };
    format!("{mark} {at} {text}")
}

fn who(user: Option<UserId>) -> String {
    user.map_or_else(|| "somebody".to_owned(), person)
}

/// What was granted may be many rights; the entry itself has each.
fn action(line: &Line) -> String {
    let action = line.action.as_deref().unwrap_or("something");
    let one = |word| Right::ALL.into_iter().find(|right| right.key() == word);
    let rights: Option<Vec<Right>> = action.split(',').map(one).collect();
    plain(&rights.map_or_else(|| action.to_owned(), |rights| in_few_words(&rights)))
}

/// "start 101 valheim", "node.status pve1".
fn what(line: &Line, with_cluster: bool) -> String {
    let mut text = action(line);
    match (&line.guest, &line.node) {
        (Some(guest), _) if with_cluster => {
            let _ = write!(text, " {guest}");
        }
        (Some(guest), _) => {
            let _ = write!(text, " {}", guest.vmid);
        }
        (None, Some(node)) => {
            let _ = write!(text, " {node}");
        }
        (None, None) => {}
    }
    if let Some(name) = &line.guest_name {
        let _ = write!(text, " {}", plain(name));
    }
    let acts = matches!(line.event, Event::Opened | Event::Sent | Event::Closed);
    let detail = if acts {
        line.detail.as_deref()
    } else {
        line.asked().0
    };
    if let Some(detail) = detail {
        let _ = write!(text, " {}", which(line.action.as_deref(), detail));
    }
    text
}

/// What the right alone does not say: which snapshot, where to, which token.
fn which(action: Option<&str>, detail: &str) -> String {
    match action.and_then(|key| Deed::read(key, Some(detail))) {
        Some(Deed::SnapshotCreate { name, ram: true }) => format!("{name}, with memory"),
        Some(Deed::Backup { storage, mode }) => {
            format!("to {}, mode {}", plain(storage.as_str()), mode.key())
        }
        _ if action == Some(Right::TaskStop.key()) => match detail.parse::<Upid>() {
            Ok(task) => plain(task.kind()),
            Err(_) => excerpt(detail),
        },
        _ if action == Some(Right::Token.key()) => shortened(detail, WHICH_TOKEN),
        _ => excerpt(detail),
    }
}

/// Who stood in for what no rule gave.
fn lent(line: &Line) -> String {
    let Some(by) = line.approver.map(person) else {
        return String::new();
    };
    match line.rule.as_deref() {
        Some(rule) if rule.starts_with("approved ") => format!(", approved by {by}"),
        _ => format!(", lent by {by}"),
    }
}

fn why(line: &Line) -> String {
    line.rule
        .as_deref()
        .map_or_else(|| "no rule".to_owned(), excerpt)
}

/// How an act ended, with its mark.
fn ended(line: &Line) -> (&'static str, String) {
    match &line.ending {
        Some(Ending::Done) => (done_mark(line), "done".to_owned()),
        Some(Ending::Warned) => ("⚠️", "done, with a warning".to_owned()),
        Some(Ending::Requested) => ("🟡", "HA has the request".to_owned()),
        Some(Ending::Failed(text)) => ("🔴", said("failed", text)),
        Some(Ending::NotSent(text)) => ("⚪", said("not sent", text)),
        Some(Ending::Unknown(text)) => ("🟠", said("outcome unknown", text)),
        None => ("🟡", "under way".to_owned()),
    }
}

fn refused_mark(line: &Line) -> &'static str {
    if line.is_refusal() { "⛔" } else { "❔" }
}

fn done_mark(line: &Line) -> &'static str {
    match line.action.as_deref() {
        Some("stop" | "shutdown") => "⏹️",
        Some("reboot") => "🔁",
        Some("token") => "🔑",
        _ => "▶️",
    }
}

fn mark_of(noted: Noted) -> &'static str {
    match noted {
        Noted::Asked => "🙋",
        Noted::Approved => "👍",
        Noted::Declined => "👎",
        Noted::Lapsed | Noted::Ended => "⌛",
        Noted::Granted => "🔑",
        Noted::Revoked => "✂️",
        Noted::Locked => "🔒",
        Noted::Unlocked => "🔓",
        Noted::Reloaded => "🔄",
    }
}

/// What changed about rights, as a short sentence.
fn change(line: &Line, noted: Noted, what: &str) -> String {
    let by = who(line.user.or(line.approver));
    let whom = who(line.subject);
    let text = match noted {
        Noted::Asked => format!("{by} asks for {what}"),
        Noted::Approved => format!("{by} allowed {whom}: {what}"),
        Noted::Declined => format!("{by} declined {whom}: {what}"),
        Noted::Lapsed => format!("nobody answered {whom}: {what}"),
        Noted::Granted => format!("{by} gave {whom}: {what}"),
        Noted::Revoked => format!("{by} took from {whom}: {what}"),
        Noted::Ended => format!("over for {whom}: {what}"),
        Noted::Locked => format!("{by} locked everything down"),
        Noted::Unlocked => format!("{by} ended the lockdown"),
        Noted::Reloaded => "configuration read again".to_owned(),
    };
    let text = match line.ends_ms {
        // Until then it can be answered; how long it was wanted for, nobody said.
        Some(ms) if noted == Noted::Asked => {
            format!("{text}, lapses <t:{}:f>", ms.div_euclid(1000))
        }
        Some(ms) => format!("{text}, until <t:{}:f>", ms.div_euclid(1000)),
        None => text,
    };
    said(&text, line.asked().1)
}

fn said(text: &str, detail: &str) -> String {
    match excerpt(detail) {
        detail if detail.is_empty() => text.to_owned(),
        detail => format!("{text} ({detail})"),
    }
}

fn excerpt(text: &str) -> String {
    shortened(text, EXCERPT)
}

/// Cut before it is made plain, so that no escape is cut in two.
fn shortened(text: &str, most: usize) -> String {
    let text = text.trim();
    match text.char_indices().nth(most) {
        Some((end, _)) => format!("{}…", plain(text[..end].trim_end())),
        None => plain(text),
    }
}

fn colour(line: &Line) -> Colour {
    match (&line.event, &line.ending) {
        (_, Some(Ending::Failed(_))) => Colour::Red,
        (_, Some(Ending::Unknown(_) | Ending::Warned)) => Colour::Amber,
        _ if line.is_refusal() => Colour::Amber,
        _ => Colour::Grey,
    }
}

fn urgency(colour: Colour) -> u8 {
    match colour {
        Colour::Green | Colour::Grey => 0,
        Colour::Amber => 1,
        Colour::Red => 2,
    }
}

/// Somebody was refused again and again; `last` is the newest refusal.
#[must_use]
pub fn refusals(user: UserId, times: usize, within: Duration, last: &Line) -> Reply {
    let body = format!(
        "{} was refused {times} times\nwithin {}. Nothing was done.\n\
         Last tried {}:\n{}: {}\n\
         I say this once a day per person;\nthe audit has the rest.",
        person(user),
        duration(within),
        ago(last.at_ms.div_euclid(1000)),
        what(last, true),
        why(last),
    );
    Reply::card(Card {
        colour: Colour::Amber,
        title: "⛔ Refused again and again".to_owned(),
        body,
        footer: None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ids::GuestRef;

    fn entry(event: Event) -> Line {
        Line {
            user: Some(UserId(7)),
            action: Some("start".to_owned()),
            guest: Some(GuestRef {
                cluster: "home".parse().unwrap(),
                vmid: "101".parse().unwrap(),
            }),
            guest_name: Some("valheim".to_owned()),
            ..Line::bare(1, event, 1_760_000_000_000)
        }
    }

    fn act(action: &str, ending: Ending) -> Line {
        Line {
            action: Some(action.to_owned()),
            ending: Some(ending),
            ..entry(Event::Closed)
        }
    }

    fn shown(reply: &Reply) -> String {
        let card = &reply.cards[0];
        let footer = card.footer.as_deref().unwrap_or("no footer");
        let body = &card.body;
        format!("{:?} {}\n{body}\n-- {footer}", card.colour, card.title)
    }

    #[test]
    fn acts_and_refusals() {
        let refused = Line {
            guest_name: None,
            rule: Some("no rule".to_owned()),
            ..entry(Event::Refused)
        };
        let mistyped = Line {
            rule: Some("not found".to_owned()),
            ..refused.clone()
        };
        let unseen = Line {
            guest: None,
            action: Some("node.status".to_owned()),
            ..refused.clone()
        };
        let long = format!("start failed: *command* '{}' died", "kvm ".repeat(30));
        let lines = [
            act("start", Ending::Done),
            act("stop", Ending::Done),
            act("reboot", Ending::Warned),
            act("start", Ending::Requested),
            act("start", Ending::Failed(long)),
            act("shutdown", Ending::Unknown(String::new())),
            refused,
            mistyped,
            unseen,
        ];
        insta::assert_snapshot!(shown(&mirror(&lines)), @r"
        Red 📒 Audit
        ▶️ <t:1760000000:t> <@7> start 101 valheim: done
        ⏹️ <t:1760000000:t> <@7> stop 101 valheim: done
        ⚠️ <t:1760000000:t> <@7> reboot 101 valheim: done, with a warning
        🟡 <t:1760000000:t> <@7> start 101 valheim: HA has the request
        🔴 <t:1760000000:t> <@7> start 101 valheim: failed (start failed: \*command\* 'kvm kvm kvm kvm kvm kvm kvm kvm kvm…)
        🟠 <t:1760000000:t> <@7> shutdown 101 valheim: outcome unknown
        ⛔ <t:1760000000:t> <@7> start 101: no rule
        ❔ <t:1760000000:t> <@7> start 101: not found
        ⛔ <t:1760000000:t> <@7> node.status: no rule
        -- home
        ");
    }

    #[test]
    fn acts_say_what_exactly_and_who_stood_in() {
        let exactly = |action, detail: &str| Line {
            detail: Some(detail.to_owned()),
            ..act(action, Ending::Done)
        };
        let lent = |rule: &str| Line {
            approver: Some(UserId(9)),
            rule: Some(rule.to_owned()),
            ..act("start", Ending::Done)
        };
        let task = "UPID:pve1:0002FA84:05E55A39:6922D63B:vzdump:101:root@pam:";
        let asked = Line {
            ends_ms: Some(1_760_003_600_000),
            ..entry(Event::Noted(Noted::Asked))
        };
        let lines = [
            exactly("snapshot.create", "before-mods"),
            exactly("snapshot.create", "before-mods+ram"),
            exactly("snapshot.rollback", "before-mods"),
            exactly("backup.run", "nas+stop"),
            exactly("task.stop", task),
            exactly("start", "*what* no version wrote"),
            lent("approved once by 9 (allow at a:1)"),
            lent("grant 7 by 9 (allow at a:1)"),
            asked,
        ];
        insta::assert_snapshot!(shown(&mirror(&lines)), @r"
        Grey 📒 Audit
        ▶️ <t:1760000000:t> <@7> snapshot.create 101 valheim before-mods: done
        ▶️ <t:1760000000:t> <@7> snapshot.create 101 valheim before-mods, with memory: done
        ▶️ <t:1760000000:t> <@7> snapshot.rollback 101 valheim before-mods: done
        ▶️ <t:1760000000:t> <@7> backup.run 101 valheim to nas, mode stop: done
        ▶️ <t:1760000000:t> <@7> task.stop 101 valheim vzdump: done
        ▶️ <t:1760000000:t> <@7> start 101 valheim \*what\* no version wrote: done
        ▶️ <t:1760000000:t> <@7> start 101 valheim: done, approved by <@9>
        ▶️ <t:1760000000:t> <@7> start 101 valheim: done, lent by <@9>
        🙋 <t:1760000000:t> <@7> asks for start 101 valheim, lapses <t:1760003600:f>
        -- home
        ");
    }

    #[test]
    fn rights_that_change() {
        let rights = |noted| Line {
            subject: Some(UserId(9)),
            ..entry(Event::Noted(noted))
        };
        let mut lines: Vec<Line> = Noted::ALL.into_iter().map(rights).collect();
        for line in &mut lines {
            match line.event {
                Event::Noted(Noted::Granted) => line.ends_ms = Some(1_760_003_600_000),
                Event::Noted(Noted::Locked) => line.detail = Some("holiday".to_owned()),
                Event::Noted(Noted::Lapsed | Noted::Ended) => line.user = None,
                _ => {}
            }
        }
        insta::assert_snapshot!(shown(&mirror(&lines)), @"
        Grey 📒 Audit
        🙋 <t:1760000000:t> <@7> asks for start 101 valheim
        👍 <t:1760000000:t> <@7> allowed <@9>: start 101 valheim
        👎 <t:1760000000:t> <@7> declined <@9>: start 101 valheim
        ⌛ <t:1760000000:t> nobody answered <@9>: start 101 valheim
        🔑 <t:1760000000:t> <@7> gave <@9>: start 101 valheim, until <t:1760003600:f>
        ✂️ <t:1760000000:t> <@7> took from <@9>: start 101 valheim
        ⌛ <t:1760000000:t> over for <@9>: start 101 valheim
        🔒 <t:1760000000:t> <@7> locked everything down (holiday)
        🔓 <t:1760000000:t> <@7> ended the lockdown
        🔄 <t:1760000000:t> configuration read again
        -- home
        ");
    }

    #[test]
    fn with_several_clusters_each_line_says_which() {
        let mut other = act("start", Ending::Done);
        other.guest = Some(GuestRef {
            cluster: "lab".parse().unwrap(),
            vmid: "101".parse().unwrap(),
        });
        let lines = [act("start", Ending::Done), other];
        insta::assert_snapshot!(shown(&mirror(&lines)), @"
        Grey 📒 Audit
        ▶️ <t:1760000000:t> <@7> start home/101 valheim: done
        ▶️ <t:1760000000:t> <@7> start lab/101 valheim: done
        -- no footer
        ");
    }

    #[test]
    fn somebody_who_insists() {
        let last = Line {
            rule: Some("no rule".to_owned()),
            ..entry(Event::Refused)
        };
        let reply = refusals(UserId(7), 5, Duration::from_mins(10), &last);
        insta::assert_snapshot!(shown(&reply), @"
        Amber ⛔ Refused again and again
        <@7> was refused 5 times
        within 10 min. Nothing was done.
        Last tried <t:1760000000:R>:
        start home/101 valheim: no rule
        I say this once a day per person;
        the audit has the rest.
        -- no footer
        ");
    }
}
