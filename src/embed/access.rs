//! `/access`: what was granted, and the lockdown.

use std::fmt::Write as _;
use std::time::Duration;

use crate::action::{Action, GuestFacts, Right};
use crate::ids::{GrantId, GuestRef, UserId};
use crate::permission::{Grant, Lockdown, Terms};

use super::problem::refusal;
use super::reply::{Button, Card, Colour, Reply, Style};
use super::words::{
    ago, duration, grouped, guest_footer, guest_name, in_few_words, moment, person, plain, reason,
};

/// Who holds what on one guest, as `/access list` shows it.
#[derive(Debug)]
pub struct Holder {
    /// The name that the rules use.
    pub name: String,
    pub rights: Vec<(Right, Terms)>,
}

/// `holders` of one guest; `grants` that the reader may see; whether grants may be taken back is
/// decided at the press.
#[must_use]
pub fn list(
    guest: Option<&GuestFacts>,
    holders: &[Holder],
    grants: &[&Grant],
    lockdown: Option<&Lockdown>,
) -> Reply {
    let mut parts = Vec::new();
    parts.extend(lockdown.map(locked_line));
    for holder in holders.iter().filter(|holder| !holder.rights.is_empty()) {
        let told = holder.rights.iter().cloned().map(without_the_usual);
        let told: Vec<(Right, Terms)> = told.collect();
        let rights: Vec<String> = grouped(&told).iter().map(right).collect();
        parts.push(format!(
            "**{}**\n{}",
            plain(&holder.name),
            rights.join(", ")
        ));
    }
    if grants.is_empty() {
        parts.push("Nothing is granted for a while.".to_owned());
    } else {
        let lines: Vec<String> = grants.iter().map(|grant| line(grant)).collect();
        parts.push(format!("**Granted for a while**\n{}", lines.join("\n")));
    }
    let title = match guest {
        Some(guest) => format!("🔑 Who may do what: {}", guest_name(guest)),
        None => "🔑 What is granted".to_owned(),
    };
    let revoke = |grant: &&Grant| Button {
        label: format!("Revoke {}", grant.id.0).into(),
        style: Style::Danger,
        action: Action::Revoke(grant.id),
    };
    // As many as Discord puts into a message; more are taken back by `/access revoke`.
    let few = &grants[..grants.len().min(25)];
    Reply::card(Card {
        colour: Colour::Grey,
        title,
        body: parts.join("\n\n"),
        footer: guest.map(guest_footer),
    })
    .with_buttons(few.iter().map(revoke).collect())
}

/// What is asked twice of everybody is no news.
fn without_the_usual((right, terms): (Right, Terms)) -> (Right, Terms) {
    let confirm = terms.confirm && !right.always_confirmed();
    (right, Terms { confirm, ..terms })
}

fn right((right, terms): &(&str, Terms)) -> String {
    let mut notes: Vec<String> = terms.hours.iter().map(ToString::to_string).collect();
    if terms.ask {
        notes.push("may ask".to_owned());
    } else if terms.confirm {
        notes.push("asks first".to_owned());
    }
    if let Some(limit) = terms.limit {
        notes.push(format!("{} in {}", limit.most, duration(limit.per)));
    }
    if terms.ask_else {
        notes.push("else may ask".to_owned());
    }
    let right = plain(right);
    if notes.is_empty() {
        right
    } else {
        format!("{right} ({})", notes.join(", "))
    }
}

fn line(grant: &Grant) -> String {
    format!(
        "`{}` {}: {} on {}\nuntil {}, {}, by {}",
        grant.id.0,
        person(grant.to),
        words(&grant.rights),
        called(&grant.guest, &grant.guest_name),
        moment(grant.ends),
        ago(grant.ends),
        person(grant.giver.user)
    )
}

fn words(rights: &[Right]) -> String {
    plain(&in_few_words(rights))
}

fn called(guest: &GuestRef, name: &str) -> String {
    format!("{} {}", guest.vmid, plain(name))
}

/// One choice of autocomplete: `7 max: start on 101 valheim, ends in 3 h`, plain text. `now` in unix
/// seconds: time stamps do not work there.
#[must_use]
pub fn grant_choice(grant: &Grant, name: &str, now: i64) -> String {
    let text = format!(
        "{} {name}: {} on {} {}",
        grant.id.0,
        in_few_words(&grant.rights),
        grant.guest.vmid,
        grant.guest_name
    );
    let left = u64::try_from(grant.ends - now).unwrap_or(0);
    let ends = format!(", ends in {}", duration(Duration::from_secs(left)));
    let room = 100 - ends.chars().count().min(100);
    text.chars().take(room).chain(ends.chars()).collect()
}

/// Something was granted; public, as everything that is done.
#[must_use]
pub fn granted(grant: &Grant) -> Reply {
    Reply::card(Card {
        colour: Colour::Green,
        title: format!("🔑 {} · granted", plain(&grant.guest_name)),
        body: format!(
            "{} lets {} {}\nuntil {}, {}.",
            person(grant.giver.user),
            person(grant.to),
            words(&grant.rights),
            moment(grant.ends),
            ago(grant.ends)
        ),
        footer: Some(format!(
            "{} · {} · grant {}",
            grant.guest.vmid, grant.guest.cluster, grant.id.0
        )),
    })
}

