//! Tokens and privileges as Proxmox computes them: inheritance, propagation, pools, privilege separation.

use std::collections::{BTreeMap, BTreeSet};

use crate::answer::Refusal;
use crate::privileges::NO_ACCESS;
use crate::state::State;
use crate::text;
use crate::users::{Given, UserCfg, split};

/// Privilege → does it reach the paths below.
pub(crate) type Privs = BTreeMap<String, bool>;

/// The one that needs no rights; a token of it is not it.
pub(crate) const ROOT: &str = "root@pam";

/// Who is asking.
#[derive(Clone, Debug)]
pub(crate) struct Caller {
    /// `user@realm!name`
    pub id: String,
    pub privsep: bool,
}

impl Caller {
    /// Somebody at the console.
    pub fn root() -> Caller {
        Caller {
            id: ROOT.into(),
            privsep: false,
        }
    }

    pub fn user(&self) -> &str {
        self.id.split('!').next().unwrap_or_default()
    }

    /// A token sees its own tasks, a user also those of the tokens.
    pub fn owns(&self, task_user: &str) -> bool {
        self.id == task_user || task_user.split('!').next() == Some(&self.id)
    }
}

/// The value after `PVEAPIToken`, unescaped: `user@realm!name=secret`.
pub(crate) fn token_value(header: &str) -> Option<String> {
    const NAME: &str = "PVEAPIToken";
    let at = header
        .match_indices(NAME)
        .map(|(at, _)| at)
        .find(|at| *at == 0 || header[..*at].ends_with(char::is_whitespace))?;
    let value = header[at + NAME.len()..].strip_prefix(['=', ' '])?;
    let value = text::decode(value.split(';').next()?, false);
    (!value.is_empty()).then_some(value)
}

/// Who the header names, believed or not: for the record.
pub(crate) fn token_id(value: &str) -> Option<String> {
    let (id, _) = value.rsplit_once('=')?;
    is_token_id(id).then(|| id.to_owned())
}

fn is_token_id(id: &str) -> bool {
    let Some((user, token)) = id.split_once('!') else {
        return false;
    };
    let Some((name, realm)) = user.rsplit_once('@') else {
        return false;
    };
    let odd = |c: char| c.is_whitespace() || c == ':' || c == '/';
    !name.is_empty() && !name.contains(odd) && is_realm(realm) && is_realm(token)
}

/// Realms and the names of tokens are made of the same characters.
pub(crate) fn is_realm(text: &str) -> bool {
    text.len() >= 2
        && text.starts_with(|c: char| c.is_ascii_alphabetic())
        && text
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || b"._-".contains(&b))
}

/// Any of these privileges, or the refusal that names them all.
pub(crate) fn need_any(
    state: &State,
    caller: &Caller,
    path: &str,
    wanted: &[&str],
) -> Result<(), Refusal> {
    let held = privs(state, caller, path);
    if caller.id == ROOT || wanted.iter().any(|name| held.contains_key(*name)) {
        Ok(())
    } else {
        Err(Refusal::forbidden(path, &wanted.join("|")))
    }
}

pub(crate) fn need(
    state: &State,
    caller: &Caller,
    path: &str,
    privilege: &str,
) -> Result<(), Refusal> {
    need_any(state, caller, path, &[privilege])
}

/// The caller, or the reason phrase of the 401.
pub(crate) fn login(state: &State, header: Option<&str>) -> Result<Caller, String> {
    let value = header.and_then(token_value).ok_or("No ticket")?;
    let unified = state.since(9, 2);
    // Newer servers do not tell a guesser what was wrong.
    let because = |old: String| {
        if unified {
            "Authentication failed!".into()
        } else {
            old
        }
    };
    let (Some(id), Some((_, secret))) = (token_id(&value), value.rsplit_once('=')) else {
        return Err(because("invalid token value!".into()));
    };
    let (user, name) = split(&id);
    let name = name.unwrap_or_default();
    let Some(known) = state.cfg.users.get(user) else {
        return Err(because(format!("no such user ('{user}')")));
    };
    if known.disabled {
        return Err(because(format!("user '{user}' is disabled")));
    }
    if known.is_expired() {
        return Err(because(format!("user '{user}' access expired")));
    }
    let Some(token) = known.tokens.get(name) else {
        return Err(because(format!("no such token '{name}' for user '{user}'")));
    };
    if token.is_expired() {
        return Err(because(format!("token '{name}' access expired")));
    }
    if token.secret != secret {
        return Err(because("invalid token value!".into()));
    }
    let privsep = token.privsep;
    Ok(Caller { id, privsep })
}

/// What the caller may do on a path.
pub(crate) fn privs(state: &State, caller: &Caller, path: &str) -> Privs {
    let of_user = privs_of(state, caller.user(), path);
    if !caller.privsep {
        return of_user;
    }
    privs_of(state, &caller.id, path)
        .into_iter()
        .filter_map(|(name, down)| {
            let user_down = of_user.get(&name)?;
            Some((name, down && *user_down))
        })
        .collect()
}

pub(crate) fn may(state: &State, caller: &Caller, path: &str, privilege: &str) -> bool {
    privs(state, caller, path).contains_key(privilege)
}

