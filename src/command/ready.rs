//! Before an act: everything is read again and checked again. Whatever is not sure is a no.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::{Instant, timeout};

use crate::action::{GuestFacts, Request, Target};
use crate::audit::NotSent;
use crate::embed::{self, Reply};
use crate::ids::{GrantId, GuestQuery, Kind};
use crate::permission::{Denied, Grant, Law, Permit, check};
use crate::proxmox::{Error, GuestNow, Snapshots};

use super::begin::Order;
use super::desk::{ACT_PATIENCE, Desk, FRESH};
use super::memory::Claimed;
use super::power::{Aim, decide_deed, refuse};
use super::resolve::{self, FoundGuest, Lookup, Sight};
use super::{Outcome, asked_for, doing, guest_not_found, snapshots};

/// One guest's state is one small answer; a node that takes longer is not one to act on.
const GUEST_PATIENCE: Duration = Duration::from_secs(8);

/// The guest as it is at this moment, and the permit for just that.
pub(super) struct Ready {
    pub found: FoundGuest,
    pub now: Arc<GuestNow>,
    /// For what is done to snapshots.
    pub snapshots: Option<Snapshots>,
    pub permit: Permit,
    /// The grants that this act may rest on: their givers were looked up just now.
    pub lent: Vec<GrantId>,
    /// Claimed for a start, by whoever begins it.
    pub memory: Option<Claimed>,
}

pub(super) enum NotReady {
    Refused(Reply),
    Failed(Box<Outcome>),
}

pub(super) async fn ready(desk: &Desk, order: &Order<'_>) -> Result<Ready, NotReady> {
    let Order { request, aim, .. } = order;
    let refused = NotReady::Refused;
    let found = fresh_noted(desk, order).await.map_err(refused)?;
    // Who may not do it is told so before Proxmox is asked for more.
    let facts = &found.guest.facts;
    let law = order.law(desk);
    let target = Target::Guest(facts);
    if let Err(denied) = decide_deed(&law.of(&request.actor), &aim.deed, &target) {
        return Err(refused(refuse(desk, request, &aim.deed, facts, &denied)));
    }
    let now = guest_now(desk, order, &found).await?;
    let lent = look_up_givers(desk, order, facts, &merged(facts, &now)).await;
    let snapshots = if aim.deed.is_about_snapshots() {
        Some(snapshots_now(desk, order, &found).await?)
    } else {
        None
    };
    // That may have taken a while. The snapshot that counts is one of this moment.
    let mut found = fresh_noted(desk, order).await.map_err(refused)?;
    let law = order
        .law(desk)
        .with_grants_only(request.actor.user, &lent.sure);
    let checked = permitted(&law, request, aim, &found.guest.facts, &now);
    let facts = &mut found.guest.facts;
    match checked {
        Ok(permit) => {
            *facts = merged(facts, &now);
            let in_the_way = snapshots
                .as_ref()
                .and_then(|list| snapshots::in_the_way(&aim.deed, facts, &now, list));
            match in_the_way {
                Some(refusal) => {
                    order.not_sent(desk, facts, "its snapshots are in the way");
                    Err(refused(refusal))
                }
                None => Ok(Ready {
                    found,
                    now,
                    snapshots,
                    permit,
                    lent: lent.sure,
                    memory: None,
                }),
            }
        }
        Err(_) if lent.unsure => {
            desk.note_refusal(
                request,
                Some(&Target::Guest(facts).key()),
                "the giver's roles unknown",
            );
            let right = aim.deed.right();
            Err(refused(embed::problem::giver_unknown(right, facts)))
        }
        Err(denied) => Err(refused(refuse(desk, request, &aim.deed, facts, &denied))),
    }
}

/// Which grants an act may rest on.
struct LookedUp {
    /// Those whose givers were looked up just now.
    sure: Vec<GrantId>,
    /// Some giver could not be looked up.
    unsure: bool,
}

