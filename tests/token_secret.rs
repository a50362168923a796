//! A token's secret is in the one private message that it was made for, and nowhere else: not in the
//! log, not in the store, not in any other message, whatever goes wrong on the way.
//!
//! Alone in its file, because what is logged is set for the whole process.

mod support;

use std::io;
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use fake_discord::{RestFault, RestFaultKind};
use fake_proxmox::{Fault, FaultKind, Match, Recorded};
use serde_json::json;
use support::{Setup, World, run_without_bot};

const RULES: &str = r#"
[people]
owner = 184405311681986560

[[allow]]
who = ["owner"]
actions = ["*"]
guests = ["*"]
nodes = ["*"]
"#;

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

/// Asks and says yes; gives the answer to the yes.
async fn create(world: &World, name: &str) -> fake_discord::Answer {
    let owner = world.person("owner");
    let command = format!("/token create discord@pve {name} roles:PVEAuditor path:/vms");
    let asked = owner.slash(&command).await;
    let question = asked.first().await;
    let answer = owner.click(&question, "Create it").await;
    asked.until("Confirmed").await;
    answer
}

fn fault(world: &World, kind: FaultKind, method: &str, path: &str) {
    let on = Match::any().method(method).path(path);
    let times = Some(1);
    world.px.fault(Fault { kind, on, times });
}

/// Every secret that Proxmox gave out, as it stands in its answers.
fn secrets(world: &World) -> Vec<String> {
    let given = |r: &Recorded| Some(r.response["data"]["value"].as_str()?.to_owned());
    world.px.requests().iter().filter_map(given).collect()
}

fn holds(bytes: &[u8], secret: &str) -> bool {
    bytes
        .windows(secret.len())
        .any(|part| part.eq_ignore_ascii_case(secret.as_bytes()))
}

/// All files below, with what lies in them.
fn files(folder: &Path) -> Vec<(String, Vec<u8>)> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(files(&path));
        } else {
            found.push((path.display().to_string(), std::fs::read(&path).unwrap()));
        }
    }
    found
}

#[test]
fn the_secret_is_in_one_private_message_and_nowhere_else() {
    let captured = Captured::default();
    let writer = captured.clone();
    let subscriber = tracing_subscriber::fmt()
        .with_ansi(false)
        .with_max_level(tracing::Level::TRACE)
        .with_writer(move || writer.clone())
        .finish();
    tracing::subscriber::set_global_default(subscriber).unwrap();
    let mut setup = Setup::automatic().rules(RULES).token_admin();
    setup.discord = format!("audit_channel = {}\n", support::OTHER_CHANNEL);
    run_without_bot(setup, async |world| {
        everything_happens(world).await;
        nobody_else_has_it(world, &captured);
    });
}

/// Tokens are made, and it goes wrong in every way in which a secret is under way.
async fn everything_happens(world: &mut World) {
    world.start_bot().await;
    // As it should be.
    create(world, "good").await.until("is made").await;
    // Without its rights.
    let no = FaultKind::Status500("no".to_owned());
    fault(world, no, "PUT", "/access/acl");
    create(world, "bare").await.until("is made").await;
    // With an answer that is cut off in the middle, and one of another shape.
    for (name, kind) in [("half", FaultKind::BadJson), ("odd", FaultKind::WrongBody)] {
        fault(world, kind, "POST", "/token/");
        create(world, name).await.until("unknown").await;
    }
    // Discord takes nothing in private any more.
    let slow = FaultKind::Slow(Duration::from_secs(2));
    fault(world, slow, "POST", "/token/");
    create(world, "unseen").await;
    world.dc.rest(RestFault {
        on: "PATCH /api/v10/webhooks".to_owned(),
        kind: RestFaultKind::Status(404, json!({"code": 10015, "message": "Unknown Webhook"})),
        times: 20,
    });
    world.dc.wait_direct_message("owner", "deleted again").await;
    world.dc.heal();
    for message in world.dc.visible_to("owner", support::BOT_CHANNEL) {
        if message.thinking {
            world.dc.delete_message(message.id);
        }
    }
    // The audit has been read along up to here.
    world
        .dc
        .wait_channel_message(support::OTHER_CHANNEL, "good")
        .await;
    world
        .dc
        .wait_channel_message(support::OTHER_CHANNEL, "unseen")
        .await;
    world.audited_last("closed failed").await;
    world.stop_bot().await.unwrap();
}

fn nobody_else_has_it(world: &World, captured: &Captured) {
    let secrets = secrets(world);
    assert!(secrets.len() >= 3, "{}", secrets.len());
    let log = captured.0.lock().unwrap().clone();
    assert!(
        holds(&log, "a secret could not be shown"),
        "the log is there"
    );
    let stored = files(&world.dir.path().join("state"));
    assert!(
        stored
            .iter()
            .any(|(_, bytes)| holds(bytes, "discord@pve!good"))
    );
    for (n, secret) in secrets.iter().enumerate() {
        let line = log
            .split(|byte| *byte == b'\n')
            .find(|line| holds(line, secret));
        let line = line.map(String::from_utf8_lossy);
        assert_eq!(line, None, "logged");
        for (name, bytes) in &stored {
            assert!(!holds(bytes, secret), "{name}");
        }
        let told: Vec<_> = world
            .dc
            .requests()
            .into_iter()
            .filter(|it| it.body.to_string().contains(secret))
            .collect();
        // The answer to the yes, and nothing else: also where Discord would not have it.
        let once =
            |it: &fake_discord::Recorded| it.method == "PATCH" && it.template.contains("@original");
        assert!(told.iter().all(once), "{told:?}");
        assert!(told.len() <= 1, "secret {n} was sent {} times", told.len());
    }
    let sent = |it: &fake_discord::Recorded| {
        let body = it.body.to_string();
        it.status == 200 && secrets.iter().any(|secret| body.contains(secret))
    };
    let shown = world.dc.requests().into_iter().filter(sent).count();
    assert_eq!(shown, 2, "`good` and `bare`");
}
