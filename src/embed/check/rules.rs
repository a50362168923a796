//! Rules that do nothing, with the place where they stand.

use crate::permission::{Idle, IdleWhy};

use super::Finding;

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
