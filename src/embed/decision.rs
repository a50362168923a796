//! `/access why`: one decision explained, for the friend a sentence, for the owner the rule.

use std::fmt::Write as _;

use crate::action::{Right, Target};
use crate::ids::UserId;
use crate::permission::{Basis, Denied, RuleRef, Verdict};

use super::problem::refusal;
use super::reply::{Card, Colour, Reply};
use super::words::{acts, ago, clock, duration, guest_footer, guest_name, node_footer, person};

/// One decision about one person and one guest, node or the bot itself.
#[derive(Debug)]
pub struct Why<'a> {
    pub who: UserId,
    pub right: Right,
    pub target: &'a Target<'a>,
    /// What holds once no lockdown stands in the way.
    pub decision: &'a Result<Verdict, Denied>,
    /// A lockdown does.
    pub locked: Option<Locked>,
    /// The rule under which it may be asked for.
    pub ask: Option<&'a RuleRef>,
    /// Whether whoever reads it may know the rules: those with access.
    pub rules: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Locked {
    /// Whether whoever reads it may end the lockdown.
    pub may_end: bool,
}

/// Why somebody may or may not do something.
#[must_use]
pub fn why(why: &Why<'_>) -> Reply {
    let may = why.decision.is_ok() && why.locked.is_none();
    let (colour, mark, word) = if may {
        (Colour::Green, "🟢", "yes")
    } else {
        (Colour::Grey, "⛔", "no")
    };
    let mut lines = vec![format!("For {}.", person(why.who))];
    if let Some(Locked { may_end }) = why.locked {
        lines.push("The bot is locked down.".to_owned());
        if may_end {
            lines.push("`/access lockdown off` ends it.".to_owned());
        }
        lines.push("**Without the lockdown**".to_owned());
    }
    lines.push(match why.decision {
        Ok(verdict) => why_yes(verdict),
        Err(denied) => why_no(denied, why.ask.is_some(), why.target),
    });
    if why.rules {
        lines.push(by_which_rule(why));
    }
    let (about, footer) = named(why.target);
    Reply::card(Card {
        colour,
        title: format!("{mark} {}{about}: {word}", why.right),
        body: lines.join("\n"),
        footer: Some(footer),
    })
}

/// What is asked about, behind the right and in the small print.
fn named(target: &Target<'_>) -> (String, String) {
    match target {
        Target::Guest(guest) => (format!(" {}", guest_name(guest)), guest_footer(guest)),
        Target::Node(node) => (format!(" {}", node.node), node_footer(node)),
        Target::Bot => (String::new(), "the bot itself".to_owned()),
    }
}

fn by_which_rule(why: &Why<'_>) -> String {
    let rule = match why.decision {
        Ok(verdict) => Some(verdict.basis.rule()),
        Err(denied) => denied.rule(),
    };
    match (rule, why.ask) {
        (Some(rule), _) => format!("Rule: `{}`", plain_place(rule)),
        (None, Some(ask)) => format!("May ask by: `{}`", plain_place(ask)),
        (None, None) => {
            let and = match why.target {
                Target::Guest(_) => "and the guest.",
                Target::Node(_) => "and the node.",
                Target::Bot => "that names this action, and\nneither guests nor nodes.",
            };
            format!("To allow it, write an `[[allow]]` for\nthe person {and}")
        }
    }
}

fn why_yes(verdict: &Verdict) -> String {
    let mut text = match &verdict.basis {
        Basis::Rule(_) => "A rule allows it.".to_owned(),
        Basis::Grant { id, by, .. } => format!("Grant {} by {} allows it.", id.0, person(*by)),
    };
    if verdict.confirm {
        text.push_str("\nI ask first.");
    }
    if let Some(counts) = verdict.counts {
        let _ = write!(
            text,
            "\nAt most {} in {},\nall that the rule allows together.",
            counts.limit.most,
            duration(counts.limit.per)
        );
    }
    text
}

fn why_no(denied: &Denied, may_ask: bool, target: &Target<'_>) -> String {
    let again = |until: i64| match until {
        i64::MAX => String::new(),
        until => format!("\nAgain from {}, {}.", clock(until), ago(until)),
    };
    let text = match denied {
        Denied::NoRule => "No rule allows it, and what no rule\nallows is refused.".to_owned(),
        Denied::ByRule(_) => "A rule forbids it, and that beats\neverything else.".to_owned(),
        Denied::OtherChannel(_) => "It is allowed in other channels only.".to_owned(),
        Denied::OutsideHours { until, .. } => {
            format!("It is allowed at other hours.{}", again(*until))
        }
        Denied::UsedUp { limit, until, .. } => format!(
            "Used up: {} in {}. The limit\ncounts all that the rule allows.{}",
            acts(limit.most),
            duration(limit.per),
            again(*until)
        ),
        Denied::Resting { until, .. } => {
            let to = match target {
                Target::Guest(_) => " to this guest",
                Target::Node(_) => " to this node",
                Target::Bot => "",
            };
            format!("It was done{to} a moment ago.{}", again(*until))
        }
        Denied::Lockdown => "The bot is locked down.".to_owned(),
    };
    if may_ask {
        format!("{text}\nIt may be asked for: try it, and press\n*Ask for it*.")
    } else {
        text
    }
}

/// File and line without the folders above: a phone is narrow, and paths are nobody's business.
fn plain_place(rule: &RuleRef) -> String {
    let file = rule.place.file.rsplit('/').next().unwrap_or_default();
    format!("{}:{}", file.replace('`', "'"), rule.place.line)
}

/// The right means something only on a guest or a node that was not said, or not as it was said.
#[must_use]
pub fn which(right: Right) -> Reply {
    if right == Right::Access {
        let next =
            "`access` is about a guest, or with neither\nguest nor node about the bot itself.";
        return refusal("Which guest?", next.to_owned());
    }
    let (title, next) = match (right.is_for_guests(), right.is_for_nodes()) {
        (true, true) => (
            "Which guest or node?",
            "is about a guest or a node.\nFill in one of the two.",
        ),
        (_, true) => (
            "Which node?",
            "is about a node.\nFill in `node` and no guest.",
        ),
        (_, false) => (
            "Which guest?",
            "is about a guest.\nFill in `guest` and no node.",
        ),
    };
    refusal(title, format!("`{right}` {next}"))
}
