//! Reconciliation: the books are compared with the rooms, and what differs is mended. A moderator
//! may have redacted a meta event, a homeserver or a database may have been restored from a backup.
//!
//! A mend is a change of the books alone; the worker sends and redacts by them.

use std::{
    collections::{BTreeSet, HashMap},
    sync::Arc,
    time::Duration,
};

use futures_util::FutureExt;
use tokio_util::sync::CancellationToken;

use crate::{
    clock::{Clock, millis},
    config::{BridgeConfig, Config, Lifetime},
    homeserver::{Fate, HistoryEvent, HistoryPage, Homeserver, HomeserverError, MOST_PAGES},
    storage::{
        Database, StorageError,
        comparison::{self, ComparedEvent, RoomCriteria, Stray, StrayEnd},
    },
};

use super::worker::CLOCKS_APART_MS;

/// For how long redacted meta events are looked after, in milliseconds.
const REDACTED_MATTER_MS: i64 = 30 * 86_400_000;
/// How old an event that nobody knows has to be before it is redacted, in milliseconds: until then
/// its row may be on its way.
const STRAY_AFTER_MS: i64 = 3_600_000;
/// How long the background job waits before each request.
const PAUSE: Duration = Duration::from_millis(400);
/// How often a request is made anew that the homeserver limits.
const LIMITED_TIMES: usize = 5;
/// The longest wait that the homeserver can ask for.
const LONGEST_LIMIT: Duration = Duration::from_secs(60);

/// Which rooms to compare.
#[derive(Debug, Clone, Default)]
pub struct Scope {
    /// Those of one bridge.
    pub bridge: Option<String>,
    /// One room.
    pub room_id: Option<String>,
}

/// What came of a comparison.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Compared {
    /// How many rooms were compared.
    pub rooms: usize,
    /// How many meta events were compared.
    pub events: usize,
    /// How many usages wait to be counted anew.
    pub counted_anew: u64,
    /// How many meta events found their place in the books.
    pub found: usize,
    /// How many meta events are redacted again.
    pub redacted_again: usize,
    /// How many meta events that nobody knows are redacted.
    pub strays_redacted: usize,
    /// Rooms that could not be read: bridge, room, and why.
    pub unreadable: Vec<(String, String, String)>,
}

/// Why a room was not compared.
#[derive(Debug, thiserror::Error)]
enum NotCompared {
    #[error("its bridge is not configured any more")]
    BridgeGone,
    #[error(transparent)]
    Homeserver(#[from] HomeserverError),
    #[error(transparent)]
    Storage(#[from] StorageError),
}

/// What the room says of a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Verdict {
    Right,
    /// It counts nothing; `gone`: since it is not there.
    Lost {
        gone: bool,
    },
    /// It counts though it was redacted.
    Back,
}

fn verdict(is_sent: bool, fate: Fate) -> Verdict {
    match (is_sent, fate) {
        (true, Fate::Standing) | (false, Fate::Redacted | Fate::Gone) => Verdict::Right,
        (true, Fate::Redacted) => Verdict::Lost { gone: false },
        (true, Fate::Gone) => Verdict::Lost { gone: true },
        (false, Fate::Standing) => Verdict::Back,
    }
}

/// Events of a room that may be unknown to the books: they stand, and are no news.
fn strays<'a>(
    seen: &'a HashMap<String, HistoryEvent>,
    rows: &[ComparedEvent],
    now: i64,
) -> Vec<(&'a HistoryEvent, i64)> {
    let known: BTreeSet<&str> = rows.iter().map(|row| row.event_id.as_str()).collect();
    let mut strays: Vec<_> = seen
        .values()
        .filter(|event| !event.is_redacted && !known.contains(event.event_id.as_str()))
        .filter_map(|event| Some((event, event.sent_at?.max(0))))
        .filter(|(_, sent_at)| *sent_at < now - STRAY_AFTER_MS)
        .collect();
    strays.sort_by_key(|(event, sent_at)| (*sent_at, &event.event_id));
    strays
}

/// The times that one request is made: again, when the homeserver has asked to wait.
struct Turns {
    wait: Duration,
    limited: usize,
}

