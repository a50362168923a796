//! What must survive: one `SQLite` file, owned by one thread. Jobs go in, answers come out; nothing
//! else in the program touches the disk for state.

pub mod chain;
mod lanes;
mod marks;

use std::fs::{File, TryLockError};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use rusqlite::{Connection, OpenFlags, Transaction};
use tokio::sync::oneshot;

use lanes::{Job, Jobs, lanes};

/// The file, in the state directory.
pub const FILE: &str = "steward.db";

/// Brings a file from one `user_version` to the next: SQL, then what SQL cannot do.
struct Migration {
    sql: &'static str,
    then: fn(&Transaction<'_>) -> rusqlite::Result<()>,
}

const MIGRATIONS: &[Migration] = &[
    Migration {
        sql: include_str!("store/001_audit.sql"),
        then: |_| Ok(()),
    },
    Migration {
        sql: include_str!("store/002_chain.sql"),
        then: chain::link_version_1,
    },
    Migration {
        sql: include_str!("store/003_access.sql"),
        then: |_| Ok(()),
    },
    Migration {
        sql: include_str!("store/004_asks.sql"),
        then: |_| Ok(()),
    },
    Migration {
        sql: include_str!("store/005_several.sql"),
        then: |_| Ok(()),
    },
    Migration {
        sql: include_str!("store/006_audit_of_access.sql"),
        then: |_| Ok(()),
    },
    Migration {
        sql: include_str!("store/007_not_sent.sql"),
        then: |_| Ok(()),
    },
];

#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    #[error("the state directory cannot be used: {0}")]
    Directory(#[from] std::io::Error),
    #[error("the store refused: {0}")]
    Sqlite(#[from] rusqlite::Error),
    #[error("the store was written by a newer version (schema {0})")]
    Newer(u32),
    #[error(
        "the store was written by an older version (schema {0}), which `run` brings up to date"
    )]
    Older(u32),
    #[error("another pve-steward is running with this state directory")]
    InUse,
    #[error("the store has stopped")]
    Stopped,
}

/// A handle; the thread ends when the last one is dropped and its queue is empty.
#[derive(Debug, Clone)]
pub struct Store {
    jobs: Arc<Jobs>,
}

impl Store {
    /// Opens `steward.db` in `dir`, which is made (mode 0700) if it is missing.
    ///
    /// # Errors
    ///
    /// A directory or file that cannot be used, or one of a newer version.
    pub fn open(dir: &Path) -> Result<Self, StoreError> {
        make_directory(dir)?;
        private(&dir.join(FILE))?;
        let mut db = Connection::open(dir.join(FILE))?;
        prepare(&mut db)?;
        let (jobs, queue) = lanes();
        std::thread::Builder::new()
            .name("store".to_owned())
            .spawn(move || {
                while let Some(job) = queue.next() {
                    job(&mut db);
                }
            })?;
        let jobs = Arc::new(jobs);
        Ok(Self { jobs })
    }

    /// Runs `job` on the store's thread and waits for its answer. What `job` committed is on disk,
    /// power cut or not, when this returns.
    ///
    /// # Errors
    ///
    /// What `SQLite` says, or [`StoreError::Stopped`].
    pub async fn run<T, F>(&self, job: F) -> Result<T, StoreError>
    where
        T: Send + 'static,
        F: FnOnce(&mut Connection) -> rusqlite::Result<T> + Send + 'static,
    {
        let (answer, answered) = oneshot::channel();
        let boxed: Job = Box::new(move |db| {
            // Nobody waits any more: what was asked is done all the same.
            let _ = answer.send(job(db));
        });
        if !self.jobs.first(boxed) {
            return Err(StoreError::Stopped);
        }
        Ok(answered.await.map_err(|_| StoreError::Stopped)??)
    }

    /// The same without waiting, once nobody else waits; a failure is logged by `job` itself.
    pub fn queue(&self, job: impl FnOnce(&mut Connection) + Send + 'static) {
        if !self.jobs.later(Box::new(job)) {
            tracing::error!("the store cannot keep up, or has stopped; a refusal is not noted");
        }
    }
}

/// Opens the file in `dir` to be read, while the bot may be writing to it.
///
/// # Errors
///
/// A file that is not there, cannot be read, or is of another version.
pub fn open_to_read(dir: &Path) -> Result<Connection, StoreError> {
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let db = Connection::open_with_flags(dir.join(FILE), flags)?;
    db.busy_timeout(Duration::from_secs(5))?;
    match version(&db)?.cmp(&newest()) {
        std::cmp::Ordering::Less => Err(StoreError::Older(version(&db)?)),
        std::cmp::Ordering::Equal => Ok(db),
        std::cmp::Ordering::Greater => Err(StoreError::Newer(version(&db)?)),
    }
}

