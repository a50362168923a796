//! The backups of a guest: the list, and where a new one can go.

use std::collections::BTreeSet;
use std::time::Duration;

use tokio::time::timeout;

use crate::action::{Actor, BackupMode, Deed, GuestFacts, Request, Right, Target};
use crate::embed::backup::View;
use crate::embed::status::Age;
use crate::embed::{self, Reply};
use crate::ids::{GuestQuery, StorageName};
use crate::privileges;
use crate::proxmox::{Backups, Listing, StorageState};

use super::desk::Desk;
use super::power::{self, Aim};
use super::read::{audience, rights_on, since};
use super::resolve::{self, FoundGuest, Lookup, Sight};
use super::snapshots::seen;
use super::{Audience, Decision, Outcome, Task, Work, guest_not_found};

/// Several storages are asked one after the other, and a server may be slow.
const PATIENCE: Duration = Duration::from_secs(5);
/// A look that young is as good as one of now.
const AS_GOOD_AS_NOW: Duration = Duration::from_secs(90);

pub(super) fn decide(desk: &Desk, request: &Request, guest: &GuestQuery, after: u16) -> Decision {
    match seen(desk, request, guest, Right::BackupView) {
        Ok(_) => {
            let work = Work::Backups(guest.clone(), after);
            Decision::go(Task::new(request, work, audience(desk, request)))
        }
        Err(refusal) => Decision::answer(refusal, Audience::Private),
    }
}

pub(super) async fn perform(desk: &Desk, task: &Task, guest: &GuestQuery, after: u16) -> Outcome {
    let request = &task.request;
    let found = match seen(desk, request, guest, Right::BackupView) {
        Ok(found) => found,
        Err(refusal) => return task.refuse(refusal),
    };
    let (inventory, facts) = (&found.inventory, &found.guest.facts);
    let read = timeout(PATIENCE, inventory.backups(facts)).await;
    // The right may be gone since.
    if let Err(refusal) = seen(desk, request, guest, Right::BackupView) {
        return task.refuse(refusal);
    }
    let got = match read {
        Ok(Ok(got)) => Some(got),
        Ok(Err(error)) => {
            tracing::debug!(interaction = %request.id, %error, "backups cannot be read");
            inventory.backups_seen(facts)
        }
        Err(_) => inventory.backups_seen(facts),
    };
    let Some(got) = got else {
        return Outcome::shown(embed::backup::unreadable(facts));
    };
    let rights = rights_on(desk, &request.actor, facts);
    let view = View {
        guest: facts,
        backups: &got.value,
        after,
        age: if got.age < AS_GOOD_AS_NOW {
            Age::Now
        } else {
            Age::Since(since(got.age))
        },
        rights: &rights,
    };
    let hidden = rights.contains(&Right::Access);
    Outcome {
        aside: hidden.then(|| cure(desk, facts, &got.value)).flatten(),
        ..Outcome::shown(embed::backup::list(&view))
    }
}

/// For those who can mend it: what the token lacks to see them.
fn cure(desk: &Desk, facts: &GuestFacts, backups: &Backups) -> Option<Reply> {
    let token = desk.token_of(&facts.guest.cluster);
    let law = desk.law();
    let hidden = backups
        .storages
        .iter()
        .filter_map(|(_, found)| match found {
            Listing::Hidden(lacks) => Some(lacks),
            _ => None,
        });
    let missing: BTreeSet<_> = hidden.flatten().collect();
    let cards = missing.iter().flat_map(|one| {
        let beside = privileges::beside(law.policy(), facts, &one.path);
        let cure = Some((token, &beside));
        embed::problem::missing_privilege(&one.path, &one.privileges, one.any, cure).cards
    });
    let reply = Reply {
        cards: cards.collect(),
        ..Reply::default()
    };
    (!reply.cards.is_empty()).then_some(reply)
}

/// Without a storage: the one that there is, or a choice.
pub(super) fn run(
    desk: &Desk,
    request: &Request,
    guest: &GuestQuery,
    mode: BackupMode,
) -> Decision {
    let right = Right::BackupRun;
    let answer = |reply| Decision::answer(reply, Audience::Private);
    let found = match resolve::guest(desk, &request.actor, Sight::Known, None, guest) {
        Lookup::Found(found) => found,
        lookup => return answer(guest_not_found(desk, request, guest, right.key(), lookup)),
    };
    let facts = &found.guest.facts;
    let storages = storages(&found);
    if let Some(storage) = only(&found, &storages) {
        let aim = Aim {
            deed: Deed::Backup { storage, mode },
            kind: None,
            guest: guest.clone(),
        };
        return power::decide(desk, request, aim);
    }
    // Whoever may neither do it nor ask for it is not told where to.
    let law = desk.law();
    let (mine, target) = (law.of(&request.actor), Target::Guest(facts));
    match mine.decide(right, &target) {
        Err(denied) if mine.may_ask(right, &target).is_none() => {
            answer(power::refused(desk, request, right, facts, &denied))
        }
        _ if storages.is_empty() => {
            let owner = desk.is_owner(&request.actor);
            answer(embed::backup::no_storage(facts, None, &[], owner))
        }
        _ => answer(embed::backup::where_to(facts, &storages, mode)),
    }
}

/// Those of the guest's node that take backups, as far as the snapshot shows them.
pub(super) fn storages(found: &FoundGuest) -> Vec<StorageName> {
    let latest = found.inventory.latest();
    let node = &found.guest.facts.node;
    latest.map_or_else(Vec::new, |all| {
        all.backup_storages(node).map(|(name, _)| name).collect()
    })
}

/// The only one there is, or the only one that can be reached.
fn only(found: &FoundGuest, storages: &[StorageName]) -> Option<StorageName> {
    if let [one] = storages {
        return Some(one.clone());
    }
    let latest = found.inventory.latest()?;
    let mut up = latest
        .backup_storages(&found.guest.facts.node)
        .filter(|(_, storage)| storage.status == StorageState::Available);
    match (up.next(), up.next()) {
        (Some((one, _)), None) => Some(one),
        _ => None,
    }
}

/// A refusal, where the storage that was named takes no backups of the guest.
pub(super) fn no_such_storage(
    desk: &Desk,
    actor: &Actor,
    facts: &GuestFacts,
    deed: &Deed,
) -> Option<Reply> {
    let Deed::Backup { storage, .. } = deed else {
        return None;
    };
    let inventory = desk.asked_for(Some(&facts.guest.cluster)).next()?;
    let latest = inventory.latest()?;
    let names: Vec<StorageName> = latest
        .backup_storages(&facts.node)
        .map(|(name, _)| name)
        .collect();
    let known = names.contains(storage);
    let owner = desk.is_owner(actor);
    (!known).then(|| embed::backup::no_storage(facts, Some(storage), &names, owner))
}
