//! Reviews of sent meta events: those that count no linked media are redacted, and those that count
//! some beside media that is not linked any more are replaced.

use std::sync::Arc;

use futures_util::FutureExt;

use crate::{
    clock::Clock,
    config::{BridgeConfig, Settings},
    homeserver::{Device, Features},
    storage::{
        Connection, Database, Lock, StorageError, media_references,
        meta_events::{self, Member, ReviewedEvent},
        room_successors,
    },
};

use super::{
    context::Context,
    draft::{Drafter, is_fallback_room},
};

/// How many meta events are reviewed in one go.
const AT_ONCE: i64 = 64;

#[derive(Debug)]
pub(super) struct Reviewer {
    database: Database,
    config: Settings,
    clock: Clock,
    features: Features,
    bridge: Arc<BridgeConfig>,
}

impl Reviewer {
    pub(super) fn new(context: &Context, bridge: Arc<BridgeConfig>) -> Self {
        Self {
            database: context.database.clone(),
            config: context.config.clone(),
            clock: context.clock.clone(),
            features: context.features.clone(),
            bridge,
        }
    }

    /// Reviews sent meta events that are due; `true`: there was one.
    pub(super) async fn review(&self, device: &Device) -> Result<bool, StorageError> {
        let now = self.clock.now_ms();
        let mut connection = self.database.reader().acquire().await?;
        let due = meta_events::to_review(&mut connection, &self.bridge.id, now, AT_ONCE).await?;
        drop(connection);
        let has_due = !due.is_empty();
        for event in due {
            let drafter = Drafter::new(&self.config, &self.features, &self.bridge, device.clone());
            let names_events = !is_fallback_room(&self.config, &event.room_id);
            self.database
                .writer()
                .write::<_, StorageError, _>(move |connection| {
                    async move { review(connection, &event, &drafter, names_events, now).await }
                        .boxed()
                })
                .await?;
        }
        Ok(has_due)
    }
}

async fn review(
    connection: &mut Connection,
    event: &ReviewedEvent,
    drafter: &Drafter,
    names_events: bool,
    now: i64,
) -> Result<(), StorageError> {
    connection.lock(&[Lock::Outbox(&event.bridge)]).await?;
    let Some(counted) = meta_events::start_review(connection, event.id, now).await? else {
        return Ok(());
    };
    let (here, gone): (Vec<Member>, Vec<Member>) =
        counted.members.into_iter().partition(|member| member.live);
    if here.is_empty() {
        return meta_events::start_redaction(connection, event.id, now).await;
    }
    // The room may have been replaced since.
    let target = room_successors::counted_in(connection, &event.bridge, &event.room_id).await?;
    if gone.is_empty() && !counted.names_others && target == event.room_id {
        return Ok(());
    }
    // Media that is still linked is counted elsewhere first; this event is reviewed again then.
    let moving: Vec<i64> = here
        .iter()
        .filter(|member| !member.queued)
        .map(|member| member.id)
        .collect();
    let usages = media_references::live(connection, &moving).await?;
    drafter
        .queue(connection, &target, &usages, names_events, now)
        .await
}
