//! `pve-steward setup`, as it is released, between a strict Proxmox and a strict Discord.

mod support;

use std::collections::BTreeMap;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::pin::Pin;
use std::process::Stdio;
use std::time::Duration;

use fake_discord::setup::{ALERTS, APPROVALS, AUDIT, BOT_CHANNEL, ELSEWHERE, HOME, OTHER};
use support::binary::{text, told};
use support::{Setup, World, run_without_bot};
use tokio::io::{AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::process::{Child, ChildStdout, Command};

const OWNER: u64 = 184_405_311_681_986_560;
/// What is asked behind the bot's own token.
const SECOND: &str = "Shall people manage API tokens from Discord (/token)? [no]: ";
const WRONG: &str = "00000000-0000-4000-8000-000000000000";

/// The folder that is set up.
fn folder(world: &World) -> PathBuf {
    world.dir.path().join("etc")
}

fn setup(world: &World, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_pve-steward"));
    command.arg("setup").arg("--dir").arg(folder(world));
    command
        .arg("--state-dir")
        .arg(world.dir.path().join("state"));
    command.arg("--discord-api-url").arg(world.dc.url());
    command.args(arguments);
    command
        .env("TZ", "Europe/Berlin")
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true);
    command
}

/// Options that answer every question, by their names.
struct Answers(BTreeMap<&'static str, String>);

impl Answers {
    fn new(world: &World) -> Self {
        let dir = world.dir.path();
        let file = |name: &str, content: &str| {
            let path = dir.join(name);
            std::fs::write(&path, content).unwrap();
            path.display().to_string()
        };
        Self(BTreeMap::from([
            ("--endpoint", world.px.url_of("pve1")),
            ("--ca-file", file("given-ca.pem", &world.px.ca_pem())),
            ("--token-id", world.px.token_id()),
            (
                "--token-secret-file",
                file("given-pve", &world.px.token_secret()),
            ),
            (
                "--discord-token-file",
                file("given-discord", &world.dc.token()),
            ),
            ("--guild", HOME.to_string()),
            ("--owner", OWNER.to_string()),
        ]))
    }

    fn with(mut self, option: &'static str, value: &str) -> Self {
        self.0.insert(option, value.to_owned());
        self
    }

    fn without(mut self, option: &str) -> Self {
        self.0.remove(option);
        self
    }

    fn words(&self) -> Vec<&str> {
        let pairs = self.0.iter();
        pairs
            .flat_map(|(option, value)| [*option, value.as_str()])
            .collect()
    }

    fn setup(&self, world: &World) -> Command {
        let mut words = vec!["--yes"];
        words.extend(self.words());
        setup(world, &words)
    }
}

/// Everything in the folder: name, mode, content.
fn files(world: &World) -> BTreeMap<String, (u32, String)> {
    let Ok(entries) = std::fs::read_dir(folder(world)) else {
        return BTreeMap::new();
    };
    let entries = entries.map(|entry| {
        let path = entry.unwrap().path();
        let mode = std::fs::metadata(&path).unwrap().permissions().mode() & 0o777;
        let name = path.file_name().unwrap().to_str().unwrap().to_owned();
        (name, (mode, std::fs::read_to_string(&path).unwrap()))
    });
    entries.collect()
}

fn config_file(world: &World) -> PathBuf {
    folder(world).join("steward.toml")
}

#[track_caller]
fn says(said: &str, parts: &[&str]) {
    for part in parts {
        assert!(said.contains(part), "{part}\n---\n{said}");
    }
}

#[track_caller]
fn no_secret_in(said: &str, world: &World) {
    for secret in [
        world.px.token_secret(),
        world.dc.token(),
        WRONG.to_owned(),
        support::ADMIN_SECRET.to_owned(),
    ] {
        assert!(!said.contains(&secret), "{said}");
    }
}

/// A person at the terminal, by way of pipes.
struct Talk {
    child: Child,
    stdin: Option<Pin<Box<dyn AsyncWrite>>>,
    stdout: ChildStdout,
    said: String,
    /// Up to here it was looked at.
    read: usize,
}

impl Talk {
    fn start(mut command: Command) -> Self {
        let mut child = command.stdin(Stdio::piped()).spawn().unwrap();
        let stdin = child.stdin.take().unwrap();
        Self::with(child, Box::pin(stdin))
    }

    fn with(mut child: Child, stdin: Pin<Box<dyn AsyncWrite>>) -> Self {
        Self {
            stdin: Some(stdin),
            stdout: child.stdout.take().unwrap(),
            child,
            said: String::new(),
            read: 0,
        }
    }

    /// Until it has said this, after what was looked at before.
    async fn hears(&mut self, part: &str) -> &mut Self {
        let mut buffer = [0; 4096];
        loop {
            if let Some(at) = self.said[self.read..].find(part) {
                self.read += at + part.len();
                return self;
            }
            let most = tokio::time::timeout(Duration::from_secs(20), self.stdout.read(&mut buffer));
            let count = most.await.ok().map_or(0, Result::unwrap);
            assert!(count > 0, "never said: {part}\n---\n{}", self.said);
            self.said
                .push_str(&String::from_utf8_lossy(&buffer[..count]));
        }
    }

    async fn types(&mut self, line: &str) -> &mut Self {
        let stdin = self.stdin.as_mut().unwrap();
        let line = format!("{line}\n");
        stdin.write_all(line.as_bytes()).await.unwrap();
        stdin.flush().await.unwrap();
        self
    }

    /// Waits for a question and answers it.
    async fn answers(&mut self, asked: &[(&str, &str)]) -> &mut Self {
        for (question, answer) in asked {
            self.hears(question).await.types(answer).await;
        }
        self
    }

    /// No more is typed; all that it said, and its exit code.
    async fn ends(mut self) -> (String, Option<i32>) {
        drop(self.stdin.take());
        self.ended().await
    }

    /// The same by a signal, while more could be typed.
    async fn ends_by(self, signal: &str) -> (String, Option<i32>) {
        let id = self.child.id().unwrap().to_string();
        let mut kill = std::process::Command::new("kill");
        assert!(kill.args([signal, &id]).status().unwrap().success());
        self.ended().await
    }

    async fn ended(mut self) -> (String, Option<i32>) {
        let rest = async {
            self.stdout.read_to_string(&mut self.said).await.unwrap();
            self.child.wait_with_output().await.unwrap()
        };
        let output = tokio::time::timeout(Duration::from_secs(40), rest).await;
        let output = output.expect("it ends");
        (self.said + &text(&output.stderr), output.status.code())
    }
}

#[test]
fn without_questions_everything_is_written_tried_and_checked() {
    run_without_bot(Setup::default(), async |world| {
        let answers = Answers::new(world)
            .with("--commands-channel", &BOT_CHANNEL.to_string())
            .with("--approvals-channel", &APPROVALS.to_string())
            .with("--alerts-channel", &ALERTS.to_string())
            .with("--audit-channel", &AUDIT.to_string());
        let (said, code) = told(&mut answers.setup(world)).await;
        assert_eq!(code, Some(0), "{said}");
        says(
            &said,
            &[
                "ok   home: Proxmox VE 9.2",
                "The token belongs to steward.",
                "ok   configuration: 1 rule",
                "ok   Discord: server 1000000000000000000 is Homelab",
                "steward.toml run",
            ],
        );
        no_secret_in(&said, world);
        let files = files(world);
        let modes: Vec<(&str, u32)> = files
            .iter()
            .map(|(name, it)| (name.as_str(), it.0))
            .collect();
        assert_eq!(
            modes,
            [
                ("discord_token", 0o600),
                ("pve-root-ca.pem", 0o644),
                ("pve_token", 0o600),
                ("steward.toml", 0o644),
            ]
        );
        assert_eq!(files["discord_token"].1.trim(), world.dc.token());
        assert_eq!(files["pve_token"].1.trim(), world.px.token_secret());
        no_secret_in(&files["steward.toml"].1, world);
        assert_eq!(world.writes(), Vec::<String>::new());
        assert_eq!(world.dc.registrations(), 0, "it changes nothing in Discord");
    });
}

#[test]
fn the_file_is_short_and_says_what_its_lines_are_for() {
    run_without_bot(Setup::default(), async |world| {
        let answers = Answers::new(world).with("--audit-channel", &AUDIT.to_string());
        told(&mut answers.setup(world)).await;
        let files = files(world);
        let shown = files["steward.toml"].1.clone();
        let shown = shown.replace(&world.dir.path().display().to_string(), "/tmp/x");
        let shown = shown.replace(&world.px.url_of("pve1"), "https://pve1:8006");
        let shown = shown.replace(&world.dc.url(), "http://discord");
        insta::assert_snapshot!(shown, @r##"
        # Written by `pve-steward setup`, which can be run again to change one thing. By hand it is as good:
        # config/example.toml has every setting there is, and `pve-steward check` says whether all is well.

        [discord]
        # A file that holds the bot's token and nothing else.
        token_file = "/tmp/x/etc/discord_token"
        # The servers in which the bot listens. Everywhere else it is deaf.
        guilds = [1000000000000000000]
        # Where the audit can be read along.
        audit_channel = 1100000000000000003
        api_url = "http://discord"

        [bot]
        # Where the bot keeps what must survive a restart.
        state_dir = "/tmp/x/state"
        # Whose clock is meant by `hours` in rules and by "until tomorrow".
        time_zone = "Europe/Berlin"

        [[cluster]]
        name = "home"
        # The addresses of the nodes. With several, the bot goes on when one is down.
        endpoints = ["https://pve1:8006"]
        # The API token of Proxmox, and a file that holds its secret and nothing else.
        token_id = "discord@pve!bot"
        token_secret_file = "/tmp/x/etc/pve_token"
        # How the bot knows that it talks to your Proxmox: by the cluster's own authority.
        ca_file = "/tmp/x/etc/pve-root-ca.pem"

        # Names for people and roles; rules use the names.
        [people]
        owner = 184405311681986560

        [roles]

        # What no rule allows is refused. The owner may do everything; rules for others go below, and
        # config/policies/ has whole policies to copy from.
        [[allow]]
        who = ["owner"]
        actions = ["*"]
        guests = ["*"]
        nodes = ["*"]
        "##);
    });
}

#[test]
fn without_questions_all_that_is_missing_is_named_at_once() {
    run_without_bot(Setup::default(), async |world| {
        let (said, code) = told(&mut setup(world, &["--yes"])).await;
        assert_eq!(code, Some(78), "{said}");
        says(
            &said,
            &[
                "--endpoint\n",
                "--ca-file, --fingerprint or --public-roots\n",
                "--token-id\n",
                "--token-secret-file\n",
                "--discord-token-file\n",
                "--guild\n",
                "--owner\n",
                "Nothing was written.",
            ],
        );
        assert!(!folder(world).exists());
        assert!(world.px.requests().is_empty() && world.dc.requests().is_empty());
        let answers = Answers::new(world).without("--owner");
        let (said, code) = told(&mut answers.setup(world)).await;
        assert_eq!(code, Some(78), "{said}");
        assert!(
            said.contains("--owner") && !said.contains("--guild"),
            "{said}"
        );
    });
}

#[test]
fn an_answered_dialogue_writes_the_same() {
    run_without_bot(Setup::default(), async |world| {
        let mut talk = Talk::start(setup(world, &[]));
        answer_about_proxmox(&mut talk, world).await;
        answer_about_discord(&mut talk, world).await;
        talk.answers(&[("Write this? [yes]: ", "")]).await;
        let (said, code) = talk.ends().await;
        assert_eq!(code, Some(0), "{said}");
        let scopes = "scope=bot+applications.commands";
        says(&said, &[scopes, "ok   home: Proxmox VE 9.2", "#approvals"]);
        no_secret_in(&said, world);
        let files = files(world);
        assert_eq!(files.len(), 4, "{files:?}");
        let file = &files["steward.toml"].1;
        says(
            file,
            &[
                &format!("channels = [{BOT_CHANNEL}]"),
                &format!("approvals_channel = {APPROVALS}"),
                &format!("alerts_channel = {ALERTS}"),
                &format!("owner = {OWNER}"),
                "time_zone = \"Europe/Berlin\"",
            ],
        );
        assert!(!file.contains("audit_channel"), "{file}");
    });
}

/// With a mistake at nearly every question.
async fn answer_about_proxmox(talk: &mut Talk, world: &World) {
    let px = world.px.token_secret();
    let ca = world.dir.path().join("ca.pem").display().to_string();
    let bare = world.px.url_of("pve1").replace("https://", "");
    talk.answers(&[
        ("Address of a node, or of several: ", "http://pve1"),
        ("  `http://pve1` is no address of a node", &bare),
    ])
    .await;
    talk.hears(&world.px.fingerprint("pve1"))
        .await
        .hears("pvenode cert info")
        .await;
    talk.answers(&[
        ("your Proxmox? ", "9"),
        ("Type a number from 1 to 2", "1"),
        (
            "Path of the copy on this machine (Enter: choose again): ",
            "",
        ),
        ("your Proxmox? ", "1"),
        ("Path of the copy on this machine", "/nowhere/ca.pem"),
        ("Is /nowhere/ca.pem the right file?", &ca),
        ("Token id [discord@pve!bot]: ", ""),
        (
            "pveum user token add discord@pve bot -privsep 1",
            &format!("x={px}"),
        ),
        ("Only what follows the `=` is the secret.", &px),
        (SECOND, "maybe"),
        ("Type yes or no.", ""),
    ])
    .await;
}

async fn answer_about_discord(talk: &mut Talk, world: &World) {
    talk.answers(&[("Token of the bot (not shown): ", &world.dc.token())])
        .await;
    talk.hears("permissions=52224").await;
    talk.answers(&[
        ("In which server shall it listen (several: 1 2): ", "1"),
        ("Commands only in (number; none: everywhere) [none]: ", "1"),
        ("Requests are decided in", "2"),
        ("What needs looking at is said in", &ALERTS.to_string()),
        ("The audit can be read along in [none]: ", "77"),
        (
            "Type a number from 1 to 5, the id of one of these channels, or none.",
            "",
        ),
        ("The application belongs to owner", ""),
        (
            "Time zone, for hours and \"until tomorrow\" [Europe/Berlin]: ",
            "",
        ),
    ])
    .await;
}

#[test]
fn a_certificate_is_pinned_only_after_it_was_compared() {
    run_without_bot(Setup::default(), async |world| {
        let answers = Answers::new(world).without("--ca-file");
        let words = answers.words();
        let mut talk = Talk::start(setup(world, &words));
        talk.answers(&[
            ("Proxmox?", "2"),
            ("Are they the same as on the nodes? [no]: ", ""),
            ("Nothing is pinned that was not seen and compared.", "2"),
            ("Are they the same as on the nodes? [no]: ", "yes"),
        ])
        .await;
        for question in [
            SECOND,
            "Commands",
            "Requests",
            "What needs",
            "The audit",
            "Time zone",
            "Write",
        ] {
            talk.answers(&[(question, "")]).await;
        }
        let (said, code) = talk.ends().await;
        assert_eq!(code, Some(0), "{said}");
        let pin = format!("fingerprints = [\"{}\"]", world.px.fingerprint("pve1"));
        says(&files(world)["steward.toml"].1, &[&pin]);
        assert!(
            !said.contains("by public authorities"),
            "nobody vouches for it\n{said}"
        );
    });
}

#[test]
fn a_wrong_fingerprint_sends_no_token_and_writes_nothing() {
    run_without_bot(Setup::default(), async |world| {
        let answers = Answers::new(world).without("--ca-file");
        let (said, code) =
            told(&mut answers.with("--fingerprint", &"ab".repeat(32)).setup(world)).await;
        assert_eq!(code, Some(78), "{said}");
        says(
            &said,
            &["FAIL home", "pvenode cert info", "Nothing was written."],
        );
        assert!(
            world.px.requests().is_empty(),
            "no token went to a stranger"
        );
        assert!(!folder(world).exists());
        let answers = Answers::new(world).without("--ca-file");
        let mut public = answers.setup(world);
        let (said, code) = told(public.arg("--public-roots")).await;
        assert_eq!(code, Some(78), "{said}");
        says(&said, &["Proxmox signs its certificate itself"]);
        assert!(world.px.requests().is_empty() && !folder(world).exists());
    });
}

#[test]
fn a_wrong_token_is_said_and_can_be_typed_again() {
    run_without_bot(Setup::default(), async |world| {
        let wrong = world.dir.path().join("wrong");
        std::fs::write(&wrong, WRONG).unwrap();
        let wrong = wrong.display().to_string();
        let answers = Answers::new(world).with("--token-secret-file", &wrong);
        let (said, code) = told(&mut answers.setup(world)).await;
        assert_eq!(code, Some(78), "{said}");
        says(&said, &["Is `token_id` spelt", "Nothing was written."]);
        no_secret_in(&said, world);
        let answers = Answers::new(world).with("--discord-token-file", &wrong);
        let (said, code) = told(&mut answers.setup(world)).await;
        assert_eq!(code, Some(78), "{said}");
        says(
            &said,
            &["the token is not accepted (401)", "Nothing was written."],
        );
        no_secret_in(&said, world);
        assert!(!folder(world).exists());

        let answers = Answers::new(world)
            .with("--token-secret-file", &wrong)
            .with("--discord-token-file", &wrong);
        let words = answers.words();
        let (px, dc) = (world.px.token_secret(), world.dc.token());
        let mut talk = Talk::start(setup(world, &words));
        talk.answers(&[
            ("What now? [2]: ", ""),
            ("Token id", ""),
            ("Secret of the token (not shown): ", &px),
            (SECOND, ""),
            ("Token of the bot (not shown): ", &dc),
            ("Commands", ""),
            ("Requests", ""),
            ("What needs", ""),
            ("The audit", ""),
            ("Time zone", ""),
            ("Write", ""),
        ])
        .await;
        let (said, code) = talk.ends().await;
        assert_eq!(code, Some(0), "{said}");
        no_secret_in(&said, world);
        assert_eq!(files(world)["pve_token"].1.trim(), px);
    });
}

/// Sets it up, and then does what owners do by hand; gives the text of the configuration.
async fn set_up_and_changed_by_hand(world: &World) -> String {
    let (said, code) = told(&mut Answers::new(world).setup(world)).await;
    assert_eq!(code, Some(0), "{said}");
    let by_hand = "alerts_channel = \"1100000000000000002\"   # in quotes\n\n[bot]";
    let guilds = format!("guilds = [{HOME}]");
    let text = std::fs::read_to_string(config_file(world)).unwrap();
    let text = text
        .replace(&guilds, &format!("guilds   =   [ {HOME} ]   # ours"))
        .replace("\n[bot]", by_hand)
        + "\n[[deny]]   # nobody\nwho=['owner']\nactions = [ \"stop\" ]\nguests = ['999']\n";
    std::fs::write(config_file(world), &text).unwrap();
    let mode = std::fs::Permissions::from_mode(0o640);
    std::fs::set_permissions(config_file(world), mode).unwrap();
    text
}

#[test]
fn what_was_written_in_another_way_by_hand_is_kept_so() {
    run_without_bot(Setup::default(), async |world| {
        set_up_and_changed_by_hand(world).await;
        let url = world.px.url_of("pve1");
        let pin = world.px.fingerprint("pve1");
        let text = std::fs::read_to_string(config_file(world)).unwrap();
        let keep = |line: &&str| !line.starts_with("ca_file") && !line.starts_with("time_zone");
        let text: Vec<&str> = text.lines().filter(keep).collect();
        let pinned = format!(
            "{url}/\"]\r\nfingerprints = ['{}']",
            pin.replace(':', "").to_lowercase()
        );
        let text = text.join("\r\n").replace(&format!("{url}\"]"), &pinned) + "\r\n";
        std::fs::write(config_file(world), &text).unwrap();
        let before = files(world);
        let (said, code) = told(&mut setup(world, &["--yes"])).await;
        assert_eq!(code, Some(0), "{said}");
        says(&said, &["Nothing is to be changed."]);
        assert_eq!(files(world), before);
        let mut talk = Talk::start(setup(world, &[]));
        for question in [
            "Address",
            "as before",
            "Token id",
            "Secret",
            SECOND,
            "Token of",
            "In which",
            "Commands",
            "Requests",
            "What needs",
            "The audit",
            "User id",
            "[UTC]",
        ] {
            talk.answers(&[(question, "")]).await;
        }
        talk.hears("Nothing is to be changed.").await;
        let (said, code) = talk.ends().await;
        assert_eq!(code, Some(0), "{said}");
        assert_eq!(files(world), before);
        let zone = ["--yes", "--time-zone", "Europe/Paris"];
        let (said, code) = told(&mut setup(world, &zone)).await;
        assert_eq!(code, Some(0), "{said}");
        let after = files(world)["steward.toml"].1.clone();
        let without = after.replace("time_zone = \"Europe/Paris\"\r\n", "");
        assert_eq!(without, text);
    });
}

#[test]
fn a_second_run_without_anything_new_writes_nothing() {
    run_without_bot(Setup::default(), async |world| {
        set_up_and_changed_by_hand(world).await;
        let before = files(world);
        let written = || {
            std::fs::metadata(config_file(world))
                .unwrap()
                .modified()
                .unwrap()
        };
        let at = written();
        let (said, code) = told(&mut setup(world, &["--yes"])).await;
        assert_eq!(code, Some(0), "{said}");
        says(&said, &["Nothing is to be changed."]);
        assert_eq!((files(world), written()), (before, at));
    });
}

#[test]
fn a_second_run_changes_one_thing_and_leaves_the_rest_to_the_byte() {
    run_without_bot(Setup::default(), async |world| {
        let text = set_up_and_changed_by_hand(world).await;
        let before = files(world);
        let mut talk = Talk::start(setup(world, &[]));
        let url = world.px.url_of("pve1");
        let kept = "(not shown; Enter keeps the one that is there): ";
        talk.answers(&[
            (&format!("Address of a node, or of several [{url}]: "), ""),
            ("as before", ""),
            ("Token id [discord@pve!bot]: ", ""),
            (&format!("Secret of the token {kept}"), ""),
            (SECOND, ""),
            (&format!("Token of the bot {kept}"), ""),
            ("In which server shall it listen (several: 1 2) [1]: ", ""),
            ("Commands", ""),
            ("Requests", ""),
            (&format!("is said in [{ALERTS}]: "), &OTHER.to_string()),
            ("The audit", ""),
            (&format!("who may do everything [{OWNER}]: "), ""),
            ("Time zone", ""),
            ("steward.toml: discord.alerts_channel\n", ""),
        ])
        .await;
        let (said, code) = talk.ends().await;
        assert_eq!(code, Some(0), "{said}");
        let mut wanted = before;
        let file = wanted.get_mut("steward.toml").unwrap();
        file.1 = text.replace("\"1100000000000000002\"", &OTHER.to_string());
        assert_eq!(files(world), wanted);
    });
}

#[test]
fn a_new_secret_takes_the_place_of_the_old_one_and_the_configuration_stays() {
    run_without_bot(Setup::default(), async |world| {
        told(&mut Answers::new(world).setup(world)).await;
        let before = files(world);
        std::fs::write(folder(world).join("pve_token"), WRONG).unwrap();
        let given = world.dir.path().join("given-pve").display().to_string();
        let mut again = setup(world, &["--yes", "--token-secret-file", &given]);
        // As where a unit hands it over: that does not disturb.
        let variable = "PVE_STEWARD__CLUSTER__HOME__TOKEN_SECRET";
        let (said, code) = told(again.env(variable, world.px.token_secret())).await;
        assert_eq!(code, Some(0), "{said}");
        assert_eq!(files(world), before);
        no_secret_in(&said, world);
    });
}

#[test]
fn a_second_cluster_is_added_with_files_of_its_own() {
    run_without_bot(Setup::default(), async |world| {
        told(&mut Answers::new(world).setup(world)).await;
        let before = files(world);
        let answers = Answers::new(world).with("--cluster", "lab");
        let (said, code) = told(&mut answers.setup(world)).await;
        assert_eq!(code, Some(0), "{said}");
        let after = files(world);
        assert_eq!(after["pve_token"], before["pve_token"]);
        assert_eq!(after["pve_token_lab"].1.trim(), world.px.token_secret());
        assert_eq!(after["pve_token_lab"].0, 0o600);
        let text = &after["steward.toml"].1;
        assert_eq!(text.matches("[[cluster]]").count(), 2, "{text}");
        says(
            &said,
            &["ok   lab: Proxmox VE 9.2", "ok   home: Proxmox VE 9.2"],
        );
    });
}

#[test]
fn whoever_stops_it_leaves_nothing_behind() {
    run_without_bot(Setup::default(), async |world| {
        let answers = Answers::new(world).with("--admin-token-id", "none");
        let words = answers.words();
        for signal in ["-INT", "-TERM"] {
            let mut talk = Talk::start(setup(world, &words));
            talk.hears("Commands only in").await;
            let (said, code) = talk.ends_by(signal).await;
            assert_eq!(code, Some(130), "{said}");
            says(&said, &["Nothing was written."]);
            assert!(!folder(world).exists());
        }
        // The input ends in the middle.
        let mut talk = Talk::start(setup(world, &words));
        talk.hears("Commands only in").await;
        let (said, code) = talk.ends().await;
        assert_eq!(code, Some(78), "{said}");
        says(&said, &["There is no more input", "Nothing was written."]);
        // The last question is answered with no.
        let mut talk = Talk::start(setup(world, &words));
        for question in [
            "Commands",
            "Requests",
            "What needs",
            "The audit",
            "Time zone",
        ] {
            talk.answers(&[(question, "")]).await;
        }
        talk.answers(&[("Write this? [yes]: ", "no")]).await;
        let (said, code) = talk.ends().await;
        assert_eq!(code, Some(130), "{said}");
        assert!(!folder(world).exists());
    });
}

#[test]
fn a_file_that_cannot_be_written_takes_the_others_back() {
    run_without_bot(Setup::default(), async |world| {
        std::fs::create_dir_all(folder(world).join("pve_token")).unwrap();
        let (said, code) = told(&mut Answers::new(world).setup(world)).await;
        assert_eq!(code, Some(75), "{said}");
        says(
            &said,
            &["pve_token cannot be written", "Nothing was written."],
        );
        let left: Vec<_> = std::fs::read_dir(folder(world)).unwrap().collect();
        assert_eq!(left.len(), 1, "{left:?}");
    });
}

#[test]
fn a_configuration_that_would_not_load_is_not_written() {
    run_without_bot(Setup::default(), async |world| {
        told(&mut Answers::new(world).setup(world)).await;
        let text = std::fs::read_to_string(config_file(world)).unwrap();
        std::fs::write(config_file(world), text + "[[deny]]\nwho = [\"ownr\"]\n").unwrap();
        let before = files(world);
        let audit = AUDIT.to_string();
        let (said, code) = told(&mut setup(world, &["--yes", "--audit-channel", &audit])).await;
        assert_eq!(code, Some(78), "{said}");
        says(
            &said,
            &[
                "would have mistakes",
                "etc/steward.toml:",
                "ownr",
                "Nothing was written.",
            ],
        );
        assert!(!said.contains(".setup-"), "{said}");
        assert_eq!(files(world), before);
        std::fs::write(config_file(world), "[discord]\ntoken = \"s3cret\" oops\n").unwrap();
        let (said, code) = told(&mut setup(world, &["--yes"])).await;
        assert_eq!(code, Some(78), "{said}");
        says(&said, &["cannot be read: line 2"]);
        assert!(!said.contains("s3cret"), "{said}");
    });
}

#[test]
fn it_waits_until_the_bot_is_in_a_server() {
    let mut setup_ = Setup::default();
    setup_.dc.team = true;
    let guilds = std::mem::take(&mut setup_.dc.guilds);
    run_without_bot(setup_, async |world| {
        let answers = Answers::new(world).without("--guild").without("--owner");
        let answers = answers.with("--admin-token-id", "none");
        let words = answers.words();
        let mut talk = Talk::start(setup(world, &words));
        talk.answers(&[("then press [Enter]: ", "")]).await;
        talk.hears("then press [Enter]: ").await;
        world.dc.adjust(|setup| setup.guilds = guilds[..1].to_vec());
        talk.types("").await;
        talk.answers(&[("In which server shall it listen (several: 1 2) [1]: ", "")])
            .await;
        for question in ["Commands", "Requests", "What needs", "The audit"] {
            talk.answers(&[(question, "")]).await;
        }
        // Of the team that the application belongs to.
        let owner = format!("The application belongs to owner ({OWNER}).");
        talk.hears(&owner)
            .await
            .hears(&format!("[{OWNER}]: "))
            .await;
        let (_, code) = talk.ends().await;
        assert_eq!(code, Some(78));
    });
}

#[test]
fn a_server_that_the_bot_is_not_in_is_refused_with_the_link() {
    run_without_bot(Setup::default(), async |world| {
        world
            .dc
            .adjust(|setup| setup.guilds.retain(|guild| guild.id != ELSEWHERE));
        let answers = Answers::new(world).with("--guild", &ELSEWHERE.to_string());
        let (said, code) = told(&mut answers.setup(world)).await;
        assert_eq!(code, Some(78), "{said}");
        says(
            &said,
            &["client_id=1200000000000000001&scope=bot+applications.commands&permissions=52224"],
        );
        assert!(!folder(world).exists());
    });
}

#[test]
fn a_token_of_root_and_an_empty_list_are_remarked() {
    let mut setup_ = Setup::default();
    setup_.px.acls.clear();
    let root = "root@pam!bot";
    setup_.px.tokens[0].id = root.to_owned();
    let privs = ["VM.Audit", "Pool.Audit"];
    let acl = fake_proxmox::Acl::new("/pool/empty", root, &privs, true);
    setup_.px.acls.push(acl);
    setup_.px.pools.push("empty".to_owned());
    run_without_bot(setup_, async |world| {
        let (said, code) = told(&mut Answers::new(world).setup(world)).await;
        assert_eq!(code, Some(0), "{said}");
        says(
            &said,
            &[
                "not one guest is visible",
                "pveum acl modify /vms",
                "root@pam!bot is a token of root",
            ],
        );
    });
}

#[test]
fn a_token_without_any_privilege_is_refused() {
    let mut setup_ = Setup::default();
    setup_.px.acls.clear();
    run_without_bot(setup_, async |world| {
        let (said, code) = told(&mut Answers::new(world).setup(world)).await;
        assert_eq!(code, Some(78), "{said}");
        says(
            &said,
            &[
                "token discord@pve!bot has no privileges at all",
                "Nothing was written.",
            ],
        );
    });
}

#[test]
fn the_file_that_it_writes_is_one_that_the_bot_runs_with() {
    run_without_bot(Setup::default(), async |world| {
        told(&mut Answers::new(world).setup(world)).await;
        let path = config_file(world);
        let loaded =
            pve_steward::config::load(std::slice::from_ref(&path), std::iter::empty()).unwrap();
        assert_eq!(loaded.warnings, []);
        assert_eq!(loaded.config.allow.len(), 1);
        assert!(Path::new(&path).is_absolute());
        world.files = vec![path];
        world.start_bot().await;
        let owner = world.person("owner");
        owner.slash("/vm list").await.until("minecraft").await;
    });
}

#[test]
fn a_terminal_shows_no_secret_and_is_given_back() {
    use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
    use rustix::termios::{LocalModes, tcgetattr};
    run_without_bot(Setup::default(), async |world| {
        let hand = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).unwrap();
        grantpt(&hand).unwrap();
        unlockpt(&hand).unwrap();
        let name = ptsname(&hand, Vec::new()).unwrap().into_string().unwrap();
        let terminal = std::fs::File::options()
            .read(true)
            .write(true)
            .open(name)
            .unwrap();
        let echoes = || {
            let modes = tcgetattr(&terminal).unwrap().local_modes;
            modes.contains(LocalModes::ECHO)
        };
        let answers = Answers::new(world)
            .without("--token-id")
            .without("--token-secret-file")
            .without("--discord-token-file");
        let words = answers.words();
        let mut command = setup(world, &words);
        let child = command
            .stdin(terminal.try_clone().unwrap())
            .spawn()
            .unwrap();
        let mut hand = std::fs::File::from(hand);
        let typing = tokio::fs::File::from_std(hand.try_clone().unwrap());
        let mut talk = Talk::with(child, Box::pin(typing));
        talk.answers(&[("Token id [discord@pve!bot]: ", "discord@pve!bot")])
            .await;
        talk.hears("Secret of the token (not shown): ").await;
        assert!(!echoes());
        talk.types(&world.px.token_secret()).await;
        talk.answers(&[
            (SECOND, "yes"),
            ("Id of the second token [steward@pve!admin]: ", ""),
        ])
        .await;
        talk.hears("Secret of the second token (not shown): ").await;
        assert!(!echoes());
        talk.types(WRONG).await;
        talk.answers(&[("What now? [2]: ", "3")]).await;
        talk.hears("Token of the bot (not shown): ").await;
        assert!(!echoes());
        let (said, code) = talk.ends_by("-INT").await;
        assert_eq!(code, Some(130), "{said}");
        assert!(echoes(), "the terminal would stay silent");
        let mut shown = [0; 4096];
        let count = std::io::Read::read(&mut hand, &mut shown).unwrap();
        let shown = text(&shown[..count]);
        assert!(shown.contains("discord@pve!bot"), "{shown}");
        no_secret_in(&shown, world);
        no_secret_in(&said, world);
    });
}

/// The options that name the second token; its secret in a file.
fn second(world: &World, secret: &str) -> Answers {
    let path = world.dir.path().join("given-admin");
    std::fs::write(&path, secret).unwrap();
    Answers::new(world)
        .with("--admin-token-id", support::ADMIN_TOKEN)
        .with("--admin-token-secret-file", &path.display().to_string())
}

/// Types on a node what was printed for it.
fn typed_on_a_node(world: &World, said: &str) {
    let (_, lines) = said.split_once("pveum user add steward@pve").unwrap();
    let lines = lines.lines().map(str::trim);
    world.px.pveum("pveum user add steward@pve").unwrap();
    for line in lines.filter(|line| line.starts_with("pveum ")) {
        if line.starts_with("pveum user token add") {
            world
                .px
                .add_token(support::ADMIN_TOKEN, support::ADMIN_SECRET, true);
        } else {
            world.px.pveum(line).unwrap();
        }
    }
}

#[test]
fn a_second_token_is_asked_for_tried_and_written() {
    run_without_bot(Setup::default(), async |world| {
        let answers = Answers::new(world);
        let words = answers.words();
        let mut talk = Talk::start(setup(world, &words));
        talk.hears("as good as root").await;
        talk.answers(&[
            (SECOND, "yes"),
            (
                "Id of the second token [steward@pve!admin]: ",
                "discord@pve!bot",
            ),
            ("The bot runs on that one", support::ADMIN_TOKEN),
        ])
        .await;
        talk.hears("Secret of the second token (not shown): ").await;
        typed_on_a_node(world, &talk.said.clone());
        talk.types(WRONG).await;
        talk.hears("FAIL home: token steward@pve!admin, for /token")
            .await;
        talk.answers(&[("What now? [2]: ", ""), ("Id of the second token", "")])
            .await;
        talk.answers(&[("Secret of the second token", support::ADMIN_SECRET)])
            .await;
        // With the lines that were printed it lacks nothing.
        talk.hears("warn home: token steward@pve!admin is for /token")
            .await;
        for question in [
            "Commands",
            "Requests",
            "What needs",
            "The audit",
            "Time zone",
            "Write",
        ] {
            talk.answers(&[(question, "")]).await;
        }
        let (said, code) = talk.ends().await;
        assert_eq!(code, Some(0), "{said}");
        assert!(!said.contains("admin lacks"), "{said}");
        no_secret_in(&said, world);
        let files = files(world);
        let secret = support::ADMIN_SECRET.to_owned() + "\n";
        assert_eq!(files["pve_admin_token"], (0o600, secret));
        no_secret_in(&files["steward.toml"].1, world);
        let path = config_file(world);
        let loaded =
            pve_steward::config::load(std::slice::from_ref(&path), std::iter::empty()).unwrap();
        let admin = loaded.config.clusters[0].admin_token.as_ref().unwrap();
        assert_eq!(admin.id, support::ADMIN_TOKEN);
        assert_eq!(admin.secret.expose(), support::ADMIN_SECRET);
        assert_eq!(world.writes(), Vec::<String>::new());
    });
}

#[test]
fn a_second_token_is_kept_until_somebody_says_no() {
    run_without_bot(Setup::default().token_admin(), async |world| {
        let answers = second(world, support::ADMIN_SECRET);
        let (said, code) = told(&mut answers.setup(world)).await;
        assert_eq!(code, Some(0), "{said}");
        no_secret_in(&said, world);
        let before = files(world);
        assert_eq!(before.len(), 5, "{before:?}");
        // One thing is changed, without a word about the token.
        let zone = ["--yes", "--time-zone", "Europe/Paris"];
        let (said, code) = told(&mut setup(world, &zone)).await;
        assert_eq!(code, Some(0), "{said}");
        let mut wanted = before.clone();
        let file = wanted.get_mut("steward.toml").unwrap();
        file.1 = file.1.replace("Europe/Berlin", "Europe/Paris");
        assert_eq!(files(world), wanted);
        // Enter keeps it, too.
        let mut talk = Talk::start(setup(world, &["--time-zone", "Europe/Paris"]));
        for question in [
            "Address",
            "as before",
            "Token id",
            "Secret",
            "(/token)? [yes]: ",
            "Id of the second token [steward@pve!admin]: ",
            "Secret of the second token (not shown; Enter keeps the one that is there): ",
            "Token of",
            "In which",
            "Commands",
            "Requests",
            "What needs",
            "The audit",
            "User id",
        ] {
            talk.answers(&[(question, "")]).await;
        }
        talk.hears("Nothing is to be changed.").await;
        let (said, code) = talk.ends().await;
        assert_eq!(code, Some(0), "{said}");
        assert_eq!(files(world), wanted);
        let none = ["--yes", "--admin-token-id", "none"];
        let (said, code) = told(&mut setup(world, &none)).await;
        assert_eq!(code, Some(0), "{said}");
        says(
            &said,
            &[
                "pve_admin_token\n",
                "pveum user token remove steward@pve admin",
            ],
        );
        let after = files(world);
        assert!(
            !after["steward.toml"].1.contains("admin_token"),
            "{after:?}"
        );
        assert!(
            after.contains_key("pve_admin_token"),
            "somebody may need it"
        );
    });
}

#[test]
fn a_second_token_that_does_not_work_leaves_nothing_half_written() {
    run_without_bot(Setup::default().token_admin(), async |world| {
        let (said, code) = told(&mut second(world, WRONG).setup(world)).await;
        assert_eq!(code, Some(78), "{said}");
        says(
            &said,
            &[
                "FAIL home: token steward@pve!admin, for /token",
                "The second token cannot be used like this",
                "Nothing was written.",
            ],
        );
        no_secret_in(&said, world);
        assert!(!folder(world).exists());
        let half = second(world, WRONG).without("--admin-token-secret-file");
        let (said, code) = told(&mut half.setup(world)).await;
        assert_eq!(code, Some(78), "{said}");
        says(
            &said,
            &["--admin-token-secret-file\n", "Nothing was written."],
        );
        let half = second(world, WRONG).without("--admin-token-id");
        let (said, code) = told(&mut half.setup(world)).await;
        assert_eq!(code, Some(78), "{said}");
        says(&said, &["--admin-token-id\n"]);
        let same = second(world, WRONG).with("--admin-token-id", &world.px.token_id());
        let (said, code) = told(&mut same.setup(world)).await;
        assert_eq!(code, Some(78), "{said}");
        says(&said, &["--admin-token-id: The bot runs on that one"]);
        assert!(!folder(world).exists());
    });
}

#[test]
fn what_a_second_token_lacks_is_said_and_can_be_mended_at_once() {
    run_without_bot(Setup::default().token_admin(), async |world| {
        world.px.clear_acls(support::ADMIN_TOKEN);
        let answers = second(world, support::ADMIN_SECRET);
        let words = answers.words();
        let mut talk = Talk::start(setup(world, &words));
        talk.hears(
            "admin lacks User.Modify on /access/groups: no token can be seen, made or deleted",
        )
        .await;
        talk.hears("What now? [1]: ").await;
        for line in pve_steward::embed::pveum::admin(support::ADMIN_TOKEN, None) {
            if line.starts_with("pveum acl") {
                world.px.pveum(&line).unwrap();
            }
        }
        talk.types("").await;
        talk.hears("warn home: token steward@pve!admin is for /token")
            .await
            .hears("Commands only in")
            .await;
        assert!(
            !talk.said[talk.read - 200..].contains("lacks"),
            "{}",
            talk.said
        );
        let (said, code) = talk.ends_by("-INT").await;
        assert_eq!(code, Some(130), "{said}");
        assert!(!folder(world).exists());
        // Without questions it is written with what it lacks, and that is said.
        world.px.clear_acls(support::ADMIN_TOKEN);
        let (said, code) = told(&mut answers.setup(world)).await;
        assert_eq!(code, Some(0), "{said}");
        says(
            &said,
            &["admin lacks Permissions.Modify on /: no token can be given roles"],
        );
    });
}

/// As for every other command, a variable says where Discord is; it is not written into the file.
#[test]
fn where_discord_is_can_stand_in_a_variable() {
    run_without_bot(Setup::default(), async |world| {
        let answers = Answers::new(world);
        let mut command = Command::new(env!("CARGO_BIN_EXE_pve-steward"));
        command.args(["setup", "--yes", "--dir"]).arg(folder(world));
        command
            .arg("--state-dir")
            .arg(world.dir.path().join("state"));
        command.args(answers.words()).stdin(Stdio::null());
        let variable = "PVE_STEWARD__DISCORD__API_URL";
        let (said, code) = told(command.env(variable, "nowhere")).await;
        assert_eq!(code, Some(78), "{said}");
        says(&said, &[variable, "Nothing was written."]);
        let (said, code) = told(command.env(variable, world.dc.url())).await;
        assert_eq!(code, Some(0), "{said}");
        says(&said, &["The token belongs to steward."]);
        let file = files(world)["steward.toml"].1.clone();
        assert!(!file.contains("api_url"), "{file}");
    });
}

/// In the server, but not a person: the bot itself.
const BOT: u64 = 1_200_000_000_000_000_001;
/// Of nobody.
const STRANGER: u64 = OWNER + 1;
const TOO_SHORT: &str = "It is too short for an id of Discord";
const NOBODY: &str = "Nobody in Homelab has this id, so nobody could use the bot.";

#[test]
fn an_owner_who_could_not_use_the_bot_is_refused() {
    run_without_bot(Setup::default(), async |world| {
        let others = [(1, TOO_SHORT), (STRANGER, NOBODY), (BOT, "which is a bot")];
        for (id, why) in others {
            let answers = Answers::new(world).with("--owner", &id.to_string());
            let (said, code) = told(&mut answers.setup(world)).await;
            assert_eq!(code, Some(78), "{said}");
            says(&said, &["--owner: ", why, "Nothing was written."]);
            assert!(!folder(world).exists());
        }
        let answers = Answers::new(world)
            .with("--owner", "1")
            .with("--admin-token-id", "none");
        let words = answers.words();
        let mut talk = Talk::start(setup(world, &words));
        for question in ["Commands", "Requests", "What needs", "The audit"] {
            talk.answers(&[(question, "")]).await;
        }
        talk.answers(&[
            (TOO_SHORT, "18"),
            (TOO_SHORT, &BOT.to_string()),
            ("which is a bot", &STRANGER.to_string()),
            (NOBODY, ""),
            ("User id of the owner", &OWNER.to_string()),
            ("The owner is owner.", ""),
            ("Write", ""),
        ])
        .await;
        let (said, code) = talk.ends().await;
        assert_eq!(code, Some(0), "{said}");
        assert!(!said.contains("nobody acts by that name"), "{said}");
        says(
            &files(world)["steward.toml"].1,
            &[&format!("owner = {OWNER}")],
        );
    });
}

/// Whoever comes to the server only later can be the owner all the same, if somebody says so.
#[test]
fn an_owner_who_is_not_there_yet_takes_a_yes() {
    run_without_bot(Setup::default(), async |world| {
        let answers = Answers::new(world)
            .with("--owner", &STRANGER.to_string())
            .with("--admin-token-id", "none");
        let words = answers.words();
        let mut talk = Talk::start(setup(world, &words));
        for question in ["Commands", "Requests", "What needs", "The audit"] {
            talk.answers(&[(question, "")]).await;
        }
        talk.answers(&[
            ("Take it all the same? [no]: ", "yes"),
            ("Time zone", ""),
            ("Write", ""),
        ])
        .await;
        let (said, code) = talk.ends().await;
        assert_eq!(code, Some(0), "{said}");
        says(
            &files(world)["steward.toml"].1,
            &[&format!("owner = {STRANGER}")],
        );
    });
}

#[test]
fn a_token_of_root_is_asked_about_and_root_is_not_made() {
    run_without_bot(Setup::default(), async |world| {
        let answers = Answers::new(world)
            .without("--token-id")
            .without("--token-secret-file");
        let words = answers.words();
        let mut talk = Talk::start(setup(world, &words));
        talk.answers(&[
            ("Token id [discord@pve!bot]: ", "root@pam!x"),
            ("token name of one character", "root@pam!bot"),
            ("a token of root@pam, the superuser", ""),
            ("Token id [discord@pve!bot]: ", "root@pam!bot"),
            ("Go on with it all the same? [no]: ", "yes"),
        ])
        .await;
        talk.hears("pveum user token add root@pam bot").await;
        talk.hears("Secret of the token").await;
        let (said, _) = talk.ends().await;
        assert!(!said.contains("user add root@pam"), "{said}");
        assert!(!folder(world).exists());
    });
}

#[test]
fn an_address_where_nobody_answers_is_said_in_words_for_people() {
    run_without_bot(Setup::default(), async |world| {
        let mut talk = Talk::start(setup(world, &[]));
        talk.answers(&[
            ("Address of a node, or of several: ", "nonsense.invalid"),
            (
                "https://nonsense.invalid:8006 is not known here by that name.",
                "127.0.0.1:1",
            ),
        ])
        .await;
        talk.hears("https://127.0.0.1:1 refused the connection.")
            .await
            .hears("Address of a node")
            .await;
        let (said, _) = talk.ends().await;
        for word in ["not sent", "client error", "dns error", "`endpoints`"] {
            assert!(!said.contains(word), "{word}\n{said}");
        }
        let answers = Answers::new(world).with("--endpoint", "https://127.0.0.1:1");
        let (said, code) = told(&mut answers.setup(world)).await;
        assert_eq!(code, Some(75), "{said}");
        says(
            &said,
            &["https://127.0.0.1:1 refused", "Nothing was written."],
        );
        assert!(!said.contains("client error"), "{said}");
    });
}
