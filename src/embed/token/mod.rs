//! API tokens of Proxmox: all of it for one person alone.

mod making;
mod refusal;
mod removing;

use std::fmt::Write as _;
use std::time::Duration;

use jiff::Timestamp;

use crate::ids::{AclPath, ClusterName, PveUser, RoleName, TokenId, TokenName};
use crate::proxmox::Token;

use super::problem;
use super::reply::{Card, Colour, Reply};
use super::words::{ago, duration, plain};

pub use making::{Gave, Power, Undone, ask_to_create, lost, made, no_longer, not_made, not_shown};
pub(super) use refusal::unclear;
pub use refusal::{
    ADMIN_LACKS, ADMIN_REFUSED, NO_ANSWER, NO_QUORUM, cannot_be_read, exists, half_a_right,
    no_such_role, no_such_user, over_already, refused, rules_changed, said_no, which_cluster,
};
pub use removing::{
    ask_to_delete, deleted, deletion_lost, no_such_token, not_deleted, own, replaced,
};

/// A token that is to be made: exactly what was asked about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Making {
    pub token: TokenId,
    pub cluster: ClusterName,
    /// Unix seconds; `None`: never.
    pub expires: Option<i64>,
    pub rights: Option<Rights>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rights {
    pub roles: Vec<RoleName>,
    pub path: AclPath,
}

/// Which of the bot's own tokens one is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Own {
    Main,
    Admin,
}

/// Where a token is. A command that people are told to type names the cluster where there are
/// several.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct On<'a> {
    pub cluster: &'a ClusterName,
    pub several: bool,
}

/// The audit's line about it. Never a secret: none is known when it is written.
#[must_use]
pub fn detail(making: &Making) -> String {
    let until = making.expires.map_or("never expires".to_owned(), |at| {
        let day = Timestamp::from_second(at).map(|at| at.strftime("%Y-%m-%d %H:%M UTC"));
        day.map_or("until ?".to_owned(), |day| format!("until {day}"))
    });
    let rights = making.rights.as_ref().map_or("no rights".to_owned(), |r| {
        format!("{} on {}", joined(&r.roles), r.path)
    });
    let Making { token, cluster, .. } = making;
    format!("create {token} ({cluster}), {until}, {rights}")
}

/// The audit's line about a deletion.
#[must_use]
pub fn detail_of_deletion(token: &TokenId, cluster: &ClusterName) -> String {
    format!("delete {token} ({cluster})")
}

/// The tokens of one user. `own`: which of them the bot itself uses.
#[must_use]
pub fn list(
    user: &PveUser,
    cluster: &ClusterName,
    tokens: &[Token],
    own: impl Fn(&Token) -> Option<Own>,
    now: i64,
) -> Reply {
    let mut sorted: Vec<&Token> = tokens.iter().collect();
    sorted.sort_by(|a, b| a.name.cmp(&b.name));
    let mut body: Vec<String> = sorted
        .iter()
        .map(|token| one(token, own(token), now))
        .collect();
    if body.is_empty() {
        body.push("It has no tokens.".to_owned());
    }
    card(
        Colour::Grey,
        format!("🔑 Tokens of {}", plain(user.as_str())),
        body.join("\n"),
        cluster,
    )
}

/// Nobody was named, so the bot's own user was taken.
#[must_use]
pub fn of_the_bots_own(mut reply: Reply) -> Reply {
    if let Some(card) = reply.cards.first_mut() {
        card.body.push_str(
            "\n\nThat is the bot's own user. Of another\none: `/token list user:root@pam`",
        );
    }
    reply
}

fn one(token: &Token, own: Option<Own>, now: i64) -> String {
    let mark = match (own, token.expires) {
        (_, Some(at)) if at <= now => "⌛",
        (Some(_), _) => "🤖",
        (None, _) => "•",
    };
    let mut text = format!(
        "{mark} **{}** {}",
        plain(token.name.as_str()),
        ends(token, now)
    );
    match own {
        Some(Own::Main) => text.push_str("\n  this bot runs on it"),
        Some(Own::Admin) => text.push_str("\n  this bot uses it for `/token`"),
        None => {}
    }
    if !token.separate {
        text.push_str("\n  ⚠️ all that its user may do");
    }
    if let Some(comment) = &token.comment {
        let _ = write!(text, "\n  {}", plain(comment));
    }
    text
}

fn ends(token: &Token, now: i64) -> String {
    match token.expires {
        None => "never expires".to_owned(),
        Some(at) if at <= now => format!("expired {}", ago(at)),
        Some(at) => format!("expires {}", ago(at)),
    }
}

