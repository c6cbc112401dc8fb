//! Wishes for purges become entries of the log, and entries that every cache has read are deleted.

use std::collections::HashSet;

use futures_util::FutureExt;
use tokio_util::sync::CancellationToken;

use crate::{
    clock::Clock,
    storage::{Connection, Database, Lock, Lookout, StorageError, cache_purges, purge_log},
};

use super::{GONE_AFTER_MS, PurgeNames};

/// How often the log is trimmed, in milliseconds.
const TRIM_EVERY_MS: i64 = 60_000;

/// Writes the log of purges.
pub struct PurgeLogger {
    database: Database,
    names: PurgeNames,
    clock: Clock,
    trim_at: i64,
    /// Cursors that seemed to be gone at the last trim, with the time at which they were seen last. A clock that
    /// has been set forward makes all seem so, until those that are there have been refreshed.
    suspects: HashSet<(String, i64)>,
}

impl PurgeLogger {
    /// A writer of the log in this database.
    #[must_use]
    pub fn new(database: Database, names: PurgeNames, clock: Clock) -> Self {
        Self {
            database,
            names,
            trim_at: clock.now_ms(),
            clock,
            suspects: HashSet::new(),
        }
    }

    /// Works until it is cancelled.
    pub async fn run(mut self, stop: CancellationToken) {
        let mut lookout = Lookout::new(&self.database, &self.clock, &stop);
        while lookout.begins() {
            let worked = self.work().await;
            if let Err(error) = &worked {
                tracing::error!(%error, "purges of caches could not be logged");
            }
            lookout.wait(self.trim_at, worked.is_err()).await;
        }
    }

    async fn work(&mut self) -> Result<(), StorageError> {
        let now = self.clock.now_ms();
        while cache_purges::is_due(self.database.reader(), now).await? {
            let names = self.names.clone();
            let writer = self.database.writer();
            writer
                .write(move |connection| log_due(connection, names.clone(), now).boxed())
                .await?;
        }
        if !(now + 1..=now + TRIM_EVERY_MS).contains(&self.trim_at) {
            self.trim_at = now + TRIM_EVERY_MS;
            self.trim(now).await?;
        }
        Ok(())
    }

    /// Deletes what every cache has read, and cursors of caches that are gone.
    async fn trim(&mut self, now: i64) -> Result<(), StorageError> {
        let reader = self.database.reader();
        let stale = purge_log::seen_before(reader, now - GONE_AFTER_MS).await?;
        let gone: Vec<_> = stale
            .iter()
            .filter(|cursor| self.suspects.contains(*cursor) && self.clock.is_sure())
            .cloned()
            .collect();
        self.suspects = stale.into_iter().collect();
        for (cache, seen_at) in gone {
            tracing::warn!(
                cache = cache.as_str(),
                "a cache has not been seen for a week; it is emptied if it comes back"
            );
            let writer = self.database.writer();
            writer
                .write::<_, StorageError, _>(move |connection| {
                    let cache = cache.clone();
                    async move { purge_log::drop_cursor(connection, &cache, seen_at).await }.boxed()
                })
                .await?;
        }
        let mut has_more = purge_log::is_trimmable(reader).await?;
        while has_more {
            let writer = self.database.writer();
            has_more = writer
                .write::<_, StorageError, _>(|connection| purge_log::trim(connection).boxed())
                .await?;
        }
        Ok(())
    }
}

/// Moves purges that are due into the log.
async fn log_due(
    connection: &mut Connection,
    names: PurgeNames,
    now: i64,
) -> Result<(), StorageError> {
    connection.lock(&[Lock::PurgeLog]).await?;
    let due = cache_purges::take_due(connection, now).await?;
    let mut entries = Vec::with_capacity(due.len());
    for usage in &due {
        match cache_purges::media_of(connection, *usage).await {
            Ok(links) => entries.push(names.of(&links)),
            // Nobody can follow such a link; the others are not to wait for it.
            Err(error) if error.is_of_row() => {
                tracing::error!(%error, usage, "a link cannot be read, so its media is not purged from the cache");
            }
            Err(error) => return Err(error),
        }
    }
    entries.retain(|names| !names.is_empty());
    purge_log::append(connection, entries).await?;
    cache_purges::done(connection, &due, now).await
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        media::ObjectKeys,
        storage::{engine::run_script, test_database::open},
    };

    #[tokio::test]
    async fn a_link_that_cannot_be_read_keeps_no_other_media_from_being_purged() {
        let (_folder, database) = open().await;
        // An ended link of each of two usages; the first one's row is damaged.
        let written = database.writer().write::<_, StorageError, _>(|connection| {
            async move {
                run_script(connection, "INSERT INTO matrix_ids (id, matrix_id) VALUES (1, '!r:example.org'); \
                     INSERT INTO media_references (id, bridge, room, mxc, state) VALUES \
                     (1, 'irc', 1, 'damaged', 'released'), (2, 'irc', 1, 'mxc://example.org/a', 'released'); \
                     INSERT INTO links (link_id, form, key_id, bridge, media_reference_id, room, \
                     issued_at, state) SELECT 'link' || id, 'short', 1, bridge, id, room, 1, 'revoked' \
                     FROM media_references; \
                     INSERT INTO cache_purges (media_reference_id, purge_at) VALUES (1, 1), (2, 2);").await?;
                Ok(())
            }
            .boxed()
        });
        written.await.expect("writes");
        let clock = Clock::default();
        let names = PurgeNames::new(ObjectKeys::new(&[7; 32]), &[]);
        let mut logger = PurgeLogger::new(database.clone(), names.clone(), clock.clone());
        // A cache that has read nothing keeps what is logged.
        let now = clock.now_ms();
        let joined = database
            .writer()
            .write(move |connection| purge_log::join(connection, "cache", "holder", now).boxed());
        assert_eq!(joined.await.expect("writes"), 0);
        for logged in [1, 2] {
            logger.work().await.expect("logs");
            let now = clock.now_ms();
            let is_due = cache_purges::is_due(database.reader(), now).await;
            assert!(!is_due.expect("reads"), "none stays the first");
            let entries = purge_log::after(database.reader(), 0, 10).await;
            let entries = entries.expect("reads");
            assert_eq!(entries.len(), logged);
            assert!(
                entries
                    .iter()
                    .all(|entry| names.read(&entry.names).count() == 2)
            );
            clock.advance(3_600_000);
            let is_due = cache_purges::is_due(database.reader(), clock.now_ms()).await;
            assert_eq!(is_due.expect("reads"), logged < 2);
        }
    }
}
