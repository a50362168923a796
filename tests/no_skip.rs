//! No door is unguarded: every command, button and completion, for somebody whom no rule knows, for
//! somebody whom a deny takes everything from, and for somebody who may. A refusal is private, tells
//! nothing, and Proxmox is not asked to change anything.

mod support;

use fake_discord::{Answer, Message, Person};
use fake_proxmox::{Acl, Past};
use pve_steward::action::{Action, Power};
use pve_steward::command::{Row, rows};
use pve_steward::ids::Kind;
use serde_json::{Value, json};
use support::{Setup, World, run};

const RULES: &str = r#"
[people]
owner = 184405311681986560
friend = 80351110224678913

[[allow]]
who = ["owner", "friend"]
actions = ["*"]
guests = ["*"]
nodes = ["*"]

[[deny]]
who = ["friend"]
actions = ["*"]
"#;

/// With everything switched on that makes commands exist, and Proxmox lets the bot do all that it can.
fn setup() -> Setup {
    let mut setup = Setup::automatic().rules(RULES).token_admin();
    setup.px = setup.px.backing_up();
    setup
}

/// Nobody gave them anything, and somebody took everything away.
const REFUSED: [&str; 2] = ["stranger", "friend"];

fn guest_of(kind: Kind) -> u32 {
    match kind {
        Kind::Vm => 101,
        Kind::Ct => 105,
    }
}

fn command(row: &Row) -> String {
    support::command(row, guest_of)
}

fn power_of(row: &Row) -> Option<Power> {
    let last = row.path.last()?;
    Power::ALL.into_iter().find(|power| power.key() == *last)
}

/// The state in which the act makes sense.
fn prepare(world: &World, kind: Kind, power: Power) {
    let state = match power {
        Power::Resume if kind == Kind::Vm => "paused",
        Power::Start | Power::Resume => "stopped",
        _ => "running",
    };
    world
        .px
        .set_guest(guest_of(kind), |guest| guest.state = state.into());
}

async fn assert_refused(world: &World, answer: &Answer, what: &str) {
    let said = answer.first().await;
    let text = said.text();
    assert!(
        said.ephemeral_for.is_some(),
        "{what}: a refusal is private\n{text}"
    );
    assert!(text.contains('⛔'), "{what}: refused\n{text}");
    for secret in [
        "valheim",
        "web-lab",
        "running",
        "stopped",
        "pve2",
        "steward@pve",
    ] {
        assert!(!text.contains(secret), "{what}: tells {secret}\n{text}");
    }
    assert_eq!(world.writes(), Vec::<String>::new(), "{what}");
}

#[test]
fn every_command_is_refused_without_a_right() {
    run(setup(), async |world| {
        let mut checked = 0;
        for row in rows().filter(|row| row.right.is_some()) {
            for name in REFUSED {
                let answer = world.person(name).slash(&command(row)).await;
                assert_refused(world, &answer, &format!("{name}: {}", command(row))).await;
                checked += 1;
            }
        }
        assert!(checked >= 30, "{checked}");
    });
}

#[test]
fn free_commands_tell_nothing_to_those_without_a_right() {
    run(setup(), async |world| {
        for row in rows().filter(|row| row.right.is_none()) {
            for name in REFUSED {
                let said = world.person(name).slash(&command(row)).await.first().await;
                // What they typed themselves is no news to them.
                let text = said.text().replace("No guest 101 for", "No guest for");
                assert!(said.ephemeral_for.is_some(), "{text}");
                let text = text.replace("`start` is about", "It is about");
                for secret in ["valheim", "pve1", "start", "101"] {
                    assert!(!text.contains(secret), "{name} {}: {text}", command(row));
                }
            }
        }
    });
}

/// What is not there and what may not be known are one answer, whatever is asked about it.
#[test]
fn why_tells_nothing_to_those_without_a_right() {
    run(setup(), async |world| {
        for (there, nowhere) in [("guest:101", "guest:999"), ("node:pve1", "node:pve9")] {
            for right in ["view", "task.view", "token"] {
                for who in ["", " who:max"] {
                    for name in REFUSED {
                        let person = world.person(name);
                        let asked = async |about: &str| {
                            let text = format!("/access why {right} {about}{who}");
                            let said = person.slash(&text).await.first().await;
                            assert!(said.ephemeral_for.is_some(), "{}", said.text());
                            let what = about.split_once(':').unwrap().1;
                            said.text().replace(&format!("{what} for"), "it for")
                        };
                        let told = asked(there).await;
                        assert!(told.contains('⛔'), "{name} {right} {there}{who}: {told}");
                        assert_eq!(told, asked(nowhere).await, "{name} {right} {there}{who}");
                    }
                }
            }
        }
        for about in ["guest", "node"] {
            let typed = format!("/access why view {about}:");
            for name in REFUSED {
                let offered = world.person(name).type_ahead(&typed).await;
                assert!(offered.is_empty(), "{name} {typed}: {offered:?}");
            }
            let offered = world.person("owner").type_ahead(&typed).await;
            assert!(!offered.is_empty(), "{typed}");
        }
    });
}

