//! What the HA manager does with its guests when a node goes down: the cluster's shutdown policy, and
//! the nodes that its rules leave for each guest.
//!
//! Follows pve-ha-manager's `LRM.pm` (`shutdown_request`) and `Rules/NodeAffinity.pm`.

use std::collections::{BTreeMap, BTreeSet};

use serde::Deserialize;

use super::answer::{OF_ONE, OF_PAGE};
use super::path::ApiPath;
use super::perl::{Object, Scalar};
use super::{Client, Error};
use crate::ids::{Kind, NodeName, Vmid};

/// `ha: shutdown_policy=..` of the datacenter's options.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ShutdownPolicy {
    /// Freeze where the node reboots, failover where it shuts down. Holds where none is set.
    Conditional,
    /// Stopped, and left alone until the node is back.
    Freeze,
    /// Stopped, and started elsewhere where the node does not come back at once.
    Failover,
    /// Moved elsewhere before the node goes down, and back afterwards.
    Migrate,
}

/// What is known of it. `None`: not visible to the token, or in words that we do not know.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Ha {
    pub policy: Option<ShutdownPolicy>,
    affinity: Option<Affinity>,
}

/// Which nodes each guest may run on; a guest that is not there may run on all.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
struct Affinity {
    nodes: BTreeMap<(Kind, Vmid), Preferred>,
    /// For these, other guests count as well; or rules contradict each other.
    open: BTreeSet<(Kind, Vmid)>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Preferred {
    /// The higher the number, the sooner.
    nodes: BTreeMap<NodeName, i64>,
    /// On no other node.
    strict: bool,
}

/// Where HA would run a guest that leaves its node.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refuge {
    /// One of these, in alphabetical order; empty: nowhere.
    pub nodes: Vec<NodeName>,
    /// Its rules name exactly these; otherwise they can leave fewer.
    pub sure: bool,
}

/// Whether the HA manager answers for a guest, by its `hastate`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Care {
    /// It leaves the guest alone, or wants it stopped.
    None,
    /// It keeps the guest running.
    Keeps,
    /// In a state of which we cannot say what comes next.
    Unclear,
}

/// The states are those of pve-ha-manager's `Manager.pm`; one that it has not met yet has that of its
/// configuration.
#[must_use]
pub fn care(hastate: Option<&str>) -> Care {
    match hastate {
        None | Some("ignored" | "disabled" | "stopped" | "request_stop" | "error") => Care::None,
        Some(
            "started"
            | "request_start"
            | "request_start_balance"
            | "migrate"
            | "relocate"
            | "enabled",
        ) => Care::Keeps,
        Some(_) => Care::Unclear,
    }
}

impl Ha {
    /// Where a guest goes of the nodes that are there to take it.
    #[must_use]
    pub fn refuge(&self, kind: Kind, vmid: Vmid, there: &BTreeSet<NodeName>) -> Refuge {
        let all = |sure| Refuge {
            nodes: there.iter().cloned().collect(),
            sure,
        };
        let Some(affinity) = &self.affinity else {
            return all(false);
        };
        let sure = !affinity.open.contains(&(kind, vmid));
        match affinity.nodes.get(&(kind, vmid)) {
            Some(preferred) => Refuge {
                nodes: preferred.best(there),
                sure,
            },
            None => all(sure),
        }
    }
}

impl Preferred {
    /// Those that come first of the ones that are there.
    fn best(&self, there: &BTreeSet<NodeName>) -> Vec<NodeName> {
        // Where the rule is not strict, every other node comes after those that it names.
        let rank = |node: &NodeName| match self.nodes.get(node) {
            Some(priority) => Some(*priority),
            None => (!self.strict).then_some(-1),
        };
        let best = there.iter().filter_map(rank).max();
        let first = |node: &&NodeName| best.is_some() && rank(node) == best;
        there.iter().filter(first).cloned().collect()
    }
}

