//! The command line: what an owner types on the machine that runs the bot.

mod audit;
mod check;
mod fingerprint;
mod policy;
mod pveum;
mod seen;
mod setup;
mod status;

use std::ffi::OsString;
use std::io::Write as _;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;

use clap::{Args, Parser, Subcommand};
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

use crate::config::{self, Cluster, Loaded, Problem};
use crate::embed::terminal;
use crate::logging::{self, Format};
use crate::{app, health};

/// What a restart cannot mend: configuration, a refused token (`EX_CONFIG`).
const CONFIGURATION: u8 = 78;
/// What it may: the network, a server that is away (`EX_TEMPFAIL`).
const TRY_AGAIN: u8 = 75;

/// Run Proxmox VE from a Discord channel.
#[derive(Debug, Parser)]
#[command(version, about, propagate_version = true)]
pub struct Cli {
    #[command(flatten)]
    files: Files,
    #[command(subcommand)]
    command: Option<Command>,
}

#[derive(Debug, Args)]
struct Files {
    /// Configuration file; given again, settings of later files win key by key, and rules add up. Without it:
    /// `$PVE_STEWARD_CONFIG`, ./config/steward.toml, /etc/pve-steward/steward.toml
    #[arg(long, short, global = true, value_name = "FILE")]
    config: Vec<PathBuf>,
    /// What to log: `info`, `debug`, `info,pve_steward=debug`
    #[arg(long, global = true, value_name = "FILTER")]
    log: Option<String>,
    /// One JSON object a line instead of text
    #[arg(long, global = true)]
    log_json: bool,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Run the bot (also without a command)
    Run,
    /// Ask for what the bot needs, try it, and write the configuration; run again, change one thing
    ///
    /// Each question can be answered by an option instead; with --yes nothing is asked. Secrets are
    /// typed unseen or read from files, and never stand on the command line. Ends with 0, with the
    /// code of `check` that it runs last, with 78 or 75 where nothing was written, or with 130 after
    /// Ctrl-C.
    Setup(Box<setup::Options>),
    /// Check the configuration, every cluster and the Discord side; change nothing
    Check(check::Query),
    /// Show nodes, guests and storages of the clusters, as far as the token sees them
    ///
    /// Reads only the clusters of the configuration. Ends with 0 if every cluster could be read, with
    /// 75 if one may come back, with 78 for what a restart cannot mend.
    Status(status::Query),
    /// Show who may do what, or explain one decision
    Policy(policy::Query),
    /// Print the least that the bot's token needs for the rules, as `pveum` lines for a node's shell
    Pveum(pveum::Query),
    /// Read the audit: whether it is as it was written, or all of it for other programs
    #[command(subcommand)]
    Audit(audit::Query),
    /// Show the SHA-256 fingerprint of a server's certificate, to compare it with the node's own
    Fingerprint {
        /// A node as in `endpoints`, such as <https://192.0.2.11:8006>, or its name alone
        url: String,
        /// Also say why it does not answer in the words of the libraries
        #[arg(long, short)]
        verbose: bool,
    },
    /// Tell whether the bot on this machine is connected; for container health checks
    Health,
}

/// Parses the arguments and does what they say.
#[must_use]
pub fn main() -> ExitCode {
    let cli = Cli::parse();
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .thread_name("steward")
        .build();
    let runtime = match runtime {
        Ok(runtime) => runtime,
        Err(error) => {
            complain(&terminal::no_runtime(&error.to_string()));
            return ExitCode::from(TRY_AGAIN);
        }
    };
    ExitCode::from(runtime.block_on(cli.act()))
}

/// Does what these words say, as if they were typed in a shell; the exit code.
///
/// # Errors
///
/// Where they say nothing that there is.
pub async fn typed(words: impl IntoIterator<Item = OsString>) -> Result<u8, clap::Error> {
    let cli = Cli::try_parse_from(words)?;
    Ok(cli.act().await)
}

impl Cli {
    async fn act(self) -> u8 {
        match self.command.as_ref().unwrap_or(&Command::Run) {
            Command::Run => self.run().await,
            Command::Check(query) => match self.load() {
                Ok(loaded) => check::check(&loaded, query).await,
                Err(code) => code,
            },
            Command::Setup(options) => setup::setup(options, &self.files.config).await,
            Command::Status(query) => match self.load_clusters() {
                Ok(clusters) => status::status(&clusters, query).await,
                Err(code) => code,
            },
            Command::Policy(query) => match self.load_for(query) {
                Ok(loaded) => policy::policy(&loaded.config, query).await,
                Err(code) => code,
            },
            Command::Pveum(query) => match self.load() {
                Ok(loaded) => pveum::pveum(&loaded.config, query).await,
                Err(code) => code,
            },
            Command::Audit(query) => match self.load() {
                Ok(loaded) => audit::audit(&loaded.config.bot, query),
                Err(code) => code,
            },
            Command::Fingerprint { url, verbose } => fingerprint::fingerprint(url, *verbose).await,
            Command::Health => match self.load() {
                Ok(loaded) => health_of(&loaded),
                Err(code) => code,
            },
        }
    }

