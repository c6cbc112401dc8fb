//! The worker: gathers usages, sends meta events, and redacts them when nothing of them is needed.
//!
//! All it knows is in the database, so it goes on after a kill where it was. Each step is a write
//! of its own; between claiming an event and settling it lies the request to the homeserver, which
//! may be repeated (same transaction ID, same URL) without being counted twice.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use futures_util::{FutureExt, StreamExt, stream};
use sqlx::SqliteConnection;
use tokio_util::sync::CancellationToken;

use crate::{
    clock::{Clock, millis},
    config::{BridgeConfig, Config},
    homeserver::{Device, EventToSend, Features, Homeserver, HomeserverError},
    links::Links,
    storage::{
        Database, StorageError,
        history::{self, Forgotten},
        media_references::{self, Usage},
        meta_events::{self, GivenUp, MetaEventRow, NewMetaEvent, Task},
        room_successors,
    },
};

use super::{backoff::delay_ms, meta_event};

/// As which device of the bridge's user events are sent.
const DEVICE_ID: &str = "MEDIALINK";
/// For how long a claim holds: longer than any request.
pub(crate) const LEASE_MS: i64 = 120_000;
/// How many events are on their way at once.
const AT_ONCE: usize = 8;
/// How many events are claimed in one go.
const CLAIMED_AT_ONCE: i64 = 64;
/// The longest wait between two attempts, in milliseconds.
pub(super) const LONGEST_WAIT_MS: i64 = 60_000;
/// The longest wait where somebody has to mend something first, in milliseconds.
const LONGEST_WAIT_REFUSED_MS: i64 = 3_600_000;
/// After what time a homeserver may have forgotten a transaction ID (Synapse: 24 h).
const FORGOTTEN_AFTER_MS: i64 = 20 * 3_600_000;
/// How long transactions of the homeserver are remembered.
const REMEMBER_TRANSACTIONS_MS: i64 = 7 * 86_400_000;
/// How far the homeserver's clock may be from ours, in milliseconds.
pub(super) const CLOCKS_APART_MS: i64 = 3_600_000;
/// How often old memories are thrown away, in milliseconds.
const FORGET_EVERY_MS: i64 = 3_600_000;

/// Tells the homeserver which media is in use.
#[derive(Debug)]
pub struct UsageWorker {
    links: Links,
    pub(super) database: Database,
    pub(super) config: Arc<Config>,
    clock: Clock,
    pub(super) features: Features,
    pub(super) homeserver: Arc<Homeserver>,
    /// The device of each bridge, once it was asked for.
    devices: Mutex<HashMap<String, KnownDevice>>,
}

/// What came of asking for a device.
#[derive(Debug, Clone)]
enum KnownDevice {
    /// It is there.
    Ready(Device),
    /// It could not be made, so many times in a row; nobody asks again before `until`.
    Refused { times: i64, until: i64 },
}

impl UsageWorker {
    /// A worker for the links of a service.
    #[must_use]
    pub fn new(
        links: Links,
        database: Database,
        config: Arc<Config>,
        clock: Clock,
        features: Features,
        homeserver: Arc<Homeserver>,
    ) -> Self {
        Self {
            links,
            database,
            config,
            clock,
            features,
            homeserver,
            devices: Mutex::default(),
        }
    }

    fn config(&self) -> &Config {
        &self.config
    }

    pub(super) fn now(&self) -> i64 {
        self.clock.now_ms()
    }

    /// Works until it is cancelled.
    pub async fn run(self, stop: CancellationToken) {
        let tick = (self.config().usage.batch_window / 4)
            .clamp(Duration::from_millis(20), Duration::from_millis(500));
        let mut forget_at = 0;
        let mut changed = self.database.writer().usage_changed();
        while !stop.is_cancelled() {
            changed.mark_unchanged();
            let mut again = false;
            match self.step(&stop).await {
                Ok(more) => again = more,
                Err(error) => tracing::error!(%error, "usage could not be worked on"),
            }
            if self.now() >= forget_at {
                forget_at = self.now() + FORGET_EVERY_MS;
                if let Err(error) = self.forget().await {
                    tracing::error!(%error, "old memories could not be thrown away");
                }
            }
            if !again {
                tokio::select! {
                    () = stop.cancelled() => {}
                    Ok(()) = changed.changed() => {}
                    () = tokio::time::sleep(tick) => {}
                }
            }
        }
    }

