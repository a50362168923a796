//! The bot's edge and desk, wired to the fakes: what the tests of the edge run.

#![allow(
    dead_code,
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "shared by several tests, and a test that cannot go on fails"
)]

use std::fmt::Write as _;
use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwap;
use fake_discord::setup::{BOT_CHANNEL, HOME};
use fake_discord::{Discord, GatewayEntry, GatewayEvent, Setup};
use fake_proxmox::Cluster;
use pve_steward::access::Access;
use pve_steward::command::{Desk, Parts};
use pve_steward::config;
use pve_steward::discord::{self, Fatal, Settings};
use pve_steward::errand::Errands;
use pve_steward::permission::Policy;
use pve_steward::proxmox::{Client, Inventory};
use pve_steward::store::Store;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

/// A running edge.
pub(crate) struct Bot {
    pub(crate) stop: CancellationToken,
    pub(crate) task: JoinHandle<Result<(), Fatal>>,
    pub(crate) desk: Arc<Desk>,
    _state: tempfile::TempDir,
}

/// Where Proxmox is: a fake, or an address at which nobody answers.
pub(crate) enum Proxmox<'a> {
    Fake(&'a Cluster),
    Nowhere,
}

impl Bot {
    /// Starts a bot that listens in all channels of the home server.
    pub(crate) async fn start(fake: &Discord, proxmox: Proxmox<'_>) -> Self {
        Self::listening_in(fake, proxmox, &[]).await
    }

    pub(crate) async fn listening_in(
        fake: &Discord,
        proxmox: Proxmox<'_>,
        channels: &[u64],
    ) -> Self {
        let state = tempfile::tempdir().unwrap();
        let config = configuration(fake, &proxmox, channels, state.path());
        let policy = Policy::compile(&config).expect("the rules of the tests compile");
        let client = Client::new(&config.clusters[0]).expect("a client");
        let inventory = Inventory::new(Arc::new(client));
        if let Proxmox::Fake(_) = proxmox {
            let soon = Duration::from_secs(10);
            inventory
                .fresh(Duration::ZERO, soon)
                .await
                .expect("a snapshot");
        }
        let store = Store::open(&config.bot.state_dir).expect("a store");
        let access = Access::load(store.clone(), 0).await.expect("what was kept");
        let stop = CancellationToken::new();
        let settings = Settings::from(&config.discord);
        let (errands, wanted) = Errands::new();
        tokio::spawn(discord::run_errands(&settings, wanted).expect("errands"));
        let parts = Parts {
            nodes: pve_steward::held::Nodes::default(),
            policy: Arc::new(ArcSwap::from_pointee(policy)),
            clusters: vec![inventory],
            token_admins: Vec::new(),
            store,
            access: Arc::new(access),
            errands,
            stop: stop.clone(),
        };
        let desk = Arc::new(Desk::new(&config, parts));
        let alive = tokio::sync::watch::Sender::new(None);
        let running = discord::run(settings, desk.clone(), stop.clone(), alive);
        Self {
            stop,
            task: tokio::spawn(running),
            desk,
            _state: state,
        }
    }

    /// Stops it and waits for its end.
    pub(crate) async fn stopped(self) -> Result<(), Fatal> {
        self.stop.cancel();
        self.task.await.unwrap()
    }
}

fn configuration(
    fake: &Discord,
    proxmox: &Proxmox<'_>,
    channels: &[u64],
    dir: &std::path::Path,
) -> config::Config {
    let (endpoint, trust, token_id, secret) = match proxmox {
        Proxmox::Fake(cluster) => {
            let ca = dir.join("ca.pem");
            std::fs::write(&ca, cluster.ca_pem()).unwrap();
            let trust = format!("ca_file = '{}'", ca.display());
            (
                cluster.urls().remove(0),
                trust,
                cluster.token_id(),
                cluster.token_secret(),
            )
        }
        Proxmox::Nowhere => (
            "https://127.0.0.1:9".to_owned(),
            String::new(),
            "discord@pve!bot".to_owned(),
            "12345678-1234-1234-1234-123456789abc".to_owned(),
        ),
    };
    let mut text = format!(
        r#"
        [discord]
        guilds = [{HOME}]
        channels = {channels:?}
        api_url = "{}"
        [bot]
        state_dir = '{}'
        [[cluster]]
        name = "home"
        endpoints = ["{endpoint}"]
        token_id = "{token_id}"
        {trust}
        "#,
        fake.url(),
        dir.display()
    );
    text.push_str("[people]\n");
    for name in ["owner", "max"] {
        writeln!(text, "{name} = {}", fake.person(name).id()).unwrap();
    }
    text.push_str("[[allow]]\nwho = ['owner']\nactions = ['*']\nguests = ['*']\nnodes = ['*']\n");
    text.push_str("[[allow]]\nwho = ['max']\nactions = ['start']\nguests = ['101']\n");
    text.push_str("[[allow]]\nwho = ['max']\nactions = ['start']\nguests = ['tag:lab']\n");
    let path = dir.join("steward.toml");
    std::fs::write(&path, text).unwrap();
    let variables = [
        ("PVE_STEWARD__DISCORD__TOKEN".to_owned(), fake.token()),
        (
            "PVE_STEWARD__CLUSTER__HOME__TOKEN_SECRET".to_owned(),
            secret,
        ),
    ];
    config::load(&[path], variables.into_iter())
        .expect("the configuration of the tests loads")
        .config
}

/// A fake that waits long enough for what takes 10 s by design.
pub(crate) async fn discord(change: impl FnOnce(&mut Setup)) -> Discord {
    let mut setup = Setup::home();
    setup.patience = Duration::from_secs(30);
    change(&mut setup);
    Discord::start(setup).await.unwrap()
}

/// `/help` is answered, so the whole way there and back works.
pub(crate) async fn works(fake: &Discord) {
    fake.person("owner")
        .in_channel(BOT_CHANNEL)
        .slash("/help")
        .await
        .first()
        .await;
}

/// Waits for the first entry after `skip` that is such an event.
pub(crate) async fn event(
    fake: &Discord,
    skip: usize,
    fits: impl Fn(&GatewayEvent) -> bool,
) -> GatewayEntry {
    fake.wait_gateway(skip, |entry| fits(&entry.what)).await
}

pub(crate) fn identifies(fake: &Discord) -> usize {
    let all = fake.gateway_log();
    all.iter()
        .filter(|entry| matches!(entry.what, GatewayEvent::Identify { .. }))
        .count()
}

/// Runs a test with the one time limit that it has.
pub(crate) async fn within(limit: Duration, test: impl Future<Output = ()>) {
    tokio::time::timeout(limit, test)
        .await
        .expect("the test did not end in time");
}
