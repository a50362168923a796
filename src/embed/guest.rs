//! Guests to read: one card, and lists.

use std::time::Duration;

use crate::action::{Action, Deed, GuestFacts, Power, Right};
use crate::ids::{GuestRef, Kind};
use crate::proxmox::{Guest, RunState};

use super::backup::Last;
use super::deed::{going_on, label};
use super::guest_details::{self as details, Details};
use super::reply::{Button, Card, Colour, Reply, Style};
use super::status::{Age, Seen};
use super::why::locked_for;
use super::words::{bar, duration, guest_footer, guest_name, percent, plain, share, size};

/// The mark and the word of a state. Proxmox's list of states is open: a new one is shown as it is.
#[must_use]
pub fn state(state: &RunState) -> (&'static str, Colour, String) {
    match state {
        RunState::Running => ("🟢", Colour::Green, "running".to_owned()),
        RunState::Stopped => ("⚪", Colour::Grey, "stopped".to_owned()),
        RunState::Unknown => ("🟠", Colour::Amber, "unknown".to_owned()),
        RunState::Other(word) if word == "io-error" || word == "internal-error" => {
            ("🔴", Colour::Red, plain(word))
        }
        other => ("🟡", Colour::Amber, plain(other.as_str())),
    }
}

/// The state of a guest. A VM that is off is started for a backup, without its system: to people it is off.
fn state_of(guest: &Guest) -> (&'static str, Colour, String) {
    match &guest.status {
        RunState::Other(word) if word == "prelaunch" && guest.lock.as_deref() == Some("backup") => {
            state(&RunState::Stopped)
        }
        status => state(status),
    }
}

/// What is known of one guest, and how old it is.
#[derive(Debug, Clone)]
pub struct View<'a> {
    pub guest: &'a Guest,
    pub age: Age,
    /// The cluster says that its node is offline.
    pub node_offline: bool,
    /// Rights of the person who looks; buttons they could not use are left out.
    pub rights: &'a [Right],
    /// For these eyes alone; `None` on a card that others see.
    pub details: Option<&'a Details>,
    /// An act that is under way on it.
    pub busy: Option<Deed>,
    /// Where the person may know it and it is known.
    pub backup: Option<Last>,
}

#[must_use]
pub fn card(view: &View<'_>) -> Reply {
    let Guest { facts, .. } = view.guest;
    let (mut mark, mut colour, mut word) = state_of(view.guest);
    let busy = view.busy.as_ref();
    if let Some(deed) = busy.filter(|deed| deed.changes_state()) {
        (mark, colour, word) = ("🟡", Colour::Amber, going_on(deed).to_owned());
    } else if view.guest.template {
        (mark, colour, word) = ("📄", Colour::Grey, "template".to_owned());
    } else if view.age != Age::Now && colour == Colour::Green {
        // It was so; nobody knows whether it is.
        (mark, colour) = ("🟠", Colour::Amber);
    }
    // Any right shows name and state; the rest is for those who may look.
    let full = view.rights.contains(&Right::View);
    let usable = |button: &Button| match &button.action {
        Action::Do { deed, .. } => view.rights.contains(&deed.right()),
        _ => true,
    };
    let mut buttons = fitting(view.guest);
    buttons.retain(usable);
    let could = buttons.len();
    buttons.retain(|button| works_now(view, button));
    let mut lines = Vec::new();
    // Also for those whose buttons it takes.
    if full || buttons.len() < could {
        lines.extend(held_up(view));
    }
    if view.node_offline {
        let node = if full {
            format!(" {}", facts.node)
        } else {
            String::new()
        };
        lines.push(format!(
            "Its node{node} is offline, so nobody\nknows how it is."
        ));
    }
    if full {
        lines.extend(figures(view.guest));
        lines.extend(notes(view.guest));
        lines.extend(view.details.map(details::lines).unwrap_or_default());
    }
    lines.extend(view.backup.map(Last::line));
    lines.extend(view.age.line());
    let card = Card {
        colour,
        title: format!("{mark} {} · {word}", guest_name(facts)),
        body: lines.join("\n"),
        footer: Some(if full {
            format!("{} · {}", guest_footer(facts), facts.node)
        } else {
            guest_footer(facts)
        }),
    };
    Reply::card(card).with_buttons(buttons)
}

/// The buttons for the state that the guest is in.
fn fitting(guest: &Guest) -> Vec<Button> {
    let of = &guest.facts.guest;
    match guest.status {
        _ if guest.template => buttons_of(of, None),
        RunState::Running => buttons_of(of, Some(true)),
        RunState::Stopped => buttons_of(of, Some(false)),
        RunState::Paused | RunState::Suspended => held_buttons(of),
        _ => buttons_of(of, None),
    }
}

/// Work on the guest is in the way of everything that buttons do, but that a start frees one that was
/// suspended to disk.
fn works_now(view: &View<'_>, button: &Button) -> bool {
    let Action::Do { deed, .. } = &button.action else {
        return true;
    };
    let locked = match view.guest.lock.as_deref() {
        None => false,
        Some("suspended") => *deed != Deed::Power(Power::Start),
        Some(_) => true,
    };
    !locked && view.busy.is_none()
}

/// What is being done to the guest beside its state, or the lock that something has on it.
fn held_up(view: &View<'_>) -> Option<String> {
    match (&view.busy, &view.guest.lock) {
        (Some(deed), _) if !deed.changes_state() => Some(format!("🔒 {}", going_on(deed))),
        (_, Some(lock)) => Some(format!("🔒 {}", locked_for(lock))),
        _ => None,
    }
}

