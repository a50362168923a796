//! Proxmox's own formats, as far as the bot sends something that has one.

use jsonschema::ValidationOptions;
use serde_json::Value;

type Fits = fn(&str) -> bool;

const FORMATS: &[(&str, Fits)] = &[
    ("pve-node", is_label),
    // Numbers, and their limits stand beside the format.
    ("pve-vmid", |_| true),
    ("pve-storage-id", |text| {
        text.starts_with(|c: char| c.is_ascii_alphabetic()) && is_word(text)
    }),
    ("pve-configid", |text| {
        let inside = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
        text.len() > 1
            && text.starts_with(|c: char| c.is_ascii_alphabetic())
            && text.chars().all(inside)
    }),
    ("pve-storage-content", |text| {
        let known = [
            "backup", "images", "import", "iso", "rootdir", "snippets", "vztmpl",
        ];
        known.contains(&text)
    }),
    ("pve-vmid-list", |text| {
        text.split(',')
            .all(|id| (3..=9).contains(&id.len()) && id.chars().all(|c| c.is_ascii_digit()))
    }),
    ("pve-poolid", |text| text.split('/').all(is_word)),
    ("pve-userid", is_user),
    ("pve-roleid-list", |text| text.split(',').all(is_word)),
    ("pve-tokenid-list", |text| {
        text.split(',').all(|token| {
            let parts = token.rsplit_once('!');
            parts.is_some_and(|(user, name)| is_user(user) && is_word(name))
        })
    }),
];

/// How every schema of Proxmox's is compiled.
pub fn options() -> ValidationOptions<'static> {
    let options = jsonschema::options().should_validate_formats(true);
    FORMATS.iter().fold(options, |options, (name, fits)| {
        options.with_format(*name, fits)
    })
}

/// A format that nobody checks here would be a hole.
pub fn unchecked(name: &str, schema: &Value) -> Option<String> {
    let format = schema["format"].as_str()?;
    let known = FORMATS.iter().any(|(known, _)| *known == format);
    (!known).then(|| format!("/{name}: its format {format} is not checked, see FORMATS"))
}

fn is_label(text: &str) -> bool {
    let plain = text.chars().all(|c| c.is_ascii_alphanumeric() || c == '-');
    plain && !text.is_empty() && !text.starts_with('-') && !text.ends_with('-')
}

fn is_user(text: &str) -> bool {
    let odd = |c: char| c.is_whitespace() || ":/".contains(c);
    text.rsplit_once('@')
        .is_some_and(|(name, realm)| !name.is_empty() && !name.contains(odd) && is_word(realm))
}

fn is_word(text: &str) -> bool {
    !text.is_empty()
        && text
            .chars()
            .all(|c| c.is_ascii_alphanumeric() || "-_.".contains(c))
}
