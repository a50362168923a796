//! The one table of commands: names, help, options and the right they ask for. Discord's
//! definitions, parsing, `/help` and `no_skip` are all made from it.

mod access;
mod backups;
mod guests;
mod look;
mod nodes;
mod snapshots;
mod storages;
mod tasks;
mod tokens;

use crate::action::{Action, Completion, Right, TokenPart};
use crate::ids::Kind;

use super::option::{Field, Given, Opt};

/// One command that can be called.
#[derive(Debug)]
pub struct Row {
    /// `["status"]`, or command and subcommand: `["vm", "start"]`.
    pub path: &'static [&'static str],
    /// At most 100 characters.
    pub help: &'static str,
    /// Required ones first, as Discord wants it.
    pub options: &'static [Opt],
    /// The right that is checked; `None`: free for everybody whom the bot hears.
    pub right: Option<Right>,
    /// Makes the action of parsed options; `None` when a required one is missing.
    pub action: fn(&Given) -> Option<Action>,
}

impl Row {
    /// What is completed while an option of this command is typed.
    #[must_use]
    pub fn completion(&self, option: &Opt) -> Option<Completion> {
        match option.field {
            Field::Guest(kind) => Some(Completion::Guest {
                kind,
                right: self.right.unwrap_or(Right::View),
            }),
            Field::Node => Some(Completion::Node {
                right: self.right.unwrap_or(Right::View),
            }),
            Field::Task => Some(Completion::Task {
                right: self.right.unwrap_or(Right::TaskView),
            }),
            Field::Guests(kind) => Some(Completion::Guests {
                kind,
                right: self.right.unwrap_or(Right::View),
            }),
            Field::Cluster => Some(Completion::Cluster),
            Field::Rights => Some(Completion::Rights),
            Field::End => Some(Completion::End),
            Field::Grant => Some(Completion::Grant),
            Field::Since => Some(Completion::Since),
            Field::Snapshot => self.right.map(Completion::Snapshot),
            Field::Storage => Some(Completion::Storage),
            Field::AnyStorage => Some(Completion::AnyStorage),
            Field::Person
            | Field::Right
            | Field::Switch
            | Field::Remark
            | Field::Flag
            | Field::NewSnapshot
            | Field::Mode
            | Field::Token(TokenPart::NewName) => None,
            Field::Token(part) => Some(Completion::Token(part)),
        }
    }

    /// Whether it is there only where a cluster lets the bot manage tokens.
    #[must_use]
    pub fn needs_token_admin(&self) -> bool {
        self.right == Some(Right::Token)
    }

    /// The option that takes a guest.
    #[must_use]
    pub fn guest(&self) -> Option<Option<Kind>> {
        self.options.iter().find_map(|option| match option.field {
            Field::Guest(kind) => Some(kind),
            Field::Guests(kind) => Some(Some(kind)),
            _ => None,
        })
    }
}

pub(super) const fn opt(name: &'static str, help: &'static str, field: Field) -> Opt {
    Opt {
        name,
        help,
        field,
        required: true,
    }
}

pub(super) const fn maybe(name: &'static str, help: &'static str, field: Field) -> Opt {
    Opt {
        name,
        help,
        field,
        required: false,
    }
}

pub(super) const NODE: Opt = opt("node", "Name of the node", Field::Node);
pub(super) const GUEST: Opt = opt("guest", "VMID or name of the guest", Field::Guest(None));

/// Help of the top-level commands that only hold subcommands.
pub const GROUPS: &[(&str, &str)] = &[
    ("node", "Nodes of the cluster"),
    ("vm", "Virtual machines"),
    ("ct", "Containers"),
    ("snapshot", "Points that a guest can go back to"),
    ("backup", "Copies of a guest on a storage"),
    ("storage", "Where disks and backups lie"),
    ("task", "What Proxmox does and did"),
    ("access", "Who may do what"),
    ("token", "API tokens of Proxmox"),
];

const TABLES: &[&[Row]] = &[
    look::ROWS,
    nodes::ROWS,
    storages::ROWS,
    tasks::ROWS,
    guests::ROWS,
    snapshots::ROWS,
    backups::ROWS,
    access::ROWS,
    tokens::ROWS,
    look::HELP,
];

/// All commands. Which of them there are says [`super::Desk::rows`].
pub fn rows() -> impl Iterator<Item = &'static Row> {
    TABLES.iter().copied().flatten()
}
