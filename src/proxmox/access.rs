//! Who the token is: the version it meets and the privileges it has.

use std::collections::{BTreeMap, BTreeSet};

use serde::Deserialize;

use super::answer::{OF_ALL, OF_ONE, OF_PAGE};
use super::path::ApiPath;
use super::perl::{Object, Scalar};
use super::{Client, Error};
use crate::ids::RoleName;

/// `GET /version`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Version {
    /// `9.2`
    pub release: String,
    /// `9.2.11`
    pub version: String,
}

impl Version {
    /// `9` of `9.2`.
    #[must_use]
    pub fn major(&self) -> Option<u32> {
        let digits = |c: char| c.is_ascii_digit();
        let end = self
            .release
            .find(|c| !digits(c))
            .unwrap_or(self.release.len());
        self.release[..end].parse().ok()
    }
}

/// `GET /access/permissions`: what the token may do, on the paths that have an entry of their own.
/// A path that is not there inherits; [`Client::privileges_on`] answers for a single one.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Permissions {
    /// Path, privilege, and whether it also holds below the path.
    pub paths: BTreeMap<String, BTreeMap<String, bool>>,
}

impl Permissions {
    /// A token without any privilege: the commonest mistake of a set-up, because a token with
    /// separated privileges needs entries of its own besides its user's.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.paths.values().all(BTreeMap::is_empty)
    }

    /// Whether the privilege is held anywhere at all.
    #[must_use]
    pub fn anywhere(&self, privilege: &str) -> bool {
        self.paths.values().any(|held| held.contains_key(privilege))
    }

    /// Everything that is held anywhere, once.
    #[must_use]
    pub fn all(&self) -> BTreeSet<&str> {
        let held = self.paths.values().flat_map(BTreeMap::keys);
        held.map(String::as_str).collect()
    }

    /// Everything that is held anywhere below a path, though not on itself. Without what comes down to
    /// a path that has no entry: that is held on the path above it, too.
    #[must_use]
    pub fn below(&self, path: &str) -> BTreeSet<&str> {
        let inside = |other: &str| {
            let rest = other.strip_prefix(path.trim_end_matches('/'));
            rest.is_some_and(|rest| rest.len() > 1 && rest.starts_with('/'))
        };
        let below = self.paths.iter().filter(|(other, _)| inside(other));
        let held = below.flat_map(|(_, held)| held.keys());
        held.map(String::as_str).collect()
    }

    /// Whether the privilege is held on a path: by an entry of its own, else by the nearest one above
    /// that reaches below. The dump leaves out where nothing is held; but it always looks at `/vms`
    /// and its like, so where one of those is missing, nothing comes through it from `/`.
    #[must_use]
    pub fn holds(&self, path: &str, privilege: &str) -> bool {
        if let Some(here) = self.paths.get(path) {
            return here.contains_key(privilege);
        }
        let mut above = path;
        while let Some((shorter, _)) = above.rsplit_once('/') {
            above = if shorter.is_empty() { "/" } else { shorter };
            if let Some(there) = self.paths.get(above) {
                return there.get(privilege) == Some(&true);
            }
            if above == "/" || ROOTS.contains(&above) {
                return false;
            }
        }
        false
    }
}

impl Permissions {
    /// Whether a path like `/vms/100` surely has entries of its own, which hide what comes from above:
    /// what reaches below is then not the same on both. `pool`: the path of the guest's pool, whose
    /// roles are added to what the guest has and hide nothing.
    #[must_use]
    pub fn has_its_own(&self, path: &str, pool: Option<&str>) -> bool {
        let reaching = |path: &str| {
            let here = self.paths.get(path).into_iter().flatten();
            let here = here.filter(|(_, below)| **below);
            here.map(|(name, _)| name.as_str()).collect::<BTreeSet<_>>()
        };
        let above = path.rsplit_once('/').map_or("/", |(above, _)| above);
        let (here, above) = (reaching(path), reaching(above));
        let with_pool = pool.map(|pool| &above | &reaching(pool));
        self.paths.contains_key(path) && here != above && with_pool.is_none_or(|both| here != both)
    }
}

