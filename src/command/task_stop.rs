//! `/task stop`: asked twice, looked at again, permitted for the task's guest or node, broken off once,
//! and followed until it has ended.

use std::time::Duration;

use jiff::Timestamp;
use tokio::sync::watch;
use tokio::time::timeout;

use crate::action::{Request, Right, TaskId};
use crate::audit::{self, About, Ending, NotSent, Opening};
use crate::embed::task_stop::{self as words, Stop};
use crate::embed::{self, Reply};
use crate::follow::End;
use crate::proxmox::{Error, Followed, Patience, TaskEnd, TaskState, follow};

use super::confirm::{Asked, What};
use super::desk::{ACT_PATIENCE, Desk, FRESH};
use super::matter::{self, NotBegun};
use super::notify::Notice;
use super::task::{FoundTask, line, visible};
use super::{Audience, Decision, Outcome, Task, Work, node_act};

/// How long a task may take to end once it was told to.
const PATIENCE: Patience = Patience {
    silence: Duration::from_mins(1),
    whole: Duration::from_mins(5),
};
/// How long it may take to say that it runs.
const LOOK: Duration = Duration::from_secs(8);

pub(super) fn decide(desk: &Desk, request: &Request, id: TaskId) -> Decision {
    let found = match visible(desk, request, id, Right::TaskStop) {
        Ok(found) => found,
        Err(refusal) => return Decision::answer(refusal, Audience::Private),
    };
    let stop = stop(desk, request, &found);
    if found.task.end.is_some() {
        return Decision::answer(words::ended_already(&stop), Audience::Private);
    }
    if let Some(((), by)) = desk.stopping.by(&found.task.upid) {
        let by = desk.shown_actor(by);
        return Decision::answer(words::stopping_already(&stop, by), Audience::Private);
    }
    let (reply, closed) = desk.questions.ask(Asked {
        user: request.actor.user,
        what: What::TaskStop(id),
        about: words::question(&stop),
    });
    Decision::Question { reply, closed }
}

/// The person said yes; checked like a new command.
pub(super) fn confirmed(desk: &Desk, request: &Request, id: TaskId) -> Decision {
    match visible(desk, request, id, Right::TaskStop) {
        Ok(_) => Decision::go(Task::new(request, Work::TaskStop(id), desk.act_audience())),
        Err(refusal) => Decision::answer(refusal, Audience::Private),
    }
}

fn stop(desk: &Desk, request: &Request, found: &FoundTask) -> Stop {
    Stop {
        task: line(desk, found),
        by: request.actor.user,
        since: Timestamp::now().as_second(),
    }
}

pub(super) async fn perform(
    desk: &Desk,
    task: &Task,
    id: TaskId,
    shown: &watch::Sender<Option<Reply>>,
) -> Outcome {
    let request = &task.request;
    let found = match fresh(desk, request, id).await {
        Ok(found) => found,
        Err(refusal) => return task.refuse(refusal),
    };
    let stop = stop(desk, request, &found);
    let upid = &found.task.upid;
    let client = found.inventory.client();
    match timeout(LOOK, client.task_status(upid)).await {
        Ok(Ok(TaskState::Running)) => {}
        Ok(Ok(TaskState::Ended(end))) => {
            found.inventory.note_end(upid, &end);
            return Outcome::shown(words::ended_already(&stop));
        }
        // Whether it runs is not known; Proxmox breaks off only what does.
        Ok(Err(error)) => {
            tracing::info!(interaction = %request.id, %error, "a task is stopped unseen");
        }
        Err(_) => {
            let why = format!("node {} did not answer in time", upid.node());
            not_sent(desk, request, &found, &why);
            return task.refuse(embed::task::unreadable(&stop.task, request.id));
        }
    }
    break_off(desk, task, id, &found, shown).await
}

