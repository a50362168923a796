//! What Discord refuses, this fake refuses, and says so.

mod support;

use std::time::Duration;

use fake_discord::Discord;
use serde_json::{Value, json};
use support::{Bot, HOME, body, message, row, world, world_with};

/// A command of max, arrived at the bot.
async fn asked(discord: &Discord, bot: &mut Bot) -> (fake_discord::Answer, Value) {
    let answer = discord.person("max").slash("/help").await;
    (answer, bot.next().await)
}

fn code(reply: &(u16, Value)) -> (u16, u64) {
    (reply.0, reply.1["code"].as_u64().unwrap_or_default())
}

fn text(length: usize) -> String {
    "x".repeat(length)
}

#[tokio::test]
async fn only_one_answer_and_only_in_time() {
    let (discord, mut bot) =
        world_with(|setup| setup.answer_limit = Duration::from_millis(300)).await;
    let (answer, event) = asked(&discord, &mut bot).await;
    assert_eq!(
        code(
            &bot.rest
                .patch(&bot.rest.original(&event), body(json!({"content": "x"})))
                .await
        ),
        (404, 10015)
    );
    assert_eq!(bot.rest.answer(&event, json!({"type": 5})).await.0, 204);
    assert_eq!(
        code(&bot.rest.answer(&event, json!({"type": 5})).await),
        (400, 40060)
    );
    assert!(answer.ack().unwrap().after < Duration::from_millis(300));
    let (_late, event) = asked(&discord, &mut bot).await;
    tokio::time::sleep(Duration::from_millis(350)).await;
    assert_eq!(
        code(&bot.rest.answer(&event, json!({"type": 5})).await),
        (404, 10062)
    );
    let forged = json!({"id": event["id"], "token": "guessed"});
    assert_eq!(
        code(&bot.rest.answer(&forged, json!({"type": 5})).await),
        (404, 10062)
    );
    assert_eq!(discord.violations().len(), 4);
}

#[tokio::test]
async fn tokens_end() {
    let (discord, mut bot) =
        world_with(|setup| setup.token_life = Duration::from_millis(300)).await;
    let (_answer, event) = asked(&discord, &mut bot).await;
    bot.rest
        .answer(&event, json!({"type": 5, "data": {"flags": 64}}))
        .await;
    assert_eq!(
        bot.rest
            .patch(&bot.rest.original(&event), body(json!({"content": "x"})))
            .await
            .0,
        200
    );
    tokio::time::sleep(Duration::from_millis(350)).await;
    assert_eq!(
        code(
            &bot.rest
                .patch(&bot.rest.original(&event), body(json!({"content": "y"})))
                .await
        ),
        (401, 50027)
    );
    assert_eq!(discord.violations(), [""; 0]);
}

#[tokio::test]
async fn kinds_of_answers() {
    let (discord, mut bot) = world().await;
    let (_answer, event) = asked(&discord, &mut bot).await;
    for kind in [1, 6, 7, 8, 12] {
        assert_eq!(
            code(
                &bot.rest
                    .answer(&event, message(kind, json!({"content": "x"})))
                    .await
            ),
            (400, 50035),
            "{kind}"
        );
    }
    bot.rest
        .answer(&event, json!({"type": 5, "data": {"flags": 4}}))
        .await;
    assert!(
        discord
            .violations()
            .last()
            .unwrap()
            .contains("knows only EPHEMERAL")
    );
    let max = discord.person("max");
    let typing = tokio::spawn(async move { max.try_type_ahead("/vm start a").await });
    let event = bot.next().await;
    assert_eq!(
        code(&bot.rest.answer(&event, json!({"type": 5})).await),
        (400, 50035)
    );
    let many: Vec<Value> = (0..26)
        .map(|n| json!({"name": n.to_string(), "value": "v"}))
        .collect();
    for choices in [
        json!(many),
        json!([{"name": text(101), "value": "v"}]),
        json!([{"name": "n", "value": text(101)}]),
    ] {
        assert_eq!(
            code(
                &bot.rest
                    .answer(&event, json!({"type": 8, "data": {"choices": choices}}))
                    .await
            ),
            (400, 50035)
        );
    }
    bot.rest
        .answer(&event, json!({"type": 8, "data": {"choices": []}}))
        .await;
    assert_eq!(typing.await.unwrap().unwrap(), []);
}

