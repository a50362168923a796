//! The backups of a guest: the list, what cannot be seen, and where to.

use std::borrow::Cow;

use crate::action::{Action, BackupMode, Deed, GuestFacts, Right};
use crate::ids::{GuestQuery, NodeName, StorageName};
use crate::proxmox::{BackedUp, Backups, Listing};

use super::problem::refusal;
use super::reply::{Button, Card, Colour, Reply, Style};
use super::status::Age;
use super::words::{ago, guest_footer, guest_name, plain, size};

/// How many a card shows.
const PAGE: u16 = 8;

/// A list of backups as one person asked for it.
#[derive(Debug)]
pub struct View<'a> {
    pub guest: &'a GuestFacts,
    pub backups: &'a Backups,
    /// So many newer ones are on pages before.
    pub after: u16,
    pub age: Age,
    pub rights: &'a [Right],
}

/// Newest first; what the storages did not tell is said, and never looks like "none".
#[must_use]
pub fn list(view: &View<'_>) -> Reply {
    let all = view.backups.newest_first();
    let many = if all.len() == 1 { "" } else { "s" };
    let page = all.iter().skip(view.after.into()).take(PAGE.into());
    let mut lines: Vec<String> = page.map(|backup| line(backup)).collect();
    let shown = usize::from(view.after) + lines.len();
    if all.len() > shown {
        lines.push(format!("… and {} older", all.len() - shown));
    }
    if lines.is_empty() {
        lines.push(none(view));
    }
    let node = &view.guest.node;
    let untold = view
        .backups
        .storages
        .iter()
        .filter_map(|one| untold(one, node));
    lines.extend(untold);
    lines.extend(view.age.line());
    let complete = view.backups.complete();
    let count = match (all.len(), complete) {
        (0, true) => "no backups".to_owned(),
        (0, false) => "backups unknown".to_owned(),
        (some, true) => format!("{some} backup{many}"),
        (some, false) => format!("{some} backup{many} seen"),
    };
    let card = Card {
        colour: match (all.is_empty(), complete) {
            (false, true) => Colour::Grey,
            _ => Colour::Amber,
        },
        title: format!("💾 {} · {count}", guest_name(view.guest)),
        body: lines.join("\n"),
        footer: Some(guest_footer(view.guest)),
    };
    Reply::card(card).with_buttons(buttons(view, shown, all.len()))
}

fn none(view: &View<'_>) -> String {
    let names: Vec<String> = view
        .backups
        .storages
        .iter()
        .filter(|(_, found)| matches!(found, Listing::Listed(_)))
        .map(|(name, _)| format!("`{name}`"))
        .collect();
    match (view.backups.storages.is_empty(), names.is_empty()) {
        (true, _) => "I see no storage that takes backups on\nits node: there is none, or it is\n\
                      hidden from the bot's token."
            .to_owned(),
        (_, true) => "No storage told me what it has.".to_owned(),
        _ => format!("None on {}.", names.join(", ")),
    }
}

/// A storage that did not tell.
fn untold((name, found): &(StorageName, Listing), node: &NodeName) -> Option<String> {
    match found {
        Listing::Listed(_) => None,
        Listing::Offline => Some(format!("🟠 `{name}` is offline: there may be\nmore.")),
        Listing::NodeAway => Some(format!(
            "🟠 `{name}`: node {node} is not online,\nso there may be more."
        )),
        Listing::Hidden(_) => Some(format!(
            "🔑 `{name}`: the bot's token is not\nshown the backups there."
        )),
        Listing::Unread(_) => Some(format!("🟠 `{name}` did not answer: there may\nbe more.")),
    }
}

/// `2 days ago · 9 GB · nas`, and what else is known of it.
fn line(backup: &BackedUp) -> String {
    let when = backup.taken.map_or("at some time".to_owned(), ago);
    let bytes = backup.size.map(|bytes| format!(" · {}", size(bytes)));
    let mut marks = Vec::new();
    match backup.verified.as_deref() {
        Some("ok") => marks.push("✅ verified"),
        Some(_) => marks.push("🔴 verification failed"),
        None => {}
    }
    if backup.protected {
        marks.push("🔒 protected");
    }
    let marks = if marks.is_empty() {
        String::new()
    } else {
        format!("\n\u{2003}{}", marks.join(" · "))
    };
    let storage = &backup.storage;
    format!("• {when}{} · `{storage}`{marks}", bytes.unwrap_or_default())
}

