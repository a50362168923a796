//! `/access`: decisions explained, rights lent for a while, the lockdown; and limits, hours and
//! rests as people meet them.

mod support;

use fake_discord::Person;
use insta::assert_snapshot;
use support::{Setup, World, rules, run, shown};

const RULES: &str = r#"
[[allow]]
who = ["friends"]
actions = ["view", "start"]
guests = ["tag:games"]

[[allow]]
who = ["friend"]
actions = ["access", "view", "start"]
guests = ["tag:lab", "tag:games"]

[[deny]]
who = ["friends"]
actions = ["*"]
guests = ["tag:prod"]
"#;

fn setup() -> Setup {
    Setup::automatic().rules(&rules(RULES))
}

async fn said(who: &Person, text: &str) -> String {
    shown(&who.slash(text).await.settled().await)
}

#[test]
fn why_names_the_rule_to_those_who_may_know_it() {
    run(setup(), async |world| {
        let max = world.person("max");
        assert_snapshot!(said(&max, "/access why start 101").await, @"
        🔒 only max
        │ 🟢 start valheim: yes
        │ For <@80351110224678912>.
        │ A rule allows it.
        │ — VM 101 · home
        ");
        assert_snapshot!(said(&max, "/access why stop 101").await, @"
        🔒 only max
        │ ⛔ stop valheim: no
        │ For <@80351110224678912>.
        │ No rule allows it, and what no rule
        │ allows is refused.
        │ — VM 101 · home
        ");
        assert_snapshot!(said(&max, "/access why start 103").await, @"
        🔒 only max
        │ ⛔ No guest 103 for you here
        │ Pick one from the list that appears
        │ while you type, or see `/access whoami`.
        ");
        assert_snapshot!(said(&max, "/access why start 101 who:friend").await, @"
        🔒 only max
        │ ⛔ You may not manage access to valheim
        │ Ask <@80351110224678913> or <@184405311681986560>.
        │ — VM 101 · home
        ");
    });
}

#[test]
fn why_about_others_is_for_people_with_access_there() {
    run(setup(), async |world| {
        let (owner, friend) = (world.person("owner"), world.person("friend"));
        assert_snapshot!(said(&owner, "/access why stop 101 who:max").await, @"
        🔒 only owner
        │ ⛔ stop valheim: no
        │ For <@80351110224678912>.
        │ No rule allows it, and what no rule
        │ allows is refused.
        │ To allow it, write an `[[allow]]` for
        │ the person and the guest.
        │ — VM 101 · home
        ");
        assert_snapshot!(said(&owner, "/access why start 103 who:max").await, @"
        🔒 only owner
        │ ⛔ start nextcloud: no
        │ For <@80351110224678912>.
        │ A rule forbids it, and that beats
        │ everything else.
        │ Rule: `steward.toml:41`
        │ — VM 103 · home
        ");
        assert_snapshot!(said(&owner, "/access why start 101 who:max").await, @"
        🔒 only owner
        │ 🟢 start valheim: yes
        │ For <@80351110224678912>.
        │ A rule allows it.
        │ Rule: `steward.toml:31`
        │ — VM 101 · home
        ");
        // Access to some guests is access to what is said of those.
        assert!(
            said(&friend, "/access why start 105 who:max")
                .await
                .contains("Rule")
                || said(&friend, "/access why start 105 who:max")
                    .await
                    .contains("[[allow]]")
        );
        assert!(
            said(&friend, "/access why start 103 who:max")
                .await
                .contains("No guest 103")
        );
        assert!(
            said(&world.person("stranger"), "/access why start 101")
                .await
                .contains("No guest 101")
        );
    });
}

#[test]
fn why_speaks_of_nodes_and_of_the_bot_itself() {
    run(setup(), async |world| {
        let owner = world.person("owner");
        assert_snapshot!(said(&owner, "/access why node.reboot node:pve2").await, @"
        🔒 only owner
        │ 🟢 node.reboot pve2: yes
        │ For <@184405311681986560>.
        │ A rule allows it.
        │ I ask first.
        │ Rule: `steward.toml:24`
        │ — node · home
        ");
        assert_snapshot!(said(&owner, "/access why token").await, @"
        🔒 only owner
        │ 🟢 token: yes
        │ For <@184405311681986560>.
        │ A rule allows it.
        │ I ask first.
        │ Rule: `steward.toml:24`
        │ — the bot itself
        ");
        // Whatever else is named, it is about the bot.
        let named = said(&owner, "/access why token guest:101").await;
        assert_eq!(named, said(&owner, "/access why token").await);
        for right in ["access", "audit"] {
            let told = said(&owner, &format!("/access why {right}")).await;
            assert!(told.contains(&format!("{right}: yes")), "{told}");
        }
        // What goes with both works with both.
        for (about, told) in [
            ("guest:101", "view valheim: yes"),
            ("node:pve2", "view pve2: yes"),
        ] {
            let said = said(&owner, &format!("/access why view {about}")).await;
            assert!(said.contains(told), "{said}");
        }
        assert_snapshot!(said(&owner, "/access why audit who:max").await, @"
        🔒 only owner
        │ ⛔ audit: no
        │ For <@80351110224678912>.
        │ No rule allows it, and what no rule
        │ allows is refused.
        │ To allow it, write an `[[allow]]` for
        │ the person that names this action, and
        │ neither guests nor nodes.
        │ — the bot itself
        ");
        assert_snapshot!(said(&owner, "/access why node.wake node:pve1 who:max").await, @"
        🔒 only owner
        │ ⛔ node.wake pve1: no
        │ For <@80351110224678912>.
        │ No rule allows it, and what no rule
        │ allows is refused.
        │ To allow it, write an `[[allow]]` for
        │ the person and the node.
        │ — node · home
        ");
    });
}

#[test]
fn why_asks_what_it_is_about() {
    run(setup(), async |world| {
        let owner = world.person("owner");
        assert_snapshot!(said(&owner, "/access why node.reboot guest:101").await, @"
        🔒 only owner
        │ ⛔ Which node?
        │ `node.reboot` is about a node.
        │ Fill in `node` and no guest.
        ");
        assert_snapshot!(said(&owner, "/access why start").await, @"
        🔒 only owner
        │ ⛔ Which guest?
        │ `start` is about a guest.
        │ Fill in `guest` and no node.
        ");
        assert_snapshot!(said(&owner, "/access why task.view").await, @"
        🔒 only owner
        │ ⛔ Which guest or node?
        │ `task.view` is about a guest or a node.
        │ Fill in one of the two.
        ");
        for (text, title) in [
            ("node.reboot", "Which node?"),
            ("start node:pve1", "Which guest?"),
            ("access node:pve1", "Which guest?"),
            ("start guest:101 node:pve1", "Which guest?"),
            ("view guest:101 node:pve1", "Which guest or node?"),
        ] {
            let told = said(&owner, &format!("/access why {text}")).await;
            assert!(told.contains(title), "{text}\n{told}");
        }
        let told = said(&owner, "/access why access node:pve1").await;
        assert!(told.contains("the bot itself"), "{told}");
    });
}

/// A node that is hidden and one that is not there are one answer, and what others may do on nodes
/// is for people with access to the bot.
#[test]
fn why_tells_no_more_of_nodes_than_one_may_know() {
    let more = "[[allow]]\nwho = [\"friend\"]\nactions = [\"node.wake\"]\nnodes = [\"pve1\"]\n";
    run(
        setup().rules(&rules(&format!("{RULES}{more}"))),
        async |world| {
            let friend = world.person("friend");
            for node in ["pve2", "pve9"] {
                for who in ["", " who:max"] {
                    let told = said(&friend, &format!("/access why view node:{node}{who}")).await;
                    assert!(
                        told.contains(&format!("No node {node} for you here")),
                        "{told}"
                    );
                }
            }
            let told = said(&friend, "/access why node.wake node:pve1").await;
            assert!(
                told.contains("node.wake pve1: yes") && !told.contains("Rule"),
                "{told}"
            );
            assert_snapshot!(said(&friend, "/access why node.wake node:pve1 who:max").await, @"
        🔒 only friend
        │ ⛔ This is for people with access
        │ You can look up your own rights with
        │ `/access whoami` and `/access why`.
        ");
            let told = said(&friend, "/access why audit who:max").await;
            assert!(told.contains("for people with access"), "{told}");
        },
    );
}

#[test]
fn why_says_what_a_lockdown_hides() {
    run(setup(), async |world| {
        let (owner, max) = (world.person("owner"), world.person("max"));
        let granted = owner.slash("/access grant max reboot 105 6h").await;
        granted.until("granted").await;
        let locked = owner.slash("/access lockdown on").await;
        locked.until("Locked down").await;
        assert_snapshot!(said(&owner, "/access why start 101 who:max").await, @"
        🔒 only owner
        │ ⛔ start valheim: no
        │ For <@80351110224678912>.
        │ The bot is locked down.
        │ `/access lockdown off` ends it.
        │ **Without the lockdown**
        │ A rule allows it.
        │ Rule: `steward.toml:31`
        │ — VM 101 · home
        ");
        assert_snapshot!(said(&owner, "/access why reboot 105 who:max").await, @"
        🔒 only owner
        │ ⛔ reboot web-lab: no
        │ For <@80351110224678912>.
        │ The bot is locked down.
        │ `/access lockdown off` ends it.
        │ **Without the lockdown**
        │ Grant 1 by <@184405311681986560> allows it.
        │ Rule: `steward.toml:24`
        │ — CT 105 · home
        ");
        assert_snapshot!(said(&owner, "/access why stop 101 who:max").await, @"
        🔒 only owner
        │ ⛔ stop valheim: no
        │ For <@80351110224678912>.
        │ The bot is locked down.
        │ `/access lockdown off` ends it.
        │ **Without the lockdown**
        │ No rule allows it, and what no rule
        │ allows is refused.
        │ To allow it, write an `[[allow]]` for
        │ the person and the guest.
        │ — VM 101 · home
        ");
        assert_snapshot!(said(&max, "/access why start 101").await, @"
        🔒 only max
        │ ⛔ start valheim: no
        │ For <@80351110224678912>.
        │ The bot is locked down.
        │ **Without the lockdown**
        │ A rule allows it.
        │ — VM 101 · home
        ");
        let told = said(&owner, "/access why stop 101").await;
        assert!(told.contains("stop valheim: yes"), "{told}");
    });
}

/// A grant of all that can be lent is told in a few words, and noted word for word.
#[test]
fn many_rights_are_told_in_few_words() {
    let mut setup = setup();
    setup.discord = format!("audit_channel = {}", support::OTHER_CHANNEL);
    run(setup, async |world| {
        let (owner, max) = (world.person("owner"), world.person("max"));
        let granted = owner.slash("/access grant max * 105 6h").await;
        assert_snapshot!(shown(&granted.until("granted").await), @r"
        │ 🔑 web-lab · granted
        │ <@184405311681986560> lets <@80351110224678912> view, power, force, snapshot.\*, backup.\*, task.view
        │ until <time>, <time>.
        │ — 105 · home · grant 1
        ");
        let mirrored = world
            .dc
            .wait_channel_message(support::OTHER_CHANNEL, "gave")
            .await;
        assert_snapshot!(shown(&mirrored), @r"
        │ 📒 Audit
        │ 🔑 <time> <@184405311681986560> gave <@80351110224678912>: view, power, force, snapshot.\*, backup.\*, task.view 105 web-lab, until <time>
        │ — home
        ");
        let own = said(&max, "/access whoami").await;
        let lent = own.lines().find(|line| line.contains("web-lab: ")).unwrap();
        assert!(
            lent.contains("web-lab: view, power, force, snapshot.\\*"),
            "{lent}"
        );
        let noted = world.audit().pop().unwrap();
        assert!(
            noted.contains("view,start,shutdown,reboot,suspend,resume,stop"),
            "{noted}"
        );
    });
}

#[test]
fn a_grant_lets_somebody_act_until_it_is_taken_back() {
    run(setup(), async |world| {
        let (owner, max) = (world.person("owner"), world.person("max"));
        assert!(said(&max, "/ct start 105").await.contains("No guest 105"));
        let granted = owner.slash("/access grant max start,view 105 6h").await;
        assert_snapshot!(shown(&granted.until("granted").await), @"
        │ 🔑 web-lab · granted
        │ <@184405311681986560> lets <@80351110224678912> view, start
        │ until <time>, <time>.
        │ — 105 · home · grant 1
        ");
        assert_snapshot!(said(&max, "/access whoami").await, @"
        🔒 only max
        │ What you may do here
        │ The rules know you as friends.
        │
        │ **view, start**
        │ 101 valheim, 102 minecraft, 105 web-lab
        │
        │ **Lent to you**
        │ web-lab: view, start, until <time>
        ");
        assert_snapshot!(said(&max, "/access why start 105").await, @"
        🔒 only max
        │ 🟢 start web-lab: yes
        │ For <@80351110224678912>.
        │ Grant 1 by <@184405311681986560> allows it.
        │ — CT 105 · home
        ");
        max.slash("/ct start 105").await.until("started").await;
        assert_eq!(world.writes().len(), 1);
        // What was lent cannot be lent on, and says nothing about other rights.
        assert!(
            said(&max, "/access grant friend start 105 1h")
                .await
                .contains("You may not manage access")
        );
        assert!(said(&max, "/ct shutdown 105").await.contains("You may not"));
        let offered = owner.type_ahead("/access revoke ").await;
        assert_eq!(offered.len(), 1, "{offered:?}");
        assert_eq!(offered[0].value, "1");
        for name in ["max", "stranger"] {
            let offered = world.person(name).type_ahead("/access revoke ").await;
            assert!(offered.is_empty(), "{name}: {offered:?}");
        }
        // Access to lab is access to what was granted there.
        let offered = world.person("friend").type_ahead("/access revoke ").await;
        assert_eq!(offered.len(), 1, "{offered:?}");
        assert!(said(&max, "/access revoke 1").await.contains("No grant 1"));
        owner
            .slash("/access revoke 1")
            .await
            .until("taken back")
            .await;
        assert!(said(&max, "/ct start 105").await.contains("No guest 105"));
        assert!(
            said(&owner, "/access revoke 1")
                .await
                .contains("No grant 1")
        );
        assert_eq!(world.writes().len(), 1);
    });
}

#[test]
fn nobody_gives_what_they_have_not_or_for_too_long() {
    let mut setup = setup();
    setup.bot = "grant_max = \"2 days\"".to_owned();
    run(setup, async |world| {
        let (owner, friend) = (world.person("owner"), world.person("friend"));
        assert_snapshot!(said(&friend, "/access grant max start,stop 105 1h").await, @"
        🔒 only friend
        │ ⛔ You cannot give what you have not
        │ On web-lab no rule gives you
        │ stop here and now. Rights that were
        │ lent to you cannot be lent on.
        ");
        assert_snapshot!(said(&friend, "/access grant friend start 105 1h").await, @"
        🔒 only friend
        │ ⛔ You cannot grant to yourself
        │ Ask somebody else with access, or
        │ write a rule.
        ");
        assert_snapshot!(said(&owner, "/access grant max start 105 3d").await, @"
        🔒 only owner
        │ ⛔ That is too long
        │ A grant lasts 2 d at most.
        │ Try a shorter time.
        ");
        assert_snapshot!(said(&owner, "/access grant max access 105 1h").await, @"
        🔒 only owner
        │ ⛔ That cannot be given
        │ Write actions such as `start`, `reboot`
        │ or `power`, with commas.
        ");
        assert_snapshot!(said(&owner, "/access grant max start 105 soon").await, @"
        🔒 only owner
        │ ⛔ That is no time
        │ Write `90m`, `6h`, `until 02:00` or
        │ `tomorrow`.
        ");
        assert!(
            said(&friend, "/access grant max start 103 1h")
                .await
                .contains("No guest 103")
        );
        friend
            .slash("/access grant max start 105 tomorrow")
            .await
            .until("granted")
            .await;
        // Taking it back is for everybody with access there, whoever gave it.
        owner
            .slash("/access revoke 1")
            .await
            .until("taken back")
            .await;
        assert_eq!(world.writes(), Vec::<String>::new());
    });
}

#[test]
fn a_deny_beats_a_grant() {
    run(setup(), async |world| {
        let (owner, max) = (world.person("owner"), world.person("max"));
        // What a deny takes away anyway is not announced as given.
        assert_snapshot!(said(&owner, "/access grant max start 103 1h").await, @"
        🔒 only owner
        │ ⛔ A rule forbids just that
        │ <@80351110224678912> may not start nextcloud, and a
        │ `[[deny]]` beats every grant. Nothing
        │ was granted.
        ");
        let granted = owner.slash("/access grant max start 105 1h").await;
        granted.until("granted").await;
        world
            .px
            .set_guest(105, |guest| guest.tags.push("prod".into()));
        world.next_snapshot().await;
        assert!(said(&max, "/ct start 105").await.contains("No guest 105"));
        let whoami = said(&max, "/access whoami").await;
        assert!(!whoami.contains("web-lab"), "{whoami}");
        assert_eq!(world.writes(), Vec::<String>::new());
    });
}

#[test]
fn a_grant_ends_on_time_and_outlives_a_restart() {
    run(setup(), async |world| {
        let (owner, max) = (world.person("owner"), world.person("max"));
        owner
            .slash("/access grant max start 105 1s")
            .await
            .until("granted")
            .await;
        owner
            .slash("/access grant max start 104 1h")
            .await
            .until("granted")
            .await;
        world.stop_bot().await.unwrap();
        tokio::time::sleep(std::time::Duration::from_millis(1100)).await;
        world.start_bot().await;
        assert!(said(&max, "/ct start 105").await.contains("No guest 105"));
        assert_snapshot!(said(&owner, "/access list").await, @"
        🔒 only owner
        │ 🔑 What is granted
        │ Nothing is granted for a while.
        ");
        assert_eq!(world.writes(), Vec::<String>::new());
    });
}

#[test]
fn access_list_shows_who_may_do_what_with_a_guest() {
    run(setup(), async |world| {
        let owner = world.person("owner");
        assert_snapshot!(said(&owner, "/access list 101").await, @r"
        🔒 only owner
        │ 🔑 Who may do what: valheim
        │ **friend**
        │ view, start, access
        │
        │ **owner**
        │ view, power, force, snapshot.\*, backup.\*, task.\*, access
        │
        │ **role friends**
        │ view, start
        │
        │ Nothing is granted for a while.
        │ — VM 101 · home
        ");
        for name in ["max", "stranger"] {
            let all = said(&world.person(name), "/access list").await;
            assert!(all.contains("for people with access"), "{all}");
        }
        let one = said(&world.person("max"), "/access list 101").await;
        assert!(one.contains("You may not manage access"), "{one}");
    });
}

#[test]
fn a_lockdown_stops_everybody_but_people_with_access() {
    run(setup(), async |world| {
        let (owner, max) = (world.person("owner"), world.person("max"));
        let question = owner.slash("/vm stop 102").await;
        question.first().await;
        assert!(
            said(&max, "/access lockdown on")
                .await
                .contains("for people with access")
        );
        let friend = said(&world.person("friend"), "/access lockdown on").await;
        assert!(friend.contains("for people with access"), "{friend}");
        let locked = owner.slash("/access lockdown on reason:moving house").await;
        assert_snapshot!(shown(&locked.until("Locked down").await), @"
        │ 🔒 Locked down
        │ By <@184405311681986560> <time>.
        │ > moving house
        │ Nobody acts but people with access.
        │ Looking goes on.
        ");
        assert_snapshot!(shown(&question.until("locked down").await), @"
        🔒 only owner
        │ ⚪ Did not stop minecraft
        │ The bot was locked down. Nothing was
        │ done.
        │ — VM 102 · home
        ");
        assert_snapshot!(said(&max, "/vm start 101").await, @"
        🔒 only max
        │ ⛔ You may not start valheim now
        │ The bot is locked down: only people
        │ with access act. You can still look.
        │ — VM 101 · home
        ");
        assert_snapshot!(said(&max, "/status").await, @"
        🔒 only max
        │ 🟢 home · 1 running, 1 stopped
        │ 🔒 Locked down by <@184405311681986560> <time>.
        │ > moving house
        │ ⚪ `101` valheim · stopped
        │ 🟢 `102` minecraft · CPU 18 %
        [Refresh] (secondary)
        ");
        assert!(
            said(&owner, "/access lockdown on")
                .await
                .contains("already")
        );
    });
}

#[test]
fn whoami_tells_of_nodes_and_of_the_bot_as_of_guests() {
    let looks = r#"
[[allow]]
who = ["friend"]
actions = ["view", "task.view", "node.wake"]
nodes = ["pve1"]

[[allow]]
who = ["friend"]
actions = ["audit"]
guests = ["*"]
nodes = ["*"]

[[ask]]
who = ["friends"]
actions = ["start"]
guests = ["tag:lab"]
"#;
    run(Setup::automatic().rules(&rules(looks)), async |world| {
        let owner = said(&world.person("owner"), "/access whoami").await;
        assert_snapshot!(owner, @r"
        🔒 only owner
        │ What you may do here
        │ The rules know you as owner.
        │
        │ **view, power, force, snapshot.\*, backup.\*, task.\*, access**
        │ 101 valheim, 102 minecraft, 103 nextcloud, 104 dns, 105 web-lab, 107 backup-me, 108 ha-db
        │
        │ **nodes: view, task.\*, node.\***
        │ pve1, pve2
        │
        │ **the bot itself: token, access, audit**
        ");
        let friend = world.person("friend");
        assert_snapshot!(said(&friend, "/access whoami").await, @"
        🔒 only friend
        │ What you may do here
        │ The rules know you as friend, friends.
        │
        │ **start (may ask)**
        │ 105 web-lab
        │
        │ **nodes: view, task.view, node.wake**
        │ pve1
        │
        │ **the bot itself: audit**
        ");
        // It names the button as it is called.
        let max = world.person("max");
        let why = said(&max, "/access why start 105").await;
        let refused = said(&max, "/ct start 105").await;
        assert!(why.contains("*Ask for it*."), "{why}");
        assert!(refused.contains("[Ask for it]"), "{refused}");
    });
}

#[test]
fn whoami_and_help_say_that_the_bot_is_locked_down() {
    run(setup(), async |world| {
        let (owner, max) = (world.person("owner"), world.person("max"));
        let locked = owner.slash("/access lockdown on reason:moving house").await;
        locked.until("Locked down").await;
        // What is missing from these is missing for a reason.
        assert_snapshot!(said(&max, "/access whoami").await, @"
        🔒 only max
        │ What you may do here
        │ 🔒 Locked down by <@184405311681986560> <time>.
        │ > moving house
        │ Until it is lifted, only people with
        │ access act. You can still look.
        │
        │ The rules know you as friends.
        │
        │ **view**
        │ 101 valheim, 102 minecraft
        ");
        let help = said(&max, "/help").await;
        assert!(help.contains("🔒 Locked down by"), "{help}");
        assert!(!help.contains("/vm start"), "{help}");
        for command in ["/access whoami", "/help"] {
            let stranger = said(&world.person("stranger"), command).await;
            assert!(!stranger.contains("Locked"), "{stranger}");
        }
    });
}

#[test]
fn completion_of_revoke_says_when_each_ends() {
    run(setup(), async |world| {
        let owner = world.person("owner");
        let granted = owner.slash("/access grant max start 105 6h").await;
        granted.until("granted").await;
        let offered = owner.type_ahead("/access revoke ").await;
        assert_eq!(
            offered[0].name.replace("5 h 59 min", "6 h"),
            "1 80351110224678912: start on 105 web-lab, ends in 6 h"
        );
    });
}

#[test]
fn a_lockdown_holds_until_it_is_lifted() {
    run(setup(), async |world| {
        let (owner, max) = (world.person("owner"), world.person("max"));
        let locked = owner.slash("/access lockdown on").await;
        locked.until("Locked down").await;
        // A restart does not open it.
        world.stop_bot().await.unwrap();
        world.start_bot().await;
        assert!(said(&max, "/vm start 101").await.contains("locked down"));
        owner.slash("/vm start 101").await.until("started").await;
        assert_eq!(world.writes().len(), 1);
        owner
            .slash("/access lockdown off")
            .await
            .until("Unlocked")
            .await;
        world
            .px
            .set_guest(101, |guest| guest.state = "stopped".into());
        max.slash("/vm start 101").await.until("started").await;
        assert_eq!(world.writes().len(), 2);
    });
}

fn bounded(bounds: &str) -> Setup {
    let rules = rules(RULES).replace(
        "guests = [\"tag:games\"]\n",
        &format!("guests = [\"tag:games\"]\n{bounds}\n"),
    );
    setup().rules(&rules)
}

#[test]
fn a_limit_is_counted_over_restarts_and_says_when_it_ends() {
    run(bounded("limit = \"2 per hour\""), async |world| {
        let max = world.person("max");
        for _ in 0..2 {
            world
                .px
                .set_guest(101, |guest| guest.state = "stopped".into());
            max.slash("/vm start 101").await.until("started").await;
        }
        world
            .px
            .set_guest(101, |guest| guest.state = "stopped".into());
        assert_snapshot!(said(&max, "/vm start 101").await, @"
        🔒 only max
        │ ⛔ Not now: start valheim
        │ You have used up your 2 acts in 1 h.
        │ The limit counts all that the rule
        │ allows you.
        │ Again from <time>, <time>.
        │ — VM 101 · home
        ");
        world.stop_bot().await.unwrap();
        world.start_bot().await;
        assert!(said(&max, "/vm start 101").await.contains("Not now"));
        assert_eq!(world.writes().len(), 2);
        // The owner's rule has no limit.
        world
            .person("owner")
            .slash("/vm start 101")
            .await
            .until("started")
            .await;
    });
}

#[test]
fn outside_its_hours_a_rule_gives_nothing() {
    let now = jiff::Timestamp::now().to_zoned_datetime(jiff::tz::TimeZone::UTC);
    let later = |minutes: i64| {
        let at = now.checked_add(jiff::Span::new().minutes(minutes)).unwrap();
        at.strftime("%H:%M").to_string()
    };
    let hours = format!("hours = \"{}-{}\"", later(60), later(120));
    run(bounded(&hours), async |world| {
        let max = world.person("max");
        assert_snapshot!(said(&max, "/vm start 101").await, @"
        🔒 only max
        │ ⛔ Not now: start valheim
        │ You may do this at other hours.
        │ Again from <time>, <time>.
        │ — VM 101 · home
        ");
        assert!(said(&max, "/vm status 101").await.contains("No guest 101"));
        assert!(said(&max, "/status").await.contains("Nothing here"));
        assert_eq!(world.writes(), Vec::<String>::new());
    });
    let hours = format!("hours = \"{}-{}\"", later(-60), later(60));
    run(bounded(&hours), async |world| {
        world
            .person("max")
            .slash("/vm start 101")
            .await
            .until("started")
            .await;
    });
}

#[test]
fn a_guest_rests_between_two_of_the_same() {
    let rules = rules(RULES).replace(
        "[\"view\", \"start\"]\nguests = [\"tag:games\"]\n",
        "[\"view\", \"reboot\"]\nguests = [\"tag:games\"]\ncooldown = \"10 min\"\n",
    );
    run(setup().rules(&rules), async |world| {
        let (max, friend) = (world.person("max"), world.person("friend"));
        max.slash("/vm reboot 102").await.until("rebooted").await;
        assert_snapshot!(said(&friend, "/vm reboot 102").await, @"
        🔒 only friend
        │ ⛔ Not now: reboot minecraft
        │ That was done a moment ago. The
        │ guest has to rest now.
        │ Again from <time>, <time>.
        │ — VM 102 · home
        ");
        assert_eq!(world.writes().len(), 1);
    });
}

#[test]
fn the_audit_is_read_page_by_page_by_those_who_may() {
    run(setup(), async |world| {
        let (owner, max) = (world.person("owner"), world.person("max"));
        max.slash("/vm start 101").await.until("started").await;
        for _ in 0..11 {
            max.slash("/vm stop 101").await.first().await;
        }
        world
            .person("stranger")
            .slash("/vm start 101")
            .await
            .first()
            .await;
        let mut wanted = vec!["opened start 101", "sent", "closed done"];
        wanted.extend(["refused stop 101"; 11]);
        wanted.push("refused start 101");
        world.audited(&wanted).await;

        assert_snapshot!(said(&owner, "/audit max action:start").await, @"
        🔒 only owner
        │ 📒 Audit
        │ Shown: start, by <@80351110224678912>
        │ **<time>**
        │ ▶️ <time> <@80351110224678912> start 101 valheim: done
        │ — home
        ");
        let first = owner.slash("/audit").await;
        let page = first.settled().await;
        assert!(
            page.text().contains("<@80351110224678999>"),
            "{}",
            page.text()
        );
        assert!(!page.text().contains("done"), "{}", page.text());
        let older = owner.click(&page, "Older").await;
        drop(older);
        assert_snapshot!(shown(&first.until("done").await), @"
        🔒 only owner
        │ 📒 Audit
        │ **<time>**
        │ ⛔ <time> <@80351110224678912> stop 101: no rule
        │ ⛔ <time> <@80351110224678912> stop 101: no rule
        │ ▶️ <time> <@80351110224678912> start 101 valheim: done
        │ — home
        [Newest] (secondary)
        ");
        assert!(
            said(&owner, "/audit guest:102")
                .await
                .contains("nothing like that")
        );
        assert!(
            said(&owner, "/audit refused:true since:2h")
                .await
                .contains("no rule")
        );
    });
}

/// Asked for and approved, granted and taken back, locked and unlocked, tried and refused.
async fn all_that_changes_access(world: &World, owner: &Person, max: &Person) {
    let asked = max.slash("/ct start 105").await.first().await;
    let asked = max.click(&asked, "Ask for it").await;
    asked.until("once somebody has decided").await;
    let channel = support::OTHER_CHANNEL;
    let letter = world.dc.wait_channel_message(channel, "asks for it").await;
    let pressed = owner.click(&letter, "Once").await;
    asked.until("started").await;
    pressed.until("started").await;
    let public = support::BOT_CHANNEL;
    world.dc.wait_channel_message(public, "started").await;
    while !world
        .dc
        .message(letter.id)
        .unwrap()
        .text()
        .contains("started")
    {
        tokio::time::sleep(std::time::Duration::from_millis(10)).await;
    }
    let granted = owner.slash("/access grant max start,stop 105 6h").await;
    granted.until("granted").await;
    owner
        .slash("/access revoke 1")
        .await
        .until("took back")
        .await;
    for switch in ["on", "off"] {
        let text = format!("/access lockdown {switch}");
        owner.slash(&text).await.until("ocked").await;
    }
    max.slash("/access grant friend start 105 6h")
        .await
        .first()
        .await;
    world.audited_last("refused access.grant 105").await;
}

/// Who was given what is looked up under the name of the right that it takes.
#[test]
fn the_audit_of_access_is_grants_decisions_and_lockdowns() {
    let more = "[[ask]]\nwho = [\"friends\"]\nactions = [\"start\"]\nguests = [\"tag:lab\"]\n";
    let mut setup = setup().rules(&rules(&format!("{RULES}{more}")));
    setup.discord = format!("approvals_channel = {}", support::OTHER_CHANNEL);
    run(setup, async |world| {
        let (owner, max) = (world.person("owner"), world.person("max"));
        all_that_changes_access(world, &owner, &max).await;
        assert_snapshot!(said(&owner, "/audit action:access").await, @"
        🔒 only owner
        │ 📒 Audit
        │ Shown: access
        │ **<time>**
        │ ⛔ <time> <@80351110224678912> access.grant 105: no rule
        │ 🔓 <time> <@184405311681986560> ended the lockdown
        │ 🔒 <time> <@184405311681986560> locked everything down
        │ ✂️ <time> <@184405311681986560> took from <@80351110224678912>: start, stop 105 web-lab
        │ 🔑 <time> <@184405311681986560> gave <@80351110224678912>: start, stop 105 web-lab, until <time>
        │ 👍 <time> <@184405311681986560> allowed <@80351110224678912>: start 105 web-lab
        │ — home
        ");
        assert_snapshot!(said(&owner, "/audit action:start who:max").await, @"
        🔒 only owner
        │ 📒 Audit
        │ Shown: start, by <@80351110224678912>
        │ **<time>**
        │ ▶️ <time> <@80351110224678912> start 105 web-lab: done, approved by <@184405311681986560>
        │ 🙋 <time> <@80351110224678912> asks for start 105 web-lab, lapses <time>
        │ ⛔ <time> <@80351110224678912> start 105: no rule
        │ — home
        ");
        assert_snapshot!(said(&owner, "/audit action:access guest:105 refused:true").await, @"
        🔒 only owner
        │ 📒 Audit
        │ Shown: access, on 105, refusals
        │ **<time>**
        │ ⛔ <time> <@80351110224678912> access.grant 105: no rule
        │ — home
        ");
        let page = said(&owner, "/audit refused:false").await;
        assert!(
            page.contains("Shown: no refusals") && !page.contains('⛔'),
            "{page}"
        );
        assert!(page.contains("start 105"), "{page}");
    });
}

#[test]
fn the_audit_is_closed_to_others() {
    run(setup(), async |world| {
        let page = world.person("owner").slash("/audit").await.settled().await;
        for who in ["max", "friend", "stranger"] {
            let refused = said(&world.person(who), "/audit").await;
            assert!(refused.contains("not for you"), "{refused}");
            let pressed = world.person(who).press(&page, "1:audit:-:-:-:-:-:-").await;
            let refused = pressed.first().await.text();
            assert!(refused.contains("not for you"), "{refused}");
        }
    });
}

/// Somebody with a role lends; what is lent is worth what that person may do when it is used, and
/// only Discord knows who has which role by then.
#[test]
fn who_only_looks_sees_nothing_that_a_lost_role_lent() {
    let rules = rules(RULES).replace("who = [\"friend\"]", "who = [\"friends\"]");
    run(setup().rules(&rules), async |world| {
        let stranger = world.person("stranger");
        let max = world.person("max");
        let granted = max.slash("/access grant stranger start 105 6h").await;
        granted.until("granted").await;
        assert!(said(&stranger, "/access whoami").await.contains("web-lab"));

        world.stop_bot().await.unwrap();
        world.dc.adjust(|setup| {
            let max = setup.people.iter_mut().find(|p| p.name == "max");
            max.unwrap().roles.clear();
        });
        world.start_bot().await;
        // Nobody acts, and it is gone within moments of the look at all givers.
        while said(&stranger, "/access whoami").await.contains("web-lab") {}
        assert!(world.writes().is_empty());
    });
}

#[test]
fn what_discord_does_not_say_hides_nothing() {
    let rules = rules(RULES).replace("who = [\"friend\"]", "who = [\"friends\"]");
    run(setup().rules(&rules), async |world| {
        let stranger = world.person("stranger");
        let max = world.person("max");
        let granted = max.slash("/access grant stranger start 105 6h").await;
        granted.until("granted").await;
        world.stop_bot().await.unwrap();
        let looked_up = |r: &&fake_discord::Recorded| r.path.contains("/members/");
        let before = world.dc.requests().iter().filter(looked_up).count();
        world.dc.rest(fake_discord::RestFault {
            on: "/members/".to_owned(),
            kind: fake_discord::RestFaultKind::Status(503, serde_json::json!({})),
            times: 1,
        });
        world.start_bot().await;
        world.dc.wait_requests("/members/", before + 1).await;
        assert!(said(&stranger, "/access whoami").await.contains("web-lab"));
        // The act asks again, and is told.
        let started = stranger.slash("/ct start 105").await;
        started.until("started").await;
    });
}

#[test]
fn a_grant_does_not_outlive_its_givers_role() {
    let rules = rules(RULES).replace("who = [\"friend\"]", "who = [\"friends\"]");
    run(setup().rules(&rules), async |world| {
        let stranger = world.person("stranger");
        let granted = world
            .person("max")
            .slash("/access grant stranger start 105 6h")
            .await;
        granted.until("granted").await;
        let looked_up = || {
            let member = |r: &fake_discord::Recorded| r.path.contains("/members/");
            world.dc.requests().iter().filter(|r| member(r)).count()
        };
        let before = looked_up();
        said(&stranger, "/access whoami").await;
        said(&stranger, "/ct list").await;
        assert_eq!(stranger.type_ahead("/ct start ").await.len(), 1);
        assert_eq!(looked_up(), before, "reads are answered from memory");

        stranger.slash("/ct start 105").await.until("started").await;
        assert_eq!((world.writes().len(), looked_up()), (1, before + 1));
        world.audited_last("closed done").await;
        world
            .px
            .set_guest(105, |guest| guest.state = "stopped".into());

        world.dc.rest(fake_discord::RestFault {
            on: "/members/".to_owned(),
            kind: fake_discord::RestFaultKind::Status(403, serde_json::json!({"message": "no"})),
            times: 1,
        });
        assert_snapshot!(said(&stranger, "/ct start 105").await, @"
        🔒 only stranger
        │ ⛔ You may not start web-lab now
        │ It was lent to you, and Discord did not
        │ tell me the roles of who lent it, so
        │ nothing was done. Try again in a minute.
        │ If they left the server, ask for it anew.
        │ — CT 105 · home
        ");

        world.dc.adjust(|setup| {
            let max = setup.people.iter_mut().find(|p| p.name == "max");
            max.unwrap().roles.clear();
        });
        let refused = said(&stranger, "/ct start 105").await;
        assert!(
            refused.contains("No guest 105") || refused.contains("You may not"),
            "{refused}"
        );
        assert_eq!(world.writes().len(), 1);
        // By now nothing promises what is no longer so.
        let whoami = said(&stranger, "/access whoami").await;
        assert!(!whoami.contains("web-lab"), "{whoami}");
        world.stop_bot().await.unwrap();
        world.start_bot().await;
        let whoami = said(&stranger, "/access whoami").await;
        assert!(!whoami.contains("web-lab"), "{whoami}");
    });
}

/// What was lent was lent for one guest, not for whatever stands under its VMID later.
#[test]
fn a_grant_is_not_for_another_guest_under_the_same_vmid() {
    run(setup(), async |world| {
        let (owner, max) = (world.person("owner"), world.person("max"));
        let granted = owner.slash("/access grant max start 105 1h").await;
        granted.until("granted").await;
        // The guest itself says so before the snapshot does.
        world
            .px
            .set_guest(105, |guest| guest.name = "payroll".into());
        let late = said(&max, "/ct start 105").await;
        assert!(late.contains("⛔"), "{late}");
        world.next_snapshot().await;
        assert!(said(&max, "/ct start 105").await.contains("No guest 105"));
        assert_eq!(world.writes(), Vec::<String>::new());
    });
}
