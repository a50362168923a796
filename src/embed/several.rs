//! The same done to several guests: one card that shows each.

use crate::action::{Deed, GuestFacts, Power, Several};
use crate::ids::{Kind, UserId};

use super::confirm::Subject;
use super::deed::{going_on, label, yes};
use super::guest::number;
use super::problem::refusal;
use super::reply::{Card, Colour, Reply};
use super::words::{guest_name, person, plain};

/// One guest's line, and how it stands with it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Line {
    /// Its own card's title.
    pub text: String,
    pub state: State,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    Waiting,
    AtWork,
    /// It is as asked.
    Done,
    NotDone,
    /// It is left out of the card.
    Withdrawn,
}

impl State {
    /// There is something about it that the card can say.
    #[must_use]
    pub fn is_told(self) -> bool {
        !matches!(self, Self::Waiting | Self::Withdrawn)
    }
}

/// Before its turn.
#[must_use]
pub fn waiting(guest: &GuestFacts) -> Line {
    Line {
        text: format!("⏳ {}", guest_name(guest)),
        state: State::Waiting,
    }
}

/// As the guest's own card has it.
#[must_use]
pub fn at_work(reply: &Reply) -> Line {
    line(reply, State::AtWork)
}

/// At its end. Where it is not as asked, with the reason.
#[must_use]
pub fn ended(reply: &Reply, as_asked: bool) -> Line {
    if as_asked {
        return line(reply, State::Done);
    }
    let mut told = line(reply, State::NotDone);
    let body = reply.cards.first().map_or("", |card| card.body.as_str());
    // Who asked stands on top of the common card.
    let why = body.lines().filter(|line| !line.starts_with("Asked by"));
    for reason in why {
        told.text.push_str("\n> ");
        told.text.push_str(reason);
    }
    told
}

fn line(reply: &Reply, state: State) -> Line {
    let card = reply.cards.first();
    Line {
        text: card.map(|card| card.title.clone()).unwrap_or_default(),
        state,
    }
}

/// Refused after all: that, and why, is nobody else's business.
#[must_use]
pub fn withdrawn() -> Line {
    Line {
        text: String::new(),
        state: State::Withdrawn,
    }
}

/// For the person alone: what was typed and came to nothing.
#[must_use]
pub fn left_out(typed: &[String]) -> Option<Reply> {
    let names: Vec<String> = typed.iter().map(|one| plain(one)).collect();
    (!names.is_empty()).then(|| {
        refusal(
            "Left out",
            format!("Nothing for you to do here:\n{}.", names.join(", ")),
        )
    })
}

/// Guests of the kind that the command is not for, on which the person could do the same.
#[derive(Debug, Clone)]
pub struct Others {
    /// "Containers".
    kind: &'static str,
    names: String,
    /// What to type for them.
    next: String,
}

impl Others {
    /// `several` clusters put the cluster in front of a number.
    #[must_use]
    pub fn of(power: Power, which: &Several, guests: &[GuestFacts], several: bool) -> Option<Self> {
        let kind = guests.first()?.kind;
        let shown = guests.iter().take(Several::MOST).map(guest_name);
        let mut names: Vec<String> = shown.collect();
        let more = guests.len() - names.len();
        if more > 0 {
            names.push(format!("{more} more"));
        }
        let numbers = || {
            let numbers = guests.iter().map(|facts| number(facts, several));
            numbers.collect::<Vec<_>>().join(",")
        };
        let typed = match which {
            Several::These(_) => numbers(),
            which => which.to_string(),
        };
        let command = format!("/{} {}", kind.key(), power.key());
        Some(Self {
            kind: match kind {
                Kind::Vm => "VMs",
                Kind::Ct => "Containers",
            },
            names: names.join(", "),
            next: if more > 0 {
                format!("For some of them, with commas:\n`{command}`")
            } else {
                format!("For them: `{command} {typed}`")
            },
        })
    }

    /// For the person alone, beside a card that others see.
    #[must_use]
    pub fn aside(&self) -> Reply {
        Reply::card(Card {
            colour: Colour::Grey,
            title: format!("{} left out", self.kind),
            body: format!("{}\n{}", self.names, self.next),
            footer: None,
        })
    }
}

/// The same in the question.
#[must_use]
pub fn without_others(subject: Subject, others: Option<&Others>) -> Subject {
    let Some(Others { kind, names, next }) = others else {
        return subject;
    };
    let consequence = format!(
        "{}\n{kind} are left out: {names}.\n{next}",
        subject.consequence
    );
    Subject {
        consequence,
        ..subject
    }
}

