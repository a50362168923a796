//! `/task list` and `/task log`: each task only for those who may see the tasks of its guest, or of its
//! node where it is about none.

use std::sync::Arc;
use std::time::Duration;

use futures_util::future::join_all;
use tokio::time::{Instant, timeout};

use crate::action::{Door, LogPart, Request, Right, Target, TaskId, TasksOf};
use crate::embed::refused::Thing;
use crate::embed::task::{Line, List};
use crate::embed::{self, Reply};
use crate::ids::{GuestQuery, GuestRef, NodeName, NodeQuery, NodeRef, Vmid};
use crate::permission::Rights;
use crate::proxmox::{Guest, Inventory, Listed, NodeState};

use super::desk::{Desk, FRESH, READ_PATIENCE, reason};
use super::listed::ShownTo;
use super::read::{audience, nothing};
use super::resolve::{self, Lookup, Sight};
use super::task::{FoundTask, about, line, newest_first, nodes, visible};
use super::{Audience, Decision, Outcome, Task, Work, guest_not_found, node_act, node_not_found};

/// As many as a phone shows without a long thumb.
const SHOWN: usize = 15;

#[derive(Debug, Clone)]
pub(super) enum Look {
    List(TasksOf),
    Log(TaskId, LogPart),
}

pub(super) fn decide(desk: &Desk, request: &Request, look: Look) -> Decision {
    let (refusal, to) = match &look {
        Look::List(of) => (may_list(desk, request, of).err(), audience(desk, request)),
        Look::Log(task, _) => {
            let private = matches!(request.door, Door::Button { private: true, .. });
            // A log is more than a list, and of a list one wants to keep the card.
            let to = match &look {
                Look::Log(_, LogPart::More | LogPart::Whole) if private => Audience::Replace,
                _ => Audience::Private,
            };
            (visible(desk, request, *task, Right::TaskView).err(), to)
        }
    };
    match refusal {
        Some(reply) => Decision::answer(reply, Audience::Private),
        None => Decision::go(Task::new(request, Work::Tasks(look), to)),
    }
}

pub(super) async fn perform(desk: &Desk, task: &Task, look: &Look) -> Outcome {
    let shown = match look {
        Look::List(of) => list(desk, task, of).await,
        Look::Log(id, part) => log(desk, &task.request, *id, *part).await,
    };
    match shown {
        Ok(reply) => Outcome::shown(reply),
        Err(refusal) => task.refuse(refusal),
    }
}

/// From memory: whether there can be anything to list.
fn may_list(desk: &Desk, request: &Request, of: &TasksOf) -> Result<(), Reply> {
    match of {
        TasksOf::Guest(guest) => guest_on(desk, request, guest).map(drop),
        TasksOf::Node(node) => node_of(desk, request, node).map(drop),
        TasksOf::All => {
            let law = desk.law();
            let mine = law.of(&request.actor);
            let somewhere = |inventory: &Arc<Inventory>| match inventory.latest() {
                Some(snapshot) => !nodes(inventory, &snapshot, &mine).is_empty(),
                None => mine.any(),
            };
            if desk.clusters.iter().any(somewhere) {
                Ok(())
            } else {
                Err(nothing(desk, request))
            }
        }
    }
}

fn guest_on(
    desk: &Desk,
    request: &Request,
    query: &GuestQuery,
) -> Result<(Arc<Inventory>, Guest), Reply> {
    let actor = &request.actor;
    let found = match resolve::guest(desk, actor, Sight::Known, None, query) {
        Lookup::Found(found) => found,
        lookup => return Err(guest_not_found(desk, request, query, "status", lookup)),
    };
    let (law, facts) = (desk.law(), &found.guest.facts);
    let target = Target::Guest(facts);
    match law.of(actor).decide(Right::TaskView, &target) {
        Ok(_) => Ok((found.inventory, found.guest)),
        Err(denied) => {
            desk.note_refusal(request, Some(&target.key()), &reason(&denied));
            let ask = law.holders(actor, Right::Access, &target);
            let thing = Thing::guest(facts);
            Err(embed::refused::refused(
                Right::TaskView,
                &thing,
                &denied,
                &ask,
            ))
        }
    }
}

/// A node on which there is something that the person may see.
fn node_of(
    desk: &Desk,
    request: &Request,
    query: &NodeQuery,
) -> Result<(Arc<Inventory>, NodeName), Reply> {
    let actor = &request.actor;
    let found = match resolve::node(desk, actor, Sight::Known, query) {
        Lookup::Found(found) => found,
        Lookup::NotYet if desk.law().of(actor).any() => {
            return Err(embed::problem::out_of_reach("Proxmox", request.id));
        }
        _ => return Err(node_not_found(desk, request, query)),
    };
    let law = desk.law();
    let mine = law.of(actor);
    let snapshot = found.inventory.latest();
    let some = snapshot.is_some_and(|snapshot| {
        nodes(&found.inventory, &snapshot, &mine).contains(&found.reference.node)
    });
    if some {
        return Ok((found.inventory, found.reference.node));
    }
    let target = Target::Node(&found.reference);
    match mine.decide(Right::TaskView, &target) {
        Err(denied) => Err(node_act::refuse(
            desk,
            request,
            Right::TaskView,
            &found.reference,
            &denied,
        )),
        // Theirs to ask, and offline: it tells nothing.
        Ok(_) => Ok((found.inventory, found.reference.node)),
    }
}

