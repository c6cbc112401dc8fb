//! Meta events that the homeserver refuses for good: halved, counted by another room, or given up.

use futures_util::FutureExt;

use crate::{
    clock::Clock,
    config::{BridgeConfig, Settings},
    homeserver::{Device, Features, HomeserverError},
    storage::{
        Connection, Database, StorageError,
        media_references::{self, Usage},
        meta_events::{self, ClaimedEvent, GiveUp},
        room_successors,
    },
};

use crate::usage::retry::LONGEST_WAIT_REFUSED_MS;

use super::{
    context::Context,
    draft::{Drafter, is_fallback_room},
    lookup::EventLookup,
    outbox::Outbox,
};

#[derive(Debug)]
pub(super) struct Refusals {
    database: Database,
    config: Settings,
    clock: Clock,
    features: Features,
    lookup: EventLookup,
    outbox: Outbox,
}

/// The parts of a meta event that replace it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Parts {
    /// Two with half of the usages each.
    Halves,
    /// This usage, and the others.
    Apart(i64),
    /// Each usage.
    Each,
}

impl Parts {
    fn of(self, mut usages: Vec<Usage>) -> Vec<Vec<Usage>> {
        match self {
            Self::Halves => {
                let second = usages.split_off(usages.len().div_ceil(2));
                vec![usages, second]
            }
            Self::Apart(id) => {
                let (one, others) = usages.into_iter().partition(|usage| usage.id == id);
                vec![others, one]
            }
            Self::Each => usages.into_iter().map(|usage| vec![usage]).collect(),
        }
    }
}

/// The room that is to count instead.
struct OtherRoom {
    room_id: String,
    names_events: bool,
}

impl Refusals {
    pub(super) fn new(context: &Context, lookup: EventLookup, outbox: Outbox) -> Self {
        Self {
            database: context.database.clone(),
            config: context.config.clone(),
            clock: context.clock.clone(),
            features: context.features.clone(),
            lookup,
            outbox,
        }
    }

    fn drafter(&self, bridge: &BridgeConfig, event: &ClaimedEvent) -> Drafter {
        let device = Device(event.device_id.clone());
        Drafter::new(&self.config, &self.features, bridge, device)
    }

    /// It is too large, attaches too much, or one of its media hinders the others: several with a part
    /// of the usages each take its place.
    pub(super) async fn split(
        &self,
        bridge: &BridgeConfig,
        event: ClaimedEvent,
        parts: Parts,
        error: &HomeserverError,
    ) -> Result<(), StorageError> {
        if self.lookup.settle_if_arrived(bridge, &event).await? {
            return Ok(());
        }
        let drafter = self.drafter(bridge, &event);
        let names_events = !is_fallback_room(&self.config, &event.room_id);
        let (now, error) = (self.clock.now_ms(), error.to_string());
        if parts == Parts::Halves {
            tracing::warn!(
                bridge = event.bridge,
                room_id = event.room_id,
                error,
                "meta event too large: halved"
            );
        }
        let split_event = event.clone();
        let is_held = self
            .database
            .writer()
            .write::<_, StorageError, _>(move |connection| {
                async move {
                    let drafter = (&drafter, names_events);
                    split(connection, &split_event, drafter, parts, &error, now).await
                }
                .boxed()
            })
            .await?;
        self.outbox.note_unless(is_held, &event);
        Ok(())
    }

    /// The bridge may not send there: another room counts the usages, if there is one.
    pub(super) async fn count_elsewhere(
        &self,
        bridge: &BridgeConfig,
        event: ClaimedEvent,
        error: &HomeserverError,
    ) -> Result<(), StorageError> {
        if self.lookup.settle_if_arrived(bridge, &event).await? {
            return Ok(());
        }
        let Some(other) = self.other_room(&event, error).await? else {
            let reason = error.to_string();
            return self.outbox.give_up(&event, GiveUp::Failed, &reason).await;
        };
        tracing::warn!(bridge = event.bridge, room_id = event.room_id, %error, "meta event refused: another room counts");
        let drafter = self.drafter(bridge, &event);
        let (claim, error, now) = (event.claim(), error.to_string(), self.clock.now_ms());
        let is_held = self
            .database
            .writer()
            .write::<_, StorageError, _>(move |connection| {
                async move {
                    let replaced = GiveUp::Replaced;
                    let members =
                        meta_events::give_up(connection, &claim, replaced, &error, now).await?;
                    let Some(members) = members else {
                        return Ok(false);
                    };
                    let usages = media_references::live(connection, &members).await?;
                    let OtherRoom {
                        room_id,
                        names_events,
                    } = other;
                    drafter
                        .queue(connection, &room_id, &usages, names_events, now)
                        .await?;
                    Ok(true)
                }
                .boxed()
            })
            .await?;
        self.outbox.note_unless(is_held, &event);
        Ok(())
    }

    /// The room that has replaced the event's own, or the fallback room.
    async fn other_room(
        &self,
        event: &ClaimedEvent,
        error: &HomeserverError,
    ) -> Result<Option<OtherRoom>, StorageError> {
        let mut connection = self.database.reader().acquire().await?;
        let successor =
            room_successors::counted_in(&mut connection, &event.bridge, &event.room_id).await?;
        if successor != event.room_id {
            return Ok(Some(OtherRoom {
                room_id: successor,
                names_events: !is_fallback_room(&self.config, &event.room_id),
            }));
        }
        let fallback = self.config.usage.fallback_room.as_ref();
        Ok(fallback
            .map(ToString::to_string)
            .filter(|room| *room != event.room_id && error.status() == 403)
            .map(|room_id| OtherRoom {
                room_id,
                names_events: false,
            }))
    }
}

/// Replaces a meta event by several; gives it up if it is too large with one usage only. `false`: its
/// claim is lost.
async fn split(
    connection: &mut Connection,
    event: &ClaimedEvent,
    (drafter, names_events): (&Drafter, bool),
    parts: Parts,
    error: &str,
    now: i64,
) -> Result<bool, StorageError> {
    let (claim, review_at) = (event.claim(), now + LONGEST_WAIT_REFUSED_MS);
    let is_one = meta_events::count_queued(connection, event.id).await? < 2;
    let is_hopeless = is_one && parts == Parts::Halves;
    let how = if is_hopeless {
        GiveUp::Failed
    } else {
        GiveUp::Replaced
    };
    let members = meta_events::give_up(connection, &claim, how, error, review_at).await?;
    let Some(members) = members else {
        return match how {
            GiveUp::Failed => meta_events::postpone(connection, &claim, now, None, error).await,
            GiveUp::Disabled | GiveUp::Replaced => Ok(false),
        };
    };
    if is_hopeless {
        return Ok(true);
    }
    let usages = media_references::live(connection, &members).await?;
    for part in parts.of(usages) {
        drafter
            .queue(connection, &event.room_id, &part, names_events, now)
            .await?;
    }
    Ok(true)
}
