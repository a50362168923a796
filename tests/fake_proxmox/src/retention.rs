//! Which backups of a guest stay: `keep-last=3,keep-weekly=4`.

use std::collections::BTreeSet;

use crate::formats::list;
use crate::guest::Kind;
use crate::storage::Storage;
use crate::text;

type Period = fn(u64) -> u64;

/// From the finest to the coarsest, with what makes two backups belong to the same period.
const PERIODS: [(&str, Period); 6] = [
    ("keep-last", |at| at),
    ("keep-hourly", |at| at / 3600),
    ("keep-daily", |at| at / 86_400),
    // Weeks begin on Mondays; 1970 began on a Thursday.
    ("keep-weekly", |at| (at / 86_400 + 3) / 7),
    ("keep-monthly", |at| {
        let (year, month, _) = text::civil(at / 86_400);
        year * 12 + month
    }),
    ("keep-yearly", |at| text::civil(at / 86_400).0),
];

fn counts(keep: &str) -> Vec<(&str, usize)> {
    let parts = list(keep).into_iter();
    let parts = parts.filter_map(|part| part.split_once('='));
    parts
        .filter_map(|(key, count)| Some((key, count.parse().ok()?)))
        .collect()
}

/// How many may be there at all; 0: any number.
pub(crate) fn sum(keep: &str) -> usize {
    let counts = counts(keep).into_iter();
    counts
        .filter(|(key, _)| *key != "keep-all")
        .map(|(_, count)| count)
        .sum()
}

/// Removes what the policy does not cover, and says so; nothing where all are kept.
pub(crate) fn prune(
    storage: &mut Storage,
    kind: Kind,
    vmid: u32,
    node: &str,
    keep: &str,
) -> Vec<String> {
    if sum(keep) == 0 || list(keep).contains(&"keep-all=1") {
        return Vec::new();
    }
    let own = storage.backups.iter();
    let own = own.filter(|it| it.kind == kind && it.vmid == vmid && !it.protected);
    let mut own: Vec<u64> = own
        .filter(|it| it.is_on(storage, node))
        .map(|it| it.ctime)
        .collect();
    own.sort_unstable_by(|a, b| b.cmp(a));
    let kept = covered(&own, &counts(keep));
    let goes = |ctime: &u64| own.contains(ctime) && !kept.contains(ctime);
    let mut lines = Vec::new();
    let mut parts: Vec<&str> = list(keep);
    parts.sort_unstable();
    lines.push(format!(
        "prune older backups with retention: {}",
        parts.join(", ")
    ));
    let (gone, stay): (Vec<_>, Vec<_>) = std::mem::take(&mut storage.backups)
        .into_iter()
        .partition(|it| it.kind == kind && it.vmid == vmid && !it.protected && goes(&it.ctime));
    storage.backups = stay;
    for backup in &gone {
        storage.used = storage.used.saturating_sub(backup.size);
        lines.push(format!("removing backup '{}'", backup.volid));
    }
    let why = if gone.is_empty() {
        ""
    } else {
        " not covered by keep-retention policy"
    };
    lines.push(format!("pruned {} backup(s){why}", gone.len()));
    lines
}

/// Each rule keeps the newest of as many periods as it says, where no finer rule kept one already.
fn covered(newest_first: &[u64], counts: &[(&str, usize)]) -> BTreeSet<u64> {
    let mut kept = BTreeSet::new();
    let mut decided = BTreeSet::new();
    for (name, period) in PERIODS {
        let Some((_, count)) = counts.iter().find(|(key, _)| *key == name) else {
            continue;
        };
        let already: BTreeSet<u64> = kept.iter().map(|at| period(*at)).collect();
        let mut fresh = BTreeSet::new();
        for at in newest_first {
            let which = period(*at);
            if decided.contains(at) || already.contains(&which) {
                continue;
            }
            if !fresh.contains(&which) {
                if fresh.len() >= *count {
                    break;
                }
                fresh.insert(which);
                kept.insert(*at);
            }
            decided.insert(*at);
        }
    }
    kept
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finer_rules_first() {
        let day = 86_400;
        let all: Vec<u64> = (0..10).map(|age| 1_795_465_666 - age * day).collect();
        assert_eq!(covered(&all, &[("keep-last", 3)]).len(), 3);
        let kept = covered(&all, &[("keep-last", 1), ("keep-daily", 2)]);
        assert_eq!(kept, BTreeSet::from([all[0], all[1], all[2]]));
        assert_eq!(sum("keep-last=3,keep-daily=7"), 10);
        assert_eq!(sum("keep-all=1"), 0);
    }
}
