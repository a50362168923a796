//! One node: its figures in full.

use std::time::Duration;

use serde::Deserialize;

use super::path::ApiPath;
use super::perl::{Object, Scalar};
use super::turns::Lane;
use super::{Client, Error};
use crate::ids::NodeName;

/// `GET /nodes/{node}/status`. What is absent, Proxmox did not tell. Sizes in bytes.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct NodeStatus {
    /// Share of all cores, 0 to 1.
    pub cpu: Option<f64>,
    /// Time spent waiting for disks, 0 to 1.
    pub io_wait: Option<f64>,
    /// Logical cores.
    pub cpus: Option<u64>,
    pub model: Option<String>,
    /// Over 1, 5 and 15 minutes.
    pub load: Option<[f64; 3]>,
    pub mem: Option<u64>,
    pub maxmem: Option<u64>,
    pub swap: Option<u64>,
    pub maxswap: Option<u64>,
    /// The root file system.
    pub disk: Option<u64>,
    pub maxdisk: Option<u64>,
    pub uptime: Option<Duration>,
    /// `9.2.11` of `pve-manager/9.2.11/14a22df3`.
    pub version: Option<String>,
    /// `6.17.2-1-pve`
    pub kernel: Option<String>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct StatusRow {
    cpu: Scalar,
    wait: Scalar,
    cpuinfo: Object<CpuRow>,
    loadavg: Option<Vec<Scalar>>,
    memory: Object<SpaceRow>,
    swap: Object<SpaceRow>,
    rootfs: Object<SpaceRow>,
    uptime: Scalar,
    pveversion: Scalar,
    #[serde(rename = "current-kernel")]
    kernel: Object<KernelRow>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct CpuRow {
    cpus: Scalar,
    model: Scalar,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct SpaceRow {
    used: Scalar,
    total: Scalar,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct KernelRow {
    release: Scalar,
}

impl From<StatusRow> for NodeStatus {
    fn from(row: StatusRow) -> Self {
        let cpu = row.cpuinfo.0.unwrap_or_default();
        let [memory, swap, root] =
            [row.memory, row.swap, row.rootfs].map(|space| space.0.unwrap_or_default());
        let load: Option<Vec<f64>> = row
            .loadavg
            .unwrap_or_default()
            .iter()
            .map(Scalar::number)
            .collect();
        let version = row.pveversion.text();
        Self {
            cpu: row.cpu.number(),
            io_wait: row.wait.number(),
            cpus: cpu.cpus.whole(),
            model: cpu.model.text(),
            load: load.and_then(|load| load.try_into().ok()),
            mem: memory.used.whole(),
            maxmem: memory.total.whole(),
            swap: swap.used.whole(),
            maxswap: swap.total.whole(),
            disk: root.used.whole(),
            maxdisk: root.total.whole(),
            uptime: row.uptime.seconds(),
            version: version.map(|text| text.split('/').nth(1).unwrap_or(&text).to_owned()),
            kernel: row.kernel.0.unwrap_or_default().release.text(),
        }
    }
}

impl Client {
    /// Needs `Sys.Audit` on `/nodes/{node}`.
    ///
    /// # Errors
    ///
    /// As every read: see [`Error`]; [`Error::unreachable_node`] if the node is off.
    pub async fn node_status(&self, node: &NodeName) -> Result<NodeStatus, Error> {
        let path = ApiPath::new(&["nodes", node.as_str(), "status"]);
        let row: StatusRow = self.get_protected(Lane::Look(node), &path).await?;
        Ok(row.into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_node_sends_numbers_as_strings() {
        let row: StatusRow = serde_json::from_str(
            r#"{"cpu":0.03,"wait":0,"loadavg":["0.10","0.20","0.30"],"uptime":"60",
            "memory":{"used":1,"total":"2","free":1},"swap":[],"rootfs":{"used":3,"total":4},
            "cpuinfo":{"cpus":8,"model":"N100","mhz":"800.1"},"ksm":{"shared":0},
            "pveversion":"pve-manager/9.2.11/14a22df3","current-kernel":{"release":"6.17"}}"#,
        )
        .unwrap();
        let status = NodeStatus::from(row);
        assert_eq!(status.load, Some([0.1, 0.2, 0.3]));
        assert_eq!(
            (status.mem, status.maxmem, status.swap),
            (Some(1), Some(2), None)
        );
        assert_eq!(status.version.as_deref(), Some("9.2.11"));
        assert_eq!(status.kernel.as_deref(), Some("6.17"));
        assert_eq!(status.uptime, Some(Duration::from_mins(1)));
    }

    #[test]
    fn nothing_is_not_zero() {
        let row: StatusRow = serde_json::from_str("{\"loadavg\":[\"x\"]}").unwrap();
        assert_eq!(NodeStatus::from(row), NodeStatus::default());
    }
}
