//! Everything that can be asked of the bot, typed: who asks, what for, and on what.

mod deed;
mod node_power;
mod right;
mod ruling;
mod several;
mod token;

use std::fmt;
use std::sync::Arc;

use crate::ids::{
    ChannelId, ClusterName, GrantId, GuestQuery, GuestRef, GuildId, InteractionId, Kind, NodeName,
    NodeQuery, NodeRef, PveUser, RequestId, RoleId, StorageName, UserId,
};
use crate::until::End;

pub use deed::{BackupMode, Deed};
pub use node_power::NodePower;
pub use right::{Power, Right};
pub use ruling::{Remark, RequestState, Ruling, Yes};
pub use several::{Guests, Several};
pub use token::{NewToken, TokenAction, TokenPart};

/// Who asks, as Discord vouches for it in the very interaction. Built anew for each; never kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Actor {
    pub user: UserId,
    /// The name that the server shows, for people to read. Never used to decide anything.
    pub name: String,
    pub roles: Vec<RoleId>,
    pub guild: GuildId,
    pub channel: ChannelId,
    /// The channel that a thread hangs under.
    pub parent: Option<ChannelId>,
}

impl Actor {
    /// A thread counts as its parent channel.
    #[must_use]
    pub fn is_in(&self, channel: ChannelId) -> bool {
        self.channel == channel || self.parent == Some(channel)
    }
}

/// A question that waits for a yes. Only the bot's memory knows what was asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct QuestionId(pub u64);

/// A task that stood in a list. Only the bot's memory knows which: no UPID is ever typed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct TaskId(pub u64);

/// How a person names a task.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NamedTask {
    /// As a button carries it, and as it is completed.
    Id(TaskId),
    /// The number of its row in the newest list.
    Row(u8),
}

/// An act that goes on. Only the bot's memory knows which.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct NoticeId(pub u64);

/// Whose tasks are listed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TasksOf {
    /// Of all that the person may see.
    All,
    Node(NodeQuery),
    Guest(GuestQuery),
}

/// How much of a task's log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LogPart {
    End,
    More,
    /// As a file.
    Whole,
}

impl LogPart {
    pub const ALL: [Self; 3] = [Self::End, Self::More, Self::Whole];
}

/// Everything that can be asked. Nothing below the edge sees what a person typed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Action {
    /// Of one cluster, or of all.
    Status(Option<ClusterName>),
    NodeList,
    NodeStatus(NodeQuery),
    GuestList(Kind),
    /// `kind` is what the command said (`/vm`, `/ct`); a button does not say it.
    GuestStatus {
        kind: Option<Kind>,
        guest: GuestQuery,
    },
    /// Something is to be done to a guest.
    Do {
        deed: Deed,
        kind: Option<Kind>,
        guest: GuestQuery,
    },
    /// The snapshots of a guest.
    SnapshotList(GuestQuery),
    /// A snapshot under a name that the bot finds.
    TakeSnapshot {
        guest: GuestQuery,
        ram: bool,
    },
    /// Of a question about a rollback: a snapshot first, then ask again.
    SnapshotFirst(QuestionId),
    /// The backups of a guest, after so many newer ones.
    BackupList {
        guest: GuestQuery,
        after: u16,
    },
    /// A backup to the one storage that takes backups, or to one that is then chosen.
    BackUp {
        guest: GuestQuery,
        mode: BackupMode,
    },
    /// Something is to be done to a whole node.
    NodeDo {
        power: NodePower,
        node: NodeQuery,
    },
    /// Storages, of one node or of all; or one of them alone, with what lies on it.
    StorageList {
        node: Option<NodeQuery>,
        storage: Option<StorageName>,
    },
    TaskList(TasksOf),
    TaskLog {
        task: NamedTask,
        part: LogPart,
    },
    TaskStop(NamedTask),
    /// Be told when an act has ended.
    Notify(NoticeId),
    /// The same is to be done to several guests, at most [`Several::MOST`].
    Several {
        power: Power,
        kind: Kind,
        which: Several,
    },
    Confirm(QuestionId),
    Cancel(QuestionId),
    /// Ask those who may give it for an act that was refused.
    Ask {
        deed: Deed,
        guest: GuestQuery,
    },
    /// Decide what somebody asked for.
    Rule {
        request: RequestId,
        ruling: Ruling,
    },
    /// Before a no: the form that asks why.
    Decline(RequestId),
    Whoami,
    /// Why somebody may or may not do something; `None`: oneself.
    Why {
        who: Option<Person>,
        right: Right,
        /// Neither this nor a node: the bot itself.
        guest: Option<GuestQuery>,
        node: Option<NodeQuery>,
    },
    AccessList {
        guest: Option<GuestQuery>,
    },
    Grant {
        to: Person,
        rights: Vec<Right>,
        guest: GuestQuery,
        end: End,
    },
    Revoke(GrantId),
    Lockdown {
        on: bool,
        reason: Option<Remark>,
    },
    /// A page of the audit, the newest first.
    Audit(AuditPage),
    /// API tokens of Proxmox.
    Token(TokenAction),
    Help,
    /// It arrived whole, but it says nothing that we know: an old button, a forged id, bad input.
    Unclear(Unclear),
}

