//! Remembers for a moment whether the homeserver still has media that it may remove without notice.

use std::{future::Future, time::Duration};

use moka::future::Cache;

/// How long an answer holds.
const ANSWERS_HOLD_FOR: Duration = Duration::from_secs(30);
/// How many answers are cached.
const MAX_ANSWERS: u64 = 10_000;

/// The homeserver's latest answers about media that no event vouches for. Such media is served from
/// the cache only while the homeserver has it: it may have been quarantined there.
#[derive(Clone)]
pub struct Availability(Cache<String, bool>);

impl Default for Availability {
    fn default() -> Self {
        Self(
            Cache::builder()
                .max_capacity(MAX_ANSWERS)
                .time_to_live(ANSWERS_HOLD_FOR)
                .build(),
        )
    }
}

impl Availability {
    /// Notes that the media of a link has just come from the homeserver.
    pub async fn confirm(&self, link_id: &str) {
        self.0.insert(link_id.to_owned(), true).await;
    }

    /// Whether the homeserver has the media of a link: by its answer of a moment ago, or by asking,
    /// once for all requests that wait for it.
    pub async fn is_available(&self, link_id: &str, ask: impl Future<Output = bool>) -> bool {
        self.0.get_with_by_ref(link_id, ask).await
    }
}
