//! Rules that do nothing, with the place where they stand.

use crate::ids::GuestRef;
use crate::permission::{Idle, IdleWhy, Unanswered};

use super::Finding;
use crate::embed::words::visible;

#[must_use]
pub fn idle(idle: &Idle) -> Finding {
    let Idle { place, list, why } = idle;
    Finding::warning(match why {
        IdleWhy::MeansNothing(words) => {
            let words = words.join(", ");
            let effect = match *list {
                "deny" => "denies",
                _ => "gives",
            };
            format!(
                "{place}: this [[{list}]] {effect} nothing now: no guest and no node that the token\n\
                 can see is {words}. Is that spelt as in Proxmox?"
            )
        }
        IdleWhy::Denied(by) => {
            let by: Vec<String> = by.iter().map(ToString::to_string).collect();
            format!(
                "{place}: this [[{list}]] gives nothing now: all of it is denied by {}.\n\
                 A deny beats every allow: take one of them out, or name other guests.",
                by.join(" and ")
            )
        }
    })
}

/// Guests beyond these are counted.
const GUESTS: usize = 5;

/// Requests that would reach nobody.
#[must_use]
pub fn unanswered(of: &Unanswered) -> Finding {
    let rights: Vec<&str> = of.rights.iter().map(|right| right.key()).collect();
    let name = |(guest, name): &(GuestRef, Option<String>)| match name {
        Some(name) => format!("{guest} {}", visible(name)),
        None => format!("{guest}"),
    };
    let mut guests: Vec<String> = of.guests.iter().take(GUESTS).map(name).collect();
    if of.guests.len() > GUESTS {
        guests.push(format!("{} more", of.guests.len() - GUESTS));
    }
    Finding::warning(format!(
        "{}: who asks for {} under this [[ask]] reaches nobody, for {}.\n\
         approvals_channel in [discord] is not set, and nobody else in [people] has `access` and the\n\
         right itself there. Set the channel, or give somebody in [people] both.",
        of.place,
        rights.join(", "),
        guests.join(", ")
    ))
}
