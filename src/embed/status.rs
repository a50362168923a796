//! The summary: what runs, how the nodes are, and how sure that is.

use crate::action::Action;
use crate::ids::ClusterName;
use crate::permission::Lockdown;
use crate::proxmox::{Guest, Node, Quorum, RunState};

use super::access::locked_line;
use super::guest;
use super::node;
use super::reply::{Button, Card, Colour, Reply, Style};
use super::words::ago;

/// How old what is shown is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Age {
    /// As good as now; not worth a line.
    Now,
    /// Proxmox does not answer; this is from that time (unix seconds).
    Since(i64),
    /// Proxmox has not answered since the bot was started.
    Never,
}

impl Age {
    #[must_use]
    pub fn line(&self) -> Option<String> {
        match self {
            Self::Now => None,
            Self::Since(unix) => Some(format!("⏳ Not up to date: as of {}", ago(*unix))),
            Self::Never => Some("⏳ Proxmox has not answered yet".to_owned()),
        }
    }
}

/// One cluster, as far as one person may see it.
#[derive(Debug, Clone)]
pub struct View<'a> {
    pub cluster: &'a ClusterName,
    pub nodes: Vec<&'a Node>,
    pub guests: Vec<Seen<'a>>,
    /// `None`: not visible to the token, or not to the person.
    pub quorum: Option<&'a Quorum>,
    pub age: Age,
}

/// One guest in a list. Any right on it shows name and state; the rest is for those who may look.
#[derive(Debug, Clone, Copy)]
pub struct Seen<'a> {
    pub guest: &'a Guest,
    pub full: bool,
}

/// Guests that are listed one by one before the summary turns to counting.
const LISTED: usize = 15;

#[must_use]
pub fn summary(
    views: &[View<'_>],
    lockdown: Option<&Lockdown>,
    only: Option<&ClusterName>,
) -> Reply {
    let several = views.len() > 1;
    let mut cards: Vec<Card> = views.iter().map(|view| card(view, several)).collect();
    if let (Some(lockdown), Some(first)) = (lockdown, cards.first_mut()) {
        first.body = format!("{}\n{}", locked_line(lockdown), first.body);
    }
    Reply {
        cards,
        ..Reply::default()
    }
    .with_buttons(vec![Button {
        label: "Refresh".into(),
        style: Style::Secondary,
        action: Action::Status(only.cloned()),
    }])
}

fn card(view: &View<'_>, several: bool) -> Card {
    let running = count(view, |g| g.status == RunState::Running);
    let stopped = count(view, |g| g.status == RunState::Stopped);
    let other = count(view, |_| true) - running - stopped;
    let down = view.nodes.iter().filter(|n| !node::online(n)).count();
    let lost = view.quorum.is_some_and(|q| !q.quorate);
    let (mark, colour) = match (&view.age, down > 0 || lost, other > 0) {
        (Age::Never, ..) | (_, true, _) => ("🔴", Colour::Red),
        (Age::Since(_), ..) | (_, _, true) => ("🟠", Colour::Amber),
        _ => ("🟢", Colour::Green),
    };
    let mut counts = vec![format!("{running} running"), format!("{stopped} stopped")];
    if other > 0 {
        counts.push(format!("{other} other"));
    }
    let title = match view.age {
        Age::Never => format!("{mark} {} · no answer", view.cluster),
        _ => format!("{mark} {} · {}", view.cluster, counts.join(", ")),
    };
    let mut lines: Vec<String> = view.age.line().into_iter().collect();
    if lost {
        lines.push("🔴 no quorum: too few nodes are up".to_owned());
    } else if view.quorum.is_none() && !view.nodes.is_empty() {
        lines.push("Quorum: not visible to the bot's token".to_owned());
    }
    lines.extend(view.nodes.iter().map(|n| node::line(n)));
    if !view.nodes.is_empty() && !view.guests.is_empty() {
        lines.push(String::new());
    }
    lines.extend(guests(view, several));
    Card {
        colour,
        title,
        body: lines.join("\n"),
        footer: None,
    }
}

/// All guests where they are few; else only those that neither run nor are stopped.
fn guests(view: &View<'_>, several: bool) -> Vec<String> {
    let real: Vec<&Seen<'_>> = view.guests.iter().filter(|s| !s.guest.template).collect();
    if real.len() <= LISTED {
        return real.iter().map(|seen| guest::line(seen, several)).collect();
    }
    let odd = |seen: &&&Seen<'_>| {
        let status = &seen.guest.status;
        !matches!(status, RunState::Running | RunState::Stopped)
    };
    let mut lines: Vec<String> = real
        .iter()
        .filter(odd)
        .take(LISTED)
        .map(|seen| guest::line(seen, several))
        .collect();
    lines.push(format!("{} guests: `/vm list`, `/ct list`", real.len()));
    lines
}

fn count(view: &View<'_>, is: impl Fn(&Guest) -> bool) -> usize {
    let real = view.guests.iter().map(|seen| seen.guest);
    real.filter(|g| !g.template && is(g)).count()
}
