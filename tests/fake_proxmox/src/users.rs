//! What `user.cfg` holds: users with their tokens, groups, roles, pools and the ACLs.

use std::collections::{BTreeMap, BTreeSet};

use crate::privileges::{self, NO_ACCESS};
use crate::setup::{Acl, Setup, Token};
use crate::text;

/// Role → its privileges.
pub(crate) type Roles = BTreeMap<String, BTreeSet<String>>;

/// Role → does it reach the paths below.
pub(crate) type Given = BTreeMap<String, bool>;

pub(crate) struct UserCfg {
    pub users: BTreeMap<String, User>,
    /// Group → its members.
    pub groups: BTreeMap<String, BTreeSet<String>>,
    pub roles: Roles,
    pub pools: BTreeMap<String, Pool>,
    /// By path.
    pub acls: BTreeMap<String, Entries>,
}

#[derive(Default)]
pub(crate) struct User {
    pub disabled: bool,
    /// Seconds since 1970; 0: never.
    pub expire: u64,
    /// `comment`, `email`, `firstname` ...
    pub about: BTreeMap<String, String>,
    pub tokens: BTreeMap<String, UserToken>,
}

pub(crate) struct UserToken {
    pub secret: String,
    pub privsep: bool,
    pub expire: Option<u64>,
    pub comment: Option<String>,
}

/// Which guests belong to it, they say themselves.
#[derive(Default)]
pub(crate) struct Pool {
    pub comment: Option<String>,
    pub storages: BTreeSet<String>,
}

/// Who has what on one path.
#[derive(Default)]
pub(crate) struct Entries {
    pub users: BTreeMap<String, Given>,
    pub groups: BTreeMap<String, Given>,
    pub tokens: BTreeMap<String, Given>,
}

impl Entries {
    /// With the word that the list of ACLs uses.
    pub fn sorts(&self) -> [(&'static str, &BTreeMap<String, Given>); 3] {
        [
            ("user", &self.users),
            ("group", &self.groups),
            ("token", &self.tokens),
        ]
    }

    fn sorts_mut(&mut self) -> [&mut BTreeMap<String, Given>; 3] {
        [&mut self.users, &mut self.groups, &mut self.tokens]
    }

    /// `@group`, a token or a user.
    pub fn of(&mut self, who: &str) -> &mut Given {
        let (sort, who) = match who.strip_prefix('@') {
            Some(group) => (&mut self.groups, group),
            None if who.contains('!') => (&mut self.tokens, who),
            None => (&mut self.users, who),
        };
        sort.entry(who.into()).or_default()
    }
}

impl User {
    pub fn is_expired(&self) -> bool {
        is_past(self.expire)
    }
}

impl UserToken {
    pub fn is_expired(&self) -> bool {
        is_past(self.expire.unwrap_or(0))
    }
}

fn is_past(expire: u64) -> bool {
    expire != 0 && expire < text::epoch()
}

/// `anna@pve!app` → user and token.
pub(crate) fn split(id: &str) -> (&str, Option<&str>) {
    match id.split_once('!') {
        Some((user, token)) => (user, Some(token)),
        None => (id, None),
    }
}

impl UserCfg {
    pub fn new(setup: &Setup) -> UserCfg {
        let mut cfg = UserCfg {
            users: BTreeMap::from([("root@pam".into(), User::default())]),
            groups: BTreeMap::new(),
            roles: privileges::built_in(setup.version),
            pools: BTreeMap::new(),
            acls: BTreeMap::new(),
        };
        for pool in &setup.pools {
            cfg.add_pool(Some(pool));
        }
        for guest in &setup.guests {
            cfg.add_pool(guest.pool.as_deref());
        }
        cfg
    }

    /// Tokens and ACLs of the setup, after what was typed.
    pub fn fill(&mut self, setup: &Setup) {
        for token in &setup.tokens {
            match self.token_mut(&token.id) {
                Some(known) => known.secret.clone_from(&token.secret),
                None => self.put_token(token),
            }
        }
        for acl in &setup.acls {
            self.grant(setup.version, acl);
        }
    }

    pub fn add_pool(&mut self, pool: Option<&str>) {
        if let Some(pool) = pool {
            self.pools.entry(pool.into()).or_default();
        }
    }

    pub fn put_token(&mut self, token: &Token) {
        let (user, Some(name)) = split(&token.id) else {
            panic!("{} is no token id", token.id);
        };
        let user = self.users.entry(user.into()).or_default();
        user.tokens.insert(
            name.into(),
            UserToken {
                secret: token.secret.clone(),
                privsep: token.privsep,
                expire: None,
                comment: None,
            },
        );
    }

    pub fn token(&self, id: &str) -> Option<&UserToken> {
        let (user, name) = split(id);
        self.users.get(user)?.tokens.get(name?)
    }

    pub fn token_mut(&mut self, id: &str) -> Option<&mut UserToken> {
        let (user, name) = split(id);
        self.users.get_mut(user)?.tokens.get_mut(name?)
    }

    pub fn remove_token(&mut self, id: &str) {
        let (user, name) = split(id);
        if let (Some(user), Some(name)) = (self.users.get_mut(user), name) {
            user.tokens.remove(name);
        }
        self.forget(id);
    }

    /// The ACLs of somebody who is gone.
    pub fn forget(&mut self, who: &str) {
        for entries in self.acls.values_mut() {
            for sort in entries.sorts_mut() {
                sort.remove(who);
            }
        }
        self.tidy();
    }

    /// Paths on which nobody has anything are not in the file.
    pub fn tidy(&mut self) {
        for entries in self.acls.values_mut() {
            for sort in entries.sorts_mut() {
                sort.retain(|_, given| !given.is_empty());
            }
        }
        self.acls
            .retain(|_, entries| entries.sorts().iter().any(|(_, sort)| !sort.is_empty()));
    }

    pub fn forget_role(&mut self, role: &str) {
        self.roles.remove(role);
        let entries = self.acls.values_mut().flat_map(Entries::sorts_mut);
        for given in entries.flat_map(BTreeMap::values_mut) {
            given.remove(role);
        }
        self.tidy();
    }

    /// Privileges instead of a role: what stands on the same path already stays.
    pub fn grant(&mut self, version: (u8, u8), acl: &Acl) {
        if !acl.who.starts_with('@') {
            self.users.entry(split(&acl.who).0.into()).or_default();
        }
        let role = self.role_of(version, &acl.privs);
        let entries = self.acls.entry(acl.path.clone()).or_default();
        *entries.of(&acl.who).entry(role).or_default() |= acl.propagate;
    }

    /// The role with exactly these privileges, made if there is none; what this version of Proxmox
    /// does not know is left out, as when it reads an old file.
    fn role_of(&mut self, version: (u8, u8), privs: &[String]) -> String {
        if privs.iter().any(|name| name == NO_ACCESS) {
            return NO_ACCESS.into();
        }
        let privs = privs.iter().filter(|it| privileges::is_known(version, it));
        let privs: BTreeSet<String> = privs.cloned().collect();
        let same =
            |(name, held): &(&String, &BTreeSet<String>)| **held == privs && *name != NO_ACCESS;
        if let Some((name, _)) = self.roles.iter().find(same) {
            return name.clone();
        }
        let name = format!("Custom{}", self.roles.len());
        self.roles.insert(name.clone(), privs);
        name
    }
}
