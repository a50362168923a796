//! Rights that one person lent to another for a while.

use crate::action::{Actor, GuestFacts, Right};
use crate::ids::{ChannelId, GrantId, GuestRef, GuildId, RoleId, UserId};

/// What one person lent to another. Worth what the rules still give its giver: every decision asks
/// them anew for the right, and for `access` to the guest, in the same place. The giver's roles are
/// those that were last looked up, and before each act they are looked up again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Grant {
    pub id: GrantId,
    pub to: UserId,
    /// Sorted, each once; only what can be lent.
    pub rights: Vec<Right>,
    pub guest: GuestRef,
    /// The name under which the guest was meant. Another guest under the same VMID was not.
    pub guest_name: String,
    pub giver: Giver,
    /// Unix seconds.
    pub since: i64,
    /// Unix seconds; at this second it is over.
    pub ends: i64,
}

/// Who lent it, with the roles that were last looked up, and the server in which it holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Giver {
    pub user: UserId,
    pub roles: Vec<RoleId>,
    pub guild: GuildId,
}

impl Giver {
    #[must_use]
    pub fn of(actor: &Actor) -> Self {
        Self {
            user: actor.user,
            roles: actor.roles.clone(),
            guild: actor.guild,
        }
    }

    /// The giver, asking from where the other one asks.
    pub(super) fn at(&self, channel: ChannelId, parent: Option<ChannelId>) -> Actor {
        Actor {
            user: self.user,
            name: String::new(),
            roles: self.roles.clone(),
            guild: self.guild,
            channel,
            parent,
        }
    }
}

impl Grant {
    /// Whether it is about this guest, and not another one under the same VMID.
    #[must_use]
    pub fn means(&self, guest: &GuestFacts) -> bool {
        self.guest == guest.guest && guest.name.as_ref() == Some(&self.guest_name)
    }

    #[must_use]
    pub fn is_over(&self, unix: i64) -> bool {
        self.ends <= unix
    }
}
