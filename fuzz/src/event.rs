//! Events, as bridges hand them over; their contents come from anybody in a room.

use medialink_event::{EventInput, MediaLink, RenderStyle, SharedEvent, TextTemplate, render};
use serde_json::Value;

const URL: &str = "https://media.example.org/m/token";
const PAGE_URL: &str = "https://media.example.org/v/token";

/// Takes `{"event": …, "decrypted": …}`. The text is one line and as short as it has to be, and the
/// HTML has no script, whether the event's media has links or not.
pub fn check(data: &[u8]) {
    let Ok(input) = serde_json::from_slice::<Value>(data) else {
        return;
    };
    let Some(event) = input.get("event") else {
        return;
    };
    let input = EventInput {
        event,
        decrypted: input.get("decrypted"),
        room_id: input.get("room_id").and_then(Value::as_str),
    };
    let Ok(event) = SharedEvent::read(&input) else {
        return;
    };
    let link = |url| {
        let links = event.media.iter();
        links.map(move |media| MediaLink {
            media,
            url,
            page_url: PAGE_URL,
        })
    };
    let embedded: Vec<MediaLink<'_>> = link(URL).collect();
    let pages: Vec<MediaLink<'_>> = link(PAGE_URL).collect();
    for links in [&embedded, &pages, &Vec::new()] {
        for max_bytes in [None, Some(40), Some(400)] {
            check_rendering(&event, links, max_bytes);
        }
    }
}

fn check_rendering(event: &SharedEvent, links: &[MediaLink<'_>], max_bytes: Option<usize>) {
    let template = TextTemplate::default();
    let style = RenderStyle {
        template: &template,
        max_bytes,
        sender_name: "alice",
        network: "Libera.Chat",
    };
    let rendering = render(event, links, &style);
    let text = &rendering.text;
    assert!(!text.contains(char::is_control), "{text:?}");
    let is_link_alone = links.iter().any(|link| link.url == text);
    let fits = max_bytes.is_none_or(|max| text.len() <= max);
    assert!(fits || is_link_alone, "{text:?}");
    assert!(!rendering.html.contains("<script"), "{}", rendering.html);
}
