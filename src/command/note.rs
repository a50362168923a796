//! Audit entries beside those of acts, filled in from what is at hand.

use crate::access::Asked;
use crate::action::Request;
use crate::audit::{Note, Noted};

/// Something that the person of `request` did.
pub(super) fn of(request: &Request, event: Noted, action: &str) -> Note {
    Note::new(event, action).asked(request)
}

/// What became of a request without anybody's doing.
pub(super) fn about(asked: &Asked, event: Noted) -> Note {
    Note::new(event, asked.deed.key())
        .concerning(asked.by.user)
        .on(asked.guest.clone(), Some(asked.guest_name.clone()))
}