#[tokio::test]
async fn messages_over_the_limits() {
    let (discord, mut bot) = world().await;
    let (_answer, event) = asked(&discord, &mut bot).await;
    let button =
        |id: &str, label: &str| json!({"type": 2, "style": 1, "label": label, "custom_id": id});
    let field = json!({"name": "n", "value": "v"});
    for bad in [
        json!({"content": text(2001)}),
        json!({"embeds": [{"title": text(257)}]}),
        json!({"embeds": [{"description": text(4097)}]}),
        json!({"embeds": [{"description": text(4000)}, {"description": text(2001)}]}),
        json!({"embeds": [{"fields": vec![field; 26]}]}),
        json!({"embeds": [{"fields": [{"name": "n", "value": " "}]}]}),
        json!({"embeds": [{"fields": [{"name": text(257), "value": "v"}]}]}),
        json!({"embeds": [{"title": "t", "color": 0x0100_0000}]}),
        json!({"embeds": [{"title": "t", "timestamp": "yesterday"}]}),
        json!({"embeds": [{"title": "t", "url": "ftp://x"}]}),
        json!({"embeds": vec![json!({"title": "t"}); 11]}),
        json!({"content": "x", "components": vec![row(&json!([button("a", "A")]))[0].clone(); 6]}),
        json!({"content": "x", "components": row(&json!([button("a", "A"), button("a", "B")]))}),
        json!({"content": "x", "components": row(&json!([button("a", &text(81))]))}),
        json!({"content": "x", "components": row(&json!([button(&text(101), "A")]))}),
        json!({"content": "x", "components": row(&json!([{"type": 2, "style": 1, "label": "A"}]))}),
        json!({"content": "x", "components": row(&json!([{"type": 2, "style": 9, "label": "A", "custom_id": "a"}]))}),
        json!({"content": "x", "components": row(&json!([]))}),
        json!({"content": "x", "components": [button("a", "A")]}),
        json!({"content": "x", "allowed_mentions": {"parse": ["users"], "users": ["1"]}}),
        json!({"content": "x", "allowed_mentions": {"parse": ["friends"]}}),
        json!({"content": "x", "flags": 32768}),
    ] {
        let mut data = body(json!({}));
        data.as_object_mut()
            .unwrap()
            .extend(bad.as_object().unwrap().clone());
        let reply = bot
            .rest
            .answer(&event, json!({"type": 4, "data": data}))
            .await;
        assert_eq!(code(&reply), (400, 50035), "{bad}");
        assert!(reply.1["errors"]["data"].is_object(), "{}", reply.1);
    }
    assert_eq!(
        code(
            &bot.rest
                .answer(&event, message(4, json!({"content": " "})))
                .await
        ),
        (400, 50006)
    );
    assert_eq!(
        bot.rest
            .answer(&event, message(4, json!({"content": text(2000)})))
            .await
            .0,
        204
    );
}

#[tokio::test]
async fn house_rules_are_noted_but_pass() {
    let (discord, mut bot) = world().await;
    let (_answer, event) = asked(&discord, &mut bot).await;
    bot.rest
        .answer(&event, json!({"type": 4, "data": {"content": "x"}}))
        .await;
    let original = bot.rest.original(&event);
    assert_eq!(
        bot.rest.patch(&original, json!({"content": "y"})).await.0,
        200
    );
    bot.rest
        .patch(&original, body(json!({"content": "z", "flags": 64})))
        .await;
    bot.rest
        .patch(&original, body(json!({"contents": "misspelt"})))
        .await;
    let broken = discord.violations();
    for (rule, words) in broken.iter().zip([
        "allowed_mentions` is absent",
        "allowed_mentions` is absent",
        "cannot change",
        "unknown field `contents`",
    ]) {
        assert!(rule.contains(words), "{rule}");
    }
    assert_eq!(broken.len(), 4);
}

#[tokio::test]
async fn a_private_follow_up_to_a_thinking_answer_is_public() {
    let (discord, mut bot) = world().await;
    let (answer, event) = asked(&discord, &mut bot).await;
    bot.rest.answer(&event, json!({"type": 5})).await;
    let secret = body(json!({"content": "secret", "flags": 64}));
    bot.rest
        .post(&bot.rest.webhook(&event), secret.clone())
        .await;
    assert_eq!(answer.first().await.ephemeral_for, None);
    assert!(discord.violations()[0].contains("shows it publicly"));

    let (answer, event) = asked(&discord, &mut bot).await;
    bot.rest.answer(&event, json!({"type": 5})).await;
    assert_eq!(bot.rest.delete(&bot.rest.original(&event)).await, 204);
    bot.rest.post(&bot.rest.webhook(&event), secret).await;
    assert_eq!(
        answer.follow_up("secret").await.ephemeral_for,
        Some(discord.person("max").id())
    );
    answer.deleted().await;
    assert_eq!(
        code(
            &bot.rest
                .patch(&bot.rest.original(&event), body(json!({"content": "x"})))
                .await
        ),
        (404, 10008)
    );
    assert_eq!(discord.violations().len(), 1);
}

