//! A whole policy as what is to be given on which path.
//!
//! Three habits of Proxmox decide how: a role on a deeper path hides those inherited from above, so
//! what stands on `/vms/101` is all that there is on it; roles on the pool of a guest are added to
//! that; and a role reaches below its path unless it is told not to.

use std::collections::{BTreeMap, BTreeSet};

use crate::action::{GuestFacts, Target};
use crate::ids::Vmid;
use crate::permission::Policy;

use super::need::{Guests, Need, World, guest_path, need, on_guests, on_node, on_nodes};

pub type Privileges = BTreeSet<&'static str>;

/// The pool that is made for `By::Pool`, unless rules mean something by its name.
pub const OUR_POOL: &str = "discord";
const OUR_OTHER_POOL: &str = "pve-steward";

/// How guests get theirs that are not covered as a whole.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum By {
    /// Each on its own path: never more than needed.
    Guest,
    /// Those that need the same in a pool of the bot's; the others each on its own path.
    Pool,
}

/// What is to be given.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Plan {
    /// All that is given on a path, what would be inherited included.
    pub paths: BTreeMap<String, Privileges>,
    pub pool: Option<Pool>,
}

/// The bot's own pool.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pool {
    pub name: &'static str,
    pub members: Vec<Vmid>,
    /// Of the members, those who are not in it yet.
    pub comes: Vec<Vmid>,
    /// Who is in it and does not belong there.
    pub goes: Vec<Vmid>,
}

impl Plan {
    /// What is given on a path or inherited there.
    #[must_use]
    pub fn on(&self, path: &str) -> Option<&Privileges> {
        let above = || self.paths.get(parent(path)?);
        self.paths.get(path).or_else(above)
    }

    /// Every privilege that is given anywhere.
    #[must_use]
    pub fn privileges(&self) -> Privileges {
        self.paths.values().flatten().copied().collect()
    }

    fn add(&mut self, needs: impl IntoIterator<Item = Need>) {
        for Need { path, any } in needs {
            let here = self.paths.entry(path).or_default();
            here.extend(any.first());
        }
    }

    /// Takes away what is inherited anyway, and says again what would be hidden.
    fn settle(&mut self) {
        for given in self.paths.values_mut() {
            settle(given);
        }
        let below: Vec<String> = self.paths.keys().cloned().collect();
        for path in below {
            let above = parent(&path).and_then(|above| self.paths.get(above));
            let Some(above) = above.cloned() else {
                continue;
            };
            match self.paths.get_mut(&path) {
                Some(here) if covers(&above, here) => drop(self.paths.remove(&path)),
                Some(here) => here.extend(above),
                None => {}
            }
        }
        self.paths.retain(|_, given| !given.is_empty());
    }
}

/// The path above from which roles are inherited; from `/` none of ours is.
pub(super) fn parent(path: &str) -> Option<&str> {
    let (above, _) = path.rsplit_once('/')?;
    matches!(above, "/vms" | "/nodes" | "/storage").then_some(above)
}

/// The wider of two that allow the same is enough.
pub(super) fn settle(given: &mut Privileges) {
    if given.contains("VM.Snapshot") {
        given.remove("VM.Snapshot.Rollback");
    }
}

fn covers(given: &Privileges, wanted: &Privileges) -> bool {
    let has = |name: &&str| {
        given.contains(*name) || **name == *"VM.Snapshot.Rollback" && given.contains("VM.Snapshot")
    };
    wanted.iter().all(has)
}

/// What this policy takes on this cluster, and no more.
#[must_use]
pub fn plan(policy: &Policy, world: &World, by: By) -> Plan {
    let mut plan = Plan::default();
    every_guest(policy, world, &mut plan);
    every_node(policy, world, &mut plan);
    pools(policy, world, &mut plan);
    let single = guests(policy, world, &mut plan);
    match by {
        By::Guest => give_each(&mut plan, single),
        By::Pool => give_by_pool(policy, world, &mut plan, single),
    }
    for node in &world.nodes {
        let rights = policy.given(&Target::Node(&world.node(node)));
        plan.add(rights.iter().flat_map(|right| on_node(*right, node, world)));
    }
    if !plan.paths.is_empty() {
        plan.add([need("/", &["Sys.Audit"])]);
    }
    plan.settle();
    plan
}

fn every_guest(policy: &Policy, world: &World, plan: &mut Plan) {
    let all = Guests {
        path: "/vms".to_owned(),
        kind: None,
        nodes: vec!["/nodes".to_owned()],
        backups_to: world.backups_to(None),
    };
    let rights = policy.given_on_every_guest(&world.cluster, None);
    plan.add(
        rights
            .iter()
            .flat_map(|right| on_guests(*right, &all, world)),
    );
}

fn every_node(policy: &Policy, world: &World, plan: &mut Plan) {
    let storages = ["/storage".to_owned()];
    let rights = policy.given_on_every_node(&world.cluster);
    let needs = |right| on_nodes(right, "/nodes", &storages, world);
    plan.add(rights.iter().flat_map(|right| needs(*right)));
}

