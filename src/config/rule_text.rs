//! A rule in one line, the same wherever it stands: for the list of what a reload changed, and as
//! the name under which limits count.

use std::fmt::{self, Display, Formatter};

use super::{AllowRule, AskRule, DenyRule};
use crate::action::Right;
use crate::until::short;

impl Display for AllowRule {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "allow {}: {}",
            self.who.join(", "),
            self.words.join(", ")
        )?;
        list(f, " on ", &self.guests)?;
        list(f, " on nodes ", &self.nodes)?;
        list(f, " in channels ", &self.channels)?;
        if let Some(hours) = self.hours {
            write!(f, " at {hours}")?;
        }
        if let Some(limit) = self.limit {
            write!(f, " at most {} per {}", limit.most, short(limit.per))?;
        }
        if let Some(rest) = self.cooldown {
            write!(f, " resting {}", short(rest))?;
        }
        list(f, " confirmed ", &self.confirm)
    }
}

impl Display for DenyRule {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        write!(f, "deny {}: {}", self.who.join(", "), words(&self.actions))?;
        list(f, " on ", self.guests.as_deref().unwrap_or_default())?;
        list(f, " on nodes ", self.nodes.as_deref().unwrap_or_default())
    }
}

impl Display for AskRule {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        write!(f, "ask {}: {}", self.who.join(", "), words(&self.actions))?;
        list(f, " on ", &self.guests)
    }
}

fn words(rights: &[Right]) -> String {
    let keys: Vec<&str> = rights.iter().map(|right| right.key()).collect();
    keys.join(", ")
}

fn list<T: Display>(f: &mut Formatter<'_>, before: &str, items: &[T]) -> fmt::Result {
    if items.is_empty() {
        return Ok(());
    }
    let items: Vec<String> = items.iter().map(ToString::to_string).collect();
    write!(f, "{before}{}", items.join(", "))
}