    /// Does everything that is due now; `true`: there may be more.
    async fn step(&self, stop: &CancellationToken) -> Result<bool, StorageError> {
        let mut more = self.links.expire().await?;
        self.move_to_successors().await?;
        self.gather().await?;
        more |= self.review().await?;
        more |= self.perform_due(stop).await?;
        Ok(more)
    }

    pub(super) async fn write<T, F>(&self, write: F) -> Result<T, StorageError>
    where
        T: Send + 'static,
        F: for<'c> FnOnce(
                &'c mut SqliteConnection,
            )
                -> futures_util::future::BoxFuture<'c, Result<T, StorageError>>
            + Send
            + 'static,
    {
        self.database.writer().write(write).await
    }

    async fn forget(&self) -> Result<(), StorageError> {
        let now = self.now();
        let links = &self.config().links;
        // Where links may live for ever, so does what is known against them.
        let redactions = match links.max_lifetime {
            crate::config::Lifetime::Never => None,
            crate::config::Lifetime::For(_) => Some(now - millis(links.remember)),
        };
        let has_legacy_links = !self.config().legacy_links.entries().is_empty();
        let before = Forgotten {
            transactions: now - REMEMBER_TRANSACTIONS_MS,
            redactions,
            // Links that bridges have made by themselves do not tell their age.
            revocations: redactions.filter(|_| !has_legacy_links),
        };
        self.write(move |connection| history::forget(connection, before).boxed())
            .await?;
        self.links.forget_shown().await
    }

    /// The device of a bridge's user, made if it is not there; `None`: the homeserver does not
    /// answer now.
    pub(super) async fn device(&self, bridge: &BridgeConfig) -> Option<Device> {
        let known = self.known_devices().get(&bridge.id).cloned();
        let failures = match known {
            Some(KnownDevice::Ready(device)) => return Some(device),
            Some(KnownDevice::Refused { until, .. }) if self.now() < until => return None,
            Some(KnownDevice::Refused { times, .. }) => times,
            None => 0,
        };
        let device = match self.homeserver.ensure_device(bridge, DEVICE_ID).await {
            Ok(()) => Device(DEVICE_ID.to_owned()),
            Err(error) if matches!(error.status(), 400 | 404 | 405) => {
                tracing::warn!(bridge = bridge.id, %error, "the homeserver has no devices for appservices: \
                    an event whose answer was lost may be sent twice if the homeserver restarts meanwhile");
                Device(String::new())
            }
            Err(error) => {
                tracing::warn!(bridge = bridge.id, %error, "no device could be made to send meta events with");
                let times = failures + 1;
                let until = self.now() + wait_ms(&error, times);
                self.known_devices()
                    .insert(bridge.id.clone(), KnownDevice::Refused { times, until });
                return None;
            }
        };
        self.known_devices()
            .insert(bridge.id.clone(), KnownDevice::Ready(device.clone()));
        Some(device)
    }

    /// Makes sure of the device again before the next send.
    fn doubt_device(&self, bridge: &str) {
        let mut known = self.known_devices();
        if matches!(known.get(bridge), Some(KnownDevice::Ready(_))) {
            known.remove(bridge);
        }
    }

    fn known_devices(&self) -> MutexGuard<'_, HashMap<String, KnownDevice>> {
        self.devices.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Drafts meta events for rooms in which usages have waited for the batch window.
    async fn gather(&self) -> Result<(), StorageError> {
        let before = self.now() - millis(self.config().usage.batch_window);
        let mut connection = self.database.reader().acquire().await?;
        let rooms = media_references::rooms_to_gather(&mut connection, before).await?;
        drop(connection);
        for (bridge_id, room_id) in rooms {
            let Some(bridge) = self.config().bridge(&bridge_id) else {
                continue;
            };
            let Some(device) = self.device(bridge).await else {
                continue;
            };
            let now = self.now();
            let drafter = self.drafter(bridge, device);
            self.write(move |connection| {
                async move {
                    let usages = media_references::gather(connection, &bridge_id, &room_id).await?;
                    let room_id =
                        room_successors::counted_in(connection, &bridge_id, &room_id).await?;
                    drafter
                        .insert(connection, &room_id, &usages, true, now)
                        .await
                }
                .boxed()
            })
            .await?;
        }
        Ok(())
    }

    pub(super) fn drafter(&self, bridge: &BridgeConfig, device: Device) -> Drafter {
        // A copy cannot be attached to another event, so each has an event of its own.
        let has_copies = self.features.links_media();
        Drafter {
            bridge: bridge.id.clone(),
            network: bridge.network.clone(),
            device,
            event_type: self.config().usage.event_type.clone(),
            batch_size: if has_copies {
                1
            } else {
                self.config().usage.batch_size
            },
            has_copies,
        }
    }

    /// Looks at sent meta events some of whose media has died: redacts those that count nothing
    /// live, and replaces those that do. `true`: there may be more.
    async fn review(&self) -> Result<bool, StorageError> {
        let now = self.now();
        let mut connection = self.database.reader().acquire().await?;
        let due = meta_events::to_review(&mut connection, now, CLAIMED_AT_ONCE).await?;
        drop(connection);
        let more = !due.is_empty();
        let mut postponed = false;
        for (id, bridge_id, room_id) in due {
            let Some(bridge) = self.config().bridge(&bridge_id) else {
                postponed = true;
                continue;
            };
            let Some(device) = self.device(bridge).await else {
                postponed = true;
                continue;
            };
            let drafter = self.drafter(bridge, device);
            let tell_events = self.is_home(&room_id);
            self.write(move |connection| {
                async move {
                    let members = meta_events::review(connection, id).await?;
                    let (here, gone): (Vec<_>, Vec<_>) = members
                        .iter()
                        .partition(|member| member.here && member.live);
                    if here.is_empty() {
                        return meta_events::start_redaction(connection, id, now).await;
                    }
                    // The room may have been replaced since.
                    let target =
                        room_successors::counted_in(connection, &bridge_id, &room_id).await?;
                    if gone.is_empty() && target == room_id {
                        return Ok(());
                    }
                    // What lives on is counted elsewhere first; this one is looked at again then.
                    let moving: Vec<i64> = here
                        .iter()
                        .filter(|member| !member.queued)
                        .map(|member| member.id)
                        .collect();
                    let usages = media_references::live(connection, &moving).await?;
                    drafter
                        .insert(connection, &target, &usages, tell_events, now)
                        .await
                }
                .boxed()
            })
            .await?;
        }
        Ok(more && !postponed)
    }

    /// Whether a room is one in which media is shared, not the fallback room.
    fn is_home(&self, room_id: &str) -> bool {
        self.config()
            .usage
            .fallback_room
            .as_ref()
            .is_none_or(|room| room.as_str() != room_id)
    }

    /// Sends and redacts what is due; `true`: there may be more.
    async fn perform_due(&self, stop: &CancellationToken) -> Result<bool, StorageError> {
        let now = self.now();
        if !meta_events::any_due(self.database.reader(), now).await? {
            return Ok(false);
        }
        let claimed = self
            .write(move |connection| {
                meta_events::claim(connection, now, LEASE_MS, CLAIMED_AT_ONCE).boxed()
            })
            .await?;
        let more = !claimed.is_empty();
        stream::iter(claimed)
            .for_each_concurrent(AT_ONCE, |event| async move {
                // Its claim is forgotten at the next start.
                if stop.is_cancelled() {
                    return;
                }
                let id = event.id;
                if let Err(error) = self.perform(event).await {
                    // The claim runs out, and then somebody tries again.
                    tracing::error!(%error, meta_event = id, "a meta event could not be settled");
                }
            })
            .await;
        Ok(more)
    }

    async fn perform(&self, event: MetaEventRow) -> Result<(), StorageError> {
        let Some(bridge) = self.config().bridge(&event.bridge) else {
            return self
                .later(
                    &event,
                    LONGEST_WAIT_REFUSED_MS,
                    false,
                    "its bridge is not configured any more",
                )
                .await;
        };
        // A transaction holds across restarts of the homeserver only as a device that is there.
        if !event.device_id.is_empty() && self.device(bridge).await.is_none() {
            let wait = delay_ms(event.attempts, LONGEST_WAIT_MS);
            return self
                .later(&event, wait, false, "the homeserver does not answer")
                .await;
        }
        match event.task() {
            Task::Send => self.send(bridge, event).await,
            Task::Redact => self.redact(bridge, event).await,
        }
    }

    async fn send(&self, bridge: &BridgeConfig, event: MetaEventRow) -> Result<(), StorageError> {
        if !self.config().usage.encrypted_rooms && self.is_home(&event.room_id) {
            match self
                .homeserver
                .room_state(bridge, &event.room_id, "m.room.encryption")
                .await
            {
                Ok(None) => {}
                Ok(Some(_)) => {
                    if self.settle_if_arrived(bridge, &event).await? {
                        return Ok(());
                    }
                    return self
                        .give_up(&event, GivenUp::Disabled, "the room is encrypted")
                        .await;
                }
                Err(error) if error.status() == 403 => {
                    return self.cannot_send(bridge, event, &error).await;
                }
                Err(error) => return self.try_again(&event, &error, false).await,
            }
        }
        let now = self.now();
        if event
            .unknown_since
            .is_some_and(|since| since + FORGOTTEN_AFTER_MS <= now)
        {
            return self.look_before_sending(bridge, event).await;
        }
        let Some(event) = self.copied(bridge, event).await? else {
            return Ok(());
        };
        let device = Device(event.device_id.clone());
        let sent = EventToSend {
            event_type: &event.event_type,
            txn_id: &event.txn_id,
            content: &event.content,
        };
        let copy = event.copy_mxc.as_deref();
        let outcome = self
            .homeserver
            .send_event(bridge, &event.room_id, sent, &device, copy)
            .await;
        match outcome {
            Ok(event_id) => self.settle_sent(&event, event_id).await,
            Err(error)
                if copy.is_some()
                    && error.status() == 400
                    && error.errcode() == "M_INVALID_PARAM" =>
            {
                self.not_attached(bridge, &event, &error).await
            }
            Err(error) if error.status() == 413 || error.errcode() == "M_TOO_LARGE" => {
                self.halve(bridge, event, &error).await
            }
            Err(error) if error.errcode() == "M_UNKNOWN_DEVICE" => {
                self.doubt_device(&event.bridge);
                self.try_again(&event, &error, false).await
            }
            Err(error) if is_hopeless(&error) => self.cannot_send(bridge, event, &error).await,
            Err(error) => {
                if error.status() >= 500 {
                    self.doubt_device(&event.bridge);
                }
                self.try_again(&event, &error, error.outcome_is_unknown())
                    .await
            }
        }
    }

    async fn settle_sent(
        &self,
        event: &MetaEventRow,
        event_id: String,
    ) -> Result<(), StorageError> {
        let (id, now) = (event.id, self.now());
        let review_dead_at = now + millis(self.config().usage.batch_window);
        tracing::info!(
            bridge = event.bridge,
            room_id = event.room_id,
            event_id,
            "meta event sent"
        );
        metrics::counter!("medialink_meta_events_total", "outcome" => "sent").increment(1);
        let (bridge, room_id) = (event.bridge.clone(), event.room_id.clone());
        self.write(move |connection| {
            async move {
                meta_events::settle_sent(connection, id, &event_id, review_dead_at, now).await?;
                // The room may have been replaced while it was on its way.
                if room_successors::counted_in(connection, &bridge, &room_id).await? != room_id {
                    meta_events::review_by(connection, id, now).await?;
                }
                Ok(())
            }
            .boxed()
        })
        .await
    }

    /// The homeserver has forgotten the transaction by now: the room tells whether the event
    /// arrived.
    async fn look_before_sending(
        &self,
        bridge: &BridgeConfig,
        event: MetaEventRow,
    ) -> Result<(), StorageError> {
        match self.find(bridge, &event).await {
            Ok(Some(event_id)) => self.settle_sent(&event, event_id).await,
            Ok(None) => {
                let (id, now) = (event.id, self.now());
                self.write(move |connection| meta_events::send_anew(connection, id, now).boxed())
                    .await
            }
            Err(error) if is_hopeless(&error) => self.cannot_send(bridge, event, &error).await,
            Err(error) => self.try_again(&event, &error, false).await,
        }
    }

    /// Before a meta event is given up: an earlier attempt whose answer was lost may have come
    /// through. `true`: it did, or the room has to be asked again later.
    pub(super) async fn settle_if_arrived(
        &self,
        bridge: &BridgeConfig,
        event: &MetaEventRow,
    ) -> Result<bool, StorageError> {
        if event.unknown_since.is_none() {
            return Ok(false);
        }
        match self.find(bridge, event).await {
            Ok(Some(event_id)) => self.settle_sent(event, event_id).await?,
            Ok(None) => return Ok(false),
            Err(error) if is_hopeless(&error) => return Ok(false),
            Err(error) => self.try_again(event, &error, false).await?,
        }
        Ok(true)
    }

    /// Looks for a meta event in its room.
    async fn find(
        &self,
        bridge: &BridgeConfig,
        event: &MetaEventRow,
    ) -> Result<Option<String>, HomeserverError> {
        let since = event.created_at - CLOCKS_APART_MS;
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

    /// Splits a meta event that is too large.
    async fn halve(
        &self,
        bridge: &BridgeConfig,
        event: MetaEventRow,
        error: &HomeserverError,
    ) -> Result<(), StorageError> {
        if self.settle_if_arrived(bridge, &event).await? {
            return Ok(());
        }
        let drafter = self.drafter(bridge, Device(event.device_id.clone()));
        let (id, room_id, now) = (event.id, event.room_id.clone(), self.now());
        let tell_events = self.is_home(&room_id);
        let told = error.to_string();
        tracing::warn!(
            bridge = event.bridge,
            room_id,
            error = told,
            "meta event too large: halved"
        );
        let review_at = now + LONGEST_WAIT_REFUSED_MS;
        self.write(move |connection| {
            async move {
                if meta_events::count_queued(connection, id).await? < 2 {
                    meta_events::give_up(connection, id, GivenUp::Failed, &told, review_at).await?;
                    return Ok(());
                }
                let members =
                    meta_events::give_up(connection, id, GivenUp::Replaced, &told, review_at)
                        .await?;
                let usages = media_references::live(connection, &members).await?;
                let (first, second) = usages.split_at(usages.len().div_ceil(2));
                for half in [first, second] {
                    drafter
                        .insert(connection, &room_id, half, tell_events, now)
                        .await?;
                }
                Ok(())
            }
            .boxed()
        })
        .await
    }

    /// The bridge may not send there: another room counts the usage, if there is one.
    async fn cannot_send(
        &self,
        bridge: &BridgeConfig,
        event: MetaEventRow,
        error: &HomeserverError,
    ) -> Result<(), StorageError> {
        if self.settle_if_arrived(bridge, &event).await? {
            return Ok(());
        }
        let Some((elsewhere, tell_events)) = self.elsewhere(&event, error).await? else {
            return self
                .give_up(&event, GivenUp::Failed, &error.to_string())
                .await;
        };
        tracing::warn!(bridge = event.bridge, room_id = event.room_id, %error, "meta event refused: another room counts");
        let drafter = self.drafter(bridge, Device(event.device_id.clone()));
        let (id, told, now) = (event.id, error.to_string(), self.now());
        self.write(move |connection| {
            async move {
                let members =
                    meta_events::give_up(connection, id, GivenUp::Replaced, &told, now).await?;
                let usages = media_references::live(connection, &members).await?;
                drafter
                    .insert(connection, &elsewhere, &usages, tell_events, now)
                    .await
            }
            .boxed()
        })
        .await
    }

    /// Where a meta event that was refused can go, and whether it names events there: to the room
    /// that has replaced its own, or to the fallback room.
    async fn elsewhere(
        &self,
        event: &MetaEventRow,
        error: &HomeserverError,
    ) -> Result<Option<(String, bool)>, StorageError> {
        let mut connection = self.database.reader().acquire().await?;
        let home =
            room_successors::counted_in(&mut connection, &event.bridge, &event.room_id).await?;
        if home != event.room_id {
            return Ok(Some((home, self.is_home(&event.room_id))));
        }
        let fallback = self.config().usage.fallback_room.as_ref();
        let fallback = fallback.map(ToString::to_string);
        Ok(fallback
            .filter(|room| *room != event.room_id && error.status() == 403)
            .map(|room| (room, false)))
    }

    pub(super) async fn give_up(
        &self,
        event: &MetaEventRow,
        end: GivenUp,
        told: &str,
    ) -> Result<(), StorageError> {
        if end == GivenUp::Disabled {
            tracing::info!(
                bridge = event.bridge,
                room_id = event.room_id,
                reason = told,
                "meta event not sent, as usage.encrypted_rooms says"
            );
        } else {
            tracing::error!(
                bridge = event.bridge,
                room_id = event.room_id,
                error = told,
                "meta event given up; `medialink usage retry` tries again"
            );
            metrics::counter!("medialink_meta_events_total", "outcome" => "failed").increment(1);
        }
        let (id, told) = (event.id, told.to_owned());
        let review_at = self.now() + LONGEST_WAIT_REFUSED_MS;
        self.write(move |connection| {
            async move {
                meta_events::give_up(connection, id, end, &told, review_at)
                    .await
                    .map(drop)
            }
            .boxed()
        })
        .await
    }

    pub(super) async fn try_again(
        &self,
        event: &MetaEventRow,
        error: &HomeserverError,
        unknown: bool,
    ) -> Result<(), StorageError> {
        let wait = wait_ms(error, event.attempts);
        self.later(event, wait, unknown, &error.to_string()).await
    }

    async fn later(
        &self,
        event: &MetaEventRow,
        wait: i64,
        unknown: bool,
        told: &str,
    ) -> Result<(), StorageError> {
        tracing::warn!(
            bridge = event.bridge,
            room_id = event.room_id,
            error = told,
            attempts = event.attempts,
            wait_ms = wait,
            "meta event not settled, tried again"
        );
        metrics::counter!("medialink_meta_events_total", "outcome" => "retried").increment(1);
        let (id, now, told) = (event.id, self.now(), told.to_owned());
        self.write(move |connection| {
            async move {
                let unknown_since = unknown.then_some(now);
                meta_events::settle_later(connection, id, now + wait, unknown_since, &told).await
            }
            .boxed()
        })
        .await
    }

    async fn redact(&self, bridge: &BridgeConfig, event: MetaEventRow) -> Result<(), StorageError> {
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
                self.doubt_device(&event.bridge);
                return self.try_again(&event, &error, false).await;
            }
            // Whoever has left the room cannot redact there: it waits for the return.
            Err(error) if is_hopeless(&error) => {
                let wait = delay_ms(event.attempts + 5, LONGEST_WAIT_REFUSED_MS);
                return self.later(&event, wait, false, &error.to_string()).await;
            }
            Err(error) => {
                if error.status() >= 500 {
                    self.doubt_device(&event.bridge);
                }
                return self.try_again(&event, &error, false).await;
            }
        }
        tracing::info!(
            bridge = event.bridge,
            room_id = event.room_id,
            event_id,
            "meta event redacted"
        );
        metrics::counter!("medialink_meta_events_total", "outcome" => "redacted").increment(1);
        let (id, now) = (event.id, self.now());
        self.write(move |connection| meta_events::settle_redacted(connection, id, now).boxed())
            .await
    }
}

