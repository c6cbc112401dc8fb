//! Mends the differences between the recorded meta events and those of a room.

use futures_util::FutureExt;

use crate::{
    clock::Clock,
    storage::{
        Database, StorageError,
        comparison::{self, ComparedEvent, Stray, StrayEnd},
    },
};

use super::{report::ReconcileReport, verdict::Verdict};

#[derive(Debug)]
pub(super) struct Mender {
    database: Database,
    clock: Clock,
    batch_window_ms: i64,
}

impl Mender {
    pub(super) fn new(database: Database, clock: Clock, batch_window_ms: i64) -> Self {
        Self {
            database,
            clock,
            batch_window_ms,
        }
    }

    /// Mends what is wrong about a recorded meta event.
    pub(super) async fn mend(
        &self,
        bridge: &str,
        room_id: &str,
        row: &ComparedEvent,
        verdict: Verdict,
        report: &mut ReconcileReport,
    ) -> Result<(), StorageError> {
        match verdict {
            Verdict::Right => Ok(()),
            Verdict::Lost { missing } => {
                self.count_anew(bridge, room_id, row, missing, report).await
            }
            Verdict::Back => self.redact_again(bridge, room_id, row, report).await,
        }
    }

    async fn count_anew(
        &self,
        bridge: &str,
        room_id: &str,
        row: &ComparedEvent,
        missing: bool,
        report: &mut ReconcileReport,
    ) -> Result<(), StorageError> {
        let (id, now) = (row.id, self.clock.now_ms());
        let counted_anew = self
            .database
            .writer()
            .write::<_, StorageError, _>(move |connection| {
                comparison::settle_lost(connection, id, missing, now).boxed()
            })
            .await?;
        if let Some(usages) = counted_anew {
            report.counted_anew += usages;
            tracing::warn!(
                bridge,
                room_id,
                event_id = row.event_id,
                gone = missing,
                usages,
                "a meta event does not count any more: its linked media is counted anew"
            );
            count("counted_anew");
        }
        Ok(())
    }

    async fn redact_again(
        &self,
        bridge: &str,
        room_id: &str,
        row: &ComparedEvent,
        report: &mut ReconcileReport,
    ) -> Result<(), StorageError> {
        let (id, now) = (row.id, self.clock.now_ms());
        let is_redacted_again = self
            .database
            .writer()
            .write::<_, StorageError, _>(move |connection| {
                comparison::redact_again(connection, id, now).boxed()
            })
            .await?;
        if is_redacted_again {
            report.redacted_again += 1;
            tracing::warn!(
                bridge,
                room_id,
                event_id = row.event_id,
                "a redacted meta event counts again: it is redacted again"
            );
            count("redacted_again");
        }
        Ok(())
    }

    /// Mends what is wrong about a meta event of a room that no row knows as sent.
    pub(super) async fn settle_stray(
        &self,
        stray: Stray,
        report: &mut ReconcileReport,
    ) -> Result<(), StorageError> {
        let now = self.clock.now_ms();
        let review_ended_at = now + self.batch_window_ms;
        let (bridge, room_id) = (stray.bridge.clone(), stray.room_id.clone());
        let event_id = stray.event_id.clone();
        let end = self
            .database
            .writer()
            .write::<_, StorageError, _>(move |connection| {
                async move {
                    comparison::settle_stray(connection, &stray, review_ended_at, now).await
                }
                .boxed()
            })
            .await?;
        match end {
            StrayEnd::Known => {}
            StrayEnd::Settled => {
                report.found += 1;
                tracing::info!(bridge, room_id, event_id, "a meta event had arrived");
                count("found");
            }
            StrayEnd::Redacted => {
                report.strays_redacted += 1;
                tracing::warn!(
                    bridge,
                    room_id,
                    event_id,
                    "an unknown meta event is redacted"
                );
                count("stray_redacted");
            }
        }
        Ok(())
    }
}

fn count(outcome: &'static str) {
    metrics::counter!("medialink_reconciled_total", "outcome" => outcome).increment(1);
}
