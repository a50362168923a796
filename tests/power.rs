//! Switching power, as people see it.

mod support;

use std::time::Duration;

use fake_proxmox::{Fault, FaultKind, Guest, Match};
use insta::assert_snapshot;
use support::{Setup, run, shown};

#[test]
fn a_friend_starts_a_guest_and_sees_it_run() {
    run(Setup::default(), async |world| {
        let answer = world.person("max").slash("/vm start 101").await;
        assert_snapshot!(shown(&answer.until("starting").await), @"
        │ 🟡 valheim · starting
        │ Asked by <@80351110224678912> <time>.
        │ — VM 101 · home
        ");
        let upid = world.px.wait_task("qmstart", 101).await;
        assert_snapshot!(shown(&answer.until("at work").await), @"
        │ 🟡 valheim · starting
        │ Asked by <@80351110224678912>.
        │ Proxmox is at work, begun <time>.
        │ — VM 101 · home
        [Notify me] (secondary)
        ");
        world.px.finish(&upid, "OK");
        assert_snapshot!(shown(&answer.until("started").await), @"
        │ 🟢 valheim · started
        │ By <@80351110224678912>, done <soon>.
        │ Running since <time>.
        │ — VM 101 · home
        [Shutdown] (secondary) [Reboot] (secondary) [Refresh] (secondary)
        ");
        assert!(
            !answer.acked().await.ephemeral,
            "what is done is for all to see"
        );
        assert_eq!(world.writes(), ["POST /nodes/pve1/qemu/101/status/start"]);
        world
            .audited(&["opened start 101", "sent", "closed done"])
            .await;
    });
}

#[test]
fn a_stranger_is_refused_and_learns_nothing() {
    run(Setup::default(), async |world| {
        let stranger = world.person("stranger");
        let real = stranger.slash("/vm start 101").await;
        let real = real.first().await;
        assert_snapshot!(shown(&real), @"
        🔒 only stranger
        │ ⛔ No guest 101 for you here
        │ Pick one from the list that appears
        │ while you type, or see `/access whoami`.
        ");
        let unreal = stranger.slash("/vm start 999").await;
        let unreal = unreal.first().await;
        let same = shown(&real).replace("101", "999") == shown(&unreal);
        assert!(
            same,
            "a guest that is hidden and one that is not there look the same"
        );
        assert_eq!(world.writes(), Vec::<String>::new());
        world
            .audited(&["refused start 101", "refused start 999"])
            .await;
    });
}

#[test]
fn a_friend_is_refused_what_no_rule_gives() {
    run(Setup::default(), async |world| {
        let max = world.person("max");
        let refused = max.slash("/vm stop 102").await.first().await;
        assert_snapshot!(shown(&refused), @"
        🔒 only max
        │ ⛔ You may not stop minecraft
        │ Ask <@184405311681986560>.
        │ — VM 102 · home
        ");
        let hidden = max.slash("/vm start 103").await.first().await;
        assert!(shown(&hidden).contains("No guest 103 for you here"));
        assert_eq!(world.writes(), Vec::<String>::new());
        world
            .audited(&["refused stop 102", "refused start 103"])
            .await;
    });
}

#[test]
fn a_stop_is_asked_twice_and_then_done() {
    run(Setup::default(), async |world| {
        let owner = world.person("owner");
        let asked = owner.slash("/vm stop 102").await;
        let question = asked.first().await;
        assert_snapshot!(shown(&question), @"
        🔒 only owner
        │ ⚠️ Really stop minecraft?
        │ This pulls the plug: what is not saved
        │ in the guest is lost.
        │ The question holds for one minute.
        │ — VM 102 · home
        [Stop now] (danger) [Cancel] (secondary)
        ");
        assert_eq!(world.writes(), Vec::<String>::new());
        let answer = owner.click(&question, "Stop now").await;
        let upid = world.px.wait_task("qmstop", 102).await;
        world.px.finish(&upid, "OK");
        assert_snapshot!(shown(&answer.until("stopped").await), @"
        │ ⚪ minecraft · stopped
        │ By <@184405311681986560>, done <soon>.
        │ — VM 102 · home
        [Start] (primary) [Refresh] (secondary)
        ");
        assert_snapshot!(shown(&asked.until("Confirmed").await), @"
        🔒 only owner
        │ ☑️ Yes: stop minecraft
        │ Confirmed. See the answer below.
        │ — VM 102 · home
        ");
        assert_eq!(world.writes(), ["POST /nodes/pve2/qemu/102/status/stop"]);
    });
}

/// Nobody is asked about nothing; and what memory says is read again before it is said.
#[test]
fn what_does_not_run_is_said_so_without_a_question() {
    run(Setup::default(), async |world| {
        let owner = world.person("owner");
        let stopped = owner.slash("/vm stop 101").await;
        assert_snapshot!(shown(&stopped.until("stopped already").await), @"
        🔒 only owner
        │ ⚪ valheim · is stopped already
        │ Asked by <@184405311681986560>. Nothing was done.
        │ — VM 101 · home
        [Start] (primary) [Refresh] (secondary)
        ");
        let reset = owner.slash("/vm reset 101").await;
        assert_snapshot!(shown(&reset.until("does not run").await), @"
        🔒 only owner
        │ ⚪ valheim · does not run
        │ Asked by <@184405311681986560>. Nothing was done.
        │ — VM 101 · home
        [Start] (primary) [Refresh] (secondary)
        ");
        for answer in [&stopped, &reset] {
            assert!(!answer.story().contains("Really"), "{}", answer.story());
        }
        // It was started a moment ago, and the snapshot does not know yet.
        world
            .px
            .set_guest(101, |guest| guest.state = "running".into());
        let runs = owner.slash("/vm stop 101").await;
        let question = runs.until("Really stop valheim").await;
        let yes = owner.click(&question, "Stop now").await;
        let upid = world.px.wait_task("qmstop", 101).await;
        world.px.finish(&upid, "OK");
        yes.until("valheim · stopped").await;
        runs.until("Confirmed").await;
        assert_eq!(world.writes().len(), 1);
    });
}

#[test]
fn a_question_can_be_cancelled_and_is_then_closed() {
    run(Setup::default(), async |world| {
        let owner = world.person("owner");
        let question = owner.slash("/vm stop 102").await.first().await;
        let cancelled = owner.click(&question, "Cancel").await;
        assert_snapshot!(shown(&cancelled.until("Cancelled").await), @"
        🔒 only owner
        │ ⚪ Did not stop minecraft
        │ Cancelled. Nothing was done.
        │ — VM 102 · home
        ");
        let again = owner
            .press(&question, &custom_id(&question, "Stop now"))
            .await;
        assert!(shown(&again.until("closed").await).contains("Nothing was done"));
        assert_eq!(world.writes(), Vec::<String>::new());
    });
}

#[test]
fn a_question_is_for_the_person_who_was_asked() {
    run(Setup::default(), async |world| {
        let owner = world.person("owner");
        let question = owner.slash("/vm stop 102").await.first().await;
        let forged = world
            .person("max")
            .press(&question, &custom_id(&question, "Stop now"))
            .await;
        assert_snapshot!(shown(&forged.first().await), @"
        🔒 only max
        │ ⛔ This question is not for you
        │ It was put to <@184405311681986560>.
        │ Use the command yourself.
        ");
        assert_eq!(world.writes(), Vec::<String>::new());
        world.audited(&["refused confirm"]).await;
        owner
            .click(&question, "Cancel")
            .await
            .until("Cancelled")
            .await;
    });
}

#[test]
fn a_question_about_a_guest_that_was_replaced_does_nothing() {
    run(Setup::default(), async |world| {
        let owner = world.person("owner");
        let asked = owner.slash("/vm stop 102").await;
        let question = asked.first().await;
        world
            .px
            .set_guest(102, |guest| guest.name = "another".into());
        world.next_snapshot().await;
        let answer = owner.click(&question, "Stop now").await;
        let shown = shown(&answer.until("another guest").await);
        assert!(shown.contains("You were asked about minecraft"), "{shown}");
        asked.until("Confirmed").await;
        assert_eq!(world.writes(), Vec::<String>::new());
    });
}

#[test]
fn a_press_on_the_card_of_somebody_else_is_checked_for_the_presser() {
    run(Setup::default(), async |world| {
        let answer = world.person("owner").slash("/vm start 101").await;
        let upid = world.px.wait_task("qmstart", 101).await;
        world.px.finish(&upid, "OK");
        let card = answer.until("started").await;
        let refused = world.person("stranger").click(&card, "Reboot").await;
        assert!(shown(&refused.first().await).contains("No guest home/101 for you here"));
        assert_eq!(world.writes().len(), 1);
        // Somebody who may gets a card of their own.
        let reboot = world.person("max").click(&card, "Reboot").await;
        let upid = world.px.wait_task("qmreboot", 101).await;
        world.px.finish(&upid, "OK");
        assert_snapshot!(shown(&reboot.until("rebooted").await), @"
        │ 🟢 valheim · rebooted
        │ By <@80351110224678912>, done <soon>.
        │ Running since <time>.
        │ — VM 101 · home
        [Shutdown] (secondary) [Reboot] (secondary) [Refresh] (secondary)
        ");
        assert!(
            shown(&answer.now().unwrap()).contains("started"),
            "the first card stays"
        );
    });
}

#[test]
fn a_second_press_while_the_first_is_under_way_does_nothing() {
    run(Setup::default(), async |world| {
        let first = world.person("max").slash("/vm start 101").await;
        let upid = world.px.wait_task("qmstart", 101).await;
        first.until("at work").await;
        let second = world
            .person("owner")
            .slash("/vm start 101")
            .await
            .first()
            .await;
        assert_snapshot!(shown(&second), @"
        🔒 only owner
        │ 🟡 valheim is starting already
        │ Asked by <@80351110224678912>. Nothing was done.
        │ Wait for that to end.
        │ — VM 101 · home
        [Refresh] (secondary)
        ");
        world.px.finish(&upid, "OK");
        first.until("started").await;
        assert_eq!(world.writes().len(), 1);
    });
}

#[test]
fn what_is_so_already_is_said_and_not_done() {
    run(Setup::default(), async |world| {
        let owner = world.person("owner");
        let runs = owner
            .slash("/vm start 102")
            .await
            .until("runs already")
            .await;
        assert_snapshot!(shown(&runs), @"
        │ 🟢 minecraft · runs already
        │ Asked by <@184405311681986560>. Nothing was done.
        │ — VM 102 · home
        [Shutdown] (secondary) [Reboot] (secondary) [Refresh] (secondary)
        ");
        let stopped = owner
            .slash("/ct shutdown 105")
            .await
            .until("stopped already")
            .await;
        assert_snapshot!(shown(&stopped), @"
        │ ⚪ web-lab · is stopped already
        │ Asked by <@184405311681986560>. Nothing was done.
        │ — CT 105 · home
        [Start] (primary) [Refresh] (secondary)
        ");
        let template = owner.slash("/vm start 106").await.until("template").await;
        assert!(shown(&template).contains("Nothing was done"));
        let locked = owner.slash("/vm start 107").await.until("locked").await;
        assert_snapshot!(shown(&locked), @"
        │ 🔴 backup-me · did not start
        │ Asked by <@184405311681986560>.
        │ It is locked for a backup.
        │ Try again when that has ended.
        │ If no task runs any more (see
        │ `/task list guest:home/107`),
        │ free it on its node, as root:
        │ `qm unlock 107`
        │ — VM 107 · home
        [Start] (primary) [Refresh] (secondary)
        ");
        assert_eq!(world.writes(), Vec::<String>::new());
    });
}

#[test]
fn a_task_that_fails_is_told_in_plain_words_and_its_log_privately() {
    run(Setup::default(), async |world| {
        let answer = world.person("max").slash("/vm start 101").await;
        let upid = world.px.wait_task("qmstart", 101).await;
        world.px.log_line(&upid, "kvm: could not open disk image");
        world
            .px
            .finish(&upid, "start failed: QEMU exited with code 1");
        let failed = answer.until("did not start").await;
        assert_snapshot!(shown(&failed), @"
        │ 🔴 valheim · did not start
        │ Asked by <@80351110224678912>.
        │ Proxmox's task failed.
        │ — VM 101 · home
        [Start] (primary) [Refresh] (secondary)
        ");
        let log = answer.follow_up("what Proxmox wrote").await;
        assert!(shown(&log).contains("could not open disk image"));
        assert!(
            log.ephemeral_for.is_some(),
            "log lines are for the person who asked"
        );
        world.audited_last("closed failed").await;
    });
}

#[test]
fn warnings_are_a_success_with_a_note() {
    run(Setup::default(), async |world| {
        let answer = world.person("max").slash("/vm start 101").await;
        let upid = world.px.wait_task("qmstart", 101).await;
        world.px.finish(&upid, "WARNINGS: 2");
        assert_snapshot!(shown(&answer.until("started").await), @"
        │ 🟢 valheim · started
        │ By <@80351110224678912>, done <soon>.
        │ Running since <time>.
        │ ⚠️ Proxmox gave a warning on the way.
        │ — VM 101 · home
        [Shutdown] (secondary) [Reboot] (secondary) [Refresh] (secondary)
        ");
        answer.follow_up("what Proxmox wrote").await;
        world.audited_last("closed warned").await;
    });
}

#[test]
fn a_task_whose_end_nobody_saw_is_called_unknown() {
    run(Setup::default(), async |world| {
        let answer = world.person("max").slash("/vm start 101").await;
        let upid = world.px.wait_task("qmstart", 101).await;
        world.px.finish_without_effect(&upid, "unexpected status");
        assert_snapshot!(shown(&answer.until("unknown").await), @"
        │ 🟠 valheim · outcome unknown
        │ Asked by <@80351110224678912>.
        │ Proxmox did not tell how it ended.
        │ It does not run now.
        │ Look again before you repeat it.
        │ — VM 101 · home
        [Refresh] (secondary)
        ");
        answer.follow_up("what Proxmox wrote").await;
        world.audited_last("closed unknown").await;
    });
}

#[test]
fn a_task_that_ended_well_without_effect_is_not_called_started() {
    run(Setup::default(), async |world| {
        let answer = world.person("max").slash("/vm start 101").await;
        let upid = world.px.wait_task("qmstart", 101).await;
        world.px.finish_without_effect(&upid, "OK");
        assert_snapshot!(shown(&answer.until("did not start").await), @"
        │ 🟠 valheim · did not start
        │ Asked by <@80351110224678912>.
        │ Proxmox says the task ended well,
        │ but it does not run.
        │ Look again before you repeat it.
        │ — VM 101 · home
        [Start] (primary) [Refresh] (secondary)
        ");
    });
}

#[test]
fn a_write_whose_answer_is_lost_is_sent_once_and_called_unknown() {
    run(Setup::default(), async |world| {
        let cut = Fault::once(FaultKind::DropAfterRequest).on(Match::any().method("POST"));
        world.px.fault(cut);
        let answer = world.person("max").slash("/vm start 101").await;
        assert_snapshot!(shown(&answer.until("unknown").await), @"
        │ 🟠 valheim · outcome unknown
        │ Asked by <@80351110224678912>.
        │ Proxmox did not tell how it ended.
        │ It does not run now.
        │ Look again before you repeat it.
        │ — VM 101 · home
        [Refresh] (secondary)
        ");
        assert_eq!(world.writes().len(), 1);
        world.audited(&["opened start 101", "closed unknown"]).await;
    });
}

#[test]
fn a_guest_of_the_ha_manager_is_requested_until_it_is_so() {
    run(Setup::default(), async |world| {
        let answer = world.person("owner").slash("/vm start 108").await;
        // The task only queues the request and is over at once; the guest does not run yet.
        answer.until("at work").await;
        assert!(
            world
                .px
                .tasks()
                .iter()
                .any(|t| t.kind == "hastart" && t.exit.is_some())
        );
        assert!(!shown(&answer.now().unwrap()).contains("started"));
        world.px.ha_settle(108);
        assert!(shown(&answer.until("started").await).contains("ha-db"));
    });
}

#[test]
fn a_container_says_no_at_once_and_in_the_same_words() {
    run(Setup::default(), async |world| {
        let owner = world.person("owner");
        world.px.fault(
            Fault::once(FaultKind::Status500("CT 105 already running".into()))
                .on(Match::any().method("POST")),
        );
        let answer = owner
            .slash("/ct start 105")
            .await
            .until("did not start")
            .await;
        assert_snapshot!(shown(&answer), @"
        │ 🔴 web-lab · did not start
        │ Asked by <@184405311681986560>.
        │ It runs already.
        │ — CT 105 · home
        [Start] (primary) [Refresh] (secondary)
        ");
        world.audited_last("closed failed").await;
    });
}

#[test]
fn a_privilege_that_the_bot_lacks_is_named_to_those_who_can_give_it() {
    let mut setup = Setup::default();
    setup
        .px
        .acls
        .retain(|acl| !acl.privs.iter().any(|p| p == "VM.PowerMgmt"));
    run(setup, async |world| {
        let owner = world.person("owner").slash("/vm start 101").await;
        assert_snapshot!(shown(&owner.until("did not start").await), @"
        │ 🔴 valheim · did not start
        │ Asked by <@184405311681986560>.
        │ The bot itself lacks the right for it
        │ in Proxmox.
        │ — VM 101 · home
        [Start] (primary) [Refresh] (secondary)
        ");
        assert_snapshot!(shown(&owner.follow_up("lacks").await), @"
        🔒 only owner
        │ 🔑 What the bot lacks
        │ The bot's token lacks VM.PowerMgmt
        │ on `/vms/101`. On a Proxmox node, as root:
        │ ```
        │ pveum role add StewardVMAudit -privs VM.Audit
        │ pveum role add StewardVMBackup -privs VM.Backup
        │ pveum role add StewardVMPowerMgmt -privs VM.PowerMgmt
        │ pveum role add StewardVMSnapshot -privs VM.Snapshot
        │ pveum acl modify /vms/101 -user discord@pve -token 'discord@pve!bot' -role StewardVMAudit,StewardVMBackup,StewardVMPowerMgmt,StewardVMSnapshot
        │ ```
        │ It is no matter if a role exists already.
        │ Then see `pve-steward check`.
        ");
        let max = world.person("max").slash("/vm start 101").await;
        assert!(shown(&max.until("did not start").await).contains("Tell the owner"));
        let lacks = shown(&max.follow_up("lacks").await);
        assert!(lacks.contains("VM.PowerMgmt\n│ on `/vms/101`"), "{lacks}");
        assert!(
            !lacks.contains("pveum"),
            "the cure is for those who can give it: {lacks}"
        );
    });
}

#[test]
fn an_offline_node_is_said_and_nothing_is_sent() {
    run(Setup::default(), async |world| {
        world.px.set_node("pve2", |node| node.online = false);
        world.next_snapshot().await;
        let answer = world.person("owner").slash("/vm start 102").await;
        assert_snapshot!(shown(&answer.until("did not start").await), @"
        │ 🔴 minecraft · did not start
        │ Asked by <@184405311681986560>.
        │ Its node is offline.
        │ Try again when it is back.
        │ — VM 102 · home
        [Refresh] (secondary)
        ");
        assert_eq!(world.writes(), Vec::<String>::new());
    });
}

#[test]
fn a_node_that_hangs_does_not_hold_up_the_others() {
    let mut setup = Setup::automatic();
    let hanging = 200..206;
    let more = hanging.clone().map(|id| Guest::vm(id, "lab", "pve2"));
    setup.px.guests.extend(more);
    run(setup, async |world| {
        let hangs = Fault::always(FaultKind::Hang).on(Match::any().path("/nodes/pve2/"));
        world.px.fault(hangs);
        let owner = world.person("owner");
        let mut looks = Vec::new();
        for id in hanging {
            looks.push(owner.slash(&format!("/vm status {id}")).await);
        }
        for look in looks {
            look.until("lab").await;
        }
        // Long enough that the act needs a newer snapshot than the one from before.
        tokio::time::sleep(Duration::from_secs(10)).await;
        owner.slash("/vm start 101").await.until("started").await;
        world.px.clear_faults();
    });
}

#[test]
fn while_proxmox_hangs_nothing_is_done_and_it_is_said() {
    run(Setup::default(), async |world| {
        world.px.fault(Fault::always(FaultKind::Hang));
        tokio::time::sleep(Duration::from_secs(11)).await;
        let answer = world.person("max").slash("/vm start 101").await;
        assert!(answer.acked().await.after < Duration::from_secs(1));
        let said = patient(&answer, "cannot be read").await;
        assert!(shown(&said).contains("Nothing was done"));
        world.px.clear_faults();
        assert_eq!(world.writes(), Vec::<String>::new());
    });
}

#[test]
fn a_guest_that_vanished_between_typing_and_sending_is_not_there() {
    run(Setup::default(), async |world| {
        let max = world.person("max");
        let offered = max.type_ahead("/vm start val").await;
        assert_eq!(offered[0].name, "101 valheim · stopped");
        world.px.remove_guest(101);
        world.next_snapshot().await;
        let answer = max.slash("/vm start 101").await.first().await;
        assert!(shown(&answer).contains("No guest 101 for you here"));
    });
}

#[test]
fn a_tag_that_changed_a_moment_ago_counts() {
    run(Setup::default(), async |world| {
        // The snapshot still says `games`; the guest itself says `prod`.
        world.px.set_guest(101, |guest| {
            guest.tags = vec!["games".into(), "prod".into()];
        });
        let answer = world.person("max").slash("/vm start 101").await;
        let refused = answer.follow_up("You may not start valheim").await;
        assert!(refused.ephemeral_for.is_some());
        answer.deleted().await;
        assert_eq!(world.writes(), Vec::<String>::new());
        world.audited(&["refused start 101"]).await;
    });
}

#[test]
fn vm_on_a_container_answers_with_the_right_command() {
    run(Setup::default(), async |world| {
        let answer = world
            .person("owner")
            .slash("/vm start 105")
            .await
            .first()
            .await;
        assert_snapshot!(shown(&answer), @"
        🔒 only owner
        │ ⛔ web-lab is a container
        │ Use `/ct start 105`.
        │ — CT 105 · home
        ");
        assert_eq!(world.writes(), Vec::<String>::new());
    });
}

#[test]
fn an_offline_node_that_is_long_in_failing_is_named_too() {
    run(Setup::default(), async |world| {
        world.px.set_node("pve2", |node| node.online = false);
        world.next_snapshot().await;
        let hangs = Fault::always(FaultKind::Hang).on(Match::any().path("/nodes/pve2/"));
        world.px.fault(hangs);
        let answer = world.person("owner").slash("/vm start 102").await;
        // That takes about as long as a test waits for a word.
        while world.audit().is_empty() {
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        let said = answer.until("did not start").await;
        assert!(
            shown(&said).contains("Its node is offline."),
            "{}",
            shown(&said)
        );
        world.px.clear_faults();
        world
            .audited(&["opened start 102", "closed not sent"])
            .await;
    });
}

fn custom_id(message: &fake_discord::Message, label: &str) -> String {
    message.custom_id(label).expect("a button of that label")
}

async fn patient(answer: &fake_discord::Answer, contains: &str) -> fake_discord::Message {
    for _ in 0..20 {
        let there = answer.now().is_some_and(|m| m.text().contains(contains))
            || answer
                .follow_ups()
                .iter()
                .any(|m| m.text().contains(contains));
        if there {
            break;
        }
        tokio::time::sleep(Duration::from_secs(1)).await;
    }
    answer.follow_up(contains).await
}
