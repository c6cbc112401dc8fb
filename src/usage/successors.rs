//! Rooms that were replaced: usage moves on to the new room once the bridge's user is there.

use futures_util::FutureExt;

use crate::{
    config::BridgeConfig,
    homeserver::HomeserverError,
    storage::{
        StorageError, media_references, meta_events,
        room_successors::{self, Succession},
    },
};

use super::worker::UsageWorker;

/// How long to wait until a room is looked at again that could not be looked at, in milliseconds.
const LOOK_AGAIN_MS: i64 = 30_000;

/// How a replacement stands.
enum Standing {
    /// The bridge's user is in the new room, and that room names the old one.
    Ready,
    /// The bridge's user is not there (yet).
    NotThere,
    /// The new room does not name the old one.
    Stranger,
}

impl UsageWorker {
    /// Looks at replacements that are due, and moves usage where it can be moved.
    pub(super) async fn move_to_successors(&self) -> Result<(), StorageError> {
        let due = room_successors::due(self.database.reader(), self.now()).await?;
        for succession in due {
            let Some(bridge) = self.config.bridge(&succession.bridge) else {
                self.look_again(succession, None).await?;
                continue;
            };
            match self.standing(bridge, &succession).await {
                Ok(Standing::Ready) => self.move_usage(bridge, succession).await?,
                Ok(Standing::NotThere) => self.look_again(succession, None).await?,
                Ok(Standing::Stranger) => {
                    tracing::warn!(
                        bridge = bridge.id,
                        room_id = succession.room_id,
                        successor = succession.successor,
                        "a tombstone names a room that does not name the old one: usage stays where it is"
                    );
                    self.look_again(succession, None).await?;
                }
                Err(error) => {
                    tracing::warn!(bridge = bridge.id, room_id = succession.room_id, %error, "a replaced room cannot be looked at");
                    let at = self.now() + LOOK_AGAIN_MS;
                    self.look_again(succession, Some(at)).await?;
                }
            }
        }
        Ok(())
    }

    /// Anybody who may set a tombstone can name any room in it, so both rooms have to agree.
    async fn standing(
        &self,
        bridge: &BridgeConfig,
        succession: &Succession,
    ) -> Result<Standing, HomeserverError> {
        let successor = &succession.successor;
        let membership = self.homeserver.membership(bridge, successor).await;
        match unless_outside(membership)?.as_deref() {
            Some("join") => {}
            _ => return Ok(Standing::NotThere),
        }
        let create = self
            .homeserver
            .room_state(bridge, successor, "m.room.create")
            .await;
        let create = unless_outside(create)?.unwrap_or_default();
        let predecessor = create.pointer("/predecessor/room_id");
        let predecessor = predecessor.and_then(|room_id| room_id.as_str());
        Ok(if predecessor == Some(&succession.room_id) {
            Standing::Ready
        } else {
            Standing::Stranger
        })
    }

    async fn look_again(
        &self,
        succession: Succession,
        check_at: Option<i64>,
    ) -> Result<(), StorageError> {
        self.write(move |connection| {
            async move { room_successors::look_again(connection, &succession, check_at).await }
                .boxed()
        })
        .await
    }

    /// From now on usage is counted in the new room. The review of what is counted in the old one
    /// moves it: by new meta events, after which the old ones are redacted.
    async fn move_usage(
        &self,
        bridge: &BridgeConfig,
        succession: Succession,
    ) -> Result<(), StorageError> {
        let now = self.now();
        let moved = succession.clone();
        self.write(move |connection| {
            async move {
                room_successors::moved(connection, &moved, now).await?;
                let Succession {
                    bridge, room_id, ..
                } = &moved;
                // What is sent from now on goes to the new room, what was sent is looked at again.
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

/// What a room says; `None` for who is not in it.
fn unless_outside<T>(
    asked: Result<Option<T>, HomeserverError>,
) -> Result<Option<T>, HomeserverError> {
    match asked {
        Err(error) if matches!(error.status(), 403 | 404) => Ok(None),
        asked => asked,
    }
}