/// One line of completion: `ci · expires in 7 d`, at most 100 characters, plain text.
#[must_use]
pub fn choice(token: &Token, own: bool, now: i64) -> String {
    let seconds = |from: i64, to: i64| {
        Duration::from_secs(u64::try_from(to.saturating_sub(from)).unwrap_or_default())
    };
    let ends = match token.expires {
        None => "never expires".to_owned(),
        Some(at) if at <= now => format!("expired {} ago", duration(seconds(at, now))),
        Some(at) => format!("expires in {}", duration(seconds(now, at))),
    };
    format!("{}{} · {ends}{}", robot(own), token.name, bots(own))
}

/// The same where several clusters could be meant, with those that have one of that name.
#[must_use]
pub fn choice_on(name: &TokenName, clusters: &[&ClusterName], own: bool) -> String {
    let clusters: Vec<&str> = clusters.iter().map(|name| name.as_str()).collect();
    let text = format!(
        "{}{name} · {}{}",
        robot(own),
        clusters.join(", "),
        bots(own)
    );
    text.chars().take(100).collect()
}

fn robot(own: bool) -> &'static str {
    if own { "🤖 " } else { "" }
}

fn bots(own: bool) -> &'static str {
    if own { " · the bot's own" } else { "" }
}

/// An act on a token that a former process did not see to its end. `detail`: as in the audit.
#[must_use]
pub fn left_open(detail: &str, several: bool) -> Reply {
    let (list, delete) = match named(detail) {
        Some((token, cluster)) => {
            let on = On {
                cluster: &cluster,
                several,
            };
            (to_list(&token, on), to_delete(&token, on))
        }
        None => ("`/token list`".to_owned(), "`/token delete`".to_owned()),
    };
    let made = if detail.starts_with("create ") {
        format!("\nIf it was made, its secret is lost.\nThen delete it:\n{delete}")
    } else {
        String::new()
    };
    Reply::card(Card {
        colour: Colour::Amber,
        title: "🟠 token · outcome unknown".to_owned(),
        body: format!(
            "{}\nI did not see how it ended. See\n{list}.{made}",
            plain(detail)
        ),
        footer: None,
    })
}

/// Which token a line of the audit is about, and where.
fn named(detail: &str) -> Option<(TokenId, ClusterName)> {
    let (_, rest) = detail.split_once(' ')?;
    let (token, rest) = rest.split_once(" (")?;
    let (cluster, _) = rest.split_once(')')?;
    Some((token.parse().ok()?, cluster.parse().ok()?))
}

fn how_to_delete(token: &TokenId, on: On<'_>) -> String {
    format!(
        "{}\nor on a Proxmox node, as root:\n{}",
        to_delete(token, on),
        typed(&[remove(token)])
    )
}

fn to_delete(token: &TokenId, on: On<'_>) -> String {
    let TokenId { user, name } = token;
    format!("`/token delete {user} {name}{}`", there(on))
}

fn to_list(token: &TokenId, on: On<'_>) -> String {
    format!("`/token list {}{}`", token.user, there(on))
}

fn there(on: On<'_>) -> String {
    if on.several {
        format!(" cluster:{}", on.cluster)
    } else {
        String::new()
    }
}

fn remove(token: &TokenId) -> String {
    format!("pveum user token remove {} {}", token.user, token.name)
}

fn on_a_node(lines: &[String]) -> String {
    format!("On a Proxmox node, as root:\n{}", typed(lines))
}

fn typed(lines: &[String]) -> String {
    format!("```\n{}\n```", lines.join("\n"))
}

fn joined(roles: &[RoleName]) -> String {
    let names: Vec<&str> = roles.iter().map(RoleName::as_str).collect();
    names.join(", ")
}

fn id(token: &TokenId) -> String {
    plain(&token.to_string())
}

fn titled(title: &str, body: String, cluster: &ClusterName) -> Reply {
    let mut reply = problem::refusal(title, body);
    if let Some(card) = reply.cards.first_mut() {
        card.footer = Some(cluster.to_string());
    }
    reply
}

fn card(colour: Colour, title: String, body: String, cluster: &ClusterName) -> Reply {
    Reply::card(Card {
        colour,
        title,
        body,
        footer: Some(cluster.to_string()),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_left_open_is_looked_up_where_it_was() {
        let (token, cluster) = ("backup@pve!ci".parse().unwrap(), "lab".parse().unwrap());
        let making = Making {
            token,
            cluster,
            expires: None,
            rights: None,
        };
        let body = |detail: &str, several| left_open(detail, several).cards.remove(0).body;
        let made = body(&detail(&making), true);
        for line in [
            "`/token list backup@pve cluster:lab`",
            "`/token delete backup@pve ci cluster:lab`",
        ] {
            assert!(made.contains(line), "{made}");
        }
        assert!(!body(&detail(&making), false).contains("cluster:"));
        let deleted = body(&detail_of_deletion(&making.token, &making.cluster), true);
        assert!(deleted.contains("list backup@pve cluster:lab"), "{deleted}");
        assert!(!deleted.contains("/token delete"), "{deleted}");
    }
}
