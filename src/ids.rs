//! Names of things, parsed or refused. Whoever holds one of these types need not check it again.

mod token;
mod upid;

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize};

pub use token::{AclPath, PveUser, RoleName, TokenId, TokenName};
pub use upid::Upid;

/// Why a piece of text is not the id or name that it should be.
///
/// It never carries the text itself: what a person typed is not echoed into logs or cards unseen.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum BadId {
    #[error("a Discord id is a number of 1 to 20 digits")]
    Snowflake,
    #[error("a VMID is a number from 100 to 999999999")]
    Vmid,
    #[error("a guest is a VMID (100 to 999999999) or a name of letters, digits, `-` and `.`")]
    Guest,
    #[error("a node name has letters, digits and `-`, at most 63")]
    Node,
    #[error("a cluster name is lower-case letters and digits, beginning with a letter")]
    Cluster,
    #[error("more than ten guests at once")]
    TooMany,
    #[error("not a Proxmox task id (UPID)")]
    Upid,
    #[error(
        "a snapshot's name begins with a letter and has letters, digits, `-` and `_`, 2 to 40 in all"
    )]
    Snapshot,
    #[error("a storage's name begins with a letter and has letters, digits, `-`, `_` and `.`")]
    Storage,
    #[error("a user of Proxmox is written name@realm")]
    PveUser,
    #[error("a token's name begins with a letter and has letters, digits, `.`, `-` and `_`")]
    TokenName,
    #[error("a role's name has letters, digits, `.`, `-` and `_`")]
    RoleName,
    #[error("not a path on which Proxmox knows rights")]
    AclPath,
}

macro_rules! snowflake {
    ($($(#[$doc:meta])* $name:ident)*) => {$(
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
        pub struct $name(pub u64);

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }

        impl FromStr for $name {
            type Err = BadId;
            fn from_str(text: &str) -> Result<Self, BadId> {
                snowflake_digits(text).map($name)
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
                from.deserialize_any(SnowflakeVisitor).map($name)
            }
        }
    )*};
}

snowflake! {
    /// A Discord user.
    UserId
    /// A Discord server.
    GuildId
    /// A Discord channel or thread.
    ChannelId
    /// A role of a Discord server.
    RoleId
    /// A message in a channel.
    MessageId
    /// One press, command or form: unique for ever, which makes it the key of the audit entry.
    InteractionId
}

fn snowflake_digits(text: &str) -> Result<u64, BadId> {
    let plain = !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    match text.parse() {
        Ok(id) if plain && id > 0 => Ok(id),
        _ => Err(BadId::Snowflake),
    }
}

/// Ids stand in configuration files as numbers or as strings; both are meant.
struct SnowflakeVisitor;

impl serde::de::Visitor<'_> for SnowflakeVisitor {
    type Value = u64;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a Discord id (a number of 1 to 20 digits)")
    }
    fn visit_u64<E: serde::de::Error>(self, id: u64) -> Result<u64, E> {
        snowflake_digits(&id.to_string()).map_err(E::custom)
    }
    fn visit_i64<E: serde::de::Error>(self, id: i64) -> Result<u64, E> {
        snowflake_digits(&id.to_string()).map_err(E::custom)
    }
    fn visit_str<E: serde::de::Error>(self, id: &str) -> Result<u64, E> {
        snowflake_digits(id).map_err(E::custom)
    }
}

/// The number of a guest, unique in its cluster: 100 to 999999999 (Proxmox's own bounds).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
pub struct Vmid(u32);

impl Vmid {
    #[must_use]
    pub fn new(number: u64) -> Option<Self> {
        u32::try_from(number)
            .ok()
            .filter(|n| (100..=999_999_999).contains(n))
            .map(Self)
    }

    #[must_use]
    pub fn get(self) -> u32 {
        self.0
    }
}

impl fmt::Display for Vmid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl FromStr for Vmid {
    type Err = BadId;
    fn from_str(text: &str) -> Result<Self, BadId> {
        // `+101`, ` 101` and `0101` parse as integers, but nobody writes a VMID so.
        let plain = text.bytes().all(|b| b.is_ascii_digit()) && !text.starts_with('0');
        let number = text.parse().ok().filter(|_| plain).and_then(Self::new);
        number.ok_or(BadId::Vmid)
    }
}

