//! The audit's chain: as it is written, what shows when somebody tampers with it, and where it can
//! be read.

mod support;

use std::collections::BTreeMap;
use std::path::Path;
use std::process::{Command, Output};

use pve_steward::audit::{self, By, Fault, Filter, Head, Note, Noted};
use pve_steward::ids::{GuestRef, UserId};
use pve_steward::store::chain::{self, Hash};
use pve_steward::store::{self, Store};
use rusqlite::Connection;
use serde_json::Value;
use support::{Setup, World, run, shown};

const AUDIT: u64 = 1_100_000_000_000_000_003;
const ALERTS: u64 = 1_100_000_000_000_000_002;

fn channels() -> Setup {
    let mut setup = Setup::automatic();
    setup.discord = format!("audit_channel = {AUDIT}\nalerts_channel = {ALERTS}\n");
    setup
}

fn steward(world: &World, arguments: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_pve-steward"));
    command.arg("--config").arg(&world.files[0]);
    command.args(arguments).output().unwrap()
}

/// Without the warnings about the test's own configuration, whose secrets stand in the file.
fn told(output: &Output) -> String {
    let (out, err) = (&output.stdout, &output.stderr);
    let text = [&out[..], err].concat();
    let lines = String::from_utf8(text).unwrap();
    let lines = lines.split_inclusive('\n');
    lines
        .filter(|line| !line.starts_with("warning: "))
        .collect()
}

fn verify(world: &World, arguments: &[&str]) -> (Option<i32>, String) {
    let output = steward(world, &[&["audit", "verify"], arguments].concat());
    (output.status.code(), told(&output))
}

/// The head that `verify` prints.
fn head(world: &World) -> String {
    let (code, text) = verify(world, &[]);
    assert_eq!(code, Some(0), "{text}");
    let line = text.lines().find_map(|line| line.strip_prefix("Head: "));
    line.expect("a head").to_owned()
}

fn file(world: &World) -> Connection {
    Connection::open(world.dir.path().join("state/steward.db")).unwrap()
}

/// As somebody would who has the file and knows SQL.
fn tamper(world: &World, sql: &str) {
    let open = "DROP TRIGGER audit_never_changes; DROP TRIGGER audit_never_shrinks; \
                PRAGMA foreign_keys = OFF;";
    file(world).execute_batch(&format!("{open} {sql}")).unwrap();
}

/// An act and a refusal: `opened`, `sent`, `closed`, `refused`.
async fn some_entries(world: &World) {
    let max = world.person("max");
    max.slash("/vm start 101").await.until("started").await;
    max.slash("/vm stop 101").await.first().await;
    world
        .audited(&[
            "opened start 101",
            "sent",
            "closed done",
            "refused stop 101",
        ])
        .await;
}

#[test]
fn what_the_bot_writes_is_a_chain_that_fits() {
    run(Setup::automatic(), async |world| {
        assert_eq!(
            verify(world, &[]),
            (Some(0), "The audit has no entries yet.\n".to_owned())
        );
        some_entries(world).await;
        let (code, text) = verify(world, &[]);
        assert_eq!(code, Some(0), "{text}");
        assert!(text.starts_with("4 entries, each as it was written.\nHead: 4:"));
        let noted = head(world);
        world
            .person("max")
            .slash("/vm stop 101")
            .await
            .first()
            .await;
        world.audited_last("refused stop 101").await;
        assert_eq!(verify(world, &["--head", &noted]).0, Some(0));
    });
}

#[test]
fn everything_is_exported_as_json_lines() {
    run(Setup::automatic(), async |world| {
        some_entries(world).await;
        let output = steward(world, &["audit", "export"]);
        assert_eq!(output.status.code(), Some(0), "{}", told(&output));
        let lines: Vec<Value> = String::from_utf8(output.stdout)
            .unwrap()
            .lines()
            .map(|line| serde_json::from_str(line).unwrap())
            .collect();
        assert_eq!(lines.len(), 4);
        let opened = &lines[0];
        assert_eq!(opened["seq"], 1);
        assert_eq!(opened["event"], "opened");
        assert_eq!(opened["user_id"], "80351110224678912");
        assert_eq!(opened["vmid"], 101);
        assert_eq!(opened["public"], true);
        assert_eq!(opened["subject"], Value::Null);
        assert!(opened["at"].as_str().unwrap().ends_with('Z'));
        assert_eq!(lines[2]["entry"], 1);
        assert_eq!(lines[2]["outcome"], "done");
        let last = head(world);
        assert_eq!(format!("4:{}", lines[3]["hash"].as_str().unwrap()), last);
        let file = world.dir.path().join("audit.jsonl");
        let to = file.to_str().unwrap();
        for (since, lines) in [("1h", 4), ("2020-01-31", 4), ("2099-12-31", 0)] {
            let output = steward(world, &["audit", "export", "--since", since, "-o", to]);
            assert_eq!(output.status.code(), Some(0), "{}", told(&output));
            let written = std::fs::read_to_string(&file).unwrap();
            assert_eq!(written.lines().count(), lines, "{since}");
        }
        let output = steward(world, &["audit", "export", "--since", "yesterday"]);
        assert_eq!(output.status.code(), Some(2));
    });
}

