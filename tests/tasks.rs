//! Tasks of Proxmox, as people see, read and stop them.

#![allow(
    clippy::too_many_lines,
    reason = "most of the lines are what people see"
)]

mod support;

use std::time::Duration;

use fake_discord::Message;
use fake_proxmox::{Acl, Fault, FaultKind, Match, Past};
use insta::assert_snapshot;
use support::{Setup, World, run, shown};

/// `friend` may see the tasks of games, `max` also stop them.
fn home() -> Setup {
    let mut setup = Setup::default().rules(&support::rules(
        r#"
[[allow]]
who = ["friend", "max"]
actions = ["view", "task.view"]
guests = ["tag:games"]

[[allow]]
who = ["max"]
actions = ["task.stop"]
guests = ["tag:games"]
"#,
    ));
    setup.rules = setup
        .rules
        .replace("[people]", "[people]\nmax = 80351110224678912");
    setup
}

/// The bot's token may stop what others began.
fn grant(setup: &mut Setup) {
    for who in ["discord@pve", "discord@pve!bot"] {
        let privs = ["Sys.Audit", "Sys.Modify"];
        setup.px.acls.push(Acl::new("/nodes", who, &privs, true));
    }
}

fn minutes(n: u64) -> Duration {
    Duration::from_secs(60 * n)
}

/// What was there before anybody asked, the newest last.
fn past(world: &World) {
    let px = &world.px;
    px.add_task(&Past::new("pve1", "qmstart", "103").ago(minutes(90)));
    px.add_task(
        &Past::new("pve2", "qmshutdown", "102")
            .ago(minutes(80))
            .exit("got timeout"),
    );
    px.add_task(&Past::new("pve1", "aptupdate", "").ago(minutes(70)));
    px.add_task(
        &Past::new("pve1", "qmstart", "101")
            .ago(minutes(60))
            .took(Duration::from_secs(3)),
    );
    px.add_task(
        &Past::new("pve1", "imgcopy", "")
            .ago(minutes(50))
            .exit("WARNINGS: 1"),
    );
    px.add_task(&Past::new("pve1", "vncproxy", "109").ago(minutes(40)));
}

/// A backup of 101 that runs, begun by root. Its age has seconds in every run.
fn backup(world: &World) -> String {
    let log = (1..=60).fold(
        Past::new("pve1", "vzdump", "101")
            .ago(minutes(2) + Duration::from_secs(5))
            .running(),
        |past, n| past.log(&format!("INFO: {n} %")),
    );
    world.px.add_task(&log)
}

/// The times of what runs differ from run to run.
fn card(message: &Message) -> String {
    const BEGUN: &str = "for 2 min ";
    let mut text = shown(message);
    while let Some(at) = text.find(BEGUN) {
        let seconds = at + BEGUN.len() - 1;
        let end = text[seconds..].find(" s\n").expect("seconds") + " s".len();
        text.replace_range(seconds..seconds + end, "");
    }
    text
}

