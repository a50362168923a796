//! Discord's client: typed text against the registered commands, as the input box does it.

use serde_json::{Map, Value, json};

use crate::objects;
use crate::state::State;

/// A command typed to the end, or up to the option that is being typed.
#[derive(Debug)]
pub(crate) struct Typed {
    /// `vm start`
    pub name: String,
    pub data: Value,
    /// The option being typed (autocomplete).
    pub focus: Option<Value>,
    pub focus_text: String,
}

struct Chosen<'a> {
    command: &'a Value,
    /// Group and subcommand.
    steps: Vec<&'a Value>,
    rest: &'a str,
}

impl Chosen<'_> {
    fn options(&self) -> &[Value] {
        let leaf = self.steps.last().copied().unwrap_or(self.command);
        leaf["options"]
            .as_array()
            .map(Vec::as_slice)
            .unwrap_or_default()
    }

    fn name(&self) -> String {
        let parts = std::iter::once(self.command).chain(self.steps.iter().copied());
        parts
            .filter_map(|part| part["name"].as_str())
            .collect::<Vec<_>>()
            .join(" ")
    }

    fn data(&self, guild: Option<u64>, values: Vec<Value>, resolved: Map<String, Value>) -> Value {
        let mut options = values;
        for step in self.steps.iter().rev() {
            options = vec![json!({"name": step["name"], "type": step["type"], "options": options})];
        }
        let mut data = json!({"id": self.command["id"], "name": self.command["name"], "type": 1});
        if !options.is_empty() {
            data["options"] = json!(options);
        }
        if !resolved.is_empty() {
            data["resolved"] = Value::Object(resolved);
        }
        if let Some(guild) = guild.filter(|_| self.command["guild_id"].is_string()) {
            data["guild_id"] = json!(guild.to_string());
        }
        data
    }
}

/// A whole command, ready to be sent.
pub(crate) fn whole(
    state: &State,
    commands: &[Value],
    guild: Option<u64>,
    text: &str,
) -> Result<Typed, String> {
    let chosen = choose(commands, text)?;
    let mut given = Map::new();
    let mut resolved = Map::new();
    let mut values = Vec::new();
    for (option, text) in assign(&chosen, chosen.rest)? {
        let value = convert(state, guild, option, &text, &mut resolved)?;
        given.insert(
            option["name"].as_str().unwrap_or_default().to_owned(),
            Value::Null,
        );
        values.push(json!({"name": option["name"], "type": option["type"], "value": value}));
    }
    for option in chosen
        .options()
        .iter()
        .filter(|option| option["required"] == true)
    {
        let name = option["name"].as_str().unwrap_or_default();
        if !given.contains_key(name) {
            return Err(format!(
                "`/{}` needs `{name}`: \"This option is required\"",
                chosen.name()
            ));
        }
    }
    let data = chosen.data(guild, values, resolved);
    Ok(Typed {
        name: chosen.name(),
        data,
        focus: None,
        focus_text: String::new(),
    })
}

/// A command up to the cursor, for autocomplete.
pub(crate) fn partial(
    state: &State,
    commands: &[Value],
    guild: Option<u64>,
    text: &str,
) -> Result<Typed, String> {
    let chosen = choose(commands, text)?;
    let mut given = assign(&chosen, chosen.rest)?;
    let starts_next = chosen.rest.is_empty() || chosen.rest.ends_with(char::is_whitespace);
    let next = chosen.options().iter().find(|option| {
        given
            .iter()
            .all(|(known, _)| known["name"] != option["name"])
    });
    let (focus, focus_text) = match (given.pop(), next) {
        (None, Some(first)) => (first, String::new()),
        (Some(last), Some(next)) if starts_next && !last.1.is_empty() => {
            given.push(last);
            (next, String::new())
        }
        (Some(last), _) => last,
        (None, None) => return Err(format!("`/{}` has no options", chosen.name())),
    };
    let mut resolved = Map::new();
    let mut values = Vec::new();
    for (option, text) in &given {
        // Discord sends what is there, fitting or not; what cannot be converted it leaves out.
        if let Ok(value) = convert(state, guild, option, text, &mut resolved) {
            values.push(json!({"name": option["name"], "type": option["type"], "value": value}));
        }
    }
    values.push(
        json!({"name": focus["name"], "type": focus["type"], "value": focus_text, "focused": true}),
    );
    let focus = focus.clone();
    Ok(Typed {
        name: chosen.name(),
        data: chosen.data(guild, values, resolved),
        focus: Some(focus),
        focus_text,
    })
}

