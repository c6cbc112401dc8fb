//! The grammar of `Range` and `Content-Range` (RFC 9110, section 14).

use std::fmt;

/// A requested range of bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ByteRange {
    /// From a byte to the end.
    From(u64),
    /// From a byte to a byte, both included.
    FromTo(u64, u64),
    /// A number of bytes at the end.
    Last(u64),
}

impl ByteRange {
    /// Reads a `Range` header. `None`: it is invalid, or asks for something else than one range of
    /// bytes; then it is ignored, as RFC 9110 allows.
    #[must_use]
    pub fn parse(header: &str) -> Option<Self> {
        let (unit, spec) = header.trim().split_once('=')?;
        let (first, last) = spec.trim().split_once('-')?;
        let number = |text: &str| -> Option<u64> {
            let is_number = !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
            // A number beyond 64 bits is beyond any media as well.
            is_number.then(|| text.parse().unwrap_or(u64::MAX))
        };
        if !unit.eq_ignore_ascii_case("bytes") {
            return None;
        }
        match (first, last) {
            ("", suffix) => number(suffix).map(Self::Last),
            (first, "") => number(first).map(Self::From),
            (first, last) => match (number(first)?, number(last)?) {
                (first, last) if first <= last => Some(Self::FromTo(first, last)),
                _ => None,
            },
        }
    }

    /// Its first and last byte in media of this length; `None`: no byte is in the range.
    #[must_use]
    pub fn in_length(self, length: u64) -> Option<(u64, u64)> {
        let end = length.checked_sub(1)?;
        match self {
            Self::From(first) => (first <= end).then_some((first, end)),
            Self::FromTo(first, last) => (first <= end).then_some((first, last.min(end))),
            Self::Last(0) => None,
            Self::Last(count) => Some((length.saturating_sub(count), end)),
        }
    }

    /// Whether a part is the requested one, as far as the length of the whole is known.
    pub(super) fn is_answered_by(self, (first, last, whole): (u64, u64, Option<u64>)) -> bool {
        if let Some(whole) = whole {
            return self.in_length(whole) == Some((first, last));
        }
        match self {
            Self::From(from) => from == first,
            Self::FromTo(from, to) => from == first && last <= to,
            Self::Last(count) => last - first < count,
        }
    }
}

impl fmt::Display for ByteRange {
    /// As the value of a `Range` header.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::From(first) => write!(f, "bytes={first}-"),
            Self::FromTo(first, last) => write!(f, "bytes={first}-{last}"),
            Self::Last(count) => write!(f, "bytes=-{count}"),
        }
    }
}

/// The first and last byte and the whole length (`None`: unknown) of a `Content-Range`.
pub(super) fn parse_content_range(header: &str) -> Option<(u64, u64, Option<u64>)> {
    let (range, length) = header.strip_prefix("bytes ")?.split_once('/')?;
    let (first, last) = range.split_once('-')?;
    let (first, last): (u64, u64) = (first.parse().ok()?, last.parse().ok()?);
    // Of more bytes than that nothing has the number.
    last.checked_add(1)?;
    let length = match length {
        "*" => None,
        length => Some(length.parse().ok()?),
    };
    (first <= last && length.is_none_or(|length| last < length)).then_some((first, last, length))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn one_range_is_understood_and_anything_else_is_ignored() {
        for (text, range) in [
            ("bytes=0-0", ByteRange::FromTo(0, 0)),
            ("Bytes=5-", ByteRange::From(5)),
            ("bytes=-5", ByteRange::Last(5)),
            (" bytes= 1-2 ", ByteRange::FromTo(1, 2)),
            (
                "bytes=0-99999999999999999999",
                ByteRange::FromTo(0, u64::MAX),
            ),
            ("bytes=99999999999999999999-", ByteRange::From(u64::MAX)),
        ] {
            assert_eq!(ByteRange::parse(text), Some(range), "{text}");
        }
        for bad in [
            "",
            "bytes",
            "bytes=",
            "bytes=-",
            "bytes=0-0,2-3",
            "bytes=2-1",
            "items=0-1",
            "bytes=a-b",
            "bytes=+1-2",
            "bytes=1-2-3",
            "bytes=1--",
        ] {
            assert_eq!(ByteRange::parse(bad), None, "{bad}");
        }
    }

    #[test]
    fn a_range_is_cut_to_the_length_of_the_media() {
        for (range, length, bytes) in [
            (ByteRange::FromTo(0, 4), 10, Some((0, 4))),
            (ByteRange::FromTo(5, 99), 10, Some((5, 9))),
            (ByteRange::From(9), 10, Some((9, 9))),
            (ByteRange::From(10), 10, None),
            (ByteRange::From(u64::MAX), 10, None),
            (ByteRange::Last(3), 10, Some((7, 9))),
            (ByteRange::Last(99), 10, Some((0, 9))),
            (ByteRange::Last(0), 10, None),
            (ByteRange::From(0), 0, None),
            (ByteRange::Last(5), 0, None),
        ] {
            assert_eq!(range.in_length(length), bytes, "{range} of {length}");
        }
    }

    #[test]
    fn a_part_is_the_requested_one_or_is_refused() {
        for (asked, part) in [
            ("bytes=0-4", (0, 4, Some(10))),
            ("bytes=5-99", (5, 9, Some(10))),
            ("bytes=5-", (5, 9, None)),
            ("bytes=-3", (7, 9, Some(10))),
            ("bytes=-99", (0, 9, Some(10))),
        ] {
            let range = ByteRange::parse(asked).expect(asked);
            assert!(range.is_answered_by(part), "{asked}");
        }
        for (asked, part) in [
            ("bytes=0-4", (5, 9, Some(10))),
            ("bytes=0-4", (0, 5, Some(10))),
            ("bytes=5-", (4, 9, Some(10))),
            ("bytes=5-", (5, 8, Some(10))),
            ("bytes=-3", (0, 2, Some(10))),
            ("bytes=-3", (6, 9, Some(10))),
            ("bytes=-3", (0, 9, None)),
        ] {
            let range = ByteRange::parse(asked).expect(asked);
            assert!(!range.is_answered_by(part), "{asked}");
        }
    }

    #[test]
    fn a_contradictory_content_range_is_none() {
        assert_eq!(parse_content_range("bytes 0-4/10"), Some((0, 4, Some(10))));
        assert_eq!(parse_content_range("bytes 0-4/*"), Some((0, 4, None)));
        for bad in [
            "",
            "bytes */10",
            "bytes 4-0/10",
            "bytes 0-10/10",
            "bytes 0-/10",
            "bytes 0-18446744073709551615/*",
            "bytes 0-18446744073709551616/*",
            "items 0-4/10",
        ] {
            assert_eq!(parse_content_range(bad), None, "{bad}");
        }
    }

    proptest! {
        #[test]
        fn any_text_is_a_range_or_none(text in "(bytes=)?[0-9 ,=-]{0,30}", length: u64) {
            if let Some(range) = ByteRange::parse(&text) {
                prop_assert_eq!(ByteRange::parse(&range.to_string()), Some(range));
                if let Some((first, last)) = range.in_length(length) {
                    prop_assert!(first <= last && last < length);
                    prop_assert!(range.is_answered_by((first, last, Some(length))));
                }
            }
        }
    }
}
