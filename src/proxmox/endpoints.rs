//! The addresses of one cluster. Any node serves the whole cluster, so one that cannot be reached
//! is set aside for a while and the next is asked.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

#[derive(Debug)]
pub(super) struct Endpoints {
    /// `https://host:8006`, without a trailing slash.
    urls: Vec<String>,
    /// Until when each is asked last, beside its index in `urls`.
    aside: Mutex<Vec<Option<Instant>>>,
    rest: Duration,
}

impl Endpoints {
    /// `rest`: how long one that failed is asked only after all others.
    pub(super) fn new(urls: &[String], rest: Duration) -> Self {
        let urls: Vec<String> = urls
            .iter()
            .map(|url| url.trim_end_matches('/').to_owned())
            .collect();
        let aside = Mutex::new(vec![None; urls.len()]);
        Self { urls, aside, rest }
    }

    /// How many there are.
    pub(super) fn count(&self) -> usize {
        self.urls.len()
    }

    pub(super) fn url(&self, index: usize) -> &str {
        &self.urls[index]
    }

    /// Indices, in the order in which to try: as written, those set aside last.
    pub(super) fn order(&self) -> Vec<usize> {
        let now = Instant::now();
        let aside = self.aside.lock().unwrap_or_else(PoisonError::into_inner);
        let mut order: Vec<usize> = (0..self.urls.len()).collect();
        // Stable: equal keys keep the written order.
        order.sort_by_key(|index| aside[*index].filter(|until| *until > now));
        order
    }

    /// Returns whether it had answered until now, which makes it worth a line in the log.
    pub(super) fn set_aside(&self, index: usize) -> bool {
        let mut aside = self.aside.lock().unwrap_or_else(PoisonError::into_inner);
        aside[index].replace(Instant::now() + self.rest).is_none()
    }

    /// Returns whether it had been set aside.
    pub(super) fn answered(&self, index: usize) -> bool {
        let mut aside = self.aside.lock().unwrap_or_else(PoisonError::into_inner);
        aside[index].take().is_some()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn what_failed_is_asked_last_for_a_while() {
        let urls = ["https://a/", "https://b", "https://c"].map(str::to_owned);
        let endpoints = Endpoints::new(&urls, Duration::from_secs(30));
        assert_eq!(endpoints.url(0), "https://a");
        assert_eq!(endpoints.order(), [0, 1, 2]);
        assert!(endpoints.set_aside(0));
        tokio::time::advance(Duration::from_secs(1)).await;
        assert!(endpoints.set_aside(1));
        assert!(!endpoints.set_aside(1));
        // All failed: still tried, the longest rested first.
        assert_eq!(endpoints.order(), [2, 0, 1]);
        assert!(endpoints.answered(1));
        assert!(!endpoints.answered(1));
        assert_eq!(endpoints.order(), [1, 2, 0]);
        tokio::time::advance(Duration::from_secs(30)).await;
        assert_eq!(endpoints.order(), [0, 1, 2]);
    }
}
