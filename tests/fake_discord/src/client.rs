//! Discord's client: typed text against the registered commands, as the input box does it.

use serde_json::{Map, Value, json};

use crate::objects;
use crate::state::State;
use crate::typed_value;

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

impl<'a> Chosen<'a> {
    fn options(&self) -> &'a [Value] {
        let leaf: &'a Value = self.steps.last().copied().unwrap_or(self.command);
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
        let value = typed_value::convert(state, guild, option, &text, &mut resolved)?;
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
        if let Ok(value) = typed_value::convert(state, guild, option, text, &mut resolved) {
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

/// Options with their text.
type Given<'a> = Vec<(&'a Value, String)>;

fn has(given: &Given<'_>, option: &Value) -> bool {
    given
        .iter()
        .any(|(known, _)| known["name"] == option["name"])
}

/// Which text belongs to which option: `name:value`, or by position.
fn assign<'a>(chosen: &Chosen<'a>, rest: &str) -> Result<Given<'a>, String> {
    let options = chosen.options();
    let mut plain: Vec<&str> = Vec::new();
    let mut named: Given<'a> = Vec::new();
    for word in rest.split_whitespace() {
        let (name, value) = word.split_once(':').unwrap_or_default();
        if let Some(option) = options.iter().find(|option| option["name"] == name) {
            if has(&named, option) {
                return Err(format!("{} is given twice", option["name"]));
            }
            named.push((option, value.to_owned()));
        } else if let Some((_, value)) = named.last_mut() {
            if !value.is_empty() {
                value.push(' ');
            }
            value.push_str(word);
        } else {
            plain.push(word);
        }
    }
    let free = options
        .iter()
        .filter(|option| !has(&named, option))
        .collect();
    let (mut given, left) = by_position(free, plain);
    if !left.is_empty() {
        let left = left.join(" ");
        return Err(format!("`/{}` has no option for `{left}`", chosen.name()));
    }
    given.extend(named);
    Ok(given)
}

/// One word for each option, the rest of the line for the last; and the words that are left over.
fn by_position<'a, 'w>(free: Vec<&'a Value>, mut words: Vec<&'w str>) -> (Given<'a>, Vec<&'w str>) {
    let mut given = Vec::new();
    let last = free.len().saturating_sub(1);
    for (n, option) in free.into_iter().enumerate() {
        if words.is_empty() {
            break;
        }
        let taken = if n == last && option["type"] == 3 {
            words.len()
        } else {
            1
        };
        let text: Vec<&str> = words.drain(..taken).collect();
        given.push((option, text.join(" ")));
    }
    (given, words)
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
