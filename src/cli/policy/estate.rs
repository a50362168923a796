//! What the rules are held against: the guests and nodes that there are, or invented ones.

use std::time::Duration;

use crate::action::GuestFacts;
use crate::app;
use crate::cli::complain;
use crate::config::Config;
use crate::embed::{policy as words, terminal};
use crate::ids::{GuestQuery, NodeRef, Wanted};
use crate::permission::{Policy, specimens};
use crate::proxmox::StaleWhy;

pub(super) struct Estate {
    pub guests: Vec<(String, GuestFacts)>,
    pub nodes: Vec<NodeRef>,
}

impl Estate {
    /// The guests and nodes that there are. Where they cannot be had, why has been said.
    pub(super) async fn real(config: &Config) -> Option<Self> {
        let clusters = app::clusters(config)
            .inspect_err(|stopped| complain(&terminal::stopped(&stopped.to_string())))
            .ok()?;
        let several = clusters.len() > 1;
        let mut estate = Self {
            guests: Vec::new(),
            nodes: Vec::new(),
        };
        for inventory in clusters {
            let cluster = inventory.client().cluster().clone();
            let snapshot = inventory
                .fresh(Duration::ZERO, Duration::from_secs(30))
                .await;
            let snapshot = match snapshot {
                Ok(snapshot) => snapshot,
                Err(stale) => {
                    let why = match stale.why {
                        StaleWhy::Slow => None,
                        StaleWhy::Failed(error) => Some(error),
                    };
                    complain(&terminal::no_cluster(cluster.as_str(), why.as_deref()));
                    return None;
                }
            };
            for guest in snapshot.guests.values() {
                let title = words::guest_title(&guest.facts, several);
                estate.guests.push((title, guest.facts.clone()));
            }
            let nodes = snapshot.nodes.keys().map(|node| NodeRef {
                cluster: cluster.clone(),
                node: node.clone(),
            });
            estate.nodes.extend(nodes);
        }
        Some(estate)
    }

    /// The guests that the rules describe, where Proxmox shall not be asked.
    pub(super) fn described(config: &Config, policy: &Policy) -> Option<Self> {
        let clusters: Vec<_> = config.clusters.iter().map(|c| c.name.clone()).collect();
        let node = "any-node".parse().ok()?;
        let first = clusters.first();
        let node = first.map(|cluster| NodeRef {
            cluster: cluster.clone(),
            node,
        });
        Some(Self {
            guests: specimens(policy, &clusters),
            nodes: node.into_iter().collect(),
        })
    }

    /// A guest by its VMID, name or title.
    pub(super) fn guest(&self, wanted: &str) -> Option<&(String, GuestFacts)> {
        let query: Option<GuestQuery> = wanted.parse().ok();
        let meant = |facts: &GuestFacts| query.as_ref().is_some_and(|query| means(query, facts));
        self.guests
            .iter()
            .find(|(title, facts)| title == wanted || meant(facts))
    }

    pub(super) fn node(&self, wanted: &str) -> Option<&NodeRef> {
        let meant = |node: &&NodeRef| node.node.as_str() == wanted || node.to_string() == wanted;
        self.nodes.iter().find(meant)
    }
}

fn means(query: &GuestQuery, facts: &GuestFacts) -> bool {
    let cluster = query.cluster.as_ref();
    let name = facts.name.as_deref().unwrap_or_default();
    cluster.is_none_or(|cluster| *cluster == facts.guest.cluster)
        && match &query.wanted {
            Wanted::Vmid(vmid) => *vmid == facts.guest.vmid,
            Wanted::Name(wanted) => name.eq_ignore_ascii_case(wanted.as_str()),
        }
}
