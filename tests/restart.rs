//! The bot is stopped in the middle of something and comes back. (`kill -9`: `tests/process.rs`.)

mod support;

use support::{Setup, run, shown};

#[test]
fn a_stop_leaves_what_takes_long_to_the_next_process() {
    run(Setup::default(), async |world| {
        let answer = world.person("max").slash("/vm start 101").await;
        let upid = world.px.wait_task("qmstart", 101).await;
        answer.until("at work").await;
        world.stop_bot().await.unwrap();
        assert_eq!(world.audit(), ["opened start 101", "sent"]);
        world.start_bot().await;
        world.px.finish(&upid, "start failed: no such disk");
        let told = world
            .dc
            .wait_channel_message(support::BOT_CHANNEL, "restarted in between")
            .await;
        assert!(shown(&told).contains("did not start"));
        world.audited_last("closed failed").await;
    });
}

#[test]
fn a_stop_waits_for_what_ends_soon() {
    run(Setup::default(), async |world| {
        let answer = world.person("max").slash("/vm start 101").await;
        let upid = world.px.wait_task("qmstart", 101).await;
        answer.until("at work").await;
        let px = world.px.clone();
        let (stopped, ()) = tokio::join!(world.stop_bot(), async move {
            px.finish(&upid, "OK");
        });
        stopped.unwrap();
        answer.until("started").await;
        assert_eq!(world.audit().last().unwrap(), "closed done");
    });
}

#[test]
fn questions_do_not_survive_a_restart() {
    run(Setup::default(), async |world| {
        let owner = world.person("owner");
        let asked = owner.slash("/vm stop 102").await;
        let question = asked.first().await;
        let yes = question.custom_id("Stop now").unwrap();
        world.stop_bot().await.unwrap();
        asked.until("restarting").await;
        world.start_bot().await;
        let said = owner.press(&question, &yes).await.first().await;
        assert!(shown(&said).contains("This question is closed"));
        assert_eq!(world.writes(), Vec::<String>::new());
    });
}

/// A button carries what it asks for and no right to it: the rules of the press count.
#[test]
fn a_button_from_before_the_restart_is_checked_by_the_rules_of_now() {
    run(Setup::automatic(), async |world| {
        let max = world.person("max");
        let card = max.slash("/vm status 101").await.first().await;
        world.stop_bot().await.unwrap();
        world.write_rules(&support::RULES.replace("\"start\", ", ""));
        world.start_bot().await;
        let said = max.click(&card, "Start").await.first().await;
        assert!(said.text().contains("You may not start"), "{}", said.text());
        assert!(said.ephemeral_for.is_some());
        assert_eq!(world.writes(), Vec::<String>::new());
    });
}

#[test]
fn commands_are_registered_again_only_when_they_changed() {
    run(Setup::default(), async |world| {
        assert_eq!(world.dc.registrations(), 1);
        world.stop_bot().await.unwrap();
        world.start_bot().await;
        world.person("owner").slash("/status").await.first().await;
        assert_eq!(world.dc.registrations(), 1);
    });
}

#[test]
fn the_audit_is_only_ever_added_to() {
    run(Setup::automatic(), async |world| {
        world
            .person("max")
            .slash("/vm start 101")
            .await
            .until("started")
            .await;
        world.audited_last("closed done").await;
        let db = rusqlite::Connection::open(world.dir.path().join("state/steward.db")).unwrap();
        for forgery in ["DELETE FROM audit", "UPDATE audit SET outcome = 'failed'"] {
            let refused = db.execute(forgery, []).unwrap_err().to_string();
            assert!(refused.contains("only ever added to"), "{refused}");
        }
    });
}

/// Whatever is delivered twice: the store itself lets one interaction act on a guest once, and on
/// another guest too.
#[test]
fn one_interaction_opens_one_act_on_each_guest() {
    run(Setup::automatic(), async |world| {
        let answer = world.person("max").slash("/vm start 101").await;
        answer.until("started").await;
        world.audited_last("closed done").await;
        world.stop_bot().await.unwrap();
        let db = rusqlite::Connection::open(world.dir.path().join("state/steward.db")).unwrap();
        let again = |cluster: Option<&str>, vmid: Option<u32>| {
            let id = answer.interaction_id().cast_signed();
            db.execute(
                "INSERT INTO audit (event, at_ms, interaction, cluster, vmid, rule, hash) \
                 VALUES ('opened', 1, ?1, ?2, ?3, 'a rule', zeroblob(32))",
                (id, cluster, vmid),
            )
        };
        assert!(again(Some("home"), Some(101)).is_err());
        again(Some("home"), Some(102)).unwrap();
        // Nor twice on a node, or on the bot itself.
        for cluster in [Some("home"), None] {
            again(cluster, None).unwrap();
            assert!(again(cluster, None).is_err());
        }
    });
}