/// The pools that rules name: who is in them must be seen, or a deny by pool takes everything.
fn pools(policy: &Policy, world: &World, plan: &mut Plan) {
    let everywhere = policy.given_on_every_guest(&world.cluster, None);
    for pool in policy.pools() {
        let path = pool_path(pool);
        plan.add([need(&path, &["Pool.Audit"])]);
        let members = world.guests.iter();
        let members = members.filter(|guest| guest.pool.as_ref() == Some(pool));
        let nodes: BTreeSet<String> = members.flat_map(|guest| world.one(guest).nodes).collect();
        let nodes = match nodes.len() {
            0 => vec!["/nodes".to_owned()],
            _ => nodes.into_iter().collect(),
        };
        let all = Guests {
            path,
            kind: None,
            nodes,
            backups_to: world.backups_to(None),
        };
        let mut rights = policy.given_on_every_guest(&world.cluster, Some(pool));
        rights.retain(|right| !everywhere.contains(right));
        plan.add(
            rights
                .iter()
                .flat_map(|right| on_guests(*right, &all, world)),
        );
    }
}

pub(super) fn pool_path(pool: &str) -> String {
    format!("/pool/{pool}")
}

/// Guests for which what is given on `/vms` and on their pool is too little, with all that they need.
fn guests<'w>(
    policy: &Policy,
    world: &'w World,
    plan: &mut Plan,
) -> Vec<(&'w GuestFacts, Privileges)> {
    let mut single = Vec::new();
    for guest in &world.guests {
        let place = world.one(guest);
        let rights = policy.given(&Target::Guest(guest));
        let needs = rights
            .iter()
            .flat_map(|right| on_guests(*right, &place, world));
        let (here, elsewhere): (Vec<Need>, Vec<Need>) =
            needs.partition(|need| need.path == place.path);
        plan.add(elsewhere);
        let mut wanted: Privileges = here
            .iter()
            .filter_map(|need| need.any.first())
            .copied()
            .collect();
        settle(&mut wanted);
        let mut given = plan.paths.get("/vms").cloned().unwrap_or_default();
        let of_pool = guest.pool.as_ref().map(|pool| pool_path(pool));
        let of_pool = of_pool.and_then(|path| plan.paths.get(&path));
        given.extend(of_pool.into_iter().flatten());
        if !covers(&given, &wanted) {
            single.push((guest, wanted));
        }
    }
    single
}

fn give_each(plan: &mut Plan, single: Vec<(&GuestFacts, Privileges)>) {
    for (guest, wanted) in single {
        plan.paths.insert(guest_path(guest), wanted);
    }
}

/// A guest is in one pool at most, so one that is in another of the owner's stays there.
fn give_by_pool(
    policy: &Policy,
    world: &World,
    plan: &mut Plan,
    single: Vec<(&GuestFacts, Privileges)>,
) {
    let named = policy.pools().iter().any(|pool| pool == OUR_POOL);
    let name = if named { OUR_OTHER_POOL } else { OUR_POOL };
    let in_ours = |guest: &GuestFacts| guest.pool.as_deref() == Some(name);
    let mut alike: BTreeMap<&Privileges, usize> = BTreeMap::new();
    for (_, wanted) in single
        .iter()
        .filter(|(guest, _)| guest.pool.is_none() || in_ours(guest))
    {
        *alike.entry(wanted).or_default() += 1;
    }
    let most = alike.into_iter().max_by_key(|(_, guests)| *guests);
    let most: Privileges = most.map(|(wanted, _)| wanted.clone()).unwrap_or_default();
    let fits = |(guest, wanted): &(&GuestFacts, Privileges)| {
        *wanted == most && (guest.pool.is_none() || in_ours(guest))
    };
    let (together, each): (Vec<_>, Vec<_>) = single.into_iter().partition(fits);
    let mut members: Vec<Vmid> = together.iter().map(|(guest, _)| guest.guest.vmid).collect();
    members.sort_unstable();
    let here = world.guests.iter().filter(|guest| in_ours(guest));
    let here: Vec<Vmid> = here.map(|guest| guest.guest.vmid).collect();
    if !members.is_empty() || !here.is_empty() {
        let less = |of: &[Vmid], those: &[Vmid]| {
            of.iter()
                .filter(|vmid| !those.contains(vmid))
                .copied()
                .collect()
        };
        plan.pool = Some(Pool {
            name,
            comes: less(&members, &here),
            goes: less(&here, &members),
            members,
        });
    }
    let above = plan.paths.get("/vms").cloned().unwrap_or_default();
    let mut more: Privileges = most.difference(&above).copied().collect();
    if !more.is_empty() {
        // Else nobody could tell the next time who is in it.
        more.insert("Pool.Audit");
        plan.paths.insert(pool_path(name), more);
    }
    give_each(plan, each);
}
