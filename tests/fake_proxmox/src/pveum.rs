//! The console's `pveum`, as root types it: its commands, its way with options, its refusals; the work
//! is done by the same endpoints that answer over HTTPS.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::access::Caller;
use crate::answer::{Refusal, Reply};
use crate::gate::Call;
use crate::guest::Kind;
use crate::params::{self, Param, Type};
use crate::record::Recorded;
use crate::routes;
use crate::state::State;
use crate::table::printed;

struct Command {
    words: &'static str,
    method: &'static str,
    path: &'static str,
    /// What is given without a name, in this order.
    arguments: &'static [&'static str],
    /// Not for the caller to say.
    fixed: &'static [(&'static str, &'static str)],
}

const fn command(
    words: &'static str,
    method: &'static str,
    path: &'static str,
    arguments: &'static [&'static str],
) -> Command {
    Command {
        words,
        method,
        path,
        arguments,
        fixed: &[],
    }
}

const TOKENS: &str = "/access/users/{userid}/token";
const TOKEN: &str = "/access/users/{userid}/token/{tokenid}";
const OF_TOKEN: &[&str] = &["userid", "tokenid"];

const COMMANDS: &[Command] = &[
    Command {
        fixed: &[("delete", "1")],
        ..command("acl delete", "PUT", "/access/acl", &["path"])
    },
    command("acl list", "GET", "/access/acl", &[]),
    Command {
        fixed: &[("delete", "0")],
        ..command("acl modify", "PUT", "/access/acl", &["path"])
    },
    command("pool add", "POST", "/pools", &["poolid"]),
    command("pool delete", "DELETE", "/pools", &["poolid"]),
    command("pool list", "GET", "/pools", &[]),
    command("pool modify", "PUT", "/pools", &["poolid"]),
    command("role add", "POST", "/access/roles", &["roleid"]),
    command(
        "role delete",
        "DELETE",
        "/access/roles/{roleid}",
        &["roleid"],
    ),
    command("role list", "GET", "/access/roles", &[]),
    command("role modify", "PUT", "/access/roles/{roleid}", &["roleid"]),
    command("user add", "POST", "/access/users", &["userid"]),
    command(
        "user delete",
        "DELETE",
        "/access/users/{userid}",
        &["userid"],
    ),
    command("user list", "GET", "/access/users", &[]),
    command(
        "user permissions",
        "GET",
        "/access/permissions",
        &["userid"],
    ),
    command("user token add", "POST", TOKEN, OF_TOKEN),
    command("user token delete", "DELETE", TOKEN, OF_TOKEN),
    command("user token list", "GET", TOKENS, &["userid"]),
    command("user token modify", "PUT", TOKEN, OF_TOKEN),
    command(
        "user token permissions",
        "GET",
        "/access/permissions",
        OF_TOKEN,
    ),
];

const ALIASES: &[(&str, &str)] = &[
    ("acldel", "acl delete"),
    ("aclmod", "acl modify"),
    ("roleadd", "role add"),
    ("roledel", "role delete"),
    ("rolemod", "role modify"),
    ("useradd", "user add"),
    ("userdel", "user delete"),
];

/// Only about how the answer is shown.
const SHOWN: &[Param] = &[
    params::optional("human-readable", Type::Boolean),
    params::optional("noborder", Type::Boolean),
    params::optional("noheader", Type::Boolean),
    params::optional(
        "output-format",
        Type::OneOf(&["text", "json", "json-pretty", "yaml"]),
    ),
    params::optional("quiet", Type::Boolean),
];

