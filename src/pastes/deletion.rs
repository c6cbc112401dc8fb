//! Texts whose links have ended are deleted from the homeserver, where it offers that (MSC4322).

use std::{sync::Arc, time::Duration};

use futures_util::FutureExt;
use tokio_util::sync::CancellationToken;

use crate::{
    clock::Clock,
    config::Settings,
    homeserver::{Features, Homeserver, HomeserverError},
    storage::{
        Database, StorageError,
        leases::Lease,
        own_uploads::{self, UnneededUpload},
    },
};
use medialink_link::matrix::MxcUri;

/// How often texts are looked for whose links have ended.
const LOOK_EVERY: Duration = Duration::from_secs(60);
/// How many are deleted at a time, one after the other.
const AT_A_TIME: i64 = 16;
/// The shortest and the longest wait after an attempt that failed, in milliseconds.
const RETRY_MS: i64 = 60_000;
const LONGEST_RETRY_MS: i64 = 24 * 3_600_000;
/// So many refusals in a row show that the homeserver will never agree; there are two weeks between the
/// first and the last.
const MOST_REFUSALS: i64 = 24;

/// Deletes texts that nothing needs any more.
pub struct PasteDeleter {
    database: Database,
    homeserver: Arc<Homeserver>,
    config: Settings,
    features: Features,
    clock: Clock,
    lease: Lease,
}

/// What comes of an attempt.
#[derive(Clone, Copy)]
enum Outcome {
    /// The homeserver has no such media any more.
    Gone,
    /// It is tried again after this time, in milliseconds.
    Later(i64),
}

impl PasteDeleter {
    /// For the texts of a database.
    #[must_use]
    pub fn new(
        database: Database,
        homeserver: Arc<Homeserver>,
        config: Settings,
        features: Features,
        clock: Clock,
    ) -> Self {
        Self {
            lease: Lease::new(&database, &clock, "pastes"),
            database,
            homeserver,
            config,
            features,
            clock,
        }
    }

    /// Deletes texts until it is cancelled.
    pub async fn run(self, stop: CancellationToken) {
        while !stop.is_cancelled() {
            if self.features.deletes_media() {
                let round = tokio::select! {
                    () = stop.cancelled() => return,
                    round = self.delete_alone() => round,
                };
                match round {
                    Ok(true) => continue,
                    Ok(false) => {}
                    Err(error) => tracing::error!(%error, "pastes could not be deleted"),
                }
            }
            tokio::select! {
                () = stop.cancelled() => {}
                () = self.clock.sleep(LOOK_EVERY) => {}
            }
        }
    }

    /// Deletes the texts that are due; `false`: there are no more, or another replica deletes them.
    async fn delete_alone(&self) -> Result<bool, StorageError> {
        if self.unneeded(1).await?.is_empty() {
            return Ok(false);
        }
        let deleted = self.lease.during(self.delete_some()).await?;
        deleted.unwrap_or(Ok(false))
    }

    async fn unneeded(&self, limit: i64) -> Result<Vec<UnneededUpload>, StorageError> {
        let bridges = self.config.bridges.iter().map(|bridge| bridge.id.clone());
        let bridges: Vec<String> = bridges.collect();
        let now = self.clock.now_ms();
        own_uploads::unneeded(self.database.reader(), &bridges, now, limit).await
    }

    /// Deletes some of the texts that are due; `true`: there may be more.
    async fn delete_some(&self) -> Result<bool, StorageError> {
        let unneeded = self.unneeded(AT_A_TIME).await?;
        let are_all = i64::try_from(unneeded.len()).unwrap_or(AT_A_TIME) < AT_A_TIME;
        for upload in unneeded {
            let outcome = self.delete(&upload).await;
            let now = self.clock.now_ms();
            self.database
                .writer()
                .write::<_, StorageError, _>(move |connection| {
                    async move {
                        match outcome {
                            Outcome::Gone => own_uploads::forget(connection, &upload.mxc).await,
                            Outcome::Later(wait) => {
                                own_uploads::postpone(connection, &upload.mxc, now + wait).await
                            }
                        }
                    }
                    .boxed()
                })
                .await?;
        }
        Ok(!are_all)
    }

    async fn delete(&self, upload: &UnneededUpload) -> Outcome {
        let UnneededUpload {
            mxc,
            bridge,
            attempts,
        } = upload;
        let (Some(of), Ok(uri)) = (self.config.bridge(bridge), MxcUri::parse(mxc)) else {
            return Outcome::Later(LONGEST_RETRY_MS);
        };
        match self.homeserver.delete_media(of, &uri).await {
            Ok(()) => {
                tracing::info!(bridge, mxc, "a paste without links was deleted");
                Outcome::Gone
            }
            Err(error) if is_gone(&error) => Outcome::Gone,
            Err(error) if error.status() == 403 && *attempts >= MOST_REFUSALS => {
                tracing::warn!(bridge, mxc, %error, "a paste without links stays: the homeserver refuses to delete it");
                Outcome::Gone
            }
            Err(error) => {
                tracing::warn!(bridge, mxc, %error, "a paste without links could not be deleted; it is tried again");
                Outcome::Later(wait_ms(&error, *attempts))
            }
        }
    }
}

fn is_gone(error: &HomeserverError) -> bool {
    error.is_not_found() || error.status() == 410
}

/// A minute, and twice as long each time, up to a day; or as long as the homeserver asks for.
fn wait_ms(error: &HomeserverError, attempts: i64) -> i64 {
    let doublings = u32::try_from(attempts.clamp(0, 20)).unwrap_or(0);
    let usual = RETRY_MS.saturating_mul(1 << doublings);
    let wanted = match error {
        HomeserverError::Refused {
            retry_after_ms: Some(wait),
            ..
        } => i64::try_from(*wait).unwrap_or(i64::MAX),
        _ => 0,
    };
    usual.max(wanted).min(LONGEST_RETRY_MS)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::telemetry::ForeignText;

    #[test]
    fn the_wait_doubles_up_to_a_day_and_is_as_long_as_the_homeserver_asks() {
        let waits: Vec<i64> = [0, 1, 2, 10, 11, 99]
            .map(|attempts| wait_ms(&HomeserverError::Slow, attempts) / 60_000)
            .to_vec();
        assert_eq!(waits, [1, 2, 4, 1024, 1440, 1440]);
        let limited = |wait| HomeserverError::Refused {
            status: 429,
            errcode: "M_LIMIT_EXCEEDED".to_owned(),
            message: ForeignText::default(),
            retry_after_ms: Some(wait),
        };
        assert_eq!(wait_ms(&limited(5_000), 0), 60_000);
        assert_eq!(wait_ms(&limited(90_000), 0), 90_000);
        assert_eq!(wait_ms(&limited(u64::MAX), 0), LONGEST_RETRY_MS);
    }
}
