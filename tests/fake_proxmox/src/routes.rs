//! The table of endpoints: path, privilege, parameters, handler. Those of users and of whole nodes
//! have files of their own.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::access::Caller;
use crate::answer::{Refusal, Reply};
use crate::api::{access, agent, cluster, config, guests, nodes, snapshots, tasks};
use crate::formats;
use crate::gate::Call;
use crate::params::Type::{Boolean, Custom, Integer, Node, OneOf, SnapshotName, Text, Vmid};
use crate::params::{Param, optional, required};
use crate::state::State;
use crate::{routes_access, routes_node};

/// With the parameters as given: nobody has looked at them yet.
pub(crate) type Check = fn(&State, &Caller, &Given) -> Result<(), Refusal>;
pub(crate) type Given = BTreeMap<String, Value>;
pub(crate) type Handler = fn(&mut State, &Call) -> Result<Reply, Refusal>;

#[derive(Clone, Copy)]
pub(crate) struct Route {
    pub method: &'static str,
    /// Older versions do not have it.
    pub since: (u8, u8),
    /// Segments in braces are parameters; `{kind}` is `qemu` or `lxc` and not a parameter.
    pub path: &'static str,
    /// Path and privilege (`A|B`: either), checked before anything else; None: any valid login.
    pub needs: Option<(&'static str, &'static str)>,
    /// A check that is more than one privilege on one path, after that.
    pub check: Option<Check>,
    /// Carried out by the node in its path; what is not, the entry node does.
    pub proxied: bool,
    pub params: &'static [Param],
    /// Takes [`Route::params`] for VMs and these for containers.
    pub ct_params: Option<&'static [Param]>,
    pub handler: Handler,
}

pub(crate) const NODE: Param = required("node", Node);
const VMID: Param = required("vmid", Vmid);
const UPID: Param = required("upid", Text);
const SKIPLOCK: Param = optional("skiplock", Boolean);
const TIMEOUT: Param = optional("timeout", Integer { min: 0 });
const START: Param = optional("start", Integer { min: 0 });
const LIMIT: Param = optional("limit", Integer { min: 0 });

const TASKS: &[Param] = &[
    NODE,
    START,
    LIMIT,
    optional("errors", Boolean),
    optional("since", Integer { min: i64::MIN }),
    optional("until", Integer { min: i64::MIN }),
    optional("source", OneOf(&["archive", "active", "all"])),
    optional("statusfilter", Custom(formats::task_states)),
    optional("typefilter", Text),
    optional("userfilter", Text),
    optional("vmid", Vmid),
];

const AUDIT: Option<(&str, &str)> = Some(("/vms/{vmid}", "VM.Audit"));
const POWER: Option<(&str, &str)> = Some(("/vms/{vmid}", "VM.PowerMgmt"));

const SNAPSHOT: Option<(&str, &str)> = Some(("/vms/{vmid}", "VM.Snapshot"));
const ROLLBACK: Option<(&str, &str)> = Some(("/vms/{vmid}", "VM.Snapshot|VM.Snapshot.Rollback"));
const AGENT: Option<(&str, &str)> = Some((
    "/vms/{vmid}",
    "VM.GuestAgent.Audit|VM.GuestAgent.Unrestricted",
));
const SNAPNAME: Param = required("snapname", SnapshotName);
const DESCRIPTION: Param = optional("description", Text);

pub(crate) const fn get(path: &'static str, params: &'static [Param], handler: Handler) -> Route {
    Route {
        method: "GET",
        since: (0, 0),
        path,
        needs: None,
        check: None,
        proxied: true,
        params,
        ct_params: None,
        handler,
    }
}

pub(crate) const fn guarded(route: Route, path: &'static str, privilege: &'static str) -> Route {
    Route {
        needs: Some((path, privilege)),
        ..route
    }
}

const fn power(
    path: &'static str,
    vm: &'static [Param],
    ct: &'static [Param],
    handler: Handler,
) -> Route {
    Route {
        method: "POST",
        since: (0, 0),
        path,
        needs: POWER,
        check: None,
        proxied: true,
        params: vm,
        ct_params: Some(ct),
        handler,
    }
}

/// The whole API, as far as the fake has it.
pub(crate) fn all() -> impl Iterator<Item = &'static Route> {
    let more = routes_access::ROUTES.iter().chain(routes_node::ROUTES);
    ROUTES.iter().chain(more)
}

