//! A guest's addresses and configuration, for one pair of eyes: never on a public card.

use std::net::IpAddr;

use crate::action::GuestFacts;
use crate::proxmox::{Disk, GuestConfig};

use super::reply::{Card, Colour, Reply};
use super::words::{guest_footer, guest_name, plain, size};

/// What could be read in time.
#[derive(Debug, Clone, Default)]
pub struct Details {
    pub config: Option<GuestConfig>,
    pub addresses: Option<Vec<IpAddr>>,
}

/// So many addresses and disks are shown; whoever has more opens the web interface.
const MOST: usize = 6;

/// Beside a public card.
#[must_use]
pub fn aside(guest: &GuestFacts, details: &Details) -> Option<Reply> {
    let lines = lines(details);
    (!lines.is_empty()).then(|| {
        Reply::card(Card {
            colour: Colour::Grey,
            title: format!("🔎 {}", guest_name(guest)),
            body: lines.join("\n"),
            footer: Some(guest_footer(guest)),
        })
    })
}

#[must_use]
pub(super) fn lines(details: &Details) -> Vec<String> {
    let mut lines = Vec::new();
    if let Some(addresses) = details.addresses.as_ref().filter(|list| !list.is_empty()) {
        lines.extend(addresses.iter().take(MOST).map(|one| format!("`{one}`")));
        lines.extend(more(addresses.len(), "addresses"));
    }
    if let Some(config) = &details.config {
        lines.push(hardware(config));
        lines.extend(config.disks.iter().take(MOST).map(disk));
        lines.extend(more(config.disks.len(), "disks"));
        if !config.boot.is_empty() {
            let order: Vec<String> = config.boot.iter().map(|key| plain(key)).collect();
            lines.push(format!("Boots from {}", order.join(", ")));
        }
        if config.on_boot {
            lines.push("Starts with its node".to_owned());
        }
        if let Some(notes) = &config.notes {
            let short: String = notes.chars().take(100).collect();
            lines.push(format!("> {}", plain(&short)));
        }
    }
    lines
}

fn hardware(config: &GuestConfig) -> String {
    let cores = match config.cores {
        Some(1) => "1 core".to_owned(),
        Some(cores) => format!("{cores} cores"),
        None => "All cores".to_owned(),
    };
    match config.memory {
        Some(memory) => format!("{cores}, {} memory", size(memory)),
        None => cores,
    }
}

fn disk(disk: &Disk) -> String {
    let size = disk.size.as_deref().map(|size| format!(" {}", plain(size)));
    let on = disk.storage.as_deref();
    let on = on.map(|storage| format!(" on {}", plain(storage)));
    format!(
        "{}{}{}",
        plain(&disk.key),
        size.unwrap_or_default(),
        on.unwrap_or_default()
    )
}

fn more(all: usize, what: &str) -> Option<String> {
    (all > MOST).then(|| format!("and {} more {what}", all - MOST))
}
