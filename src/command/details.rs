//! What a guest's card shows beyond its state, for one pair of eyes: addresses and configuration.

use tokio::time::{Instant, timeout_at};

use crate::embed::guest_details::Details;
use crate::ids::Kind;
use crate::proxmox::{Error, GuestNow};

use super::desk::READ_PATIENCE;
use super::resolve::FoundGuest;

/// What does not come in time is left out. The configuration comes first: a node tells those who look
/// one thing at a time, and an agent may hang.
pub(super) async fn details(found: &FoundGuest, now: &GuestNow) -> Details {
    let inventory = &found.inventory;
    let facts = &found.guest.facts;
    let tells = facts.kind == Kind::Ct || now.agent;
    let until = Instant::now() + READ_PATIENCE;
    let config = in_time(until, inventory.guest_config(facts)).await;
    let addresses = if tells && crate::follow::runs(now) == Some(true) {
        in_time(until, inventory.addresses(facts)).await
    } else {
        None
    };
    Details { config, addresses }
}

async fn in_time<T>(until: Instant, asked: impl Future<Output = Result<T, Error>>) -> Option<T> {
    match timeout_at(until, asked).await {
        Ok(Ok(value)) => Some(value),
        // A guest without an agent, or a token that may not ask: nothing to show.
        Ok(Err(error)) => {
            tracing::debug!(%error, "details of a guest cannot be read");
            None
        }
        Err(_) => None,
    }
}
