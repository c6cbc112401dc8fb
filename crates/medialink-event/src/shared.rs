//! A read event and its media.

use serde_json::Value;

use medialink_link::matrix::{ContentToken, EventId, FileKeys, MxcUri, RoomId, UserId};

/// An event as it is shown: decrypted, and of an edit its new content.
#[derive(Clone)]
pub struct SharedEvent {
    /// The room that it was sent to.
    pub room_id: RoomId,
    /// The event that its media belong to: of an edit, the one that it edits.
    pub event_id: Option<EventId>,
    /// The sender, if the event names one.
    pub sender: Option<UserId>,
    /// Its type, decrypted where it was encrypted.
    pub event_type: String,
    /// Of an edit: its own ID.
    pub shown_by: Option<EventId>,
    /// Whether it edits another event.
    pub is_edit: bool,
    /// Whether it answers another event.
    pub is_reply: bool,
    /// Whether it changes an avatar: the room's, or that of its sender. Most membership events name
    /// one without changing it.
    pub changes_avatar: bool,
    /// The content that is shown.
    pub content: Value,
    /// Its media in their order in the content; the main medium comes first.
    pub media: Vec<SharedMedia>,
}

/// One reference to media in an event.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SharedMedia {
    /// Its place in the event: keys joined by dots, `[n]` in arrays, `content.formatted_body[n]` for the
    /// n-th image in HTML.
    pub path: String,
    /// Its purpose in the event.
    pub kind: MediaKind,
    /// The address of the media; an error says why that of the event is of no use.
    pub mxc: Result<MxcUri, String>,
    /// The keys that decrypt it; an error says why the event's `EncryptedFile` is of no use.
    pub file: Option<Result<FileKeys, String>>,
    /// The secret that downloading it needs (MSC3910).
    pub content_token: Option<ContentToken>,
    /// The description in the event.
    pub details: MediaDetails,
}

/// The purpose of media in an event.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum MediaKind {
    /// A file that the event shares: a picture, a film, a sound, anything.
    File,
    /// A smaller picture of something.
    Thumbnail,
    /// A sticker.
    Sticker,
    /// The picture of a user or a room.
    Avatar,
    /// A picture in the middle of a text, such as a custom emoji.
    InlineImage,
    /// Anything else.
    Other,
}

/// The description of media in an event. Fields of the wrong type are left out; nothing is verified.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct MediaDetails {
    /// The file's name.
    pub filename: Option<String>,
    /// The caption: the `body` where that is not the file's name.
    pub caption: Option<String>,
    /// The caption as HTML, not sanitised.
    pub caption_html: Option<String>,
    /// Its media type.
    pub mimetype: Option<String>,
    /// Its length in bytes.
    pub size: Option<u64>,
    /// Its width in pixels.
    pub width: Option<u32>,
    /// Its height in pixels.
    pub height: Option<u32>,
    /// Its playing time in milliseconds.
    pub duration_ms: Option<u64>,
    /// A picture of a few colours to show until it is loaded (MSC2448).
    pub blurhash: Option<String>,
    /// Whether it is a voice message (MSC3245).
    pub is_voice: bool,
    /// A warning that hides it at first (MSC3725, MSC4193).
    pub warning: Option<Warning>,
}

/// The details that a page shows before it has loaded the media.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Appearance {
    /// Its width in pixels.
    pub width: Option<u32>,
    /// Its height in pixels.
    pub height: Option<u32>,
    /// Its playing time in milliseconds.
    pub duration_ms: Option<u64>,
    /// A picture of a few colours to show until it is loaded (MSC2448).
    pub blurhash: Option<String>,
    /// A warning that hides it at first.
    pub warning: Option<Warning>,
}

impl MediaDetails {
    /// The details that a page needs.
    #[must_use]
    pub fn appearance(&self) -> Appearance {
        Appearance {
            width: self.width,
            height: self.height,
            duration_ms: self.duration_ms,
            blurhash: self.blurhash.clone(),
            warning: self.warning.clone(),
        }
    }
}

/// A spoiler or a content warning.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Warning {
    /// Whether it hides a spoiler, rather than something disturbing.
    pub is_spoiler: bool,
    /// The reason of the warning.
    pub reason: Option<String>,
}

impl MediaKind {
    /// The word of the API.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::File => "file",
            Self::Thumbnail => "thumbnail",
            Self::Sticker => "sticker",
            Self::Avatar => "avatar",
            Self::InlineImage => "inline_image",
            Self::Other => "other",
        }
    }
}