/// One list to be read.
struct Wanted {
    inventory: Arc<Inventory>,
    node: NodeName,
    of: Option<Vmid>,
}

async fn list(desk: &Desk, task: &Task, of: &TasksOf) -> Result<Reply, Reply> {
    let request = &task.request;
    let fresh = desk.clusters.iter().map(|c| async {
        // What cannot be had fresh is judged by what was seen last.
        let _ = c.fresh(FRESH, READ_PATIENCE).await;
    });
    join_all(fresh).await;
    // That took a moment: asked again.
    may_list(desk, request, of)?;
    let wanted = wanted(desk, request, of)?;
    let told = join_all(wanted.iter().map(|list| told(request, list))).await;
    let law = desk.law();
    let mine = law.of(&request.actor);
    let Theirs {
        mut found,
        silent,
        own_only,
    } = theirs(&mine, &wanted, told);
    let offline = match of {
        TasksOf::All => offline(desk, &mine),
        TasksOf::Guest(_) | TasksOf::Node(_) => Vec::new(),
    };
    newest_first(&mut found);
    found.truncate(SHOWN);
    let lines: Vec<Line> = found.iter().map(|found| line(desk, found)).collect();
    let rows = lines.iter().map(|line| line.id).collect();
    let listed = &desk.listed;
    listed.shown(&request.actor, shown_to(task), rows, Instant::now());
    let both = found.iter().zip(&lines);
    let stoppable = both.filter(|(found, _)| may_stop(&mine, found));
    let stops: Vec<TaskId> = stoppable.map(|(_, line)| line.id).collect();
    let of = exactly(of, &wanted);
    Ok(embed::task::list(&List {
        of: &of,
        lines: &lines,
        stops: &stops,
        silent: &silent,
        offline: &offline,
        own_only: &own_only,
    }))
}

/// What was told, as far as the person may see it.
struct Theirs {
    found: Vec<FoundTask>,
    silent: Vec<Option<String>>,
    own_only: Vec<Option<String>>,
}

fn theirs(mine: &Rights<'_>, wanted: &[Wanted], told: Vec<Option<Arc<Vec<Listed>>>>) -> Theirs {
    let mut found = Vec::new();
    let (mut silent, mut own_only) = (Vec::new(), Vec::new());
    for (list, told) in wanted.iter().zip(told) {
        let named = shown_node(mine, list);
        let Some(tasks) = told else {
            silent.push(named);
            continue;
        };
        let snapshot = list.inventory.latest();
        // A node whose figures are hidden hides the tasks of others just so, and silently.
        let node = snapshot.as_ref().and_then(|s| s.nodes.get(&list.node));
        if node.is_some_and(|node| node.cpu.is_none()) {
            own_only.push(named);
        }
        let tenures = list.inventory.tenures();
        let theirs = tasks.iter().map(|task| FoundTask {
            inventory: Arc::clone(&list.inventory),
            task: task.clone(),
            about: about(
                snapshot.as_deref(),
                &tenures,
                list.inventory.client().cluster(),
                task,
            ),
        });
        found.extend(
            theirs.filter(|found| mine.decide(Right::TaskView, &found.about.target()).is_ok()),
        );
    }
    for names in [&mut silent, &mut own_only] {
        names.sort_by_key(Option::is_none);
        names.dedup();
    }
    Theirs {
        found,
        silent,
        own_only,
    }
}

fn shown_to(task: &Task) -> ShownTo {
    match (task.audience, task.request.door) {
        (Audience::Public, _) => ShownTo::All,
        (Audience::Replace, Door::Button { private: false, .. }) => ShownTo::OneOfAll,
        (Audience::Private | Audience::Replace, _) => ShownTo::One,
    }
}

/// The nodes that are not asked for theirs, as far as the person may know of them.
fn offline(desk: &Desk, mine: &Rights<'_>) -> Vec<String> {
    let mut offline = Vec::new();
    for inventory in &desk.clusters {
        let Some(snapshot) = inventory.latest() else {
            continue;
        };
        for (node, seen) in &snapshot.nodes {
            let reference = NodeRef {
                cluster: inventory.client().cluster().clone(),
                node: node.clone(),
            };
            let may = |right| mine.decide(right, &Target::Node(&reference)).is_ok();
            if seen.status == NodeState::Offline && (may(Right::View) || may(Right::TaskView)) {
                offline.push(node.to_string());
            }
        }
    }
    offline
}

