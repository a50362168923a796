//! What is there already: the configuration file and the secrets beside it.

use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use toml_edit::{DocumentMut, Item, TableLike, Value};

use super::ask::Stop;
use crate::config::{Secret, typed};
use crate::embed::setup as words;
use crate::ids::ClusterName;

pub(super) const FILE: &str = "steward.toml";
/// What a cluster is called where nobody says: as in the systemd unit.
const USUAL: &str = "home";

/// The file as it stands, or the one that a new one begins with.
pub(super) struct Present {
    /// Of the configuration file and what lies beside it.
    pub folder: PathBuf,
    pub file: PathBuf,
    pub doc: DocumentMut,
    /// The text that is there; `None`: there is no file.
    pub text: Option<String>,
    /// Of the cluster that is set up.
    pub cluster: ClusterName,
}

impl Present {
    /// `cluster`: which one is meant; else the first of the file, else `home`.
    pub(super) fn read(file: PathBuf, cluster: Option<&ClusterName>) -> Result<Self, Stop> {
        let shown = file.clone();
        let unreadable = |why: &str| Stop::lasting(words::unreadable(&shown, why));
        let text = match fs::read_to_string(&file) {
            Ok(text) => Some(text),
            Err(error) if error.kind() == ErrorKind::NotFound => None,
            Err(error) => return Err(unreadable(&error.to_string())),
        };
        let begin = text.as_deref().unwrap_or(include_str!("new.toml"));
        let parsed = begin.parse::<DocumentMut>();
        // The error's own picture of the line could show a token.
        let doc = parsed.map_err(|error| {
            let line = error.span().map(|span| line_of(begin, span.start));
            unreadable(&words::mistake(line, error.message()))
        })?;
        let folder = file.parent().unwrap_or(Path::new("")).to_owned();
        let mut present = Self {
            folder,
            file,
            doc,
            text,
            cluster: USUAL.parse().map_err(|_| unreadable(USUAL))?,
        };
        let first = present.clusters().into_iter().next();
        if let Some(name) = cluster.cloned().or(first) {
            present.cluster = name;
        }
        if present.text.is_none() {
            super::edit::name_new_cluster(&mut present.doc, &present.cluster);
        }
        Ok(present)
    }

    pub(super) fn clusters(&self) -> Vec<ClusterName> {
        let tables = self.doc.get("cluster").and_then(Item::as_array_of_tables);
        let names = tables.into_iter().flatten();
        let names = names.filter_map(|table| table.get("name")?.as_str()?.parse().ok());
        names.collect()
    }

    fn section(&self, section: &str) -> Option<&dyn TableLike> {
        if section != "cluster" {
            return self.doc.get(section)?.as_table_like();
        }
        let tables = self.doc.get("cluster")?.as_array_of_tables()?;
        let ours = |table: &&toml_edit::Table| {
            table.get("name").and_then(Item::as_str) == Some(self.cluster.as_str())
        };
        tables
            .iter()
            .find(ours)
            .map(|table| table as &dyn TableLike)
    }

    /// All that a key holds, as texts: ids may be numbers. Empty: it is not there, or is empty.
    pub(super) fn list(&self, section: &str, key: &str) -> Vec<String> {
        let item = self.section(section).and_then(|table| table.get(key));
        match item.and_then(Item::as_value) {
            None => Vec::new(),
            Some(Value::Array(values)) => values.iter().filter_map(text).collect(),
            Some(value) => text(value).into_iter().collect(),
        }
    }

    pub(super) fn one(&self, section: &str, key: &str) -> Option<String> {
        self.list(section, key).into_iter().next()
    }

    /// The file that a key names; relative to the configuration file.
    pub(super) fn path(&self, section: &str, key: &str) -> Option<PathBuf> {
        self.one(section, key).map(|path| self.folder.join(path))
    }

    /// The secret under `key` or in the file under `key_file`, else in the file `usual` of the
    /// folder, where an earlier try may have left one.
    pub(super) fn secret(&self, section: &str, key: &str, usual: &str) -> Option<Secret> {
        if let Some(inline) = self.one(section, key) {
            return typed::secret(&inline).ok();
        }
        let named = self.path(section, &format!("{key}_file"));
        let file = named.unwrap_or_else(|| self.folder.join(usual));
        let text = fs::read_to_string(&file).ok()?;
        typed::secret(&text).ok()
    }
}

fn text(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.value().clone()).filter(|text| !text.is_empty()),
        Value::Integer(number) => Some(number.value().to_string()),
        _ => None,
    }
}

fn line_of(text: &str, at: usize) -> usize {
    text.bytes().take(at).filter(|byte| *byte == b'\n').count() + 1
}
