//! Commands that only look. Answered from the snapshot at once where it is fresh; else Discord is
//! told to wait, and after a moment the older one is shown with its age.

use std::sync::Arc;
use std::time::{Duration, UNIX_EPOCH};

use futures_util::future::join_all;
use jiff::Timestamp;

use crate::action::{Action, Actor, Door, GuestFacts, Request, Right, Target};
use crate::embed::backup::Last as LastBackup;
use crate::embed::guest::View as GuestView;
use crate::embed::guest_details::Details;
use crate::embed::status::{Age, Seen, View as ClusterView};
use crate::embed::{self, Reply};
use crate::ids::{ClusterName, GuestQuery, Kind, NodeRef};
use crate::permission::Rights;
use crate::proxmox::{Guest, GuestNow, Inventory, Node, RunState, Snapshot};

use super::desk::{Desk, FRESH, READ_PATIENCE};
use super::details::details;
use super::doing::node_offline;
use super::resolve::{self, FoundGuest, Lookup, Sight};
use super::{
    Audience, Decision, Outcome, Task, guest_not_found, node_not_found, node_status, storage,
};

/// A snapshot younger than this is shown without its age, unless a newer one could not be had. One round
/// of refreshing may be late.
const AS_GOOD_AS_NOW: Duration = Duration::from_secs(15);

/// Where the answer goes. A button changes the presser's own card, and nobody else's.
pub(super) fn audience(desk: &Desk, request: &Request) -> Audience {
    let public = desk.reads_are_public(&request.actor);
    match request.door {
        Door::Button { private: true, .. } => Audience::Replace,
        Door::Button { own: true, .. } if public => Audience::Replace,
        _ if public => Audience::Public,
        _ => Audience::Private,
    }
}

pub(super) fn decide(desk: &Desk, request: &Request) -> Decision {
    let ready = asked_for(desk, request).all(|c| {
        let latest = c.latest();
        latest.is_some_and(|snapshot| age(c, &snapshot) == Age::Now)
    });
    let single = matches!(
        request.action,
        Action::GuestStatus { .. }
            | Action::NodeStatus(_)
            | Action::StorageList {
                storage: Some(_),
                ..
            }
    );
    if !single && ready {
        return match overview(desk, request) {
            Ok(reply) => Decision::answer(reply, audience(desk, request)),
            Err(refusal) => Decision::answer(refusal, Audience::Private),
        };
    }
    let refusal = match &request.action {
        Action::GuestStatus { kind, guest } => {
            match resolve::guest(desk, &request.actor, Sight::Shown, *kind, guest) {
                Lookup::Found(_) | Lookup::NotYet => None,
                lookup => Some(guest_not_found(desk, request, guest, "status", lookup)),
            }
        }
        Action::NodeStatus(node) => match resolve::node(desk, &request.actor, Sight::Shown, node) {
            Lookup::Found(_) | Lookup::NotYet => None,
            _ => Some(node_not_found(desk, request, node)),
        },
        Action::StorageList {
            node,
            storage: Some(storage),
        } => storage::refused(desk, request, node.as_ref(), storage),
        _ => None,
    };
    match refusal {
        Some(reply) => Decision::answer(reply, Audience::Private),
        None => Decision::go(Task::new(
            request,
            super::Work::Read,
            safe_audience(desk, request),
        )),
    }
}

/// Until it is known what the person may see, nobody else is shown that something was asked.
fn safe_audience(desk: &Desk, request: &Request) -> Audience {
    let seen = desk.clusters.iter().all(|c| c.latest().is_some());
    match audience(desk, request) {
        Audience::Public if !seen => Audience::Private,
        audience => audience,
    }
}

/// The one cluster that a command is about.
fn only(request: &Request) -> Option<&ClusterName> {
    match &request.action {
        Action::Status(only) => only.as_ref(),
        _ => None,
    }
}

fn asked_for<'d>(desk: &'d Desk, request: &Request) -> impl Iterator<Item = &'d Arc<Inventory>> {
    desk.asked_for(only(request))
}

/// Whether a cluster shows this person anything. One that never answered shows nobody anything.
pub(super) fn sees_any(desk: &Desk, actor: &Actor, cluster: &ClusterName) -> bool {
    let law = desk.law();
    let mine = law.of(actor);
    let mut clusters = desk.asked_for(Some(cluster));
    clusters.any(|inventory| {
        let latest = inventory.latest();
        let view = view(inventory, latest.as_deref(), &mine);
        !view.nodes.is_empty() || !view.guests.is_empty()
    })
}

pub(super) async fn perform(desk: &Desk, task: &Task) -> Outcome {
    let request = &task.request;
    let fresh = asked_for(desk, request).map(|c| async {
        // A failure is shown as age, or as a cluster that never answered.
        let _ = c.fresh(FRESH, READ_PATIENCE).await;
    });
    join_all(fresh).await;
    let reply = match &request.action {
        Action::GuestStatus { kind, guest } => {
            return guest_status(desk, task, *kind, guest)
                .await
                .unwrap_or_else(|refusal| task.refuse(refusal));
        }
        Action::NodeStatus(node) => node_status::node_status(desk, request, node).await,
        Action::StorageList {
            node,
            storage: Some(storage),
        } => storage::one(desk, request, node.as_ref(), storage).await,
        _ => overview(desk, request),
    };
    match reply {
        Ok(reply) => Outcome::shown(reply),
        Err(refusal) => task.refuse(refusal),
    }
}

