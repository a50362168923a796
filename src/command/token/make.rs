//! A token is made: first the token, then its rights, then its secret is shown, once. A token whose
//! secret nobody has seen is of no use, and is deleted again.

use crate::action::{Request, Right, Target};
use crate::audit::{self, Ending};
use crate::command::desk::{Desk, reason};
use crate::command::once::Once;
use crate::command::{Last, Outcome};
use crate::embed::token::{self as words, Gave, Making, On, Rights, Undone};
use crate::embed::{Reply, act};
use crate::permission::{Denied, Permit, check};
use crate::proxmox::{Draft, Error, TokenAdmin};

use super::trouble::{explain, is_there};
use super::{admin, ask, begin, on};

/// What became of the rights, and what the person is told beside it.
struct Given {
    gave: Gave,
    /// For the audit, where it did not go well.
    why: Option<String>,
    lacks: Option<Reply>,
}

pub(super) async fn make(desk: &Desk, request: &Request, making: &Making, once: Once) -> Outcome {
    let Making { token, cluster, .. } = making;
    let admin = match admin(desk, Some(cluster)) {
        Ok(admin) => admin,
        Err(refusal) => return Outcome::shown(refusal),
    };
    // What it can do is told as it is now, not as it was when the question was put.
    let power = match ask::power(request, admin, making).await {
        Ok(power) => power,
        Err(refusal) => return Outcome::shown(refusal),
    };
    let (entry, permit) = match begin(desk, request, words::detail(making)).await {
        Ok(begun) => begun,
        Err(outcome) => return outcome,
    };
    let comment = act::remark(&request.actor.name);
    let draft = Draft {
        token,
        expires: making.expires,
        comment: &comment,
    };
    let secret = match admin.create(&permit, draft).await {
        Ok(secret) => secret,
        Err(error) => {
            let (ending, outcome) =
                not_made(request, (admin, on(desk, cluster)), making, &error).await;
            audit::close(&desk.store, entry, &ending).await;
            return outcome;
        }
    };
    let again = match still(desk, request) {
        Ok(again) => again,
        Err(denied) => {
            drop(secret);
            tracing::info!(interaction = %request.id, why = reason(&denied), "a token was made, and its rights are refused");
            let why = "no longer allowed once it was made";
            let (ending, undone) = undo(request, admin, &permit, making, why).await;
            audit::close(&desk.store, entry, &ending).await;
            return Outcome::shown(words::no_longer(token, on(desk, cluster), undone));
        }
    };
    let for_rights = again.as_ref().unwrap_or(&permit);
    let given = give(request, admin, for_rights, making).await;
    // The text lives from here to the one message, and no longer.
    let told = once
        .show(words::made(making, &power, given.gave, secret.expose()))
        .await;
    drop(secret);
    if !told {
        let why = "its secret could not be shown";
        let (ending, undone) = undo(request, admin, &permit, making, why).await;
        audit::close(&desk.store, entry, &ending).await;
        return Outcome::shown(words::not_shown(token, on(desk, cluster), undone));
    }
    audit::close(&desk.store, entry, &ending_of(&given)).await;
    Outcome {
        aside: given.lacks,
        ..Outcome::ended(Last::Told)
    }
}

/// Making it took a moment, in which the rules may have changed: its rights have a permit of their own.
/// What was noted holds for both. `None`: that of the token serves for them too.
fn still(desk: &Desk, request: &Request) -> Result<Option<Permit>, Denied> {
    match check(&desk.law(), &request.actor, Right::Token, &Target::Bot) {
        Ok(again) => Ok(Some(again)),
        // A rule gives it here and now, and what used up its limit is this very act.
        Err(Denied::UsedUp { .. }) => Ok(None),
        Err(denied) => Err(denied),
    }
}

/// The end of a token that was made and told.
fn ending_of(given: &Given) -> Ending {
    let why = given.why.clone().unwrap_or_default();
    match given.gave {
        Gave::Nothing | Gave::All => Ending::Done,
        Gave::Failed => Ending::Failed(format!("made, but without its rights: {why}")),
        Gave::Unknown => Ending::Unknown(format!("made; whether it has its rights: {why}")),
    }
}

async fn give(request: &Request, admin: &TokenAdmin, permit: &Permit, making: &Making) -> Given {
    let well = |gave| Given {
        gave,
        why: None,
        lacks: None,
    };
    let Some(Rights { roles, path }) = &making.rights else {
        return well(Gave::Nothing);
    };
    let error = match admin.give(permit, &making.token, roles, path).await {
        Ok(()) => return well(Gave::All),
        Err(error) => error,
    };
    let trouble = explain(request, admin, &error).await;
    Given {
        gave: if error.surely_not_done() {
            Gave::Failed
        } else {
            Gave::Unknown
        },
        why: Some(error.to_string()),
        lacks: trouble.lacks,
    }
}

/// Proxmox said no, or nothing. Without an answer the secret is lost, whether or not it was made.
async fn not_made(
    request: &Request,
    (admin, on): (&TokenAdmin, On<'_>),
    making: &Making,
    error: &Error,
) -> (Ending, Outcome) {
    let Making { token, cluster, .. } = making;
    let trouble = explain(request, admin, error).await;
    if !error.surely_not_done() {
        let there = is_there(admin, token).await;
        let ending = Ending::Unknown(format!("its secret is lost: {error}"));
        return (ending, Outcome::shown(words::lost(token, on, there)));
    }
    let outcome = Outcome {
        aside: trouble.lacks,
        ..Outcome::shown(words::not_made(token, cluster, &trouble.why))
    };
    (Ending::Failed(error.to_string()), outcome)
}

/// Deletes what is of no use, with the permit under which it was made a moment ago.
async fn undo(
    request: &Request,
    admin: &TokenAdmin,
    permit: &Permit,
    making: &Making,
    why: &str,
) -> (Ending, Undone) {
    let token = &making.token;
    let (undone, how) = match admin.delete(permit, token).await {
        Ok(()) => (Undone::Deleted, "deleted again".to_owned()),
        Err(error) => {
            explain(request, admin, &error).await;
            let undone = if error.surely_not_done() {
                Undone::NotDeleted
            } else {
                match is_there(admin, token).await {
                    Some(false) => Undone::Deleted,
                    Some(true) => Undone::NotDeleted,
                    None => Undone::Unknown,
                }
            };
            (undone, format!("deleting it: {error}"))
        }
    };
    (Ending::Failed(format!("{why}; {how}")), undone)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_without_its_rights_is_not_called_done() {
        let given = |gave| Given {
            gave,
            why: Some("no".to_owned()),
            lacks: None,
        };
        assert_eq!(ending_of(&given(Gave::All)), Ending::Done);
        assert!(matches!(ending_of(&given(Gave::Failed)), Ending::Failed(_)));
        assert!(matches!(
            ending_of(&given(Gave::Unknown)),
            Ending::Unknown(_)
        ));
    }
}
