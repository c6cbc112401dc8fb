//! The page that shows the text of a paste.

use std::sync::Arc;

use futures_util::StreamExt;

use crate::{
    homeserver::MediaVariant,
    links::Grant,
    media::{Decision, MediaError, MediaProxy, Order, RequestConditions},
    pages::Rows,
    pastes::MAX_TEXT_BYTES,
    storage::links::Paste,
};

use super::{public_error::PublicError, public_link::order, state::AppState};

/// The lines of a paste.
pub(super) async fn lines(
    grant: &Grant,
    paste: &Paste,
    state: &AppState,
    media: &MediaProxy,
) -> Result<Arc<Rows>, PublicError> {
    let link = &grant.link;
    let filename = link.claims.filename.as_deref();
    let order = order(grant, MediaVariant::Original);
    if let Some(rows) = state.paste_views.get(&link.link_id, filename).await
        && media.may_serve(&order).await
    {
        return Ok(rows);
    }
    let text = read(&order, media)
        .await
        .map_err(|error| PublicError::media(&error, &link.link_id).on(&grant.bridge.network))?;
    let language = paste.language.as_deref();
    Ok(state
        .paste_views
        .make(&link.link_id, filename, language, text, false)
        .await)
}

/// The text, as the homeserver has it. Longer media than any uploaded text is refused.
async fn read(order: &Order, media: &MediaProxy) -> Result<String, MediaError> {
    let opened = media.open(order, RequestConditions::default()).await?;
    if opened.decision != Decision::Whole {
        return Err(MediaError::Failed("the whole was not given".to_owned()));
    }
    let mut body = opened.body;
    let mut bytes = Vec::new();
    while let Some(piece) = body.next().await.transpose()? {
        if bytes.len() + piece.len() > MAX_TEXT_BYTES {
            return Err(MediaError::TooLarge);
        }
        bytes.extend_from_slice(&piece);
    }
    Ok(match String::from_utf8(bytes) {
        Ok(text) => text,
        Err(error) => String::from_utf8_lossy(error.as_bytes()).into_owned(),
    })
}
