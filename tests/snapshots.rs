//! The snapshots of guests, as people see them: listed, taken, gone back to, deleted.

mod support;

use std::time::Duration;

use fake_discord::{Answer, Message, Person};
use fake_proxmox::{Fault, FaultKind, Match, Snapshot};
use insta::assert_snapshot;
use support::{Setup, World, rules, run, run_without_bot, shown};

const APPROVALS: u64 = 1_100_000_000_000_000_001;

/// `friend` may take some and go back, `max` may look and ask.
const RULES: &str = r#"
[[allow]]
who = ["friends"]
actions = ["view"]
guests = ["tag:games"]

[[allow]]
who = ["friend"]
actions = ["snapshot.rollback"]
guests = ["tag:games"]

[[ask]]
who = ["friends"]
actions = ["snapshot.create", "snapshot.delete"]
guests = ["tag:games"]
"#;

fn setup() -> Setup {
    let mut setup = Setup::automatic().rules(&rules(RULES));
    setup.discord = format!("approvals_channel = {APPROVALS}");
    setup
}

fn by_hand() -> Setup {
    Setup::default().rules(&rules(RULES))
}

/// Names of the guest's snapshots, in the order they were taken.
fn names(world: &World, vmid: u32) -> Vec<String> {
    let all = world.px.snapshots(vmid);
    all.into_iter().map(|snapshot| snapshot.name).collect()
}

/// The private question that a command turns into.
async fn asked(who: &Person, text: &str) -> (Answer, Message) {
    let answer = who.slash(text).await;
    let question = answer.until("Really").await;
    (answer, question)
}

/// With the dates in generated names put aside.
fn dated(text: &str) -> String {
    let mut out = text.to_owned();
    for prefix in ["discord-2", "before-rollback-2"] {
        while let Some(at) = out.find(prefix) {
            let start = at + prefix.len() - 1;
            out.replace_range(start..start + "20261124-220743".len(), "<date>");
        }
    }
    out
}

