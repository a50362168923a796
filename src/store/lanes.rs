//! The queue in front of the store's thread. What somebody waits for goes first: refusals, however
//! many, never hold up an act that has to be noted before it is done.

use std::collections::VecDeque;
use std::sync::{Arc, Condvar, Mutex, PoisonError};

use rusqlite::Connection;

pub(super) type Job = Box<dyn FnOnce(&mut Connection) + Send>;

/// More than that is not kept: whoever floods the bot does not fill its memory.
const LATER: usize = 1000;

#[derive(Default)]
struct Lanes {
    first: VecDeque<Job>,
    later: VecDeque<Job>,
    /// The last handle is gone.
    closed: bool,
    /// The thread is gone, and takes no more.
    ended: bool,
}

#[derive(Default)]
struct Shared {
    lanes: Mutex<Lanes>,
    wake: Condvar,
}

impl Shared {
    fn with<T>(&self, change: impl FnOnce(&mut Lanes) -> T) -> T {
        // A job runs outside of the lock, so nothing can be half done in here.
        let mut lanes = self.lanes.lock().unwrap_or_else(PoisonError::into_inner);
        change(&mut lanes)
    }
}

/// The end into which jobs go. Letting go of it lets the thread end once its queue is empty.
pub(super) struct Jobs(Arc<Shared>);

/// The end from which the thread takes them.
pub(super) struct Queue(Arc<Shared>);

pub(super) fn lanes() -> (Jobs, Queue) {
    let shared = Arc::<Shared>::default();
    (Jobs(Arc::clone(&shared)), Queue(shared))
}

impl Jobs {
    /// Before everything that nobody waits for. `false`: the thread is gone.
    pub(super) fn first(&self, job: Job) -> bool {
        self.put(|lanes| {
            lanes.first.push_back(job);
            true
        })
    }

    /// Once nobody waits. `false`: there are too many of them, or the thread is gone.
    pub(super) fn later(&self, job: Job) -> bool {
        self.put(|lanes| {
            let room = lanes.later.len() < LATER;
            if room {
                lanes.later.push_back(job);
            }
            room
        })
    }

    fn put(&self, put: impl FnOnce(&mut Lanes) -> bool) -> bool {
        let taken = self.0.with(|lanes| !lanes.ended && put(lanes));
        self.0.wake.notify_one();
        taken
    }
}

impl Drop for Jobs {
    fn drop(&mut self) {
        self.0.with(|lanes| lanes.closed = true);
        self.0.wake.notify_one();
    }
}

impl std::fmt::Debug for Jobs {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Jobs")
    }
}

impl Queue {
    /// The next job; `None`: there is none, and none will come.
    pub(super) fn next(&self) -> Option<Job> {
        let lanes = self.0.lanes.lock().unwrap_or_else(PoisonError::into_inner);
        let empty =
            |lanes: &mut Lanes| lanes.first.is_empty() && lanes.later.is_empty() && !lanes.closed;
        let waited = self.0.wake.wait_while(lanes, empty);
        let mut lanes = waited.unwrap_or_else(PoisonError::into_inner);
        lanes.first.pop_front().or_else(|| lanes.later.pop_front())
    }
}

impl Drop for Queue {
    fn drop(&mut self) {
        // Jobs that are left hold the other ends of answers: dropped, they say that nothing comes.
        let left = self.0.with(|lanes| {
            lanes.ended = true;
            (
                std::mem::take(&mut lanes.first),
                std::mem::take(&mut lanes.later),
            )
        });
        drop(left);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::mpsc;

    fn drained(queue: &Queue) {
        let mut db = Connection::open_in_memory().unwrap();
        while let Some(job) = queue.next() {
            job(&mut db);
        }
    }

    #[test]
    fn what_somebody_waits_for_goes_first() {
        let (jobs, queue) = lanes();
        let (told, order) = mpsc::channel();
        for name in ["refused", "refused again"] {
            let told = told.clone();
            assert!(jobs.later(Box::new(move |_| told.send(name).unwrap())));
        }
        let act = told.clone();
        assert!(jobs.first(Box::new(move |_| act.send("opened").unwrap())));
        drop((jobs, told));
        drained(&queue);
        let order: Vec<_> = order.iter().collect();
        assert_eq!(order, ["opened", "refused", "refused again"]);
    }

    #[test]
    fn a_flood_is_cut_off_and_acts_still_get_through() {
        let (jobs, queue) = lanes();
        let kept = (0..5000).filter(|_| jobs.later(Box::new(|_| ()))).count();
        assert_eq!(kept, LATER);
        assert!(jobs.first(Box::new(|_| ())));
        drop(jobs);
        drained(&queue);
    }

    #[test]
    fn without_its_thread_nothing_is_taken() {
        let (jobs, queue) = lanes();
        drop(queue);
        assert!(!jobs.first(Box::new(|_| ())));
        assert!(!jobs.later(Box::new(|_| ())));
    }
}
