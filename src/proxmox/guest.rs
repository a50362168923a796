//! One guest: what it does right now.

use std::fmt;
use std::time::Duration;

use serde::Deserialize;
use tokio::time::Instant;

use super::path::ApiPath;
use super::perl::{Object, Scalar};
use super::turns::Lane;
use super::{Client, Error};
use crate::ids::{Kind, NodeName, Vmid};

/// What a guest does. QEMU has many more words than these, and new versions bring others.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum RunState {
    Running,
    Stopped,
    Paused,
    Suspended,
    /// Its node does not tell.
    Unknown,
    /// `prelaunch`, `io-error`, `guest-panicked` ...
    Other(String),
}

impl RunState {
    /// Proxmox's word.
    #[must_use]
    pub fn as_str(&self) -> &str {
        match self {
            Self::Running => "running",
            Self::Stopped => "stopped",
            Self::Paused => "paused",
            Self::Suspended => "suspended",
            Self::Unknown => "unknown",
            Self::Other(word) => word,
        }
    }

    pub(super) fn read(word: &Scalar) -> Self {
        match word.text().as_deref() {
            Some("running") => Self::Running,
            Some("stopped") => Self::Stopped,
            Some("paused") => Self::Paused,
            Some("suspended") => Self::Suspended,
            Some("unknown") | None => Self::Unknown,
            Some(other) => Self::Other(other.to_owned()),
        }
    }
}

impl fmt::Display for RunState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// `GET /nodes/{node}/{qemu|lxc}/{vmid}/status/current`. What is absent, Proxmox did not tell.
#[derive(Debug, Clone, PartialEq)]
pub struct GuestNow {
    /// When it was asked for.
    pub taken: Instant,
    /// `running` or `stopped`.
    pub status: RunState,
    /// QEMU's finer word: paused, prelaunch, io-error ...
    pub qmpstatus: Option<RunState>,
    /// `backup`, `migrate`, `snapshot` ...
    pub lock: Option<String>,
    /// The HA manager decides over its power: orders are requests.
    pub ha_managed: bool,
    /// `started`, `stopped`, `error` ... where the HA manager has it.
    pub ha_state: Option<String>,
    pub template: bool,
    pub name: Option<String>,
    pub tags: Vec<String>,
    /// Of the process, while a VM runs; a new one means that it was started anew.
    pub pid: Option<u64>,
    pub uptime: Option<Duration>,
    /// Share of `cpus`, 0 to 1; often stale or 0 at the first look, the snapshot's is better.
    pub cpu: Option<f64>,
    pub cpus: Option<f64>,
    /// Bytes, as all below. May exceed `maxmem` (the host's view).
    pub mem: Option<u64>,
    pub maxmem: Option<u64>,
    /// Always 0 for a VM: only a container's root disk is known.
    pub disk: Option<u64>,
    pub maxdisk: Option<u64>,
    /// The guest agent is switched on in the configuration.
    pub agent: bool,
}

impl GuestNow {
    /// The finest word there is.
    #[must_use]
    pub fn state(&self) -> &RunState {
        self.qmpstatus.as_ref().unwrap_or(&self.status)
    }
}

#[derive(Deserialize)]
#[serde(default)]
#[derive(Default)]
struct NowRow {
    status: Scalar,
    qmpstatus: Scalar,
    lock: Scalar,
    ha: Object<HaRow>,
    template: Scalar,
    name: Scalar,
    tags: Scalar,
    pid: Scalar,
    uptime: Scalar,
    cpu: Scalar,
    cpus: Scalar,
    mem: Scalar,
    maxmem: Scalar,
    disk: Scalar,
    maxdisk: Scalar,
    agent: Scalar,
}

#[derive(Clone, Default, Deserialize)]
#[serde(default)]
struct HaRow {
    managed: Scalar,
    state: Scalar,
}

