//! Whether an event shares the media that a link of it is asked for.

use std::sync::Arc;

use serde_json::Value;

use crate::{
    config::{BridgeConfig, Provenance},
    link_service::{GivenEvent, IssueError, IssueRequest},
    storage::{StorageError, memory},
};
use medialink_event::{cleartext_token_of, content_token_of, main_medium_of, replaced_content};
use medialink_link::{
    LinkClaims,
    matrix::{ContentToken, MxcUri},
};

use super::{
    Rooms,
    events::{LookupError, Seen},
};

/// The event was looked up, and is not there for the bridge's user.
const UNREADABLE: &str =
    "event_id: the homeserver shows the bridge's user no such event in this room";

impl Rooms {
    /// A request whose event was looked at, as far as the configuration asks for it; with the
    /// content token that the event tells, if it gave none.
    pub(super) async fn examined(
        &self,
        bridge: &Arc<BridgeConfig>,
        mut request: IssueRequest,
    ) -> Result<IssueRequest, IssueError> {
        let given = request.event.take();
        let token = match self.links.config.links.provenance {
            Provenance::Check => self.prove(bridge, &request.claims, given.as_ref()).await?,
            Provenance::Off => given.and_then(|given| {
                content_token_of(given.event().get("content")?, &request.claims.mxc)
            }),
        };
        request.claims.content_token = request.claims.content_token.or(token);
        Ok(request)
    }

    /// Looks at the event of a link on the homeserver: it has to share the media. Of an encrypted
    /// one, `given` is what it says. Returns the content token that it tells.
    pub(super) async fn prove(
        &self,
        bridge: &Arc<BridgeConfig>,
        claims: &LinkClaims,
        given: Option<&GivenEvent>,
    ) -> Result<Option<ContentToken>, IssueError> {
        let Some(event_id) = &claims.event_id else {
            return Err(IssueError::Incomplete(
                "event_id is missing: links.provenance asks for the event that shares the media",
            ));
        };
        let reader = self.links.database.reader();
        let mut connection = reader.acquire().await.map_err(StorageError::from)?;
        let room_id = claims.room_id.as_str();
        if memory::is_redacted(&mut connection, room_id, event_id.as_str()).await? {
            return Err(IssueError::Redacted);
        }
        drop(connection);
        let seen = match self.events.get(bridge, &claims.room_id, event_id).await {
            Ok(seen) => seen,
            Err(LookupError::Unreadable(_)) => return Err(IssueError::Unproven(UNREADABLE)),
            Err(LookupError::Failed(why)) => return Err(IssueError::EventLookup(why)),
        };
        if seen.is_redacted() {
            self.note_redaction(&claims.room_id, event_id).await?;
            return Err(IssueError::Redacted);
        }
        judge(&seen, claims, given)
    }
}

/// Whether an event that is not redacted shares the media; the content token that it tells.
fn judge(
    seen: &Seen,
    claims: &LinkClaims,
    given: Option<&GivenEvent>,
) -> Result<Option<ContentToken>, IssueError> {
    let mxc = &claims.mxc;
    if let Some(given) = given.map(GivenEvent::event) {
        let event_id = claims.event_id.as_ref().map(|id| id.as_str());
        for (name, right) in [
            ("room_id", Some(claims.room_id.as_str())),
            ("event_id", event_id),
            ("sender", seen.sender()),
        ] {
            let told = given.get(name).filter(|told| !told.is_null());
            if told.is_some_and(|told| told.as_str() != right) {
                return Err(IssueError::Unproven(
                    "event: its room_id, event_id or sender is not that of the event on the homeserver",
                ));
            }
        }
    }
    let empty = Value::Null;
    let (content, media) = match (seen.is_encrypted(), given) {
        (false, _) => (seen.content(), seen.media()),
        (true, Some(given)) => (
            given.event().get("content").unwrap_or(&empty),
            given.media(),
        ),
        (true, None) => {
            return Err(IssueError::Incomplete(
                "event is missing: the event is encrypted, and only its decrypted form tells which media it shares",
            ));
        }
    };
    let edited = edited(seen);
    if !media.contains(mxc) && !edited.is_some_and(|edited| seen.edited_media(edited).contains(mxc))
    {
        return Err(IssueError::Unproven("mxc: the event does not share it"));
    }
    let is_the_one = media.len() == 1 || main_medium_of(content).as_ref() == Some(mxc);
    Ok(edited
        .and_then(|edited| content_token_of(edited, mxc))
        .or_else(|| content_token_of(content, mxc))
        .or_else(|| cleartext_token(seen, mxc, is_the_one)))
}