/// What was lent is worth what its giver may do now, and only Discord knows the roles of now. The
/// guest is looked at both as the snapshot has it and as it says itself.
async fn look_up_givers(
    desk: &Desk,
    order: &Order<'_>,
    facts: &GuestFacts,
    newest: &GuestFacts,
) -> LookedUp {
    let law = order.law(desk);
    let mine = law.of(&order.request.actor);
    let rights = [order.aim.deed.right()];
    let rights = rights.iter().chain(order.aim.deed.also());
    let mut leaned: Vec<&Grant> = rights
        .flat_map(|right| [facts, newest].map(|facts| (*right, facts)))
        .flat_map(|(right, facts)| mine.leans_on(right, &Target::Guest(facts)))
        .collect();
    leaned.sort_unstable_by_key(|grant| grant.id);
    leaned.dedup_by_key(|grant| grant.id);
    let asked = leaned.len();
    let looked_up = leaned.into_iter().map(|grant| async move {
        let giver = &grant.giver;
        let asked = Instant::now();
        let roles = desk.errands.roles(giver.guild, giver.user).await?;
        let access = &desk.access;
        access
            .giver_holds(giver.user, giver.guild, &roles, asked)
            .await;
        Some(grant.id)
    });
    let found = futures_util::future::join_all(looked_up).await;
    let sure: Vec<GrantId> = found.into_iter().flatten().collect();
    LookedUp {
        unsure: sure.len() < asked,
        sure,
    }
}

async fn guest_now(
    desk: &Desk,
    order: &Order<'_>,
    found: &FoundGuest,
) -> Result<Arc<GuestNow>, NotReady> {
    let read = found.inventory.guest_now_fresh(&found.guest.facts);
    in_time(desk, order, found, read).await
}

async fn snapshots_now(
    desk: &Desk,
    order: &Order<'_>,
    found: &FoundGuest,
) -> Result<Snapshots, NotReady> {
    let client = found.inventory.client();
    let read = client.snapshots_to_act(&found.guest.facts);
    in_time(desk, order, found, read).await
}

/// The guest's node has less free memory than it wants.
pub(super) fn no_room(desk: &Desk, order: &Order<'_>, facts: &GuestFacts) -> Reply {
    order.not_sent(desk, facts, "its node has too little free memory");
    embed::problem::too_little_memory(facts)
}

/// What cannot be read in time is not acted on.
async fn in_time<T>(
    desk: &Desk,
    order: &Order<'_>,
    found: &FoundGuest,
    read: impl Future<Output = Result<T, Error>>,
) -> Result<T, NotReady> {
    let request = order.request;
    let facts = &found.guest.facts;
    match timeout(GUEST_PATIENCE, read).await {
        Ok(Ok(read)) => Ok(read),
        Ok(Err(error)) => {
            tracing::warn!(interaction = %request.id, %error, "the guest cannot be read; nothing is done");
            doing::look_again(found, &error).await;
            Err(unreadable(desk, order, found, &error))
        }
        Err(_) => {
            tracing::warn!(interaction = %request.id, guest = %facts.guest, "the guest is not told in time; nothing is done");
            found.inventory.refresh();
            let why = format!("node {} did not answer in time", facts.node);
            order.not_sent(desk, facts, &why);
            Err(silent(desk, order, found))
        }
    }
}

/// What the guest itself says is newer than the snapshot; where it says nothing, that stands.
fn merged(facts: &GuestFacts, now: &GuestNow) -> GuestFacts {
    GuestFacts {
        name: now.name.clone().or_else(|| facts.name.clone()),
        tags: now.tags.clone(),
        ..facts.clone()
    }
}

/// The permit, if the guest may be acted on both as the snapshot has it and as it says itself: a
/// tag that was just taken away gives nothing any more, and one that was just put on counts.
pub(super) fn permitted(
    law: &Law,
    request: &Request,
    aim: &Aim,
    facts: &GuestFacts,
    now: &GuestNow,
) -> Result<Permit, Denied> {
    let mine = law.of(&request.actor);
    decide_deed(&mine, &aim.deed, &Target::Guest(facts))?;
    let newest = merged(facts, now);
    let target = Target::Guest(&newest);
    decide_deed(&mine, &aim.deed, &target)?;
    check(law, &request.actor, aim.deed.right(), &target)
}

/// Why there is no guest to act on.
enum NotFresh {
    Refused(Reply),
    /// Its cluster cannot be read.
    OutOfReach(Reply),
}

/// The guest from a snapshot that is at most ten seconds old. `command` is for the words of a refusal.
pub(super) async fn fresh_guest(
    desk: &Desk,
    request: &Request,
    kind: Option<Kind>,
    query: &GuestQuery,
    command: &str,
) -> Result<FoundGuest, Reply> {
    fresh(desk, request, kind, query, command)
        .await
        .map_err(|not| match not {
            NotFresh::Refused(reply) | NotFresh::OutOfReach(reply) => reply,
        })
}

