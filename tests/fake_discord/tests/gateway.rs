//! The gateway, its strictness and its faults.

mod support;

use std::time::Duration;

use fake_discord::{Discord, GatewayEvent, GatewayFault, Setup};
use serde_json::{Value, json};
use support::{Gateway, Rest, identify};

async fn discord_with(change: impl FnOnce(&mut Setup)) -> (Discord, Rest, String) {
    let mut setup = Setup {
        patience: Duration::from_secs(3),
        ..Setup::home()
    };
    change(&mut setup);
    let discord = Discord::start(setup).await.unwrap();
    let rest = Rest::new(&discord);
    let url = rest.get("/gateway/bot").await["url"]
        .as_str()
        .unwrap()
        .to_owned();
    (discord, rest, url)
}

async fn discord() -> (Discord, Rest, String) {
    discord_with(|_| {}).await
}

fn resume(rest: &Rest, ready: &Value, seq: u64) -> Value {
    json!({"op": 6, "d": {"token": rest.token, "session_id": ready["d"]["session_id"], "seq": seq}})
}

#[tokio::test]
async fn ready_is_complete_and_counted() {
    let (discord, rest, url) = discord().await;
    let mut gateway = Gateway::open(&url).await;
    let hello = gateway.next().await;
    assert_eq!(hello["d"]["heartbeat_interval"], 41250);
    gateway.send(identify(&rest.token)).await;
    let ready = gateway.next().await;
    for key in [
        "v",
        "user",
        "guilds",
        "session_id",
        "resume_gateway_url",
        "application",
    ] {
        assert!(!ready["d"][key].is_null(), "{key} is missing in {ready}");
    }
    assert_eq!(ready["s"], 1);
    assert_eq!(ready["d"]["guilds"][0]["unavailable"], true);
    gateway.send(json!({"op": 1, "d": 1})).await;
    assert_eq!(gateway.next().await["op"], 11);
    assert_eq!(
        rest.get("/gateway/bot").await["session_start_limit"]["remaining"],
        999
    );
    assert_eq!(discord.violations(), [""; 0]);
}

#[tokio::test]
async fn guilds_come_only_with_their_intent_and_compressed_when_asked() {
    let (_discord, rest, url) = discord().await;
    let mut gateway = Gateway::open(&url).await;
    gateway.next_op(10).await;
    let mut asks = identify(&rest.token);
    asks["d"]["intents"] = json!(1);
    gateway.send(asks).await;
    assert_eq!(gateway.next().await["t"], "READY");
    let guild = gateway.next().await;
    assert_eq!(
        (guild["t"].as_str(), guild["d"]["name"].as_str()),
        (Some("GUILD_CREATE"), Some("Homelab"))
    );
    let mut gateway = Gateway::open(&url).await;
    gateway.next_op(10).await;
    let mut asks = identify(&rest.token);
    asks["d"]["compress"] = json!(true);
    gateway.send(asks).await;
    assert!(gateway.next().await["binary"].is_u64());
}

#[tokio::test]
async fn bad_beginnings_are_closed() {
    let (discord, rest, url) = discord().await;
    let unknown = |key: &str, value: Value| {
        let mut asks = identify(&rest.token);
        asks["d"][key] = value;
        asks
    };
    for (frame, code) in [
        (json!({"op": 3, "d": {}}), 4003),
        (json!({"op": 55, "d": {}}), 4001),
        (unknown("intents", json!(1 << 15)), 4014),
        (unknown("intents", json!("all")), 4013),
        (unknown("shard", json!([3, 4])), 4010),
        (unknown("properties", json!({})), 4002),
        (unknown("token", json!("wrong")), 4004),
    ] {
        let mut gateway = Gateway::open(&url).await;
        gateway.next_op(10).await;
        gateway.send(frame.clone()).await;
        assert_eq!(gateway.next().await, json!({"close": code}), "{frame}");
    }
    let mut gateway = Gateway::open(&url).await;
    gateway.identify(&rest.token).await;
    gateway.send(identify(&rest.token)).await;
    assert_eq!(gateway.next().await["close"], 4005);
    let broken = discord.violations();
    assert!(
        broken
            .iter()
            .any(|rule| rule.contains("connected again after close code 4014")),
        "{broken:?}"
    );
}

