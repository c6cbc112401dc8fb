//! Gathering: usages that have waited for the batch window get meta events.

use std::sync::Arc;

use futures_util::FutureExt;

use crate::{
    clock::Clock,
    config::{BridgeConfig, Config},
    homeserver::{Device, Features},
    storage::{Database, Lock, StorageError, media_references, room_successors},
};

use super::{context::Context, draft::Drafter};

#[derive(Debug)]
pub(super) struct Gatherer {
    database: Database,
    config: Arc<Config>,
    clock: Clock,
    features: Features,
    bridge: Arc<BridgeConfig>,
}

impl Gatherer {
    pub(super) fn new(context: &Context, bridge: Arc<BridgeConfig>) -> Self {
        Self {
            database: context.database.clone(),
            config: Arc::clone(&context.config),
            clock: context.clock.clone(),
            features: context.features.clone(),
            bridge,
        }
    }

    /// Queues meta events for rooms in which a usage waits since before `before`; `true`: there was
    /// such a room.
    pub(super) async fn gather(&self, device: &Device, before: i64) -> Result<bool, StorageError> {
        let bridge_id = &self.bridge.id;
        let mut connection = self.database.reader().acquire().await?;
        let rooms = media_references::rooms_to_gather(&mut connection, bridge_id, before).await?;
        drop(connection);
        let has_rooms = !rooms.is_empty();
        for room_id in rooms {
            let (bridge_id, now) = (bridge_id.clone(), self.clock.now_ms());
            let drafter = Drafter::new(&self.config, &self.features, &self.bridge, device.clone());
            self.database
                .writer()
                .write::<_, StorageError, _>(move |connection| {
                    async move {
                        connection.lock(&[Lock::Outbox(&bridge_id)]).await?;
                        let usages =
                            media_references::gather(connection, &bridge_id, &room_id).await?;
                        let room_id =
                            room_successors::counted_in(connection, &bridge_id, &room_id).await?;
                        drafter
                            .queue(connection, &room_id, &usages, true, now)
                            .await
                    }
                    .boxed()
                })
                .await?;
        }
        Ok(has_rooms)
    }
}
