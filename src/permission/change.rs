//! What a change of the rules means: who gained which right on what, and who lost it.

use std::collections::{BTreeMap, BTreeSet};

use crate::action::{Right, Target};

use super::law::Law;
use super::matrix::{Subject, meaningful};

/// What one person or role gained and lost.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Change {
    pub who: String,
    /// The right, and what it is about, as named by the caller.
    pub gained: BTreeMap<Right, Vec<String>>,
    pub lost: BTreeMap<Right, Vec<String>>,
}

/// Compares two laws over the subjects of both and the targets that there are. Hours, limits and
/// grants aside: what counts is whether the rules give a right at all.
#[must_use]
pub fn changes(
    old: (&Law, &[Subject]),
    new: (&Law, &[Subject]),
    targets: &[(String, Target<'_>)],
) -> Vec<Change> {
    let names: BTreeSet<&str> = old.1.iter().chain(new.1).map(|s| s.name.as_str()).collect();
    let mut changes = Vec::new();
    for name in names {
        let mut change = Change {
            who: name.to_owned(),
            ..Change::default()
        };
        for (title, target) in targets {
            let (before, after) = (held(old, name, target), held(new, name, target));
            for right in after.difference(&before) {
                change.gained.entry(*right).or_default().push(title.clone());
            }
            for right in before.difference(&after) {
                change.lost.entry(*right).or_default().push(title.clone());
            }
        }
        if !change.gained.is_empty() || !change.lost.is_empty() {
            changes.push(change);
        }
    }
    changes
}

fn held((law, subjects): (&Law, &[Subject]), name: &str, target: &Target<'_>) -> BTreeSet<Right> {
    let Some(subject) = subjects.iter().find(|subject| subject.name == name) else {
        return BTreeSet::new();
    };
    let mine = law.of(&subject.actor);
    let rights = meaningful(target);
    rights
        .filter(|right| mine.terms(*right, target).is_some_and(|terms| !terms.ask))
        .collect()
}