/// Summary and lists: everything comes from memory.
fn overview(desk: &Desk, request: &Request) -> Result<Reply, Reply> {
    if let Action::StorageList { node, .. } = &request.action {
        return storage::list(desk, request, node.as_ref());
    }
    let law = desk.law();
    let mine = law.of(&request.actor);
    let snapshots: Vec<(&Inventory, Option<Arc<Snapshot>>)> = asked_for(desk, request)
        .map(|c| (&**c, c.latest()))
        .collect();
    let views: Vec<ClusterView<'_>> = snapshots
        .iter()
        .map(|(inventory, snapshot)| view(inventory, snapshot.as_deref(), &mine))
        .collect();
    let empty = |view: &ClusterView<'_>| view.nodes.is_empty() && view.guests.is_empty();
    let never = views.iter().any(|view| view.age == Age::Never);
    if views.iter().all(empty) && !(never && mine.any()) {
        return Err(match only(request) {
            Some(cluster) => no_such_cluster(desk, request, cluster),
            None => nothing(desk, request),
        });
    }
    let ages: Vec<Age> = views.iter().map(|view| view.age.clone()).collect();
    let several = desk.several();
    match &request.action {
        Action::GuestList(kind) => {
            let guests = views.iter().flat_map(|view| view.guests.iter().copied());
            let of_kind: Vec<Seen<'_>> = guests.filter(|s| s.guest.facts.kind == *kind).collect();
            Ok(embed::guest::list(*kind, &of_kind, several, &ages))
        }
        Action::NodeList => {
            let nodes: Vec<&Node> = views.iter().flat_map(|v| v.nodes.iter().copied()).collect();
            if nodes.is_empty() && !never {
                return Err(nothing(desk, request));
            }
            Ok(embed::node::list(&nodes, &ages))
        }
        _ => {
            let seen = |view: &ClusterView<'_>| !empty(view) || view.age == Age::Never;
            let shown: Vec<ClusterView<'_>> = views.into_iter().filter(seen).collect();
            let lockdown = law.standing().lockdown.as_ref();
            Ok(embed::status::summary(&shown, lockdown, only(request)))
        }
    }
}

/// One cluster as far as one person may see it.
fn view<'s>(
    inventory: &'s Inventory,
    snapshot: Option<&'s Snapshot>,
    mine: &Rights<'_>,
) -> ClusterView<'s> {
    let cluster = inventory.client().cluster();
    let Some(snapshot) = snapshot else {
        return ClusterView {
            cluster,
            nodes: Vec::new(),
            guests: Vec::new(),
            quorum: None,
            age: Age::Never,
        };
    };
    let visible = |node: &&Node| {
        let reference = NodeRef {
            cluster: cluster.clone(),
            node: node.name.clone(),
        };
        mine.decide(Right::View, &Target::Node(&reference)).is_ok()
    };
    let nodes: Vec<&Node> = snapshot.nodes.values().filter(visible).collect();
    let guests = snapshot.guests.values();
    ClusterView {
        cluster,
        // How the cluster is does not concern those who see none of its nodes.
        quorum: snapshot.quorum.as_ref().filter(|_| !nodes.is_empty()),
        nodes,
        guests: guests
            .filter(|guest| mine.see(&Target::Guest(&guest.facts)))
            .map(|guest| {
                let target = Target::Guest(&guest.facts);
                let full = mine.decide(Right::View, &target).is_ok();
                Seen { guest, full }
            })
            .collect(),
        age: age(inventory, snapshot),
    }
}

pub(super) fn age(inventory: &Inventory, snapshot: &Snapshot) -> Age {
    if snapshot.taken.elapsed() < AS_GOOD_AS_NOW && inventory.last_error().is_none() {
        return Age::Now;
    }
    as_of(snapshot)
}

pub(super) fn as_of(snapshot: &Snapshot) -> Age {
    let since = snapshot.wall.duration_since(UNIX_EPOCH).unwrap_or_default();
    Age::Since(i64::try_from(since.as_secs()).unwrap_or(i64::MAX))
}

