//! The fake's own answers against Discord's `OpenAPI` document, so that the fake cannot drift.

mod support;

use std::collections::HashMap;
use std::path::PathBuf;

use fake_discord::setup::{ALERTS, THREAD};
use jsonschema::Validator;
use reqwest::Method;
use serde_json::{Value, json};
use support::{Bot, HOME, body, message, row, world};

/// The document, and a validator for each operation that was asked for.
struct Contract {
    document: Value,
    validators: HashMap<String, Validator>,
    found: Vec<String>,
}

impl Contract {
    /// `None`: not here, and nobody insists.
    fn open() -> Option<Contract> {
        let path = PathBuf::from(env!("CARGO_MANIFEST_DIR"))
            .join("../../../shared/contract/discord-openapi.json");
        #[expect(
            clippy::disallowed_methods,
            reason = "a switch of the test, not a setting of the bot"
        )]
        let required = std::env::var("PVE_STEWARD_CONTRACT").is_ok_and(|value| value == "required");
        let Ok(text) = std::fs::read_to_string(&path) else {
            assert!(
                !required,
                "PVE_STEWARD_CONTRACT=required, but Discord's document is not there"
            );
            println!("skipped: Discord's OpenAPI document is not beside this checkout");
            return None;
        };
        let document = serde_json::from_str(&text).expect("the document is JSON");
        Some(Contract {
            document,
            validators: HashMap::new(),
            found: Vec::new(),
        })
    }

    fn check(&mut self, method: &Method, template: &str, (status, answer): &(u16, Value)) {
        if *status == 204 {
            return;
        }
        let key = format!("{method} {template} {status}");
        if !self.validators.contains_key(&key) {
            let validator = self.validator(method, template, *status);
            self.validators.insert(key.clone(), validator);
        }
        let answer = with_number_codes(answer.clone());
        let errors = self.validators[&key].iter_errors(&answer);
        self.found
            .extend(errors.map(|error| format!("{key} at {}: {error}", error.instance_path())));
    }

    fn validator(&self, method: &Method, template: &str, status: u16) -> Validator {
        let method = method.as_str().to_lowercase();
        let responses = &self.document["paths"][template][&method]["responses"];
        let exact = status.to_string();
        let place = if responses[&exact].is_object() {
            exact
        } else {
            format!("{}XX", status / 100)
        };
        let step = template
            .replace('/', "~1")
            .replace('{', "%7B")
            .replace('}', "%7D");
        let mut target = format!("#/paths/{step}/{method}/responses/{place}");
        if let Some(shared) = responses[&place]["$ref"].as_str() {
            shared.clone_into(&mut target);
        }
        let schema = json!({
            "$schema": "https://json-schema.org/draft/2020-12/schema",
            "$ref": format!("{target}/content/application~1json/schema"),
            "components": self.document["components"], "paths": self.document["paths"]
        });
        jsonschema::options()
            .build(&schema)
            .unwrap_or_else(|error| panic!("{method} {template} {status}: {error}"))
    }
}

/// The document calls the inner error codes numbers; Discord, and its documentation, have words.
fn with_number_codes(mut answer: Value) -> Value {
    fn walk(value: &mut Value) {
        for (key, inner) in value.as_object_mut().into_iter().flatten() {
            if key == "_errors" {
                for error in inner.as_array_mut().into_iter().flatten() {
                    error["code"] = json!(0);
                }
            }
            walk(inner);
        }
    }
    if let Some(errors) = answer.get_mut("errors") {
        walk(errors);
    }
    answer
}

/// Sends and checks the answer.
async fn send(
    contract: &mut Contract,
    bot: &Bot,
    method: Method,
    template: &str,
    path: &str,
    body: Option<Value>,
) -> Value {
    let reply = bot.rest.send(method.clone(), path, body).await;
    contract.check(&method, template, &reply);
    reply.1
}

