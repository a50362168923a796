//! Storages, as people see them.

mod support;

use std::time::{Duration, Instant};

use fake_discord::Message;
use fake_proxmox::{Acl, Backup, Fault, FaultKind, File, Match};
use insta::assert_snapshot;
use support::{Setup, World, run, shown};

fn home() -> Setup {
    Setup::default().rules(&support::rules(
        r#"
[[allow]]
who = ["friend"]
actions = ["view"]
nodes = ["pve2"]
"#,
    ))
}

#[test]
fn storages_are_told_once_with_how_full_they_are() {
    run(home(), async |world| {
        world.px.set_storage_size("local", 10 << 30, 100 << 30);
        world
            .px
            .set_storage_size("local-lvm", 840 << 30, 1000 << 30);
        world.px.set_storage_size("nas", (93 << 40) / 10, 10 << 40);
        world.next_snapshot().await;
        let owner = world.person("owner");
        assert_snapshot!(shown(&owner.slash("/storage list").await.first().await), @"
        🔒 only owner
        │ 💾 5 storages
        │ 🟢 **local** on pve1
        │ ▰▱▱▱▱▱▱▱▱▱ 10 %, 10 GB of 100 GB
        │ dir · backups, ISOs, templates
        │ 🟢 **local** on pve2
        │ ▰▱▱▱▱▱▱▱▱▱ 10 %, 10 GB of 100 GB
        │ dir · backups, ISOs, templates
        │ 🟠 **local-lvm** on pve1
        │ ▰▰▰▰▰▰▰▰▱▱ 84 %, 840 GB of 1 TB
        │ lvmthin · disks, containers
        │ 🟠 **local-lvm** on pve2
        │ ▰▰▰▰▰▰▰▰▱▱ 84 %, 840 GB of 1 TB
        │ lvmthin · disks, containers
        │ 🔴 **nas**
        │ ▰▰▰▰▰▰▰▰▰▱ 93 %, 9.3 TB of 10 TB
        │ nfs · shared · backups, ISOs, templates
        [Refresh] (secondary)
        ");
        assert_snapshot!(shown(&owner.slash("/storage list pve1").await.first().await), @"
        🔒 only owner
        │ 💾 3 storages on pve1
        │ 🟢 **local** on pve1
        │ ▰▱▱▱▱▱▱▱▱▱ 10 %, 10 GB of 100 GB
        │ dir · backups, ISOs, templates
        │ 🟠 **local-lvm** on pve1
        │ ▰▰▰▰▰▰▰▰▱▱ 84 %, 840 GB of 1 TB
        │ lvmthin · disks, containers
        │ 🔴 **nas**
        │ ▰▰▰▰▰▰▰▰▰▱ 93 %, 9.3 TB of 10 TB
        │ nfs · shared · backups, ISOs, templates
        [Refresh] (secondary)
        ");
        // Somebody who may look at one node sees what hangs there.
        let friend = world
            .person("friend")
            .slash("/storage list")
            .await
            .first()
            .await;
        let text = shown(&friend);
        assert!(
            text.contains("nas") && text.contains("local** on pve2"),
            "{text}"
        );
        assert!(!text.contains("pve1"), "{text}");
    });
}

#[test]
fn what_cannot_be_reached_is_said() {
    run(home(), async |world| {
        world.px.set_storage_available("nas", false);
        world.px.node_down("pve2");
        world.next_snapshot().await;
        let owner = world.person("owner");
        assert_snapshot!(shown(&owner.slash("/storage list").await.first().await), @"
        🔒 only owner
        │ 💾 5 storages
        │ 🟢 **local** on pve1
        │ ▰▰▰▱▱▱▱▱▱▱ 33 %, 31 GB of 94 GB
        │ dir · backups, ISOs, templates
        │ ⚪ **local** on pve2
        │ Its node is not online.
        │ dir · backups, ISOs, templates
        │ 🟢 **local-lvm** on pve1
        │ ▰▰▰▰▰▱▱▱▱▱ 49 %, 410 GB of 833 GB
        │ lvmthin · disks, containers
        │ ⚪ **local-lvm** on pve2
        │ Its node is not online.
        │ lvmthin · disks, containers
        │ 🔴 **nas**
        │ It cannot be reached.
        │ nfs · shared · backups, ISOs, templates
        [Refresh] (secondary)
        ");
    });
}

#[test]
fn what_the_token_may_not_see_is_not_called_empty() {
    let mut setup = home();
    for acl in &mut setup.px.acls {
        acl.privs.retain(|privilege| privilege != "Datastore.Audit");
    }
    run(setup, async |world| {
        let owner = world.person("owner");
        assert_snapshot!(shown(&owner.slash("/storage list").await.first().await), @"
        🔒 only owner
        │ 💾 No storage is told
        │ No storage of pve1, pve2 is told.
        │ The bot's token may lack
        │ Datastore.Audit there.
        [Refresh] (secondary)
        ");
    });
}

#[test]
fn strangers_and_others_learn_nothing() {
    run(home(), async |world| {
        for (name, command) in [
            ("stranger", "/storage list"),
            ("stranger", "/storage list pve1"),
            ("friend", "/storage list pve1"),
            ("max", "/storage list"),
        ] {
            let said = world.person(name).slash(command).await.first().await;
            assert!(said.ephemeral_for.is_some());
            assert!(shown(&said).contains("⛔"), "{}", shown(&said));
            assert!(!shown(&said).contains("nas"));
        }
        assert!(
            world
                .person("stranger")
                .type_ahead("/storage list ")
                .await
                .is_empty()
        );
        let card = world
            .person("friend")
            .slash("/storage list")
            .await
            .first()
            .await;
        let stranger = world.person("stranger").press(&card, "1:s:home/pve1").await;
        assert!(shown(&stranger.first().await).contains("⛔"));
    });
}

#[test]
fn while_proxmox_is_away_the_older_figures_have_their_age() {
    run(home(), async |world| {
        world
            .px
            .fault(Fault::always(FaultKind::Hang).on(Match::any()));
        tokio::time::sleep(std::time::Duration::from_secs(16)).await;
        let owner = world
            .person("owner")
            .slash("/storage list")
            .await
            .first()
            .await;
        assert!(
            shown(&owner).contains("Not up to date"),
            "{}",
            shown(&owner)
        );
        world.px.clear_faults();
    });
}

/// Backups, ISOs and snippets; some of guests that are no more, or on the other node.
fn with_contents(mut setup: Setup) -> Setup {
    for storage in &mut setup.px.storages {
        if storage.name == "local" {
            storage.content = "iso,vztmpl,snippets".into();
            storage.files = vec![
                File::new("snippets", "cloud.yaml", "pve1"),
                File::new("vztmpl", "debian-13-standard_13.1-1_amd64.tar.zst", "pve1"),
                File::new("iso", "debian-13.1.0-amd64-netinst.iso", "pve2"),
            ];
        }
        if storage.name == "nas" {
            for name in ["debian.iso", "windows.iso"] {
                storage.files.push(File::new("iso", name, "pve1"));
            }
        }
    }
    setup
}

fn give(setup: &mut Setup, path: &str, privs: &[&str]) {
    for who in ["discord@pve", "discord@pve!bot"] {
        setup.px.acls.push(Acl::new(path, who, privs, true));
    }
}

fn back_up(world: &World) {
    for (vmid, node) in [(101, "pve1"), (101, "pve1"), (102, "pve2"), (999, "pve1")] {
        world.px.add_backup("nas", Backup::vm(vmid, node));
    }
}

async fn owner(world: &World, command: &str) -> Message {
    world.person("owner").slash(command).await.settled().await
}

fn listings(world: &World) -> usize {
    let all = world.px.requests();
    all.iter().filter(|r| r.path.ends_with("/content")).count()
}

#[test]
fn what_lies_on_one_storage_is_counted_where_nothing_is_hidden() {
    let mut setup = with_contents(home());
    give(
        &mut setup,
        "/storage",
        &["Datastore.Audit", "Datastore.Allocate"],
    );
    run(setup, async |world| {
        back_up(world);
        assert_snapshot!(shown(&owner(world, "/storage list storage:nas").await), @"
        🔒 only owner
        │ 💾 nas
        │ 🟢 **nas**
        │ ▰▰▰▰▰▰▱▱▱▱ 62 %, 5 TB of 8 TB
        │ nfs · shared
        │ • 4 backups
        │ • 2 ISO images
        │ • no container templates
        [Refresh] (secondary)
        ");
        assert_snapshot!(shown(&owner(world, "/storage list storage:local").await), @"
        🔒 only owner
        │ 💾 local
        │ 🟢 **local** on pve1
        │ ▰▰▰▱▱▱▱▱▱▱ 33 %, 31 GB of 94 GB
        │ dir
        │ • no ISO images
        │ • 1 container template
        │ • 1 snippet
        │ 🟢 **local** on pve2
        │ ▰▰▰▱▱▱▱▱▱▱ 33 %, 31 GB of 94 GB
        │ dir
        │ • 1 ISO image
        │ • no container templates
        │ • no snippets
        [Refresh] (secondary)
        ");
        let lvm = owner(world, "/storage list node:pve1 storage:local-lvm").await;
        assert_snapshot!(shown(&lvm), @"
        🔒 only owner
        │ 💾 local-lvm on pve1
        │ 🟢 **local-lvm** on pve1
        │ ▰▰▰▰▰▱▱▱▱▱ 49 %, 410 GB of 833 GB
        │ lvmthin
        │ • 4 disk images
        │ • 1 container volume
        [Refresh] (secondary)
        ");
    });
}

#[test]
fn what_the_token_is_not_shown_is_never_called_none() {
    run(with_contents(home()), async |world| {
        back_up(world);
        assert_snapshot!(shown(&owner(world, "/storage list storage:nas").await), @"
        🔒 only owner
        │ 💾 nas
        │ 🟢 **nas**
        │ ▰▰▰▰▰▰▱▱▱▱ 62 %, 5 TB of 8 TB
        │ nfs · shared
        │ • backups: none that I may see
        │ • 2 ISO images
        │ • no container templates
        [Refresh] (secondary)
        ");
        assert_snapshot!(shown(&owner(world, "/storage list storage:local-lvm").await), @"
        🔒 only owner
        │ 💾 local-lvm
        │ 🟢 **local-lvm** on pve1
        │ ▰▰▰▰▰▱▱▱▱▱ 49 %, 410 GB of 833 GB
        │ lvmthin
        │ • disk images: none that I may see
        │ • container volumes: none that I may see
        │ 🟢 **local-lvm** on pve2
        │ ▰▰▰▰▰▱▱▱▱▱ 49 %, 410 GB of 833 GB
        │ lvmthin
        │ • disk images: none that I may see
        │ • container volumes: none that I may see
        [Refresh] (secondary)
        ");
    });
    // Whoever is shown the backups of each guest there is, is not shown those of guests that were.
    let mut setup = with_contents(home());
    setup.px = setup.px.backing_up();
    run(setup, async |world| {
        back_up(world);
        assert_snapshot!(shown(&owner(world, "/storage list storage:nas").await), @"
        🔒 only owner
        │ 💾 nas
        │ 🟢 **nas**
        │ ▰▰▰▰▰▰▱▱▱▱ 62 %, 5 TB of 8 TB
        │ nfs · shared
        │ • at least 3 backups
        │ • 2 ISO images
        │ • no container templates
        [Refresh] (secondary)
        ");
        let snippets = shown(&owner(world, "/storage list node:pve1 storage:local").await);
        assert!(
            snippets.contains("snippets: none that I may see"),
            "{snippets}"
        );
    });
}

#[test]
fn a_storage_that_cannot_be_reached_is_not_asked_what_lies_on_it() {
    run(with_contents(home()), async |world| {
        world.px.set_storage_available("nas", false);
        world.px.node_down("pve2");
        world.next_snapshot().await;
        assert_snapshot!(shown(&owner(world, "/storage list storage:nas").await), @"
        🔒 only owner
        │ 💾 nas
        │ 🔴 **nas**
        │ It cannot be reached.
        │ nfs · shared · backups, ISOs, templates
        [Refresh] (secondary)
        ");
        assert_snapshot!(shown(&owner(world, "/storage list node:pve2 storage:local").await), @"
        🔒 only owner
        │ 💾 local on pve2
        │ ⚪ **local** on pve2
        │ Its node is not online.
        │ dir · ISOs, templates, snippets
        [Refresh] (secondary)
        ");
        assert_eq!(listings(world), 0);
    });
}

#[test]
fn a_listing_that_hangs_or_fails_is_said_at_its_storage() {
    run(with_contents(home()), async |world| {
        let content = |node| Match::any().path(&format!("/nodes/{node}/storage/local/content"));
        world
            .px
            .fault(Fault::always(FaultKind::Hang).on(content("pve1")));
        let began = Instant::now();
        let card = owner(world, "/storage list storage:local").await;
        assert!(began.elapsed() < Duration::from_secs(8));
        assert_snapshot!(shown(&card), @"
        🔒 only owner
        │ 💾 local
        │ 🟢 **local** on pve1
        │ ▰▰▰▱▱▱▱▱▱▱ 33 %, 31 GB of 94 GB
        │ dir · ISOs, templates, snippets
        │ What lies on it could not be read.
        │ Try again in a few minutes.
        │ 🟢 **local** on pve2
        │ ▰▰▰▱▱▱▱▱▱▱ 33 %, 31 GB of 94 GB
        │ dir
        │ • 1 ISO image
        │ • no container templates
        │ • snippets: none that I may see
        [Refresh] (secondary)
        ");
        // Each look at it keeps a worker of the node, so it is left alone for a while.
        let owner = world.person("owner");
        let again = owner.click(&card, "Refresh").await.settled().await;
        assert_eq!(shown(&again), shown(&card));
        assert_eq!(listings(world), 2);
        // Others are not held up meanwhile.
        world.px.fault(
            Fault::always(FaultKind::Status500("x".into())).on(Match::any().path("/nas/content")),
        );
        let nas = owner.slash("/storage list storage:nas").await;
        assert!(shown(&nas.settled().await).contains("could not be read"));
        world.px.clear_faults();
    });
}

#[test]
fn a_shared_storage_is_listed_once_for_all() {
    run(with_contents(home()), async |world| {
        for (name, command) in [
            ("owner", "/storage list storage:nas"),
            ("owner", "/storage list node:pve1 storage:nas"),
            ("friend", "/storage list storage:nas"),
        ] {
            let card = world.person(name).slash(command).await.settled().await;
            assert!(shown(&card).contains("• 2 ISO images"), "{}", shown(&card));
        }
        assert_eq!(listings(world), 1);
        // The list of all asks none of them.
        owner(world, "/storage list").await;
        assert_eq!(listings(world), 1);
    });
}

#[test]
fn one_storage_is_shown_to_those_who_may_view_a_node_that_has_it() {
    run(with_contents(home()), async |world| {
        let friend = world.person("friend");
        let local = friend.slash("/storage list storage:local").await;
        let local = shown(&local.settled().await);
        assert!(
            local.contains("local** on pve2") && !local.contains("pve1"),
            "{local}"
        );
        let asked = |r: &fake_proxmox::Recorded| r.path.contains("/nodes/pve1/storage");
        assert!(!world.px.requests().iter().any(asked));
        // Hidden and missing are the same.
        for (name, command) in [
            ("friend", "/storage list node:pve1 storage:local"),
            ("friend", "/storage list storage:nothing"),
            ("max", "/storage list storage:nas"),
            ("stranger", "/storage list storage:nas"),
            ("stranger", "/storage list storage:nothing"),
        ] {
            let said = world.person(name).slash(command).await.first().await;
            assert!(said.ephemeral_for.is_some());
            assert!(shown(&said).contains("⛔"), "{}", shown(&said));
        }
        let offered = friend.type_ahead("/storage list storage:l").await;
        let offered: Vec<&str> = offered.iter().map(|choice| choice.name.as_str()).collect();
        assert_eq!(offered, ["local", "local-lvm"]);
        let stranger = world.person("stranger");
        assert!(
            stranger
                .type_ahead("/storage list storage:")
                .await
                .is_empty()
        );
    });
}
