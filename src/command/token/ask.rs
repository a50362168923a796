//! What is read before anything is done: the list, and what the questions say.

use std::collections::BTreeSet;

use tokio::sync::watch;

use crate::action::{NewToken, Request};
use crate::command::Outcome;
use crate::command::confirm::{Asked, What, until_closed};
use crate::command::desk::Desk;
use crate::embed::confirm::Subject;
use crate::embed::token::{self as words, Making, Power, Rights};
use crate::embed::{Reply, edge};
use crate::ids::{AclPath, ClusterName, PveUser, TokenId};
use crate::proxmox::{Role, TokenAdmin};

use super::trouble::{in_time, of_name};
use super::{Plan, admin, on, own};

/// The tokens of somebody, or of the user that the bot itself is.
pub(super) async fn list(
    desk: &Desk,
    request: &Request,
    user: Option<&PveUser>,
    cluster: Option<&ClusterName>,
) -> Result<Reply, Reply> {
    let admin = admin(desk, cluster)?;
    let named = user.is_some();
    let user = match user {
        Some(user) => user.clone(),
        None => {
            bots_user(desk, admin).ok_or_else(|| crate::embed::problem::internal(request.id))?
        }
    };
    let tokens = in_time(request, admin, admin.tokens(&user)).await;
    let tokens = tokens.map_err(|trouble| trouble.of_reading(admin, &user))?;
    let own = |token: &crate::proxmox::Token| {
        let id = TokenId {
            user: user.clone(),
            name: token.name.clone(),
        };
        own(desk, admin, &id)
    };
    let now = desk.law().unix();
    let list = words::list(&user, admin.cluster(), &tokens, own, now);
    Ok(if named {
        list
    } else {
        words::of_the_bots_own(list)
    })
}

pub(super) fn bots_user(desk: &Desk, admin: &TokenAdmin) -> Option<PveUser> {
    let token = desk.token_of(admin.cluster());
    token.rsplit_once('!')?.0.parse().ok()
}

/// What would be made, and the question about it.
pub(super) async fn to_make(
    desk: &Desk,
    request: &Request,
    new: &NewToken,
) -> Result<(Plan, Subject), Reply> {
    let admin = admin(desk, new.cluster.as_ref())?;
    let cluster = admin.cluster();
    let expires = new.expiry.from(desk.law().now());
    let rights = match (&new.path, new.roles.is_empty()) {
        (Some(path), false) => Some(Rights {
            roles: new.roles.clone(),
            path: path.clone(),
        }),
        (None, true) => None,
        _ => return Err(words::half_a_right()),
    };
    let making = Making {
        token: new.token.clone(),
        cluster: cluster.clone(),
        expires: expires.map_err(|_| words::over_already())?,
        rights,
    };
    let user = &making.token.user;
    let tokens = in_time(request, admin, admin.tokens(user)).await;
    let tokens = tokens.map_err(|trouble| trouble.of_reading(admin, user))?;
    if of_name(tokens, &making.token).is_some() {
        return Err(words::exists(&making.token, cluster));
    }
    let power = power(request, admin, &making).await?;
    let question = words::ask_to_create(&making, &power);
    Ok((Plan::Make(making), question))
}

/// What the token can do, and a no to roles that do not exist.
pub(super) async fn power(
    request: &Request,
    admin: &TokenAdmin,
    making: &Making,
) -> Result<Power, Reply> {
    let Some(Rights { roles, path }) = &making.rights else {
        return Ok(Power::Unseen {
            wanted: BTreeSet::new(),
        });
    };
    let user = &making.token.user;
    let known = in_time(request, admin, admin.roles()).await;
    let known = known.map_err(|trouble| trouble.of_reading(admin, user))?;
    let mut wanted = BTreeSet::new();
    for name in roles {
        let role: Option<&Role> = known.iter().find(|role| role.name == *name);
        let role = role.ok_or_else(|| words::no_such_role(name, admin.cluster()))?;
        wanted.extend(role.privileges.iter().cloned());
    }
    // Without Sys.Audit on /access nobody sees what others may, and then it is said so.
    let Ok(held) = in_time(request, admin, admin.privileges_of(user, path)).await else {
        return Ok(Power::Unseen { wanted });
    };
    let can = wanted.intersection(&held).cloned().collect();
    let below = below(request, admin, user, path).await;
    Ok(Power::Seen {
        below: below.map(|below| (&(&below & &wanted)) - &can),
        lacking: wanted.difference(&held).cloned().collect(),
        can,
    })
}

/// What its user may do on paths further down: the roles reach there too. `None`: that cannot be seen,
/// as with a pool, which reaches its guests and storages wherever they stand.
async fn below(
    request: &Request,
    admin: &TokenAdmin,
    user: &PveUser,
    path: &AclPath,
) -> Option<BTreeSet<String>> {
    if path.as_str().starts_with("/pool") {
        return None;
    }
    let all = in_time(request, admin, admin.permissions_of(user)).await;
    let all = all.ok()?;
    let below = all.below(path.as_str()).into_iter();
    Some(below.map(str::to_owned).collect())
}

/// What would be deleted, and the question about it.
pub(super) async fn to_remove(
    desk: &Desk,
    request: &Request,
    token: &TokenId,
    cluster: Option<&ClusterName>,
) -> Result<(Plan, Subject), Reply> {
    let admin = admin(desk, cluster)?;
    let cluster = admin.cluster();
    if let Some(own) = own(desk, admin, token) {
        return Err(words::own(token, cluster, own));
    }
    let tokens = in_time(request, admin, admin.tokens(&token.user)).await;
    let tokens = tokens.map_err(|trouble| trouble.of_reading(admin, &token.user))?;
    let found =
        of_name(tokens, token).ok_or_else(|| words::no_such_token(token, on(desk, cluster)))?;
    let question = words::ask_to_delete(token, cluster, &found, desk.law().unix());
    Ok((
        Plan::Remove(token.clone(), cluster.clone(), found),
        question,
    ))
}

/// Puts the question into the private answer that is there already.
pub(super) async fn wait(
    desk: &Desk,
    request: &Request,
    asked: Result<(Plan, Subject), Reply>,
    shown: &watch::Sender<Option<Reply>>,
) -> Outcome {
    let (plan, about) = match asked {
        Ok(asked) => asked,
        Err(refusal) => return Outcome::shown(refusal),
    };
    let (question, closed) = desk.questions.ask(Asked {
        user: request.actor.user,
        what: What::Token(plan),
        about,
    });
    tokio::select! {
        outcome = until_closed(question, closed, shown) => outcome,
        () = desk.stop.cancelled() => Outcome::shown(edge::stopping()),
    }
}