/// A task that runs, known to the bot: its id on a button, without the verb.
async fn known_task(world: &World, owner: &Person) -> String {
    world
        .px
        .add_task(&Past::new("pve1", "vzdump", "101").running());
    let list = owner.slash("/task list guest:101").await.first().await;
    let id = list.custom_id("Log 1").expect("a task");
    let id = id.strip_prefix("1:log:").expect("a log").to_owned();
    let stop = list.custom_id("Stop 1").expect("it runs");
    assert_eq!(stop, format!("1:end:{id}"));
    id
}

#[test]
fn nothing_is_completed_without_a_right() {
    run(setup(), async |world| {
        known_task(world, &world.person("owner")).await;
        for row in rows().filter(|row| support::completes_first(row)) {
            let typed = format!("/{} ", row.path.join(" "));
            for name in REFUSED {
                let offered = world.person(name).type_ahead(&typed).await;
                assert!(offered.is_empty(), "{name} {typed}: {offered:?}");
            }
            let offered = world.person("owner").type_ahead(&typed).await;
            assert!(!offered.is_empty(), "{typed}");
        }
    });
}

/// What is done to a guest beside its power, as buttons say it.
const DEEDS: [&str; 5] = [
    "snapshot.create:new-one",
    "snapshot.rollback:before-mods",
    "snapshot.delete:before-mods",
    "backup.run:nas+snapshot",
    "backup.run:nas+stop",
];

/// Every id that a button can carry: those on the cards that there are, and forged ones.
async fn custom_ids(world: &World, owner: &Person) -> Vec<String> {
    // Lists then have the buttons of what runs, too.
    let task = known_task(world, owner).await;
    let mut ids = Vec::new();
    for text in [
        "/status",
        "/vm list",
        "/ct list",
        "/node list",
        "/node status pve1",
        "/snapshot list 101",
        "/backup list 101",
        "/storage list",
        "/storage list pve1",
        "/storage list storage:nas",
        "/storage list node:pve1 storage:local",
        "/task list",
        "/task list node:pve1",
    ] {
        ids.extend(ids_of(&owner.slash(text).await.settled().await));
    }
    for (kind, state) in [
        (Kind::Vm, "running"),
        (Kind::Vm, "stopped"),
        (Kind::Ct, "running"),
    ] {
        world
            .px
            .set_guest(guest_of(kind), |guest| guest.state = state.into());
        let text = format!("/{} status {}", kind.key(), guest_of(kind));
        ids.extend(ids_of(&owner.slash(&text).await.first().await));
    }
    // A stop is on no card, but whoever forges ids does not care.
    ids.extend(Power::ALL.map(|power| format!("1:{}:home/101", power.key())));
    ids.extend(Power::ALL.map(|power| format!("1:ask:{}:home/101", power.key())));
    let decisions = ["once", "hour", "tomorrow", "decline", "why", "revoke"];
    ids.extend(decisions.map(|verb| format!("1:{verb}:1")));
    ids.push("1:audit:-:-:-:-:-:-".to_owned());
    for deed in DEEDS {
        ids.push(format!("1:{deed}:home/101"));
        ids.push(format!("1:ask:{deed}:home/101"));
    }
    let lists = ["snapshots", "take:-", "take:ram", "backups:0", "backups:8"];
    ids.extend(lists.map(|verb| format!("1:{verb}:home/101")));
    ids.extend(["snapshot", "stop"].map(|mode| format!("1:backup:{mode}:home/101")));
    ids.extend(["b", "d", "w", "t", "s", "n"].map(|verb| format!("1:{verb}:home/pve1")));
    let of_tasks = ["log", "log-more", "log-all", "end"];
    ids.extend(of_tasks.map(|verb| format!("1:{verb}:{task}")));
    ids.push("1:tasks:home/101".to_owned());
    ids.push(format!("1:tell:{:016x}", 1));
    ids.sort();
    ids.dedup();
    ids
}

fn ids_of(message: &Message) -> Vec<String> {
    let labels = message.buttons();
    labels
        .iter()
        .filter_map(|label| message.custom_id(label))
        .collect()
}

