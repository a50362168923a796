//! The policy in a terminal: the matrix for review, and one decision explained.

use std::fmt::Write as _;

use jiff::Timestamp;
use jiff::tz::TimeZone;

use crate::action::{GuestFacts, Right};
use crate::ids::NodeRef;
use crate::permission::{Counts, Denied, Row, RuleRef, Terms, Verdict};
use crate::until::short;

use super::words::{acts, grouped};

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
        let rights: Vec<String> = grouped(&row.rights).iter().map(cell).collect();
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
pub const LEGEND: &str = "!  asks first      ?  may ask for it      -  nothing\n\
    (16:00-23:30) at these hours   (5/1h) so often   (10m rest) between two on one guest\n\
    (else ?) may ask for it where the conditions before it do not hold\n\
    A role is shown as a member who has only that role; a person without any role.\n";

fn cell((right, terms): &(&str, Terms)) -> String {
    let mut mark = String::new();
    if terms.ask {
        mark.push('?');
    } else if terms.confirm {
        mark.push('!');
    }
    let mut notes: Vec<String> = terms.hours.iter().map(ToString::to_string).collect();
    if let Some(limit) = terms.limit {
        notes.push(format!("{}/{}", limit.most, short(limit.per)));
    }
    if let Some(rest) = terms.cooldown {
        notes.push(format!("{} rest", short(rest)));
    }
    if terms.lent_until.is_some() {
        notes.push("lent".to_owned());
    }
    if terms.ask_else {
        notes.push("else ?".to_owned());
    }
    let notes = if notes.is_empty() {
        String::new()
    } else {
        format!("({})", notes.join(", "))
    };
    format!("{right}{mark}{notes}")
}

/// A decision about one person, in a terminal.
#[derive(Debug)]
pub struct Explained<'a> {
    pub who: &'a str,
    pub right: Right,
    pub target: &'a str,
    pub decision: &'a Result<Verdict, Denied>,
    /// The rule under which it may be asked for: now, or, where it is allowed now, when its conditions
    /// do not hold.
    pub ask: Option<&'a RuleRef>,
    /// Whose time is shown.
    pub zone: &'a TimeZone,
}

/// Below a decision about a person: what it leaves out.
#[must_use]
pub fn without_roles(who: &str) -> String {
    format!(
        "This is what {who} may do without any role: only Discord knows who has which. If {who} has\n\
         one of [roles], add --role with its name, once for each.\n"
    )
}

/// One decision with the rule that made it.
#[must_use]
pub fn explained(of: &Explained<'_>) -> String {
    let (who, right, target) = (of.who, of.right, of.target);
    let again = |until: i64| match Timestamp::from_second(until) {
        Ok(at) => {
            let at = at.to_zoned_datetime(of.zone.clone());
            format!("Again from {}.", at.strftime("%Y-%m-%d %H:%M %Z"))
        }
        Err(_) => "It never begins.".to_owned(),
    };
    let no = format!("no: {who} may not {right} {target}");
    let why = match of.decision {
        Ok(verdict) => return allowed(of, verdict),
        Err(Denied::ByRule(rule)) => {
            format!("{no}.\nDenied by {rule}, which beats every allow and every grant.\n")
        }
        Err(Denied::OtherChannel(rule)) => {
            format!("{no} there.\n{rule} allows it in other channels; try --channel.\n")
        }
        Err(Denied::OutsideHours { rule, until }) => {
            format!(
                "{no} now.\n{rule} allows it at other hours. {}\n",
                again(*until)
            )
        }
        Err(Denied::UsedUp { rule, limit, until }) => format!(
            "{no} now.\n{rule} allows {} in {}, all that it allows together, and that is used up. {}\n",
            acts(limit.most),
            short(limit.per),
            again(*until)
        ),
        Err(Denied::Resting { rule, until }) => format!(
            "{no} now.\n{rule} lets a guest rest after an act. {}\n",
            again(*until)
        ),
        Err(Denied::Lockdown) => {
            format!("{no} now.\nThe bot is locked down: only people with access act.\n")
        }
        Err(Denied::NoRule) => {
            format!("{no}.\nNo rule allows it, and what no rule allows is refused.\n")
        }
    };
    match of.ask {
        Some(rule) => format!("{why}{who} may ask for it, by {rule}.\n"),
        None => why,
    }
}

fn allowed(of: &Explained<'_>, verdict: &Verdict) -> String {
    let (who, right, target) = (of.who, of.right, of.target);
    let mut text = format!(
        "yes: {who} may {right} {target}.\nAllowed by {}.\n",
        verdict.basis
    );
    if verdict.confirm {
        text.push_str("It asks first.\n");
    }
    if let Some(Counts { limit, .. }) = verdict.counts {
        let (acts, per) = (acts(limit.most), short(limit.per));
        let _ = writeln!(
            text,
            "At most {acts} in {per}, all that the rule allows together."
        );
    }
    if let Some(rule) = of.ask {
        let _ = writeln!(
            text,
            "When that does not hold, {who} may ask for it, by {rule}."
        );
    }
    text
}
