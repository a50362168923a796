//! What is known of a cluster: one snapshot, fetched once for all who ask, so that the load on
//! Proxmox does not grow with the number of people.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::net::IpAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::time::{Instant, timeout};

use super::backup::Backups;
use super::content::Volumes;
use super::guest::GuestNow;
use super::guest_config::GuestConfig;
use super::ha::{Care, Ha, care};
use super::kept::Kept;
use super::lists::{TYPING_REST, Tried};
use super::quorum::Quorum;
use super::rows::{NodeState, Snapshot};
use super::shared::{Held, Shared};
use super::snapshot::Snapshots;
use super::task::{TaskEnd, TaskState};
use super::tasks_list::{Listed, TaskLists, Tenures};
use super::{Client, Error};
use crate::action::GuestFacts;
use crate::ids::{Kind, NodeName, StorageName, Upid, Vmid};

/// `/cluster/status` is asked anew when older, or when nodes came or went.
const QUORUM_AGE: Duration = Duration::from_mins(1);
/// Beyond this it is no longer shown, if it cannot be read.
const QUORUM_LOST: Duration = Duration::from_mins(3);
/// A snapshot waits so long for it: the first one, and one that shows other nodes.
const QUORUM_WAIT: Duration = Duration::from_secs(1);
/// HA's settings are asked anew when older, and not shown when that old, as is the quorum.
const HA_AGE: Duration = QUORUM_AGE;
const HA_LOST: Duration = QUORUM_LOST;
/// How long an answer of `status/current` serves everybody.
const GUEST_AGE: Duration = Duration::from_secs(2);
/// Packages wait for days; a node looks for new ones once a day.
const UPDATES_AGE: Duration = Duration::from_mins(10);

/// One per cluster.
#[derive(Debug)]
pub struct Inventory {
    client: Arc<Client>,
    snapshot: Arc<Shared<Snapshot>>,
    quorum: Arc<Shared<Option<Quorum>>>,
    ha: Arc<Shared<Ha>>,
    online: Mutex<Online>,
    names: Mutex<BTreeMap<Vmid, Named>>,
    guests: Mutex<HashMap<GuestKey, GuestReads>>,
    pub(super) snapshots: Kept<GuestKey, Snapshots>,
    pub(super) backups: Kept<GuestKey, Backups>,
    pub(super) contents: Kept<Shelf, Tried<Volumes>>,
    /// Whether the token is shown all that lies on a storage.
    pub(super) shown: Kept<StorageName, bool>,
    pub(super) unchained: Kept<(), BTreeSet<String>>,
    pub(super) configs: Kept<GuestKey, Tried<GuestConfig>>,
    pub(super) addresses: Kept<GuestKey, Tried<Vec<IpAddr>>>,
    updates: Kept<NodeName, Option<usize>>,
    tasks: TaskLists,
}

/// The nodes that the newest snapshot showed online, and since when they are others than before.
#[derive(Debug, Default)]
struct Online {
    nodes: Option<Vec<NodeName>>,
    changed: Option<Instant>,
}

pub(super) type GuestKey = (Vmid, Kind, NodeName);
/// A storage, and of which node; `None`: all have the same.
pub(super) type Shelf = (StorageName, Option<NodeName>);

pub(super) fn key_of(guest: &GuestFacts) -> GuestKey {
    (guest.guest.vmid, guest.kind, guest.node.clone())
}

/// The looks at one guest. An act asks for itself: it must not wait behind somebody who only looks,
/// nor fail because that one got no turn.
#[derive(Debug, Clone)]
struct GuestReads {
    look: Arc<Shared<GuestNow>>,
    act: Arc<Shared<GuestNow>>,
}

impl GuestReads {
    fn new() -> Self {
        Self {
            look: Shared::new(),
            act: Shared::new(),
        }
    }

    /// The newest answer, whoever asked for it.
    fn latest(&self) -> Option<Arc<Held<GuestNow>>> {
        let held = [self.look.latest(), self.act.latest()];
        held.into_iter().flatten().max_by_key(|held| held.at)
    }

    fn in_use(&self) -> bool {
        let held = |shared: &Arc<_>| Arc::strong_count(shared) > 1;
        held(&self.look) || held(&self.act)
    }
}

