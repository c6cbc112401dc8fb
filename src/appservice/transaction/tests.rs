use medialink_link::matrix::{EventId, RoomId};
use proptest::prelude::*;
use serde_json::{Value, json};

use super::{super::occurrence::Membership, *};

fn read(events: Value) -> Vec<Occurrence> {
    Transaction::read(json!({ "events": events }).to_string().as_bytes())
        .expect("a transaction")
        .occurrences
}

fn event(kind: &str, more: Value) -> Value {
    let mut event =
        json!({"type": kind, "event_id": "$e", "room_id": "!r:x", "sender": "@a:x", "content": {}});
    for (key, value) in more.as_object().expect("an object") {
        event[key] = value.clone();
    }
    event
}

#[test]
fn both_places_of_a_redactions_target_are_kept() {
    let id = |text: &str| EventId::parse(text).ok();
    for (more, redacts_top_level, redacts_in_content) in [
        (json!({"redacts": "$a"}), id("$a"), None),
        (json!({"content": {"redacts": "$b"}}), None, id("$b")),
        (
            json!({"redacts": "$a", "content": {"redacts": "$b"}}),
            id("$a"),
            id("$b"),
        ),
        (
            json!({"redacts": 5, "content": {"redacts": "$b"}}),
            None,
            id("$b"),
        ),
    ] {
        let found = read(json!([event("m.room.redaction", more)]));
        let room_id = RoomId::parse("!r:x").expect("a room");
        assert_eq!(
            found,
            [Occurrence::Redaction {
                room_id,
                redacts_top_level,
                redacts_in_content
            }]
        );
    }
    let because = json!({"unsigned": {"redacted_because": {"type": "m.room.redaction"}}});
    let found = read(json!([event("m.room.message", because)]));
    assert!(
        matches!(&found[..], [Occurrence::Redaction { redacts_top_level, redacts_in_content, .. }]
        if redacts_top_level == redacts_in_content && *redacts_top_level == id("$e"))
    );
    assert!(
        read(json!([event(
            "m.room.message",
            json!({"unsigned": {"redacted_because": null}})
        )]))
        .is_empty()
    );
}

#[test]
fn what_is_hidden_by_escapes_is_found() {
    let text = r#"{"events": [{"type": "m.room.message", "event_id": "$n", "room_id": "!r:x", "sender": "@a:x",
        "content": {"m.relates_to": {"rel_type": "m.\u0072eplace", "event_id": "$e"}, "m.new_content": {"body": "x"}}}]}"#;
    let found = Transaction::read(text.as_bytes()).expect("a transaction");
    assert!(
        matches!(&found.occurrences[..], [Occurrence::Edit { event_id, new_content, .. }]
        if event_id.as_str() == "$e" && new_content.0 == json!({"body": "x"}))
    );
}

