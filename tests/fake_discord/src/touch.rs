//! Buttons, menus and modals, used by a person.

use serde_json::{Map, Value, json};

use crate::answer::Answer;
use crate::interaction::{Start, Who, begin};
use crate::message::Message;
use crate::person::Person;
use crate::render;
use crate::rules::modal;
use crate::typed_value;

impl Person {
    /// Presses the button of that label, if the client would let them.
    pub async fn click(&self, message: &Message, label: &str) -> Answer {
        self.try_click(message, label)
            .await
            .unwrap_or_else(|problem| panic!("{problem}"))
    }

    #[allow(clippy::unused_async)]
    pub async fn try_click(&self, message: &Message, label: &str) -> Result<Answer, String> {
        let button = self.reach(message, label)?;
        if button["type"] != 2 || button["custom_id"].is_null() {
            return Err(format!("`{label}` is not a button that reaches the bot"));
        }
        Ok(self.touch(
            message,
            &json!({"custom_id": button["custom_id"], "component_type": 2, "id": button["id"]}),
            label,
            &Value::Null,
        ))
    }

    /// A press without any check of the client: forged ids, buttons long gone, other people's messages.
    #[allow(clippy::unused_async)]
    pub async fn press(&self, message: &Message, custom_id: &str) -> Answer {
        self.touch(
            message,
            &json!({"custom_id": custom_id, "component_type": 2, "id": 1}),
            custom_id,
            &Value::Null,
        )
    }

    #[allow(clippy::unused_async)]
    pub async fn raw_press(&self, message: &Message, custom_id: &str, patch: Value) -> Answer {
        self.touch(
            message,
            &json!({"custom_id": custom_id, "component_type": 2, "id": 1}),
            custom_id,
            &patch,
        )
    }

    /// Picks in the menu of that placeholder or custom id, by label, value, name or id.
    pub async fn select(&self, message: &Message, menu: &str, picks: &[&str]) -> Answer {
        self.try_select(message, menu, picks)
            .await
            .unwrap_or_else(|problem| panic!("{problem}"))
    }

    #[allow(clippy::unused_async)]
    pub async fn try_select(
        &self,
        message: &Message,
        menu: &str,
        picks: &[&str],
    ) -> Result<Answer, String> {
        let found = self.reach(message, menu)?;
        let kind = found["type"].as_u64().unwrap_or_default();
        let count = picks.len() as u64;
        if count < found["min_values"].as_u64().unwrap_or(1)
            || count > found["max_values"].as_u64().unwrap_or(1)
        {
            return Err(format!("`{menu}` does not take {count} values"));
        }
        let mut resolved = Map::new();
        let mut values = Vec::new();
        for pick in picks {
            values.push(match kind {
                3 => option_value(&found, pick)?,
                5..=8 => typed_value::resolve_picked(
                    &self.shared.look(),
                    self.who.guild,
                    kind,
                    pick,
                    &mut resolved,
                )?,
                _ => return Err(format!("`{menu}` is not a menu")),
            });
        }
        let mut data = json!({"custom_id": found["custom_id"], "component_type": kind, "id": found["id"], "values": values});
        if !resolved.is_empty() {
            data["resolved"] = Value::Object(resolved);
        }
        Ok(self.touch(
            message,
            &data,
            &format!("{menu}: {}", picks.join(", ")),
            &Value::Null,
        ))
    }

    /// Fills in the modal that this answer opened; fields by label or custom id.
    #[allow(clippy::unused_async)]
    pub async fn submit_modal(&self, answer: &Answer, fields: &[(&str, &str)]) -> Answer {
        let opened = answer.interaction;
        let id = self.shared.change(|state| {
            let interaction = state
                .interactions
                .get(&opened)
                .unwrap_or_else(|| panic!("no such interaction"));
            let modal = interaction
                .modal
                .clone()
                .unwrap_or_else(|| panic!("no modal was opened:\n{}", state.story(opened)));
            let source = interaction.source;
            let rows: Vec<Value> = modal["components"]
                .as_array()
                .into_iter()
                .flatten()
                .map(|row| fill(row, fields))
                .collect();
            let data = json!({"custom_id": modal["custom_id"], "components": rows});
            let deed = format!("submits the modal {}", modal["title"]);
            begin(
                state,
                &self.who,
                Start {
                    kind: 5,
                    data,
                    source,
                    deed,
                    name: String::new(),
                    parent: Some(opened),
                },
                &Value::Null,
            )
        });
        self.answer(id)
    }

