//! What a token has beside what the policy takes: given once and forgotten, or given too wide.

use std::collections::BTreeMap;

use super::plan::Plan;

/// Paths, privileges there, and whether each reaches below, as Proxmox tells a token of itself.
pub type Held = BTreeMap<String, BTreeMap<String, bool>>;

/// Path and privileges.
#[must_use]
pub fn beyond<'h>(plan: &Plan, held: &'h Held) -> Vec<(&'h str, Vec<&'h str>)> {
    let mut found = Vec::new();
    for (path, here) in held {
        let planned = |name: &str| plan.on(path).is_some_and(|on| on.contains(name));
        let more = here.iter().filter(|(name, below)| {
            // Nothing that is needed on `/` is needed below it, too.
            let wide = path == "/" && **below;
            let from_elsewhere = inherited(held, path, name) || of_pool(held, path, name, **below);
            (wide || !planned(name)) && !from_elsewhere
        });
        let more: Vec<&str> = more.map(|(name, _)| name.as_str()).collect();
        if !more.is_empty() {
            found.push((path.as_str(), more));
        }
    }
    found
}

/// Whether it may come from a pool: that is told of on the pool, and goes to its members without
/// reaching further. Which pool a guest is in that cannot be seen, nobody can say.
fn of_pool(held: &Held, path: &str, name: &str, below: bool) -> bool {
    let member = path.starts_with("/vms/") || path.starts_with("/storage/");
    let mut pools = held.iter().filter(|(path, _)| path.starts_with("/pool"));
    member && !below && pools.any(|(_, pool)| pool.contains_key(name))
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
