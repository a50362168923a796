//! Somebody in Discord who types commands and presses buttons.

use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};

use crate::answer::Answer;
use crate::client::{self, Typed};
use crate::interaction::{Start, Who, begin};
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

    #[must_use]
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
    #[must_use]
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
    #[must_use]
    pub fn in_direct_messages(mut self) -> Person {
        let person = self.who.person;
        self.who.channel = self.shared.change(|state| state.direct_channel(person));
        self.who.guild = None;
        self
    }

    /// With these roles in the events, whatever REST says (`Discord::adjust` changes what REST says).
    #[must_use]
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

    pub(crate) fn answer(&self, interaction: u64) -> Answer {
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
