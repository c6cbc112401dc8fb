//! Sending a claimed meta event.

use std::sync::Arc;

use crate::{
    clock::Clock,
    config::{BridgeConfig, Settings},
    homeserver::{Device, EventToSend, Homeserver, HomeserverError},
    storage::{
        StorageError,
        meta_events::{ClaimedEvent, GiveUp},
    },
};

use crate::usage::retry::is_permanent;

use super::{
    context::Context,
    copy::{Attached, Copies, Preparation, Unattached},
    devices::Devices,
    draft::is_fallback_room,
    lookup::EventLookup,
    outbox::Outbox,
    refusal::{Parts, Refusals},
};

/// After what time a homeserver may have forgotten a transaction ID (Synapse: 24 h).
const TRANSACTION_FORGOTTEN_AFTER_MS: i64 = 20 * 3_600_000;

#[derive(Debug)]
pub(super) struct Sender {
    homeserver: Arc<Homeserver>,
    config: Settings,
    clock: Clock,
    devices: Devices,
    copies: Copies,
    lookup: EventLookup,
    refusals: Refusals,
    outbox: Outbox,
}

impl Sender {
    pub(super) fn new(context: &Context, devices: Devices, outbox: Outbox) -> Self {
        let lookup = EventLookup::new(context, outbox.clone());
        Self {
            homeserver: Arc::clone(&context.homeserver),
            config: context.config.clone(),
            clock: context.clock.clone(),
            devices,
            copies: Copies::new(context, lookup.clone(), outbox.clone()),
            refusals: Refusals::new(context, lookup.clone(), outbox.clone()),
            lookup,
            outbox,
        }
    }

    pub(super) async fn send(
        &self,
        bridge: &BridgeConfig,
        event: ClaimedEvent,
    ) -> Result<(), StorageError> {
        let Some(event) = self.unless_encrypted(bridge, event).await? else {
            return Ok(());
        };
        let now = self.clock.now_ms();
        let since = event.unknown_since;
        if since.is_some_and(|since| since + TRANSACTION_FORGOTTEN_AFTER_MS <= now) {
            return self.look_before_sending(bridge, event).await;
        }
        let (event, attached) = match self.copies.prepare(bridge, event).await? {
            Preparation::Ready(event, attached) => (event, attached),
            Preparation::Settled => return Ok(()),
            Preparation::Hindered {
                event,
                usage,
                error,
            } => {
                let parts = Parts::Apart(usage);
                return self.refusals.split(bridge, event, parts, &error).await;
            }
        };
        let device = Device(event.device_id.clone());
        let to_send = EventToSend {
            event_type: &event.event_type,
            txn_id: &event.txn_id,
            content: &event.content,
        };
        let outcome = self
            .homeserver
            .send_event(bridge, &event.room_id, to_send, &device, &attached.uris)
            .await;
        match outcome {
            Ok(event_id) => self.outbox.settle_sent(&event, event_id).await,
            Err(error) => self.not_sent(bridge, event, &attached, &error).await,
        }
    }

    async fn not_sent(
        &self,
        bridge: &BridgeConfig,
        event: ClaimedEvent,
        attached: &Attached,
        error: &HomeserverError,
    ) -> Result<(), StorageError> {
        // The body, the URL, or the head.
        if matches!(error.status(), 413 | 414 | 431) || error.errcode() == "M_TOO_LARGE" {
            let halves = Parts::Halves;
            return self.refusals.split(bridge, event, halves, error).await;
        }
        if is_not_attached(attached, error) {
            let outcome = self.copies.not_attached(bridge, &event, attached, error);
            return match outcome.await? {
                Unattached::Settled => Ok(()),
                Unattached::TooMany => {
                    let each = Parts::Each;
                    self.refusals.split(bridge, event, each, error).await
                }
            };
        }
        if error.errcode() == "M_UNKNOWN_DEVICE" {
            self.devices.check_again(&event.bridge);
            return self.outbox.retry(&event, error, false).await;
        }
        if is_permanent(error) {
            return self.refusals.count_elsewhere(bridge, event, error).await;
        }
        if error.status() >= 500 {
            self.devices.check_again(&event.bridge);
        }
        let is_unknown = error.outcome_is_unknown();
        self.outbox.retry(&event, error, is_unknown).await
    }

    /// The event, unless its room is encrypted and no meta event is wanted there, or it is not known
    /// whether it is.
    async fn unless_encrypted(
        &self,
        bridge: &BridgeConfig,
        event: ClaimedEvent,
    ) -> Result<Option<ClaimedEvent>, StorageError> {
        if self.config.usage.encrypted_rooms || is_fallback_room(&self.config, &event.room_id) {
            return Ok(Some(event));
        }
        let encryption = self
            .homeserver
            .room_state(bridge, &event.room_id, "m.room.encryption")
            .await;
        match encryption {
            Ok(None) => return Ok(Some(event)),
            Ok(Some(_)) => {
                if !self.lookup.settle_if_arrived(bridge, &event).await? {
                    let reason = "the room is encrypted";
                    self.outbox
                        .give_up(&event, GiveUp::Disabled, reason)
                        .await?;
                }
            }
            Err(error) if error.status() == 403 => {
                self.refusals.count_elsewhere(bridge, event, &error).await?;
            }
            Err(error) => self.outbox.retry(&event, &error, false).await?,
        }
        Ok(None)
    }

    /// The homeserver may have forgotten the transaction by now: the room shows whether the event
    /// has arrived.
    async fn look_before_sending(
        &self,
        bridge: &BridgeConfig,
        event: ClaimedEvent,
    ) -> Result<(), StorageError> {
        match self.lookup.find(bridge, &event).await {
            Ok(Some(event_id)) => self.outbox.settle_sent(&event, event_id).await,
            Ok(None) => self.outbox.send_again(&event).await,
            Err(error) if is_permanent(&error) => {
                self.refusals.count_elsewhere(bridge, event, &error).await
            }
            Err(error) => self.outbox.retry(&event, &error, false).await,
        }
    }
}

/// Whether an error means that media could not be attached. Where several are to be attached, a
/// homeserver that takes one only may say so in other words.
fn is_not_attached(attached: &Attached, error: &HomeserverError) -> bool {
    if error.status() != 400 {
        return false;
    }
    match attached.uris.len() {
        0 => false,
        1 => error.errcode() == "M_INVALID_PARAM",
        _ => error.errcode() != "M_UNKNOWN_DEVICE",
    }
}
