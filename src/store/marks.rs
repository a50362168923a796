//! How far something has come that must go on there after a restart.

use rusqlite::OptionalExtension as _;

use super::{Store, StoreError};

impl Store {
    /// `None`: it has not begun.
    ///
    /// # Errors
    ///
    /// What the store says.
    pub async fn mark(&self, name: &'static str) -> Result<Option<i64>, StoreError> {
        self.run(move |db| {
            let sql = "SELECT value FROM marks WHERE name = ?1";
            db.query_row(sql, [name], |row| row.get(0)).optional()
        })
        .await
    }

    /// # Errors
    ///
    /// What the store says.
    pub async fn set_mark(&self, name: &'static str, value: i64) -> Result<(), StoreError> {
        self.run(move |db| {
            let sql = "INSERT INTO marks (name, value) VALUES (?1, ?2) \
                       ON CONFLICT (name) DO UPDATE SET value = excluded.value";
            db.execute(sql, (name, value)).map(|_| ())
        })
        .await
    }
}
