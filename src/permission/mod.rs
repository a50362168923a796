//! Who may do what. Deny by default; one gate; ids only.
//!
//! `policy` compiles what the owner wrote, `rule` is one rule of it, `selector` and `pattern` match
//! guests and nodes, `index` finds the rules that may name them (`places` are sets of rules), `grant`
//! is what one person lent to another, `standing` what holds beside the rules, `law` all of it at one
//! moment, `rights` decides (`verdict` is what
//! rules come to together), `terms` says what is held at whatever time, `gate` makes the only
//! [`Permit`], `anybody` says what the rules give to anybody at all, `matrix` prints it all for people
//! to review; `idle` and `unanswered` find rules that are likely not meant so.

mod anybody;
mod change;
mod gate;
mod grant;
mod idle;
mod index;
mod law;
mod matrix;
mod pattern;
mod places;
mod policy;
mod right_set;
mod rights;
mod rule;
mod selector;
mod standing;
mod terms;
mod unanswered;
mod verdict;

pub use change::{Change, changes};
pub use gate::{Denied, Permit, check};
pub use grant::{Giver, Grant};
pub use idle::{Idle, IdleWhy, idle};
pub use law::Law;
pub use matrix::{Row, Subject, matrix, specimens, subjects};
pub use policy::Policy;
pub use rights::Rights;
pub use rule::{RuleKey, RuleRef};
pub use standing::{Acts, Did, Lockdown, Standing};
pub use terms::Terms;
pub use unanswered::{Unanswered, unanswered};
pub use verdict::{Basis, Counts, Verdict};
