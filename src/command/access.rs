//! `/access list`, `grant`, `revoke` and `lockdown`.

use std::sync::Arc;
use std::time::Duration;

use crate::access::{Lent, NotChanged};
use crate::action::{Action, Actor, Person, Remark, Request, Right, Target};
use crate::audit::{Note, Noted};
use crate::embed::access::{self as words, Holder};
use crate::embed::{self, Reply};
use crate::ids::{GrantId, GuestQuery};
use crate::permission::{Denied, Giver, Grant, Law, Lockdown, check, matrix, subjects};
use crate::until::End;

use super::desk::{Desk, reason};
use super::finish::cancel_all;
use super::note;
use super::ready::fresh_guest;
use super::resolve::{self, FoundGuest, Lookup, Sight};
use super::{Audience, Decision, Outcome, Task, guest_not_found};

/// What changes something, once Discord has been told to wait.
#[derive(Debug, Clone)]
pub(super) enum Work {
    Grant {
        to: Person,
        rights: Vec<Right>,
        guest: GuestQuery,
        end: End,
    },
    Revoke(GrantId),
    Lockdown {
        on: bool,
        reason: Option<Remark>,
    },
}

/// Who may do what with one guest, or every grant that one may take back.
pub(super) fn list(desk: &Desk, request: &Request, guest: Option<&GuestQuery>) -> Reply {
    let law = desk.law();
    let lockdown = law.standing().lockdown.as_ref();
    let Some(query) = guest else {
        let grants = manageable(desk, &request.actor, &law);
        let all = law.of(&request.actor).decide(Right::Access, &Target::Bot);
        if let Err(denied) = all
            && grants.is_empty()
        {
            desk.note_refusal(request, None, &reason(&denied));
            return words::only_for_access();
        }
        let grants: Vec<&Grant> = grants.iter().map(AsRef::as_ref).collect();
        return words::list(None, &[], &grants, lockdown);
    };
    let found = match find(desk, request, query, "list") {
        Ok(found) => found,
        Err(refusal) => return refusal,
    };
    let facts = &found.guest.facts;
    let target = Target::Guest(facts);
    if let Err(denied) = law.of(&request.actor).decide(Right::Access, &target) {
        desk.note_refusal(request, Some(&target.key()), &reason(&denied));
        let ask = law.holders(&request.actor, Right::Access, &target);
        return words::no_access(facts, &ask);
    }
    let (guild, channel) = (request.actor.guild, request.actor.channel);
    // Grants are listed by themselves, so the people stand here with what the rules give them.
    let rules = law.rules_alone();
    let everybody = subjects(law.policy(), guild, channel);
    let rows = matrix(&rules, &everybody, &target);
    let holders: Vec<Holder> = rows
        .into_iter()
        .map(|row| Holder {
            name: row.who,
            rights: row.rights,
        })
        .collect();
    let unix = law.unix();
    let grants: Vec<&Grant> = law
        .standing()
        .grants
        .iter()
        .map(AsRef::as_ref)
        .filter(|grant| grant.means(facts) && !grant.is_over(unix))
        .collect();
    words::list(Some(facts), &holders, &grants, lockdown)
}

/// The grants on guests to which the person has access, those of the bot's owners all.
pub(super) fn manageable(desk: &Desk, actor: &Actor, law: &Law) -> Vec<Arc<Grant>> {
    let unix = law.unix();
    let live = law.standing().grants.iter();
    live.filter(|grant| !grant.is_over(unix) && may_manage(desk, actor, law, grant))
        .cloned()
        .collect()
}

fn may_manage(desk: &Desk, actor: &Actor, law: &Law, grant: &Grant) -> bool {
    let mine = law.of(actor);
    over(desk, grant, |target| {
        mine.decide(Right::Access, target).ok()
    })
    .is_some()
}

