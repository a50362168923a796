//! Shared reads, one for each of many keys: see `shared`.

use std::collections::HashMap;
use std::hash::Hash;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use super::Error;
use super::shared::{Held, Shared};

/// Beyond so many keys, those that nobody asked for of late are forgotten.
const MOST: usize = 64;
/// What counts as "of late".
const OF_LATE: Duration = Duration::from_mins(10);

#[derive(Debug)]
pub(super) struct Keyed<K, T> {
    reads: Mutex<HashMap<K, Arc<Shared<T>>>>,
}

impl<K, T> Default for Keyed<K, T> {
    fn default() -> Self {
        Self {
            reads: Mutex::default(),
        }
    }
}

impl<K: Eq + Hash + Clone, T: Send + Sync + 'static> Keyed<K, T> {
    /// A value that was asked for at most `max_age` before this call, from one read for all who ask.
    pub(super) async fn get<F>(
        &self,
        key: &K,
        max_age: Duration,
        fetch: impl Fn() -> F,
    ) -> Result<Arc<T>, Error>
    where
        F: Future<Output = Result<T, Error>> + Send + 'static,
    {
        match self.of(key).get(max_age, fetch).await {
            Ok(held) => Ok(Arc::clone(&held.value)),
            Err(error) => Err(Error::clone(&error)),
        }
    }

    /// Begins a read unless the newest is younger than `max_age`, and does not wait for it.
    pub(super) fn refresh<F>(&self, key: &K, max_age: Duration, fetch: impl FnOnce() -> F)
    where
        F: Future<Output = Result<T, Error>> + Send + 'static,
    {
        let shared = self.of(key);
        let young = |held: Arc<Held<T>>| held.at.elapsed() <= max_age;
        if !shared.latest().is_some_and(young) {
            drop(shared.start(fetch));
        }
    }

    fn of(&self, key: &K) -> Arc<Shared<T>> {
        let mut reads = self.reads.lock().unwrap_or_else(PoisonError::into_inner);
        if reads.len() >= MOST && !reads.contains_key(key) {
            reads.retain(|_, shared| {
                let young = |held: Arc<Held<T>>| held.at.elapsed() <= OF_LATE;
                Arc::strong_count(shared) > 1 || shared.latest().is_some_and(young)
            });
        }
        Arc::clone(reads.entry(key.clone()).or_insert_with(Shared::new))
    }
}
