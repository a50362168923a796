//! The options of commands: what each takes, and what a typed text means.

use crate::action::{
    BackupMode, Guests, NamedTask, Person, Remark, Right, TaskId, TokenPart, Unclear,
};
use crate::ids::{
    AclPath, BadId, ClusterName, GrantId, GuestQuery, Kind, NodeQuery, PveUser, RoleName,
    SnapshotName, StorageName, TokenName,
};
use crate::until::{End, Expiry, Since};

/// More than one token ever needs, and few enough for a card.
const MOST_ROLES: usize = 8;

/// One option of a command.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Opt {
    pub name: &'static str,
    /// At most 100 characters.
    pub help: &'static str,
    pub field: Field,
    pub required: bool,
}

/// What an option takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Field {
    /// VMID or name; completed with guests on which the command's right is held.
    Guest(Option<Kind>),
    /// The same, or several: `tag:games`, `pool:friends`, `101,102`.
    Guests(Kind),
    Node,
    /// A member, picked in Discord.
    Person,
    /// One right, picked from a list.
    Right,
    /// Words for rights, with commas.
    Rights,
    End,
    Grant,
    /// One that stood in a list: picked from what is completed, or the number of its row.
    Task,
    /// `on` or `off`.
    Switch,
    /// A line for others to read.
    Remark,
    /// Yes or no.
    Flag,
    /// `2h`, `today`, `2026-11-20`.
    Since,
    /// A snapshot of the guest, completed.
    Snapshot,
    /// What a new snapshot is to be called.
    NewSnapshot,
    /// A storage that takes backups of the guest, completed.
    Storage,
    /// Any storage, completed.
    AnyStorage,
    /// How a backup treats the guest.
    Mode,
    /// The name of a cluster.
    Cluster,
    /// A part of what a token of Proxmox is.
    Token(TokenPart),
}

/// What an option held, parsed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Value {
    Guest(GuestQuery),
    Guests(Guests),
    Node(NodeQuery),
    Person(Person),
    Right(Right),
    Rights(Vec<Right>),
    End(End),
    Grant(GrantId),
    Task(NamedTask),
    Switch(bool),
    Remark(Remark),
    Flag(bool),
    Since(Since),
    Snapshot(SnapshotName),
    Storage(StorageName),
    Mode(BackupMode),
    PveUser(PveUser),
    TokenName(TokenName),
    Expiry(Expiry),
    Roles(Vec<RoleName>),
    AclPath(AclPath),
    Cluster(ClusterName),
}

/// The options of one call. No command has two of the same kind.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Given(pub Vec<Value>);

impl Given {
    pub(super) fn find<T>(&self, pick: impl Fn(&Value) -> Option<T>) -> Option<T> {
        self.0.iter().find_map(pick)
    }

    #[must_use]
    pub fn guest(&self) -> Option<GuestQuery> {
        self.find(|value| match value {
            Value::Guest(guest) => Some(guest.clone()),
            _ => None,
        })
    }

    pub(super) fn node(&self) -> Option<NodeQuery> {
        self.find(|value| match value {
            Value::Node(node) => Some(node.clone()),
            _ => None,
        })
    }

    pub(super) fn task(&self) -> Option<NamedTask> {
        self.find(|value| match value {
            Value::Task(task) => Some(*task),
            _ => None,
        })
    }

    #[must_use]
    pub fn cluster(&self) -> Option<ClusterName> {
        self.find(|value| match value {
            Value::Cluster(cluster) => Some(cluster.clone()),
            _ => None,
        })
    }

    #[must_use]
    pub fn user(&self) -> Option<PveUser> {
        self.find(|value| match value {
            Value::PveUser(user) => Some(user.clone()),
            _ => None,
        })
    }

    pub(super) fn right(&self) -> Option<Right> {
        self.find(|value| match value {
            Value::Right(right) => Some(*right),
            _ => None,
        })
    }

    pub(super) fn snapshot(&self) -> Option<SnapshotName> {
        self.find(|value| match value {
            Value::Snapshot(name) => Some(name.clone()),
            _ => None,
        })
    }

    pub(super) fn storage(&self) -> Option<StorageName> {
        self.find(|value| match value {
            Value::Storage(name) => Some(name.clone()),
            _ => None,
        })
    }

    pub(super) fn mode(&self) -> Option<BackupMode> {
        self.find(|value| match value {
            Value::Mode(mode) => Some(*mode),
            _ => None,
        })
    }

    pub(super) fn flag(&self) -> bool {
        self.0.contains(&Value::Flag(true))
    }

    pub(super) fn person(&self) -> Option<Person> {
        self.find(|value| match value {
            Value::Person(person) => Some(person.clone()),
            _ => None,
        })
    }
}

