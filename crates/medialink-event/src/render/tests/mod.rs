mod html;
mod properties;
mod text;
mod xmpp;

use serde_json::{Value, json};

use medialink_link::matrix::{EventId, MxcUri, RoomId, UserId};

use crate::{MediaDetails, MediaKind, SharedEvent, SharedMedia, Warning};

use super::*;

/// An event without media.
pub(super) fn event(event_type: &str, content: Value) -> SharedEvent {
    SharedEvent {
        room_id: RoomId::parse("!room:example.org").expect("valid"),
        event_id: Some(EventId::parse("$event").expect("valid")),
        sender: Some(UserId::parse("@alice:example.org").expect("valid")),
        event_type: event_type.to_owned(),
        shown_by: None,
        is_edit: false,
        is_reply: false,
        changes_avatar: false,
        content,
        media: Vec::new(),
    }
}

/// A reference to the media of this ID.
fn media(path: &str, kind: MediaKind, id: &str, details: MediaDetails) -> SharedMedia {
    SharedMedia {
        path: path.to_owned(),
        kind,
        mxc: Ok(MxcUri::from_parts("example.org", id).expect("valid")),
        file: None,
        content_token: None,
        details,
    }
}

/// A message of this type about one file.
fn message(msgtype: &str, details: MediaDetails) -> SharedEvent {
    let mut event = event("m.room.message", json!({ "msgtype": msgtype, "body": "x" }));
    event.media = vec![media("content.url", MediaKind::File, "main", details)];
    event
}

fn cat() -> MediaDetails {
    MediaDetails {
        filename: Some("cat.png".to_owned()),
        mimetype: Some("image/png".to_owned()),
        size: Some(340_112),
        width: Some(640),
        height: Some(480),
        ..MediaDetails::default()
    }
}

fn warning(reason: Option<&str>) -> Option<Warning> {
    Some(Warning {
        is_spoiler: reason.is_none(),
        reason: reason.map(str::to_owned),
    })
}

/// The link of the media of this ID.
fn url(id: &str) -> String {
    format!("https://m.example/m/{id}")
}

/// The ID of the media.
fn id(media: &SharedMedia) -> &str {
    media.mxc.as_ref().map_or("", MxcUri::media_id)
}

/// Renders an event in which all media have links, but for those whose ID begins with `refused`.
fn rendered_as(event: &SharedEvent, template: &str, max_bytes: Option<usize>) -> Rendering {
    let template = TextTemplate::parse(template).expect("valid");
    rendered_with(event, &template, max_bytes, "alice")
}

fn rendered_with(
    event: &SharedEvent,
    template: &TextTemplate,
    max_bytes: Option<usize>,
    sender_name: &str,
) -> Rendering {
    let allowed = event.media.iter();
    let allowed = allowed.filter(|media| !id(media).starts_with("refused"));
    let urls: Vec<(&SharedMedia, String, String)> = allowed
        .map(|media| {
            let id = id(media);
            (media, url(id), format!("https://m.example/v/{id}"))
        })
        .collect();
    let links: Vec<MediaLink<'_>> = urls
        .iter()
        .map(|(media, url, page_url)| MediaLink {
            media,
            url,
            page_url,
        })
        .collect();
    let style = RenderStyle {
        template,
        max_bytes,
        sender_name,
        network: "Libera.Chat",
    };
    render(event, &links, &style)
}

fn rendered(event: &SharedEvent) -> Rendering {
    rendered_with(event, &TextTemplate::default(), None, "alice")
}

/// A gallery (MSC4274) of things of these types.
fn gallery(items: &[(&str, &str)]) -> SharedEvent {
    let types: Vec<Value> = items
        .iter()
        .map(|(itemtype, _)| json!({ "itemtype": itemtype }))
        .collect();
    let content =
        json!({"msgtype": "dm.filament.gallery", "body": "our\nholiday", "itemtypes": types});
    let mut event = event("m.room.message", content);
    event.media = items
        .iter()
        .enumerate()
        .map(|(index, (_, id))| {
            let path = format!("content.itemtypes[{index}].url");
            media(&path, MediaKind::File, id, MediaDetails::default())
        })
        .collect();
    event
}
