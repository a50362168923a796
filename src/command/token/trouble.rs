//! Proxmox's refusals in words, with the command that mends them: whoever may manage tokens may know.

use std::time::Duration;

use tokio::time::timeout;

use crate::action::Request;
use crate::embed::token as words;
use crate::embed::{Reply, problem};
use crate::ids::{PveUser, TokenId};
use crate::privileges::Privileges;
use crate::proxmox::{Error, Missing, Token, TokenAdmin};

/// A read for a person: longer, and it is said that there is no answer.
const PATIENCE: Duration = Duration::from_secs(8);

/// How long a second look may take after an answer was lost.
const SECOND_LOOK: Duration = Duration::from_secs(4);

/// Where users are looked after, and with what.
const USERS: (&str, &str) = ("/access/groups", "User.Modify");

/// Why something could not be read or done.
pub(super) struct Trouble {
    pub why: String,
    /// What the token lacks, and how it gets that.
    pub lacks: Option<Reply>,
    /// The user does not exist.
    pub nobody: bool,
}

impl Trouble {
    fn because(why: impl Into<String>) -> Self {
        Self {
            why: why.into(),
            lacks: None,
            nobody: false,
        }
    }

    fn lacking(admin: &TokenAdmin, missing: &Missing) -> Self {
        let Missing {
            path,
            privileges,
            any,
        } = missing;
        // What manages tokens reads nothing else there.
        let cure = Some((admin.id(), &Privileges::new()));
        Self {
            lacks: Some(problem::missing_privilege(path, privileges, *any, cure)),
            ..Self::because(words::ADMIN_LACKS)
        }
    }

    /// The failure before anything was done, in one message.
    pub(super) fn of_reading(self, admin: &TokenAdmin, user: &PveUser) -> Reply {
        if self.nobody {
            return words::no_such_user(user, admin.cluster());
        }
        let mut reply = words::cannot_be_read(admin.cluster(), &self.why);
        reply
            .cards
            .extend(self.lacks.into_iter().flat_map(|more| more.cards));
        reply
    }
}

/// A read within the time that a person waits.
pub(super) async fn in_time<T>(
    request: &Request,
    admin: &TokenAdmin,
    read: impl Future<Output = Result<T, Error>>,
) -> Result<T, Trouble> {
    match timeout(PATIENCE, read).await {
        Ok(Ok(read)) => Ok(read),
        Ok(Err(error)) => Err(explain(request, admin, &error).await),
        Err(_) => {
            tracing::warn!(interaction = %request.id, cluster = %admin.cluster(), "tokens are not told in time");
            Err(Trouble::because(words::NO_ANSWER))
        }
    }
}

/// What an answer of Proxmox means, after it was logged.
pub(super) async fn explain(request: &Request, admin: &TokenAdmin, error: &Error) -> Trouble {
    tracing::warn!(interaction = %request.id, cluster = %admin.cluster(), %error, "tokens: Proxmox did not do it");
    if let Some(missing) = error.missing_privilege() {
        return Trouble::lacking(admin, &missing);
    }
    let reason = error.reason().unwrap_or_default();
    match error.status() {
        None => Trouble::because(words::NO_ANSWER),
        Some(401) => Trouble::because(words::ADMIN_REFUSED),
        Some(403) => not_looked_after(admin).await,
        _ if reason.contains("no quorum") => Trouble::because(words::NO_QUORUM),
        _ => Trouble::because(words::said_no(request.id)),
    }
}

/// A 403 that names nothing: the user does not exist, or this token may not look after users.
async fn not_looked_after(admin: &TokenAdmin) -> Trouble {
    let (path, privilege) = USERS;
    let held = timeout(SECOND_LOOK, admin.own_privileges_on(path)).await;
    match held {
        Ok(Ok(held)) if held.contains(privilege) => Trouble {
            nobody: true,
            ..Trouble::because(words::ADMIN_LACKS)
        },
        Ok(Ok(_)) => {
            let missing = Missing {
                path: path.to_owned(),
                privileges: vec![privilege.to_owned()],
                any: false,
            };
            Trouble::lacking(admin, &missing)
        }
        _ => Trouble::because(words::ADMIN_LACKS),
    }
}

/// Whether a token is there, after an answer was lost; `None`: that cannot be seen.
pub(super) async fn is_there(admin: &TokenAdmin, token: &TokenId) -> Option<bool> {
    let read = timeout(SECOND_LOOK, admin.tokens(&token.user)).await;
    let tokens = read.ok()?.ok()?;
    Some(of_name(tokens, token).is_some())
}

pub(super) fn of_name(tokens: Vec<Token>, token: &TokenId) -> Option<Token> {
    tokens.into_iter().find(|it| it.name == token.name)
}
