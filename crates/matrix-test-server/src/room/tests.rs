use serde_json::json;

use super::*;

fn event(id: &str, kind: &str, key: Option<&str>, content: Value) -> Event {
    Event {
        event_id: id.to_owned(),
        kind: kind.to_owned(),
        sender: "@a:s".to_owned(),
        origin_server_ts: 1,
        content: content.as_object().unwrap().clone(),
        state_key: key.map(str::to_owned),
        redacts: None,
        redacted_by: None,
        sent_as: None,
        counted: Vec::new(),
        attached: Vec::new(),
    }
}

fn room(version: RoomVersion) -> Room {
    Room::new("!r".to_owned(), version, vec!["@a:s".to_owned()])
}

#[test]
fn a_redaction_empties_an_event_and_gives_its_media_back() {
    for version in [RoomVersion::V10, RoomVersion::V12] {
        let mut room = room(version);
        let mut sent = event("$1", "m.room.message", None, json!({"body": "x"}));
        sent.counted = vec!["media".to_owned()];
        sent.attached = vec!["copy".to_owned()];
        assert_eq!(room.append(sent), Released::default());
        let mut redaction = event("$2", "m.room.redaction", None, json!({}));
        redaction.redacts = Some("$1".to_owned());
        let released = Released {
            counted: vec!["media".to_owned()],
            attached: vec!["copy".to_owned()],
        };
        assert_eq!(room.append(redaction), released);

        let shown = room.client_event(0, None, 2);
        assert_eq!(shown["content"], json!({}));
        let because = &shown["unsigned"]["redacted_because"];
        assert_eq!(because["redacts"], "$1");
        assert_eq!(because["content"]["redacts"], "$1");
    }
}

#[test]
fn who_left_reads_up_to_leaving_and_who_never_was_there_nothing() {
    let mut room = room(RoomVersion::V11);
    let member = |id, membership| {
        let content = json!({"membership": membership});
        event(id, "m.room.member", Some("@b:s"), content)
    };
    room.append(member("$1", "join"));
    assert_eq!(room.visible_until("@b:s"), Some(1));
    room.append(member("$2", "leave"));
    room.append(event("$3", "m.room.message", None, json!({})));
    assert_eq!(room.visible_until("@b:s"), Some(2));
    assert_eq!(room.visible_until("@c:s"), None);
}

#[test]
fn creators_of_version_12_are_above_all_levels() {
    let levels = || {
        event(
            "$1",
            "m.room.power_levels",
            Some(""),
            json!({"users": {"@b:s": 50}}),
        )
    };
    let mut old = room(RoomVersion::V11);
    old.append(levels());
    assert_eq!((old.power_of("@a:s"), old.power_of("@b:s")), (0, 50));
    let mut new = room(RoomVersion::V12);
    new.append(levels());
    assert_eq!((new.power_of("@a:s"), new.power_of("@b:s")), (i64::MAX, 50));
}

#[test]
fn levels_that_are_no_numbers_are_the_defaults() {
    let mut room = room(RoomVersion::V11);
    let odd = json!({"users": [], "redact": "many", "users_default": {}, "events": 3});
    room.append(event("$1", "m.room.power_levels", Some(""), odd));
    assert_eq!(room.power_of("@a:s"), 0);
    assert_eq!(room.power_for("redact"), 50);
}

#[test]
fn redacted_membership_stays() {
    let content = json!({"membership": "join", "displayname": "x"});
    let left = redacted_content(
        RoomVersion::V11,
        "m.room.member",
        content.as_object().unwrap(),
    );
    assert_eq!(Value::from(left), json!({"membership": "join"}));
}
