//! The purpose of a reference, and the objects that describe its media.

use serde_json::Value;

use crate::{MediaKind, describe::DescribingObjects};

use super::places::Places;

/// Names of the field that holds a file in extensible events (MSC1767, MSC3551).
pub(crate) const EXTENSIBLE_FILES: [&str; 3] = [
    "m.file",
    "org.matrix.msc1767.file",
    "org.matrix.msc3551.file",
];
/// Names of the field that holds an encrypted picture of a preview (MSC4095).
const PREVIEW_FILES: [&str; 2] = ["matrix:image:encryption", "beeper:image:encryption"];

/// Decides about the references of one content.
pub(super) struct Classifier<'p, 'a> {
    places: &'p Places<'a>,
    event_type: &'p str,
}

impl<'p, 'a> Classifier<'p, 'a> {
    pub(super) fn new(places: &'p Places<'a>, event_type: &'p str) -> Self {
        Self { places, event_type }
    }

    /// The purpose of a reference by this name in this object, and the objects that describe it.
    pub(super) fn classify(
        &self,
        parent: Option<usize>,
        name: &str,
    ) -> (MediaKind, DescribingObjects<'a>) {
        let Some(own) = self.places.object(parent) else {
            return (MediaKind::Other, DescribingObjects::default());
        };
        let owner_name = self.places.name(parent);
        let owner = self.places.owner(parent);
        let described = |object| DescribingObjects::object(object);
        match (name, owner_name) {
            ("avatar_url", _) => (MediaKind::Avatar, DescribingObjects::default()),
            ("url", "avatar_file") => (MediaKind::Avatar, DescribingObjects::default()),
            ("thumbnail_url", _) => (
                MediaKind::Thumbnail,
                DescribingObjects::thumbnail(own, owner),
            ),
            ("url", "thumbnail_file") => {
                let message = self.places.owner(self.places.parent(parent));
                let described = owner.map(|info| DescribingObjects::thumbnail(info, message));
                (MediaKind::Thumbnail, described.unwrap_or_default())
            }
            ("og:image", _) => (MediaKind::Thumbnail, DescribingObjects::preview(own)),
            ("url", field) if PREVIEW_FILES.contains(&field) => (
                MediaKind::Thumbnail,
                owner.map_or_else(DescribingObjects::default, DescribingObjects::preview),
            ),
            ("url", "file") => {
                let described = owner.map_or_else(DescribingObjects::default, described);
                (self.main_kind(self.places.parent(parent)), described)
            }
            ("url", field) if EXTENSIBLE_FILES.contains(&field) => {
                let described = DescribingObjects::extensible(own, owner);
                let list = self.places.parent(self.places.parent(parent));
                let is_thumbnail = self.places.name(list).ends_with("thumbnail");
                let kind = match self.is_shown_content(self.places.parent(parent)) {
                    _ if is_thumbnail => MediaKind::Thumbnail,
                    true => MediaKind::File,
                    // Such as the picture of an answer of a poll.
                    false => MediaKind::Other,
                };
                (kind, described)
            }
            ("url", _) if self.is_message(parent) => (self.main_kind(parent), described(own)),
            ("url", _) => (MediaKind::Other, DescribingObjects::info(own, "info")),
            _ => (MediaKind::Other, DescribingObjects::default()),
        }
    }

    /// The purpose of the `url` or `file` of a message.
    pub(super) fn main_kind(&self, message: Option<usize>) -> MediaKind {
        match (self.event_type, self.is_shown_content(message)) {
            ("m.sticker", true) => MediaKind::Sticker,
            ("m.room.avatar", true) => MediaKind::Avatar,
            _ if self.is_message(message) => MediaKind::File,
            _ => MediaKind::Other,
        }
    }

    /// Whether an object is a message, or one of a gallery (MSC4274).
    fn is_message(&self, place: Option<usize>) -> bool {
        let Some(object) = self.places.object(place) else {
            return false;
        };
        let is_text = |name: &str| object.get(name).is_some_and(Value::is_string);
        is_text("msgtype")
            || is_text("itemtype")
            || (self.is_shown_content(place)
                && (is_text("body") || matches!(self.event_type, "m.sticker" | "m.room.avatar")))
    }

    fn is_shown_content(&self, place: Option<usize>) -> bool {
        place == Some(0)
    }
}
