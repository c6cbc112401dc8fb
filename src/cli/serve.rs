//! `serve`.

use std::{path::PathBuf, process::ExitCode};

use tokio_util::sync::CancellationToken;

use crate::{
    app::{Application, Listeners},
    clock::Clock,
    config::Config,
    signals::{outlive_file_limits, stop_on_signal},
    telemetry,
};

pub(super) async fn run(path: PathBuf, config: Config) -> anyhow::Result<ExitCode> {
    outlive_file_limits();
    telemetry::set_filter(&config.log);
    let listeners = Listeners::handed_over_or_bound(&config)?;
    let application = Application::build(config, listeners, Clock::default()).await?;
    let application = application.reloaded_from(path);
    let stop = CancellationToken::new();
    let signals = stop_on_signal(stop.clone());
    let service = application.run_until_stopped(stop);
    tokio::pin!(service);
    tokio::select! {
        ended = &mut service => ended?,
        // Signals are not noticed, so none of them ends the service.
        () = signals => service.await?,
    }
    Ok(ExitCode::SUCCESS)
}
