//! What a cluster looks like when it starts.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::guest::{Guest, Kind};
use crate::ha::HaRule;
use crate::history::Past;
use crate::node::Update;
use crate::snapshot::Snapshot;
use crate::storage::{Backup, File, Storage};

/// When tasks end.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Clock {
    /// By themselves after `task`, HA requests after [`Setup::ha_delay`]: for demos.
    Auto { task: Duration },
    /// When the test says so, with `Cluster::finish` and `Cluster::ha_settle`. A task that must
    /// fail (template, lock ...) and one with nothing to do still end at once.
    Manual,
}

#[derive(Clone, Debug, PartialEq)]
pub struct Token {
    /// `user@realm!name`
    pub id: String,
    pub secret: String,
    /// Only what both the user and the token have.
    pub privsep: bool,
}

#[derive(Clone, Debug, PartialEq)]
pub struct Acl {
    pub path: String,
    /// A user (`discord@pve`) or a token (`discord@pve!bot`).
    pub who: String,
    /// Privileges; the single word `NoAccess` takes everything away.
    pub privs: Vec<String>,
    pub propagate: bool,
}

impl Acl {
    pub fn new(path: &str, who: &str, privs: &[&str], propagate: bool) -> Acl {
        Acl {
            path: path.into(),
            who: who.into(),
            privs: privs.iter().map(ToString::to_string).collect(),
            propagate,
        }
    }
}

/// What Proxmox would back up by itself; in the fake it is only looked at.
#[derive(Clone, Debug, PartialEq)]
pub struct BackupJob {
    pub id: String,
    /// `02:30`, `sat 04:00`
    pub schedule: String,
    pub storage: String,
    pub enabled: bool,
    /// Neither guests nor a pool: all guests.
    pub vmids: Vec<u32>,
    pub pool: Option<String>,
    /// Only there.
    pub node: Option<String>,
}

impl BackupJob {
    /// All guests, every night.
    pub fn all(id: &str, storage: &str) -> BackupJob {
        BackupJob {
            id: id.into(),
            schedule: "02:30".into(),
            storage: storage.into(),
            enabled: true,
            vmids: Vec::new(),
            pool: None,
            node: None,
        }
    }

    #[must_use]
    pub fn only(mut self, vmids: &[u32]) -> BackupJob {
        self.vmids = vmids.to_vec();
        self
    }

    pub(crate) fn covers(&self, vmid: u32, pool: Option<&str>) -> bool {
        match &self.pool {
            Some(own) => pool == Some(own),
            None => self.vmids.is_empty() || self.vmids.contains(&vmid),
        }
    }
}

#[derive(Clone, Debug)]
pub struct Setup {
    pub name: String,
    pub nodes: Vec<String>,
    pub guests: Vec<Guest>,
    pub storages: Vec<Storage>,
    /// Pools without guests; those that guests name exist anyway.
    pub pools: Vec<String>,
    pub tokens: Vec<Token>,
    pub acls: Vec<Acl>,
    /// With the storage each lies on.
    pub backups: Vec<(String, Backup)>,
    pub backup_jobs: Vec<BackupJob>,
    /// What was done before the cluster starts here.
    pub history: Vec<Past>,
    /// Node → the MAC address that wakes it.
    pub wol: BTreeMap<String, String>,
    /// Node → what waits to be installed.
    pub updates: BTreeMap<String, Vec<Update>>,
    /// `pveum` lines that root typed at the console before anything else; all of them worked. A token
    /// made there has the secret of the one in `tokens`.
    pub typed: Vec<String>,
    pub clock: Clock,
    /// (9, 2) or (8, 3), say: before 8.4 error bodies have no `message`.
    pub version: (u8, u8),
    /// One node that never joined a cluster.
    pub standalone: bool,
    pub quorate: bool,
    /// Of the datacenter's options; None: the default, `conditional`.
    pub shutdown_policy: Option<String>,
    pub ha_rules: Vec<HaRule>,
    /// The real server lets a refused login wait three seconds.
    pub unauthorized_delay: Duration,
    /// Automatic clock: from a queued HA request to the change.
    pub ha_delay: Duration,
    /// A guest agent that is silent is waited for so long; the real server gives it three seconds.
    pub agent_wait: Duration,
    /// The real server closes a connection that is idle for five seconds.
    pub idle: Duration,
    /// How many requests are kept for `Cluster::requests`; 0 for measurements.
    pub remember: usize,
    /// Ports to listen on, one per node, 0 for any free one; missing ones count as 0.
    pub ports: Vec<u16>,
}

const TOKEN: &str = "discord@pve!bot";
const SECRET: &str = "6f1d3c0a-9b7e-4f52-8c1d-2a7e5b904c33";

