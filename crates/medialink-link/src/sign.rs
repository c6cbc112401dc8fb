//! Signing: from claims and a key to a token.

use crate::matrix::RoomId;

use super::{
    claims::{ClaimsError, LinkClaims},
    key::LinkKey,
    sealed,
    token::{self, LinkId, LinkToken, MAX_TOKEN_BYTES, SELF_CONTAINED, SHORT},
};

/// Makes a self-contained token.
///
/// `issued_at_s`: seconds since the epoch. `lifetime_s`: seconds; 0: for ever. `nonce`: random,
/// never the same twice under one key.
///
/// # Errors
/// If a text of the claims is empty or longer than 255 bytes.
pub fn sign_self_contained(
    key: &LinkKey,
    claims: &LinkClaims,
    issued_at_s: u32,
    lifetime_s: u32,
    nonce: [u8; 12],
) -> Result<LinkToken, ClaimsError> {
    let body = sealed::encode(claims)?;
    let mut bytes = Vec::with_capacity(token::SELF_CONTAINED_HEAD_BYTES + body.len() + 16);
    bytes.extend_from_slice(&token::head(SELF_CONTAINED, key.id(), issued_at_s));
    bytes.extend_from_slice(&lifetime_s.to_be_bytes());
    bytes.extend_from_slice(&nonce);
    bytes.extend_from_slice(&body);
    sealed::crypt(
        key.enc(),
        &nonce,
        &mut bytes[token::SELF_CONTAINED_HEAD_BYTES..],
    );
    let mac = key.mac(&bytes);
    bytes.extend_from_slice(&mac);
    if bytes.len() > MAX_TOKEN_BYTES {
        return Err(ClaimsError::TooLong);
    }
    Ok(LinkToken::from_bytes(&bytes))
}

/// Makes a short token; the caller stores its claims under `link_id`.
///
/// `issued_at_s`: seconds since the epoch. `link_id`: six random bytes.
#[must_use]
pub fn sign_short(
    key: &LinkKey,
    room_id: &RoomId,
    issued_at_s: u32,
    link_id: [u8; 6],
) -> LinkToken {
    let head = token::head(SHORT, key.id(), issued_at_s);
    let room_tag = key.room_tag(&head, &LinkId::short(link_id), room_id);
    let mut bytes = [0; token::SHORT_BYTES];
    bytes[..6].copy_from_slice(&head);
    bytes[6..10].copy_from_slice(&room_tag);
    bytes[10..16].copy_from_slice(&link_id);
    let mac = key.mac(&bytes[..16]);
    bytes[16..].copy_from_slice(&mac);
    LinkToken::from_bytes(&bytes)
}
