//! From a task to the truth: followed to its end, the guest read again, and only then put into
//! words. For the command that began it, and for what a former process left behind.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::{Instant, sleep};

use crate::action::{GuestFacts, Power};
use crate::audit::Ending;
use crate::embed::Reply;
use crate::embed::act::{self, Act};
use crate::ids::Upid;
use crate::proxmox::{Followed, GuestNow, Inventory, Patience, RunState, TaskEnd, follow};

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
    let followed = follow(inventory.client(), upid, Patience::default()).await;
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
        Settled::AsAsked => {
            let ending = if warned { Ending::Warned } else { Ending::Done };
            End::of(act::succeeded(act, started.elapsed(), warned), ending)
        }
        Settled::NotYet(_) if queued => End::of(act::requested(act), Ending::Requested),
        Settled::NotYet(runs) => {
            let why = "the guest was not as asked when it was read again".to_owned();
            End::of(act::without_effect(act, runs), Ending::Unknown(why))
        }
        Settled::Unreadable => {
            let why = "the guest could not be read again".to_owned();
            End::of(act::without_effect(act, None), Ending::Unknown(why))
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Settled {
    AsAsked,
    NotYet(Option<bool>),
    Unreadable,
}

/// Reads the guest until it is as asked, for as long as that can honestly take: a moment after a
/// start, half a minute after a reboot (Proxmox starts the guest anew after its task has ended),
/// longer where HA has only queued the request.
async fn settle(inventory: &Arc<Inventory>, act: &Act, started: Instant, queued: bool) -> Settled {
    let patience = match act.power {
        _ if queued => Duration::from_secs(90),
        Power::Reboot => Duration::from_secs(30),
        _ => Duration::from_secs(5),
    };
    let end = Instant::now() + patience;
    let mut pause = Duration::from_millis(250);
    let mut last = Settled::Unreadable;
    loop {
        if let Ok(now) = inventory.guest_now_fresh(&act.guest).await {
            if as_asked(act.power, &now, started) {
                return Settled::AsAsked;
            }
            last = Settled::NotYet(runs(&now));
        }
        if Instant::now() + pause > end {
            return last;
        }
        sleep(pause).await;
        pause = (pause * 2).min(Duration::from_secs(5));
    }
}

fn as_asked(power: Power, now: &GuestNow, started: Instant) -> bool {
    match power {
        Power::Start => runs(now) == Some(true),
        Power::Stop | Power::Shutdown => runs(now) == Some(false),
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
