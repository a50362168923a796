//! `/access why`, `list`, `grant`, `revoke` and `lockdown`.

use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;

use crate::action::{Action, Actor, Person, Remark, Request, Right, Target};
use crate::audit::Noted;
use crate::embed::access::{self as words, Holder, Why};
use crate::embed::{self, Reply};
use crate::ids::{GrantId, GuestQuery};
use crate::permission::{Giver, Grant, Law, Lockdown, check, matrix, subjects};

use super::desk::{Desk, reason};
use super::finish::cancel_all;
use super::note;
use super::power::Switch;
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
        end: crate::until::End,
    },
    Revoke(GrantId),
    Lockdown {
        on: bool,
        reason: Option<Remark>,
    },
}

/// Free about oneself; about others for those with access to the guest.
pub(super) fn why(
    desk: &Desk,
    request: &Request,
    who: Option<&Person>,
    right: Right,
    query: &GuestQuery,
) -> Reply {
    let found = match find(desk, request, query, "why") {
        Ok(found) => found,
        Err(refusal) => return refusal,
    };
    let facts = &found.guest.facts;
    let target = Target::Guest(facts);
    let law = desk.law();
    let rules = law
        .of(&request.actor)
        .decide(Right::Access, &target)
        .is_ok();
    let other = who.filter(|person| person.user != request.actor.user);
    if other.is_some() && !rules {
        desk.note_refusal(request, Some(&target.key()), "no access");
        let ask = law.holders(&request.actor, Right::Access, &target);
        return words::no_access(facts, &ask);
    }
    let mut actor = request.actor.clone();
    if let Some(person) = other {
        let Some(held) = &person.roles else {
            return words::not_a_member(&person.name);
        };
        actor.user = person.user;
        actor.roles.clone_from(held);
    }
    let mine = law.of(&actor);
    words::why(&Why {
        who: actor.user,
        right,
        guest: facts,
        decision: &mine.decide(right, &target),
        ask: mine.may_ask(right, &target).as_ref(),
        rules,
    })
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
    if mine.decide(Right::Access, &Target::Bot).is_ok() {
        return true;
    }
    let mut clusters = desk.asked_for(Some(&grant.guest.cluster));
    let latest = clusters.find_map(|inventory| inventory.latest());
    let guest = latest
        .as_ref()
        .and_then(|s| s.guests.get(&grant.guest.vmid));
    guest.is_some_and(|guest| {
        let target = Target::Guest(&guest.facts);
        grant.means(&guest.facts) && mine.decide(Right::Access, &target).is_ok()
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
    (!lacking.is_empty()).then(|| {
        desk.note_refusal(request, Some(&target.key()), "more than the giver has");
        words::more_than_yours(&lacking, facts)
    })
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
    end: crate::until::End,
) -> Result<Reply, Reply> {
    // The same freshness that an act has: who may give it is decided on the guest of this moment.
    let switch = Switch {
        power: crate::action::Power::Start,
        kind: None,
        guest: guest.clone(),
    };
    let found = fresh_guest(desk, request, &switch).await?;
    let facts = &found.guest.facts;
    let law = desk.law();
    if let Some(refusal) = grantable(desk, request, &law, to, rights, &found) {
        return Err(refusal);
    }
    let permit = check(&law, &request.actor, Right::Access, &Target::Guest(facts));
    let Ok(permit) = permit else {
        return Err(words::no_access(facts, &[]));
    };
    let (since, most) = (law.unix(), desk.settings.grant_max);
    let ends = end.from(law.now()).filter(|ends| fits(since, *ends, most));
    let ends = ends.ok_or_else(|| words::bad_end(most))?;
    let mut entry = note::of(request, Noted::Granted, &joined(rights));
    entry.subject = Some(to.user);
    entry.guest = Some((facts.guest.clone(), facts.name.clone()));
    entry.rule = Some(permit.basis().to_string());
    entry.ends_ms = Some(ends.saturating_mul(1000));
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
    let granted = desk.access.grant(grant, entry).await;
    granted
        .map(|grant| words::granted(&grant))
        .map_err(|error| not_noted(request, &error))
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
    let Some(grant) = mine.into_iter().find(|grant| grant.id == id) else {
        return Err(words::no_such_grant(id));
    };
    let mut entry = note::of(request, Noted::Revoked, &joined(&grant.rights));
    entry.subject = Some(grant.to);
    entry.guest = Some((grant.guest.clone(), Some(grant.guest_name.clone())));
    match desk.access.end(id, entry).await {
        Ok(true) => Ok(words::revoked(&grant, request.actor.user)),
        Ok(false) => Err(words::no_such_grant(id)),
        Err(error) => Err(not_noted(request, &error)),
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
    if check(&law, &request.actor, Right::Access, &Target::Bot).is_err() {
        return Err(words::only_for_access());
    }
    let event = if on { Noted::Locked } else { Noted::Unlocked };
    let mut entry = note::of(request, event, "access.lockdown");
    entry.detail = reason.map(|reason| reason.as_str().to_owned());
    let wanted = on.then(|| Lockdown {
        by,
        reason: reason.map(|reason| reason.as_str().to_owned()),
        since: Timestamp::now().as_second(),
    });
    let locked = desk.access.lock(wanted.clone(), entry).await;
    locked.map_err(|error| not_noted(request, &error))?;
    match wanted {
        Some(lockdown) => {
            desk.questions.close_all();
            let cancelled = cancel_all(desk, request).await;
            Ok(words::locked(&lockdown, cancelled))
        }
        None => Ok(words::unlocked(by)),
    }
}

fn not_noted(request: &Request, error: &crate::store::StoreError) -> Reply {
    tracing::error!(interaction = %request.id, %error, "the store refused; nothing was changed");
    embed::problem::not_noted(request.id)
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
