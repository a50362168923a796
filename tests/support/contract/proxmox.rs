//! The bot's requests to Proxmox and the fake's answers, against Proxmox's own schema.

use std::collections::HashMap;
use std::sync::{Arc, LazyLock, Mutex, PoisonError};

use fake_proxmox::Recorded;
use jsonschema::Validator;
use serde_json::{Map, Value, json};

use super::openapi::fit;
use super::{beyond, document, explain, formats, perl_schema};

/// In answers of the real server although the schema's `returns` does not know them: endpoint,
/// place in the schema, names.
const UNDOCUMENTED: &[(&str, &str, &[&str])] = &[
    (
        "/cluster/ha/resources",
        "/items",
        &["digest", "group", "state", "type"],
    ),
    ("/nodes", "/items", &["disk", "id", "maxdisk", "type"]),
    (
        "/nodes/{node}/lxc/{vmid}/status/current",
        "",
        &["pid", "pressurecpufull", "swap", "type"],
    ),
    (
        "/nodes/{node}/lxc/{vmid}/snapshot",
        "/items",
        &["digest", "running", "snapstate"],
    ),
    (
        "/nodes/{node}/qemu/{vmid}/snapshot",
        "/items",
        &["digest", "running", "snapstate"],
    ),
    (
        "/nodes/{node}/qemu/{vmid}/status/current",
        "",
        &["disk", "nics", "proxmox-support"],
    ),
    (
        "/nodes/{node}/status",
        "/properties/cpuinfo",
        &["flags", "hvm", "mhz", "user_hz"],
    ),
    (
        "/nodes/{node}/storage/{storage}/content",
        "/items",
        &["content", "subtype"],
    ),
    ("/nodes/{node}/tasks", "/items", &["tokenid"]),
    (
        "/nodes/{node}/tasks/{upid}/status",
        "",
        &["exitstatus", "tokenid"],
    ),
];

static PROXMOX: LazyLock<Api> = LazyLock::new(|| {
    let mut document = document("proxmox-api.json");
    let mut endpoints = beyond::endpoints();
    if let (Some(all), Value::Object(known)) =
        (endpoints.as_object_mut(), document["endpoints"].take())
    {
        all.extend(known);
    }
    Api {
        endpoints,
        validators: Mutex::default(),
    }
});

struct Api {
    endpoints: Value,
    validators: Mutex<HashMap<String, Arc<Validator>>>,
}

/// One call of the API, and what stood in the places of its path.
struct Endpoint<'a> {
    path: &'a str,
    places: Vec<(&'a str, String)>,
    call: &'a Value,
}

/// Everything in these requests and their answers that is not as the schema says.
pub fn wrong_in(requests: &[Recorded]) -> Vec<String> {
    requests.iter().flat_map(wrong).collect()
}

/// The endpoint's method and path.
pub fn name(request: &Recorded) -> String {
    let path = PROXMOX
        .find(&request.method, &request.path)
        .map_or("(unknown)", |found| found.path);
    format!("{} {path}", request.method)
}

fn wrong(request: &Recorded) -> Vec<String> {
    let Some(Endpoint { path, places, call }) = PROXMOX.find(&request.method, &request.path) else {
        return vec![format!(
            "Proxmox has no {} {}",
            request.method, request.path
        )];
    };
    let about = format!("{} {path}", request.method);
    let sent = PROXMOX.sent(&about, call, &given(request, places));
    let mut wrong: Vec<String> = sent
        .into_iter()
        .map(|line| format!("{about} is sent {line}"))
        .collect();
    if (200..300).contains(&request.status) && !request.spoilt {
        let answer = PROXMOX.answered(&about, path, &call["returns"], &request.response);
        wrong.extend(
            answer
                .into_iter()
                .map(|line| format!("{about} is answered {line}")),
        );
    }
    wrong
}

/// All parameters, wherever they stood; a repeated one is a list.
fn given(request: &Recorded, places: Vec<(&str, String)>) -> Map<String, Value> {
    let texts = |(name, text): (&str, String)| (name.to_owned(), json!(text));
    let query = request
        .query
        .iter()
        .map(|(name, text)| (name.clone(), json!(text)));
    let mut given = Map::new();
    for (name, value) in places
        .into_iter()
        .map(texts)
        .chain(query)
        .chain(request.body.iter().cloned())
    {
        let value = match given.remove(&name) {
            None => value,
            Some(Value::Array(mut list)) => {
                list.push(value);
                list.into()
            }
            Some(first) => json!([first, value]),
        };
        given.insert(name, value);
    }
    given
}

impl Api {
    fn find(&self, method: &str, path: &str) -> Option<Endpoint<'_>> {
        let fitting = self
            .endpoints
            .as_object()?
            .iter()
            .filter_map(|(template, methods)| {
                Some(Endpoint {
                    path: template,
                    places: fit(template, path)?,
                    call: methods.get(method)?,
                })
            });
        fitting.min_by_key(|found| found.places.len())
    }

    fn sent(&self, about: &str, call: &Value, given: &Map<String, Value>) -> Vec<String> {
        let none = Map::new();
        let known = call["parameters"].as_object().unwrap_or(&none);
        let taken = |(name, value): (&String, &Value)| {
            let schema = known.get(name).unwrap_or(&Value::Null);
            (name.clone(), perl_schema::taken(schema, value))
        };
        let taken = Value::Object(given.iter().map(taken).collect());
        let validator = self.validator(&format!("{about} takes"), || {
            let mut schema = perl_schema::object(known, false);
            schema.insert("type".to_owned(), json!("object"));
            Value::Object(schema)
        });
        let mut wrong = explain::wrong(&validator, &taken);
        wrong.extend(given.keys().filter_map(|name| younger(call, name)));
        wrong.extend(
            given
                .keys()
                .filter_map(|name| formats::unchecked(name, known.get(name)?)),
        );
        wrong
    }

    fn answered(&self, about: &str, path: &str, returns: &Value, answer: &Value) -> Vec<String> {
        let Some(data) = answer.get("data") else {
            return vec!["without `data`".to_owned()];
        };
        let validator = self.validator(&format!("{about} tells"), || {
            let mut schema = perl_schema::translated(returns);
            // Of what is read; what a write answers is another thing under the same path.
            let read = about.starts_with("GET ");
            let undocumented = UNDOCUMENTED.iter().filter(|(known, ..)| *known == path);
            for (_, place, names) in undocumented.filter(|_| read) {
                let object = schema.pointer_mut(place);
                let object = object.unwrap_or_else(|| panic!("{path} has no {place}"));
                names
                    .iter()
                    .for_each(|name| object["properties"][name] = json!(true));
            }
            schema
        });
        explain::wrong(&validator, &perl_schema::told(returns, "", data))
    }

    fn validator(&self, key: &str, schema: impl FnOnce() -> Value) -> Arc<Validator> {
        let mut validators = self
            .validators
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        let made = validators.entry(key.to_owned()).or_insert_with(|| {
            let made = formats::options().build(&schema());
            Arc::new(made.unwrap_or_else(|error| panic!("what {key}: {error}")))
        });
        Arc::clone(made)
    }
}

/// The bot is also for 8.4, which refuses what it does not know.
fn younger(call: &Value, name: &str) -> Option<String> {
    let old = &call["pve8_4_5"];
    let new = old["params_new_in_9"]
        .as_array()?
        .iter()
        .any(|known| known == name);
    new.then(|| format!("/{name}: 8.4.5 does not know it"))
}
