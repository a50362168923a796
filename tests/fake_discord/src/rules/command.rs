//! Application commands as a bot registers them.

use std::collections::BTreeSet;

use serde_json::Value;

use crate::rest::error::{Findings, join};

const COMMAND_KEYS: &[&str] = &[
    "id",
    "type",
    "name",
    "name_localizations",
    "description",
    "description_localizations",
    "options",
    "default_member_permissions",
    "dm_permission",
    "default_permission",
    "contexts",
    "integration_types",
    "nsfw",
    "handler",
];
const OPTION_KEYS: &[&str] = &[
    "type",
    "name",
    "name_localizations",
    "description",
    "description_localizations",
    "required",
    "choices",
    "options",
    "channel_types",
    "min_value",
    "max_value",
    "min_length",
    "max_length",
    "autocomplete",
];
const LOCALES: &[&str] = &[
    "id", "da", "de", "en-GB", "en-US", "es-ES", "es-419", "fr", "hr", "it", "lt", "hu", "nl",
    "no", "pl", "pt-BR", "ro", "fi", "sv-SE", "vi", "tr", "cs", "el", "bg", "ru", "uk", "hi", "th",
    "zh-CN", "ja", "zh-TW", "ko", "ar", "he",
];
const SUBCOMMAND: u64 = 1;
const GROUP: u64 = 2;

pub(crate) fn check_all(commands: &Value) -> Findings {
    let mut found = Findings::default();
    let Some(list) = commands.as_array() else {
        found.refuse(
            "",
            "LIST_TYPE_CONVERT",
            "Only iterables may be used in a ListType",
        );
        return found;
    };
    for (kind, most) in [(1, 100), (2, 15), (3, 15)] {
        if list
            .iter()
            .filter(|command| command["type"].as_u64().unwrap_or(1) == kind)
            .count()
            > most
        {
            found.refuse(
                "",
                "APPLICATION_COMMAND_TOO_MANY",
                format!("Maximum number of application commands reached ({most})"),
            );
        }
    }
    let mut names = BTreeSet::new();
    for (n, command) in list.iter().enumerate() {
        check(command, &n.to_string(), &mut found);
        if !names.insert(command["name"].to_string()) {
            found.refuse(
                &n.to_string(),
                "APPLICATION_COMMANDS_DUPLICATE_NAME",
                "Application command names must be unique",
            );
        }
    }
    found
}

pub(crate) fn check(command: &Value, path: &str, found: &mut Findings) {
    found.known_keys(path, command, COMMAND_KEYS);
    if !matches!(command["type"].as_u64().unwrap_or(1), 1..=4) {
        found.refuse(
            &join(path, "type"),
            "BASE_TYPE_CHOICES",
            "Value must be one of {1, 2, 3, 4}.",
        );
    }
    name_and_description(command, path, found);
    permissions(
        &command["default_member_permissions"],
        &join(path, "default_member_permissions"),
        found,
    );
    for (key, most) in [("contexts", 2), ("integration_types", 1)] {
        for (n, value) in command[key].as_array().into_iter().flatten().enumerate() {
            if value.as_u64().is_none_or(|value| value > most) {
                found.refuse(
                    &join(&join(path, key), n),
                    "BASE_TYPE_CHOICES",
                    "Value is not a known one.",
                );
            }
        }
    }
    options(command, path, 0, found);
    if size(command) > 8000 {
        found.refuse(
            path,
            "APPLICATION_COMMAND_TOO_LARGE",
            "Command exceeds maximum size (8000)",
        );
    }
}

fn permissions(value: &Value, path: &str, found: &mut Findings) {
    let fits = match value {
        Value::Null | Value::Number(_) => true,
        Value::String(text) => text.parse::<u64>().is_ok(),
        _ => false,
    };
    if !fits {
        found.refuse(
            path,
            "BITFIELD_TYPE_CONVERT",
            "Value is not a bit set as a string.",
        );
    }
}

