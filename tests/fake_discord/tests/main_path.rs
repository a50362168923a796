//! What a bot and its people do on a good day.

mod support;

use fake_discord::setup::{ALERTS, FRIENDS, THREAD};
use serde_json::json;
use support::{HOME, body, message, row, world, world_with};

#[tokio::test]
async fn command_deferred_then_edited() {
    let (discord, mut bot) = world().await;
    let answer = discord
        .person("max")
        .slash("/vm start 101 because I can")
        .await;
    let event = bot.next().await;
    assert_eq!(
        event["data"]["options"][0]["options"][0],
        json!({"name": "guest", "type": 3, "value": "101"})
    );
    assert_eq!(
        event["data"]["options"][0]["options"][1]["value"],
        "because I can"
    );
    assert_eq!(event["member"]["roles"], json!([FRIENDS.to_string()]));

    assert_eq!(bot.rest.answer(&event, json!({"type": 5})).await.0, 204);
    let ack = answer.acked().await;
    assert_eq!((ack.kind, ack.ephemeral), (5, false));
    let card = json!({"embeds": [{"title": "🟢 minecraft", "description": "runs", "color": 0x0057_F287,
        "fields": [{"name": "Node", "value": "pve1"}], "footer": {"text": "done in 14 s"}}],
        "components": row(&json!([{"type": 2, "style": 4, "label": "Stop", "custom_id": "stop:101"}]))});
    let (status, sent) = bot.rest.patch(&bot.rest.original(&event), body(card)).await;
    assert_eq!(status, 200, "{sent}");
    let shown = answer.until("runs").await;
    assert_eq!(
        shown.text(),
        "│ 🟢 minecraft\n│ runs\n│ • Node\n│ pve1\n│ — done in 14 s\n[Stop] (danger)"
    );
    assert_eq!(shown.color(), Some(0x0057_F287));
    assert_eq!(discord.violations(), [""; 0]);
    assert_eq!(discord.unread(), [""; 0]);
}

#[tokio::test]
async fn unread_messages_are_reported() {
    let (discord, mut bot) = world().await;
    let answer = discord.person("owner").slash("/help").await;
    let event = bot.next().await;
    bot.rest
        .answer(&event, message(4, json!({"content": "one", "flags": 64})))
        .await;
    assert_eq!(discord.unread(), ["in #bot:\n🔒 only owner\none"]);
    assert_eq!(answer.first().await.text(), "🔒 only owner\none");
    assert_eq!(discord.unread(), [""; 0]);
    bot.rest
        .patch(&bot.rest.original(&event), body(json!({"content": "two"})))
        .await;
    assert_eq!(discord.unread().len(), 1);
    assert_eq!(
        answer
            .versions()
            .iter()
            .map(|version| version.edits)
            .collect::<Vec<_>>(),
        [0, 1]
    );
    assert_eq!(discord.unread(), [""; 0]);
}

#[tokio::test]
async fn autocomplete_and_fixed_choices() {
    let (discord, mut bot) = world().await;
    let max = discord.person("max");
    let typing = tokio::spawn(async move { max.type_ahead("/vm start mine").await });
    let event = bot.next().await;
    assert_eq!(event["type"], 4);
    let typed = &event["data"]["options"][0]["options"][0];
    assert_eq!(
        *typed,
        json!({"name": "guest", "type": 3, "value": "mine", "focused": true})
    );
    let choices =
        json!({"type": 8, "data": {"choices": [{"name": "minecraft (101)", "value": "101"}]}});
    assert_eq!(bot.rest.answer(&event, choices).await.0, 204);
    assert_eq!(typing.await.unwrap()[0].name, "minecraft (101)");
    let max = discord.person("max");
    assert_eq!(max.type_ahead("/vm list run").await[0].value, "running");
    assert!(
        max.try_type_ahead("/vm start 101 because")
            .await
            .unwrap_err()
            .contains("no autocomplete")
    );
}

