//! What a former process began and never saw the end of: followed up, noted and told.

use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use tokio::time::Instant;

use crate::action::{Deed, NodePower, Right};
use crate::audit::{self, About, Ending, Unfinished};
use crate::embed::act::{self, Act};
use crate::embed::node_act::NodeAct;
use crate::embed::token;
use crate::embed::why::Readers;
use crate::errand::{Errands, Recipient};
use crate::follow::{self, End, Given};
use crate::held::{Hold, Nodes, Order};
use crate::ids::{ClusterName, NodeRef};
use crate::proxmox::Inventory;
use crate::store::Store;

/// Brings every entry of `left` to its end. Nothing is sent to Proxmox but questions: a write whose
/// answer was lost is never sent again.
/// The nodes that were told something are held until then: once this returns, nobody gives them a second
/// order in between.
pub fn finish(
    store: &Store,
    clusters: &[Arc<Inventory>],
    left: Vec<Unfinished>,
    errands: &Errands,
    nodes: &Nodes,
) {
    let clusters: Arc<[_]> = clusters.into();
    for unfinished in left {
        let (store, errands) = (store.clone(), errands.clone());
        let clusters = Arc::clone(&clusters);
        let hold = hold(nodes, &unfinished);
        // Each by itself: one task that goes on for an hour holds up no other.
        tokio::spawn(async move {
            let end = end_of(&clusters, &unfinished).await;
            tracing::warn!(
                action = unfinished.action, about = ?unfinished.about, ending = ?end.ending,
                "a former process left this open"
            );
            audit::close(&store, unfinished.entry, &end.ending).await;
            drop(hold);
            let to = if unfinished.public {
                Recipient::Channel(unfinished.channel, unfinished.user)
            } else {
                Recipient::Person(unfinished.user)
            };
            let reply = act::found_again(end.reply);
            if errands.post(to, reply).await.is_none() {
                tracing::warn!("an outcome could not be told; it is in the audit");
            }
        });
    }
}

fn hold(nodes: &Nodes, unfinished: &Unfinished) -> Option<Hold<NodeRef, Order>> {
    let NodeAct {
        node, power, by, ..
    } = node_act_of(unfinished)?;
    let left = true;
    nodes.take(&node, Order { power, left }, by).ok()
}

async fn end_of(clusters: &[Arc<Inventory>], unfinished: &Unfinished) -> End {
    let of = |cluster: &ClusterName| clusters.iter().find(|c| c.client().cluster() == cluster);
    if let Some(act) = act_of(unfinished)
        && let Some(inventory) = of(&act.guest.guest.cluster)
    {
        return end_of_deed(inventory, unfinished, &act).await;
    }
    if let Some(act) = node_act_of(unfinished)
        && let Some(inventory) = of(&act.node.cluster)
    {
        let given = Given::Left(age(unfinished));
        return follow::node_to_the_end(inventory, &act, given, None).await;
    }
    about_a_token(unfinished, clusters.len() > 1).unwrap_or_else(|| unseen(unfinished))
}

async fn end_of_deed(inventory: &Arc<Inventory>, unfinished: &Unfinished, act: &Act) -> End {
    if let Some(upid) = &unfinished.upid {
        let started = Instant::now().checked_sub(age(unfinished));
        let started = started.unwrap_or_else(Instant::now);
        return follow::to_the_end(inventory, act, upid, started, None).await;
    }
    let runs = follow::runs_now(inventory, &act.guest).await;
    let why = "the bot stopped before Proxmox had answered".to_owned();
    End::of(act::unknown(act, runs), Ending::Unknown(why))
}

/// Tokens cannot be looked at from here, and the secret of one that was made is lost anyway.
fn about_a_token(unfinished: &Unfinished, several: bool) -> Option<End> {
    let detail = unfinished.detail.as_deref()?;
    (unfinished.action == Right::Token.key()).then(|| {
        let why = "the bot stopped before it saw the end".to_owned();
        End::of(token::left_open(detail, several), Ending::Unknown(why))
    })
}

/// It was about nothing that can be looked at, or in a cluster that is no longer configured: nobody can
/// look how it ended.
fn unseen(unfinished: &Unfinished) -> End {
    let what = match &unfinished.about {
        About::Guest(guest) => guest.guest.to_string(),
        About::Node(node) => node.to_string(),
        About::Bot => String::new(),
    };
    let why = "the bot stopped before it saw the end".to_owned();
    End::of(
        act::left_unseen(&unfinished.action, &what),
        Ending::Unknown(why),
    )
}

fn act_of(unfinished: &Unfinished) -> Option<Act> {
    let About::Guest(guest) = &unfinished.about else {
        return None;
    };
    Some(Act {
        deed: Deed::read(&unfinished.action, unfinished.detail.as_deref())?,
        guest: guest.clone(),
        by: unfinished.user,
        approved: None,
        before: None,
        notice: None,
        since: since(unfinished),
        // Whose rights are of a former process, and may be others by now.
        readers: Readers {
            public: unfinished.public,
            owner: false,
        },
    })
}

fn node_act_of(unfinished: &Unfinished) -> Option<NodeAct> {
    let About::Node(node) = &unfinished.about else {
        return None;
    };
    let mut powers = NodePower::ALL.into_iter();
    Some(NodeAct {
        power: powers.find(|power| power.key() == unfinished.action)?,
        node: node.clone(),
        by: unfinished.user,
        since: since(unfinished),
        notice: None,
    })
}

fn since(unfinished: &Unfinished) -> i64 {
    i64::try_from(opened(unfinished).as_secs()).unwrap_or(i64::MAX)
}

/// How long ago it was begun.
fn age(unfinished: &Unfinished) -> Duration {
    let now = SystemTime::now().duration_since(UNIX_EPOCH);
    let age = now.unwrap_or_default().checked_sub(opened(unfinished));
    age.unwrap_or_default()
}

fn opened(unfinished: &Unfinished) -> Duration {
    Duration::from_millis(u64::try_from(unfinished.opened_ms).unwrap_or(0))
}
