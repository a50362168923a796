//! A [`Reply`] in Discord's words: embeds, buttons, files, and never a mention that nobody meant.
//!
//! Discord refuses a message that is over one of its limits, and then nobody is answered. So the
//! limits hold by construction, those of text in `fit`.

use serde_json::{Map, Value, json};

use super::custom_id;
use super::fit::{WHOLE_ANSWER, laid_out};
use crate::action::{Action, Remark};
use crate::embed::confirm::in_person;
use crate::embed::{Button, Card, Colour, Reply, Style};
use crate::ids::UserId;

const FILES: usize = 10;
const BUTTONS_IN_ROW: usize = 5;
const BUTTONS: usize = 25;
/// Discord takes 10 MiB a file and 25 MiB a request.
const FILE_BYTES: usize = 2 * 1024 * 1024;

const EPHEMERAL: u64 = 64;

/// The custom id of the one line of a form.
pub(super) const FORM_LINE: &str = "line";

/// A message as it goes over the wire, with its files beside it.
#[derive(Debug, Clone)]
pub(super) struct Outgoing {
    pub body: Value,
    /// Name and text, in the order of `attachments` in the body.
    pub files: Vec<(String, String)>,
}

/// The message for everybody in the channel. Good for new messages and for edits alike: every
/// field that an edit could leave over from before is there.
pub(super) fn public(reply: &Reply) -> Outgoing {
    let (body, files) = message(reply);
    Outgoing {
        body: Value::Object(body),
        files,
    }
}

/// The message for the one person who asked. (On an edit the flag is neither needed nor known.)
pub(super) fn private(reply: &Reply) -> Outgoing {
    let mut outgoing = public(reply);
    outgoing.body["flags"] = json!(EPHEMERAL);
    outgoing
}

/// The message to one person alone, with the buttons that work there.
pub(super) fn direct(reply: &Reply) -> Outgoing {
    public(&in_person(reply))
}

/// For everybody in the channel, and `user` is told of it.
pub(super) fn public_for(user: UserId, reply: &Reply) -> Outgoing {
    public_for_all(&[user], reply)
}

/// For everybody in the channel, and these people, each once, are told of it.
pub(super) fn public_for_all(users: &[UserId], reply: &Reply) -> Outgoing {
    let mut outgoing = public(reply);
    let names: Vec<String> = users.iter().map(|user| format!("<@{user}>")).collect();
    let ids: Vec<String> = users.iter().map(ToString::to_string).collect();
    outgoing.body["content"] = json!(names.join(" "));
    outgoing.body["allowed_mentions"] = json!({"parse": [], "users": ids});
    outgoing
}

impl Outgoing {
    /// A body without text or files.
    pub(super) fn bare(body: Value) -> Self {
        Self {
            body,
            files: Vec::new(),
        }
    }

    /// The same as the answer of type `kind` to an interaction.
    pub(super) fn callback(self, kind: u8) -> Self {
        Self {
            body: json!({"type": kind, "data": self.body}),
            files: self.files,
        }
    }
}

/// Acknowledges with the promise of a new message. Who will see it is decided here for good.
pub(super) fn promise(private: bool) -> Outgoing {
    let flags = if private { EPHEMERAL } else { 0 };
    Outgoing::bare(json!({"type": 5, "data": {"flags": flags}}))
}

/// Acknowledges with the promise that the message with the pressed button will change.
pub(super) fn promise_change() -> Outgoing {
    Outgoing::bare(json!({"type": 6}))
}

/// A form with one line that may stay empty. `None`: the action has no custom id.
pub(super) fn form(title: &str, label: &str, action: &Action) -> Option<Outgoing> {
    let id = custom_id::encode(action)?;
    let line = json!({
        "type": 4, "custom_id": FORM_LINE, "label": label, "style": 1, "required": false,
        "max_length": Remark::MOST,
    });
    Some(Outgoing::bare(json!({
        "custom_id": id,
        "title": title,
        "components": [{"type": 1, "components": [line]}],
    })))
}

fn message(reply: &Reply) -> (Map<String, Value>, Vec<(String, String)>) {
    let (cards, overflow) = laid_out(&reply.cards);
    let files: Vec<(String, String)> = overflow
        .map(|text| (WHOLE_ANSWER.to_owned(), text))
        .into_iter()
        .chain(
            reply
                .files
                .iter()
                .map(|file| (file.name.clone(), file.text.clone())),
        )
        .take(FILES)
        .map(bounded)
        .collect();
    let names: Vec<Value> = files
        .iter()
        .enumerate()
        .map(|(id, (name, _))| json!({"id": id, "filename": name}))
        .collect();
    // Discord refuses a message without anything in it.
    let content = if cards.is_empty() && files.is_empty() {
        "\u{200b}"
    } else {
        ""
    };
    let mut body = Map::new();
    body.insert("content".to_owned(), json!(content));
    body.insert("embeds".to_owned(), cards.iter().map(embed).collect());
    body.insert("components".to_owned(), rows(&reply.buttons));
    body.insert("attachments".to_owned(), Value::Array(names));
    body.insert("allowed_mentions".to_owned(), json!({"parse": []}));
    (body, files)
}