impl Setup {
    /// Nodes and one token without rights, nothing else.
    pub fn empty(nodes: &[&str]) -> Setup {
        Setup {
            name: "home".into(),
            nodes: nodes.iter().map(ToString::to_string).collect(),
            guests: Vec::new(),
            storages: Vec::new(),
            pools: Vec::new(),
            tokens: vec![Token {
                id: TOKEN.into(),
                secret: SECRET.into(),
                privsep: true,
            }],
            acls: Vec::new(),
            backups: Vec::new(),
            backup_jobs: Vec::new(),
            history: Vec::new(),
            wol: BTreeMap::new(),
            updates: BTreeMap::new(),
            typed: Vec::new(),
            clock: Clock::Manual,
            version: (9, 2),
            standalone: false,
            quorate: true,
            shutdown_policy: None,
            ha_rules: Vec::new(),
            unauthorized_delay: Duration::from_secs(3),
            ha_delay: Duration::from_secs(10),
            agent_wait: Duration::from_secs(3),
            idle: Duration::from_secs(5),
            remember: 10_000,
            ports: Vec::new(),
        }
    }

    /// Two nodes at home: what most tests and the demo start from.
    pub fn home() -> Setup {
        Setup::home_on(&["pve1", "pve2"])
    }

    /// The same guests, spread over the nodes given (at least one).
    pub fn home_on(nodes: &[&str]) -> Setup {
        let first = nodes[0];
        let second = nodes.get(1).copied().unwrap_or(first);
        let mut setup = Setup::empty(nodes);
        setup.guests = vec![
            valheim(first),
            Guest::vm(102, "minecraft", second)
                .tags(&["games"])
                .option("onboot", "1")
                .option("startup", "order=3,up=30,down=120")
                .addresses(&["192.168.1.22/24", "fe80::be24:11ff:fe20:66/64"])
                .running(52),
            Guest::vm(103, "nextcloud", first)
                .tags(&["prod"])
                .option("onboot", "1")
                .option("protection", "1")
                .option("scsi1", "local-lvm:vm-103-disk-1,iothread=1,size=500G")
                .addresses(&["192.168.1.23/24", "2001:db8:1::23/64"])
                .running(380),
            Guest::ct(104, "dns", first)
                .tags(&["prod"])
                .option("onboot", "1")
                .option("startup", "order=1")
                .addresses(&["192.168.1.24/24", "2001:db8:1::24/64"])
                .running(380),
            Guest::ct(105, "web-lab", second)
                .tags(&["lab"])
                .addresses(&["192.168.1.25/24"]),
            Guest::vm(106, "template-debian", first).template(),
            Guest::vm(107, "backup-me", first).locked("backup"),
            Guest::vm(108, "ha-db", second).ha("stopped"),
        ];
        // As the real one does for a limit without cores.
        setup.guests[3].cpulimit = Some("2".into());
        setup.storages = storages(&setup.nodes);
        setup.acls = acls(&setup.guests);
        setup
    }

    /// As after some weeks of use: backups, ISO images, tasks of the past, updates that wait, nodes that
    /// can be woken. Gives nobody any rights.
    #[must_use]
    pub fn lived_in(mut self) -> Setup {
        const HOUR: Duration = Duration::from_secs(3600);
        const DAY: u32 = 24;
        let first = self.nodes[0].clone();
        for (number, node) in (0x10..).zip(&self.nodes) {
            let mac = format!("BC:24:11:5E:02:{number:02X}");
            self.wol.insert(node.clone(), mac);
        }
        self.updates.insert(first.clone(), updates());
        for storage in self.storages.iter_mut().filter(|it| it.holds("iso")) {
            let file = |content, name| File::new(content, name, &first);
            storage.files = vec![
                file("iso", "debian-13.1.0-amd64-netinst.iso"),
                file("vztmpl", "debian-13-standard_13.1-1_amd64.tar.zst"),
            ];
        }
        self.backup_jobs =
            vec![BackupJob::all("backup-8a3c41d2-77f0", "nas").only(&[101, 102, 103, 104])];
        for guest in self
            .guests
            .iter()
            .filter(|it| (101..=104).contains(&it.vmid))
        {
            for night in 0..3 {
                let backup = match guest.kind {
                    Kind::Vm => Backup::vm(guest.vmid, &guest.node),
                    Kind::Ct => Backup::ct(guest.vmid, &guest.node),
                };
                let age = HOUR * (night * DAY + 9) + HOUR / 60 * (guest.vmid - 100);
                let backup = backup.ago(age).notes(&guest.name);
                let backup = if night == 2 {
                    backup.protected()
                } else {
                    backup
                };
                self.backups.push(("nas".into(), backup));
            }
        }
        let past = |node: &str, kind: &str, id: &str, hours: u32| {
            Past::new(node, kind, id).ago(HOUR * hours)
        };
        let last = self.nodes.last().unwrap_or(&first).clone();
        self.history = vec![
            past(&first, "qmstart", "103", 16 * DAY),
            past(&first, "vzstart", "104", 16 * DAY),
            past(&first, "aptupdate", "", 15),
            past(&first, "vzdump", "", 9)
                .took(HOUR / 3)
                .log("INFO: Backup job finished successfully"),
            past(&last, "vzdump", "", 9)
                .took(HOUR / 6)
                .log("INFO: Backup job finished successfully"),
            past(&last, "qmstart", "105", 7)
                .exit("unable to find configuration file for VM 105 on node 'pve2'"),
            past(&first, "imgcopy", "", 3).exit("WARNINGS: 1"),
            past(&first, "vncproxy", "103", 2).took(HOUR / 4),
        ];
        self
    }