#[tokio::test]
async fn lookups() {
    let Some(mut contract) = Contract::open() else {
        return;
    };
    let (discord, bot) = world().await;
    let max = discord.person("max").id();
    for (template, path) in [
        ("/gateway", "/gateway".to_owned()),
        ("/gateway/bot", "/gateway/bot".to_owned()),
        ("/users/@me", "/users/@me".to_owned()),
        ("/users/@me/guilds", "/users/@me/guilds".to_owned()),
        ("/users/@me/guilds", "/users/@me/guilds?limit=1".to_owned()),
        ("/applications/@me", "/applications/@me".to_owned()),
        (
            "/oauth2/applications/@me",
            "/oauth2/applications/@me".to_owned(),
        ),
        ("/guilds/{guild_id}", format!("/guilds/{HOME}")),
        ("/guilds/{guild_id}", "/guilds/5".to_owned()),
        (
            "/guilds/{guild_id}/channels",
            format!("/guilds/{HOME}/channels"),
        ),
        ("/guilds/{guild_id}/roles", format!("/guilds/{HOME}/roles")),
        (
            "/guilds/{guild_id}/members/{user_id}",
            format!("/guilds/{HOME}/members/{max}"),
        ),
        (
            "/guilds/{guild_id}/members/{user_id}",
            format!("/guilds/{HOME}/members/{}", bot.rest.app),
        ),
        (
            "/guilds/{guild_id}/members/{user_id}",
            format!("/guilds/{HOME}/members/12345"),
        ),
        ("/channels/{channel_id}", format!("/channels/{ALERTS}")),
        ("/channels/{channel_id}", format!("/channels/{THREAD}")),
    ] {
        send(&mut contract, &bot, Method::GET, template, &path, None).await;
    }
    let open = json!({"recipient_id": max.to_string()});
    let direct = send(
        &mut contract,
        &bot,
        Method::POST,
        "/users/@me/channels",
        "/users/@me/channels",
        Some(open),
    )
    .await;
    let path = format!("/channels/{}", direct["id"].as_str().unwrap());
    send(
        &mut contract,
        &bot,
        Method::GET,
        "/channels/{channel_id}",
        &path,
        None,
    )
    .await;
    assert_eq!(contract.found, [""; 0]);
}

#[tokio::test]
async fn commands() {
    let Some(mut contract) = Contract::open() else {
        return;
    };
    let (_discord, bot) = world().await;
    let template = "/applications/{application_id}/guilds/{guild_id}/commands";
    let path = format!("/applications/{}/guilds/{HOME}/commands", bot.rest.app);
    send(&mut contract, &bot, Method::GET, template, &path, None).await;
    send(
        &mut contract,
        &bot,
        Method::PUT,
        template,
        &path,
        Some(support::commands()),
    )
    .await;
    let refused =
        json!([{"name": "Bad Name", "description": "d", "options": [{"type": 3, "name": "x"}]}]);
    send(
        &mut contract,
        &bot,
        Method::PUT,
        template,
        &path,
        Some(refused),
    )
    .await;
    let one = json!({"name": "extra", "description": "d", "default_member_permissions": "8"});
    send(
        &mut contract,
        &bot,
        Method::POST,
        template,
        &path,
        Some(one),
    )
    .await;
    let global = format!("/applications/{}/commands", bot.rest.app);
    let template = "/applications/{application_id}/commands";
    send(
        &mut contract,
        &bot,
        Method::PUT,
        template,
        &global,
        Some(support::commands()),
    )
    .await;
    assert_eq!(contract.found, [""; 0]);
}

fn card() -> Value {
    body(json!({
        "content": "<@80351110224678912> look",
        "embeds": [{"title": "t", "description": "d", "color": 5, "timestamp": "2026-11-23T20:00:00Z",
            "url": "https://example.org", "footer": {"text": "f"}, "author": {"name": "a"},
            "image": {"url": "https://example.org/i.png"}, "thumbnail": {"url": "https://example.org/t.png"},
            "fields": [{"name": "n", "value": "v"}]}],
        "components": [row(&json!([{"type": 2, "style": 1, "label": "A", "custom_id": "a"},
            {"type": 2, "style": 5, "label": "B", "url": "https://example.org"}]))[0],
            row(&json!([{"type": 3, "custom_id": "m", "options": [{"label": "l", "value": "v"}]}]))[0]]
    }))
}

#[tokio::test]
async fn answers() {
    let Some(mut contract) = Contract::open() else {
        return;
    };
    let (discord, mut bot) = world().await;
    let max = discord.person("max");
    let private = json!({"type": 5, "data": {"flags": 64}});
    for first in [
        json!({"type": 5}),
        private,
        json!({"type": 4, "data": card()}),
    ] {
        let answer = max.slash("/help").await;
        let event = bot.next().await;
        callback(&mut contract, &bot, &event, first).await;
        edits(&mut contract, &bot, &event).await;
        press_all(
            &mut contract,
            &discord,
            &mut bot,
            &answer.until("look").await,
        )
        .await;
    }
    assert_eq!(contract.found, [""; 0]);
    let patched = "PATCH /webhooks/{webhook_id}/{webhook_token}/messages/@original 200";
    assert!(
        contract.validators.contains_key(patched),
        "no edit was checked"
    );
}

