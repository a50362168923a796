//! A guest as the cluster knows it, and how tests describe one.

use std::collections::BTreeMap;
use std::time::{Duration, SystemTime};

use crate::agent::{Agent, Interface};
use crate::fresh;
use crate::snapshot::Snapshot;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Vm,
    Ct,
}

impl Kind {
    /// As in paths and ids: `qemu/100`.
    pub fn path(self) -> &'static str {
        match self {
            Kind::Vm => "qemu",
            Kind::Ct => "lxc",
        }
    }

    /// As in error texts: `VM 100 not running`.
    pub(crate) fn label(self) -> &'static str {
        match self {
            Kind::Vm => "VM",
            Kind::Ct => "CT",
        }
    }

    /// Before the number of a guest without a name.
    pub(crate) fn unnamed(self) -> &'static str {
        match self {
            Kind::Vm => "VM ",
            Kind::Ct => "CT",
        }
    }

    /// As in task types: `qmstart`, `vzstart`.
    pub(crate) fn task(self, verb: &str) -> String {
        match self {
            Kind::Vm => format!("qm{verb}"),
            Kind::Ct => format!("vz{verb}"),
        }
    }
}

// A guest has that many yes-or-no properties.
#[allow(clippy::struct_excessive_bools)]
#[derive(Clone, Debug, PartialEq)]
pub struct Guest {
    pub vmid: u32,
    pub kind: Kind,
    pub name: String,
    pub node: String,
    /// The QMP state for VMs (`running`, `stopped`, `paused`, `io-error` ...: an open set).
    pub state: String,
    /// Since when it runs; meaningless while stopped.
    pub since: SystemTime,
    pub cores: f64,
    /// Containers with only a limit report their cores as a string.
    pub cpulimit: Option<String>,
    pub maxmem: u64,
    pub maxdisk: u64,
    pub tags: Vec<String>,
    pub pool: Option<String>,
    pub template: bool,
    pub lock: Option<String>,
    /// `hastate` when HA-managed: `started`, `stopped`, `request_start`, `error` ...
    pub ha: Option<String>,
    /// The configuration says that there is a guest agent; what it does is in `agent_state`.
    pub agent: bool,
    pub agent_state: Agent,
    /// What the guest has beside its loopback, which is always there while it runs.
    pub interfaces: Vec<Interface>,
    /// Of the configuration, beyond what is a field here: see [`Guest::set`].
    pub options: BTreeMap<String, String>,
    pub snapshots: Vec<Snapshot>,
    /// The snapshot that the present state comes from.
    pub parent: Option<String>,
    /// A shutdown request goes unheard: the task runs into its time limit.
    pub ignores_shutdown: bool,
    /// Somebody else holds the configuration lock: tasks fail with `can't lock file`.
    pub config_busy: bool,
    /// Fixed figures instead of the drifting ones: fraction of `cores`, bytes.
    pub cpu: Option<f64>,
    pub mem: Option<u64>,
}

impl Guest {
    pub fn vm(vmid: u32, name: &str, node: &str) -> Guest {
        Guest {
            vmid,
            kind: Kind::Vm,
            name: name.into(),
            node: node.into(),
            state: "stopped".into(),
            since: SystemTime::now(),
            cores: 4.0,
            cpulimit: None,
            maxmem: 8 << 30,
            maxdisk: 64 << 30,
            tags: Vec::new(),
            pool: None,
            template: false,
            lock: None,
            ha: None,
            agent: true,
            agent_state: Agent::Answers,
            interfaces: vec![Interface::first(Kind::Vm, vmid, &[])],
            options: fresh::options(Kind::Vm, vmid),
            snapshots: Vec::new(),
            parent: None,
            ignores_shutdown: false,
            config_busy: false,
            cpu: None,
            mem: None,
        }
    }

    pub fn ct(vmid: u32, name: &str, node: &str) -> Guest {
        Guest {
            kind: Kind::Ct,
            cores: 2.0,
            maxmem: 1 << 30,
            maxdisk: 8 << 30,
            agent: false,
            interfaces: vec![Interface::first(Kind::Ct, vmid, &[])],
            options: fresh::options(Kind::Ct, vmid),
            ..Guest::vm(vmid, name, node)
        }
    }

    /// Running for `hours` already.
    #[must_use]
    pub fn running(mut self, hours: u64) -> Guest {
        self.state = "running".into();
        self.since = SystemTime::now() - Duration::from_secs(hours * 3600 + u64::from(self.vmid));
        self
    }

    #[must_use]
    pub fn tags(mut self, tags: &[&str]) -> Guest {
        self.tags = tags.iter().map(ToString::to_string).collect();
        self
    }

    #[must_use]
    pub fn pool(mut self, pool: &str) -> Guest {
        self.pool = Some(pool.into());
        self
    }

    #[must_use]
    pub fn template(mut self) -> Guest {
        self.template = true;
        self
    }

    #[must_use]
    pub fn locked(mut self, lock: &str) -> Guest {
        self.lock = Some(lock.into());
        self
    }

    #[must_use]
    pub fn ha(mut self, state: &str) -> Guest {
        self.ha = Some(state.into());
        self
    }

    /// There is a process, whatever it does: paused and broken guests count.
    pub fn is_up(&self) -> bool {
        self.state != "stopped"
    }

    /// The HA stack decides when it runs.
    pub fn is_ha(&self) -> bool {
        self.ha.as_deref().is_some_and(|state| state != "ignored")
    }

    /// Neither shutdown nor reboot would be heard.
    pub(crate) fn is_paused(&self) -> bool {
        matches!(self.state.as_str(), "paused" | "prelaunch")
    }

    pub fn uptime(&self) -> u64 {
        if !self.is_up() {
            return 0;
        }
        self.since.elapsed().map_or(0, |age| age.as_secs())
    }

    pub(crate) fn start(&mut self) {
        self.state = "running".into();
        self.since = SystemTime::now();
    }

    pub(crate) fn stop(&mut self) {
        self.state = "stopped".into();
    }

    /// `nodes/pve1/qemu-server/100.conf`, or what is said when there is none.
    pub(crate) fn no_config(kind: Kind, node: &str, vmid: u32) -> String {
        let folder = match kind {
            Kind::Vm => "qemu-server",
            Kind::Ct => "lxc",
        };
        format!("Configuration file 'nodes/{node}/{folder}/{vmid}.conf' does not exist")
    }
}
