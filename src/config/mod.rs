//! What the owner wrote: the structures, checked. Loading is in `load`, and tells all mistakes at
//! once, each with file, line and key.

mod cluster;
mod env;
mod file;
mod layer;
mod load;
mod reader;
mod rules;
mod secret;
mod settings;
mod want;

use std::collections::BTreeMap;
use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;

use crate::action::Right;
use crate::ids::{ChannelId, ClusterName, GuildId, RoleId, UserId};

pub use env::environment;
pub use load::{Loaded, find, load};
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
}

#[derive(Debug)]
pub struct Discord {
    pub token: Secret,
    /// The servers in which the bot listens; at least one.
    pub guilds: Vec<GuildId>,
    /// The channels in which it listens; empty: all. A thread counts as its parent.
    pub channels: Vec<ChannelId>,
    /// Where answers to reading commands are shown to everybody.
    pub public_read_channels: Vec<ChannelId>,
    /// Scheme and authority of Discord's API, without a path: `https://discord.com`, or plain http
    /// on loopback (tests, the demo).
    pub api_url: Option<String>,
}

#[derive(Debug)]
pub struct Bot {
    pub state_dir: PathBuf,
    /// What was done is shown to the channel, or to the person alone.
    pub acts: Acts,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Acts {
    Public,
    Private,
}

#[derive(Debug)]
pub struct Cluster {
    pub name: ClusterName,
    /// `https://host:8006`, without a path; at least one. Any node serves the whole cluster.
    pub endpoints: Vec<String>,
    /// `user@realm!tokenid`
    pub token_id: String,
    pub token_secret: Secret,
    pub trust: Trust,
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
