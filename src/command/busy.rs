//! Which guests are being acted on at this moment, so that two presses do not become two tasks.

use std::sync::Arc;

use dashmap::DashMap;
use dashmap::mapref::entry::Entry;

use crate::action::Power;
use crate::ids::{GuestRef, UserId};

/// Acts under way, by guest. Cheap to clone: all clones are the same list.
#[derive(Debug, Clone, Default)]
pub(super) struct Busy {
    acts: Arc<DashMap<GuestRef, (Power, UserId)>>,
}

/// Held while an act is under way; letting go frees the guest.
#[derive(Debug)]
#[must_use]
pub(super) struct Claim {
    acts: Arc<DashMap<GuestRef, (Power, UserId)>>,
    guest: GuestRef,
    mine: (Power, UserId),
}

impl Busy {
    /// Who is at it, if that is in the way of `power`. Pulling the plug may overtake a shutdown or
    /// reboot that hangs, and nothing else.
    #[must_use]
    pub(super) fn in_the_way(&self, guest: &GuestRef, power: Power) -> Option<(Power, UserId)> {
        let current = self.acts.get(guest).map(|act| *act)?;
        (!overtakes(power, current.0)).then_some(current)
    }

    /// What is being done to the guest, if anything.
    #[must_use]
    pub(super) fn with(&self, guest: &GuestRef) -> Option<Power> {
        self.acts.get(guest).map(|act| act.0)
    }

    /// Claims the guest, or says who is at it.
    pub(super) fn claim(
        &self,
        guest: &GuestRef,
        power: Power,
        by: UserId,
    ) -> Result<Claim, (Power, UserId)> {
        let mine = (power, by);
        match self.acts.entry(guest.clone()) {
            Entry::Occupied(held) if !overtakes(power, held.get().0) => return Err(*held.get()),
            Entry::Occupied(mut held) => {
                held.insert(mine);
            }
            Entry::Vacant(free) => {
                free.insert(mine);
            }
        }
        Ok(Claim {
            acts: Arc::clone(&self.acts),
            guest: guest.clone(),
            mine,
        })
    }
}

fn overtakes(power: Power, current: Power) -> bool {
    power == Power::Stop && matches!(current, Power::Shutdown | Power::Reboot)
}

impl Drop for Claim {
    fn drop(&mut self) {
        // One that was overtaken must not free the guest of the other.
        self.acts
            .remove_if(&self.guest, |_, held| *held == self.mine);
    }
}
