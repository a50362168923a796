//! The question before something that can lose data, and what becomes of it.

use crate::action::{Action, GuestFacts, Power, QuestionId};
use crate::ids::UserId;

use super::problem::refusal;
use super::reply::{Button, Card, Colour, Reply, Style};
use super::words::{guest_footer, guest_name, person, verb};

/// The question itself. Private: only the person who asked sees the buttons.
#[must_use]
pub fn question(id: QuestionId, power: Power, guest: &GuestFacts) -> Reply {
    let lost = match power {
        Power::Stop => "This pulls the plug: what is not saved\nin the guest is lost.",
        Power::Shutdown => "The guest is asked to shut down.",
        Power::Reboot => "The guest is shut down and started again.",
        Power::Start => "The guest is started.",
    };
    let name = guest_name(guest);
    Reply::card(Card {
        colour: Colour::Amber,
        title: format!("⚠️ Really {} {name}?", verb(power)),
        body: format!("{lost}\nThe question holds for one minute."),
        footer: Some(guest_footer(guest)),
    })
    .with_buttons(vec![
        Button {
            label: yes(power).into(),
            style: Style::Danger,
            action: Action::Confirm(id),
        },
        Button {
            label: "Cancel".into(),
            style: Style::Secondary,
            action: Action::Cancel(id),
        },
    ])
}

fn yes(power: Power) -> &'static str {
    match power {
        Power::Start => "Start",
        Power::Shutdown => "Shut down",
        Power::Reboot => "Reboot",
        Power::Stop => "Stop now",
    }
}

/// What the question turns into when it was answered with yes.
#[must_use]
pub fn confirmed(power: Power, guest: &GuestFacts) -> Reply {
    // What comes of it is told elsewhere: here nothing is known but the yes.
    let title = format!("☑️ {} · {}", guest_name(guest), verb(power));
    closed(
        Colour::Grey,
        title,
        "Confirmed. See the answer below.",
        guest,
    )
}

#[must_use]
pub fn cancelled(power: Power, guest: &GuestFacts) -> Reply {
    let title = format!("⚪ Did not {} {}", verb(power), guest_name(guest));
    closed(Colour::Grey, title, "Cancelled. Nothing was done.", guest)
}

#[must_use]
pub fn expired(power: Power, guest: &GuestFacts) -> Reply {
    let title = format!("⚪ Did not {} {}", verb(power), guest_name(guest));
    closed(
        Colour::Grey,
        title,
        "Nobody answered for a minute.\nNothing was done. Ask again.",
        guest,
    )
}

#[must_use]
pub fn locked_down(power: Power, guest: &GuestFacts) -> Reply {
    let title = format!("⚪ Did not {} {}", verb(power), guest_name(guest));
    closed(
        Colour::Grey,
        title,
        "The bot was locked down. Nothing was\ndone.",
        guest,
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

fn closed(colour: Colour, title: String, body: &str, guest: &GuestFacts) -> Reply {
    Reply::card(Card {
        colour,
        title,
        body: body.to_owned(),
        footer: Some(guest_footer(guest)),
    })
}