/// What an event shows since its sender has edited it, where the homeserver tells
/// (Client-Server API, "Server-side aggregation of m.replace relationships").
fn edited(seen: &Seen) -> Option<&Value> {
    let edit = seen.event().pointer("/unsigned/m.relations/m.replace")?;
    let is_senders = edit.get("sender").and_then(Value::as_str) == seen.sender();
    let (edited, content) = replaced_content(edit.get("content")?)?;
    let is_its = seen.event().get("event_id").and_then(Value::as_str) == Some(edited.as_str());
    (is_senders && is_its).then_some(content)
}

/// The content token that an encrypted event tells in the clear; a text is for the medium that
/// the event is about.
fn cleartext_token(seen: &Seen, mxc: &MxcUri, is_the_one: bool) -> Option<ContentToken> {
    if !seen.is_encrypted() {
        return None;
    }
    let content = seen.content();
    let is_text = content.get("content_token").is_some_and(Value::is_string);
    if is_text && !is_the_one {
        return None;
    }
    cleartext_token_of(content, mxc)
}

#[cfg(test)]
mod tests {
    use super::*;
    use medialink_link::matrix::{EventId, RoomId};
    use serde_json::json;

    fn claims() -> LinkClaims {
        let mxc = MxcUri::parse("mxc://example.org/a").expect("valid");
        let mut claims = LinkClaims::new(RoomId::parse("!r:example.org").expect("valid"), mxc);
        claims.event_id = Some(EventId::parse("$e").expect("valid"));
        claims
    }

    fn seen(content: Value) -> Value {
        json!({"event_id": "$e", "sender": "@a:example.org", "type": "m.room.message", "content": content})
    }

    /// The token, or why not.
    fn judged(event: &Value, given: Option<Value>) -> Result<String, String> {
        let seen = Seen::new(event.clone());
        judge(&seen, &claims(), given.map(GivenEvent::new).as_ref())
            .map(|token| {
                token
                    .map(|token| token.expose().to_owned())
                    .unwrap_or_default()
            })
            .map_err(|error| error.to_string())
    }

    #[test]
    fn an_event_proves_what_it_shares_and_tells_its_token() {
        let content = json!({"url": "mxc://example.org/a", "content_token": "token"});
        assert_eq!(judged(&seen(content), None).as_deref(), Ok("token"));
        let other = seen(json!({"url": "mxc://example.org/b", "body": "x mxc://example.org/a"}));
        let told = judged(&other, None).expect_err("refused");
        assert!(told.starts_with("mxc:"), "{told}");
        // What the bridge gives does not stand in for what the homeserver shows.
        let given = json!({"content": {"url": "mxc://example.org/a"}});
        assert!(judged(&other, Some(given)).is_err());
    }

    #[test]
    fn an_edit_that_the_homeserver_shows_counts_if_it_is_the_senders() {
        let mut event = seen(json!({"body": "x"}));
        event["unsigned"] = json!({"m.relations": {"m.replace": {
            "sender": "@a:example.org", "event_id": "$edit",
            "content": {
                "m.relates_to": {"rel_type": "m.replace", "event_id": "$e"},
                "m.new_content": {"url": "mxc://example.org/a", "content_token": "token"},
            },
        }}});
        assert_eq!(judged(&event, None).as_deref(), Ok("token"));
        for (pointer, value) in [
            ("/unsigned/m.relations/m.replace/sender", "@b:example.org"),
            (
                "/unsigned/m.relations/m.replace/content/m.relates_to/event_id",
                "$other",
            ),
        ] {
            let mut other = event.clone();
            *other.pointer_mut(pointer).expect("there") = json!(value);
            assert!(judged(&other, None).is_err(), "{pointer}");
        }
    }

    #[test]
    fn an_encrypted_event_needs_its_decrypted_form() {
        let mut event =
            seen(json!({"algorithm": "x", "ciphertext": "y", "content_token": "token"}));
        event["type"] = json!("m.room.encrypted");
        let told = judged(&event, None).expect_err("refused");
        assert!(told.starts_with("event is missing"), "{told}");
        let file = json!({"file": {"url": "mxc://example.org/a"}, "info": {"thumbnail_file": {"url": "mxc://example.org/t"}}});
        let given = json!({"event_id": "$e", "room_id": "!r:example.org", "sender": "@a:example.org", "content": file});
        assert_eq!(judged(&event, Some(given.clone())).as_deref(), Ok("token"));
        for (name, lie) in [
            ("event_id", json!("$other")),
            ("room_id", json!("!other:example.org")),
            ("sender", json!("@b:example.org")),
            ("sender", json!(5)),
            ("content", json!({"url": "mxc://example.org/b"})),
            ("content", json!("mxc")),
        ] {
            let mut lying = given.clone();
            lying[name] = lie;
            assert!(judged(&event, Some(lying)).is_err(), "{name}");
        }
        // The thumbnail is not what the token is for.
        let aside = json!({"content": {"file": {"url": "mxc://example.org/b"}, "info": {"thumbnail_file": {"url": "mxc://example.org/a"}}}});
        assert_eq!(judged(&event, Some(aside)).as_deref(), Ok(""));
    }
}
