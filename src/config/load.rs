//! Finds the files, reads them and the environment, and tells all mistakes at once.

use std::collections::BTreeSet;
use std::ffi::OsString;
use std::fmt;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use super::layer::{self, Merged};
use super::reader::{Notes, Reader};
use super::{Cluster, Config, Problem, cluster, env, file, rules, settings};

const PLACES: [&str; 2] = ["config/steward.toml", "/etc/pve-steward/steward.toml"];

/// A configuration without mistakes.
#[derive(Debug)]
pub struct Loaded {
    pub config: Config,
    /// What works, but is probably not what the owner wants.
    pub warnings: Vec<Problem>,
    /// Every key that this version knows, as `cluster[].name`.
    pub keys: BTreeSet<String>,
    pub source: Source,
}

/// Where a configuration came from, to read it again.
#[derive(Clone)]
pub struct Source {
    files: Vec<PathBuf>,
    /// May hold secrets, so this is not printed.
    variables: Vec<(String, String)>,
}

impl fmt::Debug for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Source")
            .field("files", &self.files)
            .finish_non_exhaustive()
    }
}

/// When files were written last, and how long they are: enough to see that they were changed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stamp(Vec<Option<(SystemTime, u64)>>);

impl Source {
    /// # Errors
    ///
    /// As [`load`].
    pub fn load(&self) -> Result<Loaded, Vec<Problem>> {
        load(&self.files, self.variables.iter().cloned())
    }

    #[must_use]
    pub fn stamp(&self) -> Stamp {
        let stamp = |path: &PathBuf| {
            let found = std::fs::metadata(path).ok()?;
            Some((found.modified().ok()?, found.len()))
        };
        Stamp(self.files.iter().map(stamp).collect())
    }
}

/// The files to load: those named on the command line (later ones win), else that of
/// `$PVE_STEWARD_CONFIG`, else the first that is there of the usual places.
///
/// # Errors
///
/// None is named and none is there.
pub fn find(explicit: &[PathBuf]) -> Result<Vec<PathBuf>, Problem> {
    choose(explicit, env::config_file(), &PLACES)
}

fn choose(
    explicit: &[PathBuf],
    variable: Option<OsString>,
    places: &[&str],
) -> Result<Vec<PathBuf>, Problem> {
    if !explicit.is_empty() {
        return Ok(explicit.to_vec());
    }
    if let Some(path) = variable {
        return Ok(vec![path.into()]);
    }
    let there = places.iter().find(|place| Path::new(place).exists());
    there
        .map(|place| vec![place.into()])
        .ok_or_else(|| Problem {
            place: None,
            key: "--config".to_owned(),
            what: format!(
                "no configuration found: not at {}; name it with --config or $PVE_STEWARD_CONFIG \
             (config/example.toml is a start)",
                places.join(" nor at ")
            ),
        })
}

/// Loads the files on top of each other, and the variables on top of them.
///
/// # Errors
///
/// All mistakes that were found, in the order of files and lines.
pub fn load(
    files: &[PathBuf],
    variables: impl Iterator<Item = (String, String)>,
) -> Result<Loaded, Vec<Problem>> {
    load_with(Notes::default(), files, variables)
}

/// The same with empty secrets, which are not even looked for: for who asks neither Proxmox nor
/// Discord, and may not read them.
///
/// # Errors
///
/// As [`load`].
pub fn load_without_secrets(
    files: &[PathBuf],
    variables: impl Iterator<Item = (String, String)>,
) -> Result<Loaded, Vec<Problem>> {
    let notes = Notes {
        without_secrets: true,
        ..Notes::default()
    };
    load_with(notes, files, variables)
}

fn load_with(
    mut notes: Notes,
    files: &[PathBuf],
    variables: impl Iterator<Item = (String, String)>,
) -> Result<Loaded, Vec<Problem>> {
    let source = Source {
        files: files.to_vec(),
        variables: variables.collect(),
    };
    let config = stacked(&source, &mut notes).and_then(|merged| config(merged, &mut notes));
    match config {
        Some(config) if notes.problems.is_empty() => Ok(Loaded {
            config,
            warnings: sorted(notes.warnings),
            keys: notes.keys,
            source,
        }),
        _ => Err(sorted(notes.problems)),
    }
}

