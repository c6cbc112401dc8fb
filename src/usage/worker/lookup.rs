//! Looking for a meta event in its room, where the answer to an attempt was lost.

use std::sync::Arc;

use crate::{
    config::BridgeConfig,
    homeserver::{Homeserver, HomeserverError},
    storage::{StorageError, meta_events::ClaimedEvent},
};

use crate::usage::retry::is_permanent;

use super::{context::Context, outbox::Outbox};

/// How far the homeserver's clock may be from ours, in milliseconds.
pub(in crate::usage) const CLOCK_SKEW_MS: i64 = 3_600_000;

#[derive(Debug, Clone)]
pub(super) struct EventLookup {
    homeserver: Arc<Homeserver>,
    outbox: Outbox,
}

impl EventLookup {
    pub(super) fn new(context: &Context, outbox: Outbox) -> Self {
        Self {
            homeserver: Arc::clone(&context.homeserver),
            outbox,
        }
    }

    /// The ID of a meta event, if its room has it.
    pub(super) async fn find(
        &self,
        bridge: &BridgeConfig,
        event: &ClaimedEvent,
    ) -> Result<Option<String>, HomeserverError> {
        let since = event.created_at - CLOCK_SKEW_MS;
        self.homeserver
            .find_meta_event(
                bridge,
                &event.room_id,
                &event.event_type,
                &event.batch,
                since,
            )
            .await
    }

    /// Before a meta event is given up: an earlier attempt whose answer was lost may have
    /// succeeded. `true`: it has, or the room is asked again later.
    pub(super) async fn settle_if_arrived(
        &self,
        bridge: &BridgeConfig,
        event: &ClaimedEvent,
    ) -> Result<bool, StorageError> {
        if event.unknown_since.is_none() {
            return Ok(false);
        }
        match self.find(bridge, event).await {
            Ok(Some(event_id)) => self.outbox.settle_sent(event, event_id).await?,
            Ok(None) => return Ok(false),
            Err(error) if is_permanent(&error) => return Ok(false),
            Err(error) => self.outbox.retry(event, &error, false).await?,
        }
        Ok(true)
    }
}
