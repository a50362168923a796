//! What the bot wants of Discord outside of an answer: messages, changes of messages, and the roles
//! that somebody holds at this moment. Put in here, carried out by `discord`.

use tokio::sync::{mpsc, oneshot};

use crate::embed::Reply;
use crate::ids::{ChannelId, GuildId, MessageId, RoleId, UserId};

/// Where a message goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Recipient {
    /// Everybody in the channel; nobody is named.
    Room(ChannelId),
    /// A channel, naming the person whom it concerns.
    Channel(ChannelId, UserId),
    Person(UserId),
}

/// A message that is there.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Posted {
    pub channel: ChannelId,
    pub message: MessageId,
}

#[derive(Debug)]
pub enum Errand {
    /// `posted` brings where it stands, or nothing where it could not be delivered.
    Post {
        to: Recipient,
        reply: Reply,
        posted: oneshot::Sender<Posted>,
    },
    /// A message for a channel that rings for these people and nobody else.
    Call {
        channel: ChannelId,
        users: Vec<UserId>,
        reply: Reply,
    },
    /// The message is changed to this.
    Edit { message: Posted, reply: Reply },
    /// `held` brings nothing where Discord did not say.
    Roles {
        guild: GuildId,
        user: UserId,
        held: oneshot::Sender<Held>,
    },
}

/// What somebody holds in a server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Held {
    Roles(Vec<RoleId>),
    NoMember,
}

/// Takes errands. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Errands {
    queue: mpsc::Sender<Errand>,
}

impl Errands {
    #[must_use]
    pub fn new() -> (Self, mpsc::Receiver<Errand>) {
        let (queue, errands) = mpsc::channel(256);
        (Self { queue }, errands)
    }

    /// Where the message stands; `None`: it could not be delivered, and the log says why.
    pub async fn post(&self, to: Recipient, reply: Reply) -> Option<Posted> {
        let (posted, answer) = oneshot::channel();
        self.give(Errand::Post { to, reply, posted }).await;
        answer.await.ok()
    }

    /// Tells these people in the channel; whether it could be delivered, the log says.
    pub async fn call(&self, channel: ChannelId, users: Vec<UserId>, reply: Reply) {
        self.give(Errand::Call {
            channel,
            users,
            reply,
        })
        .await;
    }

    pub async fn edit(&self, message: Posted, reply: Reply) {
        self.give(Errand::Edit { message, reply }).await;
    }

    /// The roles that a member holds now; `None` must be taken for "none at all".
    pub async fn roles(&self, guild: GuildId, user: UserId) -> Option<Vec<RoleId>> {
        match self.held(guild, user).await? {
            Held::Roles(roles) => Some(roles),
            Held::NoMember => None,
        }
    }

    /// What somebody holds now; `None`: Discord did not say.
    pub async fn held(&self, guild: GuildId, user: UserId) -> Option<Held> {
        let (held, answer) = oneshot::channel();
        self.give(Errand::Roles { guild, user, held }).await;
        answer.await.ok()
    }

    async fn give(&self, errand: Errand) {
        if self.queue.send(errand).await.is_err() {
            tracing::warn!("the bot stops; Discord is not told any more");
        }
    }
}
