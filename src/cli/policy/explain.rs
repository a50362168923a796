//! One decision, or those of a group of actions, each with the rule that made it.

use crate::action::{Actor, Right, Target};
use crate::config::Config;
use crate::embed::{policy as words, terminal};
use crate::permission::{Law, Subject};

use super::Query;
use super::estate::Estate;

/// Who, and which rights.
pub(super) struct Question<'q> {
    who: &'q str,
    actor: Actor,
    rights: Vec<Right>,
    /// A person, of whose roles none was given: only Discord knows them.
    without_roles: bool,
}

/// What is asked, `None` where it is the whole matrix; or what is wrong with it, for the terminal.
pub(super) fn question<'q>(
    config: &Config,
    query: &'q Query,
    subjects: &[Subject],
) -> Result<Option<Question<'q>>, String> {
    let (Some(who), Some(action)) = (&query.who, &query.action) else {
        return Ok(None);
    };
    let named = |s: &&Subject| s.name == *who || s.name.strip_prefix("role ") == Some(who);
    let Some(subject) = subjects.iter().find(named) else {
        let known = config.people.keys().chain(config.roles.keys());
        return Err(terminal::unknown_word("person or role", who, known));
    };
    let mut actor = subject.actor.clone();
    let without_roles = actor.roles.is_empty() && query.role.is_empty();
    for role in &query.role {
        let Some(id) = config.roles.get(role) else {
            return Err(terminal::unknown_word("role", role, config.roles.keys()));
        };
        actor.roles.push(*id);
    }
    let Some(mut rights) = Right::named(action) else {
        let groups = Right::GROUPS.iter().map(|(name, _)| *name);
        let known = Right::ALL.map(Right::key).into_iter().chain(groups);
        return Err(terminal::unknown_word("action", action, known));
    };
    let asked = rights.clone();
    rights.retain(|right| means_something(*right, query));
    if rights.is_empty() {
        return Err(terminal::other_target(action, &asked));
    }
    Ok(Some(Question {
        who,
        actor,
        rights,
        without_roles,
    }))
}

/// Whether a right can be held over what the question names: a guest, a node or the bot itself.
fn means_something(right: Right, query: &Query) -> bool {
    match (&query.guest, &query.node) {
        (Some(_), _) => right.is_for_guests(),
        (None, Some(_)) => right.is_for_nodes(),
        (None, None) => right.is_about_the_bot(),
    }
}

/// The answer; `Err`: what is wrong with the question.
pub(super) fn explain(
    law: &Law,
    estate: &Estate,
    query: &Query,
    question: &Question<'_>,
) -> Result<String, String> {
    let (target, title) = match (&query.guest, &query.node) {
        (Some(guest), _) => {
            let found = estate.guest(guest).ok_or_else(|| {
                let titles = estate.guests.iter().map(|(title, _)| title);
                terminal::unknown_word("guest", guest, titles)
            })?;
            (Target::Guest(&found.1), found.0.clone())
        }
        (None, Some(node)) => {
            let found = estate
                .node(node)
                .ok_or_else(|| terminal::unknown_word("node", node, estate.nodes.iter()))?;
            (Target::Node(found), words::node_title(found))
        }
        (None, None) => (Target::Bot, words::BOT_TITLE.to_owned()),
    };
    let mine = law.of(&question.actor);
    let mut text = String::new();
    for right in &question.rights {
        let ask = mine.may_ask(*right, &target);
        let ask = ask.or_else(|| mine.may_ask_else(*right, &target));
        text.push_str(&words::explained(&words::Explained {
            who: question.who,
            right: *right,
            target: &title,
            decision: &mine.decide(*right, &target),
            ask: ask.as_ref(),
            zone: law.policy().zone(),
        }));
    }
    if question.without_roles {
        text.push_str(&words::without_roles(question.who));
    }
    Ok(text)
}
