//! New links.

use sqlx::SqliteConnection;

use medialink_event::Appearance;
use medialink_link::{
    KeyId, LinkClaims, LinkForm, LinkState,
    matrix::{ContentToken, EventId},
};

use super::{
    super::StorageError,
    columns::{NO_KEY, duration, file_bytes, is_spoiler, warning},
};

/// A new link.
#[derive(Debug, Clone)]
pub struct NewLink {
    /// Its name in the API and in logs; it does not open the link.
    pub link_id: String,
    /// Its form.
    pub form: LinkForm,
    /// The key that signed it; `None`: none of ours.
    pub key_id: Option<KeyId>,
    /// Of a self-contained link: nonce and lifetime in seconds.
    pub sealed: Option<([u8; 12], u32)>,
    /// The bridge that asked for it.
    pub bridge: String,
    /// The usage of media that it is part of.
    pub media_reference_id: i64,
    /// Media, room and event, with the secrets to get the media.
    pub claims: LinkClaims,
    /// The user who shared the media.
    pub sender: Option<String>,
    /// The size of the media in bytes, by what the bridge said.
    pub size: Option<i64>,
    /// How its event presents the media.
    pub appearance: Appearance,
    /// The edit that brought the media, if one did.
    pub shown_by: Option<EventId>,
    /// Milliseconds since the epoch.
    pub issued_at: i64,
    /// Milliseconds since the epoch; `None`: never.
    pub expires_at: Option<i64>,
    /// How often it may be followed.
    pub max_follows: Option<i64>,
    /// The size that the policy of its room allows, in bytes.
    pub max_size: Option<i64>,
    /// Whether its room wants people to be led to the page.
    pub pages_only: bool,
    /// Live, or the state in which it had ended before it was first seen.
    pub state: LinkState,
    /// Set if its media is a text of the bridge that we have uploaded.
    pub paste: Option<NewPaste>,
}

/// A paste that is to be linked.
#[derive(Debug, Clone)]
pub struct NewPaste {
    /// A keyed digest of the request, by which a repeated one is known.
    pub digest: [u8; 32],
    /// The language of the text, in the bridge's word.
    pub language: Option<String>,
}

/// Stores a new link.
///
/// # Errors
/// A unique violation if the link ID is taken; otherwise if the database fails.
pub async fn insert(connection: &mut SqliteConnection, link: &NewLink) -> Result<(), StorageError> {
    let claims = &link.claims;
    sqlx::query(
        "INSERT INTO links (link_id, form, key_id, nonce, lifetime_s, bridge, media_reference_id, \
         room_id, event_id, sender, mxc, content_token, file, filename, mimetype, size, issued_at, \
         expires_at, max_follows, state, max_size, pages_only, paste_digest, language, width, height, duration_ms, \
         blurhash, warning, is_spoiler, shown_by) \
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21, \
         $22, $23, $24, $25, $26, $27, $28, $29, $30, $31)",
    )
    .bind(&link.link_id)
    .bind(link.form.as_str())
    .bind(link.key_id.map_or(NO_KEY, i64::from))
    .bind(link.sealed.map(|(nonce, _)| nonce.to_vec()))
    .bind(link.sealed.map(|(_, lifetime)| i64::from(lifetime)))
    .bind(&link.bridge)
    .bind(link.media_reference_id)
    .bind(claims.room_id.as_str())
    .bind(claims.event_id.as_ref().map_or("", EventId::as_str))
    .bind(link.sender.as_deref().unwrap_or(""))
    .bind(claims.mxc.to_string())
    .bind(claims.content_token.as_ref().map_or("", ContentToken::expose))
    .bind(claims.file.as_ref().map(file_bytes))
    .bind(&claims.filename)
    .bind(&claims.mimetype)
    .bind(link.size)
    .bind(link.issued_at)
    .bind(link.expires_at)
    .bind(link.max_follows)
    .bind(link.state.as_str())
    .bind(link.max_size)
    .bind(i64::from(link.pages_only))
    .bind(link.paste.as_ref().map(|paste| paste.digest.to_vec()))
    .bind(link.paste.as_ref().and_then(|paste| paste.language.as_deref()))
    .bind(link.appearance.width)
    .bind(link.appearance.height)
    .bind(duration(&link.appearance))
    .bind(&link.appearance.blurhash)
    .bind(warning(&link.appearance))
    .bind(i64::from(is_spoiler(&link.appearance)))
    .bind(link.shown_by.as_ref().map_or("", EventId::as_str))
    .execute(connection)
    .await?;
    Ok(())
}
