//! `pve-steward pveum`, typed line by line on the fake: with exactly what it prints all works that
//! the rules allow anybody, and Proxmox itself refuses the rest.

mod support;

use std::sync::Arc;
use std::time::Duration;

use fake_proxmox::{Backup, Kind as PxKind, Past};
use insta::assert_snapshot;
use pve_steward::action::{Actor, BackupMode, Deed, GuestFacts, Power, Right, Target};
use pve_steward::ids::{ChannelId, GuildId, NodeRef};
use pve_steward::permission::{self, Law, Permit, Policy, Standing, Subject};
use pve_steward::proxmox::{Client, Inventory, Order, Sent};
use support::binary::{ended, steward, text, told};
use support::{Setup, World, run_without_bot};

const FAMILY: &str = include_str!("../config/policies/family.toml");
const GAMES: &str = include_str!("../config/policies/game-server.toml");
const TEAM: &str = include_str!("../config/policies/team.toml");

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
    typed(world, &printed(world, &["--offline"]).await);
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

struct Rules {
    law: Law,
    subjects: Vec<Subject>,
}

impl Rules {
    fn of(world: &World) -> Self {
        let policy = Arc::new(Policy::compile(&world.config()).unwrap());
        let subjects = permission::subjects(&policy, GuildId(1), ChannelId(1));
        // Within the hours of every example.
        let noon = "2026-11-24T17:00:00Z".parse().unwrap();
        let law = Law::new(policy, Arc::new(Standing::default()), noon);
        Self { law, subjects }
    }

    fn permit(&self, right: Right, target: &Target<'_>) -> Option<Permit> {
        let allowed = |actor: &Actor| permission::check(&self.law, actor, right, target).ok();
        self.subjects
            .iter()
            .find_map(|subject| allowed(&subject.actor))
    }

    fn any(&self, rights: &[Right], target: &Target<'_>) -> bool {
        rights
            .iter()
            .any(|right| self.permit(*right, target).is_some())
    }
}

/// All guests as they are, whoever may see them.
fn facts(world: &World) -> Vec<GuestFacts> {
    let guests = world.px.guests().into_iter();
    guests
        .map(|guest| GuestFacts {
            guest: format!("home/{}", guest.vmid)
                .split_once('/')
                .map(|(cluster, vmid)| pve_steward::ids::GuestRef {
                    cluster: cluster.parse().unwrap(),
                    vmid: vmid.parse().unwrap(),
                })
                .unwrap(),
            kind: match guest.kind {
                PxKind::Vm => pve_steward::ids::Kind::Vm,
                PxKind::Ct => pve_steward::ids::Kind::Ct,
            },
            node: guest.node.parse().unwrap(),
            name: Some(guest.name),
            pool: guest.pool,
            pools_seen: ["games", "dev", "prod"].map(str::to_owned).into(),
            tags: guest.tags,
        })
        .collect()
}

fn deeds() -> Vec<Deed> {
    let mut deeds = vec![
        Deed::SnapshotCreate {
            name: "proof".parse().unwrap(),
            ram: false,
        },
        Deed::SnapshotRollback("proof".parse().unwrap()),
        Deed::SnapshotDelete("proof".parse().unwrap()),
        Deed::Backup {
            storage: "nas".parse().unwrap(),
            mode: BackupMode::Snapshot,
        },
    ];
    deeds.extend([
        Deed::Power(Power::Start),
        Deed::Power(Power::Suspend),
        Deed::Power(Power::Resume),
        Deed::Power(Power::Reset),
        Deed::Power(Power::Reboot),
        Deed::Power(Power::Shutdown),
        Deed::Power(Power::Start),
        Deed::Power(Power::Stop),
    ]);
    deeds
}

/// In which state of the guest it makes sense.
fn before(deed: &Deed) -> &'static str {
    match deed {
        Deed::Power(Power::Start) => "stopped",
        Deed::Power(Power::Resume) => "paused",
        _ => "running",
    }
}

