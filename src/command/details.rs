//! What a guest's card shows beyond its state, for one pair of eyes: addresses and configuration.

use tokio::time::timeout;

use crate::embed::guest_details::Details;
use crate::ids::Kind;
use crate::proxmox::{Error, GuestNow};

use super::desk::READ_PATIENCE;
use super::resolve::FoundGuest;

/// Both are asked for at the same time; what does not come in time is left out.
pub(super) async fn details(found: &FoundGuest, now: &GuestNow) -> Details {
    let client = found.inventory.client();
    let facts = &found.guest.facts;
    let tells = facts.kind == Kind::Ct || now.agent;
    let addresses = async {
        if crate::follow::runs(now) != Some(true) || !tells {
            return None;
        }
        in_time(client.addresses(facts)).await
    };
    let (config, addresses) = tokio::join!(in_time(client.guest_config(facts)), addresses);
    Details { config, addresses }
}

async fn in_time<T>(asked: impl Future<Output = Result<T, Error>>) -> Option<T> {
    match timeout(READ_PATIENCE, asked).await {
        Ok(Ok(value)) => Some(value),
        // A guest without an agent, or a token that may not ask: nothing to show.
        Ok(Err(error)) => {
            tracing::debug!(%error, "details of a guest cannot be read");
            None
        }
        Err(_) => None,
    }
}
