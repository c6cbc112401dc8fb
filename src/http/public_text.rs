//! The first lines of a text file, for its page.

use std::{sync::Arc, time::Duration};

use futures_util::StreamExt;
use tokio::time::timeout;

use crate::{
    homeserver::MediaVariant,
    links::Grant,
    media::{Decision, MediaProxy, Order, RequestConditions, decoded_text},
    pages::Rows,
    pastes::MAX_TEXT_BYTES,
};

use super::{
    public_link::{allow_types, order},
    state::AppState,
};

/// The longest file whose beginning is shown, in bytes. What is opened may be fetched whole from the homeserver, so
/// nothing longer is opened for a page.
const MAX_FILE_BYTES: u64 = MAX_TEXT_BYTES as u64;
/// How many bytes of it are shown.
const SHOWN_BYTES: usize = 128 << 10;
/// The longest time that a page waits for the text.
const READ_WITHIN: Duration = Duration::from_secs(3);

/// The first lines of the text that a link leads to; `None`: it is long, late, or no text, or is not to be seen unasked.
/// `size`: its length in bytes.
pub(super) async fn lines(
    grant: &Grant,
    size: Option<u64>,
    state: &AppState,
    media: &MediaProxy,
) -> Option<Arc<Rows>> {
    let link = &grant.link;
    let is_hidden = link.max_follows.is_some() || link.appearance.warning.is_some();
    if is_hidden || !size.is_some_and(|size| (1..=MAX_FILE_BYTES).contains(&size)) {
        return None;
    }
    let filename = link.claims.filename.as_deref();
    let order = order(grant, MediaVariant::Original);
    if let Some(rows) = state.paste_views.get(&link.link_id, filename).await
        && media.may_serve(&order).await
    {
        return Some(rows);
    }
    let beginning = timeout(READ_WITHIN, beginning(&order, state, media)).await;
    let (bytes, charset_of) = beginning.ok()??;
    let is_cut = bytes.len() > SHOWN_BYTES;
    let shown = &bytes[..bytes.len().min(SHOWN_BYTES)];
    let text = text(shown, &charset_of, is_cut)?;
    let views = &state.paste_views;
    let made = views.make(&link.link_id, filename, None, text, is_cut);
    Some(made.await)
}

/// The first bytes of media, one more than is shown where there are more, and the type that declares their charset.
/// `None`: it cannot be opened, or may not be served.
async fn beginning(
    order: &Order,
    state: &AppState,
    media: &MediaProxy,
) -> Option<(Vec<u8>, String)> {
    let opened = media.open(order, RequestConditions::default()).await.ok()?;
    if opened.decision != Decision::Whole || allow_types(state, &opened).is_err() {
        return None;
    }
    let mut body = opened.body;
    let mut bytes = Vec::new();
    while bytes.len() <= SHOWN_BYTES
        && let Some(piece) = body.next().await.transpose().ok()?
    {
        let room = SHOWN_BYTES + 1 - bytes.len();
        bytes.extend_from_slice(&piece[..piece.len().min(room)]);
    }
    let declared = order.claims.mimetype.clone();
    Some((bytes, declared.unwrap_or(opened.headers.content_type)))
}

/// The text of these bytes, whole lines of it if it goes on; `None`: it is none.
fn text(bytes: &[u8], charset_of: &str, is_cut: bool) -> Option<String> {
    let mut text = decoded_text(charset_of, bytes);
    if text.contains('\0') {
        return None;
    }
    if is_cut {
        match text.rfind('\n') {
            Some(end) => text.truncate(end),
            // The last character may be a part of one.
            None => drop(text.pop()),
        }
    }
    Some(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_are_read_as_the_declared_charset_and_cut_between_lines() {
        for (bytes, charset_of, is_cut, shown) in [
            (&b"a\nb\n"[..], "text/plain", false, Some("a\nb\n")),
            (b"a\nb\nc", "text/plain", true, Some("a\nb")),
            (b"abc\xc3", "text/plain", true, Some("abc")),
            (
                b"caf\xe9",
                "text/plain; charset=ISO-8859-1",
                false,
                Some("café"),
            ),
            (b"caf\xc3\xa9", "text/html", false, Some("café")),
            (b"\xef\xbb\xbfa", "text/plain", false, Some("a")),
            (b"\xff\xfea\0", "text/plain", false, Some("a")),
            (b"\x7fELF\0\0", "text/plain", false, None),
        ] {
            let told = text(bytes, charset_of, is_cut);
            assert_eq!(told.as_deref(), shown, "{bytes:?}");
        }
    }
}
