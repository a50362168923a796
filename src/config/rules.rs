//! `[people]`, `[roles]`, `[[allow]]`, `[[deny]]` and `[[ask]]`: who may do what, as written.

use std::collections::BTreeMap;
use std::fmt::Display;
use std::str::FromStr;
use std::sync::Arc;

use ::config::{Value, ValueKind};

use super::reader::{Found, Notes, Reader, nearest, unknown};
use super::settings::{self, values};
use super::{AllowRule, AskRule, DenyRule, Place, want};
use crate::action::Right;
use crate::ids::{BadId, GuildId, RoleId, UserId};

/// Words that later versions will know. To take them silently would promise what is not there.
const LATER: [&str; 2] = ["panel", "alert"];

/// The names of `[people]` or `[roles]`; those with a wrong id are `None`.
pub(super) type Names<T> = BTreeMap<String, Option<Found<T>>>;

pub(super) fn names<T: FromStr<Err = BadId> + Eq + Display>(mut r: Reader<'_>) -> Names<T> {
    let entries = r.entries(want::id::<T>);
    for (at, (name, found)) in entries.iter().enumerate() {
        let Some(found) = found else { continue };
        settings::plausible(found, r.notes);
        if name.trim().is_empty() {
            let what = "is a name without letters";
            r.notes.problem(found.place.as_deref(), &found.key, what);
        }
        let same =
            |other: &Option<Found<T>>| other.as_ref().is_some_and(|o| o.value == found.value);
        if let Some((twin, _)) = entries[..at].iter().find(|(_, other)| same(other)) {
            let what = format!("has the same id as `{twin}`");
            r.notes.warning(found.place.as_deref(), &found.key, what);
        }
    }
    entries.into_iter().collect()
}

pub(super) fn ids<T>(names: Names<T>) -> BTreeMap<String, T> {
    names
        .into_iter()
        .filter_map(|(name, found)| Some((name, found?.value)))
        .collect()
}

/// What no table can see by itself: a name must mean one thing, and no role may mean everybody.
pub(super) fn compare_names(
    people: &Names<UserId>,
    roles: &Names<RoleId>,
    guilds: &[GuildId],
    notes: &mut Notes,
) {
    for (name, role) in roles {
        let Some(role) = role else { continue };
        if people.contains_key(name) {
            let what = "is a name in [people] as well; one of them needs another";
            notes.problem(role.place.as_deref(), &role.key, what);
        }
        if guilds.iter().any(|guild| guild.0 == role.value.0) {
            let what = "is the id of the server itself, whose role is @everyone: give a role of \
                        its own to those who may do something";
            notes.problem(role.place.as_deref(), &role.key, what);
        }
    }
}

pub(super) fn allow(
    rules: Vec<(usize, Value)>,
    known: &[&str],
    notes: &mut Notes,
) -> Vec<AllowRule> {
    if rules.is_empty() {
        let what = "is missing: without a rule [[allow]] nobody may do anything";
        notes.problem(None, "allow", what);
    }
    let read = |(at, rule)| {
        let (place, reader) = open("allow[]", "allow", at, rule, notes)?;
        Some(allow_rule(place, reader, known))
    };
    rules.into_iter().filter_map(read).collect()
}

fn allow_rule(place: Place, mut r: Reader<'_>, known: &[&str]) -> AllowRule {
    let who = who(&mut r, known);
    let (words, actions) = actions(&mut r);
    let guests = r.filled("guests", want::word).map(values);
    let nodes = r.filled("nodes", want::word).map(values);
    let channels = r.filled("channels", want::id).unwrap_or_default();
    let channels = settings::ids(channels, r.notes);
    let confirm = r.filled("confirm", want::text).unwrap_or_default();
    let confirm = rights(&confirm, r.notes);
    let hours = r.optional("hours", want::hours);
    let limit = r.optional("limit", want::limit);
    let cooldown = r.optional("cooldown", want::duration);
    if guests.is_none() && nodes.is_none() && !actions.iter().any(|r| r.is_about_the_bot()) {
        r.warning("covers nothing: it has neither `guests` nor `nodes`");
    }
    r.finish();
    AllowRule {
        place,
        who,
        actions,
        guests: guests.unwrap_or_default(),
        nodes: nodes.unwrap_or_default(),
        channels,
        confirm,
        hours,
        limit,
        cooldown,
        words,
    }
}

pub(super) fn deny(rules: Vec<(usize, Value)>, known: &[&str], notes: &mut Notes) -> Vec<DenyRule> {
    let read = |(at, rule)| {
        let (place, reader) = open("deny[]", "deny", at, rule, notes)?;
        Some(deny_rule(place, reader, known))
    };
    rules.into_iter().filter_map(read).collect()
}

