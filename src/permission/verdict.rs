//! What several rules and grants come to together: a yes with its conditions, or why not.

use crate::action::Right;
use crate::config::Limit;
use crate::ids::{GrantId, UserId};

use super::gate::Denied;
use super::grant::Grant;
use super::rule::{RuleKey, RuleRef};

/// A yes. Not a key to anything: only [`super::check`] turns it into a permit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verdict {
    pub basis: Basis,
    pub confirm: bool,
    /// The limit that one act more counts for.
    pub counts: Option<Counts>,
}

/// What a yes rests on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Basis {
    Rule(RuleRef),
    /// Somebody lent it, who has it by the rule.
    Grant {
        id: GrantId,
        by: UserId,
        rule: RuleRef,
    },
}

impl Basis {
    #[must_use]
    pub fn rule(&self) -> &RuleRef {
        match self {
            Self::Rule(rule) | Self::Grant { rule, .. } => rule,
        }
    }

    /// Who lent it, if it was lent.
    #[must_use]
    pub fn giver(&self) -> Option<UserId> {
        match self {
            Self::Rule(_) => None,
            Self::Grant { by, .. } => Some(*by),
        }
    }
}

impl std::fmt::Display for Basis {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Rule(rule) => rule.fmt(f),
            Self::Grant { id, by, rule } if *id == GrantId::ONCE => {
                write!(f, "approved once by {by} ({rule})")
            }
            Self::Grant { id, by, rule } => write!(f, "grant {} by {by} ({rule})", id.0),
        }
    }
}

/// Which limit, and how it reads.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Counts {
    pub rule: RuleKey,
    pub limit: Limit,
}

/// One rule or grant that applies here and now.
pub(super) struct Applies<'l> {
    pub(super) rule: &'l RuleRef,
    /// Who lent it.
    pub(super) grant: Option<&'l Grant>,
    pub(super) confirm: bool,
    pub(super) counts: Option<Counts>,
}

/// What the rules or the grants say, denies aside.
pub(super) struct Given<'l> {
    /// The freest of those that apply; among equals the first in the file, rules before grants.
    freest: Option<Applies<'l>>,
    /// A condition binds only if all have one.
    all_ask: bool,
    all_count: bool,
    /// Why those that cover it do not apply.
    why_not: Denied,
}

impl<'l> Given<'l> {
    pub(super) fn nothing() -> Self {
        Self {
            freest: None,
            all_ask: true,
            all_count: true,
            why_not: Denied::NoRule,
        }
    }

    pub(super) fn add(&mut self, one: Result<Applies<'l>, Denied>) {
        let one = match one {
            Ok(one) => one,
            Err(not) => {
                let known = std::mem::replace(&mut self.why_not, Denied::NoRule);
                self.why_not = known.or_sooner(not);
                return;
            }
        };
        self.all_ask &= one.confirm;
        self.all_count &= one.counts.is_some();
        let bound = |one: &Applies<'_>| (one.counts.is_some(), one.confirm);
        if self
            .freest
            .as_ref()
            .is_none_or(|freest| bound(&one) < bound(freest))
        {
            self.freest = Some(one);
        }
    }

    /// One that applies suffices; a confirmation or a limit binds only if all have one.
    pub(super) fn sum(self, right: Right) -> Result<Applies<'l>, Denied> {
        let freest = self.freest.ok_or(self.why_not)?;
        Ok(Applies {
            confirm: right.always_confirmed() || self.all_ask,
            counts: freest.counts.filter(|_| self.all_count),
            ..freest
        })
    }
}

impl Applies<'_> {
    pub(super) fn into_verdict(self) -> Verdict {
        let rule = self.rule.clone();
        Verdict {
            basis: match self.grant {
                None => Basis::Rule(rule),
                Some(grant) => Basis::Grant {
                    id: grant.id,
                    by: grant.giver.user,
                    rule,
                },
            },
            confirm: self.confirm,
            counts: self.counts,
        }
    }
}
