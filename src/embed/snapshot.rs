//! The snapshots of a guest: the tree, what one of them is, and why one is not touched.

use std::collections::BTreeSet;

use crate::action::{Action, GuestFacts, Right};
use crate::ids::{GuestQuery, SnapshotName};
use crate::proxmox::{Snapshots, Snapshotted};

use super::act::too_many;
use super::problem::refusal;
use super::reply::{Button, Card, Colour, Reply, Style};
use super::status::Age;
use super::words::{ago, guest_footer, guest_name, plain};

/// What a phone shows in one line.
const WIDTH: usize = 34;
/// Of deeper branches no more are drawn beside one another.
const DEEPEST: usize = 4;

/// All snapshots of a guest as a tree: a chain goes straight down, a branch steps in and has its mark.
#[must_use]
pub fn list(guest: &GuestFacts, snapshots: &Snapshots, age: &Age, rights: &[Right]) -> Reply {
    let count = snapshots.list.len();
    let counted = match count {
        0 => "no snapshots".to_owned(),
        1 => "1 snapshot".to_owned(),
        more => format!("{more} snapshots"),
    };
    let mut lines = Vec::new();
    if count == 0 {
        lines.push("It has none, so there is nothing to\ngo back to.".to_owned());
    } else {
        let mut tree = Tree {
            snapshots,
            lines: Vec::new(),
            shown: BTreeSet::new(),
        };
        tree.below(None, &Stem::new());
        // What Proxmox lists below something that it does not list.
        let lost = |one: &&Snapshotted| !tree.shown.contains(one.name.as_str());
        let lost: Vec<&Snapshotted> = snapshots.list.iter().filter(lost).collect();
        for one in lost {
            tree.from(one, &Stem::new(), None);
        }
        lines.append(&mut tree.lines);
    }
    lines.extend(too_many(count));
    lines.extend(age.line());
    let card = Card {
        colour: Colour::Grey,
        title: format!("📸 {} · {counted}", guest_name(guest)),
        body: lines.join("\n"),
        footer: Some(guest_footer(guest)),
    };
    let query = GuestQuery::from(&guest.guest);
    let mut buttons = Vec::new();
    if rights.contains(&Right::SnapshotCreate) {
        buttons.push(Button {
            label: "Take one".into(),
            style: Style::Primary,
            action: Action::TakeSnapshot {
                guest: query.clone(),
                ram: false,
            },
        });
    }
    buttons.push(look(query, "Refresh"));
    Reply::card(card).with_buttons(buttons)
}

struct Tree<'s> {
    snapshots: &'s Snapshots,
    lines: Vec<String>,
    shown: BTreeSet<&'s str>,
}

/// Where a line stands: below which branches, of which some (`true`) go on beside it.
type Stem = Vec<bool>;

impl<'s> Tree<'s> {
    fn upon(&self, parent: Option<&SnapshotName>) -> Vec<&'s Snapshotted> {
        let of = |one: &&Snapshotted| one.parent.as_ref() == parent;
        let mut children: Vec<&Snapshotted> = self.snapshots.list.iter().filter(of).collect();
        children.sort_by_key(|one| one.taken);
        children
    }

    /// How many ways lead on from there; the guest itself is one, where it is there.
    fn ways(&self, parent: Option<&SnapshotName>) -> usize {
        let here = self.snapshots.current.as_ref() == parent;
        self.upon(parent).len() + usize::from(here)
    }

    /// Everything that was taken upon `parent`, oldest first, and the guest itself where it is there.
    fn below(&mut self, parent: Option<&SnapshotName>, stem: &Stem) {
        let branches = self.ways(parent) > 1;
        let here = self.snapshots.current.as_ref() == parent;
        let children = self.upon(parent);
        let last = children.len().saturating_sub(1);
        for (at, one) in children.into_iter().enumerate() {
            self.from(one, stem, branches.then_some(here || at < last));
        }
        if here {
            let start = start(stem, branches.then_some(false));
            self.lines.push(format!("{start}📍 You are here"));
        }
    }

    /// `branch`: it is one of several, and whether others follow.
    fn from(&mut self, one: &'s Snapshotted, stem: &Stem, branch: Option<bool>) {
        // A list that goes in circles is not followed.
        if !self.shown.insert(one.name.as_str()) {
            return;
        }
        let start = start(stem, branch);
        let when = one.taken.map(|at| format!(" · {}", ago(at)));
        let ram = if one.ram { " · RAM" } else { "" };
        let half = if one.unfinished.is_some() {
            " · ⚠️ unfinished"
        } else {
            ""
        };
        let (name, when) = (&one.name, when.unwrap_or_default());
        self.lines.push(format!("{start}`{name}`{when}{ram}{half}"));
        let stem: Stem = stem.iter().copied().chain(branch).collect();
        let first = one
            .description
            .as_deref()
            .and_then(|text| text.lines().next());
        if let Some(first) = first.filter(|line| !line.trim().is_empty()) {
            let beside = [self.ways(Some(&one.name)) > 1];
            let indent = drawn(&[&stem[..], &beside].concat());
            let steps = (stem.len() + 1).min(DEEPEST);
            let room = WIDTH.saturating_sub(2 * steps);
            self.lines.push(format!("{indent}{}", cut(first, room)));
        }
        self.below(Some(&one.name), &stem);
    }
}

/// What stands before a line.
fn start(stem: &Stem, branch: Option<bool>) -> String {
    let mark = match branch {
        Some(true) => "├\u{2002}",
        Some(false) => "└\u{2002}",
        None => "",
    };
    format!("{}{mark}", drawn(stem))
}

