//! What a request wants of media, once it is known what the media is (RFC 9110, sections 13 and
//! 14).

use actix_web::http::header::HttpDate;
use std::time::SystemTime;

use super::ByteRange;

/// What a request wants.
#[derive(Debug, Clone, Copy, Default)]
pub struct Wanted<'a> {
    /// The head only.
    pub head_only: bool,
    /// One range of bytes.
    pub range: Option<ByteRange>,
    /// `If-Range`: the range only if this is the media's validator, otherwise all of it.
    pub if_range: Option<&'a str>,
    /// `If-None-Match`: nothing if one of these is the media's entity tag.
    pub if_none_match: Option<&'a str>,
    /// `If-Modified-Since`: nothing if the media is not younger.
    pub if_modified_since: Option<&'a str>,
}

/// What is to be given.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Selected {
    /// All of it (200).
    Whole,
    /// From the first byte to the last one (206).
    Part(u64, u64),
    /// Nothing: whoever asks has it (304).
    NotModified,
    /// Nothing: it is not that long (416).
    Unsatisfiable,
}

/// What conditions are compared with.
#[derive(Debug, Clone, Copy)]
pub(super) struct Validators<'a> {
    /// A strong entity tag, quoted.
    pub(super) etag: &'a str,
    /// A date in the format of HTTP.
    pub(super) last_modified: Option<&'a str>,
}

impl Wanted<'_> {
    /// Whether the answer may be that nothing has changed.
    pub(super) fn may_be_unmodified(&self) -> bool {
        self.if_none_match.is_some() || self.if_modified_since.is_some()
    }

    /// Chooses what to give of media of this length, `None`: not known yet. Preconditions come
    /// first, in the order of RFC 9110, section 13.2.2.
    pub(super) fn select(&self, validators: Validators<'_>, length: Option<u64>) -> Selected {
        if self.is_unmodified(validators) {
            return Selected::NotModified;
        }
        match (self.range, length) {
            (Some(range), Some(length)) if !self.head_only && self.holds_for_range(validators) => {
                match range.in_length(length) {
                    Some((first, last)) => Selected::Part(first, last),
                    None => Selected::Unsatisfiable,
                }
            }
            _ => Selected::Whole,
        }
    }

    pub(super) fn is_unmodified(&self, validators: Validators<'_>) -> bool {
        if let Some(tags) = self.if_none_match {
            return tags.trim() == "*"
                || tags
                    .split(',')
                    .map(|tag| tag.trim().trim_start_matches("W/"))
                    .any(|tag| tag == validators.etag);
        }
        let since = self.if_modified_since.and_then(date);
        match (since, validators.last_modified.and_then(date)) {
            (Some(since), Some(modified)) => modified <= since,
            _ => false,
        }
    }

    /// `If-Range` asks for a strong comparison; a date is one only if it is the very same.
    fn holds_for_range(&self, validators: Validators<'_>) -> bool {
        self.if_range.is_none_or(|text| {
            let text = text.trim();
            text == validators.etag
                || date(text).is_some() && Some(text) == validators.last_modified
        })
    }
}

fn date(text: &str) -> Option<SystemTime> {
    text.trim().parse::<HttpDate>().ok().map(SystemTime::from)
}

#[cfg(test)]
mod tests {
    use super::*;

    const DAY: &str = "Sun, 06 Nov 1994 08:49:37 GMT";
    const NEXT_DAY: &str = "Mon, 07 Nov 1994 08:49:37 GMT";
    const VALIDATORS: Validators<'_> = Validators {
        etag: "\"a\"",
        last_modified: Some(DAY),
    };

    #[test]
    fn whoever_has_it_gets_nothing() {
        let select = |if_none_match, if_modified_since| {
            Wanted {
                if_none_match,
                if_modified_since,
                ..Wanted::default()
            }
            .select(VALIDATORS, Some(10))
        };
        for tags in ["\"a\"", "W/\"a\"", "\"b\", \"a\"", "*", " \"a\" "] {
            assert_eq!(select(Some(tags), None), Selected::NotModified, "{tags}");
        }
        for tags in ["\"b\"", "a", "", ",,,", "\"a"] {
            assert_eq!(select(Some(tags), None), Selected::Whole, "{tags}");
        }
        assert_eq!(select(None, Some(DAY)), Selected::NotModified);
        assert_eq!(select(None, Some(NEXT_DAY)), Selected::NotModified);
        assert_eq!(select(None, Some("yesterday")), Selected::Whole);
        assert_eq!(
            select(Some("\"b\""), Some(DAY)),
            Selected::Whole,
            "the tag decides where there is one"
        );
    }

    #[test]
    fn a_range_is_given_on_its_condition() {
        let select = |range, if_range, length| {
            Wanted {
                range: ByteRange::parse(range),
                if_range,
                ..Wanted::default()
            }
            .select(VALIDATORS, length)
        };
        assert_eq!(select("bytes=2-3", None, Some(10)), Selected::Part(2, 3));
        assert_eq!(select("bytes=2-3", None, None), Selected::Whole);
        assert_eq!(select("bytes=10-", None, Some(10)), Selected::Unsatisfiable);
        for holds in ["\"a\"", DAY] {
            let selected = select("bytes=-1", Some(holds), Some(10));
            assert_eq!(selected, Selected::Part(9, 9), "{holds}");
        }
        for fails in ["\"b\"", "W/\"a\"", NEXT_DAY, "", "*"] {
            let selected = select("bytes=-1", Some(fails), Some(10));
            assert_eq!(selected, Selected::Whole, "{fails}");
        }
        let head = Wanted {
            head_only: true,
            range: ByteRange::parse("bytes=0-1"),
            ..Wanted::default()
        };
        assert_eq!(head.select(VALIDATORS, Some(10)), Selected::Whole);
    }
}
