//! The snapshots of a guest: the list, what stands in the way of changing them, and names for new
//! ones.

use jiff::ZonedDateTime;
use tokio::time::timeout;

use crate::action::{Deed, GuestFacts, Request, Right, Target};
use crate::embed::snapshot::Back;
use crate::embed::status::Age;
use crate::embed::why::told_to;
use crate::embed::{self, Reply};
use crate::follow;
use crate::ids::{GuestQuery, SnapshotName};
use crate::proxmox::{GuestNow, Snapshots, Snapshotted, Storage};

use super::desk::{Desk, READ_PATIENCE};
use super::read::{audience, rights_on, since};
use super::resolve::{self, FoundGuest, Lookup, Sight};
use super::{Audience, Decision, Outcome, Task, Work, doing, guest_not_found, power};

pub(super) fn decide(desk: &Desk, request: &Request, guest: &GuestQuery) -> Decision {
    match seen(desk, request, guest, Right::View) {
        Ok(_) => {
            let work = Work::Snapshots(guest.clone());
            Decision::go(Task::new(request, work, audience(desk, request)))
        }
        Err(refusal) => Decision::answer(refusal, Audience::Private),
    }
}

/// The guest, if the person has that right on it.
pub(super) fn seen(
    desk: &Desk,
    request: &Request,
    guest: &GuestQuery,
    right: Right,
) -> Result<FoundGuest, Reply> {
    let found = match resolve::guest(desk, &request.actor, Sight::Known, None, guest) {
        Lookup::Found(found) => found,
        lookup => return Err(guest_not_found(desk, request, guest, right.key(), lookup)),
    };
    let facts = &found.guest.facts;
    let law = desk.law();
    match law.of(&request.actor).decide(right, &Target::Guest(facts)) {
        Ok(_) => Ok(found),
        Err(denied) => Err(power::refused(desk, request, right, facts, &denied)),
    }
}

pub(super) async fn perform(desk: &Desk, task: &Task, guest: &GuestQuery) -> Outcome {
    let request = &task.request;
    let found = match seen(desk, request, guest, Right::View) {
        Ok(found) => found,
        Err(refusal) => return task.refuse(refusal),
    };
    let (inventory, facts) = (&found.inventory, &found.guest.facts);
    let read = timeout(READ_PATIENCE, inventory.snapshots(facts)).await;
    // The right may be gone since.
    if let Err(refusal) = seen(desk, request, guest, Right::View) {
        return task.refuse(refusal);
    }
    let mut rights = rights_on(desk, &request.actor, facts);
    // Of a template none can be taken.
    rights.retain(|right| *right != Right::SnapshotCreate || !found.guest.template);
    let shown = |list: &Snapshots, age: &Age| embed::snapshot::list(facts, list, age, &rights);
    match (read, inventory.snapshots_seen(facts)) {
        (Ok(Ok(list)), _) => Outcome::shown(shown(&list, &Age::Now)),
        (Ok(Err(error)), _) => {
            tracing::debug!(interaction = %request.id, %error, "snapshots cannot be read");
            let readers = desk.readers(&request.actor, task.audience);
            let (why, aside) = doing::explain(desk, request, readers.public, &found, &error);
            let why = told_to(readers, &why);
            Outcome {
                aside,
                ..Outcome::shown(embed::snapshot::unreadable(facts, &why))
            }
        }
        (Err(_), Some(old)) => Outcome::shown(shown(&old.value, &Age::Since(since(old.age)))),
        (Err(_), None) => {
            let why = embed::why::TOO_SLOW;
            Outcome::shown(embed::snapshot::unreadable(facts, why))
        }
    }
}