impl Turns {
    fn new(pause: Duration) -> Self {
        Self {
            wait: pause,
            limited: 0,
        }
    }

    async fn take(&self) {
        tokio::time::sleep(self.wait).await;
    }

    fn has_another<T>(&mut self, outcome: &Result<T, HomeserverError>) -> bool {
        let Err(HomeserverError::Refused {
            status: 429,
            retry_after_ms,
            ..
        }) = outcome
        else {
            return false;
        };
        self.limited += 1;
        self.wait = Duration::from_millis(retry_after_ms.unwrap_or(1000)).min(LONGEST_LIMIT);
        self.limited <= LIMITED_TIMES
    }
}

/// Compares the books with the rooms.
#[derive(Debug)]
pub struct Reconciler {
    database: Database,
    config: Arc<Config>,
    clock: Clock,
    homeserver: Arc<Homeserver>,
}

impl Reconciler {
    /// A reconciler of a database with the rooms of a homeserver.
    #[must_use]
    pub fn new(
        database: Database,
        config: Arc<Config>,
        clock: Clock,
        homeserver: Arc<Homeserver>,
    ) -> Self {
        Self {
            database,
            config,
            clock,
            homeserver,
        }
    }

    /// Compares each room once in `usage.reconcile`, one after the other and slowly, until it is
    /// cancelled.
    pub async fn run(self, stop: CancellationToken) {
        let Lifetime::For(every) = self.config.usage.reconcile else {
            return;
        };
        let look_every = (every / 60).clamp(Duration::from_secs(1), Duration::from_secs(60));
        let work = async {
            loop {
                let due = RoomCriteria {
                    not_since: Some(self.clock.now_ms() - millis(every)),
                    ..RoomCriteria::default()
                };
                match self.compare_rooms(&due, PAUSE).await {
                    Ok(compared) => tell(&compared),
                    Err(error) => tracing::error!(%error, "rooms could not be compared"),
                }
                tokio::time::sleep(look_every).await;
            }
        };
        tokio::select! {
            () = stop.cancelled() => {}
            () = work => {}
        }
    }

    /// Compares rooms now.
    ///
    /// # Errors
    /// If the database fails. What the homeserver refuses is told in the answer.
    pub async fn compare(&self, scope: Scope) -> Result<Compared, StorageError> {
        let criteria = RoomCriteria {
            bridge: scope.bridge,
            room_id: scope.room_id,
            not_since: None,
        };
        self.compare_rooms(&criteria, Duration::ZERO).await
    }

    async fn compare_rooms(
        &self,
        criteria: &RoomCriteria,
        pause: Duration,
    ) -> Result<Compared, StorageError> {
        let mut compared = Compared::default();
        let since = self.clock.now_ms() - REDACTED_MATTER_MS;
        let rooms = comparison::rooms(self.database.reader(), criteria, since).await?;
        for (bridge, room_id) in rooms {
            match self
                .compare_room(&bridge, &room_id, pause, &mut compared)
                .await
            {
                Ok(()) => compared.rooms += 1,
                Err(NotCompared::Storage(error)) => return Err(error),
                Err(error) => {
                    tracing::warn!(bridge, room_id, %error, "a room could not be compared with the books");
                    let told = (bridge.clone(), room_id.clone(), error.to_string());
                    compared.unreadable.push(told);
                }
            }
            let now = self.clock.now_ms();
            let writer = self.database.writer();
            writer
                .write::<_, StorageError, _>(move |connection| {
                    async move {
                        comparison::note_compared(connection, &bridge, &room_id, now).await
                    }
                    .boxed()
                })
                .await?;
        }
        Ok(compared)
    }