pub(crate) fn run(state: &mut State, caller: &Caller, line: &str) -> Result<String, String> {
    let words = words(line)?;
    let mut words = words.iter().map(String::as_str);
    if words.next() != Some("pveum") {
        return Err(format!("{line}: only pveum is here"));
    }
    let words: Vec<&str> = words.collect();
    let (command, rest) = find(&words)?;
    let route = routes::all()
        .find(|it| it.method == command.method && it.path == command.path)
        .ok_or("the fake lacks the endpoint")?;
    let mut known: Vec<Param> = route.params.to_vec();
    if command.words == "user token permissions" {
        known.push(params::optional("tokenid", Type::Text));
    }
    if command.method == "GET" || command.words.starts_with("user token") {
        known.extend(SHOWN);
    }
    known.retain(|param| !command.fixed.iter().any(|(name, _)| *name == param.name));
    let mut given = options(&rest, &known, command.arguments)?;
    let format = given.remove("output-format");
    for param in SHOWN {
        given.remove(param.name);
    }
    for (name, value) in command.fixed {
        given.insert((*name).into(), (*value).into());
    }
    if command.words == "user token permissions" {
        let part = |given: &mut BTreeMap<String, Value>, name: &str| {
            let value = given.remove(name).unwrap_or_default();
            value.as_str().unwrap_or_default().to_owned()
        };
        let id = format!(
            "{}!{}",
            part(&mut given, "userid"),
            part(&mut given, "tokenid")
        );
        given.insert("userid".into(), id.into());
    }
    let reply = carry_out(state, caller, route, &given);
    let reply = reply.map_err(|refusal| refusal.told())?;
    let format = format.and_then(|it| it.as_str().map(String::from));
    Ok(printed(&reply, format.as_deref().unwrap_or("text")))
}

/// Root at the console is asked for nothing; what is given is checked all the same.
fn carry_out(
    state: &mut State,
    caller: &Caller,
    route: &routes::Route,
    given: &BTreeMap<String, Value>,
) -> Result<Value, Refusal> {
    let node = state.nodes[0].name.clone();
    let call = Call {
        params: params::check(given, route.params)?,
        caller: caller.clone(),
        kind: Kind::Vm,
        request: Recorded::new(&node),
        entry: node,
    };
    match (route.handler)(state, &call)? {
        Reply::Data(data, _) => Ok(data),
        Reply::File(text) => Ok(text.into()),
    }
}

/// A word may be cut short where nothing else begins like it.
fn find<'a>(words: &[&'a str]) -> Result<(&'static Command, Vec<&'a str>), String> {
    let mut words = words.to_vec();
    if words.is_empty() {
        return Err("ERROR: no command specified".into());
    }
    if let Some((_, long)) = ALIASES.iter().find(|(short, _)| *short == words[0]) {
        words.splice(0..1, long.split(' '));
    }
    let mut path: Vec<&str> = Vec::new();
    let mut left = words.into_iter();
    loop {
        let spoken = format!("pveum {}", path.join(" "));
        let incomplete = || format!("ERROR: incomplete command '{}'", spoken.trim_end());
        let word = left.next().ok_or_else(incomplete)?;
        // `remove` is another word for `delete`, but not to be cut short.
        let word = if path == ["user", "token"] && word == "remove" {
            "delete"
        } else {
            word
        };
        let below = COMMANDS.iter().filter_map(|it| below(it.words, &path));
        let mut next: Vec<&str> = below.filter(|it| it.starts_with(word)).collect();
        next.dedup();
        let exact = next.iter().find(|it| **it == word).copied();
        let word = match (exact, next.as_slice()) {
            (Some(exact), _) => exact,
            (None, [only]) => only,
            (None, []) => {
                let all = format!("{} {word}", spoken.trim_end());
                return Err(format!("ERROR: unknown command '{all}'"));
            }
            (None, _) => {
                let all = format!("{} {word}", spoken.trim_end());
                return Err(format!("ERROR: incomplete command '{all}'"));
            }
        };
        path.push(word);
        let whole = path.join(" ");
        if let Some(command) = COMMANDS.iter().find(|it| it.words == whole) {
            return Ok((command, left.collect()));
        }
    }
}

