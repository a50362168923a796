//! What a rule is about: the words of `guests = [..]` and `nodes = [..]`, compiled and matched.

use crate::action::GuestFacts;
use crate::ids::{ClusterName, Kind, NodeName, NodeRef, Vmid};

use super::pattern::Pattern;

/// Whether a fact that is not known counts as a match. In a deny it does, in an allow it does not,
/// so that ignorance never gives a right.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Unknown {
    Matches,
    Fails,
}

/// One word of `guests`.
#[derive(Debug, Clone)]
pub(super) enum GuestSelector {
    All,
    Vmid(Option<ClusterName>, Vmid),
    Name(Pattern),
    Tag(String),
    Pool(String),
    Node(NodeSelector),
    Kind(Kind),
    Cluster(ClusterName),
}

/// One word of `nodes`.
#[derive(Debug, Clone)]
pub(super) enum NodeSelector {
    All,
    Cluster(ClusterName),
    Named(Option<ClusterName>, Pattern),
}

impl GuestSelector {
    pub(super) fn parse(word: &str, clusters: &[ClusterName]) -> Result<Self, String> {
        if word == "*" {
            return Ok(Self::All);
        }
        if let Some(kind) = [Kind::Vm, Kind::Ct].into_iter().find(|k| k.key() == word) {
            return Ok(Self::Kind(kind));
        }
        if let Some((key, value)) = word.split_once(':') {
            return Self::parse_keyed(word, key, value, clusters);
        }
        let (cluster, vmid) = match word.split_once('/') {
            Some((cluster, vmid)) => (Some(known(cluster, clusters)?), vmid),
            None => (None, word),
        };
        let vmid = vmid.parse().map_err(|_| {
            format!(
                "`{word}` is no guest: write a VMID, `name:..`, `tag:..`, `pool:..`, `node:..`, \
                 `cluster:..`, `vm`, `ct` or `*`"
            )
        })?;
        if cluster.is_none() && clusters.len() > 1 {
            return Err(format!(
                "`{word}` could be a guest of any cluster: write `{}/{word}`",
                clusters[0]
            ));
        }
        Ok(Self::Vmid(cluster, vmid))
    }

    fn parse_keyed(
        word: &str,
        key: &str,
        value: &str,
        clusters: &[ClusterName],
    ) -> Result<Self, String> {
        if value.is_empty() {
            return Err(format!("`{word}` names nothing after the colon"));
        }
        match key {
            "name" => Ok(Self::Name(Pattern::parse(value)?)),
            // Proxmox itself compares tags without regard to case unless told otherwise.
            "tag" => Ok(Self::Tag(value.to_ascii_lowercase())),
            "pool" => Ok(Self::Pool(value.to_owned())),
            "node" => NodeSelector::parse(value, clusters).map(Self::Node),
            "cluster" => known(value, clusters).map(Self::Cluster),
            _ => Err(format!(
                "`{key}:` is not known: use `name:`, `tag:`, `pool:`, `node:` or `cluster:`"
            )),
        }
    }

    pub(super) fn matches(&self, guest: &GuestFacts, unknown: Unknown) -> bool {
        match self {
            Self::All => true,
            Self::Vmid(cluster, vmid) => {
                *vmid == guest.guest.vmid
                    && cluster.as_ref().is_none_or(|c| *c == guest.guest.cluster)
            }
            Self::Name(glob) => match &guest.name {
                Some(name) => glob.is_match(name),
                None => unknown == Unknown::Matches,
            },
            Self::Tag(tag) => guest.tags.iter().any(|t| t.eq_ignore_ascii_case(tag)),
            Self::Pool(pool) => match &guest.pool {
                // What is taken away in a pool is taken away in the pools inside it, too.
                Some(its) => its == pool || unknown == Unknown::Matches && is_inside(its, pool),
                None => unknown == Unknown::Matches && !guest.pools_seen.contains(pool),
            },
            Self::Node(node) => node.names(&guest.guest.cluster, &guest.node),
            Self::Kind(kind) => *kind == guest.kind,
            Self::Cluster(cluster) => *cluster == guest.guest.cluster,
        }
    }

    pub(super) fn is_all(&self) -> bool {
        matches!(self, Self::All)
    }

    /// Whether it means every guest of the cluster, or every one in this pool, those included that
    /// are not there yet.
    pub(super) fn is_every(&self, cluster: &ClusterName, in_pool: Option<&str>) -> bool {
        match self {
            Self::All => true,
            Self::Cluster(named) => named == cluster,
            Self::Node(node) => node.is_every(cluster),
            Self::Pool(pool) => in_pool == Some(pool),
            Self::Vmid(..) | Self::Name(_) | Self::Tag(_) | Self::Kind(_) => false,
        }
    }
}

/// Proxmox 8.1 and later have pools inside pools: `prod/db` is inside `prod`.
fn is_inside(pool: &str, outer: &str) -> bool {
    let rest = pool.strip_prefix(outer);
    rest.is_some_and(|rest| rest.starts_with('/'))
}

impl NodeSelector {
    pub(super) fn parse(word: &str, clusters: &[ClusterName]) -> Result<Self, String> {
        if word == "*" {
            return Ok(Self::All);
        }
        if let Some(cluster) = word.strip_prefix("cluster:") {
            return known(cluster, clusters).map(Self::Cluster);
        }
        let (cluster, node) = match word.split_once('/') {
            Some((cluster, node)) => (Some(known(cluster, clusters)?), node),
            None => (None, word),
        };
        let letters = |b: u8| b.is_ascii_alphanumeric() || b"-*?[]".contains(&b);
        if node.is_empty() || !node.bytes().all(letters) {
            return Err(format!(
                "`{word}` is no node: write a name, `cluster:..` or `*`"
            ));
        }
        Ok(Self::Named(cluster, Pattern::parse(node)?))
    }

