//! What rooms allow: a state event that whoever may send state sets, and that bounds what bridges
//! get for the room.

use futures_util::FutureExt;
use serde_json::Value;
use sqlx::SqliteConnection;

use crate::storage::{
    StorageError,
    links::{self, Criteria},
    media_references::{self, Death},
    memory,
    room_policies::{self, RoomPolicy},
    seen_media,
};
use medialink_link::LinkState;

use super::LinkService;

/// The type of the state event; its state key is empty.
pub const POLICY_EVENT_TYPE: &str = "org.matrix.msc3910.link_policy";

/// Reads the content of a policy event. What is of the wrong type, or negative, is left out; the
/// names of those fields come along.
fn read(content: &Value) -> (RoomPolicy, Vec<&'static str>) {
    let mut ignored = Vec::new();
    let field = |name: &'static str| {
        let value = content.get(name).filter(|value| !value.is_null())?;
        Some((value, name))
    };
    let flag = |found: Option<(&Value, &'static str)>, ignored: &mut Vec<_>| {
        let (value, name) = found?;
        let flag = value.as_bool();
        if flag.is_none() {
            ignored.push(name);
        }
        flag
    };
    let number = |found: Option<(&Value, &'static str)>, ignored: &mut Vec<_>| {
        let (value, name) = found?;
        let number = value.as_i64().filter(|number| *number >= 0);
        if number.is_none() {
            ignored.push(name);
        }
        number
    };
    let policy = RoomPolicy {
        enabled: flag(field("enabled"), &mut ignored).unwrap_or(true),
        max_lifetime_ms: number(field("max_lifetime_ms"), &mut ignored),
        max_size: number(field("max_size"), &mut ignored),
        pages_only: flag(field("pages_only"), &mut ignored).unwrap_or(false),
    };
    (policy, ignored)
}

impl LinkService {
    /// Notes what the policy event of a room says, seen by a bridge, and acts on it: a room that
    /// switches links off ends those that it has, of every bridge; bounds hold at once.
    ///
    /// # Errors
    /// If the database fails: then nothing was noted.
    pub async fn note_policy(
        &self,
        bridge: &str,
        room_id: &str,
        event_id: Option<&str>,
        content: &Value,
    ) -> Result<(), StorageError> {
        let service = self.clone();
        let (bridge, room_id) = (bridge.to_owned(), room_id.to_owned());
        let (event_id, content) = (event_id.map(str::to_owned), content.clone());
        self.database
            .writer()
            .write(move |connection| {
                async move {
                    let event_id = event_id.as_deref();
                    service
                        .note_policy_in(connection, &bridge, &room_id, event_id, &content)
                        .await
                }
                .boxed()
            })
            .await
    }

    /// The same, inside a write.
    ///
    /// # Errors
    /// If the database fails.
    pub async fn note_policy_in(
        &self,
        connection: &mut SqliteConnection,
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
        connection: &mut SqliteConnection,
        room_id: &str,
        now: i64,
    ) -> Result<(), StorageError> {
        let of_room = Criteria {
            room_id: Some(room_id.to_owned()),
            ..Criteria::default()
        };
        let ended = links::end(connection, None, &of_room, LinkState::Revoked, now).await?;
        for bridge in &self.config.bridges {
            memory::note_revocation_of_room(connection, &bridge.id, room_id, now).await?;
        }
        let ceased = seen_media::end_of_room(connection, None, room_id, now).await?;
        self.note_ceased(connection, ceased, now).await?;
        tracing::info!(
            room_id,
            links = ended.len(),
            "a room's policy ends its links"
        );
        media_references::after_deaths(connection, ended, Death::Wanted, self.pace(), now).await
    }

    /// Whether this event is what the policy of the room is known from; its redaction makes it
    /// say something else.
    ///
    /// # Errors
    /// If the database fails.
    pub async fn is_policy_event(
        &self,
        connection: &mut SqliteConnection,
        room_id: &str,
        event_id: &str,
    ) -> Result<bool, StorageError> {
        let known = room_policies::find_in(connection, room_id).await?;
        Ok(known.is_some_and(|known| known.event_id.as_deref() == Some(event_id)))
    }

    /// Has the room asked again for its policy, as this bridge's user: what is known may not hold
    /// any more. It stands until the room has answered.
    ///
    /// # Errors
    /// If the database fails.
    pub async fn doubt_policy(
        &self,
        connection: &mut SqliteConnection,
        room_id: &str,
        bridge: &str,
    ) -> Result<(), StorageError> {
        room_policies::doubt(connection, room_id, bridge).await
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde_json::json;

    #[test]
    fn fields_that_make_no_sense_are_left_out_one_by_one() {
        let (policy, ignored) = read(&json!({
            "enabled": false, "max_lifetime_ms": 5000, "max_size": 7, "pages_only": true, "more": 1,
        }));
        let told = RoomPolicy {
            enabled: false,
            max_lifetime_ms: Some(5000),
            max_size: Some(7),
            pages_only: true,
        };
        assert_eq!((policy, ignored.len()), (told, 0));
        for (content, names) in [
            (json!({"enabled": "no"}), &["enabled"][..]),
            (
                json!({"max_lifetime_ms": -1, "max_size": 1.5}),
                &["max_lifetime_ms", "max_size"],
            ),
            (
                json!({"max_lifetime_ms": u64::MAX, "pages_only": 1}),
                &["max_lifetime_ms", "pages_only"],
            ),
            (
                json!({"enabled": {}, "max_size": "5"}),
                &["enabled", "max_size"],
            ),
            (json!({"enabled": null}), &[]),
            (json!([]), &[]),
            (json!("off"), &[]),
        ] {
            let (policy, ignored) = read(&content);
            assert_eq!(
                (policy, &ignored[..]),
                (RoomPolicy::default(), names),
                "{content}"
            );
        }
    }

    #[test]
    fn lifetimes_are_cut_to_whole_seconds_that_a_token_can_tell() {
        let cut = |ms| {
            let policy = RoomPolicy {
                max_lifetime_ms: ms,
                ..RoomPolicy::default()
            };
            policy.max_lifetime_s()
        };
        assert_eq!(cut(None), None);
        assert_eq!(cut(Some(0)), Some(1));
        assert_eq!(cut(Some(1999)), Some(1));
        assert_eq!(cut(Some(2000)), Some(2));
        assert_eq!(cut(Some(i64::MAX)), None);
    }

    proptest! {
        #[test]
        fn no_content_breaks_the_reading(text in "[\\[\\]{}:,\"a-z_0-9.-]{0,60}", key in "enabled|max_size|max_lifetime_ms|pages_only") {
            let value: Value = serde_json::from_str(&text).unwrap_or_default();
            let (policy, _) = read(&json!({ key: value }));
            prop_assert!(policy.max_size.is_none_or(|size| size >= 0));
            prop_assert!(policy.max_lifetime_s().is_none_or(|seconds| seconds >= 1));
        }
    }
}
