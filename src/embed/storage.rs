//! Storages: how full, what for, and where they cannot be reached.

use crate::action::Action;
use crate::ids::{NodeRef, StorageName};
use crate::proxmox::{Contents, Count, StorageState};

use super::reply::{Button, Card, Colour, Reply, Style};
use super::status::Age;
use super::words::{bar, percent, plain, share, size};

/// From here on it is worth a look, and from here on it is urgent.
const AMBER: f64 = 0.8;
const RED: f64 = 0.9;

/// One cluster's storages, as far as one person may see them.
#[derive(Debug, Clone)]
pub struct View {
    pub cluster: String,
    pub shelves: Vec<Shelf>,
    /// Nodes of which no storage at all is told.
    pub untold: Vec<String>,
    pub age: Age,
}

/// One storage.
#[derive(Debug, Clone)]
pub struct Shelf {
    pub name: String,
    pub shared: bool,
    /// `dir`, `zfspool`, `nfs` ...
    pub plugin: Option<String>,
    /// `images`, `backup`, `iso` ...
    pub content: Vec<String>,
    /// Bytes; `None`: not told, which is not the same as none.
    pub used: Option<u64>,
    pub total: Option<u64>,
    /// Where it hangs.
    pub places: Vec<Place>,
    pub holds: Holds,
}

/// What lies on one.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Holds {
    #[default]
    NotAsked,
    Listed(Contents),
    Unread,
}

/// A storage at one node.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    pub node: String,
    pub up: bool,
    pub state: StorageState,
}

impl Place {
    #[must_use]
    pub fn reached(&self) -> bool {
        self.up && self.state == StorageState::Available
    }
}

impl Shelf {
    fn full(&self) -> Option<f64> {
        Some(share(self.used?, self.total?))
    }

    /// Where it cannot be reached, though the node is up.
    fn lost(&self) -> Vec<&str> {
        let lost = |place: &&Place| place.up && !place.reached();
        self.places
            .iter()
            .filter(lost)
            .map(|place| place.node.as_str())
            .collect()
    }

    /// No node that is up has it.
    fn away(&self) -> bool {
        !self.places.iter().any(|place| place.up)
    }
}

#[must_use]
pub fn list(views: &[View], only: Option<&NodeRef>, several: bool) -> Reply {
    let card = |view| card(view, &count(view), only, several);
    reply(views.iter().map(card).collect(), None, only)
}

/// One storage alone, wherever it is called so.
#[must_use]
pub fn one(views: &[View], storage: &StorageName, only: Option<&NodeRef>, several: bool) -> Reply {
    let name = plain(storage.as_str());
    let card = |view| card(view, &name, only, several);
    reply(views.iter().map(card).collect(), Some(storage), only)
}

fn reply(cards: Vec<Card>, storage: Option<&StorageName>, only: Option<&NodeRef>) -> Reply {
    Reply {
        cards,
        ..Reply::default()
    }
    .with_buttons(vec![Button {
        label: "Refresh".into(),
        style: Style::Secondary,
        action: Action::StorageList {
            node: only.map(Into::into),
            storage: storage.cloned(),
        },
    }])
}

fn count(view: &View) -> String {
    match view.shelves.len() {
        0 if !view.untold.is_empty() => "No storage is told".to_owned(),
        1 => "1 storage".to_owned(),
        count => format!("{count} storages"),
    }
}

fn card(view: &View, title: &str, only: Option<&NodeRef>, several: bool) -> Card {
    let mut parts: Vec<String> = view.shelves.iter().map(shelf).collect();
    if !view.untold.is_empty() {
        let nodes = view.untold.join(", ");
        parts.push(format!(
            "No storage of {nodes} is told.\nThe bot's token may lack\nDatastore.Audit there."
        ));
    }
    parts.extend(view.age.line());
    let of = match only {
        Some(node) => format!(" on {}", node.node),
        None => String::new(),
    };
    Card {
        colour: colour(view),
        title: format!("💾 {title}{of}"),
        body: parts.join("\n"),
        footer: several.then(|| plain(&view.cluster)),
    }
}

fn colour(view: &View) -> Colour {
    let worst = view.shelves.iter().filter_map(Shelf::full);
    let worst = worst.fold(0.0, f64::max);
    let lost = view.shelves.iter().any(|shelf| !shelf.lost().is_empty());
    match () {
        () if worst >= RED || lost => Colour::Red,
        () if worst >= AMBER => Colour::Amber,
        () if view.age == Age::Never || !view.untold.is_empty() => Colour::Amber,
        () => Colour::Green,
    }
}

