//! How long answers hold, and when two of them are enough.

use std::time::Duration;

use crate::{
    clock::millis,
    config::{Config, Lifetime},
};

/// How far two answers that end links may be apart where media is not touched.
const WITHIN: Duration = Duration::from_secs(86_400);
/// The shortest such time: one that touches media more often does not want less certainty.
const WITHIN_AT_LEAST: Duration = Duration::from_secs(60);
/// What `media.revalidate` is taken for where it is `never` and a time is needed.
const USUAL_PERIOD: Duration = Duration::from_secs(300);
/// How far such answers have to be apart at least: requests of one moment may have met the same hiccup.
const APART_MS: i64 = 10_000;
/// How long to wait after the homeserver has not answered.
const PAUSE_MS: i64 = 30_000;
/// For how many periods a reader is answered beside the question.
const PERIODS_BESIDE: i64 = 10;

/// Times in milliseconds.
#[derive(Debug, Clone, Copy)]
pub(super) struct Terms {
    /// For how long media is served without asking; `None`: for ever.
    pub(super) revalidate: Option<i64>,
    /// For how long a reader is answered beside the question; after that, the reader waits for it.
    pub(super) beside: i64,
    /// How long to wait after the homeserver has not answered.
    pub(super) pause: i64,
    /// Two answers that end links are so far apart at least.
    pub(super) apart: i64,
    /// And so far at most.
    pub(super) within: i64,
    /// How soon after the first one we ask again ourselves.
    pub(super) again: i64,
}

impl Terms {
    pub(super) fn of(config: &Config) -> Self {
        let revalidate = match config.media.revalidate {
            Lifetime::Never => None,
            Lifetime::For(period) => Some(millis(period)),
        };
        let within = match config.usage.touch {
            Lifetime::Never => millis(WITHIN),
            Lifetime::For(every) => millis(every.max(WITHIN_AT_LEAST)),
        };
        let period = revalidate.unwrap_or_else(|| millis(USUAL_PERIOD));
        let apart = period.min(APART_MS).min(within / 2);
        Self {
            revalidate,
            beside: period.saturating_mul(PERIODS_BESIDE),
            pause: period.min(PAUSE_MS),
            apart,
            within,
            again: period.min(within / 2).max(apart),
        }
    }
}
