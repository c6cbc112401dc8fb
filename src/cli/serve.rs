//! `serve`.

use std::{path::PathBuf, process::ExitCode, time::Duration};

use anyhow::Context;
use tokio_util::sync::CancellationToken;

use crate::{
    app::{Application, Listeners},
    clock::Clock,
    config::{Config, TracesConfig},
    signals::{outlive_file_limits, stop_on_signal},
    telemetry,
    traces::{self, Traces},
};

/// How long the collector of traces may take for a batch.
const SENT_WITHIN: Duration = Duration::from_secs(10);

pub(super) async fn run(path: PathBuf, config: Config) -> anyhow::Result<ExitCode> {
    outlive_file_limits();
    telemetry::set_filter(&config.log);
    let traces = config.traces.as_ref().map(start_traces).transpose()?;
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
    if let Some(traces) = traces {
        tokio::task::spawn_blocking(|| traces.end()).await?;
    }
    Ok(ExitCode::SUCCESS)
}

fn start_traces(config: &TracesConfig) -> anyhow::Result<Traces> {
    #[expect(clippy::disallowed_methods, reason = "the client for the collector")]
    let client = reqwest::Client::builder()
        .no_proxy()
        .timeout(SENT_WITHIN)
        .build()?;
    let started = traces::start(client, config.endpoint.as_str(), config.share);
    started.context("traces.endpoint cannot be used")
}
