//! Gathering: usages that have waited for the batch window get meta events.

use std::sync::Arc;

use futures_util::FutureExt;

use crate::{
    clock::Clock,
    config::Config,
    homeserver::Features,
    storage::{Database, StorageError, media_references, room_successors},
};

use super::{context::Context, devices::Devices, draft::Drafter};

#[derive(Debug)]
pub(super) struct Gatherer {
    database: Database,
    config: Arc<Config>,
    clock: Clock,
    features: Features,
    devices: Devices,
}

impl Gatherer {
    pub(super) fn new(context: &Context, devices: Devices) -> Self {
        Self {
            database: context.database.clone(),
            config: Arc::clone(&context.config),
            clock: context.clock.clone(),
            features: context.features.clone(),
            devices,
        }
    }

    /// Queues meta events for rooms in which a usage waits since before `before`; `true`: there was
    /// such a room, and its bridge has a device.
    pub(super) async fn gather(&self, before: i64) -> Result<bool, StorageError> {
        let mut connection = self.database.reader().acquire().await?;
        let rooms = media_references::rooms_to_gather(&mut connection, before).await?;
        drop(connection);
        let mut has_gathered = false;
        for (bridge_id, room_id) in rooms {
            let Some(bridge) = self.config.bridge(&bridge_id) else {
                continue;
            };
            let Some(device) = self.devices.get(bridge).await else {
                continue;
            };
            has_gathered = true;
            let now = self.clock.now_ms();
            let drafter = Drafter::new(&self.config, &self.features, bridge, device);
            self.database
                .writer()
                .write::<_, StorageError, _>(move |connection| {
                    async move {
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
        Ok(has_gathered)
    }
}
