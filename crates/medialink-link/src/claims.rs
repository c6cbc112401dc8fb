//! The claims of a link: its media, and the room and event that shared it.

use crate::matrix::{ContentToken, EventId, FileKeys, MxcUri, RoomId};

/// The longest text of a link's body, in bytes.
pub(super) const MAX_TEXT_BYTES: usize = 255;

/// The media behind a link. A self-contained link carries its claims; a database holds those of a
/// short one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LinkClaims {
    /// The room in which the media was shared.
    pub room_id: RoomId,
    /// The event that shared it.
    pub event_id: Option<EventId>,
    /// The address of the media.
    pub mxc: MxcUri,
    /// The secret that downloading it needs (MSC3910).
    pub content_token: Option<ContentToken>,
    /// The keys that decrypt it, if it is encrypted.
    pub file: Option<FileKeys>,
    /// Its media type (`image/png`).
    pub mimetype: Option<String>,
    /// The file name for a download.
    pub filename: Option<String>,
}

/// Claims that no link can carry.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ClaimsError {
    /// A text is empty or too long.
    #[error("{0} has to be 1 to 255 bytes long")]
    TextLength(&'static str),
    /// The claims together are too long for a token of 4,096 characters.
    #[error("the link would be longer than 4096 characters")]
    TooLong,
}

impl LinkClaims {
    /// Claims of media in no room.
    #[must_use]
    pub fn without_room(mxc: MxcUri) -> Self {
        Self::new(RoomId::none(), mxc)
    }

    /// The room in which the media was shared; `None`: in no room.
    #[must_use]
    pub fn room(&self) -> Option<&RoomId> {
        (self.room_id != RoomId::none()).then_some(&self.room_id)
    }

    /// Claims of media in a room; the optional fields are empty.
    #[must_use]
    pub fn new(room_id: RoomId, mxc: MxcUri) -> Self {
        Self {
            room_id,
            event_id: None,
            mxc,
            content_token: None,
            file: None,
            mimetype: None,
            filename: None,
        }
    }
}

/// Cuts a file name to the 255 bytes that a link can carry, keeping its extension.
#[must_use]
pub fn fit_filename(name: &str) -> String {
    if name.len() <= MAX_TEXT_BYTES {
        return name.to_owned();
    }
    // An extension worth keeping is short; anything longer is a sentence with a dot in it.
    let extension = name
        .rfind('.')
        .map(|dot| &name[dot..])
        .filter(|extension| extension.len() > 1 && extension.len() <= 16)
        .unwrap_or("");
    let room = MAX_TEXT_BYTES - extension.len();
    let end = name.floor_char_boundary(room.min(name.len() - extension.len()));
    format!("{}{extension}", &name[..end])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_file_name_keeps_its_extension_and_its_characters_whole() {
        assert_eq!(fit_filename("cat.png"), "cat.png");
        let cut = fit_filename(&format!("{}.jpeg", "é".repeat(200)));
        assert!(cut.len() <= 255 && cut.ends_with("é.jpeg"), "{cut}");
        let cut = fit_filename(&"x".repeat(300));
        assert_eq!(cut.len(), 255);
        let cut = fit_filename(&format!("a.{}", "b".repeat(300)));
        assert_eq!(cut.len(), 255);
    }
}
