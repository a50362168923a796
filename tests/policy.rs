//! The example's policy as a matrix, compared with a file that people review; and the laws that
//! every policy obeys.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use pve_steward::action::{Actor, GuestFacts, Right, Target};
use pve_steward::config::{self, Config, Problem};
use pve_steward::embed::policy as words;
use pve_steward::ids::{ChannelId, GuestRef, GuildId, Kind, NodeRef, UserId, Vmid};
use pve_steward::permission::{self, Denied, Law, Policy, check, matrix, specimens, subjects};

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

/// Rules below a minimal configuration.
fn load(rules: &str) -> Result<Config, Vec<Problem>> {
    let text = format!(
        r#"
[discord]
token = "t"
guilds = [1]
[[cluster]]
name = "home"
endpoints = ["https://127.0.0.1:8006"]
token_id = "discord@pve!bot"
token_secret = "00000000-0000-4000-8000-000000000000"
[people]
owner = 10
max = 11
[roles]
friends = 20
{rules}"#
    );
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("steward.toml");
    std::fs::write(&file, text).unwrap();
    config::load(&[file], std::iter::empty()).map(|loaded| loaded.config)
}

fn policy(rules: &str) -> Law {
    Law::of_rules(Arc::new(Policy::compile(&load(rules).unwrap()).unwrap()))
}

fn actor(user: u64, roles: &[u64], channel: u64) -> Actor {
    Actor {
        user: UserId(user),
        name: "somebody".into(),
        roles: roles
            .iter()
            .map(|id| pve_steward::ids::RoleId(*id))
            .collect(),
        guild: GuildId(1),
        channel: ChannelId(channel),
        parent: None,
    }
}

fn guest(vmid: u64, tags: &[&str]) -> GuestFacts {
    GuestFacts {
        guest: GuestRef {
            cluster: "home".parse().unwrap(),
            vmid: Vmid::new(vmid).unwrap(),
        },
        kind: Kind::Vm,
        node: "pve1".parse().unwrap(),
        name: Some(format!("guest-{vmid}")),
        pool: None,
        pools_seen: [].into(),
        tags: tags.iter().map(ToString::to_string).collect(),
    }
}

fn may(law: &Law, actor: &Actor, right: Right, guest: &GuestFacts) -> bool {
    check(law, actor, right, &Target::Guest(guest)).is_ok()
}

#[test]
fn the_matrix_of_the_example_is_the_reviewed_one() {
    let file = root().join("config/example.toml");
    let secrets = [
        ("PVE_STEWARD__DISCORD__TOKEN", "t"),
        (
            "PVE_STEWARD__CLUSTER__HOME__TOKEN_SECRET",
            "00000000-0000-4000-8000-000000000000",
        ),
    ];
    let secrets = secrets.map(|(key, value)| (key.to_owned(), value.to_owned()));
    let config = config::load(&[file], secrets.into_iter()).unwrap().config;
    let policy = Law::of_rules(Arc::new(Policy::compile(&config).unwrap()));
    let clusters: Vec<_> = config.clusters.iter().map(|c| c.name.clone()).collect();
    let everybody = subjects(policy.policy(), config.discord.guilds[0], ChannelId(0));
    let mut text = String::new();
    for (name, facts) in specimens(policy.policy(), &clusters) {
        let rows = matrix(&policy, &everybody, &Target::Guest(&facts));
        text.push_str(&words::matrix(&name, &rows));
    }
    let node = NodeRef {
        cluster: clusters[0].clone(),
        node: "any-node".parse().unwrap(),
    };
    let rows = matrix(&policy, &everybody, &Target::Node(&node));
    text.push_str(&words::matrix(&words::node_title(&node), &rows));
    let rows = matrix(&policy, &everybody, &Target::Bot);
    text.push_str(&words::matrix(words::BOT_TITLE, &rows));
    text.push_str(words::LEGEND);
    compare("tests/output/policy.txt", &text);
}

/// With `UPDATE=1` the file is written anew, to be read in the change's diff.
#[expect(
    clippy::disallowed_methods,
    reason = "a switch for whoever runs this test"
)]
fn compare(file: &str, text: &str) {
    let path = root().join(file);
    if std::env::var_os("UPDATE").is_some() {
        std::fs::write(&path, text).unwrap();
    }
    let reviewed = std::fs::read_to_string(Path::new(&path)).unwrap_or_default();
    assert_eq!(
        text, reviewed,
        "{file} differs; UPDATE=1 cargo test --test policy writes it anew"
    );
}

