//! Autocomplete: from memory, never waiting, and only what the person may do in the way asked.

use crate::action::{Actor, Completion, Right, Target, Typing};
use crate::embed;
use crate::ids::{Kind, NodeRef};
use crate::proxmox::{Guest, RunState};

use super::Choice;
use super::desk::Desk;

/// Discord shows no more.
const MOST: usize = 25;

pub(super) fn suggest(desk: &Desk, typing: &Typing) -> Vec<Choice> {
    let text = typing.text.trim().to_lowercase();
    match typing.wanted {
        Completion::Guest { kind, right } => guests(desk, &typing.actor, kind, right, &text),
        Completion::Node => nodes(desk, &typing.actor, &text),
    }
}

fn guests(desk: &Desk, actor: &Actor, kind: Kind, right: Right, text: &str) -> Vec<Choice> {
    let law = desk.law();
    let mine = law.of(actor);
    let several = desk.several();
    let mut fitting = Vec::new();
    let mut others = Vec::new();
    for inventory in &desk.clusters {
        let Some(snapshot) = inventory.latest() else {
            continue;
        };
        for guest in snapshot.guests.values() {
            let offered = guest.facts.kind == kind
                && matches(guest, text)
                && may(&mine, right, guest)
                && !(guest.template && right != Right::View);
            if offered {
                let list = if fits(guest, right) {
                    &mut fitting
                } else {
                    &mut others
                };
                if list.len() < MOST {
                    list.push(choice(guest, several));
                }
            }
            if fitting.len() >= MOST {
                break;
            }
        }
    }
    fitting.append(&mut others);
    fitting.truncate(MOST);
    fitting
}

/// A look is offered for everything that is visible; an act only where it may be done.
fn may(mine: &crate::permission::Rights<'_>, right: Right, guest: &Guest) -> bool {
    let target = Target::Guest(&guest.facts);
    match right {
        Right::View => mine.see(&target),
        right => mine.decide(right, &target).is_ok() || mine.may_ask(right, &target).is_some(),
    }
}

/// By the beginning of the number, or any part of the name; a cluster may stand in front.
fn matches(guest: &Guest, text: &str) -> bool {
    let (cluster, text) = match text.split_once('/') {
        Some((cluster, rest)) => (Some(cluster), rest),
        None => (None, text),
    };
    let name = guest.facts.name.as_deref().unwrap_or_default();
    cluster.is_none_or(|c| c == guest.facts.guest.cluster.as_str())
        && (guest.facts.guest.vmid.to_string().starts_with(text)
            || name.to_lowercase().contains(text))
}

/// Whether the act makes sense in the state that the guest is in.
fn fits(guest: &Guest, right: Right) -> bool {
    match right {
        Right::Start => guest.status == RunState::Stopped,
        Right::Shutdown | Right::Reboot | Right::Stop => guest.status == RunState::Running,
        Right::View | Right::Access | Right::Audit => true,
    }
}

fn choice(guest: &Guest, several: bool) -> Choice {
    Choice {
        name: embed::guest::choice(guest, several),
        value: embed::guest::number(&guest.facts, several),
    }
}

fn nodes(desk: &Desk, actor: &Actor, text: &str) -> Vec<Choice> {
    let law = desk.law();
    let mine = law.of(actor);
    let mut choices = Vec::new();
    for inventory in &desk.clusters {
        let Some(snapshot) = inventory.latest() else {
            continue;
        };
        for name in snapshot.nodes.keys() {
            let node = NodeRef {
                cluster: inventory.client().cluster().clone(),
                node: name.clone(),
            };
            let written = if desk.several() {
                node.to_string()
            } else {
                name.to_string()
            };
            if written.to_lowercase().contains(text) && mine.see(&Target::Node(&node)) {
                choices.push(Choice {
                    name: written.clone(),
                    value: written,
                });
            }
        }
    }
    choices.truncate(MOST);
    choices
}