/// A file too big for Discord keeps its end, where logs say how it went, and says so by its name.
fn bounded((name, text): (String, String)) -> (String, String) {
    if text.len() <= FILE_BYTES {
        return (name, text);
    }
    let start = text.ceil_char_boundary(text.len() - FILE_BYTES);
    (format!("end-of-{name}"), text[start..].to_owned())
}

fn embed(card: &Card) -> Value {
    let mut embed = Map::new();
    embed.insert("color".to_owned(), json!(colour(card.colour)));
    if !card.title.is_empty() {
        embed.insert("title".to_owned(), json!(card.title));
    }
    if !card.body.is_empty() {
        embed.insert("description".to_owned(), json!(card.body));
    }
    if let Some(footer) = &card.footer {
        embed.insert("footer".to_owned(), json!({"text": footer}));
    }
    Value::Object(embed)
}

fn colour(colour: Colour) -> u32 {
    match colour {
        Colour::Green => 0x2e_cc71,
        Colour::Grey => 0x95_a5a6,
        Colour::Amber => 0xf1_a90f,
        Colour::Red => 0xe7_4c3c,
    }
}

fn rows(buttons: &[Button]) -> Value {
    let mut shown: Vec<(String, Value)> = Vec::new();
    for button in buttons {
        match custom_id::encode(&button.action) {
            // Discord refuses two buttons with the same id; the second would do the same anyway.
            Some(id) if shown.iter().any(|(other, _)| *other == id) => {}
            Some(id) if shown.len() < BUTTONS => {
                let style = match button.style {
                    Style::Primary => 1,
                    Style::Secondary => 2,
                    Style::Danger => 4,
                };
                let json =
                    json!({"type": 2, "style": style, "label": button.label, "custom_id": id});
                shown.push((id, json));
            }
            _ => tracing::error!(
                action.key = button.action.key(),
                "button left out: it does not fit"
            ),
        }
    }
    let row = |row: &[(String, Value)]| {
        let buttons: Vec<&Value> = row.iter().map(|(_, json)| json).collect();
        json!({"type": 1, "components": buttons})
    };
    shown.chunks(BUTTONS_IN_ROW).map(row).collect()
}

#[cfg(test)]
mod tests {
    use super::super::fit::{BODY, EMBEDS, FOOTER, TEXT, TITLE, length};
    use super::*;
    use crate::action::{QuestionId, Ruling, Yes};
    use crate::embed::File;
    use crate::ids::RequestId;

    fn card(title: &str, body: &str, footer: Option<&str>) -> Card {
        Card {
            colour: Colour::Green,
            title: title.to_owned(),
            body: body.to_owned(),
            footer: footer.map(str::to_owned),
        }
    }

    fn button(action: Action) -> Button {
        Button {
            label: "Go".into(),
            style: Style::Danger,
            action,
        }
    }

    /// Everything that Discord would refuse.
    fn assert_within_limits(outgoing: &Outgoing) {
        let text = |value: &Value| length(value.as_str().unwrap_or_default());
        let embeds = outgoing.body["embeds"].as_array().unwrap();
        let mut total = 0;
        for embed in embeds {
            let (title, body) = (text(&embed["title"]), text(&embed["description"]));
            let footer = text(&embed["footer"]["text"]);
            assert!(title <= TITLE && body <= BODY && footer <= FOOTER);
            assert!(title + body + footer > 0);
            total += title + body + footer;
        }
        assert!(embeds.len() <= EMBEDS && total <= TEXT);
        assert!(
            !embeds.is_empty() || text(&outgoing.body["content"]) > 0 || !outgoing.files.is_empty()
        );
        assert_eq!(
            outgoing.body["attachments"].as_array().unwrap().len(),
            outgoing.files.len()
        );
        assert_eq!(outgoing.body["allowed_mentions"], json!({"parse": []}));
    }

    #[test]
    fn a_card_is_an_embed() {
        let reply = Reply::card(card("101 valheim", "running", Some("home")))
            .with_buttons(vec![button(Action::Status(None))]);
        let body = public(&reply).body;
        assert_eq!(
            body["embeds"],
            json!([{"color": 0x2e_cc71, "title": "101 valheim", "description": "running",
                    "footer": {"text": "home"}}])
        );
        assert_eq!(
            body["components"],
            json!([{"type": 1, "components": [
                {"type": 2, "style": 4, "label": "Go", "custom_id": "1:summary"}]}])
        );
        assert_eq!(body["attachments"], json!([]));
        assert_eq!(private(&reply).body["flags"], 64);
    }

