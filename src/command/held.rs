//! Nodes and tasks at which somebody is at this moment, so that two presses do not become two orders.
//! Guests have `busy`, where a stop may overtake.

use std::hash::Hash;
use std::sync::Arc;

use dashmap::DashMap;
use dashmap::mapref::entry::Entry;

use crate::ids::UserId;

/// What is held, by whom, and what for. Cheap to clone: all clones are the same list.
#[derive(Debug)]
pub(super) struct Held<K: Eq + Hash, V> {
    all: Arc<DashMap<K, (V, UserId)>>,
}

/// Letting go frees it.
#[derive(Debug)]
#[must_use]
pub(super) struct Hold<K: Eq + Hash, V> {
    all: Arc<DashMap<K, (V, UserId)>>,
    key: K,
}

impl<K: Eq + Hash, V> Default for Held<K, V> {
    fn default() -> Self {
        Self {
            all: Arc::default(),
        }
    }
}

impl<K: Eq + Hash + Clone, V: Clone> Held<K, V> {
    /// Who is at it, and what they do.
    pub(super) fn by(&self, key: &K) -> Option<(V, UserId)> {
        self.all.get(key).map(|held| held.clone())
    }

    /// Takes it, or says who is at it.
    pub(super) fn take(&self, key: &K, what: V, by: UserId) -> Result<Hold<K, V>, (V, UserId)> {
        match self.all.entry(key.clone()) {
            Entry::Occupied(held) => Err(held.get().clone()),
            Entry::Vacant(free) => {
                free.insert((what, by));
                Ok(Hold {
                    all: Arc::clone(&self.all),
                    key: key.clone(),
                })
            }
        }
    }
}

impl<K: Eq + Hash, V> Drop for Hold<K, V> {
    fn drop(&mut self) {
        self.all.remove(&self.key);
    }
}
