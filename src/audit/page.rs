//! Looking something up: pages of acts and refusals, and what limits have to remember.

use std::fmt::Write as _;

use rusqlite::{Row, ToSql};

use super::Line;
use super::entry::id;
use super::line::{COLUMNS, guest};
use crate::action::TargetKey;
use crate::ids::{GuestRef, NodeRef, UserId};
use crate::store::{Store, StoreError};

/// What a page shows; everything that is set must fit.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Filter {
    /// Who did it.
    pub user: Option<UserId>,
    pub guest: Option<GuestRef>,
    pub of: Option<Of>,
    /// Refusals alone, or all but those.
    pub refused: Option<bool>,
    pub since_ms: Option<i64>,
}

/// What an entry is about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Of {
    /// Exactly as the entry has it: `start`, `node.list` ...
    Action(String),
    /// Who may do what: grants, decisions on requests, lockdowns, and what was tried of it.
    Access,
}

/// As [`Line::is_refusal`] has it.
const MISTYPED: &str = "ifnull(a.rule, '') LIKE 'not found%'";

/// As the index has it, to the letter.
const OF_ACCESS: &str = " AND (a.event IN ('approved', 'declined', 'granted', 'revoked', 'ended', \
    'locked', 'unlocked') OR a.action IN ('access', 'access.grant', 'access.revoke', \
    'access.lockdown', 'access.list', 'access.why', 'decide'))";

/// One line per act, with its end where it has one, and every other event as itself; newest first.
/// `before`: the number of the last line of the page before.
///
/// # Errors
///
/// What the store says.
pub async fn page(
    store: &Store,
    filter: &Filter,
    before: Option<i64>,
    limit: u32,
) -> Result<Vec<Line>, StoreError> {
    let (sql, values) = query(filter, before, limit);
    store
        .run(move |db| {
            let mut query = db.prepare_cached(&sql)?;
            let values: Vec<&dyn ToSql> = values.iter().map(|value| &**value as _).collect();
            let lines = query.query_map(&*values, Line::read)?;
            lines.filter_map(Result::transpose).collect()
        })
        .await
}

type Values = Vec<Box<dyn ToSql + Send>>;

/// Only what is asked for stands in the query: so it finds the index that fits.
fn query(filter: &Filter, before: Option<i64>, limit: u32) -> (String, Values) {
    let mut sql = format!(
        "SELECT {COLUMNS} FROM audit a \
         LEFT JOIN audit o ON o.seq = a.seq \
         LEFT JOIN audit c ON c.entry = a.seq AND c.event = 'closed' \
         WHERE a.event NOT IN ('sent', 'closed')"
    );
    let mut values = Values::new();
    let mut and = |term: &str, value: Box<dyn ToSql + Send>| {
        let _ = write!(sql, " AND {term}");
        values.push(value);
    };
    if let Some(user) = filter.user {
        and("a.user_id = ?", Box::new(user.0.cast_signed()));
    }
    if let Some(guest) = &filter.guest {
        and("a.cluster = ?", Box::new(guest.cluster.to_string()));
        and("a.vmid = ?", Box::new(guest.vmid.get()));
    }
    if let Some(Of::Action(action)) = &filter.of {
        and("a.action = ?", Box::new(action.clone()));
    }
    if let Some(since) = filter.since_ms {
        and("a.at_ms >= ?", Box::new(since));
        // Entries come in the order of time, unless the clock was set back: where the oldest of
        // them stands is found by their times alone, and nothing before it is looked at.
        let oldest = "a.seq >= (SELECT min(seq) FROM audit INDEXED BY audit_at WHERE at_ms >= ?)";
        and(oldest, Box::new(since));
    }
    if let Some(before) = before {
        and("a.seq < ?", Box::new(before));
    }
    if filter.of == Some(Of::Access) {
        sql.push_str(OF_ACCESS);
    }
    match filter.refused {
        Some(true) => {
            let _ = write!(sql, " AND a.event = 'refused' AND NOT {MISTYPED}");
        }
        Some(false) => {
            let _ = write!(sql, " AND (a.event <> 'refused' OR {MISTYPED})");
        }
        None => {}
    }
    sql.push_str(" ORDER BY a.seq DESC LIMIT ?");
    values.push(Box::new(limit));
    (sql, values)
}

