//! Discord's document: finds the operation of a path, and makes validators of its schemas.
//!
//! A validator gets only the schemas that its own schema leads to; the whole document would take
//! seconds to compile. Each is made once per process, when it is first needed.

use std::collections::HashMap;
use std::sync::{Arc, LazyLock, Mutex, PoisonError};

use jsonschema::Validator;
use serde_json::{Map, Value, json};

use super::leniency::{self, Side};
use super::{document, explain};

const SCHEMAS: &str = "#/components/schemas/";

pub static DISCORD: LazyLock<OpenApi> = LazyLock::new(|| OpenApi {
    document: document("discord-openapi.json"),
    validators: Mutex::default(),
});

pub struct OpenApi {
    document: Value,
    validators: Mutex<HashMap<(Side, String), Arc<Validator>>>,
}

/// One operation, and what stood in the places of its path.
pub struct Operation<'d> {
    pub template: &'d str,
    /// Where the operation stands in the document, as a JSON pointer.
    pub pointer: String,
    pub it: &'d Value,
    /// Parameters of this operation and of its path: pointer and parameter.
    pub parameters: Vec<(String, &'d Value)>,
    /// Name and text.
    pub places: Vec<(&'d str, String)>,
}

impl OpenApi {
    /// Of several templates that fit, the one with the fewest places: `@original` is no message id.
    pub fn operation(&self, method: &str, path: &str) -> Option<Operation<'_>> {
        let method = method.to_lowercase();
        let paths = self.document["paths"].as_object()?;
        let fitting = paths.iter().filter_map(|(template, item)| {
            let places = fit(template, path)?;
            item.get(&method).map(|it| (template, item, it, places))
        });
        let (template, item, it, places) = fitting.min_by_key(|(.., places)| places.len())?;
        let above = format!("/paths/{}", template.replace('~', "~0").replace('/', "~1"));
        let pointer = format!("{above}/{method}");
        let parameters = parameters(item, &above)
            .chain(parameters(it, &pointer))
            .collect();
        Some(Operation {
            template,
            pointer,
            it,
            parameters,
            places,
        })
    }

    /// What is wrong with a value by the schema at the pointer.
    pub fn wrong(&self, side: Side, pointer: &str, value: &Value) -> Vec<String> {
        explain::wrong(&self.validator(side, pointer), value)
    }

    fn validator(&self, side: Side, pointer: &str) -> Arc<Validator> {
        let key = (side, pointer.to_owned());
        // Held while it is made: the next test would only make the same one.
        let mut validators = self
            .validators
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        let made = validators
            .entry(key)
            .or_insert_with(|| Arc::new(self.make(side, pointer)));
        Arc::clone(made)
    }

    fn make(&self, side: Side, pointer: &str) -> Validator {
        let schema = self.document.pointer(pointer);
        let mut root = schema
            .unwrap_or_else(|| panic!("no schema at {pointer}"))
            .clone();
        let mut open = named(&root);
        let mut schemas = Map::new();
        let name = pointer
            .strip_prefix("/components/schemas/")
            .unwrap_or_default();
        leniency::prepare(side, name, &mut root);
        while let Some(name) = open.pop() {
            if schemas.contains_key(&name) {
                continue;
            }
            let mut schema = self.document["components"]["schemas"][&name].clone();
            open.extend(named(&schema));
            leniency::prepare(side, &name, &mut schema);
            schemas.insert(name, schema);
        }
        let whole = json!({
            "$schema": "https://json-schema.org/draft/2020-12/schema",
            "allOf": [root],
            "components": {"schemas": schemas},
        });
        let made = jsonschema::options()
            .should_validate_formats(true)
            .build(&whole);
        made.unwrap_or_else(|error| panic!("the schema at {pointer}: {error}"))
    }
}

/// The texts in the places of a template; `None` when it does not fit.
pub fn fit<'t>(template: &'t str, path: &str) -> Option<Vec<(&'t str, String)>> {
    let (wanted, given) = (template.split('/'), path.split('/'));
    if wanted.clone().count() != given.clone().count() {
        return None;
    }
    let mut places = Vec::new();
    for (want, is) in wanted.zip(given) {
        match want
            .strip_prefix('{')
            .and_then(|rest| rest.strip_suffix('}'))
        {
            Some(name) => places.push((name, is.to_owned())),
            None if want == is => {}
            None => return None,
        }
    }
    Some(places)
}

fn parameters<'d>(of: &'d Value, above: &str) -> impl Iterator<Item = (String, &'d Value)> {
    let above = above.to_owned();
    let all = of["parameters"]
        .as_array()
        .into_iter()
        .flatten()
        .enumerate();
    all.map(move |(n, parameter)| (format!("{above}/parameters/{n}/schema"), parameter))
}

/// The schemas that are referred to.
fn named(schema: &Value) -> Vec<String> {
    match schema {
        Value::Object(fields) => {
            let own = fields.get("$ref").and_then(Value::as_str);
            let own = own
                .and_then(|target| target.strip_prefix(SCHEMAS))
                .map(str::to_owned);
            own.into_iter()
                .chain(fields.values().flat_map(named))
                .collect()
        }
        Value::Array(list) => list.iter().flat_map(named).collect(),
        _ => Vec::new(),
    }
}
