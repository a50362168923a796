//! A request for what was refused: what the person who asked sees, what the approvers see, and what
//! becomes of both.

use crate::action::{Action, Deed, GuestFacts, RequestState, Yes};
use crate::ids::{ChannelId, GuestRef, Kind, RequestId, UserId};

use super::deed::{label, noun, to_do};
use super::problem::refusal;
use super::reply::{Button, Card, Colour, Reply, Style};
use super::words::{ago, guest_footer, guest_name, kind, moment, person, plain, reason};

/// What was asked for, as both sides see it.
#[derive(Debug, Clone)]
pub struct Request {
    pub id: RequestId,
    pub by: UserId,
    pub deed: Deed,
    pub guest: GuestRef,
    pub kind: Kind,
    /// The name under which the guest was meant.
    pub name: String,
    /// From where it was asked.
    pub channel: ChannelId,
    /// Unix seconds.
    pub asked: i64,
    /// Unix seconds.
    pub expires: i64,
}

/// How a request ended, without an act of its own.
#[derive(Debug, Clone)]
pub enum End<'a> {
    /// The right was given until then (unix seconds).
    Granted {
        by: UserId,
        until: i64,
    },
    Declined {
        by: UserId,
        why: Option<&'a str>,
    },
    /// Nobody decided in time.
    Lapsed,
    LockedDown {
        by: UserId,
    },
    /// It was approved, and then it could not be done; the card of the act says why.
    NotDone {
        by: UserId,
    },
    /// It was approved once, and the bot was restarted: before the act, or in its middle.
    Restarted {
        by: UserId,
        begun: bool,
    },
}

/// For the person who asked, until somebody has decided.
#[must_use]
pub fn waiting(request: &Request) -> Reply {
    let body = format!(
        "You asked {}. This message changes\nonce somebody has decided.\nIt lapses {}.",
        ago(request.asked),
        ago(request.expires)
    );
    Reply::card(card(request, Colour::Amber, "🟡", "asked", body))
}

/// The same, while the bot stops: the request stays open.
#[must_use]
pub fn waiting_on(request: &Request) -> Reply {
    let body = format!(
        "You asked {}. I am being restarted;\nthe request stays open, and you are\ntold what becomes of it.",
        ago(request.asked)
    );
    Reply::card(card(request, Colour::Amber, "🟡", "asked", body))
}

/// For this, a right for a while would be more than was asked for.
#[must_use]
pub fn only_once() -> Reply {
    refusal(
        "This can only be given once",
        "For a while it would be for any\nsnapshot or storage. Press *Once*, or\nuse `/access grant`.".to_owned(),
    )
}

/// The approvers' message while the one act goes on, and once it has ended: `outcome` is the title
/// of the act's own card.
#[must_use]
pub fn letter_approved(request: &Request, by: UserId, outcome: Option<&str>) -> Reply {
    let body = format!(
        "{} asked, {} approved it once.",
        person(request.by),
        person(by)
    );
    match outcome {
        None => Reply::card(card(request, Colour::Amber, "🟡", "approved", body)),
        // The act's card has its own words, which are true of its end.
        Some(title) => Reply::card(Card {
            colour: Colour::Grey,
            title: title.to_owned(),
            body,
            footer: Some(footer(request)),
        }),
    }
}

/// The approvers' message when it is over.
#[must_use]
pub fn letter_ended(request: &Request, end: &End<'_>) -> Reply {
    let who = person(request.by);
    let (mark, state, body) = match end {
        End::Granted { by, until } => (
            "☑️",
            "granted",
            format!(
                "{who} may do it until {}, {}.\nGiven by {}.",
                moment(*until),
                ago(*until),
                person(*by)
            ),
        ),
        End::Declined { by, why } => (
            "⚪",
            "declined",
            format!("{who} asked, {} said no.{}", person(*by), reason(*why)),
        ),
        End::Lapsed => (
            "⚪",
            "lapsed",
            format!("{who} asked, and nobody decided in time."),
        ),
        End::LockedDown { by } => (
            "🔒",
            "cancelled",
            format!("{who} asked; {} locked the bot down.", person(*by)),
        ),
        End::NotDone { by } => (
            "🟠",
            "not done",
            format!(
                "{who} asked, {} approved it,\nand it was not done. See the audit.",
                person(*by)
            ),
        ),
        End::Restarted { by, begun: false } => (
            "🟠",
            "not done",
            format!(
                "{who} asked, {} approved it once.\nI was restarted before I did it:\nnothing was done.",
                person(*by)
            ),
        ),
        End::Restarted { by, begun: true } => (
            "🟠",
            "approved",
            format!(
                "{who} asked, {} approved it once.\nI was restarted in its middle. What\nbecame of it stands in the audit.",
                person(*by)
            ),
        ),
    };
    Reply::card(card(request, Colour::Grey, mark, state, body))
}

