//! The question before something that can lose data, and what becomes of it.

use crate::action::{Action, Deed, GuestFacts, QuestionId};
use crate::ids::UserId;

use super::deed;
use super::problem::refusal;
use super::reply::{Button, Card, Colour, Reply, Style};
use super::snapshot::{Back, what_a_deletion_does, what_a_rollback_does};
use super::words::{guest_footer, guest_name, person, size};

const HOLDS: &str = "The question holds for one minute.";

/// What somebody is asked about, in words.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Subject {
    /// "stop valheim": after "Really" and "Did not".
    pub to_do: String,
    /// What it does, in whole sentences.
    pub consequence: String,
    /// The button for yes.
    pub yes: &'static str,
    /// Whether a snapshot is offered first.
    pub snapshot_first: bool,
    pub footer: String,
}

/// Something to be done to a guest.
#[must_use]
pub fn of_deed(deed: &Deed, guest: &GuestFacts) -> Subject {
    Subject {
        to_do: deed::to_do(deed, &guest_name(guest)),
        consequence: deed::consequence(deed),
        yes: deed::yes(deed),
        snapshot_first: false,
        footer: guest_footer(guest),
    }
}

/// The same about a snapshot that was just looked at.
#[must_use]
pub fn of_snapshot(deed: &Deed, guest: &GuestFacts, back: &Back, snapshot_first: bool) -> Subject {
    let rollback = matches!(deed, Deed::SnapshotRollback(_));
    Subject {
        consequence: if rollback {
            what_a_rollback_does(back)
        } else {
            what_a_deletion_does(&back.snapshot)
        },
        snapshot_first: rollback && snapshot_first,
        ..of_deed(deed, guest)
    }
}

/// A start for which its node has too little memory. `figures`: what it needs and what is free there,
/// in bytes, for those who may look at the node.
#[must_use]
pub fn anyway(deed: &Deed, guest: &GuestFacts, figures: Option<(u64, u64)>) -> Subject {
    let consequence = match figures {
        Some((needs, free)) => format!(
            "It needs {}, and {} are free on\nits node. Without enough memory the\nnode may kill other guests.",
            size(needs),
            size(free)
        ),
        None => "Its node has too little free memory,\nand may then kill other guests.".to_owned(),
    };
    Subject {
        to_do: deed::to_do(deed, &guest_name(guest)),
        consequence,
        yes: "Start anyway",
        snapshot_first: false,
        footer: guest_footer(guest),
    }
}

/// The question itself. Private: only the person who asked sees the buttons.
#[must_use]
pub fn question(id: QuestionId, about: &Subject) -> Reply {
    let title = format!("⚠️ Really {}?", about.to_do);
    let body = format!("{}\n{HOLDS}", about.consequence);
    let mut buttons = vec![Button {
        label: about.yes.into(),
        style: Style::Danger,
        action: Action::Confirm(id),
    }];
    if about.snapshot_first {
        buttons.push(Button {
            label: "Snapshot first".into(),
            style: Style::Primary,
            action: Action::SnapshotFirst(id),
        });
    }
    buttons.push(Button {
        label: "Cancel".into(),
        style: Style::Secondary,
        action: Action::Cancel(id),
    });
    closed(Colour::Amber, title, &body, about).with_buttons(buttons)
}

/// What the question turns into when a snapshot is wanted before.
#[must_use]
pub fn snapshot_first(about: &Subject) -> Reply {
    let title = format!("⚪ Not yet: {}", about.to_do);
    let body = "A snapshot comes first. Then I ask\nagain.";
    closed(Colour::Grey, title, body, about)
}

/// How a reply reads in a direct message, whether or not it was meant to be one: what does not work
/// there has no button.
#[must_use]
pub fn in_person(reply: &Reply) -> Reply {
    let mut bare = reply.clone();
    let asks = |button: &Button| matches!(button.action, Action::Confirm(_));
    let question = bare.buttons.iter().any(asks);
    bare.buttons.retain(|button| button.action.works_directly());
    if let (true, Some(card)) = (question, bare.cards.first_mut()) {
        let here = "It cannot be answered here: type the\ncommand again in the server.";
        card.body = card.body.replace(HOLDS, here);
    }
    bare
}

