//! What the bot does unasked: loops that only wait, fetch and send.

mod givers;
mod grants;
mod leftovers;
mod mirror;
mod refusals;
mod reload;

use std::sync::Arc;
use std::time::Duration;

use tokio::time::{MissedTickBehavior, interval};
use tokio_util::sync::CancellationToken;

use crate::embed::fault;
use crate::proxmox::{Inventory, StaleWhy};

pub use givers::look_up_givers;
pub use grants::end_grants;
pub use leftovers::finish;
pub use mirror::{Rooms, mirror};
pub use reload::{Rules, keep_rules};

/// Proxmox looks at its guests every 10 s; asking more often shows nothing new.
const EVERY: Duration = Duration::from_secs(10);

/// Keeps the snapshot of one cluster fresh until `stop`, so that lists, autocomplete and checks are
/// answered from memory. The load on Proxmox is the same whether one person asks or a thousand.
pub async fn keep_fresh(inventory: Arc<Inventory>, stop: CancellationToken) {
    let mut ticks = interval(EVERY);
    // After a hang one look suffices, not all that were missed.
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    // Not known until the first look.
    let mut down = None;
    loop {
        tokio::select! {
            () = stop.cancelled() => return,
            _ = ticks.tick() => {}
        }
        let fetched = inventory
            .fresh(Duration::ZERO, Duration::from_secs(30))
            .await;
        let cluster = inventory.client().cluster();
        match fetched {
            Ok(seen) if down != Some(false) => {
                let (nodes, guests) = (seen.nodes.len(), seen.guests.len());
                tracing::info!(%cluster, nodes, guests, "Proxmox answers");
            }
            Err(stale) if down != Some(true) => match stale.why {
                StaleWhy::Failed(error) => tracing::warn!(%cluster, "{}", fault::line(&error)),
                StaleWhy::Slow => {
                    tracing::warn!(%cluster, "Proxmox has not answered for 30 s; asking again");
                }
            },
            _ => {}
        }
        down = Some(inventory.last_error().is_some());
    }
}
