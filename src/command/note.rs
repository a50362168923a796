//! Audit entries beside those of acts, filled in from what is at hand.

use crate::access::Asked;
use crate::action::{Deed, Request};
use crate::audit::{Note, Noted, REASON};

/// Something that the person of `request` did.
pub(super) fn of(request: &Request, event: Noted, action: &str) -> Note {
    Note::new(event, action).asked(request)
}

/// What became of a request without anybody's doing.
pub(super) fn about(asked: &Asked, event: Noted) -> Note {
    let note = Note::new(event, asked.deed.key())
        .concerning(asked.by.user)
        .on(asked.guest.clone(), Some(asked.guest_name.clone()));
    Note {
        detail: detail(&asked.deed, None),
        ..note
    }
}

/// What a request is about, as far as the right alone does not say, and why it ended so.
pub(super) fn detail(deed: &Deed, why: Option<&str>) -> Option<String> {
    let which = deed.detail();
    let both: Vec<&str> = which.as_deref().into_iter().chain(why).collect();
    (!both.is_empty()).then(|| both.join(REASON))
}
