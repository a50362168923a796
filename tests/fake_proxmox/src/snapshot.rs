//! Snapshots as the configuration has them: a name, what it was taken from, and the file of then.

use serde_json::{Map, Value, json};

use crate::guest::{Guest, Kind};
use crate::text;

#[derive(Clone, Debug, PartialEq)]
pub struct Snapshot {
    pub name: String,
    pub parent: Option<String>,
    /// Seconds since 1970.
    pub time: u64,
    /// With memory: a rollback goes on where the VM was.
    pub vmstate: bool,
    pub description: String,
    /// `prepare` or `delete` while a task works on it, or after one was killed.
    pub snapstate: Option<String>,
    /// The configuration of then.
    pub(crate) saved: Map<String, Value>,
}

impl Snapshot {
    pub fn new(name: &str) -> Snapshot {
        Snapshot {
            name: name.into(),
            parent: None,
            time: text::epoch(),
            vmstate: false,
            description: String::new(),
            snapstate: None,
            saved: Map::new(),
        }
    }

    #[must_use]
    pub fn described(mut self, description: &str) -> Snapshot {
        self.description = description.into();
        self
    }

    #[must_use]
    pub fn hours_ago(mut self, hours: u64) -> Snapshot {
        self.time = text::epoch() - hours * 3_600;
        self
    }

    #[must_use]
    pub fn with_ram(mut self) -> Snapshot {
        self.vmstate = true;
        self
    }

    /// As `GET .../config?snapshot=` shows it.
    pub(crate) fn written(&self, guest: &Guest) -> Value {
        let mut file = self.saved.clone();
        let mut put = |key: &str, value: Value| file.insert(key.into(), value);
        put("snaptime", json!(self.time));
        if self.vmstate {
            let volume = format!("local-lvm:vm-{}-state-{}", guest.vmid, self.name);
            put("vmstate", json!(volume));
            put("runningmachine", json!("pc-i440fx-10.1+pve0"));
        }
        for (key, value) in [("parent", &self.parent), ("snapstate", &self.snapstate)] {
            if let Some(value) = value {
                put(key, json!(value));
            }
        }
        if !self.description.is_empty() {
            put("description", json!(self.told(guest.kind)));
        }
        file.into()
    }

    /// Comments in containers' files end with the line they stood in.
    pub(crate) fn told(&self, kind: Kind) -> String {
        match kind {
            Kind::Ct if !self.description.is_empty() => format!("{}\n", self.description),
            _ => self.description.trim_end().into(),
        }
    }
}

impl Guest {
    /// Starts with this snapshot, taken of what is set so far. To take, roll back or delete one
    /// through the API, the storage of its disks (`local-lvm`) must exist.
    #[must_use]
    pub fn snapshot(mut self, snapshot: Snapshot) -> Guest {
        self.take(snapshot);
        self
    }

    /// The present comes from this snapshot: what is taken next becomes its child.
    #[must_use]
    pub fn based_on(mut self, name: &str) -> Guest {
        self.parent = Some(name.into());
        self
    }

    /// As if a task had taken it.
    pub fn take(&mut self, snapshot: Snapshot) {
        let name = snapshot.name.clone();
        self.snapshots.push(Snapshot {
            parent: self.parent.replace(name),
            saved: self.saved(),
            ..snapshot
        });
    }

    /// What a snapshot keeps of the file.
    pub(crate) fn saved(&self) -> Map<String, Value> {
        let mut saved = self.written();
        saved.retain(|key, _| key != "description" && !key.starts_with("unused"));
        saved
    }

    pub(crate) fn snapshot_named(&self, name: &str) -> Option<&Snapshot> {
        self.snapshots.iter().find(|it| it.name == name)
    }

    pub(crate) fn snapshot_mut(&mut self, name: &str) -> Option<&mut Snapshot> {
        self.snapshots.iter_mut().find(|it| it.name == name)
    }

    /// Its children become those of its parent.
    pub(crate) fn forget(&mut self, name: &str) {
        let parent = self.snapshot_named(name).and_then(|it| it.parent.clone());
        self.snapshots.retain(|it| it.name != name);
        let others = self.snapshots.iter_mut().map(|it| &mut it.parent);
        for child in others.chain([&mut self.parent]) {
            if child.as_deref() == Some(name) {
                child.clone_from(&parent);
            }
        }
    }
}
