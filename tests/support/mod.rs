//! The world of a test: a fake Proxmox, a fake Discord and the real bot between them.
//!
//! `run` gives one a world, one time limit, and asserts at the end that the bot broke no rule of
//! Discord's, that every message was looked at, and that what went over the wire fits the contracts.

#![allow(dead_code, reason = "each test binary uses its own part of this")]

pub mod binary;
pub mod contract;

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use fake_discord::{Discord, Message, Person};
use fake_proxmox::{Clock, Cluster};
use pve_steward::action::TokenPart;
use pve_steward::command::{Field, Row};
use pve_steward::ids::Kind;
use pve_steward::{app, config};
use tempfile::TempDir;
use tokio::sync::Notify;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

/// One limit for every test; waiting calls of the fakes give up earlier and say for what.
const LIMIT: Duration = Duration::from_secs(100);

pub const BOT_CHANNEL: u64 = 1_100_000_000_000_000_000;
pub const OTHER_CHANNEL: u64 = 1_100_000_000_000_000_007;
/// The token for `/token`, of a user of its own.
pub const ADMIN_USER: &str = "steward@pve";
pub const ADMIN_TOKEN: &str = "steward@pve!admin";
pub const ADMIN_SECRET: &str = "0a5c1f6e-2b3d-4c7a-9e8f-71d2c3b4a596";

pub const THREAD: u64 = 1_100_000_000_000_000_008;

/// Whom rules name, and what every owner has.
const OWNED: &str = r#"
[people]
owner = 184405311681986560
friend = 80351110224678913

[roles]
friends = 290926798626357299

[[allow]]
who = ["owner"]
actions = ["*"]
guests = ["*"]
nodes = ["*"]

"#;

/// The owner's rules with more below them. `friend` is a person and a friend, `max` only a friend.
pub fn rules(more: &str) -> String {
    format!("{OWNED}{more}")
}

/// Rules of the demo, in which `max` and `friend` are friends.
pub const RULES: &str = r#"
[people]
owner = 184405311681986560

[roles]
friends = 290926798626357299

[[allow]]
who = ["owner"]
actions = ["*"]
guests = ["*"]
nodes = ["*"]

[[allow]]
who = ["friends"]
actions = ["view", "start", "shutdown", "reboot"]
guests = ["tag:games"]

[[deny]]
who = ["friends"]
actions = ["*"]
guests = ["tag:prod"]
"#;

/// What a world starts with. Change what a test is about.
pub struct Setup {
    pub px: fake_proxmox::Setup,
    pub dc: fake_discord::Setup,
    pub rules: String,
    /// More lines for `[discord]`.
    pub discord: String,
    /// More lines for `[bot]`.
    pub bot: String,
    /// More lines for `[[cluster]]`.
    pub cluster: String,
    /// Shorter than a file may say, for tests that wait for the end of a request.
    pub ask_expires: Option<Duration>,
}

impl Default for Setup {
    fn default() -> Self {
        let mut px = fake_proxmox::Setup::home();
        px.clock = Clock::Manual;
        Self {
            px,
            dc: fake_discord::Setup::home(),
            rules: RULES.to_owned(),
            discord: String::new(),
            bot: String::new(),
            cluster: String::new(),
            ask_expires: None,
        }
    }
}

impl Setup {
    /// Tasks end by themselves, at once.
    pub fn automatic() -> Self {
        let mut setup = Self::default();
        setup.px.clock = Clock::Auto {
            task: Duration::from_millis(50),
        };
        setup
    }

    /// The cluster lets the bot manage tokens: the lines of the example, carried out as written.
    pub fn token_admin(mut self) -> Self {
        self.px.tokens.push(fake_proxmox::Token {
            id: ADMIN_TOKEN.to_owned(),
            secret: ADMIN_SECRET.to_owned(),
            privsep: true,
        });
        let lines = include_str!("../../config/example.toml").lines();
        let lines = lines.filter_map(|line| line.strip_prefix("#   pveum "));
        let typed: Vec<String> = lines.map(|line| format!("pveum {line}")).collect();
        assert_eq!(typed.len(), 8, "all that the example has");
        self.px.typed.extend(typed);
        self.cluster = format!(
            "admin_token_id = \"{ADMIN_TOKEN}\"\nadmin_token_secret = \"{ADMIN_SECRET}\"\n"
        );
        self
    }

    pub fn rules(mut self, rules: &str) -> Self {
        rules.clone_into(&mut self.rules);
        self
    }
}

pub struct World {
    pub px: Cluster,
    pub dc: Discord,
    pub dir: TempDir,
    pub files: Vec<PathBuf>,
    /// The file up to the rules.
    head: String,
    /// As SIGHUP would.
    pub again: Arc<Notify>,
    ask_expires: Option<Duration>,
    bot: Option<Bot>,
}

