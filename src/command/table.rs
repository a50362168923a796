//! The one table of commands: names, help, options and the right they ask for. Discord's
//! definitions, parsing, `/help` and `no_skip` are all made from it.

mod access;
mod guests;
mod look;

use crate::action::{Action, Completion, Right};
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
            Field::Guests(kind) => Some(Completion::Guests {
                kind,
                right: self.right.unwrap_or(Right::View),
            }),
            Field::Node => Some(Completion::Node),
            Field::Rights => Some(Completion::Rights),
            Field::End => Some(Completion::End),
            Field::Grant => Some(Completion::Grant),
            Field::Since => Some(Completion::Since),
            Field::Person | Field::Right | Field::Switch | Field::Remark | Field::Flag => None,
        }
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
    ("access", "Who may do what"),
];

const TABLES: &[&[Row]] = &[look::ROWS, guests::ROWS, access::ROWS, look::HELP];

/// All commands.
pub fn rows() -> impl Iterator<Item = &'static Row> {
    TABLES.iter().copied().flatten()
}
