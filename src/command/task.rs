//! Tasks that stood in a list: what each is about, who may see it, and its words.

use std::cmp::Reverse;
use std::hash::BuildHasher;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use tokio::time::Instant;

use crate::action::{Actor, NamedTask, Request, Right, Target, TaskId};
use crate::audit::About;
use crate::embed::refused::Thing;
use crate::embed::task::Line;
use crate::embed::{self, Reply};
use crate::ids::{ClusterName, NodeName, NodeRef, Vmid};
use crate::permission::Rights;
use crate::proxmox::{Inventory, Listed, NodeState, Snapshot, Tenures};

use super::desk::{Desk, reason};
use super::listed::NoRow;
use super::named;

/// A task that stood in a list, and what it is about.
#[derive(Debug, Clone)]
pub(super) struct FoundTask {
    pub inventory: Arc<Inventory>,
    pub task: Listed,
    pub about: About,
}

impl FoundTask {
    pub(super) fn thing(&self) -> Thing {
        thing(&self.about)
    }

    /// It is about no guest that is there: only its log says which ones it names.
    pub(super) fn goes_round(&self) -> bool {
        !matches!(self.about, About::Guest(_))
    }

    /// Whether all guests that the log names are such whose tasks the person may see. `lines`: all of it;
    /// where that could not be read, it may name any. One that the bot does not know, because it is
    /// gone or kept from its token, is theirs only who may see the tasks of every guest there is.
    pub(super) fn names_none_hidden(&self, mine: &Rights<'_>, lines: Option<&[String]>) -> bool {
        let cluster = self.inventory.client().cluster();
        if mine.has_on_every_guest(Right::TaskView, cluster) {
            return true;
        }
        let (Some(snapshot), Some(lines)) = (self.inventory.latest(), lines) else {
            return false;
        };
        let tenures = self.inventory.tenures();
        let theirs = |vmid: Vmid| {
            let guest = snapshot.guests.get(&vmid);
            guest.is_some_and(|guest| {
                let target = Target::Guest(&guest.facts);
                !tenures.was_another(vmid, self.task.started)
                    && mine.decide(Right::TaskView, &target).is_ok()
            })
        };
        let mut named = lines.iter().flat_map(|line| named::guests(line));
        named.all(theirs)
    }
}

fn thing(about: &About) -> Thing {
    match about {
        About::Guest(guest) => Thing::guest(guest),
        About::Node(node) => Thing::node(node),
        About::Bot => Thing {
            name: String::new(),
            footer: String::new(),
        },
    }
}

/// Which task is meant; whether it is theirs to see is not looked at.
pub(super) fn named(desk: &Desk, request: &Request, named: NamedTask) -> Result<TaskId, Reply> {
    match named {
        NamedTask::Id(id) => Ok(id),
        NamedTask::Row(row) => {
            let found = desk.listed.row(&request.actor, row, Instant::now());
            found.map_err(|why| match why {
                NoRow::NoList => embed::task::which_list(),
                NoRow::Only(rows) => embed::task::no_such_row(row, rows),
            })
        }
    }
}

/// What stands behind an id, if the person holds `right` on its guest or node. One that is not there
/// and one that is not theirs are the same answer.
pub(super) fn visible(
    desk: &Desk,
    request: &Request,
    id: TaskId,
    right: Right,
) -> Result<FoundTask, Reply> {
    let missing = |why| {
        desk.note_refusal(request, None, why);
        embed::task::gone()
    };
    let found = find(desk, id).ok_or_else(|| missing("no such task in memory"))?;
    let law = desk.law();
    match law.of(&request.actor).decide(right, &found.about.target()) {
        Ok(_) => Ok(found),
        Err(denied) => {
            let mine = law.of(&request.actor);
            if mine.decide(Right::TaskView, &found.about.target()).is_err() {
                return Err(missing("no such task, or not visible"));
            }
            let key = found.about.target().key();
            desk.note_refusal(request, Some(&key), &reason(&denied));
            let ask = law.holders(&request.actor, Right::Access, &found.about.target());
            Err(embed::refused::refused(
                right,
                &found.thing(),
                &denied,
                &ask,
            ))
        }
    }
}

fn find(desk: &Desk, id: TaskId) -> Option<FoundTask> {
    desk.clusters.iter().find_map(|inventory| {
        let cluster = inventory.client().cluster();
        let seen = inventory.seen_tasks();
        let task = seen
            .into_iter()
            .find(|task| id_of(desk, cluster, task) == id)?;
        let tenures = inventory.tenures();
        let about = about(inventory.latest().as_deref(), &tenures, cluster, &task);
        Some(FoundTask {
            inventory: Arc::clone(inventory),
            task,
            about,
        })
    })
}