#[test]
fn media_is_told_where_it_is_asked_for() {
    let shown = |event: &str| {
        let body = format!("{{\"events\": [{event}]}}");
        let asked = Transaction::read_with_media(body.as_bytes()).expect("a transaction");
        let not_asked = Transaction::read(body.as_bytes()).expect("a transaction");
        assert_eq!(asked.digest, not_asked.digest);
        let is_shown = |told: &Occurrence| matches!(told, Occurrence::Shown(_));
        assert!(!not_asked.occurrences.iter().any(is_shown));
        asked.occurrences.into_iter().find_map(|told| match told {
            Occurrence::Shown(shown) => Some(shown),
            _ => None,
        })
    };
    let message = |content: &str| {
        format!(
            r#"{{"type": "m.room.message", "event_id": "$n", "room_id": "!r:x", "sender": "@a:x", "content": {content}}}"#
        )
    };
    let plain = shown(&message(r#"{"url": "mxc://x/a", "content_token": "t"}"#)).expect("media");
    assert_eq!(
        (plain.event_id.as_str(), plain.shown_by.as_str()),
        ("$n", "$n")
    );
    let (mxc, token) = &plain.media[0];
    assert_eq!(mxc.to_string(), "mxc://x/a");
    assert_eq!(token.as_ref().map(|token| token.expose()), Some("t"));
    assert!(shown(&message(r#"{"url": "\u006dxc:\/\/x\/a"}"#)).is_some());
    let edit = r#"{"m.relates_to": {"rel_type": "m.replace", "event_id": "$e"}, "m.new_content": {"url": "mxc://x/a"}}"#;
    let edit = shown(&message(edit)).expect("media");
    assert_eq!(
        (edit.event_id.as_str(), edit.shown_by.as_str()),
        ("$e", "$n")
    );
    for content in [
        r#"{"body": "see mxc://x/a"}"#,
        r#"{"url": "mxc://x/../a"}"#,
        r#""mxc:""#,
        "null",
    ] {
        assert_eq!(shown(&message(content)), None, "{content}");
    }
    let redacted = r#"{"type": "m.room.message", "event_id": "$n", "room_id": "!r:x", "sender": "@a:x",
        "content": {"url": "mxc://x/a"}, "unsigned": {"redacted_because": {}}}"#;
    assert_eq!(shown(redacted), None);
    assert_eq!(
        shown(r#"{"type": 5, "content": {"url": "mxc://x/a"}}"#),
        None
    );
}

#[test]
fn memberships_and_tombstones_are_found() {
    let member = |membership: &str| {
        event(
            "m.room.member",
            json!({"state_key": "@b:x", "content": {"membership": membership}}),
        )
    };
    let found = read(json!([
        member("invite"),
        member("join"),
        member("leave"),
        member("ban"),
        member("knock")
    ]));
    let memberships: Vec<Membership> = found
        .iter()
        .filter_map(|occurrence| match occurrence {
            Occurrence::Membership { membership, .. } => Some(*membership),
            _ => None,
        })
        .collect();
    use Membership::{Invite, Join, Out};
    assert_eq!(memberships, [Invite, Join, Out, Out]);
    let tombstone = |key: Value| {
        event(
            "m.room.tombstone",
            json!({"state_key": key, "content": {"replacement_room": "!new:x"}}),
        )
    };
    assert_eq!(
        read(json!([
            tombstone(json!("")),
            tombstone(json!("x")),
            tombstone(json!(null))
        ]))
        .len(),
        1
    );
}

#[test]
fn what_is_no_event_keeps_no_other_from_being_read() {
    let found = read(json!([
        null, 5, "text", [], {}, {"type": 5}, {"type": "m.room.redaction"},
        event("m.room.redaction", json!({"room_id": 7})),
        event("m.room.redaction", json!({"redacts": "nonsense"})),
        event("m.room.redaction", json!({"content": []})),
        event("m.room.member", json!({"state_key": {}, "content": "x"})),
        event("m.room.message", json!({"content": {"m.relates_to": "m.replace"}})),
        event("m.room.redaction", json!({"redacts": "$a"})),
    ]));
    assert_eq!(found.len(), 1);
    for body in [
        "",
        "[]",
        "{}",
        "null",
        "{\"events\": 5}",
        "{\"events\": {}}",
        "{\"events\": [",
        "\u{0}",
    ] {
        assert!(Transaction::read(body.as_bytes()).is_err(), "{body}");
    }
}

proptest! {
    #[test]
    fn no_bytes_make_it_panic(body in proptest::collection::vec(any::<u8>(), 0..200)) {
        drop(Transaction::read(&body));
        drop(Transaction::read_with_media(&body));
    }

    #[test]
    fn no_event_makes_it_panic(text in r#"\{"(type|room_id|content|redacts)":("m\.room\.(redaction|member)"|\{\}|5|"\$a"|null)(,"(sender|unsigned|state_key)":("@a:x"|\{"redacted_because":1\}|null))?\}"#) {
        drop(Transaction::read(format!("{{\"events\":[{text}]}}").as_bytes()));
    }
}
