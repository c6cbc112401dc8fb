//! The one place that decides how much of media an answer carries: all of it, a range, its head
//! only, or nothing (RFC 9110, sections 13 to 15). Values in, a decision out; no I/O.

use actix_web::http::StatusCode;

use super::{
    ByteRange,
    preconditions::{NoMedia, Preconditions, Validators, date},
};

/// The headers of a request that decide how much of media it gets.
#[derive(Debug, Clone, Default)]
pub struct RequestConditions<'a> {
    /// `HEAD` in place of `GET`.
    pub is_head: bool,
    /// `Range`, if it asks for one range of bytes.
    pub range: Option<ByteRange>,
    /// `If-Range`: the range only if this is the media's validator, otherwise all of it.
    pub if_range: Option<&'a str>,
    /// Whether it is answered with media at all.
    pub preconditions: Preconditions<'a>,
}

/// Media as the headers of an answer describe it, whichever part of it the answer carries.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Representation {
    /// A strong entity tag, quoted.
    pub etag: String,
    /// A date in the format of HTTP.
    pub last_modified: Option<String>,
    /// The length of the whole in bytes; `None`: not known yet.
    pub length: Option<u64>,
    /// Whether ranges of it are served, which `Accept-Ranges` announces.
    pub has_ranges: bool,
}

/// How much of media an answer carries.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Decision {
    /// All of it (200).
    Whole,
    /// The headers of the whole, without a body (200 to a `HEAD`).
    Head,
    /// From the first byte to the last one, both included (206).
    Part {
        /// The position of the first byte.
        first: u64,
        /// The position of the last byte.
        last: u64,
    },
    /// Nothing: the client has it (304).
    NotModified,
    /// Nothing: it is not the media that the client means (412).
    PreconditionFailed,
    /// Nothing: no byte of it is in the range (416).
    Unsatisfiable,
}

/// Decides how much of a representation a request gets. Preconditions come first, in the order of
/// RFC 9110, section 13.2.2.
pub(super) fn decide(media: &Representation, request: &RequestConditions<'_>) -> Decision {
    decide_of_arrived(media, request, 0)
}

/// The same while the length of the media may be unknown: then a range is given as long as all of it
/// is among the bytes that have arrived.
pub(super) fn decide_of_arrived(
    media: &Representation,
    request: &RequestConditions<'_>,
    arrived: u64,
) -> Decision {
    if let Some(decision) = without_media(media, request) {
        return decision;
    }
    if request.is_head {
        return Decision::Head;
    }
    match (request.range_of(media), media.length) {
        (Some(range), Some(length)) => match range.in_length(length) {
            Some((first, last)) => Decision::Part { first, last },
            None => Decision::Unsatisfiable,
        },
        (Some(ByteRange::FromTo(first, last)), None) if last < arrived => {
            Decision::Part { first, last }
        }
        _ => Decision::Whole,
    }
}

/// The decision of the preconditions, if they are against an answer with media.
pub(super) fn without_media(
    media: &Representation,
    request: &RequestConditions<'_>,
) -> Option<Decision> {
    let validators = Validators {
        etag: &media.etag,
        last_modified: media.last_modified.as_deref(),
    };
    Some(match request.preconditions.decide(validators)? {
        NoMedia::NotModified => Decision::NotModified,
        NoMedia::PreconditionFailed => Decision::PreconditionFailed,
    })
}

impl Decision {
    /// The status of the answer.
    #[must_use]
    pub fn status(self) -> StatusCode {
        match self {
            Self::Whole | Self::Head => StatusCode::OK,
            Self::Part { .. } => StatusCode::PARTIAL_CONTENT,
            Self::NotModified => StatusCode::NOT_MODIFIED,
            Self::PreconditionFailed => StatusCode::PRECONDITION_FAILED,
            Self::Unsatisfiable => StatusCode::RANGE_NOT_SATISFIABLE,
        }
    }

    /// Whether nothing is given since the request cannot be met.
    #[must_use]
    pub fn is_failure(self) -> bool {
        matches!(self, Self::PreconditionFailed | Self::Unsatisfiable)
    }

    /// Whether the answer describes content: its type, its disposition and its length.
    #[must_use]
    pub fn describes_content(self) -> bool {
        matches!(self, Self::Whole | Self::Head | Self::Part { .. })
    }

    /// `Content-Length`, of media of this length; `None`: not known, or none is sent.
    #[must_use]
    pub fn content_length(self, whole: Option<u64>) -> Option<u64> {
        match self {
            Self::Whole | Self::Head => whole,
            Self::Part { first, last } => Some(last - first + 1),
            Self::NotModified | Self::PreconditionFailed | Self::Unsatisfiable => None,
        }
    }

    /// `Content-Range`, of media of this length (RFC 9110, section 14.4).
    #[must_use]
    pub fn content_range(self, whole: Option<u64>) -> Option<String> {
        match self {
            Self::Part { first, last } => {
                let whole = whole.map_or_else(|| "*".to_owned(), |whole| whole.to_string());
                Some(format!("bytes {first}-{last}/{whole}"))
            }
            Self::Unsatisfiable => whole.map(|whole| format!("bytes */{whole}")),
            Self::Whole | Self::Head | Self::NotModified | Self::PreconditionFailed => None,
        }
    }
}