impl Field {
    /// What a typed text means. Members are not typed: Discord resolves them.
    ///
    /// # Errors
    ///
    /// [`Unclear`], for the words of the refusal.
    pub fn parse(self, text: &str) -> Result<Value, Unclear> {
        match self {
            Self::Guest(_) => text.parse().map(Value::Guest).map_err(|_| {
                let several = matches!(text.parse(), Ok(Guests::Several(_)) | Err(BadId::TooMany));
                if several {
                    Unclear::OneGuest
                } else {
                    Unclear::Guest
                }
            }),
            Self::Guests(_) => text.parse().map(Value::Guests).map_err(|bad| match bad {
                BadId::TooMany => Unclear::TooMany,
                _ => Unclear::Guests,
            }),
            Self::Node => text.parse().map(Value::Node).map_err(|_| Unclear::Node),
            Self::Person | Self::Flag => Err(Unclear::Command),
            Self::Snapshot | Self::NewSnapshot => text
                .parse()
                .map(Value::Snapshot)
                .map_err(|_| Unclear::Snapshot),
            Self::Storage | Self::AnyStorage => text
                .parse()
                .map(Value::Storage)
                .map_err(|_| Unclear::Storage),
            Self::Mode => BackupMode::ALL
                .into_iter()
                .find(|mode| mode.key() == text)
                .map(Value::Mode)
                .ok_or(Unclear::Command),
            Self::Since => text.parse().map(Value::Since).map_err(|_| Unclear::Since),
            Self::Cluster => Self::Token(TokenPart::Cluster).parse(text),
            Self::Token(part) => token_part(part, text).ok_or(Unclear::Token(part)),
            Self::Right => Right::ALL
                .into_iter()
                .find(|right| right.key() == text)
                .map(Value::Right)
                .ok_or(Unclear::Right),
            Self::Rights => rights(text).map(Value::Rights).ok_or(Unclear::Right),
            Self::End => text.parse().map(Value::End).map_err(|_| Unclear::Time),
            Self::Grant => text
                .parse()
                .map(|id| Value::Grant(GrantId(id)))
                .map_err(|_| Unclear::Grant),
            Self::Task => task(text).map(Value::Task).ok_or(Unclear::Task),
            Self::Switch => match text {
                "on" => Ok(Value::Switch(true)),
                "off" => Ok(Value::Switch(false)),
                _ => Err(Unclear::Command),
            },
            Self::Remark => Remark::new(text).map(Value::Remark).ok_or(Unclear::Command),
        }
    }

    /// The fixed choices that Discord offers: value and what people read are the same.
    #[must_use]
    pub fn choices(self) -> Vec<&'static str> {
        match self {
            Self::Right => Right::ALL.map(Right::key).to_vec(),
            Self::Switch => vec!["on", "off"],
            Self::Mode => BackupMode::ALL.map(BackupMode::key).to_vec(),
            _ => Vec::new(),
        }
    }
}

/// Sixteen hexadecimal digits, as they are completed; or a row.
fn task(text: &str) -> Option<NamedTask> {
    if let Some(row) = row(text.trim()) {
        return Some(NamedTask::Row(row));
    }
    let number = u64::from_str_radix(text, 16).ok()?;
    (format!("{number:016x}") == text).then_some(NamedTask::Id(TaskId(number)))
}

/// The number of a row, counted from one.
pub(super) fn row(text: &str) -> Option<u8> {
    let fits = text.len() <= 2 && text.bytes().all(|b| b.is_ascii_digit());
    let number = text.parse().ok().filter(|_| fits)?;
    (number > 0).then_some(number)
}

fn token_part(part: TokenPart, text: &str) -> Option<Value> {
    match part {
        TokenPart::User => text.parse().map(Value::PveUser).ok(),
        TokenPart::Name | TokenPart::NewName => text.parse().map(Value::TokenName).ok(),
        TokenPart::Expiry => text.parse().map(Value::Expiry).ok(),
        TokenPart::Roles => roles(text).map(Value::Roles),
        TokenPart::Path => text.parse().map(Value::AclPath).ok(),
        TokenPart::Cluster => text.trim().parse().map(Value::Cluster).ok(),
    }
}

/// Names with commas, each once, at least one.
fn roles(text: &str) -> Option<Vec<RoleName>> {
    let words = text.split([',', ' ']).filter(|word| !word.is_empty());
    let mut roles: Vec<RoleName> = words.map(|word| word.parse().ok()).collect::<Option<_>>()?;
    roles.sort_unstable();
    roles.dedup();
    (1..=MOST_ROLES).contains(&roles.len()).then_some(roles)
}

/// `start, reboot` or `power`: what can be lent, each once.
fn rights(text: &str) -> Option<Vec<Right>> {
    let words = text.split([',', ' ']).filter(|word| !word.is_empty());
    let mut rights = Vec::new();
    for word in words {
        let named = Right::named(&word.to_ascii_lowercase())?;
        let single = named.len() == 1;
        let lent: Vec<Right> = named.into_iter().filter(|r| r.can_be_lent()).collect();
        // `*` means all that can be lent; `access` by name is a mistake to be told.
        if lent.is_empty() && single {
            return None;
        }
        rights.extend(lent);
    }
    rights.sort_unstable();
    rights.dedup();
    (!rights.is_empty()).then_some(rights)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rights_are_words_with_commas() {
        let read = |text: &str| rights(text).map(|r| r.iter().map(|r| r.key()).collect::<Vec<_>>());
        assert_eq!(read("start, reboot").unwrap(), ["start", "reboot"]);
        assert_eq!(read("Start start").unwrap(), ["start"]);
        assert_eq!(
            read("power").unwrap(),
            ["start", "shutdown", "reboot", "suspend", "resume"]
        );
        let all = read("*").unwrap();
        assert!(
            all.contains(&"stop") && !all.contains(&"access") && !all.contains(&"node.wake"),
            "{all:?}"
        );
        for bad in [
            "",
            ",",
            "access",
            "start access",
            "fly",
            "start;stop",
            "audit",
        ] {
            assert_eq!(read(bad), None, "{bad}");
        }
    }
}