#[test]
fn every_button_is_refused_without_a_right() {
    run(setup(), async |world| {
        let owner = world.person("owner");
        let ids = custom_ids(world, &owner).await;
        assert!(ids.len() >= 10, "{ids:?}");
        world
            .px
            .set_guest(102, |guest| guest.state = "running".into());
        let card = owner
            .slash("/vm start 102")
            .await
            .until("runs already")
            .await;
        for id in &ids {
            for name in REFUSED {
                let answer = world.person(name).press(&card, id).await;
                assert_refused(world, &answer, &format!("{name} presses {id}")).await;
            }
        }
    });
}

/// What makes an event one of a direct message.
fn without_server(person: &Person, name: &str) -> Value {
    json!({
        "guild_id": null, "guild": null, "guild_locale": null, "member": null, "context": 1,
        "user": {
            "id": person.id().to_string(), "username": name, "discriminator": "0",
            "avatar": null, "global_name": name, "flags": 0, "public_flags": 0,
            "primary_guild": null,
        }
    })
}

/// A direct message is no way around: whoever presses there has no roles and no rights.
#[test]
fn every_button_is_refused_in_direct_messages() {
    run(setup(), async |world| {
        let owner = world.person("owner");
        let ids = custom_ids(world, &owner).await;
        let card = owner
            .slash("/vm start 102")
            .await
            .until("runs already")
            .await;
        for id in &ids {
            for name in ["owner", "stranger", "friend"] {
                let person = world.person(name).in_direct_messages();
                let answer = person
                    .raw_press(&card, id, without_server(&person, name))
                    .await;
                assert_refused(world, &answer, &format!("{name} presses {id} in private")).await;
            }
        }
    });
}

#[test]
fn every_question_is_closed_to_others() {
    run(setup(), async |world| {
        let owner = world.person("owner");
        for kind in [Kind::Vm, Kind::Ct] {
            prepare(world, kind, Power::Stop);
            let text = format!("/{} stop {}", kind.key(), guest_of(kind));
            let question = owner.slash(&text).await.first().await;
            for id in ids_of(&question) {
                for name in REFUSED {
                    let answer = world.person(name).press(&question, &id).await;
                    assert_refused(world, &answer, &format!("{name} answers {id}")).await;
                }
            }
            owner
                .click(&question, "Cancel")
                .await
                .until("Cancelled")
                .await;
        }
        for text in [
            "/snapshot rollback 101 before-mods",
            "/snapshot delete 101 before-mods",
            "/backup run 101 storage:nas mode:stop",
        ] {
            let asked = owner.slash(text).await;
            let question = asked.until("Really").await;
            let mut ids = ids_of(&question);
            ids.push(ids[0].replace("yes", "first"));
            for id in ids {
                for name in REFUSED {
                    let answer = world.person(name).press(&question, &id).await;
                    assert_refused(world, &answer, &format!("{name} answers {id}")).await;
                }
            }
            owner
                .click(&question, "Cancel")
                .await
                .until("Cancelled")
                .await;
            asked.settled().await;
        }
        world.px.add_token("discord@pve!old", "5c", true);
        for text in [
            "/token create discord@pve ci",
            "/token delete discord@pve old",
        ] {
            let question = owner.slash(text).await.first().await;
            for id in ids_of(&question) {
                for name in REFUSED {
                    let answer = world.person(name).press(&question, &id).await;
                    assert_refused(world, &answer, &format!("{name} answers {id}")).await;
                }
            }
            owner
                .click(&question, "Cancel")
                .await
                .until("Cancelled")
                .await;
        }
    });
}

#[test]
fn every_deed_that_is_allowed_is_exactly_one_write() {
    run(setup(), async |world| {
        let owner = world.person("owner");
        let guest = "/nodes/pve1/qemu/101/snapshot";
        for (text, yes, write) in [
            (
                "/snapshot create 101 name:new-one",
                None,
                format!("POST {guest}"),
            ),
            (
                "/snapshot rollback 101 before-mods",
                Some("Roll back"),
                format!("POST {guest}/before-mods/rollback"),
            ),
            (
                "/snapshot delete 101 before-mods",
                Some("Delete it"),
                format!("DELETE {guest}/before-mods"),
            ),
            (
                "/backup run 101 storage:nas",
                None,
                "POST /nodes/pve1/vzdump".to_owned(),
            ),
            (
                "/backup run 101 storage:nas mode:stop",
                Some("Back up"),
                "POST /nodes/pve1/vzdump".to_owned(),
            ),
        ] {
            world.px.forget_requests();
            let mut answer = owner.slash(text).await;
            if let Some(yes) = yes {
                let question = answer.until("Really").await;
                assert_eq!(world.writes(), Vec::<String>::new(), "asked first");
                let done = owner.click(&question, yes).await;
                answer.until("Confirmed").await;
                answer = done;
            }
            answer.until("done ").await;
            assert_eq!(world.writes(), [write], "{text}");
        }
    });
}

