//! `pve-steward status`, against a strict Proxmox.

mod support;

use std::fs::Permissions;
use std::os::unix::fs::PermissionsExt as _;

use serde_json::Value;
use support::binary::{ended, steward, text, told};
use support::{Setup, World, run_without_bot};

/// The summary needs nothing but the clusters: the rest of the file goes.
fn only_clusters(world: &World, more: &str) {
    let file = std::fs::read_to_string(&world.files[0]).unwrap();
    let from = file.find("[[cluster]]").unwrap();
    let to = file.find("[people]").unwrap();
    std::fs::write(&world.files[0], format!("{}{more}", &file[from..to])).unwrap();
    // The token stands in it.
    std::fs::set_permissions(&world.files[0], Permissions::from_mode(0o600)).unwrap();
}

#[test]
fn nodes_guests_and_storages_are_shown_without_a_token_of_discord() {
    run_without_bot(Setup::default(), async |world| {
        only_clusters(world, "");
        let output = ended(&mut steward(world, &["status"])).await;
        assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
        assert_eq!(text(&output.stderr), "");
        insta::assert_snapshot!(text(&output.stdout), @r##"
        home: 3 of 7 guests run · 2 of 2 nodes online
          NODE
            pve1  online  CPU 12 %  RAM 9.4 GB of 64 GB (15 %)  up 20 d 1 h
            pve2  online  CPU 7 %   RAM 7.4 GB of 64 GB (12 %)  up 20 d 2 h
          GUEST
            101 vm valheim          stopped   pve1
            102 vm minecraft        running   pve2  CPU 18 %  RAM 4.2 GB of 8 GB (53 %)
            103 vm nextcloud        running   pve1  CPU 20 %  RAM 5.3 GB of 8 GB (66 %)
            104 ct dns              running   pve1  CPU 39 %  RAM 782 MB of 1 GB (76 %)
            105 ct web-lab          stopped   pve2
            106 vm template-debian  template  pve1
            107 vm backup-me        stopped   pve1                                       locked: backup
            108 vm ha-db            stopped   pve2
          STORAGE
            local      available  pve1    31 GB of 94 GB (33 %)
            local-lvm  available  pve1    410 GB of 833 GB (49 %)
            nas        available  shared  5 TB of 8 TB (62 %)
            local      available  pve2    31 GB of 94 GB (33 %)
            local-lvm  available  pve2    410 GB of 833 GB (49 %)
        "##);
        assert_eq!(world.writes(), Vec::<String>::new());
    });
}

#[test]
fn what_the_token_cannot_see_is_said() {
    let mut setup = Setup::default();
    for acl in &mut setup.px.acls {
        acl.privs.retain(|p| p == "Pool.Audit");
    }
    run_without_bot(setup, async |world| {
        let (said, code) = told(&mut steward(world, &["status"])).await;
        assert_eq!(code, Some(0), "{said}");
        for part in [
            "home: 0 of 0 guests run · quorum not visible",
            "none that the token can see (VM.Audit)",
            "none that the token can see (Datastore.Audit)",
        ] {
            assert!(said.contains(part), "{part}\n{said}");
        }
    });
}

#[test]
fn one_cluster_that_is_away_keeps_nobody_from_the_others() {
    run_without_bot(Setup::default(), async |world| {
        let socket = tokio::net::TcpSocket::new_v4().unwrap();
        // Bound and never listening: nobody else gets the port, and nobody answers there.
        socket.bind("127.0.0.1:0".parse().unwrap()).unwrap();
        let dead = socket.local_addr().unwrap();
        let away = format!(
            "[[cluster]]\nname = \"lab\"\nendpoints = [\"https://{dead}\"]\n\
             token_id = \"discord@pve!bot\"\n\
             token_secret = \"12345678-1234-1234-1234-123456789abc\"\n"
        );
        only_clusters(world, &away);
        let (said, code) = told(&mut steward(world, &["status"])).await;
        assert_eq!(code, Some(75), "{said}");
        for part in [
            "home: 3 of 7 guests run",
            "lab: cannot be read",
            "Is the address right",
        ] {
            assert!(said.contains(part), "{part}\n{said}");
        }
        let (said, code) = told(&mut steward(world, &["status", "--cluster", "home"])).await;
        assert_eq!(code, Some(0), "{said}");
        assert!(!said.contains("lab:"), "{said}");
        let (said, code) = told(&mut steward(world, &["status", "--cluster", "hoem"])).await;
        assert_eq!(code, Some(78), "{said}");
        assert!(
            said.contains("no cluster `hoem`. There are:\n  home"),
            "{said}"
        );

        let output = ended(&mut steward(world, &["status", "--json"])).await;
        assert_eq!(output.status.code(), Some(75));
        let told: Value = serde_json::from_slice(&output.stdout).unwrap();
        let lab = &told["clusters"][1];
        assert_eq!(
            (&lab["name"], &lab["reached"]),
            (&"lab".into(), &false.into())
        );
        assert_eq!(lab["error"]["may_pass"], true);
        assert!(lab["nodes"].as_array().unwrap().is_empty());
        assert_eq!(told["clusters"][0]["reached"], true);
    });
}

#[test]
fn a_refused_token_ends_it_with_78() {
    run_without_bot(Setup::default(), async |world| {
        let mut status = steward(world, &["status"]);
        let secret = "PVE_STEWARD__CLUSTER__HOME__TOKEN_SECRET";
        status.env(secret, "00000000-0000-4000-8000-000000000000");
        let (said, code) = told(&mut status).await;
        assert_eq!(code, Some(78), "{said}");
        assert!(said.contains("home: cannot be read"), "{said}");
        assert!(said.contains("Is `token_id` spelt"), "{said}");
        assert!(!said.contains("00000000-0000"), "{said}");
    });
}

#[test]
fn the_json_has_the_fields_that_the_readme_names() {
    run_without_bot(Setup::default(), async |world| {
        let output = ended(&mut steward(world, &["status", "--json"])).await;
        assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
        let told: Value = serde_json::from_slice(&output.stdout).unwrap();
        let home = &told["clusters"][0];
        assert!(home["error"].is_null());
        assert_eq!(
            home["quorum"],
            serde_json::json!({"quorate": true, "nodes": 2, "online": 2})
        );
        let readme = include_str!("../README.md");
        let row = |name: &str| {
            let begin = format!("| `{name}` |");
            let line = readme.lines().find(|line| line.starts_with(&begin));
            line.unwrap_or_else(|| panic!("README has no row for {name}"))
        };
        for (name, object) in [
            ("clusters", home),
            ("quorum", &home["quorum"]),
            ("nodes", &home["nodes"][0]),
            ("guests", &home["guests"][0]),
            ("storages", &home["storages"][0]),
        ] {
            // What stands in brackets are the fields of a field.
            let row = row(name).replace("(`null`, or `message` and `may_pass`)", "");
            let named: Vec<&str> = row.split('`').skip(3).step_by(2).collect();
            let mut keys: Vec<&str> = object
                .as_object()
                .unwrap()
                .keys()
                .map(String::as_str)
                .collect();
            let mut sorted = named.clone();
            sorted.sort_unstable();
            keys.sort_unstable();
            assert_eq!(sorted, keys, "{name}");
        }
        let valheim = &home["guests"][0];
        assert_eq!(valheim["vmid"], 101);
        assert_eq!(valheim["state"], "stopped");
        assert_eq!(valheim["tags"], serde_json::json!(["games"]));
    });
}

#[test]
fn a_pipe_gets_no_colours() {
    run_without_bot(Setup::default(), async |world| {
        let output = ended(&mut steward(world, &["status"])).await;
        assert!(!output.stdout.contains(&0x1b));
    });
}
