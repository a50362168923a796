//! Backups of guests, as people see them: listed, hidden, made, and what goes wrong.

mod support;

use std::time::Duration;

use fake_discord::Answer;
use fake_proxmox::{Backup, Fault, FaultKind, Match, Storage};
use insta::assert_snapshot;
use support::{Setup, World, rules, run, shown};

const GB: u64 = 1 << 30;
const HOUR: Duration = Duration::from_hours(1);
const APPROVALS: u64 = 1_100_000_000_000_000_001;

/// `friend` may see them and make some, `max` only looks at the guest and may ask.
const RULES: &str = r#"
[[allow]]
who = ["friends"]
actions = ["view"]
guests = ["tag:games"]

[[allow]]
who = ["friend"]
actions = ["backup.*"]
guests = ["tag:games"]

[[ask]]
who = ["friends"]
actions = ["backup.run"]
guests = ["tag:games"]
"#;

fn by_hand() -> Setup {
    let mut setup = Setup::default().rules(&rules(RULES));
    setup.discord = format!("approvals_channel = {APPROVALS}");
    setup.px = setup.px.backing_up();
    setup
}

fn setup() -> Setup {
    let px = Setup::automatic().px.backing_up();
    Setup { px, ..by_hand() }
}

/// The token may look at guests and switch them, and no more.
fn lacking() -> Setup {
    let px = Setup::automatic().px;
    Setup { px, ..by_hand() }
}

/// Two of valheim's on `nas`, one of them protected.
fn two_backups(world: &World) {
    let old = Backup::vm(101, "pve1").ago(HOUR * 24 * 9).protected();
    world.px.add_backup("nas", old.size(7 * GB));
    let new = Backup::vm(101, "pve1").ago(HOUR * 3);
    world.px.add_backup("nas", new.size(9 * GB));
}