/// The answer to a form is a door of its own, whoever opened the form.
#[test]
fn every_form_is_closed_to_others() {
    let rules = RULES.replace(
        "[[allow]]",
        "[roles]\nfriends = 290926798626357299\n\n[[allow]]",
    );
    let ask = "[[ask]]\nwho = [\"friends\"]\nactions = [\"start\"]\nguests = [\"*\"]\n";
    let mut setup = Setup::automatic().rules(&format!("{rules}{ask}"));
    setup.discord = format!("approvals_channel = {}", support::OTHER_CHANNEL);
    run(setup, async |world| {
        let (max, owner) = (world.person("max"), world.person("owner"));
        let refused = max.slash("/ct start 105").await.first().await;
        let asked = max.click(&refused, "Ask for it").await;
        asked.until("once somebody has decided").await;
        let channel = support::OTHER_CHANNEL;
        let letter = world.dc.wait_channel_message(channel, "asks for it").await;
        let form = owner.click(&letter, "No").await;
        form.modal().await;
        for name in REFUSED {
            let answer = world.person(name).submit_modal(&form, &[]).await;
            assert_refused(world, &answer, &format!("{name} sends in a form")).await;
        }
        owner.submit_modal(&form, &[]).await.until("Declined").await;
        asked.until("declined").await;
        letter_is_closed(world, &letter).await;
    });
}

async fn letter_is_closed(world: &World, letter: &Message) {
    while !world
        .dc
        .message(letter.id)
        .unwrap()
        .text()
        .contains("declined")
    {
        tokio::time::sleep(std::time::Duration::from_millis(10)).await;
    }
}

#[test]
fn every_act_that_is_allowed_is_exactly_one_write() {
    run(setup(), async |world| {
        let owner = world.person("owner");
        for row in rows() {
            let (Some(power), Some(Some(kind))) = (power_of(row), row.guest()) else {
                continue;
            };
            prepare(world, kind, power);
            world.px.forget_requests();
            let mut answer = owner.slash(&command(row)).await;
            if power.right().always_confirmed() {
                let question = answer.first().await;
                assert_eq!(world.writes(), Vec::<String>::new(), "asked first");
                let label = if power == Power::Stop {
                    "Stop now"
                } else {
                    "Reset now"
                };
                let yes = owner.click(&question, label).await;
                answer.until("Confirmed").await;
                answer = yes;
            }
            // Its nodes lack what a container needs to be held.
            let held = matches!(power, Power::Suspend | Power::Resume);
            let told = if held && kind == Kind::Ct {
                "did not"
            } else {
                "done "
            };
            answer.until(told).await;
            if told == "did not" {
                answer.follow_up("what Proxmox wrote").await;
            }
            let vmid = guest_of(kind);
            let node = world.px.guest(vmid).unwrap().node;
            let path = format!("/nodes/{node}/{}/{vmid}/status/{}", kind.api(), power.key());
            assert_eq!(world.writes(), [format!("POST {path}")], "{}", command(row));
        }
    });
}

/// The bot's token may switch nodes and stop the tasks of others.
fn nodes_too() -> Setup {
    let mut setup = Setup::default().rules(RULES);
    let who = ["discord@pve", "discord@pve!bot"];
    let privs = ["Sys.Audit", "Sys.PowerMgmt", "Sys.Modify"];
    let acls = who.map(|who| Acl::new("/nodes", who, &privs, true));
    setup.px.acls.extend(acls);
    for node in ["pve1", "pve2"] {
        let mac = "BC:24:11:5E:02:11".to_owned();
        setup.px.wol.insert(node.to_owned(), mac);
    }
    setup
}

