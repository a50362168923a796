//! The endpoints of nodes that are not about one guest: storages, backups, power; and what the
//! cluster as a whole knows of them.

use crate::api::{backup, ha, node_power, storage, tasks};
use crate::formats;
use crate::params::Type::{Boolean, Custom, Integer, List, Needing, Node, OneOf, Text, Vmid};
use crate::params::{Param, Type, optional, required};
use crate::routes::{NODE, Route, get, guarded};

const STORAGE: Param = required("storage", Custom(formats::storage_id));
const ANY: Type = Integer { min: i64::MIN };
const COUNT: Type = Integer { min: 0 };

const VZDUMP: &[Param] = &[
    NODE,
    optional("all", Boolean),
    optional("bwlimit", COUNT),
    optional("compress", OneOf(&["0", "1", "gzip", "lzo", "zstd"])),
    optional("dumpdir", Text),
    optional("exclude", Custom(formats::vmids)),
    optional("exclude-path", List),
    optional("fleecing", Text),
    optional("ionice", Custom(formats::io_nice)),
    optional("job-id", Custom(formats::job_id)),
    optional("lockwait", COUNT),
    optional("mailnotification", OneOf(&["always", "failure"])),
    optional("mailto", Text),
    optional("mode", OneOf(&["snapshot", "suspend", "stop"])),
    optional(
        "notes-template",
        Needing("storage", &Custom(formats::notes_template)),
    ),
    optional(
        "notification-mode",
        OneOf(&["auto", "legacy-sendmail", "notification-system"]),
    ),
    optional(
        "pbs-change-detection-mode",
        OneOf(&["legacy", "data", "metadata"]),
    ),
    optional("performance", Text),
    optional("pigz", ANY),
    optional("pool", Text),
    optional("protected", Needing("storage", &Boolean)),
    optional("prune-backups", Custom(formats::retention)),
    optional("quiet", Boolean),
    optional("remove", Boolean),
    optional("script", Text),
    optional("stdexcludes", Boolean),
    optional("stdout", Boolean),
    optional("stop", Boolean),
    optional("stopwait", COUNT),
    optional("storage", Custom(formats::storage_id)),
    optional("tmpdir", Text),
    optional("vmid", Custom(formats::vmids)),
    optional("zstd", ANY),
];

pub(crate) static ROUTES: &[Route] = &[
    get(
        "/nodes/{node}/storage",
        &[
            NODE,
            optional("content", Custom(formats::contents)),
            optional("enabled", Boolean),
            optional("format", Boolean),
            optional("storage", Custom(formats::storage_id)),
            optional("target", Node),
        ],
        storage::index,
    ),
    get("/storage", &[optional("type", Text)], storage::settings),
    Route {
        check: Some(storage::may_see),
        ..get(
            "/nodes/{node}/storage/{storage}/status",
            &[NODE, STORAGE],
            storage::status,
        )
    },
    Route {
        check: Some(storage::may_see),
        ..get(
            "/nodes/{node}/storage/{storage}/content",
            &[
                NODE,
                STORAGE,
                optional("content", Custom(formats::content)),
                optional("vmid", Vmid),
            ],
            storage::content,
        )
    },
    Route {
        method: "POST",
        ..get("/nodes/{node}/vzdump", VZDUMP, backup::vzdump)
    },
    guarded(
        get(
            "/cluster/backup-info/not-backed-up",
            &[],
            backup::not_backed_up,
        ),
        "/",
        "Sys.Audit",
    ),
    guarded(get("/cluster/backup", &[], backup::jobs), "/", "Sys.Audit"),
    get("/cluster/tasks", &[], tasks::of_cluster),
    get("/cluster/options", &[], ha::options),
    Route {
        since: (9, 0),
        ..guarded(
            get(
                "/cluster/ha/rules",
                &[
                    optional("type", OneOf(&["node-affinity", "resource-affinity"])),
                    optional("resource", Text),
                ],
                ha::rules,
            ),
            "/",
            "Sys.Audit",
        )
    },
    guarded(get("/cluster/ha/groups", &[], ha::groups), "/", "Sys.Audit"),
    guarded(
        get(
            "/cluster/ha/resources",
            &[optional("type", OneOf(&["ct", "vm"]))],
            ha::resources,
        ),
        "/",
        "Sys.Audit",
    ),
    Route {
        method: "POST",
        ..guarded(
            get(
                "/nodes/{node}/status",
                &[NODE, required("command", OneOf(&["reboot", "shutdown"]))],
                node_power::command,
            ),
            "/nodes/{node}",
            "Sys.PowerMgmt",
        )
    },
    Route {
        method: "POST",
        proxied: false,
        ..guarded(
            get("/nodes/{node}/wakeonlan", &[NODE], node_power::wake),
            "/nodes/{node}",
            "Sys.PowerMgmt",
        )
    },
    guarded(
        get("/nodes/{node}/apt/update", &[NODE], node_power::updates),
        "/nodes/{node}",
        "Sys.Modify",
    ),
];
