//! The preconditions of a request (RFC 9110, section 13): whether it is answered with media at all.

use std::{borrow::Cow, time::SystemTime};

use actix_web::http::{StatusCode, header::HttpDate};

/// Why an answer carries no media.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum NoMedia {
    /// The client has it.
    NotModified,
    /// It is not the media that the client means.
    PreconditionFailed,
}

/// The validators of media.
#[derive(Debug, Clone, Copy)]
pub(super) struct Validators<'a> {
    /// A strong entity tag, quoted.
    pub(super) etag: &'a str,
    /// `Last-Modified`.
    pub(super) last_modified: Option<&'a str>,
}

/// The headers that make an answer depend on validators. Several lines of one header are one list.
#[derive(Debug, Clone, Default)]
pub struct Preconditions<'a> {
    /// `If-Match`: media only if one of these is its entity tag.
    pub if_match: Option<Cow<'a, str>>,
    /// `If-Unmodified-Since`: media only if it is not younger.
    pub if_unmodified_since: Option<&'a str>,
    /// `If-None-Match`: nothing if one of these is the media's entity tag.
    pub if_none_match: Option<Cow<'a, str>>,
    /// `If-Modified-Since`: nothing if the media is not younger.
    pub if_modified_since: Option<&'a str>,
}

impl Preconditions<'_> {
    /// Whether the validators of the media may decide against an answer with media.
    pub(super) fn is_any(&self) -> bool {
        self.if_match.is_some()
            || self.if_unmodified_since.is_some()
            || self.if_none_match.is_some()
            || self.if_modified_since.is_some()
    }

    /// The answer without media, if they ask for one, in the order of RFC 9110, section 13.2.2.
    pub(super) fn decide(&self, media: Validators<'_>) -> Option<NoMedia> {
        if self.is_about_other(media) {
            Some(NoMedia::PreconditionFailed)
        } else if self.client_already_has(media) {
            Some(NoMedia::NotModified)
        } else {
            None
        }
    }

    /// The status of an answer without content, if they ask for one, for what has an entity tag (strong and quoted) and
    /// no date.
    #[must_use]
    pub fn status_without_content(&self, etag: &str) -> Option<StatusCode> {
        let validators = Validators {
            etag,
            last_modified: None,
        };
        self.decide(validators).map(|no_media| match no_media {
            NoMedia::NotModified => StatusCode::NOT_MODIFIED,
            NoMedia::PreconditionFailed => StatusCode::PRECONDITION_FAILED,
        })
    }

    /// Whether the client means other media than this: by a strong comparison, or by a date. A date
    /// is ignored where it is none, and where the media has none.
    fn is_about_other(&self, media: Validators<'_>) -> bool {
        if let Some(tags) = &self.if_match {
            return tags.trim() != "*"
                && !entity_tags(tags).any(|tag| !tag.is_weak && tag.opaque == media.etag);
        }
        let (since, modified) = (self.if_unmodified_since, media.last_modified);
        dates(since, modified).is_some_and(|(since, modified)| modified > since)
    }

    /// Whether the client's own copy is the media as it is now, by a weak comparison or a date.
    fn client_already_has(&self, media: Validators<'_>) -> bool {
        if let Some(tags) = &self.if_none_match {
            return tags.trim() == "*" || entity_tags(tags).any(|tag| tag.opaque == media.etag);
        }
        let (since, modified) = (self.if_modified_since, media.last_modified);
        dates(since, modified).is_some_and(|(since, modified)| modified <= since)
    }
}

/// Two dates, if both are there and are dates.
fn dates(since: Option<&str>, modified: Option<&str>) -> Option<(SystemTime, SystemTime)> {
    Some((date(since?)?, date(modified?)?))
}

/// A date in the format of HTTP.
pub(super) fn date(text: &str) -> Option<SystemTime> {
    text.trim().parse::<HttpDate>().ok().map(SystemTime::from)
}

/// An entity tag of a list.
struct EntityTag<'a> {
    is_weak: bool,
    /// The tag with its quotes.
    opaque: &'a str,
}