async fn edits(contract: &mut Contract, bot: &Bot, event: &Value) {
    let template = "/webhooks/{webhook_id}/{webhook_token}/messages/@original";
    let original = bot.rest.original(event);
    send(contract, bot, Method::GET, template, &original, None).await;
    send(
        contract,
        bot,
        Method::PATCH,
        template,
        &original,
        Some(card()),
    )
    .await;
    let template = "/webhooks/{webhook_id}/{webhook_token}";
    let webhook = bot.rest.webhook(event);
    let sent = send(
        contract,
        bot,
        Method::POST,
        template,
        &webhook,
        Some(card()),
    )
    .await;
    let one = format!("{webhook}/messages/{}", sent["id"].as_str().unwrap());
    let template = "/webhooks/{webhook_id}/{webhook_token}/messages/{message_id}";
    let empty = body(json!({"content": "", "embeds": [], "components": []}));
    send(contract, bot, Method::PATCH, template, &one, Some(empty)).await;
}

#[tokio::test]
async fn channel_messages() {
    let Some(mut contract) = Contract::open() else {
        return;
    };
    let (_discord, bot) = world().await;
    let template = "/channels/{channel_id}/messages";
    let path = format!("/channels/{ALERTS}/messages");
    let sent = send(
        &mut contract,
        &bot,
        Method::POST,
        template,
        &path,
        Some(card()),
    )
    .await;
    send(
        &mut contract,
        &bot,
        Method::POST,
        template,
        &path,
        Some(json!({})),
    )
    .await;
    send(&mut contract, &bot, Method::GET, template, &path, None).await;
    let one = format!("{path}/{}", sent["id"].as_str().unwrap());
    let template = "/channels/{channel_id}/messages/{message_id}";
    let edit = Some(body(json!({"content": "c"})));
    send(&mut contract, &bot, Method::PATCH, template, &one, edit).await;
    send(
        &mut contract,
        &bot,
        Method::GET,
        template,
        &format!("{path}/7"),
        None,
    )
    .await;
    assert_eq!(contract.found, [""; 0]);
}

async fn callback(contract: &mut Contract, bot: &Bot, event: &Value, answer: Value) {
    let template = "/interactions/{interaction_id}/{interaction_token}/callback";
    let path = format!("{}/callback?with_response=true", support::path_of(event));
    send(
        contract,
        bot,
        Method::POST,
        template,
        &path,
        Some(answer.clone()),
    )
    .await;
    send(contract, bot, Method::POST, template, &path, Some(answer)).await;
}

/// A press, answered in every way.
async fn press_all(
    contract: &mut Contract,
    discord: &fake_discord::Discord,
    bot: &mut Bot,
    card: &fake_discord::Message,
) {
    let max = discord.person("max");
    for first in [
        json!({"type": 6}),
        message(7, json!({"content": "look again"})),
        message(4, json!({"content": "x"})),
    ] {
        max.press(card, "a").await;
        let event = bot.next().await;
        callback(contract, bot, &event, first).await;
    }
    let opened = max.press(card, "a").await;
    let event = bot.next().await;
    let input = json!({"type": 4, "custom_id": "i", "label": "l", "style": 1});
    let modal = json!({"type": 9, "data": {"custom_id": "c", "title": "t", "components": row(&json!([input]))}});
    callback(contract, bot, &event, modal).await;
    max.submit_modal(&opened, &[("l", "text")]).await;
    let event = bot.next().await;
    callback(
        contract,
        bot,
        &event,
        message(4, json!({"content": "thanks"})),
    )
    .await;
}

#[tokio::test]
async fn an_application_of_a_team() {
    let Some(mut contract) = Contract::open() else {
        return;
    };
    let (discord, bot) = world().await;
    discord.adjust(|setup| setup.team = true);
    let path = "/oauth2/applications/@me";
    send(&mut contract, &bot, Method::GET, path, path, None).await;
    assert_eq!(contract.found, [""; 0]);
}

#[tokio::test]
async fn limits() {
    let Some(mut contract) = Contract::open() else {
        return;
    };
    let (discord, bot) = world().await;
    assert!(discord.fault_by_name("globally-limited"));
    send(
        &mut contract,
        &bot,
        Method::GET,
        "/users/@me",
        "/users/@me",
        None,
    )
    .await;
    assert_eq!(contract.found, [""; 0]);
}