    /// The component as this person's client shows it now.
    fn reach(&self, message: &Message, name: &str) -> Result<Value, String> {
        let state = self.shared.look();
        let who = state.person_name(self.who.person);
        let stored = state.messages.get(&message.id).ok_or("no such message")?;
        if stored.deleted {
            return Err(format!(
                "{who} cannot press `{name}`: the message is deleted"
            ));
        }
        if stored
            .ephemeral_for
            .is_some_and(|reader| reader != self.who.person)
        {
            return Err(format!(
                "{who} cannot press `{name}`: the message is only shown to {}",
                state.person_name(stored.ephemeral_for.unwrap_or(0))
            ));
        }
        if state
            .person_of_direct(stored.channel)
            .is_some_and(|reader| reader != self.who.person)
        {
            return Err(format!(
                "{who} cannot press `{name}`: it is in somebody else's direct messages"
            ));
        }
        let number = stored.versions.len().saturating_sub(1);
        let now = stored.view(
            &state,
            stored.versions.last().ok_or("an empty message")?,
            number,
        );
        let component = now
            .component(name)
            .cloned()
            .ok_or_else(|| format!("{who} sees no `{name}` in:\n{}", now.text()))?;
        if component["disabled"] == true {
            return Err(format!("{who} cannot press `{name}`: it is disabled"));
        }
        Ok(component)
    }

    fn touch(&self, message: &Message, data: &Value, what: &str, patch: &Value) -> Answer {
        let id = self.shared.change(|state| {
            // A component is used where its message stands, wherever its presser last typed.
            let guild = state
                .messages
                .get(&message.id)
                .map_or(self.who.guild, |stored| stored.guild);
            let who = Who {
                guild,
                channel: message.channel,
                ..self.who.clone()
            };
            let deed = format!("uses `{what}`");
            let start = Start {
                kind: 3,
                data: data.clone(),
                source: Some(message.id),
                deed,
                name: String::new(),
                parent: None,
            };
            begin(state, &who, start, patch)
        });
        self.answer(id)
    }
}

fn option_value(menu: &Value, pick: &str) -> Result<Value, String> {
    let options = menu["options"].as_array().into_iter().flatten();
    let found = options
        .clone()
        .find(|option| option["label"] == pick || option["value"] == pick);
    let labels: Vec<&str> = options
        .filter_map(|option| option["label"].as_str())
        .collect();
    found
        .map(|option| option["value"].clone())
        .ok_or_else(|| format!("no `{pick}` among: {}", labels.join(", ")))
}

/// A row or label of a modal, as the submission gives it back.
fn fill(row: &Value, fields: &[(&str, &str)]) -> Value {
    let answer = |input: &Value| {
        let named = |name: &str| {
            input["custom_id"] == name || input["label"] == name || row["label"] == name
        };
        let given = fields
            .iter()
            .find(|(name, _)| named(name))
            .map(|(_, value)| json!(value));
        let value = given
            .or_else(|| input.get("value").cloned())
            .unwrap_or_else(|| json!(""));
        json!({"type": input["type"], "id": 1, "custom_id": input["custom_id"], "value": value})
    };
    let inputs: Vec<Value> = modal::inputs(row).into_iter().map(answer).collect();
    if row["type"] == 18 {
        return json!({"type": 18, "id": 1, "component": inputs.first()});
    }
    json!({"type": 1, "id": 1, "components": inputs})
}

impl Message {
    /// The custom id behind a label, for forged presses.
    pub fn custom_id(&self, label: &str) -> Option<String> {
        let all = render::interactive(&self.components);
        let found = all
            .into_iter()
            .find(|component| render::button_label(component) == label)?;
        found["custom_id"].as_str().map(str::to_owned)
    }
}
