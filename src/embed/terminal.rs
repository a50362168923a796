//! What the command line says to the owner. The same care as on a card, without the colours.

use std::fmt::Write as _;
use std::time::Duration;

use crate::audit::{Fault, Verified};
use crate::config::Problem;
use crate::health::Sick;
use crate::proxmox::{Presented, fingerprint_text};

use super::words::duration;

#[must_use]
pub fn problems(problems: &[Problem]) -> String {
    let plural = if problems.len() == 1 { "" } else { "s" };
    let mut text = format!(
        "The configuration has {} mistake{plural}:\n",
        problems.len()
    );
    for problem in problems {
        let _ = writeln!(text, "  {problem}");
    }
    text
}

#[must_use]
pub fn warnings(warnings: &[Problem]) -> String {
    let line = |warning: &Problem| format!("warning: {warning}\n");
    warnings.iter().map(line).collect()
}

#[must_use]
pub fn stopped(why: &str) -> String {
    format!("pve-steward stopped: {why}\n")
}

#[must_use]
pub fn no_runtime(why: &str) -> String {
    format!("pve-steward cannot start: {why}\n")
}

#[must_use]
pub fn bad_filter(why: &str) -> String {
    format!("--log is not a filter: {why}\n")
}

#[must_use]
pub fn unknown_word(what: &str, word: &str) -> String {
    format!("There is no {what} `{word}`.\n")
}

#[must_use]
pub fn no_cluster(cluster: &str, why: Option<&str>) -> String {
    let why = why.unwrap_or("no answer in 30 s");
    format!("{cluster} cannot be read: {why}\nWith --offline the rules are shown without it.\n")
}

#[must_use]
pub fn fingerprint(url: &str, presented: &Presented) -> String {
    let text = fingerprint_text(&presented.fingerprint);
    format!(
        "{text}\n\n\
         {url} presented this certificate (SHA-256).\n\
         Compare it on the node itself before you trust it:\n  \
           pvenode cert info --output-format json | grep fingerprint\n\
         or in the web interface: node, System, Certificates.\n\
         If it is the same, it may stand in [[cluster]]:\n  \
           fingerprints = [\"{text}\"]\n"
    )
}

#[must_use]
pub fn no_fingerprint(url: &str, why: &str) -> String {
    format!("{url} showed no certificate: {why}\n")
}

#[must_use]
pub fn health(health: &Result<Duration, Sick>) -> String {
    match health {
        Ok(age) => format!("connected to Discord, seen {} ago\n", duration(*age)),
        Err(Sick::NeverSeen) => "no sign of life: the bot has not connected yet\n".to_owned(),
        Err(Sick::Silent(age)) => format!("no sign of life for {}\n", duration(*age)),
    }
}

/// What `pve-steward audit verify` found.
#[must_use]
pub fn verified(verified: &Verified) -> String {
    let entries = match verified.entries {
        1 => "1 entry".to_owned(),
        many => format!("{many} entries"),
    };
    match (&verified.fault, verified.head) {
        (Some(fault), _) => format!("The audit is not as it was written.\n{}\n", at_fault(fault)),
        (None, None) => "The audit has no entries yet.\n".to_owned(),
        (None, Some(head)) => format!(
            "{entries}, each as it was written.\n\
             Head: {head}\n\n\
             Write the head down. Later this shows that nothing up to it was changed or cut off:\n  \
               pve-steward audit verify --head {head}\n"
        ),
    }
}

fn at_fault(fault: &Fault) -> String {
    let range = |from: i64, to: i64| match to - from {
        0 => format!("Entry {from} is missing"),
        _ => format!("Entries {from} to {to} are missing"),
    };
    match *fault {
        Fault::Changed { seq } => {
            format!("Entry {seq} does not fit its hash: it or the entry before it was changed.")
        }
        Fault::Missing { from, to } => format!("{}, though there are later ones.", range(from, to)),
        Fault::Restarted { seq } => {
            format!("At entry {seq} a new chain begins, as if there were no entries before it.")
        }
        Fault::CutOff { from, to } => format!("{}: the end was cut off.", range(from, to)),
        Fault::Rewritten { seq } => {
            format!("Entry {seq} has another hash than the head given: the audit was rewritten.")
        }
    }
}

#[must_use]
pub fn unreadable_audit(why: &str) -> String {
    format!("The audit cannot be read: {why}\n")
}

#[must_use]
pub fn exported(lines: u64, file: &str) -> String {
    let plural = if lines == 1 { "" } else { "s" };
    format!("{lines} line{plural} written to {file}\n")
}

#[must_use]
pub fn not_exported(why: &str) -> String {
    format!("The audit was not exported whole: {why}\n")
}
