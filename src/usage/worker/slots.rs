//! The requests of one bridge that are on their way: a few at once, each in a room of its own.

use std::{collections::VecDeque, sync::Arc};

use futures_util::FutureExt;
use tokio_util::sync::CancellationToken;

use crate::{
    clock::Clock,
    config::BridgeConfig,
    random,
    storage::{
        Database, Lock, StorageError,
        meta_events::{self, ClaimedEvent, Wanted},
    },
};

use super::{beside::Beside, context::Context, lease::LEASE_MS, perform::Performer};

/// How many requests of a bridge are made at once.
const SLOTS: usize = 8;
/// How many of them may be in rooms in which the last request failed: others always have room.
const SLOTS_OF_RESTING: usize = 4;
/// How many rooms are remembered in which a request was made last: others go before them.
const REMEMBERED: usize = 64;

/// Claims meta events of a bridge, and has each sent or redacted beside the loop.
#[derive(Debug)]
pub(super) struct Slots {
    database: Database,
    clock: Clock,
    bridge: Arc<BridgeConfig>,
    /// Begins the values of its claims.
    claimant: String,
    performer: Arc<Performer>,
    /// Each tells whether its room has rested.
    running: Beside<bool>,
    running_rested: usize,
    served: VecDeque<String>,
}

impl Slots {
    pub(super) fn new(context: &Context, bridge: Arc<BridgeConfig>, performer: Performer) -> Self {
        Self {
            database: context.database.clone(),
            clock: context.clock.clone(),
            bridge,
            claimant: random::id(),
            performer: Arc::new(performer),
            running: Beside::new(),
            running_rested: 0,
            served: VecDeque::with_capacity(REMEMBERED),
        }
    }

    /// How many are free.
    fn free(&mut self) -> usize {
        while let Some(has_rested) = self.running.take() {
            self.running_rested -= usize::from(has_rested);
        }
        SLOTS - self.running.len().min(SLOTS)
    }

    fn wanted(&self) -> Wanted {
        Wanted {
            bridge: self.bridge.id.clone(),
            claimant: self.claimant.clone(),
            after_others: self.served.iter().cloned().collect(),
            with_resting: self.running_rested < SLOTS_OF_RESTING,
        }
    }

    /// Whether there is a free slot and a meta event for it.
    pub(super) async fn has_work(&mut self) -> Result<bool, StorageError> {
        if self.free() == 0 {
            return Ok(false);
        }
        let now = self.clock.now_ms();
        meta_events::any_claimable(self.database.reader(), &self.wanted(), now).await
    }

    /// Claims as many meta events as there are free slots, and starts with each; `true`: there were
    /// some.
    pub(super) async fn fill(&mut self, stop: &CancellationToken) -> Result<bool, StorageError> {
        let stop = stop.clone();
        let (free, mut wanted) = (self.free(), self.wanted());
        let (now, mut rested) = (self.clock.now_ms(), self.running_rested);
        let claimed = self
            .database
            .writer()
            .write::<Vec<ClaimedEvent>, StorageError, _>(move |connection| {
                async move {
                    connection.lock(&[Lock::Outbox(&wanted.bridge)]).await?;
                    let mut claimed = Vec::new();
                    // Whoever stops does not wait for this write, and would not know of its claims.
                    while claimed.len() < free && !stop.is_cancelled() {
                        wanted.with_resting = rested < SLOTS_OF_RESTING;
                        let next = meta_events::claim(connection, &wanted, LEASE_MS, now).await?;
                        let Some(event) = next else {
                            break;
                        };
                        rested += usize::from(event.has_rested);
                        claimed.push(event);
                    }
                    Ok(claimed)
                }
                .boxed()
            })
            .await?;
        let has_claimed = !claimed.is_empty();
        for event in claimed {
            self.start(event);
        }
        Ok(has_claimed)
    }

    fn start(&mut self, event: ClaimedEvent) {
        self.served.retain(|room_id| *room_id != event.room_id);
        if self.served.len() == REMEMBERED {
            self.served.pop_front();
        }
        self.served.push_back(event.room_id.clone());
        let has_rested = event.has_rested;
        self.running_rested += usize::from(has_rested);
        let (performer, bridge) = (Arc::clone(&self.performer), Arc::clone(&self.bridge));
        self.running.start(async move {
            performer.perform(&bridge, event).await;
            has_rested
        });
    }

    /// Waits until a slot becomes free.
    pub(super) async fn freed(&mut self) {
        let has_rested = self.running.next().await;
        self.running_rested -= usize::from(has_rested);
    }

    /// Waits for the requests that are on their way, a few seconds at most.
    pub(super) async fn finish(mut self) {
        self.running.finish().await;
        let (bridge, claimant) = (self.bridge.id.clone(), self.claimant);
        let freed = self.database.writer().write(move |connection| {
            async move {
                // A write that claims goes first, if it has begun.
                connection.lock(&[Lock::Outbox(&bridge)]).await?;
                meta_events::free_claims_of(connection, &bridge, &claimant).await
            }
            .boxed()
        });
        if let Err(error) = freed.await {
            tracing::warn!(%error, "claims of meta events could not be given back: they run out");
        }
    }
}