/// A name that was read, and of whom: a VMID can be given to another guest.
#[derive(Debug, Clone)]
struct Named {
    kind: Kind,
    node: NodeName,
    name: String,
}

/// A snapshot as young as asked for could not be had.
#[derive(Debug, Clone)]
pub struct Stale {
    /// The newest there is.
    pub latest: Option<Arc<Snapshot>>,
    pub why: StaleWhy,
}

#[derive(Debug, Clone)]
pub enum StaleWhy {
    /// It takes longer than the caller would wait; it is still under way.
    Slow,
    Failed(Arc<Error>),
}

impl Inventory {
    #[must_use]
    pub fn new(client: Arc<Client>) -> Arc<Self> {
        Arc::new(Self {
            client,
            snapshot: Shared::new(),
            quorum: Shared::new(),
            ha: Shared::new(),
            online: Mutex::default(),
            names: Mutex::default(),
            guests: Mutex::default(),
            snapshots: Kept::new(TYPING_REST),
            backups: Kept::new(TYPING_REST),
            contents: Kept::new(TYPING_REST),
            shown: Kept::new(TYPING_REST),
            unchained: Kept::new(TYPING_REST),
            configs: Kept::new(TYPING_REST),
            addresses: Kept::new(TYPING_REST),
            updates: Kept::new(UPDATES_AGE),
            tasks: TaskLists::default(),
        })
    }

    #[must_use]
    pub fn client(&self) -> &Client {
        &self.client
    }

    pub(super) fn client_shared(&self) -> Arc<Client> {
        Arc::clone(&self.client)
    }

    /// The newest snapshot, however old. Never waits.
    #[must_use]
    pub fn latest(&self) -> Option<Arc<Snapshot>> {
        self.snapshot.latest().map(|held| Arc::clone(&held.value))
    }

    /// Why the newest attempt at a snapshot failed; `None` if it succeeded.
    #[must_use]
    pub fn last_error(&self) -> Option<Arc<Error>> {
        self.snapshot.failed()
    }

    /// A snapshot that was asked for at most `max_age` before this call (zero: after it), waited
    /// for as long as `patience`. All who ask at the same time share one request.
    ///
    /// # Errors
    ///
    /// [`Stale`], with the newest snapshot there is.
    pub async fn fresh(
        self: &Arc<Self>,
        max_age: Duration,
        patience: Duration,
    ) -> Result<Arc<Snapshot>, Stale> {
        let fetched = self.snapshot.get(max_age, || Arc::clone(self).fetch());
        let why = match timeout(patience, fetched).await {
            Ok(Ok(held)) => return Ok(Arc::clone(&held.value)),
            Ok(Err(error)) => StaleWhy::Failed(error),
            Err(_) => StaleWhy::Slow,
        };
        Err(Stale {
            latest: self.latest(),
            why,
        })
    }

    /// Asks for a new snapshot, unless that is under way, and does not wait for it.
    pub fn refresh(self: &Arc<Self>) {
        drop(self.snapshot.start(|| Arc::clone(self).fetch()));
    }

    /// What a guest does right now, at most 2 s old. All who ask share one request.
    ///
    /// # Errors
    ///
    /// As [`Client::guest_now`].
    pub async fn guest_now(&self, guest: &GuestFacts) -> Result<Arc<GuestNow>, Error> {
        let reads = self.reads_of(guest);
        let young = |held: &Arc<Held<GuestNow>>| held.at.elapsed() <= GUEST_AGE;
        if let Some(held) = reads.latest().filter(young) {
            return Ok(Arc::clone(&held.value));
        }
        let fetch = || {
            let (client, facts) = (Arc::clone(&self.client), guest.clone());
            let vmid = facts.guest.vmid;
            async move { client.guest_now(facts.kind, &facts.node, vmid).await }
        };
        value(reads.look.get(GUEST_AGE, fetch).await)
    }

    /// How many packages wait to be installed on a node; `None`: not visible to this token.
    ///
    /// # Errors
    ///
    /// As every read: see [`Error`].
    pub async fn updates(&self, node: &NodeName) -> Result<Option<usize>, Error> {
        let fetch = || {
            let (client, node) = (Arc::clone(&self.client), node.clone());
            async move { client.updates(&node).await }
        };
        let got = self.updates.get(node.clone(), UPDATES_AGE, fetch).await;
        Ok(*value(got)?)
    }

