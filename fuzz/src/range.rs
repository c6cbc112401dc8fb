//! `Range` headers, as people send them.

use medialink::media::ByteRange;

/// A range reads back from its own text, and stays within any media.
pub fn check(data: &[u8]) {
    let Some(range) = str::from_utf8(data).ok().and_then(ByteRange::parse) else {
        return;
    };
    assert_eq!(ByteRange::parse(&range.to_string()), Some(range));
    for length in [0, 1, 2, 10, 1 << 32, u64::MAX] {
        if let Some((first, last)) = range.in_length(length) {
            assert!(first <= last && last < length, "{range} of {length}");
        }
    }
}
