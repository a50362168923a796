//! What is completed while somebody types about tokens: only for those who may manage them, from
//! memory. Typing never waits; it has the roles read again when they are old.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use dashmap::DashMap;
use tokio::time::Instant;

use crate::action::{Actor, Right, Target, TokenPart, Typing};
use crate::command::Choice;
use crate::command::desk::Desk;
use crate::command::suggest::{MOST, words};
use crate::embed::token as embed;
use crate::ids::{ClusterName, PveUser, TokenId, TokenName};
use crate::proxmox::{Role, Token, TokenAdmin};

use super::ask::bots_user;
use super::own;

/// Roles are made seldom.
const OLD: Duration = Duration::from_mins(1);

/// The roles of each cluster as they were read last. Cheap to clone: all clones are the same.
#[derive(Debug, Clone, Default)]
pub(in crate::command) struct KnownRoles(Arc<DashMap<ClusterName, Known>>);

#[derive(Debug, Clone, Default)]
struct Known {
    asked: Option<Instant>,
    roles: Vec<Role>,
}

impl KnownRoles {
    /// Has them read in the background where they are old, and never twice at a time.
    pub(in crate::command) fn freshen(&self, admins: &[Arc<TokenAdmin>]) {
        for admin in admins {
            let mut known = self.0.entry(admin.cluster().clone()).or_default();
            if known.asked.is_some_and(|asked| asked.elapsed() < OLD) {
                continue;
            }
            known.asked = Some(Instant::now());
            let (all, admin) = (self.clone(), Arc::clone(admin));
            tokio::spawn(async move {
                match admin.roles().await {
                    Ok(roles) => {
                        all.0.entry(admin.cluster().clone()).or_default().roles = roles;
                    }
                    Err(error) => {
                        tracing::debug!(cluster = %admin.cluster(), %error, "roles cannot be read");
                    }
                }
            });
        }
    }

    fn names(&self) -> Vec<String> {
        let mut names: Vec<String> = Vec::new();
        for known in self.0.iter() {
            names.extend(known.roles.iter().map(|role| role.name.to_string()));
        }
        names.sort_unstable();
        names.dedup();
        names
    }
}

pub(in crate::command) fn suggest(
    desk: &Desk,
    typing: &Typing,
    part: TokenPart,
    text: &str,
) -> Vec<Choice> {
    let law = desk.law();
    let may = law.of(&typing.actor).decide(Right::Token, &Target::Bot);
    if may.is_err() || desk.token_admins.is_empty() {
        return Vec::new();
    }
    match part {
        TokenPart::NewName => Vec::new(),
        TokenPart::Name => names(desk, typing, text),
        TokenPart::User => fitting(users(desk, typing), text),
        TokenPart::Expiry => words(&["7d", "30d", "90d", "365d", "never"], text),
        TokenPart::Cluster => {
            let admins = desk.token_admins.iter();
            fitting(
                admins.map(|admin| admin.cluster().to_string()).collect(),
                text,
            )
        }
        TokenPart::Path => fitting(paths(desk, &typing.actor), text),
        TokenPart::Roles => {
            desk.roles.freshen(&desk.token_admins);
            roles(&desk.roles.names(), text)
        }
    }
}

/// The clusters that the command may mean.
fn meant<'d>(desk: &'d Desk, typing: &Typing) -> Vec<&'d Arc<TokenAdmin>> {
    let named = typing.cluster.as_ref();
    let all = desk.token_admins.iter();
    all.filter(|admin| named.is_none_or(|cluster| cluster == admin.cluster()))
        .collect()
}

/// Those that the bot itself is, then others that are known.
fn users(desk: &Desk, typing: &Typing) -> Vec<String> {
    let (mut bots, mut others) = (Vec::new(), BTreeSet::new());
    for admin in meant(desk, typing) {
        bots.extend(bots_user(desk, admin).map(|user| user.to_string()));
        bots.extend(admin.id().split_once('!').map(|(user, _)| user.to_owned()));
        let known = admin.users_while_typing();
        others.extend(
            known
                .iter()
                .flat_map(|all| all.iter())
                .map(ToString::to_string),
        );
    }
    bots.extend(others);
    bots
}