macro_rules! checked_name {
    ($($(#[$doc:meta])* $name:ident, $check:path, $error:expr;)*) => {$(
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
        pub struct $name(String);

        impl $name {
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl FromStr for $name {
            type Err = BadId;
            fn from_str(text: &str) -> Result<Self, BadId> {
                if $check(text) { Ok(Self(text.to_owned())) } else { Err($error) }
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
                String::deserialize(from)?.parse().map_err(serde::de::Error::custom)
            }
        }
    )*};
}

checked_name! {
    /// A node of a cluster: a DNS label.
    NodeName, is_dns_label, BadId::Node;
    /// A cluster as the configuration names it: `[a-z][a-z0-9]*`, at most 32.
    ClusterName, is_cluster_name, BadId::Cluster;
    /// A name that a person typed for a guest: what Proxmox allows as a guest's name (DNS), at most 63.
    GuestName, is_guest_name, BadId::Guest;
    /// A snapshot, as Proxmox lets one be called: `[A-Za-z][A-Za-z0-9_-]+`, at most 40, and neither
    /// `current` nor `pending`.
    SnapshotName, is_snapshot_name, BadId::Snapshot;
    /// A storage: `[A-Za-z][A-Za-z0-9_.-]*[A-Za-z0-9]`.
    StorageName, is_storage_name, BadId::Storage;
}

fn is_dns_label(text: &str) -> bool {
    (1..=63).contains(&text.len())
        && text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-')
        && !text.starts_with('-')
        && !text.ends_with('-')
}

fn is_cluster_name(text: &str) -> bool {
    (1..=32).contains(&text.len())
        && text.starts_with(|c: char| c.is_ascii_lowercase())
        && text
            .bytes()
            .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit())
}

fn is_guest_name(text: &str) -> bool {
    (1..=63).contains(&text.len())
        && text
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'.')
        && text.bytes().any(|b| !b.is_ascii_digit())
        && text.starts_with(|c: char| c.is_ascii_alphanumeric())
}

fn is_snapshot_name(text: &str) -> bool {
    let reserved = ["current", "pending"];
    (2..=40).contains(&text.len())
        && text.starts_with(|c: char| c.is_ascii_alphabetic())
        && text
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_'))
        && !reserved.iter().any(|word| text.eq_ignore_ascii_case(word))
}

fn is_storage_name(text: &str) -> bool {
    (2..=100).contains(&text.len())
        && text.starts_with(|c: char| c.is_ascii_alphabetic())
        && text.ends_with(|c: char| c.is_ascii_alphanumeric())
        && text
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.'))
}

/// What a guest is: QEMU virtual machine or LXC container.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
pub enum Kind {
    Vm,
    Ct,
}

impl Kind {
    /// Proxmox's word, as it stands in API paths and in `type`.
    #[must_use]
    pub fn api(self) -> &'static str {
        match self {
            Self::Vm => "qemu",
            Self::Ct => "lxc",
        }
    }

    /// The word of our commands and of the policy.
    #[must_use]
    pub fn key(self) -> &'static str {
        match self {
            Self::Vm => "vm",
            Self::Ct => "ct",
        }
    }
}

/// One guest of one cluster, surely: what a resolved [`GuestQuery`] becomes.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
pub struct GuestRef {
    pub cluster: ClusterName,
    pub vmid: Vmid,
}

impl fmt::Display for GuestRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.cluster, self.vmid)
    }
}

/// One node of one cluster.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
pub struct NodeRef {
    pub cluster: ClusterName,
    pub node: NodeName,
}

impl fmt::Display for NodeRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.cluster, self.node)
    }
}

/// What a person writes for a guest: `101`, `valheim`, `home/101`, `home/valheim`.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct GuestQuery {
    pub cluster: Option<ClusterName>,
    pub wanted: Wanted,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Wanted {
    Vmid(Vmid),
    Name(GuestName),
}

impl FromStr for GuestQuery {
    type Err = BadId;
    fn from_str(text: &str) -> Result<Self, BadId> {
        let text = text.trim();
        let (cluster, guest) = split_cluster(text)?;
        let wanted = if guest.bytes().all(|b| b.is_ascii_digit()) {
            Wanted::Vmid(guest.parse()?)
        } else {
            Wanted::Name(guest.parse()?)
        };
        Ok(Self { cluster, wanted })
    }
}

impl fmt::Display for GuestQuery {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(cluster) = &self.cluster {
            write!(f, "{cluster}/")?;
        }
        match &self.wanted {
            Wanted::Vmid(vmid) => vmid.fmt(f),
            Wanted::Name(name) => name.fmt(f),
        }
    }
}

impl From<&GuestRef> for GuestQuery {
    fn from(guest: &GuestRef) -> Self {
        Self {
            cluster: Some(guest.cluster.clone()),
            wanted: Wanted::Vmid(guest.vmid),
        }
    }
}

