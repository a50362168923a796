//! Who may do what. Deny by default; one gate; ids only.
//!
//! `policy` compiles what the owner wrote, `rule` is one rule of it, `selector` matches guests and
//! nodes, `grant` is what one person lent to another, `standing` what holds beside the rules, `law`
//! all of it at one moment, `rights` decides, `terms` says what is held at whatever time, `gate` makes
//! the only [`Permit`], `anybody` says what the rules give to anybody at all, `matrix` prints it all for
//! people to review; `idle` and `unanswered` find rules that are likely not meant so.

mod anybody;
mod change;
mod gate;
mod grant;
mod idle;
mod law;
mod matrix;
mod policy;
mod right_set;
mod rights;
mod rule;
mod selector;
mod standing;
mod terms;
mod unanswered;

pub use change::{Change, changes};
pub use gate::{Denied, Permit, check};
pub use grant::{Giver, Grant};
pub use idle::{Idle, IdleWhy, idle};
pub use law::Law;
pub use matrix::{Row, Subject, matrix, specimens, subjects};
pub use policy::Policy;
pub use rights::{Basis, Counts, Rights, Verdict};
pub use rule::{RuleKey, RuleRef};
pub use standing::{Acts, Did, Lockdown, Standing};
pub use terms::Terms;
pub use unanswered::{Unanswered, unanswered};
