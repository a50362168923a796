//! The token for `/token`.

use crate::embed::{fault, pveum};
use crate::proxmox::Error;

use super::Finding;

/// It works. What it can do is said each time: nothing else that the bot has can do as much.
#[must_use]
pub fn token_admin(cluster: &str, token: &str) -> Finding {
    Finding::warning(format!(
        "{cluster}: token {token} is for /token and can make tokens for every user of Proxmox:\n\
         that is as good as root. So can whoever reads its secret, and everybody to whom a rule\n\
         gives `token`. If nobody shall, take it out of the configuration."
    ))
}

/// Something of `/token` does not work.
#[must_use]
pub fn token_admin_lacks(
    cluster: &str,
    token: &str,
    (path, privilege): (&str, &str),
    what: &str,
) -> Finding {
    Finding {
        lines: pveum::mend_admin(path, token),
        ..Finding::warning(format!(
            "{cluster}: token {token} lacks {privilege} on {path}: {what}."
        ))
    }
}

/// The bot comes up all the same, and `/token` says that it does not work. `setup` makes a failure of
/// it.
#[must_use]
pub fn token_admin_unread(cluster: &str, token: &str, error: &Error) -> Finding {
    let said = match error {
        Error::Refused { status: 401, .. } => format!(
            "{error}\n\
             Proxmox does not accept it. Is `admin_token_id` spelt user@realm!tokenid, is its secret\n\
             whole, and are user and token neither disabled nor expired?"
        ),
        error => fault::told(error),
    };
    Finding::warning(format!("{cluster}: token {token}, for /token: {said}")).caused_by(error)
}
