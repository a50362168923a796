//! Autocomplete: from memory, never waiting, and only what the person may do in the way asked.

use std::collections::BTreeMap;

use tokio::time::Instant;

use crate::action::{Actor, Completion, Right, Target, Typing};
use crate::embed;
use crate::embed::task::Line;
use crate::ids::{Kind, NodeRef};
use crate::permission::Grant;
use crate::proxmox::{Guest, RunState, Snapshotted};

use super::desk::Desk;
use super::resolve::{self, FoundGuest, Lookup, Sight};
use super::{Choice, backups};

/// Discord shows no more.
pub(super) const MOST: usize = 25;

pub(super) fn suggest(desk: &Desk, typing: &Typing) -> Vec<Choice> {
    let text = typing.text.trim().to_lowercase();
    match typing.wanted {
        Completion::Guest { kind, right } => guests(desk, &typing.actor, kind, right, &text),
        Completion::Node { right } => nodes(desk, &typing.actor, right, &text),
        Completion::Task { right } => tasks(desk, &typing.actor, right, &text),
        Completion::Guests { kind, right } => {
            let mut offered = guests(desk, &typing.actor, Some(kind), right, &text);
            offered.extend(groups(desk, &typing.actor, kind, right, &text));
            offered.truncate(MOST);
            offered
        }
        Completion::Cluster => clusters(desk, &typing.actor, &text),
        Completion::Rights => rights(&text),
        Completion::End => words(&["1h", "6h", "until 23:00", "tomorrow", "7d"], &text),
        Completion::Since => words(&["1h", "today", "24h", "7d", "30d"], &text),
        Completion::Grant => grants(desk, typing, &text),
        Completion::Snapshot(right) => snapshots(desk, typing, right, &text),
        Completion::Storage => storages(desk, typing, &text),
        Completion::AnyStorage => super::storage::names(desk, &typing.actor, &text),
        Completion::Token(part) => super::token::suggest(desk, typing, part, &text),
    }
}

/// Those in which the person sees anything.
fn clusters(desk: &Desk, actor: &Actor, text: &str) -> Vec<Choice> {
    let names = desk
        .clusters
        .iter()
        .map(|inventory| inventory.client().cluster());
    names
        .filter(|name| super::read::sees_any(desk, actor, name))
        .filter(|name| name.as_str().starts_with(text))
        .map(|name| Choice {
            name: name.to_string(),
            value: name.to_string(),
        })
        .collect()
}

fn guests(desk: &Desk, actor: &Actor, kind: Option<Kind>, right: Right, text: &str) -> Vec<Choice> {
    let law = desk.law();
    let mine = law.of(actor);
    let several = desk.several();
    let mut fitting = Vec::new();
    let mut others = Vec::new();
    for inventory in &desk.clusters {
        let Some(snapshot) = inventory.latest() else {
            continue;
        };
        for guest in snapshot.guests.values() {
            let offered = kind.is_none_or(|kind| guest.facts.kind == kind)
                && matches(guest, text)
                && may(&mine, right, guest)
                && (!guest.template || is_for_templates(right));
            if offered {
                let list = if fits(guest, right) {
                    &mut fitting
                } else {
                    &mut others
                };
                if list.len() < MOST {
                    list.push(choice(guest, several));
                }
            }
            if fitting.len() >= MOST {
                break;
            }
        }
    }
    fitting.append(&mut others);
    fitting.truncate(MOST);
    fitting
}

/// A template can be looked at and backed up, and is never switched.
fn is_for_templates(right: Right) -> bool {
    matches!(right, Right::View | Right::BackupView | Right::BackupRun)
}

/// The guest that the command is about, if the person may do that to it.
fn guest_of(desk: &Desk, typing: &Typing, right: Right) -> Option<FoundGuest> {
    let guest = typing.guest.as_ref()?;
    let law = desk.law();
    match resolve::guest(desk, &typing.actor, Sight::Known, None, guest) {
        Lookup::Found(found) if may(&law.of(&typing.actor), right, &found.guest) => Some(found),
        _ => None,
    }
}

