//! A message as readable text, for snapshots and for looking things up.

use serde_json::Value;

use crate::message::Message;

impl Message {
    /// Everything a reader sees: private mark, content, embeds, buttons, menus, attachments.
    pub fn text(&self) -> String {
        let mut lines = Vec::new();
        if let Some(name) = &self.ephemeral_for_name {
            lines.push(format!("🔒 only {name}"));
        }
        if self.thinking {
            lines.push(format!("{} is thinking...", self.author));
        }
        if !self.content.is_empty() {
            lines.push(self.content.clone());
        }
        for embed in &self.embeds {
            embed_lines(embed, &mut lines);
        }
        for component in &self.components {
            component_lines(component, &mut lines);
        }
        for attachment in &self.attachments {
            let description = attachment
                .description
                .as_ref()
                .map(|text| format!(": {text}"))
                .unwrap_or_default();
            lines.push(format!("📎 {}{description}", attachment.name));
        }
        lines.join("\n")
    }

    /// The labels of all buttons, in order.
    pub fn buttons(&self) -> Vec<String> {
        interactive(&self.components)
            .iter()
            .filter(|c| c["type"] == 2)
            .map(|c| button_label(c))
            .collect()
    }

    /// The colour of the first embed.
    pub fn color(&self) -> Option<u64> {
        self.embeds.first()?["color"].as_u64()
    }

    /// The attachment of that name.
    pub fn attachment(&self, name: &str) -> Option<&crate::message::Attachment> {
        self.attachments
            .iter()
            .find(|attachment| attachment.name == name)
    }

    /// The component with that label (button) or placeholder or custom id (menu).
    pub(crate) fn component(&self, name: &str) -> Option<&Value> {
        interactive(&self.components).into_iter().find(|component| {
            button_label(component) == name
                || component["placeholder"] == name
                || component["custom_id"] == name
        })
    }
}

/// All buttons and menus below, rows, sections and containers opened.
pub(crate) fn interactive(components: &[Value]) -> Vec<&Value> {
    let mut found = Vec::new();
    for component in components {
        if matches!(component["type"].as_u64(), Some(2..=8)) {
            found.push(component);
        }
        if let Some(children) = component["components"].as_array() {
            found.extend(interactive(children));
        }
        if component["accessory"].is_object() {
            found.extend(interactive(std::slice::from_ref(&component["accessory"])));
        }
    }
    found
}

pub(crate) fn button_label(button: &Value) -> String {
    let emoji = button["emoji"]["name"].as_str().unwrap_or_default();
    let label = button["label"].as_str().unwrap_or_default();
    if label.is_empty() {
        emoji.to_owned()
    } else {
        label.to_owned()
    }
}

fn embed_lines(embed: &Value, lines: &mut Vec<String>) {
    let mut push = |text: &str| {
        let bordered = text
            .lines()
            .map(|line| format!("│ {line}").trim_end().to_owned());
        lines.extend(bordered);
    };
    for text in [
        &embed["author"]["name"],
        &embed["title"],
        &embed["description"],
    ] {
        push(text.as_str().unwrap_or_default());
    }
    for field in embed["fields"].as_array().into_iter().flatten() {
        push(&format!("• {}", field["name"].as_str().unwrap_or_default()));
        push(field["value"].as_str().unwrap_or_default());
    }
    for picture in ["thumbnail", "image"] {
        if let Some(url) = embed[picture]["url"].as_str() {
            let name = url.rsplit('/').next().unwrap_or(url);
            push(&format!(
                "[{picture}: {}]",
                name.split('?').next().unwrap_or(name)
            ));
        }
    }
    if let Some(footer) = embed["footer"]["text"].as_str() {
        push(&format!("— {footer}"));
    }
    if let Some(stamp) = embed["timestamp"].as_str() {
        push(&format!("⏱ {stamp}"));
    }
}

fn component_lines(component: &Value, lines: &mut Vec<String>) {
    match component["type"].as_u64() {
        Some(1) => {
            let row: Vec<String> = component["components"]
                .as_array()
                .into_iter()
                .flatten()
                .map(control)
                .collect();
            lines.push(row.join(" "));
        }
        Some(10) => lines.push(component["content"].as_str().unwrap_or_default().to_owned()),
        Some(14) => lines.push("────".into()),
        _ => {
            for child in component["components"].as_array().into_iter().flatten() {
                component_lines(child, lines);
            }
            for item in component["items"].as_array().into_iter().flatten() {
                lines.push(format!(
                    "[media: {}]",
                    item["media"]["url"].as_str().unwrap_or_default()
                ));
            }
            if component["accessory"].is_object() {
                lines.push(control(&component["accessory"]));
            }
        }
    }
}

fn control(component: &Value) -> String {
    let off = if component["disabled"] == true {
        ", disabled"
    } else {
        ""
    };
    if component["type"] != 2 {
        let options = component["options"].as_array().into_iter().flatten();
        let labels: Vec<&str> = options
            .filter_map(|option| option["label"].as_str())
            .collect();
        let placeholder = component["placeholder"].as_str().unwrap_or_default();
        return format!("▾ {placeholder}{off}: {}", labels.join(" | "));
    }
    let style = match component["style"].as_u64() {
        Some(1) => "primary",
        Some(2) => "secondary",
        Some(3) => "success",
        Some(4) => "danger",
        Some(5) => "link",
        _ => "premium",
    };
    let emoji = component["emoji"]["name"]
        .as_str()
        .map(|emoji| format!("{emoji} "))
        .unwrap_or_default();
    let label = component["label"].as_str().unwrap_or_default();
    format!("[{}] ({style}{off})", format!("{emoji}{label}").trim_end())
}
