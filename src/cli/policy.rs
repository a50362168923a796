//! `pve-steward policy`: the matrix, or one decision explained.

use std::sync::Arc;
use std::time::Duration;

use clap::Args;

use crate::action::{Actor, GuestFacts, Right, Target};
use crate::config::Config;
use crate::embed::{policy as words, terminal};
use crate::ids::{ChannelId, GuestQuery, GuildId, NodeRef, RoleId, Wanted};
use crate::permission::{Law, Policy, Subject, matrix, specimens, subjects};
use crate::{app, proxmox};

use super::{CONFIGURATION, TRY_AGAIN, complain, say};

#[derive(Debug, Args)]
pub(super) struct Query {
    /// Do not ask Proxmox: show what the rules say of the guests that they describe
    #[arg(long)]
    offline: bool,
    /// A person or a role, by the name that the rules use
    #[arg(long, value_name = "NAME", requires = "action")]
    who: Option<String>,
    /// A right, such as `start`
    #[arg(long, requires = "who")]
    action: Option<String>,
    /// VMID or name of a guest
    #[arg(long, requires = "who", conflicts_with = "node")]
    guest: Option<String>,
    /// Name of a node
    #[arg(long, requires = "who")]
    node: Option<String>,
    /// The channel from which it is asked, for rules with `channels`
    #[arg(long, value_name = "ID")]
    channel: Option<u64>,
    /// Roles that the person holds besides, by the names that the rules use
    #[arg(long, value_name = "NAME")]
    role: Vec<String>,
}

/// What the rules are held against.
struct Estate {
    guests: Vec<(String, GuestFacts)>,
    nodes: Vec<NodeRef>,
}

pub(super) async fn policy(config: &Config, query: &Query) -> u8 {
    let law = match Policy::compile(config) {
        Ok(policy) => Law::of_rules(Arc::new(policy)),
        Err(problems) => {
            complain(&terminal::problems(&problems));
            return CONFIGURATION;
        }
    };
    let estate = if query.offline {
        described(config, law.policy())
    } else {
        real(config).await
    };
    let Some(estate) = estate else {
        return TRY_AGAIN;
    };
    let guild = config.discord.guilds.first().copied().unwrap_or(GuildId(0));
    let subjects = subjects(law.policy(), guild, ChannelId(query.channel.unwrap_or(0)));
    let (Some(who), Some(action)) = (&query.who, &query.action) else {
        say(&whole(&law, &estate, &subjects));
        return 0;
    };
    explain(config, &law, &estate, query, &subjects, (who, action))
}

fn whole(law: &Law, estate: &Estate, subjects: &[Subject]) -> String {
    let mut text = String::new();
    for (name, facts) in &estate.guests {
        let rows = matrix(law, subjects, &Target::Guest(facts));
        text.push_str(&words::matrix(name, &rows));
    }
    for node in &estate.nodes {
        let rows = matrix(law, subjects, &Target::Node(node));
        text.push_str(&words::matrix(&words::node_title(node), &rows));
    }
    let rows = matrix(law, subjects, &Target::Bot);
    text.push_str(&words::matrix(words::BOT_TITLE, &rows));
    text + words::LEGEND
}

fn explain(
    config: &Config,
    law: &Law,
    estate: &Estate,
    query: &Query,
    subjects: &[Subject],
    (who, action): (&str, &str),
) -> u8 {
    let Some(actor) = actor(config, subjects, who, &query.role) else {
        complain(&terminal::unknown_word("person or role", who));
        return CONFIGURATION;
    };
    let Some(right) = Right::ALL.into_iter().find(|right| right.key() == action) else {
        complain(&terminal::unknown_word("action", action));
        return CONFIGURATION;
    };
    let explained = |target: &Target<'_>, title: &str| {
        let mine = law.of(&actor);
        words::explained(&words::Explained {
            who,
            right,
            target: title,
            decision: &mine.decide(right, target),
            ask: mine.may_ask(right, target).as_ref(),
            zone: law.policy().zone(),
        })
    };
    let text = match (&query.guest, &query.node) {
        (Some(guest), _) => {
            let Some((name, facts)) = pick(estate, guest) else {
                complain(&terminal::unknown_word("guest", guest));
                return CONFIGURATION;
            };
            explained(&Target::Guest(facts), name)
        }
        (None, Some(node)) => {
            let Some(node) = estate
                .nodes
                .iter()
                .find(|n| n.node.as_str() == node || n.to_string() == *node)
            else {
                complain(&terminal::unknown_word("node", node));
                return CONFIGURATION;
            };
            explained(&Target::Node(node), &words::node_title(node))
        }
        (None, None) => explained(&Target::Bot, words::BOT_TITLE),
    };
    say(&text);
    0
}

/// The person or the invented member of a role, with the roles given besides.
fn actor(config: &Config, subjects: &[Subject], who: &str, roles: &[String]) -> Option<Actor> {
    let named = |s: &&Subject| s.name == who || s.name.strip_prefix("role ") == Some(who);
    let mut actor = subjects.iter().find(named)?.actor.clone();
    for role in roles {
        let id: RoleId = *config.roles.get(role)?;
        actor.roles.push(id);
    }
    Some(actor)
}

fn pick<'e>(estate: &'e Estate, wanted: &str) -> Option<&'e (String, GuestFacts)> {
    let query: Option<GuestQuery> = wanted.parse().ok();
    estate.guests.iter().find(|(name, facts)| {
        name == wanted
            || query.as_ref().is_some_and(|query| {
                let cluster = query
                    .cluster
                    .as_ref()
                    .is_none_or(|c| *c == facts.guest.cluster);
                cluster
                    && match &query.wanted {
                        Wanted::Vmid(vmid) => *vmid == facts.guest.vmid,
                        Wanted::Name(name) => facts
                            .name
                            .as_deref()
                            .is_some_and(|its| its.eq_ignore_ascii_case(name.as_str())),
                    }
            })
    })
}

/// The guests and nodes that there are.
async fn real(config: &Config) -> Option<Estate> {
    let clusters = match app::clusters(config) {
        Ok(clusters) => clusters,
        Err(stopped) => {
            complain(&terminal::stopped(&stopped.to_string()));
            return None;
        }
    };
    let several = clusters.len() > 1;
    let mut estate = Estate {
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
                    proxmox::StaleWhy::Slow => None,
                    proxmox::StaleWhy::Failed(error) => Some(error),
                };
                complain(&terminal::no_cluster(cluster.as_str(), why.as_deref()));
                return None;
            }
        };
        for guest in snapshot.guests.values() {
            estate.guests.push((
                words::guest_title(&guest.facts, several),
                guest.facts.clone(),
            ));
        }
        estate
            .nodes
            .extend(snapshot.nodes.keys().map(|node| NodeRef {
                cluster: cluster.clone(),
                node: node.clone(),
            }));
    }
    Some(estate)
}

/// The guests that the rules describe, where Proxmox shall not be asked.
fn described(config: &Config, policy: &Policy) -> Option<Estate> {
    let clusters: Vec<_> = config.clusters.iter().map(|c| c.name.clone()).collect();
    let node = "any-node".parse().ok()?;
    Some(Estate {
        guests: specimens(policy, &clusters),
        nodes: clusters
            .first()
            .map(|cluster| NodeRef {
                cluster: cluster.clone(),
                node,
            })
            .into_iter()
            .collect(),
    })
}
