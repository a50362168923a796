//! A token is deleted, if it is still the one that was asked about, and none of the bot's own.

use crate::action::Request;
use crate::audit::{self, Ending};
use crate::command::Outcome;
use crate::command::desk::Desk;
use crate::embed::token as words;
use crate::ids::{ClusterName, TokenId};
use crate::proxmox::{Error, Token, TokenAdmin};

use super::trouble::{explain, in_time, is_there, of_name};
use super::{admin, begin, on, own};

pub(super) async fn remove(
    desk: &Desk,
    request: &Request,
    (token, cluster): (&TokenId, &ClusterName),
    then: &Token,
) -> Outcome {
    let admin = match admin(desk, Some(cluster)) {
        Ok(admin) => admin,
        Err(refusal) => return Outcome::shown(refusal),
    };
    if let Some(own) = own(desk, admin, token) {
        return Outcome::shown(words::own(token, cluster, own));
    }
    let tokens = match in_time(request, admin, admin.tokens(&token.user)).await {
        Ok(tokens) => tokens,
        Err(trouble) => return Outcome::shown(trouble.of_reading(admin, &token.user)),
    };
    match of_name(tokens, token) {
        None => return Outcome::shown(words::no_such_token(token, on(desk, cluster))),
        Some(now) if now != *then => return Outcome::shown(words::replaced(token, cluster)),
        Some(_) => {}
    }
    let detail = words::detail_of_deletion(token, cluster);
    let (entry, permit) = match begin(desk, request, detail).await {
        Ok(begun) => begun,
        Err(outcome) => return outcome,
    };
    let (ending, outcome) = match admin.delete(&permit, token).await {
        Ok(()) => (Ending::Done, Outcome::shown(words::deleted(token, cluster))),
        Err(error) => not_deleted(request, admin, token, &error).await,
    };
    audit::close(&desk.store, entry, &ending).await;
    outcome
}

async fn not_deleted(
    request: &Request,
    admin: &TokenAdmin,
    token: &TokenId,
    error: &Error,
) -> (Ending, Outcome) {
    let cluster = admin.cluster();
    let trouble = explain(request, admin, error).await;
    if error.surely_not_done() {
        let outcome = Outcome {
            aside: trouble.lacks,
            ..Outcome::shown(words::not_deleted(token, cluster, &trouble.why))
        };
        return (Ending::Failed(error.to_string()), outcome);
    }
    let there = is_there(admin, token).await;
    let reply = words::deletion_lost(token, cluster, there);
    (Ending::Unknown(error.to_string()), Outcome::shown(reply))
}
