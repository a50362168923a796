//! Refusals and failures: what happened, and the next step. Always private, except on the card of
//! an act (see `act`). No raw error ever stands here; the log has the chain, under the id shown.

use std::collections::{BTreeMap, BTreeSet};

use crate::action::{Action, Deed, GuestFacts, Right};
use crate::ids::{
    ClusterName, GuestQuery, GuestRef, InteractionId, Kind, NodeQuery, StorageName, UserId,
};
use crate::permission::Denied;
use crate::privileges::Privileges;

use super::deed::{going_on, noun};
use super::guest::number;
use super::pveum;
use super::reply::{Button, Card, Colour, Reply, Style};
use super::words::{acts, ago, clock, duration, guest_footer, guest_name, kind, person, plain};

/// The same words for a guest that is not there and one that the person may not see.
#[must_use]
pub fn no_such_guest(guest: &GuestQuery) -> Reply {
    refusal(
        &format!("No guest {} for you here", plain(&guest.to_string())),
        "Pick one from the list that appears\nwhile you type, or see `/access whoami`.".to_owned(),
    )
}

/// The same words for a node that is not there and one that the person may not see.
#[must_use]
pub fn no_such_node(node: &NodeQuery) -> Reply {
    refusal(
        &format!("No node {} for you here", plain(&node.to_string())),
        "Pick one from the list that appears\nwhile you type, or see `/access whoami`.".to_owned(),
    )
}

/// The same words for a cluster that is not there and one that the person may not see.
#[must_use]
pub fn no_such_cluster(cluster: &ClusterName, there_is: &[&ClusterName]) -> Reply {
    let names: Vec<String> = there_is.iter().map(|name| format!("`{name}`")).collect();
    refusal(
        &format!("No cluster {} for you here", plain(cluster.as_str())),
        format!("There is: {}.", names.join(", ")),
    )
}

/// There is no such storage, or the person may not know that there is.
#[must_use]
pub fn no_such_storage(storage: &StorageName) -> Reply {
    refusal(
        &format!("No storage {} for you here", plain(storage.as_str())),
        "Pick one from the list that appears\nwhile you type, or see `/storage list`.".to_owned(),
    )
}

/// Nothing in the whole answer would be visible to this person.
#[must_use]
pub fn nothing_to_see(ask: &[UserId], by: UserId) -> Reply {
    let next = if ask.contains(&by) {
        // Nobody is sent to themselves.
        "No rule shows you any of it: see\n`/access whoami`.".to_owned()
    } else {
        whom_to_ask(ask)
    };
    refusal("Nothing here for you", next)
}

/// They may see the guest, but not do this.
#[must_use]
pub fn not_allowed(right: Right, guest: &GuestFacts, ask: &[UserId]) -> Reply {
    let mut reply = refusal(
        &format!("You may not {} {}", infinitive(right), guest_name(guest)),
        whom_to_ask(ask),
    );
    footer(&mut reply, guest_footer(guest));
    reply
}

/// It is held in memory, and they may not let it go on.
#[must_use]
pub fn has_to_be_resumed(guest: &GuestFacts, ask: &[UserId]) -> Reply {
    let mut reply = refusal(
        &format!("{} has to be resumed", guest_name(guest)),
        format!(
            "It is held where it was, and you may\nnot resume it. {}",
            whom_to_ask(ask)
        ),
    );
    footer(&mut reply, guest_footer(guest));
    reply
}

/// They may let it go on, but not now or not here: the words for that no.
#[must_use]
pub fn has_to_be_resumed_later(mut no: Reply) -> Reply {
    if let Some(card) = no.cards.first_mut() {
        let held = "It is held where it was, and has to be\nresumed.";
        card.body = format!("{held}\n{}", card.body);
    }
    no
}

