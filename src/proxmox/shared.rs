//! One value that many ask for and one fetches. A fetch under way ("a flight") is joined by all who
//! come; it runs in its own task, so nobody who loses patience cancels it for the others.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use arc_swap::ArcSwapOption;
use tokio::sync::watch;
use tokio::time::Instant;

use super::error::Error;

/// A value, and when it was asked for: what it says may be older, never newer, than its arrival.
#[derive(Debug)]
pub(super) struct Held<T> {
    pub(super) at: Instant,
    pub(super) value: Arc<T>,
}

type Outcome<T> = Result<Arc<Held<T>>, Arc<Error>>;
type Landing<T> = watch::Receiver<Option<Outcome<T>>>;

#[derive(Debug)]
pub(super) struct Shared<T> {
    latest: ArcSwapOption<Held<T>>,
    failed: ArcSwapOption<Error>,
    flight: Mutex<Option<Landing<T>>>,
}

impl<T: Send + Sync + 'static> Shared<T> {
    pub(super) fn new() -> Arc<Self> {
        Arc::new(Self {
            latest: ArcSwapOption::empty(),
            failed: ArcSwapOption::empty(),
            flight: Mutex::new(None),
        })
    }

    /// What came last. Never waits.
    pub(super) fn latest(&self) -> Option<Arc<Held<T>>> {
        self.latest.load_full()
    }

    /// Why the newest attempt failed; nothing if it did not.
    pub(super) fn failed(&self) -> Option<Arc<Error>> {
        self.failed.load_full()
    }

    /// A value that was asked for at most `max_age` before this call; zero: after it.
    pub(super) async fn get<F>(
        self: &Arc<Self>,
        max_age: Duration,
        fetch: impl Fn() -> F,
    ) -> Outcome<T>
    where
        F: Future<Output = Result<T, Error>> + Send + 'static,
    {
        let asked = Instant::now();
        let young = |held: &Held<T>| asked.saturating_duration_since(held.at) <= max_age;
        if let Some(held) = self.latest().filter(|held| young(held)) {
            return Ok(held);
        }
        loop {
            let mut landing = self.start(&fetch);
            let landed = landing
                .wait_for(Option::is_some)
                .await
                .map(|outcome| outcome.clone());
            let Ok(Some(outcome)) = landed else {
                return Err(Arc::new(Error::BadReply("the read broke off".to_owned())));
            };
            // A flight that had begun too long before this call does not tell what is asked here.
            // The next one does, so this ends at the second round.
            match outcome {
                Ok(held) if !young(&held) => {}
                outcome => return outcome,
            }
        }
    }

    /// Starts a flight, or joins the one under way.
    pub(super) fn start<F>(self: &Arc<Self>, fetch: impl FnOnce() -> F) -> Landing<T>
    where
        F: Future<Output = Result<T, Error>> + Send + 'static,
    {
        let mut flight = self.flight.lock().unwrap_or_else(PoisonError::into_inner);
        // A sender gone without an outcome is a task that ended early: over, too.
        let under_way =
            |landing: &&Landing<T>| landing.borrow().is_none() && landing.has_changed().is_ok();
        if let Some(landing) = flight.as_ref().filter(under_way) {
            return landing.clone();
        }
        let (sender, landing) = watch::channel(None);
        *flight = Some(landing.clone());
        let at = Instant::now();
        let work = fetch();
        let shared = Arc::clone(self);
        tokio::spawn(async move {
            let outcome = shared.keep(at, work.await);
            sender.send_replace(Some(outcome));
        });
        landing
    }

    fn keep(&self, at: Instant, result: Result<T, Error>) -> Outcome<T> {
        match result {
            Ok(value) => {
                let held = Arc::new(Held {
                    at,
                    value: Arc::new(value),
                });
                self.latest.store(Some(Arc::clone(&held)));
                self.failed.store(None);
                Ok(held)
            }
            Err(error) => {
                let error = Arc::new(error);
                self.failed.store(Some(Arc::clone(&error)));
                Err(error)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU32, Ordering};

    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    fn counting(
        count: &Arc<AtomicU32>,
    ) -> impl Fn() -> std::pin::Pin<Box<dyn Future<Output = Result<u32, Error>> + Send>> {
        let count = Arc::clone(count);
        move || {
            let count = Arc::clone(&count);
            Box::pin(async move {
                tokio::time::sleep(SECOND).await;
                Ok(count.fetch_add(1, Ordering::SeqCst) + 1)
            })
        }
    }

    #[tokio::test(start_paused = true)]
    async fn twenty_callers_make_one_flight() {
        let (shared, count) = (Shared::new(), Arc::default());
        let fetch = counting(&count);
        let all = (0..20).map(|_| shared.get(10 * SECOND, &fetch));
        for outcome in futures_util::future::join_all(all).await {
            assert_eq!(*outcome.unwrap().value, 1);
        }
        assert_eq!(count.load(Ordering::SeqCst), 1);
    }

    #[tokio::test(start_paused = true)]
    async fn an_impatient_caller_does_not_cancel_the_flight() {
        let (shared, count) = (Shared::new(), Arc::default());
        let fetch = counting(&count);
        let hurried = tokio::time::timeout(SECOND / 2, shared.get(SECOND, &fetch)).await;
        assert!(hurried.is_err());
        tokio::time::sleep(SECOND).await;
        assert_eq!(*shared.latest().unwrap().value, 1);
    }

    #[tokio::test(start_paused = true)]
    async fn a_flight_from_before_is_not_fresh_enough_for_zero() {
        let (shared, count) = (Shared::new(), Arc::default());
        let fetch = counting(&count);
        drop(shared.start(&fetch));
        tokio::time::sleep(SECOND / 2).await;
        assert_eq!(*shared.get(Duration::ZERO, &fetch).await.unwrap().value, 2);
    }

    #[tokio::test(start_paused = true)]
    async fn a_failure_is_told_to_all_and_forgotten_at_the_next_success() {
        let shared = Shared::<u32>::new();
        let failing = || async { Err(Error::WrongPermit) };
        let failed = shared.get(SECOND, failing).await;
        assert_eq!(*failed.unwrap_err(), Error::WrongPermit);
        assert!(shared.failed().is_some());
        assert_eq!(
            *shared.get(SECOND, || async { Ok(7) }).await.unwrap().value,
            7
        );
        assert!(shared.failed().is_none());
    }

    #[tokio::test]
    async fn a_flight_that_panics_is_over() {
        let shared = Shared::<u32>::new();
        let broken = shared.get(SECOND, || async { panic!("in a test") }).await;
        assert!(matches!(*broken.unwrap_err(), Error::BadReply(_)));
        assert_eq!(
            *shared.get(SECOND, || async { Ok(7) }).await.unwrap().value,
            7
        );
    }
}
