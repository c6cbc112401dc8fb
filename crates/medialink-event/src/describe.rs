//! The descriptions of media in events. Nothing is trusted: a field of the wrong type is left out.

use serde_json::Value;

use crate::reply::without_fallback;

use super::MediaDetails;

use self::{
    fields::{Object, blurhash, kept, mimetype, number, object, pixels, text},
    warning::warning,
};

mod fields;
mod warning;

/// The objects of an event that describe one medium.
#[derive(Default)]
pub(super) struct DescribingObjects<'a> {
    /// A message with `body`, `filename` and `info`.
    message: Option<&'a Object>,
    /// Type, size and dimensions.
    info: Option<&'a Object>,
    /// A file of an extensible event, and the object that has it.
    extensible: Option<(&'a Object, Option<&'a Object>)>,
    /// A preview of a web page.
    preview: Option<&'a Object>,
    /// The message whose medium the thumbnail shows.
    thumbnail_of: Option<&'a Object>,
}

impl<'a> DescribingObjects<'a> {
    /// Of a message, or one of a gallery (Client-Server API, "m.room.message msgtypes"; MSC4274).
    pub(super) fn object(message: &'a Object) -> Self {
        Self {
            message: Some(message),
            info: object(message, "info"),
            ..Self::default()
        }
    }

    /// By nothing but an `info` of this name.
    pub(super) fn info(owner: &'a Object, name: &str) -> Self {
        Self {
            info: object(owner, name),
            ..Self::default()
        }
    }

    /// Of a thumbnail: by its `thumbnail_info`, and by the warnings of the message.
    pub(super) fn thumbnail(info: &'a Object, message: Option<&'a Object>) -> Self {
        Self {
            thumbnail_of: message,
            ..Self::info(info, "thumbnail_info")
        }
    }

    /// Of an extensible event (MSC1767, MSC3551 to MSC3553).
    pub(super) fn extensible(file: &'a Object, owner: Option<&'a Object>) -> Self {
        Self {
            extensible: Some((file, owner)),
            ..Self::default()
        }
    }

    /// Of a preview of a web page (MSC4095).
    pub(super) fn preview(preview: &'a Object) -> Self {
        Self {
            preview: Some(preview),
            ..Self::default()
        }
    }
}

/// The details that the event has about a medium; `content` is all of its content.
pub(super) fn details(described: &DescribingObjects<'_>, content: Option<&Object>) -> MediaDetails {
    let mut details = MediaDetails::default();
    if let Some(info) = described.info {
        details.mimetype = mimetype(info, "mimetype");
        details.size = number(info, "size");
        details.width = pixels(info, "w");
        details.height = pixels(info, "h");
        details.duration_ms = number(info, "duration");
        details.blurhash = ["xyz.amorgan.blurhash", "blurhash"]
            .iter()
            .find_map(|name| blurhash(info, name));
    }
    if let Some(message) = described.message {
        (details.filename, details.caption) = name_and_caption(message);
        let is_reply = is_reply(message) || content.is_some_and(is_reply);
        let names = [&mut details.filename, &mut details.caption];
        for words in names.into_iter().flatten() {
            let own = without_fallback(words, formatted_body(message), is_reply);
            *words = own.unwrap_or(words).to_owned();
        }
        if details.caption.is_some() {
            details.caption_html = formatted_body(message).map(str::to_owned);
        }
        details.is_voice = is_voice(message);
        details.warning = warning(message).or_else(|| warning(content?));
    }
    if let Some(message) = described.thumbnail_of {
        details.warning = warning(message).or_else(|| warning(content?));
    }
    if let Some((file, owner)) = described.extensible {
        details.filename = text(file, "name");
        details.mimetype = mimetype(file, "mimetype");
        details.size = number(file, "size");
        if let Some(owner) = owner {
            describe_extensible(&mut details, owner);
        }
    }
    if let Some(preview) = described.preview {
        details.mimetype = mimetype(preview, "og:image:type");
        details.size = number(preview, "matrix:image:size");
        details.width = pixels(preview, "og:image:width");
        details.height = pixels(preview, "og:image:height");
        details.caption = text(preview, "og:title");
    }
    details
}

