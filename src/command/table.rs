//! The one table of commands: names, help, options and the right they ask for. Discord's
//! definitions, parsing, `/help` and `no_skip` are all made from it.

use jiff::Timestamp;
use jiff::tz::TimeZone;

use crate::action::{Action, AuditPage, Completion, Power, Right};
use crate::ids::Kind;

use super::option::{Field, Given, Opt, Value};

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
            _ => None,
        })
    }
}

const fn opt(name: &'static str, help: &'static str, field: Field) -> Opt {
    Opt {
        name,
        help,
        field,
        required: true,
    }
}

const fn maybe(name: &'static str, help: &'static str, field: Field) -> Opt {
    Opt {
        name,
        help,
        field,
        required: false,
    }
}

const NODE: Opt = opt("node", "Name of the node", Field::Node);
const GUEST: Opt = opt("guest", "VMID or name of the guest", Field::Guest(None));
const VM: &[Opt] = &[opt(
    "guest",
    "VMID or name of the VM",
    Field::Guest(Some(Kind::Vm)),
)];
const CT: &[Opt] = &[opt(
    "guest",
    "VMID or name of the container",
    Field::Guest(Some(Kind::Ct)),
)];

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
        options: &[],
        right: Some(Right::View),
        action: |_| Some(Action::Status),
    },
    Row {
        path: &["node", "list"],
        help: "All nodes",
        options: &[],
        right: Some(Right::View),
        action: |_| Some(Action::NodeList),
    },
    Row {
        path: &["node", "status"],
        help: "One node: load, memory, version",
        options: &[NODE],
        right: Some(Right::View),
        action: |given| given.node().map(Action::NodeStatus),
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
        options: &[],
        right: None,
        action: |_| Some(Action::Whoami),
    },
    Row {
        path: &["access", "why"],
        help: "Why you, or somebody, may or may not do something",
        options: &[
            opt("action", "What is to be done", Field::Right),
            GUEST,
            maybe("who", "Somebody else (needs access)", Field::Person),
        ],
        right: None,
        action: |given| {
            Some(Action::Why {
                who: given.person(),
                right: given.right()?,
                guest: given.guest()?,
            })
        },
    },
    Row {
        path: &["access", "list"],
        help: "Who may do what, and what was granted",
        options: &[maybe("guest", "Only this guest", Field::Guest(None))],
        right: Some(Right::Access),
        action: |given| {
            Some(Action::AccessList {
                guest: given.guest(),
            })
        },
    },
    Row {
        path: &["access", "grant"],
        help: "Let somebody do something for a while",
        options: &[
            opt("who", "Who gets it", Field::Person),
            opt("actions", "Such as start, reboot or power", Field::Rights),
            GUEST,
            opt(
                "for",
                "How long: 90m, 6h, until 02:00, tomorrow",
                Field::End,
            ),
        ],
        right: Some(Right::Access),
        action: grant,
    },
    Row {
        path: &["access", "revoke"],
        help: "Take back what was granted",
        options: &[opt("grant", "Number of the grant", Field::Grant)],
        right: Some(Right::Access),
        action: |given| {
            given
                .find(|value| match value {
                    Value::Grant(id) => Some(*id),
                    _ => None,
                })
                .map(Action::Revoke)
        },
    },
    Row {
        path: &["access", "lockdown"],
        help: "Nobody acts but people with access, until it is off again",
        options: &[
            opt("switch", "On or off", Field::Switch),
            maybe("reason", "For others to read", Field::Remark),
        ],
        right: Some(Right::Access),
        action: |given| {
            Some(Action::Lockdown {
                on: given.find(|value| match value {
                    Value::Switch(on) => Some(*on),
                    _ => None,
                })?,
                reason: given.find(|value| match value {
                    Value::Remark(remark) => Some(remark.clone()),
                    _ => None,
                }),
            })
        },
    },
    Row {
        path: &["audit"],
        help: "Who did what, and who was refused",
        options: &[
            maybe("who", "Only what this person did", Field::Person),
            maybe("guest", "Only this guest", Field::Guest(None)),
            maybe("action", "Only this", Field::Right),
            maybe("refused", "Only refusals", Field::Flag),
            maybe("since", "Such as 2h, today or 2026-11-20", Field::Since),
        ],
        right: Some(Right::Audit),
        action: |given| Some(Action::Audit(audit(given))),
    },
    Row {
        path: &["help"],
        help: "The commands that you may use",
        options: &[],
        right: None,
        action: |_| Some(Action::Help),
    },
];

fn audit(given: &Given) -> AuditPage {
    let now = Timestamp::now().to_zoned_datetime(TimeZone::UTC);
    let since = given.find(|value| match value {
        Value::Since(since) => Some(*since),
        _ => None,
    });
    AuditPage {
        user: given.person().map(|person| person.user),
        guest: given.guest(),
        right: given.right(),
        refused_only: given.0.contains(&Value::Flag(true)),
        since: since.and_then(|since| since.from(&now)),
        before: None,
    }
}

fn grant(given: &Given) -> Option<Action> {
    Some(Action::Grant {
        to: given.person()?,
        rights: given.find(|value| match value {
            Value::Rights(rights) => Some(rights.clone()),
            _ => None,
        })?,
        guest: given.guest()?,
        end: given.find(|value| match value {
            Value::End(end) => Some(*end),
            _ => None,
        })?,
    })
}

const fn options_of(kind: Kind) -> &'static [Opt] {
    match kind {
        Kind::Vm => VM,
        Kind::Ct => CT,
    }
}

const fn list(path: &'static [&'static str], help: &'static str, kind: Kind) -> Row {
    Row {
        path,
        help,
        options: &[],
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
        options: options_of(kind),
        right: Some(Right::View),
        action: match kind {
            Kind::Vm => |given| guest_status(Kind::Vm, given),
            Kind::Ct => |given| guest_status(Kind::Ct, given),
        },
    }
}

fn guest_status(kind: Kind, given: &Given) -> Option<Action> {
    Some(Action::GuestStatus {
        kind: Some(kind),
        guest: given.guest()?,
    })
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
        options: options_of(kind),
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

fn switch(kind: Kind, power: Power, given: &Given) -> Option<Action> {
    Some(Action::Power {
        power,
        kind: Some(kind),
        guest: given.guest()?,
    })
}
