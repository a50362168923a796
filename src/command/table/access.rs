//! `/access` and `/audit`.

use jiff::Timestamp;
use jiff::tz::TimeZone;

use crate::action::{Action, AuditPage, Right};
use crate::command::option::{Field, Given, Value};

use super::{GUEST, Row, maybe, opt};

pub(super) const ROWS: &[Row] = &[
    Row {
        path: &["access", "whoami"],
        help: "What you may do here",
        options: &[],
        right: None,
        action: |_| Some(Action::Whoami),
    },
    Row {
        path: &["access", "why"],
        help: "Why you, or somebody, may or may not do something",
        options: &[
            opt("action", "What is to be done", Field::Right),
            maybe("guest", "To which guest", Field::Guest(None)),
            maybe("node", "Or to which node", Field::Node),
            maybe("who", "Somebody else (needs access)", Field::Person),
        ],
        right: None,
        action: |given| {
            Some(Action::Why {
                who: given.person(),
                right: given.right()?,
                guest: given.guest(),
                node: given.node(),
            })
        },
    },
    Row {
        path: &["access", "list"],
        help: "Who may do what, and what was granted",
        options: &[maybe("guest", "Only this guest", Field::Guest(None))],
        right: Some(Right::Access),
        action: |given| {
            Some(Action::AccessList {
                guest: given.guest(),
            })
        },
    },
    Row {
        path: &["access", "grant"],
        help: "Let somebody do something for a while",
        options: &[
            opt("who", "Who gets it", Field::Person),
            opt("actions", "Such as start, reboot or power", Field::Rights),
            GUEST,
            opt(
                "for",
                "How long: 90m, 6h, until 02:00, tomorrow",
                Field::End,
            ),
        ],
        right: Some(Right::Access),
        action: grant,
    },
    Row {
        path: &["access", "revoke"],
        help: "Take back what was granted",
        options: &[opt("grant", "Number of the grant", Field::Grant)],
        right: Some(Right::Access),
        action: |given| {
            given
                .find(|value| match value {
                    Value::Grant(id) => Some(*id),
                    _ => None,
                })
                .map(Action::Revoke)
        },
    },
    Row {
        path: &["access", "lockdown"],
        help: "Nobody acts but people with access, until it is off again",
        options: &[
            opt("switch", "On or off", Field::Switch),
            maybe("reason", "For others to read", Field::Remark),
        ],
        right: Some(Right::Access),
        action: |given| {
            Some(Action::Lockdown {
                on: given.find(|value| match value {
                    Value::Switch(on) => Some(*on),
                    _ => None,
                })?,
                reason: given.find(|value| match value {
                    Value::Remark(remark) => Some(remark.clone()),
                    _ => None,
                }),
            })
        },
    },
    Row {
        path: &["audit"],
        help: "Who did what, and who was refused",
        options: &[
            maybe("who", "Only what this person did", Field::Person),
            maybe("guest", "Only this guest", Field::Guest(None)),
            maybe("action", "Only this", Field::Right),
            maybe("refused", "Only refusals, or none", Field::Flag),
            maybe("since", "Such as 2h, today or 2026-11-20", Field::Since),
        ],
        right: Some(Right::Audit),
        action: |given| Some(Action::Audit(audit(given))),
    },
];

fn audit(given: &Given) -> AuditPage {
    let now = Timestamp::now().to_zoned_datetime(TimeZone::UTC);
    let since = given.find(|value| match value {
        Value::Since(since) => Some(*since),
        _ => None,
    });
    AuditPage {
        user: given.person().map(|person| person.user),
        guest: given.guest(),
        right: given.right(),
        refused: given.find(|value| match value {
            Value::Flag(refused) => Some(*refused),
            _ => None,
        }),
        since: since.and_then(|since| since.from(&now)),
        before: None,
    }
}

fn grant(given: &Given) -> Option<Action> {
    Some(Action::Grant {
        to: given.person()?,
        rights: given.find(|value| match value {
            Value::Rights(rights) => Some(rights.clone()),
            _ => None,
        })?,
        guest: given.guest()?,
        end: given.find(|value| match value {
            Value::End(end) => Some(*end),
            _ => None,
        })?,
    })
}
