//! Who may import whom, who may name serenity, and how large things are. A new edge is a reviewed
//! change of this table, with its reason.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

/// Module, and what it may name of ours. `permission::Permit` alone is written as `Permit`.
const MAY: &[(&str, &[&str])] = &[
    ("ids", &[]),
    ("logging", &[]),
    ("health", &[]),
    ("until", &[]),
    ("action", &["ids", "until"]),
    ("config", &["ids", "action", "until"]),
    ("store", &["ids", "config", "action"]),
    ("permission", &["ids", "config", "action"]),
    // What the policy takes in Proxmox: it knows the rules, and asks nobody.
    ("privileges", &["ids", "action", "permission"]),
    ("audit", &["ids", "config", "action", "store", "Permit"]),
    ("proxmox", &["ids", "config", "action", "Permit"]),
    // Who is at which node: the commands, and what follows up a former process.
    ("held", &["ids", "action"]),
    // What the bot wants of Discord, as data: whoever wants something need not know Discord.
    ("errand", &["ids", "embed"]),
    (
        "access",
        &["ids", "action", "store", "permission", "audit", "errand"],
    ),
    // What the audit holds is put into words; `Problem` and `Sick` for the terminal.
    (
        "embed",
        &[
            "ids",
            "action",
            "audit::Ending",
            "audit::Event",
            "audit::Fault",
            "audit::Line",
            "audit::Noted",
            "audit::Verified",
            "config::Problem",
            "health::Sick",
            "permission",
            "privileges",
            "proxmox",
            "until",
        ],
    ),
    // Shared by the command that began an act and by what finishes it after a restart.
    ("follow", &["ids", "action", "audit", "embed", "proxmox"]),
    (
        "command",
        &[
            "ids",
            "config",
            "action",
            "store",
            "permission",
            "privileges",
            "audit",
            "proxmox",
            "embed",
            "follow",
            "access",
            "errand",
            "held",
            "until",
        ],
    ),
    (
        "watch",
        &[
            "ids",
            "config",
            "action",
            "store",
            "permission",
            "audit",
            "proxmox",
            "embed",
            "follow",
            "access",
            "errand",
            "held",
        ],
    ),
    // The edge reads its own section of the configuration: token, servers, channels, address.
    (
        "discord",
        &["ids", "action", "config", "command", "embed", "errand"],
    ),
    ("app", &["*"]),
    ("cli", &["*"]),
];

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

fn rust_files(dir: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for entry in std::fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files.extend(rust_files(&path));
        } else if path.extension().is_some_and(|e| e == "rs") {
            files.push(path);
        }
    }
    files.sort();
    files
}

/// The code of a file: without comments, texts and its own tests.
fn code(path: &Path) -> String {
    let text = std::fs::read_to_string(path).unwrap();
    let text = text
        .split("#[cfg(test)]\nmod tests")
        .next()
        .unwrap_or_default()
        .to_owned();
    let lines = text
        .lines()
        .map(|line| line.split("//").next().unwrap_or_default());
    lines.collect::<Vec<_>>().join("\n")
}

fn module_of(path: &Path) -> String {
    let inside = path.strip_prefix(root().join("src")).unwrap();
    let first = inside
        .components()
        .next()
        .unwrap()
        .as_os_str()
        .to_str()
        .unwrap();
    first.trim_end_matches(".rs").to_owned()
}

/// Everything that a file names behind `crate::`, groups taken apart: `config::Problem`.
fn named(code: &str) -> BTreeSet<String> {
    let mut names = BTreeSet::new();
    for (at, _) in code.match_indices("crate::") {
        let rest = &code[at + "crate::".len()..];
        if let Some(group) = rest.strip_prefix('{') {
            let inner = &group[..group.find("};").unwrap_or(group.len())];
            for part in split_top(inner) {
                names.insert(part.trim().to_owned());
            }
        } else {
            let end = rest.find(|c: char| !(c.is_alphanumeric() || c == '_' || c == ':'));
            let mut path = rest[..end.unwrap_or(rest.len())].to_owned();
            if let Some(group) = path.strip_suffix("::") {
                let inner = &rest[path.len() + 1..];
                let inner = &inner[..inner.find('}').unwrap_or(inner.len())];
                for part in split_top(inner) {
                    names.insert(format!("{group}::{}", part.trim()));
                }
                path = String::new();
            }
            if !path.is_empty() {
                names.insert(path);
            }
        }
    }
    names
}

fn split_top(list: &str) -> Vec<&str> {
    list.split(',')
        .filter(|part| !part.trim().is_empty())
        .collect()
}

