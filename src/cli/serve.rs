//! `serve`.

use std::process::ExitCode;

use tokio_util::sync::CancellationToken;

use crate::{
    app::{Application, Listeners},
    clock::Clock,
    config::Config,
    signals::stop_on_signal,
};

pub(super) async fn run(config: Config) -> anyhow::Result<ExitCode> {
    let listeners = Listeners::bind(&config)?;
    let application = Application::build(config, listeners, Clock::default()).await?;
    let stop = CancellationToken::new();
    tokio::spawn(stop_on_signal(stop.clone()));
    application.run_until_stopped(stop).await?;
    Ok(ExitCode::SUCCESS)
}