/// The entity tags of a list (RFC 9110, section 8.8.3), up to the first place where it is none.
fn entity_tags(list: &str) -> impl Iterator<Item = EntityTag<'_>> {
    let mut rest = list;
    std::iter::from_fn(move || {
        rest = rest.trim_start_matches([' ', '\t', ',']);
        let (is_weak, tag) = match rest.strip_prefix("W/") {
            Some(tag) => (true, tag),
            None => (false, rest),
        };
        let end = tag.strip_prefix('"')?.find('"')? + 2;
        let (opaque, after) = tag.split_at(end);
        rest = after;
        let ends_well = after.trim_start_matches([' ', '\t']);
        (ends_well.is_empty() || ends_well.starts_with(','))
            .then_some(EntityTag { is_weak, opaque })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const DAY_BEFORE: &str = "Sat, 05 Nov 1994 08:49:37 GMT";
    const DAY: &str = "Sun, 06 Nov 1994 08:49:37 GMT";
    const NEXT_DAY: &str = "Mon, 07 Nov 1994 08:49:37 GMT";

    fn decided(preconditions: &Preconditions<'_>) -> Option<NoMedia> {
        assert!(preconditions.is_any());
        preconditions.decide(Validators {
            etag: "\"a\"",
            last_modified: Some(DAY),
        })
    }

    #[test]
    fn a_client_that_has_the_media_gets_nothing() {
        let decided = |if_none_match: Option<&'static str>, if_modified_since| {
            decided(&Preconditions {
                if_none_match: if_none_match.map(Cow::from),
                if_modified_since,
                ..Preconditions::default()
            })
        };
        for tags in [
            "\"a\"",
            "W/\"a\"",
            "\"b\", \"a\"",
            "\"b,\" ,\"a\"",
            "*",
            " \"a\" ",
            ",,\"a\",",
        ] {
            assert_eq!(
                decided(Some(tags), None),
                Some(NoMedia::NotModified),
                "{tags}"
            );
        }
        for tags in [
            "\"b\"",
            "a",
            "",
            ",,,",
            "\"a",
            "\"a\"x",
            "\"b,\"a\"\"",
            "w/\"a\"",
            "* ,*",
        ] {
            assert_eq!(decided(Some(tags), None), None, "{tags}");
        }
        for since in [DAY, NEXT_DAY] {
            assert_eq!(decided(None, Some(since)), Some(NoMedia::NotModified));
        }
        for since in [DAY_BEFORE, "yesterday"] {
            assert_eq!(decided(None, Some(since)), None, "{since}");
        }
        let both = decided(Some("\"b\""), Some(DAY));
        assert_eq!(both, None, "the tag decides where there is one");
    }

    #[test]
    fn a_client_that_means_other_media_gets_nothing() {
        let decided = |if_match: Option<&'static str>, if_unmodified_since| {
            decided(&Preconditions {
                if_match: if_match.map(Cow::from),
                if_unmodified_since,
                ..Preconditions::default()
            })
        };
        for tags in ["\"a\"", "*", "\"b\", \"a\"", "W/\"a\", \"a\""] {
            assert_eq!(decided(Some(tags), None), None, "{tags}");
        }
        for tags in ["\"b\"", "W/\"a\"", "a", "", "\"b\",W/\"a\"", "\"A\""] {
            let decision = decided(Some(tags), None);
            assert_eq!(decision, Some(NoMedia::PreconditionFailed), "{tags}");
        }
        for since in [DAY, NEXT_DAY, "yesterday", ""] {
            assert_eq!(decided(None, Some(since)), None, "{since}");
        }
        let before = decided(None, Some(DAY_BEFORE));
        assert_eq!(before, Some(NoMedia::PreconditionFailed));
        let both = decided(Some("\"a\""), Some(DAY_BEFORE));
        assert_eq!(both, None, "the tag decides where there is one");
    }

    #[test]
    fn other_media_comes_before_media_that_the_client_has() {
        let both = |if_match: &'static str| {
            decided(&Preconditions {
                if_match: Some(if_match.into()),
                if_none_match: Some("\"a\"".into()),
                ..Preconditions::default()
            })
        };
        assert_eq!(both("\"b\""), Some(NoMedia::PreconditionFailed));
        assert_eq!(both("\"a\""), Some(NoMedia::NotModified));
    }
}
