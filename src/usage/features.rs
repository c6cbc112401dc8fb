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
    /// Whether links were issued here as if media were not linked to events, since media was counted last.
    has_turned: bool,
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
            has_turned: false,
        }
    }

    /// Asks until it is cancelled. A homeserver that does not answer changes nothing.
    pub async fn run(mut self, stop: CancellationToken) {
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
    /// counted before is counted now. Another replica may have noted it first, and have counted what there
    /// was then: what was issued here since is counted as well.
    async fn learn(&mut self, versions: &Value) -> Result<(), StorageError> {
        // Before the write: links issued from now on go by it, and those issued before are found by
        // the write.
        let found = FEATURES.map(|name| (name, announces(versions, name)));
        let mut is_known = true;
        let linked_media = self.features.links_media();
        for (name, value) in found {
            self.features.set(name, value);
        }
        let links_media = self.features.links_media();
        self.has_turned |= links_media && !linked_media;
        for (name, value) in found {
            is_known &= features::has(self.database.reader(), name).await? == value;
        }
        if is_known && !self.has_turned {
            return Ok(());
        }
        let (now, has_turned) = (self.clock.now_ms(), self.has_turned);
        let counts = links_media && self.config.usage.mode == UsageMode::Auto;
        let news = self
            .database
            .writer()
            .write(move |connection| {
                async move {
                    let mut is_news = has_turned;
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
        self.has_turned = false;
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

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::storage::{
        engine::{query_scalar, run_script},
        test_database,
    };

    #[tokio::test]
    async fn what_was_issued_before_this_replica_knew_is_counted() {
        let (folder, database) = test_database::open().await;
        let config = Settings::from(test_database::config(folder.path()));
        let homeserver = Homeserver::new(config.homeserver.clone());
        let homeserver = Arc::new(homeserver.expect("a client"));
        let watch = || {
            let (config, features) = (config.clone(), Features::default());
            let clock = Clock::default();
            FeatureWatch::new(
                database.clone(),
                config,
                clock,
                features,
                Arc::clone(&homeserver),
            )
        };
        let (mut first, mut second) = (watch(), watch());
        let versions = json!({"unstable_features": {LINKED_MEDIA: true}});
        first.learn(&versions).await.expect("notes");
        // The second one has issued a link before it was told.
        let issued = database.writer().write::<_, StorageError, _>(|c| {
            run_script(
                c,
                "INSERT INTO matrix_ids (id, matrix_id) VALUES (1, '!r'); \
                 INSERT INTO media_references (id, bridge, room, mxc, state) VALUES (1, 'irc', 1, 'mxc://a/b', 'disabled'); \
                 INSERT INTO links (link_id, form, key_id, bridge, media_reference_id, room, issued_at, state) \
                 VALUES ('link', 'short', 1, 'irc', 1, 1, 1, 'live')",
            )
            .boxed()
        });
        issued.await.expect("writes");
        second.learn(&versions).await.expect("notes");
        let state = query_scalar::<String>("SELECT state FROM media_references");
        let state = state.fetch_one(database.reader()).await.expect("reads");
        assert_eq!(state, "pending");
    }
}
