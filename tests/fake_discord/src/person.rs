//! Somebody in Discord who types commands and presses buttons.

use std::sync::Arc;
use std::time::Duration;

use serde_json::{Map, Value, json};

use crate::answer::Answer;
use crate::client::{self, Typed};
use crate::interaction::{Start, Who, begin};
use crate::message::Message;
use crate::render;
use crate::rules::modal;
use crate::state::{Shared, State};

type Read = fn(&State, &[Value], Option<u64>, &str) -> Result<Typed, String>;

/// A handle; acts in #bot unless told otherwise.
#[derive(Clone)]
pub struct Person {
    pub(crate) shared: Arc<Shared>,
    pub(crate) who: Who,
}

/// A suggestion below the input box.
#[derive(Clone, Debug, PartialEq)]
pub struct Choice {
    pub name: String,
    pub value: Value,
}

impl Person {
    pub fn id(&self) -> u64 {
        self.who.person
    }

    pub fn in_channel(mut self, channel: u64) -> Person {
        self.who.guild = self
            .shared
            .look()
            .channel(channel)
            .map(|found| found.guild)
            .or(self.who.guild);
        self.who.channel = channel;
        self
    }

    /// In that guild's first channel.
    pub fn in_guild(mut self, guild: u64) -> Person {
        let channel = self
            .shared
            .look()
            .setup
            .channels
            .iter()
            .find(|channel| channel.guild == guild)
            .map(|c| c.id);
        self.who.guild = Some(guild);
        self.who.channel = channel.unwrap_or_else(|| panic!("guild {guild} has no channel"));
        self
    }

    /// In the direct messages with the bot.
    pub fn in_direct_messages(mut self) -> Person {
        let person = self.who.person;
        self.who.channel = self.shared.change(|state| state.direct_channel(person));
        self.who.guild = None;
        self
    }

    /// With these roles in the events, whatever REST says (`Discord::adjust` changes what REST says).
    pub fn with_roles(mut self, roles: &[u64]) -> Person {
        self.who.roles = Some(roles.to_vec());
        self
    }

    /// Types a command and sends it: `/vm start 101`, `/vm start guest:101`.
    pub async fn slash(&self, text: &str) -> Answer {
        self.try_slash(text)
            .await
            .unwrap_or_else(|problem| panic!("{problem}"))
    }

    /// `Err`: the client would not send it.
    #[allow(clippy::unused_async)]
    pub async fn try_slash(&self, text: &str) -> Result<Answer, String> {
        self.slash_with(text, &Value::Null)
    }

    /// A command whose event is changed by a JSON merge patch (null takes a field away).
    #[allow(clippy::unused_async)]
    pub async fn raw_slash(&self, text: &str, patch: Value) -> Answer {
        self.slash_with(text, &patch)
            .unwrap_or_else(|problem| panic!("{problem}"))
    }

    /// An event built from the first registered command and then changed by a JSON merge patch: fields
    /// taken away, unknown kinds, options of a wrong type.
    #[allow(clippy::unused_async)]
    pub async fn raw(&self, patch: Value) -> Answer {
        let id = self.shared.change(|state| {
            let first = commands(state, &self.who)
                .first()
                .cloned()
                .unwrap_or(Value::Null);
            let id = if first["id"].is_string() {
                first["id"].clone()
            } else {
                json!("1300000000000000000")
            };
            let data = json!({"id": id, "name": first["name"], "type": 1});
            let start = Start {
                kind: 2,
                data,
                source: None,
                deed: format!("forged {patch}"),
                name: String::new(),
                parent: None,
            };
            begin(state, &self.who, start, &patch)
        });
        self.answer(id)
    }

    fn slash_with(&self, text: &str, patch: &Value) -> Result<Answer, String> {
        let id = self.shared.change(|state| {
            let typed = self.typed(state, text, client::whole)?;
            let start = Start {
                kind: 2,
                data: typed.data,
                source: None,
                deed: text.to_owned(),
                name: typed.name,
                parent: None,
            };
            Ok::<u64, String>(begin(state, &self.who, start, patch))
        })?;
        Ok(self.answer(id))
    }

