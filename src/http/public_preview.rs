//! The picture that link previews show for a page: small, so that messengers take it, and such as
//! may be fetched by anybody who has the page.

use std::{sync::Arc, time::Duration};

use actix_web::rt;
use futures_util::StreamExt;
use medialink_event::canonical_type;
use tokio::time::timeout;

use crate::{
    config::ThumbnailSize,
    links::Grant,
    media::{MediaProxy, Order, RequestConditions, ThumbnailMethod, choose_thumbnail, sides},
    pages::{PreviewPicture, ViewKind, within},
    storage::links::LinkRow,
};

use super::{public_link::order, state::AppState};

/// The largest original that is a preview, in bytes: WhatsApp takes about 300 KB.
const MAX_BYTES: u64 = 300_000;
/// The largest side of a preview, in pixels, where there is a choice.
const MAX_SIDE: u32 = 1280;
/// Types that all fetchers of previews and all homeservers read.
const COMMON_TYPES: [&str; 4] = ["image/jpeg", "image/png", "image/gif", "image/webp"];
/// How many bytes of a thumbnail are read for its sides.
const BEGINNING_BYTES: usize = 64 << 10;
/// The longest time that a page waits for the sides of a thumbnail.
const MEASURED_WITHIN: Duration = Duration::from_secs(2);

/// How large a picture may be, in pixels.
#[derive(Debug, Clone, Copy)]
pub(super) struct Bounds {
    /// The largest width.
    pub width: u32,
    /// The largest height.
    pub height: u32,
    /// Whether its sides have to be known.
    pub are_told: bool,
}

/// What a preview is wanted for.
#[derive(Debug, Clone, Copy)]
pub(super) struct Wanted {
    /// How the media is shown.
    pub kind: ViewKind,
    /// How large the picture may be.
    pub bounds: Bounds,
}

impl Bounds {
    /// Those of the pages.
    pub(super) const PAGE: Self = Self {
        width: MAX_SIDE,
        height: MAX_SIDE,
        are_told: false,
    };

    fn hold(self, (width, height): (u32, u32)) -> bool {
        width <= self.width && height <= self.height
    }

    /// Whether a picture of these sides, as far as they are known, keeps within them.
    fn allow(self, sides: Option<(u32, u32)>) -> bool {
        sides.map_or(!self.are_told, |sides| self.hold(sides))
    }
}

/// The picture for the previews of a page; `None`: there is none, or it is not to be seen unasked.
pub(super) async fn preview(
    grant: &Grant,
    Wanted { kind, bounds }: Wanted,
    (mimetype, size): (Option<&str>, Option<u64>),
    state: &AppState,
    media: &MediaProxy,
) -> Option<PreviewPicture> {
    let link = &grant.link;
    let has_picture = matches!(kind, ViewKind::Image | ViewKind::Video | ViewKind::Audio);
    if !has_picture || link.max_follows.is_some() || link.appearance.warning.is_some() {
        return None;
    }
    let finder = Finder {
        bounds,
        state,
        media,
    };
    if kind == ViewKind::Image
        && let Some(original) = finder.small_original(link, mimetype, size)
    {
        return Some(original);
    }
    match state.links.thumbnail_beside(link).await {
        Ok(Some(thumbnail)) => {
            let grant = Grant {
                link: Arc::new(thumbnail),
                bridge: Arc::clone(&grant.bridge),
            };
            let mimetype = grant.link.claims.mimetype.as_deref();
            let size = grant.link.size.and_then(|size| u64::try_from(size).ok());
            match finder.small_original(&grant.link, mimetype, size) {
                Some(original) => Some(original),
                None => finder.thumbnail(&grant, mimetype).await,
            }
        }
        // Of a sound, or of an encrypted film, nobody can make one.
        _ if kind == ViewKind::Audio || kind == ViewKind::Video && link.claims.file.is_some() => {
            None
        }
        _ => finder.thumbnail(grant, mimetype).await,
    }
}

/// Finds pictures that are small enough.
struct Finder<'a> {
    bounds: Bounds,
    state: &'a AppState,
    media: &'a MediaProxy,
}

