//! Tokens and privileges as Proxmox computes them: inheritance, propagation, pools, privilege separation.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use crate::setup::{Acl, Token};
use crate::state::State;
use crate::text;

/// Privilege → does it reach the paths below.
pub(crate) type Privs = BTreeMap<String, bool>;

/// User or token → path → what is given there.
pub(crate) type Acls = HashMap<String, HashMap<String, Privs>>;

/// Privileges on the same path add up.
pub(crate) fn grant(acls: &mut Acls, acl: &Acl) {
    let paths = acls.entry(acl.who.clone()).or_default();
    let here = paths.entry(acl.path.clone()).or_default();
    for name in &acl.privs {
        *here.entry(name.clone()).or_default() |= acl.propagate;
    }
}

/// Who is asking.
#[derive(Clone, Debug)]
pub(crate) struct Caller {
    /// `user@realm!name`
    pub id: String,
    pub privsep: bool,
}

impl Caller {
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
    let word = |text: &str| {
        text.len() >= 2
            && text.starts_with(|c: char| c.is_ascii_alphabetic())
            && text
                .bytes()
                .all(|b| b.is_ascii_alphanumeric() || b"._-".contains(&b))
    };
    let odd = |c: char| c.is_whitespace() || c == ':' || c == '/';
    !name.is_empty() && !name.contains(odd) && word(realm) && word(token)
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
    let (user, name) = id.split_once('!').unwrap_or((&id, ""));
    let Some(token) = state.tokens.iter().find(|token| token.id == id) else {
        return Err(because(format!("no such token '{name}' for user '{user}'")));
    };
    if token.secret != secret {
        return Err(because("invalid token value!".into()));
    }
    Ok(caller(token))
}

fn caller(token: &Token) -> Caller {
    Caller {
        id: token.id.clone(),
        privsep: token.privsep,
    }
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

/// A role with a privilege that this version does not have goes without it.
fn exists(state: &State, privilege: &str) -> bool {
    let new = privilege.starts_with("VM.GuestAgent.");
    let old = privilege == "VM.Monitor";
    if state.since(9, 0) { !old } else { !new }
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
    for path in state.acls.values().flat_map(HashMap::keys) {
        paths.extend(prefixes(path).into_iter().map(|(path, _)| path));
    }
    let pooled = state.guests.values().filter(|guest| guest.pool.is_some());
    paths.extend(pooled.map(|guest| format!("/vms/{}", guest.vmid)));
    paths
        .into_iter()
        .map(|path| (path.clone(), privs(state, caller, &path)))
        .filter(|(_, privs)| !privs.is_empty())
        .collect()
}

/// Of a user or a token alone, before the two are intersected.
fn privs_of(state: &State, who: &str, path: &str) -> Privs {
    if who == "root@pam" {
        let has = ROOT.iter().filter(|name| exists(state, name));
        return has.map(|name| (name.to_string(), true)).collect();
    }
    let own = roles(state, who, path);
    if own.contains_key(NO_ACCESS) {
        return Privs::new();
    }
    let mut all = own;
    let pool = path
        .strip_prefix("/vms/")
        .and_then(|vmid| vmid.parse().ok())
        .and_then(|vmid: u32| state.guests.get(&vmid)?.pool.clone());
    if let Some(pool) = pool {
        let of_pool = roles(state, who, &format!("/pool/{pool}"));
        if of_pool.contains_key(NO_ACCESS) {
            return Privs::new();
        }
        for name in of_pool.into_keys() {
            // What a pool gives is never passed on below the guest.
            all.entry(name).or_insert(false);
        }
    }
    all
}

const NO_ACCESS: &str = "NoAccess";

/// What the ACLs say: each deeper path that says anything replaces what came from above.
fn roles(state: &State, who: &str, path: &str) -> Privs {
    let mut held = Privs::new();
    let Some(given) = state.acls.get(who) else {
        return held;
    };
    for (prefix, last) in prefixes(path) {
        let here = given.get(&prefix).into_iter().flatten();
        let here: Privs = here
            .filter(|(name, down)| (last || **down) && exists(state, name))
            .map(|(name, down)| (name.clone(), *down))
            .collect();
        if !here.is_empty() {
            held = here;
        }
    }
    held
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

/// The superuser's, as far as anything here asks for them.
const ROOT: &[&str] = &[
    "Datastore.Allocate",
    "Datastore.AllocateSpace",
    "Datastore.AllocateTemplate",
    "Datastore.Audit",
    "Mapping.Audit",
    "Permissions.Modify",
    "Pool.Allocate",
    "Pool.Audit",
    "SDN.Audit",
    "SDN.Use",
    "Sys.Audit",
    "Sys.Modify",
    "Sys.PowerMgmt",
    "Sys.Syslog",
    "User.Modify",
    "VM.Allocate",
    "VM.Audit",
    "VM.Backup",
    "VM.Clone",
    "VM.Config.Disk",
    "VM.Console",
    "VM.GuestAgent.Audit",
    "VM.GuestAgent.Unrestricted",
    "VM.Migrate",
    "VM.Monitor",
    "VM.PowerMgmt",
    "VM.Snapshot",
    "VM.Snapshot.Rollback",
];