/// What is known of them; where that is old, the next letter is answered better.
fn snapshots(desk: &Desk, typing: &Typing, right: Right, text: &str) -> Vec<Choice> {
    let Some(found) = guest_of(desk, typing, right) else {
        return Vec::new();
    };
    let known = found.inventory.snapshots_while_typing(&found.guest.facts);
    let mut fitting: Vec<Snapshotted> = known.map_or_else(Vec::new, |all| {
        let fits = |one: &&Snapshotted| one.name.as_str().to_lowercase().contains(text);
        all.list.iter().filter(fits).cloned().collect()
    });
    fitting.sort_by_key(|one| std::cmp::Reverse(one.taken));
    let now = desk.law().unix();
    let choice = |one: &Snapshotted| Choice {
        name: embed::snapshot::choice(one, now),
        value: one.name.to_string(),
    };
    fitting.iter().take(MOST).map(choice).collect()
}

fn storages(desk: &Desk, typing: &Typing, text: &str) -> Vec<Choice> {
    let found = guest_of(desk, typing, Right::BackupRun);
    let names = found.map_or_else(Vec::new, |found| backups::storages(&found));
    let names = names.iter().map(ToString::to_string);
    let fitting = names.filter(|name| name.to_lowercase().contains(text));
    let choice = |name: String| Choice {
        name: name.clone(),
        value: name,
    };
    fitting.take(MOST).map(choice).collect()
}

/// Tags and pools of guests on which the right is held, and at which the person may look, once they
/// are asked for.
fn groups(desk: &Desk, actor: &Actor, kind: Kind, right: Right, text: &str) -> Vec<Choice> {
    if !text.starts_with("tag") && !text.starts_with("pool") {
        return Vec::new();
    }
    let law = desk.law();
    let mine = law.of(actor);
    let mut found: BTreeMap<String, usize> = BTreeMap::new();
    for snapshot in desk.clusters.iter().filter_map(|c| c.latest()) {
        for guest in snapshot.guests.values() {
            let facts = &guest.facts;
            let may = |right| mine.decide(right, &Target::Guest(facts)).is_ok();
            if facts.kind != kind || !may(right) || !may(Right::View) {
                continue;
            }
            let tags = facts
                .tags
                .iter()
                .map(|tag| format!("tag:{}", tag.to_lowercase()));
            let pool = facts.pool.iter().map(|pool| format!("pool:{pool}"));
            for word in tags.chain(pool) {
                *found.entry(word).or_default() += 1;
            }
        }
    }
    let choice = |(word, count): (String, usize)| Choice {
        name: embed::several::choice(&word, count),
        value: word,
    };
    found
        .into_iter()
        .filter(|(word, _)| word.starts_with(text))
        .map(choice)
        .collect()
}

/// A look is offered for everything that is visible; an act only where it may be done.
fn may(mine: &crate::permission::Rights<'_>, right: Right, guest: &Guest) -> bool {
    let target = Target::Guest(&guest.facts);
    match right {
        // Who reads the audit knows of every guest in it.
        Right::Audit => mine.decide(right, &Target::Bot).is_ok(),
        Right::View => mine.see(&target),
        right => mine.decide(right, &target).is_ok() || mine.may_ask(right, &target).is_some(),
    }
}

/// By the beginning of the number, or any part of the name; a cluster may stand in front.
fn matches(guest: &Guest, text: &str) -> bool {
    let (cluster, text) = match text.split_once('/') {
        Some((cluster, rest)) => (Some(cluster), rest),
        None => (None, text),
    };
    let name = guest.facts.name.as_deref().unwrap_or_default();
    cluster.is_none_or(|c| c == guest.facts.guest.cluster.as_str())
        && (guest.facts.guest.vmid.to_string().starts_with(text)
            || name.to_lowercase().contains(text))
}

/// Whether the act makes sense in the state that the guest is in.
fn fits(guest: &Guest, right: Right) -> bool {
    match right {
        Right::Start => guest.status == RunState::Stopped,
        Right::Shutdown | Right::Reboot | Right::Suspend | Right::Reset => {
            guest.status == RunState::Running
        }
        Right::Stop => guest.status != RunState::Stopped,
        Right::Resume => matches!(guest.status, RunState::Paused | RunState::Suspended),
        _ => true,
    }
}