fn name_and_description(of: &Value, path: &str, found: &mut Findings) {
    match of["name"].as_str() {
        Some(name) => self::name(name, &join(path, "name"), found),
        None => found.required(&join(path, "name")),
    }
    match of["description"].as_str() {
        Some(text) => found.length(&join(path, "description"), text, 1, 100),
        None => found.required(&join(path, "description")),
    }
    for key in ["name_localizations", "description_localizations"] {
        for (locale, text) in of[key].as_object().into_iter().flatten() {
            let path = join(&join(path, key), locale);
            if !LOCALES.contains(&locale.as_str()) {
                found.refuse(
                    &path,
                    "ENUM_TYPE_COERCE",
                    format!("Value \"{locale}\" is not a valid enum value."),
                );
            }
            match (key, text.as_str()) {
                ("name_localizations", Some(text)) => name(text, &path, found),
                (_, Some(text)) => found.length(&path, text, 1, 100),
                _ => {}
            }
        }
    }
}

/// `^[-_'\p{L}\p{N}\p{sc=Deva}\p{sc=Thai}]{1,32}$`, lower case where there is one.
fn name(name: &str, path: &str, found: &mut Findings) {
    found.length(path, name, 1, 32);
    let marks =
        |c: char| ('\u{0900}'..='\u{097F}').contains(&c) || ('\u{0E00}'..='\u{0E7F}').contains(&c);
    let allowed = name
        .chars()
        .all(|c| matches!(c, '-' | '_' | '\'') || c.is_alphanumeric() || marks(c));
    if !allowed || name.to_lowercase() != name {
        found.refuse(
            path,
            "APPLICATION_COMMAND_INVALID_NAME",
            "Command name is invalid",
        );
    }
}

fn options(of: &Value, path: &str, depth: u64, found: &mut Findings) {
    let list = of["options"]
        .as_array()
        .map(Vec::as_slice)
        .unwrap_or_default();
    let path = join(path, "options");
    if list.len() > 25 {
        found.refuse(
            &path,
            "BASE_TYPE_MAX_LENGTH",
            "Must be 25 or fewer in length.",
        );
    }
    let mut names = BTreeSet::new();
    let mut optional_seen = false;
    let branches = list
        .iter()
        .filter(|option| matches!(option["type"].as_u64(), Some(SUBCOMMAND | GROUP)))
        .count();
    if branches > 0 && branches < list.len() {
        let text = "Sub-command and sub-command group option types are mutually exclusive to all other types";
        found.refuse(&path, "APPLICATION_COMMAND_OPTIONS_TYPE_INVALID", text);
    }
    for (n, option) in list.iter().enumerate() {
        let path = join(&path, n);
        if !names.insert(option["name"].to_string()) {
            found.refuse(
                &path,
                "APPLICATION_COMMAND_OPTIONS_DUPLICATE_NAME",
                "Option names must be unique",
            );
        }
        let required = option["required"] == true;
        if required && optional_seen {
            let text = "Required options must be placed before non-required options";
            found.refuse(&path, "APPLICATION_COMMAND_OPTIONS_REQUIRED_INVALID", text);
        }
        optional_seen |= !required && branches == 0;
        self::option(option, &path, depth, found);
    }
}

fn option(option: &Value, path: &str, depth: u64, found: &mut Findings) {
    found.known_keys(path, option, OPTION_KEYS);
    name_and_description(option, path, found);
    match option["type"].as_u64() {
        Some(GROUP) if depth == 0 => options(option, path, 1, found),
        Some(SUBCOMMAND) if depth <= 1 => options(option, path, 2, found),
        Some(SUBCOMMAND | GROUP) => {
            let text = "Command groups and subcommands may not be nested like this";
            found.refuse(
                &join(path, "type"),
                "APPLICATION_COMMAND_OPTIONS_TYPE_INVALID",
                text,
            );
        }
        Some(3..=11) => value_option(option, path, found),
        _ => found.refuse(
            &join(path, "type"),
            "BASE_TYPE_CHOICES",
            "Value must be one of {1, ..., 11}.",
        ),
    }
}

