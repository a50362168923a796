//! Nodes and tasks at which somebody is at this moment, so that two presses do not become two orders.
//! Guests have `command/busy.rs`, where a stop may overtake. Shared by commands and by what follows the
//! orders that a former process left.

use std::hash::Hash;
use std::sync::Arc;

use dashmap::DashMap;
use dashmap::mapref::entry::Entry;

use crate::action::NodePower;
use crate::ids::{NodeRef, UserId};

/// The nodes to which an order is under way.
pub type Nodes = Held<NodeRef, Order>;

/// What a node was told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Order {
    pub power: NodePower,
    /// By a former process, so that it may never have been sent.
    pub left: bool,
}

/// What is held, by whom, and what for. Cheap to clone: all clones are the same list.
#[derive(Debug)]
pub struct Held<K: Eq + Hash, V> {
    all: Arc<DashMap<K, (V, UserId)>>,
}

/// Letting go frees it.
#[derive(Debug)]
#[must_use]
pub struct Hold<K: Eq + Hash, V> {
    all: Arc<DashMap<K, (V, UserId)>>,
    key: K,
}

impl<K: Eq + Hash, V> Clone for Held<K, V> {
    fn clone(&self) -> Self {
        Self {
            all: Arc::clone(&self.all),
        }
    }
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
    #[must_use]
    pub fn by(&self, key: &K) -> Option<(V, UserId)> {
        self.all.get(key).map(|held| held.clone())
    }

    /// Takes it.
    ///
    /// # Errors
    ///
    /// Who is at it already, and what they do.
    pub fn take(&self, key: &K, what: V, by: UserId) -> Result<Hold<K, V>, (V, UserId)> {
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
