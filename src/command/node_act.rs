//! What is done to a whole node: refused or allowed from memory, asked twice where everything on it
//! goes down, read again, permitted, noted, ordered once, and then watched.

use std::time::Duration;

use jiff::Timestamp;
use tokio::sync::{oneshot, watch};

use crate::action::{NodePower, Request, Right, Target};
use crate::audit::{self, About, Ending, NotSent, Opening};
use crate::embed::node_act::{self as words, NodeAct};
use crate::embed::node_toll::{first_question, second_question};
use crate::embed::refused::Thing;
use crate::embed::{self, Reply};
use crate::follow::{self, End, Given};
use crate::held::Order;
use crate::ids::{NodeQuery, NodeRef, UserId};
use crate::permission::{Denied, Verdict};
use crate::privileges;
use crate::proxmox::{Error, NodeState};

use super::confirm::{Asked, What};
use super::desk::{ACT_PATIENCE, Desk, FRESH, reason};
use super::matter::{self, NotBegun};
use super::node_toll::toll;
use super::notify::Notice;
use super::power::ask_late;
use super::resolve::{self, FoundNode, Lookup, Sight};
use super::{Audience, Decision, Outcome, Task, Work, node_not_found};

/// What is to be done, and to which node.
#[derive(Debug, Clone)]
pub(super) struct Aim {
    pub power: NodePower,
    pub node: NodeQuery,
    /// Whoever asked has said yes to all questions.
    pub confirmed: bool,
}

/// From memory: refused, asked back, or on its way.
pub(super) fn decide(
    desk: &Desk,
    request: &Request,
    power: NodePower,
    node: &NodeQuery,
) -> Decision {
    let aim = Aim {
        power,
        node: node.clone(),
        confirmed: false,
    };
    let (found, verdict) = match in_memory(desk, request, &aim) {
        Ok(Some(allowed)) => allowed,
        // Whether it may be done is not known yet, so nobody else is shown that it was asked.
        Ok(None) => return Decision::go(task(request, aim, Audience::Private)),
        Err(refusal) => return Decision::answer(refusal, Audience::Private),
    };
    if let Some(reply) = in_the_way(desk, request, power, &found) {
        return Decision::answer(reply, Audience::Private);
    }
    if verdict.confirm {
        let (reply, closed) = question(desk, request, power, &found, false);
        return Decision::Question { reply, closed };
    }
    Decision::go(task(request, aim, desk.act_audience()))
}

/// The person said yes. `again`: to the second question. What was asked is checked like a new command.
pub(super) fn confirmed(
    desk: &Desk,
    request: &Request,
    power: NodePower,
    node: &NodeRef,
    again: bool,
) -> Decision {
    let aim = Aim {
        power,
        node: node.into(),
        confirmed: true,
    };
    match in_memory(desk, request, &aim) {
        Ok(Some((found, _))) if power.takes_down() && !again => {
            let (reply, closed) = question(desk, request, power, &found, true);
            Decision::Question { reply, closed }
        }
        Ok(Some(_)) => Decision::go(task(request, aim, desk.act_audience())),
        Ok(None) => Decision::answer(
            embed::problem::out_of_reach(node.cluster.as_str(), request.id),
            Audience::Private,
        ),
        Err(refusal) => Decision::answer(refusal, Audience::Private),
    }
}

fn task(request: &Request, aim: Aim, audience: Audience) -> Task {
    Task::new(request, Work::Node(aim), audience)
}

/// The node and the yes, from the newest snapshot; `None`: its cluster was never seen.
fn in_memory(
    desk: &Desk,
    request: &Request,
    aim: &Aim,
) -> Result<Option<(FoundNode, Verdict)>, Reply> {
    let found = match resolve::node(desk, &request.actor, Sight::Known, &aim.node) {
        Lookup::Found(found) => found,
        Lookup::NotYet => return Ok(None),
        _ => return Err(node_not_found(desk, request, &aim.node)),
    };
    let right = aim.power.right();
    let decided = desk
        .law()
        .of(&request.actor)
        .decide(right, &Target::Node(&found.reference));
    match decided {
        Ok(verdict) => Ok(Some((found, verdict))),
        Err(denied) => Err(refuse(desk, request, right, &found.reference, &denied)),
    }
}

