//! Changes single keys of the configuration's text. What is not changed stays as it stands, to the
//! byte: comments, order, rules.

use toml_edit::{Array, ArrayOfTables, DocumentMut, Item, Table, TableLike, Value, value};

use super::present::Present;
use crate::ids::ClusterName;

/// What a key shall hold.
pub(super) enum Put {
    Text(String),
    Texts(Vec<String>),
    Id(u64),
    Ids(Vec<u64>),
    /// It shall not be there.
    Nothing,
}

impl Put {
    /// As `Present::list` reads it.
    fn texts(&self) -> Vec<String> {
        match self {
            Self::Text(text) => vec![text.clone()],
            Self::Texts(texts) => texts.clone(),
            Self::Id(id) => vec![id.to_string()],
            Self::Ids(ids) => ids.iter().map(u64::to_string).collect(),
            Self::Nothing => Vec::new(),
        }
    }

    fn value(&self) -> Option<Value> {
        // Beyond what TOML can write as a number, it is written in quotes.
        let id = |id: &u64| match i64::try_from(*id) {
            Ok(id) => Value::from(id),
            Err(_) => Value::from(id.to_string()),
        };
        Some(match self {
            Self::Text(text) => text.as_str().into(),
            Self::Texts(texts) => texts.iter().collect::<Array>().into(),
            Self::Id(number) => id(number),
            Self::Ids(ids) => ids.iter().map(id).collect::<Array>().into(),
            Self::Nothing => return None,
        })
    }
}

/// Sets a key where it holds something else. `true`: it was changed; `None`: it cannot be.
pub(super) fn set(present: &mut Present, section: &str, key: &str, put: &Put) -> Option<bool> {
    let same = present.list(section, key) == put.texts();
    // A new file begins with a line for everything; what is not wanted goes, with its remark.
    let unwanted = present.text.is_none() && matches!(put, Put::Nothing);
    if same && !unwanted {
        return Some(false);
    }
    let cluster = present.cluster.clone();
    let table = table(&mut present.doc, section, &cluster)?;
    let Some(mut new) = put.value() else {
        return Some(table.remove(key).is_some());
    };
    match table.get_mut(key) {
        Some(item) => {
            // The blank before it and the remark behind it.
            if let Some(old) = item.as_value() {
                *new.decor_mut() = old.decor().clone();
            }
            *item = Item::Value(new);
        }
        None => drop(table.insert(key, value(new))),
    }
    Some(true)
}

/// The section, made where it is missing; of the clusters the one of that name. `None`: it is there
/// and written in a way that has no keys of its own.
fn table<'d>(
    doc: &'d mut DocumentMut,
    section: &str,
    cluster: &ClusterName,
) -> Option<&'d mut dyn TableLike> {
    if section != "cluster" {
        let item = doc
            .entry(section)
            .or_insert_with(|| Item::Table(Table::new()));
        return item.as_table_like_mut();
    }
    let item = doc.entry("cluster");
    let tables = item
        .or_insert_with(|| Item::ArrayOfTables(ArrayOfTables::new()))
        .as_array_of_tables_mut()?;
    let named = |table: &Table| table.get("name").and_then(Item::as_str) == Some(cluster.as_str());
    let at = tables.iter().position(named);
    let at = at.unwrap_or_else(|| {
        let mut new = Table::new();
        new.insert("name", value(cluster.as_str()));
        tables.push(new);
        tables.len() - 1
    });
    tables.get_mut(at).map(|table| table as &mut dyn TableLike)
}

/// The cluster of a new file has no name yet.
pub(super) fn name_new_cluster(doc: &mut DocumentMut, cluster: &ClusterName) {
    let tables = doc
        .get_mut("cluster")
        .and_then(Item::as_array_of_tables_mut);
    if let Some(name) = tables.and_then(|tables| tables.get_mut(0)?.get_mut("name")) {
        *name = value(cluster.as_str());
    }
}

/// Whether some allow rule is for this name.
pub(super) fn is_allowed_something(doc: &DocumentMut, name: &str) -> bool {
    let rules = doc.get("allow").and_then(Item::as_array_of_tables);
    let who = |rule: &Table| {
        let who = rule.get("who").and_then(Item::as_array);
        who.is_some_and(|who| who.iter().any(|one| one.as_str() == Some(name)))
    };
    rules.is_some_and(|rules| rules.iter().any(who))
}

/// `[[allow]]` for everything, behind the other rules.
pub(super) fn allow_all(doc: &mut DocumentMut, name: &str) {
    let rules = doc
        .entry("allow")
        .or_insert_with(|| Item::ArrayOfTables(ArrayOfTables::new()));
    let Some(rules) = rules.as_array_of_tables_mut() else {
        return;
    };
    let mut rule = Table::new();
    for (key, word) in [
        ("who", name),
        ("actions", "*"),
        ("guests", "*"),
        ("nodes", "*"),
    ] {
        rule.insert(key, value([word].into_iter().collect::<Array>()));
    }
    rules.push(rule);
}

/// The text of a document, with the line ends and the mark at the beginning that it had.
pub(super) fn text(present: &Present) -> String {
    let text = present.doc.to_string();
    let before = present.text.as_deref().unwrap_or_default();
    let windows = before.contains("\r\n");
    let text = text.replace("\r\n", "\n");
    let text = text.trim_start_matches('\u{feff}');
    let mark = if before.starts_with('\u{feff}') {
        "\u{feff}"
    } else {
        ""
    };
    let text = if windows {
        text.replace('\n', "\r\n")
    } else {
        text.to_owned()
    };
    format!("{mark}{text}")
}
