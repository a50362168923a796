//! `/access why`: one decision explained, about a guest, a node or the bot itself.

use crate::action::{Action, Person, Request, Right, Target};
use crate::embed::decision::{self as words, Locked, Why};
use crate::embed::{self, Reply};
use crate::permission::Denied;

use super::desk::Desk;
use super::resolve::{self, Lookup, Sight};
use super::{guest_not_found, node_not_found};

/// Free about oneself; about others for those with access there.
pub(super) fn why(desk: &Desk, request: &Request) -> Reply {
    let Action::Why {
        who,
        right,
        guest,
        node,
    } = &request.action
    else {
        return embed::problem::internal(request.id);
    };
    let explained = |target: &Target<'_>| explained(desk, request, who.as_ref(), *right, target);
    let (of_guests, of_nodes) = (right.is_for_guests(), right.is_for_nodes());
    match (guest, node) {
        // What is about the bot alone is the same whatever is named.
        _ if !of_guests && !of_nodes => explained(&Target::Bot),
        (None, None) if right.is_about_the_bot() => explained(&Target::Bot),
        (Some(query), None) if of_guests => {
            match resolve::guest(desk, &request.actor, Sight::Known, None, query) {
                Lookup::Found(found) => explained(&Target::Guest(&found.guest.facts)),
                lookup => guest_not_found(desk, request, query, "why", lookup),
            }
        }
        (None, Some(query)) if of_nodes => {
            match resolve::node(desk, &request.actor, Sight::Known, query) {
                Lookup::Found(found) => explained(&Target::Node(&found.reference)),
                // Somebody whom no rule knows learns nothing, not even that Proxmox is away.
                Lookup::NotYet if desk.law().of(&request.actor).any() => {
                    embed::problem::out_of_reach("Proxmox", request.id)
                }
                _ => node_not_found(desk, request, query),
            }
        }
        _ => words::which(*right),
    }
}

fn explained(
    desk: &Desk,
    request: &Request,
    who: Option<&Person>,
    right: Right,
    target: &Target<'_>,
) -> Reply {
    let law = desk.law();
    let reader = law.of(&request.actor);
    let of_bot = reader.decide(Right::Access, &Target::Bot).is_ok();
    // Nobody has access to a node: what is said of those is for people with access to the bot.
    let rules = match target {
        Target::Guest(_) => reader.decide(Right::Access, target).is_ok(),
        Target::Node(_) | Target::Bot => of_bot,
    };
    let other = who.filter(|person| person.user != request.actor.user);
    if other.is_some() && !rules {
        desk.note_refusal(request, Some(&target.key()), "no access");
        return match target {
            Target::Guest(facts) => {
                let ask = law.holders(&request.actor, Right::Access, target);
                embed::access::no_access(facts, &ask)
            }
            Target::Node(_) | Target::Bot => embed::access::only_for_access(),
        };
    }
    let mut actor = request.actor.clone();
    if let Some(person) = other {
        let Some(held) = &person.roles else {
            return embed::access::not_a_member(&person.name);
        };
        actor.user = person.user;
        actor.roles.clone_from(held);
    }
    let locked = law.of(&actor).decide(right, target) == Err(Denied::Lockdown);
    // A lockdown says nothing of the rules: what they and the grants say then is what helps.
    let unlocked = law.clone().without_lockdown();
    let mine = unlocked.of(&actor);
    words::why(&Why {
        who: actor.user,
        right,
        target,
        decision: &mine.decide(right, target),
        locked: locked.then_some(Locked { may_end: of_bot }),
        ask: mine.may_ask(right, target).as_ref(),
        rules,
    })
}
