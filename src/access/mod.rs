//! What holds beside the rules and must survive a restart: grants, the lockdown, open requests, and
//! how often somebody acted. Every change is written together with its audit entry, then holds.

mod grants;
mod requests;

use std::collections::HashMap;
use std::sync::Arc;

use arc_swap::ArcSwap;
use rusqlite::Transaction;
use tokio::sync::Mutex;
use tokio::time::Instant;

use crate::action::{Right, TargetKey};
use crate::audit::{self, Note};
use crate::ids::{GrantId, GuildId, RoleId, UserId};
use crate::permission::{Acts, Counts, Did, Grant, Lockdown, Permit, RuleKey, Standing};
use crate::store::{Store, StoreError};

pub use requests::{Asked, Decided, Letter, NotOpened, Untold};

/// The longest that a limit or a rest looks back: 31 days and a bit.
const LOOK_BACK_MS: i64 = 32 * 24 * 3600 * 1000;

#[derive(Debug)]
pub struct Access {
    store: Store,
    standing: ArcSwap<Standing>,
    /// One change at a time, so that memory and store tell the same story.
    changing: Mutex<()>,
    /// When the look-up began by which a giver's roles are known.
    looked_up: Mutex<HashMap<(UserId, GuildId), Instant>>,
}

/// A grant that is to be stored, and its audit entry. The grant's id is given by the store.
#[derive(Debug)]
pub struct Lent {
    pub grant: Grant,
    pub note: Note,
}

/// Why nothing was changed.
#[derive(Debug, thiserror::Error)]
pub enum NotChanged {
    /// A mistake of ours: the permit is for something else.
    #[error("the permit is for something else")]
    WrongPermit,
    /// A lockdown came in between.
    #[error("the bot is locked down")]
    Locked,
    #[error(transparent)]
    Store(#[from] StoreError),
}

fn lend(change: &Transaction<'_>, lent: Lent) -> rusqlite::Result<Grant> {
    let Lent { grant, note } = lent;
    let id = grants::insert(change, &grant)?;
    audit::insert_note(change, &note)?;
    Ok(Grant { id, ..grant })
}

impl Access {
    /// Reads what former processes left.
    ///
    /// # Errors
    ///
    /// What the store says: without it nobody knows what was revoked or locked.
    pub async fn load(store: Store, now_ms: i64) -> Result<Self, StoreError> {
        let (grants, lockdown) = store
            .run(|db| Ok((grants::all(db)?, grants::lockdown(db)?)))
            .await?;
        let mut acts = Acts::default();
        for used in audit::uses(&store, now_ms - LOOK_BACK_MS).await? {
            let right = Right::ALL
                .into_iter()
                .find(|right| right.key() == used.action);
            // An act that this version no longer has binds nobody.
            acts.extend(right.map(|right| Did {
                user: used.user,
                under: used.rule_key.map(RuleKey),
                on: used.on,
                right,
                at_ms: used.at_ms,
            }));
        }
        let standing = Standing {
            grants: grants.into_iter().map(Arc::new).collect(),
            lockdown,
            acts,
        };
        Ok(Self {
            store,
            standing: ArcSwap::from_pointee(standing),
            changing: Mutex::new(()),
            looked_up: Mutex::default(),
        })
    }

    #[must_use]
    pub fn standing(&self) -> Arc<Standing> {
        self.standing.load_full()
    }

    fn change(&self, change: impl Fn(&mut Standing)) {
        self.standing.rcu(|standing| {
            let mut next = Standing::clone(standing);
            change(&mut next);
            next
        });
    }

    /// Lends. The permit is the giver's, for `access` to the guest.
    ///
    /// # Errors
    ///
    /// [`NotChanged`]; then nothing was lent.
    pub async fn grant(&self, permit: &Permit, lent: Lent) -> Result<Arc<Grant>, NotChanged> {
        let guest = TargetKey::Guest(lent.grant.guest.clone());
        if !permit.covers(Right::Access, &guest) {
            return Err(NotChanged::WrongPermit);
        }
        let _one = self.changing.lock().await;
        if self.standing().lockdown.is_some() {
            return Err(NotChanged::Locked);
        }
        let stored = self.store.run(move |db| {
            let change = db.transaction()?;
            let grant = lend(&change, lent)?;
            change.commit()?;
            Ok(grant)
        });
        let grant = Arc::new(stored.await?);
        self.change(|standing| standing.grants.push(Arc::clone(&grant)));
        Ok(grant)
    }

    /// Takes a grant back. The permit is for `access` to its guest, or to the bot. `false`: it was
    /// gone already.
    ///
    /// # Errors
    ///
    /// [`NotChanged`]; then it still holds.
    pub async fn revoke(
        &self,
        permit: &Permit,
        grant: &Grant,
        note: Note,
    ) -> Result<bool, NotChanged> {
        let guest = TargetKey::Guest(grant.guest.clone());
        let over = |target: &TargetKey| permit.covers(Right::Access, target);
        if !over(&guest) && !over(&TargetKey::Bot) {
            return Err(NotChanged::WrongPermit);
        }
        Ok(self.strike_out(grant.id, note).await?)
    }