    async fn compare_room(
        &self,
        bridge_id: &str,
        room_id: &str,
        pause: Duration,
        compared: &mut Compared,
    ) -> Result<(), NotCompared> {
        let bridge = self
            .config
            .bridge(bridge_id)
            .ok_or(NotCompared::BridgeGone)?;
        let redacted_since = self.clock.now_ms() - REDACTED_MATTER_MS;
        // Before the room is read: what is redacted meanwhile is then no difference.
        let reader = self.database.reader();
        let rows = comparison::events(reader, bridge_id, room_id, redacted_since).await?;
        let seen = self
            .read_room(bridge, room_id, &rows, redacted_since, pause)
            .await?;
        compared.events += rows.len();
        for row in &rows {
            let fate = match seen.get(&row.event_id) {
                Some(event) if event.is_redacted => Fate::Redacted,
                Some(_) => Fate::Standing,
                None if row.is_sent => self.fate(bridge, room_id, &row.event_id, pause).await?,
                None => Fate::Gone,
            };
            self.mend(
                bridge_id,
                room_id,
                row,
                verdict(row.is_sent, fate),
                compared,
            )
            .await?;
        }
        for (event, sent_at) in strays(&seen, &rows, self.clock.now_ms()) {
            compared.events += 1;
            let stray = Stray {
                bridge: bridge_id.to_owned(),
                room_id: room_id.to_owned(),
                event_type: event.event_type.clone(),
                event_id: event.event_id.clone(),
                batch: event.batch.clone().unwrap_or_default(),
                sent_at,
            };
            self.settle_stray(stray, compared).await?;
        }
        Ok(())
    }

    /// Our meta events in a room, back to the oldest that matters.
    async fn read_room(
        &self,
        bridge: &BridgeConfig,
        room_id: &str,
        rows: &[ComparedEvent],
        redacted_since: i64,
        pause: Duration,
    ) -> Result<HashMap<String, HistoryEvent>, NotCompared> {
        let mut types: BTreeSet<&str> = rows.iter().map(|row| row.event_type.as_str()).collect();
        types.insert(&self.config.usage.event_type);
        let types: Vec<&str> = types.into_iter().collect();
        let oldest = rows.iter().map(|row| row.created_at).min();
        let since = oldest.map_or(redacted_since, |at| at.min(redacted_since)) - CLOCKS_APART_MS;
        let mut seen = HashMap::new();
        let mut from: Option<String> = None;
        for _ in 0..MOST_PAGES {
            let page = self
                .page(bridge, room_id, &types, from.as_deref(), pause)
                .await?;
            for event in page.events {
                seen.insert(event.event_id.clone(), event);
            }
            if page.next.is_none() || page.oldest.is_some_and(|oldest| oldest < since) {
                break;
            }
            from = page.next;
        }
        Ok(seen)
    }

    /// What has become of an event that no page has shown.
    async fn fate(
        &self,
        bridge: &BridgeConfig,
        room_id: &str,
        event_id: &str,
        pause: Duration,
    ) -> Result<Fate, HomeserverError> {
        let mut turns = Turns::new(pause);
        loop {
            turns.take().await;
            let outcome = self.homeserver.fate(bridge, room_id, event_id).await;
            if !turns.has_another(&outcome) {
                return outcome;
            }
        }
    }

    async fn page(
        &self,
        bridge: &BridgeConfig,
        room_id: &str,
        types: &[&str],
        from: Option<&str>,
        pause: Duration,
    ) -> Result<HistoryPage, HomeserverError> {
        let mut turns = Turns::new(pause);
        loop {
            turns.take().await;
            let outcome = self.homeserver.history(bridge, room_id, types, from).await;
            if !turns.has_another(&outcome) {
                return outcome;
            }
        }
    }

    async fn mend(
        &self,
        bridge: &str,
        room_id: &str,
        row: &ComparedEvent,
        verdict: Verdict,
        compared: &mut Compared,
    ) -> Result<(), StorageError> {
        let (id, now) = (row.id, self.clock.now_ms());
        let (event_id, writer) = (&row.event_id, self.database.writer());
        match verdict {
            Verdict::Right => {}
            Verdict::Lost { gone } => {
                let anew = writer
                    .write::<_, StorageError, _>(move |connection| {
                        comparison::settle_lost(connection, id, gone, now).boxed()
                    })
                    .await?;
                if let Some(usages) = anew {
                    compared.counted_anew += usages;
                    tracing::warn!(
                        bridge,
                        room_id,
                        event_id,
                        gone,
                        usages,
                        "a meta event does not count any more: what is linked is counted anew"
                    );
                    count("counted_anew");
                }
            }
            Verdict::Back => {
                let again = writer
                    .write::<_, StorageError, _>(move |connection| {
                        comparison::redact_again(connection, id, now).boxed()
                    })
                    .await?;
                if again {
                    compared.redacted_again += 1;
                    tracing::warn!(
                        bridge,
                        room_id,
                        event_id,
                        "a redacted meta event counts again: it is redacted again"
                    );
                    count("redacted_again");
                }
            }
        }
        Ok(())
    }

