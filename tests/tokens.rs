//! `/token`, as those see it who may manage tokens, and as all others do. (That the secret is nowhere
//! but in its one message: `tests/token_secret.rs`.)

#![allow(
    clippy::too_many_lines,
    reason = "what is said stands in the test, and counts"
)]

mod support;

use std::time::Duration;

use fake_discord::{Answer, Message, RestFault, RestFaultKind};
use fake_proxmox::{Fault, FaultKind, Match};
use insta::assert_snapshot;
use pve_steward::config::Secret;
use pve_steward::proxmox::Client;
use serde_json::json;
use support::{ADMIN_TOKEN, ADMIN_USER, Setup, World, run, run_without_bot, shown};

const RULES: &str = r#"
[people]
owner = 184405311681986560
friend = 80351110224678913

[[allow]]
who = ["owner"]
actions = ["*"]
guests = ["*"]
nodes = ["*"]

[[allow]]
who = ["friend"]
actions = ["view", "start"]
guests = ["*"]
"#;

fn setup() -> Setup {
    Setup::automatic().rules(RULES).token_admin()
}

/// What a message says, with the times and secrets put aside that differ from run to run.
fn said(message: &Message) -> String {
    assert!(
        message.ephemeral_for.is_some(),
        "private: {}",
        message.text()
    );
    let text = shown(message);
    match secret(&text) {
        Some(secret) => text.replace(&secret, "<secret>"),
        None => text,
    }
}

/// The first thing in a text that has the form of a secret.
fn secret(text: &str) -> Option<String> {
    let words = text.split(|c: char| !(c.is_ascii_hexdigit() || c == '-'));
    let lengths = |word: &&str| word.split('-').map(str::len).eq([8, 4, 4, 4, 12]);
    words.into_iter().find(lengths).map(str::to_owned)
}

/// Asks, says yes, and gives the answer to the yes.
async fn confirmed(world: &World, command: &str, yes: &str) -> Answer {
    let owner = world.person("owner");
    let asked = owner.slash(command).await;
    let question = asked.first().await;
    assert!(question.ephemeral_for.is_some(), "{}", question.text());
    let answer = owner.click(&question, yes).await;
    asked.until("Confirmed").await;
    answer
}

async fn refusal(world: &World, command: &str) -> String {
    said(&world.person("owner").slash(command).await.first().await)
}

const CREATE: &str = "/token create discord@pve ci expires:7d roles:PVEAuditor path:/vms";

fn tokens(world: &World) -> String {
    world.px.pveum("pveum user token list discord@pve").unwrap()
}

fn fault(world: &World, kind: FaultKind, method: &str, path: &str) {
    world.px.fault(Fault {
        kind,
        on: Match::any().method(method).path(path),
        times: Some(1),
    });
}

fn slow(world: &World, time: Duration) {
    fault(world, FaultKind::Slow(time), "POST", "/token/");
}

/// Says yes; the token is made while Discord no longer takes what would show its secret.
async fn create_unseen(world: &World, question: &Message, asked: &Answer) {
    slow(world, Duration::from_secs(2));
    world.person("owner").click(question, "Create it").await;
    asked.until("Confirmed").await;
    world.dc.rest(RestFault {
        on: "PATCH /api/v10/webhooks".to_owned(),
        kind: RestFaultKind::Status(404, json!({"code": 10015, "message": "Unknown Webhook"})),
        times: 10,
    });
}

/// What was promised in the channel and never came is put away by hand, as people do.
fn dismiss(world: &World) {
    world.dc.heal();
    let shown = world.dc.visible_to("owner", support::BOT_CHANNEL);
    for message in shown.iter().filter(|message| message.thinking) {
        world.dc.delete_message(message.id);
    }
}

