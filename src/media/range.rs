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

/// Whether a part is what a `Range` header asked for, as far as the length of the whole is told.
pub(super) fn is_what_was_asked(
    header: &str,
    (first, last, whole): (u64, u64, Option<u64>),
) -> bool {
    let asked = header
        .trim()
        .strip_prefix("bytes=")
        .and_then(|spec| spec.trim().split_once('-'));
    let Some((from, to)) = asked else {
        return false;
    };
    match (from.parse::<u64>(), to.parse::<u64>()) {
        (Ok(from), to) => from == first && to.map_or(true, |to| last <= to),
        (Err(_), Ok(suffix)) => {
            last - first < suffix && whole.is_none_or(|whole| last + 1 == whole)
        }
        _ => false,
    }
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
    fn a_part_is_what_was_asked_for_or_is_refused() {
        for (asked, part) in [
            ("bytes=0-4", (0, 4, Some(10))),
            ("bytes=5-99", (5, 9, Some(10))),
            ("bytes=5-", (5, 9, None)),
            ("bytes=-3", (7, 9, Some(10))),
            ("bytes=-99", (0, 9, Some(10))),
        ] {
            assert!(is_what_was_asked(asked, part), "{asked}");
        }
        for (asked, part) in [
            ("bytes=0-4", (5, 9, Some(10))),
            ("bytes=0-4", (0, 5, Some(10))),
            ("bytes=5-", (4, 9, Some(10))),
            ("bytes=-3", (0, 2, Some(10))),
            ("bytes=-3", (6, 9, Some(10))),
            ("nonsense", (0, 0, None)),
        ] {
            assert!(!is_what_was_asked(asked, part), "{asked}");
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