    /// Its token may back up every guest, and see what is on the storages.
    #[must_use]
    pub fn backing_up(mut self) -> Setup {
        let user = TOKEN.split('!').next().unwrap_or(TOKEN);
        for who in [user, TOKEN] {
            let space = ["Datastore.Audit", "Datastore.AllocateSpace"];
            self.acls.push(Acl::new("/storage", who, &space, true));
            for guest in &self.guests {
                let path = match &guest.pool {
                    Some(pool) => format!("/pool/{pool}"),
                    None => format!("/vms/{}", guest.vmid),
                };
                self.acls.push(Acl::new(&path, who, &["VM.Backup"], true));
            }
        }
        self
    }

    /// The token a test or the bot uses: the first.
    pub(crate) fn token(&self) -> Token {
        self.tokens[0].clone()
    }
}

/// A small tree: `fresh-install` with `before-mods` and, beside it, `update-0-220` below it.
fn valheim(node: &str) -> Guest {
    let text = "Valheim for friends. World: Midgard.";
    Guest::vm(101, "valheim", node)
        .tags(&["games"])
        .pool("friends")
        .option("description", text)
        .addresses(&["192.168.1.21/24", "fe80::be24:11ff:fe20:65/64"])
        .snapshot(
            Snapshot::new("fresh-install")
                .described("Debian and the server, no world yet")
                .hours_ago(2_200),
        )
        .snapshot(
            Snapshot::new("before-mods")
                .described("Friday night, all logged out")
                .hours_ago(340)
                .with_ram(),
        )
        .based_on("fresh-install")
        .snapshot(Snapshot::new("update-0-220").hours_ago(30))
}

fn updates() -> Vec<Update> {
    vec![
        Update::new(
            "openssl",
            "Secure Sockets Layer toolkit",
            "3.5.1-1",
            "3.5.4-1~deb13u1",
        ),
        Update::new(
            "pve-manager",
            "Proxmox Virtual Environment Management Tools",
            "9.2.4",
            "9.2.11",
        ),
        Update::new("qemu-server", "Qemu Server Tools", "9.2.3", "9.2.6"),
    ]
}

fn storages(nodes: &[String]) -> Vec<Storage> {
    let mut thin = Storage::new("local-lvm", nodes, "lvmthin", "images,rootdir");
    (thin.used, thin.total) = (410 << 30, 833 << 30);
    let mut nas = Storage::new("nas", nodes, "nfs", "backup,iso,vztmpl");
    (nas.used, nas.total, nas.shared) = (5 << 40, 8 << 40, true);
    vec![
        Storage::new("local", nodes, "dir", "backup,iso,vztmpl"),
        thin,
        nas,
    ]
}

/// Audit everywhere; power over each guest, through its pool where it has one.
///
/// A path replaces what it would inherit: without its own Pool.Audit the pool would vanish from
/// every list, and its name from the guests' rows.
fn acls(guests: &[Guest]) -> Vec<Acl> {
    let audit = ["Sys.Audit", "VM.Audit", "Datastore.Audit", "Pool.Audit"];
    let user = TOKEN.split('!').next().unwrap_or(TOKEN);
    let mut acls = Vec::new();
    for who in [user, TOKEN] {
        acls.push(Acl::new("/", who, &audit, true));
        for guest in guests {
            let mut privs = vec![
                "VM.PowerMgmt",
                "VM.Audit",
                "VM.Snapshot",
                // Of 8, and of 9: the other version does not know it.
                "VM.Monitor",
                "VM.GuestAgent.Audit",
            ];
            let mut path = format!("/vms/{}", guest.vmid);
            if let Some(pool) = &guest.pool {
                privs.push("Pool.Audit");
                path = format!("/pool/{pool}");
            }
            acls.push(Acl::new(&path, who, &privs, true));
        }
    }
    acls
}
