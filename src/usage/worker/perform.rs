//! Claims meta events that are due, and has each sent or redacted.

use std::sync::Arc;

use futures_util::{FutureExt, StreamExt, stream};
use tokio_util::sync::CancellationToken;

use crate::{
    clock::Clock,
    config::Config,
    storage::{
        Database, StorageError,
        meta_events::{self, ClaimedEvent, Task},
    },
};

use crate::usage::retry::{LONGEST_WAIT_MS, LONGEST_WAIT_REFUSED_MS, delay_ms};

use super::{context::Context, devices::Devices, outbox::Outbox, redact::Redactor, send::Sender};

/// For how long a claim holds: longer than any request takes.
pub(crate) const LEASE_MS: i64 = 120_000;
/// How many requests are made at once.
const REQUESTS_AT_ONCE: usize = 8;
/// How many events are claimed in one go.
const CLAIMED_AT_ONCE: i64 = 64;

#[derive(Debug)]
pub(super) struct Performer {
    database: Database,
    config: Arc<Config>,
    clock: Clock,
    devices: Devices,
    outbox: Outbox,
    sender: Sender,
    redactor: Redactor,
}

impl Performer {
    pub(super) fn new(context: &Context, devices: Devices) -> Self {
        let outbox = Outbox::new(context);
        Self {
            database: context.database.clone(),
            config: Arc::clone(&context.config),
            clock: context.clock.clone(),
            sender: Sender::new(context, devices.clone(), outbox.clone()),
            redactor: Redactor::new(context, devices.clone(), outbox.clone()),
            devices,
            outbox,
        }
    }

    /// Sends and redacts meta events that are due; `true`: there were some.
    pub(super) async fn perform_due(&self, stop: &CancellationToken) -> Result<bool, StorageError> {
        let now = self.clock.now_ms();
        if !meta_events::any_due(self.database.reader(), now).await? {
            return Ok(false);
        }
        let claimed = self
            .database
            .writer()
            .write::<_, StorageError, _>(move |connection| {
                meta_events::claim(connection, now, LEASE_MS, CLAIMED_AT_ONCE).boxed()
            })
            .await?;
        let has_claimed = !claimed.is_empty();
        stream::iter(claimed)
            .for_each_concurrent(REQUESTS_AT_ONCE, |event| async move {
                // Its claim is released at the next start.
                if stop.is_cancelled() {
                    return;
                }
                let id = event.id;
                if let Err(error) = self.perform(event).await {
                    // It is tried again when its claim runs out.
                    tracing::error!(%error, meta_event = id, "a meta event could not be settled");
                }
            })
            .await;
        Ok(has_claimed)
    }

    async fn perform(&self, event: ClaimedEvent) -> Result<(), StorageError> {
        let Some(bridge) = self.config.bridge(&event.bridge) else {
            let (wait, reason) = (
                LONGEST_WAIT_REFUSED_MS,
                "its bridge is not configured any more",
            );
            return self.outbox.postpone(&event, wait, false, reason).await;
        };
        // The homeserver remembers a transaction across its restarts only for a device that exists.
        if !event.device_id.is_empty() && self.devices.get(bridge).await.is_none() {
            let wait = delay_ms(event.attempts, LONGEST_WAIT_MS);
            let reason = "the homeserver does not answer";
            return self.outbox.postpone(&event, wait, false, reason).await;
        }
        match event.task() {
            Task::Send => self.sender.send(bridge, event).await,
            Task::Redact => self.redactor.redact(bridge, &event).await,
        }
    }
}
