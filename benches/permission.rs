//! What a decision costs: 1,000 rules, 10,000 guests, a person with five roles. A check must stay under
//! 20 µs, whatever the rules.
//!
//! `cargo bench --bench permission`

use std::fmt::Write as _;
use std::hint::black_box;
use std::sync::Arc;

use criterion::{Criterion, criterion_group, criterion_main};
use jiff::Timestamp;
use pve_steward::action::{Actor, GuestFacts, Right, Target};
use pve_steward::config;
use pve_steward::ids::{ChannelId, GrantId, GuestRef, GuildId, Kind, RoleId, UserId, Vmid};
use pve_steward::permission::{Giver, Grant, Law, Policy, Standing, check};

const RULES: u64 = 1000;
const GUESTS: u64 = 10_000;
const PEOPLE: u64 = 100;
const ROLES: u64 = 40;

criterion_group!(benches, decisions, lists);
criterion_main!(benches);

/// One guest, as when a command is given.
fn decisions(bench: &mut Criterion) {
    let guests = guests();
    for (title, law, actor) in laws(&guests) {
        let mut group = bench.benchmark_group(title);
        let may =
            |guest: &&GuestFacts| check(&law, &actor, Right::Start, &Target::Guest(guest)).is_ok();
        let (yes, no) = (
            guests.iter().find(may),
            guests.iter().find(|guest| !may(guest)),
        );
        let found = [("allowed", yes), ("refused", no)];
        for (which, guest) in found.into_iter().filter_map(|(w, g)| Some((w, g?))) {
            let target = Target::Guest(guest);
            group.bench_function(format!("check, {which}"), |b| {
                b.iter(|| check(&law, black_box(&actor), Right::Start, &target).is_ok());
            });
            let mine = law.of(&actor);
            group.bench_function(format!("decide, {which}"), |b| {
                b.iter(|| mine.decide(black_box(Right::Start), &target).is_ok());
            });
            group.bench_function(format!("may_ask, {which}"), |b| {
                b.iter(|| mine.may_ask(black_box(Right::Stop), &target).is_some());
            });
        }
        group.finish();
    }
}

/// All guests, as in `/status` and completion.
fn lists(bench: &mut Criterion) {
    let guests = guests();
    for (title, law, actor) in laws(&guests) {
        let mut group = bench.benchmark_group(title);
        group.sample_size(20);
        group.bench_function("see, all guests", |b| {
            b.iter(|| {
                let mine = law.of(black_box(&actor));
                let seen = |guest: &&GuestFacts| mine.see(&Target::Guest(guest));
                guests.iter().filter(seen).count()
            });
        });
        group.finish();
    }
}

/// How many of the rules speak of the person, and of the guest.
#[derive(Clone, Copy, PartialEq)]
enum Share {
    Ordinary,
    /// Every rule names the person.
    AllRules,
    /// Every rule names the person and every guest, so that each must be looked at.
    AllOfAll,
}

fn laws(guests: &[GuestFacts]) -> Vec<(String, Law, Actor)> {
    let mut laws = Vec::new();
    for (title, share) in [
        ("some rules", Share::Ordinary),
        ("all rules", Share::AllRules),
        ("all rules for all guests", Share::AllOfAll),
    ] {
        let policy = policy(share);
        for grants in [0, 50] {
            let standing = Standing {
                grants: (0..grants).map(|i| Arc::new(grant(i, guests))).collect(),
                ..Standing::default()
            };
            let law = Law::new(policy.clone(), Arc::new(standing), Timestamp::now());
            laws.push((format!("{title}, {grants} grants"), law, person()));
        }
    }
    laws
}

fn person() -> Actor {
    Actor {
        user: UserId(1000),
        name: "somebody".to_owned(),
        roles: (0..5).map(|role| RoleId(2000 + role * 7)).collect(),
        guild: GuildId(1),
        channel: ChannelId(1),
        parent: None,
    }
}

