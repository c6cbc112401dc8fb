//! Properties of every event, whatever is in it.

use proptest::prelude::*;
use serde_json::{Value, json};

use super::{
    EventInput, MediaLink, RenderStyle, SharedEvent, TextTemplate, find::tests::any_json, render,
};

/// An event of any type with any content, as JSON has it: also with a decrypted form, or an edit.
fn any_event() -> impl Strategy<Value = (Value, Option<Value>)> {
    let event_type = prop_oneof![
        Just("m.room.message"),
        Just("m.sticker"),
        Just("m.room.member"),
        Just("m.room.avatar"),
        Just("m.poll.start"),
        Just("m.room.encrypted"),
        Just("org.example.unknown"),
    ];
    let message_type = prop_oneof![Just("m.text"), Just("m.image"), Just("m.gallery")];
    let body = prop_oneof![
        "\\PC{0,30}",
        "[\u{0}-\u{20}\u{7f}-\u{9f}\u{2028}-\u{202e}a<>]{0,30}"
    ];
    (event_type, message_type, body, any_json(), any_json(), 0..4).prop_map(
        |(event_type, message_type, body, content, other, form)| {
            let mut content = match content {
                Value::Object(map) => Value::Object(map),
                other => json!({"org.example.any": other}),
            };
            if form > 0 {
                content["msgtype"] = json!(message_type);
                content["body"] = json!(body);
                content["url"] = json!("mxc://example.org/main");
            }
            if form > 1 {
                content["m.new_content"] = other.clone();
                content["m.relates_to"] = json!({"rel_type": "m.replace", "event_id": "$edited"});
            }
            let event = json!({"type": event_type, "room_id": "!r:example.org", "event_id": "$e",
                "sender": "@alice:example.org", "content": content});
            let decrypted = json!({"type": "m.room.message", "content": event["content"]});
            (event, (form > 2).then_some(decrypted))
        },
    )
}

proptest! {
    #[test]
    fn no_event_breaks_the_answer_or_a_line((event, decrypted) in any_event(), max_bytes in prop::option::of(20_usize..600)) {
        let input = EventInput { event: &event, decrypted: decrypted.as_ref(), room_id: None };
        let Ok(event) = SharedEvent::read(&input) else {
            return Ok(());
        };
        let links = event.media.iter().map(|media| MediaLink {
            media,
            url: "https://media.example.org/m/token",
            page_url: "https://media.example.org/v/token",
        });
        let links: Vec<_> = links.collect();
        let style = RenderStyle {
            template: &TextTemplate::default(),
            max_bytes,
            sender_name: "alice",
            network: "Libera.Chat",
        };
        let rendering = render(&event, &links, &style);
        let breaks = |c: char| c.is_control() || matches!(c, '\u{2028}' | '\u{2029}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
        prop_assert!(!rendering.text.contains(breaks), "{:?}", rendering.text);
        let fits = max_bytes.is_none_or(|max| rendering.text.len() <= max);
        prop_assert!(fits || rendering.text == "https://media.example.org/m/token", "{:?}", rendering.text);
        prop_assert!(!rendering.html.contains("<script"), "{}", rendering.html);
    }
}