#[tokio::test]
async fn follow_ups_are_edited_and_deleted_by_id() {
    let (discord, mut bot) = world().await;
    let (answer, event) = asked(&discord, &mut bot).await;
    bot.rest
        .answer(&event, message(4, json!({"content": "first"})))
        .await;
    let (_, sent) = bot
        .rest
        .post(
            &bot.rest.webhook(&event),
            body(json!({"content": "more", "flags": 64})),
        )
        .await;
    let path = format!(
        "{}/messages/{}",
        bot.rest.webhook(&event),
        sent["id"].as_str().unwrap()
    );
    assert_eq!(
        bot.rest
            .patch(&path, body(json!({"content": "changed"})))
            .await
            .0,
        200
    );
    assert_eq!(
        answer.follow_up("changed").await.text(),
        "🔒 only max\nchanged"
    );
    let there = format!(
        "/channels/{}/messages/{}",
        support::CHANNEL,
        sent["id"].as_str().unwrap()
    );
    assert_eq!(
        code(&bot.rest.patch(&there, body(json!({"content": "x"}))).await),
        (404, 10008)
    );
    assert_eq!(bot.rest.delete(&path).await, 204);
    assert_eq!(
        code(&bot.rest.patch(&path, body(json!({"content": "x"}))).await),
        (404, 10008)
    );
    assert_eq!(answer.first().await.text(), "first");
    assert_eq!(discord.unread(), [""; 0]);
}

#[tokio::test]
async fn commands_are_checked() {
    let (discord, bot) = world().await;
    let option = |fields: Value| {
        let mut option = json!({"type": 3, "name": "o", "description": "d"});
        option
            .as_object_mut()
            .unwrap()
            .extend(fields.as_object().unwrap().clone());
        json!([{"name": "c", "description": "d", "options": [option]}])
    };
    let choice = json!({"name": "a", "value": "a"});
    let sub = json!({"type": 1, "name": "s", "description": "d", "options": [{"type": 1, "name": "t", "description": "d"}]});
    let two = |a: Value, b: Value| json!([{"name": "c", "description": "d", "options": [a, b]}]);
    let plain = |name: &str, required: bool| json!({"type": 3, "name": name, "description": "d", "required": required});
    let long: Vec<Value> = (0..25).map(|n| json!({"type": 3, "name": format!("o{n}"), "description": text(100),
        "choices": (0..25).map(|n| json!({"name": format!("{n}{}", text(10)), "value": n.to_string()})).collect::<Vec<_>>()})).collect();
    for bad in [
        json!([{"name": "Upper", "description": "d"}]),
        json!([{"name": "with space", "description": "d"}]),
        json!([{"name": text(33), "description": "d"}]),
        json!([{"name": "c", "description": ""}]),
        json!([{"name": "c", "description": text(101)}]),
        json!([{"name": "c"}]),
        json!([{"name": "c", "description": "d"}, {"name": "c", "description": "d"}]),
        json!([{"name": "c", "description": "d", "name_localizations": {"xx": "c"}}]),
        json!([{"name": "c", "description": "d", "default_member_permissions": "admins"}]),
        json!([{"name": "c", "description": "d", "options": long}]),
        json!([{"name": "c", "description": "d", "options": [sub]}]),
        option(json!({"autocomplete": true, "choices": [choice]})),
        option(json!({"choices": vec![choice.clone(); 26]})),
        option(json!({"choices": [{"name": "a", "value": 3}]})),
        option(json!({"type": 99})),
        two(plain("a", false), plain("b", true)),
        two(plain("a", true), plain("a", true)),
        two(
            plain("a", true),
            json!({"type": 1, "name": "s", "description": "d"}),
        ),
    ] {
        let reply = bot.rest.register(HOME, bad.clone()).await;
        assert_eq!(code(&reply), (400, 50035), "{bad}");
    }
    assert_eq!(discord.registrations(), 1);
    assert_eq!(code(&bot.rest.register(77, json!([])).await), (403, 50001));
}