#[tokio::test]
async fn missed_events_come_with_the_resume() {
    let (discord, rest, url) = discord().await;
    rest.register(support::HOME, support::commands()).await;
    let mut gateway = Gateway::open(&url).await;
    let ready = gateway.identify(&rest.token).await;
    discord.gateway(GatewayFault::DropTcp);
    assert_eq!(gateway.next().await, json!({"end": true}));
    discord.bot_gone().await;
    discord.person("max").slash("/help").await;
    let again = ready["d"]["resume_gateway_url"].as_str().unwrap();
    let mut gateway = Gateway::open(again).await;
    gateway.next_op(10).await;
    gateway.send(resume(&rest, &ready, 1)).await;
    assert_eq!(gateway.next().await["t"], "INTERACTION_CREATE");
    assert_eq!(gateway.next().await["t"], "RESUMED");
    let resumed = |entry: &GatewayEvent| {
        matches!(
            entry,
            GatewayEvent::Resume {
                seq: 1,
                replayed: 1,
                ..
            }
        )
    };
    assert!(
        discord
            .gateway_log()
            .iter()
            .any(|entry| resumed(&entry.what))
    );
    assert_eq!(discord.violations(), [""; 0]);
}

#[tokio::test]
async fn a_resume_elsewhere_or_from_the_future_breaks_rules() {
    let (discord, rest, url) = discord().await;
    let mut first = Gateway::open(&url).await;
    let ready = first.identify(&rest.token).await;
    let mut second = Gateway::open(&url).await;
    second.next_op(10).await;
    second.send(resume(&rest, &ready, 99)).await;
    assert_eq!(second.next().await["close"], 4007);
    let broken = discord.violations();
    assert!(
        broken[0].contains("resume_gateway_url") && broken[1].contains("never sent"),
        "{broken:?}"
    );
}

#[tokio::test]
async fn an_ended_session_is_refused_and_identify_waits() {
    let (discord, rest, url) = discord().await;
    let mut gateway = Gateway::open(&url).await;
    let ready = gateway.identify(&rest.token).await;
    discord.gateway(GatewayFault::InvalidSession(false));
    assert_eq!(gateway.next().await["d"], false);
    gateway.send(resume(&rest, &ready, 1)).await;
    assert_eq!(
        gateway.next().await,
        json!({"op": 9, "d": false, "s": null, "t": null})
    );
    let _ = discord.take_violations();
    gateway.send(identify(&rest.token)).await;
    assert_eq!(gateway.next().await["t"], "READY");
    assert!(discord.violations()[0].contains("less than a second after op 9"));
}

#[tokio::test]
async fn a_clean_close_ends_the_session() {
    let (discord, rest, url) = discord().await;
    let mut gateway = Gateway::open(&url).await;
    let ready = gateway.identify(&rest.token).await;
    gateway.socket.close(None).await.unwrap();
    discord.bot_gone().await;
    let mut gateway = Gateway::open(&format!("{url}/resume")).await;
    gateway.next_op(10).await;
    gateway.send(resume(&rest, &ready, 1)).await;
    // tungstenite's close without a frame sends no code, and that keeps the session.
    assert_eq!(gateway.next().await["t"], "RESUMED");
    let frame = tokio_tungstenite::tungstenite::protocol::CloseFrame {
        code: 1000.into(),
        reason: "".into(),
    };
    gateway.socket.close(Some(frame)).await.unwrap();
    discord.bot_gone().await;
    let mut gateway = Gateway::open(&format!("{url}/resume")).await;
    gateway.next_op(10).await;
    gateway.send(resume(&rest, &ready, 1)).await;
    assert_eq!(gateway.next().await["op"], 9);
}