fn deny_rule(place: Place, mut r: Reader<'_>, known: &[&str]) -> DenyRule {
    let who = who(&mut r, known);
    let (_, actions) = actions(&mut r);
    let guests = r.filled("guests", want::word).map(values);
    let nodes = r.filled("nodes", want::word).map(values);
    // A denial holds everywhere and always; narrowed down it would be a hole.
    for key in ["channels", "confirm", "hours", "limit", "cooldown"] {
        r.refuse(
            key,
            "a rule [[deny]] takes only who, actions, guests and nodes",
        );
    }
    r.finish();
    DenyRule {
        place,
        who,
        actions,
        guests,
        nodes,
    }
}

pub(super) fn ask(rules: Vec<(usize, Value)>, known: &[&str], notes: &mut Notes) -> Vec<AskRule> {
    let read = |(at, rule)| {
        let (place, reader) = open("ask[]", "ask", at, rule, notes)?;
        Some(ask_rule(place, reader, known))
    };
    rules.into_iter().filter_map(read).collect()
}

fn ask_rule(place: Place, mut r: Reader<'_>, known: &[&str]) -> AskRule {
    let who = who(&mut r, known);
    let (words, mut actions) = actions(&mut r);
    let guests = values(r.must_list(
        "guests",
        want::word,
        "the guests that one may ask for, such as [\"tag:lab\"]",
    ));
    let named = |right: &Right| words.iter().any(|word| word == right.key());
    for right in actions.iter().filter(|r| !r.can_be_asked_for() && named(r)) {
        r.problem(&format!(
            "nobody can ask for `{right}`, only for things to be done to a guest"
        ));
    }
    // `*` means all that can be asked for.
    actions.retain(|right| right.can_be_asked_for());
    for key in ["nodes", "channels", "confirm", "hours", "limit", "cooldown"] {
        r.refuse(key, "a rule [[ask]] takes only who, actions and guests");
    }
    r.finish();
    AskRule {
        place,
        who,
        actions,
        guests,
    }
}

fn open<'n>(
    pattern: &'static str,
    list: &str,
    at: usize,
    rule: Value,
    notes: &'n mut Notes,
) -> Option<(Place, Reader<'n>)> {
    let path = format!("{list}[{at}]");
    let origin = rule.origin().unwrap_or_default().to_owned();
    let ValueKind::Table(table) = rule.kind else {
        notes.problem(
            Some(&origin),
            &path,
            format!("must be a section: [[{list}]]"),
        );
        return None;
    };
    let (file, line) = origin.rsplit_once(':').unwrap_or((&origin, "0"));
    let place = Place {
        file: Arc::from(file),
        line: line.parse().unwrap_or(0),
    };
    Some((
        place,
        Reader::new(pattern, path, Some(origin), table, notes),
    ))
}

fn who(r: &mut Reader<'_>, known: &[&str]) -> Vec<String> {
    let expected = "names of [people] and [roles], such as [\"owner\"]";
    let found = r.must_list("who", want::word, expected);
    for one in found
        .iter()
        .filter(|one| !known.contains(&one.value.as_str()))
    {
        let name = &one.value;
        let what = match nearest(name, known) {
            Some(near) => format!("`{name}` is not in [people] or [roles]; did you mean `{near}`?"),
            None => format!("`{name}` is not in [people] or [roles]: give the id a name there"),
        };
        r.notes.problem(one.place.as_deref(), &one.key, what);
    }
    values(found)
}

fn actions(r: &mut Reader<'_>) -> (Vec<String>, Vec<Right>) {
    let expected = "what may be done, such as [\"view\", \"start\"]";
    let found = r.must_list("actions", want::text, expected);
    let rights = rights(&found, r.notes);
    (values(found), rights)
}

/// The rights that words stand for, each once.
fn rights(words: &[Found<String>], notes: &mut Notes) -> Vec<Right> {
    let mut rights = Vec::new();
    for word in words {
        match Right::named(&word.value) {
            Some(named) => rights.extend(named),
            None => notes.problem(word.place.as_deref(), &word.key, unknown_word(&word.value)),
        }
    }
    rights.sort_unstable();
    rights.dedup();
    rights
}

fn unknown_word(word: &str) -> String {
    if LATER.contains(&word) {
        return format!("this version has no `{word}`");
    }
    let single = Right::ALL.iter().map(|right| right.key());
    let groups = Right::GROUPS.iter().map(|(name, _)| *name);
    let known: Vec<&str> = single.chain(groups).collect();
    let said = unknown(&format!("action `{word}`"), word, &known);
    match nearest(word, &known) {
        Some(_) => format!("{said} Known are {}", known.join(", ")),
        None => said,
    }
}