struct Bot {
    stop: CancellationToken,
    task: JoinHandle<Result<(), app::Stopped>>,
}

/// Runs one test in a world of its own.
pub fn run(setup: Setup, test: impl AsyncFnOnce(&mut World)) {
    run_without_bot(setup, async |world| {
        world.start_bot().await;
        test(world).await;
    });
}

/// The same before the bot is started.
pub fn run_without_bot(setup: Setup, test: impl AsyncFnOnce(&mut World)) {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .unwrap();
    let limited = async {
        let mut world = World::new(setup).await;
        test(&mut world).await;
        world.end().await;
    };
    runtime.block_on(async {
        let in_time = tokio::time::timeout(LIMIT, limited).await;
        assert!(in_time.is_ok(), "the test took longer than {LIMIT:?}");
    });
}

impl World {
    async fn new(setup: Setup) -> Self {
        let px = Cluster::start(setup.px).await.unwrap();
        let dc = Discord::start(setup.dc).await.unwrap();
        let dir = tempfile::tempdir().unwrap();
        let ca = dir.path().join("ca.pem");
        std::fs::write(&ca, px.ca_pem()).unwrap();
        let endpoints = px.urls().join("\", \"");
        let head = format!(
            r#"
[discord]
token = "{token}"
guilds = [1000000000000000000]
api_url = "{api}"
{discord}
[bot]
state_dir = "{state}"
{bot}
[[cluster]]
name = "home"
endpoints = ["{endpoints}"]
token_id = "{id}"
token_secret = "{secret}"
ca_file = "{ca}"
{cluster}"#,
            token = dc.token(),
            api = dc.url(),
            discord = setup.discord,
            bot = setup.bot,
            cluster = setup.cluster,
            state = dir.path().join("state").display(),
            id = px.token_id(),
            secret = px.token_secret(),
            ca = ca.display(),
        );
        let text = format!("{head}{}", setup.rules);
        let file = dir.path().join("steward.toml");
        std::fs::write(&file, text).unwrap();
        Self {
            px,
            dc,
            dir,
            files: vec![file],
            head,
            again: Arc::new(Notify::new()),
            ask_expires: setup.ask_expires,
            bot: None,
        }
    }

    pub fn config(&self) -> config::Config {
        self.loaded().config
    }

    fn loaded(&self) -> config::Loaded {
        match config::load(&self.files, std::iter::empty()) {
            Ok(loaded) => loaded,
            Err(problems) => panic!("the test's configuration: {problems:#?}"),
        }
    }

    /// What the owner does while the bot runs.
    pub fn write_rules(&self, rules: &str) {
        std::fs::write(&self.files[0], format!("{}{rules}", self.head)).unwrap();
    }

    pub async fn start_bot(&mut self) {
        let before = self.snapshots();
        self.start_bot_blind().await;
        self.next_snapshot_after(before).await;
    }

    /// Without waiting for Proxmox, which may be away.
    pub async fn start_bot_blind(&mut self) {
        let stop = CancellationToken::new();
        let mut loaded = self.loaded();
        let bot = &mut loaded.config.bot;
        bot.ask_expires = self.ask_expires.unwrap_or(bot.ask_expires);
        let task = tokio::spawn(app::run(loaded, self.again.clone(), stop.clone()));
        self.bot = Some(Bot { stop, task });
        self.dc.bot_ready().await;
    }

    /// How often the bot has looked at the whole cluster.
    pub fn snapshots(&self) -> usize {
        let looked =
            |r: &fake_proxmox::Recorded| r.path.contains("cluster/resources") && r.status == 200;
        self.px.requests().iter().filter(|r| looked(r)).count()
    }

    /// Until the bot has looked at Proxmox again, which it does every ten seconds by itself.
    pub async fn next_snapshot(&self) {
        self.next_snapshot_after(self.snapshots()).await;
    }

