//! Everything that the bot can say is said once and held against the contracts; and the checks that
//! do so are shown to bite.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test that cannot go on fails"
)]

mod support;

use std::process::Command;
use std::sync::{LazyLock, Mutex};
use std::time::Duration;

use fake_discord::{Answer, Message, Person};
use fake_proxmox::{Fault, FaultKind, Guest, Match};
use pve_steward::command::{Row, rows};
use pve_steward::ids::Kind;
use serde_json::{Value, json};
use support::{BOT_CHANNEL, Setup, World, contract, run};

const PEOPLE: [&str; 3] = ["owner", "max", "stranger"];

fn guest_of(kind: Kind) -> u32 {
    match kind {
        Kind::Vm => 102,
        Kind::Ct => 105,
    }
}

fn command(row: &Row) -> String {
    support::command(row, guest_of)
}

fn buttons(message: &Message) -> Vec<String> {
    message
        .buttons()
        .iter()
        .filter_map(|label| message.custom_id(label))
        .collect()
}

/// What is on its way arrives, and is read.
async fn drained(answers: &[Answer]) {
    let mut before = 0;
    for _ in 0..20 {
        tokio::time::sleep(Duration::from_millis(250)).await;
        let seen = answers
            .iter()
            .map(|answer| answer.versions().len() + answer.follow_ups().len())
            .sum();
        if seen == before {
            return;
        }
        before = seen;
    }
}