/// `GET /cluster/options`. Without `Sys.Audit` on `/` only a few are told.
#[derive(Default, Deserialize)]
#[serde(default)]
struct OptionsRow {
    /// Always told where all are, though mostly empty.
    description: Scalar,
    ha: Option<Object<HaRow>>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct HaRow {
    shutdown_policy: Scalar,
}

impl OptionsRow {
    fn policy(&self) -> Option<ShutdownPolicy> {
        if self.description == Scalar::Missing {
            return None;
        }
        let Some(ha) = &self.ha else {
            return Some(ShutdownPolicy::Conditional);
        };
        match ha.0.as_ref()?.shutdown_policy.text().as_deref() {
            None | Some("conditional") => Some(ShutdownPolicy::Conditional),
            Some("freeze") => Some(ShutdownPolicy::Freeze),
            Some("failover") => Some(ShutdownPolicy::Failover),
            Some("migrate") => Some(ShutdownPolicy::Migrate),
            Some(_) => None,
        }
    }
}

/// `GET /cluster/ha/rules`, since 9. Groups that were not migrated yet stand there as rules, too.
#[derive(Default, Deserialize)]
#[serde(default)]
struct RuleRow {
    #[serde(rename = "type")]
    kind: Scalar,
    /// `vm:101,ct:104`
    resources: Scalar,
    /// `pve1:2,pve2`
    nodes: Scalar,
    strict: Scalar,
    disable: Scalar,
    /// What contradicts what; such a rule is not followed.
    errors: Option<serde::de::IgnoredAny>,
}

/// `GET /cluster/ha/groups`, before 9.
#[derive(Default, Deserialize)]
#[serde(default)]
struct GroupRow {
    group: Scalar,
    nodes: Scalar,
    restricted: Scalar,
}

/// `GET /cluster/ha/resources`
#[derive(Default, Deserialize)]
#[serde(default)]
struct ResourceRow {
    sid: Scalar,
    group: Scalar,
}

/// `vm:101`
fn guest(sid: &str) -> Option<(Kind, Vmid)> {
    let (kind, vmid) = sid.split_once(':')?;
    let kind = match kind {
        "vm" => Kind::Vm,
        "ct" => Kind::Ct,
        _ => return None,
    };
    Some((kind, vmid.parse().ok()?))
}

/// Proxmox takes commas, semicolons and spaces.
fn list(text: &str) -> impl Iterator<Item = &str> {
    let parts = text.split([',', ';', ' ']);
    parts.filter(|part| !part.is_empty())
}

/// `pve1:2,pve2`: without a number it is 0. `None`: not readable.
fn ranked(nodes: &Scalar) -> Option<BTreeMap<NodeName, i64>> {
    let text = nodes.text()?;
    let ranked = list(&text).map(|part| {
        let (name, priority) = part.split_once(':').unwrap_or((part, "0"));
        Some((name.parse().ok()?, priority.parse().ok()?))
    });
    ranked.collect()
}

fn of_rules(rows: &[Object<RuleRow>]) -> Affinity {
    let mut affinity = Affinity::default();
    for row in rows.iter().filter_map(|row| row.0.as_ref()) {
        if row.disable.flag() {
            continue;
        }
        let resources = row.resources.text().unwrap_or_default();
        let guests = list(&resources).filter_map(guest);
        let by_node = row.kind.text().as_deref() == Some("node-affinity") && row.errors.is_none();
        match ranked(&row.nodes).filter(|_| by_node) {
            Some(nodes) => {
                let strict = row.strict.flag();
                affinity.nodes.extend(guests.map(|guest| {
                    (
                        guest,
                        Preferred {
                            nodes: nodes.clone(),
                            strict,
                        },
                    )
                }));
            }
            None => affinity.open.extend(guests),
        }
    }
    affinity
}

fn of_groups(groups: &[Object<GroupRow>], resources: &[Object<ResourceRow>]) -> Affinity {
    let mut affinity = Affinity::default();
    for row in resources.iter().filter_map(|row| row.0.as_ref()) {
        let guest = row.sid.text().as_deref().and_then(guest);
        let (Some(guest), Some(named)) = (guest, row.group.text()) else {
            continue;
        };
        let group = groups
            .iter()
            .filter_map(|group| group.0.as_ref())
            .find(|group| group.group.text().as_deref() == Some(&named));
        let nodes = group.and_then(|group| Some((ranked(&group.nodes)?, group.restricted.flag())));
        match nodes {
            Some((nodes, strict)) => {
                affinity.nodes.insert(guest, Preferred { nodes, strict });
            }
            None => drop(affinity.open.insert(guest)),
        }
    }
    affinity
}

impl Client {
    /// The rules are left out where they cannot be had: the policy alone says much.
    pub(super) async fn ha(&self) -> Result<Ha, Error> {
        let path = ApiPath::new(&["cluster", "options"]);
        let options: Object<OptionsRow> = self.get(&path, OF_ONE).await?;
        let affinity = match self.affinity().await {
            Ok(affinity) => Some(affinity),
            Err(error) => {
                tracing::debug!(cluster = %self.cluster(), %error, "HA's rules are not known");
                None
            }
        };
        Ok(Ha {
            policy: options.0.unwrap_or_default().policy(),
            affinity,
        })
    }

