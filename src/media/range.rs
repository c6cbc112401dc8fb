//! The grammar of `Range` (RFC 9110, section 14).

/// Whether a `Range` header asks for one range of bytes, so that it may be handed on. Anything
/// else is ignored, as RFC 9110 allows.
#[must_use]
pub fn is_single_range(header: &str) -> bool {
    let Some(spec) = header.trim().strip_prefix("bytes=") else {
        return false;
    };
    let Some((first, last)) = spec.trim().split_once('-') else {
        return false;
    };
    let number = |text: &str| -> Option<u64> {
        text.bytes()
            .all(|b| b.is_ascii_digit())
            .then(|| text.parse().ok())
            .flatten()
    };
    match (first, last) {
        ("", suffix) => number(suffix).is_some(),
        (first, "") => number(first).is_some(),
        (first, last) => matches!((number(first), number(last)), (Some(a), Some(b)) if a <= b),
    }
}

/// The first and last byte and the whole length (`None`: not told) of a `Content-Range`.
pub(super) fn parse_content_range(header: &str) -> Option<(u64, u64, Option<u64>)> {
    let (range, length) = header.strip_prefix("bytes ")?.split_once('/')?;
    let (first, last) = range.split_once('-')?;
    let (first, last): (u64, u64) = (first.parse().ok()?, last.parse().ok()?);
    let length = match length {
        "*" => None,
        length => Some(length.parse().ok()?),
    };
    (first <= last && length.is_none_or(|length| last < length)).then_some((first, last, length))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_range_is_handed_on() {
        for good in ["bytes=0-0", "bytes=5-", "bytes=-5", " bytes=1-2 "] {
            assert!(is_single_range(good), "{good}");
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
            "bytes=99999999999999999999-",
        ] {
            assert!(!is_single_range(bad), "{bad}");
        }
    }

    #[test]
    fn a_content_range_makes_sense_or_is_none() {
        assert_eq!(parse_content_range("bytes 0-4/10"), Some((0, 4, Some(10))));
        assert_eq!(parse_content_range("bytes 0-4/*"), Some((0, 4, None)));
        for bad in [
            "",
            "bytes */10",
            "bytes 4-0/10",
            "bytes 0-10/10",
            "bytes 0-/10",
            "items 0-4/10",
        ] {
            assert_eq!(parse_content_range(bad), None, "{bad}");
        }
    }
}