/// An act that was begun, as limits see it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Use {
    pub user: UserId,
    /// The rule whose limit it counts for, if any.
    pub rule_key: Option<i64>,
    pub on: TargetKey,
    /// The right's word.
    pub action: String,
    pub at_ms: i64,
}

/// The acts begun since then, oldest first; what was never sent is none.
///
/// # Errors
///
/// What the store says.
pub async fn uses(store: &Store, since_ms: i64) -> Result<Vec<Use>, StoreError> {
    let sql = "SELECT user_id, rule_key, cluster, vmid, node, action, at_ms FROM audit a \
               WHERE event = 'opened' AND at_ms >= ?1 AND NOT EXISTS \
                 (SELECT 1 FROM audit c WHERE c.entry = a.seq AND c.event = 'closed' \
                    AND c.outcome = 'not sent') \
               ORDER BY at_ms, seq";
    store
        .run(move |db| {
            let mut query = db.prepare_cached(sql)?;
            let uses = query.query_map([since_ms], read_use)?;
            uses.collect()
        })
        .await
}

fn on(row: &Row<'_>) -> rusqlite::Result<TargetKey> {
    if let Some(guest) = guest(row)? {
        return Ok(TargetKey::Guest(guest));
    }
    let text = |column: &str| row.get::<_, Option<String>>(column);
    let names = text("cluster")?.zip(text("node")?);
    let node = names.and_then(|(cluster, node)| {
        Some(NodeRef {
            cluster: cluster.parse().ok()?,
            node: node.parse().ok()?,
        })
    });
    Ok(node.map_or(TargetKey::Bot, TargetKey::Node))
}

fn read_use(row: &Row<'_>) -> rusqlite::Result<Use> {
    Ok(Use {
        user: UserId(id(row.get("user_id")?)),
        rule_key: row.get("rule_key")?,
        on: on(row)?,
        action: row.get("action")?,
        at_ms: row.get("at_ms")?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// How `SQLite` goes about it: `SEARCH a USING INDEX ...`.
    async fn plan(filter: &Filter) -> Vec<String> {
        let dir = tempfile::tempdir().unwrap();
        let store = Store::open(dir.path()).unwrap();
        let (sql, values) = query(filter, Some(1), 10);
        let plan = store.run(move |db| {
            let mut query = db.prepare(&format!("EXPLAIN QUERY PLAN {sql}"))?;
            let values: Vec<&dyn ToSql> = values.iter().map(|value| &**value as _).collect();
            let steps = query.query_map(&*values, |row| row.get("detail"))?;
            steps.collect()
        });
        plan.await.unwrap()
    }

    #[tokio::test]
    async fn every_filter_has_its_index_and_nothing_is_sorted() {
        let all = Filter::default();
        let guest = GuestRef {
            cluster: "home".parse().unwrap(),
            vmid: "101".parse().unwrap(),
        };
        for (filter, index) in [
            (all.clone(), "INTEGER PRIMARY KEY"),
            (
                Filter {
                    user: Some(UserId(7)),
                    ..all.clone()
                },
                "audit_by_person",
            ),
            (
                Filter {
                    guest: Some(guest),
                    ..all.clone()
                },
                "audit_by_guest",
            ),
            (
                Filter {
                    of: Some(Of::Action("start".to_owned())),
                    ..all.clone()
                },
                "audit_by_action",
            ),
            (
                Filter {
                    of: Some(Of::Access),
                    ..all.clone()
                },
                "audit_of_access",
            ),
            (
                Filter {
                    refused: Some(true),
                    since_ms: Some(1),
                    ..all
                },
                "audit_refusals",
            ),
        ] {
            let plan = plan(&filter).await;
            assert!(plan[0].starts_with("SEARCH a "), "{plan:#?}");
            assert!(plan[0].contains(index), "{plan:#?}");
            let bad = |step: &String| step.contains("SCAN") || step.contains("TEMP B-TREE");
            assert!(!plan.iter().any(bad), "{plan:#?}");
        }
    }
}
