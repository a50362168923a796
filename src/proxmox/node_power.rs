//! A whole node: off, on, and what waits to be installed on it.

use serde::Deserialize;
use serde::de::IgnoredAny;

use super::http::{Verb, Write};
use super::path::ApiPath;
use super::perl::Object;
use super::turns::Lane;
use super::{Client, Error};
use crate::action::{NodePower, TargetKey};
use crate::ids::{NodeName, NodeRef};
use crate::permission::Permit;

#[derive(Default, Deserialize)]
#[serde(default)]
struct PackageRow {
    #[serde(rename = "Package")]
    package: Option<IgnoredAny>,
}

impl Client {
    /// Gives the order. Proxmox takes it and answers at once; a reboot or shutdown begins a moment
    /// later, and whether a packet wakes anybody Proxmox never learns. Needs `Sys.PowerMgmt` on
    /// `/nodes/{node}`.
    ///
    /// To wake a node, the one that was asked broadcasts a packet with the address (MAC) that stands
    /// in the sleeping one's configuration. So it is any endpoint's work but the node's own, and that
    /// one does not answer while it is off.
    ///
    /// # Errors
    ///
    /// [`Error::WrongPermit`] unless `permit` is for that on this node; else see
    /// [`Error::surely_not_done`].
    pub async fn switch_node(
        &self,
        permit: &Permit,
        power: NodePower,
        node: &NodeRef,
    ) -> Result<(), Error> {
        let (last, form): (_, &[(&str, &str)]) = match power {
            NodePower::Reboot => ("status", &[("command", "reboot")]),
            NodePower::Shutdown => ("status", &[("command", "shutdown")]),
            NodePower::Wake => ("wakeonlan", &[]),
        };
        let write = Write {
            right: power.right(),
            target: TargetKey::Node(node.clone()),
            verb: Verb::Post,
            path: ApiPath::new(&["nodes", node.node.as_str(), last]),
            form,
        };
        let _: IgnoredAny = self.write(permit, write).await?;
        Ok(())
    }

    /// How many packages wait to be installed, as far as the node's last look at its sources tells.
    /// `None`: not visible to this token. Needs `Sys.Modify` on `/nodes/{node}`, though it only reads.
    ///
    /// # Errors
    ///
    /// As every read: see [`Error`].
    pub(super) async fn updates(&self, node: &NodeName) -> Result<Option<usize>, Error> {
        let path = ApiPath::new(&["nodes", node.as_str(), "apt", "update"]);
        let rows: Result<Vec<Object<PackageRow>>, Error> =
            self.get_protected(Lane::Look(node), &path).await;
        match rows {
            Ok(rows) => {
                let packages = rows.iter().filter_map(|row| row.0.as_ref()?.package);
                Ok(Some(packages.count()))
            }
            Err(Error::Refused { status: 403, .. }) => Ok(None),
            Err(error) => Err(error),
        }
    }
}
