//! The gateway session against everything that a gateway does: each trap that was measured with
//! other clients (closes without a code, hanging upgrades, silence) has a test here.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test that cannot go on fails"
)]

#[path = "support/wired.rs"]
mod wired;

use std::time::{Duration, Instant};

use fake_discord::{Discord, GatewayEvent, GatewayFault, RestFault, RestFaultKind};
use pve_steward::discord::Fatal;
use serde_json::json;
use wired::{Bot, Proxmox, discord, event, identifies, within, works};

const LIMIT: Duration = Duration::from_mins(1);

async fn connected() -> (Discord, Bot) {
    let fake = discord(|_| {}).await;
    let bot = Bot::start(&fake, Proxmox::Nowhere).await;
    fake.bot_ready().await;
    (fake, bot)
}

fn is_resume(what: &GatewayEvent) -> bool {
    matches!(what, GatewayEvent::Resume { .. })
}

fn is_identify(what: &GatewayEvent) -> bool {
    matches!(what, GatewayEvent::Identify { .. })
}

/// The connection ends in some way; the session is resumed soon, and what was asked in between is
/// answered.
async fn resumes_after(fault: GatewayFault) {
    let (fake, bot) = connected().await;
    let seen = fake.gateway_log().len();
    let begun = Instant::now();
    fake.gateway(fault);
    let missed = fake.person("owner").slash("/help").await;
    event(&fake, seen, is_resume).await;
    assert!(
        begun.elapsed() < Duration::from_secs(2),
        "{:?}",
        begun.elapsed()
    );
    missed.first().await;
    works(&fake).await;
    assert_eq!(identifies(&fake), 1);
    bot.stopped().await.unwrap();
    assert_eq!(fake.violations(), [""; 0]);
}

#[tokio::test]
async fn says_hello_without_intents_and_goodbye_with_1000() {
    within(LIMIT, async {
        let (fake, bot) = connected().await;
        let first = event(&fake, 0, is_identify).await;
        assert!(matches!(
            first.what,
            GatewayEvent::Identify {
                intents: 0,
                compress: false,
                ..
            }
        ));
        works(&fake).await;
        bot.stopped().await.unwrap();
        event(&fake, 0, |what| {
            *what == GatewayEvent::ClosedByBot { code: Some(1000) }
        })
        .await;
        assert_eq!(fake.violations(), [""; 0]);
    })
    .await;
}

#[tokio::test]
async fn resumes_after_a_close_without_a_code() {
    within(LIMIT, resumes_after(GatewayFault::Close(None))).await;
}

#[tokio::test]
async fn resumes_after_a_close_with_1000() {
    within(LIMIT, resumes_after(GatewayFault::Close(Some(1000)))).await;
}

#[tokio::test]
async fn resumes_after_a_close_with_4000() {
    within(LIMIT, resumes_after(GatewayFault::Close(Some(4000)))).await;
}

#[tokio::test]
async fn resumes_after_the_connection_broke() {
    within(LIMIT, resumes_after(GatewayFault::DropTcp)).await;
}

#[tokio::test]
async fn resumes_when_asked_to() {
    within(LIMIT, resumes_after(GatewayFault::Reconnect)).await;
}

#[tokio::test]
async fn resumes_a_session_that_is_invalid_but_resumable_after_a_moment() {
    within(LIMIT, async {
        let (fake, bot) = connected().await;
        let seen = fake.gateway_log().len();
        let begun = Instant::now();
        fake.gateway(GatewayFault::InvalidSession(true));
        event(&fake, seen, is_resume).await;
        assert!(begun.elapsed() >= Duration::from_secs(1));
        works(&fake).await;
        assert_eq!(identifies(&fake), 1);
        bot.stopped().await.unwrap();
        assert_eq!(fake.violations(), [""; 0]);
    })
    .await;
}

/// The session is over; a new one begins, and not too fast.
async fn identifies_after(fault: GatewayFault) {
    let fake = discord(|setup| setup.identify_gap = Duration::from_secs(5)).await;
    let bot = Bot::start(&fake, Proxmox::Nowhere).await;
    fake.bot_ready().await;
    let seen = fake.gateway_log().len();
    fake.gateway(fault);
    event(&fake, seen, is_identify).await;
    works(&fake).await;
    assert_eq!(fake.registrations(), 1);
    bot.stopped().await.unwrap();
    assert_eq!(fake.violations(), [""; 0]);
}

#[tokio::test]
async fn identifies_after_an_invalid_session() {
    within(LIMIT, identifies_after(GatewayFault::InvalidSession(false))).await;
}

#[tokio::test]
async fn identifies_after_4007() {
    within(LIMIT, identifies_after(GatewayFault::Close(Some(4007)))).await;
}

#[tokio::test]
async fn identifies_after_4009() {
    within(LIMIT, identifies_after(GatewayFault::Close(Some(4009)))).await;
}

async fn ends_at(code: u16) {
    let fake = discord(|_| {}).await;
    fake.gateway(GatewayFault::CloseAtIdentify(code));
    let bot = Bot::start(&fake, Proxmox::Nowhere).await;
    let fatal = bot.task.await.unwrap().unwrap_err();
    assert!(
        matches!(fatal, Fatal::Closed(closed, _) if closed == code),
        "{fatal}"
    );
    assert!(fatal.is_permanent());
    assert!(fatal.to_string().contains(&code.to_string()));
    let connections = fake
        .gateway_log()
        .iter()
        .map(|entry| entry.connection)
        .max();
    assert_eq!(connections, Some(1));
}

#[tokio::test]
async fn ends_for_good_at_4004_and_4010_to_4014() {
    within(LIMIT, async {
        for code in [4004, 4010, 4011, 4012, 4013, 4014] {
            ends_at(code).await;
        }
    })
    .await;
}

