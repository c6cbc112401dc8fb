//! One attempt: a claimed meta event is sent or redacted.

use std::time::Duration;

use crate::{
    config::BridgeConfig,
    homeserver::HomeserverError,
    storage::{
        StorageError,
        meta_events::{ClaimedEvent, Task},
    },
};

use super::{
    context::Context, devices::Devices, lease::Leases, outbox::Outbox, redact::Redactor,
    send::Sender,
};

/// How long an attempt may take, with everything that belongs to it: a copy, the search of a room,
/// the send.
const WITHIN: Duration = Duration::from_secs(600);

#[derive(Debug)]
pub(super) struct Performer {
    leases: Leases,
    outbox: Outbox,
    sender: Sender,
    redactor: Redactor,
}

impl Performer {
    pub(super) fn new(context: &Context, devices: &Devices) -> Self {
        let outbox = Outbox::new(context);
        Self {
            leases: Leases::new(context),
            sender: Sender::new(context, devices.clone(), outbox.clone()),
            redactor: Redactor::new(context, devices.clone(), outbox.clone()),
            outbox,
        }
    }

    /// Makes the attempt, and notes its outcome.
    pub(super) async fn perform(&self, bridge: &BridgeConfig, event: ClaimedEvent) {
        let claim = event.claim();
        let outcome = tokio::select! {
            outcome = self.attempt(bridge, &event) => outcome,
            () = self.leases.hold(&claim) => {
                self.outbox.note_lost(&event);
                return;
            }
        };
        if let Err(error) = outcome {
            // It is tried again when its claim runs out.
            tracing::error!(%error, meta_event = event.id, "a meta event could not be settled");
        }
    }

    async fn attempt(
        &self,
        bridge: &BridgeConfig,
        event: &ClaimedEvent,
    ) -> Result<(), StorageError> {
        let attempt = async {
            match event.task() {
                Task::Send => self.sender.send(bridge, event.clone()).await,
                Task::Redact => self.redactor.redact(bridge, event).await,
            }
        };
        match tokio::time::timeout(WITHIN, attempt).await {
            Ok(outcome) => outcome,
            Err(_) => self.outbox.retry(event, &HomeserverError::Slow, true).await,
        }
    }
}