/// The privileges that an endpoint of this version asks for: there were none for the agent before 9.
pub(crate) fn named(state: &State, privileges: &'static str) -> &'static str {
    if !state.since(9, 0) && privileges.contains("VM.GuestAgent.") {
        return "VM.Monitor";
    }
    privileges
}

/// Everything the caller has, on the paths that the dump lists: the roots, ACLs, pools.
pub(crate) fn all_privs(state: &State, caller: &Caller) -> BTreeMap<String, Privs> {
    let roots = [
        "/",
        "/access",
        "/access/groups",
        "/nodes",
        "/pool",
        "/sdn",
        "/storage",
        "/vms",
    ];
    let mut paths: BTreeSet<String> = roots.iter().map(ToString::to_string).collect();
    for path in state.cfg.acls.keys() {
        paths.extend(prefixes(path).into_iter().map(|(path, _)| path));
    }
    let pooled = state.guests.values().filter(|guest| guest.pool.is_some());
    paths.extend(pooled.map(|guest| format!("/vms/{}", guest.vmid)));
    let pooled = state.cfg.pools.values().flat_map(|pool| &pool.storages);
    paths.extend(pooled.map(|storage| format!("/storage/{storage}")));
    paths
        .into_iter()
        .map(|path| (path.clone(), privs(state, caller, &path)))
        .filter(|(_, privs)| !privs.is_empty())
        .collect()
}

/// Of a user or a token alone, before the two are intersected.
fn privs_of(state: &State, who: &str, path: &str) -> Privs {
    let cfg = &state.cfg;
    if who == ROOT {
        let all = cfg.roles["Administrator"].iter();
        return all.map(|name| (name.clone(), true)).collect();
    }
    if split(who).1.is_some() && cfg.token(who).is_none() {
        return Privs::new();
    }
    let mut held = roles(cfg, who, path);
    for pool in pools_of(state, path) {
        // What a pool gives is never passed on below its member.
        for role in roles(cfg, who, &format!("/pool/{pool}")).into_keys() {
            held.entry(role).or_insert(false);
        }
    }
    if held.contains_key(NO_ACCESS) {
        return Privs::new();
    }
    let mut privs = Privs::new();
    for (role, down) in held {
        for name in cfg.roles.get(role).into_iter().flatten() {
            *privs.entry(name.clone()).or_default() |= down;
        }
    }
    privs
}

/// The pools that the guest or the storage of this path is in.
fn pools_of<'a>(state: &'a State, path: &str) -> Vec<&'a str> {
    let guest = path.strip_prefix("/vms/").and_then(|id| id.parse().ok());
    let guest = guest.and_then(|vmid: u32| state.guests.get(&vmid));
    let mut pools: Vec<&str> = guest.and_then(|g| g.pool.as_deref()).into_iter().collect();
    if let Some(storage) = path.strip_prefix("/storage/") {
        let holding = state.cfg.pools.iter();
        let holding = holding.filter(|(_, pool)| pool.storages.contains(storage));
        pools.extend(holding.map(|(name, _)| name.as_str()));
    }
    pools
}

/// What the ACLs say: each deeper path that says anything replaces what came from above, what is
/// said about the user what is said about the groups, and NoAccess everything else.
fn roles<'a>(cfg: &'a UserCfg, who: &str, path: &str) -> BTreeMap<&'a str, bool> {
    let mut held = BTreeMap::new();
    for (prefix, last) in prefixes(path) {
        let Some(entries) = cfg.acls.get(&prefix) else {
            continue;
        };
        let is_token = split(who).1.is_some();
        let own = if is_token {
            &entries.tokens
        } else {
            &entries.users
        };
        let mut here = reaching(own.get(who), last);
        if here.is_empty() && !is_token {
            let groups = entries.groups.iter();
            let groups = groups.filter(|(name, _)| is_member(cfg, name, who));
            for (_, given) in groups {
                here.extend(reaching(Some(given), last));
            }
        }
        if !here.is_empty() {
            held = here;
        }
    }
    if held.contains_key(NO_ACCESS) {
        held.retain(|role, _| *role == NO_ACCESS);
    }
    held
}

fn is_member(cfg: &UserCfg, group: &str, user: &str) -> bool {
    let members = cfg.groups.get(group);
    members.is_some_and(|members| members.contains(user))
}

fn reaching(given: Option<&Given>, last: bool) -> BTreeMap<&str, bool> {
    let all = given.into_iter().flatten();
    let here = all.filter(|(_, down)| last || **down);
    here.map(|(role, down)| (role.as_str(), *down)).collect()
}

/// `/vms/100` → `/`, `/vms`, `/vms/100`; the last is marked.
fn prefixes(path: &str) -> Vec<(String, bool)> {
    let mut found = vec![("/".to_owned(), false)];
    let mut built = String::new();
    for part in path.split('/').filter(|part| !part.is_empty()) {
        built = format!("{built}/{part}");
        found.push((built.clone(), false));
    }
    if let Some(last) = found.last_mut() {
        last.1 = true;
    }
    found
}
