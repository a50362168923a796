//! `/cluster/status`: whether the nodes still decide together.

use serde::Deserialize;

use super::path::ApiPath;
use super::perl::{Object, Scalar};
use super::turns::Lane;
use super::{Client, Error};
use crate::ids::NodeName;

/// Whether the nodes still decide together. Without quorum nothing can be started.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Quorum {
    /// The cluster's own name; `None`: a single node, which always has quorum.
    pub cluster: Option<String>,
    pub quorate: bool,
    pub nodes: usize,
    pub online: usize,
    /// The node that answered: the bot reaches Proxmox through it.
    pub answered_by: Option<NodeName>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct StatusRow {
    #[serde(rename = "type")]
    kind: Scalar,
    name: Scalar,
    quorate: Scalar,
    online: Scalar,
    local: Scalar,
}

fn quorum(rows: &[Object<StatusRow>]) -> Quorum {
    let of = |wanted: &'static str| {
        let rows = rows.iter().filter_map(|row| row.0.as_ref());
        rows.filter(move |row| row.kind.text().as_deref() == Some(wanted))
    };
    let cluster = of("cluster").next();
    Quorum {
        cluster: cluster.and_then(|row| row.name.text()),
        quorate: cluster.is_none_or(|row| row.quorate.flag()),
        nodes: of("node").count(),
        online: of("node").filter(|row| row.online.flag()).count(),
        answered_by: of("node")
            .find(|row| row.local.flag())
            .and_then(|row| row.name.parsed()),
    }
}

impl Client {
    /// `None`: the token may not see it (no `Sys.Audit` on `/`).
    pub(super) async fn quorum(&self) -> Result<Option<Quorum>, Error> {
        let rows: Result<Vec<_>, Error> = self
            .get_protected(Lane::Cluster, &ApiPath::new(&["cluster", "status"]))
            .await;
        match rows {
            Ok(rows) => Ok(Some(quorum(&rows))),
            Err(Error::Refused { status: 403, .. }) => Ok(None),
            Err(error) => Err(error),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(json: &str) -> Vec<Object<StatusRow>> {
        serde_json::from_str(json).unwrap()
    }

    #[test]
    fn a_single_node_always_has_quorum() {
        let alone = r#"[{"type":"node","name":"pve1","online":1,"local":1}]"#;
        let alone = quorum(&read(alone));
        assert_eq!(
            (alone.cluster, alone.quorate, alone.nodes, alone.online),
            (None, true, 1, 1)
        );
    }

    #[test]
    fn a_cluster_says_whether_it_has() {
        let three = r#"[{"type":"cluster","name":"lab","quorate":"0","nodes":3},
            {"type":"node","name":"a","online":1},{"type":"node","name":"b","online":0},
            {"type":"node","name":"c"},null]"#;
        let three = quorum(&read(three));
        assert_eq!(three.cluster.as_deref(), Some("lab"));
        assert_eq!((three.quorate, three.nodes, three.online), (false, 3, 1));
    }
}
