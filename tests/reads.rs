//! Looking, as people see it on a phone.

#![allow(
    clippy::too_many_lines,
    reason = "most of the lines are what people see"
)]

mod support;

use std::time::Duration;

use fake_proxmox::{Fault, FaultKind, Match};
use insta::assert_snapshot;
use support::{Setup, World, run, shown};

/// Figures that do not drift, so that cards can be compared.
fn still() -> Setup {
    let mut setup = Setup::default();
    for guest in &mut setup.px.guests {
        guest.cpu = Some(0.25);
        guest.mem = Some(guest.maxmem / 2);
    }
    setup
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

#[test]
fn the_owner_sees_everything() {
    run(still(), async |world| {
        settled(world).await;
        let owner = world.person("owner");
        assert_snapshot!(shown(&owner.slash("/status").await.first().await), @"
        🔒 only owner
        │ 🟢 home · 3 running, 4 stopped
        │ 🟢 pve1 · CPU 12 % · RAM 25 %
        │ 🟢 pve2 · CPU 12 % · RAM 25 %
        │
        │ ⚪ `101` valheim · stopped
        │ 🟢 `102` minecraft · CPU 25 %
        │ 🟢 `103` nextcloud · CPU 25 %
        │ 🟢 `104` dns · CPU 25 %
        │ ⚪ `105` web-lab · stopped
        │ ⚪ `107` backup-me · stopped · locked
        │ ⚪ `108` ha-db · stopped
        [Refresh] (secondary)
        ");
        assert_snapshot!(shown(&owner.slash("/node list").await.first().await), @"
        🔒 only owner
        │ 🗄️ 2 nodes
        │ 🟢 pve1 · CPU 12 % · RAM 25 %
        │ 🟢 pve2 · CPU 12 % · RAM 25 %
        [Refresh] (secondary)
        ");
        assert_snapshot!(shown(&owner.slash("/vm list").await.first().await), @"
        🔒 only owner
        │ 🖥️ 6 VMs
        │ ⚪ `101` valheim · stopped
        │ 🟢 `102` minecraft · CPU 25 %
        │ 🟢 `103` nextcloud · CPU 25 %
        │ 📄 `106` template-debian · template
        │ ⚪ `107` backup-me · stopped · locked
        │ ⚪ `108` ha-db · stopped
        [Refresh] (secondary)
        ");
        assert_snapshot!(shown(&owner.slash("/ct list").await.first().await), @"
        🔒 only owner
        │ 📦 2 containers
        │ 🟢 `104` dns · CPU 25 %
        │ ⚪ `105` web-lab · stopped
        [Refresh] (secondary)
        ");
    });
}

#[test]
fn a_friend_sees_what_is_theirs() {
    run(still(), async |world| {
        settled(world).await;
        let max = world.person("max");
        assert_snapshot!(shown(&max.slash("/status").await.first().await), @"
        🔒 only max
        │ 🟢 home · 1 running, 1 stopped
        │ ⚪ `101` valheim · stopped
        │ 🟢 `102` minecraft · CPU 25 %
        [Refresh] (secondary)
        ");
        assert_snapshot!(shown(&max.slash("/vm list").await.first().await), @"
        🔒 only max
        │ 🖥️ 2 VMs
        │ ⚪ `101` valheim · stopped
        │ 🟢 `102` minecraft · CPU 25 %
        [Refresh] (secondary)
        ");
        assert_snapshot!(shown(&max.slash("/ct list").await.first().await), @"
        🔒 only max
        │ 📦 0 containers
        │ None that you may see here.
        [Refresh] (secondary)
        ");
        assert_snapshot!(shown(&max.slash("/node list").await.first().await), @"
        🔒 only max
        │ ⛔ Nothing here for you
        │ Ask <@184405311681986560>.
        ");
        assert_snapshot!(shown(&max.slash("/access whoami").await.first().await), @"
        🔒 only max
        │ What you may do here
        │ The rules know you as friends.
        │
        │ **view, start, shutdown, reboot**
        │ 101 valheim, 102 minecraft
        ");
        assert_snapshot!(shown(&max.slash("/help").await.first().await), @"
        🔒 only max
        │ What you can do here
        │ **/status**
        │ What runs and how the nodes are
        │ **/vm list**
        │ VMs that you may see
        │ **/vm status** `guest`
        │ One VM, with buttons
        │ **/vm start** `guest`
        │ Start a VM
        │ **/vm shutdown** `guest`
        │ Ask a VM to shut down
        │ **/vm reboot** `guest`
        │ Shut a VM down and start it again
        │ **/snapshot list** `guest`
        │ The snapshots of a guest
        │ **/access whoami**
        │ What you may do here
        │ **/access why** `action`
        │ Why you, or somebody, may or may not do something
        │ **/help**
        │ The commands that you may use
        │
        │ A guest is its number or its name;
        │ a list appears while you type.
        ");
    });
}

#[test]
fn a_stranger_sees_nothing() {
    run(Setup::default(), async |world| {
        let stranger = world.person("stranger");
        assert_snapshot!(shown(&stranger.slash("/status").await.first().await), @"
        🔒 only stranger
        │ ⛔ Nothing here for you
        │ Ask <@184405311681986560>.
        ");
        assert_snapshot!(shown(&stranger.slash("/access whoami").await.first().await), @"
        🔒 only stranger
        │ What you may do here
        │ No rule gives you anything in this
        │ channel. Ask whoever runs this bot.
        ");
        assert_snapshot!(shown(&stranger.slash("/help").await.first().await), @"
        🔒 only stranger
        │ What you can do here
        │ **/access whoami**
        │ What you may do here
        │ **/access why** `action`
        │ Why you, or somebody, may or may not do something
        │ **/help**
        │ The commands that you may use
        │
        │ A guest is its number or its name;
        │ a list appears while you type.
        ");
        for name in ["/vm list", "/ct list", "/node list"] {
            let said = stranger.slash(name).await.first().await;
            assert!(shown(&said).contains("Nothing here for you"));
        }
    });
}

#[test]
fn one_guest_has_figures_and_buttons_that_fit() {
    run(still(), async |world| {
        settled(world).await;
        let max = world.person("max");
        let running = shown(&max.slash("/vm status 102").await.first().await);
        let running: String = running
            .lines()
            .filter(|l| !l.contains("Up "))
            .collect::<Vec<_>>()
            .join("\n");
        assert_snapshot!(running, @"
        🔒 only max
        │ 🟢 minecraft · running
        │ ▰▰▰▱▱▱▱▱▱▱ CPU 25 % of 4
        │ ▰▰▰▰▰▱▱▱▱▱ RAM 4 GB of 8 GB
        │ Tags: games
        │ `192.168.1.22`
        │ 4 cores, 8 GB memory
        │ scsi0 64G on local-lvm
        │ Boots from scsi0, net0
        │ Starts with its node
        │ — VM 102 · home · pve2
        [Shutdown] (secondary) [Reboot] (secondary) [Refresh] (secondary)
        ");
        assert_snapshot!(shown(&max.slash("/vm status 101").await.first().await), @"
        🔒 only max
        │ ⚪ valheim · stopped
        │ Tags: games
        │ 4 cores, 8 GB memory
        │ scsi0 64G on local-lvm
        │ Boots from scsi0, net0
        │ > Valheim for friends. World: Midgard.
        │ — VM 101 · home · pve1
        [Start] (primary) [Refresh] (secondary)
        ");
        let owner = world.person("owner");
        assert_snapshot!(shown(&owner.slash("/vm status 107").await.first().await), @"
        🔒 only owner
        │ ⚪ backup-me · stopped
        │ 🔒 locked for a backup
        │ 4 cores, 8 GB memory
        │ scsi0 64G on local-lvm
        │ Boots from scsi0, net0
        │ — VM 107 · home · pve1
        [Refresh] (secondary)
        ");
    });
}

#[test]
fn a_private_card_refreshes_in_place() {
    run(Setup::default(), async |world| {
        let answer = world.person("max").slash("/vm status 101").await;
        let card = answer.first().await;
        world
            .px
            .set_guest(101, |guest| guest.state = "running".into());
        tokio::time::sleep(Duration::from_millis(2100)).await;
        world
            .person("max")
            .click(&card, "Refresh")
            .await
            .until("running")
            .await;
        let now = world.dc.message(card.id).unwrap();
        assert!(now.text().contains("valheim · running"), "{}", now.text());
    });
}

#[test]
fn one_node_tells_more_to_those_who_may() {
    run(still(), async |world| {
        settled(world).await;
        let card = shown(
            &world
                .person("owner")
                .slash("/node status pve1")
                .await
                .first()
                .await,
        );
        for part in ["pve1 · online", "CPU", "Load", "Root disk", "Kernel"] {
            assert!(card.contains(part), "{part}: {card}");
        }
        let refused = world
            .person("max")
            .slash("/node status pve1")
            .await
            .first()
            .await;
        assert!(shown(&refused).contains("No node pve1 for you here"));
    });
}

#[test]
fn twenty_people_at_once_are_one_question_to_proxmox() {
    run(Setup::default(), async |world| {
        world.px.forget_requests();
        let asking = (0..20).map(|_| {
            let max = world.person("max");
            async move {
                let begun = tokio::time::Instant::now();
                let answer = max.slash("/status").await;
                answer.first().await;
                begun.elapsed()
            }
        });
        let slowest = futures_util::future::join_all(asking)
            .await
            .into_iter()
            .max();
        println!("slowest of twenty: {slowest:?}");
        assert!(world.snapshots() <= 1, "{:?}", world.px.requests());
        assert!(world.px.requests().len() <= 2);
    });
}

#[test]
fn while_proxmox_hangs_what_was_seen_is_shown_with_its_age() {
    run(Setup::default(), async |world| {
        world.px.fault(Fault::always(FaultKind::Hang));
        tokio::time::sleep(Duration::from_secs(16)).await;
        let max = world.person("max");
        let answer = max.slash("/status").await;
        assert!(answer.acked().await.after < Duration::from_secs(1));
        let status = answer.first().await;
        assert!(
            shown(&status).contains("Not up to date: as of <time>"),
            "{}",
            shown(&status)
        );
        let offered = max.type_ahead("/vm start val").await;
        assert_eq!(offered.len(), 1);
        let one = max.slash("/vm status 102").await.first().await;
        assert!(shown(&one).contains("minecraft"));
        world.px.clear_faults();
    });
}

#[test]
fn a_cluster_that_never_answered_is_said_to_be_so() {
    let mut setup = Setup::default();
    setup.px.guests.clear();
    run(setup, async |world| {
        world.stop_bot().await.unwrap();
        world
            .px
            .fault(Fault::always(FaultKind::Status500("broken".into())).on(Match::any()));
        world.start_bot_blind().await;
        let owner = world.person("owner").slash("/status").await.first().await;
        assert_snapshot!(shown(&owner), @"
        🔒 only owner
        │ 🔴 home · no answer
        │ ⏳ Proxmox has not answered yet
        [Refresh] (secondary)
        ");
        let stranger = world
            .person("stranger")
            .slash("/status")
            .await
            .first()
            .await;
        assert!(shown(&stranger).contains("Nothing here for you"));
        let act = world.person("owner").slash("/vm start 101").await;
        let said = act.first().await;
        assert!(
            said.ephemeral_for.is_some(),
            "nobody else learns what was asked"
        );
        assert!(shown(&said).contains("cannot be read"), "{}", shown(&said));
        assert_eq!(world.writes(), Vec::<String>::new());
    });
}

#[test]
fn channels_for_reading_show_answers_to_all() {
    let setup = Setup {
        discord: "public_read_channels = [1100000000000000007]".into(),
        bot: "acts = \"private\"".into(),
        ..Setup::default()
    };
    run(setup, async |world| {
        let open = world.person("max").in_channel(support::OTHER_CHANNEL);
        assert!(
            open.slash("/status")
                .await
                .first()
                .await
                .ephemeral_for
                .is_none()
        );
        let closed = world.person("max").slash("/status").await.first().await;
        assert!(closed.ephemeral_for.is_some());
        let act = world
            .person("max")
            .slash("/vm start 102")
            .await
            .until("runs already")
            .await;
        assert!(act.ephemeral_for.is_some(), "acts are private here");
    });
}

#[test]
fn a_name_is_shown_without_what_nobody_sees() {
    run(still(), async |world| {
        let name = "a\u{202e}b\u{200b}\u{2066} https://evil.example";
        world.px.set_guest(101, |guest| guest.name = name.into());
        world.next_snapshot().await;
        let owner = world.person("owner");
        let offered = owner.type_ahead("/vm start 101").await;
        assert_eq!(offered[0].name, "101 ab https://evil.example · stopped");
        let card = owner.slash("/vm status 101").await.until("evil").await;
        assert!(shown(&card).contains(r"ab https\://evil.example"));
    });
}

#[test]
fn completion_offers_what_fits_first() {
    run(Setup::default(), async |world| {
        let owner = world.person("owner");
        let names = |choices: Vec<fake_discord::Choice>| {
            choices
                .into_iter()
                .map(|c| c.name)
                .collect::<Vec<_>>()
                .join("\n")
        };
        assert_snapshot!(names(owner.type_ahead("/vm start ").await), @"
        101 valheim · stopped
        107 backup-me · stopped
        108 ha-db · stopped
        102 minecraft · running
        103 nextcloud · running
        ");
        assert_snapshot!(names(owner.type_ahead("/vm shutdown 10").await), @"
        102 minecraft · running
        103 nextcloud · running
        101 valheim · stopped
        107 backup-me · stopped
        108 ha-db · stopped
        ");
        assert_snapshot!(names(owner.type_ahead("/ct status LAB").await), @"105 web-lab · stopped");
        assert_snapshot!(names(owner.type_ahead("/node status 2").await), @"pve2");
        let max = world.person("max");
        assert_snapshot!(names(max.type_ahead("/vm start ").await), @"
        101 valheim · stopped
        102 minecraft · running
        ");
        assert_snapshot!(names(max.type_ahead("/vm stop ").await), @"");
    });
}

/// What the bot has just met is not shown as it was before.
#[test]
fn a_node_that_went_down_is_said_so_at_once() {
    run(Setup::default(), async |world| {
        let owner = world.person("owner");
        world.px.fault_by_name("node-down");
        let start = owner.slash("/vm start 102").await;
        assert_snapshot!(shown(&start.until("did not start").await), @"
        │ 🔴 minecraft · did not start
        │ Asked by <@184405311681986560>.
        │ Its node is offline.
        │ Try again when it is back.
        │ — VM 102 · home
        [Refresh] (secondary)
        ");
        let card = owner.slash("/vm status 102").await.until("minecraft").await;
        assert_snapshot!(shown(&card), @"
        🔒 only owner
        │ 🟠 minecraft · unknown
        │ Its node pve2 is offline, so nobody
        │ knows how it is.
        │ Tags: games
        │ — VM 102 · home · pve2
        [Refresh] (secondary)
        ");
        // There is nothing to ask about.
        let stop = owner.slash("/vm stop 102").await.until("minecraft").await;
        assert_snapshot!(shown(&stop), @"
        🔒 only owner
        │ 🔴 minecraft · did not stop
        │ Asked by <@184405311681986560>.
        │ Its node pve2 is offline.
        │ Try again when it is back.
        │ — VM 102 · home
        [Refresh] (secondary)
        ");
        let card = owner.slash("/node status pve2").await.until("pve2").await;
        assert_snapshot!(shown(&card), @"
        🔒 only owner
        │ 🔴 pve2 · offline
        │ — node · home
        [Wake] (secondary) [Refresh] (secondary)
        ");
        assert_eq!(world.writes(), Vec::<String>::new());
    });
}

#[test]
fn a_read_that_failed_is_said_so_with_the_age_of_what_is_shown() {
    run(Setup::default(), async |world| {
        let owner = world.person("owner");
        for path in ["/nodes/pve2/qemu/102/status/current", "/nodes/pve2/status"] {
            let down = FaultKind::Status595;
            world
                .px
                .fault(Fault::always(down).on(Match::any().path(path)));
        }
        let card = owner.slash("/vm status 101").await.until("valheim").await;
        assert!(!shown(&card).contains("Not up to date"), "{}", shown(&card));
        let card = owner.slash("/vm status 102").await.until("minecraft").await;
        assert_snapshot!(shown(&card), @"
        🔒 only owner
        │ 🟠 minecraft · running
        │ ▰▰▱▱▱▱▱▱▱▱ CPU 18 % of 4
        │ ▰▰▰▰▰▱▱▱▱▱ RAM 4.2 GB of 8 GB
        │ Up 2 d 4 h
        │ Tags: games
        │ ⏳ Not up to date: as of <time>
        │ — VM 102 · home · pve2
        [Shutdown] (secondary) [Reboot] (secondary) [Refresh] (secondary)
        ");
        let card = owner.slash("/node status pve2").await.until("pve2").await;
        assert_snapshot!(shown(&card), @"
        🔒 only owner
        │ 🟠 pve2 · online
        │ It does not answer just now, so its
        │ load, disk and version are not known.
        │ ▰▱▱▱▱▱▱▱▱▱ CPU 7 % of 16
        │ ▰▱▱▱▱▱▱▱▱▱ RAM 7.4 GB of 64 GB
        │ Up 20 d 2 h
        │ Updates: the bot's token may not
        │ see them (Sys.Modify)
        │ 1 guest runs on it
        │ ⏳ Not up to date: as of <time>
        │ — node · home
        [Reboot] (secondary) [Shutdown] (secondary) [Refresh] (secondary)
        ");
    });
}

#[test]
fn once_nothing_can_be_read_lists_say_how_old_they_are() {
    run(Setup::default(), async |world| {
        let owner = world.person("owner");
        world.px.fault_by_name("all-down");
        let start = owner.slash("/vm start 101").await;
        start.follow_up("cannot be read now").await;
        let list = owner.slash("/node list").await.until("nodes").await;
        assert_snapshot!(shown(&list), @"
        🔒 only owner
        │ 🗄️ 2 nodes
        │ 🟢 pve1 · CPU 12 % · RAM 15 %
        │ 🟢 pve2 · CPU 7 % · RAM 12 %
        │ ⏳ Not up to date: as of <time>
        [Refresh] (secondary)
        ");
        let all = owner.slash("/status").await.until("home").await;
        assert!(shown(&all).contains("🟠 home"), "{}", shown(&all));
        world.px.clear_faults();
        world.next_snapshot().await;
        let list = owner.slash("/node list").await.until("nodes").await;
        assert!(!shown(&list).contains("⏳"), "{}", shown(&list));
    });
}

#[test]
fn a_quorum_that_was_just_found_lost_is_shown_lost() {
    run(Setup::default(), async |world| {
        let owner = world.person("owner");
        owner.slash("/status").await.until("🟢 home").await;
        world.px.fault_by_name("no-quorum");
        let start = owner.slash("/vm start 101").await;
        assert_snapshot!(shown(&start.until("did not start").await), @"
        │ 🔴 valheim · did not start
        │ Asked by <@184405311681986560>.
        │ The cluster has no quorum: too few
        │ nodes are up.
        │ — VM 101 · home
        [Start] (primary) [Refresh] (secondary)
        ");
        let max = world.person("max").slash("/vm start 101").await;
        let told = shown(&max.until("did not start").await);
        assert!(told.contains("Tell the owner"), "{told}");
        owner.slash("/status").await.until("no quorum").await;
    });
}

#[test]
fn a_cluster_that_is_not_there_is_told_to_those_who_see_another() {
    run(Setup::default(), async |world| {
        for name in ["owner", "max"] {
            let person = world.person(name);
            let told = person.slash("/status cluster:nope").await.first().await;
            let says = "⛔ No cluster nope for you here\n│ There is: `home`.";
            assert!(shown(&told).contains(says), "{}", shown(&told));
        }
        let stranger = world.person("stranger");
        for name in ["nope", "home"] {
            let told = stranger.slash(&format!("/status cluster:{name}")).await;
            let told = told.first().await;
            assert!(told.text().contains("Nothing here for you"));
        }
    });
}
