//! Rooms that were replaced: usage moves on to the new room once the bridge's user is there.

use std::sync::Arc;

use futures_util::FutureExt;

use crate::{
    clock::Clock,
    config::{BridgeConfig, Config},
    homeserver::{Homeserver, HomeserverError},
    storage::{
        Database, StorageError, media_references, meta_events,
        room_successors::{self, Succession},
    },
};

use super::context::Context;

/// How long to wait after the homeserver could not be asked about a room, in milliseconds.
const CHECK_AGAIN_AFTER_MS: i64 = 30_000;

/// Whether usage can move to the new room.
enum Readiness {
    /// The bridge's user is in the new room, and that room names the old one.
    Ready,
    /// The bridge's user is not there (yet).
    NotJoined,
    /// The new room does not name the old one.
    NotASuccessor,
}

/// Moves usage from replaced rooms to their successors.
#[derive(Debug)]
pub(super) struct Successors {
    database: Database,
    config: Arc<Config>,
    clock: Clock,
    homeserver: Arc<Homeserver>,
}

impl Successors {
    pub(super) fn new(context: &Context) -> Self {
        Self {
            database: context.database.clone(),
            config: Arc::clone(&context.config),
            clock: context.clock.clone(),
            homeserver: Arc::clone(&context.homeserver),
        }
    }

    /// Checks replacements that are due, and moves usage where it can move; `true`: there were some.
    pub(super) async fn check(&self) -> Result<bool, StorageError> {
        let due = room_successors::due(self.database.reader(), self.clock.now_ms()).await?;
        let has_checked = !due.is_empty();
        for succession in due {
            let Some(bridge) = self.config.bridge(&succession.bridge) else {
                self.check_again(succession, None).await?;
                continue;
            };
            match self.readiness(bridge, &succession).await {
                Ok(Readiness::Ready) => self.move_usage(bridge, succession).await?,
                Ok(Readiness::NotJoined) => self.check_again(succession, None).await?,
                Ok(Readiness::NotASuccessor) => {
                    tracing::warn!(
                        bridge = bridge.id,
                        room_id = succession.room_id,
                        successor = succession.successor,
                        "a tombstone names a room that does not name the old one: usage stays where it is"
                    );
                    self.check_again(succession, None).await?;
                }
                Err(error) => {
                    tracing::warn!(bridge = bridge.id, room_id = succession.room_id, %error, "a replaced room cannot be looked at");
                    let at = self.clock.now_ms() + CHECK_AGAIN_AFTER_MS;
                    self.check_again(succession, Some(at)).await?;
                }
            }
        }
        Ok(has_checked)
    }

    /// Anybody who may set a tombstone can name any room in it, so both rooms have to agree.
    async fn readiness(
        &self,
        bridge: &BridgeConfig,
        succession: &Succession,
    ) -> Result<Readiness, HomeserverError> {
        let successor = &succession.successor;
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

    /// Puts the check off; `None`: until the bridge's user joins.
    async fn check_again(
        &self,
        succession: Succession,
        check_at: Option<i64>,
    ) -> Result<(), StorageError> {
        self.database
            .writer()
            .write(move |connection| {
                async move { room_successors::check_again(connection, &succession, check_at).await }
                    .boxed()
            })
            .await
    }

    /// From now on usage is counted in the new room. The review of the old room's meta events moves
    /// it: by new meta events, after which the old ones are redacted.
    async fn move_usage(
        &self,
        bridge: &BridgeConfig,
        succession: Succession,
    ) -> Result<(), StorageError> {
        let now = self.clock.now_ms();
        let moved = succession.clone();
        self.database
            .writer()
            .write::<_, StorageError, _>(move |connection| {
                async move {
                    room_successors::moved(connection, &moved, now).await?;
                    let Succession {
                        bridge, room_id, ..
                    } = &moved;
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
            bridge = bridge.id,
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