async fn guest_status(
    desk: &Desk,
    task: &Task,
    kind: Option<Kind>,
    query: &GuestQuery,
) -> Result<Outcome, Reply> {
    let request = &task.request;
    let found = match resolve::guest(desk, &request.actor, Sight::Shown, kind, query) {
        Lookup::Found(found) => found,
        Lookup::NotYet => {
            return Err(embed::problem::out_of_reach("Proxmox", request.id));
        }
        lookup => return Err(guest_not_found(desk, request, query, "status", lookup)),
    };
    let asked = found.inventory.guest_now(&found.guest.facts);
    let both = async {
        let now = tokio::time::timeout(READ_PATIENCE, asked).await;
        let extra = match &now {
            Ok(Ok(now)) if may_look(desk, request, &found) => details(&found, now).await,
            _ => Details::default(),
        };
        (now, extra)
    };
    let ((now, extra), backup) = tokio::join!(both, last_backup(desk, task, &found));
    let offline = node_offline(&found.inventory, &found.guest.facts.node);
    let mut shown_age = Age::Now;
    let guest = match now {
        Ok(Ok(now)) => with_news(found.guest, &now),
        other => {
            if let Ok(Err(error)) = other {
                tracing::debug!(interaction = %request.id, %error, "the guest cannot be read");
            }
            found.inventory.refresh();
            // That a node is offline is news enough, and as young as the snapshot.
            shown_age = match found.inventory.latest() {
                Some(latest) if offline => age(&found.inventory, &latest),
                Some(latest) => as_of(&latest),
                None => Age::Never,
            };
            found.guest
        }
    };
    let rights = rights_on(desk, &request.actor, &guest.facts);
    let backup = backup.filter(|_| rights.contains(&Right::BackupView));
    let busy = desk.busy.with(&guest.facts.guest);
    // Where others read along, what is for one pair of eyes comes beside it.
    let public = desk.reads_are_public(&request.actor);
    let card = embed::guest::card(&GuestView {
        guest: &guest,
        age: shown_age,
        node_offline: offline && guest.status == RunState::Unknown,
        rights: &rights,
        details: Some(&extra).filter(|_| !public),
        busy,
        backup,
    });
    let asked = matches!(request.door, Door::Slash);
    let may_look = rights.contains(&Right::View);
    let aside = Some(&guest.facts).filter(|_| public && asked && may_look);
    Ok(Outcome {
        aside: aside.and_then(|facts| embed::guest_details::aside(facts, &extra)),
        ..Outcome::shown(card)
    })
}

fn may_look(desk: &Desk, request: &Request, found: &FoundGuest) -> bool {
    rights_on(desk, &request.actor, &found.guest.facts).contains(&Right::View)
}

/// The rights that the person has on a guest, here and now.
pub(super) fn rights_on(desk: &Desk, actor: &Actor, guest: &GuestFacts) -> Vec<Right> {
    let law = desk.law();
    let (mine, target) = (law.of(actor), Target::Guest(guest));
    let may = |right: &Right| mine.decide(*right, &target).is_ok();
    Right::ALL.into_iter().filter(may).collect()
}

/// For those who may see the backups, and nobody else's eyes; the card does not wait longer for it
/// than for the guest itself.
async fn last_backup(desk: &Desk, task: &Task, found: &FoundGuest) -> Option<LastBackup> {
    let facts = &found.guest.facts;
    let private = match task.audience {
        Audience::Private => true,
        Audience::Replace => matches!(task.request.door, Door::Button { private: true, .. }),
        Audience::Public => false,
    };
    let rights = rights_on(desk, &task.request.actor, facts);
    if !private || !rights.contains(&Right::BackupView) {
        return None;
    }
    let read = tokio::time::timeout(READ_PATIENCE, found.inventory.backups(facts)).await;
    let known = match read {
        Ok(read) => read.ok(),
        Err(_) => found.inventory.backups_seen(facts),
    };
    LastBackup::of(&known?.value)
}

/// That long ago, in unix seconds.
pub(super) fn since(age: Duration) -> i64 {
    let age = i64::try_from(age.as_secs()).unwrap_or(i64::MAX);
    Timestamp::now().as_second().saturating_sub(age)
}

/// The snapshot's row with what was just read laid over it. The CPU share stays the snapshot's: a
/// single look often says 0.
fn with_news(mut guest: Guest, now: &GuestNow) -> Guest {
    guest.status = now.state().clone();
    guest.lock.clone_from(&now.lock);
    guest.uptime = now.uptime.or(guest.uptime);
    guest.mem = now.mem.or(guest.mem);
    guest.maxmem = now.maxmem.or(guest.maxmem);
    guest
}

/// Hidden and missing are the same answer: it names what the person sees anyway.
fn no_such_cluster(desk: &Desk, request: &Request, cluster: &ClusterName) -> Reply {
    let all = desk.clusters.iter().map(|c| c.client().cluster());
    let shown: Vec<&ClusterName> = all
        .filter(|cluster| sees_any(desk, &request.actor, cluster))
        .collect();
    if shown.is_empty() {
        return nothing(desk, request);
    }
    let why = format!("no such cluster, or not visible: {cluster}");
    desk.note_refusal(request, None, &why);
    embed::problem::no_such_cluster(cluster, &shown)
}

pub(super) fn nothing(desk: &Desk, request: &Request) -> Reply {
    desk.note_refusal(request, None, "nothing visible");
    let law = desk.law();
    let ask = law.holders(&request.actor, Right::Access, &Target::Bot);
    embed::problem::nothing_to_see(&ask, request.actor.user)
}
