//! What lies on a storage, counted by kind.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::Deserialize;
use tokio::time::timeout;

use super::path::ApiPath;
use super::perl::{Object, Scalar};
use super::turns::Lane;
use super::{Client, Error};
use crate::ids::{NodeName, StorageName};

/// A storage on a server that hangs must not keep the node's turn from all who look at its guests.
const PATIENCE: Duration = Duration::from_secs(4);
/// Whoever may list a storage is shown all of these. Of the rest Proxmox leaves out without a word
/// what the token has no privilege for: a guest's disk or backup, or any snippet.
const OPEN_TO_ALL: [&str; 3] = ["iso", "vztmpl", "import"];
/// With it nothing is left out.
const ALL_OF_IT: &str = "Datastore.Allocate";

/// `backup`, `iso` ... and how many of them were listed.
pub(super) type Volumes = BTreeMap<String, usize>;

/// What a storage shows to the bot's token.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Contents {
    listed: Volumes,
    /// Nothing that lies there is hidden from the token.
    whole: bool,
}

/// How many of one kind there are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Count {
    Exactly(usize),
    /// So many were listed, and others may be hidden.
    AtLeast(usize),
}

impl Contents {
    pub(super) fn new(listed: Volumes, whole: bool) -> Self {
        Self { listed, whole }
    }

    /// The kinds of what was listed, whether or not the storage still takes them.
    pub fn kinds(&self) -> impl Iterator<Item = &str> {
        self.listed.keys().map(String::as_str)
    }

    #[must_use]
    pub fn count(&self, kind: &str) -> Count {
        let listed = self.listed.get(kind).copied().unwrap_or_default();
        if self.whole || OPEN_TO_ALL.contains(&kind) {
            Count::Exactly(listed)
        } else {
            Count::AtLeast(listed)
        }
    }
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Row {
    content: Scalar,
}

impl Client {
    /// How many of each kind a node lists of a storage, for the bot's token. Needs `Datastore.Audit` or
    /// `Datastore.AllocateSpace` on the storage.
    ///
    /// # Errors
    ///
    /// As every read: see [`Error`]. A storage that is offline is a 500.
    pub(super) async fn volumes(
        &self,
        node: &NodeName,
        storage: &StorageName,
    ) -> Result<Volumes, Error> {
        in_time(self.listed(node, storage)).await
    }

    /// Whether nothing that lies on the storage is hidden from the bot's token.
    ///
    /// # Errors
    ///
    /// As every read: see [`Error`].
    pub(super) async fn is_shown_all(&self, storage: &StorageName) -> Result<bool, Error> {
        let on_storage = format!("/storage/{storage}");
        let held = in_time(self.privileges_on(&on_storage)).await?;
        Ok(held.contains(ALL_OF_IT))
    }

    async fn listed(&self, node: &NodeName, storage: &StorageName) -> Result<Volumes, Error> {
        let segments = [
            "nodes",
            node.as_str(),
            "storage",
            storage.as_str(),
            "content",
        ];
        let path = ApiPath::new(&segments);
        let (rows, _): (Vec<Object<Row>>, _) = self.get_page(Lane::Look(node), &path).await?;
        let mut listed = Volumes::new();
        for row in rows {
            // One that says nothing of its kind would make some other count too small.
            let kind = row.0.and_then(|row| row.content.text());
            let kind = kind.ok_or_else(|| Error::BadReply("a volume of no kind".to_owned()))?;
            *listed.entry(kind).or_default() += 1;
        }
        Ok(listed)
    }
}

async fn in_time<T>(read: impl Future<Output = Result<T, Error>>) -> Result<T, Error> {
    let silent = |_| Error::BadReply("no answer in time".to_owned());
    timeout(PATIENCE, read).await.map_err(silent)?
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_cannot_be_hidden_is_counted_exactly() {
        let mut contents = Contents {
            listed: [("backup".to_owned(), 3), ("iso".to_owned(), 2)].into(),
            whole: false,
        };
        for (kind, count) in [
            ("iso", Count::Exactly(2)),
            ("vztmpl", Count::Exactly(0)),
            ("backup", Count::AtLeast(3)),
            ("images", Count::AtLeast(0)),
            ("snippets", Count::AtLeast(0)),
            // Of what comes with a later version nobody knows who is shown it.
            ("novelty", Count::AtLeast(0)),
        ] {
            assert_eq!(contents.count(kind), count, "{kind}");
        }
        contents.whole = true;
        assert_eq!(contents.count("backup"), Count::Exactly(3));
        assert_eq!(contents.count("images"), Count::Exactly(0));
    }
}
