//! Noting the policy of a room, and acting on it.

use futures_util::FutureExt;
use serde_json::Value;

use crate::storage::{
    Connection, Lock, StorageError, ending, history,
    links::{self, Criteria},
    room_policies, seen_media,
};
use medialink_link::LinkState;

use super::{
    super::{recorder::Recorder, service::Links},
    content::read,
};

impl Links {
    /// Notes the policy event of a room, as a bridge sees it, and acts on it: a room that
    /// switches links off ends those that it has, of every bridge; bounds hold at once.
    pub async fn note_policy(
        &self,
        bridge: &str,
        room_id: &str,
        event_id: Option<&str>,
        content: &Value,
    ) -> Result<(), StorageError> {
        let recorder = self.recorder.clone();
        let (bridge, room_id) = (bridge.to_owned(), room_id.to_owned());
        let (event_id, content) = (event_id.map(str::to_owned), content.clone());
        self.database
            .writer()
            .write(move |connection| {
                async move {
                    let event_id = event_id.as_deref();
                    connection.lock(&[Lock::Room(&room_id)]).await?;
                    recorder
                        .note_policy(connection, &bridge, &room_id, event_id, &content)
                        .await
                }
                .boxed()
            })
            .await
    }
}

impl Recorder {
    /// The same, inside a write.
    pub(in crate::links) async fn note_policy(
        &self,
        connection: &mut Connection,
        bridge: &str,
        room_id: &str,
        event_id: Option<&str>,
        content: &Value,
    ) -> Result<(), StorageError> {
        let now = self.clock.now_ms();
        let known = room_policies::find_in(connection, room_id).await?;
        let known = known.unwrap_or_default();
        let (policy, ignored) = read(content);
        let is_news = known.known_at.is_none()
            || known.policy != policy
            || known.event_id.as_deref() != event_id;
        room_policies::note(connection, room_id, bridge, &policy, event_id, now).await?;
        if !is_news {
            return Ok(());
        }
        if !ignored.is_empty() {
            tracing::warn!(
                room_id,
                fields = ignored.join(", "),
                "a room's link policy has fields that make no sense; they are ignored"
            );
        }
        links::bound_by(connection, room_id, &policy).await?;
        if !policy.enabled {
            self.switch_off(connection, room_id, now).await?;
        }
        Ok(())
    }

    /// Ends the live links of a room, and remembers it for those not seen yet.
    async fn switch_off(
        &self,
        connection: &mut Connection,
        room_id: &str,
        now: i64,
    ) -> Result<(), StorageError> {
        let of_room = Criteria {
            room_id: Some(room_id.to_owned()),
            ..Criteria::default()
        };
        let (state, delays) = (LinkState::Revoked, self.release_delays());
        ending::decide(connection, None, &of_room, state, delays, now).await?;
        for bridge in &self.config.bridges {
            history::note_revocation_of_room(connection, &bridge.id, room_id, now).await?;
        }
        let hidden = seen_media::end_of_room(connection, None, room_id, now).await?;
        self.update_legacy(connection, &hidden, now).await?;
        tracing::info!(room_id, "a room's policy ends its links");
        Ok(())
    }
}
