//! Some of all rights, in one word.

use crate::action::Right;

/// Some of all rights.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct RightSet(u64);

impl RightSet {
    pub(super) fn has(self, right: Right) -> bool {
        self.0 & (1 << right as u64) != 0
    }

    pub(super) fn is_empty(self) -> bool {
        self.0 == 0
    }

    pub(super) fn or(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    pub(super) fn without(self, other: Self) -> Self {
        Self(self.0 & !other.0)
    }
}

impl FromIterator<Right> for RightSet {
    fn from_iter<I: IntoIterator<Item = Right>>(rights: I) -> Self {
        Self(
            rights
                .into_iter()
                .fold(0, |set, right| set | 1 << right as u64),
        )
    }
}
