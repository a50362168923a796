//! Requests that wait for a decision, in memory beside the store: who is to be told of it.

use std::sync::Arc;
use std::time::Duration;

use dashmap::DashMap;
use tokio::sync::watch;
use tokio::time::Instant;

use crate::access::{Asked, Letter};
use crate::action::Deed;
use crate::embed::{self, Reply};
use crate::ids::{GuestRef, RequestId, UserId};

/// What the person who asked is shown, as far as their message still changes.
#[derive(Debug, Clone)]
pub(super) enum Told {
    Waiting,
    /// On the way.
    Shows(Reply),
    /// The end.
    Over(Reply),
}

#[derive(Debug, Clone)]
pub(super) struct Open {
    pub asked: Asked,
    pub letters: Vec<Letter>,
    /// Nobody listens any more once the person's message cannot change.
    pub told: Arc<watch::Sender<Told>>,
}

impl Open {
    pub(super) fn new(asked: Asked, letters: Vec<Letter>) -> Self {
        let told = Arc::new(watch::Sender::new(Told::Waiting));
        Self {
            asked,
            letters,
            told,
        }
    }

    fn waits(&self) -> bool {
        matches!(*self.told.borrow(), Told::Waiting)
    }

    /// Whether the person's own message will show what is told.
    pub(super) fn is_watched(&self) -> bool {
        self.told.receiver_count() > 0
    }
}

/// A request as the words have it.
pub(super) fn said(asked: &Asked) -> embed::ask::Request {
    embed::ask::Request {
        id: asked.id,
        by: asked.by.user,
        deed: asked.deed.clone(),
        guest: asked.guest.clone(),
        kind: asked.kind,
        name: asked.guest_name.clone(),
        channel: asked.by.channel,
        asked: asked.asked,
        expires: asked.expires,
    }
}

/// After a no, the same is not asked again for so long.
const PAUSE: Duration = Duration::from_mins(10);

/// The open requests. Cheap to clone: all clones are the same list.
#[derive(Debug, Clone, Default)]
pub(super) struct Requests {
    open: Arc<DashMap<RequestId, Open>>,
    declined: Arc<DashMap<(UserId, Deed, GuestRef), Instant>>,
}

impl Requests {
    pub(super) fn insert(&self, open: Open) {
        self.open.insert(open.asked.id, open);
    }

    pub(super) fn get(&self, id: RequestId) -> Option<Open> {
        self.open.get(&id).map(|open| open.clone())
    }

    pub(super) fn remove(&self, id: RequestId) -> Option<Open> {
        self.open.remove(&id).map(|(_, open)| open)
    }

    /// `false`: it was decided while the letter was on its way.
    pub(super) fn add_letter(&self, id: RequestId, letter: Letter) -> bool {
        let open = self.open.get_mut(&id);
        open.map(|mut open| open.letters.push(letter)).is_some()
    }

    /// Remembers a no.
    pub(super) fn declined(&self, asked: &Asked) {
        self.declined.retain(|_, at| at.elapsed() < PAUSE);
        let what = (asked.by.user, asked.deed.clone(), asked.guest.clone());
        self.declined.insert(what, Instant::now());
    }

    /// Whether somebody said no to just this a moment ago.
    pub(super) fn was_declined(&self, user: UserId, deed: &Deed, guest: &GuestRef) -> bool {
        let declined = self.declined.get(&(user, deed.clone(), guest.clone()));
        declined.is_some_and(|at| at.elapsed() < PAUSE)
    }

    /// Whether nobody has decided it yet.
    pub(super) fn waits(&self, id: RequestId) -> bool {
        self.open.get(&id).is_some_and(|open| open.waits())
    }

    /// What this person asked for and nobody has decided yet.
    pub(super) fn waiting(&self, user: UserId, deed: &Deed, guest: &GuestRef) -> Option<Asked> {
        let same = |open: &Open| {
            let asked = &open.asked;
            asked.by.user == user && asked.deed == *deed && asked.guest == *guest
        };
        let found = self.open.iter().find(|open| same(open) && open.waits());
        found.map(|open| open.asked.clone())
    }

    pub(super) fn all(&self) -> Vec<RequestId> {
        self.open.iter().map(|open| *open.key()).collect()
    }
}