    /// The newest tasks of a node, or of one guest there, at most 3 s old. Without `Sys.Audit` on
    /// `/nodes/{node}` these are the token's own alone.
    ///
    /// # Errors
    ///
    /// As every read: see [`Error`].
    pub async fn tasks(
        &self,
        node: &NodeName,
        of: Option<Vmid>,
    ) -> Result<Arc<Vec<Listed>>, Error> {
        self.tasks.get(&self.client, node, of).await
    }

    /// Asks for the tasks of a node, unless that was done a moment ago, and does not wait for them.
    pub fn refresh_tasks(&self, node: &NodeName) {
        self.tasks.refresh(&self.client, node);
    }

    /// How a task that stood in a list is at this moment; remembered where it has ended.
    ///
    /// # Errors
    ///
    /// As every read: see [`Error`].
    pub async fn task_now(&self, upid: &Upid) -> Result<TaskState, Error> {
        let state = self.client.task_status_to_read(upid).await?;
        if let TaskState::Ended(end) = &state {
            self.note_end(upid, end);
        }
        Ok(state)
    }

    /// Somebody saw a task end.
    pub fn note_end(&self, upid: &Upid, end: &TaskEnd) {
        self.tasks.note_end(upid, end);
    }

    /// Every task that stood in a list of late. Never waits.
    #[must_use]
    pub fn seen_tasks(&self) -> Vec<Listed> {
        self.tasks.seen()
    }

    /// Which of such tasks are about a guest that has its number no more.
    #[must_use]
    pub fn tenures(&self) -> Tenures {
        self.tasks.tenures()
    }

    /// As [`Inventory::guest_now`], asked for after this call: before and after a write.
    ///
    /// # Errors
    ///
    /// As [`Client::guest_now`].
    pub async fn guest_now_fresh(&self, guest: &GuestFacts) -> Result<Arc<GuestNow>, Error> {
        let reads = self.reads_of(guest);
        let fetch = || {
            let (client, facts) = (Arc::clone(&self.client), guest.clone());
            let vmid = facts.guest.vmid;
            async move { client.guest_now_to_act(facts.kind, &facts.node, vmid).await }
        };
        value(reads.act.get(Duration::ZERO, fetch).await)
    }

    fn reads_of(&self, guest: &GuestFacts) -> GuestReads {
        let key = key_of(guest);
        let mut guests = self.guests.lock().unwrap_or_else(PoisonError::into_inner);
        guests.entry(key).or_insert_with(GuestReads::new).clone()
    }

    async fn fetch(self: Arc<Self>) -> Result<Snapshot, Error> {
        let began = Instant::now();
        let known = self.quorum.latest().map(|held| held.at.elapsed());
        if known.is_none_or(|age| age >= QUORUM_AGE) {
            drop(self.quorum.start(|| self.read_quorum()));
        }
        let mut snapshot = self.client.resources().await?;
        self.name_the_nameless(&mut snapshot);
        self.look_at_ha(&snapshot).await;
        snapshot.quorum = self.known_quorum(&snapshot, began).await;
        self.forget_idle_guests();
        Ok(snapshot)
    }

    /// Proxmox has just said that there is none: the next snapshot asks for it anew.
    pub fn doubt_quorum(&self) {
        let mut known = self.online.lock().unwrap_or_else(PoisonError::into_inner);
        known.changed = Some(Instant::now());
    }

