//! Rate limits, authorization, REST faults, and the record of what was asked.

mod support;

use std::time::Duration;

use fake_discord::setup::ALERTS;
use fake_discord::{Answer, Discord, RestFault, RestFaultKind};
use reqwest::Method;
use serde_json::{Value, json};
use support::{Bot, body, world};

async fn asked(discord: &Discord, bot: &mut Bot) -> (Answer, Value) {
    let answer = discord.person("max").slash("/help").await;
    (answer, bot.next().await)
}

fn once(discord: &Discord, on: &str, kind: RestFaultKind) {
    let on = on.to_owned();
    discord.rest(RestFault { on, kind, times: 1 });
}

async fn me(bot: &Bot) -> (u16, Value) {
    bot.rest.send(Method::GET, "/users/@me", None).await
}

/// A deferral that gives up after 200 ms; whether it was answered at all.
async fn defer_in_vain(bot: &Bot, event: &Value) -> bool {
    let url = format!("{}{}/callback", bot.rest.base, support::path_of(event));
    let request = bot.rest.http.post(&url).json(&json!({"type": 5}));
    request
        .timeout(Duration::from_millis(200))
        .send()
        .await
        .is_err()
}

#[tokio::test]
async fn faults_instead_of_an_answer() {
    let (discord, bot) = world().await;
    once(
        &discord,
        "/users/@me",
        RestFaultKind::Status(500, json!({"code": 0})),
    );
    assert_eq!(me(&bot).await.0, 500);
    once(&discord, "GET /api/v10/users", RestFaultKind::Unauthorized);
    assert_eq!(me(&bot).await.0, 401);
    once(&discord, "POST /api/v10/users", RestFaultKind::Unauthorized);
    assert_eq!(me(&bot).await.0, 200);
    discord.heal();
    let scope = "global".to_owned();
    let kind = RestFaultKind::TooMany {
        retry_after: 0.5,
        global: true,
        scope,
        unreadable: true,
    };
    once(&discord, "/users/@me", kind);
    assert_eq!(me(&bot).await, (429, Value::Null));
}

/// Taken, but the bot never hears of it: its second try is told 40060 and breaks no rule.
#[tokio::test]
async fn lost_acknowledgements() {
    let (discord, mut bot) = world().await;
    for kind in [RestFaultKind::DropAfter, RestFaultKind::HangAfter] {
        let (answer, event) = asked(&discord, &mut bot).await;
        once(&discord, "/callback", kind);
        assert!(defer_in_vain(&bot, &event).await);
        assert_eq!(answer.acked().await.kind, 5);
        let (status, again) = bot.rest.answer(&event, json!({"type": 5})).await;
        assert_eq!((status, again["code"].as_u64()), (400, Some(40060)));
    }
    assert_eq!(discord.violations(), [""; 0]);
}

#[tokio::test]
async fn acknowledgements_that_never_arrive_or_late() {
    let (discord, mut bot) = world().await;
    let (answer, event) = asked(&discord, &mut bot).await;
    for kind in [RestFaultKind::DropBefore, RestFaultKind::Hang] {
        once(&discord, "/callback", kind);
        assert!(defer_in_vain(&bot, &event).await && answer.ack().is_none());
    }
    once(
        &discord,
        "/callback",
        RestFaultKind::Slow(Duration::from_millis(100)),
    );
    assert_eq!(bot.rest.answer(&event, json!({"type": 5})).await.0, 204);
    assert!(answer.ack().unwrap().after > Duration::from_millis(100));
    let cut = discord.requests().iter().filter(|r| r.status == 0).count();
    assert_eq!(cut, 2);
}

#[tokio::test]
async fn limits_have_headers_and_bind() {
    let (discord, bot) = world().await;
    let path = format!("/channels/{ALERTS}/messages");
    for n in 0..5 {
        assert_eq!(
            bot.rest
                .post(&path, body(json!({"content": format!("{n}")})))
                .await
                .0,
            200
        );
    }
    let request = bot
        .rest
        .http
        .post(format!("{}{path}", bot.rest.base))
        .json(&body(json!({"content": "6"})));
    let refused = request
        .header("authorization", format!("Bot {}", discord.token()))
        .send()
        .await
        .unwrap();
    assert_eq!(refused.status(), 429);
    assert_eq!(refused.headers()["x-ratelimit-remaining"], "0");
    assert_eq!(refused.headers()["x-ratelimit-scope"], "user");
    let told: Value = refused.json().await.unwrap();
    assert!(told["retry_after"].as_f64().unwrap() > 3.0);
    assert_eq!(discord.violations(), [""; 0]);
    tokio::time::sleep(Duration::from_millis(300)).await;
    bot.rest.post(&path, body(json!({"content": "7"}))).await;
    assert!(discord.violations()[0].contains("before the time a 429 had given"));
    assert_eq!(discord.channel_messages(ALERTS).len(), 5);
}

#[tokio::test]
async fn recorded_requests_hide_tokens() {
    let (discord, mut bot) = world().await;
    let (_answer, event) = asked(&discord, &mut bot).await;
    bot.rest.answer(&event, json!({"type": 5})).await;
    let answered = discord.wait_requests("POST /interactions", 1).await;
    assert!(
        answered[0].path.ends_with("/{token}/callback"),
        "{}",
        answered[0].path
    );
    assert_eq!(answered[0].template, "/interactions/{id}/{token}/callback");
    assert_eq!(
        (answered[0].status, &answered[0].body),
        (204, &json!({"type": 5}))
    );
}

#[tokio::test]
async fn who_asks_must_say_so() {
    let (discord, bot) = world().await;
    let url = format!("{}/users/@me", bot.rest.base);
    let plain = reqwest::Client::builder().no_proxy().build().unwrap();
    let nameless = plain
        .get(&url)
        .header("authorization", format!("Bot {}", discord.token()))
        .send()
        .await
        .unwrap();
    assert_eq!(nameless.status(), 403);
    let wrong = bot
        .rest
        .http
        .get(&url)
        .header("authorization", "Bot nobody")
        .send()
        .await
        .unwrap();
    assert_eq!(wrong.status(), 401);
    assert_eq!(
        bot.rest
            .send(reqwest::Method::GET, "/no/such/thing", None)
            .await
            .0,
        404
    );
    assert_eq!(
        bot.rest
            .send(reqwest::Method::PUT, "/users/@me", None)
            .await
            .0,
        405
    );
}