#[tokio::test]
async fn the_client_refuses_what_it_cannot_send() {
    let (discord, mut bot) = world().await;
    let max = discord.person("max");
    for (text, problem) in [
        ("/nothing", "there is no command `/nothing`"),
        ("/vm stop 1", "no `stop` here"),
        ("/vm start", "needs `guest`"),
        ("/vm list burning", "none of the choices"),
        ("/vm list page:77", "out of bounds"),
        ("/access rule grant nobody", "nobody called"),
        ("/secret", "there is no command `/secret`"),
    ] {
        let refused = max
            .try_slash(text)
            .await
            .err()
            .unwrap_or_else(|| panic!("{text} was sent"));
        assert!(refused.contains(problem), "{text}: {refused}");
    }
    discord.person("owner").slash("/secret").await;
    assert_eq!(bot.next().await["data"]["name"], "secret");
    max.slash("/access rule grant who:@friend role:@friends")
        .await;
    let event = bot.next().await;
    let friend = discord.person("friend").id().to_string();
    assert_eq!(
        event["data"]["resolved"]["members"][&friend]["roles"],
        json!([FRIENDS.to_string()])
    );
    assert!(event["data"]["resolved"]["users"][&friend].is_object());
    assert_eq!(event["data"]["options"][0]["options"][0]["name"], "grant");
}

#[tokio::test]
async fn places_and_roles() {
    let (discord, mut bot) = world().await;
    discord
        .person("max")
        .in_channel(THREAD)
        .with_roles(&[])
        .slash("/help")
        .await;
    let event = bot.next().await;
    assert_eq!(event["channel"]["type"], 11);
    assert_eq!(event["channel"]["parent_id"], support::CHANNEL.to_string());
    assert_eq!(event["member"]["roles"], json!([]));
    discord
        .person("max")
        .in_direct_messages()
        .slash("/help")
        .await;
    let event = bot.next().await;
    assert!(event.get("member").is_none() && event["user"].is_object());
    assert_eq!(event["context"], 1);
    discord
        .person("max")
        .in_guild(fake_discord::setup::ELSEWHERE)
        .slash("/help")
        .await;
    assert_eq!(
        bot.next().await["guild_id"],
        fake_discord::setup::ELSEWHERE.to_string()
    );
    discord.adjust(|setup| setup.people[1].roles.clear());
    let member = bot
        .rest
        .get(&format!(
            "/guilds/{HOME}/members/{}",
            discord.person("max").id()
        ))
        .await;
    assert_eq!(member["roles"], json!([]));
}

#[tokio::test]
async fn direct_messages_and_pings() {
    let (discord, bot) = world().await;
    let max = discord.person("max").id();
    let (status, channel) = bot
        .rest
        .post(
            "/users/@me/channels",
            json!({"recipient_id": max.to_string()}),
        )
        .await;
    assert_eq!(status, 200);
    let path = format!("/channels/{}/messages", channel["id"].as_str().unwrap());
    let text = json!({"content": format!("<@{max}> hello"), "allowed_mentions": {"parse": [], "users": [max.to_string()]}});
    bot.rest.post(&path, text).await;
    assert_eq!(
        discord.wait_direct_message("max", "hello").await.pings,
        [max]
    );
    discord.adjust(|setup| setup.people[1].accepts_direct_messages = false);
    let (status, refused) = bot.rest.post(&path, body(json!({"content": "more"}))).await;
    assert_eq!((status, refused["code"].as_u64()), (403, Some(50007)));
    assert_eq!(discord.violations(), [""; 0]);
}

#[tokio::test]
async fn channel_permissions() {
    let (discord, bot) = world().await;
    let path = format!("/channels/{ALERTS}/messages");
    discord.adjust(|setup| {
        setup.channels[2].bot_permissions = Some(fake_discord::setup::VIEW_CHANNEL);
    });
    let (status, refused) = bot.rest.post(&path, body(json!({"content": "x"}))).await;
    assert_eq!((status, refused["code"].as_u64()), (403, Some(50013)));
    discord.adjust(|setup| setup.channels[2].bot_permissions = Some(0));
    let (status, refused) = bot.rest.post(&path, body(json!({"content": "x"}))).await;
    assert_eq!((status, refused["code"].as_u64()), (403, Some(50001)));
}

