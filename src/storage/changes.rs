//! The rows that the writer changes, as SQLite reports them, so that caches forget them and workers
//! wake.

use std::{
    collections::HashSet,
    mem,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
};

use sqlx::{
    SqliteConnection,
    sqlite::{SqliteOperation, UpdateHookResult},
};

use super::StorageError;

/// The rows that a group of writes has changed.
#[derive(Debug, Default)]
pub(super) struct Changes {
    /// Rows of `links`.
    pub(super) links: HashSet<i64>,
    /// Rows of `media_references`.
    pub(super) usages: HashSet<i64>,
    /// Whether any link may be another one than before: a decision about many was made.
    pub(super) is_all: bool,
    /// Whether the usage worker may have something new to do.
    pub(super) concerns_usage: bool,
    /// Whether the cache may have something to purge.
    pub(super) concerns_cache: bool,
}

/// Collects the changes of one connection. SQLite reports them itself, so no statement can be
/// overlooked ("Data Change Notification Callbacks", `sqlite3_update_hook`).
#[derive(Debug, Default)]
pub(super) struct ChangeLog {
    changes: Mutex<Changes>,
    is_paused: AtomicBool,
}

impl ChangeLog {
    /// Listens to a connection.
    pub(super) async fn of(connection: &mut SqliteConnection) -> Result<Arc<Self>, StorageError> {
        let log = Arc::<Self>::default();
        let listener = Arc::clone(&log);
        let mut handle = connection.lock_handle().await?;
        handle.set_update_hook(move |update: UpdateHookResult<'_>| {
            let is_new = update.operation == SqliteOperation::Insert;
            listener.add(update.table, update.rowid, is_new);
        });
        Ok(log)
    }

    fn add(&self, table: &str, row: i64, is_new: bool) {
        if self.is_paused.load(Ordering::Relaxed) {
            return;
        }
        let mut changes = self.changes.lock().unwrap_or_else(PoisonError::into_inner);
        match table {
            "links" => {
                changes.links.insert(row);
                // A new link may expire before all others.
                changes.concerns_usage = true;
            }
            "media_references" => {
                changes.usages.insert(row);
                changes.concerns_usage = true;
            }
            "endings" if is_new => {
                changes.is_all = true;
                changes.concerns_usage = true;
            }
            "meta_events" | "room_successors" => changes.concerns_usage = true,
            "cache_purges" | "purge_log" | "front_purges" => changes.concerns_cache = true,
            _ => {}
        }
    }

    /// While paused, changes are not collected: they are to counters, which nobody reads from a
    /// cached row.
    pub(super) fn pause(&self, is_paused: bool) {
        self.is_paused.store(is_paused, Ordering::Relaxed);
    }

    /// The changes since the last call.
    pub(super) fn take(&self) -> Changes {
        mem::take(&mut *self.changes.lock().unwrap_or_else(PoisonError::into_inner))
    }
}
