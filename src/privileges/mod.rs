//! What the bot's token must be able to do in Proxmox so that the policy can be carried out, and no
//! more. Nothing is asked here and nothing is said: `need` knows which privilege a right takes and
//! where, `plan` makes of a whole policy what is to be given on which path, `lack` compares it with
//! what a token has.

use crate::action::{GuestFacts, Target};
use crate::permission::Policy;

mod beyond;
mod lack;
mod need;
mod plan;

pub use beyond::{Held, beyond};
pub use lack::{Lack, Lacking, Sort, Token, excess, lacking};
pub use need::{Need, Storage, Wish, World, on_guest, on_node};
pub use plan::{By, OUR_POOL, Plan, Pool, Privileges, plan};

/// Whether a role is given on this path alone, and not on those below: nothing below `/` shall be
/// reached by what is needed on it, and a pool inside a pool is another one to the rules.
#[must_use]
pub fn stays_on(path: &str) -> bool {
    path == "/" || path.starts_with("/pool/")
}

/// All that rules take on one guest's own path; what else a path must carry so that what is read of
/// it stays readable when it gets a role of its own.
#[must_use]
pub fn beside(policy: &Policy, guest: &GuestFacts, path: &str) -> Privileges {
    match path.split('/').nth(1) {
        Some("vms") if path == need::guest_path(guest) => {
            // Without addresses: whether they need one privilege or another, the version decides.
            let world = World::unknown(&guest.guest.cluster);
            let rights = policy.given(&Target::Guest(guest));
            let needs = rights
                .iter()
                .flat_map(|right| on_guest(*right, guest, &world));
            let here = needs.filter(|need| need.path == path);
            let mut here = here.filter_map(|need| need.any.first().copied()).collect();
            plan::settle(&mut here);
            here
        }
        _ => to_read(path),
    }
}

/// What reading takes on a path.
#[must_use]
pub fn to_read(path: &str) -> Privileges {
    match path.split('/').nth(1) {
        Some("vms") => Privileges::from(["VM.Audit"]),
        Some("nodes") => Privileges::from(["Sys.Audit"]),
        Some("storage") => Privileges::from(["Datastore.Audit"]),
        _ => Privileges::new(),
    }
}
