//! The gate: [`check`] is the only maker of a [`Permit`]. This file has no children on purpose: a
//! child module could see the private fields.

use crate::action::{Actor, Right, Target, TargetKey};
use crate::config::Limit;
use crate::ids::UserId;

use super::law::Law;
use super::rights::seconds_up;
use super::rule::RuleRef;
use super::verdict::{Basis, Counts, Verdict};

/// Proof that the policy allowed one person one right on one target, just now.
///
/// It cannot be made, copied, kept on disk or turned round elsewhere: no `Clone`, no `Serialize`,
/// no public field. Every write to Proxmox asks for one and compares it with what it does.
///
/// ```compile_fail,E0308
/// # use pve_steward::permission::Permit;
/// fn copied(permit: &Permit) -> Permit { permit.clone() }
/// ```
/// ```compile_fail,E0451
/// # use pve_steward::permission::{Permit, Verdict};
/// fn turned(permit: Permit, verdict: Verdict) -> Permit { Permit { verdict, ..permit } }
/// ```
/// ```compile_fail,E0277
/// # use pve_steward::permission::Permit;
/// fn kept(permit: Permit) { fn needs<T: serde::Serialize>(_: T) {} needs(permit) }
/// ```
/// ```compile_fail,E0599
/// # use pve_steward::permission::Permit;
/// fn made() -> Permit { Permit::default() }
/// ```
#[derive(Debug)]
#[must_use]
pub struct Permit {
    user: UserId,
    right: Right,
    target: TargetKey,
    verdict: Verdict,
}

impl Permit {
    /// Whether this is the permit for exactly that.
    #[must_use]
    pub fn covers(&self, right: Right, target: &TargetKey) -> bool {
        self.right == right && self.target == *target
    }

    #[must_use]
    pub fn user(&self) -> UserId {
        self.user
    }

    #[must_use]
    pub fn right(&self) -> Right {
        self.right
    }

    #[must_use]
    pub fn target(&self) -> &TargetKey {
        &self.target
    }

    /// What it rests on, and under which conditions.
    #[must_use]
    pub fn verdict(&self) -> &Verdict {
        &self.verdict
    }

    /// What allowed it: a rule of the configuration, or a grant.
    #[must_use]
    pub fn basis(&self) -> &Basis {
        &self.verdict.basis
    }

    /// The limit for which the act counts.
    #[must_use]
    pub fn counts(&self) -> Option<Counts> {
        self.verdict.counts
    }

    /// Whether the person must be asked once more before it is done.
    #[must_use]
    pub fn needs_confirmation(&self) -> bool {
        self.verdict.confirm
    }
}

/// Why not.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Denied {
    /// No rule gives it. The ordinary case: nothing is allowed unless it is written.
    NoRule,
    /// A rule gives it, but only in other channels.
    OtherChannel(RuleRef),
    /// A rule gives it, but only at other hours; the next begin at `until` (unix seconds).
    OutsideHours { rule: RuleRef, until: i64 },
    /// The person has done it as often as the rule allows; again at `until` (unix seconds).
    UsedUp {
        rule: RuleRef,
        limit: Limit,
        until: i64,
    },
    /// It was done to this guest a moment ago; again at `until` (unix seconds).
    Resting { rule: RuleRef, until: i64 },
    /// A deny rule takes it away.
    ByRule(RuleRef),
    /// Nobody acts but people with `access`.
    Lockdown,
}

impl Denied {
    /// The permit was good until somebody else's act, a moment ago, used up the limit. `until` in
    /// unix milliseconds.
    #[must_use]
    pub fn too_often(permit: &Permit, until: i64) -> Self {
        let rule = permit.basis().rule().clone();
        let until = seconds_up(until);
        match permit.counts() {
            Some(Counts { limit, .. }) => Self::UsedUp { rule, limit, until },
            None => Self::Resting { rule, until },
        }
    }

    /// When it will work again by itself, if that is known.
    #[must_use]
    pub fn until(&self) -> Option<i64> {
        match self {
            Self::OutsideHours { until, .. }
            | Self::UsedUp { until, .. }
            | Self::Resting { until, .. } => Some(*until),
            Self::NoRule | Self::OtherChannel(_) | Self::ByRule(_) | Self::Lockdown => None,
        }
    }

    /// The rule that the refusal rests on, if it rests on one.
    #[must_use]
    pub fn rule(&self) -> Option<&RuleRef> {
        match self {
            Self::OtherChannel(rule)
            | Self::ByRule(rule)
            | Self::OutsideHours { rule, .. }
            | Self::UsedUp { rule, .. }
            | Self::Resting { rule, .. } => Some(rule),
            Self::NoRule | Self::Lockdown => None,
        }
    }

    /// Of two reasons the one that helps most: here and soon before elsewhere before never.
    pub(super) fn or_sooner(self, other: Self) -> Self {
        let rank = |denied: &Self| match (denied, denied.until()) {
            (_, Some(until)) => (0, until),
            (Self::OtherChannel(_), _) => (1, 0),
            _ => (2, 0),
        };
        if rank(&other) < rank(&self) {
            other
        } else {
            self
        }
    }
}

/// Decides. Lockdown beats deny, deny beats grants and allow, nothing is no, and the order of rules
/// never matters.
///
/// # Errors
///
/// [`Denied`] whenever it is not surely allowed.
pub fn check(
    law: &Law,
    actor: &Actor,
    right: Right,
    target: &Target<'_>,
) -> Result<Permit, Denied> {
    let verdict = law.of(actor).decide(right, target)?;
    Ok(Permit {
        user: actor.user,
        right,
        target: target.key(),
        verdict,
    })
}
