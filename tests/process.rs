//! The binary as it is released: exit codes, signals, `kill -9`, and the command line.

mod support;

use std::process::{Output, Stdio};
use std::time::Duration;

use fake_discord::{GatewayEvent, GatewayFault, RestFault, RestFaultKind};
use support::{Setup, World, run_without_bot, shown};
use tokio::process::{Child, Command};

fn steward(world: &World, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_pve-steward"));
    command.arg("--config").arg(&world.files[0]).args(arguments);
    command
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    command.kill_on_drop(true);
    command
}

async fn ended(command: &mut Command) -> Output {
    let output = command.output();
    tokio::time::timeout(Duration::from_secs(40), output)
        .await
        .expect("it ends")
        .unwrap()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

async fn running(world: &World) -> Child {
    let before = world.snapshots();
    let child = steward(world, &["run"]).spawn().unwrap();
    world.dc.bot_ready().await;
    world.next_snapshot_after(before).await;
    child
}

fn signal(child: &Child, signal: &str) {
    let id = child.id().expect("a running process").to_string();
    let sent = std::process::Command::new("kill")
        .args([signal, &id])
        .status()
        .unwrap();
    assert!(sent.success());
}

#[test]
fn sigterm_says_goodbye_and_exits_with_zero() {
    run_without_bot(Setup::default(), async |world| {
        let child = running(world).await;
        signal(&child, "-TERM");
        let output = tokio::time::timeout(Duration::from_secs(20), child.wait_with_output());
        let output = output.await.expect("it ends").unwrap();
        assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
        let closed = |entry: &fake_discord::GatewayEntry| {
            matches!(entry.what, GatewayEvent::ClosedByBot { code: Some(1000) })
        };
        assert!(
            world.dc.gateway_log().iter().any(closed),
            "{:?}",
            world.dc.gateway_log()
        );
    });
}

#[test]
fn an_act_under_way_at_kill_9_is_finished_by_the_next_process() {
    run_without_bot(Setup::default(), async |world| {
        let mut child = running(world).await;
        let answer = world.person("max").slash("/vm start 101").await;
        let upid = world.px.wait_task("qmstart", 101).await;
        answer.until("at work").await;
        child.kill().await.unwrap();
        world.dc.bot_gone().await;
        assert_eq!(world.audit(), ["opened start 101", "sent"]);
        world.px.finish(&upid, "OK");
        let mut child = running(world).await;
        let told = world
            .dc
            .wait_channel_message(support::BOT_CHANNEL, "restarted in between")
            .await;
        assert!(shown(&told).contains("valheim · started"));
        world
            .audited(&["opened start 101", "sent", "closed done"])
            .await;
        assert_eq!(world.writes().len(), 1, "it was not sent again");
        child.kill().await.unwrap();
    });
}

#[test]
fn mistakes_end_it_with_78_and_are_all_told() {
    run_without_bot(
        Setup::default().rules("[people]\nowner = 1\n[[allow]]\nwho = [\"ownr\"]\n"),
        async |world| {
            let output = ended(&mut steward(world, &["run"])).await;
            assert_eq!(output.status.code(), Some(78));
            let told = text(&output.stderr);
            for mistake in ["steward.toml:", "ownr", "actions"] {
                assert!(told.contains(mistake), "{told}");
            }
        },
    );
}

#[test]
fn a_refused_token_ends_it_with_78() {
    run_without_bot(Setup::default(), async |world| {
        let refused = RestFaultKind::Unauthorized;
        world.dc.rest(RestFault {
            on: "/gateway/bot".into(),
            kind: refused,
            times: usize::MAX,
        });
        let output = ended(&mut steward(world, &["run"])).await;
        assert_eq!(output.status.code(), Some(78));
        assert!(text(&output.stderr).contains("does not accept the bot token"));
    });
}

#[test]
fn a_fatal_close_ends_it_with_78() {
    run_without_bot(Setup::default(), async |world| {
        world.dc.gateway(GatewayFault::CloseAtIdentify(4012));
        let output = ended(&mut steward(world, &["run"])).await;
        assert_eq!(output.status.code(), Some(78));
        assert!(
            text(&output.stderr).contains("4012"),
            "{}",
            text(&output.stderr)
        );
    });
}

#[test]
fn health_follows_the_connection() {
    run_without_bot(Setup::default(), async |world| {
        assert_eq!(
            ended(&mut steward(world, &["health"])).await.status.code(),
            Some(1)
        );
        let mut child = running(world).await;
        let mut healthy = false;
        for _ in 0..50 {
            healthy = ended(&mut steward(world, &["health"]))
                .await
                .status
                .success();
            if healthy {
                break;
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        assert!(healthy);
        child.kill().await.unwrap();
    });
}

#[test]
fn check_says_what_is_there_and_what_is_missing() {
    let mut setup = Setup::default();
    setup
        .px
        .acls
        .retain(|acl| !acl.privs.iter().any(|p| p == "VM.PowerMgmt"));
    run_without_bot(setup, async |world| {
        let output = ended(&mut steward(world, &["check"])).await;
        let told = text(&output.stdout);
        assert_eq!(
            output.status.code(),
            Some(0),
            "{told}{}",
            text(&output.stderr)
        );
        for part in [
            "ok   home: Proxmox VE 9.2",
            "nodes pve1, pve2",
            "warn home: without VM.PowerMgmt on /vms, no guest can be started or stopped",
            "pveum acl modify /vms -token 'discord@pve!bot'",
            "ok   Discord: server 1000000000000000000 is Homelab",
        ] {
            assert!(told.contains(part), "{part}\n{told}");
        }
        assert_eq!(world.writes(), Vec::<String>::new());
        assert_eq!(world.dc.registrations(), 0, "it changes nothing");
    });
}

#[test]
fn check_fails_where_run_would() {
    run_without_bot(Setup::default(), async |world| {
        let wrong = world.dir.path().join("wrong.toml");
        std::fs::write(
            &wrong,
            "[discord]\ntoken = \"wrong\"\nguilds = [1000000000000000009]\n",
        )
        .unwrap();
        let wrong = wrong.display().to_string();
        let output = ended(&mut steward(world, &["--config", &wrong, "check"])).await;
        assert_eq!(output.status.code(), Some(78), "{}", text(&output.stdout));
        assert!(text(&output.stdout).contains("FAIL Discord: the token is not accepted"));
    });
}

#[test]
fn the_policy_is_printed_and_explained() {
    run_without_bot(Setup::default(), async |world| {
        let whole = text(&ended(&mut steward(world, &["policy"])).await.stdout);
        assert!(
            whole.contains("101 valheim (vm on pve1; tags games; pool friends)"),
            "{whole}"
        );
        let ask = [
            "policy", "--who", "friends", "--action", "stop", "--guest", "valheim",
        ];
        let one = text(&ended(&mut steward(world, &ask)).await.stdout);
        assert!(one.contains("No rule allows it"), "{one}");
        let ask = [
            "policy", "--who", "friends", "--action", "start", "--guest", "103",
        ];
        let one = text(&ended(&mut steward(world, &ask)).await.stdout);
        assert!(
            one.contains("Denied by") && one.contains("steward.toml:"),
            "{one}"
        );
        let offline = text(
            &ended(&mut steward(world, &["policy", "--offline"]))
                .await
                .stdout,
        );
        assert!(offline.contains("tag:games"), "{offline}");
    });
}

#[test]
fn the_fingerprint_is_shown_to_compare() {
    run_without_bot(Setup::default(), async |world| {
        let url = world.px.url_of("pve1");
        let output = ended(&mut steward(world, &["fingerprint", &url])).await;
        let told = text(&output.stdout);
        assert!(told.starts_with(&world.px.fingerprint("pve1")), "{told}");
        assert!(
            world.px.requests().is_empty(),
            "nothing is sent to a server that is not trusted"
        );
    });
}
