//! The binary as it is released: exit codes, signals, `kill -9`, and the command line.

mod support;

use std::time::Duration;

use fake_discord::{Answer, GatewayEvent, GatewayFault, Message, RestFault, RestFaultKind};
use fake_proxmox::{Fault, FaultKind, Match};
use insta::assert_snapshot;
use support::binary::{ended, steward, text, told};
use support::{Setup, World, run_without_bot, shown};
use tokio::process::Child;

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
fn sighup_reads_the_rules_again_and_a_bad_file_changes_nothing() {
    run_without_bot(Setup::automatic(), async |world| {
        let mut child = running(world).await;
        let max = world.person("max");
        world.write_rules(&support::RULES.replace("\"reboot\"]", "\"stop\"]"));
        signal(&child, "-HUP");
        world.audited_last("reloaded policy").await;
        let question = max.slash("/vm stop 102").await.first().await;
        assert!(
            question.text().contains("Really stop"),
            "{}",
            question.text()
        );
        max.click(&question, "Cancel")
            .await
            .until("Cancelled")
            .await;
        world.write_rules("[[allow]]");
        signal(&child, "-HUP");
        max.slash("/vm start 101").await.until("started").await;
        child.kill().await.unwrap();
    });
}

#[test]
fn a_second_process_with_the_same_state_does_not_start() {
    run_without_bot(Setup::default(), async |world| {
        let mut child = running(world).await;
        let (said, code) = told(&mut steward(world, &["run"])).await;
        assert_eq!(code, Some(75), "{said}");
        assert!(said.contains("another pve-steward"), "{said}");
        child.kill().await.unwrap();
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

/// The bot's token may switch nodes.
fn of_nodes() -> Setup {
    let mut setup = Setup::default();
    for who in ["discord@pve", "discord@pve!bot"] {
        let privs = ["Sys.Audit", "Sys.PowerMgmt"];
        let acl = fake_proxmox::Acl::new("/nodes", who, &privs, true);
        setup.px.acls.push(acl);
    }
    setup
}

/// Ordered, confirmed twice and taken by Proxmox when the process is killed.
async fn ordered_and_killed(world: &World, command: &str, yes: &str) {
    let mut child = running(world).await;
    let owner = world.person("owner");
    let asked = owner.slash(command).await;
    let again = owner.click(&asked.first().await, "Go on").await;
    asked.until("Confirmed").await;
    let answer = owner.click(&again.first().await, yes).await;
    again.until("Confirmed").await;
    answer.until("taken the order").await;
    child.kill().await.unwrap();
    world.dc.bot_gone().await;
}

async fn told_after_it(world: &World) -> String {
    let told = world
        .dc
        .wait_channel_message(support::BOT_CHANNEL, "restarted in between")
        .await;
    shown(&told)
}

#[test]
fn a_node_that_goes_down_at_kill_9_is_waited_for_by_the_next_process() {
    run_without_bot(of_nodes(), async |world| {
        ordered_and_killed(world, "/node reboot pve2", "Reboot the node").await;
        assert_eq!(world.audit(), ["opened node.reboot"]);
        world.px.node_step("pve2");
        let mut child = running(world).await;
        // It looks again before the node is back.
        world.next_snapshot().await;
        // Meanwhile nobody gives it a second order.
        let owner = world.person("owner");
        let second = owner.slash("/node wake pve2").await.first().await;
        assert_snapshot!(shown(&second), @"
        🔒 only owner
        │ 🟡 pve2 · an order is open
        │ <@184405311681986560> asked to reboot pve2, and
        │ I was restarted before I saw the end.
        │ I look what became of it.
        │ Nothing was done now. Wait for that
        │ to end.
        │ — node · home
        [Refresh] (secondary)
        ");
        let status = owner.slash("/node status pve2").await.first().await;
        assert!(!shown(&status).contains("rebooting"), "not known");
        world.px.node_step("pve2");
        let told = told_after_it(world).await;
        assert!(told.contains("pve2 · online"), "{told}");
        assert!(
            told.contains("│ Asked by <@184405311681986560>.\n│ I saw it offline, and it is back"),
            "{told}"
        );
        world
            .audited(&["opened node.reboot", "closed unknown"])
            .await;
        assert_eq!(world.writes().len(), 1, "it was not ordered again");
        child.kill().await.unwrap();
    });
}

#[test]
fn a_reboot_that_nobody_saw_is_concluded_from_the_uptime() {
    run_without_bot(of_nodes(), async |world| {
        ordered_and_killed(world, "/node reboot pve2", "Reboot the node").await;
        world.px.node_step("pve2");
        // Long enough for the uptime to tell that it was started anew.
        tokio::time::sleep(Duration::from_secs(13)).await;
        world.px.node_step("pve2");
        let mut child = running(world).await;
        assert_snapshot!(told_after_it(world).await, @"
        <@184405311681986560>
        │ 🟢 pve2 · started anew
        │ Asked by <@184405311681986560>.
        │ It was started anew <time>.
        │ Whether by this order, is not known.
        │ I was restarted in between.
        │ — node · home
        [Refresh] (secondary)
        ");
        world
            .audited(&["opened node.reboot", "closed unknown"])
            .await;
        assert_eq!(world.writes().len(), 1, "it was not ordered again");
        child.kill().await.unwrap();
    });
}

#[test]
fn a_node_that_is_off_or_on_after_kill_9_is_told_as_it_is_found() {
    run_without_bot(of_nodes(), async |world| {
        ordered_and_killed(world, "/node shutdown pve2", "Shut down the node").await;
        world.px.node_step("pve2");
        let mut child = running(world).await;
        assert_snapshot!(told_after_it(world).await, @"
        <@184405311681986560>
        │ ⚪ pve2 · offline
        │ Asked by <@184405311681986560>.
        │ It is offline now.
        │ Whether by this order, is not known.
        │ I was restarted in between.
        │ — node · home
        [Refresh] (secondary)
        ");
        world
            .audited(&["opened node.shutdown", "closed unknown"])
            .await;
        world.px.set_wol("pve2", Some("52:54:00:12:34:56"));
        let waking = world.person("owner").slash("/node wake pve2").await;
        waking.until("packet was sent").await;
        child.kill().await.unwrap();
        world.dc.bot_gone().await;
        world.px.node_up("pve2");
        let mut child = running(world).await;
        let awake = world
            .dc
            .wait_channel_message(support::BOT_CHANNEL, "It is online now.");
        assert!(shown(&awake.await).contains("pve2 · online"));
        world.audited_last("closed unknown").await;
        let orders = ["POST /nodes/pve2/status", "POST /nodes/pve2/wakeonlan"];
        assert_eq!(world.writes(), orders, "neither was ordered again");
        child.kill().await.unwrap();
    });
}

const APPROVALS: u64 = 1_100_000_000_000_000_001;

/// Friends ask for the container, and the owner is asked in a channel.
fn asking() -> Setup {
    let rules = support::rules(
        "[[ask]]\nwho = [\"friends\"]\nactions = [\"start\"]\nguests = [\"tag:lab\"]\n",
    );
    let mut setup = Setup::default().rules(&rules);
    setup.discord = format!("approvals_channel = {APPROVALS}");
    setup
}

async fn ask(world: &World) -> (Answer, Message) {
    let max = world.person("max");
    let refused = max.slash("/ct start 105").await.first().await;
    let answer = max.click(&refused, "Ask for it").await;
    answer.until("once somebody has decided").await;
    let letters = world.dc.channel_messages(APPROVALS);
    (answer, letters.last().unwrap().clone())
}

/// The owner presses *Once*, and everybody has read so much.
async fn approve(world: &World, answer: &Answer, letter: &Message, seen: &str) {
    let pressed = world.person("owner").click(letter, "Once").await;
    answer.until(seen).await;
    pressed.until("approved it once").await;
}

async fn told_of_the_restart(world: &World, letter: &Message) -> String {
    for _ in 0..500 {
        let now = world.dc.message(letter.id).unwrap();
        if now.text().contains("restarted") {
            return shown(&now);
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("the approvers are not told");
}

/// The approval is stored, and the process dies before the act is noted: nothing was done, and both
/// sides are told so by the next one.
#[test]
fn what_was_approved_and_not_begun_at_kill_9_is_told() {
    run_without_bot(asking(), async |world| {
        let mut child = running(world).await;
        let (answer, letter) = ask(world).await;
        let hung = Match::any().path("/105/status/current");
        world.px.fault(Fault::always(FaultKind::Hang).on(hung));
        approve(world, &answer, &letter, "I am at it").await;
        child.kill().await.unwrap();
        world.dc.bot_gone().await;
        world.px.clear_faults();
        let mut child = running(world).await;
        let told = world.dc.wait_direct_message("max", "restarted").await;
        insta::assert_snapshot!(shown(&told), @"
        │ 🟠 web-lab · start: not done
        │ <@184405311681986560> approved it, but I was
        │ restarted before I did it. Nothing was
        │ done. Ask again.
        │ — CT 105 · home
        ");
        insta::assert_snapshot!(told_of_the_restart(world, &letter).await, @"
        │ 🟠 web-lab · start: not done
        │ <@80351110224678912> asked, <@184405311681986560> approved it once.
        │ I was restarted before I did it:
        │ nothing was done.
        │ — CT 105 · home
        ");
        // Once is enough, also over one more restart; and it may be asked for again.
        child.kill().await.unwrap();
        world.dc.bot_gone().await;
        let mut child = running(world).await;
        ask(world).await;
        assert_eq!(world.dc.direct_messages("max").len(), 1);
        assert_eq!(world.writes(), Vec::<String>::new());
        child.kill().await.unwrap();
    });
}

/// What was begun is followed up, and the approvers' message says where to look.
#[test]
fn what_was_approved_and_begun_at_kill_9_is_followed_up() {
    run_without_bot(asking(), async |world| {
        let mut child = running(world).await;
        let (answer, letter) = ask(world).await;
        approve(world, &answer, &letter, "at work").await;
        let upid = world.px.wait_task("vzstart", 105).await;
        child.kill().await.unwrap();
        world.dc.bot_gone().await;
        world.px.finish(&upid, "OK");
        let mut child = running(world).await;
        let channel = support::BOT_CHANNEL;
        world
            .dc
            .wait_channel_message(channel, "restarted in between")
            .await;
        insta::assert_snapshot!(told_of_the_restart(world, &letter).await, @"
        │ 🟠 web-lab · start: approved
        │ <@80351110224678912> asked, <@184405311681986560> approved it once.
        │ I was restarted in its middle. What
        │ became of it stands in the audit.
        │ — CT 105 · home
        ");
        assert_eq!(world.writes().len(), 1);
        assert!(world.dc.direct_messages("max").is_empty());
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
        signal(&child, "-TERM");
        assert!(child.wait().await.unwrap().success());
        let (said, code) = told(&mut steward(world, &["health"])).await;
        assert_eq!(code, Some(1), "a bot that was stopped is not alive");
        assert!(said.contains("It was stopped, or never came up"), "{said}");
    });
}

#[test]
fn a_folder_of_state_that_cannot_be_used_ends_it_with_78_and_the_remedy() {
    run_without_bot(Setup::default(), async |world| {
        let mut run = steward(world, &["run"]);
        let run = run.env("PVE_STEWARD__BOT__STATE_DIR", "/proc/nothing/here");
        let (said, code) = told(run).await;
        assert_eq!(code, Some(78), "{said}");
        for part in ["/proc/nothing/here", "`state_dir` in [bot]"] {
            assert!(said.contains(part), "{part}\n{said}");
        }
    });
}

#[test]
fn a_token_that_proxmox_refuses_is_said_in_a_sentence_and_the_bot_goes_on() {
    run_without_bot(Setup::default(), async |world| {
        let mut run = steward(world, &["run"]);
        run.env(
            "PVE_STEWARD__CLUSTER__HOME__TOKEN_SECRET",
            "00000000-0000-4000-8000-000000000000",
        );
        let child = run.spawn().unwrap();
        world.dc.bot_ready().await;
        // A refused login takes the real server three seconds, and the fake too.
        tokio::time::sleep(Duration::from_secs(5)).await;
        signal(&child, "-TERM");
        let output = child.wait_with_output().await.unwrap();
        let said = text(&output.stderr);
        assert_eq!(output.status.code(), Some(0), "{said}");
        assert!(
            said.contains("Proxmox does not accept the token. Is `token_id` spelt"),
            "{said}"
        );
        assert!(
            !said.contains("Failed(") && !said.contains("Refused {"),
            "{said}"
        );
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
        assert!(
            !one.contains("--role"),
            "a role is looked at as such\n{one}"
        );
        let (offline, _) = told(&mut steward(world, &["policy", "--offline"])).await;
        assert!(offline.contains("tag:games"), "{offline}");
        // Whoever may not read the secrets can read the rules.
        let unread = world.dir.path().join("unread.toml");
        let key = "[discord]\ntoken_file = \"/nowhere/token\"\n";
        std::fs::write(&unread, key).unwrap();
        let unread = unread.display().to_string();
        let policy = ["--config", &unread, "policy"];
        let output = ended(&mut steward(world, &policy)).await;
        assert_eq!(output.status.code(), Some(78));
        assert!(
            text(&output.stderr).contains("/nowhere/token"),
            "{output:?}"
        );
        let offline_too = [&policy[..], &["--offline"]].concat();
        let (without, code) = told(&mut steward(world, &offline_too)).await;
        assert_eq!((without.as_str(), code), (offline.as_str(), Some(0)));
    });
}

#[test]
fn a_question_to_the_policy_names_the_rule_and_the_roles_that_it_looked_at() {
    run_without_bot(Setup::default(), async |world| {
        let ask = async |line: &str| {
            let words: Vec<&str> = line.split(' ').collect();
            told(&mut steward(world, &words)).await
        };
        let start = "policy --who owner --action start";
        let (said, code) = ask(&format!("{start} --guest 103")).await;
        assert_eq!(code, Some(0));
        assert!(
            said.contains("without any role") && said.contains("add --role"),
            "{said}"
        );
        let (said, _) = ask(&format!("{start} --guest 103 --role friends")).await;
        assert!(
            said.contains("Denied by") && !said.contains("without any role"),
            "{said}"
        );
        let (said, _) = ask("policy --who friends --action power --guest 101").await;
        for right in ["may start 101", "may shutdown 101", "may reboot 101"] {
            assert!(said.contains(right), "{right}\n{said}");
        }
    });
}

#[test]
fn a_question_to_the_policy_that_says_too_little_or_too_much_is_answered_with_what_to_do() {
    run_without_bot(Setup::default(), async |world| {
        let ask = async |line: &str| {
            let words: Vec<&str> = line.split(' ').collect();
            told(&mut steward(world, &words)).await
        };
        let start = "policy --who owner --action start";
        for (line, part) in [
            (
                format!("{start} --guest 103 --role freinds"),
                "no role `freinds`. There are:\n  friends",
            ),
            (start.to_owned(), "`start` is for a guest: add --guest"),
            (
                "policy --who owner --action token --guest 101".to_owned(),
                "`token` is for the bot itself: leave --guest and --node out.",
            ),
            (
                "policy --who owner --action node.* --guest 101".to_owned(),
                "`node.*` is for a node: add --node with its name, and leave --guest out.",
            ),
            (
                "policy --who owner --action access --node pve1".to_owned(),
                "leave --node out; or for the bot itself: leave --guest and --node out.",
            ),
            (
                format!("{start} --node pve1"),
                "add --guest with its VMID or name",
            ),
            (
                format!("{start} --guest 999"),
                "no guest `999`. There are:\n  101 valheim",
            ),
            (
                "policy --who owner --action view".to_owned(),
                "; or for a node: add --node with its name",
            ),
            (
                "policy --who owner --action strat --guest 101".to_owned(),
                "  power",
            ),
            (
                "policy --who nobody --action start --guest 101".to_owned(),
                "  friends",
            ),
        ] {
            let (said, code) = ask(&line).await;
            assert_eq!(code, Some(78), "{line}\n{said}");
            assert!(said.contains(part), "{line}\n{said}");
        }
        let (help, _) = ask("policy --help").await;
        let help = help.split_whitespace().collect::<Vec<_>>().join(" ");
        for part in ["view, start, shutdown", "power (start", "invented guests"] {
            assert!(help.contains(part), "{part}\n{help}");
        }
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
        assert!(
            told.contains("pvenode cert info\n") && told.contains("pve-ssl.pem"),
            "{told}"
        );
        let bare = url.replace("https://", "");
        let output = ended(&mut steward(world, &["fingerprint", &bare])).await;
        assert!(output.status.success(), "{}", text(&output.stderr));
        let (said, code) =
            support::binary::told(&mut steward(world, &["fingerprint", "http://pve1"])).await;
        assert_eq!(code, Some(78));
        assert!(said.contains("write https://host:8006"), "{said}");
    });
}

/// A right that is held under conditions, and may be asked for where they do not hold: both are said.
#[test]
fn the_policy_says_what_may_be_asked_for_beside_what_is_held() {
    let rules = support::rules(
        "[[allow]]\nwho = [\"friends\"]\nactions = [\"start\"]\nguests = [\"101\"]\nlimit = \"2 per hour\"\n\
         [[ask]]\nwho = [\"friends\"]\nactions = [\"start\"]\nguests = [\"tag:games\"]\n",
    );
    run_without_bot(Setup::default().rules(&rules), async |world| {
        let ask = [
            "policy", "--who", "friends", "--action", "start", "--guest", "101",
        ];
        let said = text(&ended(&mut steward(world, &ask)).await.stdout);
        let dir = world.dir.path().display().to_string();
        insta::assert_snapshot!(said.replace(&dir, ""), @"
        yes: friends may start 101 valheim (vm on pve1; tags games; pool friends).
        Allowed by /steward.toml:30.
        At most 2 acts in 1h, all that the rule allows together.
        When that does not hold, friends may ask for it, by /steward.toml:35.
        ");
        let (whole, _) = told(&mut steward(world, &["policy"])).await;
        assert!(whole.contains("start(2/1h, else ?)"), "{whole}");
    });
}
