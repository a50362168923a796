//! More of what is done to guests: held and resumed, reset, hanging shutdowns, too little memory,
//! several at once; and what their cards show to whom.

mod support;

use fake_discord::Answer;
use insta::assert_snapshot;
use support::{Setup, rules, run, shown};

const RULES: &str = r#"
[[allow]]
who = ["friends"]
actions = ["view", "power"]
guests = ["tag:games"]

[[allow]]
who = ["friend"]
actions = ["start"]
guests = ["105"]
"#;

fn setup() -> Setup {
    Setup::automatic().rules(&rules(RULES))
}

async fn yes(person: &fake_discord::Person, asked: &Answer, label: &str) -> Answer {
    let question = asked.first().await;
    let answer = person.click(&question, label).await;
    asked.until("Confirmed").await;
    answer
}

#[test]
fn a_guest_is_held_and_goes_on() {
    run(setup(), async |world| {
        world
            .px
            .set_guest(101, |guest| guest.state = "running".into());
        let max = world.person("max");
        let held = max.slash("/vm suspend 101").await;
        let card = held.until("suspended").await;
        assert_snapshot!(shown(&card), @"
        │ 🟡 valheim · suspended
        │ By <@80351110224678912>, done <soon>.
        │ — VM 101 · home
        [Resume] (primary) [Refresh] (secondary)
        ");
        let again = max.slash("/vm suspend 101").await.until("paused").await;
        assert_snapshot!(shown(&again), @"
        │ 🟡 valheim · is paused
        │ Asked by <@80351110224678912>. Nothing was done.
        │ — VM 101 · home
        [Resume] (primary) [Refresh] (secondary)
        ");
        let on = max.click(&card, "Resume").await;
        assert_snapshot!(shown(&on.until("resumed").await), @"
        │ 🟢 valheim · resumed
        │ By <@80351110224678912>, done <soon>.
        │ — VM 101 · home
        [Shutdown] (secondary) [Reboot] (secondary) [Refresh] (secondary)
        ");
        let again = max.slash("/vm resume 101").await;
        again.until("runs already").await;
        assert_eq!(
            world.writes(),
            [
                "POST /nodes/pve1/qemu/101/status/suspend",
                "POST /nodes/pve1/qemu/101/status/resume",
            ]
        );
    });
}

/// The button to resume it is of no use to somebody who may not: they are told whom to ask.
#[test]
fn who_may_not_resume_a_held_guest_is_told_who_could() {
    let more = r#"
[[allow]]
who = ["friends"]
actions = ["view", "start"]
guests = ["101", "102"]

[[ask]]
who = ["friends"]
actions = ["resume"]
guests = ["102"]
"#;
    run(Setup::automatic().rules(&rules(more)), async |world| {
        for vmid in [101, 102] {
            world
                .px
                .set_guest(vmid, |guest| guest.state = "paused".into());
        }
        let max = world.person("max");
        let start = max.slash("/vm start 101").await;
        start.until("is paused").await;
        assert_snapshot!(shown(&start.follow_up("resumed").await), @"
        🔒 only max
        │ ⛔ valheim has to be resumed
        │ It is held where it was, and you may
        │ not resume it. Ask <@184405311681986560>.
        │ — VM 101 · home
        ");
        let start = max.slash("/vm start 102").await;
        start.until("is paused").await;
        let told = start.follow_up("resumed").await;
        assert_eq!(told.buttons(), ["Ask for it"]);
        let owner = world.person("owner").slash("/vm start 102").await;
        owner.until("is paused").await;
        assert!(owner.follow_ups().is_empty());
        assert_eq!(world.writes(), Vec::<String>::new());
    });
}

/// Who may, but not now, is not told that they may not; and no refusal to resume is held against
/// somebody who wanted to start it.
#[test]
fn who_may_resume_a_held_guest_later_is_told_when() {
    let more = r#"
[[allow]]
who = ["friends"]
actions = ["view", "start"]
guests = ["101"]

[[allow]]
who = ["friends"]
actions = ["suspend", "resume"]
guests = ["101"]
cooldown = "10 min"
"#;
    run(Setup::automatic().rules(&rules(more)), async |world| {
        let max = world.person("max");
        let pause = || {
            world
                .px
                .set_guest(101, |guest| guest.state = "paused".into());
        };
        pause();
        max.slash("/vm resume 101").await.until("resumed").await;
        pause();
        let start = max.slash("/vm start 101").await;
        start.until("is paused").await;
        assert_snapshot!(shown(&start.follow_up("resume").await), @"
        🔒 only max
        │ ⛔ Not now: resume valheim
        │ It is held where it was, and has to be
        │ resumed.
        │ That was done a moment ago. The
        │ guest has to rest now.
        │ Again from <time>, <time>.
        │ — VM 101 · home
        ");
        assert_eq!(world.writes(), ["POST /nodes/pve1/qemu/101/status/resume"]);
        let audit = world.audit();
        assert_eq!(audit, ["opened resume 101", "sent", "closed done"]);
    });
}

#[test]
fn what_was_asked_for_is_not_offered_to_be_asked_for_again() {
    let more = r#"
[[allow]]
who = ["friends"]
actions = ["view", "start"]
guests = ["102"]

[[ask]]
who = ["friends"]
actions = ["resume"]
guests = ["102"]
"#;
    run(Setup::automatic().rules(&rules(more)), async |world| {
        let max = world.person("max");
        world
            .px
            .set_guest(102, |guest| guest.state = "paused".into());
        let start = max.slash("/vm start 102").await;
        start.until("is paused").await;
        let told = start.follow_up("resumed").await;
        let asked = max.click(&told, "Ask for it").await;
        asked.until("once somebody has decided").await;
        let letter = "May minecraft be resumed";
        world.dc.wait_direct_message("owner", letter).await;
        let again = max.slash("/vm start 102").await;
        again.until("is paused").await;
        let told = again.follow_up("resumed").await;
        assert_eq!(told.buttons(), Vec::<String>::new());
        let told = told.text();
        assert!(told.contains("nobody has\n│ decided yet"), "{told}");
        world.stop_bot().await.unwrap();
        asked.until("restarted").await;
    });
}

#[test]
fn a_reset_is_asked_twice_and_only_vms_have_one() {
    run(setup(), async |world| {
        let owner = world.person("owner");
        let asked = owner.slash("/vm reset 102").await;
        assert_snapshot!(shown(&asked.first().await), @"
        🔒 only owner
        │ ⚠️ Really reset minecraft?
        │ This presses the reset button: what is
        │ not saved in the guest is lost.
        │ The question holds for one minute.
        │ — VM 102 · home
        [Reset now] (danger) [Cancel] (secondary)
        ");
        yes(&owner, &asked, "Reset now").await.until("done ").await;
        // No command asks for it, but an id can be forged.
        let card = owner.slash("/ct status 105").await.first().await;
        let forged = owner.press(&card, "1:reset:home/105").await.first().await;
        assert_snapshot!(shown(&forged), @"
        🔒 only owner
        │ ⛔ web-lab cannot do that
        │ It is a CT, which has no reset.
        │ — CT 105 · home
        ");
        assert_eq!(world.writes().len(), 1);
    });
}

#[test]
fn what_a_container_needs_to_be_held_is_said() {
    run(setup(), async |world| {
        world
            .px
            .set_guest(105, |guest| guest.state = "running".into());
        let owner = world.person("owner");
        let held = owner.slash("/ct suspend 105").await;
        assert_snapshot!(shown(&held.until("did not").await), @"
        │ 🔴 web-lab · did not suspend
        │ Asked by <@184405311681986560>.
        │ Containers can only be held where their
        │ node has CRIU, and not all can then.
        │ — CT 105 · home
        [Shutdown] (secondary) [Reboot] (secondary) [Refresh] (secondary)
        ");
        held.follow_up("what Proxmox wrote").await;
    });
}

#[test]
fn a_shutdown_that_hangs_can_be_stopped() {
    let mut setup = setup();
    setup.px.clock = fake_proxmox::Clock::Manual;
    run(setup, async |world| {
        world
            .px
            .set_guest(101, |guest| guest.state = "running".into());
        let (max, owner) = (world.person("max"), world.person("owner"));
        let hanging = max.slash("/vm shutdown 101").await;
        let shutdown = world.px.wait_task("qmshutdown", 101).await;
        hanging.until("at work").await;
        for _ in 0..25 {
            if hanging.now().is_some_and(|m| m.buttons().len() > 1) {
                break;
            }
            tokio::time::sleep(std::time::Duration::from_secs(1)).await;
        }
        let card = hanging.now().unwrap();
        assert_eq!(card.buttons(), ["Stop now", "Notify me"]);
        // The button is there for all, and works for those who may.
        let refused = max.click(&card, "Stop now").await.first().await;
        assert!(
            refused.text().contains("You may not stop"),
            "{}",
            refused.text()
        );
        let asked = owner.click(&card, "Stop now").await;
        let stopping = yes(&owner, &asked, "Stop now").await;
        let stop = world.px.wait_task("qmstop", 101).await;
        let ended = world.px.tasks().into_iter().find(|t| t.upid == shutdown);
        assert_ne!(
            ended.unwrap().exit.as_deref(),
            None,
            "given up for the stop"
        );
        world.px.finish(&stop, "OK");
        stopping.until("stopped").await;
        assert_snapshot!(shown(&hanging.until("did not shut down").await), @"
        │ 🔴 valheim · did not shut down
        │ Asked by <@80351110224678912>.
        │ Somebody stopped the task.
        │ — VM 101 · home
        [Start] (primary) [Refresh] (secondary)
        ");
        hanging.follow_up("what Proxmox wrote").await;
        let sent = world.px.writes();
        let body = &sent.last().unwrap().body;
        assert_eq!(body.len(), 1, "{body:?}");
        assert_eq!(body[0].0, "overrule-shutdown");
    });
}

#[test]
fn after_its_time_out_a_shutdown_offers_a_stop() {
    let mut setup = setup();
    setup.px.clock = fake_proxmox::Clock::Manual;
    run(setup, async |world| {
        world
            .px
            .set_guest(101, |guest| guest.state = "running".into());
        let answer = world.person("max").slash("/vm shutdown 101").await;
        let upid = world.px.wait_task("qmshutdown", 101).await;
        let text = "VM quit/powerdown failed - got timeout";
        world.px.finish_without_effect(&upid, text);
        assert_snapshot!(shown(&answer.until("did not").await), @"
        │ 🔴 valheim · did not shut down
        │ Asked by <@80351110224678912>.
        │ The guest did not react in time.
        │ Try again, or stop it.
        │ — VM 101 · home
        [Stop now] (danger) [Shutdown] (secondary) [Reboot] (secondary) [Refresh] (secondary)
        ");
        answer.follow_up("what Proxmox wrote").await;
    });
}

#[test]
fn too_little_memory_is_said_and_those_who_may_can_go_on() {
    run(setup(), async |world| {
        world.px.set_node("pve1", |node| node.mem = Some(62 << 30));
        world.next_snapshot().await;
        let (max, owner) = (world.person("max"), world.person("owner"));
        let refused = max.slash("/vm start 101").await;
        assert_snapshot!(shown(&refused.follow_up("No room").await), @"
        🔒 only max
        │ ⛔ No room for valheim just now
        │ Its node has too little free memory.
        │ Stop something there, or ask whoever
        │ runs it.
        │ — VM 101 · home
        ");
        let asked = owner.slash("/vm start 101").await;
        let question = asked.follow_up("Really").await;
        assert_snapshot!(shown(&question), @"
        🔒 only owner
        │ ⚠️ Really start valheim?
        │ It needs 8 GB, and 2 GB are free on
        │ its node. Without enough memory the
        │ node may kill other guests.
        │ The question holds for one minute.
        │ — VM 101 · home
        [Start anyway] (danger) [Cancel] (secondary)
        ");
        assert_eq!(world.writes(), Vec::<String>::new());
        owner
            .click(&question, "Start anyway")
            .await
            .until("started")
            .await;
        assert_eq!(world.writes().len(), 1);
    });
}

#[test]
fn several_guests_share_a_card() {
    run(setup(), async |world| {
        for vmid in [101, 102] {
            world
                .px
                .set_guest(vmid, |guest| guest.state = "stopped".into());
        }
        let max = world.person("max");
        let offered = max.type_ahead("/vm start tag:").await;
        let offered: Vec<String> = offered.into_iter().map(|choice| choice.name).collect();
        assert_eq!(offered, ["tag:games · 2 guests"]);
        // Who may start a container and not look at it does not learn its tags.
        let friend = world.person("friend");
        assert_eq!(friend.type_ahead("/ct start ").await.len(), 1);
        for group in ["tag:", "pool:"] {
            let offered = friend.type_ahead(&format!("/ct start {group}")).await;
            assert_eq!(offered, []);
        }
        let answer = max.slash("/vm start tag:games").await;
        assert_snapshot!(shown(&answer.until("2 of 2").await), @"
        │ ✅ Start: 2 of 2
        │ Asked by <@80351110224678912>.
        │ 🟢 valheim · started
        │ 🟢 minecraft · started
        ");
        assert_eq!(world.writes().len(), 2);
        // Each has its own entry, opened before it was done.
        let audit = world.audit();
        for vmid in [101, 102] {
            let opened = format!("opened start {vmid}");
            assert!(audit.contains(&opened), "{audit:?}");
        }
    });
}

#[test]
fn of_several_guests_only_those_that_one_may() {
    run(setup(), async |world| {
        let (max, stranger) = (world.person("max"), world.person("stranger"));
        for text in [
            "/vm start tag:games",
            "/vm start 101,102",
            "/vm start tag:none",
        ] {
            let refused = stranger.slash(text).await.first().await;
            assert!(refused.ephemeral_for.is_some());
            assert!(
                refused.text().contains("for you here"),
                "{}",
                refused.text()
            );
            assert!(!refused.text().contains("valheim"), "{}", refused.text());
        }
        // 103 is none of theirs: it is left out, as if it were not there.
        world
            .px
            .set_guest(101, |guest| guest.state = "stopped".into());
        let answer = max.slash("/vm start 101,103").await;
        let card = answer.until("1 of 1").await;
        assert!(!card.text().contains("103"), "{}", card.text());
        answer.follow_up("Left out").await;
        assert_eq!(world.writes(), ["POST /nodes/pve1/qemu/101/status/start"]);
    });
}

/// While Proxmox is away, that is said once, to one person, and nobody sees a card come and go.
#[test]
fn several_guests_while_proxmox_is_away_are_one_private_word() {
    run(setup(), async |world| {
        let max = world.person("max");
        world.px.fault_by_name("all-down");
        let answer = max.slash("/vm start tag:games").await;
        let told = shown(&answer.follow_up("cannot be read").await);
        let (told, _) = told.split_once("│ — Log id").unwrap();
        assert_snapshot!(told, @"
        🔒 only max
        │ 🔴 Proxmox cannot be read now
        │ Nothing was done, because nobody knows
        │ the state of `home` just now.
        │ Try again in a minute.
        ");
        answer.deleted().await;
        assert_eq!(answer.follow_ups().len(), 1);
        assert!(answer.versions().is_empty(), "{}", answer.story());
        world.px.clear_faults();
        while world.audit().len() < 4 {
            tokio::time::sleep(std::time::Duration::from_millis(10)).await;
        }
        let audit = world.audit();
        for vmid in [101, 102] {
            let opened = format!("opened start {vmid}");
            let at = audit.iter().position(|row| *row == opened).unwrap();
            assert_eq!(audit[at + 1], "closed not sent", "{audit:?}");
        }
        assert_eq!(world.writes(), Vec::<String>::new());
    });
}

/// Some VMs and some containers are games, and not all are for everybody.
fn games_of_both_kinds() -> Setup {
    let more = r#"
[[allow]]
who = ["friends"]
actions = ["view", "power", "stop"]
guests = ["101", "102"]

[[allow]]
who = ["max"]
actions = ["view", "power", "stop"]
guests = ["105"]

# Who may not look at it does not learn its tags.
[[allow]]
who = ["friend"]
actions = ["power"]
guests = ["105"]
"#;
    let rules = rules(more).replace("[people]", "[people]\nmax = 80351110224678912");
    let mut setup = Setup::automatic().rules(&rules);
    for guest in &mut setup.px.guests {
        if [104, 105].contains(&guest.vmid) {
            guest.tags = vec!["games".into()];
        }
    }
    setup
}

/// `/vm` is about VMs: what the person could do to containers of the same group is said, to them alone.
#[test]
fn what_is_of_the_other_kind_is_left_out_aloud() {
    run(games_of_both_kinds(), async |world| {
        let (max, friend) = (world.person("max"), world.person("friend"));
        let asked = max.slash("/vm stop tag:games").await;
        let question = asked.first().await;
        assert_snapshot!(shown(&question), @"
        🔒 only max
        │ ⚠️ Really stop 2 guests?
        │ 101 valheim (does not run), 102 minecraft
        │ This pulls the plug: what is not saved
        │ in each guest is lost.
        │ Containers are left out: web-lab.
        │ For them: `/ct stop tag:games`
        │ The question holds for one minute.
        │ — tag:games
        [Stop now] (danger) [Cancel] (secondary)
        ");
        let done = yes(&max, &asked, "Stop now").await;
        done.until("2 of 2").await;
        assert!(done.follow_ups().is_empty(), "the question has said it");
        let answer = max.slash("/vm shutdown tag:games").await;
        let card = answer.until("Shutdown: ").await;
        assert!(!card.text().contains("web-lab"), "{}", card.text());
        assert_snapshot!(shown(&answer.follow_up("left out").await), @"
        🔒 only max
        │ Containers left out
        │ web-lab
        │ For them: `/ct shutdown tag:games`
        ");
        let answer = friend.slash("/vm start tag:games").await;
        answer.until("2 of 2").await;
        assert!(answer.follow_ups().is_empty());
    });
}

/// Each by itself, and where nothing else is meant.
#[test]
fn what_is_listed_of_the_other_kind_is_left_out_aloud() {
    run(games_of_both_kinds(), async |world| {
        let (max, friend) = (world.person("max"), world.person("friend"));
        let answer = friend.slash("/vm start 101,105").await;
        answer.until("1 of 1").await;
        let aside = answer.follow_up("left out").await;
        assert!(aside.text().contains("`/ct start 105`"), "{}", aside.text());
        let none = max.slash("/ct shutdown 101,102").await.first().await;
        assert_snapshot!(shown(&none), @"
        🔒 only max
        │ ⛔ No containers of 101,102 for you here
        │ VMs: valheim, minecraft
        │ For them: `/vm shutdown 101,102`
        ");
        // Containers have no reset.
        let none = max.slash("/vm reset 104,105").await.first().await;
        assert!(!none.text().contains("/ct"), "{}", none.text());
    });
}

/// Nobody asks for a whole group; that a single guest may be asked for is said, whatever its tags are.
#[test]
fn who_may_only_ask_is_told_to_do_so_for_single_guests() {
    let more = r#"
[[ask]]
who = ["friends"]
actions = ["start"]
guests = ["105"]
"#;
    run(Setup::automatic().rules(&rules(more)), async |world| {
        let max = world.person("max");
        let lab = max.slash("/ct start tag:lab").await.first().await;
        assert_snapshot!(shown(&lab), @"
        🔒 only max
        │ ⛔ No guests of tag:lab for you here
        │ None that you may start now.
        │ There are guests for which you may ask,
        │ one at a time: use `/ct start`.
        ");
        let other = max.slash("/ct start tag:prod").await.first().await;
        assert_eq!(
            lab.text().replace("tag:lab", "tag:prod"),
            other.text(),
            "no tag is told"
        );
        for (who, text) in [
            ("max", "/vm start tag:lab"),
            ("stranger", "/ct start tag:lab"),
        ] {
            let no = world.person(who).slash(text).await.first().await;
            assert!(!no.text().contains("ask"), "{}", no.text());
        }
    });
}

#[test]
fn several_guests_are_stopped_only_after_a_question() {
    run(setup(), async |world| {
        for vmid in [101, 102] {
            world
                .px
                .set_guest(vmid, |guest| guest.state = "running".into());
        }
        let owner = world.person("owner");
        let asked = owner.slash("/vm stop 101,102").await;
        assert_snapshot!(shown(&asked.first().await), @"
        🔒 only owner
        │ ⚠️ Really stop 2 guests?
        │ 101 valheim (does not run), 102 minecraft
        │ This pulls the plug: what is not saved
        │ in each guest is lost.
        │ The question holds for one minute.
        │ — 101,102
        [Stop now] (danger) [Cancel] (secondary)
        ");
        assert_eq!(world.writes(), Vec::<String>::new());
        let done = yes(&owner, &asked, "Stop now").await;
        assert_snapshot!(shown(&done.until("2 of 2").await), @"
        │ ✅ Stop: 2 of 2
        │ Asked by <@184405311681986560>.
        │ ⚪ valheim · stopped
        │ ⚪ minecraft · stopped
        ");
    });
}

#[test]
fn a_card_shows_addresses_and_configuration_to_one_pair_of_eyes() {
    run(setup(), async |world| {
        world
            .px
            .set_guest(101, |guest| guest.state = "running".into());
        let card = world.person("max").slash("/vm status 101").await;
        let text = shown(&card.until("192.168.1.21").await);
        let figures = |line: &&str| !line.contains('▰') && !line.contains("Up ");
        let lines: Vec<&str> = text.lines().filter(figures).collect();
        assert_snapshot!(lines.join("\n"), @"
        🔒 only max
        │ 🟢 valheim · running
        │ ▱▱▱▱▱▱▱▱▱▱ CPU 0 % of 4
        │ Tags: games
        │ `192.168.1.21`
        │ 4 cores, 8 GB memory
        │ scsi0 64G on local-lvm
        │ Boots from scsi0, net0
        │ > Valheim for friends. World: Midgard.
        │ — VM 101 · home · pve1
        [Shutdown] (secondary) [Reboot] (secondary) [Refresh] (secondary)
        ");
        // Who may start it and not look sees name and state.
        let card = world.person("friend").slash("/ct status 105").await;
        assert_snapshot!(shown(&card.first().await), @"
        🔒 only friend
        │ ⚪ web-lab · stopped
        │ — CT 105 · home
        [Start] (primary) [Refresh] (secondary)
        ");
    });
}

#[test]
fn where_others_read_along_addresses_come_beside_the_card() {
    let mut setup = setup();
    setup.discord = format!("public_read_channels = [{}]", support::BOT_CHANNEL);
    run(setup, async |world| {
        world
            .px
            .set_guest(101, |guest| guest.state = "running".into());
        let answer = world.person("max").slash("/vm status 101").await;
        let aside = answer.follow_up("192.168.1.21").await;
        assert!(aside.ephemeral_for.is_some());
        let card = answer.until("running").await;
        assert!(card.ephemeral_for.is_none());
        assert!(!card.text().contains("192.168"), "{}", card.text());
    });
}

/// An agent that does not answer holds up nothing.
#[test]
fn a_silent_agent_costs_a_card_its_addresses_only() {
    run(setup(), async |world| {
        world
            .px
            .set_guest(101, |guest| guest.state = "running".into());
        world.px.set_agent(101, fake_proxmox::Agent::Silent);
        let card = world.person("max").slash("/vm status 101").await;
        let text = card.until("cores").await.text();
        assert!(!text.contains("192.168"), "{text}");
    });
}

/// The figures of a node are for those who may look at it.
#[test]
fn the_memory_of_a_node_is_told_to_those_who_may_look_at_it() {
    let more = r#"
[[allow]]
who = ["friend"]
actions = ["start", "stop"]
guests = ["101"]
"#;
    run(Setup::automatic().rules(&rules(more)), async |world| {
        world.px.set_node("pve1", |node| node.mem = Some(62 << 30));
        world.next_snapshot().await;
        let asked = world.person("friend").slash("/vm start 101").await;
        let question = asked.follow_up("Really").await;
        assert_snapshot!(shown(&question), @"
        🔒 only friend
        │ ⚠️ Really start valheim?
        │ Its node has too little free memory,
        │ and may then kill other guests.
        │ The question holds for one minute.
        │ — VM 101 · home
        [Start anyway] (danger) [Cancel] (secondary)
        ");
        let cancelled = world.person("friend").click(&question, "Cancel").await;
        cancelled.until("Cancelled").await;
    });
}

/// Many who look at a guest are one question to it, also where it does not answer.
#[test]
fn twenty_cards_of_a_guest_are_one_look_at_its_details() {
    run(setup(), async |world| {
        world
            .px
            .set_guest(101, |guest| guest.state = "running".into());
        world.next_snapshot().await;
        world.px.set_agent(101, fake_proxmox::Agent::Silent);
        world.px.forget_requests();
        let looks = (0..20).map(|_| {
            let max = world.person("max");
            async move { max.slash("/vm status 101").await.until("cores").await }
        });
        futures_util::future::join_all(looks).await;
        let requests = world.px.requests();
        for part in ["/101/config", "/101/agent/"] {
            let asked = requests.iter().filter(|r| r.path.contains(part)).count();
            assert_eq!(asked, 1, "{part}");
        }
    });
}
