//! `pve-steward setup`: asks for what the bot needs, tries it, and writes the configuration. Run
//! again, it changes single things.

mod admin;
mod ask;
mod discord;
mod edit;
mod owner;
mod plan;
mod present;
mod proxmox;
mod write;

use std::path::{Path, PathBuf};

use clap::Args;
use jiff::tz::TimeZone;

use super::{CONFIGURATION, check, complain, say};
use crate::config::{self, Secret, typed};
use crate::embed::setup as words;
use crate::embed::terminal;
use crate::ids::{ClusterName, GuildId, UserId};
use admin::Admin;
use ask::{Dialogue, Stop};
use plan::Found;
use present::{FILE, Present};

/// Where the systemd unit looks.
const SYSTEM: &str = "/etc/pve-steward";
const OWN: &str = "config";
/// Ended by the person at the terminal (128 + SIGINT), as shells say it.
const INTERRUPTED: u8 = 130;

#[derive(Debug, Default, Args)]
pub(super) struct Options {
    /// Where the files go; without it /etc/pve-steward for root, ./config for others
    #[arg(long, value_name = "FOLDER")]
    dir: Option<PathBuf>,
    /// Which cluster is set up; a new name adds one. Without it the first of the file, or `home`
    #[arg(long, value_name = "NAME")]
    cluster: Option<ClusterName>,
    /// A node: 192.0.2.11, pve1, pve1:8006, <https://pve1:8006>; may be given several times
    #[arg(long, value_name = "ADDRESS")]
    endpoint: Vec<String>,
    /// A copy of the cluster's /etc/pve/pve-root-ca.pem
    #[arg(long, value_name = "FILE", group = "trust")]
    ca_file: Option<PathBuf>,
    /// SHA-256 of a node's certificate (pvenode cert info); may be given several times
    #[arg(long, value_name = "AB:CD:...", group = "trust", value_parser = typed::fingerprint)]
    fingerprint: Vec<[u8; 32]>,
    /// The certificates are from a public authority, such as Let's Encrypt
    #[arg(long, group = "trust")]
    public_roots: bool,
    /// The API token of Proxmox: user@realm!tokenid
    #[arg(long, value_name = "ID")]
    token_id: Option<String>,
    /// A file that holds the token's secret and nothing else
    #[arg(long, value_name = "FILE")]
    token_secret_file: Option<PathBuf>,
    /// A second token, with which people manage tokens from Discord (/token): its id, or `none`
    #[arg(long, value_name = "ID")]
    admin_token_id: Option<String>,
    /// A file that holds the second token's secret and nothing else
    #[arg(long, value_name = "FILE")]
    admin_token_secret_file: Option<PathBuf>,
    /// A file that holds the bot's token for Discord and nothing else
    #[arg(long, value_name = "FILE")]
    discord_token_file: Option<PathBuf>,
    /// Id of a server in which the bot listens; may be given several times
    #[arg(long, value_name = "ID")]
    guild: Vec<GuildId>,
    /// Commands only in this channel: its id, or `none`
    #[arg(long, value_name = "ID")]
    commands_channel: Option<String>,
    /// Where requests are decided: a channel's id, or `none`
    #[arg(long, value_name = "ID")]
    approvals_channel: Option<String>,
    /// Where the bot says what needs looking at: a channel's id, or `none`
    #[arg(long, value_name = "ID")]
    alerts_channel: Option<String>,
    /// Where the audit can be read along: a channel's id, or `none`
    #[arg(long, value_name = "ID")]
    audit_channel: Option<String>,
    /// User id of the owner, who may do everything
    #[arg(long, value_name = "ID")]
    owner: Option<UserId>,
    /// Such as Europe/Berlin; without it this machine's
    #[arg(long, value_name = "ZONE", value_parser = typed::time_zone)]
    time_zone: Option<String>,
    /// Where the bot keeps its state; without it /var/lib/pve-steward for root, a folder `state`
    /// beside the configuration for others
    #[arg(long, value_name = "FOLDER")]
    state_dir: Option<PathBuf>,
    /// Ask nothing: what no option says and no file has is an error. Overwrites what it changes
    #[arg(long)]
    yes: bool,
    /// Where Discord is, for tests and the demo
    #[arg(long, hide = true, value_name = "URL", value_parser = typed::api_url)]
    discord_api_url: Option<String>,
}

impl Options {
    /// What was given for a key of `[discord]` that names a channel.
    fn room(&self, key: &str) -> Option<&str> {
        let given = match key {
            "channels" => &self.commands_channel,
            "approvals_channel" => &self.approvals_channel,
            "alerts_channel" => &self.alerts_channel,
            _ => &self.audit_channel,
        };
        given.as_deref()
    }
}

/// `files`: those of `--config`.
pub(super) async fn setup(options: &Options, files: &[PathBuf]) -> u8 {
    let outcome = tokio::select! {
        outcome = written(options, files) => outcome,
        () = super::asked_to_stop() => Err(Stop::Interrupted),
    };
    match outcome {
        // From here on Ctrl-C has nothing to take back.
        Ok(done) => tokio::select! {
            code = after(&done) => code,
            () = super::asked_to_stop() => INTERRUPTED,
        },
        Err(Stop::Failed(said, code)) => {
            complain(&said);
            complain(if said.ends_with('\n') { "" } else { "\n" });
            complain(words::NOTHING_WRITTEN);
            code
        }
        Err(Stop::Interrupted) => {
            complain("\n");
            complain(words::NOTHING_WRITTEN);
            INTERRUPTED
        }
    }
}