#[tokio::test]
async fn ends_for_good_when_the_token_is_refused() {
    within(LIMIT, async {
        let fake = discord(|_| {}).await;
        let on = "/gateway/bot".to_owned();
        fake.rest(RestFault {
            on,
            kind: RestFaultKind::Unauthorized,
            times: 1,
        });
        let bot = Bot::start(&fake, Proxmox::Nowhere).await;
        let fatal = bot.task.await.unwrap().unwrap_err();
        assert!(matches!(fatal, Fatal::Unauthorized) && fatal.is_permanent());
        assert_eq!(fake.requests().len(), 1);
    })
    .await;
}

#[tokio::test]
async fn looks_up_the_gateway_until_it_is_told() {
    within(LIMIT, async {
        let fake = discord(|_| {}).await;
        let on = "/gateway/bot".to_owned();
        let kind = RestFaultKind::Status(502, json!("bad gateway"));
        fake.rest(RestFault { on, kind, times: 2 });
        let bot = Bot::start(&fake, Proxmox::Nowhere).await;
        fake.bot_ready().await;
        works(&fake).await;
        bot.stopped().await.unwrap();
    })
    .await;
}

#[tokio::test]
async fn waits_when_hardly_any_session_starts_are_left() {
    within(LIMIT, async {
        let fake = discord(|setup| setup.identifies_remaining = 19).await;
        let bot = Bot::start(&fake, Proxmox::Nowhere).await;
        fake.wait_requests("/gateway/bot", 1).await;
        // A stop is heard while it waits, and nothing was identified.
        bot.stopped().await.unwrap();
        assert_eq!(identifies(&fake), 0);
        assert!(fake.gateway_log().is_empty());
    })
    .await;
}

#[tokio::test]
async fn gives_up_an_upgrade_that_is_never_answered() {
    within(LIMIT, async {
        let (fake, bot) = connected().await;
        let seen = fake.gateway_log().len();
        fake.gateway(GatewayFault::HangUpgrade(true));
        fake.gateway(GatewayFault::DropTcp);
        event(&fake, seen, |what| *what == GatewayEvent::Refused).await;
        fake.gateway(GatewayFault::HangUpgrade(false));
        event(&fake, seen, is_resume).await;
        works(&fake).await;
        assert_eq!(identifies(&fake), 1);
        bot.stopped().await.unwrap();
    })
    .await;
}

#[tokio::test]
async fn gives_up_a_connection_without_hello() {
    within(LIMIT, async {
        let (fake, bot) = connected().await;
        let seen = fake.gateway_log().len();
        fake.gateway(GatewayFault::NoHello(true));
        fake.gateway(GatewayFault::DropTcp);
        event(&fake, seen, |what| {
            matches!(what, GatewayEvent::Connected { .. })
        })
        .await;
        fake.gateway(GatewayFault::NoHello(false));
        event(&fake, seen, is_resume).await;
        works(&fake).await;
        assert_eq!(identifies(&fake), 1);
        bot.stopped().await.unwrap();
    })
    .await;
}

#[tokio::test]
async fn resumes_when_heartbeats_are_not_acknowledged() {
    within(LIMIT, async {
        let fake = discord(|setup| setup.heartbeat = Duration::from_millis(500)).await;
        let bot = Bot::start(&fake, Proxmox::Nowhere).await;
        fake.bot_ready().await;
        let seen = fake.gateway_log().len();
        fake.gateway(GatewayFault::Zombie(true));
        event(&fake, seen, is_resume).await;
        fake.gateway(GatewayFault::Zombie(false));
        works(&fake).await;
        assert_eq!(identifies(&fake), 1);
        bot.stopped().await.unwrap();
    })
    .await;
}

#[tokio::test]
async fn keeps_its_session_through_an_outage_of_several_seconds() {
    within(LIMIT, async {
        let (fake, bot) = connected().await;
        let seen = fake.gateway_log().len();
        fake.gateway(GatewayFault::RefuseFor(Duration::from_secs(4)));
        event(&fake, seen, is_resume).await;
        works(&fake).await;
        assert_eq!(identifies(&fake), 1);
        bot.stopped().await.unwrap();
        assert_eq!(fake.violations(), [""; 0]);
    })
    .await;
}

#[tokio::test]
async fn obeys_and_tolerates_what_comes() {
    within(LIMIT, async {
        let (fake, bot) = connected().await;
        let seen = fake.gateway_log().len();
        fake.gateway(GatewayFault::UnknownEvent);
        fake.gateway(GatewayFault::UnknownOpcode);
        fake.gateway(GatewayFault::GarbageText);
        fake.gateway(GatewayFault::HeartbeatRequest);
        event(&fake, seen, |what| {
            matches!(what, GatewayEvent::Heartbeat { seq: Some(_) })
        })
        .await;
        works(&fake).await;
        bot.stopped().await.unwrap();
        let connections = fake
            .gateway_log()
            .iter()
            .map(|entry| entry.connection)
            .max();
        assert_eq!(connections, Some(1));
        assert_eq!(fake.violations(), [""; 0]);
    })
    .await;
}

#[tokio::test]
async fn registers_once_and_only_what_changed() {
    within(LIMIT, async {
        let (fake, bot) = connected().await;
        assert_eq!(fake.registrations(), 1);
        bot.stopped().await.unwrap();
        let again = Bot::start(&fake, Proxmox::Nowhere).await;
        fake.bot_connected().await;
        fake.wait_requests("GET /applications/{app}/guilds/{guild}/commands", 2)
            .await;
        works(&fake).await;
        again.stopped().await.unwrap();
        assert_eq!(fake.registrations(), 1);
        assert_eq!(fake.violations(), [""; 0]);
    })
    .await;
}
