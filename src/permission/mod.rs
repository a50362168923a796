//! Who may do what. Deny by default; one gate; ids only.
//!
//! `policy` compiles what the owner wrote, `selector` matches guests and nodes, `gate` makes the
//! only [`Permit`], `matrix` prints it all for people to review.

mod gate;
mod matrix;
mod policy;
mod selector;

pub use gate::{Denied, Permit, check};
pub use matrix::{Row, Subject, matrix, specimens, subjects};
pub use policy::{Policy, Rights, RuleRef, Verdict};
