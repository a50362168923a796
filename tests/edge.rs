//! One interaction from Discord and back, with everything that Discord does to it on the way.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test that cannot go on fails"
)]

#[path = "support/wired.rs"]
mod wired;

use std::time::Duration;

use fake_discord::setup::{BOT_CHANNEL, ELSEWHERE, OTHER, THREAD};
use fake_discord::{Ack, Discord, GatewayEvent, RestFault, RestFaultKind, Setup};
use fake_proxmox::{Cluster, Fault, FaultKind, Match, Setup as ProxmoxSetup};
use serde_json::{Value, json};
use wired::{Bot, Proxmox, discord, event, within, works};

const LIMIT: Duration = Duration::from_mins(1);

struct World {
    fake: Discord,
    proxmox: Cluster,
    bot: Bot,
}

impl World {
    async fn new() -> Self {
        Self::with(|_| {}).await
    }

    async fn with(change: impl FnOnce(&mut Setup)) -> Self {
        let fake = discord(change).await;
        let proxmox = Cluster::start(ProxmoxSetup::home()).await.unwrap();
        let bot = Bot::start(&fake, Proxmox::Fake(&proxmox)).await;
        fake.bot_ready().await;
        Self { fake, proxmox, bot }
    }

    fn fault(&self, on: &str, kind: RestFaultKind) {
        let on = on.to_owned();
        self.fake.rest(RestFault { on, kind, times: 1 });
    }

    /// Ends the task that starts 101.
    async fn finish_start(&self) {
        let upid = self.proxmox.wait_task("qmstart", 101).await;
        self.proxmox.finish(&upid, "OK");
    }

    /// Stops the bot; it must have kept all of Discord's rules.
    async fn end(self) {
        self.bot.stopped().await.unwrap();
        assert_eq!(self.fake.violations(), [""; 0]);
        for request in self.fake.requests() {
            let body = &request.body["data"];
            let message = if body.is_object() {
                body
            } else {
                &request.body
            };
            if message["embeds"].is_array() {
                assert!(
                    message["allowed_mentions"]["parse"] == json!([]),
                    "{request:?}"
                );
            }
        }
    }
}

#[tokio::test]
async fn an_act_is_acknowledged_then_shown_state_by_state() {
    within(LIMIT, async {
        let world = World::new().await;
        let answer = world.fake.person("owner").slash("/vm start 101").await;
        let ack = answer.acked().await;
        assert!(matches!(
            ack,
            Ack {
                kind: 5,
                ephemeral: false,
                ..
            }
        ));
        assert!(ack.after < Duration::from_secs(1));
        answer.until("at work").await;
        world.finish_start().await;
        answer.until("· started").await;
        assert_eq!(world.proxmox.writes().len(), 1);
        world.end().await;
    })
    .await;
}

#[tokio::test]
async fn what_is_read_is_answered_at_once_and_privately() {
    within(LIMIT, async {
        let world = World::new().await;
        let answer = world.fake.person("owner").slash("/vm list").await;
        assert!(matches!(
            answer.acked().await,
            Ack {
                kind: 4,
                ephemeral: true,
                ..
            }
        ));
        answer.until("valheim").await;
        world.end().await;
    })
    .await;
}

/// The answer to the acknowledgement is lost; it had arrived, so the act goes on, once.
async fn acts_once_after(kind: RestFaultKind) {
    let world = World::new().await;
    world.fault("/callback", kind);
    let answer = world.fake.person("owner").slash("/vm start 101").await;
    answer.acked().await;
    world.finish_start().await;
    answer.until("· started").await;
    assert_eq!(world.fake.wait_requests("/callback", 2).await.len(), 2);
    assert_eq!(world.proxmox.writes().len(), 1);
    world.end().await;
}

#[tokio::test]
async fn an_acknowledgement_whose_answer_was_cut_off_is_ours() {
    within(LIMIT, acts_once_after(RestFaultKind::DropAfter)).await;
}

#[tokio::test]
async fn an_acknowledgement_that_was_never_answered_is_ours() {
    within(LIMIT, acts_once_after(RestFaultKind::HangAfter)).await;
}

#[tokio::test]
async fn an_acknowledgement_that_did_not_arrive_is_sent_again() {
    within(LIMIT, acts_once_after(RestFaultKind::DropBefore)).await;
}

#[tokio::test]
async fn a_limited_acknowledgement_is_sent_again() {
    let kind = RestFaultKind::TooMany {
        retry_after: 0.3,
        global: false,
        scope: "user".to_owned(),
        unreadable: false,
    };
    within(LIMIT, acts_once_after(kind)).await;
}

#[tokio::test]
async fn nothing_is_done_when_discord_does_not_take_the_acknowledgement() {
    within(LIMIT, async {
        let world = World::new().await;
        for refusal in [
            RestFaultKind::Status(
                404,
                json!({"code": 10062, "message": "Unknown interaction"}),
            ),
            RestFaultKind::Status(
                400,
                json!({"code": 40060, "message": "already acknowledged"}),
            ),
            RestFaultKind::Status(403, json!({"code": 50001, "message": "Missing Access"})),
        ] {
            world.fault("/callback", refusal);
            world.fake.person("owner").slash("/vm start 101").await;
        }
        world.fake.wait_requests("/callback", 3).await;
        works(&world.fake).await;
        assert_eq!(world.proxmox.writes().len(), 0);
        world.end().await;
    })
    .await;
}

