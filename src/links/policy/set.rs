//! Setting the policy of a room as a bridge's user, who has to have the power for that.

use futures_util::FutureExt;
use serde_json::{Map, Value};

use crate::{
    config::BridgeConfig,
    homeserver::{HomeserverError, POWER_LEVELS, power_for_state, power_of},
    storage::{Lock, StorageError, room_policies},
};

use super::{super::service::Links, content::POLICY_EVENT_TYPE};

/// The policy event of a room, as its homeserver has it.
#[derive(Debug, Clone, Default)]
pub struct PolicyEvent {
    /// Its ID; `None`: there is none, or the homeserver does not tell it.
    pub event_id: Option<String>,
    /// Its content.
    pub content: Map<String, Value>,
}

/// Why the policy of a room is not set.
#[derive(Debug, thiserror::Error)]
pub enum SetPolicyError {
    /// The homeserver refused or failed.
    #[error("{0}")]
    Homeserver(#[from] HomeserverError),
    /// The user has not the power for it.
    #[error(
        "{error}. {user_id} has power {has} in this room, and {POLICY_EVENT_TYPE} needs {needed}"
    )]
    Power {
        /// What the homeserver said.
        error: HomeserverError,
        /// The bridge's user.
        user_id: String,
        /// Its power.
        has: i64,
        /// The power that the event needs.
        needed: i64,
    },
    /// The database failed.
    #[error(transparent)]
    Storage(#[from] StorageError),
}

impl Links {
    /// The policy event of a room, as the homeserver has it now.
    ///
    /// # Errors
    /// If the homeserver refuses or fails.
    pub async fn policy_event(
        &self,
        bridge: &BridgeConfig,
        room_id: &str,
    ) -> Result<PolicyEvent, HomeserverError> {
        let asked = self
            .homeserver
            .room_state_event(bridge, room_id, POLICY_EVENT_TYPE);
        Ok(match asked.await? {
            Some((event_id, Value::Object(content))) => PolicyEvent { event_id, content },
            Some((event_id, _)) => PolicyEvent {
                event_id,
                content: Map::new(),
            },
            None => PolicyEvent::default(),
        })
    }

    /// Sends a policy event with this content into a room, and acts on it as if it had come in a transaction.
    ///
    /// # Errors
    /// If the homeserver refuses or fails, or the database does.
    pub async fn set_policy(
        &self,
        bridge: &BridgeConfig,
        room_id: &str,
        content: Map<String, Value>,
    ) -> Result<(), SetPolicyError> {
        let content = Value::Object(content);
        let known = room_policies::find(self.database.reader(), room_id).await?;
        let revision = known.map_or(0, |known| known.revision);
        let body = content.to_string();
        let sent = self
            .homeserver
            .send_state(bridge, room_id, POLICY_EVENT_TYPE, body);
        match sent.await {
            Ok(event_id) => {
                let note = self.note_set(&bridge.id, room_id, (event_id, content), revision);
                Ok(note.await?)
            }
            Err(error) => {
                if error.outcome_is_unknown() {
                    self.doubt_policy(&bridge.id, room_id).await?;
                }
                Err(self.explained(bridge, room_id, error).await)
            }
        }
    }

    /// Notes a policy that was set, unless something else was noted meanwhile: which of both is newer, the room tells.
    async fn note_set(
        &self,
        bridge: &str,
        room_id: &str,
        (event_id, content): (String, Value),
        revision: i64,
    ) -> Result<(), StorageError> {
        let recorder = self.recorder.clone();
        let (bridge, room_id) = (bridge.to_owned(), room_id.to_owned());
        self.database
            .writer()
            .write(move |connection| {
                async move {
                    connection.lock(&[Lock::Room(&room_id)]).await?;
                    let known = room_policies::find_in(connection, &room_id).await?;
                    let known = known.unwrap_or_default();
                    let event_id = Some(event_id.as_str());
                    if known.revision == revision || known.event_id.as_deref() == event_id {
                        recorder
                            .note_policy(connection, &bridge, &room_id, event_id, &content)
                            .await
                    } else {
                        let now = recorder.clock.now_ms();
                        room_policies::doubt(connection, &room_id, &bridge, now).await
                    }
                }
                .boxed()
            })
            .await
    }

    /// Has a room asked at once.
    async fn doubt_policy(&self, bridge: &str, room_id: &str) -> Result<(), StorageError> {
        let (bridge, room_id, now) = (bridge.to_owned(), room_id.to_owned(), self.now());
        self.database
            .writer()
            .write(move |connection| {
                async move {
                    connection.lock(&[Lock::Room(&room_id)]).await?;
                    room_policies::doubt(connection, &room_id, &bridge, now).await
                }
                .boxed()
            })
            .await
    }

    /// The same error, with the power that is lacking, if that is why.
    async fn explained(
        &self,
        bridge: &BridgeConfig,
        room_id: &str,
        error: HomeserverError,
    ) -> SetPolicyError {
        if error.errcode() != "M_FORBIDDEN" {
            return error.into();
        }
        let levels = self.homeserver.room_state(bridge, room_id, POWER_LEVELS);
        let Ok(Some(levels)) = levels.await else {
            return error.into();
        };
        let user_id = bridge.user_id.as_str();
        let has = power_of(&levels, user_id);
        let needed = power_for_state(&levels, POLICY_EVENT_TYPE);
        if has >= needed {
            return error.into();
        }
        SetPolicyError::Power {
            error,
            user_id: user_id.to_owned(),
            has,
            needed,
        }
    }
}