#[tokio::test]
async fn faults_of_an_open_connection() {
    let (discord, rest, url) = discord().await;
    let mut gateway = Gateway::open(&url).await;
    gateway.identify(&rest.token).await;
    discord.gateway(GatewayFault::UnknownEvent);
    assert_eq!(gateway.next().await["t"], "SOMETHING_NEW_CREATE");
    discord.gateway(GatewayFault::UnknownOpcode);
    assert_eq!(gateway.next().await["op"], 99);
    discord.gateway(GatewayFault::GarbageText);
    assert!(gateway.next().await["garbage"].is_string());
    discord.gateway(GatewayFault::HeartbeatRequest);
    assert_eq!(gateway.next().await["op"], 1);
    discord.gateway(GatewayFault::Reconnect);
    assert_eq!(gateway.next().await["op"], 7);
    discord.gateway(GatewayFault::Zombie(true));
    gateway.send(json!({"op": 1, "d": 2})).await;
    discord.gateway(GatewayFault::Close(None));
    assert_eq!(gateway.next().await, json!({"close": null}));
    discord.gateway(GatewayFault::Zombie(false));
    let mut gateway = Gateway::open(&url).await;
    gateway.identify(&rest.token).await;
    discord.gateway(GatewayFault::Close(Some(4000)));
    assert_eq!(gateway.next().await["close"], 4000);
    assert_eq!(discord.violations(), [""; 0]);
}

#[tokio::test]
async fn faults_of_opening() {
    let (discord, rest, url) = discord().await;
    let open = |limit: u64| {
        let opening = tokio_tungstenite::connect_async(format!("{url}/?v=10"));
        tokio::time::timeout(Duration::from_millis(limit), opening)
    };
    discord.gateway(GatewayFault::RefuseFor(Duration::from_millis(200)));
    assert!(open(1000).await.unwrap().is_err());
    tokio::time::sleep(Duration::from_millis(250)).await;
    discord.gateway(GatewayFault::HangUpgrade(true));
    assert!(open(200).await.is_err());
    discord.gateway(GatewayFault::HangUpgrade(false));
    discord.gateway(GatewayFault::NoHello(true));
    let mut silent = Gateway::open(&url).await;
    assert!(
        tokio::time::timeout(Duration::from_millis(200), silent.next())
            .await
            .is_err()
    );
    assert!(discord.fault_by_name("healthy"));
    discord.gateway(GatewayFault::CloseAtIdentify(4011));
    let mut gateway = Gateway::open(&url).await;
    gateway.next_op(10).await;
    gateway.send(identify(&rest.token)).await;
    assert_eq!(gateway.next().await["close"], 4011);
    let refused = discord
        .gateway_log()
        .iter()
        .filter(|entry| entry.what == GatewayEvent::Refused)
        .count();
    assert_eq!(refused, 2);
}

#[tokio::test]
async fn silence_and_shouting_are_noticed() {
    let (discord, rest, url) = discord_with(|setup| {
        setup.heartbeat = Duration::from_millis(100);
        setup.close_without_heartbeat = true;
        setup.gateway_sends_per_minute = 5;
    })
    .await;
    let mut gateway = Gateway::open(&url).await;
    gateway.identify(&rest.token).await;
    assert_eq!(gateway.next().await["close"], 4009);
    let mut gateway = Gateway::open(&url).await;
    gateway.identify(&rest.token).await;
    for _ in 0..5 {
        gateway.send(json!({"op": 1, "d": 1})).await;
    }
    for _ in 0..4 {
        gateway.next_op(11).await;
    }
    assert_eq!(gateway.next().await["close"], 4008);
    let broken = discord.violations();
    assert!(
        broken[0].contains("no heartbeat") && broken[1].contains("too many frames"),
        "{broken:?}"
    );
}

#[tokio::test]
async fn no_identifies_left() {
    let (discord, rest, url) = discord_with(|setup| setup.identifies_remaining = 0).await;
    let mut gateway = Gateway::open(&url).await;
    gateway.next_op(10).await;
    gateway.send(identify(&rest.token)).await;
    assert_eq!(gateway.next().await["close"], 4004);
    assert_eq!(
        rest.send(reqwest::Method::GET, "/users/@me", None).await.0,
        401
    );
    assert!(discord.violations()[0].contains("token is reset"));
}

#[tokio::test]
async fn every_named_fault_exists() {
    let (discord, ..) = discord().await;
    for (name, _) in Discord::fault_names() {
        assert!(discord.fault_by_name(name), "{name}");
    }
    assert!(!discord.fault_by_name("unheard-of"));
}