    async fn settle_stray(
        &self,
        stray: Stray,
        compared: &mut Compared,
    ) -> Result<(), StorageError> {
        let now = self.clock.now_ms();
        let review_dead_at = now + millis(self.config.usage.batch_window);
        let (bridge, room_id) = (stray.bridge.clone(), stray.room_id.clone());
        let event_id = stray.event_id.clone();
        let end = self
            .database
            .writer()
            .write::<_, StorageError, _>(move |connection| {
                async move {
                    comparison::settle_stray(connection, &stray, review_dead_at, now).await
                }
                .boxed()
            })
            .await?;
        match end {
            StrayEnd::Known => {}
            StrayEnd::Settled => {
                compared.found += 1;
                tracing::info!(bridge, room_id, event_id, "a meta event had arrived");
                count("found");
            }
            StrayEnd::Redacted => {
                compared.strays_redacted += 1;
                tracing::warn!(
                    bridge,
                    room_id,
                    event_id,
                    "a meta event that the books do not know is redacted"
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

fn tell(compared: &Compared) {
    if compared.rooms > 0 || !compared.unreadable.is_empty() {
        tracing::info!(
            rooms = compared.rooms,
            events = compared.events,
            counted_anew = compared.counted_anew,
            redacted_again = compared.redacted_again,
            strays_redacted = compared.strays_redacted,
            unreadable = compared.unreadable.len(),
            "the books were compared with the rooms"
        );
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_differs_is_mended() {
        for (is_sent, fate, expected) in [
            (true, Fate::Standing, Verdict::Right),
            (true, Fate::Redacted, Verdict::Lost { gone: false }),
            (true, Fate::Gone, Verdict::Lost { gone: true }),
            (false, Fate::Standing, Verdict::Back),
            (false, Fate::Redacted, Verdict::Right),
            (false, Fate::Gone, Verdict::Right),
        ] {
            assert_eq!(verdict(is_sent, fate), expected, "{is_sent} {fate:?}");
        }
    }

    #[test]
    fn what_is_new_known_redacted_or_has_no_time_is_no_stray() {
        let now = 10 * STRAY_AFTER_MS;
        let old = now - STRAY_AFTER_MS - 1;
        let event = |id: &str, sent_at: Option<i64>, is_redacted: bool| {
            let event = HistoryEvent {
                event_id: id.to_owned(),
                event_type: "t".to_owned(),
                batch: None,
                sent_at,
                is_redacted,
            };
            (id.to_owned(), event)
        };
        let seen = HashMap::from([
            event("$stray", Some(old), false),
            event("$older", Some(old - 1), false),
            event("$known", Some(old), false),
            event("$redacted", Some(old), true),
            event("$new", Some(now - STRAY_AFTER_MS), false),
            event("$future", Some(i64::MAX), false),
            event("$timeless", None, false),
            event("$ancient", Some(i64::MIN), false),
        ]);
        let known = ComparedEvent {
            id: 1,
            event_type: "t".to_owned(),
            event_id: "$known".to_owned(),
            is_sent: true,
            created_at: 0,
        };
        let found = strays(&seen, &[known], now);
        let found: Vec<(&str, i64)> = found
            .iter()
            .map(|(event, at)| (event.event_id.as_str(), *at))
            .collect();
        let expected = [("$ancient", 0), ("$older", old - 1), ("$stray", old)];
        assert_eq!(found, expected);
    }
}
