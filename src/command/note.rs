//! Audit entries beside those of acts, filled in from what is at hand.

use crate::access::Asked;
use crate::action::Request;
use crate::audit::{By, Event, Note};

/// Something that the person of `request` did.
pub(super) fn of(request: &Request, event: Event, action: &str) -> Note {
    let actor = &request.actor;
    Note {
        event,
        interaction: Some(request.id),
        by: Some(By {
            user: actor.user,
            name: actor.name.clone(),
            guild: actor.guild,
            channel: actor.channel,
        }),
        subject: None,
        approver: None,
        action: action.to_owned(),
        guest: None,
        rule: None,
        ends_ms: None,
        detail: None,
    }
}

/// What became of a request without anybody's doing.
pub(super) fn about(asked: &Asked, event: Event) -> Note {
    Note {
        event,
        interaction: None,
        by: None,
        subject: Some(asked.by.user),
        approver: None,
        action: asked.power.key().to_owned(),
        guest: Some((asked.guest.clone(), Some(asked.guest_name.clone()))),
        rule: None,
        ends_ms: None,
        detail: None,
    }
}