/// The first guests lent to the person by somebody who may do it by rule.
fn grant(number: u64, guests: &[GuestFacts]) -> Grant {
    let guest = &guests[usize::try_from(number * 3).unwrap_or_default()];
    Grant {
        id: GrantId(i64::try_from(number + 1).unwrap_or_default()),
        to: UserId(1000),
        rights: vec![Right::View, Right::Start, Right::Stop],
        guest: guest.guest.clone(),
        guest_name: guest.name.clone().unwrap_or_default(),
        giver: Giver {
            user: UserId(999),
            roles: Vec::new(),
            guild: GuildId(1),
        },
        since: 0,
        ends: i64::MAX,
    }
}

fn guests() -> Vec<GuestFacts> {
    let guest = |i: u64| GuestFacts {
        guest: GuestRef {
            cluster: if i.is_multiple_of(2) { "home" } else { "lab" }
                .parse()
                .unwrap(),
            vmid: Vmid::new(100 + i).unwrap(),
        },
        kind: if i.is_multiple_of(3) {
            Kind::Ct
        } else {
            Kind::Vm
        },
        node: format!("pve{}", i % 32).parse().unwrap(),
        name: Some(format!("guest-{i}")),
        pool: i.is_multiple_of(4).then(|| format!("pool{}", i % 300)),
        pools_seen: [].into(),
        tags: vec![format!("tag{}", i % 500), "linux".to_owned()],
    };
    (0..GUESTS).map(guest).collect()
}

/// Loaded from a file, as the bot does it.
fn policy(share: Share) -> Arc<Policy> {
    let mut text = String::from("[discord]\ntoken = \"t\"\nguilds = [1]\n");
    for name in ["home", "lab"] {
        let _ = writeln!(
            text,
            "[[cluster]]\nname = \"{name}\"\nendpoints = [\"https://127.0.0.1:8006\"]\n\
             token_id = \"discord@pve!bot\"\ntoken_secret = \"00000000-0000-4000-8000-000000000000\""
        );
    }
    text.push_str("[people]\nlender = 999\n");
    (0..PEOPLE).for_each(|i| writeln!(text, "person{i} = {}", 1000 + i).unwrap());
    text.push_str("[roles]\n");
    (0..ROLES).for_each(|i| writeln!(text, "role{i} = {}", 2000 + i).unwrap());
    text.push_str(
        "[[allow]]\nwho = [\"lender\"]\nactions = [\"*\"]\nguests = [\"*\"]\nnodes = [\"*\"]\n",
    );
    (1..RULES).for_each(|i| text.push_str(&rule(i, share)));
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("steward.toml");
    std::fs::write(&file, text).unwrap();
    let loaded = config::load(&[file], std::iter::empty()).unwrap();
    Arc::new(Policy::compile(&loaded.config).unwrap())
}

/// One in eight is a deny, one in eight an ask; selectors of all kinds.
fn rule(i: u64, share: Share) -> String {
    let list = match i % 8 {
        0 => "deny",
        1 => "ask",
        _ => "allow",
    };
    let who = match (share, i % 2) {
        (Share::AllRules | Share::AllOfAll, _) => "person0".to_owned(),
        (Share::Ordinary, 0) => format!("person{}", i % PEOPLE),
        (Share::Ordinary, _) => format!("role{}", i % ROLES),
    };
    // A deny of all guests would end every look at once.
    if share == Share::AllOfAll && list == "deny" {
        return "[[deny]]\nwho = [\"person0\"]\nactions = [\"audit\"]\nguests = [\"*\"]\n"
            .to_owned();
    }
    let selector = match i % 9 {
        0 => format!("home/{}", 100 + i),
        1 => format!("lab/{}", 101 + i),
        2 => format!("name:guest-{i}*"),
        3 => format!("tag:tag{}", i % 500),
        4 => format!("pool:pool{}", i % 300),
        5 => format!("node:home/pve3{}", i % 10),
        6 => format!("node:pve{}x", i % 10),
        7 => format!("name:*-{i}"),
        _ => format!("tag:other{i}"),
    };
    let selector = if share == Share::AllOfAll {
        "*".to_owned()
    } else {
        selector
    };
    let mut rule = format!(
        "[[{list}]]\nwho = [\"{who}\"]\nactions = [\"power\"]\nguests = [\"{selector}\", \"name:x{i}?\"]\n"
    );
    if list == "allow" && i.is_multiple_of(5) {
        rule.push_str("limit = \"5 per hour\"\nhours = \"08:00-07:59\"\nconfirm = [\"reboot\"]\n");
    }
    rule
}