/// Nobody else is at it: permitted, noted, told once, and followed.
async fn break_off(
    desk: &Desk,
    task: &Task,
    id: TaskId,
    found: &FoundTask,
    shown: &watch::Sender<Option<Reply>>,
) -> Outcome {
    let request = &task.request;
    let stop = stop(desk, request, found);
    let upid = &found.task.upid;
    let client = found.inventory.client();
    let Ok(hold) = desk.stopping.take(upid, (), stop.by) else {
        return task.refuse(words::stopping_already(&stop, None));
    };
    let opening = Opening {
        request,
        about: found.about.clone(),
        detail: Some(upid.to_string()),
        public: task.audience == Audience::Public,
    };
    let (entry, permit) = match matter::begin(desk, Right::TaskStop, &opening).await {
        Ok(begun) => begun,
        Err(not) => return not_begun(desk, task, id, found, not),
    };
    let channel = request.actor.channel;
    let open = || desk.waiting.open(found.about.clone(), channel);
    let notice = opening.public.then(open);
    let id = notice.as_ref().map(Notice::id);
    shown.send_replace(Some(embed::notify::waitable(words::stopping(&stop), id)));
    let target = found.about.target().key();
    let end = match client.stop_task(&permit, target, upid).await {
        Err(error) if error.surely_not_done() => {
            let readers = desk.readers(&request.actor, task.audience);
            let why = words::why_refused(error.status(), readers);
            not_taken(
                desk,
                request,
                words::not_stopped(&stop, &why),
                found,
                &error,
            )
        }
        sent => {
            if let Err(error) = sent {
                tracing::warn!(interaction = %request.id, %error, "the answer to a stop was lost");
            }
            let followed = follow(client, upid, PATIENCE).await;
            if let Followed::Ended(end) = &followed {
                found.inventory.note_end(upid, end);
            }
            ended(&stop, followed)
        }
    };
    audit::close(&desk.store, entry, &end.ending).await;
    found.inventory.refresh();
    drop(hold);
    if let Some(notice) = notice {
        notice.tell(&desk.errands, &end.reply).await;
    }
    Outcome::of(end)
}

/// What the task is about, by a snapshot that is at most ten seconds old.
async fn fresh(desk: &Desk, request: &Request, id: TaskId) -> Result<FoundTask, Reply> {
    let found = visible(desk, request, id, Right::TaskStop)?;
    let cluster = found.inventory.client().cluster();
    if found.inventory.fresh(FRESH, ACT_PATIENCE).await.is_err() {
        not_sent(desk, request, &found, "Proxmox could not be read");
        return Err(embed::problem::out_of_reach(cluster.as_str(), request.id));
    }
    visible(desk, request, id, Right::TaskStop)
}

/// Notes that it came to nothing before Proxmox was asked.
fn not_sent(desk: &Desk, request: &Request, found: &FoundTask, why: &str) {
    let guest = match &found.about {
        About::Guest(guest) => Some(guest),
        About::Node(_) | About::Bot => None,
    };
    let tried = NotSent {
        request,
        action: Right::TaskStop.key(),
        detail: Some(found.task.upid.to_string()),
        target: Some(found.about.target().key()),
        guest,
    };
    desk.note_not_sent(&tried, why);
}

fn ended(stop: &Stop, followed: Followed) -> End {
    let (how, ending) = match followed {
        Followed::Ended(TaskEnd::Aborted) => (words::Stopped::BrokenOff, Ending::Done),
        // Some tasks put the interrupt into words of their own.
        Followed::Ended(end @ (TaskEnd::Ok | TaskEnd::Warnings(_))) => (
            words::Stopped::Finished,
            Ending::Failed(format!("it ended well before: {end:?}")),
        ),
        Followed::Ended(TaskEnd::Failed(text)) => {
            tracing::info!(%text, "the task that was stopped ended so");
            (words::Stopped::Over, Ending::Warned)
        }
        Followed::Ended(TaskEnd::Unexpected) => (words::Stopped::Over, Ending::Warned),
        Followed::Lost => (
            words::Stopped::Unseen,
            Ending::Unknown("the task's end was not seen".to_owned()),
        ),
    };
    End::of(words::stopped(stop, how), ending)
}

fn not_taken(
    desk: &Desk,
    request: &Request,
    reply: Reply,
    found: &FoundTask,
    error: &Error,
) -> End {
    tracing::warn!(interaction = %request.id, %error, "Proxmox does not stop the task");
    let cluster = found.inventory.client().cluster();
    End {
        reply,
        aside: node_act::lacking(desk, request, cluster.as_str(), error),
        ending: Ending::Failed(error.to_string()),
    }
}

fn not_begun(desk: &Desk, task: &Task, id: TaskId, found: &FoundTask, not: NotBegun) -> Outcome {
    let thing = found.thing();
    match not {
        NotBegun::Denied(denied) => {
            // In the words of the first check, where it is the same no.
            let reply = visible(desk, &task.request, id, Right::TaskStop)
                .err()
                .unwrap_or_else(|| embed::refused::refused(Right::TaskStop, &thing, &denied, &[]));
            task.refuse(reply)
        }
        NotBegun::Changed => task.refuse(embed::refused::rules_changed(&thing)),
        NotBegun::Twice => Outcome::left(),
        NotBegun::NotNoted(reply) => task.refuse(reply),
    }
}
