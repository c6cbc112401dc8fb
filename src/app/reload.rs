//! The configuration is read again when the process is told so (SIGHUP), while the service runs.

use std::path::PathBuf;

use tokio::signal::unix::{SignalKind, signal};
use tokio_util::sync::CancellationToken;

use crate::{config::Config, http::AppState, telemetry};

use super::manager;

/// Reads the configuration again.
pub(super) struct Reloader {
    path: PathBuf,
    state: AppState,
}

impl Reloader {
    /// Reads the configuration of a service from this file.
    pub(super) fn new(path: PathBuf, state: AppState) -> Self {
        Self { path, state }
    }

    /// Reads it whenever the signal comes, until `stop`.
    pub(super) async fn run(self, stop: CancellationToken) {
        let mut hangup = match signal(SignalKind::hangup()) {
            Ok(hangup) => hangup,
            Err(error) => {
                tracing::error!(%error, "SIGHUP cannot be noticed, so the configuration is read at the start only");
                return stop.cancelled().await;
            }
        };
        loop {
            tokio::select! {
                () = stop.cancelled() => return,
                _ = hangup.recv() => {}
            }
            manager::tell_reloading();
            self.reload().await;
            manager::tell_ready();
        }
    }

    /// A file with any problem changes nothing.
    async fn reload(&self) {
        let path = self.path.clone();
        let read = tokio::task::spawn_blocking(move || Config::load(&path)).await;
        let config = match read {
            Ok(Ok(config)) => config,
            Ok(Err(error)) => {
                for problem in &error.problems {
                    tracing::error!(%problem, "the configuration is not taken, and the one from before stays");
                }
                return;
            }
            Err(error) => {
                tracing::error!(%error, "the configuration could not be read, and the one from before stays");
                return;
            }
        };
        let state = &self.state;
        let left = state.config.replace(config);
        let current = &state.config;
        state.denials.configure(&current.abuse.deny);
        if let Err(error) = state
            .limits
            .configure(&current.limits, &state.database)
            .await
        {
            tracing::warn!(%error, "what was used of new limits could not be read");
        }
        telemetry::set_filter(&current.log);
        if !left.is_empty() {
            tracing::warn!(
                keys = left.join(", "),
                "these keys have changed, and take effect at the next start"
            );
        }
        tracing::info!("the configuration was read again");
    }
}