#[test]
fn the_bots_own_tokens_are_listed_and_marked() {
    run(setup(), async |world| {
        world.px.add_token("discord@pve!ci", "5c", true);
        world.px.expire_token("discord@pve!ci", Some(4_000_000_000));
        world.px.add_token("discord@pve!old", "5c", false);
        world
            .px
            .expire_token("discord@pve!old", Some(1_000_000_000));
        assert_snapshot!(refusal(world, "/token list").await, @r"
        🔒 only owner
        │ 🔑 Tokens of discord\@pve
        │ 🤖 **bot** never expires
        │   this bot runs on it
        │ • **ci** expires <time>
        │ ⌛ **old** expired <time>
        │   ⚠️ all that its user may do
        │
        │ That is the bot's own user. Of another
        │ one: `/token list user:root@pam`
        │ — home
        ");
        assert_snapshot!(refusal(world, "/token list steward@pve").await, @r"
        🔒 only owner
        │ 🔑 Tokens of steward\@pve
        │ 🤖 **admin** never expires
        │   this bot uses it for `/token`
        │ — home
        ");
        assert_snapshot!(refusal(world, "/token list nobody@pve").await, @r"
        🔒 only owner
        │ ⛔ No user nobody\@pve there
        │ Tokens belong to a user. Make it
        │ first, on a Proxmox node, as root:
        │ ```
        │ pveum user add nobody@pve
        │ ```
        │ — home
        ");
        assert_eq!(world.writes(), Vec::<String>::new());
    });
}

#[test]
fn a_token_is_made_and_its_secret_works() {
    run(setup(), async |world| {
        let owner = world.person("owner");
        let asked = owner.slash(CREATE).await;
        let question = asked.first().await;
        assert_snapshot!(said(&question), @r"
        🔒 only owner
        │ ⚠️ Really create discord\@pve!ci?
        │ Expires <time>,
        │ <time>.
        │ Roles: PVEAuditor
        │ on `/vms`
        │ It can there: Datastore.Audit Pool.Audit Sys.Audit VM.Audit
        │ Further down, in places: VM.GuestAgent.Audit
        │ Not yet: Mapping.Audit SDN.Audit
        │ Its user has no such role there.
        │ On a Proxmox node, as root:
        │ ```
        │ pveum acl modify /vms -user discord@pve -role PVEAuditor
        │ ```
        │ (There it hides what the user has on
        │ a path above.)
        │ Its secret is shown once, to you
        │ alone.
        │ The question holds for one minute.
        │ — home
        [Create it] (danger) [Cancel] (secondary)
        ");
        assert_eq!(world.writes(), Vec::<String>::new(), "asked first");
        let answer = owner.click(&question, "Create it").await;
        let made = answer.until("is made").await;
        assert_snapshot!(said(&made), @r"
        🔒 only owner
        │ 🔑 discord\@pve!ci is made
        │ Its secret, now and never again:
        │ ```
        │ <secret>
        │ ```
        │ Expires <time>,
        │ <time>.
        │ It can there: Datastore.Audit Pool.Audit Sys.Audit VM.Audit
        │ Further down, in places: VM.GuestAgent.Audit
        │ Not yet: Mapping.Audit SDN.Audit
        │ Its user has no such role there.
        │ On a Proxmox node, as root:
        │ ```
        │ pveum acl modify /vms -user discord@pve -role PVEAuditor
        │ ```
        │ (There it hides what the user has on
        │ a path above.)
        │ — home
        ");
        assert_snapshot!(said(&asked.until("Confirmed").await), @r"
        🔒 only owner
        │ ☑️ Yes: create discord\@pve!ci
        │ Confirmed. See the answer below.
        │ — home
        ");
        assert_eq!(
            world.writes(),
            ["POST /access/users/discord@pve/token/ci", "PUT /access/acl"]
        );
        // Both with the token for it, and with nothing else of the bot's.
        let writers = world.px.writes().into_iter().map(|it| it.token.unwrap());
        assert_eq!(writers.collect::<Vec<_>>(), [ADMIN_TOKEN, ADMIN_TOKEN]);
        world.audited(&["opened token", "closed done"]).await;
        let secret = secret(&made.text()).unwrap();
        let mut cluster = world.config().clusters.remove(0);
        cluster.token_id = "discord@pve!ci".to_owned();
        cluster.token_secret = Secret::new(secret);
        let held = Client::new(&cluster).unwrap().privileges_on("/vms").await;
        assert!(held.unwrap().contains("VM.Audit"), "it works");
        assert_snapshot!(refusal(world, "/token list").await, @r"
        🔒 only owner
        │ 🔑 Tokens of discord\@pve
        │ 🤖 **bot** never expires
        │   this bot runs on it
        │ • **ci** expires <time>
        │   By owner in Discord
        │
        │ That is the bot's own user. Of another
        │ one: `/token list user:root@pam`
        │ — home
        ");
        assert_snapshot!(refusal(world, CREATE).await, @r"
        🔒 only owner
        │ ⛔ discord\@pve!ci exists already
        │ Choose another name, or delete that
        │ one first.
        │ — home
        ");
    });
}

#[test]
fn who_made_which_token_is_in_the_audit() {
    let mut setup = setup();
    setup.discord = format!("audit_channel = {}\n", support::OTHER_CHANNEL);
    run(setup, async |world| {
        let answer = confirmed(world, CREATE, "Create it").await;
        answer.until("is made").await;
        let seen = world
            .dc
            .wait_channel_message(support::OTHER_CHANNEL, "discord")
            .await;
        let text = shown(&seen);
        for part in [
            "<@184405311681986560>",
            "ci",
            "until 20",
            "PVEAuditor on /vms",
        ] {
            assert!(text.contains(part), "{part}: {text}");
        }
        let page = world.person("owner").slash("/audit").await.first().await;
        assert!(
            page.text().contains("PVEAuditor on /vms"),
            "{}",
            page.text()
        );
    });
}

/// A token can do only what its user may, too, and the card says what that is.
#[test]
fn what_a_token_cannot_do_is_said_with_the_line_that_mends_it() {
    run(setup(), async |world| {
        world.px.pveum("pveum user add backup@pve").unwrap();
        let create = "/token create backup@pve nightly never PVEAuditor /vms/101";
        let asked = world.person("owner").slash(create).await;
        let question = asked.first().await;
        assert_snapshot!(said(&question), @r"
        🔒 only owner
        │ ⚠️ Really create backup\@pve!nightly?
        │ ⚠️ It never expires.
        │ Roles: PVEAuditor
        │ on `/vms/101`
        │ It can do nothing yet: its user
        │ backup\@pve has no such role there.
        │ On a Proxmox node, as root:
        │ ```
        │ pveum acl modify /vms/101 -user backup@pve -role PVEAuditor
        │ ```
        │ (There it hides what the user has on
        │ a path above.)
        │ Its secret is shown once, to you
        │ alone.
        │ The question holds for one minute.
        │ — home
        [Create it] (danger) [Cancel] (secondary)
        ");
        // Whoever does as the question says has mended it.
        let text = question.text();
        let line = text
            .lines()
            .find(|line| line.contains("pveum acl"))
            .unwrap();
        world
            .px
            .pveum(line.trim_start_matches("│ ").trim())
            .unwrap();
        let answer = world.person("owner").click(&question, "Create it").await;
        assert_snapshot!(said(&answer.until("is made").await), @r"
        🔒 only owner
        │ 🔑 backup\@pve!nightly is made
        │ Its secret, now and never again:
        │ ```
        │ <secret>
        │ ```
        │ ⚠️ It never expires.
        │ It can there: Datastore.Audit Mapping.Audit Pool.Audit SDN.Audit Sys.Audit VM.Audit VM.GuestAgent.Audit
        │ — home
        ");
        asked.until("Confirmed").await;
        let none = confirmed(world, "/token create backup@pve idle", "Create it").await;
        assert_snapshot!(said(&none.until("is made").await), @r"
        🔒 only owner
        │ 🔑 backup\@pve!idle is made
        │ Its secret, now and never again:
        │ ```
        │ <secret>
        │ ```
        │ Expires <time>,
        │ <time>.
        │ It can do nothing yet: it is given no
        │ role.
        │ — home
        ");
        let some = "/token create discord@pve power roles:PVEAuditor,PVEVMUser path:/";
        let asked = world.person("owner").slash(some).await;
        let question = asked.first().await;
        assert_snapshot!(said(&question), @r"
        🔒 only owner
        │ ⚠️ Really create discord\@pve!power?
        │ Expires <time>,
        │ <time>.
        │ Roles: PVEAuditor, PVEVMUser
        │ on `/`
        │ It can there: Datastore.Audit Pool.Audit Sys.Audit VM.Audit
        │ Further down, in places: VM.GuestAgent.Audit VM.PowerMgmt
        │ Not yet: Mapping.Audit SDN.Audit VM.Backup VM.Config.CDROM VM.Config.Cloudinit VM.Console VM.GuestAgent.FileRead VM.GuestAgent.FileSystemMgmt VM.GuestAgent.FileWrite
        │ Its user has no such role there.
        │ On a Proxmox node, as root:
        │ ```
        │ pveum acl modify / -user discord@pve -role PVEAuditor
        │ pveum acl modify / -user discord@pve -role PVEVMUser
        │ ```
        │ Its secret is shown once, to you
        │ alone.
        │ The question holds for one minute.
        │ — home
        [Create it] (danger) [Cancel] (secondary)
        ");
        let cancelled = world.person("owner").click(&question, "Cancel").await;
        cancelled.until("Cancelled").await;
    });
}

#[test]
fn what_is_as_good_as_root_is_called_so() {
    run(setup(), async |world| {
        let create = format!("/token create {ADMIN_USER} second roles:PVEUserAdmin path:/access");
        let owner = world.person("owner");
        let question = owner.slash(&create).await.first().await;
        let text = said(&question);
        assert!(text.contains("as good as root"), "{text}");
        owner
            .click(&question, "Cancel")
            .await
            .until("Cancelled")
            .await;
    });
}

/// Its roles reach below the path: what its user may do on a path further down, it can do there too.
#[test]
fn what_a_token_can_do_further_down_is_told() {
    run(setup(), async |world| {
        for line in [
            "pveum user add boss@pve",
            "pveum acl modify /vms/101 -user boss@pve -role PVEVMUser",
            "pveum acl modify /access -user boss@pve -role PVEUserAdmin",
        ] {
            world.px.pveum(line).unwrap();
        }
        let owner = world.person("owner");
        for (command, parts) in [
            (
                "/token create boss@pve all never roles:Administrator path:/",
                &[
                    "It can nothing on that path itself.",
                    "Further down, in places:",
                    "User.Modify",
                    "VM.PowerMgmt",
                    "as good as root",
                ][..],
            ),
            (
                "/token create boss@pve vms never roles:PVEVMAdmin path:/vms",
                &["Further down, in places:", "VM.PowerMgmt"],
            ),
            // Which guests are in a pool is not in what a user may do.
            (
                "/token create boss@pve pool never roles:Administrator path:/pool/x",
                &["could not be read", "Its roles hold what is as good as"],
            ),
        ] {
            let question = owner.slash(command).await.first().await;
            let text = said(&question);
            for part in parts {
                assert!(text.contains(part), "{part}: {text}");
            }
            assert!(!text.contains("can do nothing"), "{text}");
            let rooted = text.contains("as good as");
            assert_eq!(rooted, command.contains("Administrator"), "{text}");
            let cancelled = owner.click(&question, "Cancel").await;
            cancelled.until("Cancelled").await;
        }
    });
}

/// Between the token and its rights goes by what a look at the rules may have changed.
#[test]
fn a_token_whose_maker_is_stopped_meanwhile_gets_no_rights_and_goes() {
    run(setup(), async |world| {
        let owner = world.person("owner");
        let asked = owner.slash(CREATE).await;
        let question = asked.first().await;
        slow(world, Duration::from_secs(4));
        let answer = owner.click(&question, "Create it").await;
        asked.until("Confirmed").await;
        world.audited(&["opened token"]).await;
        world.write_rules(&RULES.replace("actions = [\"*\"]", "actions = [\"view\", \"access\"]"));
        world.again.notify_one();
        world.audited_last("reloaded policy").await;
        assert_snapshot!(said(&answer.until("deleted again").await), @r"
        🔒 only owner
        │ 🔴 discord\@pve!ci is deleted again
        │ It was made, but tokens are no longer
        │ for you, so it was given no rights and
        │ its secret is not shown.
        │ — home
        ");
        assert_eq!(
            world.writes(),
            [
                "POST /access/users/discord@pve/token/ci",
                "DELETE /access/users/discord@pve/token/ci"
            ]
        );
        assert!(!tokens(world).contains("ci"));
        world.audited_last("closed failed").await;
    });
}

/// The limit counts the token once, not again for its rights.
#[test]
fn a_limit_of_one_is_enough_for_a_token_with_rights() {
    let rules = RULES.replacen(
        "nodes = [\"*\"]",
        "nodes = [\"*\"]\nlimit = \"1 per hour\"",
        1,
    );
    run(setup().rules(&rules), async |world| {
        let answer = confirmed(world, CREATE, "Create it").await;
        let made = answer.until("is made").await.text();
        assert!(made.contains("It can there"), "{made}");
        assert_eq!(world.writes().len(), 2);
    });
}

#[test]
fn what_makes_no_sense_is_not_even_asked_about() {
    run(setup(), async |world| {
        let mut all = Vec::new();
        for command in [
            "/token create discord@pve c",
            "/token create user:discord name:ci",
            "/token create user:a'b@pve name:ci",
            "/token create discord@pve ci expires:soon",
            "/token create discord@pve ci expires:2020-01-01",
            "/token create discord@pve ci roles:Pve/Auditor",
            "/token create discord@pve ci roles:PVEAuditor",
            "/token create discord@pve ci path:/vms",
            "/token create discord@pve ci roles:PVEAuditor path:/guests",
            "/token create discord@pve ci roles:Nonsense path:/vms",
            "/token create nobody@pve ci",
            "/token create discord@pve ci cluster:lab",
            "/token create discord@pve ci cluster:LAB",
            "/token delete discord@pve ci",
        ] {
            all.push(format!("{command}\n{}", refusal(world, command).await));
        }
        assert_snapshot!(all.join("\n"), @r"
        /token create discord@pve c
        🔒 only owner
        │ ⛔ That is no name for a token
        │ It begins with a letter, then letters,
        │ digits, `.`, `-` and `_`; at least two.
        /token create user:discord name:ci
        🔒 only owner
        │ ⛔ That is no user
        │ Write name and realm, such as
        │ `backup@pve`.
        /token create user:a'b@pve name:ci
        🔒 only owner
        │ ⛔ That is no user
        │ Write name and realm, such as
        │ `backup@pve`.
        /token create discord@pve ci expires:soon
        🔒 only owner
        │ ⛔ That is no time to expire
        │ Write `90d`, a date such as
        │ `2027-01-31`, or `never`.
        /token create discord@pve ci expires:2020-01-01
        🔒 only owner
        │ ⛔ That is over already
        │ A token must expire in the future.
        /token create discord@pve ci roles:Pve/Auditor
        🔒 only owner
        │ ⛔ That is no role
        │ Write roles such as `PVEAuditor`, with
        │ commas.
        /token create discord@pve ci roles:PVEAuditor
        🔒 only owner
        │ ⛔ Roles and a path, or neither
        │ Say which roles, and where: such as
        │ `roles:PVEAuditor path:/vms`.
        /token create discord@pve ci path:/vms
        🔒 only owner
        │ ⛔ Roles and a path, or neither
        │ Say which roles, and where: such as
        │ `roles:PVEAuditor path:/vms`.
        /token create discord@pve ci roles:PVEAuditor path:/guests
        🔒 only owner
        │ ⛔ That is no path for rights
        │ Write one such as `/vms/101`, `/vms`
        │ or `/pool/friends`.
        /token create discord@pve ci roles:Nonsense path:/vms
        🔒 only owner
        │ ⛔ No role Nonsense there
        │ Pick one from the list that appears
        │ while you type.
        │ — home
        /token create nobody@pve ci
        🔒 only owner
        │ ⛔ No user nobody\@pve there
        │ Tokens belong to a user. Make it
        │ first, on a Proxmox node, as root:
        │ ```
        │ pveum user add nobody@pve
        │ ```
        │ — home
        /token create discord@pve ci cluster:lab
        🔒 only owner
        │ ⛔ Which cluster?
        │ I manage tokens on `home`.
        │ Name one in `cluster`.
        /token create discord@pve ci cluster:LAB
        🔒 only owner
        │ ⛔ That is no cluster
        │ Write its name, such as `home`.
        /token delete discord@pve ci
        🔒 only owner
        │ ⛔ No token discord\@pve!ci
        │ See `/token list discord@pve`.
        │ — home
        ");
        assert_eq!(world.writes(), Vec::<String>::new());
    });
}

#[test]
fn a_token_is_deleted_and_its_rights_with_it() {
    run(setup(), async |world| {
        let made = confirmed(world, CREATE, "Create it").await;
        made.until("is made").await;
        world.px.forget_requests();
        let owner = world.person("owner");
        let asked = owner.slash("/token delete discord@pve ci").await;
        let question = asked.first().await;
        assert_snapshot!(said(&question), @r"
        🔒 only owner
        │ ⚠️ Really delete discord\@pve!ci?
        │ It expires <time>.
        │ > By owner in Discord
        │ Whatever uses it is refused from
        │ then on, and its rights are gone too.
        │ It cannot be brought back.
        │ The question holds for one minute.
        │ — home
        [Delete it] (danger) [Cancel] (secondary)
        ");
        let answer = owner.click(&question, "Delete it").await;
        assert_snapshot!(said(&answer.until("is deleted").await), @r"
        🔒 only owner
        │ 🗑️ discord\@pve!ci is deleted
        │ Whatever uses it is refused now. Its
        │ rights are gone with it.
        │ — home
        ");
        asked.until("Confirmed").await;
        assert_eq!(
            world.writes(),
            ["DELETE /access/users/discord@pve/token/ci"]
        );
        assert!(!world.px.pveum("pveum acl list").unwrap().contains("!ci"));
        world.audited_last("closed done").await;
    });
}

#[test]
fn the_tokens_that_the_bot_runs_on_stay() {
    run(setup(), async |world| {
        assert_snapshot!(refusal(world, "/token delete discord@pve bot").await, @r"
        🔒 only owner
        │ ⛔ discord\@pve!bot is mine
        │ Without it I can do nothing. Put
        │ another one into my configuration
        │ first. Then, on a node, as root:
        │ ```
        │ pveum user token remove discord@pve bot
        │ ```
        │ — home
        ");
        assert_snapshot!(refusal(world, "/token delete steward@pve admin").await, @r"
        🔒 only owner
        │ ⛔ steward\@pve!admin is mine
        │ Without it there is no `/token`. Put
        │ another one into my configuration
        │ first. Then, on a node, as root:
        │ ```
        │ pveum user token remove steward@pve admin
        │ ```
        │ — home
        ");
        assert_eq!(world.writes(), Vec::<String>::new());
    });
}

#[test]
fn a_token_that_was_replaced_since_the_question_stays() {
    run(setup(), async |world| {
        world.px.add_token("discord@pve!ci", "5c", true);
        let owner = world.person("owner");
        let asked = owner.slash("/token delete discord@pve ci").await;
        let question = asked.first().await;
        world.px.expire_token("discord@pve!ci", Some(4_000_000_000));
        let answer = owner.click(&question, "Delete it").await;
        assert_snapshot!(said(&answer.first().await), @r"
        🔒 only owner
        │ ⛔ discord\@pve!ci has changed
        │ It is not the one you were asked
        │ about any more. Nothing was done. Look
        │ again.
        │ — home
        ");
        asked.until("Confirmed").await;
        assert_eq!(world.writes(), Vec::<String>::new());
    });
}

#[test]
fn rights_that_fail_leave_a_token_without_any() {
    run(setup(), async |world| {
        let kind = FaultKind::Forbidden {
            path: "/vms".to_owned(),
            privs: "Permissions.Modify".to_owned(),
        };
        fault(world, kind, "PUT", "/access/acl");
        let answer = confirmed(world, CREATE, "Create it").await;
        let made = answer.until("is made").await;
        assert_snapshot!(said(&made), @r"
        🔒 only owner
        │ 🔑 discord\@pve!ci is made
        │ Its secret, now and never again:
        │ ```
        │ <secret>
        │ ```
        │ Expires <time>,
        │ <time>.
        │ It has no rights: giving them failed.
        │ On a Proxmox node, as root:
        │ ```
        │ pveum acl modify /vms -token 'discord@pve!ci' -role PVEAuditor
        │ ```
        │ — home
        ");
        assert_snapshot!(said(&answer.follow_up("lacks").await), @"
        🔒 only owner
        │ 🔑 What the bot lacks
        │ The bot's token lacks Permissions.Modify
        │ on `/vms`. On a Proxmox node, as root:
        │ ```
        │ pveum role add StewardPermissionsModify -privs Permissions.Modify
        │ pveum acl modify /vms -user steward@pve -token 'steward@pve!admin' -role StewardPermissionsModify
        │ ```
        │ It is no matter if a role exists already.
        │ Then see `pve-steward check`.
        ");
        world.audited_last("closed failed").await;
        // Whoever does as the card says has mended it.
        let text = made.text();
        let line = text
            .lines()
            .find(|line| line.contains("pveum acl"))
            .unwrap();
        world
            .px
            .pveum(line.trim_start_matches("│ ").trim())
            .unwrap();
        assert!(world.px.pveum("pveum acl list").unwrap().contains("!ci"));
    });
}

#[test]
fn rights_whose_answer_is_lost_are_unknown() {
    run(setup(), async |world| {
        fault(world, FaultKind::DropAfterRequest, "PUT", "/access/acl");
        let answer = confirmed(world, CREATE, "Create it").await;
        assert_snapshot!(said(&answer.until("is made").await), @r"
        🔒 only owner
        │ 🔑 discord\@pve!ci is made
        │ Its secret, now and never again:
        │ ```
        │ <secret>
        │ ```
        │ Expires <time>,
        │ <time>.
        │ Whether it has its rights is
        │ unknown: Proxmox did not answer.
        │ On a Proxmox node, as root:
        │ ```
        │ pveum acl modify /vms -token 'discord@pve!ci' -role PVEAuditor
        │ ```
        │ — home
        ");
        world.audited_last("closed unknown").await;
    });
}

#[test]
fn a_token_whose_answer_is_lost_is_of_no_use() {
    run(setup(), async |world| {
        fault(world, FaultKind::DropAfterRequest, "POST", "/token/");
        let answer = confirmed(world, CREATE, "Create it").await;
        assert_snapshot!(said(&answer.until("unknown").await), @r"
        🔒 only owner
        │ 🟠 discord\@pve!ci · outcome unknown
        │ Proxmox did not answer. If it was
        │ made, its secret is lost and it is of
        │ no use.
        │ It is there now: delete it.
        │ `/token delete discord@pve ci`
        │ or on a Proxmox node, as root:
        │ ```
        │ pveum user token remove discord@pve ci
        │ ```
        │ — home
        ");
        assert_eq!(
            world.writes(),
            ["POST /access/users/discord@pve/token/ci"],
            "sent once, and no rights given to what nobody can use"
        );
        world.audited_last("closed unknown").await;
        // As the card says.
        confirmed(world, "/token delete discord@pve ci", "Delete it")
            .await
            .until("is deleted")
            .await;
        fault(world, FaultKind::DropBeforeExecute, "POST", "/token/");
        let answer = confirmed(world, CREATE, "Create it").await;
        assert_snapshot!(said(&answer.until("unknown").await), @r"
        🔒 only owner
        │ 🟠 discord\@pve!ci · outcome unknown
        │ Proxmox did not answer. If it was
        │ made, its secret is lost and it is of
        │ no use.
        │ It is not there now. It may still
        │ come: look again in a minute.
        │ `/token delete discord@pve ci`
        │ or on a Proxmox node, as root:
        │ ```
        │ pveum user token remove discord@pve ci
        │ ```
        │ — home
        ");
    });
}

#[test]
fn a_deletion_whose_answer_is_lost_is_unknown() {
    run(setup(), async |world| {
        world.px.add_token("discord@pve!ci", "5c", true);
        fault(world, FaultKind::DropAfterRequest, "DELETE", "/token/");
        let answer = confirmed(world, "/token delete discord@pve ci", "Delete it").await;
        assert_snapshot!(said(&answer.until("unknown").await), @r"
        🔒 only owner
        │ 🟠 discord\@pve!ci · outcome unknown
        │ Proxmox did not tell how it ended.
        │ It is not there now.
        │ Look again before you repeat it.
        │ — home
        ");
        world.audited_last("closed unknown").await;
    });
}

#[test]
fn refusals_of_proxmox_are_told_with_what_is_lacking() {
    run(setup(), async |world| {
        world.px.clear_acls(ADMIN_TOKEN);
        assert_snapshot!(refusal(world, "/token list").await, @"
        🔒 only owner
        │ 🔴 Tokens cannot be read now
        │ The bot's token for `/token` may not do
        │ that.
        │ — home
        │ 🔑 What the bot lacks
        │ The bot's token lacks User.Modify
        │ on `/access/groups`. On a Proxmox node, as root:
        │ ```
        │ pveum role add StewardUserModify -privs User.Modify
        │ pveum acl modify /access/groups -user steward@pve -token 'steward@pve!admin' -role StewardUserModify
        │ ```
        │ It is no matter if a role exists already.
        │ Then see `pve-steward check`.
        ");
        world.px.remove_token(ADMIN_TOKEN);
        assert_snapshot!(refusal(world, "/token list").await, @"
        🔒 only owner
        │ 🔴 Tokens cannot be read now
        │ Proxmox does not accept the bot's token
        │ for `/token`. Is it expired, deleted or
        │ mistyped?
        │ — home
        ");
        // The bot itself goes on as if nothing was.
        let owner = world.person("owner");
        owner.slash("/vm start 101").await.until("started").await;
    });
}

#[test]
fn what_proxmox_refuses_otherwise_is_in_the_log_under_an_id() {
    run(setup(), async |world| {
        let no = FaultKind::Status500("a reason that is not shown".to_owned());
        fault(world, no, "POST", "/token/");
        let answer = confirmed(world, CREATE, "Create it").await;
        let text = said(&answer.until("is not made").await);
        let id = answer.interaction_id().to_string();
        assert_snapshot!(text.replace(&id, "<id>"), @r"
        🔒 only owner
        │ 🔴 discord\@pve!ci is not made
        │ Proxmox refused. The log has its words
        │ under <id>.
        │ — home
        ");
        world.audited_last("closed failed").await;
    });
}

#[test]
fn without_quorum_no_token_is_made() {
    run(setup(), async |world| {
        let owner = world.person("owner");
        let asked = owner.slash(CREATE).await;
        let question = asked.first().await;
        world.px.set_quorate(false);
        let answer = owner.click(&question, "Create it").await;
        assert_snapshot!(said(&answer.until("is not made").await), @r"
        🔒 only owner
        │ 🔴 discord\@pve!ci is not made
        │ The cluster has no quorum: too few
        │ nodes are up.
        │ — home
        ");
        asked.until("Confirmed").await;
        world.audited_last("closed failed").await;
        assert!(!tokens(world).contains("ci"));
    });
}

#[test]
fn a_secret_that_cannot_be_shown_takes_its_token_along() {
    run(setup(), async |world| {
        let owner = world.person("owner");
        let asked = owner.slash(CREATE).await;
        let question = asked.first().await;
        create_unseen(world, &question, &asked).await;
        let told = world.dc.wait_direct_message("owner", "deleted again").await;
        assert_snapshot!(shown(&told), @r"
        │ 🔴 discord\@pve!ci is deleted again
        │ Its secret could not be shown to you
        │ in private, so it is of no use.
        │ Create it once more.
        │ — home
        ");
        dismiss(world);
        assert!(!tokens(world).contains("ci"));
        assert!(!world.px.pveum("pveum acl list").unwrap().contains("!ci"));
        world.audited_last("closed failed").await;
    });
}

#[test]
fn a_secret_that_cannot_be_shown_and_not_be_deleted_is_told_so() {
    run(setup(), async |world| {
        let owner = world.person("owner");
        let asked = owner.slash(CREATE).await;
        let question = asked.first().await;
        fault(
            world,
            FaultKind::Status500("no".to_owned()),
            "DELETE",
            "/token/",
        );
        create_unseen(world, &question, &asked).await;
        let told = world.dc.wait_direct_message("owner", "of no use").await;
        assert_snapshot!(shown(&told), @r"
        │ 🔴 discord\@pve!ci is of no use
        │ Its secret could not be shown to you
        │ in private, so it is of no use.
        │ I could not delete it.
        │ `/token delete discord@pve ci`
        │ or on a Proxmox node, as root:
        │ ```
        │ pveum user token remove discord@pve ci
        │ ```
        │ — home
        ");
        dismiss(world);
        assert!(tokens(world).contains("ci"));
        world.audited_last("closed failed").await;
    });
}

/// Past Discord's fifteen minutes there is no private answer any more.
#[test]
fn a_secret_that_comes_too_late_takes_its_token_along() {
    let mut setup = setup();
    setup.dc.token_life = Duration::from_secs(2);
    run(setup, async |world| {
        slow(world, Duration::from_secs(3));
        let owner = world.person("owner");
        let asked = owner.slash(CREATE).await;
        let question = asked.first().await;
        owner.click(&question, "Create it").await;
        asked.until("Confirmed").await;
        let told = world.dc.wait_direct_message("owner", "deleted again").await;
        assert!(secret(&told.text()).is_none());
        dismiss(world);
        assert!(!tokens(world).contains("ci"));
        world.audited_last("closed failed").await;
    });
}

#[test]
fn others_meet_a_refusal_and_no_completion() {
    run(setup(), async |world| {
        for name in ["friend", "stranger"] {
            let person = world.person(name);
            for command in ["/token list", CREATE, "/token delete discord@pve bot"] {
                let text = said(&person.slash(command).await.first().await);
                assert!(text.contains("Tokens are not for you"), "{text}");
            }
            for typed in [
                "/token list user:",
                "/token list cluster:",
                "/token delete discord@pve name:",
                "/token create discord@pve ci expires:",
                "/token create discord@pve ci roles:",
                "/token create discord@pve ci path:",
            ] {
                let offered = person.type_ahead(typed).await;
                assert!(offered.is_empty(), "{name} {typed}: {offered:?}");
            }
            let help = person.slash("/help").await.first().await;
            assert!(!help.text().contains("token"), "{}", help.text());
        }
        assert!(
            !world
                .px
                .requests()
                .iter()
                .any(|r| r.path.contains("/token"))
        );
    });
}

#[test]
fn what_one_types_is_completed_for_those_who_may() {
    run(setup(), async |world| {
        let owner = world.person("owner");
        let offered = async |typed: &str| {
            let offered = owner.type_ahead(typed).await;
            offered.into_iter().map(|it| it.name).collect::<Vec<_>>()
        };
        let users = offered("/token list user:").await;
        assert_eq!(users, ["discord@pve", "steward@pve"], "the bot's own");
        assert_eq!(offered("/token list cluster:").await, ["home"]);
        let create = "/token create discord@pve ci";
        assert_eq!(offered(&format!("{create} expires:9")).await, ["90d"]);
        assert_eq!(
            offered(&format!("{create} path:/vms/10")).await[..3],
            ["/vms/101", "/vms/102", "/vms/103"]
        );
        // Read when the bot began.
        assert_eq!(
            offered(&format!("{create} roles:PVEVMUser,pveaud")).await,
            ["PVEVMUser,PVEAuditor"]
        );
        let help = owner.slash("/help").await.first().await;
        assert!(help.text().contains("/token create"), "{}", help.text());
    });
}

/// What is completed at last: typing never waits, so it is asked again until it is known.
async fn completed(world: &World, typed: &str, wanted: &[&str]) {
    let owner = world.person("owner");
    let mut seen = Vec::new();
    for _ in 0..200 {
        let offered = owner.type_ahead(typed).await;
        seen = offered.into_iter().map(|it| it.name).collect::<Vec<_>>();
        if seen == wanted {
            return;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("{typed}: {seen:?}");
}

fn reads_of(world: &World, path: &str) -> usize {
    let reads = world.px.requests();
    reads.iter().filter(|read| read.path == path).count()
}

#[test]
fn the_tokens_that_there_are_are_completed() {
    run(setup(), async |world| {
        for line in [
            "pveum user add backup@pve",
            "pveum acl modify /vms -user backup@pve -role PVEAuditor",
            "pveum user add anna@pve",
        ] {
            world.px.pveum(line).unwrap();
        }
        // Who was given nothing but through a group is one that the token looks after.
        world.px.add_group("family", &["anna@pve"]);
        let users = [
            "discord@pve",
            "steward@pve",
            "anna@pve",
            "backup@pve",
            "root@pam",
        ];
        completed(world, "/token delete user:", &users).await;
        completed(world, "/token list user:back", &users[3..4]).await;
        world.px.add_token("discord@pve!ci", "5c", true);
        world.px.add_token("discord@pve!zeta", "5c", true);
        world.px.expire_token("discord@pve!zeta", Some(1));
        let delete = "/token delete discord@pve name:";
        let (ci, bot) = (
            "ci · never expires",
            "🤖 bot · never expires · the bot's own",
        );
        let owner = world.person("owner");
        assert!(owner.type_ahead(delete).await.is_empty(), "it never waits");
        completed(world, &format!("{delete}C"), &[ci]).await;
        let offered = owner.type_ahead(delete).await;
        let values: Vec<_> = offered.iter().filter_map(|it| it.value.as_str()).collect();
        assert_eq!(values, ["ci", "zeta", "bot"]);
        assert_eq!(offered[2].name, bot);
        assert!(
            offered[1].name.starts_with("zeta · expired "),
            "{offered:?}"
        );
        let path = "/access/users/discord@pve/token";
        assert_eq!(reads_of(world, path), 1, "however many letters");
        // Somebody who is not there has none; what is deleted is not offered any more.
        assert!(
            owner
                .type_ahead("/token delete nobody@pve name:")
                .await
                .is_empty()
        );
        confirmed(world, "/token delete discord@pve zeta", "Delete it")
            .await
            .until("is deleted")
            .await;
        completed(world, delete, &[ci, bot]).await;
        // A new one is to be called otherwise.
        let create = "/token create discord@pve name:";
        assert!(owner.try_type_ahead(create).await.is_err());
    });
}

#[test]
fn a_lockdown_closes_the_question_and_the_command() {
    let rules = format!(
        "{RULES}\n[[allow]]\nwho = [\"friend\"]\nactions = [\"token\"]\nguests = [\"*\"]\nnodes = [\"*\"]\n"
    );
    let setup = Setup::automatic().rules(&rules).token_admin();
    run(setup, async |world| {
        let friend = world.person("friend");
        let asked = friend.slash(CREATE).await;
        let question = asked.first().await;
        let locked = world.person("owner").slash("/access lockdown on").await;
        locked.until("ocked").await;
        asked.until("locked down").await;
        let press = friend
            .press(&question, &question.custom_id("Create it").unwrap())
            .await;
        assert!(said(&press.first().await).contains("This question is closed"));
        assert_snapshot!(said(&friend.slash("/token list").await.first().await), @"
        🔒 only friend
        │ ⛔ No tokens now
        │ The bot is locked down: only people
        │ with access act.
        ");
        assert_eq!(world.writes(), Vec::<String>::new());
    });
}

/// Without a token for it there are no such commands: not registered, not understood, not in help.
#[test]
fn without_a_token_for_it_the_command_does_not_exist() {
    let without = Setup::automatic().rules(RULES);
    run(without, async |world| {
        let guild = world.dc.setup().registers_in[0];
        let registered = world.dc.commands(guild);
        assert!(registered.iter().all(|command| command["name"] != "token"));
        let owner = world.person("owner");
        let help = owner.slash("/help").await.first().await;
        assert!(!help.text().contains("/token"), "{}", help.text());
    });
}

/// Discord still shows what another version had registered.
#[test]
fn a_command_of_another_configuration_is_not_understood() {
    run_without_bot(setup(), async |world| {
        world.start_bot().await;
        world.stop_bot().await.unwrap();
        let text = std::fs::read_to_string(&world.files[0]).unwrap();
        let lines = text.lines().filter(|line| !line.starts_with("admin_token"));
        std::fs::write(&world.files[0], lines.collect::<Vec<_>>().join("\n")).unwrap();
        let options = json!([{"name": "list", "type": 1, "options": []}]);
        world.start_bot().await;
        let owner = world.person("owner");
        let raw = json!({"data": {"name": "token", "options": options}});
        let answer = owner.raw(raw).await;
        let text = said(&answer.first().await);
        assert!(text.contains("I do not know that command"), "{text}");
    });
}

#[test]
fn a_token_under_way_at_a_crash_is_told_of() {
    run(setup(), async |world| {
        let owner = world.person("owner");
        let asked = owner.slash(CREATE).await;
        let question = asked.first().await;
        fault(world, FaultKind::Hang, "POST", "/token/");
        owner.click(&question, "Create it").await;
        asked.until("Confirmed").await;
        world.audited(&["opened token"]).await;
        // It waits ten seconds for what ends soon, and this does not.
        world.stop_bot().await.unwrap();
        world.start_bot().await;
        dismiss(world);
        let told = world
            .dc
            .wait_direct_message("owner", "outcome unknown")
            .await;
        let text = shown(&told);
        let until = text.split_once("until ").unwrap().1;
        let until = until.split_once(',').unwrap().0;
        assert_snapshot!(text.replace(until, "<day>"), @r"
        │ 🟠 token · outcome unknown
        │ create discord\@pve!ci \(home\), until <day>, PVEAuditor on /vms
        │ I did not see how it ended. See
        │ `/token list discord@pve`.
        │ If it was made, its secret is lost.
        │ Then delete it:
        │ `/token delete discord@pve ci`
        │ I was restarted in between.
        ");
        world.audited_last("closed unknown").await;
    });
}
