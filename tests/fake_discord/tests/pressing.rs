//! Buttons, menus, modals and files.

mod support;

use fake_discord::setup::ALERTS;
use serde_json::{Value, json};
use support::{Bot, body, message, row, world};

#[tokio::test]
async fn buttons_update_their_message() {
    let (discord, mut bot) = world().await;
    let owner = discord.person("owner");
    let asked = owner.slash("/vm start 101").await;
    let event = bot.next().await;
    let buttons = row(
        &json!([{"type": 2, "style": 1, "label": "Yes", "custom_id": "yes"},
                             {"type": 2, "style": 2, "label": "No", "custom_id": "no", "disabled": true}]),
    );
    bot.rest
        .answer(
            &event,
            message(
                4,
                json!({"content": "Sure?", "components": buttons, "flags": 64}),
            ),
        )
        .await;
    let question = asked.first().await;
    assert_eq!(question.buttons(), ["Yes", "No"]);

    for (person, label, problem) in [
        (&owner, "No", "disabled"),
        (&owner, "Maybe", "sees no `Maybe`"),
        (&discord.person("max"), "Yes", "only shown to owner"),
    ] {
        let refused = person.try_click(&question, label).await.err().unwrap();
        assert!(refused.contains(problem), "{refused}");
    }

    let pressed = owner.click(&question, "Yes").await;
    let event = bot.next().await;
    assert_eq!(event["data"]["custom_id"], "yes");
    assert_eq!(event["message"]["id"], question.id.to_string());
    assert_eq!(
        event["message"]["interaction_metadata"]["user"]["username"],
        "owner"
    );
    bot.rest
        .answer(
            &event,
            message(7, json!({"content": "Done", "components": []})),
        )
        .await;
    assert_eq!(pressed.first().await.text(), "🔒 only owner\nDone");
    assert_eq!(pressed.versions().len(), 1);
    assert_eq!(asked.versions().len(), 2);

    // A forged press reaches the bot all the same, with the private message in it.
    discord.person("stranger").press(&question, "yes").await;
    assert_eq!(bot.next().await["member"]["user"]["username"], "stranger");
}

#[tokio::test]
async fn deferred_update_then_edit_and_follow_up() {
    let (discord, mut bot) = world().await;
    let panel = post(
        &bot,
        ALERTS,
        json!({"content": "panel", "components": row(&json!([
        {"type": 2, "style": 1, "label": "Refresh", "custom_id": "r"}]))}),
    )
    .await;
    let panel = discord.message(panel).unwrap();
    let pressed = discord.person("friend").click(&panel, "Refresh").await;
    let event = bot.next().await;
    assert_eq!(event["channel_id"], ALERTS.to_string());
    bot.rest.answer(&event, json!({"type": 6})).await;
    bot.rest
        .post(
            &bot.rest.webhook(&event),
            body(json!({"content": "only you", "flags": 64})),
        )
        .await;
    assert_eq!(pressed.first().await.text(), "🔒 only friend\nonly you");
    bot.rest
        .patch(
            &bot.rest.original(&event),
            body(json!({"content": "panel 2"})),
        )
        .await;
    assert!(pressed.until("panel 2").await.text().contains("[Refresh]"));
    assert_eq!(discord.channel_messages(ALERTS).len(), 1);
    assert_eq!(discord.violations(), [""; 0]);
}

async fn post(bot: &Bot, channel: u64, fields: Value) -> u64 {
    let (status, sent) = bot
        .rest
        .post(&format!("/channels/{channel}/messages"), body(fields))
        .await;
    assert_eq!(status, 200, "{sent}");
    sent["id"].as_str().unwrap().parse().unwrap()
}

