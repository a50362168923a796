//! What `pve-steward check` found, line by line: `ok`, `warn` or `FAIL`, and the next step.

use std::collections::BTreeSet;

use crate::ids::GuildId;
use crate::proxmox::Error;

use super::problem::pveum_lines;

/// How one finding counts. A warning does not fail the check.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Grade {
    Ok,
    Warning,
    Failure,
}

/// One line, and what may follow it indented.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    pub grade: Grade,
    pub text: String,
}

impl Finding {
    fn new(grade: Grade, text: impl Into<String>) -> Self {
        Self {
            grade,
            text: text.into(),
        }
    }
}

#[must_use]
pub fn printed(finding: &Finding) -> String {
    let mark = match finding.grade {
        Grade::Ok => "ok   ",
        Grade::Warning => "warn ",
        Grade::Failure => "FAIL ",
    };
    let text = finding.text.replace('\n', "\n     ");
    format!("{mark}{text}\n")
}

#[must_use]
pub fn configuration(rules: usize, warnings: usize) -> Finding {
    let warned = if warnings > 0 {
        format!(", {warnings} warnings above")
    } else {
        String::new()
    };
    Finding::new(Grade::Ok, format!("configuration: {rules} rules{warned}"))
}

#[must_use]
pub fn reached(cluster: &str, version: &str, nodes: &[String], guests: usize) -> Finding {
    let nodes = nodes.join(", ");
    Finding::new(
        Grade::Ok,
        format!("{cluster}: Proxmox VE {version}; nodes {nodes}; {guests} guests visible"),
    )
}

#[must_use]
pub fn not_reached(cluster: &str, error: &Error) -> Finding {
    let next = if error.unauthorised() {
        "Proxmox does not accept the token. Is it spelt user@realm!tokenid, is the secret\n\
         whole, and are user and token neither disabled nor expired?"
    } else if matches!(error, Error::Certificate { .. }) {
        "The certificate is not the one you trust. Compare it on the node (`pveproxy` renews\n\
         its own at times; /etc/pve/pve-root-ca.pem as ca_file outlives that)."
    } else {
        "Is the address right, and may this machine reach port 8006 of it?"
    };
    Finding::new(Grade::Failure, format!("{cluster}: {error}\n{next}"))
}

/// What the token may do. `held`: all privileges on any path.
#[must_use]
pub fn token(cluster: &str, token: &str, held: &BTreeSet<String>) -> Finding {
    if held.is_empty() {
        let user = token.split('!').next().unwrap_or(token);
        return Finding::new(
            Grade::Failure,
            format!(
                "{cluster}: token {token} has no privileges at all.\n\
                 A token with separated privileges has only what it AND its user were given:\n\
                 pveum user token permissions {user} {}",
                token.split('!').nth(1).unwrap_or_default()
            ),
        );
    }
    let list: Vec<&str> = held.iter().map(String::as_str).collect();
    Finding::new(
        Grade::Ok,
        format!("{cluster}: token {token} holds {}", list.join(" ")),
    )
}

/// A privilege without which something that the bot does cannot work.
#[must_use]
pub fn lacks(cluster: &str, token: &str, path: &str, privilege: &str, what: &str) -> Finding {
    let lines = pveum_lines(path, &[privilege.to_owned()], false, token).join("\n");
    Finding::new(
        Grade::Warning,
        format!("{cluster}: without {privilege} on {path}, {what}.\n{lines}"),
    )
}

/// A pool that rules name, and whose members the token cannot see.
#[must_use]
pub fn unseen_pool(cluster: &str, token: &str, pool: &str) -> Finding {
    let path = format!("/pool/{pool}");
    let lines = pveum_lines(&path, &["Pool.Audit".to_owned()], false, token).join("\n");
    Finding::new(
        Grade::Warning,
        format!(
            "{cluster}: rules name pool:{pool}, and the token cannot see who is in it. An allow by\n\
             it gives nothing, a deny by it takes every guest that is in no visible pool.\n{lines}"
        ),
    )
}

/// More than a bot needs: whoever reads its secret has it too.
#[must_use]
pub fn too_much(cluster: &str, token: &str, privileges: &[&str]) -> Finding {
    Finding::new(
        Grade::Warning,
        format!(
            "{cluster}: token {token} could do far more than this bot ever asks for: {}.\n\
             Give it only what README.md lists.",
            privileges.join(" ")
        ),
    )
}

#[must_use]
pub fn bot(name: &str) -> Finding {
    Finding::new(Grade::Ok, format!("Discord: the token belongs to {name}"))
}

#[must_use]
pub fn no_bot(refused: bool) -> Finding {
    let text = if refused {
        "Discord: the token is not accepted (401).\n\
         Copy it again: developer portal, your application, Bot, Reset Token."
    } else {
        "Discord: no usable answer. Is there a way out to discord.com, port 443?"
    };
    Finding::new(Grade::Failure, text)
}

#[must_use]
pub fn guild(id: GuildId, name: &str) -> Finding {
    Finding::new(Grade::Ok, format!("Discord: server {id} is {name}"))
}

#[must_use]
pub fn no_guild(id: GuildId, absent: bool) -> Finding {
    let text = if absent {
        format!(
            "Discord: the bot is not in server {id}.\n\
             Invite it: developer portal, OAuth2, URL Generator, scopes bot and\n\
             applications.commands. Or the id is wrong: right-click the server, Copy Server ID."
        )
    } else {
        format!("Discord: server {id} could not be looked up; try again.")
    };
    Finding::new(Grade::Failure, text)
}
