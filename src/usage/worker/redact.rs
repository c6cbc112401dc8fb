//! Redacting a claimed meta event.

use std::sync::Arc;

use crate::{
    config::BridgeConfig,
    homeserver::{Device, Homeserver},
    storage::{StorageError, meta_events::ClaimedEvent},
};

use crate::usage::retry::{LONGEST_WAIT_REFUSED_MS, delay_ms, is_permanent};

use super::{context::Context, devices::Devices, outbox::Outbox};

#[derive(Debug)]
pub(super) struct Redactor {
    homeserver: Arc<Homeserver>,
    devices: Devices,
    outbox: Outbox,
}

impl Redactor {
    pub(super) fn new(context: &Context, devices: Devices, outbox: Outbox) -> Self {
        Self {
            homeserver: Arc::clone(&context.homeserver),
            devices,
            outbox,
        }
    }

    pub(super) async fn redact(
        &self,
        bridge: &BridgeConfig,
        event: &ClaimedEvent,
    ) -> Result<(), StorageError> {
        let (Some(event_id), Some(txn_id)) = (&event.event_id, &event.redact_txn_id) else {
            return Err(StorageError::Corrupt(
                "meta event to be redacted that was never sent",
            ));
        };
        let device = Device(event.device_id.clone());
        let outcome = self
            .homeserver
            .redact(bridge, &event.room_id, event_id, txn_id, &device)
            .await;
        match outcome {
            Ok(_) => {}
            // There is nothing to redact, so nothing is counted.
            Err(error) if error.status() == 404 && error.errcode() == "M_NOT_FOUND" => {
                tracing::warn!(bridge = event.bridge, room_id = event.room_id, %error, "a meta event to be redacted has gone already");
            }
            Err(error) if error.errcode() == "M_UNKNOWN_DEVICE" => {
                self.devices.check_again(&event.bridge);
                return self.outbox.retry(event, &error, false).await;
            }
            // A user who has left the room cannot redact there: the event waits for the return.
            Err(error) if is_permanent(&error) => {
                let wait = delay_ms(event.attempts + 5, LONGEST_WAIT_REFUSED_MS);
                return self.outbox.retry_refused(event, &error, wait).await;
            }
            Err(error) => {
                if error.status() >= 500 {
                    self.devices.check_again(&event.bridge);
                }
                return self.outbox.retry(event, &error, false).await;
            }
        }
        self.outbox.settle_redacted(event, event_id).await
    }
}
