//! What is told of queues and caches, as metrics that are measured now and then.

use std::time::Duration;

use tokio_util::sync::CancellationToken;

use crate::{
    clock::Clock,
    media::Cache,
    storage::{Database, StorageError, meta_events},
};

use super::tasks::sleep;

/// How often they are measured.
const MEASURE_EVERY: Duration = Duration::from_secs(10);

/// What is measured.
pub(super) struct Gauges {
    pub(super) database: Database,
    pub(super) clock: Clock,
    pub(super) cache: Option<Cache>,
}

impl Gauges {
    /// Measures until it is cancelled.
    pub(super) async fn run(self, stop: CancellationToken) {
        loop {
            match self.measure_backlog().await {
                Ok(()) => {}
                // That is told by others.
                Err(error) if error.is_outage() => {}
                Err(error) => tracing::warn!(%error, "what waits could not be counted"),
            }
            self.measure_cache();
            if !sleep(MEASURE_EVERY, &stop).await {
                return;
            }
        }
    }

    async fn measure_backlog(&self) -> Result<(), StorageError> {
        let backlog = meta_events::backlog(self.database.reader()).await?;
        let age_ms = backlog.since.map_or(0, |since| self.clock.now_ms() - since);
        let age = Duration::from_millis(age_ms.try_into().unwrap_or_default());
        metrics::gauge!("medialink_usage_waiting").set(exact(backlog.waiting.try_into()));
        metrics::gauge!("medialink_usage_oldest_seconds").set(age.as_secs_f64());
        Ok(())
    }

    fn measure_cache(&self) {
        if let Some(cache) = &self.cache {
            let (bytes, objects) = cache.taken();
            metrics::gauge!("medialink_cache_bytes").set(exact(Ok::<_, ()>(bytes)));
            metrics::gauge!("medialink_cache_objects").set(exact(objects.try_into()));
        }
    }
}

/// A number as metrics have it.
fn exact<E>(number: Result<u64, E>) -> f64 {
    #[expect(clippy::cast_precision_loss, reason = "a rounded number tells as much")]
    number.map_or(0.0, |number| number as f64)
}
