//! Lines for a node's shell that give the bot's token what it needs. A role for each privilege, named
//! after it, so that a role that exists already is as it shall be; and each entry of the access
//! control list for the user and the token, because a token with separated privileges can do only
//! what both were given.

mod page;

use std::collections::{BTreeMap, BTreeSet};

use crate::privileges::{Pool, stays_on};
use crate::proxmox::Roles;

pub use page::{Beyond, Page, page, removal};

/// What our roles' names begin with.
pub const OURS: &str = "Steward";

/// `StewardVMPowerMgmt` for `VM.PowerMgmt`.
#[must_use]
pub fn role(privilege: &str) -> String {
    format!("{OURS}{}", privilege.replace('.', ""))
}

/// The lines that make a role for each privilege. `known`: the roles that there are, where they
/// could be read; what is there already needs no line.
#[must_use]
pub fn roles<'p>(
    privileges: impl IntoIterator<Item = &'p str>,
    known: Option<&Roles>,
) -> Vec<String> {
    let line = |privilege: &str| {
        let role = role(privilege);
        let verb = match known.and_then(|known| known.get(&role)) {
            None => "add",
            Some(has) if has.len() == 1 && has.contains(privilege) => return None,
            Some(_) => "modify",
        };
        Some(format!("pveum role {verb} {role} -privs {privilege}"))
    };
    privileges.into_iter().filter_map(line).collect()
}

/// Gives user and token the roles of these privileges on one path.
#[must_use]
pub fn give<'p>(path: &str, privileges: impl IntoIterator<Item = &'p str>, token: &str) -> String {
    let alone = if stays_on(path) { " -propagate 0" } else { "" };
    format!(
        "pveum acl modify {}{alone} {} -role {}",
        quoted(path),
        both(token),
        names(privileges)
    )
}

/// Takes them away from both.
#[must_use]
pub fn take<'p>(path: &str, privileges: impl IntoIterator<Item = &'p str>, token: &str) -> String {
    format!(
        "pveum acl delete {} {} -role {}",
        quoted(path),
        both(token),
        names(privileges)
    )
}

fn names<'p>(privileges: impl IntoIterator<Item = &'p str>) -> String {
    let names: Vec<String> = privileges.into_iter().map(role).collect();
    names.join(",")
}

/// Roles first, then who gets them where.
#[must_use]
pub fn lines(
    paths: &BTreeMap<String, BTreeSet<&str>>,
    token: &str,
    known: Option<&Roles>,
) -> Vec<String> {
    let all: BTreeSet<&str> = paths.values().flatten().copied().collect();
    let mut lines = roles(all, known);
    let each = paths.iter();
    lines.extend(each.map(|(path, privileges)| give(path, privileges.iter().copied(), token)));
    lines
}

/// A user that cannot log in, and its token.
#[must_use]
pub fn user(token: &str) -> Vec<String> {
    let (user, name) = parts(token);
    let mut lines = Vec::new();
    if !is_root(token) {
        lines.push(format!(
            "pveum user add {} -comment pve-steward",
            quoted(user)
        ));
    }
    lines.push(format!(
        "pveum user token add {} {} -privsep 1",
        quoted(user),
        quoted(name)
    ));
    lines
}

/// Takes them away, and with them every entry that names them.
#[must_use]
pub fn no_user(token: &str) -> Vec<String> {
    let (user, name) = parts(token);
    if is_root(token) {
        return vec![format!(
            "pveum user token remove {} {}",
            quoted(user),
            quoted(name)
        )];
    }
    vec![format!("pveum user delete {}", quoted(user))]
}

/// The bot's own pool, filled. `exists`: it is there already.
#[must_use]
pub fn pool(pool: &Pool, exists: bool) -> Vec<String> {
    let Pool {
        name, comes, goes, ..
    } = pool;
    let mut lines = Vec::new();
    if !exists {
        lines.push(format!("pveum pool add {name}"));
    }
    if !comes.is_empty() {
        lines.push(format!("pveum pool modify {name} -vms {}", list(comes)));
    }
    if !goes.is_empty() {
        lines.push(format!(
            "pveum pool modify {name} -vms {} -delete 1",
            list(goes)
        ));
    }
    lines
}

/// Empties it and takes it away.
#[must_use]
pub fn no_pool(pool: &Pool) -> Vec<String> {
    let stays = pool
        .members
        .iter()
        .filter(|vmid| !pool.comes.contains(vmid));
    let inside: BTreeSet<_> = stays.chain(&pool.goes).collect();
    let mut lines = Vec::new();
    if !inside.is_empty() {
        lines.push(format!(
            "pveum pool modify {} -vms {} -delete 1",
            pool.name,
            list(inside)
        ));
    }
    lines.push(format!("pveum pool delete {}", pool.name));
    lines
}

/// What the second token, for `/token`, has to hold, and where. An entry further down hides what is
/// held above it.
const ADMIN: [(&str, &[&str]); 3] = [
    ("/", &["Permissions.Modify"]),
    ("/access", &["Permissions.Modify", "Sys.Audit"]),
    ("/access/groups", &["User.Modify"]),
];