    pub async fn next_snapshot_after(&self, before: usize) {
        for _ in 0..1500 {
            if self.snapshots() > before {
                // The answer is on its way; what is asked next is decided after it.
                tokio::time::sleep(Duration::from_millis(50)).await;
                return;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        panic!("no new snapshot in 15 s");
    }

    /// As a signal would; gives what the process would have exited with.
    pub async fn stop_bot(&mut self) -> Result<(), app::Stopped> {
        let bot = self.bot.take().expect("a running bot");
        bot.stop.cancel();
        bot.task.await.expect("the bot does not panic")
    }

    pub fn person(&self, name: &str) -> Person {
        self.dc.person(name)
    }

    /// Method and path of all that the bot asked Proxmox to change.
    pub fn writes(&self) -> Vec<String> {
        let line = |r: fake_proxmox::Recorded| format!("{} {}", r.method, r.path);
        self.px.writes().into_iter().map(line).collect()
    }

    /// Waits until the audit reads so: refusals are noted without anybody waiting for it.
    pub async fn audited(&self, rows: &[&str]) {
        for _ in 0..200 {
            if self.audit() == rows {
                return;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        assert_eq!(self.audit(), rows);
    }

    pub async fn audited_last(&self, row: &str) {
        for _ in 0..200 {
            if self.audit().last().is_some_and(|last| last == row) {
                return;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        assert_eq!(self.audit().last().map(String::as_str), Some(row));
    }

    /// Rows of the audit, oldest first: event, action, guest, outcome.
    pub fn audit(&self) -> Vec<String> {
        let db = rusqlite::Connection::open(self.dir.path().join("state/steward.db")).unwrap();
        let mut query = db
            .prepare("SELECT event, action, vmid, user_id, outcome FROM audit ORDER BY seq")
            .unwrap();
        let rows = query.query_map([], |row| {
            let event: String = row.get(0)?;
            let action: Option<String> = row.get(1)?;
            let vmid: Option<u32> = row.get(2)?;
            let outcome: Option<String> = row.get(4)?;
            let parts = [Some(event), action, vmid.map(|v| v.to_string()), outcome];
            Ok(parts.into_iter().flatten().collect::<Vec<_>>().join(" "))
        });
        rows.unwrap().map(Result::unwrap).collect()
    }

    async fn end(mut self) {
        if self.bot.is_some() {
            self.stop_bot()
                .await
                .expect("the bot stops without a complaint");
        }
        assert_eq!(
            self.dc.violations(),
            Vec::<String>::new(),
            "rules of Discord's broken"
        );
        assert_eq!(
            self.dc.unread(),
            Vec::<String>::new(),
            "messages that no one looked at"
        );
        contract::check(&self.px, &self.dc);
    }
}

/// The command as a person would type it, with something for each option that it must have.
pub fn command(row: &Row, guest_of: impl Fn(Kind) -> u32) -> String {
    let words = row.options.iter().filter(|option| option.required);
    let words = words.map(|option| match option.field {
        Field::Guest(kind) => guest_of(kind.unwrap_or(Kind::Vm)).to_string(),
        Field::Guests(kind) => guest_of(kind).to_string(),
        Field::Node => "pve1".to_owned(),
        Field::Person => "max".to_owned(),
        Field::Right | Field::Rights => "start".to_owned(),
        Field::End => "1h".to_owned(),
        Field::Grant => "1".to_owned(),
        Field::Task => format!("{:016x}", 1),
        Field::Switch => "off".to_owned(),
        Field::Remark => "because".to_owned(),
        Field::Flag => "true".to_owned(),
        Field::Since => "2h".to_owned(),
        Field::Snapshot => "before-mods".to_owned(),
        Field::NewSnapshot => "new-one".to_owned(),
        Field::Storage | Field::AnyStorage => "nas".to_owned(),
        Field::Mode => "snapshot".to_owned(),
        Field::Token(TokenPart::User) => "discord@pve".to_owned(),
        Field::Token(TokenPart::Name | TokenPart::NewName) => "ci".to_owned(),
        Field::Token(TokenPart::Expiry) => "7d".to_owned(),
        Field::Token(TokenPart::Roles) => "PVEAuditor".to_owned(),
        Field::Token(TokenPart::Path) => "/vms".to_owned(),
        Field::Cluster | Field::Token(TokenPart::Cluster) => "home".to_owned(),
    });
    let path = format!("/{}", row.path.join(" "));
    [path]
        .into_iter()
        .chain(words)
        .collect::<Vec<_>>()
        .join(" ")
}

/// Whether the first thing that one types after the command is completed with what the person may
/// see.
pub fn completes_first(row: &Row) -> bool {
    let first = row.options.first().map(|option| option.field);
    matches!(
        first,
        Some(Field::Guest(_) | Field::Guests(_) | Field::Node | Field::Task | Field::Token(_))
    )
}

/// What a message says, with the times put aside that differ from run to run.
pub fn shown(message: &Message) -> String {
    let text = replaced(&message.text(), "<t:", ">", "<time>");
    let text = replaced(&text, ", done in ", ".", ", done <soon>.");
    text.replace(", done at once.", ", done <soon>.")
}

fn replaced(text: &str, from: &str, to: &str, with: &str) -> String {
    let mut out = String::new();
    let mut rest = text;
    while let Some(at) = rest.find(from) {
        out.push_str(&rest[..at]);
        out.push_str(with);
        let end = rest[at..]
            .find(to)
            .map_or(rest.len(), |end| at + end + to.len());
        rest = &rest[end..];
    }
    out + rest
}
