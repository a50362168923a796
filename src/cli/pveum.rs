//! `pve-steward pveum`: what the bot's token needs for the policy, as lines for a node's shell.

use clap::{Args, ValueEnum};

use crate::app;
use crate::config::{Cluster, Config};
use crate::embed::pveum::{self as words, Beyond, Page};
use crate::embed::terminal;
use crate::ids::NodeName;
use crate::permission::Policy;
use crate::privileges::{self, By, Plan, Wish, World, plan};

use super::seen::{self, Seen};
use super::{CONFIGURATION, TRY_AGAIN, complain, say};

#[derive(Debug, Args)]
pub(super) struct Query {
    /// Do not ask Proxmox: print what the rules alone tell, and say for which words that is not enough
    #[arg(long)]
    offline: bool,
    /// How guests get theirs where rules do not mean all of them, or a whole pool
    // Who is in which pool, only the cluster tells.
    #[arg(long, value_enum, default_value = "guest", conflicts_with = "offline")]
    by: How,
    /// Also what is left out by default, because it takes more than most would give
    #[arg(long, value_enum, value_name = "WHAT")]
    with: Vec<With>,
    /// A storage to which backups shall go; may be given several times. Without it: all that take them
    #[arg(long, value_name = "NAME")]
    storage: Vec<String>,
    /// Major version of Proxmox VE, where it is not asked; else what it says itself
    #[arg(long, value_name = "VERSION", value_parser = clap::value_parser!(u32).range(8..=9))]
    pve: Option<u32>,
    /// Print how to take all of it away again
    #[arg(long)]
    remove: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum How {
    /// Each by itself: never more than needed, and to be done again when guests come
    Guest,
    /// In a pool `discord` those that need the same; a guest that comes is put into it
    Pool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum With {
    /// Addresses inside VMs on Proxmox VE 8 (VM.Monitor; on 9 they are always in)
    Addresses,
    /// Updates that wait on nodes (Sys.Modify)
    Updates,
}

pub(super) async fn pveum(config: &Config, query: &Query) -> u8 {
    let policy = match Policy::compile(config) {
        Ok(policy) => policy,
        Err(problems) => {
            complain(&terminal::problems(&problems));
            return CONFIGURATION;
        }
    };
    if query.offline {
        let pages = config
            .clusters
            .iter()
            .map(|cluster| offline(config, cluster, &policy, query));
        say(&pages.collect::<Vec<_>>().join("\n"));
        return 0;
    }
    let inventories = match app::clusters(config) {
        Ok(inventories) => inventories,
        Err(stopped) => {
            complain(&terminal::stopped(&stopped.to_string()));
            return CONFIGURATION;
        }
    };
    let mut pages = Vec::new();
    for (cluster, inventory) in config.clusters.iter().zip(&inventories) {
        match seen::read(inventory).await {
            Ok(seen) => pages.push(online(cluster, &policy, query, &seen)),
            Err(error) => {
                complain(&terminal::no_cluster(cluster.name.as_str(), Some(&error)));
                return if error.unauthorised() {
                    CONFIGURATION
                } else {
                    TRY_AGAIN
                };
            }
        }
    }
    say(&pages.join("\n"));
    0
}

impl Query {
    fn wish(&self) -> Wish {
        Wish {
            addresses: self.with.contains(&With::Addresses),
            updates: self.with.contains(&With::Updates),
        }
    }

    fn by(&self) -> By {
        match self.by {
            How::Guest => By::Guest,
            How::Pool => By::Pool,
        }
    }

    fn printed(&self, page: &Page<'_>) -> String {
        if self.remove {
            words::removal(page)
        } else {
            words::page(page)
        }
    }
}

/// What the cluster shows, and what the rules make of it.
fn online(cluster: &Cluster, policy: &Policy, query: &Query, seen: &Seen) -> String {
    let mut world = seen.world(policy);
    world.wish = query.wish();
    world.backups_to.clone_from(&query.storage);
    let plan = plan(policy, &world, query.by());
    let unclear = seen::unclear(policy, &world);
    let pools = query.by() == By::Pool;
    let mut must_see = Vec::new();
    must_see.extend((!unclear.is_empty()).then_some(("/vms", "VM.Audit")));
    // A guest is in one pool at most: whoever puts it into another must know that it is in none.
    must_see.extend(pools.then_some(("/pool", "Pool.Audit")));
    must_see.retain(|(path, privilege)| !seen.permissions.holds(path, privilege));
    let own = plan.pool.as_ref().map(|pool| pool.name);
    let pool_is_there = own.is_some_and(|own| seen.snapshot.pools.iter().any(|pool| pool == own));
    let page = Page {
        known: Some(&seen.roles),
        pool_is_there,
        must_see: &must_see,
        beyond: beyond(&plan, seen),
        ..of(cluster, &world, &plan)
    };
    query.printed(&page)
}

/// What the rules alone tell.
fn offline(config: &Config, cluster: &Cluster, policy: &Policy, query: &Query) -> String {
    let mut world = World::unknown(&cluster.name);
    world.version = query.pve.unwrap_or(9);
    world.wish = query.wish();
    world.backups_to.clone_from(&query.storage);
    world.guests = seen::named_guests(policy, &cluster.name).collect();
    let (nodes, patterns) = nodes(config, cluster, policy);
    world.nodes = nodes;
    let plan = plan(policy, &world, By::Guest);
    let mut unclear = seen::unclear(policy, &world);
    unclear.extend(patterns);
    let page = Page {
        unclear: &unclear,
        ..of(cluster, &world, &plan)
    };
    query.printed(&page)
}

fn of<'a>(cluster: &'a Cluster, world: &World, plan: &'a Plan) -> Page<'a> {
    let needed = plan.privileges();
    Page {
        cluster: cluster.name.as_str(),
        token: &cluster.token_id,
        plan,
        version: world.version,
        known: None,
        pool_is_there: false,
        unclear: &[],
        must_see: &[],
        no_storage: needed.contains("VM.Backup") && world.backups_to(None).is_empty(),
        no_addresses: world.addresses().is_none() && needed.contains("VM.Audit"),
        beyond: Beyond::default(),
        admin: cluster.admin_token.as_ref().map(|admin| admin.id.as_str()),
    }
}

/// The nodes that rules name in full, and the patterns and clusters of which nothing is said in them.
fn nodes(config: &Config, cluster: &Cluster, policy: &Policy) -> (Vec<NodeName>, Vec<String>) {
    let whole = policy.given_on_every_node(&cluster.name);
    let (mut named, mut patterns) = (Vec::new(), Vec::new());
    for word in config.allow.iter().flat_map(|rule| &rule.nodes) {
        let (of, name) = match word.split_once('/') {
            Some((of, name)) => (Some(of), name),
            None => (None, word.as_str()),
        };
        let here = of.is_none_or(|of| of == cluster.name.as_str());
        let all = word == "*" || word.starts_with("cluster:");
        match name.parse::<NodeName>() {
            _ if !here || (all && !whole.is_empty()) => {}
            Ok(node) if !all => named.push(node),
            _ => patterns.push(format!("`{word}` of nodes")),
        }
    }
    (named, patterns)
}

/// What the token has beside the plan.
fn beyond<'a>(plan: &Plan, seen: &'a Seen) -> Beyond<'a> {
    // Those of a second token are not the bot's.
    let needed = plan.privileges().into_iter().chain(words::ADMINS);
    let needed: Vec<String> = needed.map(words::role).collect();
    let roles = seen.roles.keys().map(String::as_str);
    let roles = roles.filter(|role| {
        role.starts_with(words::OURS) && !needed.iter().any(|needed| needed == role)
    });
    Beyond {
        roles: roles.collect(),
        held: privileges::beyond(plan, &seen.permissions.paths),
    }
}
