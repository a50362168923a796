//! The bot's REST requests and the fake's answers to them, against Discord's document.

use fake_discord::Recorded;
use serde_json::{Value, json};

use super::leniency::Side;
use super::openapi::{DISCORD, Operation};

/// The base address of the document.
const BASE: &str = "/api/v10";
const JSON: &str = "application/json";
const FORM: &str = "multipart/form-data";
/// `files[0]` to `files[9]` in the document.
const FILES: usize = 10;

/// Everything in these requests and their answers that is not as the document says.
pub fn wrong_in(requests: &[Recorded]) -> Vec<String> {
    requests.iter().flat_map(wrong).collect()
}

/// The operation's method and path.
pub fn name(request: &Recorded) -> String {
    let template = operation(request).map_or("(unknown)", |operation| operation.template);
    format!("{} {template}", request.method)
}

fn operation(request: &Recorded) -> Option<Operation<'static>> {
    DISCORD.operation(&request.method, request.path.strip_prefix(BASE)?)
}

fn wrong(request: &Recorded) -> Vec<String> {
    let Some(operation) = operation(request) else {
        return vec![format!(
            "Discord has no {} {}",
            request.method, request.path
        )];
    };
    let about = name(request);
    let mut wrong = named(&format!("{about} is sent a place"), places(&operation));
    wrong.extend(named(
        &format!("{about} is sent a query"),
        query(&operation, &request.query),
    ));
    wrong.extend(named(
        &format!("{about} is sent"),
        body(&operation, request),
    ));
    if (200..300).contains(&request.status) {
        let answer = answer(&operation, request.status, &request.response);
        wrong.extend(named(
            &format!("{about} is answered {}", request.status),
            answer,
        ));
    }
    wrong
}

fn named(about: &str, wrong: Vec<String>) -> Vec<String> {
    wrong
        .into_iter()
        .map(|line| format!("{about}: {line}"))
        .collect()
}

fn places(operation: &Operation<'_>) -> Vec<String> {
    let of = |(name, text): &(&str, String)| parameter(operation, "path", name, text);
    operation.places.iter().flat_map(of).collect()
}

fn query(operation: &Operation<'_>, query: &str) -> Vec<String> {
    let pairs = query.split('&').filter(|pair| !pair.is_empty());
    let split = pairs.map(|pair| pair.split_once('=').unwrap_or((pair, "")));
    split
        .flat_map(|(name, text)| parameter(operation, "query", name, text))
        .collect()
}

fn parameter(operation: &Operation<'_>, place: &str, name: &str, text: &str) -> Vec<String> {
    let found = operation
        .parameters
        .iter()
        .find(|(_, known)| known["name"] == name && known["in"] == place);
    let Some((pointer, _)) = found else {
        return vec![format!("{name} is unknown")];
    };
    // Texts all of them; `true` and `5` may also be meant as what they look like.
    let plain: Value = serde_json::from_str(text).unwrap_or_default();
    let as_text = DISCORD.wrong(Side::Bot, pointer, &json!(text));
    if as_text.is_empty() || DISCORD.wrong(Side::Bot, pointer, &plain).is_empty() {
        return Vec::new();
    }
    as_text
        .into_iter()
        .map(|line| format!("{name}: {line}"))
        .collect()
}

fn body(operation: &Operation<'_>, request: &Recorded) -> Vec<String> {
    let wanted = &operation.it["requestBody"];
    let content = &wanted["content"];
    if request.body.is_null() {
        let missing = wanted["required"] == true;
        return missing.then(|| "no body".to_owned()).into_iter().collect();
    }
    if !content[JSON].is_object() {
        return vec!["a body that is not wanted".to_owned()];
    }
    let mut wrong = Vec::new();
    if !request.files.is_empty() && !content[FORM].is_object() {
        wrong.push("files that are not wanted".to_owned());
    }
    if request.files.len() > FILES {
        wrong.push(format!("{} files", request.files.len()));
    }
    // The form's schema is the same with the files beside it, which are no JSON.
    let pointer = format!(
        "{}/requestBody/content/application~1json/schema",
        operation.pointer
    );
    wrong.extend(DISCORD.wrong(Side::Bot, &pointer, &request.body));
    wrong
}

fn answer(operation: &Operation<'_>, status: u16, answer: &Value) -> Vec<String> {
    let known = &operation.it["responses"][status.to_string()];
    if known.is_null() {
        return vec!["a status that the document does not know".to_owned()];
    }
    if !known["content"][JSON].is_object() {
        let empty = answer.is_null();
        return (!empty)
            .then(|| "a body where none belongs".to_owned())
            .into_iter()
            .collect();
    }
    let pointer = format!(
        "{}/responses/{status}/content/application~1json/schema",
        operation.pointer
    );
    DISCORD.wrong(Side::Discord, &pointer, answer)
}
