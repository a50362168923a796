//! The rules are read again while the bot runs: when their file changes, and when told to.

mod support;

use insta::assert_snapshot;
use support::{RULES, Setup, World, run, shown};

const ALERTS: u64 = 1_100_000_000_000_000_002;
const AUDIT: u64 = 1_100_000_000_000_000_003;

/// Without an audit channel, in which every act would be told too.
fn setup() -> Setup {
    let mut setup = Setup::automatic();
    setup.discord = format!("alerts_channel = {ALERTS}");
    setup
}

fn with_audit() -> Setup {
    let mut setup = Setup::automatic();
    setup.discord = format!("audit_channel = {AUDIT}");
    setup
}

async fn told(world: &World, channel: u64, contains: &str) -> String {
    let message = world.dc.wait_channel_message(channel, contains).await;
    let dir = world.dir.path().display().to_string();
    shown(&message)
        .replace(&dir.replace('_', "\\_"), "")
        .replace(&dir, "")
}

#[test]
fn a_changed_file_is_the_new_law_and_the_change_is_told() {
    run(setup(), async |world| {
        let max = world.person("max");
        let refused = max.slash("/vm stop 102").await.first().await;
        assert!(refused.text().contains("You may not"), "{}", refused.text());
        let more = RULES.replace(
            "[\"view\", \"start\", \"shutdown\", \"reboot\"]",
            "[\"view\", \"start\", \"stop\"]",
        );
        world.write_rules(&more);
        assert_snapshot!(told(world, ALERTS, "New rules hold").await, @"
        │ 📜 New rules hold
        │ **Added**
        │ allow friends: view, start, stop on tag:games
        │
        │ **Removed**
        │ allow friends: view, start, shutdown, reboot on tag:games
        │
        │ **role friends**
        │ ➕ stop: 101 valheim, 102 minecraft
        │ ➖ shutdown: 101 valheim, 102 minecraft
        │ ➖ reboot: 101 valheim, 102 minecraft
        ");
        let question = max.slash("/vm stop 102").await;
        let question = question.first().await;
        assert!(
            question.text().contains("Really stop"),
            "{}",
            question.text()
        );
        max.click(&question, "Cancel")
            .await
            .until("Cancelled")
            .await;
        let refused = max.slash("/vm reboot 102").await.first().await;
        assert!(refused.text().contains("You may not"), "{}", refused.text());
        world.audited_last("refused reboot 102").await;
        assert!(
            world.audit().contains(&"reloaded policy".to_owned()),
            "{:?}",
            world.audit()
        );
    });
}

#[test]
fn rules_with_mistakes_change_nothing_and_say_so() {
    run(setup(), async |world| {
        let max = world.person("max");
        world.write_rules(&RULES.replace(
            "actions = [\"*\"]\nguests = [\"tag:prod\"]",
            "actions = [\"fly\"]\nguests = [\"tags:prod\"]",
        ));
        assert_snapshot!(told(world, ALERTS, "New rules refused").await, @r"
        │ 📜 New rules refused
        │ The file has mistakes, so the rules of
        │ before stay:
        │ /steward.toml:36: deny\[0\].actions\[0\]: unknown action \`fly\`; known are view, start, shutdown, reboot, suspend, resume, stop, reset, snapshot.create, snapshot.rollback, snapshot.delete, backup.view, backup.run, task.view, task.stop, node.reboot, node.shutdown, node.wake, token, access, audit, power, force, snapshot.\*, backup.\*, task.\*, node.\*, \*
        ");
        max.slash("/vm start 101").await.until("started").await;
        let hidden = max.slash("/vm start 103").await.first().await;
        assert!(
            hidden.text().contains("No guest 103"),
            "the deny still holds"
        );
        // Nothing at all is a mistake too.
        world.write_rules("");
        told(world, ALERTS, "without a rule").await;
        assert!(
            max.slash("/status")
                .await
                .first()
                .await
                .text()
                .contains("running")
        );
        // What is mended holds.
        world.write_rules(&RULES.replace("[\"tag:games\"]", "[\"101\"]"));
        told(world, ALERTS, "New rules hold").await;
    });
}

#[test]
fn what_takes_a_restart_is_said_and_not_done() {
    run(with_audit(), async |world| {
        let text = std::fs::read_to_string(&world.files[0]).unwrap();
        std::fs::write(
            &world.files[0],
            text.replace("[bot]", "[bot]\nacts = \"private\""),
        )
        .unwrap();
        assert_snapshot!(told(world, AUDIT, "takes a restart").await, @"
        │ 📜 The rules are the same
        │ ⚠️ [bot] changed too: that takes a restart.
        ");
        let answer = world.person("max").slash("/vm start 101").await;
        assert!(answer.until("started").await.ephemeral_for.is_none());
        told(world, AUDIT, "start 101 valheim: done").await;
    });
}

#[test]
fn told_to_read_the_same_again_changes_nothing() {
    run(setup(), async |world| {
        world.again.notify_one();
        world
            .person("max")
            .slash("/vm start 101")
            .await
            .until("started")
            .await;
        assert!(world.dc.channel_messages(ALERTS).is_empty());
    });
}

/// After a refusal somebody is waiting to hear that the file is good again, though the rules in it are
/// those that held all the time.
#[test]
fn a_file_that_is_mended_is_told_of_where_its_mistakes_were() {
    let (audit, alerts) = (
        format!("audit_channel = {AUDIT}"),
        format!("alerts_channel = {ALERTS}"),
    );
    for (discord, told_in) in [
        (audit.clone(), vec![AUDIT]),
        (alerts.clone(), vec![ALERTS]),
        (format!("{audit}\n{alerts}"), vec![AUDIT, ALERTS]),
    ] {
        let mut setup = Setup::automatic();
        setup.discord = discord;
        run(setup, async |world| {
            world.write_rules("[[allow]]");
            told(world, *told_in.last().unwrap(), "New rules refused").await;
            world.write_rules(RULES);
            for channel in told_in {
                let said = told(world, channel, "good again").await;
                assert!(said.contains("what held all the time"), "{said}");
            }
            world.audited(&["reloaded policy", "reloaded policy"]).await;
        });
    }
    // New rules are told where changes are; where the mistakes were, that these are gone.
    let mut setup = Setup::automatic();
    setup.discord = format!("{audit}\n{alerts}");
    run(setup, async |world| {
        world.write_rules("[[allow]]");
        told(world, ALERTS, "New rules refused").await;
        world.write_rules(&RULES.replace("[\"tag:games\"]", "[\"101\"]"));
        told(world, AUDIT, "New rules hold").await;
        assert_snapshot!(told(world, ALERTS, "good again").await, @"
        │ 📜 The file is good again
        │ It has no mistakes any more. Its new
        │ rules hold.
        ");
    });
}
