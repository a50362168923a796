//! Who the token is: the version it meets and the privileges it has.

use std::collections::{BTreeMap, BTreeSet};

use serde::Deserialize;

use super::answer::{OF_ALL, OF_ONE};
use super::path::ApiPath;
use super::perl::{Object, Scalar};
use super::{Client, Error};

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

impl Client {
    /// # Errors
    ///
    /// As every read: see [`Error`].
    pub async fn version(&self) -> Result<Version, Error> {
        let row: VersionRow = self.get(&ApiPath::new(&["version"]), OF_ONE).await?;
        let (Some(release), Some(version)) = (row.release.text(), row.version.text()) else {
            return Err(Error::BadReply("a version without a release".to_owned()));
        };
        Ok(Version { release, version })
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
