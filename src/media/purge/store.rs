//! The object store that replicas share follows the log of purges: one replica at a time reads it, for all.

use std::time::Duration;

use futures_util::FutureExt;
use tokio_util::sync::CancellationToken;

use crate::{
    clock::{Clock, millis},
    config::S3Config,
    media::store::Bucket,
    storage::{Database, Lookout, StorageError, leases::Lease, purge_log},
};

use super::{ENTRIES_AT_ONCE, PurgeNames, REFRESH_EVERY_MS};

/// The holder of the store's cursor: whoever has the lease.
const ALL: &str = "all";
/// How often objects are looked for that have become too old.
const LOOK_FOR_OLD_EVERY: Duration = Duration::from_secs(86_400);

/// Removes media from the object store, as the log asks for it, and for its age.
pub struct StorePurger {
    database: Database,
    bucket: Bucket,
    names: PurgeNames,
    clock: Clock,
    lease: Lease,
    /// The name of its cursor.
    cache: String,
    max_age: Duration,
    refresh_at: i64,
    look_for_old_at: i64,
}

impl StorePurger {
    /// A purger of a bucket with these settings.
    #[must_use]
    pub fn new(
        database: Database,
        (bucket, config): (Bucket, &S3Config),
        names: PurgeNames,
        clock: Clock,
    ) -> Self {
        let S3Config {
            endpoint,
            bucket: name,
            prefix,
            ..
        } = config;
        Self {
            lease: Lease::new(&database, &clock, "object store"),
            cache: format!("store {endpoint} {name} {prefix}"),
            max_age: config.max_age,
            refresh_at: clock.now_ms(),
            look_for_old_at: clock.now_ms(),
            database,
            bucket,
            names,
            clock,
        }
    }

    /// Works until it is cancelled.
    pub async fn run(mut self, stop: CancellationToken) {
        let mut lookout = Lookout::new(&self.database, &self.clock, &stop);
        while lookout.begins() {
            let worked = tokio::select! {
                () = stop.cancelled() => return,
                worked = self.work_if_due() => worked,
            };
            if let Err(error) = &worked {
                tracing::error!(%error, "the object store of the cache could not be purged");
            }
            lookout.wait(self.refresh_at, worked.is_err()).await;
        }
    }

    async fn work_if_due(&mut self) -> Result<(), StorageError> {
        let now = self.clock.now_ms();
        let has_more = match self.position().await? {
            Some(position) => {
                let reader = self.database.reader();
                !purge_log::after(reader, position, 1).await?.is_empty()
            }
            None => true,
        };
        if has_more || now >= self.refresh_at || now >= self.look_for_old_at {
            let lease = self.lease.clone();
            // Another replica does it, if it is not us.
            lease.during(self.work(now)).await?.unwrap_or(Ok(()))?;
        }
        Ok(())
    }

    async fn position(&self) -> Result<Option<i64>, StorageError> {
        let mut connection = self.database.reader().acquire().await?;
        purge_log::position(&mut connection, &self.cache).await
    }

    async fn work(&mut self, now: i64) -> Result<(), StorageError> {
        let Some(mut position) = self.joined(now).await? else {
            return Ok(());
        };
        loop {
            let reader = self.database.reader();
            let entries = purge_log::after(reader, position, ENTRIES_AT_ONCE).await?;
            let names = entries.iter().map(|entry| &entry.names);
            let keys: Vec<_> = names.flat_map(|names| self.names.read(names)).collect();
            let Some(last) = entries.last().map(|entry| entry.id) else {
                break;
            };
            if !self.bucket.is_deletable() || !self.bucket.delete(&keys).await {
                // It stays in the log until the store answers.
                break;
            }
            position = last;
            self.advance(position, now).await?;
        }
        if now >= self.refresh_at {
            self.advance(position, now).await?;
        }
        if now >= self.look_for_old_at && self.clock.is_sure() {
            self.look_for_old_at = now + millis(LOOK_FOR_OLD_EVERY);
            // What fails is looked for again then.
            self.bucket.delete_older(now - millis(self.max_age)).await;
        }
        Ok(())
    }

    async fn advance(&mut self, position: i64, now: i64) -> Result<(), StorageError> {
        let cache = self.cache.clone();
        let writer = self.database.writer();
        writer
            .write_counts::<_, StorageError, _>(move |connection| {
                let cache = cache.clone();
                async move { purge_log::advance(connection, &cache, ALL, position, now).await }
                    .boxed()
            })
            .await?;
        self.refresh_at = now + REFRESH_EVERY_MS;
        Ok(())
    }

    /// How far the store has been purged. One without a cursor may hold anything, so it is emptied first, while
    /// another cursor keeps the log; `None`: that has failed.
    async fn joined(&self, now: i64) -> Result<Option<i64>, StorageError> {
        if let Some(position) = self.position().await? {
            return Ok(Some(position));
        }
        let writer = self.database.writer();
        let emptying = format!("{} emptying", self.cache);
        let named = emptying.clone();
        writer
            .write_counts::<_, StorageError, _>(move |connection| {
                let cache = named.clone();
                async move { purge_log::join(connection, &cache, ALL, now).await }.boxed()
            })
            .await?;
        if !self.bucket.is_deletable() || !self.bucket.delete_older(i64::MAX).await {
            return Ok(None);
        }
        let cache = self.cache.clone();
        writer
            .write_counts::<_, StorageError, _>(move |connection| {
                let (from, to) = (emptying.clone(), cache.clone());
                async move { purge_log::rename(connection, &from, &to).await }.boxed()
            })
            .await?;
        self.position().await
    }
}
