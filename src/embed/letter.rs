//! The message that asks those who may decide.

use crate::action::{Action, Deed, Ruling, Yes};

use super::ask::{Request, footer};
use super::deed::{consequence, may_it, particulars};
use super::reply::{Button, Card, Colour, Reply, Style};
use super::words::{ago, person, plain};

/// For the approvers. `state`: what the guest does now, in a word.
#[must_use]
pub fn letter(request: &Request, state: &str) -> Reply {
    let name = plain(&request.name);
    let button = |label: &'static str, style, action| Button {
        label: label.into(),
        style,
        action,
    };
    let rule = |yes| Action::Rule {
        request: request.id,
        ruling: Ruling::Yes(yes),
    };
    Reply::card(Card {
        colour: Colour::Amber,
        title: format!("✋ {}", may_it(&request.deed, &name)),
        body: format!(
            "{}{} asks for it, from <#{}>.\nIt is {} now.\nAsked {}, lapses {}.",
            what_it_does(&request.deed),
            person(request.by),
            request.channel,
            plain(state),
            ago(request.asked),
            ago(request.expires)
        ),
        footer: Some(footer(request)),
    })
    .with_buttons(match request.deed.detail() {
        None => vec![
            button("Once", Style::Primary, rule(Yes::Once)),
            button("1 hour", Style::Secondary, rule(Yes::Hour)),
            button("Until tomorrow", Style::Secondary, rule(Yes::Tomorrow)),
            button("No", Style::Danger, Action::Decline(request.id)),
        ],
        // A right for a while would be for any snapshot and any storage.
        Some(_) => vec![
            button("Once", Style::Primary, rule(Yes::Once)),
            button("No", Style::Danger, Action::Decline(request.id)),
        ],
    })
}

/// What the question does not say: the memory that is kept, what is lost, what is shut down for it.
fn what_it_does(deed: &Deed) -> String {
    let does_more = !deed.also().is_empty();
    let more = does_more || matches!(deed, Deed::SnapshotCreate { ram: true, .. });
    let particulars = particulars(deed).filter(|_| more);
    let told = deed.right().always_confirmed() || does_more;
    let lines = particulars
        .into_iter()
        .chain(told.then(|| consequence(deed)));
    lines.fold(String::new(), |text, line| text + &line + "\n")
}
