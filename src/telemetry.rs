//! Logs and metrics.

use std::{io::IsTerminal, sync::OnceLock};

use metrics_exporter_prometheus::{PrometheusBuilder, PrometheusHandle};
use tracing_subscriber::{EnvFilter, fmt};

/// Writes logs to standard error: for people on a terminal, as JSON elsewhere. `RUST_LOG` says how
/// much; `level` if it says nothing.
pub fn start_logs(level: &str) {
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new(level));
    let logs = fmt().with_env_filter(filter).with_writer(std::io::stderr);
    let started = if std::io::stderr().is_terminal() {
        logs.compact().try_init()
    } else {
        logs.json().flatten_event(true).try_init()
    };
    // Whoever has started logs already keeps them.
    drop(started);
}

/// The one recorder of metrics of this process.
pub fn metrics() -> PrometheusHandle {
    static HANDLE: OnceLock<PrometheusHandle> = OnceLock::new();
    HANDLE
        .get_or_init(|| {
            let recorder = PrometheusBuilder::new().build_recorder();
            let handle = recorder.handle();
            // Another recorder of this process keeps its place; then ours stays empty.
            drop(metrics::set_global_recorder(recorder));
            metrics::describe_counter!(
                "medialink_requests_total",
                "Requests by listener, route and status"
            );
            metrics::describe_counter!(
                "medialink_sent_bytes_total",
                metrics::Unit::Bytes,
                "Bytes of answers by listener"
            );
            metrics::describe_counter!(
                "medialink_meta_events_total",
                "Meta events by outcome: sent, redacted, retried, failed"
            );
            handle
        })
        .clone()
}
