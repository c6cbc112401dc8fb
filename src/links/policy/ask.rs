//! Asks rooms for their policies.

use std::{collections::BTreeSet, time::Duration};

use futures_util::{FutureExt, StreamExt, TryStreamExt, stream};
use serde_json::{Value, json};
use sqlx::SqliteConnection;
use tokio::time::Instant;

use crate::{
    config::BridgeConfig,
    storage::{StorageError, room_policies},
};
use medialink_link::matrix::RoomId;

use super::{
    super::{recorder::Recorder, service::Links},
    content::POLICY_EVENT_TYPE,
};

/// How old the known policy of a room may be at an issue, in milliseconds.
const KNOWN_FOR_MS: i64 = 60 * 60 * 1000;
/// How long an issue waits for rooms, all of a batch together.
const ASK_WITHIN: Duration = Duration::from_secs(3);
/// How many rooms are asked at once.
const AT_ONCE: usize = 8;
/// How many rooms that have not answered are read from the database at once.
const PAGE: i64 = 100;

/// The answer of a room that was asked for its policy.
enum Answer {
    /// The ID of its policy event, if that is known, and the content: empty without an event.
    Policy(Option<String>, Value),
    /// The bridge's user may not know.
    Refused,
    /// There was no answer.
    Unanswered,
}

impl Links {
    /// Asks the rooms whose policy is not known, or not freshly. One that does not answer is asked
    /// again later.
    pub(crate) async fn learn_policies(
        &self,
        bridge: &BridgeConfig,
        rooms: impl IntoIterator<Item = &RoomId>,
    ) -> Result<(), StorageError> {
        let now = self.now();
        let deadline = Instant::now() + ASK_WITHIN;
        let mut unknown = Vec::new();
        for room_id in rooms.into_iter().collect::<BTreeSet<_>>() {
            let known = room_policies::find(self.database.reader(), room_id.as_str()).await?;
            let known = known.unwrap_or_default();
            let is_fresh = known.known_at.is_some_and(|at| now - at < KNOWN_FOR_MS);
            if known.must_ask || !is_fresh {
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
    pub async fn ask_unanswered(&self) -> Result<(), StorageError> {
        let reader = self.database.reader();
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
                    let Some(bridge) = self.recorder.config.bridge(bridge) else {
                        return Ok(());
                    };
                    let deadline = Instant::now() + ASK_WITHIN;
                    self.ask(bridge, room_id, *revision, deadline).await
                })
                .await?;
        }
    }

    /// Asks one room, and notes its answer.
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
        let (recorder, bridge, room_id) =
            (self.recorder.clone(), bridge.id.clone(), room_id.to_owned());
        self.database
            .writer()
            .write(move |connection| {
                async move {
                    recorder
                        .note_answer(connection, &bridge, &room_id, revision, answer)
                        .await
                }
                .boxed()
            })
            .await
    }
}

impl Recorder {
    /// Notes the answer of a room, unless something newer was noted since it was asked.
    async fn note_answer(
        &self,
        connection: &mut SqliteConnection,
        bridge: &str,
        room_id: &str,
        revision: i64,
        answer: Answer,
    ) -> Result<(), StorageError> {
        let known = room_policies::find_in(connection, room_id).await?;
        let known = known.unwrap_or_default();
        let is_current = known.revision == revision;
        match answer {
            Answer::Unanswered if known.known_at.is_none() || is_current => {
                room_policies::note_unanswered(connection, room_id, bridge).await
            }
            Answer::Policy(event_id, content) if is_current => {
                let event_id = event_id.as_deref();
                self.note_policy(connection, bridge, room_id, event_id, &content)
                    .await
            }
            // A user who may not know refutes nothing that another one knew.
            Answer::Refused if is_current && known.known_at.is_some() => {
                room_policies::confirm(connection, room_id, self.clock.now_ms()).await
            }
            // Nor is it an answer for those who may.
            _ => Ok(()),
        }
    }
}