impl RequestConditions<'_> {
    /// Whether the length of the whole decides about the answer.
    pub(super) fn needs_length(&self) -> bool {
        !self.is_head && self.range.is_some_and(|range| range != ByteRange::From(0))
    }

    /// The range that is asked for, as far as a representation's validators allow it.
    pub(super) fn range_of(&self, media: &Representation) -> Option<ByteRange> {
        self.range
            .filter(|_| !self.is_head && media.has_ranges && self.allows_range_of(media))
    }

    /// `If-Range` asks for a strong comparison; a date is one only if it is the very same.
    fn allows_range_of(&self, media: &Representation) -> bool {
        self.if_range.is_none_or(|text| {
            let text = text.trim();
            text == media.etag
                || date(text).is_some() && Some(text) == media.last_modified.as_deref()
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const DAY: &str = "Sun, 06 Nov 1994 08:49:37 GMT";
    const NEXT_DAY: &str = "Mon, 07 Nov 1994 08:49:37 GMT";

    fn media(length: Option<u64>) -> Representation {
        Representation {
            etag: "\"a\"".to_owned(),
            last_modified: Some(DAY.to_owned()),
            length,
            has_ranges: true,
        }
    }

    #[test]
    fn a_precondition_comes_before_head_and_range() {
        for is_head in [false, true] {
            let request = RequestConditions {
                is_head,
                range: ByteRange::parse("bytes=99-"),
                preconditions: Preconditions {
                    if_none_match: Some("*".into()),
                    ..Preconditions::default()
                },
                ..RequestConditions::default()
            };
            assert_eq!(decide(&media(Some(10)), &request), Decision::NotModified);
            let other = RequestConditions {
                preconditions: Preconditions {
                    if_match: Some("\"b\"".into()),
                    ..Preconditions::default()
                },
                ..request
            };
            let decision = decide(&media(Some(10)), &other);
            assert_eq!(decision, Decision::PreconditionFailed);
        }
    }

    #[test]
    fn a_range_is_given_on_its_condition() {
        let part = |first, last| Decision::Part { first, last };
        let decided = |range, if_range, length| {
            let request = RequestConditions {
                range: ByteRange::parse(range),
                if_range,
                ..RequestConditions::default()
            };
            decide(&media(length), &request)
        };
        assert_eq!(decided("bytes=2-3", None, Some(10)), part(2, 3));
        assert_eq!(decided("bytes=2-3", None, None), Decision::Whole);
        assert_eq!(
            decided("bytes=10-", None, Some(10)),
            Decision::Unsatisfiable
        );
        for holds in ["\"a\"", DAY] {
            let decision = decided("bytes=-1", Some(holds), Some(10));
            assert_eq!(decision, part(9, 9), "{holds}");
        }
        for fails in ["\"b\"", "W/\"a\"", NEXT_DAY, "", "*"] {
            let decision = decided("bytes=-1", Some(fails), Some(10));
            assert_eq!(decision, Decision::Whole, "{fails}");
        }
    }

    #[test]
    fn a_range_of_media_without_a_length_is_given_once_it_has_arrived() {
        let decided = |range, arrived| {
            let request = RequestConditions {
                range: ByteRange::parse(range),
                ..RequestConditions::default()
            };
            decide_of_arrived(&media(None), &request, arrived)
        };
        let part = Decision::Part { first: 0, last: 1 };
        assert_eq!(decided("bytes=0-1", 2), part);
        for (range, arrived) in [
            ("bytes=0-1", 1),
            ("bytes=0-", 99),
            ("bytes=5-", 99),
            ("bytes=-1", 99),
            ("bytes=0-18446744073709551615", u64::MAX),
        ] {
            assert_eq!(decided(range, arrived), Decision::Whole, "{range}");
        }
    }

    #[test]
    fn media_without_ranges_and_a_head_ignore_the_range() {
        let request = RequestConditions {
            range: ByteRange::parse("bytes=0-1"),
            ..RequestConditions::default()
        };
        let no_ranges = Representation {
            has_ranges: false,
            ..media(Some(10))
        };
        assert_eq!(decide(&no_ranges, &request), Decision::Whole);
        let head = RequestConditions {
            is_head: true,
            ..request
        };
        assert_eq!(decide(&media(Some(10)), &head), Decision::Head);
        assert_eq!(head.range_of(&media(Some(10))), None);
    }

    #[test]
    fn each_decision_has_its_status_length_and_range() {
        let part = Decision::Part { first: 2, last: 4 };
        for (decision, whole, expected) in [
            (Decision::Whole, Some(10), (200, Some(10), None)),
            (Decision::Whole, None, (200, None, None)),
            (Decision::Head, Some(10), (200, Some(10), None)),
            (part, Some(10), (206, Some(3), Some("bytes 2-4/10"))),
            (part, None, (206, Some(3), Some("bytes 2-4/*"))),
            (Decision::NotModified, Some(10), (304, None, None)),
            (Decision::PreconditionFailed, Some(10), (412, None, None)),
            (
                Decision::Unsatisfiable,
                Some(10),
                (416, None, Some("bytes */10")),
            ),
            (Decision::Unsatisfiable, None, (416, None, None)),
        ] {
            let range = decision.content_range(whole);
            let found = (
                decision.status().as_u16(),
                decision.content_length(whole),
                range.as_deref(),
            );
            assert_eq!(found, expected, "{decision:?} of {whole:?}");
        }
    }
}
