//! Puts files and variables on top of each other, through the `config` crate.

use std::collections::BTreeMap;

use ::config::{Config as Stack, ConfigError, Map, Source, Value, ValueKind};

use super::file::Written;
use super::reader::{Notes, place_of};
use crate::ids::ClusterName;

/// Keys of which one at most may be set. A later layer that sets one takes the other away: who
/// gives a token in a variable need not edit `token_file` out of the file.
const EITHER: [(&str, &str); 3] = [
    ("token", "token_file"),
    ("token_secret", "token_secret_file"),
    ("ca_file", "fingerprints"),
];

/// Everything that was written, one value for each key, each knowing where it stands.
#[derive(Debug, Default)]
pub(super) struct Merged {
    pub sections: Map<String, Value>,
    pub clusters: Vec<Slot>,
    /// With its number in its own file.
    pub allow: Vec<(usize, Value)>,
    pub deny: Vec<(usize, Value)>,
    pub ask: Vec<(usize, Value)>,
}

/// One `[[cluster]]`, or what variables say of a cluster that no file has.
#[derive(Debug)]
pub(super) struct Slot {
    /// Its name in the merged table: the cluster's name, or `#0` where that is missing or wrong.
    key: String,
    /// For people: `cluster.home`, or `cluster[1]` when its name is missing or wrong.
    pub path: String,
    pub name: Option<ClusterName>,
    pub place: Option<String>,
    pub table: Map<String, Value>,
    pub only_variables: bool,
}

/// The clusters that files have.
pub(super) fn names_in_files(slots: &[Slot]) -> Vec<String> {
    let written = slots.iter().filter(|slot| !slot.only_variables);
    written
        .filter_map(|slot| slot.name.as_ref().map(ToString::to_string))
        .collect()
}

/// A layer as the `config` crate takes it.
#[derive(Debug, Clone)]
struct Layer(Map<String, Value>);

impl Source for Layer {
    fn clone_into_box(&self) -> Box<dyn Source + Send + Sync> {
        Box::new(self.clone())
    }

    fn collect(&self) -> Result<Map<String, Value>, ConfigError> {
        Ok(self.0.clone())
    }
}

/// Later files win over earlier ones, and variables over files.
pub(super) fn stack(files: Vec<Written>, env: Map<String, Value>, notes: &mut Notes) -> Merged {
    let mut merged = Merged::default();
    let mut layers = Vec::new();
    for mut written in files {
        let clusters = std::mem::take(&mut written.clusters);
        let clusters = name_clusters(clusters, &mut merged.clusters, notes);
        written
            .sections
            .insert("cluster".to_owned(), clusters.into());
        merged.allow.extend(written.allow.into_iter().enumerate());
        merged.deny.extend(written.deny.into_iter().enumerate());
        merged.ask.extend(written.ask.into_iter().enumerate());
        push(&mut layers, written.sections);
    }
    add_unwritten(&env, &mut merged.clusters);
    push(&mut layers, env);

    let mut sections = match build(layers) {
        Ok(sections) => sections,
        Err(error) => {
            notes.problem(None, "", format!("cannot be put together: {error}"));
            return merged;
        }
    };
    let mut tables = sections
        .remove("cluster")
        .and_then(table)
        .unwrap_or_default();
    for slot in &mut merged.clusters {
        slot.table = tables.remove(&slot.key).and_then(table).unwrap_or_default();
    }
    merged.sections = sections;
    merged
}

fn build(layers: Vec<Map<String, Value>>) -> Result<Map<String, Value>, ConfigError> {
    let mut builder = Stack::builder();
    for layer in layers {
        builder = builder.add_source(Layer(layer));
    }
    builder.build()?.cache.into_table()
}

pub(super) fn table(value: Value) -> Option<Map<String, Value>> {
    match value.kind {
        ValueKind::Table(table) => Some(table),
        _ => None,
    }
}

