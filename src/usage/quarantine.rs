//! Media that an administrator of the homeserver quarantines is not served any more within seconds.

use std::{sync::Arc, time::Duration};

use tokio_util::sync::CancellationToken;

use crate::{
    config::Secret,
    homeserver::{Homeserver, HomeserverError},
    links::Presence,
    storage::StorageError,
};

/// How often the list is read.
const READ_EVERY: Duration = Duration::from_secs(2);
/// How many pages of it are read before that time is waited for again.
const PAGES_AT_ONCE: usize = 1000;
/// How long to wait after the homeserver has failed, or has refused.
const WAIT_AFTER_FAILURE: Duration = Duration::from_secs(30);

/// Why the list could not be followed.
#[derive(Debug, thiserror::Error)]
enum FollowError {
    #[error(transparent)]
    Homeserver(#[from] HomeserverError),
    #[error(transparent)]
    Storage(#[from] StorageError),
}

/// Follows the homeserver's list of quarantined media. Each service does so for itself, since each remembers for
/// itself what the homeserver has said.
pub struct QuarantineFollower {
    homeserver: Arc<Homeserver>,
    presence: Presence,
    admin_token: Secret,
    /// From where the list goes on; `None`: it was not read yet.
    next: Option<i64>,
}

impl QuarantineFollower {
    /// A follower with the access token of an administrator.
    #[must_use]
    pub fn new(homeserver: Arc<Homeserver>, presence: Presence, admin_token: Secret) -> Self {
        Self {
            homeserver,
            presence,
            admin_token,
            next: None,
        }
    }

    /// Works until it is cancelled.
    pub async fn run(mut self, stop: CancellationToken) {
        let mut failed = false;
        loop {
            let followed = tokio::select! {
                () = stop.cancelled() => return,
                followed = self.follow() => followed,
            };
            let wait = match followed {
                Ok(()) => {
                    failed = false;
                    READ_EVERY
                }
                Err(error) => {
                    self.told(&error, failed);
                    failed = true;
                    WAIT_AFTER_FAILURE
                }
            };
            tokio::select! {
                () = stop.cancelled() => return,
                () = tokio::time::sleep(wait) => {}
            }
        }
    }

    /// Says once why the list could not be followed. One that is shorter than it was is read from its beginning: the
    /// homeserver has an older database.
    fn told(&mut self, error: &FollowError, before: bool) {
        if let FollowError::Homeserver(error) = error
            && error.status() == 400
        {
            self.next = None;
        }
        if !before {
            tracing::warn!(%error, "the homeserver's list of quarantined media cannot be read");
        }
    }

    /// Reads to the end of the list. What was quarantined before this service has started is asked for again anyway
    /// before it is served.
    async fn follow(&mut self) -> Result<(), FollowError> {
        for _ in 0..PAGES_AT_ONCE {
            let from = self.next.unwrap_or_default();
            let list = self.homeserver.quarantine_changes(&self.admin_token, from);
            let list = list.await?;
            if !list.changes.is_empty() {
                self.presence.quarantined(&list.changes).await?;
            }
            self.next = Some(list.next);
            // A page without a known change may be followed by others.
            if list.next <= from {
                break;
            }
        }
        Ok(())
    }
}
