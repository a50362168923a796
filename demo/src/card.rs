//! One version of one message, in lines.

use fake_discord::Message;
use serde_json::Value;

use crate::words::Reading;

/// What stands above a message: when, and whether others see it too.
pub struct Heading<'a> {
    /// Since the person acted.
    pub seconds: f32,
    pub direct: bool,
    pub message: &'a Message,
}

/// A message with its heading, ready to be printed.
pub fn lines(heading: &Heading<'_>, reading: &Reading<'_>) -> Vec<String> {
    let message = heading.message;
    let mut lines = vec![heading.line(reading)];
    if !message.content.is_empty() {
        lines.extend(indented(&reading.of(&message.content), "  "));
    }
    for embed in &message.embeds {
        lines.extend(card(embed, reading));
    }
    for file in &message.attachments {
        lines.push(format!("  📎 {} ({} bytes)", file.name, file.bytes.len()));
    }
    let buttons = buttons(message);
    if !buttons.is_empty() {
        lines.push(format!("  {}", reading.paint.bold(&buttons.join("   "))));
    }
    lines
}

/// Said instead of a message that is no longer there.
pub fn deleted(heading: &Heading<'_>, reading: &Reading<'_>) -> String {
    let what = match heading.message.embeds.first() {
        Some(embed) => reading.of(embed["title"].as_str().unwrap_or("a message")),
        None => "a message".to_owned(),
    };
    format!("{} deleted: {what}", heading.line(reading))
}

impl Heading<'_> {
    fn line(&self, reading: &Reading<'_>) -> String {
        let message = self.message;
        let mut line = format!("{:4.1} s  {}", self.seconds, message.author);
        if message.edits > 0 {
            line.push_str(" (edited)");
        }
        if let Some(name) = &message.ephemeral_for_name {
            let private = format!(" 🔒 private: only {name} sees this");
            line.push_str(&private);
        }
        if self.direct {
            line.push_str(" ✉ direct message");
        }
        reading.paint.dim(&line)
    }
}

fn card(embed: &Value, reading: &Reading<'_>) -> Vec<String> {
    let mut text = Vec::new();
    if let Some(title) = embed["title"].as_str() {
        text.push(reading.paint.bold(&reading.of(title)));
    }
    if let Some(body) = embed["description"].as_str() {
        text.extend(reading.of(body).lines().map(str::to_owned));
    }
    for field in embed["fields"].as_array().into_iter().flatten() {
        for part in ["name", "value"] {
            let part = reading.of(field[part].as_str().unwrap_or_default());
            text.extend(part.lines().map(str::to_owned));
        }
    }
    if let Some(footer) = embed["footer"]["text"].as_str() {
        text.push(reading.paint.dim(footer));
    }
    let edge = reading
        .paint
        .rgb(embed["color"].as_u64().unwrap_or_default(), "┃");
    let line = |line: String| format!("  {edge} {line}").trim_end().to_owned();
    text.into_iter().map(line).collect()
}

fn indented(text: &str, by: &str) -> Vec<String> {
    text.lines().map(|line| format!("{by}{line}")).collect()
}

/// `[1] Shutdown`, in the order in which a number presses them.
fn buttons(message: &Message) -> Vec<String> {
    let labels = message.buttons().into_iter().enumerate();
    labels
        .map(|(n, label)| format!("[{}] {label}", n + 1))
        .collect()
}

/// Says that the act still goes on: the card's mark for it, and nothing to press but what is there
/// while it does. A request that waits for somebody's decision is nothing to wait for: who decides may
/// be the same person at the keyboard.
pub fn is_at_work(message: &Message) -> bool {
    let title = message
        .embeds
        .first()
        .and_then(|embed| embed["title"].as_str());
    let works = title.is_some_and(|title| title.starts_with('🟡') && !title.ends_with(": asked"));
    let meanwhile = ["Notify me", "Stop now"];
    let others = |label: &String| !meanwhile.contains(&label.as_str());
    works && !message.buttons().iter().any(others)
}