/// Turns the list of clusters into a table by name, which variables can address.
fn name_clusters(list: Vec<Value>, slots: &mut Vec<Slot>, notes: &mut Notes) -> Map<String, Value> {
    let mut named = Map::new();
    for (at, value) in list.into_iter().enumerate() {
        let place = value.origin().map(ToOwned::to_owned);
        let here = format!("cluster[{at}]");
        let ValueKind::Table(cluster) = &value.kind else {
            notes.problem(place.as_deref(), &here, "must be a section: [[cluster]]");
            continue;
        };
        let name = cluster_name(cluster, &here, place.as_deref(), notes);
        let same = |slot: &&Slot| slot.name.is_some() && slot.name == name;
        if let Some(first) = slots.iter().find(same) {
            let first = first.place.as_deref().unwrap_or_default();
            let what = format!(
                "there is a cluster of this name already, at {first}: write all of it there, or \
                 set single keys by variables"
            );
            notes.problem(place.as_deref(), &format!("{here}.name"), what);
            continue;
        }
        // A nameless one is read all the same, so that its other mistakes are told too.
        let slot = Slot {
            key: name
                .as_ref()
                .map_or_else(|| format!("#{}", slots.len()), ToString::to_string),
            path: name.as_ref().map_or(here, |name| format!("cluster.{name}")),
            name,
            place,
            table: Map::new(),
            only_variables: false,
        };
        named.insert(slot.key.clone(), value);
        slots.push(slot);
    }
    named
}

fn cluster_name(
    cluster: &Map<String, Value>,
    here: &str,
    place: Option<&str>,
    notes: &mut Notes,
) -> Option<ClusterName> {
    let key = format!("{here}.name");
    let expected = "lower-case letters and digits, beginning with a letter, such as \"home\"";
    let Some(value) = cluster.get("name") else {
        notes.problem(place, &key, format!("is missing: {expected}"));
        return None;
    };
    let name = match &value.kind {
        ValueKind::String(text) => text.parse().ok(),
        _ => None,
    };
    if name.is_none() {
        notes.problem(value.origin(), &key, format!("must be {expected}"));
    }
    name
}

/// Clusters that only variables speak of.
fn add_unwritten(env: &Map<String, Value>, slots: &mut Vec<Slot>) {
    let Some(ValueKind::Table(clusters)) = env.get("cluster").map(|value| &value.kind) else {
        return;
    };
    let sorted: BTreeMap<_, _> = clusters.iter().collect();
    for (key, value) in sorted {
        let Ok(name) = key.parse::<ClusterName>() else {
            continue;
        };
        if slots.iter().all(|slot| slot.name.as_ref() != Some(&name)) {
            slots.push(Slot {
                key: key.clone(),
                path: format!("cluster.{name}"),
                name: Some(name),
                place: place_of(value).map(ToOwned::to_owned),
                table: Map::new(),
                only_variables: true,
            });
        }
    }
}

/// Adds a layer on top, and takes out of those below what its choices replace.
fn push(layers: &mut Vec<Map<String, Value>>, top: Map<String, Value>) {
    for below in layers.iter_mut() {
        if let (Some(below), Some(top)) = (inner_mut(below, "discord"), inner(&top, "discord")) {
            displace(below, top);
        }
        let (Some(below), Some(top)) = (inner_mut(below, "cluster"), inner(&top, "cluster")) else {
            continue;
        };
        for name in top.keys() {
            if let (Some(below), Some(top)) = (inner_mut(below, name), inner(top, name)) {
                displace(below, top);
            }
        }
    }
    layers.push(top);
}

fn displace(below: &mut Map<String, Value>, top: &Map<String, Value>) {
    for (one, other) in EITHER {
        if top.contains_key(one) || top.contains_key(other) {
            below.remove(one);
            below.remove(other);
        }
    }
}

fn inner<'t>(table: &'t Map<String, Value>, key: &str) -> Option<&'t Map<String, Value>> {
    match &table.get(key)?.kind {
        ValueKind::Table(inner) => Some(inner),
        _ => None,
    }
}

fn inner_mut<'t>(
    table: &'t mut Map<String, Value>,
    key: &str,
) -> Option<&'t mut Map<String, Value>> {
    match &mut table.get_mut(key)?.kind {
        ValueKind::Table(inner) => Some(inner),
        _ => None,
    }
}