/// What a person writes for a node: `pve1` or `home/pve1`.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct NodeQuery {
    pub cluster: Option<ClusterName>,
    pub node: NodeName,
}

impl From<&NodeRef> for NodeQuery {
    fn from(node: &NodeRef) -> Self {
        Self {
            cluster: Some(node.cluster.clone()),
            node: node.node.clone(),
        }
    }
}

impl FromStr for NodeQuery {
    type Err = BadId;
    fn from_str(text: &str) -> Result<Self, BadId> {
        let (cluster, node) = split_cluster(text.trim())?;
        Ok(Self {
            cluster,
            node: node.parse()?,
        })
    }
}

impl fmt::Display for NodeQuery {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(cluster) = &self.cluster {
            write!(f, "{cluster}/")?;
        }
        self.node.fmt(f)
    }
}

fn split_cluster(text: &str) -> Result<(Option<ClusterName>, &str), BadId> {
    match text.split_once('/') {
        Some((cluster, rest)) => Ok((Some(cluster.parse()?), rest)),
        None => Ok((None, text)),
    }
}

/// Number of a grant in the store; [`GrantId::ONCE`] is in no store.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct GrantId(pub i64);

impl GrantId {
    /// For the one act that was approved, and gone with it.
    pub const ONCE: Self = Self(0);
}

/// Number of a request in the store.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct RequestId(pub i64);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn vmid_is_refused_outside_its_bounds() {
        for bad in [
            "",
            "0",
            "99",
            "0101",
            "1000000000",
            "100abc",
            "-1",
            "+101",
            " 101",
            "1e3",
        ] {
            assert_eq!(bad.parse::<Vmid>(), Err(BadId::Vmid), "{bad:?}");
        }
        assert_eq!("100".parse::<Vmid>().unwrap().get(), 100);
        assert_eq!("999999999".parse::<Vmid>().unwrap().get(), 999_999_999);
    }

    #[test]
    fn snapshots_and_storages_are_called_as_proxmox_lets_them() {
        for good in ["before-update", "A1", "x_y", &"a".repeat(40)] {
            assert!(good.parse::<SnapshotName>().is_ok(), "{good}");
        }
        for bad in [
            "",
            "a",
            "1a",
            "-a",
            "a b",
            "a.b",
            "Current",
            "pending",
            "a+ram",
            "é1",
            &"a".repeat(41),
        ] {
            assert_eq!(bad.parse::<SnapshotName>(), Err(BadId::Snapshot), "{bad}");
        }
        for good in ["local", "local-zfs", "nas.1", "b_2"] {
            assert!(good.parse::<StorageName>().is_ok(), "{good}");
        }
        for bad in ["", "l", "1local", "local-", "lo/cal", "lo cal", "local+"] {
            assert_eq!(bad.parse::<StorageName>(), Err(BadId::Storage), "{bad}");
        }
    }

    #[test]
    fn guest_is_a_vmid_or_a_name_with_or_without_cluster() {
        for good in ["101", "valheim", "home/101", "home/mc-1.lan", "100abc"] {
            assert_eq!(good.parse::<GuestQuery>().unwrap().to_string(), good);
        }
        let long = "a".repeat(200);
        for bad in [
            "", "99", "../101", "a/b/c", "Home/101", "my vm", "💥", "-x", "101/", "/101", &long,
        ] {
            assert!(bad.parse::<GuestQuery>().is_err(), "{bad:?}");
        }
    }

    #[test]
    fn upid_has_nine_fields_and_knows_its_node() {
        let good = "UPID:pve1:0003B0C1:00F1E2D3:66F0A1B2:qmstart:101:discord@pve!bot:";
        let upid: Upid = good.parse().unwrap();
        assert_eq!(upid.node().as_str(), "pve1");
        assert_eq!(upid.kind(), "qmstart");
        for bad in ["", "OK", &good[..good.len() - 1], "UPID:../x:0:0:0:a:b:c:"] {
            assert_eq!(bad.parse::<Upid>(), Err(BadId::Upid), "{bad:?}");
        }
    }

    #[test]
    fn snowflakes_are_numbers_or_strings() {
        assert_eq!(
            serde_json::from_str::<UserId>("184405311681986560")
                .unwrap()
                .0,
            184_405_311_681_986_560
        );
        assert_eq!(serde_json::from_str::<UserId>("\"18\"").unwrap().0, 18);
        for bad in ["0", "\"\"", "-3", "\"1x\"", "\"+1\"", "true"] {
            assert!(serde_json::from_str::<UserId>(bad).is_err(), "{bad}");
        }
    }
}
