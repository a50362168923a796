//! Proxmox's dialect of JSON Schema: what is optional, not what is required; 0 and 1 for true and
//! false; texts for numbers.

use serde_json::{Map, Value, json};

/// Numbers that really come as text, by the name of their field.
const TEXT_NUMBERS: &[&str] = &["cpulimit", "cpus", "id", "loadavg", "memory", "mhz", "port"];

/// The same in the usual JSON Schema, for values that went through [`taken`] or [`told`].
pub fn translated(schema: &Value) -> Value {
    let mut out = Map::new();
    for key in ["type", "enum", "format", "maxLength", "minLength"] {
        if let Some(value) = schema.get(key) {
            out.insert(key.to_owned(), value.clone());
        }
    }
    for key in ["minimum", "maximum"] {
        if let Some(limit) = schema.get(key).and_then(number) {
            out.insert(key.to_owned(), limit);
        }
    }
    if let Some(pattern) = schema["pattern"].as_str() {
        // Perl's own way to write a compiled expression; and the whole text has to fit.
        let pattern = pattern.replace("(?^:", "(?:");
        out.insert("pattern".to_owned(), json!(format!("^(?:{pattern})$")));
    }
    if schema["items"].is_object() {
        out.insert("items".to_owned(), translated(&schema["items"]));
    }
    if let Some(properties) = schema["properties"].as_object() {
        let open = schema["additionalProperties"] == 1;
        out.extend(object(properties, open));
    }
    Value::Object(out)
}

/// An object's keywords.
pub fn object(properties: &Map<String, Value>, open: bool) -> Map<String, Value> {
    let (mut known, mut counted, mut together) = (Map::new(), Map::new(), Map::new());
    for (name, schema) in properties {
        match name.strip_suffix("[n]") {
            Some(stem) => counted.insert(format!("^{stem}[0-9]+$"), translated(schema)),
            None => known.insert(name.clone(), translated(schema)),
        };
        if let Some(other) = schema["requires"].as_str() {
            together.insert(name.clone(), json!([other]));
        }
    }
    let needed = properties
        .iter()
        .filter(|(_, schema)| schema["optional"] != 1)
        .map(|(name, _)| name);
    let needed: Vec<&String> = needed.collect();
    let whole = json!({
        "properties": known,
        "patternProperties": counted,
        "required": needed,
        "dependentRequired": together,
        "additionalProperties": open,
    });
    whole.as_object().cloned().unwrap_or_default()
}

/// A parameter as the server takes it: everything is text to it until the schema says otherwise.
pub fn taken(schema: &Value, value: &Value) -> Value {
    let text = match value {
        Value::String(text) => text.clone(),
        Value::Number(number) => number.to_string(),
        Value::Bool(yes) => u8::from(*yes).to_string(),
        Value::Array(list) => {
            return list
                .iter()
                .map(|item| taken(&schema["items"], item))
                .collect();
        }
        Value::Null | Value::Object(_) => return value.clone(),
    };
    match schema["type"].as_str() {
        Some("integer" | "number") => number(&json!(text)).unwrap_or(json!(text)),
        Some("boolean") => match text.to_ascii_lowercase().as_str() {
            "1" | "on" | "yes" | "true" => json!(true),
            "0" | "off" | "no" | "false" => json!(false),
            _ => json!(text),
        },
        // A list of one looks like its element in a form.
        Some("array") => json!([taken(&schema["items"], value)]),
        _ => json!(text),
    }
}

/// An answer as every client has to read it.
pub fn told(schema: &Value, name: &str, value: &Value) -> Value {
    match (schema["type"].as_str(), value) {
        (Some("boolean"), Value::Number(n)) if n.as_u64() == Some(0) => json!(false),
        (Some("boolean"), Value::Number(n)) if n.as_u64() == Some(1) => json!(true),
        (Some("integer" | "number"), Value::String(_)) if comes_as_text(name) => {
            number(value).unwrap_or_else(|| value.clone())
        }
        (_, Value::Array(list)) => list
            .iter()
            .map(|item| told(&schema["items"], name, item))
            .collect(),
        (_, Value::Object(fields)) => {
            let inner = |(key, field): (&String, &Value)| {
                (key.clone(), told(&schema["properties"][key], key, field))
            };
            Value::Object(fields.iter().map(inner).collect())
        }
        _ => value.clone(),
    }
}

fn comes_as_text(name: &str) -> bool {
    TEXT_NUMBERS.contains(&name) || name.starts_with("pressure")
}

fn number(value: &Value) -> Option<Value> {
    match value {
        Value::Number(_) => Some(value.clone()),
        Value::String(text) => {
            let whole = text.parse::<i64>().map(|number| json!(number));
            whole
                .or_else(|_| text.parse::<f64>().map(|number| json!(number)))
                .ok()
        }
        _ => None,
    }
}
