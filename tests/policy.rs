//! The example's policy as a matrix, compared with a file that people review; and the laws that
//! every policy obeys.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use jiff::{Timestamp, ToSpan as _};
use pve_steward::action::{Actor, GuestFacts, Right, Target, TargetKey};
use pve_steward::config::{self, Config, Problem};
use pve_steward::embed::policy as words;
use pve_steward::ids::{ChannelId, GrantId, GuestRef, GuildId, Kind, NodeRef, UserId, Vmid};
use pve_steward::permission::{
    self, Basis, Denied, Did, Giver, Grant, Law, Lockdown, Policy, Standing, check, matrix,
    specimens, subjects,
};

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

/// Everybody's rights on an invented guest for each selector, on a node and on the bot itself.
/// `grants`: what was lent, given the specimens.
fn printed(config: &Config, grants: impl Fn(&[(String, GuestFacts)]) -> Vec<Grant>) -> String {
    let policy = Arc::new(Policy::compile(config).unwrap());
    let clusters: Vec<_> = config.clusters.iter().map(|c| c.name.clone()).collect();
    let guests = specimens(&policy, &clusters);
    let standing = Standing {
        grants: grants(&guests).into_iter().map(Arc::new).collect(),
        ..Standing::default()
    };
    let law = Law::new(policy, Arc::new(standing), noon());
    let everybody = subjects(law.policy(), config.discord.guilds[0], ChannelId(0));
    let mut text = String::new();
    for (name, facts) in &guests {
        let rows = matrix(&law, &everybody, &Target::Guest(facts));
        text.push_str(&words::matrix(name, &rows));
    }
    let node = NodeRef {
        cluster: clusters[0].clone(),
        node: "any-node".parse().unwrap(),
    };
    let rows = matrix(&law, &everybody, &Target::Node(&node));
    text.push_str(&words::matrix(&words::node_title(&node), &rows));
    let rows = matrix(&law, &everybody, &Target::Bot);
    text.push_str(&words::matrix(words::BOT_TITLE, &rows));
    text + words::LEGEND
}

/// 12:00 in UTC, on a winter's day.
fn noon() -> Timestamp {
    "2026-01-15T12:00:00Z".parse().unwrap()
}

#[test]
fn the_matrix_of_the_example_is_the_reviewed_one() {
    let file = root().join("config/example.toml");
    let config = config::load(&[file], secrets()).unwrap().config;
    compare("tests/output/policy.txt", &printed(&config, |_| Vec::new()));
}

fn secrets() -> impl Iterator<Item = (String, String)> {
    let secrets = [
        ("DISCORD__TOKEN", "t"),
        (
            "CLUSTER__HOME__TOKEN_SECRET",
            "00000000-0000-4000-8000-000000000000",
        ),
    ];
    secrets
        .into_iter()
        .map(|(key, value)| (format!("PVE_STEWARD__{key}"), value.to_owned()))
}

/// A worked policy below settings without people and rules, with something lent: by the person
/// of that id to a stranger (1), who stands in the matrix.
fn worked(name: &str, giver: (u64, &[u64]), lent: (&str, &[Right])) -> Config {
    let base = r#"
[discord]
guilds = [1000000000000000000]
[bot]
time_zone = "Europe/Berlin"
[[cluster]]
name = "home"
endpoints = ["https://127.0.0.1:8006"]
token_id = "discord@pve!bot"
"#;
    let dir = tempfile::tempdir().unwrap();
    let settings = dir.path().join("steward.toml");
    std::fs::write(&settings, base).unwrap();
    let policy = root().join(format!("config/policies/{name}.toml"));
    let loaded = config::load(&[settings, policy], secrets()).unwrap();
    assert!(loaded.warnings.is_empty(), "{:?}", loaded.warnings);
    let (selector, rights) = lent;
    let text = printed(&loaded.config, |guests| {
        let (_, facts) = guests.iter().find(|(word, _)| word == selector).unwrap();
        let giver = Actor {
            guild: loaded.config.discord.guilds[0],
            ..actor(giver.0, giver.1, 0)
        };
        vec![grant(rights, facts, &giver)]
    });
    compare(&format!("tests/output/policy-{name}.txt"), &text);
    loaded.config
}

