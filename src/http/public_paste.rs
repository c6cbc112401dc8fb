//! The page that shows the text of a paste.

use std::sync::Arc;

use futures_util::StreamExt;

use crate::{
    homeserver::MediaKind,
    links::Grant,
    media::{Given, MediaError, MediaProxy, Wanted},
    pages::Rows,
    pastes::MAX_TEXT_BYTES,
    storage::links::Paste,
};

use super::{public_link::order, refusal::Told, state::AppState};

/// The lines of a paste.
pub(super) async fn lines(
    grant: &Grant,
    paste: &Paste,
    state: &AppState,
    media: &MediaProxy,
) -> Result<Arc<Rows>, Told> {
    let link = &grant.link;
    let filename = link.claims.filename.as_deref();
    if let Some(rows) = state.paste_views.get(&link.link_id, filename).await {
        return Ok(rows);
    }
    let text = read(grant, media)
        .await
        .map_err(|error| Told::media(&error, &link.link_id).on(&grant.bridge.network))?;
    let language = paste.language.as_deref();
    Ok(state
        .paste_views
        .make(&link.link_id, filename, language, text)
        .await)
}

/// The text, as the homeserver has it. What is longer than any text that we have uploaded is none.
async fn read(grant: &Grant, media: &MediaProxy) -> Result<String, MediaError> {
    let opened = media
        .open(&order(grant, MediaKind::Original), Wanted::default())
        .await?;
    let Given::Whole(_, mut body) = opened.given else {
        return Err(MediaError::Failed("the whole was not given".to_owned()));
    };
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