#[must_use]
pub fn revoked(grant: &Grant, by: UserId) -> Reply {
    Reply::card(Card {
        colour: Colour::Grey,
        title: format!("🔑 {} · taken back", plain(&grant.guest_name)),
        body: format!(
            "{} took back from {}:\n{}.",
            person(by),
            person(grant.to),
            words(&grant.rights)
        ),
        footer: Some(format!(
            "{} · {} · grant {}",
            grant.guest.vmid, grant.guest.cluster, grant.id.0
        )),
    })
}

/// No such grant, or none of this person's business: the same words.
#[must_use]
pub fn no_such_grant(id: GrantId) -> Reply {
    refusal(
        &format!("No grant {} that you may take back", id.0),
        "It may be over already. See\n`/access list`.".to_owned(),
    )
}

/// Only people with `access` there may grant.
#[must_use]
pub fn no_access(guest: &GuestFacts, ask: &[UserId]) -> Reply {
    super::problem::not_allowed(Right::Access, guest, ask)
}

/// A whole list, or the lockdown, is for people with `access` to the bot.
#[must_use]
pub fn only_for_access() -> Reply {
    refusal(
        "This is for people with access",
        "You can look up your own rights with\n`/access whoami` and `/access why`.".to_owned(),
    )
}

/// Nobody gives what they may not do.
#[must_use]
pub fn more_than_yours(lacking: &[Right], guest: &GuestFacts) -> Reply {
    refusal(
        "You cannot give what you have not",
        format!(
            "On {} no rule gives you\n{} here and now. Rights that were\nlent to you cannot be lent on.",
            guest_name(guest),
            words(lacking)
        ),
    )
}

/// A deny takes it from the person for whom it was meant.
#[must_use]
pub fn forbidden_to(to: UserId, rights: &[Right], guest: &GuestFacts) -> Reply {
    refusal(
        "A rule forbids just that",
        format!(
            "{} may not {} {}, and a\n`[[deny]]` beats every grant. Nothing\nwas granted.",
            person(to),
            words(rights),
            guest_name(guest)
        ),
    )
}

#[must_use]
pub fn not_to_yourself() -> Reply {
    refusal(
        "You cannot grant to yourself",
        "Ask somebody else with access, or\nwrite a rule.".to_owned(),
    )
}

/// Whoever was named is not in this server.
#[must_use]
pub fn not_a_member(name: &str) -> Reply {
    refusal(
        &format!("{} is not in this server", plain(name)),
        "Rights are for members only.".to_owned(),
    )
}

/// Longer than the configuration lets anybody grant, or over before it begins.
#[must_use]
pub fn bad_end(most: std::time::Duration) -> Reply {
    refusal(
        "That is too long",
        format!(
            "A grant lasts {} at most.\nTry a shorter time.",
            duration(most)
        ),
    )
}

/// The guest has no name now, so the grant could mean another guest later.
#[must_use]
pub fn nameless(guest: &GuestFacts) -> Reply {
    refusal(
        &format!("{} has no name now", guest_name(guest)),
        "Its node may be offline. Grant it when\nits name can be read.".to_owned(),
    )
}

/// One line and the reason, for lists and `/status`.
#[must_use]
pub fn locked_line(lockdown: &Lockdown) -> String {
    format!(
        "🔒 Locked down by {} {}.{}",
        person(lockdown.by),
        ago(lockdown.since),
        reason(lockdown.reason.as_deref())
    )
}

#[must_use]
pub fn locked(lockdown: &Lockdown, cancelled: usize) -> Reply {
    let mut body = format!(
        "By {} {}.{}",
        person(lockdown.by),
        ago(lockdown.since),
        reason(lockdown.reason.as_deref())
    );
    body.push_str("\nNobody acts but people with access.\nLooking goes on.");
    if cancelled > 0 {
        let _ = write!(body, "\nOpen requests cancelled: {cancelled}.");
    }
    Reply::card(Card {
        colour: Colour::Red,
        title: "🔒 Locked down".to_owned(),
        body,
        footer: None,
    })
}

#[must_use]
pub fn unlocked(by: UserId) -> Reply {
    Reply::card(Card {
        colour: Colour::Green,
        title: "🔓 Unlocked".to_owned(),
        body: format!("By {}. The rules hold again.", person(by)),
        footer: None,
    })
}

/// It is as asked already.
#[must_use]
pub fn lock_unchanged(on: bool) -> Reply {
    let (title, body) = if on {
        ("🔒 Locked down already", "Nothing was changed.")
    } else {
        ("🔓 Not locked", "Nothing was changed.")
    };
    Reply::card(Card {
        colour: Colour::Grey,
        title: title.to_owned(),
        body: body.to_owned(),
        footer: None,
    })
}
