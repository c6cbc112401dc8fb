use serde_json::json;

use super::*;
use medialink_link::matrix::MxcUri;

pub(crate) fn event(content: Value) -> Value {
    json!({"type": "m.room.message", "room_id": "!r:example.org", "event_id": "$e", "sender": "@a:example.org", "content": content})
}

pub(crate) fn read(event: &Value, decrypted: Option<&Value>) -> Result<SharedEvent, String> {
    let input = EventInput {
        event,
        decrypted,
        room_id: None,
    };
    SharedEvent::read(&input).map_err(|error| error.to_string())
}

/// Path and token of every medium.
fn tokens(event: &Value, decrypted: Option<&Value>) -> Vec<(String, Option<String>)> {
    let event = read(event, decrypted).expect("an event");
    let media = event.media.into_iter();
    media
        .map(|media| {
            let token = media.content_token.map(|token| token.expose().to_owned());
            (media.path, token)
        })
        .collect()
}

fn with_token(path: &str, token: &str) -> (String, Option<String>) {
    (path.to_owned(), Some(token.to_owned()))
}

fn without_token(path: &str) -> (String, Option<String>) {
    (path.to_owned(), None)
}

fn hash(id: &str) -> String {
    MxcUri::from_parts("example.org", id).expect("valid").hash()
}

#[test]
fn content_tokens_are_found_in_every_shape() {
    let beside = json!({"msgtype": "m.image", "body": "x", "url": "mxc://example.org/a", "content_token": "main",
        "info": {"thumbnail_url": "mxc://example.org/b"}});
    assert_eq!(
        tokens(&event(beside), None),
        [
            with_token("content.url", "main"),
            without_token("content.info.thumbnail_url")
        ]
    );
    let file = json!({"msgtype": "m.image", "body": "x", "file": {"url": "mxc://example.org/a"}, "content_token": "main"});
    assert_eq!(
        tokens(&event(file), None),
        [with_token("content.file.url", "main")]
    );
    let map = json!({"msgtype": "m.image", "body": "x", "url": "mxc://example.org/a",
        "formatted_body": "<img src='mxc://example.org/c'>",
        "info": {"thumbnail_url": "mxc://example.org/b"},
        "content_token": { (hash("a")): "of-a", (hash("b")): "of-b", (hash("c")): "of-c" }});
    assert_eq!(
        tokens(&event(map), None),
        [
            with_token("content.url", "of-a"),
            with_token("content.formatted_body[0]", "of-c"),
            with_token("content.info.thumbnail_url", "of-b"),
        ]
    );
    let avatar = json!({"avatar_url": "mxc://example.org/a", "avatar_content_token": "avatar"});
    assert_eq!(
        tokens(&event(avatar), None),
        [with_token("content.avatar_url", "avatar")]
    );
    let gallery = json!({"msgtype": "m.gallery", "body": "", "content_token": { (hash("b")): "of-b" }, "itemtypes": [
        {"itemtype": "m.image", "body": "a", "url": "mxc://example.org/a", "content_token": "of-a"},
        {"itemtype": "m.image", "body": "b", "url": "mxc://example.org/b"}]});
    assert_eq!(
        tokens(&event(gallery), None),
        [
            with_token("content.itemtypes[0].url", "of-a"),
            with_token("content.itemtypes[1].url", "of-b")
        ]
    );
    // Of an edit, the token may stand outside of what is shown.
    let edit = json!({"msgtype": "m.image", "body": "* x", "content_token": { (hash("a")): "of-a" },
        "m.new_content": {"msgtype": "m.image", "body": "x", "url": "mxc://example.org/a"},
        "m.relates_to": {"rel_type": "m.replace", "event_id": "$edited"}});
    assert_eq!(
        tokens(&event(edit), None),
        [with_token("content.m.new_content.url", "of-a")]
    );
}

#[test]
fn an_encrypted_event_has_its_tokens_in_the_clear() {
    let file = |id: &str| json!({"url": format!("mxc://example.org/{id}")});
    let decrypted = json!({"type": "m.room.message", "content": {"msgtype": "m.image", "body": "x",
        "file": file("a"), "info": {"thumbnail_file": file("b")}}});
    let mut encrypted =
        event(json!({"algorithm": "m.megolm.v1.aes-sha2", "content_token": "main"}));
    encrypted["type"] = json!("m.room.encrypted");
    assert_eq!(
        tokens(&encrypted, Some(&decrypted)),
        [
            with_token("content.file.url", "main"),
            without_token("content.info.thumbnail_file.url")
        ]
    );
    encrypted["content"]["content_token"] = json!({ (hash("b")): "of-b" });
    assert_eq!(
        tokens(&encrypted, Some(&decrypted)),
        [
            without_token("content.file.url"),
            with_token("content.info.thumbnail_file.url", "of-b")
        ]
    );
}

