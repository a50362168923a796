//! The README's `pveum` lines, carried out on the fake as they are written: with exactly these
//! privileges what is promised works, and Proxmox itself refuses the rest.

mod support;

use std::collections::BTreeMap;

use fake_proxmox::{Acl, Setup as Proxmox};
use support::{Setup, run, shown};

/// Roles and ACLs of the README, as far as they are commands.
fn readme(setup: &mut Proxmox) {
    let text = include_str!("../README.md");
    let mut roles: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    setup.acls.clear();
    for line in text.lines() {
        let words: Vec<&str> = line.split_whitespace().collect();
        match words[..] {
            ["pveum", "role", "add", role, "-privs", ..] => {
                let privs = line.split('"').nth(1).expect("privileges in quotes");
                roles.insert(role, privs.split(' ').collect());
            }
            [
                "pveum",
                "acl",
                "modify",
                path,
                "-user" | "-token",
                who,
                "-role",
                role,
            ] => {
                let privs = &roles[role];
                setup
                    .acls
                    .push(Acl::new(path, who.trim_matches('\''), privs, true));
            }
            _ => {}
        }
    }
    assert_eq!(roles.len(), 2, "the README makes two roles");
    assert_eq!(
        setup.acls.len(),
        4,
        "and gives both to user and token, on two paths"
    );
}

fn as_the_readme_says() -> Setup {
    let mut setup = Setup::automatic();
    setup.px.pools = vec!["discord".into()];
    for guest in &mut setup.px.guests {
        let given = matches!(guest.vmid, 101 | 102);
        guest.pool = given.then(|| "discord".to_owned());
    }
    readme(&mut setup.px);
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
        let words = |start: &str| {
            let lines = lacking.lines().map(|line| line.trim_start_matches("│ "));
            lines
                .filter(|line| line.starts_with(start))
                .collect::<Vec<_>>()
                .join("\n")
        };
        let role = words("pveum role add");
        let privs: Vec<&str> = role.split('"').nth(1).unwrap().split(' ').collect();
        for line in words("pveum acl modify /vms/103 ").lines() {
            let who = line.split_whitespace().nth(5).unwrap().trim_matches('\'');
            world.px.acl("/vms/103", who, &privs, true);
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