/// A rule allows it in another channel.
#[must_use]
pub fn not_in_this_channel(right: Right, guest: &GuestFacts) -> Reply {
    let mut reply = refusal(
        &format!("Not here: {} {}", infinitive(right), guest_name(guest)),
        "You may do this in another channel.".to_owned(),
    );
    footer(&mut reply, guest_footer(guest));
    reply
}

/// A refusal that may be turned into a request.
#[must_use]
pub fn with_ask(reply: Reply, deed: &Deed, guest: &GuestFacts) -> Reply {
    let ask = Button {
        label: "Ask for it".into(),
        style: Style::Primary,
        action: Action::Ask {
            deed: deed.clone(),
            guest: GuestQuery::from(&guest.guest),
        },
    };
    reply.with_buttons(vec![ask])
}

/// It would be allowed at another time; then it works again by itself.
#[must_use]
pub fn not_now(right: Right, guest: &GuestFacts, denied: &Denied) -> Option<Reply> {
    let until = denied.until()?;
    let why = match denied {
        Denied::UsedUp { limit, .. } => format!(
            "You have used up your {} in {}.\nThe limit counts all that the rule\nallows you.",
            acts(limit.most),
            duration(limit.per)
        ),
        Denied::Resting { .. } => {
            "That was done a moment ago. The\nguest has to rest now.".to_owned()
        }
        _ => "You may do this at other hours.".to_owned(),
    };
    let again = if until == i64::MAX {
        String::new()
    } else {
        format!("\nAgain from {}, {}.", clock(until), ago(until))
    };
    let mut reply = refusal(
        &format!("Not now: {} {}", infinitive(right), guest_name(guest)),
        format!("{why}{again}"),
    );
    footer(&mut reply, guest_footer(guest));
    Some(reply)
}

/// Everything that changes something is shut off.
#[must_use]
pub fn locked_down(right: Right, guest: &GuestFacts) -> Reply {
    let mut reply = refusal(
        &format!(
            "You may not {} {} now",
            infinitive(right),
            guest_name(guest)
        ),
        "The bot is locked down: only people\nwith access act. You can still look.".to_owned(),
    );
    footer(&mut reply, guest_footer(guest));
    reply
}

/// `/vm` on a container, or the reverse. Of `several` clusters the right one stands in the command.
#[must_use]
pub fn wrong_kind(guest: &GuestFacts, subcommand: &str, several: bool) -> Reply {
    let (is, command) = match guest.kind {
        Kind::Vm => ("a VM", "vm"),
        Kind::Ct => ("a container", "ct"),
    };
    let mut reply = refusal(
        &format!("{} is {is}", guest_name(guest)),
        format!("Use `/{command} {subcommand} {}`.", number(guest, several)),
    );
    footer(&mut reply, guest_footer(guest));
    reply
}

/// One name, several guests.
#[must_use]
pub fn ambiguous(query: &GuestQuery, guests: &[GuestFacts]) -> Reply {
    let line = |g: &GuestFacts| format!("• `{}` {} {}", g.guest, kind(g.kind), guest_name(g));
    let list: Vec<String> = guests.iter().take(10).map(line).collect();
    refusal(
        &format!("Which {}?", plain(&query.to_string())),
        format!("There are several. Write one of:\n{}", list.join("\n")),
    )
}

/// What allowed it a moment ago is not what allows it now.
#[must_use]
pub fn rules_changed(guest: &GuestFacts) -> Reply {
    let mut reply = refusal(
        &format!("Nothing was done to {}", guest_name(guest)),
        "The rules for it changed just now.\nTry again.".to_owned(),
    );
    footer(&mut reply, guest_footer(guest));
    reply
}

/// What was lent cannot be relied on while nobody knows what its giver may still do.
#[must_use]
pub fn giver_unknown(right: Right, guest: &GuestFacts) -> Reply {
    let mut reply = refusal(
        &format!(
            "You may not {} {} now",
            infinitive(right),
            guest_name(guest)
        ),
        "It was lent to you, and Discord did not\ntell me the roles of who lent it, so\nnothing was done. Try again in a minute.\nIf they left the server, ask for it anew."
            .to_owned(),
    );
    footer(&mut reply, guest_footer(guest));
    reply
}