fn allowed(may: &[&str], path: &str) -> bool {
    let mut parts = path.split("::");
    let (module, item) = (parts.next().unwrap_or_default(), parts.next());
    may.iter().any(|entry| match entry.split_once("::") {
        _ if *entry == "*" || *entry == module => true,
        Some((m, i)) => m == module && item == Some(i),
        None => *entry == "Permit" && module == "permission" && item == Some("Permit"),
    })
}

#[test]
fn every_import_is_in_the_table() {
    let table: BTreeMap<&str, &[&str]> = MAY.iter().copied().collect();
    let mut wrong = Vec::new();
    for path in rust_files(&root().join("src")) {
        let module = module_of(&path);
        if module == "lib" || module == "main" {
            continue;
        }
        let Some(may) = table.get(module.as_str()) else {
            wrong.push(format!("{module} is not in the table"));
            continue;
        };
        for name in named(&code(&path)) {
            let own = name.split("::").next() == Some(module.as_str());
            if !own && !allowed(may, &name) {
                wrong.push(format!("{}: crate::{name}", path.display()));
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn the_table_can_say_no() {
    let code = "use crate::permission::{Denied, Permit};\nuse crate::{app, proxmox};";
    let names = named(code);
    assert_eq!(
        names.iter().map(String::as_str).collect::<Vec<_>>(),
        ["app", "permission::Denied", "permission::Permit", "proxmox"]
    );
    assert!(allowed(&["ids", "Permit"], "permission::Permit"));
    assert!(!allowed(&["ids", "Permit"], "permission::Denied"));
    assert!(!allowed(&["ids", "config::Problem"], "config::Config"));
    assert!(!allowed(&["ids"], "app"));
}

#[test]
fn only_the_edge_names_serenity() {
    for path in rust_files(&root().join("src")) {
        let edge = module_of(&path) == "discord";
        let names = code(&path).contains("serenity::") || code(&path).contains("use serenity");
        assert!(edge || !names, "{}", path.display());
    }
}

#[test]
fn nobody_but_the_gate_makes_a_permit() {
    for path in rust_files(&root().join("src")) {
        let gate = path.ends_with("permission/gate.rs");
        let makes = code(&path).contains("Permit {");
        assert!(
            gate || !makes,
            "{} names the fields of a permit",
            path.display()
        );
        // A child of the gate could see its private fields.
        assert!(
            !gate || !code(&path).contains("mod "),
            "the gate has a child module"
        );
    }
    assert!(
        !root().join("src/permission/gate").exists(),
        "the gate has a folder"
    );
}

#[test]
fn the_bot_knows_no_fake_and_the_fakes_know_no_bot() {
    for path in rust_files(&root().join("src")) {
        assert!(!code(&path).contains("fake_"), "{}", path.display());
    }
    for fake in ["fake_proxmox", "fake_discord"] {
        let manifest = root().join("tests").join(fake).join("Cargo.toml");
        let manifest = std::fs::read_to_string(manifest).unwrap();
        assert!(!manifest.contains("pve-steward"), "{fake}");
        for path in rust_files(&root().join("tests").join(fake)) {
            let code = code(&path);
            assert!(!code.contains("pve_steward::"), "{}", path.display());
            assert!(!code.contains("serenity::"), "{}", path.display());
        }
    }
}

#[test]
fn no_test_switches_in_what_is_released() {
    for path in rust_files(&root().join("src")) {
        let text = std::fs::read_to_string(&path).unwrap();
        for (at, _) in text.match_indices("cfg(test)") {
            let after = &text[at..];
            let tests = after.starts_with("cfg(test)]\nmod tests");
            assert!(
                tests,
                "{}: cfg(test) on something else than tests",
                path.display()
            );
        }
    }
}

/// Sizes are reported and held loosely: a file that has outgrown a screenful of ideas is split.
#[test]
fn files_and_functions_stay_small() {
    let mut sizes: Vec<(usize, String)> = Vec::new();
    for path in rust_files(&root().join("src")) {
        let lines = code(&path).lines().count();
        let name = path.strip_prefix(root()).unwrap().display().to_string();
        sizes.push((lines, name));
    }
    sizes.sort();
    let median = sizes[sizes.len() / 2].0;
    let (largest, name) = sizes.last().unwrap().clone();
    println!(
        "{} files, median {median} lines, largest {name} with {largest}",
        sizes.len()
    );
    assert!(largest <= 450, "{name} has {largest} lines");
    assert!(median <= 200, "the median file has {median} lines");
}
