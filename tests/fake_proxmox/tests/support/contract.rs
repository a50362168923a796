//! The folder with the recorded schema and wire: read where it lies, never copied.

use std::path::PathBuf;

use serde_json::Value;

/// Whether an absent folder fails the tests; no setting of the bot, so not read by its `config`.
#[allow(clippy::disallowed_methods)]
fn is_required() -> bool {
    std::env::var("PVE_STEWARD_CONTRACT").is_ok_and(|it| it == "required")
}

/// The text of one of its files; None, and a word about it, where the folder is absent.
pub fn file(name: &str) -> Option<String> {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../../shared/contract");
    let text = std::fs::read_to_string(folder.join(name)).ok();
    if text.is_none() {
        assert!(
            !is_required(),
            "contract folder absent, but PVE_STEWARD_CONTRACT=required"
        );
        println!("skipped: contract folder absent");
    }
    text
}

/// The schema's endpoints.
pub fn schema() -> Option<Value> {
    let text = file("proxmox-api.json")?;
    let mut all: Value = serde_json::from_str(&text).expect("the schema is JSON");
    Some(all["endpoints"].take())
}

/// One recorded exchange.
pub struct Exchange {
    pub name: String,
    /// Status line and headers.
    pub head: String,
    pub body: String,
    pub seconds: Option<f64>,
}

pub fn wire() -> Option<Vec<Exchange>> {
    let text = file("proxmox-wire.txt")?;
    let sections = text.split("\n### ").skip(1);
    Some(sections.map(exchange).collect())
}

fn exchange(section: &str) -> Exchange {
    let (name, rest) = section.split_once('\n').expect("a name");
    let (head, rest) = rest.split_once("\n\n").unwrap_or((rest, ""));
    let (body, took) = rest.split_once("[took ").unwrap_or((rest, ""));
    Exchange {
        name: name.trim().into(),
        head: head.lines().collect::<Vec<_>>().join("\r\n"),
        body: body.trim_end_matches('\n').into(),
        seconds: took.split_once('s').and_then(|(took, _)| took.parse().ok()),
    }
}
