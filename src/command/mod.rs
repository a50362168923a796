//! What a request becomes: decided at once from memory, then, once Discord has been told to wait,
//! performed. The edge calls [`decide`], [`perform`] and [`suggest()`], and nothing else.

mod access;
mod approve;
mod approved;
mod ask;
mod audit;
mod backups;
mod begin;
mod busy;
mod confirm;
mod decision;
mod desk;
mod details;
mod doing;
mod finish;
mod listed;
mod matter;
mod memory;
mod named;
mod node_act;
mod node_status;
mod node_toll;
mod note;
mod notify;
mod once;
mod opened;
mod option;
mod own;
mod power;
mod read;
mod ready;
mod refusals;
mod requests;
mod resolve;
mod several;
mod snapshot_first;
mod snapshots;
mod storage;
mod suggest;
pub mod table;
mod task;
mod task_stop;
mod tasks;
mod token;
mod why;

use std::sync::Arc;

use tokio::sync::watch;

use crate::action::{Action, Deed, Door, Request, TargetKey, Typing, Unclear};
use crate::audit::NOT_FOUND;
use crate::embed::{self, Reply};
use crate::ids::{ClusterName, GuestQuery, GuestRef, Kind, NodeQuery, Wanted};
use crate::store::StoreError;

pub use decision::{Audience, Decision, Last, Outcome, Task};
pub use desk::{Desk, Parts};
pub use once::{Once, Show, Shows, once};
pub use option::{Field, Given, Opt, Value};
pub use table::{Row, rows};

use confirm::NotOpen;
use confirm::What;
use decision::{Confirmed, Work};
use power::Aim;
use resolve::{FoundGuest, Lookup};

/// Decides from memory; never waits.
pub fn decide(desk: &Desk, request: &Request) -> Decision {
    if request.door == Door::Direct && !request.action.works_directly() {
        // Who is not in a server has no roles, no channel and no rights.
        return Decision::answer(embed::problem::not_in_direct(), Audience::Private);
    }
    match &request.action {
        Action::Status(_)
        | Action::NodeList
        | Action::NodeStatus(_)
        | Action::StorageList { .. }
        | Action::GuestList(_)
        | Action::GuestStatus { .. } => read::decide(desk, request),
        Action::Do { deed, kind, guest } => power::decide(desk, request, aim(deed, *kind, guest)),
        Action::SnapshotList(_)
        | Action::TakeSnapshot { .. }
        | Action::BackupList { .. }
        | Action::BackUp { .. } => copies(desk, request),
        Action::SnapshotFirst(_) | Action::Confirm(_) | Action::Cancel(_) => {
            answered(desk, request)
        }
        Action::NodeDo { .. }
        | Action::TaskList(_)
        | Action::TaskLog { .. }
        | Action::TaskStop(_) => of_nodes_and_tasks(desk, request),
        Action::Notify(id) => notify::decide(desk, request, *id),
        Action::Several { power, kind, which } => {
            several::decide(desk, request, *power, *kind, which)
        }
        Action::Ask { deed, guest } => ask::decide(desk, request, aim(deed, None, guest)),
        Action::Rule {
            request: asked,
            ruling,
        } => approve::decide(desk, request, *asked, ruling),
        Action::Decline(asked) => approve::form(desk, request, *asked),
        Action::Why { .. } => Decision::answer(why::why(desk, request), Audience::Private),
        Action::AccessList { guest } => {
            let reply = access::list(desk, request, guest.as_ref());
            Decision::answer(reply, Audience::Private)
        }
        Action::Grant { .. } | Action::Revoke(_) | Action::Lockdown { .. } => {
            access::decide(desk, request)
        }
        Action::Audit(page) => audit::decide(desk, request, page),
        Action::Token(action) => token::decide(desk, request, action),
        Action::Whoami => Decision::answer(own::whoami(desk, request), Audience::Private),
        Action::Help => Decision::answer(own::help(desk, request), Audience::Private),
        Action::Unclear(why) => Decision::answer(embed::unclear::refused(*why), Audience::Private),
    }
}

fn aim(deed: &Deed, kind: Option<Kind>, guest: &GuestQuery) -> Aim {
    Aim {
        deed: deed.clone(),
        kind,
        guest: guest.clone(),
    }
}

