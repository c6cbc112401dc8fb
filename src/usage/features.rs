//! Asking now and then what the homeserver can do.

use std::{sync::Arc, time::Duration};

use futures_util::FutureExt;
use tokio_util::sync::CancellationToken;

use crate::{
    clock::Clock,
    config::{Config, UsageMode},
    homeserver::{Features, Homeserver, LINKED_MEDIA, tells_linked_media},
    storage::{Database, StorageError, features, media_references},
};

/// How often the homeserver is asked.
const ASK_EVERY: Duration = Duration::from_secs(600);
/// How soon it is asked again if it did not answer.
const ASK_AGAIN: Duration = Duration::from_secs(10);

/// Keeps what is known of the homeserver up to date.
#[derive(Debug)]
pub struct FeatureWatch {
    database: Database,
    config: Arc<Config>,
    clock: Clock,
    features: Features,
    homeserver: Arc<Homeserver>,
}

impl FeatureWatch {
    /// A watch that notes in `features` and in the database what the homeserver can do.
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
        let mut told = false;
        while !stop.is_cancelled() {
            let wait = match self.homeserver.versions().await {
                Ok(versions) => match self.learn(tells_linked_media(&versions)).await {
                    Ok(()) => ASK_EVERY,
                    Err(error) => {
                        tracing::error!(%error, "what the homeserver can do could not be noted");
                        ASK_AGAIN
                    }
                },
                Err(error) => {
                    if !told {
                        tracing::warn!(%error, "the homeserver does not say what it can do");
                    }
                    told = true;
                    ASK_AGAIN
                }
            };
            tokio::select! {
                () = stop.cancelled() => {}
                () = tokio::time::sleep(wait) => {}
            }
        }
    }

    /// Notes whether media is linked to events. If that is news, media that could not be counted
    /// before is counted now.
    async fn learn(&self, links_media: bool) -> Result<(), StorageError> {
        // Before the write: what is issued from now on goes by it, and what was issued before is
        // found by the write.
        self.features.set_links_media(links_media);
        let now = self.clock.now_ms();
        let wakes = links_media && self.config.usage.mode == UsageMode::Auto;
        let news = self
            .database
            .writer()
            .write(move |connection| {
                async move {
                    let is_news =
                        features::note(connection, LINKED_MEDIA, links_media, now).await?;
                    let woken = if is_news && wakes {
                        media_references::count_disabled(connection, now).await?
                    } else {
                        0
                    };
                    Ok::<_, StorageError>(is_news.then_some(woken))
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
