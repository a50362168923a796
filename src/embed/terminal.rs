//! What the command line says to the owner. The same care as on a card, without the colours.

use std::fmt::{Display, Write as _};
use std::time::Duration;

use crate::action::Right;
use crate::audit::{Fault, Verified};
use crate::config::Problem;
use crate::health::Sick;
use crate::proxmox::{Error, Presented, fingerprint_text};

use super::fault;
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

/// `known`: what it could have been; the first ones are shown.
#[must_use]
pub fn unknown_word<K: Display>(
    what: &str,
    word: &str,
    known: impl IntoIterator<Item = K>,
) -> String {
    const SHOWN: usize = 30;
    let mut known: Vec<String> = known.into_iter().map(|one| one.to_string()).collect();
    if known.is_empty() {
        return format!("There is no {what} `{word}`, and none at all.\n");
    }
    let more = known.len().saturating_sub(SHOWN);
    known.truncate(SHOWN);
    let more = if more > 0 {
        format!("\n  and {more} more")
    } else {
        String::new()
    };
    format!(
        "There is no {what} `{word}`. There are:\n  {}{more}\n",
        known.join("\n  ")
    )
}

/// An action, or a group of them, that cannot be done to what the question names.
#[must_use]
pub fn other_target(action: &str, rights: &[Right]) -> String {
    let any = |is_for: fn(Right) -> bool| rights.iter().copied().any(is_for);
    let mut next = Vec::new();
    if any(Right::is_for_guests) {
        next.push("a guest: add --guest with its VMID or name, and leave --node out");
    }
    if any(Right::is_for_nodes) {
        next.push("a node: add --node with its name, and leave --guest out");
    }
    if any(Right::is_about_the_bot) {
        next.push("the bot itself: leave --guest and --node out");
    }
    format!("`{action}` is for {}.\n", next.join("; or for "))
}

#[must_use]
pub fn no_cluster(cluster: &str, why: Option<&Error>) -> String {
    let why = match why {
        Some(error) => fault::told(error),
        None => "no answer in 30 s".to_owned(),
    };
    format!("{cluster} cannot be read: {why}\nWith --offline the rules are shown without it.\n")
}

#[must_use]
pub fn fingerprint(url: &str, presented: &Presented) -> String {
    let text = fingerprint_text(&presented.fingerprint);
    format!(
        "{text}\n\n\
         {url} presented this certificate (SHA-256).\n\
         Compare it before you trust it. On the node itself:\n  \
           pvenode cert info\n\
         There it stands at pveproxy-ssl.pem, or at pve-ssl.pem where there is no pveproxy-ssl.pem.\n\
         The web interface shows the same: the node, System, Certificates.\n\
         If it is the same, it may stand in [[cluster]]:\n  \
           fingerprints = [\"{text}\"]\n"
    )
}

#[must_use]
pub fn bad_address(typed: &str) -> String {
    format!("`{typed}` is no address of a node: write https://host:8006\n")
}

#[must_use]
pub fn no_fingerprint(url: &str, error: &Error, verbose: bool) -> String {
    let cause = fault::cause(error).filter(|_| verbose);
    let cause = cause.map(|cause| format!("{cause}\n"));
    let said = fault::no_certificate(url, error);
    format!("{said}\n{}", cause.unwrap_or_default())
}

#[must_use]
pub fn health(health: &Result<Duration, Sick>) -> String {
    match health {
        Ok(age) => format!("connected to Discord, seen {} ago\n", duration(*age)),
        Err(Sick::NeverSeen) => "no sign of life: the bot is not connected to Discord. It was \
            stopped, or never came up:\nits log says why (journalctl -u pve-steward, docker \
            compose logs).\n"
            .to_owned(),
        Err(Sick::Silent(age)) => format!(
            "no sign of life for {}: the connection to Discord is gone, or the bot has died.\n\
             Its log says why (journalctl -u pve-steward, docker compose logs).\n",
            duration(*age)
        ),
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
