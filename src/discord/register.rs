//! The table of commands, told to Discord: per server, and only where it differs from what is there.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};
use serenity::builder::{CreateCommand, CreateCommandOption};
use serenity::http::{Http, LightMethod, Request, Route};
use serenity::model::application::{CommandOptionType, InstallationContext, InteractionContext};
use serenity::model::id::ApplicationId;
use tokio::time::sleep;

use super::gateway::told;
use crate::action::Remark;
use crate::command::table::GROUPS;
use crate::command::{Field, Opt, Row};
use crate::ids::GuildId;

/// A server in which the bot has no place may invite it any day; the owner is told each time.
const TRIES: u32 = 8;
const FIRST_WAIT: Duration = Duration::from_secs(2);

/// Brings the commands of every server up to date. What fails is logged and tried again for a few
/// minutes; the bot works on meanwhile, with the commands that are there.
pub(super) async fn register(
    http: Arc<Http>,
    application: u64,
    guilds: Vec<GuildId>,
    rows: Vec<&'static Row>,
) {
    let wanted = json!(definitions(rows.into_iter()));
    for guild in guilds {
        let mut wait = FIRST_WAIT;
        for attempt in 1..=TRIES {
            match register_in(&http, application, guild, &wanted).await {
                Ok(()) => break,
                Err(error) if not_there(&error) => {
                    tracing::error!(
                        guild.id = %guild,
                        "the bot is not in this server, or was invited without the scope \
                         applications.commands: no commands there"
                    );
                    break;
                }
                Err(error) => {
                    let why = told(&error);
                    tracing::warn!(guild.id = %guild, attempt, why, "commands could not be registered");
                }
            }
            sleep(wait).await;
            wait *= 2;
        }
    }
}

async fn register_in(
    http: &Http,
    application: u64,
    guild: GuildId,
    wanted: &Value,
) -> serenity::Result<()> {
    let route = Route::GuildCommands {
        application_id: ApplicationId::new(application),
        guild_id: serenity::model::id::GuildId::new(guild.0),
    };
    // Read and written as plain JSON: a field that serenity does not know is no reason to fail.
    let there = match http.request(Request::new(route, LightMethod::Get)).await {
        Ok(there) => there.json().await?,
        // What is there cannot be told; whether it may be written, the writing tells.
        Err(error) if not_there(&error) => Value::Null,
        Err(error) => return Err(error),
    };
    if same(wanted, &there) {
        tracing::info!(guild.id = %guild, "commands are up to date");
        return Ok(());
    }
    let body = serde_json::to_vec(wanted)?;
    http.request(Request::new(route, LightMethod::Put).body(Some(body)))
        .await?;
    tracing::info!(guild.id = %guild, "commands registered");
    Ok(())
}

/// 403 and 404: not a member, or not allowed. Another try changes nothing.
fn not_there(error: &serenity::Error) -> bool {
    let serenity::Error::Http(error) = error else {
        return false;
    };
    error
        .status_code()
        .is_some_and(|status| matches!(status.as_u16(), 403 | 404))
}

/// `default_member_permissions` stays unset: the bot's own gate decides, not Discord's menu.
fn definitions(rows: impl Iterator<Item = &'static Row>) -> Vec<CreateCommand> {
    let mut groups: BTreeMap<&str, Vec<&Row>> = BTreeMap::new();
    for row in rows {
        groups.entry(row.path[0]).or_default().push(row);
    }
    groups
        .into_iter()
        .map(|(name, rows)| definition(name, &rows))
        .collect()
}

fn definition(name: &str, rows: &[&Row]) -> CreateCommand {
    let command = CreateCommand::new(name)
        .add_context(InteractionContext::Guild)
        .add_integration_type(InstallationContext::Guild);
    match rows {
        [row] if row.path.len() == 1 => command.description(row.help).set_options(options(row)),
        rows => {
            let help = GROUPS
                .iter()
                .find(|(group, _)| *group == name)
                .map_or(name, |(_, help)| help);
            command
                .description(help)
                .set_options(rows.iter().map(|row| subcommand(row)).collect())
        }
    }
}

fn subcommand(row: &Row) -> CreateCommandOption {
    let name = row.path.last().copied().unwrap_or_default();
    CreateCommandOption::new(CommandOptionType::SubCommand, name, row.help)
        .set_sub_options(options(row))
}

fn options(row: &Row) -> Vec<CreateCommandOption> {
    row.options
        .iter()
        .map(|option| shown(row, option))
        .collect()
}

fn shown(row: &Row, option: &Opt) -> CreateCommandOption {
    let kind = match option.field {
        Field::Person => CommandOptionType::User,
        Field::Flag => CommandOptionType::Boolean,
        _ => CommandOptionType::String,
    };
    let mut shown =
        CreateCommandOption::new(kind, option.name, option.help).required(option.required);
    for choice in option.field.choices() {
        shown = shown.add_string_choice(choice, choice);
    }
    if option.field == Field::Remark {
        shown = shown.max_length(Remark::MOST);
    }
    if row.completion(option).is_some() {
        shown = shown.set_autocomplete(true);
    }
    shown
}