fn shelf(shelf: &Shelf) -> String {
    let lost = shelf.lost();
    let everywhere = lost.len() == shelf.places.iter().filter(|place| place.up).count();
    let mark = match shelf.full() {
        _ if shelf.away() => "⚪",
        _ if !lost.is_empty() && everywhere => "🔴",
        Some(full) if full >= RED => "🔴",
        Some(full) if full >= AMBER => "🟠",
        _ if !lost.is_empty() => "🟠",
        Some(_) => "🟢",
        None => "⚪",
    };
    let at = match (&shelf.places[..], shelf.shared) {
        ([only], false) => format!(" on {}", only.node),
        _ => String::new(),
    };
    let mut lines = vec![format!("{mark} **{}**{at}", plain(&shelf.name))];
    lines.push(match (shelf.used, shelf.total) {
        _ if shelf.away() && shelf.places.len() > 1 => "None of its nodes is online.".to_owned(),
        _ if shelf.away() => "Its node is not online.".to_owned(),
        _ if !lost.is_empty() && everywhere => "It cannot be reached.".to_owned(),
        (Some(used), Some(total)) => {
            let full = share(used, total);
            format!(
                "{} {}, {} of {}",
                bar(full),
                percent(full),
                size(used),
                size(total)
            )
        }
        _ => "How full it is, is not told.".to_owned(),
    });
    if !lost.is_empty() && !everywhere {
        lines.push(format!("Not reached from {}.", lost.join(", ")));
    }
    let mut notes: Vec<String> = shelf.plugin.iter().map(|word| plain(word)).collect();
    if shelf.shared {
        notes.push("shared".to_owned());
    }
    if !matches!(shelf.holds, Holds::Listed(_)) {
        notes.extend(kinds(&shelf.content));
    }
    if !notes.is_empty() {
        lines.push(notes.join(" · "));
    }
    lines.extend(holds(shelf));
    lines.join("\n")
}

/// What lies there. Where Proxmox may have left something out, no number is the whole one.
fn holds(shelf: &Shelf) -> Vec<String> {
    let contents = match &shelf.holds {
        Holds::NotAsked => return Vec::new(),
        Holds::Unread => {
            return vec![
                "What lies on it could not be read.\nTry again in a few minutes.".to_owned(),
            ];
        }
        Holds::Listed(contents) => contents,
    };
    let line = |kind: &str| match contents.count(kind) {
        Count::Exactly(0) => format!("• no {}", noun(kind, 0)),
        Count::Exactly(n) => format!("• {n} {}", noun(kind, n)),
        Count::AtLeast(0) => format!("• {}: none that I may see", noun(kind, 0)),
        Count::AtLeast(n) => format!("• at least {n} {}", noun(kind, n)),
    };
    // What it once took still lies there. Proxmox writes `none` for a storage that takes nothing.
    let taken = shelf.content.iter().map(String::as_str);
    let once = |kind: &&str| !shelf.content.iter().any(|taken| taken == kind);
    taken
        .filter(|kind| *kind != "none")
        .chain(contents.kinds().filter(once))
        .map(line)
        .collect()
}

fn noun(kind: &str, count: usize) -> String {
    let (one, many) = match kind {
        "images" => ("disk image", "disk images"),
        "rootdir" => ("container volume", "container volumes"),
        "vztmpl" => ("container template", "container templates"),
        "iso" => ("ISO image", "ISO images"),
        "backup" => ("backup", "backups"),
        "snippets" => ("snippet", "snippets"),
        "import" => ("image to import", "images to import"),
        other => (other, other),
    };
    plain(if count == 1 { one } else { many })
}

/// What may lie there, in everyday words.
fn kinds(content: &[String]) -> Option<String> {
    let word = |kind: &String| match kind.as_str() {
        "images" => "disks".to_owned(),
        "rootdir" => "containers".to_owned(),
        "vztmpl" => "templates".to_owned(),
        "iso" => "ISOs".to_owned(),
        "backup" => "backups".to_owned(),
        other => plain(other),
    };
    let words: Vec<String> = content.iter().map(word).collect();
    (!words.is_empty()).then(|| words.join(", "))
}