fn value_option(option: &Value, path: &str, found: &mut Findings) {
    let choices = option["choices"]
        .as_array()
        .map(Vec::as_slice)
        .unwrap_or_default();
    let kind = option["type"].as_u64().unwrap_or_default();
    if option["autocomplete"] == true && !choices.is_empty() {
        let text = "Choices and autocomplete are mutually exclusive";
        found.refuse(
            path,
            "APPLICATION_COMMAND_OPTIONS_CHOICES_AUTOCOMPLETE_MUTUALLY_EXCLUSIVE",
            text,
        );
    }
    if (option["autocomplete"] == true || !choices.is_empty()) && !matches!(kind, 3 | 4 | 10) {
        found.refuse(
            path,
            "APPLICATION_COMMAND_OPTIONS_TYPE_INVALID",
            "Only strings and numbers have choices",
        );
    }
    if choices.len() > 25 {
        found.refuse(
            &join(path, "choices"),
            "BASE_TYPE_MAX_LENGTH",
            "Must be 25 or fewer in length.",
        );
    }
    for (n, choice) in choices.iter().enumerate() {
        self::choice(choice, kind, &join(&join(path, "choices"), n), found);
    }
    for (key, least, most) in [("min_length", 0, 6000), ("max_length", 1, 6000)] {
        let bound = &option[key];
        if !bound.is_null() && (kind != 3 || bound.as_u64().is_none_or(|n| n < least || n > most)) {
            found.refuse(
                &join(path, key),
                "NUMBER_TYPE_MAX",
                format!("Must be between {least} and {most}, on strings."),
            );
        }
    }
    for key in ["min_value", "max_value"] {
        let fits = matches!(kind, 4 | 10) && option[key].is_number();
        if !fits && !option[key].is_null() {
            found.refuse(
                &join(path, key),
                "NUMBER_TYPE_COERCE",
                "Only numbers have bounds.",
            );
        }
    }
}

/// A choice of an option or of an autocomplete answer.
pub(crate) fn choice(choice: &Value, kind: u64, path: &str, found: &mut Findings) {
    found.known_keys(path, choice, &["name", "value", "name_localizations"]);
    found.length(
        &join(path, "name"),
        choice["name"].as_str().unwrap_or_default(),
        1,
        100,
    );
    let value = &choice["value"];
    let fits = match kind {
        4 => value.is_i64() || value.is_u64(),
        10 => value.is_number(),
        _ => value.is_string(),
    };
    if !fits {
        found.refuse(
            &join(path, "value"),
            "BASE_TYPE_CHOICES",
            "The value's type is not the option's.",
        );
    }
    if let Some(text) = value.as_str() {
        found.length(&join(path, "value"), text, 0, 100);
    }
}

/// Names, descriptions and values, each in its longest localisation.
fn size(of: &Value) -> usize {
    let longest = |key: &str| {
        let localized = of[format!("{key}_localizations")]
            .as_object()
            .into_iter()
            .flatten()
            .map(|(_, text)| text);
        let texts = localized.chain([&of[key]]).filter_map(Value::as_str);
        texts.map(|text| text.chars().count()).max().unwrap_or(0)
    };
    let choices = of["choices"].as_array().into_iter().flatten();
    let values: usize = choices
        .map(|c| {
            [&c["name"], &c["value"]]
                .iter()
                .filter_map(|v| v.as_str())
                .map(|text| text.chars().count())
                .sum::<usize>()
        })
        .sum();
    let inner: usize = of["options"]
        .as_array()
        .into_iter()
        .flatten()
        .map(size)
        .sum();
    longest("name") + longest("description") + values + inner
}
