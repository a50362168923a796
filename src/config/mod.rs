//! What the owner wrote: the structures, checked. Loading is in `load`, and tells all mistakes at
//! once, each with file, line and key.

mod cluster;
mod env;
mod file;
mod layer;
mod load;
mod reader;
mod rule_text;
mod rules;
mod secret;
mod settings;
pub mod typed;
mod want;

use std::collections::BTreeMap;
use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use jiff::civil::Time;
use jiff::tz::TimeZone;

use crate::action::Right;
use crate::ids::{ChannelId, ClusterName, GuildId, RoleId, UserId};

pub use env::{environment, no_colour};
pub use load::{Loaded, Source, Stamp, find, load, load_clusters, load_without_secrets};
pub use secret::Secret;

#[derive(Debug)]
pub struct Config {
    pub discord: Discord,
    pub bot: Bot,
    /// At least one; names are unique.
    pub clusters: Vec<Cluster>,
    pub people: BTreeMap<String, UserId>,
    pub roles: BTreeMap<String, RoleId>,
    pub allow: Vec<AllowRule>,
    pub deny: Vec<DenyRule>,
    pub ask: Vec<AskRule>,
}

#[derive(Debug, PartialEq, Eq)]
pub struct Discord {
    pub token: Secret,
    /// The servers in which the bot listens; at least one.
    pub guilds: Vec<GuildId>,
    /// The channels in which it listens; empty: all. A thread counts as its parent.
    pub channels: Vec<ChannelId>,
    /// Where answers to reading commands are shown to everybody.
    pub public_read_channels: Vec<ChannelId>,
    /// Where requests of `[[ask]]` are put; without it they go to the approvers themselves.
    pub approvals_channel: Option<ChannelId>,
    /// Where the bot says unasked what needs looking at.
    pub alerts_channel: Option<ChannelId>,
    /// Where the audit can be read along.
    pub audit_channel: Option<ChannelId>,
    /// Scheme and authority of Discord's API, without a path: `https://discord.com`, or plain http
    /// on loopback (tests, the demo).
    pub api_url: Option<String>,
}

#[derive(Debug, PartialEq, Eq)]
pub struct Bot {
    pub state_dir: PathBuf,
    /// What was done is shown to the channel, or to the person alone.
    pub acts: Acts,
    /// In which `hours` are meant and days begin; `None`: UTC.
    pub time_zone: Option<TimeZone>,
    /// No grant lasts longer.
    pub grant_max: Duration,
    /// How long a request waits for an answer.
    pub ask_expires: Duration,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Acts {
    Public,
    Private,
}

#[derive(Debug, PartialEq, Eq)]
pub struct Cluster {
    pub name: ClusterName,
    /// `https://host:8006`, without a path; at least one. Any node serves the whole cluster.
    pub endpoints: Vec<String>,
    /// `user@realm!tokenid`
    pub token_id: String,
    pub token_secret: Secret,
    /// For `/token` and nothing else; without it that command does not exist.
    pub admin_token: Option<AdminToken>,
    pub trust: Trust,
}

/// A token that may manage tokens, which is as good as root.
#[derive(Debug, PartialEq, Eq)]
pub struct AdminToken {
    /// `user@realm!tokenid`
    pub id: String,
    pub secret: Secret,
}

/// Whose certificates are believed. There is no "everybody's".
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Trust {
    SystemRoots,
    /// PEM text of the certificate authorities, read and checked when the configuration was loaded.
    Ca(String),
    /// SHA-256 of the leaf certificates.
    Fingerprints(Vec<[u8; 32]>),
}

/// Where something stands, for people to find it.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Place {
    pub file: Arc<str>,
    pub line: usize,
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.file, self.line)
    }
}

/// `[[allow]]`, its words not yet compiled: `permission` does that, and reports what it refuses.
#[derive(Debug, Clone)]
pub struct AllowRule {
    pub place: Place,
    /// Keys of `[people]` and `[roles]`.
    pub who: Vec<String>,
    pub actions: Vec<Right>,
    pub guests: Vec<String>,
    pub nodes: Vec<String>,
    /// Empty: everywhere the bot listens.
    pub channels: Vec<ChannelId>,
    /// Asked twice, on top of what always is.
    pub confirm: Vec<Right>,
    /// When it holds; `None`: always.
    pub hours: Option<Hours>,
    /// How often one person may act under it.
    pub limit: Option<Limit>,
    /// How long a guest rests after an act before it may be done to it again, whoever did it.
    pub cooldown: Option<Duration>,
    /// The actions as written, because `*` gives less than naming each (see `permission`).
    pub words: Vec<String>,
}

/// `[[deny]]`. With neither `guests` nor `nodes` it denies everything.
#[derive(Debug, Clone)]
pub struct DenyRule {
    pub place: Place,
    pub who: Vec<String>,
    pub actions: Vec<Right>,
    pub guests: Option<Vec<String>>,
    pub nodes: Option<Vec<String>>,
}

/// `[[ask]]`: what may be asked for, and somebody with `access` to the guest decides.
#[derive(Debug, Clone)]
pub struct AskRule {
    pub place: Place,
    pub who: Vec<String>,
    pub actions: Vec<Right>,
    pub guests: Vec<String>,
}

/// A part of every day, by the clock on the wall: `16:00-23:30`, or over midnight `22:00-02:00`.
/// The first minute belongs to it, the last does not.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Hours {
    pub from: Time,
    /// Not the same as `from`; midnight as an end is `00:00`.
    pub to: Time,
}

impl fmt::Display for Hours {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let clock = |time: Time| format!("{:02}:{:02}", time.hour(), time.minute());
        write!(f, "{}-{}", clock(self.from), clock(self.to))
    }
}

/// `5 per hour`: at most `most` acts in any stretch of time of length `per`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Limit {
    pub most: u32,
    pub per: Duration,
}

/// One mistake, in words for the owner. Never holds a secret.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// File and line, or the environment variable, or nothing where a key is missing everywhere.
    pub place: Option<String>,
    /// Dotted key, such as `discord.guilds` or `allow[2].guests[0]`, counted from 0 in each file;
    /// empty where it is about the whole file.
    pub key: String,
    pub what: String,
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(place) = &self.place {
            write!(f, "{place}: ")?;
        }
        if !self.key.is_empty() {
            write!(f, "{}: ", self.key)?;
        }
        f.write_str(&self.what)
    }
}
