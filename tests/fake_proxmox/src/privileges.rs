//! The privileges that exist, and the roles that Proxmox makes of them by itself.

use std::collections::{BTreeMap, BTreeSet};

use crate::users::Roles;

pub(crate) const NO_ACCESS: &str = "NoAccess";
const ADMINISTRATOR: &str = "Administrator";

/// Privileges of one area: for root alone, for its administrators, its users, its auditors.
struct Area {
    name: &'static str,
    root: &'static [&'static str],
    admin: &'static [&'static str],
    user: &'static [&'static str],
    audit: &'static [&'static str],
}

const AREAS: &[Area] = &[
    Area {
        name: "VM",
        root: &[],
        admin: &[
            "VM.Allocate",
            "VM.Clone",
            "VM.Config.CPU",
            "VM.Config.Disk",
            "VM.Config.HWType",
            "VM.Config.Memory",
            "VM.Config.Network",
            "VM.Config.Options",
            "VM.GuestAgent.Unrestricted",
            "VM.Migrate",
            "VM.Monitor",
            "VM.Replicate",
            "VM.Snapshot",
            "VM.Snapshot.Rollback",
        ],
        user: &[
            "VM.Backup",
            "VM.Config.CDROM",
            "VM.Config.Cloudinit",
            "VM.Console",
            "VM.GuestAgent.FileRead",
            "VM.GuestAgent.FileSystemMgmt",
            "VM.GuestAgent.FileWrite",
            "VM.PowerMgmt",
        ],
        audit: &["VM.Audit", "VM.GuestAgent.Audit"],
    },
    Area {
        name: "Sys",
        root: &[
            "Sys.AccessNetwork",
            "Sys.Incoming",
            "Sys.Modify",
            "Sys.PowerMgmt",
        ],
        admin: &["Sys.Console", "Sys.Syslog"],
        user: &[],
        audit: &["Sys.Audit"],
    },
    Area {
        name: "Datastore",
        root: &[],
        admin: &["Datastore.Allocate", "Datastore.AllocateTemplate"],
        user: &["Datastore.AllocateSpace"],
        audit: &["Datastore.Audit"],
    },
    Area {
        name: "SDN",
        root: &[],
        admin: &["SDN.Allocate", "SDN.Audit"],
        user: &["SDN.Use"],
        audit: &["SDN.Audit"],
    },
    Area {
        name: "User",
        root: &["Realm.Allocate"],
        admin: &["Group.Allocate", "Realm.AllocateUser", "User.Modify"],
        user: &[],
        audit: &[],
    },
    Area {
        name: "Pool",
        root: &[],
        admin: &["Pool.Allocate"],
        user: &["Pool.Audit"],
        audit: &["Pool.Audit"],
    },
    Area {
        name: "Mapping",
        root: &[],
        admin: &["Mapping.Modify"],
        user: &["Mapping.Use"],
        audit: &["Mapping.Audit"],
    },
];

/// In no area, and in no list of an area's roles, but part of everything.
const LOOSE: &str = "Permissions.Modify";

/// Version 9 split what the guest agent may do off `VM.Monitor` and dropped that.
fn exists(version: (u8, u8), name: &str) -> bool {
    match name {
        "VM.Monitor" => version.0 < 9,
        "VM.Replicate" => version.0 >= 9,
        _ => version.0 >= 9 || !name.starts_with("VM.GuestAgent."),
    }
}

pub(crate) fn is_known(version: (u8, u8), name: &str) -> bool {
    let listed = |area: &Area| {
        [area.root, area.admin, area.user, area.audit]
            .concat()
            .contains(&name)
    };
    exists(version, name) && (name == LOOSE || AREAS.iter().any(listed))
}

/// Made by Proxmox, so nobody can change or delete it.
pub(crate) fn is_built_in(version: (u8, u8), role: &str) -> bool {
    built_in(version).contains_key(role)
}

pub(crate) fn built_in(version: (u8, u8)) -> Roles {
    let mut roles: Roles = BTreeMap::from([(NO_ACCESS.into(), BTreeSet::new())]);
    let mut give = |role: &str, lists: &[&[&str]]| {
        let known = lists.concat().into_iter();
        let known = known.filter(|name| exists(version, name));
        roles
            .entry(role.into())
            .or_default()
            .extend(known.map(String::from));
    };
    for area in AREAS {
        let Area {
            name,
            root,
            admin,
            user,
            audit,
        } = area;
        give(ADMINISTRATOR, &[root, admin, user, audit]);
        give(&format!("PVE{name}Admin"), &[admin, user, audit]);
        give("PVEAdmin", &[admin, user, audit]);
        give("PVEAuditor", &[audit]);
        if !user.is_empty() {
            give(&format!("PVE{name}User"), &[user, audit]);
        }
    }
    give(ADMINISTRATOR, &[&[LOOSE]]);
    give("PVETemplateUser", &[&["VM.Audit", "VM.Clone"]]);
    if let Some(admin) = roles.get_mut("PVEAdmin") {
        admin.remove("Mapping.Modify");
    }
    roles
}

#[cfg(test)]
mod tests {
    use super::*;

    fn held(version: (u8, u8), role: &str) -> String {
        let roles = built_in(version);
        let held: Vec<&str> = roles[role].iter().map(String::as_str).collect();
        held.join(" ")
    }

    #[test]
    fn roles_as_proxmox_makes_them() {
        let auditor = "Datastore.Audit Mapping.Audit Pool.Audit SDN.Audit Sys.Audit VM.Audit";
        assert_eq!(
            held((9, 2), "PVEAuditor"),
            format!("{auditor} VM.GuestAgent.Audit")
        );
        assert_eq!(held((8, 4), "PVEAuditor"), auditor);
        assert_eq!(
            held((8, 4), "PVEVMUser"),
            "VM.Audit VM.Backup VM.Config.CDROM VM.Config.Cloudinit VM.Console VM.PowerMgmt"
        );
        assert_eq!(
            held((9, 2), "PVESysAdmin"),
            "Sys.Audit Sys.Console Sys.Syslog"
        );
        assert_eq!(held((9, 2), "NoAccess"), "");
        assert!(held((8, 4), "PVEVMAdmin").contains("VM.Monitor"));
        assert!(!held((9, 2), ADMINISTRATOR).contains("VM.Monitor"));
        assert!(!held((9, 2), "PVEAdmin").contains("Mapping.Modify"));
    }
}