#[test]
fn every_question_about_nodes_and_tasks_is_closed_to_others() {
    run(nodes_too(), async |world| {
        let owner = world.person("owner");
        let closed = async |question: &Message| {
            for id in ids_of(question) {
                for name in REFUSED {
                    let answer = world.person(name).press(question, &id).await;
                    assert_refused(world, &answer, &format!("{name} answers {id}")).await;
                }
            }
        };
        for command in ["/node reboot pve2", "/node shutdown pve2"] {
            let asked = owner.slash(command).await;
            let first = asked.first().await;
            closed(&first).await;
            let again = owner.click(&first, "Go on").await;
            let second = again.first().await;
            asked.until("Confirmed").await;
            closed(&second).await;
            owner
                .click(&second, "Cancel")
                .await
                .until("Cancelled")
                .await;
        }
        let task = known_task(world, &owner).await;
        let asked = owner.slash(&format!("/task stop {task}")).await;
        let question = asked.first().await;
        closed(&question).await;
        owner
            .click(&question, "Cancel")
            .await
            .until("Cancelled")
            .await;
    });
}

#[test]
fn every_order_about_nodes_and_tasks_is_exactly_one_write() {
    run(nodes_too(), async |world| {
        let owner = world.person("owner");
        let twice = async |command: &str, yes: &str| {
            world.px.forget_requests();
            let asked = owner.slash(command).await;
            let first = asked.first().await;
            let again = owner.click(&first, "Go on").await;
            let second = again.first().await;
            asked.until("Confirmed").await;
            assert_eq!(world.writes(), Vec::<String>::new(), "asked first");
            let answer = owner.click(&second, yes).await;
            again.until("Confirmed").await;
            answer
        };
        let status = "POST /nodes/pve2/status";
        let answer = twice("/node reboot pve2", "Reboot the node").await;
        answer.until("taken the order").await;
        assert_eq!(world.writes(), [status]);
        world.px.node_step("pve2");
        answer.until("wait for it").await;
        world.px.node_step("pve2");
        answer.until("rebooted").await;
        let answer = twice("/node shutdown pve2", "Shut down the node").await;
        answer.until("taken the order").await;
        world.px.node_step("pve2");
        answer.until("went offline").await;
        assert_eq!(world.writes(), [status]);
        world.px.forget_requests();
        let answer = owner.slash("/node wake pve2").await;
        answer.until("packet was sent").await;
        world.px.node_up("pve2");
        answer.until("Seen online").await;
        assert_eq!(world.writes(), ["POST /nodes/pve2/wakeonlan"]);
        let task = known_task(world, &owner).await;
        world.px.forget_requests();
        let asked = owner.slash(&format!("/task stop {task}")).await;
        let question = asked.first().await;
        let answer = owner.click(&question, "Stop the task").await;
        asked.until("Confirmed").await;
        answer.until("stopped").await;
        let writes = world.writes();
        assert_eq!(writes.len(), 1, "{writes:?}");
        assert!(writes[0].starts_with("DELETE /nodes/pve1/tasks/UPID:pve1:"));
    });
}

/// A new kind of action does not compile here before somebody has said which test guards it.
#[test]
fn every_action_has_its_guard() {
    fn guard(action: &Action) -> &'static str {
        match action {
            Action::Status(_)
            | Action::NodeList
            | Action::NodeStatus(_)
            | Action::GuestList(_)
            | Action::GuestStatus { .. }
            | Action::Do { .. }
            | Action::SnapshotList(_)
            | Action::TakeSnapshot { .. }
            | Action::BackupList { .. }
            | Action::BackUp { .. }
            | Action::Several { .. }
            | Action::AccessList { .. }
            | Action::Grant { .. }
            | Action::Revoke(_)
            | Action::Audit(_)
            | Action::NodeDo { .. }
            | Action::StorageList { .. }
            | Action::TaskList(_)
            | Action::TaskLog { .. }
            | Action::TaskStop(_)
            | Action::Token(_)
            | Action::Lockdown { .. } => "every_command_is_refused_without_a_right",
            Action::Confirm(_) | Action::Cancel(_) | Action::SnapshotFirst(_) => {
                "every_question_is_closed_to_others"
            }
            // And `every_form_is_closed_to_others`, which opens what `Decline` asks for.
            Action::Ask { .. } | Action::Rule { .. } | Action::Decline(_) | Action::Notify(_) => {
                "every_button_is_refused_without_a_right"
            }
            // And `why_tells_nothing_to_those_without_a_right`, with all that it may be about.
            Action::Whoami | Action::Why { .. } | Action::Help => {
                "free_commands_tell_nothing_to_those_without_a_right"
            }
            Action::Unclear(_) => "tests/bad_input.rs",
        }
    }
    assert_eq!(
        guard(&Action::Help),
        "free_commands_tell_nothing_to_those_without_a_right"
    );
    let rows: Vec<_> = rows().map(|row| row.path.join(" ")).collect();
    assert_eq!(
        rows.len(),
        44,
        "a new command: is it in the tests above? {rows:?}"
    );
}