#[tokio::test]
async fn commands_come_back_complete() {
    let (discord, bot) =
        world_with(|setup| setup.heartbeat = std::time::Duration::from_secs(1)).await;
    let path = format!("/applications/{}/guilds/{HOME}/commands", bot.rest.app);
    let listed = bot.rest.get(&path).await;
    for key in [
        "id",
        "application_id",
        "version",
        "default_member_permissions",
        "nsfw",
        "contexts",
        "integration_types",
        "guild_id",
    ] {
        assert!(
            listed[0].get(key).is_some(),
            "{key} is missing: {}",
            listed[0]
        );
    }
    let before = listed[0].clone();
    bot.rest.register(HOME, support::commands()).await;
    let after = bot.rest.get(&path).await[0].clone();
    assert_eq!(
        (&before["id"], &before["version"]),
        (&after["id"], &after["version"])
    );
    assert_eq!(discord.registrations(), 2);
    assert_eq!(discord.commands(HOME).len(), 4);
}

#[tokio::test]
async fn forged_events_take_fields_away() {
    let (discord, mut bot) = world().await;
    discord
        .person("max")
        .raw(json!({"locale": null, "entitlements": null, "type": 77, "data": {"name": "what"}}))
        .await;
    let event = bot.next().await;
    assert!(event.get("locale").is_none() && event.get("entitlements").is_none());
    assert_eq!(
        (event["type"].as_u64(), event["data"]["name"].as_str()),
        (Some(77), Some("what"))
    );
    discord
        .person("max")
        .raw_slash(
            "/vm start 101",
            json!({"data": {"options": [{"name": "start", "type": 1, "options": [
        {"name": "guest", "type": 3, "value": 7}]}]}}),
        )
        .await;
    assert_eq!(
        bot.next().await["data"]["options"][0]["options"][0]["value"],
        7
    );
}

#[tokio::test]
async fn a_page_can_follow_without_reading() {
    let (discord, mut bot) =
        world_with(|setup| setup.answer_limit = std::time::Duration::from_millis(200)).await;
    let before = discord.revision();
    let answer = discord.person("max").slash("/help").await;
    let limit = std::time::Duration::from_secs(1);
    assert!(discord.changed_since(before, limit).await > before);
    let event = bot.next().await;
    bot.rest
        .answer(&event, message(4, json!({"content": "psst", "flags": 64})))
        .await;
    assert_eq!(
        discord.visible_to("max", support::CHANNEL)[0]
            .answers
            .as_deref(),
        Some("max: /help")
    );
    assert_eq!(discord.visible_to("owner", support::CHANNEL).len(), 0);
    assert_eq!(discord.unread().len(), 1);
    assert_eq!(answer.first().await.answers.as_deref(), Some("max: /help"));
    discord.person("owner").slash("/vm list").await;
    tokio::time::sleep(std::time::Duration::from_millis(250)).await;
    assert_eq!(discord.unanswered(), ["owner: /vm list"]);
}

#[tokio::test]
async fn a_missing_answer_fails_with_its_story() {
    let (discord, mut bot) =
        world_with(|setup| setup.patience = std::time::Duration::from_millis(300)).await;
    let answer = discord.person("max").slash("/help").await;
    let event = bot.next().await;
    bot.rest
        .answer(&event, message(4, json!({"content": "not this"})))
        .await;
    let waiting = tokio::spawn(async move { answer.until("something else").await });
    let panic = waiting.await.unwrap_err().into_panic();
    let words = panic.downcast_ref::<String>().unwrap();
    for part in [
        "`something else` did not come",
        "max did: /help",
        "type 4",
        "not this",
    ] {
        assert!(words.contains(part), "{words}");
    }
}
