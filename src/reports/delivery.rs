//! Reports are told: to the homeserver of the room by Matrix's own way, and to the operator in a room.

use std::{sync::Arc, time::Duration};

use futures_util::FutureExt;
use serde_json::json;
use tokio_util::sync::CancellationToken;

use crate::{
    config::BridgeConfig,
    homeserver::{Device, EventToSend, Homeserver, HomeserverError},
    storage::{
        StorageError,
        leases::Lease,
        reports::{self, DueDelivery, Target},
    },
};

use super::Reports;

/// How often reports are looked for that were taken elsewhere, or are due again.
const LOOK_EVERY: Duration = Duration::from_secs(5);
/// How many are told at a time, one after the other.
const AT_A_TIME: i64 = 16;
/// The shortest and the longest wait after an attempt that failed, in milliseconds.
const RETRY_MS: i64 = 10_000;
const LONGEST_RETRY_MS: i64 = 3_600_000;

/// Tells of reports, one service at a time.
pub struct ReportTeller {
    reports: Reports,
    homeserver: Arc<Homeserver>,
    lease: Lease,
}

/// What comes of an attempt.
#[derive(Clone, Copy)]
enum Outcome {
    Told,
    Failed,
    /// It is tried again after this time, in milliseconds.
    Later(i64),
}

impl ReportTeller {
    /// Tells of the reports of a database.
    #[must_use]
    pub fn new(reports: Reports, homeserver: Arc<Homeserver>) -> Self {
        Self {
            lease: Lease::new(&reports.database, &reports.clock, "reports"),
            reports,
            homeserver,
        }
    }

    /// Works until it is cancelled.
    pub async fn run(self, stop: CancellationToken) {
        while !stop.is_cancelled() {
            let round = tokio::select! {
                () = stop.cancelled() => return,
                round = self.tell_alone() => round,
            };
            match round {
                Ok(true) => continue,
                Ok(false) => {}
                Err(error) => tracing::error!(%error, "reports could not be told"),
            }
            tokio::select! {
                () = stop.cancelled() => {}
                () = self.reports.taken.notified() => {}
                () = self.reports.clock.sleep(LOOK_EVERY) => {}
            }
        }
    }

    /// Tells of what is due; `false`: there is no more, or another replica tells.
    async fn tell_alone(&self) -> Result<bool, StorageError> {
        if self.due(1).await?.is_empty() {
            return Ok(false);
        }
        self.lease
            .during(self.tell_some())
            .await?
            .unwrap_or(Ok(false))
    }

    async fn due(&self, limit: i64) -> Result<Vec<DueDelivery>, StorageError> {
        let now = self.reports.clock.now_ms();
        reports::due(self.reports.database.reader(), now, limit).await
    }

    async fn tell_some(&self) -> Result<bool, StorageError> {
        let due = self.due(AT_A_TIME).await?;
        let are_all = i64::try_from(due.len()).unwrap_or(AT_A_TIME) < AT_A_TIME;
        for delivery in due {
            let outcome = self.tell(&delivery).await;
            let now = self.reports.clock.now_ms();
            let written = self
                .reports
                .database
                .writer()
                .write::<_, StorageError, _>(move |c| {
                    let (id, target) = (delivery.report_id, delivery.target.clone());
                    async move {
                        match outcome {
                            Outcome::Told => reports::settle(c, id, &target, true).await,
                            Outcome::Failed => reports::settle(c, id, &target, false).await,
                            Outcome::Later(wait) => {
                                reports::postpone(c, id, &target, now + wait).await
                            }
                        }
                    }
                    .boxed()
                });
            written.await?;
        }
        Ok(!are_all)
    }

