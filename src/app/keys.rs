//! Keys that change while the service runs, or while it did not.

use std::time::Duration;

use tokio_util::sync::CancellationToken;

use crate::{key_store::KeyStore, links::Links};
use medialink_link::KeyState;

use super::tasks::sleep;

/// How often the key file is looked at.
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
            let revoked = links.revoke_key(id).await?;
            if revoked > 0 {
                tracing::info!(
                    key_id = id,
                    links = revoked,
                    "links of a revoked key are over"
                );
            }
        }
    }
    Ok(())
}

/// Follows the changes of the key file.
pub(super) async fn watch_keys(links: Links, keys: KeyStore, stop: CancellationToken) {
    let mut reported = None;
    while sleep(LOOK_AT_KEYS_EVERY, &stop).await {
        match keys.refresh() {
            Ok(false) => reported = None,
            Ok(true) => {
                tracing::info!(
                    active = keys.ring().active().id(),
                    "the link keys have changed"
                );
                if let Err(error) = revoke_links_of_revoked_keys(&links, &keys).await {
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
