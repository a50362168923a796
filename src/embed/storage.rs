//! Storages: how full, what for, and where they cannot be reached.

use crate::action::Action;
use crate::ids::NodeRef;
use crate::proxmox::StorageState;

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
}

/// A storage at one node.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    pub node: String,
    pub up: bool,
    pub state: StorageState,
}

impl Shelf {
    fn full(&self) -> Option<f64> {
        Some(share(self.used?, self.total?))
    }

    /// Where it cannot be reached, though the node is up.
    fn lost(&self) -> Vec<&str> {
        let lost = |place: &&Place| place.up && place.state != StorageState::Available;
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
    let cards = views.iter().map(|view| card(view, only, several)).collect();
    Reply {
        cards,
        ..Reply::default()
    }
    .with_buttons(vec![Button {
        label: "Refresh".into(),
        style: Style::Secondary,
        action: Action::StorageList(only.map(Into::into)),
    }])
}

fn card(view: &View, only: Option<&NodeRef>, several: bool) -> Card {
    let mut parts: Vec<String> = view.shelves.iter().map(shelf).collect();
    if !view.untold.is_empty() {
        let nodes = view.untold.join(", ");
        parts.push(format!(
            "No storage of {nodes} is told.\nThe bot's token may lack\nDatastore.Audit there."
        ));
    }
    parts.extend(view.age.line());
    let count = view.shelves.len();
    let plural = if count == 1 { "" } else { "s" };
    let of = match only {
        Some(node) => format!(" on {}", node.node),
        None => String::new(),
    };
    let title = if count == 0 && !view.untold.is_empty() {
        format!("💾 No storage is told{of}")
    } else {
        format!("💾 {count} storage{plural}{of}")
    };
    Card {
        colour: colour(view),
        title,
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
    notes.extend(kinds(&shelf.content));
    if !notes.is_empty() {
        lines.push(notes.join(" · "));
    }
    lines.join("\n")
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
