//! Asks the homeserver now and then about its features.

use std::{sync::Arc, time::Duration};

use futures_util::FutureExt;
use tokio_util::sync::CancellationToken;

use crate::{
    clock::Clock,
    config::{Config, UsageMode},
    homeserver::{Features, Homeserver, LINKED_MEDIA, announces_linked_media},
    storage::{Database, StorageError, features, media_references},
};

/// How often the homeserver is asked.
const ASK_EVERY: Duration = Duration::from_secs(600);
/// How soon it is asked again if it did not answer; then twice as long each time, up to a minute.
const ASK_AGAIN: Duration = Duration::from_secs(10);
/// How long it takes until then at most.
const ASK_AGAIN_AT_LEAST_EVERY: Duration = Duration::from_secs(60);

/// Keeps the homeserver's features up to date.
#[derive(Debug)]
pub struct FeatureWatch {
    database: Database,
    config: Arc<Config>,
    clock: Clock,
    features: Features,
    homeserver: Arc<Homeserver>,
}

impl FeatureWatch {
    /// A watch that notes the features in a database, and in `features` for all who share them.
    #[must_use]
    pub fn new(
        database: Database,
        config: Arc<Config>,
        clock: Clock,
        features: Features,
        homeserver: Arc<Homeserver>,
    ) -> Self {
        Self {
            database,
            config,
            clock,
            features,
            homeserver,
        }
    }

    /// Asks until it is cancelled. A homeserver that does not answer changes nothing.
    pub async fn run(self, stop: CancellationToken) {
        let work = async {
            let mut failures: u32 = 0;
            loop {
                let wait = match self.homeserver.versions().await {
                    Ok(versions) => match self.learn(announces_linked_media(&versions)).await {
                        Ok(()) => ASK_EVERY,
                        Err(error) => {
                            tracing::error!(%error, "the homeserver's features could not be noted");
                            ASK_AGAIN
                        }
                    },
                    Err(error) => {
                        if failures == 0 {
                            tracing::warn!(%error, "the homeserver does not say what it can do");
                        }
                        let wait = ASK_AGAIN * (1 << failures.min(3));
                        failures = failures.saturating_add(1);
                        wait.min(ASK_AGAIN_AT_LEAST_EVERY)
                    }
                };
                tokio::time::sleep(wait).await;
            }
        };
        tokio::select! {
            () = stop.cancelled() => {}
            () = work => {}
        }
    }

    /// Notes whether media is linked to events. If that is news, media that could not be counted
    /// before is counted now.
    async fn learn(&self, links_media: bool) -> Result<(), StorageError> {
        // Before the write: links issued from now on go by it, and those issued before are found by
        // the write.
        self.features.set_links_media(links_media);
        if features::has(self.database.reader(), LINKED_MEDIA).await? == links_media {
            return Ok(());
        }
        let now = self.clock.now_ms();
        let counts = links_media && self.config.usage.mode == UsageMode::Auto;
        let news = self
            .database
            .writer()
            .write(move |connection| {
                async move {
                    let is_news =
                        features::note(connection, LINKED_MEDIA, links_media, now).await?;
                    let counted = if is_news && counts {
                        media_references::count_disabled(connection, now).await?
                    } else {
                        0
                    };
                    Ok::<_, StorageError>(is_news.then_some(counted))
                }
                .boxed()
            })
            .await?;
        match news {
            Some(usages) if links_media => {
                tracing::info!(
                    usages,
                    "the homeserver links media to events (MSC3911): media is counted by copies"
                );
            }
            Some(_) => tracing::warn!("the homeserver does not link media to events any more"),
            None => {}
        }
        Ok(())
    }
}