/// For the person who asked, when it is over. With a right comes the button for what was wanted.
#[must_use]
pub fn ended(request: &Request, end: &End<'_>) -> Reply {
    match end {
        End::Granted { by, until } => {
            let body = format!(
                "{} lets you do this until {},\n{}.",
                person(*by),
                moment(*until),
                ago(*until)
            );
            Reply::card(card(request, Colour::Green, "🟢", "you may", body))
                .with_buttons(vec![act(&request.deed, &request.guest)])
        }
        End::Declined { by, why } => {
            let body = format!("{} said no.{}", person(*by), reason(*why));
            Reply::card(card(request, Colour::Grey, "⚪", "declined", body))
        }
        End::Lapsed => {
            let body = "Nobody decided in time. Nothing was\ndone. You may ask again.".to_owned();
            Reply::card(card(request, Colour::Grey, "⚪", "not answered", body))
        }
        End::LockedDown { by } => {
            let body = format!("{} locked the bot down.\nNothing was done.", person(*by));
            Reply::card(card(request, Colour::Grey, "🔒", "cancelled", body))
        }
        End::NotDone { by } => {
            let body = format!(
                "{} approved it, and then it could\nnot be done.",
                person(*by)
            );
            Reply::card(card(request, Colour::Amber, "🟠", "not done", body))
        }
        End::Restarted { by, begun: false } => {
            let body = format!(
                "{} approved it, but I was\nrestarted before I did it. Nothing was\ndone. Ask again.",
                person(*by)
            );
            Reply::card(card(request, Colour::Amber, "🟠", "not done", body))
        }
        End::Restarted { by, begun: true } => {
            let body = format!(
                "{} approved it, and I was restarted\nin its middle. Look at the guest before\nyou ask again.",
                person(*by)
            );
            Reply::card(card(request, Colour::Amber, "🟠", "approved", body))
        }
    }
}

/// To the approver, about what was just decided.
#[must_use]
pub fn noted(request: &Request, end: &End<'_>) -> Reply {
    let title = match end {
        End::Granted { .. } => "☑️ Granted",
        End::NotDone { .. } | End::Restarted { .. } => "🟠 Not done",
        _ => "☑️ Declined",
    };
    Reply::card(Card {
        colour: Colour::Grey,
        title: title.to_owned(),
        body: format!("{} is told.", person(request.by)),
        footer: Some(footer(request)),
    })
}

/// The same is asked for already.
#[must_use]
pub fn already_asked(deed: &Deed, guest: &GuestFacts) -> Reply {
    refusal(
        &format!("You asked to {} already", to_do(deed, &guest_name(guest))),
        "Nobody has decided yet. You are told\nonce somebody has.".to_owned(),
    )
}

/// Whoever decides has enough of this person's on the desk.
#[must_use]
pub fn too_many_open() -> Reply {
    refusal(
        "You have five requests open",
        "Wait until one of them is decided, or\nlapses.".to_owned(),
    )
}

/// It was asked and declined within the last minutes.
#[must_use]
pub fn declined_just_now(deed: &Deed, guest: &GuestFacts) -> Reply {
    refusal(
        &format!(
            "{} of {}: somebody just said no",
            noun(deed),
            guest_name(guest)
        ),
        "You may ask for it again in ten minutes.".to_owned(),
    )
}

