//! What a token cannot do though rules allow it, alike things together, and what would mend it.

use std::collections::{BTreeMap, BTreeSet};

use crate::action::{Right, Target};
use crate::permission::Policy;

use super::need::{Need, World, guest_path, need, on_guest, on_node};
use super::plan::{Plan, Privileges, parent, pool_path, settle};

/// Where rules mean all of them: without these some may be hidden, and nobody could tell.
const HIDES: [(&str, &[&str]); 2] = [("/vms", &["VM.Audit"]), ("/storage", &["Datastore.Audit"])];

/// What a token has.
pub struct Token<'t> {
    /// A privilege on a path, inherited or not.
    pub holds: &'t dyn Fn(&str, &str) -> bool,
    /// Whether a path surely has roles of its own, which hide what comes from above. With the path of
    /// the pool that it is in: what comes from there hides nothing.
    pub own: &'t dyn Fn(&str, Option<&str>) -> bool,
}

/// What a path is of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Sort {
    Cluster,
    /// Guests that nobody can name, because the token does not see them.
    Unseen,
    Guests,
    Pools,
    Nodes,
    Storages,
}

/// One privilege that is missing, and all that does not work for it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lack {
    pub sort: Sort,
    pub any: &'static [&'static str],
    pub rights: BTreeSet<Right>,
    pub paths: BTreeSet<String>,
}

/// All of it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Lacking {
    pub lacks: Vec<Lack>,
    /// What is to be given so that nothing is lacking: paths, and all that each must then have.
    pub mend: BTreeMap<String, Privileges>,
}

/// `plan` is that of the policy, each guest by itself.
#[must_use]
pub fn lacking(policy: &Policy, world: &World, plan: &Plan, token: &Token<'_>) -> Lacking {
    let mut found: BTreeMap<(Sort, &'static [&'static str]), Lack> = BTreeMap::new();
    let mut wanted: BTreeMap<String, Privileges> = BTreeMap::new();
    let mut look = |right: Option<Right>, need: Need| {
        let Need { path, any } = need;
        wanted.entry(path.clone()).or_default().extend(any.first());
        if any.iter().any(|one| (token.holds)(&path, one)) {
            return;
        }
        let sort = sort(&path);
        let lack = found.entry((sort, any)).or_insert_with(|| Lack {
            sort,
            any,
            rights: BTreeSet::new(),
            paths: BTreeSet::new(),
        });
        lack.rights.extend(right);
        lack.paths.insert(path);
    };
    for guest in &world.guests {
        for right in policy.given(&Target::Guest(guest)) {
            for need in on_guest(right, guest, world) {
                look(Some(right), need);
            }
        }
    }
    for node in &world.nodes {
        for right in policy.given(&Target::Node(&world.node(node))) {
            for need in on_node(right, node, world) {
                look(Some(right), need);
            }
        }
    }
    for path in policy.pools().iter().map(|pool| pool_path(pool)) {
        look(None, need(&path, &["Pool.Audit"]));
    }
    if plan.paths.contains_key("/") {
        look(None, need("/", &["Sys.Audit"]));
    }
    for (path, any) in HIDES {
        if plan.paths.contains_key(path) {
            look(None, need(path, any));
        }
    }
    let lacks: Vec<Lack> = found.into_values().collect();
    let mend = mend(&lacks, world, plan, &wanted, token);
    Lacking { lacks, mend }
}

fn sort(path: &str) -> Sort {
    match path.split('/').nth(1) {
        Some("vms") if path == "/vms" => Sort::Unseen,
        Some("vms") => Sort::Guests,
        Some("pool") => Sort::Pools,
        Some("nodes") => Sort::Nodes,
        Some("storage") => Sort::Storages,
        _ => Sort::Cluster,
    }
}

/// For each path on which something is missing: the wider one from which it should come, if that
/// lacks it too; else itself, because a role of its own hides what comes from above.
fn mend(
    lacks: &[Lack],
    world: &World,
    plan: &Plan,
    wanted: &BTreeMap<String, Privileges>,
    token: &Token<'_>,
) -> BTreeMap<String, Privileges> {
    let pools: BTreeMap<String, String> = world
        .guests
        .iter()
        .filter_map(|guest| Some((guest_path(guest), pool_path(guest.pool.as_ref()?))))
        .collect();
    let mut mend = BTreeMap::new();
    for lack in lacks {
        for path in &lack.paths {
            let pool = pools.get(path).map(String::as_str);
            let above = parent(path).filter(|_| !(token.own)(path, pool));
            let above = above.map(str::to_owned);
            let places = [Some(path.clone()), above, pools.get(path).cloned()];
            let source = places.into_iter().flatten().find_map(|place| {
                let given = plan.paths.get(&place)?;
                let wanted = lack.any.iter().find(|one| given.contains(*one))?;
                (!(token.holds)(&place, wanted)).then(|| (place, given.clone()))
            });
            let (place, given) = source.unwrap_or_else(|| {
                let mut here = wanted.get(path).cloned().unwrap_or_default();
                settle(&mut here);
                (path.clone(), here)
            });
            mend.insert(place, given);
        }
    }
    mend
}

/// Of all that a token holds anywhere, what the policy takes nowhere.
#[must_use]
pub fn excess<'h>(plan: &Plan, held: impl IntoIterator<Item = &'h str>) -> Vec<&'h str> {
    let needed = plan.privileges();
    // Where backups go is not known while the token sees no storage.
    let for_backups =
        |name: &str| name == "Datastore.AllocateSpace" && needed.contains("VM.Backup");
    let more = held.into_iter();
    let mut more: Vec<&str> = more
        .filter(|name| !needed.contains(name) && !for_backups(name))
        .collect();
    more.sort_unstable();
    more.dedup();
    more
}