/// What `ask` says of the bot, else of the guest that the grant is about.
fn over<T>(desk: &Desk, grant: &Grant, ask: impl Fn(&Target<'_>) -> Option<T>) -> Option<T> {
    ask(&Target::Bot).or_else(|| {
        let mut clusters = desk.asked_for(Some(&grant.guest.cluster));
        let latest = clusters.find_map(|inventory| inventory.latest())?;
        let guest = latest.guests.get(&grant.guest.vmid)?;
        let meant = grant.means(&guest.facts);
        meant.then(|| ask(&Target::Guest(&guest.facts))).flatten()
    })
}

/// What changes something: refused from memory, or on its way.
pub(super) fn decide(desk: &Desk, request: &Request) -> Decision {
    let refused = |reply| Decision::answer(reply, Audience::Private);
    let law = desk.law();
    let go = |work| {
        let work = super::Work::Access(work);
        Decision::go(Task::new(request, work, desk.act_audience()))
    };
    match &request.action {
        Action::Grant {
            to,
            rights,
            guest,
            end,
        } => match find(desk, request, guest, "grant") {
            Err(refusal) => refused(refusal),
            Ok(found) => match grantable(desk, request, &law, to, rights, &found) {
                Some(refusal) => refused(refusal),
                None => go(Work::Grant {
                    to: to.clone(),
                    rights: rights.clone(),
                    guest: (&found.guest.facts.guest).into(),
                    end: *end,
                }),
            },
        },
        Action::Revoke(id) => {
            if manageable(desk, &request.actor, &law)
                .iter()
                .any(|g| g.id == *id)
            {
                go(Work::Revoke(*id))
            } else {
                desk.note_refusal(request, None, "no such grant, or no access");
                refused(words::no_such_grant(*id))
            }
        }
        Action::Lockdown { on, reason: why } => {
            match law.of(&request.actor).decide(Right::Access, &Target::Bot) {
                Ok(_) if law.standing().lockdown.is_some() == *on => {
                    refused(words::lock_unchanged(*on))
                }
                Ok(_) => go(Work::Lockdown {
                    on: *on,
                    reason: why.clone(),
                }),
                Err(denied) => {
                    desk.note_refusal(request, None, &reason(&denied));
                    refused(words::only_for_access())
                }
            }
        }
        _ => refused(embed::problem::internal(request.id)),
    }
}

/// Why these rights cannot be given, if so.
fn grantable(
    desk: &Desk,
    request: &Request,
    law: &Law,
    to: &Person,
    rights: &[Right],
    found: &FoundGuest,
) -> Option<Reply> {
    let facts = &found.guest.facts;
    let target = Target::Guest(facts);
    let mine = law.of(&request.actor);
    if law.standing().lockdown.is_some() {
        return Some(embed::problem::locked_down(Right::Access, facts));
    }
    if let Err(denied) = mine.has_by_rule(Right::Access, &target) {
        desk.note_refusal(request, Some(&target.key()), &reason(&denied));
        let ask = law.holders(&request.actor, Right::Access, &target);
        return Some(words::no_access(facts, &ask));
    }
    if to.user == request.actor.user {
        return Some(words::not_to_yourself());
    }
    if to.roles.is_none() {
        return Some(words::not_a_member(&to.name));
    }
    if facts.name.is_none() {
        return Some(words::nameless(facts));
    }
    let has = |right: &Right| mine.has_by_rule(*right, &target).is_ok();
    let lacking: Vec<Right> = rights.iter().copied().filter(|r| !has(r)).collect();
    if !lacking.is_empty() {
        desk.note_refusal(request, Some(&target.key()), "more than the giver has");
        return Some(words::more_than_yours(&lacking, facts));
    }
    // A deny beats a grant: what it takes away cannot be given, so nobody is told that it was.
    let taken = |right: &Right| forbidden(law, request, to, *right, &target);
    let useless: Vec<Right> = rights.iter().copied().filter(taken).collect();
    (!useless.is_empty()).then(|| words::forbidden_to(to.user, &useless, facts))
}

fn forbidden(law: &Law, request: &Request, to: &Person, right: Right, target: &Target<'_>) -> bool {
    let actor = Actor {
        user: to.user,
        name: to.name.clone(),
        roles: to.roles.clone().unwrap_or_default(),
        ..request.actor.clone()
    };
    let decided = law.of(&actor).decide(right, target);
    matches!(decided, Err(Denied::ByRule(_)))
}

pub(super) async fn perform(desk: &Arc<Desk>, task: &Task, work: &Work) -> Outcome {
    let done = match work {
        Work::Grant {
            to,
            rights,
            guest,
            end,
        } => grant(desk, &task.request, (to, rights), guest, *end).await,
        Work::Revoke(id) => revoke(desk, &task.request, *id).await,
        Work::Lockdown { on, reason } => lockdown(desk, &task.request, *on, reason.as_ref()).await,
    };
    match done {
        Ok(reply) => Outcome::shown(reply),
        Err(refusal) => task.refuse(refusal),
    }
}

async fn grant(
    desk: &Desk,
    request: &Request,
    (to, rights): (&Person, &[Right]),
    guest: &GuestQuery,
    end: End,
) -> Result<Reply, Reply> {
    // The same freshness that an act has: who may give it is decided on the guest of this moment.
    let found = fresh_guest(desk, request, None, guest, "grant").await?;
    let facts = &found.guest.facts;
    let law = desk.law();
    if let Some(refusal) = grantable(desk, request, &law, to, rights, &found) {
        return Err(refusal);
    }
    let permit = check(&law, &request.actor, Right::Access, &Target::Guest(facts))
        .map_err(|_| words::no_access(facts, &[]))?;
    let (since, most) = (law.unix(), desk.settings.grant_max);
    let ends = end.from(law.now()).filter(|ends| fits(since, *ends, most));
    let ends = ends.ok_or_else(|| words::bad_end(most))?;
    let note = note::of(request, Noted::Granted, &joined(rights))
        .concerning(to.user)
        .on(facts.guest.clone(), facts.name.clone())
        .under(permit.basis().to_string())
        .until_ms(ends.saturating_mul(1000));
    let grant = Grant {
        id: GrantId::ONCE,
        to: to.user,
        rights: rights.to_vec(),
        guest: facts.guest.clone(),
        guest_name: facts.name.clone().unwrap_or_default(),
        giver: Giver::of(&request.actor),
        since,
        ends,
    };
    match desk.access.grant(&permit, Lent { grant, note }).await {
        Ok(grant) => Ok(words::granted(&grant)),
        Err(NotChanged::Locked) => Err(embed::problem::locked_down(Right::Access, facts)),
        Err(error) => Err(not_noted(desk, request, &error)),
    }
}

fn fits(since: i64, ends: i64, most: Duration) -> bool {
    let most = i64::try_from(most.as_secs()).unwrap_or(i64::MAX / 2);
    ends > since && ends <= since.saturating_add(most)
}

fn joined(rights: &[Right]) -> String {
    let keys: Vec<&str> = rights.iter().map(|right| right.key()).collect();
    keys.join(",")
}

async fn revoke(desk: &Desk, request: &Request, id: GrantId) -> Result<Reply, Reply> {
    let law = desk.law();
    let mine = manageable(desk, &request.actor, &law);
    let grant = mine.into_iter().find(|grant| grant.id == id);
    let permit = grant.as_ref().and_then(|grant| {
        let permitted = |target: &Target<'_>| check(&law, &request.actor, Right::Access, target);
        over(desk, grant, |target| permitted(target).ok())
    });
    let (Some(grant), Some(permit)) = (grant, permit) else {
        return Err(words::no_such_grant(id));
    };
    let note = note::of(request, Noted::Revoked, &joined(&grant.rights))
        .concerning(grant.to)
        .on(grant.guest.clone(), Some(grant.guest_name.clone()));
    match desk.access.revoke(&permit, &grant, note).await {
        Ok(true) => Ok(words::revoked(&grant, request.actor.user)),
        Ok(false) => Err(words::no_such_grant(id)),
        Err(error) => Err(not_noted(desk, request, &error)),
    }
}

async fn lockdown(
    desk: &Desk,
    request: &Request,
    on: bool,
    reason: Option<&Remark>,
) -> Result<Reply, Reply> {
    let law = desk.law();
    let by = request.actor.user;
    let permit = check(&law, &request.actor, Right::Access, &Target::Bot)
        .map_err(|_| words::only_for_access())?;
    let reason = reason.map(|reason| reason.as_str().to_owned());
    let event = if on { Noted::Locked } else { Noted::Unlocked };
    let note = Note {
        detail: reason.clone(),
        ..note::of(request, event, "access.lockdown")
    };
    let wanted = on.then(|| Lockdown {
        by,
        reason,
        since: law.unix(),
    });
    let locked = desk.access.lock(&permit, wanted.clone(), note).await;
    locked.map_err(|error| not_noted(desk, request, &error))?;
    match wanted {
        Some(lockdown) => {
            desk.questions.close_all();
            let cancelled = cancel_all(desk, request).await;
            Ok(words::locked(&lockdown, cancelled))
        }
        None => Ok(words::unlocked(by)),
    }
}

fn not_noted(desk: &Desk, request: &Request, error: &NotChanged) -> Reply {
    tracing::error!(interaction = %request.id, %error, "nothing was changed");
    desk.not_noted(request)
}

fn find(
    desk: &Desk,
    request: &Request,
    query: &GuestQuery,
    subcommand: &str,
) -> Result<FoundGuest, Reply> {
    match resolve::guest(desk, &request.actor, Sight::Known, None, query) {
        Lookup::Found(found) => Ok(found),
        lookup => Err(guest_not_found(desk, request, query, subcommand, lookup)),
    }
}
