//! Whole nodes, as people see and switch them.

#![allow(
    clippy::too_many_lines,
    reason = "most of the lines are what people see"
)]

mod support;

use fake_discord::{Answer, Message};
use fake_proxmox::{Acl, Fault, FaultKind, HaRule, Match};
use insta::assert_snapshot;
use support::{Setup, World, run, shown};

/// The bot's token may switch nodes, and both can be woken.
fn home() -> Setup {
    let mut setup = Setup::default().rules(&support::rules(
        r#"
[[allow]]
who = ["friend"]
actions = ["view"]
guests = ["tag:games"]
nodes = ["pve2"]

[[allow]]
who = ["max"]
actions = ["node.reboot", "node.wake"]
nodes = ["pve2"]
"#,
    ));
    setup.rules = setup
        .rules
        .replace("[people]", "[people]\nmax = 80351110224678912");
    setup.px = setup.px.lived_in();
    setup.px.clock = fake_proxmox::Clock::Manual;
    grant(&mut setup, &["Sys.Audit", "Sys.PowerMgmt"]);
    for guest in &mut setup.px.guests {
        guest.cpu = Some(0.25);
        guest.mem = Some(guest.maxmem / 2);
    }
    setup
}

fn grant(setup: &mut Setup, privs: &[&str]) {
    for who in ["discord@pve", "discord@pve!bot"] {
        setup.px.acls.push(Acl::new("/nodes", who, privs, true));
    }
}

/// Without what differs from run to run.
fn card(message: &Message) -> String {
    let text = shown(message);
    let still = |line: &&str| !line.contains("│ Up ");
    let kept: Vec<&str> = text.lines().filter(still).collect();
    let mut text = kept.join("\n");
    for word in [" after ", " back after "] {
        if let Some(at) = text.find(word) {
            let end = text[at..].find(".\n").map_or(text.len(), |end| at + end);
            text.replace_range(at + word.len()..end, "<soon>");
        }
    }
    text
}

async fn settled(world: &World) {
    for node in ["pve1", "pve2"] {
        world.px.set_node(node, |node| {
            node.cpu = Some(0.125);
            node.mem = Some(node.maxmem / 4);
            node.disk = Some(node.maxdisk / 10);
        });
    }
    world.next_snapshot().await;
}

/// Both questions answered with yes; the answer of the second.
async fn twice(world: &World, name: &str, command: &str, yes: &str) -> Answer {
    let person = world.person(name);
    let asked = person.slash(command).await;
    let first = asked.first().await;
    let again = person.click(&first, "Go on").await;
    let second = again.first().await;
    asked.until("Confirmed").await;
    let answer = person.click(&second, yes).await;
    again.until("Confirmed").await;
    answer
}

