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

/// How many times media is counted once it can be: what is issued while a replica learns that may be stored after
/// the first time.
const COUNTS: u8 = 2;
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
    /// How many times media is still to be counted that was issued as if media were not linked to events.
    counts_left: u8,
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
            counts_left: 0,
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
        if links_media && !linked_media {
            self.counts_left = COUNTS;
        }
        for (name, value) in found {
            is_known &= features::has(self.database.reader(), name).await? == value;
        }
        let counts_again = self.counts_left > 0;
        if is_known && !counts_again {
            return Ok(());
        }
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
                    let counted = if (is_news || counts_again) && counts {
                        media_references::count_disabled(connection, now).await?
                    } else {
                        0
                    };
                    Ok::<_, StorageError>((is_news, counted))
                }
                .boxed()
            })
            .await?;
        self.counts_left = self.counts_left.saturating_sub(1);
        match news {
            (is_news, usages) if links_media && (is_news || usages > 0) => {
                tracing::info!(
                    usages,
                    "the homeserver links media to events (MSC3911): media is counted by copies"
                );
            }
            (true, _) => tracing::warn!("the homeserver does not link media to events any more"),
            (false, _) => {}
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;
    use tempfile::TempDir;

    use super::*;
    use crate::storage::{
        engine::{query_scalar, run_script},
        test_database,
    };

    struct Scene {
        _folder: TempDir,
        database: Database,
        config: Settings,
        homeserver: Arc<Homeserver>,
    }

    impl Scene {
        async fn new() -> Self {
            let (folder, database) = test_database::open().await;
            let config = Settings::from(test_database::config(folder.path()));
            let homeserver = Homeserver::new(config.homeserver.clone());
            Self {
                _folder: folder,
                database,
                config,
                homeserver: Arc::new(homeserver.expect("a client")),
            }
        }

        fn watch(&self) -> FeatureWatch {
            FeatureWatch::new(
                self.database.clone(),
                self.config.clone(),
                Clock::default(),
                Features::default(),
                Arc::clone(&self.homeserver),
            )
        }

        /// Stores a link as a replica does that does not know that media is linked to events.
        async fn issue(&self) {
            let issued = self.database.writer().write::<_, StorageError, _>(|c| {
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
        }

        async fn state(&self) -> String {
            let state = query_scalar::<String>("SELECT state FROM media_references");
            state
                .fetch_one(self.database.reader())
                .await
                .expect("reads")
        }
    }

    async fn learn(watch: &mut FeatureWatch) {
        let versions = json!({"unstable_features": {LINKED_MEDIA: true}});
        watch.learn(&versions).await.expect("notes");
    }

    #[tokio::test]
    async fn what_was_issued_before_this_replica_knew_is_counted() {
        let scene = Scene::new().await;
        let (mut first, mut second) = (scene.watch(), scene.watch());
        learn(&mut first).await;
        // The second one has issued a link before it was told.
        scene.issue().await;
        learn(&mut second).await;
        assert_eq!(scene.state().await, "pending");
    }

    #[tokio::test]
    async fn what_was_being_issued_while_this_replica_learned_is_counted() {
        let scene = Scene::new().await;
        let mut watch = scene.watch();
        learn(&mut watch).await;
        // It had begun before, and is stored after.
        scene.issue().await;
        learn(&mut watch).await;
        assert_eq!(scene.state().await, "pending");
    }
}
