//! Whether the object store answers: one that has failed is left alone for a while.

use std::{
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use crate::telemetry::ForeignText;

/// How long it is left alone after a failure.
const REST: Duration = Duration::from_secs(10);

/// What it is asked for. One that is full may still be read from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Way {
    Read,
    Write,
    Delete,
}

impl Way {
    fn name(self) -> &'static str {
        match self {
            Self::Read => "read",
            Self::Write => "write",
            Self::Delete => "delete",
        }
    }
}

/// When and why each way has failed. Clones share it.
#[derive(Debug, Clone, Default)]
pub(super) struct Health(Arc<Mutex<Failures>>);

/// By way.
type Failures = [Option<(Instant, ForeignText)>; 3];

impl Health {
    fn lock(&self) -> MutexGuard<'_, Failures> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether it may be asked now.
    pub(super) fn is_usable(&self, way: Way) -> bool {
        let failed = &self.lock()[way as usize];
        failed.as_ref().is_none_or(|(at, _)| at.elapsed() >= REST)
    }

    pub(super) fn note_success(&self, way: Way) {
        if self.lock()[way as usize].take().is_some() {
            metrics::gauge!("medialink_object_store_failing", "way" => way.name()).set(0);
            tracing::info!(
                way = way.name(),
                "the object store of the cache answers again"
            );
        }
    }

    /// Notes a failure, and says so in the log the first time.
    pub(super) fn note_failure(&self, way: Way, why: ForeignText) {
        metrics::counter!("medialink_object_store_failures_total", "way" => way.name())
            .increment(1);
        let before = self.lock()[way as usize].replace((Instant::now(), why.clone()));
        if before.is_none() {
            metrics::gauge!("medialink_object_store_failing", "way" => way.name()).set(1);
            tracing::warn!(
                way = way.name(), %why,
                "the object store of the cache fails; the service goes on with its disk and the homeserver"
            );
        }
    }

    /// Why it fails now, if it does.
    pub(super) fn failure(&self) -> Option<String> {
        let ways = [Way::Read, Way::Write, Way::Delete];
        let failures = self.lock();
        let mut failures = ways.iter().zip(failures.iter());
        failures.find_map(|(way, failed)| {
            let (_, why) = failed.as_ref()?;
            Some(format!("{}: {why}", way.name()))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_way_that_has_failed_is_left_alone_and_the_others_are_not() {
        let health = Health::default();
        health.note_failure(Way::Write, ForeignText::new("it is full"));
        assert!(!health.is_usable(Way::Write));
        assert!(health.is_usable(Way::Read));
        assert_eq!(health.failure().as_deref(), Some("write: it is full"));
        health.note_success(Way::Read);
        assert!(!health.is_usable(Way::Write));
        health.note_success(Way::Write);
        assert!(health.is_usable(Way::Write));
        assert_eq!(health.failure(), None);
    }
}