const ALLOW: &str = r#"
[[allow]]
who = ["friends"]
actions = ["start", "reboot"]
guests = ["tag:games"]
"#;

#[test]
fn nothing_is_no() {
    let policy = policy(ALLOW);
    let friend = actor(12, &[20], 1);
    assert!(may(&policy, &friend, Right::Start, &guest(101, &["games"])));
    assert!(!may(&policy, &friend, Right::Stop, &guest(101, &["games"])));
    assert!(!may(&policy, &friend, Right::Start, &guest(102, &[])));
    assert!(!may(
        &policy,
        &actor(12, &[], 1),
        Right::Start,
        &guest(101, &["games"])
    ));
    let node = NodeRef {
        cluster: "home".parse().unwrap(),
        node: "pve1".parse().unwrap(),
    };
    assert!(check(&policy, &friend, Right::View, &Target::Node(&node)).is_err());
    assert!(check(&policy, &friend, Right::Access, &Target::Bot).is_err());
}

#[test]
fn a_permit_is_for_one_right_and_one_target() {
    let policy = policy(ALLOW);
    let facts = guest(101, &["games"]);
    let permit = check(
        &policy,
        &actor(12, &[20], 1),
        Right::Start,
        &Target::Guest(&facts),
    )
    .unwrap();
    assert!(permit.covers(Right::Start, &Target::Guest(&facts).key()));
    assert!(!permit.covers(Right::Reboot, &Target::Guest(&facts).key()));
    assert!(!permit.covers(Right::Start, &Target::Guest(&guest(102, &["games"])).key()));
    assert!(permit.basis().to_string().contains("steward.toml:"));
}

#[test]
fn deny_beats_every_allow_wherever_it_stands() {
    let deny = "[[deny]]\nwho = [\"friends\"]\nactions = [\"power\"]\nguests = [\"tag:prod\"]\n";
    for rules in [format!("{ALLOW}{deny}"), format!("{deny}{ALLOW}")] {
        let policy = policy(&rules);
        let friend = actor(12, &[20], 1);
        assert!(may(&policy, &friend, Right::Start, &guest(101, &["games"])));
        let facts = guest(101, &["games", "prod"]);
        let refused = check(&policy, &friend, Right::Start, &Target::Guest(&facts));
        assert!(matches!(refused, Err(Denied::ByRule(_))), "{refused:?}");
    }
}

#[test]
fn a_deny_without_lists_takes_everything_and_an_empty_list_nothing() {
    let friend = actor(12, &[20], 1);
    let all = policy(&format!(
        "{ALLOW}[[deny]]\nwho = [\"friends\"]\nactions = [\"*\"]\n"
    ));
    assert!(!may(&all, &friend, Right::Start, &guest(101, &["games"])));
    let nodes =
        format!("{ALLOW}[[deny]]\nwho = [\"friends\"]\nactions = [\"*\"]\nnodes = [\"*\"]\n");
    assert!(may(
        &policy(&nodes),
        &friend,
        Right::Start,
        &guest(101, &["games"])
    ));
}

#[test]
fn a_rule_for_a_channel_holds_in_its_threads_and_nowhere_else() {
    let policy = policy(&format!("{ALLOW}channels = [5]\n"));
    let games = guest(101, &["games"]);
    assert!(may(&policy, &actor(12, &[20], 5), Right::Start, &games));
    let thread = Actor {
        parent: Some(ChannelId(5)),
        ..actor(12, &[20], 6)
    };
    assert!(may(&policy, &thread, Right::Start, &games));
    let elsewhere = check(
        &policy,
        &actor(12, &[20], 7),
        Right::Start,
        &Target::Guest(&games),
    );
    assert!(
        matches!(elsewhere, Err(Denied::OtherChannel(_))),
        "{elsewhere:?}"
    );
}

#[test]
fn confirmation_binds_only_if_every_applying_rule_has_it() {
    let asks = |rules: &str, user: &Actor, right| {
        let policy = policy(rules);
        let facts = guest(101, &["games"]);
        check(&policy, user, right, &Target::Guest(&facts))
            .unwrap()
            .needs_confirmation()
    };
    let confirmed = format!("{ALLOW}confirm = [\"reboot\"]\n");
    let friend = actor(12, &[20], 1);
    assert!(asks(&confirmed, &friend, Right::Reboot));
    assert!(!asks(&confirmed, &friend, Right::Start));
    let freely = "[[allow]]\nwho = [\"max\"]\nactions = [\"*\"]\nguests = [\"101\"]\n";
    for rules in [
        format!("{confirmed}{freely}"),
        format!("{freely}{confirmed}"),
    ] {
        assert!(!asks(&rules, &actor(11, &[20], 1), Right::Reboot));
        // The plug is never pulled unasked.
        assert!(asks(&rules, &actor(11, &[20], 1), Right::Stop));
    }
}

