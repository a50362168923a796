//! Both fakes and the bot between them, started and ended together.

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail};
use fake_discord::Discord;
use fake_discord::setup::HOME;
use fake_proxmox::{Clock, Cluster, Token};
use pve_steward::app::{self, Stopped};
use pve_steward::config::{self, Loaded};
use pve_steward::embed::pveum;
use tempfile::TempDir;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use crate::catalogue;

/// Part of the binary, so that the demo runs from any directory.
const CONFIG: &str = include_str!("../../config/demo.toml");
/// Long enough to be seen, short enough not to be waited for.
const TASK: Duration = Duration::from_secs(2);
const START: Duration = Duration::from_secs(20);
const STOP: Duration = Duration::from_secs(3);
/// The second token, for `/token`, and the secret that it has here.
pub const ADMIN: (&str, &str) = ("steward@pve!admin", "3f0a9c52-7d41-4e8b-9a6c-5b1e2d7f8043");

pub struct World {
    pub proxmox: Cluster,
    pub discord: Discord,
    began: Instant,
    stop: CancellationToken,
    bot: JoinHandle<Result<(), Stopped>>,
    /// The bot's state, its configuration and the cluster's CA certificate.
    _folder: TempDir,
}

impl World {
    /// Says on stderr what it is doing: on a slow machine this takes a moment.
    pub async fn start() -> anyhow::Result<Self> {
        let began = Instant::now();
        let proxmox = proxmox().await?;
        let discord = Discord::start(fake_discord::Setup::home()).await?;
        let clock = Instant::now();
        eprintln!("Fake Discord   {} (REST and gateway)", discord.url());
        let folder = tempfile::tempdir().context("a temporary folder")?;
        let config = configure(folder.path(), &proxmox, &discord)?;
        eprintln!("pve-steward    starting with config/demo.toml ...");
        let stop = CancellationToken::new();
        let bot = tokio::spawn(app::run(config, Arc::default(), stop.clone()));
        let mut world = Self {
            proxmox,
            discord,
            began: clock,
            stop,
            bot,
            _folder: folder,
        };
        world.until_ready().await?;
        let commands = catalogue::entries(&world.discord).len();
        let took = began.elapsed().as_secs_f32();
        eprintln!("pve-steward    connected, {commands} commands registered ({took:.1} s)\n");
        Ok(world)
    }

    /// Until commands can be typed and the bot knows the cluster's guests.
    async fn until_ready(&mut self) -> anyhow::Result<()> {
        let limit = Instant::now() + START;
        while !self.is_ready() {
            if let Some(why) = self.ended().await {
                bail!("the bot did not start: {why}");
            }
            if Instant::now() > limit {
                bail!("the bot was not ready after {START:?}; --log info shows why");
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        // Proxmox has answered, but the bot has yet to read the answer.
        tokio::time::sleep(Duration::from_millis(50)).await;
        Ok(())
    }

    fn is_ready(&self) -> bool {
        let registered = !self.discord.commands(HOME).is_empty();
        let looked = |r: &fake_proxmox::Recorded| r.path.contains("cluster/resources");
        let knows = || self.proxmox.requests().iter().any(looked);
        self.discord.is_connected() && registered && knows()
    }

    /// Why the bot runs no longer, told once.
    pub async fn ended(&mut self) -> Option<String> {
        if !self.bot.is_finished() || self.stop.is_cancelled() {
            return None;
        }
        self.stop.cancel();
        Some(match (&mut self.bot).await {
            Ok(Ok(())) => "it stopped by itself".to_owned(),
            Ok(Err(stopped)) => format!("{:#}", anyhow::Error::from(stopped)),
            Err(error) => error.to_string(),
        })
    }

    /// Since the fake Discord started, as its messages count time.
    pub fn now(&self) -> Duration {
        self.began.elapsed()
    }

    /// `false`: neither side knows a fault of that name.
    pub fn break_by_name(&self, name: &str) -> bool {
        self.proxmox.fault_by_name(name) || self.discord.fault_by_name(name)
    }

    pub fn mend(&self) {
        self.proxmox.clear_faults();
        self.discord.heal();
    }

    /// `METHOD path` of all that the bot asked Proxmox to change, with the answer where it was no.
    pub fn writes(&self) -> Vec<String> {
        let line = |write: fake_proxmox::Recorded| {
            let asked = format!("{} {}", write.method, write.path);
            match write.status {
                200 => asked,
                0 => format!("{asked} (not answered)"),
                status => format!("{asked} (answered with {status})"),
            }
        };
        self.proxmox.writes().into_iter().map(line).collect()
    }

    /// As a signal would end the bot.
    pub async fn end(self) {
        self.stop.cancel();
        // What still goes on then is not waited for: nothing of it is real.
        let _ = tokio::time::timeout(STOP, self.bot).await;
    }
}

async fn proxmox() -> anyhow::Result<Cluster> {
    let mut setup = fake_proxmox::Setup::home().lived_in().backing_up();
    setup.clock = Clock::Auto { task: TASK };
    setup.ha_delay = 2 * TASK;
    let cluster = Cluster::start(with_second_token(setup)).await?;
    // Nodes can be switched, their updates read, and tasks of others stopped.
    let id = cluster.token_id();
    for who in [id.split('!').next().unwrap_or(&id), &id] {
        let privileges = ["Sys.Audit", "Sys.PowerMgmt", "Sys.Modify"];
        cluster.acl("/nodes", who, &privileges, true);
    }
    let urls = cluster.urls().join(", ");
    eprintln!("Fake Proxmox   {urls} (own CA)");
    Ok(cluster)
}

/// With the rights that `pve-steward pveum` prints for it.
pub fn with_second_token(mut setup: fake_proxmox::Setup) -> fake_proxmox::Setup {
    let (id, secret) = ADMIN;
    setup.tokens.push(Token {
        id: id.to_owned(),
        secret: secret.to_owned(),
        privsep: true,
    });
    setup.typed.extend(pveum::admin(id, None));
    setup
}

/// The demo's configuration as an owner would overlay it: addresses and secrets from variables.
fn configure(folder: &Path, proxmox: &Cluster, discord: &Discord) -> anyhow::Result<Loaded> {
    let file = folder.join("demo.toml");
    std::fs::write(&file, CONFIG)?;
    let ca = folder.join("pve-root-ca.pem");
    std::fs::write(&ca, proxmox.ca_pem())?;
    let variables = [
        ("DISCORD__TOKEN", discord.token()),
        ("DISCORD__API_URL", discord.url()),
        ("BOT__STATE_DIR", folder.join("state").display().to_string()),
        ("CLUSTER__HOME__ENDPOINTS", proxmox.urls().join(",")),
        ("CLUSTER__HOME__TOKEN_ID", proxmox.token_id()),
        ("CLUSTER__HOME__TOKEN_SECRET", proxmox.token_secret()),
        ("CLUSTER__HOME__ADMIN_TOKEN_ID", ADMIN.0.to_owned()),
        ("CLUSTER__HOME__ADMIN_TOKEN_SECRET", ADMIN.1.to_owned()),
        ("CLUSTER__HOME__CA_FILE", ca.display().to_string()),
    ];
    let variables = variables
        .into_iter()
        .map(|(key, value)| (format!("PVE_STEWARD__{key}"), value));
    match config::load(&[file], variables) {
        Ok(loaded) => Ok(loaded),
        Err(problems) => {
            let lines: Vec<String> = problems.iter().map(ToString::to_string).collect();
            bail!("config/demo.toml: {}", lines.join("\n"))
        }
    }
}
