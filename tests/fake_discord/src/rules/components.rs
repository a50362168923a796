//! Buttons, menus and layouts below a message.

use std::collections::BTreeSet;

use serde_json::Value;

use crate::rest::error::{Findings, join};

const CHOICES: &str = "BASE_TYPE_CHOICES";

pub(crate) fn check(components: &Value, path: &str, v2: bool, found: &mut Findings) {
    let list = match components {
        Value::Null => return,
        Value::Array(list) => list,
        _ => {
            return found.refuse(
                path,
                "LIST_TYPE_CONVERT",
                "Only iterables may be used in a ListType",
            );
        }
    };
    let mut custom_ids = BTreeSet::new();
    if v2 {
        if count(list) > 40 {
            found.refuse(
                path,
                "BASE_TYPE_BAD_LENGTH",
                "Must be between 1 and 40 in length.",
            );
        }
        for (n, component) in list.iter().enumerate() {
            layout(component, &join(path, n), &mut custom_ids, found);
        }
        return;
    }
    if list.len() > 5 {
        found.refuse(
            path,
            "BASE_TYPE_BAD_LENGTH",
            "Must be between 1 and 5 in length.",
        );
    }
    for (n, component) in list.iter().enumerate() {
        if component["type"] == 1 {
            row(component, &join(path, n), &mut custom_ids, found);
        } else {
            found.refuse(
                &join(&join(path, n), "type"),
                CHOICES,
                "Value of field \"type\" must be one of (1,).",
            );
        }
    }
}

fn count(list: &[Value]) -> usize {
    list.iter()
        .map(|c| {
            1 + c["components"].as_array().map_or(0, |inner| count(inner))
                + usize::from(c["accessory"].is_object())
        })
        .sum()
}

/// Components V2, as far as the bot could use them.
fn layout(component: &Value, path: &str, ids: &mut BTreeSet<String>, found: &mut Findings) {
    let children = component["components"]
        .as_array()
        .map(Vec::as_slice)
        .unwrap_or_default();
    match component["type"].as_u64() {
        Some(1) => row(component, path, ids, found),
        Some(10) => {
            let text = component["content"].as_str().unwrap_or_default();
            found.length(&join(path, "content"), text, 1, 4000);
        }
        Some(9) => {
            if children.is_empty() || children.len() > 3 {
                found.refuse(
                    &join(path, "components"),
                    "BASE_TYPE_BAD_LENGTH",
                    "Must be between 1 and 3 in length.",
                );
            }
            if component["accessory"]["type"] == 2 {
                button(
                    &component["accessory"],
                    &join(path, "accessory"),
                    ids,
                    found,
                );
            } else if component["accessory"]["type"] != 11 {
                found.required(&join(path, "accessory"));
            }
        }
        Some(17) => {
            for (n, child) in children.iter().enumerate() {
                layout(child, &join(&join(path, "components"), n), ids, found);
            }
        }
        Some(12) => {
            let items = component["items"].as_array().map_or(0, Vec::len);
            if items == 0 || items > 10 {
                found.refuse(
                    &join(path, "items"),
                    "BASE_TYPE_BAD_LENGTH",
                    "Must be between 1 and 10 in length.",
                );
            }
        }
        Some(13 | 14) => {}
        _ => found.refuse(
            &join(path, "type"),
            CHOICES,
            "Value of field \"type\" must be one of (1, 9, 10, 12, 13, 14, 17).",
        ),
    }
}

fn row(row: &Value, path: &str, ids: &mut BTreeSet<String>, found: &mut Findings) {
    found.known_keys(path, row, &["type", "id", "components"]);
    let children = row["components"]
        .as_array()
        .map(Vec::as_slice)
        .unwrap_or_default();
    let path = join(path, "components");
    if children.is_empty() || children.len() > 5 {
        found.refuse(
            &path,
            "BASE_TYPE_BAD_LENGTH",
            "Must be between 1 and 5 in length.",
        );
    }
    let width: usize = children
        .iter()
        .map(|child| if child["type"] == 2 { 1 } else { 5 })
        .sum();
    if width > 5 {
        found.refuse(
            &path,
            "COMPONENT_LAYOUT_WIDTH_EXCEEDED",
            "Component layout width exceeded: 5 buttons or 1 menu",
        );
    }
    for (n, child) in children.iter().enumerate() {
        let path = join(&path, n);
        match child["type"].as_u64() {
            Some(2) => button(child, &path, ids, found),
            Some(3 | 5..=8) => menu(child, &path, ids, found),
            _ => found.refuse(
                &join(&path, "type"),
                CHOICES,
                "Value of field \"type\" must be one of (2, 3, 5, 6, 7, 8).",
            ),
        }
    }
}

