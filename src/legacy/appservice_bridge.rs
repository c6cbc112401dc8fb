//! The `MediaProxy` of matrix-appservice-bridge (npm, 10 and 11): a token of version, HMAC-SHA-512,
//! end time, and server name and media ID.

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};

use medialink_link::matrix::MxcUri;

use super::{
    key::{LegacyKey, is_same},
    latest::LATEST_MS,
};

/// A signed byte, which is 1.
const VERSION: u8 = 1;
const MAC_BYTES: usize = 64;
/// Milliseconds since the epoch as a big-endian double (IEEE 754).
const END_BYTES: usize = 8;
/// Both names of an mxc URI and the slash between them.
const MAX_MEDIA_BYTES: usize = 255 + 1 + 255;
const MAX_BYTES: usize = 1 + MAC_BYTES + END_BYTES + MAX_MEDIA_BYTES;

/// The content of a token: the media, and when the link ends, in milliseconds since the epoch (`None`:
/// never). Nothing of it is read before its HMAC is found to be the key's.
pub(super) fn read(key: &LegacyKey, token: &str) -> Option<(MxcUri, Option<i64>)> {
    // In whole groups of three bytes, as the decoder asks for.
    let mut bytes = [0; MAX_BYTES.next_multiple_of(3)];
    let len = URL_SAFE_NO_PAD.decode_slice(token, &mut bytes).ok()?;
    let (version, rest) = bytes[..len].split_first()?;
    let (mac, signed) = rest.split_at_checked(MAC_BYTES)?;
    // The version is not signed, so its one value is checked as strictly.
    if *version != VERSION || !is_same(mac, &key.hmac_sha512(&[signed])) {
        return None;
    }
    let (end, media) = signed.split_first_chunk::<END_BYTES>()?;
    let (server, media_id) = std::str::from_utf8(media).ok()?.split_once('/')?;
    let mxc = MxcUri::from_parts(server, media_id).ok()?;
    Some((mxc, end_ms(f64::from_be_bytes(*end))?))
}

/// -1 stands for a link that never ends; `None`: it is no time.
fn end_ms(end: f64) -> Option<Option<i64>> {
    if end == -1.0 {
        return Some(None);
    }
    let latest = LATEST_MS as f64;
    (-latest..=latest)
        .contains(&end)
        .then_some(Some(end as i64))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_times_are_end_times() {
        assert_eq!(end_ms(-1.0), Some(None));
        for (end, ms) in [
            (0.0, 0),
            (-0.0, 0),
            (1_790_000_000_123.7, 1_790_000_000_123),
            (-2.0, -2),
        ] {
            assert_eq!(end_ms(end), Some(Some(ms)), "{end}");
        }
        for none in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY, 1e16, -1e300] {
            assert_eq!(end_ms(none), None, "{none}");
        }
    }
}