/// Privileges of `ADMIN`, each once.
pub const ADMINS: [&str; 3] = ["Permissions.Modify", "Sys.Audit", "User.Modify"];

/// Makes the second token. It can make itself anything: it is as good as root. `known`: the roles that
/// there are, where they could be read.
#[must_use]
pub fn admin(token: &str, known: Option<&Roles>) -> Vec<String> {
    let mut lines = user(token);
    lines.extend(roles(ADMINS, known));
    lines.extend(ADMIN.map(|(path, privileges)| give_admin(path, privileges, token)));
    lines
}

/// Gives the second token what it lacks on one of its paths.
#[must_use]
pub fn mend_admin(path: &str, token: &str) -> Vec<String> {
    let entry = ADMIN.into_iter().find(|(known, _)| *known == path);
    entry.map_or_else(Vec::new, |(path, privileges)| {
        let mut lines = roles(privileges.iter().copied(), None);
        lines.push(give_admin(path, privileges, token));
        lines
    })
}

/// Unlike what is given to the bot, this reaches below `/`: tokens get entries everywhere.
fn give_admin(path: &str, privileges: &[&str], token: &str) -> String {
    let roles = names(privileges.iter().copied());
    format!("pveum acl modify {path} {} -role {roles}", both(token))
}

/// Whether it is a token of the superuser, whom nothing is refused and whose password it can change.
#[must_use]
pub fn is_root(token: &str) -> bool {
    parts(token).0 == "root@pam"
}

fn parts(token: &str) -> (&str, &str) {
    token.split_once('!').unwrap_or((token, ""))
}

fn both(token: &str) -> String {
    let (user, _) = parts(token);
    // `!` is a shell's history unless it stands in single quotes.
    format!("-user {} -token {}", quoted(user), quoted(token))
}

fn list<T: ToString>(many: impl IntoIterator<Item = T>) -> String {
    let many: Vec<String> = many.into_iter().map(|one| one.to_string()).collect();
    many.join(",")
}

/// As a shell takes it: a name may hold nearly anything.
fn quoted(word: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "@._-/".contains(c);
    if !word.is_empty() && word.chars().all(plain) {
        return word.to_owned();
    }
    format!("'{}'", word.replace('\'', "'\\''"))
}

/// What a privilege is for, in the bot's terms.
#[must_use]
pub fn purpose(privilege: &str) -> &'static str {
    match privilege {
        "VM.Audit" => "see guests: name, state, figures, snapshots",
        "VM.GuestAgent.Audit" => "addresses inside VMs",
        "VM.Monitor" => "addresses inside VMs; it also lets the token run commands in them",
        "VM.PowerMgmt" => "start, shut down, reboot, suspend, resume, stop, reset",
        "VM.Snapshot" => "take, roll back and delete snapshots",
        "VM.Snapshot.Rollback" => "roll back to snapshots",
        "VM.Backup" => "see and make backups of guests",
        "Datastore.AllocateSpace" => "put backups there, and see those that are there",
        "Datastore.Audit" => "see storages",
        "Pool.Audit" => "see who is in a pool that rules name",
        "Sys.Audit" => "quorum on /; on nodes their figures, and tasks of others",
        "Sys.PowerMgmt" => "reboot, shut down and wake nodes",
        "Sys.Modify" => {
            "stop tasks of others, see updates that wait; it also lets the token change the\n\
             # node, its network for one: a [[deny]] of task.stop leaves it out"
        }
        _ => "",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_a_shell_would_take_apart_are_quoted() {
        assert_eq!(
            both("discord@pve!bot"),
            "-user discord@pve -token 'discord@pve!bot'"
        );
        assert_eq!(quoted("o'neil $HOME@pve"), "'o'\\''neil $HOME@pve'");
        assert_eq!(quoted(""), "''");
    }

    #[test]
    fn a_role_that_is_there_needs_no_line_and_one_that_was_changed_is_mended() {
        let has = |privs: &[&str]| privs.iter().map(ToString::to_string).collect();
        let known = Roles::from([
            ("StewardVMAudit".to_owned(), has(&["VM.Audit"])),
            (
                "StewardVMBackup".to_owned(),
                has(&["VM.Backup", "VM.Allocate"]),
            ),
        ]);
        let lines = roles(["VM.Audit", "VM.Backup", "VM.Snapshot"], Some(&known));
        assert_eq!(
            lines,
            [
                "pveum role modify StewardVMBackup -privs VM.Backup",
                "pveum role add StewardVMSnapshot -privs VM.Snapshot",
            ]
        );
    }

    #[test]
    fn nobody_is_told_to_delete_root() {
        assert_eq!(
            no_user("root@pam!bot"),
            ["pveum user token remove root@pam bot"]
        );
        assert_eq!(
            user("root@pam!bot"),
            ["pveum user token add root@pam bot -privsep 1"]
        );
    }
}