fn buttons(view: &View<'_>, shown: usize, all: usize) -> Vec<Button> {
    let guest = || GuestQuery::from(&view.guest.guest);
    let page = |label: &'static str, after: u16| Button {
        label: label.into(),
        style: Style::Secondary,
        action: Action::BackupList {
            guest: guest(),
            after,
        },
    };
    let mut buttons = Vec::new();
    if view.rights.contains(&Right::BackupRun) {
        buttons.push(Button {
            label: "Back up now".into(),
            style: Style::Primary,
            action: Action::BackUp {
                guest: guest(),
                mode: BackupMode::Snapshot,
            },
        });
    }
    if view.after > 0 {
        buttons.push(page("Newest", 0));
    }
    if all > shown {
        buttons.push(page("Older", view.after.saturating_add(PAGE)));
    }
    if view.after == 0 {
        buttons.push(page("Refresh", 0));
    }
    buttons
}

/// The last backup of a guest, for its own card.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Last {
    /// Unix seconds.
    At(i64),
    /// Every storage says so.
    None,
}

impl Last {
    /// `None`: nobody knows, so nothing is said.
    #[must_use]
    pub fn of(backups: &Backups) -> Option<Self> {
        let newest = backups.newest_first().first().and_then(|one| one.taken);
        match newest {
            Some(at) => Some(Self::At(at)),
            None => backups.complete().then_some(Self::None),
        }
    }

    #[must_use]
    pub fn line(self) -> String {
        match self {
            Self::At(at) => format!("💾 Last backup {}", ago(at)),
            Self::None => "🟠 No backup".to_owned(),
        }
    }
}

/// Several storages take backups of it.
#[must_use]
pub fn where_to(guest: &GuestFacts, storages: &[StorageName], mode: BackupMode) -> Reply {
    let names: Vec<String> = storages.iter().map(|name| format!("`{name}`")).collect();
    let card = Card {
        colour: Colour::Grey,
        title: format!("💾 Back up {}: where to?", guest_name(guest)),
        body: format!(
            "These storages take it:\n{}\nPress one, or write `storage:` behind\n`/backup run`.",
            names.join(", ")
        ),
        footer: Some(guest_footer(guest)),
    };
    // A row of Discord's holds five.
    let to = |storage: &StorageName| Button {
        label: Cow::Owned(storage.as_str().chars().take(80).collect()),
        style: Style::Secondary,
        action: Action::Do {
            deed: Deed::Backup {
                storage: storage.clone(),
                mode,
            },
            kind: None,
            guest: GuestQuery::from(&guest.guest),
        },
    };
    Reply::card(card).with_buttons(storages.iter().take(5).map(to).collect())
}

/// No storage that the bot can see takes backups there, or not the one that was named.
#[must_use]
pub fn no_storage(
    guest: &GuestFacts,
    named: Option<&StorageName>,
    storages: &[StorageName],
    owner: bool,
) -> Reply {
    let node = plain(guest.node.as_str());
    let choice: Vec<String> = storages.iter().map(|one| format!("`{one}`")).collect();
    let title = match named {
        Some(name) => format!("{name} takes no backups there"),
        None => "Nowhere to back it up to".to_owned(),
    };
    let next = if owner {
        "See what\n`pve-steward check` says."
    } else {
        "Tell the owner."
    };
    let body = if choice.is_empty() {
        format!(
            "I see no storage that takes backups on\n`{node}`: there is none, or it is hidden\n\
             from the bot's token. {next}"
        )
    } else {
        format!("On `{node}`, choose from:\n{}", choice.join(", "))
    };
    let mut reply = refusal(&title, body);
    if let Some(card) = reply.cards.first_mut() {
        card.footer = Some(guest_footer(guest));
    }
    reply
}

/// Nothing could be read in time, and nothing was read before.
#[must_use]
pub fn unreadable(guest: &GuestFacts) -> Reply {
    Reply::card(Card {
        colour: Colour::Amber,
        title: format!("🟠 Backups of {} unknown", guest_name(guest)),
        body: "I could not read them in time.\nA storage may be slow. Try again.".to_owned(),
        footer: Some(guest_footer(guest)),
    })
    .with_buttons(vec![Button {
        label: "Try again".into(),
        style: Style::Secondary,
        action: Action::BackupList {
            guest: GuestQuery::from(&guest.guest),
            after: 0,
        },
    }])
}