/// What was asked for has ended: private answers say so at once, cards by their buttons.
async fn ended(answer: &Answer) -> Option<Message> {
    answer.acked().await;
    for _ in 0..200 {
        let card = answer.now();
        if card
            .as_ref()
            .is_some_and(|card| card.ephemeral_for.is_some() || !card.buttons().is_empty())
        {
            return card;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    None
}

/// The command, what is completed for it, and what its buttons do.
async fn through_every_door(world: &World, person: &Person, row: &Row) -> Vec<Answer> {
    if let Some(Some(kind)) = row.guest() {
        let state = if row.path.ends_with(&["start"]) {
            "stopped"
        } else {
            "running"
        };
        world
            .px
            .set_guest(guest_of(kind), |guest| guest.state = state.into());
    }
    if support::completes_first(row) {
        person
            .type_ahead(&format!("/{} ", row.path.join(" ")))
            .await;
    }
    let mut answers = vec![person.slash(&command(row)).await];
    let Some(card) = ended(&answers[0]).await else {
        return answers;
    };
    for id in buttons(&card) {
        // Acts are asked for by their commands; of the buttons the harmless ones and the question's.
        if ["start", "shutdown", "reboot"]
            .iter()
            .any(|act| id.contains(act))
        {
            continue;
        }
        let pressed = person.press(&card, &id).await;
        let asked_back = ended(&pressed).await;
        answers.push(pressed);
        // A question about a whole node is asked twice, and no node need go down here.
        let no = |message: &Message| buttons(message).into_iter().find(|id| id.contains(":no:"));
        if let Some((question, no)) = asked_back.and_then(|m| Some((m.clone(), no(&m)?))) {
            let cancelled = person.press(&question, &no).await;
            ended(&cancelled).await;
            answers.push(cancelled);
        }
    }
    answers
}

/// All of these were asked for, and so were checked.
fn assert_met(world: &World, wanted: &[&str]) {
    if !contract::at_hand() {
        return;
    }
    let met = contract::operations(&world.px, &world.dc);
    let missing: Vec<_> = wanted.iter().filter(|line| !met.contains(**line)).collect();
    assert!(missing.is_empty(), "not met: {missing:#?}\nmet: {met:#?}");
}

#[test]
fn every_command_and_door_of_everybody() {
    run(Setup::automatic().token_admin(), async |world| {
        let mut answers = Vec::new();
        for name in PEOPLE {
            for row in rows() {
                answers.extend(through_every_door(world, &world.person(name), row).await);
            }
        }
        drained(&answers).await;
        let acts = ["start", "shutdown", "reboot", "stop"];
        let acts = acts.map(|act| {
            ["qemu", "lxc"].map(|kind| {
                format!("proxmox POST /nodes/{{node}}/{kind}/{{vmid}}/status/{act} 200")
            })
        });
        assert_met(
            world,
            &acts
                .iter()
                .flatten()
                .map(String::as_str)
                .collect::<Vec<_>>(),
        );
        assert_met(
            world,
            &[
                "discord GET /applications/{application_id}/guilds/{guild_id}/commands 200",
                "discord GET /gateway/bot 200",
                "discord PATCH /webhooks/{webhook_id}/{webhook_token}/messages/@original 200",
                "discord POST /interactions/{interaction_id}/{interaction_token}/callback 204",
                "discord PUT /applications/{application_id}/guilds/{guild_id}/commands 200",
                "proxmox GET /access/roles 200",
                "proxmox GET /access/users/{userid}/token 200",
                "proxmox POST /access/users/{userid}/token/{tokenid} 200",
                "proxmox GET /cluster/resources 200",
                "proxmox GET /cluster/status 200",
                "proxmox GET /nodes/{node}/lxc/{vmid}/status/current 200",
                "proxmox GET /nodes/{node}/qemu/{vmid}/status/current 200",
                "proxmox GET /nodes/{node}/status 200",
                "proxmox GET /nodes/{node}/tasks/{upid}/status 200",
            ],
        );
    });
}

#[test]
fn the_check_before_the_first_start() {
    run(Setup::default(), async |world| {
        let file = world.dir.path().join("steward.toml");
        let bot = env!("CARGO_BIN_EXE_pve-steward");
        let checked = Command::new(bot)
            .arg("--config")
            .arg(file)
            .arg("check")
            .output()
            .unwrap();
        assert!(
            checked.status.success(),
            "{}",
            String::from_utf8_lossy(&checked.stdout)
        );
        assert_met(
            world,
            &[
                "proxmox GET /version 200",
                "proxmox GET /access/permissions 200",
            ],
        );
    });
}

#[test]
fn answers_too_long_for_discord_go_as_files() {
    let mut setup = Setup::automatic();
    for vmid in 200..500 {
        setup.px.guests.push(Guest::vm(
            vmid,
            &format!("a-guest-with-a-long-name-{vmid}"),
            "pve1",
        ));
    }
    run(setup, async |world| {
        drained(&[world.person("owner").slash("/vm list").await]).await;
        let files = world
            .dc
            .requests()
            .iter()
            .map(|request| request.files.len())
            .sum::<usize>();
        assert_eq!(files, 1);
    });
}

#[test]
fn what_goes_wrong_and_is_told_aside() {
    let mut setup = Setup::default();
    setup.px.acls.retain(|acl| acl.path != "/vms/108");
    run(setup, async |world| {
        let owner = world.person("owner");
        for (exit, word) in [
            ("start failed: no such disk", "did not start"),
            ("WARNINGS: 1", "started"),
        ] {
            let answer = owner.slash("/vm start 101").await;
            let upid = world.px.wait_task("qmstart", 101).await;
            world
                .px
                .log_line(&upid, "kvm: something \u{1b}[31m odd ``` in the log");
            world.px.finish(&upid, exit);
            answer.until(word).await;
            answer.follow_up("what Proxmox wrote").await;
        }
        let lacking = owner.slash("/vm start 108").await;
        lacking.follow_up("lacks").await;
        drained(&[lacking]).await;
        assert_met(
            world,
            &[
                "discord POST /webhooks/{webhook_id}/{webhook_token} 200",
                "proxmox GET /nodes/{node}/tasks/{upid}/log 200",
            ],
        );
    });
}

#[test]
fn what_comes_late_goes_to_the_channel_or_the_person() {
    let mut setup = Setup::default();
    setup.dc.token_life = Duration::from_secs(1);
    run(setup, async |world| {
        let max = world.person("max");
        let public = max.slash("/vm start 101").await;
        let upid = world.px.wait_task("qmstart", 101).await;
        let slow = Fault::once(FaultKind::Slow(Duration::from_secs(2)));
        world
            .px
            .fault(slow.on(Match::any().path("qemu/102/status/current")));
        max.slash("/vm status 102").await;
        tokio::time::sleep(Duration::from_millis(1100)).await;
        world.px.finish(&upid, "OK");
        world
            .dc
            .wait_channel_message(BOT_CHANNEL, "· started")
            .await;
        world.dc.wait_direct_message("max", "minecraft").await;
        drained(&[public]).await;
        // Nobody can change a promise any more whose token is void.
        let seen = world.dc.visible_to("max", BOT_CHANNEL).into_iter();
        seen.filter(|message| message.ephemeral_for.is_some())
            .for_each(|it| world.dc.delete_message(it.id));
        assert_met(
            world,
            &[
                "discord POST /channels/{channel_id}/messages 200",
                "discord POST /users/@me/channels 200",
            ],
        );
    });
}

#[test]
fn what_is_refused_late_is_taken_back() {
    run(Setup::default(), async |world| {
        world.px.set_guest(101, |guest| guest.tags.clear());
        // A snapshot younger than ten seconds counts as read again; the next one takes its time.
        let slow = Fault::once(FaultKind::Slow(Duration::from_secs(4)));
        world
            .px
            .fault(slow.on(Match::any().path("cluster/resources")));
        tokio::time::sleep(Duration::from_millis(11_500)).await;
        let answer = world.person("max").slash("/vm start 101").await;
        answer.follow_up("⛔").await;
        drained(&[answer]).await;
        let taken_back =
            "discord DELETE /webhooks/{webhook_id}/{webhook_token}/messages/@original 204";
        assert_met(world, &[taken_back]);
    });
}

#[test]
fn what_a_fault_spoils_is_not_held_against_the_fake() {
    run(Setup::default(), async |world| {
        for nonsense in [FaultKind::WrongBody, FaultKind::BadJson] {
            let once = Fault::once(nonsense).on(Match::any().path("qemu/102/status/current"));
            world.px.fault(once);
            drained(&[world.person("owner").slash("/vm status 102").await]).await;
            // What was asked two seconds ago is not asked again.
            tokio::time::sleep(Duration::from_millis(2100)).await;
        }
        let spoilt = world
            .px
            .requests()
            .iter()
            .filter(|request| request.spoilt)
            .count();
        assert_eq!(spoilt, 2);
    });
}

/// What went over the wire in a small world, all of it right.
struct Wire {
    discord: Vec<fake_discord::Recorded>,
    events: Vec<Value>,
    proxmox: Vec<fake_proxmox::Recorded>,
}

static WIRE: LazyLock<Wire> = LazyLock::new(|| {
    let kept = Mutex::new(None);
    run(Setup::automatic(), async |world| {
        let owner = world.person("owner");
        owner.type_ahead("/vm start ").await;
        let card = owner.slash("/vm status 102").await.first().await;
        let again = owner.click(&card, "Refresh").await;
        let (help, down) = (
            owner.slash("/help").await,
            owner.slash("/vm shutdown 102").await,
        );
        ended(&down).await;
        drained(&[again, help, down]).await;
        *kept.lock().unwrap() = Some(Wire {
            discord: world.dc.requests(),
            events: world.dc.sent_events(),
            proxmox: world.px.requests(),
        });
    });
    kept.into_inner().unwrap().unwrap()
});

/// On which record, what is made wrong, and a part of what has to be said about it.
type Bite<R> = (&'static str, fn(&mut R), &'static str);

fn assert_bites<R: Clone>(
    all: &[R],
    name: fn(&R) -> String,
    check: fn(&[R]) -> Vec<String>,
    bites: &[Bite<R>],
) {
    for (on, spoil, told) in bites {
        let right = all.iter().find(|record| name(record).starts_with(on));
        let mut record = right.unwrap_or_else(|| panic!("no {on}")).clone();
        assert_eq!(
            check(std::slice::from_ref(&record)),
            Vec::<String>::new(),
            "{on}"
        );
        spoil(&mut record);
        let wrong = check(&[record]);
        assert!(
            wrong.iter().any(|line| line.contains(told)),
            "{on} with `{told}`: {wrong:#?}"
        );
    }
}

/// `POST /interactions/{id}/{token}/callback 4`: with the type, where there is one.
fn on_discord(request: &fake_discord::Recorded) -> String {
    format!(
        "{} {} {}",
        request.method, request.template, request.body["type"]
    )
}

const CALLBACK: &str = "POST /interactions/{id}/{token}/callback ";
const MESSAGE: &str = "POST /interactions/{id}/{token}/callback 4";
const CHOICES: &str = "POST /interactions/{id}/{token}/callback 8";
const EDIT: &str = "PATCH /webhooks/{app}/{token}/messages/@original";
const COMMANDS: &str = "PUT /applications/{app}/guilds/{guild}/commands";

#[test]
#[rustfmt::skip] // One bite a line.
fn wrong_requests_to_discord_are_seen() {
    if !contract::at_hand() {
        return;
    }
    assert_bites(&WIRE.discord, on_discord, contract::wrong_on_discord, &[
        (MESSAGE, |r| r.body["data"]["contnet"] = json!("x"), "'contnet' was unexpected"),
        (MESSAGE, |r| r.body["data"]["embeds"][0]["titel"] = json!("x"), "'titel' was unexpected"),
        (MESSAGE, |r| r.body["data"]["embeds"][0]["title"] = json!("x".repeat(257)), "longer than 256"),
        (MESSAGE, |r| r.body["data"]["embeds"][0]["color"] = json!("red"), "/data/embeds/0/color: "),
        (MESSAGE, |r| r.body["data"]["flags"] = json!("64"), "/data/flags: "),
        (MESSAGE, |r| r.body["data"]["content"] = json!(7), "/data/content: "),
        (MESSAGE, |r| r.body["type"] = json!(99), "/type: "),
        (MESSAGE, |r| r.body = Value::Null, "no body"),
        (CHOICES, |r| r.body["data"]["choices"][0]["name"] = json!("x".repeat(101)), "longer than 100"),
        (CHOICES, |r| r.body["data"]["choices"] = json!(vec![json!({"name": "x", "value": "x"}); 26]), "more than 25"),
        (EDIT, |r| r.body["embed"] = json!([]), "'embed' was unexpected"),
        (EDIT, |r| r.body["components"][0]["components"][0]["style"] = json!(9), "/components/0/components/0/style"),
        (EDIT, |r| r.body["allowed_mentions"]["parse"] = json!(["all"]), "/allowed_mentions/parse/0"),
        (EDIT, |r| r.files = vec!["f".to_owned(); 11], "11 files"),
        (COMMANDS, |r| r.body[0]["descripton"] = json!("x"), "'descripton' was unexpected"),
        (COMMANDS, |r| r.body[0]["description"] = json!("x".repeat(101)), "longer than 100"),
        (COMMANDS, |r| r.body[0]["name"] = json!("x".repeat(33)), "longer than 32"),
        (COMMANDS, |r| r.body[0]["contexts"] = json!([7]), "/0/contexts/0"),
        (CALLBACK, |r| r.path = r.path.replace("interactions", "interaction"), "Discord has no POST"),
        (CALLBACK, |r| r.method = "PUT".into(), "Discord has no PUT"),
        (CALLBACK, |r| r.query = "wit_response=true".into(), "wit_response is unknown"),
        (CALLBACK, |r| r.query = "with_response=2".into(), "with_response: "),
        ("GET /applications/{app}/guilds/{guild}/commands", |r| r.body = json!({}), "a body that is not wanted"),
        (COMMANDS, |r| r.path = r.path.replace("guilds/1", "guilds/x"), "guild_id: "),
    ]);
}

#[test]
#[rustfmt::skip] // One bite a line.
fn wrong_answers_and_events_of_the_fake_discord_are_seen() {
    if !contract::at_hand() {
        return;
    }
    assert_bites(&WIRE.discord, on_discord, contract::wrong_on_discord, &[
        (EDIT, |r| drop(r.response.as_object_mut().unwrap().remove("author")), "\"author\" is a required property"),
        (EDIT, |r| r.response["author"]["flags"] = Value::Null, "/author/flags: "),
        (EDIT, |r| r.response["id"] = json!(7), "/id: "),
        (EDIT, |r| r.response["contnet"] = json!("x"), "'contnet' was unexpected"),
        (EDIT, |r| r.response["timestamp"] = json!("yesterday"), "/timestamp: "),
        (EDIT, |r| r.status = 201, "a status that the document does not know"),
        (CALLBACK, |r| r.response = json!({}), "a body where none belongs"),
        ("GET /gateway/bot", |r| r.response["shards"] = json!("1"), "/shards: "),
    ]);
    let of = |event: &Value| format!("{} {}", event["t"].as_str().unwrap_or_default(), event["d"]["type"]);
    assert_bites(&WIRE.events, of, contract::wrong_in_events, &[
        ("INTERACTION_CREATE 2", |e| e["d"]["member"]["user"]["id"] = json!(7), "/user/id: "),
        ("INTERACTION_CREATE 2", |e| e["d"]["member"]["nik"] = json!("x"), "'nik' was unexpected"),
        ("INTERACTION_CREATE 3", |e| e["d"]["message"]["embeds"] = Value::Null, "/embeds: "),
    ]);
}

fn on_proxmox(request: &fake_proxmox::Recorded) -> String {
    format!("{} {}", request.method, request.path)
}

fn set(request: &mut fake_proxmox::Recorded, name: &str, value: Value) {
    request.body.push((name.to_owned(), value));
}

const SHUTDOWN: &str = "POST /nodes/pve2/qemu/102/status/shutdown";
const RESOURCES: &str = "GET /cluster/resources";
const CURRENT: &str = "GET /nodes/pve2/qemu/102/status/current";
const TASK: &str = "GET /nodes/pve2/tasks/UPID:";

#[test]
#[rustfmt::skip] // One bite a line.
fn wrong_requests_to_proxmox_are_seen() {
    if !contract::at_hand() {
        return;
    }
    assert_bites(&WIRE.proxmox, on_proxmox, contract::wrong_on_proxmox, &[
        (SHUTDOWN, |r| set(r, "timout", json!("5")), "'timout' was unexpected"),
        (SHUTDOWN, |r| set(r, "skiplock", json!("perhaps")), "/skiplock: "),
        (SHUTDOWN, |r| set(r, "keepActive", json!(2)), "/keepActive: "),
        (SHUTDOWN, |r| r.path = r.path.replace("102", "99"), "/vmid: 99 is less than the minimum"),
        (SHUTDOWN, |r| r.path = r.path.replace("102", "valheim"), "/vmid: "),
        (SHUTDOWN, |r| r.path = r.path.replace("pve2", "-pve"), "/node: "),
        (SHUTDOWN, |r| r.path = r.path.replace("qemu", "vm"), "Proxmox has no POST"),
        (SHUTDOWN, |r| r.method = "PUT".into(), "Proxmox has no PUT"),
        (SHUTDOWN, |r| set(r, "vmid", json!("103")), "/vmid: "),
        (RESOURCES, |r| r.query = vec![("type".into(), "qemu".into())], "/type: "),
        (RESOURCES, |r| r.query = vec![("kind".into(), "vm".into())], "'kind' was unexpected"),
        (SHUTDOWN, start_of_nine, "8.4.5 does not know it"),
        (SHUTDOWN, |r| (r.path = "/nodes/pve2/vzdump".into(), set(r, "mailto", json!("a@b.c"))).1, "is not checked"),
    ]);
}

fn start_of_nine(request: &mut fake_proxmox::Recorded) {
    request.path = request.path.replace("shutdown", "start");
    set(request, "with-conntrack-state", json!(1));
}

#[test]
#[rustfmt::skip] // One bite a line.
fn wrong_answers_of_the_fake_proxmox_are_seen() {
    if !contract::at_hand() {
        return;
    }
    assert_bites(&WIRE.proxmox, on_proxmox, contract::wrong_on_proxmox, &[
        (RESOURCES, |r| r.response = json!({}), "without `data`"),
        (RESOURCES, |r| r.response["data"] = json!({}), "is not of type \"array\""),
        (RESOURCES, |r| r.response["data"][0]["colour"] = json!("x"), "'colour' was unexpected"),
        (RESOURCES, |r| r.response["data"][0]["maxmem"] = json!("much"), "/0/maxmem: "),
        (RESOURCES, |r| r.response["data"][0]["maxmem"] = json!("4096"), "/0/maxmem: "),
        (RESOURCES, |r| r.response["data"][0]["template"] = json!(2), "/0/template: "),
        (RESOURCES, |r| drop(r.response["data"][0].as_object_mut().unwrap().remove("id")), "\"id\" is a required"),
        (CURRENT, |r| r.response["data"]["vmid"] = json!("x"), "/vmid: "),
        (CURRENT, |r| r.response["data"]["status"] = json!("paused"), "/status: "),
        (TASK, |r| drop(r.response["data"].as_object_mut().unwrap().remove("upid")), "\"upid\" is a required"),
        (SHUTDOWN, |r| r.response["data"] = Value::Null, "is not of type \"string\""),
    ]);
}

#[test]
fn absent_contracts_are_said_and_can_be_demanded() {
    assert_eq!(contract::verdict(true, true), Ok(None));
    assert_eq!(contract::verdict(true, false), Ok(None));
    assert_eq!(
        contract::verdict(false, false),
        Ok(Some("contract folder absent: wire checks skipped"))
    );
    assert!(contract::verdict(false, true).is_err());
    // Panics where they are demanded and absent, and says so where they are absent.
    contract::at_hand();
}
