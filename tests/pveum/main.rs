//! `pve-steward pveum`, typed line by line on the fake: with exactly what it prints all works that
//! the rules allow anybody, and Proxmox itself refuses the rest.

mod rules;
#[path = "../support/mod.rs"]
mod support;
mod thief;
mod whole;

use fake_proxmox::{Backup, Kind as PxKind};
use insta::assert_snapshot;
use rules::{Rules, all_that_is_allowed_works, facts};
use support::binary::{ended, steward, text, told};
use support::{Setup, World, run_without_bot};
use thief::Thief;

const FAMILY: &str = include_str!("../../config/policies/family.toml");
const GAMES: &str = include_str!("../../config/policies/game-server.toml");
const TEAM: &str = include_str!("../../config/policies/team.toml");

/// The same without the rules that give everything: what is left is little, and Proxmox refuses much.
fn narrow(policy: &str) -> String {
    let mut kept = Vec::new();
    for part in policy.split("\n[[") {
        if !(part.starts_with("allow]]") && part.contains("guests  = [\"*\"]")) {
            kept.push(part);
        }
    }
    let narrow = kept.join("\n[[");
    assert_ne!(narrow, policy);
    narrow
}

/// Guests of which each example policy means some, and a token that has nothing.
fn bare(rules: &str) -> Setup {
    let mut setup = Setup::automatic().rules(rules);
    setup.px = setup.px.lived_in();
    setup.px.acls.clear();
    setup.px.backups.clear();
    setup.px.pools = vec!["prod".into()];
    for guest in &mut setup.px.guests {
        let (name, pool, tags): (_, Option<&str>, &[&str]) = match guest.vmid {
            101 => ("media", Some("games"), &[]),
            102 => ("minecraft", Some("games"), &["house"]),
            103 => ("nextcloud", Some("games"), &["prod"]),
            104 => ("dns", Some("dev"), &[]),
            105 => ("web-lab", None, &["fun"]),
            108 => ("db", Some("dev"), &["database"]),
            _ => (guest.name.as_str(), None, &[]),
        };
        guest.name = name.to_owned();
        guest.pool = pool.map(str::to_owned);
        guest.tags = tags.iter().map(ToString::to_string).collect();
        guest.template = false;
        guest.lock = None;
        guest.ha = None;
    }
    setup
}

async fn printed(world: &World, arguments: &[&str]) -> String {
    let output = ended(&mut steward(world, &[&["pveum"], arguments].concat())).await;
    let said = text(&output.stdout);
    assert_eq!(
        output.status.code(),
        Some(0),
        "{said}{}",
        text(&output.stderr)
    );
    said
}

/// Root types all of it. Only what the page says may exist already may do so.
fn typed(world: &World, page: &str) {
    for line in page.lines().filter(|line| line.starts_with("pveum ")) {
        match world.px.pveum(line) {
            Ok(_) => {}
            Err(said) if said.contains("already exists") && line.contains(" add ") => {}
            Err(said) => panic!("{line}\n{said}\n---\n{page}"),
        }
    }
}

/// As the pages say: offline first, then what lets the token see all, then with a look at the cluster.
async fn given(world: &World, options: &[&str]) -> String {
    given_on("9", world, options).await
}

async fn given_on(pve: &str, world: &World, options: &[&str]) -> String {
    typed(world, &printed(world, &["--offline", "--pve", pve]).await);
    let blind = printed(world, options).await;
    let to_see = blind.lines().filter_map(|line| line.strip_prefix("#   "));
    typed(world, &to_see.collect::<Vec<_>>().join("\n"));
    let seeing = printed(world, options).await;
    assert!(!seeing.contains("does not see all"), "{seeing}");
    typed(world, &seeing);
    // Which storages take backups it sees only now, and rules by pool who is in it.
    typed(world, &printed(world, options).await);
    seeing
}

fn proves(rules: &str, options: &'static [&str], least: (usize, usize)) {
    proves_on((9, 2), rules, options, least);
}

