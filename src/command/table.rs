//! The one table of commands: names, help, options and the right they ask for. Discord's
//! definitions, parsing, `/help` and `no_skip` are all made from it.

use crate::action::{Action, Completion, Power, Right};
use crate::ids::{GuestQuery, Kind, NodeQuery};

/// One command that can be called.
#[derive(Debug)]
pub struct Row {
    /// `["status"]`, or command and subcommand: `["vm", "start"]`.
    pub path: &'static [&'static str],
    /// At most 100 characters.
    pub help: &'static str,
    pub wants: Wants,
    /// The right that is checked; `None`: free for everybody whom the bot hears.
    pub right: Option<Right>,
    /// Makes the action of a parsed argument; `None` when it is not the kind that `wants` names.
    pub action: fn(Argument) -> Option<Action>,
}

/// The one option that a command has, if any. Required, and completed while it is typed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wants {
    Nothing,
    /// Option `guest`.
    Guest(Kind),
    /// Option `node`.
    Node,
}

impl Wants {
    /// The option's name in Discord.
    #[must_use]
    pub fn option(self) -> Option<&'static str> {
        match self {
            Self::Nothing => None,
            Self::Guest(_) => Some("guest"),
            Self::Node => Some("node"),
        }
    }

    /// The option's description in Discord, at most 100 characters.
    #[must_use]
    pub fn description(self) -> &'static str {
        match self {
            Self::Nothing => "",
            Self::Guest(Kind::Vm) => "VMID or name of the VM",
            Self::Guest(Kind::Ct) => "VMID or name of the container",
            Self::Node => "Name of the node",
        }
    }
}

/// What an option held, parsed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Argument {
    Nothing,
    Guest(GuestQuery),
    Node(NodeQuery),
}

impl Row {
    /// What is completed while the option of this command is typed.
    #[must_use]
    pub fn completion(&self) -> Option<Completion> {
        match self.wants {
            Wants::Nothing => None,
            Wants::Guest(kind) => Some(Completion::Guest {
                kind,
                right: self.right?,
            }),
            Wants::Node => Some(Completion::Node),
        }
    }
}

/// Help of the top-level commands that only hold subcommands.
pub const GROUPS: &[(&str, &str)] = &[
    ("node", "Nodes of the cluster"),
    ("vm", "Virtual machines"),
    ("ct", "Containers"),
    ("access", "Who may do what"),
];

pub const TABLE: &[Row] = &[
    Row {
        path: &["status"],
        help: "What runs and how the nodes are",
        wants: Wants::Nothing,
        right: Some(Right::View),
        action: |_| Some(Action::Status),
    },
    Row {
        path: &["node", "list"],
        help: "All nodes",
        wants: Wants::Nothing,
        right: Some(Right::View),
        action: |_| Some(Action::NodeList),
    },
    Row {
        path: &["node", "status"],
        help: "One node: load, memory, version",
        wants: Wants::Node,
        right: Some(Right::View),
        action: |given| match given {
            Argument::Node(node) => Some(Action::NodeStatus(node)),
            _ => None,
        },
    },
    list(&["vm", "list"], "VMs that you may see", Kind::Vm),
    status(&["vm", "status"], "One VM, with buttons", Kind::Vm),
    power(&["vm", "start"], "Start a VM", Kind::Vm, Power::Start),
    power(
        &["vm", "shutdown"],
        "Ask a VM to shut down",
        Kind::Vm,
        Power::Shutdown,
    ),
    power(
        &["vm", "reboot"],
        "Shut a VM down and start it again",
        Kind::Vm,
        Power::Reboot,
    ),
    power(
        &["vm", "stop"],
        "Pull the plug of a VM (asks first)",
        Kind::Vm,
        Power::Stop,
    ),
    list(&["ct", "list"], "Containers that you may see", Kind::Ct),
    status(&["ct", "status"], "One container, with buttons", Kind::Ct),
    power(
        &["ct", "start"],
        "Start a container",
        Kind::Ct,
        Power::Start,
    ),
    power(
        &["ct", "shutdown"],
        "Ask a container to shut down",
        Kind::Ct,
        Power::Shutdown,
    ),
    power(
        &["ct", "reboot"],
        "Shut a container down and start it again",
        Kind::Ct,
        Power::Reboot,
    ),
    power(
        &["ct", "stop"],
        "Kill a container at once (asks first)",
        Kind::Ct,
        Power::Stop,
    ),
    Row {
        path: &["access", "whoami"],
        help: "What you may do here",
        wants: Wants::Nothing,
        right: None,
        action: |_| Some(Action::Whoami),
    },
    Row {
        path: &["help"],
        help: "The commands that you may use",
        wants: Wants::Nothing,
        right: None,
        action: |_| Some(Action::Help),
    },
];

const fn list(path: &'static [&'static str], help: &'static str, kind: Kind) -> Row {
    Row {
        path,
        help,
        wants: Wants::Nothing,
        right: Some(Right::View),
        action: match kind {
            Kind::Vm => |_| Some(Action::GuestList(Kind::Vm)),
            Kind::Ct => |_| Some(Action::GuestList(Kind::Ct)),
        },
    }
}

const fn status(path: &'static [&'static str], help: &'static str, kind: Kind) -> Row {
    Row {
        path,
        help,
        wants: Wants::Guest(kind),
        right: Some(Right::View),
        action: match kind {
            Kind::Vm => |given| guest_status(Kind::Vm, given),
            Kind::Ct => |given| guest_status(Kind::Ct, given),
        },
    }
}

fn guest_status(kind: Kind, given: Argument) -> Option<Action> {
    match given {
        Argument::Guest(guest) => Some(Action::GuestStatus {
            kind: Some(kind),
            guest,
        }),
        _ => None,
    }
}

const fn power(path: &'static [&'static str], help: &'static str, kind: Kind, power: Power) -> Row {
    macro_rules! make {
        ($power:ident) => {
            match kind {
                Kind::Vm => |given| switch(Kind::Vm, Power::$power, given),
                Kind::Ct => |given| switch(Kind::Ct, Power::$power, given),
            }
        };
    }
    Row {
        path,
        help,
        wants: Wants::Guest(kind),
        right: Some(match power {
            Power::Start => Right::Start,
            Power::Shutdown => Right::Shutdown,
            Power::Reboot => Right::Reboot,
            Power::Stop => Right::Stop,
        }),
        action: match power {
            Power::Start => make!(Start),
            Power::Shutdown => make!(Shutdown),
            Power::Reboot => make!(Reboot),
            Power::Stop => make!(Stop),
        },
    }
}

fn switch(kind: Kind, power: Power, given: Argument) -> Option<Action> {
    match given {
        Argument::Guest(guest) => Some(Action::Power {
            power,
            kind: Some(kind),
            guest,
        }),
        _ => None,
    }
}
