//! Whether an event shares the media that a link to it is asked for. Pure.

use serde_json::Value;

use medialink_event::{cleartext_token_of, content_token_of, main_medium_of, replaced_content};
use medialink_link::{
    LinkClaims,
    matrix::{ContentToken, MxcUri},
};

use super::{
    event_lookup::FetchedEvent,
    request::{IssueError, SubmittedEvent},
};

/// Whether an event that is not redacted shares the media; returns the content token that the event
/// has for it. Of an encrypted one, `submitted` is the decrypted form.
pub(super) fn judge(
    fetched: &FetchedEvent,
    claims: &LinkClaims,
    submitted: Option<&SubmittedEvent>,
) -> Result<Option<ContentToken>, IssueError> {
    let mxc = &claims.mxc;
    if let Some(submitted) = submitted.map(SubmittedEvent::event) {
        let event_id = claims.event_id.as_ref().map(|id| id.as_str());
        for (name, right) in [
            ("room_id", Some(claims.room_id.as_str())),
            ("event_id", event_id),
            ("sender", fetched.sender()),
        ] {
            let field = submitted.get(name).filter(|field| !field.is_null());
            if field.is_some_and(|field| field.as_str() != right) {
                return Err(IssueError::Unproven(
                    "event: its room_id, event_id or sender is not that of the event on the homeserver",
                ));
            }
        }
    }
    let empty = Value::Null;
    let (content, media) = match (fetched.is_encrypted(), submitted) {
        (false, _) => (fetched.content(), fetched.media()),
        (true, Some(submitted)) => (
            submitted.event().get("content").unwrap_or(&empty),
            submitted.media(),
        ),
        (true, None) => {
            return Err(IssueError::Incomplete(
                "event is missing: the event is encrypted, and only its decrypted form tells which media it shares",
            ));
        }
    };
    let edited = edited(fetched);
    if !media.contains(mxc)
        && !edited.is_some_and(|edited| fetched.edited_media(edited).contains(mxc))
    {
        return Err(IssueError::Unproven("mxc: the event does not share it"));
    }
    let is_the_one = media.len() == 1 || main_medium_of(content).as_ref() == Some(mxc);
    Ok(edited
        .and_then(|edited| content_token_of(edited, mxc))
        .or_else(|| content_token_of(content, mxc))
        .or_else(|| cleartext_token(fetched, mxc, is_the_one)))
}

/// The content of an event since its sender has edited it, where the homeserver adds it
/// (Client-Server API, "Server-side aggregation of m.replace relationships").
fn edited(fetched: &FetchedEvent) -> Option<&Value> {
    let edit = fetched.event().pointer("/unsigned/m.relations/m.replace")?;
    let is_senders = edit.get("sender").and_then(Value::as_str) == fetched.sender();
    let (edited, content) = replaced_content(edit.get("content")?)?;
    let is_its = fetched.event().get("event_id").and_then(Value::as_str) == Some(edited.as_str());
    (is_senders && is_its).then_some(content)
}

/// The content token that an encrypted event has in the clear; a text is for the medium that the
/// event is about.
fn cleartext_token(fetched: &FetchedEvent, mxc: &MxcUri, is_the_one: bool) -> Option<ContentToken> {
    if !fetched.is_encrypted() {
        return None;
    }
    let content = fetched.content();
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
        let seen = FetchedEvent::new(event.clone());
        judge(&seen, &claims(), given.map(SubmittedEvent::new).as_ref())
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
        // The bridge's word does not replace the event on the homeserver.
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
        // The token is not for the thumbnail.
        let aside = json!({"content": {"file": {"url": "mxc://example.org/b"}, "info": {"thumbnail_file": {"url": "mxc://example.org/a"}}}});
        assert_eq!(judged(&event, Some(aside)).as_deref(), Ok(""));
    }
}
