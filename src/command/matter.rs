//! The gate before a write that does not change the state of a guest: to a node, a task, a token.
//! Checked, counted, noted, and checked once more, because noting takes time too.

use jiff::Timestamp;

use crate::action::Right;
use crate::audit::{self, Ending, Entry, Opening};
use crate::embed::Reply;
use crate::permission::{Denied, Did, Permit, check};

use super::desk::Desk;
use super::opened::{NotOpened, opened};

/// Why it is not done.
pub(super) enum NotBegun {
    Denied(Denied),
    /// It is allowed by something else now than a moment ago.
    Changed,
    /// This very interaction has acted already: its answer stands.
    Twice,
    NotNoted(Reply),
}

/// The open entry, and the permit of this very moment. The actor of `opening.request` acts.
pub(super) async fn begin(
    desk: &Desk,
    right: Right,
    opening: &Opening<'_>,
) -> Result<(Entry, Permit), NotBegun> {
    let actor = &opening.request.actor;
    let target = opening.about.target();
    let permit = check(&desk.law(), actor, right, &target).map_err(NotBegun::Denied)?;
    let did = Did {
        user: permit.user(),
        under: permit.counts().map(|counts| counts.rule),
        on: permit.target().clone(),
        right,
        at_ms: Timestamp::now().as_millisecond(),
    };
    if let Err(until) = desk.access.count(&did, permit.counts()) {
        return Err(NotBegun::Denied(Denied::too_often(&permit, until)));
    }
    let noted_as = permit.verdict().clone();
    let entry = match opened(desk, permit, opening).await {
        Ok(entry) => entry,
        Err(not) => {
            desk.access.take_back(&did);
            return Err(match not {
                NotOpened::Twice => NotBegun::Twice,
                NotOpened::Failed(reply) => NotBegun::NotNoted(reply),
            });
        }
    };
    let not = match check(&desk.law().without(&did), actor, right, &target) {
        Ok(permit) if *permit.verdict() == noted_as => return Ok((entry, permit)),
        Ok(_) => NotBegun::Changed,
        Err(denied) => NotBegun::Denied(denied),
    };
    desk.access.take_back(&did);
    let why = "refused at the last moment".to_owned();
    audit::close(&desk.store, entry, &Ending::NotSent(why)).await;
    Err(not)
}
