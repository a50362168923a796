//! `/vm` and `/ct`: one guest, its power, and lists.

use crate::action::{Action, Guests, Power, Right};
use crate::command::option::{Field, Given, Opt, Value};
use crate::ids::Kind;

use super::{Row, opt};

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
const VMS: &[Opt] = &[opt(
    "guest",
    "VMID or name of the VM; or several: tag:games, pool:lab, 101,102",
    Field::Guests(Kind::Vm),
)];
const CTS: &[Opt] = &[opt(
    "guest",
    "VMID or name of the container; or several: tag:games, pool:lab, 101,102",
    Field::Guests(Kind::Ct),
)];

pub(super) const ROWS: &[Row] = &[
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
        &["vm", "suspend"],
        "Hold a VM where it is, in memory",
        Kind::Vm,
        Power::Suspend,
    ),
    power(
        &["vm", "resume"],
        "Let a suspended VM go on",
        Kind::Vm,
        Power::Resume,
    ),
    power(
        &["vm", "reset"],
        "Press the reset button of a VM (asks first)",
        Kind::Vm,
        Power::Reset,
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
        &["ct", "suspend"],
        "Hold a container where it is, in memory",
        Kind::Ct,
        Power::Suspend,
    ),
    power(
        &["ct", "resume"],
        "Let a suspended container go on",
        Kind::Ct,
        Power::Resume,
    ),
    power(
        &["ct", "stop"],
        "Kill a container at once (asks first)",
        Kind::Ct,
        Power::Stop,
    ),
];

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
        options: match kind {
            Kind::Vm => VMS,
            Kind::Ct => CTS,
        },
        right: Some(power.right()),
        action: match power {
            Power::Start => make!(Start),
            Power::Shutdown => make!(Shutdown),
            Power::Reboot => make!(Reboot),
            Power::Suspend => make!(Suspend),
            Power::Resume => make!(Resume),
            Power::Stop => make!(Stop),
            Power::Reset => make!(Reset),
        },
    }
}

fn switch(kind: Kind, power: Power, given: &Given) -> Option<Action> {
    let guests = given.find(|value| match value {
        Value::Guests(guests) => Some(guests.clone()),
        _ => None,
    })?;
    Some(match guests {
        Guests::One(guest) => Action::Do {
            deed: power.into(),
            kind: Some(kind),
            guest,
        },
        Guests::Several(which) => Action::Several { power, kind, which },
    })
}
