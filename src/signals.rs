//! The signals that stop the process, and one that does not.

use rustix::process::Signal;
use tokio::signal::unix::{SignalKind, signal};
use tokio_util::sync::CancellationToken;

/// The first signal has the service finish the requests that are open; the second one ends it at once.
pub(crate) async fn stop_on_signal(stop: CancellationToken) {
    let signals = (
        signal(SignalKind::terminate()),
        signal(SignalKind::interrupt()),
    );
    let (Ok(mut terminate), Ok(mut interrupt)) = signals else {
        tracing::error!("signals cannot be noticed");
        return;
    };
    for is_second in [false, true] {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
        if is_second {
            tracing::warn!("stopped at once");
            #[expect(
                clippy::disallowed_methods,
                reason = "the second signal ends the process at once"
            )]
            std::process::exit(130);
        }
        stop.cancel();
    }
}

/// Has a write fail that makes a file larger than the process may (`ulimit -f`), as on a full disk: by
/// itself, this ends the process without a word.
pub(crate) fn outlive_file_limits() {
    // The handler stays although nobody waits for the signal.
    let noticed = signal(SignalKind::from_raw(Signal::XFSZ.as_raw()));
    if let Err(error) = noticed {
        tracing::warn!(%error, "a file that becomes too large will end the process");
    }
}