/// How long to wait after the n-th attempt failed: as the homeserver tells, if it does.
fn wait_ms(error: &HomeserverError, attempts: i64) -> i64 {
    match error {
        HomeserverError::Refused {
            retry_after_ms: Some(wait),
            ..
        } => i64::try_from(*wait)
            .unwrap_or(i64::MAX)
            .clamp(1, LONGEST_WAIT_REFUSED_MS),
        _ => delay_ms(attempts, LONGEST_WAIT_MS),
    }
}

/// Whether the homeserver would say the same again: a refusal that waiting does not mend. A 401 is
/// mended by the operator, so it is tried again, and so is a path that a homeserver has to know:
/// its worker is down, or requests are led astray.
pub(super) fn is_hopeless(error: &HomeserverError) -> bool {
    !matches!(error.errcode(), "" | "M_UNRECOGNIZED")
        && matches!(error.status(), 400 | 402..=407 | 409..=428 | 431..=499)
}

/// Turns usages into queued meta events.
pub(super) struct Drafter {
    bridge: String,
    network: String,
    device: Device,
    event_type: String,
    batch_size: usize,
    has_copies: bool,
}

impl Drafter {
    pub(super) async fn insert(
        &self,
        connection: &mut SqliteConnection,
        room_id: &str,
        usages: &[Usage],
        tell_events: bool,
        now: i64,
    ) -> Result<(), StorageError> {
        for draft in meta_event::draft(usages, &self.network, self.batch_size, tell_events) {
            let event = NewMetaEvent {
                bridge: self.bridge.clone(),
                room_id: room_id.to_owned(),
                event_type: self.event_type.clone(),
                content: draft.content,
                batch: draft.batch,
                device_id: self.device.0.clone(),
                members: draft.members,
                has_copy: self.has_copies,
            };
            meta_events::insert(connection, &event, now).await?;
        }
        Ok(())
    }
}
