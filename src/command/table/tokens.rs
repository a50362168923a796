//! `/token`. These commands exist only where a cluster lets the bot manage tokens.

use std::time::Duration;

use crate::action::{Action, NewToken, Right, TokenAction, TokenPart};
use crate::command::option::{Field, Given, Opt, Value};
use crate::ids::TokenId;
use crate::until::Expiry;

use super::{Row, maybe, opt};

/// Nothing lives for ever unless somebody says so.
const USUAL: Duration = Duration::from_hours(90 * 24);

const USER: Opt = opt(
    "user",
    "Whose token: name@realm",
    Field::Token(TokenPart::User),
);
const NAME: Opt = opt("name", "Which of them", Field::Token(TokenPart::Name));
const NEW_NAME: Opt = opt(
    "name",
    "What it is to be called",
    Field::Token(TokenPart::NewName),
);
const CLUSTER: Opt = maybe(
    "cluster",
    "Where there are several",
    Field::Token(TokenPart::Cluster),
);

pub(super) const ROWS: &[Row] = &[
    Row {
        path: &["token", "list"],
        help: "The API tokens of a user of Proxmox",
        options: &[
            maybe(
                "user",
                "Whose; else those of the bot itself",
                Field::Token(TokenPart::User),
            ),
            CLUSTER,
        ],
        right: Some(Right::Token),
        action: |given| {
            Some(Action::Token(TokenAction::List {
                user: given.user(),
                cluster: given.cluster(),
            }))
        },
    },
    Row {
        path: &["token", "create"],
        help: "Make a token; its secret is shown once, to you alone",
        options: &[
            USER,
            NEW_NAME,
            maybe(
                "expires",
                "Such as 30d or 2027-01-31, or never; else 90d",
                Field::Token(TokenPart::Expiry),
            ),
            maybe(
                "roles",
                "Such as PVEAuditor, with commas",
                Field::Token(TokenPart::Roles),
            ),
            maybe(
                "path",
                "Where the roles hold, such as /vms/101",
                Field::Token(TokenPart::Path),
            ),
            CLUSTER,
        ],
        right: Some(Right::Token),
        action: |given| create(given).map(|new| Action::Token(TokenAction::Create(new))),
    },
    Row {
        path: &["token", "delete"],
        help: "Delete a token and all its rights",
        options: &[USER, NAME, CLUSTER],
        right: Some(Right::Token),
        action: |given| {
            Some(Action::Token(TokenAction::Delete {
                token: token(given)?,
                cluster: given.cluster(),
            }))
        },
    },
];

fn create(given: &Given) -> Option<NewToken> {
    let expiry = given.find(|value| match value {
        Value::Expiry(expiry) => Some(*expiry),
        _ => None,
    });
    let roles = given.find(|value| match value {
        Value::Roles(roles) => Some(roles.clone()),
        _ => None,
    });
    Some(NewToken {
        token: token(given)?,
        cluster: given.cluster(),
        expiry: expiry.unwrap_or(Expiry::After(USUAL)),
        roles: roles.unwrap_or_default(),
        path: given.find(|value| match value {
            Value::AclPath(path) => Some(path.clone()),
            _ => None,
        }),
    })
}

fn token(given: &Given) -> Option<TokenId> {
    let name = given.find(|value| match value {
        Value::TokenName(name) => Some(name.clone()),
        _ => None,
    })?;
    Some(TokenId {
        user: given.user()?,
        name,
    })
}
