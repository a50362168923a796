//! Storages, as people see them.

mod support;

use fake_proxmox::Fault;
use fake_proxmox::{FaultKind, Match};
use insta::assert_snapshot;
use support::{Setup, run, shown};

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
