//! What many people ask for of single guests or nodes: fetched once for all who ask, begun again no
//! sooner than after a rest, however many type, and forgotten when nobody asks any more.

use std::collections::HashMap;
use std::hash::Hash;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

use super::error::Error;
use super::shared::{Held, Shared};

/// So long is kept what nobody asks for.
const KEPT: Duration = Duration::from_mins(10);

#[derive(Debug)]
pub(super) struct Kept<K, T> {
    all: Mutex<HashMap<K, One<T>>>,
    /// Between the beginnings of two fetches that nobody waits for.
    rest: Duration,
}

#[derive(Debug)]
struct One<T> {
    shared: Arc<Shared<T>>,
    used: Instant,
    begun: Option<Instant>,
}

impl<K: Eq + Hash, T: Send + Sync + 'static> Kept<K, T> {
    pub(super) fn new(rest: Duration) -> Self {
        Self {
            all: Mutex::default(),
            rest,
        }
    }

    /// What came last, however old; never waits. Where that is not young, a fetch is begun, unless
    /// one was a moment ago: also one that failed.
    pub(super) fn now_and_later<F>(&self, key: K, fetch: impl FnOnce() -> F) -> Option<Arc<Held<T>>>
    where
        F: Future<Output = Result<T, Error>> + Send + 'static,
    {
        let now = Instant::now();
        self.with(key, now, |one| {
            if one.begun.is_none_or(|at| now - at >= self.rest) {
                one.begun = Some(now);
                drop(one.shared.start(fetch));
            }
            one.shared.latest()
        })
    }

    /// One that was asked for at most `max_age` ago.
    pub(super) async fn get<F>(
        &self,
        key: K,
        max_age: Duration,
        fetch: impl Fn() -> F,
    ) -> Result<Arc<Held<T>>, Arc<Error>>
    where
        F: Future<Output = Result<T, Error>> + Send + 'static,
    {
        let now = Instant::now();
        let shared = self.with(key, now, |one| {
            one.begun = Some(now);
            Arc::clone(&one.shared)
        });
        shared.get(max_age, fetch).await
    }

    /// What came last, however old. Nothing is begun.
    pub(super) fn latest(&self, key: &K) -> Option<Arc<Held<T>>> {
        let all = self.all.lock().unwrap_or_else(PoisonError::into_inner);
        all.get(key)?.shared.latest()
    }

    /// It has changed: what is under way may tell what was before.
    pub(super) fn forget(&self, key: &K) {
        let mut all = self.all.lock().unwrap_or_else(PoisonError::into_inner);
        all.remove(key);
    }

    /// Anything may have changed but what is to be `kept`.
    pub(super) fn forget_unless(&self, kept: impl Fn(&Held<T>) -> bool) {
        let mut all = self.all.lock().unwrap_or_else(PoisonError::into_inner);
        all.retain(|_, one| one.shared.latest().is_some_and(|held| kept(&held)));
    }

    fn with<R>(&self, key: K, now: Instant, then: impl FnOnce(&mut One<T>) -> R) -> R {
        let mut all = self.all.lock().unwrap_or_else(PoisonError::into_inner);
        all.retain(|_, one| now - one.used < KEPT);
        let one = all.entry(key).or_insert_with(|| One {
            shared: Shared::new(),
            used: now,
            begun: None,
        });
        one.used = now;
        then(one)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU32, Ordering};

    use super::super::inventory::GuestKey;
    use super::*;
    use crate::ids::{Kind, Vmid};

    fn key(vmid: u64) -> GuestKey {
        (Vmid::new(vmid).unwrap(), Kind::Vm, "pve1".parse().unwrap())
    }

    #[tokio::test(start_paused = true)]
    async fn many_who_type_make_one_fetch_and_a_failed_one_rests_too() {
        let kept = Kept::<GuestKey, u32>::new(Duration::from_secs(5));
        let count = Arc::new(AtomicU32::new(0));
        let type_one = |vmid| {
            let count = Arc::clone(&count);
            let failing = async move {
                count.fetch_add(1, Ordering::SeqCst);
                Err(Error::WrongPermit)
            };
            assert!(kept.now_and_later(key(vmid), || failing).is_none());
        };
        for _ in 0..50 {
            type_one(101);
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        assert_eq!(count.load(Ordering::SeqCst), 1);
        type_one(102);
        tokio::time::sleep(Duration::from_secs(5)).await;
        type_one(101);
        tokio::time::sleep(Duration::from_millis(1)).await;
        assert_eq!(count.load(Ordering::SeqCst), 3);
    }

    #[tokio::test(start_paused = true)]
    async fn what_has_changed_is_not_shown_as_it_was() {
        let kept = Kept::<GuestKey, u32>::new(Duration::from_secs(5));
        let got = kept.get(key(101), Duration::ZERO, || async { Ok(1) }).await;
        assert_eq!(*got.unwrap().value, 1);
        assert_eq!(*kept.latest(&key(101)).unwrap().value, 1);
        kept.forget(&key(101));
        assert!(kept.latest(&key(101)).is_none());
    }

    #[tokio::test]
    async fn what_is_to_be_kept_outlives_a_change() {
        let kept = Kept::<GuestKey, u32>::new(Duration::from_secs(5));
        for (vmid, value) in [(101, 1), (102, 2)] {
            let got = kept.get(key(vmid), Duration::ZERO, || async move { Ok(value) });
            got.await.unwrap();
        }
        kept.forget_unless(|held| *held.value == 2);
        assert!(kept.latest(&key(101)).is_none());
        assert!(kept.latest(&key(102)).is_some());
    }
}