/// A button of a question was pressed.
fn answered(desk: &Desk, request: &Request) -> Decision {
    match &request.action {
        Action::SnapshotFirst(question) => {
            match desk.questions.snapshot_first(*question, request.actor.user) {
                Ok(asked) => snapshot_first::decide(desk, request, asked),
                Err(why) => not_open(desk, request, why),
            }
        }
        Action::Confirm(question) => match desk.questions.confirm(*question, request.actor.user) {
            Ok(asked) => confirmed(desk, request, asked.what),
            Err(why) => not_open(desk, request, why),
        },
        Action::Cancel(question) => match desk.questions.cancel(*question, request.actor.user) {
            Ok(asked) => {
                let reply = embed::confirm::cancelled(&asked.about);
                Decision::answer(reply, Audience::Replace)
            }
            Err(why) => not_open(desk, request, why),
        },
        // Nothing else comes here; whatever does, is not understood.
        _ => Decision::answer(embed::unclear::refused(Unclear::Button), Audience::Private),
    }
}

fn of_nodes_and_tasks(desk: &Desk, request: &Request) -> Decision {
    match &request.action {
        Action::NodeDo { power, node } => node_act::decide(desk, request, *power, node),
        Action::TaskLog { task: named, part } => match task::named(desk, request, *named) {
            Ok(id) => tasks::decide(desk, request, tasks::Look::Log(id, *part)),
            Err(reply) => Decision::answer(reply, Audience::Private),
        },
        Action::TaskStop(named) => match task::named(desk, request, *named) {
            Ok(id) => task_stop::decide(desk, request, id),
            Err(reply) => Decision::answer(reply, Audience::Private),
        },
        Action::TaskList(of) => tasks::decide(desk, request, tasks::Look::List(of.clone())),
        // Nothing else comes here; whatever does, is not understood.
        _ => Decision::answer(embed::unclear::refused(Unclear::Button), Audience::Private),
    }
}

/// What is asked about snapshots and backups, and is not already one deed.
fn copies(desk: &Desk, request: &Request) -> Decision {
    match &request.action {
        Action::SnapshotList(guest) => snapshots::decide(desk, request, guest),
        Action::TakeSnapshot { guest, ram } => power::take_snapshot(desk, request, guest, *ram),
        Action::BackupList { guest, after } => backups::decide(desk, request, guest, *after),
        Action::BackUp { guest, mode } => backups::run(desk, request, guest, *mode),
        _ => Decision::answer(embed::problem::internal(request.id), Audience::Private),
    }
}

/// Does it. Each state on the way is put into `shown`; only the newest matters. What must not be shown
/// twice goes through `once`.
pub async fn perform(
    desk: Arc<Desk>,
    task: Box<Task>,
    shown: watch::Sender<Option<Reply>>,
    once: Once,
) -> Outcome {
    match &task.work {
        Work::Read => read::perform(&desk, &task).await,
        Work::Do(aim) => power::perform(&desk, &task, aim, &shown).await,
        Work::First(aim, then) => snapshot_first::perform(&desk, &task, aim, then, &shown).await,
        Work::Snapshots(guest) => snapshots::perform(&desk, &task, guest).await,
        Work::Backups(guest, after) => backups::perform(&desk, &task, guest, *after).await,
        Work::Node(aim) => node_act::perform(&desk, &task, aim, &shown).await,
        Work::Tasks(look) => tasks::perform(&desk, &task, look).await,
        Work::TaskStop(id) => task_stop::perform(&desk, &task, *id, &shown).await,
        Work::Several(batch) => several::perform(&desk, &task, batch, &shown).await,
        Work::Ask(aim) => ask::perform(&desk, &task, aim, &shown).await,
        Work::Rule(asked, ruling) => approve::perform(&desk, &task, *asked, ruling, &shown).await,
        Work::Audit(page) => audit::perform(&desk, &task, page).await,
        Work::Access(work) => access::perform(&desk, &task, work).await,
        Work::Token(work) => token::perform(&desk, &task, work, &shown, once).await,
    }
}

/// What a start begins with: open requests go on, and what typing is completed with is read.
///
/// # Errors
///
/// What the store says.
pub async fn resume(desk: &Arc<Desk>) -> Result<(), StoreError> {
    desk.roles.freshen(&desk.token_admins);
    ask::resume(desk).await
}

/// One line of autocomplete.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Choice {
    /// At most 100 characters, shown.
    pub name: String,
    /// At most 100 characters, sent as the option's value.
    pub value: String,
}

