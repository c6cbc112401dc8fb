//! The headers of a request that decide how much of the media it gets.

use std::borrow::Cow;

use actix_web::{
    dev::RequestHead,
    http::{
        Method,
        header::{self, HeaderMap, HeaderName},
    },
};

use crate::media::{ByteRange, Preconditions, RequestConditions};

/// Reads them.
pub(super) fn conditions(request: &RequestHead) -> RequestConditions<'_> {
    let headers = &request.headers;
    RequestConditions {
        is_head: request.method == Method::HEAD,
        range: one(headers, header::RANGE).and_then(ByteRange::parse),
        if_range: headers
            .contains_key(header::IF_RANGE)
            .then(|| one(headers, header::IF_RANGE).unwrap_or_default()),
        preconditions: Preconditions {
            if_match: list(headers, header::IF_MATCH),
            if_unmodified_since: one(headers, header::IF_UNMODIFIED_SINCE),
            if_none_match: list(headers, header::IF_NONE_MATCH),
            if_modified_since: one(headers, header::IF_MODIFIED_SINCE),
        },
    }
}

/// The value of a header that may be there once. Two values are none that anybody could mean.
fn one(headers: &HeaderMap, name: HeaderName) -> Option<&str> {
    let mut values = headers.get_all(name);
    let value = values.next()?.to_str().ok()?;
    values.next().is_none().then_some(value)
}

/// The value of a header that is a list: of all its lines (RFC 9110, section 5.3). A line that
/// cannot be read names nothing of ours.
fn list(headers: &HeaderMap, name: HeaderName) -> Option<Cow<'_, str>> {
    let mut lines = headers
        .get_all(name)
        .map(|line| line.to_str().unwrap_or_default());
    let first = Cow::Borrowed(lines.next()?);
    Some(lines.fold(first, |list, line| Cow::Owned(format!("{list}, {line}"))))
}

#[cfg(test)]
mod tests {
    use super::*;
    use actix_web::test::TestRequest;

    #[test]
    fn the_lines_of_a_list_are_one_list() {
        let request = TestRequest::default()
            .append_header(("If-Match", "\"a\""))
            .append_header(("If-Match", "\"b\", \"c\""))
            .append_header(("If-None-Match", &b"\xff"[..]))
            .append_header(("Range", "bytes=0-1"))
            .append_header(("Range", "bytes=2-3"))
            .to_http_request();
        let conditions = conditions(request.head());
        let preconditions = conditions.preconditions;
        assert_eq!(
            preconditions.if_match.as_deref(),
            Some("\"a\", \"b\", \"c\"")
        );
        assert_eq!(preconditions.if_none_match.as_deref(), Some(""));
        assert_eq!(preconditions.if_modified_since, None);
        assert_eq!(conditions.range, None);
    }
}
