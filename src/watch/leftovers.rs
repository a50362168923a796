//! What a former process began and never saw the end of: followed up, noted and told.

use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use tokio::time::Instant;

use crate::action::{GuestFacts, Power};
use crate::audit::{self, Ending, Unfinished};
use crate::embed::act::{self, Act};
use crate::errand::{Errands, Recipient};
use crate::follow::{self, End};
use crate::proxmox::Inventory;
use crate::store::Store;

/// Brings every entry of `left` to its end. Nothing is sent to Proxmox but questions: a write whose
/// answer was lost is never sent again.
pub async fn finish(
    store: Store,
    clusters: Vec<Arc<Inventory>>,
    left: Vec<Unfinished>,
    errands: Errands,
) {
    for unfinished in left {
        let (store, errands) = (store.clone(), errands.clone());
        let cluster = &unfinished.guest.cluster;
        let inventory = clusters.iter().find(|c| c.client().cluster() == cluster);
        let inventory = inventory.cloned();
        // Each by itself: one task that goes on for an hour holds up no other.
        tokio::spawn(async move {
            let end = match (&inventory, act_of(&unfinished)) {
                (Some(inventory), Some(act)) => Some(end_of(inventory, &unfinished, &act).await),
                _ => None,
            };
            let gone = Ending::Unknown("its cluster is no longer configured".to_owned());
            let ending = end.as_ref().map_or(gone, |end| end.ending.clone());
            tracing::warn!(
                action = unfinished.action, guest = %unfinished.guest, ?ending,
                "a former process left this open"
            );
            audit::close(&store, unfinished.entry, &ending).await;
            let Some(end) = end else { return };
            let to = if unfinished.public {
                Recipient::Channel(unfinished.channel, unfinished.user)
            } else {
                Recipient::Person(unfinished.user)
            };
            let reply = act::found_again(end.reply);
            if errands.post(to, reply).await.is_none() {
                tracing::warn!("an outcome could not be told; it is in the audit");
            }
        });
    }
}

async fn end_of(inventory: &Arc<Inventory>, unfinished: &Unfinished, act: &Act) -> End {
    if let Some(upid) = &unfinished.upid {
        let age = SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .ok()
            .and_then(|now| now.checked_sub(opened(unfinished)))
            .unwrap_or_default();
        let started = Instant::now().checked_sub(age).unwrap_or_else(Instant::now);
        return follow::to_the_end(inventory, act, upid, started).await;
    }
    let runs = follow::runs_now(inventory, &act.guest).await;
    let why = "the bot stopped before Proxmox had answered".to_owned();
    End::of(act::unknown(act, runs), Ending::Unknown(why))
}

fn act_of(unfinished: &Unfinished) -> Option<Act> {
    let power = Power::ALL
        .into_iter()
        .find(|p| p.key() == unfinished.action)?;
    Some(Act {
        power,
        guest: GuestFacts {
            guest: unfinished.guest.clone(),
            kind: unfinished.kind,
            node: unfinished.node.clone(),
            name: unfinished.guest_name.clone(),
            pool: None,
            pools_seen: Arc::default(),
            tags: Vec::new(),
        },
        by: unfinished.user,
        approved: None,
        since: i64::try_from(opened(unfinished).as_secs()).unwrap_or(i64::MAX),
    })
}

fn opened(unfinished: &Unfinished) -> Duration {
    Duration::from_millis(u64::try_from(unfinished.opened_ms).unwrap_or(0))
}