/// Lent to the stranger of the matrix, for an hour.
fn grant(rights: &[Right], facts: &GuestFacts, giver: &Actor) -> Grant {
    Grant {
        id: GrantId(1),
        to: UserId(1),
        rights: rights.to_vec(),
        guest: facts.guest.clone(),
        guest_name: facts.name.clone().unwrap(),
        giver: Giver::of(giver),
        since: noon().as_second(),
        ends: noon().as_second() + 3600,
    }
}

const ANNA: u64 = 184_405_311_681_986_560;

#[test]
fn the_matrix_of_the_family_is_the_reviewed_one() {
    let lent = ("name:media", &[Right::View, Right::Start][..]);
    let config = worked("family", (ANNA, &[]), lent);
    let policy = Arc::new(Policy::compile(&config).unwrap());
    let media = GuestFacts {
        name: Some("media".to_owned()),
        ..guest(101, &[])
    };
    let kid = actor(7, &[290_926_798_626_357_300], 1);
    // 12:00 in UTC is 13:00 in the family's zone.
    for (hours, allowed) in [(0, false), (2, true), (6, true), (7, false)] {
        let law = Law::new(policy.clone(), Arc::default(), noon() + hours.hours());
        assert!(may(&law, &kid, Right::View, &media));
        assert_eq!(may(&law, &kid, Right::Start, &media), allowed, "{hours}");
        let asks = law.of(&kid).may_ask(Right::Start, &Target::Guest(&media));
        assert_eq!(asks.is_some(), !allowed, "{hours}");
    }
}

#[test]
fn the_matrix_of_the_game_server_is_the_reviewed_one() {
    let lent = ("pool:games", &[Right::View, Right::Reboot][..]);
    let config = worked("game-server", (5, &[290_926_798_626_357_301]), lent);
    let law = Law::of_rules(Arc::new(Policy::compile(&config).unwrap()));
    let hidden = GuestFacts {
        pool: Some("games".to_owned()),
        pools_seen: ["games".to_owned(), "prod".to_owned()].into(),
        ..guest(101, &["prod"])
    };
    let moderator = actor(5, &[290_926_798_626_357_301], 1);
    assert!(!may(&law, &moderator, Right::Start, &hidden), "prod");
    let games = GuestFacts {
        tags: Vec::new(),
        ..hidden
    };
    assert!(may(&law, &moderator, Right::Start, &games));
}

