//! The README's `pveum` lines, carried out on the fake as they are written: with exactly these
//! privileges what is promised works, and Proxmox itself refuses the rest.

mod support;

use support::{Setup, run, shown};

/// The README's commands, as root would type them on a cluster that has nothing of the bot yet.
fn as_the_readme_says() -> Setup {
    let mut setup = Setup::automatic();
    setup.px.pools.clear();
    for guest in &mut setup.px.guests {
        guest.pool = None;
    }
    setup.px.acls.clear();
    let lines = include_str!("../README.md").lines();
    let lines = lines.filter(|line| line.starts_with("pveum "));
    setup.px.typed = lines.map(String::from).collect();
    assert_eq!(setup.px.typed.len(), 10, "all that the README has");
    setup
}

#[test]
fn the_guests_of_the_pool_can_be_switched() {
    run(as_the_readme_says(), async |world| {
        let owner = world.person("owner");
        owner.slash("/vm start 101").await.until("started").await;
        let status = shown(&owner.slash("/status").await.first().await);
        for seen in ["nextcloud", "dns", "pve1 · CPU"] {
            assert!(status.contains(seen), "{status}");
        }
        owner.slash("/node status pve1").await.until("Load").await;
    });
}

#[test]
fn the_others_proxmox_refuses_itself() {
    run(as_the_readme_says(), async |world| {
        let answer = world.person("owner").slash("/vm reboot 103").await;
        answer.until("did not reboot").await;
        let lacking = shown(&answer.follow_up("lacks").await);
        assert!(lacking.contains("VM.PowerMgmt"), "{lacking}");
        // Whoever does as the card says has mended exactly that.
        let lines = lacking.lines().map(|line| line.trim_start_matches("│ "));
        for line in lines.filter(|line| line.starts_with("pveum ")) {
            world.px.pveum(line).expect("what the card says works");
        }
        world
            .person("owner")
            .slash("/vm reboot 103")
            .await
            .until("rebooted")
            .await;
    });
}

#[test]
fn rules_by_pool_work_with_it() {
    let rules = support::RULES.replace("tag:games", "pool:discord");
    run(as_the_readme_says().rules(&rules), async |world| {
        world
            .person("max")
            .slash("/vm start 101")
            .await
            .until("started")
            .await;
        let hidden = world
            .person("max")
            .slash("/ct status 105")
            .await
            .first()
            .await;
        assert!(shown(&hidden).contains("No guest 105 for you here"));
    });
}
