//! How an attempt to send or to redact a meta event ended, as the database notes it.

use std::sync::Arc;

use futures_util::FutureExt;

use crate::{
    clock::{Clock, millis},
    config::Config,
    homeserver::HomeserverError,
    storage::{
        Database, StorageError,
        meta_events::{self, ClaimedEvent, GiveUp},
        room_successors,
    },
};

use crate::usage::retry::{LONGEST_WAIT_REFUSED_MS, wait_ms};

use super::context::Context;

/// Settles claimed meta events.
#[derive(Debug, Clone)]
pub(super) struct Outbox {
    database: Database,
    config: Arc<Config>,
    clock: Clock,
}

impl Outbox {
    pub(super) fn new(context: &Context) -> Self {
        Self {
            database: context.database.clone(),
            config: Arc::clone(&context.config),
            clock: context.clock.clone(),
        }
    }

    /// The homeserver has accepted it, or the room shows it.
    pub(super) async fn settle_sent(
        &self,
        event: &ClaimedEvent,
        event_id: String,
    ) -> Result<(), StorageError> {
        let (id, now) = (event.id, self.clock.now_ms());
        let review_ended_at = now + millis(self.config.usage.batch_window);
        tracing::info!(
            bridge = event.bridge,
            room_id = event.room_id,
            event_id,
            "meta event sent"
        );
        count("sent");
        let (bridge, room_id) = (event.bridge.clone(), event.room_id.clone());
        self.database
            .writer()
            .write(move |connection| {
                async move {
                    meta_events::settle_sent(connection, id, &event_id, review_ended_at, now)
                        .await?;
                    // The room may have been replaced while it was on its way.
                    if room_successors::counted_in(connection, &bridge, &room_id).await? != room_id
                    {
                        meta_events::review_by(connection, id, now).await?;
                    }
                    Ok(())
                }
                .boxed()
            })
            .await
    }

    /// It is redacted, or was gone already.
    pub(super) async fn settle_redacted(
        &self,
        event: &ClaimedEvent,
        event_id: &str,
    ) -> Result<(), StorageError> {
        tracing::info!(
            bridge = event.bridge,
            room_id = event.room_id,
            event_id,
            "meta event redacted"
        );
        count("redacted");
        let (id, now) = (event.id, self.clock.now_ms());
        self.database
            .writer()
            .write(move |connection| meta_events::settle_redacted(connection, id, now).boxed())
            .await
    }

    /// The homeserver has forgotten its transaction, and the room does not have it.
    pub(super) async fn send_again(&self, event: &ClaimedEvent) -> Result<(), StorageError> {
        let (id, now) = (event.id, self.clock.now_ms());
        self.database
            .writer()
            .write(move |connection| meta_events::send_again(connection, id, now).boxed())
            .await
    }

    /// The homeserver did not attach its copy: it is sent with another one after `wait_ms`.
    pub(super) async fn replace_copy(
        &self,
        event: &ClaimedEvent,
        wait_ms: i64,
        error: &HomeserverError,
    ) -> Result<(), StorageError> {
        count("retried");
        let at = self.clock.now_ms() + wait_ms;
        let (id, error) = (event.id, error.to_string());
        self.database
            .writer()
            .write(move |connection| {
                async move { meta_events::replace_copy(connection, id, at, &error).await }.boxed()
            })
            .await
    }

    /// It cannot be sent, or is not wanted.
    pub(super) async fn give_up(
        &self,
        event: &ClaimedEvent,
        how: GiveUp,
        reason: &str,
    ) -> Result<(), StorageError> {
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
        let (id, reason) = (event.id, reason.to_owned());
        let review_at = self.clock.now_ms() + LONGEST_WAIT_REFUSED_MS;
        self.database
            .writer()
            .write(move |connection| {
                async move {
                    meta_events::give_up(connection, id, how, &reason, review_at)
                        .await
                        .map(drop)
                }
                .boxed()
            })
            .await
    }

    /// It is tried again after the wait that the error asks for. `is_unknown`: the homeserver may
    /// have accepted it.
    pub(super) async fn retry(
        &self,
        event: &ClaimedEvent,
        error: &HomeserverError,
        is_unknown: bool,
    ) -> Result<(), StorageError> {
        let wait = wait_ms(error, event.attempts);
        self.postpone(event, wait, is_unknown, &error.to_string())
            .await
    }

    /// The same after a wait of our own choice.
    pub(super) async fn postpone(
        &self,
        event: &ClaimedEvent,
        wait_ms: i64,
        is_unknown: bool,
        reason: &str,
    ) -> Result<(), StorageError> {
        tracing::warn!(
            bridge = event.bridge,
            room_id = event.room_id,
            error = reason,
            attempts = event.attempts,
            wait_ms,
            "meta event not settled, tried again"
        );
        count("retried");
        let (id, now, reason) = (event.id, self.clock.now_ms(), reason.to_owned());
        self.database
            .writer()
            .write(move |connection| {
                async move {
                    let unknown_since = is_unknown.then_some(now);
                    meta_events::postpone(connection, id, now + wait_ms, unknown_since, &reason)
                        .await
                }
                .boxed()
            })
            .await
    }
}

fn count(outcome: &'static str) {
    metrics::counter!("medialink_meta_events_total", "outcome" => outcome).increment(1);
}