/// What is there now.
struct Done {
    file: PathBuf,
    folder: PathBuf,
    cluster: ClusterName,
    existed: bool,
    /// The secret of a second token that there was not before.
    second: Option<PathBuf>,
    gone: Option<admin::Gone>,
}

async fn written(options: &Options, files: &[PathBuf]) -> Result<Done, Stop> {
    let root = rustix::process::geteuid().is_root();
    let file = place(options, files, root)?;
    let mut present = Present::read(file, options.cluster.as_ref())?;
    let kept = plan::kept(&present);
    if let Some(id) = &options.token_id {
        typed::token_id(id).map_err(|why| Stop::lasting(words::bad_option("--token-id", &why)))?;
    }
    if options.yes {
        let missing = plan::missing(options, &present, &kept);
        if !missing.is_empty() {
            return Err(Stop::lasting(words::missing(&missing)));
        }
    }
    let existed = present.text.is_some();
    let mut dialogue = Dialogue::new(options.yes);
    if !options.yes {
        say(&words::greeting(&present.file, existed));
    }
    let proxmox = proxmox::found(&mut dialogue, options, &present, kept.proxmox.as_ref()).await?;
    let of_admin = (&proxmox, kept.admin.as_ref());
    let admin = admin::found(&mut dialogue, options, &present, of_admin).await?;
    let discord = discord::found(&mut dialogue, options, &present, kept.discord.as_ref()).await?;
    let second = matches!(admin, Admin::Token { .. }) && admin::before(&present).is_none();
    let gone = admin::gone(&admin, &present);
    let time_zone = time_zone(&mut dialogue, options, &present).await?;
    let state_dir = match &options.state_dir {
        Some(folder) => Some(folder.display().to_string()),
        None => (!existed && !root).then(|| "state".to_owned()),
    };
    let found = Found {
        proxmox,
        admin,
        discord,
        time_zone,
        state_dir,
        api_url: options.discord_api_url.clone(),
    };
    let plan = plan::plan(&mut present, &kept, &found)?;
    if plan.files.is_empty() {
        say(words::NOTHING_NEW);
    } else {
        say(&plan.shown(&present));
        if !dialogue.unattended() && !dialogue.yes(words::WRITE, true).await? {
            return Err(Stop::Interrupted);
        }
        write::write(&present.folder, &plan.files)?;
        say(words::WRITTEN);
    }
    let secret = present.path("cluster", "admin_token_secret_file");
    Ok(Done {
        second: secret.filter(|_| second),
        gone,
        file: present.file,
        folder: present.folder,
        cluster: present.cluster,
        existed,
    })
}

/// The configuration file that is meant.
fn place(options: &Options, files: &[PathBuf], root: bool) -> Result<PathBuf, Stop> {
    match (&options.dir, files) {
        (None, [file]) => Ok(file.clone()),
        (Some(folder), []) => Ok(folder.join(FILE)),
        (None, []) => Ok(Path::new(if root { SYSTEM } else { OWN }).join(FILE)),
        _ => Err(Stop::lasting(words::ONE_FILE)),
    }
}

/// `None`: as it is. A file without one means UTC, and goes on meaning it.
async fn time_zone(
    dialogue: &mut Dialogue,
    options: &Options,
    present: &Present,
) -> Result<Option<String>, Stop> {
    const UTC: &str = "UTC";
    if let Some(zone) = &options.time_zone {
        return Ok(Some(zone.clone()));
    }
    let before = present.one("bot", "time_zone");
    let unsaid = present.text.is_some() && before.is_none();
    let default = match before {
        Some(before) => before,
        None if unsaid => UTC.to_owned(),
        None => TimeZone::system().iana_name().unwrap_or(UTC).to_owned(),
    };
    let zone = if dialogue.unattended() {
        default
    } else {
        let read = typed::time_zone;
        dialogue.ask(words::TIME_ZONE, Some(&default), read).await?
    };
    Ok((!unsaid || zone != UTC).then_some(zone))
}

/// The secret in a file that an option names.
fn secret_of(file: &Path, option: &str) -> Result<Secret, Stop> {
    let bad = |why: &str| Stop::lasting(words::bad_option(option, why));
    let text = std::fs::read_to_string(file)
        .map_err(|error| bad(&words::no_secret_in(file, &error.to_string())))?;
    typed::secret(&text).map_err(|why| bad(&why))
}

/// `check`, as the bot would be started now, and the next step.
async fn after(done: &Done) -> u8 {
    let service = done.folder == Path::new(SYSTEM);
    if let Some(gone) = &done.gone {
        admin::say_gone(gone, &done.cluster, service);
    }
    let loaded = config::load(std::slice::from_ref(&done.file), config::environment());
    let loaded = match loaded {
        Ok(loaded) => loaded,
        Err(problems) => {
            complain(&terminal::problems(&problems));
            return CONFIGURATION;
        }
    };
    complain(&terminal::warnings(&loaded.warnings));
    let code = check::check(&loaded, &check::Query::default()).await;
    if let (Some(secret), true) = (&done.second, service) {
        say(&words::admin::for_the_unit(done.cluster.as_str(), secret));
    }
    say(&words::next(
        &done.file,
        done.cluster.as_str(),
        service,
        done.existed,
    ));
    code
}