impl Finder<'_> {
    /// The media of a link, if it is known to be small.
    fn small_original(
        &self,
        link: &LinkRow,
        mimetype: Option<&str>,
        size: Option<u64>,
    ) -> Option<PreviewPicture> {
        let mimetype = mimetype.map(canonical_type)?;
        let sides = known_sides(link);
        let is_small = size.is_some_and(|size| (1..=MAX_BYTES).contains(&size))
            && self.bounds.allow(sides)
            && COMMON_TYPES.contains(&&*mimetype);
        is_small.then_some(PreviewPicture {
            url: self.state.links.media_url(link)?,
            mimetype: Some(mimetype.into_owned()),
            sides,
        })
    }

    /// A thumbnail of the media of a link. Its sides follow from those of the picture; where they
    /// are not known, or it is not sure that there is a thumbnail, it is looked at.
    async fn thumbnail(&self, grant: &Grant, mimetype: Option<&str>) -> Option<PreviewPicture> {
        let size = preview_size(&self.state.config().media.thumbnails, self.bounds)?;
        let is_common =
            mimetype.is_some_and(|mimetype| COMMON_TYPES.contains(&&*canonical_type(mimetype)));
        let url = self.state.links.thumbnail_url(&grant.link, size)?;
        let bounds = self.bounds;
        let picture = |mimetype, sides| {
            let picture = PreviewPicture {
                url,
                mimetype,
                sides,
            };
            (!bounds.are_told || bounds.allow(sides)).then_some(picture)
        };
        if let Some(sides) = known_sides(&grant.link).filter(|_| is_common) {
            return picture(None, Some(within(sides, size)));
        }
        let sizes = &self.state.config().media.thumbnails;
        let variant = choose_thumbnail(sizes, size, ThumbnailMethod::Scale)?;
        // It goes on when this page does not wait any longer: the next one finds its outcome.
        let measured = rt::spawn(measured(self.media.clone(), order(grant, variant)));
        match timeout(MEASURED_WITHIN, measured).await {
            Ok(Ok(Some((mimetype, sides)))) => picture(Some(mimetype), sides),
            // It is late, or there is none now.
            _ if is_common => picture(None, None),
            _ => None,
        }
    }
}

/// Type and sides of a thumbnail, by itself; `None`: there is no such thumbnail.
async fn measured(media: MediaProxy, thumbnail: Order) -> Option<(String, Option<(u32, u32)>)> {
    let opened = media.open(&thumbnail, RequestConditions::default());
    let opened = opened.await.ok()?;
    let mimetype = opened.headers.content_type;
    if !mimetype.starts_with("image/") {
        return None;
    }
    let mut beginning = Vec::new();
    let mut body = opened.body;
    while beginning.len() < BEGINNING_BYTES
        && let Some(piece) = body.next().await
    {
        beginning.extend_from_slice(&piece.ok()?);
    }
    Some((mimetype, sides(&beginning)))
}

/// The sides of a picture, as its event says.
fn known_sides(link: &LinkRow) -> Option<(u32, u32)> {
    link.appearance.width.zip(link.appearance.height)
}

/// The configured size for previews: the largest one that is not too large, otherwise the smallest.
fn preview_size(sizes: &[ThumbnailSize], bounds: Bounds) -> Option<(u32, u32)> {
    let area = |size: &&ThumbnailSize| u64::from(size.width) * u64::from(size.height);
    let fits = |size: &&ThumbnailSize| bounds.hold((size.width, size.height));
    let chosen = sizes.iter().filter(fits).max_by_key(area);
    let chosen = chosen.or_else(|| sizes.iter().min_by_key(area))?;
    Some((chosen.width, chosen.height))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sizes(sides: &[(u32, u32)]) -> Vec<ThumbnailSize> {
        let sides = sides.iter();
        sides
            .map(|&(width, height)| ThumbnailSize { width, height })
            .collect()
    }

    #[test]
    fn the_largest_bounded_size_is_for_previews() {
        for (configured, chosen) in [
            (&[(96, 96), (800, 600), (320, 240)][..], Some((800, 600))),
            (&[(2048, 2048), (96, 96)], Some((96, 96))),
            (&[(2048, 2048), (2000, 1500)], Some((2000, 1500))),
            (&[], None),
        ] {
            assert_eq!(preview_size(&sizes(configured), Bounds::PAGE), chosen);
        }
    }
}