    pub(super) fn matches(&self, node: &NodeRef) -> bool {
        self.names(&node.cluster, &node.node)
    }

    fn names(&self, cluster: &ClusterName, node: &NodeName) -> bool {
        match self {
            Self::All => true,
            Self::Cluster(named) => named == cluster,
            Self::Named(of, name) => {
                of.as_ref().is_none_or(|of| of == cluster) && name.is_match(node.as_str())
            }
        }
    }

    pub(super) fn is_all(&self) -> bool {
        matches!(self, Self::All)
    }

    pub(super) fn is_every(&self, of: &ClusterName) -> bool {
        match self {
            Self::All => true,
            Self::Cluster(named) => named == of,
            Self::Named(..) => false,
        }
    }
}

fn known(name: &str, clusters: &[ClusterName]) -> Result<ClusterName, String> {
    clusters
        .iter()
        .find(|c| c.as_str() == name)
        .cloned()
        .ok_or_else(|| format!("there is no cluster `{name}`"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn clusters(names: &[&str]) -> Vec<ClusterName> {
        names.iter().map(|n| n.parse().unwrap()).collect()
    }

    fn guest() -> GuestFacts {
        GuestFacts {
            guest: crate::ids::GuestRef {
                cluster: "home".parse().unwrap(),
                vmid: Vmid::new(101).unwrap(),
            },
            kind: Kind::Vm,
            node: "pve1".parse().unwrap(),
            name: Some("mc-lobby".into()),
            pool: Some("friends".into()),
            pools_seen: ["friends".to_owned(), "prod".to_owned()].into(),
            tags: vec!["Games".into(), "linux".into()],
        }
    }

    #[test]
    fn every_kind_of_selector_matches_what_it_says_and_nothing_else() {
        let known = clusters(&["home", "lab"]);
        for word in [
            "*",
            "home/101",
            "tag:games",
            "tag:linux",
            "pool:friends",
            "name:mc-*",
            "name:MC-LOBBY",
            "node:pve1",
            "node:home/pve1",
            "node:pve?",
            "node:cluster:home",
            "cluster:home",
            "vm",
        ] {
            let selector = GuestSelector::parse(word, &known).unwrap();
            assert!(selector.matches(&guest(), Unknown::Fails), "{word}");
        }
        for word in [
            "home/102",
            "lab/101",
            "tag:game",
            "pool:friend",
            "name:mc",
            "node:pve2",
            "node:lab/pve1",
            "cluster:lab",
            "ct",
        ] {
            let selector = GuestSelector::parse(word, &known).unwrap();
            assert!(!selector.matches(&guest(), Unknown::Matches), "{word}");
        }
    }

    #[test]
    fn an_unknown_name_is_a_match_only_where_it_takes_away() {
        let nameless = GuestFacts {
            name: None,
            ..guest()
        };
        let selector = GuestSelector::parse("name:prod-*", &clusters(&["home"])).unwrap();
        assert!(selector.matches(&nameless, Unknown::Matches));
        assert!(!selector.matches(&nameless, Unknown::Fails));
    }

    #[test]
    fn a_pool_that_cannot_be_seen_is_a_match_only_where_it_takes_away() {
        let poolless = GuestFacts {
            pool: None,
            ..guest()
        };
        let home = clusters(&["home"]);
        let seen = GuestSelector::parse("pool:prod", &home).unwrap();
        assert!(
            !seen.matches(&poolless, Unknown::Matches),
            "it is seen, and the guest is not in it"
        );
        let hidden = GuestSelector::parse("pool:hidden", &home).unwrap();
        assert!(hidden.matches(&poolless, Unknown::Matches));
        assert!(!hidden.matches(&poolless, Unknown::Fails));
        assert!(
            !hidden.matches(&guest(), Unknown::Matches),
            "a guest is in one pool at most"
        );
    }

    #[test]
    fn a_pool_inside_a_pool_is_a_match_only_where_it_takes_away() {
        let in_pool = |pool: &str| GuestFacts {
            pool: Some(pool.to_owned()),
            ..guest()
        };
        let home = clusters(&["home"]);
        let prod = GuestSelector::parse("pool:prod", &home).unwrap();
        for inside in ["prod", "prod/db", "prod/db/main"] {
            assert!(prod.matches(&in_pool(inside), Unknown::Matches), "{inside}");
        }
        assert!(!prod.matches(&in_pool("prod/db"), Unknown::Fails));
        for other in ["production", "lab/prod", "pro"] {
            assert!(!prod.matches(&in_pool(other), Unknown::Matches), "{other}");
        }
        let inner = GuestSelector::parse("pool:prod/db", &home).unwrap();
        assert!(inner.matches(&in_pool("prod/db"), Unknown::Fails));
        assert!(!inner.matches(&in_pool("prod"), Unknown::Matches));
    }

    #[test]
    fn words_that_mean_nothing_or_two_things_are_refused() {
        let two = clusters(&["home", "lab"]);
        for word in [
            "",
            "101",
            "valheim",
            "99",
            "tag:",
            "tags:games",
            "moon/101",
            "cluster:moon",
            "name:[",
            "node:",
            "node:a b",
            "home/../101",
        ] {
            assert!(GuestSelector::parse(word, &two).is_err(), "{word:?}");
        }
        assert!(GuestSelector::parse("101", &clusters(&["home"])).is_ok());
        for word in ["", "moon/pve1", "pve 1", "tag:x", "cluster:moon"] {
            assert!(NodeSelector::parse(word, &two).is_err(), "{word:?}");
        }
    }
}