/// Nothing of the kind that the command is for, and something of the other.
#[must_use]
pub fn only_others(kind: Kind, which: &Several, others: &Others) -> Reply {
    let kinds = match kind {
        Kind::Vm => "VMs",
        Kind::Ct => "containers",
    };
    refusal(
        &format!("No {kinds} of {} for you here", plain(&which.to_string())),
        format!("{}: {}\n{}", others.kind, others.names, others.next),
    )
}

/// A tag or pool that was taken away in between.
#[must_use]
pub fn meant_no_more(guest: &GuestFacts, which: &Several) -> Reply {
    refusal(
        &format!("Nothing was done to {}", guest_name(guest)),
        format!("It is not in {} any more.", plain(&which.to_string())),
    )
}

/// The public card.
#[must_use]
pub fn card(power: Power, by: UserId, lines: &[Line]) -> Reply {
    let shown = lines.iter().filter(|line| line.state != State::Withdrawn);
    let lines: Vec<&Line> = shown.collect();
    let count = |state| lines.iter().filter(|line| line.state == state).count();
    let (done, not_done) = (count(State::Done), count(State::NotDone));
    let deed = Deed::Power(power);
    let all = lines.len();
    let (colour, title) = if done + not_done < all {
        let title = format!("🟡 {}: {}", going_on(&deed), guests_in_words(all));
        (Colour::Amber, title)
    } else {
        let (colour, mark) = match not_done {
            0 => (Colour::Green, "✅"),
            n if n == all => (Colour::Red, "🔴"),
            _ => (Colour::Amber, "🟠"),
        };
        (colour, format!("{mark} {}: {done} of {all}", label(&deed)))
    };
    let list: Vec<&str> = lines.iter().map(|line| line.text.as_str()).collect();
    Reply::card(Card {
        colour,
        title,
        body: format!("Asked by {}.\n{}", person(by), list.join("\n")),
        footer: None,
    })
}

/// It would have to be asked about, and was not: it runs since, or a rule asks since.
#[must_use]
pub fn asks_by_now(guest: &GuestFacts) -> Reply {
    refusal(
        &format!("Nothing was done to {}", guest_name(guest)),
        "By now I have to ask you first.\nPlease say it once more.".to_owned(),
    )
}

/// The question before something that can lose data, for all of them. `off`: whether one does not run,
/// as far as is known.
#[must_use]
pub fn subject(
    power: Power,
    which: &Several,
    guests: &[GuestFacts],
    off: impl Fn(&GuestFacts) -> bool,
) -> Subject {
    let deed = Deed::Power(power);
    let called = |guest: &GuestFacts| {
        let off = if off(guest) { " (does not run)" } else { "" };
        format!("{} {}{off}", guest.guest.vmid, guest_name(guest))
    };
    let names: Vec<String> = guests.iter().map(called).collect();
    let count = guests_in_words(guests.len());
    Subject {
        to_do: format!("{} {count}", label(&deed).to_lowercase()),
        consequence: format!(
            "{}\n{}",
            names.join(", "),
            super::deed::consequence(&deed).replace("the guest", "each guest")
        ),
        yes: yes(&deed),
        snapshot_first: false,
        footer: which.to_string(),
    }
}

/// No guest that the person may know of, or none on which it may be done: the same answer. `single`: there
/// are guests, of the group or not, for which they may ask.
#[must_use]
pub fn none(power: Power, kind: Kind, which: &Several, single: bool) -> Reply {
    let to_do = label(&Deed::Power(power)).to_lowercase();
    let next = if single {
        let (kind, power) = (kind.key(), power.key());
        format!("There are guests for which you may ask,\none at a time: use `/{kind} {power}`.")
    } else {
        "`/access why` tells more about a single\none.".to_owned()
    };
    refusal(
        &format!("No guests of {} for you here", plain(&which.to_string())),
        format!("None that you may {to_do} now.\n{next}"),
    )
}

#[must_use]
pub fn too_many(which: &Several, count: usize) -> Reply {
    refusal(
        &format!("{} are {count} guests", plain(&which.to_string())),
        format!(
            "At most {} at a time. Name a smaller\ngroup, or the guests with commas.",
            Several::MOST
        ),
    )
}

/// One line of autocomplete, plain text.
#[must_use]
pub fn choice(word: &str, count: usize) -> String {
    format!("{word} · {}", guests_in_words(count))
        .chars()
        .take(100)
        .collect()
}

fn guests_in_words(count: usize) -> String {
    match count {
        1 => "1 guest".to_owned(),
        count => format!("{count} guests"),
    }
}
