//! What the edge writes into the log: a line for every interaction, and never a token.
//!
//! Alone in its file, because what is logged is set for the whole process.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

#[path = "support/wired.rs"]
mod wired;

use std::io;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use fake_discord::setup::BOT_CHANNEL;
use fake_discord::{RestFault, RestFaultKind};
use fake_proxmox::{Cluster, Setup};
use serde_json::{Value, json};
use wired::{Bot, Proxmox, discord, within};

/// Everything that was logged, for a search.
#[derive(Clone, Default)]
struct Captured(Arc<Mutex<Vec<u8>>>);

impl io::Write for Captured {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }
    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[tokio::test]
async fn no_token_reaches_the_log() {
    let captured = Captured::default();
    let writer = captured.clone();
    let subscriber = tracing_subscriber::fmt()
        .with_ansi(false)
        .with_max_level(tracing::Level::TRACE)
        .with_writer(move || writer.clone())
        .finish();
    // Of this thread, which is the one that this test runs on.
    let _logging = tracing::subscriber::set_default(subscriber);
    within(Duration::from_mins(1), async {
        let fake = discord(|setup| setup.token_life = Duration::from_secs(1)).await;
        let proxmox = Cluster::start(Setup::home()).await.unwrap();
        let bot = Bot::start(&fake, Proxmox::Fake(&proxmox)).await;
        fake.bot_ready().await;
        let owner = fake.person("owner");
        let fault = |on: &str, kind| {
            fake.rest(RestFault {
                on: on.to_owned(),
                kind,
                times: 1,
            });
        };
        fault("/callback", RestFaultKind::HangAfter);
        owner
            .raw_slash("/help", json!({"locale": Value::Null}))
            .await
            .first()
            .await;
        let answer = owner.slash("/vm start 101").await;
        answer.until("Asked by").await;
        fault("PATCH /", RestFaultKind::DropBefore);
        tokio::time::sleep(Duration::from_millis(1100)).await;
        let upid = proxmox.wait_task("qmstart", 101).await;
        proxmox.finish(&upid, "OK");
        fake.wait_channel_message(BOT_CHANNEL, "· started").await;
        let tokens: Vec<String> = fake
            .sent_events()
            .iter()
            .filter_map(|event| event["d"]["token"].as_str().map(str::to_owned))
            .chain([fake.token()])
            .collect();
        assert!(tokens.len() > 2);
        bot.stopped().await.unwrap();
        let log = String::from_utf8(captured.0.lock().unwrap().clone()).unwrap();
        assert!(log.contains("outcome=\"done late\""), "{log}");
        for token in tokens {
            let line = log.lines().find(|line| line.contains(&token));
            assert_eq!(line, None);
        }
    })
    .await;
}
