//! What one right must not carry along: a backup that shuts a guest down, an hour that was asked for one
//! snapshot, memory claimed for nothing, many guests under one question.

mod support;

use insta::assert_snapshot;
use support::{Setup, rules, run, run_without_bot, shown};

const APPROVALS: u64 = 1_100_000_000_000_000_001;

fn setup(more: &str) -> Setup {
    let mut setup = Setup::automatic().rules(&rules(more));
    setup.discord = format!("approvals_channel = {APPROVALS}");
    setup.px = setup.px.backing_up();
    setup
}

#[test]
fn a_backup_that_shuts_a_guest_down_takes_the_right_to_do_so() {
    let more = r#"
[[allow]]
who = ["friends"]
actions = ["view", "backup.*", "shutdown", "start"]
guests = ["*"]

[[deny]]
who = ["friends"]
actions = ["power"]
guests = ["102"]
"#;
    run(setup(more), async |world| {
        let max = world.person("max");
        let refused = max.slash("/backup run 102 storage:nas mode:stop").await;
        let text = refused.first().await.text();
        assert!(text.contains("You may not"), "{text}");
        assert_eq!(world.writes(), Vec::<String>::new());
        // Without shutting it down it may be backed up.
        let done = max.slash("/backup run 102 storage:nas").await;
        done.until("backed up").await;
        assert_eq!(world.writes(), ["POST /nodes/pve2/vzdump"]);
    });
}

#[test]
fn who_approves_is_told_that_a_backup_shuts_down_and_whom_it_is_denied_stays_denied() {
    let more = r#"
[[ask]]
who = ["friends"]
actions = ["backup.run", "snapshot.delete"]
guests = ["101", "102"]

[[deny]]
who = ["friends"]
actions = ["power"]
guests = ["102"]
"#;
    run(setup(more), async |world| {
        let (max, owner) = (world.person("max"), world.person("owner"));
        // What a deny takes cannot be asked for on the way either.
        let refused = max.slash("/backup run 102 storage:nas mode:stop").await;
        let refused = refused.first().await;
        if refused.buttons().iter().any(|label| label == "Ask for it") {
            let asked = max.click(&refused, "Ask for it").await;
            asked.until("once somebody has decided").await;
            let letter = world
                .dc
                .wait_channel_message(APPROVALS, "asks for it")
                .await;
            assert!(letter.text().contains("shut down"), "{}", letter.text());
            let said = owner.click(&letter, "Once").await.settled().await;
            assert!(said.text().contains('⛔'), "{}", said.text());
            let no = owner.press(&letter, "1:decline:1").await;
            no.settled().await;
            asked.settled().await;
            world.dc.message(letter.id).unwrap().text();
        }
        assert_eq!(world.writes(), Vec::<String>::new());
    });
}

#[test]
fn a_request_about_one_snapshot_is_given_once_and_not_for_an_hour() {
    let more = r#"
[[ask]]
who = ["friends"]
actions = ["snapshot.delete"]
guests = ["101"]
"#;
    run(setup(more), async |world| {
        let (max, owner) = (world.person("max"), world.person("owner"));
        let refused = max.slash("/snapshot delete 101 update-0-220").await;
        let asked = max.click(&refused.first().await, "Ask for it").await;
        asked.until("once somebody has decided").await;
        let letter = world
            .dc
            .wait_channel_message(APPROVALS, "asks for it")
            .await;
        assert_eq!(letter.buttons(), ["Once", "No"]);
        // The id can be forged.
        let forged = owner.press(&letter, "1:hour:1").await.settled().await;
        assert!(
            forged.text().contains("only be given once"),
            "{}",
            forged.text()
        );
        let once = owner.click(&letter, "Once").await;
        once.until("snapshot deleted").await;
        asked.until("snapshot deleted").await;
        let again = max.slash("/snapshot delete 101 before-mods").await;
        let again = again.first().await;
        assert!(again.text().contains("You may not"), "{}", again.text());
        assert_eq!(world.writes().len(), 1);
        world
            .dc
            .wait_channel_message(support::BOT_CHANNEL, "snapshot deleted")
            .await;
        world.dc.message(letter.id).unwrap().text();
    });
}

#[test]
fn a_start_that_was_never_sent_takes_no_memory_from_others() {
    run(setup(""), async |world| {
        let owner = world.person("owner");
        world.px.set_node("pve1", |node| node.mem = Some(50 << 30));
        world
            .px
            .set_guest(101, |guest| guest.state = "running".into());
        world
            .px
            .set_guest(103, |guest| guest.state = "stopped".into());
        world.next_snapshot().await;
        for _ in 0..4 {
            let answer = owner.slash("/vm start 101").await;
            answer.until("runs already").await;
        }
        owner.slash("/vm start 103").await.until("started").await;
    });
}

#[test]
fn several_that_do_not_run_are_not_called_rebooted_and_suspended_ones_are() {
    run(setup(""), async |world| {
        let owner = world.person("owner");
        for vmid in [101, 102] {
            world
                .px
                .set_guest(vmid, |guest| guest.state = "stopped".into());
        }
        let rebooted = owner.slash("/vm reboot 101,102").await;
        let card = rebooted.until("0 of 2").await.text();
        assert!(card.contains("does not run"), "{card}");
        for vmid in [101, 102] {
            world
                .px
                .set_guest(vmid, |guest| guest.state = "running".into());
        }
        owner
            .slash("/vm suspend 101,102")
            .await
            .until("2 of 2")
            .await;
        assert_eq!(world.writes().len(), 2);
    });
}

