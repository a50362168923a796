//! `/help` and `/access whoami`: free for everybody, and they show only what the caller may do.

use std::collections::BTreeMap;

use crate::action::{Action, Request, Right, Target};
use crate::embed::help::{Group, Line, Mark, Own};
use crate::embed::{self, Reply};
use crate::ids::{Kind, NodeRef};
use crate::permission::{Law, Lockdown, Rights};
use crate::proxmox::Guest;

use super::desk::Desk;
use super::option::{Field as Takes, Given};
use super::table::Row;

pub(super) fn help(desk: &Desk, request: &Request) -> Reply {
    let law = desk.law();
    let mine = law.of(&request.actor);
    let usable = |row: &&Row| {
        row.right
            .is_none_or(|right| anywhere(desk, &mine, right, row))
    };
    let line = |row: &Row| Line {
        command: row.path.join(" "),
        option: row.options.first().filter(|o| o.required).map(|o| o.name),
        help: row.help,
    };
    let lines: Vec<Line> = desk.rows().filter(usable).map(line).collect();
    embed::help::help(&lines, shown_lockdown(&law, &mine))
}

/// Why less is shown than else. Those whom no rule knows are not told.
fn shown_lockdown<'l>(law: &'l Law, mine: &Rights<'_>) -> Option<&'l Lockdown> {
    law.standing().lockdown.as_ref().filter(|_| mine.any())
}

/// What a command is about.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Field {
    Guests(Kind),
    Nodes,
    Both,
}

fn field(row: &Row) -> Field {
    let takes_node = row.options.iter().any(|option| option.field == Takes::Node);
    match (row.guest(), (row.action)(&Given::default())) {
        (Some(Some(kind)), _) | (_, Some(Action::GuestList(kind))) => Field::Guests(kind),
        (_, Some(Action::NodeList)) => Field::Nodes,
        (None, _) if takes_node => Field::Nodes,
        _ => Field::Both,
    }
}

/// Whether there is anything at all on which the command would not be refused.
fn anywhere(desk: &Desk, mine: &Rights<'_>, right: Right, row: &Row) -> bool {
    if mine.decide(right, &Target::Bot).is_ok() {
        return true;
    }
    let field = field(row);
    desk.clusters.iter().any(|inventory| {
        let Some(snapshot) = inventory.latest() else {
            // Nothing is known of it yet, so nothing is promised and nothing hidden.
            return mine.any();
        };
        let of_kind = |guest: &&Guest| match field {
            Field::Guests(kind) => kind == guest.facts.kind,
            Field::Nodes => false,
            Field::Both => true,
        };
        let may = |guest: &Guest| {
            let target = Target::Guest(&guest.facts);
            match right {
                Right::View => mine.see(&target),
                right => {
                    mine.decide(right, &target).is_ok() || mine.may_ask(right, &target).is_some()
                }
            }
        };
        let nodes = || {
            snapshot.nodes.keys().any(|node| {
                let node = NodeRef {
                    cluster: inventory.client().cluster().clone(),
                    node: node.clone(),
                };
                mine.decide(right, &Target::Node(&node)).is_ok()
            })
        };
        snapshot.guests.values().filter(of_kind).any(may)
            || (!matches!(field, Field::Guests(_)) && nodes())
    })
}

pub(super) fn whoami(desk: &Desk, request: &Request) -> Reply {
    let law = desk.law();
    let mine = law.of(&request.actor);
    let (mut guests, mut nodes) = (Alike::new(), Alike::new());
    let mut lent = Vec::new();
    for inventory in &desk.clusters {
        let Some(snapshot) = inventory.latest() else {
            continue;
        };
        for guest in snapshot.guests.values().filter(|guest| !guest.template) {
            let target = Target::Guest(&guest.facts);
            lent.extend(mine.lent_on(&target));
            let rights = rights(&mine, &target);
            if !rights.is_empty() {
                let name = embed::guest::called(&guest.facts, desk.several());
                guests.entry(rights).or_default().push(name);
            }
        }
        for node in snapshot.nodes.keys() {
            let node = NodeRef {
                cluster: inventory.client().cluster().clone(),
                node: node.clone(),
            };
            let rights = rights(&mine, &Target::Node(&node));
            if !rights.is_empty() {
                let name = if desk.several() {
                    node.to_string()
                } else {
                    node.node.to_string()
                };
                nodes.entry(rights).or_default().push(name);
            }
        }
    }
    embed::help::whoami(&Own {
        roles: &law.policy().names_of(&request.actor),
        guests: &most_first(guests),
        nodes: &most_first(nodes),
        bot: &rights(&mine, &Target::Bot),
        lent: &lent,
        lockdown: shown_lockdown(&law, &mine),
    })
}

/// Names of what somebody has the same rights on.
type Alike = BTreeMap<Vec<(Right, Mark)>, Vec<String>>;

/// Those with the most rights first.
fn most_first(alike: Alike) -> Vec<Group> {
    let mut groups: Vec<Group> = alike
        .into_iter()
        .map(|(rights, names)| Group { rights, names })
        .collect();
    groups.sort_by_key(|group| std::cmp::Reverse(group.rights.len()));
    groups
}

fn rights(mine: &Rights<'_>, target: &Target<'_>) -> Vec<(Right, Mark)> {
    let mark = |right: Right| match mine.decide(right, target) {
        // What is asked twice of everybody is no news.
        Ok(verdict) if verdict.confirm && !right.always_confirmed() => Some(Mark::AsksFirst),
        Ok(_) => Some(Mark::Freely),
        Err(_) => mine.may_ask(right, target).map(|_| Mark::MayAsk),
    };
    Right::ALL
        .into_iter()
        .filter_map(|right| Some((right, mark(right)?)))
        .collect()
}