/// The tokens of the command's user. What is not known yet, the next letter finds.
fn names(desk: &Desk, typing: &Typing, text: &str) -> Vec<Choice> {
    let Some(user) = &typing.user else {
        return Vec::new();
    };
    let admins = meant(desk, typing);
    let mut found: BTreeMap<TokenName, Vec<There<'_>>> = BTreeMap::new();
    for admin in &admins {
        for there in known(desk, admin, user) {
            let list = found.entry(there.token.name.clone()).or_default();
            list.push(there);
        }
    }
    let mut found: Vec<_> = found
        .into_iter()
        .filter(|(name, _)| name.as_str().to_lowercase().contains(text))
        .collect();
    // The bot's own cannot be deleted.
    found.sort_by_key(|(_, there)| there.iter().all(|one| one.own));
    let (now, several) = (desk.law().unix(), admins.len() > 1);
    let choice = |(name, there): (TokenName, Vec<There<'_>>)| Choice {
        name: match there.as_slice() {
            [one] if !several => embed::choice(&one.token, one.own, now),
            there => {
                let clusters: Vec<_> = there.iter().map(|one| one.cluster).collect();
                embed::choice_on(&name, &clusters, there.iter().any(|one| one.own))
            }
        },
        value: name.to_string(),
    };
    found.into_iter().take(MOST).map(choice).collect()
}

/// A token, and where it is.
struct There<'d> {
    cluster: &'d ClusterName,
    token: Token,
    /// The bot uses it.
    own: bool,
}

fn known<'d>(desk: &Desk, admin: &'d Arc<TokenAdmin>, user: &PveUser) -> Vec<There<'d>> {
    let known = admin.tokens_while_typing(user);
    let there = |token: &Token| {
        let id = TokenId {
            user: user.clone(),
            name: token.name.clone(),
        };
        There {
            cluster: admin.cluster(),
            token: token.clone(),
            own: own(desk, admin, &id).is_some(),
        }
    };
    known.iter().flat_map(|all| all.iter()).map(there).collect()
}

/// Roots, and what the person may see below them.
fn paths(desk: &Desk, actor: &Actor) -> Vec<String> {
    let roots = ["/", "/vms", "/nodes", "/storage", "/pool"];
    let mut paths: Vec<String> = roots.map(str::to_owned).to_vec();
    let law = desk.law();
    let mine = law.of(actor);
    let snapshots = desk.clusters.iter().filter_map(|cluster| cluster.latest());
    for snapshot in snapshots {
        let guests = snapshot.guests.values();
        for guest in guests.filter(|guest| mine.see(&Target::Guest(&guest.facts))) {
            let pool = guest.facts.pool.iter().map(|pool| format!("/pool/{pool}"));
            paths.extend(pool);
            paths.push(format!("/vms/{}", guest.facts.guest.vmid));
        }
    }
    paths
}

/// What was typed up to the last comma, and each role that could follow.
fn roles(known: &[String], text: &str) -> Vec<Choice> {
    let (before, begun) = match text.rsplit_once(',') {
        Some((before, begun)) => (format!("{},", exact(known, before)), begun.trim_start()),
        None => (String::new(), text),
    };
    let all = known
        .iter()
        .filter(|role| role.to_lowercase().contains(begun))
        .map(|role| format!("{before}{role}"))
        .filter(|text| text.len() <= 100);
    choices(all.collect())
}

/// The text was made lower-case to be compared; roles are not.
fn exact(known: &[String], text: &str) -> String {
    let named = |word: &str| {
        let word = word.trim();
        let role = known.iter().find(|role| role.to_lowercase() == word);
        role.cloned().unwrap_or_else(|| word.to_owned())
    };
    text.split(',').map(named).collect::<Vec<_>>().join(",")
}

fn fitting(all: Vec<String>, text: &str) -> Vec<Choice> {
    let fits = |one: &String| one.to_lowercase().contains(text);
    choices(all.into_iter().filter(fits).collect())
}

fn choices(all: Vec<String>) -> Vec<Choice> {
    let mut seen: Vec<Choice> = Vec::new();
    for name in all {
        if seen.len() < MOST && seen.iter().all(|choice| choice.name != name) {
            seen.push(Choice {
                value: name.clone(),
                name,
            });
        }
    }
    seen
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn roles_are_completed_after_each_comma() {
        let known = ["Games", "PVEAuditor", "PVEVMUser"].map(str::to_owned);
        let offered = |text: &str| -> Vec<String> {
            let choices = roles(&known, text);
            choices.into_iter().map(|choice| choice.value).collect()
        };
        assert_eq!(offered("pve"), ["PVEAuditor", "PVEVMUser"]);
        assert_eq!(offered("pveauditor, ga"), ["PVEAuditor,Games"]);
        assert_eq!(offered("nope"), Vec::<String>::new());
    }
}
