//! heisenbridge (PyPI `heisenbridge` 1.15): 8 bytes of HMAC-SHA-256 over the mxc URI and a slash.

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};

use medialink_link::matrix::MxcUri;

use super::key::{LegacyKey, is_same};

/// Its own default.
pub(super) const DEFAULT_PATH: &str =
    "/_heisenbridge/media/{server}/{media_id}/{checksum}{filename}";

const TAG_BYTES: usize = 8;

/// Whether this tag is the key's for this media. Links never end.
pub(super) fn is_signed(key: &LegacyKey, mxc: &MxcUri, tag: &str) -> bool {
    // In whole groups of three bytes, as the decoder asks for.
    let mut decoded = [0; TAG_BYTES.next_multiple_of(3)];
    let Ok(len) = URL_SAFE_NO_PAD.decode_slice(tag, &mut decoded) else {
        return false;
    };
    let wanted = key.hmac_sha256(&[mxc.to_string().as_bytes(), b"/"]);
    is_same(&decoded[..len], &wanted[..TAG_BYTES])
}