/// Somebody is at it, or it is that way already.
fn in_the_way(
    desk: &Desk,
    request: &Request,
    power: NodePower,
    found: &FoundNode,
) -> Option<Reply> {
    if let Some(held) = desk.nodes.by(&found.reference) {
        return Some(busy(desk, &found.reference, held));
    }
    let already = match power {
        NodePower::Wake => found.node.status == NodeState::Online,
        _ => found.node.status == NodeState::Offline,
    };
    already.then(|| words::not_needed(&act(request, power, &found.reference)))
}

fn busy(desk: &Desk, node: &NodeRef, (order, by): (Order, UserId)) -> Reply {
    let by = desk.shown_actor(by);
    if order.left {
        words::left_open(node, order.power, by)
    } else {
        words::busy(node, order.power, by)
    }
}

fn act(request: &Request, power: NodePower, node: &NodeRef) -> NodeAct {
    NodeAct {
        power,
        node: node.clone(),
        by: request.actor.user,
        since: Timestamp::now().as_second(),
        notice: None,
    }
}

fn question(
    desk: &Desk,
    request: &Request,
    power: NodePower,
    found: &FoundNode,
    again: bool,
) -> (Reply, oneshot::Receiver<Reply>) {
    let snapshot = found.inventory.latest();
    let toll = snapshot
        .as_deref()
        .map(|snapshot| toll(desk, request, power, found, snapshot))
        .unwrap_or_default();
    let about = if again {
        second_question(power, &found.reference, &toll)
    } else {
        first_question(power, &found.reference, &toll)
    };
    desk.questions.ask(Asked {
        user: request.actor.user,
        what: What::Node {
            power,
            node: found.reference.clone(),
            again,
        },
        about,
    })
}

/// Acknowledged: now the cluster is looked at again, and it is done.
pub(super) async fn perform(
    desk: &Desk,
    task: &Task,
    aim: &Aim,
    shown: &watch::Sender<Option<Reply>>,
) -> Outcome {
    let request = &task.request;
    let (found, verdict) = match fresh(desk, request, aim).await {
        Ok(fresh) => fresh,
        Err(refusal) => return task.refuse(refusal),
    };
    if let Some(reply) = in_the_way(desk, request, aim.power, &found) {
        return task.refuse(reply);
    }
    if verdict.confirm && !aim.confirmed {
        // The rule changed between the check in memory and this one, or there was no memory.
        let (reply, closed) = question(desk, request, aim.power, &found, false);
        return ask_late(task, reply, closed, shown).await;
    }
    order(desk, task, aim.power, &found, shown).await
}

/// Nobody else is at it: permitted, noted, ordered once, and watched.
async fn order(
    desk: &Desk,
    task: &Task,
    power: NodePower,
    found: &FoundNode,
    shown: &watch::Sender<Option<Reply>>,
) -> Outcome {
    let request = &task.request;
    let mut act = act(request, power, &found.reference);
    let left = false;
    let ours = Order { power, left };
    let hold = match desk.nodes.take(&found.reference, ours, act.by) {
        Ok(hold) => hold,
        Err(held) => return task.refuse(busy(desk, &found.reference, held)),
    };
    let opening = Opening {
        request,
        about: About::Node(found.reference.clone()),
        detail: None,
        public: task.audience == Audience::Public,
    };
    let (entry, permit) = match matter::begin(desk, power.right(), &opening).await {
        Ok(begun) => begun,
        Err(not) => return not_begun(desk, task, power.right(), &found.reference, not),
    };
    let notice = opening
        .public
        .then(|| desk.waiting.open(opening.about, request.actor.channel));
    act.notice = notice.as_ref().map(Notice::id);
    shown.send_replace(Some(words::asked(&act)));
    let client = found.inventory.client();
    let sent = client.switch_node(&permit, power, &found.reference).await;
    let end = watched(desk, task, found, &act, sent, shown).await;
    audit::close(&desk.store, entry, &end.ending).await;
    found.inventory.refresh();
    drop(hold);
    if let Some(notice) = notice {
        notice.tell(&desk.errands, &end.reply).await;
    }
    Outcome::of(end)
}

