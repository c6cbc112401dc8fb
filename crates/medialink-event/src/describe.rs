//! How events describe their media. Nothing of it is trusted: what has the wrong type is left out.

use serde_json::{Map, Value};

use crate::media_type::is_media_type;

use super::{MediaDetails, Warning};

type Object = Map<String, Value>;

/// The longest blurhash: nine by nine components (its grammar).
const MAX_BLURHASH: usize = 4 + 2 * 9 * 9;
/// The longest reason of a warning that is kept, in bytes: it may be told of many media.
const MAX_REASON: usize = 256;

/// The objects of an event that describe one medium.
#[derive(Default)]
pub(super) struct Described<'a> {
    /// A message with `body`, `filename` and `info`.
    message: Option<&'a Object>,
    /// Type, size and dimensions.
    info: Option<&'a Object>,
    /// A file of an extensible event, and what stands beside it.
    extensible: Option<(&'a Object, Option<&'a Object>)>,
    /// A preview of a web page.
    preview: Option<&'a Object>,
    /// Of a thumbnail, the message with the medium that it is of.
    thumbnail_of: Option<&'a Object>,
}

impl<'a> Described<'a> {
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

    /// Of a thumbnail: by its `thumbnail_info`, and by what the message warns of.
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

/// What the event says of a medium; `content` is all of its content.
pub(super) fn details(described: &Described<'_>, content: Option<&Object>) -> MediaDetails {
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
/// file's name (Client-Server API, "Media captions"). That of a sticker says what is on it.
fn name_and_caption(message: &Object) -> (Option<String>, Option<String>) {
    let body = text(message, "body");
    let is_file = message.contains_key("msgtype") || message.contains_key("itemtype");
    match text(message, "filename") {
        Some(name) => {
            // Clients call voice messages by the name without its extension.
            let stem = name.rsplit_once('.').map_or("", |(stem, _)| stem);
            let says_nothing = |body: &str| body == name || (is_voice(message) && body == stem);
            let caption = body.filter(|body| !says_nothing(body));
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

fn describe_extensible(details: &mut MediaDetails, owner: &Object) {
    // The newer blocks (MSC3552, MSC3553, MSC3927) tell seconds, the older ones milliseconds.
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
        let duration = number(block, "duration").and_then(|told| told.checked_mul(unit));
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
/// this type, which is plain if it is not told.
fn extensible_text(block: &Value, wanted: &str) -> Option<String> {
    match block {
        Value::String(text) if wanted == "text/plain" => kept(text),
        Value::Object(block) => extensible_text(stable_or_not(block, "text")?, wanted),
        Value::Array(list) => list.iter().find_map(|entry| {
            let entry = entry.as_object()?;
            let told = entry.get("mimetype");
            let is_wanted = told.map_or(wanted == "text/plain", |told| told == wanted);
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

/// A content warning (MSC3725), or a spoiler (MSC4193).
fn warning(message: &Object) -> Option<Warning> {
    for name in ["m.content_warning", "town.robin.msc3725.content_warning"] {
        if let Some(warning) = object(message, name) {
            let kind = text(warning, "type").map(|kind| match kind.rsplit_once('.') {
                Some((_, word)) => word.to_owned(),
                None => kind,
            });
            let is_spoiler = kind.as_deref() == Some("spoiler");
            let reason = text(warning, "description").or(kind.filter(|_| !is_spoiler));
            return Some(Warning {
                is_spoiler,
                reason: reason.map(short),
            });
        }
    }
    ["m.spoiler", "page.codeberg.everypizza.msc4193.spoiler"]
        .iter()
        .find(|name| message.get(**name) == Some(&Value::Bool(true)))
        .map(|name| Warning {
            is_spoiler: true,
            reason: text(message, &format!("{name}.reason")).map(short),
        })
}

fn object<'a>(owner: &'a Object, name: &str) -> Option<&'a Object> {
    owner.get(name)?.as_object()
}

fn text(owner: &Object, name: &str) -> Option<String> {
    kept(owner.get(name)?.as_str()?)
}

fn kept(text: &str) -> Option<String> {
    let text = text.trim();
    (!text.is_empty()).then(|| text.to_owned())
}

fn short(mut reason: String) -> String {
    reason.truncate(reason.floor_char_boundary(MAX_REASON));
    reason
}

/// A number as Matrix has them: whole, and of 53 bits (Appendices, "Canonical JSON").
fn number(owner: &Object, name: &str) -> Option<u64> {
    let number = owner.get(name)?.as_u64()?;
    (number < 1 << 53).then_some(number)
}

fn mimetype(owner: &Object, name: &str) -> Option<String> {
    text(owner, name).filter(|text| is_media_type(text))
}

fn pixels(owner: &Object, name: &str) -> Option<u32> {
    let pixels = u32::try_from(number(owner, name)?).ok()?;
    (pixels > 0).then_some(pixels)
}

fn blurhash(info: &Object, name: &str) -> Option<String> {
    let hash = info.get(name)?.as_str()?;
    let is_one = (6..=MAX_BLURHASH).contains(&hash.len())
        && hash
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || b"#$%*+,-.:;=?@[]^_{|}~".contains(&byte));
    is_one.then(|| hash.to_owned())
}

#[cfg(test)]
mod tests;
