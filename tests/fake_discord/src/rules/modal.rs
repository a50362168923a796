//! Modals (callback type 9).

use std::collections::BTreeSet;

use serde_json::Value;

use crate::rest::error::{Findings, join};

pub(crate) fn check(data: &Value, path: &str) -> Findings {
    let mut found = Findings::default();
    found.known_keys(path, data, &["custom_id", "title", "components"]);
    found.length(
        &join(path, "custom_id"),
        data["custom_id"].as_str().unwrap_or_default(),
        1,
        100,
    );
    found.length(
        &join(path, "title"),
        data["title"].as_str().unwrap_or_default(),
        1,
        45,
    );
    let rows = data["components"]
        .as_array()
        .map(Vec::as_slice)
        .unwrap_or_default();
    let path = join(path, "components");
    if rows.is_empty() || rows.len() > 5 {
        found.refuse(
            &path,
            "BASE_TYPE_BAD_LENGTH",
            "Must be between 1 and 5 in length.",
        );
    }
    let mut ids = BTreeSet::new();
    for (n, row) in rows.iter().enumerate() {
        let path = join(&path, n);
        match (row["type"].as_u64(), inputs(row).as_slice()) {
            (Some(1), [input]) => {
                found.length(
                    &join(&path, "components.0.label"),
                    input["label"].as_str().unwrap_or_default(),
                    1,
                    45,
                );
                text_input(input, &join(&path, "components.0"), &mut ids, &mut found);
            }
            (Some(18), [input]) => {
                found.length(
                    &join(&path, "label"),
                    row["label"].as_str().unwrap_or_default(),
                    1,
                    45,
                );
                text_input(input, &join(&path, "component"), &mut ids, &mut found);
            }
            (Some(10), _) => {}
            _ => found.refuse(
                &join(&path, "type"),
                "BASE_TYPE_CHOICES",
                "Must be a row or label with one text input.",
            ),
        }
    }
    found
}

/// The text inputs in a row (type 1) or label (type 18) of a modal.
pub(crate) fn inputs(row: &Value) -> Vec<&Value> {
    let in_row = row["components"].as_array().into_iter().flatten();
    in_row
        .chain(row["component"].is_object().then_some(&row["component"]))
        .collect()
}

fn text_input(input: &Value, path: &str, ids: &mut BTreeSet<String>, found: &mut Findings) {
    if !matches!(input["type"].as_u64(), Some(3..=8)) {
        return found.refuse(
            &join(path, "type"),
            "BASE_TYPE_CHOICES",
            "Value must be an input.",
        );
    }
    let id = input["custom_id"].as_str().unwrap_or_default();
    found.length(&join(path, "custom_id"), id, 1, 100);
    if !ids.insert(id.to_owned()) {
        found.refuse(
            &join(path, "custom_id"),
            "COMPONENT_CUSTOM_ID_DUPLICATED",
            "Component custom id cannot be duplicated",
        );
    }
    if input["type"] != 4 {
        return;
    }
    if !matches!(input["style"].as_u64(), Some(1 | 2)) {
        found.refuse(
            &join(path, "style"),
            "BASE_TYPE_CHOICES",
            "Value must be one of {1, 2}.",
        );
    }
    found.length(
        &join(path, "placeholder"),
        input["placeholder"].as_str().unwrap_or_default(),
        0,
        100,
    );
    found.length(
        &join(path, "value"),
        input["value"].as_str().unwrap_or_default(),
        0,
        4000,
    );
    let (least, most) = (
        input["min_length"].as_u64().unwrap_or(0),
        input["max_length"].as_u64().unwrap_or(4000),
    );
    if most == 0 || most > 4000 || least > most {
        found.refuse(
            &join(path, "max_length"),
            "NUMBER_TYPE_MAX",
            "Must be between min_length and 4000.",
        );
    }
}
