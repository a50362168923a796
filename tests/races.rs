//! What changes between the moment somebody is allowed to act and the moment Proxmox is asked. Each
//! was found by somebody who tried.

mod support;

use std::time::Duration;

use fake_proxmox::{Fault, FaultKind, Match};
use support::{Setup, rules, run};

const RULES: &str = r#"
[[allow]]
who = ["friends"]
actions = ["view", "start"]
guests = ["tag:games"]

[[deny]]
who = ["friends"]
actions = ["*"]
guests = ["tag:prod"]

[[deny]]
who = ["friends"]
actions = ["view"]
nodes = ["*"]
"#;

fn locked(world: &support::World) -> rusqlite::Connection {
    let db = rusqlite::Connection::open(world.dir.path().join("state/steward.db")).unwrap();
    db.execute_batch("BEGIN IMMEDIATE").unwrap();
    db
}

#[test]
fn a_tag_that_was_just_taken_away_gives_nothing() {
    run(Setup::automatic().rules(&rules(RULES)), async |world| {
        world.px.set_guest(101, |guest| guest.tags = Vec::new());
        let answer = world.person("max").slash("/vm start 101").await;
        let refused = answer.follow_up("You may not").await;
        assert!(refused.ephemeral_for.is_some());
        answer.deleted().await;
        assert_eq!(world.writes(), Vec::<String>::new());
    });
}

#[test]
fn a_tag_that_was_just_put_on_is_seen() {
    run(Setup::automatic().rules(&rules(RULES)), async |world| {
        world
            .px
            .set_guest(101, |guest| guest.tags.push("prod".into()));
        let answer = world.person("max").slash("/vm start 101").await;
        answer.follow_up("You may not").await;
        answer.deleted().await;
        assert_eq!(world.writes(), Vec::<String>::new());
    });
}

/// Discord says with each press which roles the person has: those of the question count no more.
#[test]
fn a_role_that_was_taken_away_after_the_question_gives_nothing() {
    let more = RULES.replace("\"start\"]", "\"stop\"]");
    run(Setup::automatic().rules(&rules(&more)), async |world| {
        let max = world.person("max");
        let asked = max.slash("/vm stop 102").await;
        let question = asked.first().await;
        let yes = question.custom_id("Stop now").unwrap();
        let without = world.person("max").with_roles(&[]);
        let said = without.press(&question, &yes).await.first().await;
        assert!(said.text().contains("No guest"), "{}", said.text());
        assert!(said.ephemeral_for.is_some());
        asked.until("Confirmed").await;
        assert_eq!(world.writes(), Vec::<String>::new());
    });
}

#[test]
fn an_audit_that_takes_too_long_means_no_and_is_never_acted_on_later() {
    run(Setup::automatic().rules(&rules(RULES)), async |world| {
        let held = locked(world);
        let stranger = world.person("stranger");
        for _ in 0..3 {
            stranger.slash("/vm start 999").await.first().await;
        }
        let max = world.person("max").slash("/vm start 101").await;
        let owner = world.person("owner").slash("/vm shutdown 102").await;
        for (answer, next) in [(max, "Tell the owner."), (owner, "See the log.")] {
            let refused = answer.follow_up("could not note it").await.text();
            assert!(refused.contains("Nothing was done"), "{refused}");
            assert!(refused.contains(next), "{refused}");
            answer.deleted().await;
        }
        drop(held);
        // The entry that could not be opened in time is never opened, or says what became of it.
        tokio::time::timeout(Duration::from_secs(30), async {
            while world
                .audit()
                .iter()
                .filter(|row| *row == "refused start 999")
                .count()
                < 3
            {
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
        })
        .await
        .expect("the refusals are noted once the store is free");
        assert_eq!(world.writes(), Vec::<String>::new());
        let audit = world.audit();
        let opened = audit.iter().filter(|row| row.starts_with("opened")).count();
        let failed = audit
            .iter()
            .filter(|row| row.starts_with("closed not sent"))
            .count();
        assert_eq!(opened, failed, "{audit:?}");
    });
}

#[test]
fn a_node_that_does_not_tell_how_a_guest_is_in_time_means_no() {
    run(Setup::automatic().rules(&rules(RULES)), async |world| {
        let slow = Match::any().path("/status/current");
        world.px.fault(Fault::always(FaultKind::Hang).on(slow));
        let answer = world.person("max").slash("/vm start 101").await;
        let refused = tokio::time::timeout(Duration::from_secs(30), async {
            loop {
                if let Some(refused) = answer.follow_ups().first() {
                    return refused.clone();
                }
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
        });
        let refused = refused.await.expect("an answer");
        assert!(
            refused.text().contains("cannot be read now"),
            "{}",
            refused.text()
        );
        answer.deleted().await;
        world.px.clear_faults();
        assert_eq!(world.writes(), Vec::<String>::new());
    });
}

#[test]
fn figures_of_nodes_are_for_those_who_may_view_nodes() {
    let rules = rules(RULES).replace("who = [\"friends\"]\nactions = [\"view\", \"start\"]\nguests = [\"tag:games\"]", "who = [\"friends\"]\nactions = [\"view\", \"start\"]\nguests = [\"tag:games\"]\nnodes = [\"*\"]");
    run(Setup::automatic().rules(&rules), async |world| {
        let max = world.person("max");
        for text in [
            "/status",
            "/node list",
            "/node status pve1",
            "/access whoami",
        ] {
            let said = max.slash(text).await.settled().await.text();
            assert!(
                !said.contains("pve1 ·") && !said.contains("nodes: view"),
                "{text}: {said}"
            );
        }
        assert!(max.type_ahead("/node status ").await.is_empty());
    });
}
