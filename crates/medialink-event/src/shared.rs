//! What was found in an event.

use serde_json::Value;

use medialink_link::matrix::{ContentToken, EventId, FileKeys, MxcUri, RoomId, UserId};

/// An event as it is shown: decrypted, and of an edit its new content.
#[derive(Clone)]
pub struct SharedEvent {
    /// The room of it.
    pub room_id: RoomId,
    /// The event that its media belong to: of an edit, the one that it edits.
    pub event_id: Option<EventId>,
    /// Who sent it.
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
    /// Its media, in the order in which they stand in it; what it is about comes first.
    pub media: Vec<SharedMedia>,
}

/// One reference to media in an event.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SharedMedia {
    /// Where it stands: keys joined by dots, `[n]` in arrays, `content.formatted_body[n]` for the
    /// n-th image in HTML.
    pub path: String,
    /// What it is for.
    pub kind: MediaKind,
    /// The media.
    pub mxc: MxcUri,
    /// How to decrypt it; an error says why the event's `EncryptedFile` is of no use.
    pub file: Option<Result<FileKeys, String>>,
    /// The secret that downloading it needs (MSC3910).
    pub content_token: Option<ContentToken>,
    /// How the event describes it.
    pub details: MediaDetails,
}

/// What a reference to media is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum MediaKind {
    /// What the event shares: a picture, a film, a sound, any file.
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

/// How an event describes media. Only what has the right type is taken; nothing here is verified.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct MediaDetails {
    /// The file's name.
    pub filename: Option<String>,
    /// What is said of it: the `body` where that is not the file's name.
    pub caption: Option<String>,
    /// The same as HTML, not sanitised, if there is a caption.
    pub caption_html: Option<String>,
    /// Its media type.
    pub mimetype: Option<String>,
    /// Its length in bytes.
    pub size: Option<u64>,
    /// Its width in pixels.
    pub width: Option<u32>,
    /// Its height in pixels.
    pub height: Option<u32>,
    /// How long it plays, in milliseconds.
    pub duration_ms: Option<u64>,
    /// A picture of a few colours to show until it is loaded (MSC2448).
    pub blurhash: Option<String>,
    /// Whether it is a voice message (MSC3245).
    pub is_voice: bool,
    /// That and why it is not to be shown at once (MSC3725, MSC4193).
    pub warning: Option<Warning>,
}

/// What the page that shows a medium knows of it before it is loaded.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Appearance {
    /// Its width in pixels.
    pub width: Option<u32>,
    /// Its height in pixels.
    pub height: Option<u32>,
    /// How long it plays, in milliseconds.
    pub duration_ms: Option<u64>,
    /// A picture of a few colours to show until it is loaded (MSC2448).
    pub blurhash: Option<String>,
    /// That and why it is not to be shown at once.
    pub warning: Option<Warning>,
}

impl MediaDetails {
    /// What the page needs of them.
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
    /// Whether it is a spoiler: not to be known, rather than not to be seen.
    pub is_spoiler: bool,
    /// What is warned of.
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
