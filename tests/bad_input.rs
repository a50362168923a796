//! What people, old messages and forgers send: understood as nothing, answered in a sentence, and
//! Proxmox hears nothing of it.

mod support;

use fake_discord::Answer;
use insta::assert_snapshot;
use serde_json::json;
use support::{Setup, World, run, shown};

async fn said(answer: &Answer) -> String {
    let message = answer.first().await;
    assert!(
        message.ephemeral_for.is_some(),
        "private: {}",
        message.text()
    );
    shown(&message)
}

fn untouched(world: &World) {
    assert_eq!(world.writes(), Vec::<String>::new());
    let asked = world.px.requests();
    assert!(
        asked.iter().all(|r| !r.path.contains("/qemu/")),
        "{asked:?}"
    );
}

#[test]
fn a_guest_that_is_no_guest_is_told_so() {
    run(Setup::default(), async |world| {
        let owner = world.person("owner");
        let long = "a".repeat(200);
        for bad in [
            "0",
            "99",
            "1000000000",
            "../101",
            "a/b/c",
            "my vm",
            "💥",
            "-1",
            "101;reboot",
            &long,
        ] {
            let text = said(&owner.slash(&format!("/vm start guest:{bad}")).await).await;
            assert!(text.contains("That is no guest"), "{bad}: {text}");
            assert!(
                !text.contains(bad) || bad.len() < 3,
                "what was typed is not echoed: {text}"
            );
        }
        assert_snapshot!(said(&owner.slash("/vm start ../101").await).await, @"
        🔒 only owner
        │ ⛔ That is no guest
        │ Write a VMID such as `101`, or a name
        │ such as `valheim`. Several: `101,102`,
        │ `tag:games` or `pool:lab`.
        ");
        let one = said(&owner.slash("/access grant max start tag:lab 1h").await).await;
        assert_snapshot!(one, @"
        🔒 only owner
        │ ⛔ That is more than one guest
        │ This is for one guest at a time: write
        │ a VMID such as `101`, or a name.
        ");
        untouched(world);
    });
}

#[test]
fn a_name_that_no_guest_has_is_not_there() {
    run(Setup::default(), async |world| {
        let owner = world.person("owner");
        for unknown in ["100abc", "999", "999999999", "nowhere", "lab/101"] {
            let text = said(&owner.slash(&format!("/vm status {unknown}")).await).await;
            assert!(
                text.contains(&format!("No guest {unknown} for you here")),
                "{text}"
            );
        }
        untouched(world);
    });
}

/// What is recommended is what is taken.
#[test]
fn a_look_back_goes_back() {
    run(Setup::default(), async |world| {
        let owner = world.person("owner");
        for bad in ["tomorrow", "until 02:00", "nonsense"] {
            let answer = owner.slash(&format!("/audit since:{bad}")).await;
            let text = said(&answer).await;
            let next = "⛔ That is no time\n│ Write `90m`, `6h` or `7d`.";
            assert!(text.contains(next), "{bad}: {text}");
        }
        for good in ["90m", "6h", "7d", "today", "2026-11-20"] {
            let page = owner.slash(&format!("/audit since:{good}")).await;
            assert!(page.settled().await.text().contains("Audit"), "{good}");
        }
        untouched(world);
    });
}

#[test]
fn a_node_that_is_no_node_is_told_so() {
    run(Setup::default(), async |world| {
        let owner = world.person("owner");
        assert_snapshot!(said(&owner.slash("/node status ../pve1").await).await, @"
        🔒 only owner
        │ ⛔ That is no node
        │ Write a node's name, such as `pve1`.
        ");
        assert_snapshot!(said(&owner.slash("/node status pve9").await).await, @"
        🔒 only owner
        │ ⛔ No node pve9 for you here
        │ Pick one from the list that appears
        │ while you type, or see `/access whoami`.
        ");
        untouched(world);
    });
}

#[test]
fn a_name_finds_its_guest_in_any_case() {
    run(Setup::default(), async |world| {
        let owner = world.person("owner");
        let by_name = owner.slash("/vm status VALHEIM").await.first().await;
        assert!(shown(&by_name).contains("VM 101"));
        let with_cluster = owner.slash("/vm status home/valheim").await.first().await;
        assert!(shown(&with_cluster).contains("VM 101"));
    });
}

#[test]
fn two_guests_of_one_name_are_asked_about() {
    let mut setup = Setup::default();
    setup
        .px
        .guests
        .push(fake_proxmox::Guest::vm(120, "valheim", "pve2"));
    run(setup, async |world| {
        let text = said(&world.person("owner").slash("/vm start valheim").await).await;
        assert_snapshot!(text, @"
        🔒 only owner
        │ ⛔ Which valheim?
        │ There are several. Write one of:
        │ • `home/101` VM valheim
        │ • `home/120` VM valheim
        ");
        // Somebody who may see only one of them means that one.
        world
            .person("max")
            .slash("/vm status valheim")
            .await
            .until("VM 101")
            .await;
    });
}

#[test]
fn an_unknown_subcommand_is_told_so() {
    run(Setup::default(), async |world| {
        let patch = json!({"data": {"options": [{"type": 1, "name": "explode", "options": []}]}});
        let answer = world.person("owner").raw_slash("/vm list", patch).await;
        assert_snapshot!(said(&answer).await, @"
        🔒 only owner
        │ ⛔ I do not know that command
        │ It is of another version. Reload
        │ Discord, or see `/help`.
        ");
        untouched(world);
    });
}

#[test]
fn forged_and_old_buttons_do_nothing() {
    run(Setup::default(), async |world| {
        let owner = world.person("owner");
        let card = owner
            .slash("/vm start 102")
            .await
            .until("runs already")
            .await;
        let long = "x".repeat(100);
        let forged = [
            "start",
            "0:start:101",
            "2:start:home/101",
            "1:start",
            "1:start:",
            "1:start:home/../101",
            "1:start:HOME/101",
            "1:start: 101",
            "1:explode:home/101",
            "1:yes:zz",
            "1:yes:1",
            "💥",
            "1:start:home/101:again",
            &long,
        ];
        world.px.forget_requests();
        for id in forged {
            let text = said(&owner.press(&card, id).await).await;
            assert!(text.contains("works no more"), "{id}: {text}");
        }
        let closed = said(&owner.press(&card, "1:yes:0000000000000001").await).await;
        assert!(closed.contains("This question is closed"), "{closed}");
        untouched(world);
    });
}

#[test]
fn a_button_of_an_old_message_is_checked_like_a_new_command() {
    run(Setup::automatic(), async |world| {
        let owner = world.person("owner");
        let card = owner.slash("/vm status 101").await.first().await;
        // Meanwhile somebody else started it; the old card still says Start.
        world
            .px
            .set_guest(101, |guest| guest.state = "running".into());
        let answer = owner.click(&card, "Start").await;
        assert!(shown(&answer.until("runs already").await).contains("Nothing was done"));
        assert_eq!(world.writes(), Vec::<String>::new());
    });
}

#[test]
fn elsewhere_the_bot_is_deaf() {
    let setup = Setup {
        discord: "channels = [1100000000000000000]".into(),
        ..Setup::default()
    };
    run(setup, async |world| {
        let owner = world.person("owner").in_channel(support::OTHER_CHANNEL);
        let text = said(&owner.slash("/vm start 101").await).await;
        assert!(text.contains("<#1100000000000000000>"), "{text}");
        assert_eq!(owner.type_ahead("/vm start ").await, []);
        // A thread counts as the channel that it hangs under.
        let thread = world.person("owner").in_channel(support::THREAD);
        thread.slash("/vm status 101").await.until("valheim").await;
        assert_eq!(world.writes(), Vec::<String>::new());
    });
}
