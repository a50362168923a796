//! Whether a VM's node has the memory that it wants. Proxmox itself starts it all the same, and the
//! node then kills whatever it likes.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
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

/// What VMs that are being started are about to take.
#[derive(Debug, Clone, Default)]
pub(super) struct Starting {
    claims: Arc<Mutex<Vec<Claim>>>,
    /// Of the next claim: never given twice, so that an old one lets go of no other.
    next: Arc<AtomicU64>,
}

#[derive(Debug)]
struct Claim {
    node: NodeRef,
    bytes: u64,
    /// `None`: not sent yet.
    sent: Option<Instant>,
    number: u64,
}

/// Memory that is claimed for a start: let go again unless Proxmox got the order.
#[derive(Debug)]
pub(super) struct Claimed {
    starting: Starting,
    number: u64,
}

impl Starting {
    /// Claims the memory for a start, or says what is lacking. `anyway`: it is known and wanted.
    /// Nothing is said where figures are not visible, and none of a container, which takes memory
    /// only as it uses it.
    pub(super) fn claim(
        &self,
        found: &FoundGuest,
        deed: &Deed,
        anyway: bool,
    ) -> Result<Option<Claimed>, Short> {
        let facts = &found.guest.facts;
        if *deed != Deed::Power(Power::Start) || facts.kind != Kind::Vm {
            return Ok(None);
        }
        let Some(bytes) = found.guest.maxmem else {
            return Ok(None);
        };
        let node = NodeRef {
            cluster: facts.guest.cluster.clone(),
            node: facts.node.clone(),
        };
        let mut claims = self.lock();
        claims.retain(|claim| claim.sent.is_none_or(|at| at.elapsed() < SHOWS));
        let others = claims.iter().filter(|claim| claim.node == node);
        let claimed: u64 = others.map(|claim| claim.bytes).sum();
        if let Some(free) = free(found).map(|free| free.saturating_sub(claimed))
            && free < bytes
            && !anyway
        {
            return Err(Short { needs: bytes, free });
        }
        let number = self.next.fetch_add(1, Ordering::Relaxed);
        claims.push(Claim {
            node,
            bytes,
            sent: None,
            number,
        });
        Ok(Some(Claimed {
            starting: self.clone(),
            number,
        }))
    }

    fn lock(&self) -> MutexGuard<'_, Vec<Claim>> {
        self.claims.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Claimed {
    /// Proxmox has the order, or may have it: the claim stands until the figures show it.
    pub(super) fn sent(&self) {
        let mut claims = self.starting.lock();
        let mine = claims.iter_mut().find(|claim| claim.number == self.number);
        if let Some(claim) = mine {
            claim.sent = Some(Instant::now());
        }
    }
}

impl Drop for Claimed {
    fn drop(&mut self) {
        let mine = |claim: &Claim| claim.number == self.number && claim.sent.is_none();
        self.starting.lock().retain(|claim| !mine(claim));
    }
}

fn free(found: &FoundGuest) -> Option<u64> {
    let snapshot = found.inventory.latest()?;
    let node = snapshot.nodes.get(&found.guest.facts.node)?;
    Some(node.maxmem?.saturating_sub(node.mem?))
}
