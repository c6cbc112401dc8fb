//! Logs and metrics, and the masking of secrets in them.

mod buffer;
mod json;
mod masking;
mod no_secrets;
mod not_http;

use std::{io::IsTerminal, sync::OnceLock};

use metrics_exporter_prometheus::{PrometheusBuilder, PrometheusHandle};
use tracing_subscriber::{
    EnvFilter,
    fmt::{fmt, format::Format},
    layer::SubscriberExt as _,
    reload,
    util::SubscriberInitExt as _,
};

use self::{
    buffer::Buffer,
    json::JsonLines,
    no_secrets::{MaskedLines, NoSecrets},
    not_http::NotHttp,
};

pub use json::REQUEST_TARGET;
pub use masking::{ForeignText, Masker, know_secrets, masked};

/// Writes the remaining lines of the logs when it is dropped.
pub struct Logs(Buffer);

impl Drop for Logs {
    fn drop(&mut self) {
        self.0.flush();
    }
}

/// Writes logs to standard error: for people on a terminal, as JSON elsewhere. The level is that of
/// `RUST_LOG`, or else `level`.
#[must_use]
pub fn start_logs(level: &str) -> Logs {
    let filter = from_environment().unwrap_or_else(|| EnvFilter::new(level));
    let logs = fmt().with_env_filter(filter);
    let buffer = Buffer::default();
    let started = if std::io::stderr().is_terminal() {
        let logs = logs
            .with_writer(|| MaskedLines(std::io::stderr()))
            .compact()
            .with_filter_reloading();
        keep(logs.reload_handle());
        logs.finish().with(NotHttp).try_init()
    } else {
        buffer.start();
        let logs = logs
            .with_writer(buffer.clone())
            .json()
            .map_event_format(|_| {
                let lines = JsonLines(Format::default().json().flatten_event(true));
                NoSecrets(lines)
            })
            .with_filter_reloading();
        keep(logs.reload_handle());
        logs.finish().with(NotHttp).try_init()
    };
    // Logs that were started before, by a test for instance, stay.
    drop(started);
    Logs(buffer)
}

/// Changes which lines the logs have.
static FILTER: OnceLock<Box<dyn Fn(EnvFilter) + Send + Sync>> = OnceLock::new();

fn keep<S: 'static>(handle: reload::Handle<EnvFilter, S>) {
    // Fails only where the logs have ended, or others were started before.
    drop(FILTER.set(Box::new(move |filter| drop(handle.reload(filter)))));
}

fn from_environment() -> Option<EnvFilter> {
    EnvFilter::try_from_default_env().ok()
}

/// Has the logs have the lines that a filter lets through, unless `RUST_LOG` says which.
pub fn set_filter(text: &str) {
    if let (None, Some(set)) = (from_environment(), FILTER.get()) {
        set(EnvFilter::new(text));
    }
}

/// Whether a text is a filter of log lines: a level, or directives with commas between them.
#[must_use]
pub fn is_filter(text: &str) -> bool {
    !text.is_empty() && EnvFilter::builder().parse(text).is_ok()
}

/// The upper ends of the buckets into which times are sorted, in seconds.
const SECONDS: [f64; 14] = [
    0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0,
];

/// The one recorder of metrics of this process.
pub fn metrics() -> PrometheusHandle {
    static HANDLE: OnceLock<PrometheusHandle> = OnceLock::new();
    HANDLE
        .get_or_init(|| {
            // Buckets that are not empty never fail.
            let recorder = PrometheusBuilder::new()
                .set_buckets(&SECONDS)
                .unwrap_or_default()
                .build_recorder();
            let handle = recorder.handle();
            // A recorder that was installed before stays; then this one stays empty.
            drop(metrics::set_global_recorder(recorder));
            describe();
            handle
        })
        .clone()
}

