//! Asks rooms for their policies.

use std::{collections::BTreeSet, time::Duration};

use futures_util::{FutureExt, StreamExt, TryStreamExt, stream};
use serde_json::{Value, json};
use tokio::time::Instant;

use crate::{
    config::BridgeConfig,
    link_service::POLICY_EVENT_TYPE,
    storage::{StorageError, room_policies},
};
use medialink_link::matrix::RoomId;

use super::Rooms;

/// How old what is known of a room may be at an issue, in milliseconds.
const KNOWN_FOR_MS: i64 = 60 * 60 * 1000;
/// How long an issue waits for rooms, all of a batch together.
const ASK_WITHIN: Duration = Duration::from_secs(3);
/// How many rooms are asked at once.
const AT_ONCE: usize = 8;
/// How many rooms that have not answered are read from the database at once.
const PAGE: i64 = 100;

/// What a room said.
enum Answer {
    /// Its policy event, if the ID is known, and the content; without an event, none.
    Policy(Option<String>, Value),
    /// The bridge's user may not know.
    Refused,
    /// Nothing.
    Unanswered,
}

impl Rooms {
    /// Notes what the policy event of a room says; see [`LinkService::note_policy`].
    ///
    /// [`LinkService::note_policy`]: crate::link_service::LinkService::note_policy
    ///
    /// # Errors
    /// If the database fails.
    pub async fn note_policy(
        &self,
        bridge: &str,
        room_id: &str,
        event_id: Option<&str>,
        content: &Value,
    ) -> Result<(), StorageError> {
        self.links
            .note_policy(bridge, room_id, event_id, content)
            .await
    }

    /// Asks the rooms of which nothing is known, or only what is too old. One that does not
    /// answer is asked again later.
    ///
    /// # Errors
    /// If the database fails.
    pub(crate) async fn learn(
        &self,
        bridge: &BridgeConfig,
        rooms: impl IntoIterator<Item = &RoomId>,
    ) -> Result<(), StorageError> {
        let now = self.links.clock.now_ms();
        let deadline = Instant::now() + ASK_WITHIN;
        let mut unknown = Vec::new();
        for room_id in rooms.into_iter().collect::<BTreeSet<_>>() {
            let known = room_policies::find(self.links.database.reader(), room_id.as_str()).await?;
            let known = known.unwrap_or_default();
            let is_fresh = known.known_at.is_some_and(|at| now - at < KNOWN_FOR_MS);
            if known.waits || !is_fresh {
                unknown.push((room_id.as_str(), known.revision));
            }
        }
        stream::iter(unknown)
            .map(Ok)
            .try_for_each_concurrent(AT_ONCE, |(room_id, revision)| {
                self.ask(bridge, room_id, revision, deadline)
            })
            .await
    }

    /// Asks the rooms again that have not answered.
    ///
    /// # Errors
    /// If the database fails.
    pub async fn ask_unanswered(&self) -> Result<(), StorageError> {
        let reader = self.links.database.reader();
        let mut after = String::new();
        loop {
            let page = room_policies::waiting(reader, &after, PAGE).await?;
            let Some((last, _, _)) = page.last() else {
                return Ok(());
            };
            after.clone_from(last);
            stream::iter(&page)
                .map(Ok)
                .try_for_each_concurrent(AT_ONCE, |(room_id, bridge, revision)| async move {
                    // A bridge that is configured no more can ask nobody.
                    let Some(bridge) = self.links.config.bridge(bridge) else {
                        return Ok(());
                    };
                    let deadline = Instant::now() + ASK_WITHIN;
                    self.ask(bridge, room_id, *revision, deadline).await
                })
                .await?;
        }
    }

    /// Asks one room, and notes what it says unless something newer was noted meanwhile.
    async fn ask(
        &self,
        bridge: &BridgeConfig,
        room_id: &str,
        revision: i64,
        deadline: Instant,
    ) -> Result<(), StorageError> {
        let asked = self
            .homeserver
            .room_state_event(bridge, room_id, POLICY_EVENT_TYPE);
        let answer = match tokio::time::timeout_at(deadline, asked).await {
            Ok(Ok(Some((event_id, content)))) => Answer::Policy(event_id, content),
            Ok(Ok(None)) => Answer::Policy(None, json!({})),
            Ok(Err(error)) if error.status() == 403 => Answer::Refused,
            Ok(Err(error)) => {
                tracing::warn!(bridge = bridge.id, room_id, %error, "a room could not be asked for its link policy");
                Answer::Unanswered
            }
            Err(_) => {
                tracing::warn!(
                    bridge = bridge.id,
                    room_id,
                    "a room did not answer in time what its link policy is"
                );
                Answer::Unanswered
            }
        };
        let (links, bridge, room_id) = (self.links.clone(), bridge.id.clone(), room_id.to_owned());
        self.links
            .database
            .writer()
            .write(move |connection| {
                async move {
                    let known = room_policies::find_in(connection, &room_id).await?;
                    let known = known.unwrap_or_default();
                    let is_current = known.revision == revision;
                    match answer {
                        Answer::Unanswered if known.known_at.is_none() || is_current => {
                            room_policies::note_unanswered(connection, &room_id, &bridge).await
                        }
                        Answer::Policy(event_id, content) if is_current => {
                            let event_id = event_id.as_deref();
                            links
                                .note_policy_in(connection, &bridge, &room_id, event_id, &content)
                                .await
                        }
                        // Whoever may not know tells nothing against what another one knew.
                        Answer::Refused if is_current && known.known_at.is_some() => {
                            let now = links.clock.now_ms();
                            room_policies::confirm(connection, &room_id, now).await
                        }
                        // Nor is it an answer for those who may.
                        _ => Ok(()),
                    }
                }
                .boxed()
            })
            .await
    }
}