#[test]
fn an_entry_that_was_changed_shows() {
    run(Setup::automatic(), async |world| {
        some_entries(world).await;
        tamper(world, "UPDATE audit SET outcome = 'failed' WHERE seq = 3");
        let (code, text) = verify(world, &[]);
        assert_eq!(code, Some(1));
        insta::assert_snapshot!(text, @"
        The audit is not as it was written.
        Entry 3 does not fit its hash: it or the entry before it was changed.
        ");
    });
}

#[test]
fn an_entry_that_was_taken_out_shows() {
    run(Setup::automatic(), async |world| {
        some_entries(world).await;
        tamper(world, "DELETE FROM audit WHERE seq = 2");
        let (code, text) = verify(world, &[]);
        assert_eq!(code, Some(1));
        insta::assert_snapshot!(text, @"
        The audit is not as it was written.
        Entry 2 is missing, though there are later ones.
        ");
    });
}

#[test]
fn an_end_that_was_cut_off_shows() {
    run(Setup::automatic(), async |world| {
        some_entries(world).await;
        let noted = head(world);
        tamper(world, "DELETE FROM audit WHERE seq > 2");
        let (code, text) = verify(world, &[]);
        assert_eq!(code, Some(1));
        insta::assert_snapshot!(text, @"
        The audit is not as it was written.
        Entries 3 to 4 are missing: the end was cut off.
        ");
        // Whoever knows of the counter sets it back, but does not know what somebody wrote down.
        let counter = "UPDATE sqlite_sequence SET seq = 2 WHERE name = 'audit'";
        file(world).execute_batch(counter).unwrap();
        assert_eq!(verify(world, &[]).0, Some(0));
        assert_eq!(verify(world, &["--head", &noted]), (Some(1), text));
        assert_eq!(verify(world, &["--head", "4:zz"]).0, Some(2));
        // Two new entries fill the gap: the chain fits again, but not with what was written down.
        let max = world.person("max");
        max.slash("/vm stop 101").await.first().await;
        max.slash("/vm stop 101").await.first().await;
        let rows = ["refused stop 101", "refused stop 101"];
        world
            .audited(&[&["opened start 101", "sent"], &rows[..]].concat())
            .await;
        assert_eq!(verify(world, &[]).0, Some(0));
        let (code, text) = verify(world, &["--head", &noted]);
        assert_eq!(code, Some(1));
        insta::assert_snapshot!(text, @"
        The audit is not as it was written.
        Entry 4 has another hash than the head given: the audit was rewritten.
        ");
    });
}

#[test]
fn without_a_store_there_is_nothing_to_verify() {
    support::run_without_bot(Setup::default(), async |world| {
        let (code, text) = verify(world, &[]);
        assert_eq!(code, Some(75));
        assert!(text.contains("cannot be read"), "{text}");
    });
}

/// A file as version 1 wrote it.
fn version_1(dir: &Path) -> Vec<String> {
    let db = Connection::open(dir.join("steward.db")).unwrap();
    db.execute_batch(include_str!("../src/store/001_audit.sql"))
        .unwrap();
    db.execute_batch(
        "INSERT INTO audit (event, at_ms, interaction, user_id, user_name, guild, channel, action, \
                            cluster, vmid, kind, node, guest_name, rule, public) \
         VALUES ('opened', 1000, 11, -7, 'märz \"x\"', 5, 6, 'start', 'home', 101, 'vm', 'pve1', \
                 'valheim', 'allow at a:1', 1); \
         INSERT INTO audit (event, at_ms, entry, upid) VALUES ('sent', 2000, 1, 'UPID:'); \
         INSERT INTO audit (event, at_ms, entry, outcome) VALUES ('closed', 3000, 1, 'done'); \
         INSERT INTO audit (event, at_ms, user_id, rule) VALUES ('refused', 4000, 8, 'no rule'); \
         PRAGMA user_version = 1;",
    )
    .unwrap();
    rows(&db)
}

/// All that version 1 knew.
fn rows(db: &Connection) -> Vec<String> {
    let columns = "seq, event, at_ms, entry, interaction, user_id, user_name, guild, channel, \
                   action, cluster, vmid, kind, node, guest_name, rule, public, upid, outcome, detail";
    let mut query = db
        .prepare(&format!("SELECT {columns} FROM audit ORDER BY seq"))
        .unwrap();
    let row = |row: &rusqlite::Row<'_>| {
        let value = |at| row.get_ref(at).map(|value| format!("{value:?}"));
        (0..20).map(value).collect::<Result<Vec<_>, _>>()
    };
    let rows = query.query_map([], row).unwrap();
    rows.map(|row| row.unwrap().join(" ")).collect()
}

#[tokio::test]
async fn what_version_1_wrote_is_kept_and_linked() {
    let dir = tempfile::tempdir().unwrap();
    let before = version_1(dir.path());
    let store = Store::open(dir.path()).unwrap();
    let db = store::open_to_read(dir.path()).unwrap();
    assert_eq!(rows(&db), before);
    let verified = audit::verify(&db, None).unwrap();
    assert_eq!((verified.entries, verified.fault), (4, None));
    let note = Note::new(Noted::Locked, "lockdown");
    assert_eq!(audit::note(&store, note).await.unwrap(), 5);
    assert_eq!(audit::verify(&db, verified.head).unwrap().entries, 5);
    drop(store);
    let again = Store::open(dir.path()).unwrap();
    assert_eq!(audit::end(&again).await.unwrap(), 5);
}

fn on_101(event: Noted) -> Note {
    let guest = GuestRef {
        cluster: "home".parse().unwrap(),
        vmid: "101".parse().unwrap(),
    };
    Note::new(event, "start").on(guest, Some("valheim".to_owned()))
}

#[tokio::test]
async fn a_note_and_what_it_is_about_are_one_transaction() {
    let dir = tempfile::tempdir().unwrap();
    let store = Store::open(dir.path()).unwrap();
    let owner = By {
        user: UserId(u64::MAX),
        name: "owner".to_owned(),
        guild: None,
        channel: None,
    };
    let note = on_101(Noted::Granted)
        .by(owner)
        .concerning(UserId(9))
        .until_ms(5000)
        .saying("for the evening");
    let given_up = note.clone();
    store
        .run(move |db| audit::insert_note(&db.transaction()?, &given_up))
        .await
        .unwrap();
    assert_eq!(audit::end(&store).await.unwrap(), 0);
    let kept = note.clone();
    let kept = store.run(move |db| {
        let tx = db.transaction()?;
        tx.execute("INSERT INTO marks VALUES ('grant', 1)", [])?;
        let seq = audit::insert_note(&tx, &kept)?;
        tx.commit()?;
        Ok(seq)
    });
    assert_eq!(kept.await.unwrap(), 1);
    let line = audit::after(&store, 0, 10).await.unwrap().remove(0);
    assert_eq!(line.user, Some(UserId(u64::MAX)));
    assert_eq!(line.subject, Some(UserId(9)));
    assert_eq!(line.guest, note.guest.map(|(guest, _)| guest));
    assert_eq!((line.ends_ms, line.detail), (Some(5000), note.detail));
}

#[tokio::test]
async fn a_chain_that_begins_anew_shows() {
    let dir = tempfile::tempdir().unwrap();
    let store = Store::open(dir.path()).unwrap();
    audit::note(&store, Note::new(Noted::Locked, "lockdown"))
        .await
        .unwrap();
    let db = Connection::open(dir.path().join("steward.db")).unwrap();
    let forged = BTreeMap::from([
        ("at_ms", 5.into()),
        ("event", "unlocked".into()),
        ("seq", 2.into()),
    ]);
    let hash = chain::link(Hash::BEGINNING, &forged);
    let insert = "INSERT INTO audit (seq, event, at_ms, hash) VALUES (2, 'unlocked', 5, ?1)";
    db.execute(insert, [hash.0]).unwrap();
    let fault = |noted| audit::verify(&db, noted).unwrap().fault;
    assert_eq!(fault(None), Some(Fault::Restarted { seq: 2 }));
    let other = Head { seq: 1, hash };
    assert_eq!(fault(Some(other)), Some(Fault::Rewritten { seq: 1 }));
}

#[test]
fn acts_and_refusals_are_looked_up_as_one_line_each() {
    run(Setup::automatic(), async |world| {
        some_entries(world).await;
        let owner = world.person("owner");
        owner
            .slash("/vm shutdown 101")
            .await
            .until("shut down")
            .await;
        world.audited_last("closed done").await;
        let store = Store::open(&world.dir.path().join("state")).unwrap();
        let page = async |filter: &Filter, before| {
            let lines = audit::page(&store, filter, before, 2).await.unwrap();
            let line = |line: audit::Line| {
                let action = line.action.unwrap_or_default();
                let ending = line.ending.map(|ending| format!(" {ending:?}"));
                let event = line.event.word();
                format!(
                    "{} {event} {action}{}",
                    line.seq,
                    ending.unwrap_or_default()
                )
            };
            lines.into_iter().map(line).collect::<Vec<_>>()
        };
        let all = Filter::default();
        assert_eq!(
            page(&all, None).await,
            ["5 opened shutdown Done", "4 refused stop"]
        );
        assert_eq!(page(&all, Some(4)).await, ["1 opened start Done"]);
        let refused = Filter {
            refused: Some(true),
            since_ms: Some(0),
            ..Filter::default()
        };
        assert_eq!(page(&refused, None).await, ["4 refused stop"]);
        let by_owner = Filter {
            user: Some(UserId(owner.id())),
            guest: audit::after(&store, 0, 1).await.unwrap().remove(0).guest,
            ..Filter::default()
        };
        assert_eq!(page(&by_owner, None).await, ["5 opened shutdown Done"]);
        let stops = Filter {
            of: Some(audit::Of::Action("stop".to_owned())),
            ..Filter::default()
        };
        assert_eq!(page(&stops, None).await, ["4 refused stop"]);
        let raw = audit::after(&store, 1, 10).await.unwrap();
        assert_eq!(raw[1].guest_name.as_deref(), Some("valheim"));
        assert_eq!(raw[1].user, Some(UserId(world.person("max").id())));
        let uses = audit::uses(&store, 0).await.unwrap();
        let counted = |act: &audit::Use| (act.action.clone(), act.rule_key);
        assert_eq!(
            uses.iter().map(counted).collect::<Vec<_>>(),
            [("start".to_owned(), None), ("shutdown".to_owned(), None)]
        );
    });
}

#[test]
fn an_act_counts_for_the_rule_with_the_limit() {
    let rules = support::RULES.replace(
        "guests = [\"tag:games\"]",
        "guests = [\"tag:games\"]\nlimit = \"5 per hour\"",
    );
    run(Setup::automatic().rules(&rules), async |world| {
        some_entries(world).await;
        let store = Store::open(&world.dir.path().join("state")).unwrap();
        let uses = audit::uses(&store, 0).await.unwrap();
        assert!(uses[0].rule_key.is_some(), "{uses:?}");
        assert_eq!(audit::uses(&store, i64::MAX).await.unwrap(), []);
    });
}

#[test]
fn the_audit_channel_shows_acts_and_refusals() {
    run(channels(), async |world| {
        let stranger = world.person("stranger");
        stranger.slash("/vm start 101").await.first().await;
        let refused = world.dc.wait_channel_message(AUDIT, "⛔").await;
        insta::assert_snapshot!(shown(&refused), @"
        │ 📒 Audit
        │ ⛔ <time> <@80351110224678999> start 101: no such guest, or not visible
        │ — home
        ");
        let max = world.person("max");
        max.slash("/vm start 101").await.until("started").await;
        let done = world.dc.wait_channel_message(AUDIT, "▶️").await;
        insta::assert_snapshot!(shown(&done), @"
        │ 📒 Audit
        │ ▶️ <time> <@80351110224678912> start 101 valheim: done
        │ — home
        ");
    });
}

#[test]
fn the_audit_channel_says_which_snapshot() {
    run(channels(), async |world| {
        let owner = world.person("owner");
        let taken = owner.slash("/snapshot create 101 name:before-mods2").await;
        taken.until("done ").await;
        let done = world.dc.wait_channel_message(AUDIT, "▶️").await;
        let line = "snapshot.create 101 valheim before-mods2: done";
        assert!(done.text().contains(line), "{}", done.text());
    });
}

#[test]
fn the_audit_channel_goes_on_where_it_was() {
    run(channels(), async |world| {
        let stranger = world.person("stranger");
        stranger.slash("/vm start 101").await.first().await;
        world.dc.wait_channel_message(AUDIT, "⛔").await;
        world.stop_bot().await.unwrap();
        // What is noted while nobody reads along is shown later, and nothing twice.
        let store = Store::open(&world.dir.path().join("state")).unwrap();
        audit::note(&store, Note::new(Noted::Locked, "lockdown"))
            .await
            .unwrap();
        world.start_bot().await;
        let later = world.dc.wait_channel_message(AUDIT, "🔒").await;
        assert!(!later.text().contains("⛔"), "{}", later.text());
        assert_eq!(world.dc.channel_messages(AUDIT).len(), 2);
    });
}

#[test]
fn somebody_who_is_refused_again_and_again_is_told_of_once() {
    run(channels(), async |world| {
        let friend = world.person("friend");
        for _ in 0..5 {
            friend.slash("/vm stop 101").await.first().await;
        }
        let alert = world
            .dc
            .wait_channel_message(ALERTS, "again and again")
            .await;
        insta::assert_snapshot!(shown(&alert), @"
        │ ⛔ Refused again and again
        │ <@80351110224678913> was refused 5 times
        │ within 10 min. Nothing was done.
        │ Last tried <time>:
        │ stop home/101: no rule
        │ I say this once a day per person;
        │ the audit has the rest.
        ");
        // A restart does not make it news again.
        world.stop_bot().await.unwrap();
        world.start_bot().await;
        for _ in 0..6 {
            friend.slash("/vm stop 102").await.first().await;
        }
        let mut mirrored = 0;
        while mirrored < 11 {
            tokio::time::sleep(std::time::Duration::from_millis(100)).await;
            let cards = world.dc.channel_messages(AUDIT);
            mirrored = cards
                .iter()
                .map(|card| card.text().matches('⛔').count())
                .sum();
        }
        assert_eq!(world.dc.channel_messages(ALERTS).len(), 1);
    });
}

/// To whom everything is shown, nothing is hidden: what is not there was mistyped.
#[test]
fn what_the_owner_mistypes_is_no_refusal() {
    run(channels(), async |world| {
        let owner = world.person("owner");
        for _ in 0..5 {
            owner.slash("/vm start 999").await.first().await;
        }
        owner.slash("/vm start webb").await.first().await;
        owner.slash("/node status pve9").await.first().await;
        let mut told = String::new();
        while !told.contains("pve9") {
            tokio::time::sleep(std::time::Duration::from_millis(100)).await;
            let cards = world.dc.channel_messages(AUDIT);
            told = cards.iter().map(shown).collect::<Vec<_>>().join("\n");
        }
        assert!(!told.contains('⛔'), "{told}");
        for line in ["start 999: not found", "start: not found: webb"] {
            assert!(told.contains(line), "{told}");
        }
        let page = owner.slash("/audit refused:true").await.settled().await;
        assert!(page.text().contains("nothing like that"), "{}", page.text());
        let page = owner.slash("/audit refused:false").await.settled().await;
        assert!(page.text().contains("start 999"), "{}", page.text());
        assert_eq!(world.dc.channel_messages(ALERTS).len(), 0);
    });
}

/// One guest that is taken away, or a rule for some guests only, and what is not found may be hidden.
#[test]
fn where_something_is_hidden_a_miss_is_a_refusal() {
    let rules = r#"
        [people]
        friend = 80351110224678913
        max = 80351110224678912
        [[allow]]
        who = ["friend"]
        actions = ["*"]
        guests = ["*"]
        [[deny]]
        who = ["friend"]
        actions = ["*"]
        guests = ["tag:prod"]
        [[allow]]
        who = ["max"]
        actions = ["view"]
        guests = ["vm"]
    "#;
    run(Setup::automatic().rules(rules), async |world| {
        for who in ["friend", "max"] {
            let person = world.person(who);
            person.slash("/vm start 999").await.first().await;
            person.slash("/node status pve9").await.first().await;
        }
        world.audited_last("refused node.status").await;
        let exported = told(&steward(world, &["audit", "export"]));
        assert_eq!(exported.matches("not visible").count(), 4, "{exported}");
    });
}

/// Whoever tries what they may not see learns nothing; the owner reads what they tried.
#[test]
fn what_was_asked_for_and_not_shown_stands_in_the_audit() {
    run(Setup::automatic(), async |world| {
        let stranger = world.person("stranger");
        for (text, told) in [
            ("/vm start 103", "No guest 103"),
            ("/vm start 999", "No guest 999"),
            ("/vm start next-cloud", "No guest next-cloud"),
            ("/node status pve9", "No node pve9"),
        ] {
            let said = stranger.slash(text).await.first().await;
            assert!(said.text().contains(told), "{}", said.text());
        }
        world
            .audited(&[
                "refused start 103",
                "refused start 999",
                "refused start",
                "refused node.status",
            ])
            .await;
        let exported = told(&steward(world, &["audit", "export"]));
        for asked in ["not visible: next-cloud", "not visible: pve9", "999"] {
            assert!(exported.contains(asked), "{asked}\n{exported}");
        }
        let page = world
            .person("owner")
            .slash("/audit")
            .await
            .settled()
            .await
            .text();
        for asked in ["103", "999", "next-cloud", "pve9"] {
            assert!(page.contains(asked), "{asked}\n{page}");
        }
    });
}

/// What fails before Proxmox is asked is an act all the same, and no refusal of the person.
#[test]
fn what_failed_before_proxmox_was_asked_is_in_the_audit() {
    run(channels(), async |world| {
        let owner = world.person("owner");
        world.px.fault_by_name("node-down");
        world.next_snapshot().await;
        for text in [
            "/vm start 102",
            "/vm stop 102",
            "/backup run 102 storage:nas",
            "/snapshot create 102 name:tonight",
            "/vm reboot 102",
        ] {
            owner.slash(text).await.until("is offline").await;
        }
        world.px.clear_faults();
        owner.slash("/vm start 107").await.until("locked").await;
        world.px.fault_by_name("all-down");
        let away = owner.slash("/vm start 101").await;
        away.follow_up("cannot be read now").await;
        let seen = world.dc.wait_channel_message(AUDIT, "start 101").await;
        assert!(seen.text().contains("could not be read"), "{}", seen.text());
        world.px.clear_faults();
        let acts =
            "start 102,stop 102,backup.run 102,snapshot.create 102,reboot 102,start 107,start 101";
        let rows = acts.split(',').map(|act| format!("opened {act}"));
        let rows: Vec<String> = rows
            .flat_map(|row| [row, "closed not sent".into()])
            .collect();
        assert_eq!(world.audit(), rows);
        let page = owner.slash("/audit").await.settled().await;
        insta::assert_snapshot!(shown(&page), @"
        🔒 only owner
        │ 📒 Audit
        │ **<time>**
        │ ⚪ <time> <@184405311681986560> start 101 valheim: not sent (it could not be read)
        │ ⚪ <time> <@184405311681986560> start 107 backup-me: not sent (locked: backup)
        │ ⚪ <time> <@184405311681986560> reboot 102 minecraft: not sent (node pve2 could not be read: 595)
        │ ⚪ <time> <@184405311681986560> snapshot.create 102 minecraft tonight: not sent (node pve2 could not be read: 595)
        │ ⚪ <time> <@184405311681986560> backup.run 102 minecraft to nas, mode snapshot: not sent (node pve2 could not be read: 595)
        │ ⚪ <time> <@184405311681986560> stop 102 minecraft: not sent (node pve2 could not be read: 595)
        │ ⚪ <time> <@184405311681986560> start 102 minecraft: not sent (node pve2 could not be read: 595)
        │ — home
        ");
        let store = Store::open(&world.dir.path().join("state")).unwrap();
        assert_eq!(
            audit::uses(&store, 0).await.unwrap(),
            [],
            "no limit counts it"
        );
        assert_eq!(world.writes(), Vec::<String>::new());
        assert!(world.dc.channel_messages(ALERTS).is_empty());
        let (code, told) = verify(world, &[]);
        assert_eq!(code, Some(0), "{told}");
    });
}