/// Whether two lists of commands mean the same to people. Ids, versions, the order of commands and
/// what Discord fills in by itself do not count.
fn same(wanted: &Value, there: &Value) -> bool {
    let by_name = |list: &Value| -> Option<BTreeMap<String, Value>> {
        let named =
            |command: &Value| Some((command["name"].as_str()?.to_owned(), meaning(command)));
        list.as_array()?.iter().map(named).collect()
    };
    let known_places = |list: &Value| -> BTreeMap<String, [Value; 2]> {
        let places = |command: &Value| {
            let name = command["name"].as_str().unwrap_or_default().to_owned();
            (
                name,
                ["contexts", "integration_types"].map(|key| command[key].clone()),
            )
        };
        list.as_array().into_iter().flatten().map(places).collect()
    };
    let (Some(ours), Some(theirs)) = (by_name(wanted), by_name(there)) else {
        return false;
    };
    if ours != theirs {
        return false;
    }
    // Discord keeps the places of global commands, and may leave them out for those of a server.
    let ours = known_places(wanted);
    known_places(there).iter().all(|(name, places)| {
        let wanted = ours.get(name);
        (0..2).all(|n| empty(&places[n]) || wanted.is_some_and(|wanted| wanted[n] == places[n]))
    })
}

/// What there is to a command or an option, with absent, null, false and empty all the same.
fn meaning(of: &Value) -> Value {
    let mut kept = json!({ "type": of["type"].as_u64().unwrap_or(1) });
    for key in [
        "name",
        "description",
        "name_localizations",
        "description_localizations",
        "default_member_permissions",
        "nsfw",
        "required",
        "autocomplete",
        "choices",
        "channel_types",
        "min_value",
        "max_value",
        "min_length",
        "max_length",
    ] {
        if !empty(&of[key]) {
            kept[key] = of[key].clone();
        }
    }
    let options: Vec<Value> = of["options"]
        .as_array()
        .into_iter()
        .flatten()
        .map(meaning)
        .collect();
    kept["options"] = Value::Array(options);
    kept
}

fn empty(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::Bool(set) => !set,
        Value::Array(list) => list.is_empty(),
        Value::Object(map) => map.is_empty(),
        Value::Number(_) | Value::String(_) => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::command::rows;

    fn wanted() -> Value {
        json!(definitions(rows()))
    }

    /// What Discord makes of a list that it was sent.
    fn as_discord_tells_it(sent: &Value) -> Value {
        let mut list = sent.as_array().unwrap().clone();
        list.reverse();
        for (n, command) in list.iter_mut().enumerate() {
            command["id"] = json!(format!("{}", 900 + n));
            command["version"] = json!("1");
            command["application_id"] = json!("1");
            command["guild_id"] = json!("2");
            command["type"] = json!(1);
            command["dm_permission"] = json!(true);
            command["default_permission"] = json!(true);
            command["default_member_permissions"] = Value::Null;
            command["name_localizations"] = Value::Null;
            command["description_localizations"] = Value::Null;
            command["contexts"] = Value::Null;
            command["some_new_field"] = json!({"x": 1});
            if command["options"].as_array().is_some_and(Vec::is_empty) {
                command.as_object_mut().unwrap().remove("options");
            }
        }
        Value::Array(list)
    }

    #[test]
    fn every_row_is_told() {
        let wanted = wanted();
        for row in rows() {
            let commands = wanted.as_array().unwrap();
            let command = commands.iter().find(|c| c["name"] == row.path[0]).unwrap();
            assert_eq!(command["contexts"], json!([0]));
            assert_eq!(command["integration_types"], json!([0]));
            assert!(command.get("default_member_permissions").is_none());
            let deepest = match row.path {
                [_] => command,
                [_, sub] => command["options"]
                    .as_array()
                    .unwrap()
                    .iter()
                    .find(|o| o["name"] == *sub)
                    .unwrap(),
                other => panic!("{other:?}"),
            };
            assert_eq!(deepest["description"], row.help);
            let names: Vec<&str> = deepest["options"]
                .as_array()
                .unwrap()
                .iter()
                .filter_map(|o| o["name"].as_str())
                .collect();
            assert_eq!(
                names,
                row.options.iter().map(|o| o.name).collect::<Vec<_>>()
            );
        }
    }

    #[test]
    fn the_table_is_within_discords_limits() {
        fn check(node: &Value) {
            let name = node["name"].as_str().unwrap();
            assert!((1..=32).contains(&name.len()), "{name}");
            assert!(
                name.bytes()
                    .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
            );
            let help = node["description"].as_str().unwrap().chars().count();
            assert!((1..=100).contains(&help), "{name}");
            let options = node["options"].as_array().unwrap();
            assert!(options.len() <= 25);
            options.iter().for_each(check);
        }
        wanted().as_array().unwrap().iter().for_each(check);
    }

    #[test]
    fn what_discord_adds_is_no_difference() {
        let wanted = wanted();
        assert!(same(&wanted, &as_discord_tells_it(&wanted)));
    }

    #[test]
    fn every_difference_that_people_would_notice_counts() {
        let wanted = wanted();
        let there = as_discord_tells_it(&wanted);
        let spoilers: [fn(&mut Value); 9] = [
            |there| there[0]["description"] = json!("old"),
            |there| there[0]["name"] = json!("old"),
            |there| there[0]["default_member_permissions"] = json!("0"),
            |there| there[0]["contexts"] = json!([0, 1]),
            |there| there[0]["nsfw"] = json!(true),
            |there| drop(there.as_array_mut().unwrap().remove(0)),
            |there| {
                let more = json!({"name": "more", "description": "x", "type": 1});
                there.as_array_mut().unwrap().push(more);
            },
            |there| there[0]["options"][0]["options"] = json!([{"name": "x", "type": 3}]),
            |there| *there = json!({"message": "?"}),
        ];
        for (n, spoil) in spoilers.into_iter().enumerate() {
            let mut changed = there.clone();
            spoil(&mut changed);
            assert!(!same(&wanted, &changed), "change {n}");
        }
    }
}
