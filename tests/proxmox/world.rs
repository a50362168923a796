//! What the tests share: a client for the fake, and permits, which only the gate can make.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use fake_proxmox::{Fault, FaultKind, Match, Setup};
use pve_steward::action::{Actor, GuestFacts, Power, Right, Target};
use pve_steward::config::{Acts, AllowRule, Bot, Cluster, Config, Discord, Place, Secret, Trust};
use pve_steward::ids::{ChannelId, GuestRef, GuildId, Kind, NodeName, Upid, UserId, Vmid};
use pve_steward::permission::{self, Law, Permit, Policy};
use pve_steward::proxmox::{Client, Error, Limits, Order, Sent};

pub(crate) async fn start(setup: Setup) -> fake_proxmox::Cluster {
    fake_proxmox::Cluster::start(setup)
        .await
        .expect("the fake starts")
}

pub(crate) async fn home() -> fake_proxmox::Cluster {
    start(Setup::home()).await
}

/// As the configuration of an owner who copied the cluster's CA.
pub(crate) fn config(fake: &fake_proxmox::Cluster) -> Cluster {
    Cluster {
        name: "home".parse().expect("a cluster name"),
        endpoints: fake.urls(),
        token_id: fake.token_id(),
        token_secret: Secret::new(fake.token_secret()),
        admin_token: None,
        trust: Trust::Ca(fake.ca_pem()),
    }
}

/// Short enough for tests, long enough for a busy machine.
pub(crate) fn limits() -> Limits {
    Limits {
        connect: Duration::from_secs(2),
        read: Duration::from_secs(2),
        protected: Duration::from_secs(2),
        write: Duration::from_secs(2),
        aside: Duration::from_millis(300),
        ..Limits::default()
    }
}

pub(crate) fn client(fake: &fake_proxmox::Cluster) -> Client {
    client_with(fake, limits())
}

pub(crate) fn client_with(fake: &fake_proxmox::Cluster, limits: Limits) -> Client {
    Client::with_limits(&config(fake), limits).expect("a client")
}

/// Hits requests of that method until cleared.
pub(crate) fn fault(kind: FaultKind, method: &str) -> Fault {
    Fault::always(kind).on(Match::any().method(method))
}

pub(crate) fn vmid(number: u64) -> Vmid {
    Vmid::new(number).expect("a VMID")
}

pub(crate) fn node(name: &str) -> NodeName {
    name.parse().expect("a node name")
}

pub(crate) fn guest(cluster: &str, number: u64) -> GuestRef {
    GuestRef {
        cluster: cluster.parse().expect("a cluster name"),
        vmid: vmid(number),
    }
}

/// From a policy in which one person may do everything.
pub(crate) fn permit(right: Right, on: &GuestRef) -> Permit {
    let facts = GuestFacts {
        guest: on.clone(),
        kind: Kind::Vm,
        node: node("pve1"),
        name: None,
        pool: None,
        pools_seen: [].into(),
        tags: Vec::new(),
    };
    let owner = UserId(1);
    let law = everything_for(owner);
    let actor = Actor {
        user: owner,
        name: "Olga".to_owned(),
        roles: Vec::new(),
        guild: GuildId(2),
        channel: ChannelId(3),
        parent: None,
    };
    permission::check(&law, &actor, right, &Target::Guest(&facts)).expect("allowed")
}

/// One rule, which gives everything to one person.
fn everything_for(owner: UserId) -> Law {
    let rule = AllowRule {
        place: Place {
            file: "test".into(),
            line: 1,
        },
        who: vec!["owner".to_owned()],
        actions: Right::ALL.to_vec(),
        guests: vec!["*".to_owned()],
        nodes: vec!["*".to_owned()],
        channels: Vec::new(),
        confirm: Vec::new(),
        hours: None,
        limit: None,
        cooldown: None,
        words: vec!["*".to_owned()],
    };
    let config = Config {
        discord: Discord {
            token: Secret::new("token".to_owned()),
            guilds: vec![GuildId(2)],
            channels: Vec::new(),
            public_read_channels: Vec::new(),
            approvals_channel: None,
            alerts_channel: None,
            audit_channel: None,
            api_url: None,
        },
        bot: Bot {
            state_dir: "/nowhere".into(),
            acts: Acts::Public,
            time_zone: None,
            grant_max: Duration::from_hours(1),
            ask_expires: Duration::from_mins(30),
        },
        clusters: Vec::new(),
        people: BTreeMap::from([("owner".to_owned(), owner)]),
        roles: BTreeMap::new(),
        allow: vec![rule],
        deny: Vec::new(),
        ask: Vec::new(),
    };
    let policy = Policy::compile(&config).expect("a policy");
    Law::of_rules(Arc::new(policy))
}

/// Power over a VM on pve1, with the permit that it needs.
pub(crate) async fn power(client: &Client, power: Power, number: u64) -> Result<Upid, Error> {
    let on = guest("home", number);
    let permit = permit(power.right(), &on);
    power_with(client, &permit, power, (&on, Kind::Vm, "pve1")).await
}

/// The same with a permit for whatever, over any guest.
pub(crate) async fn power_with(
    client: &Client,
    permit: &Permit,
    power: Power,
    (guest, kind, on): (&GuestRef, Kind, &str),
) -> Result<Upid, Error> {
    let facts = GuestFacts {
        guest: guest.clone(),
        kind,
        node: node(on),
        name: None,
        pool: None,
        pools_seen: Arc::default(),
        tags: Vec::new(),
    };
    let order = Order {
        deed: &power.into(),
        guest: &facts,
        overrule: false,
        remark: "",
    };
    match client.act(permit, order).await? {
        Sent::Task(upid) => Ok(upid),
        Sent::Nothing => panic!("power is always a task"),
    }
}