/// Commands work in servers only.
#[must_use]
pub fn not_in_direct() -> Reply {
    refusal(
        "Not in direct messages",
        "Use me in the server, where I can see\nyour roles.".to_owned(),
    )
}

/// The guest's node has less free memory than it wants. How much is for those who see the node.
#[must_use]
pub fn too_little_memory(guest: &GuestFacts) -> Reply {
    let mut reply = refusal(
        &format!("No room for {} just now", guest_name(guest)),
        "Its node has too little free memory.\nStop something there, or ask whoever\nruns it."
            .to_owned(),
    );
    footer(&mut reply, guest_footer(guest));
    reply
}

/// Proxmox has no such thing for guests of that kind.
#[must_use]
pub fn not_for_kind(deed: &Deed, guest: &GuestFacts) -> Reply {
    let (kind, name) = (kind(guest.kind), guest_name(guest));
    let body = match deed {
        Deed::SnapshotCreate { .. } => {
            "Only VMs have snapshots with memory.\nTake one without.".to_owned()
        }
        _ => format!("It is a {kind}, which has no {}.", noun(deed)),
    };
    let mut reply = refusal(&format!("{name} cannot do that"), body);
    footer(&mut reply, guest_footer(guest));
    reply
}

/// Somebody acts on the guest at this moment; `by` where who acts is for all to see.
#[must_use]
pub fn busy(guest: &GuestFacts, deed: &Deed, by: Option<UserId>) -> Reply {
    let who = by
        .map(|by| format!("Asked by {}. ", person(by)))
        .unwrap_or_default();
    let (name, going_on) = (guest_name(guest), going_on(deed));
    let title = match deed {
        Deed::Power(_) => format!("🟡 {name} is {going_on} already"),
        _ => format!("🟡 {name} is busy: {going_on}"),
    };
    let mut reply = Reply::card(Card {
        colour: Colour::Amber,
        title,
        body: format!("{who}Nothing was done.\nWait for that to end."),
        footer: None,
    });
    footer(&mut reply, guest_footer(guest));
    reply.with_buttons(vec![look(&guest.guest)])
}

/// Proxmox did not answer, or not with what was asked, so nothing could be checked and nothing was
/// done.
#[must_use]
pub fn out_of_reach(cluster: &str, id: InteractionId) -> Reply {
    failure(
        "Proxmox cannot be read now",
        format!(
            "Nothing was done, because nobody knows\nthe state of `{cluster}` just now.\n\
             Try again in a minute."
        ),
        id,
    )
}

/// The guest's node does not say how the guest is, so nothing was done.
#[must_use]
pub fn node_silent(guest: &GuestFacts, id: InteractionId) -> Reply {
    failure(
        &format!("{} cannot be read now", guest_name(guest)),
        "Nothing was done: its node did not tell\nin time how it is. Try again in a minute."
            .to_owned(),
        id,
    )
}

/// Another cluster may have a guest of that name, and cannot be read now.
#[must_use]
pub fn only_seen(query: &GuestQuery, guest: &GuestFacts) -> Reply {
    refusal(
        &format!("Which {}?", plain(&query.to_string())),
        format!(
            "Another cluster may have one too and\ncannot be read now. If you mean this\none, write `{}`.",
            guest.guest
        ),
    )
}

/// The audit could not be opened, so nothing was done. `owner`: who mends that reads it.
#[must_use]
pub fn not_noted(id: InteractionId, owner: bool) -> Reply {
    let next = if owner {
        "Is the\ndisk with its state full? See the log."
    } else {
        "Tell the owner."
    };
    failure(
        "Nothing was done",
        format!("I could not note it in the audit, and\nI do nothing unnoted. {next}"),
        id,
    )
}