/// The same for an act: that its cluster could not be read is noted too.
async fn fresh_noted(desk: &Desk, order: &Order<'_>) -> Result<FoundGuest, Reply> {
    let Order { request, aim, .. } = order;
    match fresh(desk, request, aim.kind, &aim.guest, aim.deed.key()).await {
        Ok(found) => Ok(found),
        Err(NotFresh::Refused(reply)) => Err(reply),
        Err(NotFresh::OutOfReach(reply)) => {
            let seen = resolve::guest(desk, &request.actor, Sight::Known, aim.kind, &aim.guest);
            let seen = match &seen {
                Lookup::Found(found) => Some(&found.guest.facts),
                _ => None,
            };
            let (target, named) = asked_for(desk, &aim.guest);
            let tried = NotSent {
                request,
                action: aim.deed.right().key(),
                detail: aim.deed.detail(),
                target,
                guest: seen,
            };
            let named = seen.map_or(named.as_str(), |_| "");
            desk.note_not_sent(&tried, &format!("Proxmox could not be read{named}"));
            Err(reply)
        }
    }
}

async fn fresh(
    desk: &Desk,
    request: &Request,
    kind: Option<Kind>,
    query: &GuestQuery,
    command: &str,
) -> Result<FoundGuest, NotFresh> {
    let out_of_reach = |cluster: &str| {
        let reply = embed::problem::out_of_reach(cluster, request.id);
        NotFresh::OutOfReach(reply)
    };
    let not_found =
        |lookup| NotFresh::Refused(guest_not_found(desk, request, query, command, lookup));
    let only = desk.clusters.len() == 1 || query.cluster.is_some();
    for inventory in desk.asked_for(query.cluster.as_ref()) {
        if let Err(stale) = inventory.fresh(FRESH, ACT_PATIENCE).await {
            let cluster = inventory.client().cluster();
            tracing::warn!(interaction = %request.id, %cluster, why = ?stale.why, "no fresh snapshot");
            // Another cluster may have the guest; one that cannot be read has none to act on.
            if only && desk.law().of(&request.actor).any() {
                return Err(out_of_reach(cluster.as_str()));
            }
            if only {
                // Somebody whom no rule knows learns nothing, not even that Proxmox is away.
                return Err(not_found(Lookup::Missing));
            }
        }
    }
    let found = match resolve::guest(desk, &request.actor, Sight::Known, kind, query) {
        Lookup::Found(found) => found,
        Lookup::NotYet if desk.law().of(&request.actor).any() => {
            return Err(out_of_reach("Proxmox"));
        }
        lookup => return Err(not_found(lookup)),
    };
    // The very snapshot that holds this guest must be a fresh one. It may have grown a moment older
    // since it was asked for.
    let still_fresh = FRESH + Duration::from_secs(1);
    match found.inventory.fresh(still_fresh, Duration::ZERO).await {
        Ok(_) => Ok(found),
        Err(_) => Err(out_of_reach(found.inventory.client().cluster().as_str())),
    }
}

/// Its node takes too long, so nothing is done. One that is offline may take that long to be missed.
fn silent(desk: &Desk, order: &Order<'_>, found: &FoundGuest) -> NotReady {
    let (request, facts) = (order.request, &found.guest.facts);
    if !doing::node_offline(&found.inventory, &facts.node) {
        return NotReady::Refused(embed::problem::node_silent(facts, request.id));
    }
    let why = embed::why::node_away(doing::shown_node(desk, request, order.public, found), true);
    let failed = embed::act::failed(&order.act(desk, facts, None), &why, None);
    NotReady::Failed(Box::new(Outcome::shown(failed)))
}

/// The guest cannot be read, so nothing is done to it.
fn unreadable(desk: &Desk, order: &Order<'_>, found: &FoundGuest, error: &Error) -> NotReady {
    let facts = &found.guest.facts;
    let why = error.status().map_or_else(
        || "it could not be read".to_owned(),
        |status| format!("node {} could not be read: {status}", facts.node),
    );
    order.not_sent(desk, facts, &why);
    if error.status().is_none() && doing::node_offline(&found.inventory, &facts.node) {
        return silent(desk, order, found);
    }
    if error.status().is_none() {
        let cluster = facts.guest.cluster.as_str();
        return NotReady::Refused(embed::problem::out_of_reach(cluster, order.request.id));
    }
    let act = order.act(desk, facts, None);
    let (why, aside) = doing::explain(desk, order.request, order.public, found, error);
    let shown = Outcome::shown(embed::act::failed(&act, &why, None));
    NotReady::Failed(Box::new(Outcome { aside, ..shown }))
}