#[test]
fn everything_for_some_guests_is_not_access() {
    let some = policy("[[allow]]\nwho = [\"max\"]\nactions = [\"*\"]\nguests = [\"tag:games\"]\n");
    let max = actor(11, &[], 1);
    assert!(may(&some, &max, Right::Stop, &guest(101, &["games"])));
    assert!(!may(&some, &max, Right::Access, &guest(101, &["games"])));
    let named = "[[allow]]\nwho = [\"max\"]\nactions = [\"access\"]\nguests = [\"tag:games\"]\n";
    assert!(may(
        &policy(named),
        &max,
        Right::Access,
        &guest(101, &["games"])
    ));
    assert!(check(&policy(named), &max, Right::Access, &Target::Bot).is_err());
    let whole =
        "[[allow]]\nwho = [\"max\"]\nactions = [\"*\"]\nguests = [\"*\"]\nnodes = [\"*\"]\n";
    assert!(check(&policy(whole), &max, Right::Access, &Target::Bot).is_ok());
}

#[test]
fn a_selector_that_means_nothing_is_refused_with_its_place() {
    let rules =
        "[[allow]]\nwho = [\"max\"]\nactions = [\"view\"]\nguests = [\"valheim\", \"tags:x\"]\n";
    let problems = Policy::compile(&load(rules).unwrap()).unwrap_err();
    assert_eq!(problems.len(), 2, "{problems:?}");
    let shown = problems[0].to_string();
    assert!(
        shown.contains("steward.toml:") && shown.contains("allow[0].guests[0]"),
        "{shown}"
    );
}

/// Every small policy of two rules, both orders, against every question: the laws hold for all.
#[test]
fn the_laws_hold_for_every_small_policy() {
    let who = ["friends", "max"];
    let actions = ["start", "power", "*"];
    let guests = ["*", "101", "tag:games", "name:guest-*", "ct"];
    let people = [
        actor(11, &[], 1),
        actor(11, &[20], 1),
        actor(12, &[20], 1),
        actor(13, &[], 1),
    ];
    let targets = [
        guest(101, &[]),
        guest(102, &["games"]),
        GuestFacts {
            name: None,
            ..guest(103, &[])
        },
    ];
    let rule = |kind: &str, w: &str, a: &str, g: &str| {
        format!("[[{kind}]]\nwho = [\"{w}\"]\nactions = [\"{a}\"]\nguests = [\"{g}\"]\n")
    };
    let mut asked = 0;
    for (w, a, g) in triples(&who, &actions, &guests) {
        let allow = rule("allow", w, a, g);
        let alone = policy(&allow);
        for (dw, _, dg) in triples(&who, &["power"], &guests) {
            let deny = rule("deny", dw, "power", dg);
            let both = policy(&format!("{allow}{deny}"));
            let turned = policy(&format!("{deny}{allow}"));
            for (person, target, right) in triples(&people, &targets, &Right::ALL) {
                let first = may(&both, person, *right, target);
                assert_eq!(
                    first,
                    may(&turned, person, *right, target),
                    "order never matters"
                );
                assert!(
                    !first || may(&alone, person, *right, target),
                    "a deny adds nothing"
                );
                asked += 1;
            }
        }
    }
    assert!(asked > 10_000, "{asked}");
}

fn triples<'t, A, B, C>(a: &'t [A], b: &'t [B], c: &'t [C]) -> Vec<(&'t A, &'t B, &'t C)> {
    let mut all = Vec::new();
    for a in a {
        for b in b {
            all.extend(c.iter().map(|c| (a, b, c)));
        }
    }
    all
}

#[test]
fn a_stranger_and_each_role_stand_in_the_matrix() {
    let policy = policy(ALLOW);
    let names: Vec<String> = permission::subjects(policy.policy(), GuildId(1), ChannelId(1))
        .into_iter()
        .map(|subject| subject.name)
        .collect();
    assert_eq!(names, ["max", "owner", "role friends", "stranger"]);
}