#[test]
fn the_matrix_of_the_team_is_the_reviewed_one() {
    let lent = ("name:web-*", &[Right::View, Right::Reboot][..]);
    let config = worked("team", (5, &[290_926_798_626_357_305]), lent);
    let law = Law::of_rules(Arc::new(Policy::compile(&config).unwrap()));
    let (lead, ops) = (actor(ANNA, &[], 1), actor(5, &[290_926_798_626_357_302], 1));
    assert!(check(&law, &lead, Right::Audit, &Target::Bot).is_ok());
    assert!(check(&law, &ops, Right::Audit, &Target::Bot).is_err());
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

/// `[[allow]]` of everything to the owner (10), who can lend it on; the rest is the friends' (20).
const OWNER: &str = r#"
[[allow]]
who = ["owner"]
actions = ["*"]
guests = ["*"]
nodes = ["*"]
"#;

fn law_with(rules: &str, standing: Standing, now: Timestamp) -> Law {
    let policy = Policy::compile(&load(rules).unwrap()).unwrap();
    Law::new(Arc::new(policy), Arc::new(standing), now)
}

fn lending(rights: &[Right], facts: &GuestFacts) -> Standing {
    Standing {
        grants: vec![Arc::new(grant(rights, facts, &actor(10, &[], 1)))],
        ..Standing::default()
    }
}

/// What stands in the matrix for one subject on a guest.
fn cells(law: &Law, who: &str, facts: &GuestFacts) -> String {
    let everybody = subjects(law.policy(), GuildId(1), ChannelId(1));
    let one: Vec<_> = everybody.into_iter().filter(|s| s.name == who).collect();
    let rows = matrix(law, &one, &Target::Guest(facts));
    let text = words::matrix("", &rows);
    text.trim().strip_prefix(who).unwrap().trim().to_owned()
}

/// Roles are of one server, and with them the denies that name them.
#[test]
fn a_grant_holds_in_the_server_in_which_it_was_given() {
    let facts = guest(101, &[]);
    let everything =
        "[[allow]]\nwho = [\"owner\"]\nactions = [\"*\"]\nguests = [\"*\"]\nnodes = [\"*\"]\n";
    let policy = Arc::new(Policy::compile(&load(everything).unwrap()).unwrap());
    let standing = Standing {
        grants: vec![Arc::new(grant(&[Right::Start], &facts, &actor(10, &[], 1)))],
        ..Standing::default()
    };
    let law = Law::new(policy, Arc::new(standing), noon());
    let here = actor(1, &[], 1);
    let elsewhere = Actor {
        guild: GuildId(2),
        ..here.clone()
    };
    assert!(may(&law, &here, Right::Start, &facts));
    assert!(!may(&law, &elsewhere, Right::Start, &facts));
    assert!(!law.of(&elsewhere).know(&Target::Guest(&facts)));
}

#[test]
fn lockdown_beats_deny_and_deny_beats_grants() {
    let games = guest(101, &["games"]);
    let target = Target::Guest(&games);
    let stranger = actor(1, &[20], 1);
    let deny = "[[deny]]\nwho = [\"friends\"]\nactions = [\"start\"]\nguests = [\"*\"]\n";
    let lent = lending(&[Right::Start], &games);
    let locked = Standing {
        lockdown: Some(Lockdown {
            by: UserId(10),
            reason: None,
            since: 0,
        }),
        ..lent.clone()
    };
    let both = format!("{OWNER}{deny}");
    let decide = |rules: &str, standing: &Standing| {
        let law = law_with(rules, standing.clone(), noon());
        law.of(&stranger).decide(Right::Start, &target)
    };
    let yes = decide(OWNER, &lent).unwrap();
    assert!(matches!(yes.basis, Basis::Grant { by: UserId(10), .. }));
    assert!(matches!(decide(&both, &lent), Err(Denied::ByRule(_))));
    assert_eq!(decide(&both, &locked), Err(Denied::Lockdown));
    assert_eq!(decide(OWNER, &locked), Err(Denied::Lockdown));
    let law = law_with(&both, locked, noon());
    assert!(may(&law, &actor(10, &[], 1), Right::Start, &games));
}

#[test]
fn what_is_lent_stands_in_the_matrix_while_it_is_worth_something() {
    let games = guest(101, &["games"]);
    let standing = lending(&[Right::Start, Right::Reboot], &games);
    let confirmed = format!("{OWNER}confirm = [\"reboot\"]\n");
    let shown = |rules: &str, facts: &GuestFacts, later: i64| {
        let law = law_with(rules, standing.clone(), noon() + later.seconds());
        cells(&law, "stranger", facts)
    };
    assert_eq!(
        shown(&confirmed, &games, 0),
        "start(lent) reboot!(lent)",
        "under the terms of the giver"
    );
    assert_eq!(shown(OWNER, &games, 3600), "-", "it is over");
    assert_eq!(shown(ALLOW, &games, 0), "-", "its giver has it no more");
    let other = GuestFacts {
        name: Some("other".to_owned()),
        ..games.clone()
    };
    assert_eq!(shown(OWNER, &other, 0), "-", "another guest was meant");
}

#[test]
fn hours_limits_and_asks_stand_in_the_matrix() {
    let rules = format!(
        "{ALLOW}hours = \"15:00-20:00\"\nlimit = \"2 per hour\"\ncooldown = \"10 min\"\n\
         [[ask]]\nwho = [\"friends\"]\nactions = [\"shutdown\"]\nguests = [\"*\"]\n"
    );
    let games = guest(101, &["games"]);
    assert_eq!(
        cells(&policy(&rules), "role friends", &games),
        "start(15:00-20:00, 2/1h, 10m rest) shutdown? reboot(15:00-20:00, 2/1h, 10m rest)"
    );
    let freely = "[[allow]]\nwho = [\"friends\"]\nactions = [\"start\"]\nguests = [\"*\"]\n";
    assert_eq!(
        cells(&policy(&format!("{rules}{freely}")), "role friends", &games),
        "start shutdown? reboot(15:00-20:00, 2/1h, 10m rest)",
        "a condition binds only if every rule has one"
    );
    // What may be asked for where the conditions do not hold stands beside them, and only there.
    let more = "[[ask]]\nwho = [\"friends\"]\nactions = [\"start\"]\nguests = [\"*\"]\n";
    assert_eq!(
        cells(&policy(&format!("{rules}{more}")), "role friends", &games),
        "start(15:00-20:00, 2/1h, 10m rest, else ?) shutdown? reboot(15:00-20:00, 2/1h, 10m rest)"
    );
    assert_eq!(
        cells(
            &policy(&format!("{rules}{freely}{more}")),
            "role friends",
            &games
        ),
        "start shutdown? reboot(15:00-20:00, 2/1h, 10m rest)"
    );
}

/// What the property over invented hours found first.
#[test]
fn hours_begin_by_the_clock_on_the_wall_though_it_is_changed() {
    for (hours, now, until) in [
        // 02:00 to 03:00 is left out: they begin in the middle, or not at all on that day.
        (
            "02:30-05:00",
            "2026-03-29T00:59:00Z",
            "2026-03-29T01:00:00Z",
        ),
        (
            "02:10-02:50",
            "2026-03-29T00:59:00Z",
            "2026-03-30T00:10:00Z",
        ),
        // 02:00 to 03:00 comes twice, and the hours in it.
        (
            "02:30-02:45",
            "2026-10-25T00:50:00Z",
            "2026-10-25T01:30:00Z",
        ),
        (
            "23:00-02:30",
            "2026-10-25T00:40:00Z",
            "2026-10-25T01:00:00Z",
        ),
        (
            "16:00-20:00",
            "2026-10-25T00:40:00Z",
            "2026-10-25T15:00:00Z",
        ),
    ] {
        let text = format!("[bot]\ntime_zone = \"Europe/Berlin\"\n{ALLOW}hours = \"{hours}\"\n");
        let law = law_with(&text, Standing::default(), now.parse().unwrap());
        let friend = actor(12, &[20], 1);
        let facts = guest(101, &["games"]);
        let no = law.of(&friend).decide(Right::Start, &Target::Guest(&facts));
        let until: Timestamp = until.parse().unwrap();
        assert_eq!(no.unwrap_err().until(), Some(until.as_second()), "{hours}");
    }
}

#[test]
fn what_was_lent_is_not_hidden_by_having_used_it() {
    let games = guest(101, &["games"]);
    let target = Target::Guest(&games);
    let rules = format!("{OWNER}limit = \"1 per hour\"\n");
    let mut standing = lending(&[Right::Start], &games);
    let stranger = actor(1, &[], 1);
    let before = law_with(&rules, standing.clone(), noon());
    let verdict = before.of(&stranger).decide(Right::Start, &target).unwrap();
    standing.acts.add(Did {
        user: stranger.user,
        under: verdict.counts.map(|counts| counts.rule),
        on: TargetKey::Guest(games.guest.clone()),
        right: Right::Start,
        at_ms: noon().as_millisecond(),
    });
    let after = law_with(&rules, standing, noon() + 1.minute());
    let mine = after.of(&stranger);
    assert!(mine.see(&target));
    let no = mine.decide(Right::Start, &target);
    assert!(matches!(no, Err(Denied::UsedUp { .. })), "{no:?}");
}
