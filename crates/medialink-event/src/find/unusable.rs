//! Messages that share media, but do not say where it is.

use serde_json::{Map, Value};

use medialink_link::matrix::MxcUri;

use super::{EXTENSIBLE_FILES, places::Places};

/// The types of messages that share media (Client-Server API, "m.room.message msgtypes").
const MEDIA_TYPES: [&str; 4] = ["m.image", "m.video", "m.audio", "m.file"];

/// The part of a message that should name its media, and its problem.
pub(super) struct Unusable {
    /// The field of the message.
    pub field: &'static str,
    /// The way on from there to the address.
    pub rest: &'static str,
    pub problem: String,
}

/// The problem of a message, or of a thing in a gallery, that shares media without an address of
/// use; `None`: it has one, or shares none.
pub(super) fn unusable(places: &Places<'_>, place: usize, event_type: &str) -> Option<Unusable> {
    let message = places.object(Some(place))?;
    let shares = |field: &str| {
        let kind = message.get(field).and_then(Value::as_str);
        kind.is_some_and(|kind| MEDIA_TYPES.contains(&kind))
    };
    let is_in_list = || {
        let list = places.parent(Some(place));
        places.object(list).is_none() && places.parent(list) == Some(0)
    };
    let is_sharing = match (place, event_type) {
        // A redacted sticker has neither.
        (0, "m.sticker") => message.contains_key("url") || message.contains_key("body"),
        (0, _) => shares("msgtype"),
        _ => shares("itemtype") && is_in_list(),
    };
    (is_sharing && !has_address(message)).then(|| problem_of(message))
}

fn has_address(message: &Map<String, Value>) -> bool {
    let is_mxc = |url: Option<&Value>| {
        url.and_then(Value::as_str)
            .is_some_and(|url| MxcUri::parse(url).is_ok())
    };
    let mut files = ["file"].iter().chain(&EXTENSIBLE_FILES);
    is_mxc(message.get("url"))
        || files.any(|file| is_mxc(message.get(*file).and_then(|file| file.get("url"))))
}

fn problem_of(message: &Map<String, Value>) -> Unusable {
    let (field, rest, value) = match message.get("file") {
        Some(Value::Object(file)) => ("file", ".url", file.get("url")),
        Some(file) if !file.is_null() && !message.contains_key("url") => {
            return Unusable {
                field: "file",
                rest: "",
                problem: "it has to be an object".to_owned(),
            };
        }
        _ => ("url", "", message.get("url")),
    };
    let problem = match value {
        None | Some(Value::Null) => "it is missing".to_owned(),
        Some(Value::String(url)) => MxcUri::parse(url)
            .err()
            .map_or_else(String::new, |error| error.to_string()),
        Some(_) => "it has to be a text".to_owned(),
    };
    Unusable {
        field,
        rest,
        problem,
    }
}