fn choice(guest: &Guest, several: bool) -> Choice {
    Choice {
        name: embed::guest::choice(guest, several),
        value: embed::guest::number(&guest.facts, several),
    }
}

/// By its words, or first of all by the number of its row in the newest list.
fn tasks(desk: &Desk, actor: &Actor, right: Right, text: &str) -> Vec<Choice> {
    let lines = super::task::completed(desk, actor, right);
    let value = |line: &Line| format!("{:016x}", line.id.0);
    let row = super::option::row(text);
    let of_row = row.and_then(|row| {
        let id = desk.listed.row(actor, row, Instant::now()).ok()?;
        let line = lines.iter().find(|line| line.id == id)?;
        let (name, value) = (embed::task::choice_of_row(row, line), value(line));
        Some(Choice { name, value })
    });
    let by_words = lines.iter().map(|line| Choice {
        name: embed::task::choice(line),
        value: value(line),
    });
    let by_words = by_words.filter(|choice| choice.name.to_lowercase().contains(text));
    of_row.into_iter().chain(by_words).take(MOST).collect()
}

pub(super) fn words(known: &[&str], text: &str) -> Vec<Choice> {
    let choice = |word: &&str| Choice {
        name: (*word).to_owned(),
        value: (*word).to_owned(),
    };
    known
        .iter()
        .filter(|word| word.starts_with(text))
        .map(choice)
        .collect()
}

/// What was typed up to the last comma, and each right that could follow.
fn rights(text: &str) -> Vec<Choice> {
    let (before, begun) = match text.rsplit_once(',') {
        Some((before, begun)) => (format!("{},", before.trim()), begun.trim_start()),
        None => (String::new(), text),
    };
    let single = Right::ALL
        .into_iter()
        .filter(|right| right.can_be_lent())
        .map(Right::key);
    let groups = Right::GROUPS
        .into_iter()
        .map(|(name, _)| name)
        .filter(|name| *name != "*" && *name != "node.*");
    single
        .chain(groups)
        .filter(|word| word.starts_with(begun))
        .map(|word| format!("{before}{word}"))
        .filter(|text| text.len() <= 100)
        .map(|text| Choice {
            name: text.clone(),
            value: text,
        })
        .collect()
}

fn grants(desk: &Desk, typing: &Typing, text: &str) -> Vec<Choice> {
    let law = desk.law();
    let mine = super::access::manageable(desk, &typing.actor, &law);
    let named = |grant: &Grant| {
        embed::access::grant_choice(grant, &law.policy().name_of(grant.to), law.unix())
    };
    mine.iter()
        .map(|grant| Choice {
            name: named(grant),
            value: grant.id.0.to_string(),
        })
        .filter(|choice| choice.name.to_lowercase().contains(text))
        .take(MOST)
        .collect()
}

fn nodes(desk: &Desk, actor: &Actor, right: Right, text: &str) -> Vec<Choice> {
    let law = desk.law();
    let mine = law.of(actor);
    let (mut fitting, mut others) = (Vec::new(), Vec::new());
    for inventory in &desk.clusters {
        let Some(snapshot) = inventory.latest() else {
            continue;
        };
        for (name, state) in &snapshot.nodes {
            let node = NodeRef {
                cluster: inventory.client().cluster().clone(),
                node: name.clone(),
            };
            let written = if desk.several() {
                node.to_string()
            } else {
                name.to_string()
            };
            let visible = mine.decide(right, &Target::Node(&node)).is_ok();
            if !written.to_lowercase().contains(text) || !visible {
                continue;
            }
            // Only what sleeps can be woken, and only what is up can go down.
            let fits = embed::node::online(state) != (right == Right::NodeWake);
            let list = if fits { &mut fitting } else { &mut others };
            list.push(Choice {
                name: written.clone(),
                value: written,
            });
        }
    }
    fitting.append(&mut others);
    fitting.truncate(MOST);
    fitting
}
