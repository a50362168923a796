//! Who may read at the same time. A node that hangs keeps what was asked of it for as long as a read
//! may take; so every node has turns of its own, and what the whole cluster is asked has others.
//! Then the worst that one node can do is to hold up what is asked about itself.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::ids::NodeName;

/// At the same time for `/cluster/..` and the like, which the entry node answers: the snapshot and
/// the quorum, each of which is never under way twice.
const OF_CLUSTER: usize = 2;
/// At the same time about one node. It has three workers for everybody, its owner's web interface
/// included. The entry node only passes such a read on, which keeps none of its own workers.
const OF_NODE: usize = 2;
/// Of these for people who only look. The rest is for acts, which must not wait behind them.
const OF_NODE_LOOKS: usize = 1;

/// What a read is for, which says whose turns it takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Lane<'a> {
    Cluster,
    /// Somebody looks at a node, or at a guest on it.
    Look(&'a NodeName),
    /// The reads before, during and after a write.
    Act(&'a NodeName),
}

pub(super) struct Turns {
    cluster: Arc<Semaphore>,
    nodes: Mutex<BTreeMap<NodeName, OfNode>>,
}

#[derive(Clone)]
struct OfNode {
    all: Arc<Semaphore>,
    looks: Arc<Semaphore>,
}

/// Held while a read is under way.
#[must_use]
pub(super) struct Turn {
    _one: Option<OwnedSemaphorePermit>,
    _look: Option<OwnedSemaphorePermit>,
}

impl Turns {
    pub(super) fn new() -> Self {
        Self {
            cluster: Arc::new(Semaphore::new(OF_CLUSTER)),
            nodes: Mutex::default(),
        }
    }

    /// Waits for a turn, in the order of asking.
    pub(super) async fn take(&self, lane: Lane<'_>) -> Turn {
        let (all, looks) = match lane {
            Lane::Cluster => (Arc::clone(&self.cluster), None),
            Lane::Act(node) => (self.of(node).all, None),
            Lane::Look(node) => {
                let OfNode { all, looks } = self.of(node);
                (all, Some(looks))
            }
        };
        // The narrower one first: a look that waits for its own kind must not keep an act out.
        let look = match looks {
            Some(looks) => looks.acquire_owned().await.ok(),
            None => None,
        };
        // An error would mean a closed semaphore, and nobody closes these.
        let one = all.acquire_owned().await.ok();
        Turn {
            _one: one,
            _look: look,
        }
    }

    fn of(&self, node: &NodeName) -> OfNode {
        let mut nodes = self.nodes.lock().unwrap_or_else(PoisonError::into_inner);
        let new = || OfNode {
            all: Arc::new(Semaphore::new(OF_NODE)),
            looks: Arc::new(Semaphore::new(OF_NODE_LOOKS)),
        };
        nodes.entry(node.clone()).or_insert_with(new).clone()
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use tokio::time::timeout;

    use super::*;

    async fn now(turns: &Turns, lane: Lane<'_>) -> Option<Turn> {
        timeout(Duration::from_millis(1), turns.take(lane))
            .await
            .ok()
    }

    #[tokio::test(start_paused = true)]
    async fn no_node_takes_the_turns_of_another_or_of_the_cluster() {
        let turns = Turns::new();
        let [one, two] = ["pve1", "pve2"].map(|name| name.parse::<NodeName>().unwrap());
        let first = now(&turns, Lane::Look(&one)).await.unwrap();
        assert!(now(&turns, Lane::Look(&one)).await.is_none());
        let act = now(&turns, Lane::Act(&one)).await.unwrap();
        assert!(now(&turns, Lane::Act(&one)).await.is_none());
        assert!(now(&turns, Lane::Look(&two)).await.is_some());
        let cluster = now(&turns, Lane::Cluster).await.unwrap();
        assert!(now(&turns, Lane::Cluster).await.is_some());
        drop((first, cluster));
        assert!(now(&turns, Lane::Look(&one)).await.is_some());
        drop(act);
    }

    #[tokio::test(start_paused = true)]
    async fn looks_leave_one_turn_for_acts_and_acts_may_take_both() {
        let turns = Turns::new();
        let node: NodeName = "pve1".parse().unwrap();
        let acts = [
            now(&turns, Lane::Act(&node)).await.unwrap(),
            now(&turns, Lane::Act(&node)).await.unwrap(),
        ];
        assert!(now(&turns, Lane::Look(&node)).await.is_none());
        drop(acts);
        // The one that gave up has left nothing taken.
        assert!(now(&turns, Lane::Look(&node)).await.is_some());
    }
}