/// Which entries of the audit, and from where on.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct AuditPage {
    /// Who did it.
    pub user: Option<UserId>,
    pub guest: Option<GuestQuery>,
    pub right: Option<Right>,
    /// Refusals alone, or all but those.
    pub refused: Option<bool>,
    /// Unix seconds.
    pub since: Option<i64>,
    /// Only entries before this number; `None`: from the newest.
    pub before: Option<i64>,
}

/// Somebody whom a command names, as Discord resolved it in the very interaction.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Person {
    pub user: UserId,
    /// For people to read.
    pub name: String,
    /// `None`: not a member of the server in which it was asked.
    pub roles: Option<Vec<RoleId>>,
}

/// Why something that arrived could not be understood.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unclear {
    /// The option `guest` holds neither a VMID nor a name.
    Guest,
    /// Several guests, where one is meant.
    OneGuest,
    /// The option `guest` holds neither one guest nor several.
    Guests,
    /// More guests than can be acted on at once.
    TooMany,
    /// The option `node` holds no node name.
    Node,
    /// No right is called so, or none that can be given.
    Right,
    /// No time that we know.
    Time,
    /// The same for a look back.
    Since,
    /// No number of a grant.
    Grant,
    /// Nothing that Proxmox lets a snapshot be called.
    Snapshot,
    /// Nothing that Proxmox lets a storage be called.
    Storage,
    /// None of the tasks that were listed.
    Task,
    /// What was written for a token of Proxmox.
    Token(TokenPart),
    /// A command or subcommand that this version does not have.
    Command,
    /// A button that this version does not have: of an older version, or forged.
    Button,
}

impl Action {
    /// Whether it can be asked for through [`Door::Direct`]: who presses there has no roles, is in no
    /// channel, and can only decide what they were asked.
    #[must_use]
    pub fn works_directly(&self) -> bool {
        matches!(self, Self::Rule { .. } | Self::Decline(_))
    }

    /// The word for logs and audit entries.
    #[must_use]
    pub fn key(&self) -> &'static str {
        match self {
            Self::Status(_) => "status",
            Self::NodeList => "node.list",
            Self::NodeStatus(_) => "node.status",
            Self::GuestList(Kind::Vm) => "vm.list",
            Self::GuestList(Kind::Ct) => "ct.list",
            Self::GuestStatus { .. } => "guest.status",
            Self::Do { deed, .. } => deed.key(),
            Self::SnapshotList(_) => "snapshot.list",
            Self::TakeSnapshot { .. } => Right::SnapshotCreate.key(),
            Self::SnapshotFirst(_) => "snapshot.first",
            Self::BackupList { .. } => "backup.list",
            Self::BackUp { .. } => Right::BackupRun.key(),
            Self::NodeDo { power, .. } => power.key(),
            Self::StorageList { .. } => "storage.list",
            Self::TaskList(_) => "task.list",
            Self::TaskLog { .. } => "task.log",
            Self::TaskStop(_) => "task.stop",
            Self::Notify(_) => "notify",
            Self::Several { power, .. } => power.key(),
            Self::Confirm(_) => "confirm",
            Self::Cancel(_) => "cancel",
            Self::Ask { .. } => "ask",
            Self::Rule { .. } | Self::Decline(_) => "decide",
            Self::Whoami => "access.whoami",
            Self::Why { .. } => "access.why",
            Self::AccessList { .. } => "access.list",
            Self::Grant { .. } => "access.grant",
            Self::Revoke(_) => "access.revoke",
            Self::Lockdown { .. } => "access.lockdown",
            Self::Audit(_) => "audit",
            Self::Token(action) => action.key(),
            Self::Help => "help",
            Self::Unclear(_) => "unclear",
        }
    }
}

