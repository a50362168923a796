//! The gate: [`check`] is the only maker of a [`Permit`]. This file has no children on purpose: a
//! child module could see the private fields.

use crate::action::{Actor, Right, Target, TargetKey};
use crate::ids::UserId;

use super::policy::{Policy, RuleRef, Verdict};

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
/// # use pve_steward::permission::Permit;
/// fn turned(permit: Permit) -> Permit { Permit { confirm: false, ..permit } }
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
    rule: RuleRef,
    confirm: bool,
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

    /// The rule that allowed it: where it stands in the configuration.
    #[must_use]
    pub fn rule(&self) -> &RuleRef {
        &self.rule
    }

    /// Whether the person must be asked once more before it is done.
    #[must_use]
    pub fn needs_confirmation(&self) -> bool {
        self.confirm
    }
}

/// Why not.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Denied {
    /// No rule gives it. The ordinary case: nothing is allowed unless it is written.
    NoRule,
    /// A rule gives it, but only in other channels.
    OtherChannel(RuleRef),
    /// A deny rule takes it away.
    ByRule(RuleRef),
}

/// Decides. Deny beats allow, nothing is no, and the order of rules never matters.
///
/// # Errors
///
/// [`Denied`] whenever it is not surely allowed.
pub fn check(
    policy: &Policy,
    actor: &Actor,
    right: Right,
    target: &Target<'_>,
) -> Result<Permit, Denied> {
    let Verdict { rule, confirm } = policy.of(actor).decide(right, target)?;
    Ok(Permit {
        user: actor.user,
        right,
        target: target.key(),
        rule,
        confirm,
    })
}