fn button(button: &Value, path: &str, ids: &mut BTreeSet<String>, found: &mut Findings) {
    found.known_keys(
        path,
        button,
        &[
            "type",
            "id",
            "style",
            "label",
            "emoji",
            "custom_id",
            "sku_id",
            "url",
            "disabled",
        ],
    );
    let label = button["label"].as_str().unwrap_or_default();
    if label.chars().count() > 80 {
        found.refuse(
            &join(path, "label"),
            "BASE_TYPE_MAX_LENGTH",
            "Must be 80 or fewer in length.",
        );
    }
    if label.is_empty() && !button["emoji"].is_object() && button["style"] != 6 {
        found.refuse(
            path,
            "BUTTON_COMPONENT_LABEL_OR_EMOJI_REQUIRED",
            "A button must have a label or an emoji",
        );
    }
    match button["style"].as_u64() {
        Some(1..=4) => {
            custom_id(button, path, ids, found);
            if !button["url"].is_null() {
                found.refuse(
                    path,
                    "BUTTON_COMPONENT_CUSTOM_ID_URL_MUTUALLY_EXCLUSIVE",
                    "A custom id and url cannot both be specified",
                );
            }
        }
        Some(5) => {
            let url = button["url"].as_str().unwrap_or_default();
            found.length(&join(path, "url"), url, 1, 512);
            if !button["custom_id"].is_null() {
                found.refuse(
                    path,
                    "BUTTON_COMPONENT_CUSTOM_ID_URL_MUTUALLY_EXCLUSIVE",
                    "A custom id and url cannot both be specified",
                );
            }
        }
        Some(6) => {}
        _ => found.refuse(
            &join(path, "style"),
            CHOICES,
            "Value must be one of {1, 2, 3, 4, 5, 6}.",
        ),
    }
}

fn custom_id(component: &Value, path: &str, ids: &mut BTreeSet<String>, found: &mut Findings) {
    let path = join(path, "custom_id");
    let Some(id) = component["custom_id"].as_str() else {
        return found.refuse(&path, "BASE_TYPE_REQUIRED", "A custom id is required");
    };
    found.length(&path, id, 1, 100);
    if !ids.insert(id.to_owned()) {
        found.refuse(
            &path,
            "COMPONENT_CUSTOM_ID_DUPLICATED",
            "Component custom id cannot be duplicated",
        );
    }
}

fn menu(menu: &Value, path: &str, ids: &mut BTreeSet<String>, found: &mut Findings) {
    let known = &[
        "type",
        "id",
        "custom_id",
        "options",
        "placeholder",
        "min_values",
        "max_values",
        "disabled",
        "required",
        "channel_types",
        "default_values",
    ];
    found.known_keys(path, menu, known);
    custom_id(menu, path, ids, found);
    found.length(
        &join(path, "placeholder"),
        menu["placeholder"].as_str().unwrap_or_default(),
        0,
        150,
    );
    let (least, most) = (
        menu["min_values"].as_u64().unwrap_or(1),
        menu["max_values"].as_u64().unwrap_or(1),
    );
    if most == 0 || most > 25 || least > most {
        found.refuse(
            &join(path, "max_values"),
            "NUMBER_TYPE_MAX",
            "Must be between min_values and 25.",
        );
    }
    if menu["type"] == 3 {
        options(menu, &join(path, "options"), most, found);
    }
}

fn options(menu: &Value, path: &str, most: u64, found: &mut Findings) {
    let list = menu["options"]
        .as_array()
        .map(Vec::as_slice)
        .unwrap_or_default();
    if list.is_empty() || list.len() > 25 {
        found.refuse(
            path,
            "BASE_TYPE_BAD_LENGTH",
            "Must be between 1 and 25 in length.",
        );
    }
    if most > list.len() as u64 {
        found.refuse(
            path,
            "SELECT_COMPONENT_INVALID_MAX_VALUES",
            "max_values is more than there are options",
        );
    }
    let mut values = BTreeSet::new();
    for (n, option) in list.iter().enumerate() {
        let path = join(path, n);
        self::option(option, &path, found);
        if !values.insert(option["value"].to_string()) {
            let text = "The specified option value is already used";
            let path = join(&path, "value");
            found.refuse(&path, "SELECT_COMPONENT_OPTION_VALUE_DUPLICATED", text);
        }
    }
    let defaults = list
        .iter()
        .filter(|option| option["default"] == true)
        .count() as u64;
    if defaults > most {
        found.refuse(
            path,
            "SELECT_COMPONENT_TOO_MANY_DEFAULT_VALUES",
            "more defaults than max_values",
        );
    }
}

fn option(option: &Value, path: &str, found: &mut Findings) {
    let known = &["label", "value", "description", "emoji", "default"];
    found.known_keys(path, option, known);
    for (key, least) in [("label", 1), ("value", 1), ("description", 0)] {
        let text = option[key].as_str().unwrap_or_default();
        found.length(&join(path, key), text, least, 100);
    }
}