#[test]
fn an_avatar_is_changed_by_a_member_who_had_another_one() {
    let member =
        |membership: &str, avatar: &str| json!({"membership": membership, "avatar_url": avatar});
    let (old, new) = ("mxc://example.org/old", "mxc://example.org/new");
    let alice = json!("@a:example.org");
    for (state_key, content, before, is_changed) in [
        (&alice, member("join", new), member("join", old), true),
        (
            &alice,
            member("join", new),
            json!({"membership": "join"}),
            true,
        ),
        // A new name, a join, an invitation, an event that is no state.
        (&alice, member("join", old), member("join", old), false),
        (&alice, member("join", new), member("invite", old), false),
        (&alice, member("join", new), json!(null), false),
        (
            &json!("@b:example.org"),
            member("invite", new),
            member("join", old),
            false,
        ),
        (
            &json!("@b:example.org"),
            member("join", new),
            member("join", old),
            false,
        ),
        (
            &json!(null),
            member("join", new),
            member("join", old),
            false,
        ),
    ] {
        for unsigned in [true, false] {
            let mut event = event(content.clone());
            event["type"] = json!("m.room.member");
            event["state_key"] = state_key.clone();
            if unsigned {
                event["unsigned"] = json!({"prev_content": before});
            } else {
                event["prev_content"] = before.clone();
            }
            let read = read(&event, None).expect("an event");
            assert_eq!(read.changes_avatar, is_changed, "{event}");
            assert_eq!(read.media.len(), 1);
        }
    }
}

#[test]
fn a_rooms_avatar_is_changed_by_its_state() {
    for (state_key, is_changed) in [(json!(""), true), (json!(null), false), (json!("x"), false)] {
        let mut event = event(json!({"url": "mxc://example.org/new"}));
        event["type"] = json!("m.room.avatar");
        event["state_key"] = state_key;
        assert_eq!(
            read(&event, None).expect("an event").changes_avatar,
            is_changed
        );
    }
}

#[test]
fn a_reply_may_be_marked_in_the_clear() {
    let relation = json!({"m.in_reply_to": {"event_id": "$other"}});
    let said = json!({"type": "m.room.message", "content": {"msgtype": "m.text", "body": "> <@b:c> x\n\ny"}});
    let encrypted = event(json!({"algorithm": "m.megolm.v1.aes-sha2", "m.relates_to": relation}));
    assert!(read(&encrypted, Some(&said)).expect("an event").is_reply);
    let mut inside = said.clone();
    inside["content"]["m.relates_to"] = relation;
    let encrypted = event(json!({"algorithm": "m.megolm.v1.aes-sha2"}));
    assert!(read(&encrypted, Some(&inside)).expect("an event").is_reply);
    assert!(!read(&encrypted, Some(&said)).expect("an event").is_reply);
}

#[test]
fn the_reason_of_a_refusal_is_exact() {
    let whole = event(json!({"body": "x"}));
    for (pointer, value, problem) in [
        ("", json!([]), "event: it has to be an object"),
        ("/room_id", json!(null), "event.room_id is missing"),
        ("/room_id", json!("r"), "event.room_id: not a room ID"),
        ("/room_id", json!(5), "event.room_id: it has to be a text"),
        ("/event_id", json!("e"), "event.event_id: not an event ID"),
        ("/sender", json!({}), "event.sender: it has to be a text"),
        ("/type", json!(5), "event.type: it has to be a text"),
        ("/type", json!("m.room.encrypted"), "decrypted is missing"),
        (
            "/content",
            json!(null),
            "event.content: it has to be an object",
        ),
    ] {
        let mut event = whole.clone();
        *event.pointer_mut(pointer).expect("there") = value;
        let error = read(&event, None).err().expect("no event");
        assert!(error.starts_with(problem), "{pointer}: {error}");
    }
    for (decrypted, problem) in [
        (json!(5), "decrypted: it has to be an object"),
        (
            json!({"type": "m.room.message"}),
            "decrypted.content is missing",
        ),
        (json!({"content": {}}), "decrypted.type is missing"),
        (
            json!({"type": "x", "content": {}, "room_id": "!other:example.org"}),
            "decrypted.room_id: it differs",
        ),
    ] {
        let error = read(&whole, Some(&decrypted)).err().expect("no event");
        assert!(error.starts_with(problem), "{error}");
    }
    let elsewhere = EventInput {
        event: &whole,
        decrypted: None,
        room_id: Some("!other:example.org"),
    };
    assert!(SharedEvent::read(&elsewhere).is_err());
}