#[test]
fn what_runs_comes_first_then_what_ran() {
    run(home(), async |world| {
        past(world);
        backup(world);
        let owner = world.person("owner");
        assert_snapshot!(card(&owner.slash("/task list").await.first().await), @r"
        🔒 only owner
        │ 📋 Tasks · 1 at work
        │ `1` 🟡 valheim · backing up · for 2 min
        │ <time> · root\@pam
        │ `2` ✅ 109 (gone) · console closed · 20 s
        │ <time> · root\@pam
        │ `3` ⚠️ pve1 · file copied, with warnings · 20 s
        │ <time> · root\@pam
        │ `4` ✅ valheim · started · 3 s
        │ <time> · root\@pam
        │ `5` ✅ pve1 · looked for updates · 20 s
        │ <time> · root\@pam
        │ `6` 🔴 minecraft · shutdown failed · 20 s
        │ <time> · root\@pam
        │ `7` ✅ nextcloud · started · 20 s
        │ <time> · root\@pam
        │ Of the others: `/task log` and its number
        [Log 1] (secondary) [Log 2] (secondary) [Log 3] (secondary) [Log 4] (secondary) [Log 6] (secondary)
        [Stop 1] (danger) [Refresh] (secondary)
        ");
        assert_snapshot!(card(&owner.slash("/task list guest:101").await.first().await), @r"
        🔒 only owner
        │ 📋 Tasks · 1 at work
        │ `1` 🟡 valheim · backing up · for 2 min
        │ <time> · root\@pam
        │ `2` ✅ valheim · started · 3 s
        │ <time> · root\@pam
        [Log 1] (secondary) [Log 2] (secondary) [Stop 1] (danger) [Refresh] (secondary)
        ");
        assert_snapshot!(card(&owner.slash("/task list node:pve2").await.first().await), @r"
        🔒 only owner
        │ 📋 Tasks
        │ `1` 🔴 minecraft · shutdown failed · 20 s
        │ <time> · root\@pam
        [Log 1] (secondary) [Refresh] (secondary)
        ");
        // Somebody else's tasks only where one may see those of the guest.
        let friend = world
            .person("friend")
            .slash("/task list")
            .await
            .first()
            .await;
        assert_snapshot!(card(&friend), @r"
        🔒 only friend
        │ 📋 Tasks · 1 at work
        │ `1` 🟡 valheim · backing up · for 2 min
        │ <time> · root\@pam
        │ `2` ✅ valheim · started · 3 s
        │ <time> · root\@pam
        │ `3` 🔴 minecraft · shutdown failed · 20 s
        │ <time> · root\@pam
        [Log 1] (secondary) [Log 2] (secondary) [Log 3] (secondary) [Refresh] (secondary)
        ");
    });
}

#[test]
fn twenty_people_who_look_are_one_question_to_each_node() {
    run(home(), async |world| {
        world.px.forget_requests();
        let asking = (0..20).map(|_| {
            let friend = world.person("friend");
            async move { friend.slash("/task list").await.first().await }
        });
        futures_util::future::join_all(asking).await;
        let lists = |r: &fake_proxmox::Recorded| r.path.ends_with("/tasks");
        let asked = world.px.requests().iter().filter(|r| lists(r)).count();
        assert!(asked <= 4, "{asked}");
    });
}

#[test]
fn a_log_is_read_to_its_beginning_and_privately() {
    run(home(), async |world| {
        backup(world);
        let max = world.person("max");
        let list = max.slash("/task list").await.first().await;
        let end = max.click(&list, "Log 1").await.first().await;
        assert_snapshot!(card(&end), @r"
        🔒 only max
        │ 🟡 valheim · backing up
        │ <time> · root\@pam
        │ ```
        │ INFO: 51 %
        │ INFO: 52 %
        │ INFO: 53 %
        │ INFO: 54 %
        │ INFO: 55 %
        │ INFO: 56 %
        │ INFO: 57 %
        │ INFO: 58 %
        │ INFO: 59 %
        │ INFO: 60 %
        │ ```
        │ This is its end; there is more.
        │ — VM 101 · home
        [More] (secondary) [Stop the task] (danger)
        ");
        let more = max.click(&end, "More").await;
        let more = more.until("21 %").await;
        let whole = max
            .click(&more, "All as a file")
            .await
            .until("file holds")
            .await;
        assert_snapshot!(card(&whole), @r"
        🔒 only max
        │ 🟡 valheim · backing up
        │ <time> · root\@pam
        │ ```
        │ INFO: 51 %
        │ INFO: 52 %
        │ INFO: 53 %
        │ INFO: 54 %
        │ INFO: 55 %
        │ INFO: 56 %
        │ INFO: 57 %
        │ INFO: 58 %
        │ INFO: 59 %
        │ INFO: 60 %
        │ ```
        │ The file holds all of it.
        │ — VM 101 · home
        [Stop the task] (danger)
        📎 task-log.txt
        ");
        let file = String::from_utf8_lossy(&whole.attachments[0].bytes).into_owned();
        assert!(
            file.starts_with("INFO: 1 %\n") && file.ends_with("INFO: 60 %"),
            "{file}"
        );
        // Picked from what appears while one types, once it has been seen.
        let offered = max.type_ahead("/task log ").await;
        assert!(
            offered[0]
                .name
                .starts_with("🟡 valheim · backing up · 2 min")
        );
        let id = offered[0].value.as_str().unwrap();
        let said = max.slash(&format!("/task log {id}")).await.first().await;
        assert!(said.ephemeral_for.is_some() && shown(&said).contains("60 %"));
    });
}

/// A number is a row of the newest list that the person was shown in the channel, or nothing.
#[test]
fn a_task_is_named_by_the_number_of_its_row() {
    run(home(), async |world| {
        past(world);
        backup(world);
        let max = world.person("max");
        let said = async |text: &str| shown(&max.slash(text).await.first().await);
        let offered = max.type_ahead("/task log 3").await;
        assert!(offered.iter().all(|one| !one.name.starts_with('3')));
        assert_snapshot!(said("/task log 3").await, @"
        🔒 only max
        │ ⛔ Which list?
        │ I know of none that you were just shown
        │ here. List them first: `/task list`.
        ");
        let list = max.slash("/task list").await.first().await;
        let offered = max.type_ahead("/task log 3").await;
        assert_eq!(offered[0].name, "3 · 🔴 minecraft · shutdown failed · 20 s");
        let third = said("/task log 3").await;
        assert!(third.contains("minecraft · shutdown failed"), "{third}");
        // A newer list has numbers of its own, and one that was refreshed is the newest.
        said("/task list guest:101").await;
        let second = said("/task log 2").await;
        assert!(second.contains("valheim · started"), "{second}");
        assert_snapshot!(said("/task log 3").await, @"
        🔒 only max
        │ ⛔ No row 3 in the newest list here
        │ It has 2 rows. List them again:
        │ `/task list`.
        ");
        max.click(&list, "Refresh").await.until("minecraft").await;
        assert_eq!(said("/task log 3").await, third);
        // Elsewhere, and to others, it was not shown.
        for person in [
            world.person("friend"),
            world.person("max").in_channel(support::OTHER_CHANNEL),
        ] {
            let none = person.slash("/task log 3").await.first().await;
            assert!(none.text().contains("Which list?"), "{}", none.text());
        }
        // Stopping asks first, by name.
        let asked = max.slash("/task stop 1").await.first().await;
        assert!(asked.text().contains("stop the backup of valheim"));
        max.click(&asked, "Cancel").await.until("Cancelled").await;
        let over = said("/task stop 2").await;
        assert!(over.contains("over already"), "{over}");
        world.stop_bot().await.unwrap();
        world.start_bot().await;
        let none = max.slash("/task log 1").await.first().await;
        assert!(none.text().contains("Which list?"), "{}", none.text());
    });
}

/// Where lists are for all, everybody was shown the newest; an older one that changed has other rows.
#[test]
fn where_lists_are_public_a_row_is_one_of_the_newest_for_all() {
    let mut setup = home();
    setup.discord = format!("public_read_channels = [{}]", support::BOT_CHANNEL);
    run(setup, async |world| {
        past(world);
        let (max, friend) = (world.person("max"), world.person("friend"));
        let list = friend.slash("/task list").await.first().await;
        let log = max.slash("/task log 2").await.first().await;
        assert!(log.ephemeral_for.is_some());
        assert!(log.text().contains("minecraft"), "{}", log.text());
        // Somebody whom no rule knows has seen its rows, and is told no more.
        let stranger = world.person("stranger");
        let none = stranger.slash("/task log 2").await.first().await;
        assert!(none.text().contains("No such task"), "{}", none.text());
        friend.click(&list, "Refresh").await.first().await;
        let log = friend.slash("/task log 2").await.first().await;
        assert!(log.text().contains("minecraft"), "{}", log.text());
        let none = max.slash("/task log 2").await.first().await;
        assert!(none.text().contains("Which list?"), "{}", none.text());
    });
}

/// What runs can be stopped from the list, by those who may, after the same question.
#[test]
fn a_list_stops_what_runs_for_those_who_may() {
    let mut setup = home();
    grant(&mut setup);
    run(setup, async |world| {
        past(world);
        let upid = backup(world);
        let max = world.person("max");
        let list = max.slash("/task list guest:101").await.first().await;
        assert_eq!(list.buttons(), ["Log 1", "Log 2", "Stop 1", "Refresh"]);
        let friend = world.person("friend");
        let theirs = friend.slash("/task list guest:101").await.first().await;
        assert_eq!(theirs.buttons(), ["Log 1", "Log 2", "Refresh"]);
        let stop = list.custom_id("Stop 1").unwrap();
        let refused = friend.press(&theirs, &stop).await.first().await;
        assert!(
            refused.text().contains("You may not stop"),
            "{}",
            refused.text()
        );
        let asked = max.click(&list, "Stop 1").await;
        let question = asked.until("Really stop the backup of valheim").await;
        assert_eq!(world.writes(), Vec::<String>::new());
        let answer = max.click(&question, "Stop the task").await;
        answer.until("stopped").await;
        asked.until("Confirmed").await;
        assert_eq!(world.writes(), [format!("DELETE /nodes/pve1/tasks/{upid}")]);
        let now = max.click(&list, "Refresh").await.until("broken off").await;
        assert_eq!(now.buttons(), ["Log 1", "Log 2", "Refresh"]);
        let over = max.press(&list, &stop).await.first().await;
        assert!(over.text().contains("over already"), "{}", over.text());
        // However much runs, the list stays a list.
        for vmid in ["101", "102", "103", "104", "105", "108"] {
            let node = world.px.guest(vmid.parse().unwrap()).unwrap().node;
            world
                .px
                .add_task(&Past::new(&node, "vzdump", vmid).running());
        }
        let full = world
            .person("owner")
            .slash("/task list")
            .await
            .first()
            .await;
        let stops = ["Stop 1", "Stop 2", "Stop 3", "Stop 4", "Refresh"];
        assert_eq!(full.buttons()[5..], stops);
    });
}

#[test]
fn typing_never_waits_and_fills_up_by_itself() {
    run(home(), async |world| {
        backup(world);
        let max = world.person("max");
        // Nothing was listed yet; that it is asked for is enough for the next letter.
        let mut offered = max.type_ahead("/task stop ").await;
        for _ in 0..100 {
            if !offered.is_empty() {
                break;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
            offered = max.type_ahead("/task stop val").await;
        }
        assert_eq!(offered.len(), 1);
        world
            .px
            .fault(Fault::always(FaultKind::Hang).on(Match::any()));
        assert_eq!(max.type_ahead("/task stop v").await.len(), 1);
        world.px.clear_faults();
        assert!(
            world
                .person("stranger")
                .type_ahead("/task stop ")
                .await
                .is_empty()
        );
        assert!(
            world
                .person("friend")
                .type_ahead("/task stop ")
                .await
                .is_empty()
        );
        assert_eq!(
            world.person("friend").type_ahead("/task log ").await.len(),
            1
        );
    });
}

/// A backup of several guests is its node's, and its log names them all.
#[test]
fn a_log_that_names_guests_is_for_those_who_may_see_the_tasks_of_all() {
    let mut setup = home();
    setup.rules.push_str(
        r#"
[[allow]]
who = ["friend", "max"]
actions = ["task.view"]
nodes = ["pve1"]

[[allow]]
who = ["max"]
actions = ["task.view"]
guests = ["104"]
"#,
    );
    run(setup, async |world| {
        let log = ["Starting Backup of VM 101 (qemu)", "VM Name: valheim"];
        let mine = [
            "read: 104.3 MiB/s, 103% in 104s",
            "Finished Backup of VM 101",
        ];
        let others = ["Starting Backup of CT 104 (lxc)", "CT Name: dns"];
        let job = |ago, lines: &[&str]| {
            let job = Past::new("pve1", "vzdump", "").ago(minutes(ago));
            let all = log.iter().chain(lines);
            world
                .px
                .add_task(&all.fold(job, |job, line| job.log(&format!("INFO: {line}"))));
        };
        job(20, &mine);
        job(10, &others);
        for (who, seen) in [
            ("owner", [true, true]),
            ("max", [true, true]),
            ("friend", [false, true]),
        ] {
            let person = world.person(who);
            let list = person.slash("/task list node:pve1").await.first().await;
            for (row, seen) in ["Log 1", "Log 2"].iter().zip(seen) {
                let log = person.click(&list, row).await.settled().await.text();
                assert_eq!(log.contains("valheim"), seen, "{who} {row}: {log}");
                assert_eq!(log.contains("Not for you"), !seen, "{who} {row}: {log}");
            }
        }
        let list = world
            .person("friend")
            .slash("/task list node:pve1")
            .await
            .first()
            .await;
        let no = world.person("friend").click(&list, "Log 1").await;
        assert_snapshot!(card(&no.settled().await), @"
        🔒 only friend
        │ ⛔ Not for you: the log of pve1 · backed up
        │ It may name guests whose tasks you may
        │ not see. Ask <@184405311681986560>.
        │ — node · home
        ");
        world.audited_last("refused task.log").await;
    });
}

/// Whatever it is called: a task that is about no guest may name some, and also such as the bot does
/// not know, because they are kept from its token or gone.
#[test]
fn a_log_that_names_a_guest_that_nobody_knows_is_for_those_who_see_all() {
    let mut setup = home();
    setup.rules.push_str(
        r#"
[[allow]]
who = ["friend"]
actions = ["task.view"]
nodes = ["pve1"]

# Every guest but one: what nobody knows may be that one.
[[allow]]
who = ["max"]
actions = ["task.view"]
guests = ["*"]
nodes = ["pve1"]

[[deny]]
who = ["max"]
actions = ["task.view"]
guests = ["104"]
"#,
    );
    run(setup, async |world| {
        let tasks = [
            ("bulk-start", "", "Starting guests: 101, 104"),
            (
                "imgdel",
                "555@nas",
                "Removed volume 'nas:555/vm-555-disk-0.qcow2'",
            ),
            ("vzdump", "", "INFO: Starting Backup of VM 555 (qemu)"),
            // Gone, so its task is its node's.
            (
                "qmstart",
                "555",
                "start failed: command '/usr/bin/kvm -id 555 -name payroll'",
            ),
            (
                "bulk-shutdown",
                "",
                "Shutting down VM 101 (Timeout = 104 seconds)",
            ),
        ];
        for (ago, (kind, id, line)) in (1..).zip(tasks) {
            let past = Past::new("pve1", kind, id).log("the beginning").log(line);
            world.px.add_task(&past.ago(minutes(ago)));
        }
        for who in ["owner", "max", "friend"] {
            let person = world.person(who);
            let list = person.slash("/task list node:pve1").await.first().await;
            for (row, (kind, _, line)) in (1..).zip(tasks) {
                let button = format!("Log {row}");
                let log = person.click(&list, &button).await.settled().await.text();
                let seen = who == "owner" || row == tasks.len();
                assert_eq!(log.contains(line), seen, "{who} {kind}: {log}");
                assert_eq!(log.contains("Not for you"), !seen, "{who} {kind}: {log}");
            }
        }
        let list = world.person("owner").slash("/task list node:pve1").await;
        assert_snapshot!(card(&list.first().await), @r"
        🔒 only owner
        │ 📋 Tasks
        │ `1` ✅ pve1 · guests started · 20 s
        │ <time> · root\@pam
        │ `2` ✅ pve1 · disk deleted · 20 s
        │ <time> · root\@pam
        │ `3` ✅ pve1 · backed up · 20 s
        │ <time> · root\@pam
        │ `4` ✅ 555 (gone) · started · 20 s
        │ <time> · root\@pam
        │ `5` ✅ pve1 · guests shut down · 20 s
        │ <time> · root\@pam
        [Log 1] (secondary) [Log 2] (secondary) [Log 3] (secondary) [Log 4] (secondary) [Log 5] (secondary)
        [Refresh] (secondary)
        ");
    });
}

#[test]
fn a_task_is_stopped_after_a_question() {
    let mut setup = home();
    grant(&mut setup);
    run(setup, async |world| {
        let upid = backup(world);
        let max = world.person("max");
        let list = max.slash("/task list guest:101").await.first().await;
        let log = max.click(&list, "Log 1").await.first().await;
        let asked = max.click(&log, "Stop the task").await;
        let question = asked.first().await;
        assert_snapshot!(card(&question), @"
        🔒 only max
        │ ⚠️ Really stop the backup of valheim?
        │ Proxmox breaks it off where it is.
        │ What it has done so far stays done.
        │ The question holds for one minute.
        │ — VM 101 · home
        [Stop the task] (danger) [Cancel] (secondary)
        ");
        assert_eq!(world.writes(), Vec::<String>::new());
        let answer = max.click(&question, "Stop the task").await;
        assert_snapshot!(card(&answer.until("stopped").await), @"
        │ ⚪ valheim · backup stopped
        │ By <@80351110224678912>.
        │ — VM 101 · home
        ");
        asked.until("Confirmed").await;
        let path = format!("/nodes/pve1/tasks/{upid}");
        assert_eq!(world.writes(), [format!("DELETE {path}")]);
        assert_eq!(world.audit(), ["opened task.stop 101", "closed done"]);
        // The old button on the old card.
        let again = max.click(&log, "Stop the task").await.first().await;
        assert!(shown(&again).contains("ended already"), "{}", shown(&again));
        assert_eq!(world.writes().len(), 1, "nothing more is sent");
    });
}

#[test]
fn a_task_of_somebody_else_that_the_token_may_not_stop_is_said_so() {
    run(home(), async |world| {
        backup(world);
        for (name, told) in [("max", false), ("owner", true)] {
            let person = world.person(name);
            let list = person.slash("/task list guest:101").await.first().await;
            let log = person.click(&list, "Log 1").await.first().await;
            let asked = person.click(&log, "Stop the task").await;
            let question = asked.first().await;
            let answer = person.click(&question, "Stop the task").await;
            asked.until("Confirmed").await;
            let said = answer.until("not stopped").await;
            let aside = answer.follow_up("Sys.Modify").await;
            assert_eq!(shown(&aside).contains("pveum"), told, "{}", shown(&aside));
            if told {
                assert_snapshot!(card(&said), @"
                │ 🔴 valheim · backup not stopped
                │ Asked by <@184405311681986560>.
                │ Somebody else began it, and the bot
                │ may stop only its own.
                │ — VM 101 · home
                ");
            }
        }
    });
}

#[test]
fn the_answer_to_a_stop_may_be_lost() {
    let mut setup = home();
    grant(&mut setup);
    run(setup, async |world| {
        backup(world);
        let max = world.person("max");
        let list = max.slash("/task list guest:101").await.first().await;
        let log = max.click(&list, "Log 1").await.first().await;
        let asked = max.click(&log, "Stop the task").await;
        let question = asked.first().await;
        let fault = Fault::always(FaultKind::DropAfterRequest);
        world.px.fault(fault.on(Match::any().method("DELETE")));
        let answer = max.click(&question, "Stop the task").await;
        asked.until("Confirmed").await;
        // It is seen that it ended, whatever became of the answer.
        answer.until("stopped").await;
        assert_eq!(world.writes().len(), 1, "never twice");
    });
}

/// It came to nothing before Proxmox was asked, as an act on a guest may.
#[test]
fn a_stop_that_was_never_sent_is_in_the_audit() {
    run(home(), async |world| {
        backup(world);
        let max = world.person("max");
        let list = max.slash("/task list guest:101").await.first().await;
        let log = max.click(&list, "Log 1").await.first().await;
        let asked = max.click(&log, "Stop the task").await;
        let question = asked.first().await;
        let fault = Fault::always(FaultKind::Status500("no".to_owned()));
        world.px.fault(fault.on(Match::any().path("/resources")));
        // What the bot remembers is too old by then.
        let tried = |r: &fake_proxmox::Recorded| r.path.contains("resources") && r.status == 500;
        while !world.px.requests().iter().any(tried) {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        let answer = max.click(&question, "Stop the task").await;
        answer.follow_up("cannot be read now").await;
        answer.deleted().await;
        asked.until("Confirmed").await;
        world
            .audited(&["opened task.stop 101", "closed not sent"])
            .await;
        assert_eq!(world.writes(), Vec::<String>::new());
        world.px.clear_faults();
        let page = world.person("owner").slash("/audit").await.settled().await;
        assert_snapshot!(shown(&page), @"
        🔒 only owner
        │ 📒 Audit
        │ **<time>**
        │ ⚪ <time> <@80351110224678912> task.stop 101 valheim vzdump: not sent (Proxmox could not be read)
        │ — home
        ");
    });
}

#[test]
fn strangers_viewers_and_forged_ids_get_nothing() {
    run(home(), async |world| {
        past(world);
        backup(world);
        let owner = world.person("owner");
        let list = owner.slash("/task list").await.first().await;
        let of_101 = list.custom_id("Log 1").unwrap();
        let of_apt = (1..=15)
            .filter_map(|n| list.custom_id(&format!("Log {n}")))
            .collect::<Vec<_>>();
        let stranger = world.person("stranger");
        let said = stranger.slash("/task list").await.first().await;
        assert!(shown(&said).contains("Nothing here for you"));
        let hidden = shown(&stranger.press(&list, &of_101).await.first().await);
        assert_snapshot!(hidden, @"
        🔒 only stranger
        │ ⛔ No such task for you here
        │ It is too long ago, or I was restarted
        │ since. List them again: `/task list`.
        ");
        let forged = stranger.press(&list, "1:log:0000000000000001").await;
        assert_eq!(
            shown(&forged.first().await),
            hidden,
            "hidden and missing look the same"
        );
        // Who may see some tasks may not see all of them.
        let friend = world.person("friend");
        let mut open = 0;
        for id in of_apt {
            let said = friend.press(&list, &id).await.first().await;
            open += usize::from(!shown(&said).contains("No such task"));
        }
        assert_eq!(open, 3, "those of 101 and 102");
        let stop = of_101.replace("log", "end");
        let refused = friend.press(&list, &stop).await.first().await;
        assert_snapshot!(shown(&refused), @"
        🔒 only friend
        │ ⛔ You may not stop a task of valheim
        │ Ask <@184405311681986560>.
        │ — VM 101 · home
        ");
        for typed in [
            "UPID:pve1:00000001:00000001:65000000:vzdump:101:root@pam:",
            "zzz",
            "0",
        ] {
            let said = owner
                .slash(&format!("/task stop {typed}"))
                .await
                .first()
                .await;
            assert!(shown(&said).contains("That is no task"), "{}", shown(&said));
        }
        for command in ["/task list guest:103", "/task list node:pve1"] {
            let said = friend.slash(command).await.first().await;
            assert!(shown(&said).contains("⛔ No "), "{}", shown(&said));
        }
        assert_eq!(world.writes(), Vec::<String>::new());
    });
}

#[test]
fn buttons_from_before_a_restart_say_so_and_lockdown_stops_stopping() {
    run(home(), async |world| {
        backup(world);
        let max = world.person("max");
        let list = max.slash("/task list").await.first().await;
        let log = max.click(&list, "Log 1").await.first().await;
        world
            .person("owner")
            .slash("/access lockdown on")
            .await
            .first()
            .await;
        let refused = max.click(&log, "Stop the task").await.first().await;
        assert_snapshot!(shown(&refused), @"
        🔒 only max
        │ ⛔ You may not stop a task of valheim now
        │ The bot is locked down: only people
        │ with access act. You can still look.
        │ — VM 101 · home
        ");
        world.stop_bot().await.unwrap();
        world.start_bot().await;
        let old = max.click(&list, "Log 1").await.first().await;
        assert!(shown(&old).contains("I was restarted"), "{}", shown(&old));
    });
}

#[test]
fn a_node_that_hangs_is_named_and_a_token_that_sees_little_says_so() {
    let mut setup = home();
    for acl in &mut setup.px.acls {
        acl.privs.retain(|privilege| privilege != "Sys.Audit");
    }
    run(setup, async |world| {
        past(world);
        let fault = Fault::always(FaultKind::Hang);
        world
            .px
            .fault(fault.on(Match::any().path("/nodes/pve2/tasks")));
        let list = world
            .person("owner")
            .slash("/task list")
            .await
            .first()
            .await;
        assert_snapshot!(card(&list), @"
        🔒 only owner
        │ 📋 Tasks
        │ None that you may see here.
        │ 🟠 No answer in time: pve2
        │ Of pve1 the bot's token sees
        │ its own tasks only (Sys.Audit).
        [Refresh] (secondary)
        ");
        world.px.clear_faults();
    });
}

#[test]
fn the_tasks_of_a_node_that_is_off_are_missed_aloud() {
    run(home(), async |world| {
        past(world);
        world.px.node_down("pve2");
        world.next_snapshot().await;
        world.next_snapshot().await;
        let owner = world.person("owner");
        let list = owner.slash("/task list").await.first().await;
        let text = list.text();
        assert!(text.contains("so its tasks are missing:\n│ pve2"), "{text}");
        let friend = world.person("friend");
        let list = friend.slash("/task list").await.first().await;
        assert!(!list.text().contains("pve2"), "{}", list.text());
    });
}

/// A VMID is given again, and who may see the new guest's tasks may not have seen the old one's.
#[test]
fn tasks_of_a_former_guest_are_the_nodes() {
    run(home(), async |world| {
        for (node, kind, vmid, ago) in [
            ("pve1", "vzdump", "101", 120),
            ("pve1", "qmdestroy", "101", 60),
            ("pve1", "qmcreate", "101", 30),
            ("pve1", "qmstart", "101", 20),
            // A clone makes no task under its own number: only that the old one went is known.
            ("pve2", "qmstart", "102", 110),
            ("pve2", "qmdestroy", "102", 50),
        ] {
            world
                .px
                .add_task(&Past::new(node, kind, vmid).ago(minutes(ago)));
        }
        let lines = async |who: &str, command: &str| {
            let list = world.person(who).slash(command).await.first().await;
            let text = shown(&list);
            let lines = text.lines().filter(|line| line.contains('`'));
            lines.map(str::to_owned).collect::<Vec<_>>().join("\n")
        };
        assert_snapshot!(lines("friend", "/task list guest:101").await, @"
        │ `1` ✅ valheim · started · 20 s
        │ `2` ✅ valheim · created · 20 s
        ");
        assert_snapshot!(lines("owner", "/task list guest:101").await, @"
        │ `1` ✅ valheim · started · 20 s
        │ `2` ✅ valheim · created · 20 s
        │ `3` ✅ 101 (gone) · deleted · 20 s
        │ `4` ✅ 101 (gone) · backed up · 20 s
        ");
        assert_snapshot!(lines("friend", "/task list").await, @"
        │ `1` ✅ valheim · started · 20 s
        │ `2` ✅ valheim · created · 20 s
        ");
        let offered = world.person("friend").type_ahead("/task log ").await;
        assert_eq!(offered.len(), 2, "{offered:?}");
        assert_eq!(lines("friend", "/task list guest:102").await, "");
        assert_snapshot!(lines("owner", "/task list guest:102").await, @"
        │ `1` ✅ 102 (gone) · deleted · 20 s
        │ `2` ✅ 102 (gone) · started · 20 s
        ");
    });
}

/// A list that cannot be had is not asked for again at each letter.
#[test]
fn whoever_types_while_lists_fail_makes_few_calls() {
    run(home(), async |world| {
        let fault = Fault::always(FaultKind::Status500("no".to_owned()));
        world.px.fault(fault.on(Match::any().path("/tasks")));
        let friend = world.person("friend");
        world.px.forget_requests();
        for _ in 0..20 {
            assert_eq!(friend.type_ahead("/task log v").await, []);
        }
        let lists = |r: &&fake_proxmox::Recorded| r.path.ends_with("/tasks");
        let asked = world.px.requests().iter().filter(lists).count();
        assert!((1..=4).contains(&asked), "{asked}");
    });
}

/// Of a node one hears nothing by way of its silence.
#[test]
fn nodes_are_not_named_to_those_who_may_not_look_at_them() {
    let mut setup = home();
    for acl in &mut setup.px.acls {
        acl.privs.retain(|privilege| privilege != "Sys.Audit");
    }
    run(setup, async |world| {
        let fault = Fault::always(FaultKind::Status500("no".to_owned()));
        world
            .px
            .fault(fault.on(Match::any().path("/nodes/pve2/tasks")));
        let friend = world.person("friend");
        let list = friend.slash("/task list").await.first().await;
        assert_snapshot!(card(&list), @"
        🔒 only friend
        │ 📋 Tasks
        │ None that you may see here.
        │ 🟠 No answer in time: a node
        │ Of a node the bot's token sees
        │ its own tasks only (Sys.Audit).
        [Refresh] (secondary)
        ");
    });
}
