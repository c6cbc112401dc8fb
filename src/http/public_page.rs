//! The page that shows the media of a link.

use actix_web::{HttpResponse, http::header};
use medialink_event::canonical_type;

use crate::{
    homeserver::MediaVariant,
    links::Grant,
    media::{MediaError, MediaProxy},
    pages::{self, PastePage, ViewKind, ViewPage},
};

use super::{
    public_error::PublicError,
    public_gallery, public_kind, public_language,
    public_link::{granted, order},
    public_paste,
    public_preview::{self, Bounds, Wanted},
    public_request::PublicRequest,
    public_text,
    state::AppState,
};

/// `GET` and `HEAD /v/{token}[/{name}]`.
pub(super) async fn answer(
    request: &PublicRequest,
    token: &str,
    state: &AppState,
    media: &MediaProxy,
) -> Result<HttpResponse, PublicError> {
    let grant = granted(request, token, state).await?;
    let page = page(request, &grant, Bounds::PAGE, state, media).await?;
    let page = ViewPage {
        gallery: public_gallery::items(request, &grant, state).await,
        ..page
    };
    let language = page.frame.texts.language().tag();
    let rows = match &grant.link.paste {
        Some(paste) => Some(public_paste::lines(&grant, paste, state, media).await?),
        None if page.kind == ViewKind::Text => {
            public_text::lines(&grant, page.size_bytes, state, media).await
        }
        None => None,
    };
    let config = state.config();
    let origin = config.public_url.as_str();
    let (html, policy) = match rows {
        None => (page.render(), pages::view_csp(&page.frame, origin)),
        Some(rows) => {
            let policy = pages::paste_csp(&page.frame, origin);
            (PastePage { view: page, rows }.render(), policy)
        }
    };
    Ok(HttpResponse::Ok()
        .content_type(pages::CONTENT_TYPE)
        .insert_header((header::CACHE_CONTROL, "no-store"))
        .insert_header((header::VARY, header::ACCEPT_LANGUAGE.as_str()))
        .insert_header((header::CONTENT_LANGUAGE, language))
        .insert_header((header::X_CONTENT_TYPE_OPTIONS, "nosniff"))
        .insert_header((header::REFERRER_POLICY, "no-referrer"))
        .insert_header(("X-Robots-Tag", "noindex"))
        .insert_header((header::CONTENT_SECURITY_POLICY, policy))
        .body(html))
}

/// What is told of a link that may be followed; its picture keeps within bounds.
///
/// # Errors
/// If its media may not be served, or cannot be opened.
pub(super) async fn page(
    request: &PublicRequest,
    grant: &Grant,
    bounds: Bounds,
    state: &AppState,
    media: &MediaProxy,
) -> Result<ViewPage, PublicError> {
    let link = &grant.link;
    let (mimetype, size) = facts(grant, state, media).await?;
    let kind = public_kind::kind(mimetype.as_deref());
    let view = state.links.view(link);
    let facts = (mimetype.as_deref(), size);
    let wanted = Wanted { kind, bounds };
    let frame = public_language::frame(request, state.config());
    Ok(ViewPage {
        title: link.claims.filename.clone(),
        kind,
        preview: public_preview::preview(grant, wanted, facts, state, media).await,
        media_url: state.links.media_url(link).unwrap_or_default(),
        page_url: view.page_url.unwrap_or_default(),
        oembed_url: state.links.oembed_url(link),
        report_url: (state.reports.are_taken())
            .then(|| state.links.report_url(link))
            .flatten()
            .map(|url| public_language::kept(request, url)),
        sharer: link.sender.clone().filter(|_| grant.bridge.show_sender),
        code_url: state.links.short_page_url(link),
        gallery: Vec::new(),
        can_open: public_kind::can_open(kind, mimetype.as_deref()),
        mimetype: mimetype.map(|name| canonical_type(&name).into_owned()),
        size_bytes: size,
        appearance: link.appearance.clone(),
        network: Some(grant.bridge.network.clone()),
        expires_at: (link.expires_at).and_then(|at| frame.texts.moment(at, state.clock.now_ms())),
        follows_left: link
            .max_follows
            .map(|max| u64::try_from(max.saturating_sub(link.follows)).unwrap_or(0)),
        frame,
    })
}

/// Type and size of the media, if it may be served.
async fn facts(
    grant: &Grant,
    state: &AppState,
    media: &MediaProxy,
) -> Result<(Option<String>, Option<u64>), PublicError> {
    let link = &grant.link;
    let screened = media.screen(&order(grant, MediaVariant::Original)).await;
    screened.map_err(|error| failed(&error, grant))?;
    let (mimetype, size) = match &link.claims.mimetype {
        Some(mimetype) => (
            Some(mimetype.clone()),
            link.size.and_then(|size| size.try_into().ok()),
        ),
        None => reported_by_homeserver(media, grant).await?,
    };
    if let Some(mimetype) = &mimetype {
        let allowed = state.denials.allow_type(mimetype);
        allowed.map_err(|_| PublicError::denied().on(&grant.bridge.network))?;
    }
    Ok((mimetype, size))
}

fn failed(error: &MediaError, grant: &Grant) -> PublicError {
    PublicError::media(error, &grant.link.link_id).on(&grant.bridge.network)
}

/// Type and size as the homeserver reports them, for links that say neither.
async fn reported_by_homeserver(
    media: &MediaProxy,
    grant: &Grant,
) -> Result<(Option<String>, Option<u64>), PublicError> {
    let summary = media
        .summary(&order(grant, MediaVariant::Original))
        .await
        .map_err(|error| failed(&error, grant))?;
    Ok((Some(summary.content_type), summary.length))
}