    fn typed(&self, state: &State, text: &str, read: Read) -> Result<Typed, String> {
        let name = state.person_name(self.who.person);
        let outside = self.who.guild.is_some_and(|guild| {
            !state
                .member(self.who.person)
                .is_some_and(|m| m.is_in(guild))
        });
        if outside {
            return Err(format!("{name} is not in that server"));
        }
        let permissions = self.who.permissions(state);
        let mut list = commands(state, &self.who);
        list.retain(|command| client::may_see(command, permissions));
        read(state, &list, self.who.guild, text)
            .map_err(|problem| format!("{name} types `{text}`: {problem}"))
    }

    /// What is offered for the option being typed.
    pub async fn type_ahead(&self, text: &str) -> Vec<Choice> {
        self.try_type_ahead(text)
            .await
            .unwrap_or_else(|problem| panic!("{problem}"))
    }

    pub async fn try_type_ahead(&self, text: &str) -> Result<Vec<Choice>, String> {
        let (id, limit) = {
            let asked = self.shared.change(|state| {
                let typed = self.typed(state, text, client::partial)?;
                Ok::<_, String>(
                    self.ask_choices(state, text, typed)?
                        .map_err(|id| (id, state.setup.answer_limit)),
                )
            })?;
            match asked {
                Ok(fixed) => return Ok(fixed),
                Err(asked) => asked,
            }
        };
        let limit = limit + Duration::from_millis(200);
        let choices = self
            .shared
            .wait_for(limit, |state| state.interactions.get(&id)?.choices.clone())
            .await;
        match choices {
            Some(choices) => Ok(choices.iter().map(choice).collect()),
            None => Err(format!(
                "Loading options failed.\n{}",
                self.shared.look().story(id)
            )),
        }
    }

    /// Inner `Ok`: the fixed choices of the option; inner `Err`: the interaction that asks the bot.
    fn ask_choices(
        &self,
        state: &mut State,
        text: &str,
        typed: Typed,
    ) -> Result<Result<Vec<Choice>, u64>, String> {
        let focus = typed.focus.unwrap_or_default();
        if let Some(fixed) = focus["choices"].as_array() {
            let wanted = typed.focus_text.to_lowercase();
            let fixed = fixed
                .iter()
                .map(choice)
                .filter(|choice| choice.name.to_lowercase().contains(&wanted));
            return Ok(Ok(fixed.collect()));
        }
        if focus["autocomplete"] != true {
            return Err(format!("`{text}`: {} has no autocomplete", focus["name"]));
        }
        let deed = format!("types {text}");
        let start = Start {
            kind: 4,
            data: typed.data,
            source: None,
            deed,
            name: typed.name,
            parent: None,
        };
        Ok(Err(begin(state, &self.who, start, &Value::Null)))
    }

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
                5..=8 => client::resolve_picked(
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

    fn answer(&self, interaction: u64) -> Answer {
        Answer {
            shared: self.shared.clone(),
            interaction,
        }
    }
}

/// What can be typed there. Where nothing is registered, commands from elsewhere stand in for stale ones.
fn commands(state: &State, who: &Who) -> Vec<Value> {
    let here = who.guild.and_then(|guild| state.commands.get(&guild));
    let global = state.commands.get(&0);
    let mut list: Vec<Value> = here.into_iter().chain(global).flatten().cloned().collect();
    if list.is_empty() {
        list = state
            .commands
            .values()
            .find(|list| !list.is_empty())
            .cloned()
            .unwrap_or_default();
    }
    list
}

fn choice(json: &Value) -> Choice {
    Choice {
        name: json["name"].as_str().unwrap_or_default().to_owned(),
        value: json["value"].clone(),
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
