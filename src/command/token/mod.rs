//! `/token`: API tokens of Proxmox, for those with the right `token`, always privately.
//!
//! A command first reads what there is and asks (`ask`); only the yes makes (`make`) or deletes
//! (`remove`), each checked again and noted before it is sent.

mod ask;
mod make;
mod remove;
mod suggest;
mod trouble;

use std::sync::Arc;

use tokio::sync::watch;

use crate::action::{NewToken, Request, Right, Target, TokenAction, Unclear};
use crate::audit::{About, Opening};
use crate::embed::token::{self as words, Making, On, Own};
use crate::embed::{self, Reply};
use crate::ids::{ClusterName, PveUser, TokenId};
use crate::permission::Denied;
use crate::proxmox::{Token, TokenAdmin};

use super::desk::{Desk, reason};
use super::matter::{self, NotBegun};
use super::once::Once;
use super::{Audience, Decision, Outcome, Task};

pub(super) use suggest::{KnownRoles, suggest};

/// What somebody was asked about, and what a yes does.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Plan {
    Make(Making),
    /// With the token as it was when it was asked about.
    Remove(TokenId, ClusterName, Token),
}

#[derive(Debug)]
pub(super) enum Work {
    List(Option<PveUser>, Option<ClusterName>),
    AskToMake(NewToken),
    AskToRemove(TokenId, Option<ClusterName>),
    /// Somebody said yes.
    Do(Plan),
}

/// From memory: refused, or on its way. Nothing of it is ever public.
pub(super) fn decide(desk: &Desk, request: &Request, action: &TokenAction) -> Decision {
    let work = match action.clone() {
        TokenAction::List { user, cluster } => Work::List(user, cluster),
        TokenAction::Create(new) => Work::AskToMake(new),
        TokenAction::Delete { token, cluster } => Work::AskToRemove(token, cluster),
    };
    start(desk, request, work)
}

/// The person said yes. What was asked is checked like a new command.
pub(super) fn confirmed(desk: &Desk, request: &Request, plan: Plan) -> Decision {
    start(desk, request, Work::Do(plan))
}

fn start(desk: &Desk, request: &Request, work: Work) -> Decision {
    if desk.token_admins.is_empty() {
        let reply = embed::unclear::refused(Unclear::Command);
        return Decision::answer(reply, Audience::Private);
    }
    match allowed(desk, request) {
        Err(refusal) => Decision::answer(refusal, Audience::Private),
        Ok(()) => Decision::go(Task::new(
            request,
            super::Work::Token(work),
            Audience::Private,
        )),
    }
}

pub(super) async fn perform(
    desk: &Arc<Desk>,
    task: &Task,
    work: &Work,
    shown: &watch::Sender<Option<Reply>>,
    once: Once,
) -> Outcome {
    let request = &task.request;
    // The right may be gone since it was acknowledged.
    if let Err(refusal) = allowed(desk, request) {
        return Outcome::shown(refusal);
    }
    match work {
        Work::List(user, cluster) => {
            let list = ask::list(desk, request, user.as_ref(), cluster.as_ref()).await;
            Outcome::shown(list.unwrap_or_else(|refusal| refusal))
        }
        Work::AskToMake(new) => {
            let asked = ask::to_make(desk, request, new).await;
            ask::wait(desk, request, asked, shown).await
        }
        Work::AskToRemove(token, cluster) => {
            let asked = ask::to_remove(desk, request, token, cluster.as_ref()).await;
            ask::wait(desk, request, asked, shown).await
        }
        Work::Do(Plan::Make(making)) => make::make(desk, request, making, once).await,
        Work::Do(Plan::Remove(token, cluster, then)) => {
            remove::remove(desk, request, (token, cluster), then).await
        }
    }
}

fn allowed(desk: &Desk, request: &Request) -> Result<(), Reply> {
    let law = desk.law();
    let decided = law.of(&request.actor).decide(Right::Token, &Target::Bot);
    decided
        .map(drop)
        .map_err(|denied| refuse(desk, request, &denied))
}

fn refuse(desk: &Desk, request: &Request, denied: &Denied) -> Reply {
    desk.note_refusal(request, Some(&Target::Bot.key()), &reason(denied));
    let ask = desk
        .law()
        .holders(&request.actor, Right::Access, &Target::Bot);
    words::refused(denied, &ask)
}

/// The cluster that is meant, if it lets the bot manage tokens.
fn admin<'d>(desk: &'d Desk, wanted: Option<&ClusterName>) -> Result<&'d Arc<TokenAdmin>, Reply> {
    let admins = &desk.token_admins;
    let found = match (wanted, admins.as_slice()) {
        (None, [only]) => Some(only),
        (None, _) => None,
        (Some(name), _) => admins.iter().find(|admin| admin.cluster() == name),
    };
    found.ok_or_else(|| {
        let names: Vec<&ClusterName> = admins.iter().map(|admin| admin.cluster()).collect();
        words::which_cluster(&names)
    })
}

fn on<'c>(desk: &Desk, cluster: &'c ClusterName) -> On<'c> {
    On {
        cluster,
        several: desk.several(),
    }
}

/// Which of the bot's own tokens it is, if one.
fn own(desk: &Desk, admin: &TokenAdmin, token: &TokenId) -> Option<Own> {
    let id = token.to_string();
    // Some realms do not tell capitals from small letters.
    if id.eq_ignore_ascii_case(desk.token_of(admin.cluster())) {
        Some(Own::Main)
    } else if id.eq_ignore_ascii_case(admin.id()) {
        Some(Own::Admin)
    } else {
        None
    }
}

/// The gate before a write, with its refusals in words.
async fn begin(
    desk: &Desk,
    request: &Request,
    detail: String,
) -> Result<(crate::audit::Entry, crate::permission::Permit), Outcome> {
    let opening = Opening {
        request,
        about: About::Bot,
        detail: Some(detail),
        public: false,
    };
    let begun = matter::begin(desk, Right::Token, &opening).await;
    begun.map_err(|not| match not {
        NotBegun::Denied(denied) => Outcome::shown(refuse(desk, request, &denied)),
        NotBegun::Changed => Outcome::shown(words::rules_changed()),
        NotBegun::Twice => Outcome::left(),
        NotBegun::NotNoted(reply) => Outcome::shown(reply),
    })
}
