//! What the bot wants of Discord outside of an answer, carried out. Each by itself, so that one that
//! waits holds up no other.

use std::sync::Arc;

use tokio::sync::mpsc;
use tokio_util::task::TaskTracker;

use super::rest::Rest;
use super::{Fatal, Settings, http_fatal, send};
use crate::errand::{Errand, Held, Recipient};

/// Carries out what comes, until nobody is left who could want something; then waits for what is
/// under way.
///
/// # Errors
///
/// [`Fatal::Http`] at once, or never.
pub fn run_errands(
    settings: &Settings,
    mut errands: mpsc::Receiver<Errand>,
) -> Result<impl Future<Output = ()> + use<>, Fatal> {
    let rest = Arc::new(Rest::new(settings).map_err(http_fatal)?);
    Ok(async move {
        let tasks = TaskTracker::new();
        while let Some(errand) = errands.recv().await {
            let rest = Arc::clone(&rest);
            tasks.spawn(async move { carry_out(&rest, errand).await });
        }
        tasks.close();
        tasks.wait().await;
    })
}

async fn carry_out(rest: &Rest, errand: Errand) {
    match errand {
        Errand::Post { to, reply, posted } => {
            let sent = match to {
                Recipient::Room(channel) => rest.post(channel, &send::public(&reply)).await,
                Recipient::Channel(channel, user) => {
                    rest.post(channel, &send::public_for(user, &reply)).await
                }
                Recipient::Person(user) => rest.direct(user, &reply).await,
            };
            match sent {
                Ok(there) => drop(posted.send(there)),
                Err(failed) => tracing::warn!(%failed, ?to, "a message could not be delivered"),
            }
        }
        Errand::Call {
            channel,
            users,
            reply,
        } => {
            let message = send::public_for_all(&users, &reply);
            if let Err(failed) = rest.post(channel, &message).await {
                tracing::warn!(%failed, %channel, "those who waited could not be told");
            }
        }
        Errand::Edit { message, reply } => {
            if let Err(failed) = rest.change(message, &send::public(&reply)).await {
                tracing::warn!(%failed, ?message, "a message could not be changed");
            }
        }
        Errand::Roles { guild, user, held } => match rest.roles(guild, user).await {
            Ok(roles) => drop(held.send(Held::Roles(roles))),
            Err(failed) if failed.is_no_member() => drop(held.send(Held::NoMember)),
            Err(failed) => {
                tracing::warn!(%failed, guild.id = %guild, user.id = %user, "roles could not be looked up");
            }
        },
    }
}
