//! Removes media from the cache when its last link was revoked, redacted or used up.

use std::{sync::Arc, time::Duration};

use futures_util::FutureExt;
use tokio_util::sync::CancellationToken;

use crate::{
    clock::Clock,
    config::ThumbnailSize,
    homeserver::MediaVariant,
    storage::{Database, StorageError, cache_purges},
};

use super::{Cache, ObjectKeys, ThumbnailMethod};

/// How often to look in any case: some purges become due as time passes.
const LOOK_ANYWAY_EVERY: Duration = Duration::from_secs(5);

/// Removes media from the cache as the database asks for it.
pub struct Purger {
    database: Database,
    cache: Cache,
    object_keys: ObjectKeys,
    thumbnails: Arc<[ThumbnailSize]>,
    clock: Clock,
}

impl Purger {
    /// A purger of a cache. `thumbnails`: the sizes that may be in it.
    #[must_use]
    pub fn new(
        database: Database,
        cache: Cache,
        object_keys: ObjectKeys,
        thumbnails: &[ThumbnailSize],
        clock: Clock,
    ) -> Self {
        Self {
            database,
            cache,
            object_keys,
            thumbnails: thumbnails.into(),
            clock,
        }
    }

    /// Works until it is cancelled.
    pub async fn run(self, stop: CancellationToken) {
        let mut changed = self.database.writer().cache_changed();
        while !stop.is_cancelled() {
            changed.mark_unchanged();
            if let Err(error) = self.purge_due().await {
                tracing::error!(%error, "the cache could not be purged");
            }
            tokio::select! {
                () = stop.cancelled() => {}
                Ok(()) = changed.changed() => {}
                () = tokio::time::sleep(LOOK_ANYWAY_EVERY) => {}
            }
        }
    }

    async fn purge_due(&self) -> Result<(), StorageError> {
        let now = self.clock.now_ms();
        let due = cache_purges::due(self.database.reader(), now).await?;
        if due.is_empty() {
            return Ok(());
        }
        let mut keys = Vec::new();
        for id in &due {
            let media = match cache_purges::media_of(self.database.reader(), *id).await {
                Ok(media) => media,
                // Nobody can follow such a link; the others are not to wait for it.
                Err(error) if error.is_of_row() => {
                    tracing::error!(%error, usage = id, "a link cannot be read, so its media is not purged from the cache");
                    continue;
                }
                Err(error) => return Err(error),
            };
            for link in &media {
                // Under its bridge's name, if it came while media was linked to events.
                for bridge in [None, Some(link.bridge.as_str())] {
                    let key = |variant| self.object_keys.key(&link.claims, variant, bridge);
                    keys.extend(self.variants().map(key));
                }
            }
        }
        self.cache.purge(keys).await;
        self.database
            .writer()
            .write(move |connection| {
                async move { cache_purges::done(connection, &due, now).await }.boxed()
            })
            .await
    }

    /// The original and every thumbnail that the cache may hold of one medium.
    fn variants(&self) -> impl Iterator<Item = MediaVariant> {
        let sizes = self.thumbnails.iter();
        let (crop, scale) = (ThumbnailMethod::Crop, ThumbnailMethod::Scale);
        let kinds = [(crop, false), (crop, true), (scale, false), (scale, true)];
        let thumbnails = sizes.flat_map(move |size| {
            kinds.map(|(method, animated)| MediaVariant::Thumbnail {
                width: size.width,
                height: size.height,
                method: method.as_str(),
                animated,
            })
        });
        std::iter::once(MediaVariant::Original).chain(thumbnails)
    }
}

#[cfg(test)]
mod tests {
    use crate::{config::CacheConfig, storage::Opener};

    use super::*;
    use crate::config::DatabaseConfig;
    use crate::storage::engine::run_script;

    #[tokio::test]
    async fn a_link_that_cannot_be_read_keeps_no_other_media_from_being_purged() {
        let folder = tempfile::tempdir().expect("a folder");
        let database = Database::open(
            &DatabaseConfig::Sqlite(folder.path().join("m.db")),
            Opener::Service,
        )
        .await;
        let database = database.expect("opens");
        // An ended link of each of two usages; the first one's row is damaged.
        let written = database.writer().write::<_, StorageError, _>(|connection| {
            async move {
                run_script(connection, "INSERT INTO media_references (id, bridge, room_id, mxc, state) VALUES \
                     (1, 'irc', '!r:example.org', 'damaged', 'released'), \
                     (2, 'irc', '!r:example.org', 'mxc://example.org/a', 'released'); \
                     INSERT INTO links (link_id, form, key_id, bridge, media_reference_id, room_id, mxc, \
                     issued_at, state) SELECT 'link' || id, 'short', 1, bridge, id, room_id, mxc, 1, 'revoked' \
                     FROM media_references; \
                     INSERT INTO cache_purges (media_reference_id, purge_at) VALUES (1, 1), (2, 2);").await?;
                Ok(())
            }
            .boxed()
        });
        written.await.expect("writes");
        let settings = CacheConfig {
            dir: folder.path().join("cache"),
            max_size_bytes: 1 << 20,
        };
        let cache = Cache::open(&settings).expect("opens");
        let (keys, clock) = (ObjectKeys::new(&[7; 32]), Clock::default());
        let purger = Purger::new(database.clone(), cache, keys, &[], clock.clone());
        for left in [2, 0] {
            purger.purge_due().await.expect("purges");
            let now = clock.now_ms();
            let due = cache_purges::due(database.reader(), now).await;
            assert!(due.expect("reads").is_empty(), "none stays the first");
            let later = cache_purges::due(database.reader(), now + 3_600_000).await;
            assert_eq!(later.expect("reads").len(), left);
            clock.advance(3_600_000);
        }
    }
}
