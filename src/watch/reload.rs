//! Reads the rules again when their file has changed or somebody says so (SIGHUP), and puts them in
//! place as a whole. Rules with mistakes change nothing: there is never a moment without rules.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwap;
use tokio::sync::Notify;
use tokio::time::{MissedTickBehavior, interval};
use tokio_util::sync::CancellationToken;

use crate::action::{GuestFacts, Target};
use crate::audit::{self, Note, Noted};
use crate::config::{Config, Loaded, Problem, Source};
use crate::embed::guest::called;
use crate::embed::policy::BOT_TITLE;
use crate::embed::reload::{self as words, Reload};
use crate::errand::{Errands, Recipient};
use crate::ids::{ChannelId, GuildId};
use crate::permission::{Law, Policy, changes, subjects};
use crate::proxmox::Inventory;
use crate::store::Store;

const EVERY: Duration = Duration::from_secs(1);

/// What a reload needs.
#[derive(Debug)]
pub struct Rules {
    pub source: Source,
    /// With what the bot runs; the rules in it are those that hold.
    pub running: Config,
    pub policy: Arc<ArcSwap<Policy>>,
    pub clusters: Vec<Arc<Inventory>>,
    pub store: Store,
    pub errands: Errands,
}

/// Looks at the files every second, until `stop`; `asked` makes it look at once.
pub async fn keep_rules(mut rules: Rules, asked: Arc<Notify>, stop: CancellationToken) {
    let mut ticks = interval(EVERY);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut holds = rules.source.stamp();
    let mut before = holds.clone();
    let mut refused = false;
    loop {
        let at_once = tokio::select! {
            () = stop.cancelled() => return,
            () = asked.notified() => true,
            _ = ticks.tick() => false,
        };
        let now = rules.source.stamp();
        // A file that is still being written is left for the next look.
        let settled = now == before;
        before = now.clone();
        if at_once || (settled && now != holds) {
            holds = now;
            refused = !reload(&mut rules, at_once, refused).await;
        }
    }
}

/// Whether the file is good. `mended`: it had mistakes when it was last read.
async fn reload(rules: &mut Rules, at_once: bool, mended: bool) -> bool {
    let source = rules.source.clone();
    let loaded = tokio::task::spawn_blocking(move || source.load()).await;
    let Ok(loaded) = loaded else { return !mended };
    let compiled = loaded.and_then(|Loaded { config, .. }| {
        let policy = Policy::compile_for(&config, &rules.running)?;
        Ok((config, Arc::new(policy)))
    });
    match compiled {
        Ok((config, policy)) => {
            let change = replace(rules, config, policy);
            if !change.is_nothing() {
                changed(rules, &change).await;
            } else if at_once && !mended {
                tracing::info!("the rules were read again; they say the same");
            }
            if mended {
                all_clear(rules, &change).await;
            }
            true
        }
        Err(problems) => {
            refuse(rules, &problems).await;
            false
        }
    }
}

fn replace(rules: &mut Rules, config: Config, policy: Arc<Policy>) -> Reload {
    let change = compare(rules, &config, &policy);
    rules.policy.store(policy);
    let running = &mut rules.running;
    running.people = config.people;
    running.roles = config.roles;
    running.allow = config.allow;
    running.deny = config.deny;
    running.ask = config.ask;
    change
}

async fn changed(rules: &Rules, change: &Reload) {
    let line = words::in_one_line(change);
    tracing::info!(change = line, "new rules hold");
    if !change.restart.is_empty() {
        let sections = change.restart.join(", ");
        tracing::warn!(sections, "changed too, and takes a restart");
    }
    note(rules, Some(line)).await;
    tell(rules, changes_channel(rules), words::done(change)).await;
}

/// After a refusal: where that was told, and wherever changes are, nobody is left to think that the
/// file still has mistakes.
async fn all_clear(rules: &Rules, change: &Reload) {
    tracing::info!("the file of the rules has no mistakes any more");
    let changes = changes_channel(rules);
    let refusals = refusals_channel(rules);
    if change.is_nothing() {
        note(
            rules,
            Some("the file is good again; the same rules hold".to_owned()),
        )
        .await;
        tell(rules, changes, words::mended(true)).await;
    }
    if refusals != changes {
        tell(rules, refusals, words::mended(change.is_nothing())).await;
    }
}