fn choose<'a>(commands: &'a [Value], text: &'a str) -> Result<Chosen<'a>, String> {
    let typed = text
        .strip_prefix('/')
        .ok_or_else(|| format!("`{text}` does not begin with /"))?;
    let (name, mut rest) = word(typed);
    let Some(command) = commands
        .iter()
        .find(|command| command["name"] == name && command["type"] == 1)
    else {
        let known: Vec<&str> = commands
            .iter()
            .filter_map(|command| command["name"].as_str())
            .collect();
        return Err(format!(
            "there is no command `/{name}`; registered: {}",
            known.join(", ")
        ));
    };
    let mut steps: Vec<&Value> = Vec::new();
    loop {
        let options = steps.last().copied().unwrap_or(command)["options"].as_array();
        let options = options.map(Vec::as_slice).unwrap_or_default();
        if !options
            .iter()
            .any(|option| matches!(option["type"].as_u64(), Some(1 | 2)))
        {
            return Ok(Chosen {
                command,
                steps,
                rest,
            });
        }
        let (name, after) = word(rest);
        let Some(step) = options.iter().find(|option| option["name"] == name) else {
            let known: Vec<&str> = options
                .iter()
                .filter_map(|option| option["name"].as_str())
                .collect();
            return Err(format!(
                "`{text}`: no `{name}` here; there is: {}",
                known.join(", ")
            ));
        };
        steps.push(step);
        rest = after;
    }
}

/// The next word, and what stands behind the blank that ends it.
fn word(text: &str) -> (&str, &str) {
    let text = text.trim_start();
    text.split_once(char::is_whitespace).unwrap_or((text, ""))
}

