//! The things that an event shares, each with its links.

use std::{
    borrow::Cow,
    collections::{HashMap, HashSet},
};

use crate::{MediaKind, SharedEvent, SharedMedia, find::EXTENSIBLE_FILES};

use super::{
    line::{one_line, shortened},
    media_link::MediaLink,
    plain_words::plain_words,
};

mod kind;
mod path;
mod shown;

pub use kind::ItemKind;
use path::{described, inside};

/// The longest reason of a warning, in bytes.
const MAX_REASON_BYTES: usize = 120;

/// One thing that the event shares.
#[derive(Debug, Clone, Copy)]
pub(super) struct Item<'a> {
    pub media: &'a SharedMedia,
    pub kind: ItemKind,
    /// Its link; that of its thumbnail if it has none itself.
    pub link: Option<&'a MediaLink<'a>>,
    /// The link of its thumbnail.
    pub thumbnail: Option<&'a MediaLink<'a>>,
}

/// The things that an event shares, in its order: files, stickers, and an avatar that it changes.
/// Pictures inside a text, thumbnails, the picture of the speaker and unknown media are left out.
pub(super) fn items<'a>(event: &'a SharedEvent, links: &'a [MediaLink<'a>]) -> Vec<Item<'a>> {
    let by_path: HashMap<&str, &MediaLink<'_>> = links
        .iter()
        .map(|link| (link.media.path.as_str(), link))
        .collect();
    let thumbnails: HashMap<&str, &MediaLink<'_>> = links
        .iter()
        .filter(|link| link.media.kind == MediaKind::Thumbnail)
        .map(|link| (described(&link.media.path), link))
        .collect();
    // A voice message names its sound twice, for old and for new clients.
    let mut seen = HashSet::new();
    let shared = event.media.iter().filter(|media| is_shared(event, media));
    let shared = shared.filter(|media| media.mxc.as_ref().map_or(true, |mxc| seen.insert(mxc)));
    shared
        .map(|media| {
            let thumbnail = thumbnails.get(described(&media.path)).copied();
            let own = by_path.get(media.path.as_str()).copied();
            Item {
                media,
                kind: ItemKind::of(event, media),
                link: own.or(thumbnail),
                thumbnail,
            }
        })
        .collect()
}

impl Item<'_> {
    /// Whether its warning is of a spoiler, and the reason.
    pub(super) fn warning(&self) -> Option<(bool, Option<String>)> {
        let warning = self.media.details.warning.as_ref()?;
        let reason = warning
            .reason
            .as_deref()
            .map(|reason| one_line(reason, " "));
        let reason = reason.and_then(|reason| shortened(&reason, MAX_REASON_BYTES));
        Some((warning.is_spoiler, reason))
    }

    /// Its caption as plain text.
    pub(super) fn caption(&self) -> Option<Cow<'_, str>> {
        let details = &self.media.details;
        let caption = details.caption.as_deref()?;
        Some(plain_words(caption, details.caption_html.as_deref()))
    }

    /// Whether the words of the event are its name or its caption. Those of a gallery stand beside
    /// its things.
    pub(super) fn has_the_words(&self) -> bool {
        let path = inside(&self.media.path);
        match path.strip_suffix("url") {
            _ if path == "file" => true,
            Some("" | "file.") => true,
            Some(field) => field
                .strip_suffix('.')
                .is_some_and(|field| EXTENSIBLE_FILES.contains(&field)),
            None => false,
        }
    }

    /// Whether its link leads to a picture, to look at and not to open or save.
    pub(super) fn is_picture(&self) -> bool {
        if self.is_only_thumbnail() {
            return shown::is_picture(self.linked_type(), false);
        }
        let is_sticker = self.kind == ItemKind::Sticker;
        self.kind.is_picture() && shown::is_picture(self.linked_type(), is_sticker)
    }

    /// Whether it is shown or played where it stands.
    pub(super) fn is_shown_in_place(&self) -> bool {
        let is_sticker = self.kind == ItemKind::Sticker;
        self.kind.is_shown_in_place() && shown::is_shown(self.linked_type(), is_sticker)
    }

    /// The type of the media behind its link.
    fn linked_type(&self) -> Option<&str> {
        let media = self.link.map_or(self.media, |link| link.media);
        media.details.mimetype.as_deref()
    }

    /// Whether its link leads to its thumbnail only.
    pub(super) fn is_only_thumbnail(&self) -> bool {
        self.link
            .is_some_and(|link| link.media.kind == MediaKind::Thumbnail)
    }
}

/// The things that have a link, each link once.
pub(super) fn linked<'a>(items: &[Item<'a>]) -> Vec<(Item<'a>, &'a MediaLink<'a>)> {
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
