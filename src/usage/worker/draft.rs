//! From usages of a room to meta events in the outbox.

use crate::{
    config::{BridgeConfig, Config},
    homeserver::{Device, Features, attachable_at_once},
    storage::{
        Connection, StorageError,
        media_references::Usage,
        meta_events::{self, NewMetaEvent},
    },
};

use super::content;

/// Queues meta events of one bridge.
#[derive(Clone)]
pub(super) struct Drafter {
    bridge: String,
    network: String,
    device: Device,
    event_type: String,
    batch_size: usize,
    /// How many media of the homeserver can be attached to one event.
    attachable: usize,
    features: Features,
}

impl Drafter {
    pub(super) fn new(
        config: &Config,
        features: &Features,
        bridge: &BridgeConfig,
        device: Device,
    ) -> Self {
        Self {
            bridge: bridge.id.clone(),
            network: bridge.network.clone(),
            device,
            event_type: config.usage.event_type.clone(),
            batch_size: config.usage.batch_size,
            attachable: attachable_at_once(config.homeserver.server_name.as_str()),
            features: features.clone(),
        }
    }

    /// How many media a meta event counts at most.
    fn batch_size(&self, has_copies: bool, now: i64) -> usize {
        match (has_copies, self.features.attaches_many(now)) {
            (false, _) => self.batch_size,
            (true, true) => self.batch_size.min(self.attachable),
            (true, false) => 1,
        }
    }

    /// Queues the meta events that count these usages in a room. `names_events`: whether each
    /// reference names the event that shared the media.
    pub(super) async fn queue(
        &self,
        connection: &mut Connection,
        room_id: &str,
        usages: &[Usage],
        names_events: bool,
        now: i64,
    ) -> Result<(), StorageError> {
        let has_copy = self.features.links_media();
        let batch_size = self.batch_size(has_copy, now);
        for draft in content::draft(usages, &self.network, batch_size, names_events) {
            let event = NewMetaEvent {
                bridge: self.bridge.clone(),
                room_id: room_id.to_owned(),
                event_type: self.event_type.clone(),
                content: draft.content,
                batch: draft.batch,
                device_id: self.device.0.clone(),
                members: draft.members,
                has_copy,
            };
            meta_events::insert(connection, &event, now).await?;
        }
        Ok(())
    }
}

/// Whether a room is not one in which media is shared, but the one that counts for others. Its members
/// are not told of events in other rooms.
pub(super) fn is_fallback_room(config: &Config, room_id: &str) -> bool {
    let fallback = config.usage.fallback_room.as_ref();
    fallback.is_some_and(|room| room.as_str() == room_id)
}