async fn ends(world: &World, upid: &str) -> String {
    for _ in 0..1000 {
        let tasks = world.px.tasks();
        let exit = tasks.into_iter().find(|task| task.upid == upid);
        if let Some(exit) = exit.and_then(|task| task.exit) {
            return exit;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("{upid} does not end");
}

/// Everything that the bot can do to a guest, as far as somebody may; how often it was done.
async fn all_that_is_allowed_works(world: &World, rules: &Rules) -> usize {
    let client = Client::new(&world.config().clusters[0]).unwrap();
    let inventory = Inventory::new(Arc::new(Client::new(&world.config().clusters[0]).unwrap()));
    let seen = inventory
        .fresh(Duration::ZERO, Duration::from_secs(5))
        .await;
    let seen = seen.unwrap();
    let mut done = 0;
    for guest in &facts(world) {
        let vmid = guest.guest.vmid.get();
        let target = Target::Guest(guest);
        if rules.any(&Right::ALL, &target) {
            let facts = seen.guests.get(&guest.guest.vmid).map(|guest| &guest.facts);
            let facts = facts.unwrap_or_else(|| panic!("{} is not seen", guest.guest));
            assert_eq!((&facts.name, &facts.tags), (&guest.name, &guest.tags));
            inventory.guest_now(guest).await.unwrap();
            client.snapshots(guest).await.unwrap();
            done += 1;
        }
        let up = world.px.guest(vmid).unwrap();
        for deed in deeds() {
            let Some(permit) = rules.permit(deed.right(), &target) else {
                continue;
            };
            // A container that runs cannot be resumed, and CRIU suspends nearly none.
            let frozen = [Deed::Power(Power::Suspend), Deed::Power(Power::Resume)];
            let useless = up.kind == PxKind::Ct && frozen.contains(&deed);
            if useless || !deed.is_for(guest.kind) {
                continue;
            }
            world.px.set_guest(vmid, |px| {
                px.state = before(&deed).to_owned();
            });
            let order = Order {
                deed: &deed,
                guest,
                overrule: false,
                remark: "proof",
            };
            let sent = client.act(&permit, order).await;
            let sent = sent.unwrap_or_else(|error| panic!("{deed:?} of {}: {error}", guest.guest));
            let Sent::Task(upid) = sent else {
                panic!("{deed:?} of {} is nothing", guest.guest);
            };
            let exit = ends(world, upid.as_str()).await;
            assert_eq!(exit, "OK", "{deed:?} of {}", guest.guest);
            done += 1;
        }
        if rules.any(&[Right::BackupView], &target) {
            let list = client.backups(guest, &"nas".parse().unwrap()).await;
            assert!(!list.unwrap().is_empty(), "backups of {}", guest.guest);
        }
    }
    for node in seen.nodes.keys() {
        let node_ref = NodeRef {
            cluster: "home".parse().unwrap(),
            node: node.clone(),
        };
        if rules.any(&[Right::View], &Target::Node(&node_ref)) {
            client.node_status(node).await.unwrap();
            assert!(seen.nodes[node].mem.is_some(), "figures of {node}");
            assert!(
                seen.storages.keys().any(|(on, _)| on == node),
                "its storages"
            );
        }
    }
    assert!(seen.quorum.is_some(), "the quorum is seen");
    done
}

/// Proxmox, asked by somebody who got hold of the token.
struct Thief<'w> {
    world: &'w World,
    http: reqwest::Client,
    refused: usize,
}

impl<'w> Thief<'w> {
    fn new(world: &'w World) -> Self {
        let ca = reqwest::Certificate::from_pem(world.px.ca_pem().as_bytes()).unwrap();
        let http = reqwest::Client::builder()
            .add_root_certificate(ca)
            .tls_built_in_root_certs(false)
            .pool_max_idle_per_host(0);
        Self {
            world,
            http: http.build().unwrap(),
            refused: 0,
        }
    }

    async fn asks(&self, method: &str, path: &str, form: &str) -> (u16, String) {
        let url = format!("{}/api2/json{path}", self.world.px.urls()[0]);
        let (id, secret) = (self.world.px.token_id(), self.world.px.token_secret());
        let mut request = self
            .http
            .request(method.parse().unwrap(), url)
            .header("Authorization", format!("PVEAPIToken={id}={secret}"));
        if matches!(method, "POST" | "PUT") {
            request = request
                .header("Content-Type", "application/x-www-form-urlencoded")
                .body(form.to_owned());
        }
        let answer = request.send().await.unwrap();
        (answer.status().as_u16(), answer.text().await.unwrap())
    }

    async fn is_refused(&mut self, method: &str, path: &str, form: &str) {
        let (status, said) = self.asks(method, path, form).await;
        assert_eq!(status, 403, "{method} {path} {form}\n{said}");
        self.refused += 1;
    }

    /// What takes the same privilege, Proxmox cannot tell apart: that is the bot's own gate.
    async fn tries_guest(&mut self, rules: &Rules, guest: &GuestFacts) {
        use Right::{
            BackupRun, BackupView, Reboot, Reset, Resume, Shutdown, SnapshotCreate, SnapshotDelete,
            SnapshotRollback, Start, Stop, Suspend, View,
        };
        let target = Target::Guest(guest);
        let (node, kind, vmid) = (&guest.node, guest.kind.api(), guest.guest.vmid);
        let at = format!("/nodes/{node}/{kind}/{vmid}");
        let vm = guest.kind == pve_steward::ids::Kind::Vm;
        if !rules.any(&Right::ALL, &target) {
            self.is_refused("GET", &format!("{at}/status/current"), "")
                .await;
            self.is_refused("GET", &format!("{at}/snapshot"), "").await;
        }
        if !rules.any(&[View], &target) && vm {
            let agent = format!("{at}/agent/network-get-interfaces");
            self.is_refused("GET", &agent, "").await;
        }
        let power = [Start, Shutdown, Reboot, Suspend, Resume, Stop, Reset];
        if !rules.any(&power, &target) {
            for right in power.into_iter().filter(|right| vm || *right != Reset) {
                self.is_refused("POST", &format!("{at}/status/{right}"), "")
                    .await;
            }
        }
        if !rules.any(&[SnapshotCreate, SnapshotDelete], &target) {
            let one = format!("{at}/snapshot/fresh-install");
            self.is_refused("POST", &format!("{at}/snapshot"), "snapname=stolen")
                .await;
            self.is_refused("DELETE", &one, "").await;
            if !rules.any(&[SnapshotRollback], &target) {
                self.is_refused("POST", &format!("{one}/rollback"), "")
                    .await;
            }
        }
        if !rules.any(&[BackupView, BackupRun], &target) {
            self.tries_backup(guest).await;
        }
    }

    /// Where the storage can be written to for other guests, the task itself fails.
    async fn tries_backup(&mut self, guest: &GuestFacts) {
        let (node, vmid) = (&guest.node, guest.guest.vmid);
        let before = self.world.px.backups("nas").len();
        let form = format!("vmid={vmid}&storage=nas");
        let (status, said) = self
            .asks("POST", &format!("/nodes/{node}/vzdump"), &form)
            .await;
        if status == 200 {
            let answer: serde_json::Value = serde_json::from_str(&said).unwrap();
            let exit = ends(self.world, answer["data"].as_str().unwrap()).await;
            assert_ne!(exit, "OK", "a backup of {vmid}");
        } else {
            assert_eq!(status, 403, "{said}");
        }
        assert_eq!(self.world.px.backups("nas").len(), before);
        let list = format!("/nodes/{node}/storage/nas/content?content=backup&vmid={vmid}");
        let (status, said) = self.asks("GET", &list, "").await;
        assert!(status == 403 || !said.contains("vzdump"), "{said}");
        self.refused += 1;
    }

    async fn tries_the_rest(&mut self, rules: &Rules) {
        use Right::{NodeReboot, NodeShutdown, NodeWake, TaskStop, TaskView, View};
        let guests = facts(self.world);
        for node in ["pve1", "pve2"] {
            let node_ref: NodeRef = NodeRef {
                cluster: "home".parse().unwrap(),
                node: node.parse().unwrap(),
            };
            let here = guests.iter().filter(|guest| guest.node == node_ref.node);
            let mut targets: Vec<Target<'_>> = here.map(Target::Guest).collect();
            targets.push(Target::Node(&node_ref));
            let of_node = Target::Node(&node_ref);
            let any = |rights: &[Right]| targets.iter().any(|target| rules.any(rights, target));
            let others = Past::new(node, "qmstart", "103").running();
            let upid = self.world.px.add_task(&others);
            let task = format!("/nodes/{node}/tasks/{}", upid.replace(':', "%3A"));
            if !any(&[TaskView, TaskStop]) && !rules.any(&[View], &of_node) {
                self.is_refused("GET", &format!("{task}/log"), "").await;
                self.is_refused("GET", &format!("/nodes/{node}/status"), "")
                    .await;
            }
            if any(&[TaskStop]) {
                let (status, said) = self.asks("DELETE", &task, "").await;
                assert_eq!(status, 200, "another's task is stopped: {said}");
            } else {
                self.is_refused("DELETE", &task, "").await;
                self.is_refused("GET", &format!("/nodes/{node}/apt/update"), "")
                    .await;
            }
            if !rules.any(&[NodeReboot, NodeShutdown, NodeWake], &of_node) {
                let status = format!("/nodes/{node}/status");
                self.is_refused("POST", &status, "command=reboot").await;
                self.is_refused("POST", &format!("/nodes/{node}/wakeonlan"), "")
                    .await;
            }
        }
        // Whoever may do everything by the bot may still not make the token more than it is.
        for (method, path, form) in [
            ("POST", "/access/roles", "roleid=Mine&privs=VM.Allocate"),
            (
                "PUT",
                "/access/acl",
                "path=/&roles=Administrator&users=discord@pve",
            ),
            ("POST", "/access/users/discord@pve/token/more", "privsep=0"),
            ("POST", "/pools", "poolid=mine"),
            ("PUT", "/pools", "poolid=games&vms=107"),
        ] {
            self.is_refused(method, path, form).await;
        }
    }
}

fn proves(rules: &str, options: &'static [&str], least: (usize, usize)) {
    run_without_bot(bare(rules), async |world| {
        let page = given(world, options).await;
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
        let with = [
            "--with",
            "addresses",
            "--with",
            "updates",
            "--storage",
            "nas",
        ];
        let all = support::RULES.replace("tag:games", "tag:fun");
        world.write_rules(&all);
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