    /// Takes a grant away that is over by itself. `false`: it was gone already.
    ///
    /// # Errors
    ///
    /// What the store says; then it is still there.
    pub async fn strike_out(&self, id: GrantId, note: Note) -> Result<bool, StoreError> {
        let _one = self.changing.lock().await;
        let ended = self.store.run(move |db| {
            let change = db.transaction()?;
            let gone = grants::delete(&change, id)?;
            if gone {
                audit::insert_note(&change, &note)?;
            }
            change.commit()?;
            Ok(gone)
        });
        let ended = ended.await?;
        self.change(|standing| standing.grants.retain(|grant| grant.id != id));
        Ok(ended)
    }

    /// Remembers the roles that the giver of grants holds by now, as just looked up: from here on all
    /// that they lent is worth what these give. They hold at once; a store that cannot be written
    /// means only that they are looked up again after a restart, as before every act.
    /// `asked`: when the look-up began. One that was overtaken by a later one changes nothing.
    pub async fn giver_holds(
        &self,
        user: UserId,
        guild: GuildId,
        roles: &[RoleId],
        asked: Instant,
    ) {
        let theirs = |grant: &Grant| grant.giver.user == user && grant.giver.guild == guild;
        let stale = |grant: &Arc<Grant>| theirs(grant) && grant.giver.roles != roles;
        let _one = self.changing.lock().await;
        let mut looked_up = self.looked_up.lock().await;
        let known = looked_up.entry((user, guild)).or_insert(asked);
        if *known > asked {
            return;
        }
        *known = asked;
        if !self.standing().grants.iter().any(stale) {
            return;
        }
        self.change(|standing| {
            for grant in standing.grants.iter_mut().filter(|grant| theirs(grant)) {
                Arc::make_mut(grant).giver.roles = roles.to_vec();
            }
        });
        let roles = roles.to_vec();
        self.store.queue(move |db| {
            if let Err(error) = grants::set_giver_roles(db, user, guild, &roles) {
                tracing::error!(%error, "the roles of the giver of a grant could not be stored");
            }
        });
    }

    /// Locks the bot down, or opens it again. The permit is for `access` to the bot.
    ///
    /// # Errors
    ///
    /// [`NotChanged`]; then all is as before.
    pub async fn lock(
        &self,
        permit: &Permit,
        lockdown: Option<Lockdown>,
        note: Note,
    ) -> Result<(), NotChanged> {
        if !permit.covers(Right::Access, &TargetKey::Bot) {
            return Err(NotChanged::WrongPermit);
        }
        let _one = self.changing.lock().await;
        let wanted = lockdown.clone();
        let stored = self.store.run(move |db| {
            let change = db.transaction()?;
            grants::set_lockdown(&change, wanted.as_ref())?;
            audit::insert_note(&change, &note)?;
            change.commit()
        });
        stored.await?;
        self.change(|standing| standing.lockdown.clone_from(&lockdown));
        Ok(())
    }

    /// Counts an act, from now on; the audit entry that is opened for it counts it after a restart.
    /// Of two at the same time, the second is held against what the first has counted.
    ///
    /// # Errors
    ///
    /// When the person may act again (unix milliseconds), if the limit is reached by now.
    pub fn count(&self, did: &Did, under: Option<Counts>) -> Result<(), i64> {
        let mut full = None;
        self.standing.rcu(|standing| {
            full = under.and_then(|counts| standing.acts.used_up(did.user, counts, did.at_ms));
            let mut next = Standing::clone(standing);
            if full.is_none() {
                next.acts.forget_before(did.at_ms - LOOK_BACK_MS);
                next.acts.add(did.clone());
            }
            next
        });
        full.map_or(Ok(()), Err)
    }

    /// Takes back an act that was not done after all.
    pub fn take_back(&self, did: &Did) {
        self.change(|standing| standing.acts.take_back(did));
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::ids::GuestRef;
    use crate::permission::Giver;

    const GUILD: GuildId = GuildId(1);

    fn lent_by(user: UserId, roles: &[RoleId]) -> Grant {
        Grant {
            id: GrantId(1),
            to: UserId(7),
            rights: vec![Right::Start],
            guest: GuestRef {
                cluster: "home".parse().unwrap(),
                vmid: "101".parse().unwrap(),
            },
            guest_name: "valheim".to_owned(),
            giver: Giver {
                user,
                roles: roles.to_vec(),
                guild: GUILD,
            },
            since: 0,
            ends: i64::MAX,
        }
    }

    #[tokio::test]
    async fn a_look_up_that_was_overtaken_changes_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(folder.path()).unwrap();
        let access = Access::load(store, 0).await.unwrap();
        let (max, friends) = (UserId(9), RoleId(5));
        access.change(|all| all.grants.push(lent_by(max, &[friends]).into()));
        let roles = || access.standing().grants[0].giver.roles.clone();

        let first = Instant::now();
        let second = first + Duration::from_millis(1);
        access.giver_holds(max, GUILD, &[], second).await;
        assert_eq!(roles(), []);
        access.giver_holds(max, GUILD, &[friends], first).await;
        assert_eq!(roles(), [], "the role was gone by the later look-up");
        let third = second + Duration::from_millis(1);
        access.giver_holds(max, GUILD, &[friends], third).await;
        assert_eq!(roles(), [friends]);
    }
}