/// The word after these in a command that begins with them.
fn below(command: &'static str, path: &[&str]) -> Option<&'static str> {
    let words: Vec<&'static str> = command.split(' ').collect();
    words
        .starts_with(path)
        .then(|| words.get(path.len()).copied())?
}

/// `-privs "VM.Audit"`, `--privs=VM.Audit`, `-privsep`: names may be cut short, too.
fn options(
    words: &[&str],
    known: &[Param],
    arguments: &[&str],
) -> Result<BTreeMap<String, Value>, String> {
    let mut given: BTreeMap<String, Value> = BTreeMap::new();
    let mut plain: Vec<&str> = Vec::new();
    let mut left = words.iter().copied().peekable();
    let refuse = |text: String| Err(format!("{text}\n400 unable to parse option"));
    while let Some(word) = left.next() {
        if word == "--" {
            plain.extend(left.by_ref());
            break;
        }
        let Some(option) = word.strip_prefix("--").or_else(|| word.strip_prefix('-')) else {
            plain.push(word);
            continue;
        };
        if option.is_empty() {
            plain.push(word);
            continue;
        }
        let (name, value) = match option.split_once('=') {
            Some((name, value)) => (name, Some(value)),
            None => (option, None),
        };
        let param = match named(known, name) {
            Ok(param) => param,
            Err(text) => return refuse(text),
        };
        let value = if value.is_some() {
            value
        } else if is_boolean(param.kind) {
            left.next_if(|next| !next.starts_with('-')).or(Some("1"))
        } else {
            left.next()
        };
        let Some(value) = value else {
            return refuse(format!("Option {name} requires an argument"));
        };
        if is_boolean(param.kind) && !is_truth(value) {
            return Err("400 unable to parse boolean option".into());
        }
        // A list may be given in parts; of anything else the last counts.
        let before = given.remove(param.name).filter(|_| is_list(param.name));
        let before = before.as_ref().and_then(Value::as_str);
        let value = before.map_or(value.into(), |before| format!("{before},{value}"));
        given.insert(param.name.into(), value.into());
    }
    if plain.len() < arguments.len() {
        return Err("400 not enough arguments".into());
    }
    if plain.len() > arguments.len() {
        return Err("400 too many arguments".into());
    }
    for (name, value) in arguments.iter().zip(plain) {
        given.insert((*name).into(), value.into());
    }
    Ok(given)
}

fn is_boolean(kind: Type) -> bool {
    match kind {
        Type::Boolean => true,
        Type::Needing(_, kind) => is_boolean(*kind),
        _ => false,
    }
}

fn is_truth(value: &str) -> bool {
    let words = ["0", "1", "on", "off", "yes", "no", "true", "false"];
    words.contains(&value.to_ascii_lowercase().as_str())
}

fn is_list(name: &str) -> bool {
    [
        "delete", "groups", "privs", "roles", "storage", "tokens", "users", "vms",
    ]
    .contains(&name)
}

fn named<'a>(known: &'a [Param], name: &str) -> Result<&'a Param, String> {
    let wanted = name.to_ascii_lowercase();
    if let Some(exact) = known.iter().find(|param| param.name == wanted) {
        return Ok(exact);
    }
    let fits = known.iter().filter(|param| param.name.starts_with(&wanted));
    let mut fits: Vec<&Param> = fits.collect();
    fits.sort_by_key(|param| param.name);
    match fits.as_slice() {
        [] => Err(format!("Unknown option: {name}")),
        [only] => Ok(only),
        several => {
            let names: Vec<&str> = several.iter().map(|param| param.name).collect();
            Err(format!("Option {name} is ambiguous ({})", names.join(", ")))
        }
    }
}

/// As a shell takes a line apart; what comes after a `#` is for people.
fn words(line: &str) -> Result<Vec<String>, String> {
    let mut words = Vec::new();
    let mut word: Option<String> = None;
    let mut quote = None;
    for c in line.chars() {
        match (quote, c) {
            (Some(open), c) if c == open => quote = None,
            // A trap: only single quotes keep an interactive shell from reading its history here.
            (Some('"') | None, '!') => return Err(format!("{line}: event not found")),
            (Some(_), c) => word.get_or_insert_default().push(c),
            (None, '\'' | '"') => {
                quote = Some(c);
                word.get_or_insert_default();
            }
            (None, '#') if word.is_none() => break,
            (None, c) if c.is_whitespace() => words.extend(word.take()),
            (None, ';' | '|' | '&' | '<' | '>' | '$' | '`') => {
                return Err(format!("{line}: one command at a time"));
            }
            (None, c) => word.get_or_insert_default().push(c),
        }
    }
    words.extend(word);
    match quote {
        None => Ok(words),
        Some(_) => Err(format!("{line}: a quote is not closed")),
    }
}
