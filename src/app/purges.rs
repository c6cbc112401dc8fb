//! What has media leave caches when its links have ended.

use crate::{
    front::FrontPurger,
    http::AppState,
    media::{Cache, DiskPurger, PurgeLogger, PurgeNames, StorePurger},
};

use super::supervisor::Supervisor;

/// What has media leave caches when its links have ended.
pub(super) struct Purges {
    logger: PurgeLogger,
    disk: Option<DiskPurger>,
    store: Option<StorePurger>,
    front: Option<FrontPurger>,
}

impl Purges {
    /// Has the caches of this service follow the log of purges, from before they are used.
    pub(super) async fn open(
        state: &AppState,
        names: PurgeNames,
        cache: Option<Cache>,
    ) -> anyhow::Result<Self> {
        let (database, clock) = (state.database.clone(), state.clock.clone());
        let settings = state.config.media.cache.as_ref();
        let settings = settings.and_then(|cache| cache.s3.as_ref());
        let store =
            state.bucket.clone().zip(settings).map(|bucket| {
                StorePurger::new(database.clone(), bucket, names.clone(), clock.clone())
            });
        let disk = match cache {
            None => None,
            Some(cache) => {
                let joined =
                    DiskPurger::join(database.clone(), cache, names.clone(), clock.clone());
                Some(joined.await?)
            }
        };
        let mut front = None;
        if !state.config.purge.is_empty() {
            let (links, config) = (state.links.clone(), state.config.clone());
            let mut purger = FrontPurger::new(database.clone(), links, config, clock.clone())?;
            purger.note_front().await?;
            front = Some(purger);
        }
        Ok(Self {
            logger: PurgeLogger::new(database, names, clock),
            disk,
            store,
            front,
        })
    }

    pub(super) fn start(self, tasks: &mut Supervisor) {
        tasks.keep("purge log", |stop| self.logger.run(stop));
        if let Some(disk) = self.disk {
            tasks.keep("purge", |stop| disk.run(stop));
        }
        if let Some(store) = self.store {
            tasks.keep("purge store", |stop| store.run(stop));
        }
        if let Some(front) = self.front {
            tasks.keep("purge front", |stop| front.run(stop));
        }
    }
}
