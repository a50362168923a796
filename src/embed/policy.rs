//! The policy in a terminal: the matrix for review, and one decision explained.

use std::fmt::Write as _;

use crate::action::Right;
use crate::permission::{Denied, Row, Verdict};

/// One target and what everybody may do with it. Rows in which nothing is allowed say so.
#[must_use]
pub fn matrix(target: &str, rows: &[Row]) -> String {
    let width = rows.iter().map(|row| row.who.chars().count()).max().unwrap_or(0);
    let mut text = format!("{target}\n");
    for row in rows {
        let rights: Vec<String> = row.rights.iter().filter_map(cell).collect();
        let rights = if rights.is_empty() { "-".to_owned() } else { rights.join(" ") };
        let _ = writeln!(text, "  {:width$}  {rights}", row.who);
    }
    text
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
pub fn explained(who: &str, right: Right, target: &str, decision: &Result<Verdict, Denied>) -> String {
    match decision {
        Ok(Verdict { rule, confirm }) => {
            let asks = if *confirm { "\nIt asks first." } else { "" };
            format!("yes: {who} may {right} {target}.\nAllowed by {rule}.{asks}\n")
        }
        Err(Denied::ByRule(rule)) => {
            format!("no: {who} may not {right} {target}.\nDenied by {rule}, which beats every allow.\n")
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
