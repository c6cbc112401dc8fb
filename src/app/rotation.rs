//! Link keys that are rotated once they have been active for long enough.

use std::time::Duration;

use medialink_link::KeyId;
use time::OffsetDateTime;
use tokio_util::sync::CancellationToken;

use crate::{
    clock::Clock,
    config::{Lifetime, Settings},
    key_store::{self, KeyStore},
    operations::KeyHome,
    storage::{Database, link_keys},
};

use super::tasks::sleep;

/// How often the age of the active key is looked at.
const LOOK_EVERY: Duration = Duration::from_secs(1);
/// How long to wait after a rotation that failed.
const WAIT_AFTER_FAILURE: Duration = Duration::from_secs(60);

/// Rotates the keys by the clock. Others that do so as well find that the new key is young.
pub(super) struct Rotation {
    pub(super) keys: KeyStore,
    pub(super) config: Settings,
    pub(super) database: Database,
    pub(super) clock: Clock,
}

impl Rotation {
    /// Works until it is cancelled.
    pub(super) async fn run(self, stop: CancellationToken) {
        let mut reported = None;
        let mut pause = LOOK_EVERY;
        while sleep(pause, &stop).await {
            pause = LOOK_EVERY;
            let Some((before, now)) = self.due() else {
                continue;
            };
            match self.rotate(before, now).await {
                Ok(rotated) => {
                    reported = None;
                    if let Some((old, new)) = rotated {
                        tracing::info!(active = new, before = old, "the link keys are rotated");
                    }
                }
                Err(error) => {
                    pause = WAIT_AFTER_FAILURE;
                    let error = error.to_string();
                    if reported.as_ref() != Some(&error) {
                        tracing::error!(error, "the link keys could not be rotated");
                        reported = Some(error);
                    }
                }
            }
        }
    }

    /// Whether it is time: keys that were made before the first of these times are too old at the second. The age of
    /// the active key is told as a metric.
    fn due(&self) -> Option<(OffsetDateTime, OffsetDateTime)> {
        let now = OffsetDateTime::UNIX_EPOCH
            + Duration::from_millis(self.clock.now_ms().try_into().ok()?);
        let since = self.keys.active_since()?;
        metrics::gauge!("medialink_active_key_age_seconds").set((now - since).as_seconds_f64());
        let Lifetime::For(every) = self.config.links.rotate_every else {
            return None;
        };
        let before = now.checked_sub(every.try_into().ok()?)?;
        (since < before && self.clock.is_sure()).then_some((before, now))
    }

    async fn rotate(
        &self,
        before: OffsetDateTime,
        now: OffsetDateTime,
    ) -> anyhow::Result<Option<(KeyId, KeyId)>> {
        let home = KeyHome::of(&self.config, &self.database);
        // Keys that contradict the database are not changed.
        home.note(&self.database, self.clock.now_ms()).await?;
        let used = link_keys::highest_used(self.database.reader()).await?;
        let rotated = home.change(move |keys| key_store::rotate_if_older(keys, before, used, now));
        let rotated = rotated.await?;
        home.note(&self.database, self.clock.now_ms()).await?;
        Ok(rotated)
    }
}
