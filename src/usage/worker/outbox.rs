//! How an attempt to send or to redact a meta event ended, as the database notes it.

use futures_util::FutureExt;

use crate::{
    clock::{Clock, millis},
    config::Settings,
    homeserver::HomeserverError,
    storage::{
        Database, Run, StorageError,
        meta_events::{self, ClaimedEvent, GiveUp},
        room_successors,
    },
};

use crate::usage::retry::{
    LONGEST_WAIT_MS, LONGEST_WAIT_REFUSED_MS, RoomHealth, delay_ms, room_health, wait_ms,
};

use super::context::Context;

/// Settles claimed meta events.
#[derive(Debug, Clone)]
pub(super) struct Outbox {
    database: Database,
    config: Settings,
    clock: Clock,
}

/// When and why an attempt is made again.
struct Postponement {
    wait_ms: i64,
    is_unknown: bool,
    health: RoomHealth,
    reason: String,
}

impl Outbox {
    pub(super) fn new(context: &Context) -> Self {
        Self {
            database: context.database.clone(),
            config: context.config.clone(),
            clock: context.clock.clone(),
        }
    }

    /// Writes an outcome, which `settle` does unless the claim is lost, and how the room has answered;
    /// `true`: it was written.
    async fn write<F>(
        &self,
        event: &ClaimedEvent,
        health: RoomHealth,
        settle: F,
    ) -> Result<bool, StorageError>
    where
        F: Run<bool, StorageError>,
    {
        let (bridge, room_id) = (event.bridge.clone(), event.room_id.clone());
        let now = self.clock.now_ms();
        let is_held = self
            .database
            .writer()
            .write::<_, StorageError, _>(move |connection| {
                async move {
                    let is_held = settle(connection).await?;
                    if is_held {
                        note_health(connection, &bridge, &room_id, health, now).await?;
                    }
                    Ok(is_held)
                }
                .boxed()
            })
            .await?;
        self.note_unless(is_held, event);
        Ok(is_held)
    }

    /// Notes that a claim is lost, unless it was held.
    pub(super) fn note_unless(&self, is_held: bool, event: &ClaimedEvent) {
        if !is_held {
            self.note_lost(event);
        }
    }

    /// Another attempt has the meta event now; the outcome of this one is not noted.
    pub(super) fn note_lost(&self, event: &ClaimedEvent) {
        tracing::warn!(
            bridge = event.bridge,
            room_id = event.room_id,
            attempts = event.attempts,
            "the claim of a meta event was lost: another attempt goes on"
        );
        count("claim_lost");
    }

    /// The homeserver has accepted it, or the room shows it.
    pub(super) async fn settle_sent(
        &self,
        event: &ClaimedEvent,
        event_id: String,
    ) -> Result<(), StorageError> {
        let (claim, now) = (event.claim(), self.clock.now_ms());
        let review_ended_at = now + millis(self.config.usage.batch_window);
        let (bridge, room_id) = (event.bridge.clone(), event.room_id.clone());
        let sent_as = event_id.clone();
        let is_held = self
            .write(event, RoomHealth::Answers, move |connection| {
                async move {
                    let is_held = meta_events::settle_sent(
                        connection,
                        &claim,
                        &sent_as,
                        review_ended_at,
                        now,
                    )
                    .await?;
                    if !is_held {
                        return Ok(false);
                    }
                    // The room may have been replaced while it was on its way.
                    if room_successors::counted_in(connection, &bridge, &room_id).await? != room_id
                    {
                        meta_events::review_by(connection, claim.id, now).await?;
                    }
                    Ok(true)
                }
                .boxed()
            })
            .await?;
        if is_held {
            tracing::info!(
                bridge = event.bridge,
                room_id = event.room_id,
                event_id,
                "meta event sent"
            );
            count("sent");
        }
        Ok(())
    }

    /// It is redacted, or was gone already.
    pub(super) async fn settle_redacted(
        &self,
        event: &ClaimedEvent,
        event_id: &str,
    ) -> Result<(), StorageError> {
        let (claim, now) = (event.claim(), self.clock.now_ms());
        let is_held = self
            .write(event, RoomHealth::Answers, move |connection| {
                async move { meta_events::settle_redacted(connection, &claim, now).await }.boxed()
            })
            .await?;
        if is_held {
            tracing::info!(
                bridge = event.bridge,
                room_id = event.room_id,
                event_id,
                "meta event redacted"
            );
            count("redacted");
        }
        Ok(())
    }

