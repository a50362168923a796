//! Asking for what was refused, and deciding it: from both sides, in channels and direct messages,
//! late, twice, by the wrong person, and after everything has changed in between.

mod support;

use fake_discord::{Answer, Message, Person};
use insta::assert_snapshot;
use support::{Setup, World, rules, run, shown};

const APPROVALS: u64 = 1_100_000_000_000_000_001;

const RULES: &str = r#"
[[allow]]
who = ["friends"]
actions = ["view", "start"]
guests = ["tag:games"]

# May approve, but only what they may do themselves.
[[allow]]
who = ["friend"]
actions = ["access"]
guests = ["tag:lab", "tag:games"]

[[ask]]
who = ["friends"]
actions = ["start", "shutdown", "reboot", "stop"]
guests = ["tag:lab", "tag:games"]

[[deny]]
who = ["friends"]
actions = ["*"]
guests = ["tag:prod"]
"#;

fn setup() -> Setup {
    let mut setup = Setup::automatic().rules(&rules(RULES));
    setup.discord = format!("approvals_channel = {APPROVALS}");
    setup
}

/// Asks and is refused, presses the button; the answer that then changes, and the letter.
async fn ask(world: &World, who: &Person, text: &str) -> (Answer, Message) {
    let refused = who.slash(text).await.first().await;
    let answer = who.click(&refused, "Ask for it").await;
    answer.until("once somebody has decided").await;
    let letter = world
        .dc
        .wait_channel_message(APPROVALS, "asks for it")
        .await;
    (answer, letter)
}

/// The request stays open when the bot stops, and the person who asked is told so.
async fn left_open(world: &mut World, answer: &Answer) {
    world.stop_bot().await.unwrap();
    answer.until("restarted").await;
}

async fn letter_until(world: &World, letter: &Message, contains: &str) -> String {
    for _ in 0..2000 {
        let now = world.dc.message(letter.id).unwrap();
        if now.text().contains(contains) {
            return shown(&now);
        }
        tokio::time::sleep(std::time::Duration::from_millis(10)).await;
    }
    panic!(
        "no `{contains}` in {}",
        world.dc.message(letter.id).unwrap().text()
    );
}