#[tokio::test]
async fn modals_and_menus() {
    let (discord, mut bot) = world().await;
    let owner = discord.person("owner");
    let opened = owner.slash("/help").await;
    let event = bot.next().await;
    let modal = json!({"type": 9, "data": {"custom_id": "why", "title": "Why?", "components": [
        {"type": 1, "components": [{"type": 4, "custom_id": "reason", "label": "Reason", "style": 1}]}]}});
    assert_eq!(bot.rest.answer(&event, modal).await.0, 204);
    assert_eq!(opened.modal().await["title"], "Why?");
    let submitted = owner.submit_modal(&opened, &[("Reason", "fun")]).await;
    let event = bot.next().await;
    assert_eq!(
        event["data"]["components"][0]["components"][0]["value"],
        "fun"
    );
    let menu = row(
        &json!([{"type": 3, "custom_id": "pick", "placeholder": "Pick one", "options": [
        {"label": "A", "value": "a"}, {"label": "B", "value": "b"}]}]),
    );
    bot.rest
        .answer(
            &event,
            message(4, json!({"content": "menu", "components": menu})),
        )
        .await;
    let shown = submitted.first().await;
    assert_eq!(shown.text(), "menu\n▾ Pick one: A | B");
    assert!(owner.try_select(&shown, "Pick one", &["C"]).await.is_err());
    owner.select(&shown, "Pick one", &["B"]).await;
    assert_eq!(bot.next().await["data"]["values"], json!(["b"]));
}

/// A picture of 800 by 400, as far as anybody looks.
fn png() -> Vec<u8> {
    let size = [800_u32.to_be_bytes(), 400_u32.to_be_bytes()].concat();
    [b"\x89PNG\r\n\x1a\n".to_vec(), vec![0; 8], size].concat()
}

async fn edit_with_picture(bot: &Bot, event: &Value, payload: &Value) -> Value {
    let file = reqwest::multipart::Part::bytes(png()).file_name("graph.png");
    let form = reqwest::multipart::Form::new()
        .text("payload_json", payload.to_string())
        .part("files[0]", file.mime_str("image/png").unwrap());
    let url = format!("{}{}", bot.rest.base, bot.rest.original(event));
    let sent = bot
        .rest
        .http
        .patch(url)
        .multipart(form)
        .send()
        .await
        .unwrap();
    sent.json().await.unwrap()
}

#[tokio::test]
async fn files_stay_only_when_named() {
    let (discord, mut bot) = world().await;
    let answer = discord.person("owner").slash("/help").await;
    let event = bot.next().await;
    bot.rest.answer(&event, json!({"type": 5})).await;
    let payload = body(
        json!({"embeds": [{"title": "CPU", "image": {"url": "attachment://graph.png"}}],
                              "attachments": [{"id": 0, "filename": "graph.png", "description": "a line"}]}),
    );
    let sent = edit_with_picture(&bot, &event, &payload).await;
    assert_eq!(
        (
            sent["attachments"][0]["width"].as_u64(),
            sent["attachments"][0]["height"].as_u64()
        ),
        (Some(800), Some(400))
    );
    let shown = answer.first().await;
    assert_eq!(
        shown.text(),
        "│ CPU\n│ [image: graph.png]\n📎 graph.png: a line"
    );
    assert_eq!(shown.attachment("graph.png").unwrap().bytes[..], png()[..]);
    let picture = sent["embeds"][0]["image"]["url"].as_str().unwrap();
    assert_eq!(
        bot.rest
            .http
            .get(picture)
            .send()
            .await
            .unwrap()
            .bytes()
            .await
            .unwrap(),
        png()
    );

    bot.rest
        .patch(&bot.rest.original(&event), body(json!({"content": "kept"})))
        .await;
    assert_eq!(answer.until("kept").await.attachments.len(), 1);
    bot.rest
        .patch(
            &bot.rest.original(&event),
            body(json!({"content": "gone", "embeds": [], "attachments": []})),
        )
        .await;
    assert_eq!(answer.until("gone").await.attachments.len(), 0);
    assert_eq!(discord.violations(), [""; 0]);
    assert_eq!(
        discord
            .requests()
            .iter()
            .filter(|r| r.files == ["graph.png"])
            .count(),
        1
    );
}