fn changes_channel(rules: &Rules) -> Option<ChannelId> {
    let discord = &rules.running.discord;
    discord.audit_channel.or(discord.alerts_channel)
}

fn refusals_channel(rules: &Rules) -> Option<ChannelId> {
    let discord = &rules.running.discord;
    discord.alerts_channel.or(discord.audit_channel)
}

async fn refuse(rules: &Rules, problems: &[Problem]) {
    for problem in problems {
        tracing::error!(%problem, "the new rules are refused, the old ones stay");
    }
    let told: Vec<String> = problems.iter().map(ToString::to_string).collect();
    note(rules, Some(format!("refused: {}", told.join("; ")))).await;
    tell(rules, refusals_channel(rules), words::refused(problems)).await;
}

async fn note(rules: &Rules, detail: Option<String>) {
    let note = Note {
        detail,
        ..Note::new(Noted::Reloaded, "policy")
    };
    if let Err(error) = audit::note(&rules.store, note).await {
        tracing::error!(%error, "a change of the rules could not be noted");
    }
}

async fn tell(rules: &Rules, to: Option<ChannelId>, reply: crate::embed::Reply) {
    if let Some(channel) = to {
        rules.errands.post(Recipient::Room(channel), reply).await;
    }
}

fn compare(rules: &Rules, new: &Config, policy: &Arc<Policy>) -> Reload {
    let old = &rules.running;
    let (before, after) = (texts(old), texts(new));
    let guild = old.discord.guilds.first().copied().unwrap_or(GuildId(0));
    let holds = Law::of_rules(rules.policy.load_full());
    let comes = Law::of_rules(Arc::clone(policy));
    let everywhere = ChannelId(0);
    let old_subjects = subjects(holds.policy(), guild, everywhere);
    let new_subjects = subjects(comes.policy(), guild, everywhere);
    let guests = guests(&rules.clusters);
    let mut targets: Vec<(String, Target<'_>)> = guests
        .iter()
        .map(|(name, facts)| (name.clone(), Target::Guest(facts)))
        .collect();
    targets.push((BOT_TITLE.to_owned(), Target::Bot));
    Reload {
        added: beyond(&after, &before),
        removed: beyond(&before, &after),
        changes: changes((&holds, &old_subjects), (&comes, &new_subjects), &targets),
        restart: restart(old, new),
    }
}

fn guests(clusters: &[Arc<Inventory>]) -> Vec<(String, GuestFacts)> {
    let several = clusters.len() > 1;
    let snapshots = clusters.iter().filter_map(|inventory| inventory.latest());
    let facts = snapshots.flat_map(|snapshot| {
        let all = snapshot.guests.values().map(|guest| guest.facts.clone());
        all.collect::<Vec<_>>()
    });
    facts
        .map(|facts| (called(&facts, several), facts))
        .collect()
}

/// Every rule in one line, and how often it stands there.
fn texts(config: &Config) -> BTreeMap<String, usize> {
    let allow = config.allow.iter().map(ToString::to_string);
    let deny = config.deny.iter().map(ToString::to_string);
    let ask = config.ask.iter().map(ToString::to_string);
    let mut texts = BTreeMap::new();
    for text in allow.chain(deny).chain(ask) {
        *texts.entry(text).or_default() += 1;
    }
    texts
}

fn beyond(new: &BTreeMap<String, usize>, old: &BTreeMap<String, usize>) -> Vec<String> {
    let more = new.iter().flat_map(|(text, count)| {
        let before = old.get(text).copied().unwrap_or(0);
        std::iter::repeat_n(text.clone(), count.saturating_sub(before))
    });
    more.collect()
}

fn restart(old: &Config, new: &Config) -> Vec<&'static str> {
    let sections = [
        ("[discord]", old.discord != new.discord),
        ("[bot]", old.bot != new.bot),
        ("[[cluster]]", old.clusters != new.clusters),
    ];
    let changed = sections.into_iter().filter(|(_, changed)| *changed);
    changed.map(|(name, _)| name).collect()
}
