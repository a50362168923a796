//! The environment: `PVE_STEWARD__SECTION__KEY` and `PVE_STEWARD__CLUSTER__NAME__KEY`.

#![expect(
    clippy::disallowed_methods,
    reason = "the one place that reads the environment"
)]

use ::config::{Map, Value, ValueKind};

use super::reader::Notes;
use crate::ids::ClusterName;

const PREFIX: &str = "PVE_STEWARD__";

/// Sections whose single keys variables may set.
const SETTINGS: [&str; 2] = ["discord", "bot"];

/// Sections that people review in a file, where no variable can slip something in.
const ONLY_FILES: [&str; 5] = ["people", "roles", "allow", "deny", "ask"];

/// What this process was started with. A variable that is not text is none of ours.
pub fn environment() -> impl Iterator<Item = (String, String)> {
    std::env::vars_os()
        .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
}

/// Whether the owner wants no colours in the terminal (<https://no-color.org>).
#[must_use]
pub fn no_colour() -> bool {
    std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty())
}

/// The variable that names the configuration file.
pub(super) fn config_file() -> Option<std::ffi::OsString> {
    std::env::var_os("PVE_STEWARD_CONFIG").filter(|path| !path.is_empty())
}

/// Values remember their variable as `$NAME`; those of files remember `file:line`.
pub(super) fn is_variable(origin: &str) -> bool {
    origin.starts_with('$')
}

/// The variables as sections, like those of a file; clusters under `cluster` by their name.
pub(super) fn read(
    variables: impl Iterator<Item = (String, String)>,
    notes: &mut Notes,
) -> Map<String, Value> {
    let mut variables: Vec<_> = variables.collect();
    variables.sort();
    let mut sections = Map::new();
    for (name, value) in variables {
        let upper = name.to_ascii_uppercase();
        let origin = format!("${name}");
        let Some(rest) = upper.strip_prefix(PREFIX) else {
            warn_of_near_miss(&upper, &origin, notes);
            continue;
        };
        // An empty variable is how compose files and units say "not set".
        if value.is_empty() {
            continue;
        }
        match path(&rest.to_ascii_lowercase()) {
            Ok(path) => put(&mut sections, &path, Value::new(Some(&origin), value)),
            Err(what) => notes.problem(
                Some(&origin),
                &rest.to_ascii_lowercase().replace("__", "."),
                what,
            ),
        }
    }
    sections
}

/// `discord__token` as `[discord, token]`, or why it cannot be one.
fn path(rest: &str) -> Result<Vec<String>, String> {
    let (section, key) = rest.split_once("__").unwrap_or((rest, ""));
    if ONLY_FILES.contains(&section) {
        return Err("people, roles and rules stand only in files".to_owned());
    }
    if section == "cluster" {
        let (name, key) = key.split_once("__").unwrap_or((key, ""));
        if name.parse::<ClusterName>().is_err() || key.is_empty() {
            return Err("must be PVE_STEWARD__CLUSTER__<NAME>__<KEY>".to_owned());
        }
        if key == "name" {
            return Err("a cluster is named in its file, or by the variable's own name".to_owned());
        }
        return Ok(vec![section.to_owned(), name.to_owned(), key.to_owned()]);
    }
    if !SETTINGS.contains(&section) {
        return Err(super::reader::unknown(
            "section",
            section,
            &["discord", "bot", "cluster"],
        ));
    }
    if key.is_empty() {
        return Err("must be PVE_STEWARD__<SECTION>__<KEY>".to_owned());
    }
    Ok(vec![section.to_owned(), key.to_owned()])
}

fn put(table: &mut Map<String, Value>, path: &[String], value: Value) {
    let Some((first, rest)) = path.split_first() else {
        return;
    };
    if rest.is_empty() {
        table.insert(first.clone(), value);
        return;
    }
    let inner = table
        .entry(first.clone())
        .or_insert_with(|| Value::new(None, Map::<String, Value>::new()));
    if let ValueKind::Table(inner) = &mut inner.kind {
        put(inner, rest, value);
    }
}

/// One underscore instead of two is the likely slip, and would otherwise do nothing at all.
fn warn_of_near_miss(upper: &str, origin: &str, notes: &mut Notes) {
    let rest = upper.strip_prefix("PVE_STEWARD_").unwrap_or_default();
    if ["DISCORD_", "BOT_", "CLUSTER_"]
        .iter()
        .any(|section| rest.starts_with(section))
    {
        let what = "has no effect: variables of the configuration are written with two \
                    underscores, such as PVE_STEWARD__DISCORD__TOKEN";
        notes.warning(Some(origin), "variable", what);
    }
}
