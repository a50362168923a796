//! From a task to the truth: followed to its end, the guest read again, and only then put into
//! words. For the command that began it, and for what a former process left behind.

mod node;

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;
use tokio::time::{Instant, sleep};

use crate::action::{Deed, GuestFacts, Power};
use crate::audit::Ending;
use crate::embed::Reply;
use crate::embed::act::{self, Act, Runs, Seen};
use crate::embed::why;
use crate::ids::{Kind, Upid};
use crate::proxmox::{
    BackedUp, BackupLog, Client, Error, Followed, GuestNow, Inventory, Patience, RunState, TaskEnd,
    follow,
};

pub use node::{Given, node_to_the_end};

/// How an act ended: the card for all, the log for the person who asked, the word for the audit.
#[derive(Debug)]
pub struct End {
    pub reply: Reply,
    pub aside: Option<Reply>,
    pub ending: Ending,
}

impl End {
    #[must_use]
    pub fn of(reply: Reply, ending: Ending) -> Self {
        Self {
            reply,
            aside: None,
            ending,
        }
    }
}

/// Follows `upid` to its end and reads the guest again. `started`: when Proxmox was asked. Where the
/// task says how far it is, that goes into `shown`.
pub async fn to_the_end(
    inventory: &Arc<Inventory>,
    act: &Act,
    upid: &Upid,
    started: Instant,
    shown: Option<&watch::Sender<Option<Reply>>>,
) -> End {
    let client = inventory.client();
    let followed = match act.deed {
        // Disks are large, and the line to the storage may be thin.
        Deed::Backup { .. } => {
            let patience = Patience {
                whole: Duration::from_hours(24),
                ..Patience::default()
            };
            tokio::select! {
                followed = follow(client, upid, patience) => followed,
                never = tell_progress(client, act, upid, shown) => match never {},
            }
        }
        _ => follow(client, upid, Patience::default()).await,
    };
    let course = Course { act, upid, started };
    let mut end = match followed {
        Followed::Ended(TaskEnd::Ok) => return effect(inventory, &course, false).await,
        Followed::Ended(TaskEnd::Warnings(_)) => effect(inventory, &course, true).await,
        Followed::Ended(TaskEnd::Failed(text)) => return failed(inventory, &course, text).await,
        Followed::Ended(TaskEnd::Aborted) => {
            return failed(inventory, &course, "received interrupt".to_owned()).await;
        }
        Followed::Ended(TaskEnd::Unexpected) | Followed::Lost => {
            let runs = runs_now(inventory, &act.guest).await;
            let why = "the task's end was not seen".to_owned();
            End::of(act::unknown(act, runs), Ending::Unknown(why))
        }
    };
    let lines = log_lines(inventory, upid).await;
    end.aside = lines.map(|lines| act::log(act, &lines));
    end
}

/// A task that was followed to its end.
struct Course<'c> {
    act: &'c Act,
    upid: &'c Upid,
    started: Instant,
}

/// A backup writes a line every few seconds, and that is how often it is looked at.
const BETWEEN_LOOKS: Duration = Duration::from_secs(3);

/// Shows how far a backup is, as often as its log tells anything new.
async fn tell_progress(
    client: &Client,
    act: &Act,
    upid: &Upid,
    shown: Option<&watch::Sender<Option<Reply>>>,
) -> Infallible {
    let Some(shown) = shown else {
        return std::future::pending().await;
    };
    let (mut log, mut seen, mut last) = (BackupLog::default(), 0, None);
    loop {
        sleep(BETWEEN_LOOKS).await;
        match client.task_log_after(upid, seen).await {
            Ok(lines) => {
                seen += lines.len();
                for line in &lines {
                    log.read(line);
                }
            }
            Err(error) => tracing::debug!(%upid, %error, "the task's log cannot be read yet"),
        }
        if log.progress != last {
            last = log.progress;
            shown.send_replace(Some(act::at_work_until(act, last)));
        }
    }
}

/// Whether the guest runs, as far as can be read.
pub async fn runs_now(inventory: &Arc<Inventory>, guest: &GuestFacts) -> Option<bool> {
    runs(&*inventory.guest_now_fresh(guest).await.ok()?)
}

/// Whether a guest runs; `None` where Proxmox does not say. A paused guest runs: its memory is
/// in use, and pulling its plug loses data.
#[must_use]
pub fn runs(now: &GuestNow) -> Option<bool> {
    match now.status {
        RunState::Running | RunState::Paused | RunState::Suspended => Some(true),
        RunState::Stopped => Some(false),
        RunState::Unknown | RunState::Other(_) => None,
    }
}

/// Whether its processor is held; its memory is kept.
#[must_use]
pub fn is_held(now: &GuestNow) -> bool {
    matches!(now.state(), RunState::Paused | RunState::Suspended)
}

/// The reason, in our words; the log, which may say more, is for the person who asked.
async fn failed(inventory: &Arc<Inventory>, course: &Course<'_>, text: String) -> End {
    let act = course.act;
    let runs = runs_now(inventory, &act.guest).await;
    let lines = log_lines(inventory, course.upid).await;
    let (why, text) = match act.deed {
        Deed::Backup { .. } => {
            let log = BackupLog::of(lines.as_deref().unwrap_or_default());
            let text = log.failure.clone().unwrap_or(text);
            (why::why_not_backed_up(&log, &text), text)
        }
        _ => (why::why_failed(&text), text),
    };
    End {
        reply: act::failed(act, &why, runs),
        aside: lines.map(|lines| act::log(act, &lines)),
        ending: Ending::Failed(text),
    }
}