/// Keyed with randomness of this process: not to be guessed, and worth nothing after a restart.
pub(super) fn id_of(desk: &Desk, cluster: &ClusterName, task: &Listed) -> TaskId {
    TaskId(
        desk.task_ids
            .hash_one((cluster.as_str(), task.upid.as_str())),
    )
}

/// The guest of the UPID, or its node: where the task is about none, or about one that is gone, though
/// its number may be another's by now.
pub(super) fn about(
    snapshot: Option<&Snapshot>,
    tenures: &Tenures,
    cluster: &ClusterName,
    task: &Listed,
) -> About {
    let there = task.guest().filter(|_| !tenures.is_former(task));
    let guest = there.and_then(|(vmid, kind)| {
        let guest = snapshot?.guests.get(&vmid)?;
        let same = kind.is_none_or(|kind| kind == guest.facts.kind);
        same.then(|| guest.facts.clone())
    });
    guest.map_or_else(
        || {
            About::Node(NodeRef {
                cluster: cluster.clone(),
                node: task.upid.node().clone(),
            })
        },
        About::Guest,
    )
}

/// The nodes that are up on which the person may see the tasks of the node or of any guest.
pub(super) fn nodes(
    inventory: &Inventory,
    snapshot: &Snapshot,
    mine: &Rights<'_>,
) -> Vec<NodeName> {
    let may = |name: &NodeName| {
        let reference = NodeRef {
            cluster: inventory.client().cluster().clone(),
            node: name.clone(),
        };
        let of_node = mine.decide(Right::TaskView, &Target::Node(&reference));
        of_node.is_ok()
            || snapshot
                .guests
                .values()
                .filter(|guest| guest.facts.node == *name)
                .any(|guest| {
                    let target = Target::Guest(&guest.facts);
                    mine.decide(Right::TaskView, &target).is_ok()
                })
    };
    let up = snapshot
        .nodes
        .values()
        .filter(|node| node.status == NodeState::Online);
    up.map(|node| node.name.clone()).filter(may).collect()
}

/// As the words have it.
pub(super) fn line(desk: &Desk, found: &FoundTask) -> Line {
    let task = &found.task;
    let cluster = found.inventory.client().cluster();
    let ours = task.upid.user() == desk.token_of(cluster);
    let now = Timestamp::now().as_second();
    let until = task.ended.unwrap_or(now).saturating_sub(task.started);
    let thing = found.thing();
    let gone = match (&found.about, task.guest()) {
        (About::Node(_), Some((vmid, _))) => Some(embed::task_words::gone_guest(vmid)),
        _ => None,
    };
    Line {
        id: id_of(desk, cluster, task),
        name: gone.unwrap_or(thing.name),
        kind: task.upid.kind().to_owned(),
        by: (!ours).then(|| task.upid.user().to_owned()),
        started: task.started,
        took: Duration::from_secs(u64::try_from(until).unwrap_or(0)),
        end: task.end.clone(),
        footer: thing.footer,
    }
}

/// What runs stands before what ran.
pub(super) fn newest_first(found: &mut [FoundTask]) {
    found.sort_by_key(|found| (found.task.end.is_some(), Reverse(found.task.started)));
}

/// What is completed: from memory, while newer lists are on their way for the next letter typed.
pub(super) fn completed(desk: &Desk, actor: &Actor, right: Right) -> Vec<Line> {
    let law = desk.law();
    let mine = law.of(actor);
    let mut found = Vec::new();
    for inventory in &desk.clusters {
        let Some(snapshot) = inventory.latest() else {
            continue;
        };
        for node in nodes(inventory, &snapshot, &mine) {
            inventory.refresh_tasks(&node);
        }
        let cluster = inventory.client().cluster();
        let tenures = inventory.tenures();
        for task in inventory.seen_tasks() {
            let about = about(Some(&snapshot), &tenures, cluster, &task);
            let fits = right != Right::TaskStop || task.end.is_none();
            if fits && mine.decide(right, &about.target()).is_ok() {
                let inventory = Arc::clone(inventory);
                found.push(FoundTask {
                    inventory,
                    task,
                    about,
                });
            }
        }
    }
    newest_first(&mut found);
    found.iter().map(|found| line(desk, found)).collect()
}