/// At most 25 choices, from memory, only what the person may see; never waits.
#[must_use]
pub fn suggest(desk: &Desk, typing: &Typing) -> Vec<Choice> {
    suggest::suggest(desk, typing)
}

fn yes_to(asked: confirm::AskedDeed, anyway: bool) -> (Deed, Confirmed) {
    let yes = Confirmed {
        guest: asked.guest,
        snapshot: asked.snapshot,
        anyway,
    };
    (asked.deed, yes)
}

fn confirmed(desk: &Desk, request: &Request, what: What) -> Decision {
    match what {
        What::Node { power, node, again } => {
            node_act::confirmed(desk, request, power, &node, again)
        }
        What::TaskStop(task) => task_stop::confirmed(desk, request, task),
        What::Deed(asked) => {
            let (deed, yes) = yes_to(*asked, false);
            power::confirmed(desk, request, deed, yes)
        }
        What::Several(batch) => several::confirmed(desk, request, *batch),
        What::Anyway(asked) => {
            let (deed, yes) = yes_to(*asked, true);
            power::confirmed(desk, request, deed, yes)
        }
        What::Token(plan) => token::confirmed(desk, request, plan),
    }
}

fn not_open(desk: &Desk, request: &Request, why: NotOpen) -> Decision {
    let reply = match why {
        NotOpen::Gone => embed::confirm::gone(),
        NotOpen::NotYours(user) => {
            desk.note_refusal(request, None, "somebody else's question");
            embed::confirm::not_yours(user)
        }
    };
    Decision::answer(reply, Audience::Private)
}

/// Why no guest came of what was asked, in the words that tell no more than one may know.
fn guest_not_found(
    desk: &Desk,
    request: &Request,
    query: &GuestQuery,
    subcommand: &str,
    lookup: Lookup<FoundGuest>,
) -> Reply {
    match lookup {
        Lookup::WrongKind(facts) => embed::problem::wrong_kind(&facts, subcommand, desk.several()),
        Lookup::Ambiguous(guests) => embed::problem::ambiguous(query, &guests),
        Lookup::OnlySeen(facts) => embed::problem::only_seen(query, &facts),
        // Somebody whom no rule knows learns nothing, not even that Proxmox is away.
        Lookup::NotYet if desk.law().of(&request.actor).any() => {
            embed::problem::out_of_reach("Proxmox", request.id)
        }
        Lookup::NotYet | Lookup::Missing | Lookup::Found(_) => {
            let (target, named) = asked_for(desk, query);
            let law = desk.law();
            let mine = law.of(&request.actor);
            // Whoever may see all that there is, in every cluster, has mistyped and not probed.
            let why = if clusters(desk).all(|cluster| mine.sees_every_guest(cluster)) {
                format!("{NOT_FOUND}{named}")
            } else {
                format!("no such guest, or not visible{named}")
            };
            desk.note_refusal(request, target.as_ref(), &why);
            embed::problem::no_such_guest(query)
        }
    }
}

/// What the audit says of a guest that the person was not shown: which one was meant, so that the
/// owner can look for it. A name, or a number that may be of any cluster, stands in the reason.
fn asked_for(desk: &Desk, query: &GuestQuery) -> (Option<TargetKey>, String) {
    let only = match desk.clusters.as_slice() {
        [only] => Some(only.client().cluster()),
        _ => None,
    };
    match (&query.wanted, query.cluster.as_ref().or(only)) {
        (Wanted::Vmid(vmid), Some(cluster)) => {
            let guest = GuestRef {
                cluster: cluster.clone(),
                vmid: *vmid,
            };
            (Some(TargetKey::Guest(guest)), String::new())
        }
        _ => (None, format!(": {query}")),
    }
}

fn clusters(desk: &Desk) -> impl Iterator<Item = &ClusterName> {
    let clusters = desk.clusters.iter();
    clusters.map(|inventory| inventory.client().cluster())
}

fn node_not_found(desk: &Desk, request: &Request, query: &NodeQuery) -> Reply {
    let law = desk.law();
    let mine = law.of(&request.actor);
    let why = if clusters(desk).all(|cluster| mine.sees_every_node(cluster)) {
        format!("{NOT_FOUND}: {query}")
    } else {
        format!("no such node, or not visible: {query}")
    };
    desk.note_refusal(request, None, &why);
    embed::problem::no_such_node(query)
}
