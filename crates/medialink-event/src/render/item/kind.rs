//! The kinds of things that events share, and their words.

use serde_json::Value;

use crate::{MediaKind, SharedEvent, SharedMedia, media_type::canonical_type};

use super::path::inside;

/// The kind of a shared thing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ItemKind {
    /// A still picture.
    Image,
    /// A picture that may move.
    Gif,
    /// A film.
    Video,
    /// A sound.
    Audio,
    /// A voice message.
    Voice,
    /// Anything else.
    File,
    /// A sticker.
    Sticker,
    /// The new picture of its sender.
    UserAvatar,
    /// The new picture of the room.
    RoomAvatar,
}

impl ItemKind {
    /// With its article.
    pub(in crate::render) fn noun(self) -> &'static str {
        match self {
            Self::Image => "an image",
            Self::Gif => "a GIF",
            Self::Video => "a video",
            Self::Audio => "an audio file",
            Self::Voice => "a voice message",
            Self::File => "a file",
            Self::Sticker => "a sticker",
            Self::UserAvatar => "an avatar",
            Self::RoomAvatar => "a room avatar",
        }
    }

    /// Several of them.
    pub(in crate::render) fn plural(self) -> &'static str {
        match self {
            Self::Image => "images",
            Self::Gif => "GIFs",
            Self::Video => "videos",
            Self::Audio => "audio files",
            Self::Voice => "voice messages",
            Self::File => "files",
            Self::Sticker => "stickers",
            Self::UserAvatar | Self::RoomAvatar => "avatars",
        }
    }

    /// The action of its sender.
    pub(in crate::render) fn action(self, is_edit: bool) -> String {
        match self {
            Self::UserAvatar => "changed their avatar".to_owned(),
            Self::RoomAvatar => "changed the room's avatar".to_owned(),
            _ if is_edit => format!("edited {}", self.noun()),
            _ => format!("sent {}", self.noun()),
        }
    }

    /// Whether it is looked at, and not opened or saved.
    pub(super) fn is_picture(self) -> bool {
        matches!(
            self,
            Self::Image | Self::Gif | Self::Sticker | Self::UserAvatar | Self::RoomAvatar
        )
    }

    /// Whether it is shown or played where it stands.
    pub(super) fn is_shown_in_place(self) -> bool {
        self != Self::File
    }

    pub(super) fn of(event: &SharedEvent, media: &SharedMedia) -> Self {
        match media.kind {
            MediaKind::Sticker => return Self::Sticker,
            MediaKind::Avatar if event.event_type == "m.room.avatar" => return Self::RoomAvatar,
            MediaKind::Avatar => return Self::UserAvatar,
            _ => {}
        }
        let mimetype = canonical_type(media.details.mimetype.as_deref().unwrap_or_default());
        let message_type = message_type(&event.content, &media.path).unwrap_or(&event.event_type);
        // Of an extensible event, the type is that of the event (MSC1767).
        match message_type
            .strip_prefix("org.matrix.msc1767.")
            .or_else(|| message_type.strip_prefix("m."))
            .unwrap_or(message_type)
        {
            _ if media.details.is_voice => Self::Voice,
            "voice" | "org.matrix.msc3245.voice.v2" => Self::Voice,
            "image" if mimetype == "image/gif" => Self::Gif,
            "image" => Self::Image,
            "video" => Self::Video,
            "audio" => Self::Audio,
            "file" => Self::File,
            _ => match mimetype.split('/').next() {
                Some("image") if mimetype == "image/gif" => Self::Gif,
                Some("image") => Self::Image,
                Some("video") => Self::Video,
                Some("audio") => Self::Audio,
                _ => Self::File,
            },
        }
    }
}

/// The `msgtype`, and in a gallery the `itemtype` of the thing at this path (MSC4274).
fn message_type<'a>(content: &'a Value, path: &str) -> Option<&'a str> {
    let of_gallery = || {
        let (list, rest) = inside(path).split_once('[')?;
        let (index, _) = rest.split_once(']')?;
        content
            .get(list)?
            .get(index.parse::<usize>().ok()?)?
            .get("itemtype")
    };
    of_gallery().or_else(|| content.get("msgtype"))?.as_str()
}