/// It has become allowed since the refusal.
#[must_use]
pub fn may_already(deed: &Deed, guest: &GuestFacts) -> Reply {
    Reply::card(Card {
        colour: Colour::Green,
        title: format!("🟢 You may {} by now", to_do(deed, &guest_name(guest))),
        body: "There is no need to ask.".to_owned(),
        footer: Some(guest_footer(guest)),
    })
    .with_buttons(vec![act(deed, &guest.guest)])
}

/// There is nobody whom the bot could ask. `owner`: the person manages access, and may still not do it.
#[must_use]
pub fn nobody_to_ask(deed: &Deed, guest: &GuestFacts, owner: bool) -> Reply {
    let next = if owner {
        "You manage access: a rule can allow it."
    } else {
        "Tell the owner yourself."
    };
    refusal(
        &format!(
            "Nobody could be asked to {}",
            to_do(deed, &guest_name(guest))
        ),
        format!("I reached nobody who may decide it.\n{next}"),
    )
}

/// The approver is the one who asked.
#[must_use]
pub fn your_own() -> Reply {
    refusal(
        "You asked for this yourself",
        "Somebody else with access has to decide.".to_owned(),
    )
}

/// Who presses may not decide it.
#[must_use]
pub fn not_an_approver() -> Reply {
    refusal(
        "You may not decide this",
        "It takes access to the guest, and the\nright itself. Nothing was decided.".to_owned(),
    )
}

/// Somebody was faster, or time was.
#[must_use]
pub fn already_decided(by: Option<UserId>, state: RequestState) -> Reply {
    let how = match state {
        RequestState::Open => "put again a moment ago",
        RequestState::Approved(Yes::Once) => "approved once",
        RequestState::Approved(Yes::Hour) => "granted for an hour",
        RequestState::Approved(Yes::Tomorrow) => "granted until tomorrow",
        RequestState::Declined => "declined",
        RequestState::Lapsed => "not answered in time",
        RequestState::Cancelled => "cancelled",
    };
    let who = by
        .map(|user| format!(" by {}", person(user)))
        .unwrap_or_default();
    refusal(
        "This is decided already",
        format!("It was {how}{who}.\nNothing was done by this press."),
    )
}

/// A press on a message whose request is over, or never was.
#[must_use]
pub fn closed() -> Reply {
    refusal(
        "This request is closed",
        "It was decided, or it lapsed. Nothing\nwas done by this press.".to_owned(),
    )
}

/// The roles of one of the two could not be looked up, so nothing is decided.
#[must_use]
pub fn cannot_check() -> Reply {
    refusal(
        "I could not check it just now",
        "Discord did not tell me the roles of\nthe two of you, so nothing was decided.\nTry again in a minute.".to_owned(),
    )
}

/// The person who asked may not even ask for it any more.
#[must_use]
pub fn no_longer(request: &Request) -> Reply {
    refusal(
        "This can no longer be asked for",
        format!(
            "{} may not ask for it any more.\nNothing was decided.",
            person(request.by)
        ),
    )
}

/// Title, field and limit of the form before a no.
#[must_use]
pub fn form() -> (&'static str, &'static str) {
    ("Say no", "Why? (they read it; may stay empty)")
}

pub(super) fn footer(request: &Request) -> String {
    let kind = kind(request.kind);
    format!("{kind} {} · {}", request.guest.vmid, request.guest.cluster)
}

pub(super) fn card(
    request: &Request,
    colour: Colour,
    mark: &str,
    state: &str,
    body: String,
) -> Card {
    let wanted = noun(&request.deed);
    Card {
        colour,
        title: format!("{mark} {} · {wanted}: {state}", plain(&request.name)),
        body,
        footer: Some(footer(request)),
    }
}

fn act(deed: &Deed, guest: &GuestRef) -> Button {
    Button {
        label: label(deed).into(),
        style: Style::Primary,
        action: Action::Do {
            deed: deed.clone(),
            kind: None,
            guest: guest.into(),
        },
    }
}

/// Under the VMID there is another guest now, or one of another name.
#[must_use]
pub fn another_guest(request: &Request, now: &GuestFacts) -> Reply {
    refusal(
        &format!("{} is another guest now", request.guest.vmid),
        format!(
            "It was asked for {}, and it is\n{} now. Nothing was decided.",
            plain(&request.name),
            guest_name(now)
        ),
    )
}