fn version(db: &Connection) -> rusqlite::Result<u32> {
    db.pragma_query_value(None, "user_version", |row| row.get(0))
}

fn newest() -> u32 {
    u32::try_from(MIGRATIONS.len()).unwrap_or(u32::MAX)
}

/// Held for as long as a process works with the state in `dir`: a second one would take what the
/// first is doing for what a dead one left behind.
///
/// # Errors
///
/// [`StoreError::InUse`], or a directory that cannot be used.
pub fn lock(dir: &Path) -> Result<File, StoreError> {
    make_directory(dir)?;
    let file = File::options()
        .create(true)
        .truncate(false)
        .write(true)
        .open(dir.join("steward.lock"))?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => Err(StoreError::InUse),
        Err(TryLockError::Error(error)) => Err(error.into()),
    }
}

/// The audit is nobody else's to read, whatever the directory allows. (What `SQLite` keeps beside
/// the file gets the file's mode.)
fn private(file: &Path) -> std::io::Result<()> {
    #[cfg(unix)]
    {
        use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
        let opened = File::options()
            .create(true)
            .truncate(false)
            .write(true)
            .mode(0o600)
            .open(file)?;
        opened.set_permissions(std::fs::Permissions::from_mode(0o600))?;
    }
    Ok(())
}

fn make_directory(dir: &Path) -> std::io::Result<()> {
    let mut builder = std::fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(dir)
}

fn prepare(db: &mut Connection) -> Result<(), StoreError> {
    db.busy_timeout(Duration::from_secs(5))?;
    db.pragma_update(None, "journal_mode", "WAL")?;
    // FULL syncs the log at every commit: an audit entry that was opened survives a power cut.
    db.pragma_update(None, "synchronous", "FULL")?;
    db.pragma_update(None, "foreign_keys", true)?;
    let version = version(db)?;
    if version > newest() {
        return Err(StoreError::Newer(version));
    }
    for (number, migration) in (1..).zip(MIGRATIONS) {
        if number > version {
            let change = db.transaction()?;
            change.execute_batch(migration.sql)?;
            (migration.then)(&change)?;
            change.pragma_update(None, "user_version", number)?;
            change.commit()?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn what_is_committed_survives_a_power_cut() {
        let dir = tempfile::tempdir().unwrap();
        let store = Store::open(dir.path()).unwrap();
        let read = store.run(|db| {
            let journal: String = db.pragma_query_value(None, "journal_mode", |row| row.get(0))?;
            let sync: i64 = db.pragma_query_value(None, "synchronous", |row| row.get(0))?;
            Ok((journal, sync))
        });
        assert_eq!(read.await.unwrap(), ("wal".to_owned(), 2));
    }

    #[test]
    fn a_store_of_a_newer_version_is_left_alone() {
        let dir = tempfile::tempdir().unwrap();
        drop(Store::open(dir.path()).unwrap());
        let db = Connection::open(dir.path().join("steward.db")).unwrap();
        db.pragma_update(None, "user_version", 99).unwrap();
        drop(db);
        assert!(matches!(
            Store::open(dir.path()),
            Err(StoreError::Newer(99))
        ));
    }

    #[test]
    fn a_store_is_read_only_where_there_is_one_of_this_version() {
        let dir = tempfile::tempdir().unwrap();
        assert!(matches!(
            open_to_read(dir.path()),
            Err(StoreError::Sqlite(_))
        ));
        let _running = Store::open(dir.path()).unwrap();
        let db = open_to_read(dir.path()).unwrap();
        assert!(db.execute("DELETE FROM marks", []).is_err());
        let db = Connection::open(dir.path().join(FILE)).unwrap();
        db.pragma_update(None, "user_version", 1).unwrap();
        assert!(matches!(
            open_to_read(dir.path()),
            Err(StoreError::Older(1))
        ));
    }

    #[test]
    fn one_process_at_a_time_and_nobody_else_reads() {
        use std::os::unix::fs::PermissionsExt;
        let dir = tempfile::tempdir().unwrap();
        std::fs::set_permissions(dir.path(), std::fs::Permissions::from_mode(0o755)).unwrap();
        let held = lock(dir.path()).unwrap();
        assert!(matches!(lock(dir.path()), Err(StoreError::InUse)));
        drop(held);
        let _held = lock(dir.path()).unwrap();
        drop(Store::open(dir.path()).unwrap());
        let mode = std::fs::metadata(dir.path().join(FILE))
            .unwrap()
            .permissions()
            .mode();
        assert_eq!(mode & 0o777, 0o600);
    }

    #[test]
    fn a_directory_that_cannot_be_used_is_an_error() {
        assert!(Store::open(Path::new("/proc/nothing/here")).is_err());
    }
}