/// How something was asked. Every door leads through the same gate.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Door {
    Slash,
    /// A button in a direct message: who presses is sure, and nothing else.
    Direct,
    /// `private`: the message that carries the button is seen by the presser alone.
    /// `own`: the message answers something that the presser had asked.
    Button {
        private: bool,
        own: bool,
    },
}

/// One interaction, ready to be decided.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Request {
    pub id: InteractionId,
    pub actor: Actor,
    pub door: Door,
    pub action: Action,
}

/// What somebody types before the command is sent, to be completed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Typing {
    pub actor: Actor,
    pub wanted: Completion,
    /// What the command is about, as far as it is filled in already.
    pub guest: Option<GuestQuery>,
    pub user: Option<PveUser>,
    pub cluster: Option<ClusterName>,
    /// As typed; compared with names, never shown or logged.
    pub text: String,
}

/// What can be completed: guests on which `right` is held, or nodes that may be viewed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Completion {
    Guest {
        kind: Option<Kind>,
        right: Right,
    },
    /// Clusters in which the person sees anything.
    Cluster,
    Node {
        right: Right,
    },
    /// Tasks that stood in a list, on whose guest or node `right` is held.
    Task {
        right: Right,
    },
    /// Guests, and what means several of them.
    Guests {
        kind: Kind,
        right: Right,
    },
    /// Words for rights that can be given, several with commas.
    Rights,
    /// Ends of a grant.
    End,
    /// Grants that the person may take back.
    Grant,
    /// Snapshots of the command's guest, on which this right is held.
    Snapshot(Right),
    /// Storages to which the command's guest can be backed up.
    Storage,
    /// Storages of the nodes that may be viewed.
    AnyStorage,
    /// Beginnings of a stretch of time.
    Since,
    /// For those who manage tokens.
    Token(TokenPart),
}

/// What the policy can ask of a guest.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GuestFacts {
    pub guest: GuestRef,
    pub kind: Kind,
    pub node: NodeName,
    /// `None`: unknown. The node of the guest may be offline.
    pub name: Option<String>,
    /// `None`: in no pool that can be seen.
    pub pool: Option<String>,
    /// The pools that can be seen. Proxmox does not tell a token without `Pool.Audit` on a pool who
    /// is in it, so of any other pool nobody knows whether the guest is in it.
    pub pools_seen: Arc<[String]>,
    pub tags: Vec<String>,
}

/// What a right is asked for.
#[derive(Debug, Clone, Copy)]
pub enum Target<'a> {
    Guest(&'a GuestFacts),
    Node(&'a NodeRef),
    /// The bot itself.
    Bot,
}

impl Target<'_> {
    /// The same, without facts: what a permit and the audit name.
    #[must_use]
    pub fn key(&self) -> TargetKey {
        match self {
            Self::Guest(facts) => TargetKey::Guest(facts.guest.clone()),
            Self::Node(node) => TargetKey::Node((*node).clone()),
            Self::Bot => TargetKey::Bot,
        }
    }
}

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum TargetKey {
    Guest(GuestRef),
    Node(NodeRef),
    Bot,
}

impl fmt::Display for TargetKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Guest(guest) => guest.fmt(f),
            Self::Node(node) => node.fmt(f),
            Self::Bot => f.write_str("bot"),
        }
    }
}