/// As for a single one: what does not run is said to be so, and nothing is asked where none does.
#[test]
fn of_several_the_question_says_which_do_not_run() {
    run_without_bot(setup(""), async |world| {
        for (vmid, state) in [(101, "running"), (102, "stopped")] {
            world.px.set_guest(vmid, |guest| guest.state = state.into());
        }
        world.start_bot().await;
        let owner = world.person("owner");
        let asked = owner.slash("/vm stop 101,102").await;
        let question = asked.first().await;
        assert_snapshot!(shown(&question), @"
        🔒 only owner
        │ ⚠️ Really stop 2 guests?
        │ 101 valheim, 102 minecraft (does not run)
        │ This pulls the plug: what is not saved
        │ in each guest is lost.
        │ The question holds for one minute.
        │ — 101,102
        [Stop now] (danger) [Cancel] (secondary)
        ");
        owner
            .click(&question, "Cancel")
            .await
            .until("Cancelled")
            .await;
        asked.settled().await;
        world
            .px
            .set_guest(101, |guest| guest.state = "stopped".into());
        world.next_snapshot().await;
        let answer = owner.slash("/vm stop 101,102").await;
        assert_snapshot!(shown(&answer.until("2 of 2").await), @"
        🔒 only owner
        │ ✅ Stop: 2 of 2
        │ Asked by <@184405311681986560>.
        │ ⚪ valheim · is stopped already
        │ ⚪ minecraft · is stopped already
        ");
        assert_eq!(world.writes(), Vec::<String>::new());
        // Newer than what is remembered: nothing is stopped that was not asked about.
        for vmid in [101, 102] {
            world
                .px
                .set_guest(vmid, |guest| guest.state = "running".into());
        }
        let answer = owner.slash("/vm stop 101,102").await;
        answer.until("ask you first").await;
        assert_eq!(world.writes(), Vec::<String>::new());
    });
}

#[test]
fn of_several_each_counts_once_and_a_tag_that_went_counts_no_more() {
    run(setup(""), async |world| {
        let owner = world.person("owner");
        for vmid in [101, 102] {
            world
                .px
                .set_guest(vmid, |guest| guest.state = "running".into());
        }
        let asked = owner.slash("/vm stop 101,valheim,home/101,102").await;
        let question = asked.first().await;
        assert!(question.text().contains("2 guests"), "{}", question.text());
        owner
            .click(&question, "Cancel")
            .await
            .until("Cancelled")
            .await;
        asked.settled().await;
        let asked = owner.slash("/vm stop tag:games").await;
        let question = asked.first().await;
        world.px.set_guest(102, |guest| guest.tags = Vec::new());
        let done = owner.click(&question, "Stop now").await;
        asked.until("Confirmed").await;
        let card = done.until("1 of 1").await.text();
        assert!(!card.contains("minecraft"), "{card}");
        done.follow_up("not in tag:games any more").await;
        assert_eq!(world.writes(), ["POST /nodes/pve1/qemu/101/status/stop"]);
    });
}

#[test]
fn what_was_typed_and_came_to_nothing_is_said_to_the_person_alone() {
    run(setup(""), async |world| {
        let answer = world
            .person("owner")
            .slash("/vm start 101,999,web-lab")
            .await;
        answer.until("1 of 1").await;
        let aside = answer.follow_up("Left out").await;
        assert!(aside.ephemeral_for.is_some());
        assert!(aside.text().contains("here:\n│ 999."), "{}", aside.text());
        // That one is a container, and could be started as one.
        assert!(aside.text().contains("`/ct start 105`"), "{}", aside.text());
        let many: Vec<String> = (101..=111).map(|vmid| vmid.to_string()).collect();
        let text = format!("/vm start {}", many.join(","));
        let refused = world.person("stranger").slash(&text).await.first().await;
        assert!(refused.text().contains("too many"), "{}", refused.text());
    });
}

#[test]
fn a_node_rests_between_two_of_the_same_too() {
    let more = r#"
[[allow]]
who = ["friends"]
actions = ["view", "node.wake"]
nodes = ["*"]
cooldown = "1 h"
"#;
    let mut setup = setup(more);
    setup.px = setup.px.lived_in();
    run_without_bot(setup, async |world| {
        for who in ["discord@pve", "discord@pve!bot"] {
            world
                .px
                .acl("/nodes", who, &["Sys.Audit", "Sys.PowerMgmt"], true);
        }
        world.px.node_down("pve2");
        world.start_bot().await;
        let max = world.person("max");
        let woken = max.slash("/node wake pve2").await;
        woken.until("Seen online").await;
        world.px.node_down("pve2");
        world.next_snapshot().await;
        let again = max.slash("/node wake pve2").await.first().await;
        assert!(again.text().contains("Not now"), "{}", again.text());
        assert_eq!(world.writes().len(), 1);
    });
}

/// What is lent counts only once its giver was looked up, also where a tag that went a moment ago makes
/// the difference.
#[test]
fn a_grant_that_comes_to_matter_late_is_looked_up_too() {
    let more = r#"
[[allow]]
who = ["friends"]
actions = ["view", "power", "access"]
guests = ["101"]

[[allow]]
who = ["friend"]
actions = ["start"]
guests = ["tag:games"]
"#;
    run(setup(more), async |world| {
        let (max, friend) = (world.person("max"), world.person("friend"));
        let granted = max.slash("/access grant friend start 101 6h").await;
        granted.until("granted").await;
        world.dc.adjust(|server| {
            for person in &mut server.people {
                person.roles.clear();
            }
        });
        world.next_snapshot().await;
        world
            .px
            .set_guest(101, |guest| guest.tags = vec!["prod".into()]);
        let answer = friend.with_roles(&[]).slash("/vm start 101").await;
        answer.follow_up("You may not").await;
        assert_eq!(world.writes(), Vec::<String>::new());
    });
}
