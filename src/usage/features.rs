//! Asks the homeserver now and then about its features.

use std::{sync::Arc, time::Duration};

use futures_util::FutureExt;
use serde_json::Value;
use tokio_util::sync::CancellationToken;

use crate::{
    clock::Clock,
    config::{Settings, UsageMode},
    homeserver::{FEATURES, Features, Homeserver, LINKED_MEDIA, announces},
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
    config: Settings,
    clock: Clock,
    features: Features,
    homeserver: Arc<Homeserver>,
}

impl FeatureWatch {
    /// A watch that notes the features in a database, and in `features` for all who share them.
    #[must_use]
    pub fn new(
        database: Database,
        config: Settings,
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
                    Ok(versions) => match self.learn(&versions).await {
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

    /// Notes the features. If it is news that media is linked to events, media that could not be
    /// counted before is counted now.
    async fn learn(&self, versions: &Value) -> Result<(), StorageError> {
        // Before the write: links issued from now on go by it, and those issued before are found by
        // the write.
        let found = FEATURES.map(|name| (name, announces(versions, name)));
        let mut is_known = true;
        for (name, value) in found {
            self.features.set(name, value);
        }
        for (name, value) in found {
            is_known &= features::has(self.database.reader(), name).await? == value;
        }
        if is_known {
            return Ok(());
        }
        let links_media = self.features.links_media();
        let now = self.clock.now_ms();
        let counts = links_media && self.config.usage.mode == UsageMode::Auto;
        let news = self
            .database
            .writer()
            .write(move |connection| {
                async move {
                    let mut is_news = false;
                    for (name, value) in found {
                        let noted = features::note(connection, name, value, now).await?;
                        is_news |= noted && name == LINKED_MEDIA;
                    }
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
