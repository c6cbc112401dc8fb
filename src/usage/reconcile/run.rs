//! Compares rooms, a few at once: at a person's command, or each once in a while.

use std::{sync::Arc, time::Duration};

use futures_util::{FutureExt, StreamExt, TryStreamExt, future, stream};
use tokio_util::sync::CancellationToken;

use crate::{
    clock::{Clock, millis},
    config::Settings,
    homeserver::{EventState, Homeserver, HomeserverError},
    storage::{
        Database, StorageError,
        comparison::{self, RoomCriteria, Stray},
        leases::Lease,
    },
};

use super::{
    history::RoomReader,
    mend::Mender,
    report::{ReconcileReport, ReconcileScope},
    verdict::{strays, verdict},
};

/// For how long redacted meta events are compared, in milliseconds.
const COMPARE_REDACTED_MS: i64 = 30 * 86_400_000;
/// How long the background job waits before each request.
const PAUSE: Duration = Duration::from_millis(400);
/// How many rooms of a bridge are compared at once, so that one that gives no answer holds up no
/// other.
const ROOMS_AT_ONCE: usize = 3;
/// How long a room may take: a thousand pages, with the pauses.
const ROOM_WITHIN: Duration = Duration::from_secs(1800);

/// Why a room was not compared.
#[derive(Debug, thiserror::Error)]
enum RoomError {
    #[error("its bridge is not configured any more")]
    UnknownBridge,
    #[error("it took longer than half an hour")]
    Slow,
    #[error(transparent)]
    Homeserver(#[from] HomeserverError),
    #[error(transparent)]
    Storage(#[from] StorageError),
}

/// Compares the recorded usage with the rooms.
#[derive(Debug)]
pub struct Reconciler {
    database: Database,
    config: Settings,
    clock: Clock,
    homeserver: Arc<Homeserver>,
    mender: Mender,
}

impl Reconciler {
    /// A reconciler of the usage in a database.
    #[must_use]
    pub fn new(
        database: Database,
        config: Settings,
        clock: Clock,
        homeserver: Arc<Homeserver>,
    ) -> Self {
        let batch_window_ms = millis(config.usage.batch_window);
        Self {
            mender: Mender::new(database.clone(), clock.clone(), batch_window_ms),
            database,
            config,
            clock,
            homeserver,
        }
    }

    /// Compares each room once in `every`, slowly, until it is cancelled. No bridge waits for the rooms
    /// of another.
    pub async fn run(self, every: Duration, stop: CancellationToken) {
        let look_every = (every / 60).clamp(Duration::from_secs(1), Duration::from_secs(60));
        let bridges = self.config.bridges.iter();
        let work = future::join_all(bridges.map(|bridge| async {
            let name = format!("reconcile {}", bridge.id);
            let lease = Lease::new(&self.database, &self.clock, &name);
            loop {
                let due = RoomCriteria {
                    bridge: Some(bridge.id.clone()),
                    not_since: Some(self.clock.now_ms() - millis(every)),
                    ..RoomCriteria::default()
                };
                match self.compare_alone(&due, &lease).await {
                    Ok(Some(report)) => report.log(),
                    Ok(None) => {}
                    Err(error) => tracing::error!(%error, "rooms could not be compared"),
                }
                self.clock.sleep(look_every).await;
            }
        }));
        tokio::select! {
            () = stop.cancelled() => {}
            _ = work => {}
        }
    }

    /// Compares rooms now. The report says which rooms could not be read.
    ///
    /// # Errors
    /// If the database fails.
    pub async fn compare(&self, scope: ReconcileScope) -> Result<ReconcileReport, StorageError> {
        let criteria = RoomCriteria {
            bridge: scope.bridge,
            room_id: scope.room_id,
            not_since: None,
        };
        self.compare_rooms(&criteria, Duration::ZERO).await
    }

    /// Compares rooms slowly; `None`: none is due, or another replica compares them.
    async fn compare_alone(
        &self,
        due: &RoomCriteria,
        lease: &Lease,
    ) -> Result<Option<ReconcileReport>, StorageError> {
        if self.rooms(due).await?.is_empty() {
            return Ok(None);
        }
        let compared = lease.during(self.compare_rooms(due, PAUSE)).await?;
        compared.transpose()
    }

    async fn rooms(&self, criteria: &RoomCriteria) -> Result<Vec<(String, String)>, StorageError> {
        let since = self.clock.now_ms() - COMPARE_REDACTED_MS;
        comparison::rooms(self.database.reader(), criteria, since).await
    }

    async fn compare_rooms(
        &self,
        criteria: &RoomCriteria,
        pause: Duration,
    ) -> Result<ReconcileReport, StorageError> {
        stream::iter(self.rooms(criteria).await?)
            .map(|(bridge, room_id)| self.compare_and_note(bridge, room_id, pause))
            .buffer_unordered(ROOMS_AT_ONCE)
            .try_fold(ReconcileReport::default(), async |all, room| {
                Ok(all.and(room))
            })
            .await
    }

    /// Compares one room, and notes that it was its turn.
    async fn compare_and_note(
        &self,
        bridge: String,
        room_id: String,
        pause: Duration,
    ) -> Result<ReconcileReport, StorageError> {
        let mut report = ReconcileReport::default();
        let comparison = self.compare_room(&bridge, &room_id, pause, &mut report);
        let outcome = tokio::time::timeout(ROOM_WITHIN, comparison).await;
        match outcome.unwrap_or(Err(RoomError::Slow)) {
            Ok(()) => report.rooms += 1,
            Err(RoomError::Storage(error)) => return Err(error),
            Err(error) => {
                tracing::warn!(bridge, room_id, %error, "a room could not be compared with the recorded usage");
                let unreadable = (bridge.clone(), room_id.clone(), error.to_string());
                report.unreadable.push(unreadable);
            }
        }
        let now = self.clock.now_ms();
        self.database
            .writer()
            .write::<_, StorageError, _>(move |connection| {
                async move { comparison::note_compared(connection, &bridge, &room_id, now).await }
                    .boxed()
            })
            .await?;
        Ok(report)
    }

    async fn compare_room(
        &self,
        bridge_id: &str,
        room_id: &str,
        pause: Duration,
        report: &mut ReconcileReport,
    ) -> Result<(), RoomError> {
        let bridge = self
            .config
            .bridge(bridge_id)
            .ok_or(RoomError::UnknownBridge)?;
        let redacted_since = self.clock.now_ms() - COMPARE_REDACTED_MS;
        // Before the room is read: a redaction that is made meanwhile is then no difference.
        let reader = self.database.reader();
        let rows = comparison::events(reader, bridge_id, room_id, redacted_since).await?;
        let event_type = &self.config.usage.event_type;
        let room = RoomReader::new(&self.homeserver, bridge, event_type, pause);
        let seen = room.meta_events(room_id, &rows, redacted_since).await?;
        report.events += rows.len();
        for row in &rows {
            let state = match seen.get(&row.event_id) {
                Some(event) if event.is_redacted => EventState::Redacted,
                Some(_) => EventState::Present,
                None if row.is_sent => room.event_state(room_id, &row.event_id).await?,
                None => EventState::Missing,
            };
            let verdict = verdict(row.is_sent, state);
            self.mender
                .mend(bridge_id, room_id, row, verdict, report)
                .await?;
        }
        for (event, sent_at) in strays(&seen, &rows, self.clock.now_ms()) {
            report.events += 1;
            let stray = Stray {
                bridge: bridge_id.to_owned(),
                room_id: room_id.to_owned(),
                event_type: event.event_type.clone(),
                event_id: event.event_id.clone(),
                batch: event.batch.clone().unwrap_or_default(),
                sent_at,
            };
            self.mender.settle_stray(stray, report).await?;
        }
        Ok(())
    }
}
