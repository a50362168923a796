//! The commands that the bot registered, as Discord's client lists them.

use fake_discord::Discord;
use fake_discord::setup::HOME;
use serde_json::Value;

pub struct Entry {
    /// `/vm start`
    pub command: String,
    /// `guest`
    pub options: Vec<String>,
    pub help: String,
}

pub fn entries(discord: &Discord) -> Vec<Entry> {
    let mut found = Vec::new();
    for command in discord.commands(HOME) {
        collect(&command, "/", &mut found);
    }
    found
}

/// A command, or what stands below it where it only groups others.
fn collect(command: &Value, above: &str, found: &mut Vec<Entry>) {
    let name = format!("{above}{}", text(command, "name"));
    let options = command["options"]
        .as_array()
        .map(Vec::as_slice)
        .unwrap_or_default();
    let (below, own): (Vec<&Value>, Vec<&Value>) = options
        .iter()
        .partition(|option| matches!(option["type"].as_u64(), Some(1 | 2)));
    for sub in &below {
        collect(sub, &format!("{name} "), found);
    }
    if below.is_empty() {
        found.push(Entry {
            command: name,
            options: own.iter().map(|option| text(option, "name")).collect(),
            help: text(command, "description"),
        });
    }
}

fn text(json: &Value, key: &str) -> String {
    json[key].as_str().unwrap_or_default().to_owned()
}

/// One line a command.
pub fn lines(discord: &Discord) -> Vec<String> {
    let line = |entry: &Entry| {
        let typed = format!("{} {}", entry.command, entry.options.join(" "));
        format!("  {typed:22} {}", entry.help)
    };
    entries(discord).iter().map(line).collect()
}
