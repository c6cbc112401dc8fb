//! `serve`.

use std::process::ExitCode;

use tokio::signal::unix::{SignalKind, signal};
use tokio_util::sync::CancellationToken;

use crate::{
    app::{Application, Listeners},
    clock::Clock,
    config::Config,
};

pub(super) async fn run(config: Config) -> anyhow::Result<ExitCode> {
    let listeners = Listeners::bind(&config)?;
    let application = Application::build(config, listeners, Clock::default()).await?;
    let stop = CancellationToken::new();
    tokio::spawn(stop_on_signal(stop.clone()));
    application.run_until_stopped(stop).await?;
    Ok(ExitCode::SUCCESS)
}

/// The first signal has the service finish what runs; the second one ends it at once.
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
            std::process::exit(130);
        }
        stop.cancel();
    }
}
