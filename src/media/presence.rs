//! Whether media is still there that the homeserver may take back without telling us.

use std::{future::Future, time::Duration};

use moka::future::Cache;

/// How long an answer is believed.
const BELIEVED_FOR: Duration = Duration::from_secs(30);
/// How many answers are remembered.
const MAX_ANSWERS: u64 = 10_000;

/// What the homeserver has said of media that no event vouches for. The cache gives such media only
/// while the homeserver would: it may have been quarantined there.
#[derive(Clone)]
pub struct Presence(Cache<String, bool>);

impl Default for Presence {
    fn default() -> Self {
        Self(
            Cache::builder()
                .max_capacity(MAX_ANSWERS)
                .time_to_live(BELIEVED_FOR)
                .build(),
        )
    }
}

impl Presence {
    /// The media of a link came from the homeserver.
    pub async fn was_given(&self, link_id: &str) {
        self.0.insert(link_id.to_owned(), true).await;
    }

    /// Whether the media of a link is there: as it was said a moment ago, or by asking, once for
    /// all who wait for it.
    pub async fn is_there(&self, link_id: &str, ask: impl Future<Output = bool>) -> bool {
        self.0.get_with_by_ref(link_id, ask).await
    }
}
