//! Holds what went over the wire against the published contracts, where they are at hand.
//!
//! Discord's document knows the REST requests and answers, and of the gateway's events only
//! the objects inside them. Proxmox's schema knows parameters and answers. Neither is part of this
//! project: both are read where they lie, and without them nothing is checked.

#![allow(
    clippy::expect_used,
    clippy::panic,
    reason = "a contract that cannot be read fails the test"
)]

mod beyond;
mod discord;
mod events;
mod explain;
mod formats;
mod leniency;
mod openapi;
mod perl_schema;
mod proxmox;

use std::collections::BTreeSet;
use std::io::Write as _;
use std::path::PathBuf;
use std::sync::OnceLock;

use fake_discord::Discord;
use fake_proxmox::Cluster;
use serde_json::Value;

pub use discord::wrong_in as wrong_on_discord;
pub use events::wrong_in as wrong_in_events;
pub use proxmox::wrong_in as wrong_on_proxmox;

/// Panics with everything that does not fit. Does nothing where the contracts are not at hand.
pub fn check(px: &Cluster, dc: &Discord) {
    if !at_hand() {
        return;
    }
    let mut wrong = wrong_on_discord(&dc.requests());
    wrong.extend(wrong_in_events(&dc.sent_events()));
    wrong.extend(wrong_on_proxmox(&px.requests()));
    // What is wrong is mostly wrong each time.
    let wrong: BTreeSet<String> = wrong.into_iter().collect();
    let told: Vec<String> = wrong.into_iter().collect();
    assert!(
        told.is_empty(),
        "this does not fit the contracts:\n{}",
        told.join("\n")
    );
}

/// The operations that were asked for, by the names that the contracts give them.
pub fn operations(px: &Cluster, dc: &Discord) -> BTreeSet<String> {
    let discord = dc.requests();
    let proxmox = px.requests();
    let discord = discord
        .iter()
        .map(|it| format!("discord {} {}", discord::name(it), it.status));
    let proxmox = proxmox
        .iter()
        .map(|it| format!("proxmox {} {}", proxmox::name(it), it.status));
    discord.chain(proxmox).collect()
}

/// Whether the contracts are there. Says so once when they are not.
///
/// # Panics
/// When they are not there and `PVE_STEWARD_CONTRACT=required`.
pub fn at_hand() -> bool {
    static THERE: OnceLock<bool> = OnceLock::new();
    *THERE.get_or_init(|| match verdict(folder().is_dir(), is_required()) {
        Ok(None) => true,
        Ok(Some(word)) => {
            // Not by a macro: those are held back while a test passes.
            let _ = writeln!(std::io::stderr(), "{word}");
            false
        }
        Err(word) => panic!("{word}"),
    })
}

/// What to say about an absent folder; `Err`: it is needed.
pub fn verdict(there: bool, required: bool) -> Result<Option<&'static str>, &'static str> {
    match (there, required) {
        (true, _) => Ok(None),
        (false, false) => Ok(Some("contract folder absent: wire checks skipped")),
        (false, true) => Err("contract folder absent, but PVE_STEWARD_CONTRACT=required"),
    }
}

#[allow(
    clippy::disallowed_methods,
    reason = "a switch of the tests, not a setting of the bot"
)]
fn is_required() -> bool {
    std::env::var("PVE_STEWARD_CONTRACT").is_ok_and(|value| value == "required")
}

fn folder() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../shared/contract")
}

fn document(name: &str) -> Value {
    let text = std::fs::read(folder().join(name));
    let text = text.unwrap_or_else(|error| panic!("{name} of the contracts: {error}"));
    serde_json::from_slice(&text).unwrap_or_else(|error| panic!("{name} is no JSON: {error}"))
}
