//! *Notify me*: who waits for the end of an act, in memory only. A restart forgets them, and they are
//! told so when they press.

use std::hash::{BuildHasher, RandomState};
use std::sync::Arc;

use dashmap::DashMap;

use crate::action::{NoticeId, Request, Target};
use crate::audit::About;
use crate::embed::{self, Reply};
use crate::errand::Errands;
use crate::ids::{ChannelId, UserId};

use super::desk::Desk;
use super::{Audience, Decision};

/// More than that is a crowd, which looks at the card.
const MOST: usize = 20;

/// The acts that somebody can wait for. Cheap to clone: all clones are the same list.
#[derive(Debug, Clone, Default)]
pub(super) struct Waiting {
    open: Arc<DashMap<NoticeId, Open>>,
}

#[derive(Debug)]
struct Open {
    about: About,
    channel: ChannelId,
    users: Vec<UserId>,
}

/// Held while an act is under way; nobody can wait for it any more once this is gone.
#[derive(Debug)]
#[must_use]
pub(super) struct Notice {
    id: NoticeId,
    waiting: Waiting,
}

impl Waiting {
    /// An act about this, seen by everybody in the channel, has begun.
    pub(super) fn open(&self, about: About, channel: ChannelId) -> Notice {
        // Keyed with fresh randomness from the system: not to be guessed, not to be met twice.
        let id = NoticeId(RandomState::new().hash_one(channel));
        let users = Vec::new();
        let open = Open {
            about,
            channel,
            users,
        };
        self.open.insert(id, open);
        Notice {
            id,
            waiting: self.clone(),
        }
    }
}

impl Notice {
    pub(super) fn id(&self) -> NoticeId {
        self.id
    }

    /// It has ended so: one message in its channel, for all who wait.
    pub(super) async fn tell(self, errands: &Errands, end: &Reply) {
        let Some((_, open)) = self.waiting.open.remove(&self.id) else {
            return;
        };
        if !open.users.is_empty() {
            let reply = embed::notify::ended(end);
            errands.call(open.channel, open.users, reply).await;
        }
    }
}

impl Drop for Notice {
    fn drop(&mut self) {
        self.waiting.open.remove(&self.id);
    }
}

/// Whoever may see what it is about may wait for its end. To others there is nothing to wait for.
pub(super) fn decide(desk: &Desk, request: &Request, id: NoticeId) -> Decision {
    Decision::answer(added(desk, request, id), Audience::Private)
}

fn added(desk: &Desk, request: &Request, id: NoticeId) -> Reply {
    let Some(mut open) = desk.waiting.open.get_mut(&id) else {
        return embed::notify::over();
    };
    if !sees(desk, request, &open.about) {
        desk.note_refusal(request, None, "no such act, or not visible");
        return embed::notify::over();
    }
    let user = request.actor.user;
    if open.users.contains(&user) {
        return embed::notify::already();
    }
    if open.users.len() >= MOST {
        return embed::notify::full();
    }
    open.users.push(user);
    embed::notify::added()
}

/// By the newest that is known of it.
fn sees(desk: &Desk, request: &Request, about: &About) -> bool {
    let law = desk.law();
    let mine = law.of(&request.actor);
    let About::Guest(guest) = about else {
        return mine.see(&about.target());
    };
    let mut clusters = desk.asked_for(Some(&guest.guest.cluster));
    let latest = clusters.next().and_then(|inventory| inventory.latest());
    let now = latest
        .as_ref()
        .and_then(|snapshot| snapshot.guests.get(&guest.guest.vmid));
    now.is_some_and(|now| mine.see(&Target::Guest(&now.facts)))
}