    async fn affinity(&self) -> Result<Affinity, Error> {
        let path = |name| ApiPath::new(&["cluster", "ha", name]);
        let rules: Result<Vec<_>, Error> = self.get(&path("rules"), OF_PAGE).await;
        match rules {
            Ok(rules) => Ok(of_rules(&rules)),
            // Before 9 there were groups in their place.
            Err(Error::Refused { status: 501, .. }) => {
                let groups: Vec<_> = self.get(&path("groups"), OF_PAGE).await?;
                let resources: Vec<_> = self.get(&path("resources"), OF_PAGE).await?;
                Ok(of_groups(&groups, &resources))
            }
            Err(error) => Err(error),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn policy(json: &str) -> Option<ShutdownPolicy> {
        serde_json::from_str::<OptionsRow>(json).unwrap().policy()
    }

    fn there(names: &[&str]) -> BTreeSet<NodeName> {
        names.iter().map(|name| name.parse().unwrap()).collect()
    }

    fn refuge(ha: &Ha, vmid: u32, names: &[&str]) -> (Vec<String>, bool) {
        let vmid = vmid.to_string().parse().unwrap();
        let found = ha.refuge(Kind::Vm, vmid, &there(names));
        let nodes = found.nodes.iter().map(ToString::to_string).collect();
        (nodes, found.sure)
    }

    fn ha(affinity: Affinity) -> Ha {
        Ha {
            policy: None,
            affinity: Some(affinity),
        }
    }

    fn are(names: &[&str], sure: bool) -> (Vec<String>, bool) {
        (names.iter().map(ToString::to_string).collect(), sure)
    }

    #[test]
    fn what_is_not_told_is_no_default() {
        use ShutdownPolicy::{Conditional, Freeze, Migrate};
        let told = r#"{"description":"","mac_prefix":"BC:24:11"}"#;
        assert_eq!(policy(told), Some(Conditional));
        assert_eq!(policy(r#"{"console":"html5","allowed-tags":[]}"#), None);
        let set = |ha: &str| policy(&format!(r#"{{"description":"x","ha":{ha}}}"#));
        assert_eq!(set(r#"{"shutdown_policy":"migrate"}"#), Some(Migrate));
        assert_eq!(set(r#"{"shutdown_policy":"freeze"}"#), Some(Freeze));
        assert_eq!(set("{}"), Some(Conditional));
        assert_eq!(set(r#"{"shutdown_policy":"evaporate"}"#), None);
        assert_eq!(set(r#""shutdown_policy=migrate""#), None);
    }

    #[test]
    fn rules_say_where_a_guest_may_go() {
        let rules = r#"[
            {"rule":"a","type":"node-affinity","resources":"vm:101","nodes":"pve1:2,pve2:1,pve3:1"},
            {"rule":"b","type":"node-affinity","resources":"vm:102,ct:104","nodes":"pve1",
             "strict":"1"},
            {"rule":"c","type":"node-affinity","resources":"vm:103","nodes":"pve9","strict":0},
            {"rule":"d","type":"resource-affinity","resources":"vm:105,vm:106",
             "affinity":"negative"},
            {"rule":"e","type":"node-affinity","resources":"vm:107","nodes":"pve2","strict":1,
             "disable":1},
            {"rule":"f","type":"node-affinity","resources":"vm:108","nodes":"pve2","strict":1,
             "errors":{"resources":["twice"]}}, 7]"#;
        let ha = ha(of_rules(&serde_json::from_str::<Vec<_>>(rules).unwrap()));
        let others = ["pve2", "pve3"];
        assert_eq!(refuge(&ha, 100, &others), are(&others, true), "no rule");
        assert_eq!(refuge(&ha, 101, &others), are(&others, true));
        assert_eq!(refuge(&ha, 101, &["pve1", "pve2"]), are(&["pve1"], true));
        assert_eq!(refuge(&ha, 102, &others), are(&[], true), "strict");
        assert_eq!(refuge(&ha, 103, &others), are(&others, true), "not strict");
        assert_eq!(
            refuge(&ha, 105, &others),
            are(&others, false),
            "others count"
        );
        assert_eq!(
            refuge(&ha, 107, &others),
            are(&others, true),
            "switched off"
        );
        assert_eq!(
            refuge(&ha, 108, &others),
            are(&others, false),
            "contradicted"
        );
        assert_eq!(refuge(&Ha::default(), 102, &others), are(&others, false));
    }

    #[test]
    fn before_9_it_is_a_group() {
        let groups = r#"[{"group":"big","nodes":"pve1:1,pve2","restricted":1},
            {"group":"any","nodes":"pve3"}]"#;
        let resources = r#"[{"sid":"vm:101","group":"big"},{"sid":"vm:102","group":"any"},
            {"sid":"vm:103"},{"sid":"vm:104","group":"gone"}]"#;
        let ha = ha(of_groups(
            &serde_json::from_str::<Vec<_>>(groups).unwrap(),
            &serde_json::from_str::<Vec<_>>(resources).unwrap(),
        ));
        let others = ["pve2", "pve3"];
        assert_eq!(refuge(&ha, 101, &others), are(&["pve2"], true));
        assert_eq!(refuge(&ha, 102, &others), are(&["pve3"], true));
        assert_eq!(refuge(&ha, 103, &others), are(&others, true));
        assert_eq!(refuge(&ha, 104, &others), are(&others, false));
    }

    #[test]
    fn a_guest_that_ha_leaves_alone_is_not_its() {
        for (state, is) in [
            (None, Care::None),
            (Some("ignored"), Care::None),
            (Some("error"), Care::None),
            (Some("started"), Care::Keeps),
            (Some("enabled"), Care::Keeps),
            (Some("freeze"), Care::Unclear),
            (Some("levitates"), Care::Unclear),
        ] {
            assert_eq!(care(state), is, "{state:?}");
        }
    }
}