fn proves_on(version: (u8, u8), rules: &str, options: &'static [&str], least: (usize, usize)) {
    let mut setup = bare(rules);
    setup.px.version = version;
    run_without_bot(setup, async |world| {
        let page = given_on(&version.0.to_string(), world, options).await;
        let again = printed(world, options).await;
        let twice = ["pveum role ", "pveum acl delete ", "pveum pool "];
        for line in again.lines() {
            assert!(
                !twice.iter().any(|start| line.starts_with(start)),
                "{again}"
            );
        }
        let (said, code) = told(&mut steward(world, &["check", "--strict"])).await;
        let said: Vec<&str> = said
            .lines()
            .filter(|line| line.contains(" home: "))
            .collect();
        let said = said.join("\n");
        assert!(
            said.contains("can do all that rules allow anybody"),
            "{said}\n{page}"
        );
        assert!(!said.contains("warn "), "{said} {code:?}");

        // Each has one, so that it shows who may list them.
        for vmid in 101..=108 {
            let on = world.px.guest(vmid).unwrap();
            let backup = match on.kind {
                PxKind::Vm => Backup::vm(vmid, &on.node),
                PxKind::Ct => Backup::ct(vmid, &on.node),
            };
            world.px.add_backup("nas", backup);
        }
        let rules = Rules::of(world);
        let done = all_that_is_allowed_works(world, &rules).await;
        let mut thief = Thief::new(world);
        thief.reads_addresses = version.0 >= 9;
        for guest in &facts(world) {
            thief.tries_guest(&rules, guest).await;
        }
        thief.tries_the_rest(&rules).await;
        println!("{done} done, {} refused", thief.refused);
        assert!(
            done >= least.0 && thief.refused >= least.1,
            "{done} {}",
            thief.refused
        );
    });
}

#[test]
fn a_family() {
    proves(FAMILY, &[], (90, 5));
}

#[test]
fn a_game_server() {
    proves(GAMES, &[], (90, 5));
}

#[test]
fn a_team() {
    proves(TEAM, &[], (90, 5));
}

#[test]
fn children_alone() {
    proves(&narrow(FAMILY), &[], (4, 90));
}

#[test]
fn players_alone() {
    proves(&narrow(GAMES), &[], (10, 70));
}

#[test]
fn a_team_without_operations() {
    proves(&narrow(TEAM), &[], (10, 60));
}

/// Three guests that need the same and one that needs more, none in a pool.
const FRIENDS: &str = r#"
[people]
owner = 184405311681986560

[roles]
friends = 290926798626357299

[[allow]]
who = ["friends"]
actions = ["view", "start", "shutdown"]
guests = ["tag:fun", "106", "name:backup-*"]

[[allow]]
who = ["owner"]
actions = ["view", "snapshot.*"]
guests = ["name:backup-*", "104"]
"#;

/// There what shows addresses would also run commands, so it is left out and nobody sees any.
#[test]
fn on_version_8_too() {
    proves_on((8, 4), FAMILY, &[], (90, 11));
    proves_on((8, 4), &narrow(GAMES), &[], (10, 70));
    run_without_bot(bare(FRIENDS), async |world| {
        let page = printed(world, &["--offline", "--pve", "8"]).await;
        assert!(!page.contains("-privs VM.Monitor"), "{page}");
        assert!(!page.contains("VM.GuestAgent"), "{page}");
    });
}

#[test]
fn by_pool_it_is_the_same() {
    proves(&narrow(FAMILY), &["--by", "pool"], (4, 90));
    proves(&narrow(TEAM), &["--by", "pool"], (10, 60));
    proves(FRIENDS, &["--by", "pool"], (10, 60));
    proves(FRIENDS, &[], (10, 60));
}

/// What is to be typed, without what is said about it.
fn lines(page: &str) -> String {
    let lines = page.lines().filter(|line| line.starts_with("pveum "));
    let lines: Vec<&str> = lines.collect();
    lines.join("\n")
}