fn describe() {
    metrics::describe_counter!(
        "medialink_requests_total",
        "Requests by listener, route and status"
    );
    metrics::describe_counter!(
        "medialink_sent_bytes_total",
        metrics::Unit::Bytes,
        "Bytes of answers by listener"
    );
    metrics::describe_histogram!(
        "medialink_first_byte_seconds",
        metrics::Unit::Seconds,
        "Times from requests to the heads of their answers by listener and route"
    );
    metrics::describe_counter!(
        "medialink_media_answers_total",
        "Answers with media by where it came from: cache, homeserver"
    );
    metrics::describe_counter!(
        "medialink_limited_total",
        "Requests over a limit, by its name below `limits`"
    );
    metrics::describe_counter!(
        "medialink_meta_events_total",
        "Meta events by outcome: sent, redacted, retried, failed, claim_lost"
    );
    metrics::describe_counter!(
        "medialink_gone_links_total",
        "Links that ended because the homeserver no longer has their media"
    );
    metrics::describe_counter!(
        "medialink_thinned_total",
        "Rows that went since they ended longer ago than `retention`: links, meta_events, usages"
    );
    metrics::describe_gauge!(
        "medialink_homeserver_away",
        "1 while the homeserver cannot be reached, otherwise 0"
    );
    metrics::describe_counter!(
        "medialink_homeserver_skipped_total",
        "Requests that failed at once, since the homeserver or the target of a redirect was away"
    );
    describe_shared();
    describe_database();
    describe_work();
    // What has not happened yet is told as well.
    metrics::gauge!("medialink_homeserver_away").set(0);
    metrics::gauge!("medialink_database_cut_off").set(0);
}

/// Of the database, and of the link keys.
fn describe_database() {
    metrics::describe_counter!(
        "medialink_link_lookups_total",
        "Links that were read from the database because they were not cached"
    );
    metrics::describe_counter!(
        "medialink_reconciled_total",
        "Meta events that differed from the record, by outcome"
    );
    metrics::describe_counter!(
        "medialink_database_outages_total",
        "How often the PostgreSQL server could not be reached any more"
    );
    metrics::describe_gauge!(
        "medialink_database_cut_off",
        "1 while the PostgreSQL server cannot be reached, otherwise 0"
    );
    metrics::describe_counter!(
        "medialink_transactions_repeated_total",
        "Transactions that the PostgreSQL server broke off, and that were run again"
    );
    metrics::describe_gauge!(
        "medialink_active_key_age_seconds",
        metrics::Unit::Seconds,
        "How old the link key is that signs"
    );
}

/// Of queues, of the cache, and of what the homeserver says.
fn describe_work() {
    metrics::describe_gauge!(
        "medialink_usage_waiting",
        "Usages and redactions that the homeserver is still to be told of"
    );
    metrics::describe_gauge!(
        "medialink_usage_oldest_seconds",
        metrics::Unit::Seconds,
        "How long the oldest usage waits that the homeserver is still to be told of"
    );
    metrics::describe_gauge!(
        "medialink_cache_bytes",
        metrics::Unit::Bytes,
        "Bytes of the disk that the cache takes"
    );
    metrics::describe_gauge!(
        "medialink_cache_objects",
        "Media that is whole in the cache"
    );
    metrics::describe_counter!(
        "medialink_denied_total",
        "Requests for what the operator denies, by the kind of the list's entry"
    );
    metrics::describe_counter!(
        "medialink_scans_total",
        "Media that was offered to a scanner, by outcome: clean, found, too_large, failed"
    );
    metrics::describe_counter!("medialink_reports_total", "Reports of readers by reason");
    metrics::describe_counter!(
        "medialink_report_deliveries_total",
        "Attempts to tell of reports by target (homeserver, operator) and outcome: told, retried, failed"
    );
    metrics::describe_counter!(
        "medialink_homeserver_answers_total",
        "Answers of the homeserver to requests by kind (media, other) and outcome: ok, an error code, or why there was none"
    );
    metrics::describe_counter!(
        "medialink_revalidations_total",
        "Answers to whether the homeserver still has media: there, missing, unsure"
    );
}

/// Of what several services share: caches behind them, and in front of them.
fn describe_shared() {
    metrics::describe_counter!(
        "medialink_object_store_failures_total",
        "Requests to the object store of the cache that failed, by way: read, write, delete"
    );
    metrics::describe_gauge!(
        "medialink_object_store_failing",
        "1 while the object store of the cache fails, by way, otherwise 0"
    );
    metrics::describe_counter!(
        "medialink_front_purges_total",
        "Purges in front of the service by outcome: purged, failed, given_up"
    );
    metrics::describe_counter!(
        "medialink_shared_objects_total",
        "Media that came from the object store of the cache in place of the homeserver"
    );
    metrics::describe_counter!(
        "medialink_shared_downloads_not_awaited_total",
        "Downloads beside that of another replica, which took too long"
    );
}
