//! The other media of the event that shared that of a page.

use crate::{
    config::ThumbnailSize,
    links::Grant,
    pages::{GalleryItem, ViewKind},
};

use super::{public_kind::kind, public_language, public_request::PublicRequest, state::AppState};

/// The least width of a small picture, in pixels, where there is a choice.
const MIN_WIDTH: u32 = 256;

/// Other media that was shared together with that of a link, in the order in which it was linked; none beside a link
/// with a limited number of follows, and none if the database fails, of which the page itself tells.
pub(super) async fn items(
    request: &PublicRequest,
    grant: &Grant,
    state: &AppState,
) -> Vec<GalleryItem> {
    if grant.link.max_follows.is_some() {
        return Vec::new();
    }
    let together = state.links.together(&grant.link).await.unwrap_or_default();
    let config = state.config();
    let size = small(&config.media.thumbnails);
    let items = together.into_iter().filter_map(|Grant { link, .. }| {
        let mimetype = link.claims.mimetype.as_deref();
        if let Some(mimetype) = mimetype {
            state.denials.allow_type(mimetype).ok()?;
        }
        let kind = kind(mimetype);
        let picture = size.filter(|_| kind == ViewKind::Image);
        Some(GalleryItem {
            page_url: public_language::kept(request, state.links.short_page_url(&link)?),
            title: link.claims.filename.clone(),
            kind,
            picture_url: picture.and_then(|size| state.links.thumbnail_url(&link, size)),
        })
    });
    items.collect()
}

/// The smallest configured size that is wide enough, otherwise the widest.
fn small(sizes: &[ThumbnailSize]) -> Option<(u32, u32)> {
    let wide = sizes.iter().filter(|size| size.width >= MIN_WIDTH);
    let chosen = wide.min_by_key(|size| size.width);
    let chosen = chosen.or_else(|| sizes.iter().max_by_key(|size| size.width))?;
    Some((chosen.width, chosen.height))
}
