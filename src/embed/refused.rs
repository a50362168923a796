//! A no about a node, or about anything else that is known by a name: the same words as for guests.

use crate::action::{GuestFacts, Right};
use crate::ids::{NodeRef, UserId};
use crate::permission::Denied;

use super::problem::{infinitive, refusal, whom_to_ask};
use super::reply::Reply;
use super::words::{ago, clock, guest_footer, guest_name, node_footer};

/// What a no is about, ready to be shown: `pve1`, and the small print.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Thing {
    pub name: String,
    pub footer: String,
}

impl Thing {
    #[must_use]
    pub fn guest(guest: &GuestFacts) -> Self {
        Self {
            name: guest_name(guest),
            footer: guest_footer(guest),
        }
    }

    #[must_use]
    pub fn node(node: &NodeRef) -> Self {
        Self {
            name: node.node.to_string(),
            footer: node_footer(node),
        }
    }
}

/// They may know of it, but not do this. `ask`: who could give it.
#[must_use]
pub fn refused(right: Right, thing: &Thing, denied: &Denied, ask: &[UserId]) -> Reply {
    let to_do = format!("{} {}", infinitive(right), thing.name);
    let (title, body) = match (denied, denied.until()) {
        (_, Some(until)) => {
            let why = match denied {
                Denied::UsedUp { .. } => "You have done this often enough.",
                Denied::Resting { .. } => "That was done a moment ago.",
                _ => "You may do this at other hours.",
            };
            let again = if until == i64::MAX {
                String::new()
            } else {
                format!("\nAgain from {}, {}.", clock(until), ago(until))
            };
            (format!("Not now: {to_do}"), format!("{why}{again}"))
        }
        (Denied::OtherChannel(_), _) => (
            format!("Not here: {to_do}"),
            "You may do this in another channel.".to_owned(),
        ),
        (Denied::Lockdown, _) => (
            format!("You may not {to_do} now"),
            "The bot is locked down: only people\nwith access act. You can still look.".to_owned(),
        ),
        _ => (format!("You may not {to_do}"), whom_to_ask(ask)),
    };
    with_footer(refusal(&title, body), thing)
}

/// What allowed it a moment ago is not what allows it now.
#[must_use]
pub fn rules_changed(thing: &Thing) -> Reply {
    let title = format!("Nothing was done to {}", thing.name);
    let body = "The rules for it changed just now.\nTry again.".to_owned();
    with_footer(refusal(&title, body), thing)
}

fn with_footer(mut reply: Reply, thing: &Thing) -> Reply {
    if let Some(card) = reply.cards.first_mut() {
        card.footer = Some(thing.footer.clone());
    }
    reply
}
