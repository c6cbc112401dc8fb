//! Answers of a moment ago that strangers could have worked out again and again: media that a remote
//! server does not have, thumbnails that cannot be made, and what pages tell of media. All of it passes
//! by itself, and none of it decides whether a link may be followed.

use std::{
    future::Future,
    num::NonZeroUsize,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use lru::LruCache;
use moka::{Expiry, future::Cache};

use crate::{
    clock::{Clock, millis},
    homeserver::MediaVariant,
};

use super::{MediaError, object_key::ObjectKey, order::Order};

/// How many failures are remembered.
const MAX_FAILURES: NonZeroUsize = NonZeroUsize::new(4096).expect("not zero");
/// How many characters of an explanation are.
const MAX_EXPLANATION: usize = 500;
/// How many summaries are remembered.
const MAX_SUMMARIES: u64 = 10_000;
/// How long media stays missing: it may arrive at any time.
const MISSING_FOR: Duration = Duration::from_secs(15);
/// How long there is no thumbnail of a file that is no image: its bytes never change.
const NO_THUMBNAIL_FOR: Duration = Duration::from_secs(300);
/// How long anything else holds.
const FAILED_FOR: Duration = Duration::from_secs(5);
/// How long a summary holds.
const SUMMARY_FOR: Duration = Duration::from_secs(60);

/// What a page tells of media whose link does not tell it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MediaSummary {
    /// Its type.
    pub content_type: String,
    /// Its length in bytes, where that is known.
    pub length: Option<u64>,
}

type Summary = Result<MediaSummary, MediaError>;

/// Answers of a moment ago. Clones share them.
#[derive(Clone)]
pub struct RecentAnswers(Arc<Shared>);

struct Shared {
    clock: Clock,
    failures: Mutex<LruCache<ObjectKey, Failure>>,
    /// For a room that bounds sizes the length is found out, where that takes a while.
    summaries: Cache<(ObjectKey, bool), Summary>,
}

struct Failure {
    error: MediaError,
    /// From when to when it holds.
    from_ms: i64,
    until_ms: i64,
}

impl RecentAnswers {
    /// Without any yet.
    #[must_use]
    pub fn new(clock: Clock) -> Self {
        Self(Arc::new(Shared {
            clock,
            failures: Mutex::new(LruCache::new(MAX_FAILURES)),
            summaries: Cache::builder()
                .max_capacity(MAX_SUMMARIES)
                .expire_after(SummaryEnd)
                .build(),
        }))
    }

    fn failures(&self) -> MutexGuard<'_, LruCache<ObjectKey, Failure>> {
        self.0
            .failures
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }

    /// Fails as it did a moment ago, if it did.
    pub(super) fn check(&self, key: &ObjectKey) -> Result<(), MediaError> {
        let now = self.0.clock.now_ms();
        let mut failures = self.failures();
        match failures.get(key) {
            // A clock that was set back makes it no longer.
            Some(failure) if (failure.from_ms..failure.until_ms).contains(&now) => {
                Err(failure.error.clone())
            }
            Some(_) => {
                failures.pop(key);
                Ok(())
            }
            None => Ok(()),
        }
    }

    /// Notes a failure, if it would cost something to fail again. One that holds already does not hold
    /// longer for that.
    pub(super) fn note(&self, key: &ObjectKey, order: &Order, is_remote: bool, error: &MediaError) {
        let Some(time) = holds_for(order, is_remote, error) else {
            return;
        };
        if self.check(key).is_err() {
            return;
        }
        let from_ms = self.0.clock.now_ms();
        let failure = Failure {
            error: shortened(error),
            from_ms,
            until_ms: from_ms.saturating_add(millis(time)),
        };
        self.failures().put(*key, failure);
    }

    /// A summary of a moment ago, or else a new one; those who ask at the same time share it.
    pub(super) async fn summary(
        &self,
        key: &ObjectKey,
        is_bounded: bool,
        ask: impl Future<Output = Summary>,
    ) -> Summary {
        let key = (*key, is_bounded);
        self.0.summaries.get_with(key, ask).await
    }
}

/// How long a failure holds; `None`: it is asked again at once.
fn holds_for(order: &Order, is_remote: bool, error: &MediaError) -> Option<Duration> {
    let is_thumbnail = order.variant != MediaVariant::Original;
    match error {
        // They pass, or cost nothing.
        MediaError::Busy
        | MediaError::TooManyFetches(_)
        | MediaError::NotYetUploaded
        | MediaError::TooLargeForRoom => None,
        // The homeserver asks the server of the media each time.
        MediaError::Gone => (is_remote || is_thumbnail).then_some(MISSING_FOR),
        MediaError::NoThumbnail if is_thumbnail => Some(NO_THUMBNAIL_FOR),
        // Here or at the homeserver, thumbnails cost time.
        _ => is_thumbnail.then_some(FAILED_FOR),
    }
}

fn shortened(error: &MediaError) -> MediaError {
    match error {
        MediaError::Failed(text) => {
            MediaError::Failed(text.chars().take(MAX_EXPLANATION).collect())
        }
        other => other.clone(),
    }
}

struct SummaryEnd;

impl Expiry<(ObjectKey, bool), Summary> for SummaryEnd {
    fn expire_after_create(
        &self,
        _: &(ObjectKey, bool),
        told: &Summary,
        _: Instant,
    ) -> Option<Duration> {
        Some(match told {
            Ok(_) => SUMMARY_FOR,
            Err(MediaError::Gone) => MISSING_FOR,
            Err(_) => FAILED_FOR,
        })
    }
}