#[test]
fn a_refusal_that_may_be_asked_for_becomes_a_request() {
    run(setup(), async |world| {
        let max = world.person("max");
        let refused = max.slash("/ct start 105").await.first().await;
        assert_snapshot!(shown(&refused), @"
        🔒 only max
        │ ⛔ You may not start web-lab
        │ Ask <@80351110224678913> or <@184405311681986560>.
        │ — CT 105 · home
        [Ask for it] (primary)
        ");
        let twice = max.slash("/ct start 105").await.first().await;
        let answer = max.click(&refused, "Ask for it").await;
        assert_snapshot!(shown(&answer.until("once somebody has decided").await), @"
        🔒 only max
        │ 🟡 web-lab · start: asked
        │ You asked <time>. This message changes
        │ once somebody has decided.
        │ It lapses <time>.
        │ — CT 105 · home
        ");
        let letter = world
            .dc
            .wait_channel_message(APPROVALS, "asks for it")
            .await;
        assert_snapshot!(shown(&letter), @"
        │ ✋ May web-lab be started?
        │ <@80351110224678912> asks for it, from <#1100000000000000000>.
        │ It is stopped now.
        │ Asked <time>, lapses <time>.
        │ — CT 105 · home
        [Once] (primary) [1 hour] (secondary) [Until tomorrow] (secondary) [No] (danger)
        ");
        assert_eq!(world.writes(), Vec::<String>::new());
        // Whoever tries again is told that it is open, and the old button asks no second time.
        let again = max.slash("/ct start 105").await.first().await;
        assert_snapshot!(shown(&again), @"
        🔒 only max
        │ ⛔ You may not start web-lab
        │ Ask <@80351110224678913> or <@184405311681986560>.
        │ You asked for it <time>, and nobody has
        │ decided yet. It lapses <time>.
        │ — CT 105 · home
        ");
        let again = max.click(&twice, "Ask for it").await.until("already").await;
        assert_snapshot!(shown(&again), @"
        🔒 only max
        │ ⛔ You asked to start web-lab already
        │ Nobody has decided yet. You are told
        │ once somebody has.
        ");
        assert_eq!(world.dc.channel_messages(APPROVALS).len(), 1);
        left_open(world, &answer).await;
    });
}

#[test]
fn once_acts_at_once_as_the_person_who_asked() {
    run(setup(), async |world| {
        let (max, owner) = (world.person("max"), world.person("owner"));
        let (answer, letter) = ask(world, &max, "/ct start 105").await;
        let pressed = owner.click(&letter, "Once").await;
        assert_snapshot!(shown(&answer.until("started").await), @"
        🔒 only max
        │ 🟢 web-lab · started
        │ By <@80351110224678912>, done <soon>.
        │ Running since <time>.
        │ Approved by <@184405311681986560>.
        │ — CT 105 · home
        ");
        assert_snapshot!(letter_until(world, &letter, "started").await, @"
        │ 🟢 web-lab · started
        │ <@80351110224678912> asked, <@184405311681986560> approved it once.
        │ — CT 105 · home
        ");
        assert_snapshot!(shown(&pressed.until("started").await), @"
        🔒 only owner
        │ 🟢 web-lab · started
        │ By <@80351110224678912>, done <soon>.
        │ Running since <time>.
        │ Approved by <@184405311681986560>.
        │ — CT 105 · home
        ");
        let channel = support::BOT_CHANNEL;
        let public = world.dc.wait_channel_message(channel, "started").await;
        assert_snapshot!(shown(&public), @"
        <@80351110224678912>
        │ 🟢 web-lab · started
        │ By <@80351110224678912>, done <soon>.
        │ Running since <time>.
        │ Approved by <@184405311681986560>.
        │ — CT 105 · home
        [Shutdown] (secondary) [Reboot] (secondary) [Refresh] (secondary)
        ");
        assert_eq!(world.writes(), ["POST /nodes/pve2/lxc/105/status/start"]);
        // Once is once.
        world
            .px
            .set_guest(105, |guest| guest.state = "stopped".into());
        let refused = max.slash("/ct start 105").await.first().await;
        assert!(refused.text().contains("You may not"), "{}", refused.text());
        assert_eq!(world.writes().len(), 1);
    });
}

#[test]
fn one_hour_lends_the_right_and_lets_the_person_press() {
    run(setup(), async |world| {
        let (max, owner) = (world.person("max"), world.person("owner"));
        let (answer, letter) = ask(world, &max, "/ct start 105").await;
        let pressed = owner.click(&letter, "1 hour").await;
        let may = answer.until("you may").await;
        assert_snapshot!(shown(&may), @"
        🔒 only max
        │ 🟢 web-lab · start: you may
        │ <@184405311681986560> lets you do this until <time>,
        │ <time>.
        │ — CT 105 · home
        [Start] (primary)
        ");
        assert_snapshot!(shown(&pressed.until("is told").await), @"
        🔒 only owner
        │ ☑️ Granted
        │ <@80351110224678912> is told.
        │ — CT 105 · home
        ");
        assert_snapshot!(letter_until(world, &letter, "granted").await, @"
        │ ☑️ web-lab · start: granted
        │ <@80351110224678912> may do it until <time>, <time>.
        │ Given by <@184405311681986560>.
        │ — CT 105 · home
        ");
        assert_eq!(
            world.writes(),
            Vec::<String>::new(),
            "lending is not acting"
        );
        max.click(&may, "Start").await.until("started").await;
        assert_eq!(world.writes().len(), 1);
        let list = owner.slash("/access list").await.first().await;
        assert_snapshot!(shown(&list), @"
        🔒 only owner
        │ 🔑 What is granted
        │ **Granted for a while**
        │ `1` <@80351110224678912>: start on 105 web-lab
        │ until <time>, <time>, by <@184405311681986560>
        [Revoke 1] (danger)
        ");
        let gone = owner
            .click(&list, "Revoke 1")
            .await
            .until("taken back")
            .await;
        assert_snapshot!(shown(&gone), @"
        │ 🔑 web-lab · taken back
        │ <@184405311681986560> took back from <@80351110224678912>:
        │ start.
        │ — 105 · home · grant 1
        ");
        let refused = max.slash("/ct reboot 105").await.first().await;
        assert!(refused.text().contains("You may not"), "{}", refused.text());
    });
}

#[test]
fn a_no_says_why_and_is_final() {
    run(setup(), async |world| {
        let (max, owner) = (world.person("max"), world.person("owner"));
        let (answer, letter) = ask(world, &max, "/ct start 105").await;
        let form = owner.click(&letter, "No").await;
        let modal = form.modal().await;
        assert_eq!(modal["title"], "Say no");
        let label = modal["components"][0]["components"][0]["label"]
            .as_str()
            .unwrap()
            .to_owned();
        let said = owner
            .submit_modal(&form, &[(&label, "not today **@everyone**")])
            .await;
        assert_snapshot!(shown(&said.until("is told").await), @"
        🔒 only owner
        │ ☑️ Declined
        │ <@80351110224678912> is told.
        │ — CT 105 · home
        ");
        assert_snapshot!(shown(&answer.until("declined").await), @r"
        🔒 only max
        │ ⚪ web-lab · start: declined
        │ <@184405311681986560> said no.
        │ > not today \*\*\@everyone\*\*
        │ — CT 105 · home
        ");
        assert_snapshot!(letter_until(world, &letter, "declined").await, @r"
        │ ⚪ web-lab · start: declined
        │ <@80351110224678912> asked, <@184405311681986560> said no.
        │ > not today \*\*\@everyone\*\*
        │ — CT 105 · home
        ");
        let late = owner.press(&letter, "1:once:1").await.first().await;
        assert_snapshot!(shown(&late), @"
        🔒 only owner
        │ ⛔ This is decided already
        │ It was declined by <@184405311681986560>.
        │ Nothing was done by this press.
        ");
        assert_eq!(world.writes(), Vec::<String>::new());
        let again = max.slash("/ct start 105").await.first().await;
        let again = max.click(&again, "Ask for it").await.settled().await;
        assert!(again.text().contains("just said no"), "{}", again.text());
        assert_eq!(world.dc.channel_messages(APPROVALS).len(), 1);
    });
}

#[test]
fn nobody_has_more_than_five_requests_open() {
    run(setup(), async |world| {
        let max = world.person("max");
        world
            .px
            .set_guest(105, |guest| guest.state = "running".into());
        let mut answers = Vec::new();
        for text in [
            "/ct start 105",
            "/ct shutdown 105",
            "/ct reboot 105",
            "/ct stop 105",
            "/vm stop 101",
            "/vm stop 102",
        ] {
            let refused = max.slash(text).await.first().await;
            let answer = max.click(&refused, "Ask for it").await;
            if answers.len() == 5 {
                answer.until("five requests open").await;
            } else {
                answer.until("once somebody has decided").await;
                answers.push(answer);
            }
        }
        assert_eq!(world.dc.channel_messages(APPROVALS).len(), 5);
        world.stop_bot().await.unwrap();
        for answer in &answers {
            answer.until("restarted").await;
        }
    });
}

#[test]
fn nobody_else_decides() {
    run(setup(), async |world| {
        let (max, owner) = (world.person("max"), world.person("owner"));
        let (answer, letter) = ask(world, &max, "/ct start 105").await;
        for (name, says) in [
            ("max", "yourself"),
            ("stranger", "You may not decide"),
            ("friend", "You may not decide"),
        ] {
            for button in [
                "1:once:1",
                "1:hour:1",
                "1:tomorrow:1",
                "1:why:1",
                "1:decline:1",
            ] {
                let answer = world
                    .person(name)
                    .press(&letter, button)
                    .await
                    .first()
                    .await;
                assert!(
                    answer.text().contains(says),
                    "{name} {button}: {}",
                    answer.text()
                );
                assert!(answer.ephemeral_for.is_some(), "{name} {button}");
            }
        }
        let forged = owner
            .press(&letter, "1:once:2")
            .await
            .until("decided")
            .await;
        assert!(
            forged.text().contains("not answered in time"),
            "{}",
            forged.text()
        );
        assert_eq!(world.writes(), Vec::<String>::new());
        let granted = owner.slash("/access list").await.first().await;
        assert!(
            granted.text().contains("Nothing is granted"),
            "{}",
            granted.text()
        );
        left_open(world, &answer).await;
    });
}

/// A form is no key: whoever sends it in is looked at like whoever presses, at that moment.
#[test]
fn the_form_before_a_no_is_checked_when_it_is_sent_in() {
    run(setup(), async |world| {
        let (max, owner) = (world.person("max"), world.person("owner"));
        let (answer, letter) = ask(world, &max, "/ct start 105").await;
        let form = owner.click(&letter, "No").await;
        form.modal().await;
        for (name, says) in [
            ("max", "yourself"),
            ("stranger", "You may not decide"),
            ("friend", "You may not decide"),
        ] {
            let said = world.person(name).submit_modal(&form, &[]).await;
            let said = said.settled().await;
            assert!(said.text().contains(says), "{name}: {}", said.text());
            assert!(said.ephemeral_for.is_some(), "{name}");
        }
        let in_server = |guilds: Vec<u64>| {
            world.dc.adjust(|setup| {
                let owner = setup.people.iter_mut().find(|p| p.name == "owner");
                owner.unwrap().guilds = guilds;
            });
        };
        in_server(vec![1]);
        let said = owner.submit_modal(&form, &[]).await.settled().await;
        assert!(said.text().contains("could not check"), "{}", said.text());
        in_server(Vec::new());
        let said = owner.submit_modal(&form, &[]).await;
        said.until("Declined").await;
        answer.until("declined").await;
        letter_until(world, &letter, "declined").await;
        assert_eq!(world.writes(), Vec::<String>::new());
    });
}

#[test]
fn of_two_who_decide_the_second_is_told_who_was_first() {
    run(setup(), async |world| {
        let max = world.person("max");
        let (answer, letter) = ask(world, &max, "/vm reboot 102").await;
        let owner = world.person("owner");
        let (first, second) = tokio::join!(
            owner.press(&letter, "1:hour:1"),
            owner.press(&letter, "1:tomorrow:1")
        );
        let (first, second) = (first.settled().await, second.settled().await);
        let texts = [first.text(), second.text()];
        let told = texts.iter().filter(|text| text.contains("is told")).count();
        let late = texts
            .iter()
            .filter(|text| text.contains("decided already") || text.contains("closed"))
            .count();
        assert_eq!((told, late), (1, 1), "{texts:?}");
        answer.until("you may").await;
        letter_until(world, &letter, "granted").await;
    });
}

/// What changes between the asking and the deciding, and what the press then says.
/// What is approved is what was asked for: each change in between is one test, because the bot looks at
/// Proxmox only every ten seconds.
mod what_has_changed_since_is_seen {
    use super::*;

    #[test]
    fn renamed() {
        is_seen("renamed", "another guest");
    }

    #[test]
    fn replaced() {
        is_seen("replaced by a VM", "is a VM");
    }

    #[test]
    fn gone() {
        is_seen("gone", "No guest");
    }

    #[test]
    fn retagged() {
        is_seen("retagged to prod", "can no longer");
    }

    #[test]
    fn untagged() {
        is_seen("no longer lab", "can no longer");
    }

    #[test]
    fn the_people() {
        is_seen("asker lost the role", "can no longer");
        is_seen("asker left", "could not check");
        is_seen("approver lost the right", "could not check");
    }
}

fn is_seen(change: &str, says: &str) {
    run(setup(), async |world| {
        let (max, owner) = (world.person("max"), world.person("owner"));
        let (answer, letter) = ask(world, &max, "/ct start 105").await;
        let changed = |change: &dyn Fn(&mut fake_proxmox::Guest)| world.px.set_guest(105, change);
        match change {
            "renamed" => changed(&|guest| guest.name = "payroll".into()),
            "replaced by a VM" => {
                let old = world.px.guest(105).unwrap();
                world.px.remove_guest(105);
                let kind = fake_proxmox::Kind::Vm;
                world.px.add_guest(fake_proxmox::Guest { kind, ..old });
            }
            "gone" => world.px.remove_guest(105),
            "retagged to prod" => {
                changed(&|guest| guest.tags = vec!["lab".into(), "prod".into()]);
            }
            "no longer lab" => changed(&|guest| guest.tags = Vec::new()),
            _ => world.dc.adjust(|setup| {
                let name = if change.starts_with("asker") {
                    "max"
                } else {
                    "owner"
                };
                let person = setup.people.iter_mut().find(|p| p.name == name).unwrap();
                if change == "asker lost the role" {
                    person.roles.clear();
                } else {
                    person.guilds = vec![1];
                }
            }),
        }
        if !change.starts_with("asker") && !change.starts_with("approver") {
            world.next_snapshot().await;
        }
        let said = owner.press(&letter, "1:once:1").await.settled().await;
        assert!(said.text().contains(says), "{change}: {}", said.text());
        assert!(said.ephemeral_for.is_some(), "{change}");
        assert_eq!(world.writes(), Vec::<String>::new(), "{change}");
        left_open(world, &answer).await;
    });
}

#[test]
fn without_a_channel_the_approvers_are_asked_in_person() {
    let mut setup = setup();
    setup.discord = String::new();
    run(setup, async |world| {
        let max = world.person("max");
        let refused = max.slash("/ct start 105").await.first().await;
        let answer = max.click(&refused, "Ask for it").await;
        answer.until("once somebody has decided").await;
        let letter = world.dc.wait_direct_message("owner", "asks for it").await;
        // `friend` has access to lab, but may not start it: not asked.
        assert!(world.dc.direct_messages("friend").is_empty());
        // Somebody else's message is not one's own to press, whatever the client claims.
        let stolen = world
            .person("friend")
            .in_direct_messages()
            .press(&letter, "1:once:1")
            .await;
        assert!(stolen.first().await.text().contains("closed"));
        let owner = world.person("owner").in_direct_messages();
        let pressed = owner.click(&letter, "Once").await;
        answer.until("started").await;
        letter_until(world, &letter, "started").await;
        assert!(pressed.follow_ups().is_empty());
        assert_eq!(world.dc.direct_messages("owner").len(), 1, "told once");
        world
            .dc
            .wait_channel_message(support::BOT_CHANNEL, "started")
            .await;
        assert_eq!(world.writes().len(), 1);
        let again = owner.press(&letter, "1:once:1").await.first().await;
        assert!(again.text().contains("closed"), "{}", again.text());
        // Commands are for servers.
        let other = owner.press(&letter, "1:start:home/105").await.first().await;
        assert!(
            other.text().contains("Not in direct messages"),
            "{}",
            other.text()
        );
        assert_eq!(world.writes().len(), 1);
    });
}

/// The message itself says what came of it, and nothing else does; a refusal leaves it open.
#[test]
fn whoever_decides_in_person_is_told_once() {
    let mut setup = setup();
    setup.discord = String::new();
    run(setup, async |world| {
        let max = world.person("max");
        let owner = world.person("owner").in_direct_messages();
        let refused = max.slash("/ct start 105").await.first().await;
        let answer = max.click(&refused, "Ask for it").await;
        answer.until("once somebody has decided").await;
        let letter = world.dc.wait_direct_message("owner", "asks for it").await;
        let servers_of_max = |guilds: Vec<u64>| {
            world.dc.adjust(|setup| {
                let max = setup.people.iter_mut().find(|p| p.name == "max");
                max.unwrap().guilds = guilds;
            });
        };
        let guilds = world.dc.setup().people;
        let guilds = guilds.iter().find(|p| p.name == "max").unwrap();
        servers_of_max(vec![1]);
        let unsure = owner.click(&letter, "Once").await;
        unsure.follow_up("could not check").await;
        assert_eq!(world.dc.message(letter.id).unwrap().text(), letter.text());
        servers_of_max(guilds.guilds.clone());
        let form = owner.click(&letter, "No").await;
        form.modal().await;
        let said = owner.submit_modal(&form, &[]).await;
        letter_until(world, &letter, "declined").await;
        answer.until("declined").await;
        assert!(said.follow_ups().is_empty());
        assert_eq!(world.dc.direct_messages("owner").len(), 1);
        assert_eq!(world.writes(), Vec::<String>::new());
    });
}

/// What the bot lacks is told beside the refusal, not instead of it.
#[test]
fn whoever_decides_in_person_is_told_the_refusal_and_what_the_bot_lacks() {
    use fake_proxmox::{Fault, FaultKind, Match};
    let mut setup = setup();
    setup.discord = String::new();
    run(setup, async |world| {
        let max = world.person("max");
        let refused = max.slash("/ct start 105").await.first().await;
        let answer = max.click(&refused, "Ask for it").await;
        answer.until("once somebody has decided").await;
        let letter = world.dc.wait_direct_message("owner", "asks for it").await;
        let forbidden = FaultKind::Forbidden {
            path: "/vms/105".to_owned(),
            privs: "VM.Audit".to_owned(),
        };
        let on = Match::any().path("/105/status/current");
        world.px.fault(Fault::always(forbidden).on(on));
        let owner = world.person("owner").in_direct_messages();
        let pressed = owner.click(&letter, "Once").await;
        let told = pressed.follow_up("did not start").await;
        assert_snapshot!(shown(&told), @"
        🔒 only owner
        │ 🔴 web-lab · did not start
        │ Asked by <@80351110224678912>.
        │ The bot itself lacks the right for it
        │ in Proxmox. Tell the owner.
        │ — CT 105 · home
        │ 🔑 What the bot lacks
        │ The bot's token lacks VM.Audit
        │ on `/vms/105`.
        │ Tell the owner.
        ");
        answer.until("You may ask again").await;
        letter_until(world, &letter, "did not start").await;
        assert_eq!(pressed.follow_ups().len(), 1);
        assert_eq!(world.writes(), Vec::<String>::new());
    });
}

#[test]
fn a_request_lapses_and_says_so() {
    let mut setup = setup();
    setup.ask_expires = Some(std::time::Duration::from_secs(2));
    run(setup, async |world| {
        let max = world.person("max");
        let (answer, letter) = ask(world, &max, "/ct start 105").await;
        assert_snapshot!(shown(&answer.until("not answered").await), @"
        🔒 only max
        │ ⚪ web-lab · start: not answered
        │ Nobody decided in time. Nothing was
        │ done. You may ask again.
        │ — CT 105 · home
        ");
        assert_snapshot!(letter_until(world, &letter, "lapsed").await, @"
        │ ⚪ web-lab · start: lapsed
        │ <@80351110224678912> asked, and nobody decided in time.
        │ — CT 105 · home
        ");
        let late = world
            .person("owner")
            .press(&letter, "1:once:1")
            .await
            .settled()
            .await;
        assert!(
            late.text().contains("not answered in time"),
            "{}",
            late.text()
        );
        // It may be asked anew.
        let refused = max.slash("/ct start 105").await.first().await;
        let answer = max.click(&refused, "Ask for it").await;
        answer.until("once somebody").await;
        let all = world.dc.channel_messages(APPROVALS);
        assert_eq!(all.len(), 2);
        answer.until("not answered").await;
        letter_until(world, &all[1], "lapsed").await;
    });
}

#[test]
fn a_request_survives_a_restart() {
    run(setup(), async |world| {
        let max = world.person("max");
        let (answer, letter) = ask(world, &max, "/ct start 105").await;
        world.stop_bot().await.unwrap();
        answer.until("restarted").await;
        world.start_bot().await;
        let owner = world.person("owner");
        owner
            .press(&letter, "1:once:1")
            .await
            .until("started")
            .await;
        letter_until(world, &letter, "started").await;
        let channel = support::BOT_CHANNEL;
        let public = world.dc.wait_channel_message(channel, "started").await;
        assert!(
            public.text().contains("<@80351110224678912>"),
            "{}",
            public.text()
        );
        assert_eq!(world.writes().len(), 1);
        let twice = owner.press(&letter, "1:once:1").await.settled().await;
        assert_snapshot!(shown(&twice), @"
        🔒 only owner
        │ ⛔ This is decided already
        │ It was approved once by <@184405311681986560>.
        │ Nothing was done by this press.
        ");
        assert_eq!(world.writes().len(), 1);
    });
}

/// Discord lets an answer change for fifteen minutes; here for one second.
#[test]
fn a_late_decision_reaches_the_person_all_the_same() {
    let mut setup = setup();
    setup.dc.token_life = std::time::Duration::from_secs(1);
    run(setup, async |world| {
        let (max, owner) = (world.person("max"), world.person("owner"));
        let (_answer, letter) = ask(world, &max, "/ct start 105").await;
        tokio::time::sleep(std::time::Duration::from_millis(1100)).await;
        let no = owner.press(&letter, "1:decline:1").await;
        no.until("is told").await;
        let told = world.dc.wait_direct_message("max", "declined").await;
        assert!(told.text().contains("said no"), "{}", told.text());
        letter_until(world, &letter, "declined").await;
        assert!(
            world.dc.channel_messages(support::BOT_CHANNEL).is_empty(),
            "a no is private"
        );
    });
}

/// What the person may do now is done in the server: in a direct message no button would do it.
#[test]
fn a_late_yes_in_a_direct_message_has_no_dead_button() {
    let mut setup = setup();
    setup.dc.token_life = std::time::Duration::from_secs(1);
    run(setup, async |world| {
        let (max, owner) = (world.person("max"), world.person("owner"));
        let (_answer, letter) = ask(world, &max, "/ct start 105").await;
        tokio::time::sleep(std::time::Duration::from_millis(1100)).await;
        let yes = owner.press(&letter, "1:hour:1").await;
        yes.until("is told").await;
        let told = world.dc.wait_direct_message("max", "web-lab").await;
        assert_snapshot!(shown(&told), @"
        │ 🟢 web-lab · start: you may
        │ <@184405311681986560> lets you do this until <time>,
        │ <time>.
        │ — CT 105 · home
        ");
        letter_until(world, &letter, "granted").await;
    });
}

/// Approved, and then refused at the last check: the request is spent, and the channel, in which
/// strangers read, is told nothing.
#[test]
fn a_refusal_after_the_yes_is_private() {
    run(setup(), async |world| {
        let (max, owner) = (world.person("max"), world.person("owner"));
        let (answer, letter) = ask(world, &max, "/ct start 105").await;
        // The snapshot still has the tag; the guest itself says otherwise.
        world
            .px
            .set_guest(105, |guest| guest.tags = vec!["prod".into()]);
        let said = owner.press(&letter, "1:once:1").await.settled().await;
        assert!(said.text().contains("You may not"), "{}", said.text());
        answer.until("You may not").await;
        letter_until(world, &letter, "You may not").await;
        assert!(world.dc.channel_messages(support::BOT_CHANNEL).is_empty());
        assert_eq!(world.writes(), Vec::<String>::new());
    });
}

/// What the approver's rule gives in another channel only cannot be lent here, and the request stays.
#[test]
fn a_right_of_another_channel_is_not_lent() {
    let elsewhere = support::OTHER_CHANNEL;
    let rules = rules(RULES).replace(
        "actions = [\"*\"]\nguests = [\"*\"]\nnodes = [\"*\"]\n",
        &format!("actions = [\"*\"]\nguests = [\"*\"]\nnodes = [\"*\"]\nchannels = [{elsewhere}, {APPROVALS}]\n"),
    );
    run(setup().rules(&rules), async |world| {
        let (max, owner) = (world.person("max"), world.person("owner"));
        let (answer, letter) = ask(world, &max, "/ct start 105").await;
        for press in ["1:once:1", "1:hour:1"] {
            let said = owner.press(&letter, press).await.settled().await;
            assert!(
                said.text().contains("You may not decide"),
                "{}",
                said.text()
            );
        }
        assert_eq!(world.writes(), Vec::<String>::new());
        left_open(world, &answer).await;
    });
}

/// A no is looked at like a yes, also about a guest that is there no more.
#[test]
fn nobody_without_the_right_declines_what_cannot_be_seen() {
    run(setup(), async |world| {
        let (max, owner) = (world.person("max"), world.person("owner"));
        let (answer, letter) = ask(world, &max, "/ct start 105").await;
        world.px.remove_guest(105);
        world.next_snapshot().await;
        for name in ["stranger", "friend"] {
            let said = world.person(name).press(&letter, "1:decline:1").await;
            let said = said.settled().await.text();
            assert!(said.contains("You may not decide"), "{name}: {said}");
        }
        owner
            .press(&letter, "1:decline:1")
            .await
            .until("Declined")
            .await;
        answer.until("declined").await;
        letter_until(world, &letter, "declined").await;
    });
}

#[test]
fn the_button_to_ask_never_acts() {
    run(setup(), async |world| {
        let (max, owner) = (world.person("max"), world.person("owner"));
        let refused = max.slash("/ct start 105").await.first().await;
        let granted = owner.slash("/access grant max start 105 1h").await;
        granted.until("granted").await;
        let may = max.click(&refused, "Ask for it").await.settled().await;
        assert!(may.text().contains("You may start"), "{}", may.text());
        assert_eq!(world.writes(), Vec::<String>::new());
        assert!(world.dc.channel_messages(APPROVALS).is_empty());
    });
}

#[test]
fn where_nobody_may_decide_nobody_is_asked() {
    let mut setup = setup().rules(&rules(RULES).replace(
        "[\"owner\"]\nactions = [\"*\"]",
        "[\"owner\"]\nactions = [\"power\"]",
    ));
    setup.rules += "[[allow]]\nwho = [\"friend\"]\nactions = [\"access\"]\n";
    setup.discord = String::new();
    run(setup, async |world| {
        let nobody = async |who: &str| {
            let person = world.person(who);
            let refused = person.slash("/ct start 105").await.first().await;
            let answer = person.click(&refused, "Ask for it").await;
            shown(&answer.until("Nobody could be asked").await)
        };
        let manages = nobody("friend").await;
        assert!(manages.contains("a rule can allow it"), "{manages}");
        assert_snapshot!(nobody("max").await, @"
        🔒 only max
        │ ⛔ Nobody could be asked to start web-lab
        │ I reached nobody who may decide it.
        │ Tell the owner yourself.
        ");
    });
}

/// Requests are counted in the store, so that a restart forgives nothing.
#[test]
fn nobody_asks_more_than_twenty_times_a_day_in_vain() {
    run(setup(), async |world| {
        let max = world.person("max");
        let db = rusqlite::Connection::open(world.dir.path().join("state/steward.db")).unwrap();
        let insert = |state: &str, ago: i64| {
            db.execute(
                "INSERT INTO requests (state, user_id, user_name, guild, channel, power, cluster, \
                                       vmid, kind, guest_name, asked, expires) \
                 VALUES (?1, ?2, 'max', 1, 1, 'start', 'home', 105, 'ct', 'web-lab', \
                         unixepoch() - ?3, unixepoch() - ?3)",
                (state, max.id().cast_signed(), ago),
            )
            .unwrap();
        };
        for state in ["lapsed", "no", "cancelled"].iter().cycle().take(19) {
            insert(state, 3600);
        }
        // What was approved was worth the asking, and yesterday is over.
        (0..5).for_each(|_| insert("once", 3600));
        (0..5).for_each(|_| insert("lapsed", 90_000));
        let (answer, letter) = ask(world, &max, "/ct start 105").await;
        let (first, second) = (
            max.slash("/ct stop 105").await.first().await,
            max.slash("/ct stop 105").await.first().await,
        );
        let too_often = max.click(&first, "Ask for it").await;
        assert_snapshot!(shown(&too_often.until("asked often").await), @"
        🔒 only max
        │ ⛔ You have asked often today
        │ Twenty requests in a day went without
        │ a yes. You may ask again from
        │ <time>, <time>.
        ");
        assert_eq!(world.dc.channel_messages(APPROVALS).len(), 1);
        // Who decides makes room with a yes.
        world
            .person("owner")
            .click(&letter, "1 hour")
            .await
            .until("is told")
            .await;
        answer.until("you may").await;
        letter_until(world, &letter, "granted").await;
        let answer = max.click(&second, "Ask for it").await;
        answer.until("once somebody has decided").await;
        world
            .dc
            .wait_channel_message(APPROVALS, "May web-lab be stopped")
            .await;
        left_open(world, &answer).await;
    });
}

/// The yes is spent on nothing when Proxmox cannot be read after it: the person is told so, and may
/// ask again.
#[test]
fn a_yes_that_an_outage_wasted_can_be_asked_for_again() {
    use fake_proxmox::{Fault, FaultKind, Match};
    for kind in [FaultKind::Refuse, FaultKind::Status595] {
        run(setup(), async |world| {
            let (max, owner) = (world.person("max"), world.person("owner"));
            let (answer, letter) = ask(world, &max, "/ct start 105").await;
            let on = Match::any().path("/105/status/current");
            world.px.fault(Fault::always(kind.clone()).on(on));
            let pressed = owner.click(&letter, "Once").await.settled().await;
            assert!(!pressed.text().contains("ask again"), "{}", pressed.text());
            let told = answer.until("You may ask again").await;
            let text = told.text();
            assert!(text.contains("approved it, and that yes is"), "{text}");
            assert!(
                text.contains("othing was done") || text.contains("did not start"),
                "{text}"
            );
            assert_eq!(told.buttons(), ["Ask for it"], "{text}");
            assert!(world.dc.channel_messages(support::BOT_CHANNEL).is_empty());
            assert_eq!(world.writes(), Vec::<String>::new());
            for _ in 0..2000 {
                let letter = world.dc.message(letter.id).unwrap();
                if letter.buttons().is_empty() && !letter.text().contains("start: approved") {
                    break;
                }
                tokio::time::sleep(std::time::Duration::from_millis(10)).await;
            }
            world.px.clear_faults();
            let again = max.click(&told, "Ask for it").await;
            again.until("once somebody has decided").await;
            let letters = world.dc.channel_messages(APPROVALS);
            assert_eq!(letters.len(), 2);
            owner
                .click(&letters[1], "Once")
                .await
                .until("started")
                .await;
            again.until("started").await;
            letter_until(world, &letters[1], "started").await;
            let channel = support::BOT_CHANNEL;
            world.dc.wait_channel_message(channel, "started").await;
            assert_eq!(world.writes().len(), 1);
        });
    }
}

/// Discord takes long for one approver's direct message: the other one decides meanwhile, and the
/// message that comes late is closed.
#[test]
fn one_slow_direct_message_holds_up_nobody() {
    let mut setup = setup().rules(&rules(RULES).replace(
        "actions = [\"access\"]\nguests = [\"tag:lab\", \"tag:games\"]",
        "actions = [\"access\", \"start\"]\nguests = [\"tag:lab\", \"tag:games\"]",
    ));
    setup.discord = String::new();
    run(setup, async |world| {
        let max = world.person("max");
        let refused = max.slash("/ct start 105").await.first().await;
        world.dc.rest(fake_discord::RestFault {
            on: "/users/@me/channels".to_owned(),
            kind: fake_discord::RestFaultKind::Slow(std::time::Duration::from_secs(4)),
            times: 1,
        });
        let begun = std::time::Instant::now();
        let answer = max.click(&refused, "Ask for it").await;
        answer.until("once somebody has decided").await;
        let (quick, slow) = match world.dc.direct_messages("owner").as_slice() {
            [] => ("friend", "owner"),
            _ => ("owner", "friend"),
        };
        let letter = world.dc.wait_direct_message(quick, "asks for it").await;
        let decides = world.person(quick).in_direct_messages();
        let pressed = decides.click(&letter, "Once").await;
        pressed.until("started").await;
        answer.until("started").await;
        assert!(begun.elapsed() < std::time::Duration::from_secs(4));
        letter_until(world, &letter, "started").await;
        let channel = support::BOT_CHANNEL;
        world.dc.wait_channel_message(channel, "started").await;
        assert!(world.dc.direct_messages(slow).is_empty());
        let late = world.dc.wait_direct_message(slow, "").await;
        letter_until(world, &late, "closed").await;
        assert_eq!(world.writes().len(), 1);
    });
}
