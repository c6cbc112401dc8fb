//! Gathering: usages that have waited for the batch window get meta events.

use std::sync::Arc;

use futures_util::{FutureExt, StreamExt, TryStreamExt, stream};

use crate::{
    clock::Clock,
    config::{BridgeConfig, Settings},
    homeserver::{Device, Features},
    storage::{Database, Lock, StorageError, media_references, room_successors},
};

use super::{context::Context, draft::Drafter};

/// The most rooms that are gathered before any of it is sent.
const ROOMS: i64 = 256;
/// How many of them are written at once, so that one commit of a SQLite file does for several. On a server, each
/// waits for the one before.
const AT_ONCE: usize = 4;
/// How many usages of a room are gathered by one write, or as many as one meta event counts: others wait behind it.
const USAGES: usize = 250;

#[derive(Debug)]
pub(super) struct Gatherer {
    database: Database,
    config: Settings,
    clock: Clock,
    features: Features,
    bridge: Arc<BridgeConfig>,
}

impl Gatherer {
    pub(super) fn new(context: &Context, bridge: Arc<BridgeConfig>) -> Self {
        Self {
            database: context.database.clone(),
            config: context.config.clone(),
            clock: context.clock.clone(),
            features: context.features.clone(),
            bridge,
        }
    }

    /// Queues meta events for some of the rooms in which a usage waits since before `before`; `true`: there was such
    /// a room.
    pub(super) async fn gather(&self, device: &Device, before: i64) -> Result<bool, StorageError> {
        let mut connection = self.database.reader().acquire().await?;
        let rooms =
            media_references::rooms_to_gather(&mut connection, &self.bridge.id, before, ROOMS)
                .await?;
        drop(connection);
        let has_rooms = !rooms.is_empty();
        let at_once = if self.database.is_ours_alone() {
            AT_ONCE
        } else {
            1
        };
        stream::iter(rooms)
            .map(|room_id| self.gather_room(device, room_id))
            .buffer_unordered(at_once)
            .try_collect::<()>()
            .await?;
        Ok(has_rooms)
    }

    /// Queues meta events for some of what waits in a room.
    async fn gather_room(&self, device: &Device, room_id: String) -> Result<(), StorageError> {
        let (bridge_id, now) = (self.bridge.id.clone(), self.clock.now_ms());
        let batch_size = self.config.usage.batch_size.max(1);
        let limit = (USAGES / batch_size).max(1) * batch_size;
        let limit = i64::try_from(limit).unwrap_or(i64::MAX);
        let drafter = Drafter::new(&self.config, &self.features, &self.bridge, device.clone());
        self.database
            .writer()
            .write(move |connection| {
                async move {
                    connection.lock(&[Lock::Outbox(&bridge_id)]).await?;
                    let usages =
                        media_references::gather(connection, &bridge_id, &room_id, limit).await?;
                    let room_id =
                        room_successors::counted_in(connection, &bridge_id, &room_id).await?;
                    drafter
                        .queue(connection, &room_id, &usages, true, now)
                        .await
                }
                .boxed()
            })
            .await
    }
}
