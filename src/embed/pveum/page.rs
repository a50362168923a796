//! What `pve-steward pveum` prints for a cluster: lines to type, and why each is there.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use crate::privileges::{Plan, Privileges};
use crate::proxmox::Roles;

use super::{
    ADMINS, admin, give, is_root, no_pool, no_user, pool, purpose, role, roles, take, user,
};

/// All that the page depends on.
#[derive(Debug)]
pub struct Page<'a> {
    pub cluster: &'a str,
    pub token: &'a str,
    pub plan: &'a Plan,
    /// Of Proxmox VE: 8 or 9.
    pub version: u32,
    /// The roles that there are; `None`: the cluster was not asked.
    pub known: Option<&'a Roles>,
    /// The bot's own pool is there already.
    pub pool_is_there: bool,
    /// Words of rules of which only a look at the cluster tells what they mean.
    pub unclear: &'a [String],
    /// What the token would have to be given to see all that the rules may mean: path, privilege.
    pub must_see: &'a [(&'static str, &'static str)],
    /// Backups are allowed, and no storage is known that takes them.
    pub no_storage: bool,
    /// Addresses are left out, because of what they take on version 8.
    pub no_addresses: bool,
    pub beyond: Beyond<'a>,
    /// The token for `/token`, if there is one.
    pub admin: Option<&'a str>,
}

impl Page<'_> {
    /// Without a look at all pools nothing can be said of which guest goes into which.
    fn is_blind(&self) -> bool {
        self.must_see.iter().any(|(path, _)| *path == "/pool")
    }
}

/// What the token has and the policy does not take.
#[derive(Debug, Default)]
pub struct Beyond<'a> {
    /// Roles of ours that nothing needs any more.
    pub roles: Vec<&'a str>,
    /// By path: what is held there.
    pub held: Vec<(&'a str, Vec<&'a str>)>,
}

/// What to give.
#[must_use]
pub fn page(page: &Page<'_>) -> String {
    let mut text = head(page);
    let all_seen = page.unclear.is_empty() && page.must_see.is_empty();
    if page.plan.paths.is_empty() && all_seen {
        text.push_str("# The rules give nobody anything here: nothing is needed.\n");
    }
    text.push_str(&to_see(page));
    if page.is_blind() {
        return text;
    }
    text.push_str(&notes(page));
    let needed = page.plan.privileges();
    let new: Vec<&str> = needed
        .iter()
        .copied()
        .filter(|privilege| !roles([*privilege], page.known).is_empty())
        .collect();
    section(
        &mut text,
        "Roles, each for one thing",
        &role_lines(page, &new),
    );
    if page.known.is_none() {
        let why = "A user that cannot log in, and its token. The second line shows the token's secret,\n\
                   # once: keep it.";
        section(&mut text, why, &user(page.token));
    }
    if let Some(own) = &page.plan.pool {
        let lines = pool(own, page.pool_is_there);
        section(
            &mut text,
            "The pool in which guests get what they need together",
            &lines,
        );
    }
    let acls: Vec<String> = page
        .plan
        .paths
        .iter()
        .map(|(path, given)| give(path, given.iter().copied(), page.token))
        .collect();
    section(&mut text, "Who may what where", &acls);
    text.push_str(&about_new_guests(page));
    text.push_str(&about_beyond(page));
    if let Some(token) = page.admin {
        let why = "The second token, for /token alone. It can give itself anything: it is as good as root.\n\
                   # Where something \"already exists\", it is as it shall be: go on";
        section(&mut text, why, &admin(token, page.known));
    }
    text
}

/// The same again, as what to take away.
#[must_use]
pub fn removal(page: &Page<'_>) -> String {
    let mut text = format!(
        "# {}: takes away all that the bot was given.\n",
        page.cluster
    );
    let users = no_user(page.token);
    section(
        &mut text,
        "The user, its tokens, and every entry that names them",
        &users,
    );
    if let Some(second) = page.admin.map(no_user).filter(|second| *second != users) {
        section(&mut text, "The second token", &second);
    }
    let all = all_roles(page);
    let lines: Vec<String> = all
        .iter()
        .map(|role| format!("pveum role delete {role}"))
        .collect();
    section(&mut text, "Its roles", &lines);
    if let Some(own) = &page.plan.pool {
        section(
            &mut text,
            "Its pool; the guests stay as they are",
            &no_pool(own),
        );
    }
    text
}

/// Every role that these pages make, of those that there are.
fn all_roles(page: &Page<'_>) -> BTreeSet<String> {
    let mut privileges = page.plan.privileges();
    // Of a second token that is configured no longer, only the roles that are there tell.
    if page.admin.is_some() || page.known.is_some() {
        privileges.extend(ADMINS);
    }
    let there = |role: &String| page.known.is_none_or(|known| known.contains_key(role));
    let ours = privileges.iter().map(|one| role(one)).filter(there);
    let others = page.beyond.roles.iter().map(ToString::to_string);
    ours.chain(others).collect()
}

fn head(page: &Page<'_>) -> String {
    let there = match page.known {
        None => "\n# Where something \"already exists\", it is as it shall be: go on.",
        Some(_) => "",
    };
    let root = if is_root(page.token) {
        "#\n# This token is of the superuser. Better make a user of its own for the bot: set `token_id`\n\
         # to discord@pve!bot, and run this again with --offline.\n"
    } else {
        ""
    };
    format!(
        "# {}: what the rules take on Proxmox VE {}, and no more.\n\
         # For the shell of a node, as root.{there}\n{root}",
        page.cluster, page.version
    )
}