#[tokio::test]
async fn of_two_replicas_one_acts() {
    within(LIMIT, async {
        let world = World::new().await;
        let second = Bot::start(&world.fake, Proxmox::Fake(&world.proxmox)).await;
        let second_session = |entry: &fake_discord::GatewayEntry| {
            entry.connection == 2 && matches!(entry.what, GatewayEvent::Identify { .. })
        };
        world.fake.wait_gateway(0, second_session).await;
        let answer = world.fake.person("owner").slash("/vm start 101").await;
        world.finish_start().await;
        answer.until("· started").await;
        world.fake.wait_requests("/callback", 2).await;
        second.stopped().await.unwrap();
        assert_eq!(world.proxmox.writes().len(), 1);
        world.end().await;
    })
    .await;
}

#[tokio::test]
async fn the_last_edit_arrives_whatever_happens_to_it() {
    within(LIMIT, async {
        let unreadable = RestFaultKind::TooMany {
            retry_after: 1.0,
            global: false,
            scope: "user".to_owned(),
            unreadable: true,
        };
        let server = RestFaultKind::Status(500, json!({"code": 0, "message": "500"}));
        let world = World::new().await;
        for kind in [
            unreadable,
            server,
            RestFaultKind::DropBefore,
            RestFaultKind::DropAfter,
        ] {
            world
                .proxmox
                .set_guest(101, |guest| "stopped".clone_into(&mut guest.state));
            let answer = world.fake.person("owner").slash("/vm start 101").await;
            answer.until("at work").await;
            world.fault("PATCH /", kind);
            world.finish_start().await;
            answer.until("· started").await;
        }
        world.end().await;
    })
    .await;
}

#[tokio::test]
async fn a_public_outcome_after_the_tokens_life_goes_to_the_channel() {
    within(LIMIT, async {
        let world = World::with(|setup| setup.token_life = Duration::from_secs(1)).await;
        let owner = world.fake.person("owner");
        let answer = owner.slash("/vm start 101").await;
        answer.until("Asked by").await;
        tokio::time::sleep(Duration::from_millis(1100)).await;
        world.finish_start().await;
        let late = world
            .fake
            .wait_channel_message(BOT_CHANNEL, "· started")
            .await;
        assert_eq!(late.pings, [owner.id()]);
        assert!(late.ephemeral_for.is_none());
        world.end().await;
    })
    .await;
}

#[tokio::test]
async fn a_private_outcome_after_the_tokens_life_goes_to_the_person() {
    within(LIMIT, async {
        let world = World::with(|setup| setup.token_life = Duration::from_secs(1)).await;
        let slow = Fault::once(FaultKind::Slow(Duration::from_secs(2)));
        world
            .proxmox
            .fault(slow.on(Match::any().path("/status/current")));
        let answer = world.fake.person("owner").slash("/vm status 101").await;
        assert!(answer.acked().await.ephemeral);
        let told = world.fake.wait_direct_message("owner", "valheim").await;
        assert!(told.buttons().is_empty(), "none would work there");
        assert!(world.fake.channel_messages(BOT_CHANNEL).is_empty());
        world.end().await;
    })
    .await;
}

/// Allowed by what is in memory, refused by what is read again.
async fn refused_late(world: &World) -> fake_discord::Answer {
    world.proxmox.set_guest(105, |guest| guest.tags.clear());
    // A younger snapshot counts as read again.
    tokio::time::sleep(Duration::from_millis(10_100)).await;
    world.fake.person("max").slash("/ct start 105").await
}

#[tokio::test]
async fn a_late_refusal_takes_the_public_answer_back_and_is_private() {
    within(LIMIT, async {
        let world = World::new().await;
        let answer = refused_late(&world).await;
        assert!(!answer.acked().await.ephemeral);
        answer.deleted().await;
        let told = answer.follow_up("⛔").await;
        assert!(told.ephemeral_for.is_some());
        assert_eq!(world.proxmox.writes().len(), 0);
        world.end().await;
    })
    .await;
}

#[tokio::test]
async fn a_late_refusal_stays_private_when_the_public_answer_cannot_be_taken_back() {
    within(LIMIT, async {
        let world = World::new().await;
        let refusal = json!({"code": 50013, "message": "Missing Permissions"});
        world.fault("DELETE /", RestFaultKind::Status(403, refusal));
        let answer = refused_late(&world).await;
        world.fake.wait_direct_message("max", "⛔").await;
        assert!(answer.follow_ups().is_empty());
        assert!(answer.now().is_none());
        world.end().await;
    })
    .await;
}