/// Paths that the dump looks at, whether they have an entry or not.
const ROOTS: [&str; 5] = ["/access", "/nodes", "/pool", "/storage", "/vms"];

/// The roles that there are, and what each gives. Without names that Proxmox would not take: these are
/// pasted into shells.
pub type Roles = BTreeMap<String, BTreeSet<String>>;

#[derive(Default, Deserialize)]
#[serde(default)]
struct RoleRow {
    roleid: Scalar,
    privs: Scalar,
}

fn role(row: &RoleRow) -> Option<(String, BTreeSet<String>)> {
    let privs = row.privs.text().unwrap_or_default();
    let privs = privs
        .split(',')
        .map(str::trim)
        .filter(|one| !one.is_empty());
    let name: RoleName = row.roleid.parsed()?;
    Some((name.as_str().to_owned(), privs.map(str::to_owned).collect()))
}

#[derive(Deserialize)]
struct VersionRow {
    #[serde(default)]
    release: Scalar,
    #[serde(default)]
    version: Scalar,
}

pub(super) type Paths = Object<BTreeMap<String, Object<BTreeMap<String, Scalar>>>>;

pub(super) fn permissions(paths: Paths) -> Permissions {
    let privileges = |held: Object<BTreeMap<String, Scalar>>| {
        let held = held.0.unwrap_or_default();
        held.into_iter()
            .map(|(name, below)| (name, below.flag()))
            .collect()
    };
    let paths = paths.0.unwrap_or_default();
    Permissions {
        paths: paths
            .into_iter()
            .map(|(path, held)| (path, privileges(held)))
            .collect(),
    }
}

impl VersionRow {
    fn read(&self) -> Result<Version, Error> {
        let (Some(release), Some(version)) = (self.release.text(), self.version.text()) else {
            return Err(Error::BadReply("a version without a release".to_owned()));
        };
        Ok(Version { release, version })
    }
}

impl Client {
    /// # Errors
    ///
    /// As every read: see [`Error`].
    pub async fn version(&self) -> Result<Version, Error> {
        self.get::<VersionRow>(&ApiPath::new(&["version"]), OF_ONE)
            .await?
            .read()
    }

    /// The privileges of the token itself, on all paths that have an entry. Always allowed.
    ///
    /// # Errors
    ///
    /// As every read: see [`Error`].
    pub async fn permissions(&self) -> Result<Permissions, Error> {
        let paths = self
            .get(&ApiPath::new(&["access", "permissions"]), OF_ALL)
            .await?;
        Ok(permissions(paths))
    }

    /// All roles. Always allowed.
    ///
    /// # Errors
    ///
    /// As every read: see [`Error`].
    pub async fn roles(&self) -> Result<Roles, Error> {
        let path = ApiPath::new(&["access", "roles"]);
        let rows: Vec<Object<RoleRow>> = self.get(&path, OF_PAGE).await?;
        let rows = rows.iter().filter_map(|row| row.0.as_ref());
        Ok(rows.filter_map(role).collect())
    }

