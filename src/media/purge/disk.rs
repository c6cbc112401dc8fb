//! The cache on the disk of this replica follows the log of purges.

use futures_util::FutureExt;
use tokio_util::sync::CancellationToken;

use crate::{
    clock::Clock,
    media::{Cache, cache::Mark},
    random,
    storage::{Database, Lookout, StorageError, purge_log},
};

use super::{ENTRIES_AT_ONCE, PurgeNames, REFRESH_EVERY_MS};

/// Removes media from the cache on disk as the log asks for it.
pub struct DiskPurger {
    database: Database,
    cache: Cache,
    names: PurgeNames,
    clock: Clock,
    mark: Mark,
    seen_at: i64,
}

impl DiskPurger {
    /// Has a cache follow the log from where it has come to. One of which the log cannot say what it has missed is
    /// emptied: it is another database's, an older copy of it, or was away for so long that its cursor was dropped.
    ///
    /// # Errors
    /// If the database fails.
    pub async fn join(
        database: Database,
        cache: Cache,
        names: PurgeNames,
        clock: Clock,
    ) -> Result<Self, StorageError> {
        let now = clock.now_ms();
        let mark = match cache.mark() {
            Some(mark) if mark.names == names.fingerprint() => resume(&database, mark, now).await?,
            _ => None,
        };
        let mark = match mark {
            Some(mark) => mark,
            None => begin(&database, &cache, names.fingerprint(), now).await?,
        };
        Ok(Self {
            database,
            cache,
            names,
            clock,
            mark,
            seen_at: now,
        })
    }

    /// Works until it is cancelled.
    pub async fn run(mut self, stop: CancellationToken) {
        let mut lookout = Lookout::new(&self.database, &self.clock, &stop);
        while lookout.begins() {
            let purged = self.purge_logged().await;
            if let Err(error) = &purged {
                tracing::error!(%error, "the cache could not be purged");
            }
            let refresh_at = self.seen_at + REFRESH_EVERY_MS;
            lookout.wait(refresh_at, purged.is_err()).await;
        }
    }

    async fn purge_logged(&mut self) -> Result<(), StorageError> {
        loop {
            let (reader, position) = (self.database.reader(), self.mark.to);
            let entries = purge_log::after(reader, position, ENTRIES_AT_ONCE).await?;
            let Some(last) = entries.last().map(|entry| entry.id) else {
                break;
            };
            let names = entries.iter().map(|entry| &entry.names);
            let keys = names.flat_map(|names| self.names.read(names)).collect();
            self.cache.purge(keys).await;
            let mark = Mark {
                from: position,
                to: last,
                ..self.mark.clone()
            };
            self.cache.set_mark(mark.clone()).await;
            self.mark = mark;
            self.advance().await?;
        }
        if self.clock.now_ms() >= self.seen_at + REFRESH_EVERY_MS {
            self.advance().await?;
        }
        Ok(())
    }

    /// Tells the others how far it has come.
    async fn advance(&mut self) -> Result<(), StorageError> {
        let (cache, position) = (self.mark.cache.clone(), self.mark.to);
        let (holder, now) = (self.database.replica(), self.clock.now_ms());
        let writer = self.database.writer();
        let is_ours = writer
            .write_counts::<_, StorageError, _>(move |connection| {
                let (cache, holder) = (cache.clone(), holder.clone());
                async move { purge_log::advance(connection, &cache, &holder, position, now).await }
                    .boxed()
            })
            .await?;
        if !is_ours {
            tracing::warn!(
                "the cache has lost its place in the log of purges: it was away for too long, or another one is a copy of \
                 it; it is emptied"
            );
            let fingerprint = self.names.fingerprint();
            self.mark = begin(&self.database, &self.cache, fingerprint, now).await?;
        }
        self.seen_at = now;
        Ok(())
    }
}

/// Goes on from a mark; `None`: the log does not know it.
async fn resume(database: &Database, mark: Mark, now: i64) -> Result<Option<Mark>, StorageError> {
    let (cache, holder) = (mark.cache.clone(), database.replica());
    let writer = database.writer();
    let position = writer
        .write_counts::<_, StorageError, _>(move |connection| {
            let (cache, holder) = (cache.clone(), holder.clone());
            async move {
                purge_log::claim(connection, &cache, &holder, now).await?;
                purge_log::position(connection, &cache).await
            }
            .boxed()
        })
        .await?;
    // The database learns of a step after the folder.
    let known = position.filter(|position| [mark.from, mark.to].contains(position));
    Ok(known.map(|_| mark))
}

/// Empties a cache, and begins a cursor for it at the end of the log.
async fn begin(
    database: &Database,
    cache: &Cache,
    names: String,
    now: i64,
) -> Result<Mark, StorageError> {
    cache.empty().await;
    let (id, holder) = (random::id(), database.replica());
    let named = id.clone();
    let writer = database.writer();
    let position = writer
        .write_counts::<_, StorageError, _>(move |connection| {
            let (id, holder) = (named.clone(), holder.clone());
            async move { purge_log::join(connection, &id, &holder, now).await }.boxed()
        })
        .await?;
    let mark = Mark {
        cache: id,
        names,
        from: position,
        to: position,
    };
    cache.set_mark(mark.clone()).await;
    Ok(mark)
}