/// A `body` is a caption where there is a `filename` that differs from it; otherwise it is the
/// file's name (Client-Server API, "Media captions"). The `body` of a sticker describes its picture.
fn name_and_caption(message: &Object) -> (Option<String>, Option<String>) {
    let body = text(message, "body");
    let is_file = message.contains_key("msgtype") || message.contains_key("itemtype");
    match text(message, "filename") {
        Some(name) => {
            // Clients call voice messages by the name without its extension.
            let stem = name.rsplit_once('.').map_or("", |(stem, _)| stem);
            let repeats_name = |body: &str| body == name || (is_voice(message) && body == stem);
            let caption = body.filter(|body| !repeats_name(body));
            (Some(name), caption)
        }
        None if is_file => (body, None),
        None => (None, body),
    }
}

/// The HTML of a message, not sanitised (Client-Server API, "m.room.message msgtypes").
pub(super) fn formatted_body(message: &Object) -> Option<&str> {
    let format = message.get("format").and_then(Value::as_str);
    let body = message.get("formatted_body")?.as_str()?;
    format
        .is_none_or(|format| format == "org.matrix.custom.html")
        .then_some(body)
}

/// Whether a message answers another one.
fn is_reply(message: &Object) -> bool {
    let relation = message.get("m.relates_to");
    relation.is_some_and(|relation| relation.get("m.in_reply_to").is_some())
}

fn describe_extensible(details: &mut MediaDetails, owner: &Object) {
    // The newer blocks (MSC3552, MSC3553, MSC3927) have seconds, the older ones milliseconds.
    for (name, unit) in [
        ("image_details", 1000),
        ("video_details", 1000),
        ("audio_details", 1000),
        ("image", 1),
        ("video", 1),
        ("audio", 1),
    ] {
        let Some(block) = stable_or_not(owner, name).and_then(Value::as_object) else {
            continue;
        };
        let duration = number(block, "duration").and_then(|value| value.checked_mul(unit));
        details.width = details.width.or_else(|| pixels(block, "width"));
        details.height = details.height.or_else(|| pixels(block, "height"));
        details.duration_ms = details.duration_ms.or(duration);
    }
    if let Some(caption) = stable_or_not(owner, "caption") {
        details.caption = extensible_text(caption, "text/plain");
        if details.caption.is_some() {
            details.caption_html = extensible_text(caption, "text/html");
        }
    }
    details.is_voice = is_voice(owner);
    details.warning = warning(owner);
}

/// The text of an extensible block: a plain text, or the first of its representations that has
/// this type, which is plain if it is missing.
fn extensible_text(block: &Value, wanted: &str) -> Option<String> {
    match block {
        Value::String(text) if wanted == "text/plain" => kept(text),
        Value::Object(block) => extensible_text(stable_or_not(block, "text")?, wanted),
        Value::Array(list) => list.iter().find_map(|entry| {
            let entry = entry.as_object()?;
            let mimetype = entry.get("mimetype");
            let is_wanted = mimetype.map_or(wanted == "text/plain", |own| own == wanted);
            is_wanted.then(|| text(entry, "body")).flatten()
        }),
        _ => None,
    }
}

fn stable_or_not<'a>(object: &'a Object, name: &str) -> Option<&'a Value> {
    object
        .get(&format!("m.{name}"))
        .or_else(|| object.get(&format!("org.matrix.msc1767.{name}")))
}

fn is_voice(message: &Object) -> bool {
    [
        "m.voice",
        "org.matrix.msc3245.voice",
        "org.matrix.msc3245.voice.v2",
    ]
    .iter()
    .any(|name| message.contains_key(*name))
}

#[cfg(test)]
mod tests;