/// Discord swallows plain spaces at the beginning of a line. An en space beside a line is as wide as an
/// em space without. Of a deep branch only the end is drawn.
fn drawn(stem: &[bool]) -> String {
    let hidden = stem.len().saturating_sub(DEEPEST);
    let cell = |goes_on: &bool| if *goes_on { "│\u{2002}" } else { "\u{2003}" };
    let cells = stem[hidden..].iter().map(cell);
    let before = if hidden > 0 { "…" } else { "" };
    [before].into_iter().chain(cells).collect()
}

fn cut(line: &str, room: usize) -> String {
    let mut letters = line.trim().chars();
    let start: String = letters.by_ref().take(room).collect();
    match letters.next() {
        Some(_) => format!("{}…", plain(start.trim_end())),
        None => plain(&start),
    }
}

/// One line of completion: `before-mods · 14 d ago`, at most 100 characters, plain text.
#[must_use]
pub fn choice(snapshot: &Snapshotted, now: i64) -> String {
    let age = snapshot.taken.map(|at| {
        let seconds = u64::try_from(now.saturating_sub(at)).unwrap_or_default();
        let time = std::time::Duration::from_secs(seconds);
        format!(" · {} ago", super::words::duration(time))
    });
    let ram = if snapshot.ram { " · RAM" } else { "" };
    format!("{}{}{ram}", snapshot.name, age.unwrap_or_default())
}

/// What goes back and what is lost, for the question before a rollback.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Back {
    pub snapshot: Snapshotted,
    /// Taken after it.
    pub later: usize,
    /// A storage of the guest's may only go back to the newest one, as far as is known.
    pub only_newest: bool,
}

/// What is lost by a rollback, and how the guest is after it.
#[must_use]
pub fn what_a_rollback_does(back: &Back) -> String {
    let one = &back.snapshot;
    let since = match one.taken {
        Some(at) => format!("It is from {}.", ago(at)),
        None => "Proxmox does not say how old it is.".to_owned(),
    };
    let lost = match back.later {
        0 => "All that was written since then is\nlost, for good.".to_owned(),
        1 => "All that was written since then goes.\nOnly what the later snapshot holds can\nbe brought back."
            .to_owned(),
        more => format!(
            "All that was written since then goes.\nOnly what the {more} later snapshots hold\ncan be brought back."
        ),
    };
    let newest = if back.only_newest && back.later > 0 {
        "\nProxmox may refuse: some storages, such\nas ZFS, only go back to the newest one."
    } else {
        ""
    };
    let after = if one.ram {
        "Then it runs on from where it was."
    } else {
        "Then it is stopped."
    };
    format!("{since}\n{lost}{newest}\n{after}")
}

/// What is lost with a snapshot.
#[must_use]
pub fn what_a_deletion_does(snapshot: &Snapshotted) -> String {
    let since = match snapshot.taken {
        Some(at) => format!("It is from {}.\n", ago(at)),
        None => String::new(),
    };
    format!("{since}Nobody can go back to it any more.\nThe guest itself stays as it is.")
}

/// The snapshot that it is about is not there.
#[must_use]
pub fn gone(guest: &GuestFacts, name: &SnapshotName) -> Reply {
    about(
        guest,
        &format!("No snapshot {name} of {}", guest_name(guest)),
        "It is not there, or not any more.\nNothing was done. Look at the list.".to_owned(),
    )
}

/// It was deleted, and another one was taken under its name.
#[must_use]
pub fn another(guest: &GuestFacts, name: &SnapshotName, taken: Option<i64>) -> Reply {
    let when = taken.map(|at| format!(",\nwhich was taken {}", ago(at)));
    about(
        guest,
        &format!("{name} is another snapshot now"),
        format!(
            "It is not the one that this was about{}.\nNothing was done. Look again.",
            when.unwrap_or_default()
        ),
    )
}

/// A new snapshot would have the name of an old one.
#[must_use]
pub fn name_taken(guest: &GuestFacts, there: &Snapshotted) -> Reply {
    let when = there.taken.map(|at| format!(", taken {}", ago(at)));
    about(
        guest,
        &format!("{} has a snapshot {}", guest_name(guest), there.name),
        format!(
            "It is there already{}.\nNothing was done. Choose another name.",
            when.unwrap_or_default()
        ),
    )
}

/// Memory was to be saved of a guest that has none.
#[must_use]
pub fn no_memory(guest: &GuestFacts) -> Reply {
    about(
        guest,
        &format!("{} does not run", guest_name(guest)),
        "So it has no memory to keep. Nothing\nwas done. Take a snapshot without.".to_owned(),
    )
}

/// They cannot be read; what was read before, if anything, is too old.
#[must_use]
pub fn unreadable(guest: &GuestFacts, why: &str) -> Reply {
    let title = format!("🟠 Snapshots of {} unknown", guest_name(guest));
    Reply::card(Card {
        colour: Colour::Amber,
        title,
        body: format!("I could not read them now.\n{why}"),
        footer: Some(guest_footer(guest)),
    })
    .with_buttons(vec![look(GuestQuery::from(&guest.guest), "Try again")])
}

fn about(guest: &GuestFacts, title: &str, body: String) -> Reply {
    let mut reply = refusal(title, body);
    if let Some(card) = reply.cards.first_mut() {
        card.footer = Some(guest_footer(guest));
    }
    reply.with_buttons(vec![look(GuestQuery::from(&guest.guest), "Snapshots")])
}

/// The button that lists them.
pub(super) fn look(guest: GuestQuery, label: &'static str) -> Button {
    Button {
        label: label.into(),
        style: Style::Secondary,
        action: Action::SnapshotList(guest),
    }
}