fn to_see(page: &Page<'_>) -> String {
    if page.must_see.is_empty() {
        return String::new();
    }
    let mut lines = roles(page.must_see.iter().map(|(_, one)| *one), page.known);
    let each = page.must_see.iter();
    lines.extend(each.map(|(path, one)| give(path, [*one], page.token)));
    let missing = if page.is_blind() {
        "so what it needs cannot be said yet"
    } else {
        "so some may be missing below"
    };
    format!(
        "#\n# The token does not see all that the rules may mean, {missing}. Let it\n\
         # see everything, until the lines at the end take that away again: type this, and run\n\
         # pveum once more.\n#   {}\n",
        lines.join("\n#   ")
    )
}

fn notes(page: &Page<'_>) -> String {
    let mut notes = Vec::new();
    if !page.unclear.is_empty() {
        notes.push(format!(
            "Not in it: {}. Only a look at the cluster tells\n\
             # which guests or nodes these are: run it without --offline for them.",
            page.unclear.join(", ")
        ));
    }
    if page.no_storage {
        notes.push(
            "Backups are allowed, and no storage is known that takes them. Give what stands below\n\
             # and run this again, or name it: --storage NAME."
                .to_owned(),
        );
    }
    if page.no_addresses {
        notes.push(
            "Without addresses inside VMs: on version 8 they take VM.Monitor, which also lets whoever\n\
             # has the token run commands in the VMs. --with addresses puts it in."
                .to_owned(),
        );
    }
    if page.known.is_none() && page.version >= 9 {
        notes.push("For version 8: --pve 8.".to_owned());
    }
    let notes = notes.iter().map(|note| format!("#\n# {note}\n"));
    notes.collect()
}

fn role_lines(page: &Page<'_>, new: &[&str]) -> Vec<String> {
    let each = new.iter().flat_map(|privilege| {
        let why = purpose(privilege);
        let comment = (!why.is_empty()).then(|| format!("# {why}"));
        comment.into_iter().chain(roles([*privilege], page.known))
    });
    each.collect()
}

fn about_new_guests(page: &Page<'_>) -> String {
    let each = page.plan.paths.iter();
    let single: Vec<(&String, &Privileges)> =
        each.filter(|(path, _)| path.starts_with("/vms/")).collect();
    let mut text = String::new();
    if let Some(own) = &page.plan.pool {
        let _ = writeln!(
            text,
            "\n# A guest that comes later and needs the same: pveum pool modify {} -vms VMID",
            own.name
        );
    }
    if !single.is_empty() {
        text.push_str(
            "\n# These guests have theirs each by itself. One that comes later is not even seen before\n\
             # it has its own: copy the line of one like it, with its VMID. One that goes: take it away\n\
             # with `pveum acl delete` in place of `pveum acl modify`.\n",
        );
    }
    text
}

fn about_beyond(page: &Page<'_>) -> String {
    let Beyond { roles, held } = &page.beyond;
    // Until all is seen, the lines at the top give these.
    let to_see: Vec<String> = page.must_see.iter().map(|(_, one)| role(one)).collect();
    let roles: Vec<&str> = roles
        .iter()
        .copied()
        .filter(|role| !to_see.iter().any(|one| one == role))
        .collect();
    let mut text = String::new();
    let deleted: Vec<String> = roles
        .iter()
        .map(|role| format!("pveum role delete {role}"))
        .collect();
    section(
        &mut text,
        "Roles of the bot that nothing above needs: delete them after the lines above",
        &deleted,
    );
    let ours = |name: &str| {
        let known = page.known.and_then(|known| known.get(&role(name)));
        known.is_some_and(|has| has.contains(name))
    };
    let mut lines = Vec::new();
    let mut others = Vec::new();
    for (path, names) in held {
        // A role that is deleted takes what it gave with it.
        let stays = |name: &&str| !roles.contains(&role(name).as_str());
        let names = names.iter().copied().filter(stays);
        // What a line above gives must not be taken away further down: it is there too widely.
        let given = page.plan.paths.get(*path);
        let (wide, names): (Vec<&str>, Vec<&str>) =
            names.partition(|name| given.is_some_and(|given| given.contains(name)));
        let (mine, foreign): (Vec<&str>, Vec<&str>) =
            names.into_iter().partition(|name| ours(name));
        if !mine.is_empty() {
            lines.push(take(path, mine, page.token));
        }
        if !foreign.is_empty() {
            others.push(format!("# {path}: {}", foreign.join(" ")));
        }
        if !wide.is_empty() {
            others.push(too_wide(path, &wide));
        }
    }
    section(
        &mut text,
        "What the token has there and does not need there. What is still here the next time comes by\n\
         # roles of other names",
        &lines,
    );
    section(
        &mut text,
        "What it has by roles of other names (`pveum acl list` shows which)",
        &others,
    );
    text
}

/// Which role it comes from, the token cannot see. If it is the one of the line above, that has made
/// it narrow.
fn too_wide(path: &str, privileges: &[&str]) -> String {
    format!(
        "# {path}: {}, which reaches below it, too, unless a line above has just mended that",
        privileges.join(" ")
    )
}

fn section(text: &mut String, title: &str, lines: &[String]) {
    if lines.is_empty() {
        return;
    }
    let _ = writeln!(text, "\n# {title}");
    for line in lines {
        text.push_str(line);
        text.push('\n');
    }
}