/// By its name only for those who may look at it, or see its own tasks.
fn shown_node(mine: &Rights<'_>, list: &Wanted) -> Option<String> {
    let node = NodeRef {
        cluster: list.inventory.client().cluster().clone(),
        node: list.node.clone(),
    };
    let may = |right| mine.decide(right, &Target::Node(&node)).is_ok();
    (may(Right::View) || may(Right::TaskView)).then(|| list.node.to_string())
}

/// The tasks of one node, if it tells them in time.
async fn told(request: &Request, list: &Wanted) -> Option<Arc<Vec<Listed>>> {
    let read = list.inventory.tasks(&list.node, list.of);
    match timeout(READ_PATIENCE, read).await {
        Ok(Ok(tasks)) => Some(tasks),
        Ok(Err(error)) => {
            tracing::debug!(interaction = %request.id, %error, node = %list.node, "no tasks are told");
            None
        }
        Err(_) => None,
    }
}

/// The same for a button: names that people type may be too long for one, or mean another tomorrow.
fn exactly(of: &TasksOf, wanted: &[Wanted]) -> TasksOf {
    match (of, wanted) {
        (TasksOf::All, _) | (_, []) => of.clone(),
        (TasksOf::Guest(_) | TasksOf::Node(_), [list, ..]) => {
            let cluster = list.inventory.client().cluster().clone();
            match list.of {
                Some(vmid) => TasksOf::Guest(GuestQuery::from(&GuestRef { cluster, vmid })),
                None => TasksOf::Node(NodeQuery {
                    cluster: Some(cluster),
                    node: list.node.clone(),
                }),
            }
        }
    }
}

fn wanted(desk: &Desk, request: &Request, of: &TasksOf) -> Result<Vec<Wanted>, Reply> {
    match of {
        TasksOf::Guest(query) => {
            let (inventory, guest) = guest_on(desk, request, query)?;
            Ok(vec![Wanted {
                inventory,
                node: guest.facts.node,
                of: Some(guest.facts.guest.vmid),
            }])
        }
        TasksOf::Node(query) => {
            let (inventory, node) = node_of(desk, request, query)?;
            let of = None;
            Ok(vec![Wanted {
                inventory,
                node,
                of,
            }])
        }
        TasksOf::All => {
            let law = desk.law();
            let mine = law.of(&request.actor);
            let mut wanted = Vec::new();
            for inventory in &desk.clusters {
                let Some(snapshot) = inventory.latest() else {
                    continue;
                };
                let nodes = nodes(inventory, &snapshot, &mine);
                wanted.extend(nodes.into_iter().map(|node| Wanted {
                    inventory: Arc::clone(inventory),
                    node,
                    of: None,
                }));
            }
            Ok(wanted)
        }
    }
}

async fn log(desk: &Desk, request: &Request, id: TaskId, part: LogPart) -> Result<Reply, Reply> {
    let found = visible(desk, request, id, Right::TaskView)?;
    let found = if found.task.end.is_none() {
        // Its list may be old, and the card says whether it runs.
        let now = found.inventory.task_now(&found.task.upid);
        let _ = timeout(READ_PATIENCE, now).await;
        visible(desk, request, id, Right::TaskView)?
    } else {
        found
    };
    // One more than is shown says whether there are older ones.
    let wanted = embed::task::lines_of(part) + 1;
    let all = embed::task::lines_of(LogPart::Whole) + 1;
    let client = found.inventory.client();
    let last = if found.goes_round() { all } else { wanted };
    let read = client.task_log_to_read(&found.task.upid, last);
    let lines = match timeout(LOG_PATIENCE, read).await {
        Ok(Ok(lines)) => lines,
        Ok(Err(error)) => {
            tracing::warn!(interaction = %request.id, %error, "a task's log cannot be read");
            return Err(embed::task::unreadable(&line(desk, &found), request.id));
        }
        Err(_) => return Err(embed::task::unreadable(&line(desk, &found), request.id)),
    };
    let law = desk.law();
    let mine = law.of(&request.actor);
    let whole = (lines.len() < all).then_some(&lines[..]);
    if found.goes_round() && !found.names_none_hidden(&mine, whole) {
        let target = found.about.target();
        desk.note_refusal(
            request,
            Some(&target.key()),
            "names guests that are not theirs",
        );
        let ask = law.holders(&request.actor, Right::Access, &Target::Bot);
        return Err(embed::task::names_others(&line(desk, &found), &ask));
    }
    let lines = &lines[lines.len().saturating_sub(wanted)..];
    let stops = may_stop(&mine, &found);
    Ok(embed::task::log(&line(desk, &found), lines, part, stops))
}

/// It runs, and the person may break it off as far as rules go.
fn may_stop(mine: &Rights<'_>, found: &FoundTask) -> bool {
    found.task.end.is_none() && mine.decide(Right::TaskStop, &found.about.target()).is_ok()
}

/// A long log is read in pages; whoever wants one waits a moment.
const LOG_PATIENCE: Duration = Duration::from_secs(8);
