//! Touching media, for homeservers that count downloads (Synapse's `media_retention`).

use std::{sync::Arc, time::Duration};

use futures_util::FutureExt;
use tokio_util::sync::CancellationToken;

use crate::{
    clock::{Clock, millis},
    config::Config,
    homeserver::MediaClient,
    storage::{
        Database, StorageError,
        touches::{self, DueTouch},
    },
};
use medialink_link::matrix::{ContentToken, MxcUri};

/// How long to wait after a touch that failed, in milliseconds.
const RETRY_MS: i64 = 10 * 60 * 1000;
/// How long to wait when nothing is due. Touches are about days, so nobody wakes the toucher.
const IDLE: Duration = Duration::from_secs(5);

/// Touches media with live links, spread evenly: local media in any case, media of other servers
/// for the follows that were answered from the cache.
pub struct Toucher {
    database: Database,
    homeserver: MediaClient,
    config: Arc<Config>,
    clock: Clock,
}

impl Toucher {
    /// A toucher for the links of a database.
    #[must_use]
    pub fn new(
        database: Database,
        homeserver: MediaClient,
        config: Arc<Config>,
        clock: Clock,
    ) -> Self {
        Self {
            database,
            homeserver,
            config,
            clock,
        }
    }

    /// Touches media that is due until it is cancelled, each once in `every`, at most at `usage.touch_rate`.
    pub async fn run(self, every: Duration, stop: CancellationToken) {
        let rate = self.config.usage.touch_rate;
        let pause = rate.per / rate.amount;
        while !stop.is_cancelled() {
            let wait = match self.touch_next(millis(every)).await {
                Ok(true) => pause,
                Ok(false) => IDLE.max(pause),
                Err(error) => {
                    tracing::error!(%error, "media could not be touched");
                    IDLE.max(pause)
                }
            };
            tokio::select! {
                () = stop.cancelled() => {}
                () = self.clock.sleep(wait) => {}
            }
        }
    }

    /// Touches the media that is due first; `false`: none is due.
    async fn touch_next(&self, every_ms: i64) -> Result<bool, StorageError> {
        let now = self.clock.now_ms();
        let Some(due) = touches::next_due(self.database.reader(), now).await? else {
            return Ok(false);
        };
        let outcome = self.touch(&due).await;
        let own = &self.config.homeserver.server_name;
        let is_local = MxcUri::parse(&due.mxc).is_ok_and(|mxc| mxc.is_of(own));
        self.database
            .writer()
            .write::<_, StorageError, _>(move |connection| {
                async move {
                    let mxc = due.mxc.as_str();
                    let (next, retry) = (now + every_ms, now + RETRY_MS);
                    match outcome {
                        TouchOutcome::Touched if is_local => {
                            touches::touched(connection, mxc, next, 0).await
                        }
                        TouchOutcome::Touched => {
                            touches::touched_elsewhere(connection, mxc, next).await
                        }
                        TouchOutcome::Missing if due.misses == 0 => {
                            touches::touched(connection, mxc, retry, 1).await
                        }
                        TouchOutcome::Failed => {
                            touches::touched(connection, mxc, retry, due.misses).await
                        }
                        TouchOutcome::Missing | TouchOutcome::Unlinked => {
                            touches::forget(connection, mxc).await
                        }
                    }
                }
                .boxed()
            })
            .await?;
        Ok(true)
    }

    async fn touch(&self, due: &DueTouch) -> TouchOutcome {
        let bridge = due.bridge.as_deref().and_then(|id| self.config.bridge(id));
        let (Some(bridge), Ok(mxc)) = (bridge, MxcUri::parse(&due.mxc)) else {
            return TouchOutcome::Unlinked;
        };
        let token = due
            .content_token
            .as_deref()
            .and_then(|text| ContentToken::parse(text).ok());
        match self.homeserver.touch(bridge, &mxc, token.as_ref()).await {
            Ok(()) => TouchOutcome::Touched,
            Err(error) if error.status() == 404 => {
                if due.misses > 0 {
                    tracing::warn!(mxc = %due.mxc, "the homeserver no longer has media that is linked");
                }
                TouchOutcome::Missing
            }
            Err(error) => {
                tracing::warn!(mxc = %due.mxc, %error, "media could not be touched");
                TouchOutcome::Failed
            }
        }
    }
}

enum TouchOutcome {
    Touched,
    /// The homeserver does not have the media. If it says so twice in a row, the media has gone.
    Missing,
    Failed,
    /// No link is live any more.
    Unlinked,
}
