//! Who owns the bot: somebody of the servers in which it listens, or nobody could use it.

use super::Options;
use super::ask::{Dialogue, Stop};
use super::discord::stop;
use super::present::Present;
use crate::cli::say;
use crate::config::typed;
use crate::discord::{Application, LookUp};
use crate::embed::setup as words;
use crate::ids::{GuildId, UserId};

/// Why somebody should not be the owner.
enum Doubt {
    /// Nobody can be.
    Never(String),
    /// They may come to the server later.
    NotYet(String),
}

/// `None`: rules of others stand there, and say themselves who owns the bot.
pub(super) async fn found(
    dialogue: &mut Dialogue,
    options: &Options,
    present: &Present,
    (look_up, application): (&LookUp, &Application),
    guilds: &[(GuildId, String)],
) -> Result<Option<UserId>, Stop> {
    let before = present.one("people", words::OWNER);
    let before = before.and_then(|id| typed::id::<UserId>(&id).ok());
    let ruled = present.text.is_some() && present.doc.contains_key("allow");
    let mut given = options.owner;
    if given.is_none() && (before.is_none() && ruled || dialogue.unattended()) {
        return Ok(before);
    }
    let made = application.owner.as_ref();
    if let (Some((id, name)), None, None) = (made, before, given) {
        say(&words::made_by(name, *id));
    }
    let default = before.or(made.map(|(id, _)| *id)).map(|id| id.to_string());
    loop {
        let owner = if let Some(given) = given.take() {
            given
        } else {
            let read = typed::whole_id;
            dialogue
                .ask(words::WHO_OWNS, default.as_deref(), read)
                .await?
        };
        match doubt(look_up, guilds, owner).await? {
            None => return Ok(Some(owner)),
            Some(Doubt::Never(why) | Doubt::NotYet(why)) if dialogue.unattended() => {
                let said = words::bad_option(words::owner::OPTION, &why);
                return Err(Stop::lasting(said));
            }
            Some(Doubt::Never(why)) => say(&words::not_that(&why)),
            Some(Doubt::NotYet(why)) => {
                say(&words::not_that(&why));
                if dialogue.yes(words::owner::ALL_THE_SAME, false).await? {
                    return Ok(Some(owner));
                }
            }
        }
    }
}

/// Looks them up, and says who they are.
async fn doubt(
    look_up: &LookUp,
    guilds: &[(GuildId, String)],
    owner: UserId,
) -> Result<Option<Doubt>, Stop> {
    if let Err(why) = typed::whole_id::<UserId>(&owner.to_string()) {
        return Ok(Some(Doubt::Never(why)));
    }
    for (guild, _) in guilds {
        let Some(member) = look_up
            .member(*guild, owner)
            .await
            .map_err(|it| stop(&it))?
        else {
            continue;
        };
        if member.bot {
            return Ok(Some(Doubt::Never(words::owner::a_bot(&member.name))));
        }
        say(&words::owner::is(&member.name));
        return Ok(None);
    }
    let names: Vec<&str> = guilds.iter().map(|(_, name)| name.as_str()).collect();
    Ok(Some(Doubt::NotYet(words::owner::no_member(&names))))
}