/// What came of the order. Where Proxmox's answer was lost, only the node itself tells.
async fn watched(
    desk: &Desk,
    task: &Task,
    found: &FoundNode,
    act: &NodeAct,
    sent: Result<(), Error>,
    shown: &watch::Sender<Option<Reply>>,
) -> End {
    let given = match sent {
        Ok(()) => {
            shown.send_replace(Some(words::at_work(act, words::State::Taken)));
            Given::Taken
        }
        Err(error) => {
            tracing::warn!(interaction = %task.request.id, %error, "the order to a node was not taken");
            if error.surely_not_done() {
                return not_taken(desk, task, act, &error);
            }
            shown.send_replace(Some(words::perhaps_sent(act)));
            Given::Lost
        }
    };
    follow::node_to_the_end(&found.inventory, act, given, Some(shown)).await
}

/// The node from a snapshot that is at most ten seconds old, and the yes by that.
async fn fresh(desk: &Desk, request: &Request, aim: &Aim) -> Result<(FoundNode, Verdict), Reply> {
    let one_second = Duration::from_secs(1);
    for inventory in desk.asked_for(aim.node.cluster.as_ref()) {
        // What could not be read is not fresh, and is told of below.
        let _ = inventory.fresh(FRESH, ACT_PATIENCE).await;
    }
    let Some((found, verdict)) = in_memory(desk, request, aim)? else {
        if !desk.law().of(&request.actor).any() {
            return Err(node_not_found(desk, request, &aim.node));
        }
        return Err(out_of_reach(desk, request, aim, None));
    };
    match found
        .inventory
        .fresh(FRESH + one_second, Duration::ZERO)
        .await
    {
        Ok(_) => Ok((found, verdict)),
        Err(_) => Err(out_of_reach(desk, request, aim, Some(&found.reference))),
    }
}

/// Noted too: it was wanted, and came to nothing.
fn out_of_reach(desk: &Desk, request: &Request, aim: &Aim, node: Option<&NodeRef>) -> Reply {
    let tried = NotSent {
        request,
        action: aim.power.right().key(),
        detail: None,
        target: node.map(|node| Target::Node(node).key()),
        guest: None,
    };
    let named = node.map_or_else(|| format!(": {}", aim.node), |_| String::new());
    desk.note_not_sent(&tried, &format!("Proxmox could not be read{named}"));
    let cluster = node.map_or("Proxmox", |node| node.cluster.as_str());
    embed::problem::out_of_reach(cluster, request.id)
}

fn not_taken(desk: &Desk, task: &Task, act: &NodeAct, error: &Error) -> End {
    let request = &task.request;
    let readers = desk.readers(&request.actor, task.audience);
    let why = words::why_refused(error.status(), error.reason(), readers);
    End {
        reply: words::failed(act, &why),
        aside: lacking(desk, request, act.node.cluster.as_str(), error),
        ending: Ending::Failed(error.to_string()),
    }
}

/// What the bot's token lacks; how to mend it, for those who manage access.
pub(super) fn lacking(
    desk: &Desk,
    request: &Request,
    cluster: &str,
    error: &Error,
) -> Option<Reply> {
    let missing = error.missing_privilege()?;
    let law = desk.law();
    let owner = law.of(&request.actor).decide(Right::Access, &Target::Bot);
    let inventory = desk
        .clusters
        .iter()
        .find(|inventory| inventory.client().cluster().as_str() == cluster);
    let token = inventory
        .filter(|_| owner.is_ok())
        .map(|inventory| desk.token_of(inventory.client().cluster()));
    let beside = privileges::to_read(&missing.path);
    Some(embed::problem::missing_privilege(
        &missing.path,
        &missing.privileges,
        missing.any,
        token.map(|token| (token, &beside)),
    ))
}

/// Why it was not begun, in words; a late no is private.
fn not_begun(desk: &Desk, task: &Task, right: Right, node: &NodeRef, not: NotBegun) -> Outcome {
    match not {
        NotBegun::Denied(denied) => task.refuse(refuse(desk, &task.request, right, node, &denied)),
        NotBegun::Changed => task.refuse(embed::refused::rules_changed(&Thing::node(node))),
        NotBegun::Twice => Outcome::left(),
        NotBegun::NotNoted(reply) => task.refuse(reply),
    }
}

pub(super) fn refuse(
    desk: &Desk,
    request: &Request,
    right: Right,
    node: &NodeRef,
    denied: &Denied,
) -> Reply {
    let target = Target::Node(node);
    desk.note_refusal(request, Some(&target.key()), &reason(denied));
    let law = desk.law();
    let ask = law.holders(&request.actor, Right::Access, &Target::Bot);
    embed::refused::refused(right, &Thing::node(node), denied, &ask)
}