/// Which text belongs to which option: `name:value`, or by position; the last one takes the rest.
fn assign<'a>(chosen: &Chosen<'a>, rest: &str) -> Result<Vec<(&'a Value, String)>, String> {
    let leaf: &'a Value = chosen.steps.last().copied().unwrap_or(chosen.command);
    let options: &'a [Value] = leaf["options"]
        .as_array()
        .map(Vec::as_slice)
        .unwrap_or_default();
    let mut plain: Vec<&str> = Vec::new();
    let mut named: Vec<(&'a Value, String)> = Vec::new();
    for word in rest.split_whitespace() {
        let option = word.split_once(':').and_then(|(name, value)| {
            options
                .iter()
                .find(|option| option["name"] == name)
                .map(|option| (option, value))
        });
        if let Some((option, value)) = option {
            if named
                .iter()
                .any(|(known, _)| known["name"] == option["name"])
            {
                return Err(format!("{} is given twice", option["name"]));
            }
            named.push((option, value.to_owned()));
        } else if let Some((_, value)) = named.last_mut() {
            *value = format!("{value} {word}").trim_start().to_owned();
        } else {
            plain.push(word);
        }
    }
    let free: Vec<&'a Value> = options
        .iter()
        .filter(|option| {
            named
                .iter()
                .all(|(known, _)| known["name"] != option["name"])
        })
        .collect();
    let mut given = Vec::new();
    for (n, option) in free.iter().enumerate() {
        if plain.is_empty() {
            break;
        }
        let takes_rest = n + 1 == free.len() && option["type"] == 3;
        let words: Vec<&str> = if takes_rest {
            std::mem::take(&mut plain)
        } else {
            vec![plain.remove(0)]
        };
        given.push((*option, words.join(" ")));
    }
    if !plain.is_empty() {
        return Err(format!(
            "`/{}` has no option for `{}`",
            chosen.name(),
            plain.join(" ")
        ));
    }
    given.extend(named);
    Ok(given)
}

fn convert(
    state: &State,
    guild: Option<u64>,
    option: &Value,
    text: &str,
    resolved: &mut Map<String, Value>,
) -> Result<Value, String> {
    let name = &option["name"];
    if let Some(choices) = option["choices"]
        .as_array()
        .filter(|choices| !choices.is_empty())
    {
        let number: Option<Value> = serde_json::from_str(text).ok();
        let fits = |choice: &&Value| {
            let value = &choice["value"];
            choice["name"] == text
                || *value == text
                || (value.is_number() && number.as_ref() == Some(value))
        };
        let choice = choices.iter().find(fits);
        return choice
            .map(|choice| choice["value"].clone())
            .ok_or_else(|| format!("{name}: `{text}` is none of the choices"));
    }
    match option["type"].as_u64() {
        Some(3) => string(option, text),
        Some(4) => {
            let number: i64 = text
                .parse()
                .map_err(|_| format!("{name}: `{text}` is not a whole number"))?;
            #[allow(clippy::cast_precision_loss)]
            in_bounds(option, number as f64).map(|()| json!(number))
        }
        Some(10) => {
            let number: f64 = text
                .parse()
                .map_err(|_| format!("{name}: `{text}` is not a number"))?;
            in_bounds(option, number).map(|()| json!(number))
        }
        Some(5) => text
            .to_lowercase()
            .parse::<bool>()
            .map(Value::Bool)
            .map_err(|_| format!("{name}: `{text}` is not true or false")),
        Some(6) => user(state, guild, text, resolved),
        Some(7) => channel(state, text, resolved),
        Some(8) => role(state, guild, text, resolved),
        Some(9) => {
            user(state, guild, text, resolved).or_else(|_| role(state, guild, text, resolved))
        }
        _ => Err(format!(
            "{name}: this fake cannot type an option of type {}",
            option["type"]
        )),
    }
}

fn string(option: &Value, text: &str) -> Result<Value, String> {
    let length = text.chars().count() as u64;
    let (least, most) = (
        option["min_length"].as_u64().unwrap_or(0),
        option["max_length"].as_u64().unwrap_or(6000),
    );
    if length < least || length > most {
        return Err(format!(
            "{}: must be between {least} and {most} in length",
            option["name"]
        ));
    }
    Ok(json!(text))
}

fn in_bounds(option: &Value, number: f64) -> Result<(), String> {
    let low = option["min_value"]
        .as_f64()
        .is_some_and(|least| number < least);
    let high = option["max_value"]
        .as_f64()
        .is_some_and(|most| number > most);
    if low || high {
        Err(format!("{}: {number} is out of bounds", option["name"]))
    } else {
        Ok(())
    }
}

fn digits(text: &str) -> Option<u64> {
    text.trim_matches(|c: char| !c.is_ascii_digit())
        .parse()
        .ok()
}

fn user(
    state: &State,
    guild: Option<u64>,
    text: &str,
    resolved: &mut Map<String, Value>,
) -> Result<Value, String> {
    let bare = text.trim_start_matches('@');
    let found = state
        .member_named(bare)
        .or_else(|| state.member(digits(text)?));
    let found = found.ok_or_else(|| format!("there is nobody called `{text}`"))?;
    let id = found.id.to_string();
    put(
        resolved,
        "users",
        &id,
        objects::person_user(state, found.id),
    );
    if let Some(guild) = guild.filter(|guild| found.is_in(*guild)) {
        let roles = objects::roles_in(state, found, guild);
        let mut member = objects::interaction_member(state, found.id, guild, &roles);
        if let Some(fields) = member.as_object_mut() {
            for absent in ["user", "deaf", "mute"] {
                fields.remove(absent);
            }
        }
        put(resolved, "members", &id, member);
    }
    Ok(json!(id))
}

fn role(
    state: &State,
    guild: Option<u64>,
    text: &str,
    resolved: &mut Map<String, Value>,
) -> Result<Value, String> {
    let bare = text.trim_start_matches('@');
    let found = state
        .setup
        .roles
        .iter()
        .find(|role| role.name == bare || digits(text) == Some(role.id));
    let found = found.ok_or_else(|| format!("there is no role `{text}`"))?;
    let id = found.id.to_string();
    put(
        resolved,
        "roles",
        &id,
        objects::role_by_id(state, guild.unwrap_or(found.guild), found.id).unwrap_or_default(),
    );
    Ok(json!(id))
}

fn channel(state: &State, text: &str, resolved: &mut Map<String, Value>) -> Result<Value, String> {
    let bare = text.trim_start_matches('#');
    let found = state
        .setup
        .channels
        .iter()
        .find(|channel| channel.name == bare || digits(text) == Some(channel.id));
    let found = found.ok_or_else(|| format!("there is no channel `{text}`"))?;
    let id = found.id.to_string();
    put(
        resolved,
        "channels",
        &id,
        objects::interaction_channel(state, found.id, objects::EVERYTHING),
    );
    Ok(json!(id))
}

fn put(resolved: &mut Map<String, Value>, kind: &str, id: &str, object: Value) {
    resolved.entry(kind).or_insert_with(|| json!({}))[id] = object;
}

/// What a person may not see in the list of commands, they cannot type.
pub(crate) fn may_see(command: &Value, permissions: u64) -> bool {
    match command["default_member_permissions"]
        .as_str()
        .and_then(|text| text.parse::<u64>().ok())
    {
        None => true,
        Some(0) => permissions == objects::EVERYTHING,
        Some(needed) => permissions & needed == needed,
    }
}

pub(crate) fn resolve_picked(
    state: &State,
    guild: Option<u64>,
    kind: u64,
    text: &str,
    resolved: &mut Map<String, Value>,
) -> Result<Value, String> {
    match kind {
        5 => user(state, guild, text, resolved),
        6 => role(state, guild, text, resolved),
        8 => channel(state, text, resolved),
        _ => user(state, guild, text, resolved).or_else(|_| role(state, guild, text, resolved)),
    }
}