#[tokio::test]
async fn interactions_that_cannot_be_read_are_answered_privately() {
    within(LIMIT, async {
        let world = World::new().await;
        let owner = world.fake.person("owner");
        for field in ["attachment_size_limit", "entitlements", "locale"] {
            let answer = owner
                .raw_slash("/vm start 101", json!({ (field): Value::Null }))
                .await;
            let told = answer.until("could not read").await;
            assert!(told.ephemeral_for.is_some());
            assert!(
                told.embeds[0]["description"]
                    .as_str()
                    .unwrap()
                    .contains(&answer.interaction_id().to_string())
            );
        }
        assert_eq!(world.proxmox.writes().len(), 0);
        world.end().await;
    })
    .await;
}

#[tokio::test]
async fn it_is_deaf_elsewhere() {
    within(LIMIT, async {
        let world = World::new().await;
        let owner = world.fake.person("owner");
        owner.clone().in_guild(ELSEWHERE).slash("/help").await;
        owner
            .clone()
            .in_direct_messages()
            .raw_slash("/help", json!({"context": 1}))
            .await;
        let unreadable = json!({"locale": Value::Null});
        owner
            .in_guild(ELSEWHERE)
            .raw_slash("/help", unreadable)
            .await;
        works(&world.fake).await;
        assert_eq!(world.fake.wait_requests("/callback", 1).await.len(), 1);
        world.end().await;
    })
    .await;
}

#[tokio::test]
async fn it_listens_in_its_channels_and_their_threads() {
    within(LIMIT, async {
        let fake = discord(|_| {}).await;
        let bot = Bot::listening_in(&fake, Proxmox::Nowhere, &[BOT_CHANNEL]).await;
        fake.bot_ready().await;
        let owner = fake.person("owner");
        let refused = owner
            .clone()
            .in_channel(OTHER)
            .slash("/help")
            .await
            .first()
            .await;
        assert!(refused.ephemeral_for.is_some());
        assert!(refused.text().contains(&format!("<#{BOT_CHANNEL}>")));
        assert_eq!(
            owner
                .clone()
                .in_channel(OTHER)
                .type_ahead("/vm start 1")
                .await,
            []
        );
        let heard = owner.in_channel(THREAD).slash("/help").await;
        heard.until("What you can do").await;
        bot.stopped().await.unwrap();
        assert_eq!(fake.violations(), [""; 0]);
    })
    .await;
}

#[tokio::test]
async fn typing_is_completed() {
    within(LIMIT, async {
        let world = World::new().await;
        let choices = world.fake.person("max").type_ahead("/vm start val").await;
        assert_eq!(choices.len(), 1);
        assert!(choices[0].value.as_str().unwrap().contains("101"));
        assert_eq!(
            world
                .fake
                .person("stranger")
                .type_ahead("/vm start val")
                .await,
            []
        );
        world.end().await;
    })
    .await;
}

#[tokio::test]
async fn forged_buttons_and_bad_options_are_told_apart_from_good_ones() {
    within(LIMIT, async {
        let world = World::new().await;
        let owner = world.fake.person("owner");
        let card = owner.slash("/vm status 101").await.until("valheim").await;
        for forged in ["1:💥", "2:start:home/101", "1:start:../101", "x"] {
            let answer = owner.press(&card, forged).await.first().await;
            assert!(answer.text().contains("works no more"), "{}", answer.text());
        }
        let answer = owner.slash("/vm start ../../x").await;
        answer.until("That is no guest").await;
        assert_eq!(world.proxmox.writes().len(), 0);
        world.end().await;
    })
    .await;
}

#[tokio::test]
async fn a_question_is_private_and_closes_when_answered() {
    within(LIMIT, async {
        let world = World::new().await;
        let owner = world.fake.person("owner");
        let asked = owner.slash("/vm stop 102").await;
        let question = asked.until("Really").await;
        assert!(question.ephemeral_for.is_some());
        owner.click(&question, "Cancel").await;
        asked.until("Cancelled").await;
        let asked = owner.slash("/vm stop 102").await;
        let question = asked.until("Really").await;
        let acting = owner.click(&question, "Stop now").await;
        let upid = world.proxmox.wait_task("qmstop", 102).await;
        world.proxmox.finish(&upid, "OK");
        acting.until("· stopped").await;
        asked.until("Confirmed").await;
        world.end().await;
    })
    .await;
}

#[tokio::test]
async fn a_stop_lets_acts_end_and_takes_nothing_new() {
    within(LIMIT, async {
        let world = World::new().await;
        let owner = world.fake.person("owner");
        let acting = owner.slash("/vm start 101").await;
        acting.until("at work").await;
        let question = owner.slash("/vm stop 102").await;
        question.until("Really").await;
        world.bot.stop.cancel();
        question.until("restarting").await;
        let refused = owner.slash("/vm start 105").await.until("restarting").await;
        assert!(refused.ephemeral_for.is_some());
        world.finish_start().await;
        acting.until("· started").await;
        event(&world.fake, 0, |e| {
            *e == GatewayEvent::ClosedByBot { code: Some(1000) }
        })
        .await;
        assert_eq!(world.proxmox.writes().len(), 1);
        world.end().await;
    })
    .await;
}
