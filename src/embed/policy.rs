//! The policy in a terminal: the matrix for review, and one decision explained.

use std::fmt::Write as _;

use crate::action::{GuestFacts, Right};
use crate::ids::NodeRef;
use crate::permission::{Denied, Row, Verdict};

/// One target and what everybody may do with it. Rows in which nothing is allowed say so.
#[must_use]
pub fn matrix(target: &str, rows: &[Row]) -> String {
    let width = rows
        .iter()
        .map(|row| row.who.chars().count())
        .max()
        .unwrap_or(0);
    let mut text = format!("{target}\n");
    for row in rows {
        let rights: Vec<String> = row.rights.iter().filter_map(cell).collect();
        let rights = if rights.is_empty() {
            "-".to_owned()
        } else {
            rights.join(" ")
        };
        let _ = writeln!(text, "  {:width$}  {rights}", row.who);
    }
    text
}

/// The bot itself, as a target of rules.
pub const BOT_TITLE: &str = "the bot itself";

/// `101 valheim (vm on pve1; tags games; pool friends)`.
#[must_use]
pub fn guest_title(facts: &GuestFacts, several: bool) -> String {
    let number = if several {
        facts.guest.to_string()
    } else {
        facts.guest.vmid.to_string()
    };
    let name = facts.name.as_deref().unwrap_or("(no name)");
    let mut about = format!("{} on {}", facts.kind.key(), facts.node);
    if !facts.tags.is_empty() {
        let _ = write!(about, "; tags {}", facts.tags.join(" "));
    }
    if let Some(pool) = &facts.pool {
        let _ = write!(about, "; pool {pool}");
    }
    format!("{number} {name} ({about})")
}

#[must_use]
pub fn node_title(node: &NodeRef) -> String {
    format!("node {node}")
}

/// Below a matrix: what its signs mean.
pub const LEGEND: &str = "!  asks first      -  nothing\n\
    A role is shown as a member who has only that role; a person without any role.\n";

fn cell((right, decision): &(Right, Result<Verdict, Denied>)) -> Option<String> {
    let verdict = decision.as_ref().ok()?;
    let mark = if verdict.confirm { "!" } else { "" };
    Some(format!("{right}{mark}"))
}

/// One decision with the rule that made it.
#[must_use]
pub fn explained(
    who: &str,
    right: Right,
    target: &str,
    decision: &Result<Verdict, Denied>,
) -> String {
    match decision {
        Ok(Verdict { rule, confirm }) => {
            let asks = if *confirm { "\nIt asks first." } else { "" };
            format!("yes: {who} may {right} {target}.\nAllowed by {rule}.{asks}\n")
        }
        Err(Denied::ByRule(rule)) => {
            format!(
                "no: {who} may not {right} {target}.\nDenied by {rule}, which beats every allow.\n"
            )
        }
        Err(Denied::OtherChannel(rule)) => format!(
            "no: {who} may not {right} {target} there.\n{rule} allows it in other channels; \
             try --channel.\n"
        ),
        Err(Denied::NoRule) => format!(
            "no: {who} may not {right} {target}.\nNo rule allows it, and what no rule allows is \
             refused.\n"
        ),
    }
}
