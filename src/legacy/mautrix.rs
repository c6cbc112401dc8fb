//! `public_media` of mautrix bridges in Go, without its database: a few bytes of HMAC-SHA-256 over
//! the mxc URI and the end time.

use std::ops::RangeInclusive;

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};

use medialink_link::matrix::MxcUri;

use super::{
    key::{LegacyKey, is_same},
    latest::LATEST_MS,
};

/// All bytes of the HMAC.
pub const MAX_HASH_LENGTH: usize = 32;
/// How many bytes of the HMAC a link may carry. The bridges allow fewer; less than 8 can be
/// guessed.
pub const HASH_LENGTHS: RangeInclusive<usize> = 8..=MAX_HASH_LENGTH;

/// Seconds since the epoch, big-endian.
const EXPIRY_BYTES: usize = 8;

/// When a link to this media ends, in milliseconds since the epoch (inside: `None`, never);
/// `None`: the tag is not the key's.
pub(super) fn read(
    key: &LegacyKey,
    hash_length: usize,
    expires: bool,
    mxc: &MxcUri,
    tag: &str,
) -> Option<Option<i64>> {
    // In whole groups of three bytes, as the decoder asks for.
    let mut decoded = [0; (EXPIRY_BYTES + MAX_HASH_LENGTH).next_multiple_of(3)];
    let len = URL_SAFE_NO_PAD.decode_slice(tag, &mut decoded).ok()?;
    let expiry_bytes = if expires { EXPIRY_BYTES } else { 0 };
    let (expiry, hash) = decoded[..len].split_at_checked(expiry_bytes)?;
    let wanted = key.hmac_sha256(&[mxc.to_string().as_bytes(), expiry]);
    if !is_same(hash, &wanted[..hash_length]) {
        return None;
    }
    match <[u8; EXPIRY_BYTES]>::try_from(expiry) {
        Err(_) => Some(None),
        Ok(seconds) => {
            let seconds = i64::try_from(u64::from_be_bytes(seconds)).ok()?;
            let end = seconds.checked_mul(1000).filter(|end| *end <= LATEST_MS)?;
            Some(Some(end))
        }
    }
}