/// The snapshot is there, and took so long that the question cannot be put any more where it could be
/// answered.
#[must_use]
pub fn too_late_to_ask(deed: &Deed, guest: &GuestFacts) -> Option<Reply> {
    let name = deed.needs_snapshot()?;
    Some(Reply::card(Card {
        colour: Colour::Grey,
        title: format!("⚪ Not yet: {}", deed::to_do(deed, &guest_name(guest))),
        body: format!(
            "The snapshot was taken, but it took too\nlong for me to ask again. To roll back\nnow, type in the server:\n`/snapshot rollback {} {name}`",
            guest.guest
        ),
        footer: Some(guest_footer(guest)),
    }))
}

/// What the question turns into when it was answered with yes.
#[must_use]
pub fn confirmed(about: &Subject) -> Reply {
    // What comes of it is told elsewhere: here nothing is known but the yes.
    let title = format!("☑️ Yes: {}", about.to_do);
    closed(
        Colour::Grey,
        title,
        "Confirmed. See the answer below.",
        about,
    )
}

#[must_use]
pub fn cancelled(about: &Subject) -> Reply {
    not_done(about, "Cancelled. Nothing was done.")
}

#[must_use]
pub fn expired(about: &Subject) -> Reply {
    not_done(
        about,
        "Nobody answered for a minute.\nNothing was done. Ask again.",
    )
}

#[must_use]
pub fn locked_down(about: &Subject) -> Reply {
    not_done(about, "The bot was locked down. Nothing was\ndone.")
}

fn not_done(about: &Subject, body: &str) -> Reply {
    let title = format!("⚪ Did not {}", about.to_do);
    closed(Colour::Grey, title, body, about)
}

/// Where a rule asks before every snapshot, one cannot be taken on the way to something else.
#[must_use]
pub fn asks_by_itself() -> Reply {
    refusal(
        "A snapshot asks first here",
        "Use `/snapshot create`, and then\n`/snapshot rollback` again.".to_owned(),
    )
}

/// A press on a question that is no longer open, or never was.
#[must_use]
pub fn gone() -> Reply {
    refusal(
        "This question is closed",
        "It was answered, or a minute went by,\nor I was restarted. Nothing was done\nby this press. Ask again.".to_owned(),
    )
}

/// A press by somebody who was not asked.
#[must_use]
pub fn not_yours(asked: UserId) -> Reply {
    refusal(
        "This question is not for you",
        format!(
            "It was put to {}.\nUse the command yourself.",
            person(asked)
        ),
    )
}

/// The VMID is another guest now than the one that was asked about.
#[must_use]
pub fn replaced(then: &GuestFacts, now: &GuestFacts) -> Reply {
    refusal(
        &format!("{} is another guest now", then.guest.vmid),
        format!(
            "You were asked about {}, and it is\n{} now. Nothing was done.\nLook again.",
            guest_name(then),
            guest_name(now)
        ),
    )
}

fn closed(colour: Colour, title: String, body: &str, about: &Subject) -> Reply {
    Reply::card(Card {
        colour,
        title,
        body: body.to_owned(),
        footer: Some(about.footer.clone()),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_question_is_asked_where_no_button_works() {
        let about = Subject {
            to_do: "stop valheim".into(),
            consequence: "It is like pulling the plug.".into(),
            yes: "Stop now",
            snapshot_first: false,
            footer: "VM 101 · home".into(),
        };
        let bare = in_person(&question(QuestionId(1), &about));
        assert!(bare.buttons.is_empty());
        assert_eq!(
            bare.cards[0].body,
            "It is like pulling the plug.\nIt cannot be answered here: type the\ncommand again in the server."
        );
        let mut card = confirmed(&about);
        card.buttons = question(QuestionId(1), &about).buttons.split_off(1);
        let bare = in_person(&card);
        assert!(bare.buttons.is_empty() && bare.cards == card.cards);
    }
}