#[test]
fn a_pool_is_made_and_kept_as_the_rules_are() {
    run_without_bot(bare(FRIENDS), async |world| {
        let page = given(world, &["--by", "pool"]).await;
        assert_snapshot!(lines(&page), @"
        pveum pool add discord
        pveum pool modify discord -vms 105
        pveum acl modify / -propagate 0 -user discord@pve -token 'discord@pve!bot' -role StewardSysAudit
        pveum acl modify /pool/discord -propagate 0 -user discord@pve -token 'discord@pve!bot' -role StewardPoolAudit,StewardVMAudit,StewardVMPowerMgmt
        pveum acl modify /vms/104 -user discord@pve -token 'discord@pve!bot' -role StewardVMAudit,StewardVMSnapshot
        pveum acl modify /vms/106 -user discord@pve -token 'discord@pve!bot' -role StewardVMAudit,StewardVMGuestAgentAudit,StewardVMPowerMgmt
        pveum acl modify /vms/107 -user discord@pve -token 'discord@pve!bot' -role StewardVMAudit,StewardVMGuestAgentAudit,StewardVMPowerMgmt,StewardVMSnapshot
        pveum acl delete /pool -user discord@pve -token 'discord@pve!bot' -role StewardPoolAudit
        pveum acl delete /vms -user discord@pve -token 'discord@pve!bot' -role StewardVMAudit
        pveum acl delete /vms/104 -user discord@pve -token 'discord@pve!bot' -role StewardVMGuestAgentAudit
        ");
        assert_eq!(
            world.px.guest(105).unwrap().pool.as_deref(),
            Some("discord")
        );
        let fewer = FRIENDS.replace("\"tag:fun\", ", "");
        world.write_rules(&fewer);
        given(world, &["--by", "pool"]).await;
        assert_eq!(world.px.guest(105).unwrap().pool, None);
        let all = printed(world, &["--by", "pool", "--remove"]).await;
        assert_snapshot!(all, @"
        # home: takes away all that the bot was given.

        # The user, its tokens, and every entry that names them
        pveum user delete discord@pve

        # Its roles
        pveum role delete StewardPoolAudit
        pveum role delete StewardSysAudit
        pveum role delete StewardVMAudit
        pveum role delete StewardVMGuestAgentAudit
        pveum role delete StewardVMPowerMgmt
        pveum role delete StewardVMSnapshot

        # Its pool; the guests stay as they are
        pveum pool modify discord -vms 107 -delete 1
        pveum pool delete discord
        ");
        typed(world, &all);
        let left =
            world.px.pveum("pveum role list").unwrap() + &world.px.pveum("pveum acl list").unwrap();
        assert!(
            !left.contains("Steward") && !left.contains("discord"),
            "{left}"
        );
    });
}

#[test]
fn the_page_says_what_each_line_is_for() {
    run_without_bot(bare(FRIENDS), async |world| {
        assert_snapshot!(printed(world, &["--offline", "--pve", "8"]).await, @r#"
        # home: what the rules take on Proxmox VE 8, and no more.
        # For the shell of a node, as root.
        # Where something "already exists", it is as it shall be: go on.
        #
        # Not in it: `tag:fun`, `name:backup-*`. Only a look at the cluster tells
        # which guests or nodes these are: run it without --offline for them.
        #
        # Without addresses inside VMs: on version 8 they take VM.Monitor, which also lets whoever
        # has the token run commands in the VMs. --with addresses puts it in.

        # Roles, each for one thing
        # quorum on /; on nodes their figures, and tasks of others
        pveum role add StewardSysAudit -privs Sys.Audit
        # see guests: name, state, figures, snapshots
        pveum role add StewardVMAudit -privs VM.Audit
        # start, shut down, reboot, suspend, resume, stop, reset
        pveum role add StewardVMPowerMgmt -privs VM.PowerMgmt
        # take, roll back and delete snapshots
        pveum role add StewardVMSnapshot -privs VM.Snapshot

        # A user that cannot log in, and its token. The second line shows the token's secret,
        # once: keep it.
        pveum user add discord@pve -comment pve-steward
        pveum user token add discord@pve bot -privsep 1

        # Who may what where
        pveum acl modify / -propagate 0 -user discord@pve -token 'discord@pve!bot' -role StewardSysAudit
        pveum acl modify /vms/104 -user discord@pve -token 'discord@pve!bot' -role StewardVMAudit,StewardVMSnapshot
        pveum acl modify /vms/106 -user discord@pve -token 'discord@pve!bot' -role StewardVMAudit,StewardVMPowerMgmt

        # These guests have theirs each by itself. One that comes later is not even seen before
        # it has its own: copy the line of one like it, with its VMID. One that goes: take it away
        # with `pveum acl delete` in place of `pveum acl modify`.
        "#);
    });
}

#[test]
fn what_is_left_out_by_default_can_be_had() {
    run_without_bot(bare(support::RULES), async |world| {
        let with = [
            "--with",
            "addresses",
            "--with",
            "updates",
            "--storage",
            "nas",
        ];
        let eight = [&["--offline", "--pve", "8"], &with[..]].concat();
        assert_snapshot!(lines(&printed(world, &eight).await), @"
        pveum role add StewardDatastoreAllocateSpace -privs Datastore.AllocateSpace
        pveum role add StewardDatastoreAudit -privs Datastore.Audit
        pveum role add StewardSysAudit -privs Sys.Audit
        pveum role add StewardSysModify -privs Sys.Modify
        pveum role add StewardSysPowerMgmt -privs Sys.PowerMgmt
        pveum role add StewardVMAudit -privs VM.Audit
        pveum role add StewardVMBackup -privs VM.Backup
        pveum role add StewardVMMonitor -privs VM.Monitor
        pveum role add StewardVMPowerMgmt -privs VM.PowerMgmt
        pveum role add StewardVMSnapshot -privs VM.Snapshot
        pveum user add discord@pve -comment pve-steward
        pveum user token add discord@pve bot -privsep 1
        pveum acl modify / -propagate 0 -user discord@pve -token 'discord@pve!bot' -role StewardSysAudit
        pveum acl modify /nodes -user discord@pve -token 'discord@pve!bot' -role StewardSysAudit,StewardSysModify,StewardSysPowerMgmt
        pveum acl modify /storage -user discord@pve -token 'discord@pve!bot' -role StewardDatastoreAudit
        pveum acl modify /storage/nas -user discord@pve -token 'discord@pve!bot' -role StewardDatastoreAllocateSpace,StewardDatastoreAudit
        pveum acl modify /vms -user discord@pve -token 'discord@pve!bot' -role StewardVMAudit,StewardVMBackup,StewardVMMonitor,StewardVMPowerMgmt,StewardVMSnapshot
        ");
        let removal = printed(world, &["--offline", "--remove"]).await;
        assert!(
            removal.contains("pveum user delete discord@pve\n"),
            "{removal}"
        );
    });
}

/// What was given too wide, as the README does for a start, is found and taken away again.
#[test]
fn what_is_not_needed_is_taken_away() {
    run_without_bot(bare(FRIENDS), async |world| {
        for line in [
            "pveum role add StewardRead -privs 'VM.Audit Sys.Audit Pool.Audit'",
            "pveum acl modify / -user discord@pve -role StewardRead",
            "pveum acl modify / -token 'discord@pve!bot' -role StewardRead",
            "pveum acl modify /vms/103 -user discord@pve -token 'discord@pve!bot' -role PVEVMAdmin",
        ] {
            world.px.pveum(line).unwrap();
        }
        let page = printed(world, &[]).await;
        assert!(page.contains("\npveum role delete StewardRead\n"), "{page}");
        assert!(page.contains("# /vms/103: VM.Allocate "), "{page}");
        typed(world, &page);
        let page = printed(world, &[]).await;
        assert!(!page.contains("StewardRead"), "{page}");
        typed(
            world,
            "pveum acl delete /vms/103 -user discord@pve -token 'discord@pve!bot' -role PVEVMAdmin",
        );
        let page = printed(world, &[]).await;
        assert!(!page.contains("roles of other names"), "{page}");
    });
}

/// What is not covered as a whole, and why.
#[test]
fn denies_pools_and_nodes_each_get_what_they_take() {
    let rules = r#"
[people]
owner = 184405311681986560
helper = 80351110224678913

[[allow]]
who = ["owner"]
actions = ["view", "stop", "snapshot.rollback"]
guests = ["*"]

[[deny]]
who = ["owner"]
actions = ["stop"]
guests = ["tag:prod"]

[[allow]]
who = ["helper"]
actions = ["backup.run"]
guests = ["pool:games"]

[[allow]]
who = ["helper"]
actions = ["view", "node.wake"]
nodes = ["pve2"]

[[allow]]
who = ["helper"]
actions = ["task.stop"]
guests = ["105"]
"#;
    run_without_bot(bare(rules), async |world| {
        let page = given(world, &["--storage", "nas"]).await;
        assert_snapshot!(lines(&page), @"
        pveum role add StewardDatastoreAllocateSpace -privs Datastore.AllocateSpace
        pveum acl modify / -propagate 0 -user discord@pve -token 'discord@pve!bot' -role StewardSysAudit
        pveum acl modify /nodes/pve2 -user discord@pve -token 'discord@pve!bot' -role StewardSysAudit,StewardSysModify,StewardSysPowerMgmt
        pveum acl modify /pool/games -propagate 0 -user discord@pve -token 'discord@pve!bot' -role StewardPoolAudit,StewardVMAudit,StewardVMBackup
        pveum acl modify /storage/local -user discord@pve -token 'discord@pve!bot' -role StewardDatastoreAudit
        pveum acl modify /storage/local-lvm -user discord@pve -token 'discord@pve!bot' -role StewardDatastoreAudit
        pveum acl modify /storage/nas -user discord@pve -token 'discord@pve!bot' -role StewardDatastoreAllocateSpace,StewardDatastoreAudit
        pveum acl modify /vms -user discord@pve -token 'discord@pve!bot' -role StewardVMAudit,StewardVMGuestAgentAudit,StewardVMSnapshotRollback
        pveum acl modify /vms/101 -user discord@pve -token 'discord@pve!bot' -role StewardVMAudit,StewardVMBackup,StewardVMGuestAgentAudit,StewardVMPowerMgmt,StewardVMSnapshotRollback
        pveum acl modify /vms/102 -user discord@pve -token 'discord@pve!bot' -role StewardVMAudit,StewardVMBackup,StewardVMGuestAgentAudit,StewardVMPowerMgmt,StewardVMSnapshotRollback
        pveum acl modify /vms/104 -user discord@pve -token 'discord@pve!bot' -role StewardVMAudit,StewardVMGuestAgentAudit,StewardVMPowerMgmt,StewardVMSnapshotRollback
        pveum acl modify /vms/105 -user discord@pve -token 'discord@pve!bot' -role StewardVMAudit,StewardVMGuestAgentAudit,StewardVMPowerMgmt,StewardVMSnapshotRollback
        pveum acl modify /vms/106 -user discord@pve -token 'discord@pve!bot' -role StewardVMAudit,StewardVMGuestAgentAudit,StewardVMPowerMgmt,StewardVMSnapshotRollback
        pveum acl modify /vms/107 -user discord@pve -token 'discord@pve!bot' -role StewardVMAudit,StewardVMGuestAgentAudit,StewardVMPowerMgmt,StewardVMSnapshotRollback
        pveum acl modify /vms/108 -user discord@pve -token 'discord@pve!bot' -role StewardVMAudit,StewardVMGuestAgentAudit,StewardVMPowerMgmt,StewardVMSnapshotRollback
        pveum acl delete /nodes -user discord@pve -token 'discord@pve!bot' -role StewardSysAudit,StewardSysModify
        pveum acl delete /storage -user discord@pve -token 'discord@pve!bot' -role StewardDatastoreAudit
        ");
        let (said, _) = told(&mut steward(world, &["check"])).await;
        assert!(
            said.contains("can do all that rules allow anybody"),
            "{said}"
        );
    });
}

#[test]
fn what_cannot_be_said_is_an_error_with_its_code() {
    run_without_bot(bare(FRIENDS), async |world| {
        let dead = (
            "PVE_STEWARD__CLUSTER__HOME__ENDPOINTS",
            "https://127.0.0.1:1",
        );
        let mut asked = steward(world, &["pveum"]);
        let (said, code) = told(asked.envs([dead])).await;
        assert_eq!(code, Some(75), "{said}");
        assert!(said.contains("home cannot be read"), "{said}");
        assert!(!said.contains("pveum acl"), "{said}");
        let mut offline = steward(world, &["pveum", "--offline"]);
        let (said, code) = told(offline.envs([dead])).await;
        assert_eq!(code, Some(0), "{said}");
    });
}

/// What a second token for `/token` would take, for whoever configures one.
#[test]
fn the_lines_of_a_second_token_work() {
    run_without_bot(bare(FRIENDS), async |world| {
        for line in pve_steward::embed::pveum::admin("tokens@pve!admin", None) {
            world
                .px
                .pveum(&line)
                .unwrap_or_else(|why| panic!("{line}: {why}"));
        }
        let held = world
            .px
            .pveum("pveum user token permissions tokens@pve admin")
            .unwrap();
        for (path, privilege) in [
            ("/access/groups", "User.Modify"),
            ("/access", "Sys.Audit"),
            ("/vms", "Permissions.Modify"),
        ] {
            assert!(held.contains(path) && held.contains(privilege), "{held}");
        }
        let bots = world
            .px
            .pveum("pveum user token permissions discord@pve bot")
            .unwrap();
        assert!(!bots.contains("Modify"), "{bots}");
        // They are not the bot's to lose.
        let page = given(world, &[]).await;
        assert!(!page.contains("StewardUserModify"), "{page}");
    });
}

#[test]
fn several_clusters_each_have_their_own() {
    let rules = "[[cluster]]\nname = \"lab\"\nendpoints = [\"https://192.0.2.9:8006\"]\n\
        token_id = \"bot@pve!lab\"\ntoken_secret = \"6f1d3c0a-9b7e-4f52-8c1d-2a7e5b904c34\"\n\
        [people]\nowner = 184405311681986560\n[[allow]]\nwho = [\"owner\"]\n\
        actions = [\"view\"]\nguests = [\"home/101\", \"cluster:lab\"]\nnodes = [\"lab/pve7\"]\n";
    run_without_bot(bare(rules), async |world| {
        assert_snapshot!(lines(&printed(world, &["--offline"]).await), @"
        pveum role add StewardSysAudit -privs Sys.Audit
        pveum role add StewardVMAudit -privs VM.Audit
        pveum role add StewardVMGuestAgentAudit -privs VM.GuestAgent.Audit
        pveum user add discord@pve -comment pve-steward
        pveum user token add discord@pve bot -privsep 1
        pveum acl modify / -propagate 0 -user discord@pve -token 'discord@pve!bot' -role StewardSysAudit
        pveum acl modify /vms/101 -user discord@pve -token 'discord@pve!bot' -role StewardVMAudit,StewardVMGuestAgentAudit
        pveum role add StewardSysAudit -privs Sys.Audit
        pveum role add StewardVMAudit -privs VM.Audit
        pveum role add StewardVMGuestAgentAudit -privs VM.GuestAgent.Audit
        pveum user add bot@pve -comment pve-steward
        pveum user token add bot@pve lab -privsep 1
        pveum acl modify / -propagate 0 -user bot@pve -token 'bot@pve!lab' -role StewardSysAudit
        pveum acl modify /nodes/pve7 -user bot@pve -token 'bot@pve!lab' -role StewardSysAudit
        pveum acl modify /vms -user bot@pve -token 'bot@pve!lab' -role StewardVMAudit,StewardVMGuestAgentAudit
        ");
    });
}
