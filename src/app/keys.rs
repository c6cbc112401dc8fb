//! Keys that change while the service runs, or while it did not.

use std::{sync::Arc, time::Duration};

use futures_util::FutureExt;

use tokio_util::sync::CancellationToken;

use crate::{
    clock::Clock,
    config::Settings,
    key_store::{KeyFact, KeyStore},
    links::Links,
    operations::KeyHome,
    storage::{
        Database, StorageError,
        link_keys::{self, AdmitError},
    },
};
use medialink_link::KeyState;

use super::tasks::sleep;

/// How often the keys are looked at.
const LOOK_AT_KEYS_EVERY: Duration = Duration::from_millis(500);

/// Ends the links of keys that were revoked while no service was running.
pub(super) async fn revoke_links_of_revoked_keys(
    links: &Links,
    keys: &KeyStore,
) -> anyhow::Result<()> {
    let ring = keys.ring();
    for id in 0..=u8::MAX {
        if ring
            .get(id)
            .is_some_and(|key| key.state() == KeyState::Revoked)
        {
            let decided = links.revoke_key(id).await?;
            if decided.ended > 0 || decided.open.is_some() {
                tracing::info!(key_id = id, "links of a revoked key are over");
            }
        }
    }
    Ok(())
}

/// Notes which keys there are, if none of them contradicts those that there were before.
pub(super) async fn admit(
    database: &Database,
    facts: Arc<[KeyFact]>,
    now: i64,
) -> Result<(), AdmitError> {
    database
        .writer()
        .write(move |connection| {
            async move { link_keys::admit(connection, &facts, now).await }.boxed()
        })
        .await
}

/// Warns of keys that are gone from the key file although they were not retired.
pub(super) async fn warn_of_missing(
    database: &Database,
    facts: &[KeyFact],
) -> Result<(), StorageError> {
    for id in link_keys::not_retired(database.reader()).await? {
        if facts.iter().all(|key| key.id != id) {
            tracing::warn!(
                key_id = id,
                "a key is missing from the key file: its links answer 404 until it is back, or is retired"
            );
        }
    }
    Ok(())
}

/// Follows the changes of the keys.
pub(super) struct KeyWatch {
    pub(super) links: Links,
    pub(super) keys: KeyStore,
    pub(super) config: Settings,
    pub(super) database: Database,
    pub(super) clock: Clock,
}

impl KeyWatch {
    /// Looks at them until it is cancelled. While it cannot be used, the keys stay as they were.
    pub(super) async fn run(self, stop: CancellationToken) {
        let mut reported = None;
        while sleep(LOOK_AT_KEYS_EVERY, &stop).await {
            match self.look().await {
                Ok(false) => reported = None,
                Ok(true) => {
                    reported = None;
                    tracing::info!(
                        active = self.keys.ring().active().id(),
                        "the link keys have changed"
                    );
                    let ended = revoke_links_of_revoked_keys(&self.links, &self.keys).await;
                    if let Err(error) = ended {
                        tracing::error!(%error, "links of revoked keys could not be ended");
                    }
                }
                Err(error) => {
                    let error = error.to_string();
                    if reported.as_ref() != Some(&error) {
                        tracing::error!(
                            error,
                            "the changed key file cannot be used; the keys stay as they were"
                        );
                        reported = Some(error);
                    }
                }
            }
        }
    }

    /// Takes over keys that have changed; `true` if they have.
    async fn look(&self) -> anyhow::Result<bool> {
        let home = KeyHome::of(&self.config, &self.database);
        let Some(changed) = home.changed(&self.keys).await? else {
            return Ok(false);
        };
        admit(&self.database, changed.facts(), self.clock.now_ms()).await?;
        warn_of_missing(&self.database, &changed.facts()).await?;
        self.keys.take_over(changed);
        Ok(true)
    }
}
