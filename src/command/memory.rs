//! Whether a VM's node has the memory that it wants. Proxmox itself starts it all the same, and the
//! node then kills whatever it likes.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

use crate::action::{Deed, Power};
use crate::ids::{Kind, NodeRef};

use super::resolve::FoundGuest;

/// Until then a VM that was just started shows in the figures of its node: Proxmox looks every ten
/// seconds, and so do we.
const SHOWS: Duration = Duration::from_secs(25);

/// Bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Short {
    pub needs: u64,
    pub free: u64,
}

/// What VMs that were just started are about to take.
#[derive(Debug, Default)]
pub(super) struct Starting {
    claims: Mutex<Vec<(NodeRef, u64, Instant)>>,
}

impl Starting {
    /// Claims the memory for a start, or says what is lacking. `anyway`: it is known and wanted.
    /// Nothing is said where figures are not visible, and none of a container, which takes memory
    /// only as it uses it.
    pub(super) fn claim(&self, found: &FoundGuest, deed: &Deed, anyway: bool) -> Result<(), Short> {
        let facts = &found.guest.facts;
        if *deed != Deed::Power(Power::Start) || facts.kind != Kind::Vm {
            return Ok(());
        }
        let Some(needs) = found.guest.maxmem else {
            return Ok(());
        };
        let node = NodeRef {
            cluster: facts.guest.cluster.clone(),
            node: facts.node.clone(),
        };
        let mut claims = self.claims.lock().unwrap_or_else(PoisonError::into_inner);
        claims.retain(|(_, _, at)| at.elapsed() < SHOWS);
        let claimed = claims.iter().filter(|(on, ..)| *on == node);
        let claimed: u64 = claimed.map(|(_, bytes, _)| bytes).sum();
        if let Some(free) = free(found).map(|free| free.saturating_sub(claimed))
            && free < needs
            && !anyway
        {
            return Err(Short { needs, free });
        }
        claims.push((node, needs, Instant::now()));
        Ok(())
    }
}

fn free(found: &FoundGuest) -> Option<u64> {
    let snapshot = found.inventory.latest()?;
    let node = snapshot.nodes.get(&found.guest.facts.node)?;
    Some(node.maxmem?.saturating_sub(node.mem?))
}
