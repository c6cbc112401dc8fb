//! Rooms that were replaced: usage moves on to the new room once the bridge's user is there.

use std::{collections::HashSet, sync::Arc, time::Duration};

use futures_util::FutureExt;

use crate::{
    clock::Clock,
    config::BridgeConfig,
    homeserver::{Homeserver, HomeserverError},
    storage::{
        Database, Lock, StorageError,
        leases::{self, Lease},
        media_references, meta_events,
        room_successors::{self, DueCheck, Succession},
    },
};

use super::{beside::Beside, context::Context};
use crate::usage::retry::{LONGEST_WAIT_REFUSED_MS, delay_ms};

/// How many replacements are checked at once.
const AT_ONCE: usize = 4;
/// How many doublings of the shortest wait come before the first retry: half a minute, then twice as
/// long each time.
const FIRST_WAIT: i64 = 5;
/// How long to wait after an error of the database.
const PAUSE_AFTER_ERROR: Duration = Duration::from_secs(1);

/// Whether usage can move to the new room.
enum Readiness {
    /// The bridge's user is in the new room, and that room names the old one.
    Ready,
    /// The bridge's user is not there (yet).
    NotJoined,
    /// The new room does not name the old one.
    NotASuccessor,
}

/// Moves usage from replaced rooms to their successors, beside the loop.
#[derive(Debug)]
pub(super) struct Successors {
    checker: Arc<Checker>,
    /// Each tells which room it has checked.
    running: Beside<String>,
    checked_now: HashSet<String>,
}

impl Successors {
    pub(super) fn new(context: &Context, bridge: Arc<BridgeConfig>) -> Self {
        let checker = Checker {
            database: context.database.clone(),
            clock: context.clock.clone(),
            homeserver: Arc::clone(&context.homeserver),
            bridge,
        };
        Self {
            checker: Arc::new(checker),
            running: Beside::new(),
            checked_now: HashSet::new(),
        }
    }

    /// Starts to check replacements that are due.
    pub(super) async fn start_due(&mut self) -> Result<(), StorageError> {
        while let Some(room_id) = self.running.take() {
            self.checked_now.remove(&room_id);
        }
        // Those that are being checked are due as well.
        let due = self.checker.due(2 * AT_ONCE as i64).await?;
        for check in due {
            let room_id = check.succession.room_id.clone();
            if self.running.len() >= AT_ONCE || !self.checked_now.insert(room_id.clone()) {
                continue;
            }
            let checker = Arc::clone(&self.checker);
            self.running.start(async move {
                match checker.check_alone(check).await {
                    Ok(Some(())) => {}
                    // Another replica checks it.
                    Ok(None) => tokio::time::sleep(leases::LOOK_AGAIN).await,
                    Err(error) => {
                        tracing::error!(%error, "a replaced room could not be checked");
                        tokio::time::sleep(PAUSE_AFTER_ERROR).await;
                    }
                }
                room_id
            });
        }
        Ok(())
    }

    /// Waits until a check has ended.
    pub(super) async fn checked(&mut self) {
        let room_id = self.running.next().await;
        self.checked_now.remove(&room_id);
    }

    /// Waits for the checks that go on, a few seconds at most.
    pub(super) async fn finish(mut self) {
        self.running.finish().await;
    }
}

#[derive(Debug)]
struct Checker {
    database: Database,
    clock: Clock,
    homeserver: Arc<Homeserver>,
    bridge: Arc<BridgeConfig>,
}

impl Checker {
    async fn due(&self, limit: i64) -> Result<Vec<DueCheck>, StorageError> {
        let now = self.clock.now_ms();
        room_successors::due(self.database.reader(), &self.bridge.id, now, limit).await
    }

    /// Checks a replacement, unless another replica does.
    async fn check_alone(&self, check: DueCheck) -> Result<Option<()>, StorageError> {
        let (bridge, room_id) = (&self.bridge.id, &check.succession.room_id);
        let name = format!("successor {bridge} {room_id}");
        let lease = Lease::new(&self.database, &self.clock, &name);
        let checked = lease.during(self.check(check)).await?;
        checked.transpose()
    }

