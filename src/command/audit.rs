//! `/audit`: who did what, page by page, for those who may read it.

use crate::action::{AuditPage, Door, Request, Right, Target};
use crate::audit::{self, Filter, Of};
use crate::embed::audit_page::{self, Ways};
use crate::embed::{self, Reply};
use crate::ids::{GuestQuery, GuestRef, Wanted};

use super::desk::{Desk, reason};
use super::resolve::{self, Lookup, Sight};
use super::{Audience, Decision, Outcome, Task, Work, guest_not_found};

/// As many as a phone shows without a long thumb.
const PAGE: u32 = 10;

pub(super) fn decide(desk: &Desk, request: &Request, page: &AuditPage) -> Decision {
    if let Err(refusal) = allowed(desk, request) {
        return Decision::answer(refusal, Audience::Private);
    }
    let audience = match request.door {
        Door::Button { private: true, .. } => Audience::Replace,
        _ => Audience::Private,
    };
    Decision::go(Task::new(request, Work::Audit(page.clone()), audience))
}

fn allowed(desk: &Desk, request: &Request) -> Result<(), Reply> {
    let decided = desk
        .law()
        .of(&request.actor)
        .decide(Right::Audit, &Target::Bot);
    decided.map(drop).map_err(|denied| {
        desk.note_refusal(request, None, &reason(&denied));
        embed::audit::not_for_you()
    })
}

pub(super) async fn perform(desk: &Desk, task: &Task, page: &AuditPage) -> Outcome {
    let request = &task.request;
    match shown(desk, request, page).await {
        Ok(reply) => Outcome::shown(reply),
        Err(refusal) => task.refuse(refusal),
    }
}

async fn shown(desk: &Desk, request: &Request, page: &AuditPage) -> Result<Reply, Reply> {
    // The right may be gone since it was acknowledged.
    allowed(desk, request)?;
    let guest = page.guest.as_ref();
    let guest = guest.map(|query| meant(desk, request, query)).transpose()?;
    let filter = Filter {
        user: page.user,
        guest: guest.clone(),
        of: page.right.map(|right| match right {
            Right::Access => Of::Access,
            right => Of::Action(right.key().to_owned()),
        }),
        refused: page.refused,
        since_ms: page.since.map(|since| since.saturating_mul(1000)),
    };
    // One more than is shown says whether there is a next page.
    let lines = audit::page(&desk.store, &filter, page.before, PAGE + 1).await;
    let mut lines = lines.map_err(|error| {
        tracing::error!(interaction = %request.id, %error, "the audit cannot be read");
        embed::problem::internal(request.id)
    })?;
    let more = lines.len() > PAGE as usize;
    lines.truncate(PAGE as usize);
    let here = AuditPage {
        guest: guest.as_ref().map(GuestQuery::from),
        ..page.clone()
    };
    let older = lines.last().filter(|_| more).map(|last| AuditPage {
        before: Some(last.seq),
        ..here.clone()
    });
    let newest = page.before.map(|_| AuditPage {
        before: None,
        ..here.clone()
    });
    Ok(audit_page::page(&lines, &here, Ways { older, newest }))
}

/// A guest that is gone has its history all the same: a number needs no guest.
fn meant(desk: &Desk, request: &Request, query: &GuestQuery) -> Result<GuestRef, Reply> {
    let only = desk.clusters.first().filter(|_| !desk.several());
    let only = only.map(|inventory| inventory.client().cluster());
    if let (Wanted::Vmid(vmid), Some(cluster)) = (&query.wanted, query.cluster.as_ref().or(only)) {
        return Ok(GuestRef {
            cluster: cluster.clone(),
            vmid: *vmid,
        });
    }
    match resolve::guest(desk, &request.actor, Sight::Known, None, query) {
        Lookup::Found(found) => Ok(found.guest.facts.guest),
        lookup => Err(guest_not_found(desk, request, query, "status", lookup)),
    }
}
