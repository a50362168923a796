//! What a token has beside what the policy takes: given once and forgotten, or given too wide.

use std::collections::BTreeMap;

use super::plan::{Plan, pool_path};

/// Paths, privileges there, and whether each reaches below, as Proxmox tells a token of itself.
pub type Held = BTreeMap<String, BTreeMap<String, bool>>;

/// Path and privileges. `pool_of`: the pool of the guest of a path, which passes its roles on to it.
#[must_use]
pub fn beyond<'h>(
    plan: &Plan,
    held: &'h Held,
    pool_of: &dyn Fn(&str) -> Option<String>,
) -> Vec<(&'h str, Vec<&'h str>)> {
    let mut found = Vec::new();
    for (path, here) in held {
        let pool = pool_of(path).map(|pool| pool_path(&pool));
        let of_pool = pool.as_ref().and_then(|pool| held.get(pool));
        let planned = |name: &str| {
            let pool = pool.as_ref().and_then(|pool| plan.paths.get(pool));
            plan.on(path)
                .into_iter()
                .chain(pool)
                .any(|on| on.contains(name))
        };
        let more = here.iter().filter(|(name, below)| {
            // Nothing that is needed on `/` is needed below it, too.
            let wide = path == "/" && **below;
            let from_elsewhere = inherited(held, path, name)
                || of_pool.is_some_and(|of_pool| of_pool.contains_key(*name));
            (wide || !planned(name)) && !from_elsewhere
        });
        let more: Vec<&str> = more.map(|(name, _)| name.as_str()).collect();
        if !more.is_empty() {
            found.push((path.as_str(), more));
        }
    }
    found
}

/// Whether it may well come from above, where it is told of.
fn inherited(held: &Held, path: &str, name: &str) -> bool {
    let mut above = path;
    while above != "/" {
        let shorter = above.rsplit_once('/').map_or("", |(shorter, _)| shorter);
        above = if shorter.is_empty() { "/" } else { shorter };
        if let Some(there) = held.get(above) {
            return there.get(name) == Some(&true);
        }
    }
    false
}