    /// The privileges of the token on one path, such as `/vms/100`, inherited ones included.
    ///
    /// # Errors
    ///
    /// As every read: see [`Error`].
    pub async fn privileges_on(&self, path: &str) -> Result<BTreeSet<String>, Error> {
        let api = ApiPath::new(&["access", "permissions"]).query(&[("path", path)]);
        let mut found = permissions(self.get(&api, OF_ONE).await?);
        let held = found.paths.remove(path).unwrap_or_default();
        Ok(held.into_keys().collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn permissions_with_propagation_of_any_shape() {
        let json = r#"{"/":{"Sys.Audit":1},"/vms/100":{"VM.Audit":"0","VM.PowerMgmt":true},"/x":[],"/y":{}}"#;
        let found = permissions(serde_json::from_str(json).unwrap());
        assert!(found.paths["/"]["Sys.Audit"]);
        assert!(!found.paths["/vms/100"]["VM.Audit"]);
        assert!(found.anywhere("VM.PowerMgmt") && !found.anywhere("VM.Snapshot"));
        assert!(!found.is_empty());
        for nothing in ["{}", "[]", "null", r#"{"/":{}}"#] {
            assert!(
                permissions(serde_json::from_str(nothing).unwrap()).is_empty(),
                "{nothing}"
            );
        }
    }

    #[test]
    fn what_comes_from_the_pool_of_a_guest_is_not_its_own() {
        let json = r#"{"/vms":{"VM.Audit":1},"/pool/a":{"VM.PowerMgmt":1},
            "/vms/1":{"VM.Audit":1,"VM.PowerMgmt":1},"/vms/2":{"VM.PowerMgmt":1}}"#;
        let found = permissions(serde_json::from_str(json).unwrap());
        assert!(found.has_its_own("/vms/1", None));
        assert!(!found.has_its_own("/vms/1", Some("/pool/a")));
        assert!(found.has_its_own("/vms/1", Some("/pool/b")));
        // What comes from above is hidden there.
        assert!(found.has_its_own("/vms/2", Some("/pool/a")));
    }

    #[test]
    fn what_is_held_on_a_path_is_its_own_or_comes_from_the_nearest_above() {
        let json = r#"{"/":{"Sys.Audit":1,"VM.Audit":1},"/vms":{"VM.Audit":1,"VM.Backup":0},
            "/vms/100":{"VM.PowerMgmt":0}}"#;
        let found = permissions(serde_json::from_str(json).unwrap());
        for (path, privilege) in [
            ("/", "Sys.Audit"),
            ("/vms", "VM.Backup"),
            ("/vms/101", "VM.Audit"),
            ("/vms/100", "VM.PowerMgmt"),
            ("/access/acl", "Sys.Audit"),
        ] {
            let through = path != "/access/acl";
            assert_eq!(found.holds(path, privilege), through, "{path} {privilege}");
        }
        let own = |path| found.has_its_own(path, None);
        assert!(own("/vms/100") && !own("/vms/101"));
        for (path, privilege) in [
            ("/vms/100", "VM.Audit"),
            ("/vms/101", "VM.Backup"),
            ("/vms/101", "Sys.Audit"),
            ("/nodes/pve1", "Sys.Audit"),
        ] {
            assert!(!found.holds(path, privilege), "{path} {privilege}");
        }
    }

    #[test]
    fn below_a_path_is_what_begins_with_it_and_goes_on() {
        let json = r#"{"/":{"A":1},"/vms":{"B":1},"/vms/100":{"C":1},"/vms/1001":{"D":0},"/x":{}}"#;
        let found = permissions(serde_json::from_str(json).unwrap());
        let below = |path| Vec::from_iter(found.below(path));
        assert_eq!(below("/"), ["B", "C", "D"]);
        assert_eq!(below("/vms"), ["C", "D"]);
        assert_eq!(below("/vms/100"), Vec::<&str>::new());
    }

    #[test]
    fn a_role_with_an_odd_name_is_left_out() {
        let read = |name: &str| {
            role(&RoleRow {
                roleid: serde_json::from_value(name.into()).unwrap(),
                privs: serde_json::from_value("VM.Audit,VM.Console".into()).unwrap(),
            })
        };
        let (name, privileges) = read("StewardVMAudit").unwrap();
        assert_eq!((name.as_str(), privileges.len()), ("StewardVMAudit", 2));
        for odd in ["StewardX; reboot", "Steward$(id)", "Steward\nid", ""] {
            assert_eq!(read(odd), None, "{odd}");
        }
    }

    #[test]
    fn the_major_version_leads_the_release() {
        for (release, major) in [
            ("9.2", Some(9)),
            ("10", Some(10)),
            ("8.4-1", Some(8)),
            ("x", None),
        ] {
            let version = Version {
                release: release.to_owned(),
                version: String::new(),
            };
            assert_eq!(version.major(), major, "{release}");
        }
    }
}
