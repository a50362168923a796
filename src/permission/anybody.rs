//! What the rules give to anybody at all, at whatever time and place: what the bot itself must be
//! able to do in Proxmox. Asks and grants add nothing: who decides must have the right by a rule.

use crate::action::{Right, Target};
use crate::ids::ClusterName;

use super::policy::{Mine, Policy};
use super::right_set::RightSet;

impl Policy {
    /// The rights that somebody can have on the target. Nobody has more by several names than by
    /// each alone: more names bring more denies.
    #[must_use]
    pub fn given(&self, target: &Target<'_>) -> Vec<Right> {
        self.of_each(|mine| {
            let allows = self.allow.near(target, &mine.allow);
            let allows = allows.filter(|allow| allow.names(target));
            let given = allows.map(|allow| allow.rights_over(target));
            let denies = self.deny.near(target, &mine.deny);
            let denies = denies.filter(|deny| deny.names(target));
            all(given).without(all(denies.map(|deny| deny.rights)))
        })
    }

    /// The rights that somebody surely has on every guest of the cluster, or every one in a pool of
    /// it, those that come later included. What a deny takes away on any guest does not count.
    #[must_use]
    pub fn given_on_every_guest(&self, cluster: &ClusterName, pool: Option<&str>) -> Vec<Right> {
        self.of_each(|mine| {
            let allows = self.allow.at(mine.allow.clone());
            let given = allows.map(|allow| allow.over_every_guest(cluster, pool));
            let denies = self.deny.at(mine.deny.clone());
            let denies = denies.filter(|deny| deny.is_about_guests());
            all(given).without(all(denies.map(|deny| deny.rights)))
        })
    }

    /// The same for nodes.
    #[must_use]
    pub fn given_on_every_node(&self, cluster: &ClusterName) -> Vec<Right> {
        self.of_each(|mine| {
            let allows = self.allow.at(mine.allow.clone());
            let given = allows.map(|allow| allow.over_every_node(cluster));
            let denies = self.deny.at(mine.deny.clone());
            let denies = denies.filter(|deny| deny.is_about_nodes());
            all(given).without(all(denies.map(|deny| deny.rights)))
        })
    }

    fn of_each(&self, rights: impl Fn(&Mine) -> RightSet) -> Vec<Right> {
        let held = all(self.each().map(rights));
        Right::ALL
            .into_iter()
            .filter(|right| held.has(*right))
            .collect()
    }
}

fn all(sets: impl Iterator<Item = RightSet>) -> RightSet {
    sets.fold(RightSet::default(), RightSet::or)
}
