//! Small tasks that run beside the listeners.

use std::{sync::Arc, time::Duration};

use metrics_exporter_prometheus::PrometheusHandle;
use tokio_util::sync::CancellationToken;

use crate::{
    clock::Clock,
    config::BridgeConfig,
    homeserver::{Homeserver, HomeserverError},
    limits::Limits,
    links::Links,
    storage::{Database, StorageError, leases::Lease},
    usage::FollowCounter,
};

use super::supervisor::Done;

/// How often follows are written.
const FLUSH_EVERY: Duration = Duration::from_secs(1);
/// How often services on one database tell each other what is used of limits.
const SHARE_LIMITS_EVERY: Duration = Duration::from_secs(1);
/// After how many times what has flowed back is forgotten.
const FORGET_LIMITS_AFTER: u32 = 60;
/// How long to wait before the homeserver is asked again for a ping.
const ASK_FOR_PING_EVERY: Duration = Duration::from_secs(60);
/// How often rooms are asked again that have not answered.
const ASK_ROOMS_EVERY: Duration = Duration::from_secs(30);
/// How often metrics are tidied up.
const UPKEEP_EVERY: Duration = Duration::from_secs(5);
/// How often the system's clock is looked at.
const LOOK_AT_CLOCK_EVERY: Duration = Duration::from_secs(1);

/// Asks the homeserver to ping us, and logs the outcome: whether transactions will arrive.
pub(super) async fn ask_for_ping(
    homeserver: Arc<Homeserver>,
    bridge: Arc<BridgeConfig>,
    transaction_id: Arc<str>,
    stop: CancellationToken,
) -> Done {
    loop {
        let asked = tokio::select! {
            () = stop.cancelled() => return Done,
            asked = homeserver.ping(&bridge, &transaction_id) => asked,
        };
        let error = match asked {
            Ok(duration_ms) => {
                tracing::info!(bridge = bridge.id, duration_ms, "the homeserver reaches us");
                return Done;
            }
            Err(error) => error,
        };
        let hint = ping_hint(&error);
        tracing::warn!(bridge = bridge.id, %error, "{hint}");
        // A refusal is mended by somebody, who then starts the service again.
        if matches!(error.status(), 400..=499) || !sleep(ASK_FOR_PING_EVERY, &stop).await {
            return Done;
        }
    }
}

fn ping_hint(error: &HomeserverError) -> &'static str {
    match error.errcode() {
        "M_URL_NOT_SET" => {
            "the registration has no url, so no redaction is pushed: set it to the internal listener"
        }
        "M_FORBIDDEN" => "appservice_id is not the id of the registration with this as_token",
        "M_CONNECTION_FAILED" | "M_CONNECTION_TIMEOUT" | "M_BAD_STATUS" => {
            "the homeserver does not reach us at the registration's url, so no redaction is pushed"
        }
        "M_UNRECOGNIZED" => {
            "the homeserver does not know pings, so it is not known whether it reaches us"
        }
        _ => "the homeserver was not there to be asked for a ping",
    }
}

pub(super) async fn flush_follows(follows: FollowCounter, stop: CancellationToken) {
    while sleep(FLUSH_EVERY, &stop).await {
        if let Err(error) = follows.flush().await {
            tracing::error!(%error, "follows could not be written");
        }
    }
}

/// Shares what is used of limits with the other services on the database, until `stop`.
pub(super) async fn share_limits(limits: Limits, database: Database, stop: CancellationToken) {
    let mut rounds = 0_u32;
    while sleep(SHARE_LIMITS_EVERY, &stop).await {
        share_limits_once(&limits, &database).await;
        rounds = rounds.wrapping_add(1);
        if rounds.is_multiple_of(FORGET_LIMITS_AFTER)
            && let Err(error) = limits.forget(&database).await
        {
            tracing::warn!(%error, "what has flowed back of limits could not be forgotten");
        }
    }
}

/// Shares it once.
pub(super) async fn share_limits_once(limits: &Limits, database: &Database) {
    if let Err(error) = limits.share(database).await {
        tracing::warn!(%error, "what is used of limits could not be noted");
    }
}

pub(super) async fn ask_rooms(links: Links, lease: Lease, stop: CancellationToken) {
    while sleep(ASK_ROOMS_EVERY, &stop).await {
        let asked = tokio::select! {
            () = stop.cancelled() => return,
            asked = ask_alone(&links, &lease) => asked,
        };
        if let Err(error) = asked {
            tracing::error!(%error, "what rooms allow could not be noted");
        }
    }
}

/// Asks the rooms that have not answered, if there are any, unless another replica does.
async fn ask_alone(links: &Links, lease: &Lease) -> Result<(), StorageError> {
    if links.has_unanswered().await? {
        lease.during(links.ask_unanswered()).await?.transpose()?;
    }
    Ok(())
}

pub(super) async fn tidy_metrics(metrics: PrometheusHandle, stop: CancellationToken) {
    while sleep(UPKEEP_EVERY, &stop).await {
        metrics.run_upkeep();
    }
}

/// Notices when the system's clock is set.
pub(super) async fn watch_clock(clock: Clock, stop: CancellationToken) {
    while sleep(LOOK_AT_CLOCK_EVERY, &stop).await {
        clock.observe();
    }
}

/// Sleeps; `false`: it is time to stop.
pub(super) async fn sleep(time: Duration, stop: &CancellationToken) -> bool {
    tokio::select! {
        () = stop.cancelled() => false,
        () = tokio::time::sleep(time) => true,
    }
}