fn figures(guest: &Guest) -> Vec<String> {
    let mut lines = Vec::new();
    if guest.status != RunState::Running {
        return lines;
    }
    if let Some(cpu) = guest.cpu {
        let cores = guest.maxcpu.map(|n| format!(" of {n}")).unwrap_or_default();
        lines.push(format!("{} CPU {}{cores}", bar(cpu), percent(cpu)));
    }
    if let (Some(mem), Some(most)) = (guest.mem, guest.maxmem) {
        let part = share(mem, most);
        let (mem, most) = (size(mem), size(most));
        lines.push(format!("{} RAM {mem} of {most}", bar(part)));
    }
    if let Some(uptime) = guest.uptime.filter(|up| *up > Duration::ZERO) {
        lines.push(format!("Up {}", duration(uptime)));
    }
    lines
}

fn notes(guest: &Guest) -> Vec<String> {
    let mut lines = Vec::new();
    if let Some(ha) = guest.ha.as_deref().filter(|ha| *ha != "ignored") {
        lines.push(format!("HA: {}", plain(ha)));
    }
    if !guest.facts.tags.is_empty() {
        let tags: Vec<String> = guest.facts.tags.iter().map(|tag| plain(tag)).collect();
        lines.push(format!("Tags: {}", tags.join(", ")));
    }
    lines
}

/// The buttons that fit a state. They are checked again for whoever presses them.
#[must_use]
pub fn buttons_of(guest: &GuestRef, runs: Option<bool>) -> Vec<Button> {
    let powers: &[Power] = match runs {
        Some(true) => &[Power::Shutdown, Power::Reboot],
        Some(false) => &[Power::Start],
        None => &[],
    };
    buttons(guest, powers)
}

/// A template is never switched, so nothing of that kind is offered.
#[must_use]
pub fn of_template(reply: Reply) -> Reply {
    let mut reply = reply;
    let switches = |button: &Button| {
        matches!(
            button.action,
            Action::Do {
                deed: Deed::Power(_),
                ..
            }
        )
    };
    reply.buttons.retain(|button| !switches(button));
    reply
}

/// Those of a guest that is held in memory.
#[must_use]
pub fn held_buttons(guest: &GuestRef) -> Vec<Button> {
    buttons(guest, &[Power::Resume])
}

fn buttons(guest: &GuestRef, powers: &[Power]) -> Vec<Button> {
    let power = |power: &Power| Button {
        label: label(&Deed::Power(*power)).into(),
        style: match power {
            Power::Start | Power::Resume => Style::Primary,
            _ => Style::Secondary,
        },
        action: Action::Do {
            deed: Deed::Power(*power),
            kind: None,
            guest: guest.into(),
        },
    };
    let refresh = Button {
        label: "Refresh".into(),
        style: Style::Secondary,
        action: Action::GuestStatus {
            kind: None,
            guest: guest.into(),
        },
    };
    powers.iter().map(power).chain([refresh]).collect()
}

/// A list of guests of one kind; `several` clusters put the cluster in front of the number.
#[must_use]
pub fn list(kind: Kind, guests: &[Seen<'_>], several: bool, ages: &[Age]) -> Reply {
    let title = match kind {
        Kind::Vm => format!("🖥️ {} VMs", guests.len()),
        Kind::Ct => format!("📦 {} containers", guests.len()),
    };
    let title = if guests.len() == 1 {
        title.trim_end_matches('s').to_owned()
    } else {
        title
    };
    let mut lines: Vec<String> = guests.iter().map(|seen| line(seen, several)).collect();
    if guests.is_empty() {
        lines.push("None that you may see here.".to_owned());
    }
    lines.extend(ages.iter().filter_map(Age::line));
    let card = Card {
        colour: Colour::Grey,
        title,
        body: lines.join("\n"),
        footer: None,
    };
    Reply::card(card).with_buttons(vec![Button {
        label: "Refresh".into(),
        style: Style::Secondary,
        action: Action::GuestList(kind),
    }])
}

/// `🟢 101 valheim · CPU 42 %`: one guest in one line of a phone.
#[must_use]
pub fn line(seen: &Seen<'_>, several: bool) -> String {
    let Seen { guest, full } = *seen;
    let (mark, _, word) = state_of(guest);
    let (mark, word) = if guest.template {
        ("📄", "template".to_owned())
    } else {
        (mark, word)
    };
    let number = number(&guest.facts, several);
    let name = guest.facts.name.as_deref().map(plain).unwrap_or_default();
    let tail = match (&guest.status, guest.cpu.filter(|_| full)) {
        (RunState::Running, Some(cpu)) => format!("CPU {}", percent(cpu)),
        (RunState::Running, None) => String::new(),
        _ => word,
    };
    let lock = if full && guest.lock.is_some() {
        " · locked"
    } else {
        ""
    };
    let tail = if tail.is_empty() {
        tail
    } else {
        format!(" · {tail}")
    };
    format!("{mark} `{number}` {name}{tail}{lock}")
}

/// `101`, or `home/101` where the number alone could mean several.
#[must_use]
pub fn number(facts: &GuestFacts, several: bool) -> String {
    if several {
        facts.guest.to_string()
    } else {
        facts.guest.vmid.to_string()
    }
}

/// One line of autocomplete: `101 valheim · stopped`, at most 100 characters, plain text.
#[must_use]
pub fn choice(guest: &Guest, several: bool) -> String {
    let (_, _, word) = state_of(guest);
    let name = guest.facts.name.as_deref().unwrap_or("(no name)");
    let name = super::words::visible(name);
    let text = format!("{} {name} · {word}", number(&guest.facts, several));
    text.chars().take(100).collect()
}

/// `101 valheim`, in running text.
#[must_use]
pub fn called(facts: &GuestFacts, several: bool) -> String {
    let name = facts.name.as_deref().map(plain).unwrap_or_default();
    format!("{} {name}", number(facts, several))
        .trim_end()
        .to_owned()
}
