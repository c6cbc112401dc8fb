//! What an event shares, thing by thing, and how each can be reached.

use std::{
    borrow::Cow,
    collections::{HashMap, HashSet},
};

use serde_json::Value;

use crate::{MediaKind, SharedEvent, SharedMedia, find::EXTENSIBLE_FILES};

use super::{
    Linked,
    line::{one_line, shortened},
    text::plain_words,
};

/// The longest reason that a warning gives.
const MAX_REASON_BYTES: usize = 120;

/// One thing that the event shares.
#[derive(Debug, Clone, Copy)]
pub(super) struct Item<'a> {
    pub media: &'a SharedMedia,
    pub what: What,
    /// Its link; that of its thumbnail if it has none itself.
    pub link: Option<&'a Linked<'a>>,
    /// The link of its thumbnail.
    pub thumbnail: Option<&'a Linked<'a>>,
}

/// What it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum What {
    Image,
    Gif,
    Video,
    Audio,
    Voice,
    File,
    Sticker,
    UserAvatar,
    RoomAvatar,
}

impl What {
    /// With its article.
    pub(super) fn noun(self) -> &'static str {
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
    pub(super) fn plural(self) -> &'static str {
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

    /// What whoever shared it has done.
    pub(super) fn action(self, is_edit: bool) -> String {
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

    fn of(event: &SharedEvent, media: &SharedMedia) -> Self {
        match media.kind {
            MediaKind::Sticker => return Self::Sticker,
            MediaKind::Avatar if event.event_type == "m.room.avatar" => return Self::RoomAvatar,
            MediaKind::Avatar => return Self::UserAvatar,
            _ => {}
        }
        let mimetype = media.details.mimetype.as_deref().unwrap_or_default();
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

/// The path inside of the content that is shown.
fn inside(path: &str) -> &str {
    let path = path.strip_prefix("content.").unwrap_or(path);
    path.strip_prefix("m.new_content.").unwrap_or(path)
}

/// What an event shares, in its order: files, stickers, an avatar if it changes that. Pictures
/// inside a text, thumbnails, the pictures of who is speaking and what is not known are none of it.
pub(super) fn items<'a>(event: &'a SharedEvent, links: &'a [Linked<'a>]) -> Vec<Item<'a>> {
    let by_path: HashMap<&str, &Linked<'_>> = links
        .iter()
        .map(|link| (link.media.path.as_str(), link))
        .collect();
    let thumbnails: HashMap<&str, &Linked<'_>> = links
        .iter()
        .filter(|link| link.media.kind == MediaKind::Thumbnail)
        .map(|link| (described(&link.media.path), link))
        .collect();
    // A voice message names its sound twice, for old and for new clients.
    let mut seen = HashSet::new();
    let shared = event.media.iter().filter(|media| is_shared(event, media));
    let shared = shared.filter(|media| seen.insert(&media.mxc));
    shared
        .map(|media| {
            let thumbnail = thumbnails.get(described(&media.path)).copied();
            let own = by_path.get(media.path.as_str()).copied();
            Item {
                media,
                what: What::of(event, media),
                link: own.or(thumbnail),
                thumbnail,
            }
        })
        .collect()
}

impl Item<'_> {
    /// What is warned of: `spoiler` or `content warning`, and why.
    pub(super) fn warning(&self) -> Option<String> {
        let warning = self.media.details.warning.as_ref()?;
        let reason = warning
            .reason
            .as_deref()
            .map(|reason| one_line(reason, " "));
        let reason = reason.and_then(|reason| shortened(&reason, MAX_REASON_BYTES));
        let what = if warning.is_spoiler {
            "spoiler"
        } else {
            "content warning"
        };
        Some(match reason {
            Some(reason) => format!("{what}: {reason}"),
            None => what.to_owned(),
        })
    }

    /// What is said of it, in plain words.
    pub(super) fn caption(&self) -> Option<Cow<'_, str>> {
        let details = &self.media.details;
        let caption = details.caption.as_deref()?;
        Some(plain_words(caption, details.caption_html.as_deref()))
    }

    /// Whether the words of the event are its name or its caption, and not said beside it, as those
    /// of a gallery.
    pub(super) fn has_the_words(&self) -> bool {
        match inside(&self.media.path).strip_suffix("url") {
            Some("" | "file.") => true,
            Some(field) => field
                .strip_suffix('.')
                .is_some_and(|field| EXTENSIBLE_FILES.contains(&field)),
            None => false,
        }
    }

    /// Whether its link leads to its thumbnail only.
    pub(super) fn is_only_thumbnail(&self) -> bool {
        self.link
            .is_some_and(|link| link.media.kind == MediaKind::Thumbnail)
    }
}

/// Those that have a link, each link once.
pub(super) fn linked<'a>(items: &[Item<'a>]) -> Vec<(Item<'a>, &'a Linked<'a>)> {
    let mut seen = HashSet::new();
    items
        .iter()
        .filter_map(|item| Some((*item, item.link?)))
        .filter(|(_, link)| seen.insert(link.url))
        .collect()
}

fn is_shared(event: &SharedEvent, media: &SharedMedia) -> bool {
    match media.kind {
        MediaKind::File | MediaKind::Sticker => true,
        MediaKind::Avatar => {
            let place = inside(&media.path);
            event.changes_avatar && matches!(place, "url" | "file.url" | "avatar_url")
        }
        MediaKind::Thumbnail | MediaKind::InlineImage | MediaKind::Other => false,
    }
}

/// The path of the object that describes a medium or its thumbnail: what stands before
/// `url`, `file`, or before `info.thumbnail_url`, `info.thumbnail_file`.
fn described(path: &str) -> &str {
    let path = path.strip_suffix(".url").unwrap_or(path);
    [".file", ".info.thumbnail_url", ".info.thumbnail_file"]
        .iter()
        .find_map(|end| path.strip_suffix(end))
        .unwrap_or(path)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_thumbnail_is_described_where_its_medium_is() {
        for path in [
            "content.url",
            "content.file",
            "content.file.url",
            "content.info.thumbnail_url",
            "content.info.thumbnail_file",
            "content.info.thumbnail_file.url",
        ] {
            assert_eq!(described(path), "content");
        }
        assert_eq!(
            described("content.itemtypes[3].info.thumbnail_url"),
            "content.itemtypes[3]"
        );
    }
}