    async fn tell(&self, delivery: &DueDelivery) -> Outcome {
        let told = if delivery.target == Target::Operator.as_str() {
            self.tell_operator(delivery).await
        } else {
            self.tell_homeserver(delivery).await
        };
        let (outcome, name) = match &told {
            Ok(()) => (Outcome::Told, "told"),
            Err(error) if is_refusal(error) => (Outcome::Failed, "failed"),
            Err(error) => (Outcome::Later(wait_ms(error, delivery.attempts)), "retried"),
        };
        if let Err(error) = told {
            let (report, target) = (delivery.report_id, &delivery.target);
            tracing::warn!(report, target, outcome = name, %error, "a report could not be told");
        }
        let target = delivery.target.clone();
        metrics::counter!("medialink_report_deliveries_total", "target" => target, "outcome" => name)
            .increment(1);
        outcome
    }

    fn bridge(&self, id: &str) -> Result<&BridgeConfig, HomeserverError> {
        let bridge = self.reports.config.bridge(id);
        // It may come back.
        bridge
            .map(AsRef::as_ref)
            .ok_or(HomeserverError::InvalidResponse(
                "its bridge is not configured any more",
            ))
    }

    async fn tell_homeserver(&self, delivery: &DueDelivery) -> Result<(), HomeserverError> {
        let bridge = self.bridge(&delivery.bridge)?;
        let reason = match delivery.note.as_str() {
            "" => delivery.reason.clone(),
            note => format!("{}: {note}", delivery.reason),
        };
        self.homeserver
            .report_event(bridge, &delivery.room_id, &delivery.event_id, &reason)
            .await
    }

    async fn tell_operator(&self, delivery: &DueDelivery) -> Result<(), HomeserverError> {
        let abuse = &self.reports.config.abuse;
        let Some(room) = &abuse.room else {
            return Err(HomeserverError::InvalidResponse(
                "abuse.room is not configured any more",
            ));
        };
        let content = json!({"msgtype": "m.notice", "body": message(delivery)}).to_string();
        let event = EventToSend {
            event_type: "m.room.message",
            txn_id: &delivery.txn_id,
            content: &content,
        };
        let device = Device(String::new());
        self.homeserver
            .send_event(
                self.bridge(&abuse.bridge)?,
                room.as_str(),
                event,
                &device,
                &[],
            )
            .await
            .map(drop)
    }
}

/// What the operator is told, with the commands that help.
fn message(delivery: &DueDelivery) -> String {
    let DueDelivery {
        link_id,
        bridge,
        room_id,
        event_id,
        sender,
        mxc,
        reason,
        note,
        ..
    } = delivery;
    let mut text = format!("A reader has reported the link {link_id} ({reason})");
    if !note.is_empty() {
        text.push_str("\n> ");
        text.push_str(note);
    }
    text.push_str(&format!("\nbridge: {bridge}\nroom: {room_id}"));
    for (name, value) in [("event", event_id), ("sender", sender)] {
        if !value.is_empty() {
            text.push_str(&format!("\n{name}: {value}"));
        }
    }
    text.push_str(&format!(
        "\nmedia: {mxc}\nTo look at it: medialink links show {link_id}\nTo end it: medialink links revoke {link_id}"
    ));
    text
}

/// Whether the homeserver will never agree: not to be there, or not to be allowed.
fn is_refusal(error: &HomeserverError) -> bool {
    matches!(error.status(), 400 | 403 | 404 | 405) && error.errcode() != "M_LIMIT_EXCEEDED"
}

/// Ten seconds, and twice as long each time, up to an hour; or as long as the homeserver asks for.
fn wait_ms(error: &HomeserverError, attempts: i64) -> i64 {
    let doublings = u32::try_from(attempts.clamp(0, 20)).unwrap_or(0);
    let wanted = match error {
        HomeserverError::Refused {
            retry_after_ms: Some(wait),
            ..
        } => i64::try_from(*wait).unwrap_or(i64::MAX),
        _ => 0,
    };
    RETRY_MS
        .saturating_mul(1 << doublings)
        .max(wanted)
        .min(LONGEST_RETRY_MS)
}