/// Why it cannot be done to the snapshots that there are, or to the guest as it is.
pub(super) fn in_the_way(
    deed: &Deed,
    facts: &GuestFacts,
    now: &GuestNow,
    snapshots: &Snapshots,
) -> Option<Reply> {
    match deed {
        Deed::SnapshotCreate { name, ram } => {
            if let Some(there) = snapshots.named(name) {
                return Some(embed::snapshot::name_taken(facts, there));
            }
            let off = *ram && follow::runs(now) == Some(false);
            off.then(|| embed::snapshot::no_memory(facts))
        }
        deed => {
            let name = deed.needs_snapshot()?;
            let missing = snapshots.named(name).is_none();
            missing.then(|| embed::snapshot::gone(facts, name))
        }
    }
}

/// A refusal, unless the snapshot is the one that somebody was asked about.
pub(super) fn replaced(
    facts: &GuestFacts,
    then: &Snapshotted,
    snapshots: Option<&Snapshots>,
) -> Option<Reply> {
    let name = &then.name;
    match snapshots.and_then(|list| list.named(name)) {
        None => Some(embed::snapshot::gone(facts, name)),
        Some(now) if now.taken != then.taken => {
            Some(embed::snapshot::another(facts, name, then.taken))
        }
        Some(_) => None,
    }
}

/// What a question about a snapshot has to say.
pub(super) async fn back_to(
    found: &FoundGuest,
    deed: &Deed,
    snapshots: &Snapshots,
) -> Option<Back> {
    let snapshot = snapshots.named(deed.needs_snapshot()?)?.clone();
    let later = snapshots
        .list
        .iter()
        .filter(|one| one.taken > snapshot.taken);
    let back = matches!(deed, Deed::SnapshotRollback(_));
    Some(Back {
        later: later.count(),
        only_newest: back && !goes_back_to_any(found).await,
        snapshot,
    })
}

/// Storages on which a guest can go back to any of its snapshots. On ZFS, and on LVM with a chain of
/// volumes, Proxmox goes back to the newest only.
const TO_ANY: [&str; 3] = ["btrfs", "lvmthin", "rbd"];

/// The same unless they are set to keep such a chain, which folders can be since version 9.
const TO_ANY_WITHOUT_CHAIN: [&str; 3] = ["cifs", "dir", "nfs"];

/// Whether all that the guest has lies on such storages. What cannot be read is not known to.
async fn goes_back_to_any(found: &FoundGuest) -> bool {
    let (inventory, facts) = (&found.inventory, &found.guest.facts);
    let (config, unchained) = tokio::join!(
        timeout(READ_PATIENCE, inventory.guest_config(facts)),
        timeout(READ_PATIENCE, inventory.without_chain()),
    );
    let Ok(Ok(config)) = config else {
        return false;
    };
    let unchained = unchained.ok().and_then(Result::ok).unwrap_or_default();
    config.storages.iter().all(|name| {
        let plugin = plugin_of(found, name);
        plugin.is_some_and(|plugin| {
            let plugin = plugin.as_str();
            TO_ANY.contains(&plugin)
                || TO_ANY_WITHOUT_CHAIN.contains(&plugin) && unchained.contains(name)
        })
    })
}

/// What a storage is to the guest's node.
fn plugin_of(found: &FoundGuest, storage: &str) -> Option<String> {
    let latest = found.inventory.latest()?;
    let here = |one: &&Storage| one.node == found.guest.facts.node && one.name == *storage;
    latest.storages.values().find(here)?.plugin.clone()
}

/// `discord-20261124-220743`, by the bot's own clock on the wall.
pub(super) fn generated(prefix: &str, now: &ZonedDateTime) -> Option<SnapshotName> {
    let name = format!("{prefix}-{}", now.strftime("%Y%m%d-%H%M%S"));
    name.parse().ok()
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;
    use jiff::tz::TimeZone;

    use super::*;

    #[test]
    fn two_within_a_minute_have_names_of_their_own() {
        let name = |second| {
            let at = Timestamp::from_second(second).unwrap();
            generated("discord", &at.to_zoned_datetime(TimeZone::UTC)).unwrap()
        };
        assert_eq!(name(1_760_000_000).as_str(), "discord-20251009-085320");
        assert_ne!(name(1_760_000_000), name(1_760_000_005));
    }
}
