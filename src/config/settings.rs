//! `[discord]` and `[bot]`, and what takes the place of a file: secrets and paths.

use std::fmt::Display;
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::reader::{Found, Notes, Reader};
use super::{Acts, Bot, Discord, Secret, env, secret, want};
use crate::ids::{ChannelId, GuildId};

/// The guilds come by themselves as well: roles are compared with them even when the token is
/// missing.
pub(super) fn discord(mut r: Reader<'_>) -> (Vec<GuildId>, Option<Discord>) {
    let token = token(&mut r, "token", "token_file");
    let guilds: Vec<Found<GuildId>> = r.must_list(
        "guilds",
        want::id,
        "the ids of the Discord servers in which the bot listens, such as [1000000000000000000]",
    );
    let guilds = ids(guilds, r.notes);
    let channels = r.list("channels", want::id).unwrap_or_default();
    let channels = ids(channels, r.notes);
    let public_read_channels = r.list("public_read_channels", want::id).unwrap_or_default();
    let public_read_channels = ids(public_read_channels, r.notes);
    let api_url = r.optional("api_url", want::api_url);
    let approvals_channel = channel(&mut r, "approvals_channel");
    let alerts_channel = channel(&mut r, "alerts_channel");
    let audit_channel = channel(&mut r, "audit_channel");
    r.finish();
    let discord = token.map(|token| Discord {
        token,
        guilds: guilds.clone(),
        channels,
        public_read_channels,
        approvals_channel,
        alerts_channel,
        audit_channel,
        api_url,
    });
    (guilds, discord)
}

pub(super) fn bot(mut r: Reader<'_>) -> Bot {
    let state_dir = r.find("state_dir", want::text);
    let acts = r.optional("acts", want::acts);
    let time_zone = r.optional("time_zone", want::time_zone);
    let grant_max = r.optional("grant_max", want::duration);
    let ask_expires = r.optional("ask_expires", want::waiting);
    r.finish();
    Bot {
        time_zone,
        grant_max: grant_max.unwrap_or(Duration::from_hours(7 * 24)),
        ask_expires: ask_expires.unwrap_or(Duration::from_mins(30)),
        state_dir: state_dir.map_or_else(|| "/var/lib/pve-steward".into(), |found| path(&found)),
        acts: acts.unwrap_or(Acts::Public),
    }
}

pub(super) fn values<T>(found: Vec<Found<T>>) -> Vec<T> {
    found.into_iter().map(|found| found.value).collect()
}

/// Ids of Discord that are as long as those are: another number was copied otherwise.
pub(super) fn ids<T: Display>(found: Vec<Found<T>>, notes: &mut Notes) -> Vec<T> {
    for id in &found {
        plausible(id, notes);
    }
    values(found)
}

pub(super) fn plausible<T: Display>(id: &Found<T>, notes: &mut Notes) {
    if is_too_short(&id.value) {
        notes.warning(id.place.as_deref(), &id.key, TOO_SHORT);
    }
}

pub(super) const TOO_SHORT: &str =
    "is too short for an id of Discord, which has 17 to 20 digits: copy it again";

pub(super) fn is_too_short(id: &impl Display) -> bool {
    id.to_string().len() < 17
}

fn channel(r: &mut Reader<'_>, key: &'static str) -> Option<ChannelId> {
    let found = r.find(key, want::id)?;
    plausible(&found, r.notes);
    Some(found.value)
}

/// A secret, written out or in a file: exactly one of the two keys.
pub(super) fn token(
    r: &mut Reader<'_>,
    inline: &'static str,
    in_file: &'static str,
) -> Option<Secret> {
    let both = r.has(inline) && r.has(in_file);
    let neither = !r.has(inline) && !r.has(in_file);
    let text = r.find(inline, want::text);
    let file = r.find(in_file, want::text);
    if both {
        let what = format!("is set beside `{inline}`: keep one of the two");
        let place = file.as_ref().and_then(|file| file.place.clone());
        let key = r.key(in_file);
        r.notes.problem(place.as_deref(), &key, what);
        return None;
    }
    if r.notes.without_secrets {
        return Some(Secret::new(String::new()));
    }
    if neither {
        r.missing(
            in_file,
            "the path of a file that holds the secret and nothing else",
        );
        return None;
    }
    if let Some(text) = text {
        warn_of_readers(written_in(&text), &text, r.notes);
        return note(secret::checked(&text.value), &text, r.notes);
    }
    let file = file?;
    let path = path(&file);
    let read = std::fs::read_to_string(&path)
        .map_err(|error| unread(&error, &named(&file, &path), inline, &file.value))
        .and_then(|text| {
            secret::checked(&text).map_err(|what| format!("{} {what}", path.display()))
        });
    warn_of_readers(Some(&path), &file, r.notes);
    note(read, &file, r.notes)
}

/// Why a secret is not there, and what to do. `inline`: the key for a secret written out.
fn unread(error: &std::io::Error, shown: &str, inline: &str, value: &str) -> String {
    let next = match error.kind() {
        std::io::ErrorKind::NotFound if !value.contains('/') => {
            format!("make it; or, if this is the secret itself, did you mean `{inline}`?")
        }
        std::io::ErrorKind::NotFound => {
            format!("make it with `install -m 600 /dev/null {shown}`, and put the secret into it")
        }
        std::io::ErrorKind::PermissionDenied => {
            "give it to the user that the bot runs as, mode 600".to_owned()
        }
        std::io::ErrorKind::IsADirectory => "name a file in it".to_owned(),
        _ => "it must hold the secret and nothing else".to_owned(),
    };
    format!("{shown} cannot be read: {error}; {next}")
}

/// A path for people. Without a slash it could be the secret itself, put under the wrong key.
fn named(file: &Found<String>, path: &Path) -> String {
    if file.value.contains('/') {
        return path.display().to_string();
    }
    match path
        .parent()
        .filter(|folder| !folder.as_os_str().is_empty())
    {
        Some(folder) => format!("the file of this name in {}", folder.display()),
        None => "the file of this name in the working directory".to_owned(),
    }
}

fn warn_of_readers<T>(path: Option<&Path>, found: &Found<T>, notes: &mut Notes) {
    if let Some(what) = path.and_then(secret::readable_by_others) {
        notes.warning(found.place.as_deref(), &found.key, what);
    }
}

pub(super) fn note<T, U>(
    result: Result<T, String>,
    found: &Found<U>,
    notes: &mut Notes,
) -> Option<T> {
    match result {
        Ok(value) => Some(value),
        Err(what) => {
            notes.problem(found.place.as_deref(), &found.key, what);
            None
        }
    }
}

/// A path as it is meant: relative to the file that names it, or to where the bot was started
/// when a variable does.
pub(super) fn path(found: &Found<String>) -> PathBuf {
    match written_in(found).and_then(Path::parent) {
        Some(folder) => folder.join(&found.value),
        None => PathBuf::from(&found.value),
    }
}

fn written_in<T>(found: &Found<T>) -> Option<&Path> {
    let place = found
        .place
        .as_deref()
        .filter(|place| !env::is_variable(place))?;
    place.rsplit_once(':').map(|(file, _)| Path::new(file))
}
