//! From a task to the truth: followed to its end, the guest read again, and only then put into
//! words. For the command that began it, and for what a former process left behind.

mod node;

use std::sync::Arc;
use std::time::Duration;

use tokio::time::{Instant, sleep};

use crate::action::{Deed, GuestFacts, Power};
use crate::audit::Ending;
use crate::embed::Reply;
use crate::embed::act::{self, Act, Runs};
use crate::ids::{Kind, Upid};
use crate::proxmox::{Error, Followed, GuestNow, Inventory, Patience, RunState, TaskEnd, follow};

pub use node::node_to_the_end;

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

/// Follows `upid` to its end and reads the guest again. `started`: when Proxmox was asked.
pub async fn to_the_end(
    inventory: &Arc<Inventory>,
    act: &Act,
    upid: &Upid,
    started: Instant,
) -> End {
    let patience = match act.deed {
        // Disks are large, and the line to the storage may be thin.
        Deed::Backup { .. } => Patience {
            whole: Duration::from_hours(24),
            ..Patience::default()
        },
        _ => Patience::default(),
    };
    let followed = follow(inventory.client(), upid, patience).await;
    let mut end = match followed {
        Followed::Ended(TaskEnd::Ok) => return effect(inventory, act, upid, started, false).await,
        Followed::Ended(TaskEnd::Warnings(_)) => effect(inventory, act, upid, started, true).await,
        Followed::Ended(TaskEnd::Failed(text)) => failed(inventory, act, text).await,
        Followed::Ended(TaskEnd::Aborted) => {
            failed(inventory, act, "received interrupt".to_owned()).await
        }
        Followed::Ended(TaskEnd::Unexpected) | Followed::Lost => {
            let runs = runs_now(inventory, &act.guest).await;
            let why = "the task's end was not seen".to_owned();
            End::of(act::unknown(act, runs), Ending::Unknown(why))
        }
    };
    end.aside = log_of(inventory, act, upid).await;
    end
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

async fn failed(inventory: &Arc<Inventory>, act: &Act, text: String) -> End {
    let runs = runs_now(inventory, &act.guest).await;
    let why = act::why_failed(&text);
    End::of(act::failed(act, &why, runs), Ending::Failed(text))
}

/// "Started" is said only after the guest was read again.
async fn effect(
    inventory: &Arc<Inventory>,
    act: &Act,
    upid: &Upid,
    started: Instant,
    warned: bool,
) -> End {
    let queued = upid.kind().starts_with("ha");
    match settle(inventory, act, started, queued).await {
        Some(Look { done: true, runs }) => {
            let ending = if warned { Ending::Warned } else { Ending::Done };
            let reply = act::succeeded(act, started.elapsed(), warned, runs);
            End::of(reply, ending)
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
}

/// Reads the guest until it is as asked, for as long as that can honestly take: a moment after a
/// start, half a minute after a reboot (Proxmox starts the guest anew after its task has ended),
/// longer where HA has only queued the request. `None`: it could not be read.
async fn settle(
    inventory: &Arc<Inventory>,
    act: &Act,
    started: Instant,
    queued: bool,
) -> Option<Look> {
    let patience = match act.deed {
        _ if queued => Duration::from_secs(90),
        Deed::Power(Power::Reboot) => Duration::from_secs(30),
        _ => Duration::from_secs(5),
    };
    let end = Instant::now() + patience;
    let mut pause = Duration::from_millis(250);
    let mut last = None;
    loop {
        match look(inventory, act, started).await {
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

async fn look(inventory: &Arc<Inventory>, act: &Act, started: Instant) -> Result<Look, Error> {
    let (client, guest) = (inventory.client(), &act.guest);
    let now = inventory.guest_now_fresh(guest).await?;
    let done = match &act.deed {
        Deed::Power(power) => as_asked(*power, &now, guest.kind, started),
        Deed::SnapshotCreate { name, .. } => {
            let snapshots = client.snapshots_to_act(guest).await?;
            snapshots.list.iter().any(|one| one.name == *name)
        }
        Deed::SnapshotDelete(name) => {
            let snapshots = client.snapshots_to_act(guest).await?;
            snapshots.list.iter().all(|one| one.name != *name)
        }
        Deed::SnapshotRollback(name) => {
            client.snapshots_to_act(guest).await?.current.as_ref() == Some(name)
        }
        Deed::Backup { storage, .. } => {
            let backups = client.backups(guest, storage).await?;
            let begun = act.since.saturating_sub(CLOCKS_DIFFER);
            backups
                .iter()
                .any(|one| one.taken.is_some_and(|at| at >= begun))
        }
    };
    let runs = runs(&now);
    Ok(Look { done, runs })
}

/// So many seconds may a node's clock be behind ours.
const CLOCKS_DIFFER: i64 = 120;

fn as_asked(power: Power, now: &GuestNow, kind: Kind, started: Instant) -> bool {
    match power {
        Power::Start => runs(now) == Some(true),
        // A container is written to disk and stands still as a stopped one.
        Power::Suspend => is_held(now) || (kind == Kind::Ct && runs(now) == Some(false)),
        Power::Resume => runs(now) == Some(true) && !is_held(now),
        Power::Stop | Power::Shutdown => runs(now) == Some(false),
        // The uptime is that of the process, which a reset keeps: that it runs is all that shows.
        Power::Reset => runs(now) == Some(true),
        // A guest that was up before it was asked to reboot has not been rebooted yet.
        Power::Reboot => {
            let up = now.uptime.unwrap_or_default();
            runs(now) == Some(true) && up <= started.elapsed() + Duration::from_secs(1)
        }
    }
}

/// The log for the person who asked.
async fn log_of(inventory: &Arc<Inventory>, act: &Act, upid: &Upid) -> Option<Reply> {
    const MOST: usize = 5000;
    let lines = inventory.client().task_log(upid, MOST).await;
    let lines = lines
        .inspect_err(|error| tracing::warn!(%error, "the task's log cannot be read"))
        .ok()?;
    Some(act::log(act, &lines))
}