#[test]
fn they_are_listed_newest_first() {
    let mut setup = setup();
    let nodes = setup.px.nodes.clone();
    setup
        .px
        .storages
        .push(Storage::new("pbs", &nodes, "pbs", "backup"));
    run(setup, async |world| {
        two_backups(world);
        let mut checked = Backup::vm(101, "pve1").ago(HOUR * 50).size(64 * GB);
        let upid = "UPID:pbs:00000001:00000001:00000001:verify:x:root@pam:";
        checked.verification = Some(("ok".into(), upid.into()));
        world.px.add_backup("pbs", checked);
        let mut broken = Backup::vm(101, "pve1").ago(HOUR * 74).size(64 * GB);
        broken.verification = Some(("failed".into(), upid.into()));
        world.px.add_backup("pbs", broken);
        // Of another guest.
        world.px.add_backup("nas", Backup::vm(102, "pve2"));
        let friend = world.person("friend");
        let list = friend.slash("/backup list 101").await;
        assert_snapshot!(shown(&list.until("4 backups").await), @"
        🔒 only friend
        │ 💾 valheim · 4 backups
        │ • <time> · 9 GB · `nas`
        │ • <time> · 64 GB · `pbs`
        │  ✅ verified
        │ • <time> · 64 GB · `pbs`
        │  🔴 verification failed
        │ • <time> · 7 GB · `nas`
        │  🔒 protected
        │ — VM 101 · home
        [Back up now] (primary) [Refresh] (secondary)
        ");
    });
}

#[test]
fn many_are_shown_in_pages() {
    run(setup(), async |world| {
        for n in 0..18 {
            let one = Backup::vm(101, "pve1").ago(HOUR * (n + 1));
            world.px.add_backup("nas", one);
        }
        let owner = world.person("owner");
        let answer = owner.slash("/backup list valheim").await;
        let list = answer.until("18 backups").await;
        assert_eq!(list.buttons(), ["Back up now", "Older", "Refresh"]);
        assert!(list.text().contains("… and 10 older"), "{}", list.text());
        let second = owner.click(&list, "Older").await;
        let second = second.until("… and 2 older").await;
        assert_eq!(second.buttons(), ["Back up now", "Newest", "Older"]);
        let third = owner.click(&second, "Older").await;
        // The same message a third time.
        for _ in 0..500 {
            if world
                .dc
                .message(list.id)
                .unwrap()
                .text()
                .matches('•')
                .count()
                == 2
            {
                break;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        let third = third.settled().await;
        assert_eq!(third.buttons(), ["Back up now", "Newest"]);
        assert_eq!(third.text().matches('•').count(), 2);
    });
}

#[test]
fn what_is_hidden_never_looks_like_none() {
    run(lacking(), async |world| {
        two_backups(world);
        let friend = world.person("friend");
        let list = friend.slash("/backup list 101").await;
        assert_snapshot!(shown(&list.until("unknown").await), @"
        🔒 only friend
        │ 💾 valheim · backups unknown
        │ No storage told me what it has.
        │ 🔑 `local`: the bot's token is not
        │ shown the backups there.
        │ 🔑 `nas`: the bot's token is not
        │ shown the backups there.
        │ — VM 101 · home
        [Back up now] (primary) [Refresh] (secondary)
        ");
        assert!(
            list.follow_ups().is_empty(),
            "the cure is for those with access"
        );
        let owner = world.person("owner");
        let list = owner.slash("/backup list 101").await;
        list.until("unknown").await;
        assert_snapshot!(shown(&list.follow_up("lacks").await), @"
        🔒 only owner
        │ 🔑 What the bot lacks
        │ The bot's token lacks Datastore.AllocateSpace
        │ on `/storage/local`. On a Proxmox node, as root:
        │ ```
        │ pveum role add StewardDatastoreAllocateSpace -privs Datastore.AllocateSpace
        │ pveum role add StewardDatastoreAudit -privs Datastore.Audit
        │ pveum acl modify /storage/local -user discord@pve -token 'discord@pve!bot' -role StewardDatastoreAllocateSpace,StewardDatastoreAudit
        │ ```
        │ It is no matter if a role exists already.
        │ Then see `pve-steward check`.
        │ 🔑 What the bot lacks
        │ The bot's token lacks Datastore.AllocateSpace
        │ on `/storage/nas`. On a Proxmox node, as root:
        │ ```
        │ pveum role add StewardDatastoreAllocateSpace -privs Datastore.AllocateSpace
        │ pveum role add StewardDatastoreAudit -privs Datastore.Audit
        │ pveum acl modify /storage/nas -user discord@pve -token 'discord@pve!bot' -role StewardDatastoreAllocateSpace,StewardDatastoreAudit
        │ ```
        │ It is no matter if a role exists already.
        │ Then see `pve-steward check`.
        │ 🔑 What the bot lacks
        │ The bot's token lacks VM.Backup
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
        // Its card does not say that there is none either.
        let card = owner.slash("/vm status 101").await.settled().await;
        assert!(!card.text().contains("ackup"), "{}", card.text());
    });
}

#[test]
fn none_is_said_where_every_storage_says_so() {
    run(setup(), async |world| {
        let owner = world.person("owner");
        let list = owner.slash("/backup list 101").await;
        assert_snapshot!(shown(&list.until("no backups").await), @"
        🔒 only owner
        │ 💾 valheim · no backups
        │ None on `local`, `nas`.
        │ — VM 101 · home
        [Back up now] (primary) [Refresh] (secondary)
        ");
        let card = owner.slash("/vm status 101").await;
        assert!(card.until("stopped").await.text().contains("🟠 No backup"));
    });
}

#[test]
fn a_storage_that_is_offline_or_silent_is_named() {
    run(setup(), async |world| {
        two_backups(world);
        world.px.set_storage_available("local", false);
        world.next_snapshot().await;
        let friend = world.person("friend");
        let list = friend.slash("/backup list 101").await;
        assert_snapshot!(shown(&list.until("2 backups").await), @"
        🔒 only friend
        │ 💾 valheim · 2 backups seen
        │ • <time> · 9 GB · `nas`
        │ • <time> · 7 GB · `nas`
        │  🔒 protected
        │ 🟠 `local` is offline: there may be
        │ more.
        │ — VM 101 · home
        [Back up now] (primary) [Refresh] (secondary)
        ");
        let content = Match::any().path("/storage/nas/content");
        world
            .px
            .fault(Fault::always(FaultKind::Status500("x".into())).on(content));
        world
            .px
            .set_guest(102, |guest| guest.state = "running".into());
        let list = friend.slash("/backup list 102").await;
        assert_snapshot!(shown(&list.until("unknown").await), @"
        🔒 only friend
        │ 💾 minecraft · backups unknown
        │ No storage told me what it has.
        │ 🟠 `local` is offline: there may be
        │ more.
        │ 🟠 `nas` did not answer: there may
        │ be more.
        │ — VM 102 · home
        [Back up now] (primary) [Refresh] (secondary)
        ");
    });
}

#[test]
fn a_node_that_is_away_says_nothing_of_a_storage_that_others_have() {
    run(setup(), async |world| {
        let backup = Backup::vm(102, "pve2").ago(HOUR * 3);
        world.px.add_backup("nas", backup.size(9 * GB));
        world.px.node_down("pve2");
        world.next_snapshot().await;
        let owner = world.person("owner");
        let list = owner.slash("/backup list 102").await;
        assert_snapshot!(shown(&list.settled().await), @"
        🔒 only owner
        │ 💾 minecraft · 1 backup seen
        │ • <time> · 9 GB · `nas`
        │ 🟠 `local`: node pve2 is not online,
        │ so there may be more.
        │ — VM 102 · home
        [Back up now] (primary) [Refresh] (secondary)
        ");
        world.px.set_storage_available("nas", false);
        world.next_snapshot().await;
        let list = owner.slash("/backup list 108").await;
        assert_snapshot!(shown(&list.settled().await), @"
        🔒 only owner
        │ 💾 ha-db · backups unknown
        │ None on `local`.
        │ 🟠 `nas` is offline: there may be
        │ more.
        │ — VM 108 · home
        [Back up now] (primary) [Refresh] (secondary)
        ");
    });
}

#[test]
fn the_last_one_stands_on_the_card_of_those_who_may_see_it() {
    run(setup(), async |world| {
        two_backups(world);
        let friend = world.person("friend");
        let card = friend.slash("/vm status 101").await;
        assert_snapshot!(shown(&card.settled().await), @"
        🔒 only friend
        │ ⚪ valheim · stopped
        │ Tags: games
        │ 4 cores, 8 GB memory
        │ scsi0 64G on local-lvm
        │ Boots from scsi0, net0
        │ > Valheim for friends. World: Midgard.
        │ 💾 Last backup <time>
        │ — VM 101 · home · pve1
        [Refresh] (secondary)
        ");
        let max = world.person("max").slash("/vm status 101").await;
        let max = max.settled().await;
        assert!(!max.text().contains("ackup"), "{}", max.text());
        // Everybody shares one look.
        for _ in 0..5 {
            friend.slash("/vm status 101").await.settled().await;
        }
        let looks = world.px.requests();
        let looks = looks.iter().filter(|r| r.path.ends_with("/content"));
        assert_eq!(looks.count(), 2, "one for each storage");
    });
}

#[test]
fn a_storage_that_hangs_does_not_hold_up_a_card() {
    run(setup(), async |world| {
        let content = Match::any().path("/content");
        world.px.fault(Fault::always(FaultKind::Hang).on(content));
        let owner = world.person("owner");
        let began = std::time::Instant::now();
        let card = owner.slash("/vm status 101").await;
        let card = card.settled().await;
        assert!(began.elapsed() < Duration::from_secs(4));
        assert!(!card.text().contains("ackup"), "{}", card.text());
        let list = owner.slash("/backup list 101").await;
        assert_snapshot!(shown(&list.settled().await), @"
        🔒 only owner
        │ 🟠 Backups of valheim unknown
        │ I could not read them in time.
        │ A storage may be slow. Try again.
        │ — VM 101 · home
        [Try again] (secondary)
        ");
    });
}

/// `/backup run` with a storage, and the task that comes of it.
async fn begun(world: &World, who: &str, text: &str, vmid: u32) -> (Answer, String) {
    let answer = world.person(who).slash(text).await;
    let upid = world.px.wait_task("vzdump", vmid).await;
    (answer, upid)
}

#[test]
fn one_is_made_with_its_progress_and_told_when_it_is_there() {
    run(by_hand(), async |world| {
        let text = "/backup run 101 storage:nas";
        let (answer, upid) = begun(world, "friend", text, 101).await;
        answer.until("at work").await;
        world.px.backup_progress(&upid, 34);
        assert_snapshot!(shown(&answer.until("34 %").await), @"
        │ 🟡 valheim · backing up
        │ To storage nas.
        │ Asked by <@80351110224678913>.
        │ ▰▰▰▱▱▱▱▱▱▱ 34 %
        │ Begun <time>.
        │ — VM 101 · home
        [Notify me] (secondary)
        ");
        world.px.backup_progress(&upid, 81);
        answer.until("81 %").await;
        world.px.finish(&upid, "OK");
        assert_snapshot!(shown(&answer.until("backed up").await), @"
        │ ✅ valheim · backed up
        │ To storage nas.
        │ By <@80351110224678913>, done <soon>.
        │ It takes 26 GB.
        │ — VM 101 · home
        [Start] (primary) [Refresh] (secondary)
        ");
        let [one] = &world.px.backups("nas")[..] else {
            panic!("one backup")
        };
        assert_eq!(one.notes.as_deref(), Some("By friend in Discord"));
        assert_eq!(world.writes(), ["POST /nodes/pve1/vzdump"]);
        world
            .audited(&["opened backup.run 101", "sent", "closed done"])
            .await;
    });
}

#[test]
fn where_to_is_asked_back_where_it_is_not_clear() {
    run(setup(), async |world| {
        let friend = world.person("friend");
        let choice = friend.slash("/backup run 101").await.settled().await;
        assert_snapshot!(shown(&choice), @"
        🔒 only friend
        │ 💾 Back up valheim: where to?
        │ These storages take it:
        │ `local`, `nas`
        │ Press one, or write `storage:` behind
        │ `/backup run`.
        │ — VM 101 · home
        [local] (secondary) [nas] (secondary)
        ");
        let done = friend.click(&choice, "nas").await;
        done.until("backed up").await;
        let wrong = friend.slash("/backup run 101 storage:local-lvm").await;
        assert_snapshot!(shown(&wrong.settled().await), @"
        🔒 only friend
        │ ⛔ local-lvm takes no backups there
        │ On `pve1`, choose from:
        │ `local`, `nas`
        │ — VM 101 · home
        ");
        let bad = friend.slash("/backup run 101 storage:../etc").await;
        assert!(bad.settled().await.text().contains("That is no storage"));
        let offered = friend.type_ahead("/backup run 101 storage:n").await;
        assert_eq!(offered.len(), 1);
        assert_eq!(offered[0].value, "nas");
        let stranger = world.person("stranger");
        assert!(
            stranger
                .type_ahead("/backup run 101 storage:n")
                .await
                .is_empty()
        );
        // With one that can be reached, there is nothing to choose.
        world.px.set_storage_available("local", false);
        world.next_snapshot().await;
        let done = friend.slash("/backup run 101").await;
        done.until("backed up").await;
        assert_eq!(world.px.backups("nas").len(), 2);
    });
}

#[test]
fn mode_stop_shuts_it_down_and_is_confirmed() {
    run(setup(), async |world| {
        let owner = world.person("owner");
        let asked = owner.slash("/backup run 102 storage:nas mode:stop").await;
        let question = asked.first().await;
        assert_snapshot!(shown(&question), @"
        🔒 only owner
        │ ⚠️ Really back up minecraft?
        │ The guest is shut down for the backup
        │ and started again.
        │ The question holds for one minute.
        │ — VM 102 · home
        [Back up] (danger) [Cancel] (secondary)
        ");
        assert_eq!(world.writes(), Vec::<String>::new());
        let yes = owner.click(&question, "Back up").await;
        asked.until("Confirmed").await;
        assert_snapshot!(shown(&yes.until("backed up").await), @"
        │ ✅ minecraft · backed up
        │ To storage nas, mode stop.
        │ By <@184405311681986560>, done <soon>.
        │ It takes 26 GB.
        │ — VM 102 · home
        [Shutdown] (secondary) [Reboot] (secondary) [Refresh] (secondary)
        ");
    });
}

#[test]
fn why_it_failed_is_said_in_a_sentence() {
    run(by_hand(), async |world| {
        let mut told = Vec::new();
        for (text, error) in [
            ("/backup run 101 storage:nas", "VM is locked (snapshot)"),
            (
                "/backup run 101 storage:nas",
                "vma_queue_write: write error - Broken pipe",
            ),
            ("/backup run 101 storage:nas", "the cat was on the keyboard"),
        ] {
            let before = world.px.tasks().len();
            let answer = world.person("owner").slash(text).await;
            answer.until("at work").await;
            let tasks = world.px.tasks();
            assert_eq!(tasks.len(), before + 1);
            let upid = tasks.iter().find(|task| task.exit.is_none()).unwrap();
            world.px.backup_fails(&upid.upid, error);
            told.push(shown(&answer.until("not backed up").await));
            let log = answer.follow_up("what Proxmox wrote").await;
            assert!(log.text().contains(error), "{}", log.text());
        }
        assert_snapshot!(told.join("\n\n"), @"
        │ 🔴 valheim · not backed up
        │ To storage nas.
        │ Asked by <@184405311681986560>.
        │ It is locked for a snapshot.
        │ Try again when that has ended.
        │ — VM 101 · home
        [Start] (primary) [Refresh] (secondary)

        │ 🔴 valheim · not backed up
        │ To storage nas.
        │ Asked by <@184405311681986560>.
        │ The storage took no more of it: it is
        │ full, most likely.
        │ — VM 101 · home
        [Start] (primary) [Refresh] (secondary)

        │ 🔴 valheim · not backed up
        │ To storage nas.
        │ Asked by <@184405311681986560>.
        │ Proxmox's task failed.
        │ — VM 101 · home
        [Start] (primary) [Refresh] (secondary)
        ");
        assert_eq!(world.px.backups("nas"), []);
    });
}

#[test]
fn a_full_storage_is_called_full() {
    run(by_hand(), async |world| {
        let text = "/backup run 101 storage:nas";
        let (answer, upid) = begun(world, "owner", text, 101).await;
        answer.until("at work").await;
        let line =
            "INFO: zstd: error 70 : Write error : cannot write block : No space left on device";
        world.px.log_line(&upid, line);
        world
            .px
            .backup_fails(&upid, "vma_queue_write: write error - Broken pipe");
        let card = answer.until("not backed up").await;
        assert!(
            card.text().contains("The storage is full"),
            "{}",
            card.text()
        );
        answer.follow_up("what Proxmox wrote").await;
    });
}

#[test]
fn a_task_that_ends_well_without_a_volume_is_no_backup() {
    run(by_hand(), async |world| {
        // One that somebody made a minute ago is not this one.
        world
            .px
            .add_backup("nas", Backup::vm(101, "pve1").ago(HOUR / 60));
        let text = "/backup run 101 storage:nas";
        let (answer, upid) = begun(world, "owner", text, 101).await;
        answer.until("at work").await;
        world.px.finish_without_effect(&upid, "OK");
        assert_snapshot!(shown(&answer.until("not backed up").await), @"
        │ 🟠 valheim · not backed up
        │ To storage nas.
        │ Asked by <@184405311681986560>.
        │ Proxmox says the task ended well,
        │ but I do not find the backup.
        │ Look again before you repeat it.
        │ — VM 101 · home
        [Start] (primary) [Refresh] (secondary)
        ");
    });
}

/// A backup changes nothing of what the guest does. Its lock is said beside that, and takes the buttons
/// that could do nothing now.
#[test]
fn a_guest_that_is_backed_up_is_shown_as_it_is() {
    let mut setup = by_hand();
    for guest in &mut setup.px.guests {
        // Some are backed up by somebody else, or that left its lock; one was written to disk.
        match guest.vmid {
            103 => guest.lock = Some("backup".into()),
            107 => guest.state = "prelaunch".into(),
            108 => guest.lock = Some("suspended".into()),
            _ => {}
        }
    }
    run(setup, async |world| {
        let owner = world.person("owner");
        let told = async |command: &str, title: &str, line: &str| {
            let card = owner.slash(command).await.settled().await;
            let text = card.text();
            assert!(text.contains(title) && text.contains(line), "{text}");
            assert!(!text.contains("prelaunch"), "{text}");
            assert_eq!(card.buttons(), ["Refresh"], "{text}");
        };
        // One that is off is started for it, without its system.
        for (vmid, command, state) in [
            (102, "/vm status 102", "🟢 minecraft · running"),
            (101, "/vm status 101", "⚪ valheim · stopped"),
            (104, "/ct status 104", "🟢 dns · running"),
        ] {
            let text = format!("/backup run {vmid} storage:nas");
            let (answer, upid) = begun(world, "owner", &text, vmid).await;
            answer.until("at work").await;
            told(command, state, "🔒 backing up").await;
            world.px.finish(&upid, "OK");
            answer.until("backed up").await;
        }
        let locked = "🔒 locked for a backup";
        told("/vm status 103", "🟢 nextcloud · running", locked).await;
        told("/vm status 107", "⚪ backup-me · stopped", locked).await;
        let list = owner.slash("/vm list").await.settled().await.text();
        assert!(
            list.contains("`107` backup-me · stopped · locked"),
            "{list}"
        );
        // What frees it is offered.
        let card = owner.slash("/vm status 108").await.settled().await;
        assert!(card.text().contains("suspended to disk"), "{}", card.text());
        assert_eq!(card.buttons(), ["Start", "Refresh"]);
    });
}

#[test]
fn another_backup_of_the_node_goes_first() {
    run(by_hand(), async |world| {
        let (first, one) = begun(world, "owner", "/backup run 101 storage:nas", 101).await;
        first.until("at work").await;
        let (second, two) = begun(world, "owner", "/backup run 104 storage:nas", 104).await;
        assert_snapshot!(shown(&second.until("waits").await), @"
        │ 🟡 dns · backing up
        │ To storage nas.
        │ Asked by <@184405311681986560>.
        │ Its node backs up another guest
        │ first, so this one waits.
        │ Asked <time>.
        │ — CT 104 · home
        [Notify me] (secondary)
        ");
        world.px.finish(&one, "OK");
        first.until("backed up").await;
        world.px.finish(&two, "OK");
        second.until("backed up").await;
    });
}

#[test]
fn a_guest_that_left_its_node_is_not_backed_up() {
    run(setup(), async |world| {
        let owner = world.person("owner");
        // It moves after it was read for the last time: the answer is `OK` instead of a task.
        let late = FaultKind::Slow(Duration::from_secs(2));
        let current = Match::any().path("/qemu/101/status/current");
        world.px.fault(Fault::once(late).on(current));
        let looked = || {
            let all = world.px.requests();
            all.iter().any(|r| r.path.ends_with("/101/status/current"))
        };
        let answer = owner.slash("/backup run 101 storage:nas").await;
        while !looked() {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        world.px.set_guest(101, |guest| guest.node = "pve2".into());
        assert_snapshot!(shown(&answer.until("not backed up").await), @"
        │ 🔴 valheim · not backed up
        │ To storage nas.
        │ Asked by <@184405311681986560>.
        │ Its node does not have it any more.
        │ It was moved: look again.
        │ — VM 101 · home
        [Refresh] (secondary)
        ");
        world.audited_last("closed failed").await;
    });
}

#[test]
fn a_lost_answer_is_unknown_and_never_sent_again() {
    run(setup(), async |world| {
        let owner = world.person("owner");
        let vzdump = Match::any().method("POST").path("/vzdump");
        world
            .px
            .fault(Fault::once(FaultKind::DropAfterRequest).on(vzdump));
        let answer = owner.slash("/backup run 101 storage:nas").await;
        assert_snapshot!(shown(&answer.until("outcome unknown").await), @"
        │ 🟠 valheim · outcome unknown
        │ To storage nas.
        │ Asked by <@184405311681986560>.
        │ Proxmox did not tell how it ended.
        │ It runs now.
        │ Look again before you repeat it.
        │ — VM 101 · home
        [Refresh] (secondary)
        ");
        assert_eq!(world.writes().len(), 1);
    });
}

#[test]
fn a_token_that_may_not_write_there_is_told_of() {
    run(lacking(), async |world| {
        let owner = world.person("owner");
        let answer = owner.slash("/backup run 101 storage:nas").await;
        assert_snapshot!(shown(&answer.until("not backed up").await), @"
        │ 🔴 valheim · not backed up
        │ To storage nas.
        │ Asked by <@184405311681986560>.
        │ The bot itself lacks the right for it
        │ in Proxmox.
        │ — VM 101 · home
        [Start] (primary) [Refresh] (secondary)
        ");
        assert_snapshot!(shown(&answer.follow_up("lacks").await), @"
        🔒 only owner
        │ 🔑 What the bot lacks
        │ The bot's token lacks Datastore.AllocateSpace
        │ on `/storage/nas`. On a Proxmox node, as root:
        │ ```
        │ pveum role add StewardDatastoreAllocateSpace -privs Datastore.AllocateSpace
        │ pveum role add StewardDatastoreAudit -privs Datastore.Audit
        │ pveum acl modify /storage/nas -user discord@pve -token 'discord@pve!bot' -role StewardDatastoreAllocateSpace,StewardDatastoreAudit
        │ ```
        │ It is no matter if a role exists already.
        │ Then see `pve-steward check`.
        ");
    });
}

#[test]
fn a_name_in_the_notes_is_no_template() {
    let name = r"{{vmid}}\n{{nothing}}";
    let mut setup = setup();
    let friend =
        fake_discord::Member::new(name, 80_351_110_224_678_913, &[290_926_798_626_357_299]);
    setup.dc.people[2] = friend;
    run(setup, async |world| {
        let friend = world.person(name);
        let answer = friend.slash("/backup run 101 storage:nas").await;
        answer.until("backed up").await;
        let notes = world.px.backups("nas")[0].notes.clone();
        let wanted = r"By { {vmid}}\n{ {nothing}} in Discord";
        assert_eq!(notes.as_deref(), Some(wanted));
    });
}

#[test]
fn strangers_and_viewers_are_refused() {
    run(setup(), async |world| {
        two_backups(world);
        let stranger = world.person("stranger");
        let max = world.person("max");
        let mut told = Vec::new();
        for text in [
            "/backup list 101",
            "/backup run 101",
            "/backup run 101 storage:nas",
        ] {
            let no = stranger.slash(text).await.first().await;
            assert!(
                shown(&no).contains("No guest 101 for you here"),
                "{}",
                no.text()
            );
        }
        for text in ["/backup list 101", "/backup run 101 storage:nas"] {
            told.push(shown(&max.slash(text).await.first().await));
        }
        assert_snapshot!(told.join("\n\n"), @"
        🔒 only max
        │ ⛔ You may not see the backups of valheim
        │ Ask <@184405311681986560>.
        │ — VM 101 · home

        🔒 only max
        │ ⛔ You may not back up valheim
        │ Ask <@184405311681986560>.
        │ — VM 101 · home
        [Ask for it] (primary)
        ");
        assert_eq!(world.writes(), Vec::<String>::new());
    });
}

#[test]
fn whoever_may_ask_chooses_where_to_first() {
    run(setup(), async |world| {
        let (max, owner) = (world.person("max"), world.person("owner"));
        let choice = max.slash("/backup run 101").await.settled().await;
        let refused = max.click(&choice, "nas").await.settled().await;
        let answer = max.click(&refused, "Ask for it").await;
        answer.until("once somebody has decided").await;
        let letter = world
            .dc
            .wait_channel_message(APPROVALS, "asks for it")
            .await;
        assert!(
            letter.text().contains("backed up to nas"),
            "{}",
            letter.text()
        );
        owner.click(&letter, "Once").await.until("backed up").await;
        answer.until("backed up").await;
        world
            .dc
            .wait_channel_message(support::BOT_CHANNEL, "Approved by")
            .await;
        for _ in 0..500 {
            if world
                .dc
                .message(letter.id)
                .unwrap()
                .text()
                .contains("· backed up")
            {
                return;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        panic!("the letter does not say so");
    });
}

#[test]
fn a_restart_in_the_middle_is_followed_up() {
    run(by_hand(), async |world| {
        let text = "/backup run 101 storage:nas";
        let (answer, upid) = begun(world, "owner", text, 101).await;
        answer.until("at work").await;
        let _ = world.stop_bot().await;
        answer.settled().await;
        world.px.finish(&upid, "OK");
        world.start_bot().await;
        let told = world
            .dc
            .wait_channel_message(support::BOT_CHANNEL, "I was restarted")
            .await;
        assert!(told.text().contains("backed up"), "{}", told.text());
        world.audited_last("closed done").await;
        assert_eq!(world.writes().len(), 1);
    });
}

#[test]
fn a_template_is_never_offered_to_be_started() {
    run(setup(), async |world| {
        let owner = world.person("owner");
        let done = owner
            .slash("/backup run 106 storage:nas")
            .await
            .until("backed up")
            .await;
        assert!(!shown(&done).contains("[Start]"), "{}", shown(&done));
    });
}