#[test]
fn a_node_shows_its_figures_and_what_waits() {
    let mut setup = home();
    grant(&mut setup, &["Sys.Audit", "Sys.PowerMgmt", "Sys.Modify"]);
    run(setup, async |world| {
        settled(world).await;
        let owner = world.person("owner");
        assert_snapshot!(card(&owner.slash("/node status pve1").await.first().await), @"
        🔒 only owner
        │ 🟢 pve1 · online
        │ ▰▱▱▱▱▱▱▱▱▱ CPU 12 % of 16
        │ ▰▰▰▱▱▱▱▱▱▱ RAM 16 GB of 64 GB
        │ Load 2.00 1.80 1.60
        │ Root disk 9.4 GB of 94 GB
        │ Proxmox VE 9.2.4
        │ Kernel 6.17.2-1-pve
        │ ⬆️ 3 updates wait
        │ 2 guests run on it
        │ — node · home
        [Reboot] (secondary) [Shutdown] (secondary) [Refresh] (secondary)
        ");
        // Whoever may only look gets no buttons that would be refused.
        let friend = world.person("friend");
        assert_snapshot!(card(&friend.slash("/node status pve2").await.first().await), @"
        🔒 only friend
        │ 🟢 pve2 · online
        │ ▰▱▱▱▱▱▱▱▱▱ CPU 12 % of 16
        │ ▰▰▰▱▱▱▱▱▱▱ RAM 16 GB of 64 GB
        │ Load 2.00 1.80 1.60
        │ Root disk 9.4 GB of 94 GB
        │ Proxmox VE 9.2.4
        │ Kernel 6.17.2-1-pve
        │ No updates that it knows of
        │ 1 guest runs on it
        │ — node · home
        [Refresh] (secondary)
        ");
        let hidden = friend.slash("/node status pve1").await.first().await;
        assert!(shown(&hidden).contains("No node pve1 for you here"));
        let asked = |r: &fake_proxmox::Recorded| r.path.contains("apt/update");
        let before = world.px.requests().iter().filter(|r| asked(r)).count();
        owner.slash("/node status pve1").await.first().await;
        let after = world.px.requests().iter().filter(|r| asked(r)).count();
        assert_eq!(
            before, after,
            "packages wait for days: they are not asked for each time"
        );
    });
}

#[test]
fn updates_that_the_token_may_not_see_are_told_to_those_who_can_mend_it() {
    run(home(), async |world| {
        settled(world).await;
        let owner = world
            .person("owner")
            .slash("/node status pve2")
            .await
            .first()
            .await;
        assert!(
            shown(&owner).contains("may not\n│ see them (Sys.Modify)"),
            "{}",
            shown(&owner)
        );
        let friend = world
            .person("friend")
            .slash("/node status pve2")
            .await
            .first()
            .await;
        assert!(!shown(&friend).contains("pdates"), "{}", shown(&friend));
    });
}

#[test]
fn a_node_is_rebooted_after_two_questions_and_followed_until_it_is_back() {
    run(home(), async |world| {
        settled(world).await;
        let owner = world.person("owner");
        let asked = owner.slash("/node reboot pve2").await;
        let first = asked.first().await;
        assert_snapshot!(card(&first), @"
        🔒 only owner
        │ ⚠️ Really reboot pve2?
        │ What runs on it goes down with it:
        │ • 102 minecraft
        │ ⚠️ 1 of 2 nodes is left: no majority.
        │ Unless something else votes too, the
        │ cluster loses its quorum, and nothing
        │ can be started.
        │ The question holds for one minute.
        │ — node · home
        [Go on] (danger) [Cancel] (secondary)
        ");
        let again = owner.click(&first, "Go on").await;
        let second = again.first().await;
        assert_snapshot!(card(&second), @"
        🔒 only owner
        │ ⚠️ Really reboot pve2 now?
        │ The whole node goes down, and the
        │ one guest that runs on it.
        │ Asked twice, so that no slip does it.
        │ The question holds for one minute.
        │ — node · home
        [Reboot the node] (danger) [Cancel] (secondary)
        ");
        asked.until("Confirmed").await;
        assert_eq!(world.writes(), Vec::<String>::new(), "asked twice first");
        let answer = owner.click(&second, "Reboot the node").await;
        assert_snapshot!(card(&answer.until("taken the order").await), @"
        │ 🟡 pve2 · rebooting
        │ Asked by <@184405311681986560> <time>.
        │ Proxmox has taken the order.
        │ — node · home
        [Notify me] (secondary)
        ");
        again.until("Confirmed").await;
        assert_eq!(world.writes(), ["POST /nodes/pve2/status"]);
        // Two people do not reboot it at once.
        let max = world
            .person("max")
            .slash("/node reboot pve2")
            .await
            .first()
            .await;
        assert_snapshot!(card(&max), @"
        🔒 only max
        │ 🟡 pve2 is rebooting already
        │ Asked by <@184405311681986560>. Nothing was done.
        │ Wait for that to end.
        │ — node · home
        [Refresh] (secondary)
        ");
        assert!(world.px.node_step("pve2"));
        assert_snapshot!(card(&answer.until("wait for it").await), @"
        │ 🟡 pve2 · offline
        │ Asked by <@184405311681986560> <time>.
        │ It is offline. I wait for it to
        │ come back.
        │ — node · home
        [Notify me] (secondary)
        ");
        assert!(world.px.node_step("pve2"));
        assert_snapshot!(card(&answer.until("rebooted").await), @"
        │ 🟢 pve2 · rebooted
        │ By <@184405311681986560>.
        │ It is back after <soon>.
        │ — node · home
        [Refresh] (secondary)
        ");
        assert_eq!(world.writes(), ["POST /nodes/pve2/status"]);
        assert_eq!(world.audit(), ["opened node.reboot", "closed done"]);
    });
}

/// Corosync was restarted, or a cable pulled: the cluster misses it for a moment, and it ran all the time.
#[test]
fn a_node_that_is_missed_for_a_moment_was_not_rebooted() {
    run(home(), async |world| {
        settled(world).await;
        let answer = twice(world, "owner", "/node reboot pve2", "Reboot the node").await;
        answer.until("taken the order").await;
        world.px.set_node("pve2", |node| node.online = false);
        answer.until("wait for it").await;
        world.px.set_node("pve2", |node| node.online = true);
        // The look after the next one comes when what the next one showed was judged.
        world.next_snapshot().await;
        world.next_snapshot().await;
        let now = answer.settled().await;
        assert!(shown(&now).contains("taken the order"), "{}", shown(&now));
        assert_eq!(world.audit(), ["opened node.reboot"], "it goes on");
        world.px.node_step("pve2");
        world.px.node_step("pve2");
        answer.until("rebooted").await;
        assert_eq!(world.audit(), ["opened node.reboot", "closed done"]);
    });
}

#[test]
fn a_node_is_shut_down_and_woken_again() {
    run(home(), async |world| {
        settled(world).await;
        let answer = twice(world, "owner", "/node shutdown pve2", "Shut down the node").await;
        answer.until("taken the order").await;
        world.px.node_step("pve2");
        assert_snapshot!(card(&answer.until("went offline").await), @"
        │ ⚪ pve2 · offline
        │ By <@184405311681986560>.
        │ It went offline after <soon>.
        │ — node · home
        [Refresh] (secondary)
        ");
        let owner = world.person("owner");
        let off = owner.slash("/node shutdown pve2").await.first().await;
        assert!(
            shown(&off).contains("pve2 · offline already"),
            "{}",
            shown(&off)
        );
        let status = owner.slash("/node status pve2").await.first().await;
        assert_snapshot!(card(&status), @"
        🔒 only owner
        │ 🔴 pve2 · offline
        │ — node · home
        [Wake] (secondary) [Refresh] (secondary)
        ");
        world.px.forget_requests();
        let answer = owner.click(&status, "Wake").await;
        assert_snapshot!(card(&answer.until("packet was sent").await), @"
        │ 🟡 pve2 · waking
        │ Asked by <@184405311681986560> <time>.
        │ The wake-up packet was sent.
        │ It has not been seen online yet.
        │ — node · home
        [Notify me] (secondary)
        ");
        // The node that is up sends it; the one that sleeps cannot.
        let sent = world.px.writes();
        assert_eq!(world.writes(), ["POST /nodes/pve2/wakeonlan"]);
        assert_eq!(sent[0].node, "pve1");
        world.px.node_step("pve2");
        world.px.node_step("pve2");
        assert_snapshot!(card(&answer.until("Seen online").await), @"
        │ 🟢 pve2 · online
        │ By <@184405311681986560>.
        │ Seen online after <soon>.
        │ — node · home
        [Refresh] (secondary)
        ");
        let up = owner.slash("/node wake pve2").await.first().await;
        assert!(
            shown(&up).contains("pve2 · online already"),
            "{}",
            shown(&up)
        );
    });
}

#[test]
fn nobody_switches_a_node_without_the_right() {
    run(home(), async |world| {
        settled(world).await;
        let friend = world.person("friend");
        let refused = friend.slash("/node reboot pve2").await.first().await;
        assert_snapshot!(card(&refused), @"
        🔒 only friend
        │ ⛔ You may not reboot pve2
        │ Ask <@184405311681986560>.
        │ — node · home
        ");
        for (name, command) in [
            ("stranger", "/node reboot pve2"),
            ("friend", "/node reboot pve1"),
            ("max", "/node wake pve1"),
            ("owner", "/node wake pve9"),
        ] {
            let said = world.person(name).slash(command).await.first().await;
            assert!(shown(&said).contains("⛔ No node pve"), "{}", shown(&said));
            assert!(said.ephemeral_for.is_some());
        }
        assert_eq!(world.writes(), Vec::<String>::new());
    });
}

#[test]
fn whoever_may_only_reboot_learns_numbers_and_no_names() {
    run(home(), async |world| {
        settled(world).await;
        let max = world.person("max");
        let offered = max.type_ahead("/node reboot ").await;
        assert_eq!(offered.len(), 1);
        let asked = max.slash("/node reboot pve2").await;
        let first = asked.first().await;
        assert_snapshot!(card(&first), @"
        🔒 only max
        │ ⚠️ Really reboot pve2?
        │ What runs on it goes down with it:
        │ • one guest that is not yours to see
        │ ⚠️ 1 of 2 nodes is left: no majority.
        │ Unless something else votes too, the
        │ cluster loses its quorum, and nothing
        │ can be started.
        │ The question holds for one minute.
        │ — node · home
        [Go on] (danger) [Cancel] (secondary)
        ");
        // Somebody else's question stays theirs.
        let go_on = first.custom_id("Go on").unwrap();
        let owner = world.person("owner");
        let taken = owner.press(&first, &go_on).await.first().await;
        assert!(shown(&taken).contains("not for you"), "{}", shown(&taken));
        // A rule that goes while the question is open takes the yes with it.
        let again = max.click(&first, "Go on").await;
        let second = again.first().await;
        asked.until("Confirmed").await;
        world.write_rules(&support::rules(""));
        world.again.notify_one();
        for _ in 0..500 {
            if max.type_ahead("/node reboot ").await.is_empty() {
                break;
            }
            tokio::time::sleep(std::time::Duration::from_millis(10)).await;
        }
        let late = max.click(&second, "Reboot the node").await.first().await;
        assert!(shown(&late).contains("No node"), "{}", shown(&late));
        again.until("Confirmed").await;
        assert_eq!(world.writes(), Vec::<String>::new());
    });
}

#[test]
fn a_lockdown_closes_the_questions_and_refuses_the_rest() {
    run(home(), async |world| {
        settled(world).await;
        let max = world.person("max");
        let asked = max.slash("/node reboot pve2").await;
        let first = asked.first().await;
        world
            .person("owner")
            .slash("/access lockdown on")
            .await
            .first()
            .await;
        asked.until("locked down").await;
        let go_on = first.custom_id("Go on").unwrap();
        let late = max.press(&first, &go_on).await.first().await;
        assert!(shown(&late).contains("This question is closed"));
        let refused = max.slash("/node reboot pve2").await.first().await;
        assert_snapshot!(card(&refused), @"
        🔒 only max
        │ ⛔ You may not reboot pve2 now
        │ The bot is locked down: only people
        │ with access act. You can still look.
        │ — node · home
        ");
        assert_eq!(world.writes(), Vec::<String>::new());
    });
}

#[test]
fn what_proxmox_refuses_is_said_and_how_to_mend_it() {
    let mut setup = home();
    setup.px.acls.retain(|acl| acl.path != "/nodes");
    setup.px.wol.clear();
    run(setup, async |world| {
        settled(world).await;
        let answer = twice(world, "owner", "/node reboot pve2", "Reboot the node").await;
        assert_snapshot!(card(&answer.until("did not").await), @"
        │ 🔴 pve2 · did not reboot
        │ Asked by <@184405311681986560>.
        │ The bot itself lacks the right for it
        │ in Proxmox.
        │ — node · home
        [Refresh] (secondary)
        ");
        assert_snapshot!(card(&answer.follow_up("lacks").await), @"
        🔒 only owner
        │ 🔑 What the bot lacks
        │ The bot's token lacks Sys.PowerMgmt
        │ on `/nodes/pve2`. On a Proxmox node, as root:
        │ ```
        │ pveum role add StewardSysAudit -privs Sys.Audit
        │ pveum role add StewardSysPowerMgmt -privs Sys.PowerMgmt
        │ pveum acl modify /nodes/pve2 -user discord@pve -token 'discord@pve!bot' -role StewardSysAudit,StewardSysPowerMgmt
        │ ```
        │ It is no matter if a role exists already.
        │ Then see `pve-steward check`.
        ");
        // Only those who manage access are told what to type as root.
        let answer = twice(world, "max", "/node reboot pve2", "Reboot the node").await;
        answer.until("Tell the owner").await;
        let aside = answer.follow_up("lacks").await;
        assert!(!shown(&aside).contains("pveum"), "{}", shown(&aside));
    });
}

/// What fails before Proxmox is asked was wanted all the same.
#[test]
fn an_order_that_was_not_sent_is_in_the_audit() {
    run(home(), async |world| {
        settled(world).await;
        world.px.node_down("pve2");
        world.next_snapshot().await;
        let broken = Fault::always(FaultKind::Status500("got no data".into()));
        world
            .px
            .fault(broken.on(Match::any().path("/cluster/resources")));
        let looks = || {
            let looks = world.px.requests().into_iter();
            looks.filter(|it| it.path.contains("/resources")).count()
        };
        // What was read a moment before is young enough; after two failed looks nothing is.
        let before = looks();
        while looks() < before + 2 {
            tokio::time::sleep(std::time::Duration::from_millis(20)).await;
        }
        let answer = world.person("max").slash("/node wake pve2").await;
        answer.follow_up("cannot be read now").await;
        world
            .audited(&["opened node.wake", "closed not sent"])
            .await;
        assert_eq!(world.writes(), Vec::<String>::new());
        world.px.clear_faults();
    });
}

#[test]
fn a_node_without_an_address_is_not_woken() {
    let mut setup = home();
    setup.px.wol.clear();
    run(setup, async |world| {
        settled(world).await;
        world.px.node_down("pve2");
        world.next_snapshot().await;
        let answer = world.person("max").slash("/node wake pve2").await;
        assert_snapshot!(card(&answer.until("no packet").await), @"
        │ 🔴 pve2 · no packet sent
        │ Asked by <@80351110224678912>.
        │ Proxmox knows no address (MAC) of it
        │ for that. Set Wake-on-LAN in the
        │ node's options.
        │ — node · home
        [Refresh] (secondary)
        ");
        assert_eq!(world.audit().last().unwrap(), "closed failed");
    });
}

#[test]
fn an_order_whose_answer_is_lost_is_given_once_and_looked_after() {
    run(home(), async |world| {
        settled(world).await;
        let fault = Fault::always(FaultKind::DropAfterRequest);
        world
            .px
            .fault(fault.on(Match::any().path("/nodes/pve2/status").method("POST")));
        let answer = twice(world, "owner", "/node shutdown pve2", "Shut down the node").await;
        assert_snapshot!(card(&answer.until("was lost").await), @"
        │ 🟠 pve2 · shutting down
        │ Asked by <@184405311681986560> <time>.
        │ Proxmox's answer was lost. I look
        │ whether the node does it.
        │ — node · home
        ");
        world.px.node_down("pve2");
        answer.until("went offline").await;
        assert_eq!(world.writes(), ["POST /nodes/pve2/status"], "never twice");
    });
}

#[test]
fn the_only_door_going_down_is_said_before_and_seen_through_after() {
    let mut setup = home();
    setup.px = fake_proxmox::Setup::home_on(&["pve1"]);
    setup.px.clock = fake_proxmox::Clock::Manual;
    grant(&mut setup, &["Sys.Audit", "Sys.PowerMgmt"]);
    run(setup, async |world| {
        let owner = world.person("owner");
        let first = owner.slash("/node reboot pve1").await;
        let question = first.first().await;
        assert!(
            shown(&question).contains("I reach Proxmox through this node\n│ alone"),
            "{}",
            shown(&question)
        );
        let again = owner.click(&question, "Go on").await;
        let second = again.first().await;
        first.until("Confirmed").await;
        let answer = owner.click(&second, "Reboot the node").await;
        answer.until("taken the order").await;
        again.until("Confirmed").await;
        world.px.node_step("pve1");
        assert_snapshot!(card(&answer.until("does not answer").await), @"
        │ 🟠 pve1 · out of sight
        │ Asked by <@184405311681986560> <time>.
        │ Proxmox does not answer me now.
        │ I keep looking.
        │ — node · home
        [Notify me] (secondary)
        ");
        // Long enough for the uptime to tell that it was started anew.
        tokio::time::sleep(std::time::Duration::from_secs(13)).await;
        world.px.node_step("pve1");
        answer.until("rebooted").await;
    });
}

/// Three nodes; on pve2 HA keeps a VM and a container running, besides what it has there anyway.
fn with_ha(policy: Option<&str>, rules: &[HaRule]) -> Setup {
    let mut setup = home();
    let old = std::mem::replace(
        &mut setup.px,
        fake_proxmox::Setup::home_on(&["pve1", "pve2", "pve3"]),
    );
    (setup.px.acls, setup.px.clock) = (old.acls, old.clock);
    for guest in &mut setup.px.guests {
        if matches!(guest.vmid, 105 | 108) {
            (guest.ha, guest.state) = (Some("started".into()), "running".into());
        }
    }
    setup.px.shutdown_policy = policy.map(str::to_owned);
    setup.px.ha_rules = rules.to_vec();
    setup
}

/// The first question that somebody is asked, and then closes.
async fn asked(world: &World, name: &str, command: &str) -> String {
    let person = world.person(name);
    let first = person.slash(command).await.first().await;
    let closed = person.click(&first, "Cancel").await;
    closed.until("Cancelled").await;
    card(&first)
}

#[test]
fn what_ha_does_with_its_guests_is_said_before_the_node_goes() {
    run(with_ha(None, &[]), async |world| {
        assert_snapshot!(asked(world, "owner", "/node reboot pve2").await, @"
        🔒 only owner
        │ ⚠️ Really reboot pve2?
        │ What runs on it goes down with it:
        │ • 102 minecraft
        │ HA stops these, and starts them here
        │ when the node is back:
        │ • 105 web-lab
        │ • 108 ha-db
        │ 2 of 3 nodes are left: a majority.
        │ The question holds for one minute.
        │ — node · home
        [Go on] (danger) [Cancel] (secondary)
        ");
        assert_snapshot!(asked(world, "owner", "/node shutdown pve2").await, @"
        🔒 only owner
        │ ⚠️ Really shut down pve2?
        │ What runs on it goes down with it:
        │ • 102 minecraft
        │ HA stops these, and starts them
        │ elsewhere about two minutes later:
        │ • 105 web-lab → pve1 or pve3
        │ • 108 ha-db → pve1 or pve3
        │ Which of several, HA decides.
        │ 2 of 3 nodes are left: a majority.
        │ The question holds for one minute.
        │ — node · home
        [Go on] (danger) [Cancel] (secondary)
        ");
    });
    run(with_ha(Some("failover"), &[]), async |world| {
        assert_snapshot!(asked(world, "owner", "/node reboot pve2").await, @"
        🔒 only owner
        │ ⚠️ Really reboot pve2?
        │ What runs on it goes down with it:
        │ • 102 minecraft
        │ HA stops these. Where the node takes
        │ longer than about two minutes, it
        │ starts them elsewhere:
        │ • 105 web-lab → pve1 or pve3
        │ • 108 ha-db → pve1 or pve3
        │ Which of several, HA decides.
        │ 2 of 3 nodes are left: a majority.
        │ The question holds for one minute.
        │ — node · home
        [Go on] (danger) [Cancel] (secondary)
        ");
    });
    run(with_ha(Some("freeze"), &[]), async |world| {
        assert_snapshot!(asked(world, "owner", "/node shutdown pve2").await, @"
        🔒 only owner
        │ ⚠️ Really shut down pve2?
        │ What runs on it goes down with it:
        │ • 102 minecraft
        │ HA stops these, and starts them here
        │ when the node is back:
        │ • 105 web-lab
        │ • 108 ha-db
        │ 2 of 3 nodes are left: a majority.
        │ The question holds for one minute.
        │ — node · home
        [Go on] (danger) [Cancel] (secondary)
        ");
    });
}

#[test]
fn ha_moves_its_guests_away_where_the_policy_says_so() {
    let only = HaRule::nodes("only-two", &[108], &[("pve2", 0), ("pve3", 0)]).strict();
    run(with_ha(Some("migrate"), &[only]), async |world| {
        let owner = world.person("owner");
        let first = owner.slash("/node shutdown pve2").await;
        let question = first.first().await;
        assert_snapshot!(card(&question), @"
        🔒 only owner
        │ ⚠️ Really shut down pve2?
        │ What runs on it goes down with it:
        │ • 102 minecraft
        │ HA moves these away first, and back
        │ when the node is up again:
        │ • 105 web-lab → pve1 or pve3
        │ • 108 ha-db → pve3
        │ Which of several, HA decides.
        │ The node goes down when they are gone.
        │ 2 of 3 nodes are left: a majority.
        │ The question holds for one minute.
        │ — node · home
        [Go on] (danger) [Cancel] (secondary)
        ");
        let again = owner.click(&question, "Go on").await;
        let second = again.first().await;
        assert_snapshot!(card(&second), @"
        🔒 only owner
        │ ⚠️ Really shut down pve2 now?
        │ The whole node goes down, and the
        │ one guest that runs on it.
        │ HA moves 2 guests away first.
        │ Somebody has to switch it on again.
        │ Asked twice, so that no slip does it.
        │ The question holds for one minute.
        │ — node · home
        [Shut down the node] (danger) [Cancel] (secondary)
        ");
        first.until("Confirmed").await;
        let answer = owner.click(&second, "Shut down the node").await;
        again.until("Confirmed").await;
        answer.until("taken the order").await;
        // As was said: first they go, each to where it may, then the node.
        assert!(world.px.node_step("pve2"));
        let node = |vmid| world.px.guest(vmid).map(|guest| (guest.node, guest.state));
        let runs = |node: &str| Some((node.to_owned(), "running".to_owned()));
        assert_eq!((node(108), node(105)), (runs("pve3"), runs("pve1")));
        assert!(world.px.node_step("pve2"));
        answer.until("went offline").await;
    });
}

#[test]
fn a_guest_that_can_go_nowhere_holds_up_its_node() {
    let rules = [
        HaRule::nodes("here", &[108], &[("pve2", 1)]).strict(),
        HaRule::apart("apart", &[101, 105]),
    ];
    run(with_ha(Some("migrate"), &rules), async |world| {
        assert_snapshot!(asked(world, "owner", "/node reboot pve2").await, @"
        🔒 only owner
        │ ⚠️ Really reboot pve2?
        │ What runs on it goes down with it:
        │ • 102 minecraft
        │ HA moves these away first, and back
        │ when the node is up again:
        │ • 105 web-lab → pve1 or pve3,
        │   if HA's rules allow
        │ • 108 ha-db: no node can take it
        │ Which of several, HA decides.
        │ ⚠️ The node does not go down until
        │ somebody moves or stops what cannot
        │ go elsewhere.
        │ 2 of 3 nodes are left: a majority.
        │ The question holds for one minute.
        │ — node · home
        [Go on] (danger) [Cancel] (secondary)
        ");
    });
    let mut setup = with_ha(None, &rules[..1]);
    setup.px.version = (8, 4);
    run(setup, async |world| {
        assert_snapshot!(asked(world, "owner", "/node shutdown pve2").await, @"
        🔒 only owner
        │ ⚠️ Really shut down pve2?
        │ What runs on it goes down with it:
        │ • 102 minecraft
        │ HA stops these, and starts them
        │ elsewhere about two minutes later:
        │ • 105 web-lab → pve1 or pve3
        │ • 108 ha-db: no node can take it
        │ Which of several, HA decides.
        │ 2 of 3 nodes are left: a majority.
        │ The question holds for one minute.
        │ — node · home
        [Go on] (danger) [Cancel] (secondary)
        ");
    });
}

#[test]
fn without_a_majority_ha_starts_nothing_either() {
    let mut setup = with_ha(None, &[]);
    setup.px.nodes.pop();
    run(setup, async |world| {
        let text = asked(world, "owner", "/node shutdown pve2").await;
        assert!(text.contains("• 108 ha-db → pve1\n"), "{text}");
        assert!(text.contains("can be started, by HA neither."), "{text}");
        let text = asked(world, "owner", "/node reboot pve2").await;
        assert!(text.contains("can be started.\n"), "{text}");
    });
}

#[test]
fn where_ha_is_not_to_be_seen_nothing_is_promised() {
    let mut hidden = with_ha(Some("migrate"), &[]);
    hidden.px.acls.retain(|acl| acl.path != "/");
    run(hidden, async |world| {
        assert_snapshot!(asked(world, "owner", "/node reboot pve2").await, @"
        🔒 only owner
        │ ⚠️ Really reboot pve2?
        │ What runs on it goes down with it:
        │ • 102 minecraft
        │ HA has these. Whether it moves them or
        │ stops them, I do not know:
        │ • 105 web-lab
        │ • 108 ha-db
        │ 2 of 3 nodes are left: a majority.
        │ The question holds for one minute.
        │ — node · home
        [Go on] (danger) [Cancel] (secondary)
        ");
        let owner = world.person("owner");
        let first = owner.slash("/node reboot pve2").await;
        let question = first.first().await;
        let again = owner.click(&question, "Go on").await;
        let second = again.first().await;
        first.until("Confirmed").await;
        assert_snapshot!(card(&second), @"
        🔒 only owner
        │ ⚠️ Really reboot pve2 now?
        │ The whole node goes down, and the
        │ 3 guests that run on it.
        │ Unless HA moves 2 away first.
        │ Asked twice, so that no slip does it.
        │ The question holds for one minute.
        │ — node · home
        [Reboot the node] (danger) [Cancel] (secondary)
        ");
        let closed = owner.click(&second, "Cancel").await;
        closed.until("Cancelled").await;
    });
    // A node that has moved its guests away already does as it did, whatever the policy says.
    run(with_ha(Some("freeze"), &[]), async |world| {
        world
            .px
            .set_node("pve2", |node| node.ha = Some("maintenance".into()));
        world.next_snapshot().await;
        let text = asked(world, "owner", "/node reboot pve2").await;
        assert!(text.contains("I do not know"), "{text}");
    });
}

#[test]
fn nobody_learns_of_nodes_and_guests_by_ha() {
    run(with_ha(Some("migrate"), &[]), async |world| {
        assert_snapshot!(asked(world, "max", "/node reboot pve2").await, @"
        🔒 only max
        │ ⚠️ Really reboot pve2?
        │ What runs on it goes down with it:
        │ • one guest that is not yours to see
        │ HA moves these away first, and back
        │ when the node is up again:
        │ • 2 guests that are not yours to see
        │ The node goes down when they are gone.
        │ 2 of 3 nodes are left: a majority.
        │ The question holds for one minute.
        │ — node · home
        [Go on] (danger) [Cancel] (secondary)
        ");
    });
    let mut setup = with_ha(Some("migrate"), &[]);
    setup.rules = setup
        .rules
        .replace(r#"guests = ["tag:games"]"#, r#"guests = ["108"]"#);
    setup.rules = setup
        .rules
        .replace(r#"who = ["max"]"#, r#"who = ["max", "friend"]"#);
    run(setup, async |world| {
        assert_snapshot!(asked(world, "friend", "/node reboot pve2").await, @"
        🔒 only friend
        │ ⚠️ Really reboot pve2?
        │ What runs on it goes down with it:
        │ • one guest that is not yours to see
        │ HA moves these away first, and back
        │ when the node is up again:
        │ • 108 ha-db → one of 2 nodes
        │ • one more that is not yours to see
        │ Which of several, HA decides.
        │ The node goes down when they are gone.
        │ 2 of 3 nodes are left: a majority.
        │ The question holds for one minute.
        │ — node · home
        [Go on] (danger) [Cancel] (secondary)
        ");
    });
}

#[test]
fn a_cluster_without_ha_is_not_asked_for_it() {
    run(home(), async |world| {
        settled(world).await;
        world.next_snapshot().await;
        let about = |r: &fake_proxmox::Recorded| {
            r.path.contains("/cluster/options") || r.path.contains("/cluster/ha/")
        };
        let asked = world.px.requests().iter().filter(|r| about(r)).count();
        assert_eq!(asked, 0);
    });
}