    /// The homeserver has forgotten its transaction, and the room does not have it.
    pub(super) async fn send_again(&self, event: &ClaimedEvent) -> Result<(), StorageError> {
        let (claim, now) = (event.claim(), self.clock.now_ms());
        self.write(event, RoomHealth::Answers, move |connection| {
            async move { meta_events::send_again(connection, &claim, now).await }.boxed()
        })
        .await
        .map(drop)
    }

    /// The homeserver did not attach its copies: it is sent with others after `wait_ms`.
    pub(super) async fn replace_copies(
        &self,
        event: &ClaimedEvent,
        wait_ms: i64,
        error: &HomeserverError,
    ) -> Result<(), StorageError> {
        let at = self.clock.now_ms() + wait_ms;
        let (claim, error) = (event.claim(), error.to_string());
        let is_held = self
            .write(event, RoomHealth::Answers, move |connection| {
                async move { meta_events::replace_copies(connection, &claim, at, &error).await }
                    .boxed()
            })
            .await?;
        if is_held {
            count("retried");
        }
        Ok(())
    }

    /// It cannot be sent, or is not wanted.
    pub(super) async fn give_up(
        &self,
        event: &ClaimedEvent,
        how: GiveUp,
        reason: &str,
    ) -> Result<(), StorageError> {
        let (claim, error) = (event.claim(), reason.to_owned());
        let review_at = self.clock.now_ms() + LONGEST_WAIT_REFUSED_MS;
        let is_held = self
            .write(event, RoomHealth::Answers, move |connection| {
                async move {
                    let members =
                        meta_events::give_up(connection, &claim, how, &error, review_at).await?;
                    Ok(members.is_some())
                }
                .boxed()
            })
            .await?;
        if !is_held {
            return Ok(());
        }
        if how == GiveUp::Disabled {
            tracing::info!(
                bridge = event.bridge,
                room_id = event.room_id,
                reason,
                "meta event not sent, as usage.encrypted_rooms says"
            );
        } else {
            tracing::error!(
                bridge = event.bridge,
                room_id = event.room_id,
                error = reason,
                "meta event given up; `medialink usage retry` tries again"
            );
            count("failed");
        }
        Ok(())
    }

    /// It is tried again after the wait that the error asks for. `is_unknown`: the homeserver may
    /// have accepted it.
    pub(super) async fn retry(
        &self,
        event: &ClaimedEvent,
        error: &HomeserverError,
        is_unknown: bool,
    ) -> Result<(), StorageError> {
        let postponement = Postponement {
            wait_ms: wait_ms(error, event.attempts),
            is_unknown,
            health: room_health(error),
            reason: error.to_string(),
        };
        self.postpone(event, postponement).await
    }

    /// It was refused for good, but is tried again all the same, after `wait_ms`.
    pub(super) async fn retry_refused(
        &self,
        event: &ClaimedEvent,
        error: &HomeserverError,
        wait_ms: i64,
    ) -> Result<(), StorageError> {
        let postponement = Postponement {
            wait_ms,
            is_unknown: false,
            health: room_health(error),
            reason: error.to_string(),
        };
        self.postpone(event, postponement).await
    }

    async fn postpone(
        &self,
        event: &ClaimedEvent,
        postponement: Postponement,
    ) -> Result<(), StorageError> {
        let Postponement {
            wait_ms,
            is_unknown,
            health,
            reason,
        } = postponement;
        let (claim, now, error) = (event.claim(), self.clock.now_ms(), reason.clone());
        let is_held = self
            .write(event, health, move |connection| {
                async move {
                    let (at, unknown_since) = (now + wait_ms, is_unknown.then_some(now));
                    meta_events::postpone(connection, &claim, at, unknown_since, &error).await
                }
                .boxed()
            })
            .await?;
        if is_held {
            tracing::warn!(
                bridge = event.bridge,
                room_id = event.room_id,
                error = reason,
                attempts = event.attempts,
                wait_ms,
                "meta event not settled, tried again"
            );
            count("retried");
        }
        Ok(())
    }
}

/// Notes how a room has answered; one that has not rests, so that it takes no other's place.
async fn note_health(
    connection: &mut crate::storage::Connection,
    bridge: &str,
    room_id: &str,
    health: RoomHealth,
    now: i64,
) -> Result<(), StorageError> {
    match health {
        RoomHealth::Answers => meta_events::end_rest(connection, bridge, room_id).await,
        RoomHealth::Fails => {
            let failures = meta_events::note_failure(connection, bridge, room_id).await?;
            let until = now + delay_ms(failures, LONGEST_WAIT_MS);
            meta_events::rest(connection, bridge, room_id, until).await
        }
        RoomHealth::Unknown => Ok(()),
    }
}

fn count(outcome: &'static str) {
    metrics::counter!("medialink_meta_events_total", "outcome" => outcome).increment(1);
}
