//! The snapshots of a guest.

use serde::Deserialize;

use super::guest::guest_path;
use super::perl::{Object, Scalar};
use super::turns::Lane;
use super::{Client, Error};
use crate::action::GuestFacts;
use crate::ids::SnapshotName;

/// One snapshot. What is absent, Proxmox did not tell.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Snapshotted {
    pub name: SnapshotName,
    /// The one that it was taken upon; `None`: the first.
    pub parent: Option<SnapshotName>,
    /// Unix seconds.
    pub taken: Option<i64>,
    /// With the memory of the VM.
    pub ram: bool,
    pub description: Option<String>,
    /// What Proxmox was or is about with it (`prepare`, `delete`); `None`: it is whole.
    pub unfinished: Option<String>,
}

/// All snapshots of one guest, as Proxmox lists them.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Snapshots {
    pub list: Vec<Snapshotted>,
    /// The one that the guest is upon now.
    pub current: Option<SnapshotName>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Row {
    name: Scalar,
    parent: Scalar,
    snaptime: Scalar,
    vmstate: Scalar,
    description: Scalar,
    snapstate: Scalar,
}

impl Snapshots {
    #[must_use]
    pub fn named(&self, name: &SnapshotName) -> Option<&Snapshotted> {
        self.list.iter().find(|one| one.name == *name)
    }
}

impl Client {
    /// Needs `VM.Audit` on `/vms/{vmid}`.
    ///
    /// # Errors
    ///
    /// As every read: see [`Error`].
    pub async fn snapshots(&self, guest: &GuestFacts) -> Result<Snapshots, Error> {
        self.snapshots_in(Lane::Look(&guest.node), guest).await
    }

    /// The same, before and after a write.
    ///
    /// # Errors
    ///
    /// The same.
    pub async fn snapshots_to_act(&self, guest: &GuestFacts) -> Result<Snapshots, Error> {
        self.snapshots_in(Lane::Act(&guest.node), guest).await
    }

    async fn snapshots_in(&self, lane: Lane<'_>, guest: &GuestFacts) -> Result<Snapshots, Error> {
        let path = guest_path(guest.kind, &guest.node, guest.guest.vmid, &["snapshot"]);
        let rows: Vec<Object<Row>> = self.get_protected(lane, &path).await?;
        Ok(read(rows))
    }
}

/// The guest as it is now stands among its snapshots, as one called `current`.
fn read(rows: Vec<Object<Row>>) -> Snapshots {
    let mut snapshots = Snapshots::default();
    for Row {
        name,
        parent,
        snaptime,
        vmstate,
        description,
        snapstate,
    } in rows.into_iter().filter_map(|row| row.0)
    {
        let parent = parent.text().and_then(|name| name.parse().ok());
        match name.text() {
            Some(name) if name == "current" => snapshots.current = parent,
            Some(name) => snapshots
                .list
                .extend(name.parse().ok().map(|name| Snapshotted {
                    name,
                    parent,
                    taken: snaptime.whole().and_then(|at| i64::try_from(at).ok()),
                    ram: vmstate.flag(),
                    description: description.text().filter(|text| !text.trim().is_empty()),
                    unfinished: snapstate.text(),
                })),
            None => {}
        }
    }
    snapshots
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_guest_itself_stands_among_its_snapshots() {
        let rows = serde_json::from_str(
            r#"[{"name":"first","snaptime":1700000000,"description":"","vmstate":0},
                {"name":"second","parent":"first","snaptime":"1700000100","vmstate":1,
                 "description":"by max\n"},
                {"name":"half","snapstate":"prepare"},
                {"name":"current","parent":"second","running":1,"description":"You are here!"},
                "odd", {"snaptime":1}]"#,
        );
        let snapshots = read(rows.unwrap());
        assert_eq!(snapshots.current.as_ref().unwrap().as_str(), "second");
        let [first, second, half] = &snapshots.list[..] else {
            panic!("{snapshots:?}")
        };
        assert_eq!(
            (&first.parent, &first.description, first.ram),
            (&None, &None, false)
        );
        assert_eq!(second.parent.as_ref(), Some(&first.name));
        assert_eq!((second.taken, second.ram), (Some(1_700_000_100), true));
        assert_eq!(second.unfinished, None);
        assert_eq!(half.unfinished.as_deref(), Some("prepare"));
    }
}
