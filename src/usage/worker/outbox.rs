//! How an attempt to send or to redact a meta event ended, as the database notes it.

use futures_util::FutureExt;

use crate::{
    clock::{Clock, millis},
    config::Settings,
    homeserver::HomeserverError,
    storage::{
        Connection, Database, Lock, Run, StorageError,
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
        let told = self.write_told(event, health, move |connection| {
            async move { Ok(settle(connection).await?.then_some(())) }.boxed()
        });
        Ok(told.await?.is_some())
    }

    /// The same, with what `settle` tells; `None`: the claim is lost.
    async fn write_told<T, F>(
        &self,
        event: &ClaimedEvent,
        health: RoomHealth,
        settle: F,
    ) -> Result<Option<T>, StorageError>
    where
        T: Send + 'static,
        F: Run<Option<T>, StorageError>,
    {
        let (bridge, room_id) = (event.bridge.clone(), event.room_id.clone());
        let now = self.clock.now_ms();
        let told = self
            .database
            .writer()
            .write::<_, StorageError, _>(move |connection| {
                async move {
                    let told = settle(connection).await?;
                    if told.is_some() {
                        note_health(connection, &bridge, &room_id, health, now).await?;
                    }
                    Ok(told)
                }
                .boxed()
            })
            .await?;
        self.note_unless(told.is_some(), event);
        Ok(told)
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
                    connection.lock(&[Lock::KnownRoom(&room_id)]).await?;
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

    /// It cannot be sent, or is not wanted. One that cannot be sent is tried again if that may have changed
    /// during the attempt.
    pub(super) async fn give_up(
        &self,
        event: &ClaimedEvent,
        how: GiveUp,
        reason: &str,
    ) -> Result<(), StorageError> {
        let (given_up, error, now) = (event.clone(), reason.to_owned(), self.clock.now_ms());
        let told = self
            .write_told(event, RoomHealth::Answers, move |connection| {
                async move { give_up(connection, &given_up, how, &error, now).await }.boxed()
            })
            .await?;
        let Some(is_given_up) = told else {
            return Ok(());
        };
        if !is_given_up {
            tracing::warn!(
                bridge = event.bridge,
                room_id = event.room_id,
                error = reason,
                "meta event refused while the room has changed, tried again"
            );
            count("retried");
        } else if how == GiveUp::Disabled {
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

/// Gives a claimed meta event up; `false`: it is tried again, since the room has changed. `None`: the claim is
/// lost.
async fn give_up(
    connection: &mut Connection,
    event: &ClaimedEvent,
    how: GiveUp,
    error: &str,
    now: i64,
) -> Result<Option<bool>, StorageError> {
    let (claim, room_id) = (event.claim(), event.room_id.as_str());
    connection.lock(&[Lock::KnownRoom(room_id)]).await?;
    let can_fail = how != GiveUp::Failed
        || room_successors::counted_in(connection, &event.bridge, room_id).await? == room_id;
    let review_at = now + LONGEST_WAIT_REFUSED_MS;
    if can_fail
        && meta_events::give_up(connection, &claim, how, error, review_at)
            .await?
            .is_some()
    {
        return Ok(Some(true));
    }
    if how != GiveUp::Failed {
        return Ok(None);
    }
    let is_held = meta_events::postpone(connection, &claim, now, None, error).await?;
    Ok(is_held.then_some(false))
}

/// Notes how a room has answered; one that has not rests, so that it takes no other's place.
async fn note_health(
    connection: &mut Connection,
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::storage::{
        engine::{query_scalar, run_script},
        meta_events::Wanted,
        room_successors::Succession,
        test_database,
    };

    #[tokio::test]
    async fn what_a_room_refuses_that_is_replaced_meanwhile_is_tried_again() {
        let (_folder, database) = test_database::open().await;
        let given_up = database.writer().write::<_, StorageError, _>(|c| {
            async move {
                let queued = "INSERT INTO meta_events (id, bridge, room_id, state, event_type, batch, txn_id, \
                     device_id, next_attempt_at, created_at) \
                     VALUES (1, 'irc', '!r', 'waiting', 'type', 'batch', 'txn', '', 1, 1)";
                run_script(c, queued).await?;
                let wanted = Wanted {
                    bridge: "irc".to_owned(),
                    claimant: "claimant".to_owned(),
                    after_others: vec![],
                    with_resting: true,
                };
                let event = meta_events::claim(c, &wanted, 1000, 5).await?;
                let event = event.expect("is due");
                let succession = Succession {
                    bridge: "irc".to_owned(),
                    room_id: "!r".to_owned(),
                    successor: "!s".to_owned(),
                };
                room_successors::note(c, &succession, 5).await?;
                room_successors::moved(c, &succession, 5).await?;
                give_up(c, &event, GiveUp::Failed, "refused", 6).await
            }
            .boxed()
        });
        assert_eq!(given_up.await.expect("writes"), Some(false));
        let state = query_scalar::<String>("SELECT state FROM meta_events");
        let state = state.fetch_one(database.reader()).await.expect("reads");
        assert_eq!(state, "waiting");
    }
}