    /// Checks a replacement, and moves usage if it can move.
    async fn check(&self, check: DueCheck) -> Result<(), StorageError> {
        let succession = &check.succession;
        match self.readiness(succession).await {
            Ok(Readiness::Ready) => self.move_usage(check.succession).await,
            Ok(Readiness::NotJoined) => self.wait_for_join(check).await,
            Ok(Readiness::NotASuccessor) => {
                tracing::warn!(
                    bridge = self.bridge.id,
                    room_id = succession.room_id,
                    successor = succession.successor,
                    "a tombstone names a room that does not name the old one: usage stays where it is"
                );
                self.wait_for_join(check).await
            }
            Err(error) => {
                tracing::warn!(bridge = self.bridge.id, room_id = succession.room_id, %error, "a replaced room cannot be looked at");
                self.check_again(check).await
            }
        }
    }

    /// Anybody who may set a tombstone can name any room in it, so both rooms have to agree.
    async fn readiness(&self, succession: &Succession) -> Result<Readiness, HomeserverError> {
        let (bridge, successor) = (&self.bridge, &succession.successor);
        let membership = self.homeserver.membership(bridge, successor).await;
        if none_if_not_a_member(membership)?.as_deref() != Some("join") {
            return Ok(Readiness::NotJoined);
        }
        let create = self
            .homeserver
            .room_state(bridge, successor, "m.room.create")
            .await;
        let create = none_if_not_a_member(create)?.unwrap_or_default();
        let predecessor = create.pointer("/predecessor/room_id");
        let predecessor = predecessor.and_then(|room_id| room_id.as_str());
        Ok(if predecessor == Some(&succession.room_id) {
            Readiness::Ready
        } else {
            Readiness::NotASuccessor
        })
    }

    /// Puts the check off until the bridge's user joins.
    async fn wait_for_join(&self, check: DueCheck) -> Result<(), StorageError> {
        self.database
            .writer()
            .write(move |connection| {
                async move { room_successors::check_again(connection, &check, None).await }.boxed()
            })
            .await
    }

    /// Puts the check off, for longer each time.
    async fn check_again(&self, check: DueCheck) -> Result<(), StorageError> {
        let now = self.clock.now_ms();
        self.database
            .writer()
            .write(move |connection| {
                async move {
                    let failures =
                        room_successors::note_failure(connection, &check.succession).await?;
                    let wait = delay_ms(failures + FIRST_WAIT, LONGEST_WAIT_REFUSED_MS);
                    room_successors::check_again(connection, &check, Some(now + wait)).await
                }
                .boxed()
            })
            .await
    }

    /// From now on usage is counted in the new room. The review of the old room's meta events moves
    /// it: by new meta events, after which the old ones are redacted.
    async fn move_usage(&self, succession: Succession) -> Result<(), StorageError> {
        let now = self.clock.now_ms();
        let moved = succession.clone();
        self.database
            .writer()
            .write::<_, StorageError, _>(move |connection| {
                async move {
                    let Succession {
                        bridge, room_id, ..
                    } = &moved;
                    // What was sent to the old room until now is settled: it is found by the review.
                    connection.lock(&[Lock::Room(room_id)]).await?;
                    room_successors::moved(connection, &moved, now).await?;
                    // From now on events are sent to the new room; sent ones are reviewed.
                    meta_events::review_room(connection, bridge, room_id, now).await?;
                    let failed = Some((bridge.as_str(), room_id.as_str()));
                    media_references::retry_failed(connection, failed, now).await?;
                    Ok(())
                }
                .boxed()
            })
            .await?;
        tracing::info!(
            bridge = self.bridge.id,
            room_id = succession.room_id,
            successor = succession.successor,
            "usage moves to the room's replacement"
        );
        Ok(())
    }
}

/// An answer about a room; `None` if the bridge's user is not in it.
fn none_if_not_a_member<T>(
    answer: Result<Option<T>, HomeserverError>,
) -> Result<Option<T>, HomeserverError> {
    match answer {
        Err(error) if matches!(error.status(), 403 | 404) => Ok(None),
        answer => answer,
    }
}