    async fn run(&self) -> u8 {
        let loaded = match self.load() {
            Ok(loaded) => loaded,
            Err(code) => return code,
        };
        let format = if self.files.log_json {
            Format::Json
        } else {
            Format::Text
        };
        if let Err(error) = logging::start(format, self.files.log.as_deref()) {
            complain(&terminal::bad_filter(&error.to_string()));
            return CONFIGURATION;
        }
        let stop = CancellationToken::new();
        tokio::spawn(stop_on_signal(stop.clone()));
        let again = Arc::new(Notify::new());
        tokio::spawn(read_again_on_signal(Arc::clone(&again)));
        match app::run(loaded, again, stop).await {
            Ok(()) => 0,
            Err(app::Stopped::Policy(problems)) => {
                complain(&terminal::problems(&problems));
                CONFIGURATION
            }
            Err(stopped) => {
                // Once: to people as a sentence, to machines as they read all the rest.
                match format {
                    Format::Text => complain(&terminal::stopped(&stopped.to_string())),
                    Format::Json => tracing::error!(error = %stopped, "the bot cannot go on"),
                }
                stopped.exit_code()
            }
        }
    }

    /// Reads the configuration; all mistakes go to the terminal at once.
    fn load(&self) -> Result<Loaded, u8> {
        let files = self.find()?;
        let loaded = config::load(&files, config::environment()).map_err(|it| mistakes(&it))?;
        complain(&terminal::warnings(&loaded.warnings));
        Ok(loaded)
    }

    /// Whoever asks for the rules alone need not be able to read the secrets.
    fn load_for(&self, query: &policy::Query) -> Result<Loaded, u8> {
        if !query.offline {
            return self.load();
        }
        let files = self.find()?;
        let loaded = config::load_without_secrets(&files, config::environment());
        let loaded = loaded.map_err(|it| mistakes(&it))?;
        complain(&terminal::warnings(&loaded.warnings));
        Ok(loaded)
    }

    /// The same of the clusters alone.
    fn load_clusters(&self) -> Result<Vec<Cluster>, u8> {
        let files = self.find()?;
        let loaded = config::load_clusters(&files, config::environment());
        let (clusters, warnings) = loaded.map_err(|it| mistakes(&it))?;
        complain(&terminal::warnings(&warnings));
        Ok(clusters)
    }

    fn find(&self) -> Result<Vec<PathBuf>, u8> {
        config::find(&self.files.config).map_err(|problem| mistakes(&[problem]))
    }
}

fn mistakes(problems: &[Problem]) -> u8 {
    complain(&terminal::problems(problems));
    CONFIGURATION
}

fn health_of(loaded: &Loaded) -> u8 {
    let health = health::read(&loaded.config.bot.state_dir);
    say(&terminal::health(&health));
    u8::from(health.is_err())
}

async fn stop_on_signal(stop: CancellationToken) {
    asked_to_stop().await;
    tracing::info!("stopping: nothing new is begun");
    stop.cancel();
}

/// SIGTERM from a service manager, Ctrl-C in a terminal.
async fn asked_to_stop() {
    use tokio::signal::unix::{SignalKind, signal};
    let Ok(mut terminate) = signal(SignalKind::terminate()) else {
        tracing::warn!("SIGTERM cannot be caught; stopping will be abrupt");
        return std::future::pending().await;
    };
    tokio::select! {
        _ = terminate.recv() => {}
        _ = tokio::signal::ctrl_c() => {}
    }
}

/// SIGHUP, as `systemctl reload` sends it.
async fn read_again_on_signal(again: Arc<Notify>) {
    use tokio::signal::unix::{SignalKind, signal};
    let Ok(mut hangup) = signal(SignalKind::hangup()) else {
        tracing::warn!("SIGHUP cannot be caught; rules are read again when their file changes");
        return;
    };
    while hangup.recv().await.is_some() {
        again.notify_one();
    }
}

fn say(text: &str) {
    // A closed pipe is the reader's choice.
    let mut out = std::io::stdout().lock();
    let _ = out.write_all(text.as_bytes()).and_then(|()| out.flush());
}

fn complain(text: &str) {
    let _ = std::io::stderr().lock().write_all(text.as_bytes());
}
