//! What the service manager is told, as systemd has it (`sd_notify`, `sd_watchdog_enabled`). Without one, nothing is.

use std::time::Duration;

use sd_notify::NotifyState;
use tokio_util::sync::CancellationToken;

/// The service answers.
pub(super) fn tell_ready() {
    tell(NotifyState::Ready);
}

/// The service reads its configuration again.
pub(super) fn tell_reloading() {
    let told = NotifyState::monotonic_usec_now()
        .and_then(|now| sd_notify::notify(&[NotifyState::Reloading, now]));
    if let Err(error) = told {
        tracing::warn!(%error, "the service manager could not be told how the service is");
    }
}

/// The service is about to end.
pub(super) fn tell_stopping() {
    tell(NotifyState::Stopping);
}

fn tell(state: NotifyState<'_>) {
    if let Err(error) = sd_notify::notify(&[state]) {
        tracing::warn!(%error, "the service manager could not be told how the service is");
    }
}

/// How often the service manager wants to hear that the service is alive: twice in the time after which it would
/// start it again.
pub(super) fn watchdog_every() -> Option<Duration> {
    sd_notify::watchdog_enabled().map(|within| within / 2)
}

/// Tells that the service is alive, until `stop`.
pub(super) async fn keep_alive(every: Duration, stop: CancellationToken) {
    let mut ticks = tokio::time::interval(every.max(Duration::from_millis(1)));
    loop {
        tokio::select! {
            () = stop.cancelled() => return,
            _ = ticks.tick() => tell(NotifyState::Watchdog),
        }
    }
}
