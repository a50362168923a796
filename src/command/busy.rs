//! Which guests are being acted on at this moment, so that two presses do not become two tasks.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use dashmap::DashMap;
use dashmap::mapref::entry::Entry;

use crate::action::{Deed, Power};
use crate::ids::{GuestRef, UserId};

/// Acts under way, by guest. Cheap to clone: all clones are the same list.
#[derive(Debug, Clone, Default)]
pub(super) struct Busy {
    acts: Acts,
    /// Of the next claim.
    number: Arc<AtomicU64>,
}

type Acts = Arc<DashMap<GuestRef, Act>>;

#[derive(Debug, Clone)]
struct Act {
    deed: Deed,
    by: UserId,
    /// Whose claim it is: the same person may do the same twice.
    number: u64,
}

/// Held while an act is under way; letting go frees the guest.
#[derive(Debug)]
#[must_use]
pub(super) struct Claim {
    acts: Acts,
    guest: GuestRef,
    number: u64,
    /// A shutdown or reboot of ours is still under way: Proxmox has to be told to give it up.
    pub(super) overtook: bool,
}

impl Busy {
    /// Who is at it, if that is in the way of `deed`. Pulling the plug may overtake a shutdown or
    /// reboot that hangs, and nothing else.
    #[must_use]
    pub(super) fn in_the_way(&self, guest: &GuestRef, deed: &Deed) -> Option<(Deed, UserId)> {
        let current = self.acts.get(guest)?;
        (!overtakes(deed, &current.deed)).then(|| (current.deed.clone(), current.by))
    }

    /// What is being done to the guest, if anything.
    #[must_use]
    pub(super) fn with(&self, guest: &GuestRef) -> Option<Deed> {
        self.acts.get(guest).map(|act| act.deed.clone())
    }

    /// Claims the guest, or says who is at it.
    pub(super) fn claim(
        &self,
        guest: &GuestRef,
        deed: &Deed,
        by: UserId,
    ) -> Result<Claim, (Deed, UserId)> {
        let number = self.number.fetch_add(1, Ordering::Relaxed);
        let mine = Act {
            deed: deed.clone(),
            by,
            number,
        };
        let mut overtook = false;
        match self.acts.entry(guest.clone()) {
            Entry::Occupied(held) if !overtakes(deed, &held.get().deed) => {
                return Err((held.get().deed.clone(), held.get().by));
            }
            Entry::Occupied(mut held) => {
                overtook = true;
                held.insert(mine);
            }
            Entry::Vacant(free) => {
                free.insert(mine);
            }
        }
        Ok(Claim {
            acts: Arc::clone(&self.acts),
            guest: guest.clone(),
            number,
            overtook,
        })
    }
}

fn overtakes(deed: &Deed, current: &Deed) -> bool {
    *deed == Deed::Power(Power::Stop)
        && matches!(current, Deed::Power(Power::Shutdown | Power::Reboot))
}

impl Drop for Claim {
    fn drop(&mut self) {
        // One that was overtaken must not free the guest of the other.
        self.acts
            .remove_if(&self.guest, |_, held| held.number == self.number);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ids::Vmid;

    #[test]
    fn an_overtaken_claim_does_not_free_the_guest_of_a_newer_one() {
        let busy = Busy::default();
        let guest = GuestRef {
            cluster: "home".parse().unwrap(),
            vmid: Vmid::new(101).unwrap(),
        };
        let by = UserId(1);
        let hanging = busy.claim(&guest, &Power::Shutdown.into(), by).unwrap();
        drop(busy.claim(&guest, &Power::Stop.into(), by).unwrap());
        let newer = busy.claim(&guest, &Power::Shutdown.into(), by).unwrap();
        drop(hanging);
        assert_eq!(busy.with(&guest), Some(Power::Shutdown.into()));
        let second = busy.claim(&guest, &Power::Reboot.into(), UserId(2));
        assert_eq!(second.unwrap_err(), (Power::Shutdown.into(), by));
        drop(newer);
        assert_eq!(busy.with(&guest), None);
    }
}
