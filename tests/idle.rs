//! Rules that do nothing: which are found, and which are not.

use pve_steward::action::GuestFacts;
use pve_steward::config::{self, Config};
use pve_steward::ids::{GuestRef, Kind, NodeRef, Vmid};
use pve_steward::permission::{IdleWhy, Policy, idle};

fn load(rules: &str) -> Config {
    let text = format!(
        r#"
[discord]
token = "t"
guilds = [1000000000000000000]
[[cluster]]
name = "home"
endpoints = ["https://127.0.0.1:8006"]
token_id = "discord@pve!bot"
token_secret = "00000000-0000-4000-8000-000000000000"
[people]
owner = 184405311681986560
max = 80351110224678912
[roles]
friends = 290926798626357299
[[allow]]
who = ["owner"]
actions = ["*"]
guests = ["*"]
nodes = ["*"]
{rules}"#
    );
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("steward.toml");
    std::fs::write(&file, text).unwrap();
    config::load(&[file], std::iter::empty()).unwrap().config
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

/// List and reason of each idle rule, with 101 (games) and 102 (games, prod) on pve1.
fn found(rules: &str) -> Vec<String> {
    let config = load(rules);
    let policy = Policy::compile(&config).unwrap();
    let guests = [guest(101, &["games"]), guest(102, &["games", "prod"])];
    let node = NodeRef {
        cluster: "home".parse().unwrap(),
        node: "pve1".parse().unwrap(),
    };
    let line = |idle: pve_steward::permission::Idle| match idle.why {
        IdleWhy::MeansNothing(words) => format!("{}: nothing is {}", idle.list, words.join(" ")),
        IdleWhy::Denied(by) => format!("{}: denied by {}", idle.list, by.len()),
    };
    idle(&config, &policy, &guests, &[node])
        .into_iter()
        .map(line)
        .collect()
}

fn rule(list: &str, who: &str, actions: &str, lists: &str) -> String {
    format!("[[{list}]]\nwho = [\"{who}\"]\nactions = [{actions}]\n{lists}\n")
}

#[test]
fn a_rule_that_means_nothing_there_is_found_in_every_list() {
    for list in ["allow", "ask", "deny"] {
        let slip = rule(
            list,
            "max",
            "\"start\"",
            "guests = [\"tag:gmaes\", \"999\"]",
        );
        assert_eq!(found(&slip), [format!("{list}: nothing is tag:gmaes 999")]);
        let half = rule(
            list,
            "max",
            "\"start\"",
            "guests = [\"tag:gmaes\", \"101\"]",
        );
        assert_eq!(found(&half), Vec::<String>::new());
    }
    let nodes = rule("allow", "max", "\"view\"", "nodes = [\"pve9\"]");
    assert_eq!(found(&nodes), ["allow: nothing is pve9"]);
}

#[test]
fn a_rule_without_lists_is_not_about_guests() {
    let all = rule("deny", "max", "\"*\"", "");
    let audit = rule("allow", "friends", "\"audit\"", "");
    assert_eq!(found(&format!("{all}{audit}")), Vec::<String>::new());
}

#[test]
fn a_rule_of_which_a_deny_leaves_nothing_is_found() {
    let deny = rule("deny", "friends", "\"*\"", "guests = [\"tag:prod\"]");
    for list in ["allow", "ask"] {
        let shadowed = rule(list, "friends", "\"start\"", "guests = [\"102\"]");
        assert_eq!(
            found(&format!("{deny}{shadowed}")),
            [format!("{list}: denied by 1")]
        );
    }
    for left in [
        // One guest is left,
        rule("allow", "friends", "\"start\"", "guests = [\"tag:games\"]"),
        // or one person,
        rule(
            "allow",
            "friends\", \"max",
            "\"start\"",
            "guests = [\"102\"]",
        ),
        // or what nobody is denied.
        rule("allow", "owner", "\"start\"", "guests = [\"102\"]"),
    ] {
        assert_eq!(
            found(&format!("{deny}{left}")),
            Vec::<String>::new(),
            "{left}"
        );
    }
    let stop = rule("deny", "friends", "\"stop\"", "");
    let both = rule(
        "allow",
        "friends",
        "\"start\", \"stop\"",
        "guests = [\"102\"]",
    );
    assert_eq!(found(&format!("{stop}{both}")), Vec::<String>::new());
}

#[test]
fn two_denies_together_can_leave_nothing() {
    let one = rule("deny", "friends", "\"start\"", "guests = [\"101\"]");
    let two = rule("deny", "friends", "\"start\"", "guests = [\"102\"]");
    let allow = rule("allow", "friends", "\"start\"", "guests = [\"tag:games\"]");
    assert_eq!(found(&format!("{one}{two}{allow}")), ["allow: denied by 2"]);
}