/// Only the clusters, with what deserves a warning: for who asks Proxmox and nobody else, and needs
/// no token of Discord for it. Mistakes in the other sections are left to [`load`].
///
/// # Errors
///
/// As [`load`].
pub fn load_clusters(
    files: &[PathBuf],
    variables: impl Iterator<Item = (String, String)>,
) -> Result<(Vec<Cluster>, Vec<Problem>), Vec<Problem>> {
    let source = Source {
        files: files.to_vec(),
        variables: variables.collect(),
    };
    let mut notes = Notes::default();
    let merged = stacked(&source, &mut notes);
    let clusters = merged.map(|merged| cluster::clusters(merged.clusters, &mut notes));
    match clusters {
        Some(clusters) if notes.problems.is_empty() => Ok((clusters, sorted(notes.warnings))),
        _ => Err(sorted(notes.problems)),
    }
}

/// Files and variables on top of each other. `None` only after a problem.
fn stacked(source: &Source, notes: &mut Notes) -> Option<Merged> {
    let files = source.files.iter();
    let written: Vec<_> = files.filter_map(|path| file::read(path, notes)).collect();
    let variables = env::read(source.variables.iter().cloned(), notes);
    // What stands in an unreadable file would be reported as missing.
    (written.len() == source.files.len()).then(|| layer::stack(written, variables, notes))
}

/// Reads every part, whatever is wrong with the others. `None` only after a problem.
fn config(mut merged: Merged, notes: &mut Notes) -> Option<Config> {
    let (guilds, discord) = settings::discord(section("discord", &mut merged, notes));
    let bot = settings::bot(section("bot", &mut merged, notes));
    let people = rules::names(section("people", &mut merged, notes));
    let roles = rules::names(section("roles", &mut merged, notes));
    rules::compare_names(&people, &roles, &guilds, notes);

    let clusters = cluster::clusters(merged.clusters, notes);
    let known: Vec<&str> = people
        .keys()
        .chain(roles.keys())
        .map(String::as_str)
        .collect();
    let allow = rules::allow(merged.allow, &known, notes);
    let deny = rules::deny(merged.deny, &known, notes);
    let ask = rules::ask(merged.ask, &known, notes);
    if bot.time_zone.is_none()
        && let Some(rule) = allow.iter().find(|rule| rule.hours.is_some())
    {
        let what = "`hours` are read in UTC, because [bot] time_zone is not set";
        notes.warning(Some(&rule.place.to_string()), "bot.time_zone", what);
    }
    Some(Config {
        discord: discord?,
        bot,
        clusters,
        people: rules::ids(people),
        roles: rules::ids(roles),
        allow,
        deny,
        ask,
    })
}

fn section<'n>(name: &'static str, merged: &mut Merged, notes: &'n mut Notes) -> Reader<'n> {
    let table = merged.sections.remove(name).and_then(layer::table);
    Reader::new(
        name,
        name.to_owned(),
        None,
        table.unwrap_or_default(),
        notes,
    )
}

/// By file and line, so that a file can be mended from top to bottom.
fn sorted(mut problems: Vec<Problem>) -> Vec<Problem> {
    problems.sort_by_cached_key(|problem| {
        let place = problem.place.as_deref().unwrap_or("\u{10ffff}");
        let (file, line) = match place.rsplit_once(':') {
            Some((file, line)) => (file, line.parse().unwrap_or(0)),
            None => (place, 0_usize),
        };
        (file.to_owned(), line, problem.key.clone())
    });
    problems
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_named_wins_over_what_is_there() {
        let there = ["Cargo.toml"];
        let named = [PathBuf::from("a"), PathBuf::from("b")];
        assert_eq!(choose(&named, Some("c".into()), &there).unwrap(), named);
        assert_eq!(
            choose(&[], Some("c".into()), &there).unwrap(),
            [PathBuf::from("c")]
        );
        assert_eq!(
            choose(&[], None, &["none", "Cargo.toml"]).unwrap(),
            [PathBuf::from("Cargo.toml")]
        );
        let problem = choose(&[], None, &["none", "never"]).unwrap_err();
        assert!(
            problem.to_string().contains("not at none nor at never"),
            "{problem}"
        );
    }
}