    fn read_quorum(&self) -> impl Future<Output = Result<Option<Quorum>, Error>> + Send + 'static {
        let client = Arc::clone(&self.client);
        async move { client.quorum().await }
    }

    /// A failure here is no failure of the snapshot: the quorum is then not known.
    async fn known_quorum(&self, snapshot: &Snapshot, began: Instant) -> Option<Quorum> {
        let changed = self.nodes_changed(snapshot, began);
        let held = match self.quorum.latest() {
            // Nodes that went may have taken it along.
            Some(held) if changed.is_some_and(|at| held.at < at) => {
                self.quorum_within(Duration::ZERO).await?
            }
            Some(held) => held,
            None if self.quorum.failed().is_some() => return None,
            None => self.quorum_within(QUORUM_AGE).await?,
        };
        if held.at.elapsed() > QUORUM_LOST {
            return None;
        }
        Option::clone(&held.value)
    }

    /// What HA does where a node goes down; `None`: it has no guests, or that is not known. Never
    /// waits.
    #[must_use]
    pub fn ha(&self) -> Option<Arc<Ha>> {
        let held = self.ha.latest()?;
        (held.at.elapsed() <= HA_LOST).then(|| Arc::clone(&held.value))
    }

    /// Where HA keeps any guest running; a cluster without HA is not asked. Only the first snapshot
    /// waits a little for it, and a failure here is none of the snapshot.
    async fn look_at_ha(&self, snapshot: &Snapshot) {
        let mut guests = snapshot.guests.values();
        if !guests.any(|guest| care(guest.ha.as_deref()) != Care::None) {
            return;
        }
        let known = self.ha.latest().map(|held| held.at.elapsed());
        if known.is_some_and(|age| age < HA_AGE) {
            return;
        }
        let read = || {
            let client = Arc::clone(&self.client);
            async move { client.ha().await }
        };
        if known.is_some() || self.ha.failed().is_some() {
            drop(self.ha.start(read));
        } else {
            let _ = timeout(QUORUM_WAIT, self.ha.get(HA_AGE, read)).await;
        }
    }

    /// Since when the same nodes are online; `None`: since the first snapshot.
    fn nodes_changed(&self, snapshot: &Snapshot, began: Instant) -> Option<Instant> {
        let online = snapshot.nodes.iter();
        let online = online.filter(|(_, node)| node.status == NodeState::Online);
        let online: Vec<NodeName> = online.map(|(name, _)| name.clone()).collect();
        let mut known = self.online.lock().unwrap_or_else(PoisonError::into_inner);
        if known.nodes.as_ref().is_some_and(|nodes| *nodes != online) {
            known.changed = Some(began);
        }
        known.nodes = Some(online);
        known.changed
    }

    async fn quorum_within(&self, age: Duration) -> Option<Arc<Held<Option<Quorum>>>> {
        let read = self.quorum.get(age, || self.read_quorum());
        timeout(QUORUM_WAIT, read).await.ok()?.ok()
    }

    /// The row of a guest whose node is down has no name. It keeps the one it had; but a VMID that
    /// was gone, or now is on a node that is up, may be another guest's, and has none until
    /// Proxmox tells it. Tags and pool are not remembered: they come from the configuration, so
    /// every row has them, and where they are absent there are none (or, for the pool, the token
    /// has no `Pool.Audit` on it).
    fn name_the_nameless(&self, snapshot: &mut Snapshot) {
        let mut names = self.names.lock().unwrap_or_else(PoisonError::into_inner);
        names.retain(|vmid, _| snapshot.guests.contains_key(vmid));
        for (vmid, guest) in &mut snapshot.guests {
            let facts = &mut guest.facts;
            if let Some(name) = &facts.name {
                let known = Named {
                    kind: facts.kind,
                    node: facts.node.clone(),
                    name: name.clone(),
                };
                names.insert(*vmid, known);
                continue;
            }
            let node = snapshot.nodes.get(&facts.node);
            let down = node.is_none_or(|node| node.status != NodeState::Online);
            let same = |known: &&Named| known.kind == facts.kind && known.node == facts.node;
            match names.get(vmid).filter(same) {
                Some(known) if down => facts.name = Some(known.name.clone()),
                _ => drop(names.remove(vmid)),
            }
        }
    }

    fn forget_idle_guests(&self) {
        let mut guests = self.guests.lock().unwrap_or_else(PoisonError::into_inner);
        let now = Instant::now();
        let young = |at: Instant| now.saturating_duration_since(at) <= GUEST_AGE;
        guests
            .retain(|_, reads| reads.in_use() || reads.latest().is_some_and(|held| young(held.at)));
    }
}

pub(super) fn value<T>(outcome: Result<Arc<Held<T>>, Arc<Error>>) -> Result<Arc<T>, Error> {
    match outcome {
        Ok(held) => Ok(Arc::clone(&held.value)),
        Err(error) => Err(Error::clone(&error)),
    }
}