    #[test]
    fn a_long_body_is_split_at_line_ends_and_nothing_is_lost() {
        let body = "0123456789 💥\n".repeat(400);
        let outgoing = public(&Reply::card(card("title", &body, Some("end"))));
        assert_within_limits(&outgoing);
        let embeds = outgoing.body["embeds"].as_array().unwrap();
        assert_eq!(embeds.len(), 2);
        let whole: Vec<&str> = embeds
            .iter()
            .map(|e| e["description"].as_str().unwrap())
            .collect();
        assert_eq!(whole.join("\n").trim_end(), body.trim_end());
        assert_eq!(embeds[1]["footer"]["text"], "end");
        assert!(embeds[1].get("title").is_none());
    }

    #[test]
    fn what_does_not_fit_is_in_the_file_whole() {
        let body = "a line of words\n".repeat(2000);
        let outgoing = public(&Reply::card(card("title", &body, None)));
        assert_within_limits(&outgoing);
        assert_eq!(outgoing.files[0].0, WHOLE_ANSWER);
        assert!(outgoing.files[0].1.contains(&body));
        let last = outgoing.body["embeds"].as_array().unwrap().last().unwrap();
        assert!(last["description"].as_str().unwrap().contains(WHOLE_ANSWER));
    }

    #[test]
    fn hostile_lengths_stay_within_limits() {
        let long = "💥".repeat(9000);
        for (title, body, footer) in [
            (long.as_str(), "", None),
            ("", long.as_str(), Some(long.as_str())),
            ("", "", Some(long.as_str())),
            (&long[..4 * 128], "x", Some(&long[..4 * 1024])),
            ("", "", None),
            (" ", "\n", Some(" ")),
        ] {
            for copies in [1, 2, 12] {
                let reply = Reply {
                    cards: vec![card(title, body, footer); copies],
                    ..Reply::default()
                };
                assert_within_limits(&public(&reply));
            }
        }
        assert_within_limits(&public(&Reply::default()));
    }

    #[test]
    fn files_are_listed_and_bounded() {
        let reply = Reply {
            files: vec![
                File {
                    name: "task.log".to_owned(),
                    text: format!("{}END", "é".repeat(FILE_BYTES)),
                };
                12
            ],
            ..Reply::card(card("t", "b", None))
        };
        let outgoing = public(&reply);
        assert_within_limits(&outgoing);
        assert_eq!(outgoing.files.len(), FILES);
        let (name, text) = &outgoing.files[0];
        assert_eq!(name, "end-of-task.log");
        assert!(text.len() <= FILE_BYTES && text.ends_with("END"));
    }

    #[test]
    fn buttons_are_unique_and_five_a_row() {
        let mut buttons: Vec<Button> = (0..30)
            .map(|id| button(Action::Confirm(QuestionId(id))))
            .collect();
        buttons.push(button(Action::Confirm(QuestionId(0))));
        let body = public(&Reply::card(card("t", "b", None)).with_buttons(buttons)).body;
        let rows = body["components"].as_array().unwrap();
        assert_eq!(rows.len(), 5);
        assert!(
            rows.iter()
                .all(|row| row["components"].as_array().unwrap().len() == 5)
        );
    }

    #[test]
    fn a_direct_message_has_the_buttons_that_work_there() {
        let id = RequestId(1);
        let yes = Ruling::Yes(Yes::Once);
        let once = Action::Rule {
            request: id,
            ruling: yes,
        };
        let status = Action::Status(None);
        let buttons = [once, Action::Decline(id), status, Action::Help].map(button);
        let reply = Reply::card(card("t", "b", None)).with_buttons(buttons.into());
        let ids = |outgoing: &Outgoing| {
            let row = outgoing.body["components"][0]["components"].clone();
            let row = row.as_array().cloned().unwrap_or_default();
            let id = |button: &Value| button["custom_id"].as_str().unwrap().to_owned();
            row.iter().map(id).collect::<Vec<_>>()
        };
        assert_eq!(ids(&direct(&reply)), ["1:once:1", "1:why:1"]);
        assert_eq!(ids(&public(&reply)).len(), 4);
    }

    #[test]
    fn one_person_may_be_mentioned_and_nobody_else() {
        let body = public_for(UserId(7), &Reply::card(card("t", "@everyone <@8>", None))).body;
        assert_eq!(body["content"], "<@7>");
        assert_eq!(
            body["allowed_mentions"],
            json!({"parse": [], "users": ["7"]})
        );
    }
}
