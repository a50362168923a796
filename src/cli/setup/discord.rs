//! Whose bot it is, where it listens, and who owns it.

use super::Options;
use super::ask::{Dialogue, Stop};
use super::owner;
use super::present::Present;
use crate::cli::say;
use crate::config::{self, Secret, typed};
use crate::discord::{Application, LookUp, Room, Trouble};
use crate::embed::check::no_bot;
use crate::embed::setup as words;
use crate::ids::{ChannelId, GuildId, UserId};

/// What was found out. A channel that is `None` is not to be set.
pub(super) struct Discord {
    pub token: Secret,
    pub guilds: Vec<GuildId>,
    /// By the key that each has in `[discord]`.
    pub rooms: Vec<(&'static str, Vec<ChannelId>)>,
    /// `None`: rules of others stand there, and say themselves who owns the bot.
    pub owner: Option<UserId>,
}

pub(super) async fn found(
    dialogue: &mut Dialogue,
    options: &Options,
    present: &Present,
    kept: Option<&Secret>,
) -> Result<Discord, Stop> {
    if !dialogue.unattended() {
        say(&words::third_step());
    }
    let (token, look_up, application) = bot(dialogue, options, present, kept).await?;
    let guilds = guilds(dialogue, options, present, (&look_up, &application)).await?;
    let mut there = Vec::new();
    for (guild, _) in &guilds {
        there.extend(
            look_up
                .rooms(&application, *guild)
                .await
                .map_err(|it| stop(&it))?,
        );
    }
    let mut rooms = Vec::new();
    for key in words::ROOMS {
        let ids = room(dialogue, options, present, (key, &there)).await?;
        rooms.push((key, ids));
    }
    let of = (&look_up, &application);
    let owner = owner::found(dialogue, options, present, of, &guilds).await?;
    Ok(Discord {
        token,
        guilds: guilds.into_iter().map(|(id, _)| id).collect(),
        rooms,
        owner,
    })
}

pub(super) fn stop(trouble: &Trouble) -> Stop {
    match trouble {
        Trouble::Token => Stop::lasting(words::discord_failed(&no_bot("", None))),
        other => {
            let finding = no_bot("discord.com", Some(&other.to_string()));
            Stop::passing(words::discord_failed(&finding))
        }
    }
}

/// Where Discord is. As everywhere, a variable beats the file; it is not written into it.
fn api_url(options: &Options, present: &Present) -> Result<Option<String>, Stop> {
    const VARIABLE: &str = "PVE_STEWARD__DISCORD__API_URL";
    if let Some(url) = &options.discord_api_url {
        return Ok(Some(url.clone()));
    }
    let set = config::environment().find(|(name, value)| {
        let ours = name.eq_ignore_ascii_case(VARIABLE);
        ours && !value.is_empty()
    });
    let Some((_, url)) = set else {
        return Ok(present.one("discord", "api_url"));
    };
    let url = typed::api_url(&url);
    url.map(Some)
        .map_err(|why| Stop::lasting(words::bad_option(VARIABLE, &why)))
}

/// The token, tried.
async fn bot(
    dialogue: &mut Dialogue,
    options: &Options,
    present: &Present,
    kept: Option<&Secret>,
) -> Result<(Secret, LookUp, Application), Stop> {
    let api_url = api_url(options, present)?;
    let given = options.discord_token_file.as_deref();
    let given = given.map(|file| super::secret_of(file, "--discord-token-file"));
    let mut given = given.transpose()?;
    let mut kept = kept;
    loop {
        let token = match (given.take(), kept) {
            (Some(given), _) => given,
            (None, Some(kept)) if dialogue.unattended() => kept.clone(),
            (None, kept) => {
                let is_there = kept.is_some();
                let question = words::DISCORD_TOKEN;
                let typed = dialogue.secret(question, is_there, typed::secret).await?;
                match typed.or_else(|| kept.cloned()) {
                    Some(token) => token,
                    None => continue,
                }
            }
        };
        let look_up = LookUp::new(token.clone(), api_url.clone()).map_err(|it| stop(&it))?;
        match look_up.application().await {
            Ok(application) => {
                say(&words::bot_found(&application.bot));
                return Ok((token, look_up, application));
            }
            Err(Trouble::Token) if !dialogue.unattended() => {
                kept = None;
                say(&words::discord_failed(&no_bot("", None)));
            }
            Err(trouble) => return Err(stop(&trouble)),
        }
    }
}

async fn guilds(
    dialogue: &mut Dialogue,
    options: &Options,
    present: &Present,
    (look_up, application): (&LookUp, &Application),
) -> Result<Vec<(GuildId, String)>, Stop> {
    let before = present.list("discord", "guilds");
    let before: Vec<GuildId> = before.iter().filter_map(|id| typed::id(id).ok()).collect();
    let mut wanted = options.guild.clone();
    if wanted.is_empty() && dialogue.unattended() {
        wanted.clone_from(&before);
    }
    if !dialogue.unattended() {
        say(&words::invite(&application.invite));
    }
    loop {
        let there = look_up.guilds().await.map_err(|it| stop(&it))?;
        let of = |id: &GuildId| there.iter().find(|(known, _)| known == id).cloned();
        let found: Option<Vec<_>> = wanted.iter().map(of).collect();
        match found {
            Some(found) if !found.is_empty() => return Ok(found),
            None if dialogue.unattended() => {
                return Err(Stop::lasting(words::not_in_guild(&application.invite)));
            }
            None => {
                say(words::NOT_THERE_YET);
                wanted.clear();
            }
            Some(_) => {}
        }
        if there.is_empty() {
            dialogue
                .ask(words::LOOK_AGAIN, Some("Enter"), |_| Ok(()))
                .await?;
            continue;
        }
        let names: Vec<String> = there
            .iter()
            .map(|(id, name)| words::guild(*id, name))
            .collect();
        say(&words::numbered(&names));
        let mut default: Vec<usize> = before.iter().filter_map(|id| place(&there, *id)).collect();
        if default.is_empty() && there.len() == 1 {
            default.push(0);
        }
        let shown = default
            .iter()
            .map(|at| (at + 1).to_string())
            .collect::<Vec<_>>()
            .join(" ");
        let shown = (!shown.is_empty()).then_some(shown);
        let read = |typed: &str| several(typed, &there);
        return dialogue
            .ask(words::WHICH_GUILDS, shown.as_deref(), read)
            .await;
    }
}

fn place(there: &[(GuildId, String)], id: GuildId) -> Option<usize> {
    there.iter().position(|(known, _)| *known == id)
}

/// Servers by their numbers in the list, or their ids.
fn several(typed: &str, there: &[(GuildId, String)]) -> Result<Vec<(GuildId, String)>, String> {
    let words = typed.split([',', ' ']).filter(|word| !word.is_empty());
    let one = |word: &str| {
        let number: u64 = word.parse().ok()?;
        let by_number = usize::try_from(number).ok()?.checked_sub(1);
        let by_number = by_number.and_then(|at| there.get(at));
        let by_id = || there.iter().find(|(id, _)| id.0 == number);
        by_number.or_else(by_id).cloned()
    };
    let found: Option<Vec<_>> = words.map(one).collect();
    let found = found.filter(|found| !found.is_empty());
    found.ok_or_else(|| self::words::one_of(there.len()))
}

async fn room(
    dialogue: &mut Dialogue,
    options: &Options,
    present: &Present,
    (key, there): (&'static str, &[Room]),
) -> Result<Vec<ChannelId>, Stop> {
    let before = present.list("discord", key);
    let before: Vec<ChannelId> = before.iter().filter_map(|id| typed::id(id).ok()).collect();
    if let Some(given) = options.room(key) {
        let read = read_room(given, there, &before);
        return read.map_err(|why| Stop::lasting(words::bad_option(words::room_option(key), &why)));
    }
    if dialogue.unattended() {
        return Ok(before);
    }
    let lines: Vec<String> = there
        .iter()
        .map(|room| words::room(&room.name, &room.lacks))
        .collect();
    if key == words::ROOMS[0] {
        say(&words::numbered(&lines));
    }
    let shown = words::rooms_before(&before);
    let read = |typed: &str| {
        if typed == shown {
            return Ok(before.clone());
        }
        read_room(typed, there, &before)
    };
    dialogue
        .ask(words::room_question(key), Some(&shown), read)
        .await
}

/// `none`, a number of the list, or an id.
fn read_room(typed: &str, there: &[Room], before: &[ChannelId]) -> Result<Vec<ChannelId>, String> {
    if typed.eq_ignore_ascii_case(words::NONE) {
        return Ok(Vec::new());
    }
    let number: Option<u64> = typed.parse().ok();
    let by_number = number.and_then(|number| usize::try_from(number).ok()?.checked_sub(1));
    if let Some(room) = by_number.and_then(|at| there.get(at)) {
        return Ok(vec![room.id]);
    }
    let id = number.map(ChannelId);
    let known = id.filter(|id| there.iter().any(|room| room.id == *id) || before.contains(id));
    known
        .map(|id| vec![id])
        .ok_or_else(|| words::no_room(there.len()))
}