static ROUTES: &[Route] = &[
    get("/version", &[], cluster::version),
    get(
        "/access/permissions",
        &[optional("path", Text), optional("userid", Text)],
        access::permissions,
    ),
    get(
        "/cluster/resources",
        &[optional("type", OneOf(&["vm", "storage", "node", "sdn"]))],
        cluster::resources,
    ),
    guarded(
        get("/cluster/status", &[], cluster::status),
        "/",
        "Sys.Audit",
    ),
    get("/nodes", &[], nodes::list),
    guarded(
        get("/nodes/{node}/status", &[NODE], nodes::status),
        "/nodes/{node}",
        "Sys.Audit",
    ),
    get("/nodes/{node}/version", &[NODE], nodes::version),
    get(
        "/nodes/{node}/certificates/info",
        &[NODE],
        nodes::certificates,
    ),
    get(
        "/nodes/{node}/qemu",
        &[NODE, optional("full", Boolean)],
        guests::list_vms,
    ),
    get("/nodes/{node}/lxc", &[NODE], guests::list_cts),
    Route {
        needs: AUDIT,
        ..get(
            "/nodes/{node}/{kind}/{vmid}/status/current",
            &[NODE, VMID],
            guests::current,
        )
    },
    power(
        "/nodes/{node}/{kind}/{vmid}/status/start",
        &[
            NODE,
            VMID,
            SKIPLOCK,
            TIMEOUT,
            optional("force-cpu", Text),
            optional("machine", Text),
            optional("migratedfrom", Node),
            optional("migration_network", Text),
            optional("migration_type", OneOf(&["secure", "insecure"])),
            optional("nets-host-mtu", Text),
            optional("stateuri", Text),
            optional("targetstorage", Text),
            optional("with-conntrack-state", Boolean),
        ],
        &[NODE, VMID, SKIPLOCK, optional("debug", Boolean)],
        guests::start,
    ),
    power(
        "/nodes/{node}/{kind}/{vmid}/status/stop",
        &[
            NODE,
            VMID,
            SKIPLOCK,
            TIMEOUT,
            optional("keepActive", Boolean),
            optional("migratedfrom", Node),
            optional("overrule-shutdown", Boolean),
        ],
        &[NODE, VMID, SKIPLOCK, optional("overrule-shutdown", Boolean)],
        guests::stop,
    ),
    power(
        "/nodes/{node}/{kind}/{vmid}/status/shutdown",
        &[
            NODE,
            VMID,
            SKIPLOCK,
            TIMEOUT,
            optional("forceStop", Boolean),
            optional("keepActive", Boolean),
        ],
        &[NODE, VMID, TIMEOUT, optional("forceStop", Boolean)],
        guests::shutdown,
    ),
    power(
        "/nodes/{node}/{kind}/{vmid}/status/reboot",
        &[NODE, VMID, TIMEOUT],
        &[NODE, VMID, TIMEOUT],
        guests::reboot,
    ),
    power(
        "/nodes/{node}/qemu/{vmid}/status/reset",
        &[NODE, VMID, SKIPLOCK],
        &[],
        guests::reset,
    ),
    power(
        "/nodes/{node}/{kind}/{vmid}/status/suspend",
        &[
            NODE,
            VMID,
            SKIPLOCK,
            optional("statestorage", Text),
            optional("todisk", Boolean),
        ],
        &[NODE, VMID],
        guests::suspend,
    ),
    power(
        "/nodes/{node}/{kind}/{vmid}/status/resume",
        &[NODE, VMID, SKIPLOCK, optional("nocheck", Boolean)],
        &[NODE, VMID],
        guests::resume,
    ),
    // What is inside a guest: configuration, snapshots, agent.
    Route {
        needs: AUDIT,
        ..get(
            "/nodes/{node}/{kind}/{vmid}/config",
            &[
                NODE,
                VMID,
                optional("current", Boolean),
                optional("snapshot", SnapshotName),
            ],
            config::read,
        )
    },
    Route {
        needs: AUDIT,
        ..get(
            "/nodes/{node}/{kind}/{vmid}/snapshot",
            &[NODE, VMID],
            snapshots::list,
        )
    },
    Route {
        method: "POST",
        needs: SNAPSHOT,
        ct_params: Some(&[NODE, VMID, SNAPNAME, DESCRIPTION]),
        ..get(
            "/nodes/{node}/{kind}/{vmid}/snapshot",
            &[
                NODE,
                VMID,
                SNAPNAME,
                DESCRIPTION,
                optional("vmstate", Boolean),
            ],
            snapshots::take,
        )
    },
    Route {
        method: "DELETE",
        needs: SNAPSHOT,
        ..get(
            "/nodes/{node}/{kind}/{vmid}/snapshot/{snapname}",
            &[NODE, VMID, SNAPNAME, optional("force", Boolean)],
            snapshots::delete,
        )
    },
    Route {
        method: "POST",
        needs: ROLLBACK,
        ..get(
            "/nodes/{node}/{kind}/{vmid}/snapshot/{snapname}/rollback",
            &[NODE, VMID, SNAPNAME, optional("start", Boolean)],
            snapshots::rollback,
        )
    },
    Route {
        method: "POST",
        needs: AGENT,
        ..get(
            "/nodes/{node}/qemu/{vmid}/agent/ping",
            &[NODE, VMID],
            agent::ping,
        )
    },
    Route {
        needs: AGENT,
        ..get(
            "/nodes/{node}/qemu/{vmid}/agent/info",
            &[NODE, VMID],
            agent::info,
        )
    },
    Route {
        needs: AGENT,
        ..get(
            "/nodes/{node}/qemu/{vmid}/agent/get-osinfo",
            &[NODE, VMID],
            agent::osinfo,
        )
    },
    Route {
        needs: AGENT,
        ..get(
            "/nodes/{node}/qemu/{vmid}/agent/network-get-interfaces",
            &[NODE, VMID],
            agent::interfaces,
        )
    },
    Route {
        needs: AUDIT,
        ..get(
            "/nodes/{node}/lxc/{vmid}/interfaces",
            &[NODE, VMID],
            agent::ct_interfaces,
        )
    },
    get("/nodes/{node}/tasks", TASKS, tasks::list),
    Route {
        method: "DELETE",
        ..get("/nodes/{node}/tasks/{upid}", &[NODE, UPID], tasks::stop)
    },
    get(
        "/nodes/{node}/tasks/{upid}/status",
        &[NODE, UPID],
        tasks::status,
    ),
    get(
        "/nodes/{node}/tasks/{upid}/log",
        &[NODE, UPID, START, LIMIT, optional("download", Boolean)],
        tasks::log,
    ),
];