/// What the approvers were asked has turned into what came of it.
async fn letter_until(world: &World, letter: &Message, contains: &str) {
    for _ in 0..500 {
        if world
            .dc
            .message(letter.id)
            .unwrap()
            .text()
            .contains(contains)
        {
            return;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("no `{contains}` in the letter");
}

#[test]
fn the_list_is_a_tree() {
    run(setup(), async |world| {
        let owner = world.person("owner");
        let list = owner.slash("/snapshot list 101").await;
        assert_snapshot!(shown(&list.until("snapshots").await), @"
        🔒 only owner
        │ 📸 valheim · 3 snapshots
        │ `fresh-install` · <time>
        │ │ Debian and the server, no world…
        │ ├ `before-mods` · <time> · RAM
        │ │  Friday night, all logged out
        │ └ `update-0-220` · <time>
        │  📍 You are here
        │ — VM 101 · home
        [Take one] (primary) [Refresh] (secondary)
        ");
        let max = world.person("max");
        let list = max.slash("/snapshot list valheim").await;
        let list = list.until("snapshots").await;
        assert_eq!(list.buttons(), ["Refresh"], "no button that max cannot use");
        let none = max.slash("/snapshot list 102").await;
        assert_snapshot!(shown(&none.until("snapshots").await), @"
        🔒 only max
        │ 📸 minecraft · no snapshots
        │ It has none, so there is nothing to
        │ go back to.
        │ — VM 102 · home
        [Refresh] (secondary)
        ");
        assert_eq!(world.writes(), Vec::<String>::new());
    });
}

/// What was taken upon one another goes straight down; where there are several ways on, each has its mark,
/// and a line leads on to the next.
#[test]
fn branches_are_told_from_what_was_taken_upon_them() {
    run(setup(), async |world| {
        let add = |name: &str, upon: Option<&str>, hours| {
            let mut one = Snapshot::new(name).hours_ago(hours);
            one.parent = upon.map(str::to_owned);
            world.px.set_guest(102, |guest| guest.snapshots.push(one));
        };
        add("clean", None, 90);
        add("mods", Some("clean"), 80);
        add("mods-2", Some("mods"), 70);
        add("test", Some("mods-2"), 60);
        add("test-2", Some("mods-2"), 50);
        add("vanilla", Some("clean"), 40);
        add("deep", Some("vanilla"), 30);
        for n in 0..5 {
            let upon = if n == 0 {
                "deep".into()
            } else {
                format!("d{}", n - 1)
            };
            add(&format!("e{n}"), Some(&upon), 20 - 2 * n);
            add(&format!("d{n}"), Some(&upon), 19 - 2 * n);
        }
        world
            .px
            .set_guest(102, |guest| guest.parent = Some("mods-2".into()));
        let owner = world.person("owner");
        let list = owner.slash("/snapshot list 102").await;
        assert_snapshot!(shown(&list.until("snapshots").await), @"
        🔒 only owner
        │ 📸 minecraft · 17 snapshots
        │ `clean` · <time>
        │ ├ `mods` · <time>
        │ │ `mods-2` · <time>
        │ │ ├ `test` · <time>
        │ │ ├ `test-2` · <time>
        │ │ └ 📍 You are here
        │ └ `vanilla` · <time>
        │  `deep` · <time>
        │  ├ `e0` · <time>
        │  └ `d0` · <time>
        │   ├ `e1` · <time>
        │   └ `d1` · <time>
        │    ├ `e2` · <time>
        │    └ `d2` · <time>
        │     ├ `e3` · <time>
        │     └ `d3` · <time>
        │ …    ├ `e4` · <time>
        │ …    └ `d4` · <time>
        │ ⚠️ 17 snapshots: they cost space
        │ and speed, and are no backups.
        │ — VM 102 · home
        [Take one] (primary) [Refresh] (secondary)
        ");
    });
}

#[test]
fn a_long_chain_stays_readable_and_is_warned_of() {
    run(setup(), async |world| {
        for n in 0..11 {
            let text = "A very long first line that no phone shows whole\nand a second";
            let one = Snapshot::new(&format!("day-{n}")).described(text);
            world.px.add_snapshot(102, one.hours_ago(24 * (20 - n)));
        }
        let owner = world.person("owner");
        let list = owner.slash("/snapshot list 102").await;
        let list = shown(&list.until("snapshots").await);
        let lines: Vec<&str> = list.lines().collect();
        let tail = lines[lines.len().saturating_sub(9)..].join("\n");
        assert_snapshot!(format!("{}\n{tail}", lines[..4].join("\n")), @"
        🔒 only owner
        │ 📸 minecraft · 11 snapshots
        │ `day-0` · <time>
        │  A very long first line that no p…
        │ `day-9` · <time>
        │  A very long first line that no p…
        │ `day-10` · <time>
        │  A very long first line that no p…
        │ 📍 You are here
        │ ⚠️ 11 snapshots: they cost space
        │ and speed, and are no backups.
        │ — VM 102 · home
        [Take one] (primary) [Refresh] (secondary)
        ");
        let taken = owner.slash("/snapshot create 102 name:day-11").await;
        assert_snapshot!(shown(&taken.until("snapshot taken").await), @"
        │ ✅ minecraft · snapshot taken
        │ Snapshot day-11.
        │ By <@184405311681986560>, done <soon>.
        │ ⚠️ 12 snapshots: they cost space
        │ and speed, and are no backups.
        │ — VM 102 · home
        [Shutdown] (secondary) [Reboot] (secondary) [Refresh] (secondary) [Snapshots] (secondary)
        ");
    });
}

#[test]
fn one_is_taken_with_its_memory_and_says_who_asked() {
    run(by_hand(), async |world| {
        let owner = world.person("owner");
        let answer = owner
            .slash("/snapshot create 102 name:before-update ram:true")
            .await;
        let upid = world.px.wait_task("qmsnapshot", 102).await;
        assert_snapshot!(shown(&answer.until("at work").await), @"
        │ 🟡 minecraft · taking a snapshot
        │ Snapshot before-update, with memory.
        │ Asked by <@184405311681986560>.
        │ Proxmox is at work, begun <time>.
        │ — VM 102 · home
        [Notify me] (secondary)
        ");
        world.px.finish(&upid, "OK");
        assert_snapshot!(shown(&answer.until("snapshot taken").await), @"
        │ ✅ minecraft · snapshot taken
        │ Snapshot before-update, with memory.
        │ By <@184405311681986560>, done <soon>.
        │ — VM 102 · home
        [Shutdown] (secondary) [Reboot] (secondary) [Refresh] (secondary) [Snapshots] (secondary)
        ");
        let [one] = &world.px.snapshots(102)[..] else {
            panic!("one snapshot")
        };
        assert_eq!((one.name.as_str(), one.vmstate), ("before-update", true));
        assert_eq!(one.description, "By owner in Discord");
        assert_eq!(world.writes(), ["POST /nodes/pve2/qemu/102/snapshot"]);
        world
            .audited(&["opened snapshot.create 102", "sent", "closed done"])
            .await;
    });
}

#[test]
fn without_a_name_it_gets_one() {
    run(setup(), async |world| {
        let owner = world.person("owner");
        let answer = owner.slash("/snapshot create 105").await;
        assert_snapshot!(dated(&shown(&answer.until("snapshot taken").await)), @"
        │ ✅ web-lab · snapshot taken
        │ Snapshot discord-<date>.
        │ By <@184405311681986560>, done <soon>.
        │ — CT 105 · home
        [Start] (primary) [Refresh] (secondary) [Snapshots] (secondary)
        ");
        let [name] = &names(world, 105)[..] else {
            panic!("one snapshot")
        };
        let digits = name.strip_prefix("discord-").unwrap();
        assert_eq!(digits.len(), "20261124-220743".len(), "{name}");
        let list = owner
            .slash("/snapshot list 101")
            .await
            .until("Take one")
            .await;
        let answer = owner.click(&list, "Take one").await;
        answer.until("snapshot taken").await;
        assert_eq!(names(world, 101).len(), 4);
    });
}

#[test]
fn what_cannot_be_taken_is_said_before_proxmox_is_asked() {
    run(setup(), async |world| {
        let owner = world.person("owner");
        let mut told = Vec::new();
        for text in [
            "/snapshot create 101 name:before-mods",
            "/snapshot create 101 name:2fast",
            "/snapshot create 101 name:current",
            "/snapshot create 101 ram:true",
            "/snapshot create 104 ram:true",
            "/snapshot create 106",
            "/snapshot create 107",
        ] {
            told.push(dated(&shown(&owner.slash(text).await.settled().await)));
        }
        assert_snapshot!(told.join("\n\n"), @"
        🔒 only owner
        │ ⛔ valheim has a snapshot before-mods
        │ It is there already, taken <time>.
        │ Nothing was done. Choose another name.
        │ — VM 101 · home
        [Snapshots] (secondary)

        🔒 only owner
        │ ⛔ That is no name for a snapshot
        │ A letter first, then letters, digits,
        │ `-` or `_`: 2 to 40 in all. Not
        │ `current` or `pending`.

        🔒 only owner
        │ ⛔ That is no name for a snapshot
        │ A letter first, then letters, digits,
        │ `-` or `_`: 2 to 40 in all. Not
        │ `current` or `pending`.

        🔒 only owner
        │ ⛔ valheim does not run
        │ So it has no memory to keep. Nothing
        │ was done. Take a snapshot without.
        │ — VM 101 · home
        [Snapshots] (secondary)

        🔒 only owner
        │ ⛔ dns cannot do that
        │ Only VMs have snapshots with memory.
        │ Take one without.
        │ — CT 104 · home

        │ ⚪ template-debian · is a template
        │ Snapshot discord-<date>.
        │ Asked by <@184405311681986560>. Nothing was done.
        │ — VM 106 · home

        │ 🔴 backup-me · no snapshot taken
        │ Snapshot discord-<date>.
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
fn a_rollback_says_what_is_lost_and_is_asked_twice() {
    run(setup(), async |world| {
        world
            .px
            .set_guest(101, |guest| guest.state = "running".into());
        let owner = world.person("owner");
        let (answer, question) = asked(&owner, "/snapshot rollback 101 fresh-install").await;
        assert_snapshot!(shown(&question), @"
        🔒 only owner
        │ ⚠️ Really roll valheim back to fresh-install?
        │ It is from <time>.
        │ All that was written since then goes.
        │ Only what the 2 later snapshots hold
        │ can be brought back.
        │ Then it is stopped.
        │ The question holds for one minute.
        │ — VM 101 · home
        [Roll back] (danger) [Snapshot first] (primary) [Cancel] (secondary)
        ");
        assert_eq!(world.writes(), Vec::<String>::new());
        let yes = owner.click(&question, "Roll back").await;
        answer.until("Confirmed").await;
        assert_snapshot!(shown(&yes.until("rolled back").await), @"
        │ ✅ valheim · rolled back
        │ To snapshot fresh-install.
        │ By <@184405311681986560>, done <soon>.
        │ It is stopped now.
        │ — VM 101 · home
        [Start] (primary) [Refresh] (secondary) [Snapshots] (secondary)
        ");
        assert_snapshot!(shown(&answer.until("Confirmed").await), @"
        🔒 only owner
        │ ☑️ Yes: roll valheim back to fresh-install
        │ Confirmed. See the answer below.
        │ — VM 101 · home
        ");
        assert_eq!(
            world.writes(),
            ["POST /nodes/pve1/qemu/101/snapshot/fresh-install/rollback"]
        );
        assert_eq!(names(world, 101).len(), 3, "later ones stay");
        world
            .audited(&["opened snapshot.rollback 101", "sent", "closed done"])
            .await;
    });
}

#[test]
fn with_memory_it_runs_on_after_a_rollback() {
    run(setup(), async |world| {
        let owner = world.person("owner");
        let (answer, question) = asked(&owner, "/snapshot rollback 101 before-mods").await;
        assert_snapshot!(shown(&question), @"
        🔒 only owner
        │ ⚠️ Really roll valheim back to before-mods?
        │ It is from <time>.
        │ All that was written since then goes.
        │ Only what the later snapshot holds can
        │ be brought back.
        │ Then it runs on from where it was.
        │ The question holds for one minute.
        │ — VM 101 · home
        [Roll back] (danger) [Snapshot first] (primary) [Cancel] (secondary)
        ");
        let yes = owner.click(&question, "Roll back").await;
        answer.until("Confirmed").await;
        assert!(shown(&yes.until("rolled back").await).contains("It runs."));
    });
}

#[test]
fn a_snapshot_first_and_then_the_same_question() {
    run(setup(), async |world| {
        let owner = world.person("owner");
        let (answer, question) = asked(&owner, "/snapshot rollback 101 update-0-220").await;
        let first = owner.click(&question, "Snapshot first").await;
        assert_snapshot!(dated(&shown(&first.until("snapshot taken").await)), @"
        │ ✅ valheim · snapshot taken
        │ Snapshot before-rollback-<date>.
        │ By <@184405311681986560>, done <soon>.
        │ — VM 101 · home
        [Start] (primary) [Refresh] (secondary) [Snapshots] (secondary)
        ");
        assert_snapshot!(shown(&answer.until("comes first").await), @"
        🔒 only owner
        │ ⚪ Not yet: roll valheim back to update-0-220
        │ A snapshot comes first. Then I ask
        │ again.
        │ — VM 101 · home
        ");
        let again = first.follow_up("Really").await;
        assert_snapshot!(shown(&again), @"
        🔒 only owner
        │ ⚠️ Really roll valheim back to update-0-220?
        │ It is from <time>.
        │ All that was written since then goes.
        │ Only what the later snapshot holds can
        │ be brought back.
        │ Then it is stopped.
        │ The question holds for one minute.
        │ — VM 101 · home
        [Roll back] (danger) [Snapshot first] (primary) [Cancel] (secondary)
        ");
        assert_eq!(world.writes(), ["POST /nodes/pve1/qemu/101/snapshot"]);
        let gone = owner
            .press(&question, &question.custom_id("Roll back").unwrap())
            .await;
        gone.until("closed").await;
        let yes = owner.click(&again, "Roll back").await;
        yes.until("rolled back").await;
        assert_eq!(world.writes().len(), 2);
        world
            .audited(&[
                "opened snapshot.create 101",
                "sent",
                "closed done",
                "opened snapshot.rollback 101",
                "sent",
                "closed done",
            ])
            .await;
    });
}

/// Discord lets an answer change for fifteen minutes; here for one second. A question in a direct message
/// could not be answered there.
#[test]
fn a_snapshot_first_that_takes_too_long_says_what_to_type_next() {
    run(by_hand(), async |world| {
        let owner = world.person("owner");
        let (answer, question) = asked(&owner, "/snapshot rollback 101 update-0-220").await;
        world
            .dc
            .adjust(|setup| setup.token_life = Duration::from_secs(1));
        let first = owner.click(&question, "Snapshot first").await;
        answer.until("comes first").await;
        let task = world.px.wait_task("qmsnapshot", 101).await;
        first.until("taking a snapshot").await;
        tokio::time::sleep(Duration::from_millis(1100)).await;
        world.px.finish(&task, "OK");
        world
            .dc
            .wait_channel_message(support::BOT_CHANNEL, "snapshot taken")
            .await;
        let told = world.dc.wait_direct_message("owner", "valheim").await;
        assert_snapshot!(shown(&told), @"
        │ ⚪ Not yet: roll valheim back to update-0-220
        │ The snapshot was taken, but it took too
        │ long for me to ask again. To roll back
        │ now, type in the server:
        │ `/snapshot rollback home/101 update-0-220`
        │ — VM 101 · home
        ");
        assert_eq!(world.dc.direct_messages("owner").len(), 1);
        world
            .dc
            .adjust(|setup| setup.token_life = Duration::from_mins(15));
        let (_, again) = asked(&owner, "/snapshot rollback home/101 update-0-220").await;
        let closed = owner.click(&again, "Cancel").await;
        closed.until("Cancelled").await;
        assert_eq!(world.writes(), ["POST /nodes/pve1/qemu/101/snapshot"]);
    });
}

#[test]
fn a_snapshot_first_is_for_those_who_may_take_one() {
    run(setup(), async |world| {
        let friend = world.person("friend");
        let (answer, question) = asked(&friend, "/snapshot rollback 101 update-0-220").await;
        assert_eq!(question.buttons(), ["Roll back", "Cancel"]);
        // Whoever forges the button finds no such question.
        let id = question
            .custom_id("Roll back")
            .unwrap()
            .replace("yes", "first");
        let forged = friend.press(&question, &id).await;
        forged.until("closed").await;
        let yes = friend.click(&question, "Roll back").await;
        answer.until("Confirmed").await;
        yes.until("rolled back").await;
        assert_eq!(world.writes().len(), 1);
    });
}

#[test]
fn a_failed_snapshot_first_asks_nothing() {
    run(setup(), async |world| {
        let owner = world.person("owner");
        let (answer, question) = asked(&owner, "/snapshot rollback 101 update-0-220").await;
        let text = "snapshot feature is not available";
        let fails = FaultKind::TaskFails(text.into());
        world
            .px
            .fault(Fault::always(fails).on(Match::any().path("/101/snapshot")));
        let first = owner.click(&question, "Snapshot first").await;
        assert_snapshot!(dated(&shown(&first.until("no snapshot taken").await)), @"
        │ 🔴 valheim · no snapshot taken
        │ Snapshot before-rollback-<date>.
        │ Asked by <@184405311681986560>.
        │ A disk of it is on a storage that takes
        │ no snapshots.
        │ — VM 101 · home
        [Start] (primary) [Refresh] (secondary)
        ");
        first.follow_up("what Proxmox wrote").await;
        answer.until("comes first").await;
        assert_eq!(world.writes().len(), 1);
        assert_eq!(first.follow_ups().len(), 1, "no question");
    });
}

/// Nobody is sent to themselves: beside others the owner reads what happened, alone also what to do.
#[test]
fn what_the_owner_can_mend_is_told_to_the_owner_alone() {
    let mut setup = setup();
    setup.bot = "acts = \"private\"".to_owned();
    run(setup, async |world| {
        let fails = FaultKind::TaskFails("snapshot feature is not available".into());
        let taken = Match::any().path("/101/snapshot");
        world.px.fault(Fault::always(fails).on(taken));
        let owner = world.person("owner");
        let answer = owner.slash("/snapshot create 101 name:tonight").await;
        assert_snapshot!(shown(&answer.until("no snapshot taken").await), @"
        🔒 only owner
        │ 🔴 valheim · no snapshot taken
        │ Snapshot tonight.
        │ Asked by <@184405311681986560>.
        │ A disk of it is on a storage that takes
        │ no snapshots.
        │ Back it up instead: `/backup run`.
        │ — VM 101 · home
        [Start] (primary) [Refresh] (secondary)
        ");
        answer.follow_up("what Proxmox wrote").await;
    });
}

/// A snapshot first that Proxmox is at work at.
async fn taking_one_first(world: &World, owner: &Person) -> (Answer, String) {
    let (answer, question) = asked(owner, "/snapshot rollback 101 update-0-220").await;
    let first = owner.click(&question, "Snapshot first").await;
    answer.until("comes first").await;
    let task = world.px.wait_task("qmsnapshot", 101).await;
    (first, task)
}

/// One press, two steps: what came to nothing in the second stands in the audit beside the first.
const SECOND_STEP_NOT_SENT: [&str; 5] = [
    "opened snapshot.create 101",
    "sent",
    "closed done",
    "opened snapshot.rollback 101",
    "closed not sent",
];

#[test]
fn a_guest_that_cannot_be_read_after_a_snapshot_first_is_said_and_noted() {
    run(by_hand(), async |world| {
        let owner = world.person("owner");
        let (first, task) = taking_one_first(world, &owner).await;
        // The new snapshot is seen, and then the list cannot be had any more.
        let list = || Match::any().method("GET").path("/101/snapshot");
        let seen = Fault::once(FaultKind::Padded(1));
        world.px.fault(seen.on(list()));
        world
            .px
            .fault(Fault::always(FaultKind::Status595).on(list()));
        world.px.finish(&task, "OK");
        first.until("snapshot taken").await;
        let told = first.follow_up("not rolled back").await;
        assert_snapshot!(shown(&told), @"
        🔒 only owner
        │ 🔴 valheim · not rolled back
        │ To snapshot update-0-220.
        │ Asked by <@184405311681986560>.
        │ Its node pve1 does not answer.
        │ Try again when it is back.
        │ — VM 101 · home
        [Refresh] (secondary)
        ");
        world.audited(&SECOND_STEP_NOT_SENT).await;
    });
}

#[test]
fn what_is_gone_after_a_snapshot_first_is_said_and_noted() {
    run(by_hand(), async |world| {
        let owner = world.person("owner");
        let (first, task) = taking_one_first(world, &owner).await;
        world.px.set_guest(101, |guest| {
            guest.snapshots.retain(|one| one.name != "update-0-220");
        });
        world.px.finish(&task, "OK");
        first.until("snapshot taken").await;
        first.follow_up("No snapshot update-0-220").await;
        world.audited(&SECOND_STEP_NOT_SENT).await;
    });
}

#[test]
fn on_zfs_only_the_newest_can_be_gone_back_to() {
    run(setup(), async |world| {
        world
            .px
            .set_storage("local-lvm", |it| it.plugin = "zfspool".into());
        world.next_snapshot().await;
        let owner = world.person("owner");
        let (answer, question) = asked(&owner, "/snapshot rollback 101 before-mods").await;
        assert_snapshot!(shown(&question), @"
        🔒 only owner
        │ ⚠️ Really roll valheim back to before-mods?
        │ It is from <time>.
        │ All that was written since then goes.
        │ Only what the later snapshot holds can
        │ be brought back.
        │ Proxmox may refuse: some storages, such
        │ as ZFS, only go back to the newest one.
        │ Then it runs on from where it was.
        │ The question holds for one minute.
        │ — VM 101 · home
        [Roll back] (danger) [Cancel] (secondary)
        ");
        let yes = owner.click(&question, "Roll back").await;
        answer.until("Confirmed").await;
        assert_snapshot!(shown(&yes.until("not rolled back").await), @"
        │ 🔴 valheim · not rolled back
        │ To snapshot before-mods.
        │ Asked by <@184405311681986560>.
        │ Its storage can only go back to the
        │ newest snapshot. The newer ones would
        │ have to be deleted first.
        │ — VM 101 · home
        [Start] (primary) [Refresh] (secondary)
        ");
        yes.follow_up("what Proxmox wrote").await;
    });
}

/// A storage on ZFS that the guest has nothing on is in nobody's way; one on which it has the smallest
/// of its volumes is, and so is what nobody knows.
#[test]
fn only_a_volume_of_its_own_on_zfs_is_in_the_way_of_a_snapshot_first() {
    run_without_bot(setup(), async |world| {
        let px = &world.px;
        px.set_storage("nas", |it| it.plugin = "zfspool".into());
        px.set_config(102, "efidisk0", "nas:vm-102-disk-1,efitype=4m,size=1M");
        px.set_config(103, "tpmstate0", "gone:vm-103-disk-1,size=4M");
        for vmid in [102, 103, 104] {
            px.add_snapshot(vmid, Snapshot::new("before").hours_ago(3));
        }
        let refuses = FaultKind::Status500("no".into());
        px.fault(Fault::always(refuses).on(Match::any().path("/104/config")));
        world.start_bot().await;
        let owner = world.person("owner");
        for (guest, snapshot, offered) in [
            ("101", "update-0-220", true),
            ("102", "before", false),
            ("103", "before", false),
            ("104", "before", false),
        ] {
            let text = format!("/snapshot rollback {guest} {snapshot}");
            let (_, question) = asked(&owner, &text).await;
            let offers = question.buttons().contains(&"Snapshot first".to_owned());
            assert_eq!(offers, offered, "{guest}");
            let closed = owner.click(&question, "Cancel").await;
            closed.until("Cancelled").await;
        }
    });
}

/// In a folder, a snapshot can be a link of a chain from Proxmox VE 9 on: it goes back to the newest
/// only, as on ZFS.
#[test]
fn in_a_folder_a_snapshot_first_is_offered_where_there_are_no_chains() {
    for (plugin, version, chain, fails, offered) in [
        ("dir", (8, 4), false, false, true),
        ("nfs", (9, 2), false, true, false),
        ("cifs", (9, 2), true, false, false),
        ("nfs", (9, 2), false, false, true),
    ] {
        let mut setup = setup();
        setup.px.version = version;
        run_without_bot(setup, async |world| {
            world.px.set_storage("nas", |it| {
                (it.plugin, it.chain) = (plugin.into(), chain);
            });
            world
                .px
                .set_config(101, "scsi0", "nas:101/vm-101-disk-0.qcow2,size=32G");
            if fails {
                let refuses = FaultKind::Status500("no".into());
                let on = Match::any().path("/storage");
                world.px.fault(Fault::always(refuses).on(on));
            }
            world.start_bot().await;
            let owner = world.person("owner");
            let (_, question) = asked(&owner, "/snapshot rollback 101 before-mods").await;
            let offers = question.buttons().contains(&"Snapshot first".to_owned());
            assert_eq!(offers, offered, "{plugin} {version:?} {chain} {fails}");
            let warns = question.text().contains("Proxmox may refuse");
            assert_eq!(warns, !offered, "{plugin} {version:?} {chain}");
            let closed = owner.click(&question, "Cancel").await;
            closed.until("Cancelled").await;
        });
    }
}

/// Whoever presses it is shown what they may see.
#[test]
fn after_a_snapshot_the_list_is_one_press_away() {
    run(setup(), async |world| {
        let owner = world.person("owner");
        let taken = owner.slash("/snapshot create 101 new-one").await;
        let taken = taken.until("snapshot taken").await;
        let list = owner.click(&taken, "Snapshots").await;
        let list = list.until("4 snapshots").await;
        assert!(list.text().starts_with("🔒 only owner"), "{}", list.text());
        let max = world.person("max").click(&taken, "Snapshots").await;
        let max = max.until("4 snapshots").await;
        assert_eq!(max.buttons(), ["Refresh"]);
        let stranger = world.person("stranger").click(&taken, "Snapshots").await;
        stranger.until("No guest home/101 for you here").await;
        assert_eq!(
            world.dc.message(taken.id).unwrap().text(),
            taken.text(),
            "the card stays"
        );
        for (text, yes, end) in [
            (
                "/snapshot delete 101 new-one",
                "Delete it",
                "snapshot deleted",
            ),
            (
                "/snapshot rollback 101 update-0-220",
                "Roll back",
                "rolled back",
            ),
        ] {
            let (answer, question) = asked(&owner, text).await;
            let done = owner.click(&question, yes).await;
            answer.until("Confirmed").await;
            let done = done.until(end).await;
            assert!(done.buttons().contains(&"Snapshots".to_owned()), "{text}");
        }
    });
}

#[test]
fn a_deletion_is_asked_twice() {
    run(setup(), async |world| {
        let owner = world.person("owner");
        let (answer, question) = asked(&owner, "/snapshot delete 101 before-mods").await;
        assert_snapshot!(shown(&question), @"
        🔒 only owner
        │ ⚠️ Really delete snapshot before-mods of valheim?
        │ It is from <time>.
        │ Nobody can go back to it any more.
        │ The guest itself stays as it is.
        │ The question holds for one minute.
        │ — VM 101 · home
        [Delete it] (danger) [Cancel] (secondary)
        ");
        let yes = owner.click(&question, "Delete it").await;
        answer.until("Confirmed").await;
        assert_snapshot!(shown(&yes.until("snapshot deleted").await), @"
        │ ✅ valheim · snapshot deleted
        │ Snapshot before-mods.
        │ By <@184405311681986560>, done <soon>.
        │ — VM 101 · home
        [Start] (primary) [Refresh] (secondary) [Snapshots] (secondary)
        ");
        assert_eq!(names(world, 101), ["fresh-install", "update-0-220"]);
        let path = "DELETE /nodes/pve1/qemu/101/snapshot/before-mods";
        assert_eq!(world.writes(), [path]);
    });
}

#[test]
fn what_is_gone_or_another_by_now_is_not_touched() {
    run(setup(), async |world| {
        let owner = world.person("owner");
        let never = owner.slash("/snapshot rollback 101 no-such-one").await;
        assert_snapshot!(shown(&never.settled().await), @"
        🔒 only owner
        │ ⛔ No snapshot no-such-one of valheim
        │ It is not there, or not any more.
        │ Nothing was done. Look at the list.
        │ — VM 101 · home
        [Snapshots] (secondary)
        ");
        let (answer, question) = asked(&owner, "/snapshot rollback 101 before-mods").await;
        world.px.set_guest(101, |guest| {
            guest.snapshots.retain(|one| one.name != "before-mods");
        });
        let gone = owner.click(&question, "Roll back").await;
        answer.until("Confirmed").await;
        assert_snapshot!(shown(&gone.follow_up("before-mods").await), @"
        🔒 only owner
        │ ⛔ No snapshot before-mods of valheim
        │ It is not there, or not any more.
        │ Nothing was done. Look at the list.
        │ — VM 101 · home
        [Snapshots] (secondary)
        ");
        gone.deleted().await;
        let (answer, question) = asked(&owner, "/snapshot delete 101 update-0-220").await;
        world.px.set_guest(101, |guest| {
            guest.snapshots.retain(|one| one.name != "update-0-220");
        });
        world
            .px
            .add_snapshot(101, Snapshot::new("update-0-220").hours_ago(1));
        let another = owner.click(&question, "Delete it").await;
        answer.until("Confirmed").await;
        assert_snapshot!(shown(&another.follow_up("another").await), @"
        🔒 only owner
        │ ⛔ update-0-220 is another snapshot now
        │ It is not the one that this was about,
        │ which was taken <time>.
        │ Nothing was done. Look again.
        │ — VM 101 · home
        [Snapshots] (secondary)
        ");
        another.deleted().await;
        assert_eq!(world.writes(), Vec::<String>::new());
    });
}

#[test]
fn names_are_completed_from_memory() {
    run(setup(), async |world| {
        let owner = world.person("owner");
        let typed = "/snapshot rollback 101 ";
        let mut offered = owner.type_ahead(typed).await;
        // The first letter may find nothing yet; it makes the bot look.
        for _ in 0..200 {
            if !offered.is_empty() {
                break;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
            offered = owner.type_ahead(typed).await;
        }
        let values: Vec<&str> = offered.iter().map(|c| c.value.as_str().unwrap()).collect();
        assert_eq!(values, ["update-0-220", "before-mods", "fresh-install"]);
        assert_eq!(offered[1].name, "before-mods · 14 d 4 h ago · RAM");
        let some = owner.type_ahead("/snapshot delete 101 mod").await;
        assert_eq!(some.len(), 1);
        for name in ["friend", "max", "owner"] {
            for _ in 0..20 {
                world.person(name).type_ahead(typed).await;
            }
        }
        let asked = world.px.requests();
        let asked = asked.iter().filter(|r| r.path.ends_with("/101/snapshot"));
        assert!(asked.count() <= 3, "however many type");
        let max = world.person("max").type_ahead(typed).await;
        assert!(max.is_empty(), "max may not go back: {max:?}");
        let stranger = world.person("stranger").type_ahead(typed).await;
        assert!(stranger.is_empty());
    });
}

#[test]
fn strangers_and_viewers_are_refused() {
    run(setup(), async |world| {
        let stranger = world.person("stranger");
        let max = world.person("max");
        let mut told = Vec::new();
        for text in [
            "/snapshot list 101",
            "/snapshot create 101",
            "/snapshot rollback 101 before-mods",
            "/snapshot delete 101 before-mods",
        ] {
            let no = stranger.slash(text).await.first().await;
            assert!(
                shown(&no).contains("No guest 101 for you here"),
                "{}",
                no.text()
            );
        }
        for text in [
            "/snapshot list 103",
            "/snapshot rollback 101 before-mods",
            "/snapshot delete 101 before-mods",
        ] {
            told.push(shown(&max.slash(text).await.first().await));
        }
        assert_snapshot!(told.join("\n\n"), @"
        🔒 only max
        │ ⛔ No guest 103 for you here
        │ Pick one from the list that appears
        │ while you type, or see `/access whoami`.

        🔒 only max
        │ ⛔ You may not roll back valheim
        │ Ask <@184405311681986560>.
        │ — VM 101 · home

        🔒 only max
        │ ⛔ You may not delete a snapshot of valheim
        │ Ask <@184405311681986560>.
        │ — VM 101 · home
        [Ask for it] (primary)
        ");
        assert_eq!(world.writes(), Vec::<String>::new());
    });
}

#[test]
fn who_may_ask_for_one_gets_it_from_somebody_who_may_give_it() {
    run(setup(), async |world| {
        let (max, owner) = (world.person("max"), world.person("owner"));
        let refused = max.slash("/snapshot create 101 name:before-boss").await;
        let refused = refused.first().await;
        let answer = max.click(&refused, "Ask for it").await;
        answer.until("once somebody has decided").await;
        let letter = world
            .dc
            .wait_channel_message(APPROVALS, "asks for it")
            .await;
        assert_snapshot!(shown(&letter), @"
        │ ✋ May snapshot before-boss of valheim be taken?
        │ <@80351110224678912> asks for it, from <#1100000000000000000>.
        │ It is stopped now.
        │ Asked <time>, lapses <time>.
        │ — VM 101 · home
        [Once] (primary) [No] (danger)
        ");
        let yes = owner.click(&letter, "Once").await;
        yes.until("snapshot taken").await;
        letter_until(world, &letter, "snapshot taken").await;
        world
            .dc
            .wait_channel_message(support::BOT_CHANNEL, "Approved by")
            .await;
        assert_snapshot!(shown(&answer.until("snapshot taken").await), @"
        🔒 only max
        │ ✅ valheim · snapshot taken
        │ Snapshot before-boss.
        │ By <@80351110224678912>, done <soon>.
        │ Approved by <@184405311681986560>.
        │ — VM 101 · home
        [Refresh] (secondary) [Snapshots] (secondary)
        ");
        assert!(names(world, 101).contains(&"before-boss".to_owned()));
        let one = world.px.snapshots(101).pop().unwrap();
        assert_eq!(one.description, "By max in Discord");
    });
}

/// Who approved what can still be read when nobody remembers.
#[test]
fn the_audit_says_which_snapshot_was_asked_for() {
    run(setup(), async |world| {
        let (max, owner) = (world.person("max"), world.person("owner"));
        let ask = async |text: &str, name: &str| {
            let refused = max.slash(text).await.first().await;
            let answer = max.click(&refused, "Ask for it").await;
            answer.until("once somebody has decided").await;
            (answer, world.dc.wait_channel_message(APPROVALS, name).await)
        };
        let (taken, letter) = ask("/snapshot create 101 name:for-boss", "for-boss").await;
        let yes = owner.click(&letter, "Once").await;
        yes.until("snapshot taken").await;
        letter_until(world, &letter, "snapshot taken").await;
        let told = "Approved by";
        world
            .dc
            .wait_channel_message(support::BOT_CHANNEL, told)
            .await;
        taken.until("snapshot taken").await;
        let (kept, letter) = ask("/snapshot delete 101 before-mods", "before-mods").await;
        let form = owner.click(&letter, "No").await;
        let modal = form.modal().await;
        let label = modal["components"][0]["components"][0]["label"].as_str();
        let why = [(label.unwrap(), "not yet: we need it")];
        owner.submit_modal(&form, &why).await.until("is told").await;
        letter_until(world, &letter, "declined").await;
        kept.until("declined").await;
        let (left, letter) = ask("/snapshot delete 101 update-0-220", "update-0-220").await;
        owner.slash("/access lockdown on").await.settled().await;
        letter_until(world, &letter, "locked").await;
        left.until("locked").await;
        let page = owner.slash("/audit").await.settled().await;
        assert_snapshot!(shown(&page), @"
        🔒 only owner
        │ 📒 Audit
        │ **<time>**
        │ ⌛ <time> nobody answered <@80351110224678912>: snapshot.delete 101 valheim update-0-220 (cancelled by a lockdown)
        │ 🔒 <time> <@184405311681986560> locked everything down
        │ 🙋 <time> <@80351110224678912> asks for snapshot.delete 101 valheim update-0-220, lapses <time>
        │ ⛔ <time> <@80351110224678912> snapshot.delete 101: no rule
        │ 👎 <time> <@184405311681986560> declined <@80351110224678912>: snapshot.delete 101 valheim before-mods (not yet: we need it)
        │ 🙋 <time> <@80351110224678912> asks for snapshot.delete 101 valheim before-mods, lapses <time>
        │ ⛔ <time> <@80351110224678912> snapshot.delete 101: no rule
        │ ▶️ <time> <@80351110224678912> snapshot.create 101 valheim for-boss: done, approved by <@184405311681986560>
        │ 👍 <time> <@184405311681986560> allowed <@80351110224678912>: snapshot.create 101 valheim for-boss
        │ 🙋 <time> <@80351110224678912> asks for snapshot.create 101 valheim for-boss, lapses <time>
        │ — home
        [Older] (secondary)
        ");
    });
}

#[test]
fn a_snapshot_of_that_name_taken_after_the_request_is_not_meant_by_it() {
    run(setup(), async |world| {
        let (max, owner) = (world.person("max"), world.person("owner"));
        let refused = max
            .slash("/snapshot delete 101 before-mods")
            .await
            .first()
            .await;
        let answer = max.click(&refused, "Ask for it").await;
        answer.until("once somebody has decided").await;
        let letter = world
            .dc
            .wait_channel_message(APPROVALS, "asks for it")
            .await;
        world.px.set_guest(101, |guest| {
            guest.snapshots.retain(|one| one.name != "before-mods");
        });
        // Its clock is a second ahead of the request.
        let mut newer = Snapshot::new("before-mods");
        newer.time += 60;
        world.px.add_snapshot(101, newer);
        let yes = owner.click(&letter, "Once").await;
        letter_until(world, &letter, "another snapshot").await;
        assert_snapshot!(shown(&yes.until("another snapshot").await), @"
        🔒 only owner
        │ ⛔ before-mods is another snapshot now
        │ It is not the one that this was about.
        │ Nothing was done. Look again.
        │ — VM 101 · home
        ");
        answer.until("another snapshot").await;
        assert_eq!(world.writes(), Vec::<String>::new());
    });
}

#[test]
fn a_grant_gives_it_and_a_lockdown_takes_it() {
    run(setup(), async |world| {
        let (max, owner) = (world.person("max"), world.person("owner"));
        let grant = owner
            .slash("/access grant max snapshot.create 101 for:1h")
            .await;
        grant.settled().await;
        let taken = max.slash("/snapshot create 101 name:granted").await;
        taken.until("snapshot taken").await;
        let (answer, question) =
            asked(&world.person("friend"), "/snapshot rollback 101 granted").await;
        owner.slash("/access lockdown on").await.settled().await;
        answer.until("locked down").await;
        let yes = question.custom_id("Roll back").unwrap();
        let late = world.person("friend").press(&question, &yes).await;
        late.until("closed").await;
        let no = max.slash("/snapshot create 101 name:locked").await;
        assert!(shown(&no.first().await).contains("locked down"));
        let list = max.slash("/snapshot list 101").await;
        list.until("4 snapshots").await;
        assert_eq!(world.writes().len(), 1);
    });
}

#[test]
fn a_lost_answer_is_unknown_and_a_killed_task_too() {
    run(setup(), async |world| {
        let owner = world.person("owner");
        let lost = FaultKind::DropAfterRequest;
        let create = Match::any().method("POST").path("/102/snapshot");
        world.px.fault(Fault::once(lost).on(create));
        let answer = owner.slash("/snapshot create 102 name:lost-one").await;
        assert_snapshot!(shown(&answer.until("outcome unknown").await), @"
        │ 🟠 minecraft · outcome unknown
        │ Snapshot lost-one.
        │ Asked by <@184405311681986560>.
        │ Proxmox did not tell how it ended.
        │ It runs now.
        │ Look again before you repeat it.
        │ — VM 102 · home
        [Refresh] (secondary)
        ");
        assert_eq!(world.writes().len(), 1, "never sent again");
        let killed = Match::any().method("POST").path("/105/snapshot");
        world.px.fault(Fault::once(FaultKind::TaskDies).on(killed));
        let answer = owner.slash("/snapshot create 105 name:half-one").await;
        answer.until("outcome unknown").await;
        answer.follow_up("what Proxmox wrote").await;
        let tree = owner.slash("/snapshot list 105").await;
        assert_snapshot!(shown(&tree.until("half-one").await), @"
        🔒 only owner
        │ 📸 web-lab · 1 snapshot
        │ ├ `half-one` · <time> · ⚠️ unfinished
        │ │  By owner in Discord
        │ └ 📍 You are here
        │ — CT 105 · home
        [Take one] (primary) [Refresh] (secondary)
        ");
    });
}

#[test]
fn a_token_that_lacks_the_privilege_is_named_to_the_owner() {
    run(setup(), async |world| {
        for who in ["discord@pve", "discord@pve!bot"] {
            world.px.clear_acls(who);
            world.px.acl("/", who, &["VM.Audit", "Sys.Audit"], true);
        }
        let owner = world.person("owner");
        let answer = owner.slash("/snapshot create 102 name:not-allowed").await;
        assert_snapshot!(shown(&answer.until("no snapshot taken").await), @"
        │ 🔴 minecraft · no snapshot taken
        │ Snapshot not-allowed.
        │ Asked by <@184405311681986560>.
        │ The bot itself lacks the right for it
        │ in Proxmox.
        │ — VM 102 · home
        [Shutdown] (secondary) [Reboot] (secondary) [Refresh] (secondary)
        ");
        assert_snapshot!(shown(&answer.follow_up("lacks").await), @"
        🔒 only owner
        │ 🔑 What the bot lacks
        │ The bot's token lacks VM.Snapshot
        │ on `/vms/102`. On a Proxmox node, as root:
        │ ```
        │ pveum role add StewardVMAudit -privs VM.Audit
        │ pveum role add StewardVMBackup -privs VM.Backup
        │ pveum role add StewardVMPowerMgmt -privs VM.PowerMgmt
        │ pveum role add StewardVMSnapshot -privs VM.Snapshot
        │ pveum acl modify /vms/102 -user discord@pve -token 'discord@pve!bot' -role StewardVMAudit,StewardVMBackup,StewardVMPowerMgmt,StewardVMSnapshot
        │ ```
        │ It is no matter if a role exists already.
        │ Then see `pve-steward check`.
        ");
    });
}

#[test]
fn a_list_that_cannot_be_read_says_so() {
    run(setup(), async |world| {
        let owner = world.person("owner");
        let lacks = FaultKind::Forbidden {
            path: "/vms/{vmid}".to_owned(),
            privs: "VM.Audit".to_owned(),
        };
        let path = Match::any().path("/103/snapshot");
        world.px.fault(Fault::once(lacks).on(path));
        let list = owner.slash("/snapshot list 103").await;
        let told = list.until("unknown").await;
        assert!(told.text().contains("check` says more"), "{}", told.text());
        list.follow_up("VM.Audit").await;
        let path = Match::any().path("/101/snapshot");
        world.px.fault(Fault::once(FaultKind::Hang).on(path));
        let list = owner.slash("/snapshot list 101").await;
        assert_snapshot!(shown(&list.until("unknown").await), @"
        🔒 only owner
        │ 🟠 Snapshots of valheim unknown
        │ I could not read them now.
        │ Its node takes too long to answer.
        │ — VM 101 · home
        [Try again] (secondary)
        ");
        let path = Match::any().path("/102/snapshot");
        world.px.fault(Fault::once(FaultKind::Status595).on(path));
        let list = owner.slash("/snapshot list 102").await;
        assert_snapshot!(shown(&list.until("unknown").await), @"
        🔒 only owner
        │ 🟠 Snapshots of minecraft unknown
        │ I could not read them now.
        │ Its node pve2 does not answer.
        │ Try again when it is back.
        │ — VM 102 · home
        [Try again] (secondary)
        ");
    });
}

#[test]
fn a_restart_in_the_middle_is_followed_up() {
    run(by_hand(), async |world| {
        let owner = world.person("owner");
        let answer = owner.slash("/snapshot create 102 name:over-night").await;
        let upid = world.px.wait_task("qmsnapshot", 102).await;
        answer.until("at work").await;
        let _ = world.stop_bot().await;
        answer.settled().await;
        world.px.finish(&upid, "OK");
        world.start_bot().await;
        let told = world
            .dc
            .wait_channel_message(support::BOT_CHANNEL, "I was restarted")
            .await;
        assert_snapshot!(shown(&told), @"
        <@184405311681986560>
        │ ✅ minecraft · snapshot taken
        │ Snapshot over-night.
        │ By <@184405311681986560>, done <soon>.
        │ I was restarted in between.
        │ — VM 102 · home
        [Shutdown] (secondary) [Reboot] (secondary) [Refresh] (secondary) [Snapshots] (secondary)
        ");
        world.audited_last("closed done").await;
        assert_eq!(world.writes().len(), 1);
    });
}
