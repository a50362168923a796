//! The one table of commands: names, help, options and the right they ask for. Discord's
//! definitions, parsing, `/help` and `no_skip` are all made from it.

use crate::action::{Action, Completion, Person, Power, Remark, Right, Unclear};
use crate::ids::{GrantId, GuestQuery, Kind, NodeQuery};
use crate::until::End;

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
    Node,
    /// A member, picked in Discord.
    Person,
    /// One right that can be held on a guest, picked from a list.
    Right,
    /// Words for rights, with commas.
    Rights,
    End,
    Grant,
    /// `on` or `off`.
    Switch,
    /// A line for others to read.
    Remark,
}

/// What an option held, parsed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Value {
    Guest(GuestQuery),
    Node(NodeQuery),
    Person(Person),
    Right(Right),
    Rights(Vec<Right>),
    End(End),
    Grant(GrantId),
    Switch(bool),
    Remark(Remark),
}

/// The options of one call. No command has two of the same kind.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Given(pub Vec<Value>);

impl Given {
    fn find<T>(&self, pick: impl Fn(&Value) -> Option<T>) -> Option<T> {
        self.0.iter().find_map(pick)
    }

    fn guest(&self) -> Option<GuestQuery> {
        self.find(|value| match value {
            Value::Guest(guest) => Some(guest.clone()),
            _ => None,
        })
    }

    fn node(&self) -> Option<NodeQuery> {
        self.find(|value| match value {
            Value::Node(node) => Some(node.clone()),
            _ => None,
        })
    }

    fn person(&self) -> Option<Person> {
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
            Self::Guest(_) => text.parse().map(Value::Guest).map_err(|_| Unclear::Guest),
            Self::Node => text.parse().map(Value::Node).map_err(|_| Unclear::Node),
            Self::Person => Err(Unclear::Command),
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
            Self::Right => {
                let held = Right::ALL
                    .into_iter()
                    .filter(|right| *right != Right::Audit);
                held.map(Right::key).collect()
            }
            Self::Switch => vec!["on", "off"],
            _ => Vec::new(),
        }
    }
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
            Field::Person | Field::Right | Field::Switch | Field::Remark => None,
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
                right: given.find(|value| match value {
                    Value::Right(right) => Some(*right),
                    _ => None,
                })?,
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
        path: &["help"],
        help: "The commands that you may use",
        options: &[],
        right: None,
        action: |_| Some(Action::Help),
    },
];

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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rights_are_words_with_commas() {
        let read = |text: &str| rights(text).map(|r| r.iter().map(|r| r.key()).collect::<Vec<_>>());
        assert_eq!(read("start, reboot").unwrap(), ["start", "reboot"]);
        assert_eq!(read("Start start").unwrap(), ["start"]);
        assert_eq!(read("power").unwrap(), ["start", "shutdown", "reboot"]);
        let all = read("*").unwrap();
        assert!(all.contains(&"stop") && !all.contains(&"access"), "{all:?}");
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