/// "Started" is said only after the guest was read again.
async fn effect(inventory: &Arc<Inventory>, course: &Course<'_>, warned: bool) -> End {
    let Course { act, upid, started } = course;
    let queued = upid.kind().starts_with("ha");
    match settle(inventory, course, queued).await {
        Some(Look {
            done: true,
            runs,
            seen,
        }) => {
            let ending = if warned { Ending::Warned } else { Ending::Done };
            let done = act::Done {
                took: started.elapsed(),
                warned,
                runs,
                seen,
            };
            End::of(act::succeeded(act, &done), ending)
        }
        Some(_) if queued => End::of(act::requested(act), Ending::Requested),
        Some(Look { runs, .. }) => {
            let why = "the guest was not as asked when it was read again".to_owned();
            End::of(act::without_effect(act, runs), Ending::Unknown(why))
        }
        None => {
            let why = "the guest could not be read again".to_owned();
            End::of(act::without_effect(act, None), Ending::Unknown(why))
        }
    }
}

/// The guest, read again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Look {
    /// It is as asked.
    done: bool,
    runs: Runs,
    seen: Seen,
}

/// Reads the guest until it is as asked, for as long as that can honestly take: a moment after a
/// start, half a minute after a reboot (Proxmox starts the guest anew after its task has ended),
/// longer where HA has only queued the request. `None`: it could not be read.
async fn settle(inventory: &Arc<Inventory>, course: &Course<'_>, queued: bool) -> Option<Look> {
    let act = course.act;
    let log = match act.deed {
        Deed::Backup { .. } => log_lines(inventory, course.upid).await,
        _ => None,
    };
    let log = BackupLog::of(&log.unwrap_or_default());
    let patience = match act.deed {
        _ if queued => Duration::from_secs(90),
        Deed::Power(Power::Reboot) => Duration::from_secs(30),
        _ => Duration::from_secs(5),
    };
    let end = Instant::now() + patience;
    let mut pause = Duration::from_millis(250);
    let mut last = None;
    loop {
        match look(inventory, course, &log).await {
            Ok(look) if look.done => return Some(look),
            Ok(look) => last = Some(look),
            Err(error) => tracing::debug!(guest = %act.guest.guest, %error, "not read again yet"),
        }
        if Instant::now() + pause > end {
            return last;
        }
        sleep(pause).await;
        pause = (pause * 2).min(Duration::from_secs(5));
    }
}

async fn look(
    inventory: &Arc<Inventory>,
    course: &Course<'_>,
    log: &BackupLog,
) -> Result<Look, Error> {
    let act = course.act;
    let (client, guest) = (inventory.client(), &act.guest);
    let now = inventory.guest_now_fresh(guest).await?;
    let mut seen = Seen::Nothing;
    let done = match &act.deed {
        Deed::Power(power) => as_asked(*power, &now, guest.kind, course.started),
        Deed::SnapshotCreate { name, .. } => {
            let snapshots = client.snapshots_to_act(guest).await?;
            let whole = snapshots.named(name).filter(|one| one.unfinished.is_none());
            if let Some(one) = whole {
                seen = Seen::Snapshot { ram: one.ram };
            }
            whole.is_some()
        }
        Deed::SnapshotDelete(name) => {
            let snapshots = client.snapshots_to_act(guest).await?;
            snapshots.named(name).is_none()
        }
        Deed::SnapshotRollback(name) => {
            client.snapshots_to_act(guest).await?.current.as_ref() == Some(name)
        }
        Deed::Backup { storage, .. } => {
            let backups = client.backups_to_act(guest, storage).await?;
            let begun = act.since.saturating_sub(CLOCKS_DIFFER);
            let young = |one: &BackedUp| one.taken.is_some_and(|at| at >= begun);
            let ours = backups
                .iter()
                .find(|one| log.wrote(&one.volume).unwrap_or_else(|| young(one)));
            if let Some(one) = ours {
                seen = Seen::Backup { size: one.size };
            }
            ours.is_some()
        }
    };
    let runs = runs(&now);
    Ok(Look { done, runs, seen })
}

/// So many seconds may a node's clock be behind ours.
const CLOCKS_DIFFER: i64 = 120;

fn as_asked(power: Power, now: &GuestNow, kind: Kind, started: Instant) -> bool {
    match power {
        // The uptime is that of the process, which a reset keeps: that it runs is all that shows.
        Power::Start | Power::Reset => runs(now) == Some(true),
        // A container is written to disk and stands still as a stopped one.
        Power::Suspend => is_held(now) || (kind == Kind::Ct && runs(now) == Some(false)),
        Power::Resume => runs(now) == Some(true) && !is_held(now),
        Power::Stop | Power::Shutdown => runs(now) == Some(false),
        // A guest that was up before it was asked to reboot has not been rebooted yet.
        Power::Reboot => {
            let up = now.uptime.unwrap_or_default();
            runs(now) == Some(true) && up <= started.elapsed() + Duration::from_secs(1)
        }
    }
}

/// What the task wrote; `None`: it cannot be read.
async fn log_lines(inventory: &Arc<Inventory>, upid: &Upid) -> Option<Vec<String>> {
    const MOST: usize = 5000;
    let lines = inventory.client().task_log(upid, MOST).await;
    lines
        .inspect_err(|error| tracing::warn!(%error, "the task's log cannot be read"))
        .ok()
}