/// Something of ours broke.
#[must_use]
pub fn internal(id: InteractionId) -> Reply {
    failure(
        "That went wrong on my side",
        "Look at the state before you repeat it.\nThe log has the details.".to_owned(),
        id,
    )
}

/// Proxmox refused the bot's token. Shapes: `/vms/101`, privileges of which all are needed (or
/// `any`). With the token's id comes the cure, for those with `access`: a role on a path hides what
/// comes from above, so what else is needed there is given with it.
#[must_use]
pub fn missing_privilege(
    path: &str,
    privileges: &[String],
    any: bool,
    cure: Option<(&str, &Privileges)>,
) -> Reply {
    let lacking = privileges.join(if any { " or " } else { " and " });
    let cure = match cure {
        Some((token, beside)) => {
            let wanted = privileges
                .iter()
                .take(if any { 1 } else { privileges.len() });
            let mut given: BTreeSet<&str> = beside.clone();
            given.extend(wanted.map(String::as_str));
            let lines = pveum::lines(&BTreeMap::from([(path.to_owned(), given)]), token, None);
            format!(
                " On a Proxmox node, as root:\n```\n{}\n```\nIt is no matter if a role exists already.\nThen see `pve-steward check`.",
                lines.join("\n")
            )
        }
        None => "\nTell the owner.".to_owned(),
    };
    let body = format!("The bot's token lacks {lacking}\non `{path}`.{cure}");
    Reply::card(Card {
        colour: Colour::Amber,
        title: "🔑 What the bot lacks".to_owned(),
        body,
        footer: None,
    })
}

/// Whom to ask, by name; nobody is rung.
pub(super) fn whom_to_ask(people: &[UserId]) -> String {
    let names: Vec<String> = people.iter().take(3).map(|user| person(*user)).collect();
    match names.split_last() {
        None => "Ask whoever runs this bot.".to_owned(),
        Some((only, [])) => format!("Ask {only}."),
        Some((last, rest)) => format!("Ask {} or {last}.", rest.join(", ")),
    }
}

pub(super) fn infinitive(right: Right) -> &'static str {
    match right {
        Right::View => "see",
        Right::Start => "start",
        Right::Shutdown | Right::NodeShutdown => "shut down",
        Right::Reboot | Right::NodeReboot => "reboot",
        Right::Suspend => "suspend",
        Right::Resume => "resume",
        Right::Stop => "stop",
        Right::Reset => "reset",
        Right::SnapshotCreate => "take a snapshot of",
        Right::SnapshotRollback => "roll back",
        Right::SnapshotDelete => "delete a snapshot of",
        Right::BackupView => "see the backups of",
        Right::BackupRun => "back up",
        Right::TaskView => "see the tasks of",
        Right::TaskStop => "stop a task of",
        Right::NodeWake => "wake",
        Right::Token => "manage tokens of",
        Right::Access => "manage access to",
        Right::Audit => "read the audit of",
    }
}

fn look(guest: &GuestRef) -> Button {
    Button {
        label: "Refresh".into(),
        style: Style::Secondary,
        action: Action::GuestStatus {
            kind: None,
            guest: GuestQuery::from(guest),
        },
    }
}

pub(super) fn refusal(title: &str, body: String) -> Reply {
    Reply::card(Card {
        colour: Colour::Red,
        title: format!("⛔ {title}"),
        body,
        footer: None,
    })
}

/// The id is that of the interaction, which every log line about it carries.
pub(super) fn failure(title: &str, body: String, id: InteractionId) -> Reply {
    Reply::card(Card {
        colour: Colour::Red,
        title: format!("🔴 {title}"),
        body,
        footer: Some(format!("Log id {id}")),
    })
}

fn footer(reply: &mut Reply, text: String) {
    if let Some(card) = reply.cards.first_mut() {
        card.footer = Some(text);
    }
}