impl NowRow {
    fn read(&self, taken: Instant) -> GuestNow {
        let ha = self.ha.0.clone().unwrap_or_default();
        GuestNow {
            taken,
            status: RunState::read(&self.status),
            qmpstatus: self
                .qmpstatus
                .text()
                .map(|_| RunState::read(&self.qmpstatus)),
            lock: self.lock.text(),
            ha_managed: ha.managed.flag(),
            ha_state: ha.state.text(),
            template: self.template.flag(),
            name: self.name.text(),
            tags: self.tags.tags(),
            pid: self.pid.whole(),
            uptime: self.uptime.seconds(),
            cpu: self.cpu.number(),
            cpus: self.cpus.number(),
            mem: self.mem.whole(),
            maxmem: self.maxmem.whole(),
            disk: self.disk.whole(),
            maxdisk: self.maxdisk.whole(),
            agent: self.agent.flag(),
        }
    }
}

/// `/nodes/{node}/{qemu|lxc}/{vmid}/..`.
pub(super) fn guest_path(kind: Kind, node: &NodeName, vmid: Vmid, rest: &[&str]) -> ApiPath {
    let vmid = vmid.to_string();
    let mut segments = vec!["nodes", node.as_str(), kind.api(), &vmid];
    segments.extend(rest);
    ApiPath::new(&segments)
}

impl Client {
    /// Needs `VM.Audit` on `/vms/{vmid}`. [`Inventory::guest_now`](super::Inventory::guest_now)
    /// shares the answer among those who ask at the same time.
    ///
    /// # Errors
    ///
    /// As every read: see [`Error`]. A guest that is gone, or elsewhere, is a 500.
    pub async fn guest_now(
        &self,
        kind: Kind,
        node: &NodeName,
        vmid: Vmid,
    ) -> Result<GuestNow, Error> {
        self.guest_now_in(Lane::Look(node), kind, node, vmid).await
    }

    /// The same, before and after a write.
    pub(super) async fn guest_now_to_act(
        &self,
        kind: Kind,
        node: &NodeName,
        vmid: Vmid,
    ) -> Result<GuestNow, Error> {
        self.guest_now_in(Lane::Act(node), kind, node, vmid).await
    }

    async fn guest_now_in(
        &self,
        lane: Lane<'_>,
        kind: Kind,
        node: &NodeName,
        vmid: Vmid,
    ) -> Result<GuestNow, Error> {
        let taken = Instant::now();
        let path = guest_path(kind, node, vmid, &["status", "current"]);
        let row: NowRow = self.get_protected(lane, &path).await?;
        Ok(row.read(taken))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn now(json: &str) -> GuestNow {
        serde_json::from_str::<NowRow>(json)
            .unwrap()
            .read(Instant::now())
    }

    #[test]
    fn a_vm_tells_its_finer_state() {
        let vm = now(
            r#"{"vmid":100,"status":"running","qmpstatus":"paused","ha":{"managed":1,
            "state":"started"},"pid":"4711","cpus":4,"cpu":0.02,"mem":"1024","maxmem":4096,
            "tags":"games;lab","agent":1,"lock":"backup","uptime":12}"#,
        );
        assert_eq!(
            (&vm.status, vm.state()),
            (&RunState::Running, &RunState::Paused)
        );
        assert!(vm.ha_managed && vm.agent && !vm.template);
        assert_eq!(
            (vm.pid, vm.mem, vm.lock.as_deref()),
            (Some(4711), Some(1024), Some("backup"))
        );
        assert_eq!(vm.tags, ["games", "lab"]);
        assert_eq!(vm.uptime, Some(Duration::from_secs(12)));
    }

    #[test]
    fn a_container_may_have_fractions_and_strings() {
        let ct = now(r#"{"status":"stopped","cpus":"1.5","ha":{"managed":0},"template":"1"}"#);
        assert_eq!((ct.state(), ct.cpus), (&RunState::Stopped, Some(1.5)));
        assert!(ct.template && !ct.ha_managed);
    }

    #[test]
    fn states_are_an_open_set() {
        let vm = now(r#"{"status":"running","qmpstatus":"guest-dreams","ha":[]}"#);
        assert_eq!(vm.state(), &RunState::Other("guest-dreams".to_owned()));
        assert_eq!(now("{}").status, RunState::Unknown);
    }
}
